#!/bin/sh
# Predictors: none but the oracle knows a length before its time; errors of persistence are those of the yardstick; a
# history is left out of the results and of the clock; what is wrong with it is said.
set -eu
servsim=$SERVSIM_BUILDDIR/servsim
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "$*" >&2
    exit 1
}

# Two traces that differ in one answer, that of the last request. It waits behind others, so that who predicts it may
# change when it starts, and its true length may not.
trace() { # LENGTH
    awk -v last="$1" 'BEGIN {
        print "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type"
        for (i = 0; i < 400; i++) {
            out = i == 399 ? last : 20 + i * 37 % 300
            print int(i / 8) ",ChatGPT," 50 + i * 91 % 400 "," out "," 50 + i * 91 % 400 + out ",Conversation log"
        }
    }'
}
trace 3 >"$work/short.csv"
trace 900 >"$work/long.csv"

cat >"$work/blind.yaml" <<YAML
servsim: 1
name: blind
hardware: a100
workload: {plugin: burstgpt, path: $work/TRACE.csv, history: 150}
predictor: {plugin: histogram, interval: 1s}
matrix:
  predictor:
    histogram: {plugin: histogram, enough: 5}
    persistence: persistence
    moving_average: moving_average
    dlinear: {plugin: dlinear, window: 8, average: 3}
    oracle: oracle
  scheduler: {sjf: {plugin: sjf, max_num_seqs: 4, ageing: 0}}
report: []
YAML
for trace in short long; do
    sed "s/TRACE/$trace/" "$work/blind.yaml" >"$work/$trace.yaml"
    "$servsim" run --quiet --output "$work/$trace" "$work/$trace.yaml" >/dev/null
done
"$servsim" plugins | awk '$1 == "predictor" { print $2 }' >"$work/names"
queue_of_last() { # TRACE PREDICTOR: milliseconds, as requests.csv has them
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "queue_ms") column = i } { last = $column } END { print last }' \
        "$work/$1/cells/$2-sjf/requests.csv"
}
while read -r name; do
    short=$(queue_of_last short "$name") long=$(queue_of_last long "$name")
    echo "$name: the last request waits $short and $long ms"
    if [ "$name" = oracle ]; then
        [ "$short" != "$long" ] || fail "the oracle does not see what it should, or the test proves nothing"
    else
        [ "$short" = "$long" ] || fail "$name knows the length of an answer before its time"
    fi
done <"$work/names"

# the yardstick, figure by figure
grep -o '"persistence_[a-z0-9_]*": [-0-9.e]*' "$work/short/cells/persistence-sjf/summary.json" | sed 's/persistence_//' >"$work/yardstick"
[ "$(wc -l <"$work/yardstick")" -gt 20 ]
while read -r figure; do
    grep -qF -- "$figure" "$work/short/cells/persistence-sjf/summary.json" || fail "persistence itself has another $figure"
done <"$work/yardstick"

# the oracle errs nowhere
grep -q '"lengths_mae": 0.0,' "$work/short/cells/oracle-sjf/summary.json" || fail "the oracle errs"
grep -q '"order": 1.0' "$work/short/cells/oracle-sjf/summary.json" || fail "the oracle's order is not perfect"

# the history is not simulated, and time begins behind it
grep -q '"requests_total": 250,' "$work/short/cells/oracle-sjf/summary.json"
grep -q '"history_requests": 150,' "$work/short/cells/oracle-sjf/summary.json"
sed -e '/^predictor/d' -e '/^  predictor/,/oracle: oracle/d' "$work/short.yaml" >"$work/plain.yaml"
"$servsim" run --quiet --output "$work/plain" "$work/plain.yaml" >/dev/null
grep -q '"requests_total": 250,' "$work/plain/cells/sjf/summary.json" || fail "the history is simulated where nobody predicts"
! grep -q '"predictor"' "$work/plain/cells/sjf/summary.json" || fail "predictions of nobody in the summary"

refused() { # WORDS SETTING
    ! "$servsim" run --quiet --output "$work/refused" --set "$2" "$work/plain.yaml" >"$work/said" 2>&1 || fail "not refused: $2"
    grep -q "$1" "$work/said" || { cat "$work/said" >&2; fail "other words than: $1"; }
}
refused 'the history takes all 400 requests of the workload' workload.history=400
refused 'two measures of one thing' workload.history_span=5s
refused "no predictor plugin is named\|unknown predictor plugin" predictor.interval=5s
refused "unknown predictor plugin 'histogramm'.*did you mean 'histogram'" predictor=histogramm

# too short a history for dlinear: it says so
"$servsim" run --output "$work/said_so" --set predictor=dlinear "$work/plain.yaml" >/dev/null 2>"$work/said"
grep -q 'the history has [0-9]* whole minutes and 153 are needed' "$work/said" || { cat "$work/said" >&2; fail "dlinear does not say what it does"; }

# minutes in which nothing comes, for a predictor that does not ask for them, take no time: here 2,000,000,000 of a second
printf 'input_toks\toutput_toks\tarrival_time_ns\n10\t10\t0\n10\t10\t1999999999000000000\n10\t10\t2000000000000000000\n' >"$work/far.tsv"
cat >"$work/far.yaml" <<'YAML'
servsim: 1
workload: {plugin: tokens, path: far.tsv}
predictor: {plugin: oracle, interval: 1s}
timeout: 20s
report: []
YAML
"$servsim" run --quiet --output "$work/far" "$work/far.yaml" >/dev/null
grep -q '"minutes": 2000000000,' "$work/far/cells/run/summary.json" || fail "minutes: $(grep minutes "$work/far/cells/run/summary.json")"
