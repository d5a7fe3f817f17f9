#!/bin/sh -eu
# README.md and README.zh-CN.md are in step: the same code blocks in the same order, but for comments, which are
# translated; and the same pictures and levels of headings between them.

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Headings as '#'s, lines of code without their comments and trailing blanks.
skeleton() {
    awk '/^```/ { fenced = !fenced; print "fence " $0; next }
        fenced || /^    / { sub(/^# .*/, ""); sub(/[ \t]+#.*/, ""); sub(/[ \t]+$/, ""); print "code " $0; next }
        /^#+ / { print $1 }
        /^!\[/ { sub(/^.*\]/, ""); print "picture " $0 }
        END { if (fenced) print "a fence is not closed" }' "$1"
}

for file in README.md README.zh-CN.md; do
    test -s "$SERVSIM_SRCDIR/$file" || { echo "$file is not there" >&2; exit 1; }
    skeleton "$SERVSIM_SRCDIR/$file" >"$work/$file"
done
lines=$(grep -c '^code ' "$work/README.md" || :)
test "$lines" -ge 10 || { echo "README.md: only $lines lines of code were found" >&2; exit 1; }
if ! diff -u "$work/README.md" "$work/README.zh-CN.md" >&2; then
    echo "README.zh-CN.md is not in step with README.md (headings and code, < README.md, > README.zh-CN.md)" >&2
    exit 1
fi
