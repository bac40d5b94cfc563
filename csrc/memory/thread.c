/* SPDX-License-Identifier: BSD-3-Clause */
#include "cc_thread.h"

#include <string.h>

#include "../platform/cc_os.h"
#include "cc_alloc.h"

#ifndef GROUPS_IN_SECTION
#define GROUPS_IN_SECTION 64u /* at most */
#endif
#define ALL_OF(n) (~UINT64_C(0) >> (64u - (n)))

/* What lies above the groups, for those who look for a free place: which groups need not be looked
 * at. */
typedef struct cc_thread_section {
    cc_atomic_u64 full; /* bit i: no place is free in groups[i] */
    cc_atomic_uptr next;
    cc_atomic_uptr groups[GROUPS_IN_SECTION]; /* cc_thread_group *: as in the list of groups */
    cc_thread_group *last_before; /* in that list; this and the next: written once */
    uint32_t first_index;
} cc_thread_section;

CC_THREAD_LOCAL cc_thread *cc_thread_of_this_thread;

static cc_atomic_uptr first; /* cc_thread *: grows at the head, never shrinks */
static cc_atomic_u32 count;
static cc_atomic_u32 users;
static cc_thread_section first_section;
cc_thread_group cc_thread_first_group = {.section = &first_section};
static cc_atomic_u32 fork_handler_installed;

cc_thread *cc_thread_first(void) {
    return (cc_thread *)cc_load_acquire_uptr(&first); /* pairs with (1) */
}

uint32_t cc_thread_count(void) {
    return cc_load_acquire_u32(&count);
}

uint32_t cc_thread_users(void) {
    return cc_load_relaxed_u32(&users);
}

/* ---------------------------------------------------------------- places */

static uint64_t bit_of(const cc_thread *record) {
    return UINT64_C(1) << (record->index - record->group->first_index);
}

/* A group's place in the list of groups decides which one it is; the section only remembers it.
 * NULL without memory. All groups before this one are full, or were, so they are in the list. */
static cc_thread_group *group_of(cc_thread_section *s, unsigned number) {
    uintptr_t found = cc_load_acquire_uptr(&s->groups[number]);
    if (found) {
        return (cc_thread_group *)found;
    }
    cc_thread_group *before =
        number ? (cc_thread_group *)cc_load_acquire_uptr(&s->groups[number - 1]) : s->last_before;
    if (!before) {
        found = (uintptr_t)&cc_thread_first_group;
    } else if (!(found = cc_load_acquire_uptr(&before->next))) {
        cc_thread_group *g = cc_alloc_aligned(sizeof *g, CC_CACHE_LINE);
        if (!g) {
            return NULL;
        }
        memset((void *)g, 0, sizeof *g);
        g->section = s;
        g->number = number;
        g->first_index = s->first_index + number * CC_THREADS_IN_GROUP;
        if (cc_cas_seq_cst_uptr(&before->next, &found, (uintptr_t)g)) { /* (1) */
            found = (uintptr_t)g;
        } else {
            cc_free(g);
        }
    }
    cc_store_release_uptr(&s->groups[number], found);
    return (cc_thread_group *)found;
}

/* The next section; NULL without memory. All groups of this one are full, or were. */
static cc_thread_section *section_after(cc_thread_section *s) {
    uintptr_t found = cc_load_acquire_uptr(&s->next);
    if (!found) {
        cc_thread_section *larger = cc_alloc_aligned(sizeof *larger, CC_CACHE_LINE);
        if (!larger) {
            return NULL;
        }
        memset((void *)larger, 0, sizeof *larger);
        larger->last_before =
            (cc_thread_group *)cc_load_acquire_uptr(&s->groups[GROUPS_IN_SECTION - 1]);
        larger->first_index = s->first_index + GROUPS_IN_SECTION * CC_THREADS_IN_GROUP;
        if (cc_cas_seq_cst_uptr(&s->next, &found, (uintptr_t)larger)) {
            found = (uintptr_t)larger;
        } else {
            cc_free(larger);
        }
    }
    return (cc_thread_section *)found;
}

static void clear(cc_atomic_u64 *word, uint64_t bit) {
    uint64_t bits = cc_load_relaxed_u64(word);
    while ((bits & bit) && !cc_cas_seq_cst_u64(word, &bits, bits & ~bit)) {
    }
}

/* `full` may say for a moment that a group is full which is not, and never for good: who says so
 * looks at the group again, and who gives a place back looks at `full` (16), store-load on both
 * sides. The other way round, who finds nothing in a group that is not said to be full says it. */
static void say_that_it_is_full(const cc_thread_group *g) {
    cc_atomic_u64 *full = &g->section->full;
    cc_fetch_or_seq_cst_u64(full, UINT64_C(1) << g->number); /* (16) */
    if (cc_load_seq_cst_u64(&g->taken) != ALL_OF(CC_THREADS_IN_GROUP)) {
        clear(full, UINT64_C(1) << g->number);
    }
}

static bool take_place_in(cc_thread_group *g, unsigned *place) {
    uint64_t taken = cc_load_seq_cst_u64(&g->taken);
    bool is_ours = false;
    while (!is_ours && taken != ALL_OF(CC_THREADS_IN_GROUP)) {
        *place = cc_lowest_bit(~taken);
        uint64_t bit = UINT64_C(1) << *place;
        uint64_t before = cc_fetch_or_seq_cst_u64(&g->taken, bit); /* pairs with (2) */
        is_ours = !(before & bit);
        taken = before | bit;
    }
    if (taken == ALL_OF(CC_THREADS_IN_GROUP)) {
        say_that_it_is_full(g);
    }
    return is_ours;
}

static void give_place_back(cc_thread_group *g, unsigned place) {
    clear(&g->taken, UINT64_C(1) << place); /* (2): the next owner sees all that we wrote */
    if (cc_load_seq_cst_u64(&g->section->full) >> g->number & 1) { /* (16) */
        clear(&g->section->full, UINT64_C(1) << g->number);
    }
}

/* The free place with the lowest number; NULL without memory for its group. Lock-free: it looks
 * again only when others have taken a place. */
static cc_thread_group *take_a_place(unsigned *place) {
    for (cc_thread_section *s = &first_section; s; s = section_after(s)) {
        uint64_t full;
        while ((full = cc_load_seq_cst_u64(&s->full)) != ALL_OF(GROUPS_IN_SECTION)) {
            cc_thread_group *g = group_of(s, cc_lowest_bit(~full));
            if (!g || take_place_in(g, place)) {
                return g;
            }
        }
    }
    return NULL;
}

/* ---------------------------------------------------------------- records */

/* Everybody who looks for regions looks at the record from here on. */
static void show(const cc_thread *record) {
    cc_fetch_or_seq_cst_u64(&record->group->in_use, bit_of(record)); /* (1) */
    cc_fence_seq_cst_after_rmw(&record->group->in_use); /* for cc_thread_is_in_use */
    cc_fetch_add_relaxed_u32(&users, 1);
}

static void hide(const cc_thread *record) {
    cc_fetch_sub_acq_rel_u64(&record->group->in_use, bit_of(record)); /* (15): as (6) */
    cc_fetch_add_relaxed_u32(&users, UINT32_MAX);
}

/* Nothing runs any more on the stack of the record's thread, wherever it was: the next owner begins
 * outside of every region and of every release function. */
static void set_free(cc_thread *record) {
#if CC_HAS_INTERRUPTS
    /* The checkpoint is on a stack that is gone: a signal must not lead there. */
    record->phase = 0; /* CC_PHASE_WRITE: nothing to restart */
    record->interrupted = 0;
#endif
    cc_store_release_u64(&record->lower, CC_ERA_IDLE);
    cc_store_release_uptr(&record->domain, 0);
    cc_store_release_u32(&record->held_count, 0);
}

static void give_back(void *argument) {
    cc_thread_of_this_thread = NULL;
    /* The thread may have ended inside a region or a release function (pthread_exit,
     * cancellation). */
    cc_thread *record = argument;
    if (record->when_it_ends) {
        record->when_it_ends(record);
    }
    hide(record);
    set_free(record);
    give_place_back(record->group, record->index - record->group->first_index);
}

/* The dead owner may have been in the middle of changing its private lists: forget them. What stood
 * in them is lost, with all that it was about to release and the destructions that it had put
 * off. */
static void drop_dead_thread(cc_thread *t) {
    for (uint32_t i = 0; i < cc_load_relaxed_u32(&t->lock_count); i++) {
        cc_atomic_u64 *word = (cc_atomic_u64 *)cc_load_relaxed_uptr(&t->locks[i]);
        cc_store_relaxed_u64(word, cc_load_relaxed_u64(word) & ~CC_LOCK_BIT);
    }
    cc_store_relaxed_u32(&t->lock_count, 0);
    t->spare = NULL;
    t->spare_count = 0;
    t->deferred = NULL;
    t->in_hand = NULL;
    t->releases = t->domains_to_come_back_to = 0;
    cc_store_relaxed_u32(&t->put_off, 0);
    memset(t->come_back_to, 0, sizeof t->come_back_to);
    memset(t->blocks, 0, sizeof t->blocks);
    set_free(t);
}

static void drop_dead_threads_in_child(void) {
    /* Not hide() and give_place_back(): a dead thread may have been about to show itself, or to
     * take a place. One that had no record for its place yet leaves it empty. */
    cc_thread *self = cc_thread_of_this_thread;
    for (cc_thread_group *g = &cc_thread_first_group; g;
         g = (cc_thread_group *)cc_load_relaxed_uptr(&g->next)) {
        for (uint64_t rest = cc_load_relaxed_u64(&g->taken); rest; rest &= rest - 1) {
            cc_thread *t = g->members[cc_lowest_bit(rest)];
            if (t && t != self) {
                drop_dead_thread(t);
            }
        }
        cc_store_relaxed_u64(&g->in_use, 0);
        cc_store_relaxed_u64(&g->taken, self && self->group == g ? bit_of(self) : 0);
    }
    for (cc_thread_section *s = &first_section; s;
         s = (cc_thread_section *)cc_load_relaxed_uptr(&s->next)) {
        cc_store_relaxed_u64(&s->full, 0); /* who finds that one is says so again */
    }
    cc_store_relaxed_u32(&users, 0);
    if (self) {
        cc_store_relaxed_u64(&self->number, cc_os_thread_number());
        show(self);
    }
}

/* For a place that has had no owner yet. */
static cc_thread *make_a_record(cc_thread_group *group, unsigned place) {
    cc_thread *t = cc_alloc_aligned(sizeof *t, 2 * CC_CACHE_LINE);
    if (!t) {
        return NULL;
    }
    memset((void *)t, 0, sizeof *t);
    cc_store_relaxed_u64(&t->lower, CC_ERA_IDLE);
    t->index = group->first_index + place;
    t->group = group;
    t->random = 0x9e3779b97f4a7c15u * (t->index + 1u) | 1u;
    cc_fetch_add_seq_cst_u32(&count, 1);
    uintptr_t head = cc_load_relaxed_uptr(&first);
    do {
        t->next = (cc_thread *)head;
    } while (!cc_cas_seq_cst_uptr(&first, &head,
                                  (uintptr_t)t)); /* (1): visible before any load of ours */
    return t;
}

static cc_thread *take_a_record(void) {
    unsigned place;
    cc_thread_group *group = take_a_place(&place);
    if (!group) {
        return NULL;
    }
    cc_thread *record = group->members[place];
    if (!record) {
        record = make_a_record(group, place);
        group->members[place] = record;
    }
    if (!record) {
        give_place_back(group, place);
    }
    return record;
}

cc_thread *cc_thread_register(void) {
    uint32_t not_yet = 0;
    if (cc_cas_acq_rel_u32(&fork_handler_installed, &not_yet, 1)) {
        if (cc_os_at_fork_in_child(drop_dead_threads_in_child)) {
            cc_store_release_u32(&fork_handler_installed, 0);
            return NULL;
        }
    }
    cc_thread *record = take_a_record();
    if (!record) {
        return NULL;
    }
    if (cc_os_at_thread_exit(give_back, record)) {
        give_place_back(record->group, record->index - record->group->first_index);
        return NULL;
    }
    cc_store_release_u64(&record->number, cc_os_thread_number());
    show(record); /* the record's number is there before anybody wants to interrupt its thread */
    cc_thread_of_this_thread = record;
    return record;
}

#ifdef CC_SCHED
void cc_thread_impersonate(cc_thread *record) {
    cc_thread_of_this_thread = record;
}

cc_thread *cc_thread_make_for_schedule(void) {
    cc_thread *record = take_a_record();
    if (record) {
        show(record);
    }
    return record;
}

void cc_thread_end_for_schedule(cc_thread *record) {
    give_back(record);
}
#endif
