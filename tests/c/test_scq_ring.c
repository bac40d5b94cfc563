/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The steps of an index ring in an order that needs four threads, which neither stress nor the
 * explorer finds: each thread's operation is cut in two, the drawing of a ticket and the rest. The
 * file under test is included, so that its steps can be called.
 */
#define cc_scq_operations scq_operations_under_test
#include "queue/scq.c"

#include "check.h"

typedef struct small_ring {
    index_ring ring;
    cc_atomic_u32 entries[16];
    uint32_t mask;
} small_ring;

static uint64_t draw_head(small_ring *r) {
    return cc_fetch_add_seq_cst_u64(&r->ring.head, 1);
}

static uint64_t draw_tail(small_ring *r) {
    return cc_fetch_add_seq_cst_u64(&r->ring.tail, 1);
}

static void put_whole(small_ring *r, uint32_t index) {
    CHECK(put_index(&r->ring, r->entries, r->mask, tickets_of(r->mask), index));
}

static uint32_t take_whole(small_ring *r) {
    return take_index(&r->ring, r->entries, r->mask, tickets_of(r->mask), 0);
}

/* A get that is too late finds its entry emptied, by a get that was even later: the entry must go
 * on saying that a get has walked away from it. (A published implementation loses the item
 * here.) */
static void test_unsafe_stays_unsafe(uint32_t slots) {
    small_ring r = {.mask = 2 * slots - 1};
    uint32_t n = slots;
    fill_index_ring(&r.ring, r.entries, r.mask, 0, n, 1);
    uint64_t first = draw_head(&r); /* the slow get of index 0: it has its ticket, and stalls */
    for (uint32_t i = 1; i < n; i++) {
        CHECK_EQ(take_whole(&r), i);
    }
    uint64_t second = 0;
    for (int round = 1; round <= 2; round++) {
        /* Once around the ring: puts step over the entry that the slow get has not emptied. */
        while (cc_load_relaxed_u64(&r.ring.tail) < first + (uint64_t)round * 2 * n) {
            put_whole(&r, 1);
            CHECK_EQ(take_whole(&r), 1);
        }
        if (round == 1) {
            put_whole(&r, 1);
            second = draw_head(&r); /* another slow get, of the same entry one cycle later */
            CHECK_EQ(second, first + 2 * n);
            CHECK_EQ(take_whole(&r), 1);
        }
    }
    uint64_t put = draw_tail(&r); /* a slow put, two cycles later */
    CHECK_EQ(put, first + 4 * n);
    CHECK_EQ(take_whole(&r),
             NOTHING); /* a get with its ticket finds index 0, marks the entry, leaves */
    CHECK(cc_load_relaxed_u64(&r.ring.head) > put);
    CHECK_EQ(take_at_ticket(&r.ring, r.entries, r.mask, first, 0), 0);
    CHECK_EQ(take_at_ticket(&r.ring, r.entries, r.mask, second, 0),
             NOTHING); /* moves it one cycle on */
    CHECK(!put_at_ticket(&r.ring, r.entries, r.mask, put, 1)); /* nobody would come to take it */
    put_whole(&r, 1);
    CHECK_EQ(take_whole(&r), 1);
    CHECK_EQ(take_whole(&r), NOTHING);
}

/* The same without the second slow get: the put itself has to look at head. */
static void test_unsafe_entries_are_for_early_puts(void) {
    small_ring r = {.mask = 3};
    fill_index_ring(&r.ring, r.entries, r.mask, 0, 2, 1);
    uint64_t slow = draw_head(&r);
    CHECK_EQ(take_whole(&r), 1);
    put_whole(&r, 1);
    CHECK_EQ(take_whole(&r), 1);
    put_whole(&r, 1);
    CHECK_EQ(take_whole(&r), 1);
    uint64_t put = draw_tail(&r);
    CHECK_EQ(put, slow + 4);
    CHECK_EQ(take_whole(&r), NOTHING); /* marks the entry and leaves */
    CHECK_EQ(take_at_ticket(&r.ring, r.entries, r.mask, slow, 0), 0);
    CHECK(!put_at_ticket(&r.ring, r.entries, r.mask, put, 1));
    /* A put whose get has yet to come may use an unsafe entry. */
    cc_store_relaxed_u32(&r.entries[put & 3], EMPTY); /* cycle 0, unsafe */
    cc_store_relaxed_u64(&r.ring.head, put);
    CHECK(put_at_ticket(&r.ring, r.entries, r.mask, put, 1));
    CHECK_EQ(take_whole(&r), 1);
}

/* Whoever is late with moving tail on must not open the ring again. */
static void test_final_stays_final(void) {
    small_ring r = {.mask = 3};
    fill_index_ring(&r.ring, r.entries, r.mask, 0, 0, 1);
    uint64_t tail = cc_load_relaxed_u64(&r.ring.tail);
    finalize_index_ring(&r.ring);
    catch_up(&r.ring, tail, tail + 5);
    CHECK(cc_load_relaxed_u64(&r.ring.tail) & FINAL);
    CHECK(!put_index(&r.ring, r.entries, r.mask, tickets_of(r.mask), 1));
    CHECK_EQ(take_whole(&r), DRAINED);
}

/* Words that come after "empty" and before "final" are not passed over, although the threshold says
 * that there are none: it does not count puts and gets that came in between. */
static void test_final_rings_are_drained(void) {
    small_ring r = {.mask = 3};
    fill_index_ring(&r.ring, r.entries, r.mask, 0, 0, 1);
    draw_tail(&r); /* a put that stalls: the entry at head is empty */
    put_whole(&r, 0);
    put_whole(&r, 1);
    cc_store_relaxed_u32(&r.ring.threshold, UINT32_MAX); /* other takers have used it up */
    CHECK_EQ(take_whole(&r), NOTHING);
    finalize_index_ring(&r.ring);
    CHECK_EQ(take_whole(&r), 0);
    CHECK_EQ(take_whole(&r), 1);
    CHECK_EQ(take_whole(&r), DRAINED);
}

/* Why rings grow with the number of threads: after a put, as many late gets as the threshold allows
 * make a get say "empty" although there is an index, and nobody has to be at work but one stalled
 * put. */
static void test_more_threads_than_the_threshold_allows(void) {
    enum { SLOTS = 2, LATE = 3 * SLOTS - 1 };
    for (int late = 0; late <= LATE; late++) {
        small_ring r = {.mask = 2 * SLOTS - 1};
        fill_index_ring(&r.ring, r.entries, r.mask, 0, 1, 1);
        uint64_t tickets[LATE];
        for (int i = 0; i < late; i++) { /* gets that looked when there was an index */
            tickets[i] = draw_head(&r);
        }
        for (int i = 0; i < late; i++) {
            uint32_t index = take_at_ticket(&r.ring, r.entries, r.mask, tickets[i], 0);
            CHECK_EQ(index, i == 0 ? 0 : NOTHING);
        }
        if (late == 0) {
            CHECK_EQ(take_whole(&r), 0);
        }
        uint64_t head = cc_load_relaxed_u64(&r.ring.head);
        cc_store_relaxed_u64(&r.ring.tail, head); /* the puts that drew those tickets are in vain */
        draw_tail(&r); /* a put that stalls */
        put_whole(&r, 0); /* one that does not */
        for (int i = 0; i < late; i++) { /* only now do the gets go on */
            cc_fetch_add_seq_cst_u32(&r.ring.threshold, UINT32_MAX);
        }
        CHECK_EQ(take_whole(&r), late < LATE ? 0 : NOTHING);
    }
}

/* At the end of the tickets entries are not touched, and cycles do not wrap. */
static void test_the_last_ticket(void) {
    small_ring r = {.mask = 3};
    fill_index_ring(&r.ring, r.entries, r.mask, 0, 0, 1);
    cc_store_relaxed_u64(&r.ring.head, tickets_of(r.mask) - 2);
    cc_store_relaxed_u64(&r.ring.tail, tickets_of(r.mask) - 2);
    put_whole(&r, 0);
    put_whole(&r, 1);
    CHECK(!put_index(&r.ring, r.entries, r.mask, tickets_of(r.mask), 0));
    CHECK(cc_load_relaxed_u64(&r.ring.tail) & FINAL);
    CHECK_EQ(take_whole(&r), 0);
    CHECK_EQ(take_whole(&r), 1);
    CHECK_EQ(take_whole(&r), DRAINED);
    uint32_t last = cycle_of_ticket(tickets_of(r.mask) - 1, 3);
    for (int i = 0; i < 4; i++) {
        CHECK(cycle_of_entry(cc_load_relaxed_u32(&r.entries[i])) <= last);
    }
    /* Head alone may get there: then the ring is drained, too. */
    fill_index_ring(&r.ring, r.entries, r.mask, 0, 0, 1);
    cc_store_relaxed_u64(&r.ring.head, tickets_of(r.mask));
    CHECK_EQ(take_whole(&r), DRAINED);
    CHECK(!put_index(&r.ring, r.entries, r.mask, tickets_of(r.mask), 0));
}

/* A ring has room for so many handles, and a queue takes no more: who has come goes on. */
static void put_in_vain(int index, void *queue) {
    (void)index;
    uintptr_t word;
    CHECK_EQ(cc_queue_put(queue, 1), CC_QUEUE_NO_MEMORY);
    CHECK_EQ(cc_queue_get(queue, &word), CC_QUEUE_NO_MEMORY);
}

/* As if so many threads had used the queue. */
static void register_until(cc_queue *queue, uint32_t count) {
    while (cc_handles_count(&queue->handles) < count) {
        cc_handle *handle = cc_alloc_aligned(queue->handles.handle_bytes, CC_CACHE_LINE);
        CHECK(handle);
        memset((void *)handle, 0, queue->handles.handle_bytes);
        handle->thread = cc_thread_self();
        CHECK(cc_handles_register(&queue->handles, handle));
    }
}

static void test_as_many_handles_as_there_may_be(void) {
    static const uint32_t counts[] = {16385, MOST_SLOTS_FOR_HANDLES};
    for (int i = 0; i < 2; i++) {
        cc_queue *queue = cc_queue_new(CC_QUEUE_SCQ, NULL);
        CHECK_EQ(cc_queue_put(queue, 1), CC_QUEUE_OK);
        register_until(queue, counts[i]);
        for (uintptr_t word = 2; word <= 100000; word++) {
            CHECK_EQ(cc_queue_put(queue, word), CC_QUEUE_OK);
        }
        if (counts[i] == MOST_SLOTS_FOR_HANDLES) {
            run_threads(1, put_in_vain, queue);
        }
        for (uintptr_t word, expected = 1; expected <= 100000; expected++) {
            CHECK_EQ(cc_queue_get(queue, &word), CC_QUEUE_OK);
            CHECK_EQ(word, expected);
        }
        cc_queue_free(queue, NULL);
    }
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    begin_test("an unsafe entry stays unsafe when it is moved on");
    test_unsafe_stays_unsafe(2);
    test_unsafe_stays_unsafe(4);
    begin_test("unsafe entries are for early puts");
    test_unsafe_entries_are_for_early_puts();
    begin_test("a final ring stays final");
    test_final_stays_final();
    begin_test("a final ring is drained by tickets");
    test_final_rings_are_drained();
    begin_test("more threads than the threshold allows");
    test_more_threads_than_the_threshold_allows();
    begin_test("the last ticket");
    test_the_last_ticket();
    begin_test("as many handles as there may be");
    test_as_many_handles_as_there_may_be();
    printf("passed\n");
    return 0;
}
