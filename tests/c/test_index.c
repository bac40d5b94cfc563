/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The index beside the skip list (csrc/ordered/index.h): what it answers without a search, counted
 * by the searches (cc_skiplist_searches); and what it must not answer.
 */
#include <sys/wait.h>

#include "memory/cc_alloc.h"
#include "ordered/skiplist_inside.h"
#include "scheme.h"
#include "words.h"

extern _Atomic uint64_t cc_skiplist_searches;

/* With tables of the usual sizes no key of ours finds all of its buckets full. */
enum { HAS_USUAL_SIZES = INDEX_SLOTS == 6 && MOST_PROBES == 16 };

static uint64_t searches(void) {
    return atomic_load_explicit(&cc_skiplist_searches, memory_order_relaxed);
}

/* Kind 0: keys are their digests. */
static cc_status get_number(cc_ordered *list, int64_t number) {
    uintptr_t value;
    cc_status status = get_as(list, 0, number, &value, tell_the_truth);
    if (status == CC_FOUND) {
        CHECK_EQ(number_of(value), number);
        word_release(value);
    }
    return status;
}

static void put_number(cc_ordered *list, int64_t number) {
    CHECK_EQ(put_as(list, 0, number, word_new(number), CC_PUT_ALWAYS, NULL, tell_the_truth),
             CC_ABSENT);
}

static void remove_number(cc_ordered *list, int64_t number) {
    CHECK_EQ(remove_as(list, 0, number, NULL, tell_the_truth), CC_FOUND);
}

static cc_ordered *new_list(void) {
    cc_ordered *list = cc_ordered_new(&cc_skiplist_operations, &deciding_words);
    CHECK(list);
    return list;
}

static void end_list(cc_ordered *list) {
    check_at_rest(list);
    cc_ordered_free(list);
    CHECK_EQ(words_alive, 0);
}

/* Even numbers below 2n are there, all others are not. */
static void ask_for_all(cc_ordered *list, int64_t n) {
    for (int64_t i = -2; i < 2 * n + 2; i++) {
        bool is_there = i >= 0 && i < 2 * n && i % 2 == 0;
        CHECK_EQ(get_number(list, i), is_there ? CC_FOUND : CC_ABSENT);
        CHECK_EQ(get_as(list, 0, i, NULL, NULL), is_there ? CC_FOUND : CC_ABSENT);
        if (!is_there) {
            CHECK_EQ(remove_as(list, 0, i, NULL, NULL), CC_ABSENT);
        }
    }
}

static void test_no_search(void) {
    begin_test("no search for a key that is there, nor for one that is not");
    static const int64_t sizes[] = {0,  1,  2,  3,  4,  5,  6,  7,   8,   9,   10,  14,   15,  16,
                                    35, 36, 37, 38, 72, 73, 74, 144, 145, 146, 288, 1000, 5000};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        cc_ordered *list = new_list();
        for (int64_t i = 0; i < sizes[s]; i++) {
            put_number(list, 2 * i);
        }
        for (int round = 0; round < 2; round++) { /* after a clear it is the same */
            uint64_t before = searches();
            ask_for_all(list, sizes[s]);
            if (HAS_USUAL_SIZES) {
                CHECK_EQ(searches(), before);
            }
            CHECK_NULL(cc_ordered_check(list));
            CHECK_EQ(cc_ordered_clear(list), CC_FOUND);
            ask_for_all(list, 0);
            for (int64_t i = sizes[s]; i-- > 0;) {
                put_number(list, 2 * i);
            }
        }
        end_list(list);
    }
}

static void test_removal_searches_once(void) {
    begin_test("an insertion and a removal search once, and so does replacing what is not there");
    cc_ordered *list = new_list();
    for (int64_t i = 0; i < 1000; i++) {
        put_number(list, 2 * i);
    }
    uint64_t before = searches();
    put_number(list, 501);
    CHECK_EQ(searches(), before + 1);
    remove_number(list, 501);
    CHECK_EQ(replace_exact_as(list, 0, 501, 8, word_new(1), NULL), CC_ABSENT);
    CHECK_EQ(put_as(list, 0, 501, word_new(1), CC_PUT_IF_PRESENT, NULL, NULL), CC_ABSENT);
    if (HAS_USUAL_SIZES) {
        CHECK_EQ(searches(), before + 4);
    }
    end_list(list);
}

static void test_churn(void) {
    begin_test(
        "keys come and go for long: a miss still needs no search, and the index does not grow");
    enum { KEYS = 3000 };
    cc_ordered *list = new_list();
    for (int64_t i = 0; i < KEYS; i++) {
        put_number(list, 2 * i);
    }
    size_t bytes = cc_ordered_bytes(list);
    int64_t end = scaled(60 * KEYS);
    for (int64_t i = 0; i < end; i++) {
        remove_number(list, 2 * i);
        put_number(list, 2 * (i + KEYS));
        if (i % (5 * KEYS) == 0) {
            CHECK_NULL(cc_ordered_check(list));
        }
    }
    uint64_t before = searches();
    for (int64_t i = 2 * end; i < 2 * (end + KEYS); i++) {
        CHECK_EQ(get_number(list, i), i % 2 ? CC_ABSENT : CC_FOUND);
    }
    if (HAS_USUAL_SIZES) {
        CHECK_EQ(searches(), before);
    }
    cc_ordered_flush(list);
    CHECK(!HAS_USUAL_SIZES || cc_ordered_bytes(list) < bytes + bytes / 2);
    end_list(list);
}

static void test_unhashed(void) {
    begin_test("when a key without a hash has been put, a miss searches, and a hit does not");
    cc_ordered *list = new_list();
    for (int64_t i = 0; i < 100; i++) {
        put_number(list, 2 * i);
    }
    uint64_t before = searches();
    CHECK_EQ(get_number(list, 7), CC_ABSENT);
    if (HAS_USUAL_SIZES) {
        CHECK_EQ(searches(), before);
    }
    CHECK_EQ(put_as(list, 2, 7, word_new(7), CC_PUT_ALWAYS, NULL, tell_the_truth), CC_ABSENT);
    CHECK_EQ(get_number(list, 7), CC_FOUND); /* of kind 0, and it finds the one of kind 2 */
    before = searches();
    CHECK_EQ(get_number(list, 9), CC_ABSENT);
    CHECK_EQ(searches(), before + 1);
    CHECK_EQ(remove_as(list, 0, 7, NULL, tell_the_truth), CC_FOUND);
    CHECK_EQ(get_number(list, 7), CC_ABSENT);
    before = searches();
    CHECK_EQ(get_number(list, 8), CC_FOUND);
    if (HAS_USUAL_SIZES) {
        CHECK_EQ(searches(), before);
    }
    end_list(list);
}

/* ---------------------------------------------------------------- keys with one home */

static uint64_t one_hash(unsigned kind, uint64_t digest, uintptr_t key) {
    (void)kind, (void)key;
    return digest < 1000 ? UINT64_C(0x123456789abcdef1) : cc_mix(digest);
}

static const cc_word_table words_of_one_hash = {word_acquire, word_release, word_compare, one_hash,
                                                NULL,         NULL,         NULL};

static cc_search search_of_one_hash(int64_t number) {
    return (cc_search){.digest = (uint64_t)number, .hash = one_hash(0, (uint64_t)number, 0)};
}

static cc_status get_of_one_hash(cc_ordered *list, int64_t number) {
    cc_search s = search_of_one_hash(number);
    return cc_ordered_get(list, &s, NULL);
}

/* Hashes of one home in any table of 128 buckets, and of different ones in larger tables. */
static uint64_t hash_of_one_small_home(unsigned kind, uint64_t digest, uintptr_t key) {
    (void)kind, (void)key;
    return digest < 1000 ? digest << 11 | 0x51u : cc_mix(digest) | 1u;
}

static const cc_word_table words_of_one_small_home = {
    word_acquire, word_release, word_compare, hash_of_one_small_home, NULL, NULL, NULL};

static cc_search search_of_one_small_home(int64_t number) {
    return (cc_search){.digest = (uint64_t)number,
                       .hash = hash_of_one_small_home(0, (uint64_t)number, 0)};
}

static void put_of_one_small_home(cc_ordered *list, int64_t number) {
    cc_search s = search_of_one_small_home(number);
    CHECK_EQ(cc_ordered_put(list, &s, word_new(number), CC_PUT_ALWAYS, NULL), CC_ABSENT);
}

static uint64_t searches_for_misses(cc_ordered *list) {
    uint64_t before = searches();
    for (int64_t i = 500; i < 600; i++) {
        cc_search s = search_of_one_small_home(i);
        CHECK_EQ(cc_ordered_get(list, &s, NULL), CC_ABSENT);
    }
    return searches() - before;
}

static void test_room_is_made(void) {
    begin_test("in a table that is large enough to grow a key that finds no room is not lost");
    /* More than half of the slots of 128 buckets, and more than the probes of one home have. */
    enum { OTHERS = 404, OF_ONE_HOME = 102 };
    cc_ordered *list = cc_ordered_new(&cc_skiplist_operations, &words_of_one_small_home);
    CHECK(list);
    for (int64_t i = 0; i < OTHERS + OF_ONE_HOME; i++) {
        put_of_one_small_home(list, i < OTHERS ? 10000 + i : i - OTHERS);
    }
    uint64_t before = searches();
    for (int64_t i = 0; i < 1000; i++) {
        cc_search s = search_of_one_small_home(i);
        CHECK_EQ(cc_ordered_get(list, &s, NULL), i < OF_ONE_HOME ? CC_FOUND : CC_ABSENT);
    }
    if (HAS_USUAL_SIZES) {
        CHECK_EQ(searches(), before);
    }
    end_list(list);
}

static void test_healing(void) {
    begin_test("what has been lost is in the index again when the next table has room for it");
    enum { LOST = 102 };
    cc_ordered *list = cc_ordered_new(&cc_skiplist_operations, &words_of_one_small_home);
    CHECK(list);
    for (int64_t i = 0; i < 200; i++) { /* room for most of them, and no reason to grow */
        put_of_one_small_home(list, 10000 + i);
    }
    for (int64_t i = 0; i < LOST; i++) {
        put_of_one_small_home(list, i);
    }
    CHECK(!HAS_USUAL_SIZES || searches_for_misses(list) > 0);
    for (int64_t i = 200; i < 3000; i++) {
        put_of_one_small_home(list, 10000 + i);
        if (i % 100 == 0) {
            CHECK_NULL(cc_ordered_check(list));
        }
    }
    uint64_t before = searches();
    for (int64_t i = 0; i < LOST; i++) {
        cc_search s = search_of_one_small_home(i);
        CHECK_EQ(cc_ordered_get(list, &s, NULL), CC_FOUND);
    }
    CHECK(!HAS_USUAL_SIZES || (searches() == before && searches_for_misses(list) == 0));
    end_list(list);
}

static void test_lost_keys(void) {
    begin_test(
        "more keys with one hash than their buckets have room for: found, and absent when not");
    cc_ordered *list = cc_ordered_new(&cc_skiplist_operations, &words_of_one_hash);
    CHECK(list);
    for (int64_t i = 0; i < 300; i++) { /* by turns: one of those, and one as any other */
        cc_search s = search_of_one_hash(i), t = search_of_one_hash(10000 + i);
        CHECK_EQ(cc_ordered_put(list, &s, word_new(i), CC_PUT_ALWAYS, NULL), CC_ABSENT);
        CHECK_EQ(cc_ordered_put(list, &t, word_new(i), CC_PUT_ALWAYS, NULL), CC_ABSENT);
        CHECK_NULL(cc_ordered_check(list));
        for (int64_t k = 0; k <= i + 1; k++) {
            CHECK_EQ(get_of_one_hash(list, k), k <= i ? CC_FOUND : CC_ABSENT);
        }
    }
    uint64_t before = searches();
    CHECK_EQ(get_of_one_hash(list, 500), CC_ABSENT);
    CHECK_EQ(searches(), before + 1);
    int64_t without_search = 0;
    for (int64_t i = 0; i < 1000; i++) {
        before = searches();
        CHECK_EQ(get_of_one_hash(list, 20000 + i), CC_ABSENT);
        without_search += searches() == before;
    }
    if (HAS_USUAL_SIZES) {
        CHECK(without_search > 900); /* what is lost is so with its home alone */
    }
    for (int64_t i = 0; i < 300; i++) {
        cc_search s = search_of_one_hash(i);
        CHECK_EQ(cc_ordered_remove(list, &s, NULL), CC_FOUND);
        CHECK_EQ(get_of_one_hash(list, i), CC_ABSENT);
    }
    end_list(list);
}

/* ---------------------------------------------------------------- size */

static void test_shrinking(void) {
    begin_test("the index is smaller again when most entries have gone, however they went");
    enum { KEYS = 20000, LEFT = 20 };
    for (int way = 0; way < 3; way++) {
        cc_ordered *list = new_list();
        for (int64_t i = 0; i < LEFT; i++) {
            put_number(list, 2 * i);
        }
        size_t small = cc_ordered_bytes(list);
        for (int64_t i = LEFT; i < KEYS; i++) {
            put_number(list, 2 * i);
        }
        for (int64_t i = KEYS; way < 2 && i-- > LEFT;) {
            cc_entry e;
            if (way == 0) {
                remove_number(list, 2 * i);
            } else {
                CHECK_EQ(pop_as(list, CC_LAST, &e), CC_FOUND);
                release_entry(&e);
            }
        }
        if (way == 2) {
            CHECK_EQ(cc_ordered_clear(list), CC_FOUND);
        } else {
            ask_for_all(list, LEFT);
        }
        cc_ordered_flush(list);
        /* At most one in six slots may be empty before it shrinks, and copying may go on. */
        CHECK(!HAS_USUAL_SIZES || cc_ordered_bytes(list) < 4 * small + 40 * 64);
        end_list(list);
    }
}

static uint64_t tables_made(cc_ordered *list) {
    return cc_load_relaxed_u64(&((cc_skiplist *)list)->tables);
}

static void test_expected(void) {
    begin_test(
        "entries that are expected find a table of their size, which goes if they do not come");
    enum { KEYS = 3000 };
    cc_ordered *list = new_list();
    size_t empty = cc_ordered_bytes(list);
    for (int round = 0; round < 2; round++) {
        uint64_t before = tables_made(list);
        cc_ordered_expect(list, KEYS);
        CHECK_EQ(tables_made(list), before + 1);
        CHECK(cc_ordered_bytes(list) >= empty + KEYS * sizeof(index_bucket) / INDEX_SLOTS);
        for (int64_t i = 0; i < KEYS * round; i++) {
            put_number(list, 2 * i);
        }
        CHECK(!HAS_USUAL_SIZES || tables_made(list) == before + 1);
        cc_ordered_expect(list, 0);
        CHECK(!HAS_USUAL_SIZES || tables_made(list) == before + (round ? 1 : 2));
        ask_for_all(list, KEYS * round);
        cc_ordered_flush(list);
        CHECK(round || cc_ordered_bytes(list) < empty + 1000);
    }
    cc_alloc_fail_from(0); /* more than there are references, and no memory: nothing happens */
    cc_ordered_expect(list, SIZE_MAX);
    cc_alloc_fail_from(-1);
    cc_ordered_expect(list, 0);
    ask_for_all(list, KEYS);
    end_list(list);
}

/* ---------------------------------------------------------------- memory */

/* Every allocation from the n-th on fails, for some insertions; then there is memory again. */
static void test_growth_without_memory(void) {
    begin_test("memory runs out at every allocation of a growing list: all answers stay right");
    int64_t failed = 0;
    for (int64_t n = 0; n < scaled(400); n++) {
        cc_ordered *list = new_list();
        for (int64_t i = 0; i < n % 40; i++) {
            put_number(list, 2 * i);
        }
        cc_thread *self = cc_thread_self();
        while (self->spare_count) {
            cc_free(cc_take_spare(self));
        }
        int64_t put = n % 40;
        cc_alloc_fail_from(n / 4);
        for (; put < 150; put++) {
            uintptr_t value = word_new(2 * put);
            cc_search s = {.digest = (uint64_t)(2 * put),
                           .hash = word_hash(0, (uint64_t)(2 * put), 0)};
            cc_status status = cc_ordered_put(list, &s, value, CC_PUT_ALWAYS, NULL);
            if (status == CC_NO_MEMORY) {
                word_release(value);
                failed++;
                break;
            }
            CHECK_EQ(status, CC_ABSENT);
        }
        cc_alloc_fail_from(-1);
        check_at_rest(list);
        ask_for_all(list, put);
        for (; put < 200; put++) {
            put_number(list, 2 * put);
        }
        ask_for_all(list, put);
        end_list(list);
    }
    CHECK(failed > 0);
}

/* The tables alone: nodes are small, and there is memory for them. */
#define NODES 3000
static void test_no_larger_table(void) {
    begin_test("a table that cannot grow fills up, and the list goes on");
    cc_ordered *list = new_list();
    cc_search s;
    for (int64_t i = 0; i < 30; i++) {
        put_number(list, 2 * i);
    }
    for (int64_t i = 30; i < 600; i++) {
        /* Until the put has what it needs, and no further. */
        uintptr_t value = word_new(2 * i);
        cc_status status = CC_NO_MEMORY;
        for (int64_t allocations = 0; status == CC_NO_MEMORY; allocations++) {
            s = (cc_search){.digest = (uint64_t)(2 * i),
                            .hash = word_hash(0, (uint64_t)(2 * i), 0)};
            cc_alloc_fail_from(allocations);
            status = cc_ordered_put(list, &s, value, CC_PUT_ALWAYS, NULL);
            cc_alloc_fail_from(-1);
        }
        CHECK_EQ(status, CC_ABSENT);
        CHECK_NULL(cc_ordered_check(list));
    }
    ask_for_all(list, 600);
    for (int64_t i = 600; i < NODES; i++) {
        put_number(list, 2 * i);
    }
    uint64_t before = searches();
    for (int64_t i = 0; i < 4 * NODES; i++) {
        CHECK_EQ(get_number(list, i), i < 2 * NODES && i % 2 == 0 ? CC_FOUND : CC_ABSENT);
    }
    if (HAS_USUAL_SIZES) {
        CHECK_EQ(searches(),
                 before); /* there was memory again: what had been lost is not any more */
    }
    ask_for_all(list, NODES);
    end_list(list);
}

/* ---------------------------------------------------------------- threads */

enum { WRITERS = 3 };

typedef struct growing {
    cc_ordered *list;
    int64_t keys; /* of each writer */
    _Atomic int64_t put[WRITERS], removed[WRITERS];
    _Atomic int writers_left;
    _Atomic int64_t forks;
} growing;

/* Writer w has the numbers that are w modulo WRITERS. */
static void grow_and_ask(int index, void *argument) {
    growing *g = argument;
    if (index < WRITERS) {
        for (int64_t i = 0; i < g->keys; i++) {
            put_number(g->list, i * WRITERS + index);
            atomic_store(&g->put[index], i + 1);
        }
        for (int64_t i = 0; i < g->keys; i++) {
            atomic_store(&g->removed[index], i + 1);
            remove_number(g->list, i * WRITERS + index);
            CHECK_EQ(get_number(g->list, i * WRITERS + index), CC_ABSENT);
        }
        atomic_fetch_sub(&g->writers_left, 1);
        return;
    }
    rng r = rng_from((uint64_t)index);
    while (atomic_load(&g->writers_left)) {
        int w = (int)rng_below(&r, WRITERS);
        int64_t put = atomic_load(&g->put[w]);
        if (put) {
            int64_t i = rng_below(&r, put);
            cc_status status = get_number(g->list, i * WRITERS + w);
            if (i >= atomic_load(&g->removed[w])) { /* nobody has begun to remove it */
                CHECK_EQ(status, CC_FOUND);
            }
        }
        CHECK_EQ(get_number(g->list, g->keys * WRITERS + rng_below(&r, 1000)), CC_ABSENT);
    }
}

static void test_growth_by_threads(void) {
    begin_test(
        "what has been put is found, what never was is not, while the index grows and shrinks");
    for (int64_t round = 0; round < scaled(8); round++) {
        growing g = {.list = new_list(), .keys = round % 2 ? 3000 : 100, .writers_left = WRITERS};
        run_threads(WRITERS + 2, grow_and_ask, &g);
        CHECK_EQ(cc_ordered_length(g.list), 0);
        end_list(g.list);
    }
}

/* Everybody has keys of their own: so all answers are known. The first one's lose their places, and
 * get them back while the others have the index grow and shrink. */
static void lose_and_heal(int index, void *argument) {
    growing *g = argument;
    int64_t first = index ? 10000 * index : 0, count = index ? 700 : 150;
    for (int64_t round = 0; round < g->keys; round++) {
        for (int64_t i = first; i < first + count; i++) {
            put_of_one_small_home(g->list, i);
        }
        for (int64_t i = first; i < first + count; i++) {
            cc_search s = search_of_one_small_home(i);
            CHECK_EQ(cc_ordered_get(g->list, &s, NULL), CC_FOUND);
        }
        for (int64_t i = first; i < first + count; i++) {
            cc_search s = search_of_one_small_home(i), t = s;
            CHECK_EQ(cc_ordered_remove(g->list, &s, NULL), CC_FOUND);
            CHECK_EQ(cc_ordered_get(g->list, &t, NULL), CC_ABSENT);
        }
    }
}

static void test_healing_beside_others(void) {
    begin_test("keys are lost and come back while others change the list: all answers are right");
    growing g = {.list = cc_ordered_new(&cc_skiplist_operations, &words_of_one_small_home),
                 .keys = scaled(60)};
    CHECK(g.list);
    run_threads(WRITERS, lose_and_heal, &g);
    CHECK_EQ(cc_ordered_length(g.list), 0);
    end_list(g.list);
}

static void only_put(int index, void *argument) {
    growing *g = argument;
    for (int64_t i = 0; i < g->keys; i++) {
        put_number(g->list, i * WRITERS + index);
    }
}

static void test_growth_loses_nothing(void) {
    begin_test("threads that insert fast lose no key: all are found without a search");
    growing g = {.list = new_list(), .keys = scaled(20000)};
    run_threads(WRITERS, only_put, &g);
    uint64_t before = searches();
    for (int64_t i = 0; i < 2 * g.keys * WRITERS; i++) {
        CHECK_EQ(get_number(g.list, i), i < g.keys * WRITERS ? CC_FOUND : CC_ABSENT);
    }
    if (HAS_USUAL_SIZES) {
        CHECK_EQ(searches(), before);
    }
    end_list(g.list);
}

/* ---------------------------------------------------------------- fork */

/* In the child: what was put is there, without a search, and stays while the growth that others had
 * begun is brought to its end. */
static void look_after_fork(const growing *g) {
    const int64_t first = 2 * g->keys * WRITERS;
    int64_t put[WRITERS], more = (int64_t)cc_ordered_length(g->list) + 100;
    alarm(120);
    for (int w = 0; w < WRITERS; w++) {
        put[w] = atomic_load(&g->put[w]);
    }
    for (int round = 0; round < 2; round++) {
        uint64_t before = searches();
        for (int w = 0; w < WRITERS; w++) {
            for (int64_t i = 0; i < put[w]; i++) {
                CHECK_EQ(get_number(g->list, i * WRITERS + w), CC_FOUND);
                CHECK_EQ(get_number(g->list, first - 1 - i), CC_ABSENT);
            }
        }
        CHECK(!HAS_USUAL_SIZES || searches() == before);
        for (int64_t i = 0; i < more && round == 0; i++) {
            put_number(g->list, first + i);
        }
    }
    _exit(0);
}

enum { PUTS_PER_FORK = 500 };

static void put_and_fork(int index, void *argument) {
    growing *g = argument;
    int64_t forks = g->keys / PUTS_PER_FORK;
    for (int64_t i = 0; index < WRITERS && i < g->keys; i++) {
        while (i > (atomic_load(&g->forks) + 1) * PUTS_PER_FORK) {
            sched_yield();
        }
        put_number(g->list, i * WRITERS + index);
        atomic_store(&g->put[index], i + 1);
    }
    for (int64_t i = 0; index == WRITERS && i < forks; i++) {
        fflush(NULL);
        pid_t child = fork();
        if (child == 0) {
            look_after_fork(g);
        }
        int status;
        CHECK(child > 0 && waitpid(child, &status, 0) == child);
        CHECK_EQ(status, 0);
        atomic_store(&g->forks, i + 1);
    }
}

static void test_fork_in_growth(void) {
    begin_test("fork while others are in the middle of growth: the child has all, and ends it");
    if (CHECK_SANITIZED) {
        printf("    skipped: a sanitizer does not hold its allocator's locks across fork()\n");
        return;
    }
    growing g = {.list = new_list(), .keys = scaled(12) * PUTS_PER_FORK};
    run_threads(WRITERS + 1, put_and_fork, &g);
    end_list(g.list);
    begin_test("fork between any two puts");
    growing one = {.list = new_list(), .keys = scaled(80)};
    for (int64_t i = 0; i < one.keys; i++) {
        put_number(one.list, i * WRITERS);
        atomic_store(&one.put[0], i + 1);
        fflush(NULL);
        pid_t child = fork();
        if (child == 0) {
            look_after_fork(&one);
        }
        int status;
        CHECK(child > 0 && waitpid(child, &status, 0) == child);
        CHECK_EQ(status, 0);
    }
    end_list(one.list);
}

static void clear_beside_puts(int index, void *argument) {
    growing *g = argument;
    for (int64_t i = 0; i < g->keys; i++) {
        int64_t number = i * WRITERS + index;
        if (index == 0) {
            CHECK_EQ(cc_ordered_clear(g->list), CC_FOUND);
        } else {
            put_number(g->list, number);
            get_as(g->list, 0, number, NULL, NULL);
            if (remove_as(g->list, 0, number, NULL, NULL) == CC_ABSENT) {
                CHECK_EQ(get_number(g->list, number), CC_ABSENT); /* cleared: it stays away */
            }
            if (i % 2) {
                put_number(g->list, number);
            }
        }
    }
}

static void test_clear_beside_puts(void) {
    begin_test("clears beside puts: the index has what is left, and nothing else");
    growing g = {.list = new_list(), .keys = scaled(3000)};
    run_threads(WRITERS, clear_beside_puts, &g);
    check_at_rest(g.list);
    size_t found = 0;
    for (int64_t i = 0; i < g.keys * WRITERS; i++) {
        found += get_number(g.list, i) == CC_FOUND;
    }
    CHECK_EQ(found, cc_ordered_length(g.list));
    end_list(g.list);
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    use_scheme_of_the_environment();
    if (!IS_YIELDING) {
        test_no_search();
        test_removal_searches_once();
        test_churn();
        test_unhashed();
        test_room_is_made();
        test_lost_keys();
        test_healing();
        test_shrinking();
        test_expected();
        test_growth_without_memory();
        test_no_larger_table();
    }
    test_growth_by_threads();
    test_growth_loses_nothing();
    test_healing_beside_others();
    test_clear_beside_puts();
    test_fork_in_growth();
    printf("passed\n");
    return 0;
}
