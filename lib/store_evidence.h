/* Evidence, insert-only: passes, verifications with their folders, missing messages, refusals, acceptances,
 * DNS events. */
#ifndef STORE_EVIDENCE_H
#define STORE_EVIDENCE_H

#include "report.h"
#include "store.h"

struct pass_row {
	int64_t id, run_id, mailbox_id; /* id 0: none */
	enum run_kind kind;
	enum pass pass;
	enum run_status status;
	int64_t messages, copied, present, refused, bytes, at;
};
/* The last pass on the mailbox's present pair (zero when none). */
const struct err *pass_last(struct store *s, int64_t mailbox_id, struct pass_row *out);
struct pass_folder {
	char *folder, *destination;
	int64_t uidvalidity, uidnext, messages, bytes;
};
/* What a verify is measured against: *pass_id 0 when there was no pass that read the source. */
const struct err *pass_baseline(
        struct store *s, int64_t mailbox_id, int64_t *pass_id, struct pass_folder **v, size_t *n);
void pass_folders_free(struct pass_folder *v, size_t n);

struct verification {
	int64_t id, run_id, mailbox_id, pass_id; /* id 0: none */
	bool complete, deep;
	bool current; /* no pass has ended since it was claimed */
	int64_t expected, found, found_weak, missing, unexplained, late, excluded, differing, extra, at;
};
/* The latest on the mailbox's present pair (zero when none). */
const struct err *verification_last(struct store *s, int64_t mailbox_id, struct verification *out);
struct verification_folder {
	char *folder, *destination;
	bool complete;
	int64_t expected, found, found_weak, exact, canonical, decoded, summary, header, missing, late,
	        excluded, differing, extra;
};
const struct err *verification_folders(
        struct store *s, int64_t id, struct verification_folder **v, size_t *n);
void verification_folders_free(struct verification_folder *v, size_t n);

struct missing_row {
	int64_t id, uid, size;
	char *folder, *date, *message_id, *from, *subject, *class, *detail, *server;
};
/* By id, of one verification; class NULL: all. What nobody explained and the last pass (or a recopy since) was
 * refused is of class refused, with the destination's words in `server` (else ""); the verification's counts stay
 * as they were reported. */
const struct err *missing_list(struct store *s, int64_t verification_id, const char *class, int64_t after,
        size_t limit, struct missing_row **v, size_t *n);
void missing_free(struct missing_row *v, size_t n);
struct missing_class {
	char *class;
	int64_t count;
};
const struct err *missing_classes(
        struct store *s, int64_t verification_id, struct missing_class **v, size_t *n);
void missing_classes_free(struct missing_class *v, size_t n);

struct refusal_row {
	int64_t id, run_id, uid, size, at;
	char *folder, *code, *server, *file;
};
const struct err *refusal_list(
        struct store *s, int64_t mailbox_id, int64_t after, size_t limit, struct refusal_row **v, size_t *n);
void refusals_free(struct refusal_row *v, size_t n);

struct acceptance {
	int64_t id, job_id, mailbox_id, verification_id, count, at;
	char *what, *reason, *by, *role;
};
void acceptances_free(struct acceptance *v, size_t n);
/* `what`: missing weak refusal excluded source.empty source.shrank mailbox.removed. All but the last are of
 * the mailbox's latest verification: ERR_CONFLICT without one, and when `count` is not what it says now (so
 * that nobody accepts what he has not seen). ERR_INPUT for an unknown word. */
const struct err *acceptance_add(struct store *s, int64_t mailbox_id, const char *what, int64_t count,
        const char *reason, const struct actor *by, struct acceptance *out);
const struct err *acceptance_list(struct store *s, int64_t mailbox_id, struct acceptance **v, size_t *n);

/* `how`: webhook dns_read dns_apply rollback; detail: JSON object's text. */
const struct err *dns_event_add(struct store *s, int64_t job_id, bool rolled_back, const char *how,
        bool was_ready, const char *detail, const struct actor *by);

/* Used by run_report, in its transaction. `status`: the run's end. */
const struct err *evidence_pass(
        struct store *s, int64_t run_id, enum run_status status, const struct report_pass *p, int64_t now_ms);
const struct err *evidence_verification(
        struct store *s, int64_t run_id, const struct report_verification *v, int64_t now_ms, int64_t *id);
const struct err *evidence_missing(
        struct store *s, int64_t verification_id, const struct report_missing *v, size_t n);
const struct err *evidence_refusals(
        struct store *s, int64_t run_id, const struct report_refusal *v, size_t n, int64_t now_ms);

#endif
