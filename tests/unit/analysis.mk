# Tests of analyze and compare.
check_PROGRAMS += tests/unit/analysis_test
tests_unit_analysis_test_SOURCES = tests/unit/analysis_test.c tests/unit/scratch.c tests/unit/scratch.h
tests_unit_analysis_test_LDADD = $(UNIT_LDADD)
TESTS += tests/unit/analysis_test
