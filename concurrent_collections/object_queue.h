/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Queues of Python objects: a cc_queue (csrc/queue) or, on builds with a GIL, what the GIL protects
 * (object_gil_queue.h) as the core of a store (object_store.h), which has all the rest.
 */
#ifndef CC_OBJECT_QUEUE_H
#define CC_OBJECT_QUEUE_H

#include "object_store.h"
#include "queue/queue.h"

/* What is behind a queue. */
typedef enum cc_object_queue_kind {
    CC_OBJECT_QUEUE_SCQ, /* these four: queue.h */
    CC_OBJECT_QUEUE_FAA,
    CC_OBJECT_QUEUE_LCRQ,
    CC_OBJECT_QUEUE_WAIT_FREE,
    CC_OBJECT_QUEUE_GIL
} cc_object_queue_kind;

/* Do this machine and this build of CPython have it? */
bool cc_object_queue_is_available(cc_object_queue_kind kind);

/* Of a kind that is available. NULL: MemoryError. */
cc_object_store *cc_object_queue_new(cc_object_queue_kind kind, const cc_queue_options *options);

/* Of what cc_object_queue_new has made: "gil", or as cc_queue_backend. */
const char *cc_object_queue_backend(const cc_object_store *s);

/* The same: cc_queue_is_wait_free; true for "gil", of whoever has the GIL. */
bool cc_object_queue_is_wait_free(const cc_object_store *s);

/* The same: cc_queue_get_statistics; of "gil" nothing but puts and gets. */
void cc_object_queue_get_statistics(const cc_object_store *s, cc_queue_statistics *out);

/* To who would stop an event loop by waiting in a queue: in the tables of all kinds. */
#define CC_QUEUE_ADVICE                                                                            \
    .advice_get = "waiting for an item stops the event loop that runs in this thread; "            \
                  "use `await queue.async_get()`",                                                 \
    .advice_put = "waiting for room stops the event loop that runs in this thread; "               \
                  "use `await queue.async_put(item)`",                                             \
    .advice_join = "join() stops the event loop that runs in this thread; "                        \
                   "use `await queue.async_join()`"

#endif
