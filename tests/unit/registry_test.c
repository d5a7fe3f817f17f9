/*
 * unit/registry_test.c - finding plugins, and refusing those that are broken with the right words.
 */
#include "plugin/registry.h"

#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "experiment/node.h"
#include "plugin/table.h"
#include "tests/unit/harness.h"
#include "tests/unit/scratch.h"

static struct ss_registry *
list_folders(const char *first, const char *second)
{
    struct ss_registry *registry = NULL;
    struct servsim_error err = {.size = sizeof err};
    const char *const paths[] = {first, NULL, second};
    CU_ASSERT_EQUAL_FATAL(ss_registry_open(&registry, paths, 3, &err), 0);
    CU_ASSERT_EQUAL(ss_registry_count(registry), 0);
    return registry;
}

/* All that is there. */
static struct ss_registry *
open_folders(const char *first, const char *second)
{
    struct servsim_error err = {.size = sizeof err};
    struct ss_registry *registry = list_folders(first, second);
    CU_ASSERT_EQUAL_FATAL(ss_registry_complete(registry, 0, &err), 0);
    return registry;
}

static const char *
reason_for(const struct ss_registry *registry, const char *file)
{
    for (size_t i = 0; i < ss_registry_refusal_count(registry); i++) {
        const struct ss_refusal *refusal = ss_registry_refusal_at(registry, i);
        const char *slash = strrchr(refusal->path, '/');
        if (slash != NULL && strcmp(slash + 1, file) == 0)
            return refusal->reason;
    }
    return "(not refused)";
}

/* ---- what is wrong inside ---- */

static const struct {
    const char *plugin, *words;
} broken[] = {
    {"no_symbol", "no servsim plugin|does not export servsim_plugin_at()"},
    {"nothing", "holds no plugin"},
    {"nonsense", "servsim_plugin_at(0) answered -7|1 or 0"},
    {"endless", "without end"},
    {"null_descriptor", "handed out no descriptor"},
    {"zero_size", "size is 0|sizeof(struct servsim_plugin)"},
    {"small_size", "size is|at least"},
    {"other_major", "built for plugin ABI 7.3|this servsim has 1."},
    {"unknown_kind", "kind 99 is unknown"},
    {"null_name", "name is NULL"},
    {"bad_name", "name is not legal"},
    {"null_licence", "licence is NULL"},
    {"two_lines", "summary is no line"},
    {"null_create", "create is NULL"},
    {"null_destroy", "destroy is NULL"},
    {"null_ops", "ops is NULL|router"},
    {"missing_op", "required operation route() is NULL"},
    {"short_ops", "ops.size is 8|does not cover the required route()"},
    {"null_options", "3 options and no table"},
    {"small_option", "option_size is 16"},
    {"bad_default", "default of option 'weight'|'heavy' is not a number"},
    {"default_out_of_bounds", "default of option 'weight'|'11' is out of bounds; write 0 to 10"},
    {"bad_bounds", "'weight' has bounds that nothing can meet"},
    {"no_choices", "'way' is a choice without choices"},
    {"unknown_type", "'weight' has type 77"},
    {"option_twice", "'way' is declared twice"},
    {"option_and_map", "'peak' and 'peak.bf16' cannot both"},
    {"reserved_option", "'plugin' has a name that the host keeps"},
};

#define BROKEN_COUNT (sizeof broken / sizeof broken[0])

static void
test_broken(void)
{
    char folder[256], file[64];
    scratch_open(folder);
    for (size_t i = 0; i < BROKEN_COUNT; i++) {
        (void)snprintf(file, sizeof file, "%s.so", broken[i].plugin);
        (void)scratch_plugin(folder, broken[i].plugin, file);
    }
    (void)scratch_plugin(folder, "sound", "sound.so");
    struct ss_registry *registry = open_folders(folder, NULL);
    CU_ASSERT_EQUAL(ss_registry_refusal_count(registry), BROKEN_COUNT);
    for (size_t i = 0; i < BROKEN_COUNT; i++) {
        (void)snprintf(file, sizeof file, "%s.so", broken[i].plugin);
        const char *reason = reason_for(registry, file);
        CU_ASSERT_TRUE(scratch_says(reason, broken[i].words));
        CU_ASSERT_TRUE(scratch_is_one_line(reason));
    }
    CU_ASSERT_EQUAL(ss_registry_count(registry), 12); /* the sound ones are all there */
    ss_registry_close(registry);
    scratch_close(folder);
}

static void
test_one_of_two(void)
{
    char folder[256];
    const struct ss_plugin *plugin;
    struct servsim_error err = {.size = sizeof err};
    scratch_open(folder);
    (void)scratch_plugin(folder, "one_of_two", "both.so");
    struct ss_registry *registry = open_folders(folder, NULL);
    CU_ASSERT_TRUE(scratch_says(reason_for(registry, "both.so"), "plugin 0 in it: plugin kind 4711 is unknown"));
    CU_ASSERT_EQUAL(ss_registry_find(registry, SERVSIM_KIND_ROUTER, "sound", ".", &plugin, &err), 0);
    ss_registry_close(registry);
    scratch_close(folder);
}

/* A plugin from a later minor of this major: longer tables, which are read with their own stride. */
static void
test_newer(void)
{
    char folder[256];
    struct ss_use use = {0};
    struct ss_node *map;
    struct ss_instance instance;
    struct servsim_host host = {.size = sizeof host};
    struct servsim_error err = {.size = sizeof err};
    scratch_open(folder);
    (void)scratch_plugin(folder, "newer_minor", "newer.so");
    struct ss_registry *registry = open_folders(folder, NULL);
    CU_ASSERT_EQUAL(ss_registry_refusal_count(registry), 0);
    CU_ASSERT_EQUAL_FATAL(ss_registry_find(registry, SERVSIM_KIND_ROUTER, "newer", ".", &use.plugin, &err), 0);
    CU_ASSERT_EQUAL_FATAL(ss_node_parse(&map, "patience: 0.7s", 14, "x", &err), 0);
    CU_ASSERT_EQUAL_FATAL(ss_options_bind(&use.options, use.plugin->descriptor, map, NULL, ".", &err), 0);
    CU_ASSERT_EQUAL(ss_options_get(&use.options, "weight")->number, 2);
    CU_ASSERT_EQUAL(ss_options_get(&use.options, "patience")->number, 700);
    CU_ASSERT_EQUAL(ss_instance_create(&instance, &use, &host, NULL, &err), 0);
    ss_instance_destroy(&instance);
    ss_options_free(&use.options);
    ss_node_free(map);
    ss_registry_close(registry);
    scratch_close(folder);
}

/* ---- what is wrong outside ---- */

static void
test_files(void)
{
    char folder[256], *data, junk[4096];
    size_t length;
    struct servsim_error err = {.size = sizeof err};
    struct servsim_random random = {3};
    scratch_open(folder);
    (void)scratch_puts(folder, "empty.so", "");
    (void)scratch_puts(folder, "text.so", "#!/bin/sh\necho I am no plugin\n");
    (void)scratch_puts(folder, "short.so",
                       "\x7f"
                       "ELF");
    CU_ASSERT_EQUAL(mkdir(scratch_path(folder, "folder.so"), 0755), 0);
    CU_ASSERT_EQUAL(mkfifo(scratch_path(folder, "fifo.so"), 0600), 0);
    CU_ASSERT_EQUAL(symlink("/nowhere", scratch_path(folder, "dangling.so")), 0);
    const char *sound = scratch_plugin(folder, "sound", "good.so");
    CU_ASSERT_EQUAL_FATAL(ss_file_read(sound, 1 << 24, &data, &length, &err), 0);
    (void)scratch_write(folder, "world.so", data, length, 0666);
    (void)scratch_write(folder, "group.so", data, length, 0664);
    (void)scratch_write(folder, "half.so", data, length / 2, 0644);
    (void)scratch_write(folder, "head.so", data, 64, 0644);
    (void)scratch_write(folder, ".hidden.so", data, length, 0644);
    (void)scratch_write(folder, "other.txt", data, length, 0644);
    for (size_t i = 0; i < sizeof junk; i++)
        junk[i] = (char)servsim_random_u64(&random);
    memcpy(junk, data, 64); /* a true header, then noise */
    (void)scratch_write(folder, "noise.so", junk, sizeof junk, 0644);
    data[18] = 8; /* MIPS */
    (void)scratch_write(folder, "machine.so", data, length, 0644);
    free(data);
    CU_ASSERT_EQUAL(symlink("good.so", scratch_path(folder, "link.so")), 0);
    static const struct {
        const char *file, *words;
    } cases[] = {
        {"empty.so", "is empty"},
        {"text.so", "is no shared object"},
        {"short.so", "is no shared object"},
        {"folder.so", "is a folder"},
        {"fifo.so", "is no regular file"},
        {"dangling.so", "cannot be opened: No such file"},
        {"world.so", "is writable by group or others; run chmod go-w"},
        {"group.so", "is writable by group or others"},
        {"half.so", "is cut short"},
        {"head.so", "is cut short"},
        {"noise.so", "s"},
        {"machine.so", "another kind of machine"},
        {"link.so", "(not refused)"},
        {"good.so", "(not refused)"},
    };
    struct ss_registry *registry = open_folders(folder, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CU_ASSERT_TRUE(scratch_says(reason_for(registry, cases[i].file), cases[i].words));
    CU_ASSERT_EQUAL(ss_registry_refusal_count(registry), 12);
    CU_ASSERT_EQUAL(ss_registry_count(registry), 12);
    CU_ASSERT_PTR_NULL(ss_registry_refusal_at(registry, 12));
    CU_ASSERT_PTR_NULL(ss_registry_at(registry, 12));
    ss_registry_close(registry);
    scratch_close(folder);
}

static void
test_owner(void)
{
    char folder[256];
    if (geteuid() != 0)
        ss_skip("only root can give a file away");
    scratch_open(folder);
    const char *path = scratch_plugin(folder, "sound", "foreign.so");
    CU_ASSERT_EQUAL(chown(path, 12345, 12345), 0);
    struct ss_registry *registry = open_folders(folder, NULL);
    CU_ASSERT_TRUE(scratch_says(reason_for(registry, "foreign.so"), "belongs to user 12345|root's or yours"));
    CU_ASSERT_EQUAL(ss_registry_count(registry), 0);
    ss_registry_close(registry);
    scratch_close(folder);
}

static void
test_open_folder(void)
{
    char folder[256];
    scratch_open(folder);
    (void)scratch_plugin(folder, "sound", "a.so");
    CU_ASSERT_EQUAL(chmod(folder, 0777), 0);
    struct ss_registry *registry = open_folders(folder, NULL);
    CU_ASSERT_TRUE(scratch_says(reason_for(registry, "a.so"), "folder that everybody may write to"));
    ss_registry_close(registry);
    CU_ASSERT_EQUAL(chmod(folder, 01777), 0); /* as /tmp is: nobody can replace the file of another */
    registry = open_folders(folder, NULL);
    CU_ASSERT_EQUAL(ss_registry_count(registry), 12);
    ss_registry_close(registry);
    scratch_close(folder);
}

/* ---- order and names ---- */

static void
test_order(void)
{
    char first[256], second[256], list[600];
    const struct ss_plugin *plugin = NULL;
    struct servsim_error err = {.size = sizeof err};
    scratch_open(first);
    scratch_open(second);
    (void)scratch_plugin(second, "sound", "sound.so");
    (void)scratch_plugin(first, "sound", "sound.so"); /* another file of the same content */
    (void)snprintf(list, sizeof list, ":/nowhere:%s::", first);
    struct ss_registry *registry = open_folders(list, second);
    CU_ASSERT_EQUAL(ss_registry_count(registry), 12);
    CU_ASSERT_EQUAL(ss_registry_refusal_count(registry), 1);
    CU_ASSERT_STRING_EQUAL(ss_registry_refusal_at(registry, 0)->path, "/nowhere");
    CU_ASSERT_EQUAL(ss_registry_find(registry, SERVSIM_KIND_SCHEDULER, "FCFS", ".", &plugin, &err), 0);
    CU_ASSERT_TRUE(plugin != NULL && strncmp(plugin->path, first, strlen(first)) == 0);
    for (size_t i = 1; i < 12; i++) {
        const struct servsim_plugin *a = ss_registry_at(registry, i - 1)->descriptor;
        const struct servsim_plugin *b = ss_registry_at(registry, i)->descriptor;
        CU_ASSERT_TRUE(a->kind < b->kind || (a->kind == b->kind && strcasecmp(a->name, b->name) < 0));
    }
    ss_registry_close(registry);
    registry = open_folders(NULL, "");
    CU_ASSERT_EQUAL(ss_registry_count(registry), 0);
    ss_registry_close(registry);
    ss_registry_close(NULL);
    scratch_close(first);
    scratch_close(second);
}

/* Of which file is the scheduler? */
static const char *
file_of(struct ss_registry *registry, const char *name)
{
    const struct ss_plugin *plugin = NULL;
    struct servsim_error err = {.size = sizeof err};
    CU_ASSERT_EQUAL_FATAL(ss_registry_find(registry, SERVSIM_KIND_SCHEDULER, name, ".", &plugin, &err), 0);
    return strrchr(plugin->path, '/') + 1;
}

/* What is found does not depend on what was opened before. */
static void
test_opened_late(void)
{
    char first[256], second[256];
    struct servsim_error err = {.size = sizeof err};
    scratch_open(first);
    scratch_open(second);
    (void)scratch_plugin(first, "sound", "a.so");
    (void)scratch_plugin(first, "sound", "Scheduler_FCFS.so");
    (void)scratch_plugin(first, "newer_minor", "router_newer.so");
    (void)scratch_plugin(second, "sound", "scheduler_predictive.so");
    struct ss_registry *registry = list_folders(first, second);
    CU_ASSERT_STRING_EQUAL(file_of(registry, "fcfs"), "Scheduler_FCFS.so");
    CU_ASSERT_EQUAL(ss_registry_count(registry), 12); /* nothing else was opened */
    CU_ASSERT_EQUAL(ss_registry_complete(registry, SERVSIM_KIND_ROUTER, &err), 0);
    CU_ASSERT_EQUAL(ss_registry_count(registry), 13);
    CU_ASSERT_EQUAL(ss_registry_complete(registry, 0, &err), 0);
    CU_ASSERT_EQUAL(ss_registry_count(registry), 13);
    CU_ASSERT_STRING_EQUAL(file_of(registry, "fcfs"), "Scheduler_FCFS.so");
    ss_registry_close(registry);
    registry = open_folders(first, second);
    CU_ASSERT_STRING_EQUAL(file_of(registry, "fcfs"), "Scheduler_FCFS.so");
    ss_registry_close(registry);
    registry = list_folders(second, first);
    CU_ASSERT_EQUAL(ss_registry_complete(registry, SERVSIM_KIND_ROUTER, &err), 0);
    CU_ASSERT_STRING_EQUAL(file_of(registry, "fcfs"), "scheduler_predictive.so"); /* of the first folder */
    ss_registry_close(registry);
    scratch_close(first);
    scratch_close(second);
}

static void
expect_unknown(struct ss_registry *registry, uint32_t kind, const char *name, const char *base, const char *words)
{
    const struct ss_plugin *plugin = NULL;
    struct servsim_error err = {.size = sizeof err};
    CU_ASSERT_TRUE(ss_registry_find(registry, kind, name, base, &plugin, &err) < 0);
    CU_ASSERT_TRUE(scratch_says(err.text, words));
    CU_ASSERT_TRUE(scratch_is_one_line(err.text));
}

static void
test_names(void)
{
    char folder[256], apart[256], path[600];
    const struct ss_plugin *plugin = NULL, *again = NULL;
    struct servsim_error err = {.size = sizeof err};
    scratch_open(folder);
    scratch_open(apart);
    (void)scratch_plugin(folder, "sound", "sound.so");
    (void)scratch_plugin(folder, "bad_default", "router_fancy.so");
    (void)scratch_plugin(apart, "newer_minor", "newer.so");
    (void)scratch_plugin(apart, "sound", "many.so");
    (void)scratch_puts(apart, "text.so", "no plugin");
    struct ss_registry *registry = open_folders(folder, NULL);
    CU_ASSERT_EQUAL(ss_registry_find(registry, SERVSIM_KIND_ROUTER, "round_ROBIN", ".", &plugin, &err), 0);
    expect_unknown(registry, SERVSIM_KIND_SCHEDULER, "fcsf", ".",
                   "unknown scheduler plugin 'fcsf'|did you mean 'fcfs'?|known: fcfs, predictive");
    expect_unknown(registry, SERVSIM_KIND_ROUTER, "fcfs", ".", "unknown router plugin 'fcfs'|known: least_loaded");
    expect_unknown(registry, SERVSIM_KIND_ROUTER, "fancy", ".", "router_fancy.so was refused|heavy|known:");
    expect_unknown(registry, SERVSIM_KIND_PREDICTOR, "any", ".", "unknown predictor plugin 'any'|none is installed");
    expect_unknown(registry, SERVSIM_KIND_ROUTER, "", ".", "unknown router plugin ''");
    expect_unknown(registry, 4711, "x", ".", "kind 4711 is unknown");
    /* By its path: relative to the file that names it, loaded once, and no name finds it. */
    CU_ASSERT_EQUAL(ss_registry_find(registry, SERVSIM_KIND_ROUTER, "./newer.so", apart, &plugin, &err), 0);
    (void)snprintf(path, sizeof path, "%s/newer.so", apart);
    CU_ASSERT_STRING_EQUAL(plugin->path, path);
    CU_ASSERT_EQUAL(ss_registry_find(registry, SERVSIM_KIND_ROUTER, path, "/", &again, &err), 0);
    CU_ASSERT_PTR_EQUAL(plugin, again);
    expect_unknown(registry, SERVSIM_KIND_ROUTER, "newer", ".", "unknown router plugin 'newer'");
    /* What was meant for a file is answered with how a file is written. */
    (void)scratch_plugin(apart, "sound", "router_far.so");
    expect_unknown(registry, SERVSIM_KIND_ROUTER, "newer", apart,
                   "a file is named with a slash: write ./newer.so; known:");
    expect_unknown(registry, SERVSIM_KIND_ROUTER, "newer.so", apart, "write ./newer.so;");
    expect_unknown(registry, SERVSIM_KIND_ROUTER, "far", apart, "write ./router_far.so;");
    expect_unknown(registry, SERVSIM_KIND_HARDWARE, "far", apart, "unknown hardware plugin 'far'; |known:");
    CU_ASSERT_EQUAL(ss_registry_count(registry), 12);
    expect_unknown(registry, SERVSIM_KIND_SCHEDULER, "./newer.so", apart, "holds no scheduler plugin, but the router");
    expect_unknown(registry, SERVSIM_KIND_SCHEDULER, "./many.so", apart, "many.so holds 2 scheduler plugins");
    expect_unknown(registry, SERVSIM_KIND_SCHEDULER, "./text.so", apart, "text.so: is no shared object");
    expect_unknown(registry, SERVSIM_KIND_SCHEDULER, "./none.so", apart, "none.so: cannot be opened");
    CU_ASSERT_STRING_EQUAL(ss_kind_name(ss_kind_of("Router")), "router");
    CU_ASSERT_EQUAL(ss_kind_of("nothing"), 0);
    CU_ASSERT_PTR_NULL(ss_kind_name(0));
    ss_registry_close(registry);
    scratch_close(folder);
    scratch_close(apart);
}

/* Files come and go under the same descriptor numbers: none may be taken for another. */
static void
test_no_aliases(void)
{
    char folder[256];
    struct servsim_error err = {.size = sizeof err};
    const struct ss_plugin *plugin;
    scratch_open(folder);
    const char *first = scratch_plugin(folder, "newer_minor", "a.so");
    for (int i = 0; i < 3; i++) {
        struct ss_registry *registry = open_folders(folder, NULL);
        CU_ASSERT_EQUAL(ss_registry_find(registry, SERVSIM_KIND_ROUTER, "newer", ".", &plugin, &err), 0);
        ss_registry_close(registry);
    }
    CU_ASSERT_EQUAL(unlink(first), 0);
    (void)scratch_plugin(folder, "one_of_two", "a.so"); /* the same path, the same number, another file */
    struct ss_registry *registry = open_folders(folder, NULL);
    CU_ASSERT_EQUAL(ss_registry_find(registry, SERVSIM_KIND_ROUTER, "sound", ".", &plugin, &err), 0);
    CU_ASSERT_TRUE(ss_registry_find(registry, SERVSIM_KIND_ROUTER, "newer", ".", &plugin, &err) < 0);
    ss_registry_close(registry);
    scratch_close(folder);
}

static void
test_instances(void)
{
    char folder[256];
    struct ss_use use = {0};
    struct ss_node *map;
    struct ss_instance instance;
    struct servsim_host host = {.size = sizeof host};
    struct servsim_error err = {.size = sizeof err};
    scratch_open(folder);
    (void)scratch_plugin(folder, "sound", "sound.so");
    struct ss_registry *registry = open_folders(folder, NULL);
    CU_ASSERT_EQUAL_FATAL(ss_registry_find(registry, SERVSIM_KIND_HARDWARE, "custom", ".", &use.plugin, &err), 0);
    CU_ASSERT_EQUAL(ss_options_bind(&use.options, use.plugin->descriptor, NULL, NULL, ".", &err), 0);
    CU_ASSERT_EQUAL(ss_instance_create(&instance, &use, &host, NULL, &err), 0);
    CU_ASSERT_PTR_EQUAL(instance.descriptor, use.plugin->descriptor);
    ss_instance_destroy(&instance);
    ss_instance_destroy(&instance); /* nothing is there any more */
    ss_options_free(&use.options);
    CU_ASSERT_EQUAL_FATAL(ss_node_parse(&map, "fail: well", 10, "x", &err), 0);
    CU_ASSERT_EQUAL(ss_options_bind(&use.options, use.plugin->descriptor, map, NULL, ".", &err), 0);
    CU_ASSERT_EQUAL(ss_instance_create(&instance, &use, &host, NULL, &err), -EDOM);
    CU_ASSERT_STRING_EQUAL(err.text, "hardware plugin 'custom': told to fail: well");
    CU_ASSERT_PTR_NULL(instance.descriptor);
    ss_options_free(&use.options);
    ss_node_free(map);
    ss_registry_close(registry);
    scratch_close(folder);
}

int
main(void)
{
    static const struct ss_case cases[] = {
        {"each broken plugin is refused with the right words", test_broken},
        {"one of two in a file is refused", test_one_of_two},
        {"a plugin from a later minor loads", test_newer},
        {"files that are no plugins", test_files},
        {"files of other people", test_owner},
        {"folders that everybody may write to", test_open_folder},
        {"the first of a name wins", test_order},
        {"files are opened when they are needed", test_opened_late},
        {"names, paths and advice", test_names},
        {"no file is taken for another", test_no_aliases},
        {"instances", test_instances},
    };
    return ss_run_cases("registry", cases, sizeof cases / sizeof cases[0]);
}
