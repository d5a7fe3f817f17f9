#!/bin/sh
# Bad input: one line that names the place and the mend, exit status 2, nothing left behind.
set -eu
servsim=$SERVSIM_BUILDDIR/servsim
data=$SERVSIM_SRCDIR/data
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work"
failures=0

# expect WORDS COMMAND...: exit status 2, one line on standard error with all of WORDS (separated by |), no output
expect() {
    words=$1
    shift
    status=0
    "$@" >out 2>err </dev/null || status=$?
    problem=
    [ "$status" -eq 2 ] || problem="exit status $status"
    [ "$(wc -l <err)" -eq 1 ] || problem="$problem, $(wc -l <err) lines"
    [ ! -e results ] || problem="$problem, left a folder"
    [ ! -e r.csv ] && [ ! -e r.summary.json ] && [ ! -e r.csv.part ] || problem="$problem, left a file"
    old=$IFS
    IFS='|'
    for word in $words; do
        grep -qF -- "$word" err || problem="$problem, no '$word'"
    done
    IFS=$old
    if [ -n "$problem" ]; then
        failures=$((failures + 1))
        printf 'FAILED: %s\n  %s\n' "$*" "$problem"
        sed 's/^/  | /' err
    fi
    rm -rf results r.csv r.summary.json r.run.json
}

# yaml WORDS LINE...: an experiment of these lines in front of a good rest
yaml() {
    words=$1
    shift
    {
        printf 'servsim: 1\noutput: results\nreport: []\n'
        printf '%s\n' "$@"
        case "$*" in *workload*) ;; *) printf 'workload: {plugin: poisson, rate: 2, requests: 10}\n' ;; esac
    } >bad.yaml
    expect "$words" "$servsim" run bad.yaml
}

# trace WORDS TEXT: a trace of this text
trace() {
    printf "$2" >bad.csv
    expect "$1" "$servsim" simulate --dataset bad.csv --output r.csv
}

head='Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n'

# --- the program ---
expect "unknown command|did you mean 'run'" "$servsim" runn
expect "FILE" "$servsim" run
expect "nosuch.yaml|config:burst, " "$servsim" run nosuch.yaml
expect "the one that ships is config:load_balance" "$servsim" run elsewhere/load_balance.yaml
expect "config:nosuch: there is no such experiment" "$servsim" run config:nosuch
expect "'--stepwize' is not a flag|--stepwise" "$servsim" run --stepwize bad.yaml
expect "--jobs wants a value" "$servsim" run --jobs
expect "'--npu-nam' is not a flag|--npu-num" "$servsim" simulate --npu_nam 3
yaml "speculative decoding is not modelled" "speculative: {tokens: 3}"
expect "simulate" "$servsim" simulate --dataset "$data/sharegpt_like_100.tsv"
expect "npu_num" "$servsim" simulate --npu_num -3 --dataset "$data/sharegpt_like_100.tsv" --output r.csv
expect "npu_num" "$servsim" simulate --npu-num 99999999999999 --dataset "$data/sharegpt_like_100.tsv" --output r.csv
expect "npu_group|does not divide" "$servsim" simulate --npu_num 4 --npu_group 3 --dataset x --output r.csv
"$servsim" simulate --npu_num 4 --npu_group 2 --dataset "$data/sharegpt_like_100.tsv" --output grouped.csv >/dev/null
grep -q 'tp: 2, pp: 2' grouped.run.json
expect "pp: 64|layers" "$servsim" simulate --npu_num 64 --npu_group 64 --dataset "$data/sharegpt_like_100.tsv" --output r.csv
expect "rtx3091|rtx3090" "$servsim" simulate --hardware rtx3091 --dataset "$data/sharegpt_like_100.tsv" --output r.csv
expect "nosuch.csv" "$servsim" simulate --dataset nosuch.csv --output r.csv

# --- the experiment file ---
: >empty.yaml
expect "empty.yaml" "$servsim" run empty.yaml
head -c 4000 "$servsim" >junk.yaml
expect "junk.yaml" "$servsim" run junk.yaml
yaml "bad.yaml:4|schedular|scheduler" 'schedular: fcfs'
yaml "bad.yaml:5|seed" 'seed: 1' 'seed: 2'
yaml "document" '---' 'seed: 3'
yaml "bad.yaml:4|fcfz|fcfs" 'scheduler: fcfz'
yaml "bad.yaml:4|max_num_seq|max_num_seqs" 'scheduler: {plugin: fcfs, max_num_seq: 3}'
yaml "bad.yaml:4|max_num_seqs" 'scheduler: {plugin: fcfs, max_num_seqs: -3}'
yaml "bad.yaml:4|max_num_seqs" 'scheduler: {plugin: fcfs, max_num_seqs: lots}'
yaml "max_num_batched_tokens|max_num_seqs" 'scheduler: {plugin: fcfs, max_num_seqs: 64, max_num_batched_tokens: 32}'
# keys of maps that stand outside of them, and what libyaml has no words for
yaml "bad.yaml:4|'max_num_seqs'|scheduler: {max_num_seqs: ...}" 'max_num_seqs: 64'
yaml "bad.yaml:4|'gpus'|cluster: {gpus: ...}" 'gpus: 4'
yaml "bad.yaml:4|'block_size'|kv_cache: {block_size: ...}" 'block_size: 32'
yaml "bad.yaml:4|'power'|hardware: {power: ...}" 'power: {limit: 300W}'
yaml "bad.yaml:4|'tp' cannot be an axis|cluster: {LABEL: {tp: ...}, ...}" 'matrix: {tp: [1, 2]}'
yaml "bad.yaml:4|'rate' cannot be an axis|workload: {LABEL: {rate: ...}, ...}" 'matrix: {rate: [1, 2]}'
yaml "bad.yaml:4|engine has no name|name: vllm-0.15" 'engine: {step: 1ms}'
yaml "bad.yaml:5|not YAML|no tabs" 'cluster:' '	gpus: 1'
yaml "bad.yaml|not YAML|a space behind the colon" 'model:llama-3.1-8b'
yaml "bad.yaml|not YAML|is not closed" 'hardware: {plugin: a100'
yaml "bad.yaml:4|not YAML|begin in one column" ' hardware: a100'
yaml "bad.yaml:4|50 parsecs" 'slo: {ttft: 50 parsecs}'
yaml "bad.yaml:4|failures|nothing fails|mtbf" 'failures: {repair: 5s}'
yaml "bad.yaml:4|failures|mtbf" 'failures: often'
yaml "bad.yaml:4|mtbf" 'failures: {mtbf: 0s}'
yaml "bad.yaml:4|mtfb|mtbf" 'failures: {mtfb: 60s}'
yaml "bad.yaml:4|retries" 'failures: {mtbf: 60s, retries: -1}'
yaml "bad.yaml:4|schedule|at: 60s" 'failures: {schedule: {replica: 0, at: 60s}}'
yaml "bad.yaml:4|schedule|at: 60s" 'failures: {schedule: [0]}'
yaml "bad.yaml:4|at" 'failures: {schedule: [{replica: 0}]}'
yaml "bad.yaml:4|untill|until" 'failures: {schedule: [{replica: 0, at: 60s, untill: 61s}]}'
yaml "bad.yaml:4|until|for" 'failures: {schedule: [{replica: 0, at: 60s, until: 61s, for: 1s}]}'
yaml "bad.yaml:4|60s|later until" 'failures: {schedule: [{replica: 0, at: 60s, until: 60s}]}'
yaml "bad.yaml:4|replica 1 is not there|0 to 0" 'failures: {schedule: [{replica: 1, at: 60s}]}'
yaml "bad.yaml:4|slowdown" 'failures: {stragglers: [{replica: 0}]}'
yaml "bad.yaml:4|slowdown" 'failures: {stragglers: [{replica: 0, slowdown: 0.5}]}'
yaml "bad.yaml:4|replica 0|twice" 'failures: {stragglers: [{replica: 0, slowdown: 2}, {replica: 0, slowdown: 3}]}'
yaml "bad.yaml:4|memory_utilization" 'kv_cache: {memory_utilization: 1.7}'
yaml "bad.yaml:4|memory_utilization" 'kv_cache: {memory_utilization: .nan}'
yaml "bad.yaml:4|tp|gpus" 'cluster: {gpus: 4, tp: 3}'
yaml "bad.yaml:4|tp|heads" 'cluster: {gpus: 3, tp: 3}'
yaml "bad.yaml:4|gpus" 'cluster: {gpus: 0}'
yaml "bad.yaml:4|pp|layers" 'cluster: {gpus: 64, pp: 64}'
yaml "bad.yaml:4|ep|experts" 'cluster: {gpus: 2, tp: 2, ep: 2}'
yaml "prefix_caching|blocks" 'kv_cache: {prefix_caching: true, blocks: 2000000000}'
yaml "bad.yaml:4|llama-3.1-9b|llama-3.1-8b" 'model: llama-3.1-9b'
yaml "bad.yaml:4|meta-llama/Llama-3.1-8B-Instruct|write llama-3.1-8b" 'model: meta-llama/Llama-3.1-8B-Instruct'
yaml "bad.yaml:4|write llama-3.1-8b" 'model: {name: meta-llama/Meta-Llama-3.1-8B}'
yaml "bad.yaml:4|did you mean 'qwen2.5-7b'" 'model: Qwen2.5-7B-Instruct'
yaml "bad.yaml:4|nowhere/config.json" 'model: nowhere/config.json'
yaml "llama-3.1-70b|does not fit|GiB|tp" 'model: llama-3.1-70b'
yaml "bad.yaml:4|nosuch.csv" 'workload: {plugin: burstgpt, path: nosuch.csv}'
yaml "bad.yaml:4|path" 'workload: {plugin: burstgpt}'
yaml "bad.yaml:4|rate" 'workload: {plugin: poisson, rate: fast, requests: 10}'
yaml "bad.yaml:4|plugin.so" 'scheduler: ./plugin.so'
printf 'servsim: 1\nworkload: {plugin: poisson, rate: 2, requests: 10}\n' >good.yaml
expect "scheduler.max_num_seqz|max_num_seqs" "$servsim" run --set scheduler.max_num_seqz=3 good.yaml

# what --set says and every value of an axis says otherwise
printf 'servsim: 1\nreport: []\nworkload: {plugin: poisson, rate: 2, requests: 10}\nkv_cache: {block_size: 32}\nmatrix:\n' >axes.yaml
printf '  cluster: {one: {gpus: 1}, two: {gpus: 2}}\n  scheduler: [fcfs, sjf]\n  kv_cache: {a: {}, b: {blocks: 900}}\n' >>axes.yaml
expect "--set cluster.gpus=8: no cell|axis 'cluster'|--set matrix.cluster.one" "$servsim" run --set cluster.gpus=8 axes.yaml
expect "--set cluster={gpus: 8, tp: 2}: no cell" "$servsim" run --set 'cluster={gpus: 8, tp: 2}' axes.yaml
expect "--set scheduler=srpt: no cell|axis 'scheduler'|matrix.scheduler=[...]" "$servsim" run --set scheduler=srpt axes.yaml
set -- --output results --quiet --set scheduler.max_num_seqs=64 --set kv_cache.blocks=800 --set kv_cache.block_size=16
"$servsim" run "$@" --set matrix.cluster.two.gpus=4 axes.yaml >out 2>&1 || { cat out; failures=$((failures + 1)); }
grep -q '^two-fcfs-a  *4 ' out || { cat out; failures=$((failures + 1)); }
rm -rf results

# --- the trace ---
trace "bad.csv|empty" ''
trace "bad.csv" '\001\002\377\376 junk\n\000\000'
trace "bad.csv" "$head"
trace "Response tokens" 'Timestamp,Model,Request tokens,Total tokens,Log Type\n5,ChatGPT,3,4,API log\n'
trace "bad.csv:2|nan" "${head}nan,ChatGPT,3,4,7,API log\n"
trace "bad.csv:2|Request tokens" "${head}5,ChatGPT,-3,4,1,API log\n"
trace "bad.csv:3|order" "${head}5,ChatGPT,3,4,7,API log\n4,ChatGPT,3,4,7,API log\n"
trace "bad.csv|quote" "${head}5,\"ChatGPT,3,4,7,API log\n6,ChatGPT,3,4,7,API log\n"
trace "bad.csv:2" "${head}5,ChatGPT,3\n"
trace "bad.csv:2" "${head}5,ChatGPT,99999999999999999999,4,7,API log\n"

# --- plugins ---
head -c 4000 "$servsim" >plugin.so
yaml "plugin.so" 'scheduler: ./plugin.so'
cp "$SERVSIM_BUILDDIR/plugins/.libs/scheduler_fcfs.so" open.so
yaml "bad.yaml:4|unknown scheduler plugin 'open'|write ./open.so" 'scheduler: open'
yaml "bad.yaml:4|write ./open.so" 'matrix: {scheduler: [fcfs, {plugin: open.so}]}'
mkdir deep
printf 'servsim: 1\nscheduler: open\nworkload: {plugin: poisson, rate: 2, requests: 10}\n' >deep/far.yaml
expect "deep/far.yaml:2|write $(pwd -P)/open.so" "$servsim" run deep/far.yaml
expect "write ./open.so" "$servsim" plugins info open
expect "write ./open.so" "$servsim" plugins check open
chmod 666 open.so
yaml "open.so|writable" 'scheduler: ./open.so'
yaml "hardware_a100.so|scheduler" "scheduler: $SERVSIM_BUILDDIR/plugins/.libs/hardware_a100.so"

# --- the output ---
printf 'I am a file\n' >file
expect "file" "$servsim" run --output file/results good.yaml
expect "nosuch/r.csv" "$servsim" simulate --dataset "$data/sharegpt_like_100.tsv" --output nosuch/r.csv
if [ -w /dev/full ]; then
    expect "standard output" sh -c "'$servsim' plugins >/dev/full"
fi

# what ships is listed where a name is wrong, and a folder of plugins that is not there is no folder
expect "config:nothing: there is no such experiment|config:burst, |config:quick" "$servsim" run config:nothing
expect "missing.yaml: there is no such file|config:burst, " "$servsim" plan missing.yaml
expect "--plugin-path: nowhere is no folder" "$servsim" --plugin-path nowhere plugins
expect "--plugin-path: nowhere is no folder" "$servsim" plugins "--plugin-path=$work:nowhere"

[ "$failures" -eq 0 ] || { echo "$failures inputs were not answered as they should be"; exit 1; }
