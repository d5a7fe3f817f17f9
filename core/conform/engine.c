/*
 * conform/engine.c - plugins tried in small cells by the real engine, which checks every rule itself.
 */
#include <stdlib.h>

#include "conform/laws.h"

static struct ss_use *
place_of(struct ss_cell *cell, uint32_t kind)
{
    switch (kind) {
    case SERVSIM_KIND_HARDWARE:
        return &cell->hardware;
    case SERVSIM_KIND_SCHEDULER:
        return &cell->scheduler;
    case SERVSIM_KIND_WORKLOAD:
        return &cell->workload;
    case SERVSIM_KIND_PREDICTOR:
        return &cell->predictor;
    default:
        return &cell->router;
    }
}

/* The model that a device is tried with, and the window of the cell where it takes one: small cells never fill those
   that models have. */
static void
put_model(const struct ss_trial *trial, struct ss_model *model)
{
    uint32_t drawn = model->window;
    *model = trial->model;
    if (!trial->takes_windows || drawn == 0 || model->latent_rank > 0)
        return;
    for (uint32_t i = 1; i < model->layers && model->window == 0; i += 2)
        model->kinds[i] |= SS_LAYER_WINDOW;
    model->window = drawn;
}

static void
put(const struct ss_trial *trial, struct ss_toy *toy, const struct ss_use *use, size_t number)
{
    uint32_t kind = trial->plugin.descriptor->kind;
    *place_of(&toy->cell, kind) = *use;
    if (kind == SERVSIM_KIND_HARDWARE)
        put_model(trial, &toy->cell.model);
    if (kind == SERVSIM_KIND_PREDICTOR) {
        toy->cell.predictor_interval_ps = 1000000000000 / 8;
        toy->cell.history_requests = toy->traffic.requests > 20 && number % 2 == 1 ? 10 : 0;
    }
}

void
ss_scene_put(const struct ss_trial *trial, struct ss_toy *toy, size_t variant)
{
    put(trial, toy, trial->variant_count > 0 ? &trial->variants[variant % trial->variant_count] : &trial->use, variant);
}

const char *
ss_scene_draw(const struct ss_trial *trial, struct ss_toy *toy, size_t number)
{
    size_t numbers = trial->setting_count - trial->variant_count, at = number % trial->variant_count;
    if (numbers > 0 && number % 3 == 2)
        at = trial->variant_count + number / 3 % numbers;
    put(trial, toy, &trial->variants[at], number);
    return trial->settings[at];
}

int
ss_scene_run(const struct ss_toy *toy, int stepwise, struct ss_text *out, struct ss_result *result,
             struct servsim_error *err)
{
    struct ss_result *own = calloc(1, sizeof *own);
    if (own == NULL)
        return servsim_fail(err, ENOMEM, "no memory");
    int rc = ss_toy_run(toy, stepwise, own, err);
    if (rc == 0 && out != NULL)
        rc = ss_toy_text(own, &toy->cell, out, err);
    if (rc == 0 && result != NULL)
        *result = *own;
    else if (rc == 0)
        ss_result_free(own);
    free(own);
    return rc;
}

static int
equal_both_ways(const struct ss_toy *toy, uint64_t number, const char *setting, struct servsim_error *err)
{
    struct ss_text fast = {0}, stepwise = {0};
    char where[400];
    int rc = ss_scene_run(toy, 0, &fast, NULL, err);
    if (rc == 0)
        rc = ss_scene_run(toy, 1, &stepwise, NULL, err);
    if (rc == 0 && strcmp(fast.data, stepwise.data) != 0) {
        ss_trial_difference(fast.data, stepwise.data, where, sizeof where);
        rc = servsim_fail(err, EPROTO, "random cell %llu%s%s: fast-forward and single steps part at %s",
                          (unsigned long long)number, setting[0] != '\0' ? " with " : "", setting, where);
    }
    ss_text_free(&fast);
    ss_text_free(&stepwise);
    return rc;
}

int
ss_scenes_equal(struct ss_trial *trial, uint64_t cells, struct servsim_error *err)
{
    int rc = 0;
    ss_trial_add_variants(trial);
    for (uint64_t seed = 1; seed <= cells && rc == 0; seed++) {
        struct ss_toy toy;
        ss_toy_init(&toy);
        ss_toy_randomise(&toy, seed);
        const char *setting = ss_scene_draw(trial, &toy, seed);
        rc = equal_both_ways(&toy, seed, setting, err);
    }
    return rc;
}
