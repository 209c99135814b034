/* Keys: the sealing pair matches, issuers load, the worker's key is one. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certificate.h"
#include "doctor.h"
#include "fs.h"
#include "mem.h"
#include "seal.h"
#include "token.h"
#include "token_key.h"

#include "banned.h"

static bool is_public(char *const *list, const unsigned char pk[SEAL_KEY_SIZE])
{
	struct seal_key k;

	for (; *list != NULL; list++)
		if (seal_key_parse(&k, *list) == NULL && memcmp(k.pk, pk, SEAL_KEY_SIZE) == 0)
			return true;
	return false;
}

/* Each secret key gives a public one; the one that seals must be among them. */
static void check_pair(struct doctor *d, char *const *secrets, char *const *publics)
{
	struct seal_key sealing, k;
	bool opens = false;

	if (seal_key_parse(&sealing, publics[0]) != NULL)
		return;
	for (size_t i = 0; secrets[i] != NULL; i++) {
		struct buf text = BUF_INIT;
		const struct err *e = ctl_public_of(secrets[i], &text);

		if (e == NULL)
			e = seal_key_parse(&k, text.ptr);
		if (e != NULL)
			doctor_add(d, FOUND_WRONG, "keys", "migrationctl key generate", "secret key %zu: %s",
			        i + 1, e->msg);
		else if (memcmp(k.pk, sealing.pk, SEAL_KEY_SIZE) == 0)
			opens = true;
		else if (!is_public(publics, k.pk))
			doctor_add(d, FOUND_NOTE, "keys", NULL,
			        "secret key %s has no public key in the settings", k.id);
		buf_free(&text);
	}
	if (opens)
		doctor_add(d, FOUND_OK, "keys", NULL, "the worker opens what is sealed (key %s)", sealing.id);
	else
		doctor_add(d, FOUND_WRONG, "keys", "migrationctl key generate --worker-env … --settings …",
		        "no secret key of the worker opens what key %s seals", sealing.id);
}

static void check_sealing(struct doctor *d)
{
	char *const *publics = conf_list(d->ctl->conf, CONF_SEAL_PUBLIC_KEYS);
	char *const *secrets = conf_list(d->ctl->conf, CONF_CREDENTIALS_KEY);
	struct seal_key k;

	if (publics[0] == NULL) {
		doctor_add(d, FOUND_WRONG, "keys", "migrationctl key generate --worker-env … --settings …",
		        "MIGRATION_SEAL_PUBLIC_KEYS is not set: no password can be stored");
		return;
	}
	for (size_t i = 0; publics[i] != NULL; i++) {
		const struct err *e = seal_key_parse(&k, publics[i]);

		if (e != NULL)
			doctor_add(d, FOUND_WRONG, "keys", "migrationctl key generate",
			        "MIGRATION_SEAL_PUBLIC_KEYS, key %zu: %s", i + 1, e->msg);
	}
	if (secrets[0] != NULL)
		check_pair(d, secrets, publics);
	else if (access(d->ctl->worker, F_OK) == 0 && access(d->ctl->worker, R_OK) != 0)
		doctor_add(d, FOUND_NOTE, "keys", "run doctor as root",
		        "%s may not be read: the pair is not compared", d->ctl->worker);
	else
		doctor_add(d, FOUND_NOTE, "keys", NULL,
		        "no MIGRATION_CREDENTIALS_KEY here: the worker is on another host");
}

/* Certificates: what the worker signs must be checkable with a public key that others know. */
static void check_signing(struct doctor *d)
{
	static const char remedy[] = "migrationctl key signing --worker-env … --settings …";
	const char *secret = conf_str(d->ctl->conf, CONF_SIGNING_KEY);
	unsigned char seed[CERTIFICATE_KEY], public[CERTIFICATE_KEY];
	struct ctl_keys keys = {0};
	const struct err *e = ctl_keys_of_settings(d->ctl, &keys);
	bool known = false;

	if (e != NULL) {
		doctor_add(d, FOUND_WRONG, "keys", remedy, "%s", e->msg);
	} else if (keys.n == 0) {
		doctor_add(d, FOUND_NOTE, "keys", remedy,
		        "MIGRATION_SIGNING_PUBLIC_KEYS is not set: certificates cannot be checked here");
	} else if (*secret != '\0' && (e = certificate_key_parse(secret, seed)) != NULL) {
		doctor_add(d, FOUND_WRONG, "keys", remedy, "MIGRATION_SIGNING_KEY: %s", e->msg);
	} else if (*secret != '\0') {
		certificate_public_of(seed, public);
		sodium_memzero(seed, sizeof(seed));
		for (size_t i = 0; i < keys.n; i++)
			known = known || memcmp(keys.v[i], public, sizeof(public)) == 0;
		if (known)
			doctor_add(d, FOUND_OK, "keys", NULL, "certificates can be checked with the settings' public key");
		else
			doctor_add(d, FOUND_WRONG, "keys", remedy,
			        "the worker signs certificates with a key that MIGRATION_SIGNING_PUBLIC_KEYS does not name");
	}
	ctl_keys_free(&keys);
}

static void check_issuers(struct doctor *d)
{
	struct issuers *t;
	const struct err *e = issuers_load(&t, d->ctl->conf);
	bool local = conf_bool(d->ctl->conf, CONF_LOCAL_ACCOUNTS);

	if (e != NULL)
		doctor_add(d, FOUND_WRONG, "keys", "see migration.env(5), MIGRATION_ISSUERS", "%s", e->msg);
	else if (*conf_str(d->ctl->conf, CONF_ISSUERS) == '\0' &&
	         *conf_str(d->ctl->conf, CONF_JWT_ISSUER) == '\0' && !local)
		doctor_add(d, FOUND_WRONG, "keys",
		        "set MIGRATION_JWT_* or MIGRATION_ISSUERS, or MIGRATION_LOCAL_ACCOUNTS=true",
		        "nobody can sign in: no issuer of tokens, no local accounts");
	else
		doctor_add(d, FOUND_OK, "keys", NULL, "issuers of tokens%s", local ? ", local accounts" : "");
	issuers_free(t);
}

static void check_worker_key(struct doctor *d)
{
	const char *path = conf_str(d->ctl->conf, CONF_WORKER_KEY_FILE);
	struct buf pem = BUF_INIT;
	const struct err *e;

	if (access(path, R_OK) != 0)
		return;
	e = fs_read_secret(path, 65536, &pem);
	if (e == NULL)
		e = token_key_check(TOKEN_ES256, pem.ptr, pem.len, true);
	if (e != NULL)
		doctor_add(d, FOUND_WRONG, "keys", "migrationctl worker key", "%s: %s", path, e->msg);
	buf_wipe(&pem);
}

void doctor_keys(struct doctor *d)
{
	check_sealing(d);
	check_signing(d);
	check_issuers(d);
	check_worker_key(d);
}
