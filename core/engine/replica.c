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
    uint64_t ended = replica->plan->decode ? ss_group_steps_ended(replica->group, replica->cluster->now) : 0;
    return ss_batch_generated(replica->batch, request, ended);
}

static int
make_parts(struct ss_replica *replica)
{
    const struct ss_cluster *cluster = replica->cluster;
    replica->plan = calloc(1, sizeof *replica->plan);
    replica->batch = calloc(1, sizeof *replica->batch);
    if (replica->plan == NULL || replica->batch == NULL)
        return -ENOMEM;
    return ss_batch_init(replica->batch, cluster->cell->block_size, replica->cluster->cell->model.window,
                         ss_cost_wants_context_range(cluster->cost));
}

int
ss_replica_init(struct ss_replica *replica, struct ss_cluster *cluster, uint32_t index, struct servsim_error *err)
{
    const struct ss_cell *cell = cluster->cell;
    replica->index = index;
    replica->cluster = cluster;
    ss_kv_init(&replica->kv, cluster->kv_blocks, ss_cost_host_blocks(cluster->cost), cell->block_size);
    replica->host = cluster->host;
    replica->host.ctx = replica;
    replica->host.replica_state = NULL;
    replica->host.generated_tokens = generated_tokens;
    replica->host.seed = NULL;
    replica->host.log = NULL;
    if (make_parts(replica) != 0)
        return servsim_fail(err, ENOMEM, "no memory for replica %u", index);
    int rc = cell->prefix_caching ? ss_kv_cache(&replica->kv, err) : 0;
    if (rc != 0)
        return rc;
    const struct servsim_scheduler_context context = {
        .size = sizeof context,
        .replica = index,
        .max_num_seqs = cell->max_num_seqs,
        .max_num_batched_tokens = cell->max_num_batched_tokens,
        .block_size = cell->block_size,
        .max_model_len = cell->max_model_len,
        .kv_blocks_total = cluster->kv_blocks,
    };
    rc = ss_instance_create(&replica->scheduler, &cell->scheduler, &replica->host, &context, err);
    if (rc != 0)
        return rc;
    replica->ops = replica->scheduler.descriptor->ops;
    return 0;
}

void
ss_replica_free(struct ss_replica *replica)
{
    ss_instance_destroy(&replica->scheduler);
    if (replica->batch != NULL)
        ss_batch_free(replica->batch);
    if (replica->plan != NULL)
        free(replica->plan->chunks);
    ss_kv_free(&replica->kv);
    free(replica->batch);
    free(replica->plan);
    free(replica->prefilling);
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

/* What the scheduler says to an arrival: one of the three answers, or -EPROTO. */
static int
announce(struct ss_replica *replica, struct ss_request *request, struct servsim_error *err)
{
    err->text[0] = '\0';
    int rc = replica->ops->arrive(replica->scheduler.self, &request->seen, err);
    if (rc != SERVSIM_ASK_AGAIN && rc != SERVSIM_DECISION_HOLDS && rc != SERVSIM_REJECT)
        return breach(replica, "gave an unknown answer to an arrival", rc, err);
    return rc;
}

int
ss_replica_arrive(struct ss_replica *replica, struct ss_request *request, struct servsim_error *err)
{
    int held_back = ss_inbox_wanted(replica);
    int rc = held_back ? 0 : announce(replica, request, err);
    if (rc < 0 || rc == SERVSIM_REJECT)
        return rc < 0 ? rc : 1;
    replica->waiting++;
    replica->result.requests++;
    replica->prefill_tokens_left += request->seen.prompt_tokens;
    if (held_back)
        return ss_inbox_put(replica, request);
    return rc == SERVSIM_ASK_AGAIN || !ss_group_runs(replica->group) ? ss_group_ask_again(replica->group) : 0;
}

int
ss_replica_introduce(struct ss_replica *replica, struct ss_request *request, struct servsim_error *err)
{
    int rc = announce(replica, request, err);
    if (rc != SERVSIM_REJECT)
        return rc < 0 ? rc : 0;
    replica->waiting--;
    replica->result.requests--;
    replica->prefill_tokens_left -= request->seen.prompt_tokens;
    ss_arrivals_turn_away_late(replica->cluster, request);
    return 0;
}

/* ---- planning ---- */

static int
ask(struct ss_replica *replica, struct servsim_error *err)
{
    struct servsim_step *step = &replica->step;
    ss_time now = replica->plan->now;
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
note_shape(struct ss_replica *replica)
{
    struct ss_plan *plan = replica->plan;
    struct ss_step_shape *shape = &plan->shape;
    *shape = (struct ss_step_shape){0};
    for (uint32_t i = 0; i < plan->chunk_count; i++) {
        const struct ss_request *request = plan->chunks[i];
        ss_shape_add_chunk(shape, replica->cluster->cell->model.window, request->chunk, request->computed);
        shape->sampled_rows += request->computed + request->chunk == request->target;
    }
    if (plan->decode) {
        shape->decode_count = replica->batch->count;
        shape->decode_context_sum = replica->batch->context_sum;
        ss_batch_context_range(replica->batch, &shape->decode_context_min, &shape->decode_context_max);
        ss_batch_window(replica->batch, &shape->window);
        shape->sampled_rows += replica->batch->count;
    }
    shape->tokens = (uint32_t)(shape->prefill_new_tokens + shape->decode_count);
}

/* Has the scheduler nothing to give a token to? It is not asked then. */
static int
nothing_to_serve(const struct ss_replica *replica)
{
    return replica->waiting == 0 && replica->running == 0;
}

int
ss_replica_compose(struct ss_replica *replica, struct servsim_error *err)
{
    ss_plan_reset(replica, replica->cluster->now);
    if (nothing_to_serve(replica)) {
        note_shape(replica);
        return 0;
    }
    int rc = ask(replica, err);
    note_shape(replica);
    /* a scheduler that preempted everything, or all but those that are done and held, may start again at once */
    if (rc == 0 && replica->plan->shape.tokens == 0 &&
        (ss_replica_end_batch(replica) || replica->plan->preempted > 0)) {
        ss_plan_reset(replica, replica->cluster->now);
        rc = ask(replica, err);
        note_shape(replica);
    }
    return rc;
}

uint64_t
ss_replica_certain_steps(const struct ss_replica *replica, const struct servsim_line *line, uint64_t steps)
{
    const struct ss_plan *plan = replica->plan;
    const struct servsim_step *step = &replica->step;
    if (plan->chunk_count > 0 || plan->changed)
        return 1;
    steps = ss_least(steps, step->horizon_steps);
    if (plan->decode) {
        steps = ss_least(steps, ss_batch_steps_to_finish(replica->batch));
        steps = ss_least(steps, ss_batch_steps_fitting(replica->batch, replica->kv.free + plan->decode_blocks));
    }
    if (step->until_s != SERVSIM_NEVER && steps > 1) {
        ss_time until = ss_time_of(step->until_s, step->until_ps) - plan->now;
        steps = ss_line_steps_reaching(line, steps, until);
    }
    return steps > 1 ? steps : 1;
}

/* ---- for routers ---- */

/* Steps of the run that have been composed before `now`: those ended, and the one under way. */
static uint64_t
steps_composed(const struct ss_replica *replica, ss_time now)
{
    const struct ss_run *run = &replica->group->run;
    uint64_t ended = ss_group_steps_ended(replica->group, now);
    if (ss_line_elapsed(&run->price.line, ended) == now - run->start)
        return ended > 0 ? ended : 1;
    return ended + 1;
}

void
ss_replica_state(const struct ss_replica *replica, ss_time now, struct servsim_replica_state *out)
{
    uint64_t used = ss_kv_used(&replica->kv);
    if (ss_group_runs(replica->group) && replica->plan->decode)
        used += ss_batch_blocks(replica->batch, steps_composed(replica, now)) - replica->plan->decode_blocks;
    out->waiting = replica->waiting;
    out->running = replica->running;
    out->block_size = replica->kv.block_size;
    out->kv_blocks_used = used;
    out->kv_blocks_total = replica->kv.total;
    out->prefill_tokens_left = replica->prefill_tokens_left;
}
