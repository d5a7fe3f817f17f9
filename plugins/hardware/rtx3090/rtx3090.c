/*
 * hardware/rtx3090 - NVIDIA GeForce RTX 3090: its datasheet, the kernels measured on it, and what is assumed.
 */
#include "hardware/analytic.h"

static const struct servsim_option options[] = {
    ANALYTIC_SHEET_OPTIONS,
    ANALYTIC_BRIDGE_OPTION,
    ANALYTIC_POWER_OPTIONS("350W", "25W", "117W", "9.4pJ", "268pJ"),
    ANALYTIC_CLUSTER_OPTIONS("12.5GB/s"),
};

static const struct analytic_profile sheet = {
    .name = "NVIDIA GeForce RTX 3090",
    .memory_bytes = UINT64_C(24) << 30,
    .memory_bytes_per_s = 936e9,
    .peak_flops = {[SERVSIM_DTYPE_BF16] = 71.2e12, [SERVSIM_DTYPE_FP16] = 71.2e12},
    .sms = 82,
    .l2_bytes = 6e6,
    .gemm = {[ANALYTIC_16BIT] =
                 {.launch_us = 6.0, .compute_efficiency = 0.870, .memory_efficiency = 0.872, .softness = 4.5}},
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
    .prefill_attention = {.launch_us = 5.4, .compute_efficiency = 0.907, .chain = 0.40, .memory_efficiency = 0.90},
    .link_kind = SERVSIM_LINK_PCIE,
    .link = ANALYTIC_HOST_LINK,
};

ANALYTIC_DEVICE("rtx3090", "NVIDIA GeForce RTX 3090, 24 GiB: datasheet and measured kernels",
                "Datasheet: 71.2 TFLOP/s dense bf16 and fp16; 936 GB/s, 24 GiB, 82 SMs, 6 MB of L2; board power 350 W. "
                "Price per hour: not stated.\n"
                "\n"
                "Kernels of LLMServingSim v0 (MIT), fitted by tools/fit_kernels.py; errors are mean absolute ones "
                "over the kernels named.\n"
                "GEMM bf16: 168 kernels, 8.9 %; 6.0 us + the soft maximum (power 4.5) of flops / (0.87 peak) and "
                "bytes / (0.87 bandwidth).\n"
                "Prefill attention: 16 kernels, 13.9 %; 5.4 us + flops of causal pairs / (0.91 peak) + 0.40 times a "
                "tile of 128 queries over its keys on one SM + bytes / (0.90 bandwidth).\n"
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
                "Assumed: the last two terms of prefill attention are those of the RTX 4090, since no kernel behind a "
                "context was measured on this card.\n"
                "Assumed: power. busy power and what arithmetic and memory take are shares of the board power as they "
                "are on the RTX A6000, at the peak and the bandwidth; idle power is 25 W: 16 to 31 W are reported for "
                "boards with a model loaded (noonghunna/club-3090 issues 747 and 1106).\n" ANALYTIC_PAGE_HOST
                    ANALYTIC_PAGE_BRIDGE ANALYTIC_PAGE_END("12.5 GB/s"))
