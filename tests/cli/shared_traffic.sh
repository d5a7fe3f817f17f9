#!/usr/bin/env bash
# Cells that want the same trace share one reading of it, and their results are those of cells that read for themselves.
# A workload that dies while it is read costs the cells that want it, and no other.
set -eu
servsim=$SERVSIM_BUILDDIR/servsim
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$SERVSIM_BUILDDIR/tests/cli/.libs/counted.so" "$work/counted.so"
chmod go-w "$work/counted.so"
if [ -n "${SERVSIM_SANITIZED:-}" ]; then
    export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}handle_segv=0:detect_leaks=0"
fi
: >"$work/trace"
experiment() { # OPTIONS OF THE WORKLOAD, OTHER KEYS
    printf '%s\n' 'servsim: 1' 'report: [json]' "matrix: {scheduler: [fcfs, sjf, orca], seed: [1, 2]}" \
        "workload: {plugin: $work/counted.so, path: trace, log: $work/log$1}" "${2:-}" >"$work/shared.yaml"
}
run() { # EXIT STATUS, FLAGS
    wanted=$1
    shift
    status=0
    : >"$work/log"
    (ulimit -c 0; exec "$servsim" run --quiet "$@" "$work/shared.yaml") >"$work/said" 2>&1 || status=$?
    [ "$status" -eq "$wanted" ] || fail "exit status $status, not $wanted"
}
fail() {
    echo "$1"
    cat "$work/said"
    exit 1
}
readings() { # COUNT WHAT
    count=$(wc -l <"$work/log")
    [ "$count" -eq "$1" ] || fail "$2: read $count times, not $1"
}
same() { # FOLDER OTHER
    for cell in "$1"/cells/*; do
        for file in requests.csv summary.json series.csv itl.csv; do
            cmp "$cell/$file" "$2/cells/${cell##*/}/$file" || fail "${cell##*/}/$file differs"
        done
    done
}

# three cells a seed: one reading a seed; one after another, each has its own
experiment ''
run 0 --output "$work/together"
readings 2 "six cells of two seeds"
for cell in fcfs-1 fcfs-2 sjf-1 sjf-2 orca-1 orca-2; do
    run 0 --cell "$cell" --output "$work/alone"
    readings 1 "$cell alone"
done
[ "$(ls "$work/alone/cells" | wc -l)" -eq 6 ] || fail "not all cells ran alone"
same "$work/together" "$work/alone"

# what is current is not read for
run 0 --resume --output "$work/together"
readings 0 "all cells current"

# a load is measured over the same reading
experiment ', load: 0.5'
run 0 --output "$work/loaded"
readings 2 "six cells with a load"

# a history is part of the traffic; a stop leaves the rest of it unread
experiment ', history: 20'
run 0 --output "$work/history"
readings 2 "six cells with a history"
experiment '' 'stop_after: 10s'
run 0 --output "$work/stopped"
readings 6 "six cells that stop"

# a folder for what is said of those that die: nothing is hidden by the sharing
for how in segfault loop; do
    experiment ", how: $how" 'timeout: 2s'
    sed -i "s|^matrix: .*|matrix: {scheduler: [fcfs, sjf], workload: {good: {plugin: poisson, rate: 9, requests: 20}, bad: {}}}|" \
        "$work/shared.yaml"
    run 1 --output "$work/$how"
    [ "$(ls "$work/$how/cells" | tr '\n' ' ')" = "fcfs-good sjf-good " ] || fail "$how: other cells are there"
    case $how in
    segfault) words='signal 11 (SIGSEGV' ;;
    loop) words='timed out after 2 s' ;;
    esac
    [ "$(grep -c "^[a-z]*-bad .*$words" "$work/said")" -eq 2 ] || fail "$how: the cells do not say so"
done
