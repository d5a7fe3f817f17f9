/*
 * engine/traffic.c - asking a workload plugin, packing what it says, and taking that again.
 *
 * Most rows are a time, two counts and a label, and packed as such; others are kept whole, with what they point to.
 */
#include "engine/traffic.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the format: a head, then rows; all of it is aligned to 8 bytes ---- */

struct head {
    uint64_t magic; /* written last: without it the copy is not whole */
    uint64_t bytes; /* of the file */
    struct servsim_workload_stats stats;
};

#define MAGIC UINT64_C(0x7472616666696331)

enum shape { SHORT, WHOLE, NAMED };

/* A row without names is kept without the pointers to them, which come last. */
#define UNNAMED_BYTES offsetof(struct servsim_arrival, client_name)

struct row_head {
    uint32_t shape;
    uint32_t bytes; /* from this head to the next one */
};

struct short_row {
    int64_t arrival_s, arrival_ps;
    uint32_t prompt_tokens, output_tokens;
    char label[32];
};

static struct servsim_arrival
widened(const struct short_row *row)
{
    struct servsim_arrival arrival = {.size = sizeof arrival,
                                      .arrival_s = row->arrival_s,
                                      .arrival_ps = row->arrival_ps,
                                      .prompt_tokens = row->prompt_tokens,
                                      .output_tokens = row->output_tokens,
                                      .deadline_s = SERVSIM_NEVER};
    memcpy(arrival.label, row->label, sizeof arrival.label);
    return arrival;
}

static size_t
padded(size_t length)
{
    return (length + 7) / 8 * 8;
}

/* ---- packing ---- */

struct packer {
    FILE *file;
    size_t bytes, limit_bytes;
};

static int
put(struct packer *packer, const void *bytes, size_t length)
{
    static const char zeros[8];
    size_t padding = padded(length) - length;
    packer->bytes += padded(length);
    if (packer->bytes > packer->limit_bytes)
        return -EFBIG;
    errno = 0;
    if (fwrite(bytes, 1, length, packer->file) == length && fwrite(zeros, 1, padding, packer->file) == padding)
        return 0;
    return errno != 0 ? -errno : -EIO;
}

static size_t
name_bytes(const char *name)
{
    return name != NULL ? strlen(name) + 1 : 0;
}

static int
put_whole(struct packer *packer, const struct servsim_arrival *arrival)
{
    size_t client = name_bytes(arrival->client_name), session = name_bytes(arrival->session_name);
    size_t fixed = client + session > 0 ? sizeof *arrival : UNNAMED_BYTES;
    size_t hashes = arrival->block_hashes != NULL ? arrival->block_hash_count * sizeof *arrival->block_hashes : 0;
    size_t ids = arrival->token_ids != NULL ? arrival->prompt_tokens * sizeof *arrival->token_ids : 0;
    size_t bytes = sizeof(struct row_head) + fixed + hashes + padded(ids) + padded(client) + padded(session);
    if (bytes > UINT32_MAX)
        return -EFBIG;
    const struct row_head head = {client + session > 0 ? NAMED : WHOLE, (uint32_t)bytes};
    const struct {
        const void *bytes;
        size_t length;
    } pieces[] = {{&head, sizeof head},
                  {arrival, fixed},
                  {arrival->block_hashes, hashes},
                  {arrival->token_ids, ids},
                  {arrival->client_name, client},
                  {arrival->session_name, session}};
    int rc = 0;
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0] && rc == 0; i++)
        rc = pieces[i].length > 0 ? put(packer, pieces[i].bytes, pieces[i].length) : 0;
    return rc;
}

static int
put_row(struct packer *packer, const struct servsim_arrival *arrival)
{
    struct short_row row = {.arrival_s = arrival->arrival_s,
                            .arrival_ps = arrival->arrival_ps,
                            .prompt_tokens = arrival->prompt_tokens,
                            .output_tokens = arrival->output_tokens};
    memcpy(row.label, arrival->label, sizeof row.label);
    const struct servsim_arrival again = widened(&row);
    if (memcmp(arrival, &again, sizeof again) != 0) /* its members leave no holes */
        return put_whole(packer, arrival);
    const struct row_head head = {SHORT, sizeof head + sizeof row};
    int rc = put(packer, &head, sizeof head);
    return rc != 0 ? rc : put(packer, &row, sizeof row);
}

/* The head comes last, over the empty one that holds its place. */
static int
put_rows(struct packer *packer, struct ss_traffic *traffic, struct servsim_error *err)
{
    struct head head = {.stats = {.size = sizeof head.stats}};
    struct servsim_arrival row;
    int rc = put(packer, &head, sizeof head);
    if (rc != 0)
        return rc;
    while ((rc = ss_traffic_next(traffic, &row, err)) > 0)
        if ((rc = put_row(packer, &row)) != 0)
            return rc;
    if (rc < 0)
        return rc;
    ss_traffic_stats(traffic, &head.stats);
    head.magic = MAGIC;
    head.bytes = packer->bytes;
    rewind(packer->file);
    return fwrite(&head, sizeof head, 1, packer->file) == 1 ? 0 : -EIO;
}

int
ss_traffic_pack(struct ss_traffic *traffic, int fd, size_t limit_bytes, struct servsim_error *err)
{
    int own = dup(fd);
    struct packer packer = {.file = own >= 0 ? fdopen(own, "wb") : NULL, .limit_bytes = limit_bytes};
    if (packer.file == NULL) {
        int rc = servsim_fail(err, errno, "traffic cannot be packed: %s", strerror(errno));
        if (own >= 0)
            (void)close(own);
        return rc;
    }
    int rc = put_rows(&packer, traffic, err);
    if (fclose(packer.file) != 0 && rc == 0)
        rc = -errno;
    return rc;
}

/* ---- taking it again ---- */

static const struct head *
head_of(const struct ss_packed_traffic *packed)
{
    return (const struct head *)packed->file;
}

static int
map_file(struct ss_packed_traffic *out, int fd, int access, int sharing)
{
    struct stat about;
    if (fstat(fd, &about) != 0)
        return -errno;
    *out = (struct ss_packed_traffic){NULL, (size_t)about.st_size};
    if (out->bytes < sizeof(struct head))
        return -EINVAL;
    void *map = mmap(NULL, out->bytes, access, sharing, fd, 0);
    if (map == MAP_FAILED)
        return -errno;
    out->file = map;
    if (head_of(out)->magic == MAGIC && head_of(out)->bytes == out->bytes)
        return 0;
    ss_packed_traffic_unmap(out);
    return -EINVAL;
}

int
ss_packed_traffic_map(struct ss_packed_traffic *out, int fd)
{
    return map_file(out, fd, PROT_READ, MAP_SHARED);
}

void
ss_packed_traffic_unmap(struct ss_packed_traffic *packed)
{
    if (packed->file != NULL)
        (void)munmap((void *)packed->file, packed->bytes);
    *packed = (struct ss_packed_traffic){NULL, 0};
}

/* ---- the same rows at other times ---- */

/* Seconds and, behind them, picoseconds, whatever the row's shape. */
static int64_t *
when(unsigned char *row)
{
    const struct row_head *head = (const void *)row;
    size_t offset =
        head->shape == SHORT ? offsetof(struct short_row, arrival_s) : offsetof(struct servsim_arrival, arrival_s);
    return (int64_t *)(void *)(row + sizeof *head + offset);
}

/* A promise of so much time from the arrival: it moves along. */
static void
move_deadline(unsigned char *row, ss_time by)
{
    const struct row_head *head = (const void *)row;
    int64_t *deadline = (int64_t *)(void *)(row + sizeof *head + offsetof(struct servsim_arrival, deadline_s));
    if (head->shape == SHORT || deadline[0] == SERVSIM_NEVER)
        return;
    ss_time moved = ss_time_of(deadline[0], deadline[1]) + by;
    ss_time_split(moved > 0 ? moved : 0, &deadline[0], &deadline[1]);
}

static unsigned char *
next_row(unsigned char *row)
{
    return row + ((const struct row_head *)(const void *)row)->bytes;
}

static int
by_time(const void *a, const void *b)
{
    ss_time x = *(const ss_time *)a, y = *(const ss_time *)b;
    return (x > y) - (x < y);
}

static int
move_rows(unsigned char *file, size_t bytes, ss_time by, struct servsim_random *random)
{
    unsigned char *first = file + sizeof(struct head), *end = file + bytes;
    size_t count = 0;
    for (unsigned char *row = first; row < end; row = next_row(row))
        count++;
    ss_time *times = malloc((count + 1) * sizeof *times);
    if (times == NULL)
        return -ENOMEM;
    size_t at = 0;
    for (unsigned char *row = first; row < end; row = next_row(row)) {
        double share = 2.0 * servsim_random_unit(random) - 1.0;
        ss_time moved = ss_time_of(when(row)[0], when(row)[1]) + (ss_time)(share * (double)by);
        times[at++] = moved > 0 ? moved : 0;
    }
    qsort(times, count, sizeof *times, by_time);
    at = 0;
    for (unsigned char *row = first; row < end; row = next_row(row)) {
        move_deadline(row, times[at] - ss_time_of(when(row)[0], when(row)[1]));
        ss_time_split(times[at++], &when(row)[0], &when(row)[1]);
    }
    free(times);
    return 0;
}

/* The pages that are written are the caller's own; the file stays as it is. */
int
ss_packed_traffic_map_moved(struct ss_packed_traffic *out, int fd, ss_time by, struct servsim_random *random)
{
    int rc = map_file(out, fd, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    if (rc != 0)
        return rc;
    rc = move_rows((unsigned char *)out->file, out->bytes, by, random);
    if (rc != 0)
        ss_packed_traffic_unmap(out);
    return rc;
}

/* ---- row by row ---- */

static void
take_whole(const unsigned char *at, size_t fixed, struct servsim_arrival *out)
{
    memset(out, 0, sizeof *out);
    memcpy(out, at, fixed);
    at += fixed;
    if (out->block_hashes != NULL) {
        out->block_hashes = (const uint64_t *)(const void *)at;
        at += out->block_hash_count * sizeof *out->block_hashes;
    }
    if (out->token_ids != NULL) {
        out->token_ids = (const int32_t *)(const void *)at;
        at += padded(out->prompt_tokens * sizeof *out->token_ids);
    }
    if (out->client_name != NULL) {
        out->client_name = (const char *)at;
        at += padded(name_bytes(out->client_name));
    }
    if (out->session_name != NULL)
        out->session_name = (const char *)at;
}

static int
take(struct ss_traffic *traffic, struct servsim_arrival *out)
{
    const struct ss_packed_traffic *packed = traffic->packed;
    if (traffic->at == packed->bytes)
        return 0;
    const unsigned char *at = packed->file + traffic->at;
    const struct row_head *head = (const void *)at;
    if (head->shape == SHORT)
        *out = widened((const void *)(at + sizeof *head));
    else
        take_whole(at + sizeof *head, head->shape == NAMED ? sizeof *out : UNNAMED_BYTES, out);
    traffic->at += head->bytes;
    return 1;
}

/* ---- the plugin, or the copy ---- */

int
ss_traffic_open(struct ss_traffic *traffic, const struct ss_cell *cell, const struct servsim_host *host,
                struct servsim_error *err)
{
    *traffic = (struct ss_traffic){.packed = cell->packed_traffic, .at = sizeof(struct head)};
    if (traffic->packed != NULL)
        return 0;
    int rc = ss_instance_create(&traffic->workload, &cell->workload, host, NULL, err);
    if (rc == 0)
        traffic->ops = traffic->workload.descriptor->ops;
    return rc;
}

void
ss_traffic_close(struct ss_traffic *traffic)
{
    ss_instance_destroy(&traffic->workload);
}

int
ss_traffic_next(struct ss_traffic *traffic, struct servsim_arrival *out, struct servsim_error *err)
{
    if (traffic->packed != NULL)
        return take(traffic, out);
    *out = (struct servsim_arrival){.size = sizeof *out, .deadline_s = SERVSIM_NEVER};
    err->text[0] = '\0';
    return traffic->ops->next(traffic->workload.self, out, err);
}

void
ss_traffic_stats(const struct ss_traffic *traffic, struct servsim_workload_stats *out)
{
    if (traffic->packed != NULL)
        *out = head_of(traffic->packed)->stats;
    else if (SERVSIM_COVERS(traffic->ops, struct servsim_workload_ops, stats) && traffic->ops->stats != NULL)
        (void)traffic->ops->stats(traffic->workload.self, out);
}
