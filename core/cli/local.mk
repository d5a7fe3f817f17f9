# core/cli: main.c, and one file per command.
core_libservsim_a_SOURCES += \
	core/cli/analyze.c \
	core/cli/calibrate.c \
	core/cli/cli.h \
	core/cli/compare.c \
	core/cli/models.c \
	core/cli/models.h \
	core/cli/models_info.c \
	core/cli/part.c \
	core/cli/places.c \
	core/cli/plan.c \
	core/cli/plugins.c \
	core/cli/plugins.h \
	core/cli/plugins_check.c \
	core/cli/plugins_new.c \
	core/cli/progress.c \
	core/cli/quick.c \
	core/cli/recognise.c \
	core/cli/report.c \
	core/cli/run.c \
	core/cli/schema.c \
	core/cli/simulate.c \
	core/cli/trace.c \
	core/cli/trace.h \
	core/cli/trace_charts.c \
	core/cli/trace_convert.c \
	core/cli/trace_generate.c \
	core/cli/trace_info.c \
	core/cli/trace_measure.c \
	core/cli/trace_read.c \
	core/cli/trace_write.c \
	core/cli/validate.c \
	core/cli/replay.c \
	core/cli/replay.h
