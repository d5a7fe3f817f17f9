/*
 * engine/preempt.c - a request loses its place in the batch, and takes it again.
 *
 * What becomes of its KV blocks is the scheduler's choice: given up and computed again (recompute), copied to the
 * host's memory over a link (swap), or left where they are (pause). Copies are made before the step that follows them,
 * which waits for them, as in vLLM V0; what they take is added up here and priced when that step starts.
 */
#include <errno.h>

#include "engine/cluster.h"

/* What runs under way compute for it is lost: they go on as they were priced, and nothing comes of it. */
static void
undo_flying(struct ss_replica *replica, struct ss_request *request)
{
    struct ss_place *place = request->place;
    if (place->flying == 0)
        return;
    for (uint32_t i = 0; i < replica->group->stages; i++)
        if (&replica->lanes[i].plan != replica->plan)
            ss_chunks_remove(&replica->lanes[i].plan, request);
    place->computed -= place->flying;
    place->chunk = place->flying;
    ss_kv_undo_chunk(&replica->kv, request);
    place->chunk = place->flying = 0;
}

/* Takes back what steps have given to a request that is about to lose its place. */
static void
undo(struct ss_replica *replica, struct ss_request *request)
{
    struct ss_plan *plan = replica->plan;
    struct ss_place *place = request->place;
    if (place->chunk > 0) {
        plan->budget += place->chunk;
        ss_kv_undo_chunk(&replica->kv, request);
        ss_chunks_remove(plan, request);
        place->chunk = 0;
    }
    undo_flying(replica, request);
    if (request->state != SS_DECODING)
        return;
    if (place->batch->lane != NULL)
        plan = &place->batch->lane->plan;
    if (plan->decode) {
        uint64_t crosses = ss_batch_crosses(place->batch, request) ? 1 : 0;
        plan->budget++;
        plan->decode_blocks -= crosses;
        ss_kv_undo_decodes(&replica->kv, crosses);
    }
}

/* The last who decoded in a step is gone: nobody does. */
static void
leave_batch(struct ss_replica *replica, struct ss_request *request)
{
    struct ss_batch *batch = request->place->batch;
    struct ss_plan *plan = batch->lane != NULL ? &batch->lane->plan : replica->plan;
    ss_batch_leave(batch, request);
    if (batch->count == 0)
        plan->decode = 0;
}

/* The request does not run any more; `computed` of `target` tokens are in the KV cache, all of them where it decoded.
 */
static void
leave_running(struct ss_replica *replica, struct ss_request *request)
{
    undo(replica, request);
    if (request->state == SS_DECODING) {
        struct ss_place *place = request->place;
        place->computed = place->target = (uint32_t)ss_batch_context(place->batch, request);
        leave_batch(replica, request);
    } else {
        ss_prefilling_remove(replica, request);
    }
    ss_running_remove(replica, request);
    ss_cluster_integrate(replica->cluster);
    replica->cluster->running--;
    replica->cluster->waiting++;
    replica->waiting++;
}

static void
park(struct ss_replica *replica, struct ss_request *request, uint32_t state)
{
    request->state = state;
    ss_request_list_add(&replica->parked, request);
}

static void
recompute(struct ss_replica *replica, struct ss_request *request, uint32_t was)
{
    uint32_t whole = request->seen.prompt_tokens + request->generated;
    struct ss_place *place = request->place;
    if (was == SS_SWAPPED)
        ss_kv_drop_swapped(&replica->kv, request);
    else
        ss_kv_give_up(&replica->kv, request, place->computed);
    replica->prefill_tokens_left += whole - (place->target - place->computed);
    replica->result.recomputed_tokens += place->computed;
    if (request->extras != NULL)
        request->extras->prefix.lost_tokens = place->computed;
    place->computed = 0;
    request->state = SS_WAITING;
}

static void
swap_out(struct ss_replica *replica, struct ss_request *request)
{
    uint64_t blocks = ss_kv_swap_out(&replica->kv, request);
    replica->swap_blocks += blocks;
    replica->result.swapped_out_blocks += blocks;
    park(replica, request, SS_SWAPPED);
}

static void
count_preemption(struct ss_replica *replica, struct ss_request *request)
{
    struct ss_cluster *cluster = replica->cluster;
    ss_cluster_record(cluster, request)->preemptions = ++request->seen.preemptions;
    replica->result.preemptions++;
    ss_series_count(&cluster->result->series, SS_SERIES_PREEMPTIONS, replica->plan->now, 1);
}

static const char *const how_names[] = {"preempt(recompute)", "preempt(swap)", "preempt(pause)",
                                        "preempt() in no known way"};

static int
may_be_preempted(const struct ss_request *request, uint32_t how)
{
    switch (request->state) {
    case SS_PREFILLING:
    case SS_DECODING:
        return how <= SERVSIM_PAUSE;
    case SS_PAUSED:
        return how == SERVSIM_RECOMPUTE || how == SERVSIM_SWAP;
    case SS_SWAPPED:
        return how == SERVSIM_RECOMPUTE;
    default:
        return 0;
    }
}

static uint64_t
blocks_held(const struct ss_replica *replica, const struct ss_request *request)
{
    const struct ss_place *place = request->place;
    int decoding = request->state == SS_DECODING;
    return ss_kv_blocks_of(&replica->kv, decoding ? ss_batch_context(place->batch, request) : place->computed);
}

int32_t
ss_step_preempt(void *ctx, struct servsim_request *seen, uint32_t how)
{
    struct ss_replica *replica = ctx;
    if (seen == NULL || !may_be_preempted(ss_request_of(seen), how))
        return ss_replica_breaks_rule(replica, how_names[how <= SERVSIM_PAUSE ? how : SERVSIM_PAUSE + 1], seen, 1);
    struct ss_request *request = ss_request_of(seen);
    uint32_t was = request->state;
    if (how == SERVSIM_SWAP && blocks_held(replica, request) > replica->kv.host_free)
        return SERVSIM_NO_HOST_BLOCKS;
    if (was == SS_PAUSED || was == SS_SWAPPED)
        ss_request_list_remove(&replica->parked, request);
    else
        leave_running(replica, request);
    ss_cluster_record(replica->cluster, request)->output_tokens = request->generated;
    replica->plan->changed = 1;
    replica->plan->preempted++;
    if (how == SERVSIM_PAUSE) {
        park(replica, request, SS_PAUSED);
        replica->result.pauses++;
        return SERVSIM_OK;
    }
    if (how == SERVSIM_SWAP)
        swap_out(replica, request);
    else
        recompute(replica, request, was);
    count_preemption(replica, request);
    return SERVSIM_OK;
}

int
ss_resume_decoding(struct ss_replica *replica, struct ss_request *request, int starts)
{
    struct ss_plan *plan = replica->plan;
    int rc = ss_batch_rejoin(replica->batch, request);
    if (starts)
        ss_give_decodes(replica);
    else if (plan->decode) {
        uint64_t crosses = ss_batch_crosses(replica->batch, request) ? 1 : 0;
        plan->budget--;
        plan->decode_blocks += crosses;
        ss_kv_take_decodes(&replica->kv, crosses);
    }
    return rc;
}

/* The token that it decodes next, or its next chunk. */
static uint32_t
next_tokens(const struct ss_replica *replica, const struct ss_request *request, uint32_t cap)
{
    uint32_t left = request->place->target - request->place->computed, budget = replica->plan->budget;
    left = left < cap ? left : cap;
    return left == 0 ? 1 : left < budget ? left : budget;
}

int32_t
ss_resume(struct ss_replica *replica, struct ss_request *request, uint32_t cap)
{
    const struct ss_place *place = request->place;
    int decodes = place->computed == place->target, swapped = request->state == SS_SWAPPED;
    uint32_t tokens = next_tokens(replica, request, cap);
    uint64_t blocks = ss_kv_blocks_of(&replica->kv, (uint64_t)place->computed + tokens);
    if (!swapped)
        blocks -= ss_kv_blocks_of(&replica->kv, place->computed);
    if (blocks + replica->leaving_blocks > replica->kv.free)
        return SERVSIM_NO_BLOCKS;
    if (ss_kv_reserve(&replica->kv, request) != 0)
        return -ENOMEM;
    ss_request_list_remove(&replica->parked, request);
    if (swapped) {
        uint64_t copied = ss_kv_swap_in(&replica->kv, request);
        replica->swap_blocks += copied;
        replica->result.swapped_in_blocks += copied;
    }
    ss_enter_running(replica, request);
    if (decodes)
        return ss_resume_decoding(replica, request,
                                  replica->batch->count == 0 && replica->plan->budget > replica->held);
    return ss_start_prefill(replica, request, tokens);
}
