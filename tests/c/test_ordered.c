/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Ordered containers in one thread: every function of ordered.h against a sorted array, with keys
 * of three kinds (words.h), and comparisons that the caller has to make. Words are counted: each
 * that went in comes out exactly once. What goes wrong outside of the container:
 * test_ordered_faults.c.
 */
#include "ordered_model.h"
#include "scheme.h"

static void against_the_model(const profile *p) {
    begin_test(p->name);
    static model m;
    m.count = 0;
    rng r = rng_from((uint64_t)p->range);
    cc_ordered *list = ordered_of(p->words);
    CHECK(list);
    int64_t operations = scaled(p->operations);
    for (int64_t i = 0; i < operations; i++) {
        one_random_operation(list, &m, p, &r);
        if (i % 1024 == 0 || i == operations - 1) {
            check_at_rest(list);
            CHECK_EQ(cc_ordered_length(list), m.count);
            check_whole(list, &m, 1 + (size_t)rng_below(&r, 64), p->tell);
        }
    }
    /* Half of what is left goes by hand, the rest with the list. */
    for (int i = m.count; i > m.count / 2; i--) {
        CHECK_EQ(remove_as(list, m.kind[i - 1], m.number[i - 1], NULL, p->tell), CC_FOUND);
    }
    check_at_rest(list);
    cc_ordered_free(list);
    CHECK_EQ(words_alive, 0);
}

/* ---------------------------------------------------------------- corners */

static void test_empty(void) {
    begin_test("an empty list: nothing is found, nothing breaks");
    cc_ordered *list = ordered_of(&deciding_words);
    uintptr_t value;
    cc_entry e;
    size_t n = 77;
    CHECK_EQ(get_as(list, 0, 5, &value, NULL), CC_ABSENT);
    CHECK_EQ(remove_as(list, 1, 5, NULL, NULL), CC_ABSENT);
    CHECK_EQ(pop_as(list, CC_FIRST, &e), CC_ABSENT);
    CHECK_EQ(pop_as(list, CC_LAST, &e), CC_ABSENT);
    CHECK_EQ(replace_exact_as(list, 0, 5, 16, word_new(1), NULL), CC_ABSENT);
    CHECK_EQ(remove_exact_as(list, 0, 5, 16, NULL), CC_ABSENT);
    CHECK_EQ(put_as(list, 1, 5, word_new(1), CC_PUT_IF_PRESENT, NULL, NULL), CC_ABSENT);
    for (int relation = CC_FIRST; relation <= CC_HIGHER; relation++) {
        CHECK_EQ(neighbour_as(list, 0, 5, (cc_relation)relation, &e, NULL), CC_ABSENT);
    }
    CHECK_EQ(cc_ordered_scan_up(list, NULL, false, &e, 1, &n), CC_FOUND);
    CHECK_EQ(n, 0);
    n = 77;
    CHECK_EQ(cc_ordered_scan_down(list, NULL, false, &e, 1, &n), CC_FOUND);
    CHECK_EQ(n, 0);
    CHECK_EQ(cc_ordered_length(list), 0);
    CHECK(cc_ordered_bytes(list) > 0);
    check_at_rest(list);
    cc_ordered_free(list);
    cc_ordered_free(NULL);
    CHECK_EQ(words_alive, 0);
}

static void test_no_room(void) {
    begin_test("scans with room for nothing return nothing");
    cc_ordered *list = ordered_of(&deciding_words);
    cc_entry e;
    size_t n;
    for (int filled = 0; filled < 2; filled++) {
        for (int exclusive = 0; exclusive < 2; exclusive++) {
            n = 77;
            CHECK_EQ(cc_ordered_scan_up(list, NULL, exclusive, &e, 0, &n), CC_FOUND);
            CHECK_EQ(n, 0);
            n = 77;
            CHECK_EQ(cc_ordered_scan_down(list, NULL, exclusive, &e, 0, &n), CC_FOUND);
            CHECK_EQ(n, 0);
            CHECK_EQ(scan_as(list, true, 0, 5, exclusive, &e, 0, NULL), 0);
            CHECK_EQ(scan_as(list, false, 0, 5, exclusive, &e, 0, NULL), 0);
        }
        put_as(list, 0, 5, word_new(1), CC_PUT_ALWAYS, NULL, NULL);
    }
    cc_ordered_free(list);
    CHECK_EQ(words_alive, 0);
}

static void test_scan_without_values(void) {
    begin_test("a scan without values finds the same keys, and touches no value");
    cc_ordered *list = ordered_of(&deciding_words);
    enum { N = 500 };
    static uintptr_t values[N];
    static cc_entry entries[N];
    for (int64_t i = 0; i < N; i++) {
        values[i] = word_new(i);
        put_as(list, 1, i, values[i], CC_PUT_ALWAYS, NULL, NULL);
    }
    for (int up = 0; up < 2; up++) {
        size_t seen = 0, n;
        for (bool exclusive = false; seen < N; exclusive = true) {
            int64_t from = up ? (int64_t)seen - exclusive : (int64_t)(N - 1 - seen) + exclusive;
            n = scan_as(list, up, 1, from, exclusive | CC_SCAN_WITHOUT_VALUES, entries, N,
                        tell_the_truth);
            CHECK(n > 0);
            for (size_t i = 0; i < n; i++, seen++) {
                CHECK_EQ(number_of(entries[i].key), (int64_t)(up ? seen : N - 1 - seen));
                CHECK_EQ(entries[i].value, 0);
                word_release(entries[i].key);
            }
        }
        CHECK_EQ(seen, N);
    }
    for (int64_t i = 0; i < N; i++) {
        CHECK_EQ(atomic_load(&counted_of(values[i])->references), 1);
        /* A dead one is left out, although nobody looks at it. */
        if (i % 3) {
            CHECK_EQ(remove_as(list, 1, i, NULL, tell_the_truth), CC_FOUND);
        }
    }
    size_t n = scan_as(list, true, 1, 0, CC_SCAN_WITHOUT_VALUES, entries, N, tell_the_truth);
    CHECK(n > 0);
    for (size_t i = 0; i < n; i++) {
        CHECK_EQ(number_of(entries[i].key), (int64_t)(3 * i));
        word_release(entries[i].key);
    }
    check_at_rest(list);
    cc_ordered_free(list);
    CHECK_EQ(words_alive, 0);
}

static void test_long_scan_down(void) {
    begin_test("more entries than one call of scan_down hands out, or one region visits");
    cc_ordered *list = ordered_of(&deciding_words);
    enum { N = 6000 };
    for (int64_t i = 0; i < N; i++) {
        int64_t k = tested_kind->can_be_a_path ? i * 389 % N : i; /* a prime */
        put_as(list, 0, k, word_new(k), CC_PUT_ALWAYS, NULL, NULL);
    }
    static cc_entry entries[N];
    int64_t expected = N;
    size_t n;
    CHECK_EQ(cc_ordered_scan_down(list, NULL, false, entries, N, &n), CC_FOUND);
    while (n) {
        for (size_t i = 0; i < n; i++) {
            CHECK_EQ(entries[i].digest, --expected);
            release_entry(&entries[i]);
        }
        n = scan_as(list, false, 0, expected, true, entries, N, NULL);
    }
    CHECK_EQ(expected, 0);
    int64_t up = 0;
    CHECK_EQ(cc_ordered_scan_up(list, NULL, false, entries, N, &n), CC_FOUND);
    while (n) {
        for (size_t i = 0; i < n; i++) {
            CHECK_EQ(entries[i].digest, up++);
            release_entry(&entries[i]);
        }
        n = scan_as(list, true, 0, up, false, entries, N, NULL);
    }
    CHECK_EQ(up, N);
    check_at_rest(list);
    cc_ordered_free(list);
    CHECK_EQ(words_alive, 0);
}

static void test_equal_keys_of_other_kinds(void) {
    begin_test(
        "5 of one kind is 5 of another: found by either, by the index or not; the first one stays");
    cc_ordered *list = ordered_of(&deciding_words);
    for (int64_t i = 0; i < 500; i++) { /* enough for several tables of the index */
        put_as(list, (unsigned)(i % KEY_KINDS), i, word_new(i), CC_PUT_ALWAYS, NULL, NULL);
    }
    for (int round = 0; round < 3; round++) {
        for (int64_t i = 0; i < 500; i++) {
            for (unsigned kind = 0; kind < KEY_KINDS; kind++) {
                uintptr_t value;
                CHECK_EQ(get_as(list, kind, i, &value, NULL), CC_FOUND);
                CHECK_EQ(number_of(value), i);
                word_release(value);
            }
        }
    }
    for (int64_t i = 0; i < 500; i++) {
        cc_entry e;
        uintptr_t old;
        CHECK_EQ(put_as(list, (unsigned)((i + 1) % KEY_KINDS), i, word_new(-i), CC_PUT_ALWAYS, &old,
                        NULL),
                 CC_FOUND);
        CHECK_EQ(number_of(old), i);
        word_release(old);
        CHECK_EQ(neighbour_as(list, (unsigned)((i + 2) % KEY_KINDS), i, CC_FLOOR, &e, NULL),
                 CC_FOUND);
        CHECK_EQ(e.kind, i % KEY_KINDS);
        CHECK_EQ(number_of(e.value), -i);
        release_entry(&e);
    }
    for (int64_t i = 0; i < 500; i++) {
        CHECK_EQ(remove_as(list, (unsigned)((i + 2) % KEY_KINDS), i, NULL, NULL), CC_FOUND);
        CHECK_EQ(get_as(list, (unsigned)(i % KEY_KINDS), i, NULL, NULL), CC_ABSENT);
    }
    CHECK_EQ(cc_ordered_length(list), 0);
    check_at_rest(list);
    cc_ordered_free(list);
    CHECK_EQ(words_alive, 0);
}

typedef struct visits {
    int64_t seen, different, references; /* of the different ones */
} visits;

static int count_word(uintptr_t word, void *argument) {
    visits *v = argument;
    (void)number_of(word); /* alive */
    v->seen++;
    if (!atomic_exchange(&counted_of(word)->taken, 1)) {
        v->different++;
        v->references += atomic_load(&counted_of(word)->references);
    }
    return 0;
}

static int stop_at_third(uintptr_t word, void *argument) {
    (void)word;
    return ++*(int64_t *)argument == 3 ? 42 : 0;
}

static void test_whole_list_functions(void) {
    begin_test("visit, bytes, marks of changes");
    cc_ordered *list = ordered_of(&deciding_words);
    size_t empty = cc_ordered_bytes(list);
    uint64_t changes = cc_ordered_changes_by_this_thread(list);
    for (int64_t i = 0; i < 300; i++) {
        put_as(list, (unsigned)(i % KEY_KINDS), i, word_new(i), CC_PUT_ALWAYS, NULL, NULL);
    }
    CHECK_EQ(cc_ordered_changes_by_this_thread(list) - changes, 300);
    visits v = {0};
    CHECK_EQ(cc_ordered_visit(list, count_word, &v), 0);
    CHECK_EQ(v.different, 500); /* 300 values, and keys of two kinds in three */
    CHECK_EQ(v.different, words_alive);
    CHECK_EQ(v.seen, v.references); /* once for each reference that the container has */
    int64_t seen = 0;
    CHECK_EQ(cc_ordered_visit(list, stop_at_third, &seen), 42);
    CHECK_EQ(seen, 3);
    double per_entry = (double)(cc_ordered_bytes(list) - empty) / 300;
    printf("    %.1f bytes per entry, %zu for an empty list\n", per_entry, empty);
    CHECK(per_entry > 40 && per_entry < 200);
    for (int64_t i = 0; i < 300; i++) {
        CHECK_EQ(remove_as(list, 0, i, NULL, NULL), CC_FOUND);
    }
    CHECK_EQ(cc_ordered_changes_by_this_thread(list) - changes, 600);
    check_at_rest(list); /* recounts the bytes */
    cc_ordered_free(list);
    CHECK_EQ(words_alive, 0);
}

/* Tells the truth, while the list still is as long as it was. */
static cc_ordered *asked_about;
static size_t length_when_asked;

static int tell_before_the_effect(const cc_search *s, const cc_stored_key *stored) {
    CHECK_EQ(cc_ordered_length(asked_about), length_when_asked);
    return tell_the_truth(s, stored);
}

static void test_no_question_after_the_effect(void) {
    begin_test("an operation that has had its effect asks nothing more, and leaves nothing linked");
    for (uint64_t seed = 0; seed < 40; seed++) {
        cc_ordered *list = asked_about = ordered_of(&undecided_words);
        for (int64_t i = 0; i < 60; i++) {
            length_when_asked = (size_t)i;
            put_as(list, 2, i * 7 % 60, word_new(i), CC_PUT_ALWAYS, NULL, tell_before_the_effect);
        }
        for (int64_t i = 0; i < 60; i += 2) {
            length_when_asked = (size_t)(60 - i / 2);
            CHECK_EQ(remove_as(list, 2, i, NULL, tell_before_the_effect), CC_FOUND);
            CHECK_EQ(get_as(list, 2, i, NULL, tell_the_truth), CC_ABSENT);
            check_at_rest(list);
        }
        int64_t low = 1, high = 59, questions = questions_asked;
        while (low < high) {
            cc_entry e;
            CHECK_EQ(pop_as(list, CC_FIRST, &e), CC_FOUND);
            CHECK_EQ(number_of(e.key), low);
            release_entry(&e);
            CHECK_EQ(pop_as(list, CC_LAST, &e), CC_FOUND);
            CHECK_EQ(number_of(e.key), high);
            release_entry(&e);
            check_at_rest(list);
            low += 2;
            high -= 2;
        }
        CHECK_EQ(questions_asked, questions);
        cc_ordered_free(list);
        CHECK_EQ(words_alive, 0);
    }
}

/* ---------------------------------------------------------------- a plain table: no word is
 * counted */

static void test_plain_words(void) {
    begin_test("words that are not counted and keys that are their digests (as in cc_i64map)");
    static const cc_word_table plain = {0};
    cc_ordered *list = ordered_of(&plain);
    rng r = rng_from(3);
    enum { RANGE = 3000 };
    static uintptr_t expected[RANGE];
    memset(expected, 0, sizeof expected); /* of the kind before */
    int64_t entries = 0, operations = scaled(200000);
    for (int64_t i = 0; i < operations; i++) {
        uint64_t number = (uint64_t)rng_below(&r, RANGE);
        uint64_t digest = number * UINT64_C(0x0005555555555555);
        cc_search s = {.digest = digest, .hash = rng_below(&r, 8) ? cc_mix(digest) : 0};
        uintptr_t value = (uintptr_t)rng_next(&r) >> 1 | 1, old = 0;
        uintptr_t there = expected[number];
        switch (rng_below(&r, 4)) {
        case 0:
            CHECK_EQ(cc_ordered_put(list, &s, value, CC_PUT_ALWAYS, &old),
                     there ? CC_FOUND : CC_ABSENT);
            expected[number] = value;
            entries += !there;
            break;
        case 1:
            CHECK_EQ(cc_ordered_remove(list, &s, &old), there ? CC_FOUND : CC_ABSENT);
            expected[number] = 0;
            entries -= there != 0;
            break;
        default:
            CHECK_EQ(cc_ordered_get(list, &s, &old), there ? CC_FOUND : CC_ABSENT);
        }
        CHECK_EQ(old, there);
        cc_search_end(cc_ordered_words(list), &s);
    }
    CHECK_EQ(cc_ordered_length(list), entries);
    check_at_rest(list);
    cc_ordered_free(list);
}

/* Every node is on level 0, and what is on a level is on the one below. */
static void test_levels(void) {
    begin_test("levels");
    uint64_t counts[CC_MOST_LEVELS];
    cc_ordered *list = ordered_of(&deciding_words);
    CHECK(cc_ordered_levels(list, counts, 0) == 0);
    for (int64_t i = 0; i < 500; i++) {
        put_as(list, 0, i, word_new(i), CC_PUT_ALWAYS, NULL, NULL);
    }
    unsigned n = cc_ordered_levels(list, counts, CC_MOST_LEVELS);
    for (unsigned level = 0; level < n; level++) {
        CHECK(counts[level] <= (level ? counts[level - 1] : 500));
    }
    if (n) { /* else the kind has none */
        CHECK_EQ(counts[0], 500);
        CHECK_EQ(cc_ordered_levels(list, counts, 1), 1);
        CHECK_EQ(cc_ordered_clear(list), CC_FOUND);
        n = cc_ordered_levels(list, counts, CC_MOST_LEVELS);
        for (unsigned level = 0; level < n; level++) {
            CHECK_EQ(counts[level], 0);
        }
    }
    check_at_rest(list);
    cc_ordered_free(list);
}

static void test_kind(void) {
    test_empty();
    test_levels();
    static const profile profiles[] = {
        {"kind 0 against the model: digests decide", &deciding_words, tell_the_truth, 0, 1, 300,
         150000},
        {"kind 1 against the model: ties go to compare", &deciding_words, tell_the_truth, 1, 1, 300,
         150000},
        {"kind 2 against the model: compare decides all", &deciding_words, tell_the_truth, 2, 1,
         120, 100000},
        {"all kinds mixed", &deciding_words, tell_the_truth, 0, 3, 500, 150000},
        {"a handful of keys of all kinds", &deciding_words, tell_the_truth, 0, 3, 6, 100000},
        {"kind 1, ties left to the caller", &undecided_words, tell_the_truth, 1, 1, 300, 100000},
        {"kind 2, everything left to the caller", &undecided_words, tell_the_truth, 2, 1, 60,
         50000},
        {"all kinds mixed, left to the caller", &undecided_words, tell_the_truth, 0, 3, 100, 50000},
    };
    for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++) {
        against_the_model(&profiles[i]);
    }
    test_plain_words();
    test_scan_without_values();
    test_long_scan_down();
    test_equal_keys_of_other_kinds();
    test_whole_list_functions();
    test_no_question_after_the_effect();
    test_no_room();
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    use_scheme_of_the_environment();
    for_every_ordered_kind(test_kind);
    printf("passed\n");
    return 0;
}
