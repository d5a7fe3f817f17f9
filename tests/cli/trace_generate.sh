#!/bin/sh -eu
# servsim trace generate: formats, round trips through the readers, seeds, and what it refuses.

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
SERVSIM_PLUGIN_PATH=$SERVSIM_BUILDDIR/plugins/.libs
export SERVSIM_PLUGIN_PATH
servsim=$SERVSIM_BUILDDIR/servsim

fail() {
    echo "$*" >&2
    exit 1
}

generate() {
    "$servsim" trace generate "$@" >said 2>complaint || fail "trace generate $*: $(cat complaint)"
}

# refused WORDS ARGUMENTS...: exit 2, one line that holds WORDS, and no file left
refused() {
    words=$1
    shift
    status=0
    "$servsim" trace "$@" >said 2>complaint || status=$?
    test "$status" -eq 2 || fail "trace $*: exit $status"
    test "$(wc -l <complaint)" -eq 1 || fail "trace $*: $(cat complaint)"
    grep -qF -- "$words" complaint || fail "trace $*: '$(cat complaint)' lacks '$words'"
    test -z "$(find . -name 'x*')" || fail "trace $*: left $(find . -name 'x*')"
}

# ---- each format, and the same requests again when the file is read ----
poisson="--workload poisson --set rate=10 --set prompt_distribution=sharegpt --set output_distribution=geometric"
for format in burstgpt tsv csv jsonl; do
    # shellcheck disable=SC2086
    generate $poisson --requests 500 --format "$format" --output "first.$format"
    test "$(grep -c '[0-9]' "first.$format")" -eq 500 || fail "$format: not 500 rows"
    reader=tokens
    test "$format" != burstgpt || reader=burstgpt
    generate --workload "$reader" --set "path=$work/first.$format" --format "$format" --output "second.$format"
    cmp "first.$format" "second.$format" || fail "$format: reading and writing again changes it"
done
test "$(head -n 1 first.burstgpt)" = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type" ||
    fail "burstgpt: header"
test "$(head -n 1 first.tsv)" = "$(printf 'input_toks\toutput_toks\tarrival_time_ns')" || fail "tsv: header"

# ---- failed rows are written, and read as failed ----
generate --workload burstgpt_model --requests 5000 --set days=1 --output model.csv
test "$(wc -l <model.csv)" -eq 5001 || fail "burstgpt_model: not 5000 rows"
failed=$(grep -c ',0,0,0,' model.csv)
test "$failed" -gt 0 || fail "burstgpt_model: no failed row"
generate --workload burstgpt --set "path=$work/model.csv" --output answered.csv
test "$(wc -l <answered.csv)" -eq $((5001 - failed)) || fail "burstgpt: failed rows are not left out"
generate --workload burstgpt_model --requests 5000 --set days=1 --set emit_failed=false --output without.csv
test "$(wc -l <without.csv)" -eq $((5001 - failed)) || fail "emit_failed=false is not heard"

# ---- ids go through ----
cat >ids.jsonl <<'EOF'
{"input_toks":3,"output_toks":2,"arrival_time_ns":0,"input_tok_ids":[5,6,7],"hash_ids":[0,14],"session_id":"a"}
{"input_toks":1,"output_toks":2,"arrival_time_ns":1}
EOF
generate --workload tokens --set "path=$work/ids.jsonl" --format jsonl --output ids2.jsonl
grep -q '"input_tok_ids":\[5,6,7\],"hash_ids":\[0,14\]}' ids2.jsonl || fail "ids: $(cat ids2.jsonl)"
grep -q '"session_id":"' ids2.jsonl || fail "session: $(cat ids2.jsonl)"

# ---- what a format has no place for is said, in one line ----
many="--workload poisson --set rate=10 --set clients=[1,1] --set priorities=[1,1] --set deadlines=[1,5]"
# shellcheck disable=SC2086
generate $many --requests 50 --output many.csv
test "$(wc -l <complaint)" -eq 1 || fail "what burstgpt cannot hold: $(cat complaint)"
for words in 'many.csv: lost: clients of [0-9]* rows, priorities of [0-9]* rows, deadlines of 50 rows; burstgpt has no place' \
    '; --format jsonl keeps clients, priorities, deadlines$'; do
    grep -q "$words" complaint || fail "what burstgpt cannot hold: $(cat complaint)"
done
# shellcheck disable=SC2086
generate $many --requests 50 --format jsonl --output many.jsonl
grep -q 'clients\|priorities\|deadlines' complaint && fail "jsonl holds all of these: $(cat complaint)"
grep -q 'lost: time below a nanosecond of [0-9]* rows; jsonl has no place for them$' complaint ||
    fail "jsonl holds nanoseconds: $(cat complaint)"
grep -q '"client_id":"1","priority":1,"deadline_s":[15]}$' many.jsonl || fail "urgency: $(head -n 3 many.jsonl)"
cat >urgent.jsonl <<'EOF'
{"input_toks":3,"output_toks":2,"arrival_time_ns":7,"priority":-2,"deadline_s":10.7}
{"input_toks":3,"output_toks":2,"arrival_time_ns":1000000008,"priority":3,"deadline_s":0.000000000001}
EOF
generate --workload tokens --set "path=$work/urgent.jsonl" --format jsonl --output urgent2.jsonl
sed 's/"arrival_time_ns":7/"arrival_time_ns":0/; s/1000000008/1000000001/' urgent.jsonl | cmp - urgent2.jsonl ||
    fail "urgency: $(cat urgent2.jsonl)"
generate --workload poisson --set rate=3 --set shared_prefix_tokens=600 --set prompt_tokens=1200 --requests 20 --format jsonl \
    --output shared.jsonl
grep -q 'beginnings that prompts share of 20 rows' complaint || fail "shared beginnings: $(cat complaint)"
generate --workload tokens --set "path=$work/ids.jsonl" --format jsonl --output ids2.jsonl
test ! -s complaint || fail "nothing is lost: $(cat complaint)"

# ---- seeds, limits, replacing a file ----
generate --workload burstgpt_model --requests 500 --set days=1 --seed 1 --output one.csv
generate --workload burstgpt_model --requests 500 --set days=1 --seed 2 --output two.csv
cmp -s one.csv two.csv && fail "seeds 1 and 2 give the same trace"
generate --workload burstgpt_model --requests 500 --set days=1 --seed 1 --output two.csv
cmp one.csv two.csv || fail "seed 1 gives two traces"
generate --workload burstgpt --set "path=$work/one.csv" --requests 7 --output seven.csv
test "$(wc -l <seven.csv)" -eq 8 || fail "--requests 7 does not stop a file"
"$servsim" trace --help | grep -q '^usage: servsim trace generate' || fail "--help"
"$servsim" trace generate --help | grep -q '^usage: servsim trace generate' || fail "generate --help"

# ---- refused ----
refused "is not understood" sing
refused "is not understood"
refused "wants --workload NAME" generate --output x.csv
refused "wants --output FILE" generate --workload poisson
refused "--format xml is not known; write burstgpt, tsv, csv or jsonl" generate --workload poisson --output x --format xml
refused "poisson" generate --workload poison --output x.csv
refused "needs rate (mean rate of requests) and requests (how many); write --set rate=VALUE --requests N" \
    generate --workload poisson --output x.csv
refused "needs rate (mean rate of requests); write --set rate=VALUE" generate --workload poisson --requests 5 --output x.csv
refused "needs requests (how many); write --requests N" generate --workload poisson --set rate=1 --output x.csv
refused "needs path (the trace); write --set path=VALUE" generate --workload burstgpt --output x.csv
refused "did you mean 'rate'" generate --workload poisson --set rat=1 --output x.csv
refused "prompt_token" generate --workload poisson --set rate=1 --set prompt_token=1 --requests 5 --output x.csv
refused "not a whole number" generate --workload poisson --set rate=1 --requests -5 --output x.csv
refused "at least 1" generate --workload poisson --set rate=1 --requests 0 --output x.csv
refused "cannot be written" generate --workload poisson --set rate=1 --requests 5 --output nowhere/x.csv
refused "is no regular file" generate --workload poisson --set rate=1 --requests 5 --output /dev/null
printf 'Timestamp,Model\n1,2\n' >bad.csv
refused "bad.csv:1: a BurstGPT trace needs a column" generate --workload burstgpt --set "path=$work/bad.csv" --output x.csv
# an error far down the file: nothing half-written is left
awk 'BEGIN { print "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type"
    for (i = 0; i < 60000; i++) print i ",ChatGPT,5,1,6,Conversation log"; print "1,ChatGPT,5,1,6,API log" }' >late.csv
refused "late.csv:60002: out of order" generate --workload burstgpt --set "path=$work/late.csv" --output x.csv
