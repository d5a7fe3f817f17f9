/*
 * engine/failures.h - replicas that die, are found dead, and come back.
 *
 * A replica that dies loses the step under way, its KV cache and its scheduler. Its requests are stranded there until
 * the router knows of it, with those that the router sends there meanwhile. Then each of them is sent again, or fails
 * where it was sent often enough. Tokens that a request has had are its client's: they are not made again, and a
 * replica that takes the request over computes them together with its prompt, as after a preemption. A replica that is
 * back before the router has noticed anything has lost its requests all the same: that is when they are sent again.
 *
 * While the router knows of no replica that is up, requests wait at the router.
 */
#ifndef SS_ENGINE_FAILURES_H
#define SS_ENGINE_FAILURES_H

#include "base/time.h"
#include "servsim/plugin.h"

struct ss_cluster;
struct ss_faults;
struct ss_request;

/* cluster->faults of the cell, or NULL where none of its replicas can die; and which of them are slow. 0 or -errno. */
int ss_faults_make(struct ss_cluster *cluster, struct servsim_error *err);
void ss_faults_free(struct ss_faults *faults);

/* When something happens to a replica, where that is before `time` and anybody is there to mind; else `time`. */
ss_time ss_faults_before(const struct ss_cluster *cluster, ss_time time);

/* What happens to replicas now. 0 or -errno. */
int ss_faults_take(struct ss_cluster *cluster, struct servsim_error *err);

/* Does the router know of no replica that is up? */
int ss_faults_none_up(const struct ss_cluster *cluster);

/* The request waits at the router. */
void ss_faults_wait(struct ss_cluster *cluster, struct ss_request *request);

/* The router has named a replica: 0, another one in its place where it is known to be down, or -EPROTO. */
int ss_faults_reroute(const struct ss_cluster *cluster, const struct ss_request *request, uint32_t *replica,
                      struct servsim_error *err);

/* 1: the replica is dead, and the request lies there. 0: it is alive. */
int ss_faults_strand(struct ss_cluster *cluster, struct ss_request *request, uint32_t replica);

/* The request, which waits and is with no replica any more, has failed. */
void ss_faults_fail(struct ss_cluster *cluster, struct ss_request *request);

/* The figures, at the end. */
void ss_faults_collect(struct ss_cluster *cluster);

#endif
