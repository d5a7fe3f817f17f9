/*
 * report/markdown/summary.c - what came of each kind of traffic, in a few sentences that quote their figures.
 */
#include <math.h>

#include "report/common/loss.h"
#include "report/markdown/sentences.h"

static void
say_one_cell(struct md *md, const struct rp_cell *cell)
{
    rp_puts(&md->out, "- ");
    md_put_subject(md, cell);
    if (!(rp_figure(cell, "requests_finished", NULL) > 0)) {
        rp_printf(&md->out, " finished none of its %s requests.\n", rp_count(rp_total(cell, "requests_total")).text);
        return;
    }
    rp_printf(&md->out, " gives %s output tokens/s (%s requests/s) with a mean latency of %s and a P99 of %s;",
              md_output_text(cell).text, md_figure(cell, "requests_per_s", NULL, AS_NUMBER).text,
              md_latency_text(cell).text, md_figure(cell, "latency_ms", "p99", AS_MS).text);
    rp_printf(&md->out, " the first token comes after %s on average, the others every %s.\n",
              md_figure(cell, "ttft_ms", "mean", AS_MS).text, md_figure(cell, "tpot_ms", "mean", AS_MS).text);
}

static void
say_throughput(struct md *md, const struct rp_group *group)
{
    const struct rp_cell *best = md_best(group, "output_tokens_per_s", NULL, -1);
    const struct rp_cell *least = md_best(group, "output_tokens_per_s", NULL, 1);
    if (best == NULL || !(md_output_rate(best) > 0))
        return;
    int same = md_output_rate(least) > 0.98 * md_output_rate(best);
    if (same || !rp_differ(best, least, "output_tokens_per_s", NULL)) {
        rp_printf(&md->out, "- **Throughput** %s: %s output tokens/s at most, %s at least.\n",
                  same ? "is the same everywhere" : "shows no difference larger than noise", md_output_text(best).text,
                  md_output_text(least).text);
        return;
    }
    rp_puts(&md->out, "- **Highest throughput**: ");
    md_put_subject(md, best);
    rp_printf(&md->out, " with %s output tokens/s (%s requests/s) on %s GPU%s, %s as much as ",
              md_output_text(best).text, md_figure(best, "requests_per_s", NULL, AS_NUMBER).text,
              rp_count(best->gpus).text, md_plural(best->gpus),
              rp_times(md_output_rate(best) / md_output_rate(least)).text);
    md_label(md, least);
    rp_printf(&md->out, " (%s)", md_output_text(least).text);
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
                  best->members != NULL ? " larger than noise" : "", md_latency_text(best).text,
                  md_latency_text(worst).text);
        return;
    }
    rp_puts(&md->out, "- **Lowest latency**: ");
    md_put_subject(md, best);
    rp_printf(&md->out, " with a mean of %s and a P99 of %s", md_latency_text(best).text,
              md_figure(best, "latency_ms", "p99", AS_MS).text);
    if (tail != NULL && tail != best && rp_differ(tail, best, "latency_ms", "p99")) {
        rp_puts(&md->out, " (the lowest P99 is that of ");
        md_label(md, tail);
        rp_printf(&md->out, ", %s)", md_figure(tail, "latency_ms", "p99", AS_MS).text);
    }
    rp_puts(&md->out, "; the highest mean is that of ");
    md_label(md, worst);
    rp_printf(&md->out, ", %s", md_latency_text(worst).text);
    md_put_equals(md, group, best, "latency_ms", "mean");
    rp_puts(&md->out, ".\n");
}

static size_t
count_meeting(const struct rp_group *group)
{
    size_t count = 0;
    for (size_t i = 0; i < group->count; i++)
        count += group->cells[i]->done && md_meets(group->cells[i]);
    return count;
}

static void
say_service_level(struct md *md, const struct rp_group *group)
{
    const struct rp_cell *most = md_best(group, "slo_attainment", NULL, -1), *small = md_smallest_meeting(group);
    if (most == NULL || !(md_sum(group, "requests_finished") > 0))
        return;
    int by_size = md_sizes_differ(group);
    const struct rp_cell *subject = small != NULL && by_size ? small : most;
    if (small != NULL && !by_size && md_done(group) > 1) {
        rp_printf(&md->out,
                  "- **Service level**: %zu of %zu configurations meet it for 95 %% of requests; the most is ",
                  count_meeting(group), md_done(group));
        md_put_subject(md, most);
        rp_printf(&md->out, " with %s.\n", md_share_text(most, "slo_attainment").text);
        return;
    }
    rp_printf(&md->out, "- **Service level**: %s",
              small != NULL ? "the fewest GPUs that meet it for 95 % of requests are "
                              "those of "
              : rp_figure(most, "slo_attainment", NULL) >= SLO_TARGET
                  ? "nothing meets it for 95 % of requests beyond noise; nearest is "
                  : "nothing meets it for 95 % of requests; nearest is ");
    md_put_subject(md, subject);
    rp_printf(&md->out, " (%s GPU%s) with %s", rp_count(subject->gpus).text, md_plural(subject->gpus),
              md_share_text(subject, "slo_attainment").text);
    if (subject != most && rp_differ(most, subject, "slo_attainment", NULL)) {
        rp_puts(&md->out, "; the most is ");
        md_label(md, most);
        rp_printf(&md->out, " with %s", md_share_text(most, "slo_attainment").text);
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
    md_put_subject(md, best);
    rp_printf(&md->out, " with %s output tokens/s per GPU",
              md_figure(best, "output_tokens_per_s_per_gpu", NULL, AS_NUMBER).text);
    double price = rp_figure(best, "price_usd_per_hour", NULL);
    if (price > 0)
        rp_printf(&md->out, ", or %s USD per million output tokens at %s USD per GPU and hour",
                  rp_human(price / 3600 / most * 1e6).text, rp_human(price).text);
    md_put_equals(md, group, best, "output_tokens_per_s_per_gpu", NULL);
    rp_puts(&md->out, ".\n");
}

static void
say_energy(struct md *md, const struct rp_group *group)
{
    const struct rp_cell *best = md_best(group, "energy", "joules_per_output_token", 1);
    const struct rp_cell *most = md_best(group, "energy", "joules_per_output_token", -1);
    if (best == NULL || !rp_differ(best, most, "energy", "joules_per_output_token") ||
        rp_figure(best, "energy", "joules_per_output_token") >
            0.98 * rp_figure(most, "energy", "joules_per_output_token"))
        return;
    rp_puts(&md->out, "- **Least energy**: ");
    md_put_subject(md, best);
    rp_printf(&md->out, " with %s J per output token (%s W per GPU, %s of that spent idle)",
              md_figure(best, "energy", "joules_per_output_token", AS_NUMBER).text,
              md_figure(best, "energy", "watts_per_gpu", AS_NUMBER).text,
              md_figure(best, "energy", "idle_share", AS_PERCENT).text);
    md_put_equals(md, group, best, "energy", "joules_per_output_token");
    if (rp_figure(best, "energy", "cut_share") >= 0.01)
        rp_printf(
            &md->out,
            "; busy, it would draw more than its boards may, by %s of that: real boards run slower then, which is not "
            "modelled",
            md_figure(best, "energy", "cut_share", AS_PERCENT).text);
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
                  md_latency_text(first).text, md_latency_text(last).text);
        put_main_loss(md, first, last);
        if (rp_figure(last, "requests_per_s", NULL) >= 0.95 * rp_figure(last, "arrivals_per_s", NULL))
            rp_printf(&md->out, "; at %s GPUs all of the %s requests/s that arrive are served, and more cannot be seen",
                      rp_count(last->gpus).text, md_figure(last, "arrivals_per_s", NULL, AS_NUMBER).text);
        rp_puts(&md->out, ".\n");
        said++;
    }
}

static void
say_group(struct md *md, const struct rp_group *group)
{
    size_t done = md_done(group);
    if (md->matrix.group_count > 1)
        md_put_traffic_name(md, group);
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
        say_energy(md, group);
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
