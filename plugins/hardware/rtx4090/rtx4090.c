/*
 * hardware/rtx4090 - NVIDIA GeForce RTX 4090: its datasheet, the kernels measured on it, and what is assumed.
 */
#include "hardware/analytic.h"

static const struct servsim_option options[] = {
    ANALYTIC_SHEET_OPTIONS,
    ANALYTIC_POWER_OPTIONS("450W", "77W", "161W", "5.2pJ", "192pJ"),
    ANALYTIC_CLUSTER_OPTIONS("12.5GB/s"),
};

static const struct analytic_profile sheet = {
    .name = "NVIDIA GeForce RTX 4090",
    .memory_bytes = UINT64_C(24) << 30,
    .memory_bytes_per_s = 1008e9,
    .peak_flops = {[SERVSIM_DTYPE_BF16] = 165.2e12, [SERVSIM_DTYPE_FP16] = 165.2e12, [SERVSIM_DTYPE_FP8] = 330.3e12},
    .sms = 128,
    .l2_bytes = 72e6,
    .gemm = {[ANALYTIC_16BIT] =
                 {.launch_us = 4.9, .compute_efficiency = 1.006, .memory_efficiency = 0.935, .softness = 3.4}},
    .moe = {[ANALYTIC_16BIT] = {.launch_us = 16.2,
                                .compute_efficiency = 0.394,
                                .memory_efficiency = 0.891,
                                .softness = 1.94,
                                .spread = 1.45}},
    .decode_attention = {[ANALYTIC_16BIT] = {.launch_us = 9.0,
                                             .ramp_us = 37.4,
                                             .ramp_blocks = 2.3,
                                             .memory_efficiency = 0.942,
                                             .block_bytes_per_s = 24.6e9,
                                             .skew = 0.054,
                                             .padded_rows = 77,
                                             .padded_keys = 115,
                                             .joint = 1}},
    .prefill_attention = {.launch_us = 7.8, .compute_efficiency = 0.942, .chain = 0.39, .memory_efficiency = 0.91},
    .link_kind = SERVSIM_LINK_PCIE,
    .link = ANALYTIC_HOST_LINK,
};

ANALYTIC_DEVICE(
    "rtx4090", "NVIDIA GeForce RTX 4090, 24 GiB: datasheet and measured kernels",
    "Datasheet: 165.2 TFLOP/s dense bf16 and fp16, 330.3 fp8; 1008 GB/s, 24 GiB, 128 SMs, 72 MB of L2; board power 450 "
    "W. Price per hour: not stated.\n"
    "\n"
    "Kernels of LLMServingSim's profiler with vLLM (MIT), fitted by tools/fit_kernels.py; errors are mean "
    "absolute ones over the kernels named.\n"
    "GEMM bf16: 88 kernels, 3.3 %; 4.9 us + the soft maximum (power 3.4) of flops / (1.01 peak) and bytes "
    "/ (0.94 bandwidth).\n"
    "Decode attention bf16 KV: 38 kernels, 3.9 %; 9.0 us + 37 us with 2.3 KV heads of requests on each SM, "
    "less in proportion, + bytes / (0.94 bandwidth), at most 25 GB/s for "
    "each KV head of each request where heads are not shared, since contexts are not split then. Sizes "
    "from 1 MB to 2.5 times the L2 are left out, since repeated kernels find them in a warm cache.\n"
    "Prefill attention: 96 kernels, 13.8 %; 7.8 us + flops of causal pairs / (0.94 peak) + 0.39 times a "
    "tile of 128 queries over its keys on one SM + bytes / (0.91 bandwidth).\n"
    "\n"
    "Assumed: GEMM in fp8 reaches the same shares of its peak as in 16 bits; none was measured.\n"
    "Assumed: experts are priced as on the RTX PRO 6000 (16.2 us + the soft maximum (power 1.9) of flops "
    "/ (0.39 peak) and weights / (0.89 bandwidth) + 1.4 times the traffic of the rows), since none were "
    "measured on this card.\n"
    "Assumed: unequal contexts cost what they do on the RTX PRO 6000, 0.054 of the gap between the mean "
    "and the longest.\n"
    "Assumed: in mixed batches decodes beside prefill are in its kernel, as chunks of one token padded to "
    "77 queries, over their context and 115 keys more, at the rate of prefill: measured on the RTX PRO "
    "6000, whose FlashAttention 2 runs here, too.\n"
    "Assumed: power. busy power and what arithmetic and memory take are shares of the board power as they are on the "
    "H100, at the peak and the bandwidth; idle power too (77 W). Boards whose driver lowers the clocks while nothing "
    "runs fall to some 22 W: write power: {idle: 22W} for them.\n" ANALYTIC_PAGE_HOST ANALYTIC_PAGE_END("12.5 GB/s"))
