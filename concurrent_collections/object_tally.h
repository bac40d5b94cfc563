/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Counts of how keys were compared in a map of objects, by the type of the key that was looked for:
 * kept while config.enable_statistics is set.
 *
 *     cc_tally(search, CC_PATH_NATIVE);          in a region, for each comparison
 *     cc_tally_collect(map, search, key);        behind the operation, outside
 *     PyObject *counts = cc_tally_of(map);
 *
 * Promises. Nothing here raises, but for cc_tally_of, or waits. While statistics are off a
 * comparison that is counted here pays a load and a branch, and so does an operation. Counts only
 * grow, and each is exact once the operations have returned, but for one that has made more than
 * 65,535 comparisons of one sort: 65,535 are counted of those.
 *
 * What counts: comparisons that a search for one key makes, or that a scan makes to find its next
 * chunk, and that kind and digest of the two keys have not decided (search.h): those take a few
 * instructions of the core, which knows nothing of this. Each counts once, by one path: of an order
 * of several parts, the path of the first part that the bytes do not decide, whatever that part and
 * those behind it say. Comparisons of keys with the bound of a range do not count, nor does that of
 * a map's first key with itself, nor what is asked between two chunks, or without a key.
 *
 * Memory. The counts of a search are in the search. Those of a map are in a list that only grows
 * while the map lives, an entry for each name of a type, up to MOST_TALLIED_TYPES. No type is
 * referred to, and of a long name only the beginning is kept. What there is no memory to count is
 * not counted.
 *
 * Every function but cc_tally needs an attached thread.
 *
 * Pairs of releases and acquires:
 *   (1) adding an entry to the list with reading it.
 */
#ifndef CC_OBJECT_TALLY_H
#define CC_OBJECT_TALLY_H

#include <Python.h>

#include "ordered/ordered.h"

typedef enum cc_path {
    CC_PATH_NATIVE, /* by the two keys' bytes, in the core */
    CC_PATH_MEMO, /* by what the same search had been told before */
    CC_PATH_PYTHON, /* by `<` or a function in Python */
    CC_PATH_C, /* by a function of Comparator.from_c */
} cc_path;

static inline bool cc_tally_is_on(void) {
    return cc_load_relaxed_u32(&cc_smr_settings.statistics) != 0;
}

/* Count a comparison of this search. */
static inline void cc_tally(cc_search *search, cc_path path) {
    search->has_tally = true;
    search->tally[path] += search->tally[path] < UINT16_MAX;
}

void cc_tally_collect_now(cc_ordered *map, cc_search *search, PyObject *key);

/* Give what a search has counted to its map. `key` is the key as the user has it; NULL: it is known
 * from the search. An exception that is set stays. */
static inline void cc_tally_collect(cc_ordered *map, cc_search *search, PyObject *key) {
    if (search->has_tally) {
        cc_tally_collect_now(map, search, key);
    }
}

/* {name of a type: {"native": n, "memo": n, "python": n, "c": n}}: a new reference, or NULL with a
 * MemoryError. O(types). */
PyObject *cc_tally_of(cc_ordered *map);

/* How many bytes the counts of a map take. */
size_t cc_tally_bytes(cc_ordered *map);

/* Free them, before the map, which nobody uses any more. */
void cc_tally_free(cc_ordered *map);

#endif
