/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The skip list with locks: taking the locks of a place, taking a node out, waiting.
 * skiplist_locked.c has the overview.
 *
 * Progress. Everything but waiting is a number of steps that is bounded by the height of a node.
 *
 * Pairs of releases and acquires: (1) and (5) as in skiplist.c, (7) in node_lock.h.
 */
#include "skiplist_locks.h"

/* ---------------------------------------------------------------- places and their locks */

/* The next node to lock of those that come before a place, on the levels from *level on, below
 * `height`: on all of them, or where the place is n's. NULL: no more. */
static node *next_before(const position *at, int height, const node *n, bool everywhere,
                         const node *last, int *level) {
    while (*level < height) {
        node *before = at->before[(*level)++];
        if (before != last && (everywhere || at->after[*level - 1] == n)) {
            return before;
        }
    }
    return NULL;
}

/* Lock them, and before them n, if there is one. It looks first: who takes some of his locks and
 * gives them back has to wake others, and two who do that would keep each other awake while a third
 * one has the lock that they need. */
static bool lock_all(cc_thread *self, const position *at, int height, node *n, bool everywhere) {
    node *before = NULL;
    bool free = !n || !cc_is_locked(&n->slot.birth);
    for (int level = 0;
         free && (before = next_before(at, height, n, everywhere, before, &level));) {
        free = !cc_is_locked(&before->slot.birth);
    }
    free = free && (!n || cc_try_lock(self, &n->slot.birth));
    before = NULL;
    for (int level = 0;
         free && (before = next_before(at, height, n, everywhere, before, &level));) {
        free = cc_try_lock(self, &before->slot.birth);
    }
    return free;
}

/* Do they lead where they were seen to lead? */
static bool is_as_seen(const position *at, int height, const node *n) {
    for (int level = 0; level < height; level++) {
        if ((!n || at->after[level] == n) &&
            load_link(at->before[level], level) != link_to(at->after[level])) {
            return false;
        }
    }
    return true;
}

static locking give_back(cc_smr_guard *g, locking why) {
    cc_unlock_all(g->thread);
    return why;
}

locking cc_skiplist_lock_gap(cc_smr_guard *g, const position *at, int height) {
    if (!lock_all(g->thread, at, height, NULL, true)) {
        return give_back(g, LOCK_IS_TAKEN);
    }
    /* Not behind a dead one: only in the child of fork() is there such a node without a lock. */
    if (!is_as_seen(at, height, NULL) || is_dead(at->before[0])) {
        return give_back(g, PLACE_HAS_CHANGED);
    }
    return LOCKED;
}

bool cc_skiplist_is_place_of(const position *at, const node *n) {
    bool is_whole = (cc_load_acquire_u64(&n->slot.birth) & CC_LINKED) && !is_dead(n); /* (4) */
    for (int level = 0; level < height_of(n) && level < at->levels; level++) {
        if (at->after[level] != n && (is_whole || level == 0)) {
            return false;
        }
    }
    return height_of(n) <= at->levels; /* else the list has become higher meanwhile */
}

locking cc_skiplist_lock_node(cc_smr_guard *g, const position *at, node *n) {
    int height = height_of(n) < at->levels ? height_of(n) : at->levels;
    /* Whoever is inserting it, alone or in a chain, has the locks of what comes before it, also
     * where it is not linked yet. */
    bool is_linked = cc_load_acquire_u64(&n->slot.birth) & CC_LINKED; /* (4) */
    if (!lock_all(g->thread, at, height, n, !is_linked)) {
        return give_back(g, LOCK_IS_TAKEN);
    }
    if (!cc_skiplist_is_place_of(at, n) || !is_as_seen(at, height, n)) {
        return give_back(g, PLACE_HAS_CHANGED);
    }
    return LOCKED;
}

void cc_skiplist_take_out(cc_skiplist *list, cc_smr_guard *g, const position *at, node *n,
                          cc_leftovers *left) {
    for (int level = height_of(n) - 1; level >= 0; level--) {
        cc_link_word next = load_link(n, level);
        if (level < at->levels && at->after[level] == n) {
            cc_store_release_u32(&at->before[level]->next[level], next);
        }
        cc_store_release_u32(&n->next[level], next | CC_MARK | CC_UNLINKED); /* (5) */
    }
    bool ours = cc_set_removed(&n->slot.birth);
    cc_unlock_all(g->thread);
    if (ours) {
        cc_skiplist_last_one_out(list, g, NULL, n, left);
    }
}

cc_status cc_skiplist_remove_at(cc_skiplist *list, cc_smr_guard *g, const position *at, node *n,
                                const uintptr_t *expected, cc_leftovers *left, locking *outcome) {
    *outcome = cc_skiplist_lock_node(g, at, n);
    if (*outcome != LOCKED) {
        return CC_MISMATCH;
    }
    cc_status status = swap_value(list, g, n, CC_TOMBSTONE, expected, left);
    if (status == CC_MISMATCH) {
        cc_unlock_all(g->thread);
    } else {
        cc_skiplist_take_out(list, g, at, n, left);
    }
    return status;
}

/* ---------------------------------------------------------------- waiting */

void cc_skiplist_wait_outside(cc_skiplist *list, cc_smr_guard *g, cc_lock_wait *wait) {
    cc_thread *self = g->thread;
    cc_leave(g);
    cc_wait_for_lock(cc_skiplist_line(list), self, wait, list->map.common.words);
    cc_enter_as(self, list->map.common.domain, g);
}

void cc_skiplist_end_locked_update(cc_skiplist *list, cc_smr_guard *g, const cc_leftovers *left,
                                   cc_lock_wait *wait) {
    cc_thread *self = g->thread;
    cc_leave(g);
    cc_end_lock_wait(cc_skiplist_line(list), wait);
    cc_wake_for_locks(cc_skiplist_line(list), self);
    cc_retire_leftovers(&list->map.common, self, left);
    if (cc_load_relaxed_u32(&list->index_work)) {
        cc_skiplist_tend_index(list, self);
    }
}

/* ---------------------------------------------------------------- at the end (skiplist_build.c) */

bool cc_skiplist_lock_end(cc_skiplist *list, cc_smr_guard *g, const position *at, int height) {
    return !(list->head.birth_kind_height & IN_LOCKED_LIST) ||
           cc_skiplist_lock_gap(g, at, height) == LOCKED;
}

void cc_skiplist_unlock_end(cc_thread *self) {
    cc_unlock_all(self);
}

void cc_skiplist_wake_at_end(cc_skiplist *list, cc_thread *self) {
    if (self->gave_locks_back) { /* then it is a list with locks */
        cc_wake_for_locks(cc_skiplist_line(list), self);
    }
}
