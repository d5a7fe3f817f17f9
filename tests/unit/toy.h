/*
 * unit/toy.h - the small cell of conform/toy.h with plugins of the build tree, and prompts known in five ways.
 */
#ifndef SS_UNIT_TOY_H
#define SS_UNIT_TOY_H

#include "conform/toy.h"

/* Unknown; prompt ids; prompt ids behind a shared beginning; token ids; chained ids of 24-token pieces. */
#define TOY_UNKNOWN 0
#define TOY_PROMPTS 'p'
#define TOY_SHARED 's'
#define TOY_TOKENS 't'
#define TOY_PIECES 'h'

/* What is known of prompts: TOY_..., of which so many are different. */
struct toy_prompts {
    int identity;
    uint32_t distinct, prefix_tokens;
};

/* Says what the prompt is; prompt_tokens is set. The arrays belong to the caller's storage. */
struct toy_storage {
    uint64_t pieces[512];
    int32_t tokens[4096];
};
void toy_identify(struct servsim_arrival *arrival, const struct toy_prompts *prompts, struct servsim_random *random,
                  struct toy_storage *storage);

struct toy {
    struct ss_registry *registry; /* the plugins of the build tree */
    struct ss_toy_device device;
    struct ss_toy_traffic traffic;
    struct toy_prompts prompts;
    struct ss_cell cell;
    /* what a run is given */
    struct toy_storage storage;
    struct ss_toy whole;
    struct servsim_value value;
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

/* The cell as toy_run() runs it; good until the next call. */
struct ss_cell toy_cell(struct toy *toy);

/* Runs the cell; on an error the text is printed and the case fails. 0 or -errno. */
int toy_run(struct toy *toy, int stepwise, struct ss_result *result);

/* All files of a result in one text, byte for byte as servsim writes them; the caller's. */
char *toy_text(const struct ss_result *result, const struct ss_cell *cell);

#endif
