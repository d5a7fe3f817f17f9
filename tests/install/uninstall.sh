#!/bin/sh
# `make uninstall` takes away what `make install` brought, and nothing else.
set -eu
# shellcheck source=tests/install/functions.sh
. "$SERVSIM_SRCDIR/tests/install/functions.sh"

to=$work/prefix
# Each folder by name: one that configure was given explicitly would not follow the prefix.
set -- prefix="$to" exec_prefix="$to" bindir="$to/bin" libdir="$to/lib" includedir="$to/include" \
    datarootdir="$to/share" datadir="$to/share" mandir="$to/share/man" docdir="$to/share/doc/servsim" \
    pkgconfigdir="$to/lib/pkgconfig"

mkdir -p "$to/lib/servsim/plugins"
echo theirs >"$to/lib/servsim/plugins/scheduler_theirs.so"
quietly install "$MAKE" -C "$SERVSIM_BUILDDIR" install "$@"
[ -x "$to/bin/servsim" ] || fail "no program was installed"
quietly uninstall "$MAKE" -C "$SERVSIM_BUILDDIR" uninstall "$@"

left=$(find "$to" -type f -o -type l)
[ "$left" = "$to/lib/servsim/plugins/scheduler_theirs.so" ] || fail "left after make uninstall: $left"
left=$(find "$to" -type d -name servsim ! -path "$to/lib/*")
[ -z "$left" ] || fail "folders left after make uninstall: $left"
