/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The skip list: unlinking what has been removed.
 *
 * Promises. When the last one out of a node (handoff.h) returns from here, no link and no table
 * leads to the node, and none ever will.
 *
 * A sweep. A search for the node's key passes the node on every level, and unlinks it there. It
 * asks nothing, since the operation has had its effect: what it would have to ask, and what it
 * cannot be sure of, is found by walking the level.
 *
 * Proof of unlinking. A sweep relies on comparisons to lead it to the dead node, and those that
 * foreign code makes may lie, or be no total order (frozensets are not). So UNLINKED is looked for
 * in the node's own links. Where one is missing, and foreign code has ever been asked about this
 * list, the sweep walks that level until it is there: with lies, with a key come in between that
 * the search knows nothing of, or while another thread is between its two steps. Likewise a search
 * that is told that two live nodes in different places equal its key goes by level 0.
 *
 * Progress. A walk goes back some steps when somebody has changed the link that it stands on, never
 * to wait for anybody.
 */
#include "skiplist_inside.h"

#if defined(CC_TEST_HOOKS)
_Atomic uint64_t cc_skiplist_searches;
#endif

/* ---------------------------------------------------------------- reports to snapshots */

static void report(cc_skiplist *list, cc_smr_guard *g, const node *n, const uintptr_t *seen) {
    const cc_reported entry = {.identity = {n, n->birth_kind_height},
                               .key = {n->digest, key_of(n), (uint8_t)kind_of(n)},
                               .slot = &n->slot};
    cc_report(&list->map.common, g, &entry, seen);
}

void cc_skiplist_report(cc_skiplist *list, cc_smr_guard *g, const node *n, uintptr_t seen) {
    report(list, g, n, &seen);
}

void cc_skiplist_report_anyhow(cc_skiplist *list, cc_smr_guard *g, const node *n) {
    report(list, g, n, NULL);
}

void cc_skiplist_report_in_read_phase(cc_skiplist *list, cc_smr_guard *g, const node *n,
                                      uintptr_t seen) {
    cc_hold(g, CC_HELD_NODES, (uintptr_t)n);
    cc_end_reading(g);
    report(list, g, n, &seen);
    cc_resume_reading(g);
}

/* ---------------------------------------------------------------- searching again */

CC_NEVER_INLINE cc_status seek_plainly(cc_skiplist *list, cc_smr_guard *g, cc_search *search,
                                       position *at) {
    return seek(list, g, false, search, at, SEEK_POSITION);
}

CC_NEVER_INLINE cc_status seek_restartably(cc_skiplist *list, cc_smr_guard *g, cc_search *search,
                                           position *at, int levels) {
    CC_CHECKPOINT(g);
    cc_status status = seek(list, g, true, search, at, SEEK_POSITION);
    keep_position(g, at, status, levels);
    return status;
}

cc_status cc_skiplist_seek_again(cc_skiplist *list, cc_smr_guard *g, cc_search *search,
                                 position *at, int levels) {
    return g->restarts ? seek_restartably(list, g, search, at, levels)
                       : seek_plainly(list, g, search, at);
}

/* ---------------------------------------------------------------- unlinking */

/* Places of a walk that are kept to go back to. */
#ifndef MOST_STEPS_BACK /* tests/c/schedules has short lists */
#define MOST_STEPS_BACK 16u
#endif

/* Walk a level and unlink what is marked there: from end to end, or until `sought_node`, if there
 * is one, is unlinked. Returns how many nodes it has passed. A read phase: it only helps. Whoever
 * is in the way costs a few steps back, to the last place that is still linked, and only when all
 * of MOST_STEPS_BACK places have died the way from the head. */
CC_NEVER_INLINE unsigned unlink_dead_from_level(cc_skiplist *list, cc_smr_guard *g, int level,
                                                const node *sought_node) {
    CC_CHECKPOINT(g);
    /* The ones before `place`, which may be stepped on again: the region has seen them. */
    cc_link *places[MOST_STEPS_BACK];
    unsigned steps = 0, kept = 0;
    const size_t at = offset_of_level(level);
    cc_list_place place = place_behind(g, &list->head, level);
    while (!sought_node || !cc_is_unlinked(&sought_node->next[level])) { /* (5) */
        if (cc_help_unlink(g, false, at, &place)) {
            if (!place.current) {
                break;
            }
            places[steps++ % MOST_STEPS_BACK] = place.before;
            kept += kept < MOST_STEPS_BACK;
            cc_list_advance(at, &place);
            continue;
        }
        cc_link_word link = cc_protect_reference(g, false, place.before);
        for (; cc_is_marked(link); link = cc_protect_reference(g, false, place.before)) {
            place.before = kept ? (kept--, places[--steps % MOST_STEPS_BACK])
                                : (steps = 0, &list->head.next[level]);
        }
        place.current = cc_target_of(link); /* of a clean link: `before` is still there */
    }
    cc_end_reading(g);
    return steps;
}

unsigned cc_skiplist_unlink_dead(cc_skiplist *list, cc_smr_guard *g, int level) {
    return unlink_dead_from_level(list, g, level, NULL);
}

/* Unlink n, which is marked and ours, without asking where its key belongs. */
static void unlink_without_comparing(cc_skiplist *list, cc_smr_guard *g, node *n) {
    for (int level = height_of(n) - 1; level >= 0; level--) {
        unlink_dead_from_level(list, g, level, n);
    }
}

/* In the region that has seen `at`, in a write phase. On levels that `at` does not have: what
 * follows the head. */
void cc_skiplist_unlink_at(cc_skiplist *list, const position *at, node *n) {
    for (int level = height_of(n) - 1; level >= 0; level--) {
        node *before = level < at->levels ? at->before[level] : &list->head;
        cc_link_word link = load_link(n, level);
        if (!(link & CC_UNLINKED) && swing_link(before, level, n, target_of(link))) {
            cc_set_unlinked(&n->next[level]); /* (5) */
        }
    }
}

#if defined(CC_DEBUG_INVARIANTS) && defined(CC_SCHED)
/* In a schedule build the threads are fibres of one thread, so the whole list can be looked at
 * between two of their steps. */
void cc_skiplist_check_unreachable(cc_skiplist *list, const node *dead) {
    for (int level = 0; level < MAX_HEIGHT; level++) {
        for (node *n = &list->head; n;) {
            node *next = target_of(atomic_load(&n->next[level].word));
            CC_INVARIANT(next != dead); /* no pointer leads to a node that is retired */
            n = next;
        }
    }
    cc_skiplist_check_not_indexed(list, dead);
}
#endif

/* After a search for n's key: whether n can still be linked. Never, when no comparison of this list
 * was ever left to foreign code: then the order is total, and the search has passed n on every
 * level. */
static bool may_be_linked(cc_skiplist *list, const node *n) {
    return cc_load_relaxed_u32(&list->map.common.asked) && !is_unlinked(n);
}

static void sweep(cc_skiplist *list, cc_smr_guard *g, cc_search *search, node *n) {
    position at;
    cc_search own;
    if (!search) {
        const cc_stored_key key = {
            .digest = n->digest, .word = key_of(n), .kind = (uint8_t)kind_of(n)};
        own = cc_skiplist_silent_search(list, &key, 0);
        search = &own;
    }
    if (!is_unlinked(n) && (cc_skiplist_seek_again(list, g, search, &at, 0) == CC_NEED_COMPARE ||
                            may_be_linked(list, n))) {
        unlink_without_comparing(list, g, n);
    }
}

void cc_skiplist_last_one_out(cc_skiplist *list, cc_smr_guard *g, cc_search *search, node *n,
                              cc_leftovers *left) {
    cc_skiplist_take_from_index(list, g, n); /* rule B of index.h */
    sweep(list, g, search, n);
    cc_skiplist_check_unreachable(list, n);
    left->node = (uintptr_t)n;
    left->node_birth = birth_of(n);
    left->node_bytes = bytes_of(n);
}
