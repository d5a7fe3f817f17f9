/*
 * base/pages.h - arrays that grow large: from two megabytes on they lie in huge pages, where the system has them, and
 * grow without being copied. Touching new memory in small pages can cost more than what is computed there.
 */
#ifndef SS_BASE_PAGES_H
#define SS_BASE_PAGES_H

#include <stddef.h>

/* Like realloc, with the size so far; NULL without memory, and the array stays as it was. Free it with
 * ss_pages_free() alone. */
void *ss_pages_resize(void *items, size_t old_bytes, size_t bytes);
void ss_pages_free(void *items, size_t bytes);

#endif
