/* Tokens: a table of every way in which one must be refused, and keys that must not be taken. */
#include "unit.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "conf.h"
#include "str.h"
#include "token.h"

#define NOW 1800000000
#define HOUR 3600
#define ROLES (1u << ROLE_SUPER_ADMIN | 1u << ROLE_OPS_LEAD | 1u << ROLE_TECHNICIAN)

static const char secret[] = "0123456789abcdef0123456789abcdef";
static char rsa_private[4096], rsa_public[2048], ec_private[1024], ec_public[1024], other_ec_private[1024],
        other_ec_public[1024], small_rsa_public[1024], p384_public[1024];

static void write_pair(EVP_PKEY *k, char *private, size_t np, char *public, size_t nq)
{
	BIO *a = BIO_new(BIO_s_mem()), *b = BIO_new(BIO_s_mem());

	PEM_write_bio_PrivateKey(a, k, NULL, NULL, 0, NULL, NULL);
	PEM_write_bio_PUBKEY(b, k);
	if (private != NULL)
	private[BIO_read(a, private, (int)np - 1)] = '\0';
	public[BIO_read(b, public, (int)nq - 1)] = '\0';
	BIO_free(a);
	BIO_free(b);
	EVP_PKEY_free(k);
}

static int make_keys(void **state)
{
	(void)state;
	write_pair(EVP_RSA_gen(2048), rsa_private, sizeof(rsa_private), rsa_public, sizeof(rsa_public));
	write_pair(EVP_RSA_gen(1024), NULL, 0, small_rsa_public, sizeof(small_rsa_public));
	write_pair(EVP_EC_gen("P-256"), ec_private, sizeof(ec_private), ec_public, sizeof(ec_public));
	write_pair(EVP_EC_gen("P-256"), other_ec_private, sizeof(other_ec_private), other_ec_public,
	        sizeof(other_ec_public));
	write_pair(EVP_EC_gen("P-384"), NULL, 0, p384_public, sizeof(p384_public));
	return 0;
}

static void part(struct buf *out, const char *json)
{
	str_base64(out, json, strlen(json), BASE64_URL_NOPAD);
}

/* header.payload.HMAC-SHA256 with this key, written by hand: also what no library would make. */
static char *hs256(const char *header, const char *payload, const char *key)
{
	unsigned char mac[32];
	struct buf b = BUF_INIT;
	unsigned n = 0;

	part(&b, header);
	buf_addc(&b, '.');
	part(&b, payload);
	HMAC(EVP_sha256(), key, (int)strlen(key), (unsigned char *)b.ptr, b.len, mac, &n);
	buf_addc(&b, '.');
	str_base64(&b, mac, sizeof(mac), BASE64_URL_NOPAD);
	return buf_detach(&b);
}

#define HEAD "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define PAYLOAD(more) \
	("{\"iss\":\"desk\",\"sub\":\"ana\",\"aud\":\"desk-migration\",\"role\":\"technician\"" more "}")
#define TIMES ",\"iat\":1800000000,\"exp\":1800003600"

static const struct err *verify(const char *token, struct principal *p)
{
	struct issuer *i;
	const struct err *e;

	assert_ok(issuer_new(&i, "desk", TOKEN_HS256, secret, strlen(secret), "desk-migration", ROLES));
	e = token_verify_issuer(i, token, strlen(token), NOW, p);
	issuer_free(i);
	return e;
}

static void good_tokens(void **state)
{
	static const char *const payloads[] = {PAYLOAD(TIMES), PAYLOAD(",\"exp\":1799999941"),
	        PAYLOAD(TIMES ",\"nbf\":1800000060"),
	        "{\"iss\":\"desk\",\"sub\":\"ana\",\"aud\":[\"x\",\"desk-migration\"],\"role\":"
	        "\"technician\",\"exp\":1800003600.5}"};

	(void)state;
	for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
		char *t = hs256(HEAD, payloads[i], secret);
		struct principal p = {0};

		assert_ok(verify(t, &p));
		assert_int_equal(p.role, ROLE_TECHNICIAN);
		assert_string_equal(p.sub, "ana");
		assert_string_equal(p.name, "ana");
		assert_string_equal(p.org, "");
		principal_free(&p);
		free(t);
	}
}

static void refused(void **state)
{
	static const struct {
		const char *header, *payload;
		enum err_id id;
	} cases[] = {
	        {"{\"alg\":\"none\"}", PAYLOAD(TIMES), ERR_AUTH_TOKEN},
	        {"{\"alg\":\"None\"}", PAYLOAD(TIMES), ERR_AUTH_TOKEN},
	        {"{\"alg\":\"HS512\"}", PAYLOAD(TIMES), ERR_AUTH_TOKEN},
	        {"{\"alg\":\"RS256\"}", PAYLOAD(TIMES), ERR_AUTH_TOKEN},
	        {"{\"typ\":\"JWT\"}", PAYLOAD(TIMES), ERR_AUTH_TOKEN},
	        {"{\"alg\":\"HS256\",\"alg\":\"none\"}", PAYLOAD(TIMES), ERR_AUTH_TOKEN},
	        {"{\"alg\":[\"HS256\"]}", PAYLOAD(TIMES), ERR_AUTH_TOKEN},
	        {"{\"alg\":\"HS256\",\"crit\":[\"exp\"]}", PAYLOAD(TIMES), ERR_AUTH_TOKEN},
	        {"{\"alg\":\"HS256\",\"typ\":\"JOSE\"}", PAYLOAD(TIMES), ERR_AUTH_TOKEN},
	        {"[]", PAYLOAD(TIMES), ERR_AUTH_TOKEN},
	        {HEAD, PAYLOAD(""), ERR_AUTH_TOKEN},                    /* no exp */
	        {HEAD, PAYLOAD(",\"exp\":1799999940"), ERR_AUTH_TOKEN}, /* expired beyond the leeway */
	        {HEAD, PAYLOAD(",\"exp\":\"1800003600\""), ERR_AUTH_TOKEN},
	        {HEAD, PAYLOAD(",\"exp\":-1"), ERR_AUTH_TOKEN},
	        {HEAD, PAYLOAD(",\"exp\":1e30"), ERR_AUTH_TOKEN},
	        {HEAD, PAYLOAD(",\"exp\":null"), ERR_AUTH_TOKEN},
	        {HEAD, PAYLOAD(TIMES ",\"exp\":9800003600"), ERR_AUTH_TOKEN}, /* twice */
	        {HEAD, PAYLOAD(TIMES ",\"nbf\":1800000061"), ERR_AUTH_TOKEN},
	        {HEAD, PAYLOAD(",\"exp\":1800003600,\"iat\":1800000061"), ERR_AUTH_TOKEN},
	        {HEAD,
	                "{\"iss\":\"other\",\"sub\":\"a\",\"aud\":\"desk-migration\",\"role\":"
	                "\"technician\"" TIMES "}",
	                ERR_AUTH_TOKEN},
	        {HEAD, "{\"sub\":\"a\",\"aud\":\"desk-migration\",\"role\":\"technician\"" TIMES "}",
	                ERR_AUTH_TOKEN},
	        {HEAD, "{\"iss\":\"desk\",\"sub\":\"a\",\"aud\":\"other\",\"role\":\"technician\"" TIMES "}",
	                ERR_AUTH_TOKEN},
	        {HEAD, "{\"iss\":\"desk\",\"sub\":\"a\",\"role\":\"technician\"" TIMES "}", ERR_AUTH_TOKEN},
	        {HEAD, "{\"iss\":\"desk\",\"sub\":\"a\",\"aud\":[],\"role\":\"technician\"" TIMES "}",
	                ERR_AUTH_TOKEN},
	        {HEAD,
	                "{\"iss\":\"desk\",\"sub\":\"a\",\"aud\":{\"a\":\"desk-migration\"},\"role\":"
	                "\"technician\"" TIMES "}",
	                ERR_AUTH_TOKEN},
	        {HEAD,
	                "{\"iss\":\"desk\",\"sub\":\"\",\"aud\":\"desk-migration\",\"role\":"
	                "\"technician\"" TIMES "}",
	                ERR_AUTH_TOKEN},
	        {HEAD, "{\"iss\":\"desk\",\"aud\":\"desk-migration\",\"role\":\"technician\"" TIMES "}",
	                ERR_AUTH_TOKEN},
	        {HEAD,
	                "{\"iss\":\"desk\",\"sub\":\"a\\nb\",\"aud\":\"desk-migration\",\"role\":"
	                "\"technician\"" TIMES "}",
	                ERR_AUTH_TOKEN},
	        {HEAD,
	                "{\"iss\":\"desk\",\"sub\":\"a\",\"aud\":\"desk-migration\",\"role\":\"god\"" TIMES
	                "}",
	                ERR_FORBIDDEN},
	        {HEAD, "{\"iss\":\"desk\",\"sub\":\"a\",\"aud\":\"desk-migration\"" TIMES "}", ERR_FORBIDDEN},
	        {HEAD,
	                "{\"iss\":\"desk\",\"sub\":\"a\",\"aud\":\"desk-migration\",\"role\":\"gate_"
	                "reader\"" TIMES "}",
	                ERR_FORBIDDEN},
	        {HEAD,
	                "{\"iss\":\"desk\",\"sub\":\"a\",\"aud\":\"desk-migration\",\"role\":\"worker\"" TIMES
	                "}",
	                ERR_FORBIDDEN},
	        {HEAD,
	                "{\"iss\":\"desk\",\"sub\":\"a\",\"aud\":\"desk-migration\",\"role\":["
	                "\"technician\"]" TIMES "}",
	                ERR_FORBIDDEN},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *t = hs256(cases[i].header, cases[i].payload, secret);
		struct principal p = {0};
		const struct err *e = verify(t, &p);

		if (e == NULL || e->id != cases[i].id)
			fail_msg(
			        "%s %s: %s", cases[i].header, cases[i].payload, e != NULL ? e->msg : "taken");
		assert_null(p.sub);
		free(t);
	}
}

static void malformed(void **state)
{
	char *t = hs256(HEAD, PAYLOAD(TIMES), secret), *copy;
	size_t n = strlen(t);
	struct principal p = {0};
	char *huge = malloc(TOKEN_MAX + 2);

	(void)state;
	memset(huge, 'a', TOKEN_MAX + 1);
	huge[100] = huge[200] = '.';
	huge[TOKEN_MAX + 1] = '\0';
	assert_err(verify(huge, &p), ERR_AUTH_TOKEN);
	free(huge);
	for (size_t cut = 0; cut < n; cut++) { /* every prefix */
		copy = strndup(t, cut);
		assert_err(verify(copy, &p), ERR_AUTH_TOKEN);
		free(copy);
	}
	for (size_t at = 0; at < n - 1;
	        at++) { /* every letter changed (the last one holds bits that mean nothing) */
		copy = strdup(t);
		copy[at] = copy[at] == 'A' ? 'B' : 'A';
		if (strcmp(copy, t) != 0)
			assert_err(verify(copy, &p), ERR_AUTH_TOKEN);
		free(copy);
	}
	assert_err(verify("", &p), ERR_AUTH_TOKEN);
	assert_err(verify("..", &p), ERR_AUTH_TOKEN);
	assert_err(verify("a.b.c.d", &p), ERR_AUTH_TOKEN);
	free(t);
}

static void wrong_key(void **state)
{
	char *t = hs256(HEAD, PAYLOAD(TIMES), "another secret of some thirty-two bytes");
	struct principal p = {0};

	(void)state;
	assert_err(verify(t, &p), ERR_AUTH_TOKEN);
	free(t);
}

/* The classic: the public key as the secret of an HMAC. */
static void public_key_as_secret(void **state)
{
	const struct {
		enum token_alg alg;
		const char *pem;
	} cases[] = {{TOKEN_RS256, rsa_public}, {TOKEN_ES256, ec_public}};

	(void)state;
	for (int k = 0; k < 2; k++) {
		char *t = hs256(HEAD, PAYLOAD(TIMES), cases[k].pem);
		struct principal p = {0};
		struct issuer *i;

		assert_ok(issuer_new(&i, "desk", cases[k].alg, cases[k].pem, strlen(cases[k].pem),
		        "desk-migration", ROLES));
		assert_err(token_verify_issuer(i, t, strlen(t), NOW, &p), ERR_AUTH_TOKEN);
		issuer_free(i);
		free(t);
	}
}

static void keys(void **state)
{
	const struct {
		enum token_alg alg;
		const char *key;
		bool good;
	} cases[] = {{TOKEN_HS256, secret, true}, {TOKEN_HS256, "", false}, {TOKEN_HS256, "short", false},
	        {TOKEN_HS256, rsa_public, false}, {TOKEN_HS256, ec_private, false},
	        {TOKEN_RS256, rsa_public, true}, {TOKEN_RS256, "", false}, {TOKEN_RS256, ec_public, false},
	        {TOKEN_RS256, small_rsa_public, false}, {TOKEN_RS256, rsa_private, false},
	        {TOKEN_RS256, secret, false}, {TOKEN_ES256, ec_public, true},
	        {TOKEN_ES256, p384_public, false}, {TOKEN_ES256, rsa_public, false},
	        {TOKEN_ES256, ec_private, false}, {TOKEN_ES256, "", false}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct issuer *is;
		const struct err *e = issuer_new(&is, "desk", cases[i].alg, cases[i].key,
		        strlen(cases[i].key), "desk-migration", ROLES);

		if ((e == NULL) != cases[i].good)
			fail_msg("key %zu: %s", i, e != NULL ? e->msg : "taken");
		if (e != NULL)
			assert_int_equal(e->id, ERR_KEY);
		issuer_free(is);
	}
}

static void round_trips(void **state)
{
	const struct {
		enum token_alg alg;
		const char *private, *public;
	} cases[] = {{TOKEN_HS256, secret, secret}, {TOKEN_RS256, rsa_private, rsa_public},
	        {TOKEN_ES256, ec_private, ec_public}};

	(void)state;
	for (int k = 0; k < 3; k++) {
		struct token_claims c = {.iss = "own",
		        .sub = "vm112",
		        .name = "VM 112",
		        .org = "o1",
		        .aud = "desk-migration",
		        .role = ROLE_GATE_READER,
		        .iat = NOW,
		        .exp = NOW + HOUR};
		struct principal p = {0};
		struct issuer *i;
		char *t;

		assert_ok(token_issue(&c, cases[k].alg, cases[k].private, strlen(cases[k].private), &t));
		assert_ok(issuer_new(&i, "own", cases[k].alg, cases[k].public, strlen(cases[k].public),
		        "desk-migration", 1u << ROLE_GATE_READER));
		assert_ok(token_verify_issuer(i, t, strlen(t), NOW, &p));
		assert_string_equal(p.name, "VM 112");
		assert_string_equal(p.org, "o1");
		assert_int_equal(p.expires, NOW + HOUR);
		principal_free(&p);
		assert_err(token_verify_issuer(i, t, strlen(t), NOW + HOUR + TOKEN_LEEWAY_S, &p),
		        ERR_AUTH_TOKEN);
		issuer_free(i);
		free(t);
	}
}

static const struct err *worker_token(
        const char *iss, const char *sub, const char *key, int64_t life, enum role role, struct principal *p)
{
	struct token_claims c = {
	        .iss = iss, .sub = sub, .aud = "desk-migration", .role = role, .iat = NOW, .exp = NOW + life};
	const struct err *e;
	struct issuer *i;
	char *t;

	memset(p, 0, sizeof(*p));
	assert_ok(token_issue(&c, TOKEN_ES256, key, strlen(key), &t));
	assert_ok(issuer_worker(&i, "w1", ec_public, "desk-migration"));
	e = token_verify_issuer(i, t, strlen(t), NOW, p);
	issuer_free(i);
	free(t);
	return e;
}

static void workers(void **state)
{
	struct principal p;
	char *text;

	(void)state;
	assert_ok(worker_token("worker:w1", "w1", ec_private, 60, ROLE_WORKER, &p));
	text = principal_text(&p);
	assert_string_equal(text, "worker:w1");
	free(text);
	principal_free(&p);
	assert_err(worker_token("worker:w1", "w1", ec_private, 61, ROLE_WORKER, &p), ERR_AUTH_TOKEN);
	assert_err(worker_token("worker:w1", "w2", ec_private, 60, ROLE_WORKER, &p), ERR_AUTH_TOKEN);
	assert_err(worker_token("worker:w2", "w2", ec_private, 60, ROLE_WORKER, &p), ERR_AUTH_TOKEN);
	assert_err(worker_token("worker:w1", "w1", other_ec_private, 60, ROLE_WORKER, &p), ERR_AUTH_TOKEN);
	assert_err(worker_token("worker:w1", "w1", ec_private, 60, ROLE_SUPER_ADMIN, &p), ERR_FORBIDDEN);
}

static void worker_names(void **state)
{
	struct token_claims c = {.iss = "worker:w1",
	        .sub = "w1",
	        .aud = "desk-migration",
	        .role = ROLE_WORKER,
	        .iat = NOW,
	        .exp = NOW + 60};
	char *t, name[64];

	(void)state;
	assert_ok(token_issue(&c, TOKEN_ES256, ec_private, strlen(ec_private), &t));
	assert_true(token_worker_name(t, strlen(t), name, sizeof(name)));
	assert_string_equal(name, "w1");
	assert_false(token_worker_name(t, strlen(t), name, 2));
	assert_false(token_worker_name("x.y.z", 5, name, sizeof(name)));
	free(t);
	t = hs256(HEAD, PAYLOAD(TIMES), secret);
	assert_false(token_worker_name(t, strlen(t), name, sizeof(name)));
	free(t);
}

/* --- the table from the settings
 * -------------------------------------------------------------------------------------- */

static const struct err *load(void **state, const char *settings, const char *issuers, struct issuers **t)
{
	struct buf text = BUF_INIT;
	const struct err *e;
	struct conf *c;
	char path[512];

	snprintf(path, sizeof(path), "%s/rsa.pem", (char *)*state);
	assert_ok(fs_write(path, rsa_public, strlen(rsa_public), 0644));
	snprintf(path, sizeof(path), "%s/hs.key", (char *)*state);
	assert_ok(fs_write(path, secret, strlen(secret), 0600));
	snprintf(path, sizeof(path), "%s/empty", (char *)*state);
	assert_ok(fs_write(path, "\n", 1, 0600));
	if (issuers != NULL) {
		for (const char *at = issuers; *at != '\0'; at++)
			if (*at == '@')
				buf_adds(&text, *state);
			else
				buf_addc(&text, *at);
		snprintf(path, sizeof(path), "%s/issuers.json", (char *)*state);
		assert_ok(fs_write(path, text.ptr, text.len, 0644));
		buf_reset(&text);
		buf_addf(&text, "MIGRATION_ISSUERS=%s\n", path);
	}
	for (const char *at = settings; *at != '\0'; at++)
		if (*at == '@')
			buf_adds(&text, *state);
		else
			buf_addc(&text, *at);
	snprintf(path, sizeof(path), "%s/migration.env", (char *)*state);
	assert_ok(fs_write(path, text.ptr, text.len, 0600));
	assert_ok(conf_load(&c, &(struct conf_source){.settings = path}, NULL));
	e = issuers_load(t, c);
	conf_free(c);
	buf_free(&text);
	return e;
}

static void table_from_settings(void **state)
{
	static const char rows[] =
	        "[{\"iss\":\"a\",\"alg\":\"RS256\",\"key_file\":\"@/rsa.pem\",\"roles\":[\"technician\"]},"
	        "{\"iss\":\"b\",\"alg\":\"HS256\",\"key_file\":\"@/"
	        "hs.key\",\"aud\":\"desk-migration\",\"roles\":[\"ops_lead\"]}]";
	static const char desk[] = "MIGRATION_JWT_ISSUER=desk\nMIGRATION_JWT_KEY_FILE=@/hs.key\n";
	struct principal p = {0};
	struct issuers *t;
	char *token;

	assert_ok(load(state, "", NULL, &t));
	token = hs256(HEAD, PAYLOAD(TIMES), secret);
	assert_err(token_verify(t, token, strlen(token), NOW, &p), ERR_AUTH_TOKEN);
	issuers_free(t);
	assert_ok(load(state, desk, rows, &t));
	assert_ok(token_verify(t, token, strlen(token), NOW, &p));
	principal_free(&p);
	free(token);
	token = hs256(HEAD,
	        "{\"iss\":\"b\",\"sub\":\"x\",\"aud\":\"desk-migration\",\"role\":\"technician\"" TIMES "}",
	        secret);
	assert_err(token_verify(t, token, strlen(token), NOW, &p), ERR_FORBIDDEN); /* another issuer's role */
	free(token);
	token = hs256(HEAD,
	        "{\"iss\":\"a\",\"sub\":\"x\",\"aud\":\"desk-migration\",\"role\":\"technician\"" TIMES "}",
	        secret);
	assert_err(token_verify(t, token, strlen(token), NOW, &p), ERR_AUTH_TOKEN); /* another issuer's key */
	free(token);
	issuers_free(t);
}

static void tables_that_are_refused(void **state)
{
	static const struct {
		const char *settings, *rows;
		enum err_id id;
	} cases[] = {
	        {"MIGRATION_JWT_ISSUER=desk\n", NULL, ERR_KEY},
	        {"MIGRATION_JWT_ISSUER=desk\nMIGRATION_JWT_KEY_FILE=@/empty\n", NULL, ERR_KEY},
	        {"MIGRATION_JWT_ISSUER=desk\nMIGRATION_JWT_KEY=tooshort\n", NULL, ERR_KEY},
	        {"MIGRATION_JWT_ISSUER=desk\nMIGRATION_JWT_KEY_FILE=@/rsa.pem\n", NULL,
	                ERR_KEY}, /* HS256 with a PEM */
	        {"MIGRATION_JWT_ISSUER=desk\nMIGRATION_JWT_ALG=RS256\nMIGRATION_JWT_KEY_FILE=@/hs.key\n",
	                NULL, ERR_KEY},
	        {"MIGRATION_JWT_ISSUER=desk\nMIGRATION_JWT_ALG=RS256\nMIGRATION_JWT_KEY="
	         "0123456789abcdef0123456789abcdef\n",
	                NULL, ERR_CONFIG},
	        {"MIGRATION_JWT_KEY_FILE=@/hs.key\n", NULL, ERR_CONFIG},
	        {"MIGRATION_JWT_ISSUER=worker:x\nMIGRATION_JWT_KEY_FILE=@/hs.key\n", NULL, ERR_CONFIG},
	        {"MIGRATION_JWT_ISSUER=local\nMIGRATION_JWT_KEY_FILE=@/hs.key\n", NULL, ERR_CONFIG},
	        {"", "{}", ERR_CONFIG},
	        {"", "[", ERR_JSON},
	        {"",
	                "[{\"iss\":\"a\",\"alg\":\"none\",\"key_file\":\"@/"
	                "hs.key\",\"roles\":[\"technician\"]}]",
	                ERR_CONFIG},
	        {"", "[{\"iss\":\"a\",\"alg\":\"HS256\",\"key_file\":\"@/hs.key\",\"roles\":[]}]",
	                ERR_CONFIG},
	        {"", "[{\"iss\":\"a\",\"alg\":\"HS256\",\"key_file\":\"@/hs.key\",\"roles\":[\"king\"]}]",
	                ERR_CONFIG},
	        {"", "[{\"iss\":\"a\",\"alg\":\"HS256\",\"key_file\":\"@/hs.key\",\"roles\":[\"worker\"]}]",
	                ERR_CONFIG},
	        {"",
	                "[{\"iss\":\"a\",\"alg\":\"HS256\",\"key_file\":\"@/"
	                "hs.key\",\"roles\":[\"technician\"],\"x\":1}]",
	                ERR_CONFIG},
	        {"",
	                "[{\"iss\":\"a\",\"alg\":\"HS256\",\"key_file\":\"@/"
	                "nothing\",\"roles\":[\"technician\"]}]",
	                ERR_NOT_FOUND},
	        {"MIGRATION_JWT_ISSUER=a\nMIGRATION_JWT_KEY_FILE=@/hs.key\n",
	                "[{\"iss\":\"a\",\"alg\":\"HS256\",\"key_file\":\"@/"
	                "hs.key\",\"roles\":[\"technician\"]}]",
	                ERR_CONFIG},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct issuers *t;
		const struct err *e = load(state, cases[i].settings, cases[i].rows, &t);

		if (e == NULL || e->id != cases[i].id)
			fail_msg("%s%s: %s %s", cases[i].settings, cases[i].rows != NULL ? cases[i].rows : "",
			        err_code(e), e != NULL ? e->msg : "taken");
		assert_null(t);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, dir_setup, dir_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(good_tokens), cmocka_unit_test(refused),
	        cmocka_unit_test(malformed), cmocka_unit_test(wrong_key),
	        cmocka_unit_test(public_key_as_secret), cmocka_unit_test(keys), cmocka_unit_test(round_trips),
	        cmocka_unit_test(workers), cmocka_unit_test(worker_names), T(table_from_settings),
	        T(tables_that_are_refused)};

	return cmocka_run_group_tests(tests, make_keys, NULL);
}
