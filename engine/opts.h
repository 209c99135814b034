/* The command line of mailmover, all commands: one table of options in opts.c. */
#ifndef OPTS_H
#define OPTS_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "url.h"

struct strlist {
	char **s;
	size_t n;
};

/* "50": so many messages; "5%": of those that were copied. */
struct cap {
	uint64_t n;
	bool percent;
};

enum compress { COMPRESS_AUTO, COMPRESS_ALWAYS, COMPRESS_NEVER };

struct opts {
	const char *command; /* "copy", "verify", "check" */
	struct endpoint from, to;
	bool has_to;
	const char *state, *events, *quarantine, *baseline, *ledger, *only;
	struct strlist map, include, exclude, deny_network;
	const char *since, *before; /* "2024-01-31", checked */
	uint64_t max_size;          /* bytes; 0: none */
	uint64_t max_rate;          /* bytes a second; 0: none */
	unsigned max_messages_rate; /* messages a second; 0: none */
	enum compress compress;
	unsigned patience;          /* seconds that a failing server is tried again without progress */
	unsigned max_connections;   /* each side; 0: automatic */
	bool dry_run, allow_plaintext, automap, flags_sync, rescan;
	bool delete_extra, understood; /* understood: --i-understand-deletion */
	struct cap delete_max;
	const char *language; /* "pt", "en"; NULL: English */
	bool deep, no_write_probe;  /* verify, check */
	bool no_progress, verbose;
};

/* Reads argv (argv[0] is the program) and the secrets. ERR_USAGE names what is wrong. */
const struct err *opts_parse(struct opts *o, int argc, char **argv);
void opts_wipe(struct opts *o);
/* All options, or those of one command ("copy"; NULL: all), to standard output. False: there is no such command. */
bool opts_usage(const char *command);

#endif
