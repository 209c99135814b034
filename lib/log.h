/*
 * The log: one line an event on standard error, for a person. Under systemd (JOURNAL_STREAM set) each line
 * starts with the journal's priority ("<6>"); elsewhere with time, program and process id. Control
 * characters in a line are written as \xHH. Never pass a secret.
 */
#ifndef LOG_H
#define LOG_H

enum log_level { LOG_ERROR_, LOG_WARN_, LOG_INFO_, LOG_DEBUG_ };

/* `name` must outlive the process; level: what is still written. Without a call: "desk-migration", info. */
void log_open(const char *name, enum log_level level);

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
