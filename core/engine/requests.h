/*
 * engine/requests.h - the pool of requests in flight.
 */
#ifndef SS_ENGINE_REQUESTS_H
#define SS_ENGINE_REQUESTS_H

#include "engine/request.h"

/* Zero-initialise. */
struct ss_requests {
    struct ss_request *unused;
    void *slabs;
};

/* A blank request, or NULL without memory. */
struct ss_request *ss_requests_take(struct ss_requests *pool);
void ss_requests_give(struct ss_requests *pool, struct ss_request *request);

/* Goes through those in flight, in no order. Zero-initialise the place; NULL at the end. */
struct ss_requests_place {
    void *slab;
    size_t index;
    int begun;
};
struct ss_request *ss_requests_next(const struct ss_requests *pool, struct ss_requests_place *place);
void ss_requests_free(struct ss_requests *pool); /* all of them, taken or not */

#endif
