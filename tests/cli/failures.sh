#!/bin/sh
# Failures inside of the simulation: what dead, late-noticed and slow replicas must cost, what becomes of requests, and
# that nothing changes where nothing fails.
set -eu
servsim=$SERVSIM_BUILDDIR/servsim
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/plain.yaml" <<'YAML'
servsim: 1
name: plain
hardware: a100
cluster: {gpus: 4}
workload: {plugin: poisson, rate: 7, requests: 2000, prompt_distribution: sharegpt, output_distribution: sharegpt}
slo: {ttft: 1s, tpot: 50ms}
matrix:
  router: [round_robin, least_loaded]
report: []
YAML
sed -e 's/^name: .*/name: failures/' -e '/^matrix:/,$d' "$work/plain.yaml" >"$work/failures.yaml"
cat >>"$work/failures.yaml" <<'YAML'
failures: {repair: 40s, retries: 9}
matrix:
  failures:
    none: none
    at_once: {mtbf: 100s}
    late: {mtbf: 100s, detect: 10s}
    unheard: {mtbf: 100s, detect: 1000s}
    given_up: {mtbf: 100s, detect: 10s, retries: 0}
    straggler: {stragglers: [{replica: 1, slowdown: 1.5}]}
    one_less: {schedule: [{replica: 3, at: 0s, for: 100000s}]}
    all_down: {schedule: [{replica: 0, at: 50s}, {replica: 1, at: 50s}, {replica: 2, at: 50s}, {replica: 3, at: 50s, until: 80s}]}
    spared: {schedule: [{replica: 2, at: 90000s}]}
  router: [round_robin, least_loaded]
report: []
YAML

run() { # NAME OPTION...
    name=$1
    shift
    "$servsim" run --quiet --verify --output "$work/$name" "$@" >/dev/null
}

figure() { # CELL NAME [OBJECT]: a figure at the top of summary.json, or within an object of it
    awk -v name="\"$2\":" -v object="${3:-}" '
        $1 == "\"" object "\":" { inside = 1 }
        object != "" && !inside { next }
        $1 == name { gsub(/[,"]/, "", $2); print $2; exit }' "$work/failures/cells/$1/summary.json"
}

check() { # SENTENCE EXPRESSION
    awk "BEGIN { exit !($2) }" || { echo "not so: $1 ($2)" >&2; exit 1; }
    echo "$1: $2"
}

run plain "$work/plain.yaml"
run failures "$work/failures.yaml"

# where nothing fails, no byte differs, and no file is there that was not
for router in round_robin least_loaded; do
    for file in requests.csv summary.json series.csv itl.csv; do
        cmp "$work/plain/cells/$router/$file" "$work/failures/cells/none-$router/$file"
    done
    [ ! -e "$work/failures/cells/none-$router/failures.csv" ]
    [ -z "$(figure none-$router deaths failures)" ]
    # a failure after the end changes nothing but that it is spoken of
    cmp "$work/plain/cells/$router/requests.csv" "$work/failures/cells/spared-$router/requests.csv"
    [ "$(figure spared-$router deaths failures)" -eq 0 ]
    [ "$(wc -l <"$work/failures/cells/spared-$router/failures.csv")" -eq 1 ]
done

# a replica that is dead from the start, and known to be, is one replica less: the same for every request
sed -i 's/gpus: 4/gpus: 3/' "$work/plain.yaml"
run three "$work/plain.yaml"
for router in round_robin least_loaded; do
    cmp "$work/three/cells/$router/requests.csv" "$work/failures/cells/one_less-$router/requests.csv"
done

# requests of dead replicas finish elsewhere, all of them, with all of their tokens
for router in round_robin least_loaded; do
    for cell in at_once late unheard all_down; do
        [ "$(figure $cell-$router requests_finished)" -eq 2000 ]
        [ "$(figure $cell-$router requests_retried failures)" -gt 20 ]
        [ "$(figure $cell-$router tokens_recomputed failures)" -eq "$(figure $cell-$router kv_tokens_lost failures)" ]
        [ "$(figure $cell-$router output_tokens)" -eq "$(figure none-$router output_tokens)" ]
    done
    check "deaths cost time under $router" "$(figure at_once-$router mean latency_ms) > 1.1 * $(figure none-$router mean latency_ms)"
    check "to notice them late costs more" "$(figure late-$router p99 ttft_ms) > 1.5 * $(figure at_once-$router p99 ttft_ms)"
    check "so it does for a router that never hears of any" "$(figure unheard-$router p99 ttft_ms) > 1.5 * $(figure late-$router p99 ttft_ms)"
    check "nobody is served while all are down" "$(figure all_down-$router max ttft_ms) > 30000"

    # those that are not sent again have failed, and are counted once
    failed=$(figure given_up-$router requests_failed)
    [ "$failed" -gt 20 ]
    [ "$failed" -eq "$(figure given_up-$router requests_failed failures)" ]
    [ "$failed" -eq "$(grep -c ',failed,' "$work/failures/cells/given_up-$router/requests.csv")" ]
    [ "$((failed + $(figure given_up-$router requests_finished)))" -eq 2000 ]
    [ "$(figure given_up-$router retries failures)" -eq 0 ]
    head -n 1 "$work/failures/cells/given_up-$router/requests.csv" | grep -q 'latency_ms$'
    # each row says how often it was sent again
    head -n 1 "$work/failures/cells/late-$router/requests.csv" | grep -q ',retries$'
    again=$(awk -F , 'NR > 1 { sum += $NF } END { print sum }' "$work/failures/cells/late-$router/requests.csv")
    [ "$again" -eq "$(figure late-$router retries failures)" ]
    check "who fails has had tokens" "$(figure given_up-$router output_tokens_lost failures) > 100"

    # failures.csv: each is noticed 10 s after it, back 40 s after it, and the sum of that is the downtime
    deaths=$(figure late-$router deaths failures)
    awk -F , -v deaths="$deaths" -v down="$(figure late-$router downtime_s failures)" '
        NR == 1 { if ($0 != "replica,down_s,detected_s,up_s") exit 1; next }
        $4 != "" { sum += $4 - $2; whole++; if ($4 - $2 - 40 > 1e-6 || $3 - $2 - 10 > 1e-6 || 10 - $3 + $2 > 1e-6) bad = 1 }
        END { exit bad || NR - 1 != deaths || whole < 3 || sum > down + 1e-6 || down > deaths * 40 + 1e-6 }
    ' "$work/failures/cells/late-$router/failures.csv"
done

# whatever the router, replicas die at the same times
cut -d , -f 1,2 "$work/failures/cells/late-round_robin/failures.csv" | head -4 >"$work/left"
cut -d , -f 1,2 "$work/failures/cells/late-least_loaded/failures.csv" | head -4 | cmp - "$work/left"

# a straggler gets its share from round_robin, whatever it takes
check "a straggler costs round_robin more than least_loaded" \
    "$(figure straggler-round_robin mean latency_ms) / $(figure none-round_robin mean latency_ms) - 1 > 1.5 * ($(figure straggler-least_loaded mean latency_ms) / $(figure none-least_loaded mean latency_ms) - 1)"
[ "$(figure straggler-round_robin deaths failures)" -eq 0 ]

# the report answers what the configuration asks, in these very figures
config=$SERVSIM_SRCDIR/configs/failures.yaml
"$servsim" run --quiet --set 'report=[markdown, html, {plugin: trace, cells: 20}]' --set workload.requests=2000 --output "$work/report" "$config" >/dev/null
awk '/^## Failures of replicas/ { inside = 1; next } /^## / { inside = 0 } inside' "$work/report/report.md" >"$work/section"
[ "$(grep -cE '^\| [a-z_]+ / (round_robin|least_loaded) \|' "$work/section")" -eq 8 ]
up=$(sed -n 's/^ *"availability": \([0-9.]*\),*/\1/p' "$work/report/cells/late-round_robin/summary.json")
grep -q "^| late / round_robin | $(awk -v up="$up" 'BEGIN { printf "%.1f %%", 100 * up }') |" "$work/section"
grep -q '^- To notice deaths late, as \*\*late / round_robin\*\* does (a death goes unnoticed for 10.0 s' "$work/section"
grep -q '^- A straggler costs \*\*straggler / least_loaded\*\* least' "$work/section"
grep -q '<h2[^>]*>Failures of replicas</h2>' "$work/report/report.html"

# and a trace shows each time that a replica was down, and that nobody knew of it
deaths=$(($(wc -l <"$work/report/cells/late-round_robin/failures.csv") - 1))
[ "$deaths" -gt 0 ]
[ "$(grep -c '"name":"down","cat":"failure"' "$work/report/trace/late-round_robin.json")" -eq "$deaths" ]
[ "$(grep -c '"name":"dead, and nobody knows"' "$work/report/trace/late-round_robin.json")" -eq "$deaths" ]
! grep -q '"cat":"failure"' "$work/report/trace/none-round_robin.json"

# a cell is run again from what it says of itself
awk '/"configuration":/ { sub(/^.*"configuration": "/, ""); sub(/"[,]?$/, ""); gsub(/\\n/, "\n"); gsub(/\\"/, "\""); print }' \
    "$work/failures/cells/late-least_loaded/run.json" >"$work/again.yaml"
grep -q '^failures:' "$work/again.yaml"
run again --set 'report=[]' "$work/again.yaml"
cmp "$work/again/cells/run/requests.csv" "$work/failures/cells/late-least_loaded/requests.csv"
cmp "$work/again/cells/run/failures.csv" "$work/failures/cells/late-least_loaded/failures.csv"
