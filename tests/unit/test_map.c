/* Where folders go: separators, prefixes, accents, rules, roles, names that the destination cannot hold. */
#include "unit.h"

#include "map.h"

static struct map *make(const struct opts *o, const char *sp, char ss, const char *dp, char ds)
{
	struct map_side src = {sp, ss, false}, dst = {dp, ds, false};
	struct map *m;

	assert_ok(map_new(&m, o, &src, &dst));
	return m;
}

static void goes(struct map *m, const char *raw, char sep, const char *role, const char *want)
{
	struct map_folder f = {raw, strlen(raw), sep, role};

	assert_string_equal(map_name(m, &f), want);
	assert_string_equal(map_name(m, &f), want); /* always the same */
}

static void names(void **state)
{
	struct opts o = {0};
	struct map *m = make(&o, "INBOX.", '.', "", '/');

	(void)state;
	goes(m, "INBOX", '.', NULL, "INBOX");
	goes(m, "INBOX.Enviados", '.', "\\Sent", "Enviados");
	goes(m, "INBOX.A&AOcA4w-o.2020", '.', NULL, "A&AOcA4w-o/2020");
	goes(m, "INBOX.a/b", '.', NULL, "a_b");
	goes(m, "INBOX.a_b", '.', NULL, "a_b~2"); /* never into the folder of another */
	goes(m, "INBOX.&bad", '.', NULL, "&-bad");
	map_free(m);
	m = make(&o, "", '/', "INBOX.", '.');
	goes(m, "a/b", '/', NULL, "INBOX.a.b");
	goes(m, "v1.2", '/', NULL, "INBOX.v1_2");
	goes(m, "inbox", '/', NULL, "INBOX");
	goes(m, "INBOX/x", '/', NULL, "INBOX.INBOX.x");
	map_free(m);
}

static void rules(void **state)
{
	char *rows[] = {(char *)(uintptr_t)"Enviados=Sent", (char *)(uintptr_t)"Velho/*=Arquivo/Velho/*"};
	struct opts o = {.map = {rows, 2}};
	struct map *m = make(&o, "", '/', "", '.');

	(void)state;
	goes(m, "Enviados", '/', NULL, "Sent");
	goes(m, "Velho", '/', NULL, "Arquivo.Velho");
	goes(m, "Velho/2001", '/', NULL, "Arquivo.Velho.2001");
	goes(m, "Velhos", '/', NULL, "Velhos");
	map_free(m);
}

static void bad_rules(void **state)
{
	static const char *const bad[] = {"x", "=y", "x=", "a/*=b"};
	struct map_side side = {"", '/', false};
	struct map *m;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char *row = (char *)(uintptr_t)bad[i];
		struct opts o = {.map = {&row, 1}};

		assert_err(map_new(&m, &o, &side, &side), ERR_USAGE);
		assert_null(m);
	}
}

static void roles(void **state)
{
	struct opts o = {.automap = true};
	struct map *m = make(&o, "", '/', "", '/');
	struct map_folder sent = {"Sent Items", 10, '/', "\\Sent"};

	(void)state;
	map_add_dest(m, &sent);
	goes(m, "Enviados", '/', "\\Sent", "Sent Items");
	goes(m, "Lixeira", '/', "\\Trash", "Lixeira");
	map_free(m);
}

static void selection(void **state)
{
	char *inc = (char *)(uintptr_t)"A*", *exc = (char *)(uintptr_t)"*/tmp";
	struct opts o = {.include = {&inc, 1}, .exclude = {&exc, 1}};
	struct map *m = make(&o, "", '.', "", '/');
	struct map_folder a = {"Ab.c", 4, '.', NULL}, b = {"Ab.tmp", 6, '.', NULL}, c = {"B", 1, '.', NULL};

	(void)state;
	assert_true(map_selected(m, &a));
	assert_false(map_selected(m, &b));
	assert_false(map_selected(m, &c));
	map_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(rules),
		cmocka_unit_test(bad_rules),
		cmocka_unit_test(roles),
		cmocka_unit_test(selection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
