/* Certificates: what was signed is good, and whatever is done to one afterwards is found and named. */
#include "unit.h"

#include <sodium.h>

#include "canonical.h"
#include "certificate.h"
#include "json.h"
#include "mem.h"

static const unsigned char seed[CERTIFICATE_KEY] = "the seed of the signing key.....";

static const char facts_text[] =
        "{\"statement\":{\"job_id\":1,\"domain\":\"a.example\",\"issued_at\":\"2026-11-22T16:00:00.000Z\","
        "\"verdict\":\"ready_for_dns\",\"facts\":\"ab\",\"audit\":{\"rows\":9,\"head\":\"cd\"}},"
        "\"sections\":{\"job\":{\"id\":1,\"domains\":[\"a.example\",\"b.example\"],\"closed\":false},"
        "\"gate\":{\"verdict\":\"ready_for_dns\",\"found\":99,\"expected\":100,\"reasons\":[]},\"decisions\":[{\"kind\":"
        "\"approve\",\"by\":\"desk|lea\",\"reason\":null}],"
        "\"mailbox 7\":{\"id\":7,\"source\":{\"user\":\"jo\\u00e3o\"},\"missing\":[{\"uid\":3,\"subject\":\"\\u0001 \\\"x\\\" "
        "\\u2028\"}]},\"mailbox 8\":{\"id\":8,\"missing\":[]}}}";

struct made {
	json_t *facts;
	struct buf file;
	unsigned char key[1][CERTIFICATE_KEY];
};

static int make(void **state)
{
	struct made *m = xcalloc(1, sizeof(*m));

	assert_ok(js_parse(&m->facts, facts_text, strlen(facts_text)));
	assert_ok(certificate_make(m->facts, seed, &m->file));
	certificate_public_of(seed, m->key[0]);
	*state = m;
	return 0;
}

static int unmake(void **state)
{
	struct made *m = *state;

	json_decref(m->facts);
	buf_free(&m->file);
	free(m);
	return 0;
}

static struct certificate_check check_text(const struct made *m, const char *p, size_t n)
{
	struct certificate_check c;

	certificate_check(p, n, (const unsigned char (*)[CERTIFICATE_KEY])m->key, 1, &c);
	return c;
}

static struct certificate_check check_doc(const struct made *m, const json_t *doc)
{
	char *text = js_text(doc);
	struct certificate_check c = check_text(m, text, strlen(text));

	free(text);
	return c;
}

static bool says(const struct certificate_check *c, const char *what)
{
	for (size_t i = 0; i < c->n_faults; i++)
		if (strstr(c->faults[i].what, what) != NULL)
			return true;
	return false;
}

static void as_signed(void **state)
{
	struct made *m = *state;
	struct certificate_check c = check_text(m, m->file.ptr, m->file.len), again;

	for (size_t i = 0; i < c.n_faults; i++)
		print_error("%s\n", c.faults[i].what);
	assert_int_equal(c.n_faults, 0);
	again = check_doc(m, c.doc); /* in another layout it is the same certificate */
	assert_int_equal(again.n_faults, 0);
	assert_string_not_equal(again.sha256, c.sha256);
	certificate_check_free(&again);
	certificate_check_free(&c);
}

/* Another value of the same type. */
static json_t *other(const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_STRING:
		return json_sprintf("%sx", json_string_value(v));
	case JSON_INTEGER:
		return json_integer(json_integer_value(v) + 1);
	case JSON_TRUE:
		return json_false();
	case JSON_FALSE:
		return json_true();
	case JSON_NULL:
		return json_string("");
	case JSON_ARRAY:
		return json_pack("[i]", 1);
	default:
		return json_pack("{s:i}", "a", 1);
	}
}

struct walk {
	const struct made *made;
	json_t *doc;
	char section[64]; /* the section that we are in, "" outside */
	int changes;
};

static void expect_found(struct walk *w, const char *what)
{
	struct certificate_check c = check_doc(w->made, w->doc);

	if (c.n_faults == 0)
		fail_msg("%s in \"%s\": not found", what, w->section);
	if (w->section[0] != '\0' && !says(&c, w->section))
		fail_msg("%s in \"%s\": found, but said: %s", what, w->section, c.faults[0].what);
	w->changes++;
	certificate_check_free(&c);
}

static void walk(struct walk *w, json_t *at, int depth);

static void walk_object(struct walk *w, json_t *at, int depth)
{
	const char *keys[32];
	size_t n = 0;
	const char *key;
	json_t *v;

	json_object_foreach(at, key, v)
		keys[n++] = key;
	for (size_t i = 0; i < n; i++) {
		json_t *kept = json_incref(json_object_get(at, keys[i]));
		char *name = xstrdup(keys[i]);

		if (depth == 1 && at == json_object_get(w->doc, "sections"))
			snprintf(w->section, sizeof(w->section), "%s", name);
		json_object_set_new(at, name, other(kept));
		expect_found(w, name);
		json_object_del(at, name);
		expect_found(w, name);
		json_object_set(at, name, kept);
		walk(w, kept, depth + 1);
		if (depth == 1 && at == json_object_get(w->doc, "sections"))
			w->section[0] = '\0';
		json_decref(kept);
		free(name);
		n = 0;
		json_object_foreach(at, key, v)
			keys[n++] = key;
	}
	json_object_set_new(at, "added", json_integer(1));
	expect_found(w, "an added member");
	json_object_del(at, "added");
}

static void walk(struct walk *w, json_t *at, int depth)
{
	if (json_is_object(at))
		walk_object(w, at, depth);
	for (size_t i = 0; i < json_array_size(at); i++) {
		json_t *kept = json_incref(json_array_get(at, i));

		json_array_set_new(at, i, other(kept));
		expect_found(w, "an item");
		json_array_remove(at, i);
		expect_found(w, "a removed item");
		json_array_insert(at, i, kept);
		walk(w, kept, depth + 1);
		json_decref(kept);
	}
}

static void every_change_is_found(void **state)
{
	struct made *m = *state;
	struct walk w = {.made = m};
	struct certificate_check c;

	assert_ok(js_parse(&w.doc, m->file.ptr, m->file.len));
	walk(&w, w.doc, 0);
	c = check_doc(m, w.doc); /* all was put back */
	assert_int_equal(c.n_faults, 0);
	assert_true(w.changes > 100);
	print_message("%d changes, each found\n", w.changes);
	certificate_check_free(&c);
	json_decref(w.doc);
}

static void every_byte(void **state)
{
	struct made *m = *state;

	for (size_t i = 0; i < m->file.len - 1; i++) {
		struct certificate_check c;
		char was = m->file.ptr[i];

		m->file.ptr[i] ^= 1;
		c = check_text(m, m->file.ptr, m->file.len);
		if (c.n_faults == 0)
			fail_msg("byte %zu changed from '%c' and not found", i, was);
		m->file.ptr[i] = was;
		certificate_check_free(&c);
	}
	for (size_t n = 0; n < m->file.len - 1; n += 37) {
		struct certificate_check c = check_text(m, m->file.ptr, n);

		assert_true(c.n_faults > 0);
		certificate_check_free(&c);
	}
}

static void twice_the_same_member(void **state)
{
	struct made *m = *state;
	struct buf b = BUF_INIT;
	struct certificate_check c;

	buf_adds(&b, "{\"version\":1,");
	buf_add(&b, m->file.ptr + 1, m->file.len - 1);
	c = check_text(m, b.ptr, b.len);
	assert_true(says(&c, "not a certificate"));
	certificate_check_free(&c);
	buf_free(&b);
}

/* Whoever changes it may sign it anew, but not with our key. */
static void signed_by_another(void **state)
{
	struct made *m = *state;
	unsigned char forger[CERTIFICATE_KEY] = {7};
	struct buf forged = BUF_INIT;
	struct certificate_check c;

	assert_ok(certificate_make(m->facts, forger, &forged));
	c = check_text(m, forged.ptr, forged.len);
	assert_int_equal(c.n_faults, 1);
	assert_true(says(&c, "another key"));
	certificate_check_free(&c);
	buf_free(&forged);
}

/* RFC 8785, 3.2.2 and 3.2.3. */
static void canonical(void **state)
{
	static const char in[] = "{\"\\u20ac\":\"Euro Sign\",\"\\r\":\"Carriage Return\",\"\\ufb33\":\"Hebrew\",\"1\":\"One\","
	                         "\"\\ud83d\\ude00\":\"Emoji\",\"\\u0080\":\"Control\",\"\\u00f6\":\"o\",\"s\":"
	                         "\"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\",\"l\":[null,true,false,-0,12]}";
	static const char out[] = "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"l\":[null,true,false,0,12],\"s\":\"\xe2\x82\xac$"
	                          "\\u000f\\nA'B\\\"\\\\\\\\\\\"/\",\"\xc2\x80\":\"Control\",\"\xc3\xb6\":\"o\",\"\xe2\x82\xac\":"
	                          "\"Euro Sign\",\"\xf0\x9f\x98\x80\":\"Emoji\",\"\xef\xac\xb3\":\"Hebrew\"}";
	struct buf b = BUF_INIT;
	json_t *v;

	(void)state;
	assert_ok(js_parse(&v, in, strlen(in)));
	assert_ok(canonical_write(&b, v));
	assert_string_equal(b.ptr, out);
	json_decref(v);
	buf_free(&b);
	assert_ok(js_parse(&v, "[1.5]", 5));
	assert_err(canonical_write(&b, v), ERR_INPUT);
	json_decref(v);
	buf_free(&b);
}

#define T(f) cmocka_unit_test_setup_teardown(f, make, unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {T(as_signed), T(every_change_is_found), T(every_byte), T(twice_the_same_member),
	        T(signed_by_another), cmocka_unit_test(canonical)};

	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
