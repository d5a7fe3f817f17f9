# core/conform: the conformance kit, and the toys that it and the tests of the engine try plugins in.
core_libservsim_a_SOURCES += \
	core/conform/attention.c \
	core/conform/bench.c \
	core/conform/bench.h \
	core/conform/common.c \
	core/conform/conform.c \
	core/conform/conform.h \
	core/conform/engine.c \
	core/conform/exports.c \
	core/conform/exports.h \
	core/conform/foreign.c \
	core/conform/foreign.h \
	core/conform/hardware.c \
	core/conform/imports.c \
	core/conform/imports.h \
	core/conform/laws.h \
	core/conform/options.c \
	core/conform/options.h \
	core/conform/predictor.c \
	core/conform/report.c \
	core/conform/router.c \
	core/conform/scheduler.c \
	core/conform/symbols.c \
	core/conform/symbols.h \
	core/conform/toy.c \
	core/conform/toy.h \
	core/conform/toy_policy.c \
	core/conform/toy_policy.h \
	core/conform/toy_random.c \
	core/conform/tree.c \
	core/conform/tree.h \
	core/conform/trial.c \
	core/conform/watch.c \
	core/conform/watch.h \
	core/conform/workload.c \
	core/conform/wrap.c \
	core/conform/wrap.h
