/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Records of retired things: a thread's spare ones, and the lists of a stripe that they wait in.
 *
 * A caller may rely on this: once cc_reserve has returned 0, as many cc_take_spare succeed; and a
 * list is taken whole, so that nobody sees a part of it, nor anything twice.
 *
 * Progress. Lock-free. A thread's spare records are its own: wait-free.
 *
 * Layer: above domain.h, below whatever decides when a thing may be released.
 */
#ifndef CC_RETIRED_H
#define CC_RETIRED_H

#include <stdatomic.h>
#include <stdbool.h>

#include "domain.h"

static inline void cc_count(cc_atomic_u64 *statistic, uint64_t n) {
    if (cc_load_relaxed_u32(&cc_smr_settings.statistics)) {
        cc_store_relaxed_u64(statistic, cc_load_relaxed_u64(statistic) + n);
    }
}

/* Have at least n spare records: -1 without memory. An operation reserves before it has an effect,
 * takes what it needs right after its region, and only then retires: the first cc_retire may run
 * foreign code, whose own operations use up spare records. */
CC_MUST_CHECK int cc_reserve(cc_thread *self, unsigned n);
cc_retired *cc_take_spare(cc_thread *self);
void cc_keep_spare(cc_thread *self, cc_retired *r);

/* Lists of retired things: limbo and `ready` of a stripe. */
void cc_push_retired(cc_atomic_uptr *list, cc_retired *newest, cc_retired *oldest);
cc_retired *cc_last_retired(cc_retired *chain);

/* Take at most `most` of what has been found free in this stripe out of it. */
cc_retired *cc_take_ready(cc_limbo *s, size_t most);

/* Plain C11 atomics, not cc_atomic: it is a hint that no safety depends on, and the schedule build
 * must not see a scheduling point here. */
extern _Atomic uint32_t cc_something_may_wait;

/* After a push to limbo. A load of a word that hardly ever changes; no thread disturbs another. */
static inline void cc_note_that_something_waits(void) {
    if (!atomic_load_explicit(&cc_something_may_wait, memory_order_seq_cst)) {
        atomic_store_explicit(&cc_something_may_wait, 1, memory_order_seq_cst);
    }
}

#endif
