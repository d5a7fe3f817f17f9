/*
 * metrics/records.c - records and the nearest-rank percentiles over them.
 */
#include "metrics/records.h"

#include <stdlib.h>

#include "base/pages.h"

int
ss_records_grow(struct ss_records *records)
{
    size_t size = sizeof *records->items, capacity = records->capacity ? records->capacity * 2 : 1024;
    struct ss_record *items = ss_pages_resize(records->items, records->capacity * size, capacity * size);
    if (items == NULL)
        return -ENOMEM;
    records->items = items;
    records->capacity = capacity;
    return 0;
}

int
ss_records_keep_sender(struct ss_records *records, uint64_t client, int32_t priority)
{
    size_t size = sizeof *records->senders, had = records->sender_capacity;
    if (records->count > had) {
        struct ss_sender *senders = ss_pages_resize(records->senders, had * size, records->capacity * size);
        if (senders == NULL)
            return -ENOMEM;
        memset(senders + had, 0, (records->count - had) * size); /* each that follows is set when it comes */
        records->senders = senders;
        records->sender_capacity = records->capacity;
    }
    records->senders[records->count - 1] = (struct ss_sender){client, priority};
    records->has_clients |= client != 0;
    records->has_priorities |= priority != 0;
    return 0;
}

void
ss_records_free(struct ss_records *records)
{
    ss_pages_free(records->items, records->capacity * sizeof *records->items);
    ss_pages_free(records->senders, records->sender_capacity * sizeof *records->senders);
    ss_names_free(&records->client_names);
    *records = (struct ss_records){0};
}

const char *
ss_status_name(uint32_t status)
{
    static const char *const names[] = {"unfinished", "finished", "rejected", "failed"};
    return status < sizeof names / sizeof names[0] ? names[status] : "unknown";
}

int64_t
ss_record_tpot_ps(const struct ss_record *record)
{
    if (record->status != SS_STATUS_FINISHED || record->output_tokens < 2)
        return SS_NO_PS;
    int64_t gaps = (int64_t)record->output_tokens - 1;
    return (record->latency_ps - record->ttft_ps + gaps / 2) / gaps;
}

int64_t
ss_record_figure_ps(const struct ss_record *record, uint32_t figure)
{
    switch (figure) {
    case SS_FIGURE_QUEUE:
        return record->queue_ps;
    case SS_FIGURE_TTFT:
        return record->ttft_ps;
    case SS_FIGURE_TPOT:
        return ss_record_tpot_ps(record);
    default:
        return record->latency_ps;
    }
}

static void
swap(int64_t *a, int64_t *b)
{
    int64_t held = *a;
    *a = *b;
    *b = held;
}

static int64_t
median_of_three(int64_t a, int64_t b, int64_t c)
{
    if (a > b)
        swap(&a, &b);
    if (b > c)
        swap(&b, &c);
    return a > b ? a : b;
}

/* Hoare's selection: puts the value of rank `rank` (from 0) in its place, smaller ones before it. */
static int64_t
select_rank(int64_t *values, size_t low, size_t high, size_t rank)
{
    while (low < high) {
        int64_t pivot = median_of_three(values[low], values[low + (high - low) / 2], values[high]);
        size_t left = low, right = high;
        for (;;) {
            while (values[left] < pivot)
                left++;
            while (values[right] > pivot)
                right--;
            if (left >= right)
                break;
            swap(&values[left++], &values[right--]);
        }
        if (rank <= right)
            high = right;
        else
            low = right + 1;
    }
    return values[rank];
}

static size_t
rank_of(size_t count, size_t percent)
{
    size_t rank = (size_t)(((ss_uwide)count * percent + 99) / 100);
    return rank > 0 ? rank - 1 : 0;
}

static void
describe(struct ss_distribution *out, int64_t *values, size_t count)
{
    size_t p50 = rank_of(count, 50), p90 = rank_of(count, 90), p95 = rank_of(count, 95), p99 = rank_of(count, 99);
    out->p50_ps = select_rank(values, 0, count - 1, p50);
    out->p90_ps = select_rank(values, p50, count - 1, p90);
    out->p95_ps = select_rank(values, p90, count - 1, p95);
    out->p99_ps = select_rank(values, p95, count - 1, p99);
}

void
ss_records_distribution(const struct ss_records *records, uint32_t figure, int64_t *room, struct ss_distribution *out)
{
    ss_wide sum = 0;
    int64_t max_ps = 0;
    size_t count = 0;
    *out = (struct ss_distribution){0, 0, SS_NO_PS, SS_NO_PS, SS_NO_PS, SS_NO_PS, SS_NO_PS};
    for (size_t i = 0; i < records->count; i++) {
        const struct ss_record *record = &records->items[i];
        int64_t ps = ss_record_figure_ps(record, figure);
        if (record->status != SS_STATUS_FINISHED || ps == SS_NO_PS)
            continue;
        room[count++] = ps;
        sum += ps;
        max_ps = ps > max_ps ? ps : max_ps;
    }
    if (count == 0)
        return;
    out->count = count;
    out->mean_ms = (double)sum / (double)count / 1e9;
    out->max_ps = max_ps;
    describe(out, room, count);
}
