#include "progress.h"

#include <string.h>

#include "clock.h"
#include "str.h"

#include "banned.h"

#define SAMPLE_MS 1000
#define WEIGHT 0.2 /* of the newest sample */

static void take(const json_t *event, const char *key, int64_t *out, bool *changed)
{
	json_t *v = json_object_get(event, key);

	if (json_is_integer(v) && json_integer_value(v) >= 0 && json_integer_value(v) != *out) {
		*out = json_integer_value(v);
		*changed = true;
	}
}

static double smooth(double rate, int64_t more, int64_t ms)
{
	double now = more > 0 ? (double)more * 1000.0 / (double)ms : 0.0;

	return rate > 0.0 ? rate * (1.0 - WEIGHT) + now * WEIGHT : now;
}

/* What was there before counts as done at once: a jump in the first sample is no rate. */
static void sample(struct progress *p, int64_t now_ms)
{
	int64_t ms = now_ms - p->sampled;

	if (p->sampled != 0 && ms < SAMPLE_MS)
		return;
	if (p->sampled != 0) {
		p->rate_messages = smooth(p->rate_messages, p->messages_done - p->sampled_messages, ms);
		p->rate_bytes = smooth(p->rate_bytes, p->bytes_done - p->sampled_bytes, ms);
	}
	p->sampled = now_ms;
	p->sampled_messages = p->messages_done;
	p->sampled_bytes = p->bytes_done;
}

void progress_event(struct progress *p, const json_t *event, int64_t now_ms)
{
	const char *type = json_string_value(json_object_get(event, "t"));
	const char *folder = json_string_value(json_object_get(event, "folder"));

	if (type == NULL)
		return;
	if (strcmp(type, "plan") == 0) {
		take(event, "messages", &p->messages_total, &p->changed);
		take(event, "bytes", &p->bytes_total, &p->changed);
		take(event, "folders", &p->folders_total, &p->changed);
		take(event, "messages_present", &p->messages_done, &p->changed);
	} else if (strcmp(type, "progress") == 0) {
		take(event, "messages_total", &p->messages_total, &p->changed);
		take(event, "messages_done", &p->messages_done, &p->changed);
		take(event, "bytes_total", &p->bytes_total, &p->changed);
		take(event, "bytes_done", &p->bytes_done, &p->changed);
		take(event, "refused", &p->refused, &p->changed);
		take(event, "folders_total", &p->folders_total, &p->changed);
		take(event, "folders_done", &p->folders_done, &p->changed);
		sample(p, now_ms);
	} else if (strcmp(type, "folder") != 0) {
		return;
	}
	/* only shown to people: a name that does not fit or holds control characters is not kept */
	if (folder != NULL && strcmp(folder, p->folder) != 0 && strlen(folder) < sizeof(p->folder) &&
		!str_has_control(folder, strlen(folder))) {
		memcpy(p->folder, folder, strlen(folder) + 1);
		p->changed = true;
	}
	p->at = now_ms;
}

static json_t *seconds_left(const struct progress *p)
{
	double left = -1.0;

	if (p->bytes_total > 0 && p->rate_bytes > 0.0)
		left = (double)(p->bytes_total - p->bytes_done) / p->rate_bytes;
	else if (p->messages_total > 0 && p->rate_messages > 0.0)
		left = (double)(p->messages_total - p->messages_done) / p->rate_messages;
	return left >= 0.0 && left < 1e9 ? json_integer((json_int_t)left) : json_null();
}

json_t *progress_json(struct progress *p)
{
	char at[CLOCK_TEXT_SIZE];

	p->changed = false;
	if (p->at == 0)
		return json_null();
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:s, s:I, s:I, s:I, s:I, s:o, s:s}",
		"messages_total", (json_int_t)p->messages_total, "messages_done", (json_int_t)p->messages_done,
		"bytes_total", (json_int_t)p->bytes_total, "bytes_done", (json_int_t)p->bytes_done,
		"refused", (json_int_t)p->refused, "folder", p->folder,
		"folders_total", (json_int_t)p->folders_total, "folders_done", (json_int_t)p->folders_done,
		"rate_messages", (json_int_t)p->rate_messages, "rate_bytes", (json_int_t)p->rate_bytes,
		"eta_seconds", seconds_left(p), "at", clock_text(p->at, at));
}
