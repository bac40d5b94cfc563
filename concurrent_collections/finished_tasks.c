/* SPDX-License-Identifier: BSD-3-Clause */
#include "finished_tasks.h"

void cc_finished_tasks_begin(cc_finished_tasks *tasks, uint64_t (*puts)(const void *core),
                             const void *core, const char *advice) {
    tasks->puts = puts;
    tasks->core = core;
    cc_waiting_place_init(&tasks->all_finished, "join", advice, true);
}

static bool is_all_finished(const cc_finished_tasks *tasks) {
    uint64_t finished = cc_load_seq_cst_u64(&tasks->finished);
    return tasks->puts(tasks->core) <= finished;
}

uint64_t cc_finished_tasks_left(const cc_finished_tasks *tasks) {
    uint64_t finished = cc_load_seq_cst_u64(&tasks->finished), puts = tasks->puts(tasks->core);
    return puts > finished ? puts - finished : 0;
}

bool cc_finished_tasks_count(cc_finished_tasks *tasks) {
    uint64_t finished = cc_load_seq_cst_u64(&tasks->finished);
    do {
        /* The sum is not computed while others are known to be unfinished. */
        if (finished >= cc_load_relaxed_u64(&tasks->puts_seen)) {
            uint64_t puts = tasks->puts(tasks->core);
            cc_store_relaxed_u64(&tasks->puts_seen, puts);
            if (finished >= puts) {
                return false;
            }
        }
    } while (!cc_cas_seq_cst_u64(&tasks->finished, &finished, finished + 1));
    return true;
}

void cc_finished_tasks_tell(cc_finished_tasks *tasks) {
    cc_fence_seq_cst(&tasks->all_finished.event.fence);
    if (cc_load_relaxed_u32(&tasks->all_finished.event.waiters) && is_all_finished(tasks)) {
        cc_place_notify_all(&tasks->all_finished);
    }
}

void cc_finished_tasks_put_failed(cc_finished_tasks *tasks) {
    cc_store_relaxed_u64(&tasks->puts_seen, 0); /* it may be too high */
    cc_finished_tasks_tell(tasks);
}

static cc_outcome try_to_join(void *closure) {
    return is_all_finished(closure) ? CC_ATTEMPT_WORKED : CC_ATTEMPT_FAILED;
}

int cc_finished_tasks_join(cc_finished_tasks *tasks) {
    if (!is_all_finished(tasks) &&
        cc_wait_until(&tasks->all_finished, try_to_join, tasks, CC_FOR_EVER) == CC_WAIT_RAISED) {
        return -1;
    }
    return 0;
}
