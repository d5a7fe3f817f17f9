/*
 * conform/router.c - the laws of routers, tried on clusters of one to a thousand replicas.
 */
#include <stdlib.h>

#include "conform/laws.h"

#define RANDOM_CELLS 80

static void
set_cluster(const struct ss_trial *trial, struct ss_toy *toy, uint32_t replicas, size_t variant)
{
    ss_toy_init(toy);
    toy->cell.replicas = toy->cell.gpus = replicas;
    toy->traffic.requests = 200 + 2 * replicas;
    toy->traffic.gap_s = 0.005 / replicas;
    toy->traffic.burst = 3;
    toy->traffic.callers = 1;
    toy->cell.kv_blocks = 60;
    ss_scene_put(trial, toy, variant);
}

#define MOST_DYING 64

/* All replicas with an odd number die at once and come back; later all but the last. At times of the traffic. */
static void
let_die(struct ss_toy *toy, struct ss_scheduled_failure *schedule)
{
    ss_time span = (ss_time)((double)toy->traffic.requests * toy->traffic.gap_s * 1e12);
    size_t count = 0;
    for (uint32_t i = 0; i < toy->cell.replicas; i++) {
        if (i % 2 == 1)
            schedule[count++] = (struct ss_scheduled_failure){i, span / 4, span / 4};
        if (i + 1 < toy->cell.replicas)
            schedule[count++] = (struct ss_scheduled_failure){i, span * 3 / 4, span / 8};
    }
    toy->cell.failures =
        (struct ss_failures){.present = 1, .retries = 1000, .schedule = schedule, .schedule_count = count};
}

/* Runs clusters of these sizes, in every variant; where `schedule` is given, some of their replicas die. */
static int
run_sizes(struct ss_trial *trial, const uint32_t *sizes, size_t count, struct ss_scheduled_failure *schedule,
          struct servsim_error *err)
{
    ss_trial_add_variants(trial);
    for (size_t i = 0; i < count; i++) {
        for (size_t variant = 0; variant < trial->variant_count; variant++) {
            struct ss_toy toy;
            struct servsim_error why = {.size = sizeof why};
            set_cluster(trial, &toy, sizes[i], variant);
            if (schedule != NULL)
                let_die(&toy, schedule);
            if (ss_scene_run(&toy, 0, NULL, NULL, &why) != 0)
                return servsim_fail(err, EPROTO, "with %u replicas%s: %.800s", sizes[i],
                                    schedule != NULL ? ", some of which die" : "", why.text);
        }
    }
    return 0;
}

/* The engine refuses a replica that is not there. */
static int
range(struct ss_trial *trial, struct servsim_error *err)
{
    static const uint32_t sizes[] = {1, 2, 3, 7, 64, 1000};
    return run_sizes(trial, sizes, sizeof sizes / sizeof sizes[0], NULL, err);
}

/* The engine refuses a replica that is down, where the router was told; it passes requests on where it cannot be. */
static int
avoids_the_dead(struct ss_trial *trial, struct servsim_error *err)
{
    static const uint32_t sizes[] = {2, 3, 7, MOST_DYING};
    struct ss_scheduled_failure schedule[2 * MOST_DYING];
    return run_sizes(trial, sizes, sizeof sizes / sizeof sizes[0], schedule, err);
}

static int
fast_forward(struct ss_trial *trial, struct servsim_error *err)
{
    return ss_scenes_equal(trial, RANDOM_CELLS, err);
}

static int
transcript(struct ss_trial *trial, struct ss_text *out, struct servsim_error *err)
{
    static const uint32_t sizes[] = {1, 4, 13};
    int rc = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0] && rc == 0; i++) {
        struct ss_toy toy;
        set_cluster(trial, &toy, sizes[i], 0);
        toy.traffic.midway = trial->midway;
        toy.traffic.midway_at = 80;
        toy.traffic.ctx = trial->midway_ctx;
        rc = ss_scene_run(&toy, 0, out, NULL, err);
    }
    return rc;
}

static const struct ss_law laws[] = {
    {"routes to replicas that are there", range},
    {"avoids replicas that it was told are down", avoids_the_dead},
    {"fast-forward equals single steps", fast_forward},
};

const struct ss_kind_laws ss_router_laws = {SERVSIM_KIND_ROUTER, laws, sizeof laws / sizeof laws[0], transcript};
