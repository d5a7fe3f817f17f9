/*
 * model/config_json.c - a Hugging Face config.json as a struct ss_model.
 *
 * Takes decoder models whose layers have the shapes that model.c counts, and refuses other families, which it would
 * price wrongly. Of models of several modalities it takes the language model.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "model/config_keys.h"

#define FILE_LIMIT_BYTES ((size_t)4 << 20) /* a config.json is a few kB; some list thousands of labels */

/* Values of model_type. Every one has layers that model.c counts. */
static const struct ss_model_type model_types[] = {
    {.name = "llama"},
    {.name = "mistral"},
    {.name = "qwen2", .bias = SS_BIAS_QKV, .window_off = 1},
    {.name = "qwen3", .qk_norm = 1, .window_off = 1},
    {.name = "phi3"},
    {.name = "gemma", .tied = 1},
    {.name = "gemma2", .tied = 1, .norms = 4, .window_each = 2},
    {.name = "gemma3_text", .tied = 1, .norms = 4, .qk_norm = 1, .window_each = 6},
    {.name = "granite"},
    {.name = "mixtral"},
    {.name = "qwen2_moe", .bias = SS_BIAS_QKV, .window_off = 1, .shared_gate = 1},
    {.name = "qwen3_moe", .qk_norm = 1, .window_off = 1},
    {.name = "llama4_text", .window_each = 4, .shared_always = 1},
    {.name = "deepseek_v2"},
    {.name = "deepseek_v3", .router_bias = 1},
    {.name = "opt", .bias = SS_BIAS_QKVO, .tied = 1, .learned = 3},
    {.name = "gpt2", .bias = SS_BIAS_QKVO, .tied = 1, .ffn_times = 4, .learned = 1},
    {.name = "gpt_oss", .bias = SS_BIAS_QKVO, .window_each = 2, .router_bias = 1, .sinks = 1},
};

#define TYPE_COUNT (sizeof model_types / sizeof model_types[0])

/* Whole numbers of the file. The bounds keep every product of model.c far inside 64 bits. */
static const struct {
    const char *name;
    size_t offset;
    uint32_t maximum;
    uint32_t required;
} keys[] = {
    {"num_hidden_layers", offsetof(struct ss_model, layers), SS_LAYERS_LIMIT, 1},
    {"hidden_size", offsetof(struct ss_model, hidden), 1u << 18, 1},
    {"num_attention_heads", offsetof(struct ss_model, q_heads), 1u << 12, 1},
    {"num_key_value_heads", offsetof(struct ss_model, kv_heads), 1u << 12, 0},
    {"head_dim", offsetof(struct ss_model, head_dim), 1u << 12, 0},
    {"intermediate_size", offsetof(struct ss_model, ffn), 1u << 21, 1},
    {"vocab_size", offsetof(struct ss_model, vocab), 1u << 24, 1},
    {"max_position_embeddings", offsetof(struct ss_model, max_positions), 1u << 30, 1},
};

#define KEY_COUNT (sizeof keys / sizeof keys[0])

/* Types that call them otherwise. */
static const struct {
    const char *type, *name, *theirs;
} renamed[] = {
    {"opt", "intermediate_size", "ffn_dim"},  {"gpt2", "num_hidden_layers", "n_layer"},
    {"gpt2", "hidden_size", "n_embd"},        {"gpt2", "num_attention_heads", "n_head"},
    {"gpt2", "intermediate_size", "n_inner"}, {"gpt2", "max_position_embeddings", "n_positions"},
};

/* What files of a type leave out, because its software knows it. */
static const struct {
    const char *type;
    size_t offset;
    uint32_t value;
} presets[] = {
    {"gemma3_text", offsetof(struct ss_model, q_heads), 8},
    {"gemma3_text", offsetof(struct ss_model, kv_heads), 4},
    {"gemma3_text", offsetof(struct ss_model, head_dim), 256},
    {"gemma3_text", offsetof(struct ss_model, vocab), 262208},
    {"gemma3_text", offsetof(struct ss_model, max_positions), 131072},
    {"gemma2", offsetof(struct ss_model, head_dim), 256},
};

static uint32_t *
member_of(struct ss_model *model, size_t offset)
{
    return (uint32_t *)(void *)((char *)model + offset);
}

static int
fail_type(const struct ss_config *config, const json_t *value)
{
    char text[64], known[256] = "";
    ss_config_show(text, sizeof text, value);
    for (size_t i = 0, at = 0; i < TYPE_COUNT; i++)
        at += (size_t)snprintf(known + at, sizeof known - at, "%s%s", i > 0 ? ", " : "", model_types[i].name);
    return servsim_fail(config->err, ENOTSUP,
                        "%s: model_type %s is not known (known: %s): write \"llama\" if its layers have "
                        "Llama's shape",
                        config->path, text, known);
}

/* The type of a model of several modalities may stand for its language model: gemma3 for gemma3_text. */
static int
type_of(const struct ss_config *config, const struct ss_model_type **out)
{
    const json_t *value = ss_config_value(config->model, "model_type");
    if (value == NULL)
        value = ss_config_value(config->root, "model_type");
    *out = &model_types[0];
    if (value == NULL)
        return 0;
    for (size_t i = 0; json_is_string(value) && i < TYPE_COUNT; i++) {
        size_t length = strlen(json_string_value(value));
        int same = strncmp(json_string_value(value), model_types[i].name, length) == 0;
        const char *rest = same ? model_types[i].name + length : "";
        if (same && (rest[0] == '\0' || (config->model != config->root && strcmp(rest, "_text") == 0))) {
            *out = &model_types[i];
            return 0;
        }
    }
    return fail_type(config, value);
}

static const char *
name_in(const struct ss_model_type *type, const char *name)
{
    for (size_t i = 0; i < sizeof renamed / sizeof renamed[0]; i++)
        if (strcmp(renamed[i].type, type->name) == 0 && strcmp(renamed[i].name, name) == 0)
            return renamed[i].theirs;
    return name;
}

/* Layers as GPT has them. Some OPT models have narrower tables, and matrices between those and the layers. */
static int
read_learned(const struct ss_config *config, const struct ss_model_type *type, struct ss_model *model)
{
    uint32_t table_width = model->hidden;
    if (type->learned == 0)
        return 0;
    model->ungated = model->norm_bias = model->mlp_bias = 1;
    model->position_rows = model->max_positions + type->learned - 1;
    int rc = ss_config_count(config, "word_embed_proj_dim", 1u << 18, 0, &table_width);
    if (rc == 0 && table_width != model->hidden)
        return servsim_fail(config->err, ENOTSUP,
                            "%s: word_embed_proj_dim is %" PRIu32 ": only hidden_size, %" PRIu32
                            ", is known: take a model whose embedding is as wide as its layers",
                            config->path, table_width, model->hidden);
    return rc;
}

static int
read_keys(const struct ss_config *config, const struct ss_model_type *type, struct ss_model *model)
{
    int rc = 0;
    for (size_t i = 0; i < sizeof presets / sizeof presets[0]; i++)
        if (strcmp(presets[i].type, type->name) == 0)
            *member_of(model, presets[i].offset) = presets[i].value;
    for (size_t i = 0; rc == 0 && i < KEY_COUNT; i++) {
        uint32_t *member = member_of(model, keys[i].offset);
        if (member == &model->ffn)
            *member = type->ffn_times * model->hidden; /* which the list has before */
        rc = ss_config_count(config, name_in(type, keys[i].name), keys[i].maximum, keys[i].required && *member == 0,
                             member);
    }
    return rc;
}

/* Files without a dtype are taken as bf16. float32 is refused: engines serve such models in a narrower type that they
   choose themselves, and a guess would halve or double every byte. */
static int
read_dtype(const struct ss_config *config, struct ss_model *model)
{
    static const char *const names[] = {"torch_dtype", "dtype"};
    const json_t *parts[] = {config->model, config->root};
    const json_t *value = NULL;
    const char *key = names[0];
    for (size_t i = 0; value == NULL && i < 4; i++) {
        key = names[i % 2];
        value = ss_config_value(parts[i / 2], key);
    }
    const char *name = value != NULL ? json_string_value(value) : "bfloat16";
    if (name != NULL && strcmp(name, "bfloat16") == 0)
        model->dtype = SERVSIM_DTYPE_BF16;
    else if (name != NULL && strcmp(name, "float16") == 0)
        model->dtype = SERVSIM_DTYPE_FP16;
    else
        return ss_config_fail(config, key, value, "\"bfloat16\" or \"float16\", the type it is served in");
    return 0;
}

static int
settle_heads(const struct ss_config *config, struct ss_model *model)
{
    if (model->kv_heads == 0)
        model->kv_heads = model->q_heads;
    if (model->q_heads % model->kv_heads != 0)
        return servsim_fail(config->err, EINVAL,
                            "%s: num_key_value_heads is %" PRIu32 ": write a divisor of num_attention_heads, %" PRIu32,
                            config->path, model->kv_heads, model->q_heads);
    if (model->head_dim == 0 && model->hidden % model->q_heads != 0)
        return servsim_fail(config->err, EINVAL,
                            "%s: hidden_size %" PRIu32 " does not divide by %" PRIu32 " heads: write head_dim",
                            config->path, model->hidden, model->q_heads);
    if (model->head_dim == 0)
        model->head_dim = model->hidden / model->q_heads;
    return 0;
}

/* Latent attention has kv_lora_rank. Its heads are as wide as two parts of a key: with and without position. */
static int
read_latents(const struct ss_config *config, struct ss_model *model)
{
    uint32_t without = 0;
    int rc = ss_config_count(config, "kv_lora_rank", 1u << 14, 0, &model->latent_rank);
    if (rc != 0 || model->latent_rank == 0)
        return rc;
    if ((rc = ss_config_count(config, "q_lora_rank", 1u << 14, 0, &model->query_rank)) != 0 ||
        (rc = ss_config_count(config, "qk_rope_head_dim", 1u << 11, 1, &model->rope_dim)) != 0 ||
        (rc = ss_config_count(config, "qk_nope_head_dim", 1u << 11, 1, &without)) != 0 ||
        (rc = ss_config_count(config, "v_head_dim", 1u << 12, 1, &model->v_head_dim)) != 0)
        return rc;
    model->head_dim = model->rope_dim + without;
    model->kv_heads = model->q_heads;
    return 0;
}

static int
read_attention(const struct ss_config *config, const struct ss_model_type *type, struct ss_model *model)
{
    uint32_t written = 0;
    int rc = ss_config_flag(config, "attention_bias", &written);
    model->attention_bias = type->bias != SS_BIAS_NONE ? type->bias : written ? SS_BIAS_QKVO : SS_BIAS_NONE;
    model->qk_norm = type->qk_norm;
    model->sinks = type->sinks;
    if (rc == 0)
        rc = read_latents(config, model);
    return rc == 0 ? settle_heads(config, model) : rc;
}

/* tie_word_embeddings may stand in either part of a model of several modalities. */
static int
read_tables(const struct ss_config *config, const struct ss_model_type *type, struct ss_model *model)
{
    struct ss_config outer = *config;
    outer.model = config->root;
    model->tied_embeddings = type->tied;
    int rc = ss_config_flag(&outer, "tie_word_embeddings", &model->tied_embeddings);
    return rc == 0 ? ss_config_flag(config, "tie_word_embeddings", &model->tied_embeddings) : rc;
}

/*
 * What requests sample with unless they say otherwise stands in a generation_config.json of its own, and in config.json
 * for software that knows no other place. Where nothing is said a filter is assumed, as most models that chat have one.
 */
static int
read_sampling(const struct ss_config *config, struct ss_model *model)
{
    const json_t *top_p = ss_config_value(config->root, "top_p"), *top_k = ss_config_value(config->root, "top_k");
    double share = top_p != NULL ? json_number_value(top_p) : 0.0;
    if (top_p != NULL && !(share > 0.0 && share <= 1.0))
        return ss_config_fail(config, "top_p", top_p, "a number above 0 and at most 1");
    if (top_k != NULL && !json_is_integer(top_k))
        return ss_config_fail(config, "top_k", top_k, "a whole number; 0: all tokens");
    model->plain_sampling = share == 1.0 && (top_k == NULL || json_integer_value(top_k) <= 0);
    return 0;
}

static int
fill(struct ss_model *model, const json_t *root, struct servsim_error *err)
{
    const struct ss_model_type *type;
    struct ss_config config = {.path = model->path, .root = root, .model = root, .err = err};
    if (!json_is_object(root))
        return servsim_fail(err, EINVAL, "%s: not a JSON object: give a Hugging Face config.json", model->path);
    if (json_is_object(ss_config_value(root, "text_config")))
        config.model = ss_config_value(root, "text_config");
    int rc = type_of(&config, &type);
    if (rc == 0)
        rc = read_keys(&config, type, model);
    if (rc != 0)
        return rc;
    model->norms = type->norms;
    if ((rc = read_tables(&config, type, model)) != 0 || (rc = read_attention(&config, type, model)) != 0 ||
        (rc = ss_config_flag(&config, "mlp_bias", &model->mlp_bias)) != 0 ||
        (rc = read_learned(&config, type, model)) != 0 || (rc = ss_config_experts(&config, type, model)) != 0 ||
        (rc = ss_config_windows(&config, type, model)) != 0 || (rc = read_dtype(&config, model)) != 0 ||
        (rc = read_sampling(&config, model)) != 0)
        return rc;
    return ss_config_quantisation(&config, model);
}

/* jansson quotes the file in its texts: keep them to one printable line. */
static int
fail_syntax(const char *path, json_error_t *what, struct servsim_error *err)
{
    for (char *c = what->text; *c != '\0'; c++)
        if (!isprint((unsigned char)*c))
            *c = '?';
    return servsim_fail(err, EINVAL, "%s:%d: not JSON (%s): give a Hugging Face config.json", path,
                        what->line > 0 ? what->line : 1, what->text);
}

/* The part of a path that names a model: "dir/llama-2-7b.json" gives llama-2-7b, "dir/Llama-2-7b-hf/config.json" gives
   Llama-2-7b-hf. */
static size_t
naming_part(const char *path, const char **start)
{
    const char *slash = strrchr(path, '/');
    const char *end = path + strlen(path);
    *start = slash != NULL ? slash + 1 : path;
    if (slash == NULL || slash == path || strcmp(*start, "config.json") != 0)
        return (size_t)(end - *start) - (end - *start > 5 && strcmp(end - 5, ".json") == 0 ? 5 : 0);
    for (*start = slash; *start > path && (*start)[-1] != '/';)
        (*start)--;
    return (size_t)(slash - *start);
}

/* "./config.json" and the like name nothing: there the real path is asked. */
static void
name_from_path(struct ss_model *model)
{
    const char *start;
    size_t length = naming_part(model->path, &start);
    int says_nothing = strspn(start, ".") >= length || strcmp(start, "config.json") == 0;
    char *real = says_nothing ? realpath(model->path, NULL) : NULL;
    if (real != NULL)
        length = naming_part(real, &start);
    snprintf(model->name, sizeof model->name, "%.*s", (int)length, start);
    free(real);
}

int
ss_model_read(struct ss_model *out, const char *path, struct servsim_error *err)
{
    memset(out, 0, sizeof *out);
    if (strlen(path) >= sizeof out->path)
        return servsim_fail(err, ENAMETOOLONG, "the path of the model is longer than %zu bytes: give a shorter one",
                            sizeof out->path - 1);
    memcpy(out->path, path, strlen(path) + 1);
    name_from_path(out);
    char *text;
    size_t length;
    int rc = ss_file_read(path, FILE_LIMIT_BYTES, &text, &length, err);
    if (rc != 0)
        return rc;
    json_error_t what;
    json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &what);
    free(text);
    if (root == NULL)
        return fail_syntax(path, &what, err);
    rc = fill(out, root, err);
    json_decref(root);
    if (rc != 0)
        ss_make_printable(err->text); /* it may quote the file */
    return rc;
}
