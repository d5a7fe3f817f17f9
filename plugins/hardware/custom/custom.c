/*
 * hardware/custom - any GPU, from numbers in the experiment file.
 *
 * Efficiencies default to the medians of those fitted to ten measured GPUs (RTX 3090, RTX 4090, RTX PRO 6000, A40,
 * RTX A6000, A100, H100, H200, L40S, B200), so that a datasheet alone already gives a usable device.
 */
#include "hardware/analytic.h"

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

static const struct servsim_option options[] = {
    {.name = "name",
     .unit = "",
     .default_text = "custom",
     .help = "the device's name in reports",
     .type = SERVSIM_OPTION_TEXT},
    REQUIRED_NUMBER("peak_tflops.bf16", "TFLOP/s", 1e-3, 1e7, "dense peak from the datasheet"),
    NUMBER("peak_tflops.fp16", "TFLOP/s", NULL, 1e-3, 1e7, "dense peak; that of bf16 unless given"),
    NUMBER("peak_tflops.fp8", "TFLOP/s", NULL, 1e-3, 1e7, "dense peak; unless given, fp8 is widened to 16 bits"),
    REQUIRED_NUMBER("memory", "bytes", 1e6, 1e15, "of one GPU"),
    REQUIRED_NUMBER("memory_bandwidth", "bytes/s", 1e6, 1e16, "of one GPU, from the datasheet"),
    LAUNCH("gemm.launch", "4.0us", "fixed time of a matrix multiplication"),
    EFFICIENCY("gemm.compute_efficiency", "0.785", "share of the peak that large ones reach"),
    EFFICIENCY("gemm.memory_efficiency", "0.865", "share of the bandwidth that narrow ones reach"),
    LAUNCH("decode_attention.launch", "12.5us", "fixed time of decode attention"),
    EFFICIENCY("decode_attention.memory_efficiency", "0.88", "share of the bandwidth at which KV is read"),
    LAUNCH("prefill_attention.launch", "11.4us", "fixed time of prefill attention"),
    EFFICIENCY("prefill_attention.compute_efficiency", "0.51", "share of the peak that it reaches"),
    NUMBER("link.bandwidth", "bytes/s", NULL, 1e6, 1e15,
           "between GPUs, one direction; fitted to all_reduce, else 25GB/s, unless given"),
    NUMBER("link.latency", "us", NULL, 0, 1e6,
           "of one step of a ring; fitted to all_reduce, else 1.92us, unless given"),
    LIST("all_reduce.ranks", "", 2, 1024, "rank counts that were measured, such as [2, 4, 8]"),
    LIST("all_reduce.latency", "us", 0, 1e6, "fixed time for each of them"),
    LIST("all_reduce.bandwidth", "bytes/s", 1e6, 1e15, "bytes of the message over time, for each of them"),
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
        profile->all_reduce[i] = (struct analytic_all_reduce){count, latency->list[i], bandwidth->list[i]};
    }
    profile->all_reduce_count = ranks->list_count;
    return 0;
}

static void
read_link(struct analytic_profile *profile, const struct servsim_create *args)
{
    profile->link = (struct analytic_link){analytic_pcie_latency_us(), 25e9};
    if (profile->all_reduce_count > 0)
        profile->link = analytic_fit_link(profile->all_reduce, profile->all_reduce_count);
    if (servsim_present(args, "link.bandwidth"))
        profile->link.bytes_per_s = servsim_number(args, "link.bandwidth");
    if (servsim_present(args, "link.latency"))
        profile->link.latency_us = servsim_number(args, "link.latency");
}

static void
read_kernels(struct analytic_profile *profile, const struct servsim_create *args)
{
    double bf16 = servsim_number(args, "peak_tflops.bf16") * 1e12;
    double fp16 = servsim_number(args, "peak_tflops.fp16") * 1e12;
    profile->peak_flops[SERVSIM_DTYPE_BF16] = bf16;
    profile->peak_flops[SERVSIM_DTYPE_FP16] = servsim_present(args, "peak_tflops.fp16") ? fp16 : bf16;
    profile->peak_flops[SERVSIM_DTYPE_FP8] = servsim_number(args, "peak_tflops.fp8") * 1e12;
    profile->gemm =
        (struct analytic_kernel){servsim_number(args, "gemm.launch"), servsim_number(args, "gemm.compute_efficiency"),
                                 servsim_number(args, "gemm.memory_efficiency")};
    profile->decode_attention =
        (struct analytic_kernel){.launch_us = servsim_number(args, "decode_attention.launch"),
                                 .memory_efficiency = servsim_number(args, "decode_attention.memory_efficiency")};
    profile->prefill_attention =
        (struct analytic_kernel){.launch_us = servsim_number(args, "prefill_attention.launch"),
                                 .compute_efficiency = servsim_number(args, "prefill_attention.compute_efficiency")};
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
    profile.memory_bytes = (uint64_t)servsim_number(args, "memory");
    profile.memory_bytes_per_s = servsim_number(args, "memory_bandwidth");
    read_kernels(&profile, args);
    int32_t rc = read_all_reduce(&profile, args, err);
    if (rc != 0)
        return rc;
    read_link(&profile, args);
    analytic_read_cluster(&profile, args);
    return analytic_create(&profile, args, self, err);
}

static const struct servsim_plugin plugin = {
    SERVSIM_PLUGIN_HEAD(SERVSIM_KIND_HARDWARE, options),
    .name = "custom",
    .version = "1.0",
    .summary = "any GPU, from datasheet numbers and efficiencies in the experiment file",
    .licence = "Apache-2.0",
    .page = "Three numbers are enough: peak_tflops.bf16, memory and memory_bandwidth, as the datasheet has them.\n"
            "\n"
            "A kernel costs its launch + max(flops / (compute_efficiency peak), bytes / (memory_efficiency "
            "bandwidth)); decode attention has the memory term alone, prefill attention the compute term alone. The "
            "defaults are the medians of what was fitted to measured GPUs (ten for GEMM, seven for decode and nine "
            "for prefill attention); single GPUs differ from them by up to a third in efficiency, and by a few us in "
            "launch, so expect errors of that size until you give your own.\n"
            "\n"
            "All-reduce: alpha + bytes / rate for the rank counts in all_reduce, a ring over link for others. "
            "Without either, the link is PCIe 4.0 x16: 25 GB/s usable and 1.92 us a step, as fitted to RTX PRO 6000 "
            "cards. Groups beyond gpus_per_node cross the network, whose defaults (25 GB/s, 5 us) are assumed.\n"
            "fp8 multiplies at the given fp8 peak with the efficiencies of gemm; without one it is read as 8 bits and "
            "multiplied in 16.",
    .options = options,
    .create = create,
    .destroy = analytic_destroy,
    .ops = &analytic_ops,
};

SERVSIM_ONE_PLUGIN(plugin)
