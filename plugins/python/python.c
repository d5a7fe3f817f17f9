/*
 * plugins/python/python.c - the plugins `python`: a scheduler and a router whose policy is a file in Python.
 */
#include "python/policy.h"

enum { ARRIVE, PLAN, FINISH, ADVANCE };
enum { ROUTE, LEAVE };

static const struct method scheduler_methods[METHODS] = {{"arrive", 1}, {"plan", 1}, {"finish", 0}, {"advance", 0}};
static const struct method router_methods[METHODS] = {{"route", 1}, {"leave", 0}};

/* ---- scheduler ---- */

/* One of the three answers, or a negative errno. */
static int32_t
understand_arrival(const struct policy *policy, PyObject *answer, struct servsim_error *err)
{
    long value = answer == Py_None ? SERVSIM_ASK_AGAIN : PyLong_Check(answer) ? PyLong_AsLong(answer) : -1;
    if (value == SERVSIM_ASK_AGAIN || value == SERVSIM_DECISION_HOLDS || value == SERVSIM_REJECT)
        return (int32_t)value;
    PyErr_Clear();
    return fail_answer(policy, ARRIVE, answer, "nothing, or servsim.ASK_AGAIN, DECISION_HOLDS or REJECT", err);
}

static int32_t
arrive(void *self, struct servsim_request *request, struct servsim_error *err)
{
    struct policy *policy = self;
    struct request_object *object = request_new(policy, request);
    if (object == NULL) {
        PyErr_Clear();
        return servsim_fail(err, ENOMEM, "no memory for a request");
    }
    request->slot = object;
    PyObject *answer = policy_call(policy, ARRIVE, (PyObject *)object, NULL, err);
    int32_t rc = answer != NULL ? understand_arrival(policy, answer, err) : -EINVAL;
    Py_XDECREF(answer);
    if (rc == SERVSIM_REJECT)
        request_gone(object);
    return rc;
}

static int32_t
plan(void *self, struct servsim_step *step, struct servsim_error *err)
{
    struct policy *policy = self;
    struct step_object *object = (struct step_object *)policy->step;
    object->step = step;
    int32_t rc = policy_tell(policy, PLAN, policy->step, NULL, err);
    object->step = NULL;
    return rc;
}

static void
finish(void *self, struct servsim_request *request)
{
    policy_tell_void(self, FINISH, request->slot, NULL);
    request_gone(request->slot);
}

static void
advance(void *self, uint64_t steps)
{
    struct policy *policy = self;
    PyObject *count = policy->methods[ADVANCE] != NULL ? PyLong_FromUnsignedLongLong(steps) : NULL;
    if (count != NULL)
        policy_tell_void(policy, ADVANCE, count, NULL);
    Py_XDECREF(count);
}

/* ---- router ---- */

static int32_t
understand_route(const struct policy *policy, PyObject *answer, uint32_t *replica, struct servsim_error *err)
{
    char wanted[60];
    uint32_t count = ((struct replicas_object *)policy->first)->count;
    long value = PyLong_Check(answer) ? PyLong_AsLong(answer) : -1;
    PyErr_Clear();
    if (value >= 0 && value < (long)count) {
        *replica = (uint32_t)value;
        return 0;
    }
    (void)snprintf(wanted, sizeof wanted, "the number of a replica, 0 to %u", count - 1);
    return fail_answer(policy, ROUTE, answer, wanted, err);
}

static int32_t
route(void *self, const struct servsim_request *request, uint32_t *replica, struct servsim_error *err)
{
    struct policy *policy = self;
    struct replicas_object *replicas = (struct replicas_object *)policy->first;
    struct request_object *object = request_new(policy, request);
    if (object == NULL) {
        PyErr_Clear();
        return servsim_fail(err, ENOMEM, "no memory for a request");
    }
    replicas->asked = 1;
    PyObject *answer = policy_call(policy, ROUTE, (PyObject *)object, policy->first, err);
    replicas->asked = 0;
    int32_t rc = answer != NULL ? understand_route(policy, answer, replica, err) : -EINVAL;
    Py_XDECREF(answer);
    request_gone(object);
    return rc;
}

static void
leave(void *self, const struct servsim_request *request, uint32_t replica)
{
    struct policy *policy = self;
    struct replicas_object *replicas = (struct replicas_object *)policy->first;
    if (policy->methods[LEAVE] == NULL)
        return;
    struct request_object *object = request_new(policy, request);
    PyObject *number = object != NULL ? PyLong_FromUnsignedLong(replica) : NULL;
    replicas->asked = 1;
    if (number != NULL)
        policy_tell_void(policy, LEAVE, (PyObject *)object, number);
    replicas->asked = 0;
    Py_XDECREF(number);
    if (object != NULL)
        request_gone(object);
    PyErr_Clear();
}

/* ---- instances ---- */

static int32_t
load(struct policy *policy, const struct servsim_create *args, void **self, struct servsim_error *err)
{
    int32_t rc = policy->first != NULL ? policy_load(policy, args, err) : servsim_fail(err, ENOMEM, "no memory");
    PyErr_Clear();
    if (rc == 0)
        *self = policy;
    else
        policy_free(policy);
    return rc;
}

/* An instance with nothing in it, in an interpreter that runs; NULL with a text. */
static struct policy *
begin(const struct servsim_host *host, const struct method *table, const char *class_name, struct servsim_error *err)
{
    if (interpreter_start(err) != 0)
        return NULL;
    struct policy *policy = calloc(1, sizeof *policy);
    if (policy == NULL) {
        (void)servsim_fail(err, ENOMEM, "no memory");
        return NULL;
    }
    policy->host = host;
    policy->table = table;
    policy->class_name = class_name;
    return policy;
}

static int32_t
create_scheduler(const struct servsim_host *host, const struct servsim_create *args, void **self,
                 struct servsim_error *err)
{
    struct policy *policy = begin(host, scheduler_methods, "Scheduler", err);
    if (policy == NULL)
        return -EINVAL;
    policy->step = step_new(policy);
    policy->first = policy->step != NULL ? limits_new(args->context) : NULL;
    return load(policy, args, self, err);
}

static int32_t
create_router(const struct servsim_host *host, const struct servsim_create *args, void **self,
              struct servsim_error *err)
{
    struct policy *policy = begin(host, router_methods, "Router", err);
    if (policy == NULL)
        return -EINVAL;
    policy->first = replicas_new(policy, args->context);
    return load(policy, args, self, err);
}

static void
destroy_scheduler(void *self)
{
    policy_free(self);
}

/* A policy may have left its replicas somewhere. */
static void
destroy_router(void *self)
{
    ((struct replicas_object *)((struct policy *)self)->first)->host = NULL;
    policy_free(self);
}

/* ---- descriptors ---- */

#define OPTIONS(file_, class_)                                                                                         \
    {                                                                                                                  \
        {.name = "file",                                                                                               \
         .unit = "",                                                                                                   \
         .default_text = file_,                                                                                        \
         .help = "the policy, a Python file; the default ships as an example",                                         \
         .type = SERVSIM_OPTION_PATH},                                                                                 \
            {.name = "class",                                                                                          \
             .unit = "",                                                                                               \
             .default_text = class_,                                                                                   \
             .help = "which class of the file is the policy",                                                          \
             .type = SERVSIM_OPTION_TEXT},                                                                             \
        {                                                                                                              \
            .name = "options", .unit = "", .help = "keyword arguments for the class, as Python writes them: a=1, b=2", \
            .type = SERVSIM_OPTION_TEXT                                                                                \
        }                                                                                                              \
    }

static const struct servsim_option scheduler_options[] = OPTIONS("data:python/fcfs.py", "Scheduler");
static const struct servsim_option router_options[] = OPTIONS("data:python/round_robin.py", "Router");

#define LAWS                                                                                                           \
    "The laws of plugins hold for it: the same calls give the same answers. So no clock, no unseeded random numbers, " \
    "no environment, and no set of one's own objects that is iterated over, since its order is that of addresses. "    \
    "Hashes of texts and requests are the same in every run. print() writes to standard error. The file stands "       \
    "alone: it can import the standard library and installed packages, not files beside it.\n\n"                       \
    "This is the slow way to decide, several times slower than a plugin in C; servsim's plugin guide has figures."

static const char scheduler_page[] =
    "The class is made with the limits of its replica and with the keyword arguments of 'options', one object for "
    "each replica. arrive(request) queues a request; plan(step) composes a step; finish(request) and advance(steps) "
    "are optional. The default policy is first come, first served.\n\n" LAWS "\n\n"
    "'servsim plugins check python --set file=FILE.py' tries a policy against the laws of schedulers.";

static const char router_page[] =
    "The class is made with the replicas and with the keyword arguments of 'options'. route(request, replicas) answers "
    "with a number; leave(request, replica) is optional. A request can be looked at within either call alone. "
    "Random numbers: random.Random(replicas.seed('what for')). The default policy takes turns.\n\n" LAWS;

static const struct servsim_scheduler_ops scheduler_ops = {
    .size = sizeof scheduler_ops,
    .arrive = arrive,
    .plan = plan,
    .finish = finish,
    .advance = advance,
};

static const struct servsim_router_ops router_ops = {.size = sizeof router_ops, .route = route, .leave = leave};

static const struct servsim_plugin descriptors[] = {
    {
        SERVSIM_PLUGIN_HEAD(SERVSIM_KIND_SCHEDULER, scheduler_options),
        .name = "python",
        .version = "1.0",
        .summary = "a policy in Python: a class with arrive, plan and finish",
        .licence = "Apache-2.0",
        .page = scheduler_page,
        .options = scheduler_options,
        .create = create_scheduler,
        .destroy = destroy_scheduler,
        .ops = &scheduler_ops,
    },
    {
        SERVSIM_PLUGIN_HEAD(SERVSIM_KIND_ROUTER, router_options),
        .name = "python",
        .version = "1.0",
        .summary = "a policy in Python: a class with route and leave",
        .licence = "Apache-2.0",
        .page = router_page,
        .options = router_options,
        .create = create_router,
        .destroy = destroy_router,
        .ops = &router_ops,
    },
};

SERVSIM_PLUGINS(descriptors)
