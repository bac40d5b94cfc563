/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A semaphore: credits and an event count.
 *
 *     cc_event_count_init(&line);
 *     cc_semaphore_begin(&s, &line, 3, 3, false);              3 permits, never more
 *     if (cc_semaphore_try(&s)) {
 *         ...
 *         uint64_t n = 1;
 *         if (cc_semaphore_give(&s, n)) {                      else: one too many
 *             while ((task = cc_semaphore_wake(&s, &n))) ...   tell it (event_count.h)
 *         }
 *     }
 *
 * How. The credits are the permits that are free. Who finds none waits in the line of the event
 * count, as event_count.h says, and tries by cc_semaphore_try. Nothing else is kept. In a fair
 * semaphore the event count hands the credits over.
 *
 * What a caller may rely on
 *
 *   No permit is lost, and none is made, whatever waiters give up at what moment.
 *   A try that is refused has had no effect: at one moment during the call no permit was free; or
 *   the semaphore is fair, and somebody was in line (also who is just being handed a permit: it
 *   leaves the line a moment after the permit has been taken for it).
 *   A give of n wakes the n who have waited longest. Nobody sleeps on beside a free permit that
 *   nobody else has been told of.
 *   What a thread did before it gave a permit is visible to the thread that gets it.
 *
 * Barging. A permit that has been given is anybody's: who comes may be faster than who has just
 * been woken. In a fair semaphore that cannot be: a permit for which somebody waits is handed over
 * to the one who has waited longest, and who comes while somebody is in line gets in line. That
 * costs throughput, for the permit is idle until its new owner runs. A waiter that leaves the line
 * for a moment, because a signal has woken it, keeps its turn, but is not in line in that moment.
 *
 * Linearization points: of a try, the take of the credit, or the load that found none or found
 * somebody in line; of a give, its compare-and-swap; of a wait in a fair semaphore, the take of its
 * credit by whoever hands it over.
 *
 * Progress. With nobody in line a try and a give are lock-free: one compare-and-swap each, which
 * fails only when somebody else has taken or given meanwhile; after a give comes a look at the
 * count of those in line. All else takes the short lock of the event count. Neither a try nor a
 * give ever waits for a permit.
 *
 * From any thread, but for cc_semaphore_begin. Nothing is allocated.
 */
#ifndef CC_SEMAPHORE_H
#define CC_SEMAPHORE_H

#include "event_count.h"

/* There can be no more permits than that. */
#define CC_MOST_PERMITS ((uint64_t)INT64_MAX)

typedef struct cc_semaphore {
    cc_credits permits;
    cc_event_count *line;
    bool is_fair;
} cc_semaphore;

/* `value` permits are free, and there will never be more than `most` (at least `value`, at most
 * CC_MOST_PERMITS). `line` has been initialized, is used for nothing else, and lives as long as the
 * semaphore. Nobody uses them yet. */
void cc_semaphore_begin(cc_semaphore *s, cc_event_count *line, uint64_t value, uint64_t most,
                        bool is_fair);

/* Take a permit; false: there is none to take. Who stands in the line of a fair semaphore does not
 * try: the line brings the permit. */
static inline bool cc_semaphore_try(cc_semaphore *s) {
    if (s->is_fair && cc_event_waiters(s->line)) {
        return false;
    }
    return cc_credits_take(&s->permits);
}

/* Give n permits; false, with nothing changed: there would be more than there can be. The caller
 * then calls cc_semaphore_wake. */
static inline bool cc_semaphore_give(cc_semaphore *s, uint64_t n) {
    return cc_credits_give_many(&s->permits, n);
}

cc_waiter *cc_semaphore_wake_slowly(cc_semaphore *s, uint64_t *n);

/* After a give of *n: wake those who are to have the permits. NULL: that is done. Else a foreign
 * waiter that must be told, and *n is how many are left: call it once more. */
static inline cc_waiter *cc_semaphore_wake(cc_semaphore *s, uint64_t *n) {
    cc_fence_seq_cst_after_rmw(&s->line->fence); /* (1) of event_count.c */
    return cc_load_relaxed_u32(&s->line->waiters) == 0 ? 0 : cc_semaphore_wake_slowly(s, n);
}

/* How many permits are free. It may be out of date when the caller gets it. */
static inline uint64_t cc_semaphore_value(const cc_semaphore *s) {
    return cc_load_relaxed_u64(&s->permits.available);
}

#endif
