# tests/fuzz: each target reads its corpus once, as a test. `make fuzz` builds them again with clang's libFuzzer and
# sanitizers, in a folder of their own, and looks for inputs that break a law; see doc/fuzzing.md.

fuzz_targets = \
	tests/fuzz/bundle_fuzz \
	tests/fuzz/config_json_fuzz \
	tests/fuzz/descriptor_fuzz \
	tests/fuzz/elf_fuzz \
	tests/fuzz/engine_fuzz \
	tests/fuzz/experiment_fuzz \
	tests/fuzz/measured_fuzz \
	tests/fuzz/trace_fuzz

# `make fuzz` puts libFuzzer's main() in the place of ours: FUZZ_MAIN= FUZZ_LINK=-fsanitize=fuzzer.
FUZZ_MAIN = tests/fuzz/libreplay.a
FUZZ_LINK =
FUZZ_WITH = tests/fuzz/libfuzz.a $(FUZZ_MAIN) $(CORE_LDADD)

check_LIBRARIES += tests/fuzz/libfuzz.a tests/fuzz/libreplay.a
tests_fuzz_libfuzz_a_SOURCES = tests/fuzz/fuzz.c tests/fuzz/fuzz.h
tests_fuzz_libreplay_a_SOURCES = tests/fuzz/replay.c

check_PROGRAMS += $(fuzz_targets)
TESTS += $(fuzz_targets)
EXTRA_DIST += tests/fuzz/corpus tests/fuzz/run.sh

tests_fuzz_bundle_fuzz_SOURCES = tests/fuzz/bundle.c tests/fuzz/both_ways.c tests/fuzz/both_ways.h
tests_fuzz_bundle_fuzz_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_bundle_fuzz_LDADD = $(FUZZ_WITH)

tests_fuzz_config_json_fuzz_SOURCES = tests/fuzz/config_json.c
tests_fuzz_config_json_fuzz_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_config_json_fuzz_LDADD = $(FUZZ_WITH)

tests_fuzz_descriptor_fuzz_SOURCES = tests/fuzz/descriptor.c
tests_fuzz_descriptor_fuzz_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_descriptor_fuzz_LDADD = $(FUZZ_WITH)

tests_fuzz_elf_fuzz_SOURCES = tests/fuzz/elf.c
tests_fuzz_elf_fuzz_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_elf_fuzz_LDADD = $(FUZZ_WITH)

tests_fuzz_engine_fuzz_SOURCES = tests/fuzz/engine.c tests/fuzz/both_ways.c tests/fuzz/both_ways.h
tests_fuzz_engine_fuzz_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_engine_fuzz_LDADD = $(FUZZ_WITH)

tests_fuzz_experiment_fuzz_SOURCES = tests/fuzz/experiment.c
tests_fuzz_experiment_fuzz_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_experiment_fuzz_LDADD = $(FUZZ_WITH)

tests_fuzz_measured_fuzz_SOURCES = tests/fuzz/measured.c
tests_fuzz_measured_fuzz_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_measured_fuzz_LDADD = $(FUZZ_WITH)

tests_fuzz_trace_fuzz_SOURCES = tests/fuzz/trace.c
tests_fuzz_trace_fuzz_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_trace_fuzz_LDADD = $(FUZZ_WITH)

# FUZZ_SECONDS=60: of each target; FUZZ_TARGETS="experiment ...": these alone.
fuzz:
	@rm -rf fuzz/source && mkdir -p fuzz && $(MAKE) -s distdir distdir=fuzz/source
	@MAKE='$(MAKE)' FUZZ_ALL='$(fuzz_targets)' $(SHELL) $(srcdir)/tests/fuzz/run.sh fuzz

.PHONY: fuzz
