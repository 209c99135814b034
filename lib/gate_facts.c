/* The facts as text, a line each: what an approval has seen, and what has changed since. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "gate.h"
#include "mem.h"
#include "str.h"

#include "banned.h"

static void pass_free(struct gate_pass *p)
{
	free(p->by);
}

static void decision_free(struct gate_decision *d)
{
	free(d->facts);
	free(d->snapshot);
	free(d->covers);
	free(d->reason);
	free(d->by);
	free(d->by_name);
}

void gate_job_free(struct gate_job *j)
{
	for (size_t i = 0; i < j->n_domains; i++)
		free(j->domains[i]);
	for (size_t i = 0; i < j->n_mailboxes; i++) {
		free(j->mailboxes[i].pair);
		pass_free(&j->mailboxes[i].last);
	}
	for (size_t i = 0; i < j->n_accounts; i++)
		free(j->accounts[i].name);
	free(j->domains);
	free(j->mailboxes);
	free(j->accounts);
	free(j->org);
	free(j->rules);
	free(j->rollback_why);
	decision_free(&j->approval);
	decision_free(&j->override);
	memset(j, 0, sizeof(*j));
}

/* A line is "KEY = VALUE"; the key starts with what the diff tells people. */
static void mailbox_lines(struct buf *b, const struct gate_mailbox *m)
{
	const struct gate_verification *v = &m->verification;
	long long id = m->id;

	buf_addf(b, "mailbox %lld pair = ", id);
	str_percent(b, m->pair, strlen(m->pair));
	buf_addf(b, "\nmailbox %lld removed = %d %d\n", id, m->removed, m->removal_accepted);
	if (m->last.id != 0)
		buf_addf(b, "mailbox %lld pass = %lld %lld %lld %s %s %s %lld %lld\n", id,
		        (long long)m->last.id, (long long)m->last.run_id, (long long)m->last.seq,
		        run_kind_name(m->last.kind), pass_name(m->last.pass), run_status_name(m->last.status),
		        (long long)m->last.messages, (long long)m->last.refused);
	buf_addf(b, "mailbox %lld source = %lld %lld %d %lld\n", id, (long long)m->last_messages,
	        (long long)m->most_messages, m->any_final, (long long)m->final_seq);
	if (v->id != 0)
		buf_addf(b, "mailbox %lld verification = %lld %lld %lld %d %lld %lld %lld %lld %lld %lld\n",
		        id, (long long)v->id, (long long)v->run_id, (long long)v->pass_id, v->complete,
		        (long long)v->expected, (long long)v->found, (long long)v->found_weak,
		        (long long)v->missing, (long long)v->unexplained, (long long)v->excluded);
	buf_addf(b, "mailbox %lld accepted = %lld %lld %lld %lld %d\n", id, (long long)m->accepted.missing,
	        (long long)m->accepted.weak, (long long)m->accepted.refusals, (long long)m->accepted.excluded,
	        m->accepted.empty);
}

char *gate_facts_text(const struct gate_job *j)
{
	struct buf b = BUF_INIT;

	buf_reserve(&b, 256 + 768 * j->n_mailboxes);
	buf_addf(&b, "facts 1\njob = %lld\n", (long long)j->id);
	for (size_t i = 0; i < j->n_domains; i++)
		buf_addf(&b, "domain %s =\n", j->domains[i]);
	buf_adds(&b, "folder rules and filters of the job = ");
	if (j->rules != NULL)
		str_percent(&b, j->rules, strlen(j->rules));
	buf_addc(&b, '\n');
	for (size_t i = 0; i < j->n_accounts; i++) {
		const char *name = j->accounts[i].name;
		size_t user = strcspn(name, "@");

		buf_adds(&b, "account ");
		str_percent(&b, name, user);
		buf_adds(&b, name + user); /* "@" and a domain, which holds nothing that would need it */
		buf_addf(&b, " without a mailbox = %d\n", j->accounts[i].accepted);
	}
	for (size_t i = 0; i < j->n_mailboxes; i++)
		mailbox_lines(&b, &j->mailboxes[i]);
	return buf_detach(&b);
}

void gate_facts_hash(const char *text, char out[65])
{
	unsigned char h[32];

	crypto_generichash(h, sizeof(h), (const unsigned char *)text, strlen(text), NULL, 0);
	sodium_bin2hex(out, 65, h, sizeof(h));
}

/* The line with the same key in `text`; NULL when there is none. */
static const char *same_key(const char *text, const char *line, size_t key_len)
{
	for (const char *at = text; at != NULL && *at != '\0';
	        at = strchr(at, '\n'), at = at != NULL ? at + 1 : NULL)
		if (strncmp(at, line, key_len) == 0)
			return at;
	return NULL;
}

static size_t key_length(const char *line, size_t len)
{
	const char *eq = memmem(line, len, " =", 2);

	return eq != NULL ? (size_t)(eq - line) + 2 : len;
}

static bool is_about(const char *line, size_t key_len, const char *what)
{
	size_t n = strlen(what);

	return key_len >= n + 2 && memcmp(line + key_len - 2 - n, what, n) == 0;
}

/* "mailbox 7 pass" with what happened to it, in words. */
static void tell(struct buf *out, const char *line, size_t key_len, const char *gone_or_new)
{
	static const char *const words[][2] = {{" pass", ": a newer pass"},
	        {" verification", ": another verification"}, {" accepted", ": acceptances changed"},
	        {" removed", ": removed"}, {" source", ": the source was seen differently"},
	        {" pair", ": host, user or folder map changed"}};
	size_t n = key_len - 2;

	if (out->len > 0)
		buf_adds(out, "; ");
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!is_about(line, key_len, words[i][0]))
			continue;
		buf_add(out, line, n - strlen(words[i][0]));
		buf_adds(out, gone_or_new != NULL ? gone_or_new : words[i][1]);
		return;
	}
	buf_add(out, line, n);
	buf_adds(out, gone_or_new != NULL ? gone_or_new : " changed");
}

/* Lines of `a` that `b` lacks or has with another value. A mailbox that is new or gone is told by its pair
 * alone. */
static void compare(struct buf *out, const char *a, const char *b, bool a_is_now)
{
	for (const char *line = a; *line != '\0';) {
		size_t len = strcspn(line, "\n"), key = key_length(line, len);
		const char *other = same_key(b, line, key);
		bool whole = is_about(line, key, " pair") || strncmp(line, "domain ", 7) == 0 ||
		             strncmp(line, "account ", 8) == 0;

		if (other == NULL && whole)
			tell(out, line, key, a_is_now ? ": added" : ": gone");
		else if (other == NULL && a_is_now &&
		         (is_about(line, key, " pass") || is_about(line, key, " verification")))
			tell(out, line, key, NULL);
		else if (other != NULL && a_is_now &&
		         (strncmp(other, line, len) != 0 || (other[len] != '\n' && other[len] != '\0')))
			tell(out, line, key, NULL);
		line += len + (line[len] == '\n');
		if (out->len > 2000) {
			buf_adds(out, "; and more");
			return;
		}
	}
}

char *gate_facts_diff(const char *before, const char *now)
{
	struct buf b = BUF_INIT;

	compare(&b, now, before, true);
	if (b.len < 2000)
		compare(&b, before, now, false);
	if (b.len == 0)
		buf_adds(&b, "the facts changed");
	return buf_detach(&b);
}
