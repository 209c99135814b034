/*
 * A tool: a program that does the work of a run, one row of the table in tool_table.c and one file
 * worker/tool_<name>.c. It is told what to do by arguments and descriptors, and speaks through the events of
 * migration-events.7; a tool that speaks another language translates its output in `output`.
 */
#ifndef WORKER_TOOL_H
#define WORKER_TOOL_H

#include <stdint.h>

#include "claim.h"
#include "conf.h"
#include "err.h"
#include "findings.h"
#include "model.h"
#include "spawn.h"
#include "unseal.h"

/* What a tool may use; all of it outlives the tool's run. */
struct tool_job {
	const struct conf *conf;
	const struct claim *claim;
	const struct account *source, *destination; /* opened credentials */
	const char *work;       /* folder of this run alone, its current folder */
	const char *state;      /* folder of this pair of accounts, kept from run to run */
	const char *quarantine; /* folder for refused messages; they are handed to the API */
	int connections;        /* that it may open to each host */
};

struct outcome {
	enum run_status status; /* RUN_SUCCEEDED, RUN_PARTIAL, RUN_FAILED or RUN_CANCELLED (it was told to stop) */
	char code[64];          /* "" when succeeded */
	char message[ERR_MSG_SIZE];
};

struct tool {
	const char *name;
	enum engine_kind engine;
	unsigned sources; /* mask of 1 << enum source_kind */
	unsigned kinds;   /* mask of 1 << enum run_kind */
	uint64_t memory;  /* bytes of address space */
	/* Makes the spawn: program, arguments, secrets by descriptor. ERR_TOOL_MISSING, ERR_UNSUPPORTED … */
	const struct err *(*prepare)(const struct tool_job *job, struct spawn **out);
	/* How it ended: `status` as of waitpid. */
	void (*finish)(const struct tool_job *job, const struct findings *f, int status, struct outcome *out);
};

/* ERR_UNSUPPORTED when no tool serves that. */
const struct err *tool_find(const struct tool **out, enum engine_kind engine, enum source_kind source,
	enum run_kind kind);

/* For finish: an error as an outcome. */
void outcome_fail(struct outcome *out, const struct err *e);

extern const struct tool tool_mailmover;

#endif
