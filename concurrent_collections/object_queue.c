/* SPDX-License-Identifier: BSD-3-Clause */
#include "object_queue.h"

#include <math.h>
#include <string.h>

#include "concurrent_collections/cc_backoff.h"
#include "memory/cc_alloc.h"

struct cc_object_queue {
    cc_queue *core;
    bool is_bounded;
    cc_atomic_u32 has_tasks; /* a task has waited here */
    cc_atomic_u32 spins;     /* pauses before the next sleep; learned */
    cc_atomic_u32 short_sleeps;
    char rest_of_line[CC_CACHE_LINE - 28];
    /* Each has its count first, which every put or get reads. */
    cc_event_count not_empty;
    char keep_lines_apart[CC_CACHE_LINE];
    cc_event_count not_full;
    char keep_these_apart[CC_CACHE_LINE];
    cc_event_count all_done; /* changes with `done` and with the members' puts */
    cc_atomic_u64 done;      /* finished tasks */
    cc_atomic_u64 puts_seen; /* what task_done last saw of cc_queue_puts */
    cc_atomic_u64 sleeps;    /* of threads, ever; for tests */
};

static PyObject *Empty, *Full, *ShutDown;
static int (*deliver)(PyObject *owner);
static cc_atomic_u64 main_thread;
static unsigned cpu_count = 1;

void cc_object_queues_begin(PyObject *empty, PyObject *full, PyObject *shut_down,
                            int (*deliver_)(PyObject *owner)) {
    Empty = Py_NewRef(empty);
    Full = Py_NewRef(full);
    ShutDown = Py_NewRef(shut_down);
    deliver = deliver_;
    cpu_count = cc_os_cpu_count();
}

void cc_object_queues_note_main_thread(void) {
    cc_store_relaxed_u64(&main_thread, PyThread_get_thread_ident());
}

#ifdef Py_GIL_DISABLED
#define MAY_SPIN (cpu_count > 1)
#else
#define MAY_SPIN                                                                                   \
    0 /* who spins may keep the partner off its processor and gains nothing for the GIL */
#endif

/* ---------------------------------------------------------------- life */

cc_object_queue *cc_object_queue_new(cc_queue_kind kind, const cc_queue_options *options_) {
    cc_queue_options options = *options_;
    if (!MAY_SPIN) {
        options.streak_wait = 1; /* never */
    }
    cc_object_queue *q = cc_alloc_aligned(sizeof *q, CC_CACHE_LINE);
    if (q) {
        memset((void *)q, 0, sizeof *q);
        q->core = cc_queue_new(kind, &options);
    }
    if (!q || !q->core) {
        cc_free(q);
        PyErr_NoMemory();
        return NULL;
    }
    q->is_bounded = cc_queue_capacity(q->core) != 0;
    cc_event_count_init(&q->not_empty);
    cc_event_count_init(&q->not_full);
    cc_event_count_init(&q->all_done);
    return q;
}

static void drop_reference(uintptr_t word) {
    Py_DECREF((PyObject *)word);
}

void cc_object_queue_free(cc_object_queue *q) {
    /* Nobody is in line: threads that wait hold a reference to the Python object, and so do tasks. */
    if (q) {
        cc_queue *core = q->core;
        cc_free(q);
        cc_queue_free(core, drop_reference); /* never recurses into itself */
    }
}

/* ---------------------------------------------------------------- telling those who wait */

static void tell_task(cc_event_count *e, cc_waiter *task) {
    while (task && !deliver(task->owner)) {
        task = cc_event_notify(e); /* that one may never try: one more */
    }
}

static inline void notify(cc_event_count *e) {
    cc_waiter *task = cc_event_notify(e);
    if (task) {
        tell_task(e, task);
    }
}

static void notify_all(cc_event_count *e) {
    cc_waiter *task = cc_event_notify_all(e);
    while (task) {
        cc_waiter *next = task->next; /* the task's own waiter may be gone when it has been told */
        deliver(task->owner);
        task = next;
    }
}

/* ---------------------------------------------------------------- finished tasks
 *
 * puts is the sum of the members' counts; done is one counter. All is done at the moment when done was read if the
 * sum read after it is not greater: every count in it is at least what it was at that moment, and done
 * never exceeds the puts. A put that has counted itself and then fails makes the sum too high for a while; it
 * notifies when it has taken that back. */

static bool is_all_done(const cc_object_queue *q) {
    uint64_t done = cc_load_seq_cst_u64(&q->done);
    return cc_queue_puts(q->core) <= done;
}

uint64_t cc_object_queue_unfinished(cc_object_queue *q) {
    uint64_t done = cc_load_seq_cst_u64(&q->done), puts = cc_queue_puts(q->core);
    return puts > done ? puts - done : 0;
}

/* One task more is finished; false: there is none left. */
static bool finish_a_task(cc_object_queue *q) {
    uint64_t done = cc_load_seq_cst_u64(&q->done);
    do {
        /* The walk over the members is saved while others are known to be unfinished. */
        if (done >= cc_load_relaxed_u64(&q->puts_seen)) {
            uint64_t puts = cc_queue_puts(q->core);
            cc_store_relaxed_u64(&q->puts_seen, puts);
            if (done >= puts) {
                return false;
            }
        }
    } while (!cc_cas_seq_cst_u64(&q->done, &done, done + 1));
    return true;
}

static void tell_joiners(cc_object_queue *q) {
    cc_fence_seq_cst(&q->all_done.fence);
    if (cc_load_relaxed_u32(&q->all_done.waiters) && is_all_done(q)) {
        notify_all(&q->all_done);
    }
}

int cc_object_queue_task_done(cc_object_queue *q) {
    if (!finish_a_task(q)) {
        PyErr_SetString(PyExc_ValueError, "task_done() called too many times");
        return -1;
    }
    tell_joiners(q);
    return 0;
}

/* ---------------------------------------------------------------- sleeping */

int cc_deadline_of(PyObject *block, PyObject *timeout, uint64_t *deadline) {
    int waits = block == Py_True ? 1 : PyObject_IsTrue(block);
    if (waits < 0) {
        return -1;
    }
    *deadline = waits ? CC_FOR_EVER : CC_NOT_AT_ALL;
    if (!waits || timeout == Py_None) {
        return 0;
    }
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
    if (!(seconds >= 0)) { /* NaN, too */
        PyErr_SetString(PyExc_ValueError, "'timeout' must be a non-negative number");
        return -1;
    }
    if (seconds == 0) {
        *deadline = CC_NOT_AT_ALL;
    } else if (seconds < 1e9) { /* 30 years */
        /* Rounded up: a wait is never shorter than asked for. */
        *deadline = cc_os_now() + (uint64_t)ceil(seconds * 1e9);
    }
    return 0;
}

enum {
    FIRST_SPINS = 50, /* pauses; two or three microseconds */
    MOST_SPINS = 500,
    LEAST_SPINS = 12,
    SHORT_SLEEP = 50000, /* nanoseconds in which a partner on another processor answers */
    SHORT_SLEEPS_PER_TRY = 8,
    SLICE = 500000000
};

static bool spin(cc_object_queue *q, const cc_waiter *w) {
    uint32_t spins = cc_load_relaxed_u32(&q->spins);
    for (uint32_t i = 0; i < spins; i++) {
        if (cc_waiter_is_notified(w)) {
            cc_store_relaxed_u32(&q->spins, spins < MOST_SPINS / 2 ? 2 * spins : MOST_SPINS);
            return true;
        }
        cc_pause();
    }
    if (spins) {
        cc_store_relaxed_u32(&q->spins, spins / 2 < LEAST_SPINS ? 0 : spins / 2);
    }
    return false;
}

/* Did a partner answer so soon that looking for it instead of sleeping would have paid? */
static void learn_from_sleep(cc_object_queue *q, uint64_t nanoseconds) {
    if (nanoseconds < SHORT_SLEEP && cc_load_relaxed_u32(&q->spins) == 0 &&
        cc_fetch_add_relaxed_u32(&q->short_sleeps, 1) % SHORT_SLEEPS_PER_TRY == 0) {
        cc_store_relaxed_u32(&q->spins, FIRST_SPINS);
    }
}

/* Sleep, detached, until notified, the deadline, a signal, or for no reason. True: notified. */
static bool sleep_in_line(cc_object_queue *q, cc_waiter *w, uint64_t deadline) {
    /* A signal that arrives just before the main thread falls asleep does not wake it. And a task that
     * has been notified may belong to a loop that is stopped for good, without a sign of it: where tasks wait,
     * threads look from time to time. */
    bool in_slices = PyThread_get_thread_ident() == cc_load_relaxed_u64(&main_thread) ||
                     cc_load_relaxed_u32(&q->has_tasks);
    PyThreadState *thread = PyEval_SaveThread();
    if (!MAY_SPIN || !spin(q, w)) {
        if (!cc_waiter_is_notified(w)) {
            cc_fetch_add_relaxed_u64(&q->sleeps, 1);
        }
        uint64_t before = cc_os_now();
        uint64_t slice = before + SLICE;
        cc_park_result result =
            cc_waiter_sleep(w, 0, in_slices && slice < deadline ? slice : deadline);
        if (MAY_SPIN && result == CC_PARK_WOKEN) {
            learn_from_sleep(q, cc_os_now() - before);
        }
    }
    /* Before attaching, from which a thread does not return when the interpreter is being finalized; on 3.13 its stack
     * and `w` are gone then. */
    bool was_notified = cc_waiter_leave(w);
    PyEval_RestoreThread(thread);
    return was_notified;
}

static bool has_passed(uint64_t deadline) {
    return deadline != CC_FOR_EVER && cc_os_now() >= deadline;
}

/* For tests: what they want to happen in the moments where otherwise only chance gets in. NULL, or a callable that is
 * given the moment's name; one that has been set is never freed, since a thread may be about to call it. */
static cc_atomic_uptr test_hook;

static inline void let_tests_in(const char *moment) {
    PyObject *callable = (PyObject *)cc_load_acquire_uptr(&test_hook);
    if (callable) {
        PyObject *result = PyObject_CallFunction(callable, "s", moment);
        if (!result) {
            PyErr_WriteUnraisable(callable);
        }
        Py_XDECREF(result);
    }
}

int cc_object_queue_join(cc_object_queue *q) {
    cc_waiter w;
    cc_waiter_init(&w, CC_WAITER_THREAD, NULL);
    while (!is_all_done(q)) {
        cc_waiter_enqueue(&q->all_done, &w, false);
        if (is_all_done(q)) {
            cc_waiter_leave(&w); /* all are notified at once: nothing to pass on */
            return 0;
        }
        sleep_in_line(q, &w, CC_FOR_EVER);
        if (!is_all_done(q) && PyErr_CheckSignals()) {
            return -1;
        }
    }
    return 0;
}

/* ---------------------------------------------------------------- put */

static int no_put(cc_queue_status status) {
    if (status == CC_QUEUE_NO_MEMORY) {
        PyErr_NoMemory();
    } else {
        PyErr_SetNone(status == CC_QUEUE_FULL ? Full : ShutDown);
    }
    return -1;
}

/* After one that failed: it may have been counted for a moment, or have had a credit. */
static void take_back(cc_object_queue *q, cc_queue_status status) {
    tell_joiners(q);
    if (status == CC_QUEUE_NO_MEMORY && q->is_bounded) {
        notify(&q->not_full);
    }
}

CC_NEVER_INLINE cc_queue_status put_patiently(cc_object_queue *q, uintptr_t word,
                                              uint64_t deadline) {
    cc_waiter w;
    bool keep_turn = false;
    cc_queue_status status;
    cc_waiter_init(&w, CC_WAITER_THREAD, NULL);
    for (;;) {
        let_tests_in("before the line");
        cc_waiter_enqueue(&q->not_full, &w, keep_turn);
        let_tests_in("in line");
        status = cc_queue_put(q->core, word);
        let_tests_in("tried again");
        if (status != CC_QUEUE_FULL) {
            if (cc_waiter_leave(&w)) {
                notify(&q->not_full); /* for the room that we have not needed */
            }
            return status;
        }
        tell_joiners(q);
        keep_turn = sleep_in_line(q, &w, deadline);
        status = cc_queue_put(q->core, word);
        if (status != CC_QUEUE_FULL) {
            if (keep_turn && status != CC_QUEUE_OK) {
                notify(&q->not_full);
            }
            return status;
        }
        /* There was no room after the notification: it has nothing to say to others. */
        tell_joiners(q);
        if (PyErr_CheckSignals() || has_passed(deadline)) {
            return CC_QUEUE_FULL;
        }
    }
}

int cc_object_queue_put(cc_object_queue *q, PyObject *item, uint64_t deadline) {
    Py_INCREF(item);
    cc_queue_status status = cc_queue_put(q->core, (uintptr_t)item);
    if (status == CC_QUEUE_FULL && deadline != CC_NOT_AT_ALL) {
        tell_joiners(q);
        status = put_patiently(q, (uintptr_t)item, deadline);
        if (PyErr_Occurred()) { /* of a signal's handler */
            Py_DECREF(item);
            return -1;
        }
    }
    if (status == CC_QUEUE_OK) {
        notify(&q->not_empty);
        return 0;
    }
    Py_DECREF(item); /* not the last one: the caller has it */
    take_back(q, status);
    return no_put(status);
}

int cc_object_queue_try_put(cc_object_queue *q, PyObject *item) {
    Py_INCREF(item);
    cc_queue_status status = cc_queue_put(q->core, (uintptr_t)item);
    if (status == CC_QUEUE_OK) {
        notify(&q->not_empty);
        return 1;
    }
    Py_DECREF(item);
    take_back(q, status);
    return status == CC_QUEUE_FULL ? 0 : no_put(status);
}

/* ---------------------------------------------------------------- get */

static PyObject *no_item(cc_queue_status status) {
    if (status == CC_QUEUE_NO_MEMORY) {
        return PyErr_NoMemory();
    }
    PyErr_SetNone(status == CC_QUEUE_EMPTY ? Empty : ShutDown);
    return NULL;
}

/* After a successful get. Runs Python code when a task waits for room; what that raises, `deliver` keeps for later. */
static inline void tell_putters(cc_object_queue *q) {
    if (q->is_bounded) {
        notify(&q->not_full);
    }
}

CC_NEVER_INLINE cc_queue_status get_patiently(cc_object_queue *q, uintptr_t *word,
                                              uint64_t deadline) {
    cc_waiter w;
    bool keep_turn = false;
    cc_queue_status status;
    cc_waiter_init(&w, CC_WAITER_THREAD, NULL);
    for (;;) {
        let_tests_in("before the line");
        cc_waiter_enqueue(&q->not_empty, &w, keep_turn);
        let_tests_in("in line");
        status = cc_queue_get(q->core, word);
        let_tests_in("tried again");
        if (status != CC_QUEUE_EMPTY) {
            if (cc_waiter_leave(&w)) {
                notify(&q->not_empty); /* of an item that we have not needed */
            }
            return status;
        }
        keep_turn = sleep_in_line(q, &w, deadline);
        status = cc_queue_get(q->core, word);
        if (status != CC_QUEUE_EMPTY) { /* an item, and perhaps a signal, which stays pending */
            if (keep_turn && status != CC_QUEUE_OK) {
                notify(&q->not_empty);
            }
            return status;
        }
        /* It was empty after the notification, whose item somebody else has: nothing to pass on. */
        if (PyErr_CheckSignals() || has_passed(deadline)) {
            return CC_QUEUE_EMPTY;
        }
    }
}

/* OK, or not, with an exception. */
static cc_queue_status get_word(cc_object_queue *q, uintptr_t *word, uint64_t deadline) {
    cc_queue_status status = cc_queue_get(q->core, word);
    if (status == CC_QUEUE_EMPTY && deadline != CC_NOT_AT_ALL) {
        status = get_patiently(q, word, deadline);
    }
    if (status == CC_QUEUE_OK) {
        tell_putters(q);
    } else if (!PyErr_Occurred()) {
        no_item(status);
    }
    return status;
}

PyObject *cc_object_queue_get(cc_object_queue *q, uint64_t deadline) {
    uintptr_t word;
    return get_word(q, &word, deadline) == CC_QUEUE_OK ? (PyObject *)word : NULL;
}

PyObject *cc_object_queue_try_get(cc_object_queue *q, PyObject *otherwise) {
    uintptr_t word;
    cc_queue_status status = cc_queue_get(q->core, &word);
    if (status == CC_QUEUE_OK) {
        tell_putters(q);
        return (PyObject *)word;
    }
    return status == CC_QUEUE_EMPTY ? Py_NewRef(otherwise) : no_item(status);
}

/* ---------------------------------------------------------------- many at once */

/* Take up to `most` items that are there to the end of `list`. Room for an item is made before it is taken: nothing
 * may fail with an item in hand. 0, or -1: what has been taken is in the list. */
static int take_into(cc_object_queue *q, PyObject *list, size_t most) {
    uintptr_t word;
    for (; most; most--) {
        if (PyList_Append(list, Py_None)) {
            return -1;
        }
        Py_ssize_t last = PyList_GET_SIZE(list) - 1;
        cc_queue_status status = cc_queue_get(q->core, &word);
        if (status != CC_QUEUE_OK) {
            return PyList_SetSlice(list, last, last + 1, NULL);
        }
        PyList_SetItem(list, last, (PyObject *)word);
        tell_putters(q);
    }
    return 0;
}

PyObject *cc_object_queue_get_many(cc_object_queue *q, Py_ssize_t most, uint64_t deadline) {
    uintptr_t word;
    PyObject *list = PyList_New(1);
    if (!list) {
        return NULL;
    }
    PyList_SET_ITEM(list, 0, Py_NewRef(Py_None));
    if (get_word(q, &word, deadline) != CC_QUEUE_OK) {
        Py_DECREF(list);
        return NULL;
    }
    PyList_SetItem(list, 0, (PyObject *)word);
    if (take_into(q, list, (size_t)most - 1)) {
        PyErr_Clear(); /* fewer, then: what has been taken must not be lost */
    }
    return list;
}

PyObject *cc_object_queue_drain(cc_object_queue *q, Py_ssize_t most) {
    /* Not for ever while others put: what is there by now. */
    size_t there = cc_queue_length(q->core);
    PyObject *list = PyList_New(0);
    if (list && take_into(q, list, most < 0 || (size_t)most > there ? there : (size_t)most)) {
        if (PyList_GET_SIZE(list) == 0) {
            Py_DECREF(list);
            return NULL;
        }
        PyErr_Clear();
    }
    return list;
}

int cc_object_queue_clear(cc_object_queue *q) {
    uintptr_t word;
    for (size_t there = cc_queue_length(q->core); there; there--) {
        cc_queue_status status = cc_queue_get(q->core, &word);
        if (status != CC_QUEUE_OK) {
            if (status == CC_QUEUE_NO_MEMORY) {
                PyErr_NoMemory();
                return -1;
            }
            break;
        }
        finish_a_task(q);
        tell_putters(q);
        Py_DECREF((PyObject *)word);
    }
    tell_joiners(q);
    return 0;
}

/* Of a closed queue. Its get says CLOSED only when the puts that were under way are settled: then nothing can come any
 * more, and what was put has been dropped. */
static cc_queue_status drop_all(cc_object_queue *q) {
    uintptr_t word;
    cc_queue_status status;
    while ((status = cc_queue_get(q->core, &word)) == CC_QUEUE_OK) {
        finish_a_task(q);
        Py_DECREF((PyObject *)word);
    }
    tell_joiners(q);
    return status;
}

int cc_object_queue_shut_down(cc_object_queue *q, int immediate) {
    cc_queue_close(q->core);
    cc_queue_status status = immediate ? drop_all(q) : CC_QUEUE_CLOSED;
    notify_all(&q->not_empty);
    notify_all(&q->not_full);
    tell_joiners(q);
    if (status == CC_QUEUE_NO_MEMORY) {
        PyErr_NoMemory(); /* it is shut down; another call can drop what is left */
        return -1;
    }
    return 0;
}

/* ---------------------------------------------------------------- methods
 *
 * A method descriptor looks its function up in the type's table at every call, so the table is where another
 * function can be put in front. Not more than that: what an unusual call does, Cython's method says. */

typedef PyObject *(*method)(PyObject *, PyObject *const *, Py_ssize_t, PyObject *);

static Py_ssize_t offset_in_instance;
static method put_in_full, put_nowait_in_full, try_put_in_full;
static method get_in_full, get_nowait_in_full, try_get_in_full;

static inline cc_object_queue *queue_of(PyObject *self) {
    return (cc_object_queue *)cc_load_acquire_uptr(
        (const cc_atomic_uptr *)((const char *)self + offset_in_instance));
}

/* `name` with `count` arguments and no keywords, on a queue that __init__ has made. */
#define DEFINE_METHOD(name, count, result)                                                         \
    static PyObject *name##_at_once(PyObject *self, PyObject *const *arguments, Py_ssize_t n,      \
                                    PyObject *keywords) {                                          \
        cc_object_queue *q = queue_of(self);                                                       \
        if (n != (count) || keywords || !q) {                                                      \
            return name##_in_full(self, arguments, n, keywords);                                   \
        }                                                                                          \
        return result;                                                                             \
    }

static inline PyObject *none_unless(int error) {
    return error ? NULL : Py_NewRef(Py_None);
}

static inline PyObject *truth_unless(int answer) {
    return answer < 0 ? NULL : Py_NewRef(answer ? Py_True : Py_False);
}

DEFINE_METHOD(put, 1, none_unless(cc_object_queue_put(q, arguments[0], CC_FOR_EVER)))
DEFINE_METHOD(put_nowait, 1, none_unless(cc_object_queue_put(q, arguments[0], CC_NOT_AT_ALL)))
DEFINE_METHOD(try_put, 1, truth_unless(cc_object_queue_try_put(q, arguments[0])))
DEFINE_METHOD(get, 0, cc_object_queue_get(q, CC_FOR_EVER))
DEFINE_METHOD(get_nowait, 0, cc_object_queue_get(q, CC_NOT_AT_ALL))
DEFINE_METHOD(try_get, 0, cc_object_queue_try_get(q, Py_None))

static void put_in_front(PyTypeObject *type, const char *name, method at_once, method *in_full) {
    for (PyMethodDef *m = type->tp_methods; m->ml_name; m++) {
        if (strcmp(m->ml_name, name) == 0 && m->ml_flags == (METH_FASTCALL | METH_KEYWORDS)) {
            *in_full = (method)(void (*)(void))m->ml_meth;
            m->ml_meth = (PyCFunction)(void (*)(void))at_once;
        }
    }
}

/* ---- for tests; not in the stubs ---- */

static PyObject *call_while_waiting(PyObject *type, PyObject *callable) {
    (void)type;
    cc_store_release_uptr(&test_hook, callable == Py_None ? 0 : (uintptr_t)Py_NewRef(callable));
    Py_RETURN_NONE;
}

static PyObject *count_sleeps(PyObject *self, PyObject *nothing) {
    (void)nothing;
    cc_object_queue *q = queue_of(self);
    return PyLong_FromUnsignedLongLong(q ? cc_load_relaxed_u64(&q->sleeps) : 0);
}

static PyMethodDef hook_method = {
    "_call_while_waiting", call_while_waiting, METH_O | METH_CLASS,
    "For tests: what waiting threads call with the name of the moment; None: nothing."};
static PyMethodDef sleeps_method = {
    "_sleeps", count_sleeps, METH_NOARGS,
    "For tests: how often a thread has fallen asleep in this queue."};

static int add(PyTypeObject *type, const char *name, PyObject *descriptor) {
    int error = descriptor ? PyDict_SetItemString(type->tp_dict, name, descriptor) : -1;
    Py_XDECREF(descriptor);
    return error;
}

int cc_object_queue_install_methods(PyTypeObject *type, Py_ssize_t offset) {
    offset_in_instance = offset;
    put_in_front(type, "put", put_at_once, &put_in_full);
    put_in_front(type, "put_nowait", put_nowait_at_once, &put_nowait_in_full);
    put_in_front(type, "try_put", try_put_at_once, &try_put_in_full);
    put_in_front(type, "get", get_at_once, &get_in_full);
    put_in_front(type, "get_nowait", get_nowait_at_once, &get_nowait_in_full);
    put_in_front(type, "try_get", try_get_at_once, &try_get_in_full);
    if (add(type, hook_method.ml_name, PyDescr_NewClassMethod(type, &hook_method)) ||
        add(type, sleeps_method.ml_name, PyDescr_NewMethod(type, &sleeps_method))) {
        return -1;
    }
    PyType_Modified(type);
    return 0;
}

/* ---------------------------------------------------------------- what there is to know */

const cc_queue *cc_object_queue_core(const cc_object_queue *q) {
    return q->core;
}

size_t cc_object_queue_bytes(const cc_object_queue *q) {
    return sizeof *q + cc_queue_bytes(q->core);
}

/* ---------------------------------------------------------------- tasks */

static cc_event_count *event_of(cc_object_queue *q, int what) {
    return what == CC_FOR_AN_ITEM ? &q->not_empty : &q->not_full;
}

void cc_object_queue_enqueue_task(cc_object_queue *q, cc_waiter *waiter, int what, int keep_turn) {
    cc_store_relaxed_u32(&q->has_tasks, 1);
    Py_INCREF((PyObject *)waiter->owner); /* before somebody can take it out again */
    cc_waiter_enqueue(event_of(q, what), waiter, keep_turn);
}

int cc_object_queue_leave_task(cc_waiter *waiter) {
    PyObject *owner = waiter->owner;
    if (cc_waiter_leave(waiter)) {
        return 1; /* the notifier has the line's reference */
    }
    Py_DECREF(owner);
    return 0;
}

void cc_object_queue_pass_on(cc_object_queue *q, int what) {
    notify(event_of(q, what));
}

/* ---------------------------------------------------------------- garbage collection */

typedef struct visit_closure {
    visitproc visit;
    void *argument;
} visit_closure;

static int visit_word(uintptr_t word, void *closure) {
    visit_closure *c = closure;
    return c->visit((PyObject *)word, c->argument);
}

static int visit_owner(void *owner, void *closure) {
    visit_closure *c = closure;
    return c->visit(owner, c->argument);
}

int cc_object_queue_traverse(cc_object_queue *q, visitproc visit, void *argument) {
    visit_closure c = {visit, argument};
    if (!q) {
        return 0;
    }
    int answer = cc_queue_visit(q->core, visit_word, &c);
    /* The list of foreign waiters changes only in the hands of attached threads (event_count.h), and those
     * stand still, none of them inside such a call. */
    if (!answer) {
        answer = cc_event_visit_foreign(&q->not_empty, visit_owner, &c);
    }
    if (!answer) {
        answer = cc_event_visit_foreign(&q->not_full, visit_owner, &c);
    }
    return answer;
}

static void drop_owners(cc_waiter *task) {
    while (task) {
        cc_waiter *next = task->next;
        Py_DECREF((PyObject *)task->owner);
        task = next;
    }
}

void cc_object_queue_clear_for_gc(cc_object_queue *q) {
    uintptr_t word;
    if (!q) {
        return;
    }
    /* Finalizers may use the queue: no more than what is there now. */
    for (size_t there = cc_queue_length(q->core);
         there && cc_queue_get(q->core, &word) == CC_QUEUE_OK; there--) {
        Py_DECREF((PyObject *)word);
    }
    drop_owners(cc_event_take_foreign(&q->not_empty));
    drop_owners(cc_event_take_foreign(&q->not_full));
}
