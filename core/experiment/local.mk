core_libservsim_a_SOURCES += \
	core/experiment/build.h \
	core/experiment/cell.c \
	core/experiment/engine.c \
	core/experiment/experiment.c \
	core/experiment/experiment.h \
	core/experiment/failures.c \
	core/experiment/keys.c \
	core/experiment/keys.h \
	core/experiment/layout.c \
	core/experiment/matrix.c \
	core/experiment/node.c \
	core/experiment/node.h \
	core/experiment/resolved.c \
	core/experiment/schema.c \
	core/experiment/schema.h \
	core/experiment/schema_option.c \
	core/experiment/use.c
