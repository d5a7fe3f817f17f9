# Tests of the engine, the cost model and the metrics.
# The oracle needs measured data; skips without.
check_PROGRAMS += tests/unit/oracle_test
tests_unit_oracle_test_SOURCES = tests/unit/oracle_test.c
tests_unit_oracle_test_LDADD = $(UNIT_LDADD)
TESTS += tests/unit/oracle_test

check_PROGRAMS += tests/unit/engine_test
tests_unit_engine_test_SOURCES = tests/unit/engine_test.c tests/unit/toy.c tests/unit/toy.h \
	tests/unit/toy_scheduler.c tests/unit/toy_scheduler.h
tests_unit_engine_test_LDADD = $(UNIT_LDADD)
TESTS += tests/unit/engine_test

check_PROGRAMS += tests/unit/prediction_test
tests_unit_prediction_test_SOURCES = tests/unit/prediction_test.c
tests_unit_prediction_test_LDADD = $(UNIT_LDADD)
TESTS += tests/unit/prediction_test

check_PROGRAMS += tests/unit/metrics_test
tests_unit_metrics_test_SOURCES = tests/unit/metrics_test.c
tests_unit_metrics_test_LDADD = $(UNIT_LDADD)
TESTS += tests/unit/metrics_test

check_PROGRAMS += tests/unit/helpers_test
tests_unit_helpers_test_SOURCES = tests/unit/helpers_test.c
tests_unit_helpers_test_LDADD = $(UNIT_LDADD)
TESTS += tests/unit/helpers_test

check_PROGRAMS += tests/unit/kv_test
tests_unit_kv_test_SOURCES = tests/unit/kv_test.c tests/unit/toy.c tests/unit/toy.h
tests_unit_kv_test_LDADD = $(UNIT_LDADD)
TESTS += tests/unit/kv_test

check_PROGRAMS += tests/unit/traffic_test
tests_unit_traffic_test_SOURCES = tests/unit/traffic_test.c tests/unit/toy.c tests/unit/toy.h
tests_unit_traffic_test_LDADD = $(UNIT_LDADD)
TESTS += tests/unit/traffic_test
