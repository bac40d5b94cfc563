/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Counters with real threads, more of them than there are processors, and all that one thread can
 * see: the edges of int64_t above all. Also linked with a core that gives the processor away at
 * random (yielding.c), where adds meet. Histories are judged in test_counter_histories.c; every
 * access as a step of its own: schedules/sched_counters.c.
 */
#include "check.h"
#include "concurrent_collections/cc_arch.h"
#include "memory/cc_alloc.h"
#include "sync/counters.h"

__extension__ typedef __int128 int128;

static const int64_t edges[] = {
    INT64_MIN, INT64_MIN + 1, INT64_MIN / 2 - 1, INT64_MIN / 2, INT64_MIN / 2 + 1, -2, -1, 0, 1,
    2,         INT64_MAX / 2, INT64_MAX / 2 + 1, INT64_MAX - 1, INT64_MAX};
enum { EDGES = sizeof edges / sizeof *edges };

static bool fits(int128 value) {
    return INT64_MIN <= value && value <= INT64_MAX;
}

/* Some of the edges, some small, some any. */
static int64_t drawn(rng *r) {
    int64_t way = rng_below(r, 3);
    return way == 0   ? edges[rng_below(r, EDGES)]
           : way == 1 ? rng_below(r, 21) - 10
                      : (int64_t)rng_next(r);
}

static int128 sum_of(const cc_striped_counter *counter) {
    int64_t low, high, alone;
    int answer = cc_striped_counter_sum(counter, &low, &high);
    int128 sum = (int128)high * ((int128)1 << 64) + (uint64_t)low;
    CHECK_EQ(answer, fits(sum) ? CC_COUNTER_OK : CC_COUNTER_OVERFLOW);
    CHECK_EQ(cc_striped_counter_sum(counter, &alone, NULL), answer);
    CHECK_EQ(alone, low);
    return sum;
}

static int128 sum_then_reset(cc_striped_counter *counter) {
    int64_t low, high;
    int answer = cc_striped_counter_sum_then_reset(counter, &low, &high);
    int128 sum = (int128)high * ((int128)1 << 64) + (uint64_t)low;
    CHECK_EQ(answer, fits(sum) ? CC_COUNTER_OK : CC_COUNTER_OVERFLOW);
    return sum;
}

/* ---------------------------------------------------------------- one thread */

static void test_sums_at_the_edges(void) {
    begin_test("every sum of two numbers about the edges: exact, or refused with no effect");
    for (int a = 0; a < EDGES; a++) {
        for (int b = 0; b < EDGES; b++) {
            cc_atomic_counter *counter = cc_atomic_counter_new(edges[a]);
            int128 sum = (int128)edges[a] + edges[b];
            int64_t now = 12345;
            int answer = cc_atomic_counter_add(counter, edges[b], &now);
            CHECK_EQ(answer, fits(sum) ? CC_COUNTER_OK : CC_COUNTER_OVERFLOW);
            CHECK_EQ(now, fits(sum) ? (int64_t)sum : 12345);
            CHECK_EQ(cc_atomic_counter_get(counter), fits(sum) ? (int64_t)sum : edges[a]);
            cc_atomic_counter_set(counter, edges[a]);
            CHECK_EQ(cc_atomic_counter_add(counter, edges[b], NULL), answer);
            cc_atomic_counter_free(counter);
            /* With one cell there is no other one to go to. */
            cc_striped_counter *striped = cc_striped_counter_new_with(edges[a], 1);
            CHECK_EQ(cc_striped_counter_add(striped, edges[b]), answer);
            CHECK(sum_of(striped) == (fits(sum) ? sum : edges[a]));
            cc_striped_counter_free(striped);
        }
    }
}

static void test_against_a_model(void) {
    begin_test("random operations agree with a number");
    rng r = rng_from(1);
    cc_atomic_counter *counter = cc_atomic_counter_new(0);
    int64_t model = 0, now;
    for (int64_t i = scaled(200000); i; i--) {
        int64_t amount = drawn(&r), value = drawn(&r);
        switch (rng_below(&r, 6)) {
        case 0:
            cc_atomic_counter_set(counter, value);
            model = value;
            break;
        case 1:
            CHECK_EQ(cc_atomic_counter_get_and_set(counter, value), model);
            model = value;
            break;
        case 2:
            CHECK_EQ(cc_atomic_counter_compare_and_set(counter, model, value), 1);
            model = value;
            break;
        case 3:
            CHECK_EQ(cc_atomic_counter_compare_and_set(counter, value, amount), value == model);
            model = value == model ? amount : model;
            break;
        default:
            if (cc_atomic_counter_add(counter, amount, &now) == CC_COUNTER_OK) {
                CHECK(fits((int128)model + amount));
                model += amount;
                CHECK_EQ(now, model);
            } else {
                CHECK(!fits((int128)model + amount));
            }
        }
        CHECK_EQ(cc_atomic_counter_get(counter), model);
    }
    cc_atomic_counter_free(counter);
}

static void test_striped_against_a_model(void) {
    begin_test("random adds to 1, 2 and 4 cells agree with a number, in or out of 64 bits");
    rng r = rng_from(2);
    for (uint32_t cells = 1; cells <= 4; cells *= 2) {
        cc_striped_counter *counter = cc_striped_counter_new_with(7, cells);
        int128 model = 7;
        int64_t wide = 0, refused = 0;
        CHECK(counter);
        for (int64_t i = scaled(100000); i; i--) {
            int64_t amount = drawn(&r);
            if (rng_below(&r, 50) == 0) {
                CHECK(sum_then_reset(counter) == model);
                model = 0;
            } else if (cc_striped_counter_add(counter, amount) == CC_COUNTER_OK) {
                model += amount;
            } else {
                refused++;
                CHECK(!fits(model + amount));
            }
            wide += !fits(model);
            CHECK(sum_of(counter) == model);
        }
        CHECK(refused > 0);
        CHECK_EQ(wide > 0, cells > 1);
        cc_striped_counter_free(counter);
    }
}

/* As much as all cells hold, up and down: whoever comes to a full cell goes to another. */
static void test_full_cells(void) {
    begin_test("an add goes to another cell when its own is full, and is refused when all are");
    for (uint32_t cells = 1; cells <= 8; cells *= 2) {
        for (int sign = -1; sign <= 1; sign += 2) {
            const int64_t most = sign < 0 ? INT64_MIN : INT64_MAX;
            cc_striped_counter *counter = cc_striped_counter_new_with(0, cells);
            for (uint32_t i = 0; i < cells; i++) {
                CHECK_EQ(cc_striped_counter_add(counter, most), CC_COUNTER_OK);
            }
            CHECK(sum_of(counter) == (int128)most * (int64_t)cells);
            CHECK_EQ(cc_striped_counter_add(counter, sign), CC_COUNTER_OVERFLOW);
            CHECK(sum_of(counter) == (int128)most * (int64_t)cells);
            CHECK_EQ(cc_striped_counter_add(counter, -sign), CC_COUNTER_OK);
            CHECK_EQ(cc_striped_counter_add(counter, sign), CC_COUNTER_OK);
            CHECK(sum_then_reset(counter) == (int128)most * (int64_t)cells);
            CHECK(sum_of(counter) == 0);
            cc_striped_counter_free(counter);
        }
    }
}

static void test_many_sums(void) {
    begin_test("the sums of several counters, none of them too");
    cc_striped_counter *counters[3];
    int64_t sums[3], highs[3];
    for (int i = 0; i < 3; i++) {
        counters[i] = cc_striped_counter_new_with(10 * i, 2);
    }
    CHECK_EQ(cc_striped_counter_sum_all(counters, 0, sums, NULL), CC_COUNTER_OK);
    CHECK_EQ(cc_striped_counter_sum_all(counters, 3, sums, highs), CC_COUNTER_OK);
    for (int i = 0; i < 3; i++) {
        CHECK(sums[i] == 10 * i && highs[i] == 0);
    }
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(cc_striped_counter_add(counters[1], INT64_MIN), CC_COUNTER_OK);
    }
    CHECK_EQ(cc_striped_counter_sum_all(counters, 3, sums, NULL), CC_COUNTER_OVERFLOW);
    CHECK_EQ(cc_striped_counter_sum_all(counters, 3, sums, highs), CC_COUNTER_OVERFLOW);
    CHECK(sums[1] == 10 && highs[1] == -1 && sums[2] == 20 && highs[2] == 0);
    for (int i = 0; i < 3; i++) {
        cc_striped_counter_free(counters[i]);
    }
    cc_atomic_counter_free(NULL);
    cc_striped_counter_free(NULL);
}

static void test_sizes(void) {
    begin_test("each cell has a cache line of its own");
    cc_striped_counter *counter = cc_striped_counter_new_with(0, 4);
    CHECK_EQ(cc_striped_counter_bytes(counter), 5 * CC_CACHE_LINE);
    CHECK_EQ((uintptr_t)counter % CC_CACHE_LINE, 0);
    cc_striped_counter_free(counter);
    CHECK_EQ(cc_atomic_counter_bytes(), CC_CACHE_LINE);
    counter = cc_striped_counter_new(3);
    CHECK(sum_of(counter) == 3);
    CHECK_EQ(cc_striped_counter_bytes(counter) % CC_CACHE_LINE, 0);
    cc_striped_counter_free(counter);
}

/* In a thread that has no record yet, and gets none. */
static void without_memory(int index, void *argument) {
    cc_striped_counter *counter = argument;
    (void)index;
    cc_alloc_fail_from(0);
    CHECK(!cc_atomic_counter_new(0));
    CHECK(!cc_striped_counter_new(0));
    CHECK_EQ(cc_striped_counter_add(counter, 5), CC_COUNTER_OK);
    CHECK(sum_of(counter) == 5);
    cc_alloc_fail_from(-1);
}

static void test_without_memory(void) {
    begin_test("without memory there is no counter, but adds do not need any");
    cc_striped_counter *counter = cc_striped_counter_new(0);
    run_threads(1, without_memory, counter);
    cc_striped_counter_free(counter);
}

/* ---------------------------------------------------------------- threads */

enum { THREADS = 8 };

typedef struct shared {
    cc_atomic_counter *atomic;
    cc_striped_counter *striped, *second;
    int64_t rounds;
    int128 added[THREADS], taken[THREADS];
    _Atomic int working;
    _Atomic uint8_t *seen;
    uint64_t plain;
} shared;

static shared s;

static void begin_threads(int64_t rounds, uint32_t cells) {
    memset((void *)&s, 0, sizeof s);
    s.rounds = scaled(rounds);
    s.atomic = cc_atomic_counter_new(0);
    s.striped = cc_striped_counter_new_with(0, cells);
    s.second = cc_striped_counter_new_with(0, cells);
    atomic_store(&s.working, THREADS);
}

static void end_threads(void) {
    cc_atomic_counter_free(s.atomic);
    cc_striped_counter_free(s.striped);
    cc_striped_counter_free(s.second);
}

static int128 total(const int128 *of_threads) {
    int128 sum = 0;
    for (int i = 0; i < THREADS; i++) {
        sum += of_threads[i];
    }
    return sum;
}

static void add_ones(int index, void *argument) {
    (void)argument, (void)index;
    int64_t before = 0, now;
    for (int64_t i = 0; i < s.rounds; i++) {
        CHECK_EQ(cc_atomic_counter_add(s.atomic, 1, &now), CC_COUNTER_OK);
        CHECK(now > before);
        CHECK(!atomic_fetch_add(&s.seen[now - 1], 1)); /* the answer is nobody else's */
        before = now;
    }
}

static void test_answers_differ(void) {
    begin_test("threads that add 1: each answer comes once, and they are 1 .. all");
    begin_threads(100000, 1);
    s.seen = calloc((size_t)(s.rounds * THREADS), 1);
    run_threads(THREADS, add_ones, NULL);
    CHECK_EQ(cc_atomic_counter_get(s.atomic), THREADS * s.rounds);
    free((void *)s.seen);
    end_threads();
}

/* Amounts of both signs, about the edges too: what was refused is not counted. */
static void add_anything(int index, void *argument) {
    (void)argument;
    rng r = rng_from((uint64_t)index + 100);
    int64_t now;
    for (int64_t i = 0; i < s.rounds; i++) {
        int64_t amount = drawn(&r);
        if (cc_atomic_counter_add(s.atomic, amount, &now) == CC_COUNTER_OK) {
            s.added[index] += amount;
        }
    }
}

static void test_accounts_of_an_atomic_counter(void) {
    begin_test("threads that add anything: the value is the sum of what was not refused");
    begin_threads(100000, 1);
    run_threads(THREADS, add_anything, NULL);
    CHECK(fits(total(s.added)));
    CHECK_EQ(cc_atomic_counter_get(s.atomic), (int64_t)total(s.added));
    end_threads();
}

/* Half of the threads by compare_and_set, the others take everything out. */
static void move(int index, void *argument) {
    (void)argument;
    for (int64_t i = 0; i < s.rounds; i++) {
        if (index % 2) {
            s.taken[index] += cc_atomic_counter_get_and_set(s.atomic, 0);
            continue;
        }
        int64_t seen = cc_atomic_counter_get(s.atomic);
        while (!cc_atomic_counter_compare_and_set(s.atomic, seen, seen + 3)) {
            seen = cc_atomic_counter_get(s.atomic);
        }
        s.added[index] += 3;
    }
}

static void test_compare_and_set(void) {
    begin_test("compare_and_set beside get_and_set: what was added is taken out, or still there");
    begin_threads(100000, 1);
    run_threads(THREADS, move, NULL);
    CHECK(total(s.added) == total(s.taken) + cc_atomic_counter_get(s.atomic));
    end_threads();
}

static void add_or_reset(int index, void *argument) {
    (void)argument;
    rng r = rng_from((uint64_t)index + 200);
    for (int64_t i = 0; i < s.rounds; i++) {
        if (index == 0 && i % 16 == 0) {
            s.taken[index] += sum_then_reset(s.striped);
        }
        int64_t amount = drawn(&r);
        if (cc_striped_counter_add(s.striped, amount) == CC_COUNTER_OK) {
            s.added[index] += amount;
        }
    }
}

static void test_accounts_of_a_striped_counter(void) {
    begin_test("threads that add anything beside sum_then_reset: each add is in one answer");
    for (uint32_t cells = 1; cells <= 4; cells *= 2) {
        begin_threads(40000, cells);
        run_threads(THREADS, add_or_reset, NULL);
        CHECK(total(s.added) == total(s.taken) + sum_of(s.striped));
        end_threads();
    }
}

/* Sums of ones never go back, and are never more than what has begun. */
static void add_ones_or_look(int index, void *argument) {
    (void)argument;
    if (index) {
        for (int64_t i = 0; i < s.rounds; i++) {
            CHECK_EQ(cc_striped_counter_add(s.striped, 1), CC_COUNTER_OK);
            CHECK_EQ(cc_striped_counter_add(s.second, 1), CC_COUNTER_OK);
        }
        atomic_fetch_sub(&s.working, 1);
        return;
    }
    cc_striped_counter *const both[] = {s.striped, s.second};
    int64_t before[2] = {0}, sums[2];
    do {
        CHECK_EQ(cc_striped_counter_sum_all(both, 2, sums, NULL), CC_COUNTER_OK);
        CHECK(sums[0] >= before[0] && sums[1] >= before[1]);
        CHECK(sums[0] >= sums[1]); /* each add to the second comes after one to the first */
        CHECK(sums[0] <= (THREADS - 1) * s.rounds);
        before[0] = sums[0];
        before[1] = sums[1];
    } while (atomic_load(&s.working) > 1);
    CHECK_EQ(cc_striped_counter_sum_all(both, 2, sums, NULL), CC_COUNTER_OK);
    CHECK(sums[0] == (THREADS - 1) * s.rounds && sums[1] == sums[0]);
}

static void test_looking_on(void) {
    begin_test("sums of ones never go back, and what is counted first is never missing");
    for (uint32_t cells = 1; cells <= 4; cells *= 2) {
        begin_threads(40000, cells);
        run_threads(THREADS, add_ones_or_look, NULL);
        end_threads();
    }
}

/* No race, if what came before an add is visible to whoever sees it counted. */
static void tell_and_see(int index, void *argument) {
    const bool striped = argument != NULL;
    int64_t sum = 0;
    if (index == 0) {
        s.plain = 42;
        if (striped) {
            cc_striped_counter_add(s.striped, 1);
        } else {
            cc_atomic_counter_add(s.atomic, 1, NULL);
        }
        return;
    }
    do {
        sched_yield();
        if (striped) {
            cc_striped_counter_sum(s.striped, &sum, NULL);
        } else {
            sum = cc_atomic_counter_get(s.atomic);
        }
    } while (!sum);
    CHECK_EQ(s.plain, 42);
}

static void test_visibility(void) {
    begin_test("what came before an add is visible to whoever sees it counted");
    for (int64_t i = scaled(100); i; i--) {
        begin_threads(1, 2);
        run_threads(2, tell_and_see, NULL);
        run_threads(2, tell_and_see, &s);
        end_threads();
    }
}

int main(void) {
    test_sums_at_the_edges();
    test_against_a_model();
    test_striped_against_a_model();
    test_full_cells();
    test_many_sums();
    test_sizes();
    test_without_memory();
    test_answers_differ();
    test_accounts_of_an_atomic_counter();
    test_compare_and_set();
    test_accounts_of_a_striped_counter();
    test_looking_on();
    test_visibility();
    printf("passed\n");
    return 0;
}
