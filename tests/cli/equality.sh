#!/bin/sh
# Every shipped device, scheduler, router and workload, over several seeds, fast-forwarded and step by step: the same
# requests.csv, summary.json, series.csv and itl.csv, byte for byte; and the cells must have preempted and rejected.
set -eu
servsim=$SERVSIM_BUILDDIR/servsim
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/all.yaml" <<'YAML'
servsim: 1
name: equality
cluster: {gpus: 2}
kv_cache: {blocks: 260}
scheduler: {plugin: fcfs, max_num_seqs: 48}
workload: {plugin: poisson, rate: 9, requests: 150}
slo: {ttft: 1s, tpot: 50ms}
matrix:
  hardware:
    rtx3090: {plugin: rtx3090}
    a100: {plugin: a100}
    custom: {plugin: custom, name: toy, peak_tflops: {bf16: 200}, memory: 40GiB, memory_bandwidth: 1500GB/s}
  router: [round_robin, least_loaded]
  scheduler:
    fcfs: {plugin: fcfs}
    fcfs_whole: {plugin: fcfs, chunked_prefill: false, max_num_batched_tokens: 4096}
  workload:
    poisson: {plugin: poisson, rate: 9, requests: 150, prompt_distribution: sharegpt, output_distribution: sharegpt}
    burstgpt: {plugin: burstgpt, path: "data:burstgpt_like_10k.csv", sample: 150, rate: 8}
    burstgpt_model: {plugin: burstgpt_model, requests: 150, time_scale: 30}
    tokens: {plugin: tokens, path: "data:sharegpt_like_100.tsv"}
  seed: [1, 2, 3]
report: []
YAML

# a plugin that ships and is not in the matrix would go untested
"$servsim" plugins | awk '$1 ~ /^(hardware|scheduler|router|workload)$/ { print $2 }' | while read -r name; do
    grep -q "$name" "$work/all.yaml" || { echo "plugin $name is not in the matrix of this test" >&2; exit 1; }
done

"$servsim" run --quiet --verify --output "$work/fast" "$work/all.yaml" >/dev/null
"$servsim" run --quiet --verify --stepwise --output "$work/stepwise" "$work/all.yaml" >/dev/null

number() { # FILE NAME: a top-level number of a JSON file
    sed -n "s/^  \"$2\": \\([0-9]*\\),*\$/\\1/p" "$1"
}

cells=0 preemptions=0 fast_events=0 stepwise_events=0
for fast in "$work"/fast/cells/*; do
    stepwise=$work/stepwise/cells/${fast##*/}
    for file in requests.csv summary.json series.csv itl.csv; do
        cmp "$fast/$file" "$stepwise/$file"
    done
    steps=$(number "$fast/run.json" engine_steps)
    [ "$steps" -eq "$(number "$stepwise/run.json" engine_steps)" ]
    [ "$(number "$stepwise/run.json" events)" -ge "$steps" ]
    fast_events=$((fast_events + $(number "$fast/run.json" events)))
    stepwise_events=$((stepwise_events + $(number "$stepwise/run.json" events)))
    preemptions=$((preemptions + $(number "$fast/summary.json" preemptions)))
    cells=$((cells + 1))
done
echo "$cells cells equal; $preemptions preemptions; $fast_events events against $stepwise_events"
[ "$cells" -eq 144 ]
[ "$preemptions" -gt 100 ]
[ "$((fast_events * 2))" -lt "$stepwise_events" ]
