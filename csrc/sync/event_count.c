/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The idea of event counts is Reed and Kanodia's (CACM 1979); that of an anonymous counter in front
 * of sleeping threads has been used in many libraries since. This one differs: waiters are nodes in
 * a list, so that they have turns, can be told apart, and a notification that its receiver cannot
 * use goes on to the next. An anonymous counter loses it when the receiver is just giving up.
 *
 * States of a waiter
 *
 *   IDLE -> WAITING              enqueue, under the lock
 *   WAITING -> ASLEEP            by itself, before it parks: now a notifier makes a system call
 *   WAITING, ASLEEP -> NOTIFIED  by a notifier, under the lock: takes the node out of the line
 *   WAITING, ASLEEP -> IDLE      leave, under the lock
 *   NOTIFIED -> IDLE             leave, by its owner; nobody else touches a thread's node any more
 *   NOTIFIED -> TAKEN            of a foreign waiter: take, by who learns that it may never leave
 *   TAKEN -> IDLE                leave
 *
 * Who comes first, a notifier or the waiter that gives up, is decided under the lock; each
 * notification thus ends up with one waiter, which follows it or passes it on. Whether a foreign
 * waiter or the one who takes its notification back has it, their read-modify-writes of its state
 * decide.
 *
 * Why no wake-up is lost. Let a change C be notified by N, and let a waiter W try in vain after
 * enqueueing itself. The fence of W lies between its count and its second try, that of N between C
 * and its look at the count (1). One of the fences is first: W's, then N sees the count; N's, then
 * W's second try sees C, and has failed only because somebody else has used it up. If N sees the
 * count but the lists are empty, W has gone. If N picks another waiter V than W, V tries after C.
 * It uses C up or finds that somebody has; or it uses up another change D instead of C: then D's
 * own notification went to another waiter (which sees C), or found nobody in line, W included, and
 * then W's second try was after D and would have found C or D. So a waiter sleeps on beside an
 * available change only while another one is notified and has not yet tried.
 *
 * Handing over. Somebody who adds a credit looks at the count behind the fence, and if it is above
 * zero, hands one over under the lock: to the first in line, if there is one and a credit to be
 * taken. A waiter that has put itself into the line looks for a credit behind its own fence, still
 * under the lock, and takes it if it is the first. So while credits are free and somebody is in
 * line, somebody who has added them is on the way to the lock, for as many as he has added: who
 * found the count at zero did so when nobody was in line, and the next to come finds what he has
 * added. (Two steps, line and look, would not do: the second in line would look while the first has
 * not taken its credit yet, and both sleep beside the second credit. turn_without_lock in tla.) A
 * waiter that goes back to its place and finds others before it leaves the credit to them. What is
 * handed over is out of the credits until its receiver gives it back.
 *
 * The watcher. A notification that a foreign waiter has and does not answer may be lost; its change
 * is then available, and threads in line may sleep beside it. `unanswered` counts such waiters; it
 * grows only under the lock, while they are taken out of the line. Whoever gives the lock back with
 * a count above zero, threads in line and no watcher among them makes the first of them the
 * watcher: WATCH is added to its state, and if it is asleep it is woken, but only to park again,
 * with a deadline. When that has passed it goes and looks, if the count is still above zero; else
 * it takes the lock and watches no more. A watcher that leaves the line is followed by the next one
 * in the same way. So as long as somebody does not answer, and a thread is in line, some thread
 * looks at least once in LOOK_AFTER; and nobody does, otherwise.
 *
 * The lock. It is held for a few stores to the lists. No allocation, no system call (but that of
 * the lock itself) and no foreign code runs under it, and a thread that holds it passes no point
 * where an interpreter could stop it; so also an attached thread may wait for it. It is not part of
 * any lock-free operation's promise: put and get have taken effect before they notify, and they get
 * here only when somebody is in line: asleep, or between its first try and falling asleep. Then a
 * notifier may sleep until a holder that the system has stopped between its few stores runs again.
 * (Leaving the notification to the holder would not do: the holder may be a detached thread that
 * comes or goes, and only attached callers can tell a foreign waiter.)
 *
 * fork. The child has none of the threads that wait, and perhaps one of them held the lock. The
 * lock word carries the number of the process since the first one (generation). Whoever finds
 * another one than its own takes the lock over and forgets both lists: their nodes may lie on
 * stacks that are gone.
 *
 * Limits. Turns are those of wake-ups, not of items: who does not wait may be faster than who has
 * just been woken. A notified thread that the system never runs again holds one wake-up back, or
 * the credit that it was handed; and so does a foreign waiter that was handed one and never
 * answers.
 */
#include "event_count.h"

#include <stddef.h>

#include "concurrent_collections/cc_backoff.h"

enum { IDLE, WAITING, ASLEEP, NOTIFIED, TAKEN, WATCH = 8 /* added to WAITING or ASLEEP */ };

enum { LOOK_AFTER = 500000000 }; /* nanoseconds */

enum { FREE = 0, HELD = 1, CONTENDED = 2, STATE_BITS = 2, STATE_MASK = 3 };

#ifdef CC_SCHED
/* There threads are fibres, and sleep as their scheduler says. */
cc_park_result cc_sched_park(cc_atomic_u32 *word, uint32_t expected, uint64_t deadline);
void cc_sched_unpark_one(cc_atomic_u32 *word);
#define PARK cc_sched_park
#define UNPARK_ONE cc_sched_unpark_one
#define PAUSES_FOR_THE_LOCK 0u
#ifndef MOST_WOKEN_AT_ONCE
#define MOST_WOKEN_AT_ONCE 1
#endif
#else
#define PARK cc_park
#define UNPARK_ONE cc_unpark_one
#define PAUSES_FOR_THE_LOCK 64u
#ifndef MOST_WOKEN_AT_ONCE
#define MOST_WOKEN_AT_ONCE 32
#endif
#endif

/* ---------------------------------------------------------------- processes */

static cc_atomic_u32 generation; /* forks since the first process */
static cc_atomic_u32 has_fork_handler;

static void note_fork(void) {
    cc_store_relaxed_u32(&generation, cc_load_relaxed_u32(&generation) + 1);
}

static uint32_t lock_word(uint32_t state) {
    return cc_load_relaxed_u32(&generation) << STATE_BITS | state;
}

/* ---------------------------------------------------------------- the lock */

uint32_t cc_event_waiters_if_any(const cc_event_count *e) {
    /* Whoever is in line in this process has taken the lock here. */
    bool are_alive = cc_load_relaxed_u32(&e->lock) >> STATE_BITS == lock_word(0) >> STATE_BITS;
    return are_alive ? cc_load_relaxed_u32(&e->waiters) : 0;
}

static void forget_the_dead(cc_event_count *e) {
    e->threads = e->foreign = (cc_waiter_list){NULL, NULL, NULL};
    e->watcher = NULL;
    cc_store_relaxed_u32(&e->waiters, 0);
    cc_store_relaxed_u32(&e->unanswered, 0);
}

static void take_the_lock_slowly(cc_event_count *e, uint32_t seen) {
    const uint32_t contended = lock_word(CONTENDED);
    unsigned pauses = PAUSES_FOR_THE_LOCK;
    for (;;) {
        if (seen >> STATE_BITS != contended >> STATE_BITS) {
            if (cc_cas_acq_rel_u32(&e->lock, &seen, lock_word(HELD))) {
                forget_the_dead(e);
                return;
            }
        } else if ((seen & STATE_MASK) == FREE) {
            /* Others may sleep for it, which only CONTENDED remembers. */
            if (cc_cas_acq_rel_u32(&e->lock, &seen, contended)) {
                return;
            }
        } else if (pauses) {
            pauses--;
            cc_pause();
            seen = cc_load_relaxed_u32(&e->lock);
        } else if (seen == contended || cc_cas_acq_rel_u32(&e->lock, &seen, contended)) {
            PARK(&e->lock, contended, CC_PARK_FOREVER);
            seen = cc_load_relaxed_u32(&e->lock);
        }
    }
}

static void take_the_lock(cc_event_count *e) {
    uint32_t seen = lock_word(FREE);
    if (!cc_cas_acq_rel_u32(&e->lock, &seen, lock_word(HELD))) { /* pairs with (2) */
        take_the_lock_slowly(e, seen);
    }
}

/* Returns what a new watcher sleeps on, to be woken without the lock; else NULL. */
static cc_atomic_u32 *find_a_watcher(cc_event_count *e) {
    cc_waiter *w = e->threads.first;
    if (e->watcher || !w || cc_load_relaxed_u32(&e->unanswered) == 0 || e->hands_over) {
        return NULL; /* where credits are handed over it would find nothing to take */
    }
    e->watcher = w;
    return cc_fetch_or_acq_rel_u32(&w->state, WATCH) == ASLEEP ? &w->state : NULL;
}

static void give_the_lock_back(cc_event_count *e) {
    cc_atomic_u32 *watcher_sleeps_on = find_a_watcher(e);
    uint32_t before = cc_exchange_acq_rel_u32(&e->lock, lock_word(FREE)); /* (2) */
    if ((before & STATE_MASK) == CONTENDED) {
        UNPARK_ONE(&e->lock);
    }
    if (watcher_sleeps_on) {
        UNPARK_ONE(watcher_sleeps_on);
    }
}

/* ---------------------------------------------------------------- the line, under the lock */

static cc_waiter_list *list_of(cc_event_count *e, const cc_waiter *w) {
    return w->kind == CC_WAITER_THREAD ? &e->threads : &e->foreign;
}

static void count_waiters(cc_event_count *e, uint32_t change) {
    cc_store_relaxed_u32(&e->waiters, cc_load_relaxed_u32(&e->waiters) + change);
}

/* Who comes before `w` in the order of turns? Most have just got theirs and are the last. Most of
 * those who return were the first, and those who were notified together return about in their
 * order. So the search goes from both ends, and not beyond the one who returned last. */
static cc_waiter *place_of(cc_event_count *e, const cc_waiter_list *list, const cc_waiter *w) {
    cc_waiter *before = list->last, *after = list->first;
    if (list->returned) {
        if (list->returned->turn < w->turn) {
            after = list->returned;
        } else {
            before = list->returned;
        }
    }
    while (before && before->turn > w->turn) {
        if (after->turn > w->turn) {
            return after->previous;
        }
        after = after->next;
        before = before->previous;
#if defined(CC_TEST_HOOKS)
        e->passed++;
#endif
    }
    return before;
}

static void link_in(cc_event_count *e, cc_waiter *w) {
    cc_waiter_list *list = list_of(e, w);
    cc_waiter *before = place_of(e, list, w);
    if (w->turn != e->last_turn) {
        list->returned = w;
    }
    w->previous = before;
    w->next = before ? before->next : list->first;
    *(before ? &before->next : &list->first) = w;
    *(w->next ? &w->next->previous : &list->last) = w;
    count_waiters(e, 1);
}

static void unlink(cc_event_count *e, cc_waiter *w) {
    cc_waiter_list *list = list_of(e, w);
    if (list->returned == w) {
        list->returned = NULL;
    }
    *(w->previous ? &w->previous->next : &list->first) = w->next;
    *(w->next ? &w->next->previous : &list->last) = w->previous;
    w->next = w->previous = NULL;
    if (e->watcher == w) {
        e->watcher = NULL;
    }
    count_waiters(e, (uint32_t)-1);
}

/* For one more notification: what it has to bring is taken. */
static bool has_one_to_bring(cc_event_count *e) {
    return !e->hands_over || cc_credits_take(e->hands_over);
}

static cc_waiter *whose_turn_it_is(const cc_event_count *e) {
    cc_waiter *t = e->threads.first, *f = e->foreign.first;
    return !t || (f && f->turn < t->turn) ? f : t;
}

/* What is left to be done outside the lock for one that has been taken out of the line. */
typedef struct call {
    cc_waiter *foreign; /* to be told by the caller, or */
    cc_atomic_u32 *sleeps_on; /* to be woken; else NULL: it was not asleep yet */
} call;

static call notify_one(cc_event_count *e, cc_waiter *w) {
    call c = {NULL, NULL};
    unlink(e, w);
    if (w->kind == CC_WAITER_FOREIGN) {
        cc_fetch_add_relaxed_u32(&e->unanswered, 1); /* before it can answer */
        c.foreign = w;
    }
    /* (3): the last that is done to a thread's node: it may be gone at once, and its stack with it.
     * A wake of that address is then a wake for nothing, which every sleeper on anything has to
     * bear. */
    if ((cc_exchange_acq_rel_u32(&w->state, NOTIFIED) & ~(uint32_t)WATCH) == ASLEEP) {
        c.sleeps_on = &w->state;
    }
    return c;
}

/* ---------------------------------------------------------------- notifying */

cc_waiter *cc_event_notify_slowly(cc_event_count *e) {
    call c = {NULL, NULL};
    take_the_lock(e);
    cc_waiter *w = whose_turn_it_is(e);
    if (w && has_one_to_bring(e)) {
        c = notify_one(e, w);
    }
    give_the_lock_back(e);
    if (c.sleeps_on) {
        UNPARK_ONE(c.sleeps_on);
    }
    return c.foreign;
}

cc_waiter *cc_event_notify_all(cc_event_count *e) {
    cc_waiter *chain = NULL, **end = &chain;
    cc_fence_seq_cst(&e->fence); /* (1) */
    if (cc_load_relaxed_u32(&e->waiters) == 0) {
        return NULL;
    }
    take_the_lock(e);
    /* Who comes back with a new turn, or comes only now, is not waited for. */
    const uint64_t last_turn = e->last_turn;
    for (;;) {
        cc_atomic_u32 *asleep[MOST_WOKEN_AT_ONCE];
        unsigned count = 0;
        cc_waiter *w;
        while (count < MOST_WOKEN_AT_ONCE && (w = whose_turn_it_is(e)) && w->turn <= last_turn &&
               has_one_to_bring(e)) {
            call c = notify_one(e, w);
            if (c.foreign) {
                *end = c.foreign;
                end = &c.foreign->next;
            } else if (c.sleeps_on) {
                asleep[count++] = c.sleeps_on;
            }
        }
        give_the_lock_back(e);
        for (unsigned i = 0; i < count; i++) {
            UNPARK_ONE(asleep[i]);
        }
        if (count < MOST_WOKEN_AT_ONCE) {
            return chain;
        }
        take_the_lock(e);
    }
}

cc_waiter *cc_event_take_foreign(cc_event_count *e) {
    cc_waiter *chain = NULL, **end = &chain;
    take_the_lock(e);
    while (e->foreign.first) {
        call c = notify_one(e, e->foreign.first);
        if (e->hands_over) { /* it has not got what such a notification brings */
            cc_waiter_take(c.foreign);
        }
        *end = c.foreign;
        end = &c.foreign->next;
    }
    give_the_lock_back(e);
    return chain;
}

/* ---------------------------------------------------------------- waiting */

void cc_event_count_init(cc_event_count *e) {
    uint32_t not_yet = 0;
    if (cc_cas_acq_rel_u32(&has_fork_handler, &not_yet, 1)) {
        cc_os_at_fork_in_child(note_fork);
    }
    *e = (cc_event_count){.threads = {NULL, NULL, NULL}};
    cc_store_relaxed_u32(&e->lock, lock_word(FREE));
}

void cc_event_hand_over_credits(cc_event_count *e, cc_credits *credits) {
    e->hands_over = credits;
}

bool cc_waiter_enqueue(cc_event_count *e, cc_waiter *w, bool keep_place) {
    take_the_lock(e);
    if (!keep_place || w->turn == 0) {
        w->turn = ++e->last_turn;
    }
    w->at = e;
    w->generation = cc_load_relaxed_u32(&generation);
    cc_store_relaxed_u32(&w->state, WAITING);
    link_in(e, w);
    bool is_notified = false;
    if (e->hands_over) {
        cc_fence_seq_cst(&e->fence); /* (1): the count is visible before the look for a credit */
        is_notified = whose_turn_it_is(e) == w && has_one_to_bring(e);
        if (is_notified) {
            notify_one(e, w); /* it is not asleep, and need not be told */
        }
    }
    give_the_lock_back(e);
    cc_fence_seq_cst(&e->fence); /* (1): the count is visible before the caller's next try */
    return is_notified;
}

static bool is_in_line(uint32_t state) {
    state &= ~(uint32_t)WATCH;
    return state == WAITING || state == ASLEEP;
}

/* Of a watcher whose time has come: is there still somebody who has not answered? Else it watches
 * no more. */
static bool has_to_look(cc_waiter *w) {
    cc_event_count *e = w->at;
    take_the_lock(e);
    bool has_to = cc_load_relaxed_u32(&e->unanswered) != 0;
    if (!has_to && e->watcher == w) {
        e->watcher = NULL;
        cc_store_relaxed_u32(&w->state, ASLEEP); /* only under the lock can it change */
    }
    give_the_lock_back(e);
    return has_to;
}

cc_park_result cc_waiter_sleep(cc_waiter *w, uint32_t spins, uint64_t deadline) {
    for (; spins; spins--) {
        if (!is_in_line(cc_load_acquire_u32(&w->state))) {
            return CC_PARK_WOKEN;
        }
        cc_pause();
    }
    uint64_t time_to_look = 0;
    for (;;) {
        uint32_t state = cc_load_acquire_u32(&w->state); /* pairs with (3) */
        if (!is_in_line(state)) {
            return CC_PARK_WOKEN;
        }
        /* It may be ASLEEP already: has been woken for no reason, to become the watcher, or by a
         * signal. */
        uint32_t watches = state & WATCH, asleep = ASLEEP | watches;
        if (state != asleep && !cc_cas_acq_rel_u32(&w->state, &state, asleep)) {
            continue;
        }
        if (!watches) {
            time_to_look = deadline;
        } else if (time_to_look == 0 || time_to_look == deadline) {
            uint64_t then = cc_os_now() + LOOK_AFTER;
            time_to_look = then < deadline ? then : deadline;
        }
        cc_park_result result = PARK(&w->state, asleep, time_to_look);
        if (result == CC_PARK_WOKEN || cc_load_relaxed_u32(&w->state) != asleep) {
            continue;
        }
        if (result != CC_PARK_TIMED_OUT || time_to_look == deadline) {
            return result;
        }
        if (has_to_look(w)) {
            return CC_PARK_INTERRUPTED;
        }
    }
}

bool cc_waiter_is_notified(const cc_waiter *w) {
    return cc_load_acquire_u32(&w->state) == NOTIFIED;
}

/* A foreign waiter has followed its notification, or has lost it. */
static void answer(cc_waiter *w) {
    if (w->generation ==
        cc_load_relaxed_u32(&generation)) { /* else the count begins anew, or will */
        cc_fetch_add_relaxed_u32(&w->at->unanswered, (uint32_t)-1);
    }
}

cc_leaving cc_waiter_leave_line(cc_waiter *w) {
    uint32_t state = cc_load_acquire_u32(&w->state); /* pairs with (3) */
    if (is_in_line(state)) {
        if (w->generation != cc_load_relaxed_u32(&generation)) {
            state = IDLE; /* the line it stood in has been forgotten, or will be */
        } else {
            cc_event_count *e = w->at;
            take_the_lock(e);
            state = cc_load_relaxed_u32(&w->state);
            if (is_in_line(state)) {
                unlink(e, w);
                state = IDLE;
            }
            give_the_lock_back(e);
        }
    }
    if (state == NOTIFIED && w->kind == CC_WAITER_FOREIGN) {
        state = cc_exchange_acq_rel_u32(&w->state, IDLE);
        if (state == NOTIFIED) {
            answer(w);
        }
    } else {
        cc_store_relaxed_u32(&w->state, IDLE);
    }
    return state == NOTIFIED ? CC_NOTIFIED : state == TAKEN ? CC_TAKEN : CC_LEFT;
}

bool cc_waiter_leave(cc_waiter *w) {
    return cc_waiter_leave_line(w) == CC_NOTIFIED;
}

bool cc_waiter_take(cc_waiter *w) {
    uint32_t state = NOTIFIED;
    if (!cc_cas_acq_rel_u32(&w->state, &state, TAKEN)) {
        return false;
    }
    answer(w);
    return true;
}

int cc_event_visit_foreign(const cc_event_count *e, int (*visit)(void *owner, void *argument),
                           void *argument) {
    if (cc_load_relaxed_u32(&e->lock) >> STATE_BITS != lock_word(FREE) >> STATE_BITS) {
        return 0; /* all in the line are dead since a fork */
    }
    for (const cc_waiter *w = e->foreign.first; w; w = w->next) {
        int answer = visit(w->owner, argument);
        if (answer) {
            return answer;
        }
    }
    return 0;
}
