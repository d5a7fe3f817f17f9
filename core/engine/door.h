/*
 * engine/door.h - what the front end of data-parallel ranks knows of their queues, and where it sends a request.
 *
 * As vLLM does it: each rank reports how many requests wait and run there when a step ends after which these are others
 * than before; a coordinator hands the reports on to the front end, `refresh` after it did so last, at the earliest.
 * The front end sends a request to the rank for which 4 x waiting + running is least, the first among equals, and
 * counts it as waiting there until it hears more. So requests that come together are sent by counts that are older than
 * they are, and a report may still lack those that were sent meanwhile.
 *
 * Ranks that step together report a step at about the same time. The coordinator waits half of `refresh` for the rest
 * of a step's reports; where another step's come first, those of the step before are complete, and it hands on these.
 */
#ifndef SS_ENGINE_DOOR_H
#define SS_ENGINE_DOOR_H

#include <stdint.h>

#include "base/time.h"

struct ss_replica;

struct ss_door_counts {
    uint32_t waiting, running;
};

struct ss_door {
    uint32_t rank_count;
    uint32_t together;               /* the ranks step together */
    ss_time refresh;                 /* 0: the front end always knows */
    struct ss_door_counts *known;    /* [ranks] at the front end, with what it has sent since */
    struct ss_door_counts *reported; /* [ranks] */
    struct ss_door_counts *before;   /* [ranks] of the step before the one reported last, where has_before */
    int changed, has_before;         /* not all that was reported is known */
    ss_time told, waits_since;       /* the front end last; since when the coordinator waits for more reports */
};

/* 0 or -ENOMEM; free it either way. */
int ss_door_init(struct ss_door *door, uint32_t rank_count, uint32_t together, ss_time refresh);
void ss_door_free(struct ss_door *door);

/* All ranks are empty, and that is known. */
void ss_door_reset(struct ss_door *door);

/* A request comes: the rank that it goes to. `ranks` are all of the door's. */
uint32_t ss_door_choose(struct ss_door *door, const struct ss_replica *ranks, ss_time now);

/* A step has ended, or one begins, on `count` ranks that step together, the first of them is `first` of the door's. */
void ss_door_report(struct ss_door *door, const struct ss_replica *ranks, uint32_t first, uint32_t count, ss_time now);

#endif
