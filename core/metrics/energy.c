/*
 * metrics/energy.c - energy after a run: idle power for the time without work, and for the time with it busy power,
 * arithmetic and memory traffic, replica by replica, on average never above the board's limit.
 *
 * Busy time, operations and bytes are sums of integers that do not depend on how runs were split, so energy does not
 * either, and costs an event nothing.
 */
#include "metrics/energy.h"

#include <errno.h>
#include <math.h>

#define JOULES_PER_PJ 1e-12

/* Of one replica while it is busy, and what the limit has cut off. */
static void
add_busy(const struct servsim_device *device, const struct ss_replica_result *replica, double busy_gpu_s,
         struct ss_energy *out)
{
    double work_pj =
        device->energy_per_flop_pj * (double)replica->flops + device->energy_per_byte_pj * (double)replica->bytes;
    double wanted = device->power_busy_w * busy_gpu_s + work_pj * JOULES_PER_PJ;
    double drawn = fmin(wanted, device->power_limit_w * busy_gpu_s);
    out->busy_gpu_s += busy_gpu_s;
    out->busy_joules += drawn;
    out->cut_joules += wanted - drawn;
}

int
ss_energy_of(const struct ss_result *result, uint32_t gpus, double elapsed_s, struct ss_energy *out)
{
    const struct servsim_device *device = &result->device;
    *out = (struct ss_energy){0};
    if (!(device->power_limit_w > 0) || result->replica_count == 0)
        return -ENOENT;
    double gpus_each = (double)gpus / result->replica_count;
    for (uint32_t i = 0; i < result->replica_count; i++) {
        const struct ss_replica_result *replica = &result->replicas[i];
        double busy_gpu_s = ss_time_seconds(replica->busy) / result->parts * gpus_each;
        add_busy(device, replica, busy_gpu_s, out);
        out->idle_joules += device->power_idle_w * fmax(0, elapsed_s * gpus_each - busy_gpu_s);
    }
    out->gpu_s = elapsed_s * gpus;
    out->host_joules = device->power_host_w * out->gpu_s;
    return 0;
}
