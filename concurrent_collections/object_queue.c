/* SPDX-License-Identifier: BSD-3-Clause */
#include "object_queue.h"

#include "object_gil_queue.h"

static_assert((int)CC_STORE_OK == (int)CC_QUEUE_OK && (int)CC_STORE_EMPTY == (int)CC_QUEUE_EMPTY &&
                  (int)CC_STORE_FULL == (int)CC_QUEUE_FULL &&
                  (int)CC_STORE_CLOSED == (int)CC_QUEUE_CLOSED &&
                  (int)CC_STORE_NO_MEMORY == (int)CC_QUEUE_NO_MEMORY,
              "a queue's status is a store's");

static cc_store_status put(void *core, uintptr_t word) {
    return (cc_store_status)cc_queue_put(core, word);
}

static cc_store_status put_now(void *core, uintptr_t word) {
    return (cc_store_status)cc_queue_put_now(core, word);
}

static cc_store_status take(void *core, uintptr_t *word) {
    return (cc_store_status)cc_queue_get(core, word);
}

static cc_store_status take_now(void *core, uintptr_t *word) {
    return (cc_store_status)cc_queue_get_now(core, word);
}

static cc_store_status put_overwriting(void *core, uintptr_t word, uintptr_t *oldest) {
    return (cc_store_status)cc_queue_put_overwriting(core, word, oldest);
}

static void close_core(void *core) {
    cc_queue_close(core);
}

static bool is_closed(const void *core) {
    return cc_queue_is_closed(core);
}

static size_t length(const void *core) {
    return cc_queue_length(core);
}

static size_t capacity(const void *core) {
    return cc_queue_capacity(core);
}

static bool set_capacity(void *core, size_t capacity_) {
    return cc_queue_set_capacity(core, capacity_);
}

static uint64_t puts_of(const void *core) {
    return cc_queue_puts(core);
}

static int visit(const void *core, int (*visit_word)(uintptr_t word, void *argument),
                 void *argument) {
    return cc_queue_visit(core, visit_word, argument);
}

static void free_core(void *core, void (*release)(uintptr_t word)) {
    cc_queue_free(core, release);
}

static size_t bytes(const void *core) {
    return cc_queue_bytes(core);
}

static const cc_store_operations operations = {
    .put = put,
    .put_now = put_now,
    .take = take,
    .take_now = take_now,
    .put_overwriting = put_overwriting,
    .close = close_core,
    .is_closed = is_closed,
    .length = length,
    .capacity = capacity,
    .set_capacity = set_capacity,
    .puts = puts_of,
    .visit = visit,
    .free = free_core,
    .bytes = bytes,
    CC_QUEUE_ADVICE,
};

/* ---------------------------------------------------------------- kinds */

static bool find_kind(cc_object_queue_kind kind, cc_queue_kind *found) {
    switch (kind) {
    case CC_OBJECT_QUEUE_SCQ:
        *found = CC_QUEUE_SCQ;
        return true;
    case CC_OBJECT_QUEUE_FAA:
        *found = CC_QUEUE_FAA;
        return true;
    case CC_OBJECT_QUEUE_LCRQ:
        *found = CC_QUEUE_LCRQ;
        return true;
    case CC_OBJECT_QUEUE_WAIT_FREE:
        *found = CC_QUEUE_WAIT_FREE;
        return true;
    case CC_OBJECT_QUEUE_GIL:
        break;
    }
    return false;
}

bool cc_object_queue_is_available(cc_object_queue_kind kind) {
    cc_queue_kind of_core;
    if (find_kind(kind, &of_core)) {
        return cc_queue_kind_is_available(of_core);
    }
#if defined(Py_GIL_DISABLED)
    return false;
#else
    return true;
#endif
}

cc_object_store *cc_object_queue_new(cc_object_queue_kind kind, const cc_queue_options *options_) {
    cc_queue_options options = *options_;
    cc_queue_kind of_core;
    if (!find_kind(kind, &of_core)) {
#if defined(Py_GIL_DISABLED)
        PyErr_SetString(PyExc_SystemError, "there is no GIL to protect a queue");
        return NULL;
#else
        return cc_object_store_new(&cc_gil_queue_operations, cc_gil_queue_new(&options));
#endif
    }
    if (!cc_waiting_may_spin()) {
        options.backoff_wait = 1; /* never */
    }
    return cc_object_store_new(&operations, cc_queue_new(of_core, &options));
}

/* NULL: it is no cc_queue. */
static const cc_queue *queue_of(const cc_object_store *s) {
    return cc_object_store_has_table(s, &operations) ? cc_object_store_core(s) : NULL;
}

const char *cc_object_queue_backend(const cc_object_store *s) {
    const cc_queue *queue = queue_of(s);
    return queue ? cc_queue_backend(queue) : "gil";
}

bool cc_object_queue_is_wait_free(const cc_object_store *s) {
    const cc_queue *queue = queue_of(s);
    return !queue || cc_queue_is_wait_free(queue);
}

void cc_object_queue_get_statistics(const cc_object_store *s, cc_queue_statistics *out) {
    const cc_queue *queue = queue_of(s);
    if (queue) {
        cc_queue_get_statistics(queue, out);
        return;
    }
#if !defined(Py_GIL_DISABLED)
    const void *core = cc_object_store_core(s);
    uint64_t puts = cc_gil_queue_operations.puts(core);
    *out = (cc_queue_statistics){.puts = puts, .gets = puts - cc_gil_queue_operations.length(core)};
#endif
}
