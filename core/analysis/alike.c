/*
 * analysis/alike.c - what two runs must have in common before a difference between them means anything: the model, the
 * kind of traffic and how much of it, the SLO. Devices, numbers of GPUs, schedulers, routers and engines may differ:
 * they are what people compare.
 */
#include <math.h>
#include <stdlib.h>

#include "analysis/versus.h"

#define SAME_COUNT 0.1 /* relative */

static void
say(struct ss_text *out, const char *what, const char *a, const char *b)
{
    ss_text_printf(out, "%s%s %s against %s", out->length > 0 ? "; " : "", what, a, b);
}

static void
hold_text(struct ss_text *out, const char *what, const char *a, const char *b)
{
    if (a[0] != '\0' && b[0] != '\0' && strcmp(a, b) != 0)
        say(out, what, a, b);
}

static void
hold_limit(struct ss_text *out, const char *what, double a_ms, double b_ms)
{
    char a[32] = "none", b[32] = "none";
    if (a_ms == b_ms || (isnan(a_ms) && isnan(b_ms)))
        return;
    if (!isnan(a_ms))
        (void)snprintf(a, sizeof a, "%.6g ms", a_ms);
    if (!isnan(b_ms))
        (void)snprintf(b, sizeof b, "%.6g ms", b_ms);
    say(out, what, a, b);
}

/* The factor that reaches a load is found by simulation, so that seeds differ a little in it. */
static int
nearly(const char *key, const char *a, const char *b)
{
    double x = strtod(a, NULL), y = strtod(b, NULL);
    return strcmp(key, "load_scale") == 0 && fabs(x - y) <= 0.1 * fmax(fabs(x), fabs(y));
}

static const char *
text_of(const struct ss_node *node)
{
    return node == NULL ? "not set" : node->type == SS_NODE_SCALAR ? node->text : "other values";
}

static int
same_tree(const struct ss_node *a, const struct ss_node *b)
{
    if (a == NULL || b == NULL || a->type != b->type || a->count != b->count)
        return 0;
    if (a->type == SS_NODE_SCALAR)
        return strcmp(a->text, b->text) == 0;
    for (size_t i = 0; i < a->count; i++) {
        const struct ss_node *other = a->type == SS_NODE_MAP ? ss_node_get(b, a->children[i]->key) : b->children[i];
        if (!same_tree(a->children[i], other))
            return 0;
    }
    return 1;
}

static void
hold_option(struct ss_text *out, const char *key, const struct ss_node *a, const struct ss_node *b)
{
    char what[128];
    if (same_tree(a, b) || nearly(key, text_of(a), text_of(b)))
        return;
    (void)snprintf(what, sizeof what, "workload.%.100s", key);
    say(out, what, text_of(a), text_of(b));
}

/* Options of the workload; the seed is not among them. */
static void
hold_workload(struct ss_text *out, const struct ss_trial *a, const struct ss_trial *b)
{
    const struct ss_node *x = a->configuration != NULL ? ss_node_get(a->configuration, "workload") : NULL;
    const struct ss_node *y = b->configuration != NULL ? ss_node_get(b->configuration, "workload") : NULL;
    if (strcmp(a->workload, b->workload) != 0) {
        hold_text(out, "workload", a->workload, b->workload);
        return;
    }
    if (x == NULL || y == NULL || x->type != SS_NODE_MAP || y->type != SS_NODE_MAP)
        return;
    for (size_t i = 0; i < x->count; i++)
        hold_option(out, x->children[i]->key, x->children[i], ss_node_get(y, x->children[i]->key));
    for (size_t i = 0; i < y->count; i++)
        if (ss_node_get(x, y->children[i]->key) == NULL)
            hold_option(out, y->children[i]->key, NULL, y->children[i]);
}

/*
 * Traffic that is drawn from a model, or from which failed rows are left out, has another number of requests with each
 * seed. That is no other kind of traffic where both are known to be described the same way and the numbers are close.
 */
static void
hold_counts(struct ss_text *out, const struct ss_trial *a, const struct ss_trial *b)
{
    char count_a[32], count_b[32];
    double x = (double)a->samples.count, y = (double)b->samples.count;
    int described = a->configuration != NULL && b->configuration != NULL;
    if (described && fabs(x - y) <= SAME_COUNT * fmax(x, y))
        return;
    (void)snprintf(count_a, sizeof count_a, "%zu", a->samples.count);
    (void)snprintf(count_b, sizeof count_b, "%zu", b->samples.count);
    hold_text(out, "number of requests", count_a, count_b);
}

void
ss_unlike(const struct ss_trial *a, const struct ss_trial *b, struct ss_text *out)
{
    hold_text(out, "model", a->model, b->model);
    if (!ss_same_traffic(&a->samples, &b->samples)) {
        hold_workload(out, a, b);
        hold_counts(out, a, b);
    }
    hold_limit(out, "SLO for TTFT", a->slo_ttft_ms, b->slo_ttft_ms);
    hold_limit(out, "SLO for TPOT", a->slo_tpot_ms, b->slo_tpot_ms);
}
