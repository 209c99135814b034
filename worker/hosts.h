/* How many connections this worker's tools may hold to one server (host:port) at a time
 * (MIGRATION_HOST_CONNECTIONS). */
#ifndef WORKER_HOSTS_H
#define WORKER_HOSTS_H

struct hosts;

struct hosts *hosts_new(int per_host);
void hosts_free(struct hosts *h);

/* Reserves up to `want` connections on both hosts (either may be NULL; the same name counts twice) and returns
 * how many, 0 when a host has none left: then nothing is reserved. */
int hosts_take(struct hosts *h, const char *a, const char *b, int want);
void hosts_give(struct hosts *h, const char *a, const char *b, int n);

#endif
