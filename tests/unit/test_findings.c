#include "unit.h"

#include <jansson.h>

#include "buf.h"
#include "claim.h"
#include "findings.h"
#include "fs.h"
#include "hosts.h"
#include "json.h"
#include "mem.h"
#include "progress.h"

static void event(struct findings *f, const char *text)
{
	json_t *v;

	assert_ok(js_parse(&v, text, strlen(text)));
	findings_event(f, v);
	json_decref(v);
}

static struct claim claim_of(enum run_kind kind)
{
	struct claim c = {.kind = kind, .baseline_pass = 9};
	json_t *doc = json_pack("{s:{s:b}}", "options", "deep", 1);

	c.doc = doc;
	c.options = json_object_get(doc, "options");
	return c;
}

static int64_t number(const json_t *v, const char *object, const char *key)
{
	json_t *n = json_object_get(json_object_get(v, object), key);

	assert_true(json_is_integer(n));
	return json_integer_value(n);
}

/* Only a look at the new server's accounts that came to its end says which there are. */
static void reports_accounts(void **state)
{
	static const struct {
		enum run_kind kind;
		const char *status;
		bool said;
	} cases[] = {{RUN_DISCOVER, "succeeded", true}, {RUN_DISCOVER, "failed", false}, {RUN_SYNC, "succeeded", false}};
	char *path = xasprintf("%s/more", (char *)*state);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct findings *f = findings_new(path, "");
		struct claim c = claim_of(cases[i].kind);
		json_t *body = json_object();

		event(f, "{\"t\":\"accounts\",\"accounts\":[\"a@x.example\",\"b@x.example\"]}");
		assert_ok(findings_end(f));
		findings_report(f, &c, cases[i].status, body);
		assert_int_equal(json_array_size(json_object_get(body, "accounts")), cases[i].said ? 2 : 0);
		json_decref(body);
		claim_free(&c);
		findings_free(f);
	}
	free(path);
}

static void reports_a_pass(void **state)
{
	char *path = xasprintf("%s/more", (char *)*state);
	struct findings *f = findings_new(path, "a2-");
	struct claim c = claim_of(RUN_SYNC);
	json_t *body = json_object(), *item;

	event(f, "{\"t\":\"refused\",\"folder\":\"INBOX\",\"uid\":4,\"size\":10,\"code\":\"message.refused\","
		 "\"server\":\"NO\",\"file\":\"INBOX-4.eml\"}");
	event(f, "{\"t\":\"pass\",\"folders\":[{\"folder\":\"INBOX\",\"dest\":\"INBOX\",\"uidvalidity\":1,\"uidnext\":9,"
		 "\"messages\":8,\"bytes\":800}]}");
	event(f, "{\"t\":\"unheard of\"}");
	event(f, "{\"no type\":1}");
	event(f, "{\"t\":\"done\",\"status\":\"partial\",\"messages_total\":8,\"messages_copied\":5,\"messages_present\":2,"
		 "\"refused\":0,\"bytes_copied\":500,\"messages_unrecognised\":3}");
	assert_ok(findings_end(f));
	findings_report(f, &c, "partial", body);
	assert_int_equal(number(body, "result", "messages_unrecognised"), 3);
	assert_int_equal(number(body, "pass", "messages"), 8);
	assert_int_equal(number(body, "pass", "copied"), 5);
	assert_int_equal(number(body, "pass", "present"), 2);
	assert_int_equal(number(body, "pass", "refused"), 1);
	assert_int_equal(json_array_size(json_object_get(json_object_get(body, "pass"), "folders")), 1);
	item = json_array_get(json_object_get(body, "refusals"), 0);
	assert_string_equal(json_string_value(json_object_get(item, "file")), "a2-INBOX-4.eml");
	assert_null(json_object_get(body, "verification"));
	json_decref(body);
	claim_free(&c);
	findings_free(f);
	free(path);
}

static void what_nobody_explained_is_unexplained(void **state)
{
	char *path = xasprintf("%s/more", (char *)*state);
	struct findings *f = findings_new(path, "");
	struct claim c = claim_of(RUN_VERIFY);
	json_t *body = json_object(), *v;

	event(f, "{\"t\":\"missing\",\"folder\":\"A\",\"uid\":1,\"size\":2,\"class\":\"refused\"}");
	event(f, "{\"t\":\"missing\",\"folder\":\"A\",\"uid\":2,\"size\":2,\"class\":\"unexplained\"}");
	event(f, "{\"t\":\"missing\",\"folder\":\"A\",\"uid\":3,\"size\":2}");
	event(f, "{\"t\":\"done\",\"status\":\"partial\",\"complete\":true,\"expected\":10,\"found\":5,\"found_weak\":1,"
		 "\"missing\":4,\"late\":1,\"excluded\":0,\"differing\":0,\"extra\":0}");
	findings_report(f, &c, "partial", body);
	v = json_object_get(body, "verification");
	assert_true(json_is_true(json_object_get(v, "complete")));
	assert_true(json_is_true(json_object_get(v, "deep")));
	assert_int_equal(number(body, "verification", "pass_id"), 9);
	/* two named as such, one missing that no event was about */
	assert_int_equal(number(body, "verification", "unexplained"), 3);
	assert_int_equal(json_array_size(json_object_get(body, "missing")), 3);
	json_decref(body);
	/* a verify that failed half-way is no evidence */
	body = json_object();
	findings_report(f, &c, "failed", body);
	assert_null(json_object_get(body, "verification"));
	assert_null(json_object_get(body, "missing"));
	json_decref(body);
	claim_free(&c);
	findings_free(f);
	free(path);
}

static void every_rung_of_a_folder_is_reported(void **state)
{
	static const char *const rungs[] = {"exact", "canonical", "decoded", "summary", "header"};
	char *path = xasprintf("%s/more", (char *)*state);
	struct findings *f = findings_new(path, "");
	struct claim c = claim_of(RUN_VERIFY);
	json_t *body = json_object(), *folder;

	event(f, "{\"t\":\"verify_folder\",\"folder\":\"A\",\"dest\":\"A\",\"complete\":true,\"expected\":15,\"found\":10,"
		 "\"found_weak\":5,\"exact\":1,\"canonical\":2,\"decoded\":3,\"summary\":4,\"header\":5,\"missing\":0}");
	event(f, "{\"t\":\"done\",\"status\":\"succeeded\",\"complete\":true,\"expected\":15,\"found\":10,\"found_weak\":5}");
	findings_report(f, &c, "succeeded", body);
	folder = json_array_get(json_object_get(json_object_get(body, "verification"), "folders"), 0);
	for (size_t i = 0; i < sizeof(rungs) / sizeof(rungs[0]); i++)
		assert_int_equal(json_integer_value(json_object_get(folder, rungs[i])), (json_int_t)i + 1);
	json_decref(body);
	claim_free(&c);
	findings_free(f);
	free(path);
}

static void a_class_that_explains_nothing_blocks(void **state)
{
	static const struct {
		const char *class;
		int unexplained;
	} rows[] = {{"refused", 0}, {"unreadable", 0}, {"source_deleted", 0}, {"folder_missing", 1}, {"misplaced", 1},
		{"a class of tomorrow", 1}};
	char *path = xasprintf("%s/more", (char *)*state);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct findings *f = findings_new(path, "");
		struct claim c = claim_of(RUN_VERIFY);
		json_t *body = json_object();
		char *line = xasprintf("{\"t\":\"missing\",\"folder\":\"A\",\"uid\":1,\"class\":\"%s\"}", rows[i].class);

		event(f, line);
		event(f, "{\"t\":\"done\",\"status\":\"partial\",\"complete\":true,\"expected\":1,\"found\":0,\"missing\":1}");
		findings_report(f, &c, "partial", body);
		assert_int_equal(number(body, "verification", "unexplained"), rows[i].unexplained);
		json_decref(body);
		free(line);
		claim_free(&c);
		findings_free(f);
	}
	free(path);
}

static void a_preview_names_each_folder(void **state)
{
	char *path = xasprintf("%s/more", (char *)*state);
	struct findings *f = findings_new(path, "");
	struct claim c = claim_of(RUN_DISCOVER);
	json_t *body = json_object(), *folder;

	event(f, "{\"v\":1,\"t\":\"plan_folder\",\"at\":1,\"folder\":\"A.B\",\"dest\":\"A/B\",\"sep\":\".\",\"create\":true}");
	event(f, "{\"t\":\"done\",\"status\":\"succeeded\"}");
	findings_report(f, &c, "succeeded", body);
	folder = json_array_get(json_object_get(json_object_get(body, "result"), "folders"), 0);
	assert_string_equal(json_string_value(json_object_get(folder, "dest")), "A/B");
	assert_null(json_object_get(folder, "at"));
	assert_null(json_object_get(body, "pass")); /* nothing was moved */
	json_decref(body);
	claim_free(&c);
	findings_free(f);
	free(path);
}

static void long_lists_go_to_a_file(void **state)
{
	char *path = xasprintf("%s/more", (char *)*state);
	struct findings *f = findings_new(path, "");
	struct claim c = claim_of(RUN_VERIFY);
	json_t *body = json_object();
	struct buf b = BUF_INIT;
	size_t lines = 0;

	for (int i = 0; i < 2500; i++) {
		char text[128];

		snprintf(text, sizeof(text), "{\"t\":\"missing\",\"folder\":\"A\",\"uid\":%d,\"class\":\"unexplained\"}", i + 1);
		event(f, text);
	}
	event(f, "{\"t\":\"done\",\"status\":\"partial\",\"complete\":true,\"expected\":2500,\"found\":0,\"missing\":2500}");
	assert_ok(findings_end(f));
	findings_report(f, &c, "partial", body);
	assert_int_equal(number(body, "verification", "unexplained"), 2500);
	assert_int_equal(json_array_size(json_object_get(body, "missing")), FINDINGS_LIST_MAX);
	assert_ok(fs_read(path, 1 << 20, &b));
	for (char *p = b.ptr; (p = strchr(p, '\n')) != NULL; p++)
		lines++;
	assert_int_equal(lines, 1500);
	assert_non_null(strstr(b.ptr, "\"uid\":2500"));
	buf_free(&b);
	json_decref(body);
	claim_free(&c);
	findings_free(f);
	free(path);
}

static void a_list_that_cannot_be_written_is_an_error(void **state)
{
	struct findings *f = findings_new("/nonexistent/more", "");

	(void)state;
	for (int i = 0; i <= FINDINGS_LIST_MAX; i++)
		event(f, "{\"t\":\"missing\",\"folder\":\"A\",\"uid\":1,\"class\":\"unexplained\"}");
	assert_non_null(findings_end(f));
	findings_free(f);
}

static void beat(struct progress *p, const char *text, int64_t at)
{
	json_t *v;

	assert_ok(js_parse(&v, text, strlen(text)));
	progress_event(p, v, at);
	json_decref(v);
}

static void progress_is_totals_with_a_rate(void **state)
{
	struct progress p = {0};
	json_t *v = progress_json(&p);

	(void)state;
	assert_true(json_is_null(v));
	json_decref(v);
	beat(&p, "{\"t\":\"plan\",\"messages\":1000,\"bytes\":100000,\"folders\":3,\"messages_present\":400}", 1000);
	assert_true(p.changed);
	/* what was there before is no speed */
	beat(&p, "{\"t\":\"progress\",\"messages_done\":400,\"bytes_done\":40000}", 1000);
	for (int i = 1; i <= 60; i++) {
		char text[128];

		snprintf(text, sizeof(text), "{\"t\":\"progress\",\"messages_done\":%d,\"bytes_done\":%d,\"folder\":\"S\"}",
			400 + i * 5, 40000 + i * 500);
		beat(&p, text, 1000 + i * 1000);
	}
	v = progress_json(&p);
	assert_false(p.changed);
	assert_int_equal(json_integer_value(json_object_get(v, "messages_total")), 1000);
	assert_int_equal(json_integer_value(json_object_get(v, "messages_done")), 700);
	assert_int_equal(json_integer_value(json_object_get(v, "rate_messages")), 5);
	assert_int_equal(json_integer_value(json_object_get(v, "rate_bytes")), 500);
	assert_int_equal(json_integer_value(json_object_get(v, "eta_seconds")), 60);
	assert_string_equal(json_string_value(json_object_get(v, "folder")), "S");
	json_decref(v);
	/* negative or odd numbers change nothing */
	beat(&p, "{\"t\":\"progress\",\"messages_done\":-1,\"bytes_done\":\"x\"}", 70000);
	assert_int_equal(p.messages_done, 700);
}

static void hosts_are_shared_out(void **state)
{
	struct hosts *h = hosts_new(4);

	(void)state;
	assert_int_equal(hosts_take(h, "a:1", "b:1", 2), 2);
	assert_int_equal(hosts_take(h, "A:1", "c:1", 3), 2);
	assert_int_equal(hosts_take(h, "d:1", "a:1", 1), 0);
	assert_int_equal(hosts_take(h, "d:1", NULL, 9), 4);
	hosts_give(h, "a:1", "b:1", 2);
	/* both ends on one server: twice the connections */
	assert_int_equal(hosts_take(h, "a:1", "a:1", 2), 1);
	assert_int_equal(hosts_take(h, "a:1", NULL, 1), 0);
	hosts_free(h);
	h = hosts_new(1);
	assert_int_equal(hosts_take(h, "a:1", "a:1", 2), 1);
	assert_int_equal(hosts_take(h, "a:1", NULL, 2), 0);
	hosts_give(h, "a:1", "a:1", 1);
	assert_int_equal(hosts_take(h, "a:1", NULL, 2), 1);
	hosts_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reports_a_pass),
	        cmocka_unit_test(reports_accounts),
		cmocka_unit_test(what_nobody_explained_is_unexplained),
		cmocka_unit_test(every_rung_of_a_folder_is_reported),
		cmocka_unit_test(a_class_that_explains_nothing_blocks),
		cmocka_unit_test(a_preview_names_each_folder),
		cmocka_unit_test(long_lists_go_to_a_file),
		cmocka_unit_test(a_list_that_cannot_be_written_is_an_error),
		cmocka_unit_test(progress_is_totals_with_a_rate),
		cmocka_unit_test(hosts_are_shared_out),
	};

	return cmocka_run_group_tests(tests, dir_setup, dir_teardown);
}
