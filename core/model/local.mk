# core/model/local.mk - reading and measuring model architectures
core_libservsim_a_SOURCES += \
	core/model/config_json.c \
	core/model/config_keys.c \
	core/model/config_keys.h \
	core/model/config_layers.c \
	core/model/config_quantised.c \
	core/model/find.c \
	core/model/model.c \
	core/model/model.h
