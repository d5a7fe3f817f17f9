/*
 * unit/fake_host.h - a host small enough to test one built plugin without the engine.
 *
 * Loads plugins/.libs/KIND_NAME.so of the build tree, makes the checked options from "name=value" texts and the
 * defaults of the plugin's table, and calls create(). Everything that create() was given is freed right after it, so
 * that a plugin that keeps a pointer is caught by ASan or valgrind. Files are never unloaded.
 */
#ifndef SS_UNIT_FAKE_HOST_H
#define SS_UNIT_FAKE_HOST_H

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "servsim/plugin.h"
#include "tests/unit/harness.h"

#define FAKE_UNUSED __attribute__((unused))

/* One plugin and at most one instance of it. Zero-initialise; `seed` and `host` may be changed before create(). */
struct fake_plugin {
    const struct servsim_plugin *descriptor;
    void *self;
    struct servsim_host host;
    struct servsim_error err; /* of the last create() */
    uint64_t seed;            /* the experiment's */
    char last_log[256];
};

FAKE_UNUSED static void
fake_log(void *ctx, uint32_t level, const char *text)
{
    struct fake_plugin *plugin = ctx;
    snprintf(plugin->last_log, sizeof plugin->last_log, "%s: %s", level == SERVSIM_LOG_WARNING ? "warning" : "info",
             text);
}

/* FNV-1a of the purpose, mixed with the seed: depends on these two alone. */
FAKE_UNUSED static uint64_t
fake_seed(void *ctx, const char *purpose)
{
    struct fake_plugin *plugin = ctx;
    struct servsim_random mix = {UINT64_C(0xcbf29ce484222325) ^ plugin->seed};
    for (; *purpose != '\0'; purpose++)
        mix.state = (mix.state ^ (unsigned char)*purpose) * UINT64_C(0x100000001b3);
    return servsim_random_u64(&mix);
}

/* Loads a plugin of the build tree. Returns 0, or -1 with the reason in err.text. */
FAKE_UNUSED static int
fake_open(struct fake_plugin *plugin, const char *kind, const char *name)
{
    char file[256];
    snprintf(file, sizeof file, "plugins/.libs/%s_%s.so", kind, name);
    void *library = dlopen(ss_build_path(file), RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        snprintf(plugin->err.text, sizeof plugin->err.text, "%s", dlerror());
        return -1;
    }
    servsim_plugin_at_fn at;
    *(void **)(void *)&at = dlsym(library, "servsim_plugin_at");
    for (uint32_t i = 0; at != NULL && at(i, &plugin->descriptor) == 1; i++)
        if (strcasecmp(plugin->descriptor->name, name) == 0)
            break;
        else
            plugin->descriptor = NULL;
    plugin->err.size = (uint32_t)sizeof plugin->err;
    plugin->host = (struct servsim_host){.size = (uint32_t)sizeof plugin->host,
                                         .abi_minor = SERVSIM_ABI_MINOR,
                                         .ctx = plugin,
                                         .log = fake_log,
                                         .seed = fake_seed};
    snprintf(plugin->err.text, sizeof plugin->err.text, "%s holds no plugin '%s'", file, name);
    return plugin->descriptor != NULL ? 0 : -1;
}

/* What a suffix multiplies by, in the option's unit: "GiB" for bytes, "ms" for s. */
FAKE_UNUSED static double
fake_suffix(const char *suffix, const char *unit)
{
    static const struct {
        const char *text;
        double bytes, seconds;
    } table[] = {{"B", 1, 0},        {"kB", 1e3, 0},     {"MB", 1e6, 0},     {"GB", 1e9, 0},     {"TB", 1e12, 0},
                 {"KiB", 0x1p10, 0}, {"MiB", 0x1p20, 0}, {"GiB", 0x1p30, 0}, {"TiB", 0x1p40, 0}, {"ns", 0, 1e-9},
                 {"us", 0, 1e-6},    {"ms", 0, 1e-3},    {"s", 0, 1},        {"m", 0, 60},       {"h", 0, 3600}};
    char stem[16];
    snprintf(stem, sizeof stem, "%.*s", (int)strcspn(suffix, "/"), suffix);
    double in_unit = strcmp(unit, "ms") == 0 ? 1e3 : strcmp(unit, "us") == 0 ? 1e6 : 1;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (strcmp(table[i].text, stem) == 0)
            return table[i].bytes > 0 ? table[i].bytes : table[i].seconds * in_unit;
    return 1;
}

/* A number in the option's unit. Returns what follows it, or NULL where there is none. */
FAKE_UNUSED static const char *
fake_number(const char *text, const struct servsim_option *option, double *out)
{
    char *end;
    *out = strtod(text, &end);
    if (end == text)
        return NULL;
    while (*end == ' ')
        end++;
    size_t length = strcspn(end, ",]");
    if (length > 0) {
        char suffix[16];
        snprintf(suffix, sizeof suffix, "%.*s", (int)length, end);
        *out *= fake_suffix(suffix, option->unit);
    }
    return *out >= option->minimum && *out <= option->maximum ? end + length : NULL;
}

FAKE_UNUSED static int
fake_list(struct servsim_value *value, const struct servsim_option *option, double *list, uint32_t limit)
{
    const char *at = value->text + (value->text[0] == '[');
    value->list = list;
    while (value->list_count < limit) {
        if ((at = fake_number(at, option, &list[value->list_count])) == NULL)
            return -1;
        value->list_count++;
        if (*at != ',')
            return 0;
        at++;
    }
    return -1;
}

/* Fills one value from its text. `list` has room for 64 numbers. */
FAKE_UNUSED static int
fake_value(struct servsim_value *value, const struct servsim_option *option, double *list)
{
    switch (option->type) {
    case SERVSIM_OPTION_INTEGER:
    case SERVSIM_OPTION_NUMBER:
        if (fake_number(value->text, option, &value->number) == NULL)
            return -1;
        value->integer = value->number < 9e18 ? (int64_t)value->number : INT64_MAX;
        return 0;
    case SERVSIM_OPTION_FLAG:
        value->integer = strchr("tTyY1", value->text[0]) != NULL || strcasecmp(value->text, "on") == 0;
        return 0;
    case SERVSIM_OPTION_LIST:
        return fake_list(value, option, list, 64);
    default:
        return 0;
    }
}

/* The text after "name=" among the pairs, or NULL. */
FAKE_UNUSED static const char *
fake_given(const char *const *pairs, const char *name)
{
    size_t length = strlen(name);
    for (; pairs != NULL && *pairs != NULL; pairs++)
        if (strncmp(*pairs, name, length) == 0 && (*pairs)[length] == '=')
            return *pairs + length + 1;
    return NULL;
}

FAKE_UNUSED static int
fake_bind(struct fake_plugin *plugin, struct servsim_value *values, double *lists, const char *const *pairs)
{
    uint32_t given = 0, count = 0;
    for (uint32_t i = 0; i < plugin->descriptor->option_count; i++) {
        const struct servsim_option *option = &plugin->descriptor->options[i];
        struct servsim_value *value = &values[i];
        value->name = option->name;
        value->text = fake_given(pairs, option->name);
        value->present = value->text != NULL ? 2 : option->default_text != NULL ? 1 : 0;
        given += value->present == 2;
        if (value->text == NULL)
            value->text = option->default_text;
        if (value->present == 0 && (option->flags & SERVSIM_OPTION_REQUIRED))
            return servsim_fail(&plugin->err, EINVAL, "fake host: option %s is required", option->name);
        if (value->present != 0 && fake_value(value, option, lists + 64 * (size_t)i) != 0)
            return servsim_fail(&plugin->err, EINVAL, "fake host: option %s: '%s' is no good", option->name,
                                value->text);
    }
    while (pairs != NULL && pairs[count] != NULL)
        count++;
    return given == count ? 0 : servsim_fail(&plugin->err, EINVAL, "fake host: an option that is not declared");
}

/*
 * Makes the instance, with `pairs` a NULL-terminated list of "name=value" (or NULL). Texts are copies that do not
 * outlive the call. Returns create()'s answer; -EINVAL where the options themselves are no good.
 */
FAKE_UNUSED static int32_t
fake_create(struct fake_plugin *plugin, const void *context, const char *const *pairs)
{
    uint32_t count = plugin->descriptor->option_count;
    struct servsim_value *values = calloc((size_t)count + 1, sizeof *values);
    double *lists = calloc(64 * (size_t)count + 1, sizeof *lists);
    plugin->err.text[0] = '\0';
    int32_t rc = fake_bind(plugin, values, lists, pairs);
    for (uint32_t i = 0; i < count; i++)
        values[i].text = values[i].text != NULL ? strdup(values[i].text) : NULL;
    struct servsim_create args = {.size = (uint32_t)sizeof args,
                                  .value_count = count,
                                  .value_size = (uint32_t)sizeof *values,
                                  .values = values,
                                  .context = context};
    plugin->self = NULL;
    if (rc == 0)
        rc = plugin->descriptor->create(&plugin->host, &args, &plugin->self, &plugin->err);
    for (uint32_t i = 0; i < count; i++)
        free((void *)(uintptr_t)values[i].text);
    free(values);
    free(lists);
    return rc;
}

FAKE_UNUSED static void
fake_destroy(struct fake_plugin *plugin)
{
    if (plugin->self != NULL)
        plugin->descriptor->destroy(plugin->self);
    plugin->self = NULL;
}

#endif
