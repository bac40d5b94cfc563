/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Interval-based reclamation on toy containers, under every schedule that the explorer can reach.
 *
 * A container is a slot that holds a *thing* (things.h). Readers open a region, protect a slot, and
 * hold what they got over a few steps. Writers replace things and retire the old ones. The judge's
 * question: is a thing ever released while a region holds it, or held after it was released? And at
 * the end: has every retired thing been released exactly once, and nothing else?
 *
 * Two kinds of writers, because cc_smr does not say how to unlink. One swaps (many writers, like a
 * list's CAS); a swap empties the store buffer, so on machines that have only that buffer it hides
 * a missing fence in cc_retire. The other is the only writer of its slot and unlinks by a plain
 * store.
 */
#define HOLDERS "region(s)"
#include "things.h"

/* ---------------------------------------------------------------- things */

static thing *hold(cc_smr_guard *g, unsigned slot) {
    thing *t = (thing *)cc_protect(g, &slots[slot]);
    if (t) {
        if (t->state == RELEASED) {
            sched_fail("thing %d was protected after it had been released", (int)(t - things));
        }
        t->holders++;
    }
    return t;
}

static void let_go(thing *t) {
    if (t) {
        *t->body = ALIVE;
        t->holders--;
    }
}

/* ---------------------------------------------------------------- readers and writers */

static void read_slot(unsigned slot) {
    cc_smr_guard g;
    enter(0, &g);
    thing *t = hold(&g, slot);
    sched_point();
    let_go(t);
    cc_leave(&g);
    cc_poll(domains[0], cc_thread_self());
}

/* Holds what it finds first while it reads again: the region gets longer. */
static void read_twice(unsigned first, unsigned second) {
    cc_smr_guard g;
    enter(0, &g);
    thing *a = hold(&g, first);
    thing *b = hold(&g, second);
    sched_point();
    let_go(a);
    let_go(b);
    cc_leave(&g);
}

/* As any of several writers. */
static void swap_slot(unsigned domain, unsigned slot) {
    cc_smr_guard g;
    enter(domain, &g);
    thing *t = make_thing(cc_smr_birth(&g));
    uintptr_t old = (uintptr_t)hold(&g, slot);
    let_go((thing *)old);
    t->state = LINKED;
    while (!cc_cas_acq_rel_uptr(&slots[slot], &old, (uintptr_t)t)) {
    }
    cc_published(&g);
    cc_leave(&g);
    retire(domain, (thing *)old);
}

/* As the only writer: it knows what is in the slot. */
static void store_slot(unsigned domain, unsigned slot) {
    cc_smr_guard g;
    enter(domain, &g);
    thing *t = make_thing(cc_smr_birth(&g));
    thing *old = (thing *)cc_load_relaxed_uptr(&slots[slot]);
    t->state = LINKED;
    cc_store_release_uptr(&slots[slot], (uintptr_t)t);
    cc_leave(&g);
    retire(domain, old);
}

/* Empties the slot and fills it again, both by stores, so that a retirement follows a store and
 * nothing else. The region is closed already: what comes next must not lean on its exchange. */
static void empty_slot(unsigned domain, unsigned slot) {
    thing *old = (thing *)cc_load_relaxed_uptr(&slots[slot]);
    cc_store_release_uptr(&slots[slot], 0);
    retire(domain, old);
}

/* ---------------------------------------------------------------- beginnings and ends */

static void set_up(void) {
    thing_count = 0;
    for (unsigned i = 0; i < 2; i++) {
        domains[i] = cc_smr_domain_new(release_thing, NULL);
    }
    fill_slot(0, 0);
    fill_slot(0, 1);
    for (unsigned i = 0; i < SCHED_MOST_FIBRES; i++) {
        sched_record(i)->operations = CC_OPERATIONS_PER_POLL - 1; /* the first poll is a real one */
    }
}

static void set_up_two_domains(void) {
    set_up();
    release_thing(NULL, (things[1].state = RETIRED, (uintptr_t)&things[1]), 0);
    fill_slot(1, 1);
}

/* ---------------------------------------------------------------- programs */

/* The core of it: one reads, one replaces. */
static void read_or_swap(unsigned who) {
    tick_next(sched_choose(2) == 0);
    for (int i = 0; i < 2; i++) {
        who == 0 ? read_slot(0) : swap_slot(0, 0);
    }
}

static void read_or_store(unsigned who) {
    for (int i = 0; i < 2; i++) {
        who == 0 ? read_slot(0) : store_slot(0, 0);
    }
}

static void read_or_empty(unsigned who) {
    who == 0 ? read_slot(0) : empty_slot(0, 0);
}

/* What the emptier retires goes to limbo because of the first reader, and is scanned by the second
 * stage: a flush by the same thread, when another region has opened. */
static void read_or_empty_and_flush(unsigned who) {
    if (who < 2) {
        read_slot(0);
        if (who == 1) {
            cc_smr_flush(domains[0]);
        }
    } else {
        empty_slot(0, 0);
        cc_smr_flush(domains[0]);
    }
}

/* The era of death must not be older than the unlinking: a reader of the next era would be
 * overlooked. */
static void empty_while_eras_tick(unsigned who) {
    switch (who) {
    case 0:
        read_slot(0);
        break;
    case 1:
        empty_slot(0, 0);
        break;
    default:
        tick();
    }
}

static void empty_to_limbo_while_eras_tick(unsigned who) {
    switch (who) {
    case 0:
        read_slot(0);
        break;
    case 1: {
        thing *old = (thing *)cc_load_relaxed_uptr(&slots[0]);
        cc_thread *self = cc_thread_self();
        if (cc_reserve(self, 1)) {
            abort();
        }
        cc_store_release_uptr(&slots[0], 0);
        old->state = RETIRED;
        cc_retire_to_limbo(domains[0], self, cc_take_spare(self), (uintptr_t)old, 0, old->birth,
                           sizeof *old);
        cc_smr_flush(domains[0]);
        break;
    }
    default:
        tick();
    }
}

/* A thing that is born, found and retired while a region of an older era is open. */
static void young_things(unsigned who) {
    if (who == 0) {
        read_twice(1, 0);
    } else {
        tick();
        tick_next(false);
        swap_slot(0, 0);
        swap_slot(0, 0);
    }
}

/* Eras move while a region grows. */
static void grow_while_eras_tick(unsigned who) {
    if (who == 0) {
        read_twice(0, 1);
    } else {
        tick();
        swap_slot(0, 0);
        swap_slot(0, 1);
    }
}

static void one_each(unsigned who) {
    switch (who) {
    case 0:
        read_twice(0, 0);
        read_slot(0);
        break;
    case 1:
        tick_next(true);
        swap_slot(0, 0);
        swap_slot(0, 0);
        break;
    default:
        tick();
        cc_smr_flush(domains[0]);
    }
}

/* A thread closes a region and opens the next: a scan may pair ends of different regions. */
static void reopen(unsigned who) {
    if (who == 0) {
        read_slot(0);
        read_slot(0);
        read_slot(0);
    } else {
        tick_next(true);
        swap_slot(0, 0);
        tick();
        swap_slot(0, 0);
    }
}

/* A reader goes from one domain to the other; a scan may read its record in between. */
static void two_domains(unsigned who) {
    cc_smr_guard g;
    if (who == 0) {
        for (unsigned i = 0; i < 3; i++) {
            enter(i % 2, &g);
            thing *t = hold(&g, i % 2);
            sched_point();
            let_go(t);
            cc_leave(&g);
        }
    } else {
        swap_slot(1, 1);
        swap_slot(0, 0);
    }
}

static void anything(unsigned who) {
    unsigned n = 1 + sched_choose(3);
    (void)who;
    for (unsigned i = 0; i < n; i++) {
        tick_next(sched_choose(2) == 0);
        switch (sched_choose(5)) {
        case 0:
            read_slot(0);
            break;
        case 1:
            read_twice(sched_choose(2), sched_choose(2));
            break;
        case 2:
            swap_slot(0, 0);
            break;
        case 3:
            swap_slot(0, 1);
            break;
        default:
            cc_smr_flush(domains[0]);
        }
    }
}

int main(int argc, char **argv) {
    static const sched_program programs[] = {
        {"read_or_swap", 2, set_up, read_or_swap, judge_things, 2, 1, 0, NULL},
        {"read_or_store", 2, set_up, read_or_store, judge_things, 2, 2, 0, NULL},
        {"read_or_empty", 2, set_up, read_or_empty, judge_things, 3, 2, 0, NULL},
        {"read_or_empty_and_flush", 3, set_up, read_or_empty_and_flush, judge_things, 2, 1, 0,
         NULL},
        {"empty_while_eras_tick", 3, set_up, empty_while_eras_tick, judge_things, 3, 2, 0, NULL},
        {"empty_to_limbo_while_eras_tick", 3, set_up, empty_to_limbo_while_eras_tick, judge_things,
         3, 1, 0, NULL},
        {"young_things", 2, set_up, young_things, judge_things, 3, 1, 0, NULL},
        {"grow_while_eras_tick", 2, set_up, grow_while_eras_tick, judge_things, 3, 1, 0, NULL},
        {"one_each", 3, set_up, one_each, judge_things, 2, 1, 0, NULL},
        {"reopen", 2, set_up, reopen, judge_things, 3, 1, 0, NULL},
        {"two_domains", 2, set_up_two_domains, two_domains, judge_things, 3, 1, 0, NULL},
        {"anything", 3, set_up, anything, judge_things, 0, 0, 300, NULL},
    };
    return sched_main(argc, argv, programs, sizeof programs / sizeof *programs);
}
