# plugins/report: results on disk made readable. All of them have the shared reader in them, and link with jansson alone.
noinst_LTLIBRARIES += plugins/report/libcommon.la
plugins_report_libcommon_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_report_libcommon_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_report_libcommon_la_SOURCES = \
	plugins/report/common/balance.c plugins/report/common/balance.h \
	plugins/report/common/bursts.c plugins/report/common/bursts.h \
	plugins/report/common/loss.c plugins/report/common/loss.h \
	plugins/report/common/matrix.c plugins/report/common/matrix.h \
	plugins/report/common/number.c plugins/report/common/number.h \
	plugins/report/common/order.c plugins/report/common/order.h \
	plugins/report/common/replicates.c \
	plugins/report/common/results.c plugins/report/common/results.h \
	plugins/report/common/spread.c plugins/report/common/spread.h \
	plugins/report/common/table.c plugins/report/common/table.h \
	plugins/report/common/text.c plugins/report/common/text.h

plugin_LTLIBRARIES += plugins/report_csv.la
plugins_report_csv_la_SOURCES = plugins/report/csv/csv.c
plugins_report_csv_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_report_csv_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_report_csv_la_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_report_csv_la_LIBADD = plugins/report/libcommon.la $(JANSSON_LIBS) $(LIBM)

plugin_LTLIBRARIES += plugins/report_html.la
plugins_report_html_la_SOURCES = \
	plugins/report/html/convert.c \
	plugins/report/html/html.c \
	plugins/report/html/html.h \
	plugins/report/html/picture.c \
	plugins/report/html/style.c
plugins_report_html_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_report_html_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_report_html_la_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_report_html_la_LIBADD = plugins/report/libcontent.la plugins/report/libcommon.la $(JANSSON_LIBS) $(LIBM)

plugin_LTLIBRARIES += plugins/report_json.la
plugins_report_json_la_SOURCES = plugins/report/json/json.c
plugins_report_json_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_report_json_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_report_json_la_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_report_json_la_LIBADD = plugins/report/libcommon.la $(JANSSON_LIBS) $(LIBM)

# The text of the report, which both `markdown` and `html` make.
noinst_LTLIBRARIES += plugins/report/libcontent.la
plugins_report_libcontent_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_report_libcontent_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_report_libcontent_la_SOURCES = \
	plugins/report/markdown/advice.c \
	plugins/report/markdown/behaviours.c \
	plugins/report/markdown/errors.c \
	plugins/report/markdown/frame.c \
	plugins/report/markdown/loss.c \
	plugins/report/markdown/markdown.h \
	plugins/report/markdown/outages.c \
	plugins/report/markdown/predict.c \
	plugins/report/markdown/sentences.c \
	plugins/report/markdown/sentences.h \
	plugins/report/markdown/summary.c \
	plugins/report/markdown/tables.c \
	plugins/report/markdown/verify.c \
	plugins/report/markdown/words.c

plugin_LTLIBRARIES += plugins/report_markdown.la
plugins_report_markdown_la_SOURCES = plugins/report/markdown/markdown.c
plugins_report_markdown_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_report_markdown_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_report_markdown_la_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_report_markdown_la_LIBADD = plugins/report/libcontent.la plugins/report/libcommon.la $(JANSSON_LIBS) $(LIBM)

plugin_LTLIBRARIES += plugins/report_plots.la
plugins_report_plots_la_SOURCES = \
	plugins/report/plots/axis.c \
	plugins/report/plots/balance.c \
	plugins/report/plots/chart.c \
	plugins/report/plots/chart.h \
	plugins/report/plots/curves.c \
	plugins/report/plots/gnuplot.c \
	plugins/report/plots/loss.c \
	plugins/report/plots/plots.c \
	plugins/report/plots/plots.h \
	plugins/report/plots/scaling.c
plugins_report_plots_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_report_plots_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_report_plots_la_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_report_plots_la_LIBADD = plugins/report/libcommon.la $(JANSSON_LIBS) $(LIBM)

plugin_LTLIBRARIES += plugins/report_trace.la
plugins_report_trace_la_SOURCES = plugins/report/trace/trace.c
plugins_report_trace_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_report_trace_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_report_trace_la_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_report_trace_la_LIBADD = plugins/report/libcommon.la $(JANSSON_LIBS) $(LIBM)

dist_doc_DATA += plugins/report/json/results.schema.json

# The tests load the built plugins and run them on made-up results.
report_test_sources = \
	plugins/report/common/fake_results.c \
	plugins/report/common/fake_results.h \
	plugins/report/common/report_test.h \
	tests/unit/fake_host.h
report_test_cppflags = $(AM_CPPFLAGS) -I$(top_srcdir)/plugins

check_PROGRAMS += plugins/report/common_test
plugins_report_common_test_SOURCES = plugins/report/common/common_test.c $(report_test_sources)
plugins_report_common_test_CPPFLAGS = $(report_test_cppflags)
plugins_report_common_test_LDADD = plugins/report/libcommon.la $(UNIT_LDADD) $(JANSSON_LIBS) $(DL_LIBS) $(LIBM)
TESTS += plugins/report/common_test

check_PROGRAMS += plugins/report/csv_test
plugins_report_csv_test_SOURCES = plugins/report/csv/csv_test.c $(report_test_sources)
plugins_report_csv_test_CPPFLAGS = $(report_test_cppflags)
plugins_report_csv_test_LDADD = $(UNIT_LDADD) $(JANSSON_LIBS) $(LIBCSV_LIBS) $(DL_LIBS) $(LIBM)
TESTS += plugins/report/csv_test

check_PROGRAMS += plugins/report/json_test
plugins_report_json_test_SOURCES = plugins/report/json/json_test.c $(report_test_sources)
plugins_report_json_test_CPPFLAGS = $(report_test_cppflags)
plugins_report_json_test_LDADD = $(UNIT_LDADD) $(JANSSON_LIBS) $(DL_LIBS) $(LIBM)
TESTS += plugins/report/json_test

check_PROGRAMS += plugins/report/markdown_test
plugins_report_markdown_test_SOURCES = plugins/report/markdown/markdown_test.c \
	plugins/report/common/number.c plugins/report/common/number.h $(report_test_sources)
plugins_report_markdown_test_CPPFLAGS = $(report_test_cppflags)
plugins_report_markdown_test_LDADD = $(UNIT_LDADD) $(DL_LIBS) $(LIBM)
EXTRA_DIST += plugins/report/markdown/report.golden.md
TESTS += plugins/report/markdown_test

check_PROGRAMS += plugins/report/plots_test
plugins_report_plots_test_SOURCES = plugins/report/plots/plots_test.c $(report_test_sources)
plugins_report_plots_test_CPPFLAGS = $(report_test_cppflags)
plugins_report_plots_test_LDADD = $(UNIT_LDADD) $(JANSSON_LIBS) $(DL_LIBS) $(LIBM)
TESTS += plugins/report/plots_test

check_PROGRAMS += plugins/report/html_test
plugins_report_html_test_SOURCES = plugins/report/html/html_test.c plugins/report/html/convert.c \
	plugins/report/html/html.h plugins/report/html/picture.c \
	plugins/report/common/text.c plugins/report/common/text.h $(report_test_sources)
plugins_report_html_test_CPPFLAGS = $(report_test_cppflags)
plugins_report_html_test_LDADD = $(UNIT_LDADD) $(DL_LIBS) $(LIBM)
TESTS += plugins/report/html_test

check_PROGRAMS += plugins/report/trace_test
plugins_report_trace_test_SOURCES = plugins/report/trace/trace_test.c $(report_test_sources)
plugins_report_trace_test_CPPFLAGS = $(report_test_cppflags)
plugins_report_trace_test_LDADD = $(UNIT_LDADD) $(JANSSON_LIBS) $(DL_LIBS) $(LIBM)
TESTS += plugins/report/trace_test

# What the report says, recomputed from the rows by a script that shares nothing with it.
dist_check_SCRIPTS += tests/report/recompute.sh
EXTRA_DIST += tests/report/recompute.awk
TESTS += tests/report/recompute.sh
