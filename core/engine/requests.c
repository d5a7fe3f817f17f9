/*
 * engine/requests.c - the pool of requests in flight: memory grows with the most that were in flight at once.
 */
#include "engine/requests.h"

#include <stdlib.h>

#include "engine/prefix.h"

#define SLAB_REQUESTS 256

struct slab {
    struct slab *older;
    struct ss_request items[SLAB_REQUESTS];
};

struct ss_request *
ss_requests_take(struct ss_requests *pool)
{
    if (pool->unused == NULL) {
        struct slab *slab = calloc(1, sizeof *slab);
        if (slab == NULL)
            return NULL;
        slab->older = pool->slabs;
        pool->slabs = slab;
        for (size_t i = SLAB_REQUESTS; i-- > 0;)
            ss_requests_give(pool, &slab->items[i]);
    }
    struct ss_request *request = pool->unused;
    pool->unused = request->next;
    *request = (struct ss_request){.seen = {.size = sizeof request->seen}, .prefix = request->prefix};
    return request;
}

void
ss_requests_give(struct ss_requests *pool, struct ss_request *request)
{
    if (request->prefix != NULL)
        ss_prefix_clear(request->prefix);
    request->state = SS_UNUSED;
    request->next = pool->unused;
    pool->unused = request;
}

struct ss_request *
ss_requests_next(const struct ss_requests *pool, struct ss_requests_place *place)
{
    if (!place->begun)
        *place = (struct ss_requests_place){pool->slabs, 0, 1};
    for (struct slab *slab = place->slab; slab != NULL; slab = place->slab) {
        while (place->index < SLAB_REQUESTS)
            if (slab->items[place->index++].state != SS_UNUSED)
                return &slab->items[place->index - 1];
        *place = (struct ss_requests_place){slab->older, 0, 1};
    }
    return NULL;
}

static void
free_prefix(struct ss_prefix *prefix)
{
    if (prefix != NULL)
        ss_prefix_clear(prefix);
    free(prefix);
}

void
ss_requests_free(struct ss_requests *pool)
{
    struct slab *slab = pool->slabs;
    while (slab != NULL) {
        struct slab *older = slab->older;
        for (size_t i = 0; i < SLAB_REQUESTS; i++)
            free_prefix(slab->items[i].prefix);
        free(slab);
        slab = older;
    }
    *pool = (struct ss_requests){NULL, NULL};
}
