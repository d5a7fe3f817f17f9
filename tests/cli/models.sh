#!/bin/sh
# servsim models: the list and one model in figures, as text and as JSON, and what is refused.
set -eu
servsim=$SERVSIM_BUILDDIR/servsim
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# says FILE WORDS...: each of them stands in the file
says() {
    file=$1
    shift
    for words; do
        grep -qF -- "$words" "$file" || { cat "$file" >&2; fail "no '$words'"; }
    done
}

refuses() { # WORDS ARGUMENT...
    words=$1
    shift
    status=0
    "$servsim" models "$@" >out 2>err || status=$?
    [ "$status" -eq 2 ] || fail "$*: exit status $status"
    [ "$(wc -l <err)" -eq 1 ] && [ ! -s out ] || fail "$*: not one line on standard error alone"
    says err "$words"
}

"$servsim" models >list
ls "$SERVSIM_SRCDIR/configs/models" | sed 's/\.json$//' | LC_ALL=C sort >names
awk 'NR > 1 { print $1 }' list | LC_ALL=C sort | cmp - names
"$servsim" models --json >list.json
[ "$(grep -c '"active_parameters"' list.json)" -eq "$(wc -l <names)" ]

"$servsim" models info deepseek-v3 >text
says text "parameters   671026419200, 37552297472 of them for a token" "70272 bytes a token (bf16)" \
    "61: 3 dense, 58 with experts" "latents of 512 + 64, values of 128" "experts      256, 8 a token, each 2048 wide" \
    "672.987 GB: attention fp8, dense layers fp8, experts fp8, tables bf16; multiplied in fp8"
"$servsim" models info gpt-oss-20b >text
says text "12 with experts, 12 with experts and a window (128 tokens)" "experts mxfp4"
# 2 x (8030261248 - 128256 x 4096) FLOPs a token, 2 x 32 x 32 x 256 for each that it sees
"$servsim" models info LLAMA-3.1-8B --json >json
says json '"parameters": 8030261248' '"flops_per_token": 15009849344' '"flops_per_context_token": 524288' \
    '"weight_bytes": 16060522496' '"kv_bytes_per_token": 131072' '"dense": 32'
"$servsim" models info llama-3.1-8b --weights fp8 --kv fp8 --json >json
says json '"weight_dtype": "fp8"' '"gemm_dtype": "fp8"' '"kv_dtype": "fp8"' '"kv_bytes_per_token": 65536'
# by the path of a file
"$servsim" models info "$SERVSIM_SRCDIR/configs/models/yi-6b.json" >text
says text "yi-6b" "6061035520"

refuses "did you mean 'llama-3.1-8b'" info llama-3.1-8
refuses "which model" info
refuses "is no type" info llama-3.1-8b --weights int3
refuses "is no type" info llama-3.1-8b --kv
refuses "not understood" info llama-3.1-8b --heavy
refuses "not understood" info llama-3.1-8b yi-6b
refuses "not understood" --yaml
printf '{"num_hidden_layers": 2' >bad.json
refuses "not JSON" info ./bad.json

# each of them can be simulated, whole, on one GPU that is large enough
{
    cat <<'YAML'
servsim: 1
name: all
hardware: {plugin: custom, peak_tflops: {bf16: 1000}, memory: 8TB, memory_bandwidth: 3TB/s}
scheduler: {plugin: fcfs, max_num_seqs: 8, max_num_batched_tokens: 512}
workload: {plugin: poisson, rate: 5, requests: 6, prompt_tokens: 600, output_tokens: 20}
report: []
matrix:
  model:
YAML
    sed 's/\(.*\)/    "\1": {name: "\1", max_model_len: 1024}/; s/[.]\(.*": {\)/_\1/' names
} >all.yaml
"$servsim" run --quiet --verify --output all all.yaml >/dev/null
[ "$(find all/cells -name summary.json | wc -l)" -eq "$(wc -l <names)" ] || fail "not every model ran"

# what a path names has a name of its own, and a cell is called by that: a model, a plugin
mkdir my-llm
cp "$SERVSIM_SRCDIR/configs/models/codellama-7b.json" my-llm/config.json
cp "$SERVSIM_BUILDDIR/plugins/.libs/scheduler_sjf.so" mine.so
chmod go-w mine.so
cat >paths.yaml <<'YAML'
servsim: 1
hardware: h100
workload: {plugin: poisson, rate: 5, requests: 6}
report: []
matrix: {model: [llama-3.1-8b, ./my-llm/config.json, {name: ./my-llm, label: again}], scheduler: [./mine.so, {plugin: ./mine.so, max_num_seqs: 2, label: two}]}
YAML
"$servsim" run --quiet --output paths paths.yaml >/dev/null
[ "$(ls paths/cells | tr '\n' ' ')" = "again-sjf again-two llama-3.1-8b-sjf llama-3.1-8b-two my-llm-sjf my-llm-two " ] ||
    fail "cells named by a path: $(ls paths/cells)"
