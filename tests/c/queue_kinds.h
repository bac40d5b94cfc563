/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The kinds of queues, for tests that run on all of them.
 */
#ifndef CC_TEST_QUEUE_KINDS_H
#define CC_TEST_QUEUE_KINDS_H

#include "check.h"

#include "queue/queue.h"

typedef struct queue_kind {
    cc_queue_kind kind;
    const char *name;
} queue_kind;

static const queue_kind all_queue_kinds[] UNUSED = {
    {CC_QUEUE_SCQ, "SCQ"},       {CC_QUEUE_FAA, "FAAArrayQueue"},
    {CC_QUEUE_LCRQ, "LCRQ"},     {CC_QUEUE_WAIT_FREE, "wait-free"},
    {CC_QUEUE_CRTURN, "CRTurn"},
};

/* Calls `test` for every kind that this machine has. */
static inline UNUSED void for_every_kind(void (*test)(const queue_kind *kind)) {
    for (size_t i = 0; i < sizeof all_queue_kinds / sizeof *all_queue_kinds; i++) {
        if (cc_queue_kind_is_available(all_queue_kinds[i].kind)) {
            test(&all_queue_kinds[i]);
        }
    }
}

/* Without burst back-off (csrc/queue/burst_backoff.h) unless it is asked for: it keeps threads out
 * of each other's way, which is where tests want them to be. */
static inline UNUSED cc_queue *queue_of(const queue_kind *kind, cc_queue_options options) {
    if (options.backoff_wait == 0) {
        options.backoff_wait = 1;
    }
    cc_queue *queue = cc_queue_new(kind->kind, &options);
    CHECK(queue);
    return queue;
}

#endif
