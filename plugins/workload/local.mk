# plugins/workload: the plugins of this kind. The traces' readers and the generators' distributions are in common/.

# For reading traces, and for making traffic up. What both need is in libcommon.
noinst_LTLIBRARIES += plugins/workload/libcommon.la plugins/workload/libreplay.la plugins/workload/liblengths.la
plugins_workload_libcommon_la_SOURCES = \
	plugins/workload/common/number.c plugins/workload/common/number.h \
	plugins/workload/common/prompts.h \
	plugins/workload/common/random.c plugins/workload/common/random.h \
	plugins/workload/common/scale.c plugins/workload/common/scale.h
plugins_workload_libcommon_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_workload_libcommon_la_CFLAGS = $(PLUGIN_CFLAGS)

plugins_workload_libreplay_la_SOURCES = \
	plugins/workload/common/replay.c plugins/workload/common/replay.h \
	plugins/workload/common/row.c plugins/workload/common/row.h \
	plugins/workload/common/table.c plugins/workload/common/table.h
plugins_workload_libreplay_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_workload_libreplay_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_workload_libreplay_la_LIBADD = plugins/workload/libcommon.la

plugins_workload_liblengths_la_SOURCES = \
	plugins/workload/common/lengths.c plugins/workload/common/lengths.h \
	plugins/workload/common/tables.c \
	plugins/workload/common/who.c plugins/workload/common/who.h
plugins_workload_liblengths_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_workload_liblengths_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_workload_liblengths_la_LIBADD = plugins/workload/libcommon.la

plugin_LTLIBRARIES += plugins/workload_burstgpt.la
plugins_workload_burstgpt_la_SOURCES = plugins/workload/burstgpt/burstgpt.c
plugins_workload_burstgpt_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_workload_burstgpt_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_workload_burstgpt_la_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_workload_burstgpt_la_LIBADD = plugins/workload/libreplay.la $(LIBCSV_LIBS) $(LIBM)

plugin_LTLIBRARIES += plugins/workload_poisson.la
plugins_workload_poisson_la_SOURCES = plugins/workload/poisson/poisson.c
plugins_workload_poisson_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_workload_poisson_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_workload_poisson_la_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_workload_poisson_la_LIBADD = plugins/workload/liblengths.la $(LIBM)

plugin_LTLIBRARIES += plugins/workload_tokens.la
plugins_workload_tokens_la_SOURCES = plugins/workload/tokens/tokens.c \
	plugins/workload/common/jsonl.c plugins/workload/common/jsonl.h
plugins_workload_tokens_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_workload_tokens_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_workload_tokens_la_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_workload_tokens_la_LIBADD = plugins/workload/libreplay.la $(LIBCSV_LIBS) $(JANSSON_LIBS) $(LIBM)

plugin_LTLIBRARIES += plugins/workload_burstgpt_model.la
plugins_workload_burstgpt_model_la_SOURCES = plugins/workload/burstgpt_model/burstgpt_model.c \
	plugins/workload/burstgpt_model/calendar.c plugins/workload/burstgpt_model/calendar.h
plugins_workload_burstgpt_model_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_workload_burstgpt_model_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_workload_burstgpt_model_la_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_workload_burstgpt_model_la_LIBADD = plugins/workload/liblengths.la $(LIBM)

plugin_LTLIBRARIES += plugins/workload_bursts.la
plugins_workload_bursts_la_SOURCES = plugins/workload/bursts/bursts.c
plugins_workload_bursts_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_workload_bursts_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_workload_bursts_la_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_workload_bursts_la_LIBADD = plugins/workload/liblengths.la $(LIBM)

check_PROGRAMS += plugins/workload/number_test
plugins_workload_number_test_SOURCES = plugins/workload/common/number_test.c \
	plugins/workload/common/number.c plugins/workload/common/number.h \
	plugins/workload/common/scale.c plugins/workload/common/scale.h
plugins_workload_number_test_LDADD = $(UNIT_LDADD)
TESTS += plugins/workload/number_test

check_PROGRAMS += plugins/workload/burstgpt_test
plugins_workload_burstgpt_test_SOURCES = plugins/workload/burstgpt/burstgpt_test.c plugins/workload/common/drain.h \
	tests/unit/fake_host.h
plugins_workload_burstgpt_test_LDADD = $(UNIT_LDADD) $(DL_LIBS)
TESTS += plugins/workload/burstgpt_test

check_PROGRAMS += plugins/workload/tokens_test
plugins_workload_tokens_test_SOURCES = plugins/workload/tokens/tokens_test.c plugins/workload/common/drain.h \
	tests/unit/fake_host.h
plugins_workload_tokens_test_LDADD = $(UNIT_LDADD) $(DL_LIBS) $(LIBM)
TESTS += plugins/workload/tokens_test

check_PROGRAMS += plugins/workload/poisson_test
plugins_workload_poisson_test_SOURCES = plugins/workload/poisson/poisson_test.c plugins/workload/common/drain.h \
	tests/unit/fake_host.h
plugins_workload_poisson_test_LDADD = $(UNIT_LDADD) $(DL_LIBS) $(LIBM)
TESTS += plugins/workload/poisson_test

check_PROGRAMS += plugins/workload/burstgpt_model_test
plugins_workload_burstgpt_model_test_SOURCES = plugins/workload/burstgpt_model/burstgpt_model_test.c plugins/workload/common/drain.h \
	tests/unit/fake_host.h
plugins_workload_burstgpt_model_test_LDADD = $(UNIT_LDADD) $(DL_LIBS) $(LIBM)
TESTS += plugins/workload/burstgpt_model_test

# The command that writes what these plugins generate.
dist_check_SCRIPTS += tests/cli/trace_generate.sh
TESTS += tests/cli/trace_generate.sh

check_PROGRAMS += plugins/workload/bursts_test
plugins_workload_bursts_test_SOURCES = plugins/workload/bursts/bursts_test.c plugins/workload/common/drain.h \
	tests/unit/fake_host.h
plugins_workload_bursts_test_LDADD = $(UNIT_LDADD) $(DL_LIBS) $(LIBM)
TESTS += plugins/workload/bursts_test
