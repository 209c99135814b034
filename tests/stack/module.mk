# tests/stack: the one place that starts servers and processes for the demo and the system tests
EXTRA_DIST += \
	tests/stack/__init__.py \
	tests/stack/bind.py \
	tests/stack/certs.py \
	tests/stack/client.py \
	tests/stack/demo.py \
	tests/stack/dovecot.py \
	tests/stack/exchanger.py \
	tests/stack/identity.py \
	tests/stack/imapcheck.py \
	tests/stack/imapload.py \
	tests/stack/mailgen.py \
	tests/stack/nginx.py \
	tests/stack/permissions.py \
	tests/stack/pools.py \
	tests/stack/process.py \
	tests/stack/files.py \
	tests/stack/providers.py \
	tests/stack/reference.py \
	tests/stack/relay.py \
	tests/stack/sshd.py \
	tests/stack/settings.py \
	tests/stack/stack.py \
	tests/stack/terminal.py \
	tests/stack/tokens.py \
	tests/stack/verifying.py \
	tests/stack/wait.py \
	tests/stack/watching.py \
	tests/stack/zmmailbox \
	tests/stack/zmprov \
	tests/stack/worker.py
