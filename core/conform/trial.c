/*
 * conform/trial.c - a plugin with its options bound, ready to be tried.
 */
#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/seed.h"
#include "conform/laws.h"
#include "conform/watch.h"
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
    if (replica > 1u << 20 || out->size < sizeof out->size)
        return -EINVAL;
    struct servsim_replica_state state = {.size = out->size, .block_size = 16, .kv_blocks_total = 1000};
    memcpy(out, &state, out->size < sizeof state ? out->size : sizeof state);
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

static struct servsim_create
arguments(const struct ss_trial *trial, const struct ss_use *use, const void *context)
{
    struct servsim_create args = {.size = sizeof args,
                                  .value_count = use->options.count,
                                  .value_size = sizeof(struct servsim_value),
                                  .values = use->options.values,
                                  .context = context};
    if (trial->watch != NULL)
        ss_watch_fill(trial->watch, &args);
    return args;
}

static int
create_device(struct ss_trial *trial, const struct ss_use *use, void **self, struct servsim_error *err)
{
    struct ss_toy toy;
    struct servsim_hardware_context context;
    ss_toy_init(&toy);
    toy.cell.model = trial->model;
    ss_operators_context(&toy.cell, &context);
    const struct servsim_create args = arguments(trial, use, &context);
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
    const struct servsim_create args = arguments(trial, use,
                                                 kind == SERVSIM_KIND_SCHEDULER ? (const void *)&limits
                                                 : kind == SERVSIM_KIND_ROUTER  ? (const void *)&replicas
                                                                                : NULL);
    *self = NULL;
    err->text[0] = '\0';
    if (kind == SERVSIM_KIND_HARDWARE)
        return create_device(trial, use, self, err);
    return use->plugin->descriptor->create(&trial->host, &args, self, err);
}

/* ---- variants ---- */

/* Kept where create() takes it; a plugin may refuse a setting, with a text. */
static void
add_setting(struct ss_trial *trial, const char *assignment, size_t *count, size_t limit)
{
    struct servsim_error err = {.size = sizeof err};
    struct ss_use *use = &trial->variants[*count];
    void *self = NULL;
    if (*count >= limit)
        return;
    *use = (struct ss_use){.plugin = &trial->plugin};
    if (ss_trial_bind(trial->asked, &trial->plugin, assignment, &use->options, &err) == 0 &&
        ss_trial_create(trial, use, &self, &err) >= 0) {
        trial->plugin.descriptor->destroy(self);
        (void)snprintf(trial->settings[*count], sizeof trial->settings[0], "%.90s", assignment);
        ++*count;
        return;
    }
    ss_options_free(&use->options);
}

static void
add_variant(struct ss_trial *trial, const char *assignment)
{
    add_setting(trial, assignment, &trial->variant_count, SS_VARIANTS);
}

/* Seconds of one unit of time, 0 for other units. */
static double
seconds_of(const char *unit)
{
    static const struct {
        const char *name;
        double seconds;
    } units[] = {{"s", 1}, {"ms", 1e-3}, {"us", 1e-6}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(unit, units[i].name) == 0)
            return units[i].seconds;
    return 0;
}

/*
 * A small, a middling and a large number, within the row's bounds: times that pass while random cells run, since a
 * promise that forgets a time is broken only where it comes; else the least, a little more, and many.
 */
static void
add_numbers(struct ss_trial *trial, const struct servsim_option *row)
{
    double unit = seconds_of(row->unit), least = row->minimum > -1e7 ? row->minimum : -10;
    const double times[] = {0.02, 0.3, 2}, others[] = {least, least + 3, least + 1000};
    for (size_t i = 0; i < 3; i++) {
        char assignment[128];
        double value = unit > 0 ? times[i] / unit : others[i];
        value = value < row->minimum ? row->minimum : value > row->maximum ? row->maximum : value;
        if (row->type == SERVSIM_OPTION_INTEGER)
            value = floor(value);
        if (!(fabs(value) < 1e9))
            continue;
        (void)snprintf(assignment, sizeof assignment, "%s=%.10g", row->name, value);
        add_setting(trial, assignment, &trial->setting_count, SS_SETTINGS);
    }
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
    trial->setting_count = trial->variant_count;
    for (uint32_t i = 0; i < table.count && trial->plugin.descriptor->kind != SERVSIM_KIND_HARDWARE; i++) {
        const struct servsim_option *row = ss_table_row(&table, i);
        if ((row->flags & SERVSIM_OPTION_TOOLS) == 0 &&
            (row->type == SERVSIM_OPTION_INTEGER || row->type == SERVSIM_OPTION_NUMBER))
            add_numbers(trial, row);
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
    for (size_t i = 1; i < trial->setting_count; i++)
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

/* The head of the table that a row is in: rows begin with a digit, heads with a letter. NULL: it is in no table. */
static const char *
head_of(const char *text, size_t row)
{
    while (isdigit((unsigned char)text[row])) {
        if (row == 0)
            return NULL;
        (void)line_at(text, row - 1, &row);
    }
    return isalpha((unsigned char)text[row]) ? text + row : NULL;
}

/* In columns of the same name: 1 where one was found. */
static int
column_difference(const char *head, const char *a, const char *b, char *out, size_t size)
{
    const char *row = a, *key = head;
    int row_length = (int)strcspn(a, ",\n"), key_length = (int)strcspn(head, ",\n");
    if (strncmp(head, "request_id,", 11) == 0)
        key_length = 7;
    for (;;) {
        size_t name = strcspn(head, ",\n"), first = strcspn(a, ",\n"), second = strcspn(b, ",\n");
        if (first != second || memcmp(a, b, first) != 0) {
            (void)snprintf(out, size, "%.*s %.*s: %.*s %.*s / %.*s", key_length, key, row_length, row,
                           (int)(name < 60 ? name : 60), head, (int)(first < 60 ? first : 60), a,
                           (int)(second < 60 ? second : 60), b);
            return 1;
        }
        if (head[name] != ',' || a[first] != ',' || b[second] != ',')
            return 0;
        head += name + 1;
        a += first + 1;
        b += second + 1;
    }
}

void
ss_trial_difference(const char *first, const char *second, char *out, size_t size)
{
    size_t at = 0, begin_a, begin_b;
    while (first[at] != '\0' && first[at] == second[at])
        at++;
    size_t a = line_at(first, at, &begin_a), b = line_at(second, at, &begin_b);
    const char *head = head_of(first, begin_a);
    if (head != NULL && isdigit((unsigned char)second[begin_b]) &&
        column_difference(head, first + begin_a, second + begin_b, out, size))
        return;
    (void)snprintf(out, size, "'%.*s' and '%.*s'", (int)(a < 150 ? a : 150), first + begin_a, (int)(b < 150 ? b : 150),
                   second + begin_b);
}
