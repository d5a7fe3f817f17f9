# data: small data that ships. Add a line for each new file; data/README.md says where it is from.
#   dist_shippeddata_DATA += data/NAME
dist_shippeddata_DATA += data/README.md data/burstgpt_like_10k.csv data/sharegpt_like_100.tsv
EXTRA_DIST += data/regenerate.sh

dist_check_SCRIPTS += data/regenerate_check.sh
TESTS += data/regenerate_check.sh

# Makes the generated files again, in the source tree.
regenerate-data: all
	$(SHELL) $(srcdir)/data/regenerate.sh ./servsim $(srcdir)/data

.PHONY: regenerate-data
