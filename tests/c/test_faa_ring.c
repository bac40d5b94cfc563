/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The steps of a FAAArrayQueue's array in orders that need several threads; see test_scq_ring.c.
 */
#define cc_faa_operations faa_operations_under_test
#include "queue/faa.c"

#include "check.h"

static cc_ring_queue queue;

static faa_ring *ring_of(uint32_t slots) {
    faa_ring *ring = cc_alloc_aligned(ring_bytes(slots), CC_CACHE_LINE);
    CHECK(ring);
    memset((void *)ring, 0, sizeof *ring);
    ring->common.slots = slots;
    fill_ring(&ring->common, &queue.common, 0);
    return ring;
}

static void put_says(faa_ring *ring, uintptr_t word, cc_ring_answer expected) {
    CHECK_EQ(ring_put(&ring->common, &queue.common, NULL, word), expected);
}

static void take_says(faa_ring *ring, cc_ring_answer expected) {
    uintptr_t word = 0;
    CHECK_EQ(ring_take(&ring->common, &queue.common, NULL, &word), expected);
}

static void take_this(faa_ring *ring, uintptr_t expected) {
    uintptr_t word = 0;
    CHECK_EQ(ring_take(&ring->common, &queue.common, NULL, &word), CC_RING_OK);
    CHECK_EQ(word, expected);
}

static bool put_at_ticket(faa_ring *ring, uint64_t ticket, uintptr_t word) {
    uintptr_t nothing = 0;
    return cc_cas_seq_cst_uptr(slot_of(ring, ticket), &nothing, word);
}

static uint64_t draw(cc_atomic_u64 *counter) {
    return cc_fetch_add_seq_cst_u64(counter, 1);
}

/* Of two puts that overlap, the one with the smaller ticket is first, whichever CAS was. */
static void test_tickets_decide(void) {
    faa_ring *ring = ring_of(2);
    uint64_t first = draw(&ring->tail), second = draw(&ring->tail);
    CHECK(put_at_ticket(ring, second, 2));
    CHECK(put_at_ticket(ring, first, 1));
    take_this(ring, 1);
    take_this(ring, 2);
    take_says(ring, CC_RING_DRAINED);
    cc_free(ring);
}

/* Gets that have all looked at one word have overtaken tail: what is put behind them is theirs. */
static void test_drained_with_tail_behind(void) {
    faa_ring *ring = ring_of(2);
    put_says(ring, 1, CC_RING_OK);
    uint64_t first = draw(&ring->head), second = draw(&ring->head);
    take_says(ring, CC_RING_DRAINED);
    put_says(ring, 2, CC_RING_OK);
    CHECK_EQ(take_at_ticket(ring, second, 0), 2);
    CHECK_EQ(take_at_ticket(ring, first, 0), 1);
    put_says(ring, 3, CC_RING_FINAL);
    cc_free(ring);
}

/* A slot that has been given up costs a put one ticket; the last one costs it the array. */
static void test_slots_that_are_gone(void) {
    faa_ring *ring = ring_of(3);
    uint64_t late = draw(&ring->tail);
    CHECK_EQ(take_at_ticket(ring, draw(&ring->head), 0), 0);
    CHECK(!put_at_ticket(ring, late, 1));
    put_says(ring, 1, CC_RING_OK);
    take_this(ring, 1);
    CHECK_EQ(take_at_ticket(ring, draw(&ring->head), 0), 0);
    put_says(ring, 2, CC_RING_FINAL);
    take_says(ring, CC_RING_DRAINED);
    cc_free(ring);
}

/* Tail counts on after FINAL, by puts that fail: gets leave the array all the same. */
static void test_final_before_the_end(void) {
    faa_ring *ring = ring_of(8);
    put_says(ring, 1, CC_RING_OK);
    finalize_ring(&ring->common);
    for (int i = 0; i < 20; i++) {
        put_says(ring, 2, CC_RING_FINAL);
    }
    take_this(ring, 1);
    take_says(ring, CC_RING_DRAINED);
    take_says(ring, CC_RING_DRAINED);
    cc_free(ring);
}

static int count_word(uintptr_t word, void *argument) {
    uintptr_t *next = argument;
    CHECK_EQ(word, (*next)++);
    return 0;
}

/* Taken words stay in their slots. */
static void test_visits(void) {
    for (uintptr_t taken = 0; taken <= 4; taken++) {
        for (unsigned surplus = 0; surplus <= 2; surplus++) { /* of tickets on either side */
            faa_ring *ring = ring_of(4);
            for (uintptr_t i = 1; i <= 4; i++) {
                put_says(ring, i, CC_RING_OK);
            }
            for (uintptr_t i = 1; i <= taken; i++) {
                take_this(ring, i);
            }
            for (unsigned i = 0; i < surplus; i++) {
                put_says(ring, 5, CC_RING_FINAL);
                if (taken == 4) {
                    draw(&ring->head);
                }
            }
            uintptr_t next = taken + 1;
            CHECK_EQ(visit_ring(&ring->common, count_word, &next), 0);
            CHECK_EQ(next, 5);
            cc_free(ring);
        }
    }
}

/* ---------------------------------------------------------------- what is retired */

typedef struct meeting {
    cc_queue *queue;
    _Atomic int64_t came;
    int threads;
} meeting;

static void come_all_at_once(int index, void *argument) {
    meeting *m = argument;
    uintptr_t word;
    CHECK_EQ(cc_queue_put(m->queue, (uintptr_t)index + 1), CC_QUEUE_OK);
    CHECK_EQ(cc_queue_get(m->queue, &word), CC_QUEUE_OK);
    wait_for_all(&m->came, m->threads);
}

static void put_and_get(cc_queue *q) {
    uintptr_t word;
    CHECK_EQ(cc_queue_put(q, 1), CC_QUEUE_OK);
    CHECK_EQ(cc_queue_get(q, &word), CC_QUEUE_OK);
}

/* Arrays of one slot, so that each put retires one: as many are kept as threads make it worth to
 * look, and then all but what is spare, or in use, goes at once. */
static void test_looks(int threads) {
    meeting m = {cc_queue_new(CC_QUEUE_FAA, &(cc_queue_options){.ring_slots = 1}), 0, threads};
    CHECK(m.queue);
    if (threads > 0) {
        run_threads(threads, come_all_at_once, &m);
    }
    for (int i = 0; i < 4 * threads + 20; i++) {
        put_and_get(m.queue); /* nobody is in it but we */
    }
    size_t least = SIZE_MAX, most = 0;
    for (int i = 0; i < 4 * threads + 20; i++) {
        put_and_get(m.queue);
        size_t bytes = cc_queue_bytes(m.queue);
        least = bytes < least ? bytes : least;
        most = bytes > most ? bytes : most;
    }
    uint32_t handles = cc_handles_count(&m.queue->handles);
    CHECK(handles > (uint32_t)threads);
    size_t kept = (most - least) / ring_bytes(1), enough = handles / CC_HANDLES_PER_RETIRED + 1;
    CHECK(kept <= enough);
    CHECK(kept + CC_SPARE_RINGS + 2 >= enough);
    cc_queue_free(m.queue, NULL);
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    begin_test("puts that overlap come in the order of their tickets");
    test_tickets_decide();
    begin_test("an array is drained while tail is behind");
    test_drained_with_tail_behind();
    begin_test("a slot that has been given up takes no word");
    test_slots_that_are_gone();
    begin_test("an array that is final is left");
    test_final_before_the_end();
    begin_test("a visit begins where head is, and ends with the array");
    test_visits();
    begin_test("retired arrays are looked through once for so many threads");
    for (int threads = 0; threads <= 9; threads++) {
        test_looks(threads);
    }
    test_looks(40);
    printf("passed\n");
    return 0;
}
