# scripts: what a newcomer, CI and VM112 run
EXTRA_DIST += \
	scripts/build \
	scripts/check \
	scripts/demo \
	scripts/install-packages \
	scripts/packages \
	scripts/vm112-gate
