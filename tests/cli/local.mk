# tests/cli: scripts that use the program as people do.
cli_tests = \
	tests/cli/bad_input.sh \
	tests/cli/equality.sh \
	tests/cli/interrupt.sh \
	tests/cli/trace_generate.sh
dist_check_SCRIPTS += $(cli_tests)
TESTS += $(cli_tests)
