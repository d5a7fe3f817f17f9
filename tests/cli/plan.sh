#!/bin/sh
# servsim plan: the rate that it finds meets the SLO and a little more does not, by a run of that rate; more GPUs and a
# wider SLO serve more; what cannot be met, or missed, is said; and a plugin that dies costs its cell.
set -eu
servsim=$SERVSIM_BUILDDIR/servsim
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
# shellcheck source=tests/cli/functions.sh
. "$SERVSIM_SRCDIR/tests/cli/functions.sh"

experiment() { # SLO, MATRIX
    printf '%s\n' 'servsim: 1' 'hardware: h100' "slo: $1" "matrix: $2" 'report: []' \
        'workload: {plugin: burstgpt, path: "data:burstgpt_like_10k.csv", sample: 1500, rate: 10}' >plan.yaml
}
value() { # FILE CELL KEY: of the plan
    awk -v cell="\"name\": \"$2\"" -v key="\"$3\":" '
        index($0, cell) { here = 1 }
        here && index($0, key) { sub(/.*: /, ""); sub(/,$/, ""); print; exit }' "$1"
}
compare() { # LESS THAN: numbers
    awk -v a="$1" -v b="$2" 'BEGIN { exit !(a < b) }' || fail "$1 is not less than $2"
}

experiment '{ttft: 500ms, tpot: 25ms}' '{cluster: {one: {gpus: 1}, two: {gpus: 2}, four: {gpus: 4}}, scheduler: [sarathi]}'
"$servsim" plan --json --quiet plan.yaml >plan.json
"$servsim" plan --json --quiet --jobs 1 plan.yaml >again.json
cmp plan.json again.json
one=$(value plan.json one-sarathi highest_requests_per_s)
two=$(value plan.json two-sarathi highest_requests_per_s)
four=$(value plan.json four-sarathi highest_requests_per_s)
compare "$one" "$two"
compare "$two" "$four"

# the same traffic at that rate, and at a little more, run as anybody would
attained() { # CELL FACTOR: at FACTOR times its highest rate
    scale=$(awk -v r="$(value plan.json "$1" highest_requests_per_s)" -v own="$(value plan.json "$1" own_requests_per_s)" \
        -v factor="$2" 'BEGIN { printf "%.9g", 10 * factor * r / own }')
    "$servsim" run --quiet --cell "$1" --set "workload.rate=$scale" --output runs plan.yaml >/dev/null
    awk -F '[:,]' '/"slo_attainment"/ { print $2 + 0 }' "runs/cells/$1/summary.json"
}
for cell in one-sarathi two-sarathi four-sarathi; do
    compare 0.9895 "$(attained "$cell" 1)"
    compare "$(attained "$cell" 1.03)" 0.9905
done

# the verdict: the fewest GPUs that serve the traffic as it is
"$servsim" plan --quiet plan.yaml >text
fewest=$(awk '/^(one|two|four)-/ && $4 == "yes" && (n == "" || $2 < n) { n = $2; cell = $1 } END { print cell }' text)
[ -n "$fewest" ] || fail "no cell serves the traffic"
says text "fewest GPUs for the traffic as it is (10 requests/s): $fewest," "SLO: TTFT at most 500ms and TPOT at most 25ms, for 99%"
"$servsim" plan --quiet --set slo.ttft=2s --attainment 0.9 --json plan.yaml >wider.json
compare "$one" "$(value wider.json one-sarathi highest_requests_per_s)"

# what a request costs there, for each cell, where the device has a price; and the SLO as people say it
! grep -q USD text || fail "there is no price"
price="--set hardware.plugin=h100 --set hardware.price_per_hour=2.5"
# shellcheck disable=SC2086 # words apart
"$servsim" plan --quiet $price plan.yaml >text
says text "USD/1000 req."
for cell in one two; do
    rate=$(value plan.json $cell-sarathi highest_requests_per_s)
    usd=$(awk -v gpus="$(value plan.json $cell-sarathi gpus)" -v rate="$rate" 'BEGIN { printf "%.3g", gpus * 2.5 / 3.6 / rate }')
    awk -v cell=$cell-sarathi -v usd="$usd" '$1 == cell && $NF != usd { exit 1 }' text || fail "$cell costs $usd: $(cat text)"
done
# shellcheck disable=SC2086
[ "$("$servsim" plan --quiet --json $price plan.yaml | grep -c '"usd_per_1000_requests": [0-9.]*,')" -eq 3 ] || fail "the cost as JSON"
"$servsim" plan --quiet --set slo.ttft=1d --set slo.tpot=90s plan.yaml >text
says text "SLO: TTFT at most 86400s and TPOT at most 90s, for 99%"

# never, and always
experiment '{ttft: 90000s}' '{slo: {never: {tpot: 1us}, always: {ttft: 90000s}}}'
"$servsim" plan --quiet --json plan.yaml >ends.json
[ "$(value ends.json never state)" = '"never"' ] || fail "1 us a token can be met"
[ "$(value ends.json always state)" = '"always"' ] || fail "a day to the first token can be missed"
[ "$(value ends.json never meets_own)" = false ] && [ "$(value ends.json always meets_own)" = true ] || fail "the ends"
"$servsim" plan --quiet plan.yaml >text
says text "each cell has an SLO of its own" "fewest GPUs for the traffic as it is (10 requests/s): always, 1"
"$servsim" plan --quiet --set matrix.slo.always.ttft=1us plan.yaml >text
says text "no cell meets the SLO with the traffic as it is" "even where requests hardly meet"

# replicates are judged together; and short traffic, before queues can grow, is no measure
cat >short.yaml <<'YAML'
servsim: 1
model: llama-3.1-70b
hardware: h100
cluster: {gpus: 4, tp: 4}
slo: {ttft: 2s, tpot: 50ms}
workload: {plugin: poisson, rate: 5, requests: 200, prompt_tokens: 1000, output_tokens: 250}
replicates: 2
YAML
"$servsim" plan --quiet short.yaml >text
says text "run.r2" "* too high to rely on"
! grep -q "per GPU: run" text || fail "a rate that nobody can rely on is praised"
"$servsim" plan --quiet --set workload.requests=3000 short.yaml >text
says text "most requests/s per GPU: run, "
! grep -q '[*]' text || fail "3,000 requests are too few"

# a plugin that dies
cp "$SERVSIM_BUILDDIR/tests/cli/.libs/evil.so" evil.so
chmod go-w evil.so
experiment '{ttft: 20s}' '{scheduler: {good: {plugin: fcfs}, bad: {plugin: ./evil.so, how: abort}}}'
[ -z "${SERVSIM_SANITIZED:-}" ] || export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}handle_abort=0:detect_leaks=0"
status=0
"$servsim" plan plan.yaml >text 2>err || status=$?
[ "$status" -eq 1 ] || fail "a dead cell: exit status $status"
says text "failed: killed by signal 6" "fewest GPUs"
says err "[2/2]" ", 1 simulation"

# one that never ends: each simulation has the experiment's timeout, and no more
experiment '{ttft: 20s}' '{scheduler: {good: {plugin: fcfs}, bad: {plugin: ./evil.so, how: loop}}}'
echo 'timeout: 5s' >>plan.yaml
status=0
"$servsim" plan --quiet plan.yaml >text || status=$?
[ "$status" -eq 1 ] || fail "an endless cell: exit status $status"
says text "failed: timed out: simulation 1 of the search, at 10 requests/s, took more than 5 s; write a longer timeout"

# what cannot be planned for
experiment '{ttft: 1s}' '{cluster: {one: {gpus: 1}}}'
refuses "--attainment 120%: not a share above 0" "$servsim" plan --attainment 120% plan.yaml
refuses "--tolerance 0:" "$servsim" plan --tolerance 0 plan.yaml
refuses "plan wants one experiment file" "$servsim" plan
refuses "there is no such file" "$servsim" plan missing.yaml
refuses "--attainment" "$servsim" plan --attainmnt 1 plan.yaml
sed -i '/^slo/d' plan.yaml
refuses "plan.yaml: there is no SLO to plan for; write slo:" "$servsim" plan plan.yaml
printf '%s\n' 'servsim: 1' 'slo: {ttft: 1s}' 'workload: {plugin: tokens, path: once.tsv}' >once.yaml
printf 'input_toks\toutput_toks\tarrival_time_ns\n10\t10\t0\n10\t10\t0\n' >once.tsv
refuses "has no rate to plan for (2 requests at one time)" "$servsim" plan --quiet once.yaml
