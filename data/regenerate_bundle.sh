#!/bin/sh -eu
# Makes data/synthetic_gpu again: a bundle of a made-up GPU, from the roofline model of tools/measure_gpu.py.
#   sh regenerate_bundle.sh SOURCE_TREE FOLDER
python3 "$1/tools/measure_gpu.py" --dry-run --quiet --model "$1/configs/models/llama-3.1-8b.json" --tp 1,2 \
    --grid coarse --max-tokens 2048 --max-kv 8192 --max-sequences 128 --output "$2/llama-3.1-8b/bf16"
rm -f "$2/llama-3.1-8b/bf16/.measure.json"
