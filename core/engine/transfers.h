/*
 * engine/transfers.h - prefill and decode on replicas of their own (Splitwise, DistServe): the KV cache of a prompt
 * goes from the one to the other.
 *
 * The first replicas of such a cell compute prompts, the others decode; each kind has an instance of the router. When a
 * prompt is computed and its first token is out, the request has left the prefill replica, but for its KV blocks: these
 * are held until they are through. Each replica's end of the link passes them on in the order in which they were handed
 * over, at the link's rate, and is never kept waiting by the other end; a transfer is through when it is at both. A
 * request with one output token is done where its prompt was.
 *
 * What has come waits beside the decode replica's KV cache, in memory that is not counted, until the scheduler there
 * admits it. It takes all blocks of its context then, at no cost, and decodes in that very step. Preempted later by
 * recompute, it is computed again where it is.
 *
 * At one instant: after step ends, those handed over in them set off, in that order; then those arrive who are due, in
 * the order in which they set off; arrivals of the traffic are later.
 */
#ifndef SS_ENGINE_TRANSFERS_H
#define SS_ENGINE_TRANSFERS_H

#include "base/time.h"
#include "servsim/plugin.h"

struct ss_cluster;
struct ss_replica;
struct ss_request;
struct ss_transfers;

/* cluster->transfers of a cell with prefill replicas, or NULL. 0 or -errno. */
int ss_transfers_make(struct ss_cluster *cluster, struct servsim_error *err);
void ss_transfers_free(struct ss_transfers *transfers);

/* When the next one is through, where that is before `time`; else `time`. */
ss_time ss_transfers_before(const struct ss_transfers *transfers, ss_time time);

/* The prompt of a request that is to decode has been computed, in a step that ends now. 0 or -ENOMEM. */
int ss_transfers_hand_over(struct ss_replica *replica, struct ss_request *request);

/* Those handed over at this instant set off, those who are due arrive. 0 or -errno. */
int ss_transfers_take(struct ss_cluster *cluster, struct servsim_error *err);

/* admit() of a request that has come so: SERVSIM_OK, or what it lacks. */
int32_t ss_transfers_admit(struct ss_replica *replica, struct ss_request *request);

/* A request that was handed over leaves: tells the decode replicas' router, and is 1. Otherwise 0. */
int ss_transfers_leave(const struct ss_cluster *cluster, const struct ss_request *request);

/* Of a request that was handed over and waits: from its admission to then. 0: it was not. */
int64_t ss_transfers_ran_ps(struct ss_cluster *cluster, const struct ss_request *request);

/* The figures, at the end: those on their way have no times. */
void ss_transfers_collect(const struct ss_cluster *cluster);

/* Requests whose blocks the prefill replica still holds, linked through `next`. */
const struct ss_request *ss_transfers_of(const struct ss_transfers *transfers, uint32_t replica);

#endif
