/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A C function of two keys, as an object that an order owns (object_order.h): the function, its
 * context, and whatever has to live as long as these. cc_comparator.h says what it may do.
 *
 *     PyObject *f = cc_c_function_new(capsule, Py_None, Py_None);
 *     int order = cc_c_function_ask((const cc_c_function *)f, a, b);       inside regions, too
 *
 * Promises. Asking runs no Python code, allocates nothing and raises nothing, as long as the
 * function keeps its rules. One object is one key, and so are two equal ints of a function of
 * int64s: of these nothing is asked.
 *
 * Every function needs an attached thread.
 */
#ifndef CC_OBJECT_C_FUNCTION_H
#define CC_OBJECT_C_FUNCTION_H

#include <Python.h>

#include <stdbool.h>

#include "concurrent_collections/cc_comparator.h"
#include "object_keys.h"

typedef struct cc_c_function {
    PyObject_HEAD cc_compare_objects of_objects; /* one of the two; the other one is NULL */
    cc_compare_int64s of_int64s;
    void *context;
    PyObject *source, *owner; /* what the two came from: an int or capsule; anything */
    Py_buffer view; /* of the owner, if the context is its buffer */
} cc_c_function;

extern PyTypeObject cc_c_function_type;

/* Make the type: before any other call. 0, or -1 with an exception. */
int cc_c_function_ready(void);

/* From an address or a capsule; a context, as Comparator.from_c takes it; and "objects", "int64s",
 * or None: objects, or what the capsule says. NULL with an exception that names the argument. */
PyObject *cc_c_function_new(PyObject *function, PyObject *context, PyObject *keys);

/* What it was made of: (function, context, "objects" or "int64s"). NULL with a MemoryError. */
PyObject *cc_c_function_arguments(PyObject *function);

/* Whether two are the same function with the same context; and a hash that goes with it. */
bool cc_c_function_is_same(const cc_c_function *f, const cc_c_function *g);
Py_hash_t cc_c_function_hash(PyObject *function);

/* Whether it takes the key; and the TypeError or OverflowError for one that is not taken. */
bool cc_c_function_takes(const cc_c_function *f, PyObject *key);
void cc_c_function_refuse(PyObject *key);

/* Order of two keys that it takes: -1, 0, 1; or CC_UNDECIDED: it cannot tell. */
int cc_c_function_ask(const cc_c_function *f, PyObject *a, PyObject *b);

/* The same outside of regions: -2 with an exception in place of CC_UNDECIDED. */
int cc_c_function_ask_or_raise(const cc_c_function *f, PyObject *a, PyObject *b);

#endif
