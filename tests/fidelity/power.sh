#!/bin/sh
# The RTX A6000's power against that of a server, measured at its plug every second while vLLM served ten requests a
# minute on one board and on two; skipped without the measured data. The A6000's page states these errors.
set -eu
series=${SERVSIM_MEASURED_DATA:-}/calibration/ispass26_a6000_server_power_series.csv
if [ -z "${SERVSIM_MEASURED_DATA:-}" ] || [ ! -r "$series" ]; then
    echo "skipped: SERVSIM_MEASURED_DATA names no folder with the power of an RTX A6000 server"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# From the engine's log beside the series: when each of the two first tens of requests ended, at 40 tokens a second.
awk 'BEGIN {
    OFS = "\t"
    print "input_toks", "output_toks", "arrival_time_ns"
    first = "5 5.9 6.6 6.9 7.8 8.8 9.8 10.3 10.8 11.4"
    second = "1.5 5.2 6.3 6.8 7.4 8.2 8.8 9.2 12.2 12.9"
    for (i = 1; i <= split(first, s, " "); i++) print 210, int(40 * s[i] + 0.5), 0
    for (i = 1; i <= split(second, s, " "); i++) print 190, int(40 * s[i] + 0.5), "60000000000"
}' >requests.tsv
cat >a6000.yaml <<'YAML'
servsim: 1
model: llama-3.1-8b
hardware: a6000
engine: eager
workload: {plugin: tokens, path: requests.tsv}
matrix: {cluster: {tp1: {gpus: 1}, tp2: {gpus: 2, tp: 2}}}
report: []
YAML
"$SERVSIM_BUILDDIR/servsim" run --quiet --output a6000 a6000.yaml >/dev/null

for tp in 1 2; do
    awk -F '[,:]' -v tp=$tp '
        FILENAME ~ /json$/ { gsub(/[ "]/, ""); if (!($1 in figure)) figure[$1] = $2; next }
        $1 == tp && $2 < 120 {
            at = $2 % 60
            joules += $3 # a second each
            if (at >= 3 && at <= (tp == 1 ? 10 : 5)) { busy += $3; busies++ }
            if (at >= 16 && at <= 22) { rest += $3; rests++ }
            if (at >= 32) { sleep += $3; sleeps++ }
        }
        # What is left of the plug when boards that have long been idle draw 25 W and lose a tenth on the way.
        END {
            lost = 1.10
            floor = 352
            drawn = (busy / busies - floor) / lost / tp
            resting = (rest / rests - floor) / lost / tp
            sleeping = (sleep / sleeps - floor) / lost / tp
            span = figure["simulated_s"]
            worked = figure["busy_fraction"] * span * tp
            here = figure["kwh"] * 3.6e6 + 80 * (120 - span) * tp # board at 80 W when idle
            asleep = here - (80 - 25) * (120 * tp - worked)
            high = (lost * here + floor * 120) / joules - 1
            low = (lost * asleep + floor * 120) / joules - 1
            printf "tp %d: decoding %.1f W a board, measured %.1f; idle 80 W, measured %.1f and then %.1f; energy at the " \
                   "plug %+.1f %%, with idle 25 W %+.1f %%\n", tp, figure["watts_per_gpu_busy"], drawn, resting, sleeping,
                   100 * high, 100 * low
            off = figure["watts_per_gpu_busy"] / drawn - 1
            exit !(off < 0.04 && off > -0.04 && resting > 70 && resting < 90 && sleeping > 20 && sleeping < 30 && \
                   high > 0 && high < 0.16 && low < 0 && low > -0.08)
        }' "a6000/cells/tp$tp/summary.json" "$series"
done
