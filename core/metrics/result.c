/*
 * metrics/result.c - the end of a result.
 */
#include "metrics/result.h"

#include <errno.h>
#include <stdlib.h>

int
ss_timeline_add(struct ss_timeline *timeline, const struct ss_slice *slice)
{
    if (timeline->count == timeline->limit) {
        timeline->dropped += timeline->limit > 0;
        return 0;
    }
    if (timeline->count == timeline->capacity) {
        size_t capacity = timeline->capacity ? timeline->capacity * 2 : 1024;
        struct ss_slice *slices = realloc(timeline->slices, capacity * sizeof *slices);
        if (slices == NULL)
            return -ENOMEM;
        timeline->slices = slices;
        timeline->capacity = capacity;
    }
    timeline->slices[timeline->count++] = *slice;
    return 0;
}

void
ss_result_free(struct ss_result *result)
{
    ss_records_free(&result->records);
    free(result->replicas);
    free(result->timeline.slices);
    result->timeline = (struct ss_timeline){0};
    result->replicas = NULL;
    result->replica_count = 0;
}
