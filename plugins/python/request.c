/*
 * plugins/python/request.c - a request as a policy sees it.
 *
 * It is the host's until it finishes. An object that a policy keeps for longer knows that it is gone, and says so.
 */
#include "python/policy.h"

/* ---- the live ones ---- */

struct request_object *
request_new(struct policy *policy, const struct servsim_request *request)
{
    struct request_object *object = PyObject_GC_New(struct request_object, &request_type);
    if (object == NULL)
        return NULL;
    object->attributes = NULL;
    object->request = (struct servsim_request *)(uintptr_t)request; /* only schedulers write, to their own slot */
    object->policy = policy;
    object->previous = NULL;
    object->next = policy->live;
    object->id = request->id;
    if (policy->live != NULL)
        policy->live->previous = object;
    policy->live = object;
    PyObject_GC_Track(object);
    return object;
}

void
request_gone(struct request_object *object)
{
    if (object->previous != NULL)
        object->previous->next = object->next;
    else
        object->policy->live = object->next;
    if (object->next != NULL)
        object->next->previous = object->previous;
    object->request = NULL;
    object->policy = NULL;
    object->previous = object->next = NULL;
    Py_DECREF(object);
}

/* ---- attributes ---- */

static const struct servsim_request *
alive(PyObject *self)
{
    const struct request_object *object = (const struct request_object *)self;
    if (object->request == NULL)
        PyErr_Format(PyExc_ReferenceError, "request %llu is gone; keep what you need of it before it is",
                     (unsigned long long)object->id);
    return object->request;
}

static const void *
member(PyObject *self, void *offset)
{
    const struct servsim_request *request = alive(self);
    return request != NULL ? (const char *)request + (uintptr_t)offset : NULL;
}

static PyObject *
get_u32(PyObject *self, void *offset)
{
    const uint32_t *value = member(self, offset);
    return value != NULL ? PyLong_FromUnsignedLong(*value) : NULL;
}

static PyObject *
get_i32(PyObject *self, void *offset)
{
    const int32_t *value = member(self, offset);
    return value != NULL ? PyLong_FromLong(*value) : NULL;
}

static PyObject *
get_u64(PyObject *self, void *offset)
{
    const uint64_t *value = member(self, offset);
    return value != NULL ? PyLong_FromUnsignedLongLong(*value) : NULL;
}

/* Two integers in a row, seconds and picoseconds. */
static PyObject *
get_time(PyObject *self, void *offset)
{
    const int64_t *value = member(self, offset);
    if (value == NULL)
        return NULL;
    return PyFloat_FromDouble(value[0] == SERVSIM_NEVER ? Py_HUGE_VAL : (double)value[0] + (double)value[1] * 1e-12);
}

PyObject *
time_ps(int64_t seconds, int64_t picoseconds)
{
    const int64_t most = INT64_MAX / INT64_C(1000000000000) - 1;
    if (seconds == SERVSIM_NEVER)
        Py_RETURN_NONE;
    if (seconds <= most)
        return PyLong_FromLongLong(seconds * INT64_C(1000000000000) + picoseconds);
    PyObject *whole = PyLong_FromLongLong(seconds), *each = PyLong_FromLongLong(INT64_C(1000000000000));
    PyObject *rest = PyLong_FromLongLong(picoseconds);
    PyObject *product = whole != NULL && each != NULL ? PyNumber_Multiply(whole, each) : NULL;
    PyObject *sum = product != NULL && rest != NULL ? PyNumber_Add(product, rest) : NULL;
    Py_XDECREF(whole);
    Py_XDECREF(each);
    Py_XDECREF(rest);
    Py_XDECREF(product);
    return sum;
}

static PyObject *
get_time_ps(PyObject *self, void *offset)
{
    const int64_t *value = member(self, offset);
    return value != NULL ? time_ps(value[0], value[1]) : NULL;
}

static PyObject *
get_generated(PyObject *self, void *closure)
{
    const struct servsim_request *request = alive(self);
    const struct servsim_host *host = request != NULL ? ((struct request_object *)self)->policy->host : NULL;
    (void)closure;
    if (request == NULL)
        return NULL;
    if (!SERVSIM_COVERS(host, struct servsim_host, generated_tokens) || host->generated_tokens == NULL) {
        PyErr_SetString(PyExc_AttributeError, "routers are not told how many tokens a request has");
        return NULL;
    }
    return PyLong_FromUnsignedLong(host->generated_tokens(host->ctx, request));
}

#define AT(member_) (void *)(uintptr_t)offsetof(struct servsim_request, member_)

static PyGetSetDef attributes[] = {
    {"id", get_u64, NULL, "order of arrival, from 0", AT(id)},
    {"client", get_u64, NULL, "who sent it", AT(client)},
    {"priority", get_i32, NULL, "lower is more urgent", AT(priority)},
    {"arrival", get_time, NULL, "seconds", AT(arrival_s)},
    {"arrival_ps", get_time_ps, NULL, "picoseconds, exactly", AT(arrival_s)},
    {"deadline", get_time, NULL, "seconds; inf: none", AT(deadline_s)},
    {"deadline_ps", get_time_ps, NULL, "picoseconds, exactly; None: none", AT(deadline_s)},
    {"prompt_tokens", get_u32, NULL, NULL, AT(prompt_tokens)},
    {"predicted_output_tokens", get_u32, NULL, "0: no predictor is named", AT(predicted_output_tokens)},
    {"preemptions", get_u32, NULL, NULL, AT(preemptions)},
    {"generated_tokens", get_generated, NULL, "output tokens by now; schedulers only", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

/* ---- order: that of arrival, so that (key, request) is in order, too; and hashes that are no addresses ---- */

static PyObject *
compare(PyObject *a, PyObject *b, int how)
{
    if (how == Py_EQ || how == Py_NE)
        return PyBool_FromLong((a == b) == (how == Py_EQ));
    if (!PyObject_TypeCheck(a, &request_type) || !PyObject_TypeCheck(b, &request_type))
        Py_RETURN_NOTIMPLEMENTED;
    Py_RETURN_RICHCOMPARE(((struct request_object *)a)->id, ((struct request_object *)b)->id, how);
}

static Py_hash_t
hash(PyObject *self)
{
    return (Py_hash_t)(((struct request_object *)self)->id & INT32_MAX);
}

static PyObject *
represent(PyObject *self)
{
    const struct request_object *object = (const struct request_object *)self;
    return PyUnicode_FromFormat("<request %llu%s>", (unsigned long long)object->id,
                                object->request == NULL ? ", gone" : "");
}

/* ---- the type ---- */

static int
traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(((struct request_object *)self)->attributes);
    return 0;
}

static int
clear(PyObject *self)
{
    Py_CLEAR(((struct request_object *)self)->attributes);
    return 0;
}

static void
dealloc(PyObject *self)
{
    PyObject_GC_UnTrack(self);
    (void)clear(self);
    PyObject_GC_Del(self);
}

PyTypeObject request_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "servsim.Request",
    .tp_basicsize = sizeof(struct request_object),
    .tp_dealloc = dealloc,
    .tp_repr = represent,
    .tp_hash = hash,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_setattro = PyObject_GenericSetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_doc = "a request in flight; attributes of your own can be set on it",
    .tp_traverse = traverse,
    .tp_clear = clear,
    .tp_richcompare = compare,
    .tp_getset = attributes,
    .tp_dictoffset = offsetof(struct request_object, attributes),
};
