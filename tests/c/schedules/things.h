/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Toy containers for programs that explore reclamation: two slots, each of which holds a *thing*.
 * Fibres find things there, hold them, replace them and retire the old ones. Here is what they have
 * in common and what the judge asks: is a thing released exactly once, after it was retired, and
 * never while somebody holds it?
 *
 * Who includes this says first what holds things: HOLDERS, for the message.
 */
#ifndef CC_SCHED_THINGS_H
#define CC_SCHED_THINGS_H

#include <stdlib.h>

#include "memory/smr_fast.h"
#include "scheduler.h"

#define MOST_THINGS 32u
#define ALIVE 0x600d600d600d600du
#define DEAD 0xdeaddeaddeaddeadu

typedef enum thing_state { UNMADE, MADE, LINKED, RETIRED, RELEASED } thing_state;

typedef struct thing {
    uint64_t birth;
    thing_state state; /* the judge's knowledge; no fibre decides by it */
    unsigned holders;
    uint64_t *body; /* freed at release, so that ASAN has a say as well */
} thing;

static thing things[MOST_THINGS];
static unsigned thing_count;
static cc_smr_domain *domains[2];
static cc_atomic_uptr slots[2];

static void release_thing(const void *context, uintptr_t word, unsigned kind) {
    thing *t = (thing *)word;
    (void)context, (void)kind;
    if (t->state != RETIRED) {
        sched_fail("thing %d is released in state %d", (int)(t - things), t->state);
    }
    if (t->holders) {
        sched_fail("thing %d is released while %u " HOLDERS " hold it", (int)(t - things),
                   t->holders);
    }
    t->state = RELEASED;
    *t->body = DEAD;
    free(t->body);
    t->body = NULL;
}

static thing *make_thing(uint64_t birth) {
    if (thing_count == MOST_THINGS) {
        sched_fail("this program makes too many things");
    }
    thing *t = &things[thing_count++];
    *t = (thing){birth, MADE, 0, malloc(sizeof *t->body)};
    *t->body = ALIVE;
    return t;
}

static void fill_slot(unsigned domain, unsigned slot) {
    thing *t = make_thing(cc_load_relaxed_u64(&domains[domain]->era));
    t->state = LINKED;
    cc_store_relaxed_uptr(&slots[slot], (uintptr_t)t);
}

static void enter(unsigned domain, cc_smr_guard *g) {
    if (cc_enter(domains[domain], g)) {
        abort();
    }
}

static void retire(unsigned domain, thing *t) {
    cc_thread *self = cc_thread_self();
    if (cc_reserve(self, 1)) {
        abort();
    }
    t->state = RETIRED;
    cc_retire(domains[domain], self, cc_take_spare(self), (uintptr_t)t, 0, t->birth, sizeof *t);
}

static void tick(void) {
    cc_fetch_add_seq_cst_u64(&domains[0]->era, 1);
}

/* Makes the next call of cc_published move the era on, or not. */
static void tick_next(bool wanted) {
    cc_thread *self = cc_thread_self();
    uint64_t state = 1;
    for (;; state++) {
        self->random = state;
        if ((cc_thread_random(self) % CC_PUBLICATIONS_PER_ERA == 0) == wanted ||
            (!wanted && CC_PUBLICATIONS_PER_ERA == 1)) {
            break;
        }
    }
    self->random = state;
}

/* At the end: NULL, or what has become of some thing. The domains are gone then. */
static const char *judge_things(void) {
    const char *wrong = NULL;
    for (unsigned i = 0; i < 2; i++) {
        if (cc_smr_flush(domains[i])) {
            wrong = "nobody is in a region, and a flush leaves something waiting";
        }
    }
    for (unsigned i = 0; i < thing_count && !wrong; i++) {
        bool is_linked = (uintptr_t)&things[i] == cc_load_relaxed_uptr(&slots[0]) ||
                         (uintptr_t)&things[i] == cc_load_relaxed_uptr(&slots[1]);
        if (things[i].state != (is_linked ? LINKED : RELEASED)) {
            wrong = is_linked ? "a linked thing is not alive" : "a thing is lost";
        }
    }
    for (unsigned i = 0; i < thing_count; i++) {
        free(things[i].body);
        things[i].body = NULL;
    }
    cc_smr_domain_free(domains[0]);
    cc_smr_domain_free(domains[1]);
    return wrong;
}

#endif
