#!/bin/sh
# Power and energy, from the experiment file to the reports: what theory says of them, what is refused, and that nothing
# is said of devices that say nothing.
set -eu
servsim=$SERVSIM_BUILDDIR/servsim
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
# shellcheck source=tests/cli/functions.sh disable=SC1091
. "$SERVSIM_SRCDIR/tests/cli/functions.sh"

run() { # NAME OPTIONS...: the experiment on stdin
    name=$1
    shift
    cat >"$name.yaml"
    "$servsim" run --quiet --verify "$@" --output "$name" "$name.yaml" >/dev/null
}

# ---- theory ----
# little traffic, more, and much more than one GPU can do; and the little on twice the GPUs
run theory <<'YAML'
servsim: 1
hardware: {plugin: h100, power: {limit: 700W, idle: 100W, busy: 200W, per_flop: 0.5pJ, per_byte: 60pJ}}
router: round_robin
matrix:
  cluster: {one: {gpus: 1}, two: {gpus: 2}, pair: {gpus: 2, tp: 2}, stages: {gpus: 2, pp: 2}}
  workload:
    sparse: {plugin: poisson, rate: 0.2, requests: 40, arrivals: constant, output_tokens: 100}
    full: {plugin: poisson, rate: 500, requests: 2000, output_tokens: 100}
YAML
cells=$(ls theory/cells)
for cell in $cells; do
    kwh=$(figure theory "$cell" kwh)
    watts=$(figure theory "$cell" watts_per_gpu)
    busy=$(figure theory "$cell" watts_per_gpu_busy)
    idle=$(figure theory "$cell" idle_share)
    gpus=$(figure theory "$cell" gpus)
    span=$(figure theory "$cell" simulated_s)
    fraction=$(figure theory "$cell" busy_fraction)
    mfu=$(figure theory "$cell" mfu)
    bandwidth=$(figure theory "$cell" bandwidth_utilisation)
    holds "$cell: busy power" "$busy > 200 && $busy <= 700"
    holds "$cell: idle to busy" "$watts >= 100 && $watts <= $busy"
    holds "$cell: energy is power times time" \
        "$kwh * 3.6e6 / ($watts * $gpus * $span) > 1 - 1e-9 && $kwh * 3.6e6 / ($watts * $gpus * $span) < 1 + 1e-9"
    # all that it is made of, from figures that have nothing to do with it
    whole=$(awk "BEGIN { w = 200 * $fraction + $mfu * 989e12 * 0.5e-12 + $bandwidth * 3350e9 * 60e-12
                         print w + 100 * (1 - $fraction) }")
    holds "$cell: mean power is $watts, of its parts $whole" "$watts / $whole > 0.99999 && $watts / $whole < 1.00001"
    holds "$cell: idle share" "$idle / (100 * (1 - $fraction) / $watts) < 1.0001 &&
        $idle / (100 * (1 - $fraction) / $watts) > 0.9999"
    output=$(figure theory "$cell" output_tokens)
    prompt=$(figure theory "$cell" prompt_tokens)
    each=$(figure theory "$cell" joules_per_output_token)
    any=$(figure theory "$cell" joules_per_token)
    holds "$cell: energy of a token" "$each * $output / ($kwh * 3.6e6) > 0.999999 &&
        $each * $output / ($any * ($prompt + $output)) > 0.999999 && $each * $output / ($kwh * 3.6e6) < 1.000001"
done
name_of() { # CLUSTER WORKLOAD: its cell
    for folder in theory/cells/*"$1"*"$2"*; do echo "${folder##*/}"; done
}
one=$(name_of one sparse)
two=$(name_of two sparse)
full=$(name_of one full)
holds "sparse traffic leaves GPUs idle" "$(figure theory "$one" idle_share) > 0.3"
holds "a full one hardly is" "$(figure theory "$full" idle_share) < 0.001"
holds "and a token costs less" "$(figure theory "$full" joules_per_output_token) < \
    0.1 * $(figure theory "$one" joules_per_output_token)"
# two replicas with half of it each: the same work on top of two GPUs' idle power
above() { # CELL: kJ above idle, at 100 W for each GPU
    awk "BEGIN { print $(figure theory "$1" kwh) * 3600 - 0.1 * $(figure theory "$1" gpus) * $(figure theory "$1" simulated_s) }"
}
holds "two replicas do the same work" "$(above "$two") / $(above "$one") > 0.99 && $(above "$two") / $(above "$one") < 1.01"

# ---- the limit; the rest of the server; electricity ----
run rest <<'YAML'
servsim: 1
hardware: {plugin: h100, power: {limit: 300W, host: 0.25kW, electricity_price: 0.2}}
cluster: {gpus: 2, tp: 2}
workload: {plugin: poisson, rate: 500, requests: 500, output_tokens: 20}
YAML
cell=run
[ -d rest/cells/$cell ] || cell=$(ls rest/cells)
span=$(figure rest "$cell" simulated_s)
holds "no more than the limit" "$(figure rest "$cell" watts_per_gpu_busy) <= 300 && $(figure rest "$cell" watts_per_gpu_busy) > 299.99"
holds "the rest of the server" "$(figure rest "$cell" host_kwh) * 3.6e6 / (2 * 250 * $span) > 0.999999 &&
    $(figure rest "$cell" host_kwh) * 3.6e6 / (2 * 250 * $span) < 1.000001"
holds "what the limit cuts off" "$(figure rest "$cell" cut_share) > 0.1 && $(figure rest "$cell" cut_share) < 0.7"
holds "nothing is cut elsewhere" "$(figure theory "$one" cut_share) == 0"
says rest/report.md "Above the limit"
"$servsim" analyze rest >said
says said "real boards run slower then"
holds "it is part of the energy" "$(figure rest "$cell" kwh) > $(figure rest "$cell" host_kwh)"
holds "electricity" "$(figure rest "$cell" usd) / $(figure rest "$cell" kwh) > 0.199999 &&
    $(figure rest "$cell" usd) / $(figure rest "$cell" kwh) < 0.200001"
says rest/report.md "### Energy" "Rest of the servers (kWh)" "Electricity (USD)"
head -1 rest/results.csv | grep -q 'price_usd_per_hour.*energy_kwh.*energy_usd' || fail "results.csv: $(head -1 rest/results.csv)"

# ---- stepping changes nothing ----
"$servsim" run --quiet --stepwise --output stepped rest.yaml >/dev/null
cmp "rest/cells/$cell/summary.json" "stepped/cells/$cell/summary.json" || fail "single steps draw another energy"

# ---- analyze and compare ----
"$servsim" analyze theory >said
says said "of the GPUs' energy was spent idle" "J an output token"
"$servsim" compare --cell "$one" theory theory >said || true
says said "Energy: A takes" "not judged"
"$servsim" compare --json --cell "$one" theory theory >said || true
says said '"joules_per_output_token_a": '
"$servsim" run --quiet --output unknown --set hardware.power.limit=0W rest.yaml >/dev/null
"$servsim" compare --force rest unknown >said || true
says said "Energy: known of A alone; not compared"

# ---- devices that say nothing ----
run silent <<'YAML'
servsim: 1
hardware: {plugin: custom, peak_tflops: {bf16: 312}, memory: 80GB, memory_bandwidth: 2TB/s, power: {idle: 50W, host: 10W}}
workload: {plugin: poisson, rate: 5, requests: 20}
YAML
"$servsim" analyze silent >said
"$servsim" compare silent silent >>said || true
for file in silent/cells/*/summary.json silent/results.csv silent/results.json said; do
    ! grep -qi 'energy\|watt\|kwh' "$file" || fail "$file says something of energy"
done
! grep -q '### Energy\|kWh' silent/report.md || fail "report.md says something of energy"
"$servsim" run --quiet --set hardware.power.limit=300W --output said.d silent.yaml >/dev/null
grep -q '"energy"' said.d/cells/*/summary.json || fail "with a limit, custom has energy"

# ---- wrong values ----
refuses "power.idle is 400 W, more than power.limit (300 W)" "$servsim" run --set hardware.power.limit=300W \
    --set hardware.power.idle=400W silent.yaml
refuses "power.busy is 350 W" "$servsim" run --set hardware.power.limit=300W --set hardware.power.busy=350W silent.yaml
refuses "power.busy is 40 W, less than power.idle (50 W)" "$servsim" run --set hardware.power.limit=300W --set \
    hardware.power.busy=40W silent.yaml
refuses "power.limit" "$servsim" run --set hardware.power.limit=-1W silent.yaml
refuses "power.limit" "$servsim" run --set hardware.power.limit=300J silent.yaml
refuses "power.per_bite" "$servsim" run --set hardware.power.per_bite=3pJ silent.yaml
refuses "mW, W or kW" "$servsim" run --set hardware.power.limit=300pJ silent.yaml
refuses "unknown key 'power'" "$servsim" run --set power=300W silent.yaml
echo "energy: ok"
