#include "imap_conn.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clock.h"
#include "imap_auth.h"
#include "imap_quirk.h"
#include "log.h"
#include "mem.h"
#include "net.h"
#include "str.h"

#include "banned.h"

#define IN_SIZE (IMAP_TOKEN_MAX + (64u << 10)) /* a whole token must fit */
#define IN_READ (128u << 10)
#define GREETING_MS 60000
#define SILENCE_MS 300000 /* with an answer owed to us */
#define FLUSH_AT (64u << 10)
#define BARRIERS 64

enum phase { CONNECTING, GREETING, STARTTLS, SECURING, CAPABILITY, LOGIN, CAPABILITY_AFTER, READY, CLOSING, DEAD };

struct imap_cmd {
	struct imap_cmd *next;
	struct imap_handler h;
	void *arg;
	unsigned tag;
	uint64_t start, end; /* offsets in all output; end UINT64_MAX while it is being written */
	bool answered, dead; /* dead: what is still written is thrown away */
};

struct barrier {
	uint64_t at;
	struct imap_cmd *cmd;
};

struct imap_conn {
	struct loop *loop;
	struct endpoint ep; /* borrowed members */
	struct imap_conn_events ev;
	void *arg;
	struct net *net;
	struct imap_reader *reader;
	enum phase phase;
	struct loop_timer idle, flush_timer;
	struct loop_timer later; /* an end or a free that must not happen inside the owner's call */

	char *in;
	size_t in_at, in_len;
	bool paused, processing;
	uint64_t bytes_in;

	struct buf out;
	size_t out_at;      /* sent bytes at the front of out */
	uint64_t out_base;  /* offset of out.ptr[out_at] in all output */
	bool over_low, secret_in_out, auth_sent, caps_fresh;
	struct barrier barrier[BARRIERS];
	unsigned nbarriers;

	struct imap_cmd *first, **last; /* unanswered or unfinished, oldest first */
	struct imap_cmd *writing;
	unsigned next_tag, pending;

	struct strlist_caps {
		char **s;
		size_t n;
	} caps;
	char *greeting;
	const struct quirk_server *quirk;
	struct auth_plan auth;
	int64_t sent_login_at, rtt_ms;

	struct err death;
	bool dying, died, closed; /* dying: death is set, its callbacks are still to come */
	unsigned busy;
	bool stop_wait;
};

static void process(struct imap_conn *c);
static void flush(struct imap_conn *c);

/* --- life and death --- */

static void free_caps(struct imap_conn *c)
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
	free_caps(c);
	buf_wipe(&c->out);
	free(c->greeting);
	free(c->in);
	free(c);
}

static void enter(struct imap_conn *c)
{
	c->busy++;
}

static void leave(struct imap_conn *c)
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
static void die(struct imap_conn *c, const struct err *e)
{
	if (c->phase == DEAD)
		return;
	enter(c);
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
	leave(c);
}

/* The same from inside a call of the owner: the callbacks come when the loop runs again. */
static void die_soon(struct imap_conn *c, const struct err *e)
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
		die(c, c->died ? &copy : NULL);
}

static void step(struct imap_conn *c, const char *name, const struct err *e)
{
	if (c->ev.step != NULL && !c->closed)
		c->ev.step(c->arg, name, e);
}

static void watch_silence(struct imap_conn *c)
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
	die(c, err_new(ERR_TIMEOUT, "%s: no answer for %d s", c->ep.label,
		       c->phase < READY ? GREETING_MS / 1000 : SILENCE_MS / 1000));
}

/* --- output --- */

static uint64_t out_end(const struct imap_conn *c)
{
	return c->out_base + (c->out.len - c->out_at);
}

size_t imap_out_pending(const struct imap_conn *c)
{
	return c->out.len - c->out_at;
}

static void on_flush_timer(void *arg)
{
	flush(arg);
}

static void flush_soon(struct imap_conn *c)
{
	if (c->net == NULL || c->phase == CONNECTING || c->phase == SECURING)
		return;
	if (imap_out_pending(c) >= FLUSH_AT)
		flush(c);
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

static void flush(struct imap_conn *c)
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
		die_soon(c, e);
		return;
	}
	if (c->over_low && imap_out_pending(c) < IMAP_OUT_LOW) {
		c->over_low = false;
		if (c->ev.drained != NULL) {
			enter(c);
			c->ev.drained(c->arg);
			leave(c);
		}
	}
}

static void queue(struct imap_conn *c, const void *p, size_t n)
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
			flush(c);
		if (imap_out_pending(c) == 0) {
			if (c->dying || (e = net_write(c->net, p, n, &put)) != NULL) {
				die_soon(c, e);
				return;
			}
			c->out_base += put;
		}
	}
	if (put < n)
		queue(c, (const char *)p + put, n - put);
	if (imap_out_pending(c) >= FLUSH_AT)
		flush_soon(c);
}

static struct imap_cmd *begin(struct imap_conn *c, const struct imap_handler *h, void *arg)
{
	struct imap_cmd *cmd = xcalloc(1, sizeof(*cmd));
	char tag[16];

	if (h != NULL)
		cmd->h = *h;
	cmd->arg = arg;
	cmd->tag = ++c->next_tag;
	cmd->start = out_end(c);
	cmd->end = UINT64_MAX;
	*c->last = cmd;
	c->last = &cmd->next;
	c->pending++;
	c->writing = cmd;
	snprintf(tag, sizeof(tag), "A%u ", cmd->tag);
	queue(c, tag, strlen(tag));
	return cmd;
}

void imap_begin(struct imap_conn *c, const struct imap_handler *h, void *arg)
{
	begin(c, h, arg);
}

void imap_text(struct imap_conn *c, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_addv(&b, fmt, ap);
	va_end(ap);
	queue(c, b.ptr, b.len);
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
		die_soon(c, err_new(ERR_INTERNAL, "%s: too many literals are waiting", c->ep.label));
		return;
	}
	c->barrier[c->nbarriers++] = (struct barrier){out_end(c), c->writing};
	flush_soon(c);
}

void imap_string(struct imap_conn *c, const char *p, size_t n)
{
	bool plain = n < 1000;

	for (size_t i = 0; i < n && plain; i++)
		plain = (unsigned char)p[i] >= 0x20 && (unsigned char)p[i] < 0x7f;
	if (!plain) {
		imap_literal(c, n);
		queue(c, p, n);
		return;
	}
	queue(c, "\"", 1);
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '"' || p[i] == '\\')
			queue(c, "\\", 1);
		queue(c, p + i, 1);
	}
	queue(c, "\"", 1);
}

void imap_mailbox(struct imap_conn *c, const char *raw, size_t n)
{
	imap_string(c, raw, n);
}

static void forget(struct imap_conn *c, struct imap_cmd *cmd)
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
	queue(c, "\r\n", 2);
	cmd->end = out_end(c);
	c->writing = NULL;
	if (cmd->answered)
		forget(c, cmd);
	if (c->phase == DEAD)
		return;
	flush_soon(c);
	watch_silence(c);
}

void imap_command(struct imap_conn *c, const struct imap_handler *h, void *arg, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;

	begin(c, h, arg);
	va_start(ap, fmt);
	buf_addv(&b, fmt, ap);
	va_end(ap);
	queue(c, b.ptr, b.len);
	buf_free(&b);
	imap_end(c);
}

/* --- capabilities --- */

bool imap_has(const struct imap_conn *c, const char *capability)
{
	for (size_t i = 0; i < c->caps.n; i++)
		if (strcasecmp(c->caps.s[i], capability) == 0)
			return true;
	return false;
}

bool imap_dead(const struct imap_conn *c)
{
	return c->phase == DEAD;
}

static bool has(void *arg, const char *capability)
{
	return imap_has(arg, capability);
}

uint64_t imap_appendlimit(const struct imap_conn *c)
{
	int64_t v;

	for (size_t i = 0; i < c->caps.n; i++)
		if (str_istarts(c->caps.s[i], "APPENDLIMIT=") && str_i64(c->caps.s[i] + 12, 0, INT64_MAX, &v))
			return (uint64_t)v;
	return 0;
}

const char *imap_server_name(const struct imap_conn *c)
{
	return quirk_server_name(c->quirk);
}

bool imap_ready(const struct imap_conn *c)
{
	return c->phase == READY;
}

static void add_cap(struct imap_conn *c, const char *p, size_t n)
{
	if (n == 0 || n > 200 || c->caps.n >= 500)
		return;
	c->caps.s = xreallocarray(c->caps.s, c->caps.n + 1, sizeof(char *));
	c->caps.s[c->caps.n++] = xstrndup(p, n);
}

static void caps_from_text(struct imap_conn *c, const char *s)
{
	free_caps(c);
	while (*s != '\0') {
		size_t n = strcspn(s, " ");

		add_cap(c, s, n);
		s += n + strspn(s + n, " ");
	}
}

static void caps_from_values(struct imap_conn *c, const struct imap_resp *r)
{
	free_caps(c);
	for (size_t i = 0; i < r->nv; i++)
		if (r->v[i].type == IMAP_V_ATOM)
			add_cap(c, r->v[i].s, r->v[i].n);
}

/* Capabilities come in a response of their own or as a code in a status response. */
static void take_caps(struct imap_conn *c, const struct imap_resp *r)
{
	if (r->kind == IMAP_CAPABILITY)
		caps_from_values(c, r);
	else if (r->kind <= IMAP_PREAUTH && strcmp(r->code, "CAPABILITY") == 0)
		caps_from_text(c, r->code_args);
	else
		return;
	c->caps_fresh = true;
}

/* --- log-in --- */

static const struct err *error_of(struct imap_conn *c, const struct imap_resp *r, const char *doing)
{
	enum err_id id = quirk_meaning(r);

	return err_new(id, "%s: %s%s%s%s%s", c->ep.label, doing, r->code[0] != '\0' ? "[" : "", r->code,
		r->code[0] != '\0' ? "] " : "", r->text);
}

static void become_ready(struct imap_conn *c)
{
	c->phase = READY;
	c->quirk = quirk_find(c->greeting != NULL ? c->greeting : "", has, c);
	watch_silence(c);
	step(c, "auth", NULL);
	if (!c->closed && c->ev.ready != NULL)
		c->ev.ready(c->arg);
	c->stop_wait = c->pending == 0;
}

static void on_caps_after(void *arg, const struct imap_result *res)
{
	struct imap_conn *c = arg;

	if (res->lost)
		return;
	if (res->kind != IMAP_OK)
		die(c, res->err);
	else
		become_ready(c);
}

static void on_login(void *arg, const struct imap_result *res)
{
	static const struct imap_handler caps = {.done = on_caps_after};
	struct imap_conn *c = arg;
	const struct err *e;

	if (res->lost)
		return;
	if (res->kind == IMAP_OK) {
		c->rtt_ms = clock_mono_ms() - c->sent_login_at;
		if (c->caps_fresh) { /* those of before the log-in do not count */
			become_ready(c);
			return;
		}
		c->phase = CAPABILITY_AFTER;
		imap_command(c, &caps, c, "CAPABILITY");
		return;
	}
	e = error_of(c, res->resp, "");
	if (e->id == ERR_SERVER_NO)
		e = err_new(ERR_AUTH_REJECTED, "%s: %s", c->ep.label, res->resp->text);
	step(c, "auth", e);
	if (!c->closed)
		die(c, e);
}

static void log_in(struct imap_conn *c)
{
	static const struct imap_handler h = {.done = on_login};
	const struct err *e = auth_choose(&c->auth, &c->ep, has, c);
	struct buf b = BUF_INIT;

	if (e != NULL) {
		step(c, "auth", e);
		if (!c->closed)
			die(c, e);
		return;
	}
	c->phase = LOGIN;
	c->caps_fresh = c->auth_sent = false;
	c->secret_in_out = true;
	c->sent_login_at = clock_mono_ms();
	begin(c, &h, c);
	/* so that no copy of the secret stays behind in memory that realloc has moved */
	buf_reserve(&c->out, 4 * (c->ep.secret.len + strlen(c->ep.user)) + 1024);
	if (c->auth.way == AUTH_WAY_LOGIN) {
		imap_text(c, "LOGIN ");
		imap_string(c, c->ep.user, strlen(c->ep.user));
		imap_text(c, " ");
		imap_string(c, c->ep.secret.ptr, c->ep.secret.len);
	} else {
		imap_text(c, "AUTHENTICATE %s", c->auth.mechanism);
		if (imap_has(c, "SASL-IR")) {
			auth_response(&c->auth, &c->ep, &b);
			queue(c, " ", 1);
			queue(c, b.ptr, b.len);
			buf_wipe(&b);
			c->auth_sent = true;
		}
	}
	imap_end(c);
	flush(c);
}

/* "+" while logging in: the server wants the response, or tells why a token failed and wants an empty line. */
static void continue_login(struct imap_conn *c)
{
	struct buf b = BUF_INIT;

	c->writing = c->first;
	if (!c->auth_sent && c->auth.way == AUTH_WAY_SASL) {
		auth_response(&c->auth, &c->ep, &b);
		c->auth_sent = c->secret_in_out = true;
		queue(c, b.ptr, b.len);
		buf_wipe(&b);
	}
	queue(c, "\r\n", 2);
	c->writing = NULL;
	flush(c);
}

static void on_caps_before(void *arg, const struct imap_result *res);

static void ask_caps(struct imap_conn *c)
{
	static const struct imap_handler h = {.done = on_caps_before};

	c->phase = CAPABILITY;
	imap_command(c, &h, c, "CAPABILITY");
}

static void on_starttls(void *arg, const struct imap_result *res)
{
	struct imap_conn *c = arg;
	const struct err *e = NULL;

	if (res->lost)
		return;
	if (res->kind != IMAP_OK)
		e = err_new(ERR_TLS_REQUIRED, "%s: the server refuses STARTTLS: %s", c->ep.label, res->resp->text);
	else if (c->in_len > c->in_at) /* what stands behind the answer was not said under TLS: an attack */
		e = err_new(ERR_TLS_FAILED, "%s: the server sent %zu bytes in the clear after STARTTLS", c->ep.label,
			c->in_len - c->in_at);
	if (e != NULL) {
		step(c, "tls", e);
		if (!c->closed)
			die(c, e);
		return;
	}
	free_caps(c); /* said in the clear: worth nothing */
	c->phase = SECURING;
	net_start_tls(c->net, c->ep.host, c->ep.ca_file, c->ep.fingerprint);
}

/* Capabilities are known: TLS if it is still to come, then log in. */
static void go_on(struct imap_conn *c)
{
	static const struct imap_handler h = {.done = on_starttls};
	const struct err *e;

	if (c->ep.tls != URL_TLS_STARTTLS) {
		log_in(c);
		return;
	}
	if (!imap_has(c, "STARTTLS")) {
		e = err_new(ERR_TLS_REQUIRED, "%s: the server does not offer STARTTLS", c->ep.label);
		step(c, "tls", e);
		if (!c->closed)
			die(c, e);
		return;
	}
	c->phase = STARTTLS;
	imap_command(c, &h, c, "STARTTLS");
	flush(c);
}

static void on_caps_before(void *arg, const struct imap_result *res)
{
	struct imap_conn *c = arg;

	if (res->lost)
		return;
	if (res->kind != IMAP_OK)
		die(c, res->err);
	else
		go_on(c);
}

static void on_greeting(struct imap_conn *c, const struct imap_resp *r)
{
	const struct err *e;

	free(c->greeting);
	c->greeting = xstrndup(r->text, 200);
	if (r->kind == IMAP_BYE) {
		e = error_of(c, r, "the server turns us away: ");
		die(c, e->id == ERR_SERVER_NO ? err_new(ERR_HOST_UNREACHABLE, "%s", e->msg) : e);
		return;
	}
	if (r->kind != IMAP_OK && r->kind != IMAP_PREAUTH) {
		die(c, err_new(ERR_PROTOCOL, "%s: the greeting is none: \"%.80s\"", c->ep.label, r->word));
		return;
	}
	if (r->kind == IMAP_PREAUTH && c->ep.tls == URL_TLS_STARTTLS) {
		e = err_new(ERR_TLS_REQUIRED, "%s: the server skips the log-in, so TLS cannot be started", c->ep.label);
		step(c, "tls", e);
		if (!c->closed)
			die(c, e);
		return;
	}
	if (r->kind == IMAP_PREAUTH) {
		if (c->caps.n > 0)
			become_ready(c);
		else
			on_login(c, &(struct imap_result){.kind = IMAP_OK, .resp = r});
		return;
	}
	if (c->caps.n > 0)
		go_on(c);
	else
		ask_caps(c);
}

/* --- input --- */

static void answered(struct imap_conn *c, struct imap_cmd *cmd, const struct imap_resp *r)
{
	struct imap_result res = {.kind = r->kind, .resp = r};
	bool ended = cmd->end != UINT64_MAX;
	struct imap_handler h = cmd->h;
	void *arg = cmd->arg;

	if (r->kind != IMAP_OK)
		res.err = error_of(c, r, "");
	/* a literal that was refused: its bytes and the rest of the command must not be sent */
	if (c->nbarriers > 0 && c->barrier[0].cmd == cmd) {
		uint64_t from = c->barrier[0].at - c->out_base, to = (ended ? cmd->end : out_end(c)) - c->out_base;
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
		forget(c, cmd);
	if (h.done != NULL)
		h.done(arg, &res);
	if (c->closed || c->phase == DEAD)
		return;
	flush_soon(c);
	watch_silence(c);
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
		die(c, err_new(ERR_PROTOCOL, "%s: an answer to a command that was not given: \"%.40s\"", c->ep.label,
			       r->tag));
	else
		answered(c, cmd, r);
}

static void on_continue(struct imap_conn *c)
{
	if (c->nbarriers > 0 && c->barrier[0].at == c->out_base) {
		c->nbarriers--;
		memmove(c->barrier, c->barrier + 1, c->nbarriers * sizeof(c->barrier[0]));
		flush(c);
	} else if (c->phase == LOGIN && c->first != NULL) {
		continue_login(c);
	} else {
		die(c, err_new(ERR_PROTOCOL, "%s: \"+\" where nothing is to be continued", c->ep.label));
	}
}

static void on_bye(struct imap_conn *c, const struct imap_resp *r)
{
	const struct err *e;

	if (c->phase == CLOSING)
		return;
	e = error_of(c, r, "the server ended the session: ");
	die(c, e->id == ERR_SERVER_NO ? err_new(ERR_LINE_LOST, "%s", e->msg) : e);
}

static void on_response(struct imap_conn *c, const struct imap_resp *r)
{
	struct imap_cmd *cmd;

	if (c->phase == GREETING) {
		take_caps(c, r);
		on_greeting(c, r);
		return;
	}
	take_caps(c, r);
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
	enter(c);
	while (!c->paused && c->phase != DEAD && c->phase != SECURING && !c->closed && c->in_at < c->in_len) {
		struct imap_cmd *cmd = oldest(c);
		const struct imap_resp *r = NULL;
		const struct err *e;
		size_t used = 0;
		bool done = false;

		e = imap_reader_feed(c->reader, c->in + c->in_at, c->in_len - c->in_at, &used, &done, &r,
			cmd != NULL && cmd->h.body.begin != NULL ? &cmd->h.body : NULL, cmd != NULL ? cmd->arg : NULL,
			&c->paused);
		c->in_at += used;
		if (e != NULL)
			die(c, err_wrap(e, "%s", c->ep.label));
		else if (c->closed || c->phase == DEAD)
			break;
		else if (done)
			on_response(c, r);
		else if (!c->paused)
			break;
	}
	c->processing = false;
	leave(c);
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

	enter(c);
	process(c); /* what a pause has left */
	for (int round = 0; round < 4 && !c->paused && c->phase != DEAD && c->phase != SECURING && !c->closed; round++) {
		size_t got = 0, room;

		make_room(c);
		room = IN_SIZE - c->in_len;
		if (room > IN_READ)
			room = IN_READ;
		if (room == 0) { /* cannot be: a token is smaller than the buffer */
			die(c, err_new(ERR_PROTOCOL, "%s: a token too long", c->ep.label));
			break;
		}
		/* TLS gives one record a call: fill the buffer first */
		while (got < room) {
			size_t k = 0;

			if ((e = net_read(c->net, c->in + c->in_len, room - got, &k)) != NULL || k == 0)
				break;
			got += k;
			c->in_len += k;
			if (c->ep.tls == URL_TLS_NONE)
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
			die(c, c->phase == CLOSING ? NULL : e);
		else
			watch_silence(c);
	}
	leave(c);
}

static void on_secure(struct imap_conn *c)
{
	step(c, "tls", NULL);
	if (c->closed)
		return;
	if (c->ep.tls == URL_TLS_IMPLICIT) {
		c->phase = GREETING;
		watch_silence(c);
	} else {
		static const struct imap_handler h = {.done = on_caps_before};

		c->ep.tls = URL_TLS_IMPLICIT; /* from here on the same */
		c->phase = CAPABILITY;
		imap_command(c, &h, c, "CAPABILITY");
		flush(c);
	}
}

static void on_net_failed(struct imap_conn *c, const struct err *e)
{
	step(c, c->phase == CONNECTING ? "connect" : c->phase == SECURING ? "tls" : "line", e);
	if (!c->closed)
		die(c, e);
}

static void on_net(void *arg, enum net_event ev, const struct err *e)
{
	struct imap_conn *c = arg;

	enter(c);
	switch (ev) {
	case NET_CONNECTED:
		step(c, "connect", NULL);
		if (c->closed)
			break;
		if (c->ep.tls == URL_TLS_IMPLICIT) {
			c->phase = SECURING;
			net_start_tls(c->net, c->ep.host, c->ep.ca_file, c->ep.fingerprint);
		} else {
			c->phase = GREETING;
			watch_silence(c);
		}
		break;
	case NET_SECURE:
		on_secure(c);
		break;
	case NET_READABLE:
		on_readable(c);
		break;
	case NET_WRITABLE:
		flush(c);
		break;
	case NET_FAILED:
		on_net_failed(c, e);
		break;
	}
	leave(c);
}

/* --- for the owner --- */

struct imap_conn *imap_open(struct loop *l, const struct endpoint *ep, const struct imap_conn_events *ev, void *arg)
{
	struct imap_conn *c = xcalloc(1, sizeof(*c));

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
	c->flush_timer.fn = on_flush_timer;
	c->later.fn = on_later;
	c->idle.arg = c->flush_timer.arg = c->later.arg = c;
	c->net = net_open(l, ep->host, ep->port, on_net, c);
	return c;
}

void imap_abort(struct imap_conn *c, const struct err *e)
{
	if (c == NULL)
		return;
	enter(c);
	if (c->phase != DEAD) {
		c->phase = DEAD;
		c->died = e != NULL;
		if (e != NULL)
			c->death = *e;
		tell_lost(c);
	}
	imap_close(c);
	leave(c);
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
		die_soon(c, NULL);
		return;
	}
	imap_command(c, NULL, NULL, "LOGOUT");
	c->phase = CLOSING;
	flush(c);
}

void imap_pause(struct imap_conn *c)
{
	if (c->paused)
		return;
	c->paused = true;
	if (c->net != NULL)
		net_want_read(c->net, false);
	watch_silence(c);
}

void imap_resume(struct imap_conn *c)
{
	if (!c->paused)
		return;
	c->paused = false;
	if (c->net != NULL)
		net_want_read(c->net, true); /* and kicks: what is in the buffer comes first */
	watch_silence(c);
}

unsigned imap_pending(const struct imap_conn *c)
{
	return c->pending;
}

const struct err *imap_wait(struct imap_conn *c)
{
	enter(c);
	c->stop_wait = c->phase == DEAD || (c->phase == READY && c->pending == 0);
	loop_run(c->loop, &c->stop_wait);
	if (c->phase != DEAD && !c->closed && (c->phase != READY || c->pending > 0)) {
		leave(c);
		return err_new(ERR_RUN_CANCELLED, "interrupted");
	}
	if (c->died) {
		struct err copy = c->death;

		leave(c);
		return err_new(copy.id, "%s", copy.msg);
	}
	leave(c);
	return NULL;
}

uint64_t imap_bytes_in(const struct imap_conn *c)
{
	return c->bytes_in;
}

int64_t imap_rtt_ms(const struct imap_conn *c)
{
	return c->rtt_ms;
}
