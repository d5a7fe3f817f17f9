/*
 * conform/toy.h - a small cell that is put together by hand, with toys for all its plugins: what the conformance kit
 * and the tests of the engine try plugins in.
 */
#ifndef SS_CONFORM_TOY_H
#define SS_CONFORM_TOY_H

#include "base/text.h"
#include "engine/simulation.h"

/* Steps of a toy device: step_ps, and attention of token_ps for each context token. Where `grid` is not 0 the line is
   bent: contexts cost more behind each multiple of it, and lines end there, as measured tables have it. */
struct ss_toy_device {
    int64_t step_ps, token_ps;
    uint32_t grid;
    uint32_t wants_range; /* and prices max - min of the contexts */
    uint32_t constant;    /* a step costs step_ps whatever is in it, but for token_ps */
};

/* Random traffic. Gaps are exponential, or 0 for `burst` requests in a row. */
struct ss_toy_traffic {
    uint64_t requests;
    double gap_s;
    uint32_t burst;
    uint32_t prompt_min, prompt_max, output_min, output_max;
    int exponential_output; /* mean output_max */
    int64_t tick_ps;        /* arrivals fall on multiples of it; 0: anywhere */
    int64_t every_ps;       /* gaps of just that; 0: exponential */
    int callers;            /* a client, a priority, a deadline and a session for each request, at random too */
    /* What else there is to say of random request number `index`, its lengths and its arrival known; NULL: nothing. */
    void (*tell)(const struct ss_toy_traffic *traffic, uint64_t index, struct servsim_random *random,
                 struct servsim_arrival *out);
    /* Instead of random ones: fills request number `index` (its arrival too) and returns 1, or 0 at the end. */
    int (*row)(const struct ss_toy_traffic *traffic, uint64_t index, struct servsim_arrival *out);
    /* Called before request number `midway_at` is handed out; NULL: not. */
    void (*midway)(void *ctx);
    uint64_t midway_at;
    void *ctx;
};

struct ss_toy {
    struct ss_toy_device device;
    struct ss_toy_traffic traffic;
    struct ss_cell cell; /* toys stand in for plugins that are NULL: first come first served, round robin */
    void *own;           /* the caller's */
};

/* One of the values, by lot. */
static inline uint32_t
ss_toy_pick(struct servsim_random *random, const uint32_t *values, size_t count)
{
    return values[servsim_random_u64(random) % count];
}

#define SS_PICK(random, ...)                                                                                           \
    ss_toy_pick((random), (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

/* A small model, one replica, toys only. Nothing to free. */
void ss_toy_init(struct ss_toy *toy);

/* The cell drawn by `seed`: small and large, short of memory and not, steps that end together and not. */
void ss_toy_randomise(struct ss_toy *toy, uint64_t seed);

/* The toy's cell with toys where it has no plugins. `value` carries the toy to them; both must outlive the cell's use.
 */
struct ss_cell ss_toy_cell(const struct ss_toy *toy, struct servsim_value *value);

/* As ss_simulate(), always under verify. */
int ss_toy_run(const struct ss_toy *toy, int stepwise, struct ss_result *result, struct servsim_error *err);

/* Adds all files of a result, byte for byte as servsim writes them. */
int ss_toy_text(const struct ss_result *result, const struct ss_cell *cell, struct ss_text *out,
                struct servsim_error *err);

#endif
