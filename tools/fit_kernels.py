#!/usr/bin/env python3
"""Fits the analytic device model to measured kernels and prints the constants of each device.

    SERVSIM_MEASURED_DATA=FOLDER tools/fit_kernels.py [DEVICE ...] [--holdout]

Reads FOLDER/kernels/{gemm,attn_decode,attn_prefill,attn_mixed,moe,collective}_*.csv. The forms are those of
plugins/hardware/analytic.c, written again here with numpy so that a whole table is priced at once; the
constants that this prints stand in plugins/hardware/DEVICE/DEVICE.c (of the B200's experts an earlier fit that
is no worse), and plugins/hardware/measured_test.c prices the same kernels with the C code. Every fit minimises the mean absolute relative error, a source
(a collector) of n kernels weighing as sqrt(n), so that a long table does not drown a short one. --holdout fits on a random half of the
shapes and prints the error on the other half, beside that of the plain form (launch + hard maximum).

Latent attention of the H200 and the B200 is fitted to tables that are not in the folder (campaign_checkpoints of
ai-dynamo/aiconfigurator, mla_generation_module_perf.txt and mla_context_module_perf.txt, bf16 and fp8_block GEMMs), less the
module's four GEMMs as they are priced and 15 us, in the form that plugins/hardware/analytic.h tells.

Needs Python 3.9, numpy and scipy.
"""
import argparse
import csv
import os
import sys

import numpy as np
from scipy.optimize import minimize

# name: file suffix, TFLOP/s of bf16, fp8, nvfp4, GB/s, L2 in MB, SMs, and below how many MB of weights the
# GEMM tables are left out, since they show rates beyond the memory's (a warm L2 cache)
DEVICES = {
    "rtx3090": ("RTX3090", 71.2, 0, 0, 936, 6, 82, 0),
    "rtx4090": ("RTX4090", 165.2, 330.3, 0, 1008, 72, 128, 0),
    "rtxpro6000": ("RTXPRO6000", 503.8, 1007.6, 2015.2, 1597, 128, 188, 32),
    "a40": ("A40", 149.7, 0, 0, 696, 6, 84, 0),
    "a6000": ("A6000", 154.8, 0, 0, 768, 6, 84, 0),
    "a100": ("A100-SXM4-80GB", 312, 0, 0, 2039, 40, 108, 0),
    "h100": ("H100-SXM-80GB", 989, 1979, 0, 3350, 50, 132, 0),
    "h200": ("H200-SXM-141GB", 989, 1979, 0, 4800, 50, 132, 0),
    "l40s": ("L40S", 362, 733, 0, 864, 96, 142, 24),
    "b200": ("B200-SXM-180GB", 2250, 4500, 9000, 7700, 126, 148, 0),
}
MEMORY_GB = {"rtxpro6000": 96, "a100": 80, "h100": 80, "h200": 141, "l40s": 48, "b200": 180}
BYTES = {"bf16": 2.0, "fp16": 2.0, "fp8": 1.0, "fp8_block": 1.0, "nvfp4": 0.5625}
FEW_SHAPES = ("rtx3090", "rtx4090", "a6000")
# where reading the input again leaves less error on shapes left out
READ_AGAIN = (("rtxpro6000", "bf16"), ("l40s", "bf16"), ("l40s", "fp8"))
ALWAYS_SPLIT = ("h100", "h200", "b200")  # FlashAttention 3 and later
# The tables of other GPUs ask for a ramp, too: the H100's for 30 us with 13.6 heads on each SM (4.0 % off and not 5.8),
# the A100's for 11 us with 1.35 (8.5 and not 8.9). Runs of vLLM on the H100 do not have it (those of Llama-2-7B, with 32
# KV heads, would be simulated up to 9 % too long), and the two on the A100 do not tell.
RAMPED = ("rtx4090", "rtxpro6000")
TILES = ((64, 64), (64, 128), (128, 64), (128, 128), (128, 256), (256, 128))


class Device:
    def __init__(self, name):
        self.name = name
        self.file, bf16, fp8, nvfp4, self.gbps, self.l2_mb, self.sms, self.warm_mb = DEVICES[name]
        self.memory_gb = MEMORY_GB.get(name, 48)
        self.tflops = {"bf16": bf16, "fp16": bf16, "fp8": fp8, "fp8_block": fp8, "nvfp4": nvfp4}


def rows(folder, kind, device):
    path = os.path.join(folder, "kernels", "%s_%s.csv" % (kind, device.file))
    if not os.path.exists(path):
        return []
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def columns(table, *names):
    return [np.array([float(row[name]) for row in table]) for name in names]


def soft_maximum(a, b, power):
    high, low = np.maximum(a, b), np.minimum(a, b)
    return high * (1.0 + (low / high) ** power) ** (1.0 / power)


class Kernels:
    """One family of kernels of one device: features as arrays, measured us, weights of sources."""

    def __init__(self, table, **features):
        self.us = np.array([float(row["us"]) for row in table])
        sources = [row["source"].split("/")[0] for row in table]
        self.weight = np.array([sources.count(source) ** -0.5 for source in sources])
        self.features = features
        for name, values in features.items():
            setattr(self, name, values)

    def take(self, mask):
        part = object.__new__(Kernels)
        part.features = {name: values[mask] for name, values in self.features.items()}
        for name, values in part.features.items():
            setattr(part, name, values)
        part.us, part.weight = self.us[mask], self.weight[mask]
        return part


# ---- forms: us from constants x and kernels k on device d ----


def gemm_plain(x, k, d):
    return x[0] + np.maximum(k.flops / k.peak / x[1], k.bytes / d.gbps / 1e3 / x[2])


def gemm_tiles(x, k, d, max_split):
    """The cheapest of six tiles, and of cuts of K in parts, in whole waves over the SMs."""
    launch, compute, memory, softness, loss, fill, *again = x
    traffic = k.bytes + (again[0] * k.input * k.n / 128.0 if again else 0.0)  # columns read the input once more
    rate = k.peak / d.sms * compute
    best = np.inf
    for rows_, columns_ in TILES:
        share = 1.0 + loss * (128.0 / rows_ + 128.0 / columns_ - 1.5)
        tiles = np.ceil(k.m / rows_) * np.ceil(k.n / columns_)
        parts = 1
        while parts <= max_split:
            waves = np.ceil(tiles * parts / d.sms)
            us = waves * (2.0 * rows_ * columns_ * k.k / parts / rate * share + fill)
            if parts > 1:  # partial sums in fp32 are written and read through an L2 of four times the bandwidth
                us = us + fill + 2.0 * parts * k.m * k.n / d.gbps / 1e3
            best = np.minimum(best, us)
            parts *= 2
    return launch + soft_maximum(best, traffic / d.gbps / 1e3 / memory, softness)


def gemm_soft(x, k, d):
    """Few shapes, on which tiles cannot be told apart."""
    return x[0] + soft_maximum(k.flops / k.peak / x[1], k.bytes / d.gbps / 1e3 / x[2], x[3])


def decode_plain(x, k, d):
    return x[0] + k.bytes / d.gbps / 1e3 / x[1]


def decode_unsplit(x, k, d):
    """Where no kernel splits contexts (as many query as KV heads), each head of each request is one block's work."""
    rate = np.minimum(d.gbps * x[1], np.where(k.mha, x[2] * k.blocks, np.inf))
    return x[0] + k.bytes / rate / 1e3


def decode_ramp(x, k, d):
    """And the more heads of requests there are, the longer they take to begin and to end, up to so many on each SM."""
    return decode_unsplit(x, k, d) + x[3] * np.minimum(1.0, k.blocks / x[4] / d.sms)


def prefill_plain(x, k, d):
    return x[0] + k.flops / k.peak / x[1]


def prefill_sum(x, k, d):
    return x[0] + k.flops / k.peak / x[1] + x[2] * k.tile / (k.peak / d.sms) + k.bytes / d.gbps / 1e3 / x[3]


def prefill_lent(x, k, d):
    """Few kernels, none behind a context: chain and traffic as on the RTX 4090."""
    return prefill_sum((*x, 0.4, 0.9), k, d)


def moe_plain(x, k, d):
    return x[0] + np.maximum(k.flops / k.peak / x[1], k.bytes / d.gbps / 1e3 / x[2])


def moe_spread(x, k, d, everywhere):
    """Rows are gathered, quantised, activated and added up by kernels of their own, beside those that multiply."""
    moved = k.all_rows if everywhere else k.rows
    return (x[0] + soft_maximum(k.flops / k.peak / x[1], k.weights / d.gbps / 1e3 / x[2], x[3])
            + x[4] * moved / d.gbps / 1e3)


# ---- tables to kernels ----


def gemm_kernels(folder, device, dtype):
    same = ("bf16", "fp16") if dtype == "bf16" else (dtype,)
    table = [r for r in rows(folder, "gemm", device) if r["dtype"] in same]
    width = BYTES[dtype]

    def wanted(r):
        m, n, k = int(r["m"]), int(r["n"]), int(r["k"])
        return (n >= 1024 and k >= 512 and m <= 8192 and k <= 32768 and n * k <= 65536 * 16384
                and width * n * k >= device.warm_mb * 1e6)

    table = [r for r in table if wanted(r) or (r["source"].startswith("llmservingsim") and int(r["n"]) >= 1024)]
    if not table:
        return None
    m, n, k = columns(table, "m", "n", "k")
    peak = np.full(len(m), device.tflops[dtype] * 1e6)
    return Kernels(table, m=m, n=n, k=k, peak=peak, input=width * m * k, flops=2.0 * m * n * k, shape=n * 131071 + k,
                   bytes=width * (m * k + k * n) + 2.0 * m * n)


def decode_kernels(folder, device, kv_dtype):
    table = [r for r in rows(folder, "attn_decode", device) if r["kv_dtype"] == kv_dtype]
    # two collectors disagree on this GPU, and a run of an engine sides with the one that measured that engine's version
    if device.name == "rtxpro6000" and kv_dtype == "bf16":
        table = [r for r in table if r["source"].startswith("llmservingsim")]
    if not table:
        return None
    b, ctx, q, kv, dim = columns(table, "batch", "ctx", "q_heads", "kv_heads", "head_dim")
    kv_bytes = 2.0 * BYTES[kv_dtype] * b * ctx * kv * dim
    kernels = Kernels(table, batch=b, mha=q == kv, blocks=b * kv, kv_bytes=kv_bytes, shape=q * 1000 + kv,
                      bytes=kv_bytes + 4.0 * b * q * dim)
    # a warm cache serves what repeats: sizes between 1 MB and 2.5 times the L2 say nothing of a real step
    return kernels.take((kv_bytes < 1e6) | (kv_bytes > 2.5e6 * device.l2_mb))


def prefill_kernels(folder, device):
    table = [r for r in rows(folder, "attn_prefill", device) if r["kv_dtype"] == "bf16" and int(r["q_len"]) >= 16]
    if not table:
        return None
    b, new, prior, q, kv, dim = columns(table, "batch", "q_len", "prior_ctx", "q_heads", "kv_heads", "head_dim")
    pairs = b * (new * prior + new * (new + 1) / 2.0)
    kernels = Kernels(table, q=q, new=b * new, seen=b * (new + prior), flops=4.0 * q * dim * pairs,
                      peak=np.full(len(b), device.tflops["bf16"] * 1e6),
                      tile=4.0 * dim * 128.0 * pairs / (b * new),
                      bytes=4.0 * b * ((new + prior) * kv * dim + new * q * dim), shape=q * 1000 + kv)
    return kernels.take((kernels.new <= 16384) & (q <= 64) & (kernels.seen <= 131072))


def mixed(folder, device, prefill, decode, holdout):
    """The padding of decodes in the joint kernel of mixed batches, behind the device's own prefill and decode fits; no
    ramp there, with which the fit is worse (16.4 % on the RTX PRO 6000)."""
    path = os.path.join(folder, "kernels", "attn_mixed_%s_llama31_8b_tp1.csv" % device.file)
    if not os.path.exists(path):
        return
    with open(path, newline="") as file:
        chunk, prior, count, ctx, us = columns(list(csv.DictReader(file)), "prefill_chunk", "kv_prefill", "n_decode",
                                               "kv_decode", "us")
    of = (chunk >= 16) & (prior <= 4096) & (count >= 2) & (count <= 128) & (ctx <= 4096)
    chunk, prior, count, ctx, us = chunk[of], prior[of], count[of], ctx[of], us[of]
    peak, q, kv, dim = device.tflops["bf16"] * 1e6, 32.0, 8.0, 128.0
    pairs = chunk * prior + chunk * (chunk + 1) / 2.0
    chunks = Kernels([], flops=4.0 * q * dim * pairs, peak=peak, tile=4.0 * dim * 128.0 * pairs / chunk,
                     bytes=4.0 * ((chunk + prior) * kv * dim + chunk * q * dim))
    first = prefill_sum(prefill, chunks, device)
    small, token = 4.0 * q * dim / device.gbps / 1e3 / decode[1], 4.0 * kv * dim / device.gbps / 1e3 / decode[1]
    ramp = decode[3] * np.minimum(1.0, count * kv / decode[4] / device.sms)
    apart = first + decode[0] + ramp + count * (small + (ctx + 1.0) * token)

    def joint(x):
        key = 4.0 * q * dim * x[0] / (peak * prefill[1])
        return (first + decode[0] - min(decode[0], prefill[0])
                + count * (small + x[1] * key + (ctx + 1.0) * np.maximum(token, key)))

    def miss(x, of):
        return 10.0 if min(x) < 0 else np.mean(np.abs(joint(x)[of] / us[of] - 1.0))

    x = minimize(miss, (64.0, 200.0), (count > 0,), method="Nelder-Mead").x
    line = "%-10s mixed %13d kernels  %5.1f %%  %.3g %.3g" % (device.name, len(us), 100 * miss(x, count > 0), *x)
    if holdout:
        half = np.isin(count, (2, 8, 32, 128))
        part = minimize(miss, (64.0, 200.0), (half,), method="Nelder-Mead").x
        line += "  | other half: two kernels %.1f %%, this %.1f %%" % (
            100 * np.mean(np.abs(apart[~half] / us[~half] - 1.0)), 100 * miss(part, ~half))
    print(line, flush=True)


LAYERS = {("2048", "768"): 48, ("4096", "14336"): 32, ("4096", "1536"): 94, ("6144", "16384"): 56,
          ("7168", "2048"): 58}


def fits_memory(row, device, dtype):
    """Does the memory hold all layers of the model with these experts, cut so?"""
    all_bytes = (3.0 * BYTES[dtype] * int(row["hidden"]) * int(row["inter"]) * int(row["experts"])
                 * LAYERS[row["hidden"], row["inter"]])
    return all_bytes / (int(row["tp"]) * int(row["ep"])) <= 0.9 * device.memory_gb * 2 ** 30


def moe_kernels(folder, device, dtype):
    table = [r for r in rows(folder, "moe", device) if r["dtype"] == dtype and int(r["tokens"]) <= 8192
             and int(r["tp"]) <= 8 and int(r["ep"]) <= 16 and fits_memory(r, device, dtype)]
    # a power law does not tell how many experts are hit, but for one token, and for many, nor on which GPU; of 256
    # balanced ones the times tell that half are hit, but not which
    balanced = [r for r in table if r["routing"] == "balanced" and (r["experts"] != "256" or r["ep"] == "1")]
    table = balanced or [r for r in table if r["routing"] == "power_law_1.01" and r["ep"] == "1" and
                         (r["tokens"] == "1" or int(r["tokens"]) * int(r["topk"]) >= 8 * int(r["experts"]))]
    if not table:
        return None
    halved = bool(balanced)
    hidden, inter, top, experts, tp, ep, tokens = columns(table, "hidden", "inter", "topk", "experts", "tp", "ep",
                                                          "tokens")
    width = BYTES[dtype]
    ffn, here, pairs = inter / tp, np.ceil(experts / ep), np.maximum(1.0, tokens * top / ep)
    here = np.where((experts == 256) & halved, 128, here)
    hit = np.minimum(here, pairs)
    row = width * (hidden + ffn) + 4.0 * ffn + 2.0 * hidden
    kernels = Kernels(table, flops=6.0 * hidden * ffn * pairs, tokens=tokens,
                      weights=width * 3.0 * hidden * ffn * hit, rows=pairs * row, all_rows=tokens * top * row,
                      peak=np.full(len(hit), device.tflops[dtype] * 1e6), shape=hidden + 7 * tp + 11003 * ep,
                      bytes=width * 3.0 * hidden * ffn * hit + pairs * row)
    kernels = kernels.take(kernels.weights >= device.l2_mb * 1e6)  # what fits the L2 stays there between repetitions
    part = np.digitize(kernels.tokens, (5, 33, 257, 1025))  # small batches weigh as much as large ones
    kernels.weight = 1.0 / np.bincount(part)[part]
    return kernels


# ---- fitting ----


def error(form, x, kernels, device, *more):
    return np.average(np.abs(form(x, kernels, device, *more) / kernels.us - 1.0), weights=kernels.weight)


def fit(form, start, bounds, kernels, device, *more):
    def objective(x):
        if any(value < low or value > high for value, (low, high) in zip(x, bounds)):
            return 10.0
        return error(form, x, kernels, device, *more)

    x = np.array(start, float)
    for _ in range(3):
        x = minimize(objective, x, method="Nelder-Mead", options={"maxiter": 1500, "xatol": 1e-4, "fatol": 1e-6}).x
    return x


FORMS = {
    "gemm": (gemm_plain, (4.0, 0.8, 0.85), ((0, 20), (0.05, 1.2), (0.05, 1.2))),
    "gemm tiles": (gemm_tiles, (3.0, 0.85, 0.85, 4.0, 0.1, 0.5),
                   ((2, 20), (0.05, 1.05), (0.05, 0.98), (1, 12), (0, 1), (0, 5))),
    "gemm again": (gemm_tiles, "gemm tiles",  # from the fit without
                   ((2, 20), (0.05, 1.05), (0.05, 0.98), (1, 12), (0, 1), (0, 5), (0, 0.6))),
    "gemm soft": (gemm_soft, (5.0, 0.8, 0.85, 3.0), ((2, 20), (0.05, 1.05), (0.05, 0.98), (1, 12))),
    "decode": (decode_plain, (12.0, 0.85), ((0, 40), (0.1, 1.1))),
    "decode unsplit": (decode_unsplit, (12.0, 0.85, 25.0), ((0, 40), (0.1, 1.1), (1, 500))),
    "decode ramp": (decode_ramp, (12.0, 0.9, 25.0, 30.0, 2.5),
                    ((0, 40), (0.1, 1.1), (1, 500), (0, 100), (0.1, 64))),
    "prefill": (prefill_plain, (12.0, 0.5), ((0, 40), (0.05, 1.2))),
    "prefill lent": (prefill_lent, (6.0, 0.6), ((0, 40), (0.05, 1.5))),
    "prefill sum": (prefill_sum, (12.0, 0.6, 1.0, 0.5), ((0, 40), (0.05, 1.5), (0, 10), (0.02, 2))),
    "moe": (moe_plain, (20.0, 0.5, 0.85), ((0, 100), (0.02, 1.2), (0.02, 1.2))),
    "moe spread": (moe_spread, (25.0, 0.6, 0.9, 2.0, 1.0),
                   ((5, 100), (0.02, 1.2), (0.02, 1.2), (1, 12), (0, 20))),
}


def fit_form(name, kernels, device, *more):
    form, start, bounds = FORMS[name]
    if isinstance(start, str):
        start = (*fit_form(start, kernels, device, *more), 0.08)
    return fit(form, start, bounds, kernels, device, *more)


def halves(kernels):
    shapes = np.unique(kernels.shape)
    if len(shapes) < 2:
        first = np.arange(len(kernels.us)) % 2 == 0
    else:
        first = np.isin(kernels.shape, np.random.default_rng(1).permutation(shapes)[::2])
    return kernels.take(first), kernels.take(~first)


# rows of a step: decode batches, small and large chunks
ROWS = ((1, 16), (32, 64), (128, 256), (512, 1024), (2048, 2048))


def serving(kernels, device, plain, x, better, *more):
    """Mean absolute and signed error by rows, at the shapes of models of 7 to 70 billion parameters on 1 to 8 GPUs."""
    form, start, bounds = FORMS[plain]
    shapes = kernels.take((kernels.n <= 57344) & (kernels.k >= 1024) & (kernels.k <= 28672))
    before = form(fit(form, start, bounds, kernels, device), shapes, device) / shapes.us - 1.0
    after = FORMS[better][0](x, shapes, device, *more) / shapes.us - 1.0
    for low, high in ROWS:
        of = (shapes.m >= low) & (shapes.m <= high)
        if of.any():
            print("%-10s   rows %4d to %4d: %4d kernels, plain %4.1f %% (%+5.1f), this %4.1f %% (%+5.1f)" % (
                device.name, low, high, of.sum(), 100 * np.mean(np.abs(before[of])), 100 * np.mean(before[of]),
                100 * np.mean(np.abs(after[of])), 100 * np.mean(after[of])), flush=True)


def report(label, kernels, device, plain, better, holdout, splits=(None,)):
    if kernels is None:
        return None
    best = None
    for split in splits:
        more = () if split is None else (split,)
        x = fit_form(better, kernels, device, *more)
        e = error(FORMS[better][0], x, kernels, device, *more)
        if best is None or e < best[0] - 1e-3:
            best = (e, x, more)
    e, x, more = best
    constants = " ".join("%.4g" % value for value in x) + "".join(" split %d" % split for split in more)
    line = "%-10s %-12s %5d kernels  %5.1f %%  %s" % (device.name, label, len(kernels.us), 100 * e, constants)
    if holdout:
        a, b = halves(kernels)
        before = error(FORMS[plain][0], fit_form(plain, a, device), b, device)
        after = error(FORMS[better][0], fit_form(better, a, device, *more), b, device, *more)
        line += "  | other half: plain %.1f %%, this %.1f %%" % (100 * before, 100 * after)
    print(line, flush=True)
    if holdout and label.startswith("gemm"):
        serving(kernels, device, plain, x, better, *more)
    return x


# ---- collectives ----


def growing(values):
    """A larger message takes no less: noise only adds, so the least of what follows is believed."""
    return [min(values[i:]) for i in range(len(values))]


def collectives(folder, device):
    table = rows(folder, "collective", device)
    sizes = [4096 << i for i in range(17)]
    for ranks in (2, 4, 8):
        us = {int(r["bytes"]): float(r["us"]) for r in table
              if r["op"] == "all_reduce" and r["impl"] == "vllm_graph" and int(r["ranks"]) == ranks}
        if all(size in us for size in sizes):
            print("%-10s all_reduce of %d in a graph: %s" % (device.name, ranks, ", ".join(
                "%.1f" % value for value in growing([us[size] for size in sizes]))))
    for op in ("all_gather", "reduce_scatter", "all_to_all"):
        for ranks in (2, 4, 8):
            us = {int(r["bytes"]): float(r["us"]) for r in table if r["op"] == op and r["impl"] == "nccl"
                  and r["source"].startswith("aiconfigurator") and int(r["ranks"]) == ranks}
            if all(size in us for size in sizes):
                print("%-10s %s of %d: %s" % (device.name, op, ranks, ", ".join(
                    "%.1f" % value for value in growing([us[size] for size in sizes]))))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("devices", nargs="*", metavar="DEVICE", help="of: " + ", ".join(DEVICES))
    parser.add_argument("--holdout", action="store_true", help="also fit half of the shapes, and test on the others")
    parser.add_argument("--family", default="", help="only families that begin with this")
    args = parser.parse_args()
    folder = os.environ.get("SERVSIM_MEASURED_DATA")
    if not folder:
        sys.exit("fit_kernels: SERVSIM_MEASURED_DATA must name the folder that holds kernels/")
    for name in args.devices or DEVICES:
        device = Device(name)

        def go(label, make, *rest, **more):
            if label.startswith(args.family):
                return report(label, make(), device, *rest, args.holdout, **more)
            return None

        for dtype in ("bf16", "fp8", "nvfp4"):
            if name in FEW_SHAPES:
                go("gemm " + dtype, lambda: gemm_kernels(folder, device, dtype), "gemm", "gemm soft")
            else:
                go("gemm " + dtype, lambda: gemm_kernels(folder, device, dtype), "gemm",
                   "gemm again" if (name, dtype) in READ_AGAIN else "gemm tiles", splits=(1, 2, 4, 8))
        decode = {}
        for dtype in ("bf16", "fp8"):
            better = "decode ramp" if name in RAMPED else "decode unsplit"
            decode[dtype] = go("decode " + dtype, lambda: decode_kernels(folder, device, dtype), "decode",
                               "decode" if name in ALWAYS_SPLIT or dtype == "fp8" else better)
        prefill = go("prefill", lambda: prefill_kernels(folder, device), "prefill",
                     "prefill lent" if name in ("rtx3090", "a6000") else "prefill sum")
        if prefill is not None and len(prefill) == 4 and decode["bf16"] is not None:
            mixed(folder, device, prefill, decode["bf16"], args.holdout)
        for dtype in ("bf16", "fp8_block", "fp8"):
            go("moe " + dtype, lambda: moe_kernels(folder, device, dtype), "moe", "moe spread", splits=(0, 1))
        if "collective".startswith(args.family):
            collectives(folder, device)


if __name__ == "__main__":
    main()
