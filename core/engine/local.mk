# core/engine: clock, events, cluster, replica, request life, KV blocks, fast-forward.
core_libservsim_a_SOURCES += \
	core/engine/arrivals.c \
	core/engine/batch.c \
	core/engine/batch.h \
	core/engine/cluster.c \
	core/engine/cluster.h \
	core/engine/failures.c \
	core/engine/failures.h \
	core/engine/group.c \
	core/engine/group.h \
	core/engine/heap.c \
	core/engine/heap.h \
	core/engine/history.c \
	core/engine/inbox.c \
	core/engine/inbox.h \
	core/engine/kv.c \
	core/engine/kv.h \
	core/engine/line.h \
	core/engine/pool.c \
	core/engine/pool.h \
	core/engine/preempt.c \
	core/engine/predict.c \
	core/engine/predict.h \
	core/engine/prefix.c \
	core/engine/prefix.h \
	core/engine/replica.c \
	core/engine/replica.h \
	core/engine/request.h \
	core/engine/requests.c \
	core/engine/requests.h \
	core/engine/run.c \
	core/engine/simulation.c \
	core/engine/simulation.h \
	core/engine/step.c \
	core/engine/traffic.c \
	core/engine/traffic.h \
	core/engine/verify.c
