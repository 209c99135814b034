/* Run files in a spool folder. */
#include "store_unit.h"

#include <errno.h>
#include <sys/stat.h>

#include "json.h"
#include "queue.h"

static struct queue *spool(struct fixture *f)
{
	struct conf *c;
	struct queue *q;
	char path[512], text[1024];

	snprintf(path, sizeof(path), "%s/spool/tmp", f->dir);
	assert_ok(fs_mkdir_p(path, 0755));
	snprintf(path, sizeof(path), "%s/spool/incoming", f->dir);
	assert_ok(fs_mkdir_p(path, 0755));
	snprintf(path, sizeof(path), "%s/migration.env", f->dir);
	snprintf(text, sizeof(text), "MIGRATION_DATA_PATH=%s\n", f->dir);
	assert_ok(fs_write(path, text, strlen(text), 0600));
	assert_ok(conf_load(&c, &(struct conf_source){.settings = path}, NULL));
	assert_ok(queue_open(&q, c));
	conf_free(c);
	return q;
}

static void emitted_once(void **state)
{
	struct fixture *f = *state;
	struct queue *q = spool(f);
	int64_t id = queue_one(f, f->box[0], RUN_SYNC, PASS_DELTA);
	struct buf text = BUF_INIT;
	struct stat st, again;
	char path[512];
	struct run r;
	json_t *v;

	assert_ok(run_get(f->s, id, NULL, &r));
	assert_ok(queue_emit(q, &r));
	snprintf(path, sizeof(path), "%s/spool/incoming/%lld.json", f->dir, (long long)id);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(st.st_nlink, 1);
	assert_ok(queue_emit(q, &r)); /* again: the file that is there stays */
	assert_int_equal(stat(path, &again), 0);
	assert_int_equal(st.st_ino, again.st_ino);
	assert_ok(fs_read(path, 4096, &text));
	assert_int_equal(text.ptr[text.len - 1], '\n');
	assert_ok(js_parse(&v, text.ptr, text.len));
	assert_int_equal(json_integer_value(json_object_get(v, "version")), 1);
	assert_int_equal(json_integer_value(json_object_get(v, "run_id")), id);
	assert_int_equal(json_integer_value(json_object_get(v, "mailbox_id")), f->box[0]);
	assert_int_equal(json_integer_value(json_object_get(v, "attempt")), 0);
	assert_string_equal(json_string_value(json_object_get(v, "kind")), "sync");
	assert_string_equal(json_string_value(json_object_get(v, "pass")), "delta");
	assert_string_equal(json_string_value(json_object_get(v, "engine")), "native");
	assert_true(json_is_object(json_object_get(v, "options")));
	snprintf(path, sizeof(path), "%s/spool/tmp", f->dir);
	assert_int_equal(rmdir(path), 0); /* nothing left behind */
	json_decref(v);
	buf_free(&text);
	run_free(&r);
	queue_close(q);
}

static void errors(void **state)
{
	struct fixture *f = *state;
	struct queue *q = spool(f);
	int64_t id = queue_one(f, f->box[0], RUN_SYNC, PASS_DELTA);
	struct conf *c;
	char path[512], text[1024];
	struct run r;

	claim_one(f, id, 0);
	assert_ok(run_get(f->s, id, NULL, &r));
	assert_err(queue_emit(q, &r), ERR_INTERNAL); /* it runs */
	r.status = RUN_QUEUED;
	snprintf(path, sizeof(path), "%s/spool/incoming", f->dir);
	assert_int_equal(rmdir(path), 0);
	assert_err(queue_emit(q, &r), ERR_NOT_FOUND);
	run_free(&r);
	queue_close(q);
	for (int i = 0; i < 3; i++) {
		static const char *const urls[] = {"redis://x", "spool:relative", "spool:/nonexistent"};

		snprintf(path, sizeof(path), "%s/migration.env", f->dir);
		snprintf(text, sizeof(text), "MIGRATION_QUEUE=%s\n", urls[i]);
		assert_ok(fs_write(path, text, strlen(text), 0600));
		assert_ok(conf_load(&c, &(struct conf_source){.settings = path}, NULL));
		assert_err(queue_open(&q, c), i < 2 ? ERR_CONFIG : ERR_NOT_FOUND);
		conf_free(c);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, store_setup, store_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {T(emitted_once), T(errors)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
