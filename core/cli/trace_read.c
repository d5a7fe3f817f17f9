/*
 * cli/trace_read.c - the requests of a workload plugin, one after the other, without an engine.
 *
 * Seeds are those of a run, so that a trace written with --seed 42 holds the requests that a run with seed 42 sees.
 */
#include "base/seed.h"
#include "base/text.h"
#include "cli/trace.h"
#include "experiment/node.h"
#include "plugin/table.h"

static uint64_t
seed_for(void *ctx, const char *purpose)
{
    return ss_seed_for(((const struct ss_trace_reader *)ctx)->seed, purpose);
}

static void
log_line(void *ctx, uint32_t level, const char *text)
{
    (void)ctx;
    (void)fprintf(stderr, "servsim: %s: %s\n", level == SERVSIM_LOG_WARNING ? "warning" : "note", text);
}

static int
declares(const struct servsim_plugin *plugin, const char *option)
{
    char what[128];
    const struct ss_table table = ss_table_of(plugin, what);
    for (uint32_t i = 0; i < table.count; i++)
        if (strcmp(ss_table_row(&table, i)->name, option) == 0)
            return 1;
    return 0;
}

/* Sets an option that nobody set, where the plugin has it. */
static int
preset(struct ss_node *map, const struct servsim_plugin *plugin, const char *option, const char *text)
{
    if (!declares(plugin, option) || ss_node_get(map, option) != NULL)
        return 0;
    return ss_node_set_text(map, option, text, "command line") != NULL ? 0 : -ENOMEM;
}

static int
preset_count(struct ss_node *map, const struct servsim_plugin *plugin, const char *option, uint64_t count)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)count);
    return count == 0 ? 0 : preset(map, plugin, option, text);
}

static int
set_presets(struct ss_node *map, const struct servsim_plugin *plugin, const struct ss_trace_wish *wish,
            struct servsim_error *err)
{
    static const char *const own[] = {"path", "sample"}; /* of the command; --set must not contradict it */
    const int given[] = {wish->path != NULL, wish->sample > 0};
    for (size_t i = 0; i < 2; i++) {
        if (given[i] && !declares(plugin, own[i]))
            return servsim_fail(err, EINVAL, "workload plugin '%s' has no option '%s', so this command cannot use it",
                                plugin->name, own[i]);
        if (given[i] && ss_node_get(map, own[i]) != NULL)
            return servsim_fail(err, EINVAL, "--set %s: the command sets it already; leave --set %s out", own[i],
                                own[i]);
    }
    int rc = wish->path != NULL ? preset(map, plugin, "path", wish->path) : 0;
    if (rc == 0)
        rc = preset_count(map, plugin, "requests", wish->requests);
    if (rc == 0)
        rc = preset_count(map, plugin, "sample", wish->sample);
    if (rc == 0 && wish->emit_failed)
        rc = preset(map, plugin, "emit_failed", "true");
    return rc == 0 ? 0 : servsim_fail(err, ENOMEM, "out of memory");
}

/* ", rate (mean rate of requests)": to `names` and to `mend` of what must be written and is not. */
static void
miss(struct ss_text *names, struct ss_text *mend, const struct servsim_option *row, int command_has_requests)
{
    ss_text_printf(names, "%s%s (%s)", names->length > 0 ? " and " : "", row->name, row->help);
    if (command_has_requests && strcmp(row->name, "requests") == 0)
        ss_text_puts(mend, " --requests N");
    else
        ss_text_printf(mend, " --set %s=VALUE", row->name);
}

/* A misspelt name says more than what is missing because of it. */
static int
has_unknown(const struct ss_node *map, const struct servsim_plugin *plugin)
{
    for (size_t i = 0; i < map->count; i++)
        if (map->children[i]->type != SS_NODE_MAP && !declares(plugin, map->children[i]->key))
            return 1;
    return 0;
}

/* All that is missing at once, and as flags: nobody has an experiment file here. */
static int
check_required(const struct ss_node *map, const struct servsim_plugin *plugin, const struct ss_trace_wish *wish,
               struct servsim_error *err)
{
    struct ss_text names = {0}, mend = {0};
    char what[128];
    const struct ss_table table = ss_table_of(plugin, what);
    if (has_unknown(map, plugin))
        return 0;
    for (uint32_t i = 0; i < table.count; i++) {
        const struct servsim_option *row = ss_table_row(&table, i);
        if ((row->flags & SERVSIM_OPTION_REQUIRED) != 0 && strchr(row->name, '.') == NULL &&
            ss_node_get(map, row->name) == NULL)
            miss(&names, &mend, row, wish->path == NULL);
    }
    int rc = 0;
    if (names.length > 0 && !names.failed && !mend.failed)
        rc = servsim_fail(err, EINVAL, "%s needs %s; write%s", what, names.data, mend.data);
    ss_text_free(&names);
    ss_text_free(&mend);
    return rc;
}

static int
bind_options(struct ss_use *use, const struct ss_trace_wish *wish, const struct ss_lookup *lookup,
             struct servsim_error *err)
{
    struct ss_node *map = ss_node_new(SS_NODE_MAP, wish->path != NULL ? wish->path : "--workload", 0);
    int rc = map == NULL ? servsim_fail(err, ENOMEM, "out of memory") : 0;
    for (size_t i = 0; i < wish->set_count && rc == 0; i++)
        rc = ss_node_apply_set(map, wish->sets[i], err);
    if (rc == 0)
        rc = set_presets(map, use->plugin->descriptor, wish, err);
    if (rc == 0)
        rc = check_required(map, use->plugin->descriptor, wish, err);
    if (rc == 0)
        rc = ss_options_bind_in(&use->options, use->plugin->descriptor, map, NULL, ".", lookup->data_dir, err);
    ss_node_free(map);
    return rc;
}

int
ss_trace_open(struct ss_trace_reader *reader, const struct ss_trace_wish *wish, const struct ss_cli *cli,
              struct servsim_error *err)
{
    struct ss_use use = {0};
    struct ss_registry *registry = cli->lookup.registry;
    *reader = (struct ss_trace_reader){.seed = wish->seed, .interrupted = cli->interrupted};
    reader->host = (struct servsim_host){
        .size = sizeof reader->host, .abi_minor = SERVSIM_ABI_MINOR, .ctx = reader, .log = log_line, .seed = seed_for};
    int rc = wish->path != NULL
                 ? ss_recognise(cli, wish->path, &use.plugin, err)
                 : ss_registry_find(registry, SERVSIM_KIND_WORKLOAD, wish->workload, ".", &use.plugin, err);
    if (rc != 0)
        return rc;
    reader->descriptor = use.plugin->descriptor;
    rc = bind_options(&use, wish, &cli->lookup, err);
    if (rc == 0)
        rc = ss_instance_create(&reader->instance, &use, &reader->host, NULL, err);
    ss_options_free(&use.options);
    return rc;
}

void
ss_trace_close(struct ss_trace_reader *reader)
{
    if (reader->instance.descriptor != NULL)
        ss_instance_destroy(&reader->instance);
}

static int
broken_row(const struct ss_trace_reader *reader, const char *what, struct servsim_error *err)
{
    return servsim_fail(err, EPROTO, "workload plugin '%s': row %llu %s", reader->descriptor->name,
                        (unsigned long long)reader->rows, what);
}

int
ss_trace_next(struct ss_trace_reader *reader, struct servsim_arrival *row, struct servsim_error *err)
{
    const struct servsim_workload_ops *ops = reader->descriptor->ops;
    if (reader->interrupted != NULL && *reader->interrupted)
        return servsim_fail(err, EINTR, "interrupted");
    *row = (struct servsim_arrival){.size = sizeof *row, .deadline_s = SERVSIM_NEVER};
    int rc = ops->next(reader->instance.self, row, err);
    if (rc <= 0)
        return rc;
    if (row->arrival_s < 0 || row->arrival_ps < 0 || row->arrival_ps >= SS_PS_PER_S)
        return broken_row(reader, "does not arrive at a time from 0 on", err);
    if (row->prompt_tokens == 0 && row->output_tokens > 0)
        return broken_row(reader, "has no prompt", err);
    ss_time now = ss_time_of(row->arrival_s, row->arrival_ps);
    if (now < reader->before)
        return broken_row(reader, "arrives before the one before it", err);
    reader->before = now;
    reader->rows++;
    return 1;
}

int
ss_trace_counts(const struct ss_trace_reader *reader, struct servsim_workload_stats *out, struct servsim_error *err)
{
    const struct servsim_workload_ops *ops = reader->descriptor->ops;
    *out = (struct servsim_workload_stats){.size = sizeof *out};
    if (!SERVSIM_COVERS(ops, struct servsim_workload_ops, stats) || ops->stats == NULL)
        return 0;
    int rc = ops->stats(reader->instance.self, out);
    return rc >= 0 ? 0
                   : servsim_fail(err, EPROTO, "workload plugin '%s' gives no counts: %s", reader->descriptor->name,
                                  strerror(-rc));
}
