/*
 * profile/skew.h - what unequal contexts of a batch's decodes cost.
 *
 * A table of attention is measured with decodes of one context. A batch of unequal ones takes
 * t(mean) + alpha (t(max) - t(mean)); alpha was fitted for buckets of five sizes, named by labels. A bucket that was
 * not measured has alpha_default.
 */
#ifndef PROFILE_SKEW_H
#define PROFILE_SKEW_H

#include "hardware/profile/meta.h"

#define SKEW_BINS_MAX 32u
#define SKEW_AXES 4u /* of labels: decodes, skew rate, largest context, prior context of prefills */

/* Bin i holds what is above edges[i] and at most edges[i + 1]; sizes outside count to the first or the last. */
struct skew_axis {
    double edges[SKEW_BINS_MAX + 1];
    char labels[SKEW_BINS_MAX][48];
    uint32_t bins;
};

/* Zero-initialise; skew_free() at the end. */
struct skew {
    int enabled;
    double alpha_default;
    struct skew_axis axes[SKEW_AXES];
    int64_t chunks[SKEW_BINS_MAX]; /* sizes of prefill for which alphas are known, growing */
    uint32_t chunk_count;
    float *alphas; /* [chunk][axis 0][axis 1][axis 2][axis 3]; NAN: not measured */
};

/* The batch: new tokens of prefill and the context behind them, decodes, the sum of their contexts, the extremes. */
struct skew_batch {
    int64_t chunk, kv_prefill, decodes, sum, smallest, largest;
};

/* Reads meta.yaml's skew_fit for one tp, and skew_fit.csv at `path` where there is one. */
int32_t skew_read(struct skew *skew, const struct meta *meta, uint32_t tp, const char *path, struct servsim_error *err);

/* alpha of a batch; *holds_until is the largest context up to which it stays. 0 where contexts are equal. */
double skew_alpha(const struct skew *skew, const struct skew_batch *batch, int64_t *holds_until);

void skew_free(struct skew *skew);

#endif
