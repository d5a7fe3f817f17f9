/*
 * hardware/h200 - NVIDIA H200 SXM 141GB: its datasheet, the kernels measured on it, and what is assumed.
 */
#include "hardware/analytic.h"

static const struct servsim_option options[] = {
    ANALYTIC_SHEET_OPTIONS,
    ANALYTIC_POWER_OPTIONS("700W", "120W", "250W", "1.35pJ", "63pJ"),
    ANALYTIC_CLUSTER_OPTIONS("50GB/s"),
};

/* Inside CUDA graphs, as serving engines run it; us for 4 KiB to 256 MiB. */
static const double all_reduce_2_us[ANALYTIC_SIZES] = {4.5,  4.6,  4.6,  4.6,  4.8,   4.8,   5.2,   6.3,  8.4,
                                                       12.4, 20.5, 43.0, 76.6, 144.8, 280.6, 463.0, 887.3};
static const double all_reduce_4_us[ANALYTIC_SIZES] = {4.6,  4.8,  4.8,  4.9,  5.4,   5.8,   7.0,   10.5,  12.1,
                                                       17.8, 29.8, 51.8, 93.8, 179.6, 320.2, 609.0, 1181.6};
static const double all_reduce_8_us[ANALYTIC_SIZES] = {4.8,  5.1,  5.2,  5.7,  6.6,   7.9,   10.1,  11.1,  14.1,
                                                       18.1, 28.4, 48.4, 87.2, 165.9, 323.3, 562.4, 1052.4};

/* By plain NCCL, for the same sizes. */
static const struct analytic_shuffle shuffles[] = {
    {SERVSIM_COLLECTIVE_ALL_GATHER,
     2,
     {5.2, 6.0, 6.0, 6.0, 6.2, 6.3, 7.4, 8.2, 11.3, 16.2, 26.4, 35.6, 54.1, 90.2, 155.8, 288.5, 544.8}},
    {SERVSIM_COLLECTIVE_ALL_GATHER,
     4,
     {7.3, 7.5, 8.6, 8.8, 8.8, 9.0, 9.1, 10.6, 13.5, 18.7, 35.9, 43.7, 63.9, 105.1, 188.4, 344.5, 660.3}},
    {SERVSIM_COLLECTIVE_ALL_GATHER,
     8,
     {10.6, 12.3, 12.3, 13.1, 13.1, 13.6, 13.6, 13.6, 17.0, 24.3, 41.3, 43.2, 66.9, 123.4, 206.3, 379.9, 725.9}},
    {SERVSIM_COLLECTIVE_REDUCE_SCATTER,
     2,
     {5.3, 5.6, 6.0, 6.0, 6.0, 6.0, 7.2, 8.0, 10.4, 15.1, 23.4, 31.6, 50.6, 92.0, 163.9, 305.0, 581.7}},
    {SERVSIM_COLLECTIVE_REDUCE_SCATTER,
     4,
     {7.4, 7.4, 7.9, 7.9, 8.2, 8.2, 8.4, 9.9, 11.7, 17.8, 32.8, 38.8, 58.0, 102.2, 188.7, 348.8, 668.7}},
    {SERVSIM_COLLECTIVE_REDUCE_SCATTER,
     8,
     {10.8, 11.6, 11.6, 11.6, 11.8, 11.8, 13.2, 13.7, 14.4, 19.7, 30.4, 44.7, 69.5, 111.6, 198.8, 375.6, 716.3}},
    {SERVSIM_COLLECTIVE_ALL_TO_ALL,
     2,
     {6.8, 7.2, 7.8, 9.2, 11.5, 13.1, 13.4, 13.4, 13.5, 15.0, 19.8, 29.3, 51.8, 80.4, 137.2, 251.4, 470.3}},
    {SERVSIM_COLLECTIVE_ALL_TO_ALL,
     4,
     {6.8, 7.3, 7.6, 8.1, 10.8, 11.9, 13.7, 13.7, 14.5, 16.5, 23.0, 36.2, 64.8, 107.0, 185.2, 341.9, 652.5}},
    {SERVSIM_COLLECTIVE_ALL_TO_ALL,
     8,
     {7.3, 7.3, 7.3, 9.3, 9.8, 9.8, 14.1, 14.2, 16.2, 17.7, 26.6, 40.3, 73.4, 124.1, 219.1, 403.9, 770.8}},
};

static const struct analytic_profile sheet = {
    .name = "NVIDIA H200 SXM 141GB",
    .memory_bytes = UINT64_C(141) << 30,
    .memory_bytes_per_s = 4800e9,
    .peak_flops = {[SERVSIM_DTYPE_BF16] = 989e12, [SERVSIM_DTYPE_FP16] = 989e12, [SERVSIM_DTYPE_FP8] = 1979e12},
    .sms = 132,
    .l2_bytes = 50e6,
    .gemm = {[ANALYTIC_16BIT] = {.launch_us = 3.1,
                                 .compute_efficiency = 0.853,
                                 .memory_efficiency = 0.830,
                                 .softness = 5.8,
                                 .tile_loss = 0.002,
                                 .fill_us = 0.37,
                                 .max_split = 2},
             [ANALYTIC_8BIT] = {.launch_us = 5.6,
                                .compute_efficiency = 0.719,
                                .memory_efficiency = 0.834,
                                .softness = 3.6,
                                .tile_loss = 0.482,
                                .fill_us = 0.00,
                                .max_split = 2}},
    .moe = {[ANALYTIC_16BIT] = {.launch_us = 35.6,
                                .compute_efficiency = 0.773,
                                .memory_efficiency = 0.907,
                                .softness = 2.06,
                                .spread = 2.6,
                                .all_rows = 1},
            [ANALYTIC_8BIT] = {.launch_us = 35.8,
                               .compute_efficiency = 0.565,
                               .memory_efficiency = 0.889,
                               .softness = 1.59,
                               .spread = 7.35}},
    .decode_attention = {[ANALYTIC_16BIT] = {.launch_us = 12.4, .memory_efficiency = 0.856, .joint = 1},
                         [ANALYTIC_8BIT] = {.launch_us = 14.6, .memory_efficiency = 0.620, .joint = 1}},
    .prefill_attention = {.launch_us = 12.7, .compute_efficiency = 0.711, .chain = 0.84, .memory_efficiency = 0.34},
    .latent_decode = {[ANALYTIC_16BIT] = {.launch_us = 51.5,
                                          .request_us = 11.6,
                                          .passes = 4.1,
                                          .memory_efficiency = 0.604,
                                          .compute_efficiency = 0.843},
                      [ANALYTIC_8BIT] = {.launch_us = 50.2,
                                         .request_us = 7.1,
                                         .passes = 3.4,
                                         .memory_efficiency = 0.329,
                                         .compute_efficiency = 0.995}},
    .latent_prefill = {.launch_us = 39.8, .token_us = 0.108, .head_us = 0.0023},
    .all_reduce = {{2, 4.5, 264e9, all_reduce_2_us},
                   {4, 4.8, 192e9, all_reduce_4_us},
                   {8, 5.5, 209e9, all_reduce_8_us}},
    .all_reduce_count = 3,
    .shuffles = shuffles,
    .shuffle_count = sizeof shuffles / sizeof shuffles[0],
    .link_kind = SERVSIM_LINK_NVLINK,
};

ANALYTIC_DEVICE(
    "h200", "NVIDIA H200 SXM 141GB, 141 GiB: datasheet and measured kernels",
    "Datasheet: 989 TFLOP/s dense bf16 and fp16, 1979 fp8; 4800 GB/s, 141 GiB, 132 SMs, 50 MB of L2; board power 700 "
    "W. Price per hour: not stated.\n"
    "\n"
    "Kernels of aiconfigurator (Apache-2.0) with vLLM 0.24, fitted by tools/fit_kernels.py; errors are "
    "mean absolute ones over the kernels named.\n"
    "GEMM bf16: 1680 kernels, 6.3 %; 3.1 us + the soft maximum (power 5.8) of flops / (0.85 peak) and "
    "bytes / (0.83 bandwidth), in waves of tiles (loss 0.00, 0.4 us a wave, K in up to 2 parts).\n"
    "GEMM fp8: 1680 kernels, 11.2 %; 5.6 us + the soft maximum (power 3.6) of flops / (0.72 peak) and "
    "bytes / (0.83 bandwidth), in waves of tiles (loss 0.48, 0.0 us a wave, K in up to 2 parts).\n"
    "Experts bf16: 630 kernels, 7.8 %; 35.6 us + the soft maximum (power 2.1) of flops / (0.77 peak) and "
    "bytes of the weights of the experts hit / (0.91 bandwidth), gate, up and down together, + 2.6 times "
    "the traffic of all rows, those of other GPUs, too, at the bandwidth; layouts that no memory holds "
    "are left out.\n"
    "Experts fp8 in blocks: 629 kernels, 8.6 %; 35.8 us + the soft maximum (power 1.6) of flops / (0.56 "
    "peak) and bytes of the weights of the experts hit / (0.89 bandwidth), gate, up and down together, + "
    "7.3 times the traffic of the rows at the bandwidth; layouts that no memory holds are left out.\n"
    "Decode attention bf16 KV: 1666 kernels, 9.4 %; 12.4 us + bytes / (0.86 bandwidth), in one kernel "
    "with the prefill of a batch (FlashAttention 3).\n"
    "Decode attention fp8 KV: 1411 kernels, 10.7 %; 14.6 us + bytes / (0.62 bandwidth), in one kernel "
    "with the prefill of a batch (FlashAttention 3). Sizes from 1 MB to 2.5 times the L2 are left out, "
    "since repeated kernels find them in a warm cache.\n"
    "Prefill attention: 3038 kernels, 7.1 %; 12.7 us + flops of causal pairs / (0.71 peak) + 0.84 times a "
    "tile of 128 queries over its keys on one SM + bytes / (0.34 bandwidth).\n"
    "All-reduce in graphs: 51 kernels, 0.3 %; as vLLM runs it inside CUDA graphs, for 2, 4, 8 ranks: "
    "straight lines between the measured sizes from 4 KiB to 256 MiB, made to grow (where NCCL takes "
    "over, too).\n"
    "Other rank counts: a ring fitted to 4.5 us + bytes / 264 GB/s (2 ranks), 4.8 us + bytes / 192 GB/s "
    "(4 ranks), 5.5 us + bytes / 209 GB/s (8 ranks).\n"
    "All-gather, reduce-scatter and all-to-all by plain NCCL: 153 kernels, 1.1 %; for 2, 4, 8 ranks, straight lines "
    "between sizes likewise.\n"
    "\n"
    "MLA: 68 modules of DeepSeek-V3 on 1 to 128 heads with vLLM 0.20 (aiconfigurator), less its GEMMs and 15 us of "
    "small "
    "kernels that the engine has; decode on bf16 KV 3.2 %: 51.5 us + 11.6 us for each request and 64 heads over the "
    "SMs + "
    "4.1 times the traffic of queries and results + bytes / (0.60 bandwidth) or flops / (0.84 peak); on fp8 KV 6.9 %: "
    "50.2 us, 7.1 us, 3.4 times, 0.33 bandwidth. Prefill, 24 modules, 4.7 %: 39.8 us where no decodes are beside it + "
    "0.108 us for each token + 2.3 ns for each of its heads.\n"
    "Assumed: power. busy power and what arithmetic and memory take are shares of the board power as they are on the "
    "H100, at the peak and the bandwidth; idle power too (120 W; one benchmark reports 80 W). Measured power of "
    "decoding spreads widely, from 137 to 300 W (arXiv 2605.11999) to 517 W with 128 requests: measure yours and write "
    "power.\n" ANALYTIC_PAGE_END("50 GB/s"))
