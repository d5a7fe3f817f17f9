# plugins/hardware: devices, one folder each. All of them share one analytic model, linked into each.
noinst_LTLIBRARIES += plugins/hardware/libanalytic.la
plugins_hardware_libanalytic_la_SOURCES = plugins/hardware/analytic.c plugins/hardware/analytic.h
plugins_hardware_libanalytic_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_hardware_libanalytic_la_CFLAGS = $(PLUGIN_CFLAGS)

plugin_LTLIBRARIES += plugins/hardware_a100.la
plugins_hardware_a100_la_SOURCES = plugins/hardware/a100/a100.c
plugins_hardware_a100_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_hardware_a100_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_hardware_a100_la_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_hardware_a100_la_LIBADD = plugins/hardware/libanalytic.la $(LIBM)

plugin_LTLIBRARIES += plugins/hardware_a40.la
plugins_hardware_a40_la_SOURCES = plugins/hardware/a40/a40.c
plugins_hardware_a40_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_hardware_a40_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_hardware_a40_la_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_hardware_a40_la_LIBADD = plugins/hardware/libanalytic.la $(LIBM)

plugin_LTLIBRARIES += plugins/hardware_a6000.la
plugins_hardware_a6000_la_SOURCES = plugins/hardware/a6000/a6000.c
plugins_hardware_a6000_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_hardware_a6000_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_hardware_a6000_la_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_hardware_a6000_la_LIBADD = plugins/hardware/libanalytic.la $(LIBM)

plugin_LTLIBRARIES += plugins/hardware_b200.la
plugins_hardware_b200_la_SOURCES = plugins/hardware/b200/b200.c
plugins_hardware_b200_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_hardware_b200_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_hardware_b200_la_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_hardware_b200_la_LIBADD = plugins/hardware/libanalytic.la $(LIBM)

plugin_LTLIBRARIES += plugins/hardware_custom.la
plugins_hardware_custom_la_SOURCES = plugins/hardware/custom/custom.c
plugins_hardware_custom_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_hardware_custom_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_hardware_custom_la_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_hardware_custom_la_LIBADD = plugins/hardware/libanalytic.la $(LIBM)

plugin_LTLIBRARIES += plugins/hardware_h100.la
plugins_hardware_h100_la_SOURCES = plugins/hardware/h100/h100.c
plugins_hardware_h100_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_hardware_h100_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_hardware_h100_la_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_hardware_h100_la_LIBADD = plugins/hardware/libanalytic.la $(LIBM)

plugin_LTLIBRARIES += plugins/hardware_h200.la
plugins_hardware_h200_la_SOURCES = plugins/hardware/h200/h200.c
plugins_hardware_h200_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_hardware_h200_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_hardware_h200_la_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_hardware_h200_la_LIBADD = plugins/hardware/libanalytic.la $(LIBM)

plugin_LTLIBRARIES += plugins/hardware_l40s.la
plugins_hardware_l40s_la_SOURCES = plugins/hardware/l40s/l40s.c
plugins_hardware_l40s_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_hardware_l40s_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_hardware_l40s_la_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_hardware_l40s_la_LIBADD = plugins/hardware/libanalytic.la $(LIBM)

plugin_LTLIBRARIES += plugins/hardware_rtx3090.la
plugins_hardware_rtx3090_la_SOURCES = plugins/hardware/rtx3090/rtx3090.c
plugins_hardware_rtx3090_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_hardware_rtx3090_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_hardware_rtx3090_la_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_hardware_rtx3090_la_LIBADD = plugins/hardware/libanalytic.la $(LIBM)

plugin_LTLIBRARIES += plugins/hardware_rtx4090.la
plugins_hardware_rtx4090_la_SOURCES = plugins/hardware/rtx4090/rtx4090.c
plugins_hardware_rtx4090_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_hardware_rtx4090_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_hardware_rtx4090_la_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_hardware_rtx4090_la_LIBADD = plugins/hardware/libanalytic.la $(LIBM)

plugin_LTLIBRARIES += plugins/hardware_rtxpro6000.la
plugins_hardware_rtxpro6000_la_SOURCES = plugins/hardware/rtxpro6000/rtxpro6000.c
plugins_hardware_rtxpro6000_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_hardware_rtxpro6000_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_hardware_rtxpro6000_la_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_hardware_rtxpro6000_la_LIBADD = plugins/hardware/libanalytic.la $(LIBM)

plugin_LTLIBRARIES += plugins/hardware_profile.la
plugins_hardware_profile_la_SOURCES = plugins/hardware/profile/profile.c \
	plugins/hardware/profile/bundle.c plugins/hardware/profile/bundle.h \
	plugins/hardware/profile/curve.c plugins/hardware/profile/curve.h \
	plugins/hardware/profile/grid.c plugins/hardware/profile/grid.h \
	plugins/hardware/profile/messages.c plugins/hardware/profile/messages.h \
	plugins/hardware/profile/meta.c plugins/hardware/profile/meta.h \
	plugins/hardware/profile/rows.c plugins/hardware/profile/rows.h \
	plugins/hardware/profile/skew.c plugins/hardware/profile/skew.h
plugins_hardware_profile_la_CPPFLAGS = $(PLUGIN_CPPFLAGS) $(YAML_CFLAGS)
plugins_hardware_profile_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_hardware_profile_la_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_hardware_profile_la_LIBADD = plugins/hardware/libanalytic.la $(LIBCSV_LIBS) $(YAML_LIBS) $(LIBM)

# The tests load the built plugins.
check_PROGRAMS += plugins/hardware/analytic_test
plugins_hardware_analytic_test_SOURCES = plugins/hardware/analytic_test.c tests/unit/fake_host.h
plugins_hardware_analytic_test_LDADD = $(UNIT_LDADD) $(DL_LIBS)
TESTS += plugins/hardware/analytic_test

check_PROGRAMS += plugins/hardware/custom_test
plugins_hardware_custom_test_SOURCES = plugins/hardware/custom/custom_test.c tests/unit/fake_host.h
plugins_hardware_custom_test_LDADD = $(UNIT_LDADD) $(DL_LIBS)
TESTS += plugins/hardware/custom_test

check_PROGRAMS += plugins/hardware/profile_test
plugins_hardware_profile_test_SOURCES = plugins/hardware/profile/profile_test.c tests/unit/fake_host.h
plugins_hardware_profile_test_LDADD = $(UNIT_LDADD) $(DL_LIBS)
TESTS += plugins/hardware/profile_test

check_PROGRAMS += plugins/hardware/measured_test
plugins_hardware_measured_test_SOURCES = plugins/hardware/measured_test.c tests/unit/fake_host.h
plugins_hardware_measured_test_LDADD = $(UNIT_LDADD) $(DL_LIBS)
TESTS += plugins/hardware/measured_test
