/*
 * cost/parts.c - the parts of a step that depend on a number of tokens or rows alone.
 *
 * Per layer: the GEMMs of attention and of a dense MLP or shared experts, the router, small kernels, two all-reduces
 * under tensor parallel. Experts count tokens of all data-parallel ranks, which are gathered before them and scattered
 * after. Around the layers: embedding, and on the sampled rows the LM head.
 */
#include <math.h>

#include "cost/internal.h"

static double
dtype_bytes(const struct ss_cost *cost)
{
    return ss_dtype_bytes(cost->operators.shape.dtype);
}

/* ---- GEMMs ---- */

static int
price_plain_attention(struct ss_operators *o, uint32_t layers, uint64_t tokens, int64_t *ps, struct servsim_error *err)
{
    const struct servsim_hardware_context *s = &o->shape;
    uint64_t q = (uint64_t)s->q_heads_per_gpu * s->head_dim, out = (uint64_t)s->q_heads_per_gpu * s->v_head_dim;
    uint64_t kv = (uint64_t)s->kv_heads_per_gpu * ((uint64_t)s->head_dim + s->v_head_dim);
    int rc = ss_op_gemm(o, SERVSIM_GEMM_QKV, s->attention_dtype, layers, tokens, q + kv, s->hidden, ps, err);
    if (rc == 0)
        rc = ss_op_gemm(o, SERVSIM_GEMM_ATTENTION_OUT, s->attention_dtype, layers, tokens, s->hidden, out, ps, err);
    return rc;
}

/* Every GPU makes the latents whole; heads are cut. */
static int
price_latent_attention(struct ss_operators *o, uint32_t layers, uint64_t tokens, int64_t *ps, struct servsim_error *err)
{
    const struct servsim_hardware_context *s = &o->shape;
    uint64_t heads = s->q_heads_per_gpu, down = (uint64_t)s->query_rank + s->latent_rank + s->rope_dim;
    uint64_t q_input = s->query_rank > 0 ? s->query_rank : s->hidden;
    uint64_t from_latent = heads * ((uint64_t)s->head_dim - s->rope_dim + s->v_head_dim);
    uint32_t weights = s->attention_dtype;
    int rc = ss_op_gemm(o, SERVSIM_GEMM_LATENT_DOWN, weights, layers, tokens, down, s->hidden, ps, err);
    if (rc == 0)
        rc = ss_op_gemm(o, SERVSIM_GEMM_LATENT_QUERY, weights, layers, tokens, heads * s->head_dim, q_input, ps, err);
    if (rc == 0)
        rc = ss_op_gemm(o, SERVSIM_GEMM_LATENT_KV, weights, layers, tokens, from_latent, s->latent_rank, ps, err);
    if (rc == 0)
        rc = ss_op_gemm(o, SERVSIM_GEMM_ATTENTION_OUT, weights, layers, tokens, s->hidden, heads * s->v_head_dim, ps,
                        err);
    return rc;
}

static int
price_attention_gemms(struct ss_operators *o, uint32_t layers, uint64_t tokens, int64_t *ps, struct servsim_error *err)
{
    return o->shape.latent_rank > 0 ? price_latent_attention(o, layers, tokens, ps, err)
                                    : price_plain_attention(o, layers, tokens, ps, err);
}

/* Gate and up as one, or up alone; down. `inner` counts the matrices before the activation. */
static int
price_mlp(struct ss_operators *o, const uint32_t roles[2], uint32_t layers, uint64_t tokens, uint32_t inner,
          uint64_t width, int64_t *ps, struct servsim_error *err)
{
    const struct servsim_hardware_context *s = &o->shape;
    uint32_t times = width > 0 ? layers : 0;
    int rc = ss_op_gemm(o, roles[0], s->weight_dtype, times, tokens, inner * width, s->hidden, ps, err);
    return rc == 0 ? ss_op_gemm(o, roles[1], s->weight_dtype, times, tokens, s->hidden, width, ps, err) : rc;
}

static int
price_gemms(struct ss_cost *cost, const struct ss_stage *stage, uint64_t tokens, int64_t *ps, struct servsim_error *err)
{
    static const uint32_t dense[2] = {SERVSIM_GEMM_GATE_UP, SERVSIM_GEMM_DOWN};
    static const uint32_t shared[2] = {SERVSIM_GEMM_SHARED_GATE_UP, SERVSIM_GEMM_SHARED_DOWN};
    struct ss_operators *o = &cost->operators;
    const struct servsim_hardware_context *s = &o->shape;
    uint32_t routed = stage->expert_layers;
    int rc = price_attention_gemms(o, stage->layers, tokens, ps, err);
    if (rc == 0)
        rc = price_mlp(o, dense, stage->layers - routed, tokens, ss_model_mlp_matrices(&cost->cell->model) - 1,
                       s->ffn_per_gpu, ps, err);
    if (rc == 0)
        rc = ss_op_plain_gemm(o, SERVSIM_GEMM_ROUTER, routed, tokens, s->experts, s->hidden, ps, err);
    if (rc == 0)
        rc = price_mlp(o, shared, routed, tokens, 2, s->shared_ffn_per_gpu, ps, err);
    return rc;
}

/* ---- small kernels ---- */

/* Columns that the rotary embedding turns: of all heads, or of the one rotary key that latents come with. */
static uint64_t
rotated(const struct servsim_hardware_context *s)
{
    uint64_t heads = (uint64_t)s->q_heads_per_gpu + s->kv_heads_per_gpu;
    return heads * (s->latent_rank > 0 ? s->rope_dim : s->head_dim);
}

static int
price_small_kernels(struct ss_cost *cost, const struct ss_stage *stage, uint64_t tokens, int64_t *ps,
                    struct servsim_error *err)
{
    struct ss_operators *o = &cost->operators;
    const struct servsim_hardware_context *s = &o->shape;
    const struct ss_model *model = &cost->cell->model;
    const uint32_t norms = model->norms != 0 ? model->norms : 2;
    const uint64_t heads = (uint64_t)s->q_heads_per_gpu + s->kv_heads_per_gpu;
    const struct {
        uint32_t role, times;
        uint64_t columns;
    } kernels[] = {
        {SERVSIM_ELEMENTWISE_EMBEDDING, stage->embeds * (model->position_rows > 0 ? 2 : 1), s->hidden},
        {SERVSIM_ELEMENTWISE_NORM, norms * stage->layers, s->hidden},
        {SERVSIM_ELEMENTWISE_QK_NORM, s->qk_norm ? stage->layers : 0, heads * s->head_dim},
        {SERVSIM_ELEMENTWISE_ROTARY, model->position_rows > 0 ? 0 : stage->layers, rotated(s)},
        {SERVSIM_ELEMENTWISE_ACTIVATION, stage->layers - stage->expert_layers, s->ffn_per_gpu},
        {SERVSIM_ELEMENTWISE_ACTIVATION, s->shared_ffn_per_gpu > 0 ? stage->expert_layers : 0, s->shared_ffn_per_gpu},
        {SERVSIM_ELEMENTWISE_FINAL_NORM, stage->samples, s->hidden},
    };
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof kernels / sizeof kernels[0]; i++)
        rc = ss_op_elementwise(o, kernels[i].role, kernels[i].times, tokens, kernels[i].columns, ps, err);
    return rc;
}

/* ---- communication ---- */

/* Does the way from this stage to the next cross nodes in some data-parallel rank? GPUs are numbered tensor ranks
   first, then stages, then data-parallel ranks. */
static int
crosses_nodes(const struct ss_cost *cost, uint32_t stage)
{
    const struct ss_cut *cut = &cost->cut;
    uint32_t node = cost->operators.about.gpus_per_node;
    for (uint32_t rank = 0; node > 0 && rank < cut->dp; rank++) {
        uint64_t from = ((uint64_t)rank * cut->pp + stage) * cut->tp;
        if (from / node != (from + cut->tp) / node)
            return 1;
    }
    return 0;
}

/* Two all-reduces a layer of tokens x hidden, one more behind an embedding that is cut by rows, and what a stage hands
   to the next. */
static int
price_communication(struct ss_cost *cost, uint32_t stage, uint64_t tokens, int64_t *ps, struct servsim_error *err)
{
    const struct ss_stage *here = &cost->stages[stage].stage;
    double bytes = (double)(tokens * cost->operators.shape.hidden) * dtype_bytes(cost);
    int rc = ss_op_collective(&cost->operators, SERVSIM_COLLECTIVE_ALL_REDUCE, cost->cut.tp, 1,
                              2 * here->layers + here->embeds, bytes, ps, err);
    if (rc == 0 && !here->samples && tokens > 0)
        rc = ss_op_p2p(&cost->operators, bytes, crosses_nodes(cost, stage), ps, err);
    return rc;
}

/* Data-parallel ranks gather their tokens before the experts, and add up and scatter the results. */
static int
price_dispatch(struct ss_cost *cost, uint32_t times, uint64_t tokens, int64_t *ps, struct servsim_error *err)
{
    const struct ss_cut *cut = &cost->cut;
    uint32_t stride = cut->tp * cut->pp;
    double bytes = (double)(tokens * cost->operators.shape.hidden) * dtype_bytes(cost);
    int rc = ss_op_collective(&cost->operators, SERVSIM_COLLECTIVE_ALL_GATHER, cut->dp, stride, times, bytes, ps, err);
    if (rc == 0)
        rc = ss_op_collective(&cost->operators, SERVSIM_COLLECTIVE_REDUCE_SCATTER, cut->dp, stride, times, bytes, ps,
                              err);
    return rc;
}

/* ---- the parts ---- */

static uint64_t
table_bytes(const struct ss_cost *cost)
{
    const struct ss_model *model = &cost->cell->model;
    return (uint64_t)((double)(ss_model_vocab_per_gpu(model, cost->cut.tp) * model->hidden) * dtype_bytes(cost));
}

/* Weights of a stage without its tables and its routed experts. */
static uint64_t
layer_bytes(const struct ss_cost *cost, const struct ss_stage *stage)
{
    const struct ss_model *model = &cost->cell->model;
    uint32_t tables = model->tied_embeddings && stage->embeds && stage->samples ? 1 : stage->embeds + stage->samples;
    double experts = (double)stage->expert_layers * ss_cut_experts(model, &cost->cut);
    uint64_t all = ss_model_stage_bytes(model, &cost->cut, stage);
    return all - tables * table_bytes(cost) - (uint64_t)(experts * ss_model_expert_bytes(model, &cost->cut));
}

int
ss_cost_price_tokens(struct ss_cost *cost, uint32_t stage, uint32_t tokens, struct servsim_error *err)
{
    const struct ss_stage *here = &cost->stages[stage].stage;
    struct ss_part part = {0, 0, layer_bytes(cost, here)};
    int rc = price_gemms(cost, here, tokens, &part.dense_ps, err);
    if (rc == 0)
        rc = price_small_kernels(cost, here, tokens, &part.dense_ps, err);
    if (rc == 0)
        rc = price_communication(cost, stage, tokens, &part.communication_ps, err);
    if (rc == 0)
        cost->stages[stage].by_tokens[tokens] = part;
    return rc;
}

int
ss_cost_price_experts(struct ss_cost *cost, uint32_t stage, uint32_t tokens, struct servsim_error *err)
{
    uint32_t layers = cost->stages[stage].stage.expert_layers;
    struct ss_part part = {0, 0, 0};
    double hit = 0.0;
    int rc = ss_op_experts(&cost->operators, layers, tokens, &hit, &part.dense_ps, err);
    if (rc == 0)
        rc = price_dispatch(cost, layers, tokens, &part.communication_ps, err);
    if (rc != 0)
        return rc;
    part.weight_bytes = (uint64_t)round(hit * layers * ss_model_expert_bytes(&cost->cell->model, &cost->cut));
    cost->stages[stage].by_expert_tokens[tokens] = part;
    return 0;
}

/* Under tensor parallel every GPU has logits of its rows of the vocabulary, and they are gathered. */
int
ss_cost_price_rows(struct ss_cost *cost, uint32_t rows, struct servsim_error *err)
{
    struct ss_operators *o = &cost->operators;
    const struct servsim_hardware_context *s = &o->shape;
    uint64_t columns = ss_model_vocab_per_gpu(&cost->cell->model, s->tp);
    double logits = (double)(rows * columns * s->tp) * dtype_bytes(cost);
    struct ss_part part = {0, 0, rows > 0 ? table_bytes(cost) : 0};
    int rc = rows > 0 ? ss_op_plain_gemm(o, SERVSIM_GEMM_LM_HEAD, 1, rows, columns, s->hidden, &part.dense_ps, err) : 0;
    if (rc == 0 && rows > 0)
        rc = ss_op_elementwise(o, SERVSIM_ELEMENTWISE_SAMPLER, 1, rows, s->vocab, &part.dense_ps, err);
    if (rc == 0 && rows > 0)
        rc = ss_op_collective(o, SERVSIM_COLLECTIVE_ALL_GATHER, s->tp, 1, 1, logits, &part.communication_ps, err);
    if (rc == 0)
        cost->by_rows[rows] = part;
    return rc;
}
