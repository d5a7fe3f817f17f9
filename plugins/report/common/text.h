/*
 * report/common/text.h - a growing text, and files that appear whole or not at all.
 *
 * Shared by the report plugins and compiled into each: a plugin links with nothing of the host.
 */
#ifndef REPORT_COMMON_TEXT_H
#define REPORT_COMMON_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "servsim/plugin.h"

/* Zero-initialise. After a failed allocation `failed` is set and further calls do nothing: check once at the end. */
struct rp_text {
    char *data; /* terminated once anything was added */
    size_t length, capacity;
    int failed;
};

void rp_add(struct rp_text *text, const char *bytes, size_t length);
void rp_puts(struct rp_text *text, const char *string);
void rp_printf(struct rp_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void rp_text_free(struct rp_text *text);

/* FOLDER/NAME as a new string of the caller, NULL without memory. */
char *rp_join(const char *folder, const char *name);

/* Reads a regular file of at most `limit` bytes into `out` (which must be empty). Errors name the file. */
int rp_file_read(struct rp_text *out, const char *path, size_t limit, struct servsim_error *err);

/* Writes a whole file: a temporary name beside it, then rename. On failure nothing is left behind. */
int rp_file_write(const char *path, const struct rp_text *text, struct servsim_error *err);

/* Makes one folder; it may be there already. */
int rp_folder_make(const char *path, struct servsim_error *err);

/* A small, stable number of some bytes, to tell whether two files were made from the same results (FNV-1a). */
uint64_t rp_fingerprint(const char *data, size_t length);

/* The name reduced to letters, digits, '.', '_' and '-', at most 64 bytes, never empty and never starting with '.'. */
void rp_slug(char out[65], const char *name);

#endif
