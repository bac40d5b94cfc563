/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The module `_test_hooks`, for tests alone:
 *
 *   fail_allocations_from(n)        the core's n-th allocation from now, and all after it, fail
 *   call_while_waiting(callable)    what waiting threads call with the name of the moment
 *   sleeps(queue)                   how often a thread has fallen asleep in this queue
 *   finish_beside_failing_put(n)    of n finished tasks, how many are counted: one item was put,
 *                                   and one more is taken back during the first look at the sum
 *   check(container)                AssertionError if an invariant is broken
 *   key(object)                     its kind, its digest, its hash in a search, and when stored
 *   order(a, b)                     what a search for a makes of a stored b: -1, 0 or 1, or None
 *                                   where Python would be asked
 *   StalledReader(container)        a thread that stands in the middle of reading until leave()
 */
#include "test_hooks.h"

#if defined(CC_TEST_HOOKS)

#include "finished_tasks.h"
#include "memory/cc_alloc.h"
#include "object_map.h"
#include "object_order.h"
#include "object_store.h"
#include "object_type.h"
#include "stalled_reader.h"
#include "waiting.h"

/* ---------------------------------------------------------------- functions */

static PyObject *fail_allocations_from(PyObject *module, PyObject *n) {
    (void)module;
    long long count = PyLong_AsLongLong(n);
    if (count == -1 && PyErr_Occurred()) {
        return NULL;
    }
    cc_alloc_fail_from(count);
    Py_RETURN_NONE;
}

static PyObject *call_while_waiting(PyObject *module, PyObject *callable) {
    (void)module;
    cc_waiting_set_test_hook(callable);
    Py_RETURN_NONE;
}

static PyObject *sleeps(PyObject *module, PyObject *queue) {
    (void)module;
    return PyLong_FromUnsignedLongLong(cc_object_store_sleeps(queue));
}

typedef struct failing_put {
    cc_finished_tasks tasks;
    bool has_failed;
} failing_put;

static uint64_t puts_beside_failing_put(const void *core) {
    failing_put *put = (failing_put *)core;
    if (put->has_failed) {
        return 1;
    }
    put->has_failed = true;
    cc_finished_tasks_put_failed(&put->tasks);
    return 2;
}

static PyObject *finish_beside_failing_put(PyObject *module, PyObject *n) {
    failing_put put = {.has_failed = false};
    long counted = 0, most = PyLong_AsLong(n);
    (void)module;
    if (most == -1 && PyErr_Occurred()) {
        return NULL;
    }
    cc_finished_tasks_begin(&put.tasks, puts_beside_failing_put, &put, "");
    for (long i = 0; i < most; i++) {
        counted += cc_finished_tasks_count(&put.tasks);
    }
    return PyLong_FromLong(counted);
}

/* In the container's order; where that is by nature alone, as Python sees it. 1, 0, or -1. */
static int is_before(PyObject *container, PyObject *a, PyObject *b) {
    const cc_order *by = cc_order_of(cc_object_map_in(container));
    if (by->is_plain) {
        return by->flip ? PyObject_RichCompareBool(b, a, Py_LT)
                        : PyObject_RichCompareBool(a, b, Py_LT);
    }
    int answer = cc_order_compare_keys(by, a, b);
    return answer == -2 ? -1 : answer == -1;
}

static PyObject *check(PyObject *module, PyObject *container) {
    (void)module;
    const char *what = cc_container_check(container);
    if (PyErr_Occurred()) {
        return NULL;
    }
    if (what) {
        PyErr_SetString(PyExc_AssertionError, what);
        return NULL;
    }
    PyObject *keys = PySequence_List(container);
    if (!keys) {
        return NULL;
    }
    for (Py_ssize_t i = 1; i < PyList_GET_SIZE(keys); i++) {
        PyObject *one = PyList_GET_ITEM(keys, i - 1), *next = PyList_GET_ITEM(keys, i);
        int in_order = is_before(container, one, next);
        if (in_order == 0) {
            PyErr_Format(PyExc_AssertionError, "out of order: %R, %R", one, next);
        }
        if (in_order != 1) {
            Py_DECREF(keys);
            return NULL;
        }
    }
    Py_DECREF(keys);
    Py_RETURN_NONE;
}

static PyObject *key(PyObject *module, PyObject *object) {
    (void)module;
    cc_search s;
    cc_key_fill_search(&s, cc_order_ascending, object);
    return Py_BuildValue("(iKKK)", s.kind, (unsigned long long)s.digest, (unsigned long long)s.hash,
                         (unsigned long long)cc_object_words.hash(s.kind, s.digest, s.key));
}

static PyObject *order(PyObject *module, PyObject *arguments) {
    PyObject *a, *b;
    (void)module;
    if (!PyArg_ParseTuple(arguments, "OO:order", &a, &b)) {
        return NULL;
    }
    cc_search searched, stored;
    cc_key_fill_search(&searched, cc_order_ascending, a);
    cc_key_fill_search(&stored, cc_order_ascending, b);
    if (searched.kind == stored.kind && searched.digest != stored.digest) { /* as cc_compare_key */
        return PyLong_FromLong(searched.digest < stored.digest ? -1 : 1);
    }
    int answer = cc_object_words.compare(&searched, stored.kind, stored.digest, stored.key);
    if (answer == CC_UNDECIDED) {
        Py_RETURN_NONE;
    }
    return PyLong_FromLong(answer);
}

/* ---------------------------------------------------------------- C comparators */

static int compare_natively(PyObject *a, PyObject *b, void *context) {
    (void)context;
    int answer = cc_key_compare_natively(a, b);
    return answer == CC_UNDECIDED ? CC_CANNOT_COMPARE : answer;
}

static int compare_numbers(int64_t a, int64_t b, void *context) {
    (void)context;
    return (a > b) - (a < b);
}

/* By the remainder; the context leads to the divisor. */
static int compare_remainders(int64_t a, int64_t b, void *context) {
    return compare_numbers(a % *(int64_t *)context, b % *(int64_t *)context, NULL);
}

/* a < b < c < a */
static int compare_in_circle(int64_t a, int64_t b, void *context) {
    (void)context;
    return (int)(((a - b + 3) % 7 + 7) % 7) - 3;
}

/* Says what it has been told to, one answer after the other, again and again. */
typedef struct script {
    _Atomic uint64_t calls;
    uint64_t length;
    int8_t answers[]; /* 100: CC_CANNOT_COMPARE */
} script;

static int read_out(void *context) {
    script *s = (script *)context;
    uint64_t i = atomic_fetch_add_explicit(&s->calls, 1, memory_order_relaxed);
    int answer = s->answers[i % s->length];
    return answer == 100 ? CC_CANNOT_COMPARE : answer;
}

static int tell_of_objects(PyObject *a, PyObject *b, void *context) {
    (void)a;
    (void)b;
    return read_out(context);
}

static int tell_of_int64s(int64_t a, int64_t b, void *context) {
    (void)a;
    (void)b;
    return read_out(context);
}

/* A dict of their addresses. */
static PyObject *comparators(PyObject *module, PyObject *nothing) {
    (void)module;
    (void)nothing;
    return Py_BuildValue("{sKsKsKsKsKsK}", "natively",
                         (unsigned long long)(uintptr_t)compare_natively, "numbers",
                         (unsigned long long)(uintptr_t)compare_numbers, "remainders",
                         (unsigned long long)(uintptr_t)compare_remainders, "circle",
                         (unsigned long long)(uintptr_t)compare_in_circle, "tell_of_objects",
                         (unsigned long long)(uintptr_t)tell_of_objects, "tell_of_int64s",
                         (unsigned long long)(uintptr_t)tell_of_int64s);
}

/* ---------------------------------------------------------------- the functions */

static PyMethodDef functions[] = {
    {"comparators", comparators, METH_NOARGS, NULL},
    {"fail_allocations_from", fail_allocations_from, METH_O, NULL},
    {"call_while_waiting", call_while_waiting, METH_O, NULL},
    {"sleeps", sleeps, METH_O, NULL},
    {"finish_beside_failing_put", finish_beside_failing_put, METH_O, NULL},
    {"check", check, METH_O, NULL},
    {"key", key, METH_O, NULL},
    {"order", order, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

/* ---------------------------------------------------------------- StalledReader */

typedef struct reader_object {
    PyObject_HEAD PyObject *container;
    cc_stalled_reader *reader;
} reader_object;

static PyObject *reader_new(PyTypeObject *type, PyObject *arguments, PyObject *names) {
    PyObject *container;
    (void)names;
    if (!PyArg_ParseTuple(arguments, "O:StalledReader", &container)) {
        return NULL;
    }
    struct cc_smr_domain *domain = cc_container_domain(container);
    reader_object *self = domain ? (reader_object *)type->tp_alloc(type, 0) : NULL;
    if (!self) {
        return NULL;
    }
    self->container = Py_NewRef(container);
    Py_BEGIN_ALLOW_THREADS self->reader = cc_stalled_reader_start(domain);
    Py_END_ALLOW_THREADS if (!self->reader) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    return (PyObject *)self;
}

static PyObject *reader_leave(PyObject *object, PyObject *arguments) {
    reader_object *self = (reader_object *)object;
    cc_stalled_reader *reader = self->reader;
    int error = 0;
    (void)arguments;
    self->reader = NULL;
    if (reader) {
        Py_BEGIN_ALLOW_THREADS error = cc_stalled_reader_stop(reader, 10);
        Py_END_ALLOW_THREADS
    }
    if (error) {
        PyErr_SetString(PyExc_RuntimeError, "the thread of the stalled reader does not come");
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *reader_enter(PyObject *self, PyObject *nothing) {
    (void)nothing;
    return Py_NewRef(self);
}

static PyObject *reader_native_id(PyObject *self, void *closure) {
    (void)closure;
    return PyLong_FromUnsignedLongLong(cc_stalled_reader_thread(((reader_object *)self)->reader));
}

static void reader_dealloc(PyObject *object) {
    reader_object *self = (reader_object *)object;
    PyTypeObject *type = Py_TYPE(object);
    if (self->reader) {
        (void)cc_stalled_reader_stop(self->reader, 1);
    }
    Py_XDECREF(self->container);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyMethodDef reader_methods[] = {
    {"leave", reader_leave, METH_NOARGS, NULL},
    {"__enter__", reader_enter, METH_NOARGS, NULL},
    {"__exit__", reader_leave, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
static PyGetSetDef reader_properties[] = {
    {"native_id", reader_native_id, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
static PyType_Slot reader_slots[] = {
    {Py_tp_new, (void *)reader_new},
    {Py_tp_dealloc, (void *)reader_dealloc},
    {Py_tp_methods, reader_methods},
    {Py_tp_getset, reader_properties},
    {0, NULL},
};
static PyType_Spec reader_spec = {
    .name = "concurrent_collections._core._test_hooks.StalledReader",
    .basicsize = sizeof(reader_object),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = reader_slots,
};

/* ---------------------------------------------------------------- the module */

int cc_test_hooks_add(PyObject *namespace_) {
    PyObject *module = PyModule_New("concurrent_collections._core._test_hooks");
    PyObject *reader = module ? PyType_FromSpec(&reader_spec) : NULL;
    int error = !reader || PyModule_AddFunctions(module, functions) ||
                PyModule_AddObjectRef(module, "StalledReader", reader) ||
                PyDict_SetItemString(namespace_, "_test_hooks", module);
    Py_XDECREF(reader);
    Py_XDECREF(module);
    return error ? -1 : 0;
}
#endif
