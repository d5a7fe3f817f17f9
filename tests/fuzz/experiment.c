/*
 * fuzz/experiment.c - the experiment file: YAML into a tree, into an experiment, into cells.
 *
 * Of an experiment that is taken, the resolved text of a cell is an experiment, too, of that cell alone; and its
 * plugins' create() and the cost of its model are tried with what the file says.
 */
#define _GNU_SOURCE /* memmem */
#include <string.h>

#include "engine/simulation.h"
#include "experiment/node.h"
#include "fuzz.h"

#define CELLS 3u /* of a matrix: the others differ from them in the same ways */

/* Traces, models and plugins may be named by path. What lies outside of this tree is not ours to open. */
static int
names_devices(const uint8_t *data, size_t size)
{
    static const char *const places[] = {"/dev", "/proc", "/sys", ".so"};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (size > 0 && memmem(data, size, places[i], strlen(places[i])) != NULL)
            return 1;
    return 0;
}

static int
build(struct ss_experiment *out, const char *text, size_t size, struct servsim_error *err)
{
    struct ss_node *root = NULL;
    int rc = ss_node_parse(&root, text, size, "fuzz.yaml", err);
    if (rc == 0)
        rc = ss_experiment_build(out, root, SERVSIM_SRCDIR "/configs", fuzz_lookup(), err);
    ss_node_free(root);
    return rc;
}

static void
check_resolved(const struct ss_cell *cell)
{
    struct servsim_error err = {.size = sizeof err};
    struct ss_experiment again;
    if (build(&again, cell->resolved, strlen(cell->resolved), &err) != 0)
        fuzz_fail("the resolved text of a cell is refused: %s\n%s", err.text, cell->resolved);
    if (again.cell_count != 1)
        fuzz_fail("the resolved text of a cell has %zu cells\n%s", again.cell_count, cell->resolved);
    if (strcmp(again.cells[0].resolved, cell->resolved) != 0)
        fuzz_fail("a resolved text resolves to another one:\n%s\n%s", cell->resolved, again.cells[0].resolved);
    ss_experiment_free(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct servsim_error err = {.size = sizeof err};
    struct ss_experiment experiment;
    if (names_devices(data, size))
        return 0;
    int rc = build(&experiment, (const char *)data, size, &err);
    fuzz_check_answer(rc, &err);
    if (rc != 0)
        return 0;
    for (size_t i = 0; i < experiment.cell_count && i < CELLS; i++) {
        check_resolved(&experiment.cells[i]);
        err.text[0] = '\0';
        fuzz_check_answer(ss_simulation_preflight(&experiment.cells[i], &err), &err);
    }
    ss_experiment_free(&experiment);
    return 0;
}
