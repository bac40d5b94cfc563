/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The semaphore under every schedule that the explorer can reach: every program with a semaphore
 * where barging is allowed, and with a fair one.
 *
 * What is judged: no permit is lost or made; the answers are those of a counter (semaphore_judge.h);
 * in a fair semaphore nobody gets a permit before one who was in line when it came. A lost wake-up
 * ends as "every fibre that has not ended is asleep", which the scheduler says.
 */
#include <string.h>

#include "../semaphore_judge.h"
#include "scheduler.h"
#include "sync/semaphore.h"

enum { MOST_OPERATIONS = 16 };

typedef struct plan {
    uint64_t value, most;
    bool is_fair;
} plan;

static cc_event_count line;
static cc_semaphore semaphore;
static semaphore_operation operations[MOST_OPERATIONS];
static int operation_count;
static uint64_t holding, given;

/* Not on the fibres' stacks, where a store that is still in a simulated buffer would hit another
 * frame. */
static cc_waiter waiters[SCHED_MOST_FIBRES];
static uint64_t in_line_since[SCHED_MOST_FIBRES]; /* 0: not in line */
/* In this program who sees its deadline pass stands in line once more, instead of giving up. */
static bool returns;
static bool told[SCHED_MOST_FIBRES];

/* ---------------------------------------------------------------- recording */

static semaphore_operation *begin(semaphore_operation_name name, uint64_t n) {
    semaphore_operation *o = &operations[operation_count++];
    *o = (semaphore_operation){.name = name, .thread = (int)sched_me(), .n = n};
    o->after = UINT64_MAX;
    o->before = sched_stamp();
    return o;
}

static bool end(semaphore_operation *o, bool answer) {
    o->answer = answer;
    o->after = sched_stamp();
    return answer;
}

/* Nothing is scheduled in between: did somebody wait before this operation came, and does it still? */
static void look_for_overtaken(const semaphore_operation *o) {
    for (unsigned i = 0; semaphore.is_fair && i < SCHED_MOST_FIBRES; i++) {
        if (i != sched_me() && in_line_since[i] && in_line_since[i] < o->before &&
            (waiters[i].next || waiters[i].previous || line.threads.first == &waiters[i] ||
             line.foreign.first == &waiters[i])) {
            sched_fail("fibre %u waits since before fibre %u came, and that one has a permit", i,
                       sched_me());
        }
    }
}

static bool got(semaphore_operation *o) {
    holding++;
    look_for_overtaken(o);
    return end(o, true);
}

/* ---------------------------------------------------------------- as callers have to do it */

static void tell(cc_waiter *foreign) {
    if (foreign) {
        told[foreign - waiters] = true;
    }
}

static void wake(uint64_t n) {
    cc_waiter *foreign;
    while ((foreign = cc_semaphore_wake(&semaphore, &n))) {
        tell(foreign);
    }
}

static bool give(uint64_t n) {
    semaphore_operation *o = begin(S_GIVE, n);
    if (!cc_semaphore_give(&semaphore, n)) {
        return end(o, false);
    }
    given += n;
    wake(n);
    return end(o, true);
}

static void give_back(void) {
    holding--;
    given--;
    if (!give(1)) {
        holding++;
        given++;
    }
}

static bool try(void) {
    semaphore_operation *o = begin(S_TRY, 0);
    return cc_semaphore_try(&semaphore) ? got(o) : end(o, false);
}

static void enter_line(cc_waiter *w) {
    cc_waiter_enqueue(&line, w, true);
    in_line_since[w - waiters] = sched_stamp();
}

/* False: the deadline passed, or it was given up. */
static bool acquire(bool has_deadline) {
    const unsigned me = sched_me();
    cc_waiter *w = &waiters[me];
    semaphore_operation *o = begin(S_ACQUIRE, 0);
    if (cc_semaphore_try(&semaphore)) {
        return got(o);
    }
    cc_waiter_init(w, CC_WAITER_THREAD, NULL);
    for (;;) {
        o->stood_in_line = true;
        enter_line(w);
        if (!semaphore.is_fair && cc_semaphore_try(&semaphore)) {
            if (cc_waiter_leave(w)) {
                tell(cc_event_pass_on(&line));
            }
            return got(o);
        }
        cc_park_result r = cc_waiter_sleep(w, sched_choose(2), has_deadline ? 1 : CC_PARK_FOREVER);
        bool was_notified = cc_waiter_leave(w);
        in_line_since[me] = 0;
        if (r == CC_PARK_TIMED_OUT && !returns &&
            sched_choose(2)) { /* gives up without another look */
            o->name = S_GAVE_UP;
            if (was_notified) {
                tell(cc_event_pass_on(&line));
            }
            return end(o, false);
        }
        if ((was_notified && semaphore.is_fair) || cc_semaphore_try(&semaphore)) {
            return got(o);
        }
        if (r == CC_PARK_TIMED_OUT && !returns) {
            return end(o, false);
        }
        has_deadline = has_deadline && r != CC_PARK_TIMED_OUT;
    }
}

/* A task. It stands in line for a while; then it follows what it has been told by then, or is cancelled. */
static bool wait_as_a_task(bool is_cancelled) {
    const unsigned me = sched_me();
    cc_waiter *w = &waiters[me];
    semaphore_operation *o = begin(S_ACQUIRE, 0);
    if (cc_semaphore_try(&semaphore)) {
        return got(o);
    }
    o->stood_in_line = true;
    enter_line(w);
    if (!semaphore.is_fair && cc_semaphore_try(&semaphore)) {
        if (cc_waiter_leave(w)) {
            tell(cc_event_pass_on(&line));
        }
        return got(o);
    }
    sched_point();
    bool was_notified = cc_waiter_leave(w);
    in_line_since[me] = 0;
    if (!is_cancelled && (was_notified && semaphore.is_fair)) {
        return got(o);
    }
    if (!is_cancelled && cc_semaphore_try(&semaphore)) {
        return got(o);
    }
    o->name = S_GAVE_UP;
    if (was_notified && (is_cancelled || semaphore.is_fair)) {
        tell(cc_event_pass_on(&line));
    }
    return end(o, false);
}

/* ---------------------------------------------------------------- what is to be seen afterwards */

static void set_up(void) {
    const plan *p = sched_argument();
    cc_event_count_init(&line);
    cc_semaphore_begin(&semaphore, &line, p->value, p->most, p->is_fair);
    memset(in_line_since, 0, sizeof in_line_since);
    memset(told, 0, sizeof told);
    for (unsigned i = 0; i < SCHED_MOST_FIBRES; i++) {
        cc_waiter_init(&waiters[i], CC_WAITER_FOREIGN, &waiters[i]);
    }
    operation_count = 0;
    returns = false;
    holding = given = 0;
}

static const char *judge(void) {
    const plan *p = sched_argument();
    if (cc_load_relaxed_u32(&line.waiters) || line.threads.first || line.foreign.first) {
        return "all have gone, but somebody is in line";
    }
    if (p->value + given != holding + cc_semaphore_value(&semaphore)) {
        return "a permit was lost or made";
    }
    return judge_semaphore(operations, operation_count, p->value, p->most, p->is_fair) == LEGAL
               ? NULL
               : "no order of the operations explains their answers";
}

/* ---------------------------------------------------------------- programs */

static void mutex(unsigned who) {
    (void)who;
    acquire(false);
    give_back();
}

static void two_at_once(unsigned who) {
    if (who < 2) {
        acquire(false);
    } else {
        give(2);
    }
}

static void two_give(unsigned who) {
    if (who == 0) {
        acquire(false);
        acquire(false);
    } else {
        give(1);
    }
}

/* The first gives back what it gets, whether it is patient or not: so the other one has to get it in the end. */
static void beside_a_patient_one(unsigned who, bool (*get)(bool gives_up), bool gives_up) {
    if (who == 0) {
        if (get(gives_up)) {
            give_back();
        }
    } else if (who == 1) {
        acquire(false);
    } else {
        give(1);
    }
}

static void one_gives_up(unsigned who) {
    beside_a_patient_one(who, acquire, true);
}

static void one_is_cancelled(unsigned who) {
    beside_a_patient_one(who, wait_as_a_task, true);
}

static void a_task_and_a_thread(unsigned who) {
    beside_a_patient_one(who, wait_as_a_task, false);
}

/* Somebody takes back what a task has been told, while the task perhaps follows it. */
static void one_is_taken_back(unsigned who) {
    beside_a_patient_one(who, wait_as_a_task, false);
    if (who == 2 && told[0] && cc_waiter_take(&waiters[0])) {
        tell(cc_event_pass_on(&line));
    }
}

/* One sleeps by slices of time: it leaves the line, and comes back to its place. */
static void slices(unsigned who) {
    returns = true;
    if (who < 2) {
        acquire(who == 0);
    } else {
        give(1);
        give(1);
    }
}

static void tries(unsigned who) {
    if (who == 1) {
        acquire(false);
        give_back();
        return;
    }
    for (int i = 0; i < 2; i++) {
        if (try()) {
            give_back();
        }
    }
}

/* A bounded semaphore that somebody releases once too often. */
static void one_too_many(unsigned who) {
    if (who < 2) {
        if (acquire(false)) {
            give_back();
        }
    } else {
        give(1);
    }
}

/* No permit at first; one; one, and never more. */
static const plan none = {0, 9, false}, none_fair = {0, 9, true};
static const plan one = {1, 9, false}, one_fair = {1, 9, true};
static const plan only = {1, 1, false}, only_fair = {1, 1, true};

#define BOTH(fibre, plan, preemptions, share)                                                      \
    {#fibre, 3, set_up, fibre, judge, preemptions, 1, share, &plan}, {                             \
        #fibre "_fair", 3, set_up, fibre, judge, preemptions, 1, share, &plan##_fair               \
    }

int main(int argc, char **argv) {
    static const sched_program programs[] = {
        BOTH(mutex, only, 2, 100),
        BOTH(two_at_once, none, 3, 100),
        BOTH(two_give, none, 2, 100),
        BOTH(one_gives_up, none, 2, 200),
        BOTH(one_is_cancelled, none, 2, 100),
        BOTH(a_task_and_a_thread, none, 2, 100),
        BOTH(one_is_taken_back, none, 2, 100),
        BOTH(tries, one, 2, 100),
        BOTH(slices, none, 2, 200),
        BOTH(one_too_many, only, 2, 100),
    };
    return sched_main(argc, argv, programs, sizeof programs / sizeof *programs);
}
