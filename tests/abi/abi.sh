#!/bin/sh
# The plugin ABI against the snapshot of the last released one: additions pass, breaks fail.
#
#   tests/abi/abi.sh snapshot            writes tests/abi/servsim.abi and constants.txt from include/servsim/plugin.h
#   tests/abi/abi.sh compare [HEADERS]   compares the header in HEADERS (or in include) with them
set -eu
top=${SERVSIM_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
here=$top/tests/abi
work=$(mktemp -d "${TMPDIR:-/tmp}/servsim-abi.XXXXXX")
trap 'rm -rf "$work"' EXIT

# object HEADERS OUT: without -g, abidiff would find everything equal. Where the tree lies is nobody's business.
object() {
    ${CC:-cc} -g -O0 -fPIC -shared -std=gnu11 -ffile-prefix-map="$top/"= -I"$1" -o "$2" "$here/tables.c"
}

# Constants are part of the ABI, too, and are in no object.
constants() {
    sed -n 's|^#define \(SERVSIM_[A-Z0-9_]* [0-9A-Z_x]*\).*|\1|p' "$1/servsim/plugin.h" |
        grep -vE '^SERVSIM_(PLUGIN_H|EXPORT|ABI_MINOR)' | sort
}

snapshot() {
    object "$top/include" "$work/tables.so"
    abidw --no-corpus-path --no-comp-dir-path --out-file "$here/servsim.abi" "$work/tables.so"
    constants "$top/include" >"$here/constants.txt"
}

# Tables grow at their end, and only there: a leaf that changed in any other way is a break.
only_grows() {
    awk '/data member change|data member deletion|type size hasn.t changed|changed from: / { broken = 1 }
        /Changed functions summary|Removed\/Changed/ { if ($0 !~ / 0 Removed, 0 Changed/) broken = 1 }
        END { exit broken }' "$1"
}

compare() {
    headers=${1:-$top/include}
    status=0
    object "$headers" "$work/tables.so"
    abidiff --leaf-changes-only "$here/servsim.abi" "$work/tables.so" >"$work/diff" || status=$?
    constants "$headers" >"$work/constants"
    gone=$(comm -23 "$here/constants.txt" "$work/constants")
    [ -z "$gone" ] || echo "constants that are gone, or have another value: $gone"
    [ "$status" -eq 0 ] || cat "$work/diff"
    # 4: something changed, and it may be an addition
    { [ "$status" -eq 0 ] || { [ "$status" -eq 4 ] && only_grows "$work/diff"; }; } && [ -z "$gone" ]
}

# The deliberate breaks, and the deliberate additions.
changed() { # SED-SCRIPT
    rm -rf "$work/headers"
    mkdir -p "$work/headers/servsim"
    sed "$1" "$top/include/servsim/plugin.h" >"$work/headers/servsim/plugin.h"
    if cmp -s "$work/headers/servsim/plugin.h" "$top/include/servsim/plugin.h"; then
        echo "nothing is changed by: $1" >&2
        exit 1
    fi
    compare "$work/headers" >"$work/said" 2>&1
}

test_all() {
    command -v abidiff >/dev/null || { echo "abidiff (abigail-tools) is not installed"; exit 77; }
    [ -f "$here/servsim.abi" ] || { echo "there is no snapshot yet: tests/abi/abi.sh snapshot"; exit 77; }
    compare || { echo "the plugin ABI is broken: see above" >&2; exit 1; }
    while IFS='|' read -r verdict script; do
        if changed "$script"; then got=passes; else got=fails; fi
        [ "$got" = "$verdict" ] || { echo "$script: $got, and should be one that $verdict" && cat "$work/said" && exit 1; } >&2
    done <<'END'
passes|/^    int32_t (\*forecast)/a\    void (*later)(void *ctx);
passes|/^    const char \*client_name, \*session_name;/a\    uint64_t later;
passes|s/^#define SERVSIM_OPTION_LIST 7u.*/&\n#define SERVSIM_OPTION_LATER 99u/
fails|/^    uint32_t preemptions;/d
fails|s/^    uint64_t id; .*/    uint32_t id;/
fails|s/^    uint32_t size;$/    uint32_t size, inserted;/
fails|s/^    uint64_t (\*seed)(void \*ctx, const char \*purpose);/    uint64_t (*seed)(void *ctx, uint32_t purpose);/
fails|s/^#define SERVSIM_KIND_ROUTER 4u/#define SERVSIM_KIND_ROUTER 5u/
fails|/^#define SERVSIM_REJECT /d
END
}

case ${1:-test} in
snapshot) snapshot ;;
compare) compare "${2:-}" ;;
test) test_all ;;
*)
    echo "usage: $0 [snapshot | compare [HEADERS]]" >&2
    exit 2
    ;;
esac
