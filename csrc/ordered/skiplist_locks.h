/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the operations of skiplist_locked.c share: places of nodes and their locks.
 * skiplist_locked.c has the overview.
 */
#ifndef CC_SKIPLIST_LOCKS_H
#define CC_SKIPLIST_LOCKS_H

#include "node_lock.h"
#include "skiplist_inside.h"

/* Behind the head's links. */
enum { LINE_AT = (sizeof(cc_skiplist) + MAX_HEIGHT * sizeof(cc_link) + 15) & ~(size_t)15 };

/* Where those stand who wait for a lock of this list. */
static inline cc_event_count *cc_skiplist_line(cc_skiplist *list) {
    return (cc_event_count *)((char *)list + LINE_AT);
}

typedef enum locking {
    LOCKED, /* all locks, and the place is as it was seen */
    LOCK_IS_TAKEN, /* some lock; all given back */
    PLACE_HAS_CHANGED /* the place has changed; all given back */
} locking;

static inline bool is_dead(const node *n) {
    return cc_load_acquire_uptr(&n->slot.value) == CC_TOMBSTONE;
}

/* For a new node, which is locked, too, until it is linked on all its levels. In a write phase that
 * holds the place. */
locking cc_skiplist_lock_gap(cc_smr_guard *g, const position *at, node *n);

/* A node to which a link has led: a thread that is not in this process died while it inserted n, or
 * took it out. Such a node need not be linked on all its levels, and only a walk tells where it
 * is. */
bool cc_skiplist_is_abandoned(const node *n);

/* Is n at the place on each of its levels? */
bool cc_skiplist_is_place_of(const position *at, const node *n);

/* For taking n out. `walked`: the place comes of cc_skiplist_walk_to_place; else one that is
 * abandoned is never at its place. In a write phase that holds the place and n. */
locking cc_skiplist_lock_node(cc_smr_guard *g, const position *at, node *n, bool walked);

/* Find n's place, or with NULL that of the first dead entry, without comparing. Where n is not on a
 * level the place there is the level's end. Returns NULL when n is not there (any more), else n.
 * In a read phase. */
node *cc_skiplist_walk_to_place(cc_skiplist *list, cc_smr_guard *g, node *n, position *at);

/* n is dead; it and its place are locked. Ends with no lock. In a write phase that holds them. */
void cc_skiplist_take_out(cc_skiplist *list, cc_smr_guard *g, const position *at, node *n,
                          cc_leftovers *left);

/* Lock n and its place (`walked`: as above), and swap its value for the tombstone, when it is
 * `expected` (NULL: whatever it is). CC_FOUND: the entry is out. CC_ABSENT: it was dead already,
 * and is out now. CC_MISMATCH: another value, nothing done. In a write phase that holds n and the
 * place. */
cc_status cc_skiplist_remove_at(cc_skiplist *list, cc_smr_guard *g, const position *at, node *n,
                                bool walked, const uintptr_t *expected, cc_leftovers *left,
                                locking *outcome);

/* Some lock was taken: wait, outside of regions and with no lock. */
void cc_skiplist_wait_for_lock(cc_skiplist *list, cc_thread *self, cc_lock_wait *wait);

/* Some lock was taken: wait outside of the region, and come back. The caller begins anew. */
void cc_skiplist_wait_outside(cc_skiplist *list, cc_smr_guard *g, cc_lock_wait *wait);

/* The end of an operation that may have changed the list. Foreign code runs in here, when all
 * others have been told. */
void cc_skiplist_end_locked_update(cc_skiplist *list, cc_smr_guard *g, const cc_leftovers *left,
                                   cc_lock_wait *wait);

#endif
