/*
 * The verifier's inside: what its files share. verify.c runs the whole; verify_plan.c says which folders; verify_pool.h
 * reads both sides over pools of connections; verify_match.c pairs one folder; verify_name.c names what is wrong; verify_report.c tells
 * it; verify_ledger.c writes down every message; verify_baseline.c reads what the last pass recorded.
 *
 * A folder goes through phases, each waiting for both sides: LIST (every message: UID, flags, date and the key
 * of its header or body), CHECK (only when a server has delivered fewer messages than it counts), BODIES (only
 * what found no partner: all keys), and at the very end NAMES (header fields of what must be named) and GONE (are
 * those that did not come still there?).
 */
#ifndef VERIFY_H
#define VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "app.h"
#include "flagset.h"
#include "ident.h"
#include "imap_conn.h"
#include "map.h"
#include "match.h"
#include "progress.h"
#include "survey.h"
#include "uidset.h"

/* The rungs of ident.h, and the quick look's own: equal header block and equal size, body not read. */
enum verify_rung { V_SUMMARY = IDENT_RUNGS, V_RUNGS, V_NONE = 0xff };

/* How a source message counts: by the baseline and by the rules that select messages. */
enum verify_when { V_EXPECTED, V_LATE, V_EXCLUDED };

struct vmsg { /* 44 bytes: a million of them must fit */
	struct ident_key key; /* deep: exact; quick: summary */
	uint32_t uid, size;   /* size: UINT32_MAX for all above */
	uint32_t flags;       /* flagset */
	uint32_t date_hi, date_lo; /* INTERNALDATE in seconds, as two halves: no padding */
	uint32_t peer;        /* UID at the other side, when rung is not V_NONE */
	uint8_t rung, when;
	bool unreadable, no_date; /* no_date: the server gave none that can be read */
};

/* The canonical key of a message for which it is not the exact one; only where both were asked for (vfolder.canonical). */
struct valt {
	uint32_t uid;
	struct ident_key key;
};

/* All keys of a message that found no partner at first. */
struct vdeep {
	uint32_t uid;
	unsigned have;
	struct ident_key key[IDENT_RUNGS];
};

struct vleft { /* indexes into v of what has no partner */
	uint32_t *i;
	size_t n;
};

struct vside {
	char *raw;   /* name on the wire */
	bool exists; /* it was listed */
	bool counted;
	uint64_t messages; /* STATUS: counted only */
	uint32_t uidnext, uidvalidity;
	struct vmsg *v;
	size_t n, cap;
	struct valt *alt;
	size_t nalt, cap_alt;
	bool exact_only; /* of some message the canonical key was not asked for */
	struct vdeep *deep;
	size_t ndeep, cap_deep;
	struct vleft left;
	struct uidset found; /* what CHECK saw */
	unsigned open;       /* tasks of the present phase */
	bool failed;         /* could not be opened or read: why says it */
	struct err why;
};

enum vphase { V_WAITING, V_LIST, V_CHECK, V_RECHECK, V_BODIES, V_NAMES, V_GONE, V_DONE };

struct vcounts {
	uint64_t expected, found, rung[V_RUNGS], missing, late, excluded, differing, extra;
};

struct vfolder {
	unsigned index;
	char *display, *dest_display;
	bool has_baseline; /* or there is no baseline at all */
	uint32_t base_uidnext, base_uidvalidity;
	bool excluded; /* as a whole: not read */
	bool lost;     /* the baseline has it, the source no longer */
	bool canonical; /* deep: LIST asks for the canonical key too, whatever the others showed */
	enum vphase phase;
	struct vside side[MATCH_SIDES];
	struct vcounts count;
	bool complete;
	uint64_t weight; /* messages it may hold in memory */
};

enum vitem_kind { V_ITEM_MISSING, V_ITEM_DIFFERING, V_ITEM_CHANGED };

#define V_DIFF_FLAGS FLAGSET_SYSTEM
#define V_DIFF_KEYWORDS FLAGSET_KEYWORDS
#define V_DIFF_DATE 4u

/* Something that an event of its own tells. */
struct vitem {
	struct ident_key key;
	int64_t date, dest_date;
	uint32_t folder, uid, dest_uid;
	uint32_t size, dest_size;
	uint32_t flags, dest_flags;
	uint32_t elsewhere; /* missing: 1 + folder that has it instead */
	uint8_t kind, rung;
	uint8_t diff;
	bool unreadable, told;
	bool gone; /* the source no longer has it */
};

/* A message at the destination that no source message claims. */
struct vextra {
	struct ident_key key;
	uint32_t folder, uid;
};

/* Events that name single messages stop after so many a folder and kind; missing ones never do. */
#define V_NAMED_MAX 1000

struct vpool;
struct baseline;

struct verify {
	struct app *app;
	bool deep;
	struct survey survey[MATCH_SIDES];
	struct map *map;
	struct baseline *baseline; /* NULL: none */
	int32_t since, before; /* yyyymmdd; 0: none */
	struct flagsets *flags;
	struct vpool *pool[MATCH_SIDES];
	struct vfolder *folder;
	struct progress progress;
	size_t name_width; /* columns of the widest name */
	size_t nfolder, next_folder; /* those before next_folder have been started */
	size_t open_folders;
	uint64_t weight; /* of the open ones */
	struct vitem *item;
	size_t nitem, cap_item;
	struct vextra *extra;
	size_t nextra, cap_extra;
	uint64_t messages_total, messages_done, bytes_read;
	size_t folders_done, naming; /* naming: folders whose items are being named */
	const char *current;
	struct vcounts total;
	bool complete;
	bool rewritten; /* deep: a folder had many messages that are equal by their canonical key alone */
	bool folder_missing; /* a folder of the source is not at the destination */
	bool over;  /* ends the loop */
	bool failed;
	struct err error; /* with failed */
	FILE *ledger; /* NULL: none is kept */
	uint64_t ledger_messages;
	struct loop_timer tick;
	bool moved; /* something to tell since the last tick */
};

static inline int64_t vmsg_date(const struct vmsg *m)
{
	return (int64_t)((uint64_t)m->date_hi << 32 | m->date_lo);
}

/* verify.c */
void verify_fail(struct verify *vf, const struct err *e); /* the whole ends; the first error counts */
void verify_folder_step(struct verify *vf, struct vfolder *f); /* called when a side has no task open */
void verify_side_failed(struct verify *vf, struct vfolder *f, enum match_side s, const struct err *e);

/* verify_plan.c */
const struct err *verify_plan(struct verify *vf); /* fills folder[] */

/* verify_pool.c: tasks are done in the order they are given, over several connections and out of order between
 * them; each ends by lowering side->open and, at 0 on both sides, verify_folder_step. */
struct vpool *vpool_new(struct verify *vf, enum match_side side, const struct endpoint *ep, unsigned connections);
void vpool_free(struct vpool *p); /* closes its connections; NULL is fine */
/* The first connection, for the survey; ready() comes when it is logged in, and again when it had to be opened anew,
 * until vpool_surveyed. */
void vpool_open(struct vpool *p, void (*ready)(void *arg, struct imap_conn *c), void *arg);
void vpool_surveyed(struct vpool *p);
void vpool_add(struct vpool *p, struct vfolder *f, enum vphase phase, const struct uidset *uids, bool first);
void vpool_pump(struct vpool *p);

/* verify_match.c */
void verify_match_list(struct verify *vf, struct vfolder *f);   /* after LIST: rungs of the keys at hand */
bool verify_match_undecided(const struct vfolder *f);           /* both sides have something left */
void verify_match_bodies(struct verify *vf, struct vfolder *f); /* after BODIES: the whole ladder */
void verify_match_end(struct verify *vf, struct vfolder *f);    /* counts, items and extras of the folder */

/* verify_name.c */
void verify_name_elsewhere(struct verify *vf); /* missing here, left over there */
void verify_name_start(struct verify *vf);     /* queues NAMES for every folder with items */
void verify_name_message(struct verify *vf, struct vfolder *f, uint32_t uid, const struct ident_reader *r);
bool verify_name_untold(struct verify *vf, struct vfolder *f, struct uidset *out); /* whose header did not come */
void verify_name_rest(struct verify *vf, struct vfolder *f); /* tells them; side->found: those that are still there */

/* verify_report.c */
void verify_report_plan(struct verify *vf);
void verify_report_folder(struct verify *vf, const struct vfolder *f);
void verify_report_item(struct verify *vf, const struct vitem *it, const struct ident_reader *r); /* r may be NULL */
void verify_report_progress(struct verify *vf);
const struct err *verify_report_done(struct verify *vf, const struct err *e); /* what the command returns */

/* verify_ledger.c */
const struct err *ledger_open(struct verify *vf, const char *path);
void ledger_folder(struct verify *vf, const struct vfolder *f); /* while its messages are in memory */
const struct err *ledger_close(struct verify *vf, bool whole);

/* verify_baseline.c */
const struct err *baseline_read(struct baseline **out, const char *path);
void baseline_free(struct baseline *b); /* NULL is fine */
/* The row of a source folder (display name); false when there is none. Marks it as seen. */
bool baseline_find(struct baseline *b, const char *folder, uint32_t *uidvalidity, uint32_t *uidnext);
/* The next row that was never found, from *at on; NULL at the end. */
const char *baseline_unseen(const struct baseline *b, size_t *at);

#endif
