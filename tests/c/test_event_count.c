/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The event count with real threads: turns, deadlines, notifications that are passed on, the two
 * kinds of waiters, fork. Every order of steps of small programs is tried in
 * schedules/sched_event_count.c.
 */
#include <signal.h>
#include <sys/wait.h>

#include "check.h"
#include "sync/event_count.h"

static const uint64_t millisecond = 1000000;

static cc_waiter thread_waiter(void) {
    cc_waiter w;
    cc_waiter_init(&w, CC_WAITER_THREAD, NULL);
    return w;
}

/* ---------------------------------------------------------------- one thread */

static void test_turns(void) {
    begin_test("the oldest waiter is notified, of whichever kind; one that wakes in vain keeps its "
               "place in line");
    cc_event_count e;
    cc_event_count_init(&e);
    CHECK(cc_event_notify(&e) == NULL); /* nobody is there */
    cc_waiter a = thread_waiter(), b, c = thread_waiter(), d;
    cc_waiter_init(&b, CC_WAITER_FOREIGN, &b);
    cc_waiter_init(&d, CC_WAITER_FOREIGN, &d);
    cc_waiter_enqueue(&e, &a, false);
    cc_waiter_enqueue(&e, &b, false);
    cc_waiter_enqueue(&e, &c, false);
    cc_waiter_enqueue(&e, &d, false);
    CHECK_EQ(cc_load_relaxed_u32(&e.waiters), 4);
    CHECK(cc_event_notify(&e) == NULL);
    CHECK(cc_waiter_is_notified(&a) && !cc_waiter_is_notified(&c));
    CHECK(cc_event_notify(&e) == &b);
    CHECK(cc_waiter_leave(&a));
    CHECK(!cc_waiter_leave(&a)); /* once is enough */
    cc_waiter_enqueue(&e, &a, true);
    CHECK(cc_event_notify(&e) == NULL);
    CHECK(cc_waiter_leave(&a)); /* before c */
    cc_waiter_enqueue(&e, &a, false);
    CHECK(cc_event_notify(&e) == NULL);
    CHECK(cc_waiter_is_notified(&c) && !cc_waiter_is_notified(&a)); /* after c */
    CHECK(cc_waiter_leave(&b) && cc_waiter_leave(&c));
    CHECK(!cc_waiter_leave(&d)); /* gives up */
    CHECK(cc_event_notify(&e) == NULL);
    CHECK(cc_waiter_leave(&a));
    CHECK_EQ(cc_load_relaxed_u32(&e.waiters), 0);
}

static void test_taking_back(void) {
    begin_test(
        "the notification of a foreign waiter is followed by it, or taken from it; not both");
    cc_event_count e;
    cc_event_count_init(&e);
    cc_waiter w;
    cc_waiter_init(&w, CC_WAITER_FOREIGN, &w);
    CHECK_EQ(cc_waiter_leave_line(&w), CC_LEFT); /* has not come yet */
    cc_waiter_enqueue(&e, &w, true);
    CHECK(!cc_waiter_take(&w)); /* it has none */
    CHECK_EQ(cc_waiter_leave_line(&w), CC_LEFT);
    for (int taken = 0; taken < 2; taken++) {
        cc_waiter_enqueue(&e, &w, true);
        CHECK(cc_event_notify(&e) == &w);
        CHECK(!taken || cc_waiter_take(&w));
        CHECK_EQ(cc_waiter_leave_line(&w), taken ? CC_TAKEN : CC_NOTIFIED);
        CHECK(!cc_waiter_take(&w));
        CHECK_EQ(cc_waiter_leave_line(&w), CC_LEFT);
    }
}

/* Shuffled, ascending or descending: the order in which they return. */
static void test_many_return(void) {
    begin_test("a place is found in a few steps, however many stand in line or return");
    enum { MANY = 4096 };
    static cc_waiter w[MANY];
    cc_event_count e;
    for (int order = 0; order < 4; order++) {
        cc_event_count_init(&e);
        for (int i = 0; i < MANY; i++) {
            w[i] = thread_waiter();
            cc_waiter_enqueue(&e, &w[i], true);
        }
        CHECK_EQ(e.passed, 0); /* who comes is the last */
        const int together = order == 3 ? 1 : MANY / 2;
        for (int begin = 0; begin < MANY / 2; begin += together) {
            for (int i = 0; i < together; i++) {
                cc_event_notify(&e);
                CHECK(cc_waiter_leave(&w[order == 3 ? 0 : i]));
            }
            for (int i = 0; i < together; i++) {
                int next = order == 0   ? i
                           : order == 1 ? together - 1 - i
                           : order == 2 ? i ^ 7 /* not quite in order */
                                        : 0;
                cc_waiter_enqueue(&e, &w[next], true);
            }
        }
        CHECK(e.passed <= 8 * MANY);
        printf("    order %d: %" PRIu64 " waiters passed by %d that returned\n", order, e.passed,
               MANY / 2);
        for (int i = 0; i < MANY; i++) { /* all are in their places */
            cc_event_notify(&e);
            CHECK(cc_waiter_leave(&w[i]));
        }
    }
}

static int count_owner(void *owner, void *argument) {
    int *seen = argument;
    CHECK(owner);
    return ++*seen == 3 ? 42 : 0;
}

static void test_all_at_once(void) {
    begin_test("notify_all, take_foreign, and a walk over the foreign ones");
    enum { MANY = 100 };
    static cc_waiter w[MANY];
    cc_event_count e;
    cc_event_count_init(&e);
    CHECK(cc_event_notify_all(&e) == NULL);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < MANY; i++) {
            cc_waiter_init(&w[i], i % 2 ? CC_WAITER_FOREIGN : CC_WAITER_THREAD, &w[i]);
            cc_waiter_enqueue(&e, &w[i], false);
        }
        int seen = 10;
        CHECK_EQ(cc_event_visit_foreign(&e, count_owner, &seen), 0);
        CHECK_EQ(seen, 10 + MANY / 2);
        seen = 0;
        CHECK_EQ(cc_event_visit_foreign(&e, count_owner, &seen), 42);
        int chained = 0;
        cc_waiter *chain = round ? cc_event_take_foreign(&e) : cc_event_notify_all(&e);
        for (; chain; chain = chain->next) {
            CHECK(chain == &w[2 * chained + 1]); /* in the order of their turns */
            chained++;
        }
        CHECK_EQ(chained, MANY / 2);
        CHECK_EQ(cc_load_relaxed_u32(&e.waiters), round ? MANY / 2 : 0);
        for (int i = 0; i < MANY; i++) {
            CHECK_EQ(cc_waiter_leave(&w[i]), !round || i % 2);
        }
        CHECK_EQ(cc_load_relaxed_u32(&e.waiters), 0);
    }
}

static void notice(int number) {
    (void)number;
}

static void test_deadlines_and_signals(void) {
    begin_test("a sleep ends at its deadline, at a signal, and at once when notified before");
    cc_event_count e;
    cc_event_count_init(&e);
    cc_waiter w = thread_waiter();
    cc_waiter_enqueue(&e, &w, false);
    uint64_t deadline = cc_os_now() + 20 * millisecond;
    CHECK_EQ(cc_waiter_sleep(&w, 10, deadline), CC_PARK_TIMED_OUT);
    CHECK(cc_os_now() >= deadline);
    struct sigaction action = {.sa_handler = notice}; /* no SA_RESTART */
    CHECK_EQ(sigaction(SIGALRM, &action, NULL), 0);
    ualarm(20000, 20000);
    cc_park_result result = cc_waiter_sleep(&w, 0, cc_os_now() + 10000 * millisecond);
    ualarm(0, 0);
    CHECK_EQ(result, CC_PARK_INTERRUPTED);
    signal(SIGALRM, SIG_DFL);
    begin_test("    (the watchdog is back)");
    CHECK(!cc_waiter_is_notified(&w));
    cc_event_notify(&e);
    CHECK_EQ(cc_waiter_sleep(&w, 0, CC_PARK_FOREVER), CC_PARK_WOKEN);
    CHECK(cc_waiter_leave(&w));
}

/* ---------------------------------------------------------------- permits */

/* Givers and takers of permits. Some takers give up after a moment without a last look, so that a
 * notification that reaches them is lost unless they pass it on. */
typedef struct permits {
    cc_event_count event;
    cc_atomic_u64 free;
    int64_t rounds; /* of each thread */
    int givers, takers, impatient;
    _Atomic int64_t taken, gave_up, passed_on;
} permits;

static bool take(permits *p) {
    uint64_t free = cc_load_acquire_u64(&p->free);
    while (free) {
        if (cc_cas_acq_rel_u64(&p->free, &free, free - 1)) {
            return true;
        }
    }
    return false;
}

static bool wait_for_permit(permits *p, cc_waiter *w, bool impatient, rng *r) {
    for (bool has_place = false; !take(p); has_place = true) {
        cc_waiter_enqueue(&p->event, w, has_place);
        if (take(p)) {
            if (cc_waiter_leave(w)) {
                atomic_fetch_add(&p->passed_on, 1);
                cc_event_notify(&p->event);
            }
            return true;
        }
        uint64_t deadline =
            impatient ? cc_os_now() + (uint64_t)rng_below(r, 3000) : CC_PARK_FOREVER;
        cc_park_result result = cc_waiter_sleep(w, (uint32_t)rng_below(r, 3) * 50, deadline);
        bool was_notified = cc_waiter_leave(w);
        if (result == CC_PARK_TIMED_OUT) {
            atomic_fetch_add(&p->gave_up, 1);
            if (was_notified) {
                atomic_fetch_add(&p->passed_on, 1);
                cc_event_notify(&p->event);
            }
            return false;
        }
    }
    return true;
}

static void give_or_take(int index, void *argument) {
    permits *p = argument;
    rng r = rng_from((uint64_t)index);
    if (index < p->givers) {
        for (int64_t i = 0; i < p->rounds; i++) {
            cc_fetch_add_acq_rel_u64(&p->free, 1);
            CHECK(cc_event_notify(&p->event) == NULL);
            if (rng_below(&r, 32) == 0) {
                usleep(20);
            }
        }
        return;
    }
    bool impatient = index >= p->givers + p->takers;
    cc_waiter w = thread_waiter();
    for (int64_t i = 0; i < p->rounds;) {
        if (wait_for_permit(p, &w, impatient, &r)) {
            if (impatient) { /* gives it back: the patient ones need them all */
                cc_fetch_add_acq_rel_u64(&p->free, 1);
                cc_event_notify(&p->event);
            } else {
                atomic_fetch_add(&p->taken, 1);
            }
            i++;
        } else if (atomic_load(&p->taken) == p->rounds * p->givers) {
            return; /* there will be no more */
        }
    }
}

static void test_permits(void) {
    begin_test("permits: nobody sleeps beside one, though some give up all the time");
    for (int i = 0; i < 3; i++) {
        permits p = {.rounds = scaled(20000), .givers = 1 + i, .takers = 1 + i, .impatient = i * 2};
        cc_event_count_init(&p.event);
        run_threads(p.givers + p.takers + p.impatient, give_or_take, &p);
        CHECK_EQ(p.taken, p.rounds * p.givers);
        CHECK_EQ(cc_load_relaxed_u64(&p.free), 0);
        CHECK_EQ(cc_load_relaxed_u32(&p.event.waiters), 0);
        printf("    %d give, %d take, %d give up: %" PRId64 " times, %" PRId64 " passed on\n",
               p.givers, p.takers, p.impatient, p.gave_up, p.passed_on);
    }
}

/* ---------------------------------------------------------------- fork */

static cc_event_count inherited;
static _Atomic int is_asleep;

static void *sleep_for_ever(void *argument) {
    cc_waiter w = thread_waiter();
    (void)argument;
    cc_waiter_enqueue(&inherited, &w, false);
    atomic_store(&is_asleep, 1);
    while (cc_waiter_sleep(&w, 0, CC_PARK_FOREVER) != CC_PARK_WOKEN) {
    }
    CHECK(cc_waiter_leave(&w));
    return NULL;
}

static void *notify_soon(void *argument) {
    usleep(10000);
    cc_event_notify(argument);
    return NULL;
}

static void expect_a_working_event_count(cc_event_count *e) {
    cc_waiter w = thread_waiter();
    CHECK(cc_event_notify(e) == NULL); /* forgets the dead */
    CHECK_EQ(cc_load_relaxed_u32(&e->waiters), 0);
    cc_waiter_enqueue(e, &w, false);
#ifdef CC_TSAN /* wants no new threads in a child of several */
    notify_soon(e);
    CHECK_EQ(cc_waiter_sleep(&w, 0, CC_PARK_FOREVER), CC_PARK_WOKEN);
#else
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, notify_soon, e), 0);
    CHECK_EQ(cc_waiter_sleep(&w, 0, CC_PARK_FOREVER), CC_PARK_WOKEN);
    pthread_join(thread, NULL);
#endif
    CHECK(cc_waiter_leave(&w));
}

static void expect_success(pid_t child) {
    int status = -1;
    CHECK(child > 0);
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
}

static void test_fork(void) {
    begin_test(
        "fork: the child has none of the parent's waiters, and no lock that a dead thread held");
    if (!may_start_threads_after_fork()) {
        return;
    }
    pthread_t thread;
    cc_event_count locked;
    cc_event_count_init(&inherited);
    cc_event_count_init(&locked);
    cc_waiter foreign;
    cc_waiter_init(&foreign, CC_WAITER_FOREIGN, &foreign);
    cc_waiter_enqueue(&locked, &foreign, false);
    /* As if another thread were just changing the list. */
    CHECK_EQ(cc_fetch_or_acq_rel_u32(&locked.lock, 1), 0);
    CHECK_EQ(pthread_create(&thread, NULL, sleep_for_ever, NULL), 0);
    while (!atomic_load(&is_asleep)) {
        usleep(1000);
    }
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(60);
        int seen = 0;
        CHECK_EQ(cc_event_visit_foreign(&locked, count_owner, &seen), 0);
        CHECK_EQ(seen, 0);
        CHECK_EQ(cc_event_waiters(&inherited), 0);
        CHECK(!cc_waiter_leave(&foreign)); /* the survivor's own one: touches no list */
        expect_a_working_event_count(&inherited);
        expect_a_working_event_count(&locked);
        pid_t grandchild = fork();
        if (grandchild == 0) {
            alarm(60);
            expect_a_working_event_count(&inherited);
            _exit(0);
        }
        expect_success(grandchild);
        _exit(0);
    }
    expect_success(child);
    CHECK_EQ(cc_event_waiters(&inherited), 1); /* the parent's are there as before */
    cc_event_notify(&inherited);
    pthread_join(thread, NULL);
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    test_turns();
    test_taking_back();
    test_many_return();
    test_all_at_once();
    test_deadlines_and_signals();
    test_permits();
    test_fork();
    printf("passed\n");
    return 0;
}
