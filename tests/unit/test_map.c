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

static void substitute(struct map *m, const char *raw, unsigned level, const char *want)
{
	struct map_folder f = {raw, strlen(raw), '/', NULL};
	char *got = map_substitute(m, &f, level);

	assert_true(map_doubtful(m, &f));
	assert_string_equal(got, want);
	free(got);
}

static void substitutes(void **state)
{
	static const char *const all[] = {"Notas \"rapidas\"", "A\"B", "A%B", "fim ", "a/b*c/d", "plain", "!x;y"};
	struct opts o = {0};
	struct map *m = make(&o, "", '/', "", '.');
	struct map_folder plain = {"plain", 5, '/', NULL};
	char longest[501], *got;

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct map_folder f = {all[i], strlen(all[i]), '/', NULL};

		map_name(m, &f);
	}
	assert_false(map_doubtful(m, &plain));
	substitute(m, "Notas \"rapidas\"", 1, "Notas _rapidas_");
	substitute(m, "fim ", 1, "fim");
	substitute(m, "a/b*c/d", 1, "a.b_c.d");
	/* two that would meet are told apart by their own names */
	substitute(m, "A\"B", 1, "A_B~4c0741");
	substitute(m, "A%B", 1, "A_B~499592");
	memset(longest, 'n', 500);
	longest[500] = '\0';
	{
		struct map_folder f = {longest, 500, '/', NULL};

		got = map_substitute(m, &f, 1);
		assert_int_equal(strlen(got), 200);
		free(got);
		assert_null(map_substitute(m, &f, MAP_SUBSTITUTES + 1));
		map_replace(m, &f, "other");
		assert_string_equal(map_name(m, &f), "other");
	}
	map_free(m);
}

static void roles_by_name(void **state)
{
	static const struct map_folder src[] = {
		{"Enviados", 8, '/', NULL}, {"Sent Items", 10, '/', NULL}, {"Lixeira", 7, '/', "\\Trash"},
		{"[Gmail]/Spam", 12, '/', NULL}, {"x/Sent", 6, '/', NULL}};
	static const struct map_folder dst[] = {
		{"Gesendet", 8, '/', "\\Sent"}, {"Sent", 4, '/', NULL}, {"Papierkorb", 10, '/', NULL}, {"Junk", 4, '/', NULL}};
	static const char *const want[] = {"Enviados", "Gesendet", "Papierkorb", "Junk", "x/Sent"};
	struct opts o = {.automap = true};
	struct map *m = make(&o, "", '/', "", '/');

	(void)state;
	for (size_t i = 0; i < sizeof(dst) / sizeof(dst[0]); i++)
		map_add_dest(m, &dst[i]);
	for (size_t i = 0; i < sizeof(src) / sizeof(src[0]); i++)
		map_add_source(m, &src[i]);
	for (size_t i = 0; i < sizeof(src) / sizeof(src[0]); i++)
		assert_string_equal(map_name(m, &src[i]), want[i]);
	map_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(rules),
		cmocka_unit_test(bad_rules),
		cmocka_unit_test(roles),
		cmocka_unit_test(roles_by_name),
		cmocka_unit_test(substitutes),
		cmocka_unit_test(selection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
