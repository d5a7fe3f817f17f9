/*
 * hardware/b200 - NVIDIA B200 SXM 180GB: its datasheet and measured kernels.
 */
#include "hardware/analytic.h"

static const struct servsim_option options[] = {
    ANALYTIC_CLUSTER_OPTIONS("50GB/s"),
};

static const struct analytic_profile profile = {
    .name = "NVIDIA B200 SXM 180GB",
    .memory_bytes = UINT64_C(180) << 30,
    .memory_bytes_per_s = 7700e9,
    .peak_flops = {[SERVSIM_DTYPE_BF16] = 2250e12, [SERVSIM_DTYPE_FP16] = 2250e12},
    .gemm = {.launch_us = 3.9, .compute_efficiency = 0.70, .memory_efficiency = 0.83},
    .decode_attention = {.launch_us = 9.0, .memory_efficiency = 0.92},
    .prefill_attention = {.launch_us = 12.0, .compute_efficiency = 0.46},
    /* inside CUDA graphs, as serving engines run it */
    .all_reduce = {{2, 7.0, 419e9}, {4, 7.3, 300e9}, {8, 8.2, 309e9}},
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
    .name = "b200",
    .version = "1.0",
    .summary = "NVIDIA B200 SXM 180GB, 180 GiB: measured kernels",
    .licence = "Apache-2.0",
    .page = "Datasheet: 2250 TFLOP/s dense bf16 and fp16, 7700 GB/s, 180 GiB.\n"
            "\n"
            "Fitted to kernels of aiconfigurator (Apache-2.0), vLLM 0.24; errors are mean absolute ones.\n"
            "GEMM: 3.9 us + max(flops / (0.7 peak), bytes / (0.83 bandwidth)), 8.3 %.\n"
            "Decode attention: 9 us + bytes / (0.92 bandwidth), 4.6 %.\n"
            "Prefill attention: 12 us + flops / (0.46 peak), causal pairs only, 17 % with a term for memory "
            "traffic, which is left out here.\n"
            "All-reduce inside CUDA graphs: 7 us + bytes / 419 GB/s for 2 ranks, 7.3 us + bytes / 300 GB/s for "
            "4 ranks, 8.2 us + bytes / 309 GB/s for 8 ranks. Other counts: a ring fitted to these.\n"
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
