/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Locks of nodes, for containers whose writers lock: a bit in the word of each node that has its
 * builders and the birth of its value (handoff.h).
 *
 *     all = cc_try_lock(self, &a->slot.birth) && cc_try_lock(self, &b->slot.birth);
 *     if (all) { ... a few loads and stores ... }
 *     cc_unlock_all(self);
 *     close the region; cc_wake_if_gave_back(line, self);
 *     if (!all) { cc_wait_for_lock(line, ...); and from the start }
 *
 * Promises. There is nothing but trying: nobody waits with a lock in hand, so there is no deadlock,
 * whatever the order. Who holds locks makes a bounded number of plain steps, and where a snapshot
 * is being taken reports to it (snapshot.h), which allocates; it asks nothing, retires nothing,
 * calls nothing that could detach it from an interpreter or take it to a point at which that stops
 * threads. So a stop of the world waits for it as for any other stretch of C, and never for
 * somebody who waits for it: who waits has neither locks nor a region, and sleeps detached
 * (cc_word_table.while_asleep).
 *
 * Waiting. Somebody who finds a lock taken gives back his own, closes his region, wakes others, and
 * waits as lock_wait.h says.
 *
 * fork. The locks that a thread holds, or is about to take, stand in its record. The child's
 * handler gives back those of the threads that do not live on in it (thread.c). What these had
 * changed stays half done; the container says what that means.
 *
 * Progress. Trying and giving back take a constant number of steps. A thread that the system has
 * stopped between its few steps holds up whoever needs the same nodes, for as long as it is
 * stopped.
 *
 * Pairs of releases and acquires:
 *   (7) giving a lock back with taking it   what was changed under it is seen under it.
 */
#ifndef CC_NODE_LOCK_H
#define CC_NODE_LOCK_H

#include "../memory/smr_fast.h"
#include "lock_wait.h"

/* ---------------------------------------------------------------- taking and giving back */

/* The record's list is for the child of fork() alone, so plain C11 will do: schedules have no step
 * here. */
static inline void cc_note_lock(cc_thread *self, cc_atomic_u64 *state) {
    uint32_t count = atomic_load_explicit(&self->lock_count.word, memory_order_relaxed);
    CC_INVARIANT(count < CC_MOST_LOCKS);
    atomic_store_explicit(&self->locks[count].word, (uintptr_t)state, memory_order_relaxed);
    atomic_store_explicit(&self->lock_count.word, count + 1, memory_order_release);
}

static inline uint32_t cc_locks_held(const cc_thread *self) {
    return atomic_load_explicit(&self->lock_count.word, memory_order_relaxed);
}

static inline bool cc_is_locked(const cc_atomic_u64 *state) {
    return cc_load_acquire_u64(state) & CC_LOCK_BIT;
}

/* False: somebody has it. */
CC_MUST_CHECK static inline bool cc_try_lock(cc_thread *self, cc_atomic_u64 *state) {
    uint64_t word = cc_load_relaxed_u64(state);
    if (word & CC_LOCK_BIT) {
        return false;
    }
    cc_note_lock(self, state); /* before it is ours */
    while (!cc_cas_acq_rel_u64(state, &word, word | CC_LOCK_BIT)) { /* (7) */
        if (word & CC_LOCK_BIT) {
            atomic_store_explicit(&self->lock_count.word, cc_locks_held(self) - 1,
                                  memory_order_relaxed);
            return false;
        }
    }
    return true;
}

/* Give back all that the thread holds. */
static inline void cc_unlock_all(cc_thread *self) {
    uint32_t count = cc_locks_held(self);
    for (uint32_t i = count; i-- > 0;) {
        cc_atomic_u64 *state =
            (cc_atomic_u64 *)atomic_load_explicit(&self->locks[i].word, memory_order_relaxed);
        uint64_t was = cc_fetch_sub_acq_rel_u64(state, CC_LOCK_BIT); /* (7) */
        CC_INVARIANT(was & CC_LOCK_BIT);
        (void)was;
    }
    atomic_store_explicit(&self->lock_count.word, 0, memory_order_release);
    self->gave_locks_back |= count > 0;
}

/* ---------------------------------------------------------------- waiting */

/* When the region is closed, and before any foreign code runs: if locks have been given back, wake
 * those who wait for them. */
static inline void cc_wake_if_gave_back(cc_event_count *line, cc_thread *self) {
    if (self->gave_locks_back) {
        self->gave_locks_back = false;
        cc_fence_seq_cst_after_rmw(&line->fence); /* given back before the line is looked at */
        cc_wake_for_locks(line);
    }
}

#endif
