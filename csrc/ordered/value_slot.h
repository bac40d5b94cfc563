/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The value of an entry, and the era of its birth.
 *
 * Promises. An entry is in its container while its value is not CC_TOMBSTONE. Whoever takes a value
 * out, by cc_swap_value, owns it, and nobody else gets it. A dead entry stays dead: no swap
 * overwrites a tombstone, so a put cannot fall into an entry that is being removed.
 *
 * Progress. A swap is tried again only when another one has succeeded: lock-free.
 *
 * Births. A value's life is that of its publication, not that of its node, or a reader that stalls
 * would pin every value that a key ever had. `birth` holds an era not later than the publication of
 * the current value. A writer reads it, then the value, then the era e, swaps the value, raises
 * `birth` to e, and retires the old value with the birth it had read. Any era found in `birth` was
 * the current one before some value that has been in the slot was put there, hence not after the
 * publication of the value that is read later.
 *
 * The double look. An answer of a key with its value is linearizable only if both were right at
 * one point. A reader loads the value, then looks once more at what shows that the key is the right
 * one, then at the value (cc_value_is_still). Equal values mean the same value all the while,
 * unless the very word has been taken out and put back in between.
 *
 * Linearization points. An update: the CAS in cc_swap_value. A look: the load in cc_load_value.
 *
 * Pairs of releases and acquires:
 *   (2) the CAS that stores a value with the protect that reads it: what it points to.
 */
#ifndef CC_VALUE_SLOT_H
#define CC_VALUE_SLOT_H

#include "container.h"

typedef struct cc_value_slot {
    cc_atomic_u64 birth; /* an era in the low CC_ERA_BITS; above them is room for handoff.h */
    cc_atomic_uptr value; /* owned; CC_TOMBSTONE: dead */
} cc_value_slot;

#define CC_ERA_BITS 48
#define CC_ERA_MASK ((UINT64_C(1) << CC_ERA_BITS) - 1)

/* The era now, as a birth. Read it before what is born is published. */
static inline uint64_t cc_birth_now(const cc_container *c) {
    return cc_load_acquire_u64(&c->domain->era) & CC_ERA_MASK;
}

/* The value, protected; CC_TOMBSTONE: the entry is dead. In a read phase. */
CC_ALWAYS_INLINE uintptr_t cc_load_value(cc_smr_guard *g, bool restarts, const cc_value_slot *s) {
    return cc_protect_in(g, restarts, &s->value); /* (2) */
}

/* The same in a write phase, which holds the value. */
static inline uintptr_t cc_load_and_hold_value(cc_smr_guard *g, const cc_value_slot *s) {
    return cc_protect_and_hold(g, &s->value, 0, CC_HELD_VALUE); /* (2) */
}

/* The second look. */
static inline bool cc_value_is_still(const cc_value_slot *s, uintptr_t value) {
    return cc_load_acquire_uptr(&s->value) == value;
}

static inline void cc_raise_birth(cc_value_slot *s, uint64_t era) {
    uint64_t word = cc_load_relaxed_u64(&s->birth);
    while ((word & CC_ERA_MASK) < era &&
           !cc_cas_acq_rel_u64(&s->birth, &word, (word & ~CC_ERA_MASK) | era)) {
    }
}

/* Swap the value for `value` (CC_TOMBSTONE to remove the entry). CC_FOUND: done, counted, and the
 * old value is in `left`. CC_ABSENT: the entry is dead. CC_MISMATCH: the value is not `expected`,
 * where one is given. In a write phase. */
static inline cc_status cc_swap_value(cc_container *c, cc_smr_guard *g, cc_value_slot *s,
                                      uintptr_t value, const uintptr_t *expected,
                                      cc_leftovers *left) {
    for (;; cc_count_retry(g)) {
        /* Birth and era before the CAS, the raise after it: see Births. */
        uint64_t birth = cc_load_acquire_u64(&s->birth) & CC_ERA_MASK;
        uintptr_t v = cc_protect(g, &s->value);
        if (v == CC_TOMBSTONE) {
            return CC_ABSENT;
        }
        if (expected && v != *expected) {
            return CC_MISMATCH;
        }
        uint64_t era = cc_birth_now(c);
        if (cc_cas_seq_cst_uptr(&s->value, &v, value)) { /* (2) */
            left->value = v;
            left->value_birth = birth;
            cc_thread *self = g->thread;
            ++*cc_thread_write_mark(self, c);
            if (value == CC_TOMBSTONE) {
                cc_count_entries(c, self, -1, 0);
            } else {
                cc_raise_birth(s, era);
                cc_published(g);
            }
            return CC_FOUND;
        }
    }
}

#endif
