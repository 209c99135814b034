/* Who may touch what: owners and modes of the data, the spool and the settings. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doctor.h"
#include "mem.h"

#include "banned.h"

/* Where a path hangs. */
enum base { AT_DATA, AT_SPOOL, AT_SETTINGS, AT_WORKER, AT_WORKER_KEY };

static const struct {
	enum base base;
	const char *name, *owner, *group; /* group NULL: any */
	mode_t mode, also;                /* also: another mode that is fine, 0: none */
	bool required;
} paths[] = {
        {AT_DATA, "migration.db", "migration", NULL, 0600, 0, true},
        {AT_DATA, "progress.db", "migration", NULL, 0600, 0, false},
        {AT_DATA, "artefacts", "migration", NULL, 0700, 0, true},
        {AT_DATA, "uploads", "migration", "migration-spool", 02750, 0, true},
        {AT_SPOOL, "tmp", "migration", "migration-spool", 02770, 0, true},
        {AT_SPOOL, "incoming", "migration", "migration-spool", 02770, 0, true},
        {AT_SPOOL, "running", "migration-worker", NULL, 0700, 0, true},
        {AT_SPOOL, "done", "migration-worker", NULL, 0700, 0, true},
        {AT_SPOOL, "failed", "migration-worker", NULL, 0700, 0, true},
        {AT_SPOOL, "outbox", "migration-worker", NULL, 0700, 0, true},
        {AT_SPOOL, "work", "migration-worker", NULL, 0700, 0, true},
        {AT_SPOOL, "state", "migration-worker", NULL, 0700, 0, true},
        {AT_SETTINGS, "", "root", "migration", 0640, 0600, true},
        {AT_WORKER, "", "root", "migration-worker", 0640, 0600, false},
        {AT_WORKER_KEY, "", "migration-worker", NULL, 0600, 0400, false},
};

static char *full_path(const struct doctor *d, enum base base, const char *name)
{
	const struct conf *c = d->ctl->conf;

	switch (base) {
	case AT_DATA:
		return conf_data_path(c, name);
	case AT_SPOOL:
		return xasprintf("%s/%s", conf_str(c, CONF_SPOOL_PATH), name);
	case AT_SETTINGS:
		return xstrdup(d->ctl->settings);
	case AT_WORKER:
		return xstrdup(d->ctl->worker);
	default:
		return xstrdup(conf_str(c, CONF_WORKER_KEY_FILE));
	}
}

static bool owned_by(const char *user, uid_t uid)
{
	const struct passwd *pw = getpwnam(user);

	return pw != NULL && pw->pw_uid == uid;
}

static bool grouped(const char *group, gid_t gid)
{
	const struct group *g = getgrnam(group);

	return g != NULL && g->gr_gid == gid;
}

/* Without the service's users (a private installation) only what strangers may do is looked at. */
static void check_one(struct doctor *d, size_t i, const char *path)
{
	const char *group = paths[i].group;
	mode_t mode;
	struct stat st;
	char *remedy;

	if (lstat(path, &st) != 0) {
		if (errno == EACCES)
			doctor_add(d, FOUND_NOTE, "paths", "run doctor as root", "%s: may not be looked at",
			        path);
		else if (paths[i].required)
			doctor_add(d, FOUND_WRONG, "paths",
			        "systemd-tmpfiles --create, migrationctl database init", "%s: %s", path,
			        strerror(errno));
		return;
	}
	mode = st.st_mode & 07777;
	remedy = xasprintf("chown %s:%s %s; chmod %04o %s", paths[i].owner, group != NULL ? group : "", path,
	        (unsigned)paths[i].mode, path);
	if (!d->users_known) {
		if ((mode & 07) != 0)
			doctor_add(d, FOUND_WRONG, "paths", "chmod o= it",
			        "%s: others may touch it (mode %04o)", path, (unsigned)mode);
	} else if (!owned_by(paths[i].owner, st.st_uid) || (group != NULL && !grouped(group, st.st_gid))) {
		doctor_add(d, FOUND_WRONG, "paths", remedy, "%s: owner or group is not %s%s%s", path,
		        paths[i].owner, group != NULL ? ":" : "", group != NULL ? group : "");
	} else if (mode != paths[i].mode && (paths[i].also == 0 || mode != paths[i].also)) {
		doctor_add(d, FOUND_WRONG, "paths", remedy, "%s: mode is %04o", path, (unsigned)mode);
	}
	free(remedy);
}

void doctor_paths(struct doctor *d)
{
	size_t before = d->n;

	if (!d->users_known)
		doctor_add(d, FOUND_NOTE, "paths", NULL,
		        "the system users migration and migration-worker do not exist: owners are not "
		        "compared");
	before = d->n;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		char *path = full_path(d, paths[i].base, paths[i].name);

		check_one(d, i, path);
		free(path);
	}
	if (d->n == before)
		doctor_add(d, FOUND_OK, "paths", NULL, "owners and modes of %s, %s and the settings",
		        conf_str(d->ctl->conf, CONF_DATA_PATH), conf_str(d->ctl->conf, CONF_SPOOL_PATH));
}
