/*
 * engine/failures.c - when replicas die and come back, and what becomes of their requests.
 */
#include "engine/failures.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/seed.h"
#include "engine/cluster.h"

/* What happens to a replica next. The order at one instant: those that come first, first. */
#define IS_BACK 0u
#define DIES 1u
#define IS_FOUND_DEAD 2u

#define IS_UP 0u
#define IS_DEAD 1u /* and the router does not know */
#define IS_DOWN 2u

/* In order of arrival, or of their coming; linked through `next`. */
struct line {
    struct ss_request *first, *last;
};

struct fault {
    uint32_t state, position; /* in the heap */
    ss_time chance;           /* drawn: it dies then, if it is still up; SS_NEVER */
    ss_time back;             /* of one that is dead or down */
    size_t scheduled, end;    /* its next failure in the cell's schedule, and the end of its failures there */
    size_t outage;            /* of one that is dead or down: in the result */
    struct servsim_random lots;
    struct line stranded;
};

struct ss_faults {
    struct fault *items; /* [replicas] */
    uint32_t count;
    uint32_t gone, known; /* replicas that are dead or down; those that the router knows to be down */
    struct ss_heap next;  /* what happens to each of them next */
    struct line homeless; /* requests at the router */
};

static uint32_t
replica_of(const struct ss_faults *faults, const struct fault *fault)
{
    return (uint32_t)(fault - faults->items);
}

/* ---- lines of requests ---- */

static void
append(struct line *line, struct ss_request *request)
{
    request->next = NULL;
    if (line->last != NULL)
        line->last->next = request;
    else
        line->first = request;
    line->last = request;
}

static struct ss_request *
take_first(struct line *line)
{
    struct ss_request *request = line->first;
    if (request == NULL)
        return NULL;
    line->first = request->next;
    if (line->first == NULL)
        line->last = NULL;
    request->next = NULL;
    return request;
}

/* ---- what happens when ---- */

static int
expect(struct ss_faults *faults, struct fault *fault, ss_time time, uint32_t what)
{
    if (time >= SS_NEVER) /* which has no key */
        return 0;
    ss_wide key = time * ((ss_wide)1 << 32) + ((ss_wide)what << 30) + (ss_wide)replica_of(faults, fault);
    return ss_heap_push(&faults->next, key, fault, &fault->position);
}

/* Exponential: a replica does not age. At least 1 ps, so that it does something before it dies again. */
static ss_time
draw_death(struct fault *fault, const struct ss_failures *rules, ss_time now)
{
    if (rules->mtbf == 0)
        return SS_NEVER;
    return now + (ss_time)(-log(servsim_random_unit(&fault->lots)) * (double)rules->mtbf) + 1;
}

static int
expect_death(struct ss_cluster *cluster, struct fault *fault)
{
    const struct ss_failures *rules = &cluster->cell->failures;
    ss_time time = fault->chance = draw_death(fault, rules, cluster->now);
    if (fault->scheduled < fault->end && rules->schedule[fault->scheduled].at < time)
        time = rules->schedule[fault->scheduled].at;
    return expect(cluster->faults, fault, time, DIES);
}

/* A scheduled failure of a replica that is dead already keeps it so until its own end. */
static ss_time
end_of_outage(struct fault *fault, const struct ss_failures *rules, ss_time now)
{
    ss_time back = fault->chance <= now ? now + rules->repair : now;
    for (; fault->scheduled < fault->end && rules->schedule[fault->scheduled].at <= back; fault->scheduled++) {
        ss_time until = rules->schedule[fault->scheduled].at + rules->schedule[fault->scheduled].length;
        back = until > back ? until : back;
    }
    return back;
}

/* ---- what becomes of requests ---- */

/* Takes the request out of the engine that has died under it. The KV tokens that are lost with it. */
static uint64_t
pull_out(struct ss_request *request)
{
    const struct ss_place *place = request->place;
    switch (request->state) {
    case SS_DECODING: {
        uint64_t tokens = ss_batch_context(place->batch, request);
        ss_batch_leave(place->batch, request);
        return tokens;
    }
    case SS_PREFILLING:
        return place->computed - place->flying;
    case SS_PAUSED:
    case SS_SWAPPED:
        return place->computed;
    default:
        return 0;
    }
}

/* It waits again, as if it never had run, `lost` KV tokens and the time of its last token aside. */
static void
forget_place(struct ss_request *request, uint64_t lost)
{
    struct ss_prefix *prefix = &request->extras->prefix;
    request->state = SS_WAITING;
    request->next = NULL;
    request->seen.slot = NULL;
    request->seen.slot_key = 0;
    prefix->count = prefix->tabled = prefix->lost_tokens = 0;
    if (request->place != NULL)
        *request->place = (struct ss_place){.last_token_ps = request->place->last_token_ps, .target = (uint32_t)lost};
}

/* The replica has died under it. One that was done and only held its place is finished: its client has all of it. */
static void
lose(struct ss_cluster *cluster, struct fault *fault, struct ss_request *request)
{
    int running = request->state == SS_PREFILLING || request->state == SS_DECODING;
    if (request->state == SS_HELD) {
        cluster->result->held += ss_request_age_ps(request, cluster->now) - request->place->last_token_ps;
        ss_cluster_finish(cluster, request);
        return;
    }
    uint64_t tokens = pull_out(request);
    forget_place(request, tokens);
    cluster->result->failures.kv_tokens_lost += tokens;
    ss_cluster_record(cluster, request)->output_tokens = request->generated;
    cluster->running -= (uint64_t)running;
    cluster->waiting += (uint64_t)running;
    append(&fault->stranded, request);
}

void
ss_faults_fail(struct ss_cluster *cluster, struct ss_request *request)
{
    struct ss_failures_result *result = &cluster->result->failures;
    struct ss_record *record = ss_cluster_record(cluster, request);
    ss_cluster_integrate(cluster);
    cluster->waiting--;
    record->status = SS_STATUS_FAILED;
    record->output_tokens = request->generated;
    result->requests_failed++;
    result->output_tokens_lost += request->generated;
    result->failed_stay += ss_request_age_ps(request, cluster->now);
    if (request->generated > 0)
        result->failed_decode += request->place->last_token_ps - record->ttft_ps;
    ss_requests_give(&cluster->requests, request);
}

/* It goes back to the router, if it may. */
static void
send_again(struct ss_cluster *cluster, struct ss_request *request)
{
    struct ss_failures_result *result = &cluster->result->failures;
    ss_arrivals_leave(cluster, request);
    if (request->extras->retries == cluster->cell->failures.retries) {
        ss_faults_fail(cluster, request);
        return;
    }
    result->requests_retried += request->extras->retries == 0;
    result->retries++;
    if (request->place != NULL) {
        result->tokens_recomputed += request->place->target;
        request->place->target = 0;
    }
    struct ss_record *record = ss_cluster_record(cluster, request);
    record->retries = (uint16_t)++request->extras->retries; /* at most 1000: experiment/keys.c */
    record->replica = UINT32_MAX;
    append(&cluster->faults->homeless, request);
}

/* The first of its ranks stands for a dead replica, where routers ask how many wait there. */
static struct ss_replica *
ranks_of(const struct ss_cluster *cluster, const struct fault *fault)
{
    return &cluster->ranks[(size_t)replica_of(cluster->faults, fault) * cluster->cell->dp];
}

static void
release_stranded(struct ss_cluster *cluster, struct fault *fault)
{
    struct ss_replica *ranks = ranks_of(cluster, fault);
    struct ss_request *request;
    while ((request = take_first(&fault->stranded)) != NULL)
        send_again(cluster, request);
    ranks->waiting = 0;
    ranks->prefill_tokens_left = 0;
}

/* ---- death, its discovery, and the return ---- */

static int
by_id(const void *a, const void *b)
{
    const struct ss_request *left = *(struct ss_request *const *)a, *right = *(struct ss_request *const *)b;
    return (left->seen.id > right->seen.id) - (left->seen.id < right->seen.id);
}

/* All requests that are with the replica, in order of arrival; the caller frees them. NULL without memory. */
static struct ss_request **
requests_at(const struct ss_cluster *cluster, uint32_t replica, size_t *count)
{
    struct ss_request **found = malloc((size_t)(ss_cluster_in_system(cluster) + 1) * sizeof(struct ss_request *)),
                      *request;
    struct ss_requests_cursor cursor = {0};
    *count = 0;
    if (found == NULL)
        return NULL;
    while ((request = ss_requests_next(&cluster->requests, &cursor)) != NULL)
        if (cluster->result->records.items[request->seen.id].replica == replica)
            found[(*count)++] = request;
    qsort(found, *count, sizeof(struct ss_request *), by_id);
    return found;
}

static int
note_outage(struct ss_cluster *cluster, struct fault *fault, struct servsim_error *err)
{
    struct ss_failures_result *result = &cluster->result->failures;
    if (result->outage_count == result->outage_capacity) {
        size_t capacity = result->outage_capacity > 0 ? result->outage_capacity * 2 : 16;
        struct ss_outage *grown = realloc(result->outages, capacity * sizeof *grown);
        if (grown == NULL)
            return servsim_fail(err, ENOMEM, "no memory for %zu failures", capacity);
        result->outages = grown;
        result->outage_capacity = capacity;
    }
    fault->outage = result->outage_count++;
    result->outages[fault->outage] =
        (struct ss_outage){replica_of(cluster->faults, fault), cluster->now, .detected = SS_NEVER, .up = SS_NEVER};
    return 0;
}

/* The groups of a replica: one for all of its ranks, or one for each. */
static struct ss_group *
groups_of(const struct ss_cluster *cluster, uint32_t replica, uint32_t *count)
{
    *count = cluster->group_count / cluster->cell->replicas;
    return &cluster->groups[(size_t)replica * *count];
}

static int
halt_groups(struct ss_cluster *cluster, uint32_t replica, struct servsim_error *err)
{
    uint32_t count;
    struct ss_group *groups = groups_of(cluster, replica, &count);
    int rc = 0;
    for (uint32_t i = 0; i < count && rc == 0; i++)
        rc = ss_group_halt(&groups[i], err);
    return rc;
}

static int
strand_all(struct ss_cluster *cluster, struct fault *fault, struct servsim_error *err)
{
    size_t count;
    struct ss_request **requests = requests_at(cluster, replica_of(cluster->faults, fault), &count);
    struct ss_replica *ranks = ranks_of(cluster, fault);
    int rc = 0;
    if (requests == NULL)
        return servsim_fail(err, ENOMEM, "no memory for the requests of a replica that fails");
    ss_cluster_integrate(cluster);
    for (size_t i = 0; i < count; i++)
        lose(cluster, fault, requests[i]);
    free(requests);
    for (uint32_t i = 0; i < cluster->cell->dp && rc == 0; i++)
        rc = ss_replica_restart(&ranks[i], err);
    if (cluster->doors != NULL)
        ss_door_reset(&cluster->doors[replica_of(cluster->faults, fault)]);
    for (const struct ss_request *request = fault->stranded.first; request != NULL; request = request->next) {
        ranks->waiting++;
        ranks->prefill_tokens_left += request->seen.prompt_tokens + request->generated;
    }
    return rc;
}

static int
die(struct ss_cluster *cluster, struct fault *fault, struct servsim_error *err)
{
    const struct ss_failures *rules = &cluster->cell->failures;
    struct ss_faults *faults = cluster->faults;
    int rc = halt_groups(cluster, replica_of(faults, fault), err);
    if (rc == 0)
        rc = strand_all(cluster, fault, err);
    if (rc == 0)
        rc = note_outage(cluster, fault, err);
    if (rc != 0)
        return rc;
    fault->state = IS_DEAD;
    fault->back = end_of_outage(fault, rules, cluster->now);
    faults->gone++;
    if (cluster->now + rules->detect < fault->back)
        return expect(faults, fault, cluster->now + rules->detect, IS_FOUND_DEAD);
    return expect(faults, fault, fault->back, IS_BACK);
}

static void
tell_router(const struct ss_cluster *cluster, uint32_t replica, uint32_t up)
{
    const struct ss_router *router = &cluster->router;
    if (ss_router_minds(router))
        router->ops->replica_up(router->instance.self, replica, up);
}

static int
find_dead(struct ss_cluster *cluster, struct fault *fault)
{
    struct ss_faults *faults = cluster->faults;
    cluster->result->failures.outages[fault->outage].detected = cluster->now;
    fault->state = IS_DOWN;
    faults->known++;
    tell_router(cluster, replica_of(faults, fault), 0);
    release_stranded(cluster, fault);
    return expect(faults, fault, fault->back, IS_BACK);
}

static int
come_back(struct ss_cluster *cluster, struct fault *fault)
{
    struct ss_faults *faults = cluster->faults;
    struct ss_outage *outage = &cluster->result->failures.outages[fault->outage];
    uint32_t replica = replica_of(faults, fault), count;
    struct ss_group *groups = groups_of(cluster, replica, &count);
    outage->up = cluster->now;
    if (fault->state == IS_DEAD)
        outage->detected = cluster->now;
    for (uint32_t i = 0; i < count; i++)
        groups[i].down = 0;
    faults->gone--;
    if (fault->state == IS_DOWN) {
        faults->known--;
        tell_router(cluster, replica, 1);
    }
    fault->state = IS_UP;
    release_stranded(cluster, fault);
    return expect_death(cluster, fault);
}

static int
happen(struct ss_cluster *cluster, struct fault *fault, uint32_t what, struct servsim_error *err)
{
    int rc;
    cluster->result->events++;
    if (what == DIES)
        return die(cluster, fault, err);
    rc = what == IS_FOUND_DEAD ? find_dead(cluster, fault) : come_back(cluster, fault);
    return rc != 0 ? servsim_fail(err, ENOMEM, "no memory for a failure") : 0;
}

/* Those at the router, in order. */
static int
send_homeless(struct ss_cluster *cluster, struct servsim_error *err)
{
    struct line line = cluster->faults->homeless;
    struct ss_request *request;
    int rc = 0;
    if (ss_faults_none_up(cluster))
        return 0;
    cluster->faults->homeless = (struct line){NULL, NULL};
    while (rc == 0 && (request = take_first(&line)) != NULL) {
        rc = ss_arrivals_dispatch(cluster, request, err);
        if (rc > 0) {
            ss_arrivals_leave(cluster, request);
            ss_faults_fail(cluster, request);
            rc = 0;
        }
    }
    return rc;
}

int
ss_faults_take(struct ss_cluster *cluster, struct servsim_error *err)
{
    struct ss_faults *faults = cluster->faults;
    const struct ss_heap_item *first;
    int rc = 0, any = 0;
    while (rc == 0 && (first = ss_heap_first(&faults->next)) != NULL && first->key >> 32 == cluster->now) {
        struct fault *fault = first->owner;
        uint32_t what = (uint32_t)(first->key >> 30) & 3;
        ss_heap_remove(&faults->next, fault->position);
        rc = happen(cluster, fault, what, err);
        any = 1;
    }
    if (rc == 0 && any)
        rc = send_homeless(cluster, err);
    return rc;
}

ss_time
ss_faults_before(const struct ss_cluster *cluster, ss_time time)
{
    const struct ss_heap_item *first = ss_heap_first(&cluster->faults->next);
    int served = ss_cluster_in_system(cluster) == 0 && cluster->next_time == SS_NEVER;
    /* with nothing to come but failures, only a return helps those who are still there */
    int stuck = time == SS_NEVER && cluster->faults->gone == 0;
    if (first == NULL || served || stuck)
        return time;
    ss_time next = first->key >> 32;
    return next < time ? next : time;
}

/* ---- for arrivals ---- */

int
ss_faults_none_up(const struct ss_cluster *cluster)
{
    return cluster->faults->known == cluster->faults->count;
}

void
ss_faults_wait(struct ss_cluster *cluster, struct ss_request *request)
{
    append(&cluster->faults->homeless, request);
}

int
ss_faults_reroute(const struct ss_cluster *cluster, const struct ss_request *request, uint32_t *replica,
                  struct servsim_error *err)
{
    const struct ss_faults *faults = cluster->faults;
    if (faults->items[*replica].state != IS_DOWN)
        return 0;
    if (ss_router_minds(&cluster->router))
        return servsim_fail(err, EPROTO,
                            "router plugin '%s' sent request %llu to replica %u, which it was told is down",
                            cluster->router.instance.descriptor->name, (unsigned long long)request->seen.id, *replica);
    while (faults->items[*replica].state == IS_DOWN)
        *replica = (*replica + 1) % faults->count;
    return 0;
}

int
ss_faults_strand(struct ss_cluster *cluster, struct ss_request *request, uint32_t replica)
{
    struct fault *fault = &cluster->faults->items[replica];
    struct ss_replica *ranks = ranks_of(cluster, fault);
    if (fault->state == IS_UP)
        return 0;
    append(&fault->stranded, request);
    ranks->waiting++;
    ranks->prefill_tokens_left += request->seen.prompt_tokens + request->generated;
    return 1;
}

/* ---- making and ending ---- */

static int
begin(struct ss_cluster *cluster, struct fault *fault, size_t *scheduled)
{
    const struct ss_failures *rules = &cluster->cell->failures;
    uint32_t replica = replica_of(cluster->faults, fault);
    char purpose[40];
    (void)snprintf(purpose, sizeof purpose, "failures.replica.%u", replica);
    fault->position = SS_HEAP_ABSENT;
    fault->lots.state = ss_seed_for(cluster->cell->seed, purpose);
    fault->scheduled = *scheduled;
    while (*scheduled < rules->schedule_count && rules->schedule[*scheduled].replica == replica)
        ++*scheduled;
    fault->end = *scheduled;
    return expect_death(cluster, fault);
}

/* How fast a cell is at its best is measured without failures. */
int
ss_faults_make(struct ss_cluster *cluster, struct servsim_error *err)
{
    const struct ss_cell *cell = cluster->cell;
    const struct ss_failures *rules = &cell->failures;
    if (!rules->present || cluster->options->at_once)
        return 0;
    for (size_t i = 0; i < rules->straggler_count; i++)
        for (uint32_t rank = 0; rank < cell->dp; rank++)
            cluster->ranks[(size_t)rules->stragglers[i].replica * cell->dp + rank].slowdown_millionths =
                rules->stragglers[i].slowdown_millionths;
    if (rules->mtbf == 0 && rules->schedule_count == 0)
        return 0;
    struct ss_faults *faults = cluster->faults = calloc(1, sizeof *faults);
    if (faults != NULL)
        faults->items = calloc(cell->replicas, sizeof *faults->items);
    int rc = faults != NULL && faults->items != NULL ? 0 : -ENOMEM;
    size_t scheduled = 0;
    for (uint32_t i = 0; i < cell->replicas && rc == 0; i++) {
        faults->count++;
        rc = begin(cluster, &faults->items[i], &scheduled);
    }
    return rc == 0 ? 0 : servsim_fail(err, ENOMEM, "no memory for failures of %u replicas", cell->replicas);
}

void
ss_faults_free(struct ss_faults *faults)
{
    if (faults == NULL)
        return;
    ss_heap_free(&faults->next);
    free(faults->items);
    free(faults);
}

void
ss_faults_collect(struct ss_cluster *cluster)
{
    cluster->result->failures.present = cluster->cell->failures.present;
    cluster->result->failures.stragglers = (uint32_t)cluster->cell->failures.straggler_count;
    cluster->result->failures.span = cluster->now;
}
