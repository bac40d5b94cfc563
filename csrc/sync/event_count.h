/* SPDX-License-Identifier: BSD-3-Clause
 *
 * An event count: waiting for a condition that lock-free operations bring about.
 *
 * The waiting side                          The side that brings it about
 *     try; done if it works                     change the container
 *     cc_waiter_enqueue   (has the fence)       cc_event_notify   (fence; nobody waits: 2 ns)
 *     try again; if it works cc_waiter_leave
 *     cc_waiter_sleep
 *     cc_waiter_leave, and from the start
 *
 * What a caller may rely on
 *
 *   No wake-up is lost: nobody sleeps on beside a change that nobody else has been told of.
 *   The waiter that has waited longest is notified first, and each notification goes to one waiter.
 *   A waiter that wakes without finding an item keeps its place in line.
 *   Nobody who sleeps here wakes up without a reason, but for the watcher below.
 *
 * Notifications. Nothing is handed over but the advice to try again. So a waiter that gives up has
 * nothing to give back, except the advice: cc_waiter_leave says whether one had arrived, and who
 * does not follow it calls cc_event_notify once more for the next one in line.
 *
 * Handing over. An event count can be given credits to hand over (cc_event_hand_over_credits): then
 * a notification brings a credit, and is made only when there is one. A waiter that is notified has
 * it and need not try again; who stands in line first and finds one free is notified at once. So
 * nobody who comes later is faster, if those who come look at `waiters` before they take one. Who
 * does not follow such a notification calls cc_event_pass_on, which gives the credit back.
 *
 * Waiters are of two kinds in one order of turns. A thread sleeps on a word of its own. A foreign
 * waiter (a task of an event loop, say) cannot be woken from here: cc_event_notify returns it, and
 * the caller sees to it. Threads enter and leave their list from anywhere, the core's caller may be
 * detached; the foreign ones are in a list of their own, which changes only in calls that were
 * given one of them or that return one. So whoever makes those calls knows when that list stands
 * still.
 *
 * The watcher. A foreign waiter that has been notified may never follow it, without a sign: its
 * loop has been stopped for good. While one has not answered (by cc_waiter_leave, or because of
 * cc_waiter_take), one of the threads in line looks for itself from time to time. (Not where
 * credits are handed over: there is nothing to be found.)
 *
 * Progress. A notification that nobody waits for is a fence and a load. All else takes one short
 * lock (event_count.c says what is done under it).
 *
 * event_count.c has the protocol, and why it loses no wake-up.
 */
#ifndef CC_EVENT_COUNT_H
#define CC_EVENT_COUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "concurrent_collections/cc_atomic.h"
#include "../platform/cc_os.h"
#include "credits.h"

struct cc_event_count;

typedef enum cc_waiter_kind { CC_WAITER_THREAD, CC_WAITER_FOREIGN } cc_waiter_kind;

/* What a waiter that leaves has met with. */
typedef enum cc_leaving {
    CC_LEFT,     /* nothing: this call has taken it out of the line; or it had not come */
    CC_NOTIFIED, /* a notification, which the caller now follows or passes on */
    CC_TAKEN     /* a notification that cc_waiter_take has taken from it */
} cc_leaving;

/* One who waits. It lives where its owner likes (a thread's stack); its address is in a list from
 * cc_waiter_enqueue until it is notified or leaves. */
typedef struct cc_waiter {
    struct cc_waiter *next, *previous; /* under the lock; after a pop `next` is the popper's */
    struct cc_event_count *at;
    void *owner;   /* of a foreign waiter; not looked at here */
    uint64_t turn; /* 0: has none yet */
    cc_atomic_u32 state;
    uint32_t generation; /* of processes: a waiter of before a fork is in no list any more */
    cc_waiter_kind kind;
} cc_waiter;

typedef struct cc_waiter_list {
    cc_waiter *first, *last;
    cc_waiter *returned; /* the last one that got back to its place, while it is in line; or NULL */
} cc_waiter_list;

typedef struct cc_event_count {
    cc_atomic_u32 waiters; /* in both lists; written under the lock, read by every notify */
    cc_atomic_u32 lock;
    cc_waiter_list threads, foreign;
    uint64_t last_turn;
#if defined(CC_TEST_HOOKS)
    uint64_t passed; /* waiters passed in search of a place, ever */
#endif
    cc_credits *hands_over; /* NULL: advice is all that a notification brings. Never changes. */
    cc_waiter *watcher; /* the thread in line that looks from time to time */
    cc_atomic_u32 unanswered; /* foreign waiters that were notified and have not answered */
    cc_atomic_u64 fence; /* stands for the fences where a race detector wants a word */
} cc_event_count;

void cc_event_count_init(cc_event_count *e);

/* From now on its notifications bring credits. Nobody uses it yet; the credits live as long as
 * it. */
void cc_event_hand_over_credits(cc_event_count *e, cc_credits *credits);

static inline void cc_waiter_init(cc_waiter *w, cc_waiter_kind kind, void *owner) {
    cc_waiter nobody = {.kind = kind, .owner = owner};
    *w = nobody;
}

/* Stand in line. The caller then tries once more before it sleeps. If credits are handed over it
 * does not, for that has been done; true: it has got one, and is notified (it leaves). With
 * `keep_place` a waiter that has stood in this line before goes back to the place that it had,
 * whatever it left for. */
bool cc_waiter_enqueue(cc_event_count *e, cc_waiter *w, bool keep_place);

/* Sleep until notified, until the deadline (of cc_os_now) or until a signal arrives; before that
 * look `spins` times. CC_PARK_INTERRUPTED also means: look for yourself, somebody may never answer.
 * Only threads. The caller is detached from the interpreter, and leaves afterwards. */
cc_park_result cc_waiter_sleep(cc_waiter *w, uint32_t spins, uint64_t deadline);

/* Stand in line no more. True: somebody has taken the waiter out of the line before, and the caller
 * now follows the notification (it tries again) or passes it on by cc_event_notify. False: this
 * call has taken it out, or it was in no line. */
bool cc_waiter_leave(cc_waiter *w);

/* The same, for who needs to know whether there was a notification at all. */
cc_leaving cc_waiter_leave_line(cc_waiter *w);

/* Take back the notification of a foreign waiter that perhaps will never follow it. True: the
 * caller now passes it on. False: the waiter has left, or somebody has taken it before. From any
 * thread. */
bool cc_waiter_take(cc_waiter *w);

/* Has a notification arrived that cc_waiter_leave has not taken? */
bool cc_waiter_is_notified(const cc_waiter *w);

uint32_t cc_event_waiters_if_any(const cc_event_count *e);

/* How many are in line. It may be out of date when the caller gets it. From anywhere; in a forked
 * child the parent's do not count, also before anybody has taken the lock there. */
static inline uint32_t cc_event_waiters(const cc_event_count *e) {
    return cc_load_relaxed_u32(&e->waiters) ? cc_event_waiters_if_any(e) : 0;
}

cc_waiter *cc_event_notify_slowly(cc_event_count *e);

/* The condition may hold for one more, and what made it so was a read-modify-write: wake the waiter
 * whose turn it is. Returns NULL, or a foreign waiter that is out of the line now and must be
 * told. */
static inline cc_waiter *cc_event_notify(cc_event_count *e) {
    cc_fence_seq_cst_after_rmw(&e->fence); /* (1): the change is visible before the count is read */
    if (cc_load_relaxed_u32(&e->waiters) == 0) {
        return 0;
    }
    return cc_event_notify_slowly(e);
}

/* A notification, which the caller has had from cc_waiter_leave or cc_waiter_take, is not followed:
 * it goes to the next in line, and the credit that it has brought with it, if any. */
static inline cc_waiter *cc_event_pass_on(cc_event_count *e) {
    if (e->hands_over) {
        /* Refused if somebody has given one that was not theirs meanwhile: the bound is kept. */
        (void)cc_credits_give_many(e->hands_over, 1);
    }
    return cc_event_notify(e);
}

/* The same as cc_event_notify for all who stand in line when it is called. Returns a chain (->next)
 * of foreign waiters. */
cc_waiter *cc_event_notify_all(cc_event_count *e);

/* Take all foreign waiters out of the line, as cc_event_notify_all does, and leave the threads in
 * it. Credits are not handed over. For a container that the garbage collector takes apart. */
cc_waiter *cc_event_take_foreign(cc_event_count *e);

/* Call visit for the owner of every foreign waiter in line until it answers other than 0, which is
 * returned. Nobody makes a call that changes their list (see above). */
int cc_event_visit_foreign(const cc_event_count *e, int (*visit)(void *owner, void *argument),
                           void *argument);

#endif
