# core/cost: from a batch to the time of one engine step.
core_libservsim_a_SOURCES += \
	core/cost/cost.c \
	core/cost/cost.h \
	core/cost/internal.h \
	core/cost/memory.c \
	core/cost/operators.c \
	core/cost/operators.h \
	core/cost/parts.c \
	core/cost/shape.h \
	core/cost/work.h
