/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Scanning an ordered map of objects, forwards or backwards, between bounds, a chunk at a time.
 *
 *     cc_object_scan scan;
 *     cc_object_scan_begin(&scan, map, ...);
 *     while (cc_object_scan_fetch(&scan, &dropped) > 0) {
 *         ... cc_object_scan_next(&scan) ...       entries scan.index to scan.count - 1
 *         cc_drop(&dropped);
 *     }
 *     cc_object_scan_end(&scan, &dropped);
 *     cc_drop(&dropped);
 *
 * Promises. Weakly consistent: what is handed out was there at some point of the call that fetched
 * it, in order, no key twice. A scan that keys make endless, because their `<` is no order, ends.
 * Between two calls nothing of the map is held but references.
 *
 * What is touched. A scan of keys takes no reference to values. Keys that are kept by value (ints,
 * floats) have none; to other keys a scan takes one, also when values are wanted, since it goes on
 * from the last one.
 *
 * Chunks. The first is small, so that a look at the first entry is cheap, but where there is a
 * bound at the far end; each is four times as large as the one before, up to LARGEST_CHUNK.
 *
 * Python code. Fetching may run some (comparisons). What a scan lets go of is given to the caller,
 * who drops it when nobody minds what finalizers do: cc_dropped.
 *
 * A scan is used by one thread at a time. Every function needs an attached thread.
 */
#ifndef CC_OBJECT_SCAN_H
#define CC_OBJECT_SCAN_H

#include <Python.h>

#include "object_order.h"

#ifndef FIRST_CHUNK
#define FIRST_CHUNK 32
#endif
#ifndef LARGEST_CHUNK
#define LARGEST_CHUNK 256
#endif

/* How a scan goes: any of these together. */
enum {
    CC_FROM_ABOVE = 1, /* downwards: `start` is the larger bound */
    CC_START_EXCLUSIVE = 2,
    CC_STOP_INCLUSIVE = 4,
    CC_KEYS_ALONE = 8 /* values are not wanted: none is touched */
};

typedef struct cc_object_scan {
    cc_ordered *map;
    const cc_order *order; /* the map's */
    PyObject *start, *stop; /* bounds in the direction of travel, as the order has them, or NULL */
    cc_entry *entries; /* the chunk: first_entries, or allocated */
    /* Those before `index` have been handed out: their keys are ours, their values are not. */
    uint32_t index, count;
    uint32_t room, capacity; /* of the next chunk; of what is allocated */
    uint8_t how;
    bool is_last; /* no chunk follows this one */
    bool has_last;
    cc_stored_key last; /* the last key that was handed out before this chunk, with a reference */
    uintptr_t seen_word; /* of a key that was handed out, if it has one; a reference */
    uint64_t chunks, next_seen; /* how many; after how many another one is remembered */
    cc_search stop_key; /* kind and digest of `stop` */
    uint64_t changes; /* a mark of the thread that fetched the chunk */
    size_t
        every; /* above 1: about one of so many, upwards, without the start (cc_ordered_sample) */
    cc_entry first_entries[FIRST_CHUNK];
} cc_object_scan;

/* What a call lets go of: a chunk's rest, what of the next one lies beyond the bound, a bound, a
 * cursor. */
typedef struct cc_dropped {
    size_t count;
    PyObject *objects[4 * LARGEST_CHUNK + 8];
} cc_dropped;

static inline void cc_drop_later(cc_dropped *dropped, uintptr_t word) {
    if (word) {
        dropped->objects[dropped->count++] = (PyObject *)word;
    }
}

/* May run finalizers. Leaves nothing. */
static inline void cc_drop(cc_dropped *dropped) {
    while (dropped->count) {
        Py_DECREF(dropped->objects[--dropped->count]);
    }
}

/* Begin: borrows the map; NULL for no bound. 0, or -1 with what a key function has raised; then
 * there is nothing to end. */
int cc_object_scan_begin(cc_object_scan *s, cc_ordered *map, PyObject *start, PyObject *stop,
                         unsigned how);

/* The same without bounds: cannot fail, and runs nothing. */
void cc_object_scan_begin_whole(cc_object_scan *s, cc_ordered *map, unsigned how);

/* Fetch the next chunk, behind what has been handed out: 1; 0: there is no more; -1 with an
 * exception, and the scan is where it was. */
int cc_object_scan_fetch(cc_object_scan *s, cc_dropped *dropped);

/* Whether the chunk still has an entry to hand out, and this thread has fetched it and not changed
 * the map since: a thread does not get to see a key that it has just deleted. */
static inline bool cc_object_scan_has_fresh(const cc_object_scan *s) {
    return s->index < s->count && cc_ordered_changes_by_this_thread(s->map) == s->changes;
}

/* Let go of everything. The scan may be ended again. */
void cc_object_scan_end(cc_object_scan *s, cc_dropped *dropped);

int cc_object_scan_traverse(const cc_object_scan *s, visitproc visit, void *argument);

/* How many entries lie between the bounds: -1 with an exception. */
Py_ssize_t cc_object_scan_count(cc_ordered *map, PyObject *start, PyObject *stop, unsigned how);

#endif
