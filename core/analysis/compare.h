/*
 * analysis/compare.h - is a difference between two runs larger than noise?
 *
 * Method. The figures of both runs are resampled together, by blocks of neighbouring requests (measure.h): with the
 * same blocks in both where both served the same traffic (paired), with blocks of their own otherwise. The spread of
 * the resampled differences is the standard error; intervals and p-values are Student's t with 1.5 (blocks - 1) degrees
 * of freedom of each run (Welch's where they are two), as for overlapping batch means. The block length is twice the
 * optimum of Politis and White (statistics.h), at least the cube root of the number of requests and at most a tenth of
 * it: blocks that are too short make intervals too narrow, which is the worse mistake.
 *
 * Many looks. The 19 metrics of a run hang together, so the resamples also say how far the largest of their scaled
 * differences strays by chance; that is as far as among `looks` independent ones. A p-value p counts as 1 - (1 - p) ^
 * looks, times the number of comparisons made at once (Bonferroni). "They differ" is said when any adjusted p-value is
 * below 1 - level, so a pair of equal systems is called different in about 1 - level of all cases, whatever is looked
 * at. Intervals are each metric's own.
 *
 * Replicates. Where the runs were repeated with other seeds, one repetition is one observation: Student's t over the
 * paired differences, Welch's t where traffic is not the same, and Holm's correction for the looks.
 *
 * How well it keeps its word. In 400 pairs each of equal systems, 95 % level, the share that was called different: 4.8
 * and 5.8 % for Poisson traffic at light and moderate load (2,000 and 10,000 requests), 4.5 % for 1,000 requests, 5 %
 * for measured lengths on two replicas, 8 % for gaps with a coefficient of variation of 3; under overload 2 % and for
 * campaigns 1 %, where `short_of_data` was set for all and for a third of the pairs. analysis_test.c repeats one of
 * these.
 *
 * What it cannot do. A run is taken as a stretch of something that goes on the same way. Where load exceeds capacity,
 * queues grow until the traffic ends and no part of the run is like another: the dependence then reaches over a tenth
 * of the run, `short_of_data` is set and the intervals are too narrow. The same holds for few requests and for traffic
 * whose bursts are longer than the run is long. Only replicates help there. P99 needs at least ten requests behind it,
 * in at least five blocks, or it is not judged.
 */
#ifndef SS_ANALYSIS_COMPARE_H
#define SS_ANALYSIS_COMPARE_H

#include "analysis/measure.h"

#define SS_VERDICT_ABSENT 0u /* one of the two has no such figure */
#define SS_VERDICT_FEW 1u    /* too few requests to judge it */
#define SS_VERDICT_EQUAL 2u  /* the same figure in both */
#define SS_VERDICT_NOISE 3u  /* no difference larger than noise */
#define SS_VERDICT_LESS 4u   /* the figure of B is lower */
#define SS_VERDICT_MORE 5u   /* the figure of B is higher */

struct ss_difference {
    double a, b;          /* NAN: absent */
    double difference;    /* b - a */
    double relative;      /* of a; NAN where a is 0 */
    double low, high;     /* interval of the difference at the level; NAN where there is none */
    double p, p_adjusted; /* NAN where it is not judged */
    uint32_t verdict;
};

struct ss_side {
    const struct ss_samples *samples;
    double slo_ttft_ms, slo_tpot_ms; /* NAN: none */
};

struct ss_compare_options {
    double level;     /* 0.95 */
    uint32_t metrics; /* bit m: metric m is judged; the others are shown only */
    uint32_t family;  /* comparisons made at once, at least 1 */
};

#define SS_ALL_METRICS ((1u << SS_METRICS) - 1)

struct ss_comparison {
    struct ss_difference metrics[SS_METRICS];
    int paired;
    size_t replicates;                     /* observations of each side; 1: one run, cut into blocks */
    size_t requests, block_length, blocks; /* of A's run; 0 with replicates */
    size_t resamples;
    int short_of_data; /* neighbours depend on each other over more of the run than can be */
    double looks;      /* independent ones that the judged metrics count as */
    uint32_t judged;   /* metrics with a p-value */
    double p_overall;  /* the smallest adjusted p-value; NAN when nothing could be judged */
    int differs;
};

/* The same arrivals, prompts and outputs, row by row? */
int ss_same_traffic(const struct ss_samples *a, const struct ss_samples *b);

/* `a` and `b` are `count` replicates each, 1 or more (count_b may differ from count_a: then nothing is paired). */
int ss_compare(const struct ss_side *a, size_t count_a, const struct ss_side *b, size_t count_b,
               const struct ss_compare_options *options, struct ss_comparison *out, struct servsim_error *err);

/* "faster", "no difference larger than noise" ... */
const char *ss_verdict_text(uint32_t metric, uint32_t verdict);

#endif
