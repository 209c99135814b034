/*
 * Questions to name servers, all at once: each has its own socket, one deadline ends them together. ldns makes and
 * reads the messages (c-ares is a stub resolver: it hides the AA bit, makes no updates and signs nothing); the
 * exchange is ours, because ldns asks one server after the other.
 */
#ifndef DNS_EXCHANGE_H
#define DNS_EXCHANGE_H

#include <ldns/ldns.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "err.h"

enum dns_end { DNS_ASKING, DNS_ANSWERED, DNS_TIMEOUT, DNS_UNREACHABLE, DNS_GARBLED };

struct dns_question {
	struct sockaddr_storage to;
	socklen_t to_len;
	char *name; /* without a final dot */
	ldns_rr_type type;
	bool recursive, checking_disabled;
	void *tag; /* the asker's */
	/* out */
	enum dns_end end;
	ldns_pkt *answer; /* DNS_ANSWERED */
	/* inside */
	int fd, tries;
	bool tcp;
	int64_t due;
	uint8_t *wire;
	size_t wire_len, have;
	uint16_t id;
};

/* The address in text (no brackets) and port; false for anything else. */
bool dns_address(const char *text, int port, struct sockaddr_storage *to, socklen_t *len);

/* Asks all, at most `timeout_ms` a try, two tries, until the monotonic instant `deadline`. */
void dns_exchange(struct dns_question *v, size_t n, int timeout_ms, int64_t deadline);
void dns_questions_free(struct dns_question *v, size_t n);

/* One message as it stands over TCP: for updates. The answer's bytes are the caller's (free). */
const struct err *dns_send_tcp(const struct sockaddr_storage *to, socklen_t len, const uint8_t *wire, size_t wire_len,
	int64_t deadline, uint8_t **answer, size_t *answer_len);

#endif
