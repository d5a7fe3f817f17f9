# tests/abi: the plugin ABI against its last released snapshot, servsim.abi and constants.txt, which
# `tests/abi/abi.sh snapshot` writes here when an ABI is released.
dist_check_SCRIPTS += tests/abi/abi.sh
TESTS += tests/abi/abi.sh
EXTRA_DIST += tests/abi/tables.c tests/abi/servsim.abi tests/abi/constants.txt
