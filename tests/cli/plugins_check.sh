#!/usr/bin/env bash
# servsim plugins check: plugins that are broken on purpose, each refused for its own law with the right words, and sound
# ones that pass. A table: FILE NAME KIND | LAW | WORDS.
set -eu
servsim=$SERVSIM_BUILDDIR/servsim
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$SERVSIM_BUILDDIR"/tests/broken/.libs/kit_*.so "$work"
chmod go-w "$work"/*.so
cd "$work"
if [ -n "${SERVSIM_SANITIZED:-}" ]; then
    # a sanitizer must not answer in the plugin's place
    export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}handle_segv=0:handle_abort=0:detect_leaks=0"
fi

fail() {
    echo "$*" >&2
    exit 1
}

# refused FILE KIND NAME LAW WORDS: the law is broken, and what is said about it holds the words.
refused() {
    status=0
    "$servsim" plugins check "./$1.so" --kind "$2" --name "$3" --law "$4" --timeout 5 >out.txt 2>&1 || status=$?
    [ "$status" -eq 1 ] || fail "$2 $3: $4: exit status $status: $(cat out.txt)"
    grep -q "^  broken  *$4" out.txt || fail "$2 $3: '$4' is not broken: $(cat out.txt)"
    grep -q "$5" out.txt || fail "$2 $3: nothing about '$5': $(cat out.txt)"
    cases=$((cases + 1))
}

cases=0
while IFS='|' read -r file kind name law words; do
    case $file:$name in
    kit_scheduler:eats | kit_scheduler:leaks* | *:unset)
        [ -z "${SERVSIM_SANITIZED:-}" ] || continue # the sanitizer's own malloc decides there
        ;;
    esac
    refused "$file" "$kind" "$name" "$law" "$words"
done <<'END'
kit_scheduler|scheduler|loses|serves everybody|waiting for ever
kit_scheduler|scheduler|rejects|serves everybody|it rejects
kit_scheduler|scheduler|breaks_rules|keeps the rules|broke a rule
kit_scheduler|scheduler|horizon_lies|fast-forward|horizon_steps promises more
kit_scheduler|scheduler|horizon_lies|fast-forward|part at request [0-9]*: tpot_ms [0-9.]* / [0-9.]*$
kit_scheduler|scheduler|impatient|fast-forward|random cell .* with patience=.*or until_s lies too late
kit_scheduler|scheduler|logs|keeps the rules|killed by signal 11.*services that schedulers have not are NULL: log, seed
kit_scheduler|scheduler|twice|keeps the rules|broke a rule while it composed a step: admit(): request [0-9]* runs, in prefill already (-22)
kit_scheduler|scheduler|nobody|keeps the rules|preempt(recompute): no request (NULL)
kit_scheduler|scheduler|breaks_rules|keeps the rules|preempt(recompute): request [0-9]* waits already
kit_others|router|sizeless|routes|replica_state() is given a state without a size
kit_scheduler|scheduler|tenth|serves everybody|waiting for ever
kit_scheduler|scheduler|advance_lies|fast-forward|advance(k) is not the same as k calls
kit_scheduler|scheduler|holds_lies|fast-forward|DECISION_HOLDS to an arrival that changes
kit_scheduler|scheduler|starves|nobody starves|SERVSIM_SCHEDULER_MAY_STARVE
kit_scheduler|scheduler|shares|side by side|keep state in \*self
kit_scheduler|scheduler|unset|same answers|answered in two ways.*host->seed
kit_scheduler|scheduler|leaks|memory|comes and goes leaves [0-9]* bytes behind
kit_scheduler|scheduler|leaks_queue|memory|works and goes leaves [0-9]* bytes behind
kit_scheduler|scheduler|crashes|keeps the rules|killed by signal 11
kit_scheduler|scheduler|loops|keeps the rules|did not come back within 5 s
kit_scheduler|scheduler|exits|keeps the rules|exit status 0 before it was done
kit_scheduler|scheduler|eats|keeps the rules|no memory is left\|killed\|did not come back
kit_scheduler|scheduler|prints|keeps the rules|writes to standard output ('planning').*errors through err or host->fail
kit_scheduler|scheduler|no_text|options|cap=100 answers -22 and leaves no text
kit_others|hardware|negative|prices|costs -[0-9]* ps
kit_others|hardware|shrinking|prices|SERVSIM_HARDWARE_MEASURED
kit_others|hardware|once|prices|32 times cost
kit_others|hardware|silent|prices|refused: without a text
kit_others|hardware|split|a line|depends on where the run is split
kit_others|hardware|unsettled|a line|a model with windows: .* decode_settled
kit_others|hardware|unsettled|fast-forward|single steps part
kit_others|hardware|wide|prices|a model with weights of 4 bits: .*price by weight_dtype, or refuse
kit_others|hardware|hit|prices|a model with experts: the experts' work on twice the tokens
kit_others|hardware|stepless|attention|a line of no steps
kit_others|hardware|nameless|describes|no name that ends
kit_others|hardware|hot|describes|an idle power of 301 W, and a board's limit of 300 W
kit_others|hardware|generating|describes|energy_per_byte_pj as -1
kit_others|router|too_far|routes|with 64 replicas: .*sent request
kit_others|router|deaf|avoids replicas|with 2 replicas, some of which die: .*told is down
kit_others|router|shares|side by side|keep state in \*self
kit_others|router|clock|same answers|answered in two ways
kit_others|workload|backward|whole requests|request 77 arrives before
kit_others|workload|tokenless|whole requests|10 prompt and 0 output tokens
kit_others|workload|endless|whole requests|3000000 requests and no end
kit_others|workload|goes_on|whole requests|answers 0 and then goes on
kit_others|workload|silent|whole requests|leaves no text
kit_others|workload|miscounts|whole requests|50 rows are requests, and 100 were delivered
kit_others|workload|shortest|other settings|with longest=1: request 0 has 10 prompt and 0 output tokens
kit_others|report|beside|writes in its folder|outside of output_dir: elsewhere/broken.tmp
kit_others|report|changing|the same bytes|writes something else: broken.txt
kit_others|report|in_part|whole files|leaves part of a file: broken.txt
kit_others|report|blind|says what is wrong|half a file answers 0
kit_predictor|predictor|surely|answers can be used|confidence of 100
kit_predictor|predictor|silent|answers can be used|leaves no text
kit_predictor|predictor|below|answers can be used|a total of -1
kit_predictor|predictor|beyond|answers can be used|more than the 3 minutes
kit_predictor|predictor|peeks|sees no future|declare SERVSIM_PREDICTOR_SEES_FUTURE
kit_predictor|predictor|shares|side by side|keep state in \*self
kit_predictor|predictor|clock|same answers|answered in two ways
kit_options|router|unread|reads its options|option 'ageing' is declared, and create() never reads it$
kit_options|router|misspelt|reads its options|option 'ageing' is declared, and .*; it looks for 'agieng', not declared
kit_others|router|shares|descriptor|exports 'broken_other_symbol'
END
[ "$cases" -ge 30 ] || fail "only $cases cases were tried"

# Sound ones keep every law, and say so in JSON too.
"$servsim" plugins check ./kit_scheduler.so --name sound >out.txt || fail "the sound scheduler: $(cat out.txt)"
"$servsim" plugins check ./kit_others.so --name sound --law e --json >out.json || true
grep -q '"status": "kept"' out.json || fail "no law is kept: $(cat out.json)"
grep -q '"laws_broken": 1' out.json || fail "the second symbol should be the only finding: $(cat out.json)"

# A file that calls for the clock is refused, unless what was linked into it asks on its own account.
outside='asks nobody outside'
if [ -z "${SERVSIM_SANITIZED:-}" ]; then
    refused kit_predictor predictor clock "$outside" 'it calls for clock_gettime: '
    mkdir coverage
    if (cd coverage && ${CC:-cc} --coverage -Wl,--exclude-libs,libgcov.a -shared -fPIC -fvisibility=hidden -I "$SERVSIM_SRCDIR/include" \
        -I "$SERVSIM_BUILDDIR/include" -I "$SERVSIM_SRCDIR" -o ../counted.so \
        "$SERVSIM_SRCDIR/tests/broken/kit_predictor.c") 2>log; then
        chmod go-w counted.so
        "$servsim" plugins check ./counted.so --law "$outside" >out.txt || fail "a coverage build: $(cat out.txt)"
        grep -q 'run-time of coverage.* asks on its own account' out.txt || fail "why is it left out? $(cat out.txt)"
    fi
else
    "$servsim" plugins check ./kit_predictor.so --law "$outside" >out.txt || fail "a sanitized build: $(cat out.txt)"
fi
"$servsim" plugins check ./kit_others.so --kind hardware --name sound --law "$outside" >out.txt ||
    fail "beside a report: $(cat out.txt)"
grep -q 'a report is in the same file' out.txt || fail "why is it left out? $(cat out.txt)"

# Options: nothing to say, something that is no fault, and what cannot be told.
looks() { # NAME STATE WORDS
    "$servsim" plugins check ./kit_options.so --name "$1" --law 'reads its options' >out.txt || fail "$1: $(cat out.txt)"
    grep -q "^  $2 *reads its options" out.txt || fail "$1 is not $2: $(cat out.txt)"
    grep -q "$3" out.txt || fail "$1: nothing about '$3': $(cat out.txt)"
}
looks sound kept '^1 laws kept'
grep -q declare out.txt && fail "sound: $(cat out.txt)"
looks undeclared kept "also looks for 'patience', not declared"
looks copies 'left out' 'create() reads every value'

# What a broken rule keeps from being judged is left out, not kept.
"$servsim" plugins check ./kit_scheduler.so --name breaks_rules >out.txt && fail "a rule is broken, and nobody says so"
for law in 'serves everybody' 'fast-forward equals'; do
    grep -q "left out  $law" out.txt || fail "'$law' was judged in spite of a broken rule: $(cat out.txt)"
done
grep -q "something else is in its way: .*broke a rule" out.txt || fail "what is in its way? $(cat out.txt)"

# A model that does not fit into a device says nothing about the device.
"$servsim" plugins check ./kit_others.so --kind hardware --name sound --model llama-3.1-405b --law fast >out.txt ||
    fail "a model that does not fit: $(cat out.txt)"
grep -q 'left out  fast-forward' out.txt || fail "a model that does not fit is not left out: $(cat out.txt)"
grep -q 'llama-3.1-405b does not fit: .* or give another with --model' out.txt || fail "why? $(cat out.txt)"

# What cannot be tried at all ends with 2.
unusable() { # WORDS ARGUMENTS...
    words=$1 status=0
    shift
    "$servsim" plugins check "$@" >out.txt 2>&1 || status=$?
    [ "$status" -eq 2 ] || fail "$*: exit status $status: $(cat out.txt)"
    grep -q "$words" out.txt || fail "$*: nothing about '$words': $(cat out.txt)"
}
unusable 'killed by signal 6' ./kit_load.so
unusable 'No such file' ./nothing.so
unusable 'no installed plugin' nothing
unusable "needs 'rate'" "$SERVSIM_BUILDDIR/plugins/.libs/workload_poisson.so"
unusable 'holds no such plugin' ./kit_scheduler.so --kind router
unusable "has 'xyz' in its name" ./kit_scheduler.so --law xyz
unusable 'write --set OPTION=VALUE' ./kit_scheduler.so --set x
unusable 'write seconds' ./kit_scheduler.so --timeout soon
echo "$cases broken plugins are refused"
