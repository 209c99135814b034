/*
 * What the three files of a connection share: imap_conn.c (life, input), imap_out.c (commands going out),
 * imap_login.c (greeting to log-in). For nobody else.
 */
#ifndef IMAP_CONN_IMPL_H
#define IMAP_CONN_IMPL_H

#include "imap_auth.h"
#include "imap_conn.h"
#include "imap_parse.h"
#include "imap_quirk.h"
#include "net.h"

#define IN_SIZE (IMAP_TOKEN_MAX + (64u << 10)) /* a whole token must fit */
#define IN_READ (128u << 10)
#define GREETING_MS 60000
#define SILENCE_MS 300000 /* with an answer owed to us */
#define FLUSH_AT (64u << 10)
#define BARRIERS 64

enum phase {
	CONNECTING,
	GREETING,
	STARTTLS,
	SECURING,
	CAPABILITY,
	LOGIN,
	CAPABILITY_AFTER,
	READY,
	CLOSING,
	DEAD
};

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
	size_t out_at;     /* sent bytes at the front of out */
	uint64_t out_base; /* offset of out.ptr[out_at] in all output */
	bool over_low, secret_in_out, auth_sent, caps_fresh;
	bool compress_asked, compressed;
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
	bool utf8, asked_utf8; /* UTF8=ACCEPT is enabled, was asked for */
	struct auth_plan auth;
	int64_t sent_login_at, rtt_ms;

	struct err death;
	bool dying, died, closed; /* dying: death is set, its callbacks are still to come */
	unsigned busy;
	bool stop_wait;
};

void conn_enter(struct imap_conn *c);
void conn_leave(struct imap_conn *c);
void conn_die(struct imap_conn *c, const struct err *e);
void conn_die_soon(struct imap_conn *c, const struct err *e);
void conn_step(struct imap_conn *c, const char *name, const struct err *e);
void conn_watch_silence(struct imap_conn *c);
void conn_flush(struct imap_conn *c);
void conn_flush_soon(struct imap_conn *c);
void conn_queue(struct imap_conn *c, const void *p, size_t n);
struct imap_cmd *conn_begin(struct imap_conn *c, const struct imap_handler *h, void *arg);
void conn_forget(struct imap_conn *c, struct imap_cmd *cmd);
void conn_free_caps(struct imap_conn *c);
void conn_take_caps(struct imap_conn *c, const struct imap_resp *r);
const struct err *conn_error_of(struct imap_conn *c, const struct imap_resp *r, const char *doing);
void conn_on_greeting(struct imap_conn *c, const struct imap_resp *r);
void conn_continue_login(struct imap_conn *c);
void conn_log_in(struct imap_conn *c);
uint64_t conn_out_end(const struct imap_conn *c);
void conn_on_caps_before(void *arg, const struct imap_result *res);
void conn_on_flush_timer(void *arg);

#endif
