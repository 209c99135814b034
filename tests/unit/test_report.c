/* The document of a worker's report, and domain names. */
#include "unit.h"

#include "domain.h"
#include "report.h"

static size_t parse(const char *text, struct report *r, json_t **v, struct js_problems *bad)
{
	struct js_at root;

	memset(bad, 0, sizeof(*bad));
	assert_ok(js_parse(v, text, strlen(text)));
	root = js_root(*v, bad);
	report_parse(&root, r);
	return bad->n;
}

static void drop(struct report *r, json_t *v, struct js_problems *bad)
{
	report_free(r);
	json_decref(v);
	js_problems_free(bad);
}

static void a_whole_report(void **state)
{
	static const char text[] = "{\"worker\":\"w1\",\"attempt\":2,\"seq\":9,\"status\":\"partial\","
	                           "\"code\":\"partial\",\"message\":\"two\\nlines\",\"result\":{\"a\":1},"
	                           "\"pass\":{\"folders\":[{\"folder\":\"INBOX\",\"dest\":\"INBOX\","
	                           "\"uidvalidity\":1,\"uidnext\":11,\"messages\":10,\"bytes\":99}],"
	                           "\"messages\":10,\"copied\":8,\"present\":1,\"refused\":1,\"bytes\":80},"
	                           "\"refusals\":[{\"folder\":\"INBOX\",\"uid\":4,\"size\":7,\"code\":"
	                           "\"message.too_large\",\"server\":\"NO [LIMIT]\",\"file\":\"4.eml\"}]}";
	struct js_problems bad;
	struct report r;
	json_t *v;

	(void)state;
	assert_int_equal(parse(text, &r, &v, &bad), 0);
	assert_int_equal(r.status, RUN_PARTIAL);
	assert_int_equal(r.attempt, 2);
	assert_string_equal(r.result, "{\"a\":1}");
	assert_int_equal(r.pass->folders[0].uidnext, 11);
	assert_int_equal(r.pass->refused, 1);
	assert_null(r.verification);
	assert_int_equal(r.n_refusals, 1);
	assert_string_equal(r.refusals[0].server, "NO [LIMIT]");
	drop(&r, v, &bad);
}

static void accounts(void **state)
{
	static const char head[] = "{\"worker\":\"w\",\"attempt\":1,\"seq\":1,\"status\":\"succeeded\",\"accounts\":";
	char text[256];
	struct js_problems bad;
	struct report r;
	json_t *v;

	(void)state;
	snprintf(text, sizeof(text), "%s[\"Ana@Caf\xc3\xa9.example\",\"b@x.example\"]}", head);
	assert_int_equal(parse(text, &r, &v, &bad), 0);
	assert_int_equal(r.n_accounts, 2);
	assert_string_equal(r.accounts[0], "ana@xn--caf-dma.example");
	drop(&r, v, &bad);
	snprintf(text, sizeof(text), "%s[\"nobody\",7,\"@x.example\",\"b@x.example\"]}", head);
	assert_int_equal(parse(text, &r, &v, &bad), 3);
	assert_int_equal(r.n_accounts, 1);
	drop(&r, v, &bad);
}

static bool complete_after(const char *numbers)
{
	char text[1024];
	struct js_problems bad;
	struct report r;
	json_t *v;
	bool complete;

	snprintf(text, sizeof(text),
	        "{\"worker\":\"w\",\"attempt\":1,\"seq\":1,\"status\":\"succeeded\",\"verification\":{"
	        "\"complete\":true,%s}}",
	        numbers);
	assert_int_equal(parse(text, &r, &v, &bad), 0);
	complete = r.verification->complete;
	drop(&r, v, &bad);
	return complete;
}

static void numbers_that_contradict(void **state)
{
	(void)state;
	assert_true(complete_after("\"expected\":10,\"found\":8,\"found_weak\":1,\"missing\":1"));
	assert_false(complete_after("\"expected\":10,\"found\":10,\"missing\":1"));
	assert_false(complete_after("\"expected\":10,\"found\":9,\"missing\":0"));
	assert_false(complete_after("\"expected\":10,\"found\":9,\"missing\":1,\"unexplained\":2"));
	assert_false(complete_after("\"expected\":10,\"found\":10,\"missing\":0,\"folders\":[{\"folder\":"
	                            "\"a\",\"complete\":true,\"expected\":9,"
	                            "\"found\":9}]"));
	assert_false(complete_after("\"expected\":9,\"found\":9,\"missing\":0,\"folders\":[{\"folder\":\"a\","
	                            "\"complete\":false,\"expected\":9,"
	                            "\"found\":9}]"));
	assert_true(complete_after("\"expected\":9,\"found\":9,\"missing\":0,\"folders\":[{\"folder\":\"a\","
	                           "\"dest\":\"b\",\"complete\":true,"
	                           "\"expected\":9,\"found\":9,\"v\":1,\"t\":\"verify_folder\"}]"));
}

/* As many folders of the largest number as bring a sum of 64 bits round to nought. */
static void sums_without_bounds(void **state)
{
	struct buf b = BUF_INIT;
	struct js_problems bad;
	struct report r;
	json_t *v;

	(void)state;
	buf_adds(&b, "{\"worker\":\"w\",\"attempt\":1,\"seq\":1,\"status\":\"succeeded\",\"verification\":{"
	             "\"complete\":true,\"expected\":0,\"found\":0,\"missing\":0,\"folders\":[");
	for (int i = 0; i < 2048; i++)
		buf_addf(&b, "%s{\"folder\":\"%d\",\"complete\":true,\"expected\":9007199254740992,\"found\":"
		             "9007199254740992}",
		        i > 0 ? "," : "", i);
	buf_adds(&b, "]}}");
	assert_int_equal(parse(b.ptr, &r, &v, &bad), 0);
	assert_false(r.verification->complete);
	drop(&r, v, &bad);
	buf_free(&b);
}

static void mistakes(void **state)
{
	static const char *const texts[] = {"{}",
	        "{\"worker\":\"w\",\"attempt\":0,\"seq\":1,\"status\":\"failed\"}",
	        "{\"worker\":\"w\",\"attempt\":1,\"seq\":1,\"status\":\"dancing\"}",
	        "{\"worker\":\"w\",\"attempt\":1,\"seq\":1,\"status\":\"paused\"}",
	        "{\"worker\":\"w\",\"attempt\":1,\"seq\":1,\"status\":\"failed\",\"extra\":1}",
	        "{\"worker\":\"w\",\"attempt\":1,\"seq\":1,\"status\":\"succeeded\",\"pass\":{\"messages\":-"
	        "1}}",
	        "{\"worker\":\"w\",\"attempt\":1,\"seq\":1,\"status\":\"succeeded\",\"missing\":[1]}",
	        "{\"worker\":\"w\",\"attempt\":1,\"seq\":1,\"status\":\"succeeded\",\"missing\":[{\"uid\":"
	        "\"4\"}]}",
	        "{\"worker\":\"w\",\"attempt\":1,\"seq\":1,\"status\":\"succeeded\",\"verification\":{}}"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct js_problems bad;
		struct report r;
		json_t *v;

		if (parse(texts[i], &r, &v, &bad) == 0)
			fail_msg("%s was taken", texts[i]);
		drop(&r, v, &bad);
	}
}

static void domains(void **state)
{
	static const struct {
		const char *in, *out; /* NULL: refused */
	} cases[] = {{"Example.COM", "example.com"}, {" example.com. ", "example.com"},
	        {"caf\xc3\xa9.example", "xn--caf-dma.example"},
	        {"xn--caf-dma.example", "xn--caf-dma.example"},
	        {"\xe4\xbe\x8b\xe3\x81\x88.\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88", "xn--r8jz45g.xn--zckzah"},
	        {"localhost", NULL}, {"", NULL}, {".", NULL}, {"a..b", NULL}, {"-a.example", NULL},
	        {"a_b.example", NULL}, {"10.0.0.1", NULL}, {"a b.example", NULL}, {"user@example.com", NULL},
	        {"a.example/..", NULL}, {"\xff.example", NULL}, {"a.example\n", NULL}, {"a\nb.example", NULL},
	        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example", NULL}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *out;
		const struct err *e = domain_normalise(cases[i].in, &out);

		if ((e == NULL) != (cases[i].out != NULL) || (out != NULL && strcmp(out, cases[i].out) != 0))
			fail_msg("\"%s\": %s", cases[i].in, e != NULL ? e->msg : out);
		free(out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_whole_report),
	        cmocka_unit_test(numbers_that_contradict),
	        cmocka_unit_test(sums_without_bounds), cmocka_unit_test(mistakes),
	        cmocka_unit_test(domains), cmocka_unit_test(accounts)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
