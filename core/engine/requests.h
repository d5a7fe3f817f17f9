/*
 * engine/requests.h - the pool of requests in flight.
 */
#ifndef SS_ENGINE_REQUESTS_H
#define SS_ENGINE_REQUESTS_H

#include "engine/request.h"

/* Zero-initialise, but for with_extras, which does not change later. */
struct ss_requests {
    int with_extras; /* requests have extras */
    struct ss_request *unused;
    void *slabs;
    void *unused_places, *place_slabs;
};

/* A blank request, or NULL without memory. */
struct ss_request *ss_requests_take(struct ss_requests *pool);

/* Gives a request that was never admitted its place. 0 or -ENOMEM. */
int ss_requests_place(struct ss_requests *pool, struct ss_request *request);

/* It has left: its place goes, too. */
void ss_requests_give(struct ss_requests *pool, struct ss_request *request);

/* Goes through those in flight, in no order. Zero-initialise the cursor; NULL at the end. */
struct ss_requests_cursor {
    void *slab;
    size_t index;
    int begun;
};
struct ss_request *ss_requests_next(const struct ss_requests *pool, struct ss_requests_cursor *cursor);
void ss_requests_free(struct ss_requests *pool); /* all of them, taken or not */

#endif
