/*
 * unit/toy.c - the toy of the conformance kit among plugins that ship.
 */
#include "toy.h"

#include <stdlib.h>

#include "experiment/node.h"
#include "harness.h"

/* ---- who asks, and what ---- */

static uint32_t
between(struct servsim_random *random, uint32_t low, uint32_t high)
{
    return low + (uint32_t)(servsim_random_u64(random) % (high - low + 1));
}

/* Two prompts have the same pieces up to the first at which they differ, in one of three ways. */
static void
identify_pieces(struct servsim_arrival *arrival, struct servsim_random *random, uint64_t *pieces)
{
    const uint32_t piece = 24;
    uint64_t chain = 1;
    arrival->block_hashes = pieces;
    arrival->block_hash_tokens = piece;
    arrival->block_hash_count = (arrival->prompt_tokens + piece - 1) / piece;
    for (uint32_t i = 0; i < arrival->block_hash_count; i++)
        pieces[i] = chain = chain * 4 + (servsim_random_u64(random) % 8 < 6 ? 0 : between(random, 1, 2));
}

static void
identify_tokens(struct servsim_arrival *arrival, struct servsim_random *random, int32_t *tokens)
{
    uint32_t common = between(random, 0, arrival->prompt_tokens);
    arrival->token_ids = tokens;
    for (uint32_t i = 0; i < arrival->prompt_tokens; i++)
        tokens[i] = i < common ? (int32_t)(i % 7) : (int32_t)between(random, 0, 1);
}

void
toy_identify(struct servsim_arrival *arrival, const struct toy_prompts *prompts, struct servsim_random *random,
             struct toy_storage *storage)
{
    if (prompts->identity == TOY_TOKENS)
        identify_tokens(arrival, random, storage->tokens);
    else if (prompts->identity == TOY_PIECES)
        identify_pieces(arrival, random, storage->pieces);
    else
        arrival->prompt_id = between(random, prompts->identity == TOY_SHARED ? 0 : 1, prompts->distinct);
    if (prompts->identity == TOY_SHARED) {
        arrival->prefix_id = 1 + arrival->prompt_id % 2;
        arrival->prefix_tokens = prompts->prefix_tokens;
    }
}

static void
tell(const struct ss_toy_traffic *traffic, uint64_t index, struct servsim_random *random, struct servsim_arrival *out)
{
    struct toy *toy = traffic->ctx;
    uint64_t number = index + 1;
    out->client = 1 + number * 7 % 3;
    out->priority = number % 4 == 0;
    out->deadline_s = out->arrival_s + (int64_t)(number % 5);
    out->deadline_ps = out->arrival_ps;
    if (toy->prompts.identity != TOY_UNKNOWN)
        toy_identify(out, &toy->prompts, random, &toy->storage);
}

/* ---- the cell ---- */

void
toy_init(struct toy *toy)
{
    struct servsim_error err = {.size = sizeof err};
    char folder[4096];
    (void)snprintf(folder, sizeof folder, "%s", ss_build_path("plugins/.libs"));
    const char *const paths[] = {folder};
    struct ss_toy whole;
    ss_toy_init(&whole);
    memset(toy, 0, sizeof *toy);
    toy->device = whole.device;
    toy->traffic = whole.traffic;
    toy->cell = whole.cell;
    CU_ASSERT_EQUAL_FATAL(ss_registry_open(&toy->registry, paths, 1, &err), 0);
    toy_use(toy, SERVSIM_KIND_SCHEDULER, "fcfs", NULL);
    toy_use(toy, SERVSIM_KIND_ROUTER, "round_robin", NULL);
}

void
toy_experts(struct toy *toy)
{
    struct ss_model *model = &toy->cell.model;
    model->experts = 8;
    model->top_k = 2;
    model->expert_ffn = 64;
    for (uint32_t i = 0; i < model->layers; i++)
        model->kinds[i] = SS_LAYER_EXPERTS;
}

void
toy_free(struct toy *toy)
{
    ss_options_free(&toy->cell.scheduler.options);
    ss_options_free(&toy->cell.router.options);
    ss_options_free(&toy->cell.hardware.options);
    ss_registry_close(toy->registry);
}

void
toy_use(struct toy *toy, uint32_t kind, const char *name, const char *options)
{
    struct servsim_error err = {.size = sizeof err};
    struct ss_use *use = kind == SERVSIM_KIND_SCHEDULER  ? &toy->cell.scheduler
                         : kind == SERVSIM_KIND_HARDWARE ? &toy->cell.hardware
                                                         : &toy->cell.router;
    struct ss_node *map = NULL;
    ss_options_free(&use->options);
    int rc = ss_registry_find(toy->registry, kind, name, ".", &use->plugin, &err);
    if (rc == 0 && options != NULL)
        rc = ss_node_parse(&map, options, strlen(options), "test", &err);
    if (rc == 0)
        rc = ss_options_bind(&use->options, use->plugin->descriptor, map, NULL, ".", &err);
    if (rc != 0)
        (void)printf("# %s\n", err.text);
    ss_node_free(map);
    CU_ASSERT_EQUAL_FATAL(rc, 0);
}

/* ---- running it ---- */

static void
gather(struct toy *toy)
{
    toy->whole = (struct ss_toy){.device = toy->device, .traffic = toy->traffic, .cell = toy->cell};
    toy->whole.traffic.tell = tell;
    toy->whole.traffic.ctx = toy;
}

struct ss_cell
toy_cell(struct toy *toy)
{
    gather(toy);
    return ss_toy_cell(&toy->whole, &toy->value);
}

int
toy_run(struct toy *toy, int stepwise, struct ss_result *result)
{
    struct servsim_error err = {.size = sizeof err};
    gather(toy);
    int rc = ss_toy_run(&toy->whole, stepwise, result, &err);
    if (rc != 0)
        (void)printf("# %s\n", err.text);
    return rc;
}

char *
toy_text(const struct ss_result *result, const struct ss_cell *cell)
{
    struct servsim_error err = {.size = sizeof err};
    struct ss_text all = {0};
    int rc = ss_toy_text(result, cell, &all, &err);
    if (rc != 0)
        (void)printf("# %s\n", err.text);
    CU_ASSERT_EQUAL_FATAL(rc, 0);
    return all.data;
}
