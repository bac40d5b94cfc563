/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Locks of the B+tree's nodes.
 *
 * Promises. There is nothing but trying: nobody waits with a lock in hand, so there is no deadlock,
 * whatever the order; but copy_all of bptree_bulk.c, which says why that is no harm, and makes O(n)
 * steps. Who else holds locks makes a bounded number of plain steps: it allocates nothing, asks for
 * no order, retires nothing, releases nothing, calls nothing that could detach it from an
 * interpreter or take it to a point at which that stops threads. Of the owner's functions it calls
 * `acquire`, `shared` and `digest_after`, which do none of that. So a stop of the world waits for
 * it as for any other stretch of C, and never for somebody who waits for it: who waits has neither
 * locks nor a region, and whoever he waits for needs nothing but a processor. With an interpreter's
 * lock in hand one can wait, then, too; threads that are attached to that interpreter have no
 * locks of nodes meanwhile, as none of them gives it up where it has one.
 *
 * Waiting. Who finds a lock taken gives back his own, closes his region, wakes others, and waits as
 * lock_wait.h says.
 *
 * fork. A lock carries the generation of its process: forks since the first one (modulo 2^13). The
 * child has none of the threads that held locks. So a lock of another generation is anybody's:
 * whoever meets it takes it over, closes the hole in the leaf, and gives it back
 * (cc_bptree_repair), and wakes who waits. What the dead thread had not published did not happen;
 * what it had taken out and not retired is lost, as any memory in its hands; and what it had not
 * counted yet stays uncounted, so the child's length and bytes may be wrong by what each dead
 * thread was doing.
 *
 * Progress. Trying and giving back take a constant number of steps. A thread that the system has
 * stopped between its few steps holds up whoever needs the same nodes, for as long as it is
 * stopped; readers, too, when entries of the leaf are moving.
 *
 * Pairs of releases and acquires: (2) of bptree_inside.h.
 */
#ifndef CC_BPTREE_LOCKS_H
#define CC_BPTREE_LOCKS_H

#include "bptree_inside.h"

/* Looks at a leaf whose entries are moving, before that counts as waiting. */
#ifndef PAUSES_FOR_A_LEAF
#define PAUSES_FOR_A_LEAF 64u
#endif

extern cc_atomic_u32 cc_bptree_forks;

/* The generation of this process, where it stands in a state. */
static inline uint64_t generation_now(void) {
    return (uint64_t)atomic_load_explicit(&cc_bptree_forks.word, memory_order_relaxed)
               << GENERATION_SHIFT &
           GENERATION_MASK; /* plain C11: schedules have no step here */
}

/* The same state, and nobody has the lock. */
static inline uint64_t when_free(uint64_t state) {
    return state & ~(LOCKED | CHANGING | GENERATION_MASK);
}

static inline bool is_of_a_dead_thread(uint64_t state) {
    return (state & LOCKED) && (state & GENERATION_MASK) != generation_now();
}

/* Take the lock of a node over from a thread that is in another process, if that has it. True: it
 * is given back now, and the caller is to wake those who wait for it. In a write phase that holds
 * the node. */
bool cc_bptree_repair(tree_node *n);

/* Lock a node when its state is `state`, that of a free one, and not marked. With CHANGING in
 * `more` readers are told that entries move. CC_FOUND, AGAIN (another version), WAIT, REPAIRED. */
static inline int try_lock_as_it_was(tree_node *n, uint64_t state, uint64_t more) {
    uint64_t was = state;
    if (cc_cas_acq_rel_u64(&n->state, &was, state | LOCKED | more | generation_now())) { /* (2) */
        return CC_FOUND;
    }
    if (!(was & LOCKED) || when_free(was) != state) {
        return AGAIN;
    }
    return cc_bptree_repair(n) ? REPAIRED : WAIT;
}

/* The same of whatever version; it is in *state. */
static inline int try_lock(tree_node *n, uint64_t *state) {
    *state = cc_load_acquire_u64(&n->state);
    if (*state & MARKED) {
        return AGAIN;
    }
    if (*state & LOCKED) {
        return cc_bptree_repair(n) ? REPAIRED : WAIT;
    }
    return try_lock_as_it_was(n, *state, 0);
}

/* Give a lock back; `state` is the new one. */
static inline void unlock_as(tree_node *n, uint64_t state) {
    CC_INVARIANT(!(state & (LOCKED | CHANGING)));
    CC_INVARIANT(cc_load_relaxed_u64(&n->state) & LOCKED);
    cc_store_release_u64(&n->state, state); /* (2) */
}

/* After giving locks back, when the region is closed, and before any foreign code runs. */
static inline void wake_for_locks(cc_bptree *tree) {
    cc_fence_seq_cst(&tree->line.fence); /* given back before the line is looked at */
    cc_wake_for_locks(&tree->line);
}

#endif
