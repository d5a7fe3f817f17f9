/*
 * hardware/a100 - NVIDIA A100 SXM with 80 GB: its datasheet and measured kernels.
 */
#include "hardware/analytic.h"

static const struct servsim_option options[] = {
    ANALYTIC_CLUSTER_OPTIONS("25GB/s"),
};

static const struct analytic_profile a100 = {
    .name = "NVIDIA A100 SXM 80GB",
    .memory_bytes = UINT64_C(80) << 30,
    .memory_bytes_per_s = 2039e9,
    .peak_flops = {[SERVSIM_DTYPE_BF16] = 312e12, [SERVSIM_DTYPE_FP16] = 312e12},
    .gemm = {.launch_us = 6.1, .compute_efficiency = 0.83, .memory_efficiency = 0.75},
    .decode_attention = {.launch_us = 17.9, .memory_efficiency = 0.73},
    .prefill_attention = {.launch_us = 11.4, .compute_efficiency = 0.50},
    /* inside CUDA graphs, as serving engines run it */
    .all_reduce = {{2, 5.0, 181e9}, {4, 5.7, 117e9}, {8, 6.6, 98e9}},
    .all_reduce_count = 3,
};

/* Rank counts that were not measured: (2 x 5.0 + 6 x 5.7 + 14 x 6.6) / (2^2 + 6^2 + 14^2) = 0.58 us a step, and the
   mean of 181 x 2/2, 117 x 6/4 and 98 x 14/8, 176 GB/s. */
static int32_t
create(const struct servsim_host *host, const struct servsim_create *args, void **self, struct servsim_error *err)
{
    (void)host;
    return analytic_create_measured(&a100, args, self, err);
}

static const struct servsim_plugin plugin = {
    SERVSIM_PLUGIN_HEAD(SERVSIM_KIND_HARDWARE, options),
    .name = "a100",
    .version = "1.0",
    .summary = "NVIDIA A100 SXM 80GB: measured GEMM, attention and all-reduce",
    .licence = "Apache-2.0",
    .page = "Datasheet: 312 TFLOP/s dense bf16 and fp16, 2039 GB/s, 80 GiB.\n"
            "\n"
            "Kernels measured by aiconfigurator (Apache-2.0) with vLLM 0.14; errors are mean absolute ones.\n"
            "GEMM: 6.1 us + max(flops / (0.83 peak), bytes / (0.75 bandwidth)), 1,680 kernels, 8.5 %.\n"
            "Decode attention: 17.9 us + bytes / (0.73 bandwidth), 1,103 kernels, 12 %, leaving out 1 to 100 MB of KV, "
            "which re-read a warm cache.\n"
            "Prefill attention: 11.4 us + flops / (0.50 peak), causal pairs only, 3,543 kernels of 64 tokens or more: "
            "23 %, or 17 % with a term for memory traffic, which is left out here. It matters for short chunks.\n"
            "All-reduce inside CUDA graphs: 5.0 us + bytes / 181 GB/s for 2 ranks, 5.7 / 117 for 4, 6.6 / 98 for 8. "
            "Other counts: a ring of 0.58 us a step at 176 GB/s, fitted to these three.\n"
            "\n"
            "Assumed: between nodes, 25 GB/s (200 Gb/s) and 5 us a step for each GPU, 8 GPUs a node; change them with "
            "gpus_per_node and network.\n"
            "Norms, rotary embedding and activations are part of the engine's overhead per layer.",
    .options = options,
    .create = create,
    .destroy = analytic_destroy,
    .ops = &analytic_ops,
};

SERVSIM_ONE_PLUGIN(plugin)
