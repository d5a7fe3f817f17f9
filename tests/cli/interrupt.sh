#!/bin/sh
# Ctrl-C ends cleanly: exit status 130, finished cells kept, nothing half-written.
set -eu
servsim=$SERVSIM_BUILDDIR/servsim
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/long.yaml" <<'YAML'
servsim: 1
report: []
matrix:
  workload:
    short: {plugin: poisson, rate: 2, requests: 10}
    endless: {plugin: poisson, rate: 2, requests: 100000000}
YAML
"$servsim" run --jobs 1 --output "$work/out" "$work/long.yaml" >"$work/log" 2>&1 &
running=$!
waited=0
until [ -e "$work/out/cells/short/run.json" ]; do
    sleep 0.1
    waited=$((waited + 1))
    [ "$waited" -lt 300 ] || { echo "the short cell never ended"; cat "$work/log"; exit 1; }
done
sleep 0.3
kill -INT "$running"
status=0
wait "$running" || status=$?
[ "$status" -eq 130 ] || { echo "exit status $status"; cat "$work/log"; exit 1; }
[ -e "$work/out/cells/short/summary.json" ]
grep -q 'interrupted; finished cells are in .*/out, and run --resume goes on$' "$work/log" || { cat "$work/log"; exit 1; }
! grep -q 'failed\|killed' "$work/log" || { echo "a cell that was stopped is said to have failed"; cat "$work/log"; exit 1; }
[ "$(ls -A "$work/out/cells")" = short ] || { ls -lA "$work/out/cells"; exit 1; }

# none was finished: nothing is left, and it is said
"$servsim" run --jobs 1 --cell endless --output "$work/none" "$work/long.yaml" >"$work/log" 2>&1 &
running=$!
waited=0
until [ -n "$(find "$work" -path '*none/cells/.endless*')" ] || [ "$waited" -ge 300 ]; do
    sleep 0.1
    waited=$((waited + 1))
done
kill -INT "$running"
wait "$running" || true
[ ! -e "$work/none" ] && grep -q 'interrupted; no cell was finished$' "$work/log" || { cat "$work/log"; exit 1; }

# a single simulation leaves nothing at all
printf 'input_toks\toutput_toks\tarrival_time_ns\n' >"$work/t.tsv"
awk 'BEGIN { for (i = 0; i < 300000; i++) printf "%d\t2000\t%d\n", 100, i * 1000 }' >>"$work/t.tsv"
"$servsim" simulate --stepwise --dataset "$work/t.tsv" --output "$work/r.csv" >"$work/log" 2>&1 &
running=$!
sleep 0.5
kill -INT "$running"
status=0
wait "$running" || status=$?
[ "$status" -eq 130 ] || { echo "simulate: exit status $status"; cat "$work/log"; exit 1; }
for left in "$work"/r.*; do
    [ ! -e "$left" ] || { ls "$work"; exit 1; }
done
