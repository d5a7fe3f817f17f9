/*
 * model/model.c - parameters and bytes of a dense transformer from its shapes.
 *
 * One layer holds: two norms of `hidden`; the query, key, value and output projections; optional norms of one head's
 * width on queries and keys; a gated MLP of three matrices. Around the layers stand the token embedding, a final norm,
 * and an LM head unless it is tied to the embedding.
 */
#include "model/model.h"

#include <stddef.h>
#include <strings.h>

static const struct {
    uint32_t dtype;
    const char *name;
    double bytes;
} dtypes[] = {
    {SERVSIM_DTYPE_BF16, "bf16", 2.0},
    {SERVSIM_DTYPE_FP16, "fp16", 2.0},
    {SERVSIM_DTYPE_FP8, "fp8", 1.0},
    {SERVSIM_DTYPE_INT4, "int4", 0.5},
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

/* What one of `parts` GPUs holds of `whole`: the largest share, as engines pad to equal ones. */
static uint64_t
share(uint64_t whole, uint32_t parts)
{
    return (whole + parts - 1) / parts;
}

uint32_t
ss_model_kv_heads_per_gpu(const struct ss_model *model, uint32_t tp)
{
    return tp > 1 ? (uint32_t)share(model->kv_heads, tp) : model->kv_heads;
}

/* Query, key, value and output projections of one layer with their biases. The output bias is added once, so that
   every GPU keeps a copy of it. */
static uint64_t
attention_parameters(const struct ss_model *model, uint32_t tp)
{
    uint64_t q_width = share(model->q_heads, tp) * model->head_dim;
    uint64_t kv_width = (uint64_t)ss_model_kv_heads_per_gpu(model, tp) * model->head_dim;
    uint64_t count = 2 * q_width * model->hidden + 2 * kv_width * model->hidden;
    if (model->attention_bias != SS_BIAS_NONE)
        count += q_width + 2 * kv_width;
    if (model->attention_bias == SS_BIAS_QKVO)
        count += model->hidden;
    return count;
}

/* Norms are small and every GPU needs them whole. */
static uint64_t
layer_parameters(const struct ss_model *model, uint32_t tp)
{
    uint64_t norms = 2 * (uint64_t)model->hidden + (model->qk_norm ? 2 * (uint64_t)model->head_dim : 0);
    uint64_t mlp = 3 * (uint64_t)model->hidden * share(model->ffn, tp);
    return attention_parameters(model, tp) + mlp + norms;
}

static uint64_t
parameters_per_gpu(const struct ss_model *model, uint32_t tp)
{
    uint64_t table = share(model->vocab, tp) * model->hidden;
    uint64_t tables = model->tied_embeddings ? table : 2 * table;
    return tables + model->layers * layer_parameters(model, tp) + model->hidden;
}

uint64_t
ss_model_parameters(const struct ss_model *model)
{
    return parameters_per_gpu(model, 1);
}

uint64_t
ss_model_weight_bytes_per_gpu(const struct ss_model *model, uint32_t tp)
{
    return (uint64_t)((double)parameters_per_gpu(model, tp > 1 ? tp : 1) * ss_dtype_bytes(model->dtype));
}

uint64_t
ss_model_kv_bytes_per_token_per_gpu(const struct ss_model *model, uint32_t tp)
{
    uint64_t values = 2 * (uint64_t)model->layers * ss_model_kv_heads_per_gpu(model, tp) * model->head_dim;
    return (uint64_t)((double)values * ss_dtype_bytes(model->dtype));
}
