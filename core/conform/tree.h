/*
 * conform/tree.h - what lies in a folder, as a text: a line for each file, with its size and a hash of its bytes.
 */
#ifndef SS_CONFORM_TREE_H
#define SS_CONFORM_TREE_H

#include "base/text.h"

/* Adds "PATH SIZE HASH" lines in order of name; `skip` (NULL: none) is a name at the top that is left out. */
int ss_tree_list(const char *folder, const char *skip, struct ss_text *out, struct servsim_error *err);

/* Removes the folder and all in it. */
void ss_tree_remove(const char *folder);

/* The first line of `after` that is not in `before`, copied to `out`; 0 where there is none. */
int ss_tree_new_line(const char *before, const char *after, char *out, size_t size);

#endif
