/*
 * lengths.h - distributions of prompt and output lengths for the generators.
 */
#ifndef WL_LENGTHS_H
#define WL_LENGTHS_H

#include "servsim/plugin.h"

#define WL_LENGTHS_FIXED 0
#define WL_LENGTHS_UNIFORM 1
#define WL_LENGTHS_EXPONENTIAL 2
#define WL_LENGTHS_GEOMETRIC 3
#define WL_LENGTHS_LOGNORMAL 4
#define WL_LENGTHS_TABLE 5

/* Edges of a measured distribution at steps of 1/128, and at 255/256 ... 65535/65536 and 1 for its tail. A length is
   the whole part of a value drawn linearly between two edges. */
#define WL_KNOTS 138
extern const float wl_sharegpt_prompt[WL_KNOTS], wl_sharegpt_output[WL_KNOTS];
extern const float wl_burstgpt_prompt[WL_KNOTS], wl_burstgpt_output[WL_KNOTS];

struct wl_lengths {
    int kind;
    double mean, sigma, mu;    /* of the lognormal: of the logarithm */
    uint32_t minimum, maximum; /* lengths beyond are moved to them */
    const float *table;
};

/*
 * Reads the options WHAT_tokens, WHAT_distribution, WHAT_cv, WHAT_min, WHAT_max of a plugin, WHAT being "prompt" or
 * "output".
 */
int32_t wl_lengths_read(struct wl_lengths *out, const struct servsim_create *args, const char *what,
                        struct servsim_error *err);

uint32_t wl_lengths_draw(const struct wl_lengths *lengths, struct servsim_random *random);

/* One length out of a table. */
uint32_t wl_table_draw(const float *table, struct servsim_random *random);

#endif
