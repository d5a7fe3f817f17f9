/*
 * conform/attention.c - the laws of attention: it grows with the context, and its lines hold wherever they are asked
 * for.
 */
#include "conform/bench.h"

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
draw_windowed(struct ss_bench *bench, struct decodes *out)
{
    struct servsim_attention *op = &out->op;
    uint64_t seen = bench->context.window - 1, growing;
    op->window = bench->context.window;
    op->decode_settled = ss_bench_below(bench, op->decode_count + 1);
    growing = op->decode_count - op->decode_settled;
    op->decode_context_min = op->decode_context_max = seen;
    if (growing > 0) {
        uint64_t low = ss_bench_below(bench, seen), spread = ss_bench_below(bench, seen - low);
        spread_out(op, growing, low, spread);
        out->steps = seen - op->decode_context_max;
    }
    if (op->decode_settled > 0)
        op->decode_context_max = seen;
    op->decode_context_sum += op->decode_settled * seen;
}

/* What the engine does not say to a device that has not asked for it. */
static void
leave_out_unwanted(const struct ss_bench *bench, struct servsim_attention *op)
{
    const uint32_t range = SERVSIM_HARDWARE_WANTS_CONTEXT_RANGE, longest = SERVSIM_HARDWARE_WANTS_LONGEST_CONTEXT;
    if ((bench->ops->flags & range) == 0)
        op->decode_context_min = 0;
    if ((bench->ops->flags & (range | longest)) == 0)
        op->decode_context_max = 0;
}

static struct decodes
draw_decodes(struct ss_bench *bench, uint32_t times)
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
    op->decode_count = ss_bench_size(bench, 7);
    if (model->window > 1 && ss_bench_below(bench, 2) == 0) {
        draw_windowed(bench, &drawn);
    } else {
        uint64_t low = ss_bench_size(bench, 13) - 1;
        spread_out(op, op->decode_count, low, ss_bench_below(bench, 1000));
    }
    leave_out_unwanted(bench, op);
    return drawn;
}

static void
add_prefill(struct ss_bench *bench, struct servsim_attention *op)
{
    struct ss_step_shape shape = {0};
    uint64_t count = 1 + ss_bench_below(bench, 4);
    for (uint64_t i = 0; i < count; i++) {
        uint32_t q = (uint32_t)ss_bench_size(bench, 10),
                 c = ss_bench_below(bench, 2) ? (uint32_t)ss_bench_size(bench, 12) : 0;
        ss_shape_add_chunk(&shape, op->window, q, c);
    }
    op->prefill_count = count;
    op->prefill_new_tokens = shape.prefill_new_tokens;
    op->prefill_context_tokens = op->window > 0 ? shape.window.prefill_context_tokens : shape.prefill_context_tokens;
    op->prefill_causal_pairs = op->window > 0 ? shape.window.prefill_causal_pairs : shape.prefill_causal_pairs;
}

static int
price_attention(struct ss_bench *bench, const struct servsim_attention *op, struct servsim_line *line,
                struct servsim_error *err)
{
    *line = (struct servsim_line){0};
    int32_t rc = bench->ops->attention(bench->self, op, line, err);
    char what[160];
    (void)snprintf(what, sizeof what, "attention of %llu decodes behind %llu tokens and %llu prefill tokens",
                   (unsigned long long)op->decode_count, (unsigned long long)op->decode_context_sum,
                   (unsigned long long)op->prefill_new_tokens);
    int broken = ss_bench_priced(bench, rc, line->base_ps, what, err);
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
later(const struct ss_bench *bench, const struct servsim_attention *op, uint64_t steps)
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
line_moves(struct ss_bench *bench, struct servsim_error *err)
{
    struct decodes drawn = draw_decodes(bench, 1 + (uint32_t)ss_bench_below(bench, 80));
    const struct servsim_attention op = drawn.op;
    struct servsim_line first, then;
    char what[160];
    int rc = price_attention(bench, &op, &first, err);
    uint64_t reach = least(least(first.steps, drawn.steps), 100000);
    if (rc != 0 || reach < 2)
        return rc;
    uint64_t step = 1 + ss_bench_below(bench, reach - 1);
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

int
ss_attention_lines(struct ss_trial *trial, struct servsim_error *err)
{
    return ss_bench_over_models(trial, line_moves, err);
}

static int
grows(struct ss_bench *bench, struct servsim_error *err)
{
    struct decodes drawn = draw_decodes(bench, 1);
    struct servsim_attention op = drawn.op;
    if (ss_bench_below(bench, 2) == 0)
        add_prefill(bench, &op);
    struct servsim_attention longer = later(bench, &op, least(ss_bench_size(bench, 10), drawn.steps - 1)), often = op;
    struct servsim_line line = {0}, longer_line = {0}, often_line = {0};
    often.times = 32;
    int rc = price_attention(bench, &op, &line, err);
    if (rc == 0)
        rc = price_attention(bench, &longer, &longer_line, err);
    if (rc == 0)
        rc = price_attention(bench, &often, &often_line, err);
    if (rc == 0 && !ss_bench_is_measured(bench) && longer_line.base_ps < line.base_ps)
        rc = servsim_fail(err, EPROTO,
                          "attention behind %llu tokens costs %lld ps, and behind %llu tokens %lld ps; a device of "
                          "measured tables declares SERVSIM_HARDWARE_MEASURED",
                          (unsigned long long)longer.decode_context_sum, (long long)longer_line.base_ps,
                          (unsigned long long)op.decode_context_sum, (long long)line.base_ps);
    return rc != 0 ? rc
                   : ss_bench_additive(line.base_ps, often_line.base_ps, often.times, 1 + op.decode_context_sum,
                                       "attention", err);
}

int
ss_attention_grows(struct ss_trial *trial, struct servsim_error *err)
{
    return ss_bench_over_models(trial, grows, err);
}

int
ss_attention_sample(struct ss_bench *bench, struct servsim_line *line, struct servsim_error *err)
{
    const struct servsim_attention op = draw_decodes(bench, 32).op;
    return price_attention(bench, &op, line, err);
}
