#!/bin/sh -eu
# The generated files of data/ are what the program makes today, and what data/README.md says of them is so.

new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT
data=$SERVSIM_SRCDIR/data
SERVSIM_PLUGIN_PATH=$SERVSIM_BUILDDIR/plugins/.libs
export SERVSIM_PLUGIN_PATH

sh "$data/regenerate.sh" "$SERVSIM_BUILDDIR/servsim" "$new" >"$new/said"
for file in burstgpt_like_10k.csv sharegpt_like_100.tsv; do
    if ! cmp "$new/$file" "$data/$file"; then
        echo "data/$file is not what data/regenerate.sh makes: run make regenerate-data, and look at the difference"
        exit 1
    fi
done

# rows; rows of failed requests; mean prompt and output of the others
awk -F, 'NR > 1 { if ($4 == 0) failed++; else { n++; p += $3; o += $4 } }
    END { printf "%d %d %.1f %.1f\n", NR - 1, failed, p / n, o / n }' "$data/burstgpt_like_10k.csv" >"$new/figures"
awk 'NR > 1 { n++; p += $1; o += $2 } END { printf "%d %.1f %.1f\n", n, p / n, o / n }' \
    "$data/sharegpt_like_100.tsv" >>"$new/figures"
while read -r line; do
    if ! grep -qF "[$line]" "$data/README.md"; then
        echo "data/README.md does not say [$line]"
        exit 1
    fi
done <"$new/figures"
