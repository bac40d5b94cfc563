/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Credits: a bounded count. The core of a semaphore (semaphore.h), and the bound of a queue.
 *
 *     cc_credits_begin(&c, n);                                     n credits are free
 *     if (cc_credits_take(&c)) { ...; cc_credits_give(&c); }       never more than n are out
 *
 * What a caller may rely on
 *
 *   Never more credits are out than there are. No credit is lost, and none is made.
 *   A take that is refused has had no effect: at one moment during the call no credit was free,
 *   and nobody else is refused because of it.
 *   What a thread did before it gave a credit is visible to the thread whose take finds it.
 *   A give that is refused, because more would be free than there are, has had no effect.
 *   How many there are can be changed. Then more may be out than there are: who has one keeps it,
 *   and takes are refused until enough are given.
 *
 * Linearization points: a take, its compare-and-swap, or the load that found none; a give, its
 * fetch-and-add; cc_credits_give_many, its compare-and-swap, or the load that found too many; a
 * change, its fetch-and-add. `most` only says what the bound is: it is raised before more are
 * free, and lowered when fewer are, so that never more are out or free than it says, but for a
 * debt.
 *
 * Progress: a give and a change are wait-free. A take, and cc_credits_give_many, are lock-free:
 * their compare-and-swap fails only when somebody else has taken, given or changed meanwhile. (A
 * fetch-and-add that goes below zero and is taken back would be wait-free, but for a while it hides
 * a credit that somebody else gives, who is then refused; above the bound it would be the same.)
 *
 * Waiting for a credit is the caller's business: event_count.h. Gives and changes are
 * read-modify-writes, as cc_event_notify asks for.
 */
#ifndef CC_CREDITS_H
#define CC_CREDITS_H

#include "../memory/invariant.h"
#include "concurrent_collections/cc_atomic.h"

typedef struct cc_credits {
    cc_atomic_u64 available; /* with a sign: below 0, so many more are out than there are */
    cc_atomic_u64 most;
} cc_credits;

/* The bound of what has credits, and none of its own for now. */
#define CC_WITHOUT_BOUND (UINT64_MAX >> 2)

/* Of `most` credits so many are free. Nobody uses them yet. */
static inline void cc_credits_begin_some(cc_credits *credits, uint64_t available, uint64_t most) {
    cc_store_relaxed_u64(&credits->most, most);
    cc_store_relaxed_u64(&credits->available, available);
}

/* All are free. */
static inline void cc_credits_begin(cc_credits *credits, uint64_t most) {
    cc_credits_begin_some(credits, most, most);
}

/* One credit less; false: there was none. */
static inline bool cc_credits_take(cc_credits *credits) {
    uint64_t available = cc_load_seq_cst_u64(&credits->available);
    do {
        if ((int64_t)available <= 0) {
            return false;
        }
    } while (!cc_cas_seq_cst_u64(&credits->available, &available, available - 1));
    return true;
}

/* Give back one that was taken. */
static inline void cc_credits_give(cc_credits *credits) {
    /* Not `most`: beside a change the two words may be of different moments. */
    CC_INVARIANT((int64_t)cc_load_relaxed_u64(&credits->available) < (int64_t)CC_WITHOUT_BOUND);
    cc_fetch_add_seq_cst_u64(&credits->available, 1);
}

/* So many credits more, at once; false: more would be free than there are. Not of credits that
 * anybody changes: what they are compared with may be of another moment. */
static inline bool cc_credits_give_many(cc_credits *credits, uint64_t n) {
    uint64_t available = cc_load_seq_cst_u64(&credits->available);
    do {
        if (n > cc_load_relaxed_u64(&credits->most) - available) {
            return false;
        }
    } while (!cc_cas_seq_cst_u64(&credits->available, &available, available + n));
    return true;
}

/* From now on there are so many. One caller at a time. */
static inline void cc_credits_change(cc_credits *credits, uint64_t most) {
    uint64_t before = cc_load_relaxed_u64(&credits->most);
    if (most > before) {
        cc_store_relaxed_u64(&credits->most, most);
    }
    cc_fetch_add_seq_cst_u64(&credits->available, most - before); /* modulo 2^64: or fewer */
    if (most < before) {
        cc_store_relaxed_u64(&credits->most, most);
    }
}

/* How many there are; 0: CC_WITHOUT_BOUND. */
static inline uint64_t cc_credits_bound(const cc_credits *credits) {
    uint64_t most = cc_load_relaxed_u64(&credits->most);
    return most == CC_WITHOUT_BOUND ? 0 : most;
}

/* How many are out at most: as many as there are, and the debt. */
static inline uint64_t cc_credits_most_out(const cc_credits *credits) {
    uint64_t most = cc_load_relaxed_u64(&credits->most);
    int64_t available = (int64_t)cc_load_relaxed_u64(&credits->available);
    return available < 0 ? most + (uint64_t)-available : most;
}

#endif
