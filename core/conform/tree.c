/*
 * conform/tree.c - folders as texts.
 */
#include "conform/tree.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

#define FILE_LIMIT ((size_t)1 << 30)
#define PATH_BYTES 4096

static int
is_entry(const struct dirent *item)
{
    return strcmp(item->d_name, ".") != 0 && strcmp(item->d_name, "..") != 0;
}

/* Calls `each` with every entry, in order of name. */
static int
walk(const char *folder, int (*each)(const char *path, const char *name, void *ctx), void *ctx)
{
    struct dirent **items = NULL;
    int rc = 0, count = scandir(folder, &items, is_entry, ss_by_bytes);
    for (int i = 0; i < count; i++) {
        char path[PATH_BYTES];
        if (rc == 0 && snprintf(path, sizeof path, "%s/%s", folder, items[i]->d_name) < (int)sizeof path)
            rc = each(path, items[i]->d_name, ctx);
        free(items[i]);
    }
    free(items);
    return rc;
}

static int
is_folder(const char *path)
{
    struct stat about;
    return lstat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

struct list {
    size_t prefix; /* bytes of the top's path */
    const char *skip;
    struct ss_text *out;
    struct servsim_error *err;
};

static int
add_entry(const char *path, const char *name, void *ctx)
{
    struct list *list = ctx;
    char *data = NULL;
    size_t length = 0;
    if (list->skip != NULL && strcmp(name, list->skip) == 0)
        return 0;
    if (is_folder(path)) {
        struct list below = *list;
        below.skip = NULL;
        return walk(path, add_entry, &below);
    }
    int rc = ss_file_read(path, FILE_LIMIT, &data, &length, list->err);
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)data[i]) * UINT64_C(1099511628211);
    ss_text_printf(list->out, "%s %zu %016llx\n", path + list->prefix, length, (unsigned long long)hash);
    free(data);
    return rc;
}

int
ss_tree_list(const char *folder, const char *skip, struct ss_text *out, struct servsim_error *err)
{
    struct list list = {strlen(folder) + 1, skip, out, err};
    ss_text_puts(out, "");
    return walk(folder, add_entry, &list);
}

static int
remove_entry(const char *path, const char *name, void *ctx)
{
    (void)name;
    (void)ctx;
    if (is_folder(path))
        ss_tree_remove(path);
    else
        (void)unlink(path);
    return 0;
}

void
ss_tree_remove(const char *folder)
{
    (void)walk(folder, remove_entry, NULL);
    (void)rmdir(folder);
}

int
ss_tree_new_line(const char *before, const char *after, char *out, size_t size)
{
    while (*after != '\0') {
        size_t length = strcspn(after, "\n") + 1;
        const char *at = before;
        while (*at != '\0' && strncmp(at, after, length) != 0)
            at += strcspn(at, "\n") + 1;
        if (*at == '\0') {
            (void)snprintf(out, size, "%.*s", (int)(length - 1), after);
            return 1;
        }
        after += length;
    }
    return 0;
}
