/*
 * experiment/engine.c - an engine's own time, by name or by numbers.
 */
#include <stddef.h>
#include <strings.h>

#include "base/text.h"
#include "experiment/build.h"
#include "experiment/keys.h"
#include "plugin/units.h"

#define US INT64_C(1000000)

/*
 * What is known of engines; doc/fidelity.md tells how each figure was found and how far it carries.
 *
 * vllm-0.15: fitted to 29 stages of vLLM 0.15.1 (dense models, H100 and A100), with the kernels of these devices as
 * they are; the small ones of a layer take what they were measured to take on an RTX PRO 6000. vllm-0.19: from one run
 * on that, with a measured bundle, whose sampler takes 4 bytes a logit. eager: from the log of an RTX A6000 without
 * CUDA graphs, one and two GPUs; arrival and sampling as in vllm-0.15.
 *
 * plain_sampling is counted, not fitted: logits to 32 bits (6 bytes), divided by the temperature (8), made
 * probabilities (12), noise drawn (4), probabilities divided by it (12), the largest found (4).
 */
static const struct ss_overhead known[] = {
    {.name = "vllm-0.15",
     .step_ps = 430 * US,
     .layer_ps = 10 * US,
     .wake_ps = 3500 * US,
     .arrival_ps = 6750 * US,
     .sampling_bytes = 520,
     .plain_sampling_bytes = 46,
     .refresh_ps = 100000 * US,
     .asynchronous = 1,
     .graph_padding = 1},
    {.name = "vllm-0.19",
     .step_ps = 320 * US,
     .layer_ps = 10 * US,
     .prefill_layer_ps = 25 * US,
     .arrival_ps = 1100 * US,
     .sampling_bytes = 4,
     .plain_sampling_bytes = 4,
     .refresh_ps = 100000 * US,
     .asynchronous = 1,
     .graph_padding = 1},
    {.name = "eager",
     .step_ps = 750 * US,
     .layer_ps = 31 * US,
     .arrival_ps = 6750 * US,
     .sampling_bytes = 520,
     .plain_sampling_bytes = 46,
     .refresh_ps = 100000 * US},
    {.name = "ideal"},
};

#define KNOWN_COUNT (sizeof known / sizeof known[0])

static const struct ss_overhead *
known_of(const char *name)
{
    for (size_t i = 0; i < KNOWN_COUNT; i++)
        if (strcasecmp(known[i].name, name) == 0)
            return &known[i];
    return NULL;
}

const char *
ss_overhead_name(size_t index)
{
    return index < KNOWN_COUNT ? known[index].name : NULL;
}

static int
fail_unknown(const struct ss_build *build, const struct ss_node *place, const char *name)
{
    const char *names[KNOWN_COUNT];
    for (size_t i = 0; i < KNOWN_COUNT; i++)
        names[i] = known[i].name;
    const char *nearest = ss_nearest(name, names, KNOWN_COUNT);
    return ss_node_fail(place, build->err, EINVAL,
                        "unknown engine '%.63s'; %s%s%swrite vllm-0.15, vllm-0.19, eager, ideal, or {name: %.63s, "
                        "step: 0.75ms, layer: 12.5us}",
                        name, nearest != NULL ? "did you mean '" : "", nearest != NULL ? nearest : "",
                        nearest != NULL ? "'? " : "", name);
}

#define IS_TIME 0u
#define IS_COUNT 1u
#define IS_FLAG 2u

/* What an engine says of itself, by the key in the experiment. */
static const struct field {
    const char *key;
    size_t at; /* of an int64_t */
    uint32_t form;
} fields[] = {
    {"step", offsetof(struct ss_overhead, step_ps), IS_TIME},
    {"layer", offsetof(struct ss_overhead, layer_ps), IS_TIME},
    {"prefill_layer", offsetof(struct ss_overhead, prefill_layer_ps), IS_TIME},
    {"workers", offsetof(struct ss_overhead, workers_ps), IS_TIME},
    {"request", offsetof(struct ss_overhead, request_ps), IS_TIME},
    {"wake", offsetof(struct ss_overhead, wake_ps), IS_TIME},
    {"arrival", offsetof(struct ss_overhead, arrival_ps), IS_TIME},
    {"sampling", offsetof(struct ss_overhead, sampling_bytes), IS_COUNT},
    {"plain_sampling", offsetof(struct ss_overhead, plain_sampling_bytes), IS_COUNT},
    {"refresh", offsetof(struct ss_overhead, refresh_ps), IS_TIME},
    {"asynchronous", offsetof(struct ss_overhead, asynchronous), IS_FLAG},
    {"graph_padding", offsetof(struct ss_overhead, graph_padding), IS_FLAG},
};

#define FIELD_COUNT (sizeof fields / sizeof fields[0])

static int64_t *
figure_of(struct ss_overhead *overhead, const struct field *field)
{
    return (int64_t *)(void *)((char *)overhead + field->at);
}

/* Exactly, where it was written; the table has checked its form and its bounds. `is_new`: not one that is known. */
static void
take_written(struct ss_overhead *out, const struct ss_node *map, const struct ss_options *checked, int is_new)
{
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const struct ss_node *node = ss_node_get(map, fields[i].key);
        int64_t *figure = figure_of(out, &fields[i]);
        ss_time time;
        if (node == NULL)
            continue;
        if (fields[i].form != IS_TIME)
            *figure = ss_options_get(checked, fields[i].key)->integer;
        else if (ss_duration_parse(node->text, "us", &time, NULL) == 0)
            *figure = (int64_t)time;
    }
    /* without the filter sampling takes no longer than with it */
    int says = ss_node_get(map, "sampling") != NULL && ss_node_get(map, "plain_sampling") == NULL;
    if (says && (is_new || out->plain_sampling_bytes > out->sampling_bytes))
        out->plain_sampling_bytes = out->sampling_bytes;
}

static int
same_figures(const struct ss_overhead *a, const struct ss_overhead *b)
{
    for (size_t i = 0; i < FIELD_COUNT; i++)
        if (memcmp((const char *)a + fields[i].at, (const char *)b + fields[i].at, sizeof(int64_t)) != 0)
            return 0;
    return 1;
}

void
ss_overhead_put(struct ss_text *text, const struct ss_overhead *overhead)
{
    struct ss_overhead copy = *overhead;
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        int64_t figure = *figure_of(&copy, &fields[i]);
        char written[64];
        if (fields[i].form == IS_TIME)
            ss_duration_format(written, figure);
        else if (fields[i].form == IS_COUNT)
            (void)snprintf(written, sizeof written, "%lld", (long long)figure);
        else
            (void)snprintf(written, sizeof written, "%s", figure ? "true" : "false");
        ss_text_printf(text, ", %s: %s", fields[i].key, written);
    }
}

static int
from_map(const struct ss_build *build, const struct ss_node *map, const struct ss_options *checked,
         struct ss_overhead *out)
{
    const struct ss_node *name = ss_node_get(map, "name");
    const struct ss_overhead *base = name != NULL ? known_of(name->text) : NULL;
    int complete = ss_node_get(map, "step") != NULL && ss_node_get(map, "layer") != NULL;
    if (base == NULL && !complete && name != NULL)
        return fail_unknown(build, name, name->text);
    if (base == NULL && !complete)
        return ss_node_fail(map, build->err, EINVAL,
                            "engine has no name, so it needs both numbers; write {step: 0.75ms, layer: 12.5us}, or for "
                            "one number of an engine's own changed {name: vllm-0.15, ...}");
    if (name != NULL && (name->text[0] == '\0' || strlen(name->text) >= sizeof out->name))
        return ss_node_fail(name, build->err, EINVAL, "engine: name has %zu bytes; write 1 to %zu", strlen(name->text),
                            sizeof out->name - 1);
    *out = base != NULL ? *base : (struct ss_overhead){0};
    take_written(out, map, checked, base == NULL);
    const char *label = name != NULL ? name->text : "custom";
    if (base != NULL) /* other numbers than those of the name must not go by that name */
        label = same_figures(out, base) ? base->name : "custom";
    memset(out->name, 0, sizeof out->name); /* two equal engines are equal in every byte */
    (void)snprintf(out->name, sizeof out->name, "%s", label);
    return 0;
}

int
ss_overhead_build(const struct ss_build *build, const struct ss_node *tree, struct ss_overhead *out)
{
    const struct ss_node *node = ss_node_get(tree, "engine");
    const struct ss_overhead *base =
        known_of(node != NULL && node->type == SS_NODE_SCALAR ? node->text : ss_key_of("engine")->preset);
    if (node != NULL && node->type == SS_NODE_SCALAR && base == NULL)
        return fail_unknown(build, node, node->text);
    if (node == NULL || node->type == SS_NODE_SCALAR) {
        *out = *base;
        return 0;
    }
    struct ss_options checked;
    int rc = ss_map_bind(build, tree, "engine", &ss_engine_table, &checked);
    if (rc != 0)
        return rc;
    rc = from_map(build, node, &checked, out);
    ss_options_free(&checked);
    return rc;
}
