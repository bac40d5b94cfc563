/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The binary search tree: ordered queries, pops, scans.
 *
 * Promises. A query is linearizable, key and value together, even where values come back. A pop
 * hands out the very entry that was the end, to nobody else. A scan is weakly consistent: entries
 * that were each there at some point of the call, in order, none twice.
 *
 * Two leaves. The leaf where the searched key belongs is the greatest that is less, or the least
 * that is greater. When a query wants the other one, that is across: the nearest leaf below the
 * edge that the way has last left on that side. The two edges are read, then the value, and then
 * both edges are the same: so all three were there when the value was read. And then nothing was
 * between them. Both ranges had come, when they were reached, to the key of the node where the ways
 * part, one from each side; ranges of clean edges only grow, and those of two leaves do not
 * overlap, so at that moment they met. Without versions of edges this would not do: a key that
 * comes and goes restores the word of an edge, so a gap that always has a key in it, on one side or
 * the other, could be seen to be empty (tla/nm_tree.tla).
 *
 * Who meets a dead leaf in the place of an answer helps to unlink it; so a query may need memory.
 *
 * Scans. The nodes at which the way has turned are remembered, the last MOST_ANCESTORS: the next
 * leaf is the nearest one below the other edge of the last of them. An edge of the path that is
 * read clean is in the tree, and what is below it has not been passed.
 *
 * Linearization points.
 *   first, floor...  the load of the value. Without an entry: the load of the last edge.
 *   pop_end          the CAS that flags the edge. Empty: the load of the root.
 *   scans            each entry by itself: the load of its value.
 */
#include "bst_inside.h"

/* Of a phase, beside cc_status: help to unlink what is at the place, and begin again. */
enum { HELP = CC_MISMATCH + 1, AGAIN };

/* ---------------------------------------------------------------- neighbours */

static bool is_as_it_was(cc_bst *tree, const place *at) {
    return load_edge(edge_at(tree, at)) == at->word;
}

/* The entry at a place with a clean edge, and its report: a moment of a write phase in the middle
 * of a read phase. The caller looks at the edges again behind it. */
static int look_at_leaf(cc_bst *tree, cc_smr_guard *g, const place *at, uintptr_t *value) {
    if (!at->leaf) {
        return CC_ABSENT;
    }
    *value = cc_load_value(g, false, &at->leaf->slot); /* (2) */
    if (*value == CC_TOMBSTONE) {
        return HELP;
    }
    if (cc_is_collecting(&tree->map.common)) {
        cc_bst_hold(g, at, *value);
        cc_bst_report(tree, g, at, value);
        cc_resume_reading(g);
    }
    return CC_FOUND;
}

/* CC_FOUND: at *answer. HELP: unlink what is there. In a read phase. */
CC_ALWAYS_INLINE int look_for_neighbour(cc_bst *tree, cc_smr_guard *g, const route *r,
                                        cc_relation relation, place *at, place *across,
                                        const place **answer, uintptr_t *value) {
    const bool up = relation == CC_FIRST || relation == CC_CEILING || relation == CC_HIGHER;
    const bool takes_equal = relation == CC_FLOOR || relation == CC_CEILING;
    across->side = up;
    int outcome = cc_bst_seek(tree, g, r, at, across, NULL);
    *answer = at;
    if (outcome == CC_NEED_COMPARE) {
        return outcome;
    }
    if (at->word & EDGE_MARKS) {
        return HELP;
    }
    bool is_here = r->way != BY_KEY || (outcome == CC_FOUND ? takes_equal : (at->order < 0) == up);
    if (is_here) {
        outcome = look_at_leaf(tree, g, at, value);
        return outcome == CC_FOUND && !is_as_it_was(tree, at) ? AGAIN : outcome;
    }
    if (!across->parent) {
        return CC_ABSENT;
    }
    *answer = across;
    if (!cc_bst_cross(tree, g, across, NULL)) {
        return AGAIN;
    }
    if (across->word & EDGE_MARKS) {
        return HELP;
    }
    outcome = look_at_leaf(tree, g, across, value);
    return outcome == HELP || (is_as_it_was(tree, at) && is_as_it_was(tree, across)) ? outcome
                                                                                     : AGAIN;
}

/* A read phase; the write phase holds the place of the answer, which is in `at` or `across`. */
CC_NEVER_INLINE int find_neighbour(cc_bst *tree, cc_smr_guard *g, const route *r,
                                   cc_relation relation, place *at, place *across,
                                   const place **answer, uintptr_t *value) {
    CC_CHECKPOINT(g);
    for (;; cc_count_retry(g)) {
        *value = CC_TOMBSTONE;
        int outcome = look_for_neighbour(tree, g, r, relation, at, across, answer, value);
        if (outcome == CC_NEED_COMPARE) {
            return outcome; /* the phase is over */
        }
        if (outcome != AGAIN) {
            cc_bst_hold(g, *answer, *value);
            return outcome;
        }
    }
}

cc_status cc_bst_neighbour(cc_ordered *map, cc_search *search, cc_relation relation,
                           cc_entry *entry) {
    cc_bst *tree = bst_of(map);
    const route r = {.search = search,
                     .way = relation == CC_FIRST  ? TO_FIRST
                            : relation == CC_LAST ? TO_LAST
                                                  : BY_KEY};
    attempt a;
    place at, across;
    const place *answer;
    uintptr_t value;
    if (!cc_bst_begin_attempt(tree, &a)) {
        return CC_NO_MEMORY;
    }
    for (;;) {
        int outcome = find_neighbour(tree, &a.g, &r, relation, &at, &across, &answer, &value);
        if (outcome == HELP) {
            at = *answer;
            outcome = cc_bst_unlink(tree, &a, &at) == CC_FOUND ? AGAIN : CC_NO_MEMORY;
        } else if (outcome == CC_FOUND) {
            acquire_entry(tree, answer->leaf, value, entry);
        }
        if (outcome != AGAIN) {
            cc_bst_end_attempt(tree, &a);
            return (cc_status)outcome;
        }
        if (!cc_bst_next_attempt(tree, &a)) {
            return CC_NO_MEMORY;
        }
    }
}

/* ---------------------------------------------------------------- pops */

/* CC_FOUND: done. AGAIN: somebody has been in the way. In a write phase. */
static int take_end(cc_bst *tree, attempt *a, place *at, const cc_stored_key *prepared,
                    cc_entry *entry) {
    node *leaf = at->leaf;
    if (prepared && !key_of(leaf) &&
        (prepared->digest != leaf->digest || prepared->kind != kind_of(leaf))) {
        *entry = (cc_entry){.digest = leaf->digest, .kind = (uint8_t)kind_of(leaf)};
        return CC_MISMATCH;
    }
    uint64_t expected = at->word;
    if (!cc_cas_seq_cst_u64(edge_at(tree, at), &expected, at->word | FLAGGED)) {
        return AGAIN;
    }
    at->word |= FLAGGED;
    if (cc_bst_swap_value(tree, a, at, CC_TOMBSTONE, NULL) != CC_FOUND) {
        return HELP; /* who has removed it had found it before it was flagged */
    }
    acquire_entry(tree, leaf, a->left.value, entry);
    return CC_FOUND;
}

cc_status cc_bst_pop_end(cc_ordered *map, cc_relation end, const cc_stored_key *prepared,
                         cc_entry *entry) {
    cc_bst *tree = bst_of(map);
    const route r = {.way = end == CC_FIRST ? TO_FIRST : TO_LAST};
    attempt a;
    place at;
    uintptr_t value;
    if (!cc_bst_begin_attempt(tree, &a)) {
        return CC_NO_MEMORY;
    }
    for (;;) {
        int outcome = cc_bst_find(tree, &a.g, &r, &at, &value);
        if (outcome == CC_FOUND) {
            outcome = at.word & EDGE_MARKS || value == CC_TOMBSTONE
                          ? HELP
                          : take_end(tree, &a, &at, prepared, entry);
        }
        if (outcome == CC_FOUND) {
            cc_bst_finish(tree, &a, &r, &at);
            return CC_FOUND;
        }
        if (outcome == HELP) {
            outcome = cc_bst_unlink(tree, &a, &at) == CC_FOUND ? AGAIN : CC_NO_MEMORY;
        }
        if (outcome != AGAIN) {
            cc_bst_end_attempt(tree, &a);
            return (cc_status)outcome;
        }
        if (!cc_bst_next_attempt(tree, &a)) {
            return CC_NO_MEMORY;
        }
    }
}

/* ---------------------------------------------------------------- scans */

/* The entries of one call: `entries` has room for `room`, of which the first `*count` are there. */
typedef struct collected {
    cc_entry *entries;
    size_t room;
    size_t *count;
    unsigned how;
    bool up;
    cc_identity *identities; /* as much room: the scan is a snapshot's walk; else NULL */
} collected;

/* An entry is going to be handed out as number i: a scan has seen it, a snapshot's walk notes which
 * one it is. In a write phase that holds the place. */
static void account_for(cc_bst *tree, cc_smr_guard *g, const place *at, uintptr_t value,
                        const collected *c, size_t i) {
    if (c->identities) {
        c->identities[i] = (cc_identity){at->leaf, at->leaf->birth_kind};
    } else {
        observe(tree, g, at, value);
    }
}

/* Does the scan go over the leaf where it begins? */
static bool takes_first(const route *r, const collected *c, const place *at) {
    return r->way != BY_KEY ||
           (at->order == 0 ? !(c->how & CC_SCAN_EXCLUSIVE) : (at->order < 0) == c->up);
}

/* Take the leaf's entry, if it is there. Where regions do not restart, references are taken in one
 * go at the end, since all that has been read stays. Elsewhere they are taken at once: a moment of
 * a write phase in the middle of a read phase; when that turns out to have ended the read phase,
 * the entry counts all the same. */
static void take_entry(cc_bst *tree, cc_smr_guard *g, const place *at, const collected *c) {
    uintptr_t seen =
        at->word & FLAGGED ? CC_TOMBSTONE : cc_load_value(g, false, &at->leaf->slot); /* (2) */
    if (seen == CC_TOMBSTONE) {
        return;
    }
    const uintptr_t value = c->how & CC_SCAN_WITHOUT_VALUES ? 0 : seen;
    cc_entry *e = &c->entries[*c->count];
    if (g->restarts) {
        cc_bst_hold(g, at, value);
        account_for(tree, g, at, seen, c, *c->count);
        acquire_entry(tree, at->leaf, value, e);
        ++*c->count;
        cc_resume_reading(g);
    } else {
        account_for(tree, g, at, seen, c, *c->count);
        e->digest = at->leaf->digest;
        e->key = key_of(at->leaf);
        e->value = value;
        e->kind = (uint8_t)kind_of(at->leaf);
        ++*c->count;
    }
}

/* The edge on which the scan goes on. False: the path does not know. */
static bool pop_path(path *p, place *at) {
    if (p->count == 0) {
        return false;
    }
    p->count--;
    p->next = (p->next + MOST_ANCESTORS - 1) % MOST_ANCESTORS;
    const place *other = &p->at[p->next];
    at->above = other->above;
    at->above_side = other->above_side;
    at->top = other->top;
    at->chain = other->chain;
    at->parent = other->parent;
    at->side = other->side;
    return true;
}

CC_ALWAYS_INLINE int walk_in_phase(cc_bst *tree, cc_smr_guard *g, const route *r,
                                   const collected *c, place *at, path *p) {
    int outcome = cc_bst_seek(tree, g, r, at, NULL, p);
    if (outcome == CC_NEED_COMPARE) {
        return outcome;
    }
    bool takes = takes_first(r, c, at);
    for (unsigned leaves = 1;; leaves++) {
        if (!at->leaf) {
            return CC_ABSENT;
        }
        if (takes) {
            take_entry(tree, g, at, c);
        }
        if (*c->count == c->room || (*c->count && leaves >= MOST_BST_LEAVES_PER_REGION)) {
            return CC_FOUND;
        }
        takes = true;
        if (!pop_path(p, at)) {
            /* What has been forgotten is behind the last entry, or behind a dead leaf: the path
             * has room for more than the leaf where it begins. */
            CC_INVARIANT(!p->forgets || leaves > 1);
            return !p->forgets ? CC_ABSENT : *c->count ? CC_FOUND : HELP;
        }
        if (!cc_bst_cross(tree, g, at, p)) {
            return *c->count ? CC_FOUND : AGAIN;
        }
    }
}

/* A read phase; at a second start what is there is the answer. CC_ABSENT: there is no more. The
 * write phase holds the place for HELP. */
CC_NEVER_INLINE int walk(cc_bst *tree, cc_smr_guard *g, const route *r, const collected *c,
                         place *at, path *p) {
    CC_CHECKPOINT(g);
    if (*c->count) {
        cc_end_reading(g);
        return CC_FOUND;
    }
    for (;; cc_count_retry(g)) {
        int outcome = walk_in_phase(tree, g, r, c, at, p);
        if (outcome == CC_NEED_COMPARE) {
            return outcome; /* the phase is over */
        }
        if (outcome != AGAIN) {
            cc_bst_hold(g, at, 0);
            return outcome;
        }
    }
}

/* *at_end: there is no more behind what has been taken. */
static cc_status scan(cc_ordered *map, cc_search *search, const collected *c, bool *at_end) {
    cc_bst *tree = bst_of(map);
    const route r = {.search = search, .way = search ? BY_KEY : c->up ? TO_FIRST : TO_LAST};
    cc_entry *const entries = c->entries;
    size_t *const count = c->count;
    attempt a;
    place at;
    path p;
    p.side = c->up;
    *count = 0;
    *at_end = false;
    if (c->room == 0) {
        return CC_FOUND;
    }
    if (!cc_bst_begin_attempt(tree, &a)) {
        return CC_NO_MEMORY;
    }
    int outcome;
    while ((outcome = walk(tree, &a.g, &r, c, &at, &p)) == HELP) {
        if (cc_bst_unlink(tree, &a, &at) != CC_FOUND) {
            cc_bst_end_attempt(tree, &a);
            return CC_NO_MEMORY;
        }
        if (!cc_bst_next_attempt(tree, &a)) {
            return CC_NO_MEMORY;
        }
    }
    for (size_t i = 0; !a.g.restarts && i < *count; i++) {
        cc_acquire_word(&map->common, entries[i].value);
        cc_acquire_word(&map->common, entries[i].key);
    }
    cc_bst_end_attempt(tree, &a);
    *at_end = outcome == CC_ABSENT;
    return outcome == CC_NEED_COMPARE ? CC_NEED_COMPARE : CC_FOUND;
}

cc_status cc_bst_scan_up(cc_ordered *map, cc_search *search, unsigned how, cc_entry *entries,
                         size_t room, size_t *count) {
    const collected c = {entries, room, count, how, true, NULL};
    bool at_end;
    return scan(map, search, &c, &at_end);
}

cc_status cc_bst_scan_for_snapshot(cc_ordered *map, cc_search *search, unsigned how,
                                   cc_entry *entries, cc_identity *identities, size_t room,
                                   size_t *count, bool *at_end) {
    const collected c = {entries, room, count, how, true, identities};
    return scan(map, search, &c, at_end);
}

cc_status cc_bst_scan_down(cc_ordered *map, cc_search *search, unsigned how, cc_entry *entries,
                           size_t room, size_t *count) {
    const collected c = {entries, room, count, how, false, NULL};
    bool at_end;
    return scan(map, search, &c, &at_end);
}
