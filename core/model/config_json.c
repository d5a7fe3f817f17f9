/*
 * model/config_json.c - a Hugging Face config.json as a struct ss_model.
 *
 * Takes dense decoder models whose layers have the shape that model.c counts, and refuses everything that it would
 * otherwise price wrongly: experts, latent attention, sliding windows, quantised weights, other families.
 */
#include "model/model.h"

#include <ctype.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define FILE_LIMIT_BYTES ((size_t)4 << 20) /* a config.json is a few kB; some list thousands of labels */

/*
 * Values of model_type. Every one has the layer that model.c counts; a row says what the type fixes, or assumes where
 * the file is silent.
 */
struct model_type {
    const char *name;
    uint32_t bias;       /* SS_BIAS_*: biases that the type always has */
    uint32_t qk_norm;    /* norms on queries and keys */
    uint32_t tied;       /* tie_word_embeddings where it is not written */
    uint32_t window_off; /* sliding_window counts only where use_sliding_window is true */
};

static const struct model_type model_types[] = {
    {"llama", SS_BIAS_NONE, 0, 0, 0},   {"mistral", SS_BIAS_NONE, 0, 0, 0}, {"qwen2", SS_BIAS_QKV, 0, 0, 1},
    {"qwen3", SS_BIAS_NONE, 1, 0, 1},   {"phi3", SS_BIAS_NONE, 0, 0, 0},    {"gemma", SS_BIAS_NONE, 0, 1, 0},
    {"granite", SS_BIAS_NONE, 0, 0, 0},
};

#define TYPE_COUNT (sizeof model_types / sizeof model_types[0])

/* Whole numbers of the file. The bounds keep every product of model.c far inside 64 bits. */
struct key {
    const char *name;
    size_t offset;
    uint32_t maximum;
    uint32_t required;
};

static const struct key keys[] = {
    {"num_hidden_layers", offsetof(struct ss_model, layers), 1u << 12, 1},
    {"hidden_size", offsetof(struct ss_model, hidden), 1u << 18, 1},
    {"num_attention_heads", offsetof(struct ss_model, q_heads), 1u << 12, 1},
    {"num_key_value_heads", offsetof(struct ss_model, kv_heads), 1u << 12, 0},
    {"head_dim", offsetof(struct ss_model, head_dim), 1u << 12, 0},
    {"intermediate_size", offsetof(struct ss_model, ffn), 1u << 21, 1},
    {"vocab_size", offsetof(struct ss_model, vocab), 1u << 24, 1},
    {"max_position_embeddings", offsetof(struct ss_model, max_positions), 1u << 30, 1},
};

/* Keys whose presence means an architecture that is not there yet. */
static const struct {
    const char *key;
    const char *meaning;
} not_yet[] = {
    {"num_experts", "a mixture of experts"},          {"num_local_experts", "a mixture of experts"},
    {"n_routed_experts", "a mixture of experts"},     {"moe_num_experts", "a mixture of experts"},
    {"kv_lora_rank", "multi-head latent attention"},  {"quantization_config", "quantised weights"},
    {"text_config", "a model of several modalities"}, {"vision_config", "a model of several modalities"},
};

/* A key that is absent and one that is null mean the same in these files. */
static json_t *
value_of(const json_t *root, const char *key)
{
    json_t *value = json_object_get(root, key);
    return value == NULL || json_is_null(value) ? NULL : value;
}

/* The value as it stands in the file, for error texts: at most 40 printable characters. */
static void
show(char *out, size_t size, const json_t *value)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_ENSURE_ASCII);
    snprintf(out, size, "%.40s%s", text != NULL ? text : "?", text != NULL && strlen(text) > 40 ? "..." : "");
    free(text);
}

static int
read_key(struct ss_model *model, const json_t *root, const struct key *key, struct servsim_error *err)
{
    const json_t *value = value_of(root, key->name);
    if (value == NULL && key->required)
        return servsim_fail(err, EINVAL, "%s: no key '%s': write it as a whole number from 1 to %" PRIu32, model->path,
                            key->name, key->maximum);
    if (value == NULL)
        return 0;
    json_int_t number = json_is_integer(value) ? json_integer_value(value) : 0;
    if (number < 1 || number > (json_int_t)key->maximum) {
        char text[64];
        show(text, sizeof text, value);
        return servsim_fail(err, EINVAL, "%s: %s is %s: write a whole number from 1 to %" PRIu32, model->path,
                            key->name, text, key->maximum);
    }
    *(uint32_t *)(void *)((char *)model + key->offset) = (uint32_t)number;
    return 0;
}

/* Stores a flag, or leaves what is there where the key is absent. */
static int
read_flag(uint32_t *out, const struct ss_model *model, const json_t *root, const char *key, struct servsim_error *err)
{
    const json_t *value = value_of(root, key);
    if (value == NULL)
        return 0;
    if (!json_is_boolean(value)) {
        char text[64];
        show(text, sizeof text, value);
        return servsim_fail(err, EINVAL, "%s: %s is %s: write true or false", model->path, key, text);
    }
    *out = (uint32_t)json_is_true(value);
    return 0;
}

static int
refuse_unsupported(const struct ss_model *model, const json_t *root, struct servsim_error *err)
{
    for (size_t i = 0; i < sizeof not_yet / sizeof not_yet[0]; i++)
        if (value_of(root, not_yet[i].key) != NULL)
            return servsim_fail(err, ENOTSUP, "%s: %s means %s, which is not there yet: use a dense bf16 or fp16 model",
                                model->path, not_yet[i].key, not_yet[i].meaning);
    uint32_t mlp_bias = 0;
    if (read_flag(&mlp_bias, model, root, "mlp_bias", err) != 0)
        return -EINVAL;
    if (mlp_bias)
        return servsim_fail(err, ENOTSUP, "%s: mlp_bias is not there yet: write false to leave the biases out",
                            model->path);
    return 0;
}

static int
type_of(const struct model_type **out, const struct ss_model *model, const json_t *root, struct servsim_error *err)
{
    const json_t *value = value_of(root, "model_type");
    *out = &model_types[0];
    if (value == NULL)
        return 0;
    for (size_t i = 0; json_is_string(value) && i < TYPE_COUNT; i++)
        if (strcmp(json_string_value(value), model_types[i].name) == 0) {
            *out = &model_types[i];
            return 0;
        }
    char text[64], known[160] = "";
    show(text, sizeof text, value);
    for (size_t i = 0, at = 0; i < TYPE_COUNT; i++)
        at += (size_t)snprintf(known + at, sizeof known - at, "%s%s", i > 0 ? ", " : "", model_types[i].name);
    return servsim_fail(err, ENOTSUP,
                        "%s: model_type %s is not known (known: %s): write \"llama\" if its layers have "
                        "Llama's shape",
                        model->path, text, known);
}

/* A window that covers the longest context changes nothing; a shorter one changes prices and KV blocks. */
static int
refuse_windows(const struct ss_model *model, const json_t *root, const struct model_type *type,
               struct servsim_error *err)
{
    uint32_t used = !type->window_off;
    if (read_flag(&used, model, root, "use_sliding_window", err) != 0)
        return -EINVAL;
    const json_t *window = value_of(root, "sliding_window");
    if (used && window != NULL && !(json_is_integer(window) && json_integer_value(window) >= model->max_positions))
        return servsim_fail(err, ENOTSUP,
                            "%s: sliding_window is not there yet: write null to take the model with full attention",
                            model->path);
    size_t i;
    json_t *entry;
    json_array_foreach(
        value_of(root, "layer_types"), i,
        entry) if (!json_is_string(entry) ||
                   strcmp(json_string_value(entry), "full_attention") !=
                       0) return servsim_fail(err, ENOTSUP,
                                              "%s: layer_types has layers without full attention, which are not there "
                                              "yet: remove the key to take the model with full attention",
                                              model->path);
    return 0;
}

/* Files without a dtype are taken as bf16. float32 is refused: engines serve such models in a narrower type that they
   choose themselves, and a guess would halve or double every byte. */
static int
read_dtype(struct ss_model *model, const json_t *root, struct servsim_error *err)
{
    const json_t *value = value_of(root, "torch_dtype");
    const char *key = value != NULL ? "torch_dtype" : "dtype";
    if (value == NULL)
        value = value_of(root, "dtype");
    const char *name = value != NULL ? json_string_value(value) : "bfloat16";
    if (name != NULL && strcmp(name, "bfloat16") == 0)
        model->dtype = SERVSIM_DTYPE_BF16;
    else if (name != NULL && strcmp(name, "float16") == 0)
        model->dtype = SERVSIM_DTYPE_FP16;
    else {
        char text[64];
        show(text, sizeof text, value);
        return servsim_fail(err, EINVAL, "%s: %s is %s: write \"bfloat16\" or \"float16\", the type it is served in",
                            model->path, key, text);
    }
    return 0;
}

static int
settle_heads(struct ss_model *model, struct servsim_error *err)
{
    if (model->kv_heads == 0)
        model->kv_heads = model->q_heads;
    if (model->q_heads % model->kv_heads != 0)
        return servsim_fail(err, EINVAL,
                            "%s: num_key_value_heads is %" PRIu32 ": write a divisor of num_attention_heads, %" PRIu32,
                            model->path, model->kv_heads, model->q_heads);
    if (model->head_dim == 0 && model->hidden % model->q_heads != 0)
        return servsim_fail(err, EINVAL,
                            "%s: hidden_size %" PRIu32 " does not divide by %" PRIu32 " heads: write head_dim",
                            model->path, model->hidden, model->q_heads);
    if (model->head_dim == 0)
        model->head_dim = model->hidden / model->q_heads;
    return 0;
}

static int
read_bias(struct ss_model *model, const json_t *root, const struct model_type *type, struct servsim_error *err)
{
    uint32_t written = 0;
    if (read_flag(&written, model, root, "attention_bias", err) != 0)
        return -EINVAL;
    model->attention_bias = type->bias != SS_BIAS_NONE ? type->bias : written ? SS_BIAS_QKVO : SS_BIAS_NONE;
    return 0;
}

static int
fill(struct ss_model *model, const json_t *root, struct servsim_error *err)
{
    const struct model_type *type;
    if (!json_is_object(root))
        return servsim_fail(err, EINVAL, "%s: not a JSON object: give a Hugging Face config.json", model->path);
    int rc = refuse_unsupported(model, root, err);
    if (rc != 0 || (rc = type_of(&type, model, root, err)) != 0)
        return rc;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if ((rc = read_key(model, root, &keys[i], err)) != 0)
            return rc;
    model->qk_norm = type->qk_norm;
    model->tied_embeddings = type->tied;
    if ((rc = read_flag(&model->tied_embeddings, model, root, "tie_word_embeddings", err)) != 0 ||
        (rc = read_bias(model, root, type, err)) != 0 || (rc = settle_heads(model, err)) != 0 ||
        (rc = refuse_windows(model, root, type, err)) != 0)
        return rc;
    return read_dtype(model, root, err);
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
    return rc;
}
