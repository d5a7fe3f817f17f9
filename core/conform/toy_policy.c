/*
 * conform/toy_policy.c - the plainest scheduler and router there are, so that a plugin of another kind is tried without
 * those that are installed.
 */
#include "conform/toy_policy.h"

#include <stdlib.h>

/* ---- first come, first served ---- */

static int32_t
arrive(void *self, struct servsim_request *request, struct servsim_error *err)
{
    (void)err;
    return servsim_deque_push_back(self, request);
}

static int32_t
plan(void *self, struct servsim_step *step, struct servsim_error *err)
{
    struct servsim_deque *waiting = self;
    int32_t rc, preempted = 0;
    (void)err;
    while ((rc = servsim_serve_running(step, SERVSIM_NO_CAP)) == SERVSIM_NO_BLOCKS) {
        struct servsim_request *victim = servsim_last_running(step);
        rc = servsim_preempt(step, victim, SERVSIM_RECOMPUTE);
        if (rc < 0 || (rc = servsim_deque_push_front(waiting, victim)) < 0)
            return rc;
        preempted = 1;
    }
    while (rc == SERVSIM_OK && !preempted && waiting->count > 0) {
        rc = servsim_admit(step, servsim_deque_front(waiting), SERVSIM_NO_CAP, 0);
        if (rc == SERVSIM_OK)
            (void)servsim_deque_pop_front(waiting);
    }
    step->horizon_steps = SERVSIM_FOREVER;
    return rc < 0 ? rc : 0;
}

static int32_t
create_scheduler(const struct servsim_host *host, const struct servsim_create *args, void **self,
                 struct servsim_error *err)
{
    (void)host;
    (void)args;
    *self = calloc(1, sizeof(struct servsim_deque));
    return *self != NULL ? 0 : servsim_fail(err, ENOMEM, "no memory");
}

static void
destroy_scheduler(void *self)
{
    servsim_deque_free(self);
    free(self);
}

static const struct servsim_scheduler_ops scheduler_ops = {
    .size = sizeof scheduler_ops, .arrive = arrive, .plan = plan};

static const struct servsim_plugin scheduler_descriptor = {
    SERVSIM_PLUGIN_HEAD_PLAIN(SERVSIM_KIND_SCHEDULER),
    .name = "toy",
    .version = "1",
    .summary = "toy",
    .licence = "Apache-2.0",
    .create = create_scheduler,
    .destroy = destroy_scheduler,
    .ops = &scheduler_ops,
};

const struct ss_plugin ss_toy_scheduler = {&scheduler_descriptor, "toy"};

/* ---- one after another ---- */

struct turns {
    uint32_t replicas, next;
};

static int32_t
route(void *self, const struct servsim_request *request, uint32_t *replica, struct servsim_error *err)
{
    struct turns *turns = self;
    (void)request;
    (void)err;
    *replica = turns->next;
    turns->next = (turns->next + 1) % turns->replicas;
    return 0;
}

static int32_t
create_router(const struct servsim_host *host, const struct servsim_create *args, void **self,
              struct servsim_error *err)
{
    const struct servsim_router_context *context = args->context;
    struct turns *turns = calloc(1, sizeof *turns);
    (void)host;
    if (turns == NULL)
        return servsim_fail(err, ENOMEM, "no memory");
    turns->replicas = context->replicas;
    *self = turns;
    return 0;
}

static const struct servsim_router_ops router_ops = {.size = sizeof router_ops, .route = route};

static const struct servsim_plugin router_descriptor = {
    SERVSIM_PLUGIN_HEAD_PLAIN(SERVSIM_KIND_ROUTER),
    .name = "toy",
    .version = "1",
    .summary = "toy",
    .licence = "Apache-2.0",
    .create = create_router,
    .destroy = free,
    .ops = &router_ops,
};

const struct ss_plugin ss_toy_router = {&router_descriptor, "toy"};
