/*
 * cli/recognise.c - which workload plugin reads this file? The plugins are asked, with the first bytes of the file.
 */
#include "cli/cli.h"
#include "plugin/table.h"

#define HEAD_BYTES 65536

static int
read_head(const char *path, char *head, size_t *length, struct servsim_error *err)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return servsim_fail(err, errno, "%s: %s; write the path of a trace", path, strerror(errno));
    *length = fread(head, 1, HEAD_BYTES, file);
    int failed = ferror(file);
    (void)fclose(file);
    if (failed)
        return servsim_fail(err, EIO, "%s: cannot be read; write the path of a trace file", path);
    if (*length == 0)
        return servsim_fail(err, EINVAL, "%s: the file is empty; write the path of a trace", path);
    return 0;
}

/* The plugin that is surest; of equals the first by name. */
static const struct ss_plugin *
surest(const struct ss_registry *registry, const char *head, size_t length)
{
    const struct ss_plugin *best = NULL;
    int32_t best_answer = 0;
    for (size_t i = 0; i < ss_registry_count(registry); i++) {
        const struct ss_plugin *plugin = ss_registry_at(registry, i);
        if (plugin->descriptor->kind != SERVSIM_KIND_WORKLOAD)
            continue;
        const struct servsim_workload_ops *ops = plugin->descriptor->ops;
        if (!SERVSIM_COVERS(ops, struct servsim_workload_ops, recognise) || ops->recognise == NULL)
            continue;
        int32_t answer = ops->recognise(head, length);
        if (answer > best_answer) {
            best = plugin;
            best_answer = answer;
        }
    }
    return best;
}

/* Files that are named for workloads are asked first; the others only where none of these knows it. */
static int
find_surest(struct ss_registry *registry, const char *head, size_t length, const struct ss_plugin **out,
            struct servsim_error *err)
{
    static const uint32_t kinds[] = {SERVSIM_KIND_WORKLOAD, 0};
    int rc = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0] && rc == 0 && *out == NULL; i++) {
        rc = ss_registry_complete(registry, kinds[i], err);
        *out = rc == 0 ? surest(registry, head, length) : NULL;
    }
    return rc;
}

/* Of a file that is there under this name. */
static int
recognise_file(const struct ss_cli *cli, const char *path, const struct ss_plugin **out, struct servsim_error *err)
{
    char *head = malloc(HEAD_BYTES);
    size_t length = 0;
    if (head == NULL)
        return servsim_fail(err, ENOMEM, "no memory to read %s", path);
    int rc = read_head(path, head, &length, err);
    if (rc == 0)
        rc = find_surest(cli->lookup.registry, head, length, out, err);
    free(head);
    if (rc != 0 || *out != NULL)
        return rc;
    return servsim_fail(err, EINVAL,
                        "%s:1: no workload plugin knows this header; expected a BurstGPT CSV "
                        "(Timestamp,Model,Request tokens,Response tokens,...), or a TSV, CSV or JSONL with input_toks, "
                        "output_toks and arrival_time_ns",
                        path);
}

int
ss_recognise(const struct ss_cli *cli, const char *name, const struct ss_plugin **out, struct servsim_error *err)
{
    char *shipped;
    *out = NULL;
    int rc = ss_path_shipped(name, cli->lookup.data_dir, &shipped, err);
    if (rc == 0)
        rc = recognise_file(cli, shipped != NULL ? shipped : name, out, err);
    free(shipped);
    return rc;
}
