/*
 * A non-blocking byte stream over TCP, with TLS on it when started. Names are resolved when it opens (every
 * address is tried in turn); the owner gets events and reads and writes until told to wait.
 */
#ifndef NET_H
#define NET_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "loop.h"

struct net;

enum net_event { NET_CONNECTED, NET_SECURE, NET_READABLE, NET_WRITABLE, NET_FAILED };

/* e only with NET_FAILED: ERR_HOST_UNKNOWN, ERR_HOST_REFUSED, ERR_HOST_UNREACHABLE, ERR_TLS_*, ERR_LINE_LOST,
 * ERR_TIMEOUT. After it nothing but net_close may be called. The callback may call net_close. */
typedef void net_fn(void *arg, enum net_event ev, const struct err *e);

#define NET_CONNECT_MS 20000 /* an address */
#define NET_TLS_MS 30000

struct net *net_open(struct loop *l, const char *host, uint16_t port, net_fn *fn, void *arg);
/* Addresses of these networks are never connected to, whatever name led there (ERR_HOST_DENIED); for every stream from here
 * on. Borrowed. */
void net_deny(const json_t *networks);
/* A stream that is connected already, non-blocking; takes fd over. NET_CONNECTED follows; `name` is for texts. */
struct net *net_adopt(struct loop *l, int fd, const char *name, net_fn *fn, void *arg);
void net_close(struct net *n); /* NULL is fine */

/* Begins TLS; NET_SECURE follows. Bytes already received must have been read and judged by the caller. */
void net_start_tls(struct net *n, const char *host, const char *ca_file, const char *fingerprint);

/* From here on both directions are compressed (RFC 4978). first: len bytes that were read already and belong to the
 * compressed stream. */
void net_start_deflate(struct net *n, const void *first, size_t len);

/* *got 0: nothing there now, NET_READABLE will come. ERR_LINE_LOST at the end of the stream. */
const struct err *net_read(struct net *n, void *p, size_t size, size_t *got);
/* *put less than size: the rest must wait for NET_WRITABLE. */
const struct err *net_write(struct net *n, const void *p, size_t size, size_t *put);

void net_want_read(struct net *n, bool yes); /* off: what arrives stays in the kernel */
void net_kick(struct net *n);                /* NET_READABLE before the next wait, whatever the socket says */

#endif
