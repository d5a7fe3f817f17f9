/*
 * engine/heap.c - sift up, sift down, and tell the owners.
 */
#include "engine/heap.h"

#include <errno.h>
#include <stdlib.h>

static void
put(struct ss_heap *heap, uint32_t at, struct ss_heap_item item)
{
    heap->items[at] = item;
    *item.position = at;
}

static void
rise(struct ss_heap *heap, uint32_t at, struct ss_heap_item item)
{
    while (at > 0 && item.key < heap->items[(at - 1) / 2].key) {
        put(heap, at, heap->items[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    put(heap, at, item);
}

static void
sink(struct ss_heap *heap, uint32_t at, struct ss_heap_item item)
{
    for (uint32_t child; (child = 2 * at + 1) < heap->count; at = child) {
        if (child + 1 < heap->count && heap->items[child + 1].key < heap->items[child].key)
            child++;
        if (heap->items[child].key >= item.key)
            break;
        put(heap, at, heap->items[child]);
    }
    put(heap, at, item);
}

static void
sift(struct ss_heap *heap, uint32_t at, struct ss_heap_item item)
{
    if (at > 0 && item.key < heap->items[(at - 1) / 2].key)
        rise(heap, at, item);
    else
        sink(heap, at, item);
}

int
ss_heap_push(struct ss_heap *heap, ss_wide key, void *owner, uint32_t *position)
{
    if (heap->count == heap->capacity) {
        uint32_t capacity = heap->capacity ? heap->capacity * 2 : 16;
        struct ss_heap_item *items = realloc(heap->items, capacity * sizeof *items);
        if (items == NULL)
            return -ENOMEM;
        heap->items = items;
        heap->capacity = capacity;
    }
    rise(heap, heap->count++, (struct ss_heap_item){key, owner, position});
    return 0;
}

void
ss_heap_remove(struct ss_heap *heap, uint32_t position)
{
    struct ss_heap_item last = heap->items[--heap->count];
    *heap->items[position].position = SS_HEAP_ABSENT;
    if (position < heap->count)
        sift(heap, position, last);
}

void
ss_heap_rekey(struct ss_heap *heap, uint32_t position, ss_wide key)
{
    struct ss_heap_item item = heap->items[position];
    item.key = key;
    sift(heap, position, item);
}

void
ss_heap_free(struct ss_heap *heap)
{
    free(heap->items);
    *heap = (struct ss_heap){NULL, 0, 0};
}
