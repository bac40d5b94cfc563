/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The binary search tree: entries that come in order, behind all that is there.
 *
 * Promises. cc_bst_append puts entries that ascend, of which the first one belongs behind the last
 * entry of the tree, or does nothing. Each of them is a put of an absent key, and all of them are
 * there at once, but for snapshots: one that closes before it has been told to begin again has what
 * others have reported of them by then, which need not be the first ones. It asks foreign code
 * nothing. While somebody takes a snapshot it does nothing: the entries are put one by one, and
 * each reports itself.
 *
 * How. The entries become a tree of their own, as balanced as can be, which takes the place of the
 * last leaf, with a node that has both below it. So what is loaded in order and in large parts does
 * not make the path that single puts would: n entries in parts of m are n / m + log2 m deep.
 *
 * Why that is right. The edge to the last leaf is clean when it is replaced, so the leaf is the
 * last one, and no key that is greater is there.
 *
 * Linearization point. The CAS on the edge to the last leaf.
 *
 * Progress. Lock-free: another attempt only when somebody else has changed the end of the tree.
 */
#include "bst_inside.h"

/* Entries that are put at once. */
#ifndef MOST_APPENDED
#define MOST_APPENDED 4096u
#endif

static cc_stored_key key_for(const cc_new_entry *e) {
    return (cc_stored_key){e->digest, e->key, e->kind};
}

/* A balanced tree with `count` leaves; NULL without memory. Inner nodes have acquired their words;
 * *bytes grows by what it has. */
static node *build(cc_bst *tree, const cc_new_entry *entries, size_t count, size_t *bytes);

/* Free such a tree, which nobody has seen, and release what its inner nodes have acquired. */
static void free_built(cc_bst *tree, node *n) {
    if (!n) {
        return;
    }
    if (is_inner(n)) { /* log2 MOST_APPENDED deep */
        free_built(tree, target_of(load_edge(&n->child[0])));
        free_built(tree, target_of(load_edge(&n->child[1])));
        cc_release_word(tree->map.common.words, key_of(n));
    }
    free_block_of(n);
}

static node *build_inner(cc_bst *tree, const cc_new_entry *entries, size_t count, size_t *bytes) {
    size_t left = count / 2;
    const cc_stored_key key = key_for(&entries[left]);
    node *n = cc_bst_new_inner(tree, &key);
    if (!n) {
        return NULL;
    }
    cc_acquire_word(&tree->map.common, key.word);
    set_child(n, 0, NULL);
    set_child(n, 1, NULL);
    node *below = build(tree, entries, left, bytes);
    set_child(n, 0, below);
    if (below) {
        below = build(tree, entries + left, count - left, bytes);
        set_child(n, 1, below);
    }
    if (!below) {
        free_built(tree, n);
        return NULL;
    }
    *bytes += bytes_of(n);
    return n;
}

static node *build(cc_bst *tree, const cc_new_entry *entries, size_t count, size_t *bytes) {
    if (count > 1) {
        return build_inner(tree, entries, count, bytes);
    }
    const cc_stored_key key = key_for(entries);
    node *n = cc_bst_new_leaf(tree, &key, entries->value);
    *bytes += n ? bytes_of(n) : 0;
    return n;
}

/* Is the first entry's key greater than that of the last leaf? In a write phase that holds it. */
static bool is_behind(cc_bst *tree, const node *last, const cc_new_entry *first) {
    if (!last) {
        return true;
    }
    const cc_stored_key key = stored_key_of(last);
    const cc_new_entry other = {.digest = key.digest, .key = key.word, .kind = key.kind};
    return cc_is_less(&tree->map, &other, first);
}

/* Put the built tree in the place of the last leaf, whose edge is clean. CC_ABSENT: done. CC_FOUND:
 * somebody has been faster. */
static cc_status replace_last(cc_bst *tree, attempt *a, place *at, const cc_new_entry *entries,
                              size_t count, const node *built, size_t bytes) {
    const cc_stored_key first = key_for(entries);
    if (cc_is_collecting(&tree->map.common)) {
        return CC_MISMATCH;
    }
    node *inner = cc_bst_new_inner(tree, at->leaf ? &first : NULL);
    if (!inner) {
        return CC_NO_MEMORY;
    }
    set_child(inner, at->leaf != NULL, built);
    set_child(inner, at->leaf == NULL, at->leaf);
    cc_acquire_word(&tree->map.common, key_of(inner));
    if (cc_bst_link(tree, a, at, inner, count, bytes + bytes_of(inner))) {
        if (cc_is_collecting(&tree->map.common)) { /* there are too many entries to hold them */
            cc_begin_snapshots_again(&tree->map.common, &a->g);
        }
        return CC_ABSENT;
    }
    a->dropped = key_of(inner);
    free_block_of(inner);
    return CC_FOUND;
}

size_t cc_bst_append(cc_ordered *map, const cc_new_entry *entries, size_t count, size_t *run) {
    cc_bst *tree = bst_of(map);
    const route r = {.way = TO_LAST};
    attempt a;
    place at;
    uintptr_t value;
    size_t bytes = 0, n = cc_count_ascending(map, entries, count, MOST_APPENDED);
    node *built = NULL;
    cc_status status = CC_FOUND;
    *run = n;
    while (status == CC_FOUND && cc_bst_begin_attempt(tree, &a)) {
        bool builds = false;
        cc_bst_find(tree, &a.g, &r, &at, &value);
        if (at.word & EDGE_MARKS) {
            status = cc_bst_unlink(tree, &a, &at);
        } else if (!is_behind(tree, at.leaf, entries)) {
            status = CC_MISMATCH;
        } else if (built) {
            status = replace_last(tree, &a, &at, entries, n, built, bytes);
        } else {
            builds = true; /* outside, for it takes long */
        }
        cc_bst_end_attempt(tree, &a);
        if (builds && !(built = build(tree, entries, n, &bytes))) {
            status = CC_NO_MEMORY;
        }
    }
    if (status == CC_ABSENT) {
        return n;
    }
    free_built(tree, built);
    return 0;
}
