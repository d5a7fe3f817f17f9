/*
 * report/common/table.h - reads the bulk CSV files of a cell (requests.csv, series.csv) row by row.
 *
 * These files are written by servsim: a header, then rows of unquoted fields, each ended by a newline. Anything else is
 * an error that names file and line. The file is mapped, and a row is scanned once; a million rows take a fraction of
 * a second.
 */
#ifndef REPORT_COMMON_TABLE_H
#define REPORT_COMMON_TABLE_H

#include <stddef.h>

#include "servsim/plugin.h"

#define RP_TABLE_COLUMNS 64u

struct rp_table {
    char *path;
    const char *data, *end, *at;
    size_t mapped, line, header_fields;
    size_t wanted_count;
    size_t place[RP_TABLE_COLUMNS]; /* field number -> wanted column + 1, or 0 */
};

/* A field of the current row; not terminated. */
struct rp_field {
    const char *text;
    size_t length;
};

/* Opens the file and finds the wanted columns by name; one that is missing is an error. */
int rp_table_open(struct rp_table *table, const char *path, const char *const *wanted, size_t count,
                  struct servsim_error *err);

/* Reads the next row: one field per wanted column. Returns 1, 0 at the end, or -errno. */
int rp_table_next(struct rp_table *table, struct rp_field *fields, struct servsim_error *err);

/* The number in a field, NAN for an empty one. Returns 0, or -errno for one that is no finite number. */
int rp_table_number(const struct rp_table *table, struct rp_field field, double *out, struct servsim_error *err);

void rp_table_close(struct rp_table *table);

#endif
