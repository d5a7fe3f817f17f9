/*
 * plugins/python/replicas.c - the replicas that a router chooses from: a sequence, each as it is at this instant.
 */
#include "python/policy.h"

static Py_ssize_t
length(PyObject *self)
{
    return ((struct replicas_object *)self)->count;
}

static PyObject *
in_order(PyObject *type, const struct servsim_replica_state *state)
{
    const uint64_t values[] = {state->waiting,        state->running,         state->prefill_tokens_left,
                               state->kv_blocks_used, state->kv_blocks_total, state->block_size};
    PyObject *replica = PyStructSequence_New((PyTypeObject *)type);
    for (Py_ssize_t i = 0; replica != NULL && i < 6; i++) {
        PyObject *value = PyLong_FromUnsignedLongLong(values[i]);
        if (value == NULL) {
            Py_DECREF(replica);
            return NULL;
        }
        PyStructSequence_SetItem(replica, i, value);
    }
    return replica;
}

static PyObject *
item(PyObject *self, Py_ssize_t at)
{
    const struct replicas_object *replicas = (const struct replicas_object *)self;
    struct servsim_replica_state state = {.size = sizeof state};
    if (at < 0 || at >= replicas->count)
        return PyErr_Format(PyExc_IndexError, "there is no replica %zd; the last is %u", at, replicas->count - 1);
    if (!replicas->asked)
        return PyErr_Format(PyExc_RuntimeError, "replicas can be looked at within route() and leave() alone");
    int32_t rc = replicas->host->replica_state(replicas->host->ctx, (uint32_t)at, &state);
    if (rc < 0)
        return PyErr_Format(PyExc_RuntimeError, "replica %zd: the host answers %d", at, (int)rc);
    return in_order(replicas->replica_type, &state);
}

/* A number for random.Random() that depends on the experiment's seed and the purpose alone. */
static PyObject *
seed(PyObject *self, PyObject *purpose)
{
    const struct replicas_object *replicas = (const struct replicas_object *)self;
    const char *text = PyUnicode_Check(purpose) ? PyUnicode_AsUTF8(purpose) : NULL;
    if (text == NULL)
        return PyErr_Format(PyExc_TypeError, "seed() takes a text that says what it is for");
    if (replicas->host == NULL)
        return PyErr_Format(PyExc_RuntimeError, "the router is gone");
    return PyLong_FromUnsignedLongLong(replicas->host->seed(replicas->host->ctx, text));
}

static void
dealloc(PyObject *self)
{
    Py_CLEAR(((struct replicas_object *)self)->replica_type);
    PyObject_Free(self);
}

static PyMethodDef methods[] = {
    {"seed", seed, METH_O, "seed(purpose): for random.Random()"},
    {NULL, NULL, 0, NULL},
};

static PySequenceMethods sequence = {.sq_length = length, .sq_item = item};

PyTypeObject replicas_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "servsim.Replicas",
    .tp_basicsize = sizeof(struct replicas_object),
    .tp_dealloc = dealloc,
    .tp_as_sequence = &sequence,
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = "the replicas, from 0",
    .tp_methods = methods,
};

PyObject *
replicas_new(struct policy *policy, const struct servsim_router_context *context)
{
    const struct module_state *module = module_get();
    struct replicas_object *replicas = module != NULL ? PyObject_New(struct replicas_object, &replicas_type) : NULL;
    if (replicas == NULL)
        return NULL;
    Py_INCREF(module->replica_type);
    replicas->replica_type = module->replica_type;
    replicas->host = policy->host;
    replicas->count = context->replicas;
    replicas->asked = 0;
    return (PyObject *)replicas;
}
