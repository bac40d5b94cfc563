/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Making frozen tables (object_frozen.h): from what comes in any order, from what is sorted, from
 * an ordered map and back, from a buffer, and by merging two.
 *
 *     cc_frozen_builder b;
 *     cc_frozen_begin(&b, has_values, cc_order_ascending);
 *     ... cc_frozen_add(&b, key, value) ...
 *     PyObject *t = cc_frozen_sorted(&b);
 *     cc_frozen_end(&b);
 *
 * Promises. Of equal keys the first one stays, with the last value, as in an ordered map. What is
 * sorted already takes linear time; else it is sorted once, by a stable merge sort. A `<` that lies
 * gives a table in a strange order; one that raises gives no table.
 *
 * Python code. Comparisons, finalizers of what is dropped, and signals' handlers may run in all
 * functions here. A builder belongs to one call, and a table that is being made is known to nobody.
 */
#ifndef CC_OBJECT_FROZEN_BUILD_H
#define CC_OBJECT_FROZEN_BUILD_H

#include "object_frozen.h"
#include "ordered/ordered.h"

/* ---- a table that grows at its end ---- */

/* A new, empty one, of that order; NULL with a MemoryError. The collector does not know it yet. */
cc_frozen *cc_frozen_new(int has_values, const cc_order *order);

/* Room for so many entries. 0, or -1 with a MemoryError. */
int cc_frozen_reserve(cc_frozen *t, Py_ssize_t capacity);

/* Append an entry: the table takes over its references, `value` 0 in a set. 0, or -1 with a
 * MemoryError, and the references are the caller's still. */
int cc_frozen_append(cc_frozen *t, const cc_stored_key *key, uintptr_t value);

/* It is complete, and does not change any more; never NULL. */
cc_frozen *cc_frozen_finished(cc_frozen *t);

/* ---- from what comes in any order ---- */

typedef struct cc_frozen_builder {
    const cc_order *order; /* borrowed */
    cc_entry *entries;
    size_t count, room;
    bool has_values;
} cc_frozen_builder;

void cc_frozen_begin(cc_frozen_builder *b, int has_values, const cc_order *order);

/* Add an entry; `value` is ignored for a set. 0, or -1 with an exception: what cc_key_begin_search
 * refuses, or a MemoryError. */
int cc_frozen_add(cc_frozen_builder *b, PyObject *key, PyObject *value);

/* A table of what has been added, or NULL with an exception: a key has no order. */
PyObject *cc_frozen_sorted(cc_frozen_builder *b);

/* The same, of keys that ascend in the order. NULL also with a ValueError that begins with the name
 * of the argument, where a key does not come after the one before. */
PyObject *cc_frozen_in_order(cc_frozen_builder *b, const char *argument);

/* Let go of what is left. */
void cc_frozen_end(cc_frozen_builder *b);

/* ---- from what has an order ---- */

/* From a scan of a map, in its order, whose keys are compared no more; weakly consistent, as the
 * scan is. NULL with an exception. */
PyObject *cc_frozen_from_map(cc_ordered *map, int has_values);

/* The same of what lies between two bounds (NULL: none); `how` as for a scan upwards. NULL also
 * with what comparing keys with a bound has raised. */
PyObject *cc_frozen_from_range(cc_ordered *map, int has_values, PyObject *start, PyObject *stop,
                               unsigned how);

/* From a point-in-time snapshot of a map (ordered.h). NULL with an exception: what a comparison
 * raised, or a MemoryError. */
PyObject *cc_frozen_snapshot(cc_ordered *map, int has_values);

/* The `count` entries from position `first` on, as a table. NULL with a MemoryError. */
PyObject *cc_frozen_part(cc_frozen *t, Py_ssize_t first, Py_ssize_t count);

/* From ints of 64 bits or doubles, as they are in memory, and a tuple of as many values, or None;
 * in one of the two plain orders. NULL with an exception: a ValueError where the numbers do not
 * ascend in it, or where the lengths differ. */
PyObject *cc_frozen_from_numbers(const cc_order *order, int are_floats, const void *numbers,
                                 Py_ssize_t bytes, PyObject *values);

/* The keys of a table, as that of a set. NULL with a MemoryError. */
PyObject *cc_frozen_keys_of(cc_frozen *t);

/* Put every entry into a map: one after another, those of a set with None. 0, or -1 with an
 * exception, and what has been put stays. */
int cc_frozen_thaw(cc_frozen *t, cc_ordered *map);

/* ---- from two tables of one order, in linear time (object_frozen_merge.c) ---- */

/* Which keys: those of the first table alone, of the second alone, and those that both have. */
enum { CC_ONLY_LEFT = 1, CC_ONLY_RIGHT = 2, CC_IN_BOTH = 4 };

/* A table of the keys that are wanted (these flags together). Of what both have the first one's key
 * stays, with the second one's value. NULL with an exception. */
PyObject *cc_frozen_merge(cc_frozen *left, cc_frozen *right, int wanted);

/* Is there any key of that kind? 1, 0, or -1 with an exception. */
int cc_frozen_differ(cc_frozen *left, cc_frozen *right, int wanted);

#endif
