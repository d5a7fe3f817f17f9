/*
 * hardware/custom - any GPU, from numbers in the experiment file.
 *
 * Efficiencies default to the middle of those fitted to ten measured GPUs (RTX 3090, RTX 4090, RTX PRO 6000, A40,
 * RTX A6000, A100, H100, H200, L40S, B200), so that a datasheet alone already gives a usable device.
 */
#include "hardware/analytic.h"

#include <stdio.h>

#define NUMBER(name_, unit_, default_, minimum_, maximum_, help_)                                                      \
    {                                                                                                                  \
        .name = (name_), .unit = (unit_), .default_text = (default_), .help = (help_), .minimum = (minimum_),          \
        .maximum = (maximum_), .type = SERVSIM_OPTION_NUMBER                                                           \
    }
#define REQUIRED_NUMBER(name_, unit_, minimum_, maximum_, help_)                                                       \
    {                                                                                                                  \
        .name = (name_), .unit = (unit_), .help = (help_), .minimum = (minimum_), .maximum = (maximum_),               \
        .type = SERVSIM_OPTION_NUMBER, .flags = SERVSIM_OPTION_REQUIRED                                                \
    }
#define LIST(name_, unit_, minimum_, maximum_, help_)                                                                  \
    {                                                                                                                  \
        .name = (name_), .unit = (unit_), .help = (help_), .minimum = (minimum_), .maximum = (maximum_),               \
        .type = SERVSIM_OPTION_LIST                                                                                    \
    }
#define LAUNCH(name_, default_, help_) NUMBER(name_, "us", default_, 0, 1e6, help_)
#define EFFICIENCY(name_, default_, help_) NUMBER(name_, "", default_, 1e-4, 1.5, help_)

#define SHARE(name_, default_, help_) NUMBER(name_, "", default_, 0, 1.5, help_)

/* A matrix multiplication; without defaults, each number is that of the wider kernel. */
#define KERNEL(name_, launch_, compute_, memory_, softness_)                                                           \
    LAUNCH(name_ ".launch", launch_, "fixed time"),                                                                    \
        EFFICIENCY(name_ ".compute_efficiency", compute_, "share of the peak that large ones reach"),                  \
        EFFICIENCY(name_ ".memory_efficiency", memory_, "share of the bandwidth that narrow ones reach"),              \
        NUMBER(name_ ".softness", "", softness_, 0, 100, "power of the soft maximum of both; 0: the plain maximum")
#define TILES(name_, split_, reread_, loss_, fill_)                                                                    \
    NUMBER(name_ ".max_split", "", split_, 0, 64,                                                                      \
           "parts that the inner dimension is cut in; 0: no tiles are counted"),                                       \
        SHARE(name_ ".reread", reread_, "of the input, read again for each 128 columns of the result"),                \
        NUMBER(name_ ".tile_loss", "", loss_, 0, 10, "how much slower small tiles are"),                               \
        NUMBER(name_ ".fill", "us", fill_, 0, 1e6, "what each wave of tiles over the SMs pays")

static const struct servsim_option options[] = {
    {.name = "name",
     .unit = "",
     .default_text = "custom",
     .help = "the device's name in reports",
     .type = SERVSIM_OPTION_TEXT},
    REQUIRED_NUMBER("peak_tflops.bf16", "TFLOP/s", 1e-3, 1e7, "dense peak from the datasheet"),
    NUMBER("peak_tflops.fp16", "TFLOP/s", NULL, 1e-3, 1e7, "dense peak; that of bf16 unless given"),
    NUMBER("peak_tflops.fp8", "TFLOP/s", NULL, 1e-3, 1e7, "dense peak; unless given, fp8 is widened to 16 bits"),
    NUMBER("peak_tflops.fp4", "TFLOP/s", NULL, 1e-3, 1e7, "dense peak; unless given, 4 bits are widened"),
    REQUIRED_NUMBER("memory", "bytes", 1e6, 1e15, "of one GPU"),
    REQUIRED_NUMBER("memory_bandwidth", "bytes/s", 1e6, 1e16, "of one GPU, from the datasheet"),
    NUMBER("sms", "", NULL, 1, 1e5, "streaming multiprocessors; tiles and chains are counted only where it is given"),
    NUMBER("l2", "bytes", NULL, 1e3, 1e12,
           "of one GPU; the traffic of small kernels is counted only where it is given"),
    KERNEL("gemm", "3.2us", "0.83", "0.87", "3.6"),
    TILES("gemm", "2", "0", "0.05", "0.8us"),
    KERNEL("gemm_fp8", NULL, NULL, NULL, NULL),
    TILES("gemm_fp8", NULL, NULL, NULL, NULL),
    KERNEL("gemm_fp4", NULL, NULL, NULL, NULL),
    TILES("gemm_fp4", NULL, NULL, NULL, NULL),
    KERNEL("moe", NULL, NULL, NULL, NULL),
    KERNEL("moe_fp8", NULL, NULL, NULL, NULL),
    KERNEL("moe_fp4", NULL, NULL, NULL, NULL),
    LAUNCH("decode_attention.launch", "12.5us", "fixed time of decode attention"),
    EFFICIENCY("decode_attention.memory_efficiency", "0.88", "share of the bandwidth at which KV is read"),
    NUMBER("decode_attention.ramp", "us", "0", 0, 1e6,
           "with sms: for the heads of many requests to begin and to end, in all"),
    NUMBER("decode_attention.ramp_blocks", "", "2.5", 0.01, 1e6,
           "KV heads of requests on each SM from which on that is whole; less in proportion"),
    SHARE("decode_attention.compute_efficiency", "0", "of MLA, share of the peak; 0: that of prefill_attention"),
    NUMBER(
        "decode_attention.block_bandwidth", "bytes/s", "0", 0, 1e15,
        "of one KV head of one request, where heads are not shared and the kernel does not split contexts; 0: it does"),
    SHARE("decode_attention.skew", "0", "of the gap between mean and longest context, how much it costs"),
    {.name = "decode_attention.joint",
     .unit = "",
     .default_text = "false",
     .help = "decodes beside prefill are in its kernel, launched once and padded",
     .type = SERVSIM_OPTION_FLAG},
    NUMBER("decode_attention.padded_rows", "", "0", 0, 1024, "queries that a decode is padded to in a joint kernel"),
    NUMBER("decode_attention.padded_keys", "", "0", 0, 1e6, "keys that each decode costs there beside its context"),
    LAUNCH("decode_attention_fp8.launch", NULL, "for a KV cache in fp8; that of decode_attention unless given"),
    EFFICIENCY("decode_attention_fp8.memory_efficiency", NULL, "likewise"),
    LAUNCH("prefill_attention.launch", "9.0us", "fixed time of prefill attention"),
    EFFICIENCY("prefill_attention.compute_efficiency", "0.61", "share of the peak that it reaches"),
    NUMBER("prefill_attention.chain", "", "0.8", 0, 100,
           "times that a tile of 128 queries takes on one SM at its peak"),
    SHARE("prefill_attention.memory_efficiency", "0.6", "share of the bandwidth; 0: traffic is not counted"),
    NUMBER("link.bandwidth", "bytes/s", NULL, 1e6, 1e15,
           "between GPUs, one direction; fitted to all_reduce, else 25GB/s, unless given"),
    NUMBER("link.latency", "us", NULL, 0, 1e6,
           "of one step of a ring; fitted to all_reduce, else 4.6us once and 1.55us a step, unless given"),
    LIST("all_reduce.ranks", "", 2, 1024, "rank counts that were measured, such as [2, 4, 8]"),
    LIST("all_reduce.latency", "us", 0, 1e6, "fixed time for each of them"),
    LIST("all_reduce.bandwidth", "bytes/s", 1e6, 1e15, "bytes of the message over time, for each of them"),
    ANALYTIC_POWER_OPTIONS(NULL, NULL, NULL, NULL, NULL),
    ANALYTIC_CLUSTER_OPTIONS("25GB/s"),
};

static int32_t
read_all_reduce(struct analytic_profile *profile, const struct servsim_create *args, struct servsim_error *err)
{
    const struct servsim_value *ranks = servsim_value_of(args, "all_reduce.ranks");
    const struct servsim_value *latency = servsim_value_of(args, "all_reduce.latency");
    const struct servsim_value *bandwidth = servsim_value_of(args, "all_reduce.bandwidth");
    if (ranks->list_count != latency->list_count || ranks->list_count != bandwidth->list_count)
        return servsim_fail(
            err, EINVAL, "all_reduce has %u ranks, %u latencies and %u bandwidths: give as many of each",
            (unsigned)ranks->list_count, (unsigned)latency->list_count, (unsigned)bandwidth->list_count);
    if (ranks->list_count > ANALYTIC_ALL_REDUCES)
        return servsim_fail(err, EINVAL, "all_reduce has %u rank counts: give at most %u", (unsigned)ranks->list_count,
                            ANALYTIC_ALL_REDUCES);
    for (uint32_t i = 0; i < ranks->list_count; i++) {
        uint32_t count = (uint32_t)ranks->list[i];
        if ((double)count != ranks->list[i] || (i > 0 && ranks->list[i] <= ranks->list[i - 1]))
            return servsim_fail(err, EINVAL, "all_reduce.ranks has %g in place %u: give whole numbers, growing",
                                ranks->list[i], (unsigned)i + 1);
        profile->all_reduce[i] = (struct analytic_all_reduce){count, latency->list[i], bandwidth->list[i], NULL};
    }
    profile->all_reduce_count = ranks->list_count;
    return 0;
}

static void
read_link(struct analytic_profile *profile, const struct servsim_create *args)
{
    profile->link = (struct analytic_link)ANALYTIC_PEER_LINK;
    if (profile->all_reduce_count > 0)
        profile->link = analytic_fit_link(profile->all_reduce, profile->all_reduce_count);
    if (servsim_present(args, "link.bandwidth"))
        profile->link.bytes_per_s = servsim_number(args, "link.bandwidth");
    if (servsim_present(args, "link.latency"))
        analytic_set_latency(&profile->link, servsim_number(args, "link.latency"));
}

/* "GROUP.FIELD" where it is given, else the other figure. */
static double
number_or(const struct servsim_create *args, const char *group, const char *field, double other)
{
    char name[64];
    (void)snprintf(name, sizeof name, "%s.%s", group, field);
    return servsim_present(args, name) ? servsim_number(args, name) : other;
}

/* Of a group; what is not given is as in `other`. */
static struct analytic_kernel
read_kernel(const struct servsim_create *args, const char *group, const struct analytic_kernel *other)
{
    return (struct analytic_kernel){
        .launch_us = number_or(args, group, "launch", other->launch_us),
        .compute_efficiency = number_or(args, group, "compute_efficiency", other->compute_efficiency),
        .memory_efficiency = number_or(args, group, "memory_efficiency", other->memory_efficiency),
        .softness = number_or(args, group, "softness", other->softness),
    };
}

/* Tiles are counted for gemm alone: experts have no such options. */
static void
read_tiles(struct analytic_kernel *kernel, const struct servsim_create *args, const char *group,
           const struct analytic_kernel *other)
{
    kernel->reread = number_or(args, group, "reread", other->reread);
    kernel->tile_loss = number_or(args, group, "tile_loss", other->tile_loss);
    kernel->fill_us = number_or(args, group, "fill", other->fill_us);
    if (servsim_present(args, "sms"))
        kernel->max_split = (uint32_t)number_or(args, group, "max_split", other->max_split);
}

static void
read_multiplications(struct analytic_profile *profile, const struct servsim_create *args)
{
    static const char *const gemms[] = {"gemm", "gemm_fp8", "gemm_fp4"}, *const moes[] = {"moe", "moe_fp8", "moe_fp4"};
    struct analytic_kernel other = {0};
    for (uint32_t width = 0; width < ANALYTIC_WIDTHS; width++) {
        struct analytic_kernel kernel = read_kernel(args, gemms[width], &other);
        read_tiles(&kernel, args, gemms[width], &other);
        profile->gemm[width] = other = kernel;
        kernel.launch_us *= 2.0;
        profile->moe[width] = read_kernel(args, moes[width], &kernel);
    }
}

static void
read_attention(struct analytic_profile *profile, const struct servsim_create *args)
{
    profile->decode_attention[ANALYTIC_16BIT] =
        (struct analytic_decode){.launch_us = servsim_number(args, "decode_attention.launch"),
                                 .memory_efficiency = servsim_number(args, "decode_attention.memory_efficiency"),
                                 .compute_efficiency = servsim_number(args, "decode_attention.compute_efficiency"),
                                 .block_bytes_per_s = servsim_number(args, "decode_attention.block_bandwidth"),
                                 .skew = servsim_number(args, "decode_attention.skew"),
                                 .padded_rows = servsim_number(args, "decode_attention.padded_rows"),
                                 .padded_keys = servsim_number(args, "decode_attention.padded_keys"),
                                 .joint = servsim_integer(args, "decode_attention.joint") != 0};
    if (profile->sms > 0) {
        profile->decode_attention[ANALYTIC_16BIT].ramp_us = servsim_number(args, "decode_attention.ramp");
        profile->decode_attention[ANALYTIC_16BIT].ramp_blocks = servsim_number(args, "decode_attention.ramp_blocks");
    }
    struct analytic_decode narrow = profile->decode_attention[ANALYTIC_16BIT];
    narrow.launch_us = number_or(args, "decode_attention_fp8", "launch", narrow.launch_us);
    narrow.memory_efficiency = number_or(args, "decode_attention_fp8", "memory_efficiency", narrow.memory_efficiency);
    profile->decode_attention[ANALYTIC_8BIT] = narrow;
    profile->prefill_attention =
        (struct analytic_prefill){.launch_us = servsim_number(args, "prefill_attention.launch"),
                                  .compute_efficiency = servsim_number(args, "prefill_attention.compute_efficiency"),
                                  .memory_efficiency = servsim_number(args, "prefill_attention.memory_efficiency")};
    if (profile->sms > 0)
        profile->prefill_attention.chain = servsim_number(args, "prefill_attention.chain");
}

static void
read_sheet(struct analytic_profile *profile, const struct servsim_create *args)
{
    double bf16 = servsim_number(args, "peak_tflops.bf16") * 1e12,
           fp16 = servsim_number(args, "peak_tflops.fp16") * 1e12;
    profile->memory_bytes = (uint64_t)servsim_number(args, "memory");
    profile->memory_bytes_per_s = servsim_number(args, "memory_bandwidth");
    profile->sms = (uint32_t)servsim_number(args, "sms");
    profile->l2_bytes = servsim_number(args, "l2");
    profile->peak_flops[SERVSIM_DTYPE_BF16] = bf16;
    profile->peak_flops[SERVSIM_DTYPE_FP16] = fp16 > 0.0 ? fp16 : bf16;
    profile->peak_flops[SERVSIM_DTYPE_FP8] = servsim_number(args, "peak_tflops.fp8") * 1e12;
    profile->peak_flops[SERVSIM_DTYPE_MXFP4] = servsim_number(args, "peak_tflops.fp4") * 1e12;
    profile->peak_flops[SERVSIM_DTYPE_NVFP4] = servsim_number(args, "peak_tflops.fp4") * 1e12;
}

static int32_t
create(const struct servsim_host *host, const struct servsim_create *args, void **self, struct servsim_error *err)
{
    struct analytic_profile profile = {0};
    const char *name = servsim_text(args, "name");
    (void)host;
    if (strlen(name) == 0 || strlen(name) >= sizeof profile.name)
        return servsim_fail(err, EINVAL, "name has %zu bytes: give from 1 to %zu", strlen(name),
                            sizeof profile.name - 1);
    memcpy(profile.name, name, strlen(name));
    read_sheet(&profile, args);
    read_multiplications(&profile, args);
    read_attention(&profile, args);
    int32_t rc = read_all_reduce(&profile, args, err);
    if (rc != 0)
        return rc;
    read_link(&profile, args);
    analytic_read_cluster(&profile, args);
    rc = analytic_read_power(&profile, args, err);
    if (rc != 0)
        return rc;
    return analytic_create(&profile, args, self, err);
}

static const struct servsim_plugin plugin = {
    SERVSIM_PLUGIN_HEAD(SERVSIM_KIND_HARDWARE, options),
    .name = "custom",
    .version = "1.0",
    .summary = "any GPU, from datasheet numbers and efficiencies in the experiment file",
    .licence = "Apache-2.0",
    .page =
        "Three numbers are enough: peak_tflops.bf16, memory and memory_bandwidth, as the datasheet has them.\n"
        "\n"
        "A matrix multiplication costs its launch + a soft maximum of flops / (compute_efficiency peak) and bytes / "
        "(memory_efficiency bandwidth), the share `reread` of its input once more for each 128 columns; with sms, "
        "arithmetic is counted in tiles and in whole waves of them over the SMs. gemm_fp8, gemm_fp4 and moe, moe_fp8, "
        "moe_fp4 (experts) are as gemm where not given, experts with its launch twice. Decode attention costs its "
        "launch + bytes / (memory_efficiency bandwidth), and with sms the ramp. Prefill attention costs its launch + "
        "flops / (compute_efficiency peak) + bytes / (memory_efficiency bandwidth), and with sms the chain of one tile "
        "over its keys. With l2, small kernels (norms, rotary embedding, activation) cost their traffic: at four times "
        "the bandwidth, and what exceeds half of the L2 at the bandwidth.\n"
        "The defaults are near the middle of what was fitted to ten measured GPUs; single GPUs differ from them by "
        "up to a third in efficiency, and by a few us in launch, so expect errors of that size until you give your "
        "own. tools/fit_kernels.py fits them to tables of kernels.\n"
        "To change a GPU that ships, name it and give memory or memory_bandwidth: {plugin: a100, memory: 40GiB, "
        "memory_bandwidth: 1555GB/s}.\n"
        "\n"
        "Energy is counted where power.limit is given, the board's; other figures of power are, unless given, shares "
        "of it as on the H100: 0.171 idle, 0.357 while a step runs, 1.907 on top for arithmetic at the peak and 0.431 "
        "for memory at the bandwidth.\n"
        "All-reduce: alpha + bytes / rate for the rank counts in all_reduce, a ring over link for others. "
        "Without either, the link is PCIe 4.0 x16: 25 GB/s usable, 4.6 us once and 1.55 us a step, as fitted to "
        "RTX PRO 6000 cards. Groups beyond gpus_per_node cross the network, whose defaults (25 GB/s, 5 us) are "
        "assumed.\n"
        "Without peak_tflops.fp8 or .fp4, such weights are read as they lie and multiplied in 16 bits.",
    .options = options,
    .create = create,
    .destroy = analytic_destroy,
    .ops = &analytic_ops,
};

SERVSIM_ONE_PLUGIN(plugin)
