/*
 * row.h - one row of a trace, and the readers that produce rows.
 *
 * A reader turns one file format into rows in the order of the file; replay.h turns rows into the traffic of a run.
 */
#ifndef WL_ROW_H
#define WL_ROW_H

#include <stddef.h>
#include <stdint.h>

#include "number.h"
#include "servsim/plugin.h"

#define WL_ROW_TIMED 1u    /* time_ps holds an arrival */
#define WL_ROW_FAILED 2u   /* the request failed when the trace was taken: counted, not simulated */
#define WL_ROW_FILTERED 4u /* another class than the one asked for */

struct wl_row {
    wl_wide time_ps; /* as in the file, not from its first row */
    uint64_t line;
    uint64_t number; /* among the requests of the trace, from 0; replay.c counts */
    uint64_t client, session, prompt_id;
    wl_wide deadline_ps; /* after the arrival; 0: none */
    int32_t priority;
    uint32_t flags;
    const uint64_t *hashes; /* the reader's, until its next row */
    const int32_t *tokens;  /* likewise; prompt_tokens of them */
    uint32_t hash_count, hash_tokens;
    uint32_t prompt_tokens, output_tokens;
    /* What the file calls the client, a NUL, what it calls the session, a NUL; NULL: neither has a name. The reader's,
       until its next row. */
    const char *names;
    char label[32];
};

/* A longer one is not kept: its id stands for it. */
#define WL_NAME_MAX 255u

/* Of a row; NULL where there is none. */
static inline const char *
wl_client_name(const struct wl_row *row)
{
    return row->names != NULL && row->names[0] != '\0' ? row->names : NULL;
}

static inline const char *
wl_session_name(const struct wl_row *row)
{
    const char *name = row->names != NULL ? row->names + strlen(row->names) + 1 : "";
    return name[0] != '\0' ? name : NULL;
}

/* How a plugin's format is read. `context` says what to open and how; each open starts at the first row. */
struct wl_reader_ops {
    int32_t (*open)(const void *context, void **reader, struct servsim_error *err);
    /* 1 and a row, 0 at the end, or a negative errno */
    int32_t (*next)(void *reader, struct wl_row *out, struct servsim_error *err);
    /* bytes of the file that were taken so far */
    uint64_t (*bytes)(const void *reader);
    void (*close)(void *reader);
};

/* Text for one wrong number: PATH:LINE: NAME is "TEXT", ... Returns -EINVAL. */
int32_t wl_bad_number(struct servsim_error *err, const char *path, uint64_t line, const char *name, const char *text,
                      size_t length, int wrong, int is_time);

/* Copies at most 40 printable bytes of `text`, so that a message stays one short line. `out` holds 48. */
const char *wl_shown(char *out, const char *text, size_t length);

/* 0 where `now` may follow `before`; else the error. The first row of a file has have_before 0. */
int32_t wl_check_order(struct servsim_error *err, const char *path, uint64_t line, const char *name, int have_before,
                       wl_wide before, wl_wide now);

#endif
