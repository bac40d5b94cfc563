/* SPDX-License-Identifier: BSD-3-Clause
 *
 * LCRQ, Morrison and Afek's queue of rings (PPoPP 2013), in the list of ring_list.h.
 *
 * Linearization.
 *   put     the drawing of the ticket with which it succeeds, or the CAS of `next` for the first
 *           word of a ring.
 *   get     the drawing of the ticket, or the put of its word if that is later.
 *   empty   the load of tail that is not ahead of head.
 *
 * Progress. Lock-free. A get waits for a put in its cell for at most `spins` loads. Any number of
 * threads.
 *
 * Memory. 16 bytes a slot. Rings are reclaimed by the sticky hazards of ring_list.h.
 *
 * Limits. Needs a 16-byte compare-and-swap: x86-64 with CMPXCHG16B, found at run time.
 *
 * How it works. A ring has n cells {index, word}, and two counters, head and tail, that hand out
 * tickets; ticket t belongs to cell t mod n. A put draws a tail ticket and swaps {older index, 0}
 * for {its ticket, its word}, sixteen bytes at once. A get draws a head ticket; if the cell carries
 * its ticket it takes the word and leaves {its ticket, 0}: the cell is free for the next round. A
 * get whose cell is empty moves the index on, to its ticket + n, so that the put with its ticket
 * fails; one that finds an older word there marks the cell unsafe, so that the put with its ticket,
 * when it finds the cell emptied, knows that it may be too late: it may use an unsafe cell only if
 * head has not passed its ticket. A put that finds the ring full, or fails too often, makes it
 * final.
 *
 * Names.
 *
 *      in the paper                     here
 *      CRQ; R                           lcrq_ring; n, that is mask + 1
 *      node: safe, idx, val             cell: UNSAFE in the index, index, word
 *      an empty val (bottom)            0
 *      head, tail; closed               head, tail; FINAL in tail
 *      CAS2                             swap_cell, cc_pair_cas
 *      enqueue, dequeue                 ring_put, put_at_ticket; ring_take, take_at_ticket
 *      fixState                         catch_up
 *      starving                         MOST_TRIES
 *      LCRQ: head, tail, next           head, tail (cc_ring_list), next (cc_ring)
 *
 * What differs from the paper, and why.
 *
 *   Look first. A get looks at the cell that head points to; if there is no word for it, and tail
 *   is not ahead of head, the ring is empty at that moment, since every ticket below tail has its
 *   get. It draws no ticket then, so polling an empty queue disturbs no put.
 *
 *   A get leaves a ring only after it has seen in one load of tail that the ring is final and that
 *   head has reached its last ticket. (The paper's first form swung head on "empty, and there is a
 *   next ring": words that came between the two were lost.) A ring that is not final has nothing
 *   behind it, so "empty" needs no look at `next`.
 *
 *   A get takes a word by a store of 0, not by a swap that moves the index on, too. Once a cell has
 *   been seen as {t, a word}, only the get with ticket t changes its word: a put needs an empty
 *   cell, and other gets can do no more than mark it unsafe, which the store of the other half
 *   leaves alone. To have seen both halves together the get reads the index once more after the
 *   word; it never goes back. While the store is under way others find the cell occupied, as they
 *   would have a moment before. So a get has one locked instruction instead of two.
 *
 *   Gets never close a ring; head that ran ahead is repaired by moving tail on (catch_up), only
 *   while the ring is not final: the final bit is never cleared.
 *
 * Invariants: as in scq.c. An index never goes back (tickets have 62 bits). A cell can be {t, 0}
 * twice, before the put with ticket t and after the get, and a swap that expected the first may
 * find the second: it is in order there as well, since it asks for an empty cell of an older
 * ticket, whatever was in it. The two halves of a cell are read one after the other; what was not
 * there together makes a swap fail.
 */
#include "queue_inside.h"

#if defined(CC_HAVE_PAIR_CAS) && defined(CC_ARCH_X86_64)

#include "ring_list.h"

#ifndef FEWEST_SLOTS
#define FEWEST_SLOTS 64u
#endif
#ifndef MOST_SLOTS
#define MOST_SLOTS 4096u
#endif
#ifndef MOST_TRIES
#define MOST_TRIES 10u            /* of a put, before it gives the ring up */
#endif
#define FINAL (UINT64_C(1) << 63) /* in tail */
#define UNSAFE (UINT64_C(1) << 63) /* in the index of a cell */

/* The halves are loaded singly, and changed together as a cc_pair. */
typedef struct cell {
    cc_atomic_u64 index; /* a ticket, and UNSAFE */
    cc_atomic_u64 word;  /* 0: empty */
} cell;

_Static_assert(sizeof(cell) == sizeof(cc_pair), "a cell is swapped as a pair");

typedef struct lcrq_ring {
    cc_ring common;
    uint64_t mask;  /* n - 1 */
    uint64_t limit; /* tickets from here on are not used; for tests */
    char keep_head_off[CC_CACHE_LINE - sizeof(cc_ring) % CC_CACHE_LINE - 16];
    cc_atomic_u64 head;
    char keep_tail_off[CC_CACHE_LINE - sizeof(uint64_t)];
    cc_atomic_u64 tail; /* a ticket, and FINAL */
    char rest_of_line[CC_CACHE_LINE - sizeof(uint64_t)];
    /* Behind it: n cells. */
} lcrq_ring;

static inline cell *cell_of(const lcrq_ring *ring, uint64_t ticket) {
    return (cell *)(ring + 1) + (ticket & ring->mask);
}

static inline bool swap_cell(cell *c, uint64_t index, uint64_t word, uint64_t new_index,
                             uint64_t new_word) {
    cc_pair expected = {index, word}, desired = {new_index, new_word};
    return cc_pair_cas((cc_pair *)c, &expected, desired);
}

/* ---------------------------------------------------------------- rings */

static size_t ring_bytes(uint32_t slots) {
    return sizeof(lcrq_ring) + slots * sizeof(cell);
}

static void fill_ring(cc_ring *common, const cc_queue *queue, uintptr_t word) {
    lcrq_ring *ring = (lcrq_ring *)common;
    uint64_t tickets = CC_TEST_OPTION(queue, ticket_limit);
    ring->mask = common->slots - 1;
    ring->limit = tickets ? tickets : FINAL;
    for (uint64_t i = 0; i <= ring->mask; i++) {
        cell *c = cell_of(ring, i);
        cc_store_relaxed_u64(&c->index, i);
        cc_store_relaxed_u64(&c->word, i == 0 ? word : 0);
    }
    cc_store_relaxed_u64(&ring->head, 0);
    cc_store_relaxed_u64(&ring->tail, word ? 1 : 0);
}

static void finalize_ring(cc_ring *ring) {
    cc_fetch_or_seq_cst_u64(&((lcrq_ring *)ring)->tail, FINAL);
}

/* With a ticket in hand. False: the cell is not to be used. */
CC_ALWAYS_INLINE bool put_at_ticket(lcrq_ring *ring, uint64_t ticket, uintptr_t word) {
    cell *c = cell_of(ring, ticket);
    uint64_t index = cc_load_seq_cst_u64(&c->index); /* first: see the head of this file */
    return cc_load_seq_cst_u64(&c->word) == 0 && (index & ~UNSAFE) <= ticket &&
           (!(index & UNSAFE) || cc_load_seq_cst_u64(&ring->head) <= ticket) &&
           swap_cell(c, index, 0, ticket, word);
}

CC_ALWAYS_INLINE cc_ring_answer ring_put(cc_ring *common, cc_queue *queue, cc_handle *self,
                                         uintptr_t word) {
    lcrq_ring *ring = (lcrq_ring *)common;
    (void)queue, (void)self;
    for (uint32_t tries = 1;; tries++) {
        uint64_t ticket = cc_fetch_add_seq_cst_u64(&ring->tail, 1);
        if (ticket >= ring->limit) { /* FINAL is above all tickets */
            if (!(ticket & FINAL)) {
                finalize_ring(common);
            }
            return CC_RING_FINAL;
        }
        if (put_at_ticket(ring, ticket, word)) {
            return CC_RING_OK;
        }
        /* Head may be ahead of the ticket. */
        if ((int64_t)(ticket - cc_load_seq_cst_u64(&ring->head)) > (int64_t)ring->mask ||
            tries == MOST_TRIES) {
            finalize_ring(common);
            return CC_RING_FINAL;
        }
    }
}

/* Gets have passed tail: move it on, or puts would draw tickets that are lost already. */
static void catch_up(lcrq_ring *ring, uint64_t tail, uint64_t head) {
    while (!cc_cas_seq_cst_u64(&ring->tail, &tail, head)) {
        if (tail & FINAL) {
            return;
        }
        head = cc_load_seq_cst_u64(&ring->head);
        if (tail >= head) {
            return;
        }
    }
}

/* With a ticket in hand. False: there is no word, and no put will succeed with this ticket. */
CC_ALWAYS_INLINE bool take_at_ticket(lcrq_ring *ring, uint64_t ticket, uint32_t patience,
                                     uintptr_t *word) {
    cell *c = cell_of(ring, ticket);
    for (;;) {
        uint64_t index = cc_load_seq_cst_u64(&c->index);
        uint64_t there = cc_load_seq_cst_u64(&c->word);
        uint64_t unsafe = index & UNSAFE, number = index & ~UNSAFE;
        if (number > ticket) {
            return false;
        }
        if (there == 0) {
            if (patience && (cc_load_seq_cst_u64(&ring->tail) & ~FINAL) > ticket) {
                patience--; /* the put with this ticket is on its way */
                cc_pause();
                continue;
            }
            if (swap_cell(c, index, 0, unsafe | (ticket + ring->mask + 1), 0)) {
                return false;
            }
        } else if (number == ticket) {
            if ((cc_load_seq_cst_u64(&c->index) & ~UNSAFE) == ticket) {
                cc_store_release_u64(&c->word, 0);
                *word = (uintptr_t)there;
                return true;
            }
        } else if (swap_cell(c, index, there, UNSAFE | number, there)) {
            /* Swapped even when it is unsafe already: that was read before the word, which may be
             * newer. */
            return false;
        }
    }
}

CC_ALWAYS_INLINE cc_ring_answer ring_take(cc_ring *common, cc_queue *queue, cc_handle *self,
                                          uintptr_t *word) {
    lcrq_ring *ring = (lcrq_ring *)common;
    (void)self;
    for (;;) {
        uint64_t ticket = cc_load_seq_cst_u64(&ring->head);
        const cell *c = cell_of(ring, ticket);
        if ((cc_load_seq_cst_u64(&c->index) & ~UNSAFE) != ticket ||
            cc_load_seq_cst_u64(&c->word) == 0) {
            uint64_t tail = cc_load_seq_cst_u64(&ring->tail);
            if ((tail & ~FINAL) <= ticket) {
                return tail & FINAL ? CC_RING_DRAINED : CC_RING_EMPTY;
            }
        }
        ticket = cc_fetch_add_seq_cst_u64(&ring->head, 1);
        if (take_at_ticket(ring, ticket, ((cc_ring_queue *)queue)->spins, word)) {
            return CC_RING_OK;
        }
        uint64_t tail = cc_load_seq_cst_u64(&ring->tail);
        if ((tail & ~FINAL) <= ticket + 1) {
            if (tail & FINAL) {
                return CC_RING_DRAINED;
            }
            catch_up(ring, tail, ticket + 1);
            return CC_RING_EMPTY;
        }
    }
}

static int visit_ring(const cc_ring *common, int (*visit)(uintptr_t word, void *argument),
                      void *argument) {
    const lcrq_ring *ring = (const lcrq_ring *)common;
    uint64_t tail = cc_load_acquire_u64(&ring->tail) & ~FINAL;
    uint64_t ticket = cc_load_acquire_u64(&ring->head);
    uint64_t round = ticket + ring->mask + 1; /* a final ring may have drawn tickets without end */
    for (; ticket < tail && ticket < round; ticket++) {
        const cell *c = cell_of(ring, ticket);
        uint64_t word = cc_load_acquire_u64(&c->word);
        if (word && (cc_load_acquire_u64(&c->index) & ~UNSAFE) == ticket) {
            int answer = visit((uintptr_t)word, argument);
            if (answer) {
                return answer;
            }
        }
    }
    return 0;
}

static const cc_ring_kind lcrq_rings = {
    .fewest_slots = FEWEST_SLOTS,
    .most_slots = MOST_SLOTS,
    .bytes = ring_bytes,
    .fill = fill_ring,
    .finalize = finalize_ring,
    .put = ring_put,
    .take = ring_take,
    .visit = visit_ring,
};

/* ---------------------------------------------------------------- the queue */

CC_DEFINE_RING_QUEUE(cc_lcrq_operations, lcrq_rings, .backend = "lcrq",
                     .is_available = cc_can_swap_pairs)

#else

static bool is_available(void) {
    return false;
}

const cc_queue_operations cc_lcrq_operations = {.backend = "lcrq", .is_available = is_available};

#endif
