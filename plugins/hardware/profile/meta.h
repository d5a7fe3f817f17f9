/*
 * profile/meta.h - meta.yaml of a bundle: values by the path of their keys, with the lines they stand in.
 */
#ifndef PROFILE_META_H
#define PROFILE_META_H

#include <yaml.h>

#include "servsim/plugin.h"

struct meta {
    char *path;
    yaml_document_t document;
    int loaded;
};

/* A place in the document; NULL node: absent. */
struct meta_value {
    const yaml_node_t *node;
    uint64_t line;
};

int32_t meta_read(struct meta *meta, const char *path, struct servsim_error *err);
void meta_free(struct meta *meta);

/* "skew_fit.bucket_axes.n_bins"; keys that are numbers ("per_tp.1.alpha_default") are written as such. */
struct meta_value meta_get(const struct meta *meta, const char *keys);

/* The text of a scalar, or NULL. */
const char *meta_text(const struct meta *meta, const char *keys);

/* Entries of a list; 0 where it is absent or no list. */
uint32_t meta_length(const struct meta_value *value);
const char *meta_entry(const struct meta *meta, const struct meta_value *value, uint32_t index);

/* Leaves *out alone where the key is absent. */
int32_t meta_number(const struct meta *meta, const char *keys, double minimum, double maximum, double *out,
                    struct servsim_error *err);

/* Leaves *out alone where the key is absent; true or false. */
int32_t meta_flag(const struct meta *meta, const char *keys, int *out, struct servsim_error *err);

#endif
