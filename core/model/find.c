/*
 * model/find.c - from what a user wrote to a config.json: a path, a folder, or the name of a shipped model.
 */
#include "model/model.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

struct names {
    char **items; /* stems of the .json files, sorted */
    size_t count, capacity;
};

static int
ends_in_json(const char *name)
{
    size_t length = strlen(name);
    return length > 5 && strcasecmp(name + length - 5, ".json") == 0;
}

static int
join(char *out, size_t size, const char *folder, const char *name, struct servsim_error *err)
{
    int length = snprintf(out, size, "%s/%s", folder, name);
    if (length < 0 || (size_t)length >= size)
        return servsim_fail(err, ENAMETOOLONG, "the path of model '%.60s...' is longer than %zu bytes", name, size - 1);
    return 0;
}

/* An absolute path of `name`, so that a resolved experiment works from any folder. */
static int
absolute(char *out, size_t size, const char *name, const char *base_dir, struct servsim_error *err)
{
    char folder[4096], current[4096];
    const char *base = base_dir != NULL ? base_dir : ".";
    if (name[0] == '/')
        return join(out, size, "", name + 1, err);
    if (base[0] == '/')
        return join(out, size, base, name, err);
    if (getcwd(current, sizeof current) == NULL)
        return servsim_fail(err, errno, "cannot tell the current folder (%s): give the model as an absolute path",
                            strerror(errno));
    if (strcmp(base, ".") == 0 || base[0] == '\0')
        return join(out, size, current, name, err);
    int rc = join(folder, sizeof folder, current, base, err);
    return rc != 0 ? rc : join(out, size, folder, name, err);
}

static int
read_path(struct ss_model *out, const char *name, const char *base_dir, struct servsim_error *err)
{
    char path[4096], inside[4096];
    struct stat status;
    int rc = absolute(path, sizeof path, name, base_dir, err);
    if (rc != 0)
        return rc;
    if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode))
        return ss_model_read(out, path, err);
    for (size_t length = strlen(path); length > 1 && path[length - 1] == '/'; length--)
        path[length - 1] = '\0';
    rc = join(inside, sizeof inside, path, "config.json", err);
    return rc != 0 ? rc : ss_model_read(out, inside, err);
}

static int
names_add(struct names *names, const char *file)
{
    if (names->count == names->capacity) {
        size_t capacity = names->capacity > 0 ? 2 * names->capacity : 32;
        char **items = realloc(names->items, capacity * sizeof *items);
        if (items == NULL)
            return -ENOMEM;
        names->items = items;
        names->capacity = capacity;
    }
    names->items[names->count] = strndup(file, strlen(file) - 5);
    return names->items[names->count] != NULL ? (names->count++, 0) : -ENOMEM;
}

static void
names_free(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->items[i]);
    free(names->items);
}

static int
by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int
names_read(struct names *names, const char *models_dir, struct servsim_error *err)
{
    DIR *folder = opendir(models_dir);
    if (folder == NULL)
        return servsim_fail(err, errno, "cannot open the folder of models %s (%s): give a path to a config.json",
                            models_dir, strerror(errno));
    int rc = 0;
    for (struct dirent *entry; rc == 0 && (entry = readdir(folder)) != NULL;)
        if (entry->d_name[0] != '.' && ends_in_json(entry->d_name))
            rc = names_add(names, entry->d_name);
    closedir(folder);
    if (rc != 0)
        return servsim_fail(err, ENOMEM, "out of memory while listing models");
    if (names->count > 1)
        qsort(names->items, names->count, sizeof names->items[0], by_name);
    return 0;
}

/* What ships of a model that is named as on its hub: "meta-llama/Llama-3.1-8B-Instruct" has the shape of llama-3.1-8b.
   The longest name that it begins with, up to a dash, or NULL. */
static const char *
shipped_shape(const struct names *names, const char *name)
{
    const char *slash = strrchr(name, '/'), *last = slash != NULL ? slash + 1 : name, *best = NULL;
    last += strncasecmp(last, "meta-", 5) == 0 ? 5 : 0;
    for (size_t i = 0; i < names->count; i++) {
        size_t length = strlen(names->items[i]);
        if (strncasecmp(last, names->items[i], length) == 0 && (last[length] == '-' || last[length] == '\0') &&
            (best == NULL || length > strlen(best)))
            best = names->items[i];
    }
    return best;
}

static int
fail_unknown(const struct names *names, const char *name, struct servsim_error *err)
{
    struct ss_text known = {0};
    for (size_t i = 0; i < names->count; i++)
        ss_text_printf(&known, "%s%s", i > 0 ? ", " : "", names->items[i]);
    const char *nearest = shipped_shape(names, name);
    if (nearest == NULL)
        nearest = ss_nearest(name, (const char *const *)names->items, names->count);
    int rc = servsim_fail(err, ENOENT, "no model '%.80s'%s%s%s: known are %s, or give a path to a config.json", name,
                          nearest != NULL ? ", did you mean '" : "", nearest != NULL ? nearest : "",
                          nearest != NULL ? "'" : "", known.data != NULL ? known.data : "none");
    ss_text_free(&known);
    return rc;
}

static int
read_named(struct ss_model *out, const struct names *names, const char *name, const char *models_dir,
           struct servsim_error *err)
{
    char file[512], path[4096];
    for (size_t i = 0; i < names->count; i++) {
        if (strcasecmp(names->items[i], name) != 0)
            continue;
        snprintf(file, sizeof file, "%s.json", names->items[i]);
        int rc = join(path, sizeof path, models_dir, file, err);
        return rc != 0 ? rc : ss_model_read(out, path, err);
    }
    return fail_unknown(names, name, err);
}

/* A path that leads nowhere may be a model's name on a hub. */
static int
find_path(struct ss_model *out, const char *name, const char *base_dir, const char *models_dir,
          struct servsim_error *err)
{
    struct servsim_error unheard = {.size = sizeof unheard};
    struct names names = {0};
    int rc = read_path(out, name, base_dir, err);
    if (rc != -ENOENT || names_read(&names, models_dir, &unheard) != 0)
        return rc;
    const char *shipped = shipped_shape(&names, name);
    if (shipped != NULL)
        rc = servsim_fail(err, ENOENT, "no file %.200s here; write %s, which ships, or the path of a config.json", name,
                          shipped);
    names_free(&names);
    return rc;
}

int
ss_model_find(struct ss_model *out, const char *name, const char *base_dir, const char *models_dir,
              struct servsim_error *err)
{
    if (strchr(name, '/') != NULL || ends_in_json(name))
        return find_path(out, name, base_dir, models_dir, err);
    struct names names = {0};
    int rc = names_read(&names, models_dir, err);
    if (rc == 0)
        rc = read_named(out, &names, name, models_dir, err);
    names_free(&names);
    return rc;
}
