/*
 * cli/replay.h - an experiment that replays a real run: what validate and calibrate share.
 */
#ifndef SS_CLI_REPLAY_H
#define SS_CLI_REPLAY_H

#include "analysis/fidelity.h"
#include "cli/cli.h"

struct ss_replay_flags {
    struct ss_measured_options measured;
    uint32_t distinct_prompts; /* 0: unknown */
    int own_traffic;           /* the experiment's workload is the traffic that was measured */
    const char **sets;         /* --set, in order; the caller frees the array */
    size_t set_count;
};

struct ss_replay {
    const char *file, *measured_file;
    const struct ss_replay_flags *flags;
    const struct ss_cli *cli;
    struct ss_measured measured;
    struct ss_experiment experiment; /* of one cell */
    char folder[4096], trace[4200];  /* the measured arrivals and lengths, as a trace; empty: none was written */
    FILE *packed;                    /* the traffic, as ss_pack_traffic() leaves it, for repeats; NULL: none yet */
};

/* Options that both commands have, for getopt_long(); ss_replay_flag() takes what it answers: 1 if it was one. */
/* clang-format off */
#define SS_REPLAY_OPTIONS \
    {"start", required_argument, NULL, 'S'}, \
    {"stage", required_argument, NULL, 'G'}, \
    {"output-tokens", required_argument, NULL, 'O'}, \
    {"distinct-prompts", required_argument, NULL, 'P'}, \
    {"own-traffic", no_argument, NULL, 'W'}, \
    {"set", required_argument, NULL, 's'}
/* clang-format on */
#define SS_REPLAY_USAGE                                                                                                \
    "  --start WHICH        times count from `arrival` (default) or from `queued`, where the file has both\n"          \
    "  --stage N            only the rows of this stage\n"                                                             \
    "  --output-tokens N    of every request, where the file counts text instead of tokens\n"                          \
    "  --distinct-prompts N prompt i is the same as prompt i + N: for prefix caching\n"                                \
    "  --own-traffic        the experiment's workload is the traffic that was measured, request by request: for\n"     \
    "                       traces that hold the prompts themselves\n"                                                 \
    "  --set KEY=VALUE      override a key of the experiment; may be repeated\n"
int ss_replay_flag(struct ss_replay_flags *flags, int option, const char *value); /* 0: not one; < 0: bad, was said */

/* Reads both files. The replay keeps the names, the flags and `cli`. */
int ss_replay_open(struct ss_replay *replay, const char *file, const char *measured,
                   const struct ss_replay_flags *flags, const struct ss_cli *cli, struct servsim_error *err);
void ss_replay_close(struct ss_replay *replay);

/* Reads the experiment again with further settings behind those of the flags. */
int ss_replay_change(struct ss_replay *replay, const char *const *sets, size_t count, struct servsim_error *err);

/* Simulates the cell; the result is the caller's. */
int ss_replay_run(const struct ss_replay *replay, struct ss_result *result, struct servsim_error *err);

/*
 * Simulates it once more, as it might have been: every arrival up to `by` earlier or later, in the same order. Where
 * only means were measured, the experiment's own traffic is drawn again with the next seed instead. Repeat `number` is
 * always the same. The result is the caller's.
 */
int ss_replay_repeat(struct ss_replay *replay, uint32_t number, ss_time by, struct ss_result *result,
                     struct servsim_error *err);

#endif
