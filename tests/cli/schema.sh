#!/bin/sh
# servsim schema: what ships keeps it, mistakes that people make do not, and the one that is installed is this one. Needs
# python3 with jsonschema and yaml for all but the last.
set -eu
servsim=$SERVSIM_BUILDDIR/servsim
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
# shellcheck source=tests/cli/functions.sh
. "$SERVSIM_SRCDIR/tests/cli/functions.sh"

"$servsim" schema >schema.json
says schema.json '"https://json-schema.org/draft/2020-12/schema"' '"scheduler.fcfs"' '"llama-3.1-8b"' '"vllm-0.15"'
"$servsim" schema >again.json
cmp schema.json again.json
refuses "not understood" "$servsim" schema --all
[ ! -f "$SERVSIM_BUILDDIR/experiment.schema.json" ] || cmp schema.json "$SERVSIM_BUILDDIR/experiment.schema.json"

# the options of a plugin of one's own are in it
if [ -f "$SERVSIM_BUILDDIR/tests/broken/.libs/kit_scheduler.so" ]; then
    mkdir theirs
    cp "$SERVSIM_BUILDDIR/tests/broken/.libs/kit_scheduler.so" theirs/
    chmod go-w theirs/*.so
    "$servsim" --plugin-path theirs schema >wider.json
    says wider.json '"scheduler.horizon_lies"'
fi

python3 -c 'import jsonschema, yaml; jsonschema.Draft202012Validator' 2>/dev/null || {
    echo "no python3 with jsonschema and yaml here: no experiment was held against the schema"
    exit 0
}

cat >check.py <<'PYTHON'
"""check.py SCHEMA good|bad FILE...: is every file, or none, as the schema says?"""
import json
import sys

import jsonschema
import yaml

with open(sys.argv[1], encoding="utf-8") as file:
    schema = json.load(file)
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
wrong = 0
for path in sys.argv[3:]:
    with open(path, encoding="utf-8") as file:
        errors = list(validator.iter_errors(yaml.safe_load(file)))
    if bool(errors) == (sys.argv[2] == "good"):
        wrong += 1
        print(f"{path} is {'refused' if errors else 'taken'}")
        for error in errors:
            print(f"  {list(error.absolute_path)}: {error.message[:200]}")
sys.exit(wrong > 0)
PYTHON

# what ships, and what the documents show
for file in "$SERVSIM_SRCDIR"/data/templates/*/experiment.yaml; do
    kind=$(basename "$(dirname "$file")")
    sed "s/@[A-Za-z_]*@/\.\/mine/g" "$file" >"template_$kind.yaml"
done
# shellcheck disable=SC2016 # these are no commands
sed -n '/^```yaml$/,/^```$/p' "$SERVSIM_SRCDIR/README.md" | sed '/^```/d' >readme.yaml
sed -n '/BEGIN example/,/END example/p' "$SERVSIM_SRCDIR/doc/man5/servsim.yaml.5.in" | sed '/^\.\\"/d; s/\\-/-/g' >manual.yaml
python3 check.py schema.json good "$SERVSIM_SRCDIR"/configs/*.yaml "$SERVSIM_SRCDIR"/examples/*/experiment.yaml \
    ./template_*.yaml readme.yaml manual.yaml

# a cell's resolved configuration, every default written out
"$servsim" run --quiet --output quick "$SERVSIM_SRCDIR/configs/quick.yaml" >/dev/null
python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["configuration"])' \
    "$(find quick/cells -name run.json | sort | head -n 1)" >resolved.yaml
python3 check.py schema.json good resolved.yaml

# What servsim takes, the schema takes; what it refuses for its form, the schema refuses.
count=0
rm -rf good bad
mkdir good bad
put() { # good|bad LINE...
    how=$1
    shift
    count=$((count + 1))
    {
        printf 'servsim: 1\n'
        printf '%s\n' "$@"
        case "$*" in *workload*) ;; *) printf 'workload: {plugin: poisson, rate: 2, requests: 10}\n' ;; esac
    } >"$how/$count.yaml"
    status=0
    "$servsim" run --quiet --output results "$how/$count.yaml" >log 2>&1 || status=$?
    [ "$how" = good ] && expected=0 || expected=2
    [ "$status" -eq "$expected" ] || { cat "$how/$count.yaml" log; fail "exit status $status"; }
    rm -rf results
}
put good 'scheduler: FCFS' 'slo: {ttft: 1s, tpot: 50}'
put good 'scheduler: {max_num_seqs: 64, preemption: Swap, chunked_prefill: off}'
put good 'model: {name: Llama-3.1-8B, weights: FP8}' 'seed: 1e3'
put good 'hardware: {plugin: custom, peak_tflops: {bf16: 71}, memory: 24GB, memory_bandwidth: 936 GB/s}'
put good 'hardware: {plugin: custom, peak_tflops.bf16: 71 tflops, memory: 24e9, memory_bandwidth: 0.936TB/s}'
put good 'cluster: {gpus: 2, tp: 2, interconnect: {bandwidth: 50GB/s, latency: 5}}' 'engine: {step: 1ms, layer: 0}'
put good 'kv_cache: {memory_utilization: 90%, prefix_caching: yes, swap_space: 1GiB}' 'stop_after: 60'
put good 'workload: {plugin: poisson, requests: 10}' 'matrix: {workload: {slow: {rate: 1/s}, fast: {rate: 120/min}}}'
put good 'matrix: {workload: [{plugin: poisson, rate: 2, requests: 10, label: calm}]}'
put good 'workload: {plugin: poisson, rate: 2, requests: 10, clients: [8, 1], priorities: "1, 2"}'
put good 'matrix: {predictor: [none, {plugin: histogram}], scheduler: [sjf, {plugin: fcfs, label: 8}]}'
put good 'failures: none' 'report: csv'
put good 'failures: {schedule: [{replica: 0, at: 1s, for: 2s}]}' 'report: [{plugin: plots, formats: png}]' 'timeout: 1min'
put bad 'schedular: fcfs'
put bad 'scheduler: fcfz'
put bad 'scheduler: {plugin: fcfs, max_num_seq: 3}'
put bad 'scheduler: {plugin: sjf, token_budget: 3}'
put bad 'scheduler: {plugin: fcfs, max_num_seqs: -3}'
put bad 'scheduler: {plugin: fcfs, max_num_seqs: lots}'
put bad 'scheduler: {plugin: fcfs, max_num_seqs: 2.5}'
put bad 'scheduler: {plugin: fcfs, preemption: never}'
put bad 'scheduler: {plugin: fcfs, chunked_prefill: maybe}'
put bad 'scheduler: {plugin: fcfs, label: whole}'
put bad 'slo: {ttft: 50 parsecs}'
put bad 'slo: {ttft: 5GB}'
put bad 'slo: fast'
put bad 'seed: -1'
put bad 'model: llama-3.1-9b'
put bad 'model: {name: llama-3.1-8b, weights: int3}'
put bad 'engine: vlm'
put bad 'engine: {step: 1ms}'
put bad 'hardware: custom'
put bad 'hardware: {plugin: custom, peak_tflops: {fp8: 71}, memory: 24GB, memory_bandwidth: 936GB/s}'
put bad 'cluster: {gpus: 0}'
put bad 'cluster: {gpus: 2, interconnect: 50GB/s}'
put bad 'kv_cache: {memory_utilization: 1.7}'
put bad 'failures: {repair: 5s}'
put bad 'failures: {schedule: [{replica: 0}]}'
put bad 'failures: often'
put bad 'replicates: 0'
put bad 'timeout: soon'
put bad 'report: [csv, pdf]'
put bad 'workload: {plugin: poisson, rate: 2}'
put bad 'workload: {rate: 2, requests: 10}'
put bad 'workload: burstgpt'
put bad 'workload: {plugin: poisson, rate: 2, requests: 10, clients: []}'
put bad 'matrix: {output: [a, b]}'
put bad 'matrix: {}'
put bad 'matrix: {scheduler: fcfs}'
put bad 'matrix: {scheduler: [fcfs, fcfz]}'
put bad 'matrix: {scheduler: [{max_num_seq: 3}]}'
put bad 'matrix: {cluster: {one: {gpu: 1}}}'
put bad 'seed: 3' 'servsim: 2'
sed '1d' bad/"$count".yaml >bad/version.yaml
python3 check.py schema.json good good/*.yaml
python3 check.py schema.json bad bad/*.yaml
echo "$count experiments of a few lines"
