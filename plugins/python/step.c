/*
 * plugins/python/step.c - the step being composed: the host's services as methods.
 *
 * Each answers True where it did what was asked, and False where something lacked, which `answer` names. Breaking a
 * rule raises.
 */
#include "python/policy.h"

/* ---- arguments ---- */

static struct step_object *
open_step(PyObject *self)
{
    struct step_object *object = (struct step_object *)self;
    if (object->step == NULL)
        PyErr_SetString(PyExc_RuntimeError, "the step is over: it can be used within plan() alone");
    return object->step != NULL ? object : NULL;
}

/* The step where it is open and was given `least` to `most` arguments, else NULL. */
static struct step_object *
begin(PyObject *self, const char *name, Py_ssize_t count, Py_ssize_t least, Py_ssize_t most)
{
    if (count >= least && count <= most)
        return open_step(self);
    PyErr_Format(PyExc_TypeError, "%s() takes %zd to %zd arguments, not %zd", name, least, most, count);
    return NULL;
}

static struct servsim_request *
take_request(const struct step_object *object, const char *name, PyObject *argument)
{
    const struct request_object *request = (const struct request_object *)argument;
    if (!PyObject_TypeCheck(argument, &request_type))
        PyErr_Format(PyExc_TypeError, "%s() takes a request, not %.100s", name, Py_TYPE(argument)->tp_name);
    else if (request->request == NULL)
        PyErr_Format(PyExc_ReferenceError, "%s(): request %llu is gone", name, (unsigned long long)request->id);
    else if (request->policy != object->policy)
        PyErr_Format(PyExc_ValueError, "%s(): request %llu is another scheduler's", name,
                     (unsigned long long)request->id);
    else
        return request->request;
    return NULL;
}

/* Argument `at`, a number of at most 32 bits, or `preset` where it is not given or None: 0, or -1 and an exception. */
static int
take_u32(const char *name, PyObject *const *arguments, Py_ssize_t count, Py_ssize_t at, uint32_t preset, uint32_t *out)
{
    *out = preset;
    if (at >= count || arguments[at] == Py_None)
        return 0;
    if (!PyLong_Check(arguments[at])) {
        PyErr_Format(PyExc_TypeError, "%s() takes a whole number here, not %.100s", name,
                     Py_TYPE(arguments[at])->tp_name);
        return -1;
    }
    int overflow = 0;
    long long value = PyLong_AsLongLongAndOverflow(arguments[at], &overflow);
    if (overflow != 0 || value < 0 || value > UINT32_MAX) {
        PyErr_Format(PyExc_ValueError, "%s(): %R is out of bounds; write 0 to %u", name, arguments[at], UINT32_MAX);
        return -1;
    }
    *out = (uint32_t)value;
    return 0;
}

/* True where the service did it, False where something lacked; a rule that was broken raises. */
static PyObject *
answered(struct step_object *object, const char *name, int32_t rc, const char *rule)
{
    object->answer = rc;
    if (rc == -ENOMEM)
        return PyErr_NoMemory();
    if (rc < 0)
        return PyErr_Format(PyExc_ValueError, "%s(): %s", name, rule);
    return PyBool_FromLong(rc == SERVSIM_OK);
}

/* ---- services ---- */

static PyObject *
serve_running(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    struct step_object *object = begin(self, "serve_running", count, 0, 1);
    uint32_t cap;
    if (object == NULL || take_u32("serve_running", arguments, count, 0, SERVSIM_NO_CAP, &cap) != 0)
        return NULL;
    int32_t rc = servsim_serve_running(object->step, cap);
    return answered(object, "serve_running", rc, "cap must be at least 1");
}

static PyObject *
decode_all(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    struct step_object *object = begin(self, "decode_all", count, 0, 0);
    (void)arguments;
    if (object == NULL)
        return NULL;
    return answered(object, "decode_all", object->step->ops->decode_all(object->step->ctx), "a rule is broken");
}

static PyObject *
prefill(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    struct step_object *object = begin(self, "prefill", count, 1, 2);
    struct servsim_request *request = object != NULL ? take_request(object, "prefill", arguments[0]) : NULL;
    uint32_t cap;
    if (request == NULL || take_u32("prefill", arguments, count, 1, SERVSIM_NO_CAP, &cap) != 0)
        return NULL;
    int32_t rc = object->step->ops->prefill(object->step->ctx, request, cap);
    return answered(object, "prefill", rc, "the request must be running and in prefill, and cap at least 1");
}

static PyObject *
admit(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    struct step_object *object = begin(self, "admit", count, 1, 3);
    struct servsim_request *request = object != NULL ? take_request(object, "admit", arguments[0]) : NULL;
    uint32_t cap, flags;
    if (request == NULL || take_u32("admit", arguments, count, 1, SERVSIM_NO_CAP, &cap) != 0 ||
        take_u32("admit", arguments, count, 2, 0, &flags) != 0)
        return NULL;
    int32_t rc = servsim_admit(object->step, request, cap, flags);
    return answered(object, "admit", rc, "the request must be waiting, and cap be at least 1");
}

static PyObject *
preempt(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    struct step_object *object = begin(self, "preempt", count, 1, 2);
    struct servsim_request *request = object != NULL ? take_request(object, "preempt", arguments[0]) : NULL;
    uint32_t how;
    if (request == NULL || take_u32("preempt", arguments, count, 1, SERVSIM_RECOMPUTE, &how) != 0)
        return NULL;
    int32_t rc = servsim_preempt(object->step, request, how);
    return answered(object, "preempt", rc, "the request must be running, paused or swapped, and how be a way for it");
}

static PyObject *
limit(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    struct step_object *object = begin(self, "limit", count, 1, 1);
    uint32_t tokens;
    if (object == NULL || take_u32("limit", arguments, count, 0, UINT32_MAX, &tokens) != 0)
        return NULL;
    return answered(object, "limit", servsim_limit(object->step, tokens), "a rule is broken");
}

/* ---- who runs ---- */

/* A new reference to the object of a request, or None. */
static PyObject *
object_of(const struct servsim_request *request)
{
    PyObject *object = request != NULL ? request->slot : NULL;
    if (object == NULL)
        Py_RETURN_NONE;
    Py_INCREF(object);
    return object;
}

static PyObject *
last_running(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    struct step_object *object = begin(self, "last_running", count, 0, 0);
    (void)arguments;
    return object != NULL ? object_of(servsim_last_running(object->step)) : NULL;
}

static PyObject *
running_before(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    struct step_object *object = begin(self, "running_before", count, 1, 1);
    struct servsim_request *request = object != NULL ? take_request(object, "running_before", arguments[0]) : NULL;
    return request != NULL ? object_of(servsim_running_before(object->step, request)) : NULL;
}

static PyObject *
prefill_left(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    struct step_object *object = begin(self, "prefill_left", count, 1, 1);
    struct servsim_request *request = object != NULL ? take_request(object, "prefill_left", arguments[0]) : NULL;
    if (request == NULL)
        return NULL;
    return PyLong_FromUnsignedLong(object->step->ops->prefill_left(object->step->ctx, request));
}

static PyObject *
blocks_of(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    struct step_object *object = begin(self, "blocks_of", count, 1, 1);
    struct servsim_request *request = object != NULL ? take_request(object, "blocks_of", arguments[0]) : NULL;
    if (request == NULL)
        return NULL;
    return PyLong_FromUnsignedLongLong(object->step->ops->blocks_of(object->step->ctx, request));
}

#define METHOD(name_, help_)                                                                                           \
    {                                                                                                                  \
#name_, (PyCFunction)(void (*)(void))name_, METH_FASTCALL, help_                                               \
    }

static PyMethodDef methods[] = {
    METHOD(serve_running, "serve_running(cap=None): all that run get what comes next; False: a KV block is missing"),
    METHOD(decode_all, "decode_all(): one token for each that decodes"),
    METHOD(prefill, "prefill(request, cap=None): a chunk for one that runs"),
    METHOD(admit, "admit(request, cap=None, flags=0): starts one that waits"),
    METHOD(preempt, "preempt(request, how=RECOMPUTE): one that runs loses its place"),
    METHOD(limit, "limit(tokens): no more than so many in this step"),
    METHOD(last_running, "last_running(): the one admitted last, or None"),
    METHOD(running_before, "running_before(request): the one admitted before it, or None"),
    METHOD(prefill_left, "prefill_left(request): tokens to be computed before its next output token"),
    METHOD(blocks_of, "blocks_of(request): KV blocks that it holds"),
    {NULL, NULL, 0, NULL},
};

/* ---- attributes ---- */

static PyObject *
get_now(PyObject *self, void *closure)
{
    const struct step_object *object = open_step(self);
    (void)closure;
    return object != NULL ? PyFloat_FromDouble((double)object->step->now_s + (double)object->step->now_ps * 1e-12)
                          : NULL;
}

static PyObject *
get_now_ps(PyObject *self, void *closure)
{
    const struct step_object *object = open_step(self);
    (void)closure;
    return object != NULL ? time_ps(object->step->now_s, object->step->now_ps) : NULL;
}

static PyObject *
get_running(PyObject *self, void *closure)
{
    const struct step_object *object = open_step(self);
    (void)closure;
    return object != NULL ? PyLong_FromUnsignedLong(object->step->ops->running(object->step->ctx)) : NULL;
}

static PyObject *
get_budget_left(PyObject *self, void *closure)
{
    const struct step_object *object = open_step(self);
    (void)closure;
    return object != NULL ? PyLong_FromUnsignedLong(object->step->ops->budget_left(object->step->ctx)) : NULL;
}

static PyObject *
get_free_blocks(PyObject *self, void *closure)
{
    const struct step_object *object = open_step(self);
    (void)closure;
    return object != NULL ? PyLong_FromUnsignedLongLong(object->step->ops->free_blocks(object->step->ctx)) : NULL;
}

static PyObject *
get_free_host_blocks(PyObject *self, void *closure)
{
    const struct step_object *object = open_step(self);
    (void)closure;
    return object != NULL ? PyLong_FromUnsignedLongLong(object->step->ops->free_host_blocks(object->step->ctx)) : NULL;
}

static PyObject *
get_answer(PyObject *self, void *closure)
{
    (void)closure;
    return PyLong_FromLong(((struct step_object *)self)->answer);
}

static PyObject *
get_horizon(PyObject *self, void *closure)
{
    const struct step_object *object = open_step(self);
    (void)closure;
    return object != NULL ? PyLong_FromUnsignedLongLong(object->step->horizon_steps) : NULL;
}

static int
set_horizon(PyObject *self, PyObject *value, void *closure)
{
    const struct step_object *object = open_step(self);
    (void)closure;
    if (object == NULL)
        return -1;
    unsigned long long steps = value != NULL && PyLong_Check(value) ? PyLong_AsUnsignedLongLong(value) : 0;
    if (steps == 0 || PyErr_Occurred()) {
        PyErr_Format(PyExc_ValueError, "horizon_steps is a whole number from 1 to servsim.FOREVER, not %R",
                     value != NULL ? value : Py_None);
        return -1;
    }
    object->step->horizon_steps = steps;
    return 0;
}

static PyObject *
get_until(PyObject *self, void *closure)
{
    const struct step_object *object = open_step(self);
    (void)closure;
    return object != NULL ? time_ps(object->step->until_s, object->step->until_ps) : NULL;
}

static int
set_until(PyObject *self, PyObject *value, void *closure)
{
    const struct step_object *object = open_step(self);
    (void)closure;
    if (object == NULL)
        return -1;
    long long until = value != NULL && PyLong_Check(value) ? PyLong_AsLongLong(value) : -1;
    if (until < 0) {
        PyErr_Format(PyExc_ValueError, "until_ps is a time in picoseconds, below 2**63, not %R",
                     value != NULL ? value : Py_None);
        return -1;
    }
    object->step->until_s = until / INT64_C(1000000000000);
    object->step->until_ps = until % INT64_C(1000000000000);
    return 0;
}

static PyGetSetDef attributes[] = {
    {"now", get_now, NULL, "seconds", NULL},
    {"now_ps", get_now_ps, NULL, "picoseconds, exactly", NULL},
    {"running", get_running, NULL, "places taken", NULL},
    {"budget_left", get_budget_left, NULL, "tokens", NULL},
    {"free_blocks", get_free_blocks, NULL, NULL, NULL},
    {"free_host_blocks", get_free_host_blocks, NULL, NULL, NULL},
    {"answer", get_answer, NULL, "of the service called last: OK, NO_BLOCKS, NO_BUDGET, NO_SLOT or NO_HOST_BLOCKS",
     NULL},
    {"horizon_steps", get_horizon, set_horizon, "for how many steps it would be the same", NULL},
    {"until_ps", get_until, set_until, "and only for steps that begin before this", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

/* ---- the type ---- */

PyTypeObject step_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "servsim.Step",
    .tp_basicsize = sizeof(struct step_object),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = "the step being composed",
    .tp_methods = methods,
    .tp_getset = attributes,
};

PyObject *
step_new(struct policy *policy)
{
    struct step_object *object = PyObject_New(struct step_object, &step_type);
    if (object == NULL)
        return NULL;
    object->step = NULL;
    object->policy = policy;
    object->answer = SERVSIM_OK;
    return (PyObject *)object;
}
