/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The B+tree: moving entries, and replacing nodes.
 *
 * Regrouping. One or two neighbouring children of a node (the parent) are replaced by none, one or
 * two new ones with the same content: a leaf or an inner node is split, gets more room, goes when
 * it is empty, is joined with its neighbour. So another parent takes the place of the old one, or
 * the root is another node. In this order:
 *
 *   1. make the new nodes, which are locked; lock the old ones, the parent, and its parent;
 *   2. look whether they still are what they were, and fill the new ones;
 *   3. publish: store the new parent into the old one's parent;
 *   4. mark the old nodes and the old parent, which are free then, and never change again;
 *   5. give back the locks of the new nodes, and last that of the parent's parent;
 *   6. retire the old nodes, as memory: their words have moved.
 *
 * Why. Readers who are in an old node find it marked only after there is a way to the new ones (3
 * before 4), so that starting over leads on. Until then nobody changes the new ones, and what
 * readers find in the old ones is true. That goes for the new parent, too: if one of its other
 * children could be replaced, and retired, while the old parent is not marked yet, a reader would
 * take it for one that is in the tree. tla/olc.tla has all this.
 *
 * Shape. All leaves stay equally deep: the root's level changes, and nothing else. An inner node
 * with one child is possible; when that child is to go, the inner node is joined with a neighbour
 * first.
 */
#include "bptree_locks.h"

/* ---------------------------------------------------------------- new nodes */

static void begin_node(cc_bptree *tree, tree_node *n, bool is_leaf, unsigned count, size_t bytes) {
    n->state.word = LOCKED | generation_now(); /* nobody else has seen it */
    n->birth = cc_birth_now(&tree->map.common);
    n->bytes = (uint32_t)bytes;
    n->count = (uint8_t)count;
    n->skip = n->shared = 0;
    n->is_leaf = is_leaf;
    n->has_words = false;
}

leaf_node *cc_bptree_new_leaf(cc_bptree *tree, unsigned positions, bool has_words) {
    size_t bytes = cc_alloc_good_size(sizeof(leaf_node) +
                                      positions * (sizeof(cc_atomic_u64) + sizeof(cc_value_slot) +
                                                   (has_words ? sizeof(key_word) : 0)));
    /* Readers may look at a position before anybody has written there, and forget what they saw. */
    leaf_node *n = cc_alloc_zeroed(bytes);
    if (n) {
        begin_node(tree, &n->head, true, positions, bytes);
        n->head.has_words = has_words;
        n->extent.word = extent_of(0, NO_HOLE, MIXED_KINDS);
    }
    return n;
}

inner_node *cc_bptree_new_inner(cc_bptree *tree, unsigned children) {
    size_t bytes = cc_alloc_good_size(sizeof(inner_node) + children * sizeof(cc_atomic_uptr) +
                                      (children ? children - 1 : 0) * sizeof(separator));
    inner_node *n = cc_alloc(bytes);
    if (n) {
        begin_node(tree, &n->head, false, children, bytes);
    }
    return n;
}

/* ---------------------------------------------------------------- moving entries */

static unsigned with_kind(unsigned positions, unsigned kinds, unsigned kind) {
    return positions == 0 || kinds == kind ? kind : MIXED_KINDS;
}

void cc_bptree_insert_at(leaf_node *n, unsigned i, const leaf_entry *e) {
    uint64_t extent = cc_load_relaxed_u64(&n->extent);
    unsigned count = positions_in(extent), kinds = kinds_in(extent);
    unsigned then = with_kind(count, kinds, kind_in_birth(e->birth_kind));
    CC_INVARIANT(hole_in(extent) == NO_HOLE && count < n->head.count && i <= count);
    for (unsigned hole = count; hole > i; hole--) {
        leaf_entry moved = entry_at(n, hole - 1);
        set_extent(n, count + 1, hole, kinds);
        set_entry(n, hole, &moved);
    }
    set_extent(n, count + 1, i, kinds);
    set_entry(n, i, e);
    set_extent(n, count + 1, NO_HOLE, then);
}

void cc_bptree_close_hole(leaf_node *n) {
    uint64_t extent = cc_load_relaxed_u64(&n->extent);
    unsigned last = positions_in(extent) - 1, kinds = kinds_in(extent);
    for (unsigned hole = hole_in(extent); hole < last; hole++) {
        leaf_entry moved = entry_at(n, hole + 1);
        set_entry(n, hole, &moved);
        set_extent(n, last + 1, hole + 1, kinds);
    }
    set_extent(n, last, NO_HOLE, kinds);
}

/* Behind all that is in a new leaf. */
static void append_entry(leaf_node *n, const leaf_entry *e) {
    uint64_t extent = cc_load_relaxed_u64(&n->extent);
    unsigned count = positions_in(extent);
    set_entry(n, count, e);
    set_extent(n, count + 1, NO_HOLE,
               with_kind(count, kinds_in(extent), kind_in_birth(e->birth_kind)));
}

/* ---------------------------------------------------------------- locks of dead threads */

bool cc_bptree_repair(tree_node *n) {
    uint64_t state = cc_load_acquire_u64(&n->state);
    if (!is_of_a_dead_thread(state)) {
        return false;
    }
    uint64_t ours = (state & ~GENERATION_MASK) | CHANGING | generation_now();
    if (!cc_cas_acq_rel_u64(&n->state, &state, ours)) { /* (2) */
        return false;
    }
    if (n->is_leaf) {
        leaf_node *leaf = (leaf_node *)n;
        if (hole_in(cc_load_relaxed_u64(&leaf->extent)) != NO_HOLE) {
            cc_bptree_close_hole(leaf);
        }
    }
    unlock_as(n, when_free(state) + ONE_VERSION);
    return true;
}

/* ---------------------------------------------------------------- regrouping */

typedef struct regrouping {
    cc_bptree *tree;
    inner_node *parent, *above; /* above: NULL when the parent is the anchor */
    unsigned index, index_above; /* of the first old node, and of the parent */
    unsigned olds, news;
    bool of_leaves;
    tree_node *old[2], *made[2];
    inner_node *new_parent; /* NULL: a child of the parent takes its place */
    unsigned total, cut; /* entries or children, and how many of them the first new node gets */
    uint64_t old_states[2], parent_state, above_state;
    bool skips; /* new nodes may skip what their keys share */
    separator between; /* of two new nodes; its digest skips nothing */
} regrouping;

static unsigned children_then(const regrouping *r) {
    return r->parent->head.count - r->olds + r->news;
}

static bool is_root_replaced(const regrouping *r) {
    return !r->above;
}

/* The root has one child left, which becomes the root. */
static bool is_root_given_up(const regrouping *r) {
    return r->above == &r->tree->anchor && children_then(r) == 1;
}

static bool allocate(regrouping *r, unsigned positions, bool has_words) {
    unsigned children[2] = {r->cut, r->total - r->cut};
    bool all = true;
    for (unsigned i = 0; i < r->news && all; i++) {
        r->made[i] = r->of_leaves ? (tree_node *)cc_bptree_new_leaf(r->tree, positions, has_words)
                                  : (tree_node *)cc_bptree_new_inner(
                                        r->tree, r->news == 1 ? r->total : children[i]);
        all = r->made[i] != NULL;
    }
    bool has_new_parent = is_root_replaced(r) ? r->news == 2 : !is_root_given_up(r);
    if (all && has_new_parent) {
        r->new_parent = cc_bptree_new_inner(r->tree, is_root_replaced(r) ? 2 : children_then(r));
        all = r->new_parent != NULL;
    }
    return all;
}

static void free_made(regrouping *r) {
    cc_free(r->made[0]);
    cc_free(r->made[1]);
    cc_free(r->new_parent);
}

/* All, or none. It looks first: who gives locks back has to wake others, and two who do that would
 * keep each other awake while a third one has the lock that they need. */
static int lock_all(regrouping *r, attempt *a) {
    struct {
        tree_node *n;
        uint64_t *state;
    } all[4];
    unsigned count = 0, locked = 0;
    for (unsigned i = 0; i < r->olds; i++) {
        all[count].n = r->old[i];
        all[count++].state = &r->old_states[i];
    }
    all[count].n = &r->parent->head;
    all[count++].state = &r->parent_state;
    if (r->above) {
        all[count].n = &r->above->head;
        all[count++].state = &r->above_state;
    }
    int outcome = CC_FOUND;
    for (unsigned i = 0; i < count && outcome == CC_FOUND; i++) {
        uint64_t state = cc_load_acquire_u64(&all[i].n->state);
        outcome = state & MARKED ? AGAIN : CC_FOUND;
        if (state & LOCKED) {
            outcome = cc_bptree_repair(all[i].n) ? REPAIRED : WAIT;
        }
    }
    for (; locked < count && outcome == CC_FOUND; locked++) {
        outcome = try_lock(all[locked].n, all[locked].state);
        if (outcome != CC_FOUND) {
            break;
        }
    }
    a->gave_back = a->gave_back || locked > 0; /* or will have */
    while (outcome != CC_FOUND && locked-- > 0) {
        unlock_as(all[locked].n, *all[locked].state);
    }
    return outcome;
}

static void unlock_all(regrouping *r) {
    for (unsigned i = 0; i < r->olds; i++) {
        unlock_as(r->old[i], r->old_states[i]);
    }
    unlock_as(&r->parent->head, r->parent_state);
    if (r->above) {
        unlock_as(&r->above->head, r->above_state);
    }
}

static tree_node *child_at(const inner_node *n, unsigned i) {
    return (tree_node *)cc_load_acquire_uptr(&n->children[i]); /* (1) */
}

static unsigned entries_in(const tree_node *n) {
    return positions_in(cc_load_relaxed_u64(&((const leaf_node *)n)->extent));
}

/* Under the locks: is everything where it was, and can the new nodes take it? */
static bool is_as_planned(regrouping *r) {
    for (unsigned i = 0; i < r->olds; i++) {
        if (child_at(r->parent, r->index + i) != r->old[i]) {
            return false;
        }
    }
    if (r->above && child_at(r->above, r->index_above) != &r->parent->head) {
        return false;
    }
    if (r->of_leaves) {
        unsigned total = 0;
        for (unsigned i = 0; i < r->olds; i++) {
            total += entries_in(r->old[i]);
        }
        r->total = total;
        r->cut = r->cut < total ? r->cut : total / 2;
        return r->news == 0 ? total == 0 : r->news == 1 ? total <= r->made[0]->count : total >= 2;
    }
    return true;
}

/* What the keys between two separators share. Where one is not in sight, what the parent's keys do,
 * if the other one can be compared with them by `compare`: if it has units, too. */
static unsigned shared_between(const regrouping *r, const separator *left, const separator *right) {
    const unsigned of_parent = r->skips ? r->parent->head.shared : 0;
    if (!r->skips || (!left && !right)) {
        return of_parent;
    }
    const cc_stored_key a = key_of_separator(left ? left : right);
    const cc_stored_key b = key_of_separator(right ? right : left);
    unsigned shared = cc_bptree_shared(r->tree, &a, &b);
    return (left && right) || shared < of_parent ? shared : of_parent;
}

/* What a node skips, when it is known what it shares: with these separators at its ends, if it has
 * two or more, and `old` units skipped so far. */
static void set_skip(const regrouping *r, tree_node *n, const separator *first,
                     const separator *last, unsigned old) {
    unsigned shared = n->shared;
    unsigned common = first == last ? shared : shared_between(r, first, last);
    n->skip = r->skips ? (uint8_t)cc_bptree_best_skip(shared, common, old) : 0;
}

/* What the new nodes share, when it is known what is between them. */
static void set_shared(const regrouping *r) {
    const separator *all = separators_of(r->parent);
    const separator *left = r->index > 0 ? &all[r->index - 1] : NULL;
    const separator *right =
        r->index + r->olds < r->parent->head.count ? &all[r->index + r->olds - 1] : NULL;
    for (unsigned i = 0; i < r->news; i++) {
        r->made[i]->shared = (uint8_t)shared_between(r, i ? &r->between : left,
                                                     i + 1 < r->news ? &r->between : right);
    }
}

static separator separator_moved(const regrouping *r, separator s, unsigned from, unsigned to) {
    s.digest = digest_moved(r->tree, kind_in_birth(s.birth_kind), s.digest, s.word, from, to);
    return s;
}

/* The k-th entry of the old leaves, for a leaf that skips so much. */
static leaf_entry entry_of_old(const regrouping *r, unsigned k, unsigned skip) {
    unsigned first = entries_in(r->old[0]);
    const tree_node *n = k < first ? r->old[0] : r->old[1];
    leaf_entry e = entry_at((const leaf_node *)n, k < first ? k : k - first);
    e.digest = digest_moved(r->tree, kind_in_birth(e.birth_kind), e.digest, e.word, n->skip, skip);
    return e;
}

/* The smaller one of what the old nodes skip. */
static unsigned skipped_so_far(const regrouping *r) {
    return r->olds == 2 && r->old[1]->skip < r->old[0]->skip ? r->old[1]->skip : r->old[0]->skip;
}

static void fill_leaves(regrouping *r) {
    if (r->news == 2) {
        leaf_entry e = entry_of_old(r, r->cut, 0);
        r->between = (separator){
            .digest = e.digest,
            .birth_kind = cc_birth_now(&r->tree->map.common) | (e.birth_kind & ~CC_ERA_MASK),
            .word = e.word,
        };
        cc_acquire_word(&r->tree->map.common, e.word);
    }
    set_shared(r);
    for (unsigned i = 0, k = 0; i < r->news; i++) {
        tree_node *n = r->made[i];
        set_skip(r, n, NULL, NULL, skipped_so_far(r));
        /* No more is relied on; and the range of a leaf that skips nothing may grow. */
        n->shared = n->skip;
        for (unsigned end = r->news == 2 && i == 0 ? r->cut : r->total; k < end; k++) {
            leaf_entry e = entry_of_old(r, k, n->skip);
            append_entry((leaf_node *)n, &e);
        }
    }
}

/* The k-th child of the old nodes, and what is between it and the next, for a node that skips so
 * much. */
static tree_node *child_of_old(const regrouping *r, unsigned k) {
    const inner_node *first = (const inner_node *)r->old[0];
    return k < first->head.count ? child_at(first, k)
                                 : child_at((const inner_node *)r->old[1], k - first->head.count);
}

static separator separator_of_old(const regrouping *r, unsigned k, unsigned skip) {
    unsigned first = r->old[0]->count;
    const tree_node *n = k + 1 < first ? r->old[0] : k + 1 == first ? &r->parent->head : r->old[1];
    unsigned i = k + 1 < first ? k : k + 1 == first ? r->index : k - first;
    return separator_moved(r, separators_of((const inner_node *)n)[i], n->skip, skip);
}

static void set_child(inner_node *n, unsigned i, const tree_node *child) {
    cc_store_relaxed_uptr(&n->children[i], (uintptr_t)child); /* of a new node */
}

static void fill_inner_nodes(regrouping *r) {
    if (r->news == 2) {
        r->between = separator_of_old(r, r->cut - 1, 0);
    }
    set_shared(r);
    unsigned end = r->news == 2 ? r->cut : r->total;
    for (unsigned i = 0, from = 0; i < r->news; i++, from = end, end = r->total) {
        inner_node *n = (inner_node *)r->made[i];
        if (end - from > 1) {
            separator first = separator_of_old(r, from, 0), last = separator_of_old(r, end - 2, 0);
            set_skip(r, &n->head, &first, end - from > 2 ? &last : &first, skipped_so_far(r));
        }
        for (unsigned k = from; k < end; k++) {
            set_child(n, k - from, child_of_old(r, k));
            if (k + 1 < end) {
                separators_of(n)[k - from] = separator_of_old(r, k, n->head.skip);
            }
        }
    }
}

/* Of the parent's separators this one goes with an old leaf; NO_HOLE: none does. */
static unsigned dropped_separator(const regrouping *r) {
    return !r->of_leaves || r->news >= r->olds ? NO_HOLE
           : r->olds == 2                      ? r->index
           : r->index > 0                      ? r->index - 1
                                               : 0;
}

static void fill_parent(regrouping *r) {
    inner_node *n = r->new_parent, *from = r->parent;
    separator *to = separators_of(n);
    if (is_root_replaced(r)) {
        set_child(n, 0, r->made[0]);
        set_child(n, 1, r->made[1]);
        to[0] = r->between;
        return;
    }
    unsigned k = 0, s = 0, inserted = NO_HOLE;
    for (unsigned i = 0; i < from->head.count; i++) {
        if (i < r->index || i >= r->index + r->olds) {
            set_child(n, k++, child_at(from, i));
        } else if (i == r->index) {
            for (unsigned j = 0; j < r->news; j++) {
                set_child(n, k++, r->made[j]);
            }
        }
    }
    unsigned dropped = dropped_separator(r);
    bool is_middle_replaced = r->olds == 2; /* what was between two old nodes */
    for (unsigned i = 0; i < from->head.count; i++) { /* the last one has none behind it */
        if (r->news == 2 && i == r->index) {
            inserted = s;
            to[s++] = r->between;
        }
        if (i + 1u < from->head.count && i != dropped && !(is_middle_replaced && i == r->index)) {
            to[s++] = separators_of(from)[i];
        }
    }
    CC_INVARIANT(k == n->head.count && s + 1 == k);
    n->head.shared = r->skips ? from->head.shared : 0;
    if (s > 0) {
        set_skip(r, &n->head, &to[0], &to[s - 1], from->head.skip);
    }
    for (unsigned i = 0; i < s; i++) {
        to[i] = separator_moved(r, to[i], i == inserted ? 0 : from->head.skip, n->head.skip);
    }
}

/* What is published in the place of the parent, or of the root. */
static tree_node *replacement(const regrouping *r) {
    if (r->new_parent) {
        return &r->new_parent->head;
    }
    return r->news ? r->made[0] : child_at(r->parent, r->index == 0);
}

static void mark(tree_node *n, uint64_t state) {
    unlock_as(n, state | MARKED); /* (1) */
}

static void publish(regrouping *r) {
    inner_node *at = r->above ? r->above : r->parent;
    cc_store_release_uptr(&at->children[r->above ? r->index_above : 0],
                          (uintptr_t)replacement(r)); /* (1) */
    for (unsigned i = 0; i < r->olds; i++) {
        mark(r->old[i], r->old_states[i]);
    }
    if (r->above) {
        mark(&r->parent->head, r->parent_state);
    }
    for (unsigned i = 0; i < r->news; i++) {
        unlock_as(r->made[i], 0);
    }
    if (r->new_parent) {
        unlock_as(&r->new_parent->head, 0);
    }
    unlock_as(&at->head, r->above ? r->above_state : r->parent_state);
}

static void add_gone_node(gone_things *gone, const tree_node *n) {
    add_gone(gone, (uintptr_t)n, RETIRED_NODE, n->birth, n->bytes);
}

static int carry_out(regrouping *r, attempt *a) {
    gone_things *gone = &a->gone;
    int outcome = lock_all(r, a);
    if (outcome != CC_FOUND) {
        return outcome;
    }
    if (!is_as_planned(r)) {
        unlock_all(r);
        return AGAIN;
    }
    unsigned dropped = dropped_separator(r);
    separator drops = {0};
    if (dropped != NO_HOLE) {
        drops = separators_of(r->parent)[dropped];
    }
    r->skips = !cc_load_relaxed_u32(&r->tree->map.common.asked);
    if (r->of_leaves) {
        fill_leaves(r);
    } else {
        fill_inner_nodes(r);
    }
    if (r->new_parent) {
        fill_parent(r);
    }
    int64_t bytes = (r->news > 0 ? r->made[0]->bytes : 0) + (r->news > 1 ? r->made[1]->bytes : 0) +
                    (r->new_parent ? r->new_parent->head.bytes : 0);
    publish(r);
    cc_count_entries(&r->tree->map.common, a->g.thread, 0, bytes);
    cc_published(&a->g);
    for (unsigned i = 0; i < r->olds; i++) {
        add_gone_node(gone, r->old[i]);
    }
    if (r->above) {
        add_gone_node(gone, &r->parent->head);
    }
    if (drops.word) {
        add_gone(gone, drops.word, RETIRED_KEY, drops.birth_kind, 0);
    }
    r->made[0] = r->made[1] = NULL; /* not ours to free */
    r->new_parent = NULL;
    return CC_FOUND;
}

/* Is the place at an end of its level, of all the tree? */
static bool is_at_end(const place *at, unsigned level, bool last) {
    for (unsigned i = 1; i <= level; i++) {
        if (at->at[i].index != (last ? at->at[i].count - 1 : 0)) {
            return false;
        }
    }
    return true;
}

/* Where to cut what is split: at an end of the tree so that what comes in order fills its nodes. */
static unsigned cut_for(const place *at, unsigned total) {
    bool is_behind = at->position == count_at(at), is_before = at->position == 0;
    unsigned deepest = at->levels - 1;
    if (is_behind && is_at_end(at, deepest, true)) {
        return total - 1;
    }
    return is_before && is_at_end(at, deepest, false) ? 1 : total / 2;
}

static void plan_room(regrouping *r, const place *at, const cc_search *search, unsigned *positions,
                      bool *has_words) {
    const leaf_node *n = at->leaf;
    *has_words = n->head.has_words || search->key;
    *positions = n->head.count;
    r->news = 1;
    r->total = r->of_leaves ? count_at(at) : r->old[0]->count;
    if (r->of_leaves && count_at(at) < n->head.count) {
        return; /* the column of words is all that it lacks */
    }
    if (r->of_leaves && n->head.count < LEAF_ENTRIES) {
        *positions = 2u * n->head.count < LEAF_ENTRIES ? 2u * n->head.count : LEAF_ENTRIES;
        return;
    }
    r->news = 2;
    r->cut = cut_for(at, r->total);
}

/* False: there is nothing to do. */
static bool plan_tidying(regrouping *r, cc_smr_guard *g, const place *at, unsigned *positions,
                         bool *has_words, int *outcome) {
    const bool is_empty = r->of_leaves && count_at(at) == 0;
    /* An empty leaf looks at the one whose range would be wider; that is there as long as the
     * parent is, for no leaf is replaced without it. */
    bool up = r->index + 1u < r->parent->head.count && !(is_empty && r->index > 0);
    unsigned other = up ? r->index + 1 : r->index - 1;
    tree_node *n =
        (tree_node *)cc_protect_and_hold(g, &r->parent->children[other], 0, CC_HELD_NODES + 4);
    if (!n || (cc_load_acquire_u64(&r->parent->head.state) & MARKED)) { /* (1) */
        *outcome = AGAIN;
        return false;
    }
    if (is_empty && !n->skip) {
        r->news = 0;
        return true;
    }
    tree_node *own = r->old[0];
    r->old[other > r->index] = n;
    r->old[other < r->index] = own;
    r->olds = 2;
    r->news = 1;
    r->index = other < r->index ? other : r->index;
    if (r->of_leaves) {
        unsigned total = entries_in(r->old[0]) + entries_in(r->old[1]);
        *positions = LEAF_ENTRIES;
        *has_words = r->old[0]->has_words || r->old[1]->has_words;
        return total <= LEAF_ENTRIES - (is_empty ? 0 : LEAF_ENTRIES / 4);
    }
    r->total = r->old[0]->count + (unsigned)r->old[1]->count;
    r->news = r->total <= INNER_CHILDREN ? 1 : 2;
    r->cut = r->total / 2;
    return true;
}

int cc_bptree_regroup(cc_bptree *tree, attempt *a, const cc_search *search, search_aim aim,
                      const place *at) {
    unsigned level = cc_bptree_level_to_regroup(aim, at), positions = LEAF_ENTRIES;
    bool has_words = false;
    int outcome = CC_ABSENT;
    regrouping r = {.tree = tree,
                    .parent = at->at[level].node,
                    .index = at->at[level].index,
                    .olds = 1,
                    .of_leaves = level + 1 == at->levels};
    if (level > 0) {
        r.above = at->at[level - 1].node;
        r.index_above = at->at[level - 1].index;
    }
    r.old[0] = r.of_leaves ? &at->leaf->head : &at->at[level + 1].node->head;
    if (aim == TO_PUT) {
        plan_room(&r, at, search, &positions, &has_words);
    } else if (level == 0 || !plan_tidying(&r, &a->g, at, &positions, &has_words, &outcome)) {
        return outcome;
    }
    if (!allocate(&r, positions, has_words)) {
        free_made(&r);
        return CC_NO_MEMORY;
    }
    outcome = carry_out(&r, a);
    free_made(&r);
    return outcome;
}
