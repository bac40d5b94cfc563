/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Waiting places: where threads and tasks wait until a container has what they want.
 *
 * What a waiting call may rely on
 *
 *   Nothing has happened in a call that raises. Before every attempt that follows a sleep the
 *   thread does what the interpreter does between two bytecodes: handlers of signals, asynchronous
 *   exceptions. If one of them raises, no attempt is made any more, and a notification that the
 *   thread had received goes on to the next in line. A signal that arrives after that look does not
 *   undo the attempt: the call returns what it has got, and the interpreter runs the handler right
 *   after the call.
 *
 *   A place in line is kept until the wait ends. A waiter that wakes without finding an item keeps
 *   its place: after time slices, signals whose handlers return, spurious wake-ups, and
 *   notifications whose item somebody else has taken. (Where all are notified at once there are no
 *   places to keep.)
 *
 *   Timeouts are never shorter than asked for.
 *
 *   A thread whose event loop of asyncio is running is warned before it falls asleep
 *   (RuntimeWarning), since all of its tasks would stand still; in asyncio's debug mode that is an
 *   error, and nothing has happened.
 *
 * Use
 *
 *   Threads:   if (try() fails)                the first attempt is the caller's: fast, inline
 *                  switch (cc_wait_until(place, attempt, closure, deadline)) ...
 *
 *   Tasks:     the container fills in a cc_waitable; _TaskWait (tasks.pxi) waits for any of them.
 *
 *   Whoever brings about what others wait for calls cc_place_notify(place), after it has changed
 *   the container.
 *
 * A place whose event count hands credits over (event_count.h): a notification is all that a waiter
 * wants, and nobody in line tries. A task's result is True there.
 *
 * csrc/sync/event_count.c has the protocol, and why no wake-up is lost. Every function needs an
 * attached thread state. cc_wait_until detaches while it sleeps.
 */
#ifndef CC_WAITING_H
#define CC_WAITING_H

#include <Python.h>

#include "sync/event_count.h"

typedef struct cc_waiting_place {
    cc_event_count event; /* first: its count is read by whoever changes the container */
    const char *call;     /* the method that waits here, for messages */
    const char *advice;   /* to who would stop an event loop by waiting here */
    bool all_at_once;     /* notifications are for all in line, not for one */
    cc_atomic_u32 spins;  /* pauses before the next sleep; learned */
    cc_atomic_u32 short_sleeps;
#if defined(CC_TEST_HOOKS)
    cc_atomic_u64 sleeps; /* of threads, ever */
#endif
} cc_waiting_place;

/* Called once, when the module is made.
 *
 * `deliver` tells a task that it may try again. It takes over a reference to the waiter's owner,
 * leaves no exception set, and returns 1 when the task's loop runs, so that it will try; 0 when it
 * may never run again, so that the next waiter is woken as well.
 *
 * `may_sleep` is asked before a thread stands in line for the first time in a call. 0, or -1 with
 * an exception when it would never wake up; `call` is that of the place.
 *
 * `nothing` is a Python function that does nothing. */
void cc_waiting_begin(int (*deliver)(PyObject *owner), int (*may_sleep)(const char *call),
                      PyObject *nothing);

/* The thread that the interpreter runs signal handlers in: the only one whose sleep they end. */
void cc_waiting_note_main_thread(unsigned long ident);
bool cc_waiting_is_main_thread(void);

/* Is it any use to look for a partner before sleeping? */
bool cc_waiting_may_spin(void);

/* All else is zero. */
void cc_waiting_place_init(cc_waiting_place *place, const char *call, const char *advice,
                           bool all_at_once);

/* ---- how long to wait: a moment of cc_os_now ---- */

#define CC_NOT_AT_ALL ((uint64_t)0)
#define CC_FOR_EVER CC_PARK_FOREVER

/* From the arguments `block` and `timeout` of queue.Queue. 0, or -1. */
int cc_deadline_of(PyObject *block, PyObject *timeout, uint64_t *deadline);

/* From a `timeout` of threading: None is for ever, and what is negative means not at all. 0, or
 * -1. */
int cc_deadline_after(PyObject *timeout, uint64_t *deadline);

/* ---- waiting threads ---- */

typedef enum cc_outcome {
    CC_ATTEMPT_FAILED, /* wait */
    CC_ATTEMPT_WORKED, /* with what one notification was about */
    CC_ATTEMPT_ENDED   /* nothing to wait for any more; others may still need the notification */
} cc_outcome;

typedef enum cc_wait_result {
    CC_WAIT_DONE,      /* an attempt has worked, or ended the wait */
    CC_WAIT_TIMED_OUT, /* the last attempt has failed */
    CC_WAIT_RAISED     /* with an exception; the last attempt has failed */
} cc_wait_result;

/* Wait until `attempt(closure)` does not fail any more, or a credit is handed over. It runs no
 * foreign code. */
cc_wait_result cc_wait_until(cc_waiting_place *place, cc_outcome (*attempt)(void *closure),
                             void *closure, uint64_t deadline);

/* What the interpreter does between two bytecodes: signals' handlers, asynchronous exceptions,
 * pending calls, the collector; and others get a turn. 0, or -1 with what one of these has raised.
 * For loops that would otherwise keep it waiting. */
int cc_let_interpreter_in(void);

/* So many items of a bulk loop lie between two looks; tests want fewer. */
#ifndef CC_ITEMS_PER_LOOK
#define CC_ITEMS_PER_LOOK 1024
#endif

/* ---- waiting tasks ---- */

/* What an attempt of a task comes to, but for an exception. */
enum { CC_NOT_NOW, CC_HAS_WORKED, CC_ANOTHER_TURN };

/* What a task of an event loop waits for: a place in line, and an attempt that never waits. It is
 * good as long as the container lives that has filled it in. */
typedef struct cc_waitable {
    cc_waiting_place *place;
    /* CC_HAS_WORKED, 1: *result, NULL before, may have a new reference, the task's result.
     * CC_NOT_NOW, 0. CC_ANOTHER_TURN: it has worked in part, and goes on when other tasks of the
     * loop have had a turn. -1: with an exception, and there is nothing to wait for. `argument` is
     * what the task was made with. */
    int (*attempt)(void *closure, PyObject *argument, PyObject **result);
    void *closure;
} cc_waitable;

/* A foreign waiter stands in line, or goes back to the place that it had. The line takes over a
 * reference to its owner until the waiter is notified or leaves. True: it has been handed a credit
 * at once, nobody will tell it, and it leaves. */
bool cc_place_enqueue_task(cc_waiting_place *place, cc_waiter *task);

/* It leaves. CC_NOTIFIED: with a notification, which it follows, or passes on by
 * cc_place_pass_on. Unless it is CC_LEFT, `task` is in the hands of whoever has taken it out of the
 * line, and must not go back before its owner has been told. */
cc_leaving cc_place_leave_task(cc_waiter *task);

/* For the containers' tp_traverse and tp_clear: the tasks in line. */
int cc_place_traverse(cc_waiting_place *place, visitproc visit, void *argument);
void cc_place_clear_for_gc(cc_waiting_place *place);

/* ---- notifying ---- */

/* A task has been taken out of the line, and is told; if it may never try, the next one is, too. */
void cc_place_tell(cc_waiting_place *place, cc_waiter *task);

/* The next in line may try again. May run Python code, when that is a task; never with an exception
 * set. */
static inline void cc_place_notify(cc_waiting_place *place) {
    cc_waiter *task = cc_event_notify(&place->event);
    if (task) {
        cc_place_tell(place, task);
    }
}

/* A notification is not followed: it goes to the next in line, with what it has brought; where all
 * are notified at once, everybody has had one. As cc_place_notify. */
static inline void cc_place_pass_on(cc_waiting_place *place) {
    cc_waiter *task = place->all_at_once ? NULL : cc_event_pass_on(&place->event);
    if (task) {
        cc_place_tell(place, task);
    }
}

static inline bool cc_place_hands_over(const cc_waiting_place *place) {
    return place->event.hands_over != NULL;
}

void cc_place_notify_all(cc_waiting_place *place);

/* From now on every attempt ends the wait. All tasks are told; of the threads, a few, each of which
 * then wakes the next one: thousands that wake up at once would only wait for each other. */
void cc_place_notify_end(cc_waiting_place *place);

/* Keep what is raised out of the way of code that must not run beside it. */
typedef struct cc_raised {
    PyObject *type, *value, *traceback;
} cc_raised;

static inline cc_raised cc_put_aside(void) {
    cc_raised r;
    PyErr_Fetch(&r.type, &r.value, &r.traceback);
    return r;
}

static inline void cc_raise_again(cc_raised r) {
    PyErr_Restore(r.type, r.value, r.traceback);
}

/* In builds for tests (test_hooks.h): waiting threads call what has been set, with the name of the
 * moment; None: nothing. */
#if defined(CC_TEST_HOOKS)
void cc_waiting_set_test_hook(PyObject *callable);
void cc_let_tests_in(const char *moment);
#else
static inline void cc_let_tests_in(const char *moment) {
    (void)moment;
}
#endif

#endif
