/*
 * report/common/loss.c - the loss of output per GPU, by kind.
 */
#include "report/common/loss.h"

#include <math.h>

static const char *const names[RP_LOSS_PARTS][2] = {{"communication", "Communication"},
                                                    {"dense kernels (batching)", "Dense kernels (batching)"},
                                                    {"attention", "Attention"},
                                                    {"engine overhead", "Engine overhead"},
                                                    {"preempted and recomputed work", "Preempted and recomputed work"},
                                                    {"idleness", "Idleness"}};

const char *
rp_loss_name(size_t part)
{
    return names[part][0];
}

const char *
rp_loss_title(size_t part)
{
    return names[part][1];
}

/* GPU seconds for each output token, by kind. */
static int
seconds_of(double seconds[RP_LOSS_PARTS], const struct rp_cell *cell)
{
    double rate = rp_figure(cell, "output_tokens_per_s_per_gpu", NULL);
    double busy = rp_figure(cell, "busy_fraction", NULL);
    double again = rp_figure(cell, "recomputed_tokens", NULL);
    double tokens = rp_figure(cell, "prefill_tokens_computed", NULL) + rp_figure(cell, "output_tokens", NULL);
    double dense = rp_figure(cell, "busy_share", "dense"), attention = rp_figure(cell, "busy_share", "attention");
    double swap = rp_figure(cell, "busy_share", "swap");
    double repeated = again > 0 && tokens > 0 ? fmin(1, again / tokens) : 0;
    if (!(rate > 0))
        return 0;
    seconds[RP_LOSS_COMMUNICATION] = busy * rp_figure(cell, "busy_share", "communication");
    seconds[RP_LOSS_DENSE] = busy * dense * (1 - repeated);
    seconds[RP_LOSS_ATTENTION] = busy * attention * (1 - repeated);
    seconds[RP_LOSS_OVERHEAD] = busy * rp_figure(cell, "busy_share", "overhead");
    seconds[RP_LOSS_RECOMPUTED] = busy * ((dense + attention) * repeated + (swap > 0 ? swap : 0));
    seconds[RP_LOSS_IDLE] = 1 - busy;
    double sum = 0;
    for (size_t i = 0; i < RP_LOSS_PARTS; i++) {
        seconds[i] /= rate;
        sum += seconds[i];
    }
    return isfinite(sum);
}

int
rp_loss_of(struct rp_loss *out, const struct rp_cell *base, const struct rp_cell *cell)
{
    double before[RP_LOSS_PARTS], after[RP_LOSS_PARTS];
    if (!seconds_of(before, base) || !seconds_of(after, cell))
        return 0;
    out->ideal = rp_figure(base, "output_tokens_per_s_per_gpu", NULL);
    out->actual = rp_figure(cell, "output_tokens_per_s_per_gpu", NULL);
    out->lost = out->ideal - out->actual;
    for (size_t i = 0; i < RP_LOSS_PARTS; i++)
        out->parts[i] = out->ideal * out->actual * (after[i] - before[i]);
    return 1;
}

size_t
rp_loss_largest(const struct rp_loss *loss)
{
    size_t largest = RP_LOSS_PARTS;
    double most = 0;
    for (size_t i = 0; i < RP_LOSS_PARTS; i++)
        if (loss->parts[i] > most) {
            most = loss->parts[i];
            largest = i;
        }
    return loss->lost > 0 ? largest : RP_LOSS_PARTS;
}
