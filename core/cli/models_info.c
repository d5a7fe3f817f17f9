/*
 * cli/models_info.c - servsim models info: one model in figures.
 */
#include <string.h>

#include "cli/models.h"

/* ---- what is said ---- */

/* Layers by kind: SS_LAYER_* as an index. */
static void
count_kinds(const struct ss_model *model, uint32_t counts[4])
{
    memset(counts, 0, 4 * sizeof counts[0]);
    for (uint32_t i = 0; i < model->layers && i < SS_LAYERS_LIMIT; i++)
        counts[model->kinds[i] & 3u]++;
}

/* Two for each parameter that a token meets in the layers, and two for each of the LM head. */
static uint64_t
flops_per_token(const struct ss_model *model)
{
    struct ss_stage whole;
    ss_model_stage(model, 1, 0, &whole);
    return 2 * (ss_model_stage_active(model, &whole) + (uint64_t)model->vocab * model->hidden);
}

/* For each token that attention sees, in all layers without a window. */
static uint64_t
flops_per_context_token(const struct ss_model *model, int windowed)
{
    struct ss_stage whole;
    ss_model_stage(model, 1, 0, &whole);
    uint64_t layers = windowed ? whole.window_layers : whole.layers - whole.window_layers;
    return 2 * layers * model->q_heads * ((uint64_t)model->head_dim + ss_model_value_dim(model));
}

/* ---- as JSON ---- */

static json_t *
whole(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *
layers_json(const struct ss_model *model)
{
    uint32_t counts[4];
    count_kinds(model, counts);
    return json_pack("{s:i, s:i, s:i, s:i}", "dense", (int)counts[0], "experts", (int)counts[SS_LAYER_EXPERTS],
                     "dense_windowed", (int)counts[SS_LAYER_WINDOW], "experts_windowed",
                     (int)counts[SS_LAYER_EXPERTS | SS_LAYER_WINDOW]);
}

json_t *
ss_model_json(const char *name, const struct ss_model *model)
{
    const struct {
        const char *key;
        uint64_t value;
    } figures[] = {
        {"parameters", ss_model_parameters(model)},
        {"active_parameters", ss_model_active_parameters(model)},
        {"layers", model->layers},
        {"hidden", model->hidden},
        {"q_heads", model->q_heads},
        {"kv_heads", model->kv_heads},
        {"head_dim", model->head_dim},
        {"v_head_dim", ss_model_value_dim(model)},
        {"latent_rank", model->latent_rank},
        {"rope_dim", model->rope_dim},
        {"query_rank", model->query_rank},
        {"ffn", model->ffn},
        {"mlp_matrices", ss_model_mlp_matrices(model)},
        {"experts", model->experts},
        {"top_k", model->top_k},
        {"expert_ffn", model->expert_ffn},
        {"shared_ffn", model->shared_ffn},
        {"window", model->window},
        {"vocab", model->vocab},
        {"max_positions", model->max_positions},
        {"weight_bytes", ss_model_weight_bytes(model)},
        {"kv_bytes_per_token", ss_model_kv_bytes_per_token_per_gpu(model, 1)},
        {"flops_per_token", flops_per_token(model)},
        {"flops_per_context_token", flops_per_context_token(model, 0)},
        {"flops_per_window_token", flops_per_context_token(model, 1)},
    };
    json_t *object =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "name", name, "path", model->path, "attention_dtype",
                  ss_dtype_name(ss_model_attention_dtype(model)), "dtype", ss_dtype_name(model->dtype), "weight_dtype",
                  ss_dtype_name(ss_model_weight_dtype(model)), "expert_dtype",
                  ss_dtype_name(ss_model_expert_dtype(model)), "gemm_dtype", ss_dtype_name(ss_model_gemm_dtype(model)),
                  "kv_dtype", ss_dtype_name(ss_model_kv_dtype(model)), "layers_by_kind", layers_json(model));
    for (size_t i = 0; object != NULL && i < sizeof figures / sizeof figures[0]; i++)
        (void)json_object_set_new(object, figures[i].key, whole(figures[i].value));
    return object;
}

/* ---- as text ---- */

static void
print_layers(const struct ss_model *model)
{
    static const char *const names[4] = {"dense", "with experts", "dense, with a window", "with experts and a window"};
    uint32_t counts[4];
    const char *before = "";
    count_kinds(model, counts);
    (void)printf("layers       %u:", model->layers);
    for (size_t i = 0; i < 4; i++) {
        if (counts[i] == 0)
            continue;
        (void)printf("%s %u %s", before, counts[i], names[i]);
        before = ",";
    }
    if (model->window > 0)
        (void)printf(" (%u tokens)", model->window);
    (void)puts("");
}

static void
print_shapes(const struct ss_model *model)
{
    (void)printf("hidden       %u; %u query heads of %u", model->hidden, model->q_heads, model->head_dim);
    if (model->latent_rank > 0)
        (void)printf("; latents of %u + %u, values of %u\n", model->latent_rank, model->rope_dim,
                     ss_model_value_dim(model));
    else
        (void)printf("; %u KV heads\n", model->kv_heads);
    if (model->ffn > 0)
        (void)printf("dense MLP    %u wide%s\n", model->ffn, model->ungated ? ", without a gate" : "");
    if (model->experts > 0)
        (void)printf("experts      %u, %u a token, each %u wide\n", model->experts, model->top_k, model->expert_ffn);
    if (model->shared_ffn > 0)
        (void)printf("shared       %u wide\n", model->shared_ffn);
}

static void
print_flops(const struct ss_model *model)
{
    (void)printf("FLOPs        %.3f x 10^9 a token, and %.3f x 10^6 for each token that it sees",
                 (double)flops_per_token(model) / 1e9, (double)flops_per_context_token(model, 0) / 1e6);
    if (model->window > 0)
        (void)printf(", %.3f x 10^6 for each in the window", (double)flops_per_context_token(model, 1) / 1e6);
    (void)puts("");
}

static void
print_text(const struct ss_model *model)
{
    (void)printf("%s\n%s\n\n", model->name, model->path);
    (void)printf("parameters   %llu", (unsigned long long)ss_model_parameters(model));
    if (model->experts > 0)
        (void)printf(", %llu of them for a token", (unsigned long long)ss_model_active_parameters(model));
    (void)puts("");
    (void)printf("weights      %.3f GB: attention %s, ", (double)ss_model_weight_bytes(model) / 1e9,
                 ss_dtype_name(ss_model_attention_dtype(model)));
    if (model->ffn > 0 || model->shared_ffn > 0)
        (void)printf("%s %s, ", model->ffn > 0 ? "dense layers" : "shared experts",
                     ss_dtype_name(ss_model_weight_dtype(model)));
    if (model->experts > 0)
        (void)printf("experts %s, ", ss_dtype_name(ss_model_expert_dtype(model)));
    (void)printf("tables %s; multiplied in %s\n", ss_dtype_name(model->dtype),
                 ss_dtype_name(ss_model_gemm_dtype(model)));
    (void)printf("KV cache     %llu bytes a token (%s)\n",
                 (unsigned long long)ss_model_kv_bytes_per_token_per_gpu(model, 1),
                 ss_dtype_name(ss_model_kv_dtype(model)));
    print_flops(model);
    print_layers(model);
    print_shapes(model);
    (void)printf("vocabulary   %u%s\n", model->vocab, model->tied_embeddings ? ", one table for both ends" : "");
    (void)printf("context      %u tokens\n", model->max_positions);
}

/* ---- the command ---- */

struct wish {
    const char *name;
    uint32_t weights, kv;
    int json;
};

static int
read_type(uint32_t *out, const char *flag, const char *text, const char *const *known)
{
    for (; text != NULL && *known != NULL; known++)
        if (strcmp(*known, text) == 0) {
            *out = ss_dtype_of(text);
            return SS_EXIT_DONE;
        }
    return ss_complain_text("models info: %s '%.32s' is no type; see servsim models --help", flag,
                            text != NULL ? text : "");
}

static int
read_wish(struct wish *wish, int argc, char **argv)
{
    static const char *const weights[] = {"bf16", "fp16", "fp8", "int4", "mxfp4", "nvfp4", NULL};
    static const char *const kv[] = {"bf16", "fp16", "fp8", NULL};
    int status = SS_EXIT_DONE;
    for (int i = 1; status == SS_EXIT_DONE && i < argc; i++) {
        const char *next = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "--json") == 0)
            wish->json = 1;
        else if (strcmp(argv[i], "--weights") == 0)
            status = read_type(&wish->weights, argv[i++], next, weights);
        else if (strcmp(argv[i], "--kv") == 0)
            status = read_type(&wish->kv, argv[i++], next, kv);
        else if (wish->name == NULL && argv[i][0] != '-')
            wish->name = argv[i];
        else
            return ss_complain_text("models info: '%.64s' is not understood; see servsim models --help", argv[i]);
    }
    if (status == SS_EXIT_DONE && wish->name == NULL)
        return ss_complain_text("models info: which model? see servsim models --help");
    return status;
}

static int
print_json(const struct ss_model *model)
{
    json_t *object = ss_model_json(model->name, model);
    char *text = object != NULL ? json_dumps(object, JSON_INDENT(2)) : NULL;
    json_decref(object);
    if (text == NULL)
        return ss_complain_text("%s: its name or path is no UTF-8", model->name);
    (void)puts(text);
    free(text);
    return SS_EXIT_DONE;
}

int
ss_models_info(int argc, char **argv, const struct ss_lookup *lookup)
{
    struct servsim_error err = {.size = sizeof err};
    struct wish wish = {NULL, 0, 0, 0};
    struct ss_model model;
    int status = read_wish(&wish, argc, argv);
    if (status != SS_EXIT_DONE)
        return status;
    if (ss_model_find(&model, wish.name, ".", lookup->models_dir, &err) != 0)
        return ss_complain(&err);
    if (wish.weights != 0)
        ss_model_set_weights(&model, wish.weights);
    model.kv_dtype = wish.kv;
    if (wish.json)
        return print_json(&model);
    print_text(&model);
    return SS_EXIT_DONE;
}
