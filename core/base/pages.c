/*
 * base/pages.c - malloc for what is small, mappings of their own for what is not.
 */
#define _GNU_SOURCE /* mremap */
#include "base/pages.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE_BYTES ((size_t)2 << 20)

static void *
from_map(void *map, size_t bytes)
{
    if (map == MAP_FAILED)
        return NULL;
    (void)madvise(map, bytes, MADV_HUGEPAGE);
    return map;
}

static void *
move_to_map(void *items, size_t old_bytes, size_t bytes)
{
    void *map = from_map(mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), bytes);
    if (map == NULL)
        return NULL;
    if (old_bytes > 0)
        memcpy(map, items, old_bytes);
    free(items);
    return map;
}

void *
ss_pages_resize(void *items, size_t old_bytes, size_t bytes)
{
    if (bytes < HUGE_PAGE_BYTES)
        return realloc(items, bytes);
    if (old_bytes < HUGE_PAGE_BYTES)
        return move_to_map(items, old_bytes, bytes);
    return from_map(mremap(items, old_bytes, bytes, MREMAP_MAYMOVE), bytes);
}

void
ss_pages_free(void *items, size_t bytes)
{
    if (bytes < HUGE_PAGE_BYTES)
        free(items);
    else
        (void)munmap(items, bytes);
}
