/*
 * lengths.h - how long answers were, by class and by the length of the prompt; for predictors that learn as they go.
 *
 * A class is a label of the traffic. Each class has a table for each octave of prompt lengths, and one for all of them;
 * so has the traffic as a whole. A request is predicted from the narrowest table that has seen enough.
 */
#ifndef PREDICTOR_LENGTHS_H
#define PREDICTOR_LENGTHS_H

#include "servsim/plugin.h"

#define LENGTHS_PROMPTS 24u /* octaves of prompt lengths; the last one is open */
#define LENGTHS_BINS 192u   /* of answers: eight an octave */

struct lengths_table {
    uint64_t count, sum;
    uint32_t bins[LENGTHS_BINS];
};

struct lengths_class {
    struct lengths_class *next;
    char label[32];
    struct lengths_table all, prompts[LENGTHS_PROMPTS];
};

/* Zero-initialise; lengths_free() at the end. */
struct lengths {
    struct lengths_class everyone; /* its label is not looked at */
    struct lengths_class *classes; /* the one used last in front */
};

static inline uint32_t
lengths_octave(uint32_t tokens)
{
    uint32_t octave = 0;
    while ((tokens >>= 1) > 0)
        octave++;
    return octave;
}

static inline uint32_t
lengths_prompt_bin(uint32_t tokens)
{
    uint32_t octave = lengths_octave(tokens);
    return octave < LENGTHS_PROMPTS ? octave : LENGTHS_PROMPTS - 1;
}

/* Lengths below 8 have a bin each; above, the three bits behind the leading one are the place in the octave. */
static inline uint32_t
lengths_bin(uint32_t tokens)
{
    uint32_t octave = lengths_octave(tokens);
    uint32_t bin = octave < 3 ? tokens : (octave - 2) * 8 + ((tokens >> (octave - 3)) & 7);
    return bin < LENGTHS_BINS ? bin : LENGTHS_BINS - 1;
}

/* The shortest length of a bin. */
static inline uint64_t
lengths_bin_low(uint32_t bin)
{
    return bin < 16 ? bin : (uint64_t)(8 + bin % 8) << (bin / 8 - 1);
}

/* The class of a label; makes it where it is new. NULL without memory. */
static inline struct lengths_class *
lengths_class_of(struct lengths *lengths, const char *label)
{
    struct lengths_class **at = &lengths->classes;
    while (*at != NULL && strncmp((*at)->label, label, sizeof((*at)->label) - 1) != 0)
        at = &(*at)->next;
    struct lengths_class *found = *at;
    if (found != NULL)
        *at = found->next;
    else if ((found = (struct lengths_class *)calloc(1, sizeof *found)) != NULL)
        memcpy(found->label, label, strnlen(label, sizeof found->label - 1));
    else
        return NULL;
    found->next = lengths->classes;
    lengths->classes = found;
    return found;
}

static inline void
lengths_count(struct lengths_table *table, uint32_t tokens)
{
    table->count++;
    table->sum += tokens;
    table->bins[lengths_bin(tokens)]++;
}

/* 0 or -ENOMEM. */
static inline int32_t
lengths_add(struct lengths *lengths, const struct servsim_sample *sample, uint32_t tokens)
{
    struct lengths_class *own = lengths_class_of(lengths, sample->label);
    uint32_t prompt = lengths_prompt_bin(sample->prompt_tokens);
    if (own == NULL)
        return -ENOMEM;
    lengths_count(&own->all, tokens);
    lengths_count(&own->prompts[prompt], tokens);
    lengths_count(&lengths->everyone.all, tokens);
    lengths_count(&lengths->everyone.prompts[prompt], tokens);
    return 0;
}

/* The narrowest table with at least `enough` lengths; the widest where none has. NULL without memory. */
static inline const struct lengths_table *
lengths_table_for(struct lengths *lengths, const struct servsim_sample *sample, uint64_t enough)
{
    const struct lengths_class *own = lengths_class_of(lengths, sample->label);
    uint32_t prompt = lengths_prompt_bin(sample->prompt_tokens);
    if (own == NULL)
        return NULL;
    if (own->prompts[prompt].count >= enough)
        return &own->prompts[prompt];
    if (own->all.count >= enough)
        return &own->all;
    if (lengths->everyone.prompts[prompt].count >= enough)
        return &lengths->everyone.prompts[prompt];
    return &lengths->everyone.all;
}

/* The middle of the bin in which the median lies; the table is not empty. */
static inline uint32_t
lengths_median(const struct lengths_table *table)
{
    uint64_t seen = 0;
    uint32_t bin = 0;
    while ((seen += table->bins[bin]) * 2 < table->count)
        bin++;
    uint64_t tokens = (lengths_bin_low(bin) + lengths_bin_low(bin + 1)) / 2;
    return tokens > 0 ? (uint32_t)tokens : 1;
}

static inline uint32_t
lengths_mean(const struct lengths_table *table)
{
    return (uint32_t)((table->sum + table->count / 2) / table->count);
}

/* The share of lengths within a factor of two of `tokens`. */
static inline double
lengths_near(const struct lengths_table *table, uint32_t tokens)
{
    uint64_t near = 0;
    uint32_t last = lengths_bin(tokens > UINT32_MAX / 2 ? UINT32_MAX : 2 * tokens);
    for (uint32_t bin = lengths_bin((tokens + 1) / 2); bin <= last; bin++)
        near += table->bins[bin];
    return (double)near / (double)table->count;
}

/* predict() from the tables. */
static inline int32_t
lengths_predict(struct lengths *lengths, const struct servsim_sample *sample, uint64_t enough, int median,
                struct servsim_prediction *out, struct servsim_error *err)
{
    const struct lengths_table *table = lengths_table_for(lengths, sample, enough);
    if (table == NULL)
        return servsim_fail(err, ENOMEM, "no memory for a class");
    if (table->count == 0)
        return 0;
    out->output_tokens = median ? lengths_median(table) : lengths_mean(table);
    out->confidence = lengths_near(table, out->output_tokens);
    return 0;
}

/* observe() into them. */
static inline int32_t
lengths_observe(struct lengths *lengths, const struct servsim_sample *sample, uint32_t output_tokens,
                struct servsim_error *err)
{
    return lengths_add(lengths, sample, output_tokens) == 0 ? 0 : servsim_fail(err, ENOMEM, "no memory for a class");
}

static inline void
lengths_free(struct lengths *lengths)
{
    while (lengths->classes != NULL) {
        struct lengths_class *next = lengths->classes->next;
        free(lengths->classes);
        lengths->classes = next;
    }
}

#endif
