/*
 * What a tool is started with: program, arguments, environment, descriptors, limits. A secret is written into
 * a pipe whose read end only that child inherits: it stands in no argument, environment or file.
 */
#ifndef WORKER_SPAWN_H
#define WORKER_SPAWN_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"
#include "terminal.h"

#define SPAWN_SECRET_MAX 32768 /* below a pipe's capacity, so that writing never blocks */
#define SPAWN_FDS_MAX 16

struct spawn;

struct spawn *spawn_new(const char *program); /* a path; also argv[0] */
void spawn_free(struct spawn *s);             /* closes every descriptor it holds; NULL is fine */

void spawn_arg(struct spawn *s, const char *arg);
void spawn_argf(struct spawn *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The environment is PATH, HOME, TMPDIR, LANG=C.UTF-8 and TZ=UTC, and what is added here. */
void spawn_env(struct spawn *s, const char *name, const char *value);
void spawn_cwd(struct spawn *s, const char *dir); /* also HOME and TMPDIR */
void spawn_path(struct spawn *s, const char *path);
void spawn_memory(struct spawn *s, uint64_t bytes); /* address space; 0: no limit */
void spawn_inherit(struct spawn *s, int fd);        /* a duplicate of fd goes to the child (a lock) */

/* Standard input and output are these descriptors instead of /dev/null and the output pipe (errors still go there);
 * they become the spawn's. */
void spawn_stdin(struct spawn *s, int fd);
void spawn_stdout(struct spawn *s, int fd);
/* A terminal of its own, for a program that asks there: when `prompt` appears, `secret` is typed, once. A second
 * prompt hangs up. ERR_UNSUPPORTED when the secret holds a line end or is longer than a terminal's line. */
const struct err *spawn_terminal(struct spawn *s, const char *prompt, const char *secret, size_t len);

void spawn_readable(struct spawn *s, const char *path); /* one more path that it may read when confined */
/* Confines it (confine.h) to what every tool may read, its program, and the paths that are allowed here. */
const struct err *spawn_confine(struct spawn *s, const char *const *readable, size_t n_readable,
	const char *const *writable, size_t n_writable);

/* Adds `option` and "fd:N", N being a pipe from which the child reads the secret once. */
const struct err *spawn_secret(struct spawn *s, const char *option, const char *secret, size_t len);
/* Adds `option` and "fd:N", N being a pipe into which the child writes its events. */
const struct err *spawn_events(struct spawn *s, const char *option);
/* The same, the argument being `option` and the path /dev/fd/N: for a program that wants the name of a file. */
const struct err *spawn_events_file(struct spawn *s, const char *option);

/* --- for child.c --- */

/* Forks and executes. `out` takes the read end of standard output and error, `events` that of the events
 * pipe or -1, `term` the terminal's or NULL; the ends are non-blocking and the caller's. ERR_TOOL_MISSING when the
 * program is not there or cannot be executed. The spawn's own descriptors are closed either way. */
const struct err *spawn_run(struct spawn *s, pid_t *pid, int *out, int *events, struct terminal **term);

#endif
