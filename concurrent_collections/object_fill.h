/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Putting many entries into an ordered map of objects.
 *
 *     cc_object_filler f;
 *     cc_object_fill_begin(&f, map, CC_PUT_ALWAYS, true);
 *     cc_object_fill_expect(&f, how_many);             if that is known
 *     ... cc_object_fill_add(&f, key, value) ...      until one fails
 *     cc_object_fill_end(&f);
 *
 * Promises. One put after another, in order, each of them done when the filler is ended: if one
 * fails, those before it have been done, and none behind it. A few wait meanwhile, when that is
 * allowed, so that runs that ascend behind the last key are put without a search for each
 * (cc_ordered_append). Keys whose comparison may need Python never wait, nor do keys that a key
 * function of users has to be asked about.
 *
 * Who may let entries wait: a caller that runs no code of users between two adds. Such code would
 * look at the map, and miss what it has been given.
 *
 * Python code. Adding and ending may run some (comparisons, finalizers).
 *
 * A filler is used by one thread. Every function needs an attached thread.
 */
#ifndef CC_OBJECT_FILL_H
#define CC_OBJECT_FILL_H

#include <Python.h>

#include "object_order.h"

/* Entries that wait. */
#ifndef MOST_WAITING_ENTRIES
#define MOST_WAITING_ENTRIES 64
#endif

typedef struct cc_object_filler {
    cc_ordered *map;
    const cc_order *order; /* the map's */
    cc_put_policy policy;
    bool may_wait;
    bool expects; /* the map has a hint that is ours to take back */
    unsigned count;
    cc_new_entry entries[MOST_WAITING_ENTRIES]; /* with references */
} cc_object_filler;

/* Begin: borrows the map. `policy`: CC_PUT_ALWAYS or CC_PUT_IF_ABSENT. Cannot fail. */
void cc_object_fill_begin(cc_object_filler *f, cc_ordered *map, int policy, int may_wait);

/* So many entries are about to be added, as far as anybody knows: the map makes room for them at
 * once. The caller has them in memory, so that a wrong number costs no more than they do. */
void cc_object_fill_expect(cc_object_filler *f, Py_ssize_t entries);

/* 0, or -1 with an exception. Borrows both. */
int cc_object_fill_add(cc_object_filler *f, PyObject *key, PyObject *value);

/* The same for an entry that another container, of this order, has handed out; the reference to the
 * value is taken over. */
int cc_object_fill_add_stored(cc_object_filler *f, const cc_order *order, cc_entry *e);

/* Put what waits. 0, or -1 with an exception; nothing waits then. */
int cc_object_fill_flush(cc_object_filler *f);

/* The same, and nothing more is expected. An exception that is set stays. */
int cc_object_fill_end(cc_object_filler *f);

/* Put every entry of another map, one after another; with `keys_alone`, as from set to set, every
 * key that is not there yet. What the source has is weakly consistent, as a scan (object_scan.h);
 * signal handlers run meanwhile. 0, or -1 with an exception, and what has been put stays. */
int cc_object_map_update(cc_ordered *map, cc_ordered *source, int keys_alone);

#endif
