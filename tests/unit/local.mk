# tests/unit: the harness, and unit tests of the core in one fragment for each part.

check_PROGRAMS += tests/unit/harness_probe
tests_unit_harness_probe_SOURCES = tests/unit/harness_probe.c
tests_unit_harness_probe_LDADD = $(UNIT_LDADD)
dist_check_SCRIPTS += tests/unit/harness.sh
TESTS += tests/unit/harness.sh

include $(top_srcdir)/tests/unit/platform.mk
include $(top_srcdir)/tests/unit/model.mk
include $(top_srcdir)/tests/unit/engine.mk
include $(top_srcdir)/tests/unit/analysis.mk
