#include "imap_conn_impl.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clock.h"
#include "feed.h"
#include "log.h"
#include "mem.h"
#include "str.h"

#include "banned.h"

static void process(struct imap_conn *c);

/* --- life and death --- */

void conn_free_caps(struct imap_conn *c)
{
	for (size_t i = 0; i < c->caps.n; i++)
		free(c->caps.s[i]);
	free(c->caps.s);
	c->caps.s = NULL;
	c->caps.n = 0;
}

static void destroy(struct imap_conn *c)
{
	struct imap_cmd *cmd;

	loop_disarm(c->loop, &c->later);
	loop_disarm(c->loop, &c->idle);
	loop_disarm(c->loop, &c->flush_timer);
	net_close(c->net);
	imap_reader_free(c->reader);
	while ((cmd = c->first) != NULL) {
		c->first = cmd->next;
		free(cmd);
	}
	conn_free_caps(c);
	buf_wipe(&c->out);
	free(c->greeting);
	free(c->in);
	free(c);
}

void conn_enter(struct imap_conn *c)
{
	c->busy++;
}

void conn_leave(struct imap_conn *c)
{
	if (--c->busy == 0 && c->closed)
		loop_arm(c->loop, &c->later, 0);
}

static void tell_lost(struct imap_conn *c)
{
	struct imap_result lost = {.kind = IMAP_BAD, .lost = true, .err = c->died ? &c->death : NULL};

	for (struct imap_cmd *cmd = c->first; cmd != NULL && !c->closed; cmd = cmd->next) {
		if (cmd->answered)
			continue;
		cmd->answered = true;
		c->pending--;
		if (cmd->h.done != NULL)
			cmd->h.done(cmd->arg, &lost);
	}
}

/* Ends the connection: every command learns it, then the owner. e NULL: we said LOGOUT. */
void conn_die(struct imap_conn *c, const struct err *e)
{
	if (c->phase == DEAD)
		return;
	conn_enter(c);
	c->phase = DEAD;
	c->died = e != NULL;
	if (e != NULL)
		c->death = *e;
	c->stop_wait = true;
	loop_disarm(c->loop, &c->idle);
	loop_disarm(c->loop, &c->flush_timer);
	net_close(c->net);
	c->net = NULL;
	tell_lost(c);
	if (!c->closed && c->ev.closed != NULL)
		c->ev.closed(c->arg, c->died ? &c->death : NULL);
	conn_leave(c);
}

/* The same from inside a call of the owner: the callbacks come when the loop runs again. */
void conn_die_soon(struct imap_conn *c, const struct err *e)
{
	if (c->phase == DEAD || c->dying)
		return;
	c->dying = true;
	c->died = e != NULL;
	if (e != NULL)
		c->death = *e;
	loop_arm(c->loop, &c->later, 0);
}

static void on_later(void *arg)
{
	struct imap_conn *c = arg;
	struct err copy = c->death;

	if (c->closed)
		destroy(c);
	else if (c->dying)
		conn_die(c, c->died ? &copy : NULL);
}

void conn_step(struct imap_conn *c, const char *name, const struct err *e)
{
	if (c->ev.step != NULL && !c->closed)
		c->ev.step(c->arg, name, e);
}

void conn_watch_silence(struct imap_conn *c)
{
	if (c->phase == DEAD)
		return;
	if (c->phase < READY)
		loop_arm(c->loop, &c->idle, GREETING_MS);
	else if (c->pending > 0 && !c->paused)
		loop_arm(c->loop, &c->idle, SILENCE_MS);
	else
		loop_disarm(c->loop, &c->idle);
}

static void on_silence(void *arg)
{
	struct imap_conn *c = arg;

	if (c->phase == CONNECTING || c->phase == SECURING) /* net has its own limits there */
		return;
	conn_die(c, err_new(ERR_TIMEOUT, "%s: no answer for %d s", c->ep.label,
	                    c->phase < READY ? GREETING_MS / 1000 : SILENCE_MS / 1000));
}

/* --- input --- */

static void answered(struct imap_conn *c, struct imap_cmd *cmd, const struct imap_resp *r)
{
	struct imap_result res = {.kind = r->kind, .resp = r};
	bool ended = cmd->end != UINT64_MAX;
	struct imap_handler h = cmd->h;
	void *arg = cmd->arg;

	if (r->kind != IMAP_OK)
		res.err = conn_error_of(c, r, "");
	/* a literal that was refused: its bytes and the rest of the command must not be sent */
	if (c->nbarriers > 0 && c->barrier[0].cmd == cmd) {
		uint64_t from = c->barrier[0].at - c->out_base,
		         to = (ended ? cmd->end : conn_out_end(c)) - c->out_base;
		char *base = c->out.ptr + c->out_at;
		unsigned k = 0;
		uint64_t gone = to - from;

		memmove(base + from, base + to, imap_out_pending(c) - to);
		buf_truncate(&c->out, c->out.len - gone);
		while (k < c->nbarriers && c->barrier[k].cmd == cmd)
			k++;
		memmove(c->barrier, c->barrier + k, (c->nbarriers - k) * sizeof(c->barrier[0]));
		c->nbarriers -= k;
		for (unsigned i = 0; i < c->nbarriers; i++)
			c->barrier[i].at -= gone;
		for (struct imap_cmd *x = cmd->next; x != NULL; x = x->next) {
			x->start -= gone;
			x->end -= x->end != UINT64_MAX ? gone : 0;
		}
		cmd->dead = !ended;
	}
	cmd->answered = true;
	c->pending--;
	if (ended)
		conn_forget(c, cmd);
	if (h.done != NULL)
		h.done(arg, &res);
	if (c->closed || c->phase == DEAD)
		return;
	conn_flush_soon(c);
	conn_watch_silence(c);
	if (c->pending == 0 && c->phase == READY)
		c->stop_wait = true;
}

static struct imap_cmd *oldest(struct imap_conn *c)
{
	struct imap_cmd *cmd = c->first;

	while (cmd != NULL && cmd->answered)
		cmd = cmd->next;
	return cmd;
}

static void on_tagged(struct imap_conn *c, const struct imap_resp *r)
{
	struct imap_cmd *cmd = c->first;
	int64_t n = 0;

	if (r->tag[0] != 'A' || !str_i64(r->tag + 1, 1, UINT32_MAX, &n))
		n = 0;
	while (cmd != NULL && (cmd->answered || cmd->tag != (unsigned)n))
		cmd = cmd->next;
	if (cmd == NULL)
		conn_die(c, err_new(ERR_PROTOCOL, "%s: an answer to a command that was not given: \"%.40s\"",
		                    c->ep.label, r->tag));
	else
		answered(c, cmd, r);
}

static void on_continue(struct imap_conn *c)
{
	struct barrier *b = &c->barrier[0];

	/* the barrier behind COMPRESS is not one that "+" opens */
	if (c->nbarriers > 0 && b->at == c->out_base && b->at < b->cmd->end) {
		c->nbarriers--;
		memmove(c->barrier, c->barrier + 1, c->nbarriers * sizeof(c->barrier[0]));
		conn_flush(c);
	} else if (c->phase == LOGIN && c->first != NULL) {
		conn_continue_login(c);
	} else {
		conn_die(c, err_new(ERR_PROTOCOL, "%s: \"+\" where nothing is to be continued", c->ep.label));
	}
}

static void on_bye(struct imap_conn *c, const struct imap_resp *r)
{
	const struct err *e;

	if (c->phase == CLOSING)
		return;
	if (c->ep.feed != NULL && (e = feed_error(r)) != NULL) {
		conn_die(c, e);
		return;
	}
	e = conn_error_of(c, r, "the server ended the session: ");
	conn_die(c, e->id == ERR_SERVER_NO ? err_new(ERR_LINE_LOST, "%s", e->msg) : e);
}

static void on_response(struct imap_conn *c, const struct imap_resp *r)
{
	struct imap_cmd *cmd;

	if (c->phase == GREETING) {
		conn_take_caps(c, r);
		conn_on_greeting(c, r);
		return;
	}
	if (c->ep.feed != NULL && feed_note(c->ep.feed, r))
		return;
	conn_take_caps(c, r);
	if (strcmp(r->code, "ALERT") == 0)
		log_warn("%s: %s", c->ep.label, r->text);
	if (r->tag != NULL) {
		on_tagged(c, r);
	} else if (r->kind == IMAP_CONTINUE) {
		on_continue(c);
	} else if (r->kind == IMAP_BYE) {
		on_bye(c, r);
	} else if ((cmd = oldest(c)) != NULL && cmd->h.untagged != NULL) {
		cmd->h.untagged(cmd->arg, r);
	}
}

/* Everything in the buffer, until it is used up, paused or over. */
static void process(struct imap_conn *c)
{
	if (c->processing)
		return;
	c->processing = true;
	conn_enter(c);
	while (!c->paused && c->phase != DEAD && c->phase != SECURING && !c->closed && c->in_at < c->in_len) {
		struct imap_cmd *cmd = oldest(c);
		const struct imap_resp *r = NULL;
		const struct err *e;
		size_t used = 0;
		bool done = false;

		e = imap_reader_feed(c->reader, c->in + c->in_at, c->in_len - c->in_at, &used, &done, &r,
		        cmd != NULL && cmd->h.body.begin != NULL ? &cmd->h.body : NULL,
		        cmd != NULL ? cmd->arg : NULL, &c->paused);
		c->in_at += used;
		if (e != NULL)
			conn_die(c, err_wrap(e, "%s", c->ep.label));
		else if (c->closed || c->phase == DEAD)
			break;
		else if (done)
			on_response(c, r);
		else if (!c->paused)
			break;
	}
	c->processing = false;
	conn_leave(c);
}

/* Room for IN_READ more bytes behind what is not yet used. */
static void make_room(struct imap_conn *c)
{
	if (c->in_at == c->in_len)
		c->in_at = c->in_len = 0;
	if (c->in_at > 0 && IN_SIZE - c->in_len < IN_READ) {
		memmove(c->in, c->in + c->in_at, c->in_len - c->in_at);
		c->in_len -= c->in_at;
		c->in_at = 0;
	}
}

static void on_readable(struct imap_conn *c)
{
	const struct err *e = NULL;

	conn_enter(c);
	process(c); /* what a pause has left */
	for (int round = 0; round < 4 && !c->paused && c->phase != DEAD && c->phase != SECURING && !c->closed;
	        round++) {
		size_t got = 0, room;

		make_room(c);
		room = IN_SIZE - c->in_len;
		if (room > IN_READ)
			room = IN_READ;
		if (room == 0) { /* cannot be: a token is smaller than the buffer */
			conn_die(c, err_new(ERR_PROTOCOL, "%s: a token too long", c->ep.label));
			break;
		}
		/* TLS gives one record a call, the decoder little at a time: fill the buffer first */
		while (got < room) {
			size_t k = 0;

			if ((e = net_read(c->net, c->in + c->in_len, room - got, &k)) != NULL || k == 0)
				break;
			got += k;
			c->in_len += k;
			if (c->ep.tls == URL_TLS_NONE && !c->compressed)
				break;
		}
		c->bytes_in += got;
		if (got > 0)
			process(c);
		if (e != NULL || got < room)
			break;
		if (round == 3 && c->net != NULL)
			net_kick(c->net);
	}
	if (c->phase != DEAD && !c->closed) {
		if (e != NULL && c->paused)
			; /* what has arrived before the end is worth reading: the error comes again */
		else if (e != NULL)
			conn_die(c, c->phase == CLOSING ? NULL : e);
		else
			conn_watch_silence(c);
	}
	conn_leave(c);
}

static void on_secure(struct imap_conn *c)
{
	conn_step(c, "tls", NULL);
	if (c->closed)
		return;
	if (c->ep.tls == URL_TLS_IMPLICIT) {
		c->phase = GREETING;
		conn_watch_silence(c);
	} else {
		static const struct imap_handler h = {.done = conn_on_caps_before};

		c->ep.tls = URL_TLS_IMPLICIT; /* from here on the same */
		c->phase = CAPABILITY;
		imap_command(c, &h, c, "CAPABILITY");
		conn_flush(c);
	}
}

static void on_net_failed(struct imap_conn *c, const struct err *e)
{
	conn_step(c, c->phase == CONNECTING ? "connect" : c->phase == SECURING ? "tls" : "line", e);
	if (!c->closed)
		conn_die(c, e);
}

static void on_net(void *arg, enum net_event ev, const struct err *e)
{
	struct imap_conn *c = arg;

	conn_enter(c);
	switch (ev) {
	case NET_CONNECTED:
		conn_step(c, "connect", NULL);
		if (c->closed)
			break;
		if (c->ep.tls == URL_TLS_IMPLICIT) {
			c->phase = SECURING;
			net_start_tls(c->net, c->ep.host, c->ep.ca_file, c->ep.fingerprint);
		} else {
			c->phase = GREETING;
			conn_watch_silence(c);
		}
		break;
	case NET_SECURE:
		on_secure(c);
		break;
	case NET_READABLE:
		on_readable(c);
		break;
	case NET_WRITABLE:
		conn_flush(c);
		break;
	case NET_FAILED:
		on_net_failed(c, e);
		break;
	}
	conn_leave(c);
}

/* --- for the owner --- */

struct imap_conn *imap_open(
        struct loop *l, const struct endpoint *ep, const struct imap_conn_events *ev, void *arg)
{
	struct imap_conn *c = xcalloc(1, sizeof(*c));
	const struct err *e;
	int fd;

	c->loop = l;
	c->ep = *ep;
	if (ev != NULL)
		c->ev = *ev;
	c->arg = arg;
	c->reader = imap_reader_new();
	c->in = xmalloc(IN_SIZE);
	buf_init(&c->out);
	c->last = &c->first;
	c->rtt_ms = -1;
	c->idle.fn = on_silence;
	c->flush_timer.fn = conn_on_flush_timer;
	c->later.fn = on_later;
	c->idle.arg = c->flush_timer.arg = c->later.arg = c;
	if (ep->feed == NULL) {
		c->net = net_open(l, ep->host, ep->port, on_net, c);
		return c;
	}
	e = feed_connect(ep->feed, &fd);
	if (e != NULL)
		conn_die_soon(c, e);
	else
		c->net = net_adopt(l, fd, ep->label, on_net, c);
	return c;
}

void imap_abort(struct imap_conn *c, const struct err *e)
{
	if (c == NULL)
		return;
	conn_enter(c);
	if (c->phase != DEAD) {
		c->phase = DEAD;
		c->died = e != NULL;
		if (e != NULL)
			c->death = *e;
		tell_lost(c);
	}
	imap_close(c);
	conn_leave(c);
}

void imap_close(struct imap_conn *c)
{
	if (c == NULL)
		return;
	c->closed = true;
	c->stop_wait = true;
	c->phase = DEAD;
	loop_disarm(c->loop, &c->idle);
	loop_disarm(c->loop, &c->flush_timer);
	net_close(c->net);
	c->net = NULL;
	if (c->busy == 0)
		loop_arm(c->loop, &c->later, 0);
}

void imap_logout(struct imap_conn *c)
{
	if (c->phase == DEAD)
		return;
	if (c->phase != READY) {
		conn_die_soon(c, NULL);
		return;
	}
	imap_command(c, NULL, NULL, "LOGOUT");
	c->phase = CLOSING;
	conn_flush(c);
}

void imap_pause(struct imap_conn *c)
{
	if (c->paused)
		return;
	c->paused = true;
	if (c->net != NULL)
		net_want_read(c->net, false);
	conn_watch_silence(c);
}

void imap_resume(struct imap_conn *c)
{
	if (!c->paused)
		return;
	c->paused = false;
	if (c->net != NULL)
		net_want_read(c->net, true); /* and kicks: what is in the buffer comes first */
	conn_watch_silence(c);
}

unsigned imap_pending(const struct imap_conn *c)
{
	return c->pending;
}

const struct err *imap_wait(struct imap_conn *c)
{
	conn_enter(c);
	c->stop_wait = c->phase == DEAD || (c->phase == READY && c->pending == 0);
	loop_run(c->loop, &c->stop_wait);
	if (c->phase != DEAD && !c->closed && (c->phase != READY || c->pending > 0)) {
		conn_leave(c);
		return err_new(ERR_RUN_CANCELLED, "interrupted");
	}
	if (c->died) {
		struct err copy = c->death;

		conn_leave(c);
		return err_new(copy.id, "%s", copy.msg);
	}
	conn_leave(c);
	return NULL;
}

static void on_compress(void *arg, const struct imap_result *res)
{
	struct imap_conn *c = arg;

	if (res->lost || res->kind != IMAP_OK)
		return; /* a NO: it goes on as it was */
	log_info("%s: compressed from here on", c->ep.label);
	c->compressed = true;
	/* what stands behind the answer is compressed already */
	net_start_deflate(c->net, c->in + c->in_at, c->in_len - c->in_at);
	c->in_at = c->in_len;
}

bool imap_compress(struct imap_conn *c)
{
	static const struct imap_handler h = {.done = on_compress};
	struct imap_cmd *cmd;

	if (c->phase != READY || c->dying || c->compress_asked || c->writing != NULL || c->nbarriers == BARRIERS ||
		!imap_has(c, "COMPRESS=DEFLATE"))
		return false;
	c->compress_asked = true;
	cmd = conn_begin(c, &h, c);
	conn_queue(c, "COMPRESS DEFLATE", 16);
	c->barrier[c->nbarriers++] = (struct barrier){conn_out_end(c) + 2, cmd}; /* behind the end of the line */
	imap_end(c);
	return true;
}

bool imap_paused(const struct imap_conn *c)
{
	return c->paused;
}

uint64_t imap_bytes_out(const struct imap_conn *c)
{
	return c->out_base;
}

uint64_t imap_bytes_in(const struct imap_conn *c)
{
	return c->bytes_in;
}

int64_t imap_rtt_ms(const struct imap_conn *c)
{
	return c->rtt_ms;
}
