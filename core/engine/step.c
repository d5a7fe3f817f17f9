/*
 * engine/step.c - the services with which a scheduler composes a step. Every rule is checked here (KV blocks, token
 * budget, sequence limit), so that no scheduler can build an impossible batch.
 */
#include <errno.h>
#include <stdlib.h>

#include "engine/cluster.h"

static uint32_t
minimum(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

void
ss_plan_reset(struct ss_replica *replica, ss_time now)
{
    struct ss_plan *plan = &replica->plan;
    plan->chunk_count = 0;
    plan->decode = 0;
    plan->decode_blocks = 0;
    plan->budget = replica->cluster->cell->max_num_batched_tokens;
    plan->changed = 0;
    plan->preempted = 0;
    plan->now = now;
}

static int
append(struct ss_request ***items, uint32_t *count, uint32_t *capacity, struct ss_request *request)
{
    if (*count == *capacity) {
        uint32_t larger = *capacity ? *capacity * 2 : 16;
        struct ss_request **grown = realloc(*items, larger * sizeof **items);
        if (grown == NULL)
            return -ENOMEM;
        *items = grown;
        *capacity = larger;
    }
    (*items)[(*count)++] = request;
    return 0;
}

static void
remove_ordered(struct ss_request **items, uint32_t *count, const struct ss_request *request)
{
    uint32_t at = 0;
    while (at < *count && items[at] != request)
        at++;
    if (at == *count)
        return;
    --*count;
    memmove(items + at, items + at + 1, (*count - at) * sizeof *items);
}

void
ss_prefilling_remove(struct ss_replica *replica, struct ss_request *request)
{
    remove_ordered(replica->prefilling, &replica->prefilling_count, request);
}

static void
running_append(struct ss_replica *replica, struct ss_request *request)
{
    request->previous = replica->last;
    request->next = NULL;
    if (replica->last != NULL)
        replica->last->next = request;
    else
        replica->first = request;
    replica->last = request;
    replica->running++;
}

void
ss_running_remove(struct ss_replica *replica, struct ss_request *request)
{
    if (request->previous != NULL)
        request->previous->next = request->next;
    else
        replica->first = request->next;
    if (request->next != NULL)
        request->next->previous = request->previous;
    else
        replica->last = request->previous;
    replica->running--;
}

static int
give_chunk(struct ss_replica *replica, struct ss_request *request, uint32_t tokens)
{
    struct ss_plan *plan = &replica->plan;
    int rc = append(&plan->chunks, &plan->chunk_count, &plan->chunk_capacity, request);
    if (rc != 0)
        return rc;
    request->chunk = tokens;
    plan->budget -= tokens;
    ss_kv_take_chunk(&replica->kv, request);
    return 0;
}

static void
give_decodes(struct ss_replica *replica)
{
    struct ss_plan *plan = &replica->plan;
    if (plan->decode || replica->batch.count == 0)
        return;
    plan->decode = 1;
    plan->decode_blocks = ss_batch_blocks(&replica->batch, 1);
    plan->budget -= replica->batch.count;
    ss_kv_take_decodes(&replica->kv, plan->decode_blocks);
}

static int32_t
decode_all(void *ctx)
{
    struct ss_replica *replica = ctx;
    if (replica->plan.decode || replica->batch.count == 0)
        return SERVSIM_OK;
    if (replica->batch.count > replica->plan.budget)
        return SERVSIM_NO_BUDGET;
    if (ss_batch_blocks(&replica->batch, 1) > replica->kv.free)
        return SERVSIM_NO_BLOCKS;
    give_decodes(replica);
    return SERVSIM_OK;
}

/* What one running request in prefill gets out of `budget`: 0 when it has its chunk of this step already. */
static uint32_t
next_chunk(const struct ss_request *request, uint32_t cap, uint32_t budget)
{
    return request->chunk > 0 ? 0 : minimum(minimum(request->target - request->computed, cap), budget);
}

static int32_t
prefill(void *ctx, struct servsim_request *seen, uint32_t cap)
{
    struct ss_replica *replica = ctx;
    struct ss_request *request = ss_request_of(seen);
    if (request->state != SS_PREFILLING || cap == 0)
        return -EINVAL;
    uint32_t tokens = next_chunk(request, cap, replica->plan.budget);
    if (tokens == 0)
        return request->chunk > 0 ? SERVSIM_OK : SERVSIM_NO_BUDGET;
    if (ss_kv_chunk_blocks(&replica->kv, request, tokens) > replica->kv.free)
        return SERVSIM_NO_BLOCKS;
    return give_chunk(replica, request, tokens);
}

/*
 * All or nothing. An engine that serves one by one, preempting the tail whenever a block is missing, ends with the same
 * batch: the tail is served last, so whoever is preempted had been given nothing.
 */
static int32_t
serve_running(void *ctx, uint32_t cap)
{
    struct ss_replica *replica = ctx;
    struct ss_plan *plan = &replica->plan;
    if (cap == 0)
        return -EINVAL;
    uint32_t decodes = plan->decode ? 0 : replica->batch.count;
    if (decodes > plan->budget)
        return SERVSIM_NO_BUDGET;
    uint32_t budget = plan->budget - decodes;
    uint64_t blocks = plan->decode ? 0 : ss_batch_blocks(&replica->batch, 1);
    for (uint32_t i = 0; i < replica->prefilling_count; i++) {
        uint32_t tokens = next_chunk(replica->prefilling[i], cap, budget);
        blocks += tokens > 0 ? ss_kv_chunk_blocks(&replica->kv, replica->prefilling[i], tokens) : 0;
        budget -= tokens;
    }
    if (blocks > replica->kv.free)
        return SERVSIM_NO_BLOCKS;
    give_decodes(replica);
    for (uint32_t i = 0; i < replica->prefilling_count; i++) {
        uint32_t tokens = next_chunk(replica->prefilling[i], cap, plan->budget);
        if (tokens > 0 && give_chunk(replica, replica->prefilling[i], tokens) != 0)
            return -ENOMEM;
    }
    return SERVSIM_OK;
}

static void
start(struct ss_replica *replica, struct ss_request *request)
{
    struct ss_cluster *cluster = replica->cluster;
    struct ss_record *record = ss_cluster_record(cluster, request);
    request->state = SS_PREFILLING;
    request->order = replica->admissions++;
    running_append(replica, request);
    ss_cluster_integrate(cluster);
    cluster->waiting--;
    cluster->running++;
    replica->waiting--;
    replica->plan.changed = 1;
    if (record->queue_ps == SS_NO_PS)
        record->queue_ps = ss_request_age_ps(request, replica->plan.now);
}

static int32_t
admit(void *ctx, struct servsim_request *seen, uint32_t cap, uint32_t flags)
{
    struct ss_replica *replica = ctx;
    struct ss_request *request = ss_request_of(seen);
    if (request->state != SS_WAITING || cap == 0)
        return -EINVAL;
    if (replica->plan.budget == 0)
        return SERVSIM_NO_BUDGET;
    if (replica->running >= replica->cluster->cell->max_num_seqs)
        return SERVSIM_NO_SLOT;
    request->computed = 0;
    request->target = seen->prompt_tokens + request->generated;
    uint32_t tokens = minimum(minimum(request->target, cap), replica->plan.budget);
    if ((flags & SERVSIM_WHOLE_PROMPT) != 0 && tokens < request->target)
        return SERVSIM_NO_BUDGET;
    if (ss_kv_blocks_of(&replica->kv, request->target) > replica->kv.free)
        return SERVSIM_NO_BLOCKS;
    int rc = append(&replica->prefilling, &replica->prefilling_count, &replica->prefilling_capacity, request);
    if (rc != 0)
        return rc;
    start(replica, request);
    return give_chunk(replica, request, tokens);
}

/* Takes back what the step being composed has given to a request that is about to lose its place. */
static void
undo(struct ss_replica *replica, struct ss_request *request)
{
    struct ss_plan *plan = &replica->plan;
    if (request->state == SS_DECODING && plan->decode) {
        uint64_t crosses = ss_batch_crosses(&replica->batch, request) ? 1 : 0;
        plan->budget++;
        plan->decode_blocks -= crosses;
        ss_kv_undo_decodes(&replica->kv, crosses);
    }
    if (request->chunk > 0) {
        plan->budget += request->chunk;
        ss_kv_undo_chunk(&replica->kv, request);
        remove_ordered(plan->chunks, &plan->chunk_count, request);
        request->chunk = 0;
    }
}

/* Gives the KV blocks back; returns the tokens that must be computed again. */
static uint64_t
drop_cache(struct ss_replica *replica, struct ss_request *request)
{
    uint64_t tokens = request->computed;
    if (request->state == SS_DECODING) {
        tokens = ss_batch_context(&replica->batch, request);
        ss_batch_leave(&replica->batch, request);
        replica->prefill_tokens_left += (uint64_t)request->seen.prompt_tokens + request->generated;
        if (replica->batch.count == 0)
            replica->plan.decode = 0;
    } else {
        ss_prefilling_remove(replica, request);
        replica->prefill_tokens_left += request->computed;
    }
    ss_kv_release(&replica->kv, request, tokens);
    request->computed = 0;
    return tokens;
}

static int32_t
preempt(void *ctx, struct servsim_request *seen, uint32_t how)
{
    struct ss_replica *replica = ctx;
    struct ss_cluster *cluster = replica->cluster;
    struct ss_request *request = ss_request_of(seen);
    if (how != SERVSIM_RECOMPUTE || request->state == SS_WAITING)
        return -EINVAL;
    struct ss_record *record = ss_cluster_record(cluster, request);
    undo(replica, request);
    replica->result.recomputed_tokens += drop_cache(replica, request);
    ss_running_remove(replica, request);
    request->state = SS_WAITING;
    record->preemptions = ++seen->preemptions;
    record->output_tokens = request->generated;
    ss_cluster_integrate(cluster);
    cluster->running--;
    cluster->waiting++;
    replica->waiting++;
    replica->plan.changed = 1;
    replica->plan.preempted++;
    replica->result.preemptions++;
    ss_series_count(&cluster->result->series, SS_SERIES_PREEMPTIONS, replica->plan.now, 1);
    return SERVSIM_OK;
}

static struct servsim_request *
last_running(void *ctx)
{
    const struct ss_replica *replica = ctx;
    return replica->last != NULL ? &replica->last->seen : NULL;
}

static uint32_t
running(void *ctx)
{
    return ((const struct ss_replica *)ctx)->running;
}

static uint32_t
budget_left(void *ctx)
{
    return ((const struct ss_replica *)ctx)->plan.budget;
}

static uint64_t
free_blocks(void *ctx)
{
    return ((const struct ss_replica *)ctx)->kv.free;
}

const struct servsim_step_ops ss_step_services = {
    .size = sizeof ss_step_services,
    .serve_running = serve_running,
    .decode_all = decode_all,
    .prefill = prefill,
    .admit = admit,
    .preempt = preempt,
    .last_running = last_running,
    .running = running,
    .budget_left = budget_left,
    .free_blocks = free_blocks,
};
