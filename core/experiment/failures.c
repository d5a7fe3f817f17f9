/*
 * experiment/failures.c - what fails inside of the simulation: replicas that die and come back, by chance or by a
 * schedule, and replicas that are slower than the others.
 */
#include <stdlib.h>

#include "base/text.h"
#include "experiment/build.h"
#include "experiment/keys.h"
#include "plugin/units.h"

#define MILLIONTHS 1e6

/* Exactly as written, not through the table's double: the table has checked its form and its bounds. */
static ss_time
written(const struct ss_node *map, const char *key, ss_time missing)
{
    const struct ss_node *node = ss_node_get(map, key);
    ss_time time;
    return node != NULL && ss_duration_parse(node->text, "s", &time, NULL) == 0 ? time : missing;
}

static ss_time
preset_of(const struct ss_options *options, const char *key)
{
    return (ss_time)(ss_options_get(options, key)->number * 1e12);
}

/* The list under `key`, each item bound to `table` and handed to `take`. */
static int
read_list(const struct ss_build *build, const struct ss_node *map, const char *key, const struct ss_table *table,
          int (*take)(const struct ss_build *, const struct ss_node *, const struct ss_options *, void *), void *ctx)
{
    const struct ss_node *list = ss_node_get(map, key);
    const char *example = table == &ss_outage_table ? "at: 60s, for: 30s" : "slowdown: 1.5";
    int rc = 0;
    if (list != NULL && (list->type != SS_NODE_LIST || list->count == 0))
        return ss_node_fail(list, build->err, EINVAL, "failures: %s takes a list; write %s: [{replica: 0, %s}]", key,
                            key, example);
    for (size_t i = 0; list != NULL && i < list->count && rc == 0; i++) {
        struct ss_options options;
        const struct ss_node *item = list->children[i];
        if (item->type != SS_NODE_MAP)
            return ss_node_fail(item, build->err, EINVAL, "failures: %s: an item is a map; write {replica: 0, %s}", key,
                                example);
        rc = ss_table_bind(&options, table, item, NULL, build->base_dir, NULL, build->err);
        if (rc != 0)
            return rc;
        rc = take(build, item, &options, ctx);
        ss_options_free(&options);
    }
    return rc;
}

struct reading {
    struct ss_failures *out;
    uint32_t replicas;
};

static int
replica_of(const struct ss_build *build, const struct ss_node *item, const struct ss_options *options,
           uint32_t replicas, uint32_t *replica)
{
    *replica = (uint32_t)ss_options_get(options, "replica")->integer;
    if (*replica < replicas)
        return 0;
    return ss_node_fail(ss_node_get(item, "replica"), build->err, EINVAL,
                        "failures: replica %u is not there, the cluster has %u; write 0 to %u", *replica, replicas,
                        replicas - 1);
}

static int
take_outage(const struct ss_build *build, const struct ss_node *item, const struct ss_options *options, void *ctx)
{
    const struct reading *reading = ctx;
    struct ss_failures *out = reading->out;
    struct ss_scheduled_failure *one = &out->schedule[out->schedule_count];
    const struct ss_node *until = ss_node_get(item, "until");
    int rc = replica_of(build, item, options, reading->replicas, &one->replica);
    if (rc != 0)
        return rc;
    if (until != NULL && ss_node_get(item, "for") != NULL)
        return ss_node_fail(until, build->err, EINVAL,
                            "failures: for and until are two measures of one thing; write one of the two");
    one->at = written(item, "at", 0);
    one->length = until != NULL ? written(item, "until", 0) - one->at : written(item, "for", out->repair);
    if (one->length <= 0)
        return ss_node_fail(until != NULL ? until : item, build->err, EINVAL,
                            "failures: a replica that fails %s is back before it has failed; write a later until",
                            ss_node_get(item, "at")->text);
    out->schedule_count++;
    return 0;
}

static int
take_straggler(const struct ss_build *build, const struct ss_node *item, const struct ss_options *options, void *ctx)
{
    const struct reading *reading = ctx;
    struct ss_failures *out = reading->out;
    struct ss_straggler *one = &out->stragglers[out->straggler_count];
    int rc = replica_of(build, item, options, reading->replicas, &one->replica);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < out->straggler_count; i++)
        if (out->stragglers[i].replica == one->replica)
            return ss_node_fail(item, build->err, EINVAL,
                                "failures: replica %u is a straggler twice; write one slowdown for it", one->replica);
    one->slowdown_millionths = (uint64_t)(ss_options_get(options, "slowdown")->number * MILLIONTHS + 0.5);
    out->straggler_count++;
    return 0;
}

static int
by_replica_and_time(const void *a, const void *b)
{
    const struct ss_scheduled_failure *left = a, *right = b;
    if (left->replica != right->replica)
        return left->replica < right->replica ? -1 : 1;
    return (left->at > right->at) - (left->at < right->at);
}

static size_t
items_of(const struct ss_node *map, const char *key)
{
    const struct ss_node *list = ss_node_get(map, key);
    return list != NULL && list->count > 0 ? list->count : 1;
}

static int
read_lists(const struct ss_build *build, const struct ss_node *map, uint32_t replicas, struct ss_failures *out)
{
    struct reading reading = {out, replicas};
    out->schedule = calloc(items_of(map, "schedule"), sizeof *out->schedule);
    out->stragglers = calloc(items_of(map, "stragglers"), sizeof *out->stragglers);
    if (out->schedule == NULL || out->stragglers == NULL)
        return servsim_fail(build->err, ENOMEM, "out of memory");
    int rc = read_list(build, map, "schedule", &ss_outage_table, take_outage, &reading);
    if (rc == 0)
        rc = read_list(build, map, "stragglers", &ss_straggler_table, take_straggler, &reading);
    if (rc == 0)
        qsort(out->schedule, out->schedule_count, sizeof *out->schedule, by_replica_and_time);
    return rc;
}

int
ss_failures_build(const struct ss_build *build, const struct ss_node *tree, uint32_t replicas, struct ss_failures *out)
{
    static const char *const lists[] = {"schedule", "stragglers", NULL};
    const struct ss_node *map = ss_node_get(tree, "failures");
    struct ss_options options;
    if (map == NULL || ss_use_is_none(map))
        return 0;
    if (map->type != SS_NODE_MAP)
        return ss_node_fail(map, build->err, EINVAL, "failures takes a map, or none; write failures: {mtbf: 3600s}");
    int rc = ss_table_bind(&options, &ss_failures_table, map, lists, build->base_dir, NULL, build->err);
    if (rc != 0)
        return rc;
    out->mtbf = written(map, "mtbf", 0);
    out->repair = written(map, "repair", preset_of(&options, "repair"));
    out->detect = written(map, "detect", preset_of(&options, "detect"));
    out->retries = (uint32_t)ss_options_get(&options, "retries")->integer;
    ss_options_free(&options);
    rc = read_lists(build, map, replicas, out);
    out->present = out->mtbf > 0 || out->schedule_count > 0 || out->straggler_count > 0;
    if (rc == 0 && !out->present)
        return ss_node_fail(map, build->err, EINVAL,
                            "failures: nothing fails; write mtbf, schedule or stragglers, or failures: none");
    return rc;
}

void
ss_failures_free(struct ss_failures *failures)
{
    free(failures->schedule);
    free(failures->stragglers);
    *failures = (struct ss_failures){0};
}

static void
put_time(struct ss_text *text, const char *before, ss_time time)
{
    char number[64];
    ss_duration_format(number, time);
    ss_text_printf(text, "%s%s", before, number);
}

void
ss_failures_put(struct ss_text *text, const struct ss_failures *failures)
{
    if (!failures->present)
        return;
    ss_text_puts(text, "failures:\n");
    if (failures->mtbf > 0)
        put_time(text, "  mtbf: ", failures->mtbf);
    put_time(text, failures->mtbf > 0 ? "\n  repair: " : "  repair: ", failures->repair);
    put_time(text, "\n  detect: ", failures->detect);
    ss_text_printf(text, "\n  retries: %u\n", failures->retries);
    for (size_t i = 0; i < failures->schedule_count; i++) {
        const struct ss_scheduled_failure *one = &failures->schedule[i];
        ss_text_printf(text, "%s    - {replica: %u", i == 0 ? "  schedule:\n" : "", one->replica);
        put_time(text, ", at: ", one->at);
        put_time(text, ", for: ", one->length);
        ss_text_puts(text, "}\n");
    }
    for (size_t i = 0; i < failures->straggler_count; i++) {
        char number[32];
        ss_number_format(number, (double)failures->stragglers[i].slowdown_millionths / MILLIONTHS);
        ss_text_printf(text, "%s    - {replica: %u, slowdown: %s}\n", i == 0 ? "  stragglers:\n" : "",
                       failures->stragglers[i].replica, number);
    }
}
