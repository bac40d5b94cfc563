/* SPDX-License-Identifier: BSD-3-Clause
 *
 * CRTurn: the wait-free queue of Ramalhete and Correia ("A Wait-Free Queue with Wait-Free Memory
 * Reclamation", PPoPP 2017). Single-word compare-and-swap only, so it runs everywhere;
 * WaitFreeQueue where there is no wider one.
 *
 * Linearization.
 *   put     the CAS of `next` of the node before it.
 *   get     the writing of the node's taker, or that put if it is later.
 *   empty   the load of tail that equals head, after which the request was taken back unserved.
 *
 * Progress, for k handles (those that join during the operation counted in). put and get are
 * wait-free: one round of their loops takes O(k) steps, and a round that is not served is one in
 * which tail (head) has moved on; after at most 2k such rounds it is this handle's turn (k turns,
 * and at most one mistake of each thread with an old count). Only lock-free are: a thread's first
 * operation (it joins), the allocation of a node, and the credits of a bounded queue. So a bounded
 * queue does not claim to be wait-free.
 *
 * Memory. A node is 40 bytes, a cache line as allocated. Hazard pointers, wait-free, since nobody
 * has to follow a pointer that has changed: the end has moved on then, and that counts as a round.
 * A node that a get has returned is still head, and its handle's `given`. It is retired by the same
 * handle's next get but one. A handle keeps at most 32 + 4k nodes that wait, 4k of them because
 * somebody's hazard protects them.
 *
 * Limits. 2^20 handles.
 *
 * How it works.
 *
 *      head ---> (taken) ---> word ---> word <--- tail
 *
 * A linked list. Head points to the last node that was taken. Handles have numbers, and both ends
 * serve them in turns: after the node that handle p put comes the next waiting one of handles p+1,
 * p+2, ...; after the node that handle g took, the next node goes to the first asking one of g+1,
 * g+2, .... Nobody does anything for himself only:
 *
 *   put   1. writes its node into its `putting`;
 *            then everybody, until it is empty again, does what the tail needs:
 *         2. links behind the last node the waiting node whose turn it is,
 *         3. moves tail on to it,
 *         4. empties the `putting` that it came from.
 *   get   1. asks, by making its `asked` equal to its `given`;
 *            then everybody, until `given` changes, does what the head needs:
 *         2. writes into the first node the number of the asking handle whose turn it is (taker),
 *         3. writes the node into that handle's `given`,
 *         4. moves head on to it.
 *         If there is no node it takes its request back, and looks again: somebody may have served
 *         it meanwhile.
 *
 * Names.
 *
 *      in the paper                        here
 *      item, enqTid, deqTid; IDX_NONE      word, putter, taker; 0
 *      maxThreads                          cc_handles_count
 *      enqueuers[i]                        putting
 *      deqself[i], deqhelp[i]              asked, given
 *      hpTail, hpHead; hpNext; hpDeq       OF_END; OF_NEXT; OF_GIVEN
 *      enqueue, dequeue                    put_node, get_node
 *      searchNext                          taker_of
 *      casDeqAndHead                       hand_over
 *      giveUp                              the second look_behind_head in get_node
 *      sentinelNode                        first
 *
 * What differs from the paper, and why.
 *   - Handles are not an array of a fixed size but a registry that grows, so that any number
 *     of threads may come. Threads that have an old count pass over a new handle at most once each.
 *     So nothing here relies on "after as many turns as there are threads I have been served": put
 *     and get loop until they see that they have been.
 *   - Closing, by a marker: a node that is put like any other. Whoever moves tail on first writes
 *     into the new last node whether it is behind a marker (is_late); so a put knows whether it
 *     came too late when it is done, and all late nodes stay behind the marker for ever. A get that
 *     finds a marker behind head answers as if there were nothing. Each handle has a marker of its
 *     own: closing needs no memory and no agreement.
 *   - A put keeps a hazard on its own node until it has read is_late (OF_OWN).
 *   - Retired nodes are looked through when there are enough of them, not at every get; freed ones
 *     are used again by the same handle.
 *
 * Invariants.
 *   A node is linked only after `putting` of the node before it has been emptied, by the same
 *   thread or an earlier one. So a node read from `putting` after that is not yet in the list, or
 *   somebody has linked a node behind the last one meanwhile, and then the swap of its `next`
 *   fails: no node is linked twice.
 *
 *   `taker` is written once. Head moves on to a node only after its taker's `given` is that node.
 *
 *   At rest, a handle's `asked` differs from its `given`.
 *
 * Pairs of releases and acquires: all decisions are seq_cst, stores of requests and hazards are
 * exchanges (store-load).
 */
#include <string.h>

#include "queue_inside.h"

/* tests/c/schedules want nodes to be freed at once. */
#ifndef RETIRED_WORTH_A_LOOK
#define RETIRED_WORTH_A_LOOK(handles) (32u + HAZARDS * (handles))
#endif
#ifndef SPARE_NODES
#define SPARE_NODES 64u
#endif

typedef struct crturn_node {
    cc_atomic_uptr next;    /* crturn_node * */
    cc_atomic_u32 taker;    /* 0: nobody yet */
    cc_atomic_u32 is_late;  /* behind a marker; does not change once tail has been here */
    cc_atomic_uptr word;    /* written before the node is put */
    uint32_t putter;        /* these three too */
    bool is_marker;
    bool is_part_of_something; /* not allocated by itself */
    struct crturn_node *waiting; /* in its owner's list of retired or spare nodes */
} crturn_node;

enum hazard { OF_END, OF_NEXT, OF_GIVEN, OF_OWN, HAZARDS };

typedef struct crturn_handle {
    cc_handle common;
    /* What others look at. */
    cc_atomic_uptr putting; /* crturn_node *; 0: no request */
    cc_atomic_uptr asked;   /* crturn_node * */
    cc_atomic_uptr given;   /* crturn_node * */
    cc_atomic_uptr hazards[HAZARDS];
    char keep_others_off_the_private_part[CC_CACHE_LINE];
    /* Only the owner's. */
    uint32_t retired_count, spare_count;
    bool has_closed;
    crturn_node *retired, *spare;
    crturn_node marker, nothing_asked, nothing_given;
} crturn_handle;

typedef struct crturn {
    cc_queue common;
    cc_atomic_uptr head; /* crturn_node * */
    char keep_puts_off_head[CC_CACHE_LINE - sizeof(uintptr_t)];
    cc_atomic_uptr tail; /* crturn_node * */
    char keep_gets_off_tail[CC_CACHE_LINE - sizeof(uintptr_t)];
    cc_atomic_u64 nodes; /* allocated now */
    crturn_node first;
} crturn;

static inline crturn_handle *handle_at(const crturn *q, uint32_t number) {
    return (crturn_handle *)cc_handle_at(&q->common.handles, number);
}

/* ---------------------------------------------------------------- nodes and hazards */

static crturn_node *new_node(crturn *q, crturn_handle *self, uintptr_t word) {
    crturn_node *node = self->spare;
    if (node) {
        self->spare = node->waiting;
        self->spare_count--;
    } else {
        node = cc_alloc_aligned(sizeof *node, CC_CACHE_LINE);
        if (!node) {
            return NULL;
        }
        cc_fetch_add_relaxed_u64(&q->nodes, 1);
    }
    memset((void *)node, 0, sizeof *node);
    node->putter = self->common.number;
    cc_store_relaxed_uptr(&node->word, word);
    return node;
}

static void free_node(crturn *q, crturn_handle *self, crturn_node *node) {
    if ((int32_t)self->spare_count < (int32_t)SPARE_NODES) { /* signed: tests keep none */
        node->waiting = self->spare;
        self->spare = node;
        self->spare_count++;
    } else {
        cc_free(node);
        cc_fetch_add_relaxed_u64(&q->nodes, UINT64_MAX); /* minus 1 */
    }
}

/* Store-load: whoever retires the node after our next look at where it came from finds it. */
static inline void protect(crturn_handle *self, enum hazard which, const crturn_node *node) {
    (void)cc_exchange_seq_cst_uptr(&self->hazards[which], (uintptr_t)node);
}

static void clear_hazards(crturn_handle *self) {
    for (int i = 0; i < HAZARDS; i++) {
        cc_store_release_uptr(&self->hazards[i], 0);
    }
}

/* The node at `end`, protected; NULL when the end has moved on meanwhile. */
static inline crturn_node *node_at(crturn_handle *self, const cc_atomic_uptr *end) {
    crturn_node *node = (crturn_node *)cc_load_seq_cst_uptr(end);
    protect(self, OF_END, node);
    return cc_load_seq_cst_uptr(end) == (uintptr_t)node ? node : NULL;
}

static bool is_protected(const crturn *q, const crturn_node *node) {
    cc_handle_walk w;
    for (cc_handle *h = cc_handle_first(&q->common.handles, &w); h;
         h = cc_handle_next(&q->common.handles, &w)) {
        for (int i = 0; i < HAZARDS; i++) {
            if (cc_load_seq_cst_uptr(&((crturn_handle *)h)->hazards[i]) == (uintptr_t)node) {
                return true;
            }
        }
    }
    return false;
}

/* Neither end, nor anybody's `given` or `asked`, leads to the node any more. */
static void retire(crturn *q, crturn_handle *self, crturn_node *node) {
    if (node->is_part_of_something) {
        return;
    }
    node->waiting = self->retired;
    self->retired = node;
    if (++self->retired_count < RETIRED_WORTH_A_LOOK(cc_handles_count(&q->common.handles))) {
        return;
    }
    crturn_node *chain = self->retired;
    self->retired = NULL;
    self->retired_count = 0;
    while (chain) {
        crturn_node *next = chain->waiting;
        if (is_protected(q, chain)) {
            chain->waiting = self->retired;
            self->retired = chain;
            self->retired_count++;
        } else {
            free_node(q, self, chain);
        }
        chain = next;
    }
}

/* ---------------------------------------------------------------- put */

/* The node that is to follow the one of handle `last`: the next waiting one. NULL: nobody waits. */
static crturn_node *next_in_turn(const crturn *q, uint32_t last) {
    uint32_t count = cc_handles_count(&q->common.handles);
    for (uint32_t i = 0; i < count; i++) {
        uintptr_t waiting = cc_load_seq_cst_uptr(&handle_at(q, (last + i) % count + 1)->putting);
        if (waiting) {
            return (crturn_node *)waiting;
        }
    }
    return NULL;
}

/* True when the node is in the queue; false: behind a marker. */
static bool put_node(crturn *q, crturn_handle *self, crturn_node *node) {
    protect(self, OF_OWN, node);
    (void)cc_exchange_seq_cst_uptr(&self->putting, (uintptr_t)node); /* step 1 */
    while (cc_load_seq_cst_uptr(&self->putting)) {
        crturn_node *last = node_at(self, &q->tail);
        if (!last) {
            continue;
        }
        uintptr_t done = (uintptr_t)last;
        if (last->putter && cc_load_seq_cst_uptr(&handle_at(q, last->putter)->putting) == done) {
            (void)cc_cas_seq_cst_uptr(&handle_at(q, last->putter)->putting, &done, 0); /* step 4 */
        }
        crturn_node *following = next_in_turn(q, last->putter);
        if (following) {
            uintptr_t none = 0;
            (void)cc_cas_seq_cst_uptr(&last->next, &none, (uintptr_t)following); /* step 2 */
        }
        uintptr_t next = cc_load_seq_cst_uptr(&last->next);
        if (next) {
            protect(self, OF_NEXT, (crturn_node *)next);
            uintptr_t tail = (uintptr_t)last;
            if (cc_load_seq_cst_uptr(&q->tail) != tail) {
                continue;
            }
            if (last->is_marker || cc_load_seq_cst_u32(&last->is_late)) {
                (void)cc_exchange_seq_cst_u32(&((crturn_node *)next)->is_late,
                                              1); /* before step 3 */
            }
            (void)cc_cas_seq_cst_uptr(&q->tail, &tail, next); /* step 3 */
        }
    }
    bool is_in = !cc_load_seq_cst_u32(&node->is_late);
    clear_hazards(self);
    return is_in;
}

/* ---------------------------------------------------------------- get */

static inline bool is_asking(const crturn_handle *m) {
    return cc_load_seq_cst_uptr(&m->asked) == cc_load_seq_cst_uptr(&m->given);
}

/* Step 2: who takes `next`, the node behind `head`? 0: nobody asks. */
static uint32_t taker_of(const crturn *q, const crturn_node *head, crturn_node *next) {
    uint32_t last = cc_load_seq_cst_u32(&head->taker), count = cc_handles_count(&q->common.handles);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t number = (last + i) % count + 1;
        if (is_asking(handle_at(q, number))) {
            uint32_t nobody = 0;
            if (cc_load_seq_cst_u32(&next->taker) == 0) {
                (void)cc_cas_seq_cst_u32(&next->taker, &nobody, number);
            }
            break;
        }
    }
    return cc_load_seq_cst_u32(&next->taker);
}

/* Steps 3 and 4, when `next` has its taker. Both nodes are protected. */
static void hand_over(crturn *q, crturn_handle *self, crturn_node *head, crturn_node *next) {
    crturn_handle *taker = handle_at(q, cc_load_seq_cst_u32(&next->taker));
    uintptr_t given = cc_load_seq_cst_uptr(&taker->given);
    if (given != (uintptr_t)next) {
        /* Protected, so that it cannot come back as another node before the swap. While head stays,
         * the taker has not returned from this get, so what was given to it last is not retired. */
        protect(self, OF_GIVEN, (crturn_node *)given);
        if (cc_load_seq_cst_uptr(&q->head) == (uintptr_t)head) {
            (void)cc_cas_seq_cst_uptr(&taker->given, &given, (uintptr_t)next); /* step 3 */
        }
    }
    uintptr_t first = (uintptr_t)head;
    (void)cc_cas_seq_cst_uptr(&q->head, &first, (uintptr_t)next); /* step 4 */
}

typedef enum look { NOTHING, THE_END, SOMETHING, MOVED_ON } look;

/* What is behind head? With SOMETHING both nodes are protected. */
static look look_behind_head(crturn *q, crturn_handle *self, crturn_node **head,
                             crturn_node **next) {
    *head = node_at(self, &q->head);
    if (!*head) {
        return MOVED_ON;
    }
    if (cc_load_seq_cst_uptr(&q->tail) == (uintptr_t)*head) {
        return NOTHING;
    }
    *next = (crturn_node *)cc_load_seq_cst_uptr(&(*head)->next);
    protect(self, OF_NEXT, *next);
    if (cc_load_seq_cst_uptr(&q->head) != (uintptr_t)*head) {
        return MOVED_ON;
    }
    return (*next)->is_marker ? THE_END : SOMETHING; /* a late one is behind a marker */
}

/* OK, EMPTY or CLOSED. */
static cc_queue_status get_node(crturn *q, crturn_handle *self, crturn_node **node) {
    uintptr_t before = cc_load_seq_cst_uptr(&self->asked),
              mine = cc_load_seq_cst_uptr(&self->given);
    crturn_node *head, *next;
    CC_INVARIANT(before != mine);
    (void)cc_exchange_seq_cst_uptr(&self->asked, mine); /* step 1 */
    while (cc_load_seq_cst_uptr(&self->given) == mine) {
        look what = look_behind_head(q, self, &head, &next);
        if (what == MOVED_ON) {
            continue;
        }
        if (what == SOMETHING) {
            if (taker_of(q, head, next)) {
                hand_over(q, self, head, next);
            }
            continue;
        }
        (void)cc_exchange_seq_cst_uptr(&self->asked, before); /* take the request back */
        /* Who saw us asking may still serve us. That one has found a node behind head after we
         * found none; if there is none now there will be none for us, and if there is, give it to
         * somebody: to us, if nobody asks. */
        look again = look_behind_head(q, self, &head, &next);
        if (cc_load_seq_cst_uptr(&self->given) == mine && again == SOMETHING) {
            if (!taker_of(q, head, next)) {
                uint32_t nobody = 0;
                (void)cc_cas_seq_cst_u32(&next->taker, &nobody, self->common.number);
            }
            hand_over(q, self, head, next);
        }
        if (cc_load_seq_cst_uptr(&self->given) == mine) {
            clear_hazards(self);
            return what == THE_END ? CC_QUEUE_CLOSED : CC_QUEUE_EMPTY;
        }
        (void)cc_exchange_seq_cst_uptr(&self->asked, mine); /* served after all */
        break;
    }
    *node = (crturn_node *)cc_load_seq_cst_uptr(&self->given);
    /* Step 4, if nobody has done it yet: until then others may believe that we still wait for this
     * node. */
    head = node_at(self, &q->head);
    if (head && cc_load_seq_cst_uptr(&head->next) == (uintptr_t)*node) {
        uintptr_t first = (uintptr_t)head;
        (void)cc_cas_seq_cst_uptr(&q->head, &first, (uintptr_t)*node);
    }
    clear_hazards(self);
    retire(q, self, (crturn_node *)before);
    return CC_QUEUE_OK;
}

/* ---------------------------------------------------------------- the queue */

static bool begin(cc_queue *queue) {
    crturn *q = (crturn *)queue;
    q->first.is_part_of_something = true;
    cc_store_relaxed_uptr(&q->head, (uintptr_t)&q->first);
    cc_store_relaxed_uptr(&q->tail, (uintptr_t)&q->first);
    return true;
}

static void begin_handle(cc_handle *handle) {
    crturn_handle *self = (crturn_handle *)handle;
    self->marker.is_marker = true;
    self->marker.is_part_of_something = self->nothing_asked.is_part_of_something =
        self->nothing_given.is_part_of_something = true;
    cc_store_relaxed_uptr(&self->asked, (uintptr_t)&self->nothing_asked);
    cc_store_relaxed_uptr(&self->given, (uintptr_t)&self->nothing_given);
}

static cc_queue_status put_word(cc_queue *queue, cc_handle *self_, uintptr_t word) {
    crturn *q = (crturn *)queue;
    crturn_handle *self = (crturn_handle *)self_;
    crturn_node *node = new_node(q, self, word);
    if (!node) {
        return CC_QUEUE_NO_MEMORY;
    }
    return put_node(q, self, node) ? CC_QUEUE_OK : CC_QUEUE_CLOSED;
}

static cc_queue_status take_word(cc_queue *queue, cc_handle *self_, uintptr_t *word) {
    crturn *q = (crturn *)queue;
    crturn_handle *self = (crturn_handle *)self_;
    crturn_node *node;
    cc_queue_status status = get_node(q, self, &node);
    if (status == CC_QUEUE_OK) {
        *word = cc_load_relaxed_uptr(&node->word); /* it stays ours for another get */
    }
    return status;
}

static void close_at_tail(cc_queue *queue, cc_handle *self_) {
    crturn *q = (crturn *)queue;
    crturn_handle *self = (crturn_handle *)self_;
    if (!self->has_closed) {
        self->has_closed = true;
        self->marker.putter = self->common.number;
        (void)put_node(q, self, &self->marker);
    }
}

static int visit_words(const cc_queue *queue, int (*visit)(uintptr_t word, void *argument),
                       void *argument) {
    const crturn_node *node = (crturn_node *)cc_load_acquire_uptr(&((const crturn *)queue)->head);
    while ((node = (crturn_node *)cc_load_acquire_uptr(&node->next)) && !node->is_marker) {
        int answer = visit(cc_load_relaxed_uptr(&node->word), argument);
        if (answer) {
            return answer;
        }
    }
    return 0;
}

static void free_allocated(crturn_node *node) {
    if (!node->is_part_of_something) {
        cc_free(node);
    }
}

static void free_chain(crturn_node *node) {
    while (node) {
        crturn_node *next = node->waiting;
        cc_free(node);
        node = next;
    }
}

/* Head itself is the `given` (or `asked`) of the handle that has taken it, or our first node. */
static void end(cc_queue *queue) {
    crturn *q = (crturn *)queue;
    const crturn_node *head = (crturn_node *)cc_load_relaxed_uptr(&q->head);
    crturn_node *node = (crturn_node *)cc_load_relaxed_uptr(&head->next);
    while (node) {
        crturn_node *next = (crturn_node *)cc_load_relaxed_uptr(&node->next);
        free_allocated(node);
        node = next;
    }
    for (uint32_t i = 1; i <= cc_handles_count(&q->common.handles); i++) {
        crturn_handle *m = handle_at(q, i);
        uintptr_t asked = cc_load_relaxed_uptr(&m->asked), given = cc_load_relaxed_uptr(&m->given);
        free_allocated((crturn_node *)given);
        if (asked != given) {
            free_allocated((crturn_node *)asked);
        }
        free_chain(m->retired);
        free_chain(m->spare);
    }
}

static size_t bytes_of_nodes(const cc_queue *queue) {
    const crturn *q = (const crturn *)queue;
    return (size_t)cc_load_relaxed_u64(&q->nodes) * sizeof(crturn_node);
}

static bool is_wait_free(const cc_queue *queue) {
    return !queue->has_credits;
}

const cc_queue_operations cc_crturn_operations = {
    .backend = "crturn",
    .queue_bytes = sizeof(crturn),
    .handle_bytes = sizeof(crturn_handle),
    .begin_handle = begin_handle,
    .begin = begin,
    .put_word = put_word,
    .take_word = take_word,
    .close = close_at_tail,
    .visit = visit_words,
    .end = end,
    .bytes = bytes_of_nodes,
    .is_wait_free = is_wait_free,
};
