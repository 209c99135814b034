/* What every tool asks of an account. */
#ifndef WORKER_TOOL_ACCOUNT_H
#define WORKER_TOOL_ACCOUNT_H

#include <stdbool.h>

#include "conf.h"
#include "err.h"
#include "unseal.h"

/* ERR_TLS_REQUIRED when it is without TLS and not one of MIGRATION_ALLOW_PLAINTEXT_HOSTS. */
const struct err *account_check_tls(const struct conf *c, const struct account *a);
/* "mailbox*master" (the form that Dovecot and imapsync know): log in as master, act for mailbox. Points behind the
 * star; NULL when the account is not of that kind. */
const char *account_master(const struct account *a);

#endif
