/*
 * The table of issuers, from the settings: MIGRATION_JWT_* is one of them, MIGRATION_ISSUERS names a file
 * with more:
 * [{"iss":"https://desk.example","alg":"RS256","key_file":"/etc/…/desk.pem","aud":"desk-migration","roles":["technician"]}]
 */
#include <stdlib.h>
#include <string.h>

#include "fs.h"
#include "json.h"
#include "mem.h"
#include "str.h"
#include "token.h"
#include "token_key.h"

#include "banned.h"

#define FILE_MAX (256 * 1024)
#define KEY_MAX (64 * 1024)

static bool alg_parse(const char *s, enum token_alg *out)
{
	static const char *const names[TOKEN_ALG_COUNT] = {"HS256", "RS256", "ES256"};

	for (int i = 0; i < TOKEN_ALG_COUNT; i++)
		if (strcmp(names[i], s) == 0) {
			*out = (enum token_alg)i;
			return true;
		}
	return false;
}

static const struct err *add(struct issuers *t, const char *iss, enum token_alg alg, const struct buf *key,
        const char *aud, unsigned roles)
{
	struct issuer *i;
	const struct err *e = issuer_new(&i, iss, alg, key->ptr, key->len, aud, roles);

	return e != NULL ? e : issuers_add(t, i);
}

/* MIGRATION_JWT_ISSUER and its companions. */
static const struct err *add_settings(struct issuers *t, const struct conf *c)
{
	const char *iss = conf_str(c, CONF_JWT_ISSUER), *file = conf_str(c, CONF_JWT_KEY_FILE),
	           *text = conf_str(c, CONF_JWT_KEY);
	enum token_alg alg = (enum token_alg)conf_int(c, CONF_JWT_ALG);
	struct buf key = BUF_INIT;
	const struct err *e = NULL;

	if (*iss == '\0') {
		if (*text != '\0' || *file != '\0')
			return err_new(
			        ERR_CONFIG, "MIGRATION_JWT_ISSUER is missing: a key is set, but not whose");
		return NULL;
	}
	if (*text != '\0' && *file != '\0')
		e = err_new(ERR_CONFIG, "MIGRATION_JWT_KEY and MIGRATION_JWT_KEY_FILE: set one of them");
	else if (*text != '\0' && alg != TOKEN_HS256)
		e = err_new(ERR_CONFIG,
		        "MIGRATION_JWT_KEY is for HS256: put the public key into MIGRATION_JWT_KEY_FILE");
	else if (*file != '\0')
		e = fs_read_secret(file, KEY_MAX, &key);
	else
		buf_adds(&key, text);
	if (e == NULL)
		e = add(t, iss, alg, &key, conf_str(c, CONF_JWT_AUDIENCE),
		        (unsigned)conf_int(c, CONF_JWT_ROLES));
	buf_wipe(&key);
	return e;
}

static unsigned parse_roles(const struct js_at *row)
{
	struct js_at list;
	unsigned mask = 0;

	if (!js_array(row, "roles", JS_REQUIRED, 1, ROLE_COUNT, &list))
		return 0;
	for (size_t i = 0; i < json_array_size(list.v); i++) {
		struct js_at item = js_item(&list, i);
		const char *name;
		enum role r;

		if (!js_str_item(&item, 1, 64, &name))
			continue;
		if (role_parse(name, &r))
			mask |= 1u << r;
		else
			js_problem(&item, NULL, "\"%s\" is not a role", name);
	}
	return mask;
}

static const struct err *add_row(struct issuers *t, const struct js_at *row, const char *default_aud)
{
	static const char *const known[] = {"iss", "alg", "key_file", "aud", "roles", NULL};
	const char *iss = "", *file = "", *aud = default_aud;
	enum token_alg alg = TOKEN_HS256;
	struct buf key = BUF_INIT;
	const struct err *e;
	unsigned roles;

	if (!json_is_object(row->v)) {
		js_problem(row, NULL, "must be an object");
		return NULL;
	}
	js_str(row, "iss", JS_REQUIRED, 1, 255, &iss);
	js_word(row, "alg", JS_REQUIRED, alg_parse, &alg);
	js_str(row, "key_file", JS_REQUIRED, 1, 4096, &file);
	js_str(row, "aud", JS_OPTIONAL, 1, 255, &aud);
	roles = parse_roles(row);
	js_known(row, known);
	if (row->bad->n > 0)
		return NULL;
	e = fs_read_secret(file, KEY_MAX, &key);
	if (e == NULL)
		e = add(t, iss, alg, &key, aud, roles);
	buf_wipe(&key);
	return e;
}

static const struct err *add_file(struct issuers *t, const char *path, const char *default_aud)
{
	struct js_problems bad = {0};
	struct buf text = BUF_INIT;
	json_t *v = NULL;
	struct js_at root;
	const struct err *e = fs_read(path, FILE_MAX, &text);

	if (e == NULL)
		e = js_parse(&v, text.ptr, text.len);
	if (e == NULL && !json_is_array(v))
		e = err_new(ERR_CONFIG, "must be a JSON array of issuers");
	root = js_root(v, &bad);
	for (size_t i = 0; e == NULL && i < json_array_size(v); i++) {
		struct js_at row = js_item(&root, i);

		e = add_row(t, &row, default_aud);
	}
	if (e == NULL && bad.n > 0)
		e = err_new(ERR_CONFIG, "%s: %s", bad.v[0].pointer, bad.v[0].detail);
	js_problems_free(&bad);
	json_decref(v);
	buf_free(&text);
	return err_wrap(e, "MIGRATION_ISSUERS %s", path);
}

const struct err *issuers_load(struct issuers **out, const struct conf *c)
{
	struct issuers *t = issuers_new();
	const char *file = conf_str(c, CONF_ISSUERS);
	const struct err *e = add_settings(t, c);

	if (e == NULL && *file != '\0')
		e = add_file(t, file, conf_str(c, CONF_JWT_AUDIENCE));
	if (e != NULL) {
		issuers_free(t);
		t = NULL;
	}
	*out = t;
	return e;
}
