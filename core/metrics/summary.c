/*
 * metrics/summary.c - the figures of one cell, as JSON.
 *
 * Sums stay integers up to here; each figure is one division. A figure that does not exist is null, never NaN.
 */
#include "metrics/summary.h"

#include <math.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/pages.h"
#include "metrics/energy.h"

struct builder {
    const struct ss_result *result;
    const struct ss_summary_input *input;
    json_t *root;
    double elapsed_s; /* first arrival to the last token */
    struct ss_replica_result sum;
};

static void
put(struct builder *b, const char *name, json_t *value)
{
    (void)json_object_set_new(b->root, name, value);
}

static json_t *
real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *
ratio(double above, double below)
{
    return below > 0 ? real(above / below) : json_null();
}

static json_t *
whole(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *
milliseconds(int64_t ps)
{
    return ps == SS_NO_PS ? json_null() : json_real((double)ps / 1e9);
}

/* Derived counts. */
struct tally {
    uint64_t finished, rejected, failed, unfinished, output_tokens, prompt_tokens, cached_tokens, slo_met;
};

static int
meets(const struct ss_record *record, const struct ss_summary_input *input)
{
    int64_t tpot_ps = ss_record_tpot_ps(record);
    int ttft_ok = input->slo_ttft_ps < 0 || record->ttft_ps <= input->slo_ttft_ps;
    int tpot_ok = input->slo_tpot_ps < 0 || tpot_ps == SS_NO_PS || tpot_ps <= input->slo_tpot_ps;
    return ttft_ok && tpot_ok;
}

static void
count(const struct ss_result *result, const struct ss_summary_input *input, struct tally *tally)
{
    *tally = (struct tally){0};
    for (size_t i = 0; i < result->records.count; i++) {
        const struct ss_record *record = &result->records.items[i];
        tally->rejected += record->status == SS_STATUS_REJECTED;
        tally->failed += record->status == SS_STATUS_FAILED;
        tally->unfinished += record->status == SS_STATUS_UNFINISHED;
        if (record->status != SS_STATUS_FINISHED)
            continue;
        tally->finished++;
        tally->output_tokens += record->output_tokens;
        tally->prompt_tokens += record->prompt_tokens;
        tally->cached_tokens += record->cached_tokens;
        tally->slo_met += (uint64_t)meets(record, input);
    }
}

double
ss_slo_attainment(const struct ss_result *result, const struct ss_summary_input *input)
{
    struct tally tally;
    count(result, input, &tally);
    return result->records.count > 0 ? (double)tally.slo_met / (double)result->records.count : 0;
}

/* ---- predictions ---- */

static void
put_named(json_t *object, const char *by, const char *what, const char *figure, int ahead, json_t *value)
{
    char name[80];
    if (ahead > 0)
        (void)snprintf(name, sizeof name, "%s%s_%s_%d", by, what, figure, ahead);
    else
        (void)snprintf(name, sizeof name, "%s%s_%s", by, what, figure);
    (void)json_object_set_new(object, name, value);
}

static void
put_errors(json_t *object, const char *by, const char *what, int ahead, const struct ss_errors *errors)
{
    put_named(object, by, what, "mae", ahead, real(ss_errors_mae(errors)));
    put_named(object, by, what, "rmse", ahead, real(ss_errors_rmse(errors)));
    put_named(object, by, what, "r2", ahead, real(ss_errors_r2(errors)));
}

/* Lengths, then what was foretold of minutes 1 to 3 ahead. */
static void
put_predicted_by(json_t *object, const struct ss_predictions *predictions, uint32_t by, const char *prefix)
{
    static const char *const channels[SS_CHANNELS] = {"requests", "prompt_tokens", "output_tokens"};
    const struct ss_errors *lengths = &predictions->lengths[by];
    put_errors(object, prefix, "lengths", 0, lengths);
    put_named(object, prefix, "lengths", "bucket_accuracy", 0,
              ratio((double)predictions->same_bucket[by], (double)lengths->count));
    for (uint32_t ahead = 0; ahead < SS_HORIZONS; ahead++) {
        for (uint32_t i = 0; i < SS_CHANNELS; i++)
            put_errors(object, prefix, channels[i], (int)ahead + 1, &predictions->traffic[by][i][ahead]);
        put_named(object, prefix, "burst", "f1", (int)ahead + 1, real(ss_bursts_f1(&predictions->bursts[by][ahead])));
    }
}

/* The predictor's errors, and persistence's on the same requests and minutes. */
static void
put_predictor(struct builder *b)
{
    const struct ss_predictions *predictions = &b->result->predictions;
    const struct {
        const char *name;
        uint64_t value;
    } counts[] = {{"history_requests", predictions->history_requests},
                  {"history_minutes", predictions->history_minutes},
                  {"predictions", predictions->predictions},
                  {"unknown", predictions->unknown},
                  {"outcomes", predictions->outcomes},
                  {"minutes", predictions->minutes},
                  {"forecasts", predictions->forecasts}};
    if (!predictions->present)
        return;
    json_t *object = json_object();
    (void)json_object_set_new(object, "sees_future", json_boolean(predictions->sees_future));
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        (void)json_object_set_new(object, counts[i].name, whole(counts[i].value));
    put_predicted_by(object, predictions, SS_BY_PREDICTOR, "");
    put_predicted_by(object, predictions, SS_BY_PERSISTENCE, "persistence_");
    (void)json_object_set_new(object, "order", real(predictions->quality.order));
    put(b, "predictor", object);
}

/* Gaps between arrivals over the time that they took; null for one request, and for all at once. */
static json_t *
arrivals_per_s(const struct ss_result *result)
{
    const struct ss_records *records = &result->records;
    if (records->count < 2)
        return json_null();
    ss_time took = records->items[records->count - 1].arrival - result->first_arrival;
    return ratio((double)(records->count - 1), (double)took / SS_PS_PER_S);
}

/* ---- failures ---- */

/* From each failure until the replica was back, or until the router knew of it: all of it before the end of the cell.
 */
static ss_time
time_after(const struct ss_failures_result *failures, int until_detected)
{
    ss_time sum = 0;
    for (size_t i = 0; i < failures->outage_count; i++) {
        const struct ss_outage *outage = &failures->outages[i];
        ss_time until = until_detected ? outage->detected : outage->up;
        sum += (until < failures->span ? until : failures->span) - outage->down;
    }
    return sum;
}

static void
put_failures(struct builder *b)
{
    const struct ss_failures_result *failures = &b->result->failures;
    if (!failures->present)
        return;
    double down_s = ss_time_seconds(time_after(failures, 0)),
           all_s = ss_time_seconds(failures->span) * b->result->replica_count;
    const struct {
        const char *name;
        uint64_t value;
    } counts[] = {
        {"requests_retried", failures->requests_retried},   {"retries", failures->retries},
        {"requests_failed", failures->requests_failed},     {"kv_tokens_lost", failures->kv_tokens_lost},
        {"tokens_recomputed", failures->tokens_recomputed}, {"output_tokens_lost", failures->output_tokens_lost}};
    json_t *object = json_object();
    (void)json_object_set_new(object, "deaths", whole(failures->outage_count));
    (void)json_object_set_new(object, "downtime_s", real(down_s));
    (void)json_object_set_new(object, "availability", ratio(all_s - down_s, all_s));
    (void)json_object_set_new(object, "unnoticed_s", real(ss_time_seconds(time_after(failures, 1))));
    (void)json_object_set_new(object, "stragglers", whole(failures->stragglers));
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        (void)json_object_set_new(object, counts[i].name, whole(counts[i].value));
    put(b, "failures", object);
}

static void
put_counts(struct builder *b, const struct tally *tally)
{
    put(b, "requests_total", whole(b->result->records.count));
    put(b, "requests_finished", whole(tally->finished));
    put(b, "requests_rejected", whole(tally->rejected));
    put(b, "requests_failed", whole(tally->failed));
    put(b, "requests_unfinished", whole(tally->unfinished));
    put(b, "trace_rows_failed", whole(b->result->workload.rows_failed));
    put(b, "simulated_s", real(b->elapsed_s));
    put(b, "output_tokens", whole(tally->output_tokens));
    put(b, "prompt_tokens", whole(tally->prompt_tokens));
    put(b, "output_tokens_per_s", ratio((double)tally->output_tokens, b->elapsed_s));
    put(b, "prompt_tokens_per_s", ratio((double)tally->prompt_tokens, b->elapsed_s));
    put(b, "arrivals_per_s", arrivals_per_s(b->result));
    put(b, "requests_per_s", ratio((double)tally->finished, b->elapsed_s));
}

static json_t *
distribution(json_t *mean, int64_t p50_ps, int64_t p90_ps, int64_t p95_ps, int64_t p99_ps, int64_t max_ps)
{
    json_t *object = json_object();
    (void)json_object_set_new(object, "mean", mean);
    (void)json_object_set_new(object, "p50", milliseconds(p50_ps));
    (void)json_object_set_new(object, "p90", milliseconds(p90_ps));
    (void)json_object_set_new(object, "p95", milliseconds(p95_ps));
    (void)json_object_set_new(object, "p99", milliseconds(p99_ps));
    (void)json_object_set_new(object, "max", milliseconds(max_ps));
    return object;
}

static void
put_distribution(struct builder *b, const char *name, uint32_t figure, int64_t *room)
{
    struct ss_distribution d;
    ss_records_distribution(&b->result->records, figure, room, &d);
    json_t *mean = d.count > 0 ? real(d.mean_ms) : json_null();
    put(b, name, distribution(mean, d.p50_ps, d.p90_ps, d.p95_ps, d.p99_ps, d.max_ps));
}

static void
put_itl(struct builder *b)
{
    const struct ss_itl *itl = &b->result->itl;
    json_t *mean = itl->total > 0 ? real((double)itl->sum_ps / (double)itl->total / 1e9) : json_null();
    int64_t max_ps = itl->total > 0 ? itl->max_ps : SS_NO_PS;
    put(b, "itl_ms",
        distribution(mean, ss_itl_percentile_ps(itl, 50), ss_itl_percentile_ps(itl, 90), ss_itl_percentile_ps(itl, 95),
                     ss_itl_percentile_ps(itl, 99), max_ps));
}

static int
put_latencies(struct builder *b, struct servsim_error *err)
{
    size_t count = b->result->records.count, bytes = (count > 0 ? count : 1) * sizeof(int64_t);
    int64_t *room = ss_pages_resize(NULL, 0, bytes);
    if (room == NULL)
        return servsim_fail(err, ENOMEM, "no memory for the percentiles of %zu requests", count);
    put_distribution(b, "ttft_ms", SS_FIGURE_TTFT, room);
    put_distribution(b, "tpot_ms", SS_FIGURE_TPOT, room);
    put_itl(b);
    put_distribution(b, "latency_ms", SS_FIGURE_LATENCY, room);
    put_distribution(b, "queue_ms", SS_FIGURE_QUEUE, room);
    ss_pages_free(room, bytes);
    return 0;
}

static void
put_goodput(struct builder *b, const struct tally *tally)
{
    int stated = b->input->slo_ttft_ps >= 0 || b->input->slo_tpot_ps >= 0;
    put(b, "slo_met_requests", stated ? whole(tally->slo_met) : json_null());
    put(b, "slo_attainment", stated ? ratio((double)tally->slo_met, (double)b->result->records.count) : json_null());
    put(b, "goodput_requests_per_s", stated ? ratio((double)tally->slo_met, b->elapsed_s) : json_null());
}

static void
add_up(struct builder *b)
{
    for (uint32_t i = 0; i < b->result->replica_count; i++)
        ss_replica_result_add(&b->sum, &b->result->replicas[i]);
}

static void
put_engine(struct builder *b, const struct tally *tally)
{
    const struct ss_result *result = b->result;
    const struct ss_replica_result *sum = &b->sum;
    double elapsed_ps = b->elapsed_s * 1e12;
    put(b, "preemptions", whole(sum->preemptions));
    put(b, "prefill_tokens_computed", whole(sum->prefill_tokens));
    put(b, "recomputed_tokens", whole(sum->recomputed_tokens));
    put(b, "swapped_out_blocks", whole(sum->swapped_out_blocks));
    put(b, "swapped_in_blocks", whole(sum->swapped_in_blocks));
    put(b, "pauses", whole(sum->pauses));
    put(b, "cached_tokens", whole(tally->cached_tokens));
    put(b, "prefix_hit_rate", ratio((double)tally->cached_tokens, (double)tally->prompt_tokens));
    put(b, "kv_evictions", whole(sum->kv_evictions));
    put(b, "requests_in_system_mean", ratio((double)(result->waiting_area + result->running_area), elapsed_ps));
    put(b, "waiting_mean", ratio((double)result->waiting_area, elapsed_ps));
    put(b, "running_mean", ratio((double)result->running_area, elapsed_ps));
    put(b, "decode_batch_mean", ratio((double)sum->decode_tokens, (double)sum->decode_steps));
    put(b, "kv_blocks_total", whole(result->kv_blocks_total));
    put(b, "kv_blocks_peak", whole(sum->kv_blocks_peak));
    put(b, "kv_usage_peak", ratio((double)sum->kv_blocks_peak, (double)result->kv_blocks_total));
}

/* Model FLOPs utilisation, and bytes that must be read against those that could be: over all GPUs and the whole time.
 */
static void
put_utilisation(struct builder *b)
{
    const struct ss_result *result = b->result;
    const struct ss_replica_result *sum = &b->sum;
    double parts = (double)result->replica_count * result->parts, elapsed_s = b->elapsed_s,
           gpu_s = b->input->gpus * elapsed_s;
    put(b, "mfu", ratio((double)sum->flops, result->device.peak_flops * gpu_s));
    put(b, "bandwidth_utilisation", ratio((double)sum->bytes, result->device.memory_bytes_per_s * gpu_s));
    put(b, "busy_fraction", ratio((double)sum->busy / 1e12, parts * elapsed_s));
}

static void
put_busy_share(struct builder *b)
{
    const struct ss_replica_result *sum = &b->sum;
    if (sum->busy == 0) {
        put(b, "busy_share", json_null());
        return;
    }
    double busy = (double)sum->busy;
    json_t *share = json_object();
    (void)json_object_set_new(share, "dense", real((double)sum->dense / busy));
    ss_time attention = sum->busy - sum->dense - sum->communication - sum->overhead - sum->swap;
    (void)json_object_set_new(share, "attention", real((double)attention / busy));
    (void)json_object_set_new(share, "communication", real((double)sum->communication / busy));
    (void)json_object_set_new(share, "overhead", real((double)sum->overhead / busy));
    (void)json_object_set_new(share, "swap", real((double)sum->swap / busy));
    put(b, "busy_share", share);
}

/* Jain's index of busy time of replicas `from` to before `to`: (sum x)^2 / (n sum x^2), 1 when all are equal. */
static double
jain_index(const struct ss_result *result, uint32_t from, uint32_t to)
{
    double sum = 0, squares = 0;
    for (uint32_t i = from; i < to; i++) {
        double busy_s = ss_time_seconds(result->replicas[i].busy);
        sum += busy_s;
        squares += busy_s * busy_s;
    }
    return squares > 0 ? sum * sum / ((to - from) * squares) : NAN;
}

static json_t *
replica_json(const struct builder *b, uint32_t index)
{
    const struct ss_replica_result *one = &b->result->replicas[index];
    double busy_s = ss_time_seconds(one->busy) / b->result->parts; /* of a GPU, on average */
    json_t *object = json_object();
    (void)json_object_set_new(object, "replica", whole(index));
    (void)json_object_set_new(object, "requests", whole(one->requests));
    (void)json_object_set_new(object, "output_tokens", whole(one->output_tokens));
    (void)json_object_set_new(object, "busy_s", real(busy_s));
    (void)json_object_set_new(object, "busy_fraction", ratio(busy_s, b->elapsed_s));
    (void)json_object_set_new(object, "idle_s", real(b->elapsed_s > busy_s ? b->elapsed_s - busy_s : 0.0));
    (void)json_object_set_new(object, "kv_blocks_peak", whole(one->kv_blocks_peak));
    (void)json_object_set_new(object, "preemptions", whole(one->preemptions));
    return object;
}

static void
put_cluster(struct builder *b, const struct tally *tally)
{
    const struct servsim_device *device = &b->result->device;
    put(b, "gpus", whole(b->input->gpus));
    put(b, "replicas", whole(b->input->replicas));
    put(b, "output_tokens_per_s_per_gpu", ratio((double)tally->output_tokens, b->elapsed_s * b->input->gpus));
    put(b, "jain_index_busy", real(jain_index(b->result, 0, b->result->replica_count)));
    put(b, "device_name", json_string(device->name));
    put(b, "peak_flops", real(device->peak_flops));
    put(b, "memory_bytes_per_s", real(device->memory_bytes_per_s));
    put(b, "price_usd_per_hour", real(device->price_usd_per_hour));
    json_t *replicas = json_array();
    for (uint32_t i = 0; i < b->result->replica_count; i++)
        (void)json_array_append_new(replicas, replica_json(b, i));
    put(b, "per_replica", replicas);
}

/* ---- prefill and decode replicas ---- */

struct stays { /* of all that have ended */
    ss_wide sum;
    int64_t longest;
    uint64_t count;
};

static void
add_stay(struct stays *stays, int64_t ps)
{
    if (ps == SS_NO_PS)
        return;
    stays->sum += ps;
    stays->longest = ps > stays->longest ? ps : stays->longest;
    stays->count++;
}

static void
put_stays(json_t *object, const char *mean, const char *most, const struct stays *stays)
{
    (void)json_object_set_new(object, mean, ratio((double)stays->sum / 1e9, (double)stays->count));
    (void)json_object_set_new(object, most, milliseconds(stays->count > 0 ? stays->longest : SS_NO_PS));
}

static json_t *
busy_of(const struct builder *b, uint32_t from, uint32_t to)
{
    double busy_s = 0;
    for (uint32_t i = from; i < to; i++)
        busy_s += ss_time_seconds(b->result->replicas[i].busy);
    return ratio(busy_s, (to - from) * b->elapsed_s);
}

static void
put_disaggregation(struct builder *b)
{
    const struct ss_transfers_result *transfers = &b->result->transfers;
    struct stays waits = {0}, sendings = {0}, queues = {0};
    uint32_t prefill = transfers->prefill_replicas, all = b->result->replica_count;
    if (prefill == 0)
        return;
    for (size_t i = 0; i < transfers->capacity; i++) {
        const struct ss_transfer *transfer = ss_transfer_find(transfers, i);
        if (transfer == NULL)
            continue;
        add_stay(&waits, transfer->wait_ps);
        add_stay(&sendings, transfer->transfer_ps);
        add_stay(&queues, transfer->queue_ps);
    }
    json_t *object = json_object();
    (void)json_object_set_new(object, "prefill_replicas", whole(prefill));
    (void)json_object_set_new(object, "transfers", whole(sendings.count));
    (void)json_object_set_new(object, "bytes", real((double)transfers->blocks * transfers->block_bytes));
    put_stays(object, "transfer_wait_ms_mean", "transfer_wait_ms_max", &waits);
    put_stays(object, "transfer_ms_mean", "transfer_ms_max", &sendings);
    put_stays(object, "decode_queue_ms_mean", "decode_queue_ms_max", &queues);
    (void)json_object_set_new(object, "prefill_busy_fraction", busy_of(b, 0, prefill));
    (void)json_object_set_new(object, "decode_busy_fraction", busy_of(b, prefill, all));
    (void)json_object_set_new(object, "jain_index_prefill", real(jain_index(b->result, 0, prefill)));
    (void)json_object_set_new(object, "jain_index_decode", real(jain_index(b->result, prefill, all)));
    put(b, "disaggregation", object);
}

#define JOULES_PER_KWH 3.6e6

/* Only where the device says what it draws: no figure is better than one that looks like none was used. */
static void
put_energy(struct builder *b, const struct tally *tally)
{
    const struct servsim_device *device = &b->result->device;
    struct ss_energy energy;
    if (ss_energy_of(b->result, b->input->gpus, b->elapsed_s, &energy) != 0)
        return;
    double of_gpus = energy.idle_joules + energy.busy_joules, all = of_gpus + energy.host_joules;
    json_t *object = json_object();
    (void)json_object_set_new(object, "kwh", real(all / JOULES_PER_KWH));
    (void)json_object_set_new(object, "watts_per_gpu", ratio(of_gpus, energy.gpu_s));
    (void)json_object_set_new(object, "watts_per_gpu_busy", ratio(energy.busy_joules, energy.busy_gpu_s));
    (void)json_object_set_new(object, "joules_per_output_token", ratio(all, (double)tally->output_tokens));
    (void)json_object_set_new(object, "joules_per_token",
                              ratio(all, (double)tally->prompt_tokens + (double)tally->output_tokens));
    (void)json_object_set_new(object, "idle_share", ratio(energy.idle_joules, of_gpus));
    (void)json_object_set_new(object, "cut_share", ratio(energy.cut_joules, energy.busy_joules + energy.cut_joules));
    if (device->power_host_w > 0)
        (void)json_object_set_new(object, "host_kwh", real(energy.host_joules / JOULES_PER_KWH));
    if (device->electricity_usd_per_kwh > 0)
        (void)json_object_set_new(object, "usd", real(all / JOULES_PER_KWH * device->electricity_usd_per_kwh));
    put(b, "energy", object);
}

static int
dump(const json_t *root, struct ss_text *out, struct servsim_error *err)
{
    char *text = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    if (text == NULL)
        return servsim_fail(err, ENOMEM, "no memory for a summary");
    ss_text_puts(out, text);
    ss_text_puts(out, "\n");
    free(text);
    return out->failed ? servsim_fail(err, ENOMEM, "no memory for a summary") : 0;
}

int
ss_summary_json(const struct ss_result *result, const struct ss_summary_input *input, struct ss_text *out,
                struct servsim_error *err)
{
    struct builder b = {.result = result, .input = input, .root = json_object()};
    struct tally tally;
    ss_time elapsed = result->end > result->first_arrival ? result->end - result->first_arrival : 0;
    b.elapsed_s = ss_time_seconds(elapsed);
    count(result, input, &tally);
    add_up(&b);
    put_counts(&b, &tally);
    int rc = put_latencies(&b, err);
    if (rc == 0) {
        put_goodput(&b, &tally);
        put_engine(&b, &tally);
        put_utilisation(&b);
        put_busy_share(&b);
        put_cluster(&b, &tally);
        put_predictor(&b);
        put_failures(&b);
        put_disaggregation(&b);
        put_energy(&b, &tally);
        rc = dump(b.root, out, err);
    }
    json_decref(b.root);
    return rc;
}
