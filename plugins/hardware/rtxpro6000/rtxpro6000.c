/*
 * hardware/rtxpro6000 - NVIDIA RTX PRO 6000 Blackwell Server Edition: its datasheet, the kernels measured on it, and
 * what is assumed.
 */
#include "hardware/analytic.h"

static const struct servsim_option options[] = {
    ANALYTIC_SHEET_OPTIONS,
    ANALYTIC_POWER_OPTIONS("600W", "103W", "214W", "2.27pJ", "162pJ"),
    ANALYTIC_CLUSTER_OPTIONS("12.5GB/s"),
};

/* Inside CUDA graphs, as serving engines run it; us for 4 KiB to 256 MiB. */
static const double all_reduce_2_us[ANALYTIC_SIZES] = {4.5,  4.5,   5.1,   5.4,   6.2,   8.2,    11.1,   17.6,  30.1,
                                                       55.7, 106.0, 244.5, 474.9, 933.0, 1843.7, 3630.2, 7102.8};
static const double all_reduce_4_us[ANALYTIC_SIZES] = {12.7,  13.7,  14.9,  15.8,  16.9,   25.0,   57.3,   76.5,   87.7,
                                                       145.8, 246.9, 462.0, 886.9, 1792.1, 3556.5, 6942.2, 13617.0};
static const double all_reduce_8_us[ANALYTIC_SIZES] = {26.0,   26.6,   27.5,   29.8,   31.2,   49.4,
                                                       84.3,   133.5,  133.5,  222.6,  346.9,  674.6,
                                                       1274.5, 2546.5, 5067.5, 9923.4, 19809.0};

/* By plain NCCL, for the same sizes. */
static const struct analytic_shuffle shuffles[] = {
    {SERVSIM_COLLECTIVE_ALL_GATHER,
     2,
     {6.2, 6.2, 6.2, 6.3, 8.3, 10.3, 14.6, 23.9, 31.2, 47.2, 80.2, 145.5, 277.1, 539.9, 1066.5, 2112.6, 4188.5}},
    {SERVSIM_COLLECTIVE_ALL_GATHER,
     4,
     {9.5, 9.8, 10.4, 10.9, 12.3, 16.6, 24.9, 41.3, 51.5, 78.8, 133.6, 278.1, 549.7, 1095.5, 2170.8, 4318.8, 8595.6}},
    {SERVSIM_COLLECTIVE_ALL_GATHER,
     8,
     {15.3, 15.3, 16.5, 18.4, 19.1, 28.1, 45.7, 75.3, 75.3, 116.9, 183.1, 338.6, 654.6, 1299.6, 2589.9, 5137.9,
      10275.1}},
    {SERVSIM_COLLECTIVE_REDUCE_SCATTER,
     2,
     {6.0, 6.2, 6.2, 7.3, 7.9, 8.4, 13.6, 22.2, 31.2, 48.6, 84.0, 153.6, 293.6, 574.3, 1131.6, 2205.6, 4207.8}},
    {SERVSIM_COLLECTIVE_REDUCE_SCATTER,
     4,
     {9.7, 10.0, 10.4, 10.5, 12.1, 16.5, 25.0, 43.8, 51.3, 83.6, 136.7, 280.6, 546.3, 1082.0, 2165.9, 4335.2, 8686.7}},
    {SERVSIM_COLLECTIVE_REDUCE_SCATTER,
     8,
     {15.7, 16.0, 16.6, 18.5, 18.8, 28.4, 46.4, 72.0, 72.0, 119.3, 177.3, 347.3, 646.8, 1281.5, 2536.4, 5144.6,
      10160.9}},
    {SERVSIM_COLLECTIVE_ALL_TO_ALL,
     2,
     {6.8, 7.1, 8.1, 9.1, 9.3, 11.4, 14.1, 18.5, 29.7, 50.5, 90.5, 168.6, 325.9, 642.1, 1289.7, 2623.6, 5225.9}},
    {SERVSIM_COLLECTIVE_ALL_TO_ALL,
     4,
     {8.2, 8.7, 10.1, 12.1, 16.2, 16.2, 21.0, 31.5, 52.3, 90.4, 166.6, 302.1, 568.9, 1104.3, 2144.5, 4151.8, 8325.8}},
    {SERVSIM_COLLECTIVE_ALL_TO_ALL,
     8,
     {12.7, 12.7, 13.0, 19.5, 26.4, 28.9, 28.9, 44.7, 77.9, 139.5, 260.0, 501.4, 985.8, 1817.7, 3807.0, 6617.6,
      12768.7}},
};

static const struct analytic_profile sheet = {
    .name = "NVIDIA RTX PRO 6000 Blackwell Server Edition",
    .memory_bytes = UINT64_C(96) << 30,
    .memory_bytes_per_s = 1597e9,
    .peak_flops = {[SERVSIM_DTYPE_BF16] = 503.8e12,
                   [SERVSIM_DTYPE_FP16] = 503.8e12,
                   [SERVSIM_DTYPE_FP8] = 1007.6e12,
                   [SERVSIM_DTYPE_MXFP4] = 2015.2e12,
                   [SERVSIM_DTYPE_NVFP4] = 2015.2e12},
    .sms = 188,
    .l2_bytes = 128e6,
    .gemm = {[ANALYTIC_16BIT] = {.launch_us = 2.15,
                                 .compute_efficiency = 0.849,
                                 .memory_efficiency = 0.933,
                                 .softness = 12.0,
                                 .reread = 0.097,
                                 .tile_loss = 0.020,
                                 .fill_us = 2.41,
                                 .max_split = 4},
             [ANALYTIC_8BIT] = {.launch_us = 4.0,
                                .compute_efficiency = 0.826,
                                .memory_efficiency = 0.933,
                                .softness = 3.0,
                                .tile_loss = 0.148,
                                .fill_us = 1.40,
                                .max_split = 2},
             [ANALYTIC_4BIT] = {.launch_us = 7.2,
                                .compute_efficiency = 0.676,
                                .memory_efficiency = 0.721,
                                .softness = 12.0,
                                .tile_loss = 0.090,
                                .fill_us = 0.00,
                                .max_split = 1}},
    .moe = {[ANALYTIC_16BIT] = {.launch_us = 16.2,
                                .compute_efficiency = 0.394,
                                .memory_efficiency = 0.891,
                                .softness = 1.94,
                                .spread = 1.45},
            [ANALYTIC_8BIT] = {.launch_us = 24.1,
                               .compute_efficiency = 0.362,
                               .memory_efficiency = 0.879,
                               .softness = 1.89,
                               .spread = 1.81}},
    .decode_attention = {[ANALYTIC_16BIT] = {.launch_us = 10.9,
                                             .ramp_us = 28.1,
                                             .ramp_blocks = 2.6,
                                             .memory_efficiency = 0.940,
                                             .block_bytes_per_s = 24.8e9,
                                             .skew = 0.054,
                                             .padded_rows = 77,
                                             .padded_keys = 115,
                                             .joint = 1},
                         [ANALYTIC_8BIT] = {.launch_us = 12.5,
                                            .memory_efficiency = 0.942,
                                            .skew = 0.054,
                                            .padded_rows = 77,
                                            .padded_keys = 115,
                                            .joint = 1}},
    .prefill_attention = {.launch_us = 7.5, .compute_efficiency = 0.611, .chain = 0.64, .memory_efficiency = 0.98},
    .all_reduce = {{2, 4.4, 38e9, all_reduce_2_us}, {4, 13.5, 19e9, all_reduce_4_us}, {8, 26.0, 13e9, all_reduce_8_us}},
    .all_reduce_count = 3,
    .shuffles = shuffles,
    .shuffle_count = sizeof shuffles / sizeof shuffles[0],
    .link_kind = SERVSIM_LINK_PCIE,
};

ANALYTIC_DEVICE(
    "rtxpro6000", "NVIDIA RTX PRO 6000 Blackwell Server Edition, 96 GiB: datasheet and measured kernels",
    "Datasheet: 503.8 TFLOP/s dense bf16 and fp16, 1007.6 fp8, 2015.2 fp4; 1597 GB/s, 96 GiB, 188 SMs, 128 MB of L2; "
    "board power 600 W. Price per hour: not stated.\n"
    "\n"
    "Kernels of aiconfigurator (Apache-2.0) with vLLM 0.24 and LLMServingSim's profiler with vLLM (MIT), "
    "fitted by tools/fit_kernels.py; errors are mean absolute ones over the kernels named.\n"
    "GEMM bf16: 1796 kernels, 4.2 %; 2.2 us + the soft maximum (power 12.0) of flops / (0.85 peak) and "
    "bytes / (0.93 bandwidth), 0.10 of the input again for each 128 columns among them, in waves of tiles (loss 0.02, "
    "2.4 us a wave, K in up to 4 parts).\n"
    "GEMM fp8: 1064 kernels, 4.7 %; 4.0 us + the soft maximum (power 3.0) of flops / (0.83 peak) and "
    "bytes / (0.93 bandwidth), in waves of tiles (loss 0.15, 1.4 us a wave, K in up to 2 parts).\n"
    "GEMM nvfp4: 770 kernels, 12.8 %; 7.2 us + the soft maximum (power 12.0) of flops / (0.68 peak) and "
    "bytes / (0.72 bandwidth), in waves of tiles (loss 0.09, 0.0 us a wave, K in one part).\n"
    "Experts bf16: 498 kernels, 9.5 %; 16.2 us + the soft maximum (power 1.9) of flops / (0.39 peak) and "
    "bytes of the weights of the experts hit / (0.89 bandwidth), gate, up and down together, + 1.4 times "
    "the traffic of the rows at the bandwidth; layouts that no memory holds are left out.\n"
    "Experts fp8: 491 kernels, 6.7 %; 24.1 us + the soft maximum (power 1.9) of flops / (0.36 peak) and "
    "bytes of the weights of the experts hit / (0.88 bandwidth), gate, up and down together, + 1.8 times "
    "the traffic of the rows at the bandwidth; layouts that no memory holds are left out.\n"
    "Decode attention bf16 KV: 330 kernels, 4.8 %; 10.9 us + 28 us with 2.6 KV heads of requests on each SM, less in "
    "proportion, + bytes / (0.94 bandwidth), at most 25 GB/s for each KV head of each request where heads are not "
    "shared, since contexts are not split then. Only kernels of LLMServingSim's profiler count: aiconfigurator's, "
    "of a later vLLM, have no such 28 us, and a run of vLLM 0.19 (doc/fidelity.md) sides with the former.\n"
    "Decode attention fp8 KV: 683 kernels, 5.6 %; 12.5 us + bytes / (0.94 bandwidth). Sizes from 1 MB to "
    "2.5 times the L2 are left out, since repeated kernels find them in a warm cache.\n"
    "Unequal contexts: as if 0.054 of the gap between the mean and the longest context were filled (the "
    "skew that LLMServingSim measured with Llama-3.1-8B on this card).\n"
    "Attention of mixed batches: 8554 kernels, 15.3 %; decodes beside prefill are in its kernel, as "
    "chunks of one token padded to 77 queries, over their context and 115 keys more, at the rate of "
    "prefill (FlashAttention 2 splits and packs in batches of decodes alone); the sum of both kernels "
    "would be 30 % off.\n"
    "Prefill attention: 4436 kernels, 10.1 %; 7.5 us + flops of causal pairs / (0.61 peak) + 0.64 times a "
    "tile of 128 queries over its keys on one SM + bytes / (0.98 bandwidth).\n"
    "All-reduce in graphs: 51 kernels, 0.4 %; as vLLM runs it inside CUDA graphs, for 2, 4, 8 ranks: "
    "straight lines between the measured sizes from 4 KiB to 256 MiB, made to grow (where NCCL takes "
    "over, too).\n"
    "Other rank counts: a ring fitted to 4.4 us + bytes / 38 GB/s (2 ranks), 13.5 us + bytes / 19 GB/s (4 "
    "ranks), 26.0 us + bytes / 13 GB/s (8 ranks).\n"
    "All-gather, reduce-scatter and all-to-all by plain NCCL: 153 kernels, 0.8 %; for 2, 4, 8 ranks, straight lines "
    "between sizes likewise.\n"
    "\n"
    "Assumed: the memory bandwidth is 1597 GB/s, of which the efficiencies are shares; other sources say "
    "1792.\n"
    "Assumed: MLA reaches the shares that prefill attention does; none was measured here.\n"
    "Assumed: power. busy power and what arithmetic and memory take are shares of the board power as they are on the "
    "H100, at the peak and the bandwidth; idle power too (103 W).\n" ANALYTIC_PAGE_END("12.5 GB/s"))
