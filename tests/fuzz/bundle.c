/*
 * fuzz/bundle.c - a bundle of measured kernels, as the device profile reads it.
 *
 * The input is all files of a bundle in one text: a line "== NAME" begins each of those named below. A bundle that is
 * taken prices a small cell, which must come out the same fast-forwarded and step by step.
 */
#define _GNU_SOURCE /* memmem */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "both_ways.h"
#include "experiment/node.h"
#include "fuzz.h"

static const char *const names[] = {"meta.yaml",         "collective.csv", "tp1/dense.csv",   "tp1/per_sequence.csv",
                                    "tp1/attention.csv", "tp1/moe.csv",    "tp1/skew_fit.csv"};

#define NAMES (sizeof names / sizeof names[0])

static void
remove_folder(const char *folder)
{
    char path[4096];
    for (size_t i = 0; i < NAMES; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    (void)snprintf(path, sizeof path, "%s/tp1", folder);
    (void)rmdir(path);
    (void)rmdir(folder);
}

static void
write_file(const char *folder, const char *name, const uint8_t *data, size_t size)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(data, 1, size, file) != size || fclose(file) != 0)
        fuzz_fail("%s cannot be written", path);
}

/* One file, from behind its heading on. */
static void
write_part(const char *folder, const uint8_t *data, size_t size)
{
    const uint8_t *end = memchr(data, '\n', size);
    size_t length = end != NULL ? (size_t)(end - data) : size;
    for (size_t i = 0; end != NULL && i < NAMES; i++)
        if (strlen(names[i]) == length && memcmp(names[i], data, length) == 0)
            write_file(folder, names[i], end + 1, size - length - 1);
}

static void
write_files(const char *folder, const uint8_t *data, size_t size)
{
    static const char heading[] = "== ";
    const size_t length = sizeof heading - 1;
    const uint8_t *end = data + size, *at = size > 0 ? memmem(data, size, heading, length) : NULL;
    while (at != NULL) {
        at += length;
        const uint8_t *next = memmem(at, (size_t)(end - at), heading, length);
        write_part(folder, at, (size_t)((next != NULL ? next : end) - at));
        at = next;
    }
}

/* A model whose kernels fit into a few rows. */
static void
set_model(struct ss_model *model)
{
    *model = (struct ss_model){.name = "toy",
                               .layers = 2,
                               .hidden = 64,
                               .q_heads = 4,
                               .kv_heads = 2,
                               .head_dim = 16,
                               .ffn = 128,
                               .vocab = 1000,
                               .max_positions = 4096,
                               .experts = 8,
                               .top_k = 2,
                               .expert_ffn = 64,
                               .window = 32,
                               .dtype = SERVSIM_DTYPE_BF16,
                               .kinds = {SS_LAYER_WINDOW, SS_LAYER_EXPERTS}};
}

static void
use_bundle(const char *folder)
{
    static struct ss_toy toy;
    struct servsim_error err = {.size = sizeof err};
    struct ss_use *use = &toy.cell.hardware;
    ss_toy_init(&toy);
    set_model(&toy.cell.model);
    toy.traffic.requests = 12;
    toy.traffic.output_max = 40;
    toy.cell.max_model_len = 4096;
    struct ss_node *map = ss_node_new(SS_NODE_MAP, "bundle", 0);
    if (map == NULL || ss_node_set_text(map, "path", folder, "bundle") == NULL)
        fuzz_fail("no memory");
    int rc = ss_registry_find(fuzz_lookup()->registry, SERVSIM_KIND_HARDWARE, "profile", ".", &use->plugin, &err);
    if (rc == 0)
        rc = ss_options_bind(&use->options, use->plugin->descriptor, map, NULL, ".", &err);
    if (rc != 0)
        fuzz_fail("%s", err.text);
    (void)fuzz_both_ways(&toy);
    ss_options_free(&use->options);
    ss_node_free(map);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *base = getenv("TMPDIR");
    char folder[4000], part[4096];
    (void)snprintf(folder, sizeof folder, "%s/servsim-fuzz-XXXXXX", base != NULL ? base : "/tmp");
    if (mkdtemp(folder) == NULL)
        fuzz_fail("%s cannot be made", folder);
    (void)snprintf(part, sizeof part, "%s/tp1", folder);
    if (mkdir(part, 0777) != 0)
        fuzz_fail("%s cannot be made", part);
    write_files(folder, data, size);
    use_bundle(folder);
    remove_folder(folder);
    return 0;
}
