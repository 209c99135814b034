#include "dns_probe.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "dns_exchange.h"
#include "mem.h"
#include "str.h"

#include "banned.h"

#define ADDRESSES_MAX 8
#define REPLY_MAX 4096
#define STEP_MS 10000

struct smtp {
	int fd;
	int64_t deadline;
	char reply[REPLY_MAX];
	size_t have;
};

static bool ready(struct smtp *s, short events)
{
	struct pollfd p = {.fd = s->fd, .events = events};
	int64_t left = s->deadline - clock_mono_ms();

	if (left > STEP_MS)
		left = STEP_MS;
	return left > 0 && poll(&p, 1, (int)left) == 1;
}

/* The code of a whole reply ("250-…" lines up to "250 …"), -1 when there is none. */
static int read_reply(struct smtp *s)
{
	s->have = 0;
	for (;;) {
		char *line = s->reply, *end;
		ssize_t n;

		s->reply[s->have] = '\0';
		while ((end = strstr(line, "\r\n")) != NULL) {
			if (end - line >= 3 && line[3] != '-') {
				int64_t code;
				char digits[4] = {line[0], line[1], line[2], '\0'};

				*end = '\0';
				memmove(s->reply, line, (size_t)(end - line) + 1);
				return str_i64(digits, 200, 599, &code) ? (int)code : -1;
			}
			line = end + 2;
		}
		if (s->have + 1 >= sizeof(s->reply) || !ready(s, POLLIN))
			return -1;
		n = recv(s->fd, s->reply + s->have, sizeof(s->reply) - 1 - s->have, 0);
		if (n <= 0)
			return -1;
		s->have += (size_t)n;
	}
}

static int command(struct smtp *s, const char *text)
{
	size_t n = strlen(text);

	if (!ready(s, POLLOUT) || send(s->fd, text, n, MSG_NOSIGNAL) != (ssize_t)n)
		return -1;
	return read_reply(s);
}

static const char *dialogue(struct smtp *s, const char *domain)
{
	char *rcpt = xasprintf("RCPT TO:<postmaster@%s>\r\n", domain);
	int code = read_reply(s);

	if (code == 220)
		code = command(s, "EHLO migration.invalid\r\n");
	if (code == 250)
		code = command(s, "MAIL FROM:<>\r\n");
	if (code == 250) {
		char kept[REPLY_MAX];

		code = command(s, rcpt);
		memcpy(kept, s->reply, sizeof(kept));
		if (code > 0)
			command(s, "QUIT\r\n");
		memcpy(s->reply, kept, sizeof(kept));
	} else if (code > 0) {
		code = code >= 400 ? code : -1;
	}
	free(rcpt);
	return code == 250 || code == 251 ? "accepted"
	       : code >= 500              ? "refused"
	       : code >= 400              ? "later"
					  : "protocol";
}

static json_t *probe_one(const char *domain, const char *host, const char *address, int port, int64_t deadline)
{
	struct smtp s = {.fd = -1, .deadline = deadline};
	struct sockaddr_storage to;
	socklen_t len;
	const char *status = "unreachable";
	int error = 0;
	socklen_t size = sizeof(error);

	if (!dns_address(address, port, &to, &len))
		return json_null();
	s.fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s.fd >= 0 && (connect(s.fd, (struct sockaddr *)&to, len) == 0 || errno == EINPROGRESS) && ready(&s, POLLOUT) &&
		getsockopt(s.fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0)
		status = dialogue(&s, domain);
	if (s.fd >= 0)
		close(s.fd);
	if (!str_utf8(s.reply, strlen(s.reply)))
		s.reply[0] = '\0';
	return json_pack("{s:s, s:s, s:s, s:s}", "host", host, "address", address, "status", status, "reply",
		strcmp(status, "unreachable") == 0 ? (error != 0 ? strerror(error) : "no connection in time") : s.reply);
}

json_t *dns_probe(const char *domain, const json_t *hosts, int port, int64_t deadline)
{
	json_t *out = json_array(), *list, *v;
	const char *host;
	size_t i;

	json_object_foreach((json_t *)(uintptr_t)hosts, host, list)
		json_array_foreach(list, i, v)
			if (json_array_size(out) < ADDRESSES_MAX)
				json_array_append_new(out, probe_one(domain, host, json_string_value(v), port, deadline));
	return out;
}
