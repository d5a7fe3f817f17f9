/*
 * report/common/balance.h - how evenly requests lie on the replicas of a cell from moment to moment, from requests.csv.
 *
 * Sums over a whole run are even with almost any router; what a request feels is whether it waits at one replica while
 * another has nobody waiting.
 */
#ifndef REPORT_COMMON_BALANCE_H
#define REPORT_COMMON_BALANCE_H

#include "report/common/results.h"

/* NAN where there is nothing to say. */
struct rp_balance {
    double jain_in_system; /* Jain's index of the requests at each replica, mean over the time when there are any */
    double waiting_ms;     /* before a request is first taken up, mean over finished requests */
    double avoidable_ms;   /* of it, while at least one other replica had nobody waiting */
};

#define RP_BALANCE_FIGURES (sizeof(struct rp_balance) / sizeof(double))
#define RP_BALANCE_AT(member) (offsetof(struct rp_balance, member) / sizeof(double))

/* Of one plain cell that is done. */
int rp_balance_of(struct rp_balance *out, const struct rp_cell *cell, struct servsim_error *err);

/* Over all replicates: a spread for each figure, in the order of struct rp_balance. */
int rp_balance_spread(struct rp_spread out[RP_BALANCE_FIGURES], const struct rp_cell *cell, struct servsim_error *err);

#endif
