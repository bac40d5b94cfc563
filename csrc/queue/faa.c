/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Correia and Ramalhete's FAAArrayQueue (Concurrency Freaks, 2016): arrays whose slots are used
 * once, in the list of ring_list.h.
 *
 * Linearization.
 *   put     the drawing of the ticket with which it succeeds, or the CAS of `next` for the first
 *           word of an array.
 *   get     the drawing of the ticket, or the put of its word if that is later.
 *   empty   the load of tail that is not ahead of head: every put with a smaller ticket has its
 *           get.
 * Both follow the tickets, and a later array comes after all usable tickets of an earlier one.
 *
 * Progress. Lock-free. A get waits for a put in its slot for at most `spins` loads. A put can lose
 * no more slots than an array has: then it links a new one, with its word inside. Any number of
 * threads.
 *
 * Memory. 8 bytes a slot. Arrays are reclaimed by the sticky hazards of ring_list.h, and those that
 * it keeps as spares are cleared and used again. One is retired for every n puts, so an operation's
 * share of that is O(1), and a single one's may be O(threads).
 *
 * How it works. An array ("ring" in ring_list.h, though this one never goes round) has n slots, and
 * two counters, head and tail, that hand out tickets; ticket t belongs to slot t. A put draws a
 * tail ticket and changes its slot from 0 to its word. A get draws a head ticket and reads its
 * slot; if there is no word yet it changes the slot from 0 to GONE, so that the put with this
 * ticket fails and draws another one. A ticket of n or more says that the array is used up: it is
 * final.
 *
 * Why so few instructions. Nobody but the get with ticket t reads slot t once a word is in it, and
 * no later put comes there: so the get takes the word by reading it, and writes nothing. A put
 * takes two locked instructions and a get one, all of 8 bytes. No cycles, no safe bits, no
 * threshold: all these are for slots that are used again.
 *
 * Names.
 *
 *      in the published code            here
 *      Node: enqidx, deqidx, items      faa_ring: tail, head; slot_of
 *      taken                            GONE
 *      BUFFER_SIZE                      n: slots of faa_ring
 *
 * What differs from the published code, and why.
 *
 *   Look first. A get that finds no word in the slot that head points to, and tail not ahead of
 *   head, draws no ticket: the array is empty at that moment, since every ticket below tail has its
 *   get. Polling an empty queue uses up no slots.
 *
 *   A get reads its word instead of exchanging it (see above), and waits for the put a moment
 *   before it makes the slot useless.
 *
 *   Arrays end by FINAL in tail, too, when the queue is closed. A get leaves an array only when
 *   every slot that puts may still fill has its get (rule B of ring_list.h): head has passed the
 *   last slot, or tail is final and not ahead of head. In the first case tail may be behind; as
 *   long as it is there is no next array, and the get says EMPTY: all words have their gets.
 *
 * Invariants. A slot goes from 0 to a word or to GONE, and not on from there. A slot below both
 * head and n has a get that will have what is put there, or make it GONE. tail never goes back, and
 * FINAL is never cleared.
 */
#include <string.h>

#include "ring_list.h"

#ifndef FEWEST_SLOTS
#define FEWEST_SLOTS 64u
#endif
#ifndef MOST_SLOTS
#define MOST_SLOTS 1024u
#endif
#define FINAL (UINT64_C(1) << 63) /* in tail */
/* In a slot. A word may be the same: where the two are told apart, it makes no difference. */
#define GONE UINTPTR_MAX

typedef struct faa_ring {
    cc_ring common;
    char keep_head_off[CC_CACHE_LINE - sizeof(cc_ring) % CC_CACHE_LINE];
    cc_atomic_u64 head;
    char keep_tail_off[CC_CACHE_LINE - sizeof(uint64_t)];
    cc_atomic_u64 tail; /* a ticket, and FINAL */
    char rest_of_line[CC_CACHE_LINE - sizeof(uint64_t)];
    /* Behind it: a slot for each ticket below common.slots. */
} faa_ring;

static inline cc_atomic_uptr *slot_of(const faa_ring *ring, uint64_t ticket) {
    return (cc_atomic_uptr *)(ring + 1) + ticket;
}

/* ---------------------------------------------------------------- arrays */

static size_t ring_bytes(uint32_t slots) {
    return sizeof(faa_ring) + slots * sizeof(cc_atomic_uptr);
}

static void fill_ring(cc_ring *common, const cc_queue *queue, uintptr_t word) {
    faa_ring *ring = (faa_ring *)common;
    (void)queue;
    memset((void *)(ring + 1), 0, common->slots * sizeof(cc_atomic_uptr));
    cc_store_relaxed_uptr(slot_of(ring, 0), word);
    cc_store_relaxed_u64(&ring->head, 0);
    cc_store_relaxed_u64(&ring->tail, word ? 1 : 0);
}

static void finalize_ring(cc_ring *ring) {
    cc_fetch_or_seq_cst_u64(&((faa_ring *)ring)->tail, FINAL);
}

CC_ALWAYS_INLINE cc_ring_answer ring_put(cc_ring *common, cc_queue *queue, cc_handle *self,
                                         uintptr_t word) {
    faa_ring *ring = (faa_ring *)common;
    (void)queue, (void)self;
    for (;;) {
        uint64_t ticket = cc_fetch_add_seq_cst_u64(&ring->tail, 1);
        if (ticket >= common->slots) { /* FINAL is above all tickets */
            return CC_RING_FINAL;
        }
        uintptr_t nothing = 0;
        if (cc_cas_seq_cst_uptr(slot_of(ring, ticket), &nothing, word)) {
            return CC_RING_OK;
        }
    }
}

/* With a ticket in hand. 0: there is no word, and no put will succeed with this ticket. */
CC_ALWAYS_INLINE uintptr_t take_at_ticket(faa_ring *ring, uint64_t ticket, uint32_t patience) {
    cc_atomic_uptr *slot = slot_of(ring, ticket);
    uintptr_t there = cc_load_seq_cst_uptr(slot);
    while (there == 0 && patience && (cc_load_seq_cst_u64(&ring->tail) & ~FINAL) > ticket) {
        patience--; /* the put with this ticket is on its way */
        cc_pause();
        there = cc_load_seq_cst_uptr(slot);
    }
    if (there == 0 && cc_cas_seq_cst_uptr(slot, &there, GONE)) {
        return 0;
    }
    return there;
}

CC_ALWAYS_INLINE cc_ring_answer ring_take(cc_ring *common, cc_queue *queue, cc_handle *self,
                                          uintptr_t *word) {
    faa_ring *ring = (faa_ring *)common;
    (void)self;
    for (;;) {
        uint64_t ticket = cc_load_seq_cst_u64(&ring->head);
        if (ticket >= common->slots) {
            return CC_RING_DRAINED; /* also if tail is behind: the slots have their gets */
        }
        uintptr_t there = cc_load_seq_cst_uptr(slot_of(ring, ticket));
        if (there == 0 || there == GONE) { /* GONE: head has moved on */
            uint64_t tail = cc_load_seq_cst_u64(&ring->tail);
            if ((tail & ~FINAL) <= ticket) {
                return tail & FINAL ? CC_RING_DRAINED : CC_RING_EMPTY;
            }
        }
        ticket = cc_fetch_add_seq_cst_u64(&ring->head, 1);
        if (ticket < common->slots) {
            there = take_at_ticket(ring, ticket, ((cc_ring_queue *)queue)->spins);
            if (there) {
                *word = there;
                return CC_RING_OK;
            }
        }
    }
}

static int visit_ring(const cc_ring *common, int (*visit)(uintptr_t word, void *argument),
                      void *argument) {
    const faa_ring *ring = (const faa_ring *)common;
    uint64_t tail = cc_load_acquire_u64(&ring->tail) & ~FINAL;
    for (uint64_t ticket = cc_load_acquire_u64(&ring->head);
         ticket < tail && ticket < common->slots; ticket++) {
        uintptr_t word = cc_load_acquire_uptr(slot_of(ring, ticket));
        int answer = word ? visit(word, argument) : 0;
        if (answer) {
            return answer;
        }
    }
    return 0;
}

static const cc_ring_kind faa_rings = {
    .fewest_slots = FEWEST_SLOTS,
    .most_slots = MOST_SLOTS,
    .are_used_once = true,
    .bytes = ring_bytes,
    .fill = fill_ring,
    .finalize = finalize_ring,
    .put = ring_put,
    .take = ring_take,
    .visit = visit_ring,
};

/* ---------------------------------------------------------------- the queue */

CC_DEFINE_RING_QUEUE(cc_faa_operations, faa_rings, .backend = "faa")
