/*
 * tournament.h - for routers that keep one load for each replica and want the least.
 *
 * The loads are the leaves of a tournament: a binary tree whose inner nodes hold the winner below them, so that the
 * root is the answer and a change of one load replays one path, log2(replicas) matches.
 */
#ifndef ROUTER_TOURNAMENT_H
#define ROUTER_TOURNAMENT_H

#include "servsim/plugin.h"

/* Set in the load of a replica that is down: it loses to all that are up. */
#define ROUTER_DOWN (UINT64_C(1) << 63)

struct router_tournament {
    uint32_t replicas;
    uint32_t leaves;  /* a power of two, at least `replicas` */
    uint64_t *load;   /* leaves past the last replica never win */
    uint32_t *winner; /* node 1 is the root, children of i are 2i and 2i + 1; leaf i is node `leaves` + i */
};

/* The left one wins ties, and so the lowest index does. */
static inline uint32_t
router_tournament_match(const struct router_tournament *tournament, uint32_t left, uint32_t right)
{
    return tournament->load[right] < tournament->load[left] ? right : left;
}

static inline void
router_tournament_play(struct router_tournament *tournament, uint32_t node)
{
    const uint32_t *pair = &tournament->winner[2 * (size_t)node];
    tournament->winner[node] = router_tournament_match(tournament, pair[0], pair[1]);
}

static inline void
router_tournament_set(struct router_tournament *tournament, uint32_t replica, uint64_t load)
{
    tournament->load[replica] = load;
    for (uint32_t node = (tournament->leaves + replica) / 2; node >= 1; node /= 2)
        router_tournament_play(tournament, node);
}

static inline void
router_tournament_add(struct router_tournament *tournament, uint32_t replica, uint64_t load)
{
    router_tournament_set(tournament, replica, tournament->load[replica] + load);
}

/* Never below nothing. */
static inline void
router_tournament_take(struct router_tournament *tournament, uint32_t replica, uint64_t load)
{
    if (replica >= tournament->replicas)
        return;
    uint64_t down = tournament->load[replica] & ROUTER_DOWN, has = tournament->load[replica] & ~ROUTER_DOWN;
    router_tournament_set(tournament, replica, down | (has > load ? has - load : 0));
}

/* The replica wins no match while it is down; what it has to do is kept all the same. */
static inline void
router_tournament_replica_up(struct router_tournament *tournament, uint32_t replica, uint32_t up)
{
    if (replica < tournament->replicas)
        router_tournament_set(tournament, replica, (tournament->load[replica] & ~ROUTER_DOWN) | (up ? 0 : ROUTER_DOWN));
}

/* The replica with the least load, of equals the lowest number. */
static inline uint32_t
router_tournament_least(const struct router_tournament *tournament)
{
    return tournament->winner[1];
}

static inline void
router_tournament_free(struct router_tournament *tournament)
{
    free(tournament->load);
    free(tournament->winner);
}

/* All loads 0. From 1 to 2^24 replicas; to be freed also where it fails. */
static inline int32_t
router_tournament_make(struct router_tournament *out, const struct servsim_router_context *context,
                       struct servsim_error *err)
{
    if (context == NULL || context->replicas == 0 || context->replicas > UINT32_C(1) << 24)
        return servsim_fail(err, EINVAL, "a router takes from 1 to 16777216 replicas");
    out->replicas = context->replicas;
    for (out->leaves = 2; out->leaves < out->replicas;)
        out->leaves *= 2;
    out->load = (uint64_t *)calloc(out->leaves, sizeof *out->load);
    out->winner = (uint32_t *)calloc(2 * (size_t)out->leaves, sizeof *out->winner);
    if (out->load == NULL || out->winner == NULL)
        return servsim_fail(err, ENOMEM, "out of memory");
    for (uint32_t i = 0; i < out->leaves; i++) {
        out->load[i] = i < out->replicas ? 0 : UINT64_MAX;
        out->winner[out->leaves + i] = i;
    }
    for (uint32_t node = out->leaves - 1; node >= 1; node--)
        router_tournament_play(out, node);
    return 0;
}

#endif
