# scripts: what a newcomer, CI and VM112 run
EXTRA_DIST += \
	scripts/build \
	scripts/carbonio-shell \
	scripts/check \
	scripts/demo \
	scripts/imap_upload/imapclient/__init__.py \
	scripts/imap_upload/imapclient/imap_utf7.py \
	scripts/imap_upload/sitecustomize.py \
	scripts/install-migration-tools.sh \
	scripts/install-packages \
	scripts/packages \
	scripts/verify-migration.sh \
	scripts/vm112-gate
