/*
 * model/model.c - parameters and bytes of a transformer from its shapes.
 *
 * One layer holds norms of `hidden`; attention, plain (queries, keys, values, output; optional norms of one head's
 * width) or latent (a latent of keys and values for each token, from which heads are made); and an MLP of three
 * matrices, of two where it has no gate, or a router with many of them. Around the layers stand the token embedding, a
 * table of positions where they are learned, a final norm, and an LM head unless it is tied to the embedding.
 *
 * Values are counted in four classes, since they may lie in as many types.
 */
#include "model/model.h"

#include <stddef.h>
#include <strings.h>

#define VOCAB_PADDING 64u /* engines pad the vocabulary so that it can be cut */

/* ---- types ---- */

/* Groups of 128 int4 values share a 16-bit scale and a 4-bit zero; 32 mxfp4 values or 16 nvfp4 values an 8-bit scale.
   Scales of fp8 stand for 16,384 values and are left out. */
static const struct {
    uint32_t dtype;
    const char *name;
    double bytes;
} dtypes[] = {
    {SERVSIM_DTYPE_BF16, "bf16", 2.0},
    {SERVSIM_DTYPE_FP16, "fp16", 2.0},
    {SERVSIM_DTYPE_FP8, "fp8", 1.0},
    {SERVSIM_DTYPE_INT4, "int4", (4.0 + 20.0 / 128.0) / 8.0},
    {SERVSIM_DTYPE_MXFP4, "mxfp4", (4.0 + 8.0 / 32.0) / 8.0},
    {SERVSIM_DTYPE_NVFP4, "nvfp4", (4.0 + 8.0 / 16.0) / 8.0},
};

#define DTYPE_COUNT (sizeof dtypes / sizeof dtypes[0])

double
ss_dtype_bytes(uint32_t dtype)
{
    for (size_t i = 0; i < DTYPE_COUNT; i++)
        if (dtypes[i].dtype == dtype)
            return dtypes[i].bytes;
    return 2.0;
}

const char *
ss_dtype_name(uint32_t dtype)
{
    for (size_t i = 0; i < DTYPE_COUNT; i++)
        if (dtypes[i].dtype == dtype)
            return dtypes[i].name;
    return NULL;
}

uint32_t
ss_dtype_of(const char *name)
{
    for (size_t i = 0; i < DTYPE_COUNT; i++)
        if (strcasecmp(dtypes[i].name, name) == 0)
            return dtypes[i].dtype;
    return 0;
}

uint32_t
ss_model_attention_dtype(const struct ss_model *model)
{
    return model->attention_dtype != 0 ? model->attention_dtype : model->dtype;
}

uint32_t
ss_model_weight_dtype(const struct ss_model *model)
{
    return model->weight_dtype != 0 ? model->weight_dtype : model->dtype;
}

uint32_t
ss_model_expert_dtype(const struct ss_model *model)
{
    return model->expert_dtype != 0 ? model->expert_dtype : model->dtype;
}

uint32_t
ss_model_gemm_dtype(const struct ss_model *model)
{
    return model->gemm_dtype != 0 ? model->gemm_dtype : model->dtype;
}

uint32_t
ss_model_kv_dtype(const struct ss_model *model)
{
    return model->kv_dtype != 0 ? model->kv_dtype : model->dtype;
}

void
ss_model_set_weights(struct ss_model *model, uint32_t dtype)
{
    int plain = ss_dtype_bytes(dtype) == 2.0;
    int experts_only = dtype == SERVSIM_DTYPE_MXFP4 && model->experts > 0;
    int activations = dtype == SERVSIM_DTYPE_FP8 || dtype == SERVSIM_DTYPE_NVFP4;
    model->asked_weights = dtype;
    model->attention_dtype = model->weight_dtype = plain || experts_only ? 0 : dtype;
    model->expert_dtype = plain ? 0 : dtype;
    model->gemm_dtype = activations ? dtype : 0;
    if (plain)
        model->dtype = dtype;
}

/* ---- shares ---- */

/* What one of `parts` GPUs holds of `whole`: the largest share, as engines pad to equal ones. */
static uint64_t
share(uint64_t whole, uint32_t parts)
{
    return (whole + parts - 1) / parts;
}

uint32_t
ss_model_mlp_matrices(const struct ss_model *model)
{
    return model->ungated ? 2 : 3;
}

uint32_t
ss_model_value_dim(const struct ss_model *model)
{
    return model->v_head_dim != 0 ? model->v_head_dim : model->head_dim;
}

uint32_t
ss_model_kv_heads_per_gpu(const struct ss_model *model, uint32_t tp)
{
    return tp > 1 ? (uint32_t)share(model->kv_heads, tp) : model->kv_heads;
}

uint64_t
ss_model_vocab_per_gpu(const struct ss_model *model, uint32_t tp)
{
    return share(share(model->vocab, VOCAB_PADDING) * VOCAB_PADDING, tp);
}

uint32_t
ss_cut_expert_ffn(const struct ss_model *model, const struct ss_cut *cut)
{
    uint32_t parts = cut->tp * cut->dp / cut->ep;
    return (uint32_t)share(model->expert_ffn, parts > 0 ? parts : 1);
}

uint32_t
ss_cut_experts(const struct ss_model *model, const struct ss_cut *cut)
{
    return (uint32_t)share(model->experts, cut->ep);
}

static uint32_t
stage_layers(const struct ss_model *model, uint32_t pp, uint32_t index)
{
    uint32_t left_over = model->layers % pp;
    /* the last stage has the LM head, so others take what is left over: from the last but one to the front */
    uint32_t takes = index + 1 < pp && pp - 2 - index < left_over;
    return model->layers / pp + takes;
}

void
ss_model_stage(const struct ss_model *model, uint32_t pp, uint32_t index, struct ss_stage *out)
{
    *out = (struct ss_stage){.embeds = index == 0, .samples = index + 1 == pp};
    for (uint32_t i = 0; i < index; i++)
        out->first += stage_layers(model, pp, i);
    out->layers = stage_layers(model, pp, index);
    for (uint32_t i = out->first; i < out->first + out->layers && i < SS_LAYERS_LIMIT; i++) {
        out->expert_layers += (model->kinds[i] & SS_LAYER_EXPERTS) != 0;
        out->window_layers += (model->kinds[i] & SS_LAYER_WINDOW) != 0;
    }
}

/* ---- counting ---- */

/* Values by class: never quantised; matrices of attention; of dense layers and shared experts; routed experts. */
struct values {
    uint64_t plain, attention, matrices, experts;
};

/* Query, key, value and output projections. The output bias is added once, so that every GPU keeps a copy of it. */
static void
add_plain_attention(struct values *sum, const struct ss_model *model, uint32_t tp)
{
    uint64_t heads = share(model->q_heads, tp), kv_heads = ss_model_kv_heads_per_gpu(model, tp);
    uint64_t q_width = heads * model->head_dim, o_width = heads * ss_model_value_dim(model);
    uint64_t kv_width = kv_heads * ((uint64_t)model->head_dim + ss_model_value_dim(model));
    sum->attention += (q_width + kv_width + o_width) * model->hidden;
    if (model->attention_bias != SS_BIAS_NONE)
        sum->plain += q_width + kv_width;
    if (model->attention_bias == SS_BIAS_QKVO)
        sum->plain += model->hidden;
    if (model->qk_norm)
        sum->plain += 2 * (uint64_t)model->head_dim;
}

/* Projections down to the latents are not cut, since every GPU needs them whole; heads are. */
static void
add_latent_attention(struct values *sum, const struct ss_model *model, uint32_t tp)
{
    uint64_t heads = share(model->q_heads, tp), values = ss_model_value_dim(model);
    uint64_t q_input = model->query_rank > 0 ? model->query_rank : model->hidden;
    uint64_t from_latent = (uint64_t)model->head_dim - model->rope_dim + values;
    sum->attention += (uint64_t)model->hidden * (model->query_rank + model->latent_rank + model->rope_dim);
    sum->attention += q_input * heads * model->head_dim + model->latent_rank * heads * from_latent;
    sum->attention += heads * values * model->hidden;
    sum->plain += (uint64_t)model->query_rank + model->latent_rank; /* norms of the latents */
}

static void
add_experts(struct values *sum, const struct ss_model *model, const struct ss_cut *cut)
{
    uint64_t hidden = model->hidden, here = ss_cut_experts(model, cut), width = ss_cut_expert_ffn(model, cut);
    sum->plain += hidden * model->experts + (model->router_bias ? model->experts : 0);
    sum->experts += here * 3 * hidden * width;
    if (model->expert_bias)
        sum->plain += here * (2 * width + hidden);
    sum->matrices += 3 * hidden * share(model->shared_ffn, cut->tp);
    sum->plain += model->shared_gate ? hidden : 0;
}

static void
add_dense(struct values *sum, const struct ss_model *model, uint32_t tp)
{
    uint64_t width = share(model->ffn, tp);
    sum->matrices += ss_model_mlp_matrices(model) * (uint64_t)model->hidden * width;
    sum->plain += model->mlp_bias ? (ss_model_mlp_matrices(model) - 1) * width + model->hidden : 0;
}

static uint64_t
norm_values(const struct ss_model *model)
{
    return (model->norm_bias ? 2 : 1) * (uint64_t)model->hidden;
}

/* Norms are small and every GPU needs them whole. */
static void
add_layer(struct values *sum, const struct ss_model *model, const struct ss_cut *cut, uint32_t kind)
{
    if (model->latent_rank > 0)
        add_latent_attention(sum, model, cut->tp);
    else
        add_plain_attention(sum, model, cut->tp);
    if ((kind & SS_LAYER_EXPERTS) != 0)
        add_experts(sum, model, cut);
    else
        add_dense(sum, model, cut->tp);
    sum->plain += (model->norms != 0 ? model->norms : 2) * norm_values(model);
    sum->plain += model->sinks ? share(model->q_heads, cut->tp) : 0;
}

static void
add_times(struct values *sum, const struct values *one, uint64_t times)
{
    sum->plain += times * one->plain;
    sum->attention += times * one->attention;
    sum->matrices += times * one->matrices;
    sum->experts += times * one->experts;
}

/* `rows` of the vocabulary in each table. A tied table that both ends of a pipeline need is there twice. */
static void
count_stage(struct values *sum, const struct ss_model *model, const struct ss_cut *cut, const struct ss_stage *stage,
            uint64_t rows)
{
    uint64_t table = rows * model->hidden;
    struct values dense = {0, 0, 0, 0}, routed = {0, 0, 0, 0};
    add_layer(&dense, model, cut, 0);
    add_layer(&routed, model, cut, SS_LAYER_EXPERTS);
    *sum = (struct values){0, 0, 0, 0};
    add_times(sum, &dense, stage->layers - stage->expert_layers);
    if (stage->expert_layers > 0)
        add_times(sum, &routed, stage->expert_layers);
    if (stage->embeds)
        sum->plain += table + (uint64_t)model->position_rows * model->hidden;
    if (stage->samples)
        sum->plain += norm_values(model) + (model->tied_embeddings && stage->embeds ? 0 : table);
}

static double
bytes_of(const struct ss_model *model, const struct values *sum)
{
    return (double)sum->plain * ss_dtype_bytes(model->dtype) +
           (double)sum->attention * ss_dtype_bytes(ss_model_attention_dtype(model)) +
           (double)sum->matrices * ss_dtype_bytes(ss_model_weight_dtype(model)) +
           (double)sum->experts * ss_dtype_bytes(ss_model_expert_dtype(model));
}

static const struct ss_cut uncut = {1, 1, 1, 1};

static void
count_all(struct values *sum, const struct ss_model *model)
{
    struct ss_stage whole;
    ss_model_stage(model, 1, 0, &whole);
    count_stage(sum, model, &uncut, &whole, model->vocab);
}

uint64_t
ss_model_parameters(const struct ss_model *model)
{
    struct values sum;
    count_all(&sum, model);
    return sum.plain + sum.attention + sum.matrices + sum.experts;
}

/* Parameters of the experts of a stage that one token does not go to. */
static uint64_t
passed_by(const struct ss_model *model, const struct ss_stage *stage)
{
    uint64_t each = 3 * (uint64_t)model->hidden * model->expert_ffn;
    if (model->expert_bias)
        each += 2 * (uint64_t)model->expert_ffn + model->hidden;
    return each * (model->experts - model->top_k) * stage->expert_layers;
}

uint64_t
ss_model_active_parameters(const struct ss_model *model)
{
    struct ss_stage whole;
    ss_model_stage(model, 1, 0, &whole);
    return ss_model_parameters(model) - passed_by(model, &whole);
}

uint64_t
ss_model_stage_active(const struct ss_model *model, const struct ss_stage *stage)
{
    struct values sum;
    count_stage(&sum, model, &uncut, stage, 0);
    return sum.plain + sum.attention + sum.matrices + sum.experts - passed_by(model, stage);
}

uint64_t
ss_model_weight_bytes(const struct ss_model *model)
{
    struct values sum;
    count_all(&sum, model);
    return (uint64_t)bytes_of(model, &sum);
}

uint64_t
ss_model_stage_bytes(const struct ss_model *model, const struct ss_cut *cut, const struct ss_stage *stage)
{
    struct values sum;
    count_stage(&sum, model, cut, stage, ss_model_vocab_per_gpu(model, cut->tp));
    return (uint64_t)bytes_of(model, &sum);
}

double
ss_model_expert_bytes(const struct ss_model *model, const struct ss_cut *cut)
{
    double values = 3.0 * model->hidden * ss_cut_expert_ffn(model, cut);
    return values * ss_dtype_bytes(ss_model_expert_dtype(model));
}

uint64_t
ss_model_weight_bytes_per_gpu(const struct ss_model *model, uint32_t tp)
{
    const struct ss_cut cut = {.tp = tp > 1 ? tp : 1, .pp = 1, .dp = 1, .ep = 1};
    struct ss_stage whole;
    ss_model_stage(model, 1, 0, &whole);
    return ss_model_stage_bytes(model, &cut, &whole);
}

/* ---- KV cache ---- */

double
ss_model_kv_bytes_per_layer(const struct ss_model *model, uint32_t tp)
{
    double widths = (double)model->head_dim + ss_model_value_dim(model);
    double values = model->latent_rank > 0 ? (double)model->latent_rank + model->rope_dim
                                           : ss_model_kv_heads_per_gpu(model, tp) * widths;
    return values * ss_dtype_bytes(ss_model_kv_dtype(model));
}

uint64_t
ss_model_kv_bytes_per_token_per_gpu(const struct ss_model *model, uint32_t tp)
{
    return (uint64_t)(model->layers * ss_model_kv_bytes_per_layer(model, tp));
}
