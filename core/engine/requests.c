/*
 * engine/requests.c - the pool of requests in flight: memory grows with the most that were in flight at once, and for
 * their places with the most that had been admitted.
 */
#include "engine/requests.h"

#include <errno.h>
#include <stdlib.h>

#include "engine/heap.h"

#define SLAB_REQUESTS 256
#define SLAB_PLACES 64

struct slab {
    struct slab *older;
    struct ss_extras *extras; /* [SLAB_REQUESTS], or NULL */
    struct ss_request items[SLAB_REQUESTS];
};

union place_slot {
    struct ss_place place; /* first: what is given out */
    union place_slot *unused;
};

struct place_slab {
    struct place_slab *older;
    union place_slot items[SLAB_PLACES];
};

/* ---- requests ---- */

static void
put_back(struct ss_requests *pool, struct ss_request *request)
{
    request->state = SS_UNUSED;
    request->next = pool->unused;
    pool->unused = request;
}

static int
add_slab(struct ss_requests *pool)
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
        put_back(pool, &slab->items[i]);
    }
    return 0;
}

struct ss_request *
ss_requests_take(struct ss_requests *pool)
{
    if (pool->unused == NULL && add_slab(pool) != 0)
        return NULL;
    struct ss_request *request = pool->unused;
    pool->unused = request->next;
    *request = (struct ss_request){.seen = {.size = sizeof request->seen}, .extras = request->extras};
    return request;
}

static void
clear(struct ss_extras *extras)
{
    ss_prefix_clear(&extras->prefix);
    *extras = (struct ss_extras){0};
}

void
ss_requests_give(struct ss_requests *pool, struct ss_request *request)
{
    if (request->place != NULL) {
        union place_slot *slot = (union place_slot *)request->place;
        slot->unused = pool->unused_places;
        pool->unused_places = slot;
    }
    if (request->extras != NULL)
        clear(request->extras);
    put_back(pool, request);
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

static int
add_places(struct ss_requests *pool)
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

int
ss_requests_place(struct ss_requests *pool, struct ss_request *request)
{
    if (pool->unused_places == NULL && add_places(pool) != 0)
        return -ENOMEM;
    union place_slot *slot = pool->unused_places;
    pool->unused_places = slot->unused;
    slot->place = (struct ss_place){.finish_position = SS_HEAP_ABSENT,
                                    .shortest_position = SS_HEAP_ABSENT,
                                    .longest_position = SS_HEAP_ABSENT,
                                    .growing_position = SS_HEAP_ABSENT};
    request->place = &slot->place;
    return 0;
}

/* ---- the end ---- */

void
ss_requests_free(struct ss_requests *pool)
{
    for (struct slab *slab = pool->slabs, *older; slab != NULL; slab = older) {
        older = slab->older;
        for (size_t i = 0; slab->extras != NULL && i < SLAB_REQUESTS; i++)
            clear(&slab->extras[i]);
        free(slab->extras);
        free(slab);
    }
    for (struct place_slab *slab = pool->place_slabs, *older; slab != NULL; slab = older) {
        older = slab->older;
        free(slab);
    }
    *pool = (struct ss_requests){.with_extras = pool->with_extras};
}
