# scripts: what a newcomer and CI run
EXTRA_DIST += \
	scripts/build \
	scripts/check \
	scripts/install-packages \
	scripts/packages
