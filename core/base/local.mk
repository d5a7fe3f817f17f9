core_libservsim_a_SOURCES += \
	core/base/child.c \
	core/base/child.h \
	core/base/pages.c \
	core/base/pages.h \
	core/base/seed.h \
	core/base/team.c \
	core/base/team.h \
	core/base/text.c \
	core/base/text.h \
	core/base/time.h
