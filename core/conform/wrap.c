/*
 * conform/wrap.c - a scheduler behind another.
 */
#include "conform/wrap.h"

#include <stdlib.h>

struct wrapped {
    const struct ss_wrap *wrap;
    const struct servsim_scheduler_ops *ops;
    void *self;
};

static int32_t
arrive(void *self, struct servsim_request *request, struct servsim_error *err)
{
    struct wrapped *wrapped = self;
    int32_t answer = wrapped->ops->arrive(wrapped->self, request, err);
    if (answer == SERVSIM_DECISION_HOLDS && wrapped->wrap->how == SS_WRAP_ASK_AGAIN)
        return SERVSIM_ASK_AGAIN;
    return answer;
}

static int32_t
plan(void *self, struct servsim_step *step, struct servsim_error *err)
{
    struct wrapped *wrapped = self;
    int32_t rc = wrapped->ops->plan(wrapped->self, step, err);
    if (wrapped->wrap->how == SS_WRAP_ONE_STEP)
        step->horizon_steps = 1;
    return rc;
}

static void
finish(void *self, struct servsim_request *request)
{
    struct wrapped *wrapped = self;
    wrapped->ops->finish(wrapped->self, request);
}

static void
advance(void *self, uint64_t steps)
{
    struct wrapped *wrapped = self;
    if (wrapped->wrap->how != SS_WRAP_SINGLE_ADVANCE) {
        wrapped->ops->advance(wrapped->self, steps);
        return;
    }
    for (uint64_t i = 0; i < steps; i++)
        wrapped->ops->advance(wrapped->self, 1);
}

static int32_t
create(const struct servsim_host *host, const struct servsim_create *args, void **self, struct servsim_error *err)
{
    const struct ss_wrap *wrap = (const struct ss_wrap *)(const void *)args->values[0].text;
    const struct servsim_plugin *inner = wrap->inner->plugin->descriptor;
    struct wrapped *wrapped = calloc(1, sizeof *wrapped);
    if (wrapped == NULL)
        return servsim_fail(err, ENOMEM, "no memory");
    const struct servsim_create own = {.size = sizeof own,
                                       .value_count = wrap->inner->options.count,
                                       .value_size = sizeof(struct servsim_value),
                                       .values = wrap->inner->options.values,
                                       .context = args->context};
    wrapped->wrap = wrap;
    wrapped->ops = inner->ops;
    int32_t rc = inner->create(host, &own, &wrapped->self, err);
    if (rc < 0) {
        free(wrapped);
        return rc;
    }
    *self = wrapped;
    return 0;
}

static void
destroy(void *self)
{
    struct wrapped *wrapped = self;
    wrapped->wrap->inner->plugin->descriptor->destroy(wrapped->self);
    free(wrapped);
}

#define HAS(ops_, entry_) (SERVSIM_COVERS((ops_), struct servsim_scheduler_ops, entry_) && (ops_)->entry_ != NULL)

void
ss_wrap_scheduler(struct ss_wrap *wrap, const struct ss_use *inner, uint32_t how, struct ss_use *out)
{
    const struct servsim_scheduler_ops *ops = inner->plugin->descriptor->ops;
    memset(wrap, 0, sizeof *wrap);
    wrap->inner = inner;
    wrap->how = how;
    wrap->ops = (struct servsim_scheduler_ops){.size = sizeof wrap->ops,
                                               .flags = ops->flags,
                                               .arrive = arrive,
                                               .plan = plan,
                                               .finish = HAS(ops, finish) ? finish : NULL,
                                               .advance = HAS(ops, advance) ? advance : NULL};
    wrap->descriptor = (struct servsim_plugin){
        SERVSIM_PLUGIN_HEAD_PLAIN(SERVSIM_KIND_SCHEDULER),
        .name = inner->plugin->descriptor->name,
        .version = "1",
        .summary = "wrapped",
        .licence = "Apache-2.0",
        .create = create,
        .destroy = destroy,
        .ops = &wrap->ops,
    };
    wrap->plugin = (struct ss_plugin){&wrap->descriptor, inner->plugin->path};
    wrap->value = (struct servsim_value){.name = "wrap", .text = (const char *)(const void *)wrap, .present = 2};
    *out = (struct ss_use){.plugin = &wrap->plugin, .options = {.values = &wrap->value, .count = 1}};
}
