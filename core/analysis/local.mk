# core/analysis: finished runs looked into (analyze) and held against each other (compare).
core_libservsim_la_SOURCES += \
	core/analysis/compare.c \
	core/analysis/compare.h \
	core/analysis/measure.c \
	core/analysis/measure.h \
	core/analysis/rows.c \
	core/analysis/rows.h \
	core/analysis/samples.c \
	core/analysis/samples.h \
	core/analysis/statistics.c \
	core/analysis/statistics.h \
	core/analysis/trial.c \
	core/analysis/trial.h
