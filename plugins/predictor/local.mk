# plugins/predictor: how long answers will be, and how much traffic comes.
plugin_LTLIBRARIES += plugins/predictor_oracle.la
plugins_predictor_oracle_la_SOURCES = plugins/predictor/oracle/oracle.c
plugins_predictor_oracle_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_predictor_oracle_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_predictor_oracle_la_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_predictor_oracle_la_LIBADD = $(LIBM)

plugin_LTLIBRARIES += plugins/predictor_histogram.la
plugins_predictor_histogram_la_SOURCES = plugins/predictor/histogram/histogram.c plugins/predictor/common/lengths.h
plugins_predictor_histogram_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_predictor_histogram_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_predictor_histogram_la_LDFLAGS = $(PLUGIN_LDFLAGS)

plugin_LTLIBRARIES += plugins/predictor_persistence.la
plugins_predictor_persistence_la_SOURCES = plugins/predictor/persistence/persistence.c
plugins_predictor_persistence_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_predictor_persistence_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_predictor_persistence_la_LDFLAGS = $(PLUGIN_LDFLAGS)

plugin_LTLIBRARIES += plugins/predictor_moving_average.la
plugins_predictor_moving_average_la_SOURCES = plugins/predictor/moving_average/moving_average.c
plugins_predictor_moving_average_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_predictor_moving_average_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_predictor_moving_average_la_LDFLAGS = $(PLUGIN_LDFLAGS)

plugin_LTLIBRARIES += plugins/predictor_dlinear.la
plugins_predictor_dlinear_la_SOURCES = plugins/predictor/dlinear/dlinear.c plugins/predictor/dlinear/ridge.h \
	plugins/predictor/common/lengths.h
plugins_predictor_dlinear_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_predictor_dlinear_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_predictor_dlinear_la_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_predictor_dlinear_la_LIBADD = $(LIBM)

check_PROGRAMS += plugins/predictor/histogram_test
plugins_predictor_histogram_test_SOURCES = plugins/predictor/histogram/histogram_test.c plugins/predictor/predictor_test.h \
	tests/unit/fake_host.h
plugins_predictor_histogram_test_LDADD = $(UNIT_LDADD) $(DL_LIBS) $(LIBM)
TESTS += plugins/predictor/histogram_test

check_PROGRAMS += plugins/predictor/oracle_test
plugins_predictor_oracle_test_SOURCES = plugins/predictor/oracle/oracle_test.c plugins/predictor/predictor_test.h \
	tests/unit/fake_host.h
plugins_predictor_oracle_test_LDADD = $(UNIT_LDADD) $(DL_LIBS) $(LIBM)
TESTS += plugins/predictor/oracle_test

check_PROGRAMS += plugins/predictor/averages_test
plugins_predictor_averages_test_SOURCES = plugins/predictor/averages_test.c plugins/predictor/predictor_test.h tests/unit/fake_host.h
plugins_predictor_averages_test_LDADD = $(UNIT_LDADD) $(DL_LIBS) $(LIBM)
TESTS += plugins/predictor/averages_test

check_PROGRAMS += plugins/predictor/dlinear_test
plugins_predictor_dlinear_test_SOURCES = plugins/predictor/dlinear_test.c plugins/predictor/predictor_test.h tests/unit/fake_host.h
plugins_predictor_dlinear_test_LDADD = $(UNIT_LDADD) $(DL_LIBS) $(LIBM)
TESTS += plugins/predictor/dlinear_test
