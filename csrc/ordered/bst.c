/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A lock-free binary search tree: operations on one key, and the overview.
 *
 *     bst_inside.h   nodes, edges, places
 *     bst.c          one key: get, put, replace_exact, remove
 *     bst_seek.c     the way down
 *     bst_report.c   reports to snapshots
 *     bst_unlink.c   unlinking what is dead, and retiring it
 *     bst_order.c    ordered queries, pops, scans
 *     bst_build.c    many entries that come in order
 *     bst_bulk.c     clear, freeing, visit and check; the table of operations
 *
 * Promises. Every operation is linearizable but for scans, where each entry by itself is. An
 * operation asks foreign code only before its effect.
 *
 * Progress. Every operation is lock-free: it starts over only when somebody else has changed an
 * edge that it was about to use. Nobody waits for anybody. get unlinks nothing: it writes only what
 * snapshots need (reports, POPPED, opening a sealed root); all others help to unlink what is in
 * their way.
 *
 * Cost. The tree is not balanced. Keys that come in no order make it about 1.4 log2 n deep in the
 * mean (an expectation, not a measurement). Keys that are put one by one in order make a path of n
 * nodes, and so do operations; cc_ordered_append, which is told all of them at once, does not.
 *
 * Algorithm. That of Natarajan and Mittal (Fast concurrent lock-free binary search trees, PPoPP
 * 2014): entries are leaves, inner nodes show the way, and what a removal marks are edges, not
 * nodes.
 *
 *                 infinite                 A leaf goes with the node above it, and what is on the
 *                 /      \                 other side moves up: bst_unlink.c.
 *               30        .
 *              /  \                        A new leaf goes in the place of the leaf where its key
 *            20    30                      belongs, with a node that has both below it.
 *           /  \
 *         10    20                         The larger of two keys is the inner node's.
 *
 * Deviations from the paper, and where each is argued.
 *
 *   Value slots decide (value_slot.h). Removing is one CAS from value to tombstone; whoever wins it
 *   owns the value, and unlinks the leaf.
 *
 *   One infinite key, and no leaf for it: an edge that leads nowhere is beyond all keys. Keys have
 *   no reserved values.
 *
 *   Edges have versions, and steps past marked edges need proof (bst_inside.h).
 *
 *   Whole chains are retired (bst_unlink.c). The paper leaves that open; codes that follow it
 *   retire two nodes a swing, and lose the rest.
 *
 *   Routing keys have references of their own: an inner node outlives the leaf whose key it has.
 *
 * Pops flag first. What a pop takes must be the end of the map when it goes. A tombstone cannot see
 * to that, for a smaller key may come in front of the leaf at that moment; a flag on its edge can,
 * since nothing comes in front of a flagged edge. So a pop flags, and then takes the value; a
 * flagged leaf whose value is not a tombstone belongs to a pop, whoever unlinks it. Operations on
 * its key that had found it before the flag may still have their effect on the value: they count as
 * before the flag, in their order, and the pop hands out the last value.
 *
 * Linearization points of this file.
 *   get, found       the load of the value; when a pop has flagged the leaf meanwhile, just before
 *                    that.
 *   get, absent      the load of the edge, or the look at the edge above it that vouches for it;
 *                    when the leaf has died since, its death.
 *   put              the CAS on the edge, or the one on the value (before a flag, likewise).
 *   replace_exact    the CAS on the value, likewise; without effect as get, or the load of another
 *                    value.
 *   remove           the CAS of the value to the tombstone, likewise.
 *
 * Memory. 32 bytes a node, and a word more where the key has one; two nodes for each entry.
 *
 * Phases. Under debra.c a search is a read phase, and only loads. Everything else is done in write
 * phases, which hold the place: the parent, the leaf, and the node of the last clean edge.
 *
 * Pairs of releases and acquires: (1) and (3) of bst_inside.h, those of value_slot.h.
 */
#include "bst_inside.h"

/* ---------------------------------------------------------------- making nodes */

static node *new_node(cc_bst *tree, const cc_stored_key *key, uint64_t flags) {
    size_t in_front = key->word ? sizeof(uintptr_t) : 0;
    char *block = cc_arena_alloc(cc_thread_self(), in_front + sizeof(node));
    if (!block) {
        return NULL;
    }
    node *n = (node *)(block + in_front);
    if (in_front) {
        *(uintptr_t *)block = key->word;
    }
    n->digest = key->digest;
    const cc_container *c = &tree->map.common;
    uint64_t birth = flags & IS_INNER ? cc_birth_now(c) : cc_birth_of_new_node(c);
    n->birth_kind = birth | (uint64_t)key->kind << CC_ERA_BITS | (in_front ? HAS_WORD : 0) | flags;
    return n;
}

node *cc_bst_new_leaf(cc_bst *tree, const cc_stored_key *key, uintptr_t value) {
    node *n = new_node(tree, key, 0);
    if (n) {
        cc_store_relaxed_u64(&n->slot.birth, birth_of(n));
        cc_store_relaxed_uptr(&n->slot.value, value);
    }
    return n;
}

node *cc_bst_new_inner(cc_bst *tree, const cc_stored_key *key) {
    static const cc_stored_key none = {0};
    return new_node(tree, key ? key : &none, IS_INNER | (key ? 0 : IS_INFINITE));
}

static void give_old_value(cc_bst *tree, uintptr_t value, uintptr_t *old) {
    if (old) {
        cc_acquire_word(&tree->map.common, value);
        *old = value;
    }
}

/* ---------------------------------------------------------------- changes */

cc_status cc_bst_swap_value(cc_bst *tree, attempt *a, const place *at, uintptr_t value,
                            const uintptr_t *expected) {
    cc_status status =
        cc_swap_value(&tree->map.common, &a->g, &at->leaf->slot, value, expected, &a->left);
    if (status == CC_FOUND) {
        observe(tree, &a->g, at, value);
    } else {
        observe_anyhow(tree, &a->g, at);
    }
    return status;
}

bool cc_bst_link(cc_bst *tree, attempt *a, place *at, node *inner, size_t entries, size_t bytes) {
    const uint64_t word = edge_to(inner, at->word);
    uint64_t expected = at->word;
    if (!cc_cas_seq_cst_u64(edge_at(tree, at), &expected, word)) { /* (1) */
        return false;
    }
    at->root = at->parent ? at->root : word;
    cc_thread *self = a->g.thread;
    cc_count_entries(&tree->map.common, self, (int)entries, (int64_t)bytes);
    *cc_thread_write_mark(self, &tree->map.common) += (uint32_t)entries;
    cc_published(&a->g);
    return true;
}

/* ---------------------------------------------------------------- get */

cc_status cc_bst_get(cc_ordered *map, cc_search *search, uintptr_t *value) {
    cc_bst *tree = bst_of(map);
    const route r = {.search = search};
    cc_smr_guard g;
    place at;
    uintptr_t found;
    if (cc_begin_operation(&map->common, &g, 0)) {
        return CC_NO_MEMORY;
    }
    int outcome = cc_bst_find(tree, &g, &r, &at, &found);
    if (outcome == CC_FOUND && found == CC_TOMBSTONE) {
        outcome = CC_ABSENT;
    } else if (outcome == CC_FOUND) {
        observe(tree, &g, &at, found);
        give_old_value(tree, found, value);
    }
    cc_end_operation(&g);
    return (cc_status)outcome;
}

/* ---------------------------------------------------------------- put */

/* A leaf that is going to be linked, and then reported, stays until then, though somebody may
 * remove it at once. */
static void keep_new_leaf(cc_bst *tree, attempt *a, const place *at, const node *leaf) {
    cc_hold(&a->g, CC_HELD_NODES + 3, (uintptr_t)leaf);
    cc_protect_u64(&a->g, edge_at(tree, at)); /* reserves its birth */
}

/* Put a leaf beside the one at a place, whose edge is clean. CC_ABSENT: done. CC_FOUND: somebody
 * has been faster. */
static cc_status put_leaf(cc_bst *tree, attempt *a, const cc_search *search, uintptr_t value,
                          place *at) {
    const cc_stored_key own = {search->digest, search->key, search->kind};
    cc_stored_key larger = own;
    if (at->leaf && at->order < 0) {
        larger = stored_key_of(at->leaf);
    }
    node *leaf = cc_bst_new_leaf(tree, &own, value);
    node *inner = leaf ? cc_bst_new_inner(tree, at->leaf ? &larger : NULL) : NULL;
    if (!inner) {
        if (leaf) {
            free_block_of(leaf);
        }
        return CC_NO_MEMORY;
    }
    set_child(inner, at->order >= 0, leaf);
    set_child(inner, at->order < 0, at->leaf);
    cc_acquire_word(&tree->map.common, key_of(inner));
    keep_new_leaf(tree, a, at, leaf);
    if (cc_bst_link(tree, a, at, inner, 1, bytes_of(leaf) + bytes_of(inner))) {
        at->leaf = leaf;
        observe(tree, &a->g, at, value);
        return CC_ABSENT;
    }
    a->dropped = key_of(inner);
    free_block_of(leaf);
    free_block_of(inner);
    return CC_FOUND;
}

cc_status cc_bst_put(cc_ordered *map, cc_search *search, uintptr_t value, cc_put_policy policy,
                     uintptr_t *old) {
    cc_bst *tree = bst_of(map);
    const route r = {.search = search};
    attempt a;
    place at;
    uintptr_t found;
    if (!cc_bst_begin_attempt(tree, &a)) {
        return CC_NO_MEMORY;
    }
    for (;;) {
        int outcome = cc_bst_find(tree, &a.g, &r, &at, &found);
        bool is_there = outcome == CC_FOUND && found != CC_TOMBSTONE;
        if (is_there && policy == CC_PUT_IF_ABSENT) {
            observe(tree, &a.g, &at, found);
            give_old_value(tree, found, old);
        } else if (is_there) {
            outcome = cc_bst_swap_value(tree, &a, &at, value, NULL);
            if (outcome == CC_FOUND) {
                give_old_value(tree, a.left.value, old);
            }
            is_there = outcome == CC_FOUND;
        }
        if (outcome == CC_NEED_COMPARE || is_there || policy == CC_PUT_IF_PRESENT) {
            cc_bst_end_attempt(tree, &a);
            return outcome == CC_NEED_COMPARE ? CC_NEED_COMPARE : is_there ? CC_FOUND : CC_ABSENT;
        }
        /* A dead leaf with the key goes first, and so does what makes the edge a marked one. */
        cc_status status = at.word & EDGE_MARKS || (at.leaf && at.order == 0)
                               ? cc_bst_unlink(tree, &a, &at)
                               : put_leaf(tree, &a, search, value, &at);
        if (status != CC_FOUND) {
            cc_bst_end_attempt(tree, &a);
            return status;
        }
        if (!cc_bst_next_attempt(tree, &a)) {
            return CC_NO_MEMORY;
        }
    }
}

cc_status cc_bst_replace_exact(cc_ordered *map, cc_search *search, uintptr_t expected,
                               uintptr_t value) {
    cc_bst *tree = bst_of(map);
    const route r = {.search = search};
    attempt a;
    place at;
    uintptr_t found;
    if (!cc_bst_begin_attempt(tree, &a)) {
        return CC_NO_MEMORY;
    }
    int outcome = cc_bst_find(tree, &a.g, &r, &at, &found);
    if (outcome == CC_FOUND) {
        outcome =
            found == CC_TOMBSTONE ? CC_ABSENT : cc_bst_swap_value(tree, &a, &at, value, &expected);
    }
    cc_bst_end_attempt(tree, &a);
    return (cc_status)outcome;
}

/* ---------------------------------------------------------------- remove */

cc_status cc_bst_remove(cc_ordered *map, cc_search *search, const uintptr_t *expected,
                        uintptr_t *old) {
    cc_bst *tree = bst_of(map);
    const route r = {.search = search};
    attempt a;
    place at;
    uintptr_t found;
    if (!cc_bst_begin_attempt(tree, &a)) {
        return CC_NO_MEMORY;
    }
    int outcome = cc_bst_find(tree, &a.g, &r, &at, &found);
    if (outcome == CC_FOUND) {
        outcome = found == CC_TOMBSTONE ? CC_ABSENT
                                        : cc_bst_swap_value(tree, &a, &at, CC_TOMBSTONE, expected);
    }
    if (outcome != CC_FOUND) {
        cc_bst_end_attempt(tree, &a);
        return (cc_status)outcome;
    }
    give_old_value(tree, a.left.value, old);
    cc_bst_finish(tree, &a, &r, &at);
    return CC_FOUND;
}
