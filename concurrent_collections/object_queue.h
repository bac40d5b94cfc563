/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Queues of Python objects: a cc_queue (csrc/queue) whose words are references, three waiting places
 * (waiting.h), and the count of finished tasks. What object_map.h is for ordered
 * containers, this is for queues.
 *
 * An item is handed over with its reference: put takes one, get returns that very one, and nothing in between
 * touches the object. Only get and put read a word, and exactly one get wins it.
 *
 * Every function needs an attached thread state. Those that wait detach while they sleep, and nowhere else. When
 * an exception is set nothing has happened, unless said otherwise.
 *
 * Tasks of event loops wait through foreign waiters (event_count.h). Telling a loop is Python's business: see
 * `deliver` in waiting.h, and queue_tasks.pxi.
 */
#ifndef CC_OBJECT_QUEUE_H
#define CC_OBJECT_QUEUE_H

#include <Python.h>

#include "queue/queue.h"
#include "waiting.h"

typedef struct cc_object_queue cc_object_queue;

/* The exceptions. Called once, when the module is made. */
void cc_object_queues_begin(PyObject *empty, PyObject *full, PyObject *shut_down);

cc_object_queue *cc_object_queue_new(cc_queue_kind kind, const cc_queue_options *options);
/* Runs foreign code (finalizers of the items). NULL is nothing. */
void cc_object_queue_free(cc_object_queue *q);

/* ---- items ---- */

/* 0, or -1: Full, ShutDown, or what a signal's handler has raised. */
int cc_object_queue_put(cc_object_queue *q, PyObject *item, uint64_t deadline);
/* 1; 0: it is full; -1: ShutDown. */
int cc_object_queue_try_put(cc_object_queue *q, PyObject *item);
/* NULL: Empty, ShutDown, or what a signal's handler has raised; never with an item in hand. */
PyObject *cc_object_queue_get(cc_object_queue *q, uint64_t deadline);
/* A new reference to `otherwise` when there is nothing; NULL: ShutDown. */
PyObject *cc_object_queue_try_get(cc_object_queue *q, PyObject *otherwise);
/* Into an empty list: 1 to `most` items; waits for the first one only. 0, or -1: when that is not an exception of `get` it is what
 * the interpreter has raised in between, and the list has what was taken by then. */
int cc_object_queue_get_many(cc_object_queue *q, PyObject *list, Py_ssize_t most,
                             uint64_t deadline);
/* Into an empty list: what is there, at most `most` items; `most` negative: all that were there when it began. 0 or -1, as above. */
int cc_object_queue_drain(cc_object_queue *q, PyObject *list, Py_ssize_t most);
/* Drop what is there, as finished tasks. 0, or -1 with some of them dropped. */
int cc_object_queue_clear(cc_object_queue *q);

/* Calls of put, put_nowait, try_put, get, get_nowait and try_get with nothing but the item go straight to the
 * functions above; all others go on to the methods that `type` has. Those take and drop a reference to each argument,
 * which for an item that another thread has made costs as much as the queue. `offset`: where an instance has its
 * cc_object_queue * (a cc_atomic_uptr). Called once, before the type has instances. 0, or -1. */
int cc_object_queue_install_methods(PyTypeObject *type, Py_ssize_t offset);

/* Give the type coroutine functions as methods, which an extension type cannot define. 0, or -1. */
int cc_object_queue_install_coroutines(PyTypeObject *type, PyObject *async_get,
                                       PyObject *async_put);

/* ---- tasks and the end ---- */

int cc_object_queue_task_done(cc_object_queue *q);
int cc_object_queue_join(cc_object_queue *q);
uint64_t cc_object_queue_unfinished(cc_object_queue *q);
/* 0; -1: MemoryError, or what a signal's handler has raised; it is shut down, and another call can drop what is left. */
int cc_object_queue_shut_down(cc_object_queue *q, int immediate);

/* ---- what there is to know ---- */

size_t cc_object_queue_bytes(const cc_object_queue *q);
const cc_queue *cc_object_queue_core(const cc_object_queue *q);

/* ---- for tasks ---- */

enum { CC_FOR_AN_ITEM, CC_FOR_ROOM };

/* Put a foreign waiter into the line; the line takes over a reference to its owner until the waiter is notified or
 * leaves. */
void cc_object_queue_enqueue_task(cc_object_queue *q, cc_waiter *waiter, int what, int keep_turn);
/* Leave it; 1: with a notification, for the caller to follow or to pass on. */
int cc_object_queue_leave_task(cc_waiter *waiter);
/* The notification of a waiter that does not follow it goes to the next one. */
void cc_object_queue_pass_on(cc_object_queue *q, int what);

/* ---- for tests (test_hooks.h) ---- */

#if defined(CC_TEST_HOOKS)
/* How often a thread has fallen asleep in this queue, an instance of _Queue. */
uint64_t cc_object_queue_sleeps(PyObject *queue);
#endif

/* ---- for the garbage collector ---- */

int cc_object_queue_traverse(cc_object_queue *q, visitproc visit, void *argument);
void cc_object_queue_clear_for_gc(cc_object_queue *q);

#endif
