/* What the verifier tells: events for programs (migration-events(7)), a table on standard output for people. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "imap_date.h"
#include "log.h"
#include "mem.h"
#include "table.h"
#include "verify.h"

#include "banned.h"

static void set_u64(json_t *o, const char *key, uint64_t n)
{
	json_object_set_new(o, key, json_integer((json_int_t)n));
}

static void set_name(json_t *o, const char *key, const char *s)
{
	event_name(o, key, s, strlen(s));
}

/* found_weak is what the header rung alone vouches for. */
static void set_counts(json_t *o, const struct vcounts *c)
{
	set_u64(o, "expected", c->expected);
	set_u64(o, "found", c->found);
	set_u64(o, "found_weak", c->rung[IDENT_HEADER]);
	for (int r = 0; r < IDENT_RUNGS; r++)
		set_u64(o, ident_rung_name((enum ident_rung)r), c->rung[r]);
	set_u64(o, "summary", c->rung[V_SUMMARY]);
	set_u64(o, "missing", c->missing);
	set_u64(o, "late", c->late);
	set_u64(o, "excluded", c->excluded);
	set_u64(o, "differing", c->differing);
	set_u64(o, "extra", c->extra);
}

void verify_report_plan(struct verify *vf)
{
	json_t *o = json_object();

	set_u64(o, "folders", vf->nfolder);
	set_u64(o, "messages", vf->messages_total);
	set_u64(o, "bytes", 0);
	set_u64(o, "messages_present", 0);
	event(vf->app->events, "plan", o);
	vf->name_width = 12;
	for (size_t i = 0; i < vf->nfolder; i++)
		vf->name_width = table_widen(vf->name_width, vf->folder[i].display);
	printf("%-*s %9s %9s %6s %8s %6s %9s %6s\n", (int)vf->name_width, "folder", "expected", "found", "weak",
		"missing", "late", "differing", "extra");
}

void verify_report_folder(struct verify *vf, const struct vfolder *f)
{
	json_t *o = json_object();
	const char *dest = f->dest_display != NULL ? f->dest_display : "";
	bool no_dest = !f->side[MATCH_DEST].exists && !f->excluded && !f->lost;

	set_name(o, "folder", f->display);
	set_name(o, "dest", dest);
	set_counts(o, &f->count);
	json_object_set_new(o, "complete", json_boolean(f->complete));
	json_object_set_new(o, "folder_missing", json_boolean(no_dest));
	event(vf->app->events, "verify_folder", o);
	progress_wipe(&vf->progress);
	table_text(f->display, vf->name_width);
	printf(" %9" PRIu64 " %9" PRIu64 " %6" PRIu64 " %8" PRIu64 " %6" PRIu64 " %9" PRIu64 " %6" PRIu64 "%s%s%s\n",
		f->count.expected, f->count.found, f->count.rung[IDENT_HEADER], f->count.missing, f->count.late,
		f->count.differing, f->count.extra, f->excluded ? "  excluded" : "", f->complete ? "" : "  NOT COMPLETE",
		no_dest ? "  folder missing" : "");
}

/* --- single messages -------------------------------------------------------------------------------------- */

struct class_text {
	const char *class, *detail;
};

static struct class_text class_of(const struct verify *vf, const struct vitem *it)
{
	const struct vfolder *f = &vf->folder[it->folder];

	if (it->unreadable)
		return (struct class_text){"unreadable", "the source lists it and does not deliver it"};
	if (it->elsewhere != 0)
		return (struct class_text){"misplaced", "it is in another folder of the destination"};
	if (it->gone)
		return (struct class_text){"source_deleted", "it left the source while this was being verified"};
	if (!f->side[MATCH_DEST].exists)
		return (struct class_text){"folder_missing", "the destination does not have the folder"};
	return (struct class_text){"unexplained", "no message of the destination's folder is this one"};
}

static void set_message(json_t *o, const struct vitem *it, const struct ident_reader *r)
{
	char date[IMAP_DATE_TEXT];

	set_u64(o, "uid", it->uid);
	set_u64(o, "size", it->size);
	json_object_set_new(o, "date", json_string(it->unreadable ? "" : imap_date_text(it->date, date)));
	set_name(o, "message_id", r != NULL ? ident_reader_field(r, IDENT_FIELD_MESSAGE_ID) : "");
	set_name(o, "from", r != NULL ? ident_reader_field(r, IDENT_FIELD_FROM) : "");
	set_name(o, "subject", r != NULL ? ident_reader_field(r, IDENT_FIELD_SUBJECT) : "");
}

static const char *set_missing(struct verify *vf, json_t *o, const struct vitem *it)
{
	struct class_text ct = class_of(vf, it);

	json_object_set_new(o, "class", json_string(ct.class));
	json_object_set_new(o, "detail", json_string(ct.detail));
	if (it->elsewhere != 0) {
		set_name(o, "elsewhere", vf->folder[it->elsewhere - 1].dest_display);
		set_u64(o, "dest_uid", it->dest_uid);
	}
	return ct.class;
}

static const char *set_differing(struct verify *vf, json_t *o, const struct vitem *it)
{
	static const struct {
		unsigned bit;
		const char *name;
	} kinds[] = {{V_DIFF_FLAGS, "flags"}, {V_DIFF_KEYWORDS, "keywords"}, {V_DIFF_DATE, "date"}};
	json_t *what = json_array();
	const char *first = NULL;
	char date[IMAP_DATE_TEXT];

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (it->diff & kinds[i].bit) {
			json_array_append_new(what, json_string(kinds[i].name));
			first = first != NULL ? first : kinds[i].name;
		}
	json_object_set_new(o, "what", what);
	set_u64(o, "dest_uid", it->dest_uid);
	set_name(o, "flags", flagset_text(vf->flags, it->flags));
	set_name(o, "dest_flags", flagset_text(vf->flags, it->dest_flags));
	json_object_set_new(o, "dest_date", json_string(imap_date_text(it->dest_date, date)));
	return first;
}

static const char *set_changed(json_t *o, const struct vitem *it)
{
	json_object_set_new(o, "rung", json_string(ident_rung_name((enum ident_rung)it->rung)));
	set_u64(o, "dest_uid", it->dest_uid);
	set_u64(o, "dest_size", it->dest_size);
	return ident_rung_name((enum ident_rung)it->rung);
}

void verify_report_item(struct verify *vf, const struct vitem *it, const struct ident_reader *r)
{
	static const char *const types[] = {
		[V_ITEM_MISSING] = "missing", [V_ITEM_DIFFERING] = "differing", [V_ITEM_CHANGED] = "changed"};
	const struct vfolder *f = &vf->folder[it->folder];
	json_t *o = json_object();
	const char *word;

	set_name(o, "folder", f->display);
	set_name(o, "dest", f->dest_display);
	set_message(o, it, r);
	word = it->kind == V_ITEM_MISSING ? set_missing(vf, o, it)
		: it->kind == V_ITEM_DIFFERING ? set_differing(vf, o, it)
					       : set_changed(o, it);
	event(vf->app->events, types[it->kind], o);
	progress_wipe(&vf->progress);
	printf("%s (%s): ", types[it->kind], word);
	table_text(f->display, 0);
	printf(", UID %" PRIu32 ": ", it->uid);
	table_text(r != NULL ? ident_reader_field(r, IDENT_FIELD_SUBJECT) : "", 0);
	putchar('\n');
}

/* --- the whole -------------------------------------------------------------------------------------------- */

void verify_report_progress(struct verify *vf)
{
	const struct progress_now now = {.messages_total = vf->messages_total, .messages_done = vf->messages_done,
		.bytes_done = vf->bytes_read, .bytes_moved = vf->bytes_read, .folders_total = vf->nfolder,
		.folders_done = vf->folders_done, .folder = vf->current != NULL ? vf->current : ""};

	progress_show(&vf->progress, vf->app->events, &now, true);
}

static const struct err *verdict(const struct verify *vf)
{
	const struct vcounts *c = &vf->total;

	if (!vf->complete)
		return err_new(ERR_PARTIAL, "not every folder could be verified");
	if (c->missing > 0)
		return err_new(ERR_PARTIAL, "%" PRIu64 " of %" PRIu64 " messages are missing", c->missing, c->expected);
	if (vf->folder_missing)
		return err_new(ERR_PARTIAL, "the destination lacks a folder");
	if (c->rung[IDENT_HEADER] > 0)
		return err_new(ERR_PARTIAL, "%" PRIu64 " of %" PRIu64 " messages have the same header and other content",
			c->rung[IDENT_HEADER], c->expected);
	return NULL;
}

const struct err *verify_report_done(struct verify *vf, const struct err *e)
{
	bool complete = e == NULL && vf->complete;
	const char *status = e == NULL ? "succeeded" : e->id == ERR_RUN_CANCELLED ? "cancelled" : "failed";
	json_t *o;

	if (e == NULL && (e = verdict(vf)) != NULL)
		status = "partial";
	if (vf->folder != NULL)
		verify_report_progress(vf);
	o = json_pack("{ss si sb ss}", "status", status, "exit", err_exit(e), "complete", complete, "mode",
		vf->deep ? "deep" : "quick");
	event_err(o, e);
	set_counts(o, &vf->total);
	set_u64(o, "bytes_read", vf->bytes_read);
	event(vf->app->events, "done", o);
	progress_wipe(&vf->progress);
	printf("%s: %" PRIu64 " expected, %" PRIu64 " found, %" PRIu64 " weak, %" PRIu64 " missing, %" PRIu64
		" late, %" PRIu64 " excluded, %" PRIu64 " differing, %" PRIu64 " extra%s%s\n",
		status, vf->total.expected, vf->total.found, vf->total.rung[IDENT_HEADER], vf->total.missing, vf->total.late,
		vf->total.excluded, vf->total.differing, vf->total.extra, e != NULL ? "; " : "", e != NULL ? e->msg : "");
	fflush(stdout);
	return e;
}
