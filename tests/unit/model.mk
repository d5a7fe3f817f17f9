# Unit tests of the core: model.
check_PROGRAMS += tests/unit/model_test
tests_unit_model_test_SOURCES = tests/unit/model_test.c
tests_unit_model_test_LDADD = $(UNIT_LDADD)
TESTS += tests/unit/model_test

check_PROGRAMS += tests/unit/cost_test
tests_unit_cost_test_SOURCES = tests/unit/cost_test.c
tests_unit_cost_test_LDADD = $(UNIT_LDADD)
TESTS += tests/unit/cost_test
