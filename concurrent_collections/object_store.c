/* SPDX-License-Identifier: BSD-3-Clause */
#include "object_store.h"

#include <string.h>

#include "finished_tasks.h"
#include "memory/cc_alloc.h"
#include "object_type.h"

struct cc_object_store {
    const cc_store_operations *operations;
    void *core;
    bool is_bounded;
    char rest_of_line[CC_CACHE_LINE - 2 * sizeof(void *) - sizeof(bool)];
    /* Each has its count first, which every put or get reads. */
    cc_waiting_place not_empty;
    char keep_lines_apart[CC_CACHE_LINE];
    cc_waiting_place not_full;
    char keep_these_apart[CC_CACHE_LINE];
    cc_finished_tasks tasks;
};

static PyObject *Empty, *Full, *ShutDown;
static cc_task_attempt get_many_for_task, put_many_for_task;

void cc_object_stores_begin(PyObject *empty, PyObject *full, PyObject *shut_down,
                            cc_task_attempt get_many, cc_task_attempt put_many) {
    get_many_for_task = get_many;
    put_many_for_task = put_many;
    Empty = Py_NewRef(empty);
    Full = Py_NewRef(full);
    ShutDown = Py_NewRef(shut_down);
}

/* ---------------------------------------------------------------- life */

static void drop_reference(uintptr_t word) {
    Py_DECREF((PyObject *)word);
}

cc_object_store *cc_object_store_new(const cc_store_operations *operations, void *core) {
    cc_object_store *s = core ? cc_alloc_aligned(sizeof *s, CC_CACHE_LINE) : NULL;
    if (!s) {
        if (core) {
            operations->free(core, drop_reference);
        }
        PyErr_NoMemory();
        return NULL;
    }
    memset((void *)s, 0, sizeof *s);
    s->operations = operations;
    s->core = core;
    s->is_bounded = operations->capacity(core) != 0;
    cc_waiting_place_init(&s->not_empty, "get", operations->advice_get, false);
    cc_waiting_place_init(&s->not_full, "put", operations->advice_put, false);
    cc_finished_tasks_begin(&s->tasks, operations->puts, core, operations->advice_join);
    return s;
}

void cc_object_store_free(cc_object_store *s) {
    /* Nobody is in line: threads that wait hold a reference to the Python object, and so do
     * tasks. */
    if (s) {
        const cc_store_operations *operations = s->operations;
        void *core = s->core;
        cc_free(s);
        operations->free(core, drop_reference);
    }
}

static inline cc_store_status put_word(cc_object_store *s, uintptr_t word, bool may_pause) {
    return (may_pause ? s->operations->put : s->operations->put_now)(s->core, word);
}

static inline cc_store_status take_word(cc_object_store *s, uintptr_t *word, bool may_pause) {
    return (may_pause ? s->operations->take : s->operations->take_now)(s->core, word);
}

/* ---------------------------------------------------------------- finished tasks */

int cc_object_store_task_done(cc_object_store *s) {
    if (!cc_finished_tasks_count(&s->tasks)) {
        PyErr_SetString(PyExc_ValueError, "task_done() called too many times");
        return -1;
    }
    cc_finished_tasks_tell(&s->tasks);
    return 0;
}

int cc_object_store_join(cc_object_store *s, uint64_t deadline) {
    return cc_finished_tasks_join(&s->tasks, deadline);
}

uint64_t cc_object_store_unfinished(const cc_object_store *s) {
    return cc_finished_tasks_left(&s->tasks);
}

/* ---------------------------------------------------------------- put */

static int no_put(cc_store_status status) {
    if (status == CC_STORE_NO_MEMORY) {
        PyErr_NoMemory();
    } else {
        PyErr_SetNone(status == CC_STORE_FULL ? Full : ShutDown);
    }
    return -1;
}

/* After one that failed: unless the store was full it may have been counted for a while, or have
 * had a credit. */
static void take_back(cc_object_store *s, cc_store_status status) {
    if (status == CC_STORE_FULL) {
        return;
    }
    cc_finished_tasks_put_failed(&s->tasks);
    if (status == CC_STORE_NO_MEMORY && s->is_bounded) {
        cc_place_notify(&s->not_full);
    }
}

typedef struct waiting_put {
    cc_object_store *s;
    uintptr_t word;
    cc_store_status status;
} waiting_put;

static cc_outcome try_waiting_put(void *closure) {
    waiting_put *put = closure;
    put->status = put_word(put->s, put->word, true);
    return put->status == CC_STORE_FULL ? CC_ATTEMPT_FAILED
           : put->status == CC_STORE_OK ? CC_ATTEMPT_WORKED
                                        : CC_ATTEMPT_ENDED;
}

/* Of cc_object_store_put, which has not succeeded at once. Apart, so that those which do save no
 * registers for it. */
CC_NEVER_INLINE int put_otherwise(cc_object_store *s, PyObject *item, uint64_t deadline,
                                  cc_store_status status) {
    if (status == CC_STORE_FULL && deadline != CC_NOT_AT_ALL) {
        waiting_put put = {s, (uintptr_t)item, status};
        if (cc_wait_until(&s->not_full, try_waiting_put, &put, deadline) == CC_WAIT_RAISED) {
            Py_DECREF(item);
            return -1;
        }
        status = put.status;
        if (status == CC_STORE_OK) {
            cc_place_notify(&s->not_empty);
            return 0;
        }
    }
    Py_DECREF(item); /* not the last one: the caller has it */
    take_back(s, status);
    return no_put(status);
}

int cc_object_store_put(cc_object_store *s, PyObject *item, uint64_t deadline) {
    Py_INCREF(item);
    cc_store_status status = put_word(s, (uintptr_t)item, deadline != CC_NOT_AT_ALL);
    if (status != CC_STORE_OK) {
        return put_otherwise(s, item, deadline, status);
    }
    cc_place_notify(&s->not_empty);
    return 0;
}

int cc_object_store_try_put(cc_object_store *s, PyObject *item) {
    Py_INCREF(item);
    cc_store_status status = put_word(s, (uintptr_t)item, false);
    if (status == CC_STORE_OK) {
        cc_place_notify(&s->not_empty);
        return 1;
    }
    Py_DECREF(item);
    take_back(s, status);
    return status == CC_STORE_FULL ? 0 : no_put(status);
}

int cc_object_store_put_overwriting(cc_object_store *s, PyObject *item, PyObject **oldest) {
    uintptr_t taken = 0;
    cc_store_status status;
    *oldest = NULL;
    Py_INCREF(item);
    while ((status = s->operations->put_overwriting(s->core, (uintptr_t)item, &taken)) ==
           CC_STORE_FULL) {
        if (cc_let_interpreter_in()) {
            Py_DECREF(item);
            return -1;
        }
    }
    *oldest = (PyObject *)taken;
    if (taken) {
        cc_finished_tasks_count(&s->tasks);
        cc_finished_tasks_tell(&s->tasks);
    }
    if (status == CC_STORE_OK) {
        cc_place_notify(&s->not_empty);
        return taken != 0;
    }
    Py_DECREF(item); /* not the last one: the caller has it */
    take_back(s, status);
    return no_put(status);
}

/* ---------------------------------------------------------------- get */

static PyObject *no_item(cc_store_status status) {
    if (status == CC_STORE_NO_MEMORY) {
        return PyErr_NoMemory();
    }
    PyErr_SetNone(status == CC_STORE_EMPTY ? Empty : ShutDown);
    return NULL;
}

/* After a successful get. Runs Python code when a task waits for room; what that raises, `deliver`
 * keeps for later. */
static inline void tell_putters(cc_object_store *s) {
    if (s->is_bounded) {
        cc_place_notify(&s->not_full);
    }
}

typedef struct waiting_get {
    cc_object_store *s;
    uintptr_t *word;
    cc_store_status status;
} waiting_get;

static cc_outcome try_waiting_get(void *closure) {
    waiting_get *get = closure;
    get->status = take_word(get->s, get->word, true);
    return get->status == CC_STORE_EMPTY ? CC_ATTEMPT_FAILED
           : get->status == CC_STORE_OK  ? CC_ATTEMPT_WORKED
                                         : CC_ATTEMPT_ENDED;
}

/* The rest of get_word, which has not succeeded at once. Apart, as put_otherwise. */
CC_NEVER_INLINE cc_store_status get_otherwise(cc_object_store *s, uintptr_t *word,
                                              uint64_t deadline, cc_store_status status) {
    if (status == CC_STORE_EMPTY && deadline != CC_NOT_AT_ALL) {
        waiting_get get = {s, word, status};
        if (cc_wait_until(&s->not_empty, try_waiting_get, &get, deadline) == CC_WAIT_RAISED) {
            return CC_STORE_EMPTY;
        }
        status = get.status;
        if (status == CC_STORE_OK) {
            tell_putters(s);
            return CC_STORE_OK;
        }
    }
    no_item(status);
    return status;
}

/* OK, or not, with an exception. */
static inline cc_store_status get_word(cc_object_store *s, uintptr_t *word, uint64_t deadline) {
    cc_store_status status = take_word(s, word, deadline != CC_NOT_AT_ALL);
    if (status != CC_STORE_OK) {
        return get_otherwise(s, word, deadline, status);
    }
    tell_putters(s);
    return CC_STORE_OK;
}

PyObject *cc_object_store_get(cc_object_store *s, uint64_t deadline) {
    uintptr_t word;
    return get_word(s, &word, deadline) == CC_STORE_OK ? (PyObject *)word : NULL;
}

PyObject *cc_object_store_try_get(cc_object_store *s, PyObject *otherwise) {
    uintptr_t word;
    cc_store_status status = take_word(s, &word, false);
    if (status == CC_STORE_OK) {
        tell_putters(s);
        return (PyObject *)word;
    }
    return status == CC_STORE_EMPTY ? Py_NewRef(otherwise) : no_item(status);
}

/* ---------------------------------------------------------------- many at once */

/* Take up to `most` items that are there to the end of `list`. Room for an item is made before it
 * is taken: nothing may fail with an item in hand. -1: with what the interpreter has raised, or
 * without memory for the first item. What has been taken is in the list. `may_pause`: as for the
 * core's take. */
static int take_into(cc_object_store *s, PyObject *list, size_t most, bool may_pause) {
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
        cc_store_status status = take_word(s, &word, may_pause);
        if (status != CC_STORE_OK) {
            return PyList_SetSlice(list, last, last + 1, NULL);
        }
        PyList_SetItem(list, last, (PyObject *)word);
        tell_putters(s);
    }
    return 0;
}

int cc_object_store_get_many(cc_object_store *s, PyObject *list, Py_ssize_t most,
                             uint64_t deadline) {
    uintptr_t word;
    if (PyList_Append(list, Py_None)) {
        return -1;
    }
    if (get_word(s, &word, deadline) != CC_STORE_OK) {
        cc_raised raised = cc_put_aside();
        if (PyList_SetSlice(list, 0, 1, NULL)) {
            PyErr_Clear();
        }
        cc_raise_again(raised);
        return -1;
    }
    PyList_SetItem(list, 0, (PyObject *)word);
    return take_into(s, list, (size_t)most - 1, deadline != CC_NOT_AT_ALL);
}

int cc_object_store_get_many_now(cc_object_store *s, PyObject *list, Py_ssize_t most) {
    uintptr_t word;
    if (PyList_Append(list, Py_None)) {
        return -1;
    }
    cc_store_status status = take_word(s, &word, false);
    if (status != CC_STORE_OK) {
        if (PyList_SetSlice(list, 0, 1, NULL)) {
            return -1;
        }
        if (status != CC_STORE_EMPTY) {
            no_item(status);
        }
        return status == CC_STORE_EMPTY ? 0 : -1;
    }
    PyList_SetItem(list, 0, (PyObject *)word);
    tell_putters(s);
    return take_into(s, list, (size_t)most - 1, false) ? -1 : 1;
}

int cc_object_store_drain(cc_object_store *s, PyObject *list, Py_ssize_t most) {
    /* Not for ever while others put: what is there by now. */
    size_t there = s->operations->length(s->core);
    return take_into(s, list, most < 0 || (size_t)most > there ? there : (size_t)most, false);
}

/* `most` items less, or all, each one as a finished task before its finalizer runs. 0, or -1 with
 * an exception. */
static int drop(cc_object_store *s, size_t most) {
    /* Read once: behind a read-modify-write, and each item has some, loads wait. */
    cc_store_status (*take_now)(void *core, uintptr_t *word) = s->operations->take_now;
    void *core = s->core;
    bool is_bounded = s->is_bounded;
    for (size_t dropped = 1; dropped <= most; dropped++) {
        uintptr_t word;
        cc_store_status status = take_now(core, &word);
        if (status == CC_STORE_NO_MEMORY) {
            PyErr_NoMemory();
            return -1;
        }
        if (status != CC_STORE_OK) {
            return 0;
        }
        cc_finished_tasks_count(&s->tasks);
        if (is_bounded) {
            cc_place_notify(&s->not_full);
        }
        Py_DECREF((PyObject *)word);
        if (dropped % CC_ITEMS_PER_LOOK == 0 && cc_let_interpreter_in()) {
            return -1;
        }
    }
    return 0;
}

int cc_object_store_clear(cc_object_store *s) {
    int error = drop(s, s->operations->length(s->core));
    cc_raised raised = cc_put_aside();
    cc_finished_tasks_tell(&s->tasks);
    cc_raise_again(raised);
    return error;
}

int cc_object_store_shut_down(cc_object_store *s, int immediate) {
    s->operations->close(s->core);
    /* Of a closed store. Its take says CLOSED only when the puts that were under way are decided:
     * then nothing can come any more, and what was put has been dropped. */
    int error = immediate ? drop(s, SIZE_MAX - 1) : 0;
    cc_raised raised = cc_put_aside();
    cc_place_notify_end(&s->not_empty);
    cc_place_notify_end(&s->not_full);
    cc_finished_tasks_tell(&s->tasks);
    cc_raise_again(raised);
    return error;
}

/* ---------------------------------------------------------------- methods
 *
 * A method descriptor looks its function up in the type's table at every call, so the table is
 * where another function can be put in front. Not more than that: what an unusual call does,
 * Cython's method says. */

typedef PyObject *(*method)(PyObject *, PyObject *const *, Py_ssize_t, PyObject *);

static Py_ssize_t offset_in_instance;

static inline cc_object_store *store_of(PyObject *self) {
    return (cc_object_store *)cc_load_acquire_uptr(
        (const cc_atomic_uptr *)((const char *)self + offset_in_instance));
}

/* `name` with `count` arguments and no keywords, on a store that __init__ has made. */
#define DEFINE_METHOD(name, count, result)                                                         \
    static method name##_in_full;                                                                  \
    static PyObject *name##_at_once(PyObject *self, PyObject *const *arguments, Py_ssize_t n,      \
                                    PyObject *keywords) {                                          \
        cc_object_store *s = store_of(self);                                                       \
        if (n != (count) || keywords || !s) {                                                      \
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

DEFINE_METHOD(put, 1, none_unless(cc_object_store_put(s, arguments[0], CC_FOR_EVER)))
DEFINE_METHOD(put_nowait, 1, none_unless(cc_object_store_put(s, arguments[0], CC_NOT_AT_ALL)))
DEFINE_METHOD(try_put, 1, truth_unless(cc_object_store_try_put(s, arguments[0])))
DEFINE_METHOD(get, 0, cc_object_store_get(s, CC_FOR_EVER))
DEFINE_METHOD(get_nowait, 0, cc_object_store_get(s, CC_NOT_AT_ALL))
DEFINE_METHOD(try_get, 0, cc_object_store_try_get(s, Py_None))
DEFINE_METHOD(push, 1, none_unless(cc_object_store_put(s, arguments[0], CC_NOT_AT_ALL)))
DEFINE_METHOD(pop, 0, cc_object_store_get(s, CC_NOT_AT_ALL))
DEFINE_METHOD(try_pop, 0, cc_object_store_try_get(s, Py_None))

/* No two types have a name in common. */
static const struct fast_method {
    const char *name;
    method at_once, *in_full;
} fast_methods[] = {
    {"put", put_at_once, &put_in_full},
    {"put_nowait", put_nowait_at_once, &put_nowait_in_full},
    {"try_put", try_put_at_once, &try_put_in_full},
    {"get", get_at_once, &get_in_full},
    {"get_nowait", get_nowait_at_once, &get_nowait_in_full},
    {"try_get", try_get_at_once, &try_get_in_full},
    {"push", push_at_once, &push_in_full},
    {"pop", pop_at_once, &pop_in_full},
    {"try_pop", try_pop_at_once, &try_pop_in_full},
};

static void put_in_front(PyMethodDef *m) {
    for (size_t i = 0; i < sizeof fast_methods / sizeof *fast_methods; i++) {
        const struct fast_method *fast = &fast_methods[i];
        if (strcmp(m->ml_name, fast->name) == 0 && m->ml_flags == (METH_FASTCALL | METH_KEYWORDS)) {
            *fast->in_full = (method)(void (*)(void))m->ml_meth;
            m->ml_meth = (PyCFunction)(void (*)(void))fast->at_once;
        }
    }
}

#if defined(CC_TEST_HOOKS)
uint64_t cc_object_store_sleeps(PyObject *store) {
    cc_object_store *s = store_of(store);
    return !s ? 0
              : cc_load_relaxed_u64(&s->not_empty.sleeps) +
                    cc_load_relaxed_u64(&s->not_full.sleeps) +
                    cc_load_relaxed_u64(&s->tasks.all_finished.sleeps);
}
#endif

int cc_object_store_install_methods(PyTypeObject *type, Py_ssize_t offset) {
    if (offset_in_instance && offset_in_instance != offset) {
        PyErr_Format(PyExc_SystemError, "%s has its store in another place", type->tp_name);
        return -1;
    }
    offset_in_instance = offset;
    for (PyMethodDef *m = type->tp_methods; m->ml_name; m++) {
        put_in_front(m);
    }
    PyType_Modified(type);
    return 0;
}

int cc_object_store_install_coroutine(PyTypeObject *type, const char *name, PyObject *coroutine) {
    if (PyDict_SetItemString(type->tp_dict, name, coroutine)) {
        return -1;
    }
    PyType_Modified(type);
    return 0;
}

/* ---------------------------------------------------------------- what there is to know */

bool cc_object_store_is_closed(const cc_object_store *s) {
    return s->operations->is_closed(s->core);
}

size_t cc_object_store_length(const cc_object_store *s) {
    return s->operations->length(s->core);
}

size_t cc_object_store_capacity(const cc_object_store *s) {
    return s->operations->capacity(s->core);
}

bool cc_object_store_set_capacity(cc_object_store *s, size_t capacity, uint64_t *more) {
    size_t before = s->operations->capacity(s->core);
    if (!s->operations->set_capacity(s->core, capacity)) {
        return false;
    }
    *more = before == 0         ? 0
            : capacity == 0     ? UINT64_MAX
            : capacity > before ? capacity - before
                                : 0;
    return true;
}

void cc_object_store_tell_of_room(cc_object_store *s, uint64_t more) {
    cc_fence_seq_cst_after_rmw(
        &s->not_full.event.fence); /* as cc_event_notify: the new bound first */
    /* Who comes into the line only now has seen it, or will. */
    uint64_t waiting = cc_object_store_waiting(s, CC_FOR_ROOM);
    for (; more && waiting; more--, waiting--) {
        cc_place_notify(&s->not_full);
    }
}

size_t cc_object_store_bytes(const cc_object_store *s) {
    return sizeof *s + s->operations->bytes(s->core);
}

const void *cc_object_store_core(const cc_object_store *s) {
    return s->core;
}

bool cc_object_store_has_table(const cc_object_store *s, const cc_store_operations *operations) {
    return s->operations == operations;
}

/* ---------------------------------------------------------------- tasks */

static int get_for_task(void *closure, PyObject *nothing, PyObject **result) {
    cc_object_store *s = closure;
    uintptr_t word;
    (void)nothing;
    cc_store_status status = take_word(s, &word, false);
    if (status == CC_STORE_OK) {
        tell_putters(s);
        *result = (PyObject *)word;
        return CC_HAS_WORKED;
    }
    if (status == CC_STORE_EMPTY) {
        return CC_NOT_NOW;
    }
    no_item(status);
    return -1;
}

static int put_for_task(void *closure, PyObject *item, PyObject **result) {
    (void)result;
    return cc_object_store_try_put(closure, item);
}

uint32_t cc_object_store_waiting(const cc_object_store *s, int what) {
    const cc_waiting_place *place = what == CC_FOR_ROOM ? &s->not_full : &s->not_empty;
    return cc_event_waiters(&place->event);
}

static int join_for_task(void *closure, PyObject *nothing, PyObject **result) {
    cc_object_store *s = closure;
    (void)nothing;
    (void)result;
    return cc_finished_tasks_join(&s->tasks, CC_NOT_AT_ALL);
}

cc_waitable cc_object_store_waitable(cc_object_store *s, int what) {
    switch (what) {
    case CC_FOR_ROOM:
        return (cc_waitable){&s->not_full, put_for_task, s};
    case CC_FOR_ALL_FINISHED:
        return (cc_waitable){&s->tasks.all_finished, join_for_task, s};
    case CC_FOR_ITEMS:
        return (cc_waitable){&s->not_empty, get_many_for_task, s};
    case CC_FOR_ROOM_FOR_MANY:
        return (cc_waitable){&s->not_full, put_many_for_task, s};
    default:
        return (cc_waitable){&s->not_empty, get_for_task, s};
    }
}

/* ---------------------------------------------------------------- garbage collection */

int cc_object_store_traverse(cc_object_store *s, visitproc visit, void *argument) {
    cc_visit_closure c = {visit, argument};
    if (!s) {
        return 0;
    }
    int answer = s->operations->visit(s->core, cc_visit_word, &c);
    if (!answer) {
        answer = cc_place_traverse(&s->not_empty, visit, argument);
    }
    if (!answer) {
        answer = cc_place_traverse(&s->not_full, visit, argument);
    }
    if (!answer) {
        answer = cc_place_traverse(&s->tasks.all_finished, visit, argument);
    }
    return answer;
}

void cc_object_store_clear_for_gc(cc_object_store *s) {
    uintptr_t word;
    if (!s) {
        return;
    }
    /* Finalizers may use the store: no more than what is there now. */
    for (size_t there = s->operations->length(s->core);
         there && take_word(s, &word, false) == CC_STORE_OK; there--) {
        Py_DECREF((PyObject *)word);
    }
    cc_place_clear_for_gc(&s->not_empty);
    cc_place_clear_for_gc(&s->not_full);
    cc_place_clear_for_gc(&s->tasks.all_finished);
}
