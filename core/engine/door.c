/*
 * engine/door.c - reports of ranks on their way to the front end.
 *
 * The coordinator's clock is never an event: what it has handed on by now is worked out when a request comes or a rank
 * reports. Reports come at ends of runs and with what is composed there, since nothing that is counted changes inside
 * of a run, so that both modes have the same.
 */
#include "engine/door.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/cluster.h"

int
ss_door_init(struct ss_door *door, uint32_t rank_count, uint32_t together, ss_time refresh)
{
    struct ss_door_counts *counts = calloc((size_t)rank_count * 3, sizeof *counts);
    *door = (struct ss_door){.rank_count = rank_count, .together = together, .refresh = refresh, .told = -refresh};
    if (counts == NULL)
        return -ENOMEM;
    door->known = counts;
    door->reported = counts + rank_count;
    door->before = counts + (size_t)rank_count * 2;
    return 0;
}

void
ss_door_free(struct ss_door *door)
{
    free(door->known);
    *door = (struct ss_door){0};
}

static size_t
size_of(uint32_t ranks)
{
    return ranks * sizeof(struct ss_door_counts);
}

void
ss_door_reset(struct ss_door *door)
{
    memset(door->known, 0, 3 * size_of(door->rank_count));
    door->changed = door->has_before = 0;
}

/* When the coordinator tells the front end, unless somebody reports before. */
static ss_time
due(const struct ss_door *door)
{
    ss_time least = door->together && !door->has_before ? door->waits_since + door->refresh / 2 : door->waits_since;
    ss_time next = door->told + door->refresh;
    return next > least ? next : least;
}

static void
catch_up(struct ss_door *door, ss_time now)
{
    for (ss_time next = due(door); door->changed && next <= now; next = due(door)) {
        memcpy(door->known, door->has_before ? door->before : door->reported, size_of(door->rank_count));
        door->changed = door->has_before;
        door->has_before = 0;
        door->told = door->waits_since = next;
    }
}

static uint64_t
load_of(const struct ss_door_counts *counts)
{
    return 4 * (uint64_t)counts->waiting + counts->running;
}

static struct ss_door_counts
counts_now(const struct ss_replica *rank)
{
    return (struct ss_door_counts){rank->waiting, rank->running};
}

uint32_t
ss_door_choose(struct ss_door *door, const struct ss_replica *ranks, ss_time now)
{
    uint32_t best = 0;
    catch_up(door, now);
    for (uint32_t i = 0; i < door->rank_count; i++) {
        if (door->refresh == 0)
            door->known[i] = counts_now(&ranks[i]);
        if (load_of(&door->known[i]) < load_of(&door->known[best]))
            best = i;
    }
    door->known[best].waiting++;
    return best;
}

/* Whoever came during the step that has ended just now is first seen by the engine after it has reported. */
static struct ss_door_counts
counts_reported(const struct ss_replica *rank)
{
    struct ss_door_counts counts = counts_now(rank);
    uint32_t unseen = rank->came_by == rank->group->steps ? rank->came : 0;
    counts.waiting -= unseen < counts.waiting ? unseen : counts.waiting;
    return counts;
}

void
ss_door_report(struct ss_door *door, const struct ss_replica *ranks, uint32_t first, uint32_t count, ss_time now)
{
    int others = 0;
    if (door->refresh == 0)
        return;
    for (uint32_t i = 0; i < count; i++) {
        const struct ss_door_counts counts = counts_reported(&ranks[i]), *old = &door->reported[first + i];
        others |= counts.waiting != old->waiting || counts.running != old->running;
    }
    if (!others)
        return;
    catch_up(door, now);
    if (door->changed && door->together && now > door->waits_since) {
        memcpy(door->before, door->reported, size_of(door->rank_count));
        door->has_before = 1;
    }
    for (uint32_t i = 0; i < count; i++)
        door->reported[first + i] = counts_reported(&ranks[i]);
    door->changed = 1;
    door->waits_since = now;
}
