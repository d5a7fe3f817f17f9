/*
 * profile/bundle.c - see bundle.h.
 */
#include "hardware/profile/bundle.h"

#include <ctype.h>
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hardware/profile/rows.h"

#define PATH_BYTES 4096
#define TOKENS_MAX (INT64_C(1) << 31) /* of contexts and batches in tables */

static const char *const layer_names[LAYERS] = {
    "embedding", "layernorm",      "qkv_proj",         "qk_norm",   "rotary_emb",
    "o_proj",    "gate_up_proj",   "act_fn",           "down_proj", "final_layernorm",
    "router",    "shared_gate_up", "shared_down_proj", "lm_head",   "sampler",
};

/* Layers whose work does not shrink with tensor parallel, unless meta.yaml names others. */
#define STABLE_LAYERS (1u << LAYER_NORM | 1u << LAYER_FINAL_NORM | 1u << LAYER_QK_NORM | 1u << LAYER_SAMPLER)

const char *
bundle_layer_name(uint32_t layer)
{
    return layer_names[layer];
}

static uint32_t
layer_of(const char *name)
{
    uint32_t layer = 0;
    while (layer < LAYERS && strcmp(layer_names[layer], name) != 0)
        layer++;
    return layer;
}

/* "<bundle>/tp<N>/<file>", or without the folder where tp is 0. */
static int32_t
path_of(const struct bundle *bundle, uint32_t tp, const char *file, char *out, struct servsim_error *err)
{
    char folder[24] = "";
    if (tp > 0)
        (void)snprintf(folder, sizeof folder, "/tp%u", (unsigned)tp);
    if (snprintf(out, PATH_BYTES, "%s%s%s%s", bundle->path, folder, file[0] != '\0' ? "/" : "", file) >= PATH_BYTES)
        return servsim_fail(err, ENAMETOOLONG, "%s: the path is too long", bundle->path);
    return 0;
}

static int
is_folder(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

/* ---- layers ---- */

struct layer_rows {
    struct bundle *bundle;
    uint32_t mask; /* of the layers to take: 1 << layer */
};

static int32_t
take_layer(void *context, const struct rows_field *fields, const struct rows_place *place, struct servsim_error *err)
{
    const struct layer_rows *rows = context;
    uint32_t layer = layer_of(fields[0].text);
    if (layer == LAYERS || (rows->mask & (1u << layer)) == 0)
        return 0;
    return curve_add(&rows->bundle->layers[layer], fields[1].count, fields[2].number, place->line, err);
}

static int32_t
read_layers(struct bundle *bundle, uint32_t tp, const char *file, const char *size, uint32_t mask,
            struct servsim_error *err)
{
    const struct rows_column columns[] = {{"layer", ROWS_TEXT}, {size, ROWS_COUNT}, {"time_us", ROWS_TIME}};
    struct layer_rows rows = {bundle, mask};
    char path[PATH_BYTES], what[96];
    int32_t rc = path_of(bundle, tp, file, path, err);
    if (rc == 0)
        rc = rows_read(path, columns, 3, take_layer, &rows, err);
    for (uint32_t layer = 0; layer < LAYERS && rc == 0; layer++) {
        (void)snprintf(what, sizeof what, "%s at %s", layer_names[layer], size);
        if ((mask & (1u << layer)) != 0)
            rc = curve_finish(&bundle->layers[layer], path, what, err);
    }
    return rc;
}

static int32_t
read_tables_of_layers(struct bundle *bundle, uint32_t tp, uint32_t mask, struct servsim_error *err)
{
    uint32_t sequence = ~((1u << FIRST_SEQUENCE_LAYER) - 1);
    int32_t rc = read_layers(bundle, tp, "dense.csv", "tokens", mask & ~sequence, err);
    return rc == 0 ? read_layers(bundle, tp, "per_sequence.csv", "sequences", mask & sequence, err) : rc;
}

/* The layers that meta.yaml names as measured once for every tp. */
static int32_t
stable_layers(const struct bundle *bundle, uint32_t *mask, struct servsim_error *err)
{
    struct meta_value list = meta_get(&bundle->meta, "tp_stable");
    *mask = STABLE_LAYERS;
    if (list.node == NULL)
        return 0;
    *mask = 0;
    for (uint32_t i = 0; i < meta_length(&list); i++) {
        const char *name = meta_entry(&bundle->meta, &list, i);
        uint32_t layer = name != NULL ? layer_of(name) : LAYERS;
        if (layer == LAYERS)
            return servsim_fail(err, EINVAL, "%s:%llu: tp_stable names '%.40s', which is no layer of a bundle",
                                bundle->meta.path, (unsigned long long)list.line, name != NULL ? name : "a list");
        *mask |= 1u << layer;
    }
    return 0;
}

static int32_t
read_dense(struct bundle *bundle, struct servsim_error *err)
{
    char first[PATH_BYTES];
    uint32_t all = (1u << LAYERS) - 1, stable;
    int32_t rc = stable_layers(bundle, &stable, err);
    if (rc == 0)
        rc = path_of(bundle, 1, "", first, err);
    if (rc != 0)
        return rc;
    if (bundle->tp == 1 || !is_folder(first))
        return read_tables_of_layers(bundle, bundle->tp, all, err);
    rc = read_tables_of_layers(bundle, bundle->tp, all & ~stable, err);
    return rc == 0 ? read_tables_of_layers(bundle, 1, stable, err) : rc;
}

/* ---- grids ---- */

static const struct rows_column attention_columns[] = {{"prefill_chunk", ROWS_COUNT},
                                                       {"kv_prefill", ROWS_COUNT},
                                                       {"n_decode", ROWS_COUNT},
                                                       {"kv_decode", ROWS_COUNT},
                                                       {"time_us", ROWS_TIME}};

static int32_t
take_attention(void *context, const struct rows_field *fields, const struct rows_place *place,
               struct servsim_error *err)
{
    const struct grid_row row = {.chunk = fields[0].count,
                                 .kv_prefill = fields[1].count,
                                 .decodes = fields[2].count,
                                 .kv_decode = fields[3].count,
                                 .us = fields[4].number,
                                 .line = place->line};
    for (uint32_t i = 0; i < 4; i++)
        if (fields[i].count > TOKENS_MAX)
            return servsim_fail(err, EINVAL, "%s:%llu: %s is %lld; write at most 2^31", place->path,
                                (unsigned long long)place->line, attention_columns[i].name, (long long)fields[i].count);
    if (row.chunk == 0 && row.decodes == 0)
        return servsim_fail(err, EINVAL, "%s:%llu: neither a prefill nor a decode; leave the row out", place->path,
                            (unsigned long long)place->line);
    return grid_add(context, &row, err);
}

static int32_t
read_attention(struct bundle *bundle, struct servsim_error *err)
{
    char path[PATH_BYTES];
    int32_t rc = path_of(bundle, bundle->tp, "attention.csv", path, err);
    if (rc == 0)
        rc = rows_read(path, attention_columns, 5, take_attention, &bundle->attention, err);
    if (rc == 0)
        rc = grid_finish(&bundle->attention, path, err);
    if (rc == 0 && !(grid_has_decodes(&bundle->attention) && grid_has_prefills(&bundle->attention)))
        return servsim_fail(err, EINVAL, "%s: no rows of %s; measure them", path,
                            grid_has_decodes(&bundle->attention) ? "prefills (prefill_chunk above 0)"
                                                                 : "decodes alone (prefill_chunk 0)");
    return rc;
}

static int32_t
take_moe(void *context, const struct rows_field *fields, const struct rows_place *place, struct servsim_error *err)
{
    const struct grid_row row = {
        .decodes = fields[0].count, .kv_decode = fields[1].count, .us = fields[2].number, .line = place->line};
    return grid_add(context, &row, err);
}

/* More than any L2 there is, and so many experts may have been found there by who measured them. */
#define LARGEST_L2_BYTES 256e6

/*
 * What reads the weights of so many experts from memory takes a constant and as much for each: on a straight line. A
 * time below the line through the next two is of experts that were still in the L2 from the repetition before, where a
 * step never finds them. `raised` is what the row of the next larger number of tokens gained at its first entry, for
 * rows that are too short to tell.
 */
static void
chill_row(struct curve_point *points, uint32_t count, double expert_bytes, double *raised)
{
    double before = points[0].us;
    for (uint32_t i = count > 2 ? count - 2 : 0; i-- > 0;) {
        struct curve_point *here = &points[i], *next = &points[i + 1];
        double slope = (points[i + 2].us - next->us) / (double)(points[i + 2].at - next->at);
        double line = next->us - slope * (double)(next->at - here->at);
        if ((double)here->at * expert_bytes <= LARGEST_L2_BYTES && line > here->us)
            here->us = line;
    }
    if (count > 2)
        *raised = points[0].us - before;
    else if ((double)points[0].at * expert_bytes <= LARGEST_L2_BYTES)
        points[0].us += *raised;
}

static void
chill(const struct grid *grid, const struct servsim_hardware_context *context)
{
    double expert_bytes = 3.0 * context->hidden * context->expert_ffn * (context->expert_dtype == 0 ? 0.0 : 2.0);
    double raised = 0.0;
    const struct grid_node *tokens = &grid->corners[grid->chunks[0].first];
    for (uint32_t i = grid->chunks[0].count; expert_bytes > 0.0 && i-- > 0;) {
        const struct grid_node *plane = &grid->planes[tokens[i].first];
        chill_row(&grid->points[plane->first], plane->count, expert_bytes, &raised);
    }
}

/* Experts shard over ep, not tp: where tp<N> has no table of its own, that of tp1 holds. */
static int32_t
read_moe(struct bundle *bundle, const struct servsim_hardware_context *context, struct servsim_error *err)
{
    static const struct rows_column columns[] = {
        {"tokens", ROWS_COUNT}, {"activated_experts", ROWS_COUNT}, {"time_us", ROWS_TIME}};
    char path[PATH_BYTES];
    int32_t rc = path_of(bundle, bundle->tp, "moe.csv", path, err);
    if (rc == 0 && access(path, F_OK) != 0)
        rc = path_of(bundle, 1, "moe.csv", path, err);
    if (rc == 0)
        rc = rows_read(path, columns, 3, take_moe, &bundle->moe, err);
    if (rc == 0)
        rc = grid_finish(&bundle->moe, path, err);
    if (rc == 0)
        chill(&bundle->moe, context);
    return rc;
}

/* ---- does it fit the experiment? ---- */

static int32_t
check_version(const struct bundle *bundle, struct servsim_error *err)
{
    double version = 1.0;
    int32_t rc = meta_number(&bundle->meta, "bundle_version", 1, 1e6, &version, err);
    if (rc == 0 && version > 1.0)
        return servsim_fail(err, ENOTSUP, "%s: bundle_version %g is newer than this servsim, which reads 1",
                            bundle->meta.path, version);
    return rc;
}

/* Letters and digits of the last part of a name, in lower case: "meta-llama/Llama-3.1-8B" -> "llama318b". */
static void
squeeze(const char *name, char *out, size_t size)
{
    const char *last = strrchr(name, '/');
    size_t length = 0;
    for (name = last != NULL ? last + 1 : name; *name != '\0' && length + 1 < size; name++)
        if (isalnum((unsigned char)*name))
            out[length++] = (char)tolower((unsigned char)*name);
    out[length] = '\0';
}

/* One name may go on where the other ends: "qwen3-30b-a3b" is "Qwen3-30B-A3B-Instruct-2507". */
static int32_t
check_model(const struct bundle *bundle, const struct servsim_hardware_context *context, struct servsim_error *err)
{
    char measured[128], asked[128];
    const char *name = meta_text(&bundle->meta, "model");
    if (name == NULL || context->model_name == NULL)
        return 0;
    squeeze(name, measured, sizeof measured);
    squeeze(context->model_name, asked, sizeof asked);
    size_t shorter = strlen(measured) < strlen(asked) ? strlen(measured) : strlen(asked);
    if (shorter > 0 && strncmp(measured, asked, shorter) == 0)
        return 0;
    return servsim_fail(err, EINVAL,
                        "%s was measured with %s, and the experiment's model is %s: name that model, or write "
                        "any_model: true where both have the same shape",
                        bundle->path, name, context->model_name);
}

struct shape_key {
    const char *key;
    uint32_t value;
};

/* model_shape of meta.yaml is optional, and exact where it is there. */
static int32_t
check_shape(const struct bundle *bundle, const struct servsim_hardware_context *context, struct servsim_error *err)
{
    const struct shape_key keys[] = {
        {"model_shape.hidden", context->hidden},     {"model_shape.q_heads", context->q_heads},
        {"model_shape.kv_heads", context->kv_heads}, {"model_shape.head_dim", context->head_dim},
        {"model_shape.ffn", context->ffn},           {"model_shape.vocab", context->vocab},
        {"model_shape.experts", context->experts},   {"model_shape.top_k", context->top_k},
    };
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        double measured = keys[i].value;
        int32_t rc = meta_number(&bundle->meta, keys[i].key, 0, 1e9, &measured, err);
        if (rc != 0)
            return rc;
        if (measured != (double)keys[i].value)
            return servsim_fail(err, EINVAL, "%s:%llu: %s is %.0f, and that of the experiment's model %s is %u",
                                bundle->meta.path, (unsigned long long)meta_get(&bundle->meta, keys[i].key).line,
                                keys[i].key, measured, context->model_name, (unsigned)keys[i].value);
    }
    return 0;
}

static const char *
dtype_name(uint32_t dtype)
{
    static const char *const names[] = {"?", "bf16", "fp16", "fp8", "int4", "mxfp4", "nvfp4"};
    return names[dtype < sizeof names / sizeof names[0] ? dtype : 0];
}

/* meta.yaml says dtype (or variant); else the folder's name does. "bf16-kvfp8" is bf16 with another KV cache. */
static int32_t
check_dtype(const struct bundle *bundle, const struct servsim_hardware_context *context, struct servsim_error *err)
{
    const char *folder = strrchr(bundle->path, '/');
    const char *measured = meta_text(&bundle->meta, "dtype");
    const char *kv = meta_text(&bundle->meta, "kv_dtype");
    const char *asked = dtype_name(context->weight_dtype != 0 ? context->weight_dtype : context->dtype);
    if (measured == NULL)
        measured = meta_text(&bundle->meta, "variant");
    if (measured == NULL)
        measured = folder != NULL ? folder + 1 : bundle->path;
    if (strcspn(measured, "-_") != strlen(asked) || strncmp(measured, asked, strlen(asked)) != 0)
        return servsim_fail(err, EINVAL,
                            "%s was measured in %s, and the experiment's model has weights in %s: name the bundle of "
                            "that type",
                            bundle->path, measured, asked);
    if (kv != NULL && context->kv_dtype != 0 && strcmp(kv, dtype_name(context->kv_dtype)) != 0)
        return servsim_fail(err, EINVAL,
                            "%s was measured with a KV cache in %s, and the experiment's is in %s: name the bundle of "
                            "that type",
                            bundle->path, kv, dtype_name(context->kv_dtype));
    return 0;
}

/* "1, 2 and 8": the tp<N> folders that are there, growing. */
static void
list_tps(const struct bundle *bundle, char *out, size_t size)
{
    char path[PATH_BYTES];
    struct servsim_error ignored = {.size = sizeof ignored};
    size_t used = 0;
    out[0] = '\0';
    for (uint32_t tp = 1; tp <= 1024; tp++) {
        if (path_of(bundle, tp, "", path, &ignored) == 0 && is_folder(path) && used < size)
            used += (size_t)snprintf(out + used, size - used, "%s%u", used > 0 ? ", " : "", (unsigned)tp);
    }
}

static int32_t
check_folder(const struct bundle *bundle, struct servsim_error *err)
{
    char path[PATH_BYTES], tps[128];
    int32_t rc = path_of(bundle, bundle->tp, "", path, err);
    if (rc != 0 || is_folder(path))
        return rc;
    list_tps(bundle, tps, sizeof tps);
    if (tps[0] == '\0')
        return servsim_fail(err, ENOENT,
                            "%s holds no tp<N> folder: path is that of <hardware>/<model>/<dtype>, where meta.yaml is",
                            bundle->path);
    return servsim_fail(err, ENOENT, "%s was measured with tp %s, not %u: write cluster: {tp: %.*s}, or measure tp%u",
                        bundle->path, tps, (unsigned)bundle->tp, (int)strcspn(tps, ","), tps, (unsigned)bundle->tp);
}

static int32_t
check_layers(const struct bundle *bundle, const struct servsim_hardware_context *context, struct servsim_error *err)
{
    uint32_t needed = 1u << LAYER_QKV | 1u << LAYER_ATTENTION_OUT | 1u << LAYER_LM_HEAD;
    if (context->layers > context->moe_layers)
        needed |= 1u << LAYER_GATE_UP | 1u << LAYER_DOWN;
    if (context->qk_norm)
        needed |= 1u << LAYER_QK_NORM;
    if (context->shared_ffn_per_gpu > 0)
        needed |= 1u << LAYER_SHARED_GATE_UP | 1u << LAYER_SHARED_DOWN;
    for (uint32_t layer = 0; layer < LAYERS; layer++)
        if ((needed & (1u << layer)) != 0 && bundle->layers[layer].count == 0)
            return servsim_fail(err, EINVAL, "%s/tp%u/%s.csv: no rows of %s, which %s needs", bundle->path,
                                (unsigned)bundle->tp, layer >= FIRST_SEQUENCE_LAYER ? "per_sequence" : "dense",
                                layer_names[layer], context->model_name != NULL ? context->model_name : "the model");
    if (context->latent_rank > 0)
        return servsim_fail(err, ENOTSUP,
                            "a bundle has no tables for latent attention, which %s has: name a device "
                            "such as h100",
                            context->model_name);
    return 0;
}

/* ---- all of it ---- */

static int32_t
read_all(struct bundle *bundle, const struct servsim_hardware_context *context, int any_model,
         struct servsim_error *err)
{
    char path[PATH_BYTES];
    int32_t rc = path_of(bundle, 0, "meta.yaml", path, err);
    if (rc == 0)
        rc = meta_read(&bundle->meta, path, err);
    if (rc == 0)
        rc = check_version(bundle, err);
    if (rc == 0 && !any_model)
        rc = check_model(bundle, context, err);
    if (rc == 0)
        rc = check_shape(bundle, context, err);
    if (rc == 0)
        rc = check_dtype(bundle, context, err);
    if (rc == 0)
        rc = check_folder(bundle, err);
    if (rc == 0)
        rc = read_dense(bundle, err);
    if (rc == 0)
        rc = check_layers(bundle, context, err);
    if (rc == 0)
        rc = read_attention(bundle, err);
    if (rc == 0)
        rc = path_of(bundle, bundle->tp, "skew_fit.csv", path, err);
    if (rc == 0)
        rc = skew_read(&bundle->skew, &bundle->meta, bundle->tp, path, err);
    if (rc == 0)
        rc = path_of(bundle, 0, "collective.csv", path, err);
    if (rc == 0 && access(path, F_OK) == 0)
        rc = messages_read(&bundle->messages, path, err);
    return rc == 0 && context->moe_layers > 0 ? read_moe(bundle, context, err) : rc;
}

int32_t
bundle_read(struct bundle *bundle, const char *path, const struct servsim_hardware_context *context, int any_model,
            struct servsim_error *err)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    bundle->tp = context->tp;
    bundle->path = strndup(path, length);
    if (bundle->path == NULL)
        return servsim_fail(err, ENOMEM, "out of memory");
    if (!is_folder(bundle->path))
        return servsim_fail(err, ENOTDIR, "%s is no folder: name the bundle's, where meta.yaml is", bundle->path);
    return read_all(bundle, context, any_model, err);
}

void
bundle_free(struct bundle *bundle)
{
    for (uint32_t layer = 0; layer < LAYERS; layer++)
        curve_free(&bundle->layers[layer]);
    grid_free(&bundle->attention);
    grid_free(&bundle->moe);
    messages_free(&bundle->messages);
    skew_free(&bundle->skew);
    meta_free(&bundle->meta);
    free(bundle->path);
    bundle->path = NULL;
}
