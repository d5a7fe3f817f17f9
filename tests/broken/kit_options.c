/*
 * broken/kit_options.c - routers that look at other options than those that they declare, and two that do nothing
 * wrong, for the conformance kit.
 */
#include "fit.h"

/* What is read must matter, or compilers leave the reading out. */
static volatile double sink;

/* Looked at only under one setting of another. */
static void
look_at_window(const struct servsim_create *args)
{
    const char *mode = servsim_text(args, "mode");
    if (mode != NULL && strcmp(mode, "windowed") == 0)
        sink = servsim_number(args, "window");
}

static int32_t
create_sound(const struct servsim_host *host, const struct servsim_create *args, void **self, struct servsim_error *err)
{
    look_at_window(args);
    sink = servsim_present(args, "ageing");
    return fit_create(host, args, self, err);
}

static int32_t
create_unread(const struct servsim_host *host, const struct servsim_create *args, void **self,
              struct servsim_error *err)
{
    look_at_window(args);
    return fit_create(host, args, self, err);
}

static int32_t
create_misspelt(const struct servsim_host *host, const struct servsim_create *args, void **self,
                struct servsim_error *err)
{
    look_at_window(args);
    sink = (double)servsim_integer(args, "agieng");
    return fit_create(host, args, self, err);
}

static int32_t
create_undeclared(const struct servsim_host *host, const struct servsim_create *args, void **self,
                  struct servsim_error *err)
{
    sink = (double)servsim_integer(args, "patience");
    return create_sound(host, args, self, err);
}

/* Takes a copy of everything, as a binding to another language may. */
static int32_t
create_copies(const struct servsim_host *host, const struct servsim_create *args, void **self,
              struct servsim_error *err)
{
    for (uint32_t i = 0; i < args->value_count; i++) {
        struct servsim_value copy;
        memcpy(&copy, (const char *)args->values + (size_t)i * args->value_size, sizeof copy);
        if (copy.name == NULL)
            return servsim_fail(err, EINVAL, "an option without a name");
        sink = copy.number;
    }
    return fit_create(host, args, self, err);
}

static const struct servsim_option rows[] = {
    {"mode", "", "plain", "plain|windowed", "how", 0, 0, SERVSIM_OPTION_CHOICE, 0},
    {"window", "s", "5", NULL, "how long", 0, 100, SERVSIM_OPTION_NUMBER, 0},
    {"ageing", "", "10", NULL, "how much", 0, 100, SERVSIM_OPTION_INTEGER, 0},
};

#define PLUGIN(name_, create_)                                                                                         \
    {                                                                                                                  \
        SERVSIM_PLUGIN_HEAD(SERVSIM_KIND_ROUTER, rows), .name = (name_), .version = "1", .summary = "for tests",       \
                                                        .licence = "Apache-2.0", .options = rows, .create = (create_), \
                                                        .destroy = fit_destroy, .ops = &fit_ops                        \
    }

static const struct servsim_plugin plugins[] = {
    PLUGIN("sound", create_sound),           PLUGIN("unread", create_unread), PLUGIN("misspelt", create_misspelt),
    PLUGIN("undeclared", create_undeclared), PLUGIN("copies", create_copies),
};

SERVSIM_EXPORT int32_t
servsim_plugin_at(uint32_t index, const struct servsim_plugin **out)
{
    if (index >= sizeof plugins / sizeof plugins[0])
        return 0;
    *out = &plugins[index];
    return 1;
}
