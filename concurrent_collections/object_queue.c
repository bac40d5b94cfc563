/* SPDX-License-Identifier: BSD-3-Clause */
#include "object_queue.h"

#include <string.h>

#include "memory/cc_alloc.h"

struct cc_object_queue {
    cc_queue *core;
    bool is_bounded;
    char rest_of_line[CC_CACHE_LINE - sizeof(cc_queue *) - sizeof(bool)];
    /* Each has its count first, which every put or get reads. */
    cc_waiting_place not_empty;
    char keep_lines_apart[CC_CACHE_LINE];
    cc_waiting_place not_full;
    char keep_these_apart[CC_CACHE_LINE];
    cc_waiting_place all_done; /* changes with `done` and with the handles' puts */
    cc_atomic_u64 done;        /* finished tasks */
    cc_atomic_u64 puts_seen;   /* what task_done last saw of cc_queue_puts */
};

static PyObject *Empty, *Full, *ShutDown;

void cc_object_queues_begin(PyObject *empty, PyObject *full, PyObject *shut_down) {
    Empty = Py_NewRef(empty);
    Full = Py_NewRef(full);
    ShutDown = Py_NewRef(shut_down);
}

/* ---------------------------------------------------------------- life */

cc_object_queue *cc_object_queue_new(cc_queue_kind kind, const cc_queue_options *options_) {
    cc_queue_options options = *options_;
    if (!cc_waiting_may_spin()) {
        options.backoff_wait = 1; /* never */
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
    cc_waiting_place_init(&q->not_empty, "get",
                          "waiting for an item stops the event loop that runs in this thread; "
                          "use `await queue.async_get()`",
                          false);
    cc_waiting_place_init(&q->not_full, "put",
                          "waiting for room stops the event loop that runs in this thread; "
                          "use `await queue.async_put(item)`",
                          false);
    cc_waiting_place_init(&q->all_done, "join",
                          "join() stops the event loop that runs in this thread; "
                          "use `await asyncio.to_thread(queue.join)`",
                          true);
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

/* ---------------------------------------------------------------- finished tasks
 *
 * puts is the sum of the handles' counts; done is one counter. All is done at the moment when done was read if the
 * sum read after it is not greater: every count in it is at least what it was at that moment, and done
 * never exceeds the puts. A put that has counted itself and then fails, since the queue was shut down meanwhile or for want
 * of memory, makes the sum too high for a while; it notifies when it has taken that back. Only then, a task_done() that is one
 * too many may get through. */

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
        /* The walk over the handles is saved while others are known to be unfinished. */
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
    cc_fence_seq_cst(&q->all_done.event.fence);
    if (cc_load_relaxed_u32(&q->all_done.event.waiters) && is_all_done(q)) {
        cc_place_notify_all(&q->all_done);
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

static cc_outcome try_join(void *closure) {
    return is_all_done(closure) ? CC_ATTEMPT_WORKED : CC_ATTEMPT_FAILED;
}

int cc_object_queue_join(cc_object_queue *q) {
    if (!is_all_done(q) &&
        cc_wait_until(&q->all_done, try_join, q, CC_FOR_EVER) == CC_WAIT_RAISED) {
        return -1;
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

/* After one that failed: unless the queue was full it may have been counted for a while, or have had a credit. */
static void take_back(cc_object_queue *q, cc_queue_status status) {
    if (status == CC_QUEUE_FULL) {
        return;
    }
    cc_store_relaxed_u64(&q->puts_seen, 0); /* it may be too high */
    tell_joiners(q);
    if (status == CC_QUEUE_NO_MEMORY && q->is_bounded) {
        cc_place_notify(&q->not_full);
    }
}

typedef struct waiting_put {
    cc_object_queue *q;
    uintptr_t word;
    cc_queue_status status;
} waiting_put;

static cc_outcome try_waiting_put(void *closure) {
    waiting_put *put = closure;
    put->status = cc_queue_put(put->q->core, put->word);
    return put->status == CC_QUEUE_FULL ? CC_ATTEMPT_FAILED
           : put->status == CC_QUEUE_OK ? CC_ATTEMPT_WORKED
                                        : CC_ATTEMPT_ENDED;
}

int cc_object_queue_put(cc_object_queue *q, PyObject *item, uint64_t deadline) {
    Py_INCREF(item);
    cc_queue_status status = deadline == CC_NOT_AT_ALL ? cc_queue_put_now(q->core, (uintptr_t)item)
                                                       : cc_queue_put(q->core, (uintptr_t)item);
    if (status == CC_QUEUE_FULL && deadline != CC_NOT_AT_ALL) {
        waiting_put put = {q, (uintptr_t)item, status};
        if (cc_wait_until(&q->not_full, try_waiting_put, &put, deadline) == CC_WAIT_RAISED) {
            Py_DECREF(item);
            return -1;
        }
        status = put.status;
    }
    if (status == CC_QUEUE_OK) {
        cc_place_notify(&q->not_empty);
        return 0;
    }
    Py_DECREF(item); /* not the last one: the caller has it */
    take_back(q, status);
    return no_put(status);
}

int cc_object_queue_try_put(cc_object_queue *q, PyObject *item) {
    Py_INCREF(item);
    cc_queue_status status = cc_queue_put_now(q->core, (uintptr_t)item);
    if (status == CC_QUEUE_OK) {
        cc_place_notify(&q->not_empty);
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
        cc_place_notify(&q->not_full);
    }
}

typedef struct waiting_get {
    cc_object_queue *q;
    uintptr_t *word;
    cc_queue_status status;
} waiting_get;

static cc_outcome try_waiting_get(void *closure) {
    waiting_get *get = closure;
    get->status = cc_queue_get(get->q->core, get->word);
    return get->status == CC_QUEUE_EMPTY ? CC_ATTEMPT_FAILED
           : get->status == CC_QUEUE_OK  ? CC_ATTEMPT_WORKED
                                         : CC_ATTEMPT_ENDED;
}

/* OK, or not, with an exception. */
static cc_queue_status get_word(cc_object_queue *q, uintptr_t *word, uint64_t deadline) {
    cc_queue_status status =
        deadline == CC_NOT_AT_ALL ? cc_queue_get_now(q->core, word) : cc_queue_get(q->core, word);
    if (status == CC_QUEUE_EMPTY && deadline != CC_NOT_AT_ALL) {
        waiting_get get = {q, word, status};
        if (cc_wait_until(&q->not_empty, try_waiting_get, &get, deadline) == CC_WAIT_RAISED) {
            return CC_QUEUE_EMPTY;
        }
        status = get.status;
    }
    if (status == CC_QUEUE_OK) {
        tell_putters(q);
    } else {
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
    cc_queue_status status = cc_queue_get_now(q->core, &word);
    if (status == CC_QUEUE_OK) {
        tell_putters(q);
        return (PyObject *)word;
    }
    return status == CC_QUEUE_EMPTY ? Py_NewRef(otherwise) : no_item(status);
}

/* ---------------------------------------------------------------- many at once */

/* Take up to `most` items that are there to the end of `list`. Room for an item is made before it is taken: nothing
 * may fail with an item in hand. -1: with what the interpreter has raised, or without memory for the first item. What has been
 * taken is in the list. `may_pause`: as cc_queue_get does. */
static int take_into(cc_object_queue *q, PyObject *list, size_t most, bool may_pause) {
    uintptr_t word;
    for (size_t left = most; left; left--) {
        if ((most - left) % CC_ITEMS_PER_LOOK == CC_ITEMS_PER_LOOK - 1 && cc_let_interpreter_in()) {
            return -1;
        }
        if (PyList_Append(list, Py_None)) {
            if (PyList_GET_SIZE(list) == 0) {
                return -1;
            }
            PyErr_Clear(); /* fewer, then */
            return 0;
        }
        Py_ssize_t last = PyList_GET_SIZE(list) - 1;
        cc_queue_status status =
            may_pause ? cc_queue_get(q->core, &word) : cc_queue_get_now(q->core, &word);
        if (status != CC_QUEUE_OK) {
            return PyList_SetSlice(list, last, last + 1, NULL);
        }
        PyList_SetItem(list, last, (PyObject *)word);
        tell_putters(q);
    }
    return 0;
}

int cc_object_queue_get_many(cc_object_queue *q, PyObject *list, Py_ssize_t most,
                             uint64_t deadline) {
    uintptr_t word;
    if (PyList_Append(list, Py_None)) {
        return -1;
    }
    if (get_word(q, &word, deadline) != CC_QUEUE_OK) {
        cc_raised raised = cc_put_aside();
        if (PyList_SetSlice(list, 0, 1, NULL)) {
            PyErr_Clear();
        }
        cc_raise_again(raised);
        return -1;
    }
    PyList_SetItem(list, 0, (PyObject *)word);
    return take_into(q, list, (size_t)most - 1, deadline != CC_NOT_AT_ALL);
}

int cc_object_queue_drain(cc_object_queue *q, PyObject *list, Py_ssize_t most) {
    /* Not for ever while others put: what is there by now. */
    size_t there = cc_queue_length(q->core);
    return take_into(q, list, most < 0 || (size_t)most > there ? there : (size_t)most, false);
}

/* One item less, as a finished task. */
static cc_queue_status drop_one(cc_object_queue *q) {
    uintptr_t word;
    cc_queue_status status = cc_queue_get_now(q->core, &word);
    if (status == CC_QUEUE_OK) {
        finish_a_task(q);
        tell_putters(q);
        Py_DECREF((PyObject *)word);
    }
    return status;
}

int cc_object_queue_clear(cc_object_queue *q) {
    int error = 0;
    size_t there = cc_queue_length(q->core);
    for (size_t dropped = 0; dropped < there && !error; dropped++) {
        cc_queue_status status = drop_one(q);
        if (status == CC_QUEUE_NO_MEMORY) {
            PyErr_NoMemory();
            error = -1;
        } else if (status != CC_QUEUE_OK) {
            break;
        } else if (dropped % CC_ITEMS_PER_LOOK == CC_ITEMS_PER_LOOK - 1) {
            error = cc_let_interpreter_in();
        }
    }
    cc_raised raised = cc_put_aside();
    tell_joiners(q);
    cc_raise_again(raised);
    return error;
}

/* Of a closed queue. Its get says CLOSED only when the puts that were under way are decided: then nothing can come any
 * more, and what was put has been dropped. */
static int drop_all(cc_object_queue *q) {
    for (size_t dropped = 1;; dropped++) {
        cc_queue_status status = drop_one(q);
        if (status == CC_QUEUE_NO_MEMORY) {
            PyErr_NoMemory();
            return -1;
        }
        if (status != CC_QUEUE_OK) {
            return 0;
        }
        if (dropped % CC_ITEMS_PER_LOOK == 0 && cc_let_interpreter_in()) {
            return -1;
        }
    }
}

int cc_object_queue_shut_down(cc_object_queue *q, int immediate) {
    cc_queue_close(q->core);
    int error = immediate ? drop_all(q) : 0;
    cc_raised raised = cc_put_aside();
    cc_place_notify_end(&q->not_empty);
    cc_place_notify_end(&q->not_full);
    tell_joiners(q);
    cc_raise_again(raised);
    return error;
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

#if defined(CC_TEST_HOOKS)
uint64_t cc_object_queue_sleeps(PyObject *queue) {
    cc_object_queue *q = queue_of(queue);
    return !q ? 0
              : cc_load_relaxed_u64(&q->not_empty.sleeps) +
                    cc_load_relaxed_u64(&q->not_full.sleeps) +
                    cc_load_relaxed_u64(&q->all_done.sleeps);
}
#endif

int cc_object_queue_install_methods(PyTypeObject *type, Py_ssize_t offset) {
    offset_in_instance = offset;
    put_in_front(type, "put", put_at_once, &put_in_full);
    put_in_front(type, "put_nowait", put_nowait_at_once, &put_nowait_in_full);
    put_in_front(type, "try_put", try_put_at_once, &try_put_in_full);
    put_in_front(type, "get", get_at_once, &get_in_full);
    put_in_front(type, "get_nowait", get_nowait_at_once, &get_nowait_in_full);
    put_in_front(type, "try_get", try_get_at_once, &try_get_in_full);
    PyType_Modified(type);
    return 0;
}

int cc_object_queue_install_coroutines(PyTypeObject *type, PyObject *async_get,
                                       PyObject *async_put) {
    if (PyDict_SetItemString(type->tp_dict, "async_get", async_get) ||
        PyDict_SetItemString(type->tp_dict, "async_put", async_put)) {
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

static cc_waiting_place *place_of(cc_object_queue *q, int what) {
    return what == CC_FOR_AN_ITEM ? &q->not_empty : &q->not_full;
}

void cc_object_queue_enqueue_task(cc_object_queue *q, cc_waiter *waiter, int what, int keep_turn) {
    cc_waiting_place *place = place_of(q, what);
    Py_INCREF((PyObject *)waiter->owner); /* before somebody can take it out again */
    cc_waiter_enqueue(&place->event, waiter, keep_turn);
}

int cc_object_queue_leave_task(cc_waiter *waiter) {
    PyObject *owner = waiter->owner;
    cc_leaving met = cc_waiter_leave_line(waiter);
    if (met == CC_LEFT) { /* else the notifier has the line's reference */
        Py_DECREF(owner);
    }
    return met == CC_NOTIFIED;
}

void cc_object_queue_pass_on(cc_object_queue *q, int what) {
    cc_place_notify(place_of(q, what));
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
        answer = cc_event_visit_foreign(&q->not_empty.event, visit_owner, &c);
    }
    if (!answer) {
        answer = cc_event_visit_foreign(&q->not_full.event, visit_owner, &c);
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
         there && cc_queue_get_now(q->core, &word) == CC_QUEUE_OK; there--) {
        Py_DECREF((PyObject *)word);
    }
    drop_owners(cc_event_take_foreign(&q->not_empty.event));
    drop_owners(cc_event_take_foreign(&q->not_full.event));
}
