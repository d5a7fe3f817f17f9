/*
 * analysis/scales.c - the cells of an experiment along its growing numbers of GPUs.
 *
 * An axis along which the number of GPUs changes, while all other axes stay, is one of scale. Cells that agree in the
 * other axes are a family; in it, cells with as many replicas as the smallest show what tensor parallelism gives, and
 * cells with as much of it what replicas give.
 */
#include <math.h>
#include <stdlib.h>

#include "analysis/findings.h"
#include "analysis/statistics.h"

#define LEVEL 0.95

static const char *
label_of(const struct ss_trial *trial, const char *axis)
{
    const char *value = json_string_value(json_object_get(json_object_get(trial->cell, "labels"), axis));
    return value != NULL ? value : "";
}

static const char *
axis_name(const struct ss_trials *trials, size_t axis)
{
    const json_t *axes = json_object_get(trials->manifest, "axes");
    const char *name = json_string_value(json_object_get(json_array_get(axes, axis), "name"));
    return name != NULL ? name : "";
}

/* Bit a: the two differ in axis a. */
static uint64_t
differences(const struct ss_trials *trials, size_t axes, const struct ss_trial *x, const struct ss_trial *y)
{
    uint64_t bits = 0;
    for (size_t a = 0; a < axes; a++)
        if (strcmp(label_of(x, axis_name(trials, a)), label_of(y, axis_name(trials, a))) != 0)
            bits |= UINT64_C(1) << a;
    return bits;
}

static uint64_t
find_scale_axes(const struct ss_trials *trials, size_t axes)
{
    uint64_t scale = 0;
    for (size_t i = 0; i < trials->count; i++)
        for (size_t j = i + 1; j < trials->count; j++) {
            uint64_t bits = differences(trials, axes, &trials->items[i], &trials->items[j]);
            if (bits != 0 && (bits & (bits - 1)) == 0 && trials->items[i].gpus != trials->items[j].gpus)
                scale |= bits;
        }
    return scale;
}

/* ---- steps ---- */

/* Mean and half width of the interval over replicates. */
static double
averaged(const double *values, size_t count, double *half)
{
    *half = count > 1 ? ss_student_critical(LEVEL, (double)count - 1) * sqrt(ss_variance(values, count) / (double)count)
                      : NAN;
    return ss_mean(values, count);
}

/* Figures of the cells of a group, in the order of the file. */
static size_t
collect(const struct ss_trials *trials, const char *group, const char *a, const char *b, double *out)
{
    size_t count = 0;
    for (size_t i = 0; i < trials->count; i++)
        if (strcmp(trials->items[i].group, group) == 0)
            out[count++] = ss_trial_figure(&trials->items[i], a, b);
    return count;
}

static void
fill_step(struct ss_scale_step *step, const struct ss_trials *trials, const struct ss_trial *first, double *scratch)
{
    double ignored;
    *step = (struct ss_scale_step){.name = first->group, .gpus = first->gpus};
    step->replicates = collect(trials, first->group, "latency_ms", "mean", scratch);
    step->latency_ms = averaged(scratch, step->replicates, &step->latency_half);
    (void)collect(trials, first->group, "latency_ms", "p99", scratch);
    step->latency_p99_ms = averaged(scratch, step->replicates, &ignored);
    (void)collect(trials, first->group, "output_tokens_per_s", NULL, scratch);
    step->throughput = averaged(scratch, step->replicates, &step->throughput_half);
    (void)collect(trials, first->group, "queue_ms", "mean", scratch);
    step->queue_share = averaged(scratch, step->replicates, &ignored) / step->latency_ms;
    (void)collect(trials, first->group, "busy_fraction", NULL, scratch);
    step->busy_fraction = averaged(scratch, step->replicates, &ignored);
    (void)collect(trials, first->group, "busy_share", "communication", scratch);
    step->communication_share = averaged(scratch, step->replicates, &ignored);
}

/* Against the smallest: replicate by replicate where both have as many, since they saw the same traffic. */
static void
fill_efficiency(struct ss_scale *scale, const struct ss_trials *trials, double *scratch)
{
    const struct ss_scale_step *base = &scale->steps[0];
    double *below = scratch + trials->count;
    size_t count = collect(trials, base->name, "output_tokens_per_s", NULL, below);
    for (size_t s = 0; s < scale->count; s++) {
        struct ss_scale_step *step = &scale->steps[s];
        double growth = (double)step->gpus / base->gpus;
        step->speedup = step->throughput / base->throughput;
        step->efficiency = step->speedup / growth;
        step->efficiency_half = NAN;
        if (s == 0 || step->replicates != count || count < 2)
            continue;
        (void)collect(trials, step->name, "output_tokens_per_s", NULL, scratch);
        for (size_t i = 0; i < count; i++)
            scratch[i] = scratch[i] / below[i] / growth;
        step->efficiency = averaged(scratch, count, &step->efficiency_half);
        step->speedup = step->efficiency * growth;
    }
}

/* Slope of the logarithms. */
static double
exponent(const struct ss_scale *scale)
{
    double x = 0, y = 0, xx = 0, xy = 0, count = (double)scale->count;
    for (size_t i = 0; i < scale->count; i++) {
        double gpus = log(scale->steps[i].gpus), latency = log(scale->steps[i].latency_ms);
        x += gpus;
        y += latency;
        xx += gpus * gpus;
        xy += gpus * latency;
    }
    return (count * xy - x * y) / (count * xx - x * x);
}

/* ---- series ---- */

static int
by_gpus(const void *a, const void *b)
{
    const struct ss_trial *const *x = a, *const *y = b;
    if ((*x)->gpus != (*y)->gpus)
        return (*x)->gpus < (*y)->gpus ? -1 : 1;
    return (*x > *y) - (*x < *y);
}

#define SAME_REPLICAS 0u
#define SAME_TP 1u
#define ANY 2u

static int
belongs(const struct ss_trial *trial, const struct ss_trial *base, uint32_t how)
{
    if (how == SAME_REPLICAS)
        return trial->replicas == base->replicas;
    return how == ANY || (trial->tp == base->tp && trial->pp == base->pp);
}

static int
add_scale(struct ss_scales *out, const struct ss_trials *trials, const struct ss_trial *const *family, size_t count,
          uint32_t how, const char *label, double *scratch)
{
    static const char *const names[] = {"tensor parallel", "replicas", "GPUs"};
    struct ss_scale_step *steps = calloc(count, sizeof *steps);
    struct ss_scale *items = realloc(out->items, (out->count + 1) * sizeof *items);
    size_t kept = 0;
    out->items = items != NULL ? items : out->items;
    if (steps == NULL || items == NULL) {
        free(steps);
        return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++)
        if (belongs(family[i], family[0], how) && (kept == 0 || steps[kept - 1].gpus < family[i]->gpus))
            fill_step(&steps[kept++], trials, family[i], scratch);
    if (kept < 2) {
        free(steps);
        return 0;
    }
    struct ss_scale *scale = &out->items[out->count];
    *scale = (struct ss_scale){.label = strdup(label), .how = names[how], .steps = steps, .count = kept};
    out->count++;
    fill_efficiency(scale, trials, scratch);
    scale->latency_exponent = exponent(scale);
    return scale->label != NULL ? 0 : -ENOMEM;
}

static int
add_family(struct ss_scales *out, const struct ss_trials *trials, const struct ss_trial **family, size_t count,
           const char *label, double *scratch)
{
    size_t before = out->count;
    qsort(family, count, sizeof *family, by_gpus);
    int rc = add_scale(out, trials, family, count, SAME_REPLICAS, label, scratch);
    if (rc == 0)
        rc = add_scale(out, trials, family, count, SAME_TP, label, scratch);
    if (rc == 0 && out->count == before)
        rc = add_scale(out, trials, family, count, ANY, label, scratch);
    return rc;
}

/* What a family has in common: its values of the other axes. */
static void
put_label(struct ss_text *out, const struct ss_trials *trials, size_t axes, uint64_t scale,
          const struct ss_trial *trial)
{
    for (size_t a = 0; a < axes; a++)
        if ((scale >> a & 1) == 0)
            ss_text_printf(out, "%s%s", out->length > 0 ? " / " : "", label_of(trial, axis_name(trials, a)));
    ss_text_puts(out, "");
}

/* Of the replicas: those that only compute prompts. */
static double
prefill_share(const struct ss_trial *trial)
{
    double prefill = ss_trial_figure(trial, "disaggregation", "prefill_replicas");
    return isnan(prefill) || trial->replicas == 0 ? 0 : prefill / trial->replicas;
}

static int
find_families(struct ss_scales *out, const struct ss_trials *trials, size_t axes, uint64_t scale,
              const struct ss_trial **family, unsigned char *taken, double *scratch)
{
    int rc = 0;
    for (size_t i = 0; i < trials->count && rc == 0; i++) {
        struct ss_text label = {0};
        size_t count = 0;
        for (size_t j = i; j < trials->count && !taken[i]; j++) {
            const struct ss_trial *trial = &trials->items[j];
            int again = 0; /* a further replicate */
            if (taken[j] || (differences(trials, axes, &trials->items[i], trial) & ~scale) != 0 ||
                prefill_share(trial) != prefill_share(&trials->items[i]))
                continue;
            for (size_t k = 0; k < count; k++)
                again |= strcmp(family[k]->group, trial->group) == 0;
            if (!again && trial->gpus > 0)
                family[count++] = trial;
            taken[j] = j > i;
        }
        if (count > 1) {
            put_label(&label, trials, axes, scale, &trials->items[i]);
            rc = label.failed ? -ENOMEM : add_family(out, trials, family, count, label.data, scratch);
        }
        ss_text_free(&label);
    }
    return rc;
}

int
ss_scales_find(struct ss_scales *out, const struct ss_trials *trials, struct servsim_error *err)
{
    size_t axes = json_array_size(json_object_get(trials->manifest, "axes"));
    *out = (struct ss_scales){0};
    if (trials->manifest == NULL || axes == 0 || axes > 63 || trials->count < 2)
        return 0;
    uint64_t scale = find_scale_axes(trials, axes);
    if (scale == 0)
        return 0;
    const struct ss_trial **family = calloc(trials->count, sizeof *family);
    unsigned char *taken = calloc(trials->count, 1);
    double *scratch = malloc(2 * trials->count * sizeof *scratch);
    int rc = -ENOMEM;
    if (family != NULL && taken != NULL && scratch != NULL)
        rc = find_families(out, trials, axes, scale, family, taken, scratch);
    free(family);
    free(taken);
    free(scratch);
    if (rc == 0)
        return 0;
    ss_scales_free(out);
    return servsim_fail(err, ENOMEM, "no memory for the scaling of %zu cells", trials->count);
}

void
ss_scales_free(struct ss_scales *scales)
{
    for (size_t i = 0; i < scales->count; i++) {
        free(scales->items[i].label);
        free(scales->items[i].steps);
    }
    free(scales->items);
    *scales = (struct ss_scales){0};
}
