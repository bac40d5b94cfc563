/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The event count under every schedule that the explorer can reach.
 *
 * What is waited for are two slots, each of which holds an item or nothing. An item is put by a
 * plain release store, the weakest that a container could do; whoever waits takes from any slot. In
 * every program each fibre that waits without a deadline gets an item sooner or later, if no
 * wake-up is lost. A lost one ends as "every fibre that has not ended is asleep", which the
 * scheduler says.
 */
#include <string.h>

#include "scheduler.h"
#include "sync/event_count.h"

#define SLOTS 2u

static cc_event_count event;
static cc_atomic_u32 slots[SLOTS];
static unsigned taken, told;

/* Not on the fibres' stacks, where a store that is still in a simulated buffer would hit another
 * frame. */
static cc_waiter waiters[SCHED_MOST_FIBRES];

static void pass_on(cc_waiter *foreign) {
    while (foreign) { /* of a chain; the foreign waiters here look for themselves */
        told++;
        foreign = foreign->next;
    }
}

static void notify(void) {
    pass_on(cc_event_notify(&event));
}

static void put(unsigned slot) {
    cc_store_release_u32(&slots[slot], 1);
    notify();
}

static bool take(void) {
    for (unsigned i = 0; i < SLOTS; i++) {
        if (cc_load_acquire_u32(&slots[i]) && cc_exchange_seq_cst_u32(&slots[i], 0)) {
            taken++;
            return true;
        }
    }
    return false;
}

/* As every caller of the event count has to do it. False: the deadline passed. */
static bool wait_for_item(bool has_deadline) {
    cc_waiter *w = &waiters[sched_me()];
    if (take()) {
        return true;
    }
    cc_waiter_init(w, CC_WAITER_THREAD, NULL);
    for (;;) {
        cc_waiter_enqueue(&event, w, true);
        if (take()) {
            if (cc_waiter_leave(w)) {
                notify();
            }
            return true;
        }
        cc_park_result r = cc_waiter_sleep(w, sched_choose(2), has_deadline ? 1 : CC_PARK_FOREVER);
        bool was_notified = cc_waiter_leave(w);
        if (r == CC_PARK_TIMED_OUT) { /* gives up without another look */
            if (was_notified) {
                notify();
            }
            return false;
        }
        if (take()) {
            return true;
        }
    }
}

/* A task that is cancelled: it stands in line for a while and never takes anything. */
static void wait_and_be_cancelled(void) {
    cc_waiter *w = &waiters[sched_me()];
    cc_waiter_init(w, CC_WAITER_FOREIGN, w);
    cc_waiter_enqueue(&event, w, false);
    sched_point();
    if (cc_waiter_leave(w)) {
        notify();
    }
}

static void set_up(void) {
    cc_event_count_init(&event);
    memset(slots, 0, sizeof slots);
    taken = told = 0;
}

static const char *judge(void) {
    if (cc_load_relaxed_u32(&event.waiters) || event.threads.first || event.foreign.first) {
        return "all have gone, but somebody is in line";
    }
    unsigned left = cc_load_relaxed_u32(&slots[0]) + cc_load_relaxed_u32(&slots[1]);
    const unsigned *all = sched_argument();
    return taken + left == *all ? NULL : "an item was lost or taken twice";
}

/* ---------------------------------------------------------------- programs */

static void one_and_one(unsigned who) {
    if (who == 0) {
        wait_for_item(false);
        wait_for_item(false);
    } else {
        put(0);
        put(1);
    }
}

static void two_wait(unsigned who) {
    if (who < 2) {
        wait_for_item(false);
    } else {
        put(0);
        put(1);
    }
}

static void two_put(unsigned who) {
    if (who == 0) {
        wait_for_item(false);
        wait_for_item(false);
    } else {
        put(who - 1);
    }
}

/* The impatient one gives back what it gets: so the patient one has to get the item in the end. */
static void one_gives_up(unsigned who) {
    if (who == 0) {
        if (wait_for_item(true)) {
            taken--;
            put(1);
        }
    } else if (who == 1) {
        wait_for_item(false);
    } else {
        put(0);
    }
}

static void one_is_cancelled(unsigned who) {
    if (who == 0) {
        wait_and_be_cancelled();
    } else if (who == 1) {
        wait_for_item(false);
    } else {
        put(0);
    }
}

static void two_are_cancelled(unsigned who) {
    if (who == 0) {
        wait_and_be_cancelled();
        wait_and_be_cancelled();
    } else if (who == 1) {
        wait_for_item(false);
    } else {
        put(0);
    }
}

/* A task whose loop is stopped for good: once it has been notified it does nothing any more. The
 * thread behind it has to look for itself. */
static void one_never_answers(unsigned who) {
    if (who == 0) {
        cc_waiter *w = &waiters[0];
        cc_waiter_init(w, CC_WAITER_FOREIGN, w);
        cc_waiter_enqueue(&event, w, false);
        sched_point();
        if (!cc_waiter_is_notified(w) && cc_waiter_leave(w)) {
            notify();
        }
    } else if (who == 1) {
        wait_for_item(false);
    } else {
        put(0);
    }
}

/* Somebody takes back what a task has been told, while the task perhaps follows it. */
static void one_is_taken_back(unsigned who) {
    cc_waiter *w = &waiters[0];
    if (who == 0) {
        cc_waiter_enqueue(&event, w, false);
        sched_point();
        if (cc_waiter_leave(w)) {
            notify();
        }
    } else if (who == 1) {
        wait_for_item(false);
    } else {
        put(0);
        if (told && cc_waiter_take(w)) {
            notify();
        }
    }
}

static void set_up_with_a_task(void) {
    set_up();
    cc_waiter_init(&waiters[0], CC_WAITER_FOREIGN, &waiters[0]);
}

static const char *judge_answers(void) {
    const char *wrong = judge();
    return wrong ? wrong
           : cc_load_relaxed_u32(&event.unanswered) || event.watcher
               ? "somebody still has to answer"
               : NULL;
}

/* A condition that comes once and stays: everybody has to hear of it. */
static cc_atomic_u32 is_closed;

static void set_up_open(void) {
    set_up();
    cc_store_relaxed_u32(&is_closed, 0);
}

static void all_hear_of_the_end(unsigned who) {
    cc_waiter *w = &waiters[who];
    if (who == 2) {
        cc_store_release_u32(&is_closed, 1);
        pass_on(cc_event_notify_all(&event));
        return;
    }
    cc_waiter_init(w, CC_WAITER_THREAD, NULL);
    while (!cc_load_acquire_u32(&is_closed)) {
        cc_waiter_enqueue(&event, w, false);
        if (!cc_load_acquire_u32(&is_closed)) {
            cc_waiter_sleep(w, 0, CC_PARK_FOREVER);
        }
        cc_waiter_leave(w);
    }
}

/* The same, told to one, who tells the next. */
static void the_end_is_passed_on(unsigned who) {
    cc_waiter *w = &waiters[who];
    if (who == 2) {
        cc_store_release_u32(&is_closed, 1);
    } else {
        cc_waiter_init(w, CC_WAITER_THREAD, NULL);
        while (!cc_load_acquire_u32(&is_closed)) {
            cc_waiter_enqueue(&event, w, true);
            if (!cc_load_acquire_u32(&is_closed)) {
                cc_waiter_sleep(w, 0, CC_PARK_FOREVER);
            }
            cc_waiter_leave(w);
        }
    }
    notify();
}

int main(int argc, char **argv) {
    static const unsigned none = 0, one = 1, two = 2;
    static const sched_program programs[] = {
        {"one_and_one", 2, set_up, one_and_one, judge, 3, 2, 0, &two},
        {"two_wait", 3, set_up, two_wait, judge, 3, 1, 200, &two},
        {"two_put", 3, set_up, two_put, judge, 2, 1, 0, &two},
        {"one_gives_up", 3, set_up, one_gives_up, judge, 2, 1, 200, &one},
        {"one_is_cancelled", 3, set_up, one_is_cancelled, judge, 3, 1, 0, &one},
        {"two_are_cancelled", 3, set_up, two_are_cancelled, judge, 2, 1, 0, &one},
        {"one_never_answers", 3, set_up, one_never_answers, judge, 2, 1, 0, &one},
        {"one_is_taken_back", 3, set_up_with_a_task, one_is_taken_back, judge_answers, 2, 1, 0,
         &one},
        {"all_hear_of_the_end", 3, set_up_open, all_hear_of_the_end, judge, 2, 1, 0, &none},
        {"the_end_is_passed_on", 3, set_up_open, the_end_is_passed_on, judge, 2, 1, 0, &none},
    };
    return sched_main(argc, argv, programs, sizeof programs / sizeof *programs);
}
