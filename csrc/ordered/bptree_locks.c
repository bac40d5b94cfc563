/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The B+tree: what an operation goes through until it is done: waiting with empty hands, retiring
 * what is gone, locks of threads that died in a fork().
 */
#include "bptree_locks.h"
#include "concurrent_collections/cc_backoff.h"

/* ---------------------------------------------------------------- fork */

cc_atomic_u32 cc_bptree_forks;
static cc_atomic_u32 has_fork_handler;

static void note_fork(void) {
    cc_store_relaxed_u32(&cc_bptree_forks, cc_load_relaxed_u32(&cc_bptree_forks) + 1);
}

void cc_bptree_expect_forks(void) {
    uint32_t not_yet = 0;
    if (cc_cas_acq_rel_u32(&has_fork_handler, &not_yet, 1)) {
        cc_os_at_fork_in_child(note_fork);
    }
}

/* ---------------------------------------------------------------- waiting */

void cc_bptree_leave_line(cc_bptree *tree, attempt *a) {
    if (a->in_line) {
        cc_waiter_leave(&a->waiter); /* a notification is not passed on: all in line have had it */
        a->in_line = false;
        /* For schedules: no store is late when its memory is gone. */
        cc_fence_seq_cst(&tree->line.fence);
    }
}

void cc_bptree_wait_for_lock(cc_bptree *tree, attempt *a) {
    if (a->looks < LOOKS_BEFORE_SLEEP) {
        cc_backoff pauses = cc_backoff_start(CC_BACKOFF_FIRST << a->looks++, CC_BACKOFF_CEILING);
        cc_backoff_step(&pauses);
    } else if (!a->in_line) {
        cc_waiter_init(&a->waiter, CC_WAITER_THREAD, NULL);
        cc_waiter_enqueue(&tree->line, &a->waiter, false); /* has the fence */
        a->in_line = true;
    } else {
        cc_waiter_sleep(&a->waiter, 0, CC_PARK_FOREVER);
        cc_bptree_leave_line(tree, a);
    }
}

/* ---------------------------------------------------------------- attempts */

cc_status cc_bptree_begin_attempt(cc_bptree *tree, attempt *a) {
    a->gone.count = 0;
    a->looks = 0;
    a->in_line = a->gave_back = false;
    return cc_begin_operation(&tree->map.common, &a->g, RECORDS) ? CC_NO_MEMORY : CC_FOUND;
}

/* What the operation leaves behind, outside of the region. Records first: foreign code uses spare
 * ones up. */
static void retire_gone(cc_bptree *tree, cc_thread *self, gone_things *gone) {
    const cc_word_table *words = tree->map.common.words;
    cc_retired *records[RECORDS];
    unsigned count = gone->count;
    gone->count = 0;
    CC_INVARIANT(count <= RECORDS);
    for (unsigned i = 0; i < count; i++) {
        bool waits =
            gone->things[i].word && (gone->things[i].kind == RETIRED_NODE || words->release);
        records[i] = waits ? cc_take_spare(self) : NULL;
    }
    for (unsigned i = 0; i < count; i++) {
        if (records[i]) {
            const gone_thing *t = &gone->things[i];
            if (t->bytes) {
                cc_count_entries(&tree->map.common, self, 0, -(int64_t)t->bytes);
            }
            cc_retire(tree->map.common.domain, self, records[i], t->word, t->kind, t->birth,
                      t->bytes);
        }
    }
}

static void leave(cc_bptree *tree, attempt *a) {
    cc_leave(&a->g);
    if (a->gave_back) {
        a->gave_back = false;
        cc_bptree_leave_line(tree, a); /* we would wake ourselves */
        wake_for_locks(tree);
    }
}

cc_status cc_bptree_try_again(cc_bptree *tree, attempt *a, int outcome, const cc_search *search,
                              search_aim aim, const place *at) {
    cc_thread *self = a->g.thread;
    if (outcome == REGROUP) {
        outcome = cc_bptree_regroup(tree, a, search, aim, at);
        if (outcome == CC_NO_MEMORY) {
            return CC_NO_MEMORY;
        }
    } else if (outcome == WAIT && at->leaf && cc_bptree_repair(&at->leaf->head)) {
        outcome = AGAIN;
    }
    cc_count_retry(&a->g);
    if (outcome != WAIT && !a->gone.count) {
        return outcome == CC_ABSENT ? CC_ABSENT : CC_FOUND;
    }
    leave(tree, a);
    if (outcome == WAIT) {
        cc_bptree_wait_for_lock(tree, a);
    }
    gone_things gone = a->gone;
    a->gone.count = 0;
    retire_gone(tree, self, &gone);
    cc_status status = cc_reserve(self, RECORDS) ? CC_NO_MEMORY : CC_FOUND;
    cc_enter_as(self, tree->map.common.domain, &a->g);
    return status;
}

void cc_bptree_end_attempt(cc_bptree *tree, attempt *a) {
    cc_thread *self = a->g.thread;
    leave(tree, a);
    cc_bptree_leave_line(tree, a);
    retire_gone(tree, self, &a->gone);
    cc_poll(tree->map.common.domain, self);
}

void cc_bptree_tidy(cc_bptree *tree, cc_search *search, search_way way) {
    attempt a;
    place at;
    uintptr_t value;
    int outcome = REGROUP;
    if (cc_bptree_begin_attempt(tree, &a) != CC_FOUND) {
        return;
    }
    for (unsigned tries = 0; tries < MOST_TRIES_TO_TIDY; tries++) {
        outcome = cc_bptree_find(tree, &a.g, search, way, TO_TIDY, &at, &value);
        if (outcome != REGROUP && outcome != WAIT) {
            break;
        }
        if (cc_bptree_try_again(tree, &a, outcome, search, TO_TIDY, &at) != CC_FOUND) {
            break;
        }
    }
    cc_bptree_end_attempt(tree, &a);
}
