#!/bin/sh
# servsim plugins new: for every kind, what it writes builds against the installed tree alone, without a warning, keeps
# the laws of its kind, and runs.
set -eu
# shellcheck source=tests/install/functions.sh
. "$SERVSIM_SRCDIR/tests/install/functions.sh"
command -v pkg-config >/dev/null || { echo "pkg-config is not installed"; exit 77; }

install_tree "$work/stage"
PKG_CONFIG_PATH=$pkgconfig
PATH=$(dirname "$program"):$PATH
export PKG_CONFIG_PATH PATH
umask 022
mkdir "$work/mine" && cd "$work/mine"

for kind in scheduler hardware workload router predictor report; do
    mine=my-$kind
    quietly "new_$kind" servsim plugins new "$kind" "$mine"
    for each in "$mine.c" Makefile README.md experiment.yaml; do
        [ -s "$mine/$each" ] || fail "$kind: $each was not written"
    done
    if grep -rq '@NAME@\|@ID@\|@KIND@' "$mine"; then fail "$kind: a mark was left in place"; fi
    quietly "check_$kind" "$MAKE" -C "$mine" check CC="${CC:-cc}" CFLAGS="-O1 -Werror -pedantic"
    grep -q "keeps the laws" "$work/check_$kind.log" || fail "$kind: $(cat "$work/check_$kind.log")"
done
[ -s my-report/output/fast/my-report.txt ] || fail "the report was not written"
quietly install_it "$MAKE" -C my-router install
servsim plugins info my-router >/dev/null || fail "make install does not bring it where servsim looks"

# Names that C would stumble over, the longest that the loader takes, and one that is installed already.
long=$(printf '%063d' 0 | tr 0 n)
for mine in int errno a.b "$long"; do
    quietly "new_odd" servsim plugins new scheduler "$mine"
    quietly "make_odd" "$MAKE" -C "$mine" CC="${CC:-cc}" CFLAGS="-O1 -Werror -pedantic"
    quietly "check_odd" servsim plugins check "./$mine/$mine.so" --law descriptor
    quietly "validate_odd" servsim run --quiet --output odd "$mine/experiment.yaml"
    rm -rf odd
done
servsim plugins new router random >out.txt 2>&1 || fail "plugins new router random: $(cat out.txt)"
grep -q "a router plugin 'random' is installed already" out.txt || fail "nothing about its namesake: $(cat out.txt)"

# Nothing is overwritten, and nothing is left half made.
refused() { # WORDS ARGUMENTS...
    words=$1 status=0
    shift
    servsim plugins new "$@" >out.txt 2>&1 || status=$?
    [ "$status" -eq 2 ] || fail "plugins new $*: exit status $status"
    grep -q "$words" out.txt || fail "plugins new $*: nothing about '$words': $(cat out.txt)"
}
cp -R my-router before
refused 'there already' router my-router
cmp before/my-router.c my-router/my-router.c || fail "a plugin was overwritten"
refused 'unknown kind' scheduling mine
refused 'is no name' router ../mine
refused 'is no name' router "n$long"
refused 'wants a kind and a name' router
[ -z "$(find . -maxdepth 1 -name 'mine*' -o -maxdepth 1 -name '*.part*')" ] || fail "left behind: $(ls)"
