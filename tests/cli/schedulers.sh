#!/bin/sh
# What the papers behind the schedulers report must show here, too. Each margin stands beside the paper's figure; the
# traffic, the model and the GPU are other ones, so that directions and magnitudes are compared and not values.
set -eu
servsim=$SERVSIM_BUILDDIR/servsim
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

run() { # NAME: the experiment on stdin
    cat >"$work/$1.yaml"
    "$servsim" run --quiet --verify --output "$work/$1" "$work/$1.yaml" >/dev/null
}

figure() { # NAME CELL KEY [STATISTIC]: of summary.json
    awk -v key="\"$3\":" -v statistic="\"${4:-}\":" '
        $1 == key && $2 != "{" { print $2 + 0; exit }
        $1 == key { inside = 1; next }
        inside && $1 == statistic { print $2 + 0; exit }
        inside && /}/ { exit }' "$work/$1/cells/$2/summary.json"
}

# LEFT at least FACTOR times RIGHT
at_least() { # WHAT LEFT FACTOR RIGHT
    awk -v left="$2" -v factor="$3" -v right="$4" -v what="$1" 'BEGIN {
        printf "%s: %.6g against %.6g, a factor of %.3g; at least %s\n", what, left, right, left / right, factor
        exit !(left > 0 && right > 0 && left >= factor * right)
    }'
}

# ---- orca against static ----
# Yu et al., Orca (OSDI 2022): 36.9 times the throughput of FasterTransformer at equal latency (GPT-3 175B, outputs of
# 1 to 128 tokens). At equal batch size what is left is the time that a batch waits for its longest member: of n
# exponential lengths the longest is 1 + 1/2 + ... + 1/n times the mean, which is 4.1 for 32.
run orca <<'YAML'
servsim: 1
hardware: a100
workload: {plugin: poisson, rate: 1000, requests: 400, prompt_tokens: 128, output_tokens: 200,
           output_distribution: exponential}
matrix:
  scheduler:
    static: {plugin: static, max_num_seqs: 32}
    orca: {plugin: orca, max_num_seqs: 32}
report: []
YAML
at_least "orca: tokens/s against static" "$(figure orca orca output_tokens_per_s)" 2.5 \
    "$(figure orca static output_tokens_per_s)"
at_least "static: mean latency against orca" "$(figure orca static latency_ms mean)" 2.5 \
    "$(figure orca orca latency_ms mean)"

# ---- sarathi against vllm_v0 ----
# Agrawal et al., Sarathi-Serve (OSDI 2024): prefill-first steps stall decodes for as long as a prompt takes; without
# the stalls Mistral-7B on one A100 carries 2.6 times the load at the same P99 time between tokens. Chunks cost TTFT.
run sarathi <<'YAML'
servsim: 1
hardware: a100
workload: {plugin: poisson, rate: 2, requests: 300, prompt_distribution: lognormal, prompt_tokens: 4000, prompt_max: 8000,
           output_tokens: 200, output_distribution: exponential}
matrix:
  scheduler:
    vllm_v0: {plugin: vllm_v0, max_num_batched_tokens: 8192}
    sarathi: {plugin: sarathi, token_budget: 512}
report: []
YAML
at_least "vllm_v0: P99 gap between tokens against sarathi" "$(figure sarathi vllm_v0 itl_ms p99)" 2.6 \
    "$(figure sarathi sarathi itl_ms p99)"
at_least "sarathi: mean TTFT against vllm_v0" "$(figure sarathi sarathi ttft_ms mean)" 1.1 \
    "$(figure sarathi vllm_v0 ttft_ms mean)"

# ---- shortest first, and mlfq, which does not know what is short ----
# Lengths of a bounded Pareto distribution, prompt as long as output, so that sjf and srpt know them without a
# predictor; 16 places, load about 1.2.
traffic() { # ROWS RATE SEED
    awk -v rows="$1" -v rate="$2" -v state="$3" '
        function lot() { state = (state * 69069 + 1) % 4294967296; return (state + 0.5) / 4294967296 }
        BEGIN {
            print "input_toks\toutput_toks\tarrival_time_ns"
            for (i = 0; i < rows; i++) {
                at -= log(lot()) / rate
                tokens = int(20 * (1 - lot() * (1 - (20 / 4000) ^ 0.9)) ^ (-1 / 0.9))
                printf "%d\t%d\t%.0f\n", tokens, tokens, at * 1e9
            }
        }'
}
traffic 1200 9 12345 >"$work/heavy.tsv"
run shortest <<YAML
servsim: 1
hardware: a100
workload: {plugin: tokens, path: $work/heavy.tsv}
matrix:
  scheduler:
    fcfs: {plugin: fcfs, max_num_seqs: 16}
    sjf: {plugin: sjf, max_num_seqs: 16}
    srpt: {plugin: srpt, max_num_seqs: 16}
    mlfq: {plugin: mlfq, max_num_seqs: 16}
report: []
YAML
latency() { figure shortest "$1" latency_ms "$2"; }
# Fu et al., Efficient LLM Scheduling by Learning to Rank (2024): 2.8 times lower latency of chats, near to what sjf does.
at_least "fcfs: mean latency against sjf" "$(latency fcfs mean)" 1.5 "$(latency sjf mean)"
at_least "fcfs: mean latency against srpt" "$(latency fcfs mean)" 1.5 "$(latency srpt mean)"
at_least "sjf: longest latency against fcfs" "$(latency sjf max)" 1.05 "$(latency fcfs max)"
at_least "srpt: longest latency against fcfs" "$(latency srpt max)" 1.2 "$(latency fcfs max)"
# Wu et al., FastServe (2023, first version): up to 5.1 times lower mean completion time than Orca.
at_least "fcfs: mean latency against mlfq" "$(latency fcfs mean)" 1.5 "$(latency mlfq mean)"
at_least "mlfq: mean latency against srpt" "$(latency mlfq mean)" 1.02 "$(latency srpt mean)"

# ---- fair: a client that floods does not starve another ----
# Sheng et al., Fairness in Serving Large Language Models (OSDI 2024): two clients that both have requests waiting get
# the same service within a bound, and one that asks for less than its share is served as if alone. Here the first sends
# nine in ten of more requests than the GPU can serve; under fcfs the second waits as long as the first.
awk 'BEGIN { srand(1) }
    NR == 1 { print $0 "\tclient_id"; next }
    { print $0 "\t" (NR % 10 == 0 ? "small" : "flood") }' "$work/heavy.tsv" >"$work/flood.tsv"
run fair <<YAML
servsim: 1
hardware: a100
workload: {plugin: tokens, path: $work/flood.tsv, rate: 12}
matrix:
  scheduler:
    fcfs: {plugin: fcfs, max_num_seqs: 16}
    fair: {plugin: fair, max_num_seqs: 16}
report: []
YAML
queueing() { # CELL REMAINDER: mean queue_ms of the requests whose row has it
    awk -F , -v want="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "queue_ms") column = i; next }
        (($1 + 2) % 10 == 0) == want { sum += $column; count++ }
        END { print sum / count }' "$work/fair/cells/$1/requests.csv"
}
at_least "fcfs: queueing of the small client against fair" "$(queueing fcfs 1)" 10 "$(queueing fair 1)"
at_least "fcfs: queueing of the flooding client against fair" "$(queueing fcfs 0)" 0.8 "$(queueing fair 0)"

# who sent a request stands in its row, and only where traffic has clients, priorities or retries
heads() { # EXPERIMENT CELL: the columns behind latency_ms
    sed -n '1s/.*,latency_ms//p' "$work/$1/cells/$2/requests.csv"
}
[ "$(heads fair fcfs)" = ",client" ]
awk -F , 'NR == 1 { next } { seen[$13]++; small += ($1 + 2) % 10 == 0 }
    END { for (client in seen) { clients++; found += seen[client] == small } exit !(clients == 2 && found == 1) }' \
    "$work/fair/cells/fair/requests.csv"

# ---- priority and slo ----
# No paper's figure: the urgent tenth hardly waits where all wait under fcfs, and deadlines are met that fcfs misses.
awk 'function lot() { state = (state * 69069 + 1) % 4294967296; return (state + 0.5) / 4294967296 }
    NR > 1 { printf "{\"input_toks\": %d, \"output_toks\": %d, \"arrival_time_ns\": %s, \"priority\": %d, \"deadline_s\": %d}\n",
        $1, $2, $3, NR % 10 != 0, lot() < 0.5 ? 15 : 300 }' "$work/heavy.tsv" >"$work/urgent.jsonl"
run urgent <<YAML
servsim: 1
hardware: a100
workload: {plugin: tokens, path: $work/urgent.jsonl}
matrix:
  scheduler:
    fcfs: {plugin: fcfs, max_num_seqs: 12}
    priority: {plugin: priority, max_num_seqs: 12}
    slo: {plugin: slo, max_num_seqs: 12}
report: []
YAML
urgent_queueing() { # CELL
    awk -F , 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "queue_ms") column = i; next }
        ($1 + 2) % 10 == 0 { sum += $column; count++ }
        END { print sum / count }' "$work/urgent/cells/$1/requests.csv"
}
in_time() { # CELL: requests done before their deadlines
    awk -F , 'NR == FNR { split($0, part, /"deadline_s": |}/); deadline_ms[FNR] = part[2] * 1000; next }
        FNR == 1 { for (i = 1; i <= NF; i++) if ($i == "latency_ms") column = i; next }
        $column <= deadline_ms[$1 + 1] { count++ }
        END { print count }' "$work/urgent.jsonl" "$work/urgent/cells/$1/requests.csv"
}
[ "$(heads urgent slo)" = ",priority" ]
awk -F , 'NR > 1 && $13 != (($1 + 2) % 10 != 0) { exit 1 }' "$work/urgent/cells/slo/requests.csv"
at_least "fcfs: queueing of urgent requests against priority" "$(urgent_queueing fcfs)" 10 "$(urgent_queueing priority)"
at_least "slo: requests in time against fcfs" "$(in_time slo)" 1.1 "$(in_time fcfs)"
