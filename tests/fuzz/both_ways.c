/*
 * fuzz/both_ways.c - one cell fast-forwarded and step by step.
 */
#include "both_ways.h"

#include <string.h>

#include "fuzz.h"
#include "metrics/summary.h"

struct outcome {
    int rc;
    struct servsim_error err;
    struct ss_text summary;
    struct ss_result result;
};

static struct outcome *
run(const struct ss_toy *toy, int stepwise)
{
    struct outcome *out = calloc(1, sizeof *out);
    const struct ss_cell *cell = &toy->cell;
    const struct ss_summary_input input = {cell->gpus, cell->replicas, cell->slo_ttft_ps, cell->slo_tpot_ps};
    if (out == NULL)
        fuzz_fail("no memory");
    out->err.size = sizeof out->err;
    out->rc = ss_toy_run(toy, stepwise, &out->result, &out->err);
    if (out->rc == 0 && ss_summary_json(&out->result, &input, &out->summary, &out->err) != 0)
        fuzz_fail("%s", out->err.text);
    return out;
}

static void
outcome_free(struct outcome *outcome)
{
    if (outcome->rc == 0)
        ss_result_free(&outcome->result);
    ss_text_free(&outcome->summary);
    free(outcome);
}

static void
show_record(const char *what, const struct ss_record *record)
{
    (void)fprintf(
        stderr, "%s: queue %lld, TTFT %lld, latency %lld ps; %u of output, %u cached, replica %u, %u preemptions, %s\n",
        what, (long long)record->queue_ps, (long long)record->ttft_ps, (long long)record->latency_ps,
        record->output_tokens, record->cached_tokens, record->replica, record->preemptions,
        ss_status_name(record->status));
}

/* Neither a record nor a bin has room between its members. */
static void
compare_records(const struct ss_records *fast, const struct ss_records *stepwise)
{
    if (fast->count != stepwise->count)
        fuzz_fail("%zu requests, one by one %zu", fast->count, stepwise->count);
    for (size_t i = 0; i < fast->count; i++) {
        if (memcmp(&fast->items[i], &stepwise->items[i], sizeof fast->items[i]) == 0)
            continue;
        show_record("fast-forward", &fast->items[i]);
        show_record("single steps", &stepwise->items[i]);
        fuzz_fail("request %zu differs", i);
    }
}

static void
compare_series(const struct ss_series *fast, const struct ss_series *stepwise)
{
    if (fast->used != stepwise->used || fast->width != stepwise->width)
        fuzz_fail("series of %u bins, one by one %u", fast->used, stepwise->used);
    for (uint32_t i = 0; i < fast->used; i++)
        if (memcmp(&fast->bins[i], &stepwise->bins[i], sizeof fast->bins[i]) != 0)
            fuzz_fail("bin %u of the series differs", i);
}

static void
compare_failures(const struct ss_failures_result *fast, const struct ss_failures_result *stepwise)
{
    if (fast->outage_count != stepwise->outage_count)
        fuzz_fail("%zu failures, one by one %zu", fast->outage_count, stepwise->outage_count);
    for (size_t i = 0; i < fast->outage_count; i++) {
        const struct ss_outage *a = &fast->outages[i], *b = &stepwise->outages[i];
        if (a->replica != b->replica || a->down != b->down || a->detected != b->detected || a->up != b->up)
            fuzz_fail("failure %zu differs", i);
    }
    if (fast->retries != stepwise->retries || fast->kv_tokens_lost != stepwise->kv_tokens_lost ||
        fast->tokens_recomputed != stepwise->tokens_recomputed ||
        fast->output_tokens_lost != stepwise->output_tokens_lost || fast->failed_stay != stepwise->failed_stay ||
        fast->failed_decode != stepwise->failed_decode)
        fuzz_fail("what failures did differs");
}

static void
compare_replicas(const struct ss_result *fast, const struct ss_result *stepwise)
{
    for (uint32_t i = 0; i < fast->replica_count; i++) {
        const struct ss_replica_result *a = &fast->replicas[i], *b = &stepwise->replicas[i];
        if (a->cached_tokens != b->cached_tokens || a->kv_evictions != b->kv_evictions ||
            a->kv_blocks_peak != b->kv_blocks_peak || a->steps != b->steps || a->flops != b->flops ||
            a->bytes != b->bytes)
            fuzz_fail("replica %u differs", i);
    }
}

static void
show_difference(const char *fast, const char *stepwise)
{
    size_t at = 0, line = 0;
    for (; fast[at] != '\0' && fast[at] == stepwise[at]; at++)
        line = fast[at] == '\n' ? at + 1 : line;
    fuzz_fail("summaries differ: %.*s, one by one %.*s", (int)strcspn(fast + line, "\n"), fast + line,
              (int)strcspn(stepwise + line, "\n"), stepwise + line);
}

static void
compare(const struct outcome *fast, const struct outcome *stepwise)
{
    const struct ss_result *a = &fast->result, *b = &stepwise->result;
    if (fast->rc != stepwise->rc)
        fuzz_fail("fast-forward answers %d (%s), single steps %d (%s)", fast->rc, fast->err.text, stepwise->rc,
                  stepwise->err.text);
    /* EPROTO: a plugin broke a law; EIO: verify found one broken. All else is bad input: a model that does not fit,
     * say. */
    if (fast->rc == -EPROTO || fast->rc == -EIO)
        fuzz_fail("answer %d: %s", fast->rc, fast->err.text);
    if (fast->rc != 0)
        return;
    compare_records(&a->records, &b->records);
    compare_series(&a->series, &b->series);
    compare_replicas(a, b);
    compare_failures(&a->failures, &b->failures);
    if (memcmp(a->itl.counts, b->itl.counts, sizeof a->itl.counts) != 0 || a->itl.sum_ps != b->itl.sum_ps)
        fuzz_fail("the distribution of ITL differs");
    if (strcmp(fast->summary.data, stepwise->summary.data) != 0)
        show_difference(fast->summary.data, stepwise->summary.data);
    if (a->engine_steps != b->engine_steps || a->events > b->events)
        fuzz_fail("%llu steps in %llu events, one by one %llu in %llu", (unsigned long long)a->engine_steps,
                  (unsigned long long)a->events, (unsigned long long)b->engine_steps, (unsigned long long)b->events);
}

int
fuzz_both_ways(const struct ss_toy *toy)
{
    struct outcome *fast = run(toy, 0), *stepwise = run(toy, 1);
    int rc = fast->rc;
    fuzz_check_answer(rc, &fast->err);
    compare(fast, stepwise);
    outcome_free(fast);
    outcome_free(stepwise);
    return rc;
}
