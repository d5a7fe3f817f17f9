/*
 * engine/requests.h - the pool of requests in flight.
 */
#ifndef SS_ENGINE_REQUESTS_H
#define SS_ENGINE_REQUESTS_H

#include "engine/heap.h"
#include "engine/request.h"

/* A place, or one that is free. */
union ss_place_slot {
    struct ss_place place; /* first: what is given out */
    union ss_place_slot *unused;
};

/* Zero-initialise, but for with_extras, which does not change later. */
struct ss_requests {
    int with_extras; /* requests have extras */
    struct ss_request *unused;
    union ss_place_slot *unused_places;
    void *slabs, *place_slabs;
};

/* There are unused ones again. 0 or -ENOMEM. */
int ss_requests_grow(struct ss_requests *pool);
int ss_requests_grow_places(struct ss_requests *pool);

/* A blank request, or NULL without memory. */
static inline struct ss_request *
ss_requests_take(struct ss_requests *pool)
{
    if (pool->unused == NULL && ss_requests_grow(pool) != 0)
        return NULL;
    struct ss_request *request = pool->unused;
    pool->unused = request->next;
    *request = (struct ss_request){.seen = {.size = sizeof request->seen}, .extras = request->extras};
    return request;
}

/* Gives a request that was never admitted its place. 0 or -ENOMEM. */
static inline int
ss_requests_place(struct ss_requests *pool, struct ss_request *request)
{
    if (pool->unused_places == NULL && ss_requests_grow_places(pool) != 0)
        return -ENOMEM;
    union ss_place_slot *slot = pool->unused_places;
    pool->unused_places = slot->unused;
    slot->place = (struct ss_place){.finish_position = SS_HEAP_ABSENT,
                                    .shortest_position = SS_HEAP_ABSENT,
                                    .longest_position = SS_HEAP_ABSENT,
                                    .growing_position = SS_HEAP_ABSENT};
    request->place = &slot->place;
    return 0;
}

static inline void
ss_requests_put_back(struct ss_requests *pool, struct ss_request *request)
{
    request->state = SS_UNUSED;
    request->next = pool->unused;
    pool->unused = request;
}

/* It has left: its place goes, too. */
static inline void
ss_requests_give(struct ss_requests *pool, struct ss_request *request)
{
    if (request->place != NULL) {
        union ss_place_slot *slot = (union ss_place_slot *)request->place;
        slot->unused = pool->unused_places;
        pool->unused_places = slot;
    }
    if (request->extras != NULL) {
        ss_prefix_clear(&request->extras->prefix);
        *request->extras = (struct ss_extras){0};
    }
    ss_requests_put_back(pool, request);
}

/* Goes through those in flight, in no order. Zero-initialise the cursor; NULL at the end. */
struct ss_requests_cursor {
    void *slab;
    size_t index;
    int begun;
};
struct ss_request *ss_requests_next(const struct ss_requests *pool, struct ss_requests_cursor *cursor);
void ss_requests_free(struct ss_requests *pool); /* all of them, taken or not */

#endif
