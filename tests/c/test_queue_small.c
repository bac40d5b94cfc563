/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Queues of all small sizes: every bound, ring, chain of free indices (csrc/queue/index_cache.h)
 * and limit of tickets around the smallest, each beside a model; then more threads than processors,
 * with every word accounted for.
 */
#include "queue_kinds.h"

enum { MOST_CAPACITY = 17, STEPS = 600, THREADS = 6, ITEMS = 400 };

/* ---------------------------------------------------------------- one thread beside a model */

typedef struct model {
    uintptr_t first, next; /* the words first .. next - 1 are in it */
    size_t capacity;
} model;

static int check_word(uintptr_t word, void *expected) {
    CHECK_EQ(word, *(uintptr_t *)expected);
    ++*(uintptr_t *)expected;
    return 0;
}

static void check_put(cc_queue *queue, model *m) {
    bool is_full = m->capacity && m->next - m->first == m->capacity;
    CHECK_EQ(cc_queue_put(queue, m->next), is_full ? CC_QUEUE_FULL : CC_QUEUE_OK);
    m->next += !is_full;
}

static void check_get(cc_queue *queue, model *m, bool is_closed) {
    uintptr_t word = 0;
    cc_queue_status status = cc_queue_get(queue, &word);
    if (m->first == m->next) {
        CHECK_EQ(status, is_closed ? CC_QUEUE_CLOSED : CC_QUEUE_EMPTY);
    } else {
        CHECK_EQ(status, CC_QUEUE_OK);
        CHECK_EQ(word, m->first++);
    }
}

static void check_contents(const cc_queue *queue, const model *m) {
    uintptr_t expected = m->first;
    CHECK_EQ(cc_queue_visit(queue, check_word, &expected), 0);
    CHECK_EQ(expected, m->next);
    CHECK_EQ(cc_queue_length(queue), m->next - m->first);
    CHECK_EQ(cc_queue_puts(queue), m->next - 1);
    CHECK_EQ(cc_queue_gets(queue), m->first - 1);
}

/* To the top and down again, then at random, and to the end. */
static void compare(const queue_kind *kind, cc_queue_options options, uint64_t *random) {
    cc_queue *queue = queue_of(kind, options);
    model m = {.first = 1, .next = 1, .capacity = options.capacity};
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i <= MOST_CAPACITY; i++) {
            check_put(queue, &m);
        }
        check_contents(queue, &m);
        for (int i = 0; i <= MOST_CAPACITY; i++) {
            check_get(queue, &m, false);
        }
        check_contents(queue, &m);
    }
    for (int i = 0; i < STEPS; i++) {
        *random = *random * UINT64_C(6364136223846793005) + 1442695040888963407;
        if (*random >> 63) {
            check_put(queue, &m);
        } else {
            check_get(queue, &m, false);
        }
    }
    check_contents(queue, &m);
    cc_queue_close(queue);
    CHECK_EQ(cc_queue_put(queue, m.next), CC_QUEUE_CLOSED);
    while (m.first != m.next) {
        check_get(queue, &m, true);
    }
    check_get(queue, &m, true);
    check_contents(queue, &m);
    cc_queue_free(queue, NULL);
}

static void test_beside_model(const queue_kind *kind) {
    static const uint32_t slots[] = {0, 1, 2, 3, 4, 8, 16}, chains[] = {0, 1, 2, 3, 16},
                          tickets[] = {0, 1, 2, 3, 7};
    uint64_t random = 1;
    printf("    %s\n", kind->name);
    for (size_t capacity = 0; capacity <= MOST_CAPACITY; capacity++) {
        for (size_t s = 0; s < sizeof slots / sizeof *slots; s++) {
            for (size_t c = 0; c < sizeof chains / sizeof *chains; c++) {
                for (size_t t = 0; t < sizeof tickets / sizeof *tickets; t++) {
                    cc_queue_options options = {.capacity = capacity,
                                                .ring_slots = slots[s],
                                                .chain_length = chains[c],
                                                .ticket_limit = tickets[t]};
                    compare(kind, options, &random);
                }
            }
        }
    }
}

/* ---------------------------------------------------------------- more threads than processors */

typedef struct crowd {
    cc_queue *queue;
    _Atomic uint32_t taken[THREADS * ITEMS + 1];
    _Atomic int left;
} crowd;

static void take_one(crowd *c, uintptr_t *last_of) {
    uintptr_t word;
    if (cc_queue_get(c->queue, &word) != CC_QUEUE_OK) {
        sched_yield();
        return;
    }
    uintptr_t putter = (word - 1) / ITEMS;
    CHECK(word > last_of[putter]); /* the words of one putter come in order */
    last_of[putter] = word;
    CHECK_EQ(atomic_fetch_add(&c->taken[word], 1), 0);
    atomic_fetch_sub(&c->left, 1);
}

static void put_and_take(int index, void *argument) {
    crowd *c = argument;
    uintptr_t last_of[THREADS] = {0}, word = (uintptr_t)index * ITEMS + 1;
    for (int i = 0; i < ITEMS; word++, i++) {
        while (cc_queue_put(c->queue, word) != CC_QUEUE_OK) {
            take_one(c, last_of);
        }
        if (word % 3) {
            take_one(c, last_of);
        }
    }
    while (atomic_load(&c->left) > 0) {
        take_one(c, last_of);
    }
}

static void test_in_a_crowd(const queue_kind *kind) {
    static const size_t capacities[] = {0, 1, 2, 3, 5, 8};
    static const uint32_t slots[] = {0, 1, 2, 8}, chains[] = {0, 1, 2, 16}, tickets[] = {0, 1, 3};
    static crowd c;
    unsigned every = CHECK_SANITIZED || getenv("CC_TEST_EMULATED") ? 7 : 1, number = 0;
    printf("    %s\n", kind->name);
    for (size_t n = 0; n < sizeof capacities / sizeof *capacities; n++) {
        for (size_t s = 0; s < sizeof slots / sizeof *slots; s++) {
            for (size_t h = 0; h < sizeof chains / sizeof *chains; h++) {
                for (size_t t = 0; t < sizeof tickets / sizeof *tickets; t++) {
                    if (number++ % every) {
                        continue;
                    }
                    cc_queue_options options = {.capacity = capacities[n],
                                                .ring_slots = slots[s],
                                                .chain_length = chains[h],
                                                .ticket_limit = tickets[t]};
                    memset((void *)&c, 0, sizeof c);
                    c.queue = queue_of(kind, options);
                    atomic_store(&c.left, THREADS * ITEMS);
                    run_threads(THREADS, put_and_take, &c);
                    CHECK_EQ(atomic_load(&c.left), 0);
                    CHECK_EQ(cc_queue_puts(c.queue), THREADS * ITEMS);
                    CHECK_EQ(cc_queue_gets(c.queue), THREADS * ITEMS);
                    CHECK_EQ(cc_queue_length(c.queue), 0);
                    for (int i = 1; i <= THREADS * ITEMS; i++) {
                        CHECK_EQ(atomic_load(&c.taken[i]), 1);
                    }
                    cc_queue_free(c.queue, NULL);
                }
            }
        }
    }
}

int main(void) {
    begin_test("all small sizes beside a model");
    for_every_kind(test_beside_model);
    begin_test("all small sizes, more threads than processors");
    for_every_kind(test_in_a_crowd);
    printf("passed\n");
    return 0;
}
