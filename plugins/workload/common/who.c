/*
 * who.c - clients, priorities and deadlines by lot.
 */
#include "who.h"

static int32_t
read_list(const struct servsim_create *args, const char *name, double *list, uint32_t *count, struct servsim_error *err)
{
    const struct servsim_value *value = servsim_value_of(args, name);
    *count = value != NULL && value->present ? value->list_count : 0;
    if (*count > WL_WHO_MOST)
        return servsim_fail(err, EINVAL, "%s: %u are more than %d", name, *count, WL_WHO_MOST);
    if (*count > 0)
        memcpy(list, value->list, *count * sizeof *list);
    return 0;
}

static int32_t
read_shares(const struct servsim_create *args, const char *name, double *upto, uint32_t *count,
            struct servsim_error *err)
{
    double sum = 0;
    int32_t rc = read_list(args, name, upto, count, err);
    if (rc != 0 || *count == 0)
        return rc;
    for (uint32_t i = 0; i < *count; i++)
        sum += upto[i];
    if (!(sum > 0))
        return servsim_fail(err, EINVAL, "%s: nobody has a share; write one above 0", name);
    for (uint32_t i = 0; i < *count; i++)
        upto[i] = upto[i] / sum + (i > 0 ? upto[i - 1] : 0);
    return 0;
}

int32_t
wl_who_read(struct wl_who *who, const struct servsim_host *host, const struct servsim_create *args,
            struct servsim_error *err)
{
    who->lots.state = host->seed(host->ctx, "workload.who");
    int32_t rc = read_shares(args, "clients", who->client_upto, &who->clients, err);
    if (rc == 0)
        rc = read_shares(args, "priorities", who->priority_upto, &who->priorities, err);
    return rc != 0 ? rc : read_list(args, "deadlines", who->deadline_s, &who->deadlines, err);
}

static uint32_t
draw(struct servsim_random *lots, const double *upto, uint32_t count)
{
    double lot = servsim_random_unit(lots);
    uint32_t at = 0;
    while (at + 1 < count && lot >= upto[at])
        at++;
    return at;
}

void
wl_who_fill(struct wl_who *who, struct servsim_arrival *out)
{
    if (who->clients > 0)
        out->client = 1 + draw(&who->lots, who->client_upto, who->clients);
    if (who->priorities > 0)
        out->priority = (int32_t)draw(&who->lots, who->priority_upto, who->priorities);
    if (who->deadlines == 0)
        return;
    double after_s = who->deadline_s[servsim_random_u64(&who->lots) % who->deadlines];
    int64_t deadline_ps = out->arrival_ps + (int64_t)((after_s - (double)(int64_t)after_s) * 1e12);
    out->deadline_s = out->arrival_s + (int64_t)after_s + deadline_ps / 1000000000000;
    out->deadline_ps = deadline_ps % 1000000000000;
}
