/*
 * table.h - rows of a trace out of a CSV or TSV file with a header, streamed through libcsv in strict mode.
 *
 * Columns are found by name: case, blanks, '_' and '-' do not count, nor does their order. Memory is constant: one
 * piece of the file and the rows in it.
 */
#ifndef WL_TABLE_H
#define WL_TABLE_H

#include "row.h"

/* What a column means. */
#define WL_ROLE_NONE 0u
#define WL_ROLE_TIME 1u
#define WL_ROLE_PROMPT 2u
#define WL_ROLE_OUTPUT 3u
#define WL_ROLE_MODEL 4u
#define WL_ROLE_LOG_TYPE 5u
#define WL_ROLE_SESSION 6u
#define WL_ROLE_CLIENT 7u
#define WL_ROLE_PROMPT_ID 8u
#define WL_ROLE_COUNT 9u

/* A known name of a column, squeezed: lower case, without blanks, '_' and '-'. */
struct wl_column {
    const char *squeezed;
    const char *shown; /* as messages write it */
    uint8_t role;
    int8_t unit; /* of a time */
};

/* A family of layouts. */
struct wl_dialect {
    const struct wl_column *columns;
    size_t column_count;
    uint32_t required; /* bit 1 << role */
    const char *what;  /* "a BurstGPT trace" */
    const char *mend;  /* what to do where a column is missing */
};

/* Classes to keep; NULL keeps all. Models match whole, log types by their first letters; case is ignored. */
struct wl_filter {
    const char *model, *log_type;
};

/* The context of wl_table_ops. */
struct wl_table_source {
    const char *path;
    const struct wl_dialect *dialect;
    struct wl_filter filter;
};

extern const struct wl_reader_ops wl_table_ops;

/* Squeezes a name; `out` holds `size` bytes. */
void wl_squeeze(char *out, size_t size, const char *text, size_t length);

/* 2 where the first line of `head` has every column that the dialect requires, 1 where one of several is missing. */
int wl_table_recognise(const struct wl_dialect *dialect, const char *head, uint64_t length);

#endif
