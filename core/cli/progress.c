/*
 * cli/progress.c - how far a sweep is: one living line on a terminal, plain lines elsewhere.
 */
#include <unistd.h>

#include <jansson.h>

#include "base/child.h"
#include "cli/cli.h"

void
ss_progress_begin(struct ss_progress *progress, int quiet)
{
    *progress = (struct ss_progress){.quiet = quiet, .living = isatty(STDERR_FILENO), .begun_s = ss_clock_s()};
}

/* Simulated seconds of a finished cell, from its summary. */
static double
simulated_s(const struct ss_experiment *experiment, size_t cell)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/cells/%s/summary.json", experiment->output, experiment->cells[cell].name);
    json_t *summary = json_load_file(path, 0, NULL);
    double seconds = json_number_value(json_object_get(summary, "simulated_s"));
    json_decref(summary);
    return seconds;
}

void
ss_progress_put_rest(const struct ss_progress *progress, size_t done, size_t left)
{
    if (done > 0 && left > 0)
        (void)fprintf(stderr, ", about %.0f s left", (ss_clock_s() - progress->begun_s) / (double)done * (double)left);
}

struct counts {
    size_t done, running, failed, kept, total;
};

static struct counts
count(const struct ss_experiment *experiment, const struct ss_outcome *outcomes)
{
    struct counts counts = {.total = experiment->cell_count};
    for (size_t i = 0; i < experiment->cell_count; i++) {
        counts.done += outcomes[i].state == SS_CELL_DONE;
        counts.running += outcomes[i].state == SS_CELL_RUNNING;
        counts.failed += outcomes[i].state == SS_CELL_FAILED;
        counts.kept += outcomes[i].kept;
    }
    return counts;
}

static void
show_living_line(const struct ss_progress *progress, const struct counts *counts)
{
    double elapsed_s = ss_clock_s() - progress->begun_s;
    size_t run = counts->done + counts->failed - counts->kept, left = counts->total - counts->done - counts->failed;
    (void)fprintf(stderr, "\r\033[K%zu of %zu cells done, %zu running, %zu failed", counts->done, counts->total,
                  counts->running, counts->failed);
    ss_progress_put_rest(progress, run, left);
    if (progress->simulated_s > 0 && elapsed_s > 0)
        (void)fprintf(stderr, ", %.0f simulated seconds a second", progress->simulated_s / elapsed_s);
    (void)fflush(stderr);
}

static void
show_plain_line(const struct ss_experiment *experiment, const struct ss_outcome *outcomes, size_t cell,
                const struct counts *counts)
{
    const struct ss_outcome *outcome = &outcomes[cell];
    const char *word = outcome->kept ? "kept" : outcome->state == SS_CELL_DONE ? "done" : "failed";
    if (outcome->state == SS_CELL_RUNNING || outcome->state == SS_CELL_PENDING)
        return;
    (void)fprintf(stderr, "[%zu/%zu] %s %s%s%s\n", counts->done + counts->failed, counts->total,
                  experiment->cells[cell].name, word, outcome->state == SS_CELL_FAILED ? ": " : "", outcome->reason);
}

void
ss_progress_tell(void *ctx, const struct ss_experiment *experiment, const struct ss_outcome *outcomes, size_t cell)
{
    struct ss_progress *progress = ctx;
    struct counts counts = count(experiment, outcomes);
    if (progress->quiet)
        return;
    if (progress->living && outcomes[cell].state == SS_CELL_DONE)
        progress->simulated_s += simulated_s(experiment, cell);
    if (progress->living)
        show_living_line(progress, &counts);
    else
        show_plain_line(experiment, outcomes, cell, &counts);
}

void
ss_progress_end(const struct ss_progress *progress)
{
    if (!progress->quiet && progress->living)
        (void)fputs("\r\033[K", stderr);
}
