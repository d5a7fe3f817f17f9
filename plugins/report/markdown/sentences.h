/*
 * report/markdown/sentences.h - what the sentences of the summary, of the advice and of the verdicts share.
 */
#ifndef REPORT_MARKDOWN_SENTENCES_H
#define REPORT_MARKDOWN_SENTENCES_H

#include "report/markdown/markdown.h"

/* Output tokens a second, and the mean latency in ms. */
double md_output_rate(const struct rp_cell *cell);
double md_latency_mean(const struct rp_cell *cell);

/* The same as they are shown, with their intervals; and a share. */
struct rp_word md_output_text(const struct rp_cell *cell);
struct rp_word md_latency_text(const struct rp_cell *cell);
struct rp_word md_share_text(const struct rp_cell *cell, const char *key);

/* "s" for all counts but 1. */
const char *md_plural(double count);

/* The bold name of a cell, with its GPUs where the name does not tell them. */
void md_put_subject(struct md *md, const struct rp_cell *cell);

/* The line above the sentences of one kind of traffic. */
void md_put_traffic_name(struct md *md, const struct rp_group *group);

/* Is the service level met for enough requests, noise allowed for? */
int md_meets(const struct rp_cell *cell);

/* The cell with the fewest GPUs (then the best attainment) among those that meet the service level, or NULL. */
const struct rp_cell *md_smallest_meeting(const struct rp_group *group);

/* Whether a choice between the cells is one between numbers of GPUs. Where the traffic differs there is none to make.
 */
int md_sizes_differ(const struct rp_group *group);

/* The done cell for which `of` is largest, if it is at least `from`; else NULL. */
const struct rp_cell *md_largest(const struct rp_group *group, double (*of)(const struct rp_cell *), double from);

#endif
