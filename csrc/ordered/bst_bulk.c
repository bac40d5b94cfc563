/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The binary search tree as a whole: clear, freeing, what the garbage collector visits, the check,
 * and the table of operations.
 *
 * Promises. clear takes effect at one point, as if by removing every entry there and then.
 *
 * How clear works. It takes the tree off the root: that is the point. The root is sealed then,
 * until those who take snapshots have been told, by the clear or by whoever comes first. Whoever is
 * in the tree that was there has been on the way since before that, and what he does or sees there
 * was done or seen just before it. Then it takes that tree apart from the top down. Both edges of a
 * node are SEALED: nobody changes them any more, and who reads one starts over, for the edges above
 * it have been sealed before. So what is below a sealed edge is nobody's but ours to unlink, and
 * the node whose edges are sealed is retired. The value of a flagged leaf belongs to a pop that has
 * flagged it before the clear, and may still be on its way.
 *
 * Without room. A tree may be a path, so nothing here recurses, or remembers nodes elsewhere than
 * in nodes. Nodes that wait for their right side are linked by their left edges, which are sealed.
 * What is looked at and stays is toured by turning edges round on the way down, and back on the way
 * up; no thread is inside an operation then.
 *
 * What there is no memory to retire is put aside, for the next clear or flush.
 *
 * Linearization point. clear: the CAS that takes the tree off the root.
 *
 * Pairs of releases and acquires: those of bst_inside.h, and (2) of ordered.c.
 */
#include "bst_inside.h"

/* A tree that has been taken off the root. */
typedef struct detached_tree {
    cc_detached common; /* first */
    uint64_t word; /* the edge to what is to be taken apart next */
    bool has_word;
    node *waiting; /* the last of the nodes whose right side is still to come */
} detached_tree;

/* ---------------------------------------------------------------- taking a tree apart */

/* The next node, of which nothing is left in the tree; NULL: there is no more. `belongs`: its
 * value, if it is a leaf, is the tree's. */
static node *next_apart(detached_tree *d, bool *belongs) {
    while (d->has_word) {
        node *n = target_of(d->word);
        *belongs = !(d->word & FLAGGED);
        if (!n || !is_inner(n)) {
            d->has_word = false;
            if (n) {
                return n;
            }
        } else {
            d->word = cc_fetch_or_acq_rel_u64(&n->child[0], SEALED); /* (3) */
            cc_fetch_or_acq_rel_u64(&n->child[1], SEALED); /* (3) */
            uint64_t link = SEALED | (d->waiting ? cc_arena_reference(d->waiting) : 0);
            cc_store_release_u64(&n->child[0], link); /* (3) */
            d->waiting = n;
        }
    }
    node *n = d->waiting;
    if (n) {
        d->waiting = target_of(load_edge(&n->child[0]));
        d->word = load_edge(&n->child[1]);
        d->has_word = true;
        *belongs = false;
    }
    return n;
}

/* Take the value of a leaf that is nobody's any more, but for those who had found it before. */
static void take_value(cc_bst *tree, cc_thread *self, node *leaf) {
    cc_container *c = &tree->map.common;
    /* Before the value: see Births in value_slot.h. */
    uint64_t birth = cc_load_acquire_u64(&leaf->slot.birth) & CC_ERA_MASK;
    uintptr_t value = cc_exchange_seq_cst_uptr(&leaf->slot.value, CC_TOMBSTONE); /* (2) */
    if (value == CC_TOMBSTONE) {
        return;
    }
    cc_count_entries(c, self, -1, 0);
    if (value && c->words->release) {
        cc_retire(c->domain, self, cc_take_spare(self), value, CC_RETIRED_VALUE, birth, 0);
    }
}

/* As far as there is memory. True: nothing is left. Runs foreign code. */
static bool take_apart(cc_ordered *map, cc_thread *self, cc_detached *common) {
    cc_bst *tree = bst_of(map);
    detached_tree *d = (detached_tree *)common;
    for (;;) {
        if (cc_reserve(self, 2)) {
            return false;
        }
        bool belongs;
        node *n = next_apart(d, &belongs);
        if (!n) {
            return true;
        }
        cc_retired *record = cc_take_spare(self);
        if (belongs) {
            take_value(tree, self, n);
        }
        cc_retire_own(&tree->map.common, self, record, (uintptr_t)n, birth_of(n), bytes_of(n));
    }
}

/* A region with nothing in it but that. */
CC_NEVER_INLINE void tell_of_clear(cc_bst *tree, cc_thread *self) {
    cc_smr_guard g;
    cc_enter_as(self, tree->map.common.domain, &g);
    CC_CHECKPOINT(&g);
    cc_end_reading(&g);
    cc_bst_tell_of_clear(tree, &g);
    cc_leave(&g);
}

static cc_status clear(cc_ordered *map) {
    cc_bst *tree = bst_of(map);
    cc_thread *self = cc_thread_self();
    detached_tree *d = self ? cc_alloc(sizeof *d) : NULL;
    if (!d) {
        return CC_NO_MEMORY;
    }
    uint64_t word;
    do {
        tell_of_clear(tree, self); /* of another one */
        word = load_edge(&tree->root) & ~SEALED;
    } while (!cc_cas_seq_cst_u64(&tree->root, &word, edge_to(NULL, word) | SEALED)); /* (1) */
    tell_of_clear(tree, self);
    *d = (detached_tree){.word = word, .has_word = true};
    ++*cc_thread_write_mark(self, &map->common);
    return cc_take_all_apart(map, self, &tree->aside, &d->common, take_apart) ? CC_FOUND
                                                                              : CC_NO_MEMORY;
}

static void retire_remainder(cc_ordered *map) {
    cc_retire_aside(map, &bst_of(map)->aside, take_apart);
}

/* ---------------------------------------------------------------- making and freeing */

static void begin(cc_ordered *map) {
    (void)map; /* all of it zero is an empty tree */
}

/* A node with all that it has. A leaf's value is there where the map is freed, and where a fork has
 * ended a pop that had flagged it. */
static void release_node(const cc_word_table *words, node *n) {
    uintptr_t key = key_of(n);
    uintptr_t value = is_inner(n) ? CC_TOMBSTONE : cc_load_acquire_uptr(&n->slot.value); /* (2) */
    free_block_of(n);
    if (value != CC_TOMBSTONE) {
        cc_release_word(words, value);
    }
    cc_release_word(words, key);
}

static void free_tree(const cc_word_table *words, detached_tree *d) {
    bool belongs;
    for (node *n; (n = next_apart(d, &belongs));) {
        release_node(words, n);
    }
}

static void end(cc_ordered *map) {
    cc_bst *tree = bst_of(map);
    cc_forget_collector(&map->common);
    detached_tree all = {.word = load_edge(&tree->root), .has_word = true};
    free_tree(map->common.words, &all);
    for (detached_tree *d = (detached_tree *)cc_take_aside(&tree->aside), *next; d; d = next) {
        next = (detached_tree *)d->common.next;
        free_tree(map->common.words, d);
        cc_free(d);
    }
}

static void release_retired(const void *context, uintptr_t word, unsigned kind) {
    if (kind == CC_RETIRED_OWN) {
        release_node(context, (node *)word);
    } else if (kind == CC_RETIRED_COLLECTOR) {
        cc_release_collector(context, word);
    } else {
        cc_release_word(context, word);
    }
}

/* ---------------------------------------------------------------- tours */

/* All nodes from left to right, each inner one between its two sides. While a tour is on, the edges
 * from the top down to where it is lead up; it is to be taken to its end. */
typedef struct tour {
    node *up; /* the node above, NULL: none */
    uint64_t word; /* the edge to what comes next, or what has come last */
    enum { BEGINS, WAS_LEAF, WAS_INNER } state;
} tour;

static void turn_edge(edge *e, const node *to) {
    uint64_t word = cc_load_relaxed_u64(e);
    uint64_t reference = to ? cc_arena_reference(to) : 0;
    cc_store_relaxed_u64(e, (word & ~(uint64_t)(UINT32_MAX & ~CC_REFERENCE_MARKS)) | reference);
}

static void go_down(tour *t) {
    for (node *n; (n = target_of(t->word)) && is_inner(n); t->up = n) {
        t->word = cc_load_relaxed_u64(&n->child[0]);
        turn_edge(&n->child[0], t->up);
    }
}

/* From the right side of the node above to that node; and on, until one comes whose right side is
 * still to come. NULL: there is none. */
static node *go_up(tour *t) {
    node *below = target_of(t->word);
    while (t->up) {
        node *n = t->up;
        bool from_right = cc_load_relaxed_u64(&n->child[1]) & RETURNS_RIGHT;
        t->up = target_of(cc_load_relaxed_u64(&n->child[from_right]));
        turn_edge(&n->child[from_right], below);
        if (!from_right) {
            return n;
        }
        cc_store_relaxed_u64(&n->child[1], cc_load_relaxed_u64(&n->child[1]) & ~RETURNS_RIGHT);
        below = n;
    }
    return NULL;
}

/* False at the end. *n: the node, NULL for what is beyond all keys. *word: the edge to a leaf. */
static bool next_of_tour(tour *t, node **n, uint64_t *word) {
    if (t->state == WAS_LEAF) {
        *n = go_up(t);
        if (*n) { /* its left side is done, and its edge turned back */
            t->state = WAS_INNER;

            node *up = t->up;
            t->up = *n;
            t->word = cc_load_relaxed_u64(&(*n)->child[1]);
            turn_edge(&(*n)->child[1], up);
            cc_store_relaxed_u64(&(*n)->child[1],
                                 cc_load_relaxed_u64(&(*n)->child[1]) | RETURNS_RIGHT);
        }
        return *n;
    }
    go_down(t);
    t->state = WAS_LEAF;
    *n = target_of(t->word);
    *word = t->word;
    return true;
}

/* ---------------------------------------------------------------- visiting */

static int visit_node(const node *n, int (*visit)(uintptr_t word, void *argument), void *argument) {
    uintptr_t key = key_of(n);
    int answer = key ? visit(key, argument) : 0;
    if (!answer && !is_inner(n)) {
        uintptr_t value = cc_load_relaxed_uptr(&n->slot.value);
        answer = value && value != CC_TOMBSTONE ? visit(value, argument) : 0;
    }
    return answer;
}

static int visit_retired(uintptr_t word, unsigned kind,
                         int (*visit)(uintptr_t word, void *argument), void *argument) {
    return kind == CC_RETIRED_OWN ? visit_node((const node *)word, visit, argument) : 0;
}

static int visit_below(uint64_t top, int (*visit)(uintptr_t word, void *argument), void *argument) {
    tour t = {.word = top};
    node *n;
    uint64_t word;
    int answer = 0;
    while (next_of_tour(&t, &n, &word)) {
        answer = answer || !n ? answer : visit_node(n, visit, argument);
    }
    return answer;
}

static int visit(cc_ordered *map, int (*visit_word)(uintptr_t word, void *argument),
                 void *argument) {
    cc_bst *tree = bst_of(map);
    int answer = visit_below(load_edge(&tree->root), visit_word, argument);
    const detached_tree *d = (const detached_tree *)cc_load_relaxed_uptr(&tree->aside);
    for (; d && !answer; d = (const detached_tree *)d->common.next) {
        answer = d->has_word ? visit_below(d->word, visit_word, argument) : 0;
        for (node *n = d->waiting; n && !answer; n = target_of(load_edge(&n->child[0]))) {
            answer = visit_node(n, visit_word, argument);
            answer = answer ? answer : visit_below(load_edge(&n->child[1]), visit_word, argument);
        }
    }
    return answer;
}

/* ---------------------------------------------------------------- checking */

typedef struct census {
    size_t entries;
    uint64_t bytes;
} census;

static void count_below(uint64_t top, census *all) {
    tour t = {.word = top};
    node *n;
    uint64_t word;
    while (next_of_tour(&t, &n, &word)) {
        if (n) {
            all->bytes += bytes_of(n);
            all->entries += !is_inner(n) && cc_load_relaxed_uptr(&n->slot.value) != CC_TOMBSTONE;
        }
    }
}

/* Are keys that digests order in the wrong order? */
static bool is_out_of_order(const node *n, const node *next, bool may_be_equal) {
    return kind_of(n) == kind_of(next) && !(next->birth_kind & IS_INFINITE) &&
           (n->digest > next->digest ||
            (n->digest == next->digest && !(key_of(n) | key_of(next)) && !may_be_equal));
}

/* A key that foreign code has ordered is where it is. So `is_order` where it has not been asked. */
static const char *check_tree(cc_bst *tree, bool is_order, census *all) {
    tour t = {.word = load_edge(&tree->root)};
    node *n, *last = NULL;
    uint64_t word;
    bool may_be_dead = cc_load_relaxed_u32(&tree->left_behind);
    const char *wrong = NULL;
    while (next_of_tour(&t, &n, &word)) { /* to its end, whatever is wrong */
        if (!n) {
            continue;
        }
        all->bytes += bytes_of(n);
        if (last && is_order && is_out_of_order(last, n, is_inner(last))) {
            wrong = "keys are out of order";
        }
        last = n;
        if (is_inner(n)) {
            continue;
        }
        bool is_alive = cc_load_relaxed_uptr(&n->slot.value) != CC_TOMBSTONE;
        all->entries += is_alive;
        if (!may_be_dead && (!is_alive || word & EDGE_MARKS)) {
            wrong = "a dead leaf is linked, or one that is flagged";
        }
    }
    return wrong;
}

static const char *check(cc_ordered *map) {
    cc_bst *tree = bst_of(map);
    census all = {0, 0};
    if (load_edge(&tree->root) & EDGE_MARKS) {
        return "the root is marked";
    }
    const char *wrong = check_tree(tree, !cc_load_relaxed_u32(&map->common.asked), &all);
    const detached_tree *d = (const detached_tree *)cc_load_relaxed_uptr(&tree->aside);
    for (; d; d = (const detached_tree *)d->common.next) {
        if (d->has_word) {
            count_below(d->word, &all);
        }
        for (node *n = d->waiting; n; n = target_of(load_edge(&n->child[0]))) {
            all.bytes += bytes_of(n);
            count_below(load_edge(&n->child[1]), &all);
        }
    }
    if (wrong) {
        return wrong;
    }
    if (cc_sum_of_entries(map) != (int64_t)all.entries) {
        return "the count of entries is wrong";
    }
    return cc_sum_of_bytes(map) != all.bytes ? "the count of bytes is wrong" : NULL;
}

/* ---------------------------------------------------------------- the table */

const cc_ordered_operations cc_bst_operations = {
    .bytes = sizeof(cc_bst),
    .get = cc_bst_get,
    .put = cc_bst_put,
    .replace_exact = cc_bst_replace_exact,
    .remove = cc_bst_remove,
    .neighbour = cc_bst_neighbour,
    .pop_end = cc_bst_pop_end,
    .scan_up = cc_bst_scan_up,
    .scan_down = cc_bst_scan_down,
    .scan_for_snapshot = cc_bst_scan_for_snapshot,
    .append = cc_bst_append,
    .clear = clear,
    .begin = begin,
    .end = end,
    .release_retired = release_retired,
    .retire_remainder = retire_remainder,
    .visit = visit,
    .visit_retired = visit_retired,
    .check = check,
};
