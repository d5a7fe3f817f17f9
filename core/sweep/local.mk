# core/sweep: running many cells, and the folder that they leave.
core_libservsim_a_SOURCES += \
	core/sweep/cell.c \
	core/sweep/crew.c \
	core/sweep/crew.h \
	core/sweep/hold.c \
	core/sweep/hold.h \
	core/sweep/inputs.c \
	core/sweep/inputs.h \
	core/sweep/load.c \
	core/sweep/load.h \
	core/sweep/manifest.c \
	core/sweep/output.c \
	core/sweep/output.h \
	core/sweep/plan.c \
	core/sweep/plan.h \
	core/sweep/reports.c \
	core/sweep/sweep.c \
	core/sweep/sweep.h \
	core/sweep/traffic.c \
	core/sweep/traffic.h \
	core/sweep/worker.c \
	core/sweep/worker.h
