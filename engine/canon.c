#include "canon.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "banned.h"

/* Fields that stores and tools write into a message while they keep or move it. A trailing '*' is a prefix.
 * Fields of transport (Received, Return-Path, DKIM-Signature …) are the message's own and not here. */
static const char *const store_fields[] = {
	/* mbox stores, also those of UW-IMAP, Dovecot and mutt */
	"Status", "X-Status", "X-Keywords", "X-UID", "X-IMAP", "X-IMAPbase", "Content-Length", "Lines",
	"X-Mozilla-Status", "X-Mozilla-Status2", "X-Mozilla-Keys", "X-Dovecot-*",
	/* tools: mbsync, offlineimap, larch, imapsync and others that mark what they have moved */
	"X-TUID", "X-OfflineIMAP", "X-larch-*", "X-Evolution", "X-Evolution-Source", "X-UIDL",
	/* servers that note something of their own on APPEND */
	"X-GM-THRID", "X-GM-MSGID", "X-Gmail-Labels", "X-Gmail-Received", "X-Zimbra-Received",
	"X-Zimbra-Authentication-Outlook", "X-MS-Has-Attach", "X-MS-TNEF-Correlator", "X-MS-Exchange-Organization-*",
	"X-MS-Exchange-Imapappendstamp", "X-Apple-Movetoarchive", "X-Universally-Unique-Identifier",
	"X-Uniform-Type-Identifier", "X-Envelope-Collector", "X-Kolab-Internal-*",
	NULL,
};

static bool name_in(const char *const *list, const char *name, size_t n)
{
	for (; list != NULL && *list != NULL; list++) {
		size_t len = strlen(*list);

		if (len > 0 && (*list)[len - 1] == '*') {
			if (n >= len - 1 && strncasecmp(*list, name, len - 1) == 0)
				return true;
		} else if (n == len && strncasecmp(*list, name, n) == 0) {
			return true;
		}
	}
	return false;
}

bool canon_drops(const char *name, size_t n, const char *const *ignore)
{
	return name_in(store_fields, name, n) || name_in(ignore, name, n);
}

void canon_init(struct canon *c, const char *const *ignore, canon_fn *emit, void *arg)
{
	*c = (struct canon){.emit = emit, .arg = arg, .ignore = ignore, .state = CANON_FIRST_LINE, .line_empty = true};
}

static void put(struct canon *c, const void *p, size_t n)
{
	if (n > 0)
		c->emit(c->arg, c->dropping ? CANON_DROP : CANON_KEEP, p, n);
}

static void put_crs(struct canon *c, enum canon_op op, size_t n)
{
	static const char crs[] = "\r\r\r\r\r\r\r\r\r\r\r\r\r\r\r\r";

	while (n > 0) {
		size_t k = n < sizeof(crs) - 1 ? n : sizeof(crs) - 1;

		c->emit(c->arg, c->dropping ? CANON_DROP : op, crs, k);
		n -= k;
	}
}

/* CRs before anything but a LF stay. */
static void flush_crs(struct canon *c)
{
	put_crs(c, CANON_KEEP, c->crs);
	c->crs = 0;
}

static void put_line_end(struct canon *c)
{
	if (c->crs == 0 && !c->dropping)
		c->emit(c->arg, CANON_INSERT, "\r", 1);
	if (c->crs > 1)
		put_crs(c, CANON_DROP, c->crs - 1);
	put_crs(c, CANON_KEEP, c->crs > 0);
	c->crs = 0;
	put(c, "\n", 1);
}

/* Is what stands in held[] enough to know the line's fate? Continuation lines share their field's. */
static bool decide(struct canon *c)
{
	const char *h = c->held;
	size_t n = c->nheld;
	const char *colon;

	if (c->state == CANON_FIRST_LINE) {
		if (n < 5 && memcmp(h, "From ", n) == 0)
			return false;
		if (n >= 5 && memcmp(h, "From ", 5) == 0) {
			c->dropping = true;
			return true;
		}
	} else if (h[0] == ' ' || h[0] == '\t') {
		return true;
	}
	c->dropping = false;
	colon = memchr(h, ':', n);
	if (colon == NULL)
		return n > CANON_NAME_MAX || h[n - 1] <= ' ';
	c->dropping = canon_drops(h, (size_t)(colon - h), c->ignore);
	return true;
}

static void release_held(struct canon *c)
{
	put(c, c->held, c->nheld);
	c->nheld = 0;
	c->state = CANON_LINE;
}

static void header_line_end(struct canon *c)
{
	bool end;

	if (c->nheld > 0) {
		c->dropping = false; /* a line without a colon */
		release_held(c);
	}
	end = c->line_empty;
	if (end)
		c->dropping = false;
	put_line_end(c);
	c->line_empty = true;
	c->state = end ? CANON_BODY : CANON_LINE_START;
}

static void header_byte(struct canon *c, char b)
{
	if (b == '\r') {
		if (c->nheld > 0) {
			c->dropping = false;
			release_held(c);
		}
		c->crs++;
		return;
	}
	if (b == '\n') {
		header_line_end(c);
		return;
	}
	if (c->crs > 0) { /* a CR inside a line */
		if (c->line_empty)
			c->dropping = false;
		flush_crs(c);
		c->state = CANON_LINE;
	}
	c->line_empty = false;
	if (c->state == CANON_LINE) {
		put(c, &b, 1);
		return;
	}
	c->held[c->nheld++] = b;
	if (decide(c))
		release_held(c);
}

/* Length of the start of p that is in canonical form already and leaves no CR open. The caller
 * has dealt with open CRs. Blocks of a fixed size, so that the compiler makes vectors of the test. */
static size_t clean_prefix(const unsigned char *p, size_t n)
{
	enum { BLOCK = 256 };
	size_t done = 0;

	while (n - done > BLOCK) {
		const unsigned char *q = p + done;
		unsigned char bad = 0;

		for (size_t i = 0; i < BLOCK; i++)
			bad |= (unsigned char)((q[i] == '\r') ^ (q[i + 1] == '\n'));
		if (bad || q[0] == '\n')
			break;
		done += BLOCK;
		if (q[BLOCK - 1] == '\r')
			done--; /* the LF that follows starts the next block: keep the pair together */
	}
	return done;
}

static void body_slow(struct canon *c, const char *p, size_t n)
{
	size_t i = 0, start;

	while (i < n) {
		if (p[i] == '\r') {
			c->crs++;
			i++;
		} else if (p[i] == '\n') {
			put_line_end(c);
			i++;
		} else {
			flush_crs(c);
			for (start = i; i < n && p[i] != '\r' && p[i] != '\n'; i++)
				;
			put(c, p + start, i - start);
		}
	}
}

static void body(struct canon *c, const char *p, size_t n)
{
	enum { SLOW = 256 };

	while (n > 0) {
		size_t clean = c->crs == 0 ? clean_prefix((const unsigned char *)p, n) : 0;
		size_t slow;

		put(c, p, clean);
		p += clean;
		n -= clean;
		slow = n < SLOW ? n : SLOW;
		body_slow(c, p, slow);
		p += slow;
		n -= slow;
	}
}

void canon_feed(struct canon *c, const void *data, size_t n)
{
	const char *p = data;

	while (n > 0 && c->state != CANON_BODY) {
		const char *stop = p;
		size_t run;

		if (c->state == CANON_LINE && c->crs == 0) { /* the rest of a line whose fate is known, at once */
			while (stop < p + n && *stop != '\r' && *stop != '\n')
				stop++;
		}
		run = (size_t)(stop - p);
		put(c, p, run);
		p += run;
		n -= run;
		if (n > 0) {
			header_byte(c, *p++);
			n--;
		}
	}
	if (n > 0)
		body(c, p, n);
}

void canon_end(struct canon *c)
{
	if (c->nheld > 0) {
		c->dropping = false;
		release_held(c);
	}
	flush_crs(c);
}
