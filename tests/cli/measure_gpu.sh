#!/bin/sh
# tools/measure_gpu.py without a GPU: its bundles load and run, it goes on where it stopped, it says what is wrong, and
# the bundle that ships is what it makes today.
set -eu
servsim=$SERVSIM_BUILDDIR/servsim
command -v python3 >/dev/null || { echo "skipped: no python3" >&2; exit 77; }
python3 -c 'import sys; sys.exit(sys.version_info < (3, 8))' || { echo "skipped: python3 is older than 3.8" >&2; exit 77; }
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
models=$SERVSIM_SRCDIR/configs/models

measure() { # OPTIONS...
    python3 "$SERVSIM_SRCDIR/tools/measure_gpu.py" --quiet --dry-run --grid coarse "$@"
}

refused() { # WORDS OPTIONS...
    words=$1
    shift
    if measure "$@" >"$work/said" 2>&1; then
        echo "measure_gpu.py took $*" >&2
        exit 1
    fi
    grep -q -e "$words" "$work/said" || { echo "wanted '$words', got:" >&2; cat "$work/said" >&2; exit 1; }
}

# the bundle that ships
sh "$SERVSIM_SRCDIR/data/regenerate_bundle.sh" "$SERVSIM_SRCDIR" "$work/ships"
diff -r "$work/ships" "$SERVSIM_SRCDIR/data/synthetic_gpu"

# every model that has heads for it, measured, loaded and run
cat >"$work/run.yaml" <<'YAML'
servsim: 1
name: measured
model: qwen3-8b
hardware: {plugin: profile, path: bundle}
cluster: {gpus: 2, tp: 2}
workload: {plugin: poisson, rate: 4, requests: 40}
report: []
YAML
measure --model "$models/qwen3-8b.json" --output "$work/bundle" --tp 1,2 --max-kv 4096 --max-sequences 64
"$servsim" run --quiet --verify --output "$work/out" "$work/run.yaml" >/dev/null
[ "$(grep -c ,finished, "$work"/out/cells/*/requests.csv)" -eq 40 ]

# an interrupted run goes on: a table cut in the middle of a line comes out as before, and nothing else is touched
cp -r "$work/bundle" "$work/whole"
head -c 5000 "$work/bundle/tp2/attention.csv" >"$work/bundle/tp2/attention.csv.part"
rm "$work/bundle/tp2/attention.csv" "$work/bundle/meta.yaml"
measure --model "$models/qwen3-8b.json" --output "$work/bundle" --tp 1,2 --max-kv 4096 --max-sequences 64
diff -r "$work/whole" "$work/bundle"

# with a stand-in for PyTorch, whose kernels all take 10 us: every layer is called, on a GPU and on a CPU
mkdir -p "$work/fake/torch"
cat >"$work/fake/torch/__init__.py" <<'PYTHON'
import sys
from unittest.mock import MagicMock


class Fake(MagicMock):
    def chunk(self, pieces, dim):
        return [Fake() for _ in range(pieces)]


torch = Fake()
torch.__version__, torch.version.cuda = "0", "0"
torch.device = lambda name: Fake(type=name.split(":")[0])
torch.cuda.get_device_properties.return_value = Fake(total_memory=80 << 30, L2_cache_size=50 << 20)
torch.cuda.get_device_properties.return_value.name = "Fake GPU"
torch.cuda.mem_get_info.return_value = (60 << 30, 80 << 30)
torch.cuda.device_count.return_value = 1
torch.cuda.Event.return_value.elapsed_time.return_value = 0.01
torch.compile = lambda function, **options: function
for name in ("torch", "torch.nn", "torch.nn.attention", "torch.nn.attention.bias"):
    sys.modules[name] = torch
PYTHON
echo '{"model_type": "qwen3_moe", "hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2, "num_hidden_layers": 2,
 "intermediate_size": 128, "moe_intermediate_size": 32, "num_experts": 8, "num_experts_per_tok": 2, "vocab_size": 99}' \
    >"$work/tiny.json"
for device in cuda:0 cpu; do
    PYTHONPATH=$work/fake python3 "$SERVSIM_SRCDIR/tools/measure_gpu.py" --quiet --device $device --grid coarse --max-kv 64 \
        --max-sequences 4 --max-tokens 64 --iterations 2 --tp 1,2 --model "$work/tiny.json" --output "$work/$device"
    for file in meta.yaml tp1/dense.csv tp1/per_sequence.csv tp1/attention.csv tp1/moe.csv; do
        [ -s "$work/$device/$file" ]
    done
done
grep -q '^gpu: "Fake GPU"' "$work/cuda:0/meta.yaml"
grep -q '^router,64,' "$work/cuda:0/tp1/dense.csv"

# an experiment that does not fit, with the file and what to write
sed 's/tp: 2/tp: 4/; s/gpus: 2/gpus: 4/' "$work/run.yaml" >"$work/tp4.yaml"
sed 's/qwen3-8b/llama-3.1-8b/' "$work/run.yaml" >"$work/other.yaml"
for case in "tp4:measured with tp 1, 2, not 4" "other:any_model: true"; do
    rc=0
    "$servsim" run --quiet --output "$work/no" "$work/${case%%:*}.yaml" >"$work/said" 2>&1 || rc=$?
    [ "$rc" -eq 2 ]
    grep -q "${case#*:}" "$work/said" || { cat "$work/said" >&2; exit 1; }
    [ "$(wc -l <"$work/said")" -eq 1 ]
done

# arguments
echo '{"hidden_size": 64' >"$work/broken.json"
echo '{"hidden_size": 64, "num_attention_heads": "many"}' >"$work/words.json"
echo '[]' >"$work/list.json"
llama=$models/llama-3.1-8b.json
refused 'No such file' --model "$work/none.json" --output "$work/x"
refused 'no valid JSON' --model "$work/broken.json" --output "$work/x"
refused "num_attention_heads is 'many'" --model "$work/words.json" --output "$work/x"
refused 'not the config.json' --model "$work/list.json" --output "$work/x"
refused 'tp 3 does not divide' --model "$llama" --output "$work/x" --tp 1,3
refused 'no list of sizes' --model "$llama" --output "$work/x" --tp two
refused 'from 1 to' --model "$llama" --output "$work/x" --max-kv 0
refused 'invalid choice' --model "$llama" --output "$work/x" --dtype int3
refused 'required: --output' --model "$llama"
refused 'begun with another' --model "$llama" --output "$work/bundle"
[ ! -e "$work/x" ]
