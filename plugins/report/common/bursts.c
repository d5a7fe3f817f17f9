/*
 * report/common/bursts.c - finding bursts in requests.csv, and what became of the queue in series.csv.
 */
#include "report/common/bursts.h"

#include <math.h>

#include "report/common/table.h"
#include "report/common/text.h"

#define PER_WINDOW 100.0
#define BURST_FROM 140.0   /* arrivals in a window */
#define FEWEST_WINDOWS 8.0 /* below these, no traffic can be told steady or not */

/* Two columns of numbers that grow. */
struct points {
    double *x, *y;
    size_t count, capacity;
};

/* One burst: window numbers, then times. */
struct burst {
    double begin_s, end_s, recovered_s;
};

struct analysis {
    struct points requests; /* arrival, and 1 where the service level was missed */
    struct points waiting;  /* begin of the bin, and requests that wait */
    struct burst *bursts;
    size_t count;
};

static int
grow(double **values, size_t capacity)
{
    double *larger = realloc(*values, capacity * sizeof *larger);
    if (larger == NULL)
        return -ENOMEM;
    *values = larger;
    return 0;
}

static int
add_point(struct points *points, double x, double y)
{
    if (points->count == points->capacity) {
        size_t capacity = points->capacity ? 2 * points->capacity : 4096;
        if (grow(&points->x, capacity) != 0 || grow(&points->y, capacity) != 0)
            return -ENOMEM;
        points->capacity = capacity;
    }
    points->x[points->count] = x;
    points->y[points->count++] = y;
    return 0;
}

static double
missed_slo(const struct rp_cell *cell, struct rp_field status, double ttft_ms, double tpot_ms)
{
    if (!isfinite(cell->slo_ttft_ms) && !isfinite(cell->slo_tpot_ms))
        return NAN;
    int finished = status.length == 8 && memcmp(status.text, "finished", 8) == 0;
    return !finished || (isfinite(cell->slo_ttft_ms) && !(ttft_ms <= cell->slo_ttft_ms)) ||
           (isfinite(cell->slo_tpot_ms) && tpot_ms > cell->slo_tpot_ms);
}

static int
read_requests(struct analysis *analysis, const struct rp_cell *cell, struct rp_table *table, struct servsim_error *err)
{
    struct rp_field fields[4];
    int status;
    while ((status = rp_table_next(table, fields, err)) == 1) {
        double arrival_s, ttft_ms, tpot_ms;
        if ((status = rp_table_number(table, fields[1], &arrival_s, err)) != 0 ||
            (status = rp_table_number(table, fields[2], &ttft_ms, err)) != 0 ||
            (status = rp_table_number(table, fields[3], &tpot_ms, err)) != 0)
            return status;
        if (isfinite(arrival_s) &&
            add_point(&analysis->requests, arrival_s, missed_slo(cell, fields[0], ttft_ms, tpot_ms)) != 0)
            return servsim_fail(err, ENOMEM, "%s: no memory for its rows", table->path);
    }
    return status;
}

static int
read_waiting(struct analysis *analysis, const struct rp_cell *cell, struct rp_table *table, struct servsim_error *err)
{
    struct rp_field fields[2];
    int status;
    (void)cell;
    while ((status = rp_table_next(table, fields, err)) == 1) {
        double begin_s, waiting;
        if ((status = rp_table_number(table, fields[0], &begin_s, err)) != 0 ||
            (status = rp_table_number(table, fields[1], &waiting, err)) != 0)
            return status;
        if (isfinite(begin_s) && isfinite(waiting) && add_point(&analysis->waiting, begin_s, waiting) != 0)
            return servsim_fail(err, ENOMEM, "%s: no memory for its rows", table->path);
    }
    return status;
}

static int
read_file(struct analysis *analysis, const struct rp_cell *cell, const char *name, const char *const *columns,
          size_t count,
          int (*read)(struct analysis *, const struct rp_cell *, struct rp_table *, struct servsim_error *),
          struct servsim_error *err)
{
    struct rp_table table;
    char *path = rp_join(cell->folder, name);
    int status = path != NULL ? rp_table_open(&table, path, columns, count, err)
                              : servsim_fail(err, ENOMEM, "%s: no memory to read it", cell->folder);
    free(path);
    if (status != 0)
        return status;
    status = read(analysis, cell, &table, err);
    rp_table_close(&table);
    return status;
}

static int
by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* NAN without values or memory. */
static double
median(const struct points *points)
{
    double *sorted = points->count > 0 ? malloc(points->count * sizeof *sorted) : NULL, middle = NAN;
    if (sorted != NULL) {
        memcpy(sorted, points->y, points->count * sizeof *sorted);
        qsort(sorted, points->count, sizeof *sorted, by_value);
        middle = sorted[(points->count - 1) / 2];
    }
    free(sorted);
    return middle;
}

/* Arrivals in each window; bursts are noted as they begin and end. */
static int
find_bursts(struct analysis *analysis, struct rp_bursts *out)
{
    const struct points *requests = &analysis->requests;
    double span_s = requests->count > 1 ? requests->x[requests->count - 1] - requests->x[0] : 0;
    if (!(span_s > 0))
        return 0;
    out->rate_per_s = (double)(requests->count - 1) / span_s;
    double window_s = PER_WINDOW / out->rate_per_s;
    if (span_s < FEWEST_WINDOWS * window_s)
        return 0;
    size_t windows = (size_t)ceil(span_s / window_s), inside = 0;
    double *arrivals = calloc(windows + 1, sizeof *arrivals);
    analysis->bursts = calloc(windows + 1, sizeof *analysis->bursts);
    if (arrivals == NULL || analysis->bursts == NULL) {
        free(arrivals);
        return -ENOMEM;
    }
    for (size_t i = 0; i < requests->count; i++) {
        size_t window = (size_t)fmax(0, (requests->x[i] - requests->x[0]) / window_s);
        arrivals[window < windows ? window : windows - 1]++;
    }
    out->peak_rate_per_s = 0;
    for (size_t w = 0; w < windows; w++) {
        double end_s = requests->x[0] + (double)(w + 1) * window_s;
        out->peak_rate_per_s = fmax(out->peak_rate_per_s, arrivals[w] / window_s);
        if (arrivals[w] > BURST_FROM && !inside)
            analysis->bursts[analysis->count++].begin_s = end_s - window_s;
        inside = arrivals[w] > BURST_FROM;
        if (inside)
            analysis->bursts[analysis->count - 1].end_s = end_s;
    }
    out->bursts = (double)analysis->count;
    free(arrivals);
    return 0;
}

/* From the peak of the queue between `begin_s` and `until_s` to when it is back at `level`. */
static void
recover(const struct points *waiting, struct burst *burst, double until_s, double level, struct rp_bursts *out)
{
    size_t peak = waiting->count;
    for (size_t i = 0; i < waiting->count; i++)
        if (waiting->x[i] >= burst->begin_s && waiting->x[i] < until_s &&
            (peak == waiting->count || waiting->y[i] > waiting->y[peak]))
            peak = i;
    burst->recovered_s = burst->end_s;
    if (peak == waiting->count)
        return;
    size_t back = peak;
    while (back < waiting->count && waiting->x[back] < until_s && waiting->y[back] > level)
        back++;
    int recovered = back < waiting->count && waiting->x[back] < until_s;
    double end_s = recovered ? waiting->x[back] : fmin(until_s, waiting->x[waiting->count - 1]);
    double time_s = fmax(0, end_s - waiting->x[peak]);
    out->unrecovered += !recovered;
    out->recovery_mean_s += time_s / out->bursts;
    out->recovery_max_s = fmax(out->recovery_max_s, time_s);
    burst->recovered_s = recovered ? fmax(burst->end_s, end_s) : until_s;
}

static void
find_recoveries(struct analysis *analysis, struct rp_bursts *out)
{
    const struct points *waiting = &analysis->waiting;
    double level = median(waiting);
    for (size_t i = 0; i < waiting->count; i++)
        out->peak_waiting = i == 0 ? waiting->y[i] : fmax(out->peak_waiting, waiting->y[i]);
    if (analysis->count == 0 || !isfinite(level))
        return;
    out->recovery_mean_s = out->recovery_max_s = out->unrecovered = 0;
    for (size_t b = 0; b < analysis->count; b++)
        recover(waiting, &analysis->bursts[b], b + 1 < analysis->count ? analysis->bursts[b + 1].begin_s : INFINITY,
                level, out);
}

/* Requests by the time of their arrival; both lists are in order of time. */
static void
count_misses(const struct analysis *analysis, struct rp_bursts *out)
{
    double missed[RP_BURST_TIMES] = {0};
    size_t b = 0;
    for (size_t t = 0; t < RP_BURST_TIMES; t++)
        out->requests[t] = 0;
    for (size_t i = 0; i < analysis->requests.count; i++) {
        double arrival_s = analysis->requests.x[i];
        while (b < analysis->count && arrival_s >= analysis->bursts[b].recovered_s)
            b++;
        size_t time = b == analysis->count || arrival_s < analysis->bursts[b].begin_s ? RP_BURST_CALM
                      : arrival_s < analysis->bursts[b].end_s                         ? RP_BURST_INSIDE
                                                                                      : RP_BURST_AFTER;
        out->requests[time]++;
        missed[time] += analysis->requests.y[i];
    }
    for (size_t t = 0; t < RP_BURST_TIMES; t++)
        out->missed[t] = out->requests[t] > 0 ? missed[t] / out->requests[t] : NAN;
}

int
rp_bursts_of(struct rp_bursts *out, const struct rp_cell *cell, struct servsim_error *err)
{
    static const char *const requests[] = {"status", "arrival_s", "ttft_ms", "tpot_ms"};
    static const char *const series[] = {"t_s", "waiting_mean"};
    struct analysis analysis = {.count = 0};
    const double nothing = NAN;
    for (size_t i = 0; i < RP_BURST_FIGURES; i++)
        memcpy((char *)out + i * sizeof nothing, &nothing, sizeof nothing);
    int status = read_file(&analysis, cell, "requests.csv", requests, 4, read_requests, err);
    if (status == 0)
        status = read_file(&analysis, cell, "series.csv", series, 2, read_waiting, err);
    if (status == 0 && find_bursts(&analysis, out) != 0)
        status = servsim_fail(err, ENOMEM, "%s: no memory for its bursts", cell->folder);
    if (status == 0) {
        find_recoveries(&analysis, out);
        if (isfinite(out->bursts))
            count_misses(&analysis, out);
    }
    free(analysis.requests.x);
    free(analysis.requests.y);
    free(analysis.waiting.x);
    free(analysis.waiting.y);
    free(analysis.bursts);
    return status;
}

static int
figures_of(double *out, const struct rp_cell *cell, struct servsim_error *err)
{
    struct rp_bursts figures;
    int status = rp_bursts_of(&figures, cell, err);
    memcpy(out, &figures, sizeof figures); /* nothing but doubles */
    return status;
}

int
rp_bursts_spread(struct rp_spread out[RP_BURST_FIGURES], const struct rp_cell *cell, struct servsim_error *err)
{
    return rp_members_spread(out, RP_BURST_FIGURES, figures_of, cell, err);
}
