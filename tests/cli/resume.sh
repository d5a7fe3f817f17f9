#!/bin/sh
# A sweep that is killed at random points, as a whole or one worker, is completed by --resume, and its results equal those
# of an undisturbed run byte for byte; and so do those of any number of jobs.
set -eu
servsim=$SERVSIM_BUILDDIR/servsim
rounds=${SERVSIM_RESUME_ROUNDS:-50}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/sweep.yaml" <<'YAML'
servsim: 1
matrix:
  cluster: {one: {gpus: 1}, two: {gpus: 2}, four: {gpus: 4}}
  seed: [1, 2, 3]
workload: {plugin: poisson, rate: 3, requests: 12000, output_distribution: exponential}
report: [json, csv]
YAML

begun=$(date +%s%N)
"$servsim" run --quiet --jobs 2 --output "$work/calm" "$work/sweep.yaml" >/dev/null
ended=$(date +%s%N)
same() { # FOLDER: equals the calm run, but for what may differ
    cmp "$work/calm/results.json" "$1/results.json"
    cmp "$work/calm/results.csv" "$1/results.csv"
    for cell in "$work/calm/cells"/*; do
        for file in requests.csv summary.json series.csv itl.csv; do
            cmp "$cell/$file" "$1/cells/${cell##*/}/$file"
        done
    done
    [ "$(ls -A "$1/cells" | wc -l)" -eq 9 ] || { ls -lA "$1/cells" "$1"/cells/.*; return 1; }
}

"$servsim" run --quiet --jobs 4 --output "$work/jobs" "$work/sweep.yaml" >/dev/null
same "$work/jobs"

round=0
disturbed=0
while [ "$round" -lt "$rounds" ]; do
    round=$((round + 1))
    rm -rf "$work/out"
    "$servsim" run --quiet --jobs 2 --output "$work/out" "$work/sweep.yaml" >/dev/null 2>&1 &
    running=$!
    # at another point of the run each time
    sleep "$(awk -v r="$round" -v n="$rounds" -v ns="$((ended - begun))" 'BEGIN { printf "%.3f", ns / 1e9 * r / n }')"
    if [ $((round % 2)) -eq 0 ]; then
        kill -9 "$running" 2>/dev/null && disturbed=$((disturbed + 1))
    else
        worker=$(pgrep -P "$running" | head -n 1) || :
        [ -z "$worker" ] || { kill -9 "$worker" 2>/dev/null && disturbed=$((disturbed + 1)); }
    fi
    wait "$running" 2>/dev/null || :
    "$servsim" run --quiet --resume --output "$work/out" "$work/sweep.yaml" >/dev/null
    same "$work/out"
done
echo "$disturbed of $rounds runs were disturbed"
[ "$disturbed" -gt $((rounds / 3)) ]

# what has changed is run again, what has not is kept
sed -i 's/four: {gpus: 4}/four: {gpus: 8}/' "$work/sweep.yaml"
"$servsim" run --resume --output "$work/out" "$work/sweep.yaml" >/dev/null 2>"$work/log"
[ "$(grep -c ' kept$' "$work/log")" -eq 6 ]
[ "$(grep -c '^\[.* four-. done$' "$work/log")" -eq 3 ]
