/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The inside of a domain, and the few instructions that every hop and every operation pay for.
 * For the core's own files; others call the functions of cc_smr.h.
 */
#ifndef CC_SMR_FAST_H
#define CC_SMR_FAST_H

#include <assert.h>

#include "cc_thread.h"
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
    cc_atomic_u32 polls_to_skip; /* what was kept last time is not looked at again at once */
    cc_atomic_u64 entries; /* the container's: two's complement deltas, meaningful as a sum */
    cc_atomic_u64 bytes;
    cc_atomic_u64 limbo_bytes; /* of both lists */
    cc_atomic_u64 bytes_left; /* two's complement: bytes that may still come before the next scan */
#if CC_CACHE_LINE > 64
    char rest_of_line[CC_CACHE_LINE - 64];
#endif
} cc_stripe;

_Static_assert(sizeof(cc_stripe) == CC_CACHE_LINE, "a stripe is a line");

struct cc_smr_domain {
    cc_atomic_u64 era; /* written once in a while, read at every hop: nothing else lives here */
    char rest_of_line[CC_CACHE_LINE - 8];
    cc_atomic_u64 stopped_clock; /* 0 for ever: what debra's protect compares in place of the era */
    cc_smr_scheme scheme;
    cc_smr_release release;
    const void *context;
    uint32_t stripe_mask;
    cc_stripe *stripes;
    cc_domain_link link; /* domains.c */
    cc_atomic_u32
        pins; /* release.c: one for being in use, one for each thread that comes back to it */
};

static inline cc_stripe *cc_stripe_of(cc_smr_domain *d, const cc_thread *self) {
    return &d->stripes[self->index & d->stripe_mask];
}

/* Mean number of publications between two eras. Rare enough to keep the era's line shared, often
 * enough that a stalled thread pins little of what is born after it stalled. */
#ifndef CC_PUBLICATIONS_PER_ERA /* tests/c/schedules wants eras to move often */
#define CC_PUBLICATIONS_PER_ERA 64u
#endif

/* Of a region of CC_SMR_DEBRA. */
typedef enum cc_phase {
    CC_PHASE_WRITE, /* or outside of regions: nothing is touched that is not held or owned */
    CC_PHASE_READ /* anything may be read; the next instruction may be the last before the checkpoint */
} cc_phase;

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

/* ---- phases; see debra.c. All of these do nothing in a region of another scheme. ---- */

#if CC_HAS_INTERRUPTS
static inline void cc_enter_phase(cc_thread *self, cc_phase phase) {
    /* Only the thread's own handler looks at the phase: it takes program order, not a fence. */
    cc_fence_for_own_handler();
    self->phase = phase;
    cc_fence_for_own_handler();
}

/* Begin a read phase at a checkpoint. A new region number: what a scan has found out about the phase before says
 * nothing about this one. */
static inline void cc_begin_reading(cc_smr_guard *g) {
    cc_thread *self = g->thread;
    do {
        CC_INVARIANT(self->phase == CC_PHASE_WRITE);
        self->interrupted = 0;
        cc_store_release_u64(&self->region, cc_load_relaxed_u64(&self->region) + 1); /* (10) */
        cc_store_release_u32(&self->held_count, 0);
        cc_store_release_u64(&self->lower, cc_load_acquire_u64(&g->domain->era)); /* (4) */
        cc_publish_u64(&self->upper, UINT64_MAX); /* (5) */
        cc_enter_phase(self, CC_PHASE_READ);
        /* A scan may have ended this phase before it could be restarted. */
    } while (self->interrupted && (cc_enter_phase(self, CC_PHASE_WRITE), true));
}

#if defined(CC_ARCH_X86_64)
#define CC_READ_STACK_POINTER(to) __asm__ volatile("movq %%rsp, %0" : "=r"(to))
#else
#define CC_READ_STACK_POINTER(to) __asm__ volatile("mov %0, sp" : "=r"(to))
#endif

/* Bytes of stack that what a read phase calls uses, by far: 640 without optimization, 880 with AddressSanitizer (gcc; by
 * clang, without optimization, 1408, so that there are no interrupts in such builds). Less than the smallest signal
 * frame: on x86-64 the registers (440 bytes), the x87 and SSE state (512), its header (64) and the red zone
 * (128); elsewhere more. No memset and the like in a read phase: AddressSanitizer's own take 2 kB. */
#define CC_MOST_STACK 1000u

/* How often a thread was taken to be in somebody else's handler, on top of a read phase, more or less. Where nobody has
 * one, that was a read phase deeper than CC_MOST_STACK, which goes on in a phase that is neutralized: for tests. */
extern cc_atomic_u64 cc_interrupts_put_off;

/* In builds with invariants: is the phase's use of the stack within the bound? */
static inline void cc_check_stack(const cc_smr_guard *g) {
#if defined(CC_DEBUG_INVARIANTS)
    const cc_thread *self = g->thread;
    const void *here;
    CC_READ_STACK_POINTER(here);
    CC_INVARIANT(!g->restarts || self->phase != CC_PHASE_READ ||
                 (uintptr_t)self->stack - (uintptr_t)here <= CC_MOST_STACK);
#endif
    (void)g;
}

/* The function that contains this is where a neutralized thread goes on: it reads, keeps what its caller goes on
 * using with cc_hold, and ends the phase with cc_end_reading, all before it returns. What it changes in memory
 * that outlives the phase must be right to find there at a second start; its own variables are not
 * changed between here and there. */
#define CC_CHECKPOINT(g)                                                                           \
    do {                                                                                           \
        if ((g)->restarts) {                                                                       \
            CC_READ_STACK_POINTER(((cc_thread *)(g)->thread)->stack);                              \
            if (sigsetjmp(((cc_thread *)(g)->thread)->checkpoint, 0)) {                            \
                /* Restarted: from here on the same. */                                            \
            }                                                                                      \
            cc_begin_reading(g);                                                                   \
        }                                                                                          \
    } while (0)

/* In a read phase: keep `word` from being released, as number `slot`, once the phase has ended. */
static inline void cc_hold(cc_smr_guard *g, unsigned slot, uintptr_t word) {
    if (g->restarts) {
        cc_thread *self = g->thread;
        CC_INVARIANT(slot < CC_MOST_HELD);
        cc_store_release_uptr(&self->held[slot], word); /* (11) */
        if (cc_load_relaxed_u32(&self->held_count) <= slot) {
            cc_store_release_u32(&self->held_count, slot + 1); /* (11) */
        }
    }
}

static inline void cc_end_reading(cc_smr_guard *g) {
    if (g->restarts) {
        /* What is held stands in memory before the handler finds the phase over: a scan that interrupts us
         * from here on sees it, since its barrier makes our stores visible. */
        cc_enter_phase(g->thread, CC_PHASE_WRITE);
    }
}

void cc_restart(cc_thread *self);

/* Back to the read phase, from cc_end_reading in the middle of it. Does not return when a scan has ended
 * the phase meanwhile. */
static inline void cc_resume_reading(cc_smr_guard *g) {
    if (g->restarts) {
        cc_thread *self = g->thread;
        cc_enter_phase(self, CC_PHASE_READ);
        if (self->interrupted) {
            cc_restart(self);
        }
    }
}
#else
#define CC_CHECKPOINT(g) ((void)0)
static inline void cc_check_stack(const cc_smr_guard *g) {
    (void)g;
}
static inline void cc_hold(cc_smr_guard *g, unsigned slot, uintptr_t word) {
    (void)g;
    (void)slot;
    (void)word;
}
static inline void cc_end_reading(cc_smr_guard *g) {
    (void)g;
}
static inline void cc_resume_reading(cc_smr_guard *g) {
    (void)g;
}
#endif

uintptr_t cc_protect_in_new_era(cc_smr_guard *g, const cc_atomic_uptr *source, uint64_t era);

static inline uintptr_t cc_protect(cc_smr_guard *g, const cc_atomic_uptr *source) {
    cc_check_stack(g);
    uintptr_t word = cc_load_acquire_uptr(source);
    /* The era is read after the pointer: if it still is our upper end, whatever the pointer leads to
     * was born no later than that. */
    uint64_t era = cc_load_acquire_u64(g->clock); /* debra's stands still: everything is reserved */
    if (era == g->upper) {
        return word;
    }
    return cc_protect_in_new_era(g, source, era);
}

/* cc_protect where it is known at compile time whether the region restarts: there everything is reserved, and the
 * load is all there is to do. */
static inline uintptr_t cc_protect_in(cc_smr_guard *g, bool restarts,
                                      const cc_atomic_uptr *source) {
    cc_check_stack(g);
    return restarts ? cc_load_acquire_uptr(source) : cc_protect(g, source);
}

/* Read a word and keep what it leads to, `word & ~tag`, as number `slot`, in a write phase. Where there
 * are no phases: cc_protect. */
static inline uintptr_t cc_protect_and_hold(cc_smr_guard *g, const cc_atomic_uptr *source,
                                            uintptr_t tag, unsigned slot) {
#if CC_HAS_INTERRUPTS
    if (g->restarts) {
        cc_thread *self = g->thread;
        uintptr_t word = cc_load_acquire_uptr(source), again;
        for (;; word = again) {
            cc_hold(g, slot, word & ~tag);
            /* (12) Store-load, as a hazard pointer: the phase may be neutralized, so only what is still there
             * after it is seen to be held is sure not to have been scanned before. */
            cc_fence_seq_cst(&self->region);
            again = cc_load_acquire_uptr(source);
            if (again == word) {
                return word;
            }
        }
    }
#endif
    (void)tag;
    (void)slot;
    return cc_protect(g, source);
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

/* A domain of a scheme, which the platform must have. */
cc_smr_domain *cc_smr_domain_new_of(cc_smr_scheme scheme, cc_smr_release release,
                                    const void *context);

/* What cc_smr_settings.scheme asks for, where the platform has it; else CC_SMR_IBR. */
cc_smr_scheme cc_smr_scheme_of_new_containers(void);

/* debra.c: end the read phases on `d`, other than the caller's, that began in era `died` or before. Returns whether
 * any was ended. Never waits. */
bool cc_neutralize_older_than(cc_smr_domain *d, cc_thread *self, uint64_t died);

/* debra.c: does the platform have what CC_SMR_DEBRA needs? Installs the signal handler the first time. */
bool cc_debra_is_available(void);

/* Called at the end of operations, outside the region. */
void cc_poll_now(cc_smr_domain *d, cc_thread *self);

#ifndef CC_OPERATIONS_PER_POLL
#define CC_OPERATIONS_PER_POLL 16u
#endif

static inline void cc_poll(cc_smr_domain *d, cc_thread *self) {
    if (++self->operations % CC_OPERATIONS_PER_POLL == 0) {
        cc_poll_now(d, self);
    }
}

/* Have at least n spare records: -1 without memory. An operation reserves before it has an effect,
 * takes what it needs right after its region, and only then retires: the first cc_retire may run
 * foreign code, whose own operations use up spare records. */
CC_MUST_CHECK int cc_reserve(cc_thread *self, unsigned n);
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
 * one loops, the inner ones queue up, but for the bound in release.c. So a chain of a million nested containers
 * needs no stack. */
typedef struct cc_deferred {
    struct cc_deferred *next;
    void (*run)(struct cc_deferred *);
} cc_deferred;

void cc_run_or_defer(cc_deferred *item);

#endif
