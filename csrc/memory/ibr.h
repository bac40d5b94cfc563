/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reservations: which things open regions may have seen.
 *
 * A caller may rely on this: a thing that was unlinked before a full fence, after which neither the
 * snapshot nor cc_any_region_saw finds it reserved, is seen by no region any more, and will be by
 * none. ibr.c has the proof, and says which release pairs with which acquire.
 *
 * Progress. Wait-free in the number of thread records; a snapshot of more reservations than have
 * room on the stack allocates.
 *
 * Layer: above domain.h, and debra.h, whose regions it looks at too.
 */
#ifndef CC_IBR_H
#define CC_IBR_H

#include "debra.h"

/* The clock has moved on, to `era`: have the region reserve what is born until then, before it
 * reads again. */
void cc_extend_reservation(cc_smr_guard *g, uint64_t era);

typedef struct cc_interval {
    uint64_t lower, upper;
} cc_interval;

/* What the open regions of a domain may have seen: everything that was alive in one of the
 * intervals, and the words that are held. */
#ifndef INTERVALS_ON_STACK
#define INTERVALS_ON_STACK 64u
#endif
#ifndef HELD_ON_STACK
#define HELD_ON_STACK 64u
#endif

typedef struct cc_reservation_snapshot {
    cc_interval *intervals; /* sorted by lower end; each upper end is the largest up to there */
    uintptr_t *held; /* sorted */
    uint32_t interval_count, interval_room, held_count, held_room;
    cc_interval first_intervals[INTERVALS_ON_STACK];
    uintptr_t first_held[HELD_ON_STACK];
} cc_reservation_snapshot;

/* The reservations on `d` as they are now. The caller has put a full fence between unlinking and
 * this. Returns -1 without memory for what there is to see; else cc_drop_snapshot is to be
 * called. */
int cc_take_snapshot(const cc_smr_domain *d, cc_reservation_snapshot *s);
void cc_drop_snapshot(cc_reservation_snapshot *s);

/* May one of these regions have seen the thing? */
bool cc_is_reserved_in(const cc_reservation_snapshot *s, const cc_retired *r);

/* The same for one thing, without a snapshot: has any open region seen it? */
static inline bool cc_any_region_saw(const cc_smr_domain *d, uintptr_t word, uint64_t birth,
                                     uint64_t died) {
    cc_thread_walk walk;
    for (cc_thread *t = cc_thread_first_in_use(&walk); t; t = cc_thread_next_in_use(&walk)) {
        uint64_t lower = cc_load_seq_cst_u64(&t->lower); /* (4), (6) */
        if (lower > died ||
            cc_load_seq_cst_uptr(&t->domain) != (uintptr_t)d) { /* (3); idle > died */
            continue;
        }
        if (d->scheme == CC_SMR_DEBRA && cc_is_neutralized(t)) {
            uint32_t n = cc_load_acquire_u32(&t->held_count); /* (11) */
            for (uint32_t i = 0; i < n; i++) {
                if (cc_load_acquire_uptr(&t->held[i]) == word) { /* (11), (12) */
                    return true;
                }
            }
        } else if (cc_load_seq_cst_u64(&t->upper) >= birth) { /* (5), (8) */
            return true;
        }
    }
    return false;
}

#endif
