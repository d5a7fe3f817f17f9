#!/bin/sh
# The plugin guide works as it stands: its boxes, taken out of the installed guide, build and run against the installed
# tree alone, and what it claims is so.
set -eu
# shellcheck source=tests/install/functions.sh
. "$SERVSIM_SRCDIR/tests/install/functions.sh"
command -v pkg-config >/dev/null || { echo "pkg-config is not installed"; exit 77; }

install_tree "$work/stage"
guide=$(find "$work/stage" -name plugin-guide.md)
[ -s "$guide" ] || fail "the guide is not installed"
PKG_CONFIG_PATH=$pkgconfig
PATH=$(dirname "$program"):$PATH
export PKG_CONFIG_PATH PATH
umask 022
mkdir "$work/mine" && cd "$work/mine"

# box NAME: what stands in the box of that name.
box() {
    awk -v name="$1" '/^```/ { if (on) exit; on = $2 == name; next } on' "$guide"
}
for each in shortest.c traffic.yaml build starving run; do
    box "$each" >"$each"
    [ -s "$each" ] || fail "the guide has no box '$each'"
done

cc() {
    command "${CC:-cc}" -Werror -pedantic "$@"
}
# shellcheck source=/dev/null
. ./build >check.txt 2>&1 || fail "it does not build, or does not pass the kit: $(cat check.txt)"
grep -q ' 0 broken' check.txt || fail "the kit says: $(cat check.txt)"

status=0
# shellcheck source=/dev/null
(. ./starving) >starving.txt 2>&1 || status=$?
[ "$status" -eq 1 ] || fail "without ageing it passes: $(cat starving.txt)"
grep -qF "$(grep -o 'among a flood of others, one with a long prompt waits until the flood ends' "$guide")" starving.txt ||
    fail "the guide quotes what the kit does not say: $(cat starving.txt)"

quietly run sh -e ./run

# figure CELL-GROUP COLUMN: of output/groups.csv
figure() {
    awk -F , -v group="$1" -v column="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == column) at = i; next }
        $1 == group { print $at; found = 1 } END { exit !found }' output/groups.csv
}
# holds EXPRESSION SENTENCE: a claim, and the words of the guide that make it.
holds() {
    tr '\n' ' ' <"$guide" | tr -s ' ' | grep -qF "$2" || fail "the guide no longer says: $2"
    awk "BEGIN { exit !($1) }" || fail "not so: $2 ($1)"
}
fcfs=$(figure fcfs ttft_ms_mean) shortest=$(figure shortest ttft_ms_mean)
holds "$shortest < 0.6 * $fcfs" "the mean time to the first token falls by more than 40 %"
holds "$(figure shortest ttft_ms_mean_ci95_high) < $(figure fcfs ttft_ms_mean_ci95_low)" "the 95 % intervals do not overlap"
holds "$(figure shortest ttft_ms_p50) < 2000" "half of the requests see their first token within 2 s"
holds "$(figure fcfs ttft_ms_p50) > 20000" "the median is above 20 s"
holds "$(figure shortest ttft_ms_p99) > 1.25 * $(figure fcfs ttft_ms_p99)" "the 99th percentile rises by more than 25 %"
echo "mean TTFT $fcfs ms with fcfs, $shortest ms with shortest"
