# tests: the harness, the unit tests of the core, and the scripts that use the program as people do.
#
# Programs print TAP; scripts (*.sh) answer by their exit status, 77 means skipped. Two tests must not share a name up
# to the ending, since they would share a log.

TEST_EXTENSIONS = .sh
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
AM_TESTS_ENVIRONMENT = \
	SERVSIM_SRCDIR='$(abs_top_srcdir)'; export SERVSIM_SRCDIR; \
	SERVSIM_BUILDDIR='$(abs_top_builddir)'; export SERVSIM_BUILDDIR; \
	SERVSIM_PREFIX='$(prefix)'; export SERVSIM_PREFIX; \
	CC='$(CC)'; export CC; CFLAGS='$(CFLAGS)'; export CFLAGS; MAKE='$(MAKE)'; export MAKE; \
	LC_ALL=C; export LC_ALL; unset SERVSIM_PLUGIN_PATH || :;

check_LIBRARIES += tests/unit/libharness.a
tests_unit_libharness_a_SOURCES = tests/unit/harness.c tests/unit/harness.h

include $(top_srcdir)/tests/unit/local.mk
include $(top_srcdir)/tests/install/local.mk
include $(top_srcdir)/tests/cli/local.mk
include $(top_srcdir)/tests/fidelity/local.mk
include $(top_srcdir)/tests/abi/local.mk
include $(top_srcdir)/tests/fuzz/local.mk

# The line that a person, or a script, looks for: counts of the last `make check`.
test-summary:
	@for log in $(TEST_LOGS); do \
	  cat "$${log%.log}.trs" 2>/dev/null || echo ":test-result: ERROR $$log never ran"; \
	done | $(AWK) '/^:test-result: (PASS|XFAIL)/ { passed++ } /^:test-result: (FAIL|XPASS|ERROR)/ { failed++ } \
	  /^:test-result: SKIP/ { skipped++ } \
	  END { printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped }'

check-local:
	@twice=`for log in $(TEST_LOGS); do echo "$$log"; done | sort | uniq -d`; \
	if test -n "$$twice"; then echo "two tests share the log $$twice: rename one" >&2; exit 1; fi

.PHONY: test-summary
