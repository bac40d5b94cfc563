/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The inside of a domain, and the few instructions that every hop and every operation pay for.
 * For the core's own files; others call the functions of cc_smr.h.
 */
#ifndef CC_SMR_FAST_H
#define CC_SMR_FAST_H

#include <assert.h>

#include "../platform/cc_thread.h"
#include "domains.h"
#include "concurrent_collections/cc_smr.h"

#if defined(CC_DEBUG_INVARIANTS)
#define CC_INVARIANT(condition)                                                                    \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            cc_invariant_failed(#condition, __FILE__, __LINE__);                                   \
        }                                                                                          \
    } while (0)
#else
#define CC_INVARIANT(condition) ((void)0)
#endif

void cc_invariant_failed(const char *condition, const char *file, int line);

/* What waits until no open region can have seen it. */
typedef struct cc_retired {
    struct cc_retired *next;
    cc_smr_release release;
    const void *context;
    uintptr_t word;
    uint64_t birth;   /* eras in which a region may have met it: birth .. died */
    uint64_t died;
    uint32_t bytes;
    uint32_t kind;
} cc_retired;

/* Counters and limbo of some of the threads; a line each, so that they do not disturb each other. */
typedef struct cc_stripe {
    cc_atomic_uptr limbo; /* cc_retired *, newest first; taken whole, by exchange */
    cc_atomic_uptr ready; /* cc_retired *: found free by a scan, to be released a few at a time */
    cc_atomic_u32 limbo_count;
    cc_atomic_u32 ready_count;
    cc_atomic_u32 scan_at; /* limbo_count that makes the next scan worth while */
    cc_atomic_u64 entries; /* the container's: two's complement deltas, meaningful as a sum */
    cc_atomic_u64 bytes;
    cc_atomic_u64 limbo_bytes; /* of both lists */
    cc_atomic_u32 polls_to_skip; /* what was kept last time is not looked at again at once */
    char rest_of_line[CC_CACHE_LINE - 5 * 8 - 4 * 4];
} cc_stripe;

struct cc_smr_domain {
    cc_atomic_u64 era; /* written once in a while, read at every hop: nothing else lives here */
    char rest_of_line[CC_CACHE_LINE - 8];
    cc_smr_release release;
    const void *context;
    uint32_t stripe_mask;
    cc_stripe *stripes;
    cc_domain_link link; /* domains.c */
};

static inline cc_stripe *cc_stripe_of(cc_smr_domain *d, const cc_thread *self) {
    return &d->stripes[self->index & d->stripe_mask];
}

/* Mean number of publications between two eras. Rare enough to keep the era's line shared, often
 * enough that a stalled thread pins little of what is born after it stalled. */
#ifndef CC_PUBLICATIONS_PER_ERA /* tests/c/schedules wants eras to move often */
#define CC_PUBLICATIONS_PER_ERA 64u
#endif

static inline int cc_enter(cc_smr_domain *d, cc_smr_guard *g) {
    cc_thread *self = cc_thread_self();
    if (!self) {
        return -1;
    }
    CC_INVARIANT(cc_load_relaxed_u64(&self->lower) == CC_ERA_IDLE); /* regions do not nest */
    g->thread = self;
    g->domain = d;
    if (cc_load_relaxed_uptr(&self->domain) != (uintptr_t)d) {
        cc_store_release_uptr(&self->domain, (uintptr_t)d); /* (3) */
    }
    uint64_t era = cc_load_acquire_u64(&d->era);
    cc_store_release_u64(&self->lower, era); /* (4) */
    /* (5) Store-load: without the fence the first pointers could be read before the reservation is
     * visible, and a scan in between would free what they point to. */
    cc_publish_u64(&self->upper, era);
    g->upper = era;
    return 0;
}

static inline void cc_leave(cc_smr_guard *g) {
    cc_thread *self = g->thread;
    CC_INVARIANT(cc_load_relaxed_u64(&self->lower) != CC_ERA_IDLE);
    cc_store_release_u64(&self->lower, CC_ERA_IDLE); /* (6): our reads happen before their frees */
}

uintptr_t cc_protect_in_new_era(cc_smr_guard *g, const cc_atomic_uptr *source, uint64_t era);

static inline uintptr_t cc_protect(cc_smr_guard *g, const cc_atomic_uptr *source) {
    uintptr_t word = cc_load_acquire_uptr(source);
    /* The era is read after the pointer: if it still is our upper end, whatever the pointer leads to
     * was born no later than that. */
    uint64_t era = cc_load_acquire_u64(&g->domain->era);
    if (era == g->upper) {
        return word;
    }
    return cc_protect_in_new_era(g, source, era);
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

/* Called at the end of operations, outside the region. */
void cc_poll_now(cc_smr_domain *d, cc_thread *self);

#define CC_OPERATIONS_PER_POLL 16u

static inline void cc_poll(cc_smr_domain *d, cc_thread *self) {
    if (++self->operations % CC_OPERATIONS_PER_POLL == 0) {
        cc_poll_now(d, self);
    }
}

/* Have at least n spare records: -1 without memory. An operation reserves before it has an effect,
 * takes what it needs right after its region, and only then retires: the first cc_retire may run
 * foreign code, whose own operations use up spare records. */
int cc_reserve(cc_thread *self, unsigned n);
cc_retired *cc_take_spare(cc_thread *self);
void cc_retire(cc_smr_domain *d, cc_thread *self, cc_retired *r, uintptr_t word, unsigned kind,
               uint64_t birth, size_t bytes);

/* The same, but only push: may be called inside a region, releases nothing. */
void cc_retire_to_limbo(cc_smr_domain *d, cc_thread *self, cc_retired *r, uintptr_t word,
                        unsigned kind, uint64_t birth, size_t bytes);

/* For a flush of the process, in two steps, since releasing runs foreign code: compare limbo with the
 * open regions and take out of the domain what none of them saw; release it, outside of everything. */
cc_retired *cc_take_releasable(cc_smr_domain *d, cc_thread *self);
void cc_release_chain(cc_thread *self, cc_retired *chain);

/* Something whose destruction runs foreign code, which may destroy more of its kind: the outermost
 * one loops, the inner ones queue up. So a chain of a million nested containers needs no stack. */
typedef struct cc_deferred {
    struct cc_deferred *next;
    void (*run)(struct cc_deferred *);
} cc_deferred;

void cc_run_or_defer(cc_deferred *item);

#endif
