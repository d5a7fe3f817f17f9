core_libservsim_a_SOURCES += \
	core/base/seed.h \
	core/base/text.c \
	core/base/text.h \
	core/base/time.h
