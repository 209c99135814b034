/* migrationctl token issue: tokens of the installation's own issuer, such as VM112's. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "ctl.h"
#include "fs.h"
#include "mem.h"
#include "token.h"
#include "token_key.h"

#include "banned.h"

/* The algorithm is the key's: the first that it is fit for. */
static const struct err *alg_of(const struct buf *key, enum token_alg *alg)
{
	static const enum token_alg order[] = {TOKEN_ES256, TOKEN_RS256, TOKEN_HS256};

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (token_key_check(order[i], key->ptr, key->len, true) == NULL) {
			*alg = order[i];
			return NULL;
		}
	return err_new(ERR_KEY,
	        "the key is neither a private EC P-256 or RSA key in PEM form nor a secret of 32 bytes");
}

/* The token is made whether or not the service knows its issuer (yet); the technician should know. */
static void warn_if_refused(struct ctl *c, const char *token)
{
	struct issuers *t = NULL;
	struct principal p = {0};
	const struct err *e = ctl_conf(c);

	if (e == NULL)
		e = issuers_load(&t, c->conf);
	if (e == NULL)
		e = token_verify(t, token, strlen(token), clock_now_ms() / 1000, &p);
	if (e != NULL)
		fprintf(stderr,
		        "migrationctl: warning: with the settings in %s the service refuses this token: %s\n",
		        c->settings, e->msg);
	principal_free(&p);
	issuers_free(t);
}

const struct err *cmd_token_issue(struct ctl *c, int argc, char **argv, int *status)
{
	const char *role = NULL, *days = "365";
	const char *key_file = SYSCONFDIR "/issuer.key";
	struct token_claims claims = {.iss = "desk-migration", .aud = "desk-migration"};
	const struct ctl_option options[] = {{"--role", &role, NULL}, {"--sub", &claims.sub, NULL},
	        {"--name", &claims.name, NULL}, {"--org", &claims.org, NULL}, {"--days", &days, NULL},
	        {"--issuer", &claims.iss, NULL}, {"--key", &key_file, NULL},
	        {"--audience", &claims.aud, NULL}, {NULL, NULL, NULL}};
	struct buf key = BUF_INIT;
	enum token_alg alg = TOKEN_ES256;
	char *token = NULL;
	int64_t n = 0;
	const struct err *e = ctl_options(&argc, argv, options, 0, 0);

	(void)status;
	if (e == NULL && (role == NULL || !role_parse(role, &claims.role) || claims.role == ROLE_WORKER))
		e = err_new(ERR_USAGE, "--role is super_admin, ops_lead, technician or gate_reader");
	if (e == NULL)
		e = ctl_number("--days", days, 1, 3660, &n);
	if (e == NULL)
		e = fs_read_secret(key_file, 65536, &key);
	if (e == NULL)
		e = alg_of(&key, &alg);
	if (e == NULL) {
		if (claims.sub == NULL)
			claims.sub = role;
		claims.iat = clock_now_ms() / 1000;
		claims.exp = claims.iat + n * 86400;
		e = token_issue(&claims, alg, key.ptr, key.len, &token);
	}
	if (e == NULL) {
		puts(token);
		warn_if_refused(c, token);
	}
	free_secret(token);
	buf_wipe(&key);
	return e;
}
