#include "principal.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

#include "banned.h"

const struct actor actor_system = {.who = "system", .role = ""};

void principal_free(struct principal *p)
{
	free(p->iss);
	free(p->sub);
	free(p->name);
	free(p->org);
	memset(p, 0, sizeof(*p));
}

char *principal_text(const struct principal *p)
{
	if (p->role == ROLE_WORKER)
		return xasprintf("worker:%s", p->sub);
	return xasprintf("%s|%s", p->iss, p->sub);
}
