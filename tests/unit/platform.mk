# Unit tests of the core: jobs, texts, units, options, YAML, plugins, experiments.

scratch = tests/unit/scratch.c tests/unit/scratch.h

check_PROGRAMS += tests/unit/experiment_test
tests_unit_experiment_test_SOURCES = tests/unit/experiment_test.c $(scratch)
tests_unit_experiment_test_LDADD = $(UNIT_LDADD)
TESTS += tests/unit/experiment_test

check_PROGRAMS += tests/unit/node_test
tests_unit_node_test_SOURCES = tests/unit/node_test.c $(scratch)
tests_unit_node_test_LDADD = $(UNIT_LDADD)
TESTS += tests/unit/node_test

check_PROGRAMS += tests/unit/options_test
tests_unit_options_test_SOURCES = tests/unit/options_test.c $(scratch)
tests_unit_options_test_LDADD = $(UNIT_LDADD)
TESTS += tests/unit/options_test

check_PROGRAMS += tests/unit/registry_test
tests_unit_registry_test_SOURCES = tests/unit/registry_test.c $(scratch)
tests_unit_registry_test_LDADD = $(UNIT_LDADD)
TESTS += tests/unit/registry_test

check_PROGRAMS += tests/unit/team_test
tests_unit_team_test_SOURCES = tests/unit/team_test.c
tests_unit_team_test_LDADD = $(UNIT_LDADD)
TESTS += tests/unit/team_test

check_PROGRAMS += tests/unit/text_test
tests_unit_text_test_SOURCES = tests/unit/text_test.c $(scratch)
tests_unit_text_test_LDADD = $(UNIT_LDADD)
TESTS += tests/unit/text_test

check_PROGRAMS += tests/unit/units_test
tests_unit_units_test_SOURCES = tests/unit/units_test.c $(scratch)
tests_unit_units_test_LDADD = $(UNIT_LDADD)
TESTS += tests/unit/units_test

include $(top_srcdir)/tests/broken/local.mk
