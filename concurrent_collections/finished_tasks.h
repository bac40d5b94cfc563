/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Finished tasks: what task_done() counts and join() waits for.
 *
 * What a caller may rely on
 *
 *   join returns at a moment when every item that had been put was finished, or when there was such
 *   a moment during the call.
 *   task_done refuses what is one too many. (Only while a put is about to fail, since the store is
 *   shut down or without memory, may one too many get through, for each such put.)
 *
 * How it counts
 *
 *   The store counts its puts, before it publishes them; here is one counter of finished tasks, and
 *   nobody else pays. All is finished at the moment when that counter was read if the store's sum,
 *   read after it, is not greater: every count in the sum is at least what it was at that moment,
 *   and there are never more finished tasks than puts.
 *   A put that has counted itself and then fails makes the sum too high for a while. It takes that
 *   back, and then says so: cc_finished_tasks_put_failed.
 *   The sum is not computed while it is known that there are unfinished tasks: puts_seen has the
 *   sum that was last computed, and how many puts have failed. Who computes it writes it down if no
 *   put has failed meanwhile, and otherwise computes it once more; who fails makes it say nothing.
 *   (Both are counted modulo a power of two, so 65536 puts would have to fail during one sum.)
 *
 * Progress: counting is lock-free. O(threads), for the sum.
 *
 * Pairs of releases and acquires, by number:
 *   (1) a failure in puts_seen  with the load before the sum: the count that was taken back.
 *
 * Every function needs an attached thread state.
 */
#ifndef CC_FINISHED_TASKS_H
#define CC_FINISHED_TASKS_H

#include "waiting.h"

typedef struct cc_finished_tasks {
    cc_waiting_place all_finished; /* where join waits; changes with `finished` and with the puts */
    uint64_t (*puts)(const void *core);
    const void *core;
    cc_atomic_u64 finished;
    cc_atomic_u64 puts_seen; /* the lower bits: the sum, when it was computed; above: failures */
} cc_finished_tasks;

#define CC_FAILURE_BITS 16
#define CC_PUTS_SEEN (UINT64_MAX >> CC_FAILURE_BITS)

/* All else is zero. `puts(core)`: how many items were put into the store, ever; one that somebody
 * has taken is in it when the take is known to the caller. `advice`: see waiting.h. */
void cc_finished_tasks_begin(cc_finished_tasks *tasks, uint64_t (*puts)(const void *core),
                             const void *core, const char *advice);

/* Computes the sum. */
uint64_t cc_finished_tasks_look(cc_finished_tasks *tasks);

/* One task more is finished; false: there is none left. The caller then tells those who join. */
static inline bool cc_finished_tasks_count(cc_finished_tasks *tasks) {
    uint64_t finished = cc_load_seq_cst_u64(&tasks->finished);
    do {
        uint64_t seen = cc_load_relaxed_u64(&tasks->puts_seen);
        bool is_known = (int64_t)((seen - finished) << CC_FAILURE_BITS) > 0;
        if (!is_known && cc_finished_tasks_look(tasks) <= finished) {
            return false;
        }
    } while (!cc_cas_seq_cst_u64(&tasks->finished, &finished, finished + 1));
    return true;
}

/* The slow half of cc_finished_tasks_tell. */
void cc_finished_tasks_tell_joiners(cc_finished_tasks *tasks);

/* Wake those who join, if all is finished, and what made it so was a read-modify-write. Not with an
 * exception set. */
static inline void cc_finished_tasks_tell(cc_finished_tasks *tasks) {
    cc_fence_seq_cst_after_rmw(&tasks->all_finished.event.fence);
    if (cc_load_relaxed_u32(&tasks->all_finished.event.waiters)) {
        cc_finished_tasks_tell_joiners(tasks);
    }
}

/* After a put that has perhaps been counted for a while, and is not any more. */
void cc_finished_tasks_put_failed(cc_finished_tasks *tasks);

/* Wait until all is finished, or until the deadline (waiting.h). 1; 0: the time is over, and not
 * all was finished at the last look; -1 with what has been raised meanwhile. */
int cc_finished_tasks_join(cc_finished_tasks *tasks, uint64_t deadline);

/* Items that were put and are not finished. */
uint64_t cc_finished_tasks_left(const cc_finished_tasks *tasks);

#endif
