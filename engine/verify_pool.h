/*
 * Reading a side: tasks (some UIDs of a folder, for a phase) over a few connections, each with a pipeline of
 * them, so that neither the line nor the server waits. What a task has read is noted UID by UID: whatever
 * breaks, only the rest is asked for again. A refused FETCH is halved until the message that causes it stands
 * alone; that one is unreadable, the others are not its hostages.
 *
 * What verify_pool.c (connections), verify_task.c (commands and their ends) and verify_record.c (what comes in) share;
 * verify.h has what others need of it.
 */
#ifndef VERIFY_POOL_H
#define VERIFY_POOL_H

#include "verify.h"

struct vconn;

struct vtask {
	struct vtask *next;
	struct vpool *pool;
	struct vconn *conn; /* while it is in a pipeline */
	struct vfolder *f;
	enum vphase phase;
	struct uidset uids, done;
	uint64_t weight;
	unsigned tries;
	bool selects; /* its EXAMINE went out with it */
};

struct vconn {
	struct vpool *pool;
	struct imap_conn *c; /* NULL: not open */
	bool ready, was_ready, logged_in, given_up; /* was_ready: ever; logged_in: this connection */
	struct loop_timer again;
	struct vfolder *selected; /* by what has been sent */
	bool select_ok;           /* by what has been answered */
	struct err select_why;
	struct vtask *first, **last; /* the pipeline, oldest first */
	unsigned ntasks;
	uint64_t weight;
	/* the message that is coming */
	struct ident_reader *exact, *canonical, *full, *reader; /* reader: the one of them at work */
	struct ident id;
	bool has_body;
};

struct vpool {
	struct verify *vf;
	enum match_side side;
	const struct endpoint *ep;
	struct vconn *conn;
	unsigned nconn;
	struct vtask *first, **last; /* waiting */
	unsigned losses, breaks, throttled, refusals; /* since the last message that came */
	unsigned careful; /* tasks still to be sent one at a time */
	bool many;        /* the other connections may open too */
	void (*on_ready)(void *arg, struct imap_conn *c);
	void *on_ready_arg;
};

/* verify_task.c */
void vtask_free(struct vtask *t);
void vtask_enqueue(struct vpool *p, struct vtask *t, bool first);
void vtask_over(struct vtask *t); /* frees it; its folder goes on when it was the last */
void vtask_send(struct vconn *vc, struct vtask *t);

/* verify_record.c: a FETCH's or SEARCH's untagged data; arg is the task */
void vrecord_begin(void *arg, const struct imap_fetch *fetch, const char *section, uint64_t size);
void vrecord_data(void *arg, const void *p, size_t n);
void vrecord_end(void *arg);
void vrecord_fetch(void *arg, const struct imap_resp *r);
void vrecord_search(void *arg, const struct imap_resp *r);

#endif
