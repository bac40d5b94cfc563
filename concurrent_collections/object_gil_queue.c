/* SPDX-License-Identifier: BSD-3-Clause */
#include "object_gil_queue.h"

#if !defined(Py_GIL_DISABLED)

#include "memory/cc_alloc.h"
#include "memory/deferred.h"
#include "memory/invariant.h"
#include "queue/fifo.h"

typedef struct gil_queue {
    cc_deferred destruction; /* first: a deferred item is the queue itself */
    void (*release)(uintptr_t word);
    cc_fifo words;
    uint64_t most;   /* a put that finds so many words fails; 0: the queue is closed */
    size_t capacity; /* 0: any number */
    bool has_bound;  /* it was made with one */
} gil_queue;

/* Of a core that somebody uses. */
static inline gil_queue *queue_of(void *core) {
    CC_INVARIANT(PyGILState_Check());
    return core;
}

static inline const gil_queue *queue_to_read(const void *core) {
    CC_INVARIANT(PyGILState_Check());
    return core;
}

/* ---------------------------------------------------------------- life */

static uint64_t most_of(size_t capacity) {
    return capacity ? capacity : UINT64_MAX;
}

void *cc_gil_queue_new(const cc_queue_options *options) {
    gil_queue *queue = cc_alloc(sizeof *queue);
    if (!queue) {
        return NULL;
    }
    *queue = (gil_queue){.capacity = options->capacity, .has_bound = options->capacity != 0};
    queue->most = most_of(queue->capacity);
    if (!cc_fifo_begin(&queue->words, options->ring_slots)) {
        cc_free(queue);
        return NULL;
    }
    return queue;
}

static int release_word(uintptr_t word, void *argument) {
    ((gil_queue *)argument)->release(word);
    return 0;
}

static void destroy(cc_deferred *item) {
    gil_queue *queue = (gil_queue *)item;
    cc_fifo_visit(&queue->words, release_word, queue);
    cc_fifo_end(&queue->words);
    cc_free(queue);
}

static void free_core(void *core, void (*release)(uintptr_t word)) {
    gil_queue *queue = queue_of(core);
    queue->release = release;
    queue->destruction.run = destroy;
    cc_run_or_defer(&queue->destruction);
}

/* ---------------------------------------------------------------- operations */

static bool is_closed(const void *core) {
    return queue_to_read(core)->most == 0;
}

static cc_store_status put(void *core, uintptr_t word) {
    gil_queue *queue = queue_of(core);
    if (cc_fifo_length(&queue->words) >= queue->most) {
        return queue->most ? CC_STORE_FULL : CC_STORE_CLOSED;
    }
    return cc_fifo_put(&queue->words, word) ? CC_STORE_OK : CC_STORE_NO_MEMORY;
}

static cc_store_status take(void *core, uintptr_t *word) {
    gil_queue *queue = queue_of(core);
    if (cc_fifo_length(&queue->words) == 0) {
        return queue->most ? CC_STORE_EMPTY : CC_STORE_CLOSED;
    }
    *word = cc_fifo_take(&queue->words);
    return CC_STORE_OK;
}

static cc_store_status put_overwriting(void *core, uintptr_t word, uintptr_t *oldest) {
    gil_queue *queue = queue_of(core);
    *oldest = 0;
    cc_store_status status = put(queue, word);
    if (status != CC_STORE_FULL) {
        return status;
    }
    if (!cc_fifo_reserve(&queue->words)) { /* before anything is taken */
        return CC_STORE_NO_MEMORY;
    }
    *oldest = cc_fifo_take(&queue->words);
    cc_fifo_put(&queue->words, word);
    return CC_STORE_OK;
}

static void close_core(void *core) {
    queue_of(core)->most = 0;
}

static bool set_capacity(void *core, size_t capacity) {
    gil_queue *queue = queue_of(core);
    if (!queue->has_bound) {
        return capacity == 0;
    }
    queue->capacity = capacity;
    if (!is_closed(queue)) {
        queue->most = most_of(capacity);
    }
    return true;
}

/* ---------------------------------------------------------------- what there is to know */

static size_t length(const void *core) {
    return (size_t)cc_fifo_length(&queue_to_read(core)->words);
}

static size_t capacity_of(const void *core) {
    return queue_to_read(core)->capacity;
}

static uint64_t puts_of(const void *core) {
    return queue_to_read(core)->words.puts;
}

static int visit(const void *core, int (*visit_word)(uintptr_t word, void *argument),
                 void *argument) {
    return cc_fifo_visit(&queue_to_read(core)->words, visit_word, argument);
}

static size_t bytes(const void *core) {
    return sizeof(gil_queue) + cc_fifo_bytes(&queue_to_read(core)->words);
}

const cc_store_operations cc_gil_queue_operations = {
    .put = put,
    .put_now = put,
    .take = take,
    .take_now = take,
    .put_overwriting = put_overwriting,
    .close = close_core,
    .is_closed = is_closed,
    .length = length,
    .capacity = capacity_of,
    .set_capacity = set_capacity,
    .puts = puts_of,
    .visit = visit,
    .free = free_core,
    .bytes = bytes,
    CC_QUEUE_ADVICE,
};

#endif
