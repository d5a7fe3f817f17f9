/*
 * experiment/layout.c - do gpus, tp, pp, dp and ep agree with each other and with the model?
 *
 * A replica has tp x pp x dp GPUs. Its layers are cut into pp stages; in each, dp ranks with tp GPUs each compute their
 * own requests. The experts of a layer are spread over ep of the tp x dp GPUs of a stage, and each is cut over the
 * others, as vLLM (ep 1 or tp x dp) and SGLang (a divisor) do.
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

static int
check_stages(const struct ss_build *build, const struct ss_node *tree, const struct ss_model *model, uint32_t pp)
{
    if (pp <= model->layers)
        return 0;
    return ss_node_fail(place_of(tree, "pp"), build->err, EINVAL,
                        "pp: %u stages are more than the %u layers of %.90s; write pp: %u or less", pp, model->layers,
                        model->name, model->layers);
}

/* Why experts cannot be spread so, or NULL. */
static const char *
why_not_spread(const struct ss_model *model, uint32_t gpus, uint32_t ep)
{
    if (gpus % ep != 0)
        return "does not divide tp x dp";
    if (model->experts % ep != 0)
        return "does not divide the experts";
    if (model->expert_ffn % (gpus / ep) != 0)
        return "leaves more GPUs to share an expert than its columns divide by";
    return NULL;
}

static int
check_experts(const struct ss_build *build, const struct ss_node *tree, const struct ss_model *model,
              const struct layout *layout)
{
    uint32_t gpus = layout->tp * layout->dp;
    if (model->experts == 0 && layout->ep == 1)
        return 0;
    if (model->experts == 0)
        return ss_node_fail(place_of(tree, "ep"), build->err, EINVAL,
                            "ep: %u spreads experts over GPUs, and %.90s has none; write ep: 1", layout->ep,
                            model->name);
    const char *why = why_not_spread(model, gpus, layout->ep);
    if (why == NULL)
        return 0;
    struct ss_text fits = {0};
    for (uint32_t ep = 1; ep <= gpus && ep <= model->experts; ep++)
        if (why_not_spread(model, gpus, ep) == NULL)
            ss_text_printf(&fits, "%s%u", fits.length > 0 ? ", " : "; write ep: ", ep);
    int rc = ss_node_fail(place_of(tree, "ep"), build->err, EINVAL,
                          "ep: %u %s (tp x dp = %u x %u = %u, %u experts of %u columns in %.90s)%.200s", layout->ep,
                          why, layout->tp, layout->dp, gpus, model->experts, model->expert_ffn, model->name,
                          fits.length > 0 ? fits.data : "; write another tp or dp");
    ss_text_free(&fits);
    return rc;
}

/* Each of the two kinds has a replica, which is one engine. */
static int
check_prefill(const struct ss_build *build, const struct ss_node *tree, const struct layout *layout, uint32_t prefill)
{
    uint32_t replicas = layout->gpus / (layout->tp * layout->pp * layout->dp);
    if (prefill == 0)
        return 0;
    if (layout->pp > 1 || layout->dp > 1)
        return ss_node_fail(place_of(tree, "prefill_replicas"), build->err, EINVAL,
                            "prefill_replicas: replicas that only compute prompts, or only decode, have one pipeline "
                            "stage and one rank here; write pp: 1 and dp: 1");
    if (replicas < 2)
        return ss_node_fail(place_of(tree, "prefill_replicas"), build->err, EINVAL,
                            "prefill_replicas: %u of one replica; write gpus: %u or more, for one that decodes",
                            prefill, (prefill + 1) * layout->tp);
    if (prefill < replicas)
        return 0;
    return ss_node_fail(place_of(tree, "prefill_replicas"), build->err, EINVAL,
                        "prefill_replicas: %u of %u replicas leave none to decode; write at most %u", prefill, replicas,
                        replicas - 1);
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
    cell->prefill_replicas = (uint32_t)ss_options_get(&options, "prefill_replicas")->integer;
    cell->transfer_bytes_per_s = ss_options_get(&options, "kv_transfer.bandwidth")->number;
    cell->transfer_latency_ps = (int64_t)(ss_options_get(&options, "kv_transfer.latency")->number * 1e6 + 0.5);
    ss_options_free(&options);
    rc = check_product(build, tree, &layout);
    if (rc == 0)
        rc = check_prefill(build, tree, &layout, cell->prefill_replicas);
    if (rc == 0)
        rc = check_heads(build, tree, &cell->model, layout.tp);
    if (rc == 0)
        rc = check_stages(build, tree, &cell->model, layout.pp);
    if (rc == 0)
        rc = check_experts(build, tree, &cell->model, &layout);
    cell->gpus = layout.gpus;
    cell->tp = layout.tp;
    cell->pp = layout.pp;
    cell->dp = layout.dp;
    cell->ep = layout.ep;
    if (rc == 0)
        cell->replicas = layout.gpus / (layout.tp * layout.pp * layout.dp);
    return rc;
}
