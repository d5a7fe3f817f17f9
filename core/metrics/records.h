/*
 * metrics/records.h - one record for each request that arrived, in order of arrival.
 */
#ifndef SS_METRICS_RECORDS_H
#define SS_METRICS_RECORDS_H

#include <stddef.h>

#include "base/time.h"
#include "metrics/names.h"
#include "servsim/plugin.h"

#define SS_STATUS_UNFINISHED 0u
#define SS_STATUS_FINISHED 1u
#define SS_STATUS_REJECTED 2u
#define SS_STATUS_FAILED 3u

#define SS_NO_PS (-1) /* no such moment, or TPOT of a single token */

struct ss_record {
    ss_time arrival;
    int64_t queue_ps;   /* arrival to the first step that computes some of it */
    int64_t ttft_ps;    /* arrival to the first output token */
    int64_t latency_ps; /* arrival to the last output token */
    uint32_t prompt_tokens;
    uint32_t output_tokens; /* generated so far; all of them when finished */
    uint32_t cached_tokens;
    uint32_t replica;
    uint32_t preemptions;
    uint16_t status;
    uint16_t retries; /* how often it was sent again after its replica had failed */
};

/* Who sent a request, where the traffic says so. */
struct ss_sender {
    uint64_t client;
    int32_t priority;
};

struct ss_records {
    struct ss_record *items;
    size_t count, capacity;
    struct ss_sender *senders; /* of all items; NULL: clients and priorities are 0 so far */
    size_t sender_capacity;
    int has_clients, has_priorities; /* some are not 0 */
    struct ss_names client_names;    /* of those that have one */
};

int ss_records_grow(struct ss_records *records); /* room for one more: 0 or -ENOMEM */

/* Appends an empty record (unfinished, nothing known). NULL without memory. */
static inline struct ss_record *
ss_records_add(struct ss_records *records)
{
    if (records->count == records->capacity && ss_records_grow(records) != 0)
        return NULL;
    struct ss_record *record = &records->items[records->count++];
    *record = (struct ss_record){.queue_ps = SS_NO_PS, .ttft_ps = SS_NO_PS, .latency_ps = SS_NO_PS};
    return record;
}

/* Notes who sent the last one. 0 or -ENOMEM. */
int ss_records_keep_sender(struct ss_records *records, uint64_t client, int32_t priority);
static inline int
ss_records_note_sender(struct ss_records *records, uint64_t client, int32_t priority)
{
    if (records->senders == NULL && client == 0 && priority == 0)
        return 0;
    return ss_records_keep_sender(records, client, priority);
}
void ss_records_free(struct ss_records *records);

const char *ss_status_name(uint32_t status);

/* (last - first) / (output - 1), rounded to the nearest picosecond; SS_NO_PS for one output token or an unfinished
 * request. */
int64_t ss_record_tpot_ps(const struct ss_record *record);

/* Distribution of one figure over the finished requests. */
struct ss_distribution {
    uint64_t count;
    double mean_ms;
    int64_t p50_ps, p90_ps, p95_ps, p99_ps, max_ps; /* nearest rank; SS_NO_PS when count is 0 */
};

#define SS_FIGURE_QUEUE 0u
#define SS_FIGURE_TTFT 1u
#define SS_FIGURE_TPOT 2u
#define SS_FIGURE_LATENCY 3u

int64_t ss_record_figure_ps(const struct ss_record *record, uint32_t figure);

/* `room` is for a value of each record. */
void ss_records_distribution(const struct ss_records *records, uint32_t figure, int64_t *room,
                             struct ss_distribution *out);

#endif
