/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The B+tree as a whole: clear, the content at one point in time, freeing, what the garbage
 * collector visits, the check, and the table of operations.
 *
 * Promises. clear takes effect at one point, as if by removing every entry there and then. What
 * copy_all copies is all that there was at one point.
 *
 * How clear works. It takes the root off the anchor: that is the point. Whoever is in the tree
 * that was there has been on the way since before that, and what he does or sees there was done or
 * seen just before it. Then it seals that tree from the root down: a node is locked and marked, so
 * nobody can replace its children any more; then they are, one after the other. What is sealed
 * never changes, and is retired. What there is no memory to retire is put aside, for the next
 * clear or flush.
 *
 * How copy_all works. It locks every node, from the anchor down, and keeps the locks: what has a
 * locked parent cannot be replaced, and when the last leaf is locked nobody is changing anything.
 * Then it copies leaf after leaf, and gives each lock back as soon as it can. It is the only one
 * who waits with locks in hand; whoever it waits for has some, too, but waits for nobody. Another
 * one who copies, or clears, waits at the anchor, with empty hands. Writers wait for the locks,
 * O(n); readers go on, for entries do not move.
 *
 * Linearization points. clear: the store that takes the root off the anchor. copy_all: locking the
 * last node.
 *
 * Pairs of releases and acquires: those of bptree.c, and (2) of ordered.c.
 */
#include "bptree_locks.h"

/* A tree that has been taken off the anchor. */
typedef struct detached_tree {
    cc_detached common; /* first */
    tree_node *root;
} detached_tree;

static tree_node *child_at(const inner_node *n, unsigned i) {
    return (tree_node *)cc_load_acquire_uptr(&n->children[i]); /* (1) */
}

/* ---------------------------------------------------------------- sealing */

/* Lock a node that cannot be replaced, waiting for whoever has it. Outside of regions. `words` as
 * of cc_wait_for_lock. */
static uint64_t lock_patiently(cc_bptree *tree, tree_node *n, const cc_word_table *words) {
    cc_lock_wait wait = {.looks = 0};
    uint64_t state;
    while (try_lock(n, &state) != CC_FOUND) {
        cc_wait_for_lock(&tree->line, &wait, words);
    }
    cc_end_lock_wait(&tree->line, &wait);
    return state;
}

/* Nobody changes it any more. Again is harmless. */
static void seal(cc_bptree *tree, tree_node *n) {
    if (!(cc_load_acquire_u64(&n->state) & MARKED)) {
        uint64_t state = lock_patiently(tree, n, tree->map.common.words);
        unlock_as(n, state | MARKED); /* (1) */
        wake_for_locks(tree);
    }
}

/* ---------------------------------------------------------------- tours */

/* All nodes, children before their parents, from left to right. */
typedef struct tour {
    cc_bptree *tree;
    void (*arrive)(cc_bptree *tree, tree_node *n); /* before a node's children are looked at; or
                                                      NULL */
    unsigned levels;
    struct {
        inner_node *node;
        unsigned index;
    } at[MOST_LEVELS];
    tree_node *node; /* this one; NULL at the end */
} tour;

static void go_down(tour *t, tree_node *n) {
    for (;; n = child_at(t->at[t->levels - 1].node, t->at[t->levels - 1].index)) {
        if (t->arrive) {
            t->arrive(t->tree, n);
        }
        unsigned i = 0;
        while (!n->is_leaf && i < n->count && !child_at((inner_node *)n, i)) {
            i++; /* it has been taken apart */
        }
        if (n->is_leaf || i == n->count) {
            t->node = n;
            return;
        }
        t->at[t->levels].node = (inner_node *)n;
        t->at[t->levels++].index = i;
    }
}

static void begin_tour(tour *t, tree_node *root, cc_bptree *tree,
                       void (*arrive)(cc_bptree *tree, tree_node *n)) {
    t->tree = tree;
    t->arrive = arrive;
    t->levels = 0;
    t->node = NULL;
    if (root) {
        go_down(t, root);
    }
}

static void next_of_tour(tour *t) {
    if (t->levels == 0) {
        t->node = NULL;
        return;
    }
    inner_node *parent = t->at[t->levels - 1].node;
    if (++t->at[t->levels - 1].index < parent->head.count) {
        go_down(t, child_at(parent, t->at[t->levels - 1].index));
    } else {
        t->levels--;
        t->node = &parent->head;
    }
}

/* ---------------------------------------------------------------- taking a tree apart */

static bool are_counted(const cc_bptree *tree) {
    return tree->map.common.words->release;
}

static void retire_one(cc_bptree *tree, cc_thread *self, cc_retired *record, uintptr_t word,
                       unsigned kind, uint64_t birth, size_t bytes) {
    if (record) {
        cc_retire(tree->map.common.domain, self, record, word, kind, birth & CC_ERA_MASK, bytes);
    }
}

static cc_retired *record_for(const cc_bptree *tree, cc_thread *self, uintptr_t word) {
    return word && are_counted(tree) ? cc_take_spare(self) : NULL;
}

/* Retire the entries of a sealed leaf from the last one on. Of what is retired the extent says no
 * more that it is there. False without memory. */
static bool retire_entries(cc_bptree *tree, cc_thread *self, leaf_node *n) {
    for (unsigned count; (count = positions_in(cc_load_relaxed_u64(&n->extent))) > 0;) {
        if (cc_reserve(self, 2)) {
            return false;
        }
        leaf_entry e = entry_at(n, count - 1);
        set_extent(n, count - 1, NO_HOLE, MIXED_KINDS);
        cc_count_entries(&tree->map.common, self, -1, 0);
        cc_retired *value = record_for(tree, self, e.value), *key = record_for(tree, self, e.word);
        retire_one(tree, self, value, e.value, CC_RETIRED_VALUE, e.birth_kind, 0);
        retire_one(tree, self, key, e.word, RETIRED_KEY, e.word_birth, 0);
    }
    return true;
}

/* As far as there is memory. True: nothing is left. */
static bool take_apart(cc_ordered *map, cc_thread *self, cc_detached *common) {
    cc_bptree *tree = tree_of(map);
    detached_tree *detached = (detached_tree *)common;
    tour t;
    begin_tour(&t, detached->root, tree, seal);
    while (t.node) {
        tree_node *n = t.node;
        if (n->is_leaf && !retire_entries(tree, self, (leaf_node *)n)) {
            return false;
        }
        if (cc_reserve(self, 2)) {
            return false;
        }
        separator drops = {0};
        if (t.levels) { /* with a child goes what is on its right */
            inner_node *parent = t.at[t.levels - 1].node;
            unsigned i = t.at[t.levels - 1].index;
            cc_store_release_uptr(&parent->children[i], 0); /* (1) */
            if (i + 1u < parent->head.count) {
                drops = separators_of(parent)[i];
            }
        } else {
            detached->root = NULL;
        }
        next_of_tour(&t);
        cc_count_entries(&tree->map.common, self, 0, -(int64_t)n->bytes);
        cc_retired *node = cc_take_spare(self), *key = record_for(tree, self, drops.word);
        retire_one(tree, self, node, (uintptr_t)n, RETIRED_NODE, n->birth, n->bytes);
        retire_one(tree, self, key, drops.word, RETIRED_KEY, drops.birth_kind, 0);
    }
    return true;
}

static cc_status clear(cc_ordered *map) {
    cc_bptree *tree = tree_of(map);
    cc_thread *self = cc_thread_self();
    detached_tree *detached = self ? cc_alloc(sizeof *detached) : NULL;
    if (!detached) {
        return CC_NO_MEMORY;
    }
    tree_node *anchor = &tree->anchor.head;
    uint64_t state = lock_patiently(tree, anchor, map->common.words);
    detached->common.next = NULL;
    detached->root = child_at(&tree->anchor, 0);
    cc_store_release_uptr(&tree->anchor.children[0], 0); /* (1) */
    unlock_as(anchor, state);
    wake_for_locks(tree);
    ++*cc_thread_write_mark(self, &map->common);
    return cc_take_all_apart(map, self, &tree->aside, &detached->common, take_apart) ? CC_FOUND
                                                                                     : CC_NO_MEMORY;
}

static void retire_remainder(cc_ordered *map) {
    cc_retire_aside(map, &tree_of(map)->aside, take_apart);
}

/* ---------------------------------------------------------------- the content at one point */

/* Does not detach the thread from an interpreter: who has locks in hand keeps it. */
static void lock(cc_bptree *tree, tree_node *n) {
    lock_patiently(tree, n, NULL);
}

/* The node's version stays: nothing has changed. */
static void give_back(cc_bptree *tree, tree_node *n) {
    unlock_as(n, when_free(cc_load_relaxed_u64(&n->state)));
    if (!n->is_leaf) { /* not behind each leaf */
        wake_for_locks(tree);
    }
}

static uint64_t whole_digest(cc_bptree *tree, unsigned skip, const leaf_entry *e) {
    return digest_moved(tree, kind_in_birth(e->birth_kind), e->digest, e->word, skip, 0);
}

static size_t copy_leaf(cc_bptree *tree, const leaf_node *n, cc_entry *entries) {
    uint64_t extent = cc_load_relaxed_u64(&n->extent);
    unsigned count = positions_in(extent);
    for (unsigned i = 0; i < count; i++) {
        leaf_entry e = entry_at(n, i);
        cc_acquire_word(&tree->map.common, e.value);
        cc_acquire_word(&tree->map.common, e.word);
        entries[i] = (cc_entry){.digest = whole_digest(tree, n->head.skip, &e),
                                .key = e.word,
                                .value = e.value,
                                .kind = (uint8_t)kind_in_birth(e.birth_kind)};
    }
    return count;
}

static size_t copy_all(cc_ordered *map, cc_entry *entries, size_t room) {
    cc_bptree *tree = tree_of(map);
    tree_node *anchor = &tree->anchor.head;
    size_t all = 0, copied = 0;
    tour t;
    lock(tree, anchor);
    for (begin_tour(&t, child_at(&tree->anchor, 0), tree, lock); t.node; next_of_tour(&t)) {
        all +=
            t.node->is_leaf ? positions_in(cc_load_relaxed_u64(&((leaf_node *)t.node)->extent)) : 0;
    }
    begin_tour(&t, child_at(&tree->anchor, 0), NULL, NULL);
    while (t.node) {
        tree_node *n = t.node;
        if (n->is_leaf && all <= room) {
            copied += copy_leaf(tree, (leaf_node *)n, entries + copied);
        }
        next_of_tour(&t); /* while its parent is locked */
        give_back(tree, n);
    }
    give_back(tree, anchor);
    return all;
}

/* ---------------------------------------------------------------- making and freeing */

static void begin(cc_ordered *map) {
    cc_bptree *tree = tree_of(map);
    tree->anchor.head.count = 1;
    cc_event_count_init(&tree->line);
    cc_bptree_expect_forks();
}

static void free_tree(const cc_word_table *words, tree_node *root) {
    tour t;
    begin_tour(&t, root, NULL, NULL);
    while (t.node) {
        tree_node *n = t.node;
        uintptr_t key = 0;
        if (t.levels && t.at[t.levels - 1].index + 1u < t.at[t.levels - 1].node->head.count) {
            key = separators_of(t.at[t.levels - 1].node)[t.at[t.levels - 1].index].word;
        }
        next_of_tour(&t);
        uint64_t extent = n->is_leaf ? cc_load_relaxed_u64(&((leaf_node *)n)->extent) : 0;
        for (unsigned i = 0; n->is_leaf && i < positions_in(extent); i++) {
            leaf_entry e = entry_at((leaf_node *)n, i);
            if (is_entry(extent, i)) {
                cc_release_word(words, e.value);
                cc_release_word(words, e.word);
            }
        }
        cc_free(n);
        cc_release_word(words, key);
    }
}

static void end(cc_ordered *map) {
    cc_bptree *tree = tree_of(map);
    free_tree(map->common.words, child_at(&tree->anchor, 0));
    for (detached_tree *d = (detached_tree *)cc_take_aside(&tree->aside), *next; d; d = next) {
        next = (detached_tree *)d->common.next;
        free_tree(map->common.words, d->root);
        cc_free(d);
    }
}

static void release_retired(const void *context, uintptr_t word, unsigned kind) {
    if (kind == RETIRED_NODE) {
        cc_free((void *)word);
    } else {
        cc_release_word(context, word);
    }
}

/* ---------------------------------------------------------------- visiting */

static int visit_retired(uintptr_t word, unsigned kind,
                         int (*visit)(uintptr_t word, void *argument), void *argument) {
    return kind == RETIRED_KEY ? visit(word, argument) : 0; /* what was in nodes has moved */
}

static int visit_tree(tree_node *root, int (*visit)(uintptr_t word, void *argument),
                      void *argument) {
    tour t;
    int answer = 0;
    for (begin_tour(&t, root, NULL, NULL); t.node && !answer; next_of_tour(&t)) {
        if (t.levels && t.at[t.levels - 1].index + 1u < t.at[t.levels - 1].node->head.count) {
            uintptr_t key = separators_of(t.at[t.levels - 1].node)[t.at[t.levels - 1].index].word;
            answer = key ? visit(key, argument) : 0;
        }
        if (!t.node->is_leaf) {
            continue;
        }
        const leaf_node *n = (const leaf_node *)t.node;
        uint64_t extent = cc_load_relaxed_u64(&n->extent);
        for (unsigned i = 0; i < positions_in(extent) && !answer; i++) {
            leaf_entry e = entry_at(n, i);
            if (is_entry(extent, i)) {
                answer = e.word ? visit(e.word, argument) : 0;
                answer = answer || !e.value ? answer : visit(e.value, argument);
            }
        }
    }
    return answer;
}

static int visit(cc_ordered *map, int (*visit_word)(uintptr_t word, void *argument),
                 void *argument) {
    cc_bptree *tree = tree_of(map);
    int answer = visit_tree(child_at(&tree->anchor, 0), visit_word, argument);
    const detached_tree *d = (const detached_tree *)cc_load_relaxed_uptr(&tree->aside);
    for (; d && !answer; d = (const detached_tree *)d->common.next) {
        answer = visit_tree(d->root, visit_word, argument);
    }
    return answer;
}

/* ---------------------------------------------------------------- checking */

/* Are keys that digests order in the wrong order? */
static bool is_out_of_order(unsigned kind, uint64_t digest, uintptr_t word, unsigned next_kind,
                            uint64_t next_digest, uintptr_t next_word, bool may_be_equal) {
    return kind == next_kind && (digest > next_digest ||
                                 (digest == next_digest && !(word | next_word) && !may_be_equal));
}

/* What a node on the tour is between: its fences, which may be NULL, with their digests whole. */
static void find_fences(cc_bptree *tree, const tour *t, separator *left, separator *right,
                        bool *has_left, bool *has_right) {
    *has_left = *has_right = false;
    for (unsigned level = 0; level < t->levels; level++) {
        const inner_node *n = t->at[level].node;
        const separator *all = separators_of(n);
        unsigned i = t->at[level].index;
        if (i > 0) {
            *left = all[i - 1];
            left->digest = digest_moved(tree, kind_in_birth(left->birth_kind), left->digest,
                                        left->word, n->head.skip, 0);
            *has_left = true;
        }
        if (i + 1u < n->head.count) {
            *right = all[i];
            right->digest = digest_moved(tree, kind_in_birth(right->birth_kind), right->digest,
                                         right->word, n->head.skip, 0);
            *has_right = true;
        }
    }
}

static bool is_digest_wrong(cc_bptree *tree, unsigned kind, uint64_t digest, uintptr_t word,
                            unsigned skip) {
    return skip && word && cc_bptree_digest_after(tree, kind, digest, word, skip) != digest;
}

/* Does a node skip what its keys share, and nothing else? */
static const char *check_skip(cc_bptree *tree, const tour *t) {
    const tree_node *n = t->node;
    separator left, right;
    bool has_left, has_right;
    find_fences(tree, t, &left, &right, &has_left, &has_right);
    if (n->shared) {
        const cc_stored_key a = key_of_separator(&left), b = key_of_separator(&right);
        if (!has_left || !has_right || cc_bptree_shared(tree, &a, &b) < n->shared) {
            return "a node's keys need not share what it says";
        }
    }
    if (n->is_leaf) {
        return n->skip != n->shared ? "a leaf does not skip what it says its keys share" : NULL;
    }
    const separator *all = separators_of((const inner_node *)n);
    for (unsigned i = 0; i + 1u < n->count; i++) {
        const cc_stored_key key = key_of_separator(&all[i]), first = key_of_separator(all);
        if (is_digest_wrong(tree, key.kind, key.digest, key.word, n->skip)) {
            return "a separator's digest is not what its node skips to";
        }
        if (n->skip > n->shared && key.kind == first.kind &&
            cc_bptree_shared(tree, &key, &first) < n->skip) {
            return "separators do not share what their node skips";
        }
    }
    return NULL;
}

/* Keys that foreign code has ordered are as they are: where it is no order, splits and joins of
 * leaves bring together what nobody has compared. So `is_order` where it has not been asked. */
static const char *check_leaf(cc_bptree *tree, const tour *t, bool is_order) {
    const leaf_node *n = (const leaf_node *)t->node;
    uint64_t extent = cc_load_relaxed_u64(&n->extent);
    unsigned count = positions_in(extent);
    if (hole_in(extent) != NO_HOLE || count > n->head.count) {
        return "a leaf has a hole, or too many entries";
    }
    separator left, right;
    bool has_left, has_right;
    find_fences(tree, t, &left, &right, &has_left, &has_right);
    for (unsigned i = 0; i < count; i++) {
        leaf_entry e = entry_at(n, i);
        unsigned kind = kind_in_birth(e.birth_kind);
        if (kinds_in(extent) != MIXED_KINDS && kind != kinds_in(extent)) {
            return "a leaf does not know its kinds of keys";
        }
        if (is_digest_wrong(tree, kind, e.digest, e.word, n->head.skip)) {
            return "a key's digest is not what its leaf skips to";
        }
        const cc_stored_key key = {e.digest, e.word, (uint8_t)kind};
        const cc_stored_key fence = has_left ? key_of_separator(&left) : (cc_stored_key){0};
        if (n->head.skip && kind == fence.kind &&
            cc_bptree_shared(tree, &key, &fence) < n->head.skip) {
            return "a key does not share what its leaf skips";
        }
        if (i + 1 < count) {
            leaf_entry next = entry_at(n, i + 1);
            if (is_out_of_order(kind, e.digest, e.word, kind_in_birth(next.birth_kind), next.digest,
                                next.word, false)) {
                return "keys are out of order";
            }
        }
        uint64_t digest = whole_digest(tree, n->head.skip, &e);
        if (is_order && has_left &&
            is_out_of_order(kind_in_birth(left.birth_kind), left.digest, left.word, kind, digest,
                            e.word, true)) {
            return "a key is in front of its leaf";
        }
        if (is_order && has_right &&
            is_out_of_order(kind, digest, e.word, kind_in_birth(right.birth_kind), right.digest,
                            right.word, false)) {
            return "a key is behind its leaf";
        }
    }
    return NULL;
}

static const char *check(cc_ordered *map) {
    cc_bptree *tree = tree_of(map);
    tree_node *root = child_at(&tree->anchor, 0);
    size_t entries = 0;
    uint64_t bytes = 0;
    unsigned deepest = 0;
    tour t;
    if (cc_load_relaxed_u64(&tree->anchor.head.state) & (LOCKED | CHANGING | MARKED)) {
        return "the anchor is locked";
    }
    if (root && !root->is_leaf && root->count < 2) {
        return "the root has one child";
    }
    for (begin_tour(&t, root, NULL, NULL); t.node; next_of_tour(&t)) {
        if (cc_load_relaxed_u64(&t.node->state) & (LOCKED | CHANGING | MARKED)) {
            return "a node is locked, or marked";
        }
        bytes += t.node->bytes;
        const char *wrong = check_skip(tree, &t);
        if (wrong) {
            return wrong;
        }
        if (t.node->is_leaf) {
            wrong = check_leaf(tree, &t, !cc_load_relaxed_u32(&map->common.asked));
            if (wrong) {
                return wrong;
            }
            if (deepest && deepest != t.levels + 1) {
                return "leaves are not equally deep";
            }
            deepest = t.levels + 1;
            entries += positions_in(cc_load_relaxed_u64(&((leaf_node *)t.node)->extent));
        }
    }
    const detached_tree *d = (const detached_tree *)cc_load_relaxed_uptr(&tree->aside);
    for (; d; d = (const detached_tree *)d->common.next) {
        for (begin_tour(&t, d->root, NULL, NULL); t.node; next_of_tour(&t)) {
            bytes += t.node->bytes;
            if (t.node->is_leaf) {
                entries += positions_in(cc_load_relaxed_u64(&((leaf_node *)t.node)->extent));
            }
        }
    }
    if (cc_sum_of_entries(map) != (int64_t)entries) {
        return "the count of entries is wrong";
    }
    return cc_sum_of_bytes(map) != bytes ? "the count of bytes is wrong" : NULL;
}

/* ---------------------------------------------------------------- the table */

const cc_ordered_operations cc_bptree_operations = {
    .bytes = sizeof(cc_bptree) + sizeof(cc_atomic_uptr), /* the anchor's child */
    .get = cc_bptree_get,
    .put = cc_bptree_put,
    .replace_exact = cc_bptree_replace_exact,
    .remove = cc_bptree_remove,
    .neighbour = cc_bptree_neighbour,
    .pop_end = cc_bptree_pop_end,
    .scan_up = cc_bptree_scan_up,
    .scan_down = cc_bptree_scan_down,
    .sample = cc_bptree_sample,
    .copy_all = copy_all,
    .append = cc_bptree_append,
    .clear = clear,
    .begin = begin,
    .end = end,
    .release_retired = release_retired,
    .retire_remainder = retire_remainder,
    .visit = visit,
    .visit_retired = visit_retired,
    .check = check,
};
