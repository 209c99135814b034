/* Sealing: what is sealed opens with the secret key and says the same; keys that would not protect are
 * refused. */
#include "unit.h"

#include <sodium.h>

#include "json.h"
#include "seal.h"
#include "str.h"

static void pair(struct seal_key *k, unsigned char sk[crypto_box_SECRETKEYBYTES])
{
	struct buf text = BUF_INIT;
	unsigned char pk[crypto_box_PUBLICKEYBYTES];

	assert_true(sodium_init() >= 0);
	assert_int_equal(crypto_box_keypair(pk, sk), 0);
	str_base64(&text, pk, sizeof(pk), BASE64_URL);
	assert_ok(seal_key_parse(k, text.ptr));
	assert_memory_equal(k->pk, pk, sizeof(pk));
	buf_free(&text);
}

static void round_trip(void **state)
{
	static const char secret[] = "p\"a\\s/s\n\t\x7f \xe2\x82\xac \xf0\x9f\x94\x92";
	const struct seal_doc doc = {.mailbox_id = 7,
	        .side = "source",
	        .host = "old.example",
	        .port = 993,
	        .tls = TLS_STARTTLS,
	        .user = "jo\xc3\xa3o",
	        .auth = AUTH_PASSWORD,
	        .secret = secret};
	unsigned char sk[crypto_box_SECRETKEYBYTES], plain[1024];
	struct buf box = BUF_INIT;
	struct seal_key k;
	char *sealed, *again;
	json_t *v;

	(void)state;
	pair(&k, sk);
	assert_ok(seal_document(&k, &doc, &sealed));
	assert_ok(seal_document(&k, &doc, &again));
	assert_string_not_equal(sealed, again); /* an ephemeral key each time */
	assert_null(strstr(sealed, "old.example"));
	assert_true(str_unbase64(&box, sealed, strlen(sealed), BASE64));
	assert_int_equal(crypto_box_seal_open(plain, (unsigned char *)box.ptr, box.len, k.pk, sk), 0);
	assert_ok(js_parse(&v, (char *)plain, box.len - crypto_box_SEALBYTES));
	assert_string_equal(json_string_value(json_object_get(v, "secret")), secret);
	assert_string_equal(json_string_value(json_object_get(v, "user")), "jo\xc3\xa3o");
	assert_string_equal(json_string_value(json_object_get(v, "tls")), "starttls");
	assert_string_equal(json_string_value(json_object_get(v, "side")), "source");
	assert_int_equal(json_integer_value(json_object_get(v, "mailbox_id")), 7);
	assert_int_equal(json_integer_value(json_object_get(v, "v")), 1);
	assert_int_equal(json_object_size(v), 9);
	json_decref(v);
	free(sealed);
	free(again);
	buf_free(&box);
}

static void bytes_that_are_not_text(void **state)
{
	const struct seal_doc doc = {.side = "source", .host = "", .user = "", .secret = "\xff"};
	unsigned char sk[crypto_box_SECRETKEYBYTES];
	struct seal_key k;
	char *sealed;

	(void)state;
	pair(&k, sk);
	assert_err(seal_document(&k, &doc, &sealed), ERR_INPUT);
	assert_null(sealed);
}

static void weak_keys(void **state)
{
	static const char *const bad[] = {"", "AAAA", "not base64!",
	        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
	        "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
	        "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",
	        "+++++++++++++++++++++++++++++++++++++++++++="};
	struct seal_key k;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (seal_key_parse(&k, bad[i]) == NULL)
			fail_msg("\"%s\" was taken", bad[i]);
}

static void key_ids(void **state)
{
	/* python3: hashlib.blake2b(bytes(range(32)), digest_size=32).hexdigest()[:16] */
	unsigned char pk[SEAL_KEY_SIZE];
	char id[SEAL_KEY_ID_SIZE];

	(void)state;
	for (int i = 0; i < SEAL_KEY_SIZE; i++)
		pk[i] = (unsigned char)i;
	seal_key_id(pk, id);
	assert_string_equal(id, "cb2f5160fc1f7e05");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(round_trip),
	        cmocka_unit_test(bytes_that_are_not_text), cmocka_unit_test(weak_keys),
	        cmocka_unit_test(key_ids)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
