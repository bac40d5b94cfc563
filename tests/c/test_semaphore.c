/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The semaphore with real threads: counts, turns, barging or not, bounds; threads that wait, give up
 * and pass on, with every permit accounted for; histories that a counter explains. Every order of
 * steps of small programs is tried in schedules/sched_semaphore.c.
 */
#include "semaphore_judge.h"
#include "sync/semaphore.h"

typedef struct a_semaphore {
    cc_event_count line;
    cc_semaphore s;
} a_semaphore;

static void begin_semaphore(a_semaphore *a, uint64_t value, uint64_t most, bool is_fair) {
    cc_event_count_init(&a->line);
    cc_semaphore_begin(&a->s, &a->line, value, most, is_fair);
}

static void wake(a_semaphore *a, uint64_t n) {
    CHECK(cc_semaphore_wake(&a->s, &n) == NULL); /* there are threads only */
}

/* ---------------------------------------------------------------- one thread */

static void test_counts(void) {
    begin_test("permits are counted, up to the bound, and not beyond");
    static const uint64_t sizes[] = {0, 1, 2, 7, CC_MOST_PERMITS};
    for (int fair = 0; fair < 2; fair++) {
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            a_semaphore a;
            begin_semaphore(&a, sizes[i], sizes[i], fair);
            CHECK(!cc_semaphore_give(&a.s, 1) && !cc_semaphore_give(&a.s, CC_MOST_PERMITS));
            CHECK_EQ(cc_semaphore_value(&a.s), sizes[i]);
            CHECK(cc_semaphore_try(&a.s) == (sizes[i] > 0));
            if (sizes[i]) {
                CHECK(!cc_semaphore_give(&a.s, 2));
                CHECK(cc_semaphore_give(&a.s, 1));
                CHECK(!cc_semaphore_give(&a.s, 1));
            }
            CHECK_EQ(cc_semaphore_value(&a.s), sizes[i]);
        }
        a_semaphore a;
        begin_semaphore(&a, 0, CC_MOST_PERMITS, fair);
        CHECK(!cc_semaphore_try(&a.s));
        CHECK(cc_semaphore_give(&a.s, 3));
        CHECK(cc_semaphore_try(&a.s) && cc_semaphore_try(&a.s) && cc_semaphore_try(&a.s));
        CHECK(!cc_semaphore_try(&a.s));
    }
}

static void enqueue(a_semaphore *a, cc_waiter *w, cc_waiter_kind kind) {
    cc_waiter_init(w, kind, w);
    CHECK(!cc_waiter_enqueue(&a->line, w, true));
}

static void test_waking(void) {
    begin_test("a give of n wakes n, the oldest first, tasks among them, and stops with the line");
    for (int fair = 0; fair < 2; fair++) {
        a_semaphore a;
        cc_waiter w[4];
        begin_semaphore(&a, 0, CC_MOST_PERMITS, fair);
        enqueue(&a, &w[0], CC_WAITER_THREAD);
        enqueue(&a, &w[1], CC_WAITER_FOREIGN);
        enqueue(&a, &w[2], CC_WAITER_THREAD);
        enqueue(&a, &w[3], CC_WAITER_THREAD);
        uint64_t n = 3;
        CHECK(cc_semaphore_give(&a.s, n));
        CHECK(cc_semaphore_wake(&a.s, &n) == &w[1] && n == 1);
        CHECK(cc_semaphore_wake(&a.s, &n) == NULL);
        CHECK(cc_waiter_is_notified(&w[0]) && cc_waiter_is_notified(&w[2]));
        CHECK(!cc_waiter_is_notified(&w[3]));
        /* It looks for itself as long as the task may not have followed, if there can be anything. */
        CHECK(a.line.watcher == (fair ? NULL : &w[3]));
        CHECK_EQ(cc_semaphore_value(&a.s), fair ? 0 : 3); /* they have been handed over */
        n = UINT64_C(1) << 60; /* more than there are waiters */
        CHECK(cc_semaphore_give(&a.s, n));
        CHECK(cc_semaphore_wake(&a.s, &n) == NULL);
        for (int i = 0; i < 4; i++) {
            CHECK(cc_waiter_leave(&w[i]));
        }
        CHECK_EQ(cc_semaphore_value(&a.s), (INT64_C(1) << 60) + (fair ? -1 : 3));
    }
}

static void test_barging(void) {
    begin_test(
        "who comes takes a permit before those who were woken; not if the semaphore is fair");
    for (int fair = 0; fair < 2; fair++) {
        a_semaphore a;
        cc_waiter first, second;
        begin_semaphore(&a, 0, CC_MOST_PERMITS, fair);
        enqueue(&a, &first, CC_WAITER_THREAD);
        enqueue(&a, &second, CC_WAITER_THREAD);
        CHECK(cc_semaphore_give(&a.s, 1));
        CHECK(cc_semaphore_try(&a.s) == !fair); /* before anybody was told */
        wake(&a, 1);
        CHECK(cc_waiter_is_notified(&first));
        CHECK(!cc_semaphore_try(&a.s));
        CHECK(cc_waiter_leave(&first)); /* fair: it has the permit */
        CHECK(!cc_waiter_leave(&second));
        CHECK(!cc_semaphore_try(&a.s));
        /* Nobody waits any more: it is a counter again. */
        CHECK(cc_semaphore_give(&a.s, 1));
        CHECK(cc_semaphore_try(&a.s));
    }
}

static void test_passing_on(void) {
    begin_test("fair: who does not follow its notification passes the permit on");
    a_semaphore a;
    cc_waiter w[3];
    begin_semaphore(&a, 0, 1, true);
    enqueue(&a, &w[0], CC_WAITER_THREAD);
    enqueue(&a, &w[1], CC_WAITER_FOREIGN);
    enqueue(&a, &w[2], CC_WAITER_THREAD);
    CHECK(cc_semaphore_give(&a.s, 1));
    wake(&a, 1);
    CHECK(cc_waiter_leave(&w[0]));
    CHECK(cc_event_pass_on(&a.line) == &w[1]);
    CHECK(cc_waiter_take(&w[1]));
    CHECK(cc_event_pass_on(&a.line) == NULL);
    CHECK_EQ(cc_waiter_leave_line(&w[1]), CC_TAKEN);
    CHECK(cc_waiter_leave(&w[2]));
    CHECK_EQ(cc_semaphore_value(&a.s), 0);
    CHECK(cc_event_pass_on(&a.line) == NULL);
    CHECK_EQ(cc_semaphore_value(&a.s), 1); /* back, since nobody is there */
    /* Somebody gives one that was not theirs while one is being handed over: the bound is kept. */
    CHECK(cc_semaphore_try(&a.s));
    enqueue(&a, &w[0], CC_WAITER_THREAD);
    CHECK(cc_semaphore_give(&a.s, 1));
    wake(&a, 1);
    CHECK(cc_semaphore_give(&a.s, 1));
    CHECK(cc_waiter_leave(&w[0]));
    CHECK(cc_event_pass_on(&a.line) == NULL);
    CHECK_EQ(cc_semaphore_value(&a.s), 1);
}

static void test_standing_in_line(void) {
    begin_test("fair: who gets in line and is the first finds a permit that came just before");
    a_semaphore a;
    cc_waiter first, second;
    begin_semaphore(&a, 0, 9, true);
    CHECK(cc_semaphore_give(&a.s, 1)); /* and nobody has been told yet */
    cc_waiter_init(&first, CC_WAITER_THREAD, NULL);
    CHECK(cc_waiter_enqueue(&a.line, &first, true));
    CHECK_EQ(cc_load_relaxed_u32(&a.line.waiters), 0);
    CHECK(cc_waiter_leave(&first));
    CHECK_EQ(cc_semaphore_value(&a.s), 0);
    enqueue(&a, &first, CC_WAITER_THREAD);
    CHECK(cc_semaphore_give(&a.s, 1));
    enqueue(&a, &second, CC_WAITER_THREAD); /* not the first: it leaves the permit alone */
    wake(&a, 1);
    CHECK(cc_waiter_leave(&first) && !cc_waiter_leave(&second));
    /* A foreign one: it has answered when it leaves. */
    CHECK(cc_semaphore_give(&a.s, 1));
    cc_waiter_init(&first, CC_WAITER_FOREIGN, &first);
    CHECK(cc_waiter_enqueue(&a.line, &first, true));
    CHECK_EQ(cc_load_relaxed_u32(&a.line.unanswered), 1);
    CHECK_EQ(cc_waiter_leave_line(&first), CC_NOTIFIED);
    CHECK_EQ(cc_load_relaxed_u32(&a.line.unanswered), 0);
}

static void test_all_out(void) {
    begin_test("fair: tasks that the collector takes out of the line have no permit to pass on");
    a_semaphore a;
    cc_waiter w[2];
    begin_semaphore(&a, 0, 9, true);
    enqueue(&a, &w[0], CC_WAITER_FOREIGN);
    enqueue(&a, &w[1], CC_WAITER_FOREIGN);
    CHECK(cc_event_take_foreign(&a.line) == &w[0]);
    CHECK_EQ(cc_waiter_leave_line(&w[0]), CC_TAKEN);
    CHECK_EQ(cc_waiter_leave_line(&w[1]), CC_TAKEN);
    CHECK_EQ(cc_load_relaxed_u32(&a.line.unanswered), 0);
}

/* ---------------------------------------------------------------- waiting threads */

typedef enum outcome { GOT, TIMED_OUT, GAVE_UP } outcome;

/* As every caller has to do it. `patience`: nanoseconds; 0: for ever. */
static outcome acquire(a_semaphore *a, uint64_t patience, bool gives_up, rng *r,
                       _Atomic int64_t *passed_on, bool *stood) {
    *stood = false;
    if (cc_semaphore_try(&a->s)) {
        return GOT;
    }
    cc_waiter w;
    uint64_t deadline = patience ? cc_os_now() + patience : CC_PARK_FOREVER;
    cc_waiter_init(&w, CC_WAITER_THREAD, NULL);
    for (;;) {
        *stood = true;
        cc_waiter_enqueue(&a->line, &w, true);
        if (!a->s.is_fair && cc_semaphore_try(&a->s)) {
            if (cc_waiter_leave(&w)) {
                CHECK(cc_event_pass_on(&a->line) == NULL);
            }
            return GOT;
        }
        cc_park_result result = cc_waiter_sleep(&w, (uint32_t)rng_below(r, 3) * 50, deadline);
        bool was_notified = cc_waiter_leave(&w);
        if (result == CC_PARK_TIMED_OUT && gives_up) {
            if (was_notified) {
                atomic_fetch_add(passed_on, 1);
                CHECK(cc_event_pass_on(&a->line) == NULL);
            }
            return GAVE_UP;
        }
        if ((was_notified && a->s.is_fair) || cc_semaphore_try(&a->s)) {
            return GOT;
        }
        if (result == CC_PARK_TIMED_OUT) {
            return TIMED_OUT;
        }
    }
}

typedef struct shared {
    a_semaphore a;
    uint64_t most;
    int64_t rounds;
    _Atomic uint64_t inside;
    uint64_t plain; /* with one permit: changed only by the thread that holds it */
    _Atomic int64_t got, timed_out, gave_up, passed_on, refused;
} shared;

static void use_permits(int index, void *argument) {
    shared *s = argument;
    rng r = rng_from((uint64_t)index);
    for (int64_t i = 0; i < s->rounds; i++) {
        const int kind = (int)rng_below(&r, 4);
        bool has_one;
        if (kind == 0) {
            has_one = cc_semaphore_try(&s->a.s);
            atomic_fetch_add(has_one ? &s->got : &s->refused, 1);
        } else {
            outcome o = acquire(&s->a, kind == 1 ? 0 : 1 + (uint64_t)rng_below(&r, 3000), kind == 2,
                                &r, &s->passed_on, &(bool){false});
            has_one = o == GOT;
            atomic_fetch_add(o == GOT ? &s->got : o == TIMED_OUT ? &s->timed_out : &s->gave_up, 1);
        }
        if (has_one) {
            CHECK(atomic_fetch_add(&s->inside, 1) < s->most);
            if (s->most == 1) {
                s->plain++;
            }
            if (rng_below(&r, 64) == 0) {
                sched_yield();
            }
            atomic_fetch_sub(&s->inside, 1);
            CHECK(cc_semaphore_give(&s->a.s, 1));
            wake(&s->a, 1);
        }
    }
}

static void test_permits_in_and_out(void) {
    begin_test("more threads than processors, of which some give up: never more inside than there "
               "are permits, "
               "and in the end all are back");
    for (int fair = 0; fair < 2; fair++) {
        for (uint64_t most = 1; most <= 3; most++) {
            static shared s;
            memset((void *)&s, 0, sizeof s);
            s.rounds = scaled(6000);
            s.most = most;
            begin_semaphore(&s.a, most, most, fair);
            enum { THREADS = 6 };
            run_threads(THREADS, use_permits, &s);
            CHECK_EQ(cc_semaphore_value(&s.a.s), most);
            CHECK_EQ(cc_load_relaxed_u32(&s.a.line.waiters), 0);
            CHECK_EQ(s.got + s.timed_out + s.gave_up + s.refused, THREADS * s.rounds);
            CHECK(most > 1 || (int64_t)s.plain == s.got);
            printf("    %s, %d: %" PRId64 " got one, %" PRId64 " timed out, %" PRId64
                   " gave up, %" PRId64 " passed on\n",
                   fair ? "fair" : "barging", (int)most, s.got, s.timed_out, s.gave_up,
                   s.passed_on);
        }
    }
}

/* Givers that only give, several at once; takers that keep what they get. Nobody may sleep on beside a permit: then
 * this would not end. */
typedef struct flow {
    a_semaphore a;
    int64_t rounds;
    int takers;
    _Atomic int64_t taken, passed_on;
} flow;

static void give_or_take(int index, void *argument) {
    flow *f = argument;
    rng r = rng_from((uint64_t)index + 50);
    if (index >= f->takers) {
        for (int64_t left = f->rounds * f->takers; left;) {
            int64_t n = 1 + rng_below(&r, 5);
            n = n < left ? n : left;
            CHECK(cc_semaphore_give(&f->a.s, (uint64_t)n));
            wake(&f->a, (uint64_t)n);
            left -= n;
            if (rng_below(&r, 16) == 0) {
                usleep(20);
            }
        }
        return;
    }
    for (int64_t i = 0; i < f->rounds;) {
        bool hurries = rng_below(&r, 4) == 0;
        i += acquire(&f->a, hurries ? 500 : 0, true, &r, &f->passed_on, &(bool){false}) == GOT;
    }
    atomic_fetch_add(&f->taken, f->rounds);
}

static void test_givers_and_takers(void) {
    begin_test("one gives, several at once, and others take: nobody sleeps beside a permit");
    for (int fair = 0; fair < 2; fair++) {
        static flow f;
        memset((void *)&f, 0, sizeof f);
        f.rounds = scaled(10000);
        f.takers = 3;
        begin_semaphore(&f.a, 0, CC_MOST_PERMITS, fair);
        run_threads(f.takers + 1, give_or_take, &f);
        CHECK_EQ(f.taken, f.rounds * f.takers);
        CHECK_EQ(cc_semaphore_value(&f.a.s), 0);
        printf("    %s: %" PRId64 " passed on\n", fair ? "fair" : "barging", f.passed_on);
    }
}

/* ---------------------------------------------------------------- histories */

enum { THREADS_IN_HISTORY = 4, OPERATIONS_EACH = 12 };

typedef struct recording {
    a_semaphore a;
    uint64_t value, most;
    bool is_fair, may_give_up;
    int64_t histories;
    _Atomic uint64_t ticket;
    _Atomic int64_t started, finished;
    _Atomic int64_t passed_on;
    int64_t counts[2][4];
    semaphore_operation ops[THREADS_IN_HISTORY * OPERATIONS_EACH];
} recording;

static void record(recording *rec, int thread, rng *r) {
    for (int i = 0; i < OPERATIONS_EACH; i++) {
        semaphore_operation *o = &rec->ops[thread * OPERATIONS_EACH + i];
        int64_t draw = rng_below(r, 10);
        o->thread = thread;
        o->name = draw < 3 ? S_TRY : draw < 6 ? S_ACQUIRE : S_GIVE;
        o->n = o->name == S_GIVE ? 1 + (uint64_t)rng_below(r, 2) : 0;
        o->before = atomic_fetch_add(&rec->ticket, 1);
        if (o->name == S_TRY) {
            o->answer = cc_semaphore_try(&rec->a.s);
        } else if (o->name == S_ACQUIRE) {
            outcome result =
                acquire(&rec->a, 1 + (uint64_t)rng_below(r, 20000), draw == 5 && rec->may_give_up,
                        r, &rec->passed_on, &o->stood_in_line);
            o->answer = result == GOT;
            o->name = result == GAVE_UP ? S_GAVE_UP : S_ACQUIRE;
        } else {
            o->answer = cc_semaphore_give(&rec->a.s, o->n);
            if (o->answer) {
                wake(&rec->a, o->n);
            }
        }
        o->after = atomic_fetch_add(&rec->ticket, 1);
    }
}

static void judge_recording(recording *rec) {
    const int n = THREADS_IN_HISTORY * OPERATIONS_EACH;
    for (int i = 0; i < n; i++) {
        rec->counts[rec->ops[i].answer][rec->ops[i].name]++;
    }
    verdict v = judge_semaphore(rec->ops, n, rec->value, rec->most, rec->is_fair);
    if (v != LEGAL) {
        fprintf(stderr, "a history that is %s, of a %s semaphore with %d of %d permits:\n",
                v == ILLEGAL ? "not linearizable" : "too hard to judge",
                rec->is_fair ? "fair" : "barging", (int)rec->value, (int)rec->most);
        print_semaphore_history(stderr, rec->ops, n);
        CHECK(v == LEGAL);
    }
}

static void record_many(int index, void *argument) {
    recording *rec = argument;
    rng r = rng_from((uint64_t)index + 7);
    for (int64_t h = 0; h < rec->histories; h++) {
        if (index == 0) {
            begin_semaphore(&rec->a, rec->value, rec->most, rec->is_fair);
            memset(rec->ops, 0, sizeof rec->ops);
            atomic_store(&rec->ticket, 1);
        }
        wait_for_all(&rec->started, (h + 1) * THREADS_IN_HISTORY);
        record(rec, index, &r);
        wait_for_all(&rec->finished, (h + 1) * THREADS_IN_HISTORY);
        if (index == 0) {
            judge_recording(rec);
        }
    }
}

static void test_histories(void) {
    begin_test("histories of threads are those of a counter");
    for (int fair = 0; fair < 2; fair++) {
        for (uint64_t value = 0; value < 3; value++) {
            static recording rec;
            memset((void *)&rec, 0, sizeof rec);
            rec.histories = scaled(400);
            rec.value = value;
            rec.most = value == 2 ? 3 : CC_MOST_PERMITS;
            rec.is_fair = fair;
            /* A permit that was handed over to one who gives up is out until it is passed on: gives that are too
             * many may get through meanwhile. */
            rec.may_give_up = !fair || value < 2;
            run_threads(THREADS_IN_HISTORY, record_many, &rec);
            printf("    %s, %d: of tries %" PRId64 " and %" PRId64 " in vain, of waits %" PRId64
                   " and %" PRId64 ", gives %" PRId64 " and %" PRId64 "\n",
                   fair ? "fair" : "barging", (int)value, rec.counts[1][S_TRY],
                   rec.counts[0][S_TRY], rec.counts[1][S_ACQUIRE], rec.counts[0][S_ACQUIRE],
                   rec.counts[1][S_GIVE], rec.counts[0][S_GIVE]);
        }
    }
}

/* ---- the judge is judged: legal by construction, and then spoilt ---- */

static int make_history(semaphore_operation *ops, int n, uint64_t value, uint64_t most, rng *r) {
    uint64_t free = value;
    for (int i = 0; i < n; i++) {
        semaphore_operation *o = &ops[i];
        uint64_t at = (uint64_t)(i + 1) * 10;
        *o = (semaphore_operation){.thread = i % 3,
                                   .name = (semaphore_operation_name)rng_below(r, 3)};
        o->before = at - (uint64_t)rng_below(r, 25) % at;
        o->after = at + (uint64_t)rng_below(r, 25);
        o->n = 1 + (uint64_t)rng_below(r, 2);
        o->answer = o->name == S_GIVE ? free + o->n <= most : free > 0;
        free = !o->answer ? free : o->name == S_GIVE ? free + o->n : free - 1;
    }
    return (int)free;
}

static void test_the_judge(void) {
    begin_test("the judge passes histories that are legal, and refuses what was made of them");
    rng r = rng_from(4);
    int refused = 0;
    const int all = (int)scaled(2000);
    for (int i = 0; i < all; i++) {
        semaphore_operation ops[14], copy[14];
        const uint64_t value = (uint64_t)rng_below(&r, 3), most = 3;
        int left = make_history(ops, 12, value, most, &r);
        memcpy(copy, ops, sizeof ops);
        CHECK_EQ(judge_semaphore(copy, 12, value, most, false), LEGAL);
        memcpy(copy, ops, sizeof ops);
        CHECK_EQ(judge_semaphore(copy, 12, value, most, true), LEGAL);
        /* Afterwards, alone, one permit too many is taken. */
        memcpy(copy, ops, sizeof ops);
        for (int k = 0; k < 2 && left <= 1; k++) {
            copy[12 + k] = (semaphore_operation){.name = S_TRY,
                                                 .answer = true,
                                                 .before = (uint64_t)(1000 + 10 * k),
                                                 .after = (uint64_t)(1005 + 10 * k)};
        }
        if (left <= 1) {
            CHECK_EQ(judge_semaphore(copy, 14, value, most, i % 2), ILLEGAL);
            refused++;
        }
        /* Afterwards, alone, somebody is refused beside a free permit. */
        if (left > 0) {
            memcpy(copy, ops, sizeof ops);
            copy[12] = (semaphore_operation){
                .name = S_TRY, .answer = false, .before = 1000, .after = 1001};
            CHECK_EQ(judge_semaphore(copy, 13, value, most, i % 2), ILLEGAL);
            refused++;
        }
        /* Afterwards, alone, the bound is passed. */
        memcpy(copy, ops, sizeof ops);
        copy[12] = (semaphore_operation){
            .name = S_GIVE, .n = 4, .answer = true, .before = 1000, .after = 1001};
        CHECK_EQ(judge_semaphore(copy, 13, value, most, i % 2), ILLEGAL);
    }
    CHECK(refused > all / 4);
}

int main(void) {
    test_counts();
    test_waking();
    test_barging();
    test_passing_on();
    test_standing_in_line();
    test_all_out();
    test_permits_in_and_out();
    test_givers_and_takers();
    test_histories();
    test_the_judge();
    printf("passed\n");
    return 0;
}
