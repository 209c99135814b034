/*
 * A tool: what does the work of a run, one row of the table in tool_table.c and one file worker/tool_<name>.c. It is
 * told what to do by arguments and descriptors, and speaks through the events of migration-events.7. A tool that
 * speaks another language has `output` or `event` to translate it, whatever way its bytes are cut, and one that is
 * several programs one after the other has `next`.
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
	const struct account *provider;             /* of DNS; its host NULL: none */
	const char *work;       /* folder of this run alone, its current folder */
	const char *state;      /* folder of this pair of accounts, kept from run to run */
	const char *quarantine; /* folder for refused messages; they are handed to the API */
	int connections;        /* that it may open to each host */
	const char *secrets;    /* folder in memory, for secrets in files; goes when the tool has ended */
	const char *upload;     /* the source's file; NULL: an account, or a server that is asked over ssh */
	void *own;              /* what `open` made */
	void (*tell)(void *arg, json_t *event); /* see tool_tell */
	void *tell_arg;
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
	bool whole_job;   /* of two tools that discover: the one for a run without a mailbox */
	uint64_t memory;  /* bytes of address space */
	/* NULL, or makes and frees job->own; open runs before the first step, close after finish. */
	const struct err *(*open)(struct tool_job *job);
	void (*close)(struct tool_job *job);
	/* NULL, or what the programs print on standard output and error, as it comes, secrets and all. */
	void (*output)(const struct tool_job *job, const char *p, size_t n);
	/* NULL, or a line of the events pipe; true when it was no event of migration-events.7, but meant for the tool. */
	bool (*event)(const struct tool_job *job, const char *line, size_t n);
	/* Makes the spawn: program, arguments, secrets by descriptor. ERR_TOOL_MISSING, ERR_UNSUPPORTED … */
	const struct err *(*prepare)(const struct tool_job *job, struct spawn **out);
	/* NULL, or the step after one that ended with `status`; *out NULL: that was the last. */
	const struct err *(*next)(const struct tool_job *job, int status, struct spawn **out);
	/* How it ended: `status` as of waitpid. */
	void (*finish)(const struct tool_job *job, const struct findings *f, int status, struct outcome *out);
};

/* mailbox: the run is one mailbox's. ERR_UNSUPPORTED when no tool serves that. */
const struct err *tool_find(const struct tool **out, enum engine_kind engine, enum source_kind source,
	enum run_kind kind, bool mailbox);

/* Tells an event of migration-events.7 (without v and at) as if the program itself had; takes it over. */
void tool_tell(const struct tool_job *job, json_t *event);
/* The event "check" of a preflight: e NULL, it passed. */
json_t *tool_check(const char *side, const char *name, const struct err *e);
/* A program's words for an event: bytes that are not UTF-8 become '?'. */
json_t *tool_text(const char *s);
/* Writes a secret into the file `name` of job->secrets, for a tool that wants a file; *path is the caller's. */
const struct err *tool_secret_file(const struct tool_job *job, const char *name, const char *secret, size_t len,
	char **path);
/* A spawn of `migration-worker inspect COMMAND` (inspect.h), its events on the events pipe. */
const struct err *tool_inspect(struct spawn **out, const char *command);
/* The program that a setting names, or `name` in MIGRATION_TOOLS_PATH; the caller's. ERR_TOOL_MISSING says what to
 * install. */
const struct err *tool_program(const struct conf *c, enum conf_key key, const char *name, char **path);

/* A spawn of `mailmover check` that looks at the destination alone and writes nothing there, its events on the events
 * pipe (room.h). */
const struct err *mailmover_look(const struct tool_job *job, struct spawn **out);

/* In job->state, by direction: mailmover's knowledge of what it has copied itself. */
#define TOOL_STATE "state.db"
#define TOOL_STATE_BACK "back.db"
/* Before a byte is copied: what one direction brings stands on the other's source like new mail. So that it does not
 * come back as a twin, the other's state goes, and its next run finds by the messages themselves what is there. */
const struct err *tool_forget_other_way(const struct tool_job *job, bool back);

/* For finish: an error as an outcome. */
void outcome_fail(struct outcome *out, const struct err *e);

extern const struct tool tool_carbonio, tool_dns, tool_mailmover, tool_imapsync, tool_readpst, tool_report, tool_zmmailbox;

#endif
