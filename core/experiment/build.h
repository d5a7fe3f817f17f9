/*
 * experiment/build.h - the steps from a tree to an experiment; private to this folder.
 */
#ifndef SS_EXPERIMENT_BUILD_H
#define SS_EXPERIMENT_BUILD_H

#include "experiment/experiment.h"
#include "experiment/node.h"

struct ss_key;
struct ss_table;

#define SS_NAME_LIMIT 255        /* bytes of an experiment's name */
#define SS_REPLICATES_LIMIT 1000 /* seeds of one cell */

/* What every step needs. */
struct ss_build {
    struct ss_experiment *out;
    const struct ss_lookup *lookup;
    const char *base_dir;
    const struct ss_node *report_nodes; /* what `report:` says, or NULL */
    struct servsim_error *err;
};

/* matrix.c: the axes of an experiment, and the tree of each cell */

struct ss_axis_values {
    const struct ss_key *key;
    const struct ss_node **nodes; /* of the caller's tree */
    char **labels;
    size_t count;
};

struct ss_matrix {
    struct ss_axis_values *axes;
    size_t axis_count;
    size_t cell_count; /* 1 without axes */
};

int ss_matrix_read(const struct ss_build *build, const struct ss_node *root, struct ss_matrix *out);
void ss_matrix_free(struct ss_matrix *matrix);

/* Index of the value of `axis` in cell number `cell`; the first axis turns slowest. */
size_t ss_matrix_choice(const struct ss_matrix *matrix, size_t cell, size_t axis);

/* Refuses a --set that no cell would feel, since every value of its axis replaces it. */
int ss_matrix_check_sets(const struct ss_build *build, const struct ss_matrix *matrix, const struct ss_node *root);

/* The keys of cell number `cell` with the values of its axes merged in; the caller frees it. NULL without memory. */
struct ss_node *ss_matrix_tree(const struct ss_matrix *matrix, const struct ss_node *root, size_t cell);

/* Letters, digits, '_', '.', '-' stay, all else becomes '_'; never empty, never begins with '.' or '-'. */
void ss_folder_safe(char *name);

/* use.c: plugins and host maps of a tree */

int ss_use_build(const struct ss_build *build, const struct ss_node *tree, const char *key, struct ss_use *out);
int ss_use_from_node(const struct ss_build *build, uint32_t kind, const struct ss_node *node, const char *preset,
                     const struct ss_node *place, struct ss_use *out);
void ss_use_free(struct ss_use *use);

/* `none`, where a kind may be left out. */
int ss_use_is_none(const struct ss_node *node);

/* Does the plugin exist that is named here, and is every key one of its own or of the host? No value is looked at. */
int ss_use_check_names(const struct ss_build *build, const struct ss_node *node, const struct ss_key *key);

int ss_map_bind(const struct ss_build *build, const struct ss_node *tree, const char *key, const struct ss_table *table,
                struct ss_options *out);
int ss_host_keys_bind(const struct ss_build *build, const struct ss_node *tree, const char *key, uint32_t kind,
                      struct ss_options *out);

/* engine.c: an engine's overhead by name or by numbers */
int ss_overhead_build(const struct ss_build *build, const struct ss_node *tree, struct ss_overhead *out);
/* Name number `index` of those that the host knows, or NULL behind the last. */
const char *ss_overhead_name(size_t index);
struct ss_text;
/* Every number, as the rest of a flow map that begins with the name. */
void ss_overhead_put(struct ss_text *text, const struct ss_overhead *overhead);

/* layout.c: GPUs into replicas */
int ss_layout_build(const struct ss_build *build, const struct ss_node *tree, struct ss_cell *cell);

/* failures.c: what fails inside of the simulation. On failure `out` still wants ss_failures_free(). */
int ss_failures_build(const struct ss_build *build, const struct ss_node *tree, uint32_t replicas,
                      struct ss_failures *out);
void ss_failures_free(struct ss_failures *failures);
/* The whole key, for the resolved text; nothing where nothing fails. */
void ss_failures_put(struct ss_text *text, const struct ss_failures *failures);

/* cell.c. On failure the cell still wants ss_cell_free(). */
int ss_cell_build(const struct ss_build *build, const struct ss_node *tree, struct ss_cell *cell);
void ss_cell_free(struct ss_cell *cell);

/* resolved.c: the text of cell->resolved; the caller frees it. NULL without memory. */
char *ss_cell_resolve(const struct ss_build *build, const struct ss_node *tree, const struct ss_cell *cell);

#endif
