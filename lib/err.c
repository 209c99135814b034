/* Errors: the table and the ring of the calling thread. */
#include "err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "banned.h"

static const struct err_row table[ERR_COUNT] = {
#define ERR_ROW(id_, code_, retry_, http_, exit_, en_, ren_, pt_, rpt_)                                                \
	[id_] = {.id = id_, .code = code_, .retry = retry_, .http = http_, .exit = exit_, .en = en_, .remedy_en = ren_,  \
		.pt = pt_, .remedy_pt = rpt_},
#include "err_table.h"
#undef ERR_ROW
};

static _Thread_local struct err ring[ERR_RING];
static _Thread_local unsigned next;

/* A cut UTF-8 sequence at the end of a full buffer is dropped. */
static void trim_utf8(char *s)
{
	size_t n = strlen(s), back = 0;

	if (n + 1 < ERR_MSG_SIZE)
		return;
	while (back < 4 && back < n && ((unsigned char)s[n - 1 - back] & 0xc0) == 0x80)
		back++;
	if (back < n && (unsigned char)s[n - 1 - back] >= 0xc0)
		s[n - 1 - back] = '\0';
}

static struct err *take(enum err_id id, int sys)
{
	struct err *e = &ring[next++ % ERR_RING];

	e->id = id;
	e->sys = sys;
	return e;
}

const struct err *err_new(enum err_id id, const char *fmt, ...)
{
	struct err *e = take(id, 0);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	trim_utf8(e->msg);
	return e;
}

static enum err_id from_errno(int n)
{
	switch (n) {
	case ENOSPC:
	case EDQUOT:
		return ERR_DISK_LOW;
	case EACCES:
	case EPERM:
		return ERR_PERMISSION;
	case ENOENT:
		return ERR_NOT_FOUND;
	default:
		return ERR_IO;
	}
}

const struct err *err_errno(const char *fmt, ...)
{
	int sys = errno;
	struct err *e = take(from_errno(sys), sys);
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof(e->msg))
		snprintf(e->msg + n, sizeof(e->msg) - (size_t)n, ": %s", strerror(sys));
	trim_utf8(e->msg);
	return e;
}

const struct err *err_wrap(const struct err *in, const char *fmt, ...)
{
	struct err old, *e;
	va_list ap;
	int n;

	if (in == NULL)
		return NULL;
	old = *in;
	e = take(old.id, old.sys);
	va_start(ap, fmt);
	n = vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof(e->msg))
		snprintf(e->msg + n, sizeof(e->msg) - (size_t)n, ": %s", old.msg);
	trim_utf8(e->msg);
	return e;
}

const struct err_row *err_row(enum err_id id)
{
	return id > ERR_NONE && id < ERR_COUNT ? &table[id] : NULL;
}

const struct err_row *err_row_by_code(const char *code)
{
	for (int i = 1; i < ERR_COUNT; i++)
		if (strcmp(table[i].code, code) == 0)
			return &table[i];
	return NULL;
}

const char *err_code(const struct err *e)
{
	return e != NULL ? table[e->id].code : "";
}

int err_exit(const struct err *e)
{
	return e != NULL ? table[e->id].exit : 0;
}
