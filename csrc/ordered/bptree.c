/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A B+tree with optimistic locks: operations on one key, and the overview.
 *
 *     bptree_inside.h   nodes, states, places
 *     bptree_locks.h    locks: what a holder may do, waiting, fork
 *     bptree.c          one key: get, put, replace_exact, remove
 *     bptree_order.c    ordered queries, pops, scans, what comes in order
 *     bptree_search.c   the way down, reading leaves
 *     bptree_nodes.c    moving entries, and replacing nodes
 *     bptree_prefix.c   what the keys of a node share, and its digests leave out
 *     bptree_locks.c    attempts: waiting, retiring, locks of dead threads
 *     bptree_bulk.c     clear, freeing, visit and check; the table of operations
 *
 * Promises. Every operation is linearizable but for scans, where each entry by itself is. An
 * operation asks foreign code only before its effect, and never with a lock in its hands.
 *
 * Progress. With locks. Readers write nothing: they look at the leaf's version before and after,
 * and start over when somebody has finished a change in between. They wait, as writers do, for who
 * is moving entries of the very leaf at this moment. Nobody waits with a lock in hand, so there is
 * no deadlock; a thread that the system stops with a lock in hand holds up who needs that leaf.
 *
 * Algorithm. In the manner of optimistic lock coupling (Leis, Scheibner, Kemper, Neumann: The ART
 * of practical synchronization, DaMoN 2016), with two differences. Inner nodes never change but for
 * their children, so there is nothing to validate in them but that they are in the tree; and the
 * comparisons that foreign code makes are made outside of everything: an operation that needs one
 * copies the key, ends, and begins anew from the root.
 *
 *                anchor
 *                  |
 *                (  40  )                       separators: not less is on the right
 *               /        \
 *     [10 20 30]          [40 50 60]            leaves: sorted, equally deep
 *
 * Linearization points of this file.
 *   get, found       the load of the value, which was followed by a look at the version.
 *   get, absent      that look at the version.
 *   put              of a new key: giving the leaf's lock back; in an empty tree the store of the
 *                    root. Of one that is there: the CAS in cc_swap_value, under the lock.
 *   replace_exact    that CAS; without effect as get, or the load of another value under the lock.
 *   remove           giving the leaf's lock back; without effect likewise.
 *
 * Memory. Nodes are retired as memory, keys and values by themselves: with births of their own, for
 * the life of each is not that of its node.
 *
 * Phases. Under debra.c a search is a read phase, and only loads. Locks are taken in write phases,
 * which hold the nodes: so nobody is thrown out with a lock in hand.
 *
 * Pairs of releases and acquires: (1) and (2) of bptree_inside.h, those of value_slot.h.
 */
#include "bptree_locks.h"

static void give_old_value(cc_bptree *tree, uintptr_t value, uintptr_t *old) {
    if (old) {
        cc_acquire_word(&tree->map.common, value);
        *old = value;
    }
}

/* ---------------------------------------------------------------- get */

cc_status cc_bptree_get(cc_ordered *map, cc_search *search, uintptr_t *value) {
    cc_bptree *tree = tree_of(map);
    attempt a;
    place at;
    uintptr_t found;
    int outcome;
    if (cc_bptree_begin_attempt(tree, &a) != CC_FOUND) {
        return CC_NO_MEMORY;
    }
    do {
        outcome =
            cc_bptree_find(tree, &a.g, search, BY_KEY, value ? TO_READ : TO_KNOW, &at, &found);
    } while (cc_bptree_has_to_try_again(tree, &a, &outcome, search, TO_READ, &at));
    if (outcome == CC_FOUND && value) {
        cc_acquire_word(&map->common, found);
        *value = found;
    }
    cc_bptree_end_attempt(tree, &a);
    return (cc_status)outcome;
}

/* ---------------------------------------------------------------- put */

int cc_bptree_put_root(cc_bptree *tree, attempt *a, const leaf_entry *entries, unsigned count,
                       bool has_words) {
    unsigned positions = FIRST_LEAF_ENTRIES > count ? FIRST_LEAF_ENTRIES : count;
    leaf_node *n =
        cc_bptree_new_leaf(tree, positions < LEAF_ENTRIES ? positions : LEAF_ENTRIES, has_words);
    inner_node *anchor = &tree->anchor;
    uint64_t state;
    if (!n) {
        return CC_NO_MEMORY;
    }
    for (unsigned i = 0; i < count; i++) {
        cc_bptree_insert_at(n, i, &entries[i]);
    }
    unlock_as(&n->head, 0);
    int outcome = try_lock(&anchor->head, &state);
    if (outcome == CC_FOUND) {
        bool is_empty = !cc_load_relaxed_uptr(&anchor->children[0]);
        if (is_empty) {
            cc_store_release_uptr(&anchor->children[0], (uintptr_t)n); /* (1) */
        } else {
            outcome = AGAIN;
        }
        unlock_as(&anchor->head, state);
        a->gave_back = true;
    }
    if (outcome != CC_FOUND) {
        /* For schedules: no store is late when its memory is gone. */
        cc_fence_seq_cst(&tree->line.fence);
        cc_free(n);
        return outcome;
    }
    cc_bptree_count(tree, &a->g, (int)count, n->head.bytes);
    cc_published(&a->g);
    return CC_ABSENT;
}

static int put_root(cc_bptree *tree, attempt *a, const cc_search *search, uintptr_t value) {
    leaf_entry e = cc_bptree_new_entry(tree, search->kind, search->digest, search->key, value);
    return cc_bptree_put_root(tree, a, &e, 1, search->key != 0);
}

static int put_new(cc_bptree *tree, attempt *a, const cc_search *search, uintptr_t value,
                   const place *at) {
    int outcome = try_lock_as_it_was(&at->leaf->head, at->state, CHANGING);
    if (outcome != CC_FOUND) {
        return outcome;
    }
    leaf_entry e = cc_bptree_new_entry(tree, search->kind, at->digest, search->key, value);
    cc_bptree_insert_at(at->leaf, at->position, &e);
    unlock_as(&at->leaf->head, at->state + ONE_VERSION);
    a->gave_back = true;
    cc_bptree_count(tree, &a->g, 1, 0);
    cc_published(&a->g);
    return CC_ABSENT;
}

/* With the very value `expected`, if there is one. */
static int replace(cc_bptree *tree, attempt *a, uintptr_t value, const uintptr_t *expected,
                   const place *at) {
    int outcome = try_lock_as_it_was(&at->leaf->head, at->state, 0);
    if (outcome != CC_FOUND) {
        return outcome;
    }
    cc_leftovers left = {0};
    outcome = cc_swap_value(&tree->map.common, &a->g, &slots_of(at->leaf)[at->position], value,
                            expected, &left); /* (2) of value_slot.h */
    unlock_as(&at->leaf->head, at->state);
    a->gave_back = true;
    if (outcome == CC_FOUND) {
        add_gone(&a->gone, left.value, CC_RETIRED_VALUE, left.value_birth, 0);
    }
    return outcome;
}

cc_status cc_bptree_put(cc_ordered *map, cc_search *search, uintptr_t value, cc_put_policy policy,
                        uintptr_t *old) {
    cc_bptree *tree = tree_of(map);
    const search_aim aim = policy == CC_PUT_IF_PRESENT ? TO_CHANGE : TO_PUT;
    attempt a;
    place at;
    uintptr_t found;
    int outcome;
    if (cc_bptree_begin_attempt(tree, &a) != CC_FOUND) {
        return CC_NO_MEMORY;
    }
    do {
        outcome = cc_bptree_find(tree, &a.g, search, BY_KEY, aim, &at, &found);
        if (outcome == CC_FOUND && policy == CC_PUT_IF_ABSENT) {
            give_old_value(tree, found, old);
        } else if (outcome == CC_FOUND) {
            outcome = replace(tree, &a, value, NULL, &at);
            if (outcome == CC_FOUND) {
                give_old_value(tree, a.gone.things[a.gone.count - 1].word, old);
            }
        } else if (outcome == CC_ABSENT && policy != CC_PUT_IF_PRESENT) {
            outcome =
                at.leaf ? put_new(tree, &a, search, value, &at) : put_root(tree, &a, search, value);
        }
    } while (cc_bptree_has_to_try_again(tree, &a, &outcome, search, aim, &at));
    cc_bptree_end_attempt(tree, &a);
    return (cc_status)outcome;
}

cc_status cc_bptree_replace_exact(cc_ordered *map, cc_search *search, uintptr_t expected,
                                  uintptr_t value) {
    cc_bptree *tree = tree_of(map);
    attempt a;
    place at;
    uintptr_t found;
    int outcome;
    if (cc_bptree_begin_attempt(tree, &a) != CC_FOUND) {
        return CC_NO_MEMORY;
    }
    do {
        outcome = cc_bptree_find(tree, &a.g, search, BY_KEY, TO_CHANGE, &at, &found);
        if (outcome == CC_FOUND) {
            outcome = replace(tree, &a, value, &expected, &at);
        }
    } while (cc_bptree_has_to_try_again(tree, &a, &outcome, search, TO_CHANGE, &at));
    cc_bptree_end_attempt(tree, &a);
    return (cc_status)outcome;
}

/* ---------------------------------------------------------------- remove */

int cc_bptree_take_out(cc_bptree *tree, attempt *a, const place *at, const uintptr_t *expected,
                       leaf_entry *taken) {
    leaf_node *n = at->leaf;
    int outcome = try_lock_as_it_was(&n->head, at->state, CHANGING);
    if (outcome != CC_FOUND) {
        return outcome;
    }
    a->gave_back = true;
    *taken = entry_at(n, at->position);
    if (expected && taken->value != *expected) {
        unlock_as(&n->head, at->state);
        return CC_MISMATCH;
    }
    set_extent(n, count_at(at), at->position, kinds_in(at->extent));
    cc_bptree_close_hole(n);
    unlock_as(&n->head, at->state + ONE_VERSION);
    cc_bptree_count(tree, &a->g, -1, 0);
    add_gone(&a->gone, taken->value, CC_RETIRED_VALUE, taken->birth_kind, 0);
    if (taken->word) {
        add_gone(&a->gone, taken->word, RETIRED_KEY, taken->word_birth, 0);
    }
    return CC_FOUND;
}

cc_status cc_bptree_remove(cc_ordered *map, cc_search *search, const uintptr_t *expected,
                           uintptr_t *old) {
    cc_bptree *tree = tree_of(map);
    attempt a;
    place at;
    uintptr_t found;
    leaf_entry taken;
    int outcome;
    bool tidies = false;
    if (cc_bptree_begin_attempt(tree, &a) != CC_FOUND) {
        return CC_NO_MEMORY;
    }
    do {
        outcome = cc_bptree_find(tree, &a.g, search, BY_KEY, TO_CHANGE, &at, &found);
        if (outcome == CC_FOUND) {
            outcome = cc_bptree_take_out(tree, &a, &at, expected, &taken);
            if (outcome == CC_FOUND) {
                give_old_value(tree, taken.value, old);
                tidies = at.levels > 1 && is_time_to_tidy(count_at(&at) - 1);
            }
        }
    } while (cc_bptree_has_to_try_again(tree, &a, &outcome, search, TO_CHANGE, &at));
    cc_bptree_end_attempt(tree, &a);
    if (tidies) {
        cc_bptree_tidy(tree, search, BY_KEY);
    }
    return (cc_status)outcome;
}
