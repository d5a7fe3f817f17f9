/*
 * cost/work.h - what a step amounts to, for utilisation figures.
 */
#ifndef SS_COST_WORK_H
#define SS_COST_WORK_H

#include <stdint.h>

/*
 * Work of one step, and how much more it is in each further step of its line. FLOPs are those of the model for the
 * tokens in the step, wherever they run; bytes are what all GPUs that work on it read: weights (of the experts that are
 * hit, too) and the KV cache. Whole numbers, so that sums do not depend on how runs were split.
 */
struct ss_work {
    uint64_t flops, flops_slope;
    uint64_t bytes, bytes_slope;
};

#endif
