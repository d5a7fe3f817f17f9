/*
 * hardware/profile - a GPU as it was measured: a bundle of tables for one model, data type and tensor parallel.
 *
 * Everything is a table look-up. Decodes alone give a line over further steps: pieces between entries of the table,
 * in whole picoseconds, anchored at the entries.
 */
#include <math.h>

#include "hardware/analytic.h"
#include "hardware/profile/bundle.h"

#define PS_PER_US 1e6
#define LARGEST_TILE 128.0               /* rows of an expert */
#define LARGEST_PS 2305843009213693952.0 /* 2^61, 26 days: room to add a few of them */

struct device {
    struct bundle bundle;
    struct servsim_device about;
    double cold_us_per_byte; /* of weights that come from memory; 0: not known */
    double moe_fixed_us;     /* of experts, however wide */
    uint32_t expert_ffn;     /* width of a whole expert */
    void *link;              /* an analytic device that prices messages and nothing else */
};

static int32_t
to_ps(double value, int64_t *ps, struct servsim_error *err)
{
    if (!(value >= 0.0 && value < LARGEST_PS))
        return servsim_fail(err, EOVERFLOW,
                            "a price of %.3g s is none: check the bundle's times near this size, and the batch",
                            value / 1e12);
    *ps = (int64_t)llround(value);
    return 0;
}

/* ---- weights ---- */

/* Of one value as it lies in memory, scales of its group included. 0 for a type that is not known. */
static double
value_bytes(uint32_t dtype)
{
    static const double bytes[ANALYTIC_DTYPES] = {
        [SERVSIM_DTYPE_BF16] = 2.0,   [SERVSIM_DTYPE_FP16] = 2.0,   [SERVSIM_DTYPE_FP8] = 1.0,
        [SERVSIM_DTYPE_INT4] = 0.519, [SERVSIM_DTYPE_MXFP4] = 0.53, [SERVSIM_DTYPE_NVFP4] = 0.5625,
    };
    return dtype < ANALYTIC_DTYPES ? bytes[dtype] : 0.0;
}

/*
 * The same kernel again and again finds its weights in the L2 where they fit it; a step comes back to them after all
 * other layers. The LM head is larger than any L2: no kernel reads its weights faster than that one does.
 */
static double
cold_us(const struct device *device, const struct servsim_gemm *op)
{
    uint32_t dtype = op->weight_dtype != 0 ? op->weight_dtype : op->dtype;
    return device->cold_us_per_byte * (double)op->n * (double)op->k * value_bytes(dtype);
}

static double
head_us_per_byte(const struct bundle *bundle, const struct servsim_hardware_context *context)
{
    const struct curve *head = &bundle->layers[LAYER_LM_HEAD];
    double bytes = (double)context->vocab / context->tp * context->hidden * value_bytes(context->dtype);
    double us = head->count > 0 ? head->points[0].us : 0.0;
    for (uint32_t i = 1; i < head->count; i++)
        us = fmin(us, head->points[i].us);
    return bytes > 0.0 ? us / bytes : 0.0;
}

/* ---- GEMMs and small kernels ---- */

static int32_t
price_layer(const struct device *device, uint32_t layer, uint64_t size, uint32_t times, double least_us, int64_t *ps,
            struct servsim_error *err)
{
    const struct curve *curve = &device->bundle.layers[layer];
    *ps = 0;
    if (curve->count == 0 || size == 0 || times == 0)
        return 0;
    return to_ps(fmax(curve_at(curve, (int64_t)size), least_us) * times * PS_PER_US, ps, err);
}

static int32_t
gemm(void *self, const struct servsim_gemm *op, int64_t *ps, struct servsim_error *err)
{
    static const uint8_t layers[] = {
        [SERVSIM_GEMM_QKV] = LAYER_QKV,
        [SERVSIM_GEMM_ATTENTION_OUT] = LAYER_ATTENTION_OUT,
        [SERVSIM_GEMM_GATE_UP] = LAYER_GATE_UP,
        [SERVSIM_GEMM_DOWN] = LAYER_DOWN,
        [SERVSIM_GEMM_LM_HEAD] = LAYER_LM_HEAD,
        [SERVSIM_GEMM_ROUTER] = LAYER_ROUTER,
        [SERVSIM_GEMM_SHARED_GATE_UP] = LAYER_SHARED_GATE_UP,
        [SERVSIM_GEMM_SHARED_DOWN] = LAYER_SHARED_DOWN,
    };
    if (op->role == 0 || op->role >= sizeof layers)
        return servsim_fail(err, ENOTSUP, "a bundle has no table for GEMMs of role %u", (unsigned)op->role);
    double least_us = op->role != SERVSIM_GEMM_LM_HEAD ? cold_us(self, op) : 0.0;
    return price_layer(self, layers[op->role], op->m, op->times, least_us, ps, err);
}

static int32_t
elementwise(void *self, const struct servsim_elementwise *op, int64_t *ps, struct servsim_error *err)
{
    static const uint8_t layers[] = {
        [SERVSIM_ELEMENTWISE_EMBEDDING] = LAYER_EMBEDDING,   [SERVSIM_ELEMENTWISE_NORM] = LAYER_NORM,
        [SERVSIM_ELEMENTWISE_ROTARY] = LAYER_ROTARY,         [SERVSIM_ELEMENTWISE_ACTIVATION] = LAYER_ACTIVATION,
        [SERVSIM_ELEMENTWISE_FINAL_NORM] = LAYER_FINAL_NORM, [SERVSIM_ELEMENTWISE_SAMPLER] = LAYER_SAMPLER,
        [SERVSIM_ELEMENTWISE_QK_NORM] = LAYER_QK_NORM,
    };
    if (op->role == 0 || op->role >= sizeof layers)
        return servsim_fail(err, ENOTSUP, "a bundle has no table for small kernels of role %u", (unsigned)op->role);
    return price_layer(self, layers[op->role], op->rows, op->times, 0.0, ps, err);
}

/* What the experts take however few and narrow they are: launches, sorting. From the row of fewest tokens that tells.
 */
static double
fixed_us(const struct grid *moe)
{
    const struct grid_node *tokens = moe->chunk_count > 0 ? &moe->corners[moe->chunks[0].first] : NULL;
    for (uint32_t i = 0; tokens != NULL && i < moe->chunks[0].count; i++) {
        const struct grid_node *plane = &moe->planes[tokens[i].first];
        const struct curve_point *points = &moe->points[plane->first];
        if (plane->count < 2)
            continue;
        double slope = (points[1].us - points[0].us) / (double)(points[1].at - points[0].at);
        return fmin(fmax(points[0].us - slope * (double)points[0].at, 0.0), points[0].us);
    }
    return 0.0;
}

/* The table has whole experts. Under tensor parallel without expert parallel a GPU has a part of the width of each. */
static double
share_of_expert(const struct device *device, const struct servsim_moe *op)
{
    return device->expert_ffn > 0 && op->ffn > 0 && op->ffn < device->expert_ffn ? (double)op->ffn / device->expert_ffn
                                                                                 : 1.0;
}

/*
 * The table was measured on one GPU that holds all experts: as many pairs of a token and an expert there are
 * tokens_here / top_k tokens. But kernels choose their tiles by all rows that come in, before those that belong to
 * other GPUs drop out, and while the rows of an expert fit one tile, which they are filled up to, it does not matter
 * how many they are: then it is the number of all tokens that tells the kernel.
 */
static int32_t
moe(void *self, const struct servsim_moe *op, int64_t *ps, struct servsim_error *err)
{
    const struct device *device = self;
    *ps = 0;
    if (op->tokens_here == 0 || op->times == 0 || op->top_k == 0)
        return 0;
    uint64_t tokens = (op->tokens_here + op->top_k - 1) / op->top_k;
    uint64_t one_tile = (uint64_t)(LARGEST_TILE * op->experts_hit / op->top_k);
    uint64_t all = op->tokens < one_tile ? op->tokens : one_tile;
    tokens = tokens > all ? tokens : all;
    struct curve_piece piece = grid_decodes(&device->bundle.moe, (int64_t)tokens, (int64_t)op->experts_hit);
    double us = piece.us + piece.slope * (op->experts_hit - (double)piece.low);
    us = device->moe_fixed_us + (us - device->moe_fixed_us) * share_of_expert(device, op);
    return to_ps(us * op->times * PS_PER_US, ps, err);
}

/* ---- attention ---- */

static struct skew_batch
batch_of(const struct servsim_attention *op)
{
    return (struct skew_batch){.chunk = (int64_t)op->prefill_new_tokens,
                               .kv_prefill = (int64_t)op->prefill_context_tokens,
                               .decodes = (int64_t)op->decode_count,
                               .sum = (int64_t)op->decode_context_sum,
                               .smallest = (int64_t)op->decode_context_min,
                               .largest = (int64_t)op->decode_context_max};
}

/* A step with a prefill: one call of the table, and a second where contexts are unequal. It repeats as it is. */
static int32_t
price_mixed(const struct device *device, const struct servsim_attention *op, struct servsim_line *line,
            struct servsim_error *err)
{
    const struct grid *grid = &device->bundle.attention;
    struct skew_batch batch = batch_of(op);
    int64_t until, mean = batch.decodes > 0 ? batch.sum / batch.decodes : 0;
    double us = grid_mixed(grid, batch.chunk, batch.kv_prefill, batch.decodes, mean);
    double alpha = skew_alpha(&device->bundle.skew, &batch, &until);
    if (alpha != 0.0)
        us += alpha * (grid_mixed(grid, batch.chunk, batch.kv_prefill, batch.decodes, batch.largest) - us);
    line->steps = 1;
    return to_ps(us * op->times * PS_PER_US, &line->base_ps, err);
}

/* Adds `scale` times a piece, read at `at`: whole picoseconds at its lower end and for each token further. */
static int32_t
add_piece(struct servsim_line *line, const struct curve_piece *piece, double scale, int64_t at,
          struct servsim_error *err)
{
    double base = scale * piece->us, slope = scale * piece->slope;
    if (!(fabs(base) < LARGEST_PS && fabs(slope) * (double)(at - piece->low + 1) < LARGEST_PS))
        return servsim_fail(err, EOVERFLOW, "attention over %lld tokens of context is beyond what the bundle can price",
                            (long long)at);
    int64_t slope_ps = (int64_t)llround(slope);
    line->base_ps += (int64_t)llround(base) + slope_ps * (at - piece->low);
    line->slope_ps += slope_ps;
    uint64_t steps = piece->high == INT64_MAX ? SERVSIM_FOREVER : (uint64_t)(piece->high - at);
    if (steps < line->steps)
        line->steps = steps;
    return 0;
}

/* Decodes alone, all contexts growing by one a step: mean and largest context move along their pieces. */
static int32_t
price_decodes(const struct device *device, const struct servsim_attention *op, struct servsim_line *line,
              struct servsim_error *err)
{
    const struct grid *grid = &device->bundle.attention;
    struct skew_batch batch = batch_of(op);
    int64_t until, mean = batch.sum / batch.decodes;
    double alpha = skew_alpha(&device->bundle.skew, &batch, &until), scale = op->times * PS_PER_US;
    struct curve_piece piece = grid_decodes(grid, batch.decodes, mean);
    line->steps = SERVSIM_FOREVER;
    int32_t rc = add_piece(line, &piece, scale * (1.0 - alpha), mean, err);
    if (rc != 0 || alpha == 0.0)
        return rc;
    piece = grid_decodes(grid, batch.decodes, batch.largest);
    rc = add_piece(line, &piece, scale * alpha, batch.largest, err);
    if (until != INT64_MAX && (uint64_t)(until - batch.largest) + 1 < line->steps)
        line->steps = (uint64_t)(until - batch.largest) + 1;
    return rc;
}

/*
 * Decodes in layers with a window, some of which grow no more: the mean moves by a fraction of a token a step, so the
 * line is over the sum of the contexts, in whole picoseconds for each token of it. The tables do not say what unequal
 * contexts cost there.
 */
static int32_t
price_windowed(const struct device *device, const struct servsim_attention *op, struct servsim_line *line,
               struct servsim_error *err)
{
    int64_t decodes = (int64_t)op->decode_count, sum = (int64_t)op->decode_context_sum;
    int64_t growing = decodes - (int64_t)op->decode_settled, left;
    struct curve_piece piece = grid_decodes(&device->bundle.attention, decodes, sum / decodes);
    double scale = op->times * PS_PER_US, slope = scale * piece.slope / (double)decodes;
    int64_t above = sum - piece.low * decodes, slope_ps = (int64_t)llround(slope);
    int32_t rc = to_ps(scale * piece.us + fabs(slope) * (double)(above + 1), &left, err);
    if (rc != 0)
        return rc;
    line->base_ps = (int64_t)llround(scale * piece.us) + slope_ps * above;
    line->slope_ps = slope_ps * growing;
    line->steps = SERVSIM_FOREVER;
    if (piece.high != INT64_MAX && growing > 0)
        line->steps = (uint64_t)((piece.high * decodes - sum + growing - 1) / growing);
    return 0;
}

static int32_t
attention(void *self, const struct servsim_attention *op, struct servsim_line *line, struct servsim_error *err)
{
    *line = (struct servsim_line){.steps = SERVSIM_FOREVER};
    if (op->decode_context_sum > INT64_MAX || op->prefill_context_tokens > INT64_MAX)
        return servsim_fail(err, EOVERFLOW, "attention over more context than can be counted");
    if (op->prefill_count > 0 && op->prefill_new_tokens > 0)
        return price_mixed(self, op, line, err);
    if (op->decode_count == 0)
        return 0;
    int32_t rc = op->window > 0 ? price_windowed(self, op, line, err) : price_decodes(self, op, line, err);
    if (rc == 0 && line->base_ps <= 0)
        return servsim_fail(err, ERANGE,
                            "the skew correction of the bundle makes attention of %llu decodes cost nothing: check "
                            "skew_fit.csv, or write skew: false",
                            (unsigned long long)op->decode_count);
    return rc;
}

/* ---- messages and facts ---- */

/* The table was measured inside one node; between nodes, and for what it lacks, there is the link. */
static int32_t
collective(void *self, const struct servsim_collective *op, int64_t *ps, struct servsim_error *err)
{
    const struct device *device = self;
    const struct curve *curve = messages_find(&device->bundle.messages, op->kind, op->ranks);
    int one_node = op->ranks_per_node == 0 || op->ranks_per_node >= op->ranks;
    if (curve == NULL || !one_node)
        return analytic_ops.collective(device->link, op, ps, err);
    return to_ps(curve_at(curve, (int64_t)op->bytes) * op->times * PS_PER_US, ps, err);
}

static int32_t
p2p(void *self, const struct servsim_p2p *op, int64_t *ps, struct servsim_error *err)
{
    const struct device *device = self;
    const struct curve *curve = messages_find(&device->bundle.messages, MESSAGE_SEND, 2);
    if (curve == NULL || op->between_nodes)
        return analytic_ops.p2p(device->link, op, ps, err);
    return to_ps(curve_at(curve, (int64_t)op->bytes) * op->times * PS_PER_US, ps, err);
}

static int32_t
describe(void *self, struct servsim_device *out, struct servsim_error *err)
{
    const struct device *device = self;
    int32_t rc = analytic_ops.describe(device->link, out, err);
    memcpy(out->name, device->about.name, sizeof out->name);
    return rc;
}

/* ---- instances ---- */

/* An option, else what meta.yaml says under device. */
static int32_t
read_fact(const struct bundle *bundle, const struct servsim_create *args, const char *option, const char *key,
          double factor, double *out, struct servsim_error *err)
{
    *out = 0.0;
    if (servsim_present(args, option)) {
        *out = servsim_number(args, option) * factor;
        return 0;
    }
    int32_t rc = meta_number(&bundle->meta, key, 1, 1e18, out, err);
    if (rc == 0 && *out == 0.0)
        return servsim_fail(err, EINVAL,
                            "%s does not say %s: write %s of the GPU, from its datasheet, in the experiment's hardware",
                            bundle->meta.path, key, option);
    return rc;
}

static int32_t
create_link(struct device *device, const struct servsim_create *args, struct servsim_error *err)
{
    struct analytic_profile profile = {.gpus_per_node = 0};
    double memory, peak;
    int32_t rc = read_fact(&device->bundle, args, "memory", "device.memory_bytes", 1, &memory, err);
    if (rc == 0)
        rc = read_fact(&device->bundle, args, "memory_bandwidth", "device.memory_bytes_per_s", 1,
                       &profile.memory_bytes_per_s, err);
    if (rc == 0)
        rc = read_fact(&device->bundle, args, "peak_tflops", "device.peak_flops", 1e12, &peak, err);
    if (rc != 0)
        return rc;
    profile.memory_bytes = (uint64_t)memory;
    for (uint32_t dtype = 0; dtype < ANALYTIC_DTYPES; dtype++)
        profile.peak_flops[dtype] = peak;
    profile.link = (struct analytic_link)ANALYTIC_PEER_LINK;
    profile.link.bytes_per_s = servsim_number(args, "link.bandwidth");
    if (servsim_present(args, "link.latency"))
        analytic_set_latency(&profile.link, servsim_number(args, "link.latency"));
    analytic_read_cluster(&profile, args);
    rc = analytic_read_power(&profile, args, err);
    return rc != 0 ? rc : analytic_create(&profile, args, &device->link, err);
}

static void
name_device(struct device *device)
{
    const char *name = meta_text(&device->bundle.meta, "gpu");
    if (name == NULL)
        name = meta_text(&device->bundle.meta, "hardware");
    (void)snprintf(device->about.name, sizeof device->about.name, "%s", name != NULL ? name : "profiled GPU");
}

static void
destroy(void *self)
{
    struct device *device = self;
    bundle_free(&device->bundle);
    analytic_destroy(device->link);
    free(device);
}

/* Texts out of damaged files may hold anything; a message is one line. */
static void
clean(struct servsim_error *err)
{
    for (char *at = err->text; *at != '\0'; at++)
        if ((unsigned char)*at < ' ' || *at == '\x7f')
            *at = '?';
}

static int32_t
create(const struct servsim_host *host, const struct servsim_create *args, void **self, struct servsim_error *err)
{
    struct device *device = calloc(1, sizeof *device);
    (void)host;
    if (device == NULL || args->context == NULL) {
        free(device);
        return servsim_fail(err, EINVAL, "a device needs memory, and to be told the model that it prices for");
    }
    int32_t rc = bundle_read(&device->bundle, servsim_text(args, "path"), args->context,
                             (int)servsim_integer(args, "any_model"), err);
    if (rc == 0)
        rc = create_link(device, args, err);
    if (rc != 0) {
        clean(err);
        destroy(device);
        return rc;
    }
    if (!servsim_integer(args, "skew"))
        device->bundle.skew.enabled = 0;
    device->cold_us_per_byte = head_us_per_byte(&device->bundle, args->context);
    device->moe_fixed_us = fixed_us(&device->bundle.moe);
    device->expert_ffn = ((const struct servsim_hardware_context *)args->context)->expert_ffn;
    name_device(device);
    *self = device;
    return 0;
}

#define NUMBER(name_, unit_, default_, minimum_, maximum_, help_)                                                      \
    {                                                                                                                  \
        .name = (name_), .unit = (unit_), .default_text = (default_), .help = (help_), .minimum = (minimum_),          \
        .maximum = (maximum_), .type = SERVSIM_OPTION_NUMBER                                                           \
    }

static const struct servsim_option options[] = {
    {.name = "path",
     .unit = "",
     .help = "the bundle: the folder <hardware>/<model>/<dtype> that holds meta.yaml and tp<N> folders",
     .type = SERVSIM_OPTION_PATH,
     .flags = SERVSIM_OPTION_REQUIRED},
    NUMBER("memory", "bytes", NULL, 1e6, 1e15, "of one GPU; unless given, meta.yaml's device.memory_bytes"),
    NUMBER("memory_bandwidth", "bytes/s", NULL, 1e6, 1e16,
           "from the datasheet, for reports; unless given, meta.yaml's device.memory_bytes_per_s"),
    NUMBER("peak_tflops", "TFLOP/s", NULL, 1e-3, 1e7,
           "dense, from the datasheet, for reports; unless given, meta.yaml's device.peak_flops"),
    {.name = "skew",
     .unit = "",
     .default_text = "true",
     .help = "correct decode attention for unequal contexts, where the bundle says how",
     .maximum = 1,
     .type = SERVSIM_OPTION_FLAG},
    {.name = "any_model",
     .unit = "",
     .default_text = "false",
     .help = "accept a bundle that was measured with a model of another name",
     .maximum = 1,
     .type = SERVSIM_OPTION_FLAG},
    NUMBER("link.bandwidth", "bytes/s", "25GB/s", 1e6, 1e15, "between GPUs, one direction (assumed: PCIe 4.0 x16)"),
    NUMBER("link.latency", "us", NULL, 0, 1e6,
           "of one step of a ring between GPUs; unless given, 4.6us once and 1.55us a step, as PCIe cards have it"),
    ANALYTIC_POWER_OPTIONS(NULL, NULL, NULL, NULL, NULL),
    ANALYTIC_CLUSTER_OPTIONS("25GB/s"),
};

static const struct servsim_hardware_ops ops = {
    .size = sizeof ops,
    .flags = SERVSIM_HARDWARE_WANTS_CONTEXT_RANGE | SERVSIM_HARDWARE_MEASURED,
    .describe = describe,
    .gemm = gemm,
    .attention = attention,
    .elementwise = elementwise,
    .collective = collective,
    .moe = moe,
    .p2p = p2p,
};

static const struct servsim_plugin plugin = {
    SERVSIM_PLUGIN_HEAD(SERVSIM_KIND_HARDWARE, options),
    .name = "profile",
    .version = "1.0",
    .summary = "a GPU as it was measured, from the tables of a bundle",
    .licence = "Apache-2.0",
    .page =
        "path names a bundle: meta.yaml, and a folder tp<N> for each tensor-parallel size with dense.csv, "
        "per_sequence.csv, attention.csv and, where there are, moe.csv and skew_fit.csv. servsim-profile(5) has "
        "the format, and tools/measure_gpu.py measures one.\n"
        "\n"
        "Times are those of the tables: straight lines between entries, the first entry's time below it, and "
        "beyond the last the line of the last two where it rises. Attention is read for the whole step (new and "
        "prior tokens of all prefills, decodes and their mean context) and corrected for unequal contexts where "
        "the bundle says how. Weights that the measurement found in the L2 are taken to come from memory, at the rate "
        "of "
        "the LM head and of larger numbers of experts. Kernels of the bundle are measured alone, so the engine's own "
        "time is apart "
        "(engine: in the experiment).\n"
        "\n"
        "Messages between GPUs come from collective.csv; what is not in it, and whatever crosses nodes, is a ring "
        "over link and network, whose defaults (25 GB/s, 4.6 us once and 1.55 us a step; 25 GB/s, 5 us) are assumed.",
    .options = options,
    .create = create,
    .destroy = destroy,
    .ops = &ops,
};

SERVSIM_ONE_PLUGIN(plugin)
