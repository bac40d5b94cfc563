/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The FIFO for one thread at a time (queue/fifo.h): against a model, with chunks of all lengths,
 * and without memory. ASAN sees to what is read or freed wrongly.
 */
#include "check.h"
#include "memory/cc_alloc.h"
#include "queue/fifo.h"
#include "visit_words.h"

static const uint32_t chunk_sizes[] = {0, 1, 2, 3, 7, 64};
enum { CHUNK_SIZES = sizeof chunk_sizes / sizeof *chunk_sizes };

/* The words are numbers that count up, so a model needs no more than the two ends. */
typedef struct model {
    cc_fifo fifo;
    uintptr_t first, next; /* inside: first .. next - 1 */
} model;

static void begin(model *m, uint32_t words_per_chunk) {
    CHECK(cc_fifo_begin(&m->fifo, words_per_chunk));
    m->first = m->next = 1;
}

static void put(model *m) {
    CHECK(cc_fifo_put(&m->fifo, m->next));
    m->next++;
}

static void take(model *m) {
    CHECK_EQ(cc_fifo_take(&m->fifo), m->first);
    m->first++;
}

static uint64_t words_per_chunk(const model *m) {
    return m->fifo.words_per_chunk;
}

/* Chunks of so many words can be in use: the ends may be anywhere in theirs, the oldest may have
 * been taken to its end, and one is spare. */
static void check(const model *m) {
    uint64_t length = m->next - m->first;
    CHECK_EQ(cc_fifo_length(&m->fifo), length);
    CHECK_EQ(m->fifo.puts, m->next - 1);
    CHECK_EQ(m->fifo.takes, m->first - 1);
    uintptr_t expected = m->first;
    CHECK_EQ(cc_fifo_visit(&m->fifo, visit_next, &expected), 0);
    CHECK_EQ(expected, m->next);
    if (length) {
        uintptr_t last = m->next - 1;
        CHECK_EQ(cc_fifo_visit(&m->fifo, stop_at, &last), 42);
    }
    uint64_t words = words_per_chunk(m);
    size_t bytes_of_chunk = sizeof(cc_fifo_chunk) + words * sizeof(uintptr_t);
    size_t bytes = cc_fifo_bytes(&m->fifo);
    CHECK_EQ(bytes % bytes_of_chunk, 0);
    CHECK(bytes / bytes_of_chunk <= length / words + 3);
    CHECK(bytes / bytes_of_chunk * words >= length);
}

static void test_against_the_model(void) {
    begin_test("random puts and takes, chunks of all lengths");
    for (int size = 0; size < CHUNK_SIZES; size++) {
        model m;
        rng random = rng_from((uint64_t)size);
        begin(&m, chunk_sizes[size]);
        CHECK_EQ(words_per_chunk(&m),
                 chunk_sizes[size] ? chunk_sizes[size] : CC_FIFO_WORDS_PER_CHUNK);
        check(&m);
        for (int phase = 0; phase < 40; phase++) {
            int64_t puts_of_eight = phase % 8; /* it grows in some phases and shrinks in others */
            for (int i = 0; i < 100; i++) {
                if (rng_below(&random, 8) < puts_of_eight) {
                    put(&m);
                } else if (m.first != m.next) {
                    take(&m);
                }
                check(&m);
            }
        }
        cc_fifo_end(&m.fifo);
    }
}

static void test_around_a_chunk(void) {
    begin_test("filled and emptied with about as many words as a chunk has");
    for (int size = 0; size < CHUNK_SIZES; size++) {
        model m;
        begin(&m, chunk_sizes[size]);
        const uint64_t n = words_per_chunk(&m);
        const uint64_t counts[] = {0, 1, n - 1, n, n + 1, 2 * n};
        for (int turn = 0; turn < 36; turn++) { /* every count behind every other one */
            uint64_t puts[] = {counts[turn % 6], counts[turn / 6]};
            for (int half = 0; half < 2; half++) {
                for (uint64_t i = 0; i < puts[half]; i++) {
                    put(&m);
                    check(&m);
                }
                while (m.first != m.next) {
                    take(&m);
                    check(&m);
                }
            }
        }
        cc_fifo_end(&m.fifo);
    }
}

static void test_nothing_is_allocated_by_pairs(void) {
    begin_test("a length that hardly changes allocates nothing");
    for (int size = 0; size < CHUNK_SIZES; size++) {
        model m;
        begin(&m, chunk_sizes[size]);
        for (int i = 0; i < 10; i++) {
            put(&m);
        }
        for (uint64_t i = 0; i < 4 * words_per_chunk(&m); i++) { /* every chunk has been there */
            put(&m);
            take(&m);
        }
        size_t bytes = cc_fifo_bytes(&m.fifo);
        cc_alloc_fail_from(0);
        for (uint64_t i = 0; i < 10 * words_per_chunk(&m); i++) {
            put(&m);
            take(&m);
            CHECK(cc_fifo_bytes(&m.fifo) <= bytes);
        }
        cc_alloc_fail_from(-1);
        check(&m);
        cc_fifo_end(&m.fifo);
    }
}

static void test_without_memory(void) {
    begin_test("without memory nothing happens, and what is inside comes out");
    for (int size = 0; size < CHUNK_SIZES; size++) {
        model m;
        cc_alloc_fail_from(0);
        CHECK(!cc_fifo_begin(&m.fifo, chunk_sizes[size]));
        cc_alloc_fail_from(-1);
        begin(&m, chunk_sizes[size]);
        for (int round = 0; round < 5; round++) {
            cc_alloc_fail_from(round);
            while (cc_fifo_put(&m.fifo, m.next)) {
                m.next++;
            }
            for (int i = 0; i < 3; i++) {
                CHECK(!cc_fifo_reserve(&m.fifo));
                CHECK(!cc_fifo_put(&m.fifo, m.next));
                check(&m);
            }
            cc_alloc_fail_from(-1);
            CHECK(cc_fifo_reserve(&m.fifo));
            cc_alloc_fail_from(0); /* what is reserved needs no memory any more */
            put(&m);
            cc_alloc_fail_from(-1);
            while (m.first != m.next) {
                take(&m);
                check(&m);
            }
        }
        cc_fifo_end(&m.fifo);
    }
}

int main(void) {
    test_against_the_model();
    test_around_a_chunk();
    test_nothing_is_allocated_by_pairs();
    test_without_memory();
    return 0;
}
