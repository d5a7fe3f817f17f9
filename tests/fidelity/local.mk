# tests/fidelity: servsim held against real runs, where the measured data are.
EXTRA_DIST += \
	tests/fidelity/crossvalidate.py \
	tests/fidelity/fidelity.py \
	tests/fidelity/preamble.md
dist_check_SCRIPTS += tests/fidelity/limits.sh
TESTS += tests/fidelity/limits.sh

# doc/fidelity.md from the folder that SERVSIM_MEASURED_DATA names.
fidelity: servsim
	rm -rf fidelity.work
	python3 $(srcdir)/tests/fidelity/fidelity.py --servsim ./servsim --work fidelity.work \
	  --preamble $(srcdir)/tests/fidelity/preamble.md > fidelity.work.md
	mv fidelity.work.md $(srcdir)/doc/fidelity.md
	rm -rf fidelity.work

.PHONY: fidelity
