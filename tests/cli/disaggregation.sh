#!/bin/sh
# Prefill and decode on replicas of their own: what a transfer takes is what is added to a request's latency, links pass on
# one after another, nothing is lost, and single steps make the same; wrong values are refused.
set -eu
servsim=$SERVSIM_BUILDDIR/servsim
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# shellcheck source=tests/cli/functions.sh
. "$SERVSIM_SRCDIR/tests/cli/functions.sh"

# ---- theory: a request alone takes what it takes on one replica, and its transfer ----
cat >alone.yaml <<'YAML'
servsim: 1
hardware: h100
engine: {name: ideal, step: 200us}
cluster: {gpus: 2}
workload: {plugin: poisson, rate: 0.2, arrivals: constant, requests: 40, prompt_distribution: sharegpt, output_tokens: 50}
report: []
YAML
apart='cluster={gpus: 2, prefill_replicas: 1, kv_transfer: {bandwidth: 4GB/s, latency: 2ms}}'
"$servsim" run --quiet --verify --output together alone.yaml >log
"$servsim" run --quiet --verify --output apart --set "$apart" alone.yaml >log
# 2 MiB for the 16 tokens of a block
paste -d, together/cells/run/requests.csv apart/cells/run/requests.csv | awk -F, '
    NR > 1 {
        latency = $12; ttft = $10; apart_ttft = $22; apart_latency = $24; wait = $26; transfer = $27; queue = $28
        wanted = 2 + int(($5 + 15) / 16) * 2097152 / 4e9 * 1e3
        if ((transfer - wanted) ^ 2 > 1e-10 || wait != 0 || queue != 0 || (apart_ttft - ttft) ^ 2 > 1e-10 ||
            (apart_latency - latency - transfer) ^ 2 > 1e-10 || $14 != 1 || $25 != 0) { print; bad = 1 }
    }
    END { exit bad || NR != 41 }' || fail "a transfer is not what is added to a request"

# ---- links: three send to one, all at once ----
cat >burst.yaml <<'YAML'
servsim: 1
hardware: h100
engine: ideal
cluster: {gpus: 4, prefill_replicas: 3, kv_transfer: {bandwidth: 1GB/s}}
workload: {plugin: poisson, rate: 1e6, requests: 60, prompt_tokens: 800, output_distribution: geometric, output_tokens: 5}
report: []
YAML
"$servsim" run --quiet --verify --output burst burst.yaml >log
awk -F, 'NR > 1 && $13 == "" { ones++; if ($6 != 1 || $2 > 2) bad = 1 }
    NR > 1 && $13 != "" { if ($6 < 2 || $2 != 3 || $13 > 2) bad = 1; printf "%.6f %.6f\n", $4 * 1e3 + $10 + $14, $15 }
    END { if (bad || ones == 0) exit 1 }' burst/cells/run/requests.csv | sort -n >transfers ||
    fail "requests of one token are handed over, or others are not"
awk '{ if ($1 < end - 1e-5) { print "overlap at", $1, end; bad = 1 } end = $1 + $2; sum += $2 } NR == 1 { first = $1 }
    END { exit bad || sum < 0.99 * (end - first) }' transfers || fail "the receiver's link is not one line of transfers"
count=$(wc -l <transfers)
holds "all are counted" "$(figure burst run transfers) == $count && $(figure burst run requests_finished) == 60"
holds "bytes" "$(figure burst run bytes) / ($count * 50 * 2097152) > 0.999999 && $(figure burst run bytes) / ($count * 50 * 2097152) < 1.000001"
holds "they wait" "$(figure burst run transfer_wait_ms_mean) > 10"

# ---- a prefill replica keeps blocks until they are sent: with a slow link and few blocks prompts wait ----
for blocks in 120 100000; do
    "$servsim" run --quiet --verify --output "held$blocks" --set kv_cache.blocks=$blocks --set engine=ideal --set \
        'cluster={gpus: 2, prefill_replicas: 1, kv_transfer: {bandwidth: 500MB/s}}' --set \
        'workload={plugin: poisson, rate: 4, requests: 100, prompt_tokens: 800, output_tokens: 20}' alone.yaml >log
done
queue_of() { awk -F, 'NR > 1 { sum += $9 } END { printf "%.6f", sum / (NR - 1) }' "$1/cells/run/requests.csv"; }
holds "blocks are held on the way" "$(queue_of held120) > 5 * $(queue_of held100000)"

# ---- every scheduler and router, with little memory and with prefix caching: the same step by step ----
names() { "$servsim" plugins | awk -v kind="$1" '$1 == kind && $2 != "python" { printf "%s%s", comma, $2; comma = ", " }'; }
cat >equal.yaml <<YAML
servsim: 1
hardware: a100
cluster: {gpus: 5, prefill_replicas: 2, kv_transfer: {bandwidth: 5GB/s, latency: 300us}}
scheduler: {plugin: fcfs, max_num_seqs: 24, max_num_batched_tokens: 2048}
workload: {plugin: poisson, rate: 25, requests: 150, prompt_distribution: sharegpt, output_distribution: sharegpt}
matrix:
  scheduler: [$(names scheduler)]
  kv_cache:
    tight: {blocks: 260}
    prefix: {blocks: 400, prefix_caching: true}
report: []
YAML
sed -e "s/^  scheduler: .*/  router: [$(names router)]/" \
    -e 's/^  kv_cache:/  engine: [vllm-0.15, vllm-0.19, eager, ideal]\n  failures: {none: none, slow: {stragglers: [{replica: 1, slowdown: 1.4}, {replica: 3, slowdown: 1.2}]}}\n  kv_cache:/' \
    equal.yaml >routers.yaml
for file in equal routers; do
    "$servsim" run --quiet --verify --output fast $file.yaml >log
    "$servsim" run --quiet --stepwise --output steps $file.yaml >log
    for cell in fast/cells/*; do
        for name in requests.csv summary.json series.csv itl.csv; do
            cmp "$cell/$name" "steps/${cell#fast/}/$name" || fail "single steps make another $name"
        done
    done
    grep -qE '^  "preemptions": [1-9]' fast/cells/*/summary.json || fail "$file: nothing was preempted"
    grep -qE '^    "transfers": [1-9]' fast/cells/*/summary.json || fail "$file: nothing was handed over"
    rm -rf fast steps
done

# ---- the cell as it was resolved is the cell ----
sed -n 's/^  "configuration": "\(.*\)",*$/\1/p' apart/cells/run/run.json | sed -e 's/\\n/\n/g' -e 's/\\"/"/g' >resolved.yaml
says resolved.yaml "prefill_replicas: 1"
"$servsim" run --quiet --output again resolved.yaml >log
cmp again/cells/run/requests.csv apart/cells/run/requests.csv || fail "the resolved cell is another one"

# ---- the report ----
"$servsim" run --quiet --output told --set "$apart" --set report=markdown alone.yaml >log
says told/report.md "### Prefill and decode on replicas of their own" "On the link, mean (ms)"
"$servsim" run --quiet --output told --set report=markdown alone.yaml >log
"$servsim" run --quiet --output told --set 'matrix.cluster={few: {gpus: 4, prefill_replicas: 3}, many: {gpus: 4, prefill_replicas: 1}, slow: {gpus: 4, prefill_replicas: 2, kv_transfer: {bandwidth: 2GB/s}}}' \
    --set 'workload={plugin: poisson, rate: 60, requests: 3000, prompt_tokens: 1000, output_tokens: 300}' --set report=markdown alone.yaml >log
says told/report.md "1 prefill + 3 decode replicas" "let more replicas decode" "let more replicas compute prompts" \
    "kv_transfer.bandwidth is the limit"
"$servsim" run --quiet --output told --set 'matrix.cluster={a2: {gpus: 2, prefill_replicas: 1}, a4: {gpus: 4, prefill_replicas: 2}, t2: {gpus: 2}, t4: {gpus: 4}}' \
    --set 'workload={plugin: poisson, rate: 60, requests: 1000, prompt_tokens: 1000, output_tokens: 300}' --set report=markdown alone.yaml >log
says told/report.md "(1-GPU replicas, 50 % prefill)" "(1-GPU replicas)"
! grep -q "Try another router" told/report.md || fail "kinds of replicas are held to be uneven"
"$servsim" run --quiet --output told --set report=markdown alone.yaml >log
! grep -q "replicas of their own" told/report.md || fail "a report tells of what was not there"
"$servsim" analyze apart >said
says said "Prefill replicas were busy for" "was sent for"
"$servsim" analyze together >said
! grep -q "was sent for" said || fail "analyze tells of transfers that were not there"
! grep -q "disaggregation" together/cells/run/summary.json || fail "a summary tells of what was not there"

# ---- waits for a prompt are those on the replica that computes it, however many decode ----
for gpus in 2 4; do
    "$servsim" run --quiet --output blocked$gpus --set "cluster={gpus: $gpus, prefill_replicas: 1}" --set \
        'workload={plugin: poisson, rate: 12, requests: 500, prompt_tokens: 1500, prompt_distribution: lognormal, prompt_max: 7000, output_tokens: 20}' alone.yaml >log
    "$servsim" analyze blocked$gpus | sed -n '/^Head-of-line/,/^$/p' >said$gpus
done
cmp said2 said4 || { cat said2 said4; fail "who decodes changes what prompts wait for"; }
grep -q "for [1-9][0-9.]* % of that" said2 || { cat said2; fail "nobody waits for a longer prompt"; }

# ---- what is on its way when the run stops has no times ----
"$servsim" run --quiet --verify --output stopped --set stop_after=2s --set \
    'cluster={gpus: 2, prefill_replicas: 1, kv_transfer: {latency: 1000s}}' --set 'workload={plugin: poisson, rate: 20, requests: 100}' alone.yaml >log
holds "none is through" "$(figure stopped run transfers) == 0 && $(figure stopped run bytes) == 0"
awk -F, 'NR > 1 && $13 != "" { seen++; if ($14 $15 $16 != "") bad = 1 } END { exit bad || seen == 0 }' stopped/cells/run/requests.csv ||
    fail "transfers that were under way have times"

# ---- wrong values ----
refuses "prefill_replicas: 2 of 2 replicas leave none to decode; write at most 1" "$servsim" run --set cluster.prefill_replicas=2 alone.yaml
refuses "write gpus: 2 or more, for one that decodes" "$servsim" run --set 'cluster={gpus: 1, prefill_replicas: 1}' alone.yaml
refuses "write pp: 1 and dp: 1" "$servsim" run --set 'cluster={gpus: 4, pp: 2, prefill_replicas: 1}' alone.yaml
refuses "write pp: 1 and dp: 1" "$servsim" run --set 'cluster={gpus: 4, dp: 2, prefill_replicas: 1}' alone.yaml
refuses "no replica dies here" "$servsim" run --set cluster.prefill_replicas=1 --set 'failures={mtbf: 60s}' alone.yaml
refuses "prefill_replicas" "$servsim" run --set cluster.prefill_replicas=-1 alone.yaml
refuses "prefill_replicas" "$servsim" run --set cluster.prefil_replicas=1 alone.yaml
refuses "kv_transfer.bandwidth" "$servsim" run --set 'cluster={gpus: 2, prefill_replicas: 1, kv_transfer: {bandwidth: 0}}' alone.yaml
refuses "write cluster: {gpus: 4, tp: 2}" "$servsim" run --set model=llama-3.1-70b --set cluster.prefill_replicas=1 --set hardware=a100 alone.yaml
status=0
"$servsim" run --output late --set 'cluster={gpus: 2, prefill_replicas: 1, kv_transfer: {bandwidth: 1MB/s}}' --set \
    'workload={plugin: poisson, rate: 20, requests: 4000, prompt_tokens: 8000, output_tokens: 2}' alone.yaml >out 2>err || status=$?
[ "$status" -ne 0 ] || fail "a link that is months behind is none"
says err "days behind on its link; write a higher kv_transfer.bandwidth"
# a device that leaves its links out
mkdir theirs
cp "$SERVSIM_BUILDDIR/tests/broken/.libs/kit_others.so" theirs
chmod go-w theirs/kit_others.so
refuses "write cluster: {kv_transfer: {bandwidth: 25GB/s}}" "$servsim" --plugin-path theirs run --set \
    cluster.prefill_replicas=1 --set hardware=hot alone.yaml
echo "disaggregation: ok"
