/*
 * cli/plugins.c - servsim plugins: what is found, what was refused and why, and all about one plugin.
 */
#include <jansson.h>
#include <math.h>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/plugins.h"
#include "plugin/search.h"
#include "plugin/table.h"
#include "plugin/units.h"

static const char usage[] =
    "usage: servsim plugins [--json]\n"
    "       servsim plugins info NAME [--kind KIND] [--json]\n"
    "       servsim plugins check FILE.so [--kind KIND] [--json] [--set OPTION=VALUE]...\n"
    "       servsim plugins new KIND NAME\n"
    "\n"
    "Lists the plugins that are found, and the files that were refused with the reason; or prints the options, origin\n"
    "and page of one plugin; or tries whether a plugin keeps the laws of its kind (check --help). KIND is hardware,\n"
    "scheduler, workload, router, predictor or report; it is needed where one name serves two kinds. NAME with a\n"
    "slash in it is a file.\n"
    "\n"
    "Plugins are looked for in the folders of --plugin-path, then those of SERVSIM_PLUGIN_PATH, then the installed "
    "one.\n";

uint32_t
ss_kind_or_complain(const char *name)
{
    uint32_t kind = ss_kind_of(name);
    if (kind == 0)
        (void)ss_complain_text("unknown kind '%.64s'; write hardware, scheduler, workload, router, predictor or report",
                               name);
    return kind;
}

/* ---- JSON ---- */

/* Paths may hold any bytes; those that are no UTF-8 are shown as '?'. */
json_t *
ss_text_json(const char *text)
{
    json_t *string = json_string(text);
    char *copy = string == NULL ? strdup(text) : NULL;
    for (char *at = copy; at != NULL && *at != '\0'; at++)
        if (*at & 0x80)
            *at = '?';
    if (copy != NULL)
        string = json_string(copy);
    free(copy);
    return string;
}

static json_t *
optional_json(const char *text)
{
    return text != NULL ? ss_text_json(text) : json_null();
}

static json_t *
bound_json(const struct servsim_option *row, double bound)
{
    if (!ss_option_is_numeric(row->type) || fabs(bound) >= 1e300)
        return json_null();
    if (bound == floor(bound) && fabs(bound) < 1e15)
        return json_integer((json_int_t)bound);
    return json_real(bound);
}

/* "a|b|c" as a list */
static json_t *
choices_json(const struct servsim_option *row)
{
    if (row->type != SERVSIM_OPTION_CHOICE)
        return json_null();
    json_t *list = json_array();
    for (const char *at = row->choices; *at != '\0';) {
        size_t span = strcspn(at, "|");
        (void)json_array_append_new(list, json_stringn(at, span));
        at += span + (at[span] == '|');
    }
    return list;
}

static json_t *
option_json(const struct servsim_option *row)
{
    json_t *object = json_object();
    (void)json_object_set_new(object, "name", ss_text_json(row->name));
    (void)json_object_set_new(object, "type", json_string(ss_option_type_name(row->type)));
    (void)json_object_set_new(object, "unit", ss_text_json(row->unit));
    (void)json_object_set_new(object, "default", optional_json(row->default_text));
    (void)json_object_set_new(object, "minimum", bound_json(row, row->minimum));
    (void)json_object_set_new(object, "maximum", bound_json(row, row->maximum));
    (void)json_object_set_new(object, "choices", choices_json(row));
    (void)json_object_set_new(object, "required", json_boolean(row->flags & SERVSIM_OPTION_REQUIRED));
    (void)json_object_set_new(object, "help", ss_text_json(row->help));
    return object;
}

static json_t *
table_json(const struct ss_table *table)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < table->count; i++)
        (void)json_array_append_new(list, option_json(ss_table_row(table, i)));
    return list;
}

static json_t *
plugin_json(const struct ss_plugin *plugin)
{
    const struct servsim_plugin *about = plugin->descriptor;
    char abi[32];
    (void)snprintf(abi, sizeof abi, "%u.%u", about->abi_major, about->abi_minor);
    json_t *object = json_object();
    (void)json_object_set_new(object, "kind", json_string(ss_kind_name(about->kind)));
    (void)json_object_set_new(object, "name", ss_text_json(about->name));
    (void)json_object_set_new(object, "version", ss_text_json(about->version));
    (void)json_object_set_new(object, "summary", ss_text_json(about->summary));
    (void)json_object_set_new(object, "licence", ss_text_json(about->licence));
    (void)json_object_set_new(object, "abi", json_string(abi));
    (void)json_object_set_new(object, "path", ss_text_json(plugin->path));
    return object;
}

int
ss_print_json(json_t *value)
{
    char *text = value != NULL ? json_dumps(value, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) : NULL;
    json_decref(value);
    if (text == NULL)
        return ss_complain_text("out of memory");
    (void)puts(text);
    free(text);
    return SS_EXIT_DONE;
}

static int
list_json(const struct ss_registry *registry)
{
    json_t *plugins = json_array(), *refused = json_array();
    for (size_t i = 0; i < ss_registry_count(registry); i++)
        (void)json_array_append_new(plugins, plugin_json(ss_registry_at(registry, i)));
    for (size_t i = 0; i < ss_registry_refusal_count(registry); i++) {
        const struct ss_refusal *refusal = ss_registry_refusal_at(registry, i);
        json_t *object = json_object();
        (void)json_object_set_new(object, "path", ss_text_json(refusal->path));
        (void)json_object_set_new(object, "reason", ss_text_json(refusal->reason));
        (void)json_array_append_new(refused, object);
    }
    json_t *both = json_object();
    (void)json_object_set_new(both, "plugins", plugins);
    (void)json_object_set_new(both, "refused", refused);
    return ss_print_json(both);
}

/* ---- text ---- */

static int
wider(int width, const char *text)
{
    int length = (int)strlen(text);
    return length > width ? length : width;
}

static int
list_text(const struct ss_registry *registry)
{
    int name = 4, version = 7, summary = 7;
    size_t count = ss_registry_count(registry), refused = ss_registry_refusal_count(registry);
    for (size_t i = 0; i < count; i++) {
        const struct servsim_plugin *about = ss_registry_at(registry, i)->descriptor;
        name = wider(name, about->name);
        version = wider(version, about->version);
        summary = wider(summary, about->summary);
    }
    (void)printf("%-9s  %-*s  %-*s  %-*s  %s\n", "KIND", name, "NAME", version, "VERSION", summary, "SUMMARY", "FILE");
    for (size_t i = 0; i < count; i++) {
        const struct ss_plugin *plugin = ss_registry_at(registry, i);
        const struct servsim_plugin *about = plugin->descriptor;
        (void)printf("%-9s  %-*s  %-*s  %-*s  %s\n", ss_kind_name(about->kind), name, about->name, version,
                     about->version, summary, about->summary, plugin->path);
    }
    if (refused > 0)
        (void)printf("\nRefused:\n");
    for (size_t i = 0; i < refused; i++) {
        const struct ss_refusal *refusal = ss_registry_refusal_at(registry, i);
        (void)printf("  %s: %s\n", refusal->path, refusal->reason);
    }
    return SS_EXIT_DONE;
}

static void
print_option(const struct servsim_option *row)
{
    char bounds[128];
    ss_option_bounds(row, bounds, sizeof bounds);
    (void)printf("  %s: %s", row->name, ss_option_type_name(row->type));
    if (row->type == SERVSIM_OPTION_CHOICE)
        (void)printf(" of %s", row->choices);
    else if (bounds[0] != '\0')
        (void)printf(", %s", bounds);
    else if (row->unit[0] != '\0')
        (void)printf(" in %s", row->unit);
    if (row->flags & SERVSIM_OPTION_REQUIRED)
        (void)printf(", required");
    else if (row->default_text == NULL)
        (void)printf(", no default");
    else
        (void)printf(", default %s", row->default_text[0] != '\0' ? row->default_text : "\"\"");
    (void)printf("\n      %s\n", row->help);
}

static void
print_table(const char *title, const struct ss_table *table)
{
    if (table->count == 0)
        return;
    (void)printf("\n%s:\n", title);
    for (uint32_t i = 0; i < table->count; i++)
        print_option(ss_table_row(table, i));
}

static int
info(const struct ss_plugin *plugin, int json)
{
    const struct servsim_plugin *about = plugin->descriptor;
    char what[128], title[64];
    struct ss_table own = ss_table_of(about, what), host = ss_host_table(about->kind);
    if (json) {
        json_t *object = plugin_json(plugin);
        (void)json_object_set_new(object, "options", table_json(&own));
        (void)json_object_set_new(object, "host_options", table_json(&host));
        (void)json_object_set_new(object, "page", optional_json(about->page));
        return ss_print_json(object);
    }
    (void)printf("%s: %s\n\n", about->name, about->summary);
    (void)printf("kind     %s\nversion  %s\nlicence  %s\nABI      %u.%u\nfile     %s\n", ss_kind_name(about->kind),
                 about->version, about->licence, about->abi_major, about->abi_minor, plugin->path);
    if (own.count == 0)
        (void)printf("\nIt has no options of its own.\n");
    (void)snprintf(title, sizeof title, "Options of every %s", ss_kind_name(about->kind));
    print_table("Options", &own);
    print_table(title, &host);
    if (about->page != NULL)
        (void)printf("\n%s\n", about->page);
    return SS_EXIT_DONE;
}

/* ---- which plugin ---- */

static int
list(struct ss_registry *registry, int json)
{
    struct servsim_error err = {.size = sizeof err};
    if (ss_registry_complete(registry, 0, &err) != 0)
        return ss_complain(&err);
    return json ? list_json(registry) : list_text(registry);
}

/* A name without a kind: the one kind that has it. A file: the first kind that it holds. */
static int
find_any(const struct ss_lookup *lookup, const char *name, const struct ss_plugin **out, struct servsim_error *err)
{
    const struct ss_plugin *plugin;
    struct ss_text kinds = {0};
    size_t found = 0;
    int rc = -ENOENT;
    for (uint32_t kind = 1; ss_kind_name(kind) != NULL; kind++) {
        struct servsim_error why = {.size = sizeof why};
        int again = ss_registry_find(lookup->registry, kind, name, ".", &plugin, &why);
        if (again != 0 && found == 0) {
            rc = again;
            *err = why;
        }
        if (again != 0)
            continue;
        ss_text_printf(&kinds, "%s%s", found > 0 ? " or " : "", ss_kind_name(kind));
        *out = plugin;
        found++;
    }
    if (found == 1)
        rc = 0;
    else if (found > 1)
        rc = servsim_fail(err, EINVAL, "'%.64s' names plugins of several kinds; add --kind %s", name,
                          kinds.failed ? "KIND" : kinds.data);
    ss_text_free(&kinds);
    return rc;
}

/* The same for a plain name: unknown in every kind, so that all files were opened; the nearest name of any kind is the
   advice. */
static int
fail_unknown(const struct ss_registry *registry, const char *name)
{
    size_t count = ss_registry_count(registry);
    const char **names = calloc(count + 1, sizeof *names);
    if (names == NULL)
        return ss_complain_text("out of memory");
    for (size_t i = 0; i < count; i++)
        names[i] = ss_registry_at(registry, i)->descriptor->name;
    const char *nearest = ss_nearest(name, names, count);
    char file[SS_FILE_NEAR_BYTES];
    free(names);
    if (ss_file_near(NULL, name, ".", file))
        return ss_complain_text("unknown plugin '%.64s'; a file is named with a slash: write %s", name, file);
    if (nearest != NULL)
        return ss_complain_text("unknown plugin '%.64s'; did you mean '%s'? (servsim plugins lists all)", name,
                                nearest);
    return ss_complain_text("unknown plugin '%.64s'; servsim plugins lists all", name);
}

static int
find_and_print(const struct ss_lookup *lookup, const char *name, const char *kind_name, int json)
{
    struct servsim_error err = {.size = sizeof err};
    const struct ss_plugin *plugin = NULL;
    uint32_t kind = kind_name != NULL ? ss_kind_or_complain(kind_name) : 0;
    if (kind_name != NULL && kind == 0)
        return SS_EXIT_BAD;
    int rc = kind != 0 ? ss_registry_find(lookup->registry, kind, name, ".", &plugin, &err)
                       : find_any(lookup, name, &plugin, &err);
    if (rc == -ENOENT && kind == 0 && strchr(name, '/') == NULL)
        return fail_unknown(lookup->registry, name);
    return rc != 0 ? ss_complain(&err) : info(plugin, json);
}

int
ss_cmd_plugins(int argc, char **argv, const struct ss_lookup *lookup)
{
    const char *words[2] = {NULL, NULL}, *kind = NULL;
    int json = 0, count = 0;
    if (argc > 1 && strcmp(argv[1], "check") == 0)
        return ss_plugins_check(argc - 1, argv + 1, lookup);
    if (argc > 1 && strcmp(argv[1], "new") == 0)
        return ss_plugins_new(argc - 1, argv + 1, lookup);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            (void)fputs(usage, stdout);
            return SS_EXIT_DONE;
        }
        if (strcmp(argv[i], "--json") == 0)
            json = 1;
        else if (strcmp(argv[i], "--kind") == 0 && i + 1 < argc)
            kind = argv[++i];
        else if (strncmp(argv[i], "--kind=", 7) == 0)
            kind = argv[i] + 7;
        else if (argv[i][0] == '-' || count == 2)
            return ss_complain_text("plugins: '%.64s' is not understood; see servsim plugins --help", argv[i]);
        else
            words[count++] = argv[i];
    }
    if (count == 0 && kind == NULL)
        return list(lookup->registry, json);
    if (count == 0 || strcmp(words[0], "info") != 0)
        return ss_complain_text("plugins: '%.64s' is not understood; write plugins, or plugins info NAME",
                                count > 0 ? words[0] : "--kind");
    if (words[1] == NULL)
        return ss_complain_text("plugins info wants a name; servsim plugins lists all");
    return find_and_print(lookup, words[1], kind, json);
}
