/*
 * engine/run.c - the end of a run: n equal steps have gone by, and all that they did is counted at once.
 *
 * Every count here is a sum over steps in closed form, of integers; a run of n steps leaves exactly what n runs of one
 * step leave.
 */
#include <errno.h>

#include "engine/cluster.h"

/* What a run of so many steps comes to: worked out once, for all that is counted. */
struct whole {
    uint64_t steps;
    ss_time elapsed;
    uint64_t tokens; /* decoded in each step */
    uint64_t blocks; /* taken for them in all steps */
};

SS_INLINED struct whole
add_up(const struct ss_lane *lane, const struct ss_run *run, uint64_t steps)
{
    struct whole whole = {.steps = steps, .elapsed = run->end - run->start};
    if (steps != run->steps) /* a stop or a failure cuts it */
        whole.elapsed = ss_line_elapsed(&run->line, steps);
    if (lane->plan.decode) {
        whole.tokens = lane->batch->count;
        whole.blocks = steps == 1 ? lane->plan.decode_blocks : ss_batch_blocks(lane->batch, steps);
    }
    return whole;
}

SS_INLINED void
count_in_bin(struct ss_series_bin *bin, uint64_t tokens, uint64_t blocks)
{
    bin->counts[SS_SERIES_OUTPUT_TOKENS] += tokens;
    if (blocks > bin->kv_blocks_peak)
        bin->kv_blocks_peak = blocks;
}

/* A run over more than one bin of the series. */
static void
count_in_bins(const struct ss_replica *replica, const struct ss_lane *lane, const struct ss_run *run,
              const struct whole *whole, uint64_t used)
{
    struct ss_series *series = &replica->cluster->result->series;
    uint64_t steps = whole->steps, ended = 0;
    for (ss_time time = run->start, end; ended < steps; time = end) {
        struct ss_series_bin *bin = ss_series_seek(series, time);
        end = ss_series_bin_end(series, bin);
        ss_time left = end - run->start; /* of the bin, from the run's start; its end is exclusive */
        uint64_t before = ended;
        ended = whole->elapsed < left ? steps : ss_line_steps_ended(&run->line, steps, left - 1);
        uint64_t blocks = whole->tokens > 0 ? ss_batch_blocks(lane->batch, ss_least(ended + 1, steps)) : 0;
        count_in_bin(bin, (ended - before) * whole->tokens, used + blocks);
    }
    if (lane->plan.shape.tokens > 0)
        ss_series_level(series, SS_SERIES_BUSY, run->start, run->start + whole->elapsed, 1);
}

/* Output tokens and KV peaks fall into the bins of the series in which their steps end, or run. A rank without work in
   the step is not busy. */
SS_INLINED void
count_in_series(const struct ss_replica *replica, const struct ss_lane *lane, const struct ss_run *run,
                const struct whole *whole)
{
    struct ss_series *series = &replica->cluster->result->series;
    uint64_t used = ss_kv_used(&replica->kv) - lane->plan.decode_blocks;
    struct ss_series_bin *bin = series->now;
    if (run->start < series->now_low || run->start + whole->elapsed >= series->now_high) {
        count_in_bins(replica, lane, run, whole, used);
        return;
    }
    count_in_bin(bin, whole->steps * whole->tokens, used + whole->blocks);
    if (lane->plan.shape.tokens > 0)
        bin->areas[SS_SERIES_BUSY] += whole->elapsed;
}

/* With several stages: blocks are taken and given back in the middle of a run, by others. They are counted between any
   two of these moments. A run that a stop or a failure has cut to its first step ended when that step did. */
static void
count_beside_others(const struct ss_replica *replica, const struct ss_lane *lane, const struct ss_run *run,
                    const struct whole *whole)
{
    struct ss_series *series = &replica->cluster->result->series;
    ss_time end = run->start + whole->elapsed;
    uint32_t stages = lane->plan.shape.tokens > 0 ? replica->group->stages : 0;
    ss_series_count(series, SS_SERIES_OUTPUT_TOKENS, end, whole->tokens);
    ss_series_peak(series, replica->kv_since, end, ss_kv_used(&replica->kv));
    for (uint32_t s = 0; s < stages; s++)
        ss_series_level(series, SS_SERIES_BUSY, run->begins[s], run->begins[s] + run->work[s].base_ps, 1);
}

/* From the request's last token to one that comes at `time`. */
SS_INLINED int64_t
gap_ps(const struct ss_request *request, ss_time time)
{
    return ss_request_age_ps(request, time) - request->place->last_token_ps;
}

/* Gaps between tokens: the members that decoded in the step before all wait as long as this step takes. */
SS_INLINED void
count_gaps(struct ss_replica *replica, struct ss_lane *lane, const struct ss_run *run, const struct whole *whole)
{
    struct ss_itl *itl = &replica->cluster->result->itl;
    struct ss_batch *batch = lane->batch;
    const struct servsim_line *line = &run->line;
    ss_time first_end = run->start + line->base_ps;
    uint32_t settled = batch->count - batch->joined_count;
    if (settled > 0)
        ss_itl_add_gap(itl, (int64_t)(first_end - batch->last_end), settled);
    for (uint32_t i = 0; i < batch->joined_count; i++) {
        ss_itl_add_gap(itl, gap_ps(batch->joined[i], first_end), 1);
        batch->joined[i]->place->joined = 0;
    }
    batch->joined_count = 0;
    if (whole->steps > 1)
        ss_itl_add(itl, line->base_ps + line->slope_ps, line->slope_ps, whole->steps - 1, batch->count);
    batch->last_end = run->start + whole->elapsed;
}

/* What all stages have worked, steps of the run together. A single stage never waits: it works all the time. */
SS_INLINED ss_time
work_of(struct ss_form form, const struct ss_run *run, const struct whole *whole)
{
    ss_time work = 0;
    if (form.stages == 1)
        return whole->elapsed;
    for (uint32_t s = 0; s < form.stages; s++)
        work += ss_line_elapsed(&run->work[s], whole->steps);
    return work;
}

/* Of the work: in wait for other ranks, or for the slowest of them in a stage. */
SS_INLINED ss_time
waits_of(struct ss_form form, const struct ss_run *run, const struct servsim_line *own, ss_time work, uint64_t steps)
{
    if (ss_form_is_one(form))
        return 0;
    return work - run->swap_ps - ss_line_elapsed(own, steps);
}

SS_INLINED void
count_work(struct ss_replica_result *result, const struct ss_work *work, uint64_t steps)
{
    if (steps == 1) {
        result->flops += work->flops;
        result->bytes += work->bytes;
        return;
    }
    ss_uwide pairs = (ss_uwide)ss_line_pairs(steps);
    result->flops += (ss_wide)((ss_uwide)steps * work->flops + pairs * work->flops_slope);
    result->bytes += (ss_wide)((ss_uwide)steps * work->bytes + pairs * work->bytes_slope);
}

/* A rank without work in the step is not busy. One with less work than another waits for it in a collective. */
SS_INLINED void
count_time(struct ss_replica *replica, struct ss_form form, struct ss_lane *lane, const struct ss_run *run,
           const struct whole *whole)
{
    int64_t steps = (int64_t)whole->steps;
    struct ss_replica_result *result = &replica->result;
    const struct ss_step_price *price = &lane->price;
    if (lane->plan.shape.tokens == 0)
        return;
    ss_time busy = work_of(form, run, whole);
    ss_time waits = waits_of(form, run, &price->line, busy, whole->steps);
    result->busy += busy;
    result->dense += (ss_wide)price->dense_ps * steps;
    result->communication += (ss_wide)price->communication_ps * steps + waits;
    result->overhead += (ss_wide)price->overhead_ps * steps;
    result->swap += run->swap_ps;
    count_work(result, &price->work, whole->steps);
    result->steps += whole->steps;
    result->sampled_rows += lane->plan.shape.sampled_rows * whole->steps;
}

/* Of steps that have ended: a stop finds one under way, and how many were composed with it depends on the mode. */
SS_INLINED void
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
    struct ss_place *place = request->place;
    if (place->holds && request->state != SS_HELD) {
        request->state = SS_HELD;
        place->computed = place->target = (uint32_t)tokens;
        place->last_token_ps = ss_request_age_ps(request, replica->cluster->now);
        replica->held++;
        return;
    }
    uint64_t free_before = replica->kv.free;
    ss_kv_release(&replica->kv, request, tokens);
    ss_running_remove(replica, request);
    if (ss_replica_composes_ahead(replica) && replica->waiting > 0) {
        replica->leaving_seats++;
        replica->leaving_blocks += replica->kv.free - free_before;
    }
    ss_replica_tell_finish(replica, request);
    ss_cluster_finish(replica->cluster, request);
}

SS_INLINED void
end_decodes(struct ss_replica *replica, struct ss_lane *lane, const struct ss_run *run, const struct whole *whole)
{
    struct ss_replica_result *result = &replica->result;
    count_gaps(replica, lane, run, whole);
    result->decode_steps += whole->steps;
    result->decode_tokens += whole->steps * whole->tokens;
    result->output_tokens += whole->steps * whole->tokens;
    ss_kv_take_decodes(&replica->kv, whole->blocks - lane->plan.decode_blocks);
    ss_batch_advance(lane->batch, whole->steps);
}

SS_INLINED void
finish_decodes(struct ss_replica *replica, struct ss_lane *lane)
{
    struct ss_batch *batch = lane->batch;
    while (batch->count > 0 && ss_batch_steps_to_finish(batch) == 0) {
        struct ss_request *request = ss_heap_first(&batch->finish)->owner;
        uint64_t tokens = ss_batch_context(batch, request);
        ss_batch_leave(batch, request);
        release(replica, request, tokens);
    }
}

/* Those who decoded in it can be given a token again. */
SS_INLINED int
return_batch(struct ss_replica *replica, struct ss_form form, struct ss_lane *lane)
{
    struct ss_batch *batch = lane->batch;
    batch->lane = NULL;
    if (form.stages == 1 || batch == replica->batch)
        return 0;
    if (batch->count > replica->batch->count) {
        lane->batch = replica->batch;
        replica->batch = batch;
    }
    return ss_batch_merge(replica->batch, lane->batch);
}

/* The whole prompt is computed: a token comes out. */
SS_INLINED int
emit_first(struct ss_replica *replica, struct ss_request *request)
{
    struct ss_cluster *cluster = replica->cluster;
    ss_time now = cluster->now;
    ss_prefilling_remove(replica, request);
    if (request->generated == 0)
        ss_cluster_record(cluster, request)->ttft_ps = ss_request_age_ps(request, now);
    else
        ss_itl_add_gap(&cluster->result->itl, gap_ps(request, now), 1);
    request->generated++;
    replica->result.output_tokens++;
    ss_series_count(&cluster->result->series, SS_SERIES_OUTPUT_TOKENS, now, 1);
    if (request->generated < request->output_tokens)
        return replica->hands_over ? ss_transfers_hand_over(replica, request)
                                   : ss_batch_join(replica->batch, request, now);
    release(replica, request, request->place->target);
    return 0;
}

SS_INLINED int
end_chunks(struct ss_replica *replica, struct ss_lane *lane)
{
    struct ss_plan *plan = &lane->plan;
    struct ss_replica_result *result = &replica->result;
    int rc = 0;
    for (uint32_t i = 0; i < plan->chunk_count && rc == 0; i++) {
        struct ss_request *request = plan->chunks[i].request;
        uint64_t q = plan->chunks[i].tokens;
        result->prefill_tokens += q;
        replica->prefill_tokens_left -= q;
        ss_series_count(&replica->cluster->result->series, SS_SERIES_PREFILL_TOKENS, replica->cluster->now, q);
        struct ss_place *place = request->place;
        place->flying -= plan->chunks[i].tokens;
        if (place->computed == place->target && place->flying == 0)
            rc = emit_first(replica, request);
    }
    plan->chunk_count = 0;
    return rc;
}

/* Those that are done leave together, once nobody else runs. */
void
ss_replica_let_go(struct ss_replica *replica)
{
    while (replica->first != NULL) {
        struct ss_request *request = replica->first;
        replica->cluster->result->held += gap_ps(request, replica->cluster->now);
        release(replica, request, request->place->computed);
    }
    replica->held = 0;
}

/* As the run was: before anything finishes. One slice for each stage. */
static int
note_slices(struct ss_replica *replica, struct ss_lane *lane, const struct ss_run *run, uint64_t steps)
{
    int rc = 0, one = replica->group->stages == 1;
    uint32_t stages = lane->plan.shape.tokens > 0 ? replica->group->stages : 0;
    for (uint32_t s = 0; s < stages && rc == 0; s++) {
        ss_time begin = one ? run->start : run->begins[s];
        const struct ss_slice slice = {
            .start = begin,
            .end = begin + ss_line_elapsed(one ? &run->line : &run->work[s], steps),
            .steps = steps,
            .kv_blocks = ss_kv_used(&replica->kv),
            .replica = replica->owner,
            .rank = replica->index % replica->cluster->cell->dp,
            .stage = s,
            .prefill_tokens = (uint32_t)lane->plan.shape.prefill_new_tokens,
            .decodes = lane->plan.decode ? lane->batch->count : 0,
            .waiting = replica->waiting,
            .running = replica->running,
        };
        rc = ss_timeline_add(&replica->cluster->result->timeline, &slice);
    }
    return rc;
}

SS_INLINED int
end_run(struct ss_replica *replica, struct ss_form form, struct ss_lane *lane, const struct ss_run *run, uint64_t steps)
{
    const struct whole whole = add_up(lane, run, steps);
    /* several stages work at once only in runs of one step; in a longer one there is one at work at any time */
    if (form.stages == 1 || steps > 1)
        count_in_series(replica, lane, run, &whole);
    else
        count_beside_others(replica, lane, run, &whole);
    count_time(replica, form, lane, run, &whole);
    if (lane->plan.decode)
        end_decodes(replica, lane, run, &whole);
    note_kv(replica);
    if (steps > 1 && lane->plan.asked && SERVSIM_COVERS(replica->ops, struct servsim_scheduler_ops, advance) &&
        replica->ops->advance != NULL)
        replica->ops->advance(replica->scheduler.self, steps - 1);
    int rc = replica->cluster->options->timeline_limit > 0 ? note_slices(replica, lane, run, steps) : 0;
    finish_decodes(replica, lane);
    if (rc == 0)
        rc = return_batch(replica, form, lane);
    if (rc == 0)
        rc = end_chunks(replica, lane);
    (void)ss_replica_end_batch(replica);
    if (form.stages > 1)
        replica->kv_since = replica->cluster->now;
    lane->plan.decode = 0;
    lane->plan.decode_blocks = 0;
    return rc;
}

int
ss_replica_end_run(struct ss_replica *replica, struct ss_form form, struct ss_lane *lane, const struct ss_run *run,
                   uint64_t steps)
{
    return ss_form_is_one(form) ? end_run(replica, (struct ss_form){1, 1}, lane, run, steps)
                                : end_run(replica, form, lane, run, steps);
}
