/*
 * conform/foreign.c - models of other builds than the one that a device is tried with.
 */
#include "conform/foreign.h"

#include <stdio.h>

static void
make_windowed(struct ss_model *model)
{
    model->window = 1024;
    for (uint32_t i = 1; i < model->layers; i += 2)
        model->kinds[i] = SS_LAYER_WINDOW;
}

static void
make_latent(struct ss_model *model)
{
    model->latent_rank = 512;
    model->rope_dim = 64;
    model->query_rank = 1536;
    model->head_dim = 192;
    model->v_head_dim = 128;
    model->kv_heads = model->q_heads;
}

static void
make_experts(struct ss_model *model)
{
    model->experts = 64;
    model->top_k = 6;
    model->expert_ffn = 1408;
    model->shared_ffn = 2816;
    for (uint32_t i = 1; i < model->layers; i++)
        model->kinds[i] = SS_LAYER_EXPERTS;
}

static void
make_quantised(struct ss_model *model)
{
    ss_model_set_weights(model, SERVSIM_DTYPE_INT4);
}

static const struct {
    const char *name;
    void (*make)(struct ss_model *model);
} foreigners[SS_FOREIGN_COUNT] = {
    [SS_FOREIGN_WINDOWED] = {"a model with windows", make_windowed},
    {"a model with latent attention", make_latent},
    {"a model with experts", make_experts},
    {"a model with weights of 4 bits", make_quantised},
};

const char *
ss_foreign_name(size_t which)
{
    return foreigners[which].name;
}

void
ss_foreign_make(struct ss_model *model, size_t which)
{
    *model = (struct ss_model){.layers = 32,
                               .hidden = 4096,
                               .q_heads = 32,
                               .kv_heads = 8,
                               .head_dim = 128,
                               .ffn = 14336,
                               .vocab = 128256,
                               .max_positions = 131072,
                               .dtype = SERVSIM_DTYPE_BF16};
    (void)snprintf(model->name, sizeof model->name, "%s", foreigners[which].name);
    foreigners[which].make(model);
}
