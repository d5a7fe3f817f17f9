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

# Makes the generated files again, in the source tree.
regenerate-data: all
	$(SHELL) $(srcdir)/data/regenerate.sh ./servsim $(srcdir)/data
	$(SHELL) $(srcdir)/data/regenerate_bundle.sh $(srcdir) $(srcdir)/data/synthetic_gpu

.PHONY: regenerate-data
