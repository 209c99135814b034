/* Functions that have a safer sibling here. Include it last, in every .c file. */
#ifndef BANNED_H
#define BANNED_H

#define BANNED(f) sorry_##f##_is_banned
#undef strcpy
#define strcpy BANNED(strcpy)
#undef strcat
#define strcat BANNED(strcat)
#undef strncpy
#define strncpy BANNED(strncpy)
#undef strncat
#define strncat BANNED(strncat)
#undef sprintf
#define sprintf BANNED(sprintf)
#undef vsprintf
#define vsprintf BANNED(vsprintf)
#undef gmtime
#define gmtime BANNED(gmtime)
#undef localtime
#define localtime BANNED(localtime)
#undef ctime
#define ctime BANNED(ctime)
#undef asctime
#define asctime BANNED(asctime)
#undef strtok
#define strtok BANNED(strtok)
#undef atoi
#define atoi BANNED(atoi)
#undef system
#define system BANNED(system)
#undef tmpnam
#define tmpnam BANNED(tmpnam)
#undef mktemp
#define mktemp BANNED(mktemp)

#endif
