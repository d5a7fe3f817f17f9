/*
 * analysis/rows.h - reads the CSV files that servsim writes: columns by name, numbers exactly.
 *
 * Results may have been cut short or edited, so every field is checked, and an error names file and line. Not a reader
 * of CSV at large: our files have no quotes.
 */
#ifndef SS_ANALYSIS_ROWS_H
#define SS_ANALYSIS_ROWS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "servsim/plugin.h"

#define SS_ROWS_COLUMNS 64

struct ss_rows {
    FILE *file;
    const char *path;
    uint64_t line; /* of the row that was read last, from 1 */
    char *header, *text;
    size_t header_room, text_room;
    char *names[SS_ROWS_COLUMNS], *fields[SS_ROWS_COLUMNS];
    size_t columns;
};

#define SS_ROWS_OF_A_RUN "a requests.csv or the output folder of a finished run"

/* Opens the file and reads its header. `path` stays the caller's; `instead` is what an error says to write. */
int ss_rows_open(struct ss_rows *rows, const char *path, const char *instead, struct servsim_error *err);
void ss_rows_close(struct ss_rows *rows);

/* Number of a column, or -EINVAL where the header lacks it. */
int ss_rows_column(const struct ss_rows *rows, const char *name, struct servsim_error *err);

/* 1 and the next row, 0 at the end, -errno. */
int ss_rows_next(struct ss_rows *rows, struct servsim_error *err);

/*
 * A field as an integer in units of 10^-places: "1.5" with 3 places is 1500; further digits are cut off. -EINVAL for
 * anything else than digits with one point, or when it does not fit.
 */
int ss_rows_decimal(const struct ss_rows *rows, int column, int places, int64_t *out, struct servsim_error *err);

int ss_rows_empty(const struct ss_rows *rows, int column);

#endif
