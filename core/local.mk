# core: everything but main() is one archive, which the program and the unit tests link. A plain one: libtool's take ten
# times as long to make, and nothing here goes into a shared object. P: two folders may hold a file of the same name.

noinst_LIBRARIES += core/libservsim.a
core_libservsim_a_SOURCES =
core_libservsim_a_AR = $(AR) crP
CORE_LDADD = core/libservsim.a $(YAML_LIBS) $(JANSSON_LIBS) $(DL_LIBS) $(LIBM)

bin_PROGRAMS += servsim
servsim_SOURCES = core/cli/main.c
servsim_LDADD = $(CORE_LDADD)

include $(top_srcdir)/core/base/local.mk
include $(top_srcdir)/core/plugin/local.mk
include $(top_srcdir)/core/model/local.mk
include $(top_srcdir)/core/experiment/local.mk
include $(top_srcdir)/core/cost/local.mk
include $(top_srcdir)/core/engine/local.mk
include $(top_srcdir)/core/metrics/local.mk
include $(top_srcdir)/core/sweep/local.mk
include $(top_srcdir)/core/analysis/local.mk
include $(top_srcdir)/core/conform/local.mk
include $(top_srcdir)/core/cli/local.mk
