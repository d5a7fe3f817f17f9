/*
 * sweep/inputs.c - hashing what goes into a cell.
 */
#include "sweep/inputs.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "servsim/version.h"

#define FNV_BASIS UINT64_C(14695981039346656037)
#define FNV_PRIME UINT64_C(1099511628211)

struct ss_input_file {
    char *path;
    uint64_t hash;
};

static uint64_t
add_bytes(uint64_t hash, const void *bytes, size_t length)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ at[i]) * FNV_PRIME;
    return hash;
}

static uint64_t
add_text(uint64_t hash, const char *text)
{
    return add_bytes(hash, text, strlen(text) + 1);
}

static int
read_file(const char *path, uint64_t *hash, struct servsim_error *err)
{
    char buffer[65536];
    size_t length;
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return servsim_fail(err, errno, "%s: %s", path, strerror(errno));
    *hash = FNV_BASIS;
    while ((length = fread(buffer, 1, sizeof buffer, file)) > 0)
        *hash = add_bytes(*hash, buffer, length);
    int failed = ferror(file);
    (void)fclose(file);
    return failed ? servsim_fail(err, EIO, "%s: cannot be read", path) : 0;
}

static int
remember(struct ss_inputs *inputs, const char *path, uint64_t hash, struct servsim_error *err)
{
    struct ss_input_file *files = realloc(inputs->files, (inputs->count + 1) * sizeof *files);
    char *copy = files != NULL ? strdup(path) : NULL;
    if (files != NULL)
        inputs->files = files;
    if (copy == NULL)
        return servsim_fail(err, ENOMEM, "no memory for the hash of %s", path);
    inputs->files[inputs->count++] = (struct ss_input_file){copy, hash};
    return 0;
}

static int
add_file(struct ss_inputs *inputs, const char *path, uint64_t *hash, struct servsim_error *err)
{
    uint64_t content = 0;
    for (size_t i = 0; i < inputs->count; i++) {
        if (strcmp(inputs->files[i].path, path) == 0) {
            *hash = add_bytes(*hash, &inputs->files[i].hash, sizeof inputs->files[i].hash);
            return 0;
        }
    }
    int rc = read_file(path, &content, err);
    if (rc == 0)
        rc = remember(inputs, path, content, err);
    *hash = add_bytes(*hash, &content, sizeof content);
    return rc;
}

/* The plugin's own file, and the files that its options name. */
static int
add_use(struct ss_inputs *inputs, const struct ss_use *use, uint64_t *hash, struct servsim_error *err)
{
    const struct servsim_plugin *descriptor = use->plugin->descriptor;
    int rc = add_file(inputs, use->plugin->path, hash, err);
    for (uint32_t i = 0; i < use->options.count && rc == 0; i++) {
        const struct servsim_option *option =
            (const void *)((const char *)descriptor->options + (size_t)i * descriptor->option_size);
        const struct servsim_value *value = &use->options.values[i];
        if (option->type == SERVSIM_OPTION_PATH && value->present && value->text != NULL)
            rc = add_file(inputs, value->text, hash, err);
    }
    return rc;
}

int
ss_inputs_hash(struct ss_inputs *inputs, const struct ss_cell *cell, uint64_t *hash, struct servsim_error *err)
{
    const struct ss_use *const uses[] = {&cell->hardware, &cell->scheduler, &cell->router, &cell->workload};
    *hash = add_text(add_text(FNV_BASIS, SERVSIM_VERSION), cell->resolved);
    int rc = add_file(inputs, cell->model.path, hash, err);
    for (size_t i = 0; i < sizeof uses / sizeof uses[0] && rc == 0; i++)
        rc = add_use(inputs, uses[i], hash, err);
    return rc;
}

void
ss_inputs_free(struct ss_inputs *inputs)
{
    for (size_t i = 0; i < inputs->count; i++)
        free(inputs->files[i].path);
    free(inputs->files);
    *inputs = (struct ss_inputs){NULL, 0};
}
