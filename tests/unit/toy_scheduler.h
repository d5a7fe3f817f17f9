/*
 * unit/toy_scheduler.h - a scheduler that uses every service of a step, sensible or not, for tests of the engine.
 */
#ifndef SS_UNIT_TOY_SCHEDULER_H
#define SS_UNIT_TOY_SCHEDULER_H

#include "toy.h"

struct toy_policy {
    uint32_t how;     /* SERVSIM_RECOMPUTE or SERVSIM_SWAP: what happens when a block is missing */
    uint32_t juggles; /* so many running requests, drawn by lot, lose their places whenever one arrives or finishes */
    uint32_t limit;   /* of the tokens of a step; 0: none */
    uint32_t hold;    /* of ten requests, so many hold their places when they are done */
    uint32_t batches; /* nobody is admitted until all that run are done */
    uint32_t whole;   /* prompts are not chunked */
    uint32_t shares;  /* blocks are shared and found: prefix caching */
};

/* The cell is scheduled by it from now on. `policy` stays the caller's. */
void toy_schedule(struct toy *toy, const struct toy_policy *policy);

#endif
