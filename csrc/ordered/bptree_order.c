/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The B+tree: ordered queries, pops, scans, and what comes in order.
 *
 * Promises. A query is linearizable, key and value together. A pop hands out the very entry that
 * was the end, to nobody else. A scan is weakly consistent: entries that were each there at some
 * point of the call, in order, none twice. A sample steps over whole subtrees.
 *
 * Over a border. When the wanted entry is not in the leaf where the key belongs, it is the end of
 * the leaf next to it. Both are read, and then both are looked at again: neither is marked, so both
 * were in the tree all the while, and nothing can come between two leaves but by a split of one of
 * them. An empty leaf that is in the way is done away with first. So a query, too, may change the
 * tree's shape; and need memory for it.
 *
 * Linearization points.
 *   first, floor...  the load of the value, between the first and the last look at the versions.
 *                    Without an entry: the last look.
 *   pop_end          giving the leaf's lock back.
 *   append           the same.
 *   scans            each entry by itself: the load of its value.
 */
#include "bptree_locks.h"

/* ---------------------------------------------------------------- reading entries */

/* The entry at a place as it is read there; worth something when the leaf's version is as it was.
 * In a read phase, so field by field: a struct that is copied may be a memcpy, and that of a
 * sanitizer takes more than CC_MOST_STACK. */
CC_ALWAYS_INLINE void read_entry(cc_smr_guard *g, const place *at, unsigned i, bool without_value,
                                 cc_entry *e) {
    const leaf_node *n = at->leaf;
    e->digest = cc_load_acquire_u64(&digests_of(n)[i]); /* (2) */
    e->kind = (uint8_t)kind_at(n, at->extent, i);
    e->key = n->head.has_words ? cc_protect(g, &words_of(n)[i].word) : 0;
    e->value = without_value ? 0 : cc_load_value(g, false, &slots_of(n)[i]);
}

/* Its digest as others know it. Outside of read phases. */
static void complete_entry(cc_bptree *tree, unsigned skip, cc_entry *e) {
    e->digest = digest_moved(tree, e->kind, e->digest, e->key, skip, 0);
}

static void acquire_entry(cc_bptree *tree, const cc_entry *e) {
    cc_acquire_word(&tree->map.common, e->value);
    cc_acquire_word(&tree->map.common, e->key);
}

/* ---------------------------------------------------------------- neighbours */

/* Of the place of the searched key: which entry is wanted. Below 0 it wraps round. */
static unsigned wanted_position(const place *at, cc_relation relation) {
    bool equal = at->found;
    switch (relation) {
    case CC_FLOOR:
        return equal ? at->position : at->position - 1;
    case CC_LOWER:
        return at->position - 1;
    case CC_HIGHER:
        return at->position + equal;
    case CC_FIRST:
    case CC_LAST: /* cc_bptree_find's */
    case CC_CEILING:
        break;
    }
    return at->position;
}

static int look_for_neighbour(cc_bptree *tree, cc_smr_guard *g, cc_search *search,
                              cc_relation relation, place *at, cc_entry *e) {
    bool up = relation == CC_HIGHER || relation == CC_CEILING;
    search_way way = relation == CC_FIRST ? TO_FIRST : relation == CC_LAST ? TO_LAST : BY_KEY;
    int outcome = cc_bptree_reach(tree, g, search, way, at);
    if (outcome != CC_FOUND) {
        return outcome;
    }
    unsigned i = wanted_position(at, relation);
    if (i < count_at(at)) {
        read_entry(g, at, i, false, e);
        at->position = i;
        return is_as_it_was(at->leaf, at->state) ? CC_FOUND : AGAIN;
    }
    if (count_at(at) == 0 && at->levels > 1) {
        return is_as_it_was(at->leaf, at->state) ? REGROUP : AGAIN;
    }
    const leaf_node *first = at->leaf;
    uint64_t state = at->state;
    outcome = way == BY_KEY ? cc_bptree_step(g, up, at) : CC_ABSENT;
    if (outcome == CC_FOUND && count_at(at) == 0) {
        return is_as_it_was(at->leaf, at->state) ? REGROUP : AGAIN;
    }
    if (outcome == CC_FOUND) {
        at->position = up ? 0 : count_at(at) - 1;
        read_entry(g, at, at->position, false, e);
        if (!is_as_it_was(at->leaf, at->state)) {
            return AGAIN;
        }
    }
    return is_as_it_was(first, state) || outcome == WAIT ? outcome : AGAIN;
}

/* A read phase; the write phase holds the leaf, and the entry's words; or what a regrouping needs.
 * With `next`, which is to be put behind the entry, the leaf has room for it. */
CC_NEVER_INLINE int find_neighbour(cc_bptree *tree, cc_smr_guard *g, cc_search *search,
                                   cc_relation relation, const cc_new_entry *next, place *at,
                                   cc_entry *e) {
    CC_CHECKPOINT(g);
    for (;; cc_count_retry(g)) {
        int outcome = look_for_neighbour(tree, g, search, relation, at, e);
        if (outcome == AGAIN) {
            continue;
        }
        if (outcome == CC_NEED_COMPARE) {
            return outcome; /* the read phase is over */
        }
        if (outcome == CC_FOUND && next && cc_bptree_lacks_room(at, next->key)) {
            at->position++;
            outcome = REGROUP;
        }
        if (outcome == REGROUP) {
            cc_bptree_hold_for(g, count_at(at) ? TO_PUT : TO_TIDY, at);
        } else if (at->leaf) {
            cc_hold(g, CC_HELD_NODES, (uintptr_t)at->leaf);
        }
        if (outcome == CC_FOUND) {
            cc_hold(g, CC_HELD_VALUE, e->value);
            cc_hold(g, CC_HELD_TABLE, e->key);
        }
        cc_end_reading(g);
        if (outcome == CC_FOUND) {
            complete_entry(tree, at->leaf->head.skip, e);
        }
        return outcome;
    }
}

cc_status cc_bptree_neighbour(cc_ordered *map, cc_search *search, cc_relation relation,
                              cc_entry *entry) {
    cc_bptree *tree = tree_of(map);
    attempt a;
    place at;
    cc_entry e;
    int outcome;
    if (cc_bptree_begin_attempt(tree, &a) != CC_FOUND) {
        return CC_NO_MEMORY;
    }
    do {
        outcome = find_neighbour(tree, &a.g, search, relation, NULL, &at, &e);
    } while (cc_bptree_has_to_try_again(tree, &a, &outcome, search, TO_TIDY, &at));
    if (outcome == CC_FOUND) {
        acquire_entry(tree, &e);
        *entry = e;
    }
    cc_bptree_end_attempt(tree, &a);
    return (cc_status)outcome;
}

cc_status cc_bptree_pop_end(cc_ordered *map, cc_relation end, const cc_stored_key *prepared,
                            cc_entry *entry) {
    cc_bptree *tree = tree_of(map);
    attempt a;
    place at;
    cc_entry e;
    leaf_entry taken;
    int outcome;
    bool tidies = false;
    if (cc_bptree_begin_attempt(tree, &a) != CC_FOUND) {
        return CC_NO_MEMORY;
    }
    do {
        outcome = find_neighbour(tree, &a.g, NULL, end, NULL, &at, &e);
        if (outcome == CC_FOUND && prepared && !e.key &&
            (prepared->digest != e.digest || prepared->kind != e.kind)) {
            *entry = (cc_entry){.digest = e.digest, .kind = e.kind};
            outcome = CC_MISMATCH;
        } else if (outcome == CC_FOUND) {
            outcome = cc_bptree_take_out(tree, &a, &at, NULL, &taken);
            if (outcome == CC_FOUND) {
                e.value = taken.value; /* it may have been replaced meanwhile */
                acquire_entry(tree, &e);
                *entry = e;
                tidies = at.levels > 1 && is_time_to_tidy(count_at(&at) - 1);
            }
        }
    } while (cc_bptree_has_to_try_again(tree, &a, &outcome, NULL, TO_TIDY, &at));
    cc_bptree_end_attempt(tree, &a);
    if (tidies) {
        cc_bptree_tidy(tree, NULL, end == CC_FIRST ? TO_FIRST : TO_LAST);
    }
    return (cc_status)outcome;
}

/* ---------------------------------------------------------------- scans */

/* The entries of one call: `entries` has room for `room`, of which the first `*count` are there. */
typedef struct collected {
    cc_entry *entries;
    size_t room;
    size_t *count;
    unsigned how;
    bool up;
    size_t every; /* above 1: one of about so many, upwards, without values */
} collected;

/* Take `number` entries of the leaf, from position i on. False: somebody has been in the way, and
 * those that have been taken before that are right.
 *
 * Where regions do not restart, what has been read stays until the region is closed, so the leaf is
 * looked at again once, and references are taken in one go at the end. Elsewhere they are taken at
 * once: a moment of a write phase in the middle of a read phase. When that turns out to have ended
 * the read phase, the entry counts all the same. */
static bool take_entries(cc_bptree *tree, cc_smr_guard *g, const place *at, unsigned i,
                         unsigned number, const collected *c) {
    bool without_values = c->how & CC_SCAN_WITHOUT_VALUES;
    const unsigned skip = at->leaf->head.skip;
    size_t before = *c->count;
    for (; number > 0 && *c->count < c->room; number--, i = c->up ? i + 1 : i - 1) {
        cc_entry *e = &c->entries[*c->count];
        read_entry(g, at, i, without_values, e);
        if (g->restarts) {
            if (!is_as_it_was(at->leaf, at->state)) {
                return false;
            }
            cc_hold(g, CC_HELD_VALUE, e->value);
            cc_hold(g, CC_HELD_TABLE, e->key);
            cc_end_reading(g);
            complete_entry(tree, skip, e);
            acquire_entry(tree, e);
            ++*c->count;
            cc_resume_reading(g);
        } else {
            ++*c->count;
        }
    }
    /* Also when there was nothing to take: position i has been found in the same leaf. */
    if (!is_as_it_was(at->leaf, at->state)) {
        if (!g->restarts) {
            *c->count = before;
        }
        return false;
    }
    for (size_t k = before; skip && !g->restarts && k < *c->count; k++) {
        complete_entry(tree, skip, &c->entries[k]);
    }
    return true;
}

/* The place where it begins, and *i: upwards the position of the first entry, downwards how many
 * there are still in the leaf. CC_ABSENT: the tree is empty. */
static int begin_walk(cc_bptree *tree, cc_smr_guard *g, cc_search *search, const collected *c,
                      place *at, unsigned *i) {
    search_way way = search ? BY_KEY : c->up ? TO_FIRST : TO_LAST;
    int outcome = cc_bptree_reach(tree, g, search, way, at);
    if (outcome != CC_FOUND) {
        return outcome;
    }
    bool takes_equal = search && at->found && !(c->how & CC_SCAN_EXCLUSIVE);
    *i = !search ? (c->up ? 0 : count_at(at))
         : c->up ? at->position + (at->found && !takes_equal)
                 : at->position + takes_equal;
    return CC_FOUND;
}

/* A walk comes to the next leaf of the same node soon: what it reads there first is fetched while
 * this leaf's entries are taken. The address is not trusted with more than that. */
static void prefetch_next(const place *at, bool up) {
    const inner_node *parent = at->at[at->levels - 1].node;
    const unsigned i = at->at[at->levels - 1].index + (up ? 1u : -1u);
    if (i < parent->head.count) { /* in front of 0 nothing is */
        const uintptr_t next = cc_load_relaxed_uptr(&parent->children[i]);
        for (size_t line = 0; line < sizeof(leaf_node) + LEAF_ENTRIES * sizeof(uint64_t);
             line += CC_CACHE_LINE) {
            CC_PREFETCH(next + line);
        }
    }
}

static int walk_in_phase(cc_bptree *tree, cc_smr_guard *g, cc_search *search, const collected *c,
                         place *at, bool *at_end) {
    unsigned i;
    int outcome = begin_walk(tree, g, search, c, at, &i);
    *at_end = outcome == CC_ABSENT;
    if (outcome != CC_FOUND) {
        return *at_end ? CC_FOUND : outcome;
    }
    for (unsigned leaves = 1;; leaves++) {
        unsigned number = c->up ? count_at(at) - i : i;
        if (number < c->room - *c->count) {
            prefetch_next(at, c->up);
        }
        if (!take_entries(tree, g, at, c->up ? i : i - 1, number, c)) {
            return AGAIN;
        }
        if (*c->count == c->room || (*c->count && leaves >= MOST_LEAVES_PER_REGION)) {
            return CC_FOUND;
        }
        const leaf_node *last = at->leaf;
        uint64_t state = at->state;
        outcome = cc_bptree_step(g, c->up, at);
        if (outcome == CC_ABSENT) {
            *at_end = is_as_it_was(last, state);
            return *at_end ? CC_FOUND : AGAIN;
        }
        if (outcome != CC_FOUND) {
            return outcome;
        }
        i = c->up ? 0 : count_at(at);
    }
}

/* From position i of the leaf over *behind entries, of which there are not so many in the leaf: as
 * near as whole leaves and subtrees lead, whose sizes are guessed by what the way has passed.
 * *behind is what is left then. CC_FOUND, CC_ABSENT (so many are not there), AGAIN or WAIT. */
static int step_over(cc_smr_guard *g, place *at, unsigned i, size_t *behind) {
    size_t size = count_at(at) > LEAF_ENTRIES / 2 ? count_at(at) : LEAF_ENTRIES / 2;
    *behind -= count_at(at) - i;
    for (unsigned level = at->levels - 1; level > 0; level--) {
        unsigned siblings = at->at[level].node->head.count;
        unsigned more = siblings - 1 - at->at[level].index;
        if (*behind / size < more) {
            unsigned whole = (unsigned)(*behind / size);
            *behind -= whole * size;
            return cc_bptree_step_over(g, at, level, 1 + whole);
        }
        *behind -= more * size;
        size *= size > *behind ? 1 : siblings; /* larger ones are not stepped over */
    }
    return CC_ABSENT;
}

static int sample_in_phase(cc_bptree *tree, cc_smr_guard *g, cc_search *search, const collected *c,
                           place *at, bool *at_end) {
    unsigned i;
    int outcome = begin_walk(tree, g, search, c, at, &i);
    size_t behind = c->every - 1;
    for (unsigned leaves = 1; outcome == CC_FOUND; leaves++) {
        for (; behind < count_at(at) - i; behind = c->every - 1) {
            i += (unsigned)behind;
            if (!take_entries(tree, g, at, i++, 1, c)) {
                return AGAIN;
            }
            if (*c->count == c->room) {
                return CC_FOUND;
            }
        }
        if (*c->count && leaves >= MOST_LEAVES_PER_REGION) {
            return CC_FOUND;
        }
        outcome = step_over(g, at, i, &behind);
        i = 0;
    }
    *at_end = outcome == CC_ABSENT;
    return *at_end ? CC_FOUND : outcome;
}

/* A read phase; at a second start what is there is the answer. */
CC_NEVER_INLINE int walk(cc_bptree *tree, cc_smr_guard *g, cc_search *search, const collected *c,
                         place *at, bool *at_end) {
    CC_CHECKPOINT(g);
    if (*c->count) {
        cc_end_reading(g);
        return CC_FOUND;
    }
    int outcome = c->every > 1 ? sample_in_phase(tree, g, search, c, at, at_end)
                               : walk_in_phase(tree, g, search, c, at, at_end);
    if (outcome == CC_NEED_COMPARE) {
        return outcome; /* the read phase is over */
    }
    if (outcome == WAIT) {
        cc_hold(g, CC_HELD_NODES, (uintptr_t)at->leaf);
    }
    cc_end_reading(g);
    return outcome;
}

static cc_status scan(cc_ordered *map, cc_search *search, unsigned how, bool up, size_t every,
                      cc_entry *entries, size_t room, size_t *count) {
    cc_bptree *tree = tree_of(map);
    const collected c = {entries, room, count, how, up, every};
    attempt a;
    place at;
    bool at_end = room == 0;
    int outcome = CC_FOUND;
    *count = 0;
    if (at_end) {
        return CC_FOUND;
    }
    if (cc_bptree_begin_attempt(tree, &a) != CC_FOUND) {
        return CC_NO_MEMORY;
    }
    for (;;) {
        outcome = walk(tree, &a.g, search, &c, &at, &at_end);
        if (outcome == CC_NEED_COMPARE || *count || at_end) {
            break;
        }
        if (cc_bptree_try_again(tree, &a, outcome, search, TO_READ, &at) == CC_NO_MEMORY) {
            outcome = CC_NO_MEMORY;
            break;
        }
    }
    for (size_t i = 0; !a.g.restarts && i < *count; i++) {
        acquire_entry(tree, &entries[i]);
    }
    cc_bptree_end_attempt(tree, &a);
    return outcome == CC_NEED_COMPARE || outcome == CC_NO_MEMORY ? (cc_status)outcome : CC_FOUND;
}

cc_status cc_bptree_scan_up(cc_ordered *map, cc_search *search, unsigned how, cc_entry *entries,
                            size_t room, size_t *count) {
    return scan(map, search, how, true, 1, entries, room, count);
}

cc_status cc_bptree_scan_down(cc_ordered *map, cc_search *search, unsigned how, cc_entry *entries,
                              size_t room, size_t *count) {
    return scan(map, search, how, false, 1, entries, room, count);
}

cc_status cc_bptree_sample(cc_ordered *map, cc_search *search, size_t every, cc_entry *entries,
                           size_t room, size_t *count) {
    return scan(map, search, CC_SCAN_EXCLUSIVE | CC_SCAN_WITHOUT_VALUES, true, every, entries, room,
                count);
}

/* ---------------------------------------------------------------- what comes in order */

static leaf_entry entry_from(cc_bptree *tree, const cc_new_entry *e) {
    return cc_bptree_new_entry(tree, e->kind, e->digest, e->key, e->value);
}

static int append_to_nothing(cc_bptree *tree, attempt *a, const cc_new_entry *entries,
                             unsigned count) {
    leaf_entry all[LEAF_ENTRIES];
    bool has_words = false;
    for (unsigned i = 0; i < count; i++) {
        all[i] = entry_from(tree, &entries[i]);
        has_words = has_words || entries[i].key;
    }
    return cc_bptree_put_root(tree, a, all, count, has_words);
}

/* Of `count` those for which there is room, behind the last one. */
static int append_to_leaf(cc_bptree *tree, attempt *a, const place *at, const cc_new_entry *entries,
                          unsigned *count) {
    leaf_node *n = at->leaf;
    unsigned from = count_at(at), most = 0;
    CC_INVARIANT(!n->head.skip); /* nothing is on its right */
    while (most < *count && from + most < n->head.count &&
           (n->head.has_words || !entries[most].key)) {
        most++;
    }
    int outcome = try_lock_as_it_was(&n->head, at->state, CHANGING);
    if (outcome != CC_FOUND) {
        return outcome;
    }
    for (unsigned i = 0; i < most; i++) {
        leaf_entry e = entry_from(tree, &entries[i]);
        cc_bptree_insert_at(n, from + i, &e);
    }
    unlock_as(&n->head, at->state + ONE_VERSION);
    a->gave_back = true;
    cc_bptree_count(tree, &a->g, (int)most, 0);
    cc_published(&a->g);
    *count = most;
    return CC_ABSENT;
}

size_t cc_bptree_append(cc_ordered *map, const cc_new_entry *entries, size_t count, size_t *run) {
    cc_bptree *tree = tree_of(map);
    unsigned n = (unsigned)cc_count_ascending(map, entries, count, LEAF_ENTRIES);
    const cc_search search = {.key = entries[0].key}; /* what a regrouping looks at */
    attempt a;
    place at;
    cc_entry e;
    *run = n;
    if (cc_bptree_begin_attempt(tree, &a) != CC_FOUND) {
        return 0;
    }
    int outcome;
    do {
        outcome = find_neighbour(tree, &a.g, NULL, CC_LAST, &entries[0], &at, &e);
        if (outcome == CC_FOUND) {
            cc_new_entry last = {.digest = e.digest, .key = e.key, .kind = e.kind};
            outcome = cc_is_less(map, &last, &entries[0])
                          ? append_to_leaf(tree, &a, &at, entries, &n)
                          : CC_FOUND;
        } else if (outcome == CC_ABSENT && !at.leaf) {
            outcome = append_to_nothing(tree, &a, entries, n);
        } else if (outcome == CC_ABSENT) {
            outcome = cc_bptree_lacks_room(&at, entries[0].key)
                          ? CC_FOUND /* a put will make some */
                          : append_to_leaf(tree, &a, &at, entries, &n);
        }
    } while (cc_bptree_has_to_try_again(tree, &a, &outcome, &search,
                                        at.leaf && count_at(&at) ? TO_PUT : TO_TIDY, &at));
    cc_bptree_end_attempt(tree, &a);
    return outcome == CC_ABSENT ? n : 0;
}
