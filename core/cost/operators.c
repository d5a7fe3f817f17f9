/*
 * cost/operators.c - asking the device for prices.
 */
#include "cost/operators.h"

#include <math.h>
#include <stdio.h>

#include "model/model.h"

/* ---- the device ---- */

static void
fill_experts(struct servsim_hardware_context *out, const struct ss_model *model, const struct ss_cut *cut)
{
    struct ss_stage whole;
    ss_model_stage(model, 1, 0, &whole);
    out->moe_layers = whole.expert_layers;
    out->window_layers = whole.window_layers;
    out->window = model->window;
    if (whole.expert_layers == 0)
        return;
    while (out->first_dense_layers < model->layers && (model->kinds[out->first_dense_layers] & SS_LAYER_EXPERTS) == 0)
        out->first_dense_layers++;
    out->experts = model->experts;
    out->top_k = model->top_k;
    out->experts_per_gpu = ss_cut_experts(model, cut);
    out->expert_ffn = model->expert_ffn;
    out->expert_ffn_per_gpu = ss_cut_expert_ffn(model, cut);
    out->shared_ffn_per_gpu = (model->shared_ffn + cut->tp - 1) / cut->tp;
}

void
ss_operators_context(const struct ss_cell *cell, struct servsim_hardware_context *out)
{
    const struct ss_model *model = &cell->model;
    const struct ss_cut cut = {cell->tp, cell->pp, cell->dp, cell->ep};
    *out = (struct servsim_hardware_context){
        .size = sizeof *out,
        .dtype = model->dtype,
        .model_name = model->name,
        .layers = model->layers,
        .hidden = model->hidden,
        .q_heads = model->q_heads,
        .kv_heads = model->kv_heads,
        .head_dim = model->head_dim,
        .ffn = model->ffn,
        .vocab = model->vocab,
        .tp = cell->tp,
        .pp = cell->pp,
        .q_heads_per_gpu = model->q_heads / cell->tp,
        .kv_heads_per_gpu = model->latent_rank > 0 ? 1 : ss_model_kv_heads_per_gpu(model, cell->tp),
        .ffn_per_gpu = model->ffn / cell->tp,
        .attention_dtype = ss_model_attention_dtype(model),
        .weight_dtype = ss_model_weight_dtype(model),
        .expert_dtype = ss_model_expert_dtype(model),
        .gemm_dtype = ss_model_gemm_dtype(model),
        .kv_dtype = ss_model_kv_dtype(model),
        .v_head_dim = ss_model_value_dim(model),
        .latent_rank = model->latent_rank,
        .rope_dim = model->rope_dim,
        .query_rank = model->query_rank,
        .qk_norm = model->qk_norm,
        .dp = cell->dp,
        .ep = cell->ep,
        .gpus_per_node = cell->gpus_per_node,
        .network_bytes_per_s = cell->interconnect_bytes_per_s,
        .network_latency_us = cell->interconnect_latency_us,
    };
    fill_experts(out, model, &cut);
}

#define HAS(operators, op) (SERVSIM_COVERS((operators)->ops, struct servsim_hardware_ops, op) && (operators)->ops->op)

static int
describe(struct ss_operators *operators, const struct ss_cell *cell, struct servsim_error *err)
{
    struct servsim_device *about = &operators->about;
    const char *name = operators->device.descriptor->name;
    about->size = sizeof *about;
    int rc = operators->ops->describe(operators->device.self, about, err);
    if (rc != 0)
        return rc;
    about->name[sizeof about->name - 1] = '\0';
    if (about->memory_bytes == 0 || !(about->peak_flops > 0) || !(about->memory_bytes_per_s > 0))
        return servsim_fail(err, EPROTO, "hardware plugin '%s' describes a device without memory, peak or bandwidth",
                            name);
    if (!HAS(operators, collective) && cell->tp > 1)
        return servsim_fail(err, EINVAL, "hardware plugin '%s' prices no collectives; write tp: 1", name);
    if (!HAS(operators, collective) && (cell->dp > 1 || (cell->pp > 1 && !HAS(operators, p2p))))
        return servsim_fail(err, EINVAL, "hardware plugin '%s' prices no links; write pp: 1 and dp: 1", name);
    return 0;
}

int
ss_operators_open(struct ss_operators *out, const struct ss_cell *cell, const struct servsim_host *host,
                  struct servsim_error *err)
{
    ss_operators_context(cell, &out->shape);
    int rc = ss_instance_create(&out->device, &cell->hardware, host, &out->shape, err);
    if (rc != 0)
        return rc;
    out->ops = out->device.descriptor->ops;
    out->attention = (struct servsim_attention){
        .size = sizeof out->attention,
        .dtype = out->shape.dtype,
        .kv_dtype = out->shape.kv_dtype,
        .q_heads = out->shape.q_heads_per_gpu,
        .kv_heads = out->shape.kv_heads_per_gpu,
        .head_dim = out->shape.head_dim,
        .v_head_dim = out->shape.v_head_dim,
        .latent_rank = out->shape.latent_rank,
        .rope_dim = out->shape.rope_dim,
    };
    return describe(out, cell, err);
}

void
ss_operators_close(struct ss_operators *operators)
{
    ss_instance_destroy(&operators->device);
}

static int
refuse(const struct ss_operators *operators, const char *what, int rc, int64_t ps, struct servsim_error *err)
{
    const char *name = operators->device.descriptor->name;
    if (rc < 0) {
        char said[512];
        (void)snprintf(said, sizeof said, "%.500s", err->text);
        return servsim_fail(err, EPROTO, "hardware plugin '%s': %s: %s", name, what, said);
    }
    return servsim_fail(err, EPROTO, "hardware plugin '%s' prices %s at %lld ps", name, what, (long long)ps);
}

static inline int
is_price(int rc, int64_t ps)
{
    return rc >= 0 && ps >= 0 && ps <= INT64_MAX / 16;
}

/* A plugin's price is taken only when it is one. */
static inline int
checked(const struct ss_operators *operators, const char *what, int rc, int64_t ps, struct servsim_error *err)
{
    return is_price(rc, ps) ? 0 : refuse(operators, what, rc, ps, err);
}

/* ---- kernels ---- */

static int
price_gemm(struct ss_operators *operators, const struct servsim_gemm *op, int64_t *total_ps, struct servsim_error *err)
{
    int64_t ps = 0;
    int rc = operators->ops->gemm(operators->device.self, op, &ps, err);
    rc = checked(operators, "a GEMM", rc, ps, err);
    *total_ps += ps;
    return rc;
}

/* Matrices in 16 bits multiply in 16 bits, also beside quantised ones. */
static uint32_t
multiplies_in(const struct servsim_hardware_context *shape, uint32_t weight_dtype)
{
    return ss_dtype_bytes(weight_dtype) == 2.0 ? shape->dtype : shape->gemm_dtype;
}

int
ss_op_gemm(struct ss_operators *operators, uint32_t role, uint32_t weight_dtype, uint32_t times, uint64_t m, uint64_t n,
           uint64_t k, int64_t *total_ps, struct servsim_error *err)
{
    const struct servsim_gemm op = {.size = sizeof op,
                                    .role = role,
                                    .dtype = multiplies_in(&operators->shape, weight_dtype),
                                    .weight_dtype = weight_dtype,
                                    .times = times,
                                    .m = m,
                                    .n = n,
                                    .k = k};
    return times > 0 ? price_gemm(operators, &op, total_ps, err) : 0;
}

int
ss_op_plain_gemm(struct ss_operators *operators, uint32_t role, uint32_t times, uint64_t m, uint64_t n, uint64_t k,
                 int64_t *total_ps, struct servsim_error *err)
{
    const uint32_t dtype = operators->shape.dtype;
    const struct servsim_gemm op = {
        .size = sizeof op, .role = role, .dtype = dtype, .weight_dtype = dtype, .times = times, .m = m, .n = n, .k = k};
    return times > 0 ? price_gemm(operators, &op, total_ps, err) : 0;
}

int
ss_op_measured(const struct ss_operators *operators)
{
    return (operators->ops->flags & SERVSIM_HARDWARE_MEASURED) != 0;
}

int
ss_op_elementwise(struct ss_operators *operators, uint32_t role, uint32_t times, uint64_t rows, uint64_t columns,
                  int64_t *total_ps, struct servsim_error *err)
{
    if (!HAS(operators, elementwise) || times == 0)
        return 0;
    const struct servsim_elementwise op = {.size = sizeof op,
                                           .role = role,
                                           .dtype = operators->shape.dtype,
                                           .times = times,
                                           .rows = rows,
                                           .columns = columns};
    int64_t ps = 0;
    int rc = operators->ops->elementwise(operators->device.self, &op, &ps, err);
    rc = checked(operators, "an elementwise kernel", rc, ps, err);
    *total_ps += ps;
    return rc;
}

/* ---- experts ---- */

/* The host's plain thing: all hit experts side by side as one GEMM, of the rows that each of them gets. */
static int
price_as_gemms(struct ss_operators *operators, const struct servsim_moe *op, int64_t *total_ps,
               struct servsim_error *err)
{
    uint64_t hit = (uint64_t)fmax(1.0, round(op->experts_hit));
    struct servsim_gemm gemm = {.size = sizeof gemm,
                                .role = SERVSIM_GEMM_EXPERT_GATE_UP,
                                .dtype = op->dtype,
                                .weight_dtype = op->weight_dtype,
                                .times = op->times,
                                .m = (op->tokens_here + hit - 1) / hit,
                                .n = 2 * (uint64_t)op->ffn * hit,
                                .k = op->hidden};
    int rc = price_gemm(operators, &gemm, total_ps, err);
    if (rc != 0)
        return rc;
    gemm.role = SERVSIM_GEMM_EXPERT_DOWN;
    gemm.n = op->hidden * hit;
    gemm.k = op->ffn;
    return price_gemm(operators, &gemm, total_ps, err);
}

/* How far the largest of n draws from a normal distribution lies above its mean, in deviations: for n = 1, 2, 4 ...
   256, on straight lines between them. */
static double
largest_of(uint32_t n)
{
    static const double at[] = {0.0, 0.5642, 1.0294, 1.4236, 1.7660, 2.0697, 2.3437, 2.5935, 2.8230};
    const uint32_t last = sizeof at / sizeof at[0] - 1;
    double place = log2((double)n);
    uint32_t below = (uint32_t)place < last ? (uint32_t)place : last - 1;
    return at[below] + (place - below) * (at[below + 1] - at[below]);
}

/*
 * Experts that are hit on the GPU with most of them: the others wait for it before they add up their results. Each
 * token goes to top_k of E experts, all as likely; an expert is missed with probability q, two are with q2. GPUs that
 * hold e experts each have variance e q (1 - q) + e (e - 1) (q2 - q q) and covariance e e (q2 - q q); what tells them
 * apart, the difference of the two, is e (q - q2).
 */
static double
hit_where_most(const struct servsim_hardware_context *s, uint64_t tokens, double mean)
{
    double all = s->experts, here = s->experts_per_gpu, missed = 1.0 - s->top_k / all;
    double most = fmin(here, (double)tokens * s->top_k);
    if (s->ep <= 1 || s->experts < 2)
        return mean;
    double q = pow(missed, (double)tokens), q2 = pow(missed * (1.0 - s->top_k / (all - 1.0)), (double)tokens);
    return fmin(most, mean + largest_of(s->ep) * sqrt(here * fmax(q - q2, 0.0)));
}

/* Pairs of a token and an expert on the GPU with most of them, likewise. A token's top_k experts are drawn without
   putting back. */
static uint64_t
pairs_where_most(const struct servsim_hardware_context *s, uint64_t tokens)
{
    double all = s->experts, pairs = (double)tokens * s->top_k;
    double mean = pairs * s->experts_per_gpu / all;
    if (s->ep <= 1 || s->experts < 2)
        return (tokens * s->top_k * s->experts_per_gpu + s->experts - 1) / s->experts;
    double most = mean + largest_of(s->ep) * sqrt(mean * (all - s->top_k) / (all - 1.0));
    return (uint64_t)ceil(fmin(most, pairs));
}

int
ss_op_experts(struct ss_operators *operators, uint32_t times, uint64_t tokens, double *hit, int64_t *total_ps,
              struct servsim_error *err)
{
    const struct servsim_hardware_context *s = &operators->shape;
    double missed = 1.0 - (double)s->top_k / s->experts;
    double mean = s->experts_per_gpu * (1.0 - pow(missed, (double)tokens));
    const struct servsim_moe op = {
        .size = sizeof op,
        .dtype = multiplies_in(s, s->expert_dtype),
        .weight_dtype = s->expert_dtype,
        .times = times,
        .experts = s->experts,
        .top_k = s->top_k,
        .experts_here = s->experts_per_gpu,
        .hidden = s->hidden,
        .ffn = s->expert_ffn_per_gpu,
        .ep = s->ep,
        .tokens = tokens,
        .tokens_here = pairs_where_most(s, tokens),
        .experts_hit = hit_where_most(s, tokens, mean),
    };
    *hit = mean;
    if (times == 0 || tokens == 0)
        return 0;
    if (!HAS(operators, moe))
        return price_as_gemms(operators, &op, total_ps, err);
    int64_t ps = 0;
    int rc = operators->ops->moe(operators->device.self, &op, &ps, err);
    rc = checked(operators, "experts", rc, ps, err);
    *total_ps += ps;
    return rc;
}

/* ---- links ---- */

/* How many of a group's GPUs, `stride` apart, share a node. */
static uint32_t
ranks_per_node(const struct ss_operators *operators, uint32_t ranks, uint32_t stride)
{
    uint32_t gpus = operators->about.gpus_per_node, together = gpus / stride;
    if (gpus == 0 || together >= ranks)
        return ranks;
    return together > 0 ? together : 1;
}

int
ss_op_collective(struct ss_operators *operators, uint32_t kind, uint32_t ranks, uint32_t stride, uint32_t times,
                 double bytes, int64_t *total_ps, struct servsim_error *err)
{
    if (ranks < 2 || times == 0)
        return 0;
    const struct servsim_collective op = {.size = sizeof op,
                                          .kind = kind,
                                          .ranks = ranks,
                                          .times = times,
                                          .bytes = (uint64_t)bytes,
                                          .ranks_per_node = ranks_per_node(operators, ranks, stride)};
    int64_t ps = 0;
    int rc = operators->ops->collective(operators->device.self, &op, &ps, err);
    rc = checked(operators, kind == SERVSIM_COLLECTIVE_ALL_REDUCE ? "an all-reduce" : "a collective", rc, ps, err);
    *total_ps += ps;
    return rc;
}

int
ss_op_p2p(struct ss_operators *operators, double bytes, int between_nodes, int64_t *total_ps, struct servsim_error *err)
{
    const struct servsim_p2p op = {
        .size = sizeof op, .times = 1, .bytes = (uint64_t)bytes, .between_nodes = between_nodes != 0};
    int64_t ps = 0;
    if (!HAS(operators, p2p)) {
        uint32_t apart = between_nodes ? operators->about.gpus_per_node : 1;
        return ss_op_collective(operators, SERVSIM_COLLECTIVE_ALL_GATHER, 2, apart, 1, 2 * bytes, total_ps, err);
    }
    int rc = operators->ops->p2p(operators->device.self, &op, &ps, err);
    rc = checked(operators, "a message", rc, ps, err);
    *total_ps += ps;
    return rc;
}

/* ---- attention ---- */

/* A line that is none: of fewer steps than one, or a price that is none. */
static int
refuse_line(const struct ss_operators *operators, int rc, const struct servsim_line *line, struct servsim_error *err)
{
    if (!is_price(rc, line->base_ps))
        return refuse(operators, "attention", rc, line->base_ps, err);
    return servsim_fail(err, EPROTO, "hardware plugin '%s' gives a line of no steps for attention",
                        operators->device.descriptor->name);
}

static inline int
price_line(const struct ss_operators *operators, const struct servsim_attention *op, struct servsim_line *line,
           struct servsim_error *err)
{
    *line = (struct servsim_line){0, 0, 0};
    int rc = operators->ops->attention(operators->device.self, op, line, err);
    return is_price(rc, line->base_ps) && line->steps > 0 ? 0 : refuse_line(operators, rc, line, err);
}

static uint64_t
least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

int
ss_op_attention(struct ss_operators *operators, const struct ss_step_shape *shape, uint32_t layers,
                struct servsim_line *line, struct servsim_error *err)
{
    struct servsim_attention *op = &operators->attention;
    op->times = layers;
    op->prefill_count = shape->prefill_count;
    op->prefill_new_tokens = shape->prefill_new_tokens;
    op->prefill_context_tokens = shape->prefill_context_tokens;
    op->prefill_causal_pairs = shape->prefill_causal_pairs;
    op->decode_count = shape->decode_count;
    op->decode_context_sum = shape->decode_context_sum;
    op->decode_context_min = shape->decode_context_min;
    op->decode_context_max = shape->decode_context_max;
    return price_line(operators, op, line, err);
}

int
ss_op_windowed_attention(struct ss_operators *operators, const struct ss_step_shape *shape, uint32_t layers,
                         struct servsim_line *line, struct servsim_error *err)
{
    struct servsim_attention op = operators->attention;
    op.times = layers;
    op.window = operators->shape.window;
    op.prefill_count = shape->prefill_count;
    op.prefill_new_tokens = shape->prefill_new_tokens;
    op.prefill_context_tokens = shape->window.prefill_context_tokens;
    op.prefill_causal_pairs = shape->window.prefill_causal_pairs;
    op.decode_count = shape->decode_count;
    op.decode_context_sum = shape->window.decode_context_sum;
    op.decode_context_min = least(shape->decode_context_min, op.window - 1);
    op.decode_context_max = least(shape->decode_context_max, op.window - 1);
    op.decode_settled = shape->window.decode_settled;
    int rc = price_line(operators, &op, line, err);
    if (shape->decode_count > shape->window.decode_settled)
        line->steps = least(line->steps, shape->window.steps);
    return rc;
}
