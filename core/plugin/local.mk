core_libservsim_a_SOURCES += \
	core/plugin/check.c \
	core/plugin/file.c \
	core/plugin/file.h \
	core/plugin/instance.c \
	core/plugin/options.c \
	core/plugin/registry.c \
	core/plugin/registry.h \
	core/plugin/search.c \
	core/plugin/search.h \
	core/plugin/table.c \
	core/plugin/table.h \
	core/plugin/units.c \
	core/plugin/units.h
