/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Ordered containers that are filled with what comes in order (cc_ordered_append), as the object
 * layer does it: what cannot be appended is put. Beside a sorted array; without memory; while others
 * insert and remove.
 */
#include "memory/cc_alloc.h"
#include "ordered_kinds.h"
#include "scheme.h"
#include "words.h"

#define HAS_USUAL_SIZES (!CC_SMALL_SIZES)

extern _Atomic uint64_t cc_skiplist_searches;

static uint64_t searches(void) {
    return atomic_load_explicit(&cc_skiplist_searches, memory_order_relaxed);
}

/* ---------------------------------------------------------------- filling */

typedef struct numbered {
    int64_t number;
    unsigned kind;
} numbered;

enum { MOST = 1000 };

static cc_new_entry entry_of(numbered n) {
    uint64_t digest = digest_for(n.kind, n.number);
    uintptr_t key = n.kind == 0 ? 0 : word_new(n.number);
    return (cc_new_entry){.digest = digest,
                          .hash = word_hash(n.kind, digest, key),
                          .key = key,
                          .value = word_new(n.number),
                          .kind = (uint8_t)n.kind};
}

/* Returns how many have been appended. `room` at a time. */
static size_t fill(cc_ordered *list, const numbered *numbers, size_t count, size_t room,
                   teller tell) {
    cc_new_entry entries[MOST];
    size_t appended = 0;
    for (size_t i = 0; i < count;) {
        size_t wanted = count - i < room ? count - i : room, run = 0;
        for (size_t k = 0; k < wanted; k++) {
            entries[k] = entry_of(numbers[i + k]);
        }
        size_t put = cc_ordered_append(list, entries, wanted, &run);
        CHECK(run >= 1 && run <= wanted && put <= run);
        for (size_t k = put; k < wanted; k++) { /* their words are still ours */
            word_release(entries[k].value);
            if (entries[k].key) {
                word_release(entries[k].key);
            }
        }
        for (size_t k = 0; !put && k < run; k++) {
            numbered n = numbers[i + k];
            put_as(list, n.kind, n.number, word_new(n.number), CC_PUT_ALWAYS, NULL, tell);
        }
        appended += put;
        i += put ? put : run;
    }
    return appended;
}

static int by_number(const void *a, const void *b) {
    return sign_of(((const numbered *)a)->number, ((const numbered *)b)->number);
}

/* It has these and no others, each with the value that belongs to it, and finds them. */
static void check_contents(cc_ordered *list, const numbered *numbers, size_t count, teller tell) {
    static numbered sorted[MOST];
    static cc_entry entries[MOST + 1];
    memcpy(sorted, numbers, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, by_number);
    size_t found = 0, n = 0;
    cc_entry last = {0};
    for (bool more = true; more; more = n > 0) {
        if (found) {
            n = scan_as(list, true, last.kind, sorted[found - 1].number, CC_SCAN_EXCLUSIVE, entries,
                        MOST, tell);
        } else {
            CHECK_EQ(cc_ordered_scan_up(list, NULL, 0, entries, MOST, &n), CC_FOUND);
        }
        for (size_t i = 0; i < n; i++) {
            while (found && found < count && sorted[found].number == sorted[found - 1].number) {
                memmove(&sorted[found], &sorted[found + 1], (--count - found) * sizeof *sorted);
            }
            CHECK(found < count);
            CHECK_EQ(number_of_key(entries[i].kind, entries[i].digest, entries[i].key),
                     sorted[found].number);
            CHECK_EQ(number_of(entries[i].value), sorted[found].number);
            last = entries[i];
            release_entry(&entries[i]);
            found++;
        }
    }
    while (found && found < count && sorted[found].number == sorted[found - 1].number) {
        count--;
        memmove(&sorted[found], &sorted[found + 1], (count - found) * sizeof *sorted);
    }
    CHECK_EQ(found, count);
    CHECK_EQ(cc_ordered_length(list), count);
    for (size_t i = 0; i < count; i++) {
        uintptr_t value;
        CHECK_EQ(get_as(list, sorted[i].kind, sorted[i].number, &value, tell), CC_FOUND);
        CHECK_EQ(number_of(value), sorted[i].number);
        word_release(value);
        CHECK_EQ(
            get_as(list, sorted[i].kind, sorted[i].number + 1, NULL, tell),
            i + 1 < count && sorted[i + 1].number == sorted[i].number + 1 ? CC_FOUND : CC_ABSENT);
    }
}

/* ---------------------------------------------------------------- orders */

typedef enum order { ASCENDING, DESCENDING, NEARLY, TWICE, SHUFFLED, ORDERS } order;

static void make_numbers(numbered *numbers, int64_t count, order o, unsigned first_kind,
                         unsigned kinds) {
    rng r = rng_from((uint64_t)count);
    for (int64_t i = 0; i < count; i++) {
        int64_t number = o == DESCENDING ? count - i : o == TWICE ? i / 2 : i;
        numbers[i] = (numbered){2 * number, first_kind + (unsigned)rng_below(&r, kinds)};
    }
    for (int64_t i = 1; i < count; i++) {
        int64_t other = o == SHUFFLED ? rng_below(&r, i + 1) : i - 1;
        if (o == SHUFFLED || (o == NEARLY && i % 10 == 0)) {
            numbered swapped = numbers[i];
            numbers[i] = numbers[other];
            numbers[other] = swapped;
        }
    }
}

static void test_orders(void) {
    begin_test("what comes in any order, in a list that is empty, or has smaller or larger keys");
    static const int64_t sizes[] = {1,  2,  3,  7,  8,   9,   15,  16, 17,
                                    63, 64, 65, 66, 127, 128, 129, 500};
    static numbered numbers[MOST];
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        for (order o = 0; o < ORDERS; o++) {
            for (unsigned kinds = 0; kinds < 4; kinds++) {
                for (int64_t before = -1; before < 3; before++) {
                    bool is_decided = (s + o) % 4;
                    if (tested_kind->percent < 100 && (s + kinds + (size_t)(before + 1)) % 3) {
                        continue;
                    }
                    if (!is_decided && tested_kind->can_be_a_path && sizes[s] > 70) {
                        continue; /* as many questions for each operation as there are entries */
                    }
                    cc_ordered *list = ordered_of(is_decided ? &deciding_words : &undecided_words);
                    make_numbers(numbers, sizes[s], o, kinds % 3, kinds == 3 ? 3 : 1);
                    size_t count = (size_t)sizes[s];
                    if (before >= 0) { /* smaller than all, in the middle, larger than all */
                        for (size_t i = 0; before == 0 && i < count; i++) {
                            numbers[i].number += 2;
                        }
                        int64_t number = before == 0 ? 0 : before == 1 ? sizes[s] | 1 : 4000;
                        numbers[count] = (numbered){number, kinds % 3};
                        fill(list, &numbers[count], 1, 1, tell_the_truth);
                    }
                    size_t appended = fill(list, numbers, count, 1 + s * 5, tell_the_truth);
                    CHECK(before < 2 || appended == 0);
                    CHECK(!HAS_USUAL_SIZES || o != ASCENDING || before > 0 || kinds > 1 ||
                          s * 5 < 8 || !is_decided || appended + 8 > count);
                    check_contents(list, numbers, count + (before >= 0), tell_the_truth);
                    check_at_rest(list);
                    cc_ordered_free(list);
                    CHECK_EQ(words_alive, 0);
                }
            }
        }
    }
}

/* A tower that is missing would cost later searches dearly: as many on each level as after puts. */
static void test_no_search(void) {
    begin_test("a run that ascends behind the last key costs a search or two");
    static numbered numbers[MOST];
    cc_ordered *list = ordered_of(&deciding_words);
    make_numbers(numbers, MOST, ASCENDING, 1, 1);
    uint64_t before = searches();
    size_t appended = fill(list, numbers, MOST, MOST, tell_the_truth);
    CHECK(appended + 1 >= MOST); /* one that is left over is shorter than any chain of odd sizes */
    if (HAS_USUAL_SIZES) {
        CHECK_EQ(appended, MOST);
        CHECK(searches() - before < 2 * MOST / 64 + 10);
    }
    check_contents(list, numbers, MOST, tell_the_truth);
    for (size_t i = 0; i < MOST; i += 2) {
        CHECK_EQ(remove_as(list, 1, numbers[i].number, NULL, tell_the_truth), CC_FOUND);
    }
    check_at_rest(list);
    cc_ordered_free(list);
    CHECK_EQ(words_alive, 0);
}

/* ---------------------------------------------------------------- without memory */

static void test_no_memory(void) {
    begin_test("memory runs out at every allocation of an append: what is there is in order");
    static numbered numbers[MOST];
    enum { N = 150 };
    make_numbers(numbers, N, ASCENDING, 1, 1);
    bool failed = true;
    for (int64_t n = 0; failed; n++) {
        cc_ordered *list = ordered_of(&deciding_words);
        cc_new_entry entries[N];
        for (int i = 0; i < N; i++) {
            entries[i] = entry_of(numbers[i]);
        }
        size_t run, put = 0, more = 1;
        cc_alloc_fail_from(n);
        while (put < N && more) {
            more = cc_ordered_append(list, entries + put, N - put, &run);
            put += more;
        }
        cc_alloc_fail_from(-1);
        failed = put < N;
        for (size_t i = put; i < N; i++) {
            word_release(entries[i].value);
            word_release(entries[i].key);
        }
        check_contents(list, numbers, put, tell_the_truth);
        check_at_rest(list);
        cc_ordered_free(list);
        CHECK_EQ(words_alive, 0);
    }
}

/* ---------------------------------------------------------------- beside others */

typedef struct race {
    cc_ordered *list;
    _Atomic int64_t next; /* the next number that nobody has */
    _Atomic int64_t put, removed;
    int appenders;
} race;

/* Some append runs with gaps, some put into the gaps and behind the end, some remove. */
static void run_race(int index, void *argument) {
    race *a = argument;
    rng r = rng_from((uint64_t)index);
    int64_t put = 0, removed = 0;
    int64_t rounds = scaled(tested_kind->can_be_a_path ? 150 : 600);
    static _Thread_local numbered numbers[MOST];
    for (int64_t i = 0; i < rounds; i++) {
        if (index < a->appenders) {
            size_t count = 1 + (size_t)rng_below(&r, 90);
            int64_t first = atomic_fetch_add(&a->next, 4 * (int64_t)count);
            for (size_t k = 0; k < count; k++) {
                numbers[k] = (numbered){first + 4 * (int64_t)k, 1};
            }
            fill(a->list, numbers, count, count, tell_the_truth);
            put += (int64_t)count;
        } else {
            for (int k = 0; k < 20; k++) {
                cc_entry e;
                uintptr_t old = 0;
                int64_t end = atomic_load(&a->next);
                switch (rng_below(&r, 4)) {
                case 0: {
                    int64_t number = 2 + 4 * (end / 4 - rng_below(&r, 100) + 5);
                    put += number > 0 && put_as(a->list, 1, number, word_new(number), CC_PUT_ALWAYS,
                                                NULL, tell_the_truth) == CC_ABSENT;
                    break;
                }
                case 1:
                    if (remove_as(a->list, 1, 4 * (end / 4 - rng_below(&r, 100)), &old,
                                  tell_the_truth) == CC_FOUND) {
                        word_take(old);
                        word_release(old);
                        removed++;
                    }
                    break;
                default:
                    if (pop_as(a->list, rng_below(&r, 3) ? CC_LAST : CC_FIRST, &e) == CC_FOUND) {
                        CHECK_EQ(number_of(e.key), number_of(e.value));
                        word_take(e.value);
                        release_entry(&e);
                        removed++;
                    }
                }
            }
        }
    }
    atomic_fetch_add(&a->put, put);
    atomic_fetch_add(&a->removed, removed);
}

static void test_race(int appenders, int others) {
    begin_test("appending while others do, and insert, remove and pop at the same end");
    race a = {.list = ordered_of(&deciding_words), .next = 400, .appenders = appenders};
    run_threads(appenders + others, run_race, &a);
    CHECK_EQ(cc_ordered_length(a.list), a.put - a.removed);
    check_at_rest(a.list);
    cc_ordered_free(a.list);
    CHECK_EQ(words_alive, 0);
}

/* An order of the owner's: by number, downwards; kind 1 has equal digests. */
static const int downwards = -1;

static int compare_downwards(const cc_search *s, unsigned kind, uint64_t digest, uintptr_t key) {
    CHECK(s->order == &downwards);
    return -word_compare(s, kind, digest, key);
}

static void test_the_owner_s_order(void) {
    static const cc_word_table words = {
        word_acquire, word_release, compare_downwards, word_hash, NULL, NULL, NULL};
    begin_test("a map has one order for life, and appends by it");
    cc_ordered *list = ordered_of(&words);
    CHECK_EQ(cc_ordered_order(list), 0);
    CHECK_EQ(cc_ordered_set_order(list, (uintptr_t)&downwards), (uintptr_t)&downwards);
    CHECK_EQ(cc_ordered_set_order(list, (uintptr_t)list), (uintptr_t)&downwards);
    CHECK_EQ(cc_ordered_order(list), (uintptr_t)&downwards);
    cc_new_entry entries[20];
    for (unsigned i = 0; i < 20; i++) {
        entries[i] = entry_of((numbered){.number = -(int64_t)i, .kind = 1});
        entries[i].digest = 0;
    }
    size_t put = 0;
    for (size_t end = 10; end <= 20; end += 10) { /* first to nothing, then behind an entry */
        size_t run = 0;
        put += cc_ordered_append(list, entries + put, end - put, &run);
        CHECK(run > 1 || !HAS_USUAL_SIZES); /* they ascend in it */
        CHECK(put == end || !HAS_USUAL_SIZES);
    }
    for (size_t i = put; i < 20; i++) {
        word_release(entries[i].key);
        word_release(entries[i].value);
    }
    cc_ordered_free(list);
    CHECK_EQ(words_alive, 0);
}

static void test_kind(void) {
    if (!IS_YIELDING) {
        test_the_owner_s_order();
        test_orders();
        test_no_search();
        test_no_memory();
    }
    test_race(1, 1);
    test_race(2, 0);
    test_race(3, 3);
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    use_scheme_of_the_environment();
    for_every_ordered_kind(test_kind);
    printf("passed\n");
    return 0;
}
