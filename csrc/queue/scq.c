/* SPDX-License-Identifier: BSD-3-Clause
 *
 * SCQ, Nikolaev's scalable circular queue (DISC 2019), in a list of rings (his LSCQ; ring_list.h).
 * Portable: single-word compare-and-swap only.
 *
 * Linearization.
 *   put     the first CAS that enters an index in `filled` with its ticket or a later one, or, if a
 *           get says empty because of the threshold between that and the refill, the refill. So
 *           puts follow their tickets, as gets do: one that is under way comes before a later
 *           ticket's, for whoever takes that has drawn after the get that will find this one. The
 *           first word of a ring: the CAS of `next`.
 *   get     the drawing of the ticket, or the put of its word if that is later.
 *   empty   the load of tail that is not ahead of head; or, by the threshold, a moment that the
 *           paper's proof names.
 *
 * Progress. Lock-free. A get waits for a put in its entry for at most `spins` loads.
 *
 * Memory. 24 bytes a slot. Rings are reclaimed by the sticky hazards of ring_list.h; slots need
 * nothing.
 *
 * Limits. n <= 2^15, and so at most that many threads at once; rings are much smaller else
 * (MOST_SLOTS).
 *
 * How it works. A ring of n slots has an array of n words, and two index rings: `filled` holds the
 * indices of words that can be taken, in order; `free` the rest. A put moves an index from free to
 * filled, a get moves it back. An index ring has 2n entries, each one 32-bit word
 *
 *      cycle (15 bits) | safe (1) | index (16)         index: all ones: empty
 *
 * and two counters, head and tail, that hand out tickets. Ticket t belongs to entry t mod 2n, in
 * cycle t div 2n. To enter an index one draws a tail ticket and writes {my cycle, safe, index} by
 * CAS over an empty entry of an older cycle; to take one one draws a head ticket and, if the entry
 * carries its cycle, sets all bits of the index. A taker that finds its entry empty writes its own
 * cycle there, so that the put with this ticket fails; one that finds an older index there takes
 * the safe bit away, so that the put, when it comes to find the entry emptied, knows that it may be
 * too late: it may use an unsafe entry only if head has not passed its ticket. After each entering,
 * `threshold` allows 3n-1 failures before takers may say "empty" without comparing head and tail;
 * it is what makes puts lock-free.
 *
 * Names.
 *
 *      in the paper                        here
 *      Entries[j] {Cycle, IsSafe, Index}   entries[]: cycle_of_entry, SAFE, index_of_entry
 *      an index of all ones (bottom)       EMPTY
 *      aq, fq; data                        filled, free; words_of
 *      Head, Tail, Threshold; 3n - 1       head, tail, threshold; full_threshold
 *      Enqueue, Dequeue (of an index)      put_index, put_at_ticket; take_index, take_at_ticket
 *      the OR that consumes an entry       cc_set_low_half_release_u32
 *      catchup                             catch_up
 *      enqueue, dequeue (of a pointer)     ring_put, ring_take
 *      LSCQ: to finalize, and its bit      finalize_index_ring, FINAL
 *      LSCQ: ListHead, ListTail, next      head, tail (cc_ring_list), next (cc_ring)
 *      Cache_Remap                         none
 *
 * What differs from the paper, and why.
 *
 *   32-bit entries. A ring has 2^15 * 2n tickets; then it counts as final. So cycles do not wrap
 *   around, a CAS of an entry has no ABA, and a slot takes 2 * 2 * 4 + 8 = 24 bytes. The counters
 *   are 64 bits wide and may run past the last ticket; only tickets below it touch entries. The
 *   same holds for `free`: without tickets it looks empty, and a put that finds no free index
 *   finalizes the ring. (The next one is twice as long: whoever uses up tickets can use it.)
 *
 *   Taking is no read-modify-write. The paper ORs ones into the entry. But once an entry carries a
 *   ticket's index, only the get with that ticket writes its index: a put needs an empty one, and
 *   other gets can do no more than take the safe bit away, which is in the other half. So the get
 *   stores its half. While the store is under way others find the entry occupied, as they would
 *   have a moment before; and the index is handed on, be it with the thread's next put, by a
 *   read-modify-write behind the store.
 *
 *   Look first. A taker looks at the entry that head points to; if it is not filled and tail is not
 *   ahead of head, the ring is empty at that moment (every ticket below tail has its taker). It
 *   draws no ticket then, so polling an empty queue disturbs no put, and it says "empty" without
 *   the threshold.
 *
 *   Final rings are drained by tickets. The threshold is not trusted in a ring that is final:
 *   nobody enters any more, so nobody is held up, and the ring is drained exactly when head has
 *   reached tail. LSCQ resets the threshold and tries once more; that is right only for at most n
 *   threads, and threads come while a ring is drained. Saying "empty" by the threshold is followed
 *   by a look at tail: only if the ring was not final does it hold.
 *
 *   Threads cache free indices (index_cache.h), so `free` is used once for a chain of them. What
 *   goes through it is the first index of a chain.
 *
 * Invariants.
 *
 *   The final bit of a tail is never cleared: catch_up swaps only a tail that has no such bit. (A
 *   published implementation writes tail there without the bit, and a stalled put succeeds in a
 *   ring that everybody has left.)
 *
 *   The safe bit is kept when an empty entry is moved to a newer cycle. (The same implementation
 *   sets it, and the put that it had warned enters an index that nobody will look for.)
 *
 *   All accesses to counters, entries and thresholds are seq_cst, but for the store that empties an
 *   entry. With acquire and release alone, a put may read an old head after it has seen the entry
 *   of which a taker with its ticket had walked away.
 *
 *   While a ring is not final, at most n threads are in it (cc_ring_protect). The threshold allows
 *   for so many late gets; with 3n-1 of them and a put that stalls, a get says "empty" beside an
 *   index (test_scq_ring.c). Looking first makes that rarer than in the paper, where n is the
 *   limit; the limit is kept.
 */
#include <string.h>

#include "index_cache.h"

#ifndef FEWEST_SLOTS
#define FEWEST_SLOTS 64u
#endif
#ifndef MOST_SLOTS
#define MOST_SLOTS 4096u
#endif
#ifndef MOST_SLOTS_FOR_HANDLES
#define MOST_SLOTS_FOR_HANDLES (UINT32_C(1) << 15)
#endif
#define FINAL (UINT64_C(1) << 63) /* in tail */

/* In an entry. */
#define EMPTY UINT32_C(0xFFFF)
#define SAFE (EMPTY + 1)
#define CYCLE_SHIFT 17u

/* What take_index says besides an index. */
#define NOTHING UINT32_MAX    /* empty, and the ring was not final */
#define DRAINED (UINT32_MAX - 1) /* final, and empty for ever */

typedef struct index_ring {
    cc_atomic_u64 head;
    char keep_tail_off[CC_CACHE_LINE - sizeof(uint64_t)];
    cc_atomic_u64 tail; /* a ticket, and FINAL */
    char keep_threshold_off[CC_CACHE_LINE - sizeof(uint64_t)];
    cc_atomic_u32 threshold; /* signed */
    char rest_of_line[CC_CACHE_LINE - sizeof(uint32_t)];
} index_ring;

typedef struct scq_ring {
    cc_ring common;
    uint32_t mask;    /* 2n - 1 */
    cc_index_cache_sizes cache_sizes;
    uint64_t limit;   /* tickets from here on are not used */
    char rest_of_line[CC_CACHE_LINE - sizeof(cc_ring) % CC_CACHE_LINE - 24];
    index_ring filled, free;
    /* Behind it: 2n entries of filled, 2n entries of free, n words. */
} scq_ring;

static inline cc_atomic_u32 *entries_of_filled(const scq_ring *ring) {
    return (cc_atomic_u32 *)(ring + 1);
}

static inline cc_atomic_u32 *entries_of_free(const scq_ring *ring) {
    return entries_of_filled(ring) + ring->mask + 1;
}

static inline cc_atomic_uptr *words_of(const scq_ring *ring) {
    return (cc_atomic_uptr *)(entries_of_free(ring) + ring->mask + 1);
}

/* ---------------------------------------------------------------- index rings */

/* Tickets of a ring: cycles end here. */
static inline uint64_t tickets_of(uint32_t mask) {
    return ((uint64_t)mask + 1) << (32 - CYCLE_SHIFT);
}

/* The cycle of a ticket where it stands in an entry. */
static inline uint32_t cycle_of_ticket(uint64_t ticket, uint32_t mask) {
    return ((uint32_t)ticket & ~mask) << (CYCLE_SHIFT - 1 - cc_highest_bit(mask));
}

static inline uint32_t cycle_of_entry(uint32_t entry) {
    return entry & ~(SAFE | EMPTY);
}

static inline uint32_t index_of_entry(uint32_t entry) {
    return entry & EMPTY;
}

static inline uint32_t full_threshold(uint32_t mask) { /* 3n - 1 */
    return mask + (mask + 1) / 2;
}

static void finalize_index_ring(index_ring *ring) {
    cc_fetch_or_seq_cst_u64(&ring->tail, FINAL);
}

/* The second half of put_index: with a ticket in hand. False: the entry is not to be used. */
CC_ALWAYS_INLINE bool put_at_ticket(index_ring *ring, cc_atomic_u32 *entries, uint32_t mask,
                                    uint64_t ticket, uint32_t index) {
    uint32_t cycle = cycle_of_ticket(ticket, mask);
    cc_atomic_u32 *place = &entries[ticket & mask];
    uint32_t entry = cc_load_seq_cst_u32(place);
    while (cycle_of_entry(entry) < cycle && index_of_entry(entry) == EMPTY &&
           ((entry & SAFE) || cc_load_seq_cst_u64(&ring->head) <= ticket)) {
        if (cc_cas_seq_cst_u32(place, &entry, cycle | SAFE | index)) {
            return true;
        }
    }
    return false;
}

/* Enter an index. False: the ring is final. */
CC_ALWAYS_INLINE bool put_index(index_ring *ring, cc_atomic_u32 *entries, uint32_t mask,
                                uint64_t limit, uint32_t index) {
    uint64_t ticket;
    do {
        ticket = cc_fetch_add_seq_cst_u64(&ring->tail, 1);
        if (ticket >= limit) { /* FINAL is above all tickets */
            if (!(ticket & FINAL)) {
                finalize_index_ring(ring);
            }
            return false;
        }
    } while (!put_at_ticket(ring, entries, mask, ticket, index));
    if (cc_load_seq_cst_u32(&ring->threshold) != full_threshold(mask)) {
        /* An exchange: a get that this thread makes elsewhere, after this put, must not be over
         * before others see that this ring is not empty. */
        cc_exchange_seq_cst_u32(&ring->threshold, full_threshold(mask));
    }
    return true;
}

/* Takers have passed tail: move it on, or puts would draw tickets that are lost already. */
static void catch_up(index_ring *ring, uint64_t tail, uint64_t head) {
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

/* The second half of take_index: with a ticket in hand. NOTHING: and no put will succeed with this
 * ticket. */
CC_ALWAYS_INLINE uint32_t take_at_ticket(index_ring *ring, cc_atomic_u32 *entries, uint32_t mask,
                                         uint64_t ticket, uint32_t patience) {
    uint32_t cycle = cycle_of_ticket(ticket, mask);
    cc_atomic_u32 *place = &entries[ticket & mask];
    uint32_t entry = cc_load_seq_cst_u32(place);
    for (;;) {
        if (cycle_of_entry(entry) == cycle) {
            cc_set_low_half_release_u32(place); /* another taker may be clearing the safe bit */
            return index_of_entry(entry);
        }
        if (cycle_of_entry(entry) > cycle) {
            return NOTHING;
        }
        uint32_t changed;
        if (index_of_entry(entry) == EMPTY) {
            if (patience && (cc_load_seq_cst_u64(&ring->tail) & ~FINAL) > ticket) {
                patience--; /* the put with this ticket is on its way */
                cc_pause();
                entry = cc_load_seq_cst_u32(place);
                continue;
            }
            changed = cycle | (entry & SAFE) | EMPTY;
        } else {
            if (!(entry & SAFE)) {
                return NOTHING;
            }
            changed = entry & ~SAFE;
        }
        if (cc_cas_seq_cst_u32(place, &entry, changed)) {
            return NOTHING;
        }
    }
}

/* Take the oldest index; NOTHING, or DRAINED. */
CC_ALWAYS_INLINE uint32_t take_index(index_ring *ring, cc_atomic_u32 *entries, uint32_t mask,
                                     uint64_t limit, uint32_t spins) {
    for (;;) {
        uint64_t ticket = cc_load_seq_cst_u64(&ring->head);
        uint32_t entry = cc_load_seq_cst_u32(&entries[ticket & mask]);
        if (ticket >= limit || cycle_of_entry(entry) != cycle_of_ticket(ticket, mask) ||
            index_of_entry(entry) == EMPTY) {
            /* First the threshold, then tail: what the threshold says holds if the ring was not
             * final. */
            uint32_t threshold = cc_load_seq_cst_u32(&ring->threshold);
            uint64_t tail = cc_load_seq_cst_u64(&ring->tail);
            bool is_final = tail & FINAL;
            if (ticket >= limit && !is_final) {
                finalize_index_ring(ring);
                return DRAINED; /* every ticket that counts has its taker */
            }
            if ((tail & ~FINAL) <= ticket || ticket >= limit) {
                return is_final ? DRAINED : NOTHING;
            }
            if (!is_final && (int32_t)threshold < 0) {
                return NOTHING;
            }
        }
        ticket = cc_fetch_add_seq_cst_u64(&ring->head, 1);
        if (ticket >= limit) {
            finalize_index_ring(ring);
            return DRAINED;
        }
        uint32_t index = take_at_ticket(ring, entries, mask, ticket, spins);
        if (index != NOTHING) {
            return index;
        }
        uint64_t tail = cc_load_seq_cst_u64(&ring->tail);
        if (tail & FINAL) {
            if ((tail & ~FINAL) <= ticket + 1) {
                return DRAINED;
            }
            continue; /* to the last ticket, whatever the threshold says */
        }
        if (tail <= ticket + 1) {
            catch_up(ring, tail, ticket + 1);
            cc_fetch_add_seq_cst_u32(&ring->threshold, UINT32_MAX); /* minus 1 */
            return NOTHING;
        }
        if ((int32_t)cc_fetch_add_seq_cst_u32(&ring->threshold, UINT32_MAX) <= 0 &&
            !(cc_load_seq_cst_u64(&ring->tail) & FINAL)) {
            return NOTHING;
        }
    }
}

/* Holding the indices from, from + by, ... below `to`. */
static void fill_index_ring(index_ring *ring, cc_atomic_u32 *entries, uint32_t mask, uint32_t from,
                            uint32_t to, uint32_t by) {
    uint32_t count = (to - from + by - 1) / by;
    uint64_t first =
        (uint64_t)mask + 1; /* cycle 1: entries of cycle 0 are older than every ticket */
    uint32_t cycle = cycle_of_ticket(first, mask);
    for (uint32_t i = 0; i < count; i++) {
        cc_store_relaxed_u32(&entries[i], cycle | (from + i * by) | SAFE);
    }
    for (uint32_t i = count; i <= mask; i++) {
        cc_store_relaxed_u32(&entries[i], EMPTY | SAFE);
    }
    cc_store_relaxed_u64(&ring->head, first);
    cc_store_relaxed_u64(&ring->tail, first + count);
    cc_store_relaxed_u32(&ring->threshold, count ? full_threshold(mask) : UINT32_MAX);
}

/* ---------------------------------------------------------------- rings */

static size_t ring_bytes(uint32_t slots) {
    return sizeof(scq_ring) + slots * (2 * 2 * sizeof(cc_atomic_u32) + sizeof(cc_atomic_uptr));
}

static void fill_ring(cc_ring *common, const cc_queue *queue, uintptr_t word) {
    scq_ring *ring = (scq_ring *)common;
    uint32_t slots = common->slots, first_free = word ? 1 : 0;
    uint64_t tickets = CC_TEST_OPTION(queue, ticket_limit);
    ring->mask = 2 * slots - 1;
    ring->cache_sizes = cc_index_cache_sizes_of(queue, slots);
    ring->limit = tickets_of(ring->mask);
    if (tickets && 2 * slots + tickets < ring->limit) {
        ring->limit = 2 * slots + tickets;
    }
    cc_chain_up(words_of(ring), first_free, slots, ring->cache_sizes.chain_length);
    fill_index_ring(&ring->filled, entries_of_filled(ring), ring->mask, 0, first_free, 1);
    fill_index_ring(&ring->free, entries_of_free(ring), ring->mask, first_free, slots,
                    ring->cache_sizes.chain_length);
    if (word) {
        cc_store_relaxed_uptr(&words_of(ring)[0], word);
    }
}

static void finalize_ring(cc_ring *ring) {
    finalize_index_ring(&((scq_ring *)ring)->filled);
}

/* In vain when `free` has no tickets left: the ring does with fewer indices until it has none. */
CC_NEVER_INLINE void give_back(scq_ring *ring, uint32_t first) {
    (void)put_index(&ring->free, entries_of_free(ring), ring->mask, ring->limit, first);
}

/* An index out of `free`; the chain behind it is cached, or goes back. NOTHING, or DRAINED: there
 * is none. */
CC_NEVER_INLINE uint32_t take_free(scq_ring *ring, cc_queue *queue, cc_handle *self) {
    uint32_t index = take_index(&ring->free, entries_of_free(ring), ring->mask, ring->limit,
                                ((cc_ring_queue *)queue)->spins);
    if (index < DRAINED) {
        uint32_t rest =
            cc_index_cache_fill(self, &ring->common, ring->cache_sizes, words_of(ring), index);
        if (rest != CC_NO_INDEX) {
            give_back(ring, rest);
        }
    }
    return index;
}

CC_ALWAYS_INLINE cc_ring_answer ring_put(cc_ring *common, cc_queue *queue, cc_handle *self,
                                         uintptr_t word) {
    scq_ring *ring = (scq_ring *)common;
    uint32_t mask = ring->mask, index = cc_index_cache_take(self, common, words_of(ring));
    if (index == CC_NO_INDEX) {
        index = take_free(ring, queue, self);
        if (index >= DRAINED) {
            finalize_ring(common);
            return CC_RING_FINAL;
        }
    }
    cc_store_release_uptr(&words_of(ring)[index], word); /* published by put_index's CAS */
    return put_index(&ring->filled, entries_of_filled(ring), mask, ring->limit, index)
               ? CC_RING_OK
               : CC_RING_FINAL; /* then nobody will miss the index */
}

CC_ALWAYS_INLINE cc_ring_answer ring_take(cc_ring *common, cc_queue *queue, cc_handle *self,
                                          uintptr_t *word) {
    scq_ring *ring = (scq_ring *)common;
    uint32_t mask = ring->mask;
    uint32_t index = take_index(&ring->filled, entries_of_filled(ring), mask, ring->limit,
                                ((cc_ring_queue *)queue)->spins);
    if (index >= DRAINED) {
        return index == DRAINED ? CC_RING_DRAINED : CC_RING_EMPTY;
    }
    *word = cc_load_relaxed_uptr(&words_of(ring)[index]);
    uint32_t chain = cc_index_cache_put(self, common, ring->cache_sizes, words_of(ring), index);
    if (chain != CC_NO_INDEX) {
        give_back(ring, chain);
    }
    return CC_RING_OK;
}

static int visit_ring(const cc_ring *common, int (*visit)(uintptr_t word, void *argument),
                      void *argument) {
    const scq_ring *ring = (const scq_ring *)common;
    uint32_t mask = ring->mask;
    uint64_t tail = cc_load_acquire_u64(&ring->filled.tail) & ~FINAL;
    uint64_t ticket = cc_load_acquire_u64(&ring->filled.head);
    for (; ticket < tail && ticket < ring->limit; ticket++) {
        uint32_t entry = cc_load_acquire_u32(&entries_of_filled(ring)[ticket & mask]);
        if (cycle_of_entry(entry) == cycle_of_ticket(ticket, mask) &&
            index_of_entry(entry) != EMPTY) {
            int answer =
                visit(cc_load_relaxed_uptr(&words_of(ring)[index_of_entry(entry)]), argument);
            if (answer) {
                return answer;
            }
        }
    }
    return 0;
}

static const cc_ring_kind scq_rings = {
    .fewest_slots = FEWEST_SLOTS,
    .most_slots = MOST_SLOTS,
    .most_slots_for_handles = MOST_SLOTS_FOR_HANDLES,
    .bytes = ring_bytes,
    .fill = fill_ring,
    .finalize = finalize_ring,
    .put = ring_put,
    .take = ring_take,
    .visit = visit_ring,
};

/* ---------------------------------------------------------------- the queue */

CC_DEFINE_RING_QUEUE(cc_scq_operations, scq_rings, .backend = "scq")
