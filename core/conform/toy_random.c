/*
 * conform/toy_random.c - cells drawn at random, small enough that hundreds run in a second, and such that everything
 * happens in them: preemptions, rejections, bursts, ends that coincide, lines that bend.
 */
#include "conform/toy.h"

static void
draw_limits(struct ss_cell *cell, struct servsim_random *random)
{
    cell->block_size = SS_PICK(random, 1, 2, 3, 16, 16, 16, 32, 100);
    cell->max_num_seqs = SS_PICK(random, 1, 2, 5, 16, 64);
    cell->max_num_batched_tokens = cell->max_num_seqs + SS_PICK(random, 0, 1, 16, 64, 512);
    cell->replicas = cell->gpus = SS_PICK(random, 1, 1, 2, 3, 7);
    cell->kv_blocks = (uint64_t)SS_PICK(random, 8, 20, 40, 100, 1000) * (cell->block_size < 16 ? 5 : 1);
    cell->overhead.step_ps = SS_PICK(random, 0, 1, 750000000);
}

static void
draw_traffic(struct ss_toy_traffic *traffic, struct servsim_random *random)
{
    traffic->requests = SS_PICK(random, 1, 20, 60, 150);
    traffic->gap_s = SS_PICK(random, 1, 3, 30, 300, 3000) / 1000.0;
    traffic->burst = SS_PICK(random, 0, 0, 2, 17);
    traffic->prompt_max = SS_PICK(random, 1, 40, 300);
    traffic->output_min = 1;
    traffic->output_max = SS_PICK(random, 1, 2, 50, 400);
}

static void
draw_device(struct ss_toy_device *device, struct servsim_random *random)
{
    device->step_ps = SS_PICK(random, 1000000, 1000000000, 7777777);
    device->token_ps = SS_PICK(random, 0, 1, 1000, 123457);
    device->grid = SS_PICK(random, 0, 0, 1, 7, 64);
    device->wants_range = SS_PICK(random, 0, 0, 1);
}

void
ss_toy_randomise(struct ss_toy *toy, uint64_t seed)
{
    struct servsim_random random = {seed * 7919};
    struct ss_cell *cell = &toy->cell;
    cell->seed = seed;
    draw_limits(cell, &random);
    draw_traffic(&toy->traffic, &random);
    draw_device(&toy->device, &random);
    if (SS_PICK(&random, 0, 0, 1)) {
        /* whole milliseconds: ends of steps and arrivals fall together, and the order at one instant shows */
        toy->device = (struct ss_toy_device){.step_ps = 1000000000, .constant = 1};
        toy->traffic.tick_ps = 1000000000;
        cell->overhead.step_ps = 0;
    }
    if (SS_PICK(&random, 0, 0, 0, 1))
        cell->stop_after = (ss_time)SS_PICK(&random, 1, 50, 500, 3000) * SS_PS_PER_MS;
    cell->model.window = SS_PICK(&random, 0, 0, 2, 17, 64, 300);
    cell->model.kinds[1] = cell->model.window > 0 ? SS_LAYER_WINDOW : 0;
    /* drawn from a stream of its own: the cells stay what they were */
    struct servsim_random engines = {seed * 104729};
    cell->overhead.asynchronous = SS_PICK(&engines, 0, 1);
    cell->overhead.graph_padding = SS_PICK(&engines, 0, 1);
    cell->overhead.arrival_ps = SS_PICK(&engines, 0, 0, 1000000000, 1234567);
    cell->overhead.wake_ps = SS_PICK(&engines, 0, 2000000000, 777);
    cell->overhead.request_ps = SS_PICK(&engines, 0, 999, 1000000);
    cell->overhead.prefill_layer_ps = SS_PICK(&engines, 0, 12345);
    cell->overhead.refresh_ps = SS_PICK(&engines, 0, 100, 1, 10) * INT64_C(1000000000);
    cell->overhead.workers_ps = SS_PICK(&engines, 0, 4000000000, 333);
    toy->traffic.callers = SS_PICK(&random, 0, 1) != 0;
}
