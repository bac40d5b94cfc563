/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Treiber's stack with an elimination array. stack.h has the promises to callers.
 *
 *     R. K. Treiber, Systems Programming: Coping with Parallelism (1986)
 *     D. Hendler, N. Shavit, L. Yerushalmi, A Scalable Lock-Free Stack Algorithm (SPAA 2004)
 *
 *        top --> [word, next] --> [word, next] --> 0         CLOSED is a bit of `top`
 *
 *        cells   [ FREE | count + offerer | ... ]            elimination.h
 *
 *     | the paper                 | here                                                    |
 *     |---------------------------|---------------------------------------------------------|
 *     | S.ptop                    | `top`                                                   |
 *     | Cell, pdata, pnext        | `node`, `word`, `next`                                  |
 *     | TryPerformStackOp         | one round of the loops in `push` and `pop`              |
 *     | LesOP, TryCollision,      | cc_offer_word, cc_take_offer                            |
 *     | FinishCollision           |                                                         |
 *     | location, collision       | the threads' handles, the cells (elimination.h)         |
 *     | garbage collector         | regions and retiring (csrc/memory)                      |
 *
 * What deviates, and why
 *
 *   Reclamation. The papers leave it to a collector, or count in the top pointer. Here a pop opens
 *   a region, and a node that has been popped is used again, or freed, when no region that could
 *   have read it is open any more. So `top` cannot come back to a node that a pop in its region has
 *   read the `next` of: no ABA, with a compare-and-swap of one word. A push follows no pointer and
 *   opens no region; that `top` has changed twice under it does not matter to it.
 *
 *   Nodes. What a thread pops waits in its handle until NODES_AT_ONCE have come together. Then they
 *   are looked after at once: nobody sees them, and they are the thread's next pushes; or they are
 *   retired as one thing. Under debra a held node is looked for by its address (debra.c), so there
 *   each comes alone.
 *
 *   Looks. A pop hands over the stack's own reference without touching the object. Somebody who
 *   looks at a word (peek, snapshot) needs a reference of his own, and must not take it when the
 *   last one has gone. So who looks says so before, in `lookers`; a pop that finds that somebody
 *   looks, after it has unlinked its node, acquires the word for its caller and retires the stack's
 *   reference. Either the pop finds the looker, or the looker does not find the node.
 *
 *   Closing. A bit of `top`, so that no push can be on its way past it. The cells are closed
 *   before: no pair meets after the close.
 *
 * Linearization points
 *
 *     push            its CAS of `top`; or, with a pop right after it, the taker's CAS of the cell
 *     pop             its CAS of `top`; or the cell's. EMPTY, CLOSED: the load of `top` that finds
 *                     no node
 *     push, FULL      the load of the credits that finds none. CLOSED: the load of `top`
 *     peek, snapshot  the load of `top`: what hangs on it then does not change
 *     close           the OR that sets the bit in `top`
 *
 * Progress. Lock-free: a round is lost only to somebody else's change of `top`, and a visit of the
 * array takes a bounded number of steps. close is wait-free. Under debra, a pop's read phase is
 * begun anew when others have retired much meanwhile.
 *
 * Memory. A stalled pop or peek pins what was inside in the eras of its region (ibr.c), or what it
 * holds (debra.c). A snapshot under debra takes no signal, so it cannot be neutralized: while it
 * lasts, everything that dies is pinned (and counted as a refusal); under ibr, what was alive
 * during it. Besides, each thread keeps up to NODES_AT_ONCE nodes that it has popped and
 * 2 * NODES_AT_ONCE for its next pushes.
 *
 * Pairs of releases and acquires, by number ((1), (2): elimination.h):
 *   (3) a push         with cc_protect of `top`, here and by later pops: the node and what its word
 *                      means.
 *   (4) lookers, then top   with top, then lookers: store-load on both sides.
 */
#include "stack.h"

#include <string.h>

#include "../memory/cc_alloc.h"
#include "../memory/smr_fast.h"
#include "../sync/credits.h"
#include "elimination.h"

/* Nodes that are looked after together. */
#ifndef NODES_AT_ONCE
#define NODES_AT_ONCE 32u
#endif

#define CLOSED ((uintptr_t)1)

typedef struct node {
    uintptr_t word;
    cc_atomic_uptr next; /* pops read it while another one has won the node */
    union {
        uint64_t birth;    /* as long as it is inside */
        struct node *link; /* of nodes that only their owner, or nobody, can see */
    } own;
} node;

/* Kinds of what is retired. */
enum { RETIRED_WORD, RETIRED_NODES };

/* What is held in a write phase. */
enum { HELD };

typedef struct stack_handle {
    cc_eliminator eliminator; /* first; begins with the cc_handle */
    node *spare;              /* for the next pushes */
    node *popped;             /* not looked after yet */
    uint64_t oldest_birth;    /* of these */
    cc_atomic_u32 spare_count, popped_count; /* others add them up */
    cc_atomic_u64 lost;
} stack_handle;

struct cc_stack {
    cc_deferred destruction; /* first: a deferred item is the stack itself */
    const cc_stack_words *words;
    cc_smr_domain *domain;
    cc_stack_options options;
    uint32_t nodes_at_once;
    cc_atomic_u64 lookers; /* threads that look at words */
    cc_handles handles;
    char keep_top_off_what_is_only_read[CC_CACHE_LINE];
    cc_atomic_uptr top; /* node *, and CLOSED */
    char keep_credits_off_the_top[CC_CACHE_LINE];
    cc_credits credits;
    char keep_cells_off_the_credits[CC_CACHE_LINE];
    cc_elimination elimination;
};

static inline node *node_of(uintptr_t top) {
    return (node *)(top & ~CLOSED);
}

static inline cc_stack_status nothing_at(uintptr_t top) {
    return top & CLOSED ? CC_STACK_CLOSED : CC_STACK_EMPTY;
}

#if defined(CC_TEST_HOOKS)
#define ELIMINATES_FIRST(stack) ((stack)->options.eliminates_first)
#else
#define ELIMINATES_FIRST(stack) ((void)(stack), false)
#endif

/* ---------------------------------------------------------------- nodes */

static void count_u32(cc_atomic_u32 *count, uint32_t n) {
    cc_store_relaxed_u32(count, n); /* only the owner writes it */
}

static void free_nodes(node *n) {
    while (n) {
        node *next = n->own.link;
        cc_free(n);
        n = next;
    }
}

static void release_retired(const void *context, uintptr_t word, unsigned kind) {
    const cc_stack_words *words = context;
    if (kind == RETIRED_NODES) {
        free_nodes((node *)word);
    } else if (words->release) {
        words->release(word);
    }
}

static inline void acquire(const cc_stack *stack, uintptr_t word) {
    if (stack->words->acquire) {
        stack->words->acquire(word);
    }
}

static inline node *take_spare_node(stack_handle *self) {
    node *n = self->spare;
    if (n) {
        self->spare = n->own.link;
        count_u32(&self->spare_count, cc_load_relaxed_u32(&self->spare_count) - 1);
        return n;
    }
    return cc_alloc(sizeof *n);
}

static inline void keep_spare_node(stack_handle *self, node *n) {
    n->own.link = self->spare;
    self->spare = n;
    count_u32(&self->spare_count, cc_load_relaxed_u32(&self->spare_count) + 1);
}

/* `n` nodes that nobody sees: for the next pushes, as many as there is room for. */
static void reuse_nodes(cc_stack *stack, stack_handle *self, node *nodes) {
    while (nodes && cc_load_relaxed_u32(&self->spare_count) < 2 * stack->nodes_at_once) {
        node *n = nodes;
        nodes = n->own.link;
        keep_spare_node(self, n);
    }
    free_nodes(nodes);
}

/* What has been popped, as one thing. `record` is for the case that somebody may see it. Foreign
 * code may run in here. */
CC_NEVER_INLINE void look_after_popped(cc_stack *stack, stack_handle *self, cc_thread *thread,
                                       cc_retired *record) {
    node *nodes = self->popped;
    size_t bytes = cc_load_relaxed_u32(&self->popped_count) * sizeof(node);
    self->popped = NULL;
    count_u32(&self->popped_count, 0);
    if (cc_nobody_sees(stack->domain, (uintptr_t)nodes, self->oldest_birth)) {
        cc_keep_spare(thread, record);
        reuse_nodes(stack, self, nodes);
    } else {
        cc_retire(stack->domain, thread, record, (uintptr_t)nodes, RETIRED_NODES,
                  self->oldest_birth, bytes);
    }
}

/* Whether there are enough to look after. */
static inline bool add_popped(cc_stack *stack, stack_handle *self, node *n) {
    uint32_t count = cc_load_relaxed_u32(&self->popped_count) + 1;
    uint64_t birth = n->own.birth;
    if (count == 1 || birth < self->oldest_birth) {
        self->oldest_birth = birth;
    }
    n->own.link = self->popped;
    self->popped = n;
    count_u32(&self->popped_count, count);
    return count >= stack->nodes_at_once;
}

/* ---------------------------------------------------------------- life */

static void begin_handle(cc_handle *handle) {
    cc_eliminator_begin((cc_eliminator *)handle);
}

cc_stack *cc_stack_new(const cc_stack_words *words, const cc_stack_options *options) {
    cc_stack *stack = cc_alloc_aligned(sizeof *stack, CC_CACHE_LINE);
    if (!stack) {
        return NULL;
    }
    memset((void *)stack, 0, sizeof *stack);
    if (options) {
        stack->options = *options;
    }
    stack->words = words;
    cc_smr_scheme scheme = cc_smr_scheme_of_new_containers();
    stack->domain = cc_smr_domain_new_of(scheme, release_retired, words);
    if (!stack->domain) {
        cc_free(stack);
        return NULL;
    }
    cc_smr_domain_join_flushes(stack->domain); /* a table of words lives for ever */
    stack->nodes_at_once = scheme == CC_SMR_DEBRA ? 1 : NODES_AT_ONCE;
    cc_handles_begin(&stack->handles, sizeof(stack_handle), begin_handle);
    cc_credits_begin(&stack->credits, stack->options.capacity);
    uint32_t cells = stack->options.cells ? stack->options.cells : cc_os_cpu_count() / 2;
    cc_elimination_begin(&stack->elimination, cells ? cells : 1,
                         stack->options.wait ? stack->options.wait - 1 : LONGEST_WAIT);
    return stack;
}

static void destroy(cc_deferred *item) {
    cc_stack *stack = (cc_stack *)item;
    node *n = node_of(cc_load_acquire_uptr(&stack->top));
    cc_handle_walk w;
    while (n) {
        node *next = (node *)cc_load_relaxed_uptr(&n->next);
        if (stack->words->release) {
            stack->words->release(n->word);
        }
        cc_free(n);
        n = next;
    }
    for (cc_handle *h = cc_handle_first(&stack->handles, &w); h;
         h = cc_handle_next(&stack->handles, &w)) {
        free_nodes(((stack_handle *)h)->spare);
        free_nodes(((stack_handle *)h)->popped);
    }
    cc_smr_domain_free(stack->domain);
    cc_handles_end(&stack->handles);
    cc_free(stack);
}

void cc_stack_free(cc_stack *stack) {
    if (stack) {
        stack->destruction.run = destroy;
        cc_run_or_defer(&stack->destruction);
    }
}

/* The calling thread's; NULL without memory. */
static inline stack_handle *handle_of(cc_stack *stack, const cc_thread *thread) {
    return thread ? (stack_handle *)cc_handle_of(&stack->handles, thread) : NULL;
}

/* ---------------------------------------------------------------- push */

/* Somebody else was faster at the top: is there a partner? */
static inline bool may_eliminate(const cc_stack *stack) {
    return stack->elimination.longest != 0;
}

static inline void count_loss(stack_handle *self, cc_smr_guard *g) {
    cc_handle_count(&self->lost, 1);
    cc_count_retry(g);
}

/* OK or CLOSED. */
CC_ALWAYS_INLINE cc_stack_status push_node(cc_stack *stack, stack_handle *self, cc_thread *thread,
                                           node *n) {
    cc_smr_guard g = {.thread = thread, .domain = stack->domain}; /* a push opens no region */
    bool tries_top = !(ELIMINATES_FIRST(stack) && may_eliminate(stack));
    n->own.birth = cc_load_acquire_u64(&stack->domain->era);
    for (;; tries_top = true) {
        if (tries_top) {
            uintptr_t top = cc_load_relaxed_uptr(&stack->top);
            if (top & CLOSED) {
                return CC_STACK_CLOSED;
            }
            cc_store_relaxed_uptr(&n->next, top);
            if (cc_cas_acq_rel_uptr(&stack->top, &top, (uintptr_t)n)) { /* (3) */
                cc_published(&g);
                return CC_STACK_OK;
            }
            count_loss(self, &g);
        }
        if (may_eliminate(stack) &&
            cc_offer_word(&stack->elimination, &self->eliminator, thread, n->word)) {
            keep_spare_node(self, n);
            return CC_STACK_OK;
        }
    }
}

cc_stack_status cc_stack_push(cc_stack *stack, uintptr_t word) {
    CC_INVARIANT(word != 0);
    cc_thread *thread = cc_thread_self();
    stack_handle *self = handle_of(stack, thread);
    if (cc_stack_is_closed(stack)) {
        return CC_STACK_CLOSED;
    }
    bool has_credits = stack->options.capacity != 0;
    if (!self || (has_credits && !cc_credits_take(&stack->credits))) {
        return self ? CC_STACK_FULL : CC_STACK_NO_MEMORY;
    }
    cc_atomic_u64 *pushes = &self->eliminator.common.puts;
    node *n = take_spare_node(self);
    cc_stack_status status = CC_STACK_NO_MEMORY;
    if (n) {
        n->word = word;
        cc_handle_count(pushes, 1);
        status = push_node(stack, self, thread, n);
        if (status == CC_STACK_OK) {
            return CC_STACK_OK;
        }
        cc_handle_count(pushes, UINT64_MAX); /* minus 1 */
        keep_spare_node(self, n);
    }
    if (has_credits) {
        cc_credits_give(&stack->credits);
    }
    return status;
}

/* ---------------------------------------------------------------- pop */

/* What `top` says, and what comes after its node, if there is one. A read phase of debra. */
CC_NEVER_INLINE uintptr_t read_top_in_phase(cc_stack *stack, cc_smr_guard *g, uintptr_t *next) {
    CC_CHECKPOINT(g);
    uintptr_t top = cc_protect(g, &stack->top); /* (3) */
    if (node_of(top)) {
        *next = cc_load_relaxed_uptr(&node_of(top)->next);
        cc_hold(g, HELD, (uintptr_t)node_of(top));
    }
    cc_end_reading(g);
    return top;
}

static inline uintptr_t read_top(cc_stack *stack, cc_smr_guard *g, uintptr_t *next) {
    if (g->restarts) {
        return read_top_in_phase(stack, g, next);
    }
    uintptr_t top = cc_protect(g, &stack->top); /* (3) */
    if (node_of(top)) {
        *next = cc_load_relaxed_uptr(&node_of(top)->next);
    }
    return top;
}

/* Unlink the top node, or take an offer: then *unlinked is NULL. In a region. */
CC_ALWAYS_INLINE cc_stack_status take(cc_stack *stack, stack_handle *self, cc_smr_guard *g,
                                      uintptr_t *word, node **unlinked) {
    bool tries_top = !(ELIMINATES_FIRST(stack) && may_eliminate(stack));
    for (;; tries_top = true) {
        if (tries_top) {
            uintptr_t next = 0, top = read_top(stack, g, &next), seen = top;
            node *n = node_of(top);
            if (!n) {
                return nothing_at(top);
            }
            if (cc_cas_acq_rel_uptr(&stack->top, &seen, next | (top & CLOSED))) {
                *word = n->word;
                *unlinked = n;
                return CC_STACK_OK;
            }
            count_loss(self, g);
        }
        if (may_eliminate(stack) && cc_take_offer(&stack->elimination, &self->eliminator, g->thread,
                                                  &stack->handles, word)) {
            *unlinked = NULL;
            return CC_STACK_OK;
        }
    }
}

/* Behind the region: the word is the caller's, the node may go. Foreign code runs in here, at the
 * very end. */
CC_ALWAYS_INLINE void after_unlinking(cc_stack *stack, stack_handle *self, cc_thread *thread,
                                      node *n) {
    uintptr_t word = n->word;
    uint64_t birth = n->own.birth;
    /* (4) Whoever looks and has not said so by now does not find the node. */
    cc_fence_seq_cst_after_rmw(&stack->lookers);
    bool is_seen = cc_load_seq_cst_u64(&stack->lookers) != 0 && stack->words->release;
    if (is_seen) {
        acquire(stack, word);
    }
    bool is_enough = add_popped(stack, self, n);
    /* Both records first: foreign code uses spare ones up. */
    cc_retired *word_record = is_seen ? cc_take_spare(thread) : NULL;
    cc_retired *nodes_record = is_enough ? cc_take_spare(thread) : NULL;
    if (is_enough) {
        look_after_popped(stack, self, thread, nodes_record);
    }
    if (is_seen) {
        cc_retire(stack->domain, thread, word_record, word, RETIRED_WORD, birth, 0);
    }
}

cc_stack_status cc_stack_pop(cc_stack *stack, uintptr_t *word) {
    cc_thread *thread = cc_thread_self();
    stack_handle *self = handle_of(stack, thread);
    if (!self || (thread->spare_count < 2 && cc_reserve(thread, 2))) {
        return CC_STACK_NO_MEMORY;
    }
    uintptr_t top = cc_load_acquire_uptr(&stack->top);
    if (!node_of(top) && !ELIMINATES_FIRST(stack)) {
        cc_poll(stack->domain, thread);
        return nothing_at(top);
    }
    cc_smr_guard g;
    node *unlinked;
    cc_enter_as(thread, stack->domain, &g);
    cc_stack_status status = take(stack, self, &g, word, &unlinked);
    cc_leave(&g);
    if (status == CC_STACK_OK) {
        cc_handle_count(&self->eliminator.common.gets, 1);
        if (stack->options.capacity) {
            cc_credits_give(&stack->credits);
        }
        if (unlinked) {
            after_unlinking(stack, self, thread, unlinked);
        }
    }
    cc_poll(stack->domain, thread);
    return status;
}

/* ---------------------------------------------------------------- looking */

/* The top word, 0 for none; `top` is what was read. A read phase, which holds it. */
CC_NEVER_INLINE uintptr_t read_top_word(cc_stack *stack, cc_smr_guard *g, uintptr_t *top) {
    CC_CHECKPOINT(g);
    uintptr_t word = 0;
    *top = cc_protect(g, &stack->top); /* (3) */
    if (node_of(*top)) {
        word = node_of(*top)->word;
        cc_hold(g, HELD, word);
    }
    cc_end_reading(g);
    return word;
}

/* 0, or -1 without memory. */
static int begin_looking(cc_stack *stack, cc_smr_guard *g) {
    cc_thread *thread = cc_thread_self();
    if (!thread) {
        return -1;
    }
    cc_fetch_add_seq_cst_u64(&stack->lookers, 1); /* (4) */
    cc_fence_seq_cst_after_rmw(&stack->lookers);
    cc_enter_as(thread, stack->domain, g);
    return 0;
}

static void end_looking(cc_stack *stack, cc_smr_guard *g) {
    cc_leave(g);
    cc_fetch_add_seq_cst_u64(&stack->lookers, UINT64_MAX); /* minus 1 */
}

cc_stack_status cc_stack_peek(cc_stack *stack, uintptr_t *word) {
    cc_smr_guard g;
    uintptr_t top;
    if (begin_looking(stack, &g)) {
        return CC_STACK_NO_MEMORY;
    }
    uintptr_t found = read_top_word(stack, &g, &top);
    if (found) {
        acquire(stack, found);
        *word = found;
    }
    end_looking(stack, &g);
    cc_poll(stack->domain, g.thread);
    return found ? CC_STACK_OK : nothing_at(top);
}

/* Copy up to `room` words; return how many there are. Acquired only if all have room. In a region
 * which nobody interrupts. */
CC_NEVER_INLINE size_t copy_words(cc_stack *stack, cc_smr_guard *g, uintptr_t *words, size_t room) {
    CC_CHECKPOINT(g);
    size_t count = 0;
    /* All of these were inside when `top` was read, so the region covers them; and `next` never
     * changes while a node can be seen. */
    for (const node *n = node_of(cc_protect(g, &stack->top)); n; /* (3) */
         n = (const node *)cc_load_relaxed_uptr(&n->next)) {
        if (count < room) {
            words[count] = n->word;
        }
        count++;
    }
    for (size_t i = 0; count <= room && i < count; i++) {
        acquire(stack, words[i]);
    }
    cc_end_reading(g);
    return count;
}

static cc_stack_status copy_all(cc_stack *stack, uintptr_t *words, size_t room, size_t *count) {
    cc_smr_guard g;
#if CC_HAS_INTERRUPTS
    /* A read phase that is ended in the middle would have acquired some of the words. */
    bool may_be_interrupted = stack->domain->scheme == CC_SMR_DEBRA;
    cc_os_mask before;
    if (may_be_interrupted) {
        cc_os_block_interrupts(&before);
    }
#endif
    int error = begin_looking(stack, &g);
    if (!error) {
        *count = copy_words(stack, &g, words, room);
        end_looking(stack, &g);
    }
#if CC_HAS_INTERRUPTS
    if (may_be_interrupted) {
        cc_os_set_mask_back(&before);
    }
#endif
    if (!error) {
        cc_poll(stack->domain, g.thread);
    }
    return error ? CC_STACK_NO_MEMORY : CC_STACK_OK;
}

cc_stack_status cc_stack_snapshot(cc_stack *stack, uintptr_t **words, size_t *count) {
    size_t room = cc_stack_length(stack);
    for (;;) {
        room += room / 8 + 1;
        *words = cc_alloc(room * sizeof **words);
        cc_stack_status status = *words ? copy_all(stack, *words, room, count) : CC_STACK_NO_MEMORY;
        if (status == CC_STACK_OK && *count <= room) {
            return CC_STACK_OK;
        }
        cc_free(*words);
        if (status != CC_STACK_OK) {
            return status;
        }
        room = *count;
    }
}

/* ---------------------------------------------------------------- closing */

void cc_stack_close(cc_stack *stack) {
    cc_close_cells(&stack->elimination);
    cc_fetch_or_seq_cst_uptr(&stack->top, CLOSED);
}

bool cc_stack_is_closed(const cc_stack *stack) {
    return cc_load_seq_cst_uptr(&stack->top) & CLOSED;
}

/* ---------------------------------------------------------------- what there is to know */

uint64_t cc_stack_pushes(const cc_stack *stack) {
    uint64_t sum = 0;
    cc_handle_walk w;
    for (const cc_handle *h = cc_handle_first(&stack->handles, &w); h;
         h = cc_handle_next(&stack->handles, &w)) {
        sum += cc_load_seq_cst_u64(&h->puts);
    }
    return sum;
}

uint64_t cc_stack_pops(const cc_stack *stack) {
    uint64_t sum = 0;
    cc_handle_walk w;
    for (const cc_handle *h = cc_handle_first(&stack->handles, &w); h;
         h = cc_handle_next(&stack->handles, &w)) {
        sum += cc_load_seq_cst_u64(&h->gets);
    }
    return sum;
}

bool cc_stack_is_empty(const cc_stack *stack) {
    return !node_of(cc_load_seq_cst_uptr(&stack->top));
}

size_t cc_stack_length(const cc_stack *stack) {
    /* Pops first: no word is counted as taken that is not yet counted as pushed. */
    uint64_t pops = cc_stack_pops(stack), pushes = cc_stack_pushes(stack);
    uint64_t length = pushes > pops ? pushes - pops : 0;
    if (cc_stack_is_empty(stack)) {
        return 0; /* whatever is about to be counted, or taken back */
    }
    length = length ? length : 1;
    uint64_t most = cc_credits_most_out(&stack->credits);
    return (size_t)(stack->options.capacity && length > most ? most : length);
}

size_t cc_stack_capacity(const cc_stack *stack) {
    return (size_t)cc_credits_bound(&stack->credits); /* without a bound they are 0, too */
}

bool cc_stack_set_capacity(cc_stack *stack, size_t capacity) {
    if (!stack->options.capacity) { /* pushes and pops do not look at the credits */
        return capacity == 0;
    }
    cc_credits_change(&stack->credits, capacity ? capacity : CC_WITHOUT_BOUND);
    return true;
}

size_t cc_stack_bytes(const cc_stack *stack) {
    size_t nodes = cc_stack_length(stack);
    cc_handle_walk w;
    for (const cc_handle *h = cc_handle_first(&stack->handles, &w); h;
         h = cc_handle_next(&stack->handles, &w)) {
        const stack_handle *s = (const stack_handle *)h;
        nodes += cc_load_relaxed_u32(&s->spare_count) + cc_load_relaxed_u32(&s->popped_count);
    }
    cc_smr_domain_statistics waits;
    cc_smr_get_domain_statistics(stack->domain, &waits);
    return sizeof *stack + cc_handles_bytes(&stack->handles) + (size_t)waits.limbo_bytes +
           nodes * cc_alloc_good_size(sizeof(node));
}

cc_smr_domain *cc_stack_domain(const cc_stack *stack) {
    return stack->domain;
}

void cc_stack_get_statistics(const cc_stack *stack, cc_stack_statistics *out) {
    cc_handle_walk w;
    *out = (cc_stack_statistics){0};
    for (const cc_handle *h = cc_handle_first(&stack->handles, &w); h;
         h = cc_handle_next(&stack->handles, &w)) {
        const stack_handle *s = (const stack_handle *)h;
        out->pushes += cc_load_relaxed_u64(&h->puts);
        out->pops += cc_load_relaxed_u64(&h->gets);
        out->lost += cc_load_relaxed_u64(&s->lost);
        out->offers += cc_load_relaxed_u64(&s->eliminator.offers);
        out->eliminated += cc_load_relaxed_u64(&s->eliminator.taken);
    }
}

static int visit_limbo(const cc_atomic_uptr *list, int (*visit)(uintptr_t word, void *argument),
                       void *argument) {
    int answer = 0;
    for (cc_retired *r = (cc_retired *)cc_load_relaxed_uptr(list); r && !answer; r = r->next) {
        answer = r->kind == RETIRED_WORD ? visit(r->word, argument) : 0;
    }
    return answer;
}

int cc_stack_visit(const cc_stack *stack, int (*visit)(uintptr_t word, void *argument),
                   void *argument) {
    const cc_smr_domain *d = stack->domain;
    int answer = 0;
    for (const node *n = node_of(cc_load_relaxed_uptr(&stack->top)); n && !answer;
         n = (const node *)cc_load_relaxed_uptr(&n->next)) {
        answer = visit(n->word, argument);
    }
    for (uint32_t i = 0; i <= d->stripe_mask && !answer; i++) {
        const cc_limbo *s = &d->stripes[i].limbo;
        answer = visit_limbo(&s->waiting, visit, argument);
        if (!answer) {
            answer = visit_limbo(&s->ready, visit, argument);
        }
    }
    return answer;
}
