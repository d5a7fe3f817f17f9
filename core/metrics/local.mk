# core/metrics: records, percentiles, series, the files of one cell.
core_libservsim_a_SOURCES += \
	core/metrics/csv.c \
	core/metrics/energy.c \
	core/metrics/energy.h \
	core/metrics/itl.c \
	core/metrics/itl.h \
	core/metrics/names.c \
	core/metrics/names.h \
	core/metrics/prediction.c \
	core/metrics/prediction.h \
	core/metrics/records.c \
	core/metrics/records.h \
	core/metrics/result.c \
	core/metrics/result.h \
	core/metrics/series.c \
	core/metrics/series.h \
	core/metrics/summary.c \
	core/metrics/summary.h
