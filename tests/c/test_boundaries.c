/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Every internal size is a boundary: what a container does in batches, blocks, buckets or chunks
 * goes wrong first where the last one is just full, or just begun. So everything is done here with
 * 0, 1, n - 1, n, n + 1 and 2n entries for every power of two n that could be such a size
 * (tests/sizes.txt names them; nearly all are powers of two, and builds with -Dsmall_sizes have
 * others, all of them tiny). Words are counted: what went in comes out exactly once.
 */
#include "memory/cc_alloc.h"
#include "memory/smr_fast.h"
#include "ordered_kinds.h"
#include "scheme.h"
#include "sleeper.h"
#include "words.h"

/* Ascending, each once; the last one is 0 (the first one, too). */
static size_t sizes[200];
static size_t size_count;

static void find_sizes(size_t most) {
    size_count = 0;
    for (size_t n = 0; n <= most; n++) {
        bool is_one = n <= 20;
        for (size_t power = 16; power <= most && !is_one; power *= 2) {
            is_one = n + 1 == power || n == power || n == power + 1;
        }
        if (is_one) {
            CHECK(size_count < sizeof sizes / sizeof *sizes);
            sizes[size_count++] = n;
        }
    }
}

/* ---------------------------------------------------------------- containers */

static void fill(cc_ordered *list, unsigned kind, size_t n) {
    for (size_t i = 0; i < n; i++) {
        int64_t k = (int64_t)(tested_kind->can_be_a_path ? i * 389 % n : i); /* divides no size */
        CHECK_EQ(put_as(list, kind, k, word_new(k), CC_PUT_ALWAYS, NULL, tell_the_truth),
                 CC_ABSENT);
    }
}

static void check_holds(cc_ordered *list, unsigned kind, size_t n, bool are_there) {
    check_at_rest(list);
    CHECK_EQ(cc_ordered_length(list), are_there ? n : 0);
    CHECK_EQ(words_alive, are_there ? (int64_t)n * (kind ? 2 : 1) : 0);
    for (size_t i = 0; i < n; i++) {
        uintptr_t value;
        CHECK_EQ(get_as(list, kind, (int64_t)i, &value, tell_the_truth),
                 are_there ? CC_FOUND : CC_ABSENT);
        if (are_there) {
            CHECK_EQ(number_of(value), (int64_t)i);
            word_release(value);
        }
    }
    CHECK_NULL(cc_ordered_check(list));
}

/* In chunks of `room`. */
static void check_scans(cc_ordered *list, unsigned kind, size_t n, size_t room) {
    static cc_entry entries[8192];
    CHECK(room <= sizeof entries / sizeof *entries);
    for (int up = 0; up < 2; up++) {
        for (size_t seen = 0, found; seen <= n; seen += found) {
            if (seen == 0) {
                CHECK_EQ(up ? cc_ordered_scan_up(list, NULL, false, entries, room, &found)
                            : cc_ordered_scan_down(list, NULL, false, entries, room, &found),
                         CC_FOUND);
            } else {
                int64_t last = (int64_t)(up ? seen - 1 : n - seen);
                found = scan_as(list, up, kind, last, true, entries, room, tell_the_truth);
            }
            for (size_t i = 0; i < found; i++) {
                const cc_entry *e = &entries[i];
                CHECK_EQ(number_of(e->value), (int64_t)(up ? seen + i : n - 1 - seen - i));
                release_entry(e);
            }
            if (!found) {
                CHECK_EQ(seen, n);
                break;
            }
        }
    }
}

static void pop_all(cc_ordered *list, unsigned kind, size_t n, cc_relation end) {
    cc_entry e;
    for (size_t i = 0; i < n; i++) {
        CHECK_EQ(pop_as(list, end, &e), CC_FOUND);
        CHECK_EQ(e.kind, kind);
        CHECK_EQ(number_of(e.value), (int64_t)(end == CC_FIRST ? i : n - 1 - i));
        release_entry(&e);
    }
    CHECK_EQ(pop_as(list, end, &e), CC_ABSENT);
}

static void test_sizes(unsigned kind, size_t most) {
    find_sizes(most);
    for (size_t s = 0; s < size_count; s++) {
        size_t n = sizes[s];
        cc_ordered *list = ordered_of(&deciding_words);
        fill(list, kind, n);
        check_holds(list, kind, n, true);
        for (int again = 0; again < 2; again++) { /* the second time with the index of the first */
            CHECK_EQ(cc_ordered_clear(list), CC_FOUND);
            check_holds(list, kind, n, false);
            fill(list, kind, n);
            check_holds(list, kind, n, true);
        }
        for (size_t i = 0; i < n; i++) {
            CHECK_EQ(put_as(list, kind, (int64_t)i, word_new((int64_t)i), CC_PUT_ALWAYS, NULL,
                            tell_the_truth),
                     CC_FOUND);
        }
        check_holds(list, kind, n, true);
        check_scans(list, kind, n, n + 1 < 8192 ? n + 1 : 8192);
        check_scans(list, kind, n, n > 1 ? n - 1 < 8192 ? n - 1 : 8192 : 1);
        check_scans(list, kind, n, 16);
        check_scans(list, kind, n, 3);
        pop_all(list, kind, n, CC_FIRST);
        check_holds(list, kind, n, false);
        fill(list, kind, n);
        pop_all(list, kind, n, CC_LAST);
        check_holds(list, kind, n, false);
        fill(list, kind, n);
        for (size_t i = 0; i < n; i++) {
            CHECK_EQ(remove_as(list, kind, (int64_t)i, NULL, tell_the_truth), CC_FOUND);
        }
        check_holds(list, kind, n, false);
        fill(list, kind, n);
        cc_ordered_free(list);
        CHECK_EQ(words_alive, 0);
    }
}

/* ---------------------------------------------------------------- a clear without memory */

typedef struct short_of_memory {
    cc_ordered *list;
    int64_t allocations;
    cc_status status;
} short_of_memory;

static void clear_with_less(int index, void *argument) {
    (void)index;
    short_of_memory *s = argument;
    volatile char dirt[2000]; /* what a stack looks like */
    for (size_t i = 0; i < sizeof dirt; i++) {
        dirt[i] = 0x5a;
    }
    cc_thread *self = cc_thread_self_if_any();
    while (self && self->spare_count) {
        cc_free(cc_take_spare(self));
    }
    cc_alloc_fail_from(s->allocations);
    s->status = cc_ordered_clear(s->list);
    cc_alloc_fail_from(-1);
}

/* Nobody else has ended before: so the thread's record has to be made. */
static void test_first_operation(void) {
    begin_test("a clear without memory is the first thing that a thread does");
    cc_ordered *list = ordered_of(&deciding_words);
    fill(list, 1, 5);
    short_of_memory s = {.list = list};
    for (; s.allocations < 2; s.allocations++) {
        run_threads(1, clear_with_less, &s);
        CHECK_EQ(s.status, CC_NO_MEMORY);
        check_holds(list, 1, 5, true);
    }
    cc_ordered_free(list);
    CHECK_EQ(words_alive, 0);
}

/* A tree is cut off as a whole; what there is no memory to take apart counts until a flush. */
static bool clear_cuts_off(void) {
    return tested_kind->operations == &cc_bptree_operations ||
           tested_kind->operations == &cc_bst_operations;
}

/* What is killed is retired, sooner or later, and what is not stays. With a reader inside (under
 * ibr), everything has to wait and needs a record of its own. */
static bool clear_at(size_t n, int64_t allocations, bool with_reader) {
    cc_ordered *list = ordered_of(&deciding_words);
    fill(list, 1, n);
    sleeper r = {.domain = domain_of(list)};
    if (with_reader) {
        start_sleeping(&r);
    }
    short_of_memory s = {list, allocations, CC_FOUND};
    clear_with_less(0, &s);
    size_t left = cc_ordered_length(list), there = 0;
    CHECK(s.status == CC_NO_MEMORY || (s.status == CC_FOUND && left == 0));
    CHECK_NULL(cc_ordered_check(list));
    for (size_t i = 0; i < n; i++) {
        uintptr_t value;
        if (get_as(list, 1, (int64_t)i, &value, tell_the_truth) == CC_FOUND) {
            CHECK_EQ(number_of(value), (int64_t)i);
            word_release(value);
            there++;
        }
    }
    if (clear_cuts_off()) {
        CHECK(there == 0 || (there == n && left == n));
    } else {
        CHECK_EQ(left, there);
    }
    bool destroy_at_once = allocations % 3 == 2;
    if (with_reader) {
        stop_sleeping(&r);
    }
    if (!destroy_at_once) {
        if (allocations % 3 == 0) {
            check_at_rest(list);
            CHECK_EQ(cc_ordered_length(list), there);
            CHECK_EQ(words_alive, 2 * (int64_t)there);
        }
        CHECK_EQ(cc_ordered_clear(list), CC_FOUND);
        check_holds(list, 1, n, false);
    }
    cc_ordered_free(list);
    CHECK_EQ(words_alive, 0);
    return s.status == CC_NO_MEMORY;
}

static void test_clear_without_memory(void) {
    begin_test("memory runs out at every allocation of a clear: nothing is lost");
    int64_t failures = 0;
    for (int with_reader = 0; with_reader < 2; with_reader++) {
        for (size_t n = 1; n <= 257; n = n < 4 ? n + 1 : 4 * n - 4 + n / 8) {
            int64_t step = n < 20 ? 1 : (int64_t)n / 20;
            for (int64_t allocations = 0, clean = 0; clean < 3; allocations += step) {
                bool ran_out = clear_at(n, allocations, with_reader);
                clean = ran_out ? 0 : clean + 1;
                failures += ran_out;
            }
        }
    }
    printf("    %" PRId64 " times\n", failures);
    CHECK(failures > 0);
}

static void test_all_sizes(void) {
    begin_test("all sizes, keys that are their digests");
    test_sizes(0, tested_kind->percent < 100 ? 600 : 8200);
    begin_test("all sizes, keys that are words");
    test_sizes(1, (size_t)scaled_for_kind(4200));
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    use_scheme_of_the_environment();
    test_first_operation();
    for_every_ordered_kind(test_clear_without_memory);
    for_every_ordered_kind(test_all_sizes);
    return 0;
}
