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
 * `height`: on all of them, or with `of` where the place is that one's. NULL: no more. */
static node *next_before(const position *at, int height, const node *of, const node *last,
                         int *level) {
    while (*level < height) {
        node *before = at->before[(*level)++];
        if (before != last && (!of || at->after[*level - 1] == of)) {
            return before;
        }
    }
    return NULL;
}

/* Lock n, and them. It looks first: who takes some of his locks and gives them back has to wake
 * others, and two who do that would keep each other awake while a third one has the lock that they
 * need. */
static bool lock_all(cc_thread *self, node *n, const position *at, int height, const node *of) {
    node *before = NULL;
    bool free = !cc_is_locked(&n->slot.birth);
    for (int level = 0; free && (before = next_before(at, height, of, before, &level));) {
        free = !cc_is_locked(&before->slot.birth);
    }
    free = free && cc_try_lock(self, &n->slot.birth);
    before = NULL;
    for (int level = 0; free && (before = next_before(at, height, of, before, &level));) {
        free = cc_try_lock(self, &before->slot.birth);
    }
    return free;
}

/* Do they lead where they were seen to lead? */
static bool is_as_seen(const position *at, int height, const node *of) {
    for (int level = 0; level < height; level++) {
        if ((!of || at->after[level] == of) &&
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

locking cc_skiplist_lock_gap(cc_smr_guard *g, const position *at, node *n) {
    const int height = height_of(n);
    if (!lock_all(g->thread, n, at, height, NULL)) {
        return give_back(g, LOCK_IS_TAKEN);
    }
    /* Not behind a dead one: only in the child of fork() is there such a node without a lock. */
    if (!is_as_seen(at, height, NULL) || is_dead(at->before[0])) {
        return give_back(g, PLACE_HAS_CHANGED);
    }
    return LOCKED;
}

/* Whoever inserts n has its lock from before it is linked until it is LINKED; whoever removes it
 * from before it is dead until it is REMOVED. */
bool cc_skiplist_is_abandoned(const node *n) {
    bool dead = is_dead(n);
    uint64_t word = cc_load_acquire_u64(&n->slot.birth); /* (4) */
    return !(word & CC_LOCK_BIT) && (dead ? !(word & CC_REMOVED) : !(word & CC_LINKED));
}

/* Is n at the place on each of its levels? Of an abandoned one those count that a walk has found it
 * on. */
static bool is_place_of(const position *at, const node *n, bool is_whole) {
    for (int level = 0; level < height_of(n) && level < at->levels; level++) {
        if (at->after[level] != n && (is_whole || level == 0)) {
            return false;
        }
    }
    return height_of(n) <= at->levels; /* else the list has become higher meanwhile */
}

bool cc_skiplist_is_place_of(const position *at, const node *n) {
    return is_place_of(at, n, true);
}

locking cc_skiplist_lock_node(cc_smr_guard *g, const position *at, node *n, bool walked) {
    int height = height_of(n) < at->levels ? height_of(n) : at->levels;
    if (!lock_all(g->thread, n, at, height, n)) {
        return give_back(g, LOCK_IS_TAKEN);
    }
    bool is_whole = !is_dead(n) && (cc_load_acquire_u64(&n->slot.birth) & CC_LINKED); /* (4) */
    if (!is_place_of(at, n, is_whole || !walked) || !is_as_seen(at, height, n)) {
        return give_back(g, PLACE_HAS_CHANGED);
    }
    return LOCKED;
}

/* ---------------------------------------------------------------- walking */

/* Walk a level from the head to n, or with NULL to the first dead entry, or to its end. Returns
 * what comes there. */
static node *walk_to(cc_skiplist *list, cc_smr_guard *g, int level, const node *n, position *at) {
    cc_list_place place = place_behind(g, &list->head, level);
    at->before[level] = &list->head;
    for (;;) {
        if (!cc_help_unlink(g, false, offset_of_level(level), &place)) {
            place = place_behind(g, &list->head, level);
            at->before[level] = &list->head;
            continue;
        }
        node *current = node_at(&place);
        if (!current || current == n || (!n && is_dead(current))) {
            return at->after[level] = current;
        }
        at->before[level] = current;
        cc_list_advance(offset_of_level(level), &place);
    }
}

node *cc_skiplist_walk_to_place(cc_skiplist *list, cc_smr_guard *g, node *n, position *at) {
    at->levels = (int)cc_load_acquire_u32(&list->top); /* (3) */
    n = walk_to(list, g, 0, n, at);
    for (int level = 1; n && level < at->levels; level++) {
        walk_to(list, g, level, n, at);
    }
    return n;
}

/* ---------------------------------------------------------------- taking out */

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
                                bool walked, const uintptr_t *expected, cc_leftovers *left,
                                locking *outcome) {
    *outcome = cc_skiplist_lock_node(g, at, n, walked);
    if (*outcome != LOCKED) {
        return CC_MISMATCH;
    }
    cc_status status = swap_value(list, g, n, CC_TOMBSTONE, expected, left);
    if (status == CC_MISMATCH) {
        cc_unlock_all(g->thread);
        observe_anyhow(list, g, n);
    } else {
        observe(list, g, n, CC_TOMBSTONE);
        cc_skiplist_take_out(list, g, at, n, left);
    }
    return status;
}

/* ---------------------------------------------------------------- waiting */

void cc_skiplist_wait_for_lock(cc_skiplist *list, cc_thread *self, cc_lock_wait *wait) {
    cc_event_count *line = cc_skiplist_line(list);
    if (self->gave_locks_back) {
        cc_end_lock_wait(line, wait); /* we would wake ourselves */
        cc_wake_if_gave_back(line, self);
    }
    cc_wait_for_lock(line, wait, list->map.common.words);
}

void cc_skiplist_wait_outside(cc_skiplist *list, cc_smr_guard *g, cc_lock_wait *wait) {
    cc_thread *self = g->thread;
    cc_leave(g);
    cc_skiplist_wait_for_lock(list, self, wait);
    cc_enter_as(self, list->map.common.domain, g);
}

void cc_skiplist_end_locked_update(cc_skiplist *list, cc_smr_guard *g, const cc_leftovers *left,
                                   cc_lock_wait *wait) {
    cc_thread *self = g->thread;
    cc_leave(g);
    cc_end_lock_wait(cc_skiplist_line(list), wait);
    cc_wake_if_gave_back(cc_skiplist_line(list), self);
    cc_retire_leftovers(&list->map.common, self, left);
    if (cc_load_relaxed_u32(&list->index_work)) {
        cc_skiplist_tend_index(list, self);
    }
}

/* ---------------------------------------------------------------- at the end (skiplist_build.c) */

bool cc_skiplist_lock_end(cc_skiplist *list, cc_smr_guard *g, const position *at,
                          node *const *chain, unsigned count, node *tallest) {
    if (!only_its_remover_marks(&list->head)) {
        return true;
    }
    bool locked = cc_skiplist_lock_gap(g, at, tallest) == LOCKED;
    for (int level = 0; locked && level < height_of(tallest); level++) {
        locked = !at->after[level]; /* else the comparisons are no order */
    }
    for (unsigned i = 0; locked && i < count; i++) {
        locked = chain[i] == tallest || cc_try_lock(g->thread, &chain[i]->slot.birth);
        CC_INVARIANT(locked); /* nobody locks what is not linked */
    }
    if (!locked) {
        cc_unlock_all(g->thread);
    }
    return locked;
}

void cc_skiplist_unlock_end(cc_thread *self) {
    cc_unlock_all(self);
}

void cc_skiplist_wake_at_end(cc_skiplist *list, cc_thread *self) {
    if (self->gave_locks_back) { /* then it is a list with locks */
        cc_wake_if_gave_back(cc_skiplist_line(list), self);
    }
}
