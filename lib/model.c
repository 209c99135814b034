#include "model.h"

#include <string.h>

#include "banned.h"

static const char *const role_names[ROLE_COUNT] = {"", "super_admin", "ops_lead", "technician", "gate_reader", "worker"};
static const char *const pass_names[PASS_COUNT] = {"", "initial", "delta", "final"};
static const char *const status_names[RUN_STATUS_COUNT] = {"queued", "running", "paused", "waiting", "succeeded",
	"partial", "failed", "cancelled"};
static const char *const source_names[SOURCE_KIND_COUNT] = {"imap", "pst", "mbox", "tgz"};
static const char *const engine_names[ENGINE_KIND_COUNT] = {"native", "reference"};
static const char *const tls_names[TLS_MODE_COUNT] = {"tls", "starttls", "none"};
static const char *const auth_names[AUTH_KIND_COUNT] = {"password", "xoauth2", "oauthbearer", "master"};

static const struct {
	const char *name;
	bool changes_mail, needs_mailbox;
} kinds[RUN_KIND_COUNT] = {
	[RUN_PREFLIGHT] = {"preflight", false, true},
	[RUN_DISCOVER] = {"discover", false, false},
	[RUN_SYNC] = {"sync", true, true},
	[RUN_VERIFY] = {"verify", false, true},
	[RUN_RECOPY] = {"recopy", true, true},
	[RUN_DNS_READ] = {"dns_read", false, false},
	[RUN_DNS_APPLY] = {"dns_apply", false, false},
	[RUN_STRAGGLER] = {"straggler", false, true},
	[RUN_ROLLBACK] = {"rollback", true, true},
	[RUN_RESEAL] = {"reseal", false, false},
	[RUN_REPORT] = {"report", false, false},
};

static bool find(const char *const *names, int n, const char *s, int *at)
{
	for (int i = 0; i < n; i++)
		if (names[i][0] != '\0' && strcmp(names[i], s) == 0) {
			*at = i;
			return true;
		}
	return false;
}

#define WORDS(fn, type, names, count)                                                                                  \
	const char *fn##_name(enum type v)                                                                             \
	{                                                                                                              \
		return names[v];                                                                                       \
	}                                                                                                              \
	bool fn##_parse(const char *s, enum type *out)                                                                 \
	{                                                                                                              \
		int at;                                                                                                \
                                                                                                                       \
		if (!find(names, count, s, &at))                                                                       \
			return false;                                                                                  \
		*out = (enum type)at;                                                                                  \
		return true;                                                                                           \
	}

WORDS(role, role, role_names, ROLE_COUNT)
WORDS(pass, pass, pass_names, PASS_COUNT)
WORDS(run_status, run_status, status_names, RUN_STATUS_COUNT)
WORDS(source_kind, source_kind, source_names, SOURCE_KIND_COUNT)
WORDS(engine_kind, engine_kind, engine_names, ENGINE_KIND_COUNT)
WORDS(tls_mode, tls_mode, tls_names, TLS_MODE_COUNT)
WORDS(auth_kind, auth_kind, auth_names, AUTH_KIND_COUNT)

const char *run_kind_name(enum run_kind k)
{
	return kinds[k].name;
}

bool run_kind_parse(const char *s, enum run_kind *out)
{
	for (int i = 0; i < RUN_KIND_COUNT; i++)
		if (strcmp(kinds[i].name, s) == 0) {
			*out = (enum run_kind)i;
			return true;
		}
	return false;
}

bool run_kind_changes_mail(enum run_kind k)
{
	return kinds[k].changes_mail;
}

bool run_kind_needs_mailbox(enum run_kind k)
{
	return kinds[k].needs_mailbox;
}

bool run_status_active(enum run_status s)
{
	return s <= RUN_WAITING;
}
