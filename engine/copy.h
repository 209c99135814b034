/*
 * The copy at work: what copy.c (start and end), plan.c, pair.c (connections), job.c (a folder's phases), fetch.c
 * (source side), append.c (destination side), reconcile.c and refuse.c share. A job is one source folder; a pair is one connection to each server; each job
 * is worked off by one pair at a time, so that a folder keeps its order and its UIDs at the destination rise
 * in the order of our APPENDs, which is what `floor` in the state relies on.
 */
#ifndef COPY_H
#define COPY_H

#include "app.h"
#include "folders.h"
#include "ident.h"
#include "imap_conn.h"
#include "map.h"
#include "only.h"
#include "progress.h"
#include "spool.h"
#include "state.h"
#include "uidset.h"

#define PAIRS_MAX 16
#define FAR_MS 8 /* a round trip from here on is worth avoiding */
#define SET_TEXT_MAX 7000 /* of a command's UID set: servers read lines of 8 KiB at least */

struct copy;
struct pair;
struct reconcile;
struct flags_run;
struct prune;
struct preview;
struct trial;

enum job_phase { JOB_WAITING, JOB_STREAM, JOB_RETRY, JOB_KEEP, JOB_DONE };

struct refusal {
	uint32_t uid;
	enum err_id id;
	char *words;
	bool unreadable; /* the source could not give it: there is nothing to keep */
	bool told;
};

struct job {
	struct copy *cp;
	const struct folder *src, *dst; /* dst NULL: it is created */
	const char *dst_raw;            /* the map's */
	char *name, *dst_name;          /* for people */
	struct state_folder row;
	enum job_phase phase;
	bool created;    /* the folder is there: appending may begin */
	bool failed;     /* given up for this run; why is told */
	bool reconcile;  /* copies of todo may be at the destination already */
	bool compared;   /* the same, and the state knew nothing of the folder */
	bool search;     /* the filters must be asked of the server first */
	bool unsure;     /* --only: what the state does not know of the folder stays unknown */
	struct uidset only;    /* --only: the messages that are wanted */
	bool in_doubt;   /* a line or a run broke while copies were on their way */
	bool probing;    /* the next APPEND goes alone: the server may find what it had stored before */
	unsigned doubts; /* how often the server has failed by itself and was looked at again */
	struct uidset todo;    /* still to be copied */
	bool trial;            /* todo is a sample, see trial.c */
	struct uidset held;    /* what comes after it */
	struct uidset later;   /* what belongs to later turns, see turn.c */
	struct uidset retry;   /* of a refused batch: alone, one after the other */
	struct uidset bare;    /* refused with their keywords: tried, or to be tried, without */
	struct uidset came;    /* the source has given it: copied, refused or to be tried again */
	struct uidset again;   /* had not come, but is there: asked for once more */
	bool looked;           /* for what did not come */
	unsigned searches;     /* UID SEARCHes unanswered */
	struct uidset flags_doubt; /* found after a breakdown with other flags than at the source: flags.c mends them */
	struct uidset unsaved; /* acknowledged without a UID: written to the state at the next checkpoint */
	struct refusal *refused;
	size_t nrefused, kept;
	unsigned tasks;   /* FETCHes unanswered */
	unsigned batches; /* APPENDs unanswered or open */
	unsigned attempts;
	uint64_t base;    /* messages there before, as far as known without asking */
	uint64_t copied, copied_bytes, matched;
};

/* One APPEND command: one message, or several with MULTIAPPEND. */
struct batch {
	struct pair *p;
	struct job *job;
	struct uidset uids;
	uint32_t n;
	uint64_t bytes;
	bool keywords; /* flags that are no system flags went with it */
	bool alone;  /* a message on its own: a refusal is its own */
	bool closed, answered;
};

enum task_kind { TASK_STREAM, TASK_RETRY, TASK_KEEP };

/* One FETCH command. */
struct task {
	struct task *next; /* of the pair's */
	struct pair *p;
	struct job *job;
	enum task_kind kind;
	struct uidset uids, got;
};

struct message {
	struct job *job;
	struct task *task;
	uint32_t uid;
	uint64_t size, fed;
	char *flags, *date; /* as the source said; NULL: it did not say */
	bool open, begun;   /* between body begin and end; the APPEND has begun */
	bool alone;         /* not in a batch */
	enum { TO_APPEND, TO_SPOOL, TO_KEEP, TO_NOWHERE } to;
};

struct pair {
	struct copy *cp;
	unsigned n; /* 0, 1 … */
	struct imap_conn *src, *dst;
	bool src_ready, dst_ready, dead;
	const struct job *selected; /* by the last EXAMINE sent */
	unsigned tasks;
	struct task *first; /* every FETCH unanswered */
	uint64_t ahead; /* messages asked for and not yet come, roughly */
	struct message msg;
	struct spool spool;
	bool emitting; /* a spooled message is on its way to the destination */
	struct batch *batch; /* the APPEND being written */
	unsigned batches;
	struct job *jobs[64]; /* at work here */
	unsigned njobs;
	struct reconcile *rec;
	struct loop_timer again;   /* back-off, then connect */
	struct loop_timer dawdle;  /* a batch must not stay open for long */
	unsigned failures;         /* in a row, without progress */
	int64_t failing_since;     /* clock_mono_ms of the first of them */
	unsigned careful;          /* messages to be appended one by one, so that a bad line loses only one */
	bool draining;             /* the source is gone; answers of the destination are still waited for */
	struct err drain_why;
	struct loop_timer drain;
	int keep_fd;               /* quarantine file being written */
	char *keep_name;
	struct ident_reader *keep_reader; /* of its header, for the note beside it */
};

enum line_side { LINE_SRC, LINE_DST, LINE_SIDES };

/* What is known of the line to one side. */
struct line {
	bool slow; /* it is compressed */
	unsigned looks, waits;
	int64_t since;
	uint64_t from; /* bytes moved at `since` */
};

struct copy {
	struct app *app;
	struct opts *o;
	struct loop *loop;
	struct events *ev;
	struct state *state;
	int claim; /* claim.h */
	uint32_t turn; /* turn.c */
	struct map *map;
	struct only *only; /* NULL: everything is copied */
	struct folders src, dst;
	bool src_listed, dst_listed, settling, planned, finishing, stop;
	bool dst_bulk;   /* the first pair's connection has been given flags to ask and folders to make */
	unsigned making; /* of these, CREATEs and SUBSCRIBEs unanswered */
	struct job *jobs;
	size_t njobs, unfinished, next;
	unsigned conns; /* open */
	size_t *order; /* indexes into jobs, biggest first */
	struct pair pairs[PAIRS_MAX];
	unsigned npairs;
	struct flags_run *flags_run; /* --flags-sync */
	bool flags_done;
	uint64_t flags_changed;
	struct trial *trial; /* NULL: over, or not needed */
	char **ignore;       /* header fields that the destination adds, ended by NULL; NULL: none */
	int lowest;          /* enum ident_rung that messages are recognised by, the weakest */
	struct preview *preview; /* --dry-run */
	bool previewed;
	struct prune *prune; /* --delete-extra */
	bool prune_done;
	uint64_t deleted;
	bool flags_known, keywords_allowed;
	struct buf permanent; /* " \Seen \Flagged … " */
	struct loop_timer save, tick, hold, patience;
	bool holding; /* a killed run's last commands may still be at work on the server */
	int64_t rate_at;
	double rate_left, messages_left;
	struct line line[LINE_SIDES];
	struct progress progress;
	uint64_t messages_total, bytes_total, copied, copied_bytes, refused, matched, excluded;
	uint64_t unrecognised; /* there already, and none of the file's */
	struct err why;
	bool failed, partial, cancelled;
};

/* copy.c */
void copy_fail(struct copy *cp, const struct err *e); /* ends the run; the first one counts */
void copy_warn(struct copy *cp, const struct job *j, const struct err *e);
void copy_check(struct copy *cp, const struct err *e); /* copy_fail when e is not NULL: state errors */
void copy_job_done(struct copy *cp, struct job *j);
void copy_dirty(struct copy *cp); /* the state was written to: commit soon */
struct job *copy_next_job(struct copy *cp, const struct pair *p); /* the largest that this pair may take */

/* The plan stands: starts the work, or ends the run when there is none. */
const struct err *copy_planned(struct copy *cp);
void copy_conn_closed(struct copy *cp);
void copy_finish(struct copy *cp); /* every job is done: log out, then stop */

/* plan.c */
/* Which folder goes where, as far as both lists tell; then, with names settled (names.h), the jobs. */
const struct err *plan_map(struct copy *cp);
const struct err *plan_make(struct copy *cp);
void plan_event(struct copy *cp);
void plan_create(struct copy *cp, struct imap_conn *dst); /* CREATE and SUBSCRIBE, all at once */
void plan_free(struct copy *cp);
/* What is to be done for a job that was interrupted. */
const struct err *plan_again(struct job *j);
/* --only: what is wanted of the job's todo stays; called when both sides were compared. */
void plan_only(struct job *j);
uint64_t plan_size(const struct job *j); /* messages that this run is about */
/* "SINCE 1-Jan-2024 SMALLER 100"; "" without filters. */
void plan_filter(const struct opts *o, struct buf *out);

/* pair.c */
void pair_init(struct copy *cp, unsigned n);
void pair_open(struct pair *p);
void pair_fail(struct pair *p, const struct err *e, const char *side);
void pair_drained(struct pair *p);
void pair_logout(struct pair *p);
void pair_free(struct pair *p);

/* job.c */
void pair_work(struct pair *p);                     /* gives it work as far as it can take it */
void pair_stream(struct pair *p, struct job *j);    /* FETCHes its todo */
void pair_job_check(struct pair *p, struct job *j); /* anything left in its phase? else the next one */

/* fetch.c */
void pair_flow(struct pair *p); /* lets the source run, or holds it */
void pair_examine(struct pair *p, struct job *j); /* opens the source folder, read-only */
bool pair_may_append(const struct pair *p, const struct job *j);
void task_send(struct pair *p, struct job *j, enum task_kind kind, const struct uidset *uids);
void message_forget(struct message *m);

/* line.c */
void line_ready(struct pair *p, enum line_side side); /* a connection is there: compress it if need be */
void line_look(struct copy *cp);                      /* at every tick */

/* append.c */
void append_begin(struct pair *p, struct message *m);
void append_data(struct pair *p, struct message *m, const void *data, size_t n);
void append_end(struct pair *p, struct message *m);
void append_close(struct pair *p); /* ends the open command, if any */
void append_flags(const struct copy *cp, const char *flags, bool keywords, struct buf *out);
bool append_date_ok(const char *date);
void append_ask_flags(struct copy *cp, struct imap_conn *dst);

/* reconcile.c: takes what is at the destination out of the job's todo; calls pair_work when done */
void reconcile_start(struct pair *p, struct job *j);
void reconcile_free(struct reconcile *r); /* NULL is fine */

/* flags.c: after the mail; calls copy_finish when done. False: there is nothing to wait for. */
bool flags_start(struct copy *cp);
void flags_free(struct flags_run *r);

/* trial.c: before the mail */
void trial_start(struct copy *cp); /* the plan stands */
void trial_sent(struct pair *p, struct job *j); /* the last APPEND of its todo is on its way */
void trial_unsure(struct job *j);  /* it was not the last: some are tried again */
/* The job's todo is through: true when there is more, after the trial. */
bool trial_took(struct copy *cp, struct job *j);
bool trial_holds(const struct trial *t, const struct job *j); /* it is one of the trial's folders */
void trial_free(struct trial *t); /* NULL is fine */
void trial_forget(struct copy *cp);

/* turn.c */
bool turn_has_come(const struct job *j);
bool turn_next(struct copy *cp); /* goes on to the next one; false: no folder waits for one */
void turn_cut(struct job *j);    /* before its todo is streamed: what is for later is put aside */
bool turn_more(struct job *j);   /* its todo is through: true when it waits for a later turn */

/* preview.c: instead of the mail */
bool preview_start(struct copy *cp);
void preview_free(struct preview *v); /* NULL is fine */

/* prune.c: after the flags, in the same way */
bool prune_start(struct copy *cp);
void prune_free(struct prune *r); /* NULL is fine */

/* refuse.c */
void refuse(struct job *j, uint32_t uid, const struct err *e, bool unreadable);
/* These have arrived after all: the source gave them when it was asked again. */
void refuse_take_back(struct job *j, const struct uidset *uids);
void refuse_begin(struct pair *p, struct message *m);
void refuse_data(struct pair *p, const void *data, size_t n);
void refuse_end(struct pair *p, struct message *m);
void refuse_rest(struct pair *p, struct job *j); /* those whose bytes could not be had any more */

#endif
