/*
 * conform/hardware.c - the laws of devices: prices that are prices, growing with the work where physics says so, and a
 * run that costs the same however it is split.
 */
#include <math.h>
#include <stdlib.h>

#include "conform/laws.h"
#include "cost/operators.h"

#define SHAPES 4000
#define RANDOM_CELLS 24

/* A device at work, without an engine. */
struct bench {
    const struct servsim_hardware_ops *ops;
    void *self;
    struct servsim_hardware_context context;
    struct servsim_random random;
};

static int
begin(struct ss_trial *trial, struct bench *bench, struct servsim_error *err)
{
    struct ss_toy toy;
    struct servsim_error why = {.size = sizeof why};
    *bench = (struct bench){.ops = trial->plugin.descriptor->ops, .random = {2026}};
    ss_toy_init(&toy);
    toy.cell.model = trial->model;
    ss_operators_context(&toy.cell, &bench->context);
    if (ss_trial_create(trial, &trial->use, &bench->self, &why) < 0)
        return servsim_fail(err, EPROTO, "create() fails: %.900s", why.text);
    return 0;
}

static int
has_elementwise(const struct bench *bench)
{
    return SERVSIM_COVERS(bench->ops, struct servsim_hardware_ops, elementwise) && bench->ops->elementwise != NULL;
}

static int
has_collective(const struct bench *bench)
{
    return SERVSIM_COVERS(bench->ops, struct servsim_hardware_ops, collective) && bench->ops->collective != NULL;
}

/* 1 to 2^bits, small ones as likely as large ones. */
static uint64_t
size_up_to(struct bench *bench, unsigned bits)
{
    unsigned shift = (unsigned)(servsim_random_u64(&bench->random) % (bits + 1));
    uint64_t top = UINT64_C(1) << shift;
    return top + servsim_random_u64(&bench->random) % top;
}

static uint64_t
below(struct bench *bench, uint64_t limit)
{
    return servsim_random_u64(&bench->random) % limit;
}

/* ---- describing itself ---- */

static int
describes(struct ss_trial *trial, struct servsim_error *err)
{
    struct bench bench;
    struct servsim_device about = {.size = sizeof about};
    int rc = begin(trial, &bench, err);
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
    return 0;
}

/* ---- single operators ---- */

/* What one call answered; price < 0 never stays so: it is an error at once. */
static int
priced(int32_t rc, int64_t ps, const char *what, struct servsim_error *err)
{
    if (rc < 0) {
        char said[700];
        (void)snprintf(said, sizeof said, "%.690s", err->text[0] != '\0' ? err->text : "without a text");
        return servsim_fail(err, EPROTO, "%s is refused: %s", what, said);
    }
    if (ps < 0 || ps > INT64_MAX / 16)
        return servsim_fail(err, EPROTO, "%s costs %lld ps", what, (long long)ps);
    return 0;
}

typedef int (*price_fn)(struct bench *bench, const void *op, int64_t *ps, struct servsim_error *err);

static int
price_gemm(struct bench *bench, const void *op, int64_t *ps, struct servsim_error *err)
{
    const struct servsim_gemm *gemm = op;
    char what[160];
    int32_t rc = bench->ops->gemm(bench->self, gemm, ps, err);
    (void)snprintf(what, sizeof what, "a GEMM of %llu x %llu x %llu, %u times", (unsigned long long)gemm->m,
                   (unsigned long long)gemm->n, (unsigned long long)gemm->k, gemm->times);
    int broken = priced(rc, *ps, what, err);
    return broken == 0 && *ps == 0 ? servsim_fail(err, EPROTO, "%s costs nothing", what) : broken;
}

static int
price_elementwise(struct bench *bench, const void *op, int64_t *ps, struct servsim_error *err)
{
    const struct servsim_elementwise *kernel = op;
    char what[160];
    int32_t rc = bench->ops->elementwise(bench->self, kernel, ps, err);
    (void)snprintf(what, sizeof what, "elementwise work of role %u on %llu x %llu", kernel->role,
                   (unsigned long long)kernel->rows, (unsigned long long)kernel->columns);
    return priced(rc, *ps, what, err);
}

static int
price_collective(struct bench *bench, const void *op, int64_t *ps, struct servsim_error *err)
{
    const struct servsim_collective *message = op;
    char what[160];
    int32_t rc = bench->ops->collective(bench->self, message, ps, err);
    (void)snprintf(what, sizeof what, "a collective of %llu bytes among %u", (unsigned long long)message->bytes,
                   message->ranks);
    return priced(rc, *ps, what, err);
}

static int
is_measured(const struct bench *bench)
{
    return (bench->ops->flags & SERVSIM_HARDWARE_MEASURED) != 0;
}

/* More work must not cost less. */
static int
not_less(struct bench *bench, price_fn price, const void *small, const void *large, const char *what,
         struct servsim_error *err)
{
    int64_t little_ps = 0, much_ps = 0;
    int rc = price(bench, small, &little_ps, err);
    if (rc == 0)
        rc = price(bench, large, &much_ps, err);
    if (rc == 0 && much_ps < little_ps && !is_measured(bench))
        rc = servsim_fail(err, EPROTO,
                          "%s costs %lld ps, and less of it %lld ps; a device of measured tables declares "
                          "SERVSIM_HARDWARE_MEASURED",
                          what, (long long)much_ps, (long long)little_ps);
    return rc;
}

/* `times` kernels cost `times` as much, roundings aside. */
static int
additive(int64_t once_ps, int64_t many_ps, uint32_t times, const char *what, struct servsim_error *err)
{
    double expected = (double)once_ps * times, gap = fabs((double)many_ps - expected);
    if (gap <= times + 1e-3 * expected)
        return 0;
    return servsim_fail(err, EPROTO, "%s %u times cost %lld ps, and once %lld ps", what, times, (long long)many_ps,
                        (long long)once_ps);
}

static struct servsim_gemm
draw_gemm(struct bench *bench)
{
    static const uint32_t roles[] = {SERVSIM_GEMM_QKV, SERVSIM_GEMM_ATTENTION_OUT, SERVSIM_GEMM_GATE_UP,
                                     SERVSIM_GEMM_DOWN, SERVSIM_GEMM_LM_HEAD};
    const struct servsim_hardware_context *model = &bench->context;
    struct servsim_gemm op = {.size = sizeof op,
                              .role = roles[below(bench, sizeof roles / sizeof roles[0])],
                              .dtype = model->dtype,
                              .times = 1,
                              .m = size_up_to(bench, 13)};
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
try_gemm(struct bench *bench, struct servsim_error *err)
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
    return rc != 0 ? rc : additive(once_ps, often_ps, often.times, "a GEMM", err);
}

static int
try_elementwise(struct bench *bench, struct servsim_error *err)
{
    struct servsim_elementwise op = {.size = sizeof op,
                                     .role = 1 + (uint32_t)below(bench, SERVSIM_ELEMENTWISE_SAMPLER),
                                     .dtype = bench->context.dtype,
                                     .times = 1,
                                     .rows = size_up_to(bench, 13),
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
    return rc != 0 ? rc : additive(once_ps, often_ps, often.times, "elementwise work", err);
}

static int
try_collective(struct bench *bench, struct servsim_error *err)
{
    struct servsim_collective op = {.size = sizeof op,
                                    .kind = SERVSIM_COLLECTIVE_ALL_REDUCE,
                                    .ranks = 2u << below(bench, 3),
                                    .times = 1,
                                    .bytes = size_up_to(bench, 27)};
    struct servsim_collective more = op, often = op;
    int64_t once_ps = 0, often_ps = 0;
    more.bytes = op.bytes * 2;
    often.times = 64;
    int rc = not_less(bench, price_collective, &op, &more, "an all-reduce of twice the bytes", err);
    if (rc == 0)
        rc = price_collective(bench, &op, &once_ps, err);
    if (rc == 0)
        rc = price_collective(bench, &often, &often_ps, err);
    return rc != 0 ? rc : additive(once_ps, often_ps, often.times, "an all-reduce", err);
}

static int
prices(struct ss_trial *trial, struct servsim_error *err)
{
    struct bench bench;
    int rc = begin(trial, &bench, err);
    if (rc != 0)
        return rc;
    for (int i = 0; i < SHAPES && rc == 0; i++) {
        rc = try_gemm(&bench, err);
        if (rc == 0 && has_elementwise(&bench))
            rc = try_elementwise(&bench, err);
        if (rc == 0 && has_collective(&bench))
            rc = try_collective(&bench, err);
    }
    trial->plugin.descriptor->destroy(bench.self);
    return rc;
}

/* ---- attention ---- */

static struct servsim_attention
draw_attention(struct bench *bench, uint32_t times)
{
    const struct servsim_hardware_context *model = &bench->context;
    struct servsim_attention op = {.size = sizeof op,
                                   .dtype = model->dtype,
                                   .kv_dtype = model->dtype,
                                   .times = times,
                                   .q_heads = model->q_heads_per_gpu,
                                   .kv_heads = model->kv_heads_per_gpu,
                                   .head_dim = model->head_dim};
    op.decode_count = size_up_to(bench, 7);
    uint64_t low = size_up_to(bench, 13) - 1, spread = below(bench, 1000);
    for (uint64_t i = 0; i < op.decode_count; i++)
        op.decode_context_sum += low + (spread * i) / op.decode_count;
    if ((bench->ops->flags & SERVSIM_HARDWARE_WANTS_CONTEXT_RANGE) != 0) {
        op.decode_context_min = low;
        op.decode_context_max = low + (spread * (op.decode_count - 1)) / op.decode_count;
    }
    return op;
}

static void
add_prefill(struct bench *bench, struct servsim_attention *op)
{
    op->prefill_count = 1 + below(bench, 4);
    for (uint64_t i = 0; i < op->prefill_count; i++) {
        uint64_t q = size_up_to(bench, 10), c = below(bench, 2) ? size_up_to(bench, 12) : 0;
        op->prefill_new_tokens += q;
        op->prefill_context_tokens += c;
        op->prefill_causal_pairs += q * c + q * (q + 1) / 2;
    }
}

static int
price_attention(struct bench *bench, const struct servsim_attention *op, struct servsim_line *line,
                struct servsim_error *err)
{
    *line = (struct servsim_line){0};
    int32_t rc = bench->ops->attention(bench->self, op, line, err);
    char what[160];
    (void)snprintf(what, sizeof what, "attention of %llu decodes behind %llu tokens and %llu prefill tokens",
                   (unsigned long long)op->decode_count, (unsigned long long)op->decode_context_sum,
                   (unsigned long long)op->prefill_new_tokens);
    int broken = priced(rc, line->base_ps, what, err);
    if (broken != 0)
        return broken;
    if (line->steps == 0)
        return servsim_fail(err, EPROTO, "%s has a line of no steps; at least 1", what);
    if (line->base_ps == 0)
        return servsim_fail(err, EPROTO, "%s costs nothing", what);
    int64_t last = line->steps > 1 ? (int64_t)(line->steps > 1000000 ? 1000000 : line->steps - 1) : 0;
    if (line->base_ps + line->slope_ps * last < 0)
        return servsim_fail(err, EPROTO, "the line of %s falls below zero", what);
    return 0;
}

/* The same batch, `steps` decode steps later. */
static struct servsim_attention
later(const struct servsim_attention *op, uint64_t steps)
{
    struct servsim_attention moved = *op;
    moved.decode_context_sum += op->decode_count * steps;
    if (op->decode_context_max > 0) {
        moved.decode_context_min += steps;
        moved.decode_context_max += steps;
    }
    return moved;
}

static int
line_moves(struct bench *bench, struct servsim_error *err)
{
    struct servsim_attention op = draw_attention(bench, 1 + (uint32_t)below(bench, 80));
    struct servsim_line first, then;
    int rc = price_attention(bench, &op, &first, err);
    if (rc != 0 || first.steps < 2)
        return rc;
    uint64_t reach = first.steps < 100000 ? first.steps : 100000, step = 1 + below(bench, reach - 1);
    struct servsim_attention moved = later(&op, step);
    rc = price_attention(bench, &moved, &then, err);
    if (rc != 0)
        return rc;
    int64_t promised_ps = first.base_ps + (int64_t)step * first.slope_ps;
    if (then.base_ps != promised_ps)
        return servsim_fail(
            err, EPROTO,
            "the line depends on where the run is split: %llu decodes behind %llu tokens promise %lld ps "
            "for step %llu, and cost %lld ps when asked there",
            (unsigned long long)op.decode_count, (unsigned long long)op.decode_context_sum, (long long)promised_ps,
            (unsigned long long)step, (long long)then.base_ps);
    if (step + 1 < first.steps && then.steps > 1 && then.slope_ps != first.slope_ps)
        return servsim_fail(err, EPROTO, "within one line the slope is %lld and then %lld ps",
                            (long long)first.slope_ps, (long long)then.slope_ps);
    return 0;
}

static int
lines(struct ss_trial *trial, struct servsim_error *err)
{
    struct bench bench;
    int rc = begin(trial, &bench, err);
    if (rc != 0)
        return rc;
    for (int i = 0; i < SHAPES && rc == 0; i++)
        rc = line_moves(&bench, err);
    trial->plugin.descriptor->destroy(bench.self);
    return rc;
}

static int
attention_grows(struct bench *bench, struct servsim_error *err)
{
    struct servsim_attention op = draw_attention(bench, 1);
    if (below(bench, 2) == 0)
        add_prefill(bench, &op);
    struct servsim_attention longer = later(&op, size_up_to(bench, 10)), often = op;
    struct servsim_line line = {0}, longer_line = {0}, often_line = {0};
    often.times = 32;
    int rc = price_attention(bench, &op, &line, err);
    if (rc == 0)
        rc = price_attention(bench, &longer, &longer_line, err);
    if (rc == 0)
        rc = price_attention(bench, &often, &often_line, err);
    if (rc == 0 && !is_measured(bench) && longer_line.base_ps < line.base_ps)
        rc = servsim_fail(err, EPROTO,
                          "attention behind %llu tokens costs %lld ps, and behind %llu tokens %lld ps; a device of "
                          "measured tables declares SERVSIM_HARDWARE_MEASURED",
                          (unsigned long long)longer.decode_context_sum, (long long)longer_line.base_ps,
                          (unsigned long long)op.decode_context_sum, (long long)line.base_ps);
    return rc != 0 ? rc : additive(line.base_ps, often_line.base_ps, often.times, "attention", err);
}

static int
attention(struct ss_trial *trial, struct servsim_error *err)
{
    struct bench bench;
    int rc = begin(trial, &bench, err);
    if (rc != 0)
        return rc;
    for (int i = 0; i < SHAPES && rc == 0; i++)
        rc = attention_grows(&bench, err);
    trial->plugin.descriptor->destroy(bench.self);
    return rc;
}

/* ---- whole steps, whole runs ---- */

static int
fast_forward(struct ss_trial *trial, struct servsim_error *err)
{
    return ss_scenes_equal(trial, RANDOM_CELLS, err);
}

/* ---- a transcript ---- */

static int
transcript(struct ss_trial *trial, struct ss_text *out, struct servsim_error *err)
{
    struct bench bench;
    int rc = begin(trial, &bench, err);
    if (rc != 0)
        return rc;
    for (int i = 0; i < 200 && rc == 0; i++) {
        struct servsim_gemm gemm = draw_gemm(&bench);
        struct servsim_attention op = draw_attention(&bench, 32);
        struct servsim_line line = {0};
        int64_t ps = 0;
        rc = price_gemm(&bench, &gemm, &ps, err);
        if (rc == 0)
            rc = price_attention(&bench, &op, &line, err);
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
    {"attention is priced and grows with the context", attention},
    {"a line is the same wherever it is asked for", lines},
    {"fast-forward equals single steps", fast_forward},
};

const struct ss_kind_laws ss_hardware_laws = {SERVSIM_KIND_HARDWARE, laws, sizeof laws / sizeof laws[0], transcript};
