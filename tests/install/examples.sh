#!/bin/sh
# The examples that are installed, in C, C++ and Rust: each builds against the installed tree alone, keeps the laws of its
# kind, and runs the same both ways.
set -eu
# shellcheck source=tests/install/functions.sh
. "$SERVSIM_SRCDIR/tests/install/functions.sh"
command -v pkg-config >/dev/null || { echo "pkg-config is not installed"; exit 77; }

install_tree "$work/stage"
examples=$(find "$work/stage" -type d -name examples)
[ -n "$examples" ] || fail "no examples are installed"
PKG_CONFIG_PATH=$pkgconfig
PATH=$(dirname "$program"):$PATH
export PKG_CONFIG_PATH PATH
umask 022
cp -R "$examples" "$work/theirs"
chmod -R u+w "$work/theirs"

tried=0
try() { # FOLDER TOOL ARGUMENTS...
    folder=$1 tool=$2
    shift 2
    if ! "$tool" --version >/dev/null 2>&1; then
        echo "$folder: skipped, $tool is not installed"
        return
    fi
    quietly "$folder" "$MAKE" -C "$work/theirs/$folder" check "$@"
    grep -q ' 0 broken' "$work/$folder.log" || fail "$folder: $(cat "$work/$folder.log")"
    echo "$folder: $(grep 'laws kept' "$work/$folder.log")"
    tried=$((tried + 1))
}
try c "${CC%% *}" CC="${CC:-cc}" CFLAGS="-Werror -pedantic"
try cpp "${CXX:-c++}" CXX="${CXX:-c++}" CXXFLAGS="-Werror"
try rust rustc
[ "$tried" -gt 0 ]
