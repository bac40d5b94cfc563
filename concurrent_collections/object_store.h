/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Stores of Python objects: containers that objects are put into, and from which a get takes the
 * one whose turn it is. Which one that is, the store's core knows: a queue, a stack, a priority
 * queue.
 *
 * A new kind of store fills in a table (cc_store_operations) over a core that holds words. It gets
 * everything below for nothing: waiting threads and tasks, timeouts, many at once, task_done and
 * join, shutdown, garbage collection, fast methods. object_queue.c, object_gil_queue.c and
 * object_stack.c are such tables.
 *
 * What a caller may rely on
 *
 *   References. An item is handed over with its reference: put takes one, get returns that very
 *   one, and nothing in between touches the object. Only get and put read a word, and exactly one
 *   get wins it. (A store whose items can be looked at while they are inside sees to that itself:
 *   stack.h.)
 *
 *   Exceptions. When one is set nothing has happened, unless said otherwise. An item in hand is
 *   always returned.
 *
 *   Progress. A put and a get take effect by the core's own promise before they look whether
 *   anybody waits; that look is one load unless somebody does.
 *
 * Every function needs an attached thread state. Those that wait detach while they sleep, and
 * nowhere else.
 *
 * Waiting. A store has two places (waiting.h): get waits in one for an item, put in the other for
 * room. join waits in the one of finished_tasks.h.
 */
#ifndef CC_OBJECT_STORE_H
#define CC_OBJECT_STORE_H

#include <Python.h>

#include "waiting.h"

typedef enum cc_store_status {
    CC_STORE_OK,
    CC_STORE_EMPTY, /* take: there was nothing to take at one moment during the call */
    CC_STORE_FULL,  /* put: there was no room at one moment during the call */
    CC_STORE_CLOSED, /* put: it is closed; take: it is closed, and there will never be a word */
    CC_STORE_NO_MEMORY /* nothing has happened */
} cc_store_status;

/* What a core of words can do. It never calls back, but for `visit` and `release` (and a take may
 * release, at its very end, what somebody has looked at while it was taken); it does not know what
 * a word means; no word is 0. The caller of `put` or `take` can be held up for a moment where
 * that is good for throughput; that of `put_now` or `take_now`, an event loop perhaps, cannot. */
typedef struct cc_store_operations {
    /* OK, FULL, CLOSED or NO_MEMORY; unless OK the word stays the caller's. OK is brought about by
     * a read-modify-write (cc_event_notify), unless the GIL orders all (object_gil_queue.h). */
    cc_store_status (*put)(void *core, uintptr_t word);
    cc_store_status (*put_now)(void *core, uintptr_t word);
    /* OK, EMPTY, CLOSED or NO_MEMORY; the same. */
    cc_store_status (*take)(void *core, uintptr_t *word);
    cc_store_status (*take_now)(void *core, uintptr_t *word);
    /* OK, FULL, CLOSED or NO_MEMORY: cc_queue_put_overwriting. NULL: this store cannot. */
    cc_store_status (*put_overwriting)(void *core, uintptr_t word, uintptr_t *oldest);
    /* From now on no put begins to succeed. Idempotent. */
    void (*close)(void *core);
    bool (*is_closed)(const void *core);
    /* Exact while nobody is at work, never above the capacity. */
    size_t (*length)(const void *core);
    size_t (*capacity)(const void *core); /* 0: any number */
    /* One caller at a time; 0: any number. Brought about by a read-modify-write. False: this store
     * cannot, and nothing has happened. One that was made without a bound never can. */
    bool (*set_capacity)(void *core, size_t capacity);
    /* Successful puts, ever. One whose word somebody has taken is in it when the take is known to
     * the caller; one that will say CLOSED or NO_MEMORY may be for a while. */
    uint64_t (*puts)(const void *core);
    /* For every word, while nobody else runs. Stop when `visit` answers other than 0; return
     * that. */
    int (*visit)(const void *core, int (*visit)(uintptr_t word, void *argument), void *argument);
    /* Nobody uses it any more. `release`, for every word in it, may run foreign code. Chains of
     * stores need no stack (memory/deferred.h). */
    void (*free)(void *core, void (*release)(uintptr_t word));
    size_t (*bytes)(const void *core); /* allocated for it now */
    /* To who would stop an event loop by waiting (RuntimeWarning). */
    const char *advice_get, *advice_put, *advice_join;
} cc_store_operations;

typedef struct cc_object_store cc_object_store;

/* The exceptions, and what tasks try that get or put many at once: attempts of a cc_waitable whose
 * closure is the store. Called once, when the module is made. */
typedef int (*cc_task_attempt)(void *closure, PyObject *argument, PyObject **result);
void cc_object_stores_begin(PyObject *empty, PyObject *full, PyObject *shut_down,
                            cc_task_attempt get_many, cc_task_attempt put_many);

/* Takes over the core. NULL: MemoryError, and the core is gone; also when `core` is NULL. */
cc_object_store *cc_object_store_new(const cc_store_operations *operations, void *core);
/* Runs foreign code (finalizers of the items). NULL is nothing. */
void cc_object_store_free(cc_object_store *s);

/* ---- items ---- */

/* 0, or -1: Full, ShutDown, or what a signal's handler has raised. */
int cc_object_store_put(cc_object_store *s, PyObject *item, uint64_t deadline);
/* 1; 0: it is full; -1: ShutDown. */
int cc_object_store_try_put(cc_object_store *s, PyObject *item);
/* Put it, if need be in the place of the oldest item. 1: that is *oldest, a finished task; 0: there
 * was room. -1: ShutDown, MemoryError, or what a signal's handler has raised; with *oldest other
 * than NULL if that has been taken all the same. Only of stores that can. Waits for others that
 * are in the middle of a put or get: a moment, unless their processor has been taken from them. */
int cc_object_store_put_overwriting(cc_object_store *s, PyObject *item, PyObject **oldest);
/* NULL: Empty, ShutDown, or what a signal's handler has raised; never with an item in hand. */
PyObject *cc_object_store_get(cc_object_store *s, uint64_t deadline);
/* A new reference to `otherwise` when there is nothing; NULL: ShutDown. */
PyObject *cc_object_store_try_get(cc_object_store *s, PyObject *otherwise);
/* Into an empty list: 1 to `most` items; waits for the first one only. 0, or -1: when that is not
 * an exception of `get` it is what the interpreter has raised in between, and the list has what was
 * taken by then. */
int cc_object_store_get_many(cc_object_store *s, PyObject *list, Py_ssize_t most,
                             uint64_t deadline);
/* The same without waiting, and without letting the interpreter in: `most` is not large. 1; 0:
 * there is nothing now; -1. */
int cc_object_store_get_many_now(cc_object_store *s, PyObject *list, Py_ssize_t most);
/* Into an empty list: what is there, at most `most` items; `most` negative: all that were there
 * when it began. 0 or -1, as above. */
int cc_object_store_drain(cc_object_store *s, PyObject *list, Py_ssize_t most);
/* Drop what is there, as finished tasks. 0, or -1 with some of them dropped. */
int cc_object_store_clear(cc_object_store *s);

/* ---- finished tasks and the end ---- */

int cc_object_store_task_done(cc_object_store *s);
/* 1; 0: the time is over; -1. */
int cc_object_store_join(cc_object_store *s, uint64_t deadline);
uint64_t cc_object_store_unfinished(const cc_object_store *s);
/* 0; -1: MemoryError, or what a signal's handler has raised; it is shut down, and another call can
 * drop what is left. */
int cc_object_store_shut_down(cc_object_store *s, int immediate);

/* ---- what there is to know ---- */

bool cc_object_store_is_closed(const cc_object_store *s);
size_t cc_object_store_length(const cc_object_store *s);
size_t cc_object_store_capacity(const cc_object_store *s);
/* Change the bound, beside all other operations. *more: how many places are new, for
 * cc_object_store_tell_of_room. False: this store cannot. One caller at a time; runs no foreign
 * code. */
bool cc_object_store_set_capacity(cc_object_store *s, size_t capacity, uint64_t *more);
/* Those in line for room may try again, as many as there are places. */
void cc_object_store_tell_of_room(cc_object_store *s, uint64_t more);
size_t cc_object_store_bytes(const cc_object_store *s);
const void *cc_object_store_core(const cc_object_store *s);
/* Was it made with this table? */
bool cc_object_store_has_table(const cc_object_store *s, const cc_store_operations *operations);

/* ---- for tasks ---- */

/* In this order: _async_queue.py says 0 to 4. The argument of the attempt is: none; the item; none;
 * how many items at most; what many_tasks.pxi makes of the items. */
enum { CC_FOR_AN_ITEM, CC_FOR_ROOM, CC_FOR_ALL_FINISHED, CC_FOR_ITEMS, CC_FOR_ROOM_FOR_MANY };

/* How many threads and tasks are in line for an item, or for room. */
uint32_t cc_object_store_waiting(const cc_object_store *s, int what);

/* What a task waits for that wants this. */
cc_waitable cc_object_store_waitable(cc_object_store *s, int what);

/* ---- the type ---- */

/* Calls of the commonest methods with nothing but the item go straight to the functions above (put,
 * put_nowait, try_put, get, get_nowait, try_get; push, pop, try_pop, which do not wait); all others
 * go on to the methods that `type` has. Those take and drop a reference to each argument, which for
 * an item that another thread has made costs as much as the store. `offset`: where an instance has
 * its cc_object_store * (a cc_atomic_uptr), the same in all types. Called once for each base class
 * of stores, before it has instances. 0, or -1. */
int cc_object_store_install_methods(PyTypeObject *type, Py_ssize_t offset);

/* Give the type a coroutine function as a method, which an extension type cannot define. 0, or
 * -1. */
int cc_object_store_install_coroutine(PyTypeObject *type, const char *name, PyObject *coroutine);

/* ---- for the garbage collector; NULL is nothing ---- */

int cc_object_store_traverse(cc_object_store *s, visitproc visit, void *argument);
void cc_object_store_clear_for_gc(cc_object_store *s);

/* ---- for tests (test_hooks.h) ---- */

#if defined(CC_TEST_HOOKS)
/* How often a thread has fallen asleep in this store, an instance of the type above. */
uint64_t cc_object_store_sleeps(PyObject *store);
#endif

#endif
