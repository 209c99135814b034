/* migrationctl certificate: checks a migration's certificate offline, with the public key alone. */
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certificate.h"
#include "ctl.h"
#include "fs.h"
#include "mem.h"
#include "str.h"

#include "banned.h"

#define FILE_MAX (512u << 20)

static const struct err *add_key(struct ctl_keys *k, const char *text)
{
	const struct err *e;

	k->v = xreallocarray(k->v, k->n + 1, sizeof(*k->v));
	e = certificate_key_parse(text, k->v[k->n]);
	if (e != NULL)
		return err_wrap(e, "\"%s\"", text);
	k->n++;
	return NULL;
}

void ctl_keys_free(struct ctl_keys *k)
{
	free(k->v);
	memset(k, 0, sizeof(*k));
}

const struct err *ctl_keys_of_settings(struct ctl *c, struct ctl_keys *out)
{
	const struct err *e = ctl_conf(c);
	char *const *list = e == NULL ? conf_list(c->conf, CONF_SIGNING_PUBLIC_KEYS) : NULL;

	for (; e == NULL && list != NULL && *list != NULL; list++)
		e = add_key(out, *list);
	return err_wrap(e, "MIGRATION_SIGNING_PUBLIC_KEYS");
}

/* A key as text, or the file that holds one. */
static const struct err *key_of_argument(const char *arg, struct ctl_keys *out)
{
	struct buf b = BUF_INIT;
	const struct err *e = NULL;

	if (access(arg, F_OK) == 0) {
		e = fs_read(arg, 4096, &b);
		if (e == NULL)
			e = add_key(out, str_trim(b.ptr));
	} else {
		e = add_key(out, arg);
	}
	buf_free(&b);
	return e;
}

static void print_member(const char *label, const json_t *obj, const char *key)
{
	const json_t *v = json_object_get(obj, key);

	printf("%-10s ", label);
	if (json_is_string(v))
		ctl_print(json_string_value(v));
	else
		printf("%lld", (long long)json_integer_value(v));
	putchar('\n');
}

static void print_good(const struct certificate_check *check)
{
	const json_t *statement = json_object_get(check->doc, "statement");
	const json_t *gate = json_object_get(json_object_get(check->doc, "sections"), "gate");
	const json_t *audit = json_object_get(statement, "audit");

	print_member("job", statement, "job_id");
	print_member("domain", statement, "domain");
	print_member("issued", statement, "issued_at");
	print_member("verdict", statement, "verdict");
	printf("%-10s %lld of %lld found, %lld mailboxes\n", "messages",
	        (long long)json_integer_value(json_object_get(gate, "found")),
	        (long long)json_integer_value(json_object_get(gate, "expected")),
	        (long long)json_integer_value(json_object_get(gate, "mailboxes")));
	print_member("audit rows", audit, "rows");
	print_member("audit head", audit, "head");
}

const struct err *cmd_certificate_verify(struct ctl *c, int argc, char **argv, int *status)
{
	const char *key = NULL;
	const struct ctl_option options[] = {{"--public-key", &key, NULL}, {NULL, NULL, NULL}};
	struct certificate_check check = {0};
	struct ctl_keys keys = {0};
	struct buf text = BUF_INIT;
	const struct err *e = ctl_options(&argc, argv, options, 1, 1);

	if (e == NULL)
		e = key != NULL ? key_of_argument(key, &keys) : ctl_keys_of_settings(c, &keys);
	if (e == NULL && keys.n == 0)
		e = err_new(ERR_USAGE, "whose certificate should it be? --public-key KEY, or MIGRATION_SIGNING_PUBLIC_KEYS");
	if (e == NULL)
		e = fs_read(argv[0], FILE_MAX, &text);
	if (e != NULL)
		goto done;
	certificate_check(text.ptr, text.len, (const unsigned char (*)[CERTIFICATE_KEY])keys.v, keys.n, &check);
	printf("%-10s %s\n", "sha256", check.sha256);
	printf("%-10s ", "signed by");
	ctl_print(check.signer);
	putchar('\n');
	if (check.n_faults == 0) {
		print_good(&check);
		printf("GOOD: it is what was signed\n");
	}
	for (size_t i = 0; i < check.n_faults; i++) {
		printf("BAD: ");
		ctl_print(check.faults[i].what);
		putchar('\n');
	}
	*status = check.n_faults == 0 ? 0 : 1;
done:
	certificate_check_free(&check);
	ctl_keys_free(&keys);
	buf_free(&text);
	return e;
}

/* --- the signing pair --- */

static const struct err *store_secret(const char *worker_env, const struct buf *secret, bool show)
{
	if (worker_env != NULL)
		return ctl_settings_replace(worker_env, "MIGRATION_SIGNING_KEY", secret->ptr, "migration-worker");
	if (isatty(STDOUT_FILENO) && !show)
		return err_new(ERR_USAGE, "a secret is not shown on a terminal: name --worker-env FILE, or say --show");
	printf("MIGRATION_SIGNING_KEY=%s\n", secret->ptr);
	return NULL;
}

const struct err *cmd_key_signing(struct ctl *c, int argc, char **argv, int *status)
{
	const char *worker_env = NULL, *settings = NULL;
	bool show = false;
	const struct ctl_option options[] = {{"--worker-env", &worker_env, NULL}, {"--settings", &settings, NULL},
	        {"--show", NULL, &show}, {NULL, NULL, NULL}};
	struct buf secret = BUF_INIT, public = BUF_INIT;
	unsigned char seed[CERTIFICATE_KEY], pk[CERTIFICATE_KEY];
	const struct err *e = ctl_options(&argc, argv, options, 0, 0);

	(void)c;
	(void)status;
	if (e != NULL)
		return e;
	randombytes_buf(seed, sizeof(seed));
	certificate_public_of(seed, pk);
	buf_reserve(&secret, 64);
	certificate_key_text(seed, &secret);
	sodium_memzero(seed, sizeof(seed));
	certificate_key_text(pk, &public);
	/* the public key first: what is signed must be checkable from the first moment on */
	if (settings != NULL)
		e = ctl_settings_prepend(settings, "MIGRATION_SIGNING_PUBLIC_KEYS", public.ptr, "migration");
	if (e == NULL)
		e = store_secret(worker_env, &secret, show);
	if (e == NULL && settings == NULL)
		printf("MIGRATION_SIGNING_PUBLIC_KEYS=%s\n", public.ptr);
	if (e == NULL && worker_env != NULL && settings != NULL)
		printf("public key %s: give it to whoever should check certificates; restart migration-worker\n", public.ptr);
	buf_wipe(&secret);
	buf_free(&public);
	return e;
}
