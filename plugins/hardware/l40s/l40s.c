/*
 * hardware/l40s - NVIDIA L40S: its datasheet, the kernels measured on it, and what is assumed.
 */
#include "hardware/analytic.h"

static const struct servsim_option options[] = {
    ANALYTIC_SHEET_OPTIONS,
    ANALYTIC_POWER_OPTIONS("350W", "100W", "125W", "1.84pJ", "175pJ"),
    ANALYTIC_CLUSTER_OPTIONS("12.5GB/s"),
};

/* Inside CUDA graphs, as serving engines run it; us for 4 KiB to 256 MiB. */
static const double all_reduce_2_us[ANALYTIC_SIZES] = {5.6,   5.7,   6.2,   7.4,   9.9,    11.0,   18.1,   32.1,   60.2,
                                                       116.8, 229.4, 449.9, 891.9, 1776.9, 3541.6, 7006.7, 14062.0};

/* By plain NCCL, for the same sizes. */
static const struct analytic_shuffle shuffles[] = {
    {SERVSIM_COLLECTIVE_ALL_GATHER,
     2,
     {6.8, 6.8, 6.8, 8.3, 9.3, 12.4, 18.3, 35.4, 48.5, 71.8, 121.8, 227.6, 439.0, 868.0, 1732.2, 3476.1, 6931.0}},
    {SERVSIM_COLLECTIVE_REDUCE_SCATTER,
     2,
     {5.8, 5.8, 6.8, 8.3, 9.2, 12.5, 18.2, 33.9, 47.5, 72.6, 125.4, 233.9, 459.3, 901.2, 1818.4, 3636.5, 7179.5}},
    {SERVSIM_COLLECTIVE_ALL_TO_ALL,
     2,
     {9.3, 9.3, 9.3, 9.3, 11.5, 17.2, 20.5, 27.2, 43.4, 66.1, 112.4, 205.9, 401.0, 763.5, 1525.0, 3007.7, 6019.9}},
};

static const struct analytic_profile sheet = {
    .name = "NVIDIA L40S",
    .memory_bytes = UINT64_C(46068) << 20,
    .memory_bytes_per_s = 864e9,
    .peak_flops = {[SERVSIM_DTYPE_BF16] = 362e12, [SERVSIM_DTYPE_FP16] = 362e12, [SERVSIM_DTYPE_FP8] = 733e12},
    .sms = 142,
    .l2_bytes = 96e6,
    .gemm = {[ANALYTIC_16BIT] = {.launch_us = 2.0,
                                 .compute_efficiency = 0.706,
                                 .memory_efficiency = 0.800,
                                 .softness = 12.0,
                                 .reread = 0.070,
                                 .tile_loss = 0.020,
                                 .fill_us = 1.45,
                                 .max_split = 2},
             [ANALYTIC_8BIT] = {.launch_us = 2.0,
                                .compute_efficiency = 0.555,
                                .memory_efficiency = 0.698,
                                .softness = 12.0,
                                .reread = 0.059,
                                .tile_loss = 0.000,
                                .fill_us = 4.46,
                                .max_split = 1}},
    .moe = {[ANALYTIC_16BIT] = {.launch_us = 18.3,
                                .compute_efficiency = 0.736,
                                .memory_efficiency = 0.782,
                                .softness = 1.76,
                                .spread = 1.5,
                                .all_rows = 1},
            [ANALYTIC_8BIT] = {.launch_us = 14.5,
                               .compute_efficiency = 0.697,
                               .memory_efficiency = 0.747,
                               .softness = 2.13,
                               .spread = 2.07,
                               .all_rows = 1}},
    .decode_attention = {[ANALYTIC_16BIT] = {.launch_us = 11.4,
                                             .memory_efficiency = 0.825,
                                             .block_bytes_per_s = 27.6e9,
                                             .skew = 0.054,
                                             .padded_rows = 77,
                                             .padded_keys = 115,
                                             .joint = 1},
                         [ANALYTIC_8BIT] = {.launch_us = 11.3,
                                            .memory_efficiency = 0.787,
                                            .skew = 0.054,
                                            .padded_rows = 77,
                                            .padded_keys = 115,
                                            .joint = 1}},
    .prefill_attention = {.launch_us = 7.5, .compute_efficiency = 0.537, .chain = 0.60, .memory_efficiency = 1.66},
    .all_reduce = {{2, 5.3, 19e9, all_reduce_2_us}},
    .all_reduce_count = 1,
    .shuffles = shuffles,
    .shuffle_count = sizeof shuffles / sizeof shuffles[0],
    .link_kind = SERVSIM_LINK_PCIE,
};

ANALYTIC_DEVICE(
    "l40s", "NVIDIA L40S, 45 GiB: datasheet and measured kernels",
    "Datasheet: 362 TFLOP/s dense bf16 and fp16, 733 fp8; 864 GB/s, 45 GiB, 142 SMs, 96 MB of L2; board power 350 W. "
    "Price per hour: not stated.\n"
    "\n"
    "Kernels of aiconfigurator (Apache-2.0) with vLLM 0.24, fitted by tools/fit_kernels.py; errors are "
    "mean absolute ones over the kernels named.\n"
    "GEMM bf16: 1398 kernels, 7.6 %; 2.0 us + the soft maximum (power 12.0) of flops / (0.71 peak) and "
    "bytes / (0.80 bandwidth), 0.07 of the input again for each 128 columns among them, in waves of tiles (loss 0.02, "
    "1.4 us a wave, K in up to 2 parts).\n"
    "GEMM fp8: 1189 kernels, 6.8 %; 2.0 us + the soft maximum (power 12.0) of flops / (0.56 peak) and "
    "bytes / (0.70 bandwidth), 0.06 of the input again for each 128 columns among them, in waves of tiles (loss 0.00, "
    "4.5 us a wave, K in one part).\n"
    "Experts bf16: 353 kernels, 6.2 %; 18.3 us + the soft maximum (power 1.8) of flops / (0.74 peak) and "
    "bytes of the weights of the experts hit / (0.78 bandwidth), gate, up and down together, + 1.5 times "
    "the traffic of all rows, those of other GPUs, too, at the bandwidth; layouts that no memory holds "
    "are left out.\n"
    "Experts fp8: 445 kernels, 6.3 %; 14.5 us + the soft maximum (power 2.1) of flops / (0.70 peak) and "
    "bytes of the weights of the experts hit / (0.75 bandwidth), gate, up and down together, + 2.1 times "
    "the traffic of all rows, those of other GPUs, too, at the bandwidth; layouts that no memory holds "
    "are left out.\n"
    "Decode attention bf16 KV: 1251 kernels, 7.9 %; 11.4 us + bytes / (0.82 bandwidth), at most 28 GB/s "
    "for each KV head of each request where heads are not shared, since contexts are not split then.\n"
    "Decode attention fp8 KV: 1004 kernels, 8.1 %; 11.3 us + bytes / (0.79 bandwidth). Sizes from 1 MB to "
    "2.5 times the L2 are left out, since repeated kernels find them in a warm cache.\n"
    "Prefill attention: 3037 kernels, 10.1 %; 7.5 us + flops of causal pairs / (0.54 peak) + 0.60 times a "
    "tile of 128 queries over its keys on one SM + bytes / (1.66 bandwidth).\n"
    "All-reduce in graphs: 17 kernels, 0.1 %; as vLLM runs it inside CUDA graphs, for 2 ranks: straight "
    "lines between the measured sizes from 4 KiB to 256 MiB, made to grow (where NCCL takes over, too).\n"
    "Other rank counts: a ring fitted to 5.3 us + bytes / 19 GB/s (2 ranks).\n"
    "All-gather, reduce-scatter and all-to-all by plain NCCL: 51 kernels, 1.6 %; for 2 ranks, straight lines between "
    "sizes likewise.\n"
    "\n"
    "Assumed: unequal contexts cost what they do on the RTX PRO 6000, 0.054 of the gap between the mean "
    "and the longest.\n"
    "Assumed: in mixed batches decodes beside prefill are in its kernel, as chunks of one token padded to "
    "77 queries, over their context and 115 keys more, at the rate of prefill: measured on the RTX PRO "
    "6000, whose FlashAttention 2 runs here, too.\n"
    "Assumed: rank counts above 2 are a ring of the link that two cards show. The measured 4 and 8 (2.5 "
    "and 1.1 GB/s) look like the one host that they were measured on.\n"
    "Assumed: MLA reaches the shares that prefill attention does; none was measured here.\n"
    "Assumed: memory is what the driver leaves with ECC on, 46,068 MiB of 48 GiB.\n"
    "Assumed: power. busy power and what arithmetic and memory take are shares of the board power as they are on the "
    "H100, at the peak and the bandwidth; idle power is 100 W: a CUDA context adds 66 W to what the board draws "
    "without one (arXiv 2605.23918).\n" ANALYTIC_PAGE_END("12.5 GB/s"))
