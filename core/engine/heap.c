/*
 * engine/heap.c - what a heap does rarely.
 */
#include "engine/heap.h"

#include <stdlib.h>

int
ss_heap_grow(struct ss_heap *heap)
{
    uint32_t capacity = heap->capacity ? heap->capacity * 2 : 16;
    struct ss_heap_item *items = realloc(heap->items, capacity * sizeof *items);
    if (items == NULL)
        return -ENOMEM;
    heap->items = items;
    heap->capacity = capacity;
    return 0;
}

void
ss_heap_rekey(struct ss_heap *heap, uint32_t position, ss_wide key)
{
    struct ss_heap_item item = heap->items[position];
    ss_heap_place(heap, ss_heap_sift(heap, position, key), key, item.owner, item.position);
}

void
ss_heap_free(struct ss_heap *heap)
{
    free(heap->items);
    *heap = (struct ss_heap){NULL, 0, 0};
}
