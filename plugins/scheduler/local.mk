# plugins/scheduler: the plugins that compose engine steps.
plugin_LTLIBRARIES += plugins/scheduler_fcfs.la
plugins_scheduler_fcfs_la_SOURCES = plugins/scheduler/fcfs/fcfs.c
plugins_scheduler_fcfs_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_scheduler_fcfs_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_scheduler_fcfs_la_LDFLAGS = $(PLUGIN_LDFLAGS)

plugin_LTLIBRARIES += plugins/scheduler_static.la
plugins_scheduler_static_la_SOURCES = plugins/scheduler/static/static.c
plugins_scheduler_static_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_scheduler_static_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_scheduler_static_la_LDFLAGS = $(PLUGIN_LDFLAGS)

plugin_LTLIBRARIES += plugins/scheduler_orca.la
plugins_scheduler_orca_la_SOURCES = plugins/scheduler/orca/orca.c
plugins_scheduler_orca_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_scheduler_orca_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_scheduler_orca_la_LDFLAGS = $(PLUGIN_LDFLAGS)

plugin_LTLIBRARIES += plugins/scheduler_vllm_v0.la
plugins_scheduler_vllm_v0_la_SOURCES = plugins/scheduler/vllm_v0/vllm_v0.c
plugins_scheduler_vllm_v0_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_scheduler_vllm_v0_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_scheduler_vllm_v0_la_LDFLAGS = $(PLUGIN_LDFLAGS)

plugin_LTLIBRARIES += plugins/scheduler_sarathi.la
plugins_scheduler_sarathi_la_SOURCES = plugins/scheduler/sarathi/sarathi.c
plugins_scheduler_sarathi_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_scheduler_sarathi_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_scheduler_sarathi_la_LDFLAGS = $(PLUGIN_LDFLAGS)

plugin_LTLIBRARIES += plugins/scheduler_sjf.la
plugins_scheduler_sjf_la_SOURCES = plugins/scheduler/sjf/sjf.c
plugins_scheduler_sjf_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_scheduler_sjf_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_scheduler_sjf_la_LDFLAGS = $(PLUGIN_LDFLAGS)

plugin_LTLIBRARIES += plugins/scheduler_srpt.la
plugins_scheduler_srpt_la_SOURCES = plugins/scheduler/srpt/srpt.c
plugins_scheduler_srpt_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_scheduler_srpt_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_scheduler_srpt_la_LDFLAGS = $(PLUGIN_LDFLAGS)

plugin_LTLIBRARIES += plugins/scheduler_priority.la
plugins_scheduler_priority_la_SOURCES = plugins/scheduler/priority/priority.c
plugins_scheduler_priority_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_scheduler_priority_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_scheduler_priority_la_LDFLAGS = $(PLUGIN_LDFLAGS)

plugin_LTLIBRARIES += plugins/scheduler_mlfq.la
plugins_scheduler_mlfq_la_SOURCES = plugins/scheduler/mlfq/mlfq.c
plugins_scheduler_mlfq_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_scheduler_mlfq_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_scheduler_mlfq_la_LDFLAGS = $(PLUGIN_LDFLAGS)

plugin_LTLIBRARIES += plugins/scheduler_fair.la
plugins_scheduler_fair_la_SOURCES = plugins/scheduler/fair/fair.c
plugins_scheduler_fair_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_scheduler_fair_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_scheduler_fair_la_LDFLAGS = $(PLUGIN_LDFLAGS)

plugin_LTLIBRARIES += plugins/scheduler_slo.la
plugins_scheduler_slo_la_SOURCES = plugins/scheduler/slo/slo.c
plugins_scheduler_slo_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_scheduler_slo_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_scheduler_slo_la_LDFLAGS = $(PLUGIN_LDFLAGS)

plugin_LTLIBRARIES += plugins/scheduler_predictive.la
plugins_scheduler_predictive_la_SOURCES = plugins/scheduler/predictive/predictive.c
plugins_scheduler_predictive_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_scheduler_predictive_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_scheduler_predictive_la_LDFLAGS = $(PLUGIN_LDFLAGS)
