/* Keys in files: ES256 pairs as PEM, the sealing keys in the settings. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl.h"
#include "fs.h"
#include "mem.h"
#include "str.h"

#include "banned.h"

#define SETTINGS_MAX (256 * 1024)

static const struct err *write_new(const char *path, const void *p, size_t n, mode_t mode)
{
	const struct err *e;
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);

	if (fd < 0 && errno == EEXIST)
		return err_new(ERR_CONFLICT, "%s exists: a key is never overwritten", path);
	if (fd < 0)
		return err_errno("create %s", path);
	e = fs_write_all(fd, p, n);
	if (e == NULL && fsync(fd) != 0)
		e = err_errno("fsync %s", path);
	close(fd);
	if (e != NULL)
		unlink(path);
	return e;
}

static void take(BIO *bio, struct buf *out)
{
	char *p;
	long n = BIO_get_mem_data(bio, &p);

	buf_add(out, p, n > 0 ? (size_t)n : 0);
}

static const struct err *make_pair(struct buf *private, struct buf *public)
{
	EVP_PKEY *k = EVP_EC_gen("P-256");
	BIO *a = BIO_new(BIO_s_secmem()), *b = BIO_new(BIO_s_mem());
	const struct err *e = NULL;

	if (k == NULL || a == NULL || b == NULL ||
	        PEM_write_bio_PrivateKey(a, k, NULL, NULL, 0, NULL, NULL) != 1 ||
	        PEM_write_bio_PUBKEY(b, k) != 1)
		e = err_new(ERR_INTERNAL, "OpenSSL made no key pair");
	if (e == NULL) {
		buf_reserve(private, 4096);
		take(a, private);
		take(b, public);
	}
	BIO_free(a);
	BIO_free(b);
	EVP_PKEY_free(k);
	return e;
}

const struct err *ctl_new_pair(const char *private, struct buf *pem)
{
	char *public = xasprintf("%s.pub", private);
	struct buf secret = BUF_INIT;
	const struct err *e;

	if (access(public, F_OK) == 0)
		e = err_new(ERR_CONFLICT, "%s exists: a key is never overwritten", public);
	else
		e = make_pair(&secret, pem);
	if (e == NULL)
		e = write_new(private, secret.ptr, secret.len, 0600);
	if (e == NULL)
		e = write_new(public, pem->ptr, pem->len, 0644);
	buf_wipe(&secret);
	free(public);
	return e;
}

/* The line's value with what is there put behind `value`; quotes are taken off. */
static void add_line(struct buf *out, const char *key, const char *value, const char *old, size_t n)
{
	char *rest = xstrndup(old, n), *text = str_trim(rest);
	size_t len = strlen(text);

	if (len >= 2 && (text[0] == '"' || text[0] == '\'') && text[len - 1] == text[0]) {
		text[len - 1] = '\0';
		text++;
	}
	buf_addf(out, "%s=%s%s%s\n", key, value, *text != '\0' ? "," : "", text);
	free_secret(rest);
}

static void edit(const struct buf *in, const char *key, const char *value, bool keep, struct buf *out)
{
	size_t key_len = strlen(key);
	bool done = false;

	buf_reserve(out, in->len + key_len + strlen(value) + 8);
	for (const char *at = in->ptr; *at != '\0';) {
		size_t len = strcspn(at, "\n"), skip = strspn(at, " \t"), after;

		after = skip + key_len +
		        strspn(at + skip + (strncmp(at + skip, key, key_len) == 0 ? key_len : 0), " \t");
		if (!done && strncmp(at + skip, key, key_len) == 0 && after < len && at[after] == '=') {
			add_line(out, key, value, at + after + 1, keep ? len - after - 1 : 0);
			done = true;
		} else {
			buf_add(out, at, len);
			buf_addc(out, '\n');
		}
		at += len + (at[len] == '\n');
	}
	if (!done)
		buf_addf(out, "%s=%s\n", key, value);
}

static const struct err *keep_owner(const char *path, const struct stat *old, const char *group)
{
	const struct group *g = group != NULL ? getgrnam(group) : NULL;

	if (old->st_ino != 0) {
		if (chown(path, old->st_uid, old->st_gid) != 0 && geteuid() == 0)
			return err_errno("owner of %s", path);
	} else if (g != NULL && geteuid() == 0 && chown(path, 0, g->gr_gid) != 0) {
		return err_errno("group of %s", path);
	}
	return NULL;
}

static const struct err *change(
        const char *path, const char *key, const char *value, const char *group, bool keep)
{
	struct buf in = BUF_INIT, out = BUF_INIT;
	struct stat st = {0};
	const struct err *e = fs_read(path, SETTINGS_MAX, &in);
	bool fresh = e != NULL && e->id == ERR_NOT_FOUND;

	if (fresh)
		e = NULL;
	else if (e == NULL && stat(path, &st) != 0)
		e = err_errno("%s", path);
	if (e == NULL) {
		edit(&in, key, value, keep, &out);
		e = fs_write(path, out.ptr, out.len, fresh ? 0640 : st.st_mode & 07777);
	}
	if (e == NULL)
		e = keep_owner(path, &st, group);
	buf_wipe(&in);
	buf_wipe(&out);
	return e;
}

const struct err *ctl_settings_prepend(
        const char *path, const char *key, const char *value, const char *group)
{
	return change(path, key, value, group, true);
}

const struct err *ctl_settings_replace(
        const char *path, const char *key, const char *value, const char *group)
{
	return change(path, key, value, group, false);
}

const struct err *ctl_public_of(const char *secret, struct buf *out)
{
	unsigned char pk[crypto_box_PUBLICKEYBYTES], sk[crypto_box_SECRETKEYBYTES];
	struct buf seed = BUF_INIT;
	const struct err *e = NULL;
	size_t n = strlen(secret);

	if ((!str_unbase64(&seed, secret, n, BASE64_URL) &&
	            !str_unbase64(&seed, secret, n, BASE64_URL_NOPAD)) ||
	        seed.len != crypto_box_SEEDBYTES)
		e = err_new(ERR_KEY, "MIGRATION_CREDENTIALS_KEY: not 32 bytes in URL-safe base64");
	else if (crypto_box_seed_keypair(pk, sk, (const unsigned char *)seed.ptr) != 0)
		e = err_new(ERR_KEY, "MIGRATION_CREDENTIALS_KEY: gives no pair");
	else
		str_base64(out, pk, sizeof(pk), BASE64_URL);
	sodium_memzero(sk, sizeof(sk));
	buf_wipe(&seed);
	return e;
}
