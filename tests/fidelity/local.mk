# tests/fidelity: servsim held against real runs, where the measured data are.
EXTRA_DIST += \
	tests/fidelity/crossvalidate.py \
	tests/fidelity/fidelity.py \
	tests/fidelity/preamble.md \
	tests/fidelity/published.md \
	tests/fidelity/published.py \
	tests/fidelity/published_runs.csv
dist_check_SCRIPTS += tests/fidelity/limits.sh tests/fidelity/power.sh tests/fidelity/published.sh
TESTS += tests/fidelity/limits.sh tests/fidelity/power.sh tests/fidelity/published.sh

# doc/fidelity.md from the folder that SERVSIM_MEASURED_DATA names.
fidelity: servsim
	rm -rf fidelity.work
	python3 $(srcdir)/tests/fidelity/fidelity.py --servsim ./servsim --work fidelity.work \
	  --preamble $(srcdir)/tests/fidelity/preamble.md > fidelity.work.md
	mv fidelity.work.md $(srcdir)/doc/fidelity.md
	rm -rf fidelity.work

# doc/published-runs.md, which needs no other data.
published: servsim
	rm -rf published.work
	python3 $(srcdir)/tests/fidelity/published.py --servsim ./servsim --work published.work \
	  --preamble $(srcdir)/tests/fidelity/published.md > published.work.md
	mv published.work.md $(srcdir)/doc/published-runs.md
	rm -rf published.work

.PHONY: fidelity published
