/*
 * engine/group.c - when ranks step, and for how long their answer holds.
 */
#include "engine/group.h"

#include <errno.h>
#include <stdlib.h>

#include "engine/cluster.h"

SS_INLINED struct ss_lane *
lane_of(const struct ss_replica *rank, struct ss_form form, const struct ss_run *run)
{
    return form.stages == 1 ? rank->lanes : &rank->lanes[run->slot];
}

int
ss_group_init(struct ss_group *group, struct ss_cluster *cluster, uint32_t index, struct ss_replica *ranks,
              uint32_t rank_count)
{
    uint32_t stages = cluster->cell->pp;
    int short_of_memory = 0;
    *group = (struct ss_group){.index = index,
                               .heap_position = SS_HEAP_ABSENT,
                               .cluster = cluster,
                               .ranks = ranks,
                               .rank_count = rank_count,
                               .stages = stages,
                               .is_one = ss_form_is_one((struct ss_form){rank_count, stages})};
    group->runs = calloc(stages, sizeof *group->runs);
    group->stage_free = calloc(stages, sizeof *group->stage_free);
    for (uint32_t i = 0; group->runs != NULL && i < stages; i++) {
        group->runs[i].slot = i;
        group->runs[i].work = calloc(stages, sizeof *group->runs[i].work);
        group->runs[i].begins = calloc(stages, sizeof *group->runs[i].begins);
        short_of_memory |= group->runs[i].work == NULL || group->runs[i].begins == NULL;
    }
    for (uint32_t i = 0; i < rank_count; i++)
        ranks[i].group = group;
    return group->runs != NULL && group->stage_free != NULL && !short_of_memory ? 0 : -ENOMEM;
}

void
ss_group_free(struct ss_group *group)
{
    for (uint32_t i = 0; group->runs != NULL && i < group->stages; i++) {
        free(group->runs[i].work);
        free(group->runs[i].begins);
    }
    free(group->runs);
    free(group->stage_free);
}

static struct ss_run *
oldest_run(const struct ss_group *group)
{
    return &group->runs[group->oldest];
}

uint64_t
ss_group_steps_ended(const struct ss_group *group, ss_time now)
{
    return ss_group_runs(group) ? ss_run_steps_ended(oldest_run(group), now) : 0;
}

uint64_t
ss_group_next_end(const struct ss_group *group)
{
    const struct ss_run *run = oldest_run(group);
    if (!ss_group_runs(group))
        return group->steps;
    return group->steps + ss_line_steps_reaching(&run->line, run->steps, group->cluster->now - run->start);
}

int
ss_group_end_by(struct ss_group *group, uint64_t steps)
{
    struct ss_run *run = oldest_run(group);
    if (group->steps + run->steps <= steps)
        return 0;
    run->steps = steps - group->steps;
    return ss_cluster_schedule(group->cluster, group);
}

int
ss_group_ask_again(struct ss_group *group)
{
    if (ss_group_runs(group))
        return ss_group_end_by(group, ss_group_next_end(group));
    ss_cluster_due(group->cluster, group);
    return 0;
}

/* ---- prices ---- */

/* Raises the line to the other where that is higher, for as long as one of the two is the higher one. */
static void
raise_line(struct servsim_line *line, const struct servsim_line *other)
{
    uint64_t steps = ss_least(line->steps, other->steps);
    int higher =
        other->base_ps > line->base_ps || (other->base_ps == line->base_ps && other->slope_ps > line->slope_ps);
    struct servsim_line upper = higher ? *other : *line, lower = higher ? *line : *other;
    if (lower.slope_ps > upper.slope_ps)
        steps = ss_least(steps, (uint64_t)((upper.base_ps - lower.base_ps) / (lower.slope_ps - upper.slope_ps)) + 1);
    *line = (struct servsim_line){upper.base_ps, upper.slope_ps, steps};
}

/* Requests that are done and held are computed like those that decode. */
static struct ss_step_shape
with_held(const struct ss_replica *rank)
{
    struct ss_step_shape shape = rank->plan->shape;
    shape.tokens += shape.decode_count > 0 ? rank->held : 0;
    shape.sampled_rows += shape.decode_count > 0 ? rank->held : 0;
    return shape;
}

/* Ranks that step together are padded to the one with most tokens where that one runs in a CUDA graph, as vLLM does,
   those without work, too; else each computes what it has, or one row. Experts see all that this makes. */
static void
pad(const struct ss_group *group, struct ss_step_shape *shape)
{
    uint32_t most = 0, all = 0;
    if (group->rank_count == 1)
        return;
    for (uint32_t i = 0; i < group->rank_count; i++) {
        uint32_t tokens = with_held(&group->ranks[i]).tokens;
        most = tokens > most ? tokens : most;
        all += tokens > 0 ? tokens : 1;
    }
    int in_graph = most <= ss_cost_graph_rows(group->cluster->cost);
    shape->padded_tokens = in_graph ? most : 0;
    shape->gathered_tokens = most * group->rank_count;
    shape->expert_tokens = in_graph ? shape->gathered_tokens : all;
}

static int64_t
times(int64_t ps, uint64_t millionths)
{
    return (int64_t)(((ss_wide)ps * (ss_wide)millionths + 500000) / 1000000);
}

/*
 * A straggler's kernels take longer; what the engine does beside them does not. The line must stay one however it is
 * split, so what is rounded is its slope and its height above a fixed point: where all decodes would have no context.
 * Their mean context, in whole tokens, grows by one a step, as the line does. The last step of a line may as well be
 * the first of another one with another slope, and be rounded as that one is: it is left to it.
 */
static void
slow_down(const struct ss_replica *rank, const struct ss_step_shape *shape, struct ss_step_price *price)
{
    uint64_t factor = rank->slowdown_millionths;
    struct servsim_line *line = &price->line;
    ss_wide mean = shape->decode_count > 0 ? (ss_wide)(shape->decode_context_sum / shape->decode_count) : 0;
    ss_wide slope_ps = times(line->slope_ps, factor);
    ss_wide bottom_ps = line->base_ps - price->overhead_ps - mean * line->slope_ps;
    line->base_ps = (int64_t)(price->overhead_ps + times((int64_t)bottom_ps, factor) + mean * slope_ps);
    line->slope_ps = (int64_t)slope_ps;
    line->steps -= line->steps > 1;
    price->dense_ps = times(price->dense_ps, factor);
    price->communication_ps = times(price->communication_ps, factor);
}

static inline int
price_stage(const struct ss_replica *rank, uint32_t stage, const struct ss_step_shape *shape,
            struct ss_step_price *price, struct servsim_error *err)
{
    int rc = ss_cost_price_stage(rank->cluster->cost, stage, shape, price, err);
    if (rc == 0 && rank->slowdown_millionths > 0)
        slow_down(rank, shape, price);
    return rc;
}

/* What the run takes of each stage: as long as the rank that has most to do there. A rank without work goes along. */
static int
price_rank(const struct ss_group *group, struct ss_run *run, const struct ss_replica *rank, struct servsim_error *err)
{
    struct ss_step_shape shape = with_held(rank);
    struct ss_lane *lane = ss_lane_of(rank, run);
    pad(group, &shape);
    struct ss_step_price one, *price = &lane->price;
    for (uint32_t s = 0; s < group->stages; s++, price = &one) {
        int rc = price_stage(rank, s, &shape, price, err);
        if (rc != 0)
            return rc;
        raise_line(&run->work[s], &price->line);
        if (s > 0)
            ss_step_price_add(&lane->price, price);
    }
    return 0;
}

/* One rank in one stage: the run takes what its step takes. */
SS_INLINED int
price_alone(const struct ss_group *group, struct ss_run *run, struct servsim_error *err)
{
    struct ss_replica *rank = group->ranks;
    struct ss_step_shape changed;
    const struct ss_step_shape *shape = &rank->plan->shape;
    struct ss_step_price *price = &rank->lanes->price;
    if (rank->held > 0) {
        changed = with_held(rank);
        shape = &changed;
    }
    int rc = price_stage(rank, 0, shape, price, err);
    run->line = price->line;
    if (price->line.slope_ps < 0) { /* never below nothing */
        run->line = (struct servsim_line){0, 0, UINT64_MAX};
        raise_line(&run->line, &price->line);
    }
    run->swap_ps = 0;
    if (rank->swap_blocks > 0) {
        run->swap_ps = ss_cost_swap_ps(group->cluster->cost, rank->swap_blocks);
        run->line.base_ps += run->swap_ps;
        rank->swap_blocks = 0;
    }
    return rc;
}

static int
price_together(struct ss_group *group, struct ss_run *run, struct servsim_error *err)
{
    int rc = 0;
    uint64_t swap_blocks = 0;
    for (uint32_t s = 0; s < group->stages; s++)
        run->work[s] = (struct servsim_line){0, 0, UINT64_MAX};
    for (uint32_t i = 0; i < group->rank_count && rc == 0; i++) {
        struct ss_replica *rank = &group->ranks[i];
        if (rank->plan->shape.tokens > 0)
            rc = price_rank(group, run, rank, err);
        swap_blocks = swap_blocks > rank->swap_blocks ? swap_blocks : rank->swap_blocks;
        rank->swap_blocks = 0;
    }
    run->swap_ps = ss_cost_swap_ps(group->cluster->cost, swap_blocks);
    run->work[0].base_ps += run->swap_ps;
    return rc;
}

/* ---- planning ---- */

/* Its way through the stages: when each begins, and when the last is done. */
static void
place(struct ss_group *group, struct ss_run *run)
{
    ss_time time = group->cluster->now;
    int64_t slope_ps = 0;
    uint64_t steps = UINT64_MAX;
    for (uint32_t s = 0; s < group->stages; s++) {
        run->begins[s] = time > group->stage_free[s] ? time : group->stage_free[s];
        time = group->stage_free[s] = run->begins[s] + run->work[s].base_ps;
        slope_ps += run->work[s].slope_ps;
        steps = ss_least(steps, run->work[s].steps);
    }
    run->line = (struct servsim_line){(int64_t)(time - run->start), slope_ps, steps};
}

/* Nobody waits, and no rank has anything to give to another run: this one goes on alone. */
SS_INLINED int
is_alone(const struct ss_group *group, struct ss_form form)
{
    if (form.stages == 1)
        return 1;
    for (uint32_t i = 0; i < form.ranks; i++)
        if (!ss_replica_has_nothing(&group->ranks[i]))
            return 0;
    return group->in_flight == 1 && group->cluster->options->timeline_limit == 0;
}

/* For how many steps nothing changes, arrivals aside. */
SS_INLINED uint64_t
certain_steps(const struct ss_group *group, struct ss_form form, const struct ss_run *run)
{
    if (group->cluster->options->stepwise || run->swap_ps > 0 || group->ranks->plan->shape.wakes ||
        !is_alone(group, form))
        return 1;
    uint64_t steps = ss_least(run->line.steps, INT64_MAX);
    for (uint32_t i = 0; i < form.ranks && steps > 1; i++) {
        const struct ss_replica *rank = &group->ranks[i];
        if (rank->inbox.count > 0)
            steps = ss_least(steps, ss_inbox_steps(rank));
        if (rank->came_by >= group->steps)
            steps = ss_least(steps, rank->came_by + 1 - group->steps);
        steps = ss_replica_certain_steps(rank, lane_of(rank, form, run), &run->line, steps);
    }
    return steps;
}

/* With several stages, those who decode in it leave the others, until it is over. */
SS_INLINED void
take_batch(struct ss_replica *rank, struct ss_form form, struct ss_lane *lane)
{
    struct ss_batch *empty = lane->batch;
    if (form.stages > 1) {
        lane->batch = rank->batch;
        rank->batch = empty;
    }
    lane->batch->lane = lane;
}

/* The step that the rank has composed is under way. */
SS_INLINED void
launch(struct ss_replica *rank, struct ss_form form, struct ss_lane *lane)
{
    struct ss_plan *plan = &lane->plan;
    for (uint32_t i = 0; i < plan->chunk_count; i++) {
        struct ss_place *place = plan->chunks[i].request->place;
        place->computed += place->chunk;
        place->flying += place->chunk;
        place->chunk = 0;
    }
    if (plan->decode)
        take_batch(rank, form, lane);
}

SS_INLINED int
start_run(struct ss_group *group, struct ss_form form, struct ss_run *run, struct servsim_error *err)
{
    group->awake = 1;
    int rc = ss_form_is_one(form) ? price_alone(group, run, err) : price_together(group, run, err);
    if (rc != 0)
        return rc;
    run->start = group->cluster->now;
    if (form.stages > 1)
        place(group, run);
    else if (form.ranks > 1) /* the stage is free: the run before is over */
        run->line = run->work[0];
    group->in_flight++;
    for (uint32_t i = 0; i < form.ranks; i++) {
        struct ss_replica *rank = &group->ranks[i];
        launch(rank, form, lane_of(rank, form, run));
        if (form.stages > 1)
            rank->kv_since = run->start;
    }
    run->steps = certain_steps(group, form, run);
    if (group->in_flight == 1 && ss_cluster_schedule(group->cluster, group) != 0)
        return servsim_fail(err, ENOMEM, "no memory for the event heap");
    return 0;
}

/* Asks all ranks for a step. `all` of those held back are announced, or those whose time has come. */
SS_INLINED int
compose(struct ss_group *group, struct ss_form form, const struct ss_run *run, int all, uint64_t *tokens,
        struct servsim_error *err)
{
    int rc = 0;
    *tokens = 0;
    for (uint32_t i = 0; i < form.ranks && rc == 0; i++) {
        struct ss_replica *rank = &group->ranks[i];
        rc = rank->inbox.count > 0 ? ss_inbox_deliver(rank, all, err) : 0;
        if (rc == 0)
            rc = ss_replica_compose(rank, lane_of(rank, form, run), err);
        *tokens += rank->plan->shape.tokens;
    }
    return rc;
}

/* Somebody may be given a step who was not, since the step was composed ahead of his arrival or of a seat's end. */
SS_INLINED int
holds_back(const struct ss_group *group, struct ss_form form)
{
    for (uint32_t i = 0; i < form.ranks; i++)
        if (group->ranks[i].inbox.count > 0 || group->ranks[i].plan->freed)
            return 1;
    return 0;
}

/* One more step by all ranks; 1 when it has something in it, and runs. */
SS_INLINED int
plan_one(struct ss_group *group, struct ss_form form, struct servsim_error *err)
{
    uint32_t index = form.stages == 1 ? 0 : (group->oldest + group->in_flight) % form.stages;
    struct ss_run *run = &group->runs[index];
    uint64_t tokens = 0;
    int rc = 0, all = 0;
    do /* with nothing else to do there is no step ahead: all that are held back may come */
        rc = compose(group, form, run, all, &tokens, err);
    while (rc == 0 && tokens == 0 && !all++ && holds_back(group, form));
    if (rc == 0 && tokens > 0)
        rc = start_run(group, form, run, err);
    return rc != 0 ? rc : tokens > 0;
}

/* Nobody is there who could be given a step, or is held back from it. */
SS_INLINED int
is_idle(const struct ss_group *group, struct ss_form form)
{
    for (uint32_t i = 0; i < form.ranks; i++)
        if (group->ranks[i].inbox.count > 0 || !ss_replica_has_nothing(&group->ranks[i]))
            return 0;
    return 1;
}

static inline void
report(const struct ss_group *group)
{
    const struct ss_cluster *cluster = group->cluster;
    if (cluster->doors == NULL || group->down)
        return;
    uint32_t dp = cluster->cell->dp, index = group->ranks->index;
    ss_door_report(&cluster->doors[index / dp], group->ranks, index % dp, group->rank_count, cluster->now);
}

SS_INLINED int
plan(struct ss_group *group, struct ss_form form, struct servsim_error *err)
{
    int rc = !group->down && !is_idle(group, form), ahead = ss_replica_composes_ahead(group->ranks);
    group->between = 0;
    if (!ahead)
        report(group);
    while (rc > 0 && group->in_flight < form.stages)
        rc = plan_one(group, form, err);
    if (group->in_flight == 0)
        group->awake = 0;
    if (ahead) /* what is composed now was composed when the step before began */
        report(group);
    return rc < 0 ? rc : 0;
}

/* The run is over, `steps` of it, and not the oldest any more. */
SS_INLINED int
end_run(struct ss_group *group, struct ss_form form, struct ss_run *run, uint64_t steps, struct servsim_error *err)
{
    int rc = 0;
    for (uint32_t i = 0; i < form.ranks && rc == 0; i++)
        rc = ss_replica_end_run(&group->ranks[i], form, lane_of(&group->ranks[i], form, run), run, steps);
    if (rc != 0)
        return servsim_fail(err, ENOMEM, "no memory for the end of a step");
    group->cluster->result->engine_steps += steps;
    group->steps += steps;
    group->between = 1;
    group->oldest = form.stages == 1 ? 0 : (group->oldest + 1) % form.stages;
    group->in_flight--;
    if (group->in_flight > 0 && ss_cluster_schedule(group->cluster, group) != 0)
        return servsim_fail(err, ENOMEM, "no memory for the event heap");
    ss_cluster_due(group->cluster, group);
    return 0;
}

static const struct ss_form one = {1, 1};

static struct ss_form
form_of(const struct ss_group *group)
{
    return (struct ss_form){group->rank_count, group->stages};
}

static int
plan_many(struct ss_group *group, struct servsim_error *err)
{
    return plan(group, form_of(group), err);
}

int
ss_group_plan(struct ss_group *group, struct servsim_error *err)
{
    return group->is_one ? plan(group, one, err) : plan_many(group, err);
}

int
ss_group_end_run(struct ss_group *group, uint64_t steps, struct servsim_error *err)
{
    return group->is_one ? end_run(group, one, group->runs, steps, err)
                         : end_run(group, form_of(group), oldest_run(group), steps, err);
}

int
ss_group_halt(struct ss_group *group, struct servsim_error *err)
{
    uint64_t ended = ss_group_steps_ended(group, group->cluster->now);
    int rc = ended > 0 ? ss_group_end_run(group, ended, err) : 0;
    if (group->heap_position != SS_HEAP_ABSENT)
        ss_heap_remove(&group->cluster->runs, group->heap_position);
    group->oldest = group->in_flight = 0;
    group->between = group->awake = 0;
    group->down = 1;
    memset(group->stage_free, 0, group->stages * sizeof *group->stage_free);
    return rc;
}
