#include "dns_exchange.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "mem.h"

#include "banned.h"

#define AT_ONCE 256 /* sockets */
#define TRIES 2
#define UDP_SIZE 1232 /* what passes everywhere without fragments */
#define MESSAGE_MAX 65535

bool dns_address(const char *text, int port, struct sockaddr_storage *to, socklen_t *len)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)to;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)to;

	memset(to, 0, sizeof(*to));
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
		*len = sizeof(*v4);
		return true;
	}
	if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		*len = sizeof(*v6);
		return true;
	}
	return false;
}

static void finish(struct dns_question *q, enum dns_end end)
{
	if (q->fd >= 0)
		close(q->fd);
	q->fd = -1;
	q->end = end;
}

/* The question's bytes; false when the name is none. */
static bool make(struct dns_question *q)
{
	ldns_rdf *name = ldns_dname_new_frm_str(q->name);
	ldns_pkt *pkt;
	uint16_t flags = (uint16_t)((q->recursive ? LDNS_RD : 0) | (q->checking_disabled ? LDNS_CD : 0));
	bool ok;

	if (name == NULL)
		return false;
	pkt = ldns_pkt_query_new(name, q->type, LDNS_RR_CLASS_IN, flags);
	if (pkt == NULL) {
		ldns_rdf_deep_free(name);
		return false;
	}
	q->id = (uint16_t)randombytes_uniform(65536);
	ldns_pkt_set_id(pkt, q->id);
	ldns_pkt_set_edns_udp_size(pkt, UDP_SIZE);
	ok = ldns_pkt2wire(&q->wire, pkt, &q->wire_len) == LDNS_STATUS_OK;
	ldns_pkt_free(pkt);
	return ok;
}

static void open_socket(struct dns_question *q, int timeout_ms)
{
	q->fd = socket(q->to.ss_family, (q->tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (q->fd < 0 || (connect(q->fd, (struct sockaddr *)&q->to, q->to_len) != 0 && errno != EINPROGRESS)) {
		finish(q, DNS_UNREACHABLE);
		return;
	}
	q->due = clock_mono_ms() + timeout_ms;
	if (!q->tcp && send(q->fd, q->wire, q->wire_len, 0) < 0)
		finish(q, DNS_UNREACHABLE);
}

static void start(struct dns_question *q, int timeout_ms)
{
	q->fd = -1;
	q->end = DNS_ASKING;
	if (!make(q))
		finish(q, DNS_GARBLED);
	else
		open_socket(q, timeout_ms);
}

static void over_tcp(struct dns_question *q, int timeout_ms)
{
	close(q->fd);
	q->tcp = true;
	q->have = 0;
	open_socket(q, timeout_ms);
}

/* An answer to this question and no other: same id, same name and type. */
static bool is_ours(const struct dns_question *q, const ldns_pkt *pkt)
{
	const ldns_rr_list *asked = ldns_pkt_question(pkt);
	const ldns_rr *rr;
	ldns_rdf *name;
	bool same;

	if (ldns_pkt_id(pkt) != q->id || !ldns_pkt_qr(pkt))
		return false;
	if (ldns_rr_list_rr_count(asked) == 0)
		return ldns_pkt_get_rcode(pkt) != LDNS_RCODE_NOERROR; /* REFUSED and FORMERR may leave it out */
	rr = ldns_rr_list_rr(asked, 0);
	name = ldns_dname_new_frm_str(q->name);
	same = name != NULL && ldns_dname_compare(ldns_rr_owner(rr), name) == 0 && ldns_rr_get_type(rr) == q->type;
	ldns_rdf_deep_free(name);
	return same;
}

static void take(struct dns_question *q, const uint8_t *p, size_t n, int timeout_ms)
{
	ldns_pkt *pkt = NULL;

	if (ldns_wire2pkt(&pkt, p, n) != LDNS_STATUS_OK) {
		finish(q, DNS_GARBLED);
		return;
	}
	if (!is_ours(q, pkt)) {
		ldns_pkt_free(pkt); /* somebody else's: go on waiting */
		return;
	}
	if (ldns_pkt_tc(pkt) && !q->tcp) {
		ldns_pkt_free(pkt);
		over_tcp(q, timeout_ms);
		return;
	}
	q->answer = pkt;
	finish(q, DNS_ANSWERED);
}

static void read_udp(struct dns_question *q, int timeout_ms)
{
	uint8_t data[MESSAGE_MAX];
	ssize_t n = recv(q->fd, data, sizeof(data), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0)
		finish(q, DNS_UNREACHABLE);
	else
		take(q, data, (size_t)n, timeout_ms);
}

/* The question and its length, which is short enough for one write; then length and answer. */
static void work_tcp(struct dns_question *q, short events, int timeout_ms)
{
	uint8_t head[2] = {(uint8_t)(q->wire_len >> 8), (uint8_t)q->wire_len}, data[MESSAGE_MAX + 2];
	struct iovec iov[2] = {{head, 2}, {q->wire, q->wire_len}};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
	ssize_t n;

	if (q->have == 0 && (events & POLLOUT)) {
		if (sendmsg(q->fd, &msg, MSG_NOSIGNAL) != (ssize_t)(q->wire_len + 2))
			finish(q, DNS_UNREACHABLE);
		else
			q->have = 1; /* sent */
		return;
	}
	/* answers of a few KiB: the whole is waited for, then read at once */
	n = recv(q->fd, data, sizeof(data), MSG_PEEK);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		finish(q, DNS_UNREACHABLE);
	else if (n >= 2 && (size_t)n >= 2u + ((size_t)data[0] << 8 | data[1]))
		take(q, data + 2, (size_t)data[0] << 8 | data[1], timeout_ms);
}

static void late(struct dns_question *q, int timeout_ms, int64_t now, int64_t deadline)
{
	if (now < q->due && now < deadline)
		return;
	if (++q->tries < TRIES && now < deadline && !q->tcp) {
		close(q->fd);
		open_socket(q, timeout_ms);
	} else {
		finish(q, DNS_TIMEOUT);
	}
}

static size_t collect(struct dns_question *v, size_t n, size_t *next, int timeout_ms, struct pollfd *fds,
	struct dns_question **of)
{
	size_t active = 0;

	for (size_t i = 0; i < *next; i++)
		if (v[i].end == DNS_ASKING && active < AT_ONCE) {
			of[active] = &v[i];
			fds[active++] = (struct pollfd){
				.fd = v[i].fd, .events = v[i].tcp && v[i].have == 0 ? POLLOUT : POLLIN};
		}
	while (active < AT_ONCE && *next < n) {
		struct dns_question *q = &v[(*next)++];

		start(q, timeout_ms);
		if (q->end != DNS_ASKING)
			continue;
		of[active] = q;
		fds[active++] = (struct pollfd){.fd = q->fd, .events = POLLIN};
	}
	return active;
}

void dns_exchange(struct dns_question *v, size_t n, int timeout_ms, int64_t deadline)
{
	struct pollfd fds[AT_ONCE];
	struct dns_question *of[AT_ONCE];
	size_t next = 0, active;

	for (size_t i = 0; i < n; i++)
		v[i].fd = -1;
	while ((active = collect(v, n, &next, timeout_ms, fds, of)) > 0) {
		int64_t now;

		if (poll(fds, active, 20) < 0 && errno != EINTR)
			break;
		for (size_t i = 0; i < active; i++)
			if (fds[i].revents != 0) {
				if (of[i]->tcp)
					work_tcp(of[i], fds[i].revents, timeout_ms);
				else
					read_udp(of[i], timeout_ms);
			}
		now = clock_mono_ms();
		for (size_t i = 0; i < active; i++)
			if (of[i]->end == DNS_ASKING)
				late(of[i], timeout_ms, now, deadline);
	}
}

void dns_questions_free(struct dns_question *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].name);
		free(v[i].wire);
		ldns_pkt_free(v[i].answer);
	}
	free(v);
}

/* --- one message over TCP --- */

static const struct err *wait_for(int fd, short events, int64_t deadline)
{
	struct pollfd p = {.fd = fd, .events = events};
	int64_t left = deadline - clock_mono_ms();
	int n = left > 0 ? poll(&p, 1, (int)left) : 0;

	if (n == 0)
		return err_new(ERR_TIMEOUT, "the name server stopped answering");
	return n < 0 ? err_errno("poll") : NULL;
}

static const struct err *move(int fd, bool out, uint8_t *p, size_t n, int64_t deadline)
{
	const struct err *e;
	ssize_t k;

	while (n > 0) {
		if ((e = wait_for(fd, out ? POLLOUT : POLLIN, deadline)) != NULL)
			return e;
		k = out ? send(fd, p, n, MSG_NOSIGNAL) : recv(fd, p, n, 0);
		if (k < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (k < 0 && errno == ECONNREFUSED)
			return err_new(ERR_HOST_REFUSED, "the name server refuses connections");
		if (k <= 0)
			return err_new(ERR_LINE_LOST, "the name server closed the connection");
		p += k;
		n -= (size_t)k;
	}
	return NULL;
}

const struct err *dns_send_tcp(const struct sockaddr_storage *to, socklen_t len, const uint8_t *wire, size_t wire_len,
	int64_t deadline, uint8_t **answer, size_t *answer_len)
{
	uint8_t *out = xmalloc(wire_len + 2), head[2];
	const struct err *e = NULL;
	int fd = socket(to->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	*answer = NULL;
	out[0] = (uint8_t)(wire_len >> 8);
	out[1] = (uint8_t)wire_len;
	memcpy(out + 2, wire, wire_len);
	if (fd < 0)
		e = err_errno("socket");
	else if (connect(fd, (const struct sockaddr *)to, len) != 0 && errno != EINPROGRESS)
		e = err_new(errno == ECONNREFUSED ? ERR_HOST_REFUSED : ERR_HOST_UNREACHABLE, "the name server: %s",
			strerror(errno));
	if (e == NULL)
		e = move(fd, true, out, wire_len + 2, deadline);
	if (e == NULL)
		e = move(fd, false, head, 2, deadline);
	if (e == NULL) {
		*answer_len = (size_t)head[0] << 8 | head[1];
		*answer = xmalloc(*answer_len + 1);
		e = move(fd, false, *answer, *answer_len, deadline);
	}
	if (fd >= 0)
		close(fd);
	free(out);
	if (e != NULL) {
		free(*answer);
		*answer = NULL;
	}
	return e;
}
