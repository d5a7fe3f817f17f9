/*
 * metrics/names.c - a table of names by id: open addressing, and one growing text that all names stand in.
 */
#include "metrics/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 64
#define FIRST_TEXT 1024

struct ss_name {
    uint64_t id;
    size_t at; /* in the text, from 1; 0: nobody is here */
};

/* Where the id is, or would be. Ids may be hashes, or small numbers: both are stirred (Fibonacci hashing, Knuth). */
static struct ss_name *
slot_of(const struct ss_names *names, uint64_t id)
{
    size_t at = (size_t)((id * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (names->slot_count - 1);
    while (names->slots[at].at != 0 && names->slots[at].id != id)
        at = (at + 1) & (names->slot_count - 1);
    return &names->slots[at];
}

static int
grow_slots(struct ss_names *names)
{
    if (2 * (names->count + 1) <= names->slot_count)
        return 0;
    struct ss_names larger = {.slot_count = names->slot_count > 0 ? 2 * names->slot_count : FIRST_SLOTS};
    larger.slots = calloc(larger.slot_count, sizeof *larger.slots);
    if (larger.slots == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < names->slot_count; i++)
        if (names->slots[i].at != 0)
            *slot_of(&larger, names->slots[i].id) = names->slots[i];
    free(names->slots);
    names->slots = larger.slots;
    names->slot_count = larger.slot_count;
    return 0;
}

static int
grow_text(struct ss_names *names, size_t length)
{
    if (names->text_used + length <= names->text_capacity)
        return 0;
    size_t capacity = names->text_capacity > 0 ? 2 * names->text_capacity : FIRST_TEXT;
    char *text = realloc(names->text, capacity);
    if (text == NULL)
        return -ENOMEM;
    names->text = text;
    names->text_capacity = capacity;
    return 0;
}

/* What stands in a line of a table: no control characters. */
static int
is_printable(const char *name)
{
    for (; *name != '\0'; name++)
        if ((unsigned char)*name < ' ' || *name == 127)
            return 0;
    return 1;
}

int
ss_names_note(struct ss_names *names, uint64_t id, const char *name)
{
    size_t length = strnlen(name, SS_NAME_MAX + 1);
    if (length == 0 || length > SS_NAME_MAX || !is_printable(name))
        return 0;
    if (names->slot_count > 0 && slot_of(names, id)->at != 0)
        return 0;
    if (grow_slots(names) != 0 || grow_text(names, length + 1) != 0)
        return -ENOMEM;
    memcpy(names->text + names->text_used, name, length + 1);
    *slot_of(names, id) = (struct ss_name){id, names->text_used + 1};
    names->text_used += length + 1;
    names->count++;
    return 0;
}

const char *
ss_names_find(const struct ss_names *names, uint64_t id)
{
    const struct ss_name *slot = names->slot_count > 0 ? slot_of(names, id) : NULL;
    return slot != NULL && slot->at != 0 ? names->text + slot->at - 1 : NULL;
}

void
ss_names_free(struct ss_names *names)
{
    free(names->slots);
    free(names->text);
    *names = (struct ss_names){0};
}
