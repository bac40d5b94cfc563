/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Credits with real threads, and all that one thread can see. Every access as a step of its own:
 * test_credits_steps.c.
 */
#include "check.h"
#include "sync/credits.h"

static uint64_t available(const cc_credits *credits) {
    return cc_load_relaxed_u64(&credits->available);
}

/* Attempts to take around each number that there are. */
static void test_counts(void) {
    begin_test("0, 1, n - 1, n and n + 1 takes of n credits, and all of them given back");
    static const uint64_t sizes[] = {0, 1, 2, 3, 7, 64, 1000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const uint64_t n = sizes[i];
        const uint64_t attempts[] = {0, 1, n ? n - 1 : 0, n, n + 1};
        for (size_t a = 0; a < sizeof attempts / sizeof *attempts; a++) {
            cc_credits credits;
            cc_credits_begin(&credits, n);
            for (uint64_t taken = 0; taken < attempts[a]; taken++) {
                CHECK(cc_credits_take(&credits) == (taken < n));
                CHECK_EQ(available(&credits), taken < n ? n - taken - 1 : 0);
            }
            while (available(&credits) < n) {
                cc_credits_give(&credits);
                CHECK(cc_credits_take(&credits)); /* the one that has just been given */
                cc_credits_give(&credits);
            }
            CHECK_EQ(available(&credits), n);
        }
    }
}

/* So many that a count of 32 bits would not hold them. */
static void test_many(void) {
    begin_test("more credits than 32 bits count");
    const uint64_t most = UINT64_C(1) << 40;
    cc_credits credits;
    cc_credits_begin(&credits, most);
    CHECK(cc_credits_take(&credits));
    CHECK_EQ(available(&credits), most - 1);
    cc_credits_give(&credits);
    CHECK_EQ(available(&credits), most);
}

static void test_change(void) {
    begin_test("more and fewer credits than before; a debt is paid before anybody gets one again");
    static const uint64_t sizes[] = {1, 2, 3, 7, CC_WITHOUT_BOUND};
    enum { SIZES = sizeof sizes / sizeof *sizes };
    for (size_t i = 0; i < SIZES * SIZES; i++) {
        const uint64_t before = sizes[i / SIZES], after = sizes[i % SIZES];
        for (uint64_t out = 0; out <= 7 && out <= before; out++) {
            cc_credits credits;
            cc_credits_begin(&credits, before);
            for (uint64_t taken = 0; taken < out; taken++) {
                CHECK(cc_credits_take(&credits));
            }
            cc_credits_change(&credits, after);
            CHECK_EQ(cc_credits_bound(&credits), after == CC_WITHOUT_BOUND ? 0 : after);
            CHECK_EQ(cc_credits_most_out(&credits), out > after ? out : after);
            uint64_t now_out = out;
            for (; now_out > after; now_out--) {
                CHECK(!cc_credits_take(&credits));
                cc_credits_give(&credits);
            }
            for (; now_out < after && now_out < 20; now_out++) {
                CHECK(cc_credits_take(&credits));
            }
            CHECK(cc_credits_take(&credits) == (now_out < after));
            CHECK_EQ(cc_credits_most_out(&credits), after);
        }
    }
}

/* ---------------------------------------------------------------- threads */

enum { MOST_THREADS = 4 };

typedef struct shared {
    cc_credits credits;
    int64_t rounds;
    uint64_t most;
    _Atomic uint64_t inside; /* threads that hold a credit */
    uint64_t plain; /* with one credit: changed only by the thread that holds it */
    _Atomic int64_t taken, refused;
} shared;

static void take_and_give(int index, void *argument) {
    shared *s = argument;
    (void)index;
    for (int64_t i = 0; i < s->rounds; i++) {
        if (!cc_credits_take(&s->credits)) {
            atomic_fetch_add(&s->refused, 1);
            continue;
        }
        atomic_fetch_add(&s->taken, 1);
        CHECK(atomic_fetch_add(&s->inside, 1) < s->most);
        if (s->most == 1) {
            s->plain++; /* no race if what came before a give is visible to the next take */
        }
        atomic_fetch_sub(&s->inside, 1);
        cc_credits_give(&s->credits);
    }
}

static void test_threads(void) {
    begin_test("threads: never more hold a credit than there are, and in the end all are back");
    for (uint64_t most = 1; most <= MOST_THREADS; most++) {
        static shared s;
        memset((void *)&s, 0, sizeof s);
        s.rounds = scaled(200000);
        s.most = most;
        cc_credits_begin(&s.credits, most);
        run_threads(MOST_THREADS, take_and_give, &s);
        CHECK_EQ(available(&s.credits), most);
        CHECK_EQ(s.taken + s.refused, MOST_THREADS * s.rounds);
        CHECK(most > 1 || (int64_t)s.plain == s.taken);
        CHECK(most < MOST_THREADS || s.refused == 0); /* one for each: nobody is refused */
    }
}

/* Half of the threads only give, the others only take, until each credit was taken once. */
static void give_or_take(int index, void *argument) {
    shared *s = argument;
    if (index % 2) {
        for (int64_t i = 0; i < s->rounds; i++) {
            cc_credits_give(&s->credits);
        }
        return;
    }
    while (atomic_load(&s->taken) < s->rounds * (MOST_THREADS / 2)) {
        if (cc_credits_take(&s->credits)) {
            atomic_fetch_add(&s->taken, 1);
        } else {
            sched_yield();
        }
    }
}

static void test_givers_and_takers(void) {
    begin_test("threads that give and threads that take: each credit is taken exactly once");
    static shared s;
    s.rounds = scaled(200000);
    const uint64_t all = (uint64_t)s.rounds * (MOST_THREADS / 2);
    cc_credits_begin(&s.credits, all);
    for (uint64_t i = 0; i < all; i++) {
        CHECK(cc_credits_take(&s.credits)); /* none is free when they begin */
    }
    run_threads(MOST_THREADS, give_or_take, &s);
    CHECK_EQ(s.taken, all);
    CHECK_EQ(available(&s.credits), 0);
}

int main(void) {
    test_counts();
    test_many();
    test_change();
    test_threads();
    test_givers_and_takers();
    printf("passed\n");
    return 0;
}
