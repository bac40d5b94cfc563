/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The steps of an LCRQ ring in an order that needs four threads; see test_scq_ring.c.
 */
#undef MOST_TRIES /* the steps below are counted with the usual one */
#define cc_lcrq_operations lcrq_operations_under_test
#include "queue/lcrq.c"

#include "check.h"

#if defined(CC_HAVE_PAIR_CAS) && defined(CC_ARCH_X86_64)

static cc_ring_queue queue;

static lcrq_ring *ring_of(uint32_t slots) {
    lcrq_ring *ring = cc_alloc_aligned(ring_bytes(slots), CC_CACHE_LINE);
    CHECK(ring);
    memset((void *)ring, 0, sizeof *ring);
    ring->common.slots = slots;
    fill_ring(&ring->common, &queue.common, 0);
    return ring;
}

static void put_whole(lcrq_ring *ring, uintptr_t word) {
    CHECK_EQ(ring_put(&ring->common, &queue.common, NULL, word), CC_RING_OK);
}

static cc_ring_answer take_whole(lcrq_ring *ring, uintptr_t *word) {
    return ring_take(&ring->common, &queue.common, NULL, word);
}

static void take_this(lcrq_ring *ring, uintptr_t expected) {
    uintptr_t word = 0;
    CHECK_EQ(take_whole(ring, &word), CC_RING_OK);
    CHECK_EQ(word, expected);
}

static void test_unsafe_stays_unsafe(bool second_slow_get) {
    lcrq_ring *ring = ring_of(2);
    uintptr_t word = 0;
    put_whole(ring, 1);
    put_whole(ring, 2);
    uint64_t slow = cc_fetch_add_seq_cst_u64(&ring->head, 1); /* of word 1; stalls */
    take_this(ring, 2);
    uint64_t later = 0;
    if (second_slow_get) {
        put_whole(ring, 3); /* steps over the cell of word 1 */
        later = cc_fetch_add_seq_cst_u64(&ring->head, 1);
        CHECK_EQ(later, slow + 2);
        take_this(ring, 3);
    }
    uint64_t put = cc_fetch_add_seq_cst_u64(&ring->tail, 1);
    CHECK_EQ(put, slow + (second_slow_get ? 4 : 2));
    CHECK_EQ(take_whole(ring, &word), CC_RING_EMPTY); /* marks the cell, leaves */
    CHECK(cc_load_relaxed_u64(&ring->head) > put);
    CHECK(take_at_ticket(ring, slow, 0, &word));
    CHECK_EQ(word, 1);
    if (second_slow_get) {
        CHECK(!take_at_ticket(ring, later, 0, &word));
    }
    CHECK(!put_at_ticket(ring, put, 4)); /* nobody would come to take it */
    put_whole(ring, 4);
    take_this(ring, 4);
    CHECK_EQ(take_whole(ring, &word), CC_RING_EMPTY);
    cc_free(ring);
}

static void test_final_stays_final(void) {
    lcrq_ring *ring = ring_of(2);
    uintptr_t word = 0;
    finalize_ring(&ring->common);
    catch_up(ring, 0, 5);
    CHECK(cc_load_relaxed_u64(&ring->tail) & FINAL);
    CHECK_EQ(ring_put(&ring->common, &queue.common, NULL, 1), CC_RING_FINAL);
    CHECK_EQ(take_whole(ring, &word), CC_RING_DRAINED);
    cc_free(ring);
}

static void test_full_rings_are_final(void) {
    lcrq_ring *ring = ring_of(4);
    uintptr_t word = 0;
    for (uintptr_t i = 1; i <= 4; i++) {
        put_whole(ring, i);
    }
    CHECK_EQ(ring_put(&ring->common, &queue.common, NULL, 5), CC_RING_FINAL);
    for (uintptr_t i = 1; i <= 4; i++) {
        take_this(ring, i);
    }
    CHECK_EQ(take_whole(ring, &word), CC_RING_DRAINED);
    cc_free(ring);
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!cc_can_swap_pairs()) {
        printf("not on this machine\n");
        return 0;
    }
    begin_test("an unsafe cell stays unsafe when it is moved on");
    test_unsafe_stays_unsafe(false);
    test_unsafe_stays_unsafe(true);
    begin_test("a final ring stays final");
    test_final_stays_final();
    begin_test("a full ring is final");
    test_full_rings_are_final();
    printf("passed\n");
    return 0;
}

#else

int main(void) {
    printf("not on this machine\n");
    return cc_queue_kind_is_available(CC_QUEUE_LCRQ) || is_available();
}

#endif
