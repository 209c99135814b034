#include "hosts.h"

#include <stdlib.h>
#include <strings.h>

#include "mem.h"
#include "str.h"

#include "banned.h"

struct host {
	struct host *next;
	char *name;
	int used;
};

struct hosts {
	struct host *list;
	int per_host;
};

struct hosts *hosts_new(int per_host)
{
	struct hosts *h = xcalloc(1, sizeof(*h));

	h->per_host = per_host;
	return h;
}

void hosts_free(struct hosts *h)
{
	struct host *at;

	if (h == NULL)
		return;
	while ((at = h->list) != NULL) {
		h->list = at->next;
		free(at->name);
		free(at);
	}
	free(h);
}

static struct host *find(struct hosts *h, const char *name)
{
	struct host *at = h->list;

	while (at != NULL && !str_ieq(at->name, name))
		at = at->next;
	if (at == NULL) {
		at = xcalloc(1, sizeof(*at));
		at->name = xstrdup(name);
		at->next = h->list;
		h->list = at;
	}
	return at;
}

/* What a host has left for a pair that needs `each` connections of it. */
static int left(struct hosts *h, const char *name, int each)
{
	return name != NULL ? (h->per_host - find(h, name)->used) / each : h->per_host;
}

int hosts_take(struct hosts *h, const char *a, const char *b, int want)
{
	int each = a != NULL && b != NULL && str_ieq(a, b) ? 2 : 1;
	int n = want, free_a = left(h, a, each), free_b = left(h, b, each);

	/* source and destination on one host that allows a single connection: one pair, or nothing ever moves */
	if (each == 2 && h->per_host < 2 && find(h, a)->used == 0)
		free_a = free_b = 1;
	if (free_a < n)
		n = free_a;
	if (free_b < n)
		n = free_b;
	if (n <= 0)
		return 0;
	hosts_give(h, a, b, -n);
	return n;
}

void hosts_give(struct hosts *h, const char *a, const char *b, int n)
{
	if (a != NULL)
		find(h, a)->used -= n;
	if (b != NULL)
		find(h, b)->used -= n;
}
