#!/bin/sh
# run.sh FOLDER - what `make fuzz` does: builds the tree in FOLDER/source with clang's libFuzzer and sanitizers in
# FOLDER/build, and runs each target. What a target learns stays in FOLDER/found, its findings in FOLDER/findings.
#
# FUZZ_ALL: the targets, as programs. FUZZ_TARGETS: names of those to run (all). FUZZ_SECONDS: of each (60).
# FUZZ_CLANG: the compiler (clang). Exits 1 where there was a finding.
set -eu
folder=$1
seconds=${FUZZ_SECONDS:-60}
clang=${FUZZ_CLANG:-clang}
mkdir -p "$folder/build" "$folder/findings"
folder=$(cd "$folder" && pwd)
flags='-g -O1 -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined,float-cast-overflow -fno-sanitize-recover=all'

command -v "$clang" >/dev/null || {
    echo "make fuzz needs clang and its run-time library: apt-get install clang libclang-rt-14-dev" >&2
    exit 1
}

# Plugins find the sanitizers' functions in the program, which -rdynamic shows them; -z defs would not have it.
cd "$folder/build"
test -f config.status ||
    ../source/configure --quiet --without-python CC="$clang" CFLAGS="$flags" LDFLAGS=-rdynamic
all=
for program in $FUZZ_ALL; do
    all="$all $program"
done
# One after the other: `all` is a make of its own, which would build the same files at the same time.
for goals in all "$all"; do
    # shellcheck disable=SC2086 # a list of programs
    "$MAKE" -s -j2 DEFS_LDFLAGS= FUZZ_MAIN= FUZZ_LINK=-fsanitize=fuzzer $goals
done

# Slow inputs are kept, too, and are no findings: how slow one is depends on who else is at work.
findings() {
    find "$folder/findings" -name "$1-*" ! -name "$1-slow-unit-*" | wc -l
}

status=0
printf '%-12s %10s %8s %8s %8s %9s\n' target runs seconds coverage corpus findings
for program in $FUZZ_ALL; do
    target=${program##*/}
    target=${target%_fuzz}
    case " ${FUZZ_TARGETS:-$target} " in *" $target "*) ;; *) continue ;; esac
    found=$folder/found/$target
    log=$folder/findings/$target.log
    mkdir -p "$found"
    before=$(findings "$target")
    # Plugins' notes are left out: there is one for each of millions of runs.
    "./$program" -max_total_time="$seconds" -timeout=60 -max_len=4096 -rss_limit_mb=2560 -print_final_stats=1 \
        -artifact_prefix="$folder/findings/$target-" "$found" "$folder/source/tests/fuzz/corpus/$target" 2>&1 |
        grep -av '^servsim: note:' >"$log"
    after=$(findings "$target")
    if [ "$after" -gt "$before" ] || ! grep -aq '^Done [0-9]' "$log"; then status=1; fi
    awk -v target="$target" -v findings=$((after - before)) '
        /^Done [0-9]+ runs in/ { seconds = $5 }
        /^stat::number_of_executed_units:/ { runs = $2 }
        / cov: [0-9]+ / { for (i = 1; i < NF; i++) { if ($i == "cov:") coverage = $(i + 1); if ($i == "corp:") corpus = $(i + 1) } }
        END { sub("/.*", "", corpus); printf "%-12s %10d %8d %8d %8d %9d\n", target, runs, seconds, coverage, corpus, findings }' "$log"
done
exit $status
