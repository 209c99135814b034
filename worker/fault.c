#include "fault.h"

#ifdef FAULT_POINTS

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "mem.h"
#include "str.h"

#include "banned.h"

static char *armed;
static int64_t left = 1;

void fault_arm(const char *point)
{
	char *colon;

	armed = xstrdup(point);
	colon = strchr(armed, ':');
	if (colon != NULL) {
		*colon = '\0';
		if (!str_i64(colon + 1, 1, 1000000, &left))
			left = 1;
	}
}

void fault_hit(const char *name)
{
	if (armed == NULL || strcmp(armed, name) != 0 || --left > 0)
		return;
	log_warn("fault point %s reached", name);
	kill(getpid(), SIGKILL);
	pause();
}

#else
typedef int fault_is_compiled_out;
#endif
