#!/bin/sh
# validate and calibrate: a run held against itself has no error, another engine has one, calibrate finds the way back.
set -eu
servsim=$SERVSIM_BUILDDIR/servsim
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# shellcheck source=tests/cli/functions.sh
. "$SERVSIM_SRCDIR/tests/cli/functions.sh"

engine='{name: own, step: 900us, layer: 10us, arrival: 3ms, asynchronous: true}'
cat >own.yaml <<YAML
servsim: 1
name: own
hardware: a100
engine: $engine
workload: {plugin: poisson, rate: 6, requests: 300, prompt_tokens: 700, output_tokens: 60}
report: [csv]
output: result
YAML
sed '/^workload/d; /^report/d' own.yaml >replay.yaml
"$servsim" run --quiet own.yaml >log

# the columns that servsim writes are columns that it reads
"$servsim" validate replay.yaml --measured result/cells/run/requests.csv >same
says same '300 requests' 'mean absolute'
awk '/%/ { for (i = 1; i <= NF; i++) if ($i == "%" && ($(i - 1) > .01 || $(i - 1) < -.01)) { print; bad = 1 } }
     END { exit bad }' same || fail "a run differs from itself"

# names of other benchmarks, errors left out, stages in time, text counted in place of tokens
awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i
                   print "arrival_s,stage,has_error,input_tokens,output_tokens,ttft_ms,latency_ms"; next }
         { print $at["arrival_s"] "," (NR > 200) "," (NR == 301) "," $at["prompt_tokens"] ",7," $at["ttft_ms"] "," \
                 $at["latency_ms"] }' result/cells/run/requests.csv >theirs.csv
"$servsim" validate replay.yaml --measured theirs.csv --output-tokens 60 >stages
says stages '1 rows of theirs.csv are errors' 'stage 0: 199 requests' 'stage 1: 100 requests' '299 requests'
"$servsim" validate replay.yaml --measured theirs.csv --output-tokens 60 --stage 1 --json >json
says json '"requests": 100' '"request_error"'

# repeats: the run itself stays, each error has a mean and a deviation, and the same command says the same
"$servsim" validate replay.yaml --measured result/cells/run/requests.csv --repeats 8 >repeats
"$servsim" validate replay.yaml --measured result/cells/run/requests.csv --repeats 8 --moved 4ms >again
cmp repeats again || fail "repeats are not the same twice"
says repeats 'over 8 repeats'
cut -c 1-61 repeats >left
cut -c 1-61 same >right
cmp left right || fail "repeats change the run itself"
awk '/TTFT mean/ { found = $8 > -5 && $8 < 5 && $10 > 0 && $10 < 5 } END { exit !found }' repeats ||
    fail "repeats of a run differ: $(grep 'TTFT mean' repeats)"
"$servsim" validate replay.yaml --measured result/cells/run/requests.csv --repeats 8 --moved 500ms --json >json
says json '"repeats": 8' '"error_mean"' '"error_sd"' '"request_error_mean"' '"throughput_over_time_error_sd"'
sd_of() { awk -F': ' '/"error_sd"/ { print $2 + 0; exit }' "$1"; }
"$servsim" validate replay.yaml --measured result/cells/run/requests.csv --repeats 8 --json >small
awk "BEGIN { exit !($(sd_of json) > 2 * $(sd_of small)) }" || fail "moving by 500 ms tells no more than by 4"
"$servsim" validate own.yaml --measured result/cells/run/requests.csv --own-traffic --repeats 8 >own_repeats
grep 'TTFT mean' repeats own_repeats | awk '{ mean[NR] = $8; sd[NR] = $10 }
    END { exit !(NR == 2 && (mean[1] - mean[2]) ^ 2 < .01 && (sd[1] - sd[2]) ^ 2 < .01) }' ||
    fail "the experiment's own traffic is moved otherwise: $(grep 'TTFT mean' own_repeats)" # times in files are rounded
"$servsim" validate own.yaml --measured result/cells/run/requests.csv --own-traffic --set workload.load_scale=0.001 --repeats 4 >scaled
awk '/makespan/ { found = $8 < .01 } END { exit !found }' scaled || fail "moves are scaled: $(grep makespan scaled)"
"$servsim" validate replay.yaml --measured theirs.csv --output-tokens 60 --repeats 2 >stages
says stages 'stage 0: 199 requests' 'over 2 repeats'
[ "$(grep -c 'over 2 repeats' stages)" = 3 ] || fail "not each stage has its repeats"

# another engine: slower by what it takes more
"$servsim" validate replay.yaml --measured result/cells/run/requests.csv --set engine.arrival=53ms >slower
awk '/TTFT mean/ { found = $5 - $4 > 49 && $5 - $4 < 51 } END { exit !found }' slower || fail "50 ms more are not 50 ms"

# means alone, against the experiment's own traffic
awk '/TTFT mean/ { t = $4 } /TPOT mean/ { p = $4 } /latency mean/ { l = $4 }
     END { print "ttft_mean_ms,tpot_mean_ms,latency_mean_ms\n" t "," p "," l }' same >means.csv
"$servsim" validate own.yaml --measured means.csv >means
says means '300 requests' 'latency mean ms'
"$servsim" validate own.yaml --measured means.csv --repeats 4 >means
awk '/TTFT mean/ { found = $6 > -.01 && $6 < .01 && $10 > 0 } END { exit !found }' means ||
    fail "other seeds are no other traffic: $(grep 'TTFT mean' means)"

# calibrate finds what made the run
"$servsim" calibrate --fit engine.step=500 --fit engine.arrival=6000 --set engine.layer=10us replay.yaml \
    result/cells/run/requests.csv >fitted
awk '/^engine.step:/ { ok += $2 > 850 && $2 < 950 } /^engine.arrival:/ { ok += $2 > 2000 && $2 < 4000 }
     END { exit ok != 2 }' fitted || { cat fitted >&2; fail "calibrate did not find the engine"; }
says fitted 'engine: {name: ' 'fitted' 'held out'

refuses 'validate wants an experiment' "$servsim" validate replay.yaml
refuses 'is no flag' "$servsim" validate --wrong
refuses 'write a whole number from 1 to 10000' "$servsim" validate replay.yaml --measured theirs.csv --repeats 0
refuses 'write a whole number from 1 to 10000' "$servsim" validate replay.yaml --measured theirs.csv --repeats 5x
refuses 'write --repeats 16, too' "$servsim" validate replay.yaml --measured theirs.csv --moved 4ms
refuses '--moved 4 apples:' "$servsim" validate replay.yaml --measured theirs.csv --repeats 2 --moved '4 apples'
refuses 'above 0 and up to an hour' "$servsim" validate replay.yaml --measured theirs.csv --repeats 2 --moved 0ms
refuses 'workload.load asks for another rate' "$servsim" validate own.yaml --measured result/cells/run/requests.csv --own-traffic \
    --set workload.load=0.5
sed 2d result/cells/run/requests.csv >rest.csv
refuses 'leave it out, or write history' "$servsim" validate own.yaml --measured rest.csv --own-traffic \
    --set workload.history_span=1ms --repeats 2
refuses 'means.csv has means only' "$servsim" validate own.yaml --measured means.csv --repeats 2 --moved 1ms
refuses 'write arrival or queued' "$servsim" validate replay.yaml --measured theirs.csv --start now
refuses 'write a CSV of what was measured' "$servsim" validate replay.yaml --measured nowhere.csv
head -n 20 theirs.csv >fewer.csv
refuses '19 requests were measured and' "$servsim" validate own.yaml --measured fewer.csv --own-traffic
refuses '19 requests were measured and' "$servsim" calibrate --own-traffic --fit engine.step=900 own.yaml fewer.csv
refuses 'nothing to fit' "$servsim" calibrate replay.yaml theirs.csv
refuses 'pairs' "$servsim" calibrate --fit engine.step=1 replay.yaml
refuses "no option 'stop'" "$servsim" calibrate --fit engine.stop=1 replay.yaml theirs.csv
printf 'arrival_s,input_tokens,output_tokens\n0,1,1\n' >short.csv
refuses 'short.csv:2: no time to the first token' "$servsim" validate replay.yaml --measured short.csv
printf 'arrival_s,input_tokens,output_tokens,ttft_ms,latency_ms\n0,1,1,x,2\n' >word.csv
refuses "word.csv:2: ttft_ms is 'x'" "$servsim" validate replay.yaml --measured word.csv
printf 'arrival_s,input_tokens,output_tokens,ttft_ms,latency_ms\n1,11,2,1,2\n2055243988,2,2,2,14\n' >long.csv
refuses 'starts 2055243987 s after the first, more than' "$servsim" validate replay.yaml --measured long.csv
