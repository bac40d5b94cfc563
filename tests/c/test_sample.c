/* SPDX-License-Identifier: BSD-3-Clause
 *
 * cc_ordered_sample: keys of upper levels, to cut a map into parts. Against a model it runs in
 * test_ordered.c; here is what depends on sizes: that it comes to the end of maps of any size in
 * chunks of any size, how many keys it gives, and what becomes of it while others change the map.
 */
#include "ordered_model.h"
#include "ordered/ordered_inside.h"
#include "scheme.h"

enum { MOST_SAMPLED = 5000 };

static cc_entry sampled[MOST_SAMPLED];

/* All keys that a sample gives, from the first one on, in chunks of `room`: ascending, even numbers
 * below 2n. Released, but still there to be read where they are digests. */
static size_t sample_all(cc_ordered *list, unsigned kind, int64_t n, size_t every, size_t room) {
    size_t count = 0;
    int64_t last = -1;
    for (;;) {
        size_t found;
        if (last < 0) {
            CHECK_EQ(cc_ordered_sample(list, NULL, every, sampled, room, &found), CC_FOUND);
        } else {
            found = sample_as(list, kind, last, every, sampled, room, tell_the_truth);
        }
        CHECK(found <= room);
        for (size_t i = 0; i < found; i++) {
            const cc_entry *e = &sampled[i];
            int64_t number = number_of_key(e->kind, e->digest, e->key);
            CHECK(number > last && number < 2 * n && number % 2 == 0);
            CHECK_EQ(e->value, 0);
            last = number;
            if (e->key) {
                word_release(e->key);
            }
        }
        if (!found) {
            return count;
        }
        count += found;
    }
}

static cc_ordered *list_of(const cc_word_table *words, unsigned kind, int64_t n) {
    cc_ordered *list = ordered_of(words);
    for (int64_t i = 0; i < n; i++) {
        CHECK_EQ(put_as(list, kind, 2 * i, word_new(i), CC_PUT_ALWAYS, NULL, tell_the_truth),
                 CC_ABSENT);
    }
    return list;
}

static void test_sizes(void) {
    begin_test("maps of all sizes, chunks of all sizes, keys of all kinds");
    static const int64_t sizes[] = {0, 1, 2, 3, 4, 5, 15, 16, 17, 63, 64, 65, 255, 256, 257, 1000};
    static const size_t rooms[] = {1, 2, 3, 64, MOST_SAMPLED};
    for (unsigned kind = 0; kind < KEY_KINDS; kind++) {
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            int64_t n = sizes[s];
            if (CC_SMALL_SIZES && n > 300) {
                continue; /* with so few levels a search is a walk, and each chunk begins with one */
            }
            cc_ordered *list = list_of(kind == 2 ? &undecided_words : &deciding_words, kind, n);
            for (size_t every = 1; every <= 4096; every *= 4) {
                size_t count = sample_all(list, kind, n, every, rooms[0]);
                CHECK(every > 1 || count == (size_t)n);
                for (size_t r = 1; r < sizeof rooms / sizeof *rooms; r++) {
                    CHECK_EQ(sample_all(list, kind, n, every, rooms[r]), count);
                }
            }
            CHECK_EQ(sample_all(list, kind, n, SIZE_MAX, 3),
                     sample_all(list, kind, n, SIZE_MAX, 9));
            size_t found = 77;
            CHECK_EQ(cc_ordered_sample(list, NULL, 4, sampled, 0, &found), CC_FOUND);
            CHECK_EQ(found, 0);
            check_at_rest(list);
            cc_ordered_free(list);
            CHECK_EQ(words_alive, 0);
        }
    }
}

static void test_share(void) {
    begin_test("about one of so many");
    enum { N = CC_SMALL_SIZES ? 512 : 4096 };
    cc_ordered *list = list_of(&deciding_words, 0, N);
    for (size_t every = 1; every <= 64; every *= 4) {
        size_t count = sample_all(list, 0, N, every, MOST_SAMPLED);
        printf("    of %d, one of %zu: %zu\n", N, every, count);
        CHECK(count <= N);
        if (!tested_kind->operations->sample) {
            CHECK_EQ(count, N);
        } else if (!CC_SMALL_SIZES) { /* with fewer levels there are more */
            /* Of 64 keys, where these are fewest, the spread is 8. */
            CHECK(every * count >= N / 8 && every * count <= 2 * N);
        }
    }
    cc_ordered_free(list);
    CHECK_EQ(words_alive, 0);
}

static void test_dead(void) {
    begin_test("what has been removed is not among them, and what is still held is not shown");
    enum { N = CC_SMALL_SIZES ? 150 : 600 };
    for (unsigned kind = 0; kind < KEY_KINDS; kind++) {
        cc_ordered *list = list_of(&deciding_words, kind, 2 * N);
        for (int64_t i = N; i < 2 * N; i++) {
            CHECK_EQ(remove_as(list, kind, 2 * i, NULL, tell_the_truth), CC_FOUND);
        }
        CHECK_EQ(sample_all(list, kind, N, 1, 7), N);
        CHECK(sample_all(list, kind, N, 4, 7) <= N);
        for (int64_t i = 0; i < N; i++) {
            CHECK_EQ(remove_as(list, kind, 2 * i, NULL, tell_the_truth), CC_FOUND);
            CHECK(sample_all(list, kind, N, (size_t)1 << i % 8, 5) <= (size_t)(N - 1 - i));
        }
        check_at_rest(list);
        cc_ordered_free(list);
        CHECK_EQ(words_alive, 0);
    }
}

/* ---------------------------------------------------------------- beside changes */

typedef struct changed {
    cc_ordered *list;
    unsigned kind;
    int64_t rounds;
    _Atomic int going; /* changers */
} changed;

enum { CHANGERS = 2, CHANGED = 300 };

/* Thread 0 samples, the others put and remove; multiples of 16 stay. */
static void sample_or_change(int index, void *argument) {
    changed *c = argument;
    rng r = rng_from((uint64_t)index + 1);
    if (index == 0) {
        do {
            sample_all(c->list, c->kind, CHANGED, (size_t)1 << 2 * rng_below(&r, 4),
                       1 + (size_t)rng_below(&r, 40));
        } while (atomic_load(&c->going));
        return;
    }
    for (int64_t i = 0; i < c->rounds; i++) {
        int64_t number = 2 * rng_below(&r, CHANGED);
        if (number % 16 == 0) {
            continue;
        }
        if (rng_below(&r, 2)) {
            put_as(c->list, c->kind, number, word_new(0), CC_PUT_ALWAYS, NULL, tell_the_truth);
        } else {
            remove_as(c->list, c->kind, number, NULL, tell_the_truth);
        }
    }
    atomic_fetch_sub(&c->going, 1);
}

static void test_beside_changes(void) {
    begin_test("beside changes");
    for (unsigned kind = 0; kind < KEY_KINDS; kind++) {
        changed c = {list_of(kind == 2 ? &undecided_words : &deciding_words, kind, CHANGED), kind,
                     scaled(kind == 2 ? 2000 : 10000), CHANGERS};
        run_threads(1 + CHANGERS, sample_or_change, &c);
        check_at_rest(c.list);
        cc_ordered_free(c.list);
        CHECK_EQ(words_alive, 0);
    }
}

static void all_of_them(void) {
    test_sizes();
    test_share();
    test_dead();
    test_beside_changes();
}

/* Of a kind that takes none, a sample is a scan: the last one below stands for those. */
static void of_its_own(void) {
    if (tested_kind->operations->sample) {
        all_of_them();
    }
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    use_scheme_of_the_environment();
    for_every_ordered_kind(of_its_own);
    /* A container that has no upper levels to look at. */
    cc_ordered_operations plain = cc_skiplist_operations;
    plain.sample = NULL;
    const ordered_kind without = {&plain, "without upper levels", false, 100};
    tested_kind = &without;
    printf("%s\n", without.name);
    all_of_them();
    return 0;
}
