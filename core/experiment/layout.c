/*
 * experiment/layout.c - do gpus, tp, pp, dp and ep agree with each other and with the model?
 */
#include "base/text.h"
#include "experiment/build.h"
#include "experiment/keys.h"

struct layout {
    uint32_t gpus, tp, pp, dp, ep;
};

/* The key's own place where it was written, else the map's. */
static const struct ss_node *
place_of(const struct ss_node *tree, const char *key)
{
    const struct ss_node *map = ss_node_get(tree, "cluster");
    const struct ss_node *node = map != NULL ? ss_node_get(map, key) : NULL;
    return node != NULL ? node : map != NULL ? map : tree;
}

static int
check_later(const struct ss_build *build, const struct ss_node *tree, const char *key, const char *what, uint32_t value)
{
    if (value == 1)
        return 0;
    return ss_node_fail(place_of(tree, key), build->err, ENOTSUP, "%s is not there yet (%s: %u); write %s: 1", what,
                        key, value, key);
}

static int
check_product(const struct ss_build *build, const struct ss_node *tree, const struct layout *layout)
{
    uint64_t product = (uint64_t)layout->tp * layout->pp * layout->dp;
    uint64_t below = layout->gpus / product * product;
    if (layout->gpus % product == 0)
        return 0;
    char mend[96];
    if (below > 0)
        (void)snprintf(mend, sizeof mend, "write gpus: %llu or %llu", (unsigned long long)below,
                       (unsigned long long)(below + product));
    else
        (void)snprintf(mend, sizeof mend, "write gpus: %llu", (unsigned long long)product);
    return ss_node_fail(place_of(tree, "gpus"), build->err, EINVAL,
                        "gpus: %u is no multiple of tp x pp x dp = %u x %u x %u = %llu GPUs of one replica; %s",
                        layout->gpus, layout->tp, layout->pp, layout->dp, (unsigned long long)product, mend);
}

/* Can the model's heads and its feed-forward part be cut into tp equal parts? KV heads are replicated past their
   number. */
static const char *
why_not(const struct ss_model *model, uint32_t tp)
{
    if (model->q_heads % tp != 0)
        return "query heads";
    if (tp <= model->kv_heads ? model->kv_heads % tp != 0 : tp % model->kv_heads != 0)
        return "KV heads";
    if (model->ffn % tp != 0)
        return "feed-forward columns";
    return NULL;
}

static uint32_t
count_of(const struct ss_model *model, const char *what)
{
    return what[0] == 'q' ? model->q_heads : what[0] == 'K' ? model->kv_heads : model->ffn;
}

static int
check_heads(const struct ss_build *build, const struct ss_node *tree, const struct ss_model *model, uint32_t tp)
{
    if (model->q_heads == 0 || model->kv_heads == 0)
        return ss_node_fail(place_of(tree, "tp"), build->err, EINVAL, "%.90s has no attention heads", model->name);
    const char *what = why_not(model, tp);
    if (what == NULL)
        return 0;
    struct ss_text fits = {0};
    for (uint32_t other = 1; other <= model->q_heads && other <= 128; other++)
        if (why_not(model, other) == NULL)
            ss_text_printf(&fits, "%s%u", other > 1 ? ", " : "", other);
    int rc = fits.failed ? servsim_fail(build->err, ENOMEM, "out of memory")
                         : ss_node_fail(place_of(tree, "tp"), build->err, EINVAL,
                                        "tp: %u does not fit the %u %s of %.90s; write one of %.300s", tp,
                                        count_of(model, what), what, model->name, fits.data);
    ss_text_free(&fits);
    return rc;
}

int
ss_layout_build(const struct ss_build *build, const struct ss_node *tree, struct ss_cell *cell)
{
    struct ss_options options;
    int rc = ss_map_bind(build, tree, "cluster", &ss_cluster_table, &options);
    if (rc != 0)
        return rc;
    struct layout layout = {
        (uint32_t)ss_options_get(&options, "gpus")->integer, (uint32_t)ss_options_get(&options, "tp")->integer,
        (uint32_t)ss_options_get(&options, "pp")->integer,   (uint32_t)ss_options_get(&options, "dp")->integer,
        (uint32_t)ss_options_get(&options, "ep")->integer,
    };
    cell->gpus_per_node = (uint32_t)ss_options_get(&options, "gpus_per_node")->integer;
    cell->interconnect_bytes_per_s = ss_options_get(&options, "interconnect.bandwidth")->number;
    cell->interconnect_latency_us = ss_options_get(&options, "interconnect.latency")->number;
    ss_options_free(&options);
    rc = check_later(build, tree, "pp", "pipeline parallel", layout.pp);
    if (rc == 0)
        rc = check_later(build, tree, "dp", "data parallel inside a replica", layout.dp);
    if (rc == 0)
        rc = check_later(build, tree, "ep", "expert parallel", layout.ep);
    if (rc == 0)
        rc = check_product(build, tree, &layout);
    if (rc == 0)
        rc = check_heads(build, tree, &cell->model, layout.tp);
    cell->gpus = layout.gpus;
    cell->tp = layout.tp;
    cell->pp = layout.pp;
    cell->dp = layout.dp;
    cell->ep = layout.ep;
    if (rc == 0)
        cell->replicas = layout.gpus / (layout.tp * layout.pp * layout.dp);
    return rc;
}
