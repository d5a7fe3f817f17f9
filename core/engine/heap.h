/*
 * engine/heap.h - a binary heap whose owners know where they stand, so that any item can be moved or removed.
 *
 * Keys are 128-bit and unique: callers pack the tie-breaker into the low bits, which is how the order at one instant
 * is stated and not left to chance.
 */
#ifndef SS_ENGINE_HEAP_H
#define SS_ENGINE_HEAP_H

#include <stddef.h>

#include "base/time.h"

#define SS_HEAP_ABSENT UINT32_MAX

struct ss_heap_item {
    ss_wide key;
    void *owner;
    uint32_t *position; /* the owner's; SS_HEAP_ABSENT when it is in no heap */
};

/* Zero-initialise. */
struct ss_heap {
    struct ss_heap_item *items;
    uint32_t count, capacity;
};

/* Smallest key, or NULL. */
static inline const struct ss_heap_item *
ss_heap_first(const struct ss_heap *heap)
{
    return heap->count > 0 ? &heap->items[0] : NULL;
}

int ss_heap_push(struct ss_heap *heap, ss_wide key, void *owner, uint32_t *position); /* 0 or -ENOMEM */
void ss_heap_remove(struct ss_heap *heap, uint32_t position);
void ss_heap_rekey(struct ss_heap *heap, uint32_t position, ss_wide key);
void ss_heap_free(struct ss_heap *heap);

#endif
