/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Finished tasks: what task_done() counts and join() waits for.
 *
 * What a caller may rely on
 *
 *   join returns at a moment when every item that had been put was finished, or when there was such
 *   a moment during the call.
 *   task_done refuses what is one too many. (Only while a put is about to fail, since the store is
 *   shut down or without memory, may one too many get through; or later, once for each such put.)
 *
 * How it counts
 *
 *   The store counts its puts, before it publishes them; here is one counter of finished tasks, and
 *   nobody else pays. All is finished at the moment when that counter was read if the store's sum,
 *   read after it, is not greater: every count in the sum is at least what it was at that moment,
 *   and there are never more finished tasks than puts.
 *   A put that has counted itself and then fails makes the sum too high for a while. It takes that
 *   back, and then says so: cc_finished_tasks_put_failed.
 *
 * Progress: counting is lock-free. O(threads), for the sum.
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
    cc_atomic_u64 puts_seen; /* what the last one to look has seen of the sum */
} cc_finished_tasks;

/* All else is zero. `puts(core)`: how many items were put into the store, ever; one that somebody
 * has taken is in it when the take is known to the caller. `advice`: see waiting.h. */
void cc_finished_tasks_begin(cc_finished_tasks *tasks, uint64_t (*puts)(const void *core),
                             const void *core, const char *advice);

/* One task more is finished; false: there is none left. The caller then tells those who join. */
bool cc_finished_tasks_count(cc_finished_tasks *tasks);

/* Wake those who join, if all is finished. Not with an exception set. */
void cc_finished_tasks_tell(cc_finished_tasks *tasks);

/* After a put that has perhaps been counted for a while, and is not any more. */
void cc_finished_tasks_put_failed(cc_finished_tasks *tasks);

/* Wait until all is finished. 0, or -1 with what has been raised meanwhile. */
int cc_finished_tasks_join(cc_finished_tasks *tasks);

/* Items that were put and are not finished. */
uint64_t cc_finished_tasks_left(const cc_finished_tasks *tasks);

#endif
