/*
 * engine/requests.c - the pool of requests in flight: memory grows with the most that were in flight at once, and for
 * their places with the most that had been admitted.
 */
#include "engine/requests.h"

#include <errno.h>
#include <stdlib.h>

#define SLAB_REQUESTS 256
#define SLAB_PLACES 64

struct slab {
    struct slab *older;
    struct ss_extras *extras; /* [SLAB_REQUESTS], or NULL */
    struct ss_request items[SLAB_REQUESTS];
};

struct place_slab {
    struct place_slab *older;
    union ss_place_slot items[SLAB_PLACES];
};

/* ---- requests ---- */

int
ss_requests_grow(struct ss_requests *pool)
{
    struct slab *slab = calloc(1, sizeof *slab);
    if (slab == NULL)
        return -ENOMEM;
    slab->extras = pool->with_extras ? calloc(SLAB_REQUESTS, sizeof *slab->extras) : NULL;
    if (pool->with_extras && slab->extras == NULL) {
        free(slab);
        return -ENOMEM;
    }
    slab->older = pool->slabs;
    pool->slabs = slab;
    for (size_t i = SLAB_REQUESTS; i-- > 0;) {
        slab->items[i].extras = slab->extras != NULL ? &slab->extras[i] : NULL;
        ss_requests_put_back(pool, &slab->items[i]);
    }
    return 0;
}

struct ss_request *
ss_requests_next(const struct ss_requests *pool, struct ss_requests_cursor *cursor)
{
    if (!cursor->begun)
        *cursor = (struct ss_requests_cursor){pool->slabs, 0, 1};
    for (struct slab *slab = cursor->slab; slab != NULL; slab = cursor->slab) {
        while (cursor->index < SLAB_REQUESTS)
            if (slab->items[cursor->index++].state != SS_UNUSED)
                return &slab->items[cursor->index - 1];
        *cursor = (struct ss_requests_cursor){slab->older, 0, 1};
    }
    return NULL;
}

/* ---- their places ---- */

int
ss_requests_grow_places(struct ss_requests *pool)
{
    struct place_slab *slab = calloc(1, sizeof *slab);
    if (slab == NULL)
        return -ENOMEM;
    slab->older = pool->place_slabs;
    pool->place_slabs = slab;
    for (size_t i = SLAB_PLACES; i-- > 0; pool->unused_places = &slab->items[i])
        slab->items[i].unused = pool->unused_places;
    return 0;
}

/* ---- the end ---- */

void
ss_requests_free(struct ss_requests *pool)
{
    for (struct slab *slab = pool->slabs, *older; slab != NULL; slab = older) {
        older = slab->older;
        for (size_t i = 0; slab->extras != NULL && i < SLAB_REQUESTS; i++)
            ss_prefix_clear(&slab->extras[i].prefix);
        free(slab->extras);
        free(slab);
    }
    for (struct place_slab *slab = pool->place_slabs, *older; slab != NULL; slab = older) {
        older = slab->older;
        free(slab);
    }
    *pool = (struct ss_requests){.with_extras = pool->with_extras};
}
