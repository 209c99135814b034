# tests/browser: the page's pure modules under node, and the page itself in Chromium on the running system
EXTRA_DIST += \
	tests/browser/account-paste.test.mjs \
	tests/browser/conftest.py \
	tests/browser/dns-plan.test.mjs \
	tests/browser/evidence.test.mjs \
	tests/browser/folder-rules.test.mjs \
	tests/browser/format.test.mjs \
	tests/browser/gate-facts.test.mjs \
	tests/browser/job-steps.test.mjs \
	tests/browser/mailbox-paste.test.mjs \
	tests/browser/owner.py \
	tests/browser/page.py \
	tests/browser/preload.test.mjs \
	tests/browser/rebase.test.mjs \
	tests/browser/scene.py \
	tests/browser/server-guess.test.mjs \
	tests/browser/test_administration.py \
	tests/browser/test_dns_page.py \
	tests/browser/test_evidence.py \
	tests/browser/test_frame.py \
	tests/browser/test_gate_page.py \
	tests/browser/test_hostile_server.py \
	tests/browser/test_job_parts.py \
	tests/browser/test_keyboard.py \
	tests/browser/test_missing_page.py \
	tests/browser/test_new_job.py \
	tests/browser/test_opened.py \
	tests/browser/test_roles.py \
	tests/browser/test_screens.py \
	tests/browser/test_story.py \
	tests/browser/test_trouble.py \
	tests/browser/test_uploads.py \
	tests/browser/throughput.test.mjs \
	tests/browser/upload-kind.test.mjs \
	tests/browser/words.test.mjs
