#!/usr/bin/env python3
"""Measures a GPU and writes a bundle for servsim's `profile` device (format: servsim-profile(5)).

The kernels of one transformer layer are timed alone, for each tensor-parallel size on one GPU with the shapes that one
GPU of the group would have: matrix multiplications, norms, rotary embedding, activation, attention of prefills, of
decodes and of both together, experts, and, around the layers, embedding, LM head and sampling; and, where there are so
many GPUs, NCCL's messages between them.

Needs PyTorch with CUDA. `--dry-run` needs neither: it writes a complete bundle of a made-up GPU, with times from a
roofline model, to try the tool chain with. Interrupted runs go on where they stopped.

    python3 measure_gpu.py --model config.json --output bundles/MyGPU/my-model/bf16 --tp 1,2
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time

BUNDLE_VERSION = 1
DTYPE_BYTES = {"bf16": 2, "fp16": 2}
DENSE = [
    "embedding", "layernorm", "qkv_proj", "rotary_emb", "o_proj", "gate_up_proj", "act_fn", "down_proj",
    "final_layernorm",
]
MESSAGE_BYTES = [4 << 10 + 2 * power for power in range(9)]  # 4 KiB to 256 MiB
STABLE = ["layernorm", "final_layernorm", "qk_norm", "sampler"]  # the same work for every tp


class Mistake(Exception):
    """What a person can mend; printed as one line."""


# ---- the model ----


def read_model(path):
    """Shapes of a Hugging Face config.json."""
    try:
        with open(path, encoding="utf-8") as file:
            config = json.load(file)
    except OSError as error:
        raise Mistake(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise Mistake(f"{path}: no valid JSON: {error}") from error
    if not isinstance(config, dict):
        raise Mistake(f"{path}: not the config.json of a model")
    config = config.get("text_config", config)
    if "kv_lora_rank" in config:
        raise Mistake(f"{path}: latent attention is not measured by this tool")

    def number(*names, default=None):
        for name in names:
            value = config.get(name)
            if isinstance(value, int) and not isinstance(value, bool) and value > 0:
                return value
            if value is not None and value != 0:
                raise Mistake(f"{path}: {name} is {value!r}; it must be a whole number above 0")
        if default is None:
            raise Mistake(f"{path}: no {names[0]}; give the config.json of a transformer")
        return default

    hidden, q_heads = number("hidden_size"), number("num_attention_heads")
    experts = number("num_experts", "num_local_experts", "n_routed_experts", default=0)
    name = config.get("_name_or_path") or os.path.splitext(os.path.basename(path))[0]
    return {
        "name": name,
        "layers": number("num_hidden_layers"),
        "hidden": hidden,
        "q_heads": q_heads,
        "kv_heads": number("num_key_value_heads", default=q_heads),
        "head_dim": number("head_dim", default=hidden // q_heads),
        "ffn": number("intermediate_size"),
        "vocab": number("vocab_size"),
        "qk_norm": str(config.get("model_type", "")).startswith("qwen3"),
        "experts": experts,
        "top_k": number("num_experts_per_tok", "top_k", default=1) if experts else 0,
        "expert_ffn": number("moe_intermediate_size", "intermediate_size") if experts else 0,
    }


def shard(model, tp):
    """What one GPU of a tensor-parallel group holds."""
    for what in ("q_heads", "ffn"):
        if model[what] % tp:
            raise Mistake(f"tp {tp} does not divide the model's {what} ({model[what]}); leave it out of --tp")
    part = dict(model)
    part["q_heads"] = model["q_heads"] // tp
    part["kv_heads"] = max(1, model["kv_heads"] // tp)
    part["ffn"] = model["ffn"] // tp
    part["vocab_part"] = (model["vocab"] + tp - 1) // tp
    return part


# ---- the grid ----


def powers(first, last, factor):
    """first, first * factor, ... and last."""
    sizes, at = [], float(first)
    while at < last:
        sizes.append(int(at))
        at *= factor
    return sorted(set(sizes + [last]))


def token_sizes(args):
    sizes = powers(1, args.max_tokens, args.factor)
    if args.grid == "fine":
        sizes += list(range(1, 17)) + list(range(16, 65, 4)) + list(range(64, args.max_tokens + 1, 16))
    return sorted({size for size in sizes if size <= args.max_tokens})


def sequence_sizes(args):
    sizes = powers(1, args.max_sequences, args.factor)
    if args.grid == "fine":
        sizes += list(range(1, 17)) + list(range(16, 65, 4)) + list(range(64, args.max_sequences + 1, 16))
    return sorted({size for size in sizes if size <= args.max_sequences})


def attention_points(args, limit_tokens):
    """(prefill_chunk, kv_prefill, n_decode, kv_decode), without what does not fit into memory."""
    chunks = [0] + powers(min(16, args.max_tokens), args.max_tokens, args.factor)
    decodes = [0] + powers(1, args.max_sequences, args.factor)
    contexts = powers(min(16, args.max_kv), args.max_kv, args.factor)
    for chunk in chunks:
        for prior in [0] + contexts if chunk else [0]:
            for count in decodes:
                for context in contexts if count else [0]:
                    if (chunk or count) and chunk + prior + count * (context + 1) <= limit_tokens:
                        yield chunk, prior, count, context


def moe_points(args, model):
    for tokens in powers(1, args.max_tokens, args.factor):
        for experts in powers(model["top_k"], model["experts"], 2):
            if experts <= tokens * model["top_k"]:
                yield tokens, experts


def skew_points(args):
    """(decodes, share of them with the long context, long context, short context)."""
    for count in powers(4, max(4, args.max_sequences), 4):
        for largest in powers(min(1024, args.max_kv), args.max_kv, 4):
            for share in (0.25, 0.5, 0.75):
                yield count, share, largest, max(1, largest // 16)


# ---- times from a model, for --dry-run ----


class Roofline:
    """A made-up GPU: 200 TFLOP/s, 1.5 TB/s, 48 GiB, and the usual efficiencies."""

    name = "synthetic GPU (roofline model)"
    memory_bytes, bytes_per_s, flops = 48 << 30, 1.5e12, 200e12
    versions = {}
    has_skew = True
    no_room = ()  # raised where memory is missing

    def __init__(self, args):
        self.item = DTYPE_BYTES[args.dtype]

    def close(self):
        """Nothing drifts."""

    def kv_tokens(self, part):
        return self.memory_bytes // 2 // (2 * part["kv_heads"] * part["head_dim"] * self.item)

    def gemm(self, rows, columns, inner):
        data = self.item * (rows * inner + inner * columns + rows * columns)
        return 4.0 + max(2 * rows * columns * inner / (0.75 * self.flops), data / (0.88 * self.bytes_per_s)) * 1e6

    def traffic(self, values):
        return 2.0 + self.item * values / (0.8 * self.bytes_per_s) * 1e6

    def dense(self, layer, part, rows):
        heads, hidden, ffn = part["q_heads"] * part["head_dim"], part["hidden"], part["ffn"]
        keys = part["kv_heads"] * part["head_dim"]
        return {
            "embedding": lambda: self.traffic(2 * rows * hidden),
            "layernorm": lambda: self.traffic(4 * rows * hidden),
            "final_layernorm": lambda: self.traffic(4 * rows * hidden),
            "qkv_proj": lambda: self.gemm(rows, heads + 2 * keys, hidden),
            "qk_norm": lambda: self.traffic(2 * rows * (heads + keys)),
            "rotary_emb": lambda: self.traffic(2 * rows * (heads + keys)),
            "o_proj": lambda: self.gemm(rows, hidden, heads),
            "gate_up_proj": lambda: self.gemm(rows, 2 * ffn, hidden),
            "act_fn": lambda: self.traffic(3 * rows * ffn),
            "down_proj": lambda: self.gemm(rows, hidden, ffn),
            "router": lambda: self.gemm(rows, part["experts"], hidden),
            "lm_head": lambda: self.gemm(rows, part["vocab_part"], hidden),
            "sampler": lambda: self.traffic(6 * rows * part["vocab"]),
        }[layer]()

    def attention(self, part, chunk, prior, count, context):
        heads, row = part["q_heads"] * part["head_dim"], 2 * part["kv_heads"] * part["head_dim"] * self.item
        pairs = chunk * prior + chunk * (chunk + 1) / 2
        compute = 4 * heads * pairs / (0.5 * self.flops)
        memory = (row * (prior + chunk + count * (context + 1)) + 2 * heads * self.item * (chunk + count)) / (
            0.85 * self.bytes_per_s)
        return 10.0 + (compute + memory) * 1e6

    def skewed(self, part, count, share, largest, smallest):
        large = round(count * share)
        mean = (large * largest + (count - large) * smallest) // count
        low, high = self.attention(part, 0, 0, count, mean), self.attention(part, 0, 0, count, largest)
        return low + 0.05 * (high - low)

    def experts(self, part, tokens, hit):
        each, pairs = part["expert_ffn"], tokens * part["top_k"]
        flops = 6 * pairs * each * part["hidden"]
        data = self.item * (3 * hit * each * part["hidden"] + 2 * pairs * part["hidden"])
        return 12.0 + max(flops / (0.6 * self.flops), data / (0.8 * self.bytes_per_s)) * 1e6


# ---- times from a GPU ----


class Torch:
    """Kernels through PyTorch. Before each, the L2 is filled with something else and what the kernel before it would
    have left there is read again; the median of many is taken."""

    def __init__(self, args):
        try:
            import torch
        except ImportError as error:
            raise Mistake("PyTorch is not installed; install it, or write --dry-run to try the tool chain") from error
        self.torch, self.args, self.device = torch, args, torch.device(args.device)
        self.cuda = self.device.type == "cuda"
        if self.cuda and not torch.cuda.is_available():
            raise Mistake("PyTorch finds no GPU; check the driver, or write --dry-run to try the tool chain")
        if self.cuda:
            torch.cuda.set_device(self.device)  # events, graphs and captures belong to the current one
        self.no_room = (torch.cuda.OutOfMemoryError,) if self.cuda else (MemoryError,)
        self.dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}[args.dtype]
        self.item = DTYPE_BYTES[args.dtype]
        self.read_facts()
        self.flash, self.attention_name = self.find_flash()
        self.groups_heads = self.flash is not None or self.sdpa_groups_heads()
        self.has_skew = self.flash is not None
        self.versions["attention"] = self.attention_name
        self.baseline_us = 0.0
        self.warm_up()
        self.baseline_us = self.time(lambda: None, graph=False) if self.cuda else 0.0
        self.first_reference_us = self.reference()

    def find_flash(self):
        """The kernels of engines, which serve decodes of unequal contexts in one call: FlashAttention 3 on Hopper, else
        2. One that is installed and does not run on this GPU is not taken."""
        if not self.cuda or self.args.attention == "sdpa":
            return None, "torch sdpa"
        names = ["flash_attn_interface", "flash_attn"] if self.capability[0] == 9 else ["flash_attn"]
        problem = "flash_attn is not installed"
        for name in names:
            try:
                module = __import__(name)
                q = self.random(1, 16, 2, 64)
                module.flash_attn_func(q, q, q, causal=True)
                self.torch.cuda.synchronize(self.device)
                return module, f"{name} {getattr(module, '__version__', 'of unknown version')}"
            except ImportError:
                continue
            except RuntimeError as error:
                problem = f"{name} does not run on this GPU ({str(error).splitlines()[0]})"
        if self.args.attention == "flash-attn":
            raise Mistake(f"{problem}; install it, or write --attention sdpa")
        return None, "torch sdpa"

    def sdpa_groups_heads(self):
        """PyTorch 2.5 and later take fewer heads of keys than of queries."""
        try:
            q, k = self.random(1, 2, 4, 64), self.random(1, 1, 4, 64)
            self.torch.nn.functional.scaled_dot_product_attention(q, k, k, enable_gqa=True)
            return True
        except TypeError:
            return False

    def read_facts(self):
        torch = self.torch
        self.versions, self.capability = {"torch_version": torch.__version__}, (0, 0)
        if not self.cuda:
            self.name, self.memory_bytes, self.flush = "CPU", 4 << 30, None
            return
        about = torch.cuda.get_device_properties(self.device)
        self.name, self.memory_bytes = about.name, about.total_memory
        self.capability = (about.major, about.minor)
        self.versions["cuda_version"] = torch.version.cuda
        cache = getattr(about, "L2_cache_size", 0) or 64 << 20
        self.flush = torch.zeros(3 * cache // 4, dtype=torch.float32, device=self.device)

    def kv_tokens(self, part):
        """By all of the memory, not by what is free just now, so that the grid is the same each time."""
        return int(0.4 * self.memory_bytes) // (2 * part["kv_heads"] * part["head_dim"] * self.item)

    def warm_up(self):
        """A second of work: clocks rise, libraries load."""
        if not self.cuda:
            return
        a, end = self.random(4096, 4096), time.monotonic() + 1.0
        while time.monotonic() < end:
            for _ in range(20):
                self.torch.mm(a, a)
            self.torch.cuda.synchronize(self.device)

    def reference(self):
        """The same kernel at the beginning and at the end: a GPU that got hot or shares its power shows."""
        return self.linear(4096, 4096, 4096) if self.cuda else 0.0

    def close(self):
        """What the reader of a bundle should know of how it was measured; complains of a GPU that slowed down."""
        if not self.cuda or self.first_reference_us <= 0:
            return
        drift = self.reference() / self.first_reference_us - 1
        self.versions["drift_percent"] = round(100 * drift, 1)
        if abs(drift) > 0.05:
            print(f"measure_gpu.py: the GPU is {100 * drift:+.0f} % slower than when it began: fix its clocks (nvidia-smi "
                  "-lgc) or cool it, and measure again", file=sys.stderr)

    # -- timing --

    def time(self, kernel, graph=True, warm=()):
        """Median microseconds of a call that finds nothing in the L2 but `warm`, as the kernel before it leaves it."""
        for _ in range(3):
            kernel()
        if not self.cuda:
            return self.time_on_cpu(kernel)
        self.torch.cuda.synchronize(self.device)
        call = self.captured(kernel) if graph else kernel
        events = [[self.torch.cuda.Event(enable_timing=True) for _ in range(2)] for _ in range(self.args.iterations)]
        for start, end in events:
            self.empty_cache(warm)
            start.record()
            call()
            end.record()
        self.torch.cuda.synchronize(self.device)
        median = statistics.median(start.elapsed_time(end) for start, end in events) * 1e3
        return max(0.01, median - self.baseline_us)

    def empty_cache(self, warm):
        """Reads, which leave nothing in the L2 that would have to be written back inside of what is timed; then keeps
        the GPU busy until the CPU has handed it all that is timed, so that no launch is waited for."""
        self.flush.sum()
        for tensor in warm:
            tensor.sum()
        self.torch.cuda._sleep(200000)  # cycles: about 0.1 ms

    def captured(self, kernel):
        """The kernel as a CUDA graph, as engines launch it; the kernel itself where it cannot be captured."""
        torch = self.torch
        try:
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                kernel()
            graph.replay()
            torch.cuda.synchronize(self.device)
            return graph.replay
        except RuntimeError:
            torch.cuda.synchronize(self.device)
            return kernel

    def time_on_cpu(self, kernel):
        times = []
        for _ in range(self.args.iterations):
            start = time.perf_counter()
            kernel()
            times.append(time.perf_counter() - start)
        return max(0.01, statistics.median(times) * 1e6)

    def random(self, *shape):
        return self.torch.randn(*shape, dtype=self.dtype, device=self.device)

    # -- layers --

    def linear(self, rows, columns, inner):
        x, w = self.random(rows, inner), self.random(columns, inner)
        return self.time(lambda: self.torch.nn.functional.linear(x, w), warm=[x])

    def fused(self, function, *tensors):
        """Small kernels as a compiler fuses them, where there is one; for any number of rows, as engines have it: one
        that is compiled anew for each soon is not compiled any more."""
        call = function
        if self.args.compile:
            try:
                call = self.torch.compile(function, dynamic=True)
                call(*tensors)
            except Exception:  # whatever the compiler lacks here
                call = function
        self.versions["small_kernels"] = "as PyTorch has them" if call is function else "compiled"
        return self.time(lambda: call(*tensors), warm=tensors)

    def norm(self, rows, width):
        torch = self.torch
        x, residual, weight = self.random(rows, width), self.random(rows, width), self.random(width)

        def add_and_norm(a, b, w):
            total = a + b
            scale = torch.rsqrt(total.float().pow(2).mean(-1, keepdim=True) + 1e-6)
            return (total.float() * scale).to(a.dtype) * w, total

        return self.fused(add_and_norm, x, residual, weight)

    def rotary(self, part, rows):
        torch = self.torch
        x = self.random(rows, part["q_heads"] + part["kv_heads"], part["head_dim"])
        cos, sin = self.random(rows, 1, part["head_dim"] // 2), self.random(rows, 1, part["head_dim"] // 2)

        def rotate(a, c, s):
            first, second = a.chunk(2, dim=-1)
            return torch.cat((first * c - second * s, second * c + first * s), dim=-1)

        return self.fused(rotate, x, cos, sin)

    def sampler(self, rows, vocab):
        torch = self.torch
        logits = self.random(rows, vocab)
        return self.fused(lambda x: torch.softmax(x.float(), dim=-1).argmax(dim=-1), logits)

    def embedding(self, part, rows):
        table = self.random(part["vocab_part"], part["hidden"])
        ids = self.torch.randint(0, part["vocab_part"], (rows,), device=self.device)
        return self.time(lambda: self.torch.nn.functional.embedding(ids, table))

    def activation(self, part, rows):
        functional = self.torch.nn.functional
        x = self.random(rows, 2 * part["ffn"])

        def silu_and_multiply(both):
            gate, up = both.chunk(2, dim=-1)
            return functional.silu(gate) * up

        return self.fused(silu_and_multiply, x)

    def dense(self, layer, part, rows):
        heads, hidden, ffn = part["q_heads"] * part["head_dim"], part["hidden"], part["ffn"]
        keys = part["kv_heads"] * part["head_dim"]
        return {
            "embedding": lambda: self.embedding(part, rows),
            "layernorm": lambda: self.norm(rows, hidden),
            "final_layernorm": lambda: self.norm(rows, hidden),
            "qkv_proj": lambda: self.linear(rows, heads + 2 * keys, hidden),
            "qk_norm": lambda: self.norm(rows * (part["q_heads"] + part["kv_heads"]), part["head_dim"]),
            "rotary_emb": lambda: self.rotary(part, rows),
            "o_proj": lambda: self.linear(rows, hidden, heads),
            "gate_up_proj": lambda: self.linear(rows, 2 * ffn, hidden),
            "act_fn": lambda: self.activation(part, rows),
            "down_proj": lambda: self.linear(rows, hidden, ffn),
            "router": lambda: self.linear(rows, part["experts"], hidden),
            "lm_head": lambda: self.linear(rows, part["vocab_part"], hidden),
            "sampler": lambda: self.sampler(rows, part["vocab"]),
        }[layer]()

    # -- attention --

    def random_kv(self, *shape):
        return [self.random(*shape) for _ in range(2)]

    def starts(self, lengths):
        """Where each begins, and where the last ends."""
        ends = [0]
        for length in lengths:
            ends.append(ends[-1] + length)
        return self.torch.tensor(ends, dtype=self.torch.int32, device=self.device)

    def widen(self, part, tensors):
        """Keys and values as wide as the queries, where the kernel groups no heads."""
        if part["kv_heads"] == part["q_heads"]:
            return tensors
        return [x.repeat_interleave(part["q_heads"] // part["kv_heads"], dim=1) for x in tensors]

    def decode_call(self, part, contexts):
        """One token for each sequence behind its context, itself included."""
        torch, count, longest = self.torch, len(contexts), max(contexts) + 1
        if self.flash:
            q = self.random(count, 1, part["q_heads"], part["head_dim"])
            k, v = self.random_kv(count, longest, part["kv_heads"], part["head_dim"])
            lengths = torch.tensor([context + 1 for context in contexts], dtype=torch.int32, device=self.device)
            return lambda: self.flash.flash_attn_with_kvcache(q, k, v, cache_seqlens=lengths, causal=True), [q]
        q = self.random(count, part["q_heads"], 1, part["head_dim"])
        k, v = self.random_kv(count, part["kv_heads"], longest, part["head_dim"])
        if not self.groups_heads:
            k, v = self.widen(part, [k, v])
            return lambda: torch.nn.functional.scaled_dot_product_attention(q, k, v), [q]
        return lambda: torch.nn.functional.scaled_dot_product_attention(q, k, v, enable_gqa=True), [q]

    def prefill_call(self, part, chunk, prior):
        torch, total = self.torch, chunk + prior
        if self.flash:
            q = self.random(1, chunk, part["q_heads"], part["head_dim"])
            k, v = self.random_kv(1, total, part["kv_heads"], part["head_dim"])
            return lambda: self.flash.flash_attn_func(q, k, v, causal=True), [q]
        from torch.nn.attention.bias import causal_lower_right
        q = self.random(1, part["q_heads"], chunk, part["head_dim"])
        k, v = self.widen(part, self.random_kv(1, part["kv_heads"], total, part["head_dim"]))
        mask = causal_lower_right(chunk, total)
        return lambda: torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask), [q]

    def mixed_call(self, part, chunk, prior, count, context):
        """A chunk and decodes in one kernel, as engines call it."""
        queries, keys = [chunk] + [1] * count, [chunk + prior] + [context + 1] * count
        q = self.random(sum(queries), part["q_heads"], part["head_dim"])
        k, v = self.random_kv(sum(keys), part["kv_heads"], part["head_dim"])
        q_starts, k_starts = self.starts(queries), self.starts(keys)
        return lambda: self.flash.flash_attn_varlen_func(
            q, k, v, cu_seqlens_q=q_starts, cu_seqlens_k=k_starts, max_seqlen_q=max(queries), max_seqlen_k=max(keys),
            causal=True), [q]

    def attention(self, part, chunk, prior, count, context):
        if self.flash and chunk and count:
            call, warm = self.mixed_call(part, chunk, prior, count, context)
            return self.time(call, warm=warm)
        calls = []
        if chunk:
            calls.append(self.prefill_call(part, chunk, prior))
        if count:
            calls.append(self.decode_call(part, [context] * count))
        return self.time(lambda: [call() for call, _ in calls], warm=[x for _, warm in calls for x in warm])

    def skewed(self, part, count, share, largest, smallest):
        large = round(count * share)
        call, warm = self.decode_call(part, [largest] * large + [smallest] * (count - large))
        return self.time(call, warm=warm)

    # -- experts --

    def experts(self, part, tokens, hit):
        """Tokens spread evenly over the experts hit: sorted by expert, one batched multiplication each way, and summed
        up with their weights."""
        torch, each = self.torch, -(-tokens * part["top_k"] // hit)
        hidden, width = part["hidden"], part["expert_ffn"]
        x, share = self.random(tokens, hidden), self.random(hit * each, 1)
        order = torch.randint(0, tokens, (hit * each,), device=self.device)
        up, down = self.random(hit, hidden, 2 * width), self.random(hit, width, hidden)

        def run():
            rows = x.index_select(0, order).view(hit, each, hidden)
            gate, value = torch.bmm(rows, up).chunk(2, dim=-1)
            result = torch.bmm(torch.nn.functional.silu(gate) * value, down).view(hit * each, hidden)
            return torch.zeros_like(x).index_add_(0, order, result * share)

        return self.time(run, warm=[x])

    # -- messages --

    def messages(self, ranks):
        """(kind, bytes, microseconds) of NCCL among the first `ranks` GPUs; nothing where there are fewer."""
        if not self.cuda or self.torch.cuda.device_count() < ranks:
            return []
        import torch.multiprocessing as processes
        with tempfile.TemporaryDirectory() as folder:
            args = (ranks, os.path.join(folder, "meet"), os.path.join(folder, "times"), self.args.iterations)
            processes.spawn(measure_messages, args=args, nprocs=ranks)
            with open(os.path.join(folder, "times"), encoding="utf-8") as file:
                return json.load(file)


def measure_messages(rank, ranks, meet, result, iterations):
    """One of the processes, each with its GPU. Twenty messages behind one another are timed together, since they begin
    when all ranks are there, and the time of the slowest rank counts."""
    import torch
    import torch.distributed as group
    torch.cuda.set_device(rank)
    group.init_process_group("nccl", init_method="file://" + meet, rank=rank, world_size=ranks)
    times, behind = [], 20
    for size in MESSAGE_BYTES:
        part = torch.zeros(size // 2 // ranks, dtype=torch.bfloat16, device="cuda")
        whole = torch.zeros(len(part) * ranks, dtype=torch.bfloat16, device="cuda")
        other = torch.zeros_like(whole)
        calls = {
            "all_reduce": lambda: group.all_reduce(whole),
            "all_gather": lambda: group.all_gather_into_tensor(whole, part),
            "reduce_scatter": lambda: group.reduce_scatter_tensor(part, whole),
            "all_to_all": lambda: group.all_to_all_single(other, whole),
        }
        for kind, call in calls.items():
            for _ in range(5):
                call()
            taken = []
            for _ in range(iterations):
                start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
                torch.cuda._sleep(2000000)  # until all of them are handed to the GPU
                call()  # the ranks meet
                start.record()
                for _ in range(behind):
                    call()
                end.record()
                torch.cuda.synchronize()
                taken.append(start.elapsed_time(end) * 1e3 / behind)
            slowest = torch.tensor([statistics.median(taken)], device="cuda")
            group.all_reduce(slowest, op=group.ReduceOp.MAX)
            times.append((kind, size, slowest.item()))
    if rank == 0:
        with open(result, "w", encoding="utf-8") as file:
            json.dump(times, file)
    group.destroy_process_group()


# ---- tables on disk ----


class Table:
    """A CSV file that grows under a temporary name and gets its own when it is whole; what is there is not measured
    again."""

    def __init__(self, path, columns, keys):
        self.path, self.part, self.columns, self.keys = path, path + ".part", columns, keys
        self.done = set()

    def read_part(self):
        """Keeps the whole lines of an interrupted run."""
        if not os.path.exists(self.part):
            return
        with open(self.part, encoding="utf-8") as file:
            text = file.read()
        lines = text[:text.rfind("\n") + 1].splitlines()
        if not lines or lines[0] != ",".join(self.columns):
            os.remove(self.part)
            return
        kept = [line for line in lines[1:] if line.count(",") == len(self.columns) - 1]
        self.done = {tuple(line.split(",")[:self.keys]) for line in kept}
        with open(self.part, "w", encoding="utf-8") as file:
            file.write("\n".join(lines[:1] + kept) + "\n")

    def fill(self, points, measure, say, no_room=()):
        """points: tuples of keys; measure(*key) -> microseconds. One that raises `no_room` is left out."""
        if os.path.exists(self.path):
            return
        self.read_part()
        points = list(points)
        with open(self.part, "a", encoding="utf-8") as file:
            if file.tell() == 0:
                file.write(",".join(self.columns) + "\n")
            for number, key in enumerate(points):
                if tuple(str(part) for part in key) in self.done:
                    continue
                try:
                    us = measure(*key)
                except no_room:
                    say(f"{self.path}: no room for {key}")
                    continue
                file.write(",".join(str(field) for field in key) + f",{us:.6g}\n")
                file.flush()
                say(f"{self.path}: {number + 1} of {len(points)}")
        os.replace(self.part, self.path)


# ---- a bundle ----

SKEW_AXES = {
    "n": ([0, 2, 4, 8, 16, 32, 64, 128, 256, 1000000],
          ["n<=2", "n<=4", "n<=8", "n<=16", "n<=32", "n<=64", "n<=128", "n<=256", "n>256"]),
    "skew_rate": ([-0.01, 0.375, 0.625, 1.01], ["sr<=37%", "sr<=62%", "sr>62%"]),
    "kv_big": ([0, 1024, 4096, 16384, 1000000000], ["kvB<=1k", "kvB<=4k", "kvB<=16k", "kvB>16k"]),
    "kp": ([-1, 0, 1000000000], ["kp=0", "kp>0"]),
}


def label_of(axis, size):
    edges, labels = SKEW_AXES[axis]
    at = 0
    while at + 1 < len(labels) and size > edges[at + 1]:
        at += 1
    return labels[at]


def alpha_of(timer, part, count, share, largest, smallest):
    large = round(count * share)
    mean = (large * largest + (count - large) * smallest) // count
    low, high = timer.attention(part, 0, 0, count, mean), timer.attention(part, 0, 0, count, largest)
    if high <= low * 1.01:
        return None
    return (timer.skewed(part, count, share, largest, smallest) - low) / (high - low)


def measure_skew(timer, part, folder, args, say):
    """One alpha for each bucket that was reached: the median of its points."""
    path = os.path.join(folder, "skew_fit.csv")
    if os.path.exists(path):
        return
    buckets = {}
    for count, share, largest, smallest in skew_points(args):
        if count * (largest + 1) > timer.kv_tokens(part):
            continue
        try:
            alpha = alpha_of(timer, part, count, share, largest, smallest)
        except timer.no_room:
            continue
        key = (label_of("n", count), label_of("skew_rate", share), label_of("kv_big", largest), "kp=0")
        if alpha is not None:
            buckets.setdefault(key, []).append(min(max(alpha, 0.0), 1.0))
        say(f"{path}: {len(buckets)} buckets")
    with open(path + ".part", "w", encoding="utf-8") as file:
        file.write("pc,n_label,skew_rate_label,kv_big_label,kp_label,alpha,n_samples\n")
        for key in sorted(buckets):
            file.write(f"0,{','.join(key)},{statistics.median(buckets[key]):.4f},{len(buckets[key])}\n")
    os.replace(path + ".part", path)


def measure_tp(timer, model, tp, args, say):
    part, folder = shard(model, tp), os.path.join(args.output, f"tp{tp}")
    os.makedirs(folder, exist_ok=True)
    layers = DENSE[:3] + (["qk_norm"] if model["qk_norm"] else []) + DENSE[3:]
    if model["experts"]:
        layers = [layer for layer in layers if layer not in ("gate_up_proj", "act_fn", "down_proj")] + ["router"]

    def dense(layer, rows):
        return timer.dense(layer, part, rows)

    def fill(name, columns, points, kernel):
        table = Table(os.path.join(folder, name), columns + ["time_us"], len(columns))
        table.fill(points, kernel, say, timer.no_room)

    fill("dense.csv", ["layer", "tokens"], [(layer, size) for layer in layers for size in token_sizes(args)], dense)
    fill("per_sequence.csv", ["layer", "sequences"],
         [(layer, size) for layer in ("lm_head", "sampler") for size in sequence_sizes(args)], dense)
    fill("attention.csv", ["prefill_chunk", "kv_prefill", "n_decode", "kv_decode"],
         attention_points(args, timer.kv_tokens(part)), lambda *key: timer.attention(part, *key))
    if model["experts"]:
        fill("moe.csv", ["tokens", "activated_experts"], moe_points(args, model),
             lambda *key: timer.experts(part, *key))
    if timer.has_skew and args.skew:
        measure_skew(timer, part, folder, args, say)


def measure_all_messages(timer, args, say):
    """collective.csv, for the tensor-parallel sizes that this machine has GPUs for."""
    path = os.path.join(args.output, "collective.csv")
    if args.dry_run or not args.messages or os.path.exists(path):
        return
    rows = []
    for ranks in (tp for tp in args.tp if tp > 1):
        say(f"{path}: {ranks} GPUs")
        rows += [f"{kind},{ranks},{size},{us:.6g}" for kind, size, us in timer.messages(ranks)]
    if not rows:
        return
    with open(path + ".part", "w", encoding="utf-8") as file:
        file.write("\n".join(["kind,ranks,bytes,time_us"] + rows) + "\n")
    os.replace(path + ".part", path)


def yaml_text(value):
    return json.dumps(value) if isinstance(value, str) else str(value)


def list_text(values):
    return "[" + ", ".join(yaml_text(value) for value in values) + "]"


def meta_lines(timer, model, args):
    yield "# A bundle for servsim's profile device; servsim-profile(5) describes it."
    yield f"bundle_version: {BUNDLE_VERSION}"
    yield f"origin: {yaml_text('roofline model of measure_gpu.py --dry-run' if args.dry_run else 'measured')}"
    if not args.dry_run:
        yield f"measured_at: {yaml_text(time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()))}"
    yield f"gpu: {yaml_text(timer.name)}"
    yield f"model: {yaml_text(args.model_name or model['name'])}"
    yield f"dtype: {args.dtype}"
    yield f"kv_dtype: {args.dtype}"
    yield f"tp_degrees: {list_text(args.tp)}"
    for name, version in timer.versions.items():
        yield f"{name}: {yaml_text(version)}"
    yield f"measurement_iterations: {args.iterations}"
    yield "model_shape:"
    for key in ("hidden", "q_heads", "kv_heads", "head_dim", "ffn", "vocab", "experts", "top_k"):
        yield f"  {key}: {model[key]}"
    yield "device:"
    yield f"  memory_bytes: {timer.memory_bytes}"
    bandwidth = args.bandwidth * 1e9 if args.bandwidth else getattr(timer, "bytes_per_s", 0)
    peak = args.peak_tflops * 1e12 if args.peak_tflops else getattr(timer, "flops", 0)
    if bandwidth:
        yield f"  memory_bytes_per_s: {bandwidth:.0f}"
    if peak:
        yield f"  peak_flops: {peak:.0f}"
    yield f"tp_stable: {list_text(layer for layer in STABLE if layer != 'qk_norm' or model['qk_norm'])}"
    yield from skew_lines(timer, args)


def skew_lines(timer, args):
    yield "skew_fit:"
    yield f"  enabled: {'true' if timer.has_skew and args.skew else 'false'}"
    if not (timer.has_skew and args.skew):
        return
    yield "  bucket_axes:"
    for axis, (edges, labels) in SKEW_AXES.items():
        yield f"    {axis}_bins: {list_text(edges)}"
        yield f"    {axis}_labels: {list_text(labels)}"
    yield "  per_tp:"
    for tp in args.tp:
        yield f"    {tp}: {{alpha_default: 0.05}}"


# What must not change between the runs that fill one bundle.
SETTINGS = ["dtype", "grid", "max_tokens", "max_kv", "max_sequences", "factor", "iterations", "dry_run", "attention"]


def check_settings(args, timer, model):
    """A bundle is filled by one GPU, with one grid."""
    path = os.path.join(args.output, ".measure.json")
    now = {name: getattr(args, name) for name in SETTINGS}
    now.update(gpu=timer.name, model=model)
    try:
        with open(path, encoding="utf-8") as file:
            before = json.load(file)
    except (OSError, ValueError):
        before = None
    if before is not None and before != now:
        other = sorted(name for name in now if before.get(name) != now[name])
        raise Mistake(f"{args.output} was begun with another {', '.join(other)}; name another --output, or remove it")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(now, file)


def measure(args, say):
    model = read_model(args.model)
    for tp in args.tp:
        shard(model, tp)
    timer = Roofline(args) if args.dry_run else Torch(args)
    os.makedirs(args.output, exist_ok=True)
    check_settings(args, timer, model)
    for tp in args.tp:
        measure_tp(timer, model, tp, args, say)
    measure_all_messages(timer, args, say)
    timer.close()
    meta = os.path.join(args.output, "meta.yaml")
    with open(meta + ".part", "w", encoding="utf-8") as file:
        file.write("\n".join(meta_lines(timer, model, args)) + "\n")
    os.replace(meta + ".part", meta)


# ---- the command line ----


def tp_list(text):
    try:
        sizes = sorted({int(part) for part in text.split(",")})
    except ValueError:
        sizes = [0]
    if sizes[0] < 1 or sizes[-1] > 1024:
        raise argparse.ArgumentTypeError(f"'{text}' is no list of sizes; write --tp 1,2,4")
    return sizes


def whole(low, high):
    def parse(text):
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"'{text}': write a whole number from {low} to {high}")
        return value

    return parse


def parse_arguments(argv):
    parser = argparse.ArgumentParser(prog="measure_gpu.py", description=__doc__.split("\n\n")[0],
                                     formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--model", required=True, metavar="CONFIG.json", help="a Hugging Face config.json")
    parser.add_argument("--output", required=True, metavar="FOLDER",
                        help="the bundle; by custom <hardware>/<model>/<dtype>")
    parser.add_argument("--model-name", metavar="NAME", help="as meta.yaml shall have it, if not as the config does")
    parser.add_argument("--tp", type=tp_list, default=[1], metavar="LIST", help="tensor-parallel sizes")
    parser.add_argument("--dtype", choices=sorted(DTYPE_BYTES), default="bf16", help="of weights and activations")
    parser.add_argument("--device", default="cuda:0", help="PyTorch's name of the GPU ('cpu' works, slowly)")
    parser.add_argument("--grid", choices=["coarse", "normal", "fine"], default="normal", help="how many sizes")
    parser.add_argument("--max-tokens", type=whole(1, 1 << 20), default=2048, help="of a step")
    parser.add_argument("--max-kv", type=whole(1, 1 << 24), default=16384, help="tokens of context")
    parser.add_argument("--max-sequences", type=whole(1, 1 << 16), default=256, help="that decode in a step")
    parser.add_argument("--iterations", type=whole(1, 10000), default=20, help="of which the median is taken")
    parser.add_argument("--attention", choices=["auto", "flash-attn", "sdpa"], default="auto",
                        help="kernels of attention; auto: flash-attn where it is installed")
    parser.add_argument("--bandwidth", type=float, metavar="GB/s", help="of memory, from the datasheet")
    parser.add_argument("--peak-tflops", type=float, metavar="TFLOP/s", help="dense, from the datasheet")
    parser.add_argument("--no-compile", dest="compile", action="store_false", help="small kernels one by one")
    parser.add_argument("--no-messages", dest="messages", action="store_false",
                        help="leave NCCL's messages among GPUs out, which need as many GPUs as --tp says")
    parser.add_argument("--no-skew", dest="skew", action="store_false", help="leave unequal contexts out")
    parser.add_argument("--dry-run", action="store_true",
                        help="write the bundle of a made-up GPU, without PyTorch or a GPU")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    args = parser.parse_args(argv)
    args.factor = {"coarse": 4.0, "normal": 2.0, "fine": 2.0**0.5}[args.grid]
    return args


def main(argv):
    args = parse_arguments(argv)
    shown = [0.0]

    def say(text):
        if not args.quiet and sys.stderr.isatty() and time.monotonic() - shown[0] > 0.2:
            shown[0] = time.monotonic()
            print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)

    try:
        measure(args, say)
    except Mistake as mistake:
        print(f"measure_gpu.py: {mistake}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"measure_gpu.py: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nmeasure_gpu.py: stopped; the same command goes on from here", file=sys.stderr)
        return 130
    if not args.quiet:
        print(f"{args.output} is complete")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
