#!/bin/sh
# Every experiment that ships runs, and leaves a report. The largest is made smaller first.
set -eu
servsim=$SERVSIM_BUILDDIR/servsim
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
count=0
for config in "$SERVSIM_SRCDIR"/configs/*.yaml; do
    name=$(basename "$config" .yaml)
    set --
    if [ "$name" = multi_gpu ]; then
        set -- --set matrix.workload.burstgpt_full.requests=20000 --set matrix.workload.burstgpt_full_loaded.requests=20000
    fi
    "$servsim" run --quiet --output "$work/$name" "$@" "$config" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
    [ -s "$work/$name/report.md" ] || { echo "$name left no report"; exit 1; }
    [ -s "$work/$name/results.json" ] || { echo "$name left no results.json"; exit 1; }
    rm -rf "${work:?}/$name"
    count=$((count + 1))
done
echo "$count experiments"
[ "$count" -ge 2 ]
