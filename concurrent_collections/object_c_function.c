/* SPDX-License-Identifier: BSD-3-Clause */
#include "object_c_function.h"

#include <string.h>

/* ---------------------------------------------------------------- the type */

static int c_function_traverse(PyObject *self, visitproc visit, void *arg) {
    cc_c_function *f = (cc_c_function *)self;
    Py_VISIT(f->source);
    Py_VISIT(f->owner);
    Py_VISIT(f->view.obj);
    return 0;
}

/* No tp_clear: nobody leads to one but orders, which let go of it (order_clear). */
static void c_function_dealloc(PyObject *self) {
    cc_c_function *f = (cc_c_function *)self;
    PyObject_GC_UnTrack(self);
    PyBuffer_Release(&f->view); /* nothing, where there is none */
    Py_XDECREF(f->owner);
    Py_XDECREF(f->source);
    PyObject_GC_Del(self);
}

PyTypeObject cc_c_function_type = {
    .ob_base = {PyObject_HEAD_INIT(NULL) 0},
    .tp_name = "concurrent_collections._core._CFunction",
    .tp_basicsize = sizeof(cc_c_function),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_traverse = c_function_traverse,
    .tp_dealloc = c_function_dealloc,
};

int cc_c_function_ready(void) {
    return PyType_Ready(&cc_c_function_type);
}

/* ---------------------------------------------------------------- arguments */

static const char *const kinds[] = {"objects", "int64s"};
static const char *const capsules[] = {CC_COMPARE_OBJECTS, CC_COMPARE_INT64S};

static void take_function(cc_c_function *f, int kind, uintptr_t address) {
    if (kind) {
        f->of_int64s = (cc_compare_int64s)address;
    } else {
        f->of_objects = (cc_compare_objects)address;
    }
}

/* 0, 1, or -1: none; -2 with an exception. */
static int kind_from(PyObject *keys) {
    for (int kind = 0; keys != Py_None && PyUnicode_Check(keys) && kind < 2; kind++) {
        if (PyUnicode_CompareWithASCIIString(keys, kinds[kind]) == 0) {
            return kind;
        }
    }
    if (keys != Py_None) {
        PyErr_Format(PyUnicode_Check(keys) ? PyExc_ValueError : PyExc_TypeError,
                     "keys: expected 'objects' or 'int64s', got %R", keys);
        return -2;
    }
    return -1;
}

static int take_capsule(cc_c_function *f, PyObject *capsule, int kind) {
    const char *name = PyCapsule_GetName(capsule);
    int named = -1;
    for (int i = 0; name && i < 2; i++) {
        named = strcmp(name, capsules[i]) == 0 ? i : named;
    }
    if (named < 0 || (kind >= 0 && kind != named)) {
        PyErr_Clear(); /* of a capsule that is no longer valid: it has no name, either */
        PyErr_Format(PyExc_ValueError,
                     "function: expected a capsule named \"%s\"%s%s%s, got \"%s\"",
                     capsules[kind < 0 ? 0 : kind], kind < 0 ? " or \"" : "",
                     kind < 0 ? capsules[1] : "", kind < 0 ? "\"" : "", name ? name : "");
        return -1;
    }
    void *pointer = PyCapsule_GetPointer(capsule, name);
    if (!pointer) {
        return -1;
    }
    take_function(f, named, (uintptr_t)pointer);
    f->context = PyCapsule_GetContext(capsule);
    return 0;
}

/* An int as an address: 0, or -1 with an exception. */
static int address_from(PyObject *number, const char *argument, uintptr_t *address) {
    unsigned long long value = PyLong_AsUnsignedLongLong(number);
    if (PyErr_Occurred() || value != (uintptr_t)value) {
        PyErr_Clear();
        PyErr_Format(PyExc_ValueError, "%s: %R is no address", argument, number);
        return -1;
    }
    *address = (uintptr_t)value;
    return 0;
}

static int take_source(cc_c_function *f, PyObject *function, int kind) {
    uintptr_t address;
    if (PyCapsule_CheckExact(function)) {
        return take_capsule(f, function, kind);
    }
    if (!PyLong_Check(function) || PyBool_Check(function)) {
        PyErr_Format(
            PyExc_TypeError,
            "function: expected the address of a C function, or a capsule, got %.100s; of a "
            "ctypes function the address is ctypes.cast(f, ctypes.c_void_p).value",
            Py_TYPE(function)->tp_name);
        return -1;
    }
    if (address_from(function, "function", &address)) {
        return -1;
    }
    if (!address) {
        PyErr_SetString(PyExc_ValueError, "function: 0 is no address");
        return -1;
    }
    take_function(f, kind == 1, address);
    return 0;
}

static int take_context(cc_c_function *f, PyObject *context) {
    uintptr_t address;
    if (context == Py_None) {
        return 0; /* a capsule's own one stays */
    }
    if (PyCapsule_CheckExact(context)) {
        f->context = PyCapsule_GetPointer(context, PyCapsule_GetName(context));
        return f->context ? 0 : -1;
    }
    if (PyLong_Check(context) && !PyBool_Check(context)) {
        if (address_from(context, "context", &address)) {
            return -1;
        }
        f->context = (void *)address;
        return 0;
    }
    if (!PyObject_CheckBuffer(context)) {
        PyErr_Format(
            PyExc_TypeError,
            "context: expected an address, a capsule, something with a buffer, or None, got "
            "%.100s",
            Py_TYPE(context)->tp_name);
        return -1;
    }
    if (PyObject_GetBuffer(context, &f->view, PyBUF_SIMPLE)) {
        if (PyErr_ExceptionMatches(PyExc_BufferError)) { /* such as: not contiguous */
            PyObject *type, *value, *traceback;
            PyErr_Fetch(&type, &value, &traceback);
            PyErr_Format(PyExc_ValueError, "context: %S", value ? value : Py_None);
            Py_XDECREF(type);
            Py_XDECREF(value);
            Py_XDECREF(traceback);
        }
        return -1;
    }
    f->context = f->view.buf;
    return 0;
}

PyObject *cc_c_function_new(PyObject *function, PyObject *context, PyObject *keys) {
    int kind = kind_from(keys);
    cc_c_function *f = kind == -2 ? NULL : PyObject_GC_New(cc_c_function, &cc_c_function_type);
    if (!f) {
        return NULL;
    }
    memset((char *)f + sizeof f->ob_base, 0, sizeof *f - sizeof f->ob_base);
    f->source = Py_NewRef(function);
    f->owner = Py_NewRef(context);
    int error = take_source(f, function, kind) || take_context(f, context);
    PyObject_GC_Track((PyObject *)f);
    if (error) {
        Py_DECREF((PyObject *)f);
        return NULL;
    }
    return (PyObject *)f;
}

PyObject *cc_c_function_arguments(PyObject *function) {
    const cc_c_function *f = (const cc_c_function *)function;
    return Py_BuildValue("(OOs)", f->source, f->owner, kinds[f->of_int64s != NULL]);
}

/* ---------------------------------------------------------------- which one it is */

static uintptr_t address_of(const cc_c_function *f) {
    return f->of_int64s ? (uintptr_t)f->of_int64s : (uintptr_t)f->of_objects;
}

bool cc_c_function_is_same(const cc_c_function *f, const cc_c_function *g) {
    return f->of_objects == g->of_objects && f->of_int64s == g->of_int64s &&
           f->context == g->context;
}

Py_hash_t cc_c_function_hash(PyObject *function) {
    const cc_c_function *f = (const cc_c_function *)function;
    return (Py_hash_t)(cc_mix(address_of(f) ^ cc_mix((uintptr_t)f->context)) >> 1);
}

/* ---------------------------------------------------------------- asking */

bool cc_c_function_takes(const cc_c_function *f, PyObject *key) {
    long long value;
    return !f->of_int64s || cc_key_is_int64(key, &value);
}

void cc_c_function_refuse(PyObject *key) {
    if (cc_key_is_int(key)) {
        PyErr_SetString(PyExc_OverflowError,
                        "comparator: its C function takes ints of 64 bits, got a larger one");
    } else {
        PyErr_Format(PyExc_TypeError,
                     "comparator: its C function takes ints of 64 bits, got %.100s",
                     Py_TYPE(key)->tp_name);
    }
}

int cc_c_function_ask(const cc_c_function *f, PyObject *a, PyObject *b) {
    int answer;
    if (f->of_int64s) {
        long long x = 0, y = 0;
        (void)cc_key_is_int64(a, &x); /* they are: looked at before */
        (void)cc_key_is_int64(b, &y);
        answer = x == y ? 0 : f->of_int64s(x, y, f->context);
    } else {
        answer = f->of_objects(a, b, f->context);
    }
    return answer == CC_CANNOT_COMPARE ? CC_UNDECIDED : (answer > 0) - (answer < 0);
}

int cc_c_function_ask_or_raise(const cc_c_function *f, PyObject *a, PyObject *b) {
    int answer = cc_c_function_ask(f, a, b);
    if (answer != CC_UNDECIDED) {
        return answer;
    }
    PyErr_Format(PyExc_TypeError,
                 "comparator: its C function cannot compare instances of '%.100s' and '%.100s'",
                 Py_TYPE(a)->tp_name, Py_TYPE(b)->tp_name);
    return -2;
}
