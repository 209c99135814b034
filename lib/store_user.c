#include "store_user.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "json.h"
#include "mem.h"
#include "store_audit.h"
#include "str.h"

#include "banned.h"

#define COLUMNS "id, name, display_name, org, role, disabled, version, created_at, updated_at"

void user_free(struct user *u)
{
	free(u->name);
	free(u->display_name);
	free(u->org);
	memset(u, 0, sizeof(*u));
}

static void users_clear(void *item)
{
	user_free(item);
}

void users_free(struct user *v, size_t n)
{
	db_list_free(v, n, sizeof(*v), users_clear);
}

static void read_row(struct stmt *st, struct user *u)
{
	*u = (struct user){.id = db_col_i64(st, 0),
	        .name = db_col_dup(st, 1),
	        .display_name = db_col_dup(st, 2),
	        .org = db_col_dup(st, 3),
	        .disabled = db_col_i64(st, 5) != 0,
	        .version = db_col_i64(st, 6),
	        .created_at = db_col_i64(st, 7),
	        .updated_at = db_col_i64(st, 8)};
	role_parse(db_col_text(st, 4), &u->role);
}

static const struct err *check_user(struct user *u)
{
	size_t n;

	str_lower(u->name);
	n = strspn(u->name, "abcdefghijklmnopqrstuvwxyz0123456789._-@");
	if (n < 1 || n > 64 || u->name[n] != '\0')
		return err_new(ERR_INPUT, "a user name has 1 to 64 of a-z 0-9 . _ - @");
	if (u->role == ROLE_NONE || u->role == ROLE_WORKER)
		return err_new(ERR_INPUT,
		        "a local account's role is super_admin, ops_lead, technician or gate_reader");
	if (u->display_name == NULL)
		u->display_name = xstrdup("");
	if (u->org == NULL)
		u->org = xstrdup("");
	return NULL;
}

static const struct err *hash_password(const char *password, char out[crypto_pwhash_STRBYTES])
{
	size_t n = strlen(password);

	if (n < USER_PASSWORD_MIN || n > USER_PASSWORD_MAX)
		return err_new(
		        ERR_INPUT, "a password has %d to %d bytes", USER_PASSWORD_MIN, USER_PASSWORD_MAX);
	if (sodium_init() < 0 || crypto_pwhash_str(out, password, n, crypto_pwhash_OPSLIMIT_INTERACTIVE,
	                                 crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0)
		return err_new(ERR_UNAVAILABLE, "not enough memory to hash a password");
	return NULL;
}

static const struct err *audit_user(
        struct store *s, const struct actor *by, const char *action, const struct user *u)
{
	json_t *o = json_pack(
	        "{s:s, s:s, s:b}", "name", u->name, "role", role_name(u->role), "disabled", u->disabled);
	char *detail = o != NULL ? js_text(o) : xstrdup("{}");

	json_decref(o);
	return audit_on(s, by, action, 0, "user", u->id, detail);
}

const struct err *user_insert(struct store *s, struct user *u, const char *password, const struct actor *by)
{
	char hash[crypto_pwhash_STRBYTES];
	const struct err *e = check_user(u);

	if (e == NULL)
		e = hash_password(password, hash); /* slow: before the transaction */
	if (e != NULL || (e = store_begin(s)) != NULL)
		return e;
	u->created_at = u->updated_at = clock_now_ms();
	u->version = 1;
	e = db_run(store_db(s),
	        "INSERT INTO users (name, display_name, role, password_hash, org, disabled, created_at, "
	        "updated_at)"
	        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)",
	        "sssssii", u->name, u->display_name, role_name(u->role), hash, u->org, (int64_t)u->disabled,
	        u->created_at);
	if (e != NULL && e->id == ERR_CONFLICT)
		e = err_new(ERR_CONFLICT, "user %s exists", u->name);
	if (e == NULL) {
		u->id = db_last_id(store_db(s));
		e = audit_user(s, by, "user.create", u);
	}
	return store_end(s, e);
}

static const struct err *one(const struct err *e, struct stmt *st, struct user *out)
{
	bool row = false;

	memset(out, 0, sizeof(*out));
	if (e == NULL)
		e = db_step(st, &row);
	if (e != NULL)
		return e;
	if (!row)
		return err_new(ERR_NOT_FOUND, "the user does not exist");
	read_row(st, out);
	db_done(st);
	return NULL;
}

const struct err *user_get(struct store *s, int64_t id, struct user *out)
{
	struct stmt *st = NULL;
	const struct err *e =
	        db_query(store_db(s), &st, "SELECT " COLUMNS " FROM users WHERE id = ?1", "i", id);

	return one(e, st, out);
}

const struct err *user_find(struct store *s, const char *name, struct user *out)
{
	struct stmt *st = NULL;
	char *lower = xstrdup(name);
	const struct err *e;

	str_lower(lower);
	e = db_query(store_db(s), &st, "SELECT " COLUMNS " FROM users WHERE name = ?1", "s", lower);
	e = one(e, st, out);
	free(lower);
	return e;
}

static void users_fill(struct stmt *st, void *item)
{
	read_row(st, item);
}

const struct err *user_list(
        struct store *s, int64_t after, size_t limit, const char *org, struct user **v, size_t *n)
{
	struct stmt *st = NULL;
	const struct err *e = db_query(store_db(s), &st,
	        "SELECT " COLUMNS " FROM users WHERE id > ?1 AND (?3 IS NULL OR org = ?3) ORDER BY id LIMIT ?2",
	        "iis", after, (int64_t)limit, org);

	return db_list(e, st, sizeof(**v), users_fill, users_clear, v, n);
}

/* Somebody must be left who can manage accounts. */
static const struct err *check_admin_left(struct store *s)
{
	int64_t n = 0;
	const struct err *e = db_i64(store_db(s), &n, NULL,
	        "SELECT count(*) FROM users WHERE role = 'super_admin' AND disabled = 0", "");

	if (e == NULL && n == 0)
		e = err_new(ERR_CONFLICT, "it is the last super_admin that is not disabled");
	return e;
}

static const struct err *end_sessions(struct store *s, int64_t user_id)
{
	return db_run(store_db(s), "DELETE FROM sessions WHERE user_id = ?1", "i", user_id);
}

static const struct err *write_user(struct store *s, struct user *u, const struct user *old, const char *hash)
{
	bool was_admin = old->role == ROLE_SUPER_ADMIN && !old->disabled;
	const struct err *e = db_run(store_db(s),
	        "UPDATE users SET display_name = ?2, role = ?3, org = ?4, disabled = ?5, updated_at = ?6, "
	        "version = version + 1,"
	        " password_hash = COALESCE(?7, password_hash), failures = CASE WHEN ?7 IS NULL THEN failures "
	        "ELSE 0 END,"
	        " locked_until = CASE WHEN ?7 IS NULL THEN locked_until ELSE NULL END WHERE id = ?1",
	        "isssiis", u->id, u->display_name, role_name(u->role), u->org, (int64_t)u->disabled,
	        u->updated_at, hash);

	if (e == NULL && was_admin && (u->role != ROLE_SUPER_ADMIN || u->disabled))
		e = check_admin_left(s);
	if (e == NULL && (hash != NULL || u->disabled || u->role != old->role))
		e = end_sessions(s, u->id);
	return e;
}

const struct err *user_update(struct store *s, struct user *u, const char *password, const struct actor *by)
{
	char hash[crypto_pwhash_STRBYTES];
	struct user old = {0};
	const struct err *e = check_user(u);

	if (e == NULL && password != NULL)
		e = hash_password(password, hash);
	if (e != NULL || (e = store_begin(s)) != NULL)
		return e;
	e = user_get(s, u->id, &old);
	if (e == NULL && old.version != u->version)
		e = err_new(ERR_PRECONDITION, "user %s is not at version %lld any more", old.name,
		        (long long)u->version);
	u->updated_at = clock_now_ms();
	if (e == NULL)
		e = write_user(s, u, &old, password != NULL ? hash : NULL);
	if (e == NULL) {
		u->version++;
		e = audit_user(s, by, password != NULL ? "user.password" : "user.update", u);
	}
	user_free(&old);
	return store_end(s, e);
}

const struct err *user_delete(struct store *s, int64_t id, const struct actor *by)
{
	struct user u = {0};
	const struct err *e;

	if ((e = store_begin(s)) != NULL)
		return e;
	e = user_get(s, id, &u);
	if (e == NULL)
		e = end_sessions(s, id);
	if (e == NULL)
		e = db_run(store_db(s), "DELETE FROM users WHERE id = ?1", "i", id);
	if (e == NULL && u.role == ROLE_SUPER_ADMIN && !u.disabled)
		e = check_admin_left(s);
	if (e == NULL)
		e = audit_user(s, by, "user.delete", &u);
	user_free(&u);
	return store_end(s, e);
}
