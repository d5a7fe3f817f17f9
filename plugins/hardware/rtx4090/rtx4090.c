/*
 * hardware/rtx4090 - NVIDIA GeForce RTX 4090: its datasheet and measured kernels.
 */
#include "hardware/analytic.h"

static const struct servsim_option options[] = {
    ANALYTIC_CLUSTER_OPTIONS("12.5GB/s"),
};

static const struct analytic_profile profile = {
    .name = "NVIDIA GeForce RTX 4090",
    .memory_bytes = UINT64_C(24) << 30,
    .memory_bytes_per_s = 1008e9,
    .peak_flops = {[SERVSIM_DTYPE_BF16] = 165.2e12, [SERVSIM_DTYPE_FP16] = 165.2e12},
    .gemm = {.launch_us = 5.2, .compute_efficiency = 0.98, .memory_efficiency = 0.93},
    .decode_attention = {.launch_us = 13.4, .memory_efficiency = 0.88},
    .prefill_attention = {.launch_us = 12.2, .compute_efficiency = 0.69},
    .link = {.bytes_per_s = 25e9}, /* PCIe 4.0 x16: 31.5 GB/s on the wire */
};

static int32_t
create(const struct servsim_host *host, const struct servsim_create *args, void **self, struct servsim_error *err)
{
    (void)host;
    return analytic_create_measured(&profile, args, self, err);
}

static const struct servsim_plugin plugin = {
    SERVSIM_PLUGIN_HEAD(SERVSIM_KIND_HARDWARE, options),
    .name = "rtx4090",
    .version = "1.0",
    .summary = "NVIDIA GeForce RTX 4090, 24 GiB: measured kernels",
    .licence = "Apache-2.0",
    .page = "Datasheet: 165.2 TFLOP/s dense bf16 and fp16, 1008 GB/s, 24 GiB.\n"
            "\n"
            "Fitted to kernels of LLMServingSim profiler (MIT); errors are mean absolute ones.\n"
            "GEMM: 5.2 us + max(flops / (0.98 peak), bytes / (0.93 bandwidth)), 4.3 %.\n"
            "Decode attention: 13.4 us + bytes / (0.88 bandwidth), 11.5 %.\n"
            "Prefill attention: 12.2 us + flops / (0.69 peak), causal pairs only, 18 % with a term for memory "
            "traffic, which is left out here.\n"
            "\n"
            "Assumed: no all-reduce was measured. It is a ring over PCIe 4.0 x16 at 25 GB/s usable each way, "
            "with 1.92 us a step as fitted to RTX PRO 6000 cards over PCIe. GeForce cards of this generation "
            "pass host memory to reach each other, and are slower than that where the host is.\n"
            "Assumed: between nodes, 12.5 GB/s and 5 us a step for each GPU, 8 GPUs a node; change them with "
            "gpus_per_node and network.\n"
            "Norms, rotary embedding and activations are part of the engine's overhead per layer.",
    .options = options,
    .create = create,
    .destroy = analytic_destroy,
    .ops = &analytic_ops,
};

SERVSIM_ONE_PLUGIN(plugin)
