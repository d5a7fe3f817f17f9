/*
 * model/config_layers.c - what a config.json says of layers that differ: which have experts, which have windows.
 */
#include <string.h>

#include "model/config_keys.h"

#define EXPERTS_LIMIT (1u << 12)
#define WIDTH_LIMIT (1u << 17) /* keeps experts x width x hidden x layers inside 64 bits */

/* ---- experts ---- */

/* Is `index` in a list of whole numbers? An absent list holds nothing. */
static int
listed(const json_t *list, uint32_t index)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_integer_value(json_array_get(list, i)) == (json_int_t)index)
            return 1;
    return 0;
}

/* Layers before the first, layers between, and layers that are named as dense, have no experts. */
static int
mark_experts(const struct ss_config *config, struct ss_model *model)
{
    static const char *const firsts[] = {"first_k_dense_replace", NULL};
    static const char *const steps[] = {"decoder_sparse_step", "interleave_moe_layer_step", NULL};
    const json_t *dense = ss_config_value(config->model, "mlp_only_layers");
    const json_t *chosen = ss_config_value(config->model, "moe_layers");
    uint32_t first = 0, step = 1, frequency = 1;
    int rc = ss_config_first(config, firsts, SS_LAYERS_LIMIT, &first);
    if (rc == 0)
        rc = ss_config_first(config, steps, SS_LAYERS_LIMIT, &step);
    if (rc == 0)
        rc = ss_config_count(config, "moe_layer_freq", SS_LAYERS_LIMIT, 0, &frequency);
    for (uint32_t i = 0; rc == 0 && i < model->layers; i++) {
        int routed = i >= first && step > 0 && (i + 1) % step == 0 && i % frequency == 0 && !listed(dense, i);
        if (json_is_array(chosen) ? listed(chosen, i) : routed)
            model->kinds[i] |= SS_LAYER_EXPERTS;
    }
    return rc;
}

/* Where the file names the width of an expert, intermediate_size is that of dense layers; else it is the expert's. */
static int
read_widths(const struct ss_config *config, const struct ss_model_type *type, struct ss_model *model)
{
    static const char *const widths[] = {"moe_intermediate_size", NULL};
    static const char *const shared[] = {"shared_expert_intermediate_size", NULL};
    static const char *const counts[] = {"n_shared_experts", NULL};
    uint32_t shared_experts = 0;
    model->expert_ffn = model->ffn;
    int rc = ss_config_first(config, widths, WIDTH_LIMIT, &model->expert_ffn);
    if (rc == 0)
        rc = ss_config_first(config, shared, WIDTH_LIMIT, &model->shared_ffn);
    if (rc == 0)
        rc = ss_config_first(config, counts, 1024, &shared_experts);
    if (rc == 0)
        rc = ss_config_count(config, "intermediate_size_mlp", 1u << 21, 0, &model->ffn);
    if (rc != 0)
        return rc;
    if (model->expert_ffn == 0 || model->expert_ffn > WIDTH_LIMIT)
        return servsim_fail(config->err, EINVAL, "%s: experts are %u wide: write moe_intermediate_size from 1 to %u",
                            config->path, (unsigned)model->expert_ffn, WIDTH_LIMIT);
    model->shared_ffn += shared_experts * model->expert_ffn;
    if (type->shared_always)
        model->shared_ffn = model->expert_ffn;
    return 0;
}

int
ss_config_experts(const struct ss_config *config, const struct ss_model_type *type, struct ss_model *model)
{
    static const char *const counts[] = {"num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts",
                                         NULL};
    static const char *const chosen[] = {"num_experts_per_tok", "experts_per_token", "moe_topk", NULL};
    struct ss_stage whole;
    int rc = ss_config_first(config, counts, EXPERTS_LIMIT, &model->experts);
    if (rc != 0 || model->experts == 0)
        return rc;
    if ((rc = ss_config_first(config, chosen, EXPERTS_LIMIT, &model->top_k)) != 0 ||
        (rc = read_widths(config, type, model)) != 0 || (rc = mark_experts(config, model)) != 0)
        return rc;
    if (model->top_k == 0 || model->top_k > model->experts)
        return servsim_fail(config->err, EINVAL,
                            "%s: a token goes to %u of %u experts: write num_experts_per_tok from 1 to %u",
                            config->path, (unsigned)model->top_k, (unsigned)model->experts, (unsigned)model->experts);
    model->router_bias = type->router_bias;
    model->shared_gate = type->shared_gate && model->shared_ffn > 0;
    model->expert_bias = type->sinks;
    ss_model_stage(model, 1, 0, &whole);
    if (whole.expert_layers == model->layers)
        model->ffn = 0;
    return 0;
}

/* ---- windows ---- */

/* layer_types names each layer's attention. */
static int
mark_named(const struct ss_config *config, const json_t *names, struct ss_model *model)
{
    if (!json_is_array(names) || json_array_size(names) != model->layers)
        return servsim_fail(config->err, EINVAL, "%s: layer_types has %zu entries: write one for each of %u layers",
                            config->path, json_array_size(names), (unsigned)model->layers);
    for (uint32_t i = 0; i < model->layers; i++) {
        const json_t *entry = json_array_get(names, i);
        const char *name = json_is_string(entry) ? json_string_value(entry) : "";
        if (strcmp(name, "sliding_attention") == 0 || strcmp(name, "chunked_attention") == 0)
            model->kinds[i] |= SS_LAYER_WINDOW;
        else if (strcmp(name, "full_attention") != 0)
            return ss_config_fail(config, "an entry of layer_types", entry,
                                  "full_attention, sliding_attention or chunked_attention");
    }
    return 0;
}

static int
mark_periodic(const struct ss_config *config, const struct ss_model_type *type, struct ss_model *model)
{
    static const char *const periods[] = {"sliding_window_pattern", "_sliding_window_pattern", "no_rope_layer_interval",
                                          NULL};
    static const char *const below[] = {"max_window_layers", NULL};
    uint32_t each = type->window_each, from = 0;
    int rc = ss_config_first(config, periods, SS_LAYERS_LIMIT, &each);
    if (rc == 0 && type->window_off)
        rc = ss_config_first(config, below, SS_LAYERS_LIMIT, &from);
    for (uint32_t i = from; rc == 0 && i < model->layers; i++)
        if (each == 0 || (i + 1) % each != 0)
            model->kinds[i] |= SS_LAYER_WINDOW;
    return rc;
}

static void
forget_windows(struct ss_model *model)
{
    model->window = 0;
    for (uint32_t i = 0; i < model->layers; i++)
        model->kinds[i] &= (uint8_t)~SS_LAYER_WINDOW;
}

/* Chunked attention is taken as a window of the chunk's length: exact up to that length, the most that it can see
   beyond. A window that covers the longest context changes nothing. */
int
ss_config_windows(const struct ss_config *config, const struct ss_model_type *type, struct ss_model *model)
{
    static const char *const lengths[] = {"sliding_window", "attention_chunk_size", NULL};
    const json_t *names = ss_config_value(config->model, "layer_types");
    struct ss_stage whole;
    uint32_t used = !type->window_off;
    int rc = ss_config_flag(config, "use_sliding_window", &used);
    if (rc == 0)
        rc = ss_config_first(config, lengths, 1u << 30, &model->window);
    if (rc == 0 && names != NULL)
        rc = mark_named(config, names, model);
    else if (rc == 0)
        rc = mark_periodic(config, type, model);
    if (rc != 0)
        return rc;
    ss_model_stage(model, 1, 0, &whole);
    if (used && names != NULL && whole.window_layers > 0 && model->window == 0)
        return servsim_fail(config->err, EINVAL, "%s: layer_types has windows: write sliding_window, their length",
                            config->path);
    if (!used || model->window == 0 || model->window >= model->max_positions || whole.window_layers == 0)
        forget_windows(model);
    return 0;
}
