#include "gate_cache.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

#include "banned.h"

#define SLOTS 4096        /* a power of two */
#define BODY_MAX 8192     /* a longer answer is made each time */
#define BUDGET (2u << 20) /* bytes of all bodies and keys */

struct slot {
	char *key; /* org, '\n', domain; NULL: empty */
	struct gate_answer answer;
	int64_t recheck_at;
};

struct gate_cache {
	struct slot slots[SLOTS];
	size_t used;
	int64_t data_version; /* what all slots are true of */
	uint64_t writes;
};

struct gate_cache *gate_cache_new(void)
{
	return xcalloc(1, sizeof(struct gate_cache));
}

static void drop(struct gate_cache *g, struct slot *s)
{
	if (s->key == NULL)
		return;
	g->used -= s->answer.len + strlen(s->key);
	free(s->key);
	free(s->answer.body);
	memset(s, 0, sizeof(*s));
}

static void clear(struct gate_cache *g)
{
	for (size_t i = 0; g->used > 0 && i < SLOTS; i++)
		drop(g, &g->slots[i]);
}

void gate_cache_free(struct gate_cache *g)
{
	if (g != NULL)
		clear(g);
	free(g);
}

/* FNV-1a: keys come from people who are allowed to ask, and a collision only costs a miss. */
static uint32_t step(uint32_t h, const char *s)
{
	for (; *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * 16777619u;
	return h;
}

static struct slot *slot_of(struct gate_cache *g, const char *org, const char *domain)
{
	uint32_t h = step(step(2166136261u, org) * 31u, domain);

	return &g->slots[(h ^ (h >> 16)) & (SLOTS - 1)];
}

static bool is_key(const struct slot *s, const char *org, const char *domain)
{
	size_t n = strlen(org);

	return s->key != NULL && strncmp(s->key, org, n) == 0 && s->key[n] == '\n' &&
	       strcmp(s->key + n + 1, domain) == 0;
}

static void refresh(struct app *app)
{
	struct gate_cache *g = app->gates;

	if (g->data_version == app->data_version && g->writes == app->writes)
		return;
	clear(g);
	g->data_version = app->data_version;
	g->writes = app->writes;
}

const struct gate_answer *gate_cache_find(
	struct app *app, const char *org, const char *domain, int64_t now_ms)
{
	struct slot *s;

	refresh(app);
	s = slot_of(app->gates, org, domain);
	if (!is_key(s, org, domain))
		return NULL;
	if (s->recheck_at != 0 && now_ms >= s->recheck_at) {
		drop(app->gates, s);
		return NULL;
	}
	return &s->answer;
}

void gate_cache_put(struct app *app, const char *org, const char *domain, const char *body, size_t len,
	const char *etag, int64_t recheck_at)
{
	struct gate_cache *g = app->gates;
	struct slot *s;

	refresh(app);
	if (len > BODY_MAX)
		return;
	if (g->used + len > BUDGET)
		clear(g);
	s = slot_of(g, org, domain);
	drop(g, s);
	s->key = xasprintf("%s\n%s", org, domain);
	s->answer.body = xmalloc(len + 1);
	memcpy(s->answer.body, body, len);
	s->answer.body[len] = '\0';
	s->answer.len = len;
	memcpy(s->answer.etag, etag, strnlen(etag, sizeof(s->answer.etag) - 1));
	s->recheck_at = recheck_at;
	g->used += len + strlen(s->key);
}
