/*
 * The ledger: of every message of the source, which one at the destination it is and by which rung. JSON Lines:
 *
 *   {"ledger":1,"mode":"deep","from":"ana@old:993","to":"ana@new:993"}
 *   {"folder":"INBOX","dest":"INBOX","uidvalidity":7,"dest_uidvalidity":9,"complete":true}
 *   {"uid":1,"dest_uid":4,"rung":"exact","key":"…"}     key: 128 bits of SHA-256; deep: of the message
 *   {"uid":2,"rung":"none","key":"…"}                   missing
 *   {"uid":3,"dest_uid":5,"rung":"exact","key":"…","when":"late"}
 *   {"end":true,"messages":3}                           without this line it is a fragment
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "verify.h"

#include "banned.h"

static void put_json(struct verify *vf, json_t *o)
{
	char *text = json_dumps(o, JSON_COMPACT);

	fputs(text != NULL ? text : "{}", vf->ledger);
	putc('\n', vf->ledger);
	free(text);
	json_decref(o);
}

const struct err *ledger_open(struct verify *vf, const char *path)
{
	const struct opts *o = &vf->app->opts;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0600);
	json_t *head;

	if (fd < 0)
		return err_errno("--ledger %s", path);
	vf->ledger = fdopen(fd, "w");
	if (vf->ledger == NULL) {
		close(fd);
		return err_new(ERR_INTERNAL, "--ledger %s", path);
	}
	head = json_pack("{si ss}", "ledger", 1, "mode", vf->deep ? "deep" : "quick");
	event_name(head, "from", o->from.label, strlen(o->from.label));
	event_name(head, "to", o->to.label, strlen(o->to.label));
	put_json(vf, head);
	return NULL;
}

static void put_message(struct verify *vf, const struct vmsg *m)
{
	static const char *const rungs[] = {"exact", "canonical", "decoded", "header", "summary"};
	static const char *const whens[] = {[V_EXPECTED] = NULL, [V_LATE] = "late", [V_EXCLUDED] = "excluded"};
	char key[2 * IDENT_KEY_SIZE + 1];

	for (int i = 0; i < IDENT_KEY_SIZE; i++)
		snprintf(key + 2 * i, 3, "%02x", m->key.b[i]);
	fprintf(vf->ledger, "{\"uid\":%" PRIu32, m->uid);
	if (m->rung != V_NONE)
		fprintf(vf->ledger, ",\"dest_uid\":%" PRIu32, m->peer);
	fprintf(vf->ledger, ",\"rung\":\"%s\"", m->rung != V_NONE ? rungs[m->rung] : "none");
	if (m->unreadable)
		fputs(",\"unreadable\":true", vf->ledger);
	else
		fprintf(vf->ledger, ",\"key\":\"%s\"", key);
	if (whens[m->when] != NULL)
		fprintf(vf->ledger, ",\"when\":\"%s\"", whens[m->when]);
	fputs("}\n", vf->ledger);
	vf->ledger_messages++;
}

void ledger_folder(struct verify *vf, const struct vfolder *f)
{
	const struct vside *src = &f->side[MATCH_SOURCE], *dst = &f->side[MATCH_DEST];
	json_t *o;

	if (vf->ledger == NULL)
		return;
	o = json_pack("{sI sI sb}", "uidvalidity", (json_int_t)src->uidvalidity, "dest_uidvalidity",
		(json_int_t)dst->uidvalidity, "complete", f->complete);
	event_name(o, "folder", f->display, strlen(f->display));
	event_name(o, "dest", f->dest_display, strlen(f->dest_display));
	put_json(vf, o);
	for (size_t i = 0; i < src->n; i++)
		put_message(vf, &src->v[i]);
}

const struct err *ledger_close(struct verify *vf, bool whole)
{
	const char *path = vf->app->opts.ledger;
	bool good;

	if (vf->ledger == NULL)
		return NULL;
	if (whole)
		put_json(vf, json_pack("{sb sI}", "end", 1, "messages", (json_int_t)vf->ledger_messages));
	errno = 0;
	good = fflush(vf->ledger) == 0 && !ferror(vf->ledger) && (fsync(fileno(vf->ledger)) == 0 || errno == EINVAL);
	if (fclose(vf->ledger) != 0)
		good = false;
	vf->ledger = NULL;
	return good ? NULL : err_errno("--ledger %s", path);
}
