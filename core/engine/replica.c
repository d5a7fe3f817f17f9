/*
 * engine/replica.c - a replica's life: arrivals, asking the scheduler, and how long the answer holds.
 */
#include "engine/replica.h"

#include <errno.h>
#include <stdlib.h>

#include "engine/cluster.h"

static const struct ss_run *
run_of(const struct ss_replica *replica, const struct ss_lane *lane)
{
    return &replica->group->runs[lane - replica->lanes];
}

/* generated_tokens(): what the request has by now, also in the middle of a run. */
static uint32_t
generated_tokens(void *ctx, const struct servsim_request *seen)
{
    const struct ss_replica *replica = ctx;
    const struct ss_request *request = ss_request_of(seen);
    if (request->state != SS_DECODING)
        return request->generated;
    const struct ss_batch *batch = request->place->batch;
    const struct ss_lane *lane = batch->lane;
    uint64_t ended = lane != NULL ? ss_run_steps_ended(run_of(replica, lane), replica->cluster->now) : 0;
    return ss_batch_generated(batch, request, ended);
}

static int32_t
prediction_quality(void *ctx, struct servsim_quality *out)
{
    return ss_predictor_quality(((const struct ss_replica *)ctx)->cluster, out);
}

static int32_t
forecast(void *ctx, struct servsim_minute *out, uint32_t minutes, struct servsim_minute *usual)
{
    return ss_predictor_forecast(((const struct ss_replica *)ctx)->cluster, out, minutes, usual);
}

static void
scheduler_fails(void *ctx, const char *text)
{
    const struct ss_replica *replica = ctx;
    ss_cluster_fail(replica->cluster, replica->scheduler.descriptor, text);
}

static struct ss_batch *
new_batch(const struct ss_cluster *cluster)
{
    struct ss_batch *batch = calloc(1, sizeof *batch);
    const struct ss_cell *cell = cluster->cell;
    int longest = ss_cost_wants_longest_context(cluster->cost),
        shortest = ss_cost_wants_shortest_context(cluster->cost);
    if (batch != NULL && ss_batch_init(batch, cell->block_size, cell->model.window, longest, shortest) != 0) {
        free(batch);
        return NULL;
    }
    return batch;
}

/* With several stages each lane has a batch of its own, to be exchanged with the replica's. */
static int
make_lanes(struct ss_replica *replica)
{
    uint32_t stages = replica->cluster->cell->pp;
    replica->lanes = calloc(stages, sizeof *replica->lanes);
    replica->batch = new_batch(replica->cluster);
    if (replica->lanes == NULL || replica->batch == NULL)
        return -ENOMEM;
    replica->plan = &replica->lanes[0].plan;
    for (uint32_t i = 0; i < stages; i++) {
        replica->lanes[i].batch = stages > 1 ? new_batch(replica->cluster) : replica->batch;
        if (replica->lanes[i].batch == NULL)
            return -ENOMEM;
    }
    return 0;
}

static void
free_batch(struct ss_batch *batch)
{
    if (batch != NULL)
        ss_batch_free(batch);
    free(batch);
}

static void
free_lanes(struct ss_replica *replica)
{
    for (uint32_t i = 0; replica->lanes != NULL && i < replica->cluster->cell->pp; i++) {
        free(replica->lanes[i].plan.chunks);
        if (replica->lanes[i].batch != replica->batch)
            free_batch(replica->lanes[i].batch);
    }
    free_batch(replica->batch);
    free(replica->lanes);
}

static int
make_scheduler(struct ss_replica *replica, struct servsim_error *err)
{
    const struct ss_cell *cell = replica->cluster->cell;
    const struct servsim_scheduler_context context = {
        .size = sizeof context,
        .replica = replica->index,
        .max_num_seqs = cell->max_num_seqs,
        .max_num_batched_tokens = cell->max_num_batched_tokens,
        .block_size = cell->block_size,
        .max_model_len = cell->max_model_len,
        .kv_blocks_total = replica->cluster->kv_blocks,
    };
    int rc = ss_instance_create(&replica->scheduler, &cell->scheduler, &replica->host, &context, err);
    if (rc == 0)
        replica->ops = replica->scheduler.descriptor->ops;
    return rc;
}

int
ss_replica_init(struct ss_replica *replica, struct ss_cluster *cluster, uint32_t index, struct servsim_error *err)
{
    const struct ss_cell *cell = cluster->cell;
    replica->index = index;
    replica->owner = index / cell->dp;
    replica->cluster = cluster;
    replica->hands_over = replica->owner < cell->prefill_replicas;
    ss_kv_init(&replica->kv, cluster->kv_blocks, ss_cost_host_blocks(cluster->cost), cell->block_size);
    replica->host = (struct servsim_host){.size = sizeof replica->host,
                                          .abi_minor = SERVSIM_ABI_MINOR,
                                          .ctx = replica,
                                          .generated_tokens = generated_tokens,
                                          .fail = scheduler_fails,
                                          .prediction_quality = prediction_quality,
                                          .forecast = forecast};
    if (make_lanes(replica) != 0)
        return servsim_fail(err, ENOMEM, "no memory for replica %u", index);
    int rc = cell->prefix_caching ? ss_kv_cache(&replica->kv, err) : 0;
    return rc != 0 ? rc : make_scheduler(replica, err);
}

static inline void
reset_plan(struct ss_replica *replica)
{
    struct ss_plan *plan = replica->plan;
    plan->chunk_count = 0;
    plan->decode = 0;
    plan->decode_blocks = 0;
    plan->budget = replica->cluster->cell->max_num_batched_tokens;
    plan->changed = 0;
    plan->freed = 0;
    plan->preempted = 0;
    plan->now = replica->cluster->now;
}

int
ss_replica_restart(struct ss_replica *replica, struct servsim_error *err)
{
    for (uint32_t i = 0; i < replica->group->stages; i++) {
        struct ss_lane *lane = &replica->lanes[i];
        lane->batch->lane = NULL;
        replica->plan = &lane->plan;
        reset_plan(replica);
        lane->plan.shape = (struct ss_step_shape){0};
    }
    replica->batch->lane = NULL;
    replica->leaving_seats = replica->came = 0;
    replica->leaving_blocks = 0;
    replica->first = replica->last = replica->parked = NULL;
    replica->running = replica->waiting = replica->held = replica->prefilling_count = 0;
    replica->inbox = (struct ss_inbox){0};
    replica->swap_blocks = replica->prefill_tokens_left = 0;
    if (ss_kv_lose(&replica->kv) != 0)
        return servsim_fail(err, ENOMEM, "no memory for replica %u", replica->index);
    replica->kv.pool.evictions = replica->result.kv_evictions; /* those of the step under way never were */
    ss_instance_destroy(&replica->scheduler);
    return make_scheduler(replica, err);
}

void
ss_replica_free(struct ss_replica *replica)
{
    ss_instance_destroy(&replica->scheduler);
    ss_kv_free(&replica->kv);
    free_lanes(replica);
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

/* The rank reports it after the step that comes after the one under way: no run goes on beyond that. */
static int
note_arrival(struct ss_replica *replica)
{
    uint64_t end = ss_group_next_end(replica->group);
    replica->came = replica->came_by == end ? replica->came + 1 : 1;
    replica->came_by = end;
    return ss_group_runs(replica->group) ? ss_group_end_by(replica->group, end + 1) : 0;
}

int
ss_replica_arrive(struct ss_replica *replica, struct ss_request *request, struct servsim_error *err)
{
    int held_back = ss_inbox_wanted(replica);
    /* an idle engine plans at once; with several stages, the newcomer may want a run of its own */
    int must_ask = replica->running + replica->waiting == 0 || replica->group->stages > 1;
    int rc = held_back ? 0 : announce(replica, request, err);
    if (rc < 0 || rc == SERVSIM_REJECT)
        return rc < 0 ? rc : 1;
    replica->waiting++;
    replica->result.requests++;
    replica->prefill_tokens_left += request->seen.prompt_tokens + request->generated;
    if (replica->cluster->doors != NULL && note_arrival(replica) != 0)
        return servsim_fail(err, ENOMEM, "no memory for the event heap");
    if (held_back)
        return ss_inbox_put(replica, request);
    if (rc == SERVSIM_ASK_AGAIN || must_ask || !ss_group_runs(replica->group))
        return ss_group_ask_again(replica->group);
    return 0;
}

int
ss_replica_introduce(struct ss_replica *replica, struct ss_request *request, struct servsim_error *err)
{
    int rc = announce(replica, request, err);
    if (rc != SERVSIM_REJECT)
        return rc < 0 ? rc : 0;
    replica->waiting--;
    replica->result.requests--;
    if (request->state != SS_SENT)
        replica->prefill_tokens_left -= request->seen.prompt_tokens + request->generated;
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
    err->text[0] = replica->broken_rule[0] = '\0';
    int rc = replica->ops->plan(replica->scheduler.self, step, err);
    if (rc == 0)
        return 0;
    char what[200];
    (void)snprintf(what, sizeof what, "broke a rule while it composed a step%s%s",
                   replica->broken_rule[0] != '\0' ? ": " : "", replica->broken_rule);
    return breach(replica, what, rc, err);
}

/* What other ranks add to a shape is never in this one, and what windows see only where there are some. */
static inline void
clear_shape(struct ss_step_shape *shape, uint32_t window)
{
    shape->sampled_rows = 0;
    shape->prefill_count = shape->prefill_new_tokens = shape->prefill_context_tokens = shape->prefill_causal_pairs = 0;
    shape->decode_count = shape->decode_context_sum = shape->decode_context_min = shape->decode_context_max = 0;
    if (window > 0)
        shape->window = (struct ss_window_shape){0};
}

static void
note_shape(struct ss_replica *replica)
{
    struct ss_plan *plan = replica->plan;
    struct ss_step_shape *shape = &plan->shape;
    uint32_t window = replica->cluster->cell->model.window;
    clear_shape(shape, window);
    shape->wakes = !replica->group->awake;
    for (uint32_t i = 0; i < plan->chunk_count; i++) {
        const struct ss_place *place = plan->chunks[i].request->place;
        ss_shape_add_chunk(shape, window, place->chunk, place->computed);
        shape->sampled_rows += place->computed + place->chunk == place->target;
    }
    if (plan->decode) {
        shape->decode_count = replica->batch->count;
        shape->decode_context_sum = replica->batch->context_sum;
        shape->decode_context_min = ss_batch_shortest(replica->batch);
        shape->decode_context_max = ss_batch_longest(replica->batch);
        ss_batch_window(replica->batch, &shape->window);
        shape->sampled_rows += replica->batch->count;
    }
    shape->tokens = (uint32_t)(shape->prefill_new_tokens + shape->decode_count);
}

int
ss_replica_prefills_nothing(const struct ss_replica *replica)
{
    for (uint32_t i = 0; i < replica->prefilling_count; i++)
        if (replica->prefilling[i]->place->computed < replica->prefilling[i]->place->target)
            return 0;
    return 1;
}

/* Their seats and blocks can be given away in the next step: this one must not be taken for several. */
static void
let_leave(struct ss_replica *replica)
{
    replica->plan->freed = replica->leaving_seats > 0;
    replica->leaving_seats = 0;
    replica->leaving_blocks = 0;
}

int
ss_replica_compose(struct ss_replica *replica, struct ss_lane *lane, struct servsim_error *err)
{
    int rc = 0, again = 0;
    replica->plan = &lane->plan;
    lane->plan.asked = !ss_replica_has_nothing(replica);
    do { /* a scheduler that preempted everything, or all but those that are done and held, may start again at once */
        reset_plan(replica);
        rc = lane->plan.asked ? ask(replica, err) : 0;
        note_shape(replica);
    } while (rc == 0 && lane->plan.shape.tokens == 0 && !again++ &&
             (ss_replica_end_batch(replica) || lane->plan.preempted > 0));
    let_leave(replica);
    return rc;
}

uint64_t
ss_replica_certain_steps(const struct ss_replica *replica, const struct ss_lane *lane, const struct servsim_line *line,
                         uint64_t steps)
{
    const struct ss_plan *plan = &lane->plan;
    const struct servsim_step *step = &replica->step;
    if (plan->chunk_count > 0 || plan->changed || plan->freed)
        return 1;
    if (!plan->asked)
        return steps;
    steps = ss_least(steps, step->horizon_steps);
    if (plan->decode) {
        steps = ss_least(steps, ss_batch_steps_to_finish(lane->batch));
        if (!ss_batch_fits(lane->batch, steps, replica->kv.free))
            steps = ss_least(steps, ss_batch_steps_fitting(lane->batch, replica->kv.free + plan->decode_blocks));
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
steps_composed(const struct ss_run *run, ss_time now)
{
    uint64_t ended = ss_run_steps_ended(run, now);
    if (ss_line_elapsed(&run->line, ended) == now - run->start)
        return ended > 0 ? ended : 1;
    return ended + 1;
}

/* Blocks that the steps of a long run have taken beside those of its first. */
static uint64_t
blocks_since(const struct ss_replica *replica, ss_time now)
{
    const struct ss_lane *lane = &replica->lanes[replica->group->oldest];
    if (!ss_group_runs(replica->group) || lane->batch->lane == NULL)
        return 0;
    return ss_batch_blocks(lane->batch, steps_composed(run_of(replica, lane), now)) - lane->plan.decode_blocks;
}

void
ss_replica_state(const struct ss_replica *replica, ss_time now, struct servsim_replica_state *out)
{
    out->waiting += replica->waiting;
    out->running += replica->running;
    out->block_size = replica->kv.block_size;
    out->kv_blocks_used += ss_kv_used(&replica->kv) + blocks_since(replica, now);
    out->kv_blocks_total += replica->kv.total;
    out->prefill_tokens_left += replica->prefill_tokens_left;
}
