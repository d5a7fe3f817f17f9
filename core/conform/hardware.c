/*
 * conform/hardware.c - the laws of devices: prices that are prices, growing with the work where physics says so, and a
 * run that costs the same however it is split.
 */
#include <math.h>
#include <stdlib.h>

#include "conform/foreign.h"
#include "conform/laws.h"
#include "cost/operators.h"

#define SHAPES 4000
#define FOREIGN_SHAPES 800 /* of each model that was not asked for */
#define RANDOM_CELLS 24

/* A device at work, without an engine. */
struct bench {
    const struct servsim_hardware_ops *ops;
    void *self;
    struct servsim_hardware_context context;
    struct servsim_random random;
    const char *foreign; /* what is special about a model that nobody asked for; NULL: the one that was asked for */
    int refused;         /* a price of it was refused, with a text */
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

/* ---- models that nobody asked for ---- */

/* SS_NOT_TRIED where the device does not know such models and says so. */
static int
begin_foreign(struct ss_trial *trial, struct bench *bench, size_t foreign, struct servsim_error *err)
{
    struct ss_model asked = trial->model;
    struct servsim_error why = {.size = sizeof why};
    ss_foreign_make(&trial->model, foreign);
    int rc = begin(trial, bench, &why);
    trial->model = asked;
    bench->foreign = ss_foreign_name(foreign);
    return rc == 0 ? 0 : ss_not_tried(err, "%.900s", why.text);
}

/* A law of one operator, over as many as it takes: for the model that was asked for, and for those of other builds. A
   device need not know these, but what it prices it prices by the same laws. */
static int
over_models(struct ss_trial *trial, int (*law)(struct bench *bench, struct servsim_error *err),
            struct servsim_error *err)
{
    struct bench bench;
    int rc = begin(trial, &bench, err);
    if (rc != 0)
        return rc;
    for (int i = 0; i < SHAPES && rc == 0; i++)
        rc = law(&bench, err);
    trial->plugin.descriptor->destroy(bench.self);
    for (size_t m = 0; m < SS_FOREIGN_COUNT && rc == 0; m++) {
        struct servsim_error why = {.size = sizeof why};
        if (begin_foreign(trial, &bench, m, &why) != 0)
            continue;
        for (int i = 0; i < FOREIGN_SHAPES && rc == 0 && !bench.refused; i++)
            rc = law(&bench, &why);
        trial->plugin.descriptor->destroy(bench.self);
        rc = bench.refused ? 0 : rc;
        if (rc != 0)
            rc = servsim_fail(err, EPROTO, "%s: %.950s", bench.foreign, why.text);
    }
    return rc;
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

static int
has_moe(const struct bench *bench)
{
    return SERVSIM_COVERS(bench->ops, struct servsim_hardware_ops, moe) && bench->ops->moe != NULL;
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
priced(struct bench *bench, int32_t rc, int64_t ps, const char *what, struct servsim_error *err)
{
    if (rc < 0) {
        bench->refused = bench->foreign != NULL && err->text[0] != '\0';
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
    int broken = priced(bench, rc, *ps, what, err);
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
    return priced(bench, rc, *ps, what, err);
}

static int
price_collective(struct bench *bench, const void *op, int64_t *ps, struct servsim_error *err)
{
    const struct servsim_collective *message = op;
    char what[160];
    int32_t rc = bench->ops->collective(bench->self, message, ps, err);
    (void)snprintf(what, sizeof what, "a collective of %llu bytes among %u", (unsigned long long)message->bytes,
                   message->ranks);
    return priced(bench, rc, *ps, what, err);
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

/* `times` kernels cost `times` as much, roundings aside: of `rounded` prices in one, each to whole picoseconds. */
static int
additive(int64_t once_ps, int64_t many_ps, uint32_t times, uint64_t rounded, const char *what,
         struct servsim_error *err)
{
    double expected = (double)once_ps * times, gap = fabs((double)many_ps - expected);
    if (gap <= (double)times * (double)rounded + 1e-3 * expected)
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
                              .weight_dtype = model->weight_dtype,
                              .times = 1,
                              .m = size_up_to(bench, 13)};
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
    return rc != 0 ? rc : additive(once_ps, often_ps, often.times, 1, "a GEMM", err);
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
    return rc != 0 ? rc : additive(once_ps, often_ps, often.times, 1, "elementwise work", err);
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
    return rc != 0 ? rc : additive(once_ps, often_ps, often.times, 1, "an all-reduce", err);
}

/* The same weights in fewer bits: where they are all that a GEMM of one row reads, it takes less time. */
static int
try_weights(struct bench *bench, struct servsim_error *err)
{
    struct servsim_gemm op = draw_gemm(bench), plain;
    int64_t ps = 0, plain_ps = 0;
    if (op.weight_dtype == op.dtype || is_measured(bench))
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
price_moe(struct bench *bench, const void *op, int64_t *ps, struct servsim_error *err)
{
    const struct servsim_moe *experts = op;
    char what[160];
    int32_t rc = bench->ops->moe(bench->self, experts, ps, err);
    (void)snprintf(what, sizeof what, "experts for %llu tokens, %u times", (unsigned long long)experts->tokens,
                   experts->times);
    int broken = priced(bench, rc, *ps, what, err);
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
try_moe(struct bench *bench, struct servsim_error *err)
{
    uint64_t tokens = size_up_to(bench, 13);
    struct servsim_moe op = experts_for(&bench->context, tokens), more = experts_for(&bench->context, 2 * tokens);
    struct servsim_moe often = op;
    int64_t once_ps = 0, often_ps = 0;
    often.times = 32;
    int rc = not_less(bench, price_moe, &op, &more, "the experts' work on twice the tokens", err);
    if (rc == 0)
        rc = price_moe(bench, &op, &once_ps, err);
    if (rc == 0)
        rc = price_moe(bench, &often, &often_ps, err);
    return rc != 0 ? rc : additive(once_ps, often_ps, often.times, 1, "the experts' work", err);
}

static int
try_kernels(struct bench *bench, struct servsim_error *err)
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
    return over_models(trial, try_kernels, err);
}

/* ---- attention ---- */

/* Decodes, and for how many steps they go on as they are: in a window, until one more sees all of it. */
struct decodes {
    struct servsim_attention op;
    uint64_t steps;
};

/* Those behind `low` to `low` + `spread` tokens; *sum grows by what they see. */
static void
spread_out(struct servsim_attention *op, uint64_t count, uint64_t low, uint64_t spread)
{
    for (uint64_t i = 0; i < count; i++)
        op->decode_context_sum += low + (spread * i) / count;
    op->decode_context_min = low;
    op->decode_context_max = low + (spread * (count - 1)) / count;
}

/* Some see the whole window, some not yet. */
static void
draw_windowed(struct bench *bench, struct decodes *out)
{
    struct servsim_attention *op = &out->op;
    uint64_t seen = bench->context.window - 1, growing;
    op->window = bench->context.window;
    op->decode_settled = below(bench, op->decode_count + 1);
    growing = op->decode_count - op->decode_settled;
    op->decode_context_min = op->decode_context_max = seen;
    if (growing > 0) {
        uint64_t low = below(bench, seen), spread = below(bench, seen - low);
        spread_out(op, growing, low, spread);
        out->steps = seen - op->decode_context_max;
    }
    if (op->decode_settled > 0)
        op->decode_context_max = seen;
    op->decode_context_sum += op->decode_settled * seen;
}

/* What the engine does not say to a device that has not asked for it. */
static void
leave_out_unwanted(const struct bench *bench, struct servsim_attention *op)
{
    const uint32_t range = SERVSIM_HARDWARE_WANTS_CONTEXT_RANGE, longest = SERVSIM_HARDWARE_WANTS_LONGEST_CONTEXT;
    if ((bench->ops->flags & range) == 0)
        op->decode_context_min = 0;
    if ((bench->ops->flags & (range | longest)) == 0)
        op->decode_context_max = 0;
}

static struct decodes
draw_decodes(struct bench *bench, uint32_t times)
{
    const struct servsim_hardware_context *model = &bench->context;
    struct decodes drawn = {.op = {.size = sizeof drawn.op,
                                   .dtype = model->dtype,
                                   .kv_dtype = model->kv_dtype,
                                   .times = times,
                                   .q_heads = model->q_heads_per_gpu,
                                   .kv_heads = model->kv_heads_per_gpu,
                                   .head_dim = model->head_dim,
                                   .v_head_dim = model->v_head_dim,
                                   .latent_rank = model->latent_rank,
                                   .rope_dim = model->rope_dim},
                            .steps = UINT64_MAX};
    struct servsim_attention *op = &drawn.op;
    op->decode_count = size_up_to(bench, 7);
    if (model->window > 1 && below(bench, 2) == 0) {
        draw_windowed(bench, &drawn);
    } else {
        uint64_t low = size_up_to(bench, 13) - 1;
        spread_out(op, op->decode_count, low, below(bench, 1000));
    }
    leave_out_unwanted(bench, op);
    return drawn;
}

static void
add_prefill(struct bench *bench, struct servsim_attention *op)
{
    struct ss_step_shape shape = {0};
    uint64_t count = 1 + below(bench, 4);
    for (uint64_t i = 0; i < count; i++) {
        uint32_t q = (uint32_t)size_up_to(bench, 10), c = below(bench, 2) ? (uint32_t)size_up_to(bench, 12) : 0;
        ss_shape_add_chunk(&shape, op->window, q, c);
    }
    op->prefill_count = count;
    op->prefill_new_tokens = shape.prefill_new_tokens;
    op->prefill_context_tokens = op->window > 0 ? shape.window.prefill_context_tokens : shape.prefill_context_tokens;
    op->prefill_causal_pairs = op->window > 0 ? shape.window.prefill_causal_pairs : shape.prefill_causal_pairs;
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
    int broken = priced(bench, rc, line->base_ps, what, err);
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

/* The same batch, `steps` decode steps later; fewer than it goes on for. */
static struct servsim_attention
later(const struct bench *bench, const struct servsim_attention *op, uint64_t steps)
{
    struct servsim_attention moved = *op;
    moved.decode_context_sum += (op->decode_count - op->decode_settled) * steps;
    if (op->decode_settled < op->decode_count)
        moved.decode_context_min += steps;
    if (op->decode_settled == 0)
        moved.decode_context_max += steps;
    leave_out_unwanted(bench, &moved);
    return moved;
}

static uint64_t
least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* What the decodes are, for messages. */
static void
name_decodes(const struct servsim_attention *op, char *out, size_t size)
{
    int length = snprintf(out, size, "%llu decodes behind %llu tokens", (unsigned long long)op->decode_count,
                          (unsigned long long)op->decode_context_sum);
    if (op->window > 0)
        (void)snprintf(out + length, size - (size_t)length, " in a window of %u, which decode_settled = %llu fill,",
                       op->window, (unsigned long long)op->decode_settled);
}

static int
line_moves(struct bench *bench, struct servsim_error *err)
{
    struct decodes drawn = draw_decodes(bench, 1 + (uint32_t)below(bench, 80));
    const struct servsim_attention op = drawn.op;
    struct servsim_line first, then;
    char what[160];
    int rc = price_attention(bench, &op, &first, err);
    uint64_t reach = least(least(first.steps, drawn.steps), 100000);
    if (rc != 0 || reach < 2)
        return rc;
    uint64_t step = 1 + below(bench, reach - 1);
    struct servsim_attention moved = later(bench, &op, step);
    rc = price_attention(bench, &moved, &then, err);
    if (rc != 0)
        return rc;
    name_decodes(&op, what, sizeof what);
    int64_t promised_ps = first.base_ps + (int64_t)step * first.slope_ps;
    if (then.base_ps != promised_ps)
        return servsim_fail(
            err, EPROTO,
            "the line depends on where the run is split: %s promise %lld ps for step %llu, and cost %lld ps when asked "
            "there",
            what, (long long)promised_ps, (unsigned long long)step, (long long)then.base_ps);
    if (step + 1 < first.steps && then.steps > 1 && then.slope_ps != first.slope_ps)
        return servsim_fail(err, EPROTO, "within one line the slope is %lld and then %lld ps",
                            (long long)first.slope_ps, (long long)then.slope_ps);
    return 0;
}

static int
lines(struct ss_trial *trial, struct servsim_error *err)
{
    return over_models(trial, line_moves, err);
}

static int
attention_grows(struct bench *bench, struct servsim_error *err)
{
    struct decodes drawn = draw_decodes(bench, 1);
    struct servsim_attention op = drawn.op;
    if (below(bench, 2) == 0)
        add_prefill(bench, &op);
    struct servsim_attention longer = later(bench, &op, least(size_up_to(bench, 10), drawn.steps - 1)), often = op;
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
    return rc != 0
               ? rc
               : additive(line.base_ps, often_line.base_ps, often.times, 1 + op.decode_context_sum, "attention", err);
}

static int
attention(struct ss_trial *trial, struct servsim_error *err)
{
    return over_models(trial, attention_grows, err);
}

/* ---- whole steps, whole runs ---- */

static int
fast_forward(struct ss_trial *trial, struct servsim_error *err)
{
    struct bench bench;
    struct servsim_error why = {.size = sizeof why};
    trial->takes_windows = begin_foreign(trial, &bench, SS_FOREIGN_WINDOWED, &why) == 0;
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
    struct bench bench;
    int rc = begin(trial, &bench, err);
    if (rc != 0)
        return rc;
    for (int i = 0; i < 200 && rc == 0; i++) {
        struct servsim_gemm gemm = draw_gemm(&bench);
        struct servsim_attention op = draw_decodes(&bench, 32).op;
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
