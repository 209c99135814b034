/* A connection's way out: commands, literals that wait for "+", what the kernel does not take yet. */
#include "imap_conn_impl.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clock.h"
#include "log.h"
#include "mem.h"
#include "str.h"

#include "banned.h"

uint64_t conn_out_end(const struct imap_conn *c)
{
	return c->out_base + (c->out.len - c->out_at);
}

size_t imap_out_pending(const struct imap_conn *c)
{
	return c->out.len - c->out_at;
}

void conn_on_flush_timer(void *arg)
{
	conn_flush(arg);
}

void conn_flush_soon(struct imap_conn *c)
{
	if (c->net == NULL || c->phase == CONNECTING || c->phase == SECURING)
		return;
	if (imap_out_pending(c) >= FLUSH_AT)
		conn_flush(c);
	else if (!c->flush_timer.armed)
		loop_arm(c->loop, &c->flush_timer, 0);
}

static void compact(struct imap_conn *c)
{
	if (c->out_at == c->out.len) {
		if (c->secret_in_out) {
			sodium_memzero(c->out.ptr, c->out.len);
			c->secret_in_out = false;
		}
		buf_reset(&c->out);
		c->out_at = 0;
	} else if (c->out_at > (256u << 10)) {
		buf_consume(&c->out, c->out_at);
		c->out_at = 0;
	}
}

void conn_flush(struct imap_conn *c)
{
	const struct err *e = NULL;
	uint64_t until = c->nbarriers > 0 ? c->barrier[0].at : UINT64_MAX;
	size_t n = imap_out_pending(c), put = 0;

	loop_disarm(c->loop, &c->flush_timer);
	if (c->net == NULL || c->phase == DEAD || c->dying)
		return;
	if (c->out_base + n > until)
		n = (size_t)(until - c->out_base);
	if (n > 0)
		e = net_write(c->net, c->out.ptr + c->out_at, n, &put);
	c->out_at += put;
	c->out_base += put;
	compact(c);
	if (e != NULL) {
		conn_die_soon(c, e);
		return;
	}
	if (c->over_low && imap_out_pending(c) < IMAP_OUT_LOW) {
		c->over_low = false;
		if (c->ev.drained != NULL) {
			conn_enter(c);
			c->ev.drained(c->arg);
			conn_leave(c);
		}
	}
}

void conn_queue(struct imap_conn *c, const void *p, size_t n)
{
	if (c->phase == DEAD || c->dying || c->writing == NULL || c->writing->dead)
		return;
	buf_add(&c->out, p, n);
	if (imap_out_pending(c) >= IMAP_OUT_LOW)
		c->over_low = true;
}

void imap_bytes(struct imap_conn *c, const void *p, size_t n)
{
	const struct err *e = NULL;
	size_t put = 0;

	if (c->phase == DEAD || c->dying || c->writing == NULL || c->writing->dead)
		return;
	/* large pieces go straight to the kernel when nothing waits before them */
	if (n >= (16u << 10) && c->nbarriers == 0 && c->phase == READY) {
		if (imap_out_pending(c) > 0)
			conn_flush(c);
		if (imap_out_pending(c) == 0) {
			if (c->dying || (e = net_write(c->net, p, n, &put)) != NULL) {
				conn_die_soon(c, e);
				return;
			}
			c->out_base += put;
		}
	}
	if (put < n)
		conn_queue(c, (const char *)p + put, n - put);
	if (imap_out_pending(c) >= FLUSH_AT)
		conn_flush_soon(c);
}

struct imap_cmd *conn_begin(struct imap_conn *c, const struct imap_handler *h, void *arg)
{
	struct imap_cmd *cmd = xcalloc(1, sizeof(*cmd));
	char tag[16];

	if (h != NULL)
		cmd->h = *h;
	cmd->arg = arg;
	cmd->tag = ++c->next_tag;
	cmd->start = conn_out_end(c);
	cmd->end = UINT64_MAX;
	*c->last = cmd;
	c->last = &cmd->next;
	c->pending++;
	c->writing = cmd;
	snprintf(tag, sizeof(tag), "A%u ", cmd->tag);
	conn_queue(c, tag, strlen(tag));
	return cmd;
}

void imap_begin(struct imap_conn *c, const struct imap_handler *h, void *arg)
{
	conn_begin(c, h, arg);
}

void imap_text(struct imap_conn *c, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_addv(&b, fmt, ap);
	va_end(ap);
	conn_queue(c, b.ptr, b.len);
	buf_free(&b);
}

void imap_literal(struct imap_conn *c, uint64_t size)
{
	bool now = imap_has(c, "LITERAL+") || (size <= 4096 && imap_has(c, "LITERAL-"));

	if (c->phase == DEAD || c->dying || c->writing == NULL || c->writing->dead)
		return;
	imap_text(c, now ? "{%llu+}\r\n" : "{%llu}\r\n", (unsigned long long)size);
	if (now)
		return;
	if (c->nbarriers == BARRIERS) {
		conn_die_soon(c, err_new(ERR_INTERNAL, "%s: too many literals are waiting", c->ep.label));
		return;
	}
	c->barrier[c->nbarriers++] = (struct barrier){conn_out_end(c), c->writing};
	conn_flush_soon(c);
}

void imap_string(struct imap_conn *c, const char *p, size_t n)
{
	bool plain = n < 1000;

	for (size_t i = 0; i < n && plain; i++)
		plain = (unsigned char)p[i] >= 0x20 && (unsigned char)p[i] < 0x7f;
	if (!plain) {
		imap_literal(c, n);
		conn_queue(c, p, n);
		return;
	}
	conn_queue(c, "\"", 1);
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '"' || p[i] == '\\')
			conn_queue(c, "\\", 1);
		conn_queue(c, p + i, 1);
	}
	conn_queue(c, "\"", 1);
}

void imap_mailbox(struct imap_conn *c, const char *raw, size_t n)
{
	imap_string(c, raw, n);
}

void conn_forget(struct imap_conn *c, struct imap_cmd *cmd)
{
	struct imap_cmd **p = &c->first;

	while (*p != cmd)
		p = &(*p)->next;
	*p = cmd->next;
	if (c->last == &cmd->next)
		c->last = p;
	free(cmd);
}

void imap_end(struct imap_conn *c)
{
	struct imap_cmd *cmd = c->writing;

	if (cmd == NULL)
		return;
	conn_queue(c, "\r\n", 2);
	cmd->end = conn_out_end(c);
	c->writing = NULL;
	if (cmd->answered)
		conn_forget(c, cmd);
	if (c->phase == DEAD)
		return;
	conn_flush_soon(c);
	conn_watch_silence(c);
}

void imap_command(struct imap_conn *c, const struct imap_handler *h, void *arg, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;

	conn_begin(c, h, arg);
	va_start(ap, fmt);
	buf_addv(&b, fmt, ap);
	va_end(ap);
	conn_queue(c, b.ptr, b.len);
	buf_free(&b);
	imap_end(c);
}
