/* migrationctl key: the sealing pair and the installation's own issuer. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"
#include "mem.h"
#include "seal.h"
#include "str.h"

#include "banned.h"

static const struct err *write_secret(const char *worker_env, const struct buf *secret, bool show)
{
	if (worker_env != NULL)
		return ctl_settings_prepend(
		        worker_env, "MIGRATION_CREDENTIALS_KEY", secret->ptr, "migration-worker");
	if (isatty(STDOUT_FILENO) && !show)
		return err_new(ERR_USAGE,
		        "a secret is not shown on a terminal: name --worker-env FILE, or say --show");
	printf("MIGRATION_CREDENTIALS_KEY=%s\n", secret->ptr);
	return NULL;
}

const struct err *cmd_key_generate(struct ctl *c, int argc, char **argv, int *status)
{
	const char *worker_env = NULL, *settings = NULL;
	bool show = false;
	const struct ctl_option options[] = {{"--worker-env", &worker_env, NULL},
	        {"--settings", &settings, NULL}, {"--show", NULL, &show}, {NULL, NULL, NULL}};
	struct buf secret = BUF_INIT, public = BUF_INIT;
	unsigned char seed[32];
	struct seal_key key;
	const struct err *e = ctl_options(&argc, argv, options, 0, 0);

	(void)c;
	(void)status;
	if (e != NULL)
		return e;
	randombytes_buf(seed, sizeof(seed));
	buf_reserve(&secret, 64);
	str_base64(&secret, seed, sizeof(seed), BASE64_URL);
	sodium_memzero(seed, sizeof(seed));
	e = ctl_public_of(secret.ptr, &public);
	if (e == NULL)
		e = seal_key_parse(&key, public.ptr);
	/* The worker first: what is sealed to a public key must be openable from the first moment on. */
	if (e == NULL)
		e = write_secret(worker_env, &secret, show);
	if (e == NULL && settings != NULL)
		e = ctl_settings_prepend(settings, "MIGRATION_SEAL_PUBLIC_KEYS", public.ptr, "migration");
	if (e == NULL && settings == NULL)
		printf("MIGRATION_SEAL_PUBLIC_KEYS=%s\n", public.ptr);
	if (e == NULL && worker_env != NULL && settings != NULL)
		printf("key %s: secret in %s, public in %s; restart migration-worker, then migration-fcgi\n",
		        key.id, worker_env, settings);
	buf_wipe(&secret);
	buf_free(&public);
	return e;
}

const struct err *cmd_key_issuer(struct ctl *c, int argc, char **argv, int *status)
{
	const char *out = SYSCONFDIR "/issuer.key", *issuer = "desk-migration";
	const struct ctl_option options[] = {
	        {"--out", &out, NULL}, {"--issuer", &issuer, NULL}, {NULL, NULL, NULL}};
	struct buf pem = BUF_INIT;
	const struct err *e = ctl_options(&argc, argv, options, 0, 0);

	(void)c;
	(void)status;
	if (e == NULL)
		e = ctl_new_pair(out, &pem);
	if (e == NULL) {
		printf("private key: %s (keep it for root alone)\npublic key: %s.pub\n\n", out, out);
		printf("Row for the file that MIGRATION_ISSUERS names:\n"
		       "{\"iss\":\"%s\",\"alg\":\"ES256\",\"key_file\":\"%s.pub\",\"aud\":\"desk-migration\","
		       "\"roles\":[\"gate_reader\"]}\n",
		        issuer, out);
	}
	buf_free(&pem);
	return e;
}
