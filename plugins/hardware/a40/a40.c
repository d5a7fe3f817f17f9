/*
 * hardware/a40 - NVIDIA A40: its datasheet and measured kernels.
 */
#include "hardware/analytic.h"

static const struct servsim_option options[] = {
    ANALYTIC_BRIDGE_OPTION,
    ANALYTIC_CLUSTER_OPTIONS("12.5GB/s"),
};

static const struct analytic_profile profile = {
    .name = "NVIDIA A40",
    .memory_bytes = UINT64_C(48) << 30,
    .memory_bytes_per_s = 696e9,
    .peak_flops = {[SERVSIM_DTYPE_BF16] = 149.7e12, [SERVSIM_DTYPE_FP16] = 149.7e12},
    .gemm = {.launch_us = 3.8, .compute_efficiency = 0.72, .memory_efficiency = 0.77},
    .decode_attention = {.launch_us = 13.4, .memory_efficiency = 0.88},
    .prefill_attention = {.launch_us = 3.3, .compute_efficiency = 0.44},
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
    .name = "a40",
    .version = "1.0",
    .summary = "NVIDIA A40, 48 GiB: measured kernels",
    .licence = "Apache-2.0",
    .page = "Datasheet: 149.7 TFLOP/s dense bf16 and fp16, 696 GB/s, 48 GiB.\n"
            "\n"
            "Fitted to kernels of Vidur (MIT), fp16; errors are mean absolute ones.\n"
            "GEMM: 3.8 us + max(flops / (0.72 peak), bytes / (0.77 bandwidth)), 7.4 %.\n"
            "Decode attention: 13.4 us + bytes / (0.88 bandwidth), borrowed.\n"
            "Prefill attention: 3.3 us + flops / (0.44 peak), causal pairs only, borrowed.\n"
            "\n"
            "Assumed: decode attention is that of the RTX 4090 and prefill attention that of the RTX A6000, "
            "since neither was measured on this card.\n"
            "Assumed: no all-reduce was measured. It is a ring over PCIe 4.0 x16 at 25 GB/s usable each way, "
            "with 1.92 us a step as fitted to RTX PRO 6000 cards over PCIe. With link: nvlink_bridge, groups of "
            "two use the bridge at 56.25 GB/s each way (datasheet: 112.5 GB/s both ways together, not "
            "measured).\n"
            "Assumed: between nodes, 12.5 GB/s and 5 us a step for each GPU, 8 GPUs a node; change them with "
            "gpus_per_node and network.\n"
            "Norms, rotary embedding and activations are part of the engine's overhead per layer.",
    .options = options,
    .create = create,
    .destroy = analytic_destroy,
    .ops = &analytic_ops,
};

SERVSIM_ONE_PLUGIN(plugin)
