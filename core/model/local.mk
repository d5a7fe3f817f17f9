# core/model/local.mk - reading and measuring model architectures
core_libservsim_a_SOURCES += \
	core/model/config_json.c \
	core/model/find.c \
	core/model/model.c \
	core/model/model.h
