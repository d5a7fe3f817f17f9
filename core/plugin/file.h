/*
 * plugin/file.h - one shared object: opened, checked, loaded, and asked for its descriptors.
 */
#ifndef SS_PLUGIN_FILE_H
#define SS_PLUGIN_FILE_H

#include <stdint.h>

#include "servsim/plugin.h"

#define SS_FILE_PLUGINS 64 /* descriptors in one file */

struct ss_file {
    const struct servsim_plugin *found[SS_FILE_PLUGINS]; /* unchecked */
    uint32_t count;
    int fd; /* what was checked and loaded; the caller's. Debuggers find the file through it while it is open. */
};

/*
 * Loads `path`. The file stays mapped until exit, also when it is refused afterwards. The error is a reason without the
 * path: "is writable by group or others; ...". Returns 0 or -errno.
 */
int ss_file_load(struct ss_file *out, const char *path, struct servsim_error *err);

/* The part of it that comes before the file is mapped: whose it is, and whether it is a whole shared object. */
int ss_file_check(const char *path, struct servsim_error *err);

#endif
