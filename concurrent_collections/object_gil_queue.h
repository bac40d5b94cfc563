/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Queues that the GIL protects: the table of a store (object_store.h) over a FIFO for one thread at
 * a time (csrc/queue/fifo.h). Builds of CPython without a GIL do not have it.
 *
 * What a caller may rely on
 *
 *   As queue.h promises, and more exactly: a put or a take is one step for all other threads. FULL:
 *   there were as many words as there may be; EMPTY: there was none. The length is exact at all
 *   times, and never above the bound, unless that has been lowered below it.
 *   Overwriting is one step, too, and never FULL. If it says NO_MEMORY nothing has been taken.
 *
 * Progress. An operation takes no lock and waits for nobody: O(1) steps of the thread that has the
 * GIL, which its caller has needed anyway to run Python code. (It allocates as fifo.h says.) A
 * thread that the system stops in the middle stops everybody who wants the GIL, as it would with
 * any other algorithm, which it would run with the GIL, too.
 *
 * Why it is right. Every function of a store's table is called by an attached thread, and on such a
 * build that is the one that has the GIL. Nothing in here gives it up: no object is touched, no
 * memory of Python's is allocated, nothing is called back but by `visit` (which takes no turns
 * either) and by `free`, when nobody can reach the queue any more. There is no C API that would
 * let a detached thread in.
 *
 * No wake-up is lost, though a put is no read-modify-write. The look at the count of waiters
 * (cc_place_notify) comes after the put, and both with the GIL, which may be given up in between
 * (tasks may be told of room first). A waiter stands in line and then tries once more, both with
 * the GIL, too: either its try comes after the put, and finds the word, or the look comes after the
 * waiter has come into the line, and finds it. Without the GIL waiters only leave.
 */
#ifndef CC_OBJECT_GIL_QUEUE_H
#define CC_OBJECT_GIL_QUEUE_H

#include "object_queue.h"

#if !defined(Py_GIL_DISABLED)

extern const cc_store_operations cc_gil_queue_operations;

/* The core of such a store, with the bound and the ring_slots (here: words of a chunk) of
 * `options`. NULL: without memory. */
void *cc_gil_queue_new(const cc_queue_options *options);

#endif

#endif
