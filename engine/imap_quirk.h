/*
 * What servers do beside the standard: one table of texts that mean more than NO, one of server kinds.
 */
#ifndef IMAP_QUIRK_H
#define IMAP_QUIRK_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "imap_resp.h"

/* What a NO, BAD or BYE means: by its response code (RFC 5530), else by known words; ERR_SERVER_NO otherwise. */
enum err_id quirk_meaning(const struct imap_resp *r);
/* The pause a throttling text names, in milliseconds; `otherwise` when it names none. */
int64_t quirk_backoff_ms(const char *text, int64_t otherwise);
/* A NO that is the server's own failure, not one of the message or folder it was asked about. */
bool quirk_server_failed(const struct imap_resp *r);
/* A NO to EXAMINE that means there is no such folder. */
bool quirk_not_there(const struct imap_resp *r);
/* A NO to CREATE that means the folder is there. */
bool quirk_already_exists(const struct imap_resp *r);
/* Folders that a provider shows but that hold no mail of their own (Exchange: Calendar, Contacts …; Gmail:
 * All Mail, Important, Starred are views of mail that other folders hold). */
struct quirk_server;
const struct quirk_server *quirk_find(const char *greeting, bool (*has)(void *arg, const char *cap), void *arg);
const char *quirk_server_name(const struct quirk_server *q); /* "" for NULL */
bool quirk_is_view(const struct quirk_server *q, const char *role);

#endif
