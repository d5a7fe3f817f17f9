/*
 * engine/heap.h - a binary heap whose owners know where they stand, so that any item can be moved or removed.
 *
 * Keys are 128-bit and unique: callers pack the tie-breaker into the low bits, which is how the order at one instant
 * is stated and not left to chance.
 */
#ifndef SS_ENGINE_HEAP_H
#define SS_ENGINE_HEAP_H

#include <errno.h>
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

int ss_heap_grow(struct ss_heap *heap); /* room for one more: 0 or -ENOMEM */
void ss_heap_rekey(struct ss_heap *heap, uint32_t position, ss_wide key);
void ss_heap_free(struct ss_heap *heap);

/* ---- holes that rise and sink, and owners who are told ---- */

static inline void
ss_heap_place(struct ss_heap *heap, uint32_t at, ss_wide key, void *owner, uint32_t *position)
{
    heap->items[at] = (struct ss_heap_item){key, owner, position};
    *position = at;
}

static inline void
ss_heap_move(struct ss_heap_item *items, uint32_t from, uint32_t to)
{
    items[to] = items[from];
    *items[to].position = to;
}

/* The hole at `at` rises to where the key belongs. */
static inline uint32_t
ss_heap_rise(struct ss_heap_item *items, uint32_t at, ss_wide key)
{
    while (at > 0 && key < items[(at - 1) / 2].key) {
        ss_heap_move(items, (at - 1) / 2, at);
        at = (at - 1) / 2;
    }
    return at;
}

static inline uint32_t
ss_heap_sink(struct ss_heap_item *items, uint32_t count, uint32_t at, ss_wide key)
{
    for (uint32_t child; (child = 2 * at + 1) < count; at = child) {
        child += child + 1 < count && items[child + 1].key < items[child].key;
        if (items[child].key >= key)
            break;
        ss_heap_move(items, child, at);
    }
    return at;
}

/* Where an item with this key belongs, when there is a hole at `at`. */
static inline uint32_t
ss_heap_sift(const struct ss_heap *heap, uint32_t at, ss_wide key)
{
    uint32_t up = ss_heap_rise(heap->items, at, key);
    return up != at ? up : ss_heap_sink(heap->items, heap->count, at, key);
}

static inline int /* 0 or -ENOMEM */
ss_heap_push(struct ss_heap *heap, ss_wide key, void *owner, uint32_t *position)
{
    if (heap->count == heap->capacity && ss_heap_grow(heap) != 0)
        return -ENOMEM;
    ss_heap_place(heap, ss_heap_rise(heap->items, heap->count++, key), key, owner, position);
    return 0;
}

static inline void * /* the owner of the smallest key, which there is */
ss_heap_pop(struct ss_heap *heap)
{
    struct ss_heap_item *items = heap->items, first = items[0];
    uint32_t last = --heap->count;
    *first.position = SS_HEAP_ABSENT;
    if (last > 0)
        ss_heap_move(items, last, ss_heap_sink(items, last, 0, items[last].key));
    return first.owner;
}

static inline void
ss_heap_remove(struct ss_heap *heap, uint32_t position)
{
    uint32_t last = --heap->count;
    *heap->items[position].position = SS_HEAP_ABSENT;
    if (position < last)
        ss_heap_move(heap->items, last, ss_heap_sift(heap, position, heap->items[last].key));
}

#endif
