/*
 * cli/models.c - servsim models: the models that ship, and what they weigh.
 */
#include "cli/models.h"

#include "base/text.h"

static const char usage[] =
    "usage: servsim models [--json]\n"
    "       servsim models info MODEL [--weights TYPE] [--kv TYPE] [--json]\n"
    "\n"
    "Lists the models that ship: parameters, those that one token meets, layers, weights in GB (10^9 bytes) and the KV "
    "cache\n"
    "of one token in bytes, on one GPU.\n"
    "\n"
    "info says more of one model, by its name or by the path of a Hugging Face config.json: layers by kind, FLOPs of "
    "a\n"
    "token, types. --weights (bf16, fp16, fp8, int4, mxfp4, nvfp4) and --kv (bf16, fp16, fp8) ask for other types than "
    "its own.\n";

static int
is_model_name(const struct dirent *item)
{
    return ss_is_file_of(item->d_name, ".json");
}

int
ss_models_that_ship(const struct ss_lookup *lookup, struct dirent ***items)
{
    int count = scandir(lookup->models_dir, items, is_model_name, ss_by_bytes);
    if (count < 0)
        (void)ss_complain_text("%s: the models that ship are not there: %s", lookup->models_dir, strerror(errno));
    return count;
}

static void
print_row(const char *name, const struct ss_model *model)
{
    (void)printf("%-24s  %10.3f  %10.3f  %6u  %5s  %10.3f  %14llu\n", name, (double)ss_model_parameters(model) / 1e9,
                 (double)ss_model_active_parameters(model) / 1e9, model->layers,
                 ss_dtype_name(ss_model_expert_dtype(model)), (double)ss_model_weight_bytes(model) / 1e9,
                 (unsigned long long)ss_model_kv_bytes_per_token_per_gpu(model, 1));
}

/* One model: a row, or an object in `list`. */
static int
show(const char *folder, const char *file, json_t *list)
{
    char path[4096], name[256];
    struct ss_model model;
    struct servsim_error err = {.size = sizeof err};
    (void)snprintf(path, sizeof path, "%s/%s", folder, file);
    (void)snprintf(name, sizeof name, "%.*s", (int)(strlen(file) - strlen(".json")), file);
    if (ss_model_read(&model, path, &err) != 0)
        return ss_complain(&err);
    if (list == NULL)
        print_row(name, &model);
    else if (json_array_append_new(list, ss_model_json(name, &model)) != 0)
        return ss_complain_text("%s: its name or path is no UTF-8", name);
    return SS_EXIT_DONE;
}

static int
show_all(const struct ss_lookup *lookup, json_t *list)
{
    struct dirent **items = NULL;
    int status = SS_EXIT_DONE, count = ss_models_that_ship(lookup, &items);
    if (count < 0)
        return SS_EXIT_BAD;
    if (list == NULL)
        (void)printf("%-24s  %10s  %10s  %6s  %5s  %10s  %14s\n", "MODEL", "PARAMS 1e9", "ACTIVE 1e9", "LAYERS",
                     "DTYPE", "WEIGHTS GB", "KV BYTES/TOKEN");
    for (int i = 0; i < count; i++) {
        int one = show(lookup->models_dir, items[i]->d_name, list);
        status = one != SS_EXIT_DONE ? one : status;
        free(items[i]);
    }
    free(items);
    return status;
}

int
ss_cmd_models(int argc, char **argv, const struct ss_lookup *lookup)
{
    int json = 0;
    if (argc > 1 && strcmp(argv[1], "info") == 0)
        return ss_models_info(argc - 1, argv + 1, lookup);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            (void)fputs(usage, stdout);
            return SS_EXIT_DONE;
        }
        if (strcmp(argv[i], "--json") != 0)
            return ss_complain_text("models: '%.64s' is not understood; write models, or models info NAME", argv[i]);
        json = 1;
    }
    if (!json)
        return show_all(lookup, NULL);
    json_t *list = json_array(), *whole = json_object();
    int status = show_all(lookup, list);
    (void)json_object_set_new(whole, "models", list);
    char *text = json_dumps(whole, JSON_INDENT(2));
    json_decref(whole);
    if (text == NULL)
        return ss_complain_text("out of memory");
    (void)puts(text);
    free(text);
    return status;
}
