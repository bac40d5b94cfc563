/* SPDX-License-Identifier: BSD-3-Clause
 *
 * wCQ (Nikolaev and Ravindran, SPAA 2022) as a queue of words. The wait-free ring of indices, with
 * its argument, the paper's names, its deviations from the paper and the errors of the published
 * code that it avoids, is wcq_ring.h; here two of them and an array of words make a node, as in
 * SCQ: `filled` holds the indices of words that can be taken, `free` the rest.
 *
 * Linearization.
 *   put     the placing of the index in `filled`.
 *   get     its ticket, or that put if it is later.
 *   empty   as in wcq_ring.h.
 *   full    the moment when `free` was empty: gets may have their words and not yet have given
 *           their indices back.
 *
 * Progress. A bounded queue is wait-free for any number of threads (see wcq_ring.h on the
 * threshold), an unbounded one lock-free; cc_queue_is_wait_free says which. Longer than
 * MOST_CAPACITY_OF_ONE_RING a bounded queue is a list with queue.c's credits, since a node is
 * allocated whole: lock-free.
 *
 * Memory. A slot of a node takes 2 * 2 * 16 + 8 = 72 bytes. Nodes in a list are reclaimed by the
 * sticky hazards of ring_list.h.
 *
 * Bounded: one node for the queue's whole life, with exactly `capacity` indices in `free`. A put
 * that finds no free index says full; there are no credits, and nothing is ever linked, recycled or
 * freed.
 *
 * Unbounded: nodes in a list (ring_list.h). Within a node wait-free; linking the next one is a
 * compare-and-swap of the list, and a thread starts over when the list's end moves on while it
 * protects the node there. So a thread may be overtaken without end by others who each fill a whole
 * node between two of its steps.
 *
 * Helping across nodes. A request says which ring it is for and which node that ring is in. A
 * helper protects that node by its own put_ring, which is free at the beginning of an operation,
 * and then asks whether the request is still pending: if so its owner protected the node when the
 * helper did, and the node cannot be recycled before the helper protects another. No loop: a
 * request that is not pending any more needs no help. So protecting costs the helper no
 * wait-freedom. Records are parts of handles and live as long as the queue; every ring, recycled
 * ones too, has a number of its own, so that a request on a ring of the past is never mistaken.
 *
 * Closing is the FINAL bit of `filled`'s tail (and the list's mark, if there is a list). A put that
 * is refused gives its index back. A get that finds nothing looks whether the ring is final, and if
 * so looks again: every ticket below a final tail is drawn then, so what is empty once more is
 * drained.
 *
 * Threads cache free indices (index_cache.h), as in SCQ, but only in lists: a bounded node has none
 * to spare.
 */
#include <string.h>

#include "index_cache.h"
#include "wcq_ring.h"

#ifdef CC_HAVE_PAIR_CAS

#ifndef FEWEST_SLOTS
#define FEWEST_SLOTS 64u
#endif
#ifndef MOST_SLOTS
#define MOST_SLOTS 1024u              /* of a ring in a list */
#endif
/* A longer bounded queue is a list, with credits. Fewer in the builds of tests that want to get
 * there. */
#ifndef MOST_CAPACITY_OF_ONE_RING
#define MOST_CAPACITY_OF_ONE_RING 65536u
#endif
#ifndef PATIENCE
#define PATIENCE 64u
#endif

/* What is linked into lists: two index rings and the words. */
typedef struct wcq_node {
    cc_ring common;
    uint32_t bits;
    cc_index_cache_sizes cache_sizes; /* in lists */
    uint64_t limit; /* a put with a later ticket finalizes the ring; tests only */
    char rest_of_line[CC_CACHE_LINE - sizeof(cc_ring) % CC_CACHE_LINE - 24];
    wcq_ring filled, free;
    /* Behind it: 2n slots of filled, 2n of free, n words. */
} wcq_node;

typedef struct wcq {
    cc_queue common;
    cc_ring_list rings; /* unless `only` is there */
    wcq_node *only;
    uint32_t patience, spins;
    cc_atomic_u64 numbers; /* of rings, given away so far */
} wcq;

static inline wcq_pair *slots_of(const wcq_node *node) {
    return (wcq_pair *)(node + 1);
}

static inline cc_atomic_uptr *words_of(const wcq_node *node) {
    return (cc_atomic_uptr *)(slots_of(node) + (UINT64_C(2) << node->bits));
}

/* ---------------------------------------------------------------- nodes */

static size_t node_bytes(uint32_t slots) {
    return sizeof(wcq_node) + slots * (2 * 2 * sizeof(wcq_pair) + sizeof(cc_atomic_uptr));
}

/* With `indices` of them in use, and `word`, unless 0, under the first. */
static void begin_node(wcq_node *node, wcq *q, uint32_t indices, uintptr_t word) {
    uint32_t bits = wcq_bits_for(node->common.slots), first_free = word ? 1 : 0;
    uint64_t number = cc_fetch_add_relaxed_u64(&q->numbers, 2);
    node->bits = bits;
    wcq_ring_begin(&node->filled, slots_of(node), bits, 0, first_free, 1, &q->common.handles,
                   number, node, q->patience, q->spins);
    wcq_ring_begin(&node->free, slots_of(node) + (UINT64_C(1) << bits), bits, first_free, indices,
                   node->cache_sizes.chain_length, &q->common.handles, number + 1, node,
                   q->patience, q->spins);
    cc_chain_up(words_of(node), first_free, indices, node->cache_sizes.chain_length);
    if (word) {
        cc_store_relaxed_uptr(&words_of(node)[0], word);
    }
}

static int visit_node(const cc_ring *common, int (*visit)(uintptr_t word, void *argument),
                      void *argument) {
    const wcq_node *node = (const wcq_node *)common;
    const wcq_ring *r = &node->filled;
    uint64_t tail = cc_load_acquire_u64(&r->tail.half.first) & ~WCQ_FINAL;
    for (uint64_t t = cc_load_acquire_u64(&r->head.half.first); t < tail; t++) {
        uint64_t value = cc_load_acquire_u64(&wcq_slot(r, t)->half.first);
        if (wcq_cycle_of_value(r, value) == wcq_cycle_of_ticket(r, t) && !wcq_is_vacant(r, value)) {
            int answer =
                visit(cc_load_relaxed_uptr(&words_of(node)[value & wcq_mask(r)]), argument);
            if (answer) {
                return answer;
            }
        }
    }
    return 0;
}

/* ---------------------------------------------------------------- nodes in a list */

static void fill_node(cc_ring *common, const cc_queue *queue, uintptr_t word) {
    wcq_node *node = (wcq_node *)common;
    uint32_t slots = common->slots;
    node->cache_sizes = cc_index_cache_sizes_of(queue, slots);
    begin_node(node, (wcq *)queue, slots, word);
    uint64_t tickets = CC_TEST_OPTION(queue, ticket_limit);
    node->limit = tickets ? (UINT64_C(1) << node->bits) + tickets : WCQ_FINAL;
}

static void finalize_node(cc_ring *ring) {
    wcq_finalize(&((wcq_node *)ring)->filled);
}

/* An index out of `free`; the chain behind it is cached, or goes back. */
CC_NEVER_INLINE bool take_free(wcq_node *node, wcq_record *self, uint64_t *index) {
    if (wcq_dequeue(&node->free, self, index) != WCQ_DONE) {
        return false;
    }
    uint32_t rest = cc_index_cache_fill(&self->common, &node->common, node->cache_sizes,
                                        words_of(node), (uint32_t)*index);
    if (rest != CC_NO_INDEX) {
        wcq_enqueue(&node->free, self, rest);
    }
    return true;
}

CC_ALWAYS_INLINE cc_ring_answer node_put(cc_ring *common, cc_queue *queue, cc_handle *self_,
                                         uintptr_t word) {
    wcq_node *node = (wcq_node *)common;
    wcq_record *self = (wcq_record *)self_;
    uint64_t index = cc_index_cache_take(self_, common, words_of(node));
    (void)queue;
    if (index == CC_NO_INDEX && !take_free(node, self, &index)) {
        wcq_finalize(&node->filled);
        return CC_RING_FINAL;
    }
    cc_store_release_uptr(&words_of(node)[index], word); /* published with the index */
    if (wcq_enqueue(&node->filled, self, index) == WCQ_SHUT) {
        return CC_RING_FINAL; /* nobody will miss the index */
    }
#if defined(CC_TEST_HOOKS)
    if (node->limit != WCQ_FINAL &&
        cc_load_relaxed_u64(&node->filled.tail.half.first) >= node->limit) {
        wcq_finalize(&node->filled);
    }
#endif
    return CC_RING_OK;
}

CC_ALWAYS_INLINE cc_ring_answer node_take(cc_ring *common, cc_queue *queue, cc_handle *self_,
                                          uintptr_t *word) {
    wcq_node *node = (wcq_node *)common;
    wcq_record *self = (wcq_record *)self_;
    uint64_t index;
    (void)queue;
    if (wcq_dequeue(&node->filled, self, &index) == WCQ_EMPTY) {
        if (!wcq_is_final(&node->filled)) {
            return CC_RING_EMPTY;
        }
        /* Final since when? Once more: what is empty after that is drained. */
        if (wcq_dequeue(&node->filled, self, &index) == WCQ_EMPTY) {
            return CC_RING_DRAINED;
        }
    }
    *word = cc_load_relaxed_uptr(&words_of(node)[index]);
    uint32_t chain =
        cc_index_cache_put(self_, common, node->cache_sizes, words_of(node), (uint32_t)index);
    if (chain != CC_NO_INDEX) {
        wcq_enqueue(&node->free, self, chain);
    }
    return CC_RING_OK;
}

static const cc_ring_kind wcq_nodes = {
    .fewest_slots = FEWEST_SLOTS,
    .most_slots = MOST_SLOTS,
    .most_slots_for_handles = 0, /* wcq_ring.h on the threshold */
    .helpers_protect_rings = true,
    .bytes = node_bytes,
    .fill = fill_node,
    .finalize = finalize_node,
    .put = node_put,
    .take = node_take,
    .visit = visit_node,
};

/* ---------------------------------------------------------------- one node that bounds itself */

/* Both count for themselves: a put when it has a place, so that one that says FULL was never
 * counted; a get before it gives its place to another put. So what is counted as inside is never
 * more than the capacity. */

/* OK; CLOSED: the index is free again. */
static inline cc_queue_status put_filled(wcq_node *node, wcq_record *self, uint64_t index,
                                         uintptr_t word) {
    cc_handle_count(&self->common.puts, 1);
    cc_store_relaxed_uptr(&words_of(node)[index], word); /* published with the index */
    if (wcq_enqueue(&node->filled, self, index) == WCQ_SHUT) {
        cc_handle_count(&self->common.puts, UINT64_MAX); /* minus 1 */
        wcq_enqueue(&node->free, self, index);
        return CC_QUEUE_CLOSED;
    }
    return CC_QUEUE_OK;
}

/* OK, EMPTY or CLOSED. OK: the index is the caller's. */
static inline cc_queue_status take_filled(wcq_node *node, wcq_record *self, uint64_t *index,
                                          uintptr_t *word) {
    if (wcq_dequeue(&node->filled, self, index) == WCQ_EMPTY) {
        if (!wcq_is_final(&node->filled)) {
            return CC_QUEUE_EMPTY;
        }
        if (wcq_dequeue(&node->filled, self, index) == WCQ_EMPTY) {
            return CC_QUEUE_CLOSED;
        }
    }
    *word = cc_load_relaxed_uptr(&words_of(node)[*index]);
    cc_handle_count(&self->common.gets, 1);
    return CC_QUEUE_OK;
}

CC_NEVER_INLINE cc_queue_status put_bounded(wcq *q, wcq_record *self, uintptr_t word) {
    wcq_node *node = q->only;
    uint64_t index;
    if (wcq_dequeue(&node->free, self, &index) != WCQ_DONE) {
        return wcq_is_final(&node->filled) ? CC_QUEUE_CLOSED : CC_QUEUE_FULL;
    }
    return put_filled(node, self, index, word);
}

CC_NEVER_INLINE cc_queue_status take_bounded(wcq *q, wcq_record *self, uintptr_t *word) {
    wcq_node *node = q->only;
    uint64_t index;
    cc_queue_status status = take_filled(node, self, &index, word);
    if (status == CC_QUEUE_OK) {
        wcq_enqueue(&node->free, self, index);
    }
    return status;
}

/* The oldest word's index stays out of `free`: nobody else can have it. */
CC_NEVER_INLINE cc_queue_status replace_bounded(wcq *q, wcq_record *self, uintptr_t word,
                                                uintptr_t *oldest) {
    wcq_node *node = q->only;
    uint64_t index;
    cc_queue_status status = take_filled(node, self, &index, oldest);
    return status == CC_QUEUE_OK ? put_filled(node, self, index, word) : status;
}

/* ---------------------------------------------------------------- the queue */

static bool begin(cc_queue *queue) {
    wcq *q = (wcq *)queue;
    q->patience = queue->options.patience ? queue->options.patience - 1 : PATIENCE;
    q->spins = cc_queue_spins(queue);
    if (queue->capacity == 0 || queue->capacity > MOST_CAPACITY_OF_ONE_RING) {
        return cc_ring_list_begin(&q->rings, queue, &wcq_nodes);
    }
    queue->has_credits = false; /* `free` holds exactly `capacity` indices */
    queue->counts_itself = true;
    uint32_t slots = cc_power_of_two(queue->capacity);
    size_t bytes = node_bytes(slots);
    q->only = cc_alloc_aligned(bytes, CC_CACHE_LINE);
    if (!q->only) {
        return false;
    }
    memset((void *)q->only, 0, sizeof(wcq_node));
    q->only->common.bytes = bytes;
    q->only->common.slots = slots;
    q->only->cache_sizes.chain_length = 1;
    begin_node(q->only, q, (uint32_t)queue->capacity, 0);
    return true;
}

static void end(cc_queue *queue) {
    wcq *q = (wcq *)queue;
    if (q->only) {
        cc_free(q->only);
    } else {
        cc_ring_list_end(&q->rings);
    }
}

/* put_ring is free at the beginning of an operation: a helper protects the request's node by it.
 * Indices of a ring that put_ring alone has protected cannot stay cached then. */
CC_NEVER_INLINE void help(wcq *q, wcq_record *self_) {
    cc_handle *self = &self_->common;
    uintptr_t protected = cc_load_relaxed_uptr(&self->put_ring);
    wcq_help_the_next(&q->common.handles, self_, q->only ? NULL : &self->put_ring);
    if (cc_load_relaxed_uptr(&self->put_ring) != protected) {
        cc_index_cache_drop_others(self, &self->get_ring);
    }
}

static inline void help_now_and_then(wcq *q, wcq_record *self) {
    if (wcq_is_time_to_help(self)) {
        help(q, self);
    }
}

static cc_queue_status put_word(cc_queue *queue, cc_handle *self_, uintptr_t word) {
    wcq *q = (wcq *)queue;
    wcq_record *self = (wcq_record *)self_;
    help_now_and_then(q, self);
    return q->only ? put_bounded(q, self, word)
                   : cc_ring_list_put(&q->rings, queue, self_, word, &wcq_nodes);
}

static cc_queue_status take_word(cc_queue *queue, cc_handle *self_, uintptr_t *word) {
    wcq *q = (wcq *)queue;
    wcq_record *self = (wcq_record *)self_;
    help_now_and_then(q, self);
    return q->only ? take_bounded(q, self, word)
                   : cc_ring_list_take(&q->rings, queue, self_, word, &wcq_nodes);
}

/* Of `only`: a list has credits. */
static cc_queue_status replace_word(cc_queue *queue, cc_handle *self_, uintptr_t word,
                                    uintptr_t *oldest) {
    wcq *q = (wcq *)queue;
    wcq_record *self = (wcq_record *)self_;
    help_now_and_then(q, self);
    return replace_bounded(q, self, word, oldest);
}

static void close_rings(cc_queue *queue, cc_handle *self) {
    wcq *q = (wcq *)queue;
    if (q->only) {
        wcq_finalize(&q->only->filled);
    } else {
        cc_ring_list_close(&q->rings, queue, self, &wcq_nodes);
    }
}

static int visit_words(const cc_queue *queue, int (*visit)(uintptr_t word, void *argument),
                       void *argument) {
    const wcq *q = (const wcq *)queue;
    return q->only ? visit_node(&q->only->common, visit, argument)
                   : cc_ring_list_visit(&q->rings, &wcq_nodes, visit, argument);
}

static size_t bytes_of_rings(const cc_queue *queue) {
    const wcq *q = (const wcq *)queue;
    return q->only ? q->only->common.bytes : (size_t)cc_load_relaxed_u64(&q->rings.bytes);
}

static bool is_wait_free(const cc_queue *queue) {
    return ((const wcq *)queue)->only != NULL;
}

static void add_statistics(const cc_queue *queue, cc_queue_statistics *out) {
    const wcq *q = (const wcq *)queue;
    const cc_handles *handles = &queue->handles;
    cc_handle_walk w;
    for (const cc_handle *h = cc_handle_first(handles, &w); h; h = cc_handle_next(handles, &w)) {
        /* Two for each request: it is odd while one is pending. */
        out->requests += (cc_load_relaxed_u64(&((const wcq_record *)h)->sequence) + 1) / 2;
    }
    out->patience = q->patience;
    if (q->only) { /* wcq_ring.h, Progress */
        uint64_t k = cc_handles_count(handles), n = UINT64_C(1) << (q->only->bits - 1);
        uint64_t p = (uint64_t)q->patience * (1 + (uint64_t)q->spins);
        out->most_steps = 32 * k * k * WCQ_HELP_EVERY * (p + 4 * n + 2 * k);
    }
}

const cc_queue_operations cc_wcq_operations = {
    .backend = "wcq",
    .is_available = cc_can_swap_pairs,
    .queue_bytes = sizeof(wcq),
    .handle_bytes = sizeof(wcq_record),
    .begin_handle = wcq_begin_record,
    .begin = begin,
    .put_word = put_word,
    .take_word = take_word,
    .replace_word = replace_word,
    .close = close_rings,
    .visit = visit_words,
    .end = end,
    .bytes = bytes_of_rings,
    .is_wait_free = is_wait_free,
    .add_statistics = add_statistics,
};

#else

const cc_queue_operations cc_wcq_operations = {.backend = "wcq", .is_available = cc_can_swap_pairs};

#endif
