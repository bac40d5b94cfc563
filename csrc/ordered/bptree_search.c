/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The B+tree: the way down, reading leaves, waiting.
 *
 * Promises. What a search has found was so at one point of it: the leaf is in the tree, unmarked,
 * and its version is the same before and after it was read.
 *
 * The way down. A child is read, and then its parent's state. If that is not marked the parent was
 * in the tree when the child was read, and so was the child: it had not been retired. An inner node
 * is not looked at again, for what is in it never changes.
 *
 * Reading a leaf. Nothing that is read may be used before the state has been read again; a key's
 * word not even to be compared. Whoever changes entries says so before (CHANGING) and has another
 * version after.
 *
 * Progress. A search starts over only when somebody has finished a change. It waits for who is
 * moving entries of the very leaf.
 */
#include "bptree_locks.h"
#include "concurrent_collections/cc_backoff.h"

/* ---------------------------------------------------------------- the way down */

#define NO_CHILD UINT32_MAX /* a comparison is needed */

/* How the searched key, whose digest here is `wanted`, compares with one of a node. */
CC_ALWAYS_INLINE int compare_in_node(cc_bptree *tree, cc_smr_guard *g, cc_search *search,
                                     uint64_t wanted, unsigned kind, uint64_t digest,
                                     uintptr_t word) {
    if (kind == search->kind && digest != wanted) {
        return wanted < digest ? -1 : 1;
    }
    if (kind == search->kind && !(word | search->key)) {
        return 0;
    }
    return cc_compare_key_slowly(&tree->map.common, g, search, kind, digest, word,
                                 (const void *)word);
}

/* The number of the child for the searched key. */
static inline unsigned child_for(cc_bptree *tree, cc_smr_guard *g, cc_search *search,
                                 const inner_node *n, place *at) {
    const separator *all = separators_of(n);
    unsigned low = 0, high = n->head.count - 1u;
    if (n->head.skip > n->head.shared && !cc_bptree_shares_prefix(tree, g, search, n, &low)) {
        return low;
    }
    if (n->head.skip != at->skip) {
        cc_bptree_skip(tree, g, search, n->head.skip, at);
    }
    const uint64_t wanted = at->digest;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        const separator *s = &all[middle];
        int order = compare_in_node(tree, g, search, wanted, kind_in_birth(s->birth_kind),
                                    s->digest, s->word);
        if (order == CC_UNDECIDED) {
            return NO_CHILD;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

/* Read the leaf's state, when no entries are moving. */
static int begin_leaf(place *at) {
    uint64_t state = cc_load_acquire_u64(&at->leaf->head.state);
    for (unsigned i = 0; (state & (CHANGING | MARKED)) == CHANGING; i++) {
        if (i == PAUSES_FOR_A_LEAF) {
            return WAIT;
        }
        cc_pause();
        state = cc_load_acquire_u64(&at->leaf->head.state);
    }
    if (state & MARKED) {
        return AGAIN;
    }
    at->state = when_free(state);
    at->extent = cc_load_acquire_u64(&at->leaf->extent);
    return CC_FOUND;
}

/* One level down: to child i of n. In a read phase. */
static void go_by(place *at, inner_node *n, unsigned i) {
    CC_INVARIANT(at->levels < MOST_LEVELS);
    at->at[at->levels].node = n;
    at->at[at->levels].index = i;
    at->at[at->levels++].count = n->head.count;
}

int cc_bptree_descend(cc_bptree *tree, cc_smr_guard *g, cc_search *search, search_way way,
                      place *at) {
    inner_node *n = &tree->anchor;
    unsigned i = 0;
    at->skip = 0;
    at->digest = way == BY_KEY ? search->digest : 0;
    for (at->levels = 0;;) {
        go_by(at, n, i);
        tree_node *child = (tree_node *)cc_protect(g, &n->children[i]); /* (1) */
        if (cc_load_acquire_u64(&n->head.state) & MARKED) {             /* (1) */
            return AGAIN;
        }
        if (!child) {
            at->leaf = NULL;
            return CC_ABSENT;
        }
        if (child->is_leaf) {
            at->leaf = (leaf_node *)child;
            return begin_leaf(at);
        }
        n = (inner_node *)child;
        i = way == TO_FIRST  ? 0
            : way == TO_LAST ? n->head.count - 1u
                             : child_for(tree, g, search, n, at);
        if (i == NO_CHILD) {
            return CC_NEED_COMPARE;
        }
    }
}

/* On by so many children, or by one: of the node at that level, or one above. */
static int step(cc_smr_guard *g, bool up, place *at, unsigned level, unsigned children) {
    for (; level > 0; level--, children = 1) { /* the anchor has but one child */
        unsigned i = at->at[level].index;
        if (up ? i + children < at->at[level].node->head.count : i >= children) {
            break;
        }
    }
    if (level == 0) {
        return CC_ABSENT;
    }
    unsigned i = up ? at->at[level].index + children : at->at[level].index - children;
    inner_node *n = at->at[level].node;
    for (at->levels = level;;) {
        go_by(at, n, i);
        tree_node *child = (tree_node *)cc_protect(g, &n->children[i]); /* (1) */
        if (!child || (cc_load_acquire_u64(&n->head.state) & MARKED)) { /* (1) */
            return AGAIN;
        }
        if (child->is_leaf) {
            at->leaf = (leaf_node *)child;
            return begin_leaf(at);
        }
        n = (inner_node *)child;
        i = up ? 0 : n->head.count - 1u;
    }
}

int cc_bptree_step(cc_smr_guard *g, bool up, place *at) {
    return step(g, up, at, at->levels - 1, 1);
}

int cc_bptree_step_over(cc_smr_guard *g, place *at, unsigned level, unsigned children) {
    return step(g, true, at, level, children);
}

/* ---------------------------------------------------------------- in a leaf */

int cc_bptree_search_leaf(cc_bptree *tree, cc_smr_guard *g, cc_search *search, place *at) {
    const leaf_node *n = at->leaf;
    unsigned low = 0, high = count_at(at);
    at->found = false;
    if (n->head.skip != at->skip) {
        cc_bptree_skip(tree, g, search, n->head.skip, at);
    }
    const uint64_t wanted = at->digest;
    while (low < high) {
        unsigned middle = low + (high - low) / 2, kind = kind_at(n, at->extent, middle);
        uint64_t digest = cc_load_acquire_u64(&digests_of(n)[middle]); /* (2) */
        int order;
        if (kind == search->kind && digest != wanted) {
            order = wanted < digest ? -1 : 1;
        } else {
            uintptr_t word = n->head.has_words ? cc_protect(g, &words_of(n)[middle].word) : 0;
            /* Its owner looks at the key: was it there, kind, digest and word together? */
            if ((word | search->key || kind != search->kind) && !is_as_it_was(n, at->state)) {
                return AGAIN;
            }
            order = compare_in_node(tree, g, search, wanted, kind, digest, word);
        }
        if (order == CC_UNDECIDED) {
            return CC_NEED_COMPARE;
        }
        if (order > 0) {
            low = middle + 1;
            continue;
        }
        high = middle;
        if (order == 0) {
            at->found = true;
            low = high;
        }
    }
    at->position = low;
    return CC_FOUND;
}

/* ---------------------------------------------------------------- what is to be done first */

static bool is_full(const place *at) {
    return count_at(at) == at->leaf->head.count;
}

bool cc_bptree_lacks_room(const place *at, uintptr_t word) {
    return is_full(at) || (word && !at->leaf->head.has_words);
}

unsigned cc_bptree_level_to_regroup(search_aim aim, const place *at) {
    unsigned level = at->levels - 1;
    if (aim == TO_PUT) {
        bool splits = is_full(at) && at->leaf->head.count == LEAF_ENTRIES;
        while (splits && level > 0 && at->at[level].count == INNER_CHILDREN) {
            level--;
        }
    } else {
        while (level > 0 && at->at[level].count == 1) {
            level--;
        }
    }
    return level;
}

void cc_bptree_hold_for(cc_smr_guard *g, search_aim aim, const place *at) {
    unsigned level = cc_bptree_level_to_regroup(aim, at), slot = CC_HELD_NODES;
    cc_hold(g, slot++, (uintptr_t)at->leaf);
    cc_hold(g, slot++, (uintptr_t)at->at[level].node);
    if (level > 0) {
        cc_hold(g, slot++, (uintptr_t)at->at[level - 1].node);
    }
    if (level + 1 < at->levels) {
        cc_hold(g, slot++, (uintptr_t)at->at[level + 1].node);
    }
}

/* ---------------------------------------------------------------- searches */

int cc_bptree_reach(cc_bptree *tree, cc_smr_guard *g, cc_search *search, search_way way,
                    place *at) {
    int outcome = cc_bptree_descend(tree, g, search, way, at);
    if (outcome == CC_FOUND && way == BY_KEY) {
        outcome = cc_bptree_search_leaf(tree, g, search, at);
    } else if (outcome == CC_FOUND) {
        at->found = count_at(at) > 0;
        at->position = way == TO_FIRST || !at->found ? 0 : count_at(at) - 1;
    }
    return outcome;
}

static int look(cc_bptree *tree, cc_smr_guard *g, cc_search *search, search_way way, search_aim aim,
                place *at, uintptr_t *value) {
    int outcome = cc_bptree_reach(tree, g, search, way, at);
    if (outcome != CC_FOUND) {
        return outcome;
    }
    if (at->found && (aim == TO_READ || aim == TO_PUT)) {
        *value = cc_load_value(g, false, &slots_of(at->leaf)[at->position]);
    }
    if (!is_as_it_was(at->leaf, at->state)) {
        return AGAIN;
    }
    bool is_regrouped = aim == TO_PUT    ? !at->found && cc_bptree_lacks_room(at, search->key)
                        : aim == TO_TIDY ? at->levels > 1 && count_at(at) <= LEAF_ENTRIES / 4
                                         : false;
    return is_regrouped ? REGROUP : at->found ? CC_FOUND : CC_ABSENT;
}

int cc_bptree_find(cc_bptree *tree, cc_smr_guard *g, cc_search *search, search_way way,
                   search_aim aim, place *at, uintptr_t *value) {
    CC_CHECKPOINT(g);
    for (;; cc_count_retry(g)) {
        int outcome = look(tree, g, search, way, aim, at, value);
        if (outcome == AGAIN) {
            continue;
        }
        if (outcome == CC_NEED_COMPARE) {
            return outcome; /* the read phase is over */
        }
        if (outcome == REGROUP) {
            cc_bptree_hold_for(g, aim, at);
        } else if (at->leaf) {
            cc_hold(g, CC_HELD_NODES, (uintptr_t)at->leaf);
            if (outcome == CC_FOUND && (aim == TO_READ || aim == TO_PUT)) {
                cc_hold(g, CC_HELD_VALUE, *value);
            }
        }
        cc_end_reading(g);
        return outcome;
    }
}
