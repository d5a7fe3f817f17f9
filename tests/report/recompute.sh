#!/bin/sh
# The numbers of report.md against the rows that they come from: means, percentiles, rates, the service level, intervals
# over replicates, speed-up and efficiency, and that the parts of the scaling loss add up.
set -eu

servsim=$SERVSIM_BUILDDIR/servsim
here=$SERVSIM_SRCDIR/tests/report
work=$(mktemp -d "${TMPDIR:-/tmp}/servsim-recompute.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"

cat > plain.yaml << 'END'
servsim: 1
name: plain
model: llama-3.1-8b
hardware: rtx3090
workload: {plugin: poisson, rate: 6, requests: 400, prompt_distribution: burstgpt, output_distribution: burstgpt}
slo: {ttft: 1s, tpot: 50ms}
matrix:
  cluster: {one: {gpus: 1}, two: {gpus: 2, tp: 2}, four: {gpus: 4, tp: 4}}
report: [json, csv, markdown]
output: plain
END
sed 's/plain/replicated/; s/^matrix/replicates: 3\nmatrix/' plain.yaml > replicated.yaml
"$servsim" run --quiet plain.yaml > /dev/null
"$servsim" run --quiet replicated.yaml > /dev/null

failed=0
checked=0

# row FILE SECTION LABEL COLUMN: a field of the first table under a heading, thousands and bold taken away
row() {
    awk -v section="$2" -v label="$3" -v column="$4" -F' *[|] *' '
        /^#/ { inside = index($0, section) > 0; head = 0 }
        inside && /^\|/ {
            if (!head) { for (i = 2; i < NF; i++) at[$i] = i; head = 1; next }
            name = $2
            gsub(/\*/, "", name)
            if (name == label && (column in at)) {
                value = $at[column]
                gsub(/[*,]/, "", value)
                print value
                exit
            }
        }' "$1"
}

# near WHAT SHOWN WANTED: three digits are shown, so half a percent is the most that rounding can do
near() {
    checked=$((checked + 1))
    if ! awk -v shown="$2" -v wanted="$3" 'BEGIN {
            if (shown == "") exit 1
            gap = shown - wanted; if (gap < 0) gap = -gap
            size = wanted < 0 ? -wanted : wanted
            exit !(gap <= 0.00501 * size + 1e-9) }'; then
        echo "$1: the report says '$2', its rows say '$3'"
        failed=$((failed + 1))
    fi
}

recompute() {
    awk -v ttft_limit_ms=1000 -v tpot_limit_ms=50 -f "$here/recompute.awk" "$1"
}

figure() {
    awk -v name="$2" '$1 == name { print $2 }' "$1"
}

# COLUMN of the table, NAME of recompute.awk
columns='Latency mean (ms):latency_mean
Latency P99 (ms):latency_p99
TTFT mean (ms):ttft_mean
TTFT P99 (ms):ttft_p99
TPOT mean (ms):tpot_mean
TPOT P99 (ms):tpot_p99
Output (tokens/s):output_tokens_per_s
Requests/s:requests_per_s
SLO met:slo_percent
Goodput (requests/s):goodput
Simulated (s):simulated_s'

# ---- one run of each cell ----
for cell in one two four; do
    recompute "plain/cells/$cell/requests.csv" > "$cell.txt"
    counts=$(row plain/report.md '## Results' "$cell" 'Requests finished / total')
    [ "$counts" = "$(figure "$cell.txt" finished) / $(figure "$cell.txt" total)" ] ||
        { echo "$cell: '$counts' requests"; failed=$((failed + 1)); }
    echo "$columns" > columns.txt
    while IFS=: read -r column name; do
        shown=$(row plain/report.md '## Results' "$cell" "$column")
        near "$cell, $column" "${shown% %}" "$(figure "$cell.txt" "$name")"
    done < columns.txt
done

base=$(figure one.txt output_tokens_per_s)
for pair in 2:two 4:four; do
    gpus=${pair%%:*} rate=$(figure "${pair#*:}.txt" output_tokens_per_s)
    shown=$(row plain/report.md '### Scaling' "$gpus" Speed-up)
    near "speed-up at $gpus" "${shown%×}" "$(awk "BEGIN { print $rate / $base }")"
    shown=$(row plain/report.md '### Scaling' "$gpus" Efficiency)
    near "efficiency at $gpus" "${shown% %}" "$(awk "BEGIN { print 100 * $rate / $base / $gpus }")"
    cell=${pair#*:}
    lost=$(row plain/report.md '### Where the scaling loss' "$cell" Lost)
    near "loss at $gpus" "$(row plain/report.md '### Where the scaling loss' "$cell" Delivered)" \
        "$(awk "BEGIN { print $rate / $gpus }")"
    checked=$((checked + 1))
    for part in Communication 'Dense kernels (batching)' Attention 'Engine overhead' 'Preempted and recomputed work' \
        Idleness; do
        row plain/report.md '### Where the scaling loss' "$cell" "$part"
    done | sed 's/−/-/g; s/ (.*//' | awk -v lost="$(echo "$lost" | sed 's/−/-/g; s/ (.*//')" -v ideal="$base" '
        { sum += $1 }
        END { gap = sum - lost; if (gap < 0) gap = -gap
              if (NR != 6 || gap > 0.02 * ideal) { print "parts of the loss: " sum " of " lost; exit 1 } }' ||
        failed=$((failed + 1))
done

# ---- replicates: the mean, and half of the interval by the t of two degrees of freedom ----
for cell in one four; do
    for r in 1 2 3; do
        recompute "replicated/cells/$cell.r$r/requests.csv"
    done > "$cell.three.txt"
    while IFS=: read -r column name; do
        shown=$(row replicated/report.md '## Results' "$cell" "$column")
        shown=${shown% %}
        near "$cell replicated, $column" "${shown%% ±*}" "$(awk -v name="$name" '$1 == name { sum += $2 }
            END { print sum / 3 }' "$cell.three.txt")"
        case $shown in
        *±*) checked=$((checked + 1))
            awk -v name="$name" -v shown="${shown#*± }" '
                $1 == name { x[++n] = $2; sum += $2 }
                END { for (i = 1; i <= n; i++) square += (x[i] - sum / n) ^ 2
                      half = 4.302653 * sqrt(square / 2 / 3); gap = shown - half; if (gap < 0) gap = -gap
                      if (gap > 0.051 * half) { print name ": +- " shown ", its rows say " half; exit 1 } }' \
                "$cell.three.txt" || failed=$((failed + 1)) ;;
        esac
    done < columns.txt
done

echo "$checked numbers of the reports checked, $failed wrong"
[ "$failed" -eq 0 ] && [ "$checked" -ge 60 ]
