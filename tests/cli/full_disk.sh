#!/bin/sh
# A disk that fills up at any point ends the run with one line and exit status 2, leaves nothing half-written, and once there
# is room, --resume completes it. Needs the right to mount a small file system; skipped without.
set -eu
servsim=$SERVSIM_BUILDDIR/servsim
work=$(mktemp -d)
disk=$work/disk
mkdir "$disk"
trap 'umount "$disk" 2>/dev/null || :; rm -rf "$work"' EXIT
mount -t tmpfs -o size=64k none "$disk" 2>/dev/null || { echo "no right to mount: skipped"; exit 77; }
umount "$disk"
cat >"$work/sweep.yaml" <<'YAML'
servsim: 1
matrix:
  cluster: {one: {gpus: 1}, two: {gpus: 2}, four: {gpus: 4}}
  seed: [1, 2]
workload: {plugin: poisson, rate: 3, requests: 1000, output_distribution: exponential}
report: [json, csv]
YAML
"$servsim" run --quiet --output "$work/calm" "$work/sweep.yaml" >/dev/null
need=$(du -sk "$work/calm" | cut -f 1)

# Fifty sizes from almost nothing to almost enough, each with its point of failure; drawn anew in every run, and printed.
seed=${SERVSIM_TEST_SEED:-$(date +%s)}
tried=0
for size in $(awk -v seed="$seed" -v need="$need" \
    'BEGIN { srand(seed); for (i = 0; i < 50; i++) print 4 + int(rand() * (need * 0.85 - 4)) }'); do
    mount -t tmpfs -o size="${size}k" none "$disk"
    status=0
    "$servsim" run --quiet --output "$disk/out" "$work/sweep.yaml" >"$work/log" 2>&1 || status=$?
    [ "$status" -eq 2 ] || { echo "size ${size}k: exit status $status"; cat "$work/log"; exit 1; }
    [ "$(wc -l <"$work/log")" -eq 1 ] || { echo "size ${size}k:"; cat "$work/log"; exit 1; }
    grep -q "No space left" "$work/log" || { echo "size ${size}k:"; cat "$work/log"; exit 1; }
    for cell in "$disk"/out/cells/*; do
        [ ! -d "$cell" ] || [ -s "$cell/run.json" ] || { echo "size ${size}k: $cell is not whole"; exit 1; }
    done
    [ -z "$(find "$disk" -name '*.part' -o -name '*.tmp')" ] || { find "$disk"; exit 1; }
    mount -o remount,size=100m "$disk"
    "$servsim" run --quiet --resume --output "$disk/out" "$work/sweep.yaml" >/dev/null
    cmp "$work/calm/results.json" "$disk/out/results.json"
    for cell in "$work"/calm/cells/*; do
        cmp "$cell/requests.csv" "$disk/out/cells/${cell##*/}/requests.csv"
        cmp "$cell/summary.json" "$disk/out/cells/${cell##*/}/summary.json"
    done
    umount "$disk"
    tried=$((tried + 1))
done
echo "$tried sizes of disk (seed $seed), each filled and completed"
