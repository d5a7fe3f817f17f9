/*
 * bench/engine_alone.c - the engine without its surroundings: the first cell of an experiment is simulated and nothing
 * is written, and the same traffic is streamed without a cluster, so that the two can be told apart.
 *
 *   engine_alone simulate|stepwise|traffic|nothing EXPERIMENT.yaml [KEY=VALUE ...]
 *
 * Prints one JSON object: what was simulated, and CPU seconds of it. `nothing` is what it costs to get that far.
 */
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "engine/simulation.h"
#include "sweep/load.h"

static double
cpu_s(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double
peak_bytes(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss * 1024.0;
}

static double
output_tokens(const struct ss_result *result)
{
    double sum = 0;
    for (uint32_t i = 0; i < result->replica_count; i++)
        sum += (double)result->replicas[i].output_tokens;
    return sum;
}

static double
preemptions(const struct ss_result *result)
{
    double sum = 0;
    for (uint32_t i = 0; i < result->replica_count; i++)
        sum += (double)result->replicas[i].preemptions;
    return sum;
}

/* Of each request: its record, and who sent it, where that is kept. */
static size_t
record_bytes(const struct ss_records *records)
{
    return sizeof *records->items + (records->senders != NULL ? sizeof *records->senders : 0);
}

static int
simulate(const struct ss_cell *cell, int stepwise, struct servsim_error *err)
{
    const struct ss_sim_options options = {.stepwise = stepwise};
    struct ss_result *result = malloc(sizeof *result);
    if (result == NULL)
        return servsim_fail(err, ENOMEM, "no memory for a result");
    double begun_s = cpu_s();
    int rc = ss_simulate(cell, &options, result, err);
    if (rc == 0) {
        (void)printf("{\"cpu_s\": %.6f, \"requests\": %zu, \"events\": %llu, \"steps\": %llu, \"tokens\": %.0f, "
                     "\"preemptions\": %.0f, \"record_bytes\": %zu, \"peak_bytes\": %.0f}\n",
                     cpu_s() - begun_s, result->records.count, (unsigned long long)result->events,
                     (unsigned long long)result->engine_steps, output_tokens(result), preemptions(result),
                     record_bytes(&result->records), peak_bytes());
        ss_result_free(result);
    }
    free(result);
    return rc;
}

static int
stream(const struct ss_cell *cell, struct servsim_error *err)
{
    struct ss_traffic_extent traffic;
    double begun_s = cpu_s();
    int rc = ss_measure_traffic(cell, &traffic, err);
    if (rc == 0)
        (void)printf("{\"cpu_s\": %.6f, \"requests\": %llu, \"peak_bytes\": %.0f}\n", cpu_s() - begun_s,
                     (unsigned long long)traffic.requests, peak_bytes());
    return rc;
}

static int
act(const char *what, const struct ss_cell *cell, struct servsim_error *err)
{
    if (strcmp(what, "nothing") == 0)
        return printf("{\"peak_bytes\": %.0f}\n", peak_bytes()) > 0 ? 0 : -EIO;
    return strcmp(what, "traffic") == 0 ? stream(cell, err) : simulate(cell, strcmp(what, "stepwise") == 0, err);
}

int
main(int argc, char **argv)
{
    static const struct ss_lookup nowhere = {NULL, SERVSIM_SRCDIR "/configs/models", SERVSIM_SRCDIR "/data"};
    const char *const plugins[] = {SERVSIM_BUILDDIR "/plugins/.libs"};
    struct ss_lookup lookup = nowhere;
    struct servsim_error err = {.size = sizeof err};
    struct ss_experiment experiment;
    int rc = argc < 3
                 ? servsim_fail(&err, EINVAL, "engine_alone simulate|stepwise|traffic|nothing FILE [KEY=VALUE ...]")
                 : ss_registry_open(&lookup.registry, plugins, 1, &err);
    if (rc == 0)
        rc = ss_experiment_read(&experiment, argv[2], (const char *const *)argv + 3, (size_t)argc - 3, &lookup, &err);
    if (rc == 0) {
        const struct ss_sweep_options options = {0};
        struct ss_outcome *outcomes = calloc(experiment.cell_count, sizeof *outcomes);
        rc = outcomes != NULL ? ss_find_loads(&experiment, &options, outcomes, &err) : -ENOMEM;
        free(outcomes);
        if (rc == 0)
            rc = act(argv[1], &experiment.cells[0], &err);
        ss_experiment_free(&experiment);
        ss_registry_close(lookup.registry);
    }
    if (rc != 0)
        (void)fprintf(stderr, "engine_alone: %s\n", err.text);
    return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
