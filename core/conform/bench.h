/*
 * conform/bench.h - a device at work, without an engine: what the laws of its operators share.
 */
#ifndef SS_CONFORM_BENCH_H
#define SS_CONFORM_BENCH_H

#include "conform/laws.h"
#include "cost/operators.h"

struct ss_bench {
    const struct servsim_hardware_ops *ops;
    void *self;
    struct servsim_hardware_context context;
    struct servsim_random random;
    const char *foreign; /* what is special about a model that nobody asked for; NULL: the one that was asked for */
    int refused;         /* a price of it was refused, with a text */
};

/* For the model that was asked for. 0 or -EPROTO; destroy its `self`. */
int ss_bench_begin(struct ss_trial *trial, struct ss_bench *bench, struct servsim_error *err);

/* For a model that nobody asked for (foreign.h). SS_NOT_TRIED where the device does not know such models and says so.
 */
int ss_bench_begin_foreign(struct ss_trial *trial, struct ss_bench *bench, size_t foreign, struct servsim_error *err);

/* A law of one operator, over as many as it takes: for the model that was asked for, and for those of other builds. A
   device need not know these, but what it prices it prices by the same laws. */
typedef int (*ss_bench_law)(struct ss_bench *bench, struct servsim_error *err);
int ss_bench_over_models(struct ss_trial *trial, ss_bench_law law, struct servsim_error *err);

/* 1 to 2^bits, small ones as likely as large ones. */
uint64_t ss_bench_size(struct ss_bench *bench, unsigned bits);

static inline uint64_t
ss_bench_below(struct ss_bench *bench, uint64_t limit)
{
    return servsim_random_u64(&bench->random) % limit;
}

/* Its prices may fall where physics says that they grow. */
static inline int
ss_bench_is_measured(const struct ss_bench *bench)
{
    return (bench->ops->flags & SERVSIM_HARDWARE_MEASURED) != 0;
}

/* What one call answered: 0, or -EPROTO where it is refused or is no price. */
int ss_bench_priced(struct ss_bench *bench, int32_t rc, int64_t ps, const char *what, struct servsim_error *err);

/* `times` kernels cost `times` as much, roundings aside: of `rounded` prices in one, each to whole picoseconds. */
int ss_bench_additive(int64_t once_ps, int64_t many_ps, uint32_t times, uint64_t rounded, const char *what,
                      struct servsim_error *err);

/* ---- attention.c ---- */

/* Laws: attention grows with the context; a line is the same wherever it is asked for. */
int ss_attention_grows(struct ss_trial *trial, struct servsim_error *err);
int ss_attention_lines(struct ss_trial *trial, struct servsim_error *err);

/* Attention of some decodes, drawn and priced. */
int ss_attention_sample(struct ss_bench *bench, struct servsim_line *line, struct servsim_error *err);

#endif
