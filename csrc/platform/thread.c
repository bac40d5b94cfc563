/* SPDX-License-Identifier: BSD-3-Clause */
#include "cc_thread.h"

#include <string.h>

#include "../memory/cc_alloc.h"
#include "cc_os.h"

CC_THREAD_LOCAL cc_thread *cc_thread_of_this_thread;

static cc_atomic_uptr first; /* cc_thread *: grows at the head, never shrinks */
static cc_atomic_u32 count;
static cc_atomic_u32 users;
cc_thread_group cc_thread_first_group;
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

/* The group that the record with this index belongs to; NULL without memory for it. */
static cc_thread_group *group_of(uint32_t index) {
    cc_thread_group *g = &cc_thread_first_group;
    for (; index >= CC_THREADS_IN_GROUP; index -= CC_THREADS_IN_GROUP) {
        uintptr_t next = cc_load_acquire_uptr(&g->next);
        if (!next) {
            cc_thread_group *larger = cc_alloc_aligned(sizeof *larger, CC_CACHE_LINE);
            if (!larger) {
                return NULL;
            }
            memset(larger, 0, sizeof *larger);
            if (cc_cas_seq_cst_uptr(&g->next, &next, (uintptr_t)larger)) {
                next = (uintptr_t)larger;
            } else {
                cc_free(larger);
            }
        }
        g = (cc_thread_group *)next;
    }
    return g;
}

/* Everybody who looks for regions looks at the record from here on. */
static void show(const cc_thread *record) {
    uint64_t bit = UINT64_C(1) << record->index % CC_THREADS_IN_GROUP;
    cc_fetch_or_seq_cst_u64(&group_of(record->index)->in_use, bit); /* (1) */
    cc_fetch_add_relaxed_u32(&users, 1);
}

static void hide(const cc_thread *record) {
    uint64_t bit = UINT64_C(1) << record->index % CC_THREADS_IN_GROUP;
    cc_fetch_sub_acq_rel_u64(&group_of(record->index)->in_use, bit); /* (15): as (6) */
    cc_fetch_add_relaxed_u32(&users, UINT32_MAX);
}

/* Nothing runs any more on the stack of the record's thread, wherever it was: the next owner begins outside of
 * every region and of every release function. */
static void set_free(cc_thread *record) {
    record->is_releasing = false;
#if CC_HAS_INTERRUPTS
    /* The checkpoint is on a stack that is gone: a signal must not lead there. */
    record->phase = 0; /* CC_PHASE_WRITE: nothing to restart */
    record->interrupted = 0;
#endif
    cc_store_release_u64(&record->lower, CC_ERA_IDLE);
    cc_store_release_uptr(&record->domain, 0);
    cc_store_release_u32(&record->held_count, 0);
    cc_store_release_u32(&record->in_use, 0); /* (2): the next owner sees all that we wrote */
}

static void give_back(void *argument) {
    cc_thread_of_this_thread = NULL;
    /* The thread may have ended inside a region or a release function (pthread_exit, cancellation). What was put
     * off meanwhile, the next owner of the record will do. */
    hide(argument);
    set_free(argument);
}

static void drop_dead_threads_in_child(void) {
    /* Not hide(): a dead thread may have been about to show itself. */
    for (cc_thread_group *g = &cc_thread_first_group; g;
         g = (cc_thread_group *)cc_load_relaxed_uptr(&g->next)) {
        cc_store_relaxed_u64(&g->in_use, 0);
    }
    cc_store_relaxed_u32(&users, 0);
    if (cc_thread_of_this_thread) {
        cc_store_relaxed_u64(&cc_thread_of_this_thread->number, cc_os_thread_number());
        show(cc_thread_of_this_thread);
    }
    for (cc_thread *t = cc_thread_first(); t; t = t->next) {
        if (t != cc_thread_of_this_thread && cc_load_relaxed_u32(&t->in_use)) {
            /* The dead owner may have been in the middle of changing its private lists: forget
             * them. What they held is lost, a few hundred bytes at most. */
            t->spare = NULL;
            t->spare_count = 0;
            t->deferred = NULL;
            set_free(t);
        }
    }
}

static cc_thread *take_a_free_record(void) {
    for (cc_thread *t = cc_thread_first(); t; t = t->next) {
        uint32_t free = 0;
        if (cc_load_relaxed_u32(&t->in_use) == 0 &&
            cc_cas_acq_rel_u32(&t->in_use, &free, 1)) { /* pairs with (2) */
            return t;
        }
    }
    return NULL;
}

static cc_thread *make_a_record(void) {
    cc_thread *t = cc_alloc_aligned(sizeof *t, 2 * CC_CACHE_LINE);
    if (!t) {
        return NULL;
    }
    memset(t, 0, sizeof *t);
    cc_store_relaxed_u64(&t->lower, CC_ERA_IDLE);
    cc_store_relaxed_u32(&t->in_use, 1);
    t->index = cc_load_relaxed_u32(&count);
    cc_thread_group *group;
    do {
        group = group_of(t->index);
        if (!group) {
            cc_free(t);
            return NULL;
        }
    } while (!cc_cas_acq_rel_u32(&count, &t->index, t->index + 1));
    group->members[t->index % CC_THREADS_IN_GROUP] = t;
    t->random = 0x9e3779b97f4a7c15u * (t->index + 1u) | 1u;
    uintptr_t head = cc_load_relaxed_uptr(&first);
    do {
        t->next = (cc_thread *)head;
    } while (!cc_cas_seq_cst_uptr(&first, &head,
                                  (uintptr_t)t)); /* (1): visible before any load of ours */
    return t;
}

cc_thread *cc_thread_register(void) {
    uint32_t not_yet = 0;
    if (cc_cas_acq_rel_u32(&fork_handler_installed, &not_yet, 1)) {
        cc_os_at_fork_in_child(drop_dead_threads_in_child);
    }
    cc_thread *record = take_a_free_record();
    if (!record) {
        record = make_a_record();
    }
    if (!record) {
        return NULL;
    }
    if (cc_os_at_thread_exit(give_back, record)) {
        cc_store_release_u32(&record->in_use, 0);
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
    cc_thread *record = make_a_record();
    if (record) {
        show(record);
    }
    return record;
}
#endif
