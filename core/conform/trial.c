/*
 * conform/trial.c - a plugin with its options bound, ready to be tried.
 */
#include <stdarg.h>
#include <stdlib.h>

#include "base/seed.h"
#include "conform/laws.h"
#include "cost/operators.h"
#include "experiment/node.h"
#include "plugin/table.h"

#define SEED 42

int
ss_not_tried(struct servsim_error *err, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(err->text, sizeof err->text, format, arguments);
    va_end(arguments);
    return SS_NOT_TRIED;
}

/* ---- options ---- */

static int
assign(struct ss_node *map, const char *assignment, struct servsim_error *err)
{
    if (strchr(assignment, '=') == NULL)
        return servsim_fail(err, EINVAL, "--set %.100s: write --set OPTION=VALUE", assignment);
    return ss_node_apply_set(map, assignment, err);
}

int
ss_trial_bind(const struct ss_conform_request *asked, const struct ss_plugin *plugin, const char *extra,
              struct ss_options *out, struct servsim_error *err)
{
    struct ss_node *map = ss_node_new(SS_NODE_MAP, "--set", 0);
    int rc = map != NULL ? 0 : servsim_fail(err, ENOMEM, "no memory for options");
    for (size_t i = 0; i < asked->set_count && rc == 0; i++)
        rc = assign(map, asked->sets[i], err);
    if (rc == 0 && extra != NULL)
        rc = assign(map, extra, err);
    if (rc == 0)
        rc = ss_options_bind_in(out, plugin->descriptor, map, NULL, ".", asked->lookup->data_dir, err);
    ss_node_free(map);
    return rc;
}

/* ---- a host without an engine ---- */

static void
keep_line(void *ctx, uint32_t level, const char *text)
{
    struct ss_trial *trial = ctx;
    (void)level;
    (void)snprintf(trial->logged, sizeof trial->logged, "%.250s", text);
}

static uint64_t
seed_for(void *ctx, const char *purpose)
{
    (void)ctx;
    return ss_seed_for(SEED, purpose);
}

static int32_t
idle_replica(void *ctx, uint32_t replica, struct servsim_replica_state *out)
{
    (void)ctx;
    if (replica > 1u << 20)
        return -EINVAL;
    out->block_size = 16;
    out->kv_blocks_total = 1000;
    return 0;
}

static uint32_t
nothing_generated(void *ctx, const struct servsim_request *request)
{
    (void)ctx;
    (void)request;
    return 0;
}

/* As the engine has it: what does not concern a kind is NULL. */
static void
make_host(struct ss_trial *trial)
{
    uint32_t kind = trial->plugin.descriptor->kind;
    trial->host = (struct servsim_host){
        .size = sizeof trial->host, .abi_minor = SERVSIM_ABI_MINOR, .ctx = trial, .log = keep_line, .seed = seed_for};
    if (kind == SERVSIM_KIND_ROUTER)
        trial->host.replica_state = idle_replica;
    if (kind == SERVSIM_KIND_SCHEDULER)
        trial->host.generated_tokens = nothing_generated;
}

/* ---- instances ---- */

static int
create_device(struct ss_trial *trial, const struct ss_use *use, void **self, struct servsim_error *err)
{
    struct ss_toy toy;
    struct servsim_hardware_context context;
    ss_toy_init(&toy);
    toy.cell.model = trial->model;
    ss_operators_context(&toy.cell, &context);
    const struct servsim_create args = {.size = sizeof args,
                                        .value_count = use->options.count,
                                        .value_size = sizeof(struct servsim_value),
                                        .values = use->options.values,
                                        .context = &context};
    return use->plugin->descriptor->create(&trial->host, &args, self, err);
}

int
ss_trial_create(struct ss_trial *trial, const struct ss_use *use, void **self, struct servsim_error *err)
{
    const struct servsim_scheduler_context limits = {.size = sizeof limits,
                                                     .max_num_seqs = 16,
                                                     .max_num_batched_tokens = 128,
                                                     .block_size = 16,
                                                     .max_model_len = 4096,
                                                     .kv_blocks_total = 1000};
    const struct servsim_router_context replicas = {.size = sizeof replicas, .replicas = 3};
    uint32_t kind = use->plugin->descriptor->kind;
    const struct servsim_create args = {.size = sizeof args,
                                        .value_count = use->options.count,
                                        .value_size = sizeof(struct servsim_value),
                                        .values = use->options.values,
                                        .context = kind == SERVSIM_KIND_SCHEDULER ? (const void *)&limits
                                                   : kind == SERVSIM_KIND_ROUTER  ? (const void *)&replicas
                                                                                  : NULL};
    *self = NULL;
    err->text[0] = '\0';
    if (kind == SERVSIM_KIND_HARDWARE)
        return create_device(trial, use, self, err);
    return use->plugin->descriptor->create(&trial->host, &args, self, err);
}

/* ---- variants ---- */

/* Kept where create() takes it; a plugin may refuse a setting, with a text. */
static void
add_variant(struct ss_trial *trial, const char *assignment)
{
    struct servsim_error err = {.size = sizeof err};
    struct ss_use *use = &trial->variants[trial->variant_count];
    void *self = NULL;
    if (trial->variant_count == SS_VARIANTS)
        return;
    *use = (struct ss_use){.plugin = &trial->plugin};
    if (ss_trial_bind(trial->asked, &trial->plugin, assignment, &use->options, &err) == 0 &&
        ss_trial_create(trial, use, &self, &err) >= 0) {
        trial->plugin.descriptor->destroy(self);
        trial->variant_count++;
        return;
    }
    ss_options_free(&use->options);
}

static void
add_choices(struct ss_trial *trial, const struct servsim_option *row, const char *standing)
{
    char assignment[256];
    for (const char *at = row->choices; *at != '\0';) {
        size_t span = strcspn(at, "|");
        (void)snprintf(assignment, sizeof assignment, "%s=%.*s", row->name, (int)span, at);
        if (standing == NULL || strlen(standing) != span || strncmp(standing, at, span) != 0)
            add_variant(trial, assignment);
        at += span + (at[span] == '|');
    }
}

static void
add_variants(struct ss_trial *trial)
{
    char what[128], assignment[128];
    struct ss_table table = ss_table_of(trial->plugin.descriptor, what);
    trial->variants[0] = trial->use;
    trial->variant_count = 1;
    for (uint32_t i = 0; i < table.count; i++) {
        const struct servsim_option *row = ss_table_row(&table, i);
        const struct servsim_value *value = &trial->use.options.values[i];
        if ((row->flags & SERVSIM_OPTION_TOOLS) != 0)
            continue;
        if (row->type == SERVSIM_OPTION_CHOICE)
            add_choices(trial, row, value->text);
        if (row->type == SERVSIM_OPTION_FLAG) {
            (void)snprintf(assignment, sizeof assignment, "%s=%s", row->name, value->integer ? "false" : "true");
            add_variant(trial, assignment);
        }
    }
}

/* ---- the whole ---- */

int
ss_trial_begin(struct ss_trial *trial, const struct ss_conform_request *asked, const struct servsim_plugin *descriptor,
               struct servsim_error *err)
{
    const char *model = asked->model != NULL ? asked->model : "llama-3.1-8b";
    memset(trial, 0, sizeof *trial);
    trial->asked = asked;
    trial->plugin = (struct ss_plugin){descriptor, asked->file};
    trial->use.plugin = &trial->plugin;
    make_host(trial);
    int rc = ss_trial_bind(asked, &trial->plugin, NULL, &trial->use.options, err);
    if (rc == 0 && descriptor->kind == SERVSIM_KIND_HARDWARE)
        rc = ss_model_find(&trial->model, model, ".", asked->lookup->models_dir, err);
    return rc;
}

void
ss_trial_add_variants(struct ss_trial *trial)
{
    if (trial->variant_count == 0)
        add_variants(trial);
}

void
ss_trial_end(struct ss_trial *trial)
{
    for (size_t i = 1; i < trial->variant_count; i++)
        ss_options_free(&trial->variants[i].options);
    ss_options_free(&trial->use.options);
}

/* ---- where two texts part ---- */

static size_t
line_at(const char *text, size_t at, size_t *begin)
{
    *begin = at;
    while (*begin > 0 && text[*begin - 1] != '\n')
        --*begin;
    return strcspn(text + *begin, "\n");
}

void
ss_trial_difference(const char *first, const char *second, char *out, size_t size)
{
    size_t at = 0, begin_a, begin_b;
    while (first[at] != '\0' && first[at] == second[at])
        at++;
    size_t a = line_at(first, at, &begin_a), b = line_at(second, at, &begin_b);
    (void)snprintf(out, size, "'%.*s' and '%.*s'", (int)(a < 150 ? a : 150), first + begin_a, (int)(b < 150 ? b : 150),
                   second + begin_b);
}
