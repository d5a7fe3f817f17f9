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

int
ss_transfer_note(struct ss_transfers_result *transfers, uint64_t request, const struct ss_transfer *transfer)
{
    if (request >= transfers->capacity) {
        size_t had = transfers->capacity, capacity = had > 0 ? had : 1024;
        while (capacity <= request)
            capacity *= 2;
        struct ss_transfer *items = realloc(transfers->items, capacity * sizeof *items);
        if (items == NULL)
            return -ENOMEM;
        memset(items + had, 0, (capacity - had) * sizeof *items);
        transfers->items = items;
        transfers->capacity = capacity;
    }
    transfers->items[request] = *transfer;
    return 0;
}

void
ss_replica_result_add(struct ss_replica_result *sum, const struct ss_replica_result *one)
{
    sum->busy += one->busy;
    sum->dense += one->dense;
    sum->communication += one->communication;
    sum->overhead += one->overhead;
    sum->steps += one->steps;
    sum->decode_steps += one->decode_steps;
    sum->output_tokens += one->output_tokens;
    sum->prefill_tokens += one->prefill_tokens;
    sum->decode_tokens += one->decode_tokens;
    sum->sampled_rows += one->sampled_rows;
    sum->flops += one->flops;
    sum->bytes += one->bytes;
    sum->preemptions += one->preemptions;
    sum->recomputed_tokens += one->recomputed_tokens;
    sum->swap += one->swap;
    sum->pauses += one->pauses;
    sum->swapped_out_blocks += one->swapped_out_blocks;
    sum->swapped_in_blocks += one->swapped_in_blocks;
    if (one->kv_blocks_peak > sum->kv_blocks_peak)
        sum->kv_blocks_peak = one->kv_blocks_peak;
    sum->requests += one->requests;
    sum->cached_tokens += one->cached_tokens;
    sum->kv_evictions += one->kv_evictions;
}

void
ss_result_free(struct ss_result *result)
{
    ss_records_free(&result->records);
    free(result->replicas);
    free(result->timeline.slices);
    free(result->failures.outages);
    free(result->transfers.items);
    result->transfers = (struct ss_transfers_result){0};
    result->failures = (struct ss_failures_result){0};
    result->timeline = (struct ss_timeline){0};
    result->replicas = NULL;
    result->replica_count = 0;
}
