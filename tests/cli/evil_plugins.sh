#!/usr/bin/env bash
# A plugin that crashes, aborts, exits, loops, eats memory or breaks the rules costs its own cell, and the report says what
# happened; the rest of the experiment goes on.
set -eu
servsim=$SERVSIM_BUILDDIR/servsim
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$SERVSIM_BUILDDIR/tests/cli/.libs/evil.so" "$work/evil.so"
chmod go-w "$work/evil.so"
eater=memory
if [ -n "${SERVSIM_SANITIZED:-}" ]; then
    eater=loop # nothing would stop the other one there
    # a sanitizer must not answer in the plugin's place
    export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}handle_segv=0:handle_abort=0:detect_leaks=0"
fi
cat >"$work/evil.yaml" <<YAML
servsim: 1
timeout: 3s
workload: {plugin: poisson, rate: 20, requests: 100}
matrix:
  scheduler:
    good: {plugin: fcfs}
    segfault: {plugin: $work/evil.so, how: segfault}
    abort: {plugin: $work/evil.so, how: abort}
    exit: {plugin: $work/evil.so, how: exit}
    loop: {plugin: $work/evil.so, how: loop}
    memory: {plugin: $work/evil.so, how: $eater}
    error: {plugin: $work/evil.so, how: error}
    rules: {plugin: $work/evil.so, how: rules}
    lazy: {plugin: $work/evil.so, how: lazy}
    finish: {plugin: $work/evil.so, how: finish, max_num_seqs: 8}
    create: {plugin: $work/evil.so, how: create}
    better: {plugin: fcfs, long_prefill_threshold: 64}
report: [json, markdown]
YAML

# memory is bounded here, so that the machine that runs this test keeps its own; sanitizers want all the addresses there
# are, and abort by themselves where the cell's own memory runs out
status=0
(
    ulimit -c 0
    [ -n "${SERVSIM_SANITIZED:-}" ] || ulimit -v 4000000
    exec "$servsim" run --output "$work/out" "$work/evil.yaml"
) >"$work/log" 2>&1 || status=$?
fail() {
    echo "$1"
    cat "$work/log"
    exit 1
}
[ "$status" -eq 1 ] || fail "exit status $status"

says() { # CELL WORDS
    grep -q "^\[[0-9]*/12\] $1 .*$2" "$work/log" || fail "$1: no '$2'"
}
says good "done"
says better "done"
says segfault "signal 11 (SIGSEGV"
says create "signal 11 (SIGSEGV"
says abort "signal 6 (SIGABRT, Aborted); its last words: \"the queue is corrupt\""
says exit "exit status 0 before it was done"
says loop "timed out after 3 s"
says memory "killed by signal\|timed out"
says error "scheduler plugin 'evil': I will not"
says rules "broke a rule"
says lazy "waiting for ever"
says finish "scheduler plugin 'evil': I cannot let it go"
[ "$(ls -A "$work/out/cells" | tr '\n' ' ')" = "better good " ] || fail "folders: $(ls -A "$work/out/cells")"
grep -q "timed out after 3 s" "$work/out/report.md" || fail "the report does not say why a cell failed"

# one failed cell again, alone: the two that are there stay as they are, and so does what was not asked for
grep -q -- "--cell 'segfault'" "$work/out/report.md" || fail "the report does not say how to run a failed cell alone"
before=$(stat -c %Y.%i "$work/out/cells/good")
status=0
(ulimit -c 0; exec "$servsim" run --cell segfault --output "$work/out" "$work/evil.yaml") >"$work/log" 2>&1 || status=$?
[ "$status" -eq 1 ] || fail "--cell: exit status $status"
says segfault "signal 11"
grep -q "left out by --cell" "$work/log" || fail "--cell: what was left out is not said"
[ "$before" = "$(stat -c %Y.%i "$work/out/cells/good")" ] || fail "--cell: another cell was run again"
status=0
"$servsim" run --cell segfaul --output "$work/out" "$work/evil.yaml" >"$work/log" 2>&1 || status=$?
[ "$status" -eq 2 ] || fail "--cell of no cell: exit status $status"
grep -q "there is no such cell; write segfault" "$work/log" || fail "--cell of no cell"

# where a load is to be found, one that dies takes no part in the search; where all of them die, their cells have failed
cat >"$work/load.yaml" <<YAML
servsim: 1
timeout: 3s
matrix:
  scheduler: {good: {plugin: fcfs}, bad: {plugin: $work/evil.so, how: abort}}
  workload: {calm: {rate: 20}, loaded: {rate: 20, load: 1.5}}
workload: {plugin: poisson, requests: 100}
report: []
YAML
status=0
(ulimit -c 0; exec "$servsim" run --output "$work/load" "$work/load.yaml") >"$work/log" 2>&1 || status=$?
[ "$status" -eq 1 ] || fail "a load: exit status $status"
[ "$(ls "$work/load/cells" | tr '\n' ' ')" = "good-calm good-loaded " ] || fail "a load: $(ls "$work/load/cells")"
grep -q "^bad-loaded .*its last words: \"the queue is corrupt\"" "$work/log" || fail "a load: the cell does not say why"
sed -i 's/good: {plugin: fcfs}, //' "$work/load.yaml"
status=0
(ulimit -c 0; exec "$servsim" run --output "$work/none" "$work/load.yaml") >"$work/log" 2>&1 || status=$?
[ "$status" -eq 1 ] || fail "no load: exit status $status"
grep -q "^bad-loaded .*load: no capacity could be measured: killed by signal 6" "$work/log" || fail "no load: no reason"
