#include "http.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "log.h"
#include "mem.h"

#include "banned.h"

#define CONNECT_SECONDS 10L
#define SILENCE_SECONDS 60L /* without a byte in either direction */

struct http {
	struct loop *loop;
	CURLM *multi;
	struct timer *timer, *finish;
	struct http_call *calls;
	char *ca_file;
};

struct http_call {
	struct http *http;
	struct http_call *next;
	CURL *easy;
	struct curl_slist *headers;
	struct buf answer, body;
	http_done_fn *fn;
	void *arg;
	char error[CURL_ERROR_SIZE];
	CURLcode code;
	bool too_large, failed, own;
};

/* A socket of curl's with its watch; assigned to the socket in the multi handle. */
struct sock {
	struct http *http;
	struct watch *watch;
	curl_socket_t fd;
};

static const struct err *from_curl(const struct http_call *c, CURLcode code)
{
	static const struct {
		CURLcode code;
		enum err_id id;
	} map[] = {
		{CURLE_COULDNT_RESOLVE_HOST, ERR_HOST_UNKNOWN},
		{CURLE_COULDNT_CONNECT, ERR_HOST_REFUSED},
		{CURLE_OPERATION_TIMEDOUT, ERR_TIMEOUT},
		{CURLE_PEER_FAILED_VERIFICATION, ERR_TLS_UNTRUSTED},
		{CURLE_SSL_CACERT_BADFILE, ERR_CONFIG},
		{CURLE_SSL_CONNECT_ERROR, ERR_TLS_FAILED},
	};
	enum err_id id = ERR_LINE_LOST;

	for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++)
		if (map[i].code == code)
			id = map[i].id;
	return err_new(id, "%s", c->error[0] != '\0' ? c->error : curl_easy_strerror(code));
}

static void call_free(struct http_call *c)
{
	for (struct http_call **p = &c->http->calls; *p != NULL; p = &(*p)->next)
		if (*p == c) {
			*p = c->next;
			break;
		}
	if (c->easy != NULL) {
		curl_multi_remove_handle(c->http->multi, c->easy);
		curl_easy_cleanup(c->easy);
	}
	curl_slist_free_all(c->headers);
	if (c->own)
		free(c->arg);
	buf_free(&c->answer);
	buf_free(&c->body);
	free(c);
}

static void finish_call(struct http_call *c)
{
	struct http_answer a = {.body = &c->answer};

	if (c->too_large)
		a.e = err_new(ERR_TOO_LARGE, "the answer is longer than %u bytes", HTTP_ANSWER_MAX);
	else if (c->code != CURLE_OK)
		a.e = from_curl(c, c->code);
	curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &a.status);
	curl_multi_remove_handle(c->http->multi, c->easy);
	curl_easy_cleanup(c->easy);
	c->easy = NULL;
	c->fn(c->arg, &a);
	call_free(c);
}

static void collect(struct http *h)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(h->multi, &left)) != NULL) {
		struct http_call *c = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&c);
		c->code = m->data.result;
		finish_call(c);
	}
}

static void sock_ready(void *arg, uint32_t events)
{
	struct sock *s = arg;
	struct http *h = s->http;
	int mask = 0, running;

	if (events & EPOLLIN)
		mask |= CURL_CSELECT_IN;
	if (events & EPOLLOUT)
		mask |= CURL_CSELECT_OUT;
	if (events & (EPOLLERR | EPOLLHUP))
		mask |= CURL_CSELECT_ERR;
	curl_multi_socket_action(h->multi, s->fd, mask, &running);
	collect(h);
}

static void timer_ready(void *arg)
{
	struct http *h = arg;
	int running;

	curl_multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	collect(h);
}

/* Calls that could not even be handed to curl. */
static void finish_failed(void *arg)
{
	struct http *h = arg;

	for (struct http_call *c = h->calls; c != NULL;)
		if (c->failed) {
			finish_call(c);
			c = h->calls; /* the callback may have changed the list */
		} else {
			c = c->next;
		}
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *sockp)
{
	struct http *h = arg;
	struct sock *s = sockp;
	const struct err *e;
	uint32_t events = 0;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (s != NULL) {
			loop_unwatch(s->watch);
			curl_multi_assign(h->multi, fd, NULL);
			free(s);
		}
		return 0;
	}
	if (what & CURL_POLL_IN)
		events |= EPOLLIN;
	if (what & CURL_POLL_OUT)
		events |= EPOLLOUT;
	if (s != NULL) {
		e = loop_rewatch(s->watch, events);
	} else {
		s = xcalloc(1, sizeof(*s));
		*s = (struct sock){.http = h, .fd = fd};
		e = loop_watch(h->loop, &s->watch, fd, events, sock_ready, s);
		if (e == NULL)
			curl_multi_assign(h->multi, fd, s);
		else
			free(s);
	}
	if (e != NULL)
		log_error("http: %s", e->msg);
	return e != NULL ? -1 : 0;
}

static int on_timer(CURLM *multi, long ms, void *arg)
{
	struct http *h = arg;

	(void)multi;
	if (ms < 0)
		timer_stop(h->timer);
	else
		timer_set(h->timer, ms);
	return 0;
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
	struct http_call *c = arg;

	n *= size;
	if (c->answer.len + n > HTTP_ANSWER_MAX) {
		c->too_large = true;
		return 0;
	}
	buf_add(&c->answer, p, n);
	return n;
}

const struct err *http_new(struct http **out, struct loop *l, const char *ca_file)
{
	struct http *h;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_new(ERR_INTERNAL, "libcurl cannot start");
	h = xcalloc(1, sizeof(*h));
	h->loop = l;
	h->ca_file = ca_file != NULL && *ca_file != '\0' ? xstrdup(ca_file) : NULL;
	h->multi = curl_multi_init();
	if (h->multi == NULL) {
		free(h->ca_file);
		free(h);
		return err_new(ERR_INTERNAL, "libcurl cannot start");
	}
	h->timer = timer_new(l, timer_ready, h);
	h->finish = timer_new(l, finish_failed, h);
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
	curl_multi_setopt(h->multi, CURLMOPT_MAX_HOST_CONNECTIONS, 4L);
	*out = h;
	return NULL;
}

void http_free(struct http *h)
{
	if (h == NULL)
		return;
	while (h->calls != NULL)
		call_free(h->calls);
	curl_multi_cleanup(h->multi);
	timer_free(h->timer);
	timer_free(h->finish);
	free(h->ca_file);
	free(h);
	curl_global_cleanup();
}

static void set_options(struct http_call *c, const char *method, const char *url)
{
	CURL *easy = c->easy;

	curl_easy_setopt(easy, CURLOPT_PRIVATE, c);
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, c->error);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, SILENCE_SECONDS);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, c);
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, c->headers);
	if (c->http->ca_file != NULL)
		curl_easy_setopt(easy, CURLOPT_CAINFO, c->http->ca_file);
	if (strcmp(method, "GET") != 0) {
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)c->body.len);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, c->body.ptr);
	}
}

struct http_call *http_send(struct http *h, const char *method, const char *url, const char *const *headers,
	const void *body, size_t len, http_done_fn *fn, void *arg, bool own)
{
	struct http_call *c = xcalloc(1, sizeof(*c));

	c->http = h;
	c->fn = fn;
	c->arg = arg;
	c->own = own;
	buf_init(&c->answer);
	buf_init(&c->body);
	if (len > 0)
		buf_add(&c->body, body, len);
	/* no "Expect: 100-continue": a round trip more for each report */
	c->headers = curl_slist_append(NULL, "Expect:");
	for (; *headers != NULL; headers++)
		c->headers = curl_slist_append(c->headers, *headers);
	c->next = h->calls;
	h->calls = c;
	c->easy = curl_easy_init();
	if (c->easy == NULL) {
		log_error("http: out of memory");
		exit(71);
	}
	set_options(c, method, url);
	if (curl_multi_add_handle(h->multi, c->easy) != CURLM_OK) {
		c->failed = true;
		c->code = CURLE_FAILED_INIT;
		timer_set(h->finish, 0);
	}
	return c;
}

void http_cancel(struct http_call *c)
{
	if (c != NULL)
		call_free(c);
}
