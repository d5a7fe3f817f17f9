/*
 * plugin/search.c - which files there are.
 */
#define _GNU_SOURCE /* scandir() */
#include "plugin/search.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/text.h"
#include "plugin/registry.h"
#include "plugin/table.h"

static int
is_plugin_name(const struct dirent *item)
{
    return ss_is_file_of(item->d_name, ".so");
}

static int
add_file(struct ss_search *search, const char *folder, const char *file)
{
    char *path = ss_path_absolute(folder, file);
    if (path == NULL)
        return -ENOMEM;
    search->files[search->count++] =
        (struct ss_candidate){.path = path, .file = strrchr(path, '/') + 1, .folder = search->folders};
    return 0;
}

static int
add_files(struct ss_search *search, const char *folder, struct dirent *const *items, size_t count)
{
    struct ss_candidate *files = realloc(search->files, (search->count + count + 1) * sizeof *files);
    int rc = files != NULL ? 0 : -ENOMEM;
    if (files != NULL)
        search->files = files;
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = add_file(search, folder, items[i]->d_name);
    return rc;
}

int
ss_search_add(struct ss_search *search, const char *folder)
{
    struct dirent **items = NULL;
    int count = scandir(folder, &items, is_plugin_name, ss_by_bytes);
    if (count < 0)
        return -errno;
    int rc = add_files(search, folder, items, (size_t)count);
    for (int i = 0; i < count; i++)
        free(items[i]);
    free(items);
    search->folders++;
    return rc;
}

void
ss_search_free(struct ss_search *search)
{
    for (size_t i = 0; i < search->count; i++)
        free(search->files[i].path);
    free(search->files);
    *search = (struct ss_search){NULL, 0, 0};
}

int
ss_file_is_named_for(const char *file, uint32_t kind, const char *name)
{
    const char *kind_name = ss_kind_name(kind);
    size_t before = strlen(kind_name), length = name != NULL ? strlen(name) : 0;
    if (strncasecmp(file, kind_name, before) != 0 || file[before] != '_')
        return 0;
    file += before + 1;
    return name == NULL || (strncasecmp(file, name, length) == 0 && strcmp(file + length, ".so") == 0);
}

static int
is_file(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISREG(about.st_mode);
}

/* `file` in `base_dir`, or in the current folder. */
static int
near_at(const char *file, const char *base_dir, char out[SS_FILE_NEAR_BYTES])
{
    char *path = ss_path_absolute(base_dir, file), *here = ss_path_absolute(NULL, file);
    int found = 1;
    if (path != NULL && is_file(path))
        (void)snprintf(out, SS_FILE_NEAR_BYTES, "./%.500s", file);
    else if (here != NULL && strlen(here) < SS_FILE_NEAR_BYTES && is_file(here))
        (void)snprintf(out, SS_FILE_NEAR_BYTES, "%s", here);
    else
        found = 0;
    free(path);
    free(here);
    return found;
}

int
ss_file_near(const char *kind, const char *name, const char *base_dir, char out[SS_FILE_NEAR_BYTES])
{
    char file[400];
    size_t length = strlen(name);
    if (length == 0 || length > 255 || strchr(name, '/') != NULL)
        return 0;
    if (length > 3 && strcmp(name + length - 3, ".so") == 0)
        return near_at(name, base_dir, out);
    (void)snprintf(file, sizeof file, "%s.so", name);
    if (near_at(file, base_dir, out))
        return 1;
    (void)snprintf(file, sizeof file, "%s_%s.so", kind != NULL ? kind : "", name);
    return kind != NULL && near_at(file, base_dir, out);
}
