# tests/engine: what proves or breaks mailmover, with the servers that only it needs
EXTRA_DIST += \
	tests/engine/__init__.py \
	tests/engine/case.py \
	tests/engine/conftest.py \
	tests/engine/containers.py \
	tests/engine/filecase.py \
	tests/engine/mailmover.py \
	tests/engine/oddities.py \
	tests/engine/test_check.py \
	tests/engine/test_delete.py \
	tests/engine/test_dialogue.py \
	tests/engine/test_exact.py \
	tests/engine/test_imapsync_args.py \
	tests/engine/test_kill.py \
	tests/engine/test_memory.py \
	tests/engine/test_only.py \
	tests/engine/test_options.py \
	tests/engine/test_pairs.py \
	tests/engine/test_source_mbox.py \
	tests/engine/test_trial.py \
	tests/engine/test_verify.py \
	tests/engine/test_verify_dialogue.py \
	tests/imapd/__init__.py \
	tests/imapd/changes.py \
	tests/imapd/script.py \
	tests/imapd/server.py \
	tests/imapd/session.py \
	tests/imapd/store.py \
	tests/imapd/wire.py \
	tests/imapd/scripts \
	tests/stack/courier.py \
	tests/stack/cyrus.py \
	tests/stack/debs.py \
	tests/stack/imapfilter.py \
	tests/stack/login.py \
	tests/stack/mailutils.py \
	tests/stack/proxy.py
