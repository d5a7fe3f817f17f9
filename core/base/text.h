/*
 * base/text.h - a growing text, and files that appear whole or not at all.
 */
#ifndef SS_BASE_TEXT_H
#define SS_BASE_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "servsim/plugin.h"

/* Zero-initialise. After a failed allocation `failed` is set and further calls do nothing: check once at the end. */
struct ss_text {
    char *data; /* always terminated once anything was added */
    size_t length, capacity;
    int failed;
};

void ss_text_add(struct ss_text *text, const char *bytes, size_t length);
void ss_text_puts(struct ss_text *text, const char *string);
void ss_text_printf(struct ss_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void ss_text_free(struct ss_text *text);

/* Appends a regular expression (POSIX extended, ECMA 262) that matches `literal`, or, with `any_case`, its letters in
   any case. */
void ss_text_add_pattern(struct ss_text *text, const char *literal, int any_case);

/* Reads a regular file of at most `limit` bytes; the result is terminated and the caller's. */
int ss_file_read(const char *path, size_t limit, char **data, size_t *length, struct servsim_error *err);

/* Is this the name of a file that is not hidden, and `ending` (".json") its end? */
int ss_is_file_of(const char *name, const char *ending);

/* For scandir(): names in the order of their bytes, whatever the locale. */
struct dirent;
int ss_by_bytes(const struct dirent **a, const struct dirent **b);

/* Writes a whole file: a temporary name beside it, then rename. On failure nothing is left behind. */
int ss_file_write(const char *path, const char *data, size_t length, struct servsim_error *err);

/* Control characters of `text` become '?', so that a terminal shows it as one line and does nothing else. */
void ss_make_printable(char *text);

/* Of `names`, the one nearest to `wrong` (edit distance, case ignored), or NULL when none is near enough to be meant.
 */
const char *ss_nearest(const char *wrong, const char *const *names, size_t count);

#endif
