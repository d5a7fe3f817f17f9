/*
 * profile/messages.c - see messages.h.
 */
#include "hardware/profile/messages.h"

#include "hardware/profile/rows.h"

#define RANKS_MAX 1024

static const char *const kinds[] = {
    [MESSAGE_SEND] = "send",
    [SERVSIM_COLLECTIVE_ALL_REDUCE] = "all_reduce",
    [SERVSIM_COLLECTIVE_ALL_GATHER] = "all_gather",
    [SERVSIM_COLLECTIVE_REDUCE_SCATTER] = "reduce_scatter",
    [SERVSIM_COLLECTIVE_ALL_TO_ALL] = "all_to_all",
};

#define KINDS (sizeof kinds / sizeof kinds[0])

static struct message *
message_of(struct messages *messages, uint32_t kind, uint32_t ranks)
{
    for (uint32_t i = 0; i < messages->count; i++)
        if (messages->items[i].kind == kind && messages->items[i].ranks == ranks)
            return &messages->items[i];
    if (messages->count == MESSAGES_MAX)
        return NULL;
    struct message *message = &messages->items[messages->count++];
    *message = (struct message){.kind = kind, .ranks = ranks};
    return message;
}

static int32_t
take_message(void *context, const struct rows_field *fields, const struct rows_place *place, struct servsim_error *err)
{
    unsigned long long line = place->line;
    uint32_t kind = 0;
    while (kind < KINDS && strcmp(kinds[kind], fields[0].text) != 0)
        kind++;
    if (kind == KINDS)
        return servsim_fail(err, EINVAL,
                            "%s:%llu: kind is '%s'; write all_reduce, all_gather, reduce_scatter, all_to_all or send",
                            place->path, line, fields[0].text);
    if (fields[1].count < 2 || fields[1].count > RANKS_MAX || (kind == MESSAGE_SEND && fields[1].count != 2))
        return servsim_fail(err, EINVAL, "%s:%llu: ranks is %lld; write 2 to %d, and 2 for send", place->path, line,
                            (long long)fields[1].count, RANKS_MAX);
    struct message *message = message_of(context, kind, (uint32_t)fields[1].count);
    if (message == NULL)
        return servsim_fail(err, E2BIG, "%s:%llu: more than %u pairs of kind and ranks; leave some out", place->path,
                            line, MESSAGES_MAX);
    return curve_add(&message->times, fields[2].count, fields[3].number, place->line, err);
}

int32_t
messages_read(struct messages *messages, const char *path, struct servsim_error *err)
{
    static const struct rows_column columns[] = {
        {"kind", ROWS_TEXT}, {"ranks", ROWS_COUNT}, {"bytes", ROWS_COUNT}, {"time_us", ROWS_TIME}};
    int32_t rc = rows_read(path, columns, 4, take_message, messages, err);
    for (uint32_t i = 0; i < messages->count && rc == 0; i++) {
        char what[64];
        (void)snprintf(what, sizeof what, "%s of %u ranks, a message", kinds[messages->items[i].kind],
                       (unsigned)messages->items[i].ranks);
        rc = curve_finish(&messages->items[i].times, path, what, err);
    }
    return rc;
}

const struct curve *
messages_find(const struct messages *messages, uint32_t kind, uint32_t ranks)
{
    for (uint32_t i = 0; i < messages->count; i++)
        if (messages->items[i].kind == kind && messages->items[i].ranks == ranks)
            return &messages->items[i].times;
    return NULL;
}

void
messages_free(struct messages *messages)
{
    for (uint32_t i = 0; i < messages->count; i++)
        curve_free(&messages->items[i].times);
    messages->count = 0;
}
