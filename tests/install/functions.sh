# Sourced by the scripts of this folder: a temporary folder, and a copy of the installed tree in it.
# shellcheck shell=sh

# What the make that runs the tests told its children is not meant for the makes in here.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES GNUMAKEFLAGS DESTDIR SERVSIM_PLUGIN_PATH CFLAGS || :
MAKE=${MAKE:-make}
work=$(mktemp -d "${TMPDIR:-/tmp}/servsim-install.XXXXXX")
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT

fail() {
    echo "$*" >&2
    exit 1
}

# quietly NAME COMMAND...: the output is shown only where the command fails.
quietly() {
    name=$1
    shift
    "$@" >"$work/$name.log" 2>&1 || {
        cat "$work/$name.log" >&2
        fail "failed: $*"
    }
}

# install_tree FOLDER: `make install` staged into FOLDER, with any prefix; sets `program` to the installed program.
install_tree() {
    quietly install "$MAKE" -C "$SERVSIM_BUILDDIR" install DESTDIR="$1"
    find_tree "$1"
}

# find_tree FOLDER: where things lie in a staged tree.
# shellcheck disable=SC2034 # the callers use them
find_tree() {
    program=$(find "$1" -type f -path '*/bin/servsim')
    plugins=$(find "$1" -type d -path '*/servsim/plugins')
    pkgconfig=$(dirname "$(find "$1" -name servsim.pc)")
    aclocal=$(dirname "$(find "$1" -name servsim_plugin.m4)")
    [ -x "$program" ] || fail "no program was installed in $1"
    [ -d "$plugins" ] || fail "no folder of plugins was installed in $1"
}
