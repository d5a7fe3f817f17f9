/*
 * hardware/a40 - NVIDIA A40: its datasheet, the kernels measured on it, and what is assumed.
 */
#include "hardware/analytic.h"

static const struct servsim_option options[] = {
    ANALYTIC_SHEET_OPTIONS,
    ANALYTIC_BRIDGE_OPTION,
    ANALYTIC_POWER_OPTIONS("300W", "110W", "110W", "3.8pJ", "309pJ"),
    ANALYTIC_CLUSTER_OPTIONS("12.5GB/s"),
};

static const struct analytic_profile sheet = {
    .name = "NVIDIA A40",
    .memory_bytes = UINT64_C(46068) << 20,
    .memory_bytes_per_s = 696e9,
    .peak_flops = {[SERVSIM_DTYPE_BF16] = 149.7e12, [SERVSIM_DTYPE_FP16] = 149.7e12},
    .sms = 84,
    .l2_bytes = 6e6,
    .gemm = {[ANALYTIC_16BIT] = {.launch_us = 2.4,
                                 .compute_efficiency = 0.810,
                                 .memory_efficiency = 0.778,
                                 .softness = 3.4,
                                 .tile_loss = 0.041,
                                 .fill_us = 1.12,
                                 .max_split = 2}},
    .moe = {[ANALYTIC_16BIT] = {.launch_us = 16.2,
                                .compute_efficiency = 0.394,
                                .memory_efficiency = 0.891,
                                .softness = 1.94,
                                .spread = 1.45}},
    .decode_attention = {[ANALYTIC_16BIT] = {.launch_us = 13.1,
                                             .memory_efficiency = 0.915,
                                             .block_bytes_per_s = 24.6e9,
                                             .skew = 0.054,
                                             .padded_rows = 76,
                                             .padded_keys = 110,
                                             .joint = 1}},
    .prefill_attention = {.launch_us = 4.0, .compute_efficiency = 0.646, .chain = 0.40, .memory_efficiency = 0.90},
    .link_kind = SERVSIM_LINK_PCIE,
    .link = ANALYTIC_PEER_LINK,
};

ANALYTIC_DEVICE("a40", "NVIDIA A40, 45 GiB: datasheet and measured kernels",
                "Datasheet: 149.7 TFLOP/s dense bf16 and fp16; 696 GB/s, 45 GiB, 84 SMs, 6 MB of L2; board power 300 "
                "W. Price per hour: not stated.\n"
                "\n"
                "Kernels of Vidur (MIT), fitted by tools/fit_kernels.py; errors are mean absolute ones over the "
                "kernels named.\n"
                "GEMM fp16: 924 kernels, 5.7 %; 2.4 us + the soft maximum (power 3.4) of flops / (0.81 peak) and "
                "bytes / (0.78 bandwidth), in waves of tiles (loss 0.04, 1.1 us a wave, K in up to 2 parts).\n"
                "\n"
                "Assumed: experts are priced as on the RTX PRO 6000 (16.2 us + the soft maximum (power 1.9) of flops "
                "/ (0.39 peak) and weights / (0.89 bandwidth) + 1.4 times the traffic of the rows), since none were "
                "measured on this card.\n"
                "Assumed: decode attention is the line that fits the RTX 4090's (13.1 us + bytes / (0.91 bandwidth), "
                "at most 25 GB/s for each KV head of each request where heads are not shared, since contexts are not "
                "split then), since none was measured on this card. Without what many heads take there to begin and "
                "to end: runs on RTX 3090 and A6000 cards are met less well with it.\n"
                "Assumed: unequal contexts cost what they do on the RTX PRO 6000, 0.054 of the gap between the mean "
                "and the longest.\n"
                "Assumed: in mixed batches decodes beside prefill are in its kernel, as chunks of one token padded to "
                "76 queries, over their context and 110 keys more, at the rate of prefill: measured on the RTX PRO "
                "6000, whose FlashAttention 2 runs here, too.\n"
                "Assumed: prefill attention is that of the RTX A6000 (4.0 us + flops of causal pairs / (0.65 peak) + "
                "0.40 times a tile of 128 queries over its keys on one SM + bytes / (0.90 bandwidth)), since none was "
                "measured on this card.\n"
                "Assumed: memory is what the driver leaves with ECC on, 46,068 MiB of 48 GiB.\n"
                "Assumed: power. busy power and what arithmetic and memory take are shares of the board power as they "
                "are on the RTX A6000, at the peak and the bandwidth; idle power is the 110 W that is reported for a "
                "board with a model loaded and nothing to do (NVIDIA/open-gpu-kernel-modules issue 874; 30 W without a "
                "process), and so busy power is no less.\n" ANALYTIC_PAGE_PCIE ANALYTIC_PAGE_BRIDGE
                    ANALYTIC_PAGE_END("12.5 GB/s"))
