/*
 * metrics/result.h - what one simulated cell leaves: records, histograms, series, counts.
 */
#ifndef SS_METRICS_RESULT_H
#define SS_METRICS_RESULT_H

#include "base/time.h"
#include "metrics/itl.h"
#include "metrics/prediction.h"
#include "metrics/records.h"
#include "metrics/series.h"
#include "servsim/plugin.h"

/* Where a replica's busy time went, and what it did in it. Sums of integers, so they do not depend on how runs were
 * split. */
struct ss_replica_result {
    ss_time busy, dense, communication, overhead, swap; /* attention is the rest of busy */
    uint64_t steps, decode_steps;
    uint64_t requests; /* routed here and not rejected */
    uint64_t output_tokens, prefill_tokens, decode_tokens, sampled_rows;
    ss_wide flops; /* of the model, for the tokens that were computed */
    ss_wide bytes; /* weights and KV cache that all of its GPUs read */
    uint64_t preemptions, recomputed_tokens;
    uint64_t pauses, swapped_out_blocks, swapped_in_blocks;
    uint64_t kv_blocks_peak;
    uint64_t cached_tokens; /* prompt tokens found in the prefix cache when their request first started */
    uint64_t kv_evictions;  /* cached blocks that were taken for something else */
};

/* Adds up, but for the peak, which is the higher one. */
void ss_replica_result_add(struct ss_replica_result *sum, const struct ss_replica_result *one);

/* One run on one pipeline stage of one rank of a replica, for timelines. */
struct ss_slice {
    ss_time start, end;
    uint64_t steps, kv_blocks;
    uint32_t replica, rank, stage, prefill_tokens, decodes, waiting, running;
};

/* Runs in the order in which they ended, up to a limit. */
struct ss_timeline {
    struct ss_slice *slices;
    size_t count, capacity, limit; /* limit 0: nothing is kept */
    uint64_t dropped;              /* runs beyond the limit */
};

/* 0 or -ENOMEM. */
int ss_timeline_add(struct ss_timeline *timeline, const struct ss_slice *slice);

/* One failure of a replica. A time that has not come before the end is SS_NEVER. */
struct ss_outage {
    uint32_t replica;
    ss_time down, detected, up; /* detected: by the router */
};

/* What failures did. */
struct ss_failures_result {
    int present;
    uint32_t stragglers;
    struct ss_outage *outages; /* as they began; those of one instant by replica */
    size_t outage_count, outage_capacity;
    ss_time span;              /* that the cell was watched for, from time 0 */
    uint64_t requests_retried; /* at least once */
    uint64_t retries, requests_failed;
    uint64_t kv_tokens_lost;     /* in the KV caches that died, of requests that were not done */
    uint64_t tokens_recomputed;  /* of those: of requests that were sent again */
    uint64_t output_tokens_lost; /* that requests had had which then failed */
    ss_time failed_stay;         /* sum over failed requests: in the system */
    ss_time failed_decode;       /* the same: from the first token to the last that they had */
};

/* How the KV cache of a request came from the replica that computed its prompt to the one where it decodes. */
struct ss_transfer {
    int64_t wait_ps;     /* from its first token on, for others on the link; SS_NO_PS: on its way at the end */
    int64_t transfer_ps; /* on the link; likewise */
    int64_t queue_ps;    /* from then until it is admitted to decode; SS_NO_PS: it was not */
    uint32_t prefill_replica;
    uint32_t present;
};

struct ss_transfers_result {
    uint32_t prefill_replicas; /* the first ones; 0: all do both */
    struct ss_transfer *items; /* by request; those without have none `present` */
    size_t capacity;
    uint64_t blocks;    /* that are through */
    double block_bytes; /* of all GPUs of a replica */
};

/* 0 or -ENOMEM. */
int ss_transfer_note(struct ss_transfers_result *transfers, uint64_t request, const struct ss_transfer *transfer);

/* NULL: it has none. */
static inline const struct ss_transfer *
ss_transfer_find(const struct ss_transfers_result *transfers, uint64_t request)
{
    return request < transfers->capacity && transfers->items[request].present ? &transfers->items[request] : NULL;
}

struct ss_result {
    struct ss_records records;
    struct ss_itl itl;
    struct ss_series series;
    struct ss_timeline timeline;
    struct ss_replica_result *replicas;
    uint32_t replica_count;
    uint32_t parts; /* of a replica, that can be busy apart: its data-parallel ranks x pipeline stages */
    struct ss_predictions predictions;
    struct ss_failures_result failures;
    struct ss_transfers_result transfers;
    struct servsim_workload_stats workload;
    struct servsim_device device;
    uint64_t kv_blocks_total;           /* of one replica */
    ss_time first_arrival, end;         /* end: the last token, or the stop */
    ss_wide waiting_area, running_area; /* requests x picoseconds; both together are those in the system */
    ss_time held; /* sum over requests: from the last token to the end of the batch that they were held for */
    /* not part of any comparison */
    uint64_t events, engine_steps;
};

void ss_result_free(struct ss_result *result);

#endif
