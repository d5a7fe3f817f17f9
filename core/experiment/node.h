/*
 * experiment/node.h - a YAML document as a plain tree that remembers where each value stood.
 *
 * One document, no duplicate keys, no tags or aliases that change meaning. libyaml stays inside node.c.
 */
#ifndef SS_EXPERIMENT_NODE_H
#define SS_EXPERIMENT_NODE_H

#include <stddef.h>
#include <stdint.h>

#include "servsim/plugin.h"

#define SS_NODE_SCALAR 1u
#define SS_NODE_LIST 2u
#define SS_NODE_MAP 3u

struct ss_node {
    uint32_t type;
    uint32_t line;      /* from 1; 0: not from a file */
    const char *origin; /* file name or "--set scheduler.max_num_seqs=64" or "--npu_num"; outlives the tree */
    char *key;          /* of this entry within its map, else NULL */
    char *text;         /* scalars */
    struct ss_node **children;
    size_t count;
};

/* Parses a file or a text. Errors give FILE:LINE:. */
int ss_node_read_file(struct ss_node **out, const char *path, struct servsim_error *err);
int ss_node_parse(struct ss_node **out, const char *text, size_t length, const char *origin, struct servsim_error *err);
void ss_node_free(struct ss_node *node);

struct ss_node *ss_node_copy(const struct ss_node *node);

/* The child of a map by key, or NULL. */
struct ss_node *ss_node_get(const struct ss_node *map, const char *key);

/* Building: each returns the new child (owned by the parent), replacing one of the same key. NULL only without memory.
 */
struct ss_node *ss_node_new(uint32_t type, const char *origin, uint32_t line);
struct ss_node *ss_node_set(struct ss_node *map, const char *key, struct ss_node *child);
struct ss_node *ss_node_set_text(struct ss_node *map, const char *key, const char *text, const char *origin);

/* Applies "a.b.c=VALUE": VALUE is parsed as YAML. Maps on the way are made where they are missing; a scalar plugin name
   on the way becomes {plugin: name}. */
int ss_node_apply_set(struct ss_node *root, const char *assignment, struct servsim_error *err);

/* Starts an error text: "FILE:LINE: ", then the format. Returns -code. */
int ss_node_fail(const struct ss_node *node, struct servsim_error *err, int code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
