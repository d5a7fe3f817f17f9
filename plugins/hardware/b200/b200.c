/*
 * hardware/b200 - NVIDIA B200 SXM 180GB: its datasheet, the kernels measured on it, and what is assumed.
 */
#include "hardware/analytic.h"

static const struct servsim_option options[] = {
    ANALYTIC_SHEET_OPTIONS,
    ANALYTIC_POWER_OPTIONS("1000W", "171W", "280W", "0.78pJ", "127pJ"),
    ANALYTIC_CLUSTER_OPTIONS("50GB/s"),
};

/* Inside CUDA graphs, as serving engines run it; us for 4 KiB to 256 MiB. */
static const double all_reduce_2_us[ANALYTIC_SIZES] = {7.0,  7.0,  7.0,  7.0,  7.1,  7.4,   7.7,   9.4,  13.1,
                                                       25.3, 33.7, 50.6, 57.4, 87.2, 155.1, 280.4, 528.6};
static const double all_reduce_4_us[ANALYTIC_SIZES] = {7.1,  7.1,  7.4,  7.4,  7.4,   8.1,   8.6,   18.0, 18.4,
                                                       23.8, 30.0, 43.2, 68.0, 119.0, 187.4, 352.9, 680.6};
static const double all_reduce_8_us[ANALYTIC_SIZES] = {7.8,  7.8,  8.1,  8.2,  8.6,   9.4,   17.2,  17.2, 17.2,
                                                       20.7, 26.3, 39.2, 63.2, 111.3, 222.8, 442.4, 715.0};

/* By plain NCCL, for the same sizes. */
static const struct analytic_shuffle shuffles[] = {
    {SERVSIM_COLLECTIVE_ALL_GATHER,
     2,
     {8.9, 9.4, 9.8, 9.8, 10.0, 10.0, 10.2, 11.2, 12.7, 15.8, 23.2, 30.4, 37.5, 54.3, 95.0, 169.6, 319.8}},
    {SERVSIM_COLLECTIVE_ALL_GATHER,
     4,
     {11.3, 11.4, 12.6, 12.6, 13.0, 13.0, 13.0, 13.0, 14.9, 18.4, 25.2, 50.9, 57.9, 71.0, 108.0, 195.7, 367.3}},
    {SERVSIM_COLLECTIVE_ALL_GATHER,
     8,
     {16.6, 16.6, 18.7, 18.7, 18.7, 18.7, 18.7, 18.7, 18.7, 24.4, 29.2, 44.2, 103.9, 113.8, 137.5, 206.8, 393.1}},
    {SERVSIM_COLLECTIVE_REDUCE_SCATTER,
     2,
     {9.1, 9.2, 9.7, 9.7, 9.8, 9.8, 9.8, 10.8, 12.0, 14.8, 22.0, 28.1, 37.8, 54.6, 99.0, 185.1, 347.1}},
    {SERVSIM_COLLECTIVE_REDUCE_SCATTER,
     4,
     {11.5, 11.5, 12.0, 12.3, 12.6, 12.9, 12.9, 12.9, 14.2, 19.2, 24.4, 48.0, 54.7, 70.0, 107.5, 199.6, 380.5}},
    {SERVSIM_COLLECTIVE_REDUCE_SCATTER,
     8,
     {16.4, 16.8, 17.1, 17.6, 18.2, 18.2, 18.3, 18.9, 20.4, 21.0, 27.2, 43.6, 97.0, 107.1, 136.2, 208.0, 396.0}},
    {SERVSIM_COLLECTIVE_ALL_TO_ALL,
     2,
     {9.2, 9.7, 10.3, 11.4, 13.6, 15.6, 16.7, 16.7, 16.7, 18.5, 21.8, 27.9, 49.0, 63.7, 126.9, 224.6, 420.8}},
    {SERVSIM_COLLECTIVE_ALL_TO_ALL,
     4,
     {10.2, 10.3, 10.8, 11.4, 12.8, 15.8, 17.3, 17.7, 17.7, 19.6, 24.2, 31.4, 46.9, 73.7, 124.8, 230.7, 427.1}},
    {SERVSIM_COLLECTIVE_ALL_TO_ALL,
     8,
     {11.0, 11.0, 11.4, 11.4, 13.4, 15.0, 17.5, 18.8, 18.8, 22.1, 26.5, 34.7, 50.1, 88.8, 138.8, 236.6, 437.7}},
};

static const struct analytic_profile sheet = {
    .name = "NVIDIA B200 SXM 180GB",
    .memory_bytes = UINT64_C(180) << 30,
    .memory_bytes_per_s = 7700e9,
    .peak_flops = {[SERVSIM_DTYPE_BF16] = 2250e12,
                   [SERVSIM_DTYPE_FP16] = 2250e12,
                   [SERVSIM_DTYPE_FP8] = 4500e12,
                   [SERVSIM_DTYPE_MXFP4] = 9000e12,
                   [SERVSIM_DTYPE_NVFP4] = 9000e12},
    .sms = 148,
    .l2_bytes = 126e6,
    .gemm = {[ANALYTIC_16BIT] = {.launch_us = 2.8,
                                 .compute_efficiency = 0.732,
                                 .memory_efficiency = 0.818,
                                 .softness = 4.3,
                                 .tile_loss = 0.007,
                                 .fill_us = 0.04,
                                 .max_split = 1},
             [ANALYTIC_8BIT] = {.launch_us = 5.3,
                                .compute_efficiency = 0.573,
                                .memory_efficiency = 0.980,
                                .softness = 2.5,
                                .tile_loss = 0.981,
                                .fill_us = 0.00,
                                .max_split = 2},
             [ANALYTIC_4BIT] = {.launch_us = 4.8,
                                .compute_efficiency = 0.569,
                                .memory_efficiency = 0.729,
                                .softness = 5.7,
                                .tile_loss = 0.662,
                                .fill_us = 1.82,
                                .max_split = 1}},
    .moe = {[ANALYTIC_16BIT] =
                {.launch_us = 22.3, .compute_efficiency = 0.372, .memory_efficiency = 0.959, .softness = 1.7},
            [ANALYTIC_8BIT] =
                {.launch_us = 24.6, .compute_efficiency = 0.512, .memory_efficiency = 0.962, .softness = 1.1}},
    .decode_attention =
        {[ANALYTIC_16BIT] = {.launch_us = 9.0, .memory_efficiency = 0.923, .block_bytes_per_s = 500.0e9},
         [ANALYTIC_8BIT] = {.launch_us = 9.9, .memory_efficiency = 0.908, .block_bytes_per_s = 417.4e9}},
    .prefill_attention = {.launch_us = 10.9, .compute_efficiency = 0.693, .chain = 3.87, .memory_efficiency = 0.30},
    .latent_decode = {[ANALYTIC_16BIT] = {.launch_us = 53.1,
                                          .request_us = 9.2,
                                          .passes = 12.9,
                                          .memory_efficiency = 0.699,
                                          .compute_efficiency = 0.289},
                      [ANALYTIC_8BIT] = {.launch_us = 55.5,
                                         .request_us = 7.3,
                                         .passes = 4.7,
                                         .memory_efficiency = 0.791,
                                         .compute_efficiency = 0.965}},
    .all_reduce = {{2, 7.0, 419e9, all_reduce_2_us},
                   {4, 7.3, 300e9, all_reduce_4_us},
                   {8, 8.2, 309e9, all_reduce_8_us}},
    .all_reduce_count = 3,
    .shuffles = shuffles,
    .shuffle_count = sizeof shuffles / sizeof shuffles[0],
    .link_kind = SERVSIM_LINK_NVLINK,
};

ANALYTIC_DEVICE(
    "b200", "NVIDIA B200 SXM 180GB, 180 GiB: datasheet and measured kernels",
    "Datasheet: 2250 TFLOP/s dense bf16 and fp16, 4500 fp8, 9000 fp4; 7700 GB/s, 180 GiB, 148 SMs, 126 MB of L2; board "
    "power 1000 W. Price per hour: not stated.\n"
    "\n"
    "Kernels of aiconfigurator (Apache-2.0) with vLLM 0.24, fitted by tools/fit_kernels.py; errors are "
    "mean absolute ones over the kernels named.\n"
    "GEMM bf16: 1680 kernels, 6.9 %; 2.8 us + the soft maximum (power 4.3) of flops / (0.73 peak) and "
    "bytes / (0.82 bandwidth), in waves of tiles (loss 0.01, 0.0 us a wave, K in one part).\n"
    "GEMM fp8: 1680 kernels, 16.6 %; 5.3 us + the soft maximum (power 2.5) of flops / (0.57 peak) and "
    "bytes / (0.98 bandwidth), in waves of tiles (loss 0.98, 0.0 us a wave, K in up to 2 parts).\n"
    "GEMM nvfp4: 1680 kernels, 8.5 %; 4.8 us + the soft maximum (power 5.7) of flops / (0.57 peak) and "
    "bytes / (0.73 bandwidth), in waves of tiles (loss 0.66, 1.8 us a wave, K in one part).\n"
    "Experts bf16: 530 kernels, 12.2 %; 22.3 us + the soft maximum (power 1.7) of flops / (0.37 peak) and "
    "bytes / (0.96 bandwidth), gate, up and down together, weights of the experts hit.\n"
    "Experts fp8: 564 kernels, 10.6 %; 24.6 us + the soft maximum (power 1.1) of flops / (0.51 peak) and "
    "bytes / (0.96 bandwidth), gate, up and down together, weights of the experts hit.\n"
    "Decode attention bf16 KV: 997 kernels, 4.9 %; 9.0 us + bytes / (0.92 bandwidth), at most 500 GB/s "
    "for each KV head of each request where heads are not shared, since contexts are not split then.\n"
    "Decode attention fp8 KV: 820 kernels, 6.8 %; 9.9 us + bytes / (0.91 bandwidth), at most 417 GB/s for "
    "each KV head of each request where heads are not shared, since contexts are not split then. Sizes "
    "from 1 MB to 2.5 times the L2 are left out, since repeated kernels find them in a warm cache.\n"
    "Prefill attention: 3038 kernels, 9.2 %; 10.9 us + flops of causal pairs / (0.69 peak) + 3.87 times a "
    "tile of 128 queries over its keys on one SM + bytes / (0.30 bandwidth).\n"
    "All-reduce in graphs: 51 kernels, 1.5 %; as vLLM runs it inside CUDA graphs, for 2, 4, 8 ranks: "
    "straight lines between the measured sizes from 4 KiB to 256 MiB, made to grow (where NCCL takes "
    "over, too).\n"
    "Other rank counts: a ring fitted to 7.0 us + bytes / 419 GB/s (2 ranks), 7.3 us + bytes / 300 GB/s "
    "(4 ranks), 8.2 us + bytes / 309 GB/s (8 ranks).\n"
    "All-gather, reduce-scatter and all-to-all by plain NCCL: 153 kernels, 1.1 %; for 2, 4, 8 ranks, straight lines "
    "between sizes likewise.\n"
    "\n"
    "MLA: 66 modules of DeepSeek-V3 on 1 to 128 heads with vLLM 0.20 (aiconfigurator), less its GEMMs and 15 us of "
    "small "
    "kernels that the engine has; decode on bf16 KV 7.4 %: 53.1 us + 9.2 us for each request and 64 heads over the SMs "
    "+ "
    "12.9 times the traffic of queries and results + bytes / (0.70 bandwidth) or flops / (0.29 peak); on fp8 KV 7.2 %: "
    "55.5 us, 7.3 us, 4.7 times, 0.79 bandwidth, 0.97 peak.\n"
    "Assumed: MLA in prompts reaches the shares that prefill attention does, with nothing beside it; none was measured "
    "here.\n"
    "Power: 280 W while busy + 0.78 pJ for each operation + 127 pJ for each byte, on average at most 1000 W, fitted to "
    "18 runs of vLLM on the ML.ENERGY leaderboard (Apache-2.0; Llama 3.1 8B and 70B, Llama 3.3 70B, Qwen3 14B, 8 to "
    "2043 requests at once), by the throughput and batch of each run, prompts taken as 120 tokens: mean absolute error "
    "4.8 %, at most 10.7 %.\n"
    "Assumed: idle, 171 W, the share of the board power that it is on the H100.\n" ANALYTIC_PAGE_END("50 GB/s"))
