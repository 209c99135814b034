/* What every unit test includes: cmocka in the order its manual asks for, and a private directory. */
#ifndef UNIT_H
#define UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "err.h"
#include "fs.h"

/* Fails with the error's own words. */
#define assert_ok(call)                                                                                                \
	do {                                                                                                           \
		const struct err *e_ = (call);                                                                         \
		if (e_ != NULL)                                                                                        \
			fail_msg("%s: %s: %s", #call, err_code(e_), e_->msg);                                          \
	} while (0)

#define assert_err(call, id_)                                                                                          \
	do {                                                                                                           \
		const struct err *e_ = (call);                                                                         \
		if (e_ == NULL)                                                                                        \
			fail_msg("%s: no error, %s expected", #call, err_row(id_)->code);                              \
		else if (e_->id != (id_))                                                                              \
			fail_msg("%s: %s (%s), %s expected", #call, err_code(e_), e_->msg, err_row(id_)->code);        \
	} while (0)

/* cmocka set-up and tear-down: *state is the path of a private directory. */
static inline int dir_setup(void **state)
{
	char *path = strdup("/tmp/desk-unit-XXXXXX");

	if (path == NULL || mkdtemp(path) == NULL)
		return -1;
	*state = path;
	return 0;
}

static inline int dir_teardown(void **state)
{
	const struct err *e = fs_remove_tree(*state);

	free(*state);
	return e == NULL ? 0 : -1;
}

/* Every promise in full: scripts/check --long. */
static inline bool is_long(void)
{
	const char *asked = getenv("CHECK_LONG");

	return asked != NULL && *asked != '\0';
}

#endif
