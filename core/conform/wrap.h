/*
 * conform/wrap.h - a scheduler behind another that changes one thing of what passes between it and the engine. Where
 * that changes the results, the scheduler has not kept its word about that thing.
 */
#ifndef SS_CONFORM_WRAP_H
#define SS_CONFORM_WRAP_H

#include "plugin/registry.h"

#define SS_WRAP_PLAIN 0u
#define SS_WRAP_ASK_AGAIN 1u      /* every arrival is answered by ASK_AGAIN */
#define SS_WRAP_SINGLE_ADVANCE 2u /* advance(k) becomes k calls of advance(1) */
#define SS_WRAP_ONE_STEP 3u       /* horizon_steps is 1 */

struct ss_wrap {
    struct servsim_plugin descriptor;
    struct servsim_scheduler_ops ops;
    struct ss_plugin plugin;
    struct servsim_value value;
    const struct ss_use *inner;
    uint32_t how;
};

/* *out uses `inner` in the way `how`; both live as long as the wrap. */
void ss_wrap_scheduler(struct ss_wrap *wrap, const struct ss_use *inner, uint32_t how, struct ss_use *out);

#endif
