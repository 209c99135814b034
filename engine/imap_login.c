/* From the greeting to the log-in: capabilities, STARTTLS, SASL. */
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

bool imap_is_view(const struct imap_conn *c, const char *role)
{
	return quirk_is_view(c->quirk, role);
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
	conn_free_caps(c);
	while (*s != '\0') {
		size_t n = strcspn(s, " ");

		add_cap(c, s, n);
		s += n + strspn(s + n, " ");
	}
}

static void caps_from_values(struct imap_conn *c, const struct imap_resp *r)
{
	conn_free_caps(c);
	for (size_t i = 0; i < r->nv; i++)
		if (r->v[i].type == IMAP_V_ATOM)
			add_cap(c, r->v[i].s, r->v[i].n);
}

/* RFC 9051, appendix E: what IMAP4rev2 is made of need not be listed. Beside IMAP4rev1 it would have to be enabled. */
static void add_rev2(struct imap_conn *c)
{
	static const char *const parts[] = {"NAMESPACE", "UNSELECT", "UIDPLUS", "ESEARCH", "SEARCHRES", "ENABLE", "IDLE",
		"SASL-IR", "LIST-EXTENDED", "LIST-STATUS", "MOVE", "LITERAL-", "STATUS=SIZE", "SPECIAL-USE"};

	if (!imap_has(c, "IMAP4rev2") || imap_has(c, "IMAP4rev1"))
		return;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (!imap_has(c, parts[i]))
			add_cap(c, parts[i], strlen(parts[i]));
}

/* Capabilities come in a response of their own or as a code in a status response. */
void conn_take_caps(struct imap_conn *c, const struct imap_resp *r)
{
	if (r->kind == IMAP_CAPABILITY)
		caps_from_values(c, r);
	else if (r->kind <= IMAP_PREAUTH && strcmp(r->code, "CAPABILITY") == 0)
		caps_from_text(c, r->code_args);
	else
		return;
	add_rev2(c);
	c->caps_fresh = true;
}

/* --- log-in --- */

const struct err *conn_error_of(struct imap_conn *c, const struct imap_resp *r, const char *doing)
{
	enum err_id id = quirk_meaning(r);

	return err_new(id, "%s: %s%s%s%s%s", c->ep.label, doing, r->code[0] != '\0' ? "[" : "", r->code,
	        r->code[0] != '\0' ? "] " : "", r->text);
}

static void on_enabled(void *arg, const struct imap_resp *r)
{
	struct imap_conn *c = arg;

	for (size_t i = 0; r->kind == IMAP_ENABLED && i < r->nv; i++)
		if (r->v[i].type == IMAP_V_ATOM && strcasecmp(r->v[i].s, "UTF8=ACCEPT") == 0)
			c->utf8 = true;
}

static void become_ready(struct imap_conn *c);

static void on_enable(void *arg, const struct imap_result *res)
{
	if (!res->lost)
		become_ready(arg); /* a NO: as before */
}

/* RFC 9755: without it a server shows messages with UTF-8 in their headers as something else than they are. Where we
 * write, it would change what APPEND may hold (RFC 6855), so there only a server that insists gets it. */
static bool enable_utf8(struct imap_conn *c)
{
	static const struct imap_handler h = {.untagged = on_enabled, .done = on_enable};
	bool source = strcmp(c->ep.side, "source") == 0;

	if (c->asked_utf8 || !(imap_has(c, "UTF8=ONLY") || (source && imap_has(c, "UTF8=ACCEPT"))))
		return false;
	c->asked_utf8 = true;
	c->phase = CAPABILITY_AFTER;
	imap_command(c, &h, c, "ENABLE UTF8=ACCEPT");
	return true;
}

bool imap_utf8(const struct imap_conn *c)
{
	return c->utf8 || (imap_has(c, "IMAP4rev2") && !imap_has(c, "IMAP4rev1"));
}

static void become_ready(struct imap_conn *c)
{
	if (enable_utf8(c))
		return;
	c->phase = READY;
	c->quirk = quirk_find(c->greeting != NULL ? c->greeting : "", has, c);
	conn_watch_silence(c);
	conn_step(c, "auth", NULL);
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
		conn_die(c, res->err);
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
	e = conn_error_of(c, res->resp, "");
	if (e->id == ERR_SERVER_NO)
		e = err_new(ERR_AUTH_REJECTED, "%s: %s", c->ep.label, res->resp->text);
	conn_step(c, "auth", e);
	if (!c->closed)
		conn_die(c, e);
}

void conn_log_in(struct imap_conn *c)
{
	static const struct imap_handler h = {.done = on_login};
	const struct err *e = auth_choose(&c->auth, &c->ep, has, c);
	struct buf b = BUF_INIT;

	if (e != NULL) {
		conn_step(c, "auth", e);
		if (!c->closed)
			conn_die(c, e);
		return;
	}
	c->phase = LOGIN;
	c->caps_fresh = c->auth_sent = false;
	c->secret_in_out = true;
	c->sent_login_at = clock_mono_ms();
	conn_begin(c, &h, c);
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
			conn_queue(c, " ", 1);
			conn_queue(c, b.ptr, b.len);
			buf_wipe(&b);
			c->auth_sent = true;
		}
	}
	imap_end(c);
	conn_flush(c);
}

/* "+" while logging in: the server wants the response, or tells why a token failed and wants an empty line.
 */
void conn_continue_login(struct imap_conn *c)
{
	struct buf b = BUF_INIT;

	c->writing = c->first;
	if (!c->auth_sent && c->auth.way == AUTH_WAY_SASL) {
		auth_response(&c->auth, &c->ep, &b);
		c->auth_sent = c->secret_in_out = true;
		conn_queue(c, b.ptr, b.len);
		buf_wipe(&b);
	}
	conn_queue(c, "\r\n", 2);
	c->writing = NULL;
	conn_flush(c);
}

static void ask_caps(struct imap_conn *c)
{
	static const struct imap_handler h = {.done = conn_on_caps_before};

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
		e = err_new(ERR_TLS_REQUIRED, "%s: the server refuses STARTTLS: %s", c->ep.label,
		        res->resp->text);
	else if (c->in_len > c->in_at) /* what stands behind the answer was not said under TLS: an attack */
		e = err_new(ERR_TLS_FAILED, "%s: the server sent %zu bytes in the clear after STARTTLS",
		        c->ep.label, c->in_len - c->in_at);
	if (e != NULL) {
		conn_step(c, "tls", e);
		if (!c->closed)
			conn_die(c, e);
		return;
	}
	conn_free_caps(c); /* said in the clear: worth nothing */
	c->phase = SECURING;
	net_start_tls(c->net, c->ep.host, c->ep.ca_file, c->ep.fingerprint);
}

/* Capabilities are known: TLS if it is still to come, then log in. */
static void go_on(struct imap_conn *c)
{
	static const struct imap_handler h = {.done = on_starttls};
	const struct err *e;

	if (c->ep.tls != URL_TLS_STARTTLS) {
		conn_log_in(c);
		return;
	}
	if (!imap_has(c, "STARTTLS")) {
		e = err_new(ERR_TLS_REQUIRED, "%s: the server does not offer STARTTLS", c->ep.label);
		conn_step(c, "tls", e);
		if (!c->closed)
			conn_die(c, e);
		return;
	}
	c->phase = STARTTLS;
	imap_command(c, &h, c, "STARTTLS");
	conn_flush(c);
}

void conn_on_caps_before(void *arg, const struct imap_result *res)
{
	struct imap_conn *c = arg;

	if (res->lost)
		return;
	if (res->kind != IMAP_OK)
		conn_die(c, res->err);
	else
		go_on(c);
}

void conn_on_greeting(struct imap_conn *c, const struct imap_resp *r)
{
	const struct err *e;

	free(c->greeting);
	c->greeting = xstrndup(r->text, 200);
	if (r->kind == IMAP_BYE && c->ep.feed != NULL && (e = feed_error(r)) != NULL) {
		conn_die(c, e);
		return;
	}
	if (r->kind == IMAP_BYE) {
		e = conn_error_of(c, r, "the server turns us away: ");
		conn_die(c, e->id == ERR_SERVER_NO ? err_new(ERR_HOST_UNREACHABLE, "%s", e->msg) : e);
		return;
	}
	if (r->kind != IMAP_OK && r->kind != IMAP_PREAUTH) {
		conn_die(c,
		        err_new(ERR_PROTOCOL, "%s: the greeting is none: \"%.80s\"", c->ep.label, r->word));
		return;
	}
	if (r->kind == IMAP_PREAUTH && c->ep.tls == URL_TLS_STARTTLS) {
		e = err_new(ERR_TLS_REQUIRED, "%s: the server skips the log-in, so TLS cannot be started",
		        c->ep.label);
		conn_step(c, "tls", e);
		if (!c->closed)
			conn_die(c, e);
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
