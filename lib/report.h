/* What a worker reports of a run (PATCH /runs/{id}): the document, read into a struct. */
#ifndef REPORT_H
#define REPORT_H

#include "json.h"
#include "model.h"

struct report_folder { /* of a pass */
	const char *folder, *dest;
	int64_t uidvalidity, uidnext, messages, bytes;
};
struct report_pass {
	int64_t messages, copied, present, refused, bytes;
	struct report_folder *folders;
	size_t n_folders;
};
struct report_verify_folder {
	const char *folder, *dest;
	bool complete;
	int64_t expected, found, found_weak, exact, canonical, decoded, summary, header, missing, late,
	        excluded, differing, extra;
};
struct report_verification {
	bool complete, deep;
	int64_t pass_id; /* of the claim's baseline, 0: none */
	int64_t expected, found, found_weak, missing, unexplained, late, excluded, differing, extra;
	struct report_verify_folder *folders;
	size_t n_folders;
};
struct report_missing {
	const char *folder, *date, *message_id, *from, *subject, *class, *detail;
	int64_t uid, size;
};
struct report_refusal {
	const char *folder, *code, *server, *file;
	int64_t uid, size;
};

struct report {
	const char *worker;
	int64_t attempt, seq;
	enum run_status status;     /* queued: given back; running: only carries missing and refusals */
	const char *code, *message; /* NULL: none */
	char *result;               /* JSON object's text, owned */
	struct report_pass *pass;   /* NULL: none */
	struct report_verification *verification; /* NULL: none */
	struct report_missing *missing;
	size_t n_missing;
	struct report_refusal *refusals;
	size_t n_refusals;
	char **accounts; /* owned; lower case, domains as A-labels; NULL: none were listed */
	size_t n_accounts;
};

/* Texts point into root's json_t. Mistakes go to root->bad (unknown fields of the document itself too; items
 * of lists may carry more); then *out must still be freed. A verification whose numbers contradict each other
 * (found + found_weak + missing must be expected, and the folders' sums the totals) is kept as not complete:
 * it proves nothing. */
void report_parse(const struct js_at *root, struct report *out);
void report_free(struct report *r);

#endif
