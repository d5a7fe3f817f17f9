/*
 * engine/history.c - the part of the traffic before the run: read, not simulated, and told to the predictor.
 *
 * The run begins with the first request after the history, or at the end of its span; times count from there. Without
 * a predictor the history is passed over, so that what is simulated does not depend on who predicts.
 */
#include <errno.h>
#include <stdlib.h>

#include "engine/cluster.h"

struct history {
    struct ss_past *items;
    size_t count, capacity;
    uint64_t read;
};

static int
belongs_to(const struct ss_cluster *cluster, const struct history *history)
{
    const struct ss_cell *cell = cluster->cell;
    if (cell->history_requests > 0)
        return history->read < cell->history_requests;
    return ss_time_of(cluster->next.arrival_s, cluster->next.arrival_ps) < cell->history_span;
}

/* Times are those of the traffic until the whole history is read. */
static int
keep(struct ss_cluster *cluster, struct history *history, struct servsim_error *err)
{
    const struct servsim_arrival *next = &cluster->next;
    if (history->count == history->capacity) {
        size_t capacity = history->capacity > 0 ? history->capacity * 2 : 1024;
        struct ss_past *items = realloc(history->items, capacity * sizeof *items);
        if (items == NULL)
            return servsim_fail(err, ENOMEM, "no memory for a history of %zu requests", capacity);
        history->items = items;
        history->capacity = capacity;
    }
    const char *label = ss_predictor_label(cluster->predictor, next->label);
    if (label == NULL)
        return servsim_fail(err, ENOMEM, "no memory for a label");
    history->items[history->count++] = (struct ss_past){
        .time = ss_time_of(next->arrival_s, next->arrival_ps),
        .sample = {.size = sizeof(struct servsim_sample),
                   .prompt_tokens = next->prompt_tokens,
                   .client = next->client,
                   .priority = next->priority,
                   .label = label},
        .output_tokens = next->output_tokens,
    };
    return 0;
}

static int
read_all(struct ss_cluster *cluster, struct history *history, struct servsim_error *err)
{
    int rc;
    while ((rc = ss_arrivals_read(cluster, err)) > 0 && belongs_to(cluster, history)) {
        history->read++;
        rc = cluster->predictor != NULL ? keep(cluster, history, err) : 0;
        if (rc < 0)
            return rc;
    }
    if (rc == 0)
        return servsim_fail(
            err, EINVAL, "the history takes all %llu requests of the workload; write a shorter one, or more requests",
            (unsigned long long)history->read);
    return rc < 0 ? rc : 0;
}

/* As the run will have them: shifted, scaled, below 0. */
static void
set_times(const struct ss_cluster *cluster, struct history *history)
{
    for (size_t i = 0; i < history->count; i++) {
        struct ss_past *past = &history->items[i];
        past->time = ss_arrivals_scaled(cluster, past->time - cluster->history_end);
        ss_time seconds = past->time / SS_PS_PER_S;
        seconds -= past->time < seconds * SS_PS_PER_S;
        past->sample.arrival_s = (int64_t)seconds;
        past->sample.arrival_ps = (int64_t)(past->time - seconds * SS_PS_PER_S);
    }
}

int
ss_history_read(struct ss_cluster *cluster, struct servsim_error *err)
{
    struct history history = {0};
    const struct ss_cell *cell = cluster->cell;
    if (cell->history_requests == 0 && cell->history_span == 0)
        return 0;
    int rc = read_all(cluster, &history, err);
    if (rc == 0) {
        cluster->read_ahead = 1;
        cluster->history_end = cell->history_requests > 0
                                   ? ss_time_of(cluster->next.arrival_s, cluster->next.arrival_ps)
                                   : cell->history_span;
        set_times(cluster, &history);
    }
    if (rc == 0 && cluster->predictor != NULL)
        rc = ss_predictor_learn(cluster, history.items, history.count, err);
    free(history.items);
    return rc;
}
