#include "imap_quirk.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "banned.h"

struct meaning_row {
	const char *text;
	enum err_id id;
};

static const struct meaning_row codes[] = {
	{"OVERQUOTA", ERR_QUOTA}, {"TOOBIG", ERR_MESSAGE_TOO_LARGE},
	{"UNAVAILABLE", ERR_THROTTLED}, {"AUTHENTICATIONFAILED", ERR_AUTH_REJECTED},
	{"AUTHORIZATIONFAILED", ERR_AUTH_REJECTED}, {"EXPIRED", ERR_AUTH_REJECTED},
	{"PRIVACYREQUIRED", ERR_TLS_REQUIRED}, {"NOPERM", ERR_FOLDER_DENIED}, {"THROTTLED", ERR_THROTTLED},
};

static const struct meaning_row words[] = {
	{"throttl", ERR_THROTTLED},                       /* Exchange Online */
	{"Suggested Backoff Time", ERR_THROTTLED},        /* Exchange Online */
	{"Account exceeded command or bandwidth", ERR_THROTTLED}, /* Gmail, with [OVERQUOTA]: a day's limit */
	{"Too many simultaneous connections", ERR_THROTTLED},     /* Gmail */
	{"Maximum number of connections", ERR_THROTTLED}, /* Dovecot mail_max_userip_connections */
	{"too many connections", ERR_THROTTLED},
	{"Rate limit", ERR_THROTTLED},
	{"quota exceeded", ERR_QUOTA},
	{"over quota", ERR_QUOTA},
	{"Maximum size of appendable message", ERR_MESSAGE_TOO_LARGE}, /* Exchange */
	{"larger than the maximum size allowed", ERR_MESSAGE_TOO_LARGE}, /* Dovecot quota_max_mail_size, with [LIMIT] */
	{"Message too large", ERR_MESSAGE_TOO_LARGE},
	{"message size exceeds", ERR_MESSAGE_TOO_LARGE},
};

bool quirk_already_exists(const struct imap_resp *r)
{
	return strcmp(r->code, "ALREADYEXISTS") == 0 || strcasestr(r->text, "exists") != NULL ||
	       strcasestr(r->text, "duplicate folder") != NULL;
}

bool quirk_server_failed(const struct imap_resp *r)
{
	static const char *const failed[] = {"SERVERBUG", "CORRUPTION", "INUSE", NULL};

	for (size_t i = 0; failed[i] != NULL; i++)
		if (strcmp(r->code, failed[i]) == 0)
			return true;
	return r->code[0] == '\0' &&
	       (strcasestr(r->text, "Internal error") != NULL || strcasestr(r->text, "System I/O error") != NULL);
}

bool quirk_not_there(const struct imap_resp *r)
{
	static const char *const absent[] = {"doesn't exist", "does not exist", "no such", "not found", "unknown mailbox",
		"nonexistent", "non-existent", NULL};

	if (strcmp(r->code, "NONEXISTENT") == 0 || strcmp(r->code, "TRYCREATE") == 0)
		return true;
	for (size_t i = 0; absent[i] != NULL && !quirk_server_failed(r); i++)
		if (strcasestr(r->text, absent[i]) != NULL)
			return true;
	return false;
}

enum err_id quirk_meaning(const struct imap_resp *r)
{
	/* words first where they say more than the code (Gmail's day limit is no full mailbox) */
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (words[i].id == ERR_THROTTLED && strcasestr(r->text, words[i].text) != NULL)
			return words[i].id;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (strcmp(r->code, codes[i].text) == 0)
			return codes[i].id;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasestr(r->text, words[i].text) != NULL)
			return words[i].id;
	return ERR_SERVER_NO;
}

int64_t quirk_backoff_ms(const char *text, int64_t otherwise)
{
	const char *p = strcasestr(text, "Backoff Time:");
	char *end;
	long long v;

	if (p == NULL)
		return otherwise;
	p += strlen("Backoff Time:");
	v = strtoll(p, &end, 10);
	if (end == p || v <= 0 || v > 24LL * 3600 * 1000)
		return otherwise;
	return v;
}

struct quirk_server {
	const char *name, *capability, *greeting; /* either may be NULL */
	const char *views;                        /* special uses whose folders are views */
};

static const struct quirk_server servers[] = {
	{"Gmail", "X-GM-EXT-1", NULL, "\\All \\Important \\Flagged"},
	{"Exchange", NULL, "Microsoft Exchange", ""},
	{"Zimbra", "XLIST-ZIMBRA", "Zimbra", ""},
	{"Carbonio", NULL, "Carbonio", ""},
	{"Courier", NULL, "Courier-IMAP", ""},
	{"Cyrus", NULL, "Cyrus IMAP", ""},
	{"Dovecot", NULL, "Dovecot", ""},
};

const struct quirk_server *quirk_find(const char *greeting, bool (*has)(void *arg, const char *cap), void *arg)
{
	for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++) {
		const struct quirk_server *q = &servers[i];

		if ((q->capability != NULL && has(arg, q->capability)) ||
			(q->greeting != NULL && strcasestr(greeting, q->greeting) != NULL))
			return q;
	}
	return NULL;
}

const char *quirk_server_name(const struct quirk_server *q)
{
	return q != NULL ? q->name : "";
}

bool quirk_is_view(const struct quirk_server *q, const char *role)
{
	const char *at = q != NULL && role != NULL ? strstr(q->views, role) : NULL;

	return at != NULL && (at[strlen(role)] == ' ' || at[strlen(role)] == '\0');
}
