/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Waiting for the locks of nodes, for containers that only ever try to take them.
 *
 *     cc_lock_wait wait = {.looks = 0};
 *     while (!everything is locked) {
 *         ... give back what is, close the region ...
 *         cc_wait_for_lock(line, &wait, words);
 *     }
 *     ...
 *     cc_end_lock_wait(line, &wait);
 *
 * Promises. Who has found a lock taken, and has given back his own, pauses and tries the whole
 * operation again; after LOOKS_BEFORE_SLEEP times he stands in line (event_count.h), tries once
 * more, and sleeps. Who gives locks back wakes all who stand in line: which of them can go on only
 * another try can tell. So a notification is not passed on: all in line have had it.
 *
 * Pairs of releases and acquires: those of event_count.h. The fence that comes between giving a
 * lock back and looking at the line is the container's: what it must be depends on how locks are
 * given back.
 */
#ifndef CC_LOCK_WAIT_H
#define CC_LOCK_WAIT_H

#include "../sync/event_count.h"
#include "concurrent_collections/cc_backoff.h"
#include "search.h"

#ifndef LOOKS_BEFORE_SLEEP
#define LOOKS_BEFORE_SLEEP 8u
#endif

/* One operation's wait. Zero at its beginning. */
typedef struct cc_lock_wait {
    cc_waiter waiter;
    uint32_t looks;
    bool in_line;
} cc_lock_wait;

static inline void cc_sleep_for_lock(void *waiter) {
    cc_waiter_sleep(waiter, 0, CC_PARK_FOREVER);
}

/* The operation stands in line no more. */
static inline void cc_end_lock_wait(cc_event_count *line, cc_lock_wait *w) {
    if (w->in_line) {
        cc_waiter_leave(&w->waiter);
        w->in_line = false;
        /* For schedules: no store is late when its memory is gone. */
        cc_fence_seq_cst(&line->fence);
    }
}

/* After a try that has found a lock taken: wait for a moment, and let the caller try again. Outside
 * of regions. Sleeps as `words` say, so that nobody has to wait for the sleeper; NULL: as it is,
 * for who has other locks in hand. */
static inline void cc_wait_for_lock(cc_event_count *line, cc_lock_wait *w,
                                    const cc_word_table *words) {
    if (w->looks < LOOKS_BEFORE_SLEEP) {
        cc_backoff pauses = cc_backoff_start(CC_BACKOFF_FIRST << w->looks++, CC_BACKOFF_CEILING);
        cc_backoff_step(&pauses);
    } else if (!w->in_line) {
        cc_waiter_init(&w->waiter, CC_WAITER_THREAD, NULL);
        cc_waiter_enqueue(line, &w->waiter, false); /* has the fence */
        w->in_line = true;
    } else {
        if (words && words->while_asleep) {
            words->while_asleep(cc_sleep_for_lock, &w->waiter);
        } else {
            cc_sleep_for_lock(&w->waiter);
        }
        cc_end_lock_wait(line, w);
    }
}

/* Locks have been given back, before a fence: wake those who stand in line. When the region is
 * closed, and before any foreign code runs. */
static inline void cc_wake_for_locks(cc_event_count *line) {
    if (cc_load_relaxed_u32(&line->waiters)) {
        cc_event_notify_all(line);
    }
}

#endif
