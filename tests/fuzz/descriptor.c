/*
 * fuzz/descriptor.c - the descriptor of a plugin, made of bytes, and options that are bound to its table.
 *
 * A descriptor says how large it, its option table and its operations are: each lies in memory of just that size. What
 * cannot be checked is where a pointer points, so pointers are NULL or good; texts may hold anything. No function of
 * the plugin is ever called.
 */
#include <string.h>

#include "experiment/node.h"
#include "fuzz.h"
#include "plugin/table.h"

#define TEXTS 64
#define BYTES_MAX 70000u /* of a table: above this its size is refused before it is read */

struct maker {
    const uint8_t *at, *end;
    char *texts[TEXTS];
    size_t text_count;
};

static void
copy(struct maker *maker, void *out, size_t size)
{
    size_t left = (size_t)(maker->end - maker->at), length = size < left ? size : left;
    memset(out, 0, size);
    memcpy(out, maker->at, length);
    maker->at += length;
}

static uint32_t
take(struct maker *maker, size_t size)
{
    uint32_t value = 0;
    copy(maker, &value, size);
    return value;
}

/* One byte says how: NULL, a text that is fit, or so many bytes of the input. */
static const char *
text(struct maker *maker, const char *fit)
{
    uint32_t how = take(maker, 1);
    if (how == 255)
        return NULL;
    if (how >= 128 || maker->text_count == TEXTS)
        return fit;
    char *out = malloc(how + 1);
    if (out == NULL)
        fuzz_fail("no memory");
    copy(maker, out, how);
    out[how] = '\0';
    return maker->texts[maker->text_count++] = out;
}

/* `usual`, or what the input says. */
static uint32_t
number(struct maker *maker, uint32_t usual)
{
    return take(maker, 1) < 224 ? usual : take(maker, 4);
}

static double
bound(struct maker *maker, double usual)
{
    double value = usual;
    if (take(maker, 1) >= 192)
        copy(maker, &value, sizeof value);
    return value;
}

static void
make_option(struct maker *maker, struct servsim_option *row, uint32_t index)
{
    static const char *const fit[] = {"alpha", "beta", "gamma", "delta.one", "delta.two"};
    row->name = text(maker, fit[index % 5]);
    row->unit = text(maker, "");
    row->default_text = text(maker, NULL);
    row->choices = text(maker, "a|b|c");
    row->help = text(maker, "help");
    row->minimum = bound(maker, 0);
    row->maximum = bound(maker, 100);
    row->type = number(maker, 1 + index % 7);
    row->flags = number(maker, 0);
}

/* A block of just `size` bytes that begins with `bytes` of `from`. */
static void *
block(const void *from, size_t bytes, size_t size)
{
    char *out = calloc(1, size > 0 ? size : 1);
    if (out == NULL)
        fuzz_fail("no memory");
    memcpy(out, from, bytes < size ? bytes : size);
    return out;
}

static char *
make_options(struct maker *maker, struct servsim_plugin *plugin)
{
    uint32_t count = plugin->option_count, stride = plugin->option_size;
    if (count == 0 || count > 1024 || stride > 65536 || (uint64_t)count * stride > 1u << 20)
        count = count > 0; /* more than is read; a claim alone */
    if (stride > 65536)
        stride = 8;
    char *rows = calloc(count > 0 ? count : 1, stride > 0 ? stride : 1);
    if (rows == NULL)
        fuzz_fail("no memory");
    for (uint32_t i = 0; i < count; i++) {
        struct servsim_option row;
        make_option(maker, &row, i);
        memcpy(rows + (size_t)i * stride, &row, stride < sizeof row ? stride : sizeof row);
    }
    plugin->options = take(maker, 1) < 240 ? (const void *)rows : NULL;
    return rows;
}

/* Functions that are there, in a table of the kind. */
static void *
make_operations(struct maker *maker, struct servsim_plugin *plugin)
{
    uint32_t size = number(maker, 256), claimed = size;
    uint64_t members[64];
    memset(members, take(maker, 1) < 240 ? 1 : 0, sizeof members);
    if (size < sizeof size || size > BYTES_MAX)
        size = sizeof size; /* refused by the claim */
    char *ops = block(members, sizeof members, size);
    memcpy(ops, &claimed, sizeof claimed);
    plugin->ops = take(maker, 1) < 240 ? ops : NULL;
    return ops;
}

static int32_t
create(const struct servsim_host *host, const struct servsim_create *args, void **self, struct servsim_error *err)
{
    (void)host;
    (void)args;
    (void)self;
    (void)err;
    fuzz_fail("create() was called");
}

static void
destroy(void *self)
{
    (void)self;
    fuzz_fail("destroy() was called");
}

static void
make_head(struct maker *maker, struct servsim_plugin *plugin)
{
    plugin->size = number(maker, sizeof *plugin);
    plugin->abi_major = (uint16_t)number(maker, SERVSIM_ABI_MAJOR);
    plugin->abi_minor = (uint16_t)number(maker, SERVSIM_ABI_MINOR);
    plugin->kind = number(maker, 1 + take(maker, 1) % 6);
    plugin->option_count = number(maker, take(maker, 1) % 6);
    plugin->option_size = number(maker, sizeof(struct servsim_option));
    plugin->name = text(maker, "name");
    plugin->version = text(maker, "1");
    plugin->summary = text(maker, "summary");
    plugin->licence = text(maker, "Apache-2.0");
    plugin->page = text(maker, NULL);
    plugin->create = take(maker, 1) < 240 ? create : NULL;
    plugin->destroy = take(maker, 1) < 240 ? destroy : NULL;
}

/* The rest of the input is what an experiment writes under the plugin's name. */
static void
bind(struct maker *maker, const struct servsim_plugin *plugin)
{
    struct servsim_error err = {.size = sizeof err};
    struct ss_node *map = NULL;
    struct ss_options options = {0};
    int rc = ss_node_parse(&map, (const char *)maker->at, (size_t)(maker->end - maker->at), "plugin", &err);
    if (rc == 0 && map->type == SS_NODE_MAP) {
        rc = ss_options_bind(&options, plugin, map, NULL, ".", &err);
        fuzz_check_answer(rc, &err);
        if (rc == 0)
            ss_options_free(&options);
    }
    ss_node_free(map);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct maker maker = {.at = data, .end = data + size};
    struct servsim_plugin head = {0};
    struct servsim_error err = {.size = sizeof err};
    make_head(&maker, &head);
    char *options = make_options(&maker, &head);
    void *ops = make_operations(&maker, &head);
    size_t bytes = head.size < sizeof(uint32_t) ? sizeof(uint32_t) : head.size > BYTES_MAX ? sizeof head : head.size;
    struct servsim_plugin *plugin = block(&head, sizeof head, bytes);
    int rc = ss_descriptor_check(plugin, &err);
    fuzz_check_answer(rc, &err);
    if (rc == 0)
        bind(&maker, plugin);
    free(plugin);
    free(ops);
    free(options);
    for (size_t i = 0; i < maker.text_count; i++)
        free(maker.texts[i]);
    return 0;
}
