/*
 * report/common/loss.h - where the output that a GPU gives in a small configuration, and not in a large one, is lost.
 *
 * A GPU that gives y output tokens a second spends 1/y seconds on each, and these seconds are known by kind: idle, or
 * busy with communication, dense kernels, attention, engine overhead. Work that was lost to a preemption and done again
 * takes its share, by tokens, of the dense and attention time. Between two configurations the seconds of each kind
 * change by some d, and
 *
 *     y_small - y_large = y_small x y_large x (sum of d),
 *
 * so y_small x y_large x d is the part of one kind, and the parts add up to the loss, exactly. A part below zero is a
 * gain: a larger KV cache, say, allows larger batches, which need less dense time for each token.
 */
#ifndef REPORT_COMMON_LOSS_H
#define REPORT_COMMON_LOSS_H

#include "report/common/matrix.h"

#define RP_LOSS_PARTS 6u
#define RP_LOSS_COMMUNICATION 0u
#define RP_LOSS_DENSE 1u
#define RP_LOSS_ATTENTION 2u
#define RP_LOSS_OVERHEAD 3u
#define RP_LOSS_RECOMPUTED 4u
#define RP_LOSS_IDLE 5u

/* All in output tokens/s per GPU. */
struct rp_loss {
    double ideal, actual, lost; /* lost = ideal - actual */
    double parts[RP_LOSS_PARTS];
};

const char *rp_loss_name(size_t part);  /* in a sentence: "idleness" */
const char *rp_loss_title(size_t part); /* in a heading: "Idleness" */

/* Of `cell` against `base`. Returns 0 where one of the two lacks a figure that it takes. */
int rp_loss_of(struct rp_loss *out, const struct rp_cell *base, const struct rp_cell *cell);

/* The largest part; RP_LOSS_PARTS where nothing is lost. */
size_t rp_loss_largest(const struct rp_loss *loss);

#endif
