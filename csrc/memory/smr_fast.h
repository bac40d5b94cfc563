/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The few instructions that every hop and every operation pay for: opening a region, reading a
 * pointer in it, closing it. With it come the functions that a container needs beside (limbo.h,
 * deferred.h, debra.h).
 *
 * A caller may rely on this: what cc_protect has returned is not released before the region closes;
 * but in a read phase of CC_SMR_DEBRA see debra.h. The rules for callers are in cc_smr.h.
 *
 * Pairs of releases and acquires are numbered in ibr.c (3 to 8) and debra.c (10 to 14).
 *
 * Progress. Wait-free, but for cc_protect while the clock moves on under it: lock-free.
 *
 * Layer: the top of this directory, for containers. Only smr.c, which has the same as functions for
 * others, is above it; no other file here includes it.
 */
#ifndef CC_SMR_FAST_H
#define CC_SMR_FAST_H

#include "arena.h"
#include "debra.h"
#include "ibr.h"
#include "limbo.h"

/* Mean number of publications between two eras. Rare enough to keep the era's line shared, often
 * enough that a stalled thread pins little of what is born after it stalled. */
#ifndef CC_PUBLICATIONS_PER_ERA /* tests/c/schedules wants eras to move often */
#define CC_PUBLICATIONS_PER_ERA 64u
#endif

/* Of a thread that has its record: cannot fail. */
static inline void cc_enter_as(cc_thread *self, cc_smr_domain *d, cc_smr_guard *g) {
    CC_INVARIANT(cc_load_relaxed_u64(&self->lower) == CC_ERA_IDLE); /* regions do not nest */
    g->thread = self;
    g->domain = d;
    /* Where there are no interrupts as well: operations choose their copy by it. */
    g->restarts = false;
#if defined(                                                                                       \
    CC_SMR_NONE) /* benchmarks/smr_cost.py: what operations cost when nothing is ever freed */
    g->clock = &d->stopped_clock;
    g->upper = 0;
    return;
#endif
    if (cc_load_relaxed_uptr(&self->domain) != (uintptr_t)d) {
        cc_store_release_uptr(&self->domain, (uintptr_t)d); /* (3) */
    }
#if CC_HAS_INTERRUPTS
    g->restarts = d->scheme == CC_SMR_DEBRA;
    if (g->restarts) { /* each read phase makes its own reservation */
        g->clock = &d->stopped_clock;
        g->upper = 0;
        return;
    }
#endif
    g->clock = &d->era;
    uint64_t era = cc_load_acquire_u64(&d->era);
    cc_store_release_u64(&self->lower, era); /* (4) */
    /* (5) Store-load: without the fence the first pointers could be read before the reservation is
     * visible, and a scan in between would free what they point to. */
    cc_publish_u64(&self->upper, era);
    g->upper = era;
}

/* -1 without memory for the thread's record: then the guard is not filled in. */
CC_MUST_CHECK static inline int cc_enter(cc_smr_domain *d, cc_smr_guard *g) {
    cc_thread *self = cc_thread_self();
    if (!self) {
        return -1;
    }
    cc_enter_as(self, d, g);
    return 0;
}

static inline void cc_leave(cc_smr_guard *g) {
    cc_thread *self = g->thread;
#if defined(CC_SMR_NONE)
    (void)self;
    return;
#endif
#if CC_HAS_INTERRUPTS
    CC_INVARIANT(self->phase != CC_PHASE_READ);
#endif
    CC_INVARIANT(g->restarts || cc_load_relaxed_u64(&self->lower) != CC_ERA_IDLE);
    cc_store_release_u64(&self->lower, CC_ERA_IDLE); /* (6): our reads happen before their frees */
}

/* Words are pointers, or references of the arena.
 *
 * cc_read_protected: the era is read after the word; if it still is our upper end, whatever the
 * word leads to was born no later than that. Debra's clock stands still: everything is reserved.
 *
 * cc_read_held: (12) store-load, as a hazard pointer: the phase may be neutralized, so only what is
 * still there after it is seen to be held is sure not to have been scanned before. */
#define CC_DEFINE_PROTECT(NAME, T)                                                                 \
    static inline T cc_read_protected_##NAME(cc_smr_guard *g, const cc_atomic_##NAME *source) {    \
        for (;;) {                                                                                 \
            T word = cc_load_acquire_##NAME(source);                                               \
            uint64_t era = cc_load_acquire_u64(g->clock);                                          \
            if (era == g->upper) {                                                                 \
                return word;                                                                       \
            }                                                                                      \
            cc_extend_reservation(g, era);                                                         \
        }                                                                                          \
    }                                                                                              \
    CC_ALWAYS_INLINE T cc_read_held_##NAME(cc_smr_guard *g, const cc_atomic_##NAME *source, T tag, \
                                           unsigned slot, uintptr_t (*thing)(T)) {                 \
        cc_thread *self = g->thread;                                                               \
        T word = cc_load_acquire_##NAME(source), again;                                            \
        for (;; word = again) {                                                                    \
            cc_hold(g, slot, thing(word & ~tag));                                                  \
            cc_fence_seq_cst(&self->region);                                                       \
            again = cc_load_acquire_##NAME(source);                                                \
            if (again == word) {                                                                   \
                return word;                                                                       \
            }                                                                                      \
        }                                                                                          \
    }

CC_DEFINE_PROTECT(uptr, uintptr_t)
CC_DEFINE_PROTECT(u32, uint32_t)
CC_DEFINE_PROTECT(u64, uint64_t)

static inline uintptr_t cc_protect(cc_smr_guard *g, const cc_atomic_uptr *source) {
    cc_check_stack(g);
    return cc_read_protected_uptr(g, source);
}

/* cc_protect where it is known at compile time whether the region restarts: there everything is
 * reserved, and the load is all there is to do. */
static inline uintptr_t cc_protect_in(cc_smr_guard *g, bool restarts,
                                      const cc_atomic_uptr *source) {
    cc_check_stack(g);
    return restarts ? cc_load_acquire_uptr(source) : cc_read_protected_uptr(g, source);
}

/* The same for a word that has a reference of the arena. */
static inline uint32_t cc_protect_reference(cc_smr_guard *g, bool restarts,
                                            const cc_atomic_u32 *source) {
    cc_check_stack(g);
    return restarts ? cc_load_acquire_u32(source) : cc_read_protected_u32(g, source);
}

/* The same for a word of 64 bits that has such a reference, and more. */
static inline uint64_t cc_protect_u64(cc_smr_guard *g, const cc_atomic_u64 *source) {
    cc_check_stack(g);
    return cc_read_protected_u64(g, source);
}

static inline uintptr_t cc_thing_of_pointer(uintptr_t word) {
    return word;
}

static inline uintptr_t cc_thing_of_reference(uint32_t word) {
    return word ? (uintptr_t)cc_arena_at(word) : 0;
}

/* Read a word and keep what it leads to, `word & ~tag`, as number `slot`, in a write phase. Where
 * there are no phases: cc_protect. */
static inline uintptr_t cc_protect_and_hold(cc_smr_guard *g, const cc_atomic_uptr *source,
                                            uintptr_t tag, unsigned slot) {
    return g->restarts ? cc_read_held_uptr(g, source, tag, slot, cc_thing_of_pointer)
                       : cc_protect(g, source);
}

/* The same for a word that has a reference of the arena. */
static inline uint32_t cc_protect_and_hold_reference(cc_smr_guard *g, const cc_atomic_u32 *source,
                                                     unsigned slot) {
    return g->restarts
               ? cc_read_held_u32(g, source, CC_REFERENCE_MARKS, slot, cc_thing_of_reference)
               : cc_protect_reference(g, false, source);
}

static inline void cc_published(cc_smr_guard *g) {
    cc_thread *self = g->thread;
    /* By chance, not by count: a thread that takes turns between containers must not give all its
     * ticks to one of them. */
    if (cc_thread_random(self) % CC_PUBLICATIONS_PER_ERA == 0) {
        cc_fetch_add_seq_cst_u64(&g->domain->era, 1);
    }
}

static inline void cc_count_retry(cc_smr_guard *g) {
    if (cc_load_relaxed_u32(&cc_smr_settings.contention)) {
        cc_thread *self = g->thread;
        cc_store_relaxed_u64(&self->retries, cc_load_relaxed_u64(&self->retries) + 1);
    }
}

#endif
