/*
 * hardware/rtxpro6000 - NVIDIA RTX PRO 6000 Blackwell Server Edition: its datasheet and measured kernels.
 */
#include "hardware/analytic.h"

static const struct servsim_option options[] = {
    ANALYTIC_CLUSTER_OPTIONS("12.5GB/s"),
};

static const struct analytic_profile profile = {
    .name = "NVIDIA RTX PRO 6000 Blackwell Server Edition",
    .memory_bytes = UINT64_C(96) << 30,
    .memory_bytes_per_s = 1597e9,
    .peak_flops = {[SERVSIM_DTYPE_BF16] = 503.8e12, [SERVSIM_DTYPE_FP16] = 503.8e12},
    .gemm = {.launch_us = 2.0, .compute_efficiency = 0.78, .memory_efficiency = 0.92},
    .decode_attention = {.launch_us = 12.6, .memory_efficiency = 0.94},
    .prefill_attention = {.launch_us = 8.2, .compute_efficiency = 0.51},
    /* inside CUDA graphs, as serving engines run it */
    .all_reduce = {{2, 4.4, 38e9}, {4, 13.5, 19e9}, {8, 26.0, 13e9}},
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
    .name = "rtxpro6000",
    .version = "1.0",
    .summary = "NVIDIA RTX PRO 6000 Blackwell Server Edition, 96 GiB: measured kernels",
    .licence = "Apache-2.0",
    .page = "Datasheet: 503.8 TFLOP/s dense bf16 and fp16, 1597 GB/s, 96 GiB.\n"
            "\n"
            "Fitted to kernels of aiconfigurator (Apache-2.0), vLLM 0.24; errors are mean absolute ones.\n"
            "GEMM: 2 us + max(flops / (0.78 peak), bytes / (0.92 bandwidth)), 8.2 %.\n"
            "Decode attention: 12.6 us + bytes / (0.94 bandwidth), 7.6 %.\n"
            "Prefill attention: 8.2 us + flops / (0.51 peak), causal pairs only, 17 % with a term for memory "
            "traffic, which is left out here.\n"
            "All-reduce inside CUDA graphs: 4.4 us + bytes / 38 GB/s for 2 ranks, 13.5 us + bytes / 19 GB/s for "
            "4 ranks, 26 us + bytes / 13 GB/s for 8 ranks. Other counts: a ring fitted to these.\n"
            "\n"
            "Memory bandwidth: the Server Edition is quoted with 1597 and with 1792 GB/s; the efficiencies here "
            "are shares of 1597.\n"
            "Assumed: between nodes, 12.5 GB/s and 5 us a step for each GPU, 8 GPUs a node; change them with "
            "gpus_per_node and network.\n"
            "Norms, rotary embedding and activations are part of the engine's overhead per layer.",
    .options = options,
    .create = create,
    .destroy = analytic_destroy,
    .ops = &analytic_ops,
};

SERVSIM_ONE_PLUGIN(plugin)
