#!/bin/sh
# The median that servsim keeps against runs that others published.
set -eu
if ! command -v python3 >/dev/null; then
    echo "skipped: python3 is missing"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 "$SERVSIM_SRCDIR/tests/fidelity/published.py" --servsim "$SERVSIM_BUILDDIR/servsim" --work "$work" --check
