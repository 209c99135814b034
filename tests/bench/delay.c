/*
 * delay MILLISECONDS LISTEN:TARGET...: TCP on 127.0.0.1, every byte so much later, each way.
 *
 * A line is long, not narrow: bytes wait in a queue with the time they are due, up to WINDOW on their way in
 * each direction. Two threads a direction: one reads and stamps, one writes when it is time. Setting up a
 * connection takes a round trip as well, which the kernel here does at once: both directions begin late.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WINDOW (16u << 20)
#define CHUNK (128u << 10)

struct chunk {
	struct chunk *next;
	int64_t due; /* microseconds, CLOCK_MONOTONIC */
	size_t len;
	char data[];
};

struct pipe {
	int in, out;
	int64_t not_before;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct chunk *first, **last;
	size_t queued;
	int ended, broken;
};

struct link {
	struct pipe up, down;
	int target;
};

static int64_t delay_us;

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void sleep_until(int64_t due)
{
	struct timespec t = {.tv_sec = due / 1000000, .tv_nsec = due % 1000000 * 1000};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

static void *read_side(void *arg)
{
	struct pipe *p = arg;

	for (;;) {
		struct chunk *c = malloc(sizeof(*c) + CHUNK);
		ssize_t n = c != NULL ? recv(p->in, c->data, CHUNK, 0) : -1;

		pthread_mutex_lock(&p->lock);
		if (n <= 0 || p->broken) {
			free(c);
			p->ended = 1;
			pthread_cond_broadcast(&p->changed);
			pthread_mutex_unlock(&p->lock);
			return NULL;
		}
		c = realloc(c, sizeof(*c) + (size_t)n);
		c->len = (size_t)n;
		c->next = NULL;
		c->due = now_us();
		c->due = (c->due > p->not_before ? c->due : p->not_before) + delay_us;
		*p->last = c;
		p->last = &c->next;
		p->queued += c->len;
		pthread_cond_broadcast(&p->changed);
		while (p->queued > WINDOW && !p->broken)
			pthread_cond_wait(&p->changed, &p->lock);
		pthread_mutex_unlock(&p->lock);
	}
}

static int send_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n <= 0)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static void *write_side(void *arg)
{
	struct pipe *p = arg;

	for (;;) {
		struct chunk *c;

		pthread_mutex_lock(&p->lock);
		while (p->first == NULL && !p->ended)
			pthread_cond_wait(&p->changed, &p->lock);
		c = p->first;
		if (c != NULL && (p->first = c->next) == NULL)
			p->last = &p->first;
		pthread_mutex_unlock(&p->lock);
		if (c == NULL)
			break;
		sleep_until(c->due);
		if (!p->broken && send_all(p->out, c->data, c->len) != 0)
			p->broken = 1;
		pthread_mutex_lock(&p->lock);
		p->queued -= c->len;
		pthread_cond_broadcast(&p->changed);
		pthread_mutex_unlock(&p->lock);
		free(c);
	}
	shutdown(p->out, SHUT_WR);
	if (p->broken)
		shutdown(p->in, SHUT_RD);
	return NULL;
}

static int connect_to(int port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static void pipe_init(struct pipe *p, int in, int out, int64_t not_before)
{
	p->in = in;
	p->out = out;
	p->not_before = not_before;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->changed, NULL);
	p->last = &p->first;
}

static void *serve(void *arg)
{
	struct link *l = arg;
	int client = l->up.in, one = 1, server = connect_to(l->target);
	int64_t born = now_us();
	pthread_t t[3];

	if (server < 0) {
		close(client);
		free(l);
		return NULL;
	}
	setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	pipe_init(&l->up, client, server, born + 2 * delay_us);
	pipe_init(&l->down, server, client, born + 3 * delay_us);
	pthread_create(&t[0], NULL, read_side, &l->up);
	pthread_create(&t[1], NULL, write_side, &l->up);
	pthread_create(&t[2], NULL, read_side, &l->down);
	write_side(&l->down);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	close(client);
	close(server);
	free(l);
	return NULL;
}

struct listener {
	int fd, target;
};

static void *accept_all(void *arg)
{
	struct listener *s = arg;

	for (;;) {
		struct link *l;
		pthread_t t;
		int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			continue;
		l = calloc(1, sizeof(*l));
		if (l == NULL)
			abort();
		l->up.in = fd;
		l->target = s->target;
		pthread_create(&t, NULL, serve, l);
		pthread_detach(t);
	}
	return NULL;
}

static int listen_on(int port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0 || listen(fd, 100) != 0) {
		perror("delay: listen");
		exit(1);
	}
	return fd;
}

int main(int argc, char **argv)
{
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (argc < 3) {
		fprintf(stderr, "usage: delay MILLISECONDS LISTEN:TARGET...\n");
		return 2;
	}
	delay_us = (int64_t)(atof(argv[1]) * 1000);
	for (int i = 2; i < argc; i++) {
		struct listener *s = malloc(sizeof(*s));
		char *colon = strchr(argv[i], ':');
		pthread_t t;

		if (s == NULL || colon == NULL) {
			fprintf(stderr, "delay: %s is not LISTEN:TARGET\n", argv[i]);
			return 2;
		}
		s->fd = listen_on(atoi(argv[i]));
		s->target = atoi(colon + 1);
		pthread_create(&t, NULL, accept_all, s);
	}
	pause();
	return 0;
}
