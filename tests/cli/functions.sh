# tests/cli/functions.sh - what the scripts of this folder share; they source it from their working folder.

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# says FILE WORDS...: each of them stands in the file
says() {
    file=$1
    shift
    for words; do
        grep -qF -- "$words" "$file" || { cat "$file" >&2; fail "no '$words'"; }
    done
}

# refuses WORDS COMMAND...: exit status 2 and one line with WORDS
refuses() {
    words=$1
    shift
    status=0
    "$@" >out 2>err || status=$?
    [ "$status" -eq 2 ] || fail "$*: exit status $status"
    [ "$(wc -l <err)" -eq 1 ] || { cat err >&2; fail "$*: not one line"; }
    [ ! -s out ] || fail "$*: printed something"
    says err "$words"
}

# figure FOLDER CELL KEY: the first number of that name in the cell's summary.json
figure() {
    awk -v key="\"$3\":" '$1 == key { sub(",", "", $2); print $2; exit }' "$1/cells/$2/summary.json"
}

# holds WHAT EXPRESSION-OF-NUMBERS
holds() {
    awk "BEGIN { exit !($2) }" || fail "$1: $2"
}
