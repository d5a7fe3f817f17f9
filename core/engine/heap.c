/*
 * engine/heap.c - holes that rise and sink, and owners who are told.
 */
#include "engine/heap.h"

#include <errno.h>
#include <stdlib.h>

static inline void
move(struct ss_heap_item *items, uint32_t from, uint32_t to)
{
    items[to] = items[from];
    *items[to].position = to;
}

/* The hole at `at` rises to where the key belongs. */
static inline uint32_t
rise(struct ss_heap_item *items, uint32_t at, ss_wide key)
{
    while (at > 0 && key < items[(at - 1) / 2].key) {
        move(items, (at - 1) / 2, at);
        at = (at - 1) / 2;
    }
    return at;
}

static inline uint32_t
sink(struct ss_heap_item *items, uint32_t count, uint32_t at, ss_wide key)
{
    for (uint32_t child; (child = 2 * at + 1) < count; at = child) {
        child += child + 1 < count && items[child + 1].key < items[child].key;
        if (items[child].key >= key)
            break;
        move(items, child, at);
    }
    return at;
}

/* Where an item with this key belongs, when there is a hole at `at`. */
static inline uint32_t
sift(const struct ss_heap *heap, uint32_t at, ss_wide key)
{
    uint32_t up = rise(heap->items, at, key);
    return up != at ? up : sink(heap->items, heap->count, at, key);
}

static int
grow(struct ss_heap *heap)
{
    uint32_t capacity = heap->capacity ? heap->capacity * 2 : 16;
    struct ss_heap_item *items = realloc(heap->items, capacity * sizeof *items);
    if (items == NULL)
        return -ENOMEM;
    heap->items = items;
    heap->capacity = capacity;
    return 0;
}

int
ss_heap_push(struct ss_heap *heap, ss_wide key, void *owner, uint32_t *position)
{
    if (heap->count == heap->capacity && grow(heap) != 0)
        return -ENOMEM;
    uint32_t at = rise(heap->items, heap->count++, key);
    struct ss_heap_item *item = &heap->items[at];
    item->key = key;
    item->owner = owner;
    item->position = position;
    *position = at;
    return 0;
}

void
ss_heap_remove(struct ss_heap *heap, uint32_t position)
{
    uint32_t last = --heap->count;
    *heap->items[position].position = SS_HEAP_ABSENT;
    if (position < last)
        move(heap->items, last, sift(heap, position, heap->items[last].key));
}

void
ss_heap_rekey(struct ss_heap *heap, uint32_t position, ss_wide key)
{
    struct ss_heap_item item = heap->items[position];
    uint32_t at = sift(heap, position, key);
    item.key = key;
    heap->items[at] = item;
    *item.position = at;
}

void
ss_heap_free(struct ss_heap *heap)
{
    free(heap->items);
    *heap = (struct ss_heap){NULL, 0, 0};
}
