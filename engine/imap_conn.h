/*
 * One IMAP connection, event-driven: connects, TLS, logs in, and then runs a pipeline of commands. Commands are
 * sent at once, without waiting for the ones before; the server works through them in order, and what is
 * untagged goes to the handler of the oldest command that is not finished.
 *
 *	struct loop *loop = loop_new();
 *	struct imap_conn *c = imap_open(loop, endpoint, &events, arg);    // returns at once
 *	// events.ready: logged in, capabilities known
 *	imap_command(c, &list_handler, arg, "LIST \"\" \"*\"");
 *	imap_begin(c, &handler, arg); imap_text(c, "EXAMINE "); imap_mailbox(c, name, len); imap_end(c);
 *	imap_command(c, &fetch_handler, arg, "UID FETCH 1:* (UID FLAGS INTERNALDATE BODY.PEEK[])");
 *	loop_run(loop, &stop);
 *
 * A caller that wants one thing after the other uses imap_wait(c), which runs the loop until every command is
 * answered; its handlers still get the data. imap_close may be called anywhere, callbacks included: the memory is
 * freed when the loop gets back to it (loop_free at the latest). No callback comes from inside imap_begin … imap_end.
 *
 * Errors that end a connection come once, through events.closed: ERR_HOST_*, ERR_TLS_*, ERR_AUTH_*,
 * ERR_LINE_LOST, ERR_TIMEOUT, ERR_PROTOCOL, ERR_THROTTLED. Each command still open then gets done with
 * result->lost. A NO or BAD is no error of the connection: it is that command's result.
 */
#ifndef IMAP_CONN_H
#define IMAP_CONN_H

#include "imap_reader.h"
#include "loop.h"
#include "url.h"

struct imap_conn;

struct imap_result {
	enum imap_kind kind; /* IMAP_OK, IMAP_NO, IMAP_BAD */
	bool lost;           /* the connection ended first: kind is IMAP_BAD */
	const struct imap_resp *resp; /* code, text; NULL when lost */
	const struct err *err; /* NULL for OK; ERR_THROTTLED, ERR_QUOTA, ERR_SERVER_NO …, text = the server's words */
};

struct imap_handler {
	void (*untagged)(void *arg, const struct imap_resp *r); /* NULL: ignored */
	struct imap_body_ops body; /* begin NULL: sections come as values of the FETCH response */
	void (*done)(void *arg, const struct imap_result *res); /* NULL: ignored */
};

struct imap_conn_events {
	void (*ready)(void *arg);
	void (*closed)(void *arg, const struct err *e); /* e is NULL after imap_logout */
	void (*drained)(void *arg);                     /* output fell under IMAP_OUT_LOW */
	void (*step)(void *arg, const char *name, const struct err *e); /* "connect", "tls", "auth" done; may be NULL */
};

#define IMAP_OUT_HIGH (512u << 10) /* stop feeding above this many unsent bytes */
#define IMAP_OUT_LOW (128u << 10)

struct imap_conn *imap_open(struct loop *l, const struct endpoint *ep, const struct imap_conn_events *ev, void *arg);
void imap_logout(struct imap_conn *c); /* LOGOUT behind what is queued, then closed(NULL) */
void imap_close(struct imap_conn *c);  /* at once and silently: no callback comes any more; frees */
/* The same, but each command still open gets done with result->lost first (err: e, which may be NULL). */
void imap_abort(struct imap_conn *c, const struct err *e);

bool imap_ready(const struct imap_conn *c);
bool imap_paused(const struct imap_conn *c);
bool imap_dead(const struct imap_conn *c); /* it ended: only imap_close is left */
/* Case-insensitive, "LITERAL+", "STATUS=SIZE"; after log-in. */
bool imap_has(const struct imap_conn *c, const char *capability);
/* A folder of this special use is only a view of mail that other folders hold (Gmail's All Mail, Starred …). */
bool imap_is_view(const struct imap_conn *c, const char *role);
/* Names are UTF-8 (UTF8=ACCEPT, RFC 9755, or IMAP4rev2 alone), not modified UTF-7. */
bool imap_utf8(const struct imap_conn *c);
/* "APPENDLIMIT=35651584": 35651584; 0 when it is not said. */
uint64_t imap_appendlimit(const struct imap_conn *c);
const char *imap_server_name(const struct imap_conn *c); /* from ID or the greeting; "" when unknown */

/* A whole command without literals. */
void imap_command(struct imap_conn *c, const struct imap_handler *h, void *arg, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* A command piece by piece. What follows an answer that came early (a refused literal) is thrown away. */
void imap_begin(struct imap_conn *c, const struct imap_handler *h, void *arg);
void imap_text(struct imap_conn *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void imap_string(struct imap_conn *c, const char *p, size_t n); /* quoted, or a literal when it must be */
void imap_mailbox(struct imap_conn *c, const char *raw, size_t n); /* a name as LIST gave it */
/* "{n+}" where allowed (LITERAL+; LITERAL- up to 4096), else "{n}" and what follows waits for "+". */
void imap_literal(struct imap_conn *c, uint64_t size);
void imap_bytes(struct imap_conn *c, const void *p, size_t n);
void imap_end(struct imap_conn *c);

size_t imap_out_pending(const struct imap_conn *c); /* bytes queued and not yet handed to the kernel */
unsigned imap_pending(const struct imap_conn *c);   /* commands without an answer */

/* Asks for COMPRESS=DEFLATE (RFC 4978), between two commands; what is queued after it waits for the answer. False: the
 * server does not offer it, or it was asked for already. */
bool imap_compress(struct imap_conn *c);

/* Stops and restarts reading: what the server sends waits in the kernel. May be called inside callbacks. */
void imap_pause(struct imap_conn *c);
void imap_resume(struct imap_conn *c);

/* Runs the loop until no command is unanswered (before log-in: until it is ready too).
 * Returns what ended the connection meanwhile, or NULL. */
const struct err *imap_wait(struct imap_conn *c);

uint64_t imap_bytes_in(const struct imap_conn *c); /* before compression, both */
uint64_t imap_bytes_out(const struct imap_conn *c);
int64_t imap_rtt_ms(const struct imap_conn *c); /* seen at log-in; -1 before */

#endif
