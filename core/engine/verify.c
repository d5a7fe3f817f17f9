/*
 * engine/verify.c - the laws, checked the slow way: recounted from the requests themselves, sharing no code with the
 * counters that the engine runs on.
 */
#include <errno.h>

#include "engine/cluster.h"

/* Recounting all blocks of a large cache at every event would never end. */
#define SMALL_CACHE 4096
#define RARELY 256

struct recount {
    uint64_t requests, decoding, held, contexts, blocks, host_blocks, flying, tabled;
    uint64_t seen, settled; /* in the window of the model, if it has one */
};

static uint64_t
held_tokens(const struct ss_request *request)
{
    const struct ss_place *place = request->place;
    if (request->state != SS_DECODING)
        return (uint64_t)place->computed + place->chunk;
    uint64_t left = place->finish_at - place->batch->clock;
    return (uint64_t)request->seen.prompt_tokens + request->output_tokens - left - 1;
}

/* It has left, but for its blocks. */
static const struct ss_request *
handed_over(const struct ss_replica *replica)
{
    return ss_transfers_of(replica->cluster->transfers, replica->owner);
}

static void
recount(const struct ss_replica *replica, struct recount *out)
{
    uint32_t block = replica->batch->block_size, window = replica->cluster->cell->model.window;
    *out = (struct recount){0};
    for (const struct ss_request *request = replica->first; request != NULL; request = request->next) {
        uint64_t tokens = held_tokens(request);
        out->requests++;
        out->blocks += tokens / block + (tokens % block != 0);
        out->held += request->state == SS_HELD;
        out->tabled += request->extras != NULL ? request->extras->prefix.count : 0;
        out->flying += request->place->flying;
        if (request->state != SS_DECODING)
            continue;
        out->decoding++;
        out->contexts += tokens;
        out->seen += tokens + 1 < window ? tokens : window > 0 ? window - 1 : 0;
        out->settled += window > 0 && tokens + 1 >= window;
        /* a decode that was given its token holds the block that the token goes to */
        if (request->place->batch->lane != NULL && tokens % block == 0)
            out->blocks++;
    }
    for (const struct ss_request *request = handed_over(replica); request != NULL; request = request->next) {
        uint32_t computed = request->place->computed;
        out->blocks += computed / block + (computed % block != 0);
        out->tabled += request->extras->prefix.count;
    }
    for (const struct ss_request *request = replica->parked; request != NULL; request = request->next) {
        uint32_t computed = request->place->computed;
        uint64_t blocks = computed / block + (computed % block != 0);
        *(request->state == SS_SWAPPED ? &out->host_blocks : &out->blocks) += blocks;
        out->tabled += request->extras != NULL ? request->extras->prefix.count : 0;
    }
}

static int
broken(const struct ss_replica *replica, const char *law, uint64_t counted, uint64_t kept, struct servsim_error *err)
{
    return servsim_fail(err, EFAULT, "verify: replica %u at %.12f s: %s: counted %llu, kept %llu", replica->index,
                        ss_time_seconds(replica->cluster->now), law, (unsigned long long)counted,
                        (unsigned long long)kept);
}

/* Blocks that requests share are held once: then the tables and the decoded blocks are counted, and the pool. */
static int
verify_shared(const struct ss_replica *replica, const struct recount *real, struct servsim_error *err)
{
    const struct ss_kv *kv = &replica->kv;
    const struct ss_request *const lists[] = {replica->first, replica->parked, handed_over(replica)};
    if (real->tabled + kv->decoded_count != real->blocks)
        return broken(replica, "KV blocks held", real->blocks, real->tabled + kv->decoded_count, err);
    if (kv->total > SMALL_CACHE && replica->cluster->result->events % RARELY != 0)
        return 0;
    const char *wrong = ss_kv_check(kv, lists, 3);
    return wrong != NULL ? broken(replica, wrong, real->blocks, ss_kv_used(kv), err) : 0;
}

static int
verify_blocks(const struct ss_replica *replica, const struct recount *real, struct servsim_error *err)
{
    uint64_t used = ss_kv_used(&replica->kv);
    if (replica->kv.caches)
        return verify_shared(replica, real, err);
    if (replica->kv.free > replica->cluster->kv_blocks || used != real->blocks)
        return broken(replica, "KV blocks", real->blocks, used, err);
    return 0;
}

static void
add_kept(struct recount *kept, const struct ss_batch *batch)
{
    struct ss_window_shape window = {0};
    ss_batch_window(batch, &window);
    kept->decoding += batch->count;
    kept->contexts += batch->context_sum;
    kept->seen += window.decode_context_sum;
    kept->settled += window.decode_settled;
}

/* Decodes and prefill tokens by their lanes, beside those that can be given something. */
static void
count_kept(const struct ss_replica *replica, struct recount *kept)
{
    *kept = (struct recount){0};
    add_kept(kept, replica->batch);
    for (uint32_t i = 0; i < replica->group->stages; i++) {
        const struct ss_lane *lane = &replica->lanes[i];
        for (uint32_t c = 0; c < lane->plan.chunk_count; c++)
            kept->flying += lane->plan.chunks[c].tokens;
        if (lane->batch != replica->batch)
            add_kept(kept, lane->batch);
    }
}

static int
verify_window(const struct ss_replica *replica, const struct recount *real, const struct recount *kept,
              struct servsim_error *err)
{
    if (real->seen != kept->seen)
        return broken(replica, "contexts in the window", real->seen, kept->seen, err);
    if (real->settled != kept->settled)
        return broken(replica, "decodes that fill the window", real->settled, kept->settled, err);
    return 0;
}

static int
verify_replica(const struct ss_replica *replica, struct servsim_error *err)
{
    struct recount real, kept;
    recount(replica, &real);
    count_kept(replica, &kept);
    int rc = verify_blocks(replica, &real, err);
    if (rc != 0)
        return rc;
    if (replica->kv.host_total - replica->kv.host_free != real.host_blocks)
        return broken(replica, "swapped KV blocks", real.host_blocks, replica->kv.host_total - replica->kv.host_free,
                      err);
    if (real.held != replica->held)
        return broken(replica, "held requests", real.held, replica->held, err);
    if (real.requests != replica->running)
        return broken(replica, "running requests", real.requests, replica->running, err);
    if (real.decoding != kept.decoding || real.requests - real.decoding - real.held != replica->prefilling_count)
        return broken(replica, "decoding requests", real.decoding, kept.decoding, err);
    if (real.contexts != kept.contexts)
        return broken(replica, "decode contexts", real.contexts, kept.contexts, err);
    if (real.flying != kept.flying)
        return broken(replica, "prefill tokens under way", real.flying, kept.flying, err);
    if (replica->running > replica->cluster->cell->max_num_seqs)
        return broken(replica, "max_num_seqs", replica->running, replica->cluster->cell->max_num_seqs, err);
    if (replica->plan->shape.tokens > replica->cluster->cell->max_num_batched_tokens)
        return broken(replica, "max_num_batched_tokens", replica->plan->shape.tokens,
                      replica->cluster->cell->max_num_batched_tokens, err);
    return verify_window(replica, &real, &kept, err);
}

/* Stages in order, and each with one run at a time. */
static int
verify_stages(const struct ss_group *group, struct servsim_error *err)
{
    const struct ss_run *before = NULL;
    for (uint32_t i = 0; group->stages > 1 && i < group->in_flight; i++) {
        const struct ss_run *run = &group->runs[(group->oldest + i) % group->stages];
        for (uint32_t s = 0; s < group->stages; s++) {
            ss_time free = before != NULL ? before->begins[s] + before->work[s].base_ps : 0;
            ss_time ready = s > 0 ? run->begins[s - 1] + run->work[s - 1].base_ps : run->start;
            if (run->begins[s] < free || run->begins[s] < ready || (run->steps > 1 && group->in_flight > 1))
                return broken(group->ranks, "a stage is given a run too early", s, i, err);
        }
        before = run;
    }
    return 0;
}

int
ss_verify_group(const struct ss_group *group, struct servsim_error *err)
{
    int rc = verify_stages(group, err);
    for (uint32_t i = 0; i < group->rank_count && rc == 0; i++)
        rc = verify_replica(&group->ranks[i], err);
    return rc;
}

/*
 * Little's law to the last bit: the integral of the requests in the system, kept by the event loop as levels change,
 * against the sum of the times that each record says it stayed.
 */
static int
verify_little(const struct ss_cluster *cluster, struct servsim_error *err)
{
    const struct ss_records *records = &cluster->result->records;
    ss_wide sojourns = 0;
    for (size_t i = 0; i < records->count; i++) {
        const struct ss_record *record = &records->items[i];
        if (record->status == SS_STATUS_FINISHED)
            sojourns += record->latency_ps;
        else if (record->status == SS_STATUS_UNFINISHED)
            sojourns += cluster->now - record->arrival;
    }
    sojourns += cluster->result->failures.failed_stay;
    ss_wide area = cluster->result->waiting_area + cluster->result->running_area;
    if (sojourns != area)
        return servsim_fail(err, EFAULT, "verify: Little's law: sojourns of %.12f s, integral of %.12f s",
                            ss_time_seconds(sojourns), ss_time_seconds(area));
    return 0;
}

static int
verify_states(const struct ss_cluster *cluster, struct servsim_error *err)
{
    const struct ss_records *records = &cluster->result->records;
    uint64_t unfinished = 0;
    for (size_t i = 0; i < records->count; i++) {
        const struct ss_record *record = &records->items[i];
        unfinished += record->status == SS_STATUS_UNFINISHED;
        int timed = record->latency_ps != SS_NO_PS && record->ttft_ps != SS_NO_PS && record->queue_ps != SS_NO_PS;
        if (record->status != SS_STATUS_FINISHED)
            continue;
        if (!timed || record->queue_ps > record->ttft_ps || record->ttft_ps > record->latency_ps)
            return servsim_fail(err, EFAULT, "verify: request %zu finished with times out of order", i);
    }
    if (unfinished != ss_cluster_in_system(cluster))
        return servsim_fail(err, EFAULT, "verify: %llu requests without an end, %llu in the system",
                            (unsigned long long)unfinished, (unsigned long long)ss_cluster_in_system(cluster));
    return 0;
}

/* Every output token but the first of each request has one gap, and the gaps of a request add up to its decode time,
   but for the time that it was held when it was done. */
static int
verify_gaps(const struct ss_cluster *cluster, struct servsim_error *err)
{
    uint64_t tokens = 0, gaps = 0;
    const struct ss_result *result = cluster->result;
    ss_wide decode_ps = result->failures.failed_decode;
    for (size_t i = 0; i < result->records.count; i++) {
        const struct ss_record *record = &result->records.items[i];
        if (record->status == SS_STATUS_FAILED && record->output_tokens > 0)
            tokens += record->output_tokens - 1;
        if (record->status != SS_STATUS_FINISHED)
            continue;
        tokens += record->output_tokens - 1;
        decode_ps += record->latency_ps - record->ttft_ps;
    }
    for (uint32_t i = 0; i < SS_ITL_BINS; i++)
        gaps += result->itl.counts[i];
    if (gaps != result->itl.total || (ss_cluster_in_system(cluster) == 0 && gaps != tokens) || gaps < tokens)
        return servsim_fail(err, EFAULT, "verify: %llu gaps between tokens, %llu counted", (unsigned long long)tokens,
                            (unsigned long long)gaps);
    if (ss_cluster_in_system(cluster) == 0 && decode_ps != result->itl.sum_ps + result->held)
        return servsim_fail(err, EFAULT, "verify: gaps of %.12f s, decode times of %.12f s",
                            ss_time_seconds(result->itl.sum_ps), ss_time_seconds(decode_ps));
    return 0;
}

/* A request that is done was handed over just where it decoded, and in the order of its times. */
static int
verify_transfers(const struct ss_cluster *cluster, struct servsim_error *err)
{
    const struct ss_result *result = cluster->result;
    for (size_t i = 0; cluster->transfers != NULL && i < result->records.count; i++) {
        const struct ss_record *record = &result->records.items[i];
        const struct ss_transfer *transfer = ss_transfer_find(&result->transfers, i);
        if (record->status != SS_STATUS_FINISHED)
            continue;
        int decoded = record->replica >= cluster->cell->prefill_replicas;
        if (decoded != (record->output_tokens > 1) || decoded != (transfer != NULL))
            return servsim_fail(err, EFAULT, "verify: request %zu of %u tokens is done on replica %u, %s a transfer", i,
                                record->output_tokens, record->replica, transfer != NULL ? "with" : "without");
        if (transfer != NULL &&
            (transfer->queue_ps < 0 ||
             record->ttft_ps + transfer->wait_ps + transfer->transfer_ps + transfer->queue_ps > record->latency_ps))
            return servsim_fail(err, EFAULT, "verify: request %zu was done before it had come to decode", i);
    }
    return 0;
}

/* The highest peak of the series is the highest of the replicas. */
static int
verify_peaks(const struct ss_cluster *cluster, struct servsim_error *err)
{
    uint64_t series = 0, replicas = 0;
    for (uint32_t i = 0; i < cluster->result->series.used; i++) {
        uint64_t peak = cluster->result->series.bins[i].kv_blocks_peak;
        series = peak > series ? peak : series;
    }
    for (uint32_t i = 0; i < cluster->rank_count; i++) {
        uint64_t peak = cluster->ranks[i].result.kv_blocks_peak;
        replicas = peak > replicas ? peak : replicas;
    }
    if (series != replicas)
        return servsim_fail(err, EFAULT, "verify: KV peak of %llu blocks over time, %llu of the replicas",
                            (unsigned long long)series, (unsigned long long)replicas);
    return 0;
}

int
ss_verify_end(const struct ss_cluster *cluster, struct servsim_error *err)
{
    int rc = verify_states(cluster, err);
    if (rc == 0)
        rc = verify_little(cluster, err);
    if (rc == 0)
        rc = verify_gaps(cluster, err);
    if (rc == 0)
        rc = verify_peaks(cluster, err);
    if (rc == 0)
        rc = verify_transfers(cluster, err);
    for (uint32_t i = 0; i < cluster->rank_count && rc == 0; i++)
        rc = verify_replica(&cluster->ranks[i], err);
    return rc;
}
