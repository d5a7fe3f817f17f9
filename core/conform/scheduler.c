/*
 * conform/scheduler.c - the laws of schedulers, tried in small cells by the engine itself, which recounts blocks,
 * budgets and requests at every event.
 */
#include <stdlib.h>

#include "conform/laws.h"
#include "conform/wrap.h"

#define RANDOM_CELLS 120

/* The engine's own words where a scheduler has stopped serving. */
static int
says_forever(const struct servsim_error *err)
{
    return strstr(err->text, "waiting for ever") != NULL;
}

/* ---- hostile but legal cells ---- */

static void
one_token_prompts(struct ss_toy *toy)
{
    toy->traffic.prompt_max = 1;
    toy->traffic.burst = 40;
}

static void
one_token_outputs(struct ss_toy *toy)
{
    toy->traffic.output_max = 1;
    toy->traffic.burst = 40;
}

static void
longest_prompts(struct ss_toy *toy)
{
    toy->cell.max_model_len = 1000;
    toy->traffic.prompt_min = toy->traffic.prompt_max = 999;
    toy->traffic.output_max = 1;
    toy->traffic.requests = 20;
}

static void
whole_cache(struct ss_toy *toy)
{
    toy->cell.kv_blocks = 10; /* 160 tokens; the last one of an output is never cached */
    toy->traffic.prompt_min = toy->traffic.prompt_max = 100;
    toy->traffic.output_min = toy->traffic.output_max = 61;
    toy->traffic.requests = 20;
}

static void
one_block_too_many(struct ss_toy *toy)
{
    toy->cell.kv_blocks = 11; /* two prompts of 80 tokens fill 10; the eleventh is for either, not for both */
    toy->traffic.prompt_min = toy->traffic.prompt_max = 80;
    toy->traffic.output_min = toy->traffic.output_max = 33;
    toy->traffic.burst = 2;
}

static void
one_at_a_time(struct ss_toy *toy)
{
    toy->cell.max_num_seqs = 1;
}

static void
one_token_a_step(struct ss_toy *toy)
{
    toy->cell.max_num_seqs = toy->cell.max_num_batched_tokens = 1;
    toy->traffic.prompt_max = 20;
    toy->traffic.requests = 30;
}

static void
blocks_of_one(struct ss_toy *toy)
{
    toy->cell.block_size = 1;
    toy->cell.kv_blocks = 400;
}

static void
all_at_once(struct ss_toy *toy)
{
    toy->traffic.burst = 1000000;
}

static void
at_step_ends(struct ss_toy *toy)
{
    toy->device = (struct ss_toy_device){.step_ps = SS_PS_PER_MS, .constant = 1};
    toy->traffic.tick_ps = SS_PS_PER_MS;
    toy->traffic.gap_s = 0.002;
}

static void
crowds(struct ss_toy *toy)
{
    toy->traffic.burst = 50;
    toy->traffic.requests = 400;
    toy->cell.kv_blocks = 60;
}

static void
far_apart(struct ss_toy *toy)
{
    toy->traffic.gap_s = 10000;
    toy->traffic.requests = 30;
}

static const struct ss_scene hostile[] = {
    {"prompts of one token", one_token_prompts},
    {"outputs of one token", one_token_outputs},
    {"prompts as long as the model", longest_prompts},
    {"requests that fill the KV cache alone", whole_cache},
    {"one KV block short for two", one_block_too_many},
    {"max_num_seqs 1", one_at_a_time},
    {"one token a step", one_token_a_step},
    {"KV blocks of one token", blocks_of_one},
    {"all requests at once", all_at_once},
    {"arrivals at the ends of steps", at_step_ends},
    {"bursts without memory", crowds},
    {"hours between requests", far_apart},
};

#define HOSTILE_COUNT (sizeof hostile / sizeof hostile[0])

/* Cells are numbered: the hostile ones first, then the random ones. */
static void
set_cell(const struct ss_trial *trial, struct ss_toy *toy, size_t number, size_t variant, char *name, size_t size)
{
    const char *setting;
    ss_toy_init(toy);
    if (number < HOSTILE_COUNT) {
        toy->traffic.callers = 1;
        hostile[number].set(toy);
        (void)snprintf(name, size, "%s", hostile[number].name);
        ss_scene_put(trial, toy, variant);
        setting = trial->settings[variant];
    } else {
        ss_toy_randomise(toy, number - HOSTILE_COUNT + 1);
        setting = ss_scene_draw(trial, toy, number);
        (void)snprintf(name, size, "random cell %zu", number - HOSTILE_COUNT + 1);
    }
    size_t length = strlen(name);
    if (setting[0] != '\0')
        (void)snprintf(name + length, size - length, " with %s", setting);
}

/* 0, what is broken, or SS_NOT_TRIED where something else was in the way, which another law finds; err says what. */
typedef int (*cell_law)(struct ss_toy *toy, struct servsim_error *err);

/* Every hostile cell in every variant, and the random ones, which have their shares of them. A law that some cell could
   not be asked for is left out, unless another cell breaks it. */
static int
over_cells(struct ss_trial *trial, cell_law law, struct servsim_error *err)
{
    char name[192];
    int left_out = 0;
    ss_trial_add_variants(trial);
    for (size_t number = 0; number < HOSTILE_COUNT + RANDOM_CELLS; number++) {
        size_t rounds = number < HOSTILE_COUNT ? trial->variant_count : 1;
        for (size_t i = 0; i < rounds; i++) {
            struct servsim_error why = {.size = sizeof why};
            struct ss_toy toy;
            set_cell(trial, &toy, number, i, name, sizeof name);
            int rc = law(&toy, &why);
            if (rc < 0)
                return servsim_fail(err, EPROTO, "%s: %.800s", name, why.text);
            if (rc == SS_NOT_TRIED && !left_out)
                left_out = ss_not_tried(err, "something else is in its way: %s: %.700s", name, why.text);
        }
    }
    return left_out;
}

/* ---- rules ---- */

static int
breaks_no_rule(struct ss_toy *toy, struct servsim_error *err)
{
    int rc = ss_scene_run(toy, 0, NULL, NULL, err);
    return rc != 0 && says_forever(err) ? 0 : rc;
}

static int
rules(struct ss_trial *trial, struct servsim_error *err)
{
    return over_cells(trial, breaks_no_rule, err);
}

/* ---- everybody is served ---- */

static int
serves_all(struct ss_toy *toy, struct servsim_error *err)
{
    struct ss_result *result = calloc(1, sizeof *result);
    size_t turned_away = 0;
    toy->cell.stop_after = SS_NEVER;
    int rc = result != NULL ? ss_scene_run(toy, 0, NULL, result, err) : servsim_fail(err, ENOMEM, "no memory");
    if (rc != 0) {
        free(result);
        return says_forever(err) ? rc : SS_NOT_TRIED;
    }
    for (size_t i = 0; i < result->records.count; i++)
        turned_away += result->records.items[i].status == SS_STATUS_REJECTED &&
                       result->records.items[i].replica != UINT32_MAX &&
                       result->records.items[i].prompt_tokens <= toy->cell.max_num_batched_tokens;
    if (turned_away > 0)
        rc = servsim_fail(err, EPROTO, "it rejects %zu requests of %zu that fit into a step, a model and a cache",
                          turned_away, result->records.count);
    ss_result_free(result);
    free(result);
    return rc;
}

static int
serves_everybody(struct ss_trial *trial, struct servsim_error *err)
{
    return over_cells(trial, serves_all, err);
}

/* ---- fast-forward ---- */

static int
texts_of(const struct ss_toy *toy, const struct ss_use *use, int stepwise, struct ss_text *out,
         struct servsim_error *err)
{
    struct ss_toy other = *toy;
    other.cell.scheduler = *use;
    return ss_scene_run(&other, stepwise, out, NULL, err);
}

/* Which of its promises, once taken back, makes the difference go away? */
static const char *
blame(const struct ss_toy *toy, const char *stepwise)
{
    static const struct {
        uint32_t how;
        const char *what;
    } promises[] = {
        {SS_WRAP_ASK_AGAIN, "it answers DECISION_HOLDS to an arrival that changes its decision"},
        {SS_WRAP_SINGLE_ADVANCE, "advance(k) is not the same as k calls of advance(1)"},
        {SS_WRAP_ONE_STEP, "horizon_steps promises more steps than it would decide the same for, or until_s lies too "
                           "late, or advance() does not do what plan() does"},
    };
    struct servsim_error err = {.size = sizeof err};
    for (size_t i = 0; i < sizeof promises / sizeof promises[0]; i++) {
        struct ss_wrap wrap;
        struct ss_use use;
        struct ss_text text = {0};
        ss_wrap_scheduler(&wrap, &toy->cell.scheduler, promises[i].how, &use);
        int same = texts_of(toy, &use, 0, &text, &err) == 0 && strcmp(text.data, stepwise) == 0;
        ss_text_free(&text);
        if (same)
            return promises[i].what;
    }
    return "no single promise of it explains that";
}

static int
fast_equals_stepwise(struct ss_toy *toy, struct servsim_error *err)
{
    struct ss_text fast = {0}, stepwise = {0};
    struct servsim_error fast_err = {.size = sizeof fast_err}, stepwise_err = fast_err;
    char where[400];
    int rc_fast = ss_scene_run(toy, 0, &fast, NULL, &fast_err), rc = 0;
    int rc_stepwise = ss_scene_run(toy, 1, &stepwise, NULL, &stepwise_err);
    if (rc_fast != 0 && rc_stepwise != 0) {
        rc = ss_not_tried(err, "%s", fast_err.text);
    } else if (rc_fast != 0 || rc_stepwise != 0) {
        rc = servsim_fail(
            err, EPROTO, "%s it works, and %s it does not: %.700s", rc_fast != 0 ? "step by step" : "with fast-forward",
            rc_fast != 0 ? "with fast-forward" : "step by step", rc_fast != 0 ? fast_err.text : stepwise_err.text);
    } else if (strcmp(fast.data, stepwise.data) != 0) {
        ss_trial_difference(fast.data, stepwise.data, where, sizeof where);
        rc = servsim_fail(err, EPROTO, "%s; the results (fast-forward / single steps) part at %s",
                          blame(toy, stepwise.data), where);
    }
    ss_text_free(&fast);
    ss_text_free(&stepwise);
    return rc;
}

static int
fast_forward(struct ss_trial *trial, struct servsim_error *err)
{
    return over_cells(trial, fast_equals_stepwise, err);
}

/* ---- starvation ---- */

/*
 * A flood of equal requests, half as many again as can be served, for an hour; early in it one comes that is different.
 * Who is kept waiting until the flood is over would be kept waiting by any flood.
 */
#define FLOOD_SECONDS 3600
#define FLOOD_REQUESTS 2400
#define VICTIM 40

struct flood {
    const char *victim;
    struct servsim_arrival of_flood, of_victim; /* without times */
};

static int
flood_row(const struct ss_toy_traffic *traffic, uint64_t index, struct servsim_arrival *out)
{
    const struct flood *flood = traffic->ctx;
    const struct servsim_arrival *like = index == VICTIM ? &flood->of_victim : &flood->of_flood;
    if (index >= FLOOD_REQUESTS)
        return 0;
    out->arrival_s = (int64_t)(index * FLOOD_SECONDS / FLOOD_REQUESTS);
    out->prompt_tokens = like->prompt_tokens;
    out->output_tokens = like->output_tokens;
    out->client = like->client == 0 ? index % 3 + 1 : like->client;
    out->priority = like->priority;
    out->session = like->session;
    if (like->deadline_s != SERVSIM_NEVER) {
        out->deadline_s = out->arrival_s + like->deadline_s;
        out->deadline_ps = 0;
    }
    return 1;
}

#define SHORT .prompt_tokens = 8, .output_tokens = 8
#define PLAIN SHORT, .deadline_s = 5

static const struct flood floods[] = {
    {"one that is like the rest", {PLAIN}, {PLAIN}},
    {"one with a long prompt", {PLAIN}, {.prompt_tokens = 400, .output_tokens = 8, .deadline_s = 5}},
    {"one with a long output", {PLAIN}, {.prompt_tokens = 8, .output_tokens = 300, .deadline_s = 5}},
    {"a short one", {.prompt_tokens = 40, .output_tokens = 16, .deadline_s = 5}, {SHORT, .deadline_s = 5}},
    {"one of a client of its own", {PLAIN}, {PLAIN, .client = 9}},
    {"one of low priority", {PLAIN}, {PLAIN, .priority = 9}},
    {"one without a deadline", {PLAIN}, {SHORT, .deadline_s = SERVSIM_NEVER}},
};

static void
set_flood(struct ss_toy *toy, const struct flood *flood)
{
    ss_toy_init(toy);
    toy->cell.max_num_seqs = 4;
    toy->cell.max_num_batched_tokens = 64;
    toy->device = (struct ss_toy_device){.step_ps = SS_PS_PER_S, .constant = 1};
    toy->traffic = (struct ss_toy_traffic){.row = flood_row, .ctx = (void *)(uintptr_t)flood};
}

static int
survives(const struct ss_trial *trial, const struct flood *flood, struct servsim_error *err)
{
    struct ss_toy toy;
    struct ss_result *result = calloc(1, sizeof *result);
    set_flood(&toy, flood);
    ss_scene_put(trial, &toy, 0);
    int rc = result != NULL ? ss_scene_run(&toy, 0, NULL, result, err) : servsim_fail(err, ENOMEM, "no memory");
    if (rc != 0) {
        free(result);
        return rc;
    }
    const struct ss_record *record = &result->records.items[VICTIM];
    double came_s = (double)record->arrival / 1e12, gone_s = came_s + (double)record->latency_ps / 1e12;
    int turned_away = record->status == SS_STATUS_REJECTED; /* it may be longer than a step, and not to be split */
    if (!turned_away && (record->status != SS_STATUS_FINISHED || gone_s > 0.9 * FLOOD_SECONDS))
        rc = servsim_fail(err, EPROTO,
                          "among a flood of others, %s waits until the flood ends (%.0f s of %d); age requests, or "
                          "declare SERVSIM_SCHEDULER_MAY_STARVE",
                          flood->victim, gone_s - came_s, FLOOD_SECONDS);
    ss_result_free(result);
    free(result);
    return rc;
}

static int
starvation(struct ss_trial *trial, struct servsim_error *err)
{
    const struct servsim_scheduler_ops *ops = trial->plugin.descriptor->ops;
    int rc = 0;
    if ((ops->flags & SERVSIM_SCHEDULER_MAY_STARVE) != 0)
        return ss_not_tried(err, "it declares that it may let requests starve");
    for (size_t i = 0; i < sizeof floods / sizeof floods[0] && rc == 0; i++)
        rc = survives(trial, &floods[i], err);
    return rc;
}

/* ---- a transcript ---- */

static int
transcript(struct ss_trial *trial, struct ss_text *out, struct servsim_error *err)
{
    static const uint64_t seeds[] = {7, 21, 33, 48};
    int rc = 0;
    for (size_t i = 0; i < sizeof seeds / sizeof seeds[0] && rc == 0; i++) {
        struct ss_toy toy;
        ss_toy_init(&toy);
        ss_toy_randomise(&toy, seeds[i]);
        toy.traffic.requests = 60;
        toy.traffic.callers = 1;
        toy.traffic.midway = trial->midway;
        toy.traffic.midway_at = 25;
        toy.traffic.ctx = trial->midway_ctx;
        ss_scene_put(trial, &toy, 0);
        rc = ss_scene_run(&toy, 0, out, NULL, err);
    }
    return rc;
}

static const struct ss_law laws[] = {
    {"keeps the rules", rules},
    {"serves everybody", serves_everybody},
    {"fast-forward equals single steps", fast_forward},
    {"nobody starves", starvation},
};

const struct ss_kind_laws ss_scheduler_laws = {SERVSIM_KIND_SCHEDULER, laws, sizeof laws / sizeof laws[0], transcript};
