/*
 * engine/group.c - when ranks step, and for how long their answer holds.
 */
#include "engine/group.h"

#include <errno.h>

#include "engine/cluster.h"

void
ss_group_init(struct ss_group *group, struct ss_cluster *cluster, uint32_t index, struct ss_replica *ranks)
{
    *group = (struct ss_group){.index = index, .heap_position = SS_HEAP_ABSENT, .cluster = cluster, .ranks = ranks};
    ranks->group = group;
}

ss_time
ss_group_run_end(const struct ss_group *group)
{
    return group->run.start + ss_line_elapsed(&group->run.price.line, group->run.steps);
}

uint64_t
ss_group_steps_ended(const struct ss_group *group, ss_time now)
{
    if (!ss_group_runs(group))
        return 0;
    const struct ss_run *run = &group->run;
    return ss_line_steps_ended(&run->price.line, run->steps, now - run->start);
}

uint64_t
ss_group_next_end(const struct ss_group *group)
{
    const struct ss_run *run = &group->run;
    if (!ss_group_runs(group))
        return group->steps;
    return group->steps + ss_line_steps_reaching(&run->price.line, run->steps, group->cluster->now - run->start);
}

int
ss_group_end_by(struct ss_group *group, uint64_t steps)
{
    if (group->steps + group->run.steps <= steps)
        return 0;
    group->run.steps = steps - group->steps;
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

/* Requests that are done and held are computed like those that decode. */
static struct ss_step_shape
padded(const struct ss_replica *rank)
{
    struct ss_step_shape shape = rank->plan->shape;
    shape.tokens += shape.decode_count > 0 ? rank->held : 0;
    shape.sampled_rows += shape.decode_count > 0 ? rank->held : 0;
    return shape;
}

static int
price_run(struct ss_group *group, struct ss_run *run, struct servsim_error *err)
{
    struct ss_replica *rank = group->ranks;
    struct ss_step_shape shape = padded(rank);
    int rc = ss_cost_price(group->cluster->cost, &shape, &run->price, err);
    run->swap_ps = ss_cost_swap_ps(group->cluster->cost, rank->swap_blocks);
    run->price.line.base_ps += run->swap_ps;
    rank->swap_blocks = 0;
    return rc;
}

/* For how many steps nothing changes, arrivals aside. */
static uint64_t
certain_steps(const struct ss_group *group, const struct ss_run *run)
{
    const struct ss_replica *rank = group->ranks;
    if (group->cluster->options->stepwise || run->swap_ps > 0 || rank->plan->shape.wakes)
        return 1;
    const struct servsim_line *line = &run->price.line;
    return ss_least(ss_replica_certain_steps(rank, line, line->steps), ss_inbox_steps(rank));
}

static int
start_run(struct ss_group *group, struct servsim_error *err)
{
    struct ss_run *run = &group->run;
    group->ranks->plan->shape.wakes = !group->awake;
    group->awake = 1;
    int rc = price_run(group, run, err);
    if (rc != 0)
        return rc;
    run->start = group->cluster->now;
    run->steps = certain_steps(group, run);
    if (ss_cluster_schedule(group->cluster, group) != 0)
        return servsim_fail(err, ENOMEM, "no memory for the event heap");
    return 0;
}

int
ss_group_plan(struct ss_group *group, struct servsim_error *err)
{
    struct ss_replica *rank = group->ranks;
    group->between = 0;
    int rc = ss_inbox_deliver(rank, 0, err);
    if (rc == 0)
        rc = ss_replica_compose(rank, err);
    if (rc == 0 && rank->plan->shape.tokens == 0 && rank->inbox.count > 0) { /* nothing else to do: no step ahead */
        rc = ss_inbox_deliver(rank, 1, err);
        if (rc == 0)
            rc = ss_replica_compose(rank, err);
    }
    if (rc == 0 && rank->plan->shape.tokens > 0)
        return start_run(group, err);
    group->awake = 0;
    return rc;
}

int
ss_group_end_run(struct ss_group *group, uint64_t steps, struct servsim_error *err)
{
    int rc = ss_replica_end_run(group->ranks, &group->run, steps);
    if (rc != 0)
        return servsim_fail(err, ENOMEM, "no memory for the end of a step");
    group->cluster->result->engine_steps += steps;
    group->steps += steps;
    group->between = 1;
    ss_cluster_due(group->cluster, group);
    return 0;
}
