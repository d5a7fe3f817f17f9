/*
 * hardware/h100 - NVIDIA H100 SXM 80GB: its datasheet and measured kernels.
 */
#include "hardware/analytic.h"

static const struct servsim_option options[] = {
    ANALYTIC_CLUSTER_OPTIONS("50GB/s"),
};

static const struct analytic_profile profile = {
    .name = "NVIDIA H100 SXM 80GB",
    .memory_bytes = UINT64_C(80) << 30,
    .memory_bytes_per_s = 3350e9,
    .peak_flops = {[SERVSIM_DTYPE_BF16] = 989e12, [SERVSIM_DTYPE_FP16] = 989e12},
    .gemm = {.launch_us = 3.8, .compute_efficiency = 0.81, .memory_efficiency = 0.88},
    .decode_attention = {.launch_us = 12.5, .memory_efficiency = 0.90},
    .prefill_attention = {.launch_us = 13.1, .compute_efficiency = 0.55},
    /* inside CUDA graphs, as serving engines run it */
    .all_reduce = {{2, 4.3, 259e9}, {4, 4.8, 180e9}, {8, 5.5, 195e9}},
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
    .name = "h100",
    .version = "1.0",
    .summary = "NVIDIA H100 SXM 80GB, 80 GiB: measured kernels",
    .licence = "Apache-2.0",
    .page = "Datasheet: 989 TFLOP/s dense bf16 and fp16, 3350 GB/s, 80 GiB.\n"
            "\n"
            "Fitted to kernels of aiconfigurator (Apache-2.0), vLLM 0.24; errors are mean absolute ones.\n"
            "GEMM: 3.8 us + max(flops / (0.81 peak), bytes / (0.88 bandwidth)), 6.3 %.\n"
            "Decode attention: 12.5 us + bytes / (0.9 bandwidth), 6.2 %.\n"
            "Prefill attention: 13.1 us + flops / (0.55 peak), causal pairs only, 15 % with a term for memory "
            "traffic, which is left out here.\n"
            "All-reduce inside CUDA graphs: 4.3 us + bytes / 259 GB/s for 2 ranks, 4.8 us + bytes / 180 GB/s "
            "for 4 ranks, 5.5 us + bytes / 195 GB/s for 8 ranks. Other counts: a ring fitted to these.\n"
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
