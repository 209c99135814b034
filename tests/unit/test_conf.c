/* Settings: the table, the two files, all mistakes at once, and the manual page that must tell of each. */
#include "unit.h"

#include "conf.h"
#include "model.h"

static char *put(void **state, const char *name, const char *text)
{
	char *path = malloc(512);

	snprintf(path, 512, "%s/%s", (char *)*state, name);
	assert_ok(fs_write(path, text, strlen(text), 0640));
	return path;
}

static const struct err *load(
        void **state, const char *settings, const char *worker, struct conf **c, struct buf *mistakes)
{
	char *a = put(state, "migration.env", settings),
	     *b = worker != NULL ? put(state, "worker.env", worker) : NULL;
	const struct err *e = conf_load(c, &(struct conf_source){.settings = a, .worker = b}, mistakes);

	free(a);
	free(b);
	return e;
}

static void defaults(void **state)
{
	struct conf *c;

	assert_ok(load(state, "", NULL, &c, NULL));
	assert_true(conf_bool(c, CONF_ENABLED));
	assert_int_equal(conf_int(c, CONF_GATE_MIN_RATIO), 990000);
	assert_int_equal(conf_int(c, CONF_GATE_OVERRIDE_ROLES), 1 << ROLE_SUPER_ADMIN);
	assert_int_equal(conf_int(c, CONF_DEST_IMAP_PORT), 993);
	assert_int_equal(conf_int(c, CONF_DEST_IMAP_SSL), TLS_IMPLICIT);
	assert_string_equal(conf_str(c, CONF_SPOOL_PATH), "/var/lib/desk-migration/spool");
	assert_string_equal(conf_list(c, CONF_ALLOW_PLAINTEXT_HOSTS)[1], "::1");
	assert_null(conf_list(c, CONF_ALLOW_PLAINTEXT_HOSTS)[3]);
	assert_null(conf_list(c, CONF_CREDENTIALS_KEY)[0]);
	assert_true(*conf_str(c, CONF_WORKER_NAME) != '\0');
	assert_false(conf_set(c, CONF_SPOOL_PATH));
	conf_free(c);
}

static void values(void **state)
{
	struct conf *c;

	assert_ok(load(state,
	        "# a comment\n\n  MIGRATION_ENABLED = off \nMIGRATION_DATA_PATH='/srv/my "
	        "data'\nMIGRATION_GATE_MIN_RATIO=0.999999\n"
	        "MIGRATION_DEST_IMAP_SSL=false\nMIGRATION_GATE_OVERRIDE_ROLES= ops_lead , super_admin\n"
	        "MIGRATION_JWT_KEY=\"a \\\"quoted\\\" back\\\\slash # no "
	        "comment\"\nMIGRATION_QUEUE=spool:/x\r\n",
	        NULL, &c, NULL));
	assert_false(conf_bool(c, CONF_ENABLED));
	assert_string_equal(conf_str(c, CONF_DATA_PATH), "/srv/my data");
	assert_string_equal(conf_str(c, CONF_SPOOL_PATH), "/srv/my data/spool");
	assert_int_equal(conf_int(c, CONF_GATE_MIN_RATIO), 999999);
	assert_int_equal(conf_int(c, CONF_DEST_IMAP_SSL), TLS_NONE);
	assert_int_equal(conf_int(c, CONF_GATE_OVERRIDE_ROLES), 1 << ROLE_SUPER_ADMIN | 1 << ROLE_OPS_LEAD);
	assert_string_equal(conf_str(c, CONF_JWT_KEY), "a \"quoted\" back\\slash # no comment");
	assert_string_equal(conf_shown(c, CONF_JWT_KEY), "********");
	assert_string_equal(conf_shown(c, CONF_WEBHOOK_SECRET), "");
	assert_string_equal(conf_str(c, CONF_QUEUE), "spool:/x");
	assert_true(conf_set(c, CONF_ENABLED));
	conf_free(c);
}

static void worker_goes_first(void **state)
{
	struct conf *c;

	assert_ok(load(state, "MIGRATION_WORKER_SLOTS=2\nMIGRATION_RUN_ATTEMPTS=7\n",
	        "MIGRATION_WORKER_SLOTS=9\nMIGRATION_CREDENTIALS_KEY=aaa, bbb\n", &c, NULL));
	assert_int_equal(conf_int(c, CONF_WORKER_SLOTS), 9);
	assert_int_equal(conf_int(c, CONF_RUN_ATTEMPTS), 7);
	assert_string_equal(conf_list(c, CONF_CREDENTIALS_KEY)[1], "bbb");
	conf_free(c);
}

static void all_mistakes_at_once(void **state)
{
	static const char *const words[] = {":1: MIGRATION_ENABLD is not a setting",
	        ":2: MIGRATION_RUN_ATTEMPTS must be", ":3: not KEY=VALUE",
	        ":4: MIGRATION_DATA_PATH must be an absolute path", ":6: MIGRATION_ENABLED was set on line 5",
	        ":7: MIGRATION_CREDENTIALS_KEY belongs into worker.env",
	        ":8: MIGRATION_TLS_CA_FILE: a quote is not closed", ":9: MIGRATION_GATE_MIN_RATIO must be",
	        ":10: MIGRATION_LOG_LEVEL must be one of error|warn|info|debug",
	        ":11: MIGRATION_JWT_ROLES must be", ":12: MIGRATION_API_URL must start with"};
	struct buf mistakes = BUF_INIT;
	struct conf *c;

	assert_err(
	        load(state,
	                "MIGRATION_ENABLD=1\nMIGRATION_RUN_ATTEMPTS=0\nrubbish\nMIGRATION_DATA_PATH="
	                "here\nMIGRATION_ENABLED=1\n"
	                "MIGRATION_ENABLED=0\nMIGRATION_CREDENTIALS_KEY=secret\nMIGRATION_TLS_CA_FILE='/x\n"
	                "MIGRATION_GATE_MIN_RATIO=0.9999999\nMIGRATION_LOG_LEVEL=loud\nMIGRATION_JWT_ROLES="
	                "worker\nMIGRATION_API_URL=ftp://x\n",
	                NULL, &c, &mistakes),
	        ERR_CONFIG);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(mistakes.ptr, words[i]) == NULL)
			fail_msg("\"%s\" is not in:\n%s", words[i], mistakes.ptr);
	assert_null(strstr(mistakes.ptr, "secret"));
	assert_int_equal(conf_int(c, CONF_RUN_ATTEMPTS), 3); /* defaults where a value was not valid */
	buf_free(&mistakes);
	conf_free(c);
}

static void ratios(void **state)
{
	static const struct {
		const char *text;
		int64_t value; /* -1: refused */
	} cases[] = {{"0", 0}, {"1", 1000000}, {"1.0", 1000000}, {"0.5", 500000}, {"0.000001", 1},
	        {"1.000001", -1}, {"2", -1}, {"-0.5", -1}, {"0.", -1}, {".5", -1}, {"0,99", -1}, {"0.-9", -1},
	        {"99%", -1}, {"", -1}, {"1e-1", -1}, {"0.9 9", -1}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[128];
		struct conf *c;
		const struct err *e;

		snprintf(text, sizeof(text), "MIGRATION_GATE_MIN_RATIO=%s\n", cases[i].text);
		e = load(state, text, NULL, &c, NULL);
		if ((e == NULL) != (cases[i].value >= 0) ||
		        (e == NULL && conf_int(c, CONF_GATE_MIN_RATIO) != cases[i].value))
			fail_msg("\"%s\": %s", cases[i].text, e != NULL ? e->msg : "taken");
		conf_free(c);
	}
}

static void missing_files(void **state)
{
	struct conf *c;

	assert_err(conf_load(&c, &(struct conf_source){.settings = "/nonexistent/x.env"}, NULL), ERR_CONFIG);
	conf_free(c);
	assert_ok(conf_load(&c,
	        &(struct conf_source){.settings = "/nonexistent/x.env", .settings_optional = true}, NULL));
	conf_free(c);
	(void)state;
}

static void environ_is_not_looked_at(void **state)
{
	struct conf *c;

	setenv("MIGRATION_ENABLED", "false", 1);
	assert_ok(load(state, "", NULL, &c, NULL));
	assert_true(conf_bool(c, CONF_ENABLED));
	unsetenv("MIGRATION_ENABLED");
	conf_free(c);
}

/* migration.env.5 has a paragraph for each setting, with its default, and for nothing else. */
static void manual_page(void **state)
{
	struct buf page = BUF_INIT;

	(void)state;
	assert_ok(fs_read(SRCDIR "/man/migration.env.5", 1 << 20, &page));
	for (int k = 0; k < CONF_COUNT; k++) {
		const struct conf_row *row = conf_row((enum conf_key)k);
		char head[128];
		const char *at;

		snprintf(head, sizeof(head), "\n.TP\n.BR %s ", row->name);
		at = strstr(page.ptr, head);
		if (at == NULL)
			fail_msg("%s is not in migration.env.5", row->name);
		if (row->def != NULL && strncmp(row->def, BINDIR, strlen(BINDIR)) != 0 &&
		        strncmp(row->def, PKGLIBEXECDIR, strlen(PKGLIBEXECDIR)) != 0 &&
		        strncmp(row->def, SYSCONFDIR, strlen(SYSCONFDIR)) != 0) {
			const char *end = strstr(at + 1, "\n.TP");
			char *part = strndup(at, end != NULL ? (size_t)(end - at) : strlen(at));

			if (strstr(part, row->def) == NULL)
				fail_msg("migration.env.5: %s: the default %s is not told", row->name,
				        row->def);
			free(part);
		}
	}
	for (const char *at = page.ptr; (at = strstr(at, "\n.BR MIGRATION_")) != NULL; at += 5) {
		char *name = strndup(at + 5, strcspn(at + 5, " \n"));
		enum conf_key k;

		if (!conf_find(name, &k))
			fail_msg("migration.env.5 tells of %s, which is no setting", name);
		free(name);
	}
	buf_free(&page);
}

#define T(f) cmocka_unit_test_setup_teardown(f, dir_setup, dir_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {T(defaults), T(values), T(worker_goes_first),
	        T(all_mistakes_at_once), T(ratios), T(missing_files), T(environ_is_not_looked_at),
	        T(manual_page)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
