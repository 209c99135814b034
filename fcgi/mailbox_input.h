/* Mailboxes as they come in: one object, an array, or CSV. */
#ifndef MAILBOX_INPUT_H
#define MAILBOX_INPUT_H

#include "call.h"
#include "endpoint_input.h"
#include "store_mailbox.h"

#define MAILBOXES_MAX 5000 /* in one request */

struct mailbox_input {
	struct mailbox m;
	const char *source_secret, *dest_secret; /* NULL: none; memory of c->json */
	char pointer[32];                        /* where it stood: "/3", "line 4" or "" */
};

/* Reads the body for job j. Mistakes go to c->bad, each at its row. *v must be freed in every case. */
const struct err *mailbox_inputs(struct call *c, const struct job *j, struct mailbox_input **v, size_t *n);
void mailbox_inputs_free(struct mailbox_input *v, size_t n);

/* One object on top of the mailbox in in->m (PATCH): what is absent stays. Mistakes go to c->bad. */
void mailbox_input_patch(struct call *c, const struct js_at *at, struct mailbox_input *in);

/* Seals a side's secret and puts it in place. ERR_KEY when no public key is set. */
const struct err *mailbox_seal(struct call *c, const struct mailbox *m, enum side side, const char *secret);

#endif
