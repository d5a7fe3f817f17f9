# core: everything but main() is one convenience library, which the program and the unit tests link.

noinst_LTLIBRARIES += core/libservsim.la
core_libservsim_la_SOURCES =
core_libservsim_la_LIBADD = $(YAML_LIBS) $(JANSSON_LIBS) $(DL_LIBS) $(LIBM)

bin_PROGRAMS += servsim
servsim_SOURCES = core/cli/main.c
servsim_LDADD = core/libservsim.la

include $(top_srcdir)/core/base/local.mk
include $(top_srcdir)/core/plugin/local.mk
include $(top_srcdir)/core/model/local.mk
include $(top_srcdir)/core/experiment/local.mk
include $(top_srcdir)/core/cost/local.mk
include $(top_srcdir)/core/engine/local.mk
include $(top_srcdir)/core/metrics/local.mk
include $(top_srcdir)/core/sweep/local.mk
include $(top_srcdir)/core/analysis/local.mk
include $(top_srcdir)/core/cli/local.mk
