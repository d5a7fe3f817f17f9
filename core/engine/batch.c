/*
 * engine/batch.c - offsets to the decode clock.
 */
#include "engine/batch.h"

#include <errno.h>
#include <stdlib.h>

int
ss_batch_init(struct ss_batch *batch, uint32_t block_size, uint32_t window, int keeps_longest, int keeps_shortest)
{
    *batch = (struct ss_batch){
        .block_size = block_size, .window = window, .keeps_longest = keeps_longest, .keeps_shortest = keeps_shortest};
    batch->residues = calloc(block_size, sizeof *batch->residues);
    return batch->residues != NULL ? 0 : -ENOMEM;
}

void
ss_batch_free(struct ss_batch *batch)
{
    free(batch->residues);
    free(batch->joined);
    ss_heap_free(&batch->finish);
    ss_heap_free(&batch->shortest);
    ss_heap_free(&batch->longest);
    ss_heap_free(&batch->growing);
}

/* (context - clock) mod block_size stays the same while the member decodes; `crossing` is -clock mod block_size. */
static uint32_t *
residue_of(const struct ss_batch *batch, uint64_t context)
{
    return &batch->residues[(context + batch->crossing) % batch->block_size];
}

static uint32_t
residue_before(const struct ss_batch *batch, uint32_t residue)
{
    return (residue == 0 ? batch->block_size : residue) - 1;
}

static int
note_joined(struct ss_batch *batch, struct ss_request *request)
{
    if (batch->joined_count == batch->joined_capacity) {
        uint32_t capacity = batch->joined_capacity ? batch->joined_capacity * 2 : 16;
        struct ss_request **joined = realloc(batch->joined, capacity * sizeof *joined);
        if (joined == NULL)
            return -ENOMEM;
        batch->joined = joined;
        batch->joined_capacity = capacity;
    }
    request->place->joined = 1;
    batch->joined[batch->joined_count++] = request;
    return 0;
}

/* Contexts are told apart by order where they are equal, so that keys are unique. */
static int
enter_range(struct ss_batch *batch, struct ss_request *request, uint64_t context)
{
    struct ss_place *place = request->place;
    ss_wide offset = ((ss_wide)(context + SS_RANGE_OFFSET - batch->clock)) << 64, order = (ss_wide)place->order;
    int rc = ss_heap_push(&batch->longest, order - offset, request, &place->longest_position);
    if (rc == 0 && batch->keeps_shortest)
        rc = ss_heap_push(&batch->shortest, order + offset, request, &place->shortest_position);
    return rc;
}

static void
leave_range(struct ss_batch *batch, struct ss_request *request)
{
    ss_heap_remove(&batch->longest, request->place->longest_position);
    if (batch->keeps_shortest)
        ss_heap_remove(&batch->shortest, request->place->shortest_position);
}

/* ---- windows ---- */

/* A member whose context is window - 1 sees a whole window, with the token that it computes: it has settled. */
static int
enter_window(struct ss_batch *batch, struct ss_request *request, uint64_t context)
{
    request->place->growing_position = SS_HEAP_ABSENT;
    if (context + 1 >= batch->window)
        return 0;
    ss_wide full_at = (ss_wide)(batch->clock + batch->window - 1 - context);
    batch->growing_context_sum += context;
    return ss_heap_push(&batch->growing, (full_at << 64) + (ss_wide)request->place->order, request,
                        &request->place->growing_position);
}

static void
leave_window(struct ss_batch *batch, struct ss_request *request)
{
    if (batch->window == 0 || request->place->growing_position == SS_HEAP_ABSENT)
        return;
    batch->growing_context_sum -= ss_batch_context(batch, request);
    ss_heap_remove(&batch->growing, request->place->growing_position);
}

/* When the first of the growing members settles. */
static uint64_t
settles_at(const struct ss_batch *batch)
{
    return (uint64_t)(ss_heap_first(&batch->growing)->key >> 64);
}

void
ss_batch_settle(struct ss_batch *batch, uint64_t steps)
{
    batch->growing_context_sum += steps * batch->growing.count;
    while (batch->growing.count > 0 && settles_at(batch) <= batch->clock)
        leave_window(batch, ss_heap_first(&batch->growing)->owner);
}

void
ss_batch_window_seen(const struct ss_batch *batch, struct ss_window_shape *out)
{
    out->decode_settled = batch->count - batch->growing.count;
    out->decode_context_sum = batch->growing_context_sum + out->decode_settled * (batch->window - 1);
    if (batch->growing.count > 0)
        out->steps = settles_at(batch) - batch->clock + 1;
}

/* ---- members ---- */

int
ss_batch_join(struct ss_batch *batch, struct ss_request *request, ss_time now)
{
    request->place->last_token_ps = ss_request_age_ps(request, now);
    return ss_batch_rejoin(batch, request);
}

int
ss_batch_rejoin(struct ss_batch *batch, struct ss_request *request)
{
    struct ss_place *place = request->place;
    uint64_t context = (uint64_t)request->seen.prompt_tokens + request->generated - 1;
    request->state = SS_DECODING;
    place->batch = batch;
    place->finish_at = batch->clock + (request->output_tokens - request->generated);
    ss_wide key = ((ss_wide)place->finish_at << 64) + (ss_wide)place->order;
    int rc = ss_heap_push(&batch->finish, key, request, &place->finish_position);
    if (rc == 0 && batch->keeps_longest)
        rc = enter_range(batch, request, context);
    if (rc == 0 && batch->window > 0)
        rc = enter_window(batch, request, context);
    if (rc == 0)
        rc = note_joined(batch, request);
    batch->count++;
    batch->context_sum += context;
    ++*residue_of(batch, context);
    return rc;
}

static void
forget_joined(struct ss_batch *batch, struct ss_request *request)
{
    uint32_t at = 0;
    while (batch->joined[at] != request)
        at++;
    batch->joined[at] = batch->joined[--batch->joined_count];
    request->place->joined = 0;
}

void
ss_batch_leave(struct ss_batch *batch, struct ss_request *request)
{
    uint64_t context = ss_batch_context(batch, request);
    request->generated = ss_batch_generated(batch, request, 0);
    batch->count--;
    batch->context_sum -= context;
    --*residue_of(batch, context);
    ss_heap_remove(&batch->finish, request->place->finish_position);
    leave_window(batch, request);
    if (batch->keeps_longest)
        leave_range(batch, request);
    if (request->place->joined)
        forget_joined(batch, request);
    else
        request->place->last_token_ps = ss_request_age_ps(request, batch->last_end);
}

int
ss_batch_merge(struct ss_batch *into, struct ss_batch *from)
{
    int rc = 0;
    while (from->count > 0 && rc == 0) {
        struct ss_request *request = ss_heap_first(&from->finish)->owner;
        ss_batch_leave(from, request);
        rc = ss_batch_rejoin(into, request);
    }
    return rc;
}

uint64_t
ss_batch_blocks(const struct ss_batch *batch, uint64_t steps)
{
    uint32_t residue = batch->crossing;
    uint64_t blocks = steps / batch->block_size * batch->count;
    for (uint32_t left = (uint32_t)(steps % batch->block_size); left > 0; left--) {
        blocks += batch->residues[residue];
        residue = residue_before(batch, residue);
    }
    return blocks;
}

uint64_t
ss_batch_steps_fitting(const struct ss_batch *batch, uint64_t free_blocks)
{
    if (batch->count == 0)
        return SS_BATCH_FOREVER;
    uint64_t left = free_blocks % batch->count, ahead = 0;
    uint32_t residue = batch->crossing;
    while (ahead < batch->block_size && batch->residues[residue] <= left) {
        left -= batch->residues[residue];
        residue = residue_before(batch, residue);
        ahead++;
    }
    return free_blocks / batch->count * batch->block_size + ahead;
}
