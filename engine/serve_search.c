/* UID SEARCH, as far as --since, --before and --max-size need it. */
#include "serve.h"

#include <stdio.h>
#include <string.h>

#include "mail_date.h"
#include "str.h"

#include "banned.h"

struct search {
	struct uidset uids;
	bool has_uids;
	int64_t since, before; /* seconds; 0: none */
	uint64_t largest;      /* 0: none */
};

/* "31-Jan-2024" */
static bool parse_day(const char *s, int64_t *out)
{
	char text[64];

	if (strlen(s) > 20)
		return false;
	snprintf(text, sizeof(text), "%s 00:00:00", s);
	return mail_date(text, strlen(text), out);
}

static bool parse_search(struct serve *sv, char *args, struct search *q)
{
	while (*args != '\0') {
		char *key = serve_word(&args);
		int64_t v;

		if (str_ieq(key, "UID")) {
			char *set = serve_word(&args);

			q->has_uids = true;
			if (!serve_uids(sv, set, strlen(set), &q->uids))
				return false;
		} else if (str_ieq(key, "SINCE")) {
			if (!parse_day(serve_word(&args), &q->since))
				return false;
		} else if (str_ieq(key, "BEFORE")) {
			if (!parse_day(serve_word(&args), &q->before))
				return false;
		} else if (str_ieq(key, "NOT") && str_ieq(serve_word(&args), "LARGER")) {
			if (!str_i64(serve_word(&args), 0, INT64_MAX, &v))
				return false;
			q->largest = (uint64_t)v;
		} else if (*key != '\0' && !str_ieq(key, "ALL")) {
			return false;
		}
	}
	return true;
}

static bool matches(struct serve *sv, const struct search *q, uint32_t uid)
{
	struct source_msg *m = &sv->open->m[uid - 1];

	if (q->has_uids && !uidset_has(&q->uids, uid))
		return false;
	if ((q->since != 0 && m->date < q->since) || (q->before != 0 && m->date >= q->before))
		return false;
	return q->largest == 0 || serve_learn_size(sv, m) != NULL || m->size <= q->largest;
}

void serve_search(struct serve *sv, const char *tag, char *args)
{
	struct search q = {.uids = UIDSET_INIT};

	if (sv->open == NULL || !parse_search(sv, args, &q)) {
		buf_addf(&sv->out, "%s BAD cannot search for this\r\n", tag);
	} else {
		buf_adds(&sv->out, "* SEARCH");
		for (uint32_t uid = 1; uid <= sv->open->n; uid++)
			if (matches(sv, &q, uid))
				buf_addf(&sv->out, " %u", uid);
		buf_addf(&sv->out, "\r\n%s OK done\r\n", tag);
	}
	uidset_free(&q.uids);
}
