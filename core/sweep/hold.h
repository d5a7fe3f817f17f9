/*
 * sweep/hold.h - who works on which cells of an output folder: two processes that run the same cell into it at once
 * would take each other's files away.
 */
#ifndef SS_SWEEP_HOLD_H
#define SS_SWEEP_HOLD_H

#include <sys/types.h>

#include "sweep/crew.h"

/* Holds the cells that the crew is to run, until ss_hold_free() or the end of this process. 0; -EBUSY where another
   process holds one of them; a file system without locks lets all in. `hold` is what to give back. */
int ss_hold(const struct ss_crew *crew, int *hold, struct servsim_error *err);
void ss_hold_free(const struct ss_crew *crew, int hold);

#endif
