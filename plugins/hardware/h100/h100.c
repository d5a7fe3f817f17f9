/*
 * hardware/h100 - NVIDIA H100 SXM 80GB: its datasheet, the kernels measured on it, and what is assumed.
 */
#include "hardware/analytic.h"

static const struct servsim_option options[] = {
    ANALYTIC_SHEET_OPTIONS,
    ANALYTIC_POWER_OPTIONS("700W", "120W", "250W", "1.35pJ", "90pJ"),
    ANALYTIC_CLUSTER_OPTIONS("50GB/s"),
};

/* Inside CUDA graphs, as serving engines run it; us for 4 KiB to 256 MiB. */
static const double all_reduce_2_us[ANALYTIC_SIZES] = {4.3,  4.4,  4.4,  4.4,  4.5,   4.8,   5.2,   6.3,  8.3,
                                                       12.4, 20.2, 45.0, 81.4, 156.3, 306.7, 468.8, 885.4};
static const double all_reduce_4_us[ANALYTIC_SIZES] = {4.7,  4.8,  4.8,  4.9,  5.2,   5.8,   7.2,   11.4,  12.8,
                                                       18.6, 30.2, 53.5, 98.8, 191.2, 329.9, 618.8, 1180.4};
static const double all_reduce_8_us[ANALYTIC_SIZES] = {5.1,  5.1,  5.3,  5.6,  6.4,   7.9,   10.8,  12.0,  15.0,
                                                       19.4, 30.8, 50.7, 92.4, 177.8, 344.0, 577.4, 1091.0};

/* By plain NCCL, for the same sizes. */
static const struct analytic_shuffle shuffles[] = {
    {SERVSIM_COLLECTIVE_ALL_GATHER,
     2,
     {5.3, 5.8, 6.2, 6.3, 6.4, 6.6, 7.6, 8.3, 11.3, 16.6, 27.0, 36.3, 56.0, 92.9, 159.2, 292.5, 548.5}},
    {SERVSIM_COLLECTIVE_ALL_GATHER,
     4,
     {7.4, 7.6, 8.5, 8.8, 9.0, 9.1, 9.2, 10.7, 13.6, 19.1, 37.0, 45.4, 66.2, 109.4, 195.1, 350.3, 660.7}},
    {SERVSIM_COLLECTIVE_ALL_GATHER,
     8,
     {10.6, 10.6, 11.2, 13.1, 13.1, 13.6, 13.6, 15.4, 17.1, 22.2, 33.4, 44.9, 68.9, 125.5, 208.1, 392.8, 728.8}},
    {SERVSIM_COLLECTIVE_REDUCE_SCATTER,
     2,
     {5.3, 5.8, 6.0, 6.2, 6.3, 6.3, 7.3, 8.3, 10.7, 15.4, 23.8, 32.4, 53.2, 95.7, 169.1, 311.5, 585.1}},
    {SERVSIM_COLLECTIVE_REDUCE_SCATTER,
     4,
     {7.3, 7.4, 7.9, 8.0, 8.2, 8.5, 10.1, 10.1, 11.6, 17.5, 32.9, 38.5, 59.3, 106.3, 194.6, 355.2, 678.4}},
    {SERVSIM_COLLECTIVE_REDUCE_SCATTER,
     8,
     {10.5, 10.5, 10.9, 11.5, 11.7, 12.0, 12.2, 12.3, 14.6, 17.9, 29.9, 43.8, 69.7, 111.3, 200.8, 382.2, 721.7}},
    {SERVSIM_COLLECTIVE_ALL_TO_ALL,
     2,
     {6.5, 6.8, 8.0, 9.1, 12.0, 14.0, 14.2, 14.4, 14.8, 15.5, 21.2, 31.2, 53.0, 81.2, 139.8, 259.6, 494.7}},
    {SERVSIM_COLLECTIVE_ALL_TO_ALL,
     4,
     {7.1, 7.1, 7.5, 8.8, 9.6, 12.5, 14.3, 14.9, 15.6, 17.4, 24.8, 39.3, 68.9, 110.9, 192.3, 364.8, 702.3}},
    {SERVSIM_COLLECTIVE_ALL_TO_ALL,
     8,
     {7.5, 7.5, 8.7, 8.7, 8.7, 9.7, 12.9, 14.8, 15.6, 18.6, 26.2, 41.4, 75.7, 124.9, 221.3, 402.4, 763.9}},
};

static const struct analytic_profile sheet = {
    .name = "NVIDIA H100 SXM 80GB",
    .memory_bytes = UINT64_C(80) << 30,
    .memory_bytes_per_s = 3350e9,
    .peak_flops = {[SERVSIM_DTYPE_BF16] = 989e12, [SERVSIM_DTYPE_FP16] = 989e12, [SERVSIM_DTYPE_FP8] = 1979e12},
    .sms = 132,
    .l2_bytes = 50e6,
    .gemm = {[ANALYTIC_16BIT] = {.launch_us = 3.3,
                                 .compute_efficiency = 0.833,
                                 .memory_efficiency = 0.884,
                                 .softness = 4.0,
                                 .tile_loss = 0.105,
                                 .fill_us = 0.44,
                                 .max_split = 2},
             [ANALYTIC_8BIT] = {.launch_us = 5.1,
                                .compute_efficiency = 0.642,
                                .memory_efficiency = 0.798,
                                .softness = 2.9,
                                .tile_loss = 0.000,
                                .fill_us = 0.13,
                                .max_split = 1}},
    .moe = {[ANALYTIC_16BIT] = {.launch_us = 36.8,
                                .compute_efficiency = 0.740,
                                .memory_efficiency = 0.904,
                                .softness = 1.67,
                                .spread = 1.86,
                                .all_rows = 1},
            [ANALYTIC_8BIT] = {.launch_us = 35.5,
                               .compute_efficiency = 0.527,
                               .memory_efficiency = 0.874,
                               .softness = 2.45,
                               .spread = 6.65}},
    .decode_attention = {[ANALYTIC_16BIT] = {.launch_us = 12.7, .memory_efficiency = 0.916, .joint = 1},
                         [ANALYTIC_8BIT] = {.launch_us = 14.8, .memory_efficiency = 0.800, .joint = 1}},
    .prefill_attention = {.launch_us = 11.9, .compute_efficiency = 0.754, .chain = 0.89, .memory_efficiency = 0.43},
    .latent_decode = {[ANALYTIC_16BIT] = {.launch_us = 51.5,
                                          .request_us = 11.6,
                                          .passes = 4.1,
                                          .memory_efficiency = 0.866,
                                          .compute_efficiency = 0.843},
                      [ANALYTIC_8BIT] = {.launch_us = 50.2,
                                         .request_us = 7.1,
                                         .passes = 3.4,
                                         .memory_efficiency = 0.471,
                                         .compute_efficiency = 0.995}},
    .latent_prefill = {.launch_us = 39.8, .token_us = 0.108, .head_us = 0.0023},
    .all_reduce = {{2, 4.3, 259e9, all_reduce_2_us},
                   {4, 4.8, 180e9, all_reduce_4_us},
                   {8, 5.5, 195e9, all_reduce_8_us}},
    .all_reduce_count = 3,
    .shuffles = shuffles,
    .shuffle_count = sizeof shuffles / sizeof shuffles[0],
    .link_kind = SERVSIM_LINK_NVLINK,
};

ANALYTIC_DEVICE(
    "h100", "NVIDIA H100 SXM 80GB, 80 GiB: datasheet and measured kernels",
    "Datasheet: 989 TFLOP/s dense bf16 and fp16, 1979 fp8; 3350 GB/s, 80 GiB, 132 SMs, 50 MB of L2; board power 700 W. "
    "Price per hour: not stated.\n"
    "\n"
    "Kernels of aiconfigurator (Apache-2.0) with vLLM 0.24, Vidur (MIT), LLMServingSim v0 (MIT) and "
    "inference-sim (Apache-2.0), fitted by tools/fit_kernels.py; errors are mean absolute ones over the "
    "kernels named.\n"
    "GEMM bf16 and fp16: 3012 kernels, 7.3 %; 3.3 us + the soft maximum (power 4.0) of flops / (0.83 "
    "peak) and bytes / (0.88 bandwidth), in waves of tiles (loss 0.10, 0.4 us a wave, K in up to 2 "
    "parts).\n"
    "GEMM fp8: 1760 kernels, 10.6 %; 5.1 us + the soft maximum (power 2.9) of flops / (0.64 peak) and "
    "bytes / (0.80 bandwidth), in waves of tiles (loss 0.00, 0.1 us a wave, K in one part).\n"
    "Experts bf16: 505 kernels, 6.4 %; 36.8 us + the soft maximum (power 1.7) of flops / (0.74 peak) and "
    "bytes of the weights of the experts hit / (0.90 bandwidth), gate, up and down together, + 1.9 times "
    "the traffic of all rows, those of other GPUs, too, at the bandwidth; layouts that no memory holds "
    "are left out.\n"
    "Experts fp8 in blocks: 530 kernels, 6.7 %; 35.5 us + the soft maximum (power 2.5) of flops / (0.53 "
    "peak) and bytes of the weights of the experts hit / (0.87 bandwidth), gate, up and down together, + "
    "6.7 times the traffic of the rows at the bandwidth; layouts that no memory holds are left out.\n"
    "Decode attention bf16 KV: 2294 kernels, 6.4 %; 12.7 us + bytes / (0.92 bandwidth), in one kernel "
    "with the prefill of a batch (FlashAttention 3).\n"
    "Decode attention fp8 KV: 1411 kernels, 9.9 %; 14.8 us + bytes / (0.80 bandwidth), in one kernel with "
    "the prefill of a batch (FlashAttention 3). Sizes from 1 MB to 2.5 times the L2 are left out, since "
    "repeated kernels find them in a warm cache.\n"
    "Prefill attention: 3102 kernels, 8.5 %; 11.9 us + flops of causal pairs / (0.75 peak) + 0.89 times a "
    "tile of 128 queries over its keys on one SM + bytes / (0.43 bandwidth).\n"
    "All-reduce in graphs: 51 kernels, 0.4 %; as vLLM runs it inside CUDA graphs, for 2, 4, 8 ranks: "
    "straight lines between the measured sizes from 4 KiB to 256 MiB, made to grow (where NCCL takes "
    "over, too).\n"
    "Other rank counts: a ring fitted to 4.3 us + bytes / 259 GB/s (2 ranks), 4.8 us + bytes / 180 GB/s "
    "(4 ranks), 5.5 us + bytes / 195 GB/s (8 ranks).\n"
    "All-gather, reduce-scatter and all-to-all by plain NCCL: 153 kernels, 0.8 %; for 2, 4, 8 ranks, "
    "straight lines between sizes likewise.\n"
    "\n"
    "Assumed: MLA takes what it does on the H200, whose SMs are the same, bytes a second included: 2.9 "
    "TB/s of bf16 KV, 1.58 "
    "of fp8.\n"
    "Power: 250 W while busy + 1.35 pJ for each operation + 90 pJ for each byte, on average at most 700 W, fitted to "
    "25 runs of vLLM on the ML.ENERGY leaderboard (Apache-2.0; Llama 3.1 8B and 70B, Llama 3.3 70B, Qwen3 14B, 8 to "
    "766 requests at once), by the throughput and batch of each run, prompts taken as 120 tokens: mean absolute error "
    "8.3 %, at most 18.6 %.\n"
    "Assumed: idle, 120 W: 68 to 73 W are reported for boards without a process, and a CUDA context adds 26 to 50 W on "
    "boards with HBM, whatever lies in memory (arXiv 2605.23918).\n" ANALYTIC_PAGE_END("50 GB/s"))
