/*
 * sweep/traffic.h - traces that several cells want are read once.
 */
#ifndef SS_SWEEP_TRAFFIC_H
#define SS_SWEEP_TRAFFIC_H

#include "engine/traffic.h"
#include "sweep/sweep.h"

struct ss_shared_traffic {
    struct ss_packed_traffic **items;
    size_t count;
};

/*
 * Packs the traffic of cells that read the same files in the same way, `readings[i]` times cell i, where that is more
 * than once in all, and points the cells to it. A trace that cannot be packed, whatever the cause, is left to the
 * cells: they say what is wrong with it. Traffic that is made up and not read is left to them, too: making it up again
 * costs no more than taking it from memory.
 */
void ss_share_traffic(struct ss_shared_traffic *shared, struct ss_experiment *experiment, const uint32_t *readings,
                      const struct ss_sweep_options *options);

/* The cells read for themselves again. */
void ss_shared_traffic_free(struct ss_shared_traffic *shared, struct ss_experiment *experiment);

#endif
