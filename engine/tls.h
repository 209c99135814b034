/*
 * TLS for the engine (OpenSSL): 1.2 at least, the certificate always checked: against the system's
 * authorities, a CA file, or one pinned fingerprint (then the chain, name and date do not matter: this very
 * certificate is what the administrator named).
 */
#ifndef TLS_H
#define TLS_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

struct tls;

enum tls_io { TLS_OK, TLS_WANT_READ, TLS_WANT_WRITE, TLS_EOF, TLS_FAILED };

/* A session on a connected non-blocking socket. ca_file and fingerprint (64 hex digits of SHA-256, colons allowed)
 * may be NULL. host is what the certificate must name (a name or an IP address). ERR_TLS_FAILED,
 * ERR_USAGE for a fingerprint that is none, ERR_NOT_FOUND for the CA file. */
const struct err *tls_new(struct tls **out, int fd, const char *host, const char *ca_file, const char *fingerprint);
void tls_free(struct tls *t); /* sends close_notify when it can, without waiting */

/* With TLS_FAILED *e says why: ERR_TLS_UNTRUSTED, ERR_TLS_NAME, ERR_TLS_EXPIRED, ERR_TLS_FAILED, ERR_LINE_LOST. */
enum tls_io tls_handshake(struct tls *t, const struct err **e);
enum tls_io tls_read(struct tls *t, void *p, size_t n, size_t *got, const struct err **e);
enum tls_io tls_write(struct tls *t, const void *p, size_t n, size_t *put, const struct err **e);

bool tls_fingerprint_valid(const char *hex);

#endif
