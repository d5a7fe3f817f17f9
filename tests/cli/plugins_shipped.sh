#!/usr/bin/env bash
# Every plugin that ships keeps the laws of its kind, by its own conformance kit, and looks for nothing in a group of its
# options that is not declared.
set -eu
servsim=$SERVSIM_BUILDDIR/servsim
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What a plugin needs that has required options; one that is not here must work as it stands.
needs() {
    case $1 in
    workload:poisson | workload:bursts) echo "--set rate=5 --set requests=300" ;;
    workload:burstgpt) echo "--set path=data:burstgpt_like_10k.csv" ;;
    workload:tokens) echo "--set path=data:sharegpt_like_100.tsv" ;;
    hardware:profile) echo "--set path=data:synthetic_gpu/llama-3.1-8b/bf16" ;;
    hardware:custom) echo "--set peak_tflops.bf16=71 --set memory=24GB --set memory_bandwidth=900GB/s --set sms=82" ;;
    esac
}

"$servsim" plugins | awk 'NF == 0 { exit } NR > 1 { print $1 ":" $2 }' >"$work/list"
[ "$(wc -l <"$work/list")" -ge 20 ] || { echo "only these were found:" && cat "$work/list" && exit 1; }
# devices share a model, and schedulers a queue; where each takes several times as long, some of them do
[ -z "${SERVSIM_SANITIZED:-}" ] || sed -i -E '/^hardware:(a40|a6000|b200|h100|h200|l40s|rtx4090|rtxpro6000)$/d
    /^scheduler:(static|orca|vllm_v0|sarathi|sjf|priority|fair)$/d' "$work/list"
# a law is left out where its kind or what it declares says so, and not for want of something to try it with
unfit="no results to show it|something else is in its way|give another with --model"
failed=0
while read -r each; do
    # shellcheck disable=SC2046 # words apart
    if "$servsim" plugins check "${each#*:}" --kind "${each%%:*}" --timeout 120 $(needs "$each") >"$work/out" 2>&1 &&
        ! grep -qE "also looks for.*'[a-z_0-9]*[.]|$unfit" "$work/out"; then
        echo "$each: $(tail -n 1 "$work/out")"
    else
        cat "$work/out"
        failed=$((failed + 1))
    fi
done <"$work/list"
[ "$failed" -eq 0 ]
