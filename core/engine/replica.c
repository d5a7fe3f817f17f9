/*
 * engine/replica.c - a replica's life: arrivals, asking the scheduler, and how long the answer holds.
 */
#include "engine/replica.h"

#include <errno.h>
#include <stdlib.h>

#include "engine/cluster.h"

/* generated_tokens(): what the request has by now, also in the middle of a run. */
static uint32_t
generated_tokens(void *ctx, const struct servsim_request *seen)
{
    const struct ss_replica *replica = ctx;
    const struct ss_request *request = ss_request_of(seen);
    if (request->state != SS_DECODING)
        return request->generated;
    uint64_t ended = replica->plan.decode ? ss_replica_steps_ended(replica, replica->cluster->now) : 0;
    return ss_batch_generated(&replica->batch, request, ended);
}

int
ss_replica_init(struct ss_replica *replica, struct ss_cluster *cluster, uint32_t index, struct servsim_error *err)
{
    const struct ss_cell *cell = cluster->cell;
    replica->index = index;
    replica->cluster = cluster;
    replica->heap_position = SS_HEAP_ABSENT;
    ss_kv_init(&replica->kv, cluster->kv_blocks, ss_cost_host_blocks(cluster->cost), cell->block_size);
    replica->host = cluster->host;
    replica->host.ctx = replica;
    replica->host.replica_state = NULL;
    replica->host.generated_tokens = generated_tokens;
    replica->host.seed = NULL;
    replica->host.log = NULL;
    if (ss_batch_init(&replica->batch, cell->block_size, ss_cost_wants_context_range(cluster->cost)) != 0)
        return servsim_fail(err, ENOMEM, "no memory for replica %u", index);
    const struct servsim_scheduler_context context = {
        .size = sizeof context,
        .replica = index,
        .max_num_seqs = cell->max_num_seqs,
        .max_num_batched_tokens = cell->max_num_batched_tokens,
        .block_size = cell->block_size,
        .max_model_len = cell->max_model_len,
        .kv_blocks_total = cluster->kv_blocks,
    };
    int rc = ss_instance_create(&replica->scheduler, &cell->scheduler, &replica->host, &context, err);
    if (rc != 0)
        return rc;
    replica->ops = replica->scheduler.descriptor->ops;
    return 0;
}

void
ss_replica_free(struct ss_replica *replica)
{
    ss_instance_destroy(&replica->scheduler);
    ss_batch_free(&replica->batch);
    free(replica->plan.chunks);
    free(replica->prefilling);
}

uint64_t
ss_replica_steps_ended(const struct ss_replica *replica, ss_time now)
{
    if (replica->heap_position == SS_HEAP_ABSENT)
        return 0;
    const struct ss_run *run = &replica->run;
    return ss_line_steps_ended(&run->price.line, run->steps, now - run->start);
}

/* Cuts the run to the first step end that is not before now. */
static int
cut_run(struct ss_replica *replica)
{
    struct ss_run *run = &replica->run;
    ss_time now = replica->cluster->now;
    uint64_t steps = ss_line_steps_reaching(&run->price.line, run->steps, now - run->start);
    if (steps == run->steps)
        return 0;
    run->steps = steps;
    return ss_cluster_schedule(replica->cluster, replica);
}

/* What a scheduler gets wrong is never the experiment's fault: EPROTO, whatever it said. */
static int
breach(const struct ss_replica *replica, const char *what, int rc, struct servsim_error *err)
{
    const char *name = replica->scheduler.descriptor->name;
    if (rc < 0 && err->text[0] != '\0') {
        char said[512];
        (void)snprintf(said, sizeof said, "%.500s", err->text);
        return servsim_fail(err, EPROTO, "scheduler plugin '%s': %s", name, said);
    }
    return servsim_fail(err, EPROTO, "scheduler plugin '%s' %s (%d)", name, what, rc);
}

int
ss_replica_arrive(struct ss_replica *replica, struct ss_request *request, struct servsim_error *err)
{
    err->text[0] = '\0';
    int rc = replica->ops->arrive(replica->scheduler.self, &request->seen, err);
    if (rc == SERVSIM_REJECT)
        return 1;
    if (rc != SERVSIM_ASK_AGAIN && rc != SERVSIM_DECISION_HOLDS)
        return breach(replica, "gave an unknown answer to an arrival", rc, err);
    replica->waiting++;
    replica->result.requests++;
    replica->prefill_tokens_left += request->seen.prompt_tokens;
    if (replica->heap_position == SS_HEAP_ABSENT)
        ss_cluster_due(replica->cluster, replica);
    else if (rc == SERVSIM_ASK_AGAIN)
        return cut_run(replica);
    return 0;
}

/* ---- planning ---- */

static int
ask(struct ss_replica *replica, struct servsim_error *err)
{
    struct servsim_step *step = &replica->step;
    ss_time now = replica->cluster->now;
    ss_plan_reset(replica, now);
    *step = (struct servsim_step){
        .size = sizeof *step, .ctx = replica, .ops = &ss_step_services, .horizon_steps = 1, .until_s = SERVSIM_NEVER};
    ss_time_split(now, &step->now_s, &step->now_ps);
    err->text[0] = '\0';
    int rc = replica->ops->plan(replica->scheduler.self, step, err);
    if (rc != 0)
        return breach(replica, "broke a rule while it composed a step", rc, err);
    return 0;
}

static void
shape_of(const struct ss_replica *replica, struct ss_step_shape *shape)
{
    const struct ss_plan *plan = &replica->plan;
    *shape = (struct ss_step_shape){0};
    for (uint32_t i = 0; i < plan->chunk_count; i++) {
        const struct ss_request *request = plan->chunks[i];
        uint64_t q = request->chunk, c = request->computed;
        shape->prefill_count++;
        shape->prefill_new_tokens += q;
        shape->prefill_context_tokens += c;
        shape->prefill_causal_pairs += q * c + q * (q + 1) / 2;
        shape->sampled_rows += c + q == request->target;
    }
    if (plan->decode) {
        shape->decode_count = replica->batch.count;
        shape->decode_context_sum = replica->batch.context_sum;
        ss_batch_context_range(&replica->batch, &shape->decode_context_min, &shape->decode_context_max);
        shape->sampled_rows += replica->batch.count;
    }
    shape->tokens = (uint32_t)(shape->prefill_new_tokens + shape->decode_count);
}

/* For how many steps the batch stays as it is, arrivals aside. */
static uint64_t
certain_steps(const struct ss_replica *replica)
{
    const struct ss_plan *plan = &replica->plan;
    const struct servsim_step *step = &replica->step;
    if (replica->cluster->options->stepwise || plan->chunk_count > 0 || plan->changed || replica->run.swap_ps > 0)
        return 1;
    uint64_t blocks_left = replica->kv.free + plan->decode_blocks;
    uint64_t steps = ss_least(step->horizon_steps, replica->run.price.line.steps);
    steps = ss_least(steps, ss_batch_steps_to_finish(&replica->batch));
    steps = ss_least(steps, ss_batch_steps_fitting(&replica->batch, blocks_left));
    if (step->until_s != SERVSIM_NEVER && steps > 1) {
        ss_time until = ss_time_of(step->until_s, step->until_ps) - replica->run.start;
        steps = ss_line_steps_reaching(&replica->run.price.line, steps, until);
    }
    return steps > 1 ? steps : 1;
}

static int
start_run(struct ss_replica *replica, const struct ss_step_shape *shape, struct servsim_error *err)
{
    struct ss_run *run = &replica->run;
    struct ss_step_shape rows = *shape;
    rows.tokens += shape->decode_count > 0 ? replica->held : 0;
    rows.sampled_rows += shape->decode_count > 0 ? replica->held : 0;
    int rc = ss_cost_price(replica->cluster->cost, &rows, &run->price, err);
    if (rc != 0)
        return rc;
    run->swap_ps = ss_cost_swap_ps(replica->cluster->cost, replica->swap_blocks);
    run->price.line.base_ps += run->swap_ps;
    replica->swap_blocks = 0;
    run->start = replica->cluster->now;
    run->tokens = shape->tokens;
    run->sampled_rows = shape->sampled_rows;
    run->steps = certain_steps(replica);
    if (ss_cluster_schedule(replica->cluster, replica) != 0)
        return servsim_fail(err, ENOMEM, "no memory for the event heap");
    return 0;
}

int
ss_replica_plan(struct ss_replica *replica, struct servsim_error *err)
{
    struct ss_step_shape shape;
    int rc = ask(replica, err);
    if (rc == 0)
        shape_of(replica, &shape);
    /* a scheduler that preempted everything, or all but those that are done and held, may start again at once */
    if (rc == 0 && shape.tokens == 0 && (ss_replica_end_batch(replica) || replica->plan.preempted > 0)) {
        rc = ask(replica, err);
        if (rc == 0)
            shape_of(replica, &shape);
    }
    if (rc != 0 || shape.tokens == 0)
        return rc;
    return start_run(replica, &shape, err);
}

/* ---- for routers ---- */

/* Steps of the run that have been composed before `now`: those ended, and the one under way. */
static uint64_t
steps_composed(const struct ss_replica *replica, ss_time now)
{
    uint64_t ended = ss_replica_steps_ended(replica, now);
    if (ss_line_elapsed(&replica->run.price.line, ended) == now - replica->run.start)
        return ended > 0 ? ended : 1;
    return ended + 1;
}

void
ss_replica_state(const struct ss_replica *replica, ss_time now, struct servsim_replica_state *out)
{
    uint64_t used = ss_kv_used(&replica->kv);
    if (replica->heap_position != SS_HEAP_ABSENT && replica->plan.decode)
        used += ss_batch_blocks(&replica->batch, steps_composed(replica, now)) - replica->plan.decode_blocks;
    out->waiting = replica->waiting;
    out->running = replica->running;
    out->block_size = replica->kv.block_size;
    out->kv_blocks_used = used;
    out->kv_blocks_total = replica->kv.total;
    out->prefill_tokens_left = replica->prefill_tokens_left;
}
