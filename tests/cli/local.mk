# tests/cli: scripts that use the program as people do.
cli_tests = \
	tests/cli/bad_input.sh \
	tests/cli/compare.sh \
	tests/cli/configs.sh \
	tests/cli/disaggregation.sh \
	tests/cli/energy.sh \
	tests/cli/equality.sh \
	tests/cli/evil_plugins.sh \
	tests/cli/failures.sh \
	tests/cli/full_disk.sh \
	tests/cli/interrupt.sh \
	tests/cli/measure_gpu.sh \
	tests/cli/models.sh \
	tests/cli/parts.sh \
	tests/cli/plan.sh \
	tests/cli/plugins_check.sh \
	tests/cli/plugins_shipped.sh \
	tests/cli/predictors.sh \
	tests/cli/predictive.sh \
	tests/cli/python.sh \
	tests/cli/readme_step.sh \
	tests/cli/resume.sh \
	tests/cli/schema.sh \
	tests/cli/schedulers.sh \
	tests/cli/shared_traffic.sh \
	tests/cli/trace_tools.sh \
	tests/cli/validate.sh
EXTRA_DIST += tests/cli/functions.sh
dist_check_SCRIPTS += $(cli_tests)
TESTS += $(cli_tests)

check_LTLIBRARIES += tests/cli/counted.la
tests_cli_counted_la_SOURCES = tests/cli/counted.c
tests_cli_counted_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_cli_counted_la_CFLAGS = $(PLUGIN_CFLAGS)
tests_cli_counted_la_LDFLAGS = $(CHECK_PLUGIN_LDFLAGS)

check_LTLIBRARIES += tests/cli/evil.la
tests_cli_evil_la_SOURCES = tests/cli/evil.c
tests_cli_evil_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_cli_evil_la_CFLAGS = $(PLUGIN_CFLAGS)
tests_cli_evil_la_LDFLAGS = $(CHECK_PLUGIN_LDFLAGS)
