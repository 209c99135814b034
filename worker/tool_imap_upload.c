/*
 * imap_upload.py, for tool_readpst.c: one run of it moves one mbox into one folder. What it says is counted, what it has
 * moved is kept for a later attempt, and what it could not move is written to a file of errors, for the quarantine.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "fs.h"
#include "json.h"
#include "mem.h"
#include "str.h"
#include "tool_account.h"
#include "tool_readpst_impl.h"

#include "banned.h"

#define TELL_MS 250
#define SAVE_MS 1000
#define STATE_BYTES (16 << 20)
#define WORDS_MAX 2000 /* refusals of one mbox whose words are kept */

/* --- what it needs --- */

const struct err *imap_upload_check_account(const struct account *a)
{
	if (a->tls == TLS_STARTTLS)
		return err_new(ERR_UNSUPPORTED, "imap_upload.py knows no STARTTLS: give the destination's port for TLS (993)");
	if (a->auth != AUTH_PASSWORD)
		return err_new(ERR_UNSUPPORTED, "imap_upload.py knows passwords only: use the engine native");
	for (size_t i = 0; i < a->secret_len; i++)
		if ((unsigned char)a->secret[i] >= 0x80)
			return err_new(ERR_UNSUPPORTED,
				"imap_upload.py cannot send a password that is not ASCII: use the engine native");
	return NULL;
}

/* Its own way of TLS checks no certificate; the module that makes it do so is installed beside it. */
const struct err *imap_upload_check_program(const struct own *o)
{
	char *real = realpath(o->upload, NULL), *slash = real != NULL ? strrchr(real, '/') : NULL, *module;
	bool there;

	if (slash != NULL)
		*slash = '\0';
	module = xasprintf("%s/sitecustomize.py", real != NULL ? real : "");
	there = access(module, R_OK) == 0;
	free(module);
	free(real);
	return there ? NULL
		     : err_new(ERR_TOOL_MISSING,
			       "imap_upload.py checks no certificates as it is: scripts/install-migration-tools.sh installs it "
			       "with what it needs");
}

/* --- what was moved before --- */

static char *state_path(const struct own *o)
{
	return xasprintf("%s/imap_upload.json", o->job->state);
}

/* The file as it was saved: {"file": TEXT, "size": BYTES, "boxes": {PATH: MESSAGES}}; anything else is damage. */
static const struct err *read_state(const char *path, json_t **out)
{
	struct buf b = BUF_INIT;
	const struct err *e = fs_read(path, STATE_BYTES, &b);
	json_error_t where = {.text = "it is not what was saved"};
	const char *key;
	json_t *count;

	if (e != NULL) {
		buf_free(&b);
		return err_new(ERR_TOOL_STATE, "what imap_upload.py has moved cannot be read: %s", e->msg);
	}
	*out = json_loadb(b.ptr, b.len, 0, &where);
	buf_free(&b);
	if (!json_is_string(json_object_get(*out, "file")) || !json_is_integer(json_object_get(*out, "size")) ||
		!json_is_object(json_object_get(*out, "boxes")))
		return err_new(ERR_TOOL_STATE, "what imap_upload.py has moved cannot be read: %s: %s", path, where.text);
	json_object_foreach(json_object_get(*out, "boxes"), key, count)
		if (!json_is_integer(count) || json_integer_value(count) < 0)
			return err_new(ERR_TOOL_STATE, "%s: the number of messages of %s is none", path, key);
	return NULL;
}

const struct err *imap_upload_load(struct own *o)
{
	char *path = state_path(o);
	struct stat st;
	const struct err *e = NULL;
	bool fresh = access(path, F_OK) != 0 && errno == ENOENT;

	if (stat(o->job->upload, &st) != 0)
		e = err_errno("the source's file %s", o->job->upload);
	else if (!fresh)
		e = read_state(path, &o->state);
	if (e == NULL && (fresh || json_integer_value(json_object_get(o->state, "size")) != (json_int_t)st.st_size ||
				 strcmp(json_string_value(json_object_get(o->state, "file")), o->job->upload) != 0)) {
		json_decref(o->state);
		o->state = json_pack("{s:s, s:I, s:{}}", "file", o->job->upload, "size", (json_int_t)st.st_size, "boxes");
	}
	free(path);
	return e;
}

static void save_state(struct own *o, bool now)
{
	char *path, *text;
	const struct err *e;
	json_t *boxes = json_object_get(o->state, "boxes");

	if (!now && clock_mono_ms() - o->saved < SAVE_MS)
		return;
	o->saved = clock_mono_ms();
	if (o->at < o->n_boxes)
		json_object_set_new(boxes, o->boxes[o->at].path, json_integer(o->boxes[o->at].handled + o->box_seen));
	path = state_path(o);
	text = js_text(o->state);
	e = fs_write(path, text, strlen(text), 0600);
	if (e != NULL && o->failure.id == ERR_NONE)
		o->failure = *e; /* not to know what was moved is to move it twice */
	free(path);
	free(text);
}

/* --- what it says --- */

void imap_upload_progress(struct own *o, bool now)
{
	const char *folder = o->at < o->n_boxes ? o->boxes[o->at].folder : "";

	if (!now && clock_mono_ms() - o->told < TELL_MS)
		return;
	o->told = clock_mono_ms();
	tool_tell(o->job, json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:o, s:I, s:I}", "t", "progress", "messages_total",
		(json_int_t)o->total, "messages_done", (json_int_t)(o->present + o->ok), "bytes_total", (json_int_t)o->bytes,
		"bytes_done", (json_int_t)o->bytes_done, "refused", (json_int_t)o->refused, "folder", tool_text(folder),
		"folders_total", (json_int_t)o->n_boxes, "folders_done", (json_int_t)o->at));
}

void imap_upload_refused(struct own *o, size_t i, const char *file, int64_t size)
{
	const char *words = i < o->n_words ? o->words[i] : "see the log";
	int64_t number = i < o->n_words ? o->numbers[i] : 0;
	struct upload_line l;
	char *line = xasprintf("1/1 0 B x ERROR (%s", words);

	upload_line(line, &l);
	tool_tell(o->job, json_pack("{s:s, s:o, s:I, s:I, s:s, s:o, s:s}", "t", "refused", "folder",
		tool_text(o->boxes[o->at].folder), "uid", (json_int_t)number, "size", (json_int_t)size, "code",
		err_row(l.code)->code, "server", tool_text(words), "file", file));
	free(line);
}

void imap_upload_said(struct own *o, const char *line)
{
	struct upload_line l;
	const struct box *b = o->at < o->n_boxes ? &o->boxes[o->at] : NULL;

	if (str_starts(line, "Uploading to ") || str_starts(line, "Just list mail boxes"))
		o->logged_in = true;
	switch (upload_line(line, &l)) {
	case UPLOAD_OK:
		o->ok++;
		o->box_seen++;
		if (b != NULL && b->messages > 0)
			o->bytes_done += b->bytes / b->messages;
		break;
	case UPLOAD_REFUSED:
		o->refused++;
		o->box_seen++;
		if (o->n_words < WORDS_MAX) {
			o->words = xreallocarray(o->words, o->n_words + 1, sizeof(*o->words));
			o->numbers = xreallocarray(o->numbers, o->n_words + 1, sizeof(*o->numbers));
			o->numbers[o->n_words] = (b != NULL ? b->handled : 0) + l.number;
			o->words[o->n_words++] = xstrdup(l.words);
		}
		break;
	case UPLOAD_DONE:
		o->ended = true;
		return;
	case UPLOAD_FAILED:
		if (o->failure.id == ERR_NONE)
			o->failure = *err_new(l.code, "imap_upload.py: %.300s", l.words);
		return;
	case UPLOAD_NOTHING:
		return;
	}
	imap_upload_progress(o, false);
	save_state(o, false);
}

/* --- its runs --- */

/* "--box" is put between quotation marks as it is. */
static void add_folder(struct spawn *s, const char *folder)
{
	struct buf b = BUF_INIT;

	for (; *folder != '\0'; folder++) {
		if (*folder == '"' || *folder == '\\')
			buf_addc(&b, '\\');
		buf_addc(&b, *folder);
	}
	spawn_arg(s, "--box");
	spawn_arg(s, b.ptr);
	buf_free(&b);
}

const struct err *imap_upload_new(struct own *o, struct spawn **out)
{
	const struct account *a = o->job->destination;
	char *real = realpath(o->upload, NULL), *slash = real != NULL ? strrchr(real, '/') : NULL;
	struct spawn *s = spawn_new(o->upload);
	const struct err *e = spawn_terminal(s, "assword", a->secret, a->secret_len);

	o->ended = false;
	if (slash != NULL) {
		*slash = '\0';
		spawn_readable(s, real);
		spawn_env(s, "PYTHONPATH", real); /* the modules beside it: its imap_utf7, and that certificates count */
	}
	if (*conf_str(o->job->conf, CONF_TLS_CA_FILE) != '\0')
		spawn_env(s, "MIGRATION_EXTRA_CA_FILE", conf_str(o->job->conf, CONF_TLS_CA_FILE));
	spawn_env(s, "PYTHONUNBUFFERED", "1");
	spawn_env(s, "PYTHONDONTWRITEBYTECODE", "1");
	spawn_arg(s, "--host");
	spawn_arg(s, a->host);
	spawn_arg(s, "--port");
	spawn_argf(s, "%lld", (long long)a->port);
	if (a->tls == TLS_IMPLICIT)
		spawn_arg(s, "--ssl");
	spawn_arg(s, "--user");
	spawn_arg(s, a->user);
	free(real);
	if (e != NULL) {
		spawn_free(s);
		return e;
	}
	*out = s;
	return NULL;
}

static char *errors_file(const struct own *o)
{
	return xasprintf("%s/errors-%zu.mbox", o->job->work, o->at);
}

const struct err *imap_upload_start(struct own *o, const char *file, struct spawn **out)
{
	char *errors = errors_file(o);
	const struct err *e = imap_upload_new(o, out);

	o->step = UPLOAD;
	remove(errors);
	if (e == NULL) {
		add_folder(*out, o->boxes[o->at].folder);
		spawn_arg(*out, "--error");
		spawn_arg(*out, errors);
		spawn_arg(*out, file);
	}
	free(errors);
	return e;
}

const struct err *imap_upload_ended(struct own *o, int status)
{
	save_state(o, true);
	if (o->failure.id != ERR_NONE)
		return err_new(o->failure.id, "%s", o->failure.msg);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
		return err_new(ERR_TOOL_FAILED, "imap_upload.py does not understand its arguments: another version?");
	if (status != 0 || !o->ended)
		return readpst_step_died("imap_upload.py", status);
	if (o->box_seen != o->boxes[o->at].messages - o->boxes[o->at].handled)
		readpst_damaged(o, "imap_upload.py did not speak of every message");
	return NULL;
}

const struct err *imap_upload_split(struct own *o, struct spawn **out)
{
	char *errors = errors_file(o);
	const struct err *e = tool_inspect(out, "split");

	o->step = SPLIT;
	if (e == NULL) {
		spawn_arg(*out, errors);
		spawn_arg(*out, o->job->quarantine);
		spawn_argf(*out, "box%zu", o->at);
	}
	free(errors);
	return e;
}
