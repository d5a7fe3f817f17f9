# core/cli: main.c, and one file per command.
core_libservsim_la_SOURCES += \
	core/cli/cli.h \
	core/cli/models.c \
	core/cli/places.c \
	core/cli/plugins.c \
	core/cli/progress.c \
	core/cli/quick.c \
	core/cli/report.c \
	core/cli/run.c \
	core/cli/simulate.c \
	core/cli/trace.c
