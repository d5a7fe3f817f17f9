/*
 * cost/cost.c - composing a step: its parts by tokens, expert tokens and rows, attention, and the engine's overhead.
 *
 * Everything but attention depends on the number of tokens or of sampled rows alone, so it is priced once per number
 * and remembered (parts.c): a step costs one call of the device for each kind of attention, whatever its batch.
 */
#include "cost/cost.h"

#include <stdlib.h>

#include "cost/internal.h"

#define UNKNOWN_PS (-1) /* not priced yet */

/* ---- tables ---- */

static struct ss_part *
new_parts(size_t count)
{
    struct ss_part *parts = calloc(count, sizeof *parts);
    for (size_t i = 0; parts != NULL && i < count; i++)
        parts[i].dense_ps = UNKNOWN_PS;
    return parts;
}

/* What a token is worth in FLOPs: two for each parameter that it meets. */
static void
set_work(struct ss_stage_cost *out, const struct ss_model *model, uint32_t tp)
{
    uint64_t pair = 2 * (uint64_t)model->q_heads * ((uint64_t)model->head_dim + ss_model_value_dim(model));
    uint64_t kv_bytes = (uint64_t)ss_model_kv_bytes_per_layer(model, tp);
    uint32_t windowed = out->stage.window_layers, full = out->stage.layers - windowed;
    out->flops_per_token = 2 * ss_model_stage_active(model, &out->stage);
    out->flops_per_pair = pair * full;
    out->flops_per_window_pair = pair * windowed;
    out->kv_bytes = kv_bytes * full;
    out->window_kv_bytes = kv_bytes * windowed;
}

/* Small kernels of a dense layer with two norms: these, the rotary embedding and the activation. Layers without the
   embedding add what they made to what they got, which goes into the norms of others. */
#define PLAIN_KERNELS 4

/*
 * Further ones: a norm on queries and keys, which is one kernel. Latent attention has norms on its latents, absorbs two
 * matrices into a decode of which one is priced, puts queries together, and adds up the parts of a context. Experts
 * are chosen by a kernel, and activate in their own; shared ones activate, and are added.
 */
static uint64_t
small_kernels(const struct ss_model *model, const struct ss_stage *stage)
{
    uint64_t each = PLAIN_KERNELS - 2 + (model->norms != 0 ? model->norms : 2) + (model->qk_norm != 0);
    if (model->latent_rank > 0)
        each += model->query_rank > 0 ? 5 : 4;
    return each * stage->layers + (model->shared_ffn > 0 ? 2 * (uint64_t)stage->expert_layers : 0);
}

static int
make_stage(struct ss_cost *cost, uint32_t index)
{
    struct ss_stage_cost *out = &cost->stages[index];
    size_t tokens = cost->cell->max_num_batched_tokens;
    ss_model_stage(&cost->cell->model, cost->cut.pp, index, &out->stage);
    set_work(out, &cost->cell->model, cost->cut.tp);
    out->by_tokens = new_parts(tokens + 1);
    if (out->stage.expert_layers > 0)
        out->by_expert_tokens = new_parts(tokens * cost->cut.dp + 1);
    out->by_prompt = calloc(tokens + 1, sizeof *out->by_prompt);
    if (out->stage.window_layers == 0)
        out->by_decodes = calloc((size_t)cost->cell->max_num_seqs + 1, sizeof *out->by_decodes);
    int complete = out->by_tokens != NULL && (out->by_expert_tokens != NULL || out->stage.expert_layers == 0) &&
                   out->by_prompt != NULL && (out->by_decodes != NULL || out->stage.window_layers > 0);
    return complete ? 0 : -ENOMEM;
}

static int
make_tables(struct ss_cost *cost, struct servsim_error *err)
{
    int rc = 0;
    cost->stages = calloc(cost->cut.pp, sizeof *cost->stages);
    cost->by_rows = new_parts((size_t)cost->cell->max_num_seqs + 1);
    if (cost->stages == NULL || cost->by_rows == NULL)
        rc = -ENOMEM;
    for (uint32_t i = 0; rc == 0 && i < cost->cut.pp; i++)
        rc = make_stage(cost, i);
    return rc != 0 ? servsim_fail(err, ENOMEM, "no memory for the cost model's tables") : 0;
}

/* Every GPU of a tensor-parallel group samples from all logits. */
static int64_t
sampling_row_ps(const struct ss_cost *cost)
{
    const struct ss_overhead *overhead = &cost->cell->overhead;
    int plain = cost->cell->model.plain_sampling != 0;
    double bytes =
        (double)(plain ? overhead->plain_sampling_bytes : overhead->sampling_bytes) * cost->cell->model.vocab;
    double bytes_per_s = cost->operators.about.memory_bytes_per_s;
    return ss_op_measured(&cost->operators) ? 0 : (int64_t)(bytes / bytes_per_s * 1e12 + 0.5);
}

/* Once a step with the first stage; for the layers of each. Small kernels are the engine's own unless their launches
   were measured with the device's. */
static void
set_engine_times(struct ss_cost *cost)
{
    const struct ss_overhead *overhead = &cost->cell->overhead;
    int64_t step_ps = overhead->step_ps + (cost->cut.tp * cost->cut.pp > 1 ? overhead->workers_ps : 0);
    cost->sampling_row_ps = sampling_row_ps(cost);
    for (uint32_t i = 0; i < cost->cut.pp; i++) {
        struct ss_stage_cost *here = &cost->stages[i];
        int64_t kernels = (int64_t)small_kernels(&cost->cell->model, &here->stage);
        here->engine_ps = here->stage.embeds ? step_ps : 0;
        if (!ss_op_measured(&cost->operators))
            here->engine_ps += overhead->layer_ps * kernels / PLAIN_KERNELS;
        here->engine_prefill_ps = overhead->prefill_layer_ps * (int64_t)here->stage.layers;
    }
}

/* Sizes that CUDA graphs are captured for: 1, 2, 4, multiples of 8 to 256, of 16 to 512. */
static uint32_t
graph_unit(uint32_t rows)
{
    return rows <= 2 ? 1 : rows <= 4 ? 4 : rows <= 256 ? 8 : 16;
}

/* They end at twice as many rows as requests may run, and at 512, as vLLM has it. */
static uint32_t
largest_graph(const struct ss_cell *cell)
{
    uint32_t rows = cell->max_num_seqs < 256 ? 2 * cell->max_num_seqs : 512;
    if (cell->overhead.graph_padding == 0)
        return 0;
    return rows > 4 && rows < 8 ? 4 : rows - rows % graph_unit(rows);
}

int
ss_cost_create(struct ss_cost **out, const struct ss_cell *cell, const struct servsim_host *host,
               struct servsim_error *err)
{
    struct ss_cost *cost = calloc(1, sizeof *cost);
    if (cost == NULL)
        return servsim_fail(err, ENOMEM, "no memory for the cost model");
    cost->cell = cell;
    cost->cut = (struct ss_cut){cell->tp, cell->pp, cell->dp, cell->ep};
    cost->graph_rows = largest_graph(cell);
    int rc = make_tables(cost, err);
    if (rc == 0)
        rc = ss_operators_open(&cost->operators, cell, host, err);
    if (rc == 0)
        set_engine_times(cost);
    if (rc != 0) {
        ss_cost_destroy(cost);
        return rc;
    }
    *out = cost;
    return 0;
}

void
ss_cost_destroy(struct ss_cost *cost)
{
    if (cost == NULL)
        return;
    ss_operators_close(&cost->operators);
    for (uint32_t i = 0; cost->stages != NULL && i < cost->cut.pp; i++) {
        free(cost->stages[i].by_tokens);
        free(cost->stages[i].by_expert_tokens);
        free(cost->stages[i].by_decodes);
        free(cost->stages[i].by_prompt);
    }
    free(cost->stages);
    free(cost->by_rows);
    free(cost);
}

const struct servsim_device *
ss_cost_device(const struct ss_cost *cost)
{
    return &cost->operators.about;
}

int
ss_cost_wants_longest_context(const struct ss_cost *cost)
{
    const uint32_t either = SERVSIM_HARDWARE_WANTS_CONTEXT_RANGE | SERVSIM_HARDWARE_WANTS_LONGEST_CONTEXT;
    return (cost->operators.ops->flags & either) != 0;
}

int
ss_cost_wants_shortest_context(const struct ss_cost *cost)
{
    return (cost->operators.ops->flags & SERVSIM_HARDWARE_WANTS_CONTEXT_RANGE) != 0;
}

/* ---- a step ---- */

uint32_t
ss_cost_graph_rows(const struct ss_cost *cost)
{
    return cost->graph_rows;
}

/* Tokens that the kernels of a step compute, attention aside: in graphs somewhat more than there are. `most` is what
   the rank with most tokens has: without a graph for it there is none for the others. */
static uint32_t
computed_tokens(const struct ss_cost *cost, uint32_t tokens, uint32_t most)
{
    if (most > cost->graph_rows)
        return tokens;
    uint32_t unit = graph_unit(tokens), padded = (tokens + unit - 1) / unit * unit;
    return padded <= cost->cell->max_num_batched_tokens ? padded : tokens;
}

/* Nothing overlaps the preparation of a step that finds the engine idle. */
static inline int64_t
wake_of(const struct ss_cost *cost, const struct ss_stage_cost *here, const struct ss_step_shape *shape)
{
    return shape->wakes && here->stage.embeds ? cost->cell->overhead.wake_ps : 0;
}

/* The engine's own time. */
static int64_t
overhead_of(const struct ss_cost *cost, const struct ss_stage_cost *here, const struct ss_step_shape *shape)
{
    const struct ss_overhead *overhead = &cost->cell->overhead;
    int64_t served = (int64_t)(shape->decode_count + shape->prefill_count);
    int64_t ps =
        here->engine_ps + wake_of(cost, here, shape) + (shape->prefill_count > 0 ? here->engine_prefill_ps : 0);
    if (here->stage.embeds)
        ps += served * overhead->request_ps;
    if (here->stage.samples)
        ps += shape->sampled_rows * cost->sampling_row_ps;
    return ps;
}

static void
add_part(struct ss_step_price *out, const struct ss_part *part)
{
    out->dense_ps += part->dense_ps;
    out->communication_ps += part->communication_ps;
    out->work.bytes += part->weight_bytes;
}

/* Tokens of all data-parallel ranks. Rows that fill a graph up are routed like others, those of other ranks, too: they
   hold what earlier steps left there. */
static uint32_t
of_all_ranks(const struct ss_cost *cost, uint32_t tokens, uint32_t filled)
{
    return tokens + filled * cost->cut.dp;
}

static int
expert_part(struct ss_cost *cost, uint32_t stage, uint32_t tokens, const struct ss_part **part,
            struct servsim_error *err)
{
    *part = &cost->stages[stage].by_expert_tokens[tokens];
    return (*part)->dense_ps == UNKNOWN_PS ? ss_cost_price_experts(cost, stage, tokens, err) : 0;
}

/* Ranks with few tokens wait for the exchange of those with many, and compute them all. */
static int
add_experts(struct ss_cost *cost, uint32_t stage, const struct ss_step_shape *shape, uint32_t tokens, uint32_t filled,
            struct ss_step_price *out, struct servsim_error *err)
{
    const struct ss_part *here, *exchange;
    uint32_t routed = shape->expert_tokens == 0 ? tokens : of_all_ranks(cost, shape->expert_tokens, filled);
    uint32_t sent = shape->gathered_tokens == 0 ? routed : of_all_ranks(cost, shape->gathered_tokens, filled);
    int rc = expert_part(cost, stage, routed, &here, err);
    if (rc == 0)
        rc = expert_part(cost, stage, sent, &exchange, err);
    if (rc != 0)
        return rc;
    out->dense_ps += here->dense_ps;
    out->communication_ps += exchange->communication_ps;
    out->work.bytes += here->weight_bytes;
    return 0;
}

static int
add_tokens(struct ss_cost *cost, uint32_t stage, const struct ss_step_shape *shape, struct ss_step_price *out,
           struct servsim_error *err)
{
    struct ss_stage_cost *here = &cost->stages[stage];
    uint32_t given = shape->padded_tokens != 0 ? shape->padded_tokens : shape->tokens;
    uint32_t most = shape->gathered_tokens != 0 ? shape->gathered_tokens / cost->cut.dp : given;
    uint32_t tokens = computed_tokens(cost, given, most);
    int rc = here->by_tokens[tokens].dense_ps == UNKNOWN_PS ? ss_cost_price_tokens(cost, stage, tokens, err) : 0;
    if (rc != 0)
        return rc;
    add_part(out, &here->by_tokens[tokens]);
    return here->by_expert_tokens != NULL ? add_experts(cost, stage, shape, tokens, tokens - given, out, err) : 0;
}

static int
add_rows(struct ss_cost *cost, uint32_t rows, struct ss_step_price *out, struct servsim_error *err)
{
    int rc = cost->by_rows[rows].dense_ps == UNKNOWN_PS ? ss_cost_price_rows(cost, rows, err) : 0;
    if (rc != 0)
        return rc;
    const struct ss_model *model = &cost->cell->model;
    add_part(out, &cost->by_rows[rows]);
    out->work.flops += 2 * (uint64_t)rows * model->vocab * model->hidden;
    return 0;
}

/* Bytes so far are the weights of one GPU; those of the KV cache join them, and all tensor ranks read as much. */
static void
count_work(const struct ss_cost *cost, const struct ss_stage_cost *here, const struct ss_step_shape *shape,
           struct ss_work *work)
{
    const struct ss_window_shape *window = &shape->window;
    uint64_t growing = shape->decode_count - window->decode_settled;
    uint64_t decoded = shape->decode_context_sum + shape->decode_count;
    uint64_t window_decoded = window->decode_context_sum + shape->decode_count;
    work->flops += here->flops_per_token * shape->tokens;
    work->flops += here->flops_per_pair * (shape->prefill_causal_pairs + decoded);
    work->flops += here->flops_per_window_pair * (window->prefill_causal_pairs + window_decoded);
    work->flops_slope = here->flops_per_pair * shape->decode_count + here->flops_per_window_pair * growing;
    work->bytes += here->kv_bytes * (shape->prefill_context_tokens + decoded);
    work->bytes += here->window_kv_bytes * (window->prefill_context_tokens + window_decoded);
    work->bytes_slope = here->kv_bytes * shape->decode_count + here->window_kv_bytes * growing;
    work->bytes *= cost->cut.tp;
    work->bytes_slope *= cost->cut.tp;
}

/* All but attention's line. */
static int
price_rest(struct ss_cost *cost, uint32_t stage, const struct ss_step_shape *shape, struct ss_step_price *out,
           struct servsim_error *err)
{
    const struct ss_stage_cost *here = &cost->stages[stage];
    *out = (struct ss_step_price){0};
    int rc = add_tokens(cost, stage, shape, out, err);
    if (rc == 0 && here->stage.samples)
        rc = add_rows(cost, shape->sampled_rows, out, err);
    if (rc != 0)
        return rc;
    count_work(cost, here, shape, &out->work);
    out->overhead_ps = overhead_of(cost, here, shape);
    return 0;
}

/* The layers that see everything, and those that see a window, together. */
static int
mixed_attention(struct ss_cost *cost, uint32_t stage, const struct ss_step_shape *shape, struct servsim_line *line,
                struct servsim_error *err)
{
    const struct ss_stage *here = &cost->stages[stage].stage;
    struct servsim_line windowed;
    int rc = 0;
    *line = (struct servsim_line){0, 0, SERVSIM_FOREVER};
    if (here->layers > here->window_layers)
        rc = ss_op_attention(&cost->operators, shape, here->layers - here->window_layers, line, err);
    if (rc == 0)
        rc = ss_op_windowed_attention(&cost->operators, shape, here->window_layers, &windowed, err);
    if (rc != 0)
        return rc;
    line->base_ps += windowed.base_ps;
    line->slope_ps += windowed.slope_ps;
    line->steps = windowed.steps < line->steps ? windowed.steps : line->steps;
    return 0;
}

/* Attention's line, on which all of the step then is. */
static inline int
add_attention(struct ss_cost *cost, uint32_t stage, const struct ss_step_shape *shape, struct ss_step_price *out,
              struct servsim_error *err)
{
    const struct ss_stage *here = &cost->stages[stage].stage;
    int rc = here->window_layers == 0 ? ss_op_attention(&cost->operators, shape, here->layers, &out->line, err)
                                      : mixed_attention(cost, stage, shape, &out->line, err);
    if (rc != 0)
        return rc;
    out->line.base_ps += out->dense_ps + out->communication_ps + out->overhead_ps;
    if (out->line.base_ps <= 0)
        return servsim_fail(err, EPROTO, "hardware plugin '%s' prices a whole step at nothing",
                            cost->operators.device.descriptor->name);
    return 0;
}

/* All of it, from its parts. */
static int
price_parts(struct ss_cost *cost, uint32_t stage, const struct ss_step_shape *shape, struct ss_step_price *out,
            struct servsim_error *err)
{
    int rc = price_rest(cost, stage, shape, out, err);
    return rc == 0 ? add_attention(cost, stage, shape, out, err) : rc;
}

/* No other ranks have to do with it. */
static inline int
stands_alone(const struct ss_step_shape *shape)
{
    return shape->padded_tokens == 0 && shape->expert_tokens == 0;
}

/* Nothing but decodes, each of which is a row: the step's price then depends on their number and contexts alone. */
static inline int
decodes_only(const struct ss_step_shape *shape)
{
    return shape->prefill_count == 0 && shape->tokens == shape->decode_count &&
           shape->sampled_rows == shape->decode_count && shape->wakes == 0 && stands_alone(shape);
}

/* The same for decodes alone, from what is known of so many of them. */
static int
price_decodes(struct ss_cost *cost, uint32_t stage, const struct ss_step_shape *shape, struct ss_step_price *out,
              struct servsim_error *err)
{
    const struct ss_stage_cost *here = &cost->stages[stage];
    struct ss_known_step *step = &here->by_decodes[shape->decode_count];
    if (!step->known) {
        struct ss_step_shape bare = *shape;
        bare.decode_context_sum = 0;
        int rc = price_rest(cost, stage, &bare, &step->price, err);
        if (rc != 0)
            return rc;
        step->known = 1;
    }
    *out = step->price;
    out->work.flops += here->flops_per_pair * shape->decode_context_sum;
    out->work.bytes += here->kv_bytes * shape->decode_context_sum * cost->cut.tp;
    return add_attention(cost, stage, shape, out, err);
}

/* Nothing but one prompt, all of it, whether the engine was asleep or not: the price depends on its length alone. */
static inline int
one_prompt(const struct ss_step_shape *shape)
{
    return shape->prefill_count == 1 && shape->decode_count == 0 && shape->sampled_rows == 1 &&
           shape->prefill_context_tokens == 0 && shape->tokens == shape->prefill_new_tokens && stands_alone(shape);
}

static int
price_prompt(struct ss_cost *cost, uint32_t stage, const struct ss_step_shape *shape, struct ss_step_price *out,
             struct servsim_error *err)
{
    struct ss_stage_cost *here = &cost->stages[stage];
    struct ss_known_step *step = &here->by_prompt[shape->tokens];
    if (!step->known) {
        struct ss_step_shape awake = *shape;
        awake.wakes = 0;
        int rc = price_parts(cost, stage, &awake, &step->price, err);
        if (rc != 0)
            return rc;
        step->known = 1;
    }
    int64_t wake_ps = wake_of(cost, here, shape);
    *out = step->price;
    out->overhead_ps += wake_ps;
    out->line.base_ps += wake_ps;
    return 0;
}

int
ss_cost_price_stage(struct ss_cost *cost, uint32_t stage, const struct ss_step_shape *shape, struct ss_step_price *out,
                    struct servsim_error *err)
{
    if (cost->stages[stage].by_decodes != NULL && decodes_only(shape))
        return price_decodes(cost, stage, shape, out, err);
    if (one_prompt(shape))
        return price_prompt(cost, stage, shape, out, err);
    return price_parts(cost, stage, shape, out, err);
}

void
ss_step_price_add(struct ss_step_price *sum, const struct ss_step_price *one)
{
    sum->line.base_ps += one->line.base_ps;
    sum->line.slope_ps += one->line.slope_ps;
    sum->line.steps = one->line.steps < sum->line.steps ? one->line.steps : sum->line.steps;
    sum->dense_ps += one->dense_ps;
    sum->communication_ps += one->communication_ps;
    sum->overhead_ps += one->overhead_ps;
    sum->work.flops += one->work.flops;
    sum->work.flops_slope += one->work.flops_slope;
    sum->work.bytes += one->work.bytes;
    sum->work.bytes_slope += one->work.bytes_slope;
}

int
ss_cost_price(struct ss_cost *cost, const struct ss_step_shape *shape, struct ss_step_price *out,
              struct servsim_error *err)
{
    int rc = ss_cost_price_stage(cost, 0, shape, out, err);
    for (uint32_t i = 1; rc == 0 && i < cost->cut.pp; i++) {
        struct ss_step_price one;
        rc = ss_cost_price_stage(cost, i, shape, &one, err);
        if (rc == 0)
            ss_step_price_add(out, &one);
    }
    return rc;
}
