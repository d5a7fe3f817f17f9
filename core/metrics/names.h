/*
 * metrics/names.h - what the traffic calls those whose ids stand in records: one copy for each id.
 */
#ifndef SS_METRICS_NAMES_H
#define SS_METRICS_NAMES_H

#include <stddef.h>
#include <stdint.h>

#define SS_NAME_MAX 255u /* bytes; a longer one is not kept, nor one with control characters */

struct ss_name; /* an id and where its name stands */

struct ss_names {
    struct ss_name *slots; /* open addressing, at most half full */
    size_t count, slot_count;
    char *text;
    size_t text_used, text_capacity;
};

/* Keeps the name of an id, the first one that is told. 0 or -ENOMEM. */
int ss_names_note(struct ss_names *names, uint64_t id, const char *name);

/* NULL: none is known. */
const char *ss_names_find(const struct ss_names *names, uint64_t id);
void ss_names_free(struct ss_names *names);

#endif
