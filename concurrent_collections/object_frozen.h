/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Frozen maps and sets of objects: sorted arrays that never change.
 *
 *     cc_frozen_builder b;                               object_frozen_build.h
 *     cc_frozen *t = ...;
 *     int found = cc_frozen_find(t, key, CC_ABSENT_IF_BUILTIN, &where);
 *     PyObject *item = found == 1 ? cc_frozen_get(t, where, CC_WANT_ITEM) : NULL;
 *     Py_DECREF(t);
 *
 * Promises. A table that is finished never changes, so any number of threads read it without an
 * atomic instruction, and nobody waits. Looking for a key takes O(log n) comparisons, whatever
 * these answer: a `<` that lies finds a wrong place inside the table, or nothing.
 *
 * Keys are ordered and compared as those of ordered maps are: in an order of the table's
 * (object_order.h), by kinds and digests, natively, and by Python where only Python can say. In
 * plain orders an int that fits 64 bits and a float are kept by value; else keys are the words that
 * their order has made of them.
 *
 * Memory. Where all keys are ints of 64 bits, or all are floats, there is one array of numbers:
 * 8 bytes a key. Else a digest and a reference: 16 bytes a key, and one more for its kind where the
 * kinds differ. A map adds 8 bytes for each value. A table is a Python object that the collector
 * knows; it has no tp_clear, as a tuple has none: a cycle that leads through it leads through
 * something else, too, which can be changed.
 *
 * Python code. Functions that take a key may run its comparisons; nothing is held meanwhile but the
 * caller's reference to the table. Everything needs an attached thread.
 */
#ifndef CC_OBJECT_FROZEN_H
#define CC_OBJECT_FROZEN_H

#include <Python.h>

#include "concurrent_collections/cc_atomic.h"
#include "object_search.h"
#include "object_type.h"

typedef enum cc_frozen_form {
    CC_FROZEN_INTS, /* `numbers` are int64_t; so is an empty table of a plain order */
    CC_FROZEN_FLOATS, /* they are doubles */
    CC_FROZEN_OBJECTS /* they are digests, beside references */
} cc_frozen_form;

typedef struct cc_frozen {
    PyObject_HEAD const cc_order *order; /* a reference, where such are counted */
    Py_ssize_t count, capacity; /* the latter while it is built */
    cc_frozen_form form;
    unsigned kind; /* of all keys; 0: see `kinds` */
    uint64_t *numbers;
    PyObject **keys; /* of objects */
    uint8_t *kinds; /* of objects, where they differ */
    PyObject **values; /* NULL in a set */
    bool has_values;
    cc_atomic_u64 hash; /* one more than it, once it has been computed; see cc_frozen_hash */
} cc_frozen;

extern PyTypeObject cc_frozen_type;

/* Make the types: before any other call. 0, or -1 with an exception. */
int cc_frozen_ready(void);

/* ---- one entry, at a position from 0 to count - 1 ---- */

/* What is wanted of it (CC_WANT_KEY, CC_WANT_VALUE or CC_WANT_ITEM of object_map.h): a new
 * reference, or NULL with a MemoryError. The values of a set are None. */
PyObject *cc_frozen_get(cc_frozen *t, Py_ssize_t i, int want);

/* Its key as a container has it; borrowed. */
cc_stored_key cc_frozen_key(const cc_frozen *t, Py_ssize_t i);

/* The same with a reference of its own, where it has an object: -0.0 gets one. 0, or -1 with a
 * MemoryError. */
int cc_frozen_take_key(const cc_frozen *t, Py_ssize_t i, cc_stored_key *key);

/* ---- looking for keys ---- */

/* `policy` is a cc_lookup_policy. 1: the key is at *where. 0: it is not there, and would be before
 * *where. -1 with an exception. A key that does not compare is not there as far as the policy goes,
 * and *where means nothing. */
int cc_frozen_find(cc_frozen *t, PyObject *key, int policy, Py_ssize_t *where);

/* For the algebra of sets, as cc_object_map_has: 1, 0 or -1. */
int cc_frozen_has(cc_frozen *t, PyObject *key);

/* What is wanted of the entry in that relation (a cc_relation) to the key, which is NULL for
 * CC_FIRST and CC_LAST; `otherwise` when there is none, KeyError if that is NULL. */
PyObject *cc_frozen_neighbour(cc_frozen *t, PyObject *key, int relation, int want,
                              PyObject *otherwise);

/* Before which positions the entries from `start` to `stop` begin and end (NULL: no bound); `how`
 * as for a scan upwards (object_scan.h). 0, or -1 with an exception. */
int cc_frozen_range(cc_frozen *t, PyObject *start, PyObject *stop, unsigned how, Py_ssize_t *first,
                    Py_ssize_t *end);

/* ---- many entries ---- */

/* An iterator over `count` entries, from position `first` on, by steps of 1 or -1. Any number of
 * threads may step it: each entry goes to one of them. */
PyObject *cc_frozen_iterate(cc_frozen *t, Py_ssize_t first, Py_ssize_t count, int step, int want);

/* A list of `count` entries, from position `first` on, by any steps. */
PyObject *cc_frozen_list(cc_frozen *t, Py_ssize_t first, Py_ssize_t count, Py_ssize_t step,
                         int want);

/* ---- the whole ---- */

/* Are keys and values equal by `==`: place by place, or where the orders differ, each one that is
 * found? 1, 0 or -1. Both are maps, or both sets. */
int cc_frozen_equal(cc_frozen *a, cc_frozen *b);

/* What has been remembered of a hash; -1: nothing. */
Py_hash_t cc_frozen_hash(const cc_frozen *t);
void cc_frozen_remember_hash(cc_frozen *t, Py_hash_t hash);

/* Bytes of the table and its arrays. */
size_t cc_frozen_bytes(const cc_frozen *t);

/* The table's order. */
const cc_order *cc_frozen_order(const cc_frozen *t);

/* Keys that are numbers, as a buffer that cannot be written to. 0, or -1 with a BufferError: they
 * are no numbers, or more is asked for. */
int cc_frozen_buffer(cc_frozen *t, PyObject *owner, Py_buffer *view, int flags);

/* ---- as a container (object_type.h) ---- */

/* Its instances have a cc_frozen *, never NULL. A class is added with `how` not NULL if it is one
 * of maps. */
extern const cc_container_kind cc_frozen_kind;

/* The table in an instance (borrowed); NULL for any other object. */
cc_frozen *cc_frozen_in(PyObject *o);

/* Whether an object is such a table. */
int cc_frozen_is_table(PyObject *o);

/* For __new__: from hide to show nobody can meet the instance, not even by the collector's lists;
 * show gives it its table, to which it takes a reference. */
void cc_frozen_hide(PyObject *instance);
void cc_frozen_show(PyObject *instance, PyObject *table);

#endif
