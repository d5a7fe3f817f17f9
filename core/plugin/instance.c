/*
 * plugin/instance.c - live instances of plugins.
 */
#include "plugin/registry.h"

#include <ctype.h>

/* Error texts of plugins are made one line, whatever they hold. */
static void
one_line(struct servsim_error *err)
{
    err->text[sizeof err->text - 1] = '\0';
    for (char *at = err->text; *at != '\0'; at++)
        if (iscntrl((unsigned char)*at))
            *at = ' ';
}

int
ss_instance_create(struct ss_instance *out, const struct ss_use *use, const struct servsim_host *host,
                   const void *context, struct servsim_error *err)
{
    const struct servsim_plugin *plugin = use->plugin->descriptor;
    struct servsim_create args = {
        .size = sizeof args,
        .value_count = use->options.count,
        .value_size = sizeof(struct servsim_value),
        .values = use->options.values,
        .context = context,
    };
    struct servsim_error why = {.size = sizeof why};
    out->descriptor = plugin;
    out->self = NULL;
    int32_t rc = plugin->create(host, &args, &out->self, &why);
    if (rc >= 0)
        return 0;
    out->descriptor = NULL;
    out->self = NULL;
    one_line(&why);
    return servsim_fail(err, -rc, "%s plugin '%s': %.900s", ss_kind_name(plugin->kind), plugin->name,
                        why.text[0] != '\0' ? why.text : "it cannot start, and does not say why");
}

void
ss_instance_destroy(struct ss_instance *instance)
{
    if (instance->descriptor != NULL)
        instance->descriptor->destroy(instance->self);
    instance->descriptor = NULL;
    instance->self = NULL;
}
