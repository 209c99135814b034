#include "event.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "fs.h"
#include "log.h"
#include "mem.h"
#include "str.h"

#include "banned.h"

struct events {
	int fd; /* -1: none */
	bool failed;
	struct err why;
};

const struct err *events_open(struct events **out, const char *spec)
{
	struct events *ev = xcalloc(1, sizeof(*ev));
	const struct err *e = NULL;
	int64_t fd = -1;

	if (spec != NULL && str_starts(spec, "fd:")) {
		if (!str_i64(spec + 3, 0, 65535, &fd) || fcntl((int)fd, F_SETFD, FD_CLOEXEC) != 0)
			e = err_new(ERR_USAGE, "--events %s: not an open file descriptor", spec);
	} else if (spec != NULL) {
		fd = open(spec, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
		if (fd < 0)
			e = err_errno("--events %s", spec);
	}
	ev->fd = (int)fd;
	if (e != NULL) {
		free(ev);
		ev = NULL;
	}
	*out = ev;
	return e;
}

void events_close(struct events *ev)
{
	if (ev == NULL)
		return;
	if (ev->fd > STDERR_FILENO)
		close(ev->fd);
	free(ev);
}

void event(struct events *ev, const char *type, json_t *o)
{
	const struct err *e;
	char *text;
	struct buf line = BUF_INIT;

	if (ev == NULL || ev->fd < 0 || ev->failed || o == NULL) {
		json_decref(o);
		return;
	}
	json_object_set_new(o, "v", json_integer(1));
	json_object_set_new(o, "t", json_string(type));
	json_object_set_new(o, "at", json_integer(clock_now_ms()));
	text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	if (text == NULL)
		return;
	buf_adds(&line, text);
	buf_addc(&line, '\n');
	free(text);
	e = fs_write_all(ev->fd, line.ptr, line.len);
	if (e != NULL) {
		ev->failed = true;
		ev->why = *e;
		log_warn("events: %s", e->msg);
	}
	buf_free(&line);
}

/* Bytes that are not UTF-8 become U+FFFD, one each. */
static void replace_invalid(struct buf *out, const char *p, size_t n)
{
	for (size_t i = 0; i < n;) {
		size_t k = 1;

		while (k <= 4 && i + k <= n && !str_utf8(p + i, k))
			k++;
		if (k > 4 || i + k > n || p[i] == '\0') {
			buf_adds(out, "\xef\xbf\xbd");
			i++;
		} else {
			buf_add(out, p + i, k);
			i += k;
		}
	}
}

void event_name(json_t *o, const char *key, const char *p, size_t n)
{
	struct buf b = BUF_INIT, raw_key = BUF_INIT;

	if (str_utf8(p, n) && memchr(p, '\0', n) == NULL) {
		json_object_set_new(o, key, json_stringn(p, n));
		return;
	}
	replace_invalid(&b, p, n);
	json_object_set_new(o, key, json_stringn(b.ptr, b.len));
	buf_reset(&b);
	str_hex(&b, p, n);
	buf_addf(&raw_key, "%s_raw", key);
	json_object_set_new(o, raw_key.ptr, json_string(b.ptr));
	buf_free(&b);
	buf_free(&raw_key);
}

void event_err(json_t *o, const struct err *e)
{
	const char *msg = e != NULL ? e->msg : "";

	json_object_set_new(o, "code", json_string(err_code(e)));
	event_name(o, "message", msg, strlen(msg));
}

void event_warning(struct events *ev, const struct err *e, const char *folder)
{
	json_t *o = json_object();

	log_warn("%s%s%s", folder != NULL ? folder : "", folder != NULL ? ": " : "", e->msg);
	event_err(o, e);
	if (folder != NULL)
		event_name(o, "folder", folder, strlen(folder));
	event(ev, "warning", o);
}

const struct err *events_failed(const struct events *ev)
{
	return ev != NULL && ev->failed ? &ev->why : NULL;
}
