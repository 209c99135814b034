#include "tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "mem.h"
#include "str.h"

#include "banned.h"

struct tls {
	SSL *ssl;
	char *host;
	unsigned char pin[32];
	bool pinned;
};

static bool parse_pin(const char *hex, unsigned char *pin)
{
	struct buf plain = BUF_INIT, raw = BUF_INIT;
	bool ok;

	for (; *hex != '\0'; hex++)
		if (*hex != ':')
			buf_addc(&plain, *hex);
	ok = plain.len == 64 && str_unhex(&raw, plain.ptr, plain.len);
	if (ok && pin != NULL)
		memcpy(pin, raw.ptr, 32);
	buf_free(&plain);
	buf_free(&raw);
	return ok;
}

bool tls_fingerprint_valid(const char *hex)
{
	return parse_pin(hex, NULL);
}

/* The oldest text in OpenSSL's queue, which is emptied. */
static const char *why(void)
{
	unsigned long code = ERR_get_error();
	const char *s = code != 0 ? ERR_reason_error_string(code) : NULL;

	ERR_clear_error();
	return s != NULL ? s : "no reason given";
}

/* One context a kind of trust and process would do, but sessions are few: one each. */
static const struct err *new_context(SSL_CTX **out, const char *ca_file)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	*out = ctx;
	if (ctx == NULL)
		return err_new(ERR_TLS_FAILED, "OpenSSL: %s", why());
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				      SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_default_read_buffer_len(ctx, 64 << 10);
	if (ca_file != NULL ? SSL_CTX_load_verify_file(ctx, ca_file) != 1 : SSL_CTX_set_default_verify_paths(ctx) != 1)
		return err_new(ca_file != NULL ? ERR_NOT_FOUND : ERR_TLS_FAILED, "%s: no certificates to trust: %s",
			ca_file != NULL ? ca_file : "system", why());
	return NULL;
}

static bool is_address(const char *host)
{
	unsigned char raw[16];

	return inet_pton(AF_INET, host, raw) == 1 || inet_pton(AF_INET6, host, raw) == 1;
}

static const struct err *expect_name(SSL *ssl, const char *host)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
	bool ok;

	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (is_address(host))
		ok = X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1;
	else
		ok = X509_VERIFY_PARAM_set1_host(param, host, 0) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
	return ok ? NULL : err_new(ERR_TLS_FAILED, "%s: not a name that TLS can check: %s", host, why());
}

const struct err *tls_new(struct tls **out, int fd, const char *host, const char *ca_file, const char *fingerprint)
{
	struct tls *t = xcalloc(1, sizeof(*t));
	const struct err *e;
	SSL_CTX *ctx = NULL;

	*out = NULL;
	t->host = xstrdup(host);
	if (fingerprint != NULL && !(t->pinned = parse_pin(fingerprint, t->pin))) {
		e = err_new(ERR_USAGE, "%s: a fingerprint is 64 hexadecimal digits (SHA-256)", fingerprint);
		goto done;
	}
	if ((e = new_context(&ctx, ca_file)) != NULL)
		goto done;
	t->ssl = SSL_new(ctx);
	if (t->ssl == NULL || SSL_set_fd(t->ssl, fd) != 1) {
		e = err_new(ERR_TLS_FAILED, "OpenSSL: %s", why());
		goto done;
	}
	SSL_set_connect_state(t->ssl);
	/* a pin is compared after the handshake, before a byte of ours is sent */
	SSL_set_verify(t->ssl, t->pinned ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
	e = expect_name(t->ssl, host);
done:
	SSL_CTX_free(ctx); /* the session holds its own reference */
	if (e != NULL) {
		tls_free(t);
		t = NULL;
	}
	*out = t;
	return e;
}

void tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	if (t->ssl != NULL) {
		if (SSL_is_init_finished(t->ssl))
			SSL_shutdown(t->ssl);
		SSL_free(t->ssl);
	}
	ERR_clear_error();
	free(t->host);
	free(t);
}

static const struct err *untrusted(struct tls *t, long result)
{
	const char *text = X509_verify_cert_error_string(result);

	switch (result) {
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return err_new(ERR_TLS_NAME, "the certificate is not for \"%s\"", t->host);
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return err_new(ERR_TLS_EXPIRED, "%s: %s", t->host, text);
	default:
		return err_new(ERR_TLS_UNTRUSTED, "%s: %s", t->host, text);
	}
}

static enum tls_io outcome(struct tls *t, int rc, const struct err **e)
{
	int sys = errno;
	long verify;

	switch (SSL_get_error(t->ssl, rc)) {
	case SSL_ERROR_WANT_READ:
		return TLS_WANT_READ;
	case SSL_ERROR_WANT_WRITE:
		return TLS_WANT_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		return TLS_EOF;
	case SSL_ERROR_SYSCALL:
		if (sys == 0)
			return TLS_EOF;
		*e = err_new(ERR_LINE_LOST, "%s: %s", t->host, strerror(sys));
		ERR_clear_error();
		return TLS_FAILED;
	default:
		break;
	}
	verify = SSL_get_verify_result(t->ssl);
	if (!SSL_is_init_finished(t->ssl) && !t->pinned && verify != X509_V_OK)
		*e = untrusted(t, verify);
	else
		*e = err_new(ERR_TLS_FAILED, "%s: %s", t->host, why());
	ERR_clear_error();
	return TLS_FAILED;
}

static const struct err *check_pin(struct tls *t)
{
	X509 *cert = SSL_get1_peer_certificate(t->ssl);
	unsigned char got[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	bool same;
	struct buf hex = BUF_INIT;
	const struct err *e = NULL;

	same = cert != NULL && X509_digest(cert, EVP_sha256(), got, &n) == 1 && n == 32 && memcmp(got, t->pin, 32) == 0;
	if (!same) {
		str_hex(&hex, got, n);
		e = err_new(ERR_TLS_UNTRUSTED, "%s: the certificate's fingerprint is %s, not the pinned one", t->host,
			hex.ptr);
	}
	buf_free(&hex);
	X509_free(cert);
	return e;
}

enum tls_io tls_handshake(struct tls *t, const struct err **e)
{
	int rc;

	errno = 0;
	rc = SSL_do_handshake(t->ssl);
	if (rc != 1) {
		enum tls_io io = outcome(t, rc, e);

		if (io == TLS_EOF) {
			*e = err_new(ERR_TLS_FAILED, "%s: the server closed the connection during the TLS handshake",
				t->host);
			return TLS_FAILED;
		}
		return io;
	}
	if (t->pinned && (*e = check_pin(t)) != NULL)
		return TLS_FAILED;
	return TLS_OK;
}

enum tls_io tls_read(struct tls *t, void *p, size_t n, size_t *got, const struct err **e)
{
	int rc;

	errno = 0;
	rc = SSL_read_ex(t->ssl, p, n, got);
	return rc == 1 ? TLS_OK : outcome(t, rc, e);
}

enum tls_io tls_write(struct tls *t, const void *p, size_t n, size_t *put, const struct err **e)
{
	int rc;

	errno = 0;
	rc = SSL_write_ex(t->ssl, p, n, put);
	return rc == 1 ? TLS_OK : outcome(t, rc, e);
}

