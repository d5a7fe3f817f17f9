# bench: how fast it is, as ratios to a yardstick measured beside it. Not part of make check.
EXTRA_PROGRAMS = bench/engine_alone bench/parse_alone
bench_engine_alone_SOURCES = bench/engine_alone.c
bench_engine_alone_LDADD = $(CORE_LDADD)
bench_parse_alone_SOURCES = bench/parse_alone.c
bench_parse_alone_LDADD = $(LIBCSV_LIBS)
EXTRA_DIST += bench/bench.py bench/traffic.py
CLEANFILES += $(EXTRA_PROGRAMS)

# BENCH_FLAGS=--quick: less of everything, in under a minute.
bench: all $(EXTRA_PROGRAMS)
	python3 $(srcdir)/bench/bench.py --build . --json bench.json $(BENCH_FLAGS)

.PHONY: bench
