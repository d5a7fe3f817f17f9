/*
 * hardware/a6000 - NVIDIA RTX A6000: its datasheet, the kernels measured on it, and what is assumed.
 */
#include "hardware/analytic.h"

static const struct servsim_option options[] = {
    ANALYTIC_SHEET_OPTIONS,
    ANALYTIC_BRIDGE_OPTION,
    ANALYTIC_POWER_OPTIONS("300W", "80W", "100W", "3.7pJ", "280pJ"),
    ANALYTIC_CLUSTER_OPTIONS("12.5GB/s"),
};

static const struct analytic_profile sheet = {
    .name = "NVIDIA RTX A6000",
    .memory_bytes = UINT64_C(48) << 30,
    .memory_bytes_per_s = 768e9,
    .peak_flops = {[SERVSIM_DTYPE_BF16] = 154.8e12, [SERVSIM_DTYPE_FP16] = 154.8e12},
    .sms = 84,
    .l2_bytes = 6e6,
    .gemm = {[ANALYTIC_16BIT] =
                 {.launch_us = 7.0, .compute_efficiency = 0.688, .memory_efficiency = 0.970, .softness = 3.7}},
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

ANALYTIC_DEVICE(
    "a6000", "NVIDIA RTX A6000, 48 GiB: datasheet and measured kernels",
    "Datasheet: 154.8 TFLOP/s dense bf16 and fp16; 768 GB/s, 48 GiB, 84 SMs, 6 MB of L2; board power 300 W. Price per "
    "hour: not stated.\n"
    "\n"
    "Kernels of LLMServingSim v0 (MIT), fitted by tools/fit_kernels.py; errors are mean absolute ones "
    "over the kernels named.\n"
    "GEMM bf16: 168 kernels, 5.8 %; 7.0 us + the soft maximum (power 3.7) of flops / (0.69 peak) and "
    "bytes / (0.97 bandwidth).\n"
    "Prefill attention: 16 kernels, 11.5 %; 4.0 us + flops of causal pairs / (0.65 peak) + 0.40 times a "
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
    "Power: 100 W while busy + 3.7 pJ for each operation + 280 pJ for each byte, on average at most 300 W; 80 W idle. "
    "From the power at the plug of a whole server, every second, while vLLM served Llama 3.1 8B on one board and on "
    "two (LLMServingSim 2.0, MIT). It is what 352 W for the rest of the server and 1.10 W for each W of the boards "
    "give, where one board that decodes is taken to be at its limit, and one that has long been idle at 25 W. Decoding "
    "10 requests then draws 303 W on one board and 261 W on each of two; this gives 296 W and 265 W. Arithmetic takes "
    "the share of the limit that it does on the H100, since these runs hardly tell.\nIdle is what a board draws for "
    "some 16 s after work; then the driver lowers its clocks, and it falls to 25 W: write power: {idle: 25W} for "
    "traffic with long pauses. Over 120 s with 24 s of work on one board, and 14 s on two, energy at the plug comes "
    "out 5.5 % and 14.5 % high with 80 W, 4.9 % and 6.7 % low with 25 W.\n" ANALYTIC_PAGE_PCIE ANALYTIC_PAGE_BRIDGE
        ANALYTIC_PAGE_END("12.5 GB/s"))
