/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The wait-free ring of indices by itself: nothing is lost or doubled, whatever the patience.
 *
 * Two rings, k indices that circulate between them: take one from either, put it into the other. At
 * the end all of them must be there again, once each. (The published code of wCQ loses all of them
 * within seconds when its patience is 1.)
 */
#include "check.h"
#include "queue/wcq_ring.h"

#ifdef CC_HAVE_PAIR_CAS

#define MOST_THREADS 16
#define MOST_INDICES 32

typedef struct circulation {
    cc_handles handles;
    wcq_ring rings[2];
    wcq_pair *slots[2];
    wcq_record *records[MOST_THREADS + 1];
    int threads, indices;
    int64_t rounds;
    _Atomic int64_t moved;
} circulation;

static void *memory(size_t bytes) {
    void *m =
        aligned_alloc(CC_CACHE_LINE, (bytes + CC_CACHE_LINE - 1) / CC_CACHE_LINE * CC_CACHE_LINE);
    CHECK(m);
    memset(m, 0, bytes);
    return m;
}

static void begin_circulation(circulation *c, uint32_t patience, uint32_t spins) {
    uint32_t bits = wcq_bits_for((size_t)c->indices);
    memset((void *)&c->handles, 0, sizeof c->handles);
    cc_handles_begin(&c->handles, sizeof(wcq_record), wcq_begin_record);
    for (int i = 0; i < 2; i++) {
        c->slots[i] = memory(sizeof(wcq_pair) << bits);
        wcq_ring_begin(&c->rings[i], c->slots[i], bits, 0, i ? 0 : (uint64_t)c->indices, 1,
                       &c->handles, (uint64_t)i, NULL, patience, spins);
    }
    for (int i = 0; i <= c->threads; i++) {
        c->records[i] = cc_alloc_aligned(sizeof(wcq_record), CC_CACHE_LINE);
        CHECK(c->records[i]);
        memset((void *)c->records[i], 0, sizeof(wcq_record));
        wcq_begin_record(&c->records[i]->common);
    }
    atomic_store(&c->moved, 0);
}

static void circulate(int me, void *argument) {
    circulation *c = argument;
    wcq_record *record = c->records[me];
    rng r = rng_from((uint64_t)me);
    int64_t moved = 0;
    CHECK(cc_handles_register(&c->handles, &record->common));
    for (int64_t i = 0; i < c->rounds; i++) {
        uint64_t index;
        int from = (int)rng_below(&r, 2);
        if (wcq_is_time_to_help(record)) {
            wcq_help_the_next(&c->handles, record, NULL);
        }
        wcq_outcome outcome = wcq_dequeue(&c->rings[from], record, &index);
        if (outcome == WCQ_DONE) {
            CHECK(index < (uint64_t)c->indices);
            CHECK_EQ(wcq_enqueue(&c->rings[1 - from], record, index), WCQ_DONE);
            moved++;
        } else {
            CHECK_EQ(outcome, WCQ_EMPTY);
            sched_yield();
        }
    }
    atomic_fetch_add(&c->moved, moved);
}

/* Everything must be there, once. */
static void count_indices(circulation *c) {
    bool seen[MOST_INDICES] = {false};
    int found = 0;
    wcq_record *record = c->records[c->threads];
    CHECK(cc_handles_register(&c->handles, &record->common));
    for (int i = 0; i < 2; i++) {
        uint64_t index;
        while (wcq_dequeue(&c->rings[i], record, &index) == WCQ_DONE) {
            CHECK(index < (uint64_t)c->indices);
            CHECK(!seen[index]);
            seen[index] = true;
            found++;
        }
    }
    CHECK_EQ(found, c->indices);
    free(c->slots[0]);
    free(c->slots[1]);
    cc_handles_end(&c->handles); /* frees the records */
}

static void test_circulation(void) {
    static const uint32_t patiences[] = {0, 1, 2, 64};
    static const int sizes[] = {1, 2, 3, 4, 8, 16, 32};
    static const int crowds[] = {1, 2, 3, 4, 8, 16};
    /* 5 divides none of the counts: each patience is left with each size, and with each crowd. */
    unsigned every = CHECK_SANITIZED || getenv("CC_TEST_EMULATED") ? 5 : 1, number = 0;
    for (size_t p = 0; p < 4; p++) {
        for (size_t s = 0; s < 7; s++) {
            for (size_t t = 0; t < 6; t++) {
                if (number++ % every) {
                    continue;
                }
                circulation c = {.threads = crowds[t], .indices = sizes[s]};
                c.rounds = scaled(40000) / crowds[t] + 1;
                begin_circulation(&c, patiences[p], (uint32_t)(s % 2) * 8);
                run_threads(c.threads, circulate, &c);
                count_indices(&c);
                CHECK(c.moved > 0);
            }
        }
    }
}

int main(void) {
    if (!(cc_features() & CC_FEATURE_CMPXCHG16B) && strcmp(CC_ARCH_NAME, "x86_64") == 0) {
        puts("this machine has no 16-byte compare-and-swap");
        return 0;
    }
    begin_test("indices circulate between two rings");
    test_circulation();
    return 0;
}

#else
int main(void) {
    puts("this architecture has no 16-byte compare-and-swap");
    return 0;
}
#endif
