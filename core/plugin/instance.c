/*
 * plugin/instance.c - uses of plugins, and live instances.
 */
#include "plugin/registry.h"

#include <ctype.h>

static int
same_text(const char *left, const char *right)
{
    return left == right || (left != NULL && right != NULL && strcmp(left, right) == 0);
}

static int
same_value(const struct servsim_value *left, const struct servsim_value *right)
{
    if (!left->present && !right->present)
        return 1;
    return left->present == right->present && left->integer == right->integer && left->number == right->number &&
           same_text(left->text, right->text) && left->list_count == right->list_count &&
           (left->list_count == 0 || memcmp(left->list, right->list, left->list_count * sizeof *left->list) == 0);
}

int
ss_use_equal(const struct ss_use *left, const struct ss_use *right)
{
    if (left->plugin != right->plugin || left->options.count != right->options.count)
        return 0;
    for (uint32_t i = 0; i < left->options.count; i++)
        if (!same_value(&left->options.values[i], &right->options.values[i]))
            return 0;
    return 1;
}

const char *
ss_use_path(const struct ss_use *use, uint32_t index)
{
    const struct servsim_plugin *plugin = use->plugin->descriptor;
    const struct servsim_option *option =
        (const void *)((const char *)plugin->options + (size_t)index * plugin->option_size);
    const struct servsim_value *value = &use->options.values[index];
    return option->type == SERVSIM_OPTION_PATH && value->present ? value->text : NULL;
}

int
ss_use_names_file(const struct ss_use *use)
{
    for (uint32_t i = 0; i < use->options.count; i++)
        if (ss_use_path(use, i) != NULL)
            return 1;
    return 0;
}

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
