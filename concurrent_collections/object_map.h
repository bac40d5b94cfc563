/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Maps from Python objects to Python objects, over any ordered container of the core (ordered.h).
 * Sets are maps to None. Updates that depend on the value: object_compound.h.
 *
 *     cc_ordered *map = cc_object_map_new(&cc_skiplist_operations);
 *     cc_object_map_set(map, key, value);
 *     PyObject *floor = cc_object_map_neighbour(map, key, CC_FLOOR, CC_WANT_KEY, Py_None);
 *     cc_ordered_free(map);
 *
 * Promises. A function that has set an exception has changed nothing, but for cc_object_map_clear.
 * A PyObject * that is returned is a new reference; NULL comes with an exception. Atomicity and
 * progress are those of the operation in ordered.h that bears the name.
 *
 * Python code. Every function may run some (comparisons, finalizers) before it returns: never
 * inside a region, and comparisons only before the operation's effect.
 *
 * Memory. A key or value word is a reference that the container owns. Ints that fit 64 bits and
 * floats are keys without an object (object_keys.h).
 *
 * Every function needs an attached thread.
 */
#ifndef CC_OBJECT_MAP_H
#define CC_OBJECT_MAP_H

#include <Python.h>

#include "object_search.h"
#include "object_type.h"
#include "ordered/ordered.h"

/* What a function that finds an entry returns of it. */
enum { CC_WANT_KEY, CC_WANT_VALUE, CC_WANT_ITEM };

/* With the first or the last of them, for cc_object_map_neighbour: the key is prepared. */
enum { CC_WANT_PREPARED = 4 };

/* A new, empty map; NULL with a MemoryError. cc_ordered_free frees it. */
cc_ordered *cc_object_map_new(const cc_ordered_operations *ops);

/* ---- one key ---- */

/* A look-up (contains, get, pop, delete) does not find a key that Python refuses to compare with
 * one inside, if both are of exact built-in types. Everything else raises the TypeError. A NaN
 * raises ValueError. */

/* 1, 0, or -1. */
int cc_object_map_contains(cc_ordered *map, PyObject *key);

/* For the algebra of sets: a key that does not compare, of whatever type, is not there, nor is a
 * NaN. What comparisons of users raise comes out. 1, 0, or -1. */
int cc_object_map_has(cc_ordered *map, PyObject *key);

/* The value; or `otherwise`, and then *prepared is the key, prepared (object_order.h): a new
 * reference. */
PyObject *cc_object_map_get_or_prepare(cc_ordered *map, PyObject *key, PyObject *otherwise,
                                       PyObject **prepared);

/* The value, or `otherwise`; KeyError if that is NULL. */
PyObject *cc_object_map_get(cc_ordered *map, PyObject *key, PyObject *otherwise);
PyObject *cc_object_map_pop(cc_ordered *map, PyObject *key, PyObject *otherwise);

/* 0, or -1. */
int cc_object_map_set(cc_ordered *map, PyObject *key, PyObject *value);

int cc_object_map_store(cc_ordered *map, PyObject *key, PyObject *value, cc_put_policy policy);

/* The same for a key of another container of the same order; `word` may be NULL. */
int cc_object_map_store_stored(cc_ordered *map, unsigned kind, uint64_t digest, PyObject *word,
                               PyObject *value, cc_put_policy policy);

/* The value before, or `otherwise` when there was none. `policy`: a cc_put_policy. */
PyObject *cc_object_map_put(cc_ordered *map, PyObject *key, PyObject *value, int policy,
                            PyObject *otherwise);

/* A look-up that shares its search with other steps (object_search.h). CC_FOUND and a new reference
 * in *value (if not NULL), CC_ABSENT, or CC_NO_MEMORY with an exception. */
cc_status cc_object_map_find(cc_ordered *map, cc_search *search, PyObject *key, PyObject **value,
                             cc_lookup_policy policy);

/* Before a key is put into an empty map, where there is nothing to compare it with: has it an order
 * at all? 0, or -1. */
int cc_object_map_check_first(const cc_ordered *map, const cc_search *search, PyObject *key);

/* 1: the key was there and is removed; 0: it was not; or -1. */
int cc_object_map_delete(cc_ordered *map, PyObject *key);

/* Add an element of a set. 1: added; 0: it was there; or -1. */
int cc_object_map_add(cc_ordered *map, PyObject *key);

/* ---- order ---- */

/* The entry in that relation (a cc_relation) to key, which is NULL for CC_FIRST and CC_LAST.
 * `otherwise` when there is none; KeyError if that is NULL. */
PyObject *cc_object_map_neighbour(cc_ordered *map, PyObject *key, int relation, int want,
                                  PyObject *otherwise);

/* Remove and return the entry that is CC_FIRST or CC_LAST; on an empty map `otherwise`, or KeyError
 * if that is NULL. */
PyObject *cc_object_map_pop_end(cc_ordered *map, int relation, int want, PyObject *otherwise);

/* ---- the whole; NULL for map is an empty one ---- */

/* Remove every entry that is there when it is passed. 0, or -1 with a MemoryError and a part
 * removed. */
int cc_object_map_clear(cc_ordered *map);

/* ---- as a container (object_type.h) ---- */

/* The kind of sets, whose class adds one attribute, a cc_ordered *; and that of maps, whose class
 * adds a second one, a cc_atomic_uptr, for the default factory. A class is added with its
 * cc_ordered_operations. */
extern const cc_container_kind cc_object_set_kind, cc_object_map_kind;

/* What is behind a map, by the name that a constructor's `backend` has for it: "lockfree" or
 * "locked". */
const char *cc_object_map_backend(const cc_ordered *map);

/* Whether that is what "auto" stands for in the map's class. */
bool cc_object_map_is_automatic(const cc_ordered *map);

/* Whether `name` is that, or "auto": 1, 0, or -1 with a ValueError where it names nothing that the
 * map could have behind it. */
int cc_object_map_has_backend(const cc_ordered *map, PyObject *name);

/* The same for a container that is to have it. 0, or -1 with a TypeError, or a ValueError where it
 * names nothing that the map could have behind it. */
int cc_object_map_check_backend(const cc_ordered *map, PyObject *name);

/* The map in such an instance; NULL for any other object. */
cc_ordered *cc_object_map_in(PyObject *o);

/* The default factory of an instance of cc_object_map_kind, borrowed from it; NULL: it has none. A
 * load. */
PyObject *cc_object_map_default_factory(PyObject *self);

/* Set it; NULL for none. 0, or -1 with a MemoryError. Others may read it meanwhile, so each one
 * that the map has had lives as long as the map. Lock-free. */
int cc_object_map_set_default_factory(PyObject *self, PyObject *factory);

#endif
