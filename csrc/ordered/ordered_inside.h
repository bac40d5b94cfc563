/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The table that an ordered container fills in. For the files of this directory.
 *
 * A container is a table of operations, and a struct that begins with a cc_ordered. ordered.c makes
 * and frees it, and answers what needs nothing but counts and the domain; the container does the
 * rest. The operations promise what ordered.h says under the same names, and may rely on this: the
 * search of an operation asks for order, and `value` is no tombstone.
 */
#ifndef CC_ORDERED_INSIDE_H
#define CC_ORDERED_INSIDE_H

#include "container.h"
#include "ordered.h"

struct cc_ordered {
    cc_container common; /* first */
    const cc_ordered_operations *ops;
    cc_atomic_uptr notes; /* the owner's; operations do not look at it */
};

struct cc_identity; /* snapshot.h */

struct cc_ordered_operations {
    size_t bytes; /* of the container's struct, all its parts of fixed size included */

    cc_status (*get)(cc_ordered *map, cc_search *search, uintptr_t *value);
    cc_status (*put)(cc_ordered *map, cc_search *search, uintptr_t value, cc_put_policy policy,
                     uintptr_t *old);
    cc_status (*replace_exact)(cc_ordered *map, cc_search *search, uintptr_t expected,
                               uintptr_t value);
    /* cc_ordered_remove, and with `expected`, which may be NULL, cc_ordered_remove_exact. */
    cc_status (*remove)(cc_ordered *map, cc_search *search, const uintptr_t *expected,
                        uintptr_t *old);
    cc_status (*neighbour)(cc_ordered *map, cc_search *search, cc_relation relation,
                           cc_entry *entry);
    cc_status (*pop_end)(cc_ordered *map, cc_relation end, const cc_stored_key *prepared,
                         cc_entry *entry);
    cc_status (*scan_up)(cc_ordered *map, cc_search *search, unsigned how, cc_entry *entries,
                         size_t room, size_t *count);
    cc_status (*scan_down)(cc_ordered *map, cc_search *search, unsigned how, cc_entry *entries,
                           size_t room, size_t *count);
    /* NULL: it has no upper levels, and every key is looked at. */
    cc_status (*sample)(cc_ordered *map, cc_search *search, size_t every, cc_entry *entries,
                        size_t room, size_t *count);
    /* scan_up for a walk of a snapshot (snapshot.h): reports nothing, and says which things it has
     * found, and whether it has come to the end; without entries it has. NULL: see copy_all. */
    cc_status (*scan_for_snapshot)(cc_ordered *map, cc_search *search, unsigned how,
                                   cc_entry *entries, struct cc_identity *identities, size_t room,
                                   size_t *count, bool *at_end);
    /* Where it is not NULL snapshots are made by this alone: all entries at one point in time, in
     * order, with references of their own. Returns how many there are; when that is more than there
     * is room for, nothing has been copied. NULL, as well as scan_for_snapshot: the container takes
     * no snapshots. */
    size_t (*copy_all)(cc_ordered *map, cc_entry *entries, size_t room);
    size_t (*append)(cc_ordered *map, const cc_new_entry *entries, size_t count, size_t *run);
    void (*expect)(cc_ordered *map, size_t entries); /* NULL: it makes no use of hints */
    cc_status (*clear)(cc_ordered *map);

    /* All that is common is set up, the rest is zero. */
    void (*begin)(cc_ordered *map);
    /* Release all entries and free what operations have allocated, but for limbo. May run foreign
     * code. */
    void (*end)(cc_ordered *map);
    /* The domain's: free what has been retired, of CC_RETIRED_VALUE and the container's own
     * kinds. */
    cc_smr_release release_retired;
    /* Retire what an operation had no memory to retire. */
    void (*retire_remainder)(cc_ordered *map);
    /* For every word that the container owns, but for those in limbo. */
    int (*visit)(cc_ordered *map, int (*visit)(uintptr_t word, void *argument), void *argument);
    /* For every word that a thing in limbo owns, of a kind of the container's own. */
    int (*visit_retired)(uintptr_t word, unsigned kind,
                         int (*visit)(uintptr_t word, void *argument), void *argument);
    /* NULL: it has no levels. */
    unsigned (*levels)(cc_ordered *map, uint64_t *counts, unsigned room);
    const char *(*check)(cc_ordered *map);
};

/* Is a's key less than b's, as far as no foreign code has to be asked? Inside a region or out of
 * one. */
bool cc_is_less(const cc_ordered *map, const cc_new_entry *a, const cc_new_entry *b);

/* So many entries, at least 1 and at most `most`, ascend from the first one on. */
size_t cc_count_ascending(const cc_ordered *map, const cc_new_entry *entries, size_t count,
                          size_t most);

/* A tree that a clear has cut off: first in a struct that says how far it has been taken apart. */
typedef struct cc_detached {
    struct cc_detached *next;
} cc_detached;

/* Take it apart, as far as there is memory. True: nothing is left. May run foreign code. */
typedef bool (*cc_take_apart)(cc_ordered *map, cc_thread *self, cc_detached *tree);

/* Take apart `cut_off`, which is one or NULL, and what was put aside; what is not done with goes
 * aside, the rest is freed with cc_free. False without memory. May run foreign code. */
bool cc_take_all_apart(cc_ordered *map, cc_thread *self, cc_atomic_uptr *aside,
                       cc_detached *cut_off, cc_take_apart take_apart);

/* The same with what was put aside alone, where there is a thread to do it. */
void cc_retire_aside(cc_ordered *map, cc_atomic_uptr *aside, cc_take_apart take_apart);

/* All that was put aside. It is the caller's then. */
cc_detached *cc_take_aside(cc_atomic_uptr *aside);

/* The sums over all threads. Exact while nothing changes. */
int64_t cc_sum_of_entries(const cc_ordered *map);
uint64_t cc_sum_of_bytes(const cc_ordered *map);

#endif
