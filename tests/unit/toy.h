/*
 * unit/toy.h - small devices and traffic for tests of the engine, and a cell that is put together by hand.
 */
#ifndef SS_UNIT_TOY_H
#define SS_UNIT_TOY_H

#include "engine/simulation.h"

/* Steps of a toy device: step_ps, and attention of token_ps for each context token. Where `grid` is not 0 the line is
   bent: contexts cost more behind each multiple of it, and lines end there, as measured tables have it. */
struct toy_device {
    int64_t step_ps, token_ps;
    uint32_t grid;
    uint32_t wants_range; /* and prices max - min of the contexts */
    uint32_t constant;    /* a step costs step_ps whatever is in it, but for token_ps */
};

/* Random traffic. Gaps are exponential, or 0 for `burst` requests in a row. */
struct toy_traffic {
    uint64_t requests;
    double gap_s;
    int64_t every_ps; /* gaps of just that; 0: exponential */
    uint32_t burst;
    uint32_t prompt_min, prompt_max, output_min, output_max;
    int exponential_output;           /* mean output_max */
    int64_t tick_ps;                  /* arrivals fall on multiples of it; 0: anywhere */
    int identity;                     /* TOY_...: what is known of the prompts, */
    uint32_t distinct, prefix_tokens; /* of which so many are different */
};

/* Unknown; prompt ids; prompt ids behind a shared beginning; token ids; chained ids of 24-token pieces. */
#define TOY_UNKNOWN 0
#define TOY_PROMPTS 'p'
#define TOY_SHARED 's'
#define TOY_TOKENS 't'
#define TOY_PIECES 'h'

/* Says what the prompt is; prompt_tokens is set. The arrays belong to the caller's storage. */
struct toy_storage {
    uint64_t pieces[512];
    int32_t tokens[4096];
};
void toy_identify(struct servsim_arrival *arrival, const struct toy_traffic *traffic, struct servsim_random *random,
                  struct toy_storage *storage);

struct toy {
    struct ss_registry *registry; /* the plugins of the build tree */
    struct toy_device device;
    struct toy_traffic traffic;
    struct ss_plugin device_plugin, traffic_plugin;
    struct ss_cell cell;
};

/* A small model, one replica, fcfs, round_robin; change toy->cell and the rest before running. Asserts that it works.
 */
void toy_init(struct toy *toy);
void toy_free(struct toy *toy);

/* The model becomes one with experts in every layer. */
void toy_experts(struct toy *toy);

/* A scheduler, router or device of the build tree, with options written as in YAML ("{chunked_prefill: false}") or
 * NULL. */
void toy_use(struct toy *toy, uint32_t kind, const char *name, const char *options);

/* Puts its device and its traffic into the cell, as toy_run() does. */
void toy_place(struct toy *toy);

/* Runs the cell; on an error the text is printed and the case fails. 0 or -errno. */
int toy_run(struct toy *toy, int stepwise, struct ss_result *result);

/* All files of a result in one text, byte for byte as servsim writes them; the caller's. */
char *toy_text(const struct ss_result *result, const struct ss_cell *cell);

#endif
