/*
 * report/markdown/advice.c - the sentences: a summary, advice, and a verdict on four ideal behaviours.
 *
 * Each sentence rests on figures of this very run and quotes them. A rule that finds no ground says nothing.
 */
#include <math.h>

#include "report/common/loss.h"
#include "report/markdown/markdown.h"

static double
output_rate(const struct rp_cell *cell)
{
    return rp_figure(cell, "output_tokens_per_s", NULL);
}

static double
latency_mean(const struct rp_cell *cell)
{
    return rp_figure(cell, "latency_ms", "mean");
}

/* The same as they are shown, with their intervals. */
static struct rp_word
output_text(const struct rp_cell *cell)
{
    return md_figure(cell, "output_tokens_per_s", NULL, AS_NUMBER);
}

static struct rp_word
latency_text(const struct rp_cell *cell)
{
    return md_figure(cell, "latency_ms", "mean", AS_MS);
}

static struct rp_word
share_text(const struct rp_cell *cell, const char *key)
{
    return md_figure(cell, key, NULL, AS_PERCENT);
}

static const char *
plural(double count)
{
    return count == 1 ? "" : "s";
}

/* The bold name of a cell, with its GPUs where the name does not tell them. */
static void
put_subject(struct md *md, const struct rp_cell *cell)
{
    rp_puts(&md->out, "**");
    md_label(md, cell);
    rp_puts(&md->out, "**");
}

/* Is the service level met for enough requests, noise allowed for? */
static int
meets(const struct rp_cell *cell)
{
    struct rp_spread met = rp_figure_spread(cell, "slo_attainment", NULL);
    return met.mean - (isfinite(met.half) ? met.half : 0) >= SLO_TARGET;
}

void
md_put_equals(struct md *md, const struct rp_group *group, const struct rp_cell *best, const char *a, const char *b)
{
    size_t named = 0, others = 0;
    for (size_t i = 0; i < group->count && best->members != NULL; i++) {
        const struct rp_cell *cell = group->cells[i];
        if (cell == best || !cell->done || rp_differ(best, cell, a, b))
            continue;
        others++;
        if (named >= 4)
            continue;
        rp_puts(&md->out, named == 0 ? "; no difference larger than noise from " : ", ");
        md_label(md, cell);
        rp_printf(&md->out, " (%s)", md_figure(cell, a, b, b != NULL ? AS_MS : AS_NUMBER).text);
        named++;
    }
    if (others > named)
        rp_printf(&md->out, " and %zu more", others - named);
}

/* The cell with the fewest GPUs (then the best attainment) among those that meet the service level. */
static const struct rp_cell *
smallest_meeting(const struct rp_group *group)
{
    const struct rp_cell *best = NULL;
    for (size_t i = 0; i < group->count; i++) {
        const struct rp_cell *cell = group->cells[i];
        double met = rp_figure(cell, "slo_attainment", NULL);
        if (meets(cell) && (best == NULL || cell->gpus < best->gpus ||
                            (cell->gpus == best->gpus && met > rp_figure(best, "slo_attainment", NULL))))
            best = cell;
    }
    return best;
}

/* Whether a choice between the cells is one between numbers of GPUs. Where the traffic differs there is none to make.
 */
static int
sizes_differ(const struct rp_group *group)
{
    double least = INFINITY, most = 0;
    for (size_t i = 0; i < group->count; i++)
        if (group->cells[i]->done) {
            least = fmin(least, group->cells[i]->gpus);
            most = fmax(most, group->cells[i]->gpus);
        }
    return !group->mixed && least < most;
}

static size_t
count_meeting(const struct rp_group *group)
{
    size_t count = 0;
    for (size_t i = 0; i < group->count; i++)
        count += group->cells[i]->done && meets(group->cells[i]);
    return count;
}

/* ---- summary ---------------------------------------------------------------------------------------------------- */

static void
say_one_cell(struct md *md, const struct rp_cell *cell)
{
    rp_puts(&md->out, "- ");
    put_subject(md, cell);
    if (!(rp_figure(cell, "requests_finished", NULL) > 0)) {
        rp_printf(&md->out, " finished none of its %s requests.\n", rp_count(rp_total(cell, "requests_total")).text);
        return;
    }
    rp_printf(&md->out, " gives %s output tokens/s (%s requests/s) with a mean latency of %s and a P99 of %s;",
              output_text(cell).text, md_figure(cell, "requests_per_s", NULL, AS_NUMBER).text, latency_text(cell).text,
              md_figure(cell, "latency_ms", "p99", AS_MS).text);
    rp_printf(&md->out, " the first token comes after %s on average, the others every %s.\n",
              md_figure(cell, "ttft_ms", "mean", AS_MS).text, md_figure(cell, "tpot_ms", "mean", AS_MS).text);
}

static void
say_throughput(struct md *md, const struct rp_group *group)
{
    const struct rp_cell *best = md_best(group, "output_tokens_per_s", NULL, -1);
    const struct rp_cell *least = md_best(group, "output_tokens_per_s", NULL, 1);
    if (best == NULL || !(output_rate(best) > 0))
        return;
    int same = output_rate(least) > 0.98 * output_rate(best);
    if (same || !rp_differ(best, least, "output_tokens_per_s", NULL)) {
        rp_printf(&md->out, "- **Throughput** %s: %s output tokens/s at most, %s at least.\n",
                  same ? "is the same everywhere" : "shows no difference larger than noise", output_text(best).text,
                  output_text(least).text);
        return;
    }
    rp_puts(&md->out, "- **Highest throughput**: ");
    put_subject(md, best);
    rp_printf(&md->out, " with %s output tokens/s (%s requests/s) on %s GPU%s, %s as much as ", output_text(best).text,
              md_figure(best, "requests_per_s", NULL, AS_NUMBER).text, rp_count(best->gpus).text, plural(best->gpus),
              rp_times(output_rate(best) / output_rate(least)).text);
    md_label(md, least);
    rp_printf(&md->out, " (%s)", output_text(least).text);
    md_put_equals(md, group, best, "output_tokens_per_s", NULL);
    rp_puts(&md->out, ".\n");
}

static void
say_latency(struct md *md, const struct rp_group *group)
{
    const struct rp_cell *best = md_best(group, "latency_ms", "mean", 1);
    const struct rp_cell *worst = md_best(group, "latency_ms", "mean", -1);
    const struct rp_cell *tail = md_best(group, "latency_ms", "p99", 1);
    if (best == NULL)
        return;
    if (!rp_differ(best, worst, "latency_ms", "mean")) {
        rp_printf(&md->out, "- **Latency** shows no difference%s: a mean of %s at least, %s at most.\n",
                  best->members != NULL ? " larger than noise" : "", latency_text(best).text, latency_text(worst).text);
        return;
    }
    rp_puts(&md->out, "- **Lowest latency**: ");
    put_subject(md, best);
    rp_printf(&md->out, " with a mean of %s and a P99 of %s", latency_text(best).text,
              md_figure(best, "latency_ms", "p99", AS_MS).text);
    if (tail != NULL && tail != best && rp_differ(tail, best, "latency_ms", "p99")) {
        rp_puts(&md->out, " (the lowest P99 is that of ");
        md_label(md, tail);
        rp_printf(&md->out, ", %s)", md_figure(tail, "latency_ms", "p99", AS_MS).text);
    }
    rp_puts(&md->out, "; the highest mean is that of ");
    md_label(md, worst);
    rp_printf(&md->out, ", %s", latency_text(worst).text);
    md_put_equals(md, group, best, "latency_ms", "mean");
    rp_puts(&md->out, ".\n");
}

static void
say_service_level(struct md *md, const struct rp_group *group)
{
    const struct rp_cell *most = md_best(group, "slo_attainment", NULL, -1), *small = smallest_meeting(group);
    if (most == NULL || !(md_sum(group, "requests_finished") > 0))
        return;
    int by_size = sizes_differ(group);
    const struct rp_cell *subject = small != NULL && by_size ? small : most;
    if (small != NULL && !by_size && md_done(group) > 1) {
        rp_printf(&md->out,
                  "- **Service level**: %zu of %zu configurations meet it for 95 %% of requests; the most is ",
                  count_meeting(group), md_done(group));
        put_subject(md, most);
        rp_printf(&md->out, " with %s.\n", share_text(most, "slo_attainment").text);
        return;
    }
    rp_printf(&md->out, "- **Service level**: %s",
              small != NULL ? "the fewest GPUs that meet it for 95 % of requests are "
                              "those of "
              : rp_figure(most, "slo_attainment", NULL) >= SLO_TARGET
                  ? "nothing meets it for 95 % of requests beyond noise; nearest is "
                  : "nothing meets it for 95 % of requests; nearest is ");
    put_subject(md, subject);
    rp_printf(&md->out, " (%s GPU%s) with %s", rp_count(subject->gpus).text, plural(subject->gpus),
              share_text(subject, "slo_attainment").text);
    if (subject != most && rp_differ(most, subject, "slo_attainment", NULL)) {
        rp_puts(&md->out, "; the most is ");
        md_label(md, most);
        rp_printf(&md->out, " with %s", share_text(most, "slo_attainment").text);
    }
    rp_puts(&md->out, ".\n");
}

static void
say_per_gpu(struct md *md, const struct rp_group *group)
{
    const struct rp_cell *best = md_best(group, "output_tokens_per_s_per_gpu", NULL, -1);
    const struct rp_cell *least = md_best(group, "output_tokens_per_s_per_gpu", NULL, 1);
    double most = best != NULL ? rp_figure(best, "output_tokens_per_s_per_gpu", NULL) : 0;
    if (!(most > 0) || rp_figure(least, "output_tokens_per_s_per_gpu", NULL) > 0.98 * most ||
        !rp_differ(best, least, "output_tokens_per_s_per_gpu", NULL))
        return;
    rp_puts(&md->out, "- **Most from each GPU**: ");
    put_subject(md, best);
    rp_printf(&md->out, " with %s output tokens/s per GPU",
              md_figure(best, "output_tokens_per_s_per_gpu", NULL, AS_NUMBER).text);
    double price = rp_figure(best, "price_usd_per_hour", NULL);
    if (price > 0)
        rp_printf(&md->out, ", or %s USD per million output tokens at %s USD per GPU and hour",
                  rp_human(price / 3600 / most * 1e6).text, rp_human(price).text);
    md_put_equals(md, group, best, "output_tokens_per_s_per_gpu", NULL);
    rp_puts(&md->out, ".\n");
}

/* "; most of the loss is Communication" where there is a loss to speak of. */
static void
put_main_loss(struct md *md, const struct rp_cell *first, const struct rp_cell *last)
{
    struct rp_loss loss;
    if (!rp_loss_of(&loss, first, last) || loss.lost < 0.02 * loss.ideal)
        return;
    if (last->members != NULL && !rp_differ(first, last, "output_tokens_per_s_per_gpu", NULL))
        return;
    size_t largest = rp_loss_largest(&loss);
    rp_printf(&md->out, "; of the %s of the ideal that is lost, most goes to %s (%s)",
              rp_percent(loss.lost / loss.ideal).text, rp_loss_name(largest),
              rp_percent(loss.parts[largest] / loss.ideal).text);
}

static void
say_scaling(struct md *md, const struct rp_group *group)
{
    size_t said = 0;
    for (size_t s = 0; s < group->series_count && said < 4; s++) {
        const struct rp_series *series = &group->series[s];
        const struct rp_cell *first = series->cells[0], *last = series->cells[series->count - 1];
        struct rp_spread speed_up = rp_figure_ratio(last, first, "output_tokens_per_s", NULL), efficiency = speed_up;
        efficiency.mean *= first->gpus / last->gpus;
        efficiency.half *= first->gpus / last->gpus;
        if (series->count < 2 || !isfinite(speed_up.mean))
            continue;
        rp_printf(&md->out, "- **From %s to %s GPUs**", rp_count(first->gpus).text, rp_count(last->gpus).text);
        if (group->series_count > 1 && series->label[0] != '\0') {
            rp_puts(&md->out, " (");
            md_escape(&md->out, series->label);
            rp_puts(&md->out, ")");
        }
        rp_printf(&md->out, ": %s the throughput (%s efficiency), mean latency from %s to %s",
                  md_spread(&speed_up, AS_TIMES).text, md_spread(&efficiency, AS_PERCENT).text,
                  latency_text(first).text, latency_text(last).text);
        put_main_loss(md, first, last);
        if (rp_figure(last, "requests_per_s", NULL) >= 0.95 * rp_figure(last, "arrivals_per_s", NULL))
            rp_printf(&md->out, "; at %s GPUs all of the %s requests/s that arrive are served, and more cannot be seen",
                      rp_count(last->gpus).text, md_figure(last, "arrivals_per_s", NULL, AS_NUMBER).text);
        rp_puts(&md->out, ".\n");
        said++;
    }
}

static void
put_traffic_name(struct md *md, const struct rp_group *group)
{
    char load[96];
    rp_puts(&md->out, "**Traffic ");
    md_escape(&md->out, group->title);
    rp_puts(&md->out, "**");
    if (group->cells[0]->load > 0) {
        rp_load_text(load, group->cells[0]);
        rp_printf(&md->out, ", %s", load);
    }
    rp_puts(&md->out, "\n\n");
}

static void
say_group(struct md *md, const struct rp_group *group)
{
    size_t done = md_done(group);
    if (md->matrix.group_count > 1)
        put_traffic_name(md, group);
    if (group->mixed && done > 1)
        rp_puts(&md->out, "- The cells served **different traffic**: their figures show the traffic as much as the "
                          "configuration.\n");
    if (md_cells(group, 1) < md_cells(group, 0))
        rp_printf(&md->out, "- **%zu of %zu cells failed**; the reasons stand under Failures.\n",
                  md_cells(group, 0) - md_cells(group, 1), md_cells(group, 0));
    if (done == 1)
        for (size_t i = 0; i < group->count; i++)
            if (group->cells[i]->done)
                say_one_cell(md, group->cells[i]);
    if (done > 1) {
        say_throughput(md, group);
        say_latency(md, group);
    }
    if (done > 0)
        say_service_level(md, group);
    if (done > 1) {
        say_per_gpu(md, group);
        say_scaling(md, group);
    }
    double total = md_sum(group, "requests_total"), finished = md_sum(group, "requests_finished");
    if (total > 0)
        rp_printf(&md->out, "- **Completion**: %s of %s requests finished (%s).\n", rp_count(finished).text,
                  rp_count(total).text, rp_percent(finished / total).text);
    rp_puts(&md->out, "\n");
}

void
md_summary(struct md *md)
{
    rp_puts(&md->out, "## Summary\n\n");
    for (size_t g = 0; g < md->matrix.group_count; g++)
        say_group(md, &md->matrix.groups[g]);
    if (md->matrix.group_count == 0)
        rp_puts(&md->out, "Nothing was run.\n\n");
}

/* ---- advice ----------------------------------------------------------------------------------------------------- */

/* The done cell for which `of` is largest, if it is at least `from`. */
static const struct rp_cell *
largest(const struct rp_group *group, double (*of)(const struct rp_cell *), double from)
{
    const struct rp_cell *best = NULL;
    for (size_t i = 0; i < group->count; i++) {
        double value = group->cells[i]->done ? of(group->cells[i]) : NAN;
        if (value >= from) {
            best = group->cells[i];
            from = value * (1 + 1e-12);
        }
    }
    return best;
}

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
    return cell->replicas > 1 && loaded ? 1 - rp_figure(cell, "jain_index_busy", NULL) : NAN;
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
    const struct rp_cell *small = smallest_meeting(group), *most = md_best(group, "slo_attainment", NULL, -1);
    if (most == NULL || !(md_sum(group, "requests_finished") > 0))
        return;
    if (small != NULL && md_done(group) > 1 && !sizes_differ(group)) /* the summary tells which */
        return;
    rp_puts(&md->out, "- ");
    if (small != NULL && md_done(group) == 1) {
        rp_printf(&md->out, "The service level is met for %s of the requests: nothing needs to change for it.\n",
                  share_text(small, "slo_attainment").text);
        return;
    }
    if (small != NULL) {
        rp_puts(&md->out, "To meet the service level with the fewest GPUs, run ");
        put_subject(md, small);
        rp_printf(&md->out, ": %s GPU%s, %s of requests within the limits, %s requests/s of goodput.\n",
                  rp_count(small->gpus).text, plural(small->gpus), share_text(small, "slo_attainment").text,
                  md_figure(small, "goodput_requests_per_s", NULL, AS_NUMBER).text);
        return;
    }
    rp_puts(&md->out, "Nothing here meets the service level for 95 % of requests. ");
    put_subject(md, most);
    rp_printf(&md->out, " comes nearest with %s", share_text(most, "slo_attainment").text);
    if (isfinite(most->slo_ttft_ms))
        put_against(md, "TTFT", rp_figure(most, "ttft_ms", "p95"), most->slo_ttft_ms);
    if (isfinite(most->slo_tpot_ms))
        put_against(md, "TPOT", rp_figure(most, "tpot_ms", "p95"), most->slo_tpot_ms);
    rp_puts(&md->out, ".\n");
}

static void
advise_queue(struct md *md, const struct rp_group *group)
{
    const struct rp_cell *worst = largest(group, md_queue_share, QUEUE_SHARE), *best = NULL;
    if (worst == NULL)
        return;
    double busy = rp_figure(worst, "busy_fraction", NULL);
    rp_puts(&md->out, "- In ");
    put_subject(md, worst);
    rp_printf(&md->out, " a request waits %s on average before it is taken up, %s of its latency, ",
              md_figure(worst, "queue_ms", "mean", AS_MS).text, rp_percent(md_queue_share(worst)).text);
    if (busy >= 0.9)
        rp_printf(&md->out, "and the engines are busy %s of the time: the load is more than it can serve",
                  share_text(worst, "busy_fraction").text);
    else
        rp_printf(&md->out,
                  "while the engines are busy only %s of the time: the load comes in bursts, or few requests fit "
                  "at once",
                  share_text(worst, "busy_fraction").text);
    for (size_t i = 0; i < group->count; i++) /* the least that cures it */
        if (!group->mixed && group->cells[i]->done && md_queue_share(group->cells[i]) < QUEUE_SHARE / 2 &&
            rp_differ(worst, group->cells[i], "queue_ms", "mean") &&
            (best == NULL || group->cells[i]->gpus < best->gpus))
            best = group->cells[i];
    if (best != NULL) {
        rp_puts(&md->out, ". ");
        put_subject(md, best);
        rp_printf(&md->out, " (%s GPU%s) waits %s", rp_count(best->gpus).text, plural(best->gpus),
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
            better |= (output_rate(series->cells[j]) > 1.1 * output_rate(series->cells[i]) &&
                       rp_differ(series->cells[i], series->cells[j], "output_tokens_per_s", NULL)) ||
                      (latency_mean(series->cells[j]) < 0.9 * latency_mean(series->cells[i]) &&
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
              share_text(first, "busy_fraction").text, output_text(first).text, output_text(last).text,
              latency_text(first).text, rp_count(first->gpus).text, latency_text(last).text, rp_count(last->gpus).text);
}

/* What do the additional GPUs of a series bring? */
static void
advise_series(struct md *md, const struct rp_group *group, const struct rp_series *series)
{
    if (series->count < 2 || !(output_rate(series->cells[0]) > 0))
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
                  plural(enough->gpus), rp_count(last->gpus).text);
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
            double latency = latency_mean(group->series[s].cells[j]);
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
    rp_printf(&md->out, "- At %s GPU%s, **", rp_count(gpus).text, plural(gpus));
    md_escape(&md->out, best->label);
    rp_printf(&md->out, "** has the lowest mean latency, %s; ", latency_text(lowest).text);
    md_escape(&md->out, worst->label);
    rp_printf(&md->out, " has the highest, %s.\n", latency_text(highest).text);
}

/* Cells of one size and one traffic, that no series compares: which is quickest? */
static void
advise_one_size(struct md *md, const struct rp_group *group)
{
    const struct rp_cell *best = md_best(group, "latency_ms", "mean", 1),
                         *worst = md_best(group, "latency_ms", "mean", -1);
    if (group->mixed || sizes_differ(group) || best == NULL || latency_mean(best) > 0.9 * latency_mean(worst) ||
        !rp_differ(best, worst, "latency_ms", "mean"))
        return;
    rp_puts(&md->out, "- Of the same size and on the same traffic, ");
    put_subject(md, best);
    rp_printf(&md->out, " has the lowest mean latency, %s (TTFT P99 %s), ", latency_text(best).text,
              md_figure(best, "ttft_ms", "p99", AS_MS).text);
    put_subject(md, worst);
    rp_printf(&md->out, " the highest, %s (%s).\n", latency_text(worst).text,
              md_figure(worst, "ttft_ms", "p99", AS_MS).text);
}

static void
advise_communication(struct md *md, const struct rp_group *group)
{
    const struct rp_cell *cell = largest(group, communication_share, 0.15), *other = NULL;
    if (cell == NULL)
        return;
    rp_puts(&md->out, "- ");
    put_subject(md, cell);
    rp_printf(&md->out, " spends %s of its busy time on communication between %s GPUs.",
              md_figure(cell, "busy_share", "communication", AS_PERCENT).text, rp_count(cell->tp).text);
    for (size_t i = 0; i < group->count; i++) {
        const struct rp_cell *candidate = group->cells[i];
        if (candidate->done && candidate->gpus == cell->gpus && candidate->tp < cell->tp &&
            strcmp(candidate->scheduler, cell->scheduler) == 0 && strcmp(candidate->hardware, cell->hardware) == 0 &&
            (other == NULL || output_rate(candidate) > output_rate(other)))
            other = candidate;
    }
    if (other != NULL) {
        rp_puts(&md->out, " Arranged as ");
        put_subject(md, other);
        rp_printf(&md->out, ", the same %s GPUs give %s output tokens/s at a mean latency of %s, against %s at %s.\n",
                  rp_count(cell->gpus).text, output_text(other).text, latency_text(other).text, output_text(cell).text,
                  latency_text(cell).text);
    } else {
        rp_printf(&md->out, " Run the same %s GPUs as replicas of narrower engines to compare.\n",
                  rp_count(cell->gpus).text);
    }
}

static void
advise_memory(struct md *md, const struct rp_group *group)
{
    const struct rp_cell *cell = largest(group, preemptions, 1), *narrow = largest(group, sequence_limit, 0.8);
    if (cell != NULL) {
        double share = rp_figure(cell, "recomputed_tokens", NULL) / rp_figure(cell, "prefill_tokens_computed", NULL);
        rp_puts(&md->out, "- ");
        put_subject(md, cell);
        rp_printf(&md->out,
                  " ran out of KV blocks (peak use %s): %s preemption%s, and %s tokens computed again, %s of all "
                  "its prefill. Lower max_num_seqs from %s, raise memory_utilization, or spread the load.\n",
                  share_text(cell, "kv_usage_peak").text, md_figure(cell, "preemptions", NULL, AS_COUNT).text,
                  plural(preemptions(cell)), md_figure(cell, "recomputed_tokens", NULL, AS_COUNT).text,
                  rp_percent(share).text, rp_count(cell->max_num_seqs).text);
    }
    if (narrow != NULL) {
        rp_puts(&md->out, "- ");
        put_subject(md, narrow);
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
    const struct rp_cell *overhead = largest(group, overhead_share, 0.25);
    const struct rp_cell *bandwidth = largest(group, bandwidth_while_busy, 0.65);
    if (overhead != NULL) {
        rp_puts(&md->out, "- ");
        put_subject(md, overhead);
        rp_printf(&md->out,
                  " spends %s of its busy time on the engine's own overhead, with %s requests in a decode batch on "
                  "average: more requests at once, or an engine with less overhead, would use it better.\n",
                  rp_percent(overhead_share(overhead)).text,
                  rp_human(rp_figure(overhead, "decode_batch_mean", NULL)).text);
    }
    if (bandwidth != NULL) {
        rp_puts(&md->out, "- While it is busy, ");
        put_subject(md, bandwidth);
        rp_printf(&md->out,
                  " reads memory at %s of the datasheet's rate, and its MFU over the whole run is %s: memory "
                  "bandwidth is the limit, and larger decode batches than the %s requests of now would get more "
                  "from each reading of the weights.\n",
                  rp_percent(bandwidth_while_busy(bandwidth)).text, rp_percent(rp_figure(bandwidth, "mfu", NULL)).text,
                  rp_human(rp_figure(bandwidth, "decode_batch_mean", NULL)).text);
    }
}

static void
advise_cluster(struct md *md, const struct rp_group *group)
{
    const struct rp_cell *uneven = largest(group, imbalance, 0.05), *idle = largest(group, idleness, 0.7);
    const struct rp_cell *refused = largest(group, rejected_share, 1e-9);
    if (uneven != NULL) {
        rp_puts(&md->out, "- The replicas of ");
        put_subject(md, uneven);
        rp_printf(&md->out, " are unevenly busy: Jain's index is %s over %s replicas. Try another router than ",
                  rp_index(rp_figure(uneven, "jain_index_busy", NULL)).text, rp_count(uneven->replicas).text);
        md_escape(&md->out, uneven->router);
        rp_puts(&md->out, ".\n");
    }
    if (idle != NULL && idle->gpus > 1) {
        rp_puts(&md->out, "- ");
        put_subject(md, idle);
        rp_printf(&md->out,
                  " is idle %s of the time: %s GPUs are more than this traffic (%s requests/s) needs for "
                  "throughput.\n",
                  rp_percent(idleness(idle)).text, rp_count(idle->gpus).text,
                  md_figure(idle, "requests_per_s", NULL, AS_NUMBER).text);
    }
    if (refused != NULL) {
        double tokens = rp_figure(refused, "kv_blocks_total", NULL) * refused->block_size;
        rp_puts(&md->out, "- ");
        put_subject(md, refused);
        rp_printf(&md->out, " rejected %s of %s requests (%s) as longer than the model's context or its KV cache",
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
        put_traffic_name(md, group);
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
    }
    if (md->out.length == before) {
        const struct rp_cell *cell = md_best(group, "busy_fraction", NULL, -1);
        if (cell != NULL) {
            rp_puts(&md->out, "- No figure here calls for a change: the busiest configuration, ");
            put_subject(md, cell);
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

/* ---- ideal behaviours -------------------------------------------------------------------------------------------- */

#define LINEAR_FROM 0.9    /* efficiency at every number of GPUs */
#define EFFICIENT_FROM 0.8 /* output of a GPU against the best */

static void
begin_verdict(struct md *md, const struct rp_group *group, const struct rp_series *series, const char *behaviour,
              int judged, int yes)
{
    rp_printf(&md->out, "| %s | ", behaviour);
    if (md->matrix.group_count > 1)
        md_escape(&md->out, group->title);
    if (series != NULL && series->label[0] != '\0')
        rp_puts(&md->out, md->matrix.group_count > 1 ? ": " : "");
    if (series != NULL)
        md_escape(&md->out, series->label);
    if (md->matrix.group_count == 1 && (series == NULL || series->label[0] == '\0'))
        rp_puts(&md->out, "all");
    rp_printf(&md->out, " | %s | ", !judged ? "not judged" : yes ? "**yes**" : "**no**");
}

static void
judge_linear(struct md *md, const struct rp_group *group, const struct rp_series *series)
{
    const struct rp_cell *base = series->cells[0], *worst = base;
    double least = INFINITY;
    for (size_t i = 1; i < series->count; i++) {
        double efficiency = output_rate(series->cells[i]) / output_rate(base) * base->gpus / series->cells[i]->gpus;
        if (efficiency < least) {
            least = efficiency;
            worst = series->cells[i];
        }
    }
    int judged = isfinite(least);
    struct rp_spread speed_up = rp_figure_ratio(worst, base, "output_tokens_per_s", NULL);
    begin_verdict(md, group, series, "Linear scaling", judged, least >= LINEAR_FROM);
    if (!judged)
        rp_puts(&md->out, "no throughput to compare |\n");
    else
        rp_printf(&md->out, "%s the throughput at %s GPUs where %s would be linear%s |\n",
                  md_spread(&speed_up, AS_TIMES).text, rp_count(worst->gpus).text,
                  rp_times(worst->gpus / base->gpus).text,
                  md_traffic_bound(series) ? "; the traffic brings no more" : "");
}

static void
judge_latency(struct md *md, const struct rp_group *group, const struct rp_series *series)
{
    const struct rp_cell *first = series->cells[0], *last = series->cells[series->count - 1], *rise = NULL;
    double worst = 1.005; /* half a percent is level */
    for (size_t i = 1; i < series->count; i++) {
        double ratio = latency_mean(series->cells[i]) / latency_mean(series->cells[i - 1]);
        if (ratio > worst && rp_differ(series->cells[i], series->cells[i - 1], "latency_ms", "mean")) {
            worst = ratio;
            rise = series->cells[i];
        }
    }
    int judged = isfinite(latency_mean(last) / latency_mean(first));
    int falls =
        rise == NULL && latency_mean(last) < 0.98 * latency_mean(first) && rp_differ(first, last, "latency_ms", "mean");
    begin_verdict(md, group, series, "Latency falls with GPUs", judged, falls);
    if (!judged)
        rp_puts(&md->out, "no latency to compare |\n");
    else if (rise != NULL)
        rp_printf(&md->out, "mean latency rises to %s at %s GPUs, %s of the one before |\n", latency_text(rise).text,
                  rp_count(rise->gpus).text, rp_times(worst).text);
    else
        rp_printf(&md->out, "mean latency %s at %s, %s at %s GPUs |\n", latency_text(first).text,
                  rp_count(first->gpus).text, latency_text(last).text, rp_count(last->gpus).text);
}

static void
judge_efficiency(struct md *md, const struct rp_group *group, const struct rp_series *series)
{
    const struct rp_cell *last = series->cells[series->count - 1];
    double most = 0, here = rp_figure(last, "output_tokens_per_s_per_gpu", NULL);
    for (size_t i = 0; i < series->count; i++)
        most = fmax(most, rp_figure(series->cells[i], "output_tokens_per_s_per_gpu", NULL));
    int judged = most > 0 && isfinite(here);
    begin_verdict(md, group, series, "High efficiency", judged, here >= EFFICIENT_FROM * most);
    if (!judged)
        rp_puts(&md->out, "no throughput to compare |\n");
    else
        rp_printf(&md->out, "%s output tokens/s per GPU at %s GPUs, %s of the best (%s); busy %s of the time |\n",
                  md_figure(last, "output_tokens_per_s_per_gpu", NULL, AS_NUMBER).text, rp_count(last->gpus).text,
                  rp_percent(here / most).text, rp_human(most).text, share_text(last, "busy_fraction").text);
}

static void
judge_stability(struct md *md, const struct rp_group *group)
{
    const struct rp_cell *waiting = largest(group, md_queue_share, 0);
    double lost = md_sum(group, "requests_failed") + md_sum(group, "requests_unfinished");
    size_t done = md_cells(group, 1), cells = md_cells(group, 0);
    double share = waiting != NULL ? md_queue_share(waiting) : 0;
    begin_verdict(md, group, NULL, "Stable", 1,
                  done == cells && lost == 0 && share <= QUEUE_SHARE && md_sum(group, "requests_finished") > 0);
    rp_printf(&md->out, "%zu of %zu cells ended, %s of their %s requests failed or did not finish", done, cells,
              rp_count(lost).text, rp_count(md_sum(group, "requests_total")).text);
    if (waiting != NULL && share == 0) {
        rp_puts(&md->out, ", and no request waits");
    } else if (waiting != NULL) {
        rp_printf(&md->out, ", waiting is at most %s of the mean latency (", rp_percent(share).text);
        md_label(md, waiting);
        rp_puts(&md->out, ")");
    }
    rp_puts(&md->out, " |\n");
}

void
md_behaviours(struct md *md)
{
    size_t judged = 0;
    if (md->matrix.group_count == 0)
        return;
    rp_puts(&md->out, "## Four ideal behaviours\n\n| Behaviour | Of | Shown | Figure |\n|---|---|---|---|\n");
    for (size_t g = 0; g < md->matrix.group_count; g++) {
        const struct rp_group *group = &md->matrix.groups[g];
        for (size_t s = 0; s < group->series_count; s++) {
            if (group->series[s].count < 2)
                continue;
            judge_linear(md, group, &group->series[s]);
            judge_latency(md, group, &group->series[s]);
            judge_efficiency(md, group, &group->series[s]);
            judged++;
        }
        judge_stability(md, group);
    }
    rp_puts(&md->out, "\n");
    if (judged == 0)
        rp_puts(&md->out,
                "Linear scaling, latency that falls with GPUs, and high efficiency need cells that differ in their "
                "number of GPUs alone; here there are none.\n\n");
    rp_puts(&md->out,
            "Linear: at least 90 % efficiency at every number of GPUs. Falling: each step lowers the mean latency "
            "or keeps it within 0.5 %. Efficient: at the largest, a GPU gives at least 80 % of the best. Stable: "
            "every cell ended, at least one request finished and none was lost, and waiting is at most 20 % of the "
            "mean latency.\n\n");
}
