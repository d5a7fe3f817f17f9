/*
 * report/common/order.c - requests sorted by their tokens, and how long each part of them waited.
 */
#include "report/common/order.h"

#include <math.h>

#include "report/common/table.h"
#include "report/common/text.h"

#define MOST_REQUESTS 3000000u /* beyond, the answer is not known rather than late */

struct wait {
    double tokens, queue_ms;
};

struct waits {
    struct wait *items;
    size_t count, capacity;
};

static int
add_wait(struct waits *waits, double tokens, double queue_ms)
{
    if (waits->count == waits->capacity) {
        size_t capacity = waits->capacity ? 2 * waits->capacity : 4096;
        struct wait *items = realloc(waits->items, capacity * sizeof *items);
        if (items == NULL)
            return -ENOMEM;
        waits->items = items;
        waits->capacity = capacity;
    }
    waits->items[waits->count++] = (struct wait){tokens, queue_ms};
    return 0;
}

static int
read_rows(struct waits *waits, struct rp_table *table, struct servsim_error *err)
{
    struct rp_field fields[4];
    int status;
    while ((status = rp_table_next(table, fields, err)) == 1) {
        double values[3]; /* prompt, output, queue */
        for (size_t c = 0; c < 3; c++)
            if ((status = rp_table_number(table, fields[c + 1], &values[c], err)) != 0)
                return status;
        if (fields[0].length != 8 || memcmp(fields[0].text, "finished", 8) != 0 ||
            !isfinite(values[0] + values[1] + values[2]))
            continue;
        if (add_wait(waits, values[0] + values[1], values[2]) != 0)
            return servsim_fail(err, ENOMEM, "%s: no memory for its rows", table->path);
    }
    return status;
}

/* Requests of equal length in order of their time, so that the sums do not depend on the sort. */
static int
by_tokens(const void *a, const void *b)
{
    const struct wait *x = a, *y = b;
    if (x->tokens != y->tokens)
        return x->tokens < y->tokens ? -1 : 1;
    return x->queue_ms < y->queue_ms ? -1 : x->queue_ms > y->queue_ms;
}

static double
mean_of(const struct waits *waits, size_t from, size_t to)
{
    double sum = 0;
    for (size_t i = from; i < to; i++)
        sum += waits->items[i].queue_ms;
    return to > from ? sum / (double)(to - from) : NAN;
}

static int
order_of(double *out, const struct rp_cell *cell, struct servsim_error *err)
{
    static const char *const columns[] = {"status", "prompt_tokens", "output_tokens", "queue_ms"};
    struct waits waits = {0};
    struct rp_table table;
    out[RP_ORDER_SHORT] = out[RP_ORDER_LONG] = NAN;
    if (!(rp_figure(cell, "requests_finished", NULL) <= MOST_REQUESTS))
        return 0;
    char *path = rp_join(cell->folder, "requests.csv");
    int status = path != NULL ? rp_table_open(&table, path, columns, 4, err)
                              : servsim_fail(err, ENOMEM, "%s: no memory to read it", cell->folder);
    free(path);
    if (status != 0)
        return status;
    status = read_rows(&waits, &table, err);
    rp_table_close(&table);
    if (status == 0 && waits.count > 0) {
        qsort(waits.items, waits.count, sizeof *waits.items, by_tokens);
        out[RP_ORDER_SHORT] = mean_of(&waits, 0, waits.count / 2);
        out[RP_ORDER_LONG] = mean_of(&waits, waits.count - waits.count / 10, waits.count);
    }
    free(waits.items);
    return status;
}

int
rp_order_spread(struct rp_spread out[RP_ORDER_FIGURES], const struct rp_cell *cell, struct servsim_error *err)
{
    return rp_members_spread(out, RP_ORDER_FIGURES, order_of, cell, err);
}
