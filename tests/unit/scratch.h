/*
 * unit/scratch.h - folders of a test's own, files in them, and plugins copied there.
 */
#ifndef SS_UNIT_SCRATCH_H
#define SS_UNIT_SCRATCH_H

#include <stddef.h>
#include <sys/types.h>

/* A new empty folder; the case ends where there can be none. `path` has room for 256 bytes. */
void scratch_open(char path[256]);

/* Removes the folder with all that is in it. */
void scratch_close(const char *path);

/* Writes FOLDER/NAME and gives its path, which stays until the next call but three. */
const char *scratch_write(const char *folder, const char *name, const void *data, size_t length, mode_t mode);
const char *scratch_puts(const char *folder, const char *name, const char *text);
const char *scratch_path(const char *folder, const char *name);

/* Copies a plugin that the tests have built, "sound" say, to FOLDER/FILE. Whoever built it, and with whatever umask,
   the copy is the caller's and nobody else's to write. */
const char *scratch_plugin(const char *folder, const char *plugin, const char *file);

/* Do all of the words, separated by '|', occur in the text? Prints what is missing. */
int scratch_says(const char *text, const char *words);

/* One line, no full stop at its end. */
int scratch_is_one_line(const char *text);

#endif
