/*
 * hardware/h200 - NVIDIA H200 SXM 141GB: its datasheet and measured kernels.
 */
#include "hardware/analytic.h"

static const struct servsim_option options[] = {
    ANALYTIC_CLUSTER_OPTIONS("50GB/s"),
};

static const struct analytic_profile profile = {
    .name = "NVIDIA H200 SXM 141GB",
    .memory_bytes = UINT64_C(141) << 30,
    .memory_bytes_per_s = 4800e9,
    .peak_flops = {[SERVSIM_DTYPE_BF16] = 989e12, [SERVSIM_DTYPE_FP16] = 989e12},
    .gemm = {.launch_us = 4.1, .compute_efficiency = 0.79, .memory_efficiency = 0.85},
    .decode_attention = {.launch_us = 12.5, .memory_efficiency = 0.86},
    .prefill_attention = {.launch_us = 12.9, .compute_efficiency = 0.55},
    /* inside CUDA graphs, as serving engines run it */
    .all_reduce = {{2, 4.5, 264e9}, {4, 4.8, 192e9}, {8, 5.5, 209e9}},
    .all_reduce_count = 3,
};

static int32_t
create(const struct servsim_host *host, const struct servsim_create *args, void **self, struct servsim_error *err)
{
    (void)host;
    return analytic_create_measured(&profile, args, self, err);
}

static const struct servsim_plugin plugin = {
    SERVSIM_PLUGIN_HEAD(SERVSIM_KIND_HARDWARE, options),
    .name = "h200",
    .version = "1.0",
    .summary = "NVIDIA H200 SXM 141GB, 141 GiB: measured kernels",
    .licence = "Apache-2.0",
    .page = "Datasheet: 989 TFLOP/s dense bf16 and fp16, 4800 GB/s, 141 GiB.\n"
            "\n"
            "Fitted to kernels of aiconfigurator (Apache-2.0), vLLM 0.24; errors are mean absolute ones.\n"
            "GEMM: 4.1 us + max(flops / (0.79 peak), bytes / (0.85 bandwidth)), 6.7 %.\n"
            "Decode attention: 12.5 us + bytes / (0.86 bandwidth), 7.6 %.\n"
            "Prefill attention: 12.9 us + flops / (0.55 peak), causal pairs only, 14 % with a term for memory "
            "traffic, which is left out here.\n"
            "All-reduce inside CUDA graphs: 4.5 us + bytes / 264 GB/s for 2 ranks, 4.8 us + bytes / 192 GB/s "
            "for 4 ranks, 5.5 us + bytes / 209 GB/s for 8 ranks. Other counts: a ring fitted to these.\n"
            "\n"
            "Assumed: between nodes, 50 GB/s and 5 us a step for each GPU, 8 GPUs a node; change them with "
            "gpus_per_node and network.\n"
            "Norms, rotary embedding and activations are part of the engine's overhead per layer.",
    .options = options,
    .create = create,
    .destroy = analytic_destroy,
    .ops = &analytic_ops,
};

SERVSIM_ONE_PLUGIN(plugin)
