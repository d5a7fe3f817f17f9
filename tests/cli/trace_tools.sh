#!/bin/sh -eu
# servsim trace info, convert and sample: figures against an independent count, round trips, samples, refusals, charts,
# interrupts; and the results for old scripts, simulate --csv-format llmservingsim.

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
servsim=$SERVSIM_BUILDDIR/servsim

fail() {
    echo "$*" >&2
    exit 1
}

trace() {
    "$servsim" trace "$@" >said 2>complaint || fail "trace $*: $(cat complaint)"
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

# A JSON text as lines of path=value, lists by number.
flatten() {
    awk '{
        gsub(/^ +|,$/, "")
        if ($0 == "") next
        key = ""
        if (match($0, /^"[^"]*": /)) {
            key = substr($0, 2, RLENGTH - 4)
            $0 = substr($0, RLENGTH + 1)
        } else if (depth > 0 && list[depth])
            key = ++count[depth]
        if ($0 == "{" || $0 == "[") {
            name[++depth] = key
            list[depth] = $0 == "["
            count[depth] = 0
        } else if ($0 == "}" || $0 == "]")
            depth--
        else {
            path = ""
            for (i = 2; i <= depth; i++)
                path = path name[i] "."
            print path key "=" $0
        }
    }'
}

# ---- a trace small enough to count by hand ----
cat >tiny.csv <<'CSV'
Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type
100,ChatGPT,10,1,11,Conversation log
100,GPT-4,20,2,22,API log
104,ChatGPT,0,0,0,API log
110,ChatGPT,30,3,33,Conversation log
CSV
trace info tiny.csv --json
flatten <said >flat
for figure in 'rows=4' 'requests=3' 'rows_failed=1' 'span_s=10.0' 'requests_per_s=0.2' \
    'requests_per_s_fullest_minute=null' 'gaps.mean_s=5.0' 'gaps.p50_s=0.0' 'gaps.max_s=10.0' 'gaps.cv=1.0' \
    'gaps.zero_share=0.5' 'prompt_tokens.mean=20.0' 'prompt_tokens.p50=20' 'prompt_tokens.p90=30' \
    'output_tokens.total=6' 'classes.1.name="ChatGPT Conversation log"' 'classes.1.requests=2' \
    'classes.2.name="GPT-4 API log"' 'hour_profile=null' 'index_of_dispersion.minute=null'; do
    grep -qxF "$figure" flat || fail "tiny.csv: no $figure in $(cat flat)"
done
trace info tiny.csv
grep -q '^requests  *3$' said || fail "tiny.csv: $(cat said)"

# one request, and many at one instant
printf 'input_toks\toutput_toks\tarrival_time_ns\n7\t9\t5\n' >one.tsv
trace info one.tsv --json --charts one
flatten <said | grep -qx 'gaps=null' || fail "one.tsv: $(cat said)"
flatten <said | grep -qx 'requests_per_s=null' || fail "one.tsv: $(cat said)"
awk 'BEGIN { print "input_toks\toutput_toks\tarrival_time_ns"; for (i = 0; i < 50; i++) print "8\t1\t3" }' >same.tsv
trace info same.tsv --json --charts same
flatten <said | grep -qx 'gaps.cv=null' || fail "same.tsv: $(cat said)"
flatten <said | grep -qx 'gaps.zero_share=1.0' || fail "same.tsv: $(cat said)"

# ---- a large one, against sorted lists: every figure once more, in another language ----
trace generate --workload burstgpt_model --requests 30000 --set days=3 --output big.csv
trace info big.csv --json
flatten <said >flat
awk -F, 'NR > 1 && $4 > 0 { print $1, $3, $4 }' big.csv >requests
awk 'NR > 1 { print $1 - before } { before = $1 }' requests | sort -n >gaps
cut -d' ' -f2 requests | sort -n >prompts
cut -d' ' -f3 requests | sort -n >outputs
# rank FILE PERCENT: nearest rank of a sorted file
rank() {
    awk -v percent="$2" '{ value[NR] = $1 } END {
        at = int(NR * percent / 100); if (at * 100 < NR * percent) at++
        print value[at] }' "$1"
}
{
    echo "rows=$(($(wc -l <big.csv) - 1))"
    echo "requests=$(wc -l <requests)"
    echo "rows_failed=$(awk -F, 'NR > 1 && $4 == 0' big.csv | wc -l)"
    for length in prompt output; do
        for percent in 50 90 99 100; do
            key=p$percent
            test "$percent" -ne 100 || key=max
            echo "${length}_tokens.$key=$(rank "${length}s" "$percent")"
        done
        awk -v name="$length" '{ sum += $1 } END { printf "%s_tokens.mean=%.12g\n%s_tokens.total=%d\n", name, sum / NR,
            name, sum }' "${length}s"
    done
    echo "gaps.p50_s=$(rank gaps 50)"
    echo "gaps.p99_s=$(rank gaps 99)"
    echo "gaps.max_s=$(rank gaps 100)"
    awk '{ sum += $1; zero += $1 == 0; value[NR] = $1 } END {
        mean = sum / NR
        for (i = 1; i <= NR; i++) squares += (value[i] - mean) ^ 2
        printf "gaps.mean_s=%.12g\ngaps.zero_share=%.12g\ngaps.cv=%.12g\n", mean, zero / NR, sqrt(squares / NR) / mean
    }' gaps
    awk 'NR == 1 { first = $1 } { last = $1; n[0, int((last - first))]++; n[1, int((last - first) / 60)]++
            n[2, int((last - first) / 3600)]++; hour[int($1 / 3600) % 24]++ }
        END {
            split("second minute hour", name); width[0] = 1; width[1] = 60; width[2] = 3600
            for (k = 0; k < 3; k++) {
                windows = int((last - first) / width[k]); sum = squares = 0
                for (i = 0; i < windows; i++) sum += n[k, i]
                for (i = 0; i < windows; i++) squares += (n[k, i] - sum / windows) ^ 2
                printf "index_of_dispersion.%s=%.12g\n", name[k + 1], squares / (windows - 1) / (sum / windows)
            }
            for (i = 0; i <= windows * 60 + 60; i++) if (n[1, i] > peak) peak = n[1, i]
            printf "requests_per_s_fullest_minute=%.12g\nrequests_per_s=%.12g\n", peak / 60, (NR - 1) / (last - first)
            for (h = 0; h < 24; h++) {
                rest = last % 86400 - h * 3600; rest = rest < 0 ? 0 : rest > 3600 ? 3600 : rest
                rate[h] = hour[h] / (int(last / 86400) * 3600 + rest); all += rate[h] / 24
            }
            for (h = 0; h < 24; h++) printf "hour_profile.%d=%.12g\n", h + 1, rate[h] / all
        }' requests
} >expected
awk -F= 'NR == FNR { said[$1] = $2; next }
    { apart = said[$1] - $2; if (apart < 0) apart = -apart
      if (!($1 in said) || apart > 6e-4 * ($2 > 0 ? $2 : 1)) { print $1 ": " said[$1] ", expected " $2; bad = 1 }
      exact += said[$1] == $2 }
    END { if (FNR < 45) { print "only " FNR " figures"; bad = 1 } exit bad }' flat expected ||
    fail "big.csv: figures differ"
for class in "ChatGPT API log" "GPT-4 Conversation log"; do
    count=$(awk -F, -v class="$class" 'NR > 1 && $4 > 0 && $2 " " $6 == class' big.csv | wc -l)
    grep -A1 -F "name=\"$class\"" flat | grep -q "requests=$count\$" || fail "class $class is not $count requests"
done
trace info big.csv --set model=GPT-4 --json
test "$(flatten <said | sed -n 's/^requests=//p')" -eq "$(awk -F, '$2 == "GPT-4" && $4 > 0' big.csv | wc -l)" ||
    fail "--set model"
# percentiles of values without end: within the stated 0.05 %
awk 'BEGIN { print "arrival_s,input_tokens,output_tokens"
    for (i = 0; i < 9999; i++) { t += 0.001 * exp(i % 97 / 7); printf "%.9f,%d,1\n", t, 5000 + i * 13 % 90001 } }' >far.csv
trace info far.csv --json
flatten <said >flat
awk -F, 'NR > 1 { print $2 }' far.csv | sort -n >prompts
awk -F, 'NR > 2 { printf "%.9f\n", $1 - before } { before = $1 }' far.csv | sort -n >gaps
for pair in "prompt_tokens.p50 prompts 50" "prompt_tokens.p99 prompts 99" "gaps.p50_s gaps 50" "gaps.p99_s gaps 99"; do
    # shellcheck disable=SC2086
    set -- $pair
    awk -v said="$(sed -n "s/^$1=//p" flat)" -v right="$(rank "$2" "$3")" \
        'BEGIN { exit !(said >= right * 0.9995 && said <= right * 1.0005) }' || fail "$1 is too far away"
done

# ---- charts ----
trace info big.csv --charts charts
for chart in arrivals gaps lengths hours; do
    test -s charts/$chart.gp || fail "no charts/$chart.gp"
    test -s charts/$chart.dat || fail "no charts/$chart.dat"
    if command -v gnuplot >/dev/null; then
        for folder in charts one same; do
            test "$folder" != charts || test -s charts/$chart.png || fail "no charts/$chart.png"
            test "$chart" != lengths || test -s $folder/$chart.svg || fail "no $folder/$chart.svg"
        done
    fi
done
test -z "$(find charts -name '.*' -type f)" || fail "charts: left $(find charts -name '.*')"
PATH=/nowhere "$servsim" trace info tiny.csv --charts bare >said 2>complaint || fail "no gnuplot: exit $?"
grep -q 'gnuplot-nox' complaint || fail "no gnuplot: $(cat complaint)"
test -s bare/lengths.gp || fail "no gnuplot: no script"

# ---- convert: there and back, what is lost, failed rows, in place ----
trace convert big.csv --output big.tsv --format tsv
grep -qx "big.tsv: $(wc -l <requests) rows, tsv" said || fail "convert: $(cat said)"
grep -q '^left out: [0-9]* rows of failed requests$' said || fail "convert does not tell of failed rows: $(cat said)"
grep -q '^lost: classes' said || fail "convert does not tell of classes: $(cat said)"
trace convert big.tsv --output big.jsonl --format JSONL
grep -q lost said && fail "tsv to jsonl loses nothing: $(cat said)"
trace convert big.jsonl --output back.csv --format csv
trace convert back.csv --output back.burstgpt --format burstgpt
grep -q '^added: .* ChatGPT, API log$' said || fail "convert does not tell what it adds: $(cat said)"
awk -F, 'NR > 1 { print $1, $3, $4 }' back.burstgpt >back
awk 'NR == 1 { first = $1 } { print $1 - first, $2, $3 }' requests | cmp - back || fail "four conversions change the trace"
cp back.burstgpt there.csv
trace convert there.csv --output there.csv --format burstgpt
cmp there.csv back.burstgpt || fail "converting in place changes the trace"
cat >ids.jsonl <<'EOF2'
{"input_toks":3,"output_toks":2,"arrival_time_ns":0,"input_tok_ids":[5,6,7],"hash_ids":[0,14],"session_id":"a","client_id":"b","prompt_id":"c"}
{"input_toks":1,"output_toks":2,"arrival_time_ns":1,"session_id":"a"}
EOF2
trace convert ids.jsonl --output ids.csv --format burstgpt
for part in clients 'ids of equal prompts' 'token ids' 'prefix block ids'; do
    grep -q "^lost: $part of 1 rows" said || fail "convert does not tell of $part: $(cat said)"
done
grep -q 'lost: sessions' said && fail "burstgpt has a place for sessions: $(cat said)"
head -n 1 ids.csv | grep -q 'Session ID' || fail "no Session ID: $(cat ids.csv)"
trace convert ids.jsonl --output ids2.jsonl --format jsonl
grep -q lost said && fail "jsonl to jsonl loses nothing: $(cat said)"
grep -q '"session_id":"a","client_id":"b","prompt_id":"[0-9]*","input_tok_ids":\[5,6,7\],"hash_ids":\[0,14\]}' ids2.jsonl ||
    fail "ids: $(cat ids2.jsonl)"
tail -n 1 ids.jsonl >session.jsonl
trace convert session.jsonl --output session.csv --format burstgpt
grep -q '^0,a,' session.csv || fail "the session's id: $(cat session.csv)"
trace convert ids.jsonl --output ids2.jsonl --format jsonl --set hash_block_tokens=16
grep -q 'hash_block_tokens: 16' said || fail "the size of a block is lost and not told: $(cat said)"
# what ships goes by its name, everywhere
trace sample data:sharegpt_like_100.tsv --output ships --requests 3
grep -qx 'ships: 3 rows, tsv' said || fail "sample of what ships: $(cat said)"
trace info data:sharegpt_like_100.tsv
refused "'data:../NEWS' is no name of a file that ships" info data:../NEWS
refused "'data:' is no name of a file that ships" convert data: --output x.csv --format csv
refused "nothing.csv: No such file" info data:nothing.csv
# lengths alone: they need a rate
printf 'num_prefill_tokens,num_decode_tokens\n74,918\n12,3\n' >lengths.csv
refused "set rate" convert lengths.csv --output x.csv --format csv
trace convert lengths.csv --output timed.csv --format csv --set rate=2 --seed 7
test "$(wc -l <timed.csv)" -eq 3 || fail "lengths with a rate: $(cat timed.csv)"

# ---- sample: rows of the trace, in order, the same for a seed, and those of a run ----
trace sample big.csv --output sample.csv --requests 1000 --seed 5
grep -q "^drawn: 1000 of $(wc -l <requests) requests, seed 5\$" said || fail "sample: $(cat said)"
test "$(wc -l <sample.csv)" -eq 1001 || fail "sample: not 1000 rows"
test "$(head -n 1 sample.csv)" = "$(head -n 1 big.csv)" || fail "sample: another format than IN"
awk -F, -v start="$(sed -n 2p big.csv | cut -d, -f1)" 'NR == FNR { if (FNR > 1) { $1 = $1 - start; row[$1 FS $2 FS $3 FS $4 FS $6]++ } next }
    FNR > 1 { key = $1 FS $2 FS $3 FS $4 FS $6; if (row[key]-- < 1) { print "not in the trace: " key; exit 1 }
        if ($1 + 0 < before) { print "out of order: " key; exit 1 } before = $1 + 0 }' big.csv sample.csv ||
    fail "sample: rows are not those of the trace"
awk -F, 'FNR > 1 && $4 == 0' sample.csv | grep . && fail "sample: a failed row was drawn"
trace sample big.csv --output again.csv --requests 1000 --seed 5
cmp sample.csv again.csv || fail "seed 5 gives two samples"
trace sample big.csv --output again.csv --requests 1000 --seed 6
cmp -s sample.csv again.csv && fail "seeds 5 and 6 give one sample"
trace sample big.tsv --output sample.tsv --requests 10
grep -q "$(printf 'output_toks\tarrival_time_ns')" sample.tsv || fail "sample: a TSV does not stay a TSV"
trace sample ids.jsonl --output sample.jsonl --requests 1
grep -q '"input_toks"' sample.jsonl || fail "sample: JSONL does not stay JSONL"
trace sample tiny.csv --output all.csv --requests 100
test "$(wc -l <all.csv)" -eq 4 || fail "sample of more than there is: $(cat all.csv)"
grep -q 'all are taken' complaint || fail "sample of more than there is: $(cat complaint)"
"$servsim" simulate --dataset big.csv --set workload.sample=1000 --seed 5 --output run.csv >said 2>&1 || fail "$(cat said)"
awk -F, 'NR > 1 { print $5, $6 }' run.csv >of_run
awk -F, 'NR > 1 { print $3, $4 }' sample.csv | cmp - of_run || fail "a run with sample: 1000 sees another sample"

# ---- refused ----
refused "is not understood; did you mean 'convert'?" convrt
refused "wants a trace" info
refused "nothere.csv: No such file" info nothere.csv
refused "cannot be read" info .
refused "one trace at a time" info tiny.csv big.csv
refused "'--jso' is not a flag; did you mean --json" info tiny.csv --jso=x
refused "--charts wants a value" info tiny.csv --charts
refused "for --charts" info tiny.csv --charts tiny.csv
refused "did you mean 'model'" info tiny.csv --set mode=GPT-4
refused "--set path" info tiny.csv --set path=big.csv
refused "wants a trace IN" convert
refused "wants --output OUT" convert tiny.csv
refused "wants --format" convert tiny.csv --output x.csv
refused "--format xml is not known" convert tiny.csv --output x.csv --format xml
refused "cannot be written" convert tiny.csv --output nowhere/x.csv --format csv
refused "is no regular file" convert tiny.csv --output /dev/null --format csv
refused "wants --requests N" sample tiny.csv --output x.csv
refused "at least 1" sample tiny.csv --output x.csv --requests 0
refused "not a whole number" sample tiny.csv --output x.csv --requests many
refused "leave --set sample out" sample tiny.csv --output x.csv --requests 1 --set sample=2
: >empty.csv
refused "empty.csv: the file is empty" info empty.csv
printf 'a,b\n1,2\n' >strange.csv
refused "strange.csv:1: no workload plugin knows this header" convert strange.csv --output x.csv --format csv
head -n 1 tiny.csv >header.csv
refused "header.csv" info header.csv
head -c 200 /dev/urandom >noise.csv
refused "noise.csv" convert noise.csv --output x.csv --format csv
awk 'BEGIN { print "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type"
    for (i = 0; i < 60000; i++) print i ",ChatGPT,5,1,6,Conversation log"; print "1,ChatGPT,5,1,6,API log" }' >late.csv
refused "late.csv:60002: out of order" info late.csv --charts x
refused "late.csv:60002: out of order" convert late.csv --output x.csv --format csv
refused "late.csv:60002: out of order" sample late.csv --output x.csv --requests 5

# ---- Ctrl-C leaves nothing ----
# interrupt ARGUMENTS...: SIGINT once the temporary file is there; 130 and nothing, or it was done before
interrupt() {
    "$servsim" trace "$@" --output x.out >said 2>complaint &
    running=$!
    waited=0
    until test -n "$(find . -name 'x.out*')" || test "$waited" -gt 1000; do
        waited=$((waited + 1))
        sleep 0.01
    done
    kill -INT "$running" 2>/dev/null || :
    status=0
    wait "$running" || status=$?
    test "$status" -eq 130 || { test "$status" -eq 0 && test "$1" != generate; } ||
        fail "interrupted trace $*: exit $status, $(cat complaint)"
    test "$status" -eq 0 || test -z "$(find . -name 'x.out*')" || fail "interrupted trace $*: left $(find . -name 'x.out*')"
    test "$(find . -name 'x.out*.tmp' | wc -l)" -eq 0 || fail "interrupted trace $*: left a temporary file"
    rm -f x.out
}
interrupt generate --workload poisson --set rate=5 --requests 2000000000
awk 'NR == 1 { print; next } { row[NR] = $0 } END { for (k = 0; k < 20; k++) for (i = 2; i <= NR; i++) {
    split(row[i], f, "\t"); print f[1] "\t" f[2] "\t" f[3] + k * 400000000000000 } }' OFMT=%.0f CONVFMT=%.0f big.tsv >huge.tsv
interrupt convert huge.tsv --format jsonl
interrupt sample huge.tsv --requests 500000

# ---- results for old scripts ----
cat >mixed.tsv <<'TSV'
input_toks	output_toks	arrival_time_ns
100	1	0
50	20	1000000
4000000	5	2000000
700	300	123456789
TSV
for model in "" "--set scheduler.max_num_seqs=1"; do
    # shellcheck disable=SC2086
    "$servsim" simulate --dataset mixed.tsv --output new.csv $model >said 2>&1 || fail "$(cat said)"
    # shellcheck disable=SC2086
    "$servsim" simulate --dataset mixed.tsv --output old.csv --csv_format llmservingsim $model >said 2>&1 || fail "$(cat said)"
    test "$(head -n 1 old.csv)" = "request id,model,input,output,arrival,end_time,latency,queuing_delay,TTFT,TPOT" ||
        fail "old header: $(head -n 1 old.csv)"
    test "$(wc -l <old.csv)" -eq 4 || fail "rejected requests have no row: $(cat old.csv)"
    cmp old.summary.json new.summary.json || fail "the format of R.csv changes the summary"
    # as text: no ns is lost to rounding
    awk -F, 'function ns(text) { if (text == "") return ""; sub(/\./, "", text); sub(/^0+/, "", text)
            return text == "" ? "0" : text }
        NR == FNR { if ($3 == "finished") want[$1] = ns($4) FS $5 FS $6 FS ns($9) FS ns($10) FS ns($11) FS ns($12); next }
        FNR > 1 { seen++
            if ($5 FS $3 FS $4 FS $8 FS $9 FS $10 FS $7 != want[$1] || $5 + $7 != $6 || $2 != "llama-3.1-8b") {
                print "old " $0 ", new " want[$1]; exit 1 } }
        END { if (seen != 3) exit 1 }' new.csv old.csv || fail "the values for old scripts are wrong"
done
awk -F, '$1 == 0 && $10 != "" || $1 == 3 && $8 == 0 { exit 1 }' old.csv || fail "TPOT of one token, or no queue: $(cat old.csv)"
status=0
"$servsim" simulate --dataset mixed.tsv --output x.csv --csv-format xml >said 2>&1 || status=$?
test "$status" -eq 2 || fail "--csv-format xml: exit $status"
grep -q 'write servsim or llmservingsim' said || fail "--csv-format xml: $(cat said)"
test -z "$(find . -name 'x*')" || fail "--csv-format xml left $(find . -name 'x*')"

# ---- clients are called as the trace calls them, in the results and in what is written again ----
cat >clients.jsonl <<'EOF2'
{"input_toks":30,"output_toks":20,"arrival_time_ns":0,"client_id":"alice"}
{"input_toks":30,"output_toks":20,"arrival_time_ns":1000,"client_id":"Bob, \"the\" bü"}
{"input_toks":30,"output_toks":20,"arrival_time_ns":2000,"client_id":7}
{"input_toks":30,"output_toks":20,"arrival_time_ns":3000,"session_id":"s-1"}
{"input_toks":30,"output_toks":20,"arrival_time_ns":4000}
{"input_toks":30,"output_toks":20,"arrival_time_ns":5000,"client_id":"alice","session_id":"s-1"}
{"input_toks":30,"output_toks":20,"arrival_time_ns":6000,"client_id":"a\u0001b"}
EOF2
cat >clients.yaml <<'YAML'
servsim: 1
workload: {plugin: tokens, path: clients.jsonl}
matrix: {scheduler: [fcfs, fair]}
report: [json, plots, markdown]
YAML
printf '%s\n' client alice '"Bob, ""the"" bü"' 7 s-1 '' alice >wanted
"$servsim" run --quiet --output clients clients.yaml >/dev/null
for cell in fcfs fair; do # the first of them reads the trace, or both a copy of it
    cut -d, -f13- "clients/cells/$cell/requests.csv" >got
    sed '$d' got | cmp - wanted || fail "clients: $(cat got)"
    tail -n 1 got | grep -qE '^[0-9]+$' || fail "a name that is no text: $(cat got)"
done
"$servsim" analyze clients >/dev/null || fail "analyze cannot read a name with a comma"
"$servsim" run --quiet --set workload.sample=6 --cell fair --output clients clients.yaml >/dev/null 2>&1
tail -n +2 clients/cells/fair/requests.csv | cut -d, -f13- | grep -vE '^[0-9]+$' | sort >got
[ "$(sort wanted | comm -13 - got | wc -l)" -eq 0 ] || fail "clients of a sample: $(cat got)"
trace convert clients.jsonl --output once.jsonl --format jsonl
trace convert once.jsonl --output twice.jsonl --format jsonl
cmp once.jsonl twice.jsonl || fail "names change when they are written again"
sed 's/"client_id":7/"client_id":"7"/; s/\(,"client_id":"alice"\),\("session_id":"s-1"\)/,\2\1/' clients.jsonl | cmp - once.jsonl ||
    fail "names: $(cat once.jsonl)"
awk 'BEGIN { print "input_tokens\toutput_tokens\tarrival_s\tclient_id"; for (i = 0; i < 40000; i++) print 20 "\t" 5 "\t" i "\tuser-" i * 7919 % 5000 }' >many.tsv
sed -e 's/clients.jsonl/many.tsv/' -e 's/^report.*/report: []/' clients.yaml >many.yaml
"$servsim" run --quiet --output many many.yaml >/dev/null
awk -F, 'NR > 1 && $13 != "user-" $1 * 7919 % 5000 { print "row " NR ": " $13; exit 1 }' many/cells/fair/requests.csv || fail "many clients"
