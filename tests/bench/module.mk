# tests/bench: measurements that print and judge nothing
EXTRA_DIST += \
	tests/bench/gate \
	tests/bench/gate_peer.py
EXTRA_PROGRAMS += tests/bench/constant_fcgi
tests_bench_constant_fcgi_SOURCES = tests/bench/constant_fcgi.c
tests_bench_constant_fcgi_LDADD = $(FCGI_LIBS)
.PHONY: bench-upload
bench-upload: migration-fcgi
	$(srcdir)/tests/bench/upload .
EXTRA_DIST += tests/bench/upload
.PHONY: bench-gate
bench-gate: migration-fcgi tests/bench/constant_fcgi$(EXEEXT)
	$(srcdir)/tests/bench/gate .
EXTRA_DIST += \
	tests/bench/__init__.py \
	tests/bench/corpus.py \
	tests/bench/host.py \
	tests/bench/machines.py \
	tests/bench/peers.py \
	tests/bench/run
EXTRA_PROGRAMS += tests/bench/delay
tests_bench_delay_SOURCES = tests/bench/delay.c
tests_bench_delay_CFLAGS = $(AM_CFLAGS) -pthread
.PHONY: bench
bench: mailmover$(EXEEXT) tests/bench/delay$(EXEEXT)
	$(srcdir)/tests/bench/run $(BENCH_FLAGS)
EXTRA_DIST += tests/bench/verify
.PHONY: bench-verify
bench-verify: mailmover$(EXEEXT)
	$(srcdir)/tests/bench/verify $(BENCH_FLAGS)
EXTRA_DIST += tests/bench/page
.PHONY: bench-page
bench-page: migration-fcgi$(EXEEXT) migrationctl$(EXEEXT)
	$(srcdir)/tests/bench/page .
EXTRA_DIST += tests/bench/files
.PHONY: bench-files
bench-files: mailmover$(EXEEXT) mailmover-source$(EXEEXT)
	$(srcdir)/tests/bench/files $(BENCH_FLAGS)
EXTRA_PROGRAMS += tests/bench/log_speed
tests_bench_log_speed_SOURCES = tests/bench/log_speed.c
tests_bench_log_speed_CPPFLAGS = $(libworker_a_CPPFLAGS)
tests_bench_log_speed_LDADD = $(WORKER_LIBS)
.PHONY: bench-log
bench-log: tests/bench/log_speed$(EXEEXT)
	tests/bench/log_speed$(EXEEXT)
EXTRA_DIST += tests/bench/worker
.PHONY: bench-worker
bench-worker: migration-worker$(EXEEXT) migration-fcgi$(EXEEXT) mailmover$(EXEEXT)
	$(srcdir)/tests/bench/worker .
