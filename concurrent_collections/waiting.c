/* SPDX-License-Identifier: BSD-3-Clause */
#include "waiting.h"

#include <math.h>

#include "concurrent_collections/cc_backoff.h"

static int (*deliver)(PyObject *owner);
static int (*may_sleep)(const char *call);
static PyObject *nothing;
static cc_atomic_u64 main_thread;
static unsigned cpu_count = 1;

void cc_waiting_begin(int (*deliver_)(PyObject *owner), int (*may_sleep_)(const char *call),
                      PyObject *nothing_) {
    deliver = deliver_;
    may_sleep = may_sleep_;
    nothing = Py_NewRef(nothing_);
    cpu_count = cc_os_cpu_count();
}

void cc_waiting_note_main_thread(unsigned long ident) {
    cc_store_relaxed_u64(&main_thread, ident);
}

bool cc_waiting_is_main_thread(void) {
    return PyThread_get_thread_ident() == cc_load_relaxed_u64(&main_thread);
}

#ifdef Py_GIL_DISABLED
#define MAY_SPIN (cpu_count > 1)
#else
#define MAY_SPIN                                                                                   \
    0 /* who spins may keep the partner off its processor and gains nothing for the GIL */
#endif

bool cc_waiting_may_spin(void) {
    return MAY_SPIN;
}

void cc_waiting_place_init(cc_waiting_place *place, const char *call, const char *advice,
                           bool all_at_once) {
    cc_event_count_init(&place->event);
    place->call = call;
    place->advice = advice;
    place->all_at_once = all_at_once;
}

/* ---------------------------------------------------------------- deadlines */

/* Of a timeout that is not None. 0, or -1: it is no number. */
static int seconds_of(PyObject *timeout, double *result) {
    double seconds = PyFloat_AsDouble(timeout);
    if (seconds == -1.0 && PyErr_Occurred()) {
        if (PyErr_ExceptionMatches(PyExc_OverflowError)) { /* an int that no float holds */
            PyErr_Clear();
            PyObject *zero = PyLong_FromLong(0);
            int is_negative = zero ? PyObject_RichCompareBool(timeout, zero, Py_LT) : -1;
            Py_XDECREF(zero);
            if (is_negative < 0) {
                return -1;
            }
            seconds = is_negative ? -1.0 : HUGE_VAL;
        } else {
            if (PyErr_ExceptionMatches(PyExc_TypeError)) {
                PyErr_Clear();
                PyErr_Format(PyExc_TypeError, "timeout: expected None or a number, got %.200s",
                             Py_TYPE(timeout)->tp_name);
            }
            return -1;
        }
    }
    *result = seconds;
    return 0;
}

static uint64_t deadline_in(double seconds) {
    return seconds <= 0    ? CC_NOT_AT_ALL
           : seconds < 1e9 ? /* 30 years; rounded up: a wait is never shorter than asked for */
               cc_os_now() + (uint64_t)ceil(seconds * 1e9)
                           : CC_FOR_EVER;
}

int cc_deadline_of(PyObject *block, PyObject *timeout, uint64_t *deadline) {
    int waits = block == Py_True ? 1 : PyObject_IsTrue(block);
    double seconds;
    if (waits < 0) {
        return -1;
    }
    *deadline = waits ? CC_FOR_EVER : CC_NOT_AT_ALL;
    if (!waits || timeout == Py_None) {
        return 0;
    }
    if (seconds_of(timeout, &seconds)) {
        return -1;
    }
    if (!(seconds >= 0)) { /* NaN, too */
        PyErr_SetString(PyExc_ValueError, "'timeout' must be a non-negative number");
        return -1;
    }
    *deadline = deadline_in(seconds);
    return 0;
}

int cc_deadline_after(PyObject *timeout, uint64_t *deadline) {
    double seconds = HUGE_VAL;
    if (timeout != Py_None && seconds_of(timeout, &seconds)) {
        return -1;
    }
    if (isnan(seconds)) {
        PyErr_SetString(PyExc_ValueError, "timeout: expected None or a number, got nan");
        return -1;
    }
    *deadline = deadline_in(seconds);
    return 0;
}

/* More than one: each may wait for an interpreter that is busy. */
#ifndef WOKEN_AT_THE_END
#define WOKEN_AT_THE_END 8
#endif

static bool has_passed(uint64_t deadline) {
    return deadline != CC_FOR_EVER && cc_os_now() >= deadline;
}

/* ---------------------------------------------------------------- notifying */

void cc_place_tell(cc_waiting_place *place, cc_waiter *task) {
    while (task && !deliver(task->owner)) {
        task = cc_event_pass_on(&place->event); /* that one may never try: one more */
    }
}

static void tell_all(cc_waiter *task) {
    while (task) {
        cc_waiter *next = task->next; /* the task's own waiter may be gone when it has been told */
        deliver(task->owner);
        task = next;
    }
}

void cc_place_notify_all(cc_waiting_place *place) {
    tell_all(cc_event_notify_all(&place->event));
}

void cc_place_notify_end(cc_waiting_place *place) {
    tell_all(cc_event_take_foreign(&place->event));
    for (int i = 0; i < WOKEN_AT_THE_END; i++) {
        cc_place_notify(place);
    }
}

/* ---------------------------------------------------------------- tasks */

bool cc_place_enqueue_task(cc_waiting_place *place, cc_waiter *task) {
    Py_INCREF((PyObject *)task->owner); /* before somebody can take it out again */
    bool is_notified = cc_waiter_enqueue(&place->event, task, !place->all_at_once);
    if (is_notified) { /* by nobody, who would have the line's reference */
        Py_DECREF((PyObject *)task->owner);
    }
    return is_notified;
}

cc_leaving cc_place_leave_task(cc_waiter *task) {
    PyObject *owner = task->owner;
    cc_leaving met = cc_waiter_leave_line(task);
    if (met == CC_LEFT) { /* else the notifier has the line's reference */
        Py_DECREF(owner);
    }
    return met;
}

typedef struct visit_closure {
    visitproc visit;
    void *argument;
} visit_closure;

static int visit_owner(void *owner, void *closure) {
    visit_closure *c = closure;
    return c->visit(owner, c->argument);
}

int cc_place_traverse(cc_waiting_place *place, visitproc visit, void *argument) {
    /* The list of foreign waiters changes only in the hands of attached threads (event_count.h),
     * and those stand still, none of them inside such a call. */
    visit_closure c = {visit, argument};
    return cc_event_visit_foreign(&place->event, visit_owner, &c);
}

void cc_place_clear_for_gc(cc_waiting_place *place) {
    cc_waiter *task = cc_event_take_foreign(&place->event);
    while (task) {
        cc_waiter *next = task->next; /* gone with the task, perhaps */
        Py_DECREF((PyObject *)task->owner);
        task = next;
    }
}

/* ---------------------------------------------------------------- the interpreter's turn */

int cc_let_interpreter_in(void) {
    /* First the signals, so that a handler is shown the caller's frame. All the rest is done by the
     * interpreter alone, when it begins to run a function. There is no other way to see an
     * asynchronous exception with the public API. */
    if (PyErr_CheckSignals()) {
        return -1;
    }
    PyObject *result = PyObject_CallNoArgs(nothing);
    Py_XDECREF(result);
    /* And those that another thread has sent while it had its turn in there. */
    return result ? PyErr_CheckSignals() : -1;
}

/* ---------------------------------------------------------------- for tests */

#if defined(CC_TEST_HOOKS)
/* What they want to happen in the moments where otherwise only chance gets in. NULL, or a callable
 * that is given the moment's name; one that has been set is never freed, since a thread may be
 * about to call it. */
static cc_atomic_uptr test_hook;

void cc_waiting_set_test_hook(PyObject *callable) {
    cc_store_release_uptr(&test_hook, callable == Py_None ? 0 : (uintptr_t)Py_NewRef(callable));
}

void cc_let_tests_in(const char *moment) {
    PyObject *callable = (PyObject *)cc_load_acquire_uptr(&test_hook);
    if (callable) {
        PyObject *result = PyObject_CallFunction(callable, "s", moment);
        if (!result) {
            PyErr_WriteUnraisable(callable);
        }
        Py_XDECREF(result);
    }
}

static void count_sleep(cc_waiting_place *place) {
    cc_fetch_add_relaxed_u64(&place->sleeps, 1);
}
#else
static void count_sleep(cc_waiting_place *place) {
    (void)place;
}
#endif

/* ---------------------------------------------------------------- sleeping */

enum {
    FIRST_SPINS = 50, /* pauses; two or three microseconds */
    MOST_SPINS = 500,
    LEAST_SPINS = 12,
    SHORT_SLEEP = 50000, /* nanoseconds in which a partner on another processor answers */
    SHORT_SLEEPS_PER_TRY = 8,
    SLICE = 500000000
};

static bool spin(cc_waiting_place *place, const cc_waiter *w) {
    uint32_t spins = cc_load_relaxed_u32(&place->spins);
    for (uint32_t i = 0; i < spins; i++) {
        if (cc_waiter_is_notified(w)) {
            cc_store_relaxed_u32(&place->spins, spins < MOST_SPINS / 2 ? 2 * spins : MOST_SPINS);
            return true;
        }
        cc_pause();
    }
    if (spins) {
        cc_store_relaxed_u32(&place->spins, spins / 2 < LEAST_SPINS ? 0 : spins / 2);
    }
    return false;
}

/* Did a partner answer so soon that looking for it instead of sleeping would have paid? */
static void learn_from_sleep(cc_waiting_place *place, uint64_t nanoseconds) {
    if (nanoseconds < SHORT_SLEEP && cc_load_relaxed_u32(&place->spins) == 0 &&
        cc_fetch_add_relaxed_u32(&place->short_sleeps, 1) % SHORT_SLEEPS_PER_TRY == 0) {
        cc_store_relaxed_u32(&place->spins, FIRST_SPINS);
    }
}

/* Sleep, detached, until notified, the deadline, a signal, or for no reason. True: notified. */
static bool sleep_in_line(cc_waiting_place *place, cc_waiter *w, uint64_t deadline) {
    /* A signal that arrives just before the main thread falls asleep does not wake it. */
    bool in_slices = cc_waiting_is_main_thread();
    PyThreadState *thread = PyEval_SaveThread();
    if (!MAY_SPIN || !spin(place, w)) {
        if (!cc_waiter_is_notified(w)) {
            count_sleep(place);
        }
        uint64_t before = cc_os_now();
        uint64_t slice = before + SLICE;
        cc_park_result result =
            cc_waiter_sleep(w, 0, in_slices && slice < deadline ? slice : deadline);
        if (MAY_SPIN && result == CC_PARK_WOKEN) {
            learn_from_sleep(place, cc_os_now() - before);
        }
    }
    /* Before attaching, from which a thread does not return when the interpreter is being
     * finalized; on 3.13 its stack and `w` are gone then. */
    bool was_notified = cc_waiter_leave(w);
    PyEval_RestoreThread(thread);
    return was_notified;
}

/* ---------------------------------------------------------------- waiting */

/* Of asyncio, in this thread: a new reference; NULL, perhaps with an exception. */
static PyObject *running_loop(void) {
    PyObject *name = PyUnicode_FromString("asyncio.events");
    PyObject *events = name ? PyImport_GetModule(name) : NULL; /* not for those who have none */
    PyObject *loop = events ? PyObject_CallMethod(events, "_get_running_loop", NULL) : NULL;
    Py_XDECREF(name);
    Py_XDECREF(events);
    if (!loop && PyErr_Occurred() && PyErr_ExceptionMatches(PyExc_AttributeError)) {
        PyErr_Clear(); /* it is being imported: no loop runs */
    }
    if (loop == Py_None) {
        Py_CLEAR(loop);
    }
    return loop;
}

static int warn_in_event_loop(const cc_waiting_place *place) {
    PyObject *loop = running_loop();
    if (!loop) {
        return PyErr_Occurred() ? -1 : 0;
    }
    PyObject *debug = PyObject_CallMethod(loop, "get_debug", NULL);
    int is_debug = debug ? PyObject_IsTrue(debug) : -1;
    Py_XDECREF(debug);
    Py_DECREF(loop);
    if (is_debug > 0) {
        PyErr_SetString(PyExc_RuntimeError, place->advice);
    }
    return is_debug ? -1 : PyErr_WarnEx(PyExc_RuntimeWarning, place->advice, 1);
}

cc_wait_result cc_wait_until(cc_waiting_place *place, cc_outcome (*attempt)(void *closure),
                             void *closure, uint64_t deadline) {
    cc_waiter w;
    const bool hands_over = cc_place_hands_over(place);
    if (may_sleep(place->call) || warn_in_event_loop(place)) { /* not in line: they run any code */
        return CC_WAIT_RAISED;
    }
    cc_waiter_init(&w, CC_WAITER_THREAD, NULL);
    for (;;) {
        cc_let_tests_in("before the line");
        /* Back to its place, whatever has ended its sleep. (All that a place for all at once could
         * bring is to be notified again and again by one cc_event_notify_all.) */
        cc_waiter_enqueue(&place->event, &w, !place->all_at_once);
        cc_let_tests_in("in line");
        cc_outcome outcome = hands_over ? CC_ATTEMPT_FAILED : attempt(closure);
        cc_let_tests_in("tried again");
        if (outcome != CC_ATTEMPT_FAILED) {
            if (cc_waiter_leave(&w) && !place->all_at_once) {
                cc_place_notify(place); /* of what we have not needed */
            }
            return CC_WAIT_DONE;
        }
        bool was_notified = sleep_in_line(place, &w, deadline);
        if (cc_let_interpreter_in()) {
            if (was_notified) {
                cc_raised raised = cc_put_aside();
                cc_place_pass_on(place);
                cc_raise_again(raised);
            }
            return CC_WAIT_RAISED;
        }
        if (was_notified && hands_over) {
            return CC_WAIT_DONE;
        }
        outcome = attempt(closure);
        if (outcome != CC_ATTEMPT_FAILED) {
            if (outcome == CC_ATTEMPT_ENDED && !place->all_at_once) {
                cc_place_notify(place); /* the next one ends as well */
            }
            return CC_WAIT_DONE;
        }
        /* It failed after the notification, since somebody else was faster: there is nothing to
         * pass on. */
        if (has_passed(deadline)) {
            return CC_WAIT_TIMED_OUT;
        }
    }
}
