#include "tool.h"

#include <stdio.h>
#include <string.h>

#include "banned.h"

static const struct tool *const table[] = {
	&tool_mailmover,
};

const struct err *tool_find(const struct tool **out, enum engine_kind engine, enum source_kind source,
	enum run_kind kind)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i]->engine == engine && (table[i]->sources & 1u << source) && (table[i]->kinds & 1u << kind)) {
			*out = table[i];
			return NULL;
		}
	return err_new(ERR_UNSUPPORTED, "this worker has no tool for %s from %s with engine %s", run_kind_name(kind),
		source_kind_name(source), engine_kind_name(engine));
}

void outcome_fail(struct outcome *out, const struct err *e)
{
	out->status = RUN_FAILED;
	snprintf(out->code, sizeof(out->code), "%s", err_code(e));
	snprintf(out->message, sizeof(out->message), "%s", e->msg);
}
