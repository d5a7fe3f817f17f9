/*
 * report/markdown/advice.c - what to change. Each sentence rests on figures of this very run and quotes them; a rule
 * that finds no ground says nothing.
 */
#include <math.h>

#include "report/markdown/sentences.h"

static double
rejected_share(const struct rp_cell *cell)
{
    return rp_figure(cell, "requests_rejected", NULL) / rp_figure(cell, "requests_total", NULL);
}

static double
communication_share(const struct rp_cell *cell)
{
    return rp_figure(cell, "busy_share", "communication");
}

static double
overhead_share(const struct rp_cell *cell)
{
    return rp_figure(cell, "busy_share", "overhead");
}

static double
preemptions(const struct rp_cell *cell)
{
    return rp_figure(cell, "preemptions", NULL);
}

static double
idleness(const struct rp_cell *cell)
{
    return 1 - rp_figure(cell, "busy_fraction", NULL);
}

static double
imbalance(const struct rp_cell *cell)
{
    /* Where most of the capacity is idle, it does not matter which replica idles. */
    int loaded = rp_figure(cell, "busy_fraction", NULL) >= 0.6;
    /* prefill and decode replicas are not meant to be equally busy: advise_roles() */
    int alike = rp_prefill_replicas(cell) == 0;
    return cell->replicas > 1 && loaded && alike ? 1 - rp_figure(cell, "jain_index_busy", NULL) : NAN;
}

static double
bandwidth_while_busy(const struct rp_cell *cell)
{
    double busy = rp_figure(cell, "busy_fraction", NULL);
    return busy >= 0.5 ? rp_figure(cell, "bandwidth_utilisation", NULL) / busy : NAN;
}

/* How near the running requests come to the scheduler's limit while others wait and KV blocks are left. */
static double
sequence_limit(const struct rp_cell *cell)
{
    double limit = cell->max_num_seqs * cell->replicas;
    int room = rp_figure(cell, "kv_usage_peak", NULL) < 0.9 && rp_figure(cell, "waiting_mean", NULL) > 1;
    return room && limit > 0 ? rp_figure(cell, "running_mean", NULL) / limit : NAN;
}

static void
put_against(struct md *md, const char *figure, double p95_ms, double limit_ms)
{
    rp_printf(&md->out, "; its P95 of %s is %s (limit ", figure, rp_milliseconds(p95_ms).text);
    md_limit(&md->out, limit_ms);
    rp_puts(&md->out, ")");
}

static void
advise_service_level(struct md *md, const struct rp_group *group)
{
    const struct rp_cell *small = md_smallest_meeting(group), *most = md_best(group, "slo_attainment", NULL, -1);
    if (most == NULL || !(md_sum(group, "requests_finished") > 0))
        return;
    if (small != NULL && md_done(group) > 1 && !md_sizes_differ(group)) /* the summary tells which */
        return;
    rp_puts(&md->out, "- ");
    if (small != NULL && md_done(group) == 1) {
        rp_printf(&md->out, "The service level is met for %s of the requests: nothing needs to change for it.\n",
                  md_share_text(small, "slo_attainment").text);
        return;
    }
    if (small != NULL) {
        rp_puts(&md->out, "To meet the service level with the fewest GPUs, run ");
        md_put_subject(md, small);
        rp_printf(&md->out, ": %s GPU%s, %s of requests within the limits, %s requests/s of goodput.\n",
                  rp_count(small->gpus).text, md_plural(small->gpus), md_share_text(small, "slo_attainment").text,
                  md_figure(small, "goodput_requests_per_s", NULL, AS_NUMBER).text);
        return;
    }
    rp_puts(&md->out, "Nothing here meets the service level for 95 % of requests. ");
    md_put_subject(md, most);
    rp_printf(&md->out, " comes nearest with %s", md_share_text(most, "slo_attainment").text);
    if (isfinite(most->slo_ttft_ms))
        put_against(md, "TTFT", rp_figure(most, "ttft_ms", "p95"), most->slo_ttft_ms);
    if (isfinite(most->slo_tpot_ms))
        put_against(md, "TPOT", rp_figure(most, "tpot_ms", "p95"), most->slo_tpot_ms);
    rp_puts(&md->out, ".\n");
}

static void
advise_queue(struct md *md, const struct rp_group *group)
{
    const struct rp_cell *worst = md_largest(group, md_queue_share, QUEUE_SHARE), *best = NULL;
    if (worst == NULL)
        return;
    double busy = rp_figure(worst, "busy_fraction", NULL);
    rp_puts(&md->out, "- In ");
    md_put_subject(md, worst);
    rp_printf(&md->out, " a request waits %s on average before it is taken up, %s of its latency, ",
              md_figure(worst, "queue_ms", "mean", AS_MS).text, rp_percent(md_queue_share(worst)).text);
    if (busy >= 0.9)
        rp_printf(&md->out, "and the engines are busy %s of the time: the load is more than it can serve",
                  md_share_text(worst, "busy_fraction").text);
    else
        rp_printf(&md->out,
                  "while the engines are busy only %s of the time: the load comes in bursts, or few requests fit "
                  "at once",
                  md_share_text(worst, "busy_fraction").text);
    for (size_t i = 0; i < group->count; i++) /* the least that cures it */
        if (!group->mixed && group->cells[i]->done && md_queue_share(group->cells[i]) < QUEUE_SHARE / 2 &&
            rp_differ(worst, group->cells[i], "queue_ms", "mean") &&
            (best == NULL || group->cells[i]->gpus < best->gpus))
            best = group->cells[i];
    if (best != NULL) {
        rp_puts(&md->out, ". ");
        md_put_subject(md, best);
        rp_printf(&md->out, " (%s GPU%s) waits %s", rp_count(best->gpus).text, md_plural(best->gpus),
                  md_figure(best, "queue_ms", "mean", AS_MS).text);
    } else if (md_done(group) > 1 && !group->mixed) {
        rp_printf(&md->out,
                  ". No configuration here cures it: give it more replicas, or admit less than the %s requests/s "
                  "that it finished",
                  md_figure(worst, "requests_per_s", NULL, AS_NUMBER).text);
    }
    rp_puts(&md->out, ".\n");
}

/* "+23.9 %", "−55.0 %", "0 %"; "no more than noise (+1.2 %)". */
static void
put_change(struct md *md, const struct rp_cell *from, const struct rp_cell *to, const char *a, const char *b)
{
    double change = rp_figure(to, a, b) / rp_figure(from, a, b) - 1, size = fabs(change) < 1e-4 ? 0 : fabs(change);
    int noise = from->members != NULL && !rp_differ(from, to, a, b);
    rp_printf(&md->out, "%s%s%s%s", noise ? "no more than noise (" : "",
              size == 0    ? ""
              : change > 0 ? "+"
                           : "−",
              rp_percent(size).text, noise ? ")" : "");
}

static void
put_changes(struct md *md, const struct rp_cell *from, const struct rp_cell *to)
{
    rp_puts(&md->out, "throughput by ");
    put_change(md, from, to, "output_tokens_per_s", NULL);
    rp_puts(&md->out, " and mean latency by ");
    put_change(md, from, to, "latency_ms", "mean");
}

/* The smallest configuration from which all that is larger brings less than a tenth more, or no more than noise. */
static const struct rp_cell *
enough_of(const struct rp_series *series)
{
    for (size_t i = 0; i + 1 < series->count; i++) {
        int better = 0;
        for (size_t j = i + 1; j < series->count; j++)
            better |= (md_output_rate(series->cells[j]) > 1.1 * md_output_rate(series->cells[i]) &&
                       rp_differ(series->cells[i], series->cells[j], "output_tokens_per_s", NULL)) ||
                      (md_latency_mean(series->cells[j]) < 0.9 * md_latency_mean(series->cells[i]) &&
                       rp_differ(series->cells[i], series->cells[j], "latency_ms", "mean"));
        if (!better)
            return series->cells[i];
    }
    return NULL;
}

static void
say_traffic_bound(struct md *md, const struct rp_cell *first, const struct rp_cell *last)
{
    rp_printf(&md->out,
              "The traffic, not the GPUs, sets the throughput: the smallest configuration is busy %s of the time "
              "and gives %s output tokens/s, the largest gives %s. More GPUs change only latency (%s at %s, %s "
              "at %s); to see how much the cluster could serve, run the same traffic compressed in time. ",
              md_share_text(first, "busy_fraction").text, md_output_text(first).text, md_output_text(last).text,
              md_latency_text(first).text, rp_count(first->gpus).text, md_latency_text(last).text,
              rp_count(last->gpus).text);
}

/* What do the additional GPUs of a series bring? */
static void
advise_series(struct md *md, const struct rp_group *group, const struct rp_series *series)
{
    if (series->count < 2 || !(md_output_rate(series->cells[0]) > 0))
        return;
    const struct rp_cell *first = series->cells[0], *last = series->cells[series->count - 1];
    const struct rp_cell *before = series->cells[series->count - 2], *enough = enough_of(series);
    rp_puts(&md->out, "- ");
    if (group->series_count > 1 && series->label[0] != '\0') {
        rp_puts(&md->out, "(");
        md_escape(&md->out, series->label);
        rp_puts(&md->out, ") ");
    }
    if (md_traffic_bound(series))
        say_traffic_bound(md, first, last);
    if (enough != NULL) {
        rp_printf(&md->out, "%s at %s GPU%s: going to %s changes ",
                  md_traffic_bound(series) ? "For latency, stop" : "Stop", rp_count(enough->gpus).text,
                  md_plural(enough->gpus), rp_count(last->gpus).text);
        put_changes(md, enough, last);
        rp_puts(&md->out, ".\n");
    } else if (md_traffic_bound(series)) {
        rp_puts(&md->out, "\n");
    } else {
        rp_printf(&md->out, "The step from %s to %s GPUs changes ", rp_count(before->gpus).text,
                  rp_count(last->gpus).text);
        put_changes(md, before, last);
        rp_printf(&md->out, "; a GPU then gives %s output tokens/s where it gave %s in the smallest configuration.\n",
                  md_figure(last, "output_tokens_per_s_per_gpu", NULL, AS_NUMBER).text,
                  md_figure(first, "output_tokens_per_s_per_gpu", NULL, AS_NUMBER).text);
    }
}

/* Series against each other at the largest number of GPUs that they share. */
static void
advise_between_series(struct md *md, const struct rp_group *group)
{
    double gpus = 0;
    for (size_t i = 0; group->series_count > 1 && i < group->series[0].count; i++) {
        size_t sharing = 0;
        for (size_t s = 0; s < group->series_count; s++)
            for (size_t j = 0; j < group->series[s].count; j++)
                sharing += group->series[s].cells[j]->gpus == group->series[0].cells[i]->gpus;
        gpus = sharing == group->series_count ? group->series[0].cells[i]->gpus : gpus;
    }
    const struct rp_series *best = NULL, *worst = NULL;
    const struct rp_cell *lowest = NULL, *highest = NULL;
    double low = INFINITY, high = 0;
    for (size_t s = 0; s < group->series_count && gpus > 0; s++)
        for (size_t j = 0; j < group->series[s].count; j++) {
            double latency = md_latency_mean(group->series[s].cells[j]);
            if (group->series[s].cells[j]->gpus != gpus)
                continue;
            best = latency < low ? &group->series[s] : best;
            lowest = latency < low ? group->series[s].cells[j] : lowest;
            worst = latency > high ? &group->series[s] : worst;
            highest = latency > high ? group->series[s].cells[j] : highest;
            low = fmin(low, latency);
            high = fmax(high, latency);
        }
    if (best == NULL || worst == NULL || low > 0.98 * high || !rp_differ(lowest, highest, "latency_ms", "mean"))
        return;
    rp_printf(&md->out, "- At %s GPU%s, **", rp_count(gpus).text, md_plural(gpus));
    md_escape(&md->out, best->label);
    rp_printf(&md->out, "** has the lowest mean latency, %s; ", md_latency_text(lowest).text);
    md_escape(&md->out, worst->label);
    rp_printf(&md->out, " has the highest, %s.\n", md_latency_text(highest).text);
}

/* Cells of one size and one traffic, that no series compares: which is quickest? */
static void
advise_one_size(struct md *md, const struct rp_group *group)
{
    const struct rp_cell *best = md_best(group, "latency_ms", "mean", 1),
                         *worst = md_best(group, "latency_ms", "mean", -1);
    if (group->mixed || md_sizes_differ(group) || best == NULL ||
        md_latency_mean(best) > 0.9 * md_latency_mean(worst) || !rp_differ(best, worst, "latency_ms", "mean"))
        return;
    rp_puts(&md->out, "- Of the same size and on the same traffic, ");
    md_put_subject(md, best);
    rp_printf(&md->out, " has the lowest mean latency, %s (TTFT P99 %s), ", md_latency_text(best).text,
              md_figure(best, "ttft_ms", "p99", AS_MS).text);
    md_put_subject(md, worst);
    rp_printf(&md->out, " the highest, %s (%s).\n", md_latency_text(worst).text,
              md_figure(worst, "ttft_ms", "p99", AS_MS).text);
}

static void
advise_communication(struct md *md, const struct rp_group *group)
{
    const struct rp_cell *cell = md_largest(group, communication_share, 0.15), *other = NULL;
    if (cell == NULL)
        return;
    rp_puts(&md->out, "- ");
    md_put_subject(md, cell);
    rp_printf(&md->out, " spends %s of its busy time on communication between %s GPUs.",
              md_figure(cell, "busy_share", "communication", AS_PERCENT).text, rp_count(cell->tp).text);
    for (size_t i = 0; i < group->count; i++) {
        const struct rp_cell *candidate = group->cells[i];
        if (candidate->done && candidate->gpus == cell->gpus && candidate->tp < cell->tp &&
            strcmp(candidate->scheduler, cell->scheduler) == 0 && strcmp(candidate->hardware, cell->hardware) == 0 &&
            (other == NULL || md_output_rate(candidate) > md_output_rate(other)))
            other = candidate;
    }
    if (other != NULL) {
        rp_puts(&md->out, " Arranged as ");
        md_put_subject(md, other);
        rp_printf(&md->out, ", the same %s GPUs give %s output tokens/s at a mean latency of %s, against %s at %s.\n",
                  rp_count(cell->gpus).text, md_output_text(other).text, md_latency_text(other).text,
                  md_output_text(cell).text, md_latency_text(cell).text);
    } else {
        rp_printf(&md->out, " Run the same %s GPUs as replicas of narrower engines to compare.\n",
                  rp_count(cell->gpus).text);
    }
}

/* What its preemptions cost: tokens computed again, copies to the host's memory, or both. */
static void
put_preemption_cost(struct md *md, const struct rp_cell *cell)
{
    double computed = rp_figure(cell, "recomputed_tokens", NULL), out = rp_figure(cell, "swapped_out_blocks", NULL);
    int swapped = out > 0;
    if (computed > 0 || !swapped)
        rp_printf(&md->out, ", and %s tokens computed again, %s of all its prefill",
                  md_figure(cell, "recomputed_tokens", NULL, AS_COUNT).text,
                  rp_percent(computed / rp_figure(cell, "prefill_tokens_computed", NULL)).text);
    if (swapped)
        rp_printf(&md->out, ", and %s KV blocks swapped out, for whose copies steps waited %s of the busy time",
                  md_figure(cell, "swapped_out_blocks", NULL, AS_COUNT).text,
                  md_figure(cell, "busy_share", "swap", AS_PERCENT).text);
}

static void
advise_memory(struct md *md, const struct rp_group *group)
{
    const struct rp_cell *cell = md_largest(group, preemptions, 1), *narrow = md_largest(group, sequence_limit, 0.8);
    if (cell != NULL) {
        rp_puts(&md->out, "- ");
        md_put_subject(md, cell);
        rp_printf(&md->out, " ran out of KV blocks (peak use %s): %s preemption%s",
                  md_share_text(cell, "kv_usage_peak").text, md_figure(cell, "preemptions", NULL, AS_COUNT).text,
                  md_plural(preemptions(cell)));
        put_preemption_cost(md, cell);
        rp_printf(&md->out, ". Lower max_num_seqs from %s, raise memory_utilization, or spread the load.\n",
                  rp_count(cell->max_num_seqs).text);
    }
    if (narrow != NULL) {
        rp_puts(&md->out, "- ");
        md_put_subject(md, narrow);
        rp_printf(&md->out,
                  " runs %s requests on average where max_num_seqs allows %s, %s wait, and its KV cache peaks at "
                  "%s: raise max_num_seqs.\n",
                  rp_human(rp_figure(narrow, "running_mean", NULL)).text,
                  rp_count(narrow->max_num_seqs * narrow->replicas).text,
                  rp_human(rp_figure(narrow, "waiting_mean", NULL)).text,
                  rp_percent(rp_figure(narrow, "kv_usage_peak", NULL)).text);
    }
}

static void
advise_engine(struct md *md, const struct rp_group *group)
{
    const struct rp_cell *overhead = md_largest(group, overhead_share, 0.25);
    const struct rp_cell *bandwidth = md_largest(group, bandwidth_while_busy, 0.65);
    if (overhead != NULL) {
        rp_puts(&md->out, "- ");
        md_put_subject(md, overhead);
        rp_printf(&md->out,
                  " spends %s of its busy time on the engine's own overhead, with %s requests in a decode batch on "
                  "average: more requests at once, or an engine with less overhead, would use it better.\n",
                  rp_percent(overhead_share(overhead)).text,
                  rp_human(rp_figure(overhead, "decode_batch_mean", NULL)).text);
    }
    if (bandwidth != NULL) {
        rp_puts(&md->out, "- While it is busy, ");
        md_put_subject(md, bandwidth);
        rp_printf(&md->out,
                  " reads memory at %s of the datasheet's rate, and its MFU over the whole run is %s: memory "
                  "bandwidth is the limit, and larger decode batches than the %s requests of now would get more "
                  "from each reading of the weights.\n",
                  rp_percent(bandwidth_while_busy(bandwidth)).text, rp_percent(rp_figure(bandwidth, "mfu", NULL)).text,
                  rp_human(rp_figure(bandwidth, "decode_batch_mean", NULL)).text);
    }
}

/* ---- prefill and decode on replicas of their own ---- */

static double
wait_to_decode_ms(const struct rp_cell *cell)
{
    return rp_figure(cell, "disaggregation", "decode_queue_ms_mean");
}

static double
wait_to_prefill_ms(const struct rp_cell *cell)
{
    return rp_prefill_replicas(cell) > 0 ? rp_figure(cell, "queue_ms", "mean") : NAN;
}

static double
wait_for_link_ms(const struct rp_cell *cell)
{
    return rp_figure(cell, "disaggregation", "transfer_wait_ms_mean");
}

static void
put_roles(struct md *md, const struct rp_cell *cell, const char *what, double wait_ms, const char *busy,
          const char *others, const char *mend)
{
    rp_puts(&md->out, "- Requests of ");
    md_put_subject(md, cell);
    rp_printf(&md->out, " wait %s on average %s, while its %s replicas are busy %s of the time: %s.\n",
              rp_milliseconds(wait_ms).text, what, others, rp_percent(rp_figure(cell, "disaggregation", busy)).text,
              mend);
}

/* Where requests wait for one kind much longer than for the other, that kind is too small. */
static void
advise_roles(struct md *md, const struct rp_group *group)
{
    const struct rp_cell *decode = md_largest(group, wait_to_decode_ms, 500),
                         *prefill = md_largest(group, wait_to_prefill_ms, 500),
                         *link = md_largest(group, wait_for_link_ms, 50);
    if (decode != NULL && wait_to_decode_ms(decode) > 2 * wait_to_prefill_ms(decode))
        put_roles(md, decode, "to decode", wait_to_decode_ms(decode), "prefill_busy_fraction", "prefill",
                  "let more replicas decode, and fewer compute prompts");
    if (prefill != NULL && wait_to_prefill_ms(prefill) > 2 * wait_to_decode_ms(prefill))
        put_roles(md, prefill, "for their prompts to be computed", wait_to_prefill_ms(prefill), "decode_busy_fraction",
                  "decode", "let more replicas compute prompts");
    if (link == NULL)
        return;
    rp_puts(&md->out, "- Requests of ");
    md_put_subject(md, link);
    rp_printf(&md->out, " wait %s on average until others have crossed the link: kv_transfer.bandwidth is the limit.\n",
              rp_milliseconds(wait_for_link_ms(link)).text);
}

static void
advise_cluster(struct md *md, const struct rp_group *group)
{
    const struct rp_cell *uneven = md_largest(group, imbalance, 0.05), *idle = md_largest(group, idleness, 0.7);
    const struct rp_cell *refused = md_largest(group, rejected_share, 1e-9);
    if (uneven != NULL) {
        rp_puts(&md->out, "- The replicas of ");
        md_put_subject(md, uneven);
        rp_printf(&md->out, " are unevenly busy: Jain's index is %s over %s replicas. Try another router than ",
                  rp_index(rp_figure(uneven, "jain_index_busy", NULL)).text, rp_count(uneven->replicas).text);
        md_escape(&md->out, uneven->router);
        rp_puts(&md->out, ".\n");
    }
    if (idle != NULL && idle->gpus > 1) {
        rp_puts(&md->out, "- ");
        md_put_subject(md, idle);
        rp_printf(&md->out,
                  " is idle %s of the time: %s GPUs are more than this traffic (%s requests/s) needs for "
                  "throughput.\n",
                  rp_percent(idleness(idle)).text, rp_count(idle->gpus).text,
                  md_figure(idle, "requests_per_s", NULL, AS_NUMBER).text);
    }
    if (refused != NULL) {
        double tokens = rp_figure(refused, "kv_blocks_total", NULL) * refused->block_size;
        rp_puts(&md->out, "- ");
        md_put_subject(md, refused);
        rp_printf(&md->out,
                  " rejected %s of %s requests (%s): its scheduler turned them away, or they are longer than the "
                  "model's context or its KV cache",
                  rp_count(rp_total(refused, "requests_rejected")).text,
                  rp_count(rp_total(refused, "requests_total")).text, rp_percent(rejected_share(refused)).text);
        if (isfinite(tokens))
            rp_printf(&md->out, " of %s tokens", rp_count(tokens).text);
        rp_puts(&md->out, "; its other figures leave them out.\n");
    }
}

static void
advise_group(struct md *md, const struct rp_group *group)
{
    if (md->matrix.group_count > 1)
        md_put_traffic_name(md, group);
    size_t before = md->out.length;
    if (md_cells(group, 1) < md_cells(group, 0))
        rp_printf(&md->out,
                  "- %zu of %zu cells failed: see the reasons above, and run those again before you compare.\n",
                  md_cells(group, 0) - md_cells(group, 1), md_cells(group, 0));
    if (md_done(group) > 0) {
        advise_service_level(md, group);
        advise_queue(md, group);
        for (size_t s = 0; s < group->series_count && s < 8; s++)
            advise_series(md, group, &group->series[s]);
        advise_between_series(md, group);
        advise_one_size(md, group);
        advise_communication(md, group);
        advise_memory(md, group);
        advise_engine(md, group);
        advise_cluster(md, group);
        advise_roles(md, group);
    }
    if (md->out.length == before) {
        const struct rp_cell *cell = md_best(group, "busy_fraction", NULL, -1);
        if (cell != NULL) {
            rp_puts(&md->out, "- No figure here calls for a change: the busiest configuration, ");
            md_put_subject(md, cell);
            rp_printf(&md->out, ", is busy %s of the time and its requests wait %s on average.\n",
                      rp_percent(rp_figure(cell, "busy_fraction", NULL)).text,
                      rp_milliseconds(rp_figure(cell, "queue_ms", "mean")).text);
        }
    }
    rp_puts(&md->out, "\n");
}

void
md_advice(struct md *md)
{
    rp_puts(&md->out, "## Advice\n\n");
    for (size_t g = 0; g < md->matrix.group_count; g++)
        advise_group(md, &md->matrix.groups[g]);
}
