/*
 * metrics/energy.h - what a run's GPUs drew, from the totals that it leaves and what its device says of its power.
 */
#ifndef SS_METRICS_ENERGY_H
#define SS_METRICS_ENERGY_H

#include "metrics/result.h"

struct ss_energy {
    double idle_joules, busy_joules; /* of all GPUs */
    double cut_joules;               /* what busy ones would have drawn above the board's limit */
    double host_joules;              /* of the rest of their servers */
    double gpu_s, busy_gpu_s;        /* GPUs x time: in all, and while a step ran */
};

/* 0, or -ENOENT where nothing is known of the device's power. `elapsed_s` is the time that all `gpus` are counted for.
 */
int ss_energy_of(const struct ss_result *result, uint32_t gpus, double elapsed_s, struct ss_energy *out);

#endif
