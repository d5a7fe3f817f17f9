/*
 * sweep/inputs.c - hashing what goes into a cell.
 */
#include "sweep/inputs.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/text.h"
#include "servsim/version.h"

#define FNV_BASIS UINT64_C(14695981039346656037)
#define FNV_PRIME UINT64_C(1099511628211)
#define FOLDER_DEPTH_MAX 8 /* of a folder that an option names */

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

/* ---- folders ---- */

static int
visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int
by_name(const struct dirent **left, const struct dirent **right)
{
    return strcmp((*left)->d_name, (*right)->d_name);
}

static int
is_folder(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

/* Names and contents of all that is in it, hidden files aside, in the order of their names. */
static int
add_folder(struct ss_inputs *inputs, const char *path, int depth, uint64_t *hash, struct servsim_error *err)
{
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, visible, by_name);
    int rc = count >= 0 ? 0 : servsim_fail(err, errno, "%s: %s", path, strerror(errno));
    if (depth == FOLDER_DEPTH_MAX)
        rc = servsim_fail(err, ELOOP, "%s: more than %d folders deep", path, FOLDER_DEPTH_MAX);
    for (int i = 0; i < count; i++) {
        struct ss_text inner = {NULL, 0, 0, 0};
        ss_text_printf(&inner, "%s/%s", path, entries[i]->d_name);
        if (rc == 0 && inner.failed)
            rc = servsim_fail(err, ENOMEM, "no memory for the hash of %s", path);
        if (rc == 0) {
            *hash = add_text(*hash, entries[i]->d_name);
            rc = is_folder(inner.data) ? add_folder(inputs, inner.data, depth + 1, hash, err)
                                       : add_file(inputs, inner.data, hash, err);
        }
        ss_text_free(&inner);
        free(entries[i]);
    }
    free(entries);
    return rc;
}

/* The plugin's own file, and the files and folders that its options name. */
static int
add_use(struct ss_inputs *inputs, const struct ss_use *use, uint64_t *hash, struct servsim_error *err)
{
    if (use->plugin == NULL)
        return 0;
    int rc = add_file(inputs, use->plugin->path, hash, err);
    for (uint32_t i = 0; i < use->options.count && rc == 0; i++) {
        const char *path = ss_use_path(use, i);
        if (path != NULL)
            rc = is_folder(path) ? add_folder(inputs, path, 0, hash, err) : add_file(inputs, path, hash, err);
    }
    return rc;
}

int
ss_inputs_hash(struct ss_inputs *inputs, const struct ss_cell *cell, uint64_t *hash, struct servsim_error *err)
{
    const struct ss_use *const uses[] = {&cell->hardware, &cell->scheduler, &cell->router, &cell->workload,
                                         &cell->predictor};
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
