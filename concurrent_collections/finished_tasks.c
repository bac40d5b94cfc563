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

uint64_t cc_finished_tasks_look(cc_finished_tasks *tasks) {
    uint64_t seen = cc_load_acquire_u64(&tasks->puts_seen), puts; /* pairs with (1) */
    do {
        puts = tasks->puts(tasks->core);
    } while (!cc_cas_acq_rel_u64(&tasks->puts_seen, &seen,
                                 (seen & ~CC_PUTS_SEEN) | (puts & CC_PUTS_SEEN)));
    return puts;
}

void cc_finished_tasks_tell_joiners(cc_finished_tasks *tasks) {
    if (is_all_finished(tasks)) {
        cc_place_notify_all(&tasks->all_finished);
    }
}

void cc_finished_tasks_put_failed(cc_finished_tasks *tasks) {
    uint64_t finished = cc_load_seq_cst_u64(&tasks->finished) & CC_PUTS_SEEN;
    uint64_t seen = cc_load_relaxed_u64(&tasks->puts_seen);
    while (!cc_cas_acq_rel_u64(&tasks->puts_seen, &seen, /* (1) */
                               (seen & ~CC_PUTS_SEEN) + CC_PUTS_SEEN + 1 + finished)) {
    }
    cc_finished_tasks_tell(tasks);
}

static cc_outcome try_to_join(void *closure) {
    return is_all_finished(closure) ? CC_ATTEMPT_WORKED : CC_ATTEMPT_FAILED;
}

int cc_finished_tasks_join(cc_finished_tasks *tasks, uint64_t deadline) {
    if (is_all_finished(tasks)) {
        return 1;
    }
    if (deadline == CC_NOT_AT_ALL) {
        return 0;
    }
    cc_wait_result result = cc_wait_until(&tasks->all_finished, try_to_join, tasks, deadline);
    return result == CC_WAIT_RAISED ? -1 : result == CC_WAIT_DONE;
}
