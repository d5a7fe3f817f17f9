/*
 * cli/schema.c - servsim schema: the experiment file as a JSON Schema, for editors.
 */
#include "cli/models.h"
#include "cli/plugins.h"
#include "experiment/schema.h"

static const char usage[] =
    "usage: servsim schema\n"
    "\n"
    "Prints the JSON Schema (draft 2020-12) of the experiment file: every key, the options of all plugins that are "
    "found,\n"
    "units, names. Editors with a YAML language server complete and check with it; a file names its schema in a "
    "comment:\n"
    "\n"
    "    # yaml-language-server: $schema=experiment.schema.json\n"
    "\n"
    "The schema of what ships is installed as share/servsim/experiment.schema.json. With plugins of your own:\n"
    "\n"
    "    servsim --plugin-path DIR schema > experiment.schema.json\n";

/* A plugin that is refused is not in it; whoever makes a schema wants to know. */
static void
tell_refused(const struct ss_registry *registry)
{
    for (size_t i = 0; i < ss_registry_refusal_count(registry); i++) {
        const struct ss_refusal *refusal = ss_registry_refusal_at(registry, i);
        (void)ss_complain_text("left out: %.500s: %.500s", refusal->path, refusal->reason);
    }
}

static int
print_schema(const struct ss_lookup *lookup)
{
    struct dirent **files = NULL;
    int count = ss_models_that_ship(lookup, &files);
    if (count < 0)
        return SS_EXIT_BAD;
    const char **models = calloc((size_t)count + 1, sizeof *models);
    for (int i = 0; i < count; i++) {
        files[i]->d_name[strlen(files[i]->d_name) - strlen(".json")] = '\0';
        if (models != NULL)
            models[i] = files[i]->d_name;
    }
    int status = models == NULL ? ss_complain_text("out of memory")
                                : ss_print_json(ss_experiment_schema(lookup->registry, models, (size_t)count));
    for (int i = 0; i < count; i++)
        free(files[i]);
    free(files);
    free((void *)models);
    return status;
}

int
ss_cmd_schema(int argc, char **argv, const struct ss_lookup *lookup)
{
    struct servsim_error err = {.size = sizeof err};
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        (void)fputs(usage, stdout);
        return SS_EXIT_DONE;
    }
    if (argc > 1)
        return ss_complain_text("schema: '%.64s' is not understood; see servsim schema --help", argv[1]);
    if (ss_registry_complete(lookup->registry, 0, &err) != 0)
        return ss_complain(&err);
    tell_refused(lookup->registry);
    return print_schema(lookup);
}
