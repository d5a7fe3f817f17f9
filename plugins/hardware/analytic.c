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
#define US_PER_S 1e6
#define LARGEST_PS 2305843009213693952.0 /* 2^61, 26 days: room to add a few of them */
#define PJ_PER_J 1e12
#define COLUMNS_AT_ONCE 128.0 /* of a product, by which its input is read again */

/* What of a decode attention does not depend on its contexts, for the question `of`. */
struct decode_price {
    struct servsim_attention of; /* its contexts and chunks aside */
    uint32_t beside_prefill;
    double us;        /* decode_fixed_us() */
    int64_t alone_ps; /* the same of all layers: no prefill is rounded with it */
    int64_t token_ps; /* context_token_ps() */
};

#define REMEMBERED_DECODES 512 /* a power of two */

struct device {
    struct analytic_profile profile;
    uint32_t dtype;
    struct decode_price decodes[REMEMBERED_DECODES]; /* the latest with each hash; all 0 until there is one */
};

/* ---- rounding ---- */

static inline int32_t
to_ps(double value, int64_t *ps, struct servsim_error *err)
{
    if (!(value >= 0.0 && value < LARGEST_PS))
        return servsim_fail(err, EOVERFLOW,
                            "a price of %.3g s is beyond what a step can take: check the device's "
                            "rates and the batch",
                            value / PS_PER_S);
    int64_t whole = (int64_t)value; /* llround(), without the call: what is beyond 2^53 has no fraction */
    *ps = whole + (value - (double)whole >= 0.5);
    return 0;
}

/* *sum += a * b, all of them not negative. */
static int32_t
add_product(int64_t *sum, uint64_t a, uint64_t b, struct servsim_error *err)
{
    const uint64_t largest = (uint64_t)LARGEST_PS;
    uint64_t product;
    if (__builtin_mul_overflow(a, b, &product) || product >= largest - (uint64_t)*sum)
        return servsim_fail(err, EOVERFLOW,
                            "attention over this many context tokens takes more than 26 days: check "
                            "the device's rates and the batch");
    *sum += (int64_t)product;
    return 0;
}

/* ---- types ---- */

/* Of one value, scales and zeros of its group included. 0 for an unknown type. */
static double
dtype_bytes(uint32_t dtype)
{
    static const double bytes[ANALYTIC_DTYPES] = {
        [SERVSIM_DTYPE_BF16] = 2.0,
        [SERVSIM_DTYPE_FP16] = 2.0,
        [SERVSIM_DTYPE_FP8] = 1.0,
        [SERVSIM_DTYPE_INT4] = (4.0 + 20.0 / 128.0) / 8.0,
        [SERVSIM_DTYPE_MXFP4] = (4.0 + 8.0 / 32.0) / 8.0,
        [SERVSIM_DTYPE_NVFP4] = (4.0 + 8.0 / 16.0) / 8.0,
    };
    return dtype < ANALYTIC_DTYPES ? bytes[dtype] : 0.0;
}

static int
is_known(uint32_t dtype)
{
    return dtype != 0 && dtype < ANALYTIC_DTYPES;
}

static const char *
dtype_name(uint32_t dtype)
{
    static const char *const names[ANALYTIC_DTYPES] = {"an unknown type", "bf16", "fp16", "fp8", "int4",
                                                       "mxfp4",           "nvfp4"};
    return names[dtype < ANALYTIC_DTYPES ? dtype : 0];
}

/* What is narrower than 16 bits and cannot be multiplied as it is, is widened first. 0 for a type without a rate. */
static double
peak_for(const struct analytic_profile *profile, uint32_t dtype)
{
    if (dtype_bytes(dtype) == 0.0)
        return 0.0;
    if (profile->peak_flops[dtype] > 0.0 || dtype_bytes(dtype) == 2.0)
        return profile->peak_flops[dtype];
    return fmax(profile->peak_flops[SERVSIM_DTYPE_BF16], profile->peak_flops[SERVSIM_DTYPE_FP16]);
}

static int32_t
peak_of(const struct analytic_profile *profile, uint32_t dtype, double *flops, struct servsim_error *err)
{
    *flops = peak_for(profile, dtype);
    if (*flops > 0.0)
        return 0;
    return servsim_fail(err, ENOTSUP, "%s has no rate for %s: use a model in bf16 or fp16", profile->name,
                        dtype_name(dtype));
}

static int32_t
weight_bytes(const struct analytic_profile *profile, uint32_t weight_dtype, uint32_t dtype, double *bytes,
             struct servsim_error *err)
{
    *bytes = dtype_bytes(weight_dtype != 0 ? weight_dtype : dtype);
    if (*bytes > 0.0)
        return 0;
    return servsim_fail(err, EINVAL, "weights in a data type that %s does not know", profile->name);
}

/* ---- operations ---- */

/* Operations in fewer bits come at a higher rate for the same power. */
static void
describe_power(const struct device *device, struct servsim_device *out)
{
    const struct analytic_power *power = &device->profile.power;
    double wide = device->profile.peak_flops[SERVSIM_DTYPE_BF16];
    out->power_limit_w = power->limit_w;
    out->power_idle_w = power->idle_w;
    out->power_busy_w = power->busy_w;
    out->energy_per_flop_pj = power->per_flop_pj * (wide > 0.0 ? wide / out->peak_flops : 1.0);
    out->energy_per_byte_pj = power->per_byte_pj;
    out->power_host_w = power->host_w;
    out->electricity_usd_per_kwh = power->electricity_usd_per_kwh;
}

static int32_t
describe(void *self, struct servsim_device *out, struct servsim_error *err)
{
    const struct device *device = self;
    const struct analytic_profile *profile = &device->profile;
    (void)err;
    out->gpus_per_node = profile->gpus_per_node;
    out->memory_bytes = profile->memory_bytes;
    out->peak_flops = peak_for(profile, device->dtype);
    out->memory_bytes_per_s = profile->memory_bytes_per_s;
    out->price_usd_per_hour = profile->price_usd_per_hour;
    memcpy(out->name, profile->name, sizeof out->name);
    if (SERVSIM_COVERS(out, struct servsim_device, network_bytes_per_s)) {
        out->link = profile->link_kind;
        out->link_bytes_per_s = profile->link.bytes_per_s;
        out->network_bytes_per_s = profile->network.bytes_per_s;
    }
    if (SERVSIM_COVERS(out, struct servsim_device, electricity_usd_per_kwh) && profile->power.limit_w > 0.0)
        describe_power(device, out);
    return 0;
}

/* ---- matrix multiplications ---- */

/* Bits that the device multiplies `dtype` in, as an index of its kernels. */
static uint32_t
width_of(const struct analytic_profile *profile, uint32_t dtype)
{
    if (dtype >= ANALYTIC_DTYPES || dtype_bytes(dtype) == 2.0 || profile->peak_flops[dtype] <= 0.0)
        return ANALYTIC_16BIT;
    return dtype == SERVSIM_DTYPE_FP8 ? ANALYTIC_8BIT : ANALYTIC_4BIT;
}

/* The kernel of that width, or of the next wider one that is known. */
static const struct analytic_kernel *
kernel_of(const struct analytic_kernel *kernels, uint32_t width)
{
    while (width > 0 && kernels[width].compute_efficiency <= 0.0)
        width--;
    return &kernels[width];
}

static double
soft_maximum(double a, double b, double softness)
{
    double high = fmax(a, b), low = fmin(a, b);
    if (softness <= 0.0 || high <= 0.0)
        return high;
    return high * pow(1.0 + pow(low / high, softness), 1.0 / softness);
}

static double
traffic_us(const struct analytic_profile *profile, double efficiency, double bytes)
{
    return bytes / (efficiency * profile->memory_bytes_per_s) * US_PER_S;
}

/* One way to cover a product: tiles of `rows` x `columns`, K in `parts`. Partial sums are written and read in fp32
   through an L2 that is taken to be four times as fast as memory. */
static double
covered_us(const struct analytic_profile *profile, const struct analytic_kernel *kernel, const struct servsim_gemm *op,
           double peak, const double tile[2], double parts)
{
    double tiles = ceil((double)op->m / tile[0]) * ceil((double)op->n / tile[1]);
    double loss = 1.0 + kernel->tile_loss * (128.0 / tile[0] + 128.0 / tile[1] - 1.5);
    double flops_per_us = kernel->compute_efficiency * peak / profile->sms / US_PER_S;
    double tile_us = 2.0 * tile[0] * tile[1] * (double)op->k / parts / flops_per_us * loss;
    double us = ceil(tiles * parts / profile->sms) * (tile_us + kernel->fill_us);
    if (parts > 1.0)
        us += kernel->fill_us + traffic_us(profile, 4.0, 8.0 * parts * (double)op->m * (double)op->n);
    return us;
}

/* Kernels that widen weights as they read them cover few rows by tiles of 16 or 32, too: one fragment of a tensor core,
   or two. A wider tile would work longer on rows that are not there than such weights take to be read. */
static double
arithmetic_us(const struct analytic_profile *profile, const struct analytic_kernel *kernel,
              const struct servsim_gemm *op, double peak, int widened)
{
    static const double tiles[][2] = {{16, 64},  {16, 128}, {32, 64},   {32, 128},  {64, 64},
                                      {64, 128}, {128, 64}, {128, 128}, {128, 256}, {256, 128}};
    const size_t low = 4; /* that many are of fewer than 64 rows */
    if (kernel->max_split == 0)
        return 2.0 * (double)op->m * (double)op->n * (double)op->k / (kernel->compute_efficiency * peak) * US_PER_S;
    double best = HUGE_VAL;
    for (size_t i = widened ? 0 : low; i < sizeof tiles / sizeof tiles[0]; i++)
        for (uint32_t parts = 1; parts <= kernel->max_split; parts *= 2)
            best = fmin(best, covered_us(profile, kernel, op, peak, tiles[i], parts));
    return best;
}

/* Operands are read and the result is written once, the result in 16 bits whatever the operands are; and the input
   again for further columns. */
static int32_t
gemm(void *self, const struct servsim_gemm *op, int64_t *ps, struct servsim_error *err)
{
    const struct analytic_profile *profile = &((const struct device *)self)->profile;
    double m = (double)op->m, n = (double)op->n, k = (double)op->k, peak, each;
    int32_t rc = peak_of(profile, op->dtype, &peak, err);
    if (rc == 0)
        rc = weight_bytes(profile, op->weight_dtype, op->dtype, &each, err);
    *ps = 0;
    if (rc != 0 || op->m == 0 || op->n == 0 || op->k == 0)
        return rc;
    static const double multiplied[ANALYTIC_WIDTHS] = {2.0, 1.0, 0.5};
    uint32_t width = width_of(profile, op->dtype);
    const struct analytic_kernel *kernel = kernel_of(profile->gemm, width);
    double reads = 1.0 + kernel->reread * n / COLUMNS_AT_ONCE;
    double bytes = dtype_bytes(op->dtype) * m * k * reads + each * k * n + 2.0 * m * n;
    double us =
        kernel->launch_us + soft_maximum(arithmetic_us(profile, kernel, op, peak, each < multiplied[width]),
                                         traffic_us(profile, kernel->memory_efficiency, bytes), kernel->softness);
    return to_ps(op->times * (us * PS_PER_US), ps, err);
}

/* ---- experts ---- */

/* The experts' kernels: gemm's, launched twice, where the profile has none of their own. */
static struct analytic_kernel
moe_kernel(const struct analytic_profile *profile, uint32_t width)
{
    struct analytic_kernel kernel = *kernel_of(profile->moe, width);
    if (kernel.compute_efficiency > 0.0)
        return kernel;
    kernel = *kernel_of(profile->gemm, width);
    kernel.launch_us *= 2.0;
    return kernel;
}

/* Of a pair of a token and an expert: what goes into both products, gate and up written and read, the result. */
static double
expert_row_bytes(const struct servsim_moe *op)
{
    double hidden = op->hidden, ffn = op->ffn;
    return dtype_bytes(op->dtype) * (hidden + ffn) + 2.0 * 2.0 * ffn + 2.0 * hidden;
}

/* Gate and up, activation and down as one: weights of the experts that were hit are read once. */
static int32_t
moe(void *self, const struct servsim_moe *op, int64_t *ps, struct servsim_error *err)
{
    const struct analytic_profile *profile = &((const struct device *)self)->profile;
    double rows = (double)op->tokens_here, hidden = op->hidden, ffn = op->ffn, peak, each;
    int32_t rc = peak_of(profile, op->dtype, &peak, err);
    if (rc == 0)
        rc = weight_bytes(profile, op->weight_dtype, op->dtype, &each, err);
    *ps = 0;
    if (rc != 0 || op->tokens_here == 0)
        return rc;
    const struct analytic_kernel kernel = moe_kernel(profile, width_of(profile, op->dtype));
    double weights = 3.0 * op->experts_hit * hidden * ffn * each, row = expert_row_bytes(op);
    double bytes = kernel.spread > 0.0 ? weights : weights + rows * row;
    double moved = kernel.all_rows ? (double)op->tokens * op->top_k : rows;
    double compute_us = 6.0 * rows * hidden * ffn / (kernel.compute_efficiency * peak) * US_PER_S;
    double us = kernel.launch_us + traffic_us(profile, 1.0, kernel.spread * moved * row) +
                soft_maximum(compute_us, traffic_us(profile, kernel.memory_efficiency, bytes), kernel.softness);
    return to_ps(op->times * (us * PS_PER_US), ps, err);
}

/* ---- small kernels ---- */

/* Values that a kernel reads and writes for each of its columns: a norm adds the residual and writes both, rotary
   embedding works in place, activation multiplies two halves into one, the sampler reads logits in 32 bits and writes
   them once. */
static double
values_per_column(uint32_t role)
{
    switch (role) {
    case SERVSIM_ELEMENTWISE_NORM:
    case SERVSIM_ELEMENTWISE_FINAL_NORM:
    case SERVSIM_ELEMENTWISE_SAMPLER:
        return 4.0;
    case SERVSIM_ELEMENTWISE_ACTIVATION:
        return 3.0;
    default:
        return 2.0;
    }
}

/* What grows with the rows; the launch is part of the engine's overhead per layer. While operands fit half of the L2,
   they come from there, at about four times the bandwidth; what is beyond pays memory. */
static int32_t
elementwise(void *self, const struct servsim_elementwise *op, int64_t *ps, struct servsim_error *err)
{
    const struct analytic_profile *profile = &((const struct device *)self)->profile;
    double bytes = 2.0 * values_per_column(op->role) * (double)op->rows * (double)op->columns;
    *ps = 0;
    if (profile->l2_bytes <= 0.0)
        return 0;
    double us =
        traffic_us(profile, 4.0, bytes) + traffic_us(profile, 4.0 / 3.0, fmax(0.0, bytes - profile->l2_bytes / 2.0));
    return to_ps(op->times * (us * PS_PER_US), ps, err);
}

/* ---- attention ---- */

static double
value_dim(const struct servsim_attention *op)
{
    return op->v_head_dim != 0 ? op->v_head_dim : op->head_dim;
}

/* Keys and values of prior context made again from their latents, in all heads: a GEMM inside prefill attention. */
static double
latent_context_flops(const struct servsim_attention *op)
{
    double widths = (double)op->head_dim - op->rope_dim + value_dim(op);
    return op->latent_rank == 0 ? 0.0
                                : 2.0 * op->q_heads * op->latent_rank * widths * (double)op->prefill_context_tokens;
}

/* Queries, keys, values and results of all chunks and their prior contexts. */
static double
prefill_bytes(const struct servsim_attention *op)
{
    double seen = (double)op->prefill_new_tokens + (double)op->prefill_context_tokens,
           width = op->head_dim + value_dim(op);
    return width * (dtype_bytes(op->kv_dtype) * op->kv_heads * seen +
                    dtype_bytes(op->dtype) * op->q_heads * (double)op->prefill_new_tokens);
}

/* What is beside the kernel; decodes have launched it already. */
static double
latent_prefill_us(const struct analytic_latent_prefill *measured, const struct servsim_attention *op)
{
    double each = measured->token_us + measured->head_us * op->q_heads;
    return (op->decode_count == 0 ? measured->launch_us : 0.0) + each * (double)op->prefill_new_tokens;
}

/* One kernel for all prefill chunks: 2 flops per head, causal pair and channel of keys and of values. In us for one
   layer. */
static int32_t
prefill_us(const struct analytic_profile *profile, const struct servsim_attention *op, double *us,
           struct servsim_error *err)
{
    const struct analytic_prefill *kernel = &profile->prefill_attention;
    double peak, pairs = (double)op->prefill_causal_pairs, pair_flops = 2.0 * (op->head_dim + value_dim(op));
    int32_t rc = peak_of(profile, op->dtype, &peak, err);
    if (rc != 0)
        return rc;
    *us = kernel->launch_us + op->q_heads * pair_flops * pairs / (kernel->compute_efficiency * peak) * US_PER_S +
          latent_context_flops(op) / (profile->gemm[ANALYTIC_16BIT].compute_efficiency * peak) * US_PER_S;
    if (kernel->chain > 0.0 && op->prefill_new_tokens > 0)
        *us += kernel->chain * 128.0 * pair_flops * (pairs / (double)op->prefill_new_tokens) / (peak / profile->sms) *
               US_PER_S;
    if (kernel->memory_efficiency > 0.0)
        *us += traffic_us(profile, kernel->memory_efficiency, prefill_bytes(op));
    if (op->latent_rank > 0)
        *us += latent_prefill_us(&profile->latent_prefill, op);
    return 0;
}

/* Values that a decode's query and result have in all heads; on latents both are as wide as these. */
static double
query_values(const struct servsim_attention *op)
{
    double each = op->latent_rank > 0 ? 2.0 * op->latent_rank + op->rope_dim : op->head_dim + value_dim(op);
    return op->q_heads * each;
}

/* By the KV cache's bits, where such kernels were measured: they have an efficiency. */
static uint32_t
kv_width(const struct servsim_attention *op, double efficiency_8bit)
{
    return op->kv_dtype == SERVSIM_DTYPE_FP8 && efficiency_8bit > 0.0 ? ANALYTIC_8BIT : ANALYTIC_16BIT;
}

static const struct analytic_decode *
decode_kernel(const struct analytic_profile *profile, const struct servsim_attention *op)
{
    const struct analytic_decode *kernels = profile->decode_attention;
    return &kernels[kv_width(op, kernels[ANALYTIC_8BIT].memory_efficiency)];
}

/* Decodes on latents, or NULL where the device has no figures for them. */
static const struct analytic_latent *
latent_kernel(const struct analytic_profile *profile, const struct servsim_attention *op)
{
    const struct analytic_latent *kernels = profile->latent_decode;
    const struct analytic_latent *kernel = &kernels[kv_width(op, kernels[ANALYTIC_8BIT].memory_efficiency)];
    return op->latent_rank > 0 && kernel->memory_efficiency > 0.0 ? kernel : NULL;
}

/* At which KV is read. Does not depend on contexts, so that a run of decode steps stays on one line. */
static double
decode_bytes_per_s(const struct analytic_profile *profile, const struct servsim_attention *op)
{
    const struct analytic_decode *kernel = decode_kernel(profile, op);
    const struct analytic_latent *latent = latent_kernel(profile, op);
    if (latent != NULL)
        return latent->memory_efficiency * profile->memory_bytes_per_s;
    double rate = kernel->memory_efficiency * profile->memory_bytes_per_s;
    if (kernel->block_bytes_per_s <= 0.0 || op->latent_rank > 0 || op->q_heads != op->kv_heads)
        return rate;
    return fmin(rate, kernel->block_bytes_per_s * op->kv_heads * (double)op->decode_count);
}

/* Decodes run in the kernel of the prefill beside them. Latents have kernels of their own. */
static int
is_joint(const struct analytic_profile *profile, const struct servsim_attention *op)
{
    return decode_kernel(profile, op)->joint && op->prefill_count > 0 && op->decode_count > 0 && op->latent_rank == 0;
}

/* Of one key under the padded queries of one decode in a joint kernel. */
static double
padded_key_us(const struct analytic_profile *profile, const struct servsim_attention *op)
{
    double flops = decode_kernel(profile, op)->padded_rows * op->q_heads * 2.0 * (op->head_dim + value_dim(op));
    return flops / (profile->prefill_attention.compute_efficiency * peak_for(profile, op->dtype)) * US_PER_S;
}

/* For thread blocks to begin and to end, one for each KV head of each request. */
static double
ramp_us(const struct analytic_profile *profile, const struct analytic_decode *kernel,
        const struct servsim_attention *op)
{
    if (kernel->ramp_us <= 0.0)
        return 0.0;
    double blocks = (double)op->decode_count * op->kv_heads / profile->sms;
    return kernel->ramp_us * fmin(1.0, blocks / kernel->ramp_blocks);
}

/* One kernel for all decodes, without what it reads of the KV cache: queries in and results out. In us for one layer.
 */
static double
decode_fixed_us(const struct analytic_profile *profile, const struct servsim_attention *op)
{
    double count = (double)op->decode_count, bytes = query_values(op) * dtype_bytes(op->dtype) * count;
    const struct analytic_decode *kernel = decode_kernel(profile, op);
    const struct analytic_latent *latent = latent_kernel(profile, op);
    if (latent != NULL)
        return latent->launch_us + latent->request_us * count * ceil(op->q_heads / 64.0) / profile->sms +
               traffic_us(profile, latent->memory_efficiency, latent->passes * bytes);
    double us = kernel->launch_us + traffic_us(profile, kernel->memory_efficiency, bytes);
    if (!is_joint(profile, op))
        us += ramp_us(profile, kernel, op);
    else
        us += count * kernel->padded_keys * padded_key_us(profile, op) -
              fmin(kernel->launch_us, profile->prefill_attention.launch_us);
    return us;
}

/* One context token in all layers, as whole picoseconds: depends on the model, the device, the number of decodes and
   whether prefill is beside them only. Latents are read once for all heads, so that arithmetic may take longer than
   reading. */
static int32_t
context_token_ps(const struct analytic_profile *profile, const struct servsim_attention *op, int64_t *ps,
                 struct servsim_error *err)
{
    double values =
        op->latent_rank > 0 ? (double)op->latent_rank + op->rope_dim : op->kv_heads * (op->head_dim + value_dim(op));
    double seconds = values * dtype_bytes(op->kv_dtype) / decode_bytes_per_s(profile, op), peak = 0.0;
    if (op->latent_rank > 0) {
        int32_t rc = peak_of(profile, op->dtype, &peak, err);
        if (rc != 0)
            return rc;
        const struct analytic_latent *latent = latent_kernel(profile, op);
        double share = latent != NULL ? latent->compute_efficiency : decode_kernel(profile, op)->compute_efficiency;
        share = share > 0.0 ? share : profile->prefill_attention.compute_efficiency;
        seconds = fmax(seconds, 2.0 * query_values(op) / (share * peak));
    }
    if (is_joint(profile, op))
        seconds = fmax(seconds, padded_key_us(profile, op) / US_PER_S);
    return to_ps(op->times * (seconds * PS_PER_S), ps, err);
}

/* Context tokens of the whole batch that skew adds: some of those that the mean lacks to the longest. Windows even
   contexts out. */
static uint64_t
skew_tokens(const struct analytic_profile *profile, const struct servsim_attention *op)
{
    if (op->decode_context_max == 0) /* the device has not asked for it */
        return 0;
    /* conversions of what is below 2^63 are cheaper from signed numbers */
    double longest = (double)(int64_t)op->decode_context_max * (double)(int64_t)op->decode_count;
    double gap = longest - (double)(int64_t)op->decode_context_sum;
    return op->window == 0 && gap > 0.0 ? (uint64_t)(decode_kernel(profile, op)->skew * gap) : 0;
}

static uint32_t
has_prefill(const struct servsim_attention *op)
{
    return op->prefill_count > 0;
}

static int
is_of(const struct decode_price *price, const struct servsim_attention *op)
{
    const struct servsim_attention *of = &price->of;
    return of->decode_count == op->decode_count && of->times == op->times && of->window == op->window &&
           price->beside_prefill == has_prefill(op) && of->q_heads == op->q_heads && of->kv_heads == op->kv_heads &&
           of->head_dim == op->head_dim && of->v_head_dim == op->v_head_dim && of->dtype == op->dtype &&
           of->kv_dtype == op->kv_dtype && of->latent_rank == op->latent_rank && of->rope_dim == op->rope_dim;
}

/* Batches of the same size come again and again: what they have in common is worked out once. */
static int32_t
decode_price(struct device *device, const struct servsim_attention *op, const struct decode_price **out,
             struct servsim_error *err)
{
    uint64_t hash = 4 * op->decode_count + 2 * (uint64_t)(op->window != 0) + has_prefill(op);
    struct decode_price *price = &device->decodes[hash % REMEMBERED_DECODES];
    *out = price;
    if (is_of(price, op))
        return 0;
    *price = (struct decode_price){.of = *op, .beside_prefill = has_prefill(op)};
    price->us = decode_fixed_us(&device->profile, op);
    int32_t rc = context_token_ps(&device->profile, op, &price->token_ps, err);
    if (rc == 0)
        rc = to_ps(op->times * (price->us * PS_PER_US), &price->alone_ps, err);
    if (rc != 0)
        price->of.decode_count = 0;
    return rc;
}

/* Prompts, and what decodes beside them take without their contexts: rounded together. */
static int32_t
beside_prefill_ps(const struct analytic_profile *profile, const struct servsim_attention *op,
                  const struct decode_price *decode, int64_t *ps, struct servsim_error *err)
{
    double us = 0.0;
    int32_t rc = prefill_us(profile, op, &us, err);
    us += decode != NULL ? decode->us : 0.0;
    return rc != 0 ? rc : to_ps(op->times * (us * PS_PER_US), ps, err);
}

/*
 * A decode behind d tokens writes its own key and value first and so reads d + 1 of them. Its context grows by one
 * token a step, and all else stays: a line with a slope of one token for each decode that has not settled in its
 * window, which holds for ever.
 */
static int32_t
attention(void *self, const struct servsim_attention *op, struct servsim_line *line, struct servsim_error *err)
{
    struct device *device = self;
    const struct analytic_profile *profile = &device->profile;
    const struct decode_price *decode = NULL;
    int32_t rc = 0;
    if (!is_known(op->dtype) || !is_known(op->kv_dtype))
        return servsim_fail(err, EINVAL, "attention in a data type that %s does not know", profile->name);
    if (op->decode_count > 0)
        rc = decode_price(device, op, &decode, err);
    if (rc != 0)
        return rc;
    *line = (struct servsim_line){.base_ps = decode != NULL ? decode->alone_ps : 0, .steps = SERVSIM_FOREVER};
    if (op->prefill_count > 0)
        rc = beside_prefill_ps(profile, op, decode, &line->base_ps, err);
    if (rc != 0 || decode == NULL)
        return rc;
    uint64_t token_ps = (uint64_t)decode->token_ps;
    if ((rc = add_product(&line->slope_ps, token_ps, op->decode_count - op->decode_settled, err)) != 0)
        return rc;
    uint64_t tokens = op->decode_context_sum + op->decode_count + skew_tokens(profile, op);
    if (tokens < op->decode_context_sum) /* past 64 bits: too much in any case */
        tokens = UINT64_MAX;
    return add_product(&line->base_ps, token_ps, tokens, err);
}

/* ---- collectives ---- */

/* A launch, and the steps of a ring, each sending one rank's share. An all-reduce is a reduce-scatter and an
 * all-gather. */
static double
ring_us(const struct analytic_link *link, uint32_t kind, uint32_t ranks, double bytes)
{
    int reduces = kind == SERVSIM_COLLECTIVE_ALL_REDUCE;
    double steps = (reduces ? 2.0 : 1.0) * (ranks - 1.0);
    return (reduces && ranks == 2 ? link->pair_launch_us : link->launch_us) +
           steps * (link->latency_us + bytes / ranks / link->bytes_per_s * 1e6);
}

/* Between the sizes of a table, and beyond its last at the pace of its last two. */
static double
table_us(const double *us, double bytes)
{
    uint32_t i = 0;
    double low = ANALYTIC_SMALLEST;
    if (bytes <= low)
        return us[0];
    for (; i + 2 < ANALYTIC_SIZES && bytes > 2.0 * low; i++)
        low *= 2.0;
    return us[i] + (us[i + 1] - us[i]) * (bytes - low) / low;
}

static double
in_node_us(const struct analytic_profile *profile, uint32_t kind, uint32_t ranks, double bytes)
{
    const struct analytic_all_reduce *reduce = profile->all_reduce;
    const struct analytic_shuffle *shuffles = profile->shuffles;
    if (kind == SERVSIM_COLLECTIVE_ALL_REDUCE) {
        for (uint32_t i = 0; i < profile->all_reduce_count; i++)
            if (reduce[i].ranks == ranks)
                return reduce[i].us != NULL ? table_us(reduce[i].us, bytes)
                                            : reduce[i].alpha_us + bytes / reduce[i].bytes_per_s * US_PER_S;
    } else {
        for (uint32_t i = 0; i < profile->shuffle_count; i++)
            if (shuffles[i].kind == kind && shuffles[i].ranks == ranks)
                return table_us(shuffles[i].us, bytes);
    }
    int bridged = ranks == 2 && profile->bridge.bytes_per_s > 0.0;
    return ring_us(bridged ? &profile->bridge : &profile->link, kind, ranks, bytes);
}

/* What each GPU sends over the network goes to `nodes` - 1 others at its own rate. */
static double
exchange_us(const struct analytic_profile *profile, uint32_t ranks, uint32_t local, double bytes)
{
    double within_us =
        local > 1 ? in_node_us(profile, SERVSIM_COLLECTIVE_ALL_TO_ALL, local, bytes * local / ranks) : 0.0;
    double sent = bytes * (ranks - local) / ranks;
    uint32_t nodes = ranks / local;
    double across_us = (nodes - 1.0) * profile->network.latency_us + sent / profile->network.bytes_per_s * 1e6;
    return fmax(within_us, across_us);
}

/*
 * Whole nodes, in two levels. An all-reduce scatters within the node, reduces each share between nodes, and gathers
 * within the node; the first and the last together cost what an all-reduce within the node does. A reduce-scatter is
 * its first half, an all-gather its second. An all-to-all uses both links at once. Groups that do not fill nodes evenly
 * are one ring at the pace of its slowest hop.
 */
static double
across_nodes_us(const struct analytic_profile *profile, uint32_t kind, uint32_t ranks, uint32_t local, double bytes)
{
    struct analytic_link slowest = {.latency_us = fmax(profile->link.latency_us, profile->network.latency_us),
                                    .bytes_per_s = fmin(profile->link.bytes_per_s, profile->network.bytes_per_s)};
    if (ranks % local != 0)
        return ring_us(&slowest, kind, ranks, bytes);
    if (kind == SERVSIM_COLLECTIVE_ALL_TO_ALL)
        return exchange_us(profile, ranks, local, bytes);
    return (local > 1 ? in_node_us(profile, kind, local, bytes) : 0.0) +
           ring_us(&profile->network, kind, ranks / local, bytes / local);
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
    uint32_t local = op->ranks_per_node != 0 ? op->ranks_per_node : profile->gpus_per_node;
    double us = local > 0 && op->ranks > local ? across_nodes_us(profile, op->kind, op->ranks, local, bytes)
                                               : in_node_us(profile, op->kind, op->ranks, bytes);
    return to_ps(op->times * (us * PS_PER_US), ps, err);
}

static int32_t
p2p(void *self, const struct servsim_p2p *op, int64_t *ps, struct servsim_error *err)
{
    const struct analytic_profile *profile = &((const struct device *)self)->profile;
    const struct analytic_link *link = op->between_nodes ? &profile->network : &profile->link;
    double us = link->launch_us + link->latency_us + (double)op->bytes / link->bytes_per_s * 1e6;
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

/* ---- instances ---- */

void
analytic_read_cluster(struct analytic_profile *profile, const struct servsim_create *args)
{
    profile->gpus_per_node = (uint32_t)servsim_integer(args, "gpus_per_node");
    profile->network.bytes_per_s = servsim_number(args, "network.bandwidth");
    profile->network.latency_us = servsim_number(args, "network.latency");
    profile->price_usd_per_hour = servsim_number(args, "price_per_hour");
}

/* Of the limit, on the H100: 120 W, 250 W, 1.35 pJ at its peak rate, 90 pJ at its bandwidth, of 700 W. */
#define ANALYTIC_IDLE_SHARE 0.171
#define ANALYTIC_BUSY_SHARE 0.357
#define ANALYTIC_FLOP_SHARE 1.907
#define ANALYTIC_BYTE_SHARE 0.431

static double
power_or(const struct servsim_create *args, const char *option, double other)
{
    return servsim_present(args, option) ? servsim_number(args, option) : other;
}

int32_t
analytic_read_power(struct analytic_profile *profile, const struct servsim_create *args, struct servsim_error *err)
{
    struct analytic_power *power = &profile->power;
    double limit = power_or(args, "power.limit", 0.0);
    *power = (struct analytic_power){
        .limit_w = limit,
        .idle_w = power_or(args, "power.idle", ANALYTIC_IDLE_SHARE * limit),
        .busy_w = power_or(args, "power.busy", ANALYTIC_BUSY_SHARE * limit),
        .per_flop_pj = power_or(args, "power.per_flop",
                                ANALYTIC_FLOP_SHARE * limit / profile->peak_flops[SERVSIM_DTYPE_BF16] * PJ_PER_J),
        .per_byte_pj =
            power_or(args, "power.per_byte", ANALYTIC_BYTE_SHARE * limit / profile->memory_bytes_per_s * PJ_PER_J),
        .host_w = servsim_number(args, "power.host"),
        .electricity_usd_per_kwh = servsim_number(args, "power.electricity_price"),
    };
    if (limit > 0.0 && (power->idle_w > limit || power->busy_w > limit))
        return servsim_fail(
            err, EINVAL,
            "power.%s is %g W, more than power.limit (%g W): write power: {limit: ..., idle: ..., busy: "
            "...}, of which those not given are the device's own",
            power->idle_w > limit ? "idle" : "busy", power->idle_w > limit ? power->idle_w : power->busy_w, limit);
    if (limit > 0.0 && power->busy_w < power->idle_w)
        return servsim_fail(
            err, EINVAL,
            "power.busy is %g W, less than power.idle (%g W): write both, of which one not given is the "
            "device's own",
            power->busy_w, power->idle_w);
    return 0;
}

/* What the experiment says of its cluster goes before the device's own figures. */
static void
apply_cluster(struct analytic_profile *profile, const struct servsim_hardware_context *context)
{
    if (!SERVSIM_COVERS(context, struct servsim_hardware_context, network_latency_us))
        return;
    if (context->gpus_per_node > 0)
        profile->gpus_per_node = context->gpus_per_node;
    if (context->network_bytes_per_s > 0.0)
        profile->network.bytes_per_s = context->network_bytes_per_s;
    if (context->network_latency_us > 0.0)
        profile->network.latency_us = context->network_latency_us;
}

/* The type that the layers multiply in; utilisation is a share of its peak. */
static uint32_t
multiplied_dtype(const struct servsim_hardware_context *context)
{
    int said = SERVSIM_COVERS(context, struct servsim_hardware_context, gemm_dtype) && context->gemm_dtype != 0;
    return said ? context->gemm_dtype : context->dtype;
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
    device->dtype = multiplied_dtype(context);
    apply_cluster(&device->profile, context);
    *self = device;
    return 0;
}

void
analytic_set_latency(struct analytic_link *link, double latency_us)
{
    link->latency_us = latency_us;
    link->launch_us = link->pair_launch_us = 0.0;
}

static void
complete_link(struct analytic_profile *profile, const struct servsim_create *args)
{
    if (servsim_present(args, "link_bandwidth")) {
        profile->all_reduce_count = profile->shuffle_count = 0;
        profile->link.bytes_per_s = servsim_number(args, "link_bandwidth");
    }
    if (profile->all_reduce_count > 0)
        profile->link = analytic_fit_link(profile->all_reduce, profile->all_reduce_count);
    if (servsim_present(args, "link_latency"))
        analytic_set_latency(&profile->link, servsim_number(args, "link_latency"));
}

/* The latency of a bridge is taken to be that of peer-to-peer transfers over PCIe. */
static void
read_bridge(struct analytic_profile *profile, const struct servsim_create *args)
{
    const struct servsim_value *link = servsim_value_of(args, "link");
    if (link == NULL || strcmp(link->text, "nvlink_bridge") != 0)
        return;
    profile->bridge = (struct analytic_link)ANALYTIC_PEER_LINK;
    profile->bridge.bytes_per_s = 56.25e9;
    profile->link_kind = SERVSIM_LINK_BRIDGES;
}

int32_t
analytic_create_measured(const struct analytic_profile *sheet, const struct servsim_create *args, void **self,
                         struct servsim_error *err)
{
    struct analytic_profile profile = *sheet;
    if (servsim_present(args, "memory"))
        profile.memory_bytes = (uint64_t)servsim_number(args, "memory");
    if (servsim_present(args, "memory_bandwidth"))
        profile.memory_bytes_per_s = servsim_number(args, "memory_bandwidth");
    complete_link(&profile, args);
    read_bridge(&profile, args);
    analytic_read_cluster(&profile, args);
    int32_t rc = analytic_read_power(&profile, args, err);
    if (rc != 0)
        return rc;
    return analytic_create(&profile, args, self, err);
}

void
analytic_destroy(void *self)
{
    free(self);
}

const struct servsim_hardware_ops analytic_ops = {
    .size = sizeof analytic_ops,
    .flags = SERVSIM_HARDWARE_WANTS_LONGEST_CONTEXT,
    .describe = describe,
    .gemm = gemm,
    .attention = attention,
    .elementwise = elementwise,
    .collective = collective,
    .moe = moe,
    .p2p = p2p,
};
