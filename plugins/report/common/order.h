/*
 * report/common/order.h - whom a scheduler lets wait, from requests.csv: those with few tokens, or those with many?
 */
#ifndef REPORT_COMMON_ORDER_H
#define REPORT_COMMON_ORDER_H

#include "report/common/results.h"

#define RP_ORDER_SHORT 0u /* time in the queue, mean over the half of the finished requests with the fewest tokens */
#define RP_ORDER_LONG 1u  /* the same over the tenth with the most */
#define RP_ORDER_FIGURES 2u

/* In milliseconds, over all replicates; tokens are prompt and output. NAN where there is nothing to say. */
int rp_order_spread(struct rp_spread out[RP_ORDER_FIGURES], const struct rp_cell *cell, struct servsim_error *err);

#endif
