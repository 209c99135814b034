# tests/stack: the one place that starts servers and processes for the demo and the system tests
EXTRA_DIST += \
	tests/stack/__init__.py \
	tests/stack/certs.py \
	tests/stack/dovecot.py \
	tests/stack/identity.py \
	tests/stack/imapcheck.py \
	tests/stack/imapload.py \
	tests/stack/mailgen.py \
	tests/stack/process.py \
	tests/stack/wait.py
