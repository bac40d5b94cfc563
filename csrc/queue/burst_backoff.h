/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Burst back-off: threads that do nothing but use one end of a queue go one after the other, each
 * for a while.
 *
 * It is advice and no lock: an operation that does not follow it is as right as one that does. A
 * thread that works on its items waits for nobody, and nobody waits for it; nor does a call that
 * must not be held up (cc_queue_put_now, cc_queue_get_now).
 *
 * Progress. An operation waits at most twice, before its first step and after its last one, for a
 * number of pauses that does not depend on others: lock-free and wait-free operations stay what
 * they are, with a larger constant.
 *
 * Why. Every put changes the same few cache lines, and so does every get. Two cores that put as
 * fast as they can take these lines from each other with every operation and wait for them most of
 * the time: together they do less than one of them alone. A queue with a mutex does not suffer from
 * it, since whoever has got the mutex keeps it for many operations while the others sleep.
 * (docs/benchmarks.md has what it costs and what this file brings.)
 *
 * How it works. Each end names the handle that is in a burst there. An operation that finds its own
 * handle named goes ahead: one load of a line that hardly ever changes. One that finds another
 * handle looks at that handle's counts, and again after a while. If they rise as fast as they can
 * only when the queue is all that the thread works on (CC_BURST_PACE), it leaves the other alone,
 * for twice as long each time, but no longer than `most` in all. As soon as the other is slower
 * than that, or the time is over, it names its own handle and goes ahead; the other will find that,
 * and wait in its turn.
 *
 * Only a hot thread waits, and only a hot thread is named: one that does nothing between two
 * operations. It knows that by the gap between them, from the end of one to the beginning of the
 * next (CC_BURST_GAP), which does not depend on how contended the queue is; its rate does, and
 * sixteen hot threads look like sixteen that work.
 *
 *     a thread that works on its items      goes ahead, unnamed
 *     a thread that has lost its processor  stands still: at the next look somebody else takes over
 *     another handle at every look          hot threads are still gathering: a few such looks are
 *                                           forgiven
 *     a wait in vain                        nobody waits at this end for a while, longer each
 *                                           time: so hot threads try again at the same time, and
 *                                           find each other
 *     an operation that did not wait        lets the next ones go ahead without a look, twice as
 *                                           many each time
 *     a thread that both puts and gets      takes over both ends at once; or two of them would
 *                                           have one each and stand in each other's way
 *
 * The same for a get that follows close behind: where few words are left and somebody else puts
 * that fast, getter and putter would take the line of every single word from each other. So now and
 * then a getter looks how much is left, and leaves the putter alone for some microseconds if it is
 * less than it would take until the next look.
 *
 * Pairs of releases and acquires, by number. All other accesses are relaxed: advice needs no order.
 *   (6) naming a handle     with the load that finds it: its memory as it was made.
 */
#ifndef CC_QUEUE_BURST_BACKOFF_H
#define CC_QUEUE_BURST_BACKOFF_H

#include "../sync/handles.h"

typedef enum cc_queue_end { CC_PUTTING, CC_GETTING } cc_queue_end;

/* Names the handle in a burst at each end of a queue; 0: nobody. */
typedef struct cc_burst_backoff {
    cc_atomic_uptr at[2]; /* cc_handle *, by end */
    cc_atomic_u64 not_before[2], rest[2]; /* by end: nobody waits until then; the last such rest */
    uint32_t most; /* nanoseconds that an operation waits; 0: never. Does not change. */
} cc_burst_backoff;

/* Nanoseconds between two operations of a hot thread, a read of the clock included.
 * docs/benchmarks.md has what the loops of Python programs need. */
#ifndef CC_BURST_GAP
#define CC_BURST_GAP 100u
#endif
/* Nanoseconds of an operation in a burst. One of Python code that does nothing else takes about
 * 50, one that has to fetch the lines from another core about 300. */
#ifndef CC_BURST_PACE
#define CC_BURST_PACE INT64_C(125)
#endif
#define CC_BURST_FIRST_LOOK 1000u
#define CC_BURST_WAIT 128000u /* the default for `most` */

/* The slow half of cc_burst_backoff_before. */
void cc_burst_backoff_wait(cc_burst_backoff *backoff, cc_queue_end end, cc_handle *self);

/* The slow half of cc_burst_backoff_after. */
void cc_burst_backoff_note_the_end(cc_handle *self);

/* A getter looks after every so many words; it goes on where that many are left. */
#define CC_BURST_WORDS_PER_LOOK 64u
#define CC_BURST_HEAD_START 32000u /* nanoseconds that a fast putter gets */

/* After a get of `self` that has left few words behind. Waits as cc_burst_backoff_before does. */
void cc_burst_backoff_fall_back(cc_burst_backoff *backoff, cc_handle *self);

/* Is it time to look, and is anybody else putting? */
static inline bool cc_burst_backoff_is_behind_another(const cc_burst_backoff *backoff,
                                                      const cc_handle *self) {
#if defined(CC_SCHED)
    (void)backoff, (void)self;
    return false;
#else
    if (cc_load_relaxed_u64(&self->gets) % CC_BURST_WORDS_PER_LOOK) {
        return false;
    }
    uintptr_t putter = cc_load_relaxed_uptr(&backoff->at[CC_PUTTING]);
    return putter != 0 && putter != (uintptr_t)self;
#endif
}

/* Before an operation of `self` at `end`. Waits for at most `backoff->most`, by pauses of the
 * processor: it never sleeps. */
static inline void cc_burst_backoff_before(cc_burst_backoff *backoff, cc_queue_end end,
                                           cc_handle *self) {
#if defined(CC_SCHED)
    (void)backoff, (void)end, (void)self; /* a scheduler decides who runs, and knows no clock */
#else
    if (cc_load_relaxed_uptr(&backoff->at[end]) != (uintptr_t)self || self->is_timed) {
        cc_burst_backoff_wait(backoff, end, self);
    }
#endif
}

/* After it. */
static inline void cc_burst_backoff_after(cc_handle *self) {
    if (self->is_timed) {
        cc_burst_backoff_note_the_end(self);
    }
}

#endif
