#!/bin/sh
# An experiment in parts: the tasks of a Slurm job, or whoever is told --part, run their shares of the cells into one folder at
# the same time, and the last one makes the reports: all as one run alone would have left it.
set -eu
servsim=$SERVSIM_BUILDDIR/servsim
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
# shellcheck source=tests/cli/functions.sh
. "$SERVSIM_SRCDIR/tests/cli/functions.sh"
unset SLURM_ARRAY_TASK_COUNT SLURM_ARRAY_TASK_ID SLURM_ARRAY_TASK_MIN SLURM_ARRAY_TASK_STEP SLURM_STEP_NUM_TASKS SLURM_PROCID

cat >sweep.yaml <<'YAML'
servsim: 1
seed: 3
slo: {ttft: 1s}
matrix:
  cluster: {one: {gpus: 1}, two: {gpus: 2}, four: {gpus: 4}}
  scheduler: [fcfs, sjf, orca]
  workload: {slow: {rate: 2}, loaded: {rate: 2, load: 1.1}}
workload: {plugin: poisson, requests: 300}
report: [json, csv, markdown]
YAML
"$servsim" run --quiet --output whole sweep.yaml >/dev/null

same() { # FOLDER: as the whole run left it
    [ -s "$1/report.md" ] || fail "$1: there is no report"
    for file in experiment.json results.json results.csv; do
        cmp "whole/$file" "$1/$file" || fail "$1: $file differs"
    done
    for cell in whole/cells/*; do
        for file in requests.csv summary.json series.csv itl.csv; do
            cmp "$cell/$file" "$1/cells/${cell##*/}/$file" || fail "$1: ${cell##*/}/$file differs"
        done
    done
    [ "$(find "$1/cells" -name '.*' | wc -l)" -eq 0 ] || fail "$1: something is left over"
}

# one after another: nobody but the last one makes a report
for part in 1 2 3 4; do
    [ ! -e parts/report.md ] || fail "part $part finds a report"
    "$servsim" run --part "$part/4" --output parts sweep.yaml >said 2>err
    says err "part $part of 4: "
    [ "$part" -eq 4 ] || says said "left to another part" "results: parts; the part that finds all cells done"
done
says said "report: parts/report.md"
same parts

# all at once, as srun starts them
tasks=
for task in 0 1 2; do
    SLURM_STEP_NUM_TASKS=3 SLURM_PROCID=$task SLURM_NTASKS=3 "$servsim" run --jobs 1 --output step sweep.yaml >said.$task 2>err.$task &
    tasks="$tasks $!"
done
for task in $tasks; do
    wait "$task"
done
says err.2 "part 3 of 3: 6 of 18 cells"
same step

# an array of jobs, its ids 10 and 12, of two tasks each
for id in 10 12; do
    for task in 0 1; do
        SLURM_ARRAY_TASK_COUNT=2 SLURM_ARRAY_TASK_MIN=10 SLURM_ARRAY_TASK_STEP=2 SLURM_ARRAY_TASK_ID=$id \
            SLURM_STEP_NUM_TASKS=2 SLURM_PROCID=$task "$servsim" run --quiet --output array sweep.yaml >/dev/null
    done
done
same array

# a batch script is one process, whatever its job may start; and --part is stronger than its surroundings
SLURM_NTASKS=4 SLURM_PROCID=0 "$servsim" run --quiet --output batch sweep.yaml >/dev/null
same batch
SLURM_STEP_NUM_TASKS=3 SLURM_PROCID=2 "$servsim" run --quiet --part 1/1 --output told sweep.yaml >/dev/null
same told

# a part that is missing, or killed, is made up for
"$servsim" run --quiet --part 1/2 --output holes sweep.yaml >/dev/null
mkdir holes/cells/.one-fcfs-slow.99.part holes/cells/.one-fcfs-loaded.99.part
"$servsim" run --quiet --part 1/2 --resume --output holes sweep.yaml >/dev/null
[ "$(find holes/cells -name '.*' | wc -l)" -eq 1 ] || fail "leftovers of another part were taken, or one's own were not"
"$servsim" run --resume --output holes sweep.yaml >/dev/null 2>err
[ "$(grep -c ' kept$' err)" -eq 9 ] || fail "not all that was done was kept"
same holes

# more parts than cells: some have nothing to do
for part in 20 $(seq 1 19); do
    "$servsim" run --quiet --part "$part/20" --output many sweep.yaml >said
    [ "$part" -ne 20 ] || [ -d many/cells ] || fail "an idle part removes what others write to"
done
same many

# cells that another process is at work on are not run: its own part, or all of them; and another part is
"$servsim" run --quiet --jobs 1 --part 1/2 --stepwise --set workload.requests=300000 --output busy sweep.yaml >/dev/null 2>&1 &
first=$!
for _ in $(seq 300); do
    [ -e busy/cells/.at-work ] && [ "$(find busy/cells -name '*.part' | wc -l)" -gt 0 ] && break
    sleep 0.1
done
before=$(find busy/cells | sort)
refuses "part 1 of 2: another run (process $first) is at work on cell 'one-fcfs-slow' in busy; wait until it has ended, then" \
    "$servsim" run --quiet --part 1/2 --output busy sweep.yaml
refuses "another run (process $first) is at work on cell 'one-fcfs-slow' in busy; wait" \
    "$servsim" run --quiet --resume --output busy sweep.yaml
[ "$before" = "$(find busy/cells | sort)" ] || fail "what was refused took something away"
"$servsim" run --quiet --part 2/2 --output busy sweep.yaml >said
says said "left to another part"
kill "$first"
wait "$first" 2>/dev/null || true
"$servsim" run --quiet --resume --output busy sweep.yaml >/dev/null
same busy

# parts that were told different things are no whole, and it is said
"$servsim" run --quiet --part 1/2 --output mixed sweep.yaml >/dev/null
"$servsim" run --quiet --part 2/2 --set slo.ttft=2s --output mixed sweep.yaml >said 2>err
says said "1  left to another part; its results here are of other settings"
says err "warning: mixed has results of 9 other cells (one-fcfs-slow, ...) that were run with other settings or inputs, and no report"
[ ! -e mixed/report.md ] || fail "a report of two experiments"
"$servsim" run --quiet --part 2/2 --output mixed sweep.yaml >said 2>err
[ ! -s err ] || fail "one experiment: $(cat err)"
same mixed

refuses "--part 0/4: not a share; write --part 1/4" "$servsim" run --part 0/4 sweep.yaml
refuses "--part 5/4: not a share" "$servsim" run --part 5/4 sweep.yaml
refuses "--part 2: not a share" "$servsim" run --part 2 sweep.yaml
refuses "Slurm says that this is task 7 of 3, from 0; write --part" env SLURM_STEP_NUM_TASKS=3 SLURM_PROCID=7 "$servsim" run sweep.yaml
refuses "Slurm says that there are 2 tasks, and not which one this is" env SLURM_ARRAY_TASK_COUNT=2 SLURM_ARRAY_TASK_ID=x \
    "$servsim" run sweep.yaml
refuses "Slurm's task 7 is none of 2 from 1 in steps of 1" env SLURM_ARRAY_TASK_COUNT=2 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_STEP=1 \
    SLURM_ARRAY_TASK_ID=7 "$servsim" run sweep.yaml
