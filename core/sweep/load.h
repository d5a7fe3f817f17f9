/*
 * sweep/load.h - traffic that loads the machines: `workload: {load: 1.2}` asks for 1.2 times what the largest
 * configuration can serve.
 */
#ifndef SS_SWEEP_LOAD_H
#define SS_SWEEP_LOAD_H

#include "sweep/sweep.h"

/*
 * Sets load_scale of every cell that asks for a load. Cells that share a workload share the scale: they must see the
 * same arrivals. The capacity is that of the one among them with the most GPUs (of several, the one that serves most),
 * measured by simulating up to 20,000 requests, spread evenly over the traffic, that all arrive at once. Where none of
 * them survives that, the cells have failed, and their outcomes say so. -EINTR when the user wants to stop; another
 * -errno when the input is at fault.
 */
int ss_find_loads(struct ss_experiment *experiment, const struct ss_sweep_options *options, struct ss_outcome *outcomes,
                  struct servsim_error *err);

#endif
