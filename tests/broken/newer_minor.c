/*
 * broken/newer_minor.c - not broken: built against a header of a later minor, whose tables have grown at their ends. It
 * must load, and its options must be read with its own stride.
 */
#include "fit.h"

struct grown_option {
    struct servsim_option option;
    const char *since;
    uint64_t more;
};

struct grown_plugin {
    struct servsim_plugin plugin;
    const char *home_page;
};

struct grown_ops {
    struct servsim_router_ops ops;
    void (*more)(void);
};

static const struct grown_option rows[] = {
    {{"weight", "", "2", NULL, "a weight", 0, 10, SERVSIM_OPTION_NUMBER, 0}, "1.9", 1},
    {{"patience", "ms", "50ms", NULL, "a time", 0, 1000, SERVSIM_OPTION_NUMBER, 0}, "1.9", 2},
};

static const struct grown_ops grown_ops = {{.size = sizeof grown_ops, .route = fit_route}, NULL};

SERVSIM_EXPORT int32_t
servsim_plugin_at(uint32_t index, const struct servsim_plugin **out)
{
    static struct grown_plugin grown;
    if (index != 0)
        return 0;
    grown.plugin = fit;
    grown.plugin.size = sizeof grown;
    grown.plugin.abi_minor = SERVSIM_ABI_MINOR + 9;
    grown.plugin.name = "newer";
    grown.plugin.options = &rows[0].option;
    grown.plugin.option_count = 2;
    grown.plugin.option_size = sizeof rows[0];
    grown.plugin.ops = &grown_ops;
    *out = &grown.plugin;
    return 1;
}
