/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The only place where the C core's opaque words meet PyObject *.
 *
 * A key or value word of a container of objects is a reference that the container owns. Ints that fit
 * 64 bits and floats are keys without an object: their digest holds them, and a new object is made on
 * the way out.
 *
 * Every function here needs an attached thread state, and may run arbitrary Python code (comparisons,
 * finalizers) before it returns, never while a protected region is open. Functions that return a
 * PyObject * return a new reference, or NULL with an exception set. When an exception is set the
 * container is as it was before the call.
 */
#ifndef CC_OBJECT_REFS_H
#define CC_OBJECT_REFS_H

#include <Python.h>

#include "ordered/ordered.h"

/* What a function that finds an entry returns of it. */
enum { CC_WANT_KEY, CC_WANT_VALUE, CC_WANT_ITEM };

cc_ordered *cc_objects_new(void);

/* ---- one key ---- */

/* A look-up of a key that does not compare with those inside, all of exact built-in types, does not find it: these four
 * and cc_objects_delete. Storing, and asking for neighbours, raises TypeError. */
int cc_objects_contains(cc_ordered *list, PyObject *key);
/* For the algebra of sets: what does not compare, of whatever type, and a NaN are not there. What comparisons of users
 * raise comes out. */
int cc_objects_has(cc_ordered *list, PyObject *key);
/* NULL for otherwise: KeyError. */
PyObject *cc_objects_get(cc_ordered *list, PyObject *key, PyObject *otherwise);
PyObject *cc_objects_pop(cc_ordered *list, PyObject *key, PyObject *otherwise);
/* 0, or -1. */
int cc_objects_set(cc_ordered *list, PyObject *key, PyObject *value);
/* The value before, or `otherwise` when there was none. */
PyObject *cc_objects_put(cc_ordered *list, PyObject *key, PyObject *value, int policy,
                         PyObject *otherwise);
/* 1: the key was there and is removed; 0: it was not. */
int cc_objects_delete(cc_ordered *list, PyObject *key);
/* 1: added; 0: it was there. The value is None: sets are maps to None. */
int cc_objects_add(cc_ordered *list, PyObject *key);
int cc_objects_replace_if(cc_ordered *list, PyObject *key, PyObject *expected, PyObject *value);

/* ---- order ---- */

/* The entry in that relation to key (NULL for CC_FIRST and CC_LAST). `otherwise` when there is none, or KeyError if
 * that is NULL. */
PyObject *cc_objects_neighbour(cc_ordered *list, PyObject *key, int relation, int want,
                               PyObject *otherwise);
/* Remove and return the first or last entry; on an empty container `otherwise`, or KeyError if that is NULL. */
PyObject *cc_objects_pop_end(cc_ordered *list, int relation, int want, PyObject *otherwise);

/* The next entries of an iteration: a list of keys, and in *results a list of what is wanted of them (the
 * same list when that is the keys). `from`: NULL, or where to start; `first`: NULL, or the first key of the
 * iteration, when it goes on from `from`; `stop`: NULL, or the bound at the far end. When keys
 * turn out to have no consistent order the iteration is over. At most `room` of them; an empty list says that the iteration is over, *is_last that no
 * further call is needed. */
PyObject *cc_objects_scan(cc_ordered *list, PyObject *from, int from_exclusive, PyObject *first,
                          PyObject *stop, int stop_inclusive, int downwards, int want,
                          Py_ssize_t room, PyObject **results, int *is_last);

/* Remove every entry that is there when it is passed. 0, or -1. */
int cc_objects_clear(cc_ordered *list);

/* For tp_traverse. */
int cc_objects_traverse(cc_ordered *list, visitproc visit, void *argument);

/* Give a type what Cython cannot: its public name (which must live for ever), tp_traverse and tp_clear, and the
 * match statement's flag for mappings. It must have Py_TPFLAGS_HAVE_GC and no instances yet. 0, or -1. */
int cc_objects_install_type(PyTypeObject *type, const char *name, int is_mapping,
                            traverseproc traverse, inquiry clear);

#endif
