/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The binary search tree: the way down. bst_inside.h has the rule by which a step is taken.
 *
 * Promises. A place that is found has an edge that was in the tree at some point of the search, and
 * was the one where the key belongs. What is asked of foreign code is asked before anything is
 * known that could become wrong meanwhile: an answer takes the search back to the root.
 *
 * Progress. Loads only, but for what a comparison does; a search starts over only when somebody
 * else has unlinked something on its way.
 */
#include "bst_inside.h"

enum { LOST = CC_MISMATCH + 1 };

/* CC_UNDECIDED ends the phase. */
static int compare(cc_bst *tree, cc_smr_guard *g, const route *r, const node *n) {
    return cc_compare_key(&tree->map.common, g, r->search, kind_of(n), n->digest, key_of(n), n);
}

/* On which side of an inner node the way goes on, or CC_UNDECIDED. */
CC_ALWAYS_INLINE int side_below(cc_bst *tree, cc_smr_guard *g, const route *r, const node *n) {
    if (n->birth_kind & IS_INFINITE) {
        return 0;
    }
    if (r->way != BY_KEY) {
        return r->way == TO_LAST;
    }
    int order = compare(tree, g, r, n);
    if (order == CC_UNDECIDED && r->asks_nothing) {
        /* It has come since our operation has found its leaf, between that and what was above it,
         * with the larger of two keys. The leaf's own is known; so it is the other one. */
        cc_resume_reading(g);
        return 0;
    }
    return order == CC_UNDECIDED ? CC_UNDECIDED : order >= 0;
}

/* The edge on the other side of the node that `at` is about to leave. */
static inline void note_other(place *to, const place *at, node *n, int side) {
    to->above = at->above;
    to->above_side = at->above_side;
    to->root = at->root;
    to->top = at->top;
    to->chain = at->chain;
    to->parent = n;
    to->side = (uint8_t)!side;
}

static inline void push(path *p, const place *at, node *n, int side) {
    note_other(&p->at[p->next], at, n, side);
    p->next = (p->next + 1) % MOST_ANCESTORS;
    p->forgets = p->forgets || p->count == MOST_ANCESTORS;
    p->count += p->count < MOST_ANCESTORS;
}

/* The edge, by the rule of steps. False: the way is lost. */
CC_ALWAYS_INLINE bool read_edge(cc_bst *tree, cc_smr_guard *g, place *at) {
    at->word = cc_protect_u64(g, edge_at(tree, at)); /* (1) */
    return !(at->word & EDGE_MARKS) || load_edge(edge_above(tree, at)) == at->top; /* (3) */
}

/* From an edge that has been read down to a leaf. */
CC_ALWAYS_INLINE int descend(cc_bst *tree, cc_smr_guard *g, const route *r, place *at, place *turn,
                             path *p) {
    for (;;) {
        node *n = target_of(at->word);
        if (!n || !is_inner(n)) {
            at->leaf = n;
            break;
        }
        if (!(at->word & EDGE_MARKS)) {
            at->above = at->parent;
            at->above_side = at->side;
            at->top = at->word;
            at->chain = 0;
        }
        at->chain++;
        int side = side_below(tree, g, r, n);
        if (side == CC_UNDECIDED) {
            return CC_NEED_COMPARE;
        }
        if (turn && turn->side != side) {
            note_other(turn, at, n, side);
        }
        if (p && (int)p->side != side) {
            push(p, at, n, side);
        }
        at->parent = n;
        at->side = (uint8_t)side;
        if (!read_edge(tree, g, at)) {
            return LOST;
        }
    }
    if (!at->leaf || r->way != BY_KEY || r->asks_nothing) {
        at->order = -1;
        return at->leaf ? CC_FOUND : CC_ABSENT;
    }
    int order = compare(tree, g, r, at->leaf);
    at->order = (int8_t)order;
    return order == CC_UNDECIDED ? CC_NEED_COMPARE : order == 0 ? CC_FOUND : CC_ABSENT;
}

/* In a read phase: a moment of a write phase in the middle of it. */
CC_NEVER_INLINE void help_to_open(cc_bst *tree, cc_smr_guard *g) {
    cc_end_reading(g);
    cc_bst_tell_of_clear(tree, g);
    cc_resume_reading(g);
}

CC_ALWAYS_INLINE int seek(cc_bst *tree, cc_smr_guard *g, const route *r, place *at, place *turn,
                          path *p) {
    for (;; cc_count_retry(g)) {
        at->above = at->parent = NULL;
        at->above_side = at->side = 0;
        at->chain = 0;
        at->word = at->top = at->root = cc_protect_u64(g, &tree->root); /* (1) */
        if (at->root & SEALED) {
            help_to_open(tree, g);
            continue;
        }
        if (turn) {
            turn->parent = NULL;
        }
        if (p) {
            p->next = p->count = 0;
            p->forgets = false;
        }
        int outcome = descend(tree, g, r, at, turn, p);
        if (outcome != LOST) {
            return outcome;
        }
    }
}

int cc_bst_seek(cc_bst *tree, cc_smr_guard *g, const route *r, place *at, place *turn, path *p) {
    return seek(tree, g, r, at, turn, p);
}

bool cc_bst_cross(cc_bst *tree, cc_smr_guard *g, place *at, path *p) {
    const route r = {.way = at->side ? TO_FIRST : TO_LAST};
    edge *crossed = edge_at(tree, at), *above = edge_above(tree, at);
    const uint64_t top = at->top;
    if (!read_edge(tree, g, at) || descend(tree, g, &r, at, NULL, p) == LOST) {
        return false;
    }
    /* When the node that the ways part at is unlinked meanwhile, because the leaf on this side of
     * it has gone, then keys of this side come on that one. */
    return !(load_edge(crossed) & EDGE_MARKS) || load_edge(above) == top;
}

void cc_bst_hold(cc_smr_guard *g, const place *at, uintptr_t value) {
    if (g->restarts) {
        cc_hold(g, CC_HELD_VALUE, value);
        cc_hold(g, CC_HELD_NODES, (uintptr_t)at->above);
        cc_hold(g, CC_HELD_NODES + 1, (uintptr_t)at->parent);
        cc_hold(g, CC_HELD_NODES + 2, (uintptr_t)at->leaf);
    }
    cc_end_reading(g);
}

int cc_bst_find(cc_bst *tree, cc_smr_guard *g, const route *r, place *at, uintptr_t *value) {
    CC_CHECKPOINT(g);
    int outcome = seek(tree, g, r, at, NULL, NULL);
    if (outcome == CC_NEED_COMPARE) {
        return outcome; /* the phase is over */
    }
    *value = outcome == CC_FOUND && !(at->word & FLAGGED) ? cc_load_value(g, false, &at->leaf->slot)
                                                          : CC_TOMBSTONE;
    cc_bst_hold(g, at, *value);
    if (outcome == CC_FOUND && *value == CC_TOMBSTONE) {
        cc_bst_note_death(tree, g, at);
    }
    return outcome;
}
