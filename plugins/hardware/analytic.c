/*
 * hardware/analytic.c - prices of the shared analytic model.
 *
 * Sums are made in picoseconds as doubles and rounded once per price, but for decode attention: its context term is a
 * whole number of picoseconds per token, so that the price of a run of decode steps is an integer line and comes out
 * the same wherever the run is split.
 */
#include "hardware/analytic.h"

#include <math.h>

#define PS_PER_US 1e6
#define PS_PER_S 1e12
#define LARGEST_PS 2305843009213693952.0 /* 2^61, 26 days: room to add a few of them */

struct device {
    struct analytic_profile profile;
    uint32_t dtype;
};

/* ---- rounding ---- */

static int32_t
to_ps(double value, int64_t *ps, struct servsim_error *err)
{
    if (!(value >= 0.0 && value < LARGEST_PS))
        return servsim_fail(err, EOVERFLOW,
                            "a price of %.3g s is beyond what a step can take: check the device's "
                            "rates and the batch",
                            value / PS_PER_S);
    *ps = (int64_t)llround(value);
    return 0;
}

/* *sum += a * b, all of them not negative. */
static int32_t
add_product(int64_t *sum, uint64_t a, uint64_t b, struct servsim_error *err)
{
    int64_t product;
    if (__builtin_mul_overflow(a, b, &product) || __builtin_add_overflow(*sum, product, sum) ||
        (double)*sum >= LARGEST_PS)
        return servsim_fail(err, EOVERFLOW,
                            "attention over this many context tokens takes more than 26 days: check "
                            "the device's rates and the batch");
    return 0;
}

/* ---- types ---- */

/* 0 for an unknown type. */
static double
dtype_bytes(uint32_t dtype)
{
    static const double bytes[ANALYTIC_DTYPES] = {0.0, 2.0, 2.0, 1.0, 0.5};
    return dtype < ANALYTIC_DTYPES ? bytes[dtype] : 0.0;
}

static const char *
dtype_name(uint32_t dtype)
{
    static const char *const names[ANALYTIC_DTYPES] = {"an unknown type", "bf16", "fp16", "fp8", "int4"};
    return names[dtype < ANALYTIC_DTYPES ? dtype : 0];
}

static int32_t
peak_of(const struct analytic_profile *profile, uint32_t dtype, double *flops, struct servsim_error *err)
{
    *flops = dtype < ANALYTIC_DTYPES ? profile->peak_flops[dtype] : 0.0;
    if (*flops > 0.0)
        return 0;
    return servsim_fail(err, ENOTSUP, "%s has no rate for %s: use a model in bf16 or fp16", profile->name,
                        dtype_name(dtype));
}

/* ---- operations ---- */

static int32_t
describe(void *self, struct servsim_device *out, struct servsim_error *err)
{
    const struct device *device = self;
    const struct analytic_profile *profile = &device->profile;
    (void)err;
    out->gpus_per_node = profile->gpus_per_node;
    out->memory_bytes = profile->memory_bytes;
    out->peak_flops = profile->peak_flops[device->dtype];
    out->memory_bytes_per_s = profile->memory_bytes_per_s;
    out->price_usd_per_hour = profile->price_usd_per_hour;
    memcpy(out->name, profile->name, sizeof out->name);
    return 0;
}

/* Operands are read and the result is written once, the result in 16 bits whatever the operands are. */
static int32_t
gemm(void *self, const struct servsim_gemm *op, int64_t *ps, struct servsim_error *err)
{
    const struct analytic_profile *profile = &((const struct device *)self)->profile;
    const struct analytic_kernel *kernel = &profile->gemm;
    double m = (double)op->m, n = (double)op->n, k = (double)op->k, peak;
    int32_t rc = peak_of(profile, op->dtype, &peak, err);
    if (rc != 0)
        return rc;
    *ps = 0;
    if (op->m == 0 || op->n == 0 || op->k == 0)
        return 0;
    double bytes = dtype_bytes(op->dtype) * (m * k + k * n) + 2.0 * m * n;
    double compute_s = 2.0 * m * n * k / (kernel->compute_efficiency * peak);
    double memory_s = bytes / (kernel->memory_efficiency * profile->memory_bytes_per_s);
    return to_ps(op->times * (kernel->launch_us * PS_PER_US + fmax(compute_s, memory_s) * PS_PER_S), ps, err);
}

/* One kernel for all prefill chunks: 4 flops per head, channel and causal pair. In ps for one layer. */
static int32_t
prefill_ps(const struct analytic_profile *profile, const struct servsim_attention *op, double *ps,
           struct servsim_error *err)
{
    const struct analytic_kernel *kernel = &profile->prefill_attention;
    double peak;
    int32_t rc = peak_of(profile, op->dtype, &peak, err);
    if (rc != 0)
        return rc;
    double flops = 4.0 * op->q_heads * op->head_dim * (double)op->prefill_causal_pairs;
    *ps = kernel->launch_us * PS_PER_US + flops / (kernel->compute_efficiency * peak) * PS_PER_S;
    return 0;
}

/* One kernel for all decodes, without what it reads of the KV cache: queries in and results out. In ps for one layer.
 */
static double
decode_fixed_ps(const struct analytic_profile *profile, const struct servsim_attention *op)
{
    const struct analytic_kernel *kernel = &profile->decode_attention;
    double bytes = 2.0 * op->q_heads * op->head_dim * dtype_bytes(op->dtype) * (double)op->decode_count;
    return kernel->launch_us * PS_PER_US + bytes / (kernel->memory_efficiency * profile->memory_bytes_per_s) * PS_PER_S;
}

/* Keys and values of one context token in all layers, as whole picoseconds: depends on the model and the device only.
 */
static int32_t
context_token_ps(const struct analytic_profile *profile, const struct servsim_attention *op, int64_t *ps,
                 struct servsim_error *err)
{
    double bytes = 2.0 * op->kv_heads * op->head_dim * dtype_bytes(op->kv_dtype);
    double rate = profile->decode_attention.memory_efficiency * profile->memory_bytes_per_s;
    return to_ps(op->times * (bytes / rate * PS_PER_S), ps, err);
}

/*
 * A decode behind d tokens writes its own key and value first and so reads d + 1 of them. Its context grows by one
 * token a step, and all else stays: a line with a slope of one token for each decode, which holds for ever.
 */
static int32_t
attention(void *self, const struct servsim_attention *op, struct servsim_line *line, struct servsim_error *err)
{
    const struct analytic_profile *profile = &((const struct device *)self)->profile;
    double prefill = 0.0, decode = 0.0;
    int64_t token_ps = 0;
    if (dtype_bytes(op->dtype) == 0.0 || dtype_bytes(op->kv_dtype) == 0.0)
        return servsim_fail(err, EINVAL, "attention in a data type that %s does not know", profile->name);
    int32_t rc = op->prefill_count > 0 ? prefill_ps(profile, op, &prefill, err) : 0;
    if (rc != 0)
        return rc;
    if (op->decode_count > 0)
        decode = decode_fixed_ps(profile, op);
    *line = (struct servsim_line){.steps = SERVSIM_FOREVER};
    if ((rc = to_ps(op->times * (prefill + decode), &line->base_ps, err)) != 0 || op->decode_count == 0)
        return rc;
    if ((rc = context_token_ps(profile, op, &token_ps, err)) != 0 ||
        (rc = add_product(&line->slope_ps, (uint64_t)token_ps, op->decode_count, err)) != 0 ||
        (rc = add_product(&line->base_ps, (uint64_t)token_ps, op->decode_context_sum, err)) != 0)
        return rc;
    return add_product(&line->base_ps, (uint64_t)token_ps, op->decode_count, err);
}

/* ---- collectives ---- */

/* Steps of a ring, each sending one rank's share. An all-reduce is a reduce-scatter and an all-gather. */
static double
ring_us(const struct analytic_link *link, uint32_t kind, uint32_t ranks, double bytes)
{
    double steps = (kind == SERVSIM_COLLECTIVE_ALL_REDUCE ? 2.0 : 1.0) * (ranks - 1.0);
    return steps * (link->latency_us + bytes / ranks / link->bytes_per_s * 1e6);
}

static double
in_node_us(const struct analytic_profile *profile, uint32_t kind, uint32_t ranks, double bytes)
{
    if (kind == SERVSIM_COLLECTIVE_ALL_REDUCE)
        for (uint32_t i = 0; i < profile->all_reduce_count; i++)
            if (profile->all_reduce[i].ranks == ranks)
                return profile->all_reduce[i].alpha_us + bytes / profile->all_reduce[i].bytes_per_s * 1e6;
    return ring_us(&profile->link, kind, ranks, bytes);
}

/*
 * Whole nodes: an all-reduce scatters within the node, reduces each share between nodes, and gathers within the node;
 * the first and the last together cost what an all-reduce within the node does. Anything else is one ring at the pace
 * of its slowest hop.
 */
static double
across_nodes_us(const struct analytic_profile *profile, uint32_t kind, uint32_t ranks, double bytes)
{
    uint32_t local = profile->gpus_per_node;
    if (kind == SERVSIM_COLLECTIVE_ALL_REDUCE && ranks % local == 0)
        return (local > 1 ? in_node_us(profile, kind, local, bytes) : 0.0) +
               ring_us(&profile->network, kind, ranks / local, bytes / local);
    struct analytic_link slowest = {.latency_us = fmax(profile->link.latency_us, profile->network.latency_us),
                                    .bytes_per_s = fmin(profile->link.bytes_per_s, profile->network.bytes_per_s)};
    return ring_us(&slowest, kind, ranks, bytes);
}

static int32_t
collective(void *self, const struct servsim_collective *op, int64_t *ps, struct servsim_error *err)
{
    const struct analytic_profile *profile = &((const struct device *)self)->profile;
    if (op->kind < SERVSIM_COLLECTIVE_ALL_REDUCE || op->kind > SERVSIM_COLLECTIVE_ALL_TO_ALL)
        return servsim_fail(err, ENOTSUP, "%s has no price for collective %u", profile->name, (unsigned)op->kind);
    *ps = 0;
    if (op->ranks < 2)
        return 0;
    double bytes = (double)op->bytes;
    double us = profile->gpus_per_node > 0 && op->ranks > profile->gpus_per_node
                    ? across_nodes_us(profile, op->kind, op->ranks, bytes)
                    : in_node_us(profile, op->kind, op->ranks, bytes);
    return to_ps(op->times * (us * PS_PER_US), ps, err);
}

struct analytic_link
analytic_fit_link(const struct analytic_all_reduce *rows, uint32_t count)
{
    double products = 0.0, squares = 0.0, rates = 0.0;
    for (uint32_t i = 0; i < count; i++) {
        double steps = 2.0 * (rows[i].ranks - 1.0);
        products += steps * rows[i].alpha_us;
        squares += steps * steps;
        rates += steps / rows[i].ranks * rows[i].bytes_per_s;
    }
    return (struct analytic_link){.latency_us = products / squares, .bytes_per_s = rates / count};
}

/* All-reduce of 2, 4 and 8 RTX PRO 6000 cards over PCIe inside CUDA graphs (aiconfigurator, vLLM 0.24):
   (2 x 4.4 + 6 x 13.5 + 14 x 26) / (2^2 + 6^2 + 14^2) = 453.8 / 236 = 1.92 us. */
double
analytic_pcie_latency_us(void)
{
    static const struct analytic_all_reduce rows[] = {{2, 4.4, 38e9}, {4, 13.5, 19e9}, {8, 26.0, 13e9}};
    return analytic_fit_link(rows, 3).latency_us;
}

/* ---- instances ---- */

void
analytic_read_cluster(struct analytic_profile *profile, const struct servsim_create *args)
{
    profile->gpus_per_node = (uint32_t)servsim_integer(args, "gpus_per_node");
    profile->network.bytes_per_s = servsim_number(args, "network.bandwidth");
    profile->network.latency_us = servsim_number(args, "network.latency");
    profile->price_usd_per_hour = servsim_number(args, "price_per_hour");
}

int32_t
analytic_create(const struct analytic_profile *profile, const struct servsim_create *args, void **self,
                struct servsim_error *err)
{
    const struct servsim_hardware_context *context = args->context;
    double peak;
    if (context == NULL)
        return servsim_fail(err, EINVAL, "a device needs to be told the model that it prices for");
    int32_t rc = peak_of(profile, context->dtype, &peak, err);
    if (rc != 0)
        return rc;
    struct device *device = calloc(1, sizeof *device);
    if (device == NULL)
        return servsim_fail(err, ENOMEM, "out of memory");
    device->profile = *profile;
    device->dtype = context->dtype;
    *self = device;
    return 0;
}

void
analytic_destroy(void *self)
{
    free(self);
}

const struct servsim_hardware_ops analytic_ops = {
    .size = sizeof analytic_ops,
    .flags = 0,
    .describe = describe,
    .gemm = gemm,
    .attention = attention,
    .elementwise = NULL, /* small kernels are part of the engine's overhead per layer */
    .collective = collective,
};
