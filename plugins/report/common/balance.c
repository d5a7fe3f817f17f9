/*
 * report/common/balance.c - a sweep over the arrivals, first steps and ends of all requests, in order of time.
 */
#include "report/common/balance.h"

#include <math.h>

#include "report/common/table.h"
#include "report/common/text.h"

#define MOST_REQUESTS 3000000u /* beyond, the answer is not known rather than late */
#define MOST_REPLICAS 65536.0

/* Order at one instant: who leaves goes first, so that nobody seems to wait where one comes as another goes. */
#define LEAVES 0u
#define STARTS 1u
#define ARRIVES 2u

struct event {
    double at_s;
    uint32_t replica, kind;
};

struct sweep {
    struct event *events;
    size_t count, capacity, requests;
    size_t replicas;
    double *in_system, *waiting; /* of each replica */
};

static int
add_event(struct sweep *sweep, double at_s, uint32_t replica, uint32_t kind)
{
    if (sweep->count == sweep->capacity) {
        size_t capacity = sweep->capacity ? 2 * sweep->capacity : 4096;
        struct event *events = realloc(sweep->events, capacity * sizeof *events);
        if (events == NULL)
            return -ENOMEM;
        sweep->events = events;
        sweep->capacity = capacity;
    }
    sweep->events[sweep->count++] = (struct event){at_s, replica, kind};
    return 0;
}

static int
by_time(const void *a, const void *b)
{
    const struct event *x = a, *y = b;
    if (x->at_s != y->at_s)
        return x->at_s < y->at_s ? -1 : 1;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return x->replica < y->replica ? -1 : x->replica > y->replica;
}

static int
read_rows(struct sweep *sweep, struct rp_table *table, struct servsim_error *err)
{
    struct rp_field fields[5];
    int status;
    while ((status = rp_table_next(table, fields, err)) == 1) {
        double values[4]; /* replica, arrival, queue, latency */
        for (size_t c = 0; c < 4; c++) {
            status = rp_table_number(table, fields[c + 1], &values[c], err);
            if (status != 0)
                return status;
        }
        if (fields[0].length != 8 || memcmp(fields[0].text, "finished", 8) != 0)
            continue;
        if (!(values[0] >= 0 && values[0] < MOST_REPLICAS) || !isfinite(values[1] + values[2] + values[3]))
            return servsim_fail(err, EINVAL,
                                "%s:%zu: a finished request without replica or times; run the experiment "
                                "again",
                                table->path, table->line);
        uint32_t replica = (uint32_t)values[0];
        sweep->replicas = replica + 1 > sweep->replicas ? replica + 1 : sweep->replicas;
        sweep->requests++;
        if (add_event(sweep, values[1], replica, ARRIVES) != 0 ||
            add_event(sweep, values[1] + values[2] / 1e3, replica, STARTS) != 0 ||
            add_event(sweep, values[1] + values[3] / 1e3, replica, LEAVES) != 0)
            return servsim_fail(err, ENOMEM, "%s: no memory for its rows", table->path);
    }
    return status;
}

/* Between two events nothing changes: areas grow by level x time. */
static void
run(struct sweep *sweep, struct rp_balance *out)
{
    double in_system = 0, squares = 0, waiting = 0, then_s = 0, present_s = 0, jain = 0, waited = 0, avoidable = 0;
    size_t queues = 0; /* replicas at which somebody waits */
    for (size_t i = 0; i < sweep->count; i++) {
        const struct event *event = &sweep->events[i];
        double gap_s = i > 0 ? event->at_s - then_s : 0, *here = &sweep->in_system[event->replica];
        double *queue = &sweep->waiting[event->replica];
        then_s = event->at_s;
        waited += waiting * gap_s;
        avoidable += queues < sweep->replicas ? waiting * gap_s : 0;
        present_s += in_system > 0 ? gap_s : 0;
        jain += in_system > 0 ? gap_s * in_system * in_system / ((double)sweep->replicas * squares) : 0;
        if (event->kind != STARTS) {
            double step = event->kind == ARRIVES ? 1 : -1;
            squares += 2 * step * *here + 1;
            in_system += step;
            *here += step;
        }
        if (event->kind != LEAVES) {
            double step = event->kind == ARRIVES ? 1 : -1;
            queues -= *queue > 0;
            *queue += step;
            queues += *queue > 0;
            waiting += step;
        }
    }
    if (present_s > 0)
        out->jain_in_system = jain / present_s;
    out->waiting_ms = 1e3 * waited / (double)sweep->requests;
    out->avoidable_ms = 1e3 * avoidable / (double)sweep->requests;
}

int
rp_balance_of(struct rp_balance *out, const struct rp_cell *cell, struct servsim_error *err)
{
    static const char *const columns[] = {"status", "replica", "arrival_s", "queue_ms", "latency_ms"};
    struct sweep sweep = {.replicas = (size_t)cell->replicas};
    struct rp_table table;
    *out = (struct rp_balance){NAN, NAN, NAN};
    if (!(rp_figure(cell, "requests_finished", NULL) <= MOST_REQUESTS))
        return 0;
    char *path = rp_join(cell->folder, "requests.csv");
    int status = path != NULL ? rp_table_open(&table, path, columns, 5, err)
                              : servsim_fail(err, ENOMEM, "%s: no memory to read it", cell->folder);
    free(path);
    if (status != 0)
        return status;
    status = read_rows(&sweep, &table, err);
    rp_table_close(&table);
    if (status == 0 && sweep.requests > 0) {
        sweep.in_system = calloc(sweep.replicas, sizeof *sweep.in_system);
        sweep.waiting = calloc(sweep.replicas, sizeof *sweep.waiting);
        qsort(sweep.events, sweep.count, sizeof *sweep.events, by_time);
        if (sweep.in_system != NULL && sweep.waiting != NULL)
            run(&sweep, out);
        else
            status = servsim_fail(err, ENOMEM, "%s: no memory for its replicas", cell->folder);
    }
    free(sweep.events);
    free(sweep.in_system);
    free(sweep.waiting);
    return status;
}

static int
figures_of(double *out, const struct rp_cell *cell, struct servsim_error *err)
{
    struct rp_balance figures;
    int status = rp_balance_of(&figures, cell, err);
    memcpy(out, &figures, sizeof figures); /* nothing but doubles */
    return status;
}

int
rp_balance_spread(struct rp_spread out[RP_BALANCE_FIGURES], const struct rp_cell *cell, struct servsim_error *err)
{
    return rp_members_spread(out, RP_BALANCE_FIGURES, figures_of, cell, err);
}
