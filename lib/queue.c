#include "queue.h"

#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "mem.h"
#include "queue_spool.h"
#include "str.h"

#include "banned.h"

struct queue {
	char *spool;
};

const struct err *queue_open(struct queue **out, const struct conf *c)
{
	const char *url = conf_str(c, CONF_QUEUE), *path;
	const struct err *e;
	struct queue *q;

	*out = NULL;
	if (!str_starts(url, "spool:"))
		return err_new(ERR_CONFIG,
		        "MIGRATION_QUEUE: \"%s\" is not known here: use spool: or spool:/folder", url);
	path = url[6] != '\0' ? url + 6 : conf_str(c, CONF_SPOOL_PATH);
	if (*path != '/')
		return err_new(ERR_CONFIG, "MIGRATION_QUEUE: \"%s\" is not an absolute path", path);
	if ((e = queue_spool_check(path)) != NULL)
		return e;
	q = xcalloc(1, sizeof(*q));
	q->spool = xstrdup(path);
	*out = q;
	return NULL;
}

void queue_close(struct queue *q)
{
	if (q == NULL)
		return;
	free(q->spool);
	free(q);
}

char *queue_run_file(const struct run *r)
{
	json_t *o = json_object(), *options = js_column(r->options);
	struct buf b = BUF_INIT;

	json_object_set_new(o, "version", json_integer(1));
	json_object_set_new(o, "run_id", json_integer(r->id));
	json_object_set_new(o, "job_id", json_integer(r->job_id));
	json_object_set_new(o, "mailbox_id", r->mailbox_id != 0 ? json_integer(r->mailbox_id) : json_null());
	json_object_set_new(o, "kind", json_string(run_kind_name(r->kind)));
	json_object_set_new(o, "pass", r->pass != PASS_NONE ? json_string(pass_name(r->pass)) : json_null());
	json_object_set_new(o, "engine", json_string(engine_kind_name(r->engine)));
	json_object_set_new(o, "attempt", json_integer(r->attempt));
	json_object_set_new(o, "options", options);
	js_write(&b, o);
	buf_addc(&b, '\n');
	json_decref(o);
	return buf_detach(&b);
}

const struct err *queue_emit(struct queue *q, const struct run *r)
{
	char *text;
	const struct err *e;

	if (r->status != RUN_QUEUED || r->held)
		return err_new(ERR_INTERNAL, "run %lld is not to be emitted", (long long)r->id);
	text = queue_run_file(r);
	e = queue_spool_emit(q->spool, r->id, text);
	free(text);
	return e;
}
