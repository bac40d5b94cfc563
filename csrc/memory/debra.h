/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Read and write phases of CC_SMR_DEBRA, and neutralizing; debra.c has the argument, and says which
 * release pairs with which acquire (ibr.c: up to 8).
 *
 * A caller may rely on this: what a region holds (cc_hold, before its read phase ends) stays until
 * the next read phase or the region's end, whatever scans do. In a read phase nothing else is
 * certain from one instruction to the next: the thread may find itself at its checkpoint again.
 *
 * Progress. Wait-free, but for a read phase: that is begun anew when others have retired much
 * meanwhile.
 *
 * Layer: above domain.h.
 */
#ifndef CC_DEBRA_H
#define CC_DEBRA_H

#include "domain.h"

/* Of a region of CC_SMR_DEBRA. */
typedef enum cc_phase {
    CC_PHASE_WRITE, /* or outside of regions: nothing is touched that is not held or owned */
    CC_PHASE_READ /* anything may be read; the next instruction may be the last of the phase */
} cc_phase;

/* ---- phases; see debra.c. All of these do nothing in a region of another scheme. ---- */

#if CC_HAS_INTERRUPTS
static inline void cc_enter_phase(cc_thread *self, cc_phase phase) {
    /* Only the thread's own handler looks at the phase: it takes program order, not a fence. */
    cc_fence_for_own_handler();
    self->phase = phase;
    cc_fence_for_own_handler();
}

/* Begin a read phase at a checkpoint. A new region number: what a scan has found out about the
 * phase before says nothing about this one. */
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

/* Bytes of stack that what a read phase calls uses, by far: 640 without optimization, 880 with
 * AddressSanitizer (gcc; by clang, without optimization, 1408, so that there are no interrupts in
 * such builds). Less than the smallest signal frame: on x86-64 the registers (440 bytes), the x87
 * and SSE state (512), its header (64) and the red zone (128); elsewhere more. No memset and the
 * like in a read phase: AddressSanitizer's own take 2 kB. */
#define CC_MOST_STACK 1000u

#if defined(CC_TEST_HOOKS)
/* How often a thread was taken to be in somebody else's handler, on top of a read phase, more or
 * less. Where nobody has one, that was a read phase deeper than CC_MOST_STACK. */
extern cc_atomic_u64 cc_interrupts_put_off;
#endif

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

/* The function that contains this is where a neutralized thread goes on: it reads, keeps what its
 * caller goes on using with cc_hold, and ends the phase with cc_end_reading, all before it returns.
 * What it changes in memory that outlives the phase must be right to find there at a second start;
 * its own variables are not changed between here and there. */
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
        /* What is held stands in memory before the handler finds the phase over: a scan that
         * interrupts us from here on sees it, since its barrier makes our stores visible. */
        cc_enter_phase(g->thread, CC_PHASE_WRITE);
    }
}

void cc_restart(cc_thread *self);

/* Back to the read phase, from cc_end_reading in the middle of it. Does not return when a scan has
 * ended the phase meanwhile. */
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

/* Has a scan ended the read phase that the thread's reservation is for? Then what the thread may
 * still touch is what it holds. See debra.c. */
static inline bool cc_is_neutralized(const cc_thread *t) {
    return cc_load_seq_cst_u64(&t->region) == cc_load_seq_cst_u64(&t->neutralized); /* (10), (13) */
}

/* End the read phases on `d`, other than the caller's, that began in era `died` or before. Returns
 * whether any was ended. Never waits. */
bool cc_neutralize_older_than(cc_smr_domain *d, cc_thread *self, uint64_t died);

/* Does the platform have what CC_SMR_DEBRA needs? Installs the signal handler the first time. */
bool cc_debra_is_available(void);

/* What cc_smr_settings.scheme asks for, where the platform has it; else CC_SMR_IBR. */
cc_smr_scheme cc_smr_scheme_of_new_containers(void);

#endif
