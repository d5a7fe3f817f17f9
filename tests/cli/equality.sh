#!/bin/sh
# Every shipped device, scheduler, router, workload and predictor, over several seeds, fast-forwarded and step by step: the same
# requests.csv, summary.json, series.csv and itl.csv, byte for byte; and the cells must have preempted and rejected.
set -eu
servsim=$SERVSIM_BUILDDIR/servsim
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/all.yaml" <<'YAML'
servsim: 1
name: equality
cluster: {gpus: 3}
kv_cache: {blocks: 260}
scheduler: {plugin: fcfs, max_num_seqs: 48}
workload: {plugin: poisson, rate: 9, requests: 150}
slo: {ttft: 1s, tpot: 50ms}
matrix:
  hardware:
    rtx3090: {plugin: rtx3090}
    a100: {plugin: a100}
    custom: {plugin: custom, name: toy, peak_tflops: {bf16: 200}, memory: 40GiB, memory_bandwidth: 1500GB/s}
    profile: {plugin: profile, path: "data:synthetic_gpu/llama-3.1-8b/bf16"}
  router: [round_robin, least_loaded, random, power_of_two, least_tokens, least_kv, predictive]
  scheduler:
    fcfs: {plugin: fcfs}
    fcfs_whole: {plugin: fcfs, chunked_prefill: false, max_num_batched_tokens: 4096}
  workload:
    poisson: {plugin: poisson, rate: 9, requests: 150, prompt_distribution: sharegpt, output_distribution: sharegpt}
    burstgpt: {plugin: burstgpt, path: "data:burstgpt_like_10k.csv", sample: 150, rate: 8}
    burstgpt_model: {plugin: burstgpt_model, requests: 150, time_scale: 30}
    tokens: {plugin: tokens, path: "data:sharegpt_like_100.tsv"}
    bursts: {plugin: bursts, rate: 8, requests: 150, burst_length: 3s, prompt_distribution: burstgpt, output_distribution: burstgpt}
  seed: [1, 2]
report: []
YAML

# the other devices share the model of rtx3090 and a100, so fewer cells do
cat >"$work/devices.yaml" <<'YAML'
servsim: 1
name: devices
cluster: {gpus: 4, tp: 2}
kv_cache: {blocks: 260}
scheduler: {plugin: fcfs, max_num_seqs: 48}
workload: {plugin: poisson, rate: 20, requests: 150, prompt_distribution: sharegpt, output_distribution: sharegpt}
slo: {ttft: 1s, tpot: 50ms}
matrix:
  hardware: [rtx3090, rtx4090, rtxpro6000, a40, a6000, a100, h100, h200, l40s, b200]
  seed: [1, 2]
report: []
YAML

# experts, latents, windows and narrow weights: each kind of layer has a line of its own
cat >"$work/models.yaml" <<'YAML'
servsim: 1
name: models
hardware: h100
kv_cache: {blocks: 260}
scheduler: {plugin: fcfs, max_num_seqs: 48}
workload: {plugin: poisson, rate: 20, requests: 150, prompt_distribution: sharegpt, output_distribution: sharegpt}
slo: {ttft: 1s, tpot: 50ms}
matrix:
  model:
    gpt_oss: {name: gpt-oss-20b}
    latent: {name: deepseek-v2-lite}
    gemma: {name: gemma-3-4b, weights: int4}
    qwen: {name: qwen3-30b-a3b, weights: fp8}
    chunked: {name: llama-4-scout, weights: int4}
  seed: [1, 2]
report: []
YAML

# every scheduler, with little room: places, KV blocks and host memory run out
cat >"$work/schedulers.yaml" <<'YAML'
servsim: 1
name: schedulers
hardware: a100
kv_cache: {blocks: 300, swap_space: 200MiB}
slo: {ttft: 1s, tpot: 50ms}
matrix:
  scheduler:
    swapping: {plugin: vllm, max_num_seqs: 24, preemption: swap}
    static: {plugin: static, max_num_seqs: 24, max_num_batched_tokens: 4096}
    orca: {plugin: orca, max_num_seqs: 24, max_num_batched_tokens: 4096}
    vllm_v0: {plugin: vllm_v0, max_num_seqs: 24, max_num_batched_tokens: 4096}
    vllm_v0_swap: {plugin: vllm_v0, max_num_seqs: 24, max_num_batched_tokens: 4096, preemption: swap}
    sarathi: {plugin: sarathi, max_num_seqs: 24, token_budget: 256}
    sjf: {plugin: sjf, max_num_seqs: 24}
    srpt: {plugin: srpt, max_num_seqs: 5, preemption: swap}
    priority: {plugin: priority, max_num_seqs: 24}
    priority_aged: {plugin: priority, max_num_seqs: 24, level: 1s}
    mlfq: {plugin: mlfq, max_num_seqs: 5}
    mlfq_swap: {plugin: mlfq, max_num_seqs: 12, preemption: swap, quantum: 4}
    fair: {plugin: fair, max_num_seqs: 24}
    slo: {plugin: slo, max_num_seqs: 24}
    predictive: {plugin: predictive, max_num_seqs: 24}
  workload:
    poisson: {plugin: poisson, rate: 6, requests: 150, prompt_distribution: sharegpt, output_distribution: sharegpt,
              prompt_max: 2000, clients: [5, 1, 1], priorities: [1, 2, 1], deadlines: [3s, 20s, 200s]}
    bursts: {plugin: bursts, rate: 8, requests: 150, burst_length: 3s, prompt_distribution: burstgpt,
             output_distribution: burstgpt, clients: [1, 1, 8], priorities: [1, 9], deadlines: [1s, 60s]}
  seed: [1, 2]
report: []
YAML

# pipeline stages, data-parallel ranks and spread experts, alone and mixed
cat >"$work/dense.yaml" <<'YAML'
servsim: 1
name: dense
hardware: h100
kv_cache: {blocks: 300}
scheduler: {plugin: fcfs, max_num_seqs: 24, max_num_batched_tokens: 512}
workload: {plugin: bursts, rate: 30, requests: 120, burst_length: 3s, prompt_distribution: burstgpt, output_distribution: burstgpt}
matrix:
  cluster:
    pp2: {gpus: 2, pp: 2}
    tp2_pp4: {gpus: 8, tp: 2, pp: 4}
    dp2: {gpus: 4, dp: 2}
    pp2_dp2: {gpus: 4, pp: 2, dp: 2}
  seed: [1, 2]
report: []
YAML
sed -e 's/^name: dense/name: experts/' -e 's/^hardware: .*/&\nmodel: qwen3-30b-a3b/' -e '/^    [a-z0-9_]*: {gpus/d' "$work/dense.yaml" >"$work/experts.yaml"
sed -i 's/^  cluster:/&\n    pp3: {gpus: 3, pp: 3}\n    dp2: {gpus: 2, dp: 2}\n    dp2_ep2: {gpus: 4, dp: 2, ep: 2}\n    tp2_pp2_dp2_ep4: {gpus: 8, tp: 2, pp: 2, dp: 2, ep: 4}/' "$work/experts.yaml"

# policies in Python, where they are built: one that speaks of horizons, one that is asked at every step, and routers
cat >"$work/every_step.py" <<'PYTHON'
class Scheduler:
    def __init__(self, limits):
        self.waiting = []

    def arrive(self, request):
        self.waiting.append(request)

    def plan(self, step):
        while not step.serve_running(100):
            self.waiting.append(step.last_running())
            step.preempt(self.waiting[-1])
        while self.waiting and step.admit(self.waiting[-1], 100):
            self.waiting.pop()
PYTHON
cat >"$work/python.yaml" <<YAML
servsim: 1
name: python
cluster: {gpus: 2}
hardware: a100
kv_cache: {blocks: 300}
slo: {ttft: 1s, tpot: 50ms}
workload: {plugin: bursts, rate: 12, requests: 150, burst_length: 3s, prompt_distribution: burstgpt, output_distribution: burstgpt}
matrix:
  scheduler:
    default: {plugin: python, max_num_seqs: 24}
    shortest: {plugin: python, file: $SERVSIM_SRCDIR/examples/python/shortest.py, max_num_seqs: 24}
    every_step: {plugin: python, file: $work/every_step.py, max_num_seqs: 24}
  router:
    default: {plugin: python}
    least_work: {plugin: python, file: $SERVSIM_SRCDIR/examples/python/least_work.py}
  seed: [1, 2]
report: []
YAML
python=
[ ! -e "$SERVSIM_BUILDDIR/plugins/python.la" ] || python=$work/python.yaml

# every predictor, under schedulers and a router that use what it says; half of the traffic is history
cat >"$work/predictors.yaml" <<'YAML'
servsim: 1
name: predictors
hardware: a100
router: predictive
kv_cache: {blocks: 300, swap_space: 200MiB}
workload: {plugin: bursts, rate: 8, requests: 250, history: 100, burst_length: 3s, prompt_distribution: burstgpt, output_distribution: burstgpt}
predictor: {plugin: histogram, interval: 500ms}
matrix:
  predictor:
    none: none
    histogram: {plugin: histogram, enough: 3}
    oracle: {plugin: oracle, noise: 0.5}
    wrong: {plugin: oracle, wrong: true}
    persistence: persistence
    average: {plugin: moving_average, requests: 9}
    dlinear: {plugin: dlinear, window: 8, average: 3, interval: 200ms}
  scheduler:
    sjf: {plugin: sjf, max_num_seqs: 12}
    srpt: {plugin: srpt, max_num_seqs: 5, preemption: swap}
    predictive: {plugin: predictive, max_num_seqs: 12}
  cluster: {one: {gpus: 1}, three: {gpus: 3}}
report: []
YAML

# replicas that die in the middle of it all, alone and with stages, ranks and prefix caching
cat >"$work/failures.yaml" <<'YAML'
servsim: 1
name: failures
hardware: a100
cluster: {gpus: 4}
kv_cache: {blocks: 300, prefix_caching: true}
scheduler: {plugin: fcfs, max_num_seqs: 24, max_num_batched_tokens: 512}
workload: {plugin: bursts, rate: 20, requests: 200, burst_length: 3s, shared_prefix_tokens: 300, prompt_distribution: burstgpt, output_distribution: burstgpt}
slo: {ttft: 1s, tpot: 50ms}
failures: {mtbf: 8s, repair: 2s, stragglers: [{replica: 0, slowdown: 1.3}]}
matrix:
  failures:
    at_once: {detect: 0s}
    late: {detect: 1s, retries: 1}
    scheduled: {schedule: [{replica: 1, at: 0s, for: 9s}, {replica: 0, at: 3s, until: 4s}], detect: 3s}
  cluster:
    dense: {gpus: 4}
    pp2: {gpus: 4, pp: 2}
    dp2: {gpus: 4, dp: 2}
  router: [least_loaded, power_of_two]
report: []
YAML

# sanitizers look at memory, for which one seed does, and less of the devices that another matrix has; there each cell takes
# several times as long
seeds=2 hardware=4
if [ -n "${SERVSIM_SANITIZED:-}" ]; then
    seeds=1 hardware=2
    sed -i 's/^  seed: \[1, 2\]/  seed: [1]/' "$work"/*.yaml
    sed -i '/^    rtx3090: /d; /^    a100: /d' "$work/all.yaml"
fi

# a plugin that ships and is not in the matrix would go untested
"$servsim" plugins | awk '$1 ~ /^(hardware|scheduler|router|workload|predictor)$/ { print $2 }' | while read -r name; do
    grep -qw "$name" "$work/all.yaml" "$work/devices.yaml" "$work/schedulers.yaml" "$work/predictors.yaml" ${python:+"$python"} || { echo "plugin $name is not in the matrices of this test" >&2; exit 1; }
done

# Mooncake's form: chained ids of 512-token pieces, shared up to where two prompts part
awk 'BEGIN {
    for (i = 0; i < 150; i++) {
        n = i * 37 % 7 + 1
        ids = ""
        for (j = 0; j < n; j++)
            ids = ids (j > 0 ? ", " : "") (j < 3 ? j : 100 * (i * 11 % 13) + j)
        printf "{\"timestamp\": %d, \"input_length\": %d, \"output_length\": %d, \"hash_ids\": [%s]}\n", \
            i * 90, n * 512 - i % 500, 1 + i * 53 % 300, ids
    }
}' >"$work/mooncake.jsonl"
cat >"$work/prefix.yaml" <<YAML
servsim: 1
name: prefix
cluster: {gpus: 2}
hardware: rtx3090
workload: {plugin: poisson, rate: 9, requests: 150}
matrix:
  kv_cache:
    tight: {blocks: 300, prefix_caching: true}
    odd: {blocks: 1000, block_size: 7, prefix_caching: true}
    wide: {prefix_caching: true}
  scheduler:
    fcfs: {plugin: fcfs}
    fcfs_cap: {plugin: fcfs, long_prefill_threshold: 200}
    fcfs_whole: {plugin: fcfs, chunked_prefill: false, max_num_batched_tokens: 4096}
  workload:
    unknown: {plugin: poisson, rate: 9, requests: 150, prompt_distribution: sharegpt, output_distribution: sharegpt}
    ids: {plugin: poisson, rate: 9, requests: 150, distinct_prompts: 7, prompt_tokens: 700, output_distribution: burstgpt}
    shared: {plugin: bursts, rate: 8, requests: 150, burst_length: 3s, shared_prefix_tokens: 500, prompt_distribution: burstgpt, output_distribution: burstgpt}
    replayed: {plugin: burstgpt, path: "data:burstgpt_like_10k.csv", sample: 150, rate: 8, distinct_prompts: 20}
    pieces: {plugin: tokens, path: $work/mooncake.jsonl}
report: []
YAML

"$servsim" run --quiet --verify --output "$work/fast" "$work/all.yaml" >/dev/null
"$servsim" run --quiet --verify --stepwise --output "$work/stepwise" "$work/all.yaml" >/dev/null
for kind in dense experts predictors failures; do
    "$servsim" run --quiet --verify --output "$work/$kind" "$work/$kind.yaml" >/dev/null
    "$servsim" run --quiet --verify --stepwise --output "$work/${kind}_stepwise" "$work/$kind.yaml" >/dev/null
done
"$servsim" run --quiet --verify --output "$work/devices" "$work/devices.yaml" >/dev/null
"$servsim" run --quiet --verify --stepwise --output "$work/devices_stepwise" "$work/devices.yaml" >/dev/null
"$servsim" run --quiet --verify --output "$work/models" "$work/models.yaml" >/dev/null
"$servsim" run --quiet --verify --stepwise --output "$work/models_stepwise" "$work/models.yaml" >/dev/null
"$servsim" run --quiet --verify --output "$work/prefix" "$work/prefix.yaml" >/dev/null
"$servsim" run --quiet --verify --stepwise --output "$work/prefix_stepwise" "$work/prefix.yaml" >/dev/null

"$servsim" run --quiet --verify --output "$work/schedulers" "$work/schedulers.yaml" >/dev/null
"$servsim" run --quiet --verify --stepwise --output "$work/schedulers_stepwise" "$work/schedulers.yaml" >/dev/null

figures() { # TREE FILE NAME: a top-level number of the FILE of each cell, one a line
    (cd "$1/cells" && awk -v name="  \"$3\":" -F '[:,]' 'index($0, name) == 1 { print FILENAME, $2 + 0 }' ./*/"$2")
}

sum() { # TREE FILE NAME
    figures "$@" | awk '{ sum += $NF } END { print sum + 0 }'
}

same_files() { # TREE TREE: counts the cells, which hold the same results
    cells=0
    for cell in "$1"/cells/*; do
        for file in requests.csv summary.json series.csv itl.csv; do
            cmp "$cell/$file" "$2/cells/${cell##*/}/$file"
        done
        cells=$((cells + 1))
    done
}

if [ -n "$python" ]; then
    "$servsim" run --quiet --verify --output "$work/python" "$python" >/dev/null
    "$servsim" run --quiet --verify --stepwise --output "$work/python_stepwise" "$python" >/dev/null
    same_files "$work/python" "$work/python_stepwise"
    [ "$cells" -eq $((6 * seeds)) ]
    [ "$(sum "$work/python" summary.json preemptions)" -gt 100 ]
else
    echo "policies in Python are not built: left out"
fi
same_files "$work/devices" "$work/devices_stepwise"
[ "$cells" -eq $((10 * seeds)) ]
same_files "$work/models" "$work/models_stepwise"
[ "$cells" -eq $((5 * seeds)) ]
for kind in dense experts; do
    same_files "$work/$kind" "$work/${kind}_stepwise"
    [ "$cells" -eq $((4 * seeds)) ]
    [ "$(sum "$work/$kind" summary.json preemptions)" -gt 100 ]
done
same_files "$work/schedulers" "$work/schedulers_stepwise"
[ "$cells" -eq $((30 * seeds)) ]
for figure in preemptions pauses swapped_out_blocks; do
    [ "$(sum "$work/schedulers" summary.json $figure)" -gt 100 ]
done
same_files "$work/failures" "$work/failures_stepwise"
[ "$cells" -eq 18 ]
for cell in "$work"/failures/cells/*; do
    cmp "$cell/failures.csv" "$work/failures_stepwise/cells/${cell##*/}/failures.csv"
    awk -F '[:,]' '$1 ~ /"(deaths|retries|kv_tokens_lost)"/ && $2 == 0 { exit 1 }' "$cell/summary.json"
done
same_files "$work/predictors" "$work/predictors_stepwise"
[ "$cells" -eq 42 ]
same_files "$work/prefix" "$work/prefix_stepwise"
cached=$(sum "$work/prefix" summary.json cached_tokens)
preemptions=$(sum "$work/prefix" summary.json preemptions)
echo "$cells cells with prefix caching equal; $cached tokens cached, $preemptions preemptions"
[ "$cells" -eq 45 ]
[ "$cached" -gt 1000000 ]
[ "$preemptions" -gt 100 ]

same_files "$work/fast" "$work/stepwise"
figures "$work/fast" run.json engine_steps >"$work/fast.steps"
figures "$work/stepwise" run.json engine_steps >"$work/stepwise.steps"
[ "$(wc -l <"$work/fast.steps")" -eq "$cells" ]
cmp "$work/fast.steps" "$work/stepwise.steps"
preemptions=$(sum "$work/fast" summary.json preemptions)
fast_events=$(sum "$work/fast" run.json events) stepwise_events=$(sum "$work/stepwise" run.json events)
figures "$work/stepwise" run.json events | paste - "$work/stepwise.steps" | awk '$2 < $4 { exit 1 }'
echo "$cells cells equal; $preemptions preemptions; $fast_events events against $stepwise_events"
[ "$cells" -eq $((70 * hardware * seeds)) ]
[ "$preemptions" -gt 100 ]
[ "$((fast_events * 2))" -lt "$stepwise_events" ]
