# data: small data that ships. Add a line for each new file; data/README.md says where it is from.
#   dist_shippeddata_DATA += data/NAME
dist_shippeddata_DATA += data/README.md data/burstgpt_like_10k.csv data/sharegpt_like_100.tsv
EXTRA_DIST += data/regenerate.sh data/regenerate_bundle.sh

# A bundle keeps its folders.
nobase_dist_pkgdata_DATA = \
	data/synthetic_gpu/llama-3.1-8b/bf16/meta.yaml \
	data/synthetic_gpu/llama-3.1-8b/bf16/tp1/attention.csv \
	data/synthetic_gpu/llama-3.1-8b/bf16/tp1/dense.csv \
	data/synthetic_gpu/llama-3.1-8b/bf16/tp1/per_sequence.csv \
	data/synthetic_gpu/llama-3.1-8b/bf16/tp1/skew_fit.csv \
	data/synthetic_gpu/llama-3.1-8b/bf16/tp2/attention.csv \
	data/synthetic_gpu/llama-3.1-8b/bf16/tp2/dense.csv \
	data/synthetic_gpu/llama-3.1-8b/bf16/tp2/per_sequence.csv \
	data/synthetic_gpu/llama-3.1-8b/bf16/tp2/skew_fit.csv

dist_check_SCRIPTS += data/regenerate_check.sh
TESTS += data/regenerate_check.sh

# Policies in Python that are there by default.
datapythondir = $(shippeddatadir)/python
dist_datapython_DATA = data/python/fcfs.py data/python/round_robin.py

# Makes the generated files again, in the source tree.
regenerate-data: all
	$(SHELL) $(srcdir)/data/regenerate.sh ./servsim $(srcdir)/data
	$(SHELL) $(srcdir)/data/regenerate_bundle.sh $(srcdir) $(srcdir)/data/synthetic_gpu

.PHONY: regenerate-data

# What `servsim plugins new` starts from.
templatesdir = $(shippeddatadir)/templates
template_commondir = $(templatesdir)/common
template_hardwaredir = $(templatesdir)/hardware
template_predictordir = $(templatesdir)/predictor
template_reportdir = $(templatesdir)/report
template_routerdir = $(templatesdir)/router
template_schedulerdir = $(templatesdir)/scheduler
template_workloaddir = $(templatesdir)/workload
dist_template_common_DATA = data/templates/common/Makefile data/templates/common/README.md
dist_template_hardware_DATA = data/templates/hardware/NAME.c.in data/templates/hardware/experiment.yaml
dist_template_predictor_DATA = data/templates/predictor/NAME.c.in data/templates/predictor/experiment.yaml
dist_template_report_DATA = data/templates/report/NAME.c.in data/templates/report/experiment.yaml
dist_template_router_DATA = data/templates/router/NAME.c.in data/templates/router/experiment.yaml
dist_template_scheduler_DATA = data/templates/scheduler/NAME.c.in data/templates/scheduler/experiment.yaml
dist_template_workload_DATA = data/templates/workload/NAME.c.in data/templates/workload/experiment.yaml
