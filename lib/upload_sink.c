#include "upload_hasher.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

#include "mem.h"

#include "banned.h"

#define WORTH (64u << 10)  /* bytes; less is hashed on the spot */
#define STACK (128u << 10) /* it calls SHA-256 and nothing else */

struct upload_hasher {
	struct upload_hash hash;
	pthread_mutex_t lock;
	pthread_cond_t turn; /* something to do, or done */
	pthread_t thread;
	bool running, ending;
	const void *p; /* what is being hashed, NULL when idle */
	size_t n;
};

static void *work(void *arg)
{
	struct upload_hasher *s = arg;

	pthread_mutex_lock(&s->lock);
	for (;;) {
		while (s->p == NULL && !s->ending)
			pthread_cond_wait(&s->turn, &s->lock);
		if (s->p == NULL)
			break;
		pthread_mutex_unlock(&s->lock);
		upload_hash_feed(&s->hash, s->p, s->n);
		pthread_mutex_lock(&s->lock);
		s->p = NULL;
		pthread_cond_signal(&s->turn);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* All signals are its owner's. False: no thread can be had, the owner hashes himself. */
static bool start(struct upload_hasher *s)
{
	sigset_t all, before;
	pthread_attr_t attr;

	if (s->running)
		return true;
	if (pthread_attr_init(&attr) != 0)
		return false;
	pthread_attr_setstacksize(&attr, STACK);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	s->running = pthread_create(&s->thread, &attr, work, s) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return s->running;
}

static void settle(struct upload_hasher *s)
{
	if (!s->running)
		return;
	pthread_mutex_lock(&s->lock);
	while (s->p != NULL)
		pthread_cond_wait(&s->turn, &s->lock);
	pthread_mutex_unlock(&s->lock);
}

struct upload_hasher *upload_hasher_new(void)
{
	struct upload_hasher *s = xcalloc(1, sizeof(*s));

	upload_hash_init(&s->hash);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->turn, NULL);
	return s;
}

void upload_hasher_free(struct upload_hasher *s)
{
	if (s == NULL)
		return;
	if (s->running) {
		pthread_mutex_lock(&s->lock);
		s->ending = true;
		pthread_cond_signal(&s->turn);
		pthread_mutex_unlock(&s->lock);
		pthread_join(s->thread, NULL);
	}
	pthread_cond_destroy(&s->turn);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

void upload_hasher_set(struct upload_hasher *s, const struct upload_hash *from)
{
	settle(s);
	s->hash = *from;
}

void upload_hasher_feed(struct upload_hasher *s, const void *p, size_t n)
{
	settle(s);
	if (n < WORTH || !start(s)) {
		upload_hash_feed(&s->hash, p, n);
		return;
	}
	pthread_mutex_lock(&s->lock);
	s->p = p;
	s->n = n;
	pthread_cond_signal(&s->turn);
	pthread_mutex_unlock(&s->lock);
}

const struct upload_hash *upload_hasher_get(struct upload_hasher *s)
{
	settle(s);
	return &s->hash;
}
