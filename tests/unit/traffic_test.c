/*
 * unit/traffic_test.c - a packed copy of traffic says what the workload plugin says, whatever is known of its prompts.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/traffic.h"
#include "harness.h"
#include "toy.h"

#define ROOM ((size_t)1 << 24)

static const struct {
    const char *name;
    int identity;
} kinds[] = {{"unknown", TOY_UNKNOWN},
             {"prompt ids", TOY_PROMPTS},
             {"shared beginnings", TOY_SHARED},
             {"token ids", TOY_TOKENS},
             {"block hashes", TOY_PIECES}};

static void
init(struct toy *toy, int identity)
{
    toy_init(toy);
    toy->traffic = (struct ss_toy_traffic){
        .requests = 300, .gap_s = 0.05, .prompt_min = 1, .prompt_max = 900, .output_min = 1, .output_max = 60};
    toy->prompts = (struct toy_prompts){identity, 20, 100};
    toy->cell.prefix_caching = identity != TOY_UNKNOWN;
}

/* The copy; the file is gone when it returns. */
static int
pack(struct toy *toy, size_t limit_bytes, struct ss_packed_traffic *out)
{
    struct servsim_error err = {.size = sizeof err};
    FILE *file = tmpfile();
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    const struct ss_cell cell = toy_cell(toy);
    int rc = ss_pack_traffic(&cell, fileno(file), limit_bytes, &err);
    if (rc == 0)
        rc = ss_packed_traffic_map(out, fileno(file));
    (void)fclose(file);
    return rc;
}

static void
copies_run_alike(void)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct toy toy;
        struct ss_result read, taken;
        struct ss_packed_traffic packed;
        init(&toy, kinds[i].identity);
        CU_ASSERT_EQUAL_FATAL(toy_run(&toy, 0, &read), 0);
        CU_ASSERT_EQUAL_FATAL(pack(&toy, ROOM, &packed), 0);
        toy.cell.packed_traffic = &packed;
        CU_ASSERT_EQUAL_FATAL(toy_run(&toy, 0, &taken), 0);
        char *left = toy_text(&read, &toy.cell), *right = toy_text(&taken, &toy.cell);
        if (strcmp(left, right) != 0)
            (void)printf("# %s: the results differ\n", kinds[i].name);
        CU_ASSERT_STRING_EQUAL(left, right);
        free(left);
        free(right);
        ss_result_free(&read);
        ss_result_free(&taken);
        ss_packed_traffic_unmap(&packed);
        toy_free(&toy);
    }
}

static int
same_text(const char *left, const char *right)
{
    return left == NULL || right == NULL ? left == right : strcmp(left, right) == 0;
}

static void
same_row(const struct servsim_arrival *left, const struct servsim_arrival *right)
{
    struct servsim_arrival same = *right;
    same.block_hashes = left->block_hashes;
    same.token_ids = left->token_ids;
    same.client_name = left->client_name;
    same.session_name = left->session_name;
    CU_ASSERT_EQUAL(memcmp(left, &same, sizeof same), 0);
    CU_ASSERT_EQUAL_FATAL(left->block_hashes == NULL, right->block_hashes == NULL);
    CU_ASSERT_EQUAL_FATAL(left->token_ids == NULL, right->token_ids == NULL);
    CU_ASSERT(same_text(left->client_name, right->client_name));
    CU_ASSERT(same_text(left->session_name, right->session_name));
    if (left->block_hashes != NULL)
        CU_ASSERT_EQUAL(
            memcmp(left->block_hashes, right->block_hashes, left->block_hash_count * sizeof *left->block_hashes), 0);
    if (left->token_ids != NULL)
        CU_ASSERT_EQUAL(memcmp(left->token_ids, right->token_ids, left->prompt_tokens * sizeof *left->token_ids), 0);
}

static uint64_t
fixed_seed(void *ctx, const char *purpose)
{
    (void)ctx;
    (void)purpose;
    return 7;
}

static void
rows_are_the_plugins(void)
{
    const struct servsim_host host = {.size = sizeof host, .seed = fixed_seed};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct toy toy;
        struct ss_packed_traffic packed;
        struct ss_traffic plugin, copy;
        struct servsim_arrival left, right;
        struct servsim_error err = {.size = sizeof err};
        init(&toy, kinds[i].identity);
        struct ss_cell cell = toy_cell(&toy);
        FILE *file = tmpfile();
        CU_ASSERT_PTR_NOT_NULL_FATAL(file);
        CU_ASSERT_EQUAL_FATAL(ss_traffic_open(&plugin, &cell, &host, &err), 0);
        CU_ASSERT_EQUAL_FATAL(ss_traffic_pack(&plugin, fileno(file), ROOM, &err), 0);
        ss_traffic_close(&plugin);
        CU_ASSERT_EQUAL_FATAL(ss_packed_traffic_map(&packed, fileno(file)), 0);
        (void)fclose(file);
        CU_ASSERT_EQUAL_FATAL(ss_traffic_open(&plugin, &cell, &host, &err), 0);
        cell.packed_traffic = &packed;
        CU_ASSERT_EQUAL_FATAL(ss_traffic_open(&copy, &cell, &host, &err), 0);
        for (uint64_t row = 0; row < toy.traffic.requests; row++) {
            CU_ASSERT_EQUAL_FATAL(ss_traffic_next(&plugin, &left, &err), 1);
            CU_ASSERT_EQUAL_FATAL(ss_traffic_next(&copy, &right, &err), 1);
            same_row(&left, &right);
        }
        CU_ASSERT_EQUAL(ss_traffic_next(&copy, &right, &err), 0);
        CU_ASSERT_EQUAL(ss_traffic_next(&copy, &right, &err), 0);
        ss_traffic_close(&copy);
        ss_traffic_close(&plugin);
        ss_packed_traffic_unmap(&packed);
        toy_free(&toy);
    }
}

static ss_time
time_of(const struct servsim_arrival *row)
{
    return ss_time_of(row->arrival_s, row->arrival_ps);
}

static ss_time
seen_moved(const struct ss_cell *cell, const struct ss_packed_traffic *still, const struct ss_packed_traffic *moved,
           ss_time by, uint64_t rows)
{
    struct ss_cell left_cell = *cell, right_cell = *cell;
    struct ss_traffic left_rows, right_rows;
    struct servsim_arrival left, right;
    struct servsim_error err = {.size = sizeof err};
    ss_time last = 0, most = 0;
    left_cell.packed_traffic = still;
    right_cell.packed_traffic = moved;
    CU_ASSERT_EQUAL_FATAL(ss_traffic_open(&left_rows, &left_cell, NULL, &err), 0);
    CU_ASSERT_EQUAL_FATAL(ss_traffic_open(&right_rows, &right_cell, NULL, &err), 0);
    for (uint64_t row = 0; row < rows; row++) {
        CU_ASSERT_EQUAL_FATAL(ss_traffic_next(&left_rows, &left, &err), 1);
        CU_ASSERT_EQUAL_FATAL(ss_traffic_next(&right_rows, &right, &err), 1);
        ss_time by_now = time_of(&right) - time_of(&left);
        CU_ASSERT(time_of(&right) >= last && by_now <= by && -by_now <= by);
        CU_ASSERT(right.arrival_ps >= 0 && right.arrival_ps < SS_PS_PER_S);
        last = time_of(&right);
        most = by_now > most ? by_now : most;
        if (left.deadline_s != SERVSIM_NEVER) { /* as long after the arrival as before */
            CU_ASSERT(ss_time_of(right.deadline_s, right.deadline_ps) - time_of(&right) ==
                      ss_time_of(left.deadline_s, left.deadline_ps) - time_of(&left));
            right.deadline_s = left.deadline_s;
            right.deadline_ps = left.deadline_ps;
        }
        right.arrival_s = left.arrival_s;
        right.arrival_ps = left.arrival_ps;
        same_row(&left, &right);
    }
    CU_ASSERT_EQUAL(ss_traffic_next(&right_rows, &right, &err), 0);
    return most;
}

/* The rows as they were but for their times: in order, none before 0, none moved by more than was asked for. */
static void
moved_rows_are_the_same(void)
{
    const ss_time by = 200 * SS_PS_PER_MS; /* four gaps: most rows meet others */
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct toy toy;
        struct ss_packed_traffic copies[4];
        struct servsim_error err = {.size = sizeof err};
        init(&toy, kinds[i].identity);
        struct ss_cell cell = toy_cell(&toy);
        FILE *file = tmpfile();
        CU_ASSERT_PTR_NOT_NULL_FATAL(file);
        CU_ASSERT_EQUAL_FATAL(ss_pack_traffic(&cell, fileno(file), ROOM, &err), 0);
        for (size_t c = 0; c < 3; c++) {
            struct servsim_random random = {c / 2}; /* the third from another seed */
            CU_ASSERT_EQUAL_FATAL(ss_packed_traffic_map_moved(&copies[c], fileno(file), by, &random), 0);
        }
        CU_ASSERT_EQUAL_FATAL(ss_packed_traffic_map(&copies[3], fileno(file)), 0);
        (void)fclose(file);
        CU_ASSERT_EQUAL(memcmp(copies[0].file, copies[1].file, copies[0].bytes), 0);
        CU_ASSERT(memcmp(copies[0].file, copies[2].file, copies[0].bytes) != 0);
        CU_ASSERT(seen_moved(&cell, &copies[3], &copies[0], by, toy.traffic.requests) > by / 2);
        for (size_t c = 0; c < 4; c++)
            ss_packed_traffic_unmap(&copies[c]);
        toy_free(&toy);
    }
}

static void
too_much_is_refused(void)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct toy toy;
        struct ss_packed_traffic packed;
        init(&toy, kinds[i].identity);
        CU_ASSERT_EQUAL_FATAL(pack(&toy, ROOM, &packed), 0);
        size_t needed = packed.bytes;
        ss_packed_traffic_unmap(&packed);
        CU_ASSERT_EQUAL(pack(&toy, needed - 1, &packed), -EFBIG);
        CU_ASSERT_EQUAL_FATAL(pack(&toy, needed, &packed), 0);
        CU_ASSERT_EQUAL(packed.bytes, needed);
        ss_packed_traffic_unmap(&packed);
        toy_free(&toy);
    }
}

/* Cut short, or never finished: no copy at all. */
static void
broken_copies_are_refused(void)
{
    struct toy toy;
    struct ss_packed_traffic packed;
    struct servsim_error err = {.size = sizeof err};
    init(&toy, TOY_PROMPTS);
    const struct ss_cell cell = toy_cell(&toy);
    FILE *file = tmpfile();
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL(ss_packed_traffic_map(&packed, fileno(file)), -EINVAL);
    CU_ASSERT_EQUAL(ss_pack_traffic(&cell, fileno(file), 4096, &err), -EFBIG);
    CU_ASSERT_EQUAL(ss_packed_traffic_map(&packed, fileno(file)), -EINVAL);
    CU_ASSERT_EQUAL_FATAL(lseek(fileno(file), 0, SEEK_SET), 0);
    CU_ASSERT_EQUAL(ss_pack_traffic(&cell, fileno(file), ROOM, &err), 0);
    CU_ASSERT_EQUAL_FATAL(ss_packed_traffic_map(&packed, fileno(file)), 0);
    size_t whole = packed.bytes;
    ss_packed_traffic_unmap(&packed);
    CU_ASSERT_EQUAL_FATAL(ftruncate(fileno(file), (off_t)(whole - 8)), 0);
    CU_ASSERT_EQUAL(ss_packed_traffic_map(&packed, fileno(file)), -EINVAL);
    (void)fclose(file);
    toy_free(&toy);
}

int
main(void)
{
    static const struct ss_case cases[] = {
        {"a copy runs as its plugin does", copies_run_alike},
        {"its rows are the plugin's", rows_are_the_plugins},
        {"moved, they are the same rows at other times", moved_rows_are_the_same},
        {"more than there is room for is refused", too_much_is_refused},
        {"what is not whole is refused", broken_copies_are_refused},
    };
    return ss_run_cases("traffic", cases, sizeof cases / sizeof cases[0]);
}
