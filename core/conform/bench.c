/*
 * conform/bench.c - a device under trial without an engine.
 */
#include "conform/bench.h"

#include <math.h>

#include "conform/foreign.h"

#define SHAPES 4000
#define FOREIGN_SHAPES 800 /* of each model that was not asked for */

int
ss_bench_begin(struct ss_trial *trial, struct ss_bench *bench, struct servsim_error *err)
{
    struct ss_toy toy;
    struct servsim_error why = {.size = sizeof why};
    *bench = (struct ss_bench){.ops = trial->plugin.descriptor->ops, .random = {2026}};
    ss_toy_init(&toy);
    toy.cell.model = trial->model;
    ss_operators_context(&toy.cell, &bench->context);
    if (ss_trial_create(trial, &trial->use, &bench->self, &why) < 0)
        return servsim_fail(err, EPROTO, "create() fails: %.900s", why.text);
    return 0;
}

int
ss_bench_begin_foreign(struct ss_trial *trial, struct ss_bench *bench, size_t foreign, struct servsim_error *err)
{
    struct ss_model asked = trial->model;
    struct servsim_error why = {.size = sizeof why};
    ss_foreign_make(&trial->model, foreign);
    int rc = ss_bench_begin(trial, bench, &why);
    trial->model = asked;
    bench->foreign = ss_foreign_name(foreign);
    return rc == 0 ? 0 : ss_not_tried(err, "%.900s", why.text);
}

int
ss_bench_over_models(struct ss_trial *trial, ss_bench_law law, struct servsim_error *err)
{
    struct ss_bench bench;
    int rc = ss_bench_begin(trial, &bench, err);
    if (rc != 0)
        return rc;
    for (int i = 0; i < SHAPES && rc == 0; i++)
        rc = law(&bench, err);
    trial->plugin.descriptor->destroy(bench.self);
    for (size_t m = 0; m < SS_FOREIGN_COUNT && rc == 0; m++) {
        struct servsim_error why = {.size = sizeof why};
        if (ss_bench_begin_foreign(trial, &bench, m, &why) != 0)
            continue;
        for (int i = 0; i < FOREIGN_SHAPES && rc == 0 && !bench.refused; i++)
            rc = law(&bench, &why);
        trial->plugin.descriptor->destroy(bench.self);
        rc = bench.refused ? 0 : rc;
        if (rc != 0)
            rc = servsim_fail(err, EPROTO, "%s: %.950s", bench.foreign, why.text);
    }
    return rc;
}

uint64_t
ss_bench_size(struct ss_bench *bench, unsigned bits)
{
    unsigned shift = (unsigned)(servsim_random_u64(&bench->random) % (bits + 1));
    uint64_t top = UINT64_C(1) << shift;
    return top + servsim_random_u64(&bench->random) % top;
}

int
ss_bench_priced(struct ss_bench *bench, int32_t rc, int64_t ps, const char *what, struct servsim_error *err)
{
    if (rc < 0) {
        bench->refused = bench->foreign != NULL && err->text[0] != '\0';
        char said[700];
        (void)snprintf(said, sizeof said, "%.690s", err->text[0] != '\0' ? err->text : "without a text");
        return servsim_fail(err, EPROTO, "%s is refused: %s", what, said);
    }
    if (ps < 0 || ps > INT64_MAX / 16)
        return servsim_fail(err, EPROTO, "%s costs %lld ps", what, (long long)ps);
    return 0;
}

int
ss_bench_additive(int64_t once_ps, int64_t many_ps, uint32_t times, uint64_t rounded, const char *what,
                  struct servsim_error *err)
{
    double expected = (double)once_ps * times, gap = fabs((double)many_ps - expected);
    if (gap <= (double)times * (double)rounded + 1e-3 * expected)
        return 0;
    return servsim_fail(err, EPROTO, "%s %u times cost %lld ps, and once %lld ps", what, times, (long long)many_ps,
                        (long long)once_ps);
}
