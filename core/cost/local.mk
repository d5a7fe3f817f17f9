# core/cost: from a batch to the time of one engine step.
core_libservsim_a_SOURCES += \
	core/cost/cost.c \
	core/cost/cost.h \
	core/cost/work.h
