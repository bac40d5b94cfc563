/* SPDX-License-Identifier: BSD-3-Clause */
#include "semaphore.h"

void cc_semaphore_begin(cc_semaphore *s, cc_event_count *line, uint64_t value, uint64_t most,
                        bool is_fair) {
    CC_INVARIANT(value <= most && most <= CC_MOST_PERMITS);
    cc_credits_begin_some(&s->permits, value, most);
    s->line = line;
    s->is_fair = is_fair;
    if (is_fair) {
        cc_event_hand_over_credits(line, &s->permits);
    }
}

cc_waiter *cc_semaphore_wake_slowly(cc_semaphore *s, uint64_t *n) {
    /* The caller's one fence is enough for all: who gets in line after it finds the permits. So
     * nothing is left to do when the line is empty, however many have been given. */
    while (*n && cc_load_relaxed_u32(&s->line->waiters)) {
        --*n;
        cc_waiter *foreign = cc_event_notify_slowly(s->line);
        if (foreign) {
            return foreign;
        }
    }
    return NULL;
}
