/*
 * engine/request.h - one request in flight.
 */
#ifndef SS_ENGINE_REQUEST_H
#define SS_ENGINE_REQUEST_H

#include "base/time.h"
#include "engine/prefix.h"
#include "servsim/plugin.h"

#define SS_WAITING 0u    /* holds no KV blocks */
#define SS_PREFILLING 1u /* running: `computed` of `target` tokens are in the KV cache */
#define SS_DECODING 2u   /* running: gets one token each decode step */
#define SS_HELD 3u       /* running: done, but its place and its blocks are kept until all that run are done */
#define SS_PAUSED 4u     /* preempted; its `computed` tokens are still in the KV cache */
#define SS_SWAPPED 5u    /* preempted; its `computed` tokens are in the host's memory */
#define SS_SENT 6u       /* its `computed` tokens, the whole prompt, come from another replica, or have come */
#define SS_UNUSED 7u     /* no request: a place in the pool */

struct ss_batch;

/* What a request needs once it runs: taken when it is first admitted, and kept until it leaves, also where it waits
   again. Most of those in flight may be waiting, and have never had one. */
struct ss_place {
    struct ss_request *previous; /* running order, or the list of those paused or swapped */
    struct ss_batch *batch;      /* DECODING: whose member it is */
    int64_t last_token_ps;       /* when its last output token came, from its arrival */
    uint64_t finish_at;          /* DECODING: decode clock at which the last token is out */
    uint64_t order;              /* of admission, within the replica */
    /* PREFILLING: target = prompt + generated. HELD: both are what it holds. PAUSED, SWAPPED: equal when it decodes.
       WAITING, its replica having failed: target is what was lost of the KV cache, until it is sent again. */
    uint32_t computed, target;
    uint32_t holds;  /* its place is kept when it is done */
    uint32_t chunk;  /* prefill tokens that the step being composed gives it */
    uint32_t flying; /* of those computed, in steps under way */
    uint32_t joined; /* its last token is younger than the group's last decode step */
    uint32_t finish_position, shortest_position, longest_position, growing_position; /* in the batch's heaps */
};

/* What only some cells ask of a request: those with prefix caching, a predictor, failures, or prefill replicas. All 0
   at first. */
struct ss_extras {
    struct ss_prefix prefix; /* what its blocks hold */
    const char *label;       /* of the traffic, where a predictor is named */
    uint32_t last_length;    /* of the request that had finished last when it came; likewise */
    uint32_t routed;         /* the replica that the router named, and that may have been down */
    uint32_t retries;        /* how often it was sent again after its replica had failed */
};

/* Two cache lines. */
struct ss_request {
    struct servsim_request seen; /* first: plugins hold pointers to it */
    struct ss_request *next;     /* running order, or another list that it is in; also the pool's free list */
    struct ss_place *place;      /* NULL: was never admitted */
    struct ss_extras *extras;    /* NULL: its cell is none of those; of the pool's slot, whoever has it */
    uint32_t seen_at;            /* in the inbox: the group's step count at which the scheduler hears of it, low bits */
    uint32_t state;
    uint32_t output_tokens;
    uint32_t generated; /* output tokens so far; stale while DECODING (the clock knows) */
};

static inline struct ss_request *
ss_request_of(const struct servsim_request *seen)
{
    return (struct ss_request *)(uintptr_t)seen;
}

static inline ss_time
ss_request_arrival(const struct ss_request *request)
{
    return ss_time_of(request->seen.arrival_s, request->seen.arrival_ps);
}

/* How long it has been in the system at `now`. */
static inline int64_t
ss_request_age_ps(const struct ss_request *request, ss_time now)
{
    return (int64_t)(now - ss_request_arrival(request));
}

/* A list of requests that have a place and do not run: linked both ways, the latest first. */
static inline void
ss_request_list_add(struct ss_request **first, struct ss_request *request)
{
    request->place->previous = NULL;
    request->next = *first;
    if (*first != NULL)
        (*first)->place->previous = request;
    *first = request;
}

static inline void
ss_request_list_remove(struct ss_request **first, struct ss_request *request)
{
    struct ss_request *previous = request->place->previous, *next = request->next;
    if (previous != NULL)
        previous->next = next;
    else
        *first = next;
    if (next != NULL)
        next->place->previous = previous;
    request->next = NULL;
}

/* How often it was sent again after its replica had failed. */
static inline uint32_t
ss_request_retries(const struct ss_request *request)
{
    return request->extras != NULL ? request->extras->retries : 0;
}

#endif
