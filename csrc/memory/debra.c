/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Epochs with neutralization: DEBRA+ (Brown, PODC 2015), its operations split into read and write
 * phases as in NBR (Singh, Brown, Mashtizadeh, PPoPP 2021).
 *
 * A region reserves everything from its era on, so that reading a pointer costs nothing but the
 * load. What is retired is released when every open region has begun after its death. Then a thread
 * that stalls inside a region would hold up everything for ever; so a scan that is held up for long
 * *neutralizes* the thread: it interrupts it by a signal, and from then on only what the thread
 * *holds* is kept for it.
 *
 *   begin     read phase                             write phase                  leave
 *   |---------|--------------------------------------|----------------------------|
 *             ^ checkpoint                           ^ holds a few words, (11)
 *             loads, and CASes that anybody may      touches what it holds or owns, nothing else;
 *             do and nobody has to                   goes on when it is interrupted
 *             (unlinking, marking dead)
 *             goes back to the checkpoint when it
 *             is interrupted
 *
 * An operation may go from the write phase to a new read phase; it then holds nothing any more. In
 * the middle of a read phase a short piece may be done as in a write phase (cc_end_reading ..
 * cc_resume_reading): taking a reference, calling a comparison that has a stack of its own.
 *
 * What a scan does with a thread T that holds it up:
 *   1. q := T.region, with T's reservation open and not younger than what waits.
 *   2. Signal T; barrier; read whether T has the signal blocked (platform/interrupt_linux.c has the
 *      argument).
 *   3. If it is not blocked, or the handler has run in phase q already (T.answered), and T.region
 *      is still q: T.neutralized := q, (13).
 * At the barrier T was in phase q, since the counter only rises and was q before and after. If it
 * was reading then, the handler runs before its next step, and takes it back to the checkpoint,
 * where it begins phase q + 1 with a new reservation: it touches nothing of phase q any more. If it
 * was writing, it touches what it held at the barrier or protects later by (12), and scans see all
 * of that. T cannot change its signal mask in between: no code in a region does. A handler of
 * somebody else that interrupts a read phase may have signals blocked; while it runs T takes no
 * step of phase q either, and its return unblocks ours. If ours came first, it has made itself
 * blocked (see below), and T.answered says that all is well; unless somebody has taken the signal
 * away by then, and the one that is pending with it. A handler that unblocks the signal meanwhile
 * is interrupted by it once more, with the same outcome.
 *
 * The CASes of a read phase are single instructions. One that is done before the handler runs is
 * done to memory that is still reserved; the one after does not happen. So they need no write
 * phase, as long as nobody relies on the thread doing anything after them; skiplist.c says of each
 * why that holds.
 *
 * The handler jumps only when the interrupted code itself is the read phase, not when a handler of
 * somebody else (a Python signal, a profiler) is running on top of it, which must not be cut off.
 * It tells by the stack: what a read phase calls stays within CC_MOST_STACK below the stack at the
 * checkpoint, and a signal frame is larger than that. In the other case it makes itself pending and
 * blocked until the outer handler returns.
 *
 * Deviations from the papers:
 *   - Reservations are looked at by scans, as in ibr.c, instead of rings of bags: limbo belongs to
 *     the container (limbo.c says why), and a retirement that nobody can have seen is released on
 *     the spot.
 *   - The order of steps 1 to 3. In the papers the signal alone is taken to stop the thread;
 *     pthread_kill does not promise that, nor does anything without a look at the mask.
 *   - Operations are not recovered, as in DEBRA+, but restarted, as in NBR; unlike NBR, helping
 *     does not end a read phase.
 *
 * Bound. A thread that stalls pins what it holds, at most CC_MOST_HELD words, and a stripe's limbo
 * grows to 2 * retire_threshold things before it is neutralized (beside what a scan has taken whose
 * thread lost its processor then, at most 3 * retire_threshold). That does not hold while the
 * thread has the signal blocked, or somebody has put another handler in place: then nothing that it
 * may have seen is released, and each attempt counts as a refusal in the statistics. But what is
 * done to a stalled thread cannot be taken back: somebody who takes the signal away between step 3
 * and the moment when T runs again lets T go on in a phase that counts for nothing. docs/smr.md
 * forbids it.
 *
 * Progress. Neutralizing never waits: a few system calls. A reader that is neutralized has lost its
 * work since the checkpoint; that happens only when others have retired 2 * retire_threshold things
 * meanwhile, so the whole stays lock-free.
 *
 * Cost of an attempt: five system calls, one of which interrupts every processor that runs the
 * process.
 *
 * Pairs of releases and acquires, by number:
 *   (10) region, before the new reservation   with cc_is_neutralized's load: an old number goes
 *        with the old phase.
 *   (11) what is held                         with the barrier of step 2, and (13) for other scans.
 *   (12) the fence of cc_protect_and_hold     with (7) of limbo.c.
 *   (13) neutralized                          with cc_is_neutralized's load: who sees it sees what
 *        was held.
 *   (14) answered                             with the load in step 3: the same, without a barrier.
 */
#include "debra.h"

#if CC_HAS_INTERRUPTS
void cc_restart(cc_thread *self) {
    cc_enter_phase(self, CC_PHASE_WRITE);
    siglongjmp(self->checkpoint, 1);
}

/* Whatever phase the thread is in, it will read nothing more in it. */
static void answer(cc_thread *self) {
    cc_store_release_u64(&self->answered, cc_load_relaxed_u64(&self->region)); /* (14) */
}

static void add_one(cc_atomic_u64 *counter) {
    cc_store_relaxed_u64(counter, cc_load_relaxed_u64(counter) + 1);
}

#if defined(CC_TEST_HOOKS)
cc_atomic_u64 cc_interrupts_put_off;
#endif

static void count_as_put_off(void) {
#if defined(CC_TEST_HOOKS)
    add_one(&cc_interrupts_put_off);
#endif
}

static void on_interrupt(void *context) {
    cc_thread *self = cc_thread_self_if_any();
    if (!self) {
        return; /* meant for a thread that has ended, whose number this one has got */
    }
    if (self->phase != CC_PHASE_READ) {
        self->interrupted = 1; /* so that the read phase is not resumed */
        answer(self);
        return;
    }
    if (!cc_os_was_interrupted_within(context, self->stack, CC_MOST_STACK)) {
        count_as_put_off();
        cc_os_interrupt_again_after_outer_handler(context);
        answer(self);
        return;
    }
    cc_enter_phase(self, CC_PHASE_WRITE); /* from here on a second signal does nothing */
    cc_os_restore_interrupted_mask(context);
    siglongjmp(self->checkpoint, 1);
}

bool cc_neutralize_older_than(cc_smr_domain *d, cc_thread *self, uint64_t died) {
    bool any = false;
    cc_thread_walk walk;
    for (cc_thread *t = cc_thread_first_in_use(&walk); t; t = cc_thread_next_in_use(&walk)) {
        uint64_t region = cc_load_seq_cst_u64(&t->region);
        if (t == self || cc_load_seq_cst_u64(&t->lower) > died ||
            cc_load_seq_cst_uptr(&t->domain) != (uintptr_t)d ||
            cc_load_seq_cst_u64(&t->neutralized) == region) {
            continue;
        }
        bool is_sure = cc_os_interrupt(cc_load_acquire_u64(&t->number)) ||
                       (cc_load_seq_cst_u64(&t->answered) == region && /* (14) */
                        cc_os_interrupts_are_ours());
        if (cc_load_seq_cst_u64(&t->region) != region) {
            any = true; /* the signal, or it has gone on by itself: worth another look */
        } else if (is_sure) {
            cc_store_release_u64(&t->neutralized, region); /* (13) */
            any = true;
        } else {
            add_one(&self->refusals);
            continue;
        }
        add_one(&self->neutralizations);
    }
    return any;
}

bool cc_debra_is_available(void) {
    return cc_os_interrupts_begin((int)cc_load_relaxed_u32(&cc_smr_settings.signal), on_interrupt);
}
#else
bool cc_neutralize_older_than(cc_smr_domain *d, cc_thread *self, uint64_t died) {
    (void)d;
    (void)self;
    (void)died;
    return false;
}

bool cc_debra_is_available(void) {
    return false;
}
#endif

cc_smr_scheme cc_smr_scheme_of_new_containers(void) {
    return cc_load_relaxed_u32(&cc_smr_settings.scheme) == CC_SMR_DEBRA && cc_debra_is_available()
               ? CC_SMR_DEBRA
               : CC_SMR_IBR;
}
