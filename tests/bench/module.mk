# tests/bench: measurements that print and judge nothing
EXTRA_DIST += \
	tests/bench/gate \
	tests/bench/gate_peer.py
EXTRA_PROGRAMS += tests/bench/constant_fcgi
tests_bench_constant_fcgi_SOURCES = tests/bench/constant_fcgi.c
tests_bench_constant_fcgi_LDADD = $(FCGI_LIBS)
.PHONY: bench-gate
bench-gate: migration-fcgi tests/bench/constant_fcgi$(EXEEXT)
	$(srcdir)/tests/bench/gate .
