/*
 * analysis/versus_json.c - a comparison for scripts. NaN never: what is not there is null.
 */
#include <math.h>

#include "analysis/versus.h"

static void
put(json_t *object, const char *name, json_t *value)
{
    (void)json_object_set_new(object, name, value);
}

static json_t *
real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *
whole(size_t value)
{
    return json_integer((json_int_t)value);
}

/* Stable words, apart from those for people. */
static const char *
verdict_word(uint32_t metric, const struct ss_difference *difference)
{
    switch (difference->verdict) {
    case SS_VERDICT_ABSENT:
        return "absent";
    case SS_VERDICT_FEW:
        return "too_few_requests";
    case SS_VERDICT_EQUAL:
        return "equal";
    case SS_VERDICT_NOISE:
        return "noise";
    default:
        return ss_verdict_text(metric, difference->verdict);
    }
}

static json_t *
metric_json(uint32_t index, const struct ss_difference *metric)
{
    json_t *object = json_object();
    put(object, "metric", json_string(ss_metrics[index].name));
    put(object, "a", real(metric->a));
    put(object, "b", real(metric->b));
    put(object, "difference", real(metric->difference));
    put(object, "relative", real(metric->relative));
    put(object, "low", real(metric->low));
    put(object, "high", real(metric->high));
    put(object, "p", real(metric->p));
    put(object, "p_adjusted", real(metric->p_adjusted));
    put(object, "verdict", json_string(verdict_word(index, metric)));
    return object;
}

static json_t *
side_json(const struct ss_versus_side *side)
{
    static const char *const states[] = {"passed", "failed", "unknown"};
    const struct ss_trial *trial = side->trials[0];
    json_t *object = json_object(), *checks = json_array();
    put(object, "path", json_string(side->path));
    put(object, "cell", json_string(side->name));
    put(object, "replicates", whole(side->count));
    put(object, "model", json_string(trial->model));
    put(object, "hardware", json_string(trial->hardware));
    put(object, "gpus", whole(trial->gpus));
    put(object, "scheduler", json_string(trial->scheduler));
    put(object, "router", json_string(trial->router));
    put(object, "workload", json_string(trial->workload));
    for (size_t i = 0; i < SS_CHECKS; i++) {
        json_t *check = json_object();
        put(check, "check", json_string(side->checks[i].name));
        put(check, "state", json_string(states[side->checks[i].state]));
        put(check, "detail", json_string(side->checks[i].detail));
        (void)json_array_append_new(checks, check);
    }
    put(object, "plausibility", checks);
    return object;
}

static json_t *
versus_json(const struct ss_versus *versus)
{
    const struct ss_comparison *result = &versus->result;
    json_t *object = json_object(), *metrics = json_array();
    put(object, "a", side_json(&versus->a));
    put(object, "b", side_json(&versus->b));
    put(object, "unlike", versus->unlike != NULL ? json_string(versus->unlike) : json_null());
    put(object, "paired", json_boolean(result->paired));
    put(object, "method", json_string(result->replicates > 1 ? "replicates" : "block_bootstrap"));
    put(object, "block_length", result->blocks > 0 ? whole(result->block_length) : json_null());
    put(object, "blocks", result->blocks > 0 ? whole(result->blocks) : json_null());
    put(object, "resamples", result->blocks > 0 ? whole(result->resamples) : json_null());
    put(object, "short_of_data", json_boolean(result->short_of_data));
    put(object, "metrics_judged", whole(result->judged));
    put(object, "independent_looks", real(result->looks));
    put(object, "p_overall", real(result->p_overall));
    put(object, "differs", json_boolean(result->differs));
    for (uint32_t m = 0; m < SS_METRICS; m++)
        (void)json_array_append_new(metrics, metric_json(m, &result->metrics[m]));
    put(object, "metrics", metrics);
    put(object, "joules_per_output_token_a", real(ss_versus_energy(&versus->a)));
    put(object, "joules_per_output_token_b", real(ss_versus_energy(&versus->b)));
    return object;
}

json_t *
ss_versus_json(const struct ss_versus_set *set, const struct ss_versus_options *options)
{
    json_t *object = json_object(), *comparisons = json_array();
    int differs = 0;
    for (size_t i = 0; i < set->count; i++) {
        (void)json_array_append_new(comparisons, versus_json(&set->items[i]));
        differs |= set->items[i].result.differs;
    }
    put(object, "servsim_comparison", json_integer(1));
    put(object, "level", real(options->level));
    put(object, "differs", json_boolean(differs));
    put(object, "comparisons", comparisons);
    put(object, "unmatched", set->unmatched.data != NULL ? json_string(set->unmatched.data) : json_null());
    return object;
}
