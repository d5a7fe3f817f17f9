/*
 * profile/rows.h - the rows of one table of a bundle: a CSV file with a header.
 *
 * Columns are found by name, in any order; those that nobody asked for are ignored. Each field is checked as it is
 * read, and every message names the file and the line.
 */
#ifndef PROFILE_ROWS_H
#define PROFILE_ROWS_H

#include "servsim/plugin.h"

#define ROWS_COLUMNS_MAX 8u /* that one table may ask for */
#define ROWS_TEXT_MAX 48u

#define ROWS_TEXT 1u   /* a label */
#define ROWS_COUNT 2u  /* a whole number from 0 to 2^40 */
#define ROWS_TIME 3u   /* microseconds, above 0 */
#define ROWS_NUMBER 4u /* any finite number */

struct rows_column {
    const char *name;
    uint32_t type;
};

struct rows_field {
    char text[ROWS_TEXT_MAX];
    int64_t count;
    double number;
};

struct rows_place {
    const char *path;
    uint64_t line;
};

/* Takes one row: fields in the order of the columns that were asked for. */
typedef int32_t (*rows_take)(void *context, const struct rows_field *fields, const struct rows_place *place,
                             struct servsim_error *err);

int32_t rows_read(const char *path, const struct rows_column *columns, uint32_t count, rows_take take, void *context,
                  struct servsim_error *err);

#endif
