/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The steps of a wCQ ring in an order that needs four threads; see test_scq_ring.c. An operation
 * that has drawn its ticket and sleeps is cut in two like this: its ticket is drawn by hand, and
 * when it goes on the counter is set back for a moment, so that it draws that ticket. In between it
 * looks at nothing that this changes. Each late operation is tried on the fast path and as a
 * request on the slow one.
 */
#include "queue/wcq_ring.h"

#include "check.h"

#ifdef CC_HAVE_PAIR_CAS

enum { MOST_INDICES = 4, RING_PATIENCE = 16 };

static cc_handles handles;
static wcq_record me, other; /* `other` has made the requests of late operations */
static wcq_ring ring;
static wcq_pair slots[2 * MOST_INDICES];

static void begin_ring(unsigned indices) {
    wcq_ring_begin(&ring, slots, wcq_bits_for(indices), 0, indices, 1, &handles, 7, NULL,
                   RING_PATIENCE, 0);
}

static uint64_t draw(wcq_pair *counter) {
    return wcq_add(&counter->half.first, 1);
}

static void put_whole(uint64_t index) {
    CHECK_EQ(wcq_enqueue(&ring, &me, index), WCQ_DONE);
}

static void take_this(uint64_t expected) {
    uint64_t index = 99;
    CHECK_EQ(wcq_dequeue(&ring, &me, &index), WCQ_DONE);
    CHECK_EQ(index, expected);
}

static void take_nothing(void) {
    uint64_t index;
    CHECK_EQ(wcq_dequeue(&ring, &me, &index), WCQ_EMPTY);
}

static wcq_request request_with_ticket(wcq_side side, uint64_t ticket, uint64_t index) {
    wcq_request w = {&other, &ring, 1, ring.number << 1 | side, index};
    cc_store_relaxed_u64(&other.sequence, w.sequence);
    cc_store_relaxed_u64(&other.progress.half.first, ticket << WCQ_WORD_SHIFT);
    cc_store_relaxed_u64(&other.progress.half.second, w.place);
    return w;
}

/* Has it succeeded? */
static bool is_fulfilled(void) {
    uint64_t word = wcq_look(&other.progress.half.first);
    cc_store_relaxed_u64(&other.sequence, 2);
    return (word & WCQ_FINISHED) && !(word & WCQ_NOTHING);
}

static bool put_late(uint64_t ticket, uint64_t index, bool slowly) {
    if (slowly) {
        wcq_request w = request_with_ticket(WCQ_TAIL, ticket, index);
        wcq_place_index(&w, ticket);
        return is_fulfilled();
    }
    uint64_t tail = cc_load_relaxed_u64(&ring.tail.half.first);
    cc_store_relaxed_u64(&ring.tail.half.first, ticket);
    wcq_outcome outcome = wcq_enqueue_once(&ring, index);
    cc_store_relaxed_u64(&ring.tail.half.first, tail);
    return outcome == WCQ_DONE;
}

static bool take_late(uint64_t ticket, uint64_t *index, bool slowly) {
    if (slowly) {
        wcq_request w = request_with_ticket(WCQ_HEAD, ticket, 0);
        wcq_find_index(&w, ticket);
        if (!is_fulfilled()) {
            return false;
        }
        *index = wcq_take_out(&ring, ticket, wcq_look(&wcq_slot(&ring, ticket)->half.first));
        return true;
    }
    uint64_t head = cc_load_relaxed_u64(&ring.head.half.first);
    cc_store_relaxed_u64(&ring.head.half.first, ticket);
    wcq_outcome outcome = wcq_dequeue_once(&ring, index);
    cc_store_relaxed_u64(&ring.head.half.first, head);
    return outcome == WCQ_DONE;
}

/* As test_unsafe_stays_unsafe of test_scq_ring.c. Without the second slow get the put itself has to
 * look at head. */
static void test_unsafe_stays_unsafe(unsigned n, bool second_slow_get, bool get_slowly,
                                     bool put_slowly) {
    uint64_t index = 99, second = 0;
    begin_ring(n);
    uint64_t first = draw(&ring.head); /* the slow get of index 0: it has its ticket, and stalls */
    for (unsigned i = 1; i < n; i++) {
        take_this(i);
    }
    unsigned rounds = second_slow_get ? 2 : 1;
    for (unsigned round = 1; round <= rounds; round++) {
        /* Once around the ring: puts step over the slot that the slow get has not emptied. */
        while (cc_load_relaxed_u64(&ring.tail.half.first) < first + round * 2 * n) {
            put_whole(1);
            take_this(1);
        }
        if (round < rounds) {
            put_whole(1);
            second = draw(&ring.head); /* another slow get, of the same slot one cycle later */
            CHECK_EQ(second, first + 2 * n);
            take_this(1);
        }
    }
    uint64_t put = draw(&ring.tail); /* a slow put, one cycle later again */
    CHECK_EQ(put, first + rounds * 2 * n);
    take_nothing(); /* a get with its ticket finds index 0, marks the slot, leaves */
    CHECK(cc_load_relaxed_u64(&ring.head.half.first) > put);
    CHECK(take_late(first, &index, get_slowly));
    CHECK_EQ(index, 0);
    if (second_slow_get) { /* moves the slot one cycle on */
        CHECK(!take_late(second, &index, get_slowly));
    }
    CHECK(!put_late(put, 1, put_slowly)); /* nobody would come to take it */
    put_whole(1);
    take_this(1);
    take_nothing();
}

/* A put whose get has yet to come may use an unsafe slot. */
static void test_unsafe_slots_are_for_early_puts(bool slowly) {
    begin_ring(1);
    take_this(0);
    uint64_t put = draw(&ring.tail);
    wcq_pair *slot = wcq_slot(&ring, put);
    cc_store_relaxed_u64(&slot->half.first, wcq_enqueued(&ring) | wcq_void(&ring)); /* not safe */
    CHECK(put_late(put, 0, slowly));
    take_this(0);
    take_nothing();
}

/* Who takes an index takes nothing else: what others change in the slot between its look and its
 * taking stays. */
static void test_a_mark_in_between_stays(void) {
    begin_ring(2);
    uint64_t first = draw(&ring.head), index;
    uint64_t seen = wcq_look(&wcq_slot(&ring, first)->half.first); /* has looked, and stalls */
    take_this(1);
    while (cc_load_relaxed_u64(&ring.tail.half.first) < first + 4) {
        put_whole(1);
        take_this(1);
    }
    uint64_t put = draw(&ring.tail);
    take_nothing(); /* marks the slot */
    index = wcq_take_out(&ring, first, seen);
    CHECK_EQ(index, 0);
    CHECK(!put_late(put, 1, false));
    put_whole(1);
    take_this(1);
}

/* Whoever is late with moving tail on must not open the ring again. */
static void test_final_stays_final(void) {
    begin_ring(2);
    wcq_finalize(&ring);
    wcq_catch_up(&ring, cc_load_relaxed_u64(&ring.head.half.first) + 7);
    CHECK(wcq_is_final(&ring));
    CHECK_EQ(wcq_enqueue(&ring, &me, 1), WCQ_SHUT);
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!cc_can_swap_pairs()) {
        printf("not on this machine\n");
        return 0;
    }
    cc_handles_begin(&handles, sizeof(wcq_record), wcq_begin_record);
    wcq_begin_record(&me.common);
    wcq_begin_record(&other.common);
    CHECK(cc_handles_register(&handles, &me.common));
    CHECK(cc_handles_register(&handles, &other.common));
    begin_test("an unsafe slot stays unsafe when it is moved on");
    for (int way = 0; way < 8; way++) {
        test_unsafe_stays_unsafe(2, way & 1, way & 2, way & 4);
        test_unsafe_stays_unsafe(4, way & 1, way & 2, way & 4);
    }
    begin_test("unsafe slots are for early puts");
    test_unsafe_slots_are_for_early_puts(false);
    test_unsafe_slots_are_for_early_puts(true);
    begin_test("a mark that comes between look and taking stays");
    test_a_mark_in_between_stays();
    begin_test("a final ring stays final");
    test_final_stays_final();
    cc_handle_tables_end(&handles);
    printf("passed\n");
    return 0;
}

#else

int main(void) {
    printf("not on this machine\n");
    return 0;
}

#endif
