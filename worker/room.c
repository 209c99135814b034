#include "room.h"

#include <string.h>

#include "json.h"

#include "banned.h"

void room_event(struct room *r, const json_t *event)
{
	const char *type = json_string_value(json_object_get(event, "t"));
	const char *name = json_string_value(json_object_get(event, "name"));
	const json_t *limit = json_object_get(event, "quota_limit");

	if (type == NULL || name == NULL || strcmp(type, "check") != 0)
		return;
	if (strcmp(name, "list") == 0)
		r->there = json_integer_value(json_object_get(event, "bytes"));
	if (strcmp(name, "quota") == 0 && json_is_integer(limit)) {
		r->known = true;
		r->limit = json_integer_value(limit);
		r->used = json_integer_value(json_object_get(event, "quota_used"));
	}
}

const struct err *room_for(const struct room *r, int64_t coming)
{
	if (!r->known || coming <= 0 || coming <= r->limit - r->used)
		return NULL;
	return err_new(ERR_QUOTA, "%lld bytes are to come, the new mailbox may hold %lld and has %lld", (long long)coming,
		(long long)r->limit, (long long)r->used);
}

void room_tell(const struct tool_job *job, const struct room *r, const struct err *e)
{
	json_t *event = tool_check("destination", "quota", e);

	if (e == NULL && !r->known)
		json_object_set_new(event, "message", json_string("the server tells of no limit"));
	if (r->known) {
		json_object_set_new(event, "quota_used", json_integer(r->used));
		json_object_set_new(event, "quota_limit", json_integer(r->limit));
	}
	tool_tell(job, event);
}
