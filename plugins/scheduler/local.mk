# plugins/scheduler: the plugins that compose engine steps.
plugin_LTLIBRARIES += plugins/scheduler_fcfs.la
plugins_scheduler_fcfs_la_SOURCES = plugins/scheduler/fcfs/fcfs.c
plugins_scheduler_fcfs_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_scheduler_fcfs_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_scheduler_fcfs_la_LDFLAGS = $(PLUGIN_LDFLAGS)
