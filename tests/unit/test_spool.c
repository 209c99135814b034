#include "unit.h"

#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "fs.h"
#include "mem.h"
#include "runfile.h"
#include "spool.h"

static const char run_json[] = "{\"version\":1,\"run_id\":5,\"job_id\":1,\"mailbox_id\":2,\"kind\":\"sync\",\"pass\":\"delta\","
			       "\"engine\":\"native\",\"attempt\":0,\"options\":{}}";

static struct spool *open_spool(void **state, const char *name)
{
	char *path = xasprintf("%s/%s", (char *)*state, name);
	struct spool *s;

	assert_ok(spool_open(&s, path));
	free(path);
	return s;
}

static void put(const struct spool *s, enum spool_dir d, const char *name, const char *text)
{
	char *path = spool_file(s, d, name);

	assert_ok(fs_write(path, text, strlen(text), 0640));
	free(path);
}

static bool there(const struct spool *s, enum spool_dir d, const char *name)
{
	char *path = spool_file(s, d, name);
	bool found = access(path, F_OK) == 0;

	free(path);
	return found;
}

static void one_owner_a_run(void **state)
{
	struct spool *s = open_spool(state, "one");
	struct spool_run a, b;
	bool owned, gone;

	put(s, SPOOL_INCOMING, "5.json", run_json);
	assert_ok(spool_own(s, 5, true, &a, &owned));
	assert_true(owned);
	assert_false(a.has_file);
	assert_ok(spool_own(s, 5, true, &b, &owned));
	assert_false(owned);
	assert_ok(spool_take(s, &a, "5.json", &gone));
	assert_false(gone);
	assert_int_equal(strlen(a.nonce), SPOOL_NONCE_SIZE - 1);
	assert_false(there(s, SPOOL_INCOMING, "5.json"));
	assert_true(there(s, SPOOL_RUNNING, "5/run.json"));
	/* let go without an end: the next owner finds file and nonce */
	spool_release(&a);
	assert_ok(spool_own(s, 5, false, &b, &owned));
	assert_true(owned);
	assert_true(b.has_file);
	assert_string_equal(a.nonce, b.nonce);
	assert_ok(spool_drop(s, &b));
	assert_false(there(s, SPOOL_RUNNING, "5"));
	assert_ok(spool_own(s, 5, false, &b, &owned));
	assert_false(owned);
	spool_close(s);
}

static void a_file_that_was_taken_is_gone(void **state)
{
	struct spool *s = open_spool(state, "gone");
	struct spool_run a;
	bool owned, gone;

	assert_ok(spool_own(s, 6, true, &a, &owned));
	assert_true(owned);
	assert_ok(spool_take(s, &a, "6.json", &gone));
	assert_true(gone);
	assert_ok(spool_drop(s, &a));
	spool_close(s);
}

/* Processes that fight for the same files: each file is taken by exactly one. */
static void many_workers_take_each_file_once(void **state)
{
	struct spool *s = open_spool(state, "many");
	int taken = 0;

	for (int i = 1; i <= 40; i++) {
		char name[32];

		snprintf(name, sizeof(name), "%d.json", i);
		put(s, SPOOL_INCOMING, name, run_json);
	}
	for (int w = 0; w < 4; w++) {
		if (fork() != 0)
			continue;
		int mine = 0;

		for (int i = 1; i <= 40; i++) {
			struct spool_run r;
			bool owned, gone = true;
			char name[32];

			snprintf(name, sizeof(name), "%d.json", i);
			if (spool_own(s, i, true, &r, &owned) != NULL)
				_exit(255);
			if (!owned)
				continue;
			if (!r.has_file && spool_take(s, &r, name, &gone) != NULL)
				_exit(255);
			mine += !gone;
			if (gone && !r.has_file)
				spool_drop(s, &r);
			/* what was taken stays locked until the process ends */
		}
		_exit(mine);
	}
	for (int w = 0; w < 4; w++) {
		int status;

		assert_true(wait(&status) > 0);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 255);
		taken += WEXITSTATUS(status);
	}
	assert_int_equal(taken, 40);
	spool_close(s);
}

static void a_nonce_that_was_cut_off_is_replaced(void **state)
{
	struct spool *s = open_spool(state, "nonce");
	struct spool_run r;
	bool owned, gone;
	char *path;

	put(s, SPOOL_INCOMING, "7.json", run_json);
	assert_ok(spool_own(s, 7, true, &r, &owned));
	path = xasprintf("%s/claim", r.dir);
	assert_ok(fs_write(path, "abc", 3, 0600));
	free(path);
	spool_release(&r);
	assert_ok(spool_own(s, 7, true, &r, &owned));
	assert_string_equal(r.nonce, "");
	assert_ok(spool_take(s, &r, "7.json", &gone));
	assert_int_equal(strlen(r.nonce), SPOOL_NONCE_SIZE - 1);
	assert_ok(spool_drop(s, &r));
	spool_close(s);
}

static void an_unreadable_file_gets_its_reason(void **state)
{
	struct spool *s = open_spool(state, "why");
	char *path = spool_file(s, SPOOL_INCOMING, "x.json"), *note = spool_file(s, SPOOL_FAILED, "x.why");
	struct buf b = BUF_INIT;
	struct runfile f;
	const struct err *e;

	put(s, SPOOL_INCOMING, "x.json", "{\"version\":1,\"job_id\":\"seven\",\"kind\":\"dance\"}");
	e = runfile_read(path, &f);
	assert_err(e, ERR_INPUT);
	assert_ok(spool_reject(s, "x.json", e));
	assert_true(there(s, SPOOL_FAILED, "x.json"));
	assert_false(there(s, SPOOL_INCOMING, "x.json"));
	assert_ok(fs_read(note, 4096, &b));
	assert_non_null(strstr(b.ptr, "/job_id"));
	buf_free(&b);
	free(path);
	free(note);
	spool_close(s);
}

static void run_files_are_read_strictly(void **state)
{
	static const struct {
		const char *text;
		enum err_id id;
	} bad[] = {
		{"", ERR_JSON},
		{"[]", ERR_INPUT},
		{"{\"version\":1", ERR_JSON},
		{"{\"version\":2,\"run_id\":5,\"job_id\":1,\"kind\":\"sync\",\"attempt\":0}", ERR_INPUT},
		{"{\"version\":1,\"run_id\":-5,\"job_id\":1,\"kind\":\"sync\",\"attempt\":0}", ERR_INPUT},
		{"{\"version\":1,\"run_id\":5,\"job_id\":1,\"kind\":\"sync\"}", ERR_INPUT},
		{"{\"version\":1,\"run_id\":5,\"run_id\":6,\"job_id\":1,\"kind\":\"sync\",\"attempt\":0}", ERR_JSON},
		{"{\"version\":1,\"run_id\":5,\"job_id\":1,\"kind\":\"sync\",\"pass\":\"last\",\"attempt\":0}", ERR_INPUT},
	};
	char *path = xasprintf("%s/file", (char *)*state);
	struct runfile f;
	json_t *doc;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_ok(fs_write(path, bad[i].text, strlen(bad[i].text), 0600));
		assert_err(runfile_read(path, &f), bad[i].id);
	}
	assert_ok(fs_write(path, run_json, strlen(run_json), 0600));
	assert_ok(runfile_read(path, &f));
	assert_int_equal(f.run_id, 5);
	assert_int_equal(f.kind, RUN_SYNC);
	doc = runfile_ended(&f, 3, "failed", "host.refused", "words");
	runfile_free(&f);
	/* what comes back from failed/ can be read again, with the attempt that failed */
	assert_int_equal(json_dump_file(doc, path, 0), 0);
	json_decref(doc);
	assert_ok(runfile_read(path, &f));
	assert_int_equal(f.attempt, 3);
	doc = runfile_request(&f);
	assert_null(json_object_get(doc, "run_id"));
	assert_null(json_object_get(doc, "code"));
	json_decref(doc);
	runfile_free(&f);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_owner_a_run),
		cmocka_unit_test(a_file_that_was_taken_is_gone),
		cmocka_unit_test(many_workers_take_each_file_once),
		cmocka_unit_test(a_nonce_that_was_cut_off_is_replaced),
		cmocka_unit_test(an_unreadable_file_gets_its_reason),
		cmocka_unit_test(run_files_are_read_strictly),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, dir_setup, dir_teardown);
}
