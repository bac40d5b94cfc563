/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What all kinds of queues have in common: the bound, the counts, closing. queue.h has the
 * promises.
 *
 * The bound. A put takes a credit (sync/credits.h) before it publishes, a get gives one back after
 * it has taken its word. So there are never more than `capacity` puts between taking their credit
 * and having their word taken.
 *
 * Counts. A put raises its handle's `puts` when it has its credit and before it publishes: whoever
 * takes the word, and whoever is told of it, finds it counted. A put that then fails (closed, or no
 * memory for a ring) lowers it again; nobody can have taken its word. So the sum of puts may be too
 * high while a put is going on, and is never too low. A get raises `gets` after it has taken its
 * word and before it gives the credit back: puts minus gets, read in an order that does not make
 * them older, is at most the capacity.
 *
 * A kind that bounds itself (wCQ) has no credits, and counts for itself: the put when it has its
 * place, the get before it gives the place to another put. So in all kinds a put that says FULL has
 * not been counted at any time. What makes the sum of puts too high for a while is a put that turns
 * out to be too late (CLOSED), or has no memory.
 *
 * Closing has two halves. First the flag: no put that begins later succeeds. Then the kind's own
 * close, which decides the puts that were under way; a thread without memory for a handle leaves
 * that to the next get that finds nothing. A get says CLOSED only on the word of the kind. Then the
 * queue is drained, and its length is 0: puts that are counted still, since their threads have not
 * come to it, will say CLOSED. (`drained` says nothing of other memory, so it is relaxed.)
 */
#include <string.h>

#include "queue_inside.h"

/* ---------------------------------------------------------------- kinds */

/* NULL: not on this machine. */
static const cc_queue_operations *operations_of(cc_queue_kind kind) {
    const cc_queue_operations *ops = NULL;
    switch (kind) {
    case CC_QUEUE_SCQ:
        ops = &cc_scq_operations;
        break;
    case CC_QUEUE_FAA:
        ops = &cc_faa_operations;
        break;
    case CC_QUEUE_LCRQ:
        ops = &cc_lcrq_operations;
        break;
    case CC_QUEUE_WAIT_FREE:
        ops = cc_wcq_operations.is_available() ? &cc_wcq_operations : &cc_crturn_operations;
        break;
    case CC_QUEUE_CRTURN:
        ops = &cc_crturn_operations;
        break;
    }
    return ops && (!ops->is_available || ops->is_available()) ? ops : NULL;
}

bool cc_queue_kind_is_available(cc_queue_kind kind) {
    return operations_of(kind) != NULL;
}

/* ---------------------------------------------------------------- life */

static int release_word(uintptr_t word, void *argument) {
    ((cc_queue *)argument)->release(word);
    return 0;
}

static void destroy(cc_deferred *item) {
    cc_queue *queue = (cc_queue *)item;
    if (queue->release) {
        queue->ops->visit(queue, release_word, queue);
    }
    queue->ops->end(queue);
    cc_handles_end(&queue->handles);
    cc_free(queue);
}

cc_queue *cc_queue_new(cc_queue_kind kind, const cc_queue_options *options) {
    const cc_queue_operations *ops = operations_of(kind);
    if (!ops) {
        return NULL;
    }
    cc_queue *queue = cc_alloc_aligned(ops->queue_bytes, CC_CACHE_LINE);
    if (!queue) {
        return NULL;
    }
    memset((void *)queue, 0, ops->queue_bytes);
    queue->destruction.run = destroy;
    queue->ops = ops;
    if (options) {
        queue->options = *options;
    }
    queue->capacity = queue->options.capacity;
    queue->has_credits = queue->capacity != 0;
    cc_credits_begin(&queue->credits, queue->capacity);
    queue->backoff.most =
        queue->options.backoff_wait ? queue->options.backoff_wait - 1 : CC_BURST_WAIT;
    cc_handles_begin(&queue->handles, ops->handle_bytes, ops->begin_handle);
    if (!ops->begin(queue)) {
        cc_free(queue);
        return NULL;
    }
    return queue;
}

void cc_queue_free(cc_queue *queue, void (*release)(uintptr_t word)) {
    if (!queue) {
        return;
    }
    queue->release = release;
    queue->destruction.run = destroy;
    if (release) {
        cc_run_or_defer(&queue->destruction);
    } else {
        destroy(&queue->destruction);
    }
}

/* ---------------------------------------------------------------- operations */

static inline cc_handle *handle_of_this_thread(cc_queue *queue) {
    cc_thread *thread = cc_thread_self();
    return thread ? cc_handle_of(&queue->handles, thread) : NULL;
}

CC_ALWAYS_INLINE cc_queue_status put_counted(cc_queue *queue, cc_handle *self, uintptr_t word) {
    if (queue->has_credits && !cc_credits_take(&queue->credits)) {
        return CC_QUEUE_FULL;
    }
    if (queue->counts_itself) {
        return queue->ops->put_word(queue, self, word);
    }
    cc_handle_count(&self->puts, 1);
    cc_queue_status status = queue->ops->put_word(queue, self, word);
    if (status != CC_QUEUE_OK) {
        cc_handle_count(&self->puts, UINT64_MAX); /* minus 1 */
        if (queue->has_credits) {
            cc_credits_give(&queue->credits);
        }
    }
    return status;
}

CC_ALWAYS_INLINE cc_queue_status put(cc_queue *queue, uintptr_t word, bool may_wait) {
    CC_INVARIANT(word != 0);
    if (cc_load_seq_cst_u32(&queue->closing)) {
        return CC_QUEUE_CLOSED;
    }
    cc_handle *self = handle_of_this_thread(queue);
    if (!self) {
        return CC_QUEUE_NO_MEMORY;
    }
    if (may_wait) {
        cc_burst_backoff_before(&queue->backoff, CC_PUTTING, self);
    }
    cc_queue_status status = put_counted(queue, self, word);
    if (may_wait) {
        cc_burst_backoff_after(self);
    }
    return status;
}

cc_queue_status cc_queue_put(cc_queue *queue, uintptr_t word) {
    return put(queue, word, true);
}

cc_queue_status cc_queue_put_now(cc_queue *queue, uintptr_t word) {
    return put(queue, word, false);
}

/* The flag is set, and nothing was there: decide the puts that began before it was, and look
 * again. */
CC_NEVER_INLINE cc_queue_status get_while_closing(cc_queue *queue, cc_handle *self,
                                                  uintptr_t *word) {
    queue->ops->close(queue, self);
    return queue->ops->take_word(queue, self, word);
}

CC_ALWAYS_INLINE cc_queue_status get(cc_queue *queue, uintptr_t *word, bool may_wait) {
    cc_handle *self = handle_of_this_thread(queue);
    if (!self) {
        return CC_QUEUE_NO_MEMORY;
    }
    if (may_wait) {
        cc_burst_backoff_before(&queue->backoff, CC_GETTING, self);
    }
    cc_queue_status status = queue->ops->take_word(queue, self, word);
    if (status == CC_QUEUE_EMPTY && cc_load_seq_cst_u32(&queue->closing)) {
        status = get_while_closing(queue, self, word);
    }
    if (status == CC_QUEUE_CLOSED && !cc_load_relaxed_u32(&queue->drained)) {
        cc_store_relaxed_u32(&queue->drained, 1);
    }
    if (status == CC_QUEUE_OK) {
        if (!queue->counts_itself) {
            cc_handle_count(&self->gets, 1);
        }
        if (queue->has_credits) {
            cc_credits_give(&queue->credits);
        }
        if (may_wait && cc_burst_backoff_is_behind_another(&queue->backoff, self) &&
            cc_queue_length(queue) < CC_BURST_WORDS_PER_LOOK) {
            cc_burst_backoff_fall_back(&queue->backoff, self);
        }
    }
    if (may_wait) {
        cc_burst_backoff_after(self);
    }
    return status;
}

cc_queue_status cc_queue_get(cc_queue *queue, uintptr_t *word) {
    return get(queue, word, true);
}

cc_queue_status cc_queue_get_now(cc_queue *queue, uintptr_t *word) {
    return get(queue, word, false);
}

/* Take the oldest word, and put `word` with its credit. OK, EMPTY, CLOSED or NO_MEMORY. */
static cc_queue_status replace_word(cc_queue *queue, cc_handle *self, uintptr_t word,
                                    uintptr_t *oldest) {
    if (!queue->has_credits) {
        return queue->ops->replace_word(queue, self, word, oldest);
    }
    uintptr_t taken;
    cc_queue_status status = queue->ops->take_word(queue, self, &taken);
    if (status != CC_QUEUE_OK) {
        return status;
    }
    *oldest = taken;
    cc_handle_count(&self->gets, 1);
    cc_handle_count(&self->puts, 1);
    status = queue->ops->put_word(queue, self, word);
    if (status != CC_QUEUE_OK) {
        cc_handle_count(&self->puts, UINT64_MAX); /* minus 1 */
        cc_credits_give(&queue->credits);
    }
    return status;
}

cc_queue_status cc_queue_put_overwriting(cc_queue *queue, uintptr_t word, uintptr_t *oldest) {
    *oldest = 0;
    cc_queue_status status = put(queue, word, false);
    if (status == CC_QUEUE_FULL) { /* so the handle is there */
        status = replace_word(queue, handle_of_this_thread(queue), word, oldest);
    }
    return status == CC_QUEUE_EMPTY ? CC_QUEUE_FULL : status;
}

void cc_queue_close(cc_queue *queue) {
    cc_exchange_seq_cst_u32(&queue->closing, 1);
    cc_handle *self = handle_of_this_thread(queue);
    if (self) {
        queue->ops->close(queue, self);
    }
}

bool cc_queue_is_closed(const cc_queue *queue) {
    return cc_load_seq_cst_u32(&queue->closing) != 0;
}

/* ---------------------------------------------------------------- what there is to know */

/* Apart, so that the sum of a single handle is a few loads, and that of none fewer. */
CC_NEVER_INLINE uint64_t puts_of_many(const cc_handles *handles) {
    uint64_t sum = 0;
    cc_handle_walk w;
    for (const cc_handle *h = cc_handle_first(handles, &w); h; h = cc_handle_next(handles, &w)) {
        sum += cc_load_seq_cst_u64(&h->puts);
    }
    return sum;
}

uint64_t cc_queue_puts(const cc_queue *queue) {
    uint32_t count = cc_handles_count(&queue->handles);
    if (count > 1) {
        return puts_of_many(&queue->handles);
    }
    return count ? cc_load_seq_cst_u64(&cc_handle_at(&queue->handles, 1)->puts) : 0;
}

CC_NEVER_INLINE uint64_t gets_of_many(const cc_handles *handles) {
    uint64_t sum = 0;
    cc_handle_walk w;
    for (const cc_handle *h = cc_handle_first(handles, &w); h; h = cc_handle_next(handles, &w)) {
        sum += cc_load_seq_cst_u64(&h->gets);
    }
    return sum;
}

uint64_t cc_queue_gets(const cc_queue *queue) {
    uint32_t count = cc_handles_count(&queue->handles);
    if (count > 1) {
        return gets_of_many(&queue->handles);
    }
    return count ? cc_load_seq_cst_u64(&cc_handle_at(&queue->handles, 1)->gets) : 0;
}

size_t cc_queue_length(const cc_queue *queue) {
    /* Gets first: no word is counted as taken that is not yet counted as put. What comes in between
     * makes the answer too high, and then it says full. */
    if (cc_load_relaxed_u32(&queue->drained)) {
        return 0;
    }
    uint64_t gets = cc_queue_gets(queue), puts = cc_queue_puts(queue);
    uint64_t length = puts > gets ? puts - gets : 0;
    uint64_t most = queue->has_credits ? cc_credits_most_out(&queue->credits) : queue->capacity;
    return (size_t)(queue->capacity && length > most ? most : length);
}

size_t cc_queue_capacity(const cc_queue *queue) {
    return queue->has_credits ? (size_t)cc_credits_bound(&queue->credits) : queue->capacity;
}

bool cc_queue_set_capacity(cc_queue *queue, size_t capacity) {
    if (!queue->has_credits) {
        return capacity == queue->capacity;
    }
    cc_credits_change(&queue->credits, capacity ? capacity : CC_WITHOUT_BOUND);
    return true;
}

size_t cc_queue_bytes(const cc_queue *queue) {
    return queue->ops->queue_bytes + cc_handles_bytes(&queue->handles) + queue->ops->bytes(queue);
}

const char *cc_queue_backend(const cc_queue *queue) {
    return queue->ops->backend;
}

void cc_queue_get_statistics(const cc_queue *queue, cc_queue_statistics *out) {
    uint64_t gets = cc_queue_gets(queue); /* first: no word is counted that was not put */
    *out = (cc_queue_statistics){.puts = cc_queue_puts(queue), .gets = gets};
    if (queue->ops->add_statistics) {
        queue->ops->add_statistics(queue, out);
    }
}

bool cc_queue_is_wait_free(const cc_queue *queue) {
    return queue->ops->is_wait_free && queue->ops->is_wait_free(queue);
}

int cc_queue_visit(const cc_queue *queue, int (*visit)(uintptr_t word, void *argument),
                   void *argument) {
    return queue->ops->visit(queue, visit, argument);
}
