/*
 * sweep/traffic.c - which cells share a trace, and packing it in a process of its own.
 */
#define _GNU_SOURCE /* memfd_create() and its seals */
#include "sweep/traffic.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/child.h"
#include "engine/simulation.h"

/* A longer trace streams into each cell: it would take memory from what the cells need. */
#define LIMIT_BYTES ((size_t)1 << 30)
#define PART_OF_MEMORY 8

static size_t
limit_bytes(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
    size_t part = pages > 0 && page_bytes > 0 ? (size_t)pages * (size_t)page_bytes / PART_OF_MEMORY : LIMIT_BYTES;
    return part < LIMIT_BYTES ? part : LIMIT_BYTES;
}

/* A cell that stops early does not read its trace to the end. */
static int
can_share(const struct ss_cell *cell)
{
    return cell->packed_traffic == NULL && cell->stop_after == SS_NEVER && ss_use_names_file(&cell->workload);
}

static int
same_traffic(const struct ss_cell *a, const struct ss_cell *b)
{
    return a->seed == b->seed && ss_use_equal(&a->workload, &b->workload);
}

static uint64_t
count_readings(const struct ss_experiment *experiment, const struct ss_cell *cell, const uint32_t *readings)
{
    uint64_t count = 0;
    for (size_t i = 0; i < experiment->cell_count; i++)
        if (can_share(&experiment->cells[i]) && same_traffic(cell, &experiment->cells[i]))
            count += readings[i];
    return count;
}

/* Has it been tried for a cell before this one? */
static int
was_tried(const struct ss_experiment *experiment, size_t index, const uint32_t *readings)
{
    for (size_t i = 0; i < index; i++)
        if (readings[i] > 0 && can_share(&experiment->cells[i]) &&
            same_traffic(&experiment->cells[i], &experiment->cells[index]))
            return 1;
    return 0;
}

struct pack_job {
    const struct ss_cell *cell;
    int fd;
};

static int
pack(void *ctx, struct servsim_error *err)
{
    const struct pack_job *job = ctx;
    return ss_pack_traffic(job->cell, job->fd, limit_bytes(), err);
}

/* Once packed, nobody can change it: not even a plugin that writes where it should not. */
static int
read_once(struct ss_packed_traffic *out, const struct ss_experiment *experiment, const struct ss_cell *cell,
          const struct ss_sweep_options *options)
{
    struct pack_job job = {cell, memfd_create("servsim-traffic", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
    struct ss_last_word word;
    if (job.fd < 0)
        return -errno;
    int rc = ss_child_run(pack, &job, experiment->timeout_s, options->interrupted, &word) ? word.code : -ECHILD;
    if (rc == 0 && fcntl(job.fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        rc = -errno;
    if (rc == 0)
        rc = ss_packed_traffic_map(out, job.fd);
    (void)close(job.fd);
    return rc;
}

static struct ss_packed_traffic *
add(struct ss_shared_traffic *shared)
{
    struct ss_packed_traffic **items = realloc(shared->items, (shared->count + 1) * sizeof(struct ss_packed_traffic *));
    if (items == NULL)
        return NULL;
    shared->items = items;
    items[shared->count] = calloc(1, sizeof *items[shared->count]);
    return items[shared->count] != NULL ? items[shared->count++] : NULL;
}

/* The cell itself last: the others are compared with it. */
static void
give(struct ss_experiment *experiment, size_t index, const struct ss_packed_traffic *packed)
{
    const struct ss_cell *cell = &experiment->cells[index];
    for (size_t i = experiment->cell_count; i-- > 0;) {
        struct ss_cell *other = &experiment->cells[i];
        if (i != index && can_share(other) && same_traffic(cell, other))
            other->packed_traffic = packed;
    }
    experiment->cells[index].packed_traffic = packed;
}

void
ss_share_traffic(struct ss_shared_traffic *shared, struct ss_experiment *experiment, const uint32_t *readings,
                 const struct ss_sweep_options *options)
{
    for (size_t i = 0; i < experiment->cell_count; i++) {
        struct ss_cell *cell = &experiment->cells[i];
        if (readings[i] == 0 || !can_share(cell) || was_tried(experiment, i, readings) ||
            count_readings(experiment, cell, readings) < 2)
            continue;
        struct ss_packed_traffic *packed = add(shared);
        if (packed != NULL && read_once(packed, experiment, cell, options) == 0)
            give(experiment, i, packed);
    }
}

void
ss_shared_traffic_free(struct ss_shared_traffic *shared, struct ss_experiment *experiment)
{
    for (size_t i = 0; i < experiment->cell_count; i++)
        experiment->cells[i].packed_traffic = NULL;
    for (size_t i = 0; i < shared->count; i++) {
        ss_packed_traffic_unmap(shared->items[i]);
        free(shared->items[i]);
    }
    free(shared->items);
    *shared = (struct ss_shared_traffic){NULL, 0};
}
