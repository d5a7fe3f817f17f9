/*
 * metrics/itl.c - counting gaps between tokens, whole runs at once.
 */
#include "metrics/itl.h"

#define SUB_BITS 7
#define SUB_COUNT (1u << SUB_BITS)

static uint32_t
bin_of(int64_t gap_ps)
{
    uint64_t value = (uint64_t)gap_ps;
    if (value < SUB_COUNT)
        return (uint32_t)value;
    uint32_t shift = 63u - (uint32_t)__builtin_clzll(value) - SUB_BITS;
    return (shift << SUB_BITS) + (uint32_t)(value >> shift);
}

int64_t
ss_itl_bin_low_ps(uint32_t bin)
{
    if (bin < 2 * SUB_COUNT)
        return bin;
    uint32_t shift = (bin >> SUB_BITS) - 1;
    return (int64_t)((uint64_t)(SUB_COUNT + (bin & (SUB_COUNT - 1))) << shift);
}

int64_t
ss_itl_bin_high_ps(uint32_t bin)
{
    return ss_itl_bin_low_ps(bin + 1);
}

void
ss_itl_add_gap(struct ss_itl *itl, int64_t gap_ps, uint64_t weight)
{
    itl->total += weight;
    itl->sum_ps += (ss_wide)((ss_uwide)(uint64_t)gap_ps * weight);
    if (gap_ps > itl->max_ps)
        itl->max_ps = gap_ps;
    itl->counts[bin_of(gap_ps)] += weight;
}

/* A rising progression: from bin to bin, each with one division. */
static void
add_rising(struct ss_itl *itl, int64_t first_ps, int64_t step_ps, uint64_t count, uint64_t weight)
{
    uint64_t done = 0;
    while (done < count) {
        int64_t gap_ps = first_ps + (int64_t)done * step_ps;
        uint32_t bin = bin_of(gap_ps);
        uint64_t inside = (uint64_t)((ss_itl_bin_high_ps(bin) - gap_ps + step_ps - 1) / step_ps);
        if (inside > count - done)
            inside = count - done;
        itl->counts[bin] += inside * weight;
        done += inside;
    }
}

void
ss_itl_add(struct ss_itl *itl, int64_t first_ps, int64_t step_ps, uint64_t count, uint64_t weight)
{
    if (count == 0 || weight == 0)
        return;
    int64_t last_ps = first_ps + (int64_t)(count - 1) * step_ps;
    int64_t low_ps = first_ps < last_ps ? first_ps : last_ps;
    int64_t high_ps = first_ps < last_ps ? last_ps : first_ps;
    itl->total += count * weight;
    itl->sum_ps += (ss_wide)((ss_uwide)((uint64_t)first_ps + (uint64_t)last_ps) * count / 2 * weight);
    if (high_ps > itl->max_ps)
        itl->max_ps = high_ps;
    if (bin_of(low_ps) == bin_of(high_ps))
        itl->counts[bin_of(low_ps)] += count * weight;
    else
        add_rising(itl, low_ps, step_ps < 0 ? -step_ps : step_ps, count, weight);
}

int64_t
ss_itl_percentile_ps(const struct ss_itl *itl, uint32_t percent)
{
    if (itl->total == 0)
        return -1;
    uint64_t rank = (uint64_t)(((ss_uwide)itl->total * percent + 99) / 100), seen = 0;
    uint32_t bin = 0;
    for (; bin < SS_ITL_BINS - 1; bin++) {
        seen += itl->counts[bin];
        if (seen >= rank)
            break;
    }
    int64_t middle_ps = ss_itl_bin_low_ps(bin) + (ss_itl_bin_high_ps(bin) - ss_itl_bin_low_ps(bin)) / 2;
    return middle_ps < itl->max_ps ? middle_ps : itl->max_ps;
}
