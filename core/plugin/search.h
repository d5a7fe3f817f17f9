/*
 * plugin/search.h - the files on the search path, in order. Nothing is opened here.
 *
 * A file is named for what it holds by custom: KIND_NAME.so. Opening a plugin takes half a millisecond, so the registry
 * opens the file that is named for what it looks for before any other.
 */
#ifndef SS_PLUGIN_SEARCH_H
#define SS_PLUGIN_SEARCH_H

#include <stddef.h>
#include <stdint.h>

#define SS_FILE_NEAR_BYTES 600

struct ss_candidate {
    char *path;       /* absolute */
    const char *file; /* its last part */
    uint32_t folder;  /* which one on the search path, from 0 */
    int opened;       /* the registry's */
};

/* Zero-initialise. By folder, then by name. */
struct ss_search {
    struct ss_candidate *files;
    size_t count;
    uint32_t folders;
};

/* Adds a folder. 0, or -errno where there is none. */
int ss_search_add(struct ss_search *search, const char *folder);
void ss_search_free(struct ss_search *search);

/* Is the file KIND_NAME.so, or, without a name, KIND_anything.so? Case is ignored. */
int ss_file_is_named_for(const char *file, uint32_t kind, const char *name);

/* The file that a name without a slash may have been meant for: NAME, where it ends in .so, NAME.so or KIND_NAME.so in
   `base_dir`, to which paths are relative, or in the current folder. 1 and what to write for it ("./NAME.so"), else 0.
   `kind` is its name, or NULL. */
int ss_file_near(const char *kind, const char *name, const char *base_dir, char out[SS_FILE_NEAR_BYTES]);

#endif
