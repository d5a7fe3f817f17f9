/*
 * hardware/l40s - NVIDIA L40S: its datasheet and measured kernels.
 */
#include "hardware/analytic.h"

static const struct servsim_option options[] = {
    ANALYTIC_CLUSTER_OPTIONS("12.5GB/s"),
};

static const struct analytic_profile profile = {
    .name = "NVIDIA L40S",
    .memory_bytes = UINT64_C(48) << 30,
    .memory_bytes_per_s = 864e9,
    .peak_flops = {[SERVSIM_DTYPE_BF16] = 362e12, [SERVSIM_DTYPE_FP16] = 362e12},
    .gemm = {.launch_us = 0.0, .compute_efficiency = 0.62, .memory_efficiency = 0.77},
    .decode_attention = {.launch_us = 11.7, .memory_efficiency = 0.82},
    .prefill_attention = {.launch_us = 8.0, .compute_efficiency = 0.45},
    /* inside CUDA graphs, as serving engines run it */
    .all_reduce = {{2, 5.3, 19e9}},
    .all_reduce_count = 1,
};

static int32_t
create(const struct servsim_host *host, const struct servsim_create *args, void **self, struct servsim_error *err)
{
    (void)host;
    return analytic_create_measured(&profile, args, self, err);
}

static const struct servsim_plugin plugin = {
    SERVSIM_PLUGIN_HEAD(SERVSIM_KIND_HARDWARE, options),
    .name = "l40s",
    .version = "1.0",
    .summary = "NVIDIA L40S, 48 GiB: measured kernels",
    .licence = "Apache-2.0",
    .page = "Datasheet: 362 TFLOP/s dense bf16 and fp16, 864 GB/s, 48 GiB.\n"
            "\n"
            "Fitted to kernels of aiconfigurator (Apache-2.0), vLLM 0.24; errors are mean absolute ones.\n"
            "GEMM: 0 us + max(flops / (0.62 peak), bytes / (0.77 bandwidth)), 11.9 %.\n"
            "Decode attention: 11.7 us + bytes / (0.82 bandwidth), 8.8 %.\n"
            "Prefill attention: 8 us + flops / (0.45 peak), causal pairs only, 15 % with a term for memory "
            "traffic, which is left out here.\n"
            "All-reduce inside CUDA graphs: 5.3 us + bytes / 19 GB/s for 2 ranks. Other counts: a ring of the "
            "same link.\n"
            "\n"
            "Its 4 and 8-rank all-reduce rows (2.5 and 1.1 GB/s) look like the one host that they were measured "
            "on, and are left out.\n"
            "Assumed: between nodes, 12.5 GB/s and 5 us a step for each GPU, 8 GPUs a node; change them with "
            "gpus_per_node and network.\n"
            "Norms, rotary embedding and activations are part of the engine's overhead per layer.",
    .options = options,
    .create = create,
    .destroy = analytic_destroy,
    .ops = &analytic_ops,
};

SERVSIM_ONE_PLUGIN(plugin)
