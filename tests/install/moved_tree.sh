#!/bin/sh
# The installed tree works where it is moved to: plugins, models and data are found from the program.
set -eu
# shellcheck source=tests/install/functions.sh
. "$SERVSIM_SRCDIR/tests/install/functions.sh"

install_tree "$work/stage"
[ -z "$(find "$work/stage" -name '*.la')" ] || fail "libtool's .la files were installed"
for each in servsim/plugin.h servsim/scheduler.h servsim/version.h servsim.pc servsim_plugin.m4 llama-3.1-8b.json quick.yaml \
    experiment.schema.json; do
    [ -n "$(find "$work/stage" -path "*/$each")" ] || fail "$each is not installed"
done

# Documents that the pages and the README cite are there, and every page has the date of the release.
for each in $(grep -ohE 'doc/[a-z-]+\.(md|png)' "$SERVSIM_SRCDIR"/README.md "$SERVSIM_SRCDIR"/README.zh-CN.md | sort -u) \
    $(sed 's/\\-/-/g' "$SERVSIM_SRCDIR"/doc/man?/*.in | grep -oE '[a-z-]+\.md' | grep -vx report.md | sort -u) README.md README.zh-CN.md doc/performance.md; do
    [ -n "$(find "$work/stage" -path "*/doc/*/${each##*/}")" ] || fail "$each is cited, and not installed"
done
version=$(sed -n '1s/^servsim \([0-9.]*\) .*/\1/p' "$SERVSIM_SRCDIR/NEWS")
date=$(sed -n '1s/.*(\([0-9-]*\))$/\1/p' "$SERVSIM_SRCDIR/NEWS")
for each in servsim.1 servsim-profile.5 servsim.yaml.5 servsim-plugin.7; do
    page=$(find "$work/stage" -name "$each")
    [ -n "$page" ] || fail "$each is not installed"
    grep -q "^\.TH .* \"$date\" \"servsim $version\" " "$page" || fail "$each: $(grep '^\.TH' "$page")"
done

# A blank in the name, and nothing left at the old place.
mkdir "$work/moved here"
mv "$work/stage" "$work/moved here/tree"
find_tree "$work/moved here/tree"
cd "$work"

"$program" --version | grep -q "^servsim [0-9]" || fail "--version says: $("$program" --version)"
"$program" plugins >list.txt || fail "'servsim plugins' failed"
for each in rtx3090 a100 custom fcfs burstgpt poisson tokens round_robin least_loaded csv json markdown plots; do
    grep -qw -- "$each" list.txt || fail "'servsim plugins' does not list $each"
done
"$program" models | grep -q 'llama-3.1-8b' || fail "'servsim models' does not list llama-3.1-8b"
"$program" plugins info rtx3090 | grep -qF "$work/moved here" || fail "rtx3090 does not come from the moved tree"

quietly quick "$program" quick --output out
for each in results.json report.md; do
    [ -s "out/$each" ] || fail "the quick experiment left no $each"
done
cells=$(find out/cells -name requests.csv | wc -l)
[ "$cells" -ge 3 ] || fail "the quick experiment has $cells cells, not three or more"

# A link to the program is as good as the program.
ln -s "$program" "$work/link"
"$work/link" models | grep -q 'llama-3.1-8b' || fail "a link to the program does not find the models"
