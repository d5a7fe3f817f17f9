#!/bin/sh
# A third party builds a plugin against the installed tree alone, with pkg-config or with the m4 macro, and uses it by
# name: through SERVSIM_PLUGIN_PATH, by dropping it into the folder of plugins, and by its path.
set -eu
# shellcheck source=tests/install/functions.sh
. "$SERVSIM_SRCDIR/tests/install/functions.sh"
command -v pkg-config >/dev/null || { echo "pkg-config is not installed"; exit 77; }

install_tree "$work/stage"
PKG_CONFIG_PATH=$pkgconfig
export PKG_CONFIG_PATH
umask 022
cp -R "$SERVSIM_SRCDIR/tests/external-plugin" "$work/theirs"
chmod -R u+w "$work/theirs"
cd "$work/theirs"

# run_lcfs NAME: runs their experiment; both cells must be there, and differ.
run_lcfs() {
    quietly "$1" "$program" run lcfs.yaml --output "$work/$1"
    for each in fcfs lcfs; do
        grep -q '^199,' "$work/$1/cells/$each/requests.csv" || fail "$1: cell $each lacks requests"
    done
    if cmp -s "$work/$1/cells/fcfs/requests.csv" "$work/$1/cells/lcfs/requests.csv"; then
        fail "$1: lcfs served as fcfs does"
    fi
}

[ "$(pkg-config --variable=plugindir servsim | xargs realpath)" = "$(realpath "$plugins")" ] ||
    fail "servsim.pc names $(pkg-config --variable=plugindir servsim), not $plugins"

# Not there yet: refused before anything runs, naming what exists.
status=0
"$program" run lcfs.yaml --output "$work/none" 2>"$work/none.txt" || status=$?
[ "$status" -eq 2 ] || fail "an unknown scheduler ended with $status, not 2"
grep -q "lcfs" "$work/none.txt" || fail "the error does not name the scheduler: $(cat "$work/none.txt")"
[ ! -e "$work/none" ] || fail "something was written for an experiment that was refused"

quietly plain "$MAKE" -f plain.mk CC="${CC:-cc}"
SERVSIM_PLUGIN_PATH=$work/theirs run_lcfs by_variable
"$program" plugins info lcfs --plugin-path "$work/theirs" | grep -q "newest request first" ||
    fail "--plugin-path does not show the plugin"
cp lcfs.yaml by_path.yaml
sed -i 's|plugin: lcfs|plugin: ./scheduler_lcfs.so|' by_path.yaml
quietly by_path "$program" run by_path.yaml --output "$work/by_path"

# By their own configure.ac, into the folder of plugins.
if command -v autoreconf >/dev/null && command -v libtoolize >/dev/null; then
    mkdir m4
    ACLOCAL_PATH=$aclocal quietly autoreconf autoreconf -fi
    mkdir build && cd build
    quietly configure ../configure CC="${CC:-cc}" || fail "their configure failed"
    quietly make "$MAKE"
    quietly make_install "$MAKE" install
    cd ..
else
    echo "autoconf, automake or libtool is not installed: plain.mk alone was tried"
    quietly plain_install "$MAKE" -f plain.mk install
fi
[ -f "$plugins/scheduler_lcfs.so" ] || fail "their plugin was not installed in $plugins"
run_lcfs by_folder
cmp -s "$work/by_folder/cells/lcfs/requests.csv" "$work/by_variable/cells/lcfs/requests.csv" ||
    fail "two builds of the same plugin give different results"
