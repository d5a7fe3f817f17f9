# tests/install: the installed tree, and plugins that others build against it.

install_tests = \
	tests/install/examples.sh \
	tests/install/external_plugin.sh \
	tests/install/guide.sh \
	tests/install/manual.sh \
	tests/install/moved_tree.sh \
	tests/install/plugins_new.sh \
	tests/install/uninstall.sh
dist_check_SCRIPTS += $(install_tests)
TESTS += $(install_tests)
EXTRA_DIST += \
	tests/install/functions.sh \
	tests/external-plugin/Makefile.am \
	tests/external-plugin/configure.ac \
	tests/external-plugin/lcfs.c \
	tests/external-plugin/lcfs.yaml \
	tests/external-plugin/plain.mk
