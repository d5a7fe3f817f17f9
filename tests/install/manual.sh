#!/bin/sh
# What the manual shows works as it stands. The scheduler in servsim-plugin(7) is built by the manual's own lines,
# against the installed tree, and gives the same with and without fast-forward; the experiment in servsim.yaml(5) runs.
set -eu
# shellcheck source=tests/install/functions.sh
. "$SERVSIM_SRCDIR/tests/install/functions.sh"
command -v pkg-config >/dev/null || { echo "pkg-config is not installed"; exit 77; }

# part PAGE NAME: what stands between a page's marks, as a reader sees it.
part() {
    awk -v begin=".\\\\\" BEGIN $2" '$0 == begin { on = 1; next } /^\.\\" END/ { on = 0 } on' \
        "$SERVSIM_SRCDIR/doc/$1" | sed 's/^\\&//; s/\\-/-/g; s/\\e/\\/g'
}

install_tree "$work/stage"
PKG_CONFIG_PATH=$pkgconfig
PATH=$(dirname "$program"):$PATH
export PKG_CONFIG_PATH PATH
umask 022
mkdir "$work/mine" && cd "$work/mine"
part man7/servsim-plugin.7.in shortest.c >"$work/mine/shortest.c"
part man7/servsim-plugin.7.in build >"$work/mine/build"
part man5/servsim.yaml.5.in example >"$work/mine/example.yaml"
if [ ! -s shortest.c ] || [ ! -s build ] || [ ! -s example.yaml ]; then
    fail "the manual has lost its examples"
fi

cc() {
    command "${CC:-cc}" -std=c11 -Wall -Wextra -Werror -pedantic "$@"
}
# shellcheck source=/dev/null
. ./build >info.txt
grep -q 'shortest prompt first' info.txt || fail "'servsim plugins info' says: $(cat info.txt)"
grep -q 'ageing' info.txt || fail "the option is not listed: $(cat info.txt)"

cat >traffic.yaml <<'END'
servsim: 1
model: llama-3.1-8b
hardware: rtx3090
cluster: {gpus: 1}
kv_cache: {blocks: 600}
workload: {plugin: poisson, rate: 6, requests: 300, prompt_distribution: sharegpt, output_distribution: sharegpt}
scheduler: {plugin: ./scheduler_shortest.so, ageing: 50, max_num_seqs: 24}
report: [json]
END
quietly fast servsim run traffic.yaml --output fast --verify
quietly stepwise servsim run traffic.yaml --output stepwise --stepwise --verify
for each in requests.csv summary.json; do
    cmp "fast/cells/run/$each" "stepwise/cells/run/$each" || fail "--stepwise gives another $each"
done
grep -q '"preemptions": [1-9]' fast/cells/run/summary.json || fail "nobody was preempted: the case is too easy"
quietly other servsim run traffic.yaml --output other --set "scheduler={plugin: fcfs, max_num_seqs: 24}"
if cmp -s fast/cells/run/requests.csv other/cells/run/requests.csv; then
    fail "shortest first serves as fcfs does"
fi

quietly example servsim run example.yaml --output example --set report=json
for each in two four; do
    [ -s "example/cells/$each/requests.csv" ] || fail "the experiment of servsim.yaml(5) has no cell '$each'"
done
