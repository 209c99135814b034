#include "unit.h"

#include <sodium.h>
#include <stdlib.h>

#include "buf.h"
#include "mem.h"
#include "seal.h"
#include "str.h"
#include "unseal.h"

static const struct account_row row = {
	.mailbox_id = 7, .side = "source", .host = "mail.example", .port = 993, .tls = TLS_IMPLICIT, .user = "ana@a.example"};

static char *new_key(struct seal_key *public)
{
	unsigned char seed[32], sk[32];
	struct buf text = BUF_INIT;

	randombytes_buf(seed, sizeof(seed));
	crypto_box_seed_keypair(public->pk, sk, seed);
	seal_key_id(public->pk, public->id);
	str_base64(&text, seed, sizeof(seed), BASE64_URL);
	return buf_detach(&text);
}

static char *seal_row(const struct seal_key *key, const struct account_row *r, const char *secret)
{
	struct seal_doc doc = {.mailbox_id = r->mailbox_id, .side = r->side, .host = r->host, .port = r->port,
		.tls = r->tls, .user = r->user, .auth = r->auth, .secret = secret, .pin = r->pin};
	char *sealed;

	assert_ok(seal_document(key, &doc, &sealed));
	return sealed;
}

static void opens_what_was_sealed(void **state)
{
	struct seal_key old, new;
	char *keys[] = {new_key(&new), new_key(&old), NULL};
	char *sealed = seal_row(&old, &row, "s3cret \xc3\xa9\n");
	struct keyring *k;
	struct account a;

	(void)state;
	assert_ok(keyring_new(&k, keys));
	assert_string_equal(keyring_newest(k), new.id);
	assert_ok(unseal(k, old.id, sealed, &row, &a));
	assert_string_equal(a.secret, "s3cret \xc3\xa9\n");
	assert_string_equal(a.host, "mail.example");
	assert_string_equal(a.user, "ana@a.example");
	assert_int_equal(a.port, 993);
	account_wipe(&a);
	assert_null(a.secret);
	/* an id that is wrong does not keep the right key from being tried */
	assert_ok(unseal(k, "0000000000000000", sealed, &row, &a));
	account_wipe(&a);
	keyring_free(k);
	free(sealed);
	free(keys[0]);
	free(keys[1]);
}

static void refuses_a_row_that_was_pointed_elsewhere(void **state)
{
	struct seal_key key;
	char *keys[] = {new_key(&key), NULL};
	char *sealed = seal_row(&key, &row, "hunter2-hunter2");
	struct account_row rows[] = {row, row, row, row, row, row, row};
	static const char *const words[] = {"host", "port", "tls", "user", "auth", "mailbox", "side"};
	struct account_row upper = row;
	struct keyring *k;
	struct account a;

	(void)state;
	rows[0].host = "evil.example";
	rows[1].port = 143;
	rows[2].tls = TLS_STARTTLS;
	rows[3].user = "bob@a.example";
	rows[4].auth = AUTH_XOAUTH2;
	rows[5].mailbox_id = 8;
	rows[6].side = "destination";
	assert_ok(keyring_new(&k, keys));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct err *e = unseal(k, key.id, sealed, &rows[i], &a);

		assert_err(e, ERR_CRED_MISMATCH);
		assert_non_null(strstr(e->msg, words[i]));
		assert_null(strstr(e->msg, "hunter2"));
		assert_null(a.secret);
	}
	upper.host = "MAIL.example";
	assert_ok(unseal(k, key.id, sealed, &upper, &a));
	account_wipe(&a);
	keyring_free(k);
	free(sealed);
	free(keys[0]);
}

/* Whoever writes the database could otherwise pin the certificate of a server of his own. */
static void trusts_only_the_pin_that_was_sealed(void **state)
{
	struct seal_key key;
	char *keys[] = {new_key(&key), NULL};
	struct account_row pinned = row, other = row;
	char *plain = seal_row(&key, &row, "secret"), *with_pin;
	struct keyring *k;
	struct account a;

	(void)state;
	pinned.pin = "AB12";
	other.pin = "AB13";
	with_pin = seal_row(&key, &pinned, "secret");
	assert_ok(keyring_new(&k, keys));
	assert_err(unseal(k, key.id, plain, &pinned, &a), ERR_CRED_MISMATCH);
	assert_err(unseal(k, key.id, with_pin, &other, &a), ERR_CRED_MISMATCH);
	pinned.pin = "ab12";
	assert_ok(unseal(k, key.id, with_pin, &pinned, &a));
	account_wipe(&a);
	assert_ok(unseal(k, key.id, with_pin, &row, &a)); /* no pin asked for: the authorities decide */
	account_wipe(&a);
	keyring_free(k);
	free(plain);
	free(with_pin);
	free(keys[0]);
}

static void refuses_what_it_cannot_open(void **state)
{
	struct seal_key mine, other;
	char *keys[] = {new_key(&mine), NULL}, *others = new_key(&other);
	char *sealed = seal_row(&mine, &row, "secret"), *foreign = seal_row(&other, &row, "secret");
	struct keyring *k;
	struct account a;

	(void)state;
	assert_ok(keyring_new(&k, keys));
	assert_err(unseal(k, other.id, foreign, &row, &a), ERR_CRED_UNSEAL);
	assert_err(unseal(k, mine.id, "", &row, &a), ERR_CRED_UNSEAL);
	assert_err(unseal(k, mine.id, "no base64!", &row, &a), ERR_CRED_UNSEAL);
	for (size_t i = 0; i + 1 < strlen(sealed); i += 5) {
		char c = sealed[i];

		sealed[i] = c == 'A' ? 'B' : 'A';
		assert_err(unseal(k, mine.id, sealed, &row, &a), ERR_CRED_UNSEAL);
		sealed[i] = c;
	}
	keyring_free(k);
	free(sealed);
	free(foreign);
	free(others);
	free(keys[0]);
}

static void refuses_bad_keys(void **state)
{
	char *none[] = {NULL}, *short_key[] = {(char[]){"c2hvcnQ="}, NULL}, *text[] = {(char[]){"!"}, NULL};
	struct keyring *k;

	(void)state;
	assert_err(keyring_new(&k, none), ERR_KEY);
	assert_err(keyring_new(&k, short_key), ERR_KEY);
	assert_err(keyring_new(&k, text), ERR_KEY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_what_was_sealed),
		cmocka_unit_test(refuses_a_row_that_was_pointed_elsewhere),
		cmocka_unit_test(trusts_only_the_pin_that_was_sealed),
		cmocka_unit_test(refuses_what_it_cannot_open),
		cmocka_unit_test(refuses_bad_keys),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
