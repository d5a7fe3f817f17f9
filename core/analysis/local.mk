# core/analysis: finished runs looked into (analyze) and held against each other (compare).
core_libservsim_a_SOURCES += \
	core/analysis/alike.c \
	core/analysis/charts.c \
	core/analysis/charts.h \
	core/analysis/compare.c \
	core/analysis/compare.h \
	core/analysis/fidelity.c \
	core/analysis/fidelity.h \
	core/analysis/fidelity_print.c \
	core/analysis/findings.c \
	core/analysis/findings.h \
	core/analysis/findings_charts.c \
	core/analysis/findings_json.c \
	core/analysis/findings_text.c \
	core/analysis/measure.c \
	core/analysis/measure.h \
	core/analysis/measured.c \
	core/analysis/measured.h \
	core/analysis/plausible.c \
	core/analysis/plausible.h \
	core/analysis/rows.c \
	core/analysis/rows.h \
	core/analysis/samples.c \
	core/analysis/samples.h \
	core/analysis/scales.c \
	core/analysis/simplex.c \
	core/analysis/simplex.h \
	core/analysis/statistics.c \
	core/analysis/statistics.h \
	core/analysis/trial.c \
	core/analysis/trial.h \
	core/analysis/versus.c \
	core/analysis/versus.h \
	core/analysis/versus_charts.c \
	core/analysis/versus_json.c \
	core/analysis/versus_text.c
