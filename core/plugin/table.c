/*
 * plugin/table.c - rows of option tables: their names, types, bounds, and one value read from its text.
 */
#include "plugin/table.h"

#include <math.h>
#include <strings.h>
#include <unistd.h>

#include "base/text.h"
#include "plugin/units.h"

/* What vLLM calls them, and its defaults for serving. */
static const struct servsim_option scheduler_rows[] = {
    {"max_num_seqs", "", "256", NULL, "requests that may run at once on one replica", 1, 1048576,
     SERVSIM_OPTION_INTEGER, 0},
    {"max_num_batched_tokens", "tokens", "2048", NULL, "tokens of one engine step", 1, 16777216, SERVSIM_OPTION_INTEGER,
     0},
};

static const struct servsim_option workload_rows[] = {
    {"load", "", NULL, NULL,
     "scale arrival times so that the mean rate is this many times what the largest configuration can serve", 1e-6, 1e6,
     SERVSIM_OPTION_NUMBER, 0},
    {"load_scale", "", NULL, NULL, "divide arrival times by this: what load finds", 1e-9, 1e9, SERVSIM_OPTION_NUMBER,
     0},
    {"history", "", NULL, NULL, "requests before the run: predictors learn from them, and they are not simulated", 1,
     1e9, SERVSIM_OPTION_INTEGER, 0},
    {"history_span", "s", NULL, NULL, "the same as a span of the traffic's own time", 1e-3, 1e9, SERVSIM_OPTION_NUMBER,
     0},
};

static const struct servsim_option predictor_rows[] = {
    {"interval", "s", "60s", NULL, "what counts as a minute: shorter for traffic that is compressed in time", 1e-3, 1e6,
     SERVSIM_OPTION_NUMBER, 0},
};

struct ss_table
ss_host_table(uint32_t kind)
{
    struct ss_table table = {"scheduler", NULL, 0, sizeof(struct servsim_option)};
    if (kind == SERVSIM_KIND_SCHEDULER) {
        table.rows = scheduler_rows;
        table.count = sizeof scheduler_rows / sizeof scheduler_rows[0];
    }
    if (kind == SERVSIM_KIND_WORKLOAD) {
        table.what = "workload";
        table.rows = workload_rows;
        table.count = sizeof workload_rows / sizeof workload_rows[0];
    }
    if (kind == SERVSIM_KIND_PREDICTOR) {
        table.what = "predictor";
        table.rows = predictor_rows;
        table.count = sizeof predictor_rows / sizeof predictor_rows[0];
    }
    return table;
}

struct ss_table
ss_table_of(const struct servsim_plugin *plugin, char what[128])
{
    (void)snprintf(what, 128, "%s plugin '%.63s'", ss_kind_name(plugin->kind), plugin->name);
    struct ss_table table = {what, plugin->options, plugin->option_count, plugin->option_size};
    return table;
}

const struct servsim_option *
ss_table_row(const struct ss_table *table, uint32_t index)
{
    return (const struct servsim_option *)(const void *)((const char *)table->rows + (size_t)index * table->stride);
}

const char *
ss_option_type_name(uint32_t type)
{
    static const char *const names[] = {NULL, "integer", "number", "text", "flag", "choice", "path", "list"};
    return type < sizeof names / sizeof names[0] ? names[type] : NULL;
}

int
ss_option_is_numeric(uint32_t type)
{
    return type == SERVSIM_OPTION_INTEGER || type == SERVSIM_OPTION_NUMBER || type == SERVSIM_OPTION_LIST;
}

static int
bounded(double bound)
{
    return fabs(bound) < 1e300;
}

void
ss_option_bounds(const struct servsim_option *row, char *out, size_t size)
{
    char low[32], high[32];
    const char *unit = row->unit, *gap = unit[0] != '\0' ? " " : "";
    ss_number_format(low, row->minimum);
    ss_number_format(high, row->maximum);
    if (!ss_option_is_numeric(row->type) || (!bounded(row->minimum) && !bounded(row->maximum)))
        (void)snprintf(out, size, "%s", "");
    else if (!bounded(row->maximum))
        (void)snprintf(out, size, "at least %s%s%s", low, gap, unit);
    else if (!bounded(row->minimum))
        (void)snprintf(out, size, "at most %s%s%s", high, gap, unit);
    else
        (void)snprintf(out, size, "%s to %s%s%s", low, high, gap, unit);
}

/* ---- one value ---- */

static char *
keep_string(struct ss_options *out, const char *text, size_t length)
{
    char **strings = realloc(out->strings, (out->string_count + 1) * sizeof *strings);
    if (strings == NULL)
        return NULL;
    out->strings = strings;
    char *copy = strndup(text, length);
    if (copy != NULL)
        strings[out->string_count++] = copy;
    return copy;
}

static double *
keep_list(struct ss_options *out, size_t count)
{
    double **lists = realloc(out->lists, (out->list_count + 1) * sizeof *lists);
    if (lists == NULL)
        return NULL;
    out->lists = lists;
    double *list = calloc(count > 0 ? count : 1, sizeof *list);
    if (list != NULL)
        lists[out->list_count++] = list;
    return list;
}

static int
check_bounds(const struct servsim_option *row, const char *text, double number, struct servsim_error *err)
{
    if (number >= row->minimum && number <= row->maximum)
        return 0;
    char bounds[128];
    ss_option_bounds(row, bounds, sizeof bounds);
    return servsim_fail(err, ERANGE, "'%.60s' is out of bounds; write %s", text, bounds);
}

static int
parse_flag(const char *text, struct servsim_value *value, struct servsim_error *err)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(text, words[i]) == 0) {
            value->integer = (int64_t)(i % 2);
            value->number = (double)(i % 2);
            return 0;
        }
    return servsim_fail(err, EINVAL, "'%.60s' is neither true nor false; write one of these", text);
}

static int
parse_choice(struct ss_options *out, const struct servsim_option *row, const char *text, struct servsim_value *value,
             struct servsim_error *err)
{
    size_t length = strlen(text);
    for (const char *at = row->choices;; at++) {
        size_t span = strcspn(at, "|");
        if (span == length && strncasecmp(at, text, span) == 0) {
            value->text = keep_string(out, at, span);
            return value->text != NULL ? 0 : servsim_fail(err, ENOMEM, "out of memory");
        }
        at += span;
        if (*at == '\0')
            return servsim_fail(err, EINVAL, "'%.60s' is no choice here; write one of %.400s", text, row->choices);
    }
}

static int
parse_integer(const struct servsim_option *row, const char *text, struct servsim_value *value,
              struct servsim_error *err)
{
    int rc = ss_integer_parse(text, row->unit, &value->integer, err);
    value->number = (double)value->integer;
    return rc != 0 ? rc : check_bounds(row, text, value->number, err);
}

static int
parse_number(const struct servsim_option *row, const char *text, double *number, struct servsim_error *err)
{
    int rc = ss_quantity_parse(text, row->unit, number, err);
    return rc != 0 ? rc : check_bounds(row, text, *number, err);
}

/* "1, 2, 3" with or without brackets. */
static int
parse_list(struct ss_options *out, const struct servsim_option *row, const char *text, struct servsim_value *value,
           struct servsim_error *err)
{
    size_t count = 1, length = strlen(text);
    const char *end = text + length;
    if (length >= 2 && text[0] == '[' && end[-1] == ']') {
        text++;
        end--;
    }
    for (const char *at = text; at < end; at++)
        count += *at == ',';
    double *list = keep_list(out, count);
    if (list == NULL)
        return servsim_fail(err, ENOMEM, "out of memory");
    for (size_t i = 0; i < count; i++) {
        char item[128];
        const char *comma = memchr(text, ',', (size_t)(end - text));
        size_t span = (size_t)((comma != NULL ? comma : end) - text);
        if (span >= sizeof item)
            return servsim_fail(err, EINVAL, "'%.60s' is not a number; write numbers, as in [1, 2, 3]", text);
        memcpy(item, text, span);
        item[span] = '\0';
        int rc = parse_number(row, item, &list[i], err);
        if (rc != 0)
            return rc;
        text += span + 1;
    }
    value->list = list;
    value->list_count = (uint32_t)count;
    return 0;
}

int
ss_option_parse(struct ss_options *out, const struct servsim_option *row, const char *text, struct servsim_value *value,
                struct servsim_error *err)
{
    switch (row->type) {
    case SERVSIM_OPTION_INTEGER:
        return parse_integer(row, text, value, err);
    case SERVSIM_OPTION_NUMBER:
        return parse_number(row, text, &value->number, err);
    case SERVSIM_OPTION_FLAG:
        return parse_flag(text, value, err);
    case SERVSIM_OPTION_CHOICE:
        return parse_choice(out, row, text, value, err);
    case SERVSIM_OPTION_LIST:
        return parse_list(out, row, text, value, err);
    default:
        break;
    }
    if (row->type == SERVSIM_OPTION_PATH && text[0] == '\0')
        return servsim_fail(err, EINVAL, "is empty; write the path of a file");
    value->text = keep_string(out, text, strlen(text));
    return value->text != NULL ? 0 : servsim_fail(err, ENOMEM, "out of memory");
}

char *
ss_path_absolute(const char *base_dir, const char *path)
{
    struct ss_text text = {0};
    if (path[0] != '/' && (base_dir == NULL || base_dir[0] != '/')) {
        char *here = getcwd(NULL, 0);
        if (here == NULL)
            return NULL;
        ss_text_puts(&text, here);
        free(here);
    }
    const char *parts[2] = {path[0] != '/' && base_dir != NULL ? base_dir : "", path};
    for (size_t i = 0; i < 2; i++)
        for (const char *at = parts[i]; *at != '\0';) {
            size_t span = strcspn(at, "/");
            if (span > 0 && !(span == 1 && at[0] == '.')) {
                ss_text_puts(&text, text.length == 0 || text.data[text.length - 1] != '/' ? "/" : "");
                ss_text_add(&text, at, span);
            }
            at += span + (at[span] == '/');
        }
    if (text.length == 0)
        ss_text_puts(&text, "/");
    if (text.failed)
        ss_text_free(&text);
    return text.data;
}

int
ss_path_shipped(const char *path, const char *data_dir, char **out, struct servsim_error *err)
{
    static const char prefix[] = "data:";
    const char *name = path + sizeof prefix - 1;
    *out = NULL;
    if (strncmp(path, prefix, sizeof prefix - 1) != 0)
        return 0;
    if (data_dir == NULL)
        return servsim_fail(err, EINVAL, "'%.200s': no data that ship are known here; write a path", path);
    if (name[0] == '\0' || name[0] == '/' || strstr(name, "..") != NULL)
        return servsim_fail(err, EINVAL, "'%.200s' is no name of a file that ships; write data:NAME", path);
    *out = ss_path_absolute(data_dir, name);
    return *out != NULL ? 0 : servsim_fail(err, ENOMEM, "out of memory");
}
