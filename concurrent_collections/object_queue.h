/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Queues of Python objects: a cc_queue (csrc/queue) as the core of a store (object_store.h), which
 * has all the rest.
 */
#ifndef CC_OBJECT_QUEUE_H
#define CC_OBJECT_QUEUE_H

#include "object_store.h"
#include "queue/queue.h"

/* NULL: MemoryError. */
cc_object_store *cc_object_queue_new(cc_queue_kind kind, const cc_queue_options *options);

/* What a store that was made by cc_object_queue_new is made of. */
const cc_queue *cc_object_queue_core(const cc_object_store *s);

#endif
