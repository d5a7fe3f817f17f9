/*
 * profile/skew.c - see skew.h.
 */
#include "hardware/profile/skew.h"

#include <math.h>
#include <unistd.h>

#include "hardware/profile/rows.h"

/* Fits of a few noisy points reach far beyond what attention can do: t(max) above, a little below t(mean). */
#define ALPHA_MIN (-0.25)
#define ALPHA_MAX 1.0

#define AXIS_DECODES 0u
#define AXIS_RATE 1u
#define AXIS_LARGEST 2u
#define AXIS_PRIOR 3u

static const char *const axis_names[SKEW_AXES] = {"n", "skew_rate", "kv_big", "kp"};

/* ---- meta.yaml ---- */

static int32_t
axis_fail(const struct meta *meta, const char *key, const struct meta_value *value, const char *wanted,
          struct servsim_error *err)
{
    return servsim_fail(err, EINVAL, "%s:%llu: %s: write %s", meta->path, (unsigned long long)value->line, key, wanted);
}

static int32_t
read_axis(struct skew_axis *axis, const struct meta *meta, const char *name, struct servsim_error *err)
{
    char bins_key[64], labels_key[64];
    (void)snprintf(bins_key, sizeof bins_key, "skew_fit.bucket_axes.%s_bins", name);
    (void)snprintf(labels_key, sizeof labels_key, "skew_fit.bucket_axes.%s_labels", name);
    struct meta_value bins = meta_get(meta, bins_key), labels = meta_get(meta, labels_key);
    axis->bins = meta_length(&labels);
    if (axis->bins == 0 || axis->bins > SKEW_BINS_MAX)
        return axis_fail(meta, labels_key, &labels, "a list of 1 to 32 labels; skew_fit.csv needs them", err);
    if (meta_length(&bins) != axis->bins + 1)
        return axis_fail(meta, bins_key, &bins, "a list of one edge more than there are labels", err);
    for (uint32_t i = 0; i <= axis->bins; i++) {
        const char *text = meta_entry(meta, &bins, i);
        char *end = NULL;
        axis->edges[i] = text != NULL ? strtod(text, &end) : NAN;
        if (text == NULL || end == text || *end != '\0' || !isfinite(axis->edges[i]) ||
            (i > 0 && axis->edges[i] <= axis->edges[i - 1]))
            return axis_fail(meta, bins_key, &bins, "finite numbers that grow", err);
    }
    for (uint32_t i = 0; i < axis->bins; i++) {
        const char *text = meta_entry(meta, &labels, i);
        if (text == NULL || text[0] == '\0' || strlen(text) >= sizeof axis->labels[i])
            return axis_fail(meta, labels_key, &labels, "labels of 1 to 47 characters", err);
        memcpy(axis->labels[i], text, strlen(text) + 1);
    }
    return 0;
}

/* ---- skew_fit.csv ---- */

struct bucket {
    int64_t chunk;
    uint32_t bins[SKEW_AXES];
    double alpha;
    uint64_t line;
};

struct buckets {
    const struct skew *skew;
    struct bucket *items;
    size_t count, capacity;
};

static int32_t
find_label(const struct skew_axis *axis, const char *text, const char *column, const struct rows_place *place,
           uint32_t *bin, struct servsim_error *err)
{
    for (*bin = 0; *bin < axis->bins; ++*bin)
        if (strcmp(axis->labels[*bin], text) == 0)
            return 0;
    return servsim_fail(err, EINVAL, "%s:%llu: %s_label '%s' is not among those of meta.yaml, '%s' to '%s'",
                        place->path, (unsigned long long)place->line, column, text, axis->labels[0],
                        axis->labels[axis->bins - 1]);
}

static int32_t
take_bucket(void *context, const struct rows_field *fields, const struct rows_place *place, struct servsim_error *err)
{
    struct buckets *buckets = context;
    if (buckets->count == buckets->capacity) {
        size_t capacity = buckets->capacity > 0 ? buckets->capacity * 2 : 1024;
        struct bucket *items = realloc(buckets->items, capacity * sizeof *items);
        if (items == NULL)
            return servsim_fail(err, ENOMEM, "%s: out of memory", place->path);
        buckets->items = items;
        buckets->capacity = capacity;
    }
    struct bucket *bucket = &buckets->items[buckets->count];
    *bucket = (struct bucket){.chunk = fields[0].count, .alpha = fields[5].number, .line = place->line};
    for (uint32_t axis = 0; axis < SKEW_AXES; axis++) {
        int32_t rc = find_label(&buckets->skew->axes[axis], fields[1 + axis].text, axis_names[axis], place,
                                &bucket->bins[axis], err);
        if (rc != 0)
            return rc;
    }
    buckets->count++;
    return 0;
}

/* Index of a size of prefill; chunk_count where it is none that was measured. */
static uint32_t
chunk_index(const struct skew *skew, int64_t chunk)
{
    uint32_t at = 0;
    while (at < skew->chunk_count && skew->chunks[at] != chunk)
        at++;
    return at;
}

static int32_t
collect_chunks(struct skew *skew, const struct buckets *buckets, const char *path, struct servsim_error *err)
{
    for (size_t i = 0; i < buckets->count; i++) {
        if (chunk_index(skew, buckets->items[i].chunk) < skew->chunk_count)
            continue;
        if (skew->chunk_count == SKEW_BINS_MAX)
            return servsim_fail(err, E2BIG, "%s:%llu: more than %u values of pc; leave some out", path,
                                (unsigned long long)buckets->items[i].line, SKEW_BINS_MAX);
        skew->chunks[skew->chunk_count++] = buckets->items[i].chunk;
    }
    return 0;
}

static size_t
cell_of(const struct skew *skew, uint32_t chunk, const uint32_t *bins)
{
    size_t at = chunk;
    for (uint32_t axis = 0; axis < SKEW_AXES; axis++)
        at = at * skew->axes[axis].bins + bins[axis];
    return at;
}

static int32_t
fill_alphas(struct skew *skew, const struct buckets *buckets, const char *path, struct servsim_error *err)
{
    size_t cells = skew->chunk_count;
    for (uint32_t axis = 0; axis < SKEW_AXES; axis++)
        cells *= skew->axes[axis].bins;
    skew->alphas = malloc((cells > 0 ? cells : 1) * sizeof *skew->alphas);
    if (skew->alphas == NULL)
        return servsim_fail(err, ENOMEM, "%s: out of memory", path);
    for (size_t i = 0; i < cells; i++)
        skew->alphas[i] = NAN;
    for (size_t i = 0; i < buckets->count; i++) {
        const struct bucket *bucket = &buckets->items[i];
        float *cell = &skew->alphas[cell_of(skew, chunk_index(skew, bucket->chunk), bucket->bins)];
        if (!isnan(*cell))
            return servsim_fail(err, EINVAL, "%s:%llu: this bucket stands above already; leave one of them out", path,
                                (unsigned long long)bucket->line);
        *cell = (float)fmin(fmax(bucket->alpha, ALPHA_MIN), ALPHA_MAX);
    }
    return 0;
}

static int32_t
read_buckets(struct skew *skew, const struct meta *meta, const char *path, struct servsim_error *err)
{
    static const struct rows_column columns[] = {
        {"pc", ROWS_COUNT},          {"n_label", ROWS_TEXT},  {"skew_rate_label", ROWS_TEXT},
        {"kv_big_label", ROWS_TEXT}, {"kp_label", ROWS_TEXT}, {"alpha", ROWS_NUMBER},
    };
    struct buckets buckets = {.skew = skew};
    int32_t rc = 0;
    for (uint32_t axis = 0; axis < SKEW_AXES && rc == 0; axis++)
        rc = read_axis(&skew->axes[axis], meta, axis_names[axis], err);
    if (rc == 0)
        rc = rows_read(path, columns, 6, take_bucket, &buckets, err);
    if (rc == 0)
        rc = collect_chunks(skew, &buckets, path, err);
    if (rc == 0)
        rc = fill_alphas(skew, &buckets, path, err);
    free(buckets.items);
    return rc;
}

int32_t
skew_read(struct skew *skew, const struct meta *meta, uint32_t tp, const char *path, struct servsim_error *err)
{
    char key[64];
    int32_t rc = meta_flag(meta, "skew_fit.enabled", &skew->enabled, err);
    if (rc != 0 || !skew->enabled)
        return rc;
    (void)snprintf(key, sizeof key, "skew_fit.per_tp.%u.alpha_default", (unsigned)tp);
    rc = meta_number(meta, key, ALPHA_MIN, ALPHA_MAX, &skew->alpha_default, err);
    return rc == 0 && access(path, F_OK) == 0 ? read_buckets(skew, meta, path, err) : rc;
}

/* ---- looking up ---- */

static uint32_t
bin_of(const struct skew_axis *axis, double size)
{
    uint32_t bin = 0;
    while (bin + 1 < axis->bins && size > axis->edges[bin + 1])
        bin++;
    return bin;
}

double
skew_alpha(const struct skew *skew, const struct skew_batch *batch, int64_t *holds_until)
{
    *holds_until = INT64_MAX;
    if (!skew->enabled || batch->decodes < 2 || batch->largest <= batch->smallest)
        return 0.0;
    uint32_t chunk = chunk_index(skew, batch->chunk);
    if (chunk == skew->chunk_count)
        return skew->alpha_default;
    const struct skew_axis *largest = &skew->axes[AXIS_LARGEST];
    /* (mean - smallest) / (largest - smallest), from what stays the same while all contexts grow together */
    double rate = (double)(batch->sum - batch->decodes * batch->smallest) /
                  ((double)batch->decodes * (double)(batch->largest - batch->smallest));
    const uint32_t bins[SKEW_AXES] = {
        [AXIS_DECODES] = bin_of(&skew->axes[AXIS_DECODES], (double)batch->decodes),
        [AXIS_RATE] = bin_of(&skew->axes[AXIS_RATE], rate),
        [AXIS_LARGEST] = bin_of(largest, (double)batch->largest),
        [AXIS_PRIOR] = bin_of(&skew->axes[AXIS_PRIOR], (double)batch->kv_prefill),
    };
    if (bins[AXIS_LARGEST] + 1 < largest->bins)
        *holds_until = (int64_t)floor(largest->edges[bins[AXIS_LARGEST] + 1]);
    float alpha = skew->alphas[cell_of(skew, chunk, bins)];
    return isnan(alpha) ? skew->alpha_default : (double)alpha;
}

void
skew_free(struct skew *skew)
{
    free(skew->alphas);
    skew->alphas = NULL;
}
