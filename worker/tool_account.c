#include "tool_account.h"

#include <string.h>

#include "str.h"

#include "banned.h"

static bool plaintext_allowed(const struct conf *c, const char *host)
{
	char *const *list = conf_list(c, CONF_ALLOW_PLAINTEXT_HOSTS);

	for (; list != NULL && *list != NULL; list++)
		if (str_ieq(*list, host))
			return true;
	return false;
}

const struct err *account_check_tls(const struct conf *c, const struct account *a)
{
	if (a->tls == TLS_NONE && !plaintext_allowed(c, a->host))
		return err_new(ERR_TLS_REQUIRED,
			"%s: no TLS is allowed only for the hosts in MIGRATION_ALLOW_PLAINTEXT_HOSTS", a->host);
	return NULL;
}

const char *account_master(const struct account *a)
{
	const char *star = a->auth == AUTH_MASTER ? strrchr(a->user, '*') : NULL;

	return star != NULL && star[1] != '\0' && star != a->user ? star + 1 : NULL;
}
