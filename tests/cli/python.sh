#!/usr/bin/env bash
# Policies in Python: they decide as their twins in C do, byte for byte; the examples run the same both ways; instances
# share nothing; nothing of the surroundings decides; and each mistake is one line with the file, the line and what was
# said.
set -eu
[ -e "$SERVSIM_BUILDDIR/plugins/python.la" ] || { echo "the plugins 'python' are not built (configure --with-python)"; exit 77; }
servsim=$SERVSIM_BUILDDIR/servsim
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$SERVSIM_SRCDIR"/examples/python/* "$SERVSIM_SRCDIR/tests/cli/functions.sh" "$work"
cd "$work"
# shellcheck source=tests/cli/functions.sh
. ./functions.sh

same_cells() { # TREE/CELL TREE/CELL
    for file in requests.csv summary.json series.csv itl.csv; do
        cmp "${1%%/*}/cells/${1#*/}/$file" "${2%%/*}/cells/${2#*/}/$file" || fail "$1 and $2 differ"
    done
}

# ---- what it decides ----

cat >twins.yaml <<'END'
servsim: 1
name: twins
hardware: a100
cluster: {gpus: 3}
kv_cache: {blocks: 300}
workload: {plugin: poisson, rate: 18, requests: 400, prompt_distribution: sharegpt, output_distribution: sharegpt, prompt_max: 2000}
matrix:
  scheduler:
    c: {plugin: fcfs, max_num_seqs: 24}
    python: {plugin: python, max_num_seqs: 24}
  router:
    c: {plugin: round_robin}
    python: {plugin: python}
report: []
END
"$servsim" run --quiet --verify --output twins twins.yaml >/dev/null
for each in c-python python-c python-python; do
    same_cells twins/c-c twins/$each
done
grep -q '"preemptions": [1-9]' twins/cells/c-c/summary.json || fail "nobody was preempted: the case is too easy"

"$servsim" run --quiet --verify --output fast experiment.yaml >/dev/null
"$servsim" run --quiet --verify --stepwise --output stepwise experiment.yaml >/dev/null
cells=0
for each in fast/cells/*; do
    same_cells "fast/${each##*/}" "stepwise/${each##*/}"
    cells=$((cells + 1))
done
[ "$cells" -eq 4 ] || fail "$cells cells of the examples"
ttft() { # CELL
    awk '/"ttft_ms"/ { on = 1 } on && /"mean"/ { print $2 + 0; exit }' "fast/cells/$1/summary.json"
}
awk "BEGIN { exit !($(ttft shortest-turns) < 0.9 * $(ttft fcfs-turns)) }" ||
    fail "shortest first does not cut the mean TTFT: $(ttft shortest-turns) against $(ttft fcfs-turns)"

for each in scheduler:shortest router:least_work; do
    "$servsim" plugins check python --kind "${each%:*}" --set "file=${each#*:}.py" --timeout 120 >kit.txt 2>&1 ||
        fail "$each: $(cat kit.txt)"
done

awk '/^```/ { if (on) exit; on = $2 == "shortest.py"; next } on' "$SERVSIM_SRCDIR/doc/plugin-guide.md" | cmp - shortest.py ||
    fail "the guide shows another shortest.py than the example"

# ---- what it may use, and what must not matter ----

run() { # KIND FILE [OPTION=VALUE]...: two replicas, a little traffic
    kind=$1 sets=("--set" "$1.plugin=python" "--set" "$1.file=$PWD/$2")
    shift 2
    for each; do sets+=("--set" "$kind.$each"); done
    "$servsim" run --quiet --output out "${sets[@]}" plain.yaml
}
cat >plain.yaml <<'END'
servsim: 1
name: plain
hardware: a100
cluster: {gpus: 2}
workload: {plugin: poisson, rate: 8, requests: 40}
report: []
END

# a scheduler that works, to be spoilt: lines marked with a name are put in for that case alone
cat >base.py <<'END'
import json, math, random, heapq, dataclasses, collections, datetime
import servsim

made = []

class Scheduler:
    def __init__(self, limits, factor=1, **rest):
        assert limits.max_num_seqs > 0 and limits.kv_blocks_total > 0 and limits.replica in (0, 1)
        made.append(self)
        assert len(made) == 1, "another replica's module"
        self.factor, self.waiting, self.gone = factor, [], []
        self.random = random.Random(7)
        self.step = None

    def arrive(self, request):
        request.key = math.floor(request.arrival * 1000) * self.factor  # its own attribute
        assert request.arrival_ps // 10**9 == math.floor(request.arrival * 1000)
        assert request.deadline == math.inf and request.deadline_ps is None
        assert isinstance(request, servsim.Request) and request.generated_tokens == 0
        if self.step is not None:
            try:
                self.step.admit(request)
            except RuntimeError as error:
                assert "over" in str(error)
            else:
                assert False
        # arrive
        heapq.heappush(self.waiting, (request.key, request))

    def plan(self, step):
        self.step = step
        # plan
        assert step.serve_running(None) and step.answer == servsim.OK
        while self.waiting and step.admit(self.waiting[0][1]):
            heapq.heappop(self.waiting)
        last = step.last_running()
        if last is not None:
            assert step.blocks_of(last) > 0 and step.running > 0 and step.running_before(last) is not last
        if step.horizon_steps == 1:
            step.horizon_steps = 3

    def finish(self, request):
        # finish
        assert request.generated_tokens > 0
        for old in self.gone:
            try:
                old.prompt_tokens
            except ReferenceError as error:
                assert "gone" in str(error) and old.key >= 0
            else:
                assert False
        self.gone.append(request)

    def advance(self, steps):
        # advance
        assert steps in (1, 2)
END
run scheduler base.py "options='factor=2, other=[1]'" >/dev/null || fail "the scheduler to be spoilt does not work"
cp out/cells/run/requests.csv before.csv
# nothing of the surroundings is looked at: not what hides modules of Python's own, nor hashes, nor a start-up file
mkdir -p hides home/.local/lib/python3/site-packages
echo 'raise SystemExit(3)' >hides/heapq.py
cat >hashes.py <<'END'
class Router:
    def __init__(self, replicas):
        self.seed = replicas.seed("turns")

    def route(self, request, replicas):
        assert len(replicas) == 2 and replicas[1].kv_blocks_total > 0 and len(list(replicas)) == 2
        return hash("client %d %d" % (request.id, self.seed)) % 2
END
PYTHONPATH=$PWD/hides PYTHONSTARTUP=$PWD/hides/heapq.py PYTHONHOME=/nowhere HOME=$PWD/home PYTHONHASHSEED=1 \
    run scheduler base.py >/dev/null || fail "the environment matters"
cmp before.csv out/cells/run/requests.csv || fail "the environment changes the results"
PYTHONHASHSEED=1 run router hashes.py >/dev/null
cp out/cells/run/requests.csv before.csv
PYTHONHASHSEED=random run router hashes.py >/dev/null
cmp before.csv out/cells/run/requests.csv || fail "hashes are not the same in every run"
[ ! -e __pycache__ ] || fail "compiled files are left"

# ---- mistakes ----

# wrong STATUS WORDS KIND FILE [OPTION=VALUE]...
wrong() {
    want=$1 words=$2
    shift 2
    status=0
    run "$@" >said 2>&1 || status=$?
    [ "$status" -eq "$want" ] || { cat said; fail "$*: exit status $status, not $want"; }
    says said "$words"
    # a failed cell has its line in the table, a refused experiment is one line
    [ "$(grep -cF "$words" said)" -eq 1 ] || { cat said; fail "$*: not one line"; }
    grep -q Traceback said && fail "$*: a traceback is printed"
    tried=$((tried + 1))
}
tried=0

# spoilt STATUS WHERE LINE WORDS: base.py with a line in place of the mark '# WHERE'
spoilt() {
    sed "s|# $2\$|$3|" base.py >spoilt.py
    cmp -s base.py spoilt.py && fail "nothing is spoilt by $3"
    wrong "$1" "spoilt.py, line $(grep -nF "$3" spoilt.py | cut -d : -f 1): $2(): $4" scheduler spoilt.py
}

wrong 2 "nothing.py cannot be read" scheduler nothing.py
wrong 2 "is no Python file of at most 1 MiB" scheduler .
printf 'import math\nclass Scheduler\n' >syntax.py
wrong 2 "syntax.py, line 2: it does not compile: SyntaxError: expected ':'" scheduler syntax.py
printf 'a\0b' >binary.py
wrong 2 "binary.py holds bytes that are no text" scheduler binary.py
printf '\nimport heapqq\n' >import.py
wrong 2 "import.py, line 2: it does not load: ModuleNotFoundError: No module named 'heapqq'" scheduler import.py
printf 'class Other:\n    pass\n' >other.py
wrong 2 "other.py has no class Scheduler; write one, or name another with 'class'" scheduler other.py
wrong 2 "other.py: Other(): TypeError: Other() takes no arguments" scheduler other.py class=Other
wrong 2 "other.py has no class Router" router other.py
printf 'class Router:\n    def __init__(self, replicas):\n        self.first = replicas[0]\n' >early.py
wrong 2 "early.py, line 3: Router(): RuntimeError: replicas can be looked at within route() and leave() alone" router early.py
printf 'class Router:\n    def __init__(self, replicas):\n        pass\n' >methods.py
wrong 2 "methods.py: class Router has no method route(); write one" router methods.py
wrong 2 "base.py: options: SyntaxError" scheduler base.py "options=factor=="
wrong 2 "methods.py: Router(): TypeError: " router methods.py "options=factor=1"
printf 'class Router:\n    def __init__(self, replicas):\n        raise SystemExit(0)\n' >exits.py
wrong 2 "exits.py, line 3: Router(): SystemExit: 0" router exits.py

spoilt 1 arrive "raise KeyError('no such client')" "KeyError: 'no such client'"
spoilt 1 arrive "json.loads('{')" "JSONDecodeError: "
spoilt 1 plan "1 / 0" "ZeroDivisionError: division by zero"
spoilt 1 plan "step.admit('a')" "TypeError: admit() takes a request, not str"
spoilt 1 plan "step.admit()" "TypeError: admit() takes 1 to 3 arguments, not 0"
spoilt 1 plan "step.limit(2.5)" "TypeError: limit() takes a whole number here, not float"
spoilt 1 plan "step.serve_running(-1)" "ValueError: serve_running(): -1 is out of bounds"
spoilt 1 plan "step.serve_running(0)" "ValueError: serve_running(): cap must be at least 1"
spoilt 1 plan "step.last_running() and step.admit(step.last_running())" "ValueError: admit(): the request must be waiting"
spoilt 1 plan "self.waiting and step.preempt(self.waiting[0][1])" "ValueError: preempt(): the request must be running"
spoilt 1 plan "self.gone and step.admit(self.gone[0])" "ReferenceError: admit(): request 0 is gone"
spoilt 1 plan "step.horizon_steps = 0" "ValueError: horizon_steps is a whole number from 1"
spoilt 1 plan "step.horizons = 4" "AttributeError: "
spoilt 1 finish "raise ValueError(chr(10).join(['not', 'yet']))" "ValueError: not yet"
spoilt 1 advance "raise SystemExit('enough')" "SystemExit: enough"
answers() { # METHOD LINE WORDS: the line of the method is named
    sed "s|# $1\$|$2|" base.py >spoilt.py
    wrong 1 "spoilt.py, line $(grep -n "def $1(" spoilt.py | cut -d : -f 1): $1() returns $3" scheduler spoilt.py
}
answers arrive "return 'yes'" "'yes'; return nothing, or servsim.ASK_AGAIN, DECISION_HOLDS or REJECT"
answers arrive "return 3" "3; return nothing"
answers plan "return True" "True; return nothing"
answers plan "yield" "<generator object"
answers finish "return 1" "1; return nothing"

routed() { # STATUS WORDS LINE [LINE]: of route(), and of leave()
    printf 'class Router:\n    def __init__(self, replicas):\n        self.kept = None\n\n    def route(self, request, replicas):\n        %s\n\n    def leave(self, request, replica):\n        %s\n' \
        "$3" "${4:-pass}" >router.py
    wrong "$1" "$2" router router.py
}
routed 1 "router.py, line 5: route() returns 99; return the number of a replica, 0 to 1" "return 99"
routed 1 "router.py, line 5: route() returns 'a'; return the number" "return 'a'"
routed 1 "router.py, line 5: route() returns -1; return the number" "return -1"
routed 1 "router.py, line 5: route() returns None; return the number" "pass"
routed 1 "router.py, line 5: route() returns 1267650600228229401496703205376; return" "return 2**100"
routed 1 "router.py, line 6: route(): IndexError: there is no replica 2; the last is 1" "return replicas[2]"
routed 1 "router.py, line 6: route(): AttributeError: routers are not told" "return request.generated_tokens"
routed 1 "router.py, line 6: route(): ReferenceError: request 0 is gone" \
    "self.kept = self.kept or request; return self.kept.priority"
routed 1 "router.py, line 9: leave(): RuntimeError: the last one" "return 0" \
    "self.kept = (self.kept or 0) + 1; assert self.kept <= 40; (1, [][0])[1] if self.kept > 40 else None; exec('raise RuntimeError(\"the last one\")') if self.kept == 40 else None"
echo "$tried mistakes are named"
[ "$tried" -ge 40 ]
