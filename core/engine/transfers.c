/*
 * engine/transfers.c - a request's way from its prefill replica to the one where it decodes.
 */
#include "engine/transfers.h"

#include <errno.h>
#include <stdlib.h>

#include "base/seed.h"
#include "engine/cluster.h"

struct ss_transfers {
    struct ss_cluster *cluster;
    uint32_t prefill_count;
    ss_time *free;              /* [replicas] when each end of the link has passed on all that has set off */
    struct ss_request **held;   /* [prefill_count] the first of those whose blocks each still holds, linked both ways */
    struct ss_heap next;        /* those on their way, by when they are through, and by `set_off` */
    uint32_t set_off;           /* how many have, low bits */
    struct ss_request **handed; /* at this instant, in order */
    uint32_t handed_count, handed_capacity;
    struct ss_router router; /* of the decode replicas */
};

/* ---- making and ending ---- */

int
ss_transfers_make(struct ss_cluster *cluster, struct servsim_error *err)
{
    const struct ss_cell *cell = cluster->cell;
    if (cell->prefill_replicas == 0)
        return 0;
    struct ss_transfers *transfers = calloc(1, sizeof *transfers);
    cluster->transfers = transfers;
    if (transfers == NULL)
        return servsim_fail(err, ENOMEM, "no memory for transfers");
    transfers->cluster = cluster;
    transfers->prefill_count = cell->prefill_replicas;
    transfers->free = calloc(cell->replicas, sizeof *transfers->free);
    transfers->held = calloc(transfers->prefill_count, sizeof(struct ss_request *));
    if (transfers->free == NULL || transfers->held == NULL)
        return servsim_fail(err, ENOMEM, "no memory for transfers between %u replicas", cell->replicas);
    if (ss_cost_transfer_ps(cluster->cost, 1) < 0)
        return servsim_fail(
            err, EINVAL,
            "prefill_replicas: the device does not say how fast GPUs send to each other; write cluster: "
            "{kv_transfer: {bandwidth: 25GB/s}}");
    /* other streams than those of the prefill replicas' router */
    return ss_router_make(&transfers->router, cluster, cell->prefill_replicas, cell->replicas - cell->prefill_replicas,
                          ss_seed_for(cell->seed, "decode"), err);
}

void
ss_transfers_free(struct ss_transfers *transfers)
{
    if (transfers == NULL)
        return;
    ss_router_free(&transfers->router);
    ss_heap_free(&transfers->next);
    free(transfers->free);
    free(transfers->held);
    free(transfers->handed);
    free(transfers);
}

/* ---- setting off ---- */

static int
note_handed(struct ss_transfers *transfers, struct ss_request *request)
{
    if (transfers->handed_count == transfers->handed_capacity) {
        uint32_t capacity = transfers->handed_capacity > 0 ? 2 * transfers->handed_capacity : 16;
        struct ss_request **handed = realloc(transfers->handed, capacity * sizeof(struct ss_request *));
        if (handed == NULL)
            return -ENOMEM;
        transfers->handed = handed;
        transfers->handed_capacity = capacity;
    }
    transfers->handed[transfers->handed_count++] = request;
    return 0;
}

int
ss_transfers_hand_over(struct ss_replica *replica, struct ss_request *request)
{
    struct ss_cluster *cluster = replica->cluster;
    struct ss_place *place = request->place;
    ss_running_remove(replica, request);
    if (ss_replica_composes_ahead(replica) && replica->waiting > 0)
        replica->leaving_seats++;
    ss_replica_tell_finish(replica, request);
    ss_cluster_integrate(cluster);
    cluster->running--;
    cluster->waiting++;
    ss_arrivals_leave(cluster, request);
    ss_cluster_record(cluster, request)->output_tokens = request->generated;
    place->last_token_ps = ss_request_age_ps(request, cluster->now);
    place->computed = place->target;
    place->holds = 0;
    request->state = SS_SENT;
    ss_request_list_add(&cluster->transfers->held[replica->owner], request);
    return note_handed(cluster->transfers, request);
}

/* When one end of the link has passed on so much more. */
static ss_time
pass_on(ss_time *end, ss_time now, int64_t transfer_ps)
{
    *end = (*end > now ? *end : now) + transfer_ps;
    return *end;
}

static int
note_transfer(struct ss_transfers *transfers, const struct ss_request *request, uint32_t sender, ss_time through,
              int64_t transfer_ps)
{
    struct ss_transfers_result *result = &transfers->cluster->result->transfers;
    const struct ss_transfer transfer = {.wait_ps = (int64_t)(through - transfers->cluster->now) - transfer_ps,
                                         .transfer_ps = transfer_ps,
                                         .queue_ps = SS_NO_PS,
                                         .prefill_replica = sender,
                                         .present = 1};
    return ss_transfer_note(result, request->seen.id, &transfer);
}

static int
set_off(struct ss_transfers *transfers, struct ss_request *request, struct servsim_error *err)
{
    struct ss_cluster *cluster = transfers->cluster;
    struct ss_record *record = ss_cluster_record(cluster, request);
    uint32_t sender = record->replica, receiver;
    int rc = ss_router_route(&transfers->router, &request->seen, &receiver, err);
    if (rc != 0)
        return rc;
    request->extras->routed = receiver;
    record->replica = transfers->router.first + receiver;
    uint64_t blocks = ss_kv_blocks_of(&cluster->ranks[sender].kv, request->place->computed);
    int64_t transfer_ps = ss_cost_transfer_ps(cluster->cost, blocks);
    ss_time sent = pass_on(&transfers->free[sender], cluster->now, transfer_ps);
    ss_time received = pass_on(&transfers->free[record->replica], cluster->now, transfer_ps);
    ss_time through = sent > received ? sent : received;
    if (through - ss_request_arrival(request) > (ss_time)SS_TRANSFER_LIMIT_PS) /* its times would not fit */
        return servsim_fail(
            err, EINVAL,
            "prefill_replicas: the KV cache of request %llu is %.0f days behind on its link; write a higher "
            "kv_transfer.bandwidth or less traffic",
            (unsigned long long)request->seen.id, ss_time_seconds(through - ss_request_arrival(request)) / 86400);
    ss_wide key = through * ((ss_wide)1 << 32) + transfers->set_off++;
    cluster->result->transfers.blocks += blocks;
    /* it decodes nowhere: that place in a heap is free */
    if (note_transfer(transfers, request, sender, through, transfer_ps) != 0 ||
        ss_heap_push(&transfers->next, key, request, &request->place->finish_position) != 0)
        return servsim_fail(err, ENOMEM, "no memory for a transfer");
    return 0;
}

/* ---- arriving ---- */

/* The prefill replica has its blocks back: somebody there may have waited for them. */
static int
give_back(struct ss_replica *replica, struct ss_request *request)
{
    ss_kv_release(&replica->kv, request, request->place->computed);
    return replica->waiting > 0 ? ss_group_ask_again(replica->group) : 0;
}

static int
arrive(struct ss_transfers *transfers, struct servsim_error *err)
{
    struct ss_cluster *cluster = transfers->cluster;
    struct ss_request *request = ss_heap_pop(&transfers->next);
    uint32_t sender = ss_transfer_find(&cluster->result->transfers, request->seen.id)->prefill_replica;
    cluster->result->events++;
    ss_request_list_remove(&transfers->held[sender], request);
    if (give_back(&cluster->ranks[sender], request) != 0)
        return servsim_fail(err, ENOMEM, "no memory for the event heap");
    struct ss_replica *receiver = &cluster->ranks[ss_cluster_record(cluster, request)->replica];
    int rc = ss_replica_arrive(receiver, request, err);
    if (rc == 0) /* it has nothing left to compute, as others have who arrive */
        receiver->prefill_tokens_left -= request->seen.prompt_tokens + request->generated;
    if (rc > 0)
        ss_arrivals_turn_away_late(cluster, request);
    return rc < 0 ? rc : 0;
}

ss_time
ss_transfers_before(const struct ss_transfers *transfers, ss_time time)
{
    const struct ss_heap_item *first = ss_heap_first(&transfers->next);
    ss_time due = first != NULL ? first->key >> 32 : SS_NEVER;
    return due < time ? due : time;
}

int
ss_transfers_take(struct ss_cluster *cluster, struct servsim_error *err)
{
    struct ss_transfers *transfers = cluster->transfers;
    int rc = 0;
    for (uint32_t i = 0; i < transfers->handed_count && rc == 0; i++)
        rc = set_off(transfers, transfers->handed[i], err);
    transfers->handed_count = 0;
    while (rc == 0 && ss_transfers_before(transfers, SS_NEVER) == cluster->now)
        rc = arrive(transfers, err);
    return rc;
}

/* ---- decoding ---- */

/* From when it was through, which is counted from its first token. */
static void
note_queue(struct ss_replica *replica, const struct ss_request *request)
{
    struct ss_transfer *transfer = &replica->cluster->result->transfers.items[request->seen.id];
    int64_t through_ps =
        ss_cluster_record(replica->cluster, request)->ttft_ps + transfer->wait_ps + transfer->transfer_ps;
    transfer->queue_ps = ss_request_age_ps(request, replica->plan->now) - through_ps;
}

/* The whole batch decodes with it where nothing else is in the step: it would be empty. */
int32_t
ss_transfers_admit(struct ss_replica *replica, struct ss_request *request)
{
    struct ss_plan *plan = replica->plan;
    struct ss_batch *batch = replica->batch;
    uint64_t own = ss_kv_blocks_of(&replica->kv, (uint64_t)request->place->computed + 1), others = 0;
    int starts = !plan->decode && (plan->chunk_count == 0 || batch->count == 0);
    if (starts) {
        if (batch->count + replica->held + 1 > plan->budget)
            return SERVSIM_NO_BUDGET;
        others = ss_batch_next_blocks(batch);
    }
    if (own + others + replica->leaving_blocks > replica->kv.free)
        return SERVSIM_NO_BLOCKS;
    if (ss_kv_reserve(&replica->kv, request) != 0)
        return -ENOMEM;
    (void)ss_kv_receive(&replica->kv, request);
    note_queue(replica, request);
    ss_enter_running(replica, request);
    return ss_resume_decoding(replica, request, starts);
}

int
ss_transfers_leave(const struct ss_cluster *cluster, const struct ss_request *request)
{
    if (ss_transfer_find(&cluster->result->transfers, request->seen.id) == NULL)
        return 0;
    ss_router_leave(&cluster->transfers->router, &request->seen, request->extras->routed);
    return 1;
}

const struct ss_request *
ss_transfers_of(const struct ss_transfers *transfers, uint32_t replica)
{
    return transfers != NULL && replica < transfers->prefill_count ? transfers->held[replica] : NULL;
}

/* But for preemptions on its prefill replica, in which it did not run. */
int64_t
ss_transfers_ran_ps(struct ss_cluster *cluster, const struct ss_request *request)
{
    const struct ss_record *record = ss_cluster_record(cluster, request);
    int handed_over = ss_transfer_find(&cluster->result->transfers, request->seen.id) != NULL;
    return handed_over ? record->ttft_ps - record->queue_ps : 0;
}

void
ss_transfers_collect(const struct ss_cluster *cluster)
{
    struct ss_transfers_result *result = &cluster->result->transfers;
    const struct ss_transfers *transfers = cluster->transfers;
    result->prefill_replicas = cluster->cell->prefill_replicas;
    result->block_bytes = ss_cost_transfer_bytes(cluster->cost);
    for (uint32_t i = 0; transfers != NULL && i < transfers->next.count; i++) {
        const struct ss_request *request = transfers->next.items[i].owner;
        struct ss_transfer *transfer = &result->items[request->seen.id];
        transfer->wait_ps = transfer->transfer_ps = SS_NO_PS;
        result->blocks -= ss_kv_blocks_of(&cluster->ranks[transfer->prefill_replica].kv, request->place->computed);
    }
}
