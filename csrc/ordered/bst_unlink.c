/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The binary search tree: unlinking leaves that go, and retiring what is unlinked.
 *
 * Promises. A leaf that is dead is unlinked by the operation that has made it so, or by whoever is
 * in a hurry before that. What is unlinked is retired once, by whoever has unlinked it, and only
 * when no edge leads to it any more.
 *
 * How. The edge to the leaf is FLAGGED, then the one beside it TAGGED: now both are fixed, and
 * the last clean edge above them is swung to what the tagged one leads to. It keeps a flag that
 * this one had: that leaf goes, too. Before an edge is tagged, the death of the leaf beside it is
 * reported to whoever takes a snapshot. When several removals meet, marked edges form a chain, and
 * one swing unlinks all of it, with a leaf beside each of its nodes:
 *
 *          above                           above
 *            |  clean                        |  clean
 *           top                              50
 *          F/  \T
 *         10    n        F: flagged
 *             T/ \F      T: tagged
 *         parent  40
 *         F/ \T
 *        20   50
 *
 * Retirement. Whoever swings the edge owns the chain from `top` to the parent, and the flagged leaf
 * beside each of its nodes: nobody else can, for the edge has been swung. The chain's length is
 * known from the search, since marked edges stay. So there are records for all of it before the
 * swing, and where there is no memory for them nothing happens. Each node is a thing of its own: a
 * neutralized thread may hold any of them (debra.c).
 *
 * Without memory. An operation that has had its effect cannot fail any more. When it has no memory
 * to unlink its leaf, the leaf stays, dead, until somebody comes to its place, or the map is
 * cleared.
 *
 * Progress. A swing that fails has been overtaken by another one, or by a new leaf.
 */
#include "bst_inside.h"

/* ---------------------------------------------------------------- attempts */

bool cc_bst_begin_attempt(cc_bst *tree, attempt *a) {
    a->left = (cc_leftovers){0};
    a->first = a->last = NULL;
    a->chain = a->dead_side = 0;
    a->dropped = 0;
    return cc_begin_operation(&tree->map.common, &a->g, BST_RECORDS) == 0;
}

static void retire_node(cc_bst *tree, cc_thread *self, cc_retired **records, node *n) {
    cc_retired *r = *records;
    *records = r->next;
    cc_retire_own(&tree->map.common, self, r, (uintptr_t)n, birth_of(n), bytes_of(n));
}

/* From its top on: every edge of it is marked, and stays as it is. What leads on is not flagged,
 * but that of the last one may be. */
static void retire_chain(cc_bst *tree, const attempt *a, cc_thread *self, cc_retired **records) {
    for (node *n = a->first, *below; n; n = below) {
        uint64_t word[2] = {load_edge(&n->child[0]), load_edge(&n->child[1])};
        unsigned dead = n == a->last ? a->dead_side : !(word[0] & FLAGGED);
        CC_INVARIANT((word[0] & EDGE_MARKS) && (word[1] & EDGE_MARKS) && (word[dead] & FLAGGED));
        below = n == a->last ? NULL : target_of(word[!dead]);
        retire_node(tree, self, records, target_of(word[dead]));
        retire_node(tree, self, records, n);
    }
}

void cc_bst_end_attempt(cc_bst *tree, attempt *a) {
    cc_thread *self = a->g.thread;
    cc_leave(&a->g);
    cc_retired *records = NULL; /* all of them first: foreign code uses spare ones up */
    for (unsigned i = 2 * a->chain; i > 0; i--) {
        cc_retired *r = cc_take_spare(self);
        r->next = records;
        records = r;
    }
    cc_retired *for_value =
        a->left.value && tree->map.common.words->release ? cc_take_spare(self) : NULL;
    if (a->chain) {
        retire_chain(tree, a, self, &records);
    }
    if (for_value) {
        cc_retire(tree->map.common.domain, self, for_value, a->left.value, CC_RETIRED_VALUE,
                  a->left.value_birth, 0);
    }
    cc_release_word(tree->map.common.words, a->dropped);
    cc_poll(tree->map.common.domain, self);
}

bool cc_bst_next_attempt(cc_bst *tree, attempt *a) {
    cc_count_retry(&a->g);
    cc_bst_end_attempt(tree, a);
    return cc_bst_begin_attempt(tree, a);
}

/* ---------------------------------------------------------------- unlinking */

cc_status cc_bst_unlink(cc_bst *tree, attempt *a, place *at) {
    if (!(at->word & EDGE_MARKS)) {
        uint64_t expected = at->word;
        if (!cc_cas_acq_rel_u64(edge_at(tree, at), &expected, at->word | FLAGGED)) {
            return CC_FOUND;
        }
        at->word |= FLAGGED;
    }
    cc_thread *self = a->g.thread;
    if (cc_reserve(self, 2 * at->chain + 1)) {
        return CC_NO_MEMORY;
    }
    /* Of two edges one is flagged: this one, or the one beside it, where this one is tagged. */
    unsigned dead = at->word & FLAGGED ? at->side : !at->side;
    if (at->word & FLAGGED) { /* else whoever has tagged this edge has done that */
        cc_bst_note_death(tree, &a->g, at);
    }
    uint64_t stays = cc_fetch_or_acq_rel_u64(&at->parent->child[!dead], TAGGED) & ~TAGGED;
    uint64_t expected = at->top;
    uint64_t swung = edge_to(target_of(stays), at->top) | (stays & FLAGGED);
    if (cc_cas_seq_cst_u64(edge_above(tree, at), &expected, swung)) { /* (1) */
        a->first = target_of(at->top);
        a->last = at->parent;
        a->chain = at->chain;
        a->dead_side = dead;
    }
    return CC_FOUND;
}

/* Has the attempt unlinked this leaf? */
static bool has_unlinked(const attempt *a, const node *leaf) {
    if (!a->chain) {
        return false;
    }
    for (const node *n = a->first;;) {
        uint64_t left = load_edge(&n->child[0]), right = load_edge(&n->child[1]);
        unsigned dead = n == a->last ? a->dead_side : !(left & FLAGGED);
        if (target_of(dead ? right : left) == leaf) {
            return true;
        }
        if (n == a->last) {
            return false;
        }
        n = target_of(dead ? left : right);
    }
}

void cc_bst_finish(cc_bst *tree, attempt *a, const route *r, place *at) {
    const node *leaf = at->leaf;
    cc_search silent = r->search ? *r->search : (cc_search){0};
    silent.asks = true; /* so that it asks nothing */
    const route again = {.search = &silent, .way = r->way, .asks_nothing = true};
    uintptr_t value = CC_TOMBSTONE;
    do {
        if (cc_bst_unlink(tree, a, at) != CC_FOUND) {
            cc_store_relaxed_u32(&tree->left_behind, 1);
            break;
        }
        if (has_unlinked(a, leaf)) {
            break;
        }
        if (!cc_bst_next_attempt(tree, a)) {
            cc_store_relaxed_u32(&tree->left_behind, 1);
            return;
        }
        /* The leaf may be gone, and another one at its address; which only matters in that nobody
         * has to be in a hurry to unlink that one. */
    } while (cc_bst_find(tree, &a->g, &again, at, &value) == CC_FOUND && at->leaf == leaf &&
             value == CC_TOMBSTONE);
    cc_bst_end_attempt(tree, a);
}
