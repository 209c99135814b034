/* The command line: URLs in all their forms, each mistake named, secrets from files only. */
#include "unit.h"

#include "mem.h"
#include "opts.h"

static void url(const char *text, const char *user, const char *host, unsigned port, enum url_tls tls)
{
	struct endpoint ep = {.secret = BUF_INIT};

	assert_ok(endpoint_parse(&ep, "source", text));
	assert_string_equal(ep.user, user);
	assert_string_equal(ep.host, host);
	assert_int_equal(ep.port, port);
	assert_int_equal(ep.tls, tls);
	endpoint_wipe(&ep);
}

static void urls(void **state)
{
	static const char *const bad[] = {"imaps://host", "imaps://@host", "imaps://u@", "imaps://u:p@host", "ftp://u@h",
		"imaps://u@h:0", "imaps://u@h:99999", "imaps://u@h:x", "imaps://u%zz@h", "imaps://u%00@h", "imaps://u@[::1",
		"imaps://u@h/INBOX", ""};

	(void)state;
	url("imaps://ana@mail.example", "ana", "mail.example", 993, URL_TLS_IMPLICIT);
	url("imap://ana%40a.example@h:10143", "ana@a.example", "h", 10143, URL_TLS_STARTTLS);
	url("IMAPS://a@b.c@h/", "a@b.c", "h", 993, URL_TLS_IMPLICIT);
	url("imaps://u@[::1]:1993", "u", "::1", 1993, URL_TLS_IMPLICIT);
	url("imaps://u%2Fx%3Ay@h", "u/x:y", "h", 993, URL_TLS_IMPLICIT);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct endpoint ep = {.secret = BUF_INIT};

		assert_err(endpoint_parse(&ep, "source", bad[i]), ERR_USAGE);
		endpoint_wipe(&ep);
	}
}

static void line(void **state)
{
	char *secret = xasprintf("%s/secret", (char *)*state), *spec = xasprintf("--to-secret=%s", secret);
	char *argv[] = {(char *)(uintptr_t)"mailmover", (char *)(uintptr_t)"copy", (char *)(uintptr_t)"--from",
		(char *)(uintptr_t)"imaps://a@s", (char *)(uintptr_t)"--to=imaps://b@d", (char *)(uintptr_t)"--from-secret",
		secret, spec, (char *)(uintptr_t)"--max-size", (char *)(uintptr_t)"5M", (char *)(uintptr_t)"--since",
		(char *)(uintptr_t)"2024-01-31", (char *)(uintptr_t)"--to-auth", (char *)(uintptr_t)"plain:box",
		(char *)(uintptr_t)"--dry-run", (char *)(uintptr_t)"--compress=never",
		(char *)(uintptr_t)"--max-messages-rate=50"};
	struct opts o;

	assert_ok(fs_write(secret, "p w\n", 4, 0600));
	assert_ok(opts_parse(&o, sizeof(argv) / sizeof(argv[0]), argv));
	assert_string_equal(o.from.secret.ptr, "p w");
	assert_int_equal(o.compress, COMPRESS_NEVER);
	assert_int_equal(o.max_messages_rate, 50);
	assert_int_equal(o.max_size, 5 << 20);
	assert_string_equal(o.to.authzid, "box");
	assert_true(o.dry_run);
	opts_wipe(&o);
	argv[11] = (char *)(uintptr_t)"31.01.2024";
	assert_err(opts_parse(&o, sizeof(argv) / sizeof(argv[0]), argv), ERR_USAGE);
	opts_wipe(&o);
	argv[8] = (char *)(uintptr_t)"--no-such";
	assert_err(opts_parse(&o, sizeof(argv) / sizeof(argv[0]), argv), ERR_USAGE);
	opts_wipe(&o);
	assert_err(opts_parse(&o, 5, argv), ERR_CRED_MISSING);
	opts_wipe(&o);
	assert_err(opts_parse(&o, 1, argv), ERR_USAGE);
	opts_wipe(&o);
	free(secret);
	free(spec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urls),
		cmocka_unit_test_setup_teardown(line, dir_setup, dir_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
