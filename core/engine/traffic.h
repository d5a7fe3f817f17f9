/*
 * engine/traffic.h - where a simulation's requests come from: the workload plugin, or a packed copy of what it says.
 *
 * Reading a trace of text costs several times what taking its packed rows does, so an experiment whose cells share a
 * trace packs it once. The copy is a file (in memory, as a rule), which any number of processes map.
 */
#ifndef SS_ENGINE_TRAFFIC_H
#define SS_ENGINE_TRAFFIC_H

#include "experiment/experiment.h"

struct ss_packed_traffic {
    const unsigned char *file; /* mapped, read-only */
    size_t bytes;
};

struct ss_traffic {
    struct ss_instance workload; /* not created where there is a packed copy */
    const struct servsim_workload_ops *ops;
    const struct ss_packed_traffic *packed;
    size_t at; /* the next row of it */
};

/* Opens the cell's traffic: its packed copy where it has one. The host is the plugin's until the traffic is closed. */
int ss_traffic_open(struct ss_traffic *traffic, const struct ss_cell *cell, const struct servsim_host *host,
                    struct servsim_error *err);
void ss_traffic_close(struct ss_traffic *traffic);

/* The next request, over a row that is preset: 1, 0 at the end, or what the plugin answers. Hashes and token ids are
   the traffic's, until the next call. */
int ss_traffic_next(struct ss_traffic *traffic, struct servsim_arrival *out, struct servsim_error *err);

/* How many rows it took; of a packed copy, those of the whole traffic. */
void ss_traffic_stats(const struct ss_traffic *traffic, struct servsim_workload_stats *out);

/*
 * Writes all that is left of the traffic to `fd`, an empty file that stays open. -EFBIG when that would take more than
 * `limit_bytes`; another -errno when it cannot be written; what the plugin answers when the traffic is bad input.
 */
int ss_traffic_pack(struct ss_traffic *traffic, int fd, size_t limit_bytes, struct servsim_error *err);

/* Maps what ss_traffic_pack() has left in `fd`, which may then be closed. 0 or -errno. */
int ss_packed_traffic_map(struct ss_packed_traffic *out, int fd);

/* The same, but each row arrives up to `by` earlier or later, drawn evenly, none before 0. Rows keep their order: they
   take the moved times from early to late. Deadlines move along. */
int ss_packed_traffic_map_moved(struct ss_packed_traffic *out, int fd, ss_time by, struct servsim_random *random);
void ss_packed_traffic_unmap(struct ss_packed_traffic *packed);

#endif
