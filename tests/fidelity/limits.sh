#!/bin/sh
# The limits that servsim keeps against real runs; skipped without the measured data.
set -eu
if [ -z "${SERVSIM_MEASURED_DATA:-}" ] || ! command -v python3 >/dev/null; then
    echo "skipped: SERVSIM_MEASURED_DATA names no folder with measured data, or python3 is missing"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 "$SERVSIM_SRCDIR/tests/fidelity/fidelity.py" --servsim "$SERVSIM_BUILDDIR/servsim" --work "$work" --check \
    --only stages --only rtxpro --only rtx3090
