/*
 * plugins/python/errors.c - exceptions and useless answers as one line with file, line and message.
 */
#include <ctype.h>

#include "python/policy.h"

/* The exception that is set, made whole; a new reference. */
static PyObject *
take_exception(void)
{
#if PY_VERSION_HEX >= 0x030c0000
    return PyErr_GetRaisedException();
#else
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    if (value != NULL && trace != NULL)
        (void)PyException_SetTraceback(value, trace);
    Py_XDECREF(type);
    Py_XDECREF(trace);
    return value;
#endif
}

/* object.a.b..., a new reference; NULL, and no exception, where one is missing. Takes the reference to object. */
static PyObject *
follow(PyObject *object, const char *const *names)
{
    for (; object != NULL && *names != NULL; names++) {
        PyObject *next = PyObject_GetAttrString(object, *names);
        Py_DECREF(object);
        object = next;
    }
    PyErr_Clear();
    return object;
}

/* A number that such a path leads to, or 0. Borrows object. */
static long
number_at(PyObject *object, const char *const *names)
{
    Py_XINCREF(object);
    PyObject *found = follow(object, names);
    long number = found != NULL && PyLong_Check(found) ? PyLong_AsLong(found) : 0;
    PyErr_Clear();
    Py_XDECREF(found);
    return number;
}

/* Does such a path lead to the name of the policy's file? Borrows object. */
static int
names_file(const struct policy *policy, PyObject *object, const char *const *names)
{
    Py_INCREF(object);
    PyObject *name = follow(object, names);
    int same = name != NULL ? PyObject_RichCompareBool(name, policy->file, Py_EQ) : 0;
    Py_XDECREF(name);
    PyErr_Clear();
    return same > 0;
}

/* The line that does not compile, or 0: it may be in the options and not in the file. */
static long
line_of_syntax(const struct policy *policy, PyObject *exception)
{
    static const char *const at[] = {"lineno", NULL}, *const file[] = {"filename", NULL};
    int is_syntax = PyObject_TypeCheck(exception, (PyTypeObject *)PyExc_SyntaxError);
    return is_syntax && names_file(policy, exception, file) ? number_at(exception, at) : 0;
}

/* The last line of the policy's own file on the way to the exception, or 0. */
static long
line_raised(const struct policy *policy, PyObject *exception)
{
    static const char *const line[] = {"tb_lineno", NULL}, *const next[] = {"tb_next", NULL};
    static const char *const file[] = {"tb_frame", "f_code", "co_filename", NULL};
    long found = line_of_syntax(policy, exception);
    PyObject *trace = PyException_GetTraceback(exception);
    while (trace != NULL && trace != Py_None) {
        if (names_file(policy, trace, file))
            found = number_at(trace, line);
        trace = follow(trace, next);
    }
    Py_XDECREF(trace);
    return found;
}

/* Where a method begins, or 0. */
static long
line_of_method(PyObject *method)
{
    static const char *const names[] = {"__code__", "co_firstlineno", NULL};
    return method != NULL ? number_at(method, names) : 0;
}

/* The text of what str() or repr() gave, as one line; takes the reference. */
static void
one_line(PyObject *text, char *out, size_t size)
{
    const char *said = text != NULL ? PyUnicode_AsUTF8(text) : NULL;
    (void)snprintf(out, size, "%s", said != NULL ? said : "?");
    for (char *at = out; *at != '\0'; at++)
        if (iscntrl((unsigned char)*at))
            *at = ' ';
    Py_XDECREF(text);
    PyErr_Clear();
}

static void
place(const struct policy *policy, long line, char *out, size_t size)
{
    const char *file = PyUnicode_AsUTF8(policy->file);
    size_t length = file != NULL ? strlen(file) : 0;
    const char *begin = length > 200 ? "..." : "", *end = length > 200 ? file + length - 200 : file;
    if (line > 0)
        (void)snprintf(out, size, "%s%s, line %ld", begin, end != NULL ? end : "?", line);
    else
        (void)snprintf(out, size, "%s%s", begin, end != NULL ? end : "?");
}

/* A syntax error's own text repeats the place. */
static PyObject *
text_of(PyObject *exception)
{
    PyObject *message = PyObject_TypeCheck(exception, (PyTypeObject *)PyExc_SyntaxError)
                            ? PyObject_GetAttrString(exception, "msg")
                            : NULL;
    PyErr_Clear();
    return message != NULL ? message : PyObject_Str(exception);
}

int32_t
fail_raised(const struct policy *policy, const char *what, struct servsim_error *err)
{
    char where[300], said[300];
    PyObject *exception = take_exception();
    if (exception == NULL)
        return servsim_fail(err, EINVAL, "%s failed and does not say why", what);
    place(policy, line_raised(policy, exception), where, sizeof where);
    one_line(text_of(exception), said, sizeof said);
    (void)servsim_fail(err, EINVAL, "%s: %s: %s%s%s", where, what, Py_TYPE(exception)->tp_name,
                       said[0] != '\0' ? ": " : "", said);
    Py_DECREF(exception);
    return -EINVAL;
}

int32_t
fail_answer(const struct policy *policy, int method, PyObject *answer, const char *wanted, struct servsim_error *err)
{
    char where[300], said[100];
    place(policy, line_of_method(policy->methods[method]), where, sizeof where);
    one_line(PyObject_Repr(answer), said, sizeof said);
    return servsim_fail(err, EINVAL, "%s: %s() returns %s; return %s", where, policy->table[method].name, said, wanted);
}
