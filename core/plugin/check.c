/*
 * plugin/check.c - is a descriptor fit for use?
 *
 * Everything that the rest of servsim relies on is looked at here, once, when the file is loaded: sizes before the
 * members that they cover, texts, the option table, the required operations of the kind. What cannot be checked is
 * whether a pointer that is not NULL points anywhere.
 */
#include <ctype.h>
#include <math.h>

#include "plugin/table.h"

#define NAME_LIMIT 63
#define LINE_LIMIT 1000
#define PAGE_LIMIT 65536
#define OPTION_LIMIT 1024
/* What the first minor of this major had: a plugin that was built then has no more, however the tables grew since. */
#define PLUGIN_SIZE (offsetof(struct servsim_plugin, ops) + sizeof(const void *))
#define OPTION_SIZE (offsetof(struct servsim_option, flags) + sizeof(uint32_t))

#define TABLE_LIMIT 65536 /* bytes; a table of ours that is larger is nonsense */

/* ---- texts ---- */

/* Bytes of the UTF-8 character at `at`, 0 where there is none. */
static size_t
utf8_length(const unsigned char *at)
{
    if (at[0] < 0x80)
        return 1;
    size_t length = at[0] >= 0xf0 && at[0] < 0xf5 ? 4 : at[0] >= 0xe0 && at[0] < 0xf0 ? 3 : at[0] >= 0xc2 ? 2 : 0;
    if (at[0] >= 0xf5)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) || (at[0] == 0xf0 && at[1] < 0x90) ||
        (at[0] == 0xf4 && at[1] > 0x8f))
        return 0;
    return length;
}

/* Printable UTF-8 of at most `limit` bytes; newlines and tabs where `lines` allows them. */
static int
text_is_fit(const char *text, size_t limit, int lines)
{
    const unsigned char *at = (const unsigned char *)text;
    while (*at != '\0') {
        size_t length = utf8_length(at);
        if (length == 0 || (size_t)(at - (const unsigned char *)text) + length > limit)
            return 0;
        if ((*at < 0x20 && !(lines && (*at == '\n' || *at == '\t'))) || *at == 0x7f)
            return 0;
        at += length;
    }
    return 1;
}

/* Letters, digits, '_', '-', '.', and neither the first nor the last is a '.'. */
static int
name_is_fit(const char *name)
{
    size_t length = strnlen(name, NAME_LIMIT + 1);
    if (length == 0 || length > NAME_LIMIT || name[0] == '.' || name[length - 1] == '.')
        return 0;
    for (size_t i = 0; i < length; i++)
        if ((name[i] & 0x80) || (!isalnum((unsigned char)name[i]) && strchr("_-.", name[i]) == NULL) ||
            (name[i] == '.' && name[i + 1] == '.'))
            return 0;
    return 1;
}

/* ---- options ---- */

static int
check_choices(const struct servsim_option *row, struct servsim_error *err)
{
    const char *choices = row->choices;
    if (choices == NULL || !text_is_fit(choices, LINE_LIMIT, 0) || choices[0] == '\0' || choices[0] == '|' ||
        choices[strlen(choices) - 1] == '|' || strstr(choices, "||") != NULL)
        return servsim_fail(err, EINVAL, "option '%s' is a choice without choices; declare them as \"a|b|c\"",
                            row->name);
    return 0;
}

static int
check_default(const struct servsim_option *row, struct servsim_error *err)
{
    if (row->default_text == NULL)
        return 0;
    struct ss_options storage = {0};
    struct servsim_value value = {.name = row->name};
    struct servsim_error why = {.size = sizeof why};
    int rc = -EINVAL;
    if (text_is_fit(row->default_text, LINE_LIMIT, 0))
        rc = ss_option_parse(&storage, row, row->default_text, &value, &why);
    else
        (void)servsim_fail(&why, EINVAL, "is no line of text");
    ss_options_free(&storage);
    if (rc != 0)
        return servsim_fail(err, EINVAL, "the default of option '%s': %.600s", row->name, why.text);
    return 0;
}

static int
check_row(const struct servsim_option *row, uint32_t index, struct servsim_error *err)
{
    if (row->name == NULL || !name_is_fit(row->name))
        return servsim_fail(err, EINVAL, "option %u has no legal name (letters, digits, '_', '-', '.')", index);
    if (strcmp(row->name, "plugin") == 0 || strcmp(row->name, "label") == 0)
        return servsim_fail(err, EINVAL, "option '%s' has a name that the host keeps for itself", row->name);
    if (row->unit == NULL || !text_is_fit(row->unit, 31, 0))
        return servsim_fail(err, EINVAL, "option '%s' has no unit; declare \"\" for none", row->name);
    if (row->help == NULL || !text_is_fit(row->help, LINE_LIMIT, 0))
        return servsim_fail(err, EINVAL, "option '%s' has no help line", row->name);
    if (ss_option_type_name(row->type) == NULL)
        return servsim_fail(err, EINVAL, "option '%s' has type %u, which is unknown here", row->name, row->type);
    if (ss_option_is_numeric(row->type) && !(row->minimum <= row->maximum))
        return servsim_fail(err, EINVAL, "option '%s' has bounds that nothing can meet (%g to %g)", row->name,
                            row->minimum, row->maximum);
    int rc = row->type == SERVSIM_OPTION_CHOICE ? check_choices(row, err) : 0;
    return rc != 0 ? rc : check_default(row, err);
}

/* Two rows with one name, or one that is a value and a map at once ("peak" and "peak.bf16"). */
static int
check_pair(const struct servsim_option *a, const struct servsim_option *b, struct servsim_error *err)
{
    size_t m = strlen(a->name), n = strlen(b->name), shorter = m < n ? m : n;
    if (strncmp(a->name, b->name, shorter) != 0)
        return 0;
    if (m == n)
        return servsim_fail(err, EINVAL, "option '%s' is declared twice", a->name);
    if ((m < n ? b : a)->name[shorter] == '.')
        return servsim_fail(err, EINVAL, "options '%s' and '%s' cannot both be written", a->name, b->name);
    return 0;
}

static int
check_host_keys(uint32_t kind, const struct servsim_option *row, struct servsim_error *err)
{
    struct ss_table host = ss_host_table(kind);
    for (uint32_t i = 0; i < host.count; i++)
        if (strcmp(ss_table_row(&host, i)->name, row->name) == 0)
            return servsim_fail(err, EINVAL, "option '%s' is a key of the host for every %s", row->name,
                                ss_kind_name(kind));
    return 0;
}

static int
check_options(const struct servsim_plugin *plugin, struct servsim_error *err)
{
    if (plugin->option_count == 0)
        return 0;
    if (plugin->option_count > OPTION_LIMIT)
        return servsim_fail(err, EINVAL, "it declares %u options; %d is the most", plugin->option_count, OPTION_LIMIT);
    if (plugin->option_size < OPTION_SIZE || plugin->option_size > TABLE_LIMIT ||
        plugin->option_size % _Alignof(struct servsim_option) != 0)
        return servsim_fail(err, EINVAL, "option_size is %u; sizeof(struct servsim_option) is %zu or more",
                            plugin->option_size, OPTION_SIZE);
    if (plugin->options == NULL)
        return servsim_fail(err, EINVAL, "it declares %u options and no table of them", plugin->option_count);
    char what[128];
    struct ss_table table = ss_table_of(plugin, what);
    for (uint32_t i = 0; i < table.count; i++) {
        int rc = check_row(ss_table_row(&table, i), i, err);
        if (rc == 0)
            rc = check_host_keys(plugin->kind, ss_table_row(&table, i), err);
        for (uint32_t j = 0; rc == 0 && j < i; j++)
            rc = check_pair(ss_table_row(&table, j), ss_table_row(&table, i), err);
        if (rc != 0)
            return rc;
    }
    return 0;
}

/* ---- operations ---- */

struct required {
    uint32_t kind;
    uint32_t offset;
    const char *name;
};

#define REQUIRED(kind_, type_, member_)                                                                                \
    {                                                                                                                  \
        (kind_), (uint32_t)offsetof(struct type_, member_), #member_                                                   \
    }

static const struct required required[] = {
    REQUIRED(SERVSIM_KIND_HARDWARE, servsim_hardware_ops, describe),
    REQUIRED(SERVSIM_KIND_HARDWARE, servsim_hardware_ops, gemm),
    REQUIRED(SERVSIM_KIND_HARDWARE, servsim_hardware_ops, attention),
    REQUIRED(SERVSIM_KIND_SCHEDULER, servsim_scheduler_ops, arrive),
    REQUIRED(SERVSIM_KIND_SCHEDULER, servsim_scheduler_ops, plan),
    REQUIRED(SERVSIM_KIND_WORKLOAD, servsim_workload_ops, next),
    REQUIRED(SERVSIM_KIND_ROUTER, servsim_router_ops, route),
    REQUIRED(SERVSIM_KIND_PREDICTOR, servsim_predictor_ops, predict),
    REQUIRED(SERVSIM_KIND_REPORT, servsim_report_ops, render),
};

static int
check_operations(const struct servsim_plugin *plugin, struct servsim_error *err)
{
    for (size_t i = 0; i < sizeof required / sizeof required[0]; i++) {
        const struct required *entry = &required[i];
        void (*function)(void) = NULL;
        uint32_t size = 0;
        if (entry->kind != plugin->kind)
            continue;
        if (plugin->ops == NULL)
            return servsim_fail(err, EINVAL, "ops is NULL; a %s needs its operations", ss_kind_name(plugin->kind));
        memcpy(&size, plugin->ops, sizeof size); /* every table of operations begins with its size */
        if (size < entry->offset + sizeof function || size > TABLE_LIMIT)
            return servsim_fail(err, EINVAL, "ops.size is %u, which does not cover the required %s()", size,
                                entry->name);
        memcpy(&function, (const char *)plugin->ops + entry->offset, sizeof function);
        if (function == NULL)
            return servsim_fail(err, EINVAL, "the required operation %s() is NULL", entry->name);
    }
    return 0;
}

/* ---- the descriptor ---- */

static int
check_head(const struct servsim_plugin *plugin, struct servsim_error *err)
{
    if (plugin == NULL || (uintptr_t)plugin % _Alignof(struct servsim_plugin) != 0)
        return servsim_fail(err, EINVAL, "servsim_plugin_at() handed out no descriptor");
    if (!SERVSIM_COVERS(plugin, struct servsim_plugin, abi_minor))
        return servsim_fail(err, EINVAL, "the descriptor's size is %u; set it to sizeof(struct servsim_plugin)",
                            plugin->size);
    if (plugin->abi_major != SERVSIM_ABI_MAJOR)
        return servsim_fail(err, EINVAL, "built for plugin ABI %u.%u; this servsim has %u.%u: build it again",
                            plugin->abi_major, plugin->abi_minor, SERVSIM_ABI_MAJOR, SERVSIM_ABI_MINOR);
    if (plugin->size < PLUGIN_SIZE || plugin->size > TABLE_LIMIT)
        return servsim_fail(err, EINVAL, "the descriptor's size is %u; ABI %u.%u has at least %zu", plugin->size,
                            SERVSIM_ABI_MAJOR, 0u, PLUGIN_SIZE);
    if (ss_kind_name(plugin->kind) == NULL)
        return servsim_fail(err, EINVAL, "plugin kind %u is unknown here", plugin->kind);
    return 0;
}

static int
check_texts(const struct servsim_plugin *plugin, struct servsim_error *err)
{
    const struct {
        const char *what, *text;
    } lines[] = {{"version", plugin->version}, {"summary", plugin->summary}, {"licence", plugin->licence}};
    if (plugin->name == NULL)
        return servsim_fail(err, EINVAL, "name is NULL");
    if (!name_is_fit(plugin->name))
        return servsim_fail(err, EINVAL, "name is not legal: 1 to %d letters, digits, '_', '-', '.'", NAME_LIMIT);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        if (lines[i].text == NULL)
            return servsim_fail(err, EINVAL, "%s is NULL", lines[i].what);
        if (lines[i].text[0] == '\0' || !text_is_fit(lines[i].text, LINE_LIMIT, 0))
            return servsim_fail(err, EINVAL, "%s is no line of UTF-8 text", lines[i].what);
    }
    if (plugin->page != NULL && !text_is_fit(plugin->page, PAGE_LIMIT, 1))
        return servsim_fail(err, EINVAL, "page is no UTF-8 text of at most %d bytes", PAGE_LIMIT);
    return 0;
}

int
ss_descriptor_check(const struct servsim_plugin *plugin, struct servsim_error *err)
{
    int rc = check_head(plugin, err);
    if (rc == 0)
        rc = check_texts(plugin, err);
    if (rc == 0 && plugin->create == NULL)
        rc = servsim_fail(err, EINVAL, "create is NULL");
    if (rc == 0 && plugin->destroy == NULL)
        rc = servsim_fail(err, EINVAL, "destroy is NULL");
    if (rc == 0)
        rc = check_operations(plugin, err);
    if (rc == 0)
        rc = check_options(plugin, err);
    return rc;
}
