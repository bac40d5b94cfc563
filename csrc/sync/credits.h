/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Credits: a bounded count. The core of a semaphore, and the bound of a queue.
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
 *
 * Linearization points: a take, its compare-and-swap, or the load that found 0; a give, its
 * fetch-and-add.
 *
 * Progress: a give is wait-free. A take is lock-free: its compare-and-swap fails only when somebody
 * else has taken or given meanwhile. (A fetch-and-add that goes below zero and is taken back would
 * be wait-free, but for a while it hides a credit that somebody else gives, who is then refused.)
 *
 * Waiting for a credit is the caller's business: event_count.h. A give is a read-modify-write, as
 * cc_event_notify asks for.
 */
#ifndef CC_CREDITS_H
#define CC_CREDITS_H

#include "../memory/invariant.h"
#include "concurrent_collections/cc_atomic.h"

typedef struct cc_credits {
    cc_atomic_u64 available;
    uint64_t most; /* not looked at but by the invariant */
} cc_credits;

/* Nobody uses them yet. */
static inline void cc_credits_begin(cc_credits *credits, uint64_t most) {
    credits->most = most;
    cc_store_relaxed_u64(&credits->available, most);
}

/* One credit less; false: there was none. */
static inline bool cc_credits_take(cc_credits *credits) {
    uint64_t available = cc_load_seq_cst_u64(&credits->available);
    do {
        if (available == 0) {
            return false;
        }
    } while (!cc_cas_seq_cst_u64(&credits->available, &available, available - 1));
    return true;
}

/* Give back one that was taken. */
static inline void cc_credits_give(cc_credits *credits) {
    CC_INVARIANT(cc_load_relaxed_u64(&credits->available) < credits->most);
    cc_fetch_add_seq_cst_u64(&credits->available, 1);
}

#endif
