#!/bin/sh
# The harness itself: a failed assertion must be seen, a skipped case must be told apart, and no case may be lost.
set -eu

seen=$("$SERVSIM_BUILDDIR/tests/unit/harness_probe") || { echo "the probe did not return 0" >&2; exit 1; }
printf '%s\n' "$seen"

expect() {
    printf '%s\n' "$seen" | grep -qx -- "$1" || { echo "no line '$1'" >&2; exit 1; }
}

expect '1\.\.5'
expect 'ok 1 - passes'
expect 'not ok 2 - fails'
expect '# .*harness_probe\.c:[0-9]*: CU_ASSERT_EQUAL(1,2)'
expect '# .*harness_probe\.c:[0-9]*: CU_ASSERT_EQUAL(3,4)'
expect 'not ok 3 - fails at once'
expect 'ok 4 - is skipped # SKIP nothing to do'
expect 'not ok 5 - fails before it is skipped'
if printf '%s\n' "$seen" | grep -q 'not reached'; then
    echo "a fatal assertion did not end its case" >&2
    exit 1
fi
