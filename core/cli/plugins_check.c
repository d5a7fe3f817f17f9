/*
 * cli/plugins_check.c - servsim plugins check: the conformance kit, for people and for scripts.
 */
#include <math.h>
#include <stdlib.h>

#include "cli/plugins.h"
#include "conform/conform.h"
#include "plugin/search.h"

#define TIMEOUT_S 30.0

static const char usage[] =
    "usage: servsim plugins check FILE.so [--kind KIND] [--name NAME] [--set OPTION=VALUE]... [--law TEXT]\n"
    "                             [--model MODEL] [--timeout SECONDS] [--json]\n"
    "\n"
    "Tries every plugin of a file against the laws of its kind, each law in a process of its own. A name without a "
    "slash\n"
    "means the installed plugin. Exit status: 0 all laws kept, 1 some broken, 2 nothing could be tried.\n"
    "\n"
    "  --kind KIND         only plugins of this kind\n"
    "  --name NAME         only the plugin of this name\n"
    "  --set OPTION=VALUE  an option of the plugin, as an experiment writes it; those that are required must be given\n"
    "  --law TEXT          only the laws whose names hold this text\n"
    "  --model MODEL       what a device prices for (default llama-3.1-8b); measured tables know some models only\n"
    "  --timeout SECONDS   for each law (default 30)\n"
    "  --json              one object instead of text\n";

struct flags {
    struct ss_conform_request request;
    int json;
};

/* The value of "--flag VALUE" or "--flag=VALUE" at argv[*i], or NULL. */
static const char *
value_of(const char *flag, int argc, char **argv, int *i)
{
    size_t length = strlen(flag);
    if (strncmp(argv[*i], flag, length) != 0)
        return NULL;
    if (argv[*i][length] == '=')
        return argv[*i] + length + 1;
    return argv[*i][length] == '\0' && *i + 1 < argc ? argv[++*i] : NULL;
}

static int
read_kind(struct flags *flags, const char *name)
{
    flags->request.kind = ss_kind_or_complain(name);
    return flags->request.kind != 0 ? 0 : SS_EXIT_BAD;
}

static int
read_timeout(struct flags *flags, const char *text)
{
    char *end = NULL;
    flags->request.timeout_s = strtod(text, &end);
    if (end != text && *end == '\0' && isfinite(flags->request.timeout_s) && flags->request.timeout_s > 0)
        return 0;
    return ss_complain_text("--timeout %.40s: write seconds, such as --timeout 30", text);
}

/* One flag with a value; 1 where argv[*i] is none of them. */
static int
read_flag(struct flags *flags, const char **sets, int argc, char **argv, int *i)
{
    const char *value;
    if ((value = value_of("--kind", argc, argv, i)) != NULL)
        return read_kind(flags, value);
    if ((value = value_of("--timeout", argc, argv, i)) != NULL)
        return read_timeout(flags, value);
    if ((value = value_of("--name", argc, argv, i)) != NULL)
        flags->request.name = value;
    else if ((value = value_of("--law", argc, argv, i)) != NULL)
        flags->request.law = value;
    else if ((value = value_of("--model", argc, argv, i)) != NULL)
        flags->request.model = value;
    else if ((value = value_of("--set", argc, argv, i)) != NULL)
        sets[flags->request.set_count++] = value;
    else
        return 1;
    return 0;
}

/* -1: help was printed; 0; or an exit status. */
static int
read_flags(struct flags *flags, const char **sets, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            (void)fputs(usage, stdout);
            return -1;
        }
        if (strcmp(argv[i], "--json") == 0) {
            flags->json = 1;
            continue;
        }
        int rc = read_flag(flags, sets, argc, argv, &i);
        if (rc == 1 && argv[i][0] != '-' && flags->request.file == NULL)
            flags->request.file = argv[i];
        else if (rc == 1)
            return ss_complain_text("plugins check: '%.64s' is not understood; see servsim plugins check --help",
                                    argv[i]);
        else if (rc != 0)
            return rc;
    }
    if (flags->request.file == NULL)
        return ss_complain_text("plugins check wants a file; write servsim plugins check ./FILE.so");
    return 0;
}

/* A name without a slash that is no file here: the installed plugin. */
static int
find_file(struct flags *flags, const struct ss_lookup *lookup)
{
    const char *name = flags->request.file;
    FILE *file = fopen(name, "rb");
    if (file != NULL)
        (void)fclose(file);
    if (file != NULL || strchr(name, '/') != NULL)
        return 0;
    struct servsim_error err = {.size = sizeof err};
    if (ss_registry_complete(lookup->registry, 0, &err) != 0)
        return ss_complain(&err);
    for (size_t i = 0; i < ss_registry_count(lookup->registry); i++) {
        const struct ss_plugin *plugin = ss_registry_at(lookup->registry, i);
        if (strcasecmp(plugin->descriptor->name, name) != 0 ||
            (flags->request.kind != 0 && flags->request.kind != plugin->descriptor->kind))
            continue;
        flags->request.file = plugin->path;
        flags->request.name = plugin->descriptor->name;
        flags->request.kind = plugin->descriptor->kind;
        return 0;
    }
    char near[SS_FILE_NEAR_BYTES];
    if (ss_file_near(ss_kind_name(flags->request.kind), name, ".", near))
        return ss_complain_text("%.200s is no file and no installed plugin; write %s", name, near);
    return ss_complain_text("%.200s is no file and no installed plugin; servsim plugins lists those", name);
}

/* ---- what came of it ---- */

static const char *const states[] = {"kept", "broken", "left out"};

static size_t
count_of(const struct ss_conformance *plugins, size_t count, uint32_t status)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < plugins[i].count; k++)
            found += plugins[i].verdicts[k].status == status;
    return found;
}

static void
print_plugin(const struct ss_conformance *plugin)
{
    (void)printf("%s '%s' %s\n", ss_kind_name(plugin->kind), plugin->name, plugin->version);
    for (size_t i = 0; i < plugin->count; i++) {
        const struct ss_verdict *verdict = &plugin->verdicts[i];
        (void)printf("  %-8s  %s (%.2f s)\n", states[verdict->status], verdict->law, verdict->seconds);
        if (verdict->text[0] != '\0')
            (void)printf("            %s\n", verdict->text);
    }
}

static void
print_text(const struct ss_conformance *plugins, size_t count)
{
    for (size_t i = 0; i < count; i++)
        print_plugin(&plugins[i]);
    (void)printf("%zu laws kept, %zu broken, %zu left out\n", count_of(plugins, count, SS_LAW_KEPT),
                 count_of(plugins, count, SS_LAW_BROKEN), count_of(plugins, count, SS_LAW_LEFT_OUT));
}

static json_t *
verdict_json(const struct ss_verdict *verdict)
{
    json_t *object = json_object();
    (void)json_object_set_new(object, "law", json_string(verdict->law));
    (void)json_object_set_new(object, "status", json_string(states[verdict->status]));
    (void)json_object_set_new(object, "text", ss_text_json(verdict->text));
    (void)json_object_set_new(object, "seconds", json_real(round(verdict->seconds * 1e3) / 1e3));
    return object;
}

static json_t *
plugin_json(const struct ss_conformance *plugin)
{
    json_t *object = json_object(), *laws = json_array();
    (void)json_object_set_new(object, "kind", json_string(ss_kind_name(plugin->kind)));
    (void)json_object_set_new(object, "name", ss_text_json(plugin->name));
    (void)json_object_set_new(object, "version", ss_text_json(plugin->version));
    for (size_t i = 0; i < plugin->count; i++)
        (void)json_array_append_new(laws, verdict_json(&plugin->verdicts[i]));
    (void)json_object_set_new(object, "laws", laws);
    return object;
}

static int
print_all_json(const char *file, const struct ss_conformance *plugins, size_t count)
{
    json_t *object = json_object(), *list = json_array();
    (void)json_object_set_new(object, "file", ss_text_json(file));
    for (size_t i = 0; i < count; i++)
        (void)json_array_append_new(list, plugin_json(&plugins[i]));
    (void)json_object_set_new(object, "plugins", list);
    for (uint32_t status = SS_LAW_KEPT; status <= SS_LAW_LEFT_OUT; status++) {
        static const char *const names[] = {"laws_kept", "laws_broken", "laws_left_out"};
        (void)json_object_set_new(object, names[status], json_integer((json_int_t)count_of(plugins, count, status)));
    }
    return ss_print_json(object);
}

static int
check(const struct flags *flags)
{
    struct servsim_error err = {.size = sizeof err};
    struct ss_conformance *plugins = NULL;
    size_t count = 0;
    if (ss_conform(&flags->request, &plugins, &count, &err) != 0)
        return ss_complain(&err);
    int status = SS_EXIT_DONE;
    if (flags->json)
        status = print_all_json(flags->request.file, plugins, count);
    else
        print_text(plugins, count);
    if (status == SS_EXIT_DONE && count_of(plugins, count, SS_LAW_BROKEN) > 0)
        status = SS_EXIT_SOME_FAILED;
    ss_conform_free(plugins, count);
    return status;
}

int
ss_plugins_check(int argc, char **argv, const struct ss_lookup *lookup)
{
    struct flags flags = {.request = {.timeout_s = TIMEOUT_S, .lookup = lookup}};
    const char **sets = calloc((size_t)argc, sizeof *sets);
    if (sets == NULL)
        return ss_complain_text("out of memory");
    flags.request.sets = sets;
    int status = read_flags(&flags, sets, argc, argv);
    if (status == 0)
        status = find_file(&flags, lookup);
    if (status == 0)
        status = check(&flags);
    free(sets);
    return status < 0 ? SS_EXIT_DONE : status;
}
