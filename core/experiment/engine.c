/*
 * experiment/engine.c - an engine's own time, by name or by numbers.
 */
#include <strings.h>

#include "base/text.h"
#include "experiment/build.h"
#include "experiment/keys.h"
#include "plugin/units.h"

/*
 * vllm-0.15: the constants that bring the sum of kernels nearest to the time per output token of 29 calibration points
 * of vLLM 0.15.1 (dense models, H100 and A100): 12.5 us a layer and 0.75 ms a step.
 */
static const struct ss_overhead known[] = {
    {"vllm-0.15", 750 * INT64_C(1000000), 12500 * INT64_C(1000)},
    {"ideal", 0, 0},
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

static int
fail_unknown(const struct ss_build *build, const struct ss_node *place, const char *name)
{
    const char *names[KNOWN_COUNT];
    for (size_t i = 0; i < KNOWN_COUNT; i++)
        names[i] = known[i].name;
    const char *nearest = ss_nearest(name, names, KNOWN_COUNT);
    return ss_node_fail(place, build->err, EINVAL,
                        "unknown engine '%.63s'; %s%s%swrite vllm-0.15, ideal, or {name: %.63s, step: 0.75ms, layer: "
                        "12.5us}",
                        name, nearest != NULL ? "did you mean '" : "", nearest != NULL ? nearest : "",
                        nearest != NULL ? "'? " : "", name);
}

/* Exactly, where it was written; the table has checked its form and its bounds. */
static int64_t
written_ps(const struct ss_node *map, const char *key, int64_t otherwise)
{
    const struct ss_node *node = ss_node_get(map, key);
    ss_time time;
    if (node == NULL || ss_duration_parse(node->text, "us", &time, NULL) != 0)
        return otherwise;
    return (int64_t)time;
}

static int
from_map(const struct ss_build *build, const struct ss_node *map, struct ss_overhead *out)
{
    const struct ss_node *name = ss_node_get(map, "name");
    const struct ss_overhead *base = name != NULL ? known_of(name->text) : NULL;
    int complete = ss_node_get(map, "step") != NULL && ss_node_get(map, "layer") != NULL;
    if (base == NULL && !complete && name != NULL)
        return fail_unknown(build, name, name->text);
    if (base == NULL && !complete)
        return ss_node_fail(map, build->err, EINVAL,
                            "engine has no name, so it needs both numbers; write {step: 0.75ms, layer: 12.5us}");
    if (name != NULL && (name->text[0] == '\0' || strlen(name->text) >= sizeof out->name))
        return ss_node_fail(name, build->err, EINVAL, "engine: name has %zu bytes; write 1 to %zu", strlen(name->text),
                            sizeof out->name - 1);
    out->step_ps = written_ps(map, "step", base != NULL ? base->step_ps : 0);
    out->layer_ps = written_ps(map, "layer", base != NULL ? base->layer_ps : 0);
    const char *label = name != NULL ? name->text : "custom";
    if (base != NULL) /* other numbers than those of the name must not go by that name */
        label = out->step_ps == base->step_ps && out->layer_ps == base->layer_ps ? base->name : "custom";
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
    ss_options_free(&checked);
    return from_map(build, node, out);
}
