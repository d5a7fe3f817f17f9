/*
 * report/common/bursts.h - bursts in the traffic of a cell as its files show them, and what they did to the queue.
 *
 * Time is cut into windows in which a hundred requests arrive on average. A window in which more than 140 do (four
 * standard deviations of steady random traffic) belongs to a burst; windows side by side are one. The time to recover
 * from a burst runs from the largest queue after its beginning until the queue is back at its median over the whole
 * run, or until the next burst begins. Nothing here knows how the traffic was made.
 */
#ifndef REPORT_COMMON_BURSTS_H
#define REPORT_COMMON_BURSTS_H

#include "report/common/results.h"

#define RP_BURST_INSIDE 0u /* arrivals inside a burst, */
#define RP_BURST_AFTER 1u  /* after one until the queue has recovered, */
#define RP_BURST_CALM 2u   /* and at all other times */
#define RP_BURST_TIMES 3u

/* NAN where there is nothing to say. */
struct rp_bursts {
    double rate_per_s, peak_rate_per_s; /* mean; of the busiest window */
    double bursts;
    double peak_waiting;                    /* requests that wait, mean over a bin of series.csv */
    double recovery_mean_s, recovery_max_s; /* over the bursts */
    double unrecovered;                     /* bursts after which the next began too early */
    double requests[RP_BURST_TIMES];        /* by the time of their arrival */
    double missed[RP_BURST_TIMES];          /* share of them that did not meet the service level */
};

#define RP_BURST_FIGURES (sizeof(struct rp_bursts) / sizeof(double))

/* Reads requests.csv and series.csv of one plain cell that is done. */
int rp_bursts_of(struct rp_bursts *out, const struct rp_cell *cell, struct servsim_error *err);

/* Over all replicates: a spread for each figure, in the order of struct rp_bursts. */
int rp_bursts_spread(struct rp_spread out[RP_BURST_FIGURES], const struct rp_cell *cell, struct servsim_error *err);

/* Place of a figure in that list. */
#define RP_BURST_AT(member) (offsetof(struct rp_bursts, member) / sizeof(double))

#endif
