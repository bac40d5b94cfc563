/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Every ordered container in the child of a fork() beside threads that change it: what they were in
 * the middle of has happened or not, and the child goes on.
 */
#include "check.h"
#include "ordered_kinds.h"
#include "scheme.h"
#include "words.h"

#if CHECK_SANITIZED
/* Their allocators' locks are not given back in the child. */
int main(void) {
    printf("skipped: not under a sanitizer\n");
    return 77;
}
#else

enum { FORK_KEYS = 200 };

/* A value that is none. Volatile, or gcc sees a put that fails release it, and warns. */
static const volatile uintptr_t no_word = 0;

static _Atomic bool stops;

static void write_all_the_time(void *map, uint64_t seed) {
    rng r = rng_from(seed);
    while (!atomic_load(&stops)) {
        int64_t number = rng_below(&r, FORK_KEYS), what = rng_below(&r, 8);
        cc_entry e;
        if (what < 4) {
            put_as(map, 0, number, no_word, CC_PUT_ALWAYS, NULL, NULL);
        } else if (what < 7) {
            remove_as(map, 0, number, NULL, NULL);
        } else {
            cc_ordered_pop_end(map, number % 2 ? CC_FIRST : CC_LAST, NULL, &e);
        }
    }
}

/* Keys are their digests, so no words are lost with what the dead threads had in hand. */
static void go_on(cc_ordered *map) {
    cc_entry entries[FORK_KEYS + 1];
    size_t count = 0, n;
    for (int64_t k = 0; k < FORK_KEYS; k++) {
        put_as(map, 0, k, no_word, CC_PUT_ALWAYS, NULL, NULL);
        CHECK_EQ(get_as(map, 0, k, NULL, NULL), CC_FOUND);
    }
    CHECK_EQ(cc_ordered_scan_up(map, NULL, 0, entries, FORK_KEYS + 1, &n), CC_FOUND);
    while (n > 0) {
        for (size_t k = 0; k < n; k++) {
            CHECK_EQ(entries[k].digest, count + k);
        }
        count += n;
        n = scan_as(map, true, 0, (int64_t)count - 1, CC_SCAN_EXCLUSIVE, entries, FORK_KEYS + 1,
                    NULL);
    }
    CHECK_EQ(count, FORK_KEYS);
    for (int64_t k = 0; k < FORK_KEYS; k++) {
        CHECK_EQ(remove_as(map, 0, k, NULL, NULL), CC_FOUND);
    }
    CHECK_EQ(cc_ordered_neighbour(map, NULL, CC_FIRST, entries), CC_ABSENT);
    for (int64_t k = 0; k < FORK_KEYS; k += 3) {
        CHECK_EQ(put_as(map, 0, k, no_word, CC_PUT_ALWAYS, NULL, NULL), CC_ABSENT);
    }
    CHECK_EQ(cc_ordered_clear(map), CC_FOUND);
    CHECK_EQ(cc_ordered_neighbour(map, NULL, CC_LAST, entries), CC_ABSENT);
}

static void fork_beside_writers(int index, void *map) {
    if (index > 0) {
        write_all_the_time(map, (uint64_t)index);
        return;
    }
    for (int64_t i = scaled(60); i > 0; i--) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            alarm(60);
            go_on(map);
            _exit(0);
        }
        CHECK_EQ(wait_for(child), 0);
    }
    atomic_store(&stops, true);
}

static void test_fork(void) {
    begin_test("fork() beside threads that write: the child finds every key, and goes on");
    cc_ordered *map = ordered_of(&deciding_words);
    atomic_store(&stops, false);
    run_threads(3, fork_beside_writers, map);
    check_at_rest(map);
    cc_ordered_free(map);
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    use_scheme_of_the_environment();
    for_every_ordered_kind(test_fork);
    printf("passed\n");
    return 0;
}
#endif
