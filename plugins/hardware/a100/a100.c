/*
 * hardware/a100 - NVIDIA A100 SXM 80GB: its datasheet, the kernels measured on it, and what is assumed.
 */
#include "hardware/analytic.h"

static const struct servsim_option options[] = {
    ANALYTIC_SHEET_OPTIONS,
    ANALYTIC_POWER_OPTIONS("400W", "69W", "143W", "2.44pJ", "85pJ"),
    ANALYTIC_CLUSTER_OPTIONS("25GB/s"),
};

/* Inside CUDA graphs, as serving engines run it; us for 4 KiB to 256 MiB. */
static const double all_reduce_2_us[ANALYTIC_SIZES] = {5.0,  5.2,  5.2,  5.2,   5.5,   5.7,   6.6,   8.0,   10.7,
                                                       15.2, 25.2, 89.7, 126.3, 222.2, 388.5, 746.1, 1427.6};
static const double all_reduce_4_us[ANALYTIC_SIZES] = {5.3,  5.5,  6.0,   6.0,   6.6,   7.8,   9.9,   14.5,  18.3,
                                                       26.0, 41.5, 118.0, 182.5, 288.1, 540.0, 996.3, 1920.7};
static const double all_reduce_8_us[ANALYTIC_SIZES] = {6.3,  6.3,  6.5,   6.9,   8.4,   11.4,  17.1,   18.9,  21.7,
                                                       27.9, 45.4, 129.0, 214.2, 364.3, 594.2, 1160.9, 2170.2};

/* By plain NCCL, for the same sizes. */
static const struct analytic_shuffle shuffles[] = {
    {SERVSIM_COLLECTIVE_ALL_GATHER,
     2,
     {9.4, 10.5, 11.4, 12.0, 12.4, 12.4, 13.6, 15.6, 19.9, 38.1, 43.3, 59.7, 93.4, 153.7, 266.3, 496.4, 939.0}},
    {SERVSIM_COLLECTIVE_ALL_GATHER,
     4,
     {11.0, 11.8, 13.9, 15.1, 15.4, 15.5, 15.9, 18.6, 22.5, 52.9, 60.7, 73.2, 118.5, 176.5, 325.4, 578.5, 1106.4}},
    {SERVSIM_COLLECTIVE_ALL_GATHER,
     8,
     {14.6, 14.6, 15.8, 19.5, 20.9, 20.9, 21.0, 21.9, 26.8, 33.5, 48.0, 73.5, 135.0, 217.6, 351.6, 660.3, 1216.8}},
    {SERVSIM_COLLECTIVE_REDUCE_SCATTER,
     2,
     {9.4, 9.9, 11.2, 11.5, 11.8, 12.0, 13.0, 15.2, 19.4, 34.9, 41.2, 53.1, 82.3, 134.7, 230.3, 433.7, 826.0}},
    {SERVSIM_COLLECTIVE_REDUCE_SCATTER,
     4,
     {11.2, 11.5, 12.6, 13.7, 13.9, 14.3, 14.3, 16.9, 21.1, 48.7, 56.7, 66.9, 109.3, 165.9, 303.3, 538.7, 1034.8}},
    {SERVSIM_COLLECTIVE_REDUCE_SCATTER,
     8,
     {14.5, 14.5, 15.1, 16.8, 18.0, 18.2, 18.2, 19.1, 23.4, 34.2, 52.0, 79.5, 123.4, 210.0, 327.2, 624.0, 1149.5}},
    {SERVSIM_COLLECTIVE_ALL_TO_ALL,
     2,
     {11.1, 11.6, 12.5, 13.9, 13.9, 14.4, 14.7, 17.2, 22.8, 28.6, 38.2, 56.0, 98.3, 136.5, 243.0, 445.6, 844.5}},
    {SERVSIM_COLLECTIVE_ALL_TO_ALL,
     4,
     {12.4, 12.6, 13.2, 14.1, 14.5, 15.0, 15.7, 18.6, 25.2, 36.1, 41.4, 60.8, 104.4, 172.9, 312.0, 573.5, 1070.6}},
    {SERVSIM_COLLECTIVE_ALL_TO_ALL,
     8,
     {12.6, 12.6, 12.6, 13.3, 14.2, 16.6, 18.4, 19.0, 25.8, 38.6, 64.3, 67.8, 114.3, 191.3, 347.6, 640.5, 1197.9}},
};

static const struct analytic_profile sheet = {
    .name = "NVIDIA A100 SXM 80GB",
    .memory_bytes = UINT64_C(80) << 30,
    .memory_bytes_per_s = 2039e9,
    .peak_flops = {[SERVSIM_DTYPE_BF16] = 312e12, [SERVSIM_DTYPE_FP16] = 312e12},
    .sms = 108,
    .l2_bytes = 40e6,
    .gemm = {[ANALYTIC_16BIT] = {.launch_us = 3.0,
                                 .compute_efficiency = 0.862,
                                 .memory_efficiency = 0.765,
                                 .softness = 3.2,
                                 .tile_loss = 0.064,
                                 .fill_us = 1.74,
                                 .max_split = 4}},
    .moe = {[ANALYTIC_16BIT] = {.launch_us = 28.6,
                                .compute_efficiency = 0.579,
                                .memory_efficiency = 0.825,
                                .softness = 1.68,
                                .spread = 1.71,
                                .all_rows = 1}},
    .decode_attention = {[ANALYTIC_16BIT] = {.launch_us = 17.7,
                                             .memory_efficiency = 0.747,
                                             .block_bytes_per_s = 22.4e9,
                                             .skew = 0.054,
                                             .padded_rows = 77,
                                             .padded_keys = 115,
                                             .joint = 1}},
    .prefill_attention = {.launch_us = 10.7, .compute_efficiency = 0.611, .chain = 1.51, .memory_efficiency = 0.46},
    .all_reduce = {{2, 5.0, 181e9, all_reduce_2_us}, {4, 5.7, 117e9, all_reduce_4_us}, {8, 6.6, 98e9, all_reduce_8_us}},
    .all_reduce_count = 3,
    .shuffles = shuffles,
    .shuffle_count = sizeof shuffles / sizeof shuffles[0],
    .link_kind = SERVSIM_LINK_NVLINK,
};

ANALYTIC_DEVICE(
    "a100", "NVIDIA A100 SXM 80GB, 80 GiB: datasheet and measured kernels",
    "Datasheet: 312 TFLOP/s dense bf16 and fp16; 2039 GB/s, 80 GiB, 108 SMs, 40 MB of L2; board power 400 W. Price per "
    "hour: not stated.\n"
    "\n"
    "Kernels of aiconfigurator (Apache-2.0) with vLLM 0.14 and Vidur (MIT), fitted by "
    "tools/fit_kernels.py; errors are mean absolute ones over the kernels named.\n"
    "GEMM bf16 and fp16: 2836 kernels, 6.9 %; 3.0 us + the soft maximum (power 3.2) of flops / (0.86 "
    "peak) and bytes / (0.76 bandwidth), in waves of tiles (loss 0.06, 1.7 us a wave, K in up to 4 "
    "parts).\n"
    "Experts bf16: 166 kernels, 6.9 %; 28.6 us + the soft maximum (power 1.7) of flops / (0.58 peak) and "
    "bytes of the weights of the experts hit / (0.82 bandwidth), gate, up and down together, + 1.7 times "
    "the traffic of all rows, those of other GPUs, too, at the bandwidth; layouts that no memory holds "
    "are left out.\n"
    "Decode attention bf16 KV: 1103 kernels, 8.9 %; 17.7 us + bytes / (0.75 bandwidth), at most 22 GB/s "
    "for each KV head of each request where heads are not shared, since contexts are not split then. "
    "Sizes from 1 MB to 2.5 times the L2 are left out, since repeated kernels find them in a warm cache.\n"
    "Prefill attention: 2976 kernels, 8.8 %; 10.7 us + flops of causal pairs / (0.61 peak) + 1.51 times a "
    "tile of 128 queries over its keys on one SM + bytes / (0.46 bandwidth).\n"
    "All-reduce in graphs: 51 kernels, 1.4 %; as vLLM runs it inside CUDA graphs, for 2, 4, 8 ranks: "
    "straight lines between the measured sizes from 4 KiB to 256 MiB, made to grow (where NCCL takes "
    "over, too).\n"
    "Other rank counts: a ring fitted to 5.0 us + bytes / 181 GB/s (2 ranks), 5.7 us + bytes / 117 GB/s "
    "(4 ranks), 6.6 us + bytes / 98 GB/s (8 ranks).\n"
    "All-gather, reduce-scatter and all-to-all by plain NCCL: 153 kernels, 0.4 %; for 2, 4, 8 ranks, straight lines "
    "between sizes likewise.\n"
    "\n"
    "Assumed: unequal contexts cost what they do on the RTX PRO 6000, 0.054 of the gap between the mean "
    "and the longest.\n"
    "Assumed: in mixed batches decodes beside prefill are in its kernel, as chunks of one token padded to "
    "77 queries, over their context and 115 keys more, at the rate of prefill: measured on the RTX PRO "
    "6000, whose FlashAttention 2 runs here, too.\n"
    "Assumed: MLA reaches the shares that prefill attention does; none was measured here.\n"
    "Assumed: power. busy power and what arithmetic and memory take are shares of the board power as they are on the "
    "H100, at the peak and the bandwidth; idle power too (69 W).\n" ANALYTIC_PAGE_END("25 GB/s"))
