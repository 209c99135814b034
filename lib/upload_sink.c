#include "upload_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "mem.h"

#include "banned.h"

#define BLOCKS 4             /* at most */
#define WORTH (64u << 10)    /* bytes; with less the owner deals on the spot */
#define STACK (128u << 10)   /* it calls SHA-256 and nothing else */
#define WRITEBACK (8u << 20) /* bytes handed to the disk as they come, so that a later fsync is short */

struct piece {
	char *block;
	size_t n;
};

struct upload_sink {
	/* of whoever deals with a piece: the thread, or the owner when none is on its way */
	struct upload_hash hash;
	int fd, error;    /* errno of the first write that failed; 0: none */
	uint64_t started; /* writeback began up to here */

	pthread_mutex_t lock;
	pthread_cond_t work, done;
	pthread_t thread;
	bool running, ending;
	int failed; /* the same, for the owner to see at any time */
	char *all[BLOCKS], *idle[BLOCKS];
	size_t n_all, n_idle;
	struct piece queue[BLOCKS]; /* a ring: n_queue from `first` on, the first of them in work */
	size_t first, n_queue;
};

static int write_out(int fd, const char *from, size_t left, off_t at)
{
	while (left > 0) {
		ssize_t k = pwrite(fd, from, left, at);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return k < 0 ? errno : EIO;
		from += k;
		at += k;
		left -= (size_t)k;
	}
	return 0;
}

static void deal(struct upload_sink *s, const struct piece *p)
{
	if (s->error == 0)
		s->error = write_out(s->fd, p->block, p->n, (off_t)s->hash.length);
	if (s->error != 0)
		return;
	upload_hash_feed(&s->hash, p->block, p->n);
	if (s->hash.length - s->started >= WRITEBACK) {
		sync_file_range(s->fd, (off_t)s->started, (off_t)(s->hash.length - s->started),
			SYNC_FILE_RANGE_WRITE);
		s->started = s->hash.length;
	}
}

static void *work(void *arg)
{
	struct upload_sink *s = arg;

	pthread_mutex_lock(&s->lock);
	for (;;) {
		const struct piece *p = &s->queue[s->first]; /* nobody else moves `first` */

		while (s->n_queue == 0 && !s->ending)
			pthread_cond_wait(&s->work, &s->lock);
		if (s->n_queue == 0)
			break;
		pthread_mutex_unlock(&s->lock);
		deal(s, p);
		pthread_mutex_lock(&s->lock);
		s->failed = s->error;
		s->idle[s->n_idle++] = p->block;
		s->first = (s->first + 1) % BLOCKS;
		s->n_queue--;
		pthread_cond_signal(&s->done);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* All signals are its owner's. False: no thread can be had, the owner deals with everything. */
static bool start(struct upload_sink *s)
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

static const struct err *failure(int error)
{
	errno = error;
	return error == 0 ? NULL : err_errno("write the upload");
}

static int wait_done(struct upload_sink *s)
{
	int error;

	pthread_mutex_lock(&s->lock);
	while (s->n_queue > 0)
		pthread_cond_wait(&s->done, &s->lock);
	error = s->error;
	pthread_mutex_unlock(&s->lock);
	return error;
}

struct upload_sink *upload_sink_new(void)
{
	struct upload_sink *s = xcalloc(1, sizeof(*s));

	s->fd = -1;
	upload_hash_init(&s->hash);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->work, NULL);
	pthread_cond_init(&s->done, NULL);
	return s;
}

void upload_sink_free(struct upload_sink *s)
{
	if (s == NULL)
		return;
	if (s->running) {
		pthread_mutex_lock(&s->lock);
		s->ending = true;
		pthread_cond_signal(&s->work);
		pthread_mutex_unlock(&s->lock);
		pthread_join(s->thread, NULL);
	}
	for (size_t i = 0; i < s->n_all; i++)
		free(s->all[i]);
	pthread_cond_destroy(&s->done);
	pthread_cond_destroy(&s->work);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

void upload_sink_set(struct upload_sink *s, int fd, const struct upload_hash *from)
{
	wait_done(s);
	s->fd = fd;
	s->error = s->failed = 0;
	s->hash = *from;
	s->started = from->length;
}

char *upload_sink_block(struct upload_sink *s)
{
	char *block;

	pthread_mutex_lock(&s->lock);
	while (s->n_idle == 0 && s->n_all == BLOCKS)
		pthread_cond_wait(&s->done, &s->lock);
	if (s->n_all < BLOCKS) /* all of them, then each in turn: so much it is, however quick the line is */
		s->idle[s->n_idle++] = s->all[s->n_all++] = xmalloc(UPLOAD_BLOCK);
	block = s->idle[--s->n_idle];
	pthread_mutex_unlock(&s->lock);
	return block;
}

const struct err *upload_sink_put(struct upload_sink *s, char *block, size_t n)
{
	const struct piece p = {block, n};
	int error;

	if (n < WORTH || !start(s)) {
		wait_done(s);
		deal(s, &p);
		s->failed = s->error;
		s->idle[s->n_idle++] = block;
		return failure(s->error);
	}
	pthread_mutex_lock(&s->lock);
	error = s->failed;
	s->queue[(s->first + s->n_queue++) % BLOCKS] = p;
	pthread_cond_signal(&s->work);
	pthread_mutex_unlock(&s->lock);
	return failure(error);
}

const struct err *upload_sink_settle(struct upload_sink *s)
{
	return failure(wait_done(s));
}

const struct upload_hash *upload_sink_hash(const struct upload_sink *s)
{
	return &s->hash;
}
