/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Parking: no wake is lost, deadlines pass, a word that has changed keeps nobody waiting, signals
 * come through. A lost wake shows as a hang, which ends with the watchdog of begin_test().
 */
#include <signal.h>

#include "check.h"
#include "platform/cc_os.h"

static const uint64_t millisecond = 1000000;

#if defined(CC_PARK_BY_CONDVAR)
#include <time.h>

/* The linker leads the calls through here: a wait by the wall's clock would end when that is
 * set. */
static _Atomic int looks_at_the_wall;
int __real_clock_gettime(clockid_t clock, struct timespec *t);
int __wrap_clock_gettime(clockid_t clock, struct timespec *t);
int __wrap_clock_gettime(clockid_t clock, struct timespec *t) {
    looks_at_the_wall += clock == CLOCK_REALTIME;
    return __real_clock_gettime(clock, t);
}
#endif

static void test_at_once(void) {
    begin_test("a word that has changed, a deadline that has passed");
    cc_atomic_u32 word = {5};
    CHECK_EQ(cc_park(&word, 4, CC_PARK_FOREVER), CC_PARK_WOKEN);
    CHECK_EQ(cc_park(&word, 5, cc_os_now() - 1), CC_PARK_TIMED_OUT);
    CHECK_EQ(cc_park(&word, 5, 0), CC_PARK_TIMED_OUT);
    cc_unpark_one(&word); /* nobody is there */
    cc_unpark_all(&word);
    uint64_t before = cc_os_now(), deadline = before + 20 * millisecond;
    cc_park_result result;
    while ((result = cc_park(&word, 5, deadline)) != CC_PARK_TIMED_OUT) {
        CHECK(result == CC_PARK_WOKEN || result == CC_PARK_INTERRUPTED); /* for no reason */
    }
    CHECK(cc_os_now() >= deadline); /* never too early */
    printf("    by %s; 20 ms took %.1f ms; %u processors\n", cc_park_name(),
           (double)(cc_os_now() - before) / (double)millisecond, cc_os_cpu_count());
    CHECK(cc_os_cpu_count() >= 1);
    cc_os_yield();
}

/* ---------------------------------------------------------------- ping-pong: each wake matters */

typedef struct table {
    int64_t rounds;
    cc_atomic_u32 word; /* whose turn it is, modulo the players */
    uint32_t players;
    bool wakes_all;
} table;

static void play(int index, void *argument) {
    table *t = argument;
    for (int64_t i = 0; i < t->rounds; i++) {
        for (;;) {
            uint32_t seen = cc_load_acquire_u32(&t->word);
            if (seen % t->players == (uint32_t)index) {
                break;
            }
            CHECK(cc_park(&t->word, seen, CC_PARK_FOREVER) != CC_PARK_TIMED_OUT);
        }
        cc_fetch_add_seq_cst_u32(&t->word, 1);
        if (t->wakes_all) {
            cc_unpark_all(&t->word);
        } else {
            cc_unpark_one(&t->word);
        }
    }
}

static void test_turns(void) {
    begin_test("taking turns: two players and unpark_one, five and unpark_all");
    table two = {.rounds = scaled(10000), .players = 2};
    run_threads(2, play, &two);
    CHECK_EQ(cc_load_relaxed_u32(&two.word), 2 * two.rounds);
    table five = {.rounds = scaled(2000), .players = 5, .wakes_all = true};
    run_threads(5, play, &five);
    CHECK_EQ(cc_load_relaxed_u32(&five.word), 5 * five.rounds);
}

/* ---------------------------------------------------------------- a semaphore with a waiter
 * count */

typedef struct semaphore {
    int64_t rounds;
    cc_atomic_u32 permits, waiters;
    _Atomic int64_t timeouts;
    cc_atomic_u64 fence;
} semaphore;

/* Half of the threads give, half take; takers park only when there is nothing, givers wake only
 * when somebody waits: the handshake that loses wakes when either side lacks its fence. */
static void give_or_take(int index, void *argument) {
    semaphore *s = argument;
    rng r = rng_from((uint64_t)index);
    for (int64_t i = 0; i < s->rounds; i++) {
        if (index % 2 == 0) {
            cc_fetch_add_seq_cst_u32(&s->permits, 1);
            cc_fence_seq_cst(&s->fence);
            if (cc_load_seq_cst_u32(&s->waiters)) {
                cc_unpark_one(&s->permits);
            }
            if (rng_below(&r, 64) == 0) {
                usleep(20);
            }
            continue;
        }
        for (;;) {
            uint32_t permits = cc_load_acquire_u32(&s->permits);
            if (permits) {
                if (cc_cas_seq_cst_u32(&s->permits, &permits, permits - 1)) {
                    break;
                }
                continue;
            }
            cc_fetch_add_seq_cst_u32(&s->waiters, 1);
            cc_fence_seq_cst(&s->fence);
            uint64_t deadline =
                rng_below(&r, 4) ? CC_PARK_FOREVER : cc_os_now() + (uint64_t)rng_below(&r, 100000);
            if (cc_park(&s->permits, 0, deadline) == CC_PARK_TIMED_OUT) {
                atomic_fetch_add(&s->timeouts, 1);
            }
            cc_fetch_sub_acq_rel_u32(&s->waiters, 1);
        }
    }
}

static void test_semaphore(void) {
    begin_test("a semaphore whose givers wake only when somebody waits; some waits time out");
    for (int threads = 2; threads <= 8; threads += 6) {
        semaphore s = {.rounds = scaled(20000)};
        run_threads(threads, give_or_take, &s);
        CHECK_EQ(cc_load_relaxed_u32(&s.permits), 0);
        CHECK_EQ(cc_load_relaxed_u32(&s.waiters), 0);
        printf("    %d threads, %" PRId64 " waits timed out\n", threads, s.timeouts);
    }
}

/* ---------------------------------------------------------------- everybody at once, and
 * signals */

typedef struct gate {
    cc_atomic_u32 open;
    _Atomic int inside, interrupted;
} gate;

static void wait_at_gate(int index, void *argument) {
    gate *g = argument;
    if (index == 0) {
        while (atomic_load(&g->inside) < 19) {
            usleep(100);
        }
        cc_fetch_add_seq_cst_u32(&g->open, 1);
        cc_unpark_all(&g->open);
        return;
    }
    atomic_fetch_add(&g->inside, 1);
    while (!cc_load_acquire_u32(&g->open)) {
        cc_park(&g->open, 0, CC_PARK_FOREVER);
    }
}

static void notice(int number) {
    (void)number;
}

static void *wait_for_signal(void *argument) {
    gate *g = argument;
    atomic_fetch_add(&g->inside, 1);
    while (!cc_load_acquire_u32(&g->open)) {
        if (cc_park(&g->open, 0, CC_PARK_FOREVER) == CC_PARK_INTERRUPTED) {
            atomic_store(&g->interrupted, 1);
        }
    }
    return NULL;
}

static void test_gate_and_signals(void) {
    begin_test("unpark_all lets nineteen in; a signal interrupts a wait");
    for (int64_t i = scaled(50); i > 0; i--) {
        gate g;
        memset((void *)&g, 0, sizeof g);
        run_threads(20, wait_at_gate, &g);
    }
    struct sigaction action = {.sa_handler = notice}; /* no SA_RESTART */
    CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
    static gate g;
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, wait_for_signal, &g), 0);
    while (!atomic_load(&g.interrupted)) { /* the first ones may come before the wait */
        usleep(1000);
        CHECK_EQ(pthread_kill(thread, SIGUSR1), 0);
    }
    cc_fetch_add_seq_cst_u32(&g.open, 1);
    cc_unpark_all(&g.open);
    pthread_join(thread, NULL);
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    test_at_once();
    test_turns();
    test_semaphore();
    test_gate_and_signals();
#if defined(CC_PARK_BY_CONDVAR)
    CHECK_EQ(looks_at_the_wall, 0);
    CHECK(!strcmp(cc_park_name(), "condvar"));
#endif
    printf("passed\n");
    return 0;
}
