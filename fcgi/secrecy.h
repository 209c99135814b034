/* What this process must never be able to see or leave behind. */
#ifndef SECRECY_H
#define SECRECY_H

#include "conf.h"

/* Errors when the secret sealing key is within reach: MIGRATION_CREDENTIALS_KEY in environ, or a readable
 * worker.env beside the settings or in SYSCONFDIR. (In migration.env the settings refuse it themselves.) */
const struct err *secrecy_check(const struct conf *conf);

/* No core dumps; memory that held JSON is wiped when it is freed (it may have held a password). */
void secrecy_harden(void);

#endif
