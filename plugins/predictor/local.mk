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
