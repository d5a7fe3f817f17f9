#!/bin/sh
# analyze and compare as people use them: verdicts, refusals, replicates' names, JSON, charts, bad usage.
set -eu
servsim=$SERVSIM_BUILDDIR/servsim
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# shellcheck source=tests/cli/functions.sh
. "$SERVSIM_SRCDIR/tests/cli/functions.sh"

workload='plugin: poisson, requests: 1500, prompt_tokens: 512, prompt_distribution: lognormal, output_distribution: geometric'
device() { # SPEED
    awk -v s="$1" 'BEGIN { printf "plugin: custom, peak_tflops: {bf16: 312}, memory: 80GiB, memory_bandwidth: 2039GB/s, gemm: {compute_efficiency: %g, memory_efficiency: %g}, decode_attention: {memory_efficiency: %g}, prefill_attention: {compute_efficiency: %g}", .785 * s, .865 * s, .88 * s, .51 * s }'
}
experiment() { # NAME SEED SPEED RATE
    cat >"$1.yaml" <<YAML
servsim: 1
name: $1
seed: $2
hardware: {$(device "$3")}
workload: {$workload, rate: $4}
slo: {ttft: 500ms, tpot: 50ms}
matrix: {cluster: {one: {gpus: 1}, two: {gpus: 2, tp: 1}}}
report: []
output: $1
YAML
    "$servsim" run --quiet "$1.yaml" >/dev/null
}
experiment base 1 1 2
experiment seed 2 1 2
experiment slow 1 0.95 2
experiment fast_traffic 1 1 3

# --- compare ---
"$servsim" compare base slow >text
says text 'Paired by request' 'Verdict: B is worse than A' '8 of 8 checks passed' 'slower' 'In all: 2 of 2'
"$servsim" compare base slow >again
cmp text again
"$servsim" compare base seed --cell one >text
says text 'Not paired' 'blocks of'
"$servsim" compare base base >text
says text 'the figures of A and B are equal'
"$servsim" compare base/cells/one base/cells/two >text
says text 'Paired by request'
"$servsim" compare base slow seed --cell one --metric latency_ms.mean --level 0.99 >text
says text '99% interval' 'slow' 'seed'
"$servsim" compare --json base slow >text
says text '"servsim_comparison": 1' '"differs": true' '"metric": "latency_ms.mean"' '"verdict": "slower"'
grep -qi nan text && fail "NaN in JSON"

refuses 'workload.rate' "$servsim" compare base fast_traffic
refuses 'base/cells/one and fast_traffic/cells/one are unlike: ' "$servsim" compare base/cells/one fast_traffic/cells/one
"$servsim" compare --force base fast_traffic >text
says text 'FORCED'
printf '%s\n%s\n' "$(head -1 base/cells/one/requests.csv)" '0,0,finished,0,1,1,0,0,0,1,,1' >one_row.csv
# drawn traffic has another number of requests with each seed: the same kind all the same
for seed in 1 2; do
    printf '%s\n' 'servsim: 1' "seed: $seed" 'report: []' 'workload: {plugin: burstgpt_model, requests: 8000, days: 4, time_scale: 4}' \
        "output: drawn$seed" >drawn.yaml
    "$servsim" run --quiet drawn.yaml >/dev/null
done
rows() { wc -l <"$1/cells/run/requests.csv"; }
[ "$(rows drawn1)" -ne "$(rows drawn2)" ] || fail "the drawn traffic has the same number of requests"
"$servsim" compare drawn1 drawn2 >text
says text 'Not paired' 'Verdict'
refuses 'number of requests' "$servsim" compare base/cells/one one_row.csv

refuses 'two runs' "$servsim" compare base
refuses 'nosuch' "$servsim" compare base nosuch
refuses 'requests.csv' "$servsim" compare base "$work"
refuses '--cell one' "$servsim" compare base slow --cell onee
refuses '0.95' "$servsim" compare base slow --level 95
refuses 'latency_ms.mean' "$servsim" compare base slow --metric latency_ms.men
refuses '--frce' "$servsim" compare --frce base slow
printf 'request_id,replica\n' >bad.csv
refuses 'bad.csv:1' "$servsim" compare base/cells/one bad.csv

# --- two files of simulate ---
data=$SERVSIM_SRCDIR/data/sharegpt_like_100.tsv
"$servsim" simulate --dataset "$data" --output one.csv >/dev/null
"$servsim" simulate --dataset "$data" --npu_num 2 --output two.csv >/dev/null
"$servsim" compare one.csv two.csv >text
says text 'Paired by request' 'Verdict'
"$servsim" analyze one.csv >text
says text 'no series.csv' 'Head-of-line'

# --- analyze ---
"$servsim" analyze base >text
says text 'Distributions (ms)' 'Where the latency goes' 'Head-of-line blocking' 'Throughput in' 'GPUs were idle' \
    'KV cache' 'Efficiency' 'Scaling with replicas'
grep -qi 'nan' text && fail "NaN in the analysis"
cat >swap.yaml <<'YAML'
servsim: 1
workload: {plugin: poisson, rate: 4, requests: 200, prompt_tokens: 400, output_tokens: 300}
kv_cache: {blocks: 600}
matrix: {scheduler: {swap: {plugin: fcfs, preemption: swap}, recompute: {plugin: fcfs}}}
report: []
YAML
"$servsim" run --quiet --set kv_cache.swap_space=10GiB --output swap swap.yaml >/dev/null
"$servsim" report swap markdown >/dev/null
says swap/report.md "KV blocks swapped out, for whose copies steps waited"
! grep -q " 0 tokens computed again" swap/report.md || fail "the report counts what swap does not cost"
"$servsim" analyze swap --cell swap >text
says text "no token was computed again" "KV blocks of 16 tokens to the host's memory and" "of the busy time" ", swap "
"$servsim" analyze swap --cell recompute >text
says text "prompt and output tokens be computed again"
! grep -q "host's memory" text || fail "nothing was swapped"
"$servsim" analyze --json swap --cell swap >text
says text '"swapped_out_blocks"' '"swap_gpu_s"'
"$servsim" analyze --json base --cell two >text
says text '"servsim_analysis": 1' '"idle_while_waiting_gpu_s_at_most"' '"cell": "two"'
refuses '--cell two' "$servsim" analyze base --cell twoo
refuses 'one run' "$servsim" analyze
refuses 'experiment.json' "$servsim" analyze "$work"

# --- charts: scripts and data always, pictures where gnuplot is ---
"$servsim" compare base slow --charts charts >/dev/null 2>&1
"$servsim" analyze base --charts charts >/dev/null 2>&1
for name in distributions-1 differences-1 distributions-one ttft_tpot-two over_time-one scaling-1; do
    files="$name.gp $name.dat"
    if command -v gnuplot >/dev/null; then
        files="$files $name.png $name.svg"
    fi
    for file in $files; do
        [ -s "charts/$file" ] || fail "no charts/$file"
    done
done
refuses 'cannot be made' "$servsim" analyze base --charts bad.csv
PATH=/nonexistent "$servsim" analyze base --charts bare >/dev/null 2>err || fail "without gnuplot"
says err 'gnuplot-nox'
