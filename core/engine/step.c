/*
 * engine/step.c - the services with which a scheduler composes a step. Every rule is checked here (KV blocks, token
 * budget, sequence limit), so that no scheduler can build an impossible batch.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/cluster.h"

static uint32_t
minimum(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static const char *
state_of(const struct ss_request *request)
{
    switch (request->state) {
    case SS_WAITING:
        return "waits";
    case SS_PREFILLING:
        return "runs, in prefill";
    case SS_DECODING:
        return "runs, and decodes";
    case SS_PAUSED:
        return "is paused";
    case SS_SWAPPED:
        return "is swapped out";
    case SS_SENT:
        return "waits, its prompt computed elsewhere,";
    default:
        return "is done";
    }
}

int32_t
ss_replica_breaks_rule(struct ss_replica *replica, const char *service, const struct servsim_request *seen,
                       uint32_t cap)
{
    char *out = replica->broken_rule;
    size_t size = sizeof replica->broken_rule;
    if (seen == NULL)
        (void)snprintf(out, size, "%s: no request (NULL)", service);
    else if (cap == 0)
        (void)snprintf(out, size, "%s: a cap of 0 tokens; write SERVSIM_NO_CAP", service);
    else
        (void)snprintf(out, size, "%s: request %llu %s already", service, (unsigned long long)seen->id,
                       state_of(ss_request_of((struct servsim_request *)(uintptr_t)seen)));
    return -EINVAL;
}

/* Room for one more item: 0 or -ENOMEM. */
static int
make_room(void **items, uint32_t count, uint32_t *capacity, size_t size)
{
    if (count < *capacity)
        return 0;
    uint32_t larger = *capacity ? *capacity * 2 : 16;
    void *grown = realloc(*items, larger * size);
    if (grown == NULL)
        return -ENOMEM;
    *items = grown;
    *capacity = larger;
    return 0;
}

void
ss_chunks_remove(struct ss_plan *plan, const struct ss_request *request)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < plan->chunk_count; i++)
        if (plan->chunks[i].request != request)
            plan->chunks[kept++] = plan->chunks[i];
    plan->chunk_count = kept;
}

void
ss_prefilling_remove(struct ss_replica *replica, struct ss_request *request)
{
    uint32_t at = 0;
    while (at < replica->prefilling_count && replica->prefilling[at] != request)
        at++;
    if (at == replica->prefilling_count)
        return;
    if (at == --replica->prefilling_count)
        return;
    memmove(replica->prefilling + at, replica->prefilling + at + 1,
            (replica->prefilling_count - at) * sizeof(struct ss_request *));
}

static void
running_append(struct ss_replica *replica, struct ss_request *request)
{
    request->place->previous = replica->last;
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
    struct ss_request *previous = request->place->previous, *next = request->next;
    if (previous != NULL)
        previous->next = next;
    else
        replica->first = next;
    if (next != NULL)
        next->place->previous = previous;
    else
        replica->last = previous;
    replica->running--;
}

static inline int
give_chunk(struct ss_replica *replica, struct ss_request *request, uint32_t tokens)
{
    struct ss_plan *plan = replica->plan;
    void *chunks = plan->chunks;
    if (make_room(&chunks, plan->chunk_count, &plan->chunk_capacity, sizeof *plan->chunks) != 0)
        return -ENOMEM;
    plan->chunks = chunks;
    plan->chunks[plan->chunk_count++] = (struct ss_chunk){request, tokens};
    request->place->chunk = tokens;
    plan->budget -= tokens;
    ss_kv_take_chunk(&replica->kv, request);
    return 0;
}

/* Requests that are held are rows of the batch, too. */
static uint32_t
decode_rows(const struct ss_replica *replica)
{
    return replica->batch->count > 0 ? replica->batch->count + replica->held : 0;
}

inline void
ss_give_decodes(struct ss_replica *replica)
{
    struct ss_plan *plan = replica->plan;
    if (plan->decode || replica->batch->count == 0)
        return;
    plan->decode = 1;
    plan->decode_blocks = ss_batch_next_blocks(replica->batch);
    plan->budget -= decode_rows(replica);
    ss_kv_take_decodes(&replica->kv, plan->decode_blocks);
}

static int32_t
decode_all(void *ctx)
{
    struct ss_replica *replica = ctx;
    if (replica->plan->decode || replica->batch->count == 0)
        return SERVSIM_OK;
    if (decode_rows(replica) > replica->plan->budget)
        return SERVSIM_NO_BUDGET;
    if (ss_batch_next_blocks(replica->batch) > replica->kv.free)
        return SERVSIM_NO_BLOCKS;
    ss_give_decodes(replica);
    return SERVSIM_OK;
}

/* What one running request in prefill gets out of `budget`: 0 when it has its chunk of this step already. */
static uint32_t
next_chunk(const struct ss_request *request, uint32_t cap, uint32_t budget)
{
    const struct ss_place *place = request->place;
    return place->chunk > 0 ? 0 : minimum(minimum(place->target - place->computed, cap), budget);
}

static int32_t
prefill(void *ctx, struct servsim_request *seen, uint32_t cap)
{
    struct ss_replica *replica = ctx;
    struct ss_request *request = seen != NULL ? ss_request_of(seen) : NULL;
    if (request == NULL || request->state != SS_PREFILLING || cap == 0)
        return ss_replica_breaks_rule(replica, "prefill()", seen, cap);
    uint32_t tokens = next_chunk(request, cap, replica->plan->budget);
    const struct ss_place *place = request->place;
    if (tokens == 0)
        return place->chunk > 0 || place->computed == place->target ? SERVSIM_OK : SERVSIM_NO_BUDGET;
    if (ss_kv_chunk_blocks(&replica->kv, request, tokens) > replica->kv.free)
        return SERVSIM_NO_BLOCKS;
    return give_chunk(replica, request, tokens);
}

/*
 * All or nothing. An engine that serves one by one in running order, as vLLM V1 does, preempting the tail whenever a
 * block is missing, ends with the same batch: the tail is served last, so whoever is preempted had been given nothing.
 *
 * That decodes come first here makes no difference to it, although a chunk ahead of them could use up the budget. A
 * request runs only if something was left for it when it was admitted, after all ahead of it had had their share: at
 * most `cap` tokens of what they had left. Under the same cap these shares never grow, so it is left at least as much
 * in every later step, and only the last in order is ever given less than its share.
 */
static int32_t
serve_running(void *ctx, uint32_t cap)
{
    struct ss_replica *replica = ctx;
    struct ss_plan *plan = replica->plan;
    if (cap == 0) {
        (void)snprintf(replica->broken_rule, sizeof replica->broken_rule,
                       "serve_running(): a cap of 0 tokens; write SERVSIM_NO_CAP");
        return -EINVAL;
    }
    uint32_t decodes = plan->decode ? 0 : decode_rows(replica);
    if (decodes > plan->budget)
        return SERVSIM_NO_BUDGET;
    uint32_t budget = plan->budget - decodes;
    uint64_t blocks = plan->decode ? 0 : ss_batch_next_blocks(replica->batch);
    for (uint32_t i = 0; i < replica->prefilling_count; i++) {
        uint32_t tokens = next_chunk(replica->prefilling[i], cap, budget);
        blocks += tokens > 0 ? ss_kv_chunk_blocks(&replica->kv, replica->prefilling[i], tokens) : 0;
        budget -= tokens;
    }
    if (blocks > replica->kv.free)
        return SERVSIM_NO_BLOCKS;
    ss_give_decodes(replica);
    for (uint32_t i = 0; i < replica->prefilling_count; i++) {
        uint32_t tokens = next_chunk(replica->prefilling[i], cap, plan->budget);
        if (tokens > 0 && give_chunk(replica, replica->prefilling[i], tokens) != 0)
            return -ENOMEM;
    }
    return SERVSIM_OK;
}

/* Decodes always fit: a smaller budget is for prefill. */
static int32_t
limit(void *ctx, uint32_t tokens)
{
    struct ss_replica *replica = ctx;
    struct ss_plan *plan = replica->plan;
    uint32_t used = replica->cluster->cell->max_num_batched_tokens - plan->budget;
    uint32_t decodes = plan->decode ? 0 : decode_rows(replica);
    uint32_t left = tokens > used ? tokens - used : 0;
    plan->budget = minimum(plan->budget, left > decodes ? left : decodes);
    return SERVSIM_OK;
}

/* Counts the tokens that need not be computed: for the first time, or again. */
static void
note_cached(struct ss_replica *replica, const struct ss_request *request)
{
    struct ss_record *record = ss_cluster_record(replica->cluster, request);
    uint32_t cached = request->place->computed;
    if (cached == 0)
        return;
    replica->prefill_tokens_left -= cached;
    if (record->queue_ps == SS_NO_PS) {
        record->cached_tokens = cached;
        replica->result.cached_tokens += cached;
    } else {
        replica->result.recomputed_tokens -= minimum(cached, request->extras->prefix.lost_tokens);
    }
}

inline void
ss_enter_running(struct ss_replica *replica, struct ss_request *request)
{
    struct ss_cluster *cluster = replica->cluster;
    struct ss_record *record = ss_cluster_record(cluster, request);
    request->place->order = replica->admissions++;
    running_append(replica, request);
    ss_cluster_integrate(cluster);
    cluster->waiting--;
    cluster->running++;
    replica->waiting--;
    replica->plan->changed = 1;
    if (record->queue_ps == SS_NO_PS)
        record->queue_ps = ss_request_age_ps(request, replica->plan->now);
}

/* Part of admit(): a call less for each request. */
inline __attribute__((always_inline)) int
ss_start_prefill(struct ss_replica *replica, struct ss_request *request, uint32_t tokens)
{
    request->state = SS_PREFILLING;
    void *prefilling = replica->prefilling;
    if (make_room(&prefilling, replica->prefilling_count, &replica->prefilling_capacity, sizeof request) != 0)
        return -ENOMEM;
    replica->prefilling = prefilling;
    replica->prefilling[replica->prefilling_count++] = request;
    return give_chunk(replica, request, tokens);
}

/* One that lost its replica comes with the tokens that it has had, and these may be more than any step takes. */
static int
must_be_whole(const struct ss_replica *replica, const struct ss_request *request, uint32_t left, uint32_t flags)
{
    return (flags & SERVSIM_WHOLE_PROMPT) != 0 &&
           (ss_request_retries(request) == 0 || left <= replica->cluster->cell->max_num_batched_tokens);
}

/* It does not run, and something of it is computed. */
static int
is_apart(const struct ss_request *request)
{
    return request->state == SS_PAUSED || request->state == SS_SWAPPED || request->state == SS_SENT;
}

static int32_t
come_back(struct ss_replica *replica, struct ss_request *request, uint32_t cap, uint32_t flags)
{
    if (request->state != SS_SENT)
        return ss_resume(replica, request, cap);
    request->place->holds = (flags & SERVSIM_HOLD_PLACE) != 0;
    return ss_transfers_admit(replica, request);
}

static int32_t
admit(void *ctx, struct servsim_request *seen, uint32_t cap, uint32_t flags)
{
    struct ss_replica *replica = ctx;
    struct ss_request *request = seen != NULL ? ss_request_of(seen) : NULL;
    if (request == NULL || cap == 0 || (request->state != SS_WAITING && !is_apart(request)))
        return ss_replica_breaks_rule(replica, "admit()", seen, cap);
    if (replica->plan->budget == 0)
        return SERVSIM_NO_BUDGET;
    if (replica->running + replica->leaving_seats >= replica->cluster->cell->max_num_seqs)
        return SERVSIM_NO_SLOT;
    if (request->state != SS_WAITING)
        return come_back(replica, request, cap, flags);
    uint64_t needed;
    uint32_t target = seen->prompt_tokens + request->generated;
    int64_t cached = ss_kv_find(&replica->kv, request, target, &needed);
    if (cached < 0)
        return (int32_t)cached;
    uint32_t left = target - (uint32_t)cached;
    uint32_t tokens = minimum(minimum(left, cap), replica->plan->budget);
    if (tokens < left && must_be_whole(replica, request, left, flags))
        return SERVSIM_NO_BUDGET;
    if (needed + replica->leaving_blocks > replica->kv.free)
        return SERVSIM_NO_BLOCKS;
    if (request->place == NULL && ss_requests_place(&replica->cluster->requests, request) != 0)
        return -ENOMEM;
    request->place->target = target;
    request->place->computed = (uint32_t)cached;
    request->place->holds = (flags & SERVSIM_HOLD_PLACE) != 0;
    ss_kv_share(&replica->kv, request);
    note_cached(replica, request);
    ss_enter_running(replica, request);
    return ss_start_prefill(replica, request, tokens);
}

static struct servsim_request *
latest_not_done(struct ss_request *request)
{
    while (request != NULL && request->state == SS_HELD)
        request = request->place->previous;
    return request != NULL ? &request->seen : NULL;
}

static struct servsim_request *
last_running(void *ctx)
{
    return latest_not_done(((const struct ss_replica *)ctx)->last);
}

static struct servsim_request *
running_before(void *ctx, const struct servsim_request *seen)
{
    const struct ss_request *request = ss_request_of(seen);
    (void)ctx;
    int runs = request->state == SS_PREFILLING || request->state == SS_DECODING;
    return runs ? latest_not_done(request->place->previous) : NULL;
}

static uint32_t
running(void *ctx)
{
    return ((const struct ss_replica *)ctx)->running;
}

static uint32_t
budget_left(void *ctx)
{
    return ((const struct ss_replica *)ctx)->plan->budget;
}

static uint64_t
free_blocks(void *ctx)
{
    return ((const struct ss_replica *)ctx)->kv.free;
}

static uint32_t
prefill_left(void *ctx, const struct servsim_request *seen)
{
    const struct ss_request *request = ss_request_of(seen);
    const struct ss_place *place = request->place;
    (void)ctx;
    switch (request->state) {
    case SS_WAITING:
        return seen->prompt_tokens + request->generated;
    case SS_DECODING:
        return 0;
    default:
        return place->target - place->computed - place->chunk;
    }
}

static uint64_t
blocks_of(void *ctx, const struct servsim_request *seen)
{
    const struct ss_replica *replica = ctx;
    const struct ss_request *request = ss_request_of(seen);
    const struct ss_place *place = request->place;
    if (request->state == SS_DECODING) {
        uint64_t next = place->batch->lane != NULL || replica->plan->decode ? 1 : 0;
        return ss_kv_blocks_of(&replica->kv, ss_batch_context(place->batch, request) + next);
    }
    if (request->state == SS_WAITING || request->state == SS_SWAPPED || request->state == SS_SENT)
        return 0;
    return ss_kv_blocks_of(&replica->kv, (uint64_t)place->computed + place->chunk);
}

static uint64_t
free_host_blocks(void *ctx)
{
    return ((const struct ss_replica *)ctx)->kv.host_free;
}

const struct servsim_step_ops ss_step_services = {
    .size = sizeof ss_step_services,
    .serve_running = serve_running,
    .decode_all = decode_all,
    .prefill = prefill,
    .admit = admit,
    .preempt = ss_step_preempt,
    .last_running = last_running,
    .running = running,
    .budget_left = budget_left,
    .free_blocks = free_blocks,
    .limit = limit,
    .running_before = running_before,
    .prefill_left = prefill_left,
    .blocks_of = blocks_of,
    .free_host_blocks = free_host_blocks,
};
