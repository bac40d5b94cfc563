/* SPDX-License-Identifier: BSD-3-Clause */
#include "object_stack.h"

#include "memory/cc_alloc.h"

static_assert((int)CC_STORE_OK == (int)CC_STACK_OK && (int)CC_STORE_EMPTY == (int)CC_STACK_EMPTY &&
                  (int)CC_STORE_FULL == (int)CC_STACK_FULL &&
                  (int)CC_STORE_CLOSED == (int)CC_STACK_CLOSED &&
                  (int)CC_STORE_NO_MEMORY == (int)CC_STACK_NO_MEMORY,
              "a stack's status is a store's");

/* ---------------------------------------------------------------- the table */

static cc_store_status put(void *core, uintptr_t word) {
    return (cc_store_status)cc_stack_push(core, word);
}

static cc_store_status take(void *core, uintptr_t *word) {
    return (cc_store_status)cc_stack_pop(core, word);
}

static void close_core(void *core) {
    cc_stack_close(core);
}

static bool is_closed(const void *core) {
    return cc_stack_is_closed(core);
}

static size_t length(const void *core) {
    return cc_stack_length(core);
}

static size_t capacity(const void *core) {
    return cc_stack_capacity(core);
}

static bool set_capacity(void *core, size_t capacity_) {
    return cc_stack_set_capacity(core, capacity_);
}

static uint64_t puts_of(const void *core) {
    return cc_stack_pushes(core);
}

static int visit(const void *core, int (*visit_word)(uintptr_t word, void *argument),
                 void *argument) {
    return cc_stack_visit(core, visit_word, argument);
}

static void free_core(void *core, void (*release)(uintptr_t word)) {
    (void)release; /* the stack knows how, by its words */
    cc_stack_free(core);
}

static size_t bytes(const void *core) {
    return cc_stack_bytes(core);
}

/* What a thread may be held up by, when it has lost a race, is microseconds: nothing to an event
 * loop either. */
static const cc_store_operations operations = {
    .put = put,
    .put_now = put,
    .take = take,
    .take_now = take,
    .close = close_core,
    .is_closed = is_closed,
    .length = length,
    .capacity = capacity,
    .set_capacity = set_capacity,
    .puts = puts_of,
    .visit = visit,
    .free = free_core,
    .bytes = bytes,
    .advice_get = "waiting for an item stops the event loop that runs in this thread; "
                  "use `await stack.async_pop()`",
    .advice_put = "waiting for room stops the event loop that runs in this thread; "
                  "use `await stack.async_push(item)`",
    .advice_join = "join() stops the event loop that runs in this thread; "
                   "use `await stack.async_join()`",
};

/* ---------------------------------------------------------------- words */

static void acquire_object(uintptr_t word) {
    Py_INCREF((PyObject *)word);
}

static void release_object(uintptr_t word) {
    Py_DECREF((PyObject *)word);
}

static const cc_stack_words objects = {acquire_object, release_object};

cc_object_store *cc_object_stack_new(const cc_stack_options *options_) {
    cc_stack_options options = *options_;
    if (!cc_waiting_may_spin()) {
        options.wait = 1; /* never */
    }
    return cc_object_store_new(&operations, cc_stack_new(&objects, &options));
}

const cc_stack *cc_object_stack_core(const cc_object_store *s) {
    return cc_object_store_core(s);
}

struct cc_smr_domain *cc_object_stack_domain(const cc_object_store *s) {
    return s ? cc_stack_domain(cc_object_store_core(s)) : NULL;
}

/* ---------------------------------------------------------------- looking */

PyObject *cc_object_stack_peek(cc_object_store *s, PyObject *otherwise) {
    uintptr_t word;
    switch (cc_stack_peek((cc_stack *)cc_object_store_core(s), &word)) {
    case CC_STACK_OK:
        return (PyObject *)word;
    case CC_STACK_NO_MEMORY:
        return PyErr_NoMemory();
    default:
        return Py_NewRef(otherwise);
    }
}

PyObject *cc_object_stack_snapshot(cc_object_store *s) {
    uintptr_t *words;
    size_t count;
    if (cc_stack_snapshot((cc_stack *)cc_object_store_core(s), &words, &count) != CC_STACK_OK) {
        return PyErr_NoMemory();
    }
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; i < count; i++) {
        if (list) {
            PyList_SET_ITEM(list, (Py_ssize_t)i, (PyObject *)words[i]);
        } else {
            Py_DECREF((PyObject *)words[i]);
        }
    }
    cc_free(words);
    return list;
}
