#include "store_evidence.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "mem.h"
#include "store_audit.h"

#include "banned.h"

/* Evidence of a mailbox's present pair only. */
#define OF_PAIR "mailbox_id = ?1 AND run_id > (SELECT pair_after FROM mailboxes WHERE id = ?1)"

const struct err *pass_last(struct store *s, int64_t mailbox_id, struct pass_row *out)
{
	struct stmt *st;
	bool row = false;
	const struct err *e = db_query(store_db(s), &st,
	        "SELECT id, run_id, mailbox_id, kind, pass, status, messages, copied, present, refused, "
	        "bytes, at FROM passes"
	        " WHERE " OF_PAIR " ORDER BY id DESC LIMIT 1",
	        "i", mailbox_id);

	memset(out, 0, sizeof(*out));
	if (e == NULL)
		e = db_step(st, &row);
	if (e != NULL || !row)
		return e;
	*out = (struct pass_row){.id = db_col_i64(st, 0),
	        .run_id = db_col_i64(st, 1),
	        .mailbox_id = db_col_i64(st, 2),
	        .messages = db_col_i64(st, 6),
	        .copied = db_col_i64(st, 7),
	        .present = db_col_i64(st, 8),
	        .refused = db_col_i64(st, 9),
	        .bytes = db_col_i64(st, 10),
	        .at = db_col_i64(st, 11)};
	run_kind_parse(db_col_text(st, 3), &out->kind);
	if (!db_col_null(st, 4))
		pass_parse(db_col_text(st, 4), &out->pass);
	run_status_parse(db_col_text(st, 5), &out->status);
	db_done(st);
	return NULL;
}

static void pass_folders_clear(void *item)
{
	struct pass_folder *p = item;

	free(p->folder);
	free(p->destination);
}

void pass_folders_free(struct pass_folder *v, size_t n)
{
	db_list_free(v, n, sizeof(*v), pass_folders_clear);
}

static void pass_folders_fill(struct stmt *st, void *item)
{
	*(struct pass_folder *)item = (struct pass_folder){.folder = db_col_dup(st, 0),
	        .destination = db_col_dup(st, 1),
	        .uidvalidity = db_col_i64(st, 2),
	        .uidnext = db_col_i64(st, 3),
	        .messages = db_col_i64(st, 4),
	        .bytes = db_col_i64(st, 5)};
}

const struct err *pass_baseline(
        struct store *s, int64_t mailbox_id, int64_t *pass_id, struct pass_folder **v, size_t *n)
{
	int64_t with_folders = 0;
	struct stmt *st = NULL;
	const struct err *e;

	*pass_id = 0;
	/* The pass that is named is the last of any kind; the folders are of the last that read the source.
	 */
	e = db_i64(store_db(s), pass_id, NULL,
	        "SELECT id FROM passes WHERE " OF_PAIR " ORDER BY id DESC LIMIT 1", "i", mailbox_id);
	if (e == NULL)
		e = db_i64(store_db(s), &with_folders, NULL,
		        "SELECT id FROM passes WHERE " OF_PAIR
		        " AND EXISTS (SELECT 1 FROM pass_folders f WHERE f.pass_id = passes.id)"
		        " ORDER BY id DESC LIMIT 1",
		        "i", mailbox_id);
	if (e == NULL)
		e = db_query(store_db(s), &st,
		        "SELECT folder, destination, uidvalidity, uidnext, messages, bytes FROM pass_folders "
		        "WHERE pass_id = ?1",
		        "i", with_folders);
	return db_list(e, st, sizeof(**v), pass_folders_fill, pass_folders_clear, v, n);
}

const struct err *verification_last(struct store *s, int64_t mailbox_id, struct verification *out)
{
	struct stmt *st;
	bool row = false;
	const struct err *e = db_query(store_db(s), &st,
	        "SELECT id, run_id, mailbox_id, COALESCE(pass_id, 0), complete, deep, expected, found, "
	        "found_weak, missing,"
	        " unexplained, late, excluded, differing, extra, at,"
	        " COALESCE(pass_id, 0) = COALESCE((SELECT max(id) FROM passes WHERE " OF_PAIR "), 0)"
	        " FROM verifications WHERE " OF_PAIR " ORDER BY id DESC LIMIT 1",
	        "i", mailbox_id);

	memset(out, 0, sizeof(*out));
	if (e == NULL)
		e = db_step(st, &row);
	if (e != NULL || !row)
		return e;
	*out = (struct verification){.id = db_col_i64(st, 0),
	        .run_id = db_col_i64(st, 1),
	        .mailbox_id = db_col_i64(st, 2),
	        .pass_id = db_col_i64(st, 3),
	        .complete = db_col_i64(st, 4) != 0,
	        .deep = db_col_i64(st, 5) != 0,
	        .expected = db_col_i64(st, 6),
	        .found = db_col_i64(st, 7),
	        .found_weak = db_col_i64(st, 8),
	        .missing = db_col_i64(st, 9),
	        .unexplained = db_col_i64(st, 10),
	        .late = db_col_i64(st, 11),
	        .excluded = db_col_i64(st, 12),
	        .differing = db_col_i64(st, 13),
	        .extra = db_col_i64(st, 14),
	        .at = db_col_i64(st, 15),
	        .current = db_col_i64(st, 16) != 0};
	db_done(st);
	return NULL;
}

static void verification_folders_clear(void *item)
{
	struct verification_folder *p = item;

	free(p->folder);
	free(p->destination);
}

void verification_folders_free(struct verification_folder *v, size_t n)
{
	db_list_free(v, n, sizeof(*v), verification_folders_clear);
}

static void verification_folders_fill(struct stmt *st, void *item)
{
	*(struct verification_folder *)item = (struct verification_folder){.folder = db_col_dup(st, 0),
	        .destination = db_col_dup(st, 1),
	        .complete = db_col_i64(st, 2) != 0,
	        .expected = db_col_i64(st, 3),
	        .found = db_col_i64(st, 4),
	        .found_weak = db_col_i64(st, 5),
	        .exact = db_col_i64(st, 6),
	        .canonical = db_col_i64(st, 7),
	        .decoded = db_col_i64(st, 8),
	        .header = db_col_i64(st, 9),
	        .missing = db_col_i64(st, 10),
	        .late = db_col_i64(st, 11),
	        .excluded = db_col_i64(st, 12),
	        .differing = db_col_i64(st, 13),
	        .extra = db_col_i64(st, 14),
	        .summary = db_col_i64(st, 15)};
}

const struct err *verification_folders(struct store *s, int64_t id, struct verification_folder **v, size_t *n)
{
	struct stmt *st = NULL;
	const struct err *e = db_query(store_db(s), &st,
	        "SELECT folder, destination, complete, expected, found, found_weak, exact, canonical, "
	        "decoded, header, missing,"
	        " late, excluded, differing, extra, summary FROM verification_folders WHERE verification_id "
	        "= ?1",
	        "i", id);

	return db_list(e, st, sizeof(**v), verification_folders_fill, verification_folders_clear, v, n);
}

static void missing_clear(void *item)
{
	struct missing_row *p = item;

	free(p->folder);
	free(p->date);
	free(p->message_id);
	free(p->from);
	free(p->subject);
	free(p->class);
	free(p->detail);
	free(p->server);
}

void missing_free(struct missing_row *v, size_t n)
{
	db_list_free(v, n, sizeof(*v), missing_clear);
}

static void missing_fill(struct stmt *st, void *item)
{
	*(struct missing_row *)item = (struct missing_row){.id = db_col_i64(st, 0),
	        .uid = db_col_i64(st, 1),
	        .size = db_col_i64(st, 2),
	        .folder = db_col_dup(st, 3),
	        .date = db_col_dup(st, 4),
	        .message_id = db_col_dup(st, 5),
	        .from = db_col_dup(st, 6),
	        .subject = db_col_dup(st, 7),
	        .class = db_col_dup(st, 8),
	        .detail = db_col_dup(st, 9),
	        .server = db_col_dup(st, 10)};
}

/* A pass tries again whatever was refused before: only the words of the last one and of recopies since still hold. */
#define MISSING_SEEN                                                                                         \
	"WITH ver AS (SELECT run_id, mailbox_id, pass_id FROM verifications WHERE id = ?1),"                 \
	" since AS (SELECT coalesce(max(p.run_id), 0) AS run_id FROM passes p JOIN runs x ON x.id = p.run_id"  \
	"  WHERE p.mailbox_id = (SELECT mailbox_id FROM ver) AND p.id <= (SELECT pass_id FROM ver)"          \
	"  AND x.kind = 'sync'),"                                                                            \
	" said AS (SELECT folder, uid, server FROM refusals WHERE id IN (SELECT max(id) FROM refusals"       \
	"  WHERE mailbox_id = (SELECT mailbox_id FROM ver) AND run_id >= (SELECT run_id FROM since)"         \
	"  AND run_id < (SELECT run_id FROM ver) GROUP BY folder, uid)),"                                    \
	" seen AS (SELECT m.*, said.server, CASE WHEN said.uid IS NOT NULL AND m.class = 'unexplained'"      \
	"  THEN 'refused' ELSE m.class END AS shown FROM missing m"                                          \
	"  LEFT JOIN said ON said.folder = m.folder AND said.uid = m.uid WHERE m.verification_id = ?1)"

const struct err *missing_list(struct store *s, int64_t verification_id, const char *class, int64_t after,
        size_t limit, struct missing_row **v, size_t *n)
{
	struct stmt *st = NULL;
	const struct err *e = db_query(store_db(s), &st,
	        MISSING_SEEN
	        " SELECT id, uid, size, folder, date, message_id, sender, subject, shown, detail,"
	        " coalesce(server, '') FROM seen"
	        " WHERE (?2 IS NULL OR shown = ?2) AND id > ?3 ORDER BY id LIMIT ?4",
	        "isii", verification_id, class, after, (int64_t)limit);

	return db_list(e, st, sizeof(**v), missing_fill, missing_clear, v, n);
}

static void missing_class_clear(void *item)
{
	free(((struct missing_class *)item)->class);
}

void missing_classes_free(struct missing_class *v, size_t n)
{
	db_list_free(v, n, sizeof(*v), missing_class_clear);
}

static void missing_class_fill(struct stmt *st, void *item)
{
	*(struct missing_class *)item =
	        (struct missing_class){.class = db_col_dup(st, 0), .count = db_col_i64(st, 1)};
}

const struct err *missing_classes(
        struct store *s, int64_t verification_id, struct missing_class **v, size_t *n)
{
	struct stmt *st = NULL;
	const struct err *e = db_query(store_db(s), &st,
	        MISSING_SEEN " SELECT shown, count(*) FROM seen GROUP BY shown ORDER BY shown", "i",
	        verification_id);

	return db_list(e, st, sizeof(**v), missing_class_fill, missing_class_clear, v, n);
}

static void refusals_clear(void *item)
{
	struct refusal_row *p = item;

	free(p->folder);
	free(p->code);
	free(p->server);
	free(p->file);
}

void refusals_free(struct refusal_row *v, size_t n)
{
	db_list_free(v, n, sizeof(*v), refusals_clear);
}

static void refusals_fill(struct stmt *st, void *item)
{
	*(struct refusal_row *)item = (struct refusal_row){.id = db_col_i64(st, 0),
	        .run_id = db_col_i64(st, 1),
	        .uid = db_col_i64(st, 2),
	        .size = db_col_i64(st, 3),
	        .at = db_col_i64(st, 4),
	        .folder = db_col_dup(st, 5),
	        .code = db_col_dup(st, 6),
	        .server = db_col_dup(st, 7),
	        .file = db_col_dup(st, 8)};
}

const struct err *refusal_list(
        struct store *s, int64_t mailbox_id, int64_t after, size_t limit, struct refusal_row **v, size_t *n)
{
	struct stmt *st = NULL;
	const struct err *e = db_query(store_db(s), &st,
	        "SELECT id, run_id, uid, size, at, folder, code, server, file FROM refusals WHERE mailbox_id "
	        "= ?1 AND id > ?2"
	        " ORDER BY id LIMIT ?3",
	        "iii", mailbox_id, after, (int64_t)limit);

	return db_list(e, st, sizeof(**v), refusals_fill, refusals_clear, v, n);
}

/* --- what runs leave
 * ------------------------------------------------------------------------------------------------ */

const struct err *evidence_pass(
        struct store *s, int64_t run_id, enum run_status status, const struct report_pass *p, int64_t now_ms)
{
	static const struct report_pass unknown = {0};
	const struct err *e;
	int64_t id;

	if (p == NULL)
		p = &unknown;
	e = db_run(store_db(s),
	        "INSERT INTO passes (run_id, attempt, mailbox_id, kind, pass, status, messages, copied, "
	        "present, refused, bytes, at, seq)"
	        " SELECT id, attempt, mailbox_id, kind, pass, ?2, ?3, ?4, ?5, ?6, ?7, ?8, change_seq"
	        " FROM runs WHERE id = ?1",
	        "isiiiiii", run_id, run_status_name(status), p->messages, p->copied, p->present, p->refused,
	        p->bytes, now_ms);
	id = db_last_id(store_db(s));
	for (size_t i = 0; e == NULL && i < p->n_folders; i++) {
		const struct report_folder *f = &p->folders[i];

		e = db_run(store_db(s),
		        "INSERT INTO pass_folders (pass_id, folder, destination, uidvalidity, uidnext, "
		        "messages, bytes)"
		        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
		        "issiiii", id, f->folder, f->dest, f->uidvalidity, f->uidnext, f->messages, f->bytes);
	}
	return e;
}

const struct err *evidence_verification(
        struct store *s, int64_t run_id, const struct report_verification *v, int64_t now_ms, int64_t *id)
{
	/* The pass it is measured against: the one the worker names if it is of this mailbox, else the last.
	 */
	static const char sql[] =
	        "INSERT INTO verifications (run_id, attempt, mailbox_id, pass_id, complete, deep, expected, "
	        "found, found_weak,"
	        " missing, unexplained, late, excluded, differing, extra, at)"
	        " SELECT id, attempt, mailbox_id, CASE WHEN ?2 > 0"
	        "   THEN (SELECT p.id FROM passes p WHERE p.id = ?2 AND p.mailbox_id = runs.mailbox_id)"
	        "   ELSE (SELECT max(p.id) FROM passes p JOIN mailboxes m ON m.id = p.mailbox_id"
	        "     WHERE p.mailbox_id = runs.mailbox_id AND p.run_id > m.pair_after) END,"
	        " ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14 FROM runs WHERE id = ?1";
	const struct err *e = db_run(store_db(s), sql, "iiiiiiiiiiiiii", run_id, v->pass_id,
	        (int64_t)v->complete, (int64_t)v->deep, v->expected, v->found, v->found_weak, v->missing,
	        v->unexplained, v->late, v->excluded, v->differing, v->extra, now_ms);

	*id = db_last_id(store_db(s));
	for (size_t i = 0; e == NULL && i < v->n_folders; i++) {
		const struct report_verify_folder *f = &v->folders[i];

		e = db_run(store_db(s),
		        "INSERT INTO verification_folders (verification_id, folder, destination, complete, "
		        "expected, found, found_weak,"
		        " exact, canonical, decoded, summary, header, missing, late, excluded, differing, "
		        "extra)"
		        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, "
		        "?17)",
		        "issiiiiiiiiiiiiii", *id, f->folder, f->dest, (int64_t)f->complete, f->expected,
		        f->found, f->found_weak, f->exact, f->canonical, f->decoded, f->summary, f->header,
		        f->missing, f->late, f->excluded, f->differing, f->extra);
	}
	return e;
}

const struct err *evidence_missing(
        struct store *s, int64_t verification_id, const struct report_missing *v, size_t n)
{
	const struct err *e = NULL;

	for (size_t i = 0; e == NULL && i < n; i++)
		e = db_run(store_db(s),
		        "INSERT INTO missing (verification_id, folder, uid, size, date, message_id, sender, "
		        "subject, class, detail)"
		        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
		        "isiissssss", verification_id, v[i].folder, v[i].uid, v[i].size, v[i].date,
		        v[i].message_id, v[i].from, v[i].subject, v[i].class, v[i].detail);
	return e;
}

const struct err *evidence_refusals(
        struct store *s, int64_t run_id, const struct report_refusal *v, size_t n, int64_t now_ms)
{
	const struct err *e = NULL;

	for (size_t i = 0; e == NULL && i < n; i++)
		e = db_run(store_db(s),
		        "INSERT INTO refusals (mailbox_id, run_id, folder, uid, size, code, server, file, at)"
		        " SELECT mailbox_id, id, ?2, ?3, ?4, ?5, ?6, ?7, ?8 FROM runs WHERE id = ?1",
		        "isiisssi", run_id, v[i].folder, v[i].uid, v[i].size, v[i].code, v[i].server,
		        v[i].file, now_ms);
	return e;
}
