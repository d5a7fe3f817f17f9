#!/bin/sh
# What predictive scheduling promises, in configs/predictive.yaml and on the Azure conversation trace compressed in time:
# perfect predictions beat fcfs beyond doubt, learned ones keep half of that gain or more, wrong ones cost next to
# nothing, and none at all make it fcfs.
set -eu
servsim=$SERVSIM_BUILDDIR/servsim
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

means() { # EXPERIMENT CELL KEY: the mean of each replicate, one a line
    for summary in "$work/$1/cells/$2".r*/summary.json; do
        awk -v key="  \"$3\":" 'index($0, key) == 1 { inside = 1 }
            inside && $1 == "\"mean\":" { print $2 + 0; exit }' "$summary"
    done
}

# all three configurations of a traffic side by side: fcfs, predictive with a predictor, predictive with the perfect one
table() { # EXPERIMENT TRAFFIC PREDICTOR KEY
    means "$1" "$2-$3-fcfs" "$4" >"$work/fcfs"
    means "$1" "$2-$3-predictive" "$4" >"$work/predictive"
    means "$1" "$2-perfect-predictive" "$4" >"$work/perfect"
    paste "$work/fcfs" "$work/predictive" "$work/perfect"
}

# The 95 % intervals of the means over five replicates (Student's t with 4 degrees of freedom) lie apart.
beats_fcfs() { # EXPERIMENT TRAFFIC PREDICTOR KEY
    table "$@" | awk -v what="$2, $3, mean $4" '
        { n++; f += $1; ff += $1 * $1; p += $2; pp += $2 * $2 }
        END {
            half_f = 2.776 * sqrt((ff - f * f / n) / (n - 1) / n)
            half_p = 2.776 * sqrt((pp - p * p / n) / (n - 1) / n)
            printf "%s: fcfs %.0f +- %.0f, predictive %.0f +- %.0f; intervals must lie apart\n",
                what, f / n, half_f, p / n, half_p
            exit !(n == 5 && p / n + half_p < f / n - half_f)
        }' || failed=1
}

# Of what perfect predictions gain, so much or more.
keeps() { # SHARE EXPERIMENT TRAFFIC PREDICTOR KEY
    share=$1
    shift
    table "$@" | awk -v what="$2, $3, mean $4" -v share="$share" '
        { n++; kept += $1 - $2; most += $1 - $3 }
        END {
            printf "%s: gains %.0f where perfect predictions gain %.0f, %.3f of it; at least %s\n",
                what, kept / n, most / n, kept / most, share
            exit !(n == 5 && most > 0 && kept >= share * most)
        }' || failed=1
}

# No more than so many times what fcfs takes.
costs() { # FACTOR EXPERIMENT TRAFFIC PREDICTOR KEY
    factor=$1
    shift
    table "$@" | awk -v what="$2, $3, mean $4" -v factor="$factor" '
        { n++; f += $1; p += $2 }
        END {
            printf "%s: %.4f times what fcfs takes; at most %s\n", what, p / f, factor
            exit !(n == 5 && f > 0 && p <= factor * f)
        }' || failed=1
}

"$servsim" run --quiet --verify --output "$work/generated" --set report='[json]' \
    "$SERVSIM_SRCDIR/configs/predictive.yaml" >/dev/null
for figure in ttft_ms latency_ms; do
    for traffic in bursts_08 bursts_10 bursts_12; do
        beats_fcfs generated $traffic perfect $figure
    done
    for traffic in bursts_08 bursts_10 bursts_12 campaigns_10; do
        keeps 0.5 generated $traffic learned $figure
        costs 1.05 generated $traffic wrong $figure
    done
done

# without predictions, request by request what fcfs and least_loaded do
cat >"$work/none.yaml" <<'YAML'
servsim: 1
hardware: rtx3090
cluster: {gpus: 2}
workload: {plugin: bursts, rate: 5, requests: 600, prompt_distribution: burstgpt, output_distribution: burstgpt}
matrix:
  scheduler: [fcfs, predictive]
  router: [least_loaded, predictive]
report: []
YAML
"$servsim" run --quiet --output "$work/none" "$work/none.yaml" >/dev/null
for cell in "$work"/none/cells/*; do
    cmp "$cell/requests.csv" "$work/none/cells/fcfs-least_loaded/requests.csv" || failed=1
done

trace=${SERVSIM_MEASURED_DATA:-}/azure/AzureLLMInferenceTrace_conv.csv
if [ -n "${SERVSIM_MEASURED_DATA:-}" ] && [ -r "$trace" ]; then
    # 5.5 requests a second as measured; fcfs serves 7.7 on four of these GPUs
    cat >"$work/azure.yaml" <<YAML
servsim: 1
hardware: rtx3090
cluster: {gpus: 4}
workload: {plugin: tokens, path: "$trace", sample: 5000, rate: 7.7}
matrix:
  workload:
    azure_08: {rate: 6.2}
    azure_10: {rate: 7.7}
    azure_12: {rate: 9.2}
  predictor:
    perfect: {plugin: oracle}
    learned: {plugin: histogram}
    wrong: {plugin: oracle, wrong: true}
  scheduler: [fcfs, predictive]
replicates: 5
report: []
YAML
    "$servsim" run --quiet --output "$work/azure" "$work/azure.yaml" >/dev/null
    for figure in ttft_ms latency_ms; do
        for traffic in azure_08 azure_10 azure_12; do
            keeps 0.5 azure $traffic learned $figure
            costs 1.05 azure $traffic wrong $figure
        done
    done
else
    echo "left out: the Azure conversation trace, which the folder that SERVSIM_MEASURED_DATA names holds"
fi
[ "$failed" -eq 0 ]
