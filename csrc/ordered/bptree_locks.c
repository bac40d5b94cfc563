/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The B+tree: what an operation goes through until it is done: waiting with empty hands, retiring
 * what is gone, locks of threads that died in a fork().
 */
#include "bptree_locks.h"

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

/* ---------------------------------------------------------------- attempts */

cc_status cc_bptree_begin_attempt(cc_bptree *tree, attempt *a) {
    a->gone.count = 0;
    a->wait.looks = 0;
    a->wait.in_line = a->gave_back = false;
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
        cc_end_lock_wait(&tree->line, &a->wait); /* we would wake ourselves */
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
        outcome = REPAIRED;
    }
    a->gave_back = a->gave_back || outcome == REPAIRED;
    cc_count_retry(&a->g);
    if (outcome != WAIT && !a->gone.count) {
        return outcome == CC_ABSENT ? CC_ABSENT : CC_FOUND;
    }
    leave(tree, a);
    if (outcome == WAIT) {
        cc_wait_for_lock(&tree->line, &a->wait, tree->map.common.words);
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
    cc_end_lock_wait(&tree->line, &a->wait);
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
