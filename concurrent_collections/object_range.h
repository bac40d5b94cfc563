/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Ranges of ordered maps of objects: whether a key lies in one, removing what does, and cutting it
 * into parts.
 *
 *     cc_range range = {map, start, stop, CC_STOP_INCLUSIVE};
 *     int place = cc_range_place(&range, key, "key");
 *     PyObject *cuts = cc_range_cuts(&range, 4);
 *
 * Promises. Keys are compared as the map compares them, and never while anything of the map is in
 * hand but references. Removing is weakly consistent, as a scan is: each entry goes by itself, to
 * whoever removes it, and what others put into the range meanwhile may go, too.
 *
 * Python code. Every function may run some: comparisons, and finalizers of what is removed; and key
 * functions, for keys and bounds that are not prepared (object_order.h).
 *
 * Every function needs an attached thread.
 */
#ifndef CC_OBJECT_RANGE_H
#define CC_OBJECT_RANGE_H

#include <Python.h>

#include "object_scan.h"

/* From `start` to `stop` (NULL: no bound), of which CC_START_EXCLUSIVE and CC_STOP_INCLUSIVE of
 * object_scan.h say whether they belong to it. Everything is borrowed. */
typedef struct cc_range {
    cc_ordered *map;
    PyObject *start, *stop;
    unsigned how;
} cc_range;

/* Order of two keys in a map: -1, 0, 1; or -2 with an exception, a ValueError for a NaN among
 * them. */
int cc_range_compare(cc_ordered *map, PyObject *a, PyObject *b);

/* Where a key lies: -1 in front of the range, 0 in it, 1 behind it; or -2 with an exception. A NaN
 * raises a ValueError that begins with the name of the argument. */
int cc_range_place(const cc_range *range, PyObject *key, const char *argument);

/* Remove a key, if its value is that very object. 1: removed; 0: it is another one, or none; or
 * -1. */
int cc_range_remove_exact(cc_ordered *map, PyObject *key, PyObject *value);

/* Remove entries, up to `most` (negative: all), from range->start on, which with CC_FROM_ABOVE is
 * the larger bound, as in a scan. With a list, what is removed is appended to it: pairs with
 * CC_WANT_ITEM, keys with CC_WANT_KEY. Such a list is empty, and nobody else's. How many have been
 * removed; -1 with an exception, and then the list has what had been removed before. With a list no
 * signal's handler runs. */
Py_ssize_t cc_range_remove(const cc_range *range, Py_ssize_t most, int want, PyObject *list);

/* A list of up to parts - 1 keys, prepared ones, that cut the range into up to `parts` (at least 1)
 * parts of about equal size: they ascend, lie behind the first entry of the range, and each begins
 * a part. Exactly equal, to one entry, where there are few; else left to chance, as LEAST_SAMPLES
 * and SAMPLES_PER_PART say. */
PyObject *cc_range_cuts(const cc_range *range, Py_ssize_t parts);

#endif
