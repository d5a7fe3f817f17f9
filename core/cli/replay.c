/*
 * cli/replay.c - a real run's arrivals and lengths in place of an experiment's workload.
 */
#include "cli/replay.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/seed.h"
#include "engine/simulation.h"
#include "engine/traffic.h"

static int
count_of(const char *flag, const char *value, int64_t least, int64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoll(value, &end, 10);
    if (errno != 0 || end == value || *end != '\0' || *out < least || *out > INT32_MAX)
        return ss_complain_text("%s %s: not a whole number of %lld or more", flag, value, (long long)least);
    return 0;
}

int
ss_replay_flag(struct ss_replay_flags *flags, int option, const char *value)
{
    int64_t number = 0;
    switch (option) {
    case 'S':
        if (strcmp(value, "arrival") != 0 && strcmp(value, "queued") != 0)
            return -ss_complain_text("--start %s: write arrival or queued", value);
        flags->measured.start = value[0] == 'q' ? SS_START_QUEUED : SS_START_ARRIVAL;
        return 1;
    case 'G':
        if (count_of("--stage", value, 0, &flags->measured.stage) != 0)
            return -1;
        return 1;
    case 'O':
        if (count_of("--output-tokens", value, 1, &number) != 0)
            return -1;
        flags->measured.output_tokens = (uint32_t)number;
        return 1;
    case 'P':
        if (count_of("--distinct-prompts", value, 1, &number) != 0)
            return -1;
        flags->distinct_prompts = (uint32_t)number;
        return 1;
    case 'W':
        flags->own_traffic = 1;
        return 1;
    case 's':
        flags->sets[flags->set_count++] = value;
        return 1;
    default:
        return 0;
    }
}

/* For mkdtemp() and mkstemp(). */
static void
temporary(char *out, size_t size)
{
    const char *base = getenv("TMPDIR");
    (void)snprintf(out, size, "%s/servsim-XXXXXX", base != NULL && *base ? base : "/tmp");
}

static int
write_trace(struct ss_replay *replay, struct servsim_error *err)
{
    temporary(replay->folder, sizeof replay->folder);
    if (mkdtemp(replay->folder) == NULL) {
        int rc = servsim_fail(err, errno, "%s: no folder for a trace: %s; set TMPDIR", replay->folder, strerror(errno));
        replay->folder[0] = '\0';
        return rc;
    }
    (void)snprintf(replay->trace, sizeof replay->trace, "%s/trace.csv", replay->folder);
    return ss_measured_write_trace(&replay->measured, replay->flags->distinct_prompts, replay->trace, err);
}

int
ss_replay_change(struct ss_replay *replay, const char *const *sets, size_t count, struct servsim_error *err)
{
    const struct ss_replay_flags *flags = replay->flags;
    const char **all = calloc(flags->set_count + count + 1, sizeof *all);
    char workload[4300];
    size_t used = 0;
    if (all == NULL)
        return servsim_fail(err, ENOMEM, "no memory for settings");
    (void)snprintf(workload, sizeof workload, "workload={plugin: tokens, path: \"%s\"}", replay->trace);
    if (replay->trace[0] != '\0')
        all[used++] = workload;
    for (size_t i = 0; i < flags->set_count; i++)
        all[used++] = flags->sets[i];
    for (size_t i = 0; i < count; i++)
        all[used++] = sets[i];
    ss_experiment_free(&replay->experiment);
    int rc = ss_experiment_read(&replay->experiment, replay->file, all, used, &replay->cli->lookup, err);
    free(all);
    if (rc == 0 && replay->experiment.cell_count == 1 && replay->experiment.cells[0].load > 0 &&
        replay->experiment.cells[0].load_scale <= 0)
        rc = servsim_fail(err, EINVAL,
                          "%s: workload.load asks for another rate than the one that was measured; leave it "
                          "out",
                          replay->file);
    if (rc == 0 && replay->experiment.cell_count != 1)
        rc = servsim_fail(err, EINVAL,
                          "%s: %zu cells; a real run is held against one: leave the matrix and replicates "
                          "out",
                          replay->file, replay->experiment.cell_count);
    return rc;
}

int
ss_replay_open(struct ss_replay *replay, const char *file, const char *measured, const struct ss_replay_flags *flags,
               const struct ss_cli *cli, struct servsim_error *err)
{
    *replay = (struct ss_replay){.file = file, .measured_file = measured, .flags = flags, .cli = cli};
    int rc = ss_measured_read(&replay->measured, measured, &flags->measured, err);
    if (rc == 0 && !replay->measured.means_only && !flags->own_traffic)
        rc = write_trace(replay, err);
    return rc == 0 ? ss_replay_change(replay, NULL, 0, err) : rc;
}

void
ss_replay_close(struct ss_replay *replay)
{
    ss_experiment_free(&replay->experiment);
    ss_measured_free(&replay->measured);
    if (replay->trace[0] != '\0')
        (void)unlink(replay->trace);
    if (replay->folder[0] != '\0')
        (void)rmdir(replay->folder);
    if (replay->packed != NULL)
        (void)fclose(replay->packed);
}

int
ss_replay_run(const struct ss_replay *replay, struct ss_result *result, struct servsim_error *err)
{
    const struct ss_sim_options options = {.interrupted = replay->cli->interrupted};
    return ss_simulate(&replay->experiment.cells[0], &options, result, err);
}

/* ---- repeats ---- */

#define PACKED_LIMIT_BYTES ((size_t)1 << 30)

/* tmpfile() does not ask TMPDIR. */
static FILE *
unnamed_file(void)
{
    char path[4200];
    temporary(path, sizeof path);
    int fd = mkstemp(path);
    if (fd < 0)
        return NULL;
    (void)unlink(path);
    FILE *file = fdopen(fd, "w+b");
    if (file == NULL)
        (void)close(fd);
    return file;
}

static int
pack(struct ss_replay *replay, struct servsim_error *err)
{
    if (replay->packed != NULL)
        return 0;
    replay->packed = unnamed_file();
    if (replay->packed == NULL)
        return servsim_fail(err, errno, "no file for the traffic of repeats: %s; set TMPDIR", strerror(errno));
    err->text[0] = '\0';
    int rc = ss_pack_traffic(&replay->experiment.cells[0], fileno(replay->packed), PACKED_LIMIT_BYTES, err);
    if (rc != 0 && err->text[0] == '\0')
        rc = servsim_fail(err, -rc, "the traffic of repeats cannot be kept: %s", strerror(-rc));
    return rc;
}

static int
run_moved(struct ss_replay *replay, uint32_t number, ss_time by, struct ss_result *result, struct servsim_error *err)
{
    struct ss_cell *cell = &replay->experiment.cells[0];
    struct servsim_random random = {ss_seed_for(cell->seed + number, "moved arrivals")};
    struct ss_packed_traffic moved;
    if (cell->history_span > 0)
        return servsim_fail(
            err, EINVAL,
            "--repeats: moved requests would fall into workload.history_span or out of it; leave it out, or "
            "write history, a number of requests");
    if (cell->load_scale > 0) /* the traffic's own clock */
        by = (ss_time)((double)by * cell->load_scale);
    int rc = pack(replay, err);
    if (rc != 0)
        return rc;
    rc = ss_packed_traffic_map_moved(&moved, fileno(replay->packed), by, &random);
    if (rc != 0)
        return servsim_fail(err, -rc, "the traffic of repeats cannot be read again: %s", strerror(-rc));
    cell->packed_traffic = &moved;
    rc = ss_replay_run(replay, result, err);
    cell->packed_traffic = NULL;
    ss_packed_traffic_unmap(&moved);
    return rc;
}

int
ss_replay_repeat(struct ss_replay *replay, uint32_t number, ss_time by, struct ss_result *result,
                 struct servsim_error *err)
{
    if (!replay->measured.means_only)
        return run_moved(replay, number, by, result, err);
    struct ss_cell *cell = &replay->experiment.cells[0];
    uint64_t seed = cell->seed;
    cell->seed += number + 1;
    int rc = ss_replay_run(replay, result, err);
    cell->seed = seed;
    return rc;
}
