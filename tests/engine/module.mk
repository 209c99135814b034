# tests/engine: what proves or breaks mailmover, with the servers that only it needs
EXTRA_DIST += \
	tests/stack/imapfilter.py \
	tests/stack/proxy.py
