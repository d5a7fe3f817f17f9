/*
 * engine/inbox.h - requests that came while the next step was composed already.
 *
 * An engine with asynchronous scheduling composes step n + 1 while step n runs on the GPU. Who arrives during step n is
 * first considered for step n + 2; until then the request lies in the inbox, and the scheduler does not know of it.
 * Where others wait in the queue already, nobody would gain by being seen a step earlier, so the request goes there at
 * once: an engine with a queue pays nothing for its inbox.
 */
#ifndef SS_ENGINE_INBOX_H
#define SS_ENGINE_INBOX_H

#include "engine/request.h"

struct ss_replica;

/* In order of arrival, linked through `next`. Zero-initialise. */
struct ss_inbox {
    struct ss_request *first, *last;
    uint32_t count;
};

/* Does a request that arrives now lie in the inbox for a while? */
int ss_inbox_wanted(const struct ss_replica *replica);

/* Puts it there; the run under way ends where the first of the inbox is seen. 0 or -ENOMEM. */
int ss_inbox_put(struct ss_replica *replica, struct ss_request *request);

/* Hands those to the scheduler whose time has come, or all of them. 0 or -errno. */
int ss_inbox_deliver(struct ss_replica *replica, int all, struct servsim_error *err);

/* Steps that pass before the next is seen, from a step's end; there is one. */
uint64_t ss_inbox_steps(const struct ss_replica *replica);

#endif
