/*
 * profile/messages.h - measured messages between GPUs: collective.csv of a bundle.
 */
#ifndef PROFILE_MESSAGES_H
#define PROFILE_MESSAGES_H

#include "hardware/profile/curve.h"

#define MESSAGES_MAX 64u /* kinds times rank counts */

#define MESSAGE_SEND 0u /* one GPU to another; other kinds are SERVSIM_COLLECTIVE_* */

struct message {
    uint32_t kind, ranks;
    struct curve times; /* over bytes */
};

/* Zero-initialise; messages_free() at the end. */
struct messages {
    struct message items[MESSAGES_MAX];
    uint32_t count;
};

int32_t messages_read(struct messages *messages, const char *path, struct servsim_error *err);

/* The curve of a kind among `ranks` GPUs, or NULL where it was not measured. */
const struct curve *messages_find(const struct messages *messages, uint32_t kind, uint32_t ranks);

void messages_free(struct messages *messages);

#endif
