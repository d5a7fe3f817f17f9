/*
 * report/markdown/markdown.h - what the parts of the Markdown report share.
 */
#ifndef REPORT_MARKDOWN_H
#define REPORT_MARKDOWN_H

#include "report/common/matrix.h"
#include "report/common/number.h"
#include "report/common/text.h"

/* A share of requests from which a stated service level counts as met. */
#define SLO_TARGET 0.95
/* Share of the mean latency spent waiting from which a configuration counts as queueing. */
#define QUEUE_SHARE 0.2

struct md {
    struct rp_results results;
    struct rp_matrix matrix;
    struct rp_text out;
    char *folder;
    json_t *plots; /* plots/index.json, when it shows these very results, else NULL */
};

/* The whole report in `out`. md_free() in any case. */
int md_make(struct md *md, const struct servsim_report_input *input, struct servsim_error *err);
void md_free(struct md *md);

/* User's text, so that Markdown and HTML show it as it is, on one line. */
void md_escape(struct rp_text *out, const char *text);

/* The name of a configuration, in bold where it is a subject. */
void md_label(struct md *md, const struct rp_cell *cell);

/* Configurations of a group that are done: with replicates, those of which one is. */
size_t md_done(const struct rp_group *group);

/* Cells of a group, replicates counted one by one; `done`: those that ended well. */
size_t md_cells(const struct rp_group *group, int done);

/* True where the figures are means over replicates. */
int md_replicated(const struct md *md);

/* How a figure is shown. */
#define AS_NUMBER 0u
#define AS_COUNT 1u
#define AS_PERCENT 2u
#define AS_TIMES 3u
#define AS_MS 4u /* milliseconds with the unit that suits them, for sentences */

struct rp_word md_word(double value, uint32_t as);

/* The same with the half width of its interval behind it, where there is one: "5,920 ± 31". */
struct rp_word md_spread(const struct rp_spread *spread, uint32_t as);
struct rp_word md_figure(const struct rp_cell *cell, const char *a, const char *b, uint32_t as);

/* The done cell with the lowest (sign 1) or highest (sign -1) figure; the first of equals; NULL where none has it. */
const struct rp_cell *md_best(const struct rp_group *group, const char *a, const char *b, double sign);

/* Mean time in the queue as a share of the mean latency; NAN where there is none. */
double md_queue_share(const struct rp_cell *cell);

/* Sum of a figure over the done cells. */
double md_sum(const struct rp_group *group, const char *key);

/* True when throughput over the series is set by the traffic: it hardly grows, and the smallest is not saturated. */
int md_traffic_bound(const struct rp_series *series);

/* A limit of the service level, with its unit. */
void md_limit(struct rp_text *out, double limit_ms);

/* Where the scaling loss of a group goes; 0 where there is nothing to say. */
int md_loss_table(struct md *md, const struct rp_group *group);

/* "; no difference larger than noise from a, b": the others that noise does not tell from the best. */
void md_put_equals(struct md *md, const struct rp_group *group, const struct rp_cell *best, const char *a,
                   const char *b);

/* Links every picture of one kind that shows this group. */
void md_pictures(struct md *md, const struct rp_group *group, const char *kind);

/* "large_bursts / round_robin": the values of one axis first, then those of all others that vary. */
void md_put_values(struct md *md, const struct rp_cell *cell, size_t first);

/* Equal on every axis but one. */
int md_twins(const struct md *md, const struct rp_cell *a, const struct rp_cell *b, size_t except);

/* The sections on bursts, KV cache, load balance and predictions, where the experiment asks for them. */
int md_verify(struct md *md, struct servsim_error *err);
void md_errors(struct md *md);
int md_predictions(struct md *md, struct servsim_error *err);
int md_outages(struct md *md, struct servsim_error *err);

void md_summary(struct md *md);
void md_what_was_run(struct md *md);
void md_group(struct md *md, size_t index);
void md_failures(struct md *md);
void md_pictures_missing(struct md *md);
void md_advice(struct md *md);
void md_behaviours(struct md *md);
void md_definitions(struct md *md);

#endif
