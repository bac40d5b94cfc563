/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The stack by itself: a model, corners, references to words, looks, failing allocations.
 */
#include "memory/cc_alloc.h"
#include "scheme.h"
#include "stack/elimination.h"
#include "stack/stack.h"

#include "check.h"

/* ---------------------------------------------------------------- words that are counted */

enum { WORDS = 4096 };

static _Atomic int references[WORDS + 1];
static _Atomic int64_t released;

/* A looker may be held up where it acquires. */
static _Atomic int gate; /* 0: open; 1: closed; 2: somebody waits in front of it */

static void acquire_word(uintptr_t word) {
    CHECK(atomic_fetch_add(&references[word], 1) > 0);
    int closed = 1;
    if (atomic_compare_exchange_strong(&gate, &closed, 2)) {
        while (atomic_load(&gate) == 2) {
            sched_yield();
        }
    }
}

static void release_word(uintptr_t word) {
    CHECK(atomic_fetch_sub(&references[word], 1) > 0);
    atomic_fetch_add(&released, 1);
}

static const cc_stack_words counted = {acquire_word, release_word};
static const cc_stack_words numbers = {0};

static cc_stack *new_stack(const cc_stack_words *words, cc_stack_options options) {
    cc_stack *stack = cc_stack_new(words, &options);
    CHECK(stack);
    return stack;
}

static void push_counted(cc_stack *stack, uintptr_t word) {
    atomic_fetch_add(&references[word], 1);
    CHECK_EQ(cc_stack_push(stack, word), CC_STACK_OK);
}

static void check_that_all_are_released(void) {
    for (int i = 0; i <= WORDS; i++) {
        CHECK_EQ(atomic_load(&references[i]), 0);
    }
}

static uintptr_t pop_one(cc_stack *stack) {
    uintptr_t word = 0;
    CHECK_EQ(cc_stack_pop(stack, &word), CC_STACK_OK);
    return word;
}

/* ---------------------------------------------------------------- tests */

static void test_corners(void) {
    begin_test("corners");
    cc_stack *stack = new_stack(&numbers, (cc_stack_options){0});
    uintptr_t word = 77, *words;
    size_t count = 5;
    CHECK(cc_stack_is_empty(stack) && !cc_stack_is_closed(stack));
    CHECK_EQ(cc_stack_pop(stack, &word), CC_STACK_EMPTY);
    CHECK_EQ(cc_stack_peek(stack, &word), CC_STACK_EMPTY);
    CHECK_EQ(cc_stack_snapshot(stack, &words, &count), CC_STACK_OK);
    CHECK_EQ(count, 0);
    cc_free(words);
    CHECK_EQ(word, 77);
    CHECK_EQ(cc_stack_push(stack, UINTPTR_MAX), CC_STACK_OK); /* any but 0 */
    CHECK_EQ(cc_stack_push(stack, 1), CC_STACK_OK);
    CHECK_EQ(cc_stack_length(stack), 2);
    CHECK_EQ(cc_stack_peek(stack, &word), CC_STACK_OK);
    CHECK_EQ(word, 1);
    CHECK_EQ(cc_stack_pop(stack, &word), CC_STACK_OK);
    CHECK_EQ(word, 1);
    CHECK(pop_one(stack) == UINTPTR_MAX);
    CHECK(cc_stack_is_empty(stack) && cc_stack_length(stack) == 0);
    CHECK_EQ(cc_stack_pushes(stack), 2);
    CHECK_EQ(cc_stack_pops(stack), 2);
    cc_stack_free(stack);
    cc_stack_free(NULL);
}

static void test_model(void) {
    begin_test("against a model");
    for (size_t capacity = 0; capacity <= 17; capacity++) {
        static uintptr_t model[WORDS];
        cc_stack *stack = new_stack(&numbers, (cc_stack_options){.capacity = capacity});
        rng r = rng_from(capacity);
        size_t length = 0, bound = capacity;
        uintptr_t next = 1, word;
        CHECK_EQ(cc_stack_capacity(stack), capacity);
        for (int64_t i = 0; i < scaled(20000); i++) {
            int64_t dice = rng_below(&r, i / 500 % 2 ? 12 : 9);
            if (i % 97 == 96) {
                size_t wanted = (size_t)rng_below(&r, 20); /* 0: none */
                CHECK_EQ(cc_stack_set_capacity(stack, wanted), capacity != 0 || wanted == 0);
                bound = capacity ? wanted : 0;
                CHECK_EQ(cc_stack_capacity(stack), bound);
            }
            if (dice < 4 && length < WORDS) {
                bool is_full = bound && length >= bound;
                CHECK_EQ(cc_stack_push(stack, next), is_full ? CC_STACK_FULL : CC_STACK_OK);
                if (!is_full) {
                    model[length++] = next++;
                }
            } else if (dice < 5) {
                CHECK_EQ(cc_stack_peek(stack, &word), length ? CC_STACK_OK : CC_STACK_EMPTY);
                CHECK(!length || word == model[length - 1]);
            } else if (i % 64 == 0) {
                uintptr_t *words;
                size_t count;
                CHECK_EQ(cc_stack_snapshot(stack, &words, &count), CC_STACK_OK);
                CHECK_EQ(count, length);
                for (size_t k = 0; k < count; k++) {
                    CHECK_EQ(words[k], model[length - 1 - k]);
                }
                cc_free(words);
            } else {
                CHECK_EQ(cc_stack_pop(stack, &word), length ? CC_STACK_OK : CC_STACK_EMPTY);
                CHECK(!length || word == model[--length]);
            }
            CHECK_EQ(cc_stack_length(stack), length);
            CHECK_EQ(cc_stack_is_empty(stack), length == 0);
        }
        cc_stack_free(stack);
    }
}

static void test_closing(void) {
    begin_test("closing");
    for (size_t capacity = 0; capacity <= 2; capacity += 2) {
        cc_stack *stack = new_stack(&numbers, (cc_stack_options){.capacity = capacity});
        uintptr_t word;
        CHECK_EQ(cc_stack_push(stack, 1), CC_STACK_OK);
        CHECK_EQ(cc_stack_push(stack, 2), CC_STACK_OK);
        cc_stack_close(stack);
        cc_stack_close(stack);
        CHECK(cc_stack_is_closed(stack));
        CHECK_EQ(cc_stack_push(stack, 3), CC_STACK_CLOSED);
        CHECK_EQ(cc_stack_length(stack), 2);
        CHECK_EQ(cc_stack_peek(stack, &word), CC_STACK_OK);
        CHECK_EQ(word, 2);
        CHECK_EQ(pop_one(stack), 2);
        CHECK(cc_stack_is_closed(stack));
        CHECK_EQ(pop_one(stack), 1);
        CHECK_EQ(cc_stack_pop(stack, &word), CC_STACK_CLOSED);
        CHECK_EQ(cc_stack_peek(stack, &word), CC_STACK_CLOSED);
        CHECK_EQ(cc_stack_push(stack, 3), CC_STACK_CLOSED);
        CHECK_EQ(cc_stack_pushes(stack), 2);
        cc_stack_free(stack);
    }
}

static void test_every_cell_is_closed(void) {
    begin_test("closing closes every cell that is used");
    static const uint32_t wanted[] = {1,
                                      2,
                                      ELIMINATION_CELLS - 1,
                                      ELIMINATION_CELLS,
                                      ELIMINATION_CELLS + 1,
                                      2 * ELIMINATION_CELLS};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        if (wanted[i] == 0) {
            continue;
        }
        cc_elimination e = {0};
        cc_elimination_begin(&e, wanted[i], 1);
        CHECK_EQ(e.count, wanted[i] < ELIMINATION_CELLS ? wanted[i] : ELIMINATION_CELLS);
        cc_close_cells(&e);
        for (uint32_t cell = 0; cell < e.count; cell++) {
            CHECK(cc_load_relaxed_u64(&e.cells[cell].word) & CELL_CLOSED);
        }
    }
}

static void test_references(void) {
    begin_test("each word is released as often as it was acquired");
    cc_stack *stack = new_stack(&counted, (cc_stack_options){0});
    uintptr_t word, *words;
    size_t count;
    for (uintptr_t w = 1; w <= 200; w++) {
        push_counted(stack, w);
    }
    CHECK_EQ(cc_stack_peek(stack, &word), CC_STACK_OK);
    CHECK_EQ(references[200], 2);
    release_word(word);
    CHECK_EQ(cc_stack_snapshot(stack, &words, &count), CC_STACK_OK);
    for (size_t i = 0; i < count; i++) {
        CHECK_EQ(references[words[i]], 2);
        release_word(words[i]);
    }
    cc_free(words);
    for (int i = 0; i < 100; i++) {
        word = pop_one(stack);
        CHECK_EQ(references[word], 1); /* handed over */
        release_word(word);
    }
    int64_t before = released;
    cc_stack_free(stack);
    CHECK_EQ(released, before + 100);
    check_that_all_are_released();
}

/* ---- a looker that stands in front of the gate ---- */

static void *look_at(void *argument) {
    uintptr_t word, *words;
    size_t count;
    cc_stack *stack = *(cc_stack **)argument;
    if (((cc_stack **)argument)[1]) {
        CHECK_EQ(cc_stack_snapshot(stack, &words, &count), CC_STACK_OK);
        for (size_t i = 0; i < count; i++) {
            release_word(words[i]);
        }
        cc_free(words);
    } else {
        CHECK_EQ(cc_stack_peek(stack, &word), CC_STACK_OK);
        release_word(word);
    }
    return NULL;
}

static int visited;

static int count_visits(uintptr_t word, void *argument) {
    (void)argument;
    visited += word <= WORDS;
    return 0;
}

static void test_visit(void) {
    begin_test("a visit comes to every word that is inside");
    cc_stack *stack = new_stack(&numbers, (cc_stack_options){0});
    for (int n = 0; n < 3; n++) {
        visited = 0;
        CHECK_EQ(cc_stack_visit(stack, count_visits, NULL), 0);
        CHECK_EQ(visited, n);
        CHECK_EQ(cc_stack_push(stack, 1), CC_STACK_OK);
    }
    cc_stack_free(stack);
}

static void test_pop_beside_a_look(bool whole) {
    begin_test(whole ? "a pop beside a snapshot" : "a pop beside a peek");
    cc_stack *stack = new_stack(&counted, (cc_stack_options){0});
    void *argument[2] = {stack, whole ? stack : NULL};
    pthread_t looker;
    push_counted(stack, 1);
    push_counted(stack, 2);
    atomic_store(&gate, 1);
    CHECK_EQ(pthread_create(&looker, NULL, look_at, argument), 0);
    while (atomic_load(&gate) != 2) {
        sched_yield();
    }
    /* It has acquired word 2, and may be about to acquire word 1. */
    CHECK_EQ(pop_one(stack), 2);
    CHECK_EQ(references[2], 3); /* the looker's, ours, and the stack's */
    release_word(2);
    CHECK_EQ(pop_one(stack), 1);
    CHECK_EQ(references[1], 2);
    release_word(1);
    visited = 0;
    CHECK_EQ(cc_stack_visit(stack, count_visits, NULL), 0);
    CHECK_EQ(visited, 2); /* they wait to be released */
    atomic_store(&gate, 0);
    pthread_join(looker, NULL);
    cc_smr_flush(cc_stack_domain(stack));
    check_that_all_are_released();
    push_counted(stack, 3);
    release_word(pop_one(stack)); /* nobody looks any more */
    check_that_all_are_released();
    cc_stack_free(stack);
}

/* Nodes that are looked after together: one of them may have been seen, though the others are too
 * young. */
static void test_young_nodes_beside_one_that_is_seen(void) {
    begin_test("young nodes beside one that is seen");
    cc_stack *stack = new_stack(&counted, (cc_stack_options){0});
    cc_smr_domain *domain = cc_stack_domain(stack);
    void *argument[2] = {stack, NULL};
    pthread_t looker;
    push_counted(stack, 1);
    atomic_store(&gate, 1);
    CHECK_EQ(pthread_create(&looker, NULL, look_at, argument), 0);
    while (atomic_load(&gate) != 2) {
        sched_yield();
    }
    cc_fetch_add_seq_cst_u64(&domain->era, 1);
    push_counted(stack, 2);
    release_word(pop_one(stack));
    release_word(pop_one(stack));
    for (int i = 0; i < 64; i++) {
        push_counted(stack, 3);
        release_word(pop_one(stack));
    }
    if (domain->scheme == CC_SMR_IBR && !CC_SMALL_SIZES) {
        CHECK_EQ(cc_smr_limbo_count(domain), 2); /* word 1, and its node with those beside it */
    }
    atomic_store(&gate, 0);
    pthread_join(looker, NULL);
    CHECK_EQ(cc_smr_flush(domain), 0);
    cc_stack_free(stack);
    check_that_all_are_released();
}

/* ---- memory ---- */

static void test_allocation_failure(void) {
#if defined(CC_TEST_HOOKS)
    begin_test("failing allocations");
    for (int64_t n = 0; n < 40; n++) {
        cc_alloc_fail_from(n);
        cc_stack *stack = cc_stack_new(&counted, &(cc_stack_options){.capacity = 8});
        uintptr_t word = 0, *words;
        size_t inside = 0, count;
        for (uintptr_t w = 1; stack && w <= 12; w++) {
            atomic_fetch_add(&references[w], 1);
            cc_stack_status status = cc_stack_push(stack, w);
            CHECK(status == CC_STACK_OK || status == CC_STACK_NO_MEMORY || inside == 8);
            inside += status == CC_STACK_OK;
            if (status != CC_STACK_OK) {
                release_word(w);
            }
            CHECK_EQ(cc_stack_length(stack), inside);
            CHECK_EQ(cc_stack_pushes(stack), inside);
        }
        if (stack) {
            if (cc_stack_snapshot(stack, &words, &count) == CC_STACK_OK) {
                CHECK_EQ(count, inside);
                for (size_t i = 0; i < count; i++) {
                    release_word(words[i]);
                }
                cc_free(words);
            }
            cc_stack_status status = cc_stack_pop(stack, &word);
            CHECK(status == CC_STACK_NO_MEMORY || (status == CC_STACK_OK) == (inside > 0));
            if (status == CC_STACK_OK) {
                release_word(word);
            }
        }
        cc_alloc_fail_from(-1);
        cc_stack_free(stack);
        check_that_all_are_released();
    }
#endif
}

static void test_bytes(void) {
    begin_test("bytes grow and shrink with what is inside");
    cc_stack *stack = new_stack(&numbers, (cc_stack_options){0});
    size_t at_first = cc_stack_bytes(stack);
    for (uintptr_t w = 1; w <= 10000; w++) {
        CHECK_EQ(cc_stack_push(stack, w), CC_STACK_OK);
    }
    size_t filled = cc_stack_bytes(stack);
    CHECK(filled >= at_first + 10000 * 3 * sizeof(uintptr_t));
    CHECK(filled <= at_first + 10000 * 8 * sizeof(uintptr_t));
    for (uintptr_t w = 10000; w; w--) {
        CHECK_EQ(pop_one(stack), w);
    }
    cc_smr_flush(cc_stack_domain(stack));
    CHECK(cc_stack_bytes(stack) < at_first + 16384);
    cc_stack_free(stack);
}

/* ---- foreign code that frees stacks ---- */

static cc_stack *chained[WORDS];

static void free_chained(uintptr_t word) {
    cc_stack_free(chained[word]);
}

static void test_chain(void) {
    static const cc_stack_words chain = {NULL, free_chained};
    begin_test("a chain of stacks needs no stack");
    for (uintptr_t i = 0; i < WORDS; i++) {
        chained[i] = new_stack(&chain, (cc_stack_options){0});
        CHECK(i == 0 || cc_stack_push(chained[i], i == 1 ? 0x1 : i - 1) == CC_STACK_OK);
    }
    /* Word 1 stands for stack 1, so nobody has stack 0. */
    cc_stack_free(chained[0]);
    uintptr_t word;
    CHECK_EQ(cc_stack_pop(chained[1], &word), CC_STACK_OK);
    cc_stack_free(chained[WORDS - 1]);
}

int main(void) {
    use_scheme_of_the_environment();
    test_corners();
    test_model();
    test_closing();
    test_every_cell_is_closed();
    test_references();
    test_visit();
    test_pop_beside_a_look(false);
    test_pop_beside_a_look(true);
    test_young_nodes_beside_one_that_is_seen();
    test_allocation_failure();
    test_bytes();
    test_chain();
    return 0;
}
