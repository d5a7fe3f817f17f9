#!/bin/sh -eu
# Makes the generated files of this folder again, byte for byte.
#   data/regenerate.sh SERVSIM FOLDER
# SERVSIM is the program; FOLDER is where the files go (`make regenerate-data` gives the source tree's data/).

if test $# -ne 2; then
    echo "usage: $0 SERVSIM FOLDER" >&2
    exit 2
fi
servsim=$1
folder=$2

"$servsim" trace generate --workload burstgpt_model --requests 10000 --set days=1 --seed 45 \
    --format burstgpt --output "$folder/burstgpt_like_10k.csv"
"$servsim" trace generate --workload poisson --requests 100 --set rate=10 \
    --set prompt_distribution=sharegpt --set output_distribution=sharegpt --seed 1 \
    --format tsv --output "$folder/sharegpt_like_100.tsv"
