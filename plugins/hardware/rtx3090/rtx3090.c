/*
 * hardware/rtx3090 - NVIDIA GeForce RTX 3090: its datasheet, measured kernels where there are any, and what is assumed.
 */
#include "hardware/analytic.h"

static const struct servsim_option options[] = {
    ANALYTIC_BRIDGE_OPTION,
    ANALYTIC_CLUSTER_OPTIONS("12.5GB/s"),
};

/* GeForce tensor cores run fp16 and bf16 at the same rate where they add up in fp32, as serving kernels do. */
static const struct analytic_profile rtx3090 = {
    .name = "NVIDIA GeForce RTX 3090",
    .memory_bytes = UINT64_C(24) << 30,
    .memory_bytes_per_s = 936e9,
    .peak_flops = {[SERVSIM_DTYPE_BF16] = 71.2e12, [SERVSIM_DTYPE_FP16] = 71.2e12},
    .gemm = {.launch_us = 9.6, .compute_efficiency = 0.86, .memory_efficiency = 0.89},
    .decode_attention = {.launch_us = 13.4, .memory_efficiency = 0.88}, /* the RTX 4090's */
    .prefill_attention = {.launch_us = 6.7, .compute_efficiency = 0.60},
    .link = {.bytes_per_s = 25e9}, /* PCIe 4.0 x16: 31.5 GB/s on the wire */
};

static int32_t
create(const struct servsim_host *host, const struct servsim_create *args, void **self, struct servsim_error *err)
{
    (void)host;
    return analytic_create_measured(&rtx3090, args, self, err);
}

static const struct servsim_plugin plugin = {
    SERVSIM_PLUGIN_HEAD(SERVSIM_KIND_HARDWARE, options),
    .name = "rtx3090",
    .version = "1.0",
    .summary = "NVIDIA GeForce RTX 3090, 24 GiB: measured GEMM and prefill, decode attention borrowed",
    .licence = "Apache-2.0",
    .page = "Datasheet: 71.2 TFLOP/s dense bf16 (the same for fp16 with fp32 accumulation), 936 GB/s, 24 GiB.\n"
            "\n"
            "GEMM: 9.6 us + max(flops / (0.86 peak), bytes / (0.89 bandwidth)), fitted to 168 kernels of Llama-3.1-8B "
            "(LLMServingSim v0 profile, MIT; outputs at least 1,024 wide) with a mean absolute error of 9.3 %.\n"
            "Prefill attention: 6.7 us + flops / (0.60 peak), causal pairs only, fitted to 12 kernels of the same "
            "profile of 64 tokens or more, 17 %.\n"
            "\n"
            "Assumed: decode attention, 13.4 us + bytes / (0.88 bandwidth), is that of the RTX 4090 (11.5 % there), "
            "since none was measured on this card.\n"
            "Assumed: no all-reduce was measured. It is a ring over PCIe 4.0 x16 at 25 GB/s usable each way, with "
            "1.92 us a step as fitted to the all-reduce of RTX PRO 6000 cards over PCIe (aiconfigurator, Apache-2.0). "
            "Cards that must pass host memory to reach each other are slower than that.\n"
            "Assumed: with link: nvlink_bridge, groups of two use the bridge at 56.25 GB/s each way (datasheet: 112.5 "
            "GB/s both ways together, not measured); a bridge joins two cards only, so larger groups stay on PCIe.\n"
            "Assumed: between nodes, 12.5 GB/s (100 Gb/s) and 5 us a step for each GPU, 8 GPUs a node; change them "
            "with gpus_per_node and network.\n"
            "Norms, rotary embedding and activations are part of the engine's overhead per layer.",
    .options = options,
    .create = create,
    .destroy = analytic_destroy,
    .ops = &analytic_ops,
};

SERVSIM_ONE_PLUGIN(plugin)
