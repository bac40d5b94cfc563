/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A wait-free ring of indices, built from the idea of wCQ (Nikolaev and Ravindran, SPAA 2022,
 * arXiv 2201.02179).
 *
 * Linearization.
 *   enqueue   the swap that places the index, or, when a dequeuer says empty because of the
 *             threshold between that and the refill, the refill.
 *   dequeue   with an index, the order of tickets; empty: the load of tail, or the load or
 *             decrement of the threshold that says so.
 *
 * Progress. Wait-free for the k threads that have joined, in steps that count every access to
 * shared memory. Argued here and tested against adversaries (tests/c/test_wait_free.c), not proved
 * by a machine. Let p be the fast attempts of an operation (each spin of a dequeuer counted as
 * one), H = WCQ_HELP_EVERY.
 *   A loop of the slow path goes around again only because another thread has changed a counter or
 *   this slot. The holder of an older ticket changes a slot a few times and leaves. A counter is
 *   changed by other operations' tickets. While a request is pending each other thread begins at
 *   most k * H operations before it looks at this request; then it works on it until it is
 *   fulfilled, and on nothing else. Each of these operations draws p tickets on each of two rings,
 *   and then makes a request. A request fails with a ticket because of an older index in the slot
 *   (at most n of them), or because dequeuers have overtaken it (they stop when the threshold is
 *   used up: 2n + k tickets).
 *   So an operation with two rings takes at most about 32 * k^2 * H * (p + 4n + 2k) steps. The
 *   adversaries of the test have got nowhere near: the squares are there because all k threads
 *   might have just looked at somebody else's.
 *   A thread's first operation (it joins) is lock-free only.
 *
 * Memory. 16 bytes a slot, that is 32 for each of n indices. A record lives as long as its ring's
 * handle registry; who helps protects the memory that the ring is in (wcq_help_the_next).
 *
 * Limits. 2^60 tickets; 2^20 - 1 records; a tag is told apart for 2^43 tickets. On aarch64 halves
 * of a pair are read and changed by 8-byte instructions beside the 16-byte ones: outside C11, but
 * what the machines do. There the 16-byte swap is a loop of exclusive loads and stores, as the
 * 8-byte ones are without LSE: wait-free as far as that loop ends, which the machine does not
 * promise to any single thread.
 *
 * How it works. A ring of 2n slots holds at most n indices, as SCQ's does: tail and head hand out
 * tickets, a ticket's slot is ticket % 2n and its cycle ticket / 2n. Who fails with too many
 * tickets in a row writes down what it wants; everybody looks at somebody else's request once in a
 * while and works on it, so that in the end all work on one request and nothing is in its way.
 *
 * A slot is a pair of words that one instruction can swap:
 *     value   cycle | SAFE | ENQUEUED | index
 *     note    no helper may place an index here any more with a ticket of this cycle or an older
 * An index of all ones but the last means never filled in this cycle (void); all ones, taken.
 *
 * A request is one thread's record. Its `progress` is a pair {word, place}; place says which
 * counter of which ring, and word is
 *     sequence | FRESH           no ticket yet
 *     ticket | TENTATIVE         the ticket that the counter is about to give
 *     ticket                     the request owns this ticket; every helper tries it
 *     ticket | FINISHED          placed in, or found in, the slot of this ticket
 *     ... | FINISHED | NOTHING   the ring is final, or empty
 * No word is ever written twice into the same record with the same place: sequence numbers and
 * tickets only grow. So a swap of the pair by somebody who has slept fails.
 *
 * Names.
 *
 *      in the paper                              here
 *      Entry: Note; Cycle, IsSafe, Enq, Index    slot: note; value (cycle, SAFE, ENQUEUED, index)
 *      the two bottoms: never filled, consumed   void, taken (wcq_void, wcq_mask)
 *      Head, Tail: {cnt, phase2 pointer}         head, tail: {count, tag}
 *      Threshold; Cache_Remap                    threshold; wcq_slot
 *      thrdrec_t                                 wcq_record
 *      seq1, seq2, pending                       sequence, odd while the request is pending
 *      localTail, localHead, enqueue             progress: {word, place}
 *      INC, FIN                                  TENTATIVE, FINISHED
 *      phase2rec_t                               the tag
 *      nextCheck, nextTid; HELP_DELAY            until_help, last_helped; WCQ_HELP_EVERY
 *      MAX_PATIENCE                              patience
 *      Enqueue_wCQ, Dequeue_wCQ                  wcq_enqueue, wcq_dequeue
 *      try_enq, try_deq                          wcq_enqueue_once, wcq_dequeue_once
 *      enqueue_slow, dequeue_slow                wcq_work_on
 *      try_enq_slow, try_deq_slow                wcq_place_index, wcq_find_index
 *      slow_F&A                                  wcq_next_ticket
 *      load_global_help_phase2                   wcq_help_phase2
 *      finalize_request                          wcq_finish_request
 *      consume; catchup                          wcq_take_out; wcq_catch_up
 *      help_threads                              wcq_help_the_next
 *
 * How all helpers agree on one ticket (slow_F&A). Word becomes `c | TENTATIVE`, c being the
 * counter; then {c, 0} -> {c + 1, tag} on the counter, the tag saying which record and ticket; then
 * word becomes `c`; then the tag is removed. Whoever meets a tag in the slow path does these last
 * two steps first. The fast path adds to the first half of the pair and does not care.
 *   Invariant A. When {c, 0} -> {c + 1, tag of (record, c)} happens, the record's word is
 *     c | TENTATIVE. It was so when the swapper looked. It changes to c only after such a swap, and
 *     then the counter is not c any more. It changes to c' | TENTATIVE or FINISHED only by somebody
 *     who has read word, then the counter as c' (or final), then no tag. If the counter was
 *     c' != c, it had passed c. (That is why word is read first: then c' >= c.)
 *   Invariant B. While the tag of (record, c) stands, word stays c | TENTATIVE or becomes c:
 *     whoever wants to move it elsewhere has seen no tag after reading the counter beyond c, so it
 *     was removed before, so word was c before.
 *   So a ticket that is taken from the counter in this way belongs to exactly one request, and none
 *   is wasted.
 *
 * How all helpers agree on what came of the ticket.
 *   Enqueue. The index is placed with ENQUEUED = 0. Then word becomes ticket | FINISHED, and then
 *     the slot ENQUEUED = 1. A dequeuer that takes an index with ENQUEUED = 0 first makes word
 *     FINISHED itself. So before the slot changes any further everybody can see that the request is
 *     fulfilled. A helper that cannot use the slot writes its cycle into the note, by one swap of
 *     note and value; so nobody can place the index there later who has found the slot usable
 *     earlier.
 *   Invariant C. When word leaves a ticket T for another one, slot(T) has a cycle of at least T's
 *     and does not hold the index, or a note of at least T's cycle: nobody will ever place it
 *     there.
 *   Dequeue. An index found in the ticket's slot makes word FINISHED; only the request's owner
 *     takes it out. If there is none the slot is marked as SCQ does (its cycle moved on, or SAFE
 *     removed), so that there never will be one. So either all helpers find it, or none does; no
 *     note is needed.
 *
 * What differs from the paper.
 *   - The counter's second half says which record and ticket. The paper points to a record of its
 *     own, "phase 2", which is used again for the other counter while a pointer may still stand in
 *     the first.
 *   - A request's word carries the place, and a helper asks again whether the sequence is the same
 *     after it has read word. The paper asks once; a helper that sleeps then takes part in the
 *     owner's next request, with the index of the last.
 *   - A bumped slot (void, of this ticket's cycle) is not mistaken for a finished enqueue.
 *   - Everybody who fulfils an enqueue request, its owner included, refills the threshold before it
 *     returns; else the owner could return while the helper that placed its index has not refilled
 *     it yet.
 *   - The threshold is 2n + (threads that know the ring), not 3n - 1. So nothing depends on
 *     threads <= n; see below.
 *   - The threshold is lowered once for each ticket that fails, after it has failed, as in SCQ.
 *   - No note for dequeuers, see above.
 *   - The ring can be finalized: then enqueue says so, in the slow path as well.
 *
 * The threshold. Negative: there is nothing. Let T be the ticket of an index that has been placed,
 * and h the head, when the threshold has been refilled.
 *   T - h < 2n. Look at the 2n + 1 tickets T - 2n .. T, assuming all are >= h. No dequeuer has had
 *   one of them, so an enqueuer that had one has placed its index there, is about to, or failed
 *   because of an older index in the slot. The first two kinds hold different indices now: at most
 *   n. The older indices of the third kind were placed or in their enqueuer's hands when ticket
 *   T - 2n was taken: at most n. Together 2n: one too few.
 *   So after at most 2n - 1 further tickets that fail somebody has T. A ticket that failed before
 *   the refill and is counted after it costs one more, at most one per thread. 2n + threads is
 *   enough.
 *   The number of threads is read after the threshold, so a thread that comes later has no such
 *   ticket.
 *
 * Pairs of releases and acquires, by number; everything that decides is seq_cst.
 *   (1) the stores of a request, its sequence last, with the loads of sequence in
 *       wcq_help_the_next.
 *   (2) sequence at the end of a request before the words of the next, with the load of sequence
 *       after word in wcq_next_ticket.
 */
#ifndef CC_WCQ_RING_H
#define CC_WCQ_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "queue_inside.h"
#include "concurrent_collections/cc_atomic.h"

#ifdef CC_HAVE_PAIR_CAS

/* Operations between two looks at somebody else's request. */
#ifndef WCQ_HELP_EVERY
#define WCQ_HELP_EVERY 16u
#endif
/* Dequeuers lift a tail that has fallen behind head, but try only so often: a failed attempt means
 * that an enqueuer has moved it on. */
#ifndef WCQ_CATCH_UPS
#define WCQ_CATCH_UPS 8u
#endif

typedef union wcq_pair {
    cc_pair pair;
    struct {
        cc_atomic_u64 first, second;
    } half;
} wcq_pair;

/* ---------------------------------------------------------------- records of threads */

struct wcq_ring;

typedef struct wcq_record {
    cc_handle common;
    /* The request. Helpers read it. */
    cc_atomic_u64 sequence; /* odd while the request is pending */
    cc_atomic_uptr ring;
    cc_atomic_uptr home; /* the block of memory that the ring is in */
    cc_atomic_u64 index; /* to enqueue */
    wcq_pair progress; /* {word, place} */
    char keep_helpers_off_the_private_part[CC_CACHE_LINE];
    /* Only the owner touches these. */
    uint32_t until_help;
    uint32_t last_helped; /* 0: nobody yet */
} wcq_record;

/* The rest is zero. */
static inline void wcq_begin_record(cc_handle *handle) {
    ((wcq_record *)handle)->until_help = WCQ_HELP_EVERY;
}

static inline wcq_record *wcq_record_at(const cc_handles *handles, uint32_t number) {
    return (wcq_record *)cc_handle_at(handles, number);
}

/* ---------------------------------------------------------------- the ring */

typedef struct wcq_ring {
    wcq_pair tail; /* {count, maybe with FINAL; tag} */
    char keep_enqueuers_off_head[CC_CACHE_LINE - sizeof(wcq_pair)];
    wcq_pair head; /* {count; tag} */
    char keep_dequeuers_off_threshold[CC_CACHE_LINE - sizeof(wcq_pair)];
    cc_atomic_u64 threshold; /* as int64_t */
    char keep_threshold_off_constants[CC_CACHE_LINE - sizeof(cc_atomic_u64)];
    wcq_pair *slots;
    cc_handles *handles;
    uint64_t number; /* unique among the rings of one registry, those of the past included */
    void *home; /* the block of memory that the ring is in */
    uint32_t bits; /* 1 << bits slots */
    uint32_t patience, spins;
    char keep_constants_off_slots[CC_CACHE_LINE - 4 * 8 - 3 * 4];
} wcq_ring;

#define WCQ_FINAL (UINT64_C(1) << 63) /* in tail's count; every write of tail keeps it */

/* Flags of a request's word. */
#define WCQ_TENTATIVE 1u
#define WCQ_FINISHED 2u
#define WCQ_NOTHING 4u
#define WCQ_FRESH 8u
#define WCQ_WORD_SHIFT 4u
#define WCQ_NO_TICKET UINT64_MAX

/* A tag: the record's number above, the ticket's low bits below. */
#define WCQ_TAG_TICKET_BITS 44u

typedef enum wcq_side { WCQ_TAIL, WCQ_HEAD } wcq_side;
typedef enum wcq_outcome {
    WCQ_DONE,
    WCQ_EMPTY, /* dequeue */
    WCQ_SHUT, /* enqueue: the ring is final */
    WCQ_MISSED /* this ticket was no good */
} wcq_outcome;

static inline uint64_t wcq_mask(const wcq_ring *r) { /* all ones: taken */
    return (UINT64_C(2) << r->bits) - 1;
}
static inline uint64_t wcq_void(const wcq_ring *r) {
    return wcq_mask(r) - 1;
}
static inline uint64_t wcq_enqueued(const wcq_ring *r) {
    return UINT64_C(2) << r->bits;
}
static inline uint64_t wcq_safe(const wcq_ring *r) {
    return UINT64_C(4) << r->bits;
}
static inline uint64_t wcq_cycle_of_value(const wcq_ring *r, uint64_t value) {
    return value >> (r->bits + 3);
}
static inline uint64_t wcq_cycle_of_ticket(const wcq_ring *r, uint64_t ticket) {
    return ticket >> r->bits;
}
static inline bool wcq_is_vacant(const wcq_ring *r, uint64_t value) {
    return (value & wcq_mask(r)) >= wcq_void(r);
}
static inline uint64_t wcq_value(const wcq_ring *r, uint64_t ticket, uint64_t flags,
                                 uint64_t index) {
    return wcq_cycle_of_ticket(r, ticket) << (r->bits + 3) | flags | index;
}

/* Neighbours in time are not neighbours in memory: four slots share a cache line. */
static inline wcq_pair *wcq_slot(const wcq_ring *r, uint64_t ticket) {
    uint64_t mask = (UINT64_C(1) << r->bits) - 1;
    uint64_t i = ticket & mask;
    return &r->slots[r->bits < 4 ? i : ((i << 2 & mask) | i >> (r->bits - 2))];
}

/* ---------------------------------------------------------------- accesses */

static inline uint64_t wcq_look(const cc_atomic_u64 *p) {
    return cc_load_seq_cst_u64(p);
}
static inline bool wcq_swap(cc_atomic_u64 *p, uint64_t *expected, uint64_t desired) {
    return cc_cas_seq_cst_u64(p, expected, desired);
}
static inline uint64_t wcq_add(cc_atomic_u64 *p, uint64_t n) {
    return cc_fetch_add_seq_cst_u64(p, n);
}
static inline bool wcq_swap_pair(wcq_pair *p, uint64_t first, uint64_t second, uint64_t new_first,
                                 uint64_t new_second) {
    cc_pair expected = {.low = first, .high = second};
    return cc_pair_cas(&p->pair, &expected, (cc_pair){.low = new_first, .high = new_second});
}

/* ---------------------------------------------------------------- threshold and tail */

static inline uint64_t wcq_full_threshold(const wcq_ring *r) {
    return (UINT64_C(1) << r->bits) + cc_handles_count(r->handles);
}

static inline void wcq_refill_threshold(wcq_ring *r) {
    uint64_t there = wcq_look(&r->threshold), full;
    while (there != (full = wcq_full_threshold(r))) {
        cc_exchange_seq_cst_u64(&r->threshold, full);
        there = full; /* once more if a thread has come meanwhile */
    }
}

/* Does the threshold say that there is nothing? Of a final ring it says nothing: nobody refills it
 * for the last time when threads that come late have used it up. Then every ticket below tail is
 * drawn. */
static inline bool wcq_is_exhausted(wcq_ring *r) {
    return (int64_t)wcq_look(&r->threshold) < 0 && !(wcq_look(&r->tail.half.first) & WCQ_FINAL);
}

static inline void wcq_catch_up(wcq_ring *r, uint64_t head) {
    uint64_t tail = wcq_look(&r->tail.half.first);
    for (uint32_t i = 0; i < WCQ_CATCH_UPS && (tail & ~WCQ_FINAL) < head; i++) {
        if (wcq_swap(&r->tail.half.first, &tail, head | (tail & WCQ_FINAL))) {
            return;
        }
    }
}

/* ---------------------------------------------------------------- the fast path */

static inline wcq_outcome wcq_enqueue_once(wcq_ring *r, uint64_t index) {
    uint64_t ticket = wcq_add(&r->tail.half.first, 1);
    if (ticket & WCQ_FINAL) {
        return WCQ_SHUT;
    }
    wcq_pair *slot = wcq_slot(r, ticket);
    uint64_t value = wcq_look(&slot->half.first);
    while (wcq_cycle_of_value(r, value) < wcq_cycle_of_ticket(r, ticket) &&
           wcq_is_vacant(r, value) &&
           ((value & wcq_safe(r)) || wcq_look(&r->head.half.first) <= ticket)) {
        if (wcq_swap(&slot->half.first, &value,
                     wcq_value(r, ticket, wcq_safe(r) | wcq_enqueued(r), index))) {
            wcq_refill_threshold(r);
            return WCQ_DONE;
        }
    }
    return WCQ_MISSED;
}

/* Somebody is about to take an index out of slot(ticket) that a request has put there. Finish the
 * request, so that no helper believes later that the index was never placed. */
static inline void wcq_finish_request(wcq_ring *r, uint64_t ticket) {
    uint64_t place = r->number << 1 | WCQ_TAIL, word = ticket << WCQ_WORD_SHIFT;
    cc_handle_walk all;
    for (cc_handle *h = cc_handle_first(r->handles, &all); h;
         h = cc_handle_next(r->handles, &all)) {
        wcq_record *record = (wcq_record *)h;
        if (wcq_look(&record->progress.half.first) == word &&
            wcq_look(&record->progress.half.second) == place) {
            wcq_swap_pair(&record->progress, word, place, word | WCQ_FINISHED, place);
            return; /* a ticket belongs to one request */
        }
    }
}

/* The index in slot(ticket), which nobody else may take; value is what was seen there. */
static inline uint64_t wcq_take_out(wcq_ring *r, uint64_t ticket, uint64_t value) {
    if (!(value & wcq_enqueued(r))) {
        wcq_finish_request(r, ticket);
    }
    /* Not a store or a swap: others may remove SAFE, or add ENQUEUED, at the same time. */
    cc_fetch_or_seq_cst_u64(&wcq_slot(r, ticket)->half.first, wcq_mask(r));
    return value & wcq_mask(r);
}

/* There was nothing in the slot of this dequeuer's ticket: see that there never will be. `value` is
 * what is in the slot. Returns false when the slot has changed; then value is new. */
static inline bool wcq_spoil(wcq_ring *r, uint64_t ticket, uint64_t *value) {
    uint64_t spoilt =
        wcq_is_vacant(r, *value)
            ? wcq_value(r, ticket, (*value & wcq_safe(r)) | wcq_enqueued(r), wcq_void(r))
            : *value & ~wcq_safe(r);
    return spoilt == *value || wcq_swap(&wcq_slot(r, ticket)->half.first, value, spoilt);
}

static inline wcq_outcome wcq_dequeue_once(wcq_ring *r, uint64_t *index) {
    uint64_t ticket = wcq_add(&r->head.half.first, 1);
    uint64_t cycle = wcq_cycle_of_ticket(r, ticket);
    wcq_pair *slot = wcq_slot(r, ticket);
    uint64_t value = wcq_look(&slot->half.first);
    uint32_t spins = r->spins;
    for (;;) {
        if (wcq_cycle_of_value(r, value) == cycle) {
            *index = wcq_take_out(r, ticket, value);
            return WCQ_DONE;
        }
        if (wcq_cycle_of_value(r, value) > cycle) {
            break;
        }
        /* An enqueuer with this ticket is on its way if tail is past it: worth a moment. */
        if (spins && wcq_is_vacant(r, value) &&
            (wcq_look(&r->tail.half.first) & ~WCQ_FINAL) > ticket) {
            spins--;
            cc_pause();
            value = wcq_look(&slot->half.first);
            continue;
        }
        if (wcq_spoil(r, ticket, &value)) {
            break;
        }
    }
    if ((wcq_look(&r->tail.half.first) & ~WCQ_FINAL) <= ticket + 1) {
        wcq_catch_up(r, ticket + 1);
        wcq_add(&r->threshold, UINT64_MAX);
        return WCQ_EMPTY;
    }
    return (int64_t)wcq_add(&r->threshold, UINT64_MAX) <= 0 && wcq_is_exhausted(r) ? WCQ_EMPTY
                                                                                   : WCQ_MISSED;
}

/* ---------------------------------------------------------------- the slow path */

typedef struct wcq_request {
    wcq_record *record;
    wcq_ring *ring;
    uint64_t sequence, place, index;
} wcq_request;

static inline wcq_pair *wcq_counter(const wcq_request *w) {
    return w->place & 1 ? &w->ring->head : &w->ring->tail;
}

static inline bool wcq_advance(const wcq_request *w, uint64_t word, uint64_t next) {
    return wcq_swap_pair(&w->record->progress, word, w->place, next, w->place);
}

/* The counter has given a ticket away as `tag` says. Tell the request, then remove the tag. `count`
 * was read before the tag, or after: only the ticket's high bits are taken from it. */
static inline void wcq_help_phase2(const wcq_request *w, uint64_t count, uint64_t tag) {
    unsigned unused = 64u - WCQ_TAG_TICKET_BITS;
    uint64_t plain = count & ~WCQ_FINAL;
    uint64_t ticket = plain + (uint64_t)((int64_t)((tag - plain) << unused) >> unused);
    wcq_record *record = wcq_record_at(w->ring->handles, (uint32_t)(tag >> WCQ_TAG_TICKET_BITS));
    uint64_t word = ticket << WCQ_WORD_SHIFT;
    wcq_pair *counter = wcq_counter(w);
    wcq_swap_pair(&record->progress, word | WCQ_TENTATIVE, w->place, word, w->place);
    count = wcq_look(&counter->half.first);
    wcq_swap_pair(counter, count, tag, count, 0);
}

/* The request's ticket, if it is another than *ticket, the one that the caller has tried in vain;
 * else see that it gets one. False: the request is fulfilled, or given up. */
static inline bool wcq_next_ticket(const wcq_request *w, uint64_t *ticket) {
    wcq_ring *r = w->ring;
    wcq_pair *counter = wcq_counter(w);
    for (;;) {
        uint64_t word = wcq_look(&w->record->progress.half.first);
        if (wcq_look(&w->record->sequence) != w->sequence || (word & WCQ_FINISHED)) { /* (2) */
            return false;
        }
        bool has_failed = !(word & (WCQ_FRESH | WCQ_TENTATIVE));
        if (has_failed && word >> WCQ_WORD_SHIFT != *ticket) {
            *ticket = word >> WCQ_WORD_SHIFT;
            return true;
        }
        /* After word, and in this order: see invariants A and B. */
        uint64_t count = wcq_look(&counter->half.first);
        uint64_t tag = wcq_look(&counter->half.second);
        if (tag) {
            wcq_help_phase2(w, count, tag);
            continue;
        }
        if (count & WCQ_FINAL) {
            wcq_advance(w, word, word | WCQ_FINISHED | WCQ_NOTHING);
            continue;
        }
        uint64_t tentative = count << WCQ_WORD_SHIFT | WCQ_TENTATIVE;
        if (word != tentative) {
            if (!wcq_advance(w, word, tentative)) {
                continue;
            }
            if (has_failed && (w->place & 1)) { /* once for each ticket that has failed */
                wcq_add(&r->threshold, UINT64_MAX);
            }
        }
        tag = (uint64_t)w->record->common.number << WCQ_TAG_TICKET_BITS |
              (count & ((UINT64_C(1) << WCQ_TAG_TICKET_BITS) - 1));
        if (wcq_swap_pair(counter, count, 0, count + 1, tag)) {
            wcq_help_phase2(w, count, tag);
        }
    }
}

/* Try to place the request's index with this ticket. */
static inline void wcq_place_index(const wcq_request *w, uint64_t ticket) {
    wcq_ring *r = w->ring;
    wcq_pair *slot = wcq_slot(r, ticket);
    uint64_t cycle = wcq_cycle_of_ticket(r, ticket);
    uint64_t word = ticket << WCQ_WORD_SHIFT;
    for (;;) {
        uint64_t note =
            wcq_look(&slot->half.second); /* first: a note that is new means an old value is past */
        uint64_t value = wcq_look(&slot->half.first);
        uint64_t there = wcq_cycle_of_value(r, value);
        if (there > cycle || (there < cycle && note >= cycle)) {
            return; /* never again; or it was here, and then word is FINISHED */
        }
        if (there == cycle) {
            if ((value & wcq_mask(r)) != wcq_void(r)) { /* another helper has placed it */
                wcq_advance(w, word, word | WCQ_FINISHED);
            }
            return;
        }
        if (!wcq_is_vacant(r, value) ||
            (!(value & wcq_safe(r)) && wcq_look(&r->head.half.first) > ticket)) {
            if (wcq_swap_pair(slot, value, note, value, cycle)) {
                return;
            }
            continue;
        }
        uint64_t placed = wcq_value(r, ticket, wcq_safe(r), w->index);
        if (wcq_swap_pair(slot, value, note, placed, note)) {
            if (wcq_advance(w, word, word | WCQ_FINISHED)) {
                wcq_swap_pair(slot, placed, note, placed | wcq_enqueued(r), note);
            }
            wcq_refill_threshold(r);
            return;
        }
    }
}

/* Look for an index in the slot of this ticket. */
static inline void wcq_find_index(const wcq_request *w, uint64_t ticket) {
    wcq_ring *r = w->ring;
    wcq_pair *slot = wcq_slot(r, ticket);
    uint64_t cycle = wcq_cycle_of_ticket(r, ticket);
    uint64_t word = ticket << WCQ_WORD_SHIFT;
    uint64_t value = wcq_look(&slot->half.first);
    do {
        uint64_t there = wcq_cycle_of_value(r, value);
        if (there == cycle && (value & wcq_mask(r)) != wcq_void(r)) {
            wcq_advance(w, word, word | WCQ_FINISHED);
            return;
        }
        if (there >= cycle) {
            break;
        }
    } while (!wcq_spoil(r, ticket, &value));
    bool is_past_tail = (wcq_look(&r->tail.half.first) & ~WCQ_FINAL) <= ticket + 1;
    if (is_past_tail || wcq_is_exhausted(r)) {
        if (is_past_tail) {
            wcq_catch_up(r, ticket + 1);
        }
        if (wcq_advance(w, word, word | WCQ_FINISHED | WCQ_NOTHING)) {
            wcq_add(&r->threshold, UINT64_MAX);
        }
    }
}

static inline void wcq_work_on(const wcq_request *w) {
    uint64_t ticket = WCQ_NO_TICKET;
    while (wcq_next_ticket(w, &ticket)) {
        if (w->place & 1) {
            wcq_find_index(w, ticket);
        } else {
            wcq_place_index(w, ticket);
        }
    }
}

/* Write a request down, work on it until it is finished, and return its last word. */
static inline uint64_t wcq_request_and_work(wcq_ring *r, wcq_record *me, wcq_side side,
                                            uint64_t index) {
    uint64_t sequence = cc_load_relaxed_u64(&me->sequence) + 1;
    CC_INVARIANT(sequence & 1);
    wcq_request w = {me, r, sequence, r->number << 1 | side, index};
    cc_store_release_u64(&me->progress.half.first,
                         sequence << WCQ_WORD_SHIFT | WCQ_FRESH); /* (2) */
    cc_store_release_u64(&me->progress.half.second, w.place);
    cc_store_release_uptr(&me->ring, (uintptr_t)r);
    cc_store_release_uptr(&me->home, (uintptr_t)r->home);
    cc_store_release_u64(&me->index, index);
    cc_store_release_u64(&me->sequence, sequence); /* (1) */
    wcq_work_on(&w);
    uint64_t word = wcq_look(&me->progress.half.first);
    cc_store_release_u64(&me->sequence, sequence + 1); /* (2) */
    return word;
}

/* ---------------------------------------------------------------- operations */

/* Look at one other record and fulfil its request. `hazard`, if not NULL, then protects the block
 * that the ring is in: the request is found still pending after that, and so long its owner
 * protects the ring. */
CC_NEVER_INLINE void wcq_help_the_next(const cc_handles *handles, wcq_record *me,
                                       cc_atomic_uptr *hazard) {
    me->until_help = WCQ_HELP_EVERY;
    uint32_t count = cc_handles_count(handles), mine = me->common.number;
    uint32_t next = (me->last_helped ? me->last_helped : mine) % count + 1;
    me->last_helped = next == mine ? next % count + 1 : next;
    if (me->last_helped == mine) {
        return; /* there is nobody else */
    }
    wcq_record *other = wcq_record_at(handles, me->last_helped);
    wcq_request w = {.record = other, .sequence = wcq_look(&other->sequence)}; /* (1) */
    if (!(w.sequence & 1)) {
        return;
    }
    w.place = wcq_look(&other->progress.half.second);
    w.ring = (wcq_ring *)cc_load_acquire_uptr(&other->ring);
    w.index = wcq_look(&other->index);
    if (hazard) {
        cc_exchange_seq_cst_uptr(hazard, cc_load_acquire_uptr(&other->home));
    }
    wcq_work_on(&w); /* which first asks whether the sequence is still the same */
}

/* At the beginning of every operation: once in WCQ_HELP_EVERY. Then wcq_help_the_next. */
static inline bool wcq_is_time_to_help(wcq_record *me) {
    return --me->until_help == 0;
}

/* Never more than n indices are in the ring, or on their way into it. */
static inline wcq_outcome wcq_enqueue(wcq_ring *r, wcq_record *me, uint64_t index) {
    for (uint32_t i = 0; i < r->patience; i++) {
        wcq_outcome outcome = wcq_enqueue_once(r, index);
        if (outcome != WCQ_MISSED) {
            return outcome;
        }
    }
    if (wcq_request_and_work(r, me, WCQ_TAIL, index) & WCQ_NOTHING) {
        return WCQ_SHUT;
    }
    wcq_refill_threshold(r);
    return WCQ_DONE;
}

static inline wcq_outcome wcq_dequeue(wcq_ring *r, wcq_record *me, uint64_t *index) {
    /* Look first: who polls an empty ring draws no tickets and disturbs nobody. */
    uint64_t head = wcq_look(&r->head.half.first);
    uint64_t value = wcq_look(&wcq_slot(r, head)->half.first);
    if ((wcq_is_vacant(r, value) || wcq_cycle_of_value(r, value) != wcq_cycle_of_ticket(r, head)) &&
        ((wcq_look(&r->tail.half.first) & ~WCQ_FINAL) <= head || wcq_is_exhausted(r))) {
        return WCQ_EMPTY; /* every ticket below tail has its taker, or the threshold says so */
    }
    for (uint32_t i = 0; i < r->patience; i++) {
        wcq_outcome outcome = wcq_dequeue_once(r, index);
        if (outcome != WCQ_MISSED) {
            return outcome;
        }
    }
    uint64_t word = wcq_request_and_work(r, me, WCQ_HEAD, 0);
    if (word & WCQ_NOTHING) {
        return WCQ_EMPTY;
    }
    uint64_t ticket = word >> WCQ_WORD_SHIFT;
    *index = wcq_take_out(r, ticket, wcq_look(&wcq_slot(r, ticket)->half.first));
    return WCQ_DONE;
}

/* From now on no enqueuer gets a ticket. */
static inline void wcq_finalize(wcq_ring *r) {
    cc_fetch_or_seq_cst_u64(&r->tail.half.first, WCQ_FINAL);
}

static inline bool wcq_is_final(const wcq_ring *r) {
    return cc_load_seq_cst_u64(&r->tail.half.first) & WCQ_FINAL;
}

/* ---------------------------------------------------------------- beginning */

/* Bytes of slots of a ring for `most` indices, and the bits that go with it. */
static inline uint32_t wcq_bits_for(size_t most) {
    uint32_t bits = 1;
    while ((UINT64_C(1) << bits) < 2 * (uint64_t)most) {
        bits++;
    }
    return bits;
}

/* `slots` is 1 << bits pairs. The indices from, from + by, ... below `to` are in the ring at the
 * beginning. */
static inline void wcq_ring_begin(wcq_ring *r, wcq_pair *slots, uint32_t bits, uint64_t from,
                                  uint64_t to, uint64_t by, cc_handles *handles, uint64_t number,
                                  void *home, uint32_t patience, uint32_t spins) {
    uint64_t filled = (to - from + by - 1) / by;
    memset((void *)r, 0, sizeof *r);
    r->home = home;
    r->slots = slots;
    r->handles = handles;
    r->number = number;
    r->bits = bits;
    r->patience = patience;
    r->spins = spins;
    uint64_t first = UINT64_C(1) << bits; /* cycle 0 is before the first */
    for (uint64_t t = first; t < 2 * first; t++) {
        uint64_t flags = wcq_safe(r) | wcq_enqueued(r);
        bool is_filled = t - first < filled;
        cc_store_relaxed_u64(&wcq_slot(r, t)->half.first,
                             is_filled ? wcq_value(r, t, flags, from + (t - first) * by)
                                       : wcq_value(r, 0, flags, wcq_void(r)));
        cc_store_relaxed_u64(&wcq_slot(r, t)->half.second, 0);
    }
    cc_store_relaxed_u64(&r->head.half.first, first);
    cc_store_relaxed_u64(&r->tail.half.first, first + filled);
    cc_store_relaxed_u64(&r->threshold, filled ? wcq_full_threshold(r) : UINT64_MAX);
}

#endif /* CC_HAVE_PAIR_CAS */
#endif
