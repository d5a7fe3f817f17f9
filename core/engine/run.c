/*
 * engine/run.c - the end of a run: n equal steps have gone by, and all that they did is counted at once.
 *
 * Every count here is a sum over steps in closed form, of integers; a run of n steps leaves exactly what n runs of one
 * step leave.
 */
#include <errno.h>

#include "engine/cluster.h"

/* Output tokens and KV peaks fall into the bins of the series in which their steps end, or run. */
static void
count_in_series(struct ss_replica *replica, const struct ss_run *run, uint64_t steps)
{
    struct ss_series *series = &replica->cluster->result->series;
    const struct servsim_line *line = &run->price.line;
    uint64_t tokens = replica->plan->decode ? replica->batch->count : 0;
    uint64_t used = ss_kv_used(&replica->kv) - replica->plan->decode_blocks;
    uint64_t ended = 0;
    ss_time time = run->start;
    while (ended < steps) {
        struct ss_series_bin *bin = ss_series_seek(series, time);
        ss_time left = series->at_high - run->start; /* of the bin, from the run's start; its end is exclusive */
        uint64_t before = ended;
        ended = ss_line_elapsed(line, steps) < left ? steps : ss_line_steps_ended(line, steps, left - 1);
        uint64_t composed = ss_least(ended + 1, steps);
        uint64_t blocks = used + (tokens > 0 ? ss_batch_blocks(replica->batch, composed) : 0);
        bin->counts[SS_SERIES_OUTPUT_TOKENS] += (ended - before) * tokens;
        if (blocks > bin->kv_blocks_peak)
            bin->kv_blocks_peak = blocks;
        time = series->at_high;
    }
}

/* From the request's last token to one that comes at `time`. */
static int64_t
gap_ps(const struct ss_request *request, ss_time time)
{
    return ss_request_age_ps(request, time) - request->last_token_ps;
}

/* Gaps between tokens: the members that decoded in the step before all wait as long as this step takes. */
static void
count_gaps(struct ss_replica *replica, const struct ss_run *run, uint64_t steps)
{
    struct ss_itl *itl = &replica->cluster->result->itl;
    struct ss_batch *batch = replica->batch;
    const struct servsim_line *line = &run->price.line;
    ss_time first_end = run->start + line->base_ps;
    uint32_t settled = batch->count - batch->joined_count;
    ss_itl_add(itl, (int64_t)(first_end - batch->last_end), 0, 1, settled);
    for (uint32_t i = 0; i < batch->joined_count; i++) {
        ss_itl_add(itl, gap_ps(batch->joined[i], first_end), 0, 1, 1);
        batch->joined[i]->joined = 0;
    }
    batch->joined_count = 0;
    ss_itl_add(itl, line->base_ps + line->slope_ps, line->slope_ps, steps - 1, batch->count);
    batch->last_end = run->start + ss_line_elapsed(line, steps);
}

static void
count_work(struct ss_replica_result *result, const struct ss_work *work, uint64_t steps)
{
    ss_wide pairs = (ss_wide)steps * (ss_wide)(steps - 1) / 2;
    result->flops += (ss_wide)steps * (ss_wide)work->flops + pairs * (ss_wide)work->flops_slope;
    result->bytes += (ss_wide)steps * (ss_wide)work->bytes + pairs * (ss_wide)work->bytes_slope;
}

static void
count_time(struct ss_replica *replica, const struct ss_run *run, uint64_t steps)
{
    struct ss_replica_result *result = &replica->result;
    ss_time busy = ss_line_elapsed(&run->price.line, steps);
    result->busy += busy;
    result->dense += (ss_wide)run->price.dense_ps * (ss_wide)steps;
    result->communication += (ss_wide)run->price.communication_ps * (ss_wide)steps;
    result->overhead += (ss_wide)run->price.overhead_ps * (ss_wide)steps;
    result->swap += run->swap_ps;
    count_work(result, &run->price.work, steps);
    result->steps += steps;
    result->sampled_rows += (uint64_t)replica->plan->shape.sampled_rows * steps;
    ss_series_level(&replica->cluster->result->series, SS_SERIES_BUSY, run->start, run->start + busy, 1);
}

/* Of steps that have ended: a stop finds one under way, and how many were composed with it depends on the mode. */
static void
note_kv(struct ss_replica *replica)
{
    uint64_t used = ss_kv_used(&replica->kv);
    if (used > replica->result.kv_blocks_peak)
        replica->result.kv_blocks_peak = used;
    replica->result.kv_evictions = replica->kv.pool.evictions;
}

static void
release(struct ss_replica *replica, struct ss_request *request, uint64_t tokens)
{
    if (request->holds && request->state != SS_HELD) {
        request->state = SS_HELD;
        request->computed = request->target = (uint32_t)tokens;
        request->last_token_ps = ss_request_age_ps(request, replica->cluster->now);
        replica->held++;
        return;
    }
    ss_kv_release(&replica->kv, request, tokens);
    ss_running_remove(replica, request);
    if (SERVSIM_COVERS(replica->ops, struct servsim_scheduler_ops, finish) && replica->ops->finish != NULL)
        replica->ops->finish(replica->scheduler.self, &request->seen);
    ss_cluster_finish(replica->cluster, replica, request);
}

static void
end_decodes(struct ss_replica *replica, const struct ss_run *run, uint64_t steps)
{
    struct ss_batch *batch = replica->batch;
    struct ss_replica_result *result = &replica->result;
    count_gaps(replica, run, steps);
    result->decode_steps += steps;
    result->decode_tokens += steps * batch->count;
    result->output_tokens += steps * batch->count;
    ss_kv_take_decodes(&replica->kv, ss_batch_blocks(batch, steps) - replica->plan->decode_blocks);
    ss_batch_advance(batch, steps);
}

static void
finish_decodes(struct ss_replica *replica)
{
    struct ss_batch *batch = replica->batch;
    while (batch->count > 0 && ss_batch_steps_to_finish(batch) == 0) {
        struct ss_request *request = ss_heap_first(&batch->finish)->owner;
        uint64_t tokens = ss_batch_context(batch, request);
        ss_batch_leave(batch, request);
        release(replica, request, tokens);
    }
}

/* The whole prompt is computed: a token comes out. */
static int
emit_first(struct ss_replica *replica, struct ss_request *request)
{
    struct ss_cluster *cluster = replica->cluster;
    ss_time now = cluster->now;
    ss_prefilling_remove(replica, request);
    if (request->generated == 0)
        ss_cluster_record(cluster, request)->ttft_ps = ss_request_age_ps(request, now);
    else
        ss_itl_add(&cluster->result->itl, gap_ps(request, now), 0, 1, 1);
    request->generated++;
    replica->result.output_tokens++;
    ss_series_count(&cluster->result->series, SS_SERIES_OUTPUT_TOKENS, now, 1);
    if (request->generated < request->output_tokens)
        return ss_batch_join(replica->batch, request, now);
    release(replica, request, request->target);
    return 0;
}

static int
end_chunks(struct ss_replica *replica)
{
    struct ss_plan *plan = replica->plan;
    struct ss_replica_result *result = &replica->result;
    int rc = 0;
    for (uint32_t i = 0; i < plan->chunk_count && rc == 0; i++) {
        struct ss_request *request = plan->chunks[i];
        uint64_t q = request->chunk;
        result->prefill_tokens += q;
        replica->prefill_tokens_left -= q;
        ss_series_count(&replica->cluster->result->series, SS_SERIES_PREFILL_TOKENS, replica->cluster->now, q);
        request->computed += request->chunk;
        request->chunk = 0;
        if (request->computed == request->target)
            rc = emit_first(replica, request);
    }
    plan->chunk_count = 0;
    return rc;
}

/* Those that are done leave together, once nobody else runs. */
int
ss_replica_end_batch(struct ss_replica *replica)
{
    if (replica->held == 0 || replica->held < replica->running)
        return 0;
    while (replica->first != NULL) {
        struct ss_request *request = replica->first;
        replica->cluster->result->held += gap_ps(request, replica->cluster->now);
        release(replica, request, request->computed);
    }
    replica->held = 0;
    return 1;
}

/* As the run was: before anything finishes. */
static int
note_slice(struct ss_replica *replica, const struct ss_run *run, uint64_t steps)
{
    uint32_t decodes = replica->plan->decode ? replica->batch->count : 0;
    const struct ss_slice slice = {
        .start = run->start,
        .end = run->start + ss_line_elapsed(&run->price.line, steps),
        .steps = steps,
        .kv_blocks = ss_kv_used(&replica->kv),
        .replica = replica->index,
        .prefill_tokens = (uint32_t)replica->plan->shape.prefill_new_tokens,
        .decodes = decodes,
        .waiting = replica->waiting,
        .running = replica->running,
    };
    return ss_timeline_add(&replica->cluster->result->timeline, &slice);
}

int
ss_replica_end_run(struct ss_replica *replica, const struct ss_run *run, uint64_t steps)
{
    count_in_series(replica, run, steps);
    count_time(replica, run, steps);
    if (replica->plan->decode)
        end_decodes(replica, run, steps);
    note_kv(replica);
    if (steps > 1 && SERVSIM_COVERS(replica->ops, struct servsim_scheduler_ops, advance) &&
        replica->ops->advance != NULL)
        replica->ops->advance(replica->scheduler.self, steps - 1);
    int rc = replica->cluster->options->timeline_limit > 0 ? note_slice(replica, run, steps) : 0;
    finish_decodes(replica);
    if (rc == 0)
        rc = end_chunks(replica);
    (void)ss_replica_end_batch(replica);
    replica->plan->decode = 0;
    replica->plan->decode_blocks = 0;
    return rc;
}
