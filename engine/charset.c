#include "charset.h"

#include <string.h>

#include "str.h"

#include "banned.h"

bool charset_is_utf8(const char *name)
{
	return str_ieq(name, "utf-8") || str_ieq(name, "utf8") || str_ieq(name, "us-ascii") || str_ieq(name, "ascii");
}

iconv_t charset_open(const char *name)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:+()";

	if (name[0] == '\0' || strlen(name) >= CHARSET_MAX || name[strspn(name, allowed)] != '\0')
		return (iconv_t)-1;
	return iconv_open("UTF-8", name);
}
