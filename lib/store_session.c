/* Log-in and sessions of local accounts, and remembered answers. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "mem.h"
#include "store_audit.h"
#include "store_user.h"
#include "str.h"

#include "banned.h"

struct login {
	int64_t id, failures, locked_until;
	bool disabled;
	char *hash;
};

static const struct err *find(struct store *s, const char *name, struct login *l)
{
	struct stmt *st;
	bool row = false;
	const struct err *e = db_query(store_db(s), &st,
	        "SELECT id, password_hash, failures, COALESCE(locked_until, 0), disabled FROM users WHERE "
	        "name = ?1",
	        "s", name);

	memset(l, 0, sizeof(*l));
	if (e == NULL)
		e = db_step(st, &row);
	if (e != NULL || !row)
		return e;
	*l = (struct login){.id = db_col_i64(st, 0),
	        .hash = db_col_dup(st, 1),
	        .failures = db_col_i64(st, 2),
	        .locked_until = db_col_i64(st, 3),
	        .disabled = db_col_i64(st, 4) != 0};
	db_done(st);
	return NULL;
}

/* As much work as a real comparison, so that names cannot be told by the time it takes. */
static void waste_time(const char *password)
{
	char hash[crypto_pwhash_STRBYTES];

	if (crypto_pwhash_str(hash, password, strlen(password), crypto_pwhash_OPSLIMIT_INTERACTIVE,
	            crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0)
		return;
	sodium_memzero(hash, sizeof(hash));
}

static const struct err *note(
        struct store *s, const struct login *l, const char *name, bool ok, int64_t now_ms)
{
	struct actor by = {.role = ""};
	char *who = xasprintf("local|%s", name);
	const struct err *e;

	by.who = who;
	e = store_begin(s);
	if (e == NULL) {
		e = ok ? db_run(store_db(s),
		                 "UPDATE users SET failures = 0, locked_until = NULL WHERE id = ?1", "i",
		                 l->id)
		       : db_run(store_db(s),
		                 "UPDATE users SET failures = failures + 1,"
		                 " locked_until = CASE WHEN failures + 1 >= ?2 THEN ?3 ELSE locked_until END "
		                 "WHERE id = ?1",
		                 "iii", l->id, (int64_t)USER_FAILURES_MAX, now_ms + USER_LOCK_MS);
		if (e == NULL)
			e = audit_on(s, &by, ok ? "session.login" : "session.refused", 0, "user", l->id,
			        xstrdup("{}"));
		e = store_end(s, e);
	}
	free(who);
	return e;
}

const struct err *user_login(
        struct store *s, const char *name, const char *password, int64_t now_ms, struct user *out)
{
	char *lower = xstrdup(name);
	struct login l;
	const struct err *e;
	bool ok = false;

	memset(out, 0, sizeof(*out));
	str_lower(lower);
	if (sodium_init() < 0 || strlen(password) > USER_PASSWORD_MAX) {
		free(lower);
		return err_new(ERR_AUTH_LOGIN, "user name or password is wrong");
	}
	e = find(s, lower, &l);
	if (e == NULL && l.locked_until > now_ms)
		e = err_new(ERR_RATE_LIMITED, "too many wrong passwords: wait a minute");
	if (e == NULL) {
		if (l.id != 0)
			ok = crypto_pwhash_str_verify(l.hash, password, strlen(password)) == 0 && !l.disabled;
		else
			waste_time(password);
		if (l.id != 0)
			e = note(s, &l, lower, ok, now_ms);
	}
	if (e == NULL && !ok)
		e = err_new(ERR_AUTH_LOGIN, "user name or password is wrong");
	if (e == NULL)
		e = user_get(s, l.id, out);
	free(l.hash);
	free(lower);
	return e;
}

/* --- sessions
 * -------------------------------------------------------------------------------------------------------- */

static void hash_token(const char *token, char out[2 * crypto_hash_sha256_BYTES + 1])
{
	unsigned char h[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(h, (const unsigned char *)token, strlen(token));
	sodium_bin2hex(out, 2 * crypto_hash_sha256_BYTES + 1, h, sizeof(h));
}

const struct err *session_create(
        struct store *s, int64_t user_id, int64_t hours, int64_t now_ms, char token[SESSION_TOKEN_SIZE])
{
	unsigned char random[32];
	char hash[2 * crypto_hash_sha256_BYTES + 1];
	const struct err *e;

	if (sodium_init() < 0)
		return err_new(ERR_INTERNAL, "libsodium does not start");
	randombytes_buf(random, sizeof(random));
	sodium_bin2base64(
	        token, SESSION_TOKEN_SIZE, random, sizeof(random), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	hash_token(token, hash);
	if ((e = store_begin(s)) != NULL)
		return e;
	e = db_run(store_db(s),
	        "INSERT INTO sessions (hash, user_id, created_at, seen_at, expires_at) VALUES (?1, ?2, ?3, "
	        "?3, ?4)",
	        "siii", hash, user_id, now_ms, now_ms + hours * 3600 * 1000);
	return store_end(s, e);
}

const struct err *session_find(struct store *s, const char *token, int64_t now_ms, struct principal *out)
{
	char hash[2 * crypto_hash_sha256_BYTES + 1];
	struct stmt *st;
	bool row = false;
	const struct err *e;

	memset(out, 0, sizeof(*out));
	if (strlen(token) != SESSION_TOKEN_SIZE - 1)
		return err_new(ERR_AUTH_REQUIRED, "the session is not valid");
	hash_token(token, hash);
	e = db_query(store_db(s), &st,
	        "SELECT u.id, u.name, u.display_name, u.role, u.org, s.expires_at FROM sessions s JOIN users "
	        "u ON u.id = s.user_id"
	        " WHERE s.hash = ?1 AND s.expires_at > ?2 AND u.disabled = 0",
	        "si", hash, now_ms);
	if (e == NULL)
		e = db_step(st, &row);
	if (e != NULL)
		return e;
	if (!row)
		return err_new(ERR_AUTH_REQUIRED, "the session is over: sign in again");
	*out = (struct principal){.iss = xstrdup("local"),
	        .sub = db_col_dup(st, 1),
	        .name = db_col_dup(st, 2),
	        .org = db_col_dup(st, 4),
	        .expires = db_col_i64(st, 5) / 1000,
	        .local = true,
	        .user_id = db_col_i64(st, 0)};
	role_parse(db_col_text(st, 3), &out->role);
	db_done(st);
	if (*out->name == '\0') {
		free(out->name);
		out->name = xstrdup(out->sub);
	}
	return NULL;
}

const struct err *session_delete(struct store *s, const char *token)
{
	char hash[2 * crypto_hash_sha256_BYTES + 1];
	const struct err *e;

	hash_token(token, hash);
	if ((e = store_begin(s)) != NULL)
		return e;
	return store_end(s, db_run(store_db(s), "DELETE FROM sessions WHERE hash = ?1", "s", hash));
}

const struct err *sessions_prune(struct store *s, int64_t now_ms)
{
	const struct err *e;

	if ((e = store_begin(s)) != NULL)
		return e;
	return store_end(s, db_run(store_db(s), "DELETE FROM sessions WHERE expires_at <= ?1", "i", now_ms));
}

/* --- remembered answers
 * ----------------------------------------------------------------------------------------------- */

void idempotent_free(struct idempotent *i)
{
	free(i->request);
	free(i->body);
	free(i->location);
	memset(i, 0, sizeof(*i));
}

const struct err *idempotency_get(
        struct store *s, const char *principal, const char *key, struct idempotent *out, bool *found)
{
	struct stmt *st;
	const struct err *e = db_query(store_db(s), &st,
	        "SELECT request, status, body, location FROM idempotency WHERE principal = ?1 AND key = ?2",
	        "ss", principal, key);

	memset(out, 0, sizeof(*out));
	*found = false;
	if (e == NULL)
		e = db_step(st, found);
	if (e != NULL || !*found)
		return e;
	*out = (struct idempotent){.request = db_col_dup(st, 0),
	        .status = db_col_i64(st, 1),
	        .body = db_col_dup(st, 2),
	        .location = db_col_null(st, 3) ? NULL : db_col_dup(st, 3)};
	db_done(st);
	return NULL;
}

const struct err *idempotency_put(
        struct store *s, const char *principal, const char *key, const struct idempotent *i, int64_t now_ms)
{
	const struct err *e;

	if ((e = store_begin(s)) != NULL)
		return e;
	return store_end(
	        s, db_run(store_db(s),
	                   "INSERT INTO idempotency (principal, key, request, status, body, location, at)"
	                   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	                   "sssissi", principal, key, i->request, i->status, i->body, i->location, now_ms));
}

const struct err *idempotency_prune(struct store *s, int64_t older_than_ms)
{
	const struct err *e;

	if ((e = store_begin(s)) != NULL)
		return e;
	return store_end(s, db_run(store_db(s), "DELETE FROM idempotency WHERE at < ?1", "i", older_than_ms));
}
