/*
 * conform/hardware.c - the laws of devices: prices that are prices, growing with the work where physics says so, and a
 * run that costs the same however it is split.
 */
#include <math.h>

#include "conform/bench.h"
#include "conform/foreign.h"

#define RANDOM_CELLS 24

static int
has_elementwise(const struct ss_bench *bench)
{
    return SERVSIM_COVERS(bench->ops, struct servsim_hardware_ops, elementwise) && bench->ops->elementwise != NULL;
}

static int
has_collective(const struct ss_bench *bench)
{
    return SERVSIM_COVERS(bench->ops, struct servsim_hardware_ops, collective) && bench->ops->collective != NULL;
}

static int
has_moe(const struct ss_bench *bench)
{
    return SERVSIM_COVERS(bench->ops, struct servsim_hardware_ops, moe) && bench->ops->moe != NULL;
}

/* ---- describing itself ---- */

/* A device that says nothing of its power leaves zeros. */
static int
sane_power(const struct servsim_device *about, struct servsim_error *err)
{
    const struct {
        const char *name;
        double value;
    } figures[] = {
        {"power_limit_w", about->power_limit_w},
        {"power_idle_w", about->power_idle_w},
        {"power_busy_w", about->power_busy_w},
        {"energy_per_flop_pj", about->energy_per_flop_pj},
        {"energy_per_byte_pj", about->energy_per_byte_pj},
        {"power_host_w", about->power_host_w},
        {"electricity_usd_per_kwh", about->electricity_usd_per_kwh},
    };
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++)
        if (!(figures[i].value >= 0) || !isfinite(figures[i].value))
            return servsim_fail(err, EPROTO, "describe() states %s as %g: it is 0 or more, and finite", figures[i].name,
                                figures[i].value);
    if (about->power_limit_w > 0 && fmax(about->power_idle_w, about->power_busy_w) > about->power_limit_w)
        return servsim_fail(err, EPROTO, "describe() states %s of %g W, and a board's limit of %g W",
                            about->power_idle_w > about->power_limit_w ? "an idle power" : "a busy power",
                            fmax(about->power_idle_w, about->power_busy_w), about->power_limit_w);
    return 0;
}

static int
describes(struct ss_trial *trial, struct servsim_error *err)
{
    struct ss_bench bench;
    struct servsim_device about = {.size = sizeof about};
    int rc = ss_bench_begin(trial, &bench, err);
    if (rc != 0)
        return rc;
    rc = bench.ops->describe(bench.self, &about, err);
    trial->plugin.descriptor->destroy(bench.self);
    if (rc < 0)
        return rc;
    if (about.memory_bytes == 0 || !(about.peak_flops > 0) || !(about.memory_bytes_per_s > 0))
        return servsim_fail(err, EPROTO,
                            "describe() states no memory, peak or bandwidth (%llu bytes, %g FLOP/s, %g B/s)",
                            (unsigned long long)about.memory_bytes, about.peak_flops, about.memory_bytes_per_s);
    if (!isfinite(about.peak_flops) || !isfinite(about.memory_bytes_per_s) || !(about.price_usd_per_hour >= 0) ||
        !isfinite(about.price_usd_per_hour))
        return servsim_fail(err, EPROTO, "describe() states a figure that is not finite, or a negative price");
    if (about.name[0] == '\0' || memchr(about.name, '\0', sizeof about.name) == NULL)
        return servsim_fail(err, EPROTO, "describe() gives no name that ends");
    return sane_power(&about, err);
}

/* ---- single operators ---- */

typedef int (*price_fn)(struct ss_bench *bench, const void *op, int64_t *ps, struct servsim_error *err);

static int
price_gemm(struct ss_bench *bench, const void *op, int64_t *ps, struct servsim_error *err)
{
    const struct servsim_gemm *gemm = op;
    char what[160];
    int32_t rc = bench->ops->gemm(bench->self, gemm, ps, err);
    (void)snprintf(what, sizeof what, "a GEMM of %llu x %llu x %llu, %u times", (unsigned long long)gemm->m,
                   (unsigned long long)gemm->n, (unsigned long long)gemm->k, gemm->times);
    int broken = ss_bench_priced(bench, rc, *ps, what, err);
    return broken == 0 && *ps == 0 ? servsim_fail(err, EPROTO, "%s costs nothing", what) : broken;
}

static int
price_elementwise(struct ss_bench *bench, const void *op, int64_t *ps, struct servsim_error *err)
{
    const struct servsim_elementwise *kernel = op;
    char what[160];
    int32_t rc = bench->ops->elementwise(bench->self, kernel, ps, err);
    (void)snprintf(what, sizeof what, "elementwise work of role %u on %llu x %llu", kernel->role,
                   (unsigned long long)kernel->rows, (unsigned long long)kernel->columns);
    return ss_bench_priced(bench, rc, *ps, what, err);
}

static int
price_collective(struct ss_bench *bench, const void *op, int64_t *ps, struct servsim_error *err)
{
    const struct servsim_collective *message = op;
    char what[160];
    int32_t rc = bench->ops->collective(bench->self, message, ps, err);
    (void)snprintf(what, sizeof what, "a collective of %llu bytes among %u", (unsigned long long)message->bytes,
                   message->ranks);
    return ss_bench_priced(bench, rc, *ps, what, err);
}

/* More work must not cost less. */
static int
not_less(struct ss_bench *bench, price_fn price, const void *small, const void *large, const char *what,
         struct servsim_error *err)
{
    int64_t little_ps = 0, much_ps = 0;
    int rc = price(bench, small, &little_ps, err);
    if (rc == 0)
        rc = price(bench, large, &much_ps, err);
    if (rc == 0 && much_ps < little_ps && !ss_bench_is_measured(bench))
        rc = servsim_fail(err, EPROTO,
                          "%s costs %lld ps, and less of it %lld ps; a device of measured tables declares "
                          "SERVSIM_HARDWARE_MEASURED",
                          what, (long long)much_ps, (long long)little_ps);
    return rc;
}

static struct servsim_gemm
draw_gemm(struct ss_bench *bench)
{
    static const uint32_t roles[] = {SERVSIM_GEMM_QKV, SERVSIM_GEMM_ATTENTION_OUT, SERVSIM_GEMM_GATE_UP,
                                     SERVSIM_GEMM_DOWN, SERVSIM_GEMM_LM_HEAD};
    const struct servsim_hardware_context *model = &bench->context;
    struct servsim_gemm op = {.size = sizeof op,
                              .role = roles[ss_bench_below(bench, sizeof roles / sizeof roles[0])],
                              .dtype = model->dtype,
                              .weight_dtype = model->weight_dtype,
                              .times = 1,
                              .m = ss_bench_size(bench, 13)};
    if (op.role == SERVSIM_GEMM_LM_HEAD)
        op.weight_dtype = model->dtype;
    uint64_t q = (uint64_t)model->q_heads_per_gpu * model->head_dim;
    op.n = op.role == SERVSIM_GEMM_QKV       ? q + 2 * (uint64_t)model->kv_heads_per_gpu * model->head_dim
           : op.role == SERVSIM_GEMM_GATE_UP ? 2 * (uint64_t)model->ffn_per_gpu
           : op.role == SERVSIM_GEMM_LM_HEAD ? model->vocab
                                             : model->hidden;
    op.k = op.role == SERVSIM_GEMM_ATTENTION_OUT ? q
           : op.role == SERVSIM_GEMM_DOWN        ? model->ffn_per_gpu
                                                 : model->hidden;
    return op;
}

static int
try_gemm(struct ss_bench *bench, struct servsim_error *err)
{
    struct servsim_gemm op = draw_gemm(bench), more = op, often = op;
    int64_t once_ps = 0, often_ps = 0;
    more.m = op.m * 2;
    often.times = 32;
    int rc = not_less(bench, price_gemm, &op, &more, "a GEMM of twice the rows", err);
    if (rc == 0)
        rc = price_gemm(bench, &op, &once_ps, err);
    if (rc == 0)
        rc = price_gemm(bench, &often, &often_ps, err);
    return rc != 0 ? rc : ss_bench_additive(once_ps, often_ps, often.times, 1, "a GEMM", err);
}

static int
try_elementwise(struct ss_bench *bench, struct servsim_error *err)
{
    struct servsim_elementwise op = {.size = sizeof op,
                                     .role = 1 + (uint32_t)ss_bench_below(bench, SERVSIM_ELEMENTWISE_SAMPLER),
                                     .dtype = bench->context.dtype,
                                     .times = 1,
                                     .rows = ss_bench_size(bench, 13),
                                     .columns = bench->context.hidden};
    struct servsim_elementwise more = op, often = op;
    int64_t once_ps = 0, often_ps = 0;
    more.rows = op.rows * 2;
    often.times = 32;
    int rc = not_less(bench, price_elementwise, &op, &more, "elementwise work on twice the rows", err);
    if (rc == 0)
        rc = price_elementwise(bench, &op, &once_ps, err);
    if (rc == 0)
        rc = price_elementwise(bench, &often, &often_ps, err);
    return rc != 0 ? rc : ss_bench_additive(once_ps, often_ps, often.times, 1, "elementwise work", err);
}

static int
try_collective(struct ss_bench *bench, struct servsim_error *err)
{
    struct servsim_collective op = {.size = sizeof op,
                                    .kind = SERVSIM_COLLECTIVE_ALL_REDUCE,
                                    .ranks = 2u << ss_bench_below(bench, 3),
                                    .times = 1,
                                    .bytes = ss_bench_size(bench, 27)};
    struct servsim_collective more = op, often = op;
    int64_t once_ps = 0, often_ps = 0;
    more.bytes = op.bytes * 2;
    often.times = 64;
    int rc = not_less(bench, price_collective, &op, &more, "an all-reduce of twice the bytes", err);
    if (rc == 0)
        rc = price_collective(bench, &op, &once_ps, err);
    if (rc == 0)
        rc = price_collective(bench, &often, &often_ps, err);
    return rc != 0 ? rc : ss_bench_additive(once_ps, often_ps, often.times, 1, "an all-reduce", err);
}

/* The same weights in fewer bits: where they are all that a GEMM of one row reads, it takes less time. */
static int
try_weights(struct ss_bench *bench, struct servsim_error *err)
{
    struct servsim_gemm op = draw_gemm(bench), plain;
    int64_t ps = 0, plain_ps = 0;
    if (op.weight_dtype == op.dtype || ss_bench_is_measured(bench))
        return 0;
    op.m = 1;
    plain = op;
    plain.weight_dtype = op.dtype;
    int rc = price_gemm(bench, &op, &ps, err);
    if (rc == 0)
        rc = price_gemm(bench, &plain, &plain_ps, err);
    if (rc == 0 && ps >= plain_ps)
        rc = servsim_fail(err, EPROTO,
                          "a GEMM of 1 x %llu x %llu costs %lld ps with weights of 4 bits and %lld ps with 16: price "
                          "by weight_dtype, or refuse such models in create()",
                          (unsigned long long)op.n, (unsigned long long)op.k, (long long)ps, (long long)plain_ps);
    return rc;
}

static int
price_moe(struct ss_bench *bench, const void *op, int64_t *ps, struct servsim_error *err)
{
    const struct servsim_moe *experts = op;
    char what[160];
    int32_t rc = bench->ops->moe(bench->self, experts, ps, err);
    (void)snprintf(what, sizeof what, "experts for %llu tokens, %u times", (unsigned long long)experts->tokens,
                   experts->times);
    int broken = ss_bench_priced(bench, rc, *ps, what, err);
    return broken == 0 && *ps == 0 ? servsim_fail(err, EPROTO, "%s cost nothing", what) : broken;
}

static struct servsim_moe
experts_for(const struct servsim_hardware_context *model, uint64_t tokens)
{
    double missed = 1.0 - (double)model->top_k / model->experts;
    return (struct servsim_moe){.size = sizeof(struct servsim_moe),
                                .dtype = model->gemm_dtype,
                                .weight_dtype = model->expert_dtype,
                                .times = 1,
                                .experts = model->experts,
                                .top_k = model->top_k,
                                .experts_here = model->experts_per_gpu,
                                .hidden = model->hidden,
                                .ffn = model->expert_ffn_per_gpu,
                                .ep = model->ep,
                                .tokens = tokens,
                                .tokens_here = tokens * model->top_k * model->experts_per_gpu / model->experts,
                                .experts_hit = model->experts_per_gpu * (1.0 - pow(missed, (double)tokens))};
}

static int
try_moe(struct ss_bench *bench, struct servsim_error *err)
{
    uint64_t tokens = ss_bench_size(bench, 13);
    struct servsim_moe op = experts_for(&bench->context, tokens), more = experts_for(&bench->context, 2 * tokens);
    struct servsim_moe often = op;
    int64_t once_ps = 0, often_ps = 0;
    often.times = 32;
    int rc = not_less(bench, price_moe, &op, &more, "the experts' work on twice the tokens", err);
    if (rc == 0)
        rc = price_moe(bench, &op, &once_ps, err);
    if (rc == 0)
        rc = price_moe(bench, &often, &often_ps, err);
    return rc != 0 ? rc : ss_bench_additive(once_ps, often_ps, often.times, 1, "the experts' work", err);
}

static int
try_kernels(struct ss_bench *bench, struct servsim_error *err)
{
    int rc = try_gemm(bench, err);
    if (rc == 0)
        rc = try_weights(bench, err);
    if (rc == 0 && has_elementwise(bench))
        rc = try_elementwise(bench, err);
    if (rc == 0 && has_collective(bench))
        rc = try_collective(bench, err);
    if (rc == 0 && has_moe(bench) && bench->context.moe_layers > 0)
        rc = try_moe(bench, err);
    return rc;
}

static int
prices(struct ss_trial *trial, struct servsim_error *err)
{
    return ss_bench_over_models(trial, try_kernels, err);
}

/* ---- whole steps, whole runs ---- */

static int
fast_forward(struct ss_trial *trial, struct servsim_error *err)
{
    struct ss_bench bench;
    struct servsim_error why = {.size = sizeof why};
    trial->takes_windows = ss_bench_begin_foreign(trial, &bench, SS_FOREIGN_WINDOWED, &why) == 0;
    if (trial->takes_windows)
        trial->plugin.descriptor->destroy(bench.self);
    int rc = ss_scenes_equal(trial, RANDOM_CELLS, &why);
    if (rc < 0 && strstr(why.text, "does not fit") != NULL)
        return ss_not_tried(err, "%.900s; or give another with --model", why.text);
    return rc == 0 ? 0 : servsim_fail(err, EPROTO, "%s", why.text);
}

/* ---- a transcript ---- */

static int
transcript(struct ss_trial *trial, struct ss_text *out, struct servsim_error *err)
{
    struct ss_bench bench;
    int rc = ss_bench_begin(trial, &bench, err);
    if (rc != 0)
        return rc;
    for (int i = 0; i < 200 && rc == 0; i++) {
        struct servsim_gemm gemm = draw_gemm(&bench);
        struct servsim_line line = {0};
        int64_t ps = 0;
        rc = price_gemm(&bench, &gemm, &ps, err);
        if (rc == 0)
            rc = ss_attention_sample(&bench, &line, err);
        ss_text_printf(out, "%lld %lld %lld %llu\n", (long long)ps, (long long)line.base_ps, (long long)line.slope_ps,
                       (unsigned long long)line.steps);
        if (i == 100 && trial->midway != NULL)
            trial->midway(trial->midway_ctx);
    }
    trial->plugin.descriptor->destroy(bench.self);
    return rc;
}

static const struct ss_law laws[] = {
    {"describes itself", describes},
    {"prices are positive and grow with the work", prices},
    {"attention is priced and grows with the context", ss_attention_grows},
    {"a line is the same wherever it is asked for", ss_attention_lines},
    {"fast-forward equals single steps", fast_forward},
};

const struct ss_kind_laws ss_hardware_laws = {SERVSIM_KIND_HARDWARE, laws, sizeof laws / sizeof laws[0], transcript};
