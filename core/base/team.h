/*
 * base/team.h - many jobs, a few at a time, each in a process of its own (child.h).
 *
 * Whoever has the jobs says what the next one is and what becomes of one that is over; which of them have ended, which
 * are late, and that none is left behind is looked after here.
 */
#ifndef SS_BASE_TEAM_H
#define SS_BASE_TEAM_H

#include "base/child.h"

#define SS_TEAM_MOST 256u /* children at a time */

enum ss_team_end {
    SS_TEAM_ENDED,  /* it has spoken, or died */
    SS_TEAM_LATE,   /* it was killed for being late */
    SS_TEAM_STOPPED /* it was killed because the team ends */
};

struct ss_team_ops {
    /* The child of a slot; its pipe is -1 while the slot is free. */
    struct ss_child *(*child)(void *ctx, uint32_t slot);
    /* Starts the next job in a free slot: 1, 0 when there is none, or -errno. */
    int (*begin)(void *ctx, uint32_t slot, struct servsim_error *err);
    /* The slot's child is over: ends it with ss_child_end(). 0, or -errno to end the team. */
    int (*end)(void *ctx, uint32_t slot, enum ss_team_end how, struct servsim_error *err);
    /* NULL: they take as long as they like. */
    int (*is_late)(void *ctx, uint32_t slot);
    /* Before each round of waiting: 0, 1 to stop all, or -errno. NULL: it goes on. */
    int (*look)(void *ctx, struct servsim_error *err);
    /* NULL, or another descriptor on which a child speaks, -1 for none, and what to do when it does. */
    int (*words)(void *ctx, uint32_t slot);
    void (*listen)(void *ctx, uint32_t slot);
};

struct ss_team {
    const struct ss_team_ops *ops;
    void *ctx;
    uint32_t slots; /* at most SS_TEAM_MOST */
};

/* `wanted`, or as many as there are processors where that is 0; never more than SS_TEAM_MOST. */
uint32_t ss_team_size(uint32_t wanted);

/* Until there is no job left, or something stops it; no child is left then. 0 or -errno. */
int ss_team_run(const struct ss_team *team, struct servsim_error *err);

#endif
