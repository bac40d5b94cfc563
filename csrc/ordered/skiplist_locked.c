/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The skip list with locks: the lazy skip list of Herlihy, Lev, Luchangco and Shavit (A simple
 * optimistic skiplist algorithm, SIROCCO 2007), made of the same nodes, index and scans as the
 * lock-free one (skiplist.c).
 *
 * Promises. Those of skiplist.c, operation by operation. A pop always hands out the first (last)
 * entry that there is at its linearization point.
 *
 * Progress. get, replace_exact, puts on a key that is there, neighbours and scans are lock-free,
 * and write nothing but values: they pass nodes that others have locked, and start over only when
 * somebody else has changed a link that they were about to use. Inserting, removing, popping,
 * appending and clearing take locks (node_lock.h): deadlock-free, not starvation-free; a thread
 * that the system has stopped with locks in its hands holds up those who need the same nodes.
 *
 * Algorithm. A search without locks finds the place. Then the writer tries to lock what it changes
 * (the node that goes, and the predecessor on each level), and looks once more: each predecessor
 * still leads where the search has seen it lead, with a clean link. Only then does it change
 * anything. When a lock is taken it gives all back and waits with empty hands; when the place has
 * changed it searches again.
 *
 *   Inserting links the node from level 0 up, while all predecessors are locked, and so is the node
 *   (with a chain, each of its nodes): a node that is not whole yet is nobody's to remove. That is
 *   what the paper has `fullyLinked` for. The locks of the predecessors alone would not do: on a
 *   level on which the node is not linked yet its remover may have seen another predecessor.
 *   Removing, with the node and all its predecessors locked, swaps the value for the tombstone,
 *   then for each level from the top down has the predecessor lead past the node, and only then
 *   marks the node's own link there.
 *
 * tla/lazy_skiplist.tla models this.
 *
 * What readers rely on.
 *   A clean link leads to a node that is linked (when the link is read). Between its unlinking and
 *   its mark a node is locked, and so is its predecessor; so nobody can take out what it leads to.
 *   A marked node is not linked any more. So a search of harris_list.h that meets one finds, by its
 *   CAS, that the predecessor leads elsewhere, and starts over: it never unlinks anything here.
 *   A level is part of the one below it.
 *   Nothing is linked behind a dead node: it is locked from its death until it is marked. So what
 *   is behind dead nodes can only become less, and a neighbour query steps over them.
 *
 * Deviations from the paper.
 *   The value says whether an entry is there (value_slot.h), not a mark and `fullyLinked`:
 *   replacing a value takes no lock.
 *   Nobody waits with a lock in hand.
 *   Locks are taken by chance of order, since they are only tried; and successors are not looked
 *   at: one that dies cannot go while its predecessor is locked.
 *   A pointer to a node is published by its builders alone (handoff.h), since there is the index.
 *
 * Snapshots (snapshot.h). A death is reported before the node is unlinked, since here that is where
 * others begin to find it gone; an insertion while the node is locked. A query that passes a dead
 * node over reports it.
 *
 * Linearization points. get, put, replace_exact, remove: as in skiplist.c. Neighbours: the second
 * load of the link from the place to what follows it, between two loads of the value that agree,
 * with the exception that ordered.h has. pop_end: the CAS of the value to the tombstone; the node
 * is locked, and is the first (last) one. append: the CAS on level 0. clear: of each entry, the
 * CAS.
 *
 * fork. A child may find that a thread died between its steps (node_lock.h). Links that had not
 * been made are missing, so that a tower is lower; the entry is there or not, as its level 0 and
 * its value say. Such a node is abandoned: it is not locked, and its state is one that only the
 * dead thread could have left. Where it is linked only a walk tells, so who removes it walks.
 * Whoever comes upon a dead node that is still linked and not locked takes it out (finish_dead). A
 * node that its inserter has never left is not freed.
 */
#include "skiplist_locked.h"

#include "skiplist_locks.h"

#define LEVEL_0 offset_of_level(0)

/* ---------------------------------------------------------------- dead nodes (see fork) */

/* The first entry that is dead, and its place. A read phase; the write phase holds both. */
CC_NEVER_INLINE node *find_dead(cc_skiplist *list, cc_smr_guard *g, position *at) {
    CC_CHECKPOINT(g);
    node *dead = cc_skiplist_walk_to_place(list, g, NULL, at);
    if (dead) {
        cc_hold(g, CC_HELD_VALUE, (uintptr_t)dead);
        keep_position(g, at, CC_FOUND, MAX_HEIGHT);
    } else {
        cc_end_reading(g);
    }
    return dead;
}

/* Somebody has come upon `n`, which is dead, and which he holds. Who removes it is at it, or has
 * done it; or nobody is, and then what is dead is taken out. In any case the caller begins anew,
 * with spare records for two things. False: no memory. */
static bool finish_dead(cc_skiplist *list, cc_smr_guard *g, const node *n, cc_lock_wait *wait) {
    cc_thread *self = g->thread;
    cc_leftovers left = {0};
    position at;
    locking outcome;
    if (cc_is_locked(&n->slot.birth)) {
        cc_skiplist_wait_outside(list, g, wait);
        return true;
    }
    if (!cc_skiplist_is_abandoned(n)) {
        return true;
    }
    cc_leave(g);
    bool has_memory = !cc_reserve(self, 3); /* two are the operation's */
    cc_enter_as(self, list->map.common.domain, g);
    node *dead = has_memory ? find_dead(list, g, &at) : NULL;
    if (dead) {
        cc_skiplist_remove_at(list, g, &at, dead, true, NULL, &left, &outcome);
        cc_skiplist_end_locked_update(list, g, &left, wait); /* foreign code uses them up */
        has_memory = !cc_reserve(self, 2);
        cc_enter_as(self, list->map.common.domain, g);
    }
    return has_memory;
}

/* ---------------------------------------------------------------- operations on one key */

/* The entry that the index leads to: CC_FOUND, CC_NEED_COMPARE, or CC_ABSENT when it is to be
 * searched for. A read phase; the write phase holds it. */
CC_NEVER_INLINE cc_status look_in_index(cc_skiplist *list, cc_smr_guard *g, cc_search *search,
                                        node **n) {
    CC_CHECKPOINT(g);
    *n = cc_skiplist_find_by_index(list, g, search, NULL);
    if (search->asks) {
        return CC_NEED_COMPARE;
    }
    if (*n) {
        cc_hold(g, CC_HELD_NODES, (uintptr_t)*n);
    }
    cc_end_reading(g);
    return *n ? CC_FOUND : CC_ABSENT;
}

/* Link a node that is locked, as its gap is. Ends with no lock. In a write phase that holds the
 * place. */
static void link_node(cc_skiplist *list, cc_smr_guard *g, const position *at, node *n,
                      uintptr_t value) {
    cc_thread *self = g->thread;
    bool is_linked = swing_link(at->before[0], 0, at->after[0], n); /* (1) */
    CC_INVARIANT(is_linked);
    (void)is_linked;
    observe(list, g, n, value); /* locked: n stays */
    for (int level = 1; level < height_of(n); level++) {
        cc_store_release_u32(&at->before[level]->next[level], link_to(n)); /* (1) */
    }
    ++*cc_thread_write_mark(self, &list->map.common);
    cc_count_entries(&list->map.common, self, 1, (int64_t)bytes_of(n));
    bool is_dead = cc_leave_builders_linked(&n->slot.birth);
    CC_INVARIANT(!is_dead); /* who removes it needs the locks that we have */
    (void)is_dead;
    cc_unlock_all(self);
    cc_published(g);
}

/* A put on a key that is there. CC_ABSENT: the entry is dead. In a write phase that holds it. */
static cc_status put_into_entry(cc_skiplist *list, cc_smr_guard *g, node *n, uintptr_t value,
                                cc_put_policy policy, uintptr_t *old, cc_leftovers *left) {
    cc_status status;
    uintptr_t was;
    if (policy == CC_PUT_IF_ABSENT) {
        was = value = cc_load_and_hold_value(g, &n->slot); /* (2) */
        status = was == CC_TOMBSTONE ? CC_ABSENT : CC_FOUND;
    } else {
        status = swap_value(list, g, n, value, NULL, left);
        was = left->value;
    }
    if (status == CC_FOUND) {
        observe(list, g, n, value);
        if (old) {
            cc_acquire_word(&list->map.common, was);
            *old = was;
        }
    }
    return status;
}

static cc_status put(cc_ordered *map, cc_search *search, uintptr_t value, cc_put_policy policy,
                     uintptr_t *old) {
    cc_skiplist *list = (cc_skiplist *)map;
    cc_smr_guard g;
    cc_leftovers left = {0};
    cc_lock_wait wait = {.looks = 0};
    position at;
    node *n = NULL, *found;
    index_attempts attempts = {false, false};
    bool is_indexed = false;
    if (cc_begin_operation(&list->map.common, &g, 2)) {
        return CC_NO_MEMORY;
    }
    const int height = cc_skiplist_random_height(g.thread, (int)cc_load_relaxed_u32(&list->top));
    cc_status status = look_in_index(list, &g, search, &found);
    if (status == CC_FOUND &&
        put_into_entry(list, &g, found, value, policy, old, &left) == CC_ABSENT) {
        status = CC_ABSENT; /* it has died: search */
    }
    for (; status == CC_ABSENT; cc_count_retry(&g)) {
        status = cc_skiplist_seek_again(list, &g, search, &at, height);
        if (status == CC_NEED_COMPARE) {
            break;
        }
        if (status == CC_FOUND) {
            status = put_into_entry(list, &g, at.after[0], value, policy, old, &left);
            if (status == CC_ABSENT && !finish_dead(list, &g, at.after[0], &wait)) {
                status = CC_NO_MEMORY;
            }
            continue;
        }
        if (policy == CC_PUT_IF_PRESENT) {
            break;
        }
        if (!n) {
            n = cc_skiplist_new_node(list, search, value, height);
            if (!n) {
                status = CC_NO_MEMORY;
                break;
            }
        }
        raise_top(list, &at, height);
        for (int level = 0; level < height; level++) {
            set_link(n, level, at.after[level]);
        }
        if (!is_indexed &&
            !(is_indexed = cc_skiplist_index_new_node(list, &g, search, n, &attempts))) {
            continue;
        }
        locking outcome = cc_skiplist_lock_gap(&g, &at, n);
        if (outcome == LOCKED) {
            link_node(list, &g, &at, n, value);
            n = NULL;
            break;
        }
        if (outcome == LOCK_IS_TAKEN) {
            cc_skiplist_wait_outside(list, &g, &wait);
        } else if (is_dead(at.before[0]) && !finish_dead(list, &g, at.before[0], &wait)) {
            status = CC_NO_MEMORY;
        }
    }
    if (n && attempts.began) {
        cc_skiplist_give_up_node(list, &g, n, &left);
    } else {
        free_new_node(n); /* made, but not needed in the end */
    }
    if (attempts.loses) {
        cc_skiplist_stop_being_loser(list);
    }
    cc_skiplist_end_locked_update(list, &g, &left, &wait);
    return status;
}

/* The entry to remove, and its place on every level: all that must be asked about it is asked now.
 * A read phase; the write phase holds the node and the place. */
CC_NEVER_INLINE cc_status find_entry_and_place(cc_skiplist *list, cc_smr_guard *g,
                                               cc_search *search, position *at, node **n,
                                               bool *walked) {
    CC_CHECKPOINT(g);
    bool is_absent; /* that, without asking foreign code about keys that it would refuse */
    cc_skiplist_find_by_index(list, g, search, &is_absent);
    if (search->asks) {
        return CC_NEED_COMPARE;
    }
    if (is_absent) {
        cc_end_reading(g);
        return CC_ABSENT;
    }
    for (;; cc_count_retry(g)) {
        /* Where foreign code orders keys, as a get finds it; there its place may be another one. */
        bool asking = search->known_count || cc_load_relaxed_u32(&list->map.common.asked);
        cc_status status = asking ? seek(list, g, false, search, at, SEEK_ENTRY)
                                  : seek(list, g, false, search, at, SEEK_POSITION);
        if (status != CC_FOUND) {
            if (status == CC_ABSENT) {
                cc_end_reading(g);
            }
            return status;
        }
        *n = at->after[0];
        if (is_dead(*n)) { /* and perhaps not on all levels any more */
            observe_in_read_phase(list, g, *n, CC_TOMBSTONE);
            cc_end_reading(g);
            return CC_ABSENT;
        }
        if (asking && seek(list, g, false, search, at, SEEK_POSITION) == CC_NEED_COMPARE) {
            return CC_NEED_COMPARE;
        }
        *walked = cc_skiplist_is_abandoned(*n) || (asking && !cc_skiplist_is_place_of(at, *n));
        bool is_there = *walked ? cc_skiplist_walk_to_place(list, g, *n, at) != NULL
                                : cc_skiplist_is_place_of(at, *n);
        if (is_there || cc_is_locked(&(*n)->slot.birth)) { /* in the works: wait for that lock */
            cc_hold(g, CC_HELD_VALUE, (uintptr_t)*n);
            keep_position(g, at, CC_FOUND, MAX_HEIGHT);
            return CC_FOUND;
        }
    }
}

static cc_status remove_key(cc_ordered *map, cc_search *search, const uintptr_t *expected,
                            uintptr_t *old) {
    cc_skiplist *list = (cc_skiplist *)map;
    cc_smr_guard g;
    cc_leftovers left = {0};
    cc_lock_wait wait = {.looks = 0};
    position at;
    node *n;
    bool walked;
    locking outcome = PLACE_HAS_CHANGED;
    cc_status status = CC_ABSENT;
    if (cc_begin_operation(&list->map.common, &g, 2)) {
        return CC_NO_MEMORY;
    }
    for (; outcome != LOCKED; cc_count_retry(&g)) {
        if (outcome == LOCK_IS_TAKEN) {
            cc_skiplist_wait_outside(list, &g, &wait);
        }
        status = find_entry_and_place(list, &g, search, &at, &n, &walked);
        if (status != CC_FOUND) {
            break;
        }
        status = cc_skiplist_remove_at(list, &g, &at, n, walked, expected, &left, &outcome);
    }
    if (status == CC_FOUND && old) {
        cc_acquire_word(&list->map.common, left.value);
        *old = left.value;
    }
    cc_skiplist_end_locked_update(list, &g, &left, &wait);
    return status;
}

/* ---------------------------------------------------------------- neighbours */

/* Read n's value, when it is alive, and report it to snapshots: in front of the second look, as
 * is_still_neighbour (skiplist_order.c) does, for a value changes without a lock. */
static bool is_alive(cc_skiplist *list, cc_smr_guard *g, const node *n, uintptr_t *value) {
    *value = cc_load_value(g, false, &n->slot); /* (2) */
    observe_in_read_phase(list, g, n, *value);
    return *value != CC_TOMBSTONE;
}

typedef enum look { LOOK_FOUND, LOOK_NOTHING, LOOK_AGAIN } look;

/* The first entry behind `from`, which leads to `to`: over the dead. What a dead node leads to is
 * read when it is known to be dead. */
static look look_right(cc_skiplist *list, cc_smr_guard *g, const node *from, node *to, node **found,
                       uintptr_t *value) {
    node *n = to;
    while (n && !is_alive(list, g, n, value)) {
        cc_link_word link = protect_link(g, n, 0);
        if (cc_is_marked(link)) {
            return LOOK_AGAIN;
        }
        n = target_of(link);
    }
    *found = n;
    if (load_link(from, 0) != link_to(to) || (n && !cc_value_is_still(&n->slot, *value))) {
        return LOOK_AGAIN;
    }
    return n ? LOOK_FOUND : LOOK_NOTHING;
}

/* The last entry from `from` (a node or the head) on that is in front of `dead`. LOOK_NOTHING: all
 * from there on are dead. Behind `dead` nothing has come since it was seen to be dead; so what is
 * in front of it is in front of all that was behind it. */
static look look_before_dead(cc_skiplist *list, cc_smr_guard *g, node *from, const node *dead,
                             node **found, uintptr_t *value) {
    node *last = NULL, *next = NULL; /* the last one that is alive, and what it leads to */
    for (node *n = from; n != dead;) {
        uintptr_t v = 0;
        bool counts = n == &list->head || is_alive(list, g, n, &v);
        cc_link_word link = protect_link(g, n, 0);
        if (cc_is_marked(link) || !link) {
            return LOOK_AGAIN;
        }
        if (counts) {
            last = n;
            next = target_of(link);
            *value = v;
        }
        n = target_of(link);
    }
    if (!last) {
        return LOOK_NOTHING;
    }
    *found = last;
    if (load_link(last, 0) != link_to(next)) {
        return LOOK_AGAIN;
    }
    return last == &list->head                      ? LOOK_NOTHING
           : cc_value_is_still(&last->slot, *value) ? LOOK_FOUND
                                                    : LOOK_AGAIN;
}

/* The last entry in front of a place. What the place leads to may have been seen to be dead since
 * it was found; so also of the head it is asked once more. */
static look look_left(cc_skiplist *list, cc_smr_guard *g, const position *at, node **found,
                      uintptr_t *value) {
    node *n = at->before[0], *from = n;
    if (n == &list->head) {
        return load_link(n, 0) == link_to(at->after[0]) ? LOOK_NOTHING : LOOK_AGAIN;
    }
    if (is_alive(list, g, n, value)) {
        *found = n;
        return load_link(n, 0) == link_to(at->after[0]) && cc_value_is_still(&n->slot, *value)
                   ? LOOK_FOUND
                   : LOOK_AGAIN;
    }
    if (load_link(n, 0) != link_to(at->after[0])) {
        return LOOK_AGAIN; /* something came behind it before it died */
    }
    look answer = LOOK_NOTHING;
    for (int level = 1; answer == LOOK_NOTHING && from != &list->head; level++) {
        node *earlier = level < at->levels ? at->before[level] : &list->head;
        if (earlier != from) {
            from = earlier;
            answer = look_before_dead(list, g, from, n, found, value);
        }
    }
    return answer;
}

/* A read phase; the write phase holds the node and its value. */
CC_NEVER_INLINE cc_status find_neighbour(cc_skiplist *list, cc_smr_guard *g, cc_search *search,
                                         cc_relation relation, position *at, node **found,
                                         uintptr_t *value) {
    CC_CHECKPOINT(g);
    look answer = LOOK_AGAIN;
    for (; answer == LOOK_AGAIN; cc_count_retry(g)) {
        cc_status status = CC_ABSENT;
        if (relation == CC_FIRST) {
            at->before[0] = &list->head;
            cc_list_place first = place_behind(g, &list->head, 0);
            at->after[0] = node_at(&first);
        } else if (relation == CC_LAST) {
            seek(list, g, false, NULL, at, SEEK_END);
        } else {
            status = relation == CC_HIGHER ? seek(list, g, false, search, at, SEEK_PAST_EQUAL)
                                           : seek(list, g, false, search, at, SEEK_POSITION);
            if (status == CC_NEED_COMPARE) {
                return status;
            }
        }
        if (status == CC_FOUND && (relation == CC_FLOOR || relation == CC_CEILING) &&
            is_alive(list, g, at->after[0], value)) {
            *found = at->after[0];
            answer = LOOK_FOUND;
        } else if (relation == CC_FIRST || relation == CC_CEILING || relation == CC_HIGHER) {
            answer = look_right(list, g, at->before[0], at->after[0], found, value);
        } else {
            answer = look_left(list, g, at, found, value);
        }
    }
    if (answer == LOOK_FOUND) {
        cc_hold(g, CC_HELD_VALUE, *value);
        cc_hold(g, CC_HELD_NODES, (uintptr_t)*found);
    }
    cc_end_reading(g);
    return answer == LOOK_FOUND ? CC_FOUND : CC_ABSENT;
}

static cc_status neighbour(cc_ordered *map, cc_search *search, cc_relation relation,
                           cc_entry *entry) {
    cc_skiplist *list = (cc_skiplist *)map;
    cc_smr_guard g;
    position at;
    node *n;
    uintptr_t value;
    if (cc_begin_operation(&list->map.common, &g, 0)) {
        return CC_NO_MEMORY;
    }
    cc_status status = find_neighbour(list, &g, search, relation, &at, &n, &value);
    if (status == CC_FOUND) {
        acquire_entry(list, n, value, entry);
    }
    cc_end_operation(&g);
    return status;
}

/* ---------------------------------------------------------------- pops */

/* The first or the last node, dead or alive, and its place. A read phase; the write phase holds
 * both. */
CC_NEVER_INLINE node *find_end(cc_skiplist *list, cc_smr_guard *g, cc_relation end, position *at,
                               bool *walked) {
    CC_CHECKPOINT(g);
    node *n = NULL;
    if (end == CC_LAST) {
        while (!cc_skiplist_seek_last(list, g, at, &n)) {
            cc_count_retry(g);
        }
        for (int level = 0; n && level < height_of(n) && level < at->levels; level++) {
            at->after[level] = level ? target_of(load_link(at->before[level], level)) : n;
        }
    } else {
        cc_list_place first = place_behind(g, &list->head, 0);
        while (!cc_help_unlink(g, false, LEVEL_0, &first)) {
            first = place_behind(g, &list->head, 0);
        }
        n = node_at(&first);
        at->levels = n ? height_of(n) : 0;
        for (int level = 0; level < at->levels; level++) {
            at->before[level] = &list->head;
            at->after[level] = level ? target_of(load_link(&list->head, level)) : n;
        }
    }
    *walked = n && cc_skiplist_is_abandoned(n);
    if (*walked) {
        cc_skiplist_walk_to_place(list, g, n, at);
    }
    cc_hold(g, CC_HELD_VALUE, (uintptr_t)n);
    keep_position(g, at, CC_FOUND, n ? height_of(n) : 0);
    return n;
}

static cc_status pop_end(cc_ordered *map, cc_relation end, const cc_stored_key *prepared,
                         cc_entry *entry) {
    cc_skiplist *list = (cc_skiplist *)map;
    cc_smr_guard g;
    cc_leftovers left = {0};
    cc_lock_wait wait = {.looks = 0};
    position at;
    node *n;
    bool walked;
    if (cc_begin_operation(&list->map.common, &g, 2)) {
        return CC_NO_MEMORY;
    }
    cc_status status;
    for (;; cc_count_retry(&g)) {
        n = find_end(list, &g, end, &at, &walked);
        status = n ? CC_MISMATCH : CC_ABSENT;
        if (!n || (prepared && !key_of(n) &&
                   (prepared->digest != n->digest || prepared->kind != kind_of(n)))) {
            break;
        }
        locking outcome = cc_skiplist_lock_node(&g, &at, n, walked);
        if (outcome == LOCKED && end == CC_LAST && load_link(n, 0)) {
            cc_unlock_all(g.thread); /* it is not the last one any more */
            outcome = PLACE_HAS_CHANGED;
        }
        if (outcome == LOCKED) {
            status = swap_value(list, &g, n, CC_TOMBSTONE, NULL, &left);
            if (status == CC_FOUND) {
                acquire_entry(list, n, left.value, entry);
            }
            observe(list, &g, n, CC_TOMBSTONE);
            cc_skiplist_take_out(list, &g, &at, n, &left);
            if (status == CC_FOUND) {
                break;
            }
            cc_skiplist_end_locked_update(list, &g, &left, &wait); /* it was dead: see fork */
            left = (cc_leftovers){0};
            if (cc_begin_operation(&list->map.common, &g, 2)) {
                return CC_NO_MEMORY;
            }
        } else if (outcome == LOCK_IS_TAKEN) {
            cc_skiplist_wait_outside(list, &g, &wait);
        }
    }
    if (status == CC_MISMATCH) {
        *entry = (cc_entry){.digest = n->digest, .kind = (uint8_t)kind_of(n)};
    }
    cc_skiplist_end_locked_update(list, &g, &left, &wait);
    return status;
}

/* ---------------------------------------------------------------- clear */

/* Entries that a clear takes out in one region. */
#ifndef MOST_TAKEN_OUT_AT_ONCE
#define MOST_TAKEN_OUT_AT_ONCE 32u
#endif

typedef struct killed {
    unsigned count;
    cc_leftovers of[MOST_TAKEN_OUT_AT_ONCE];
} killed;

/* A read phase, in which each removal is a moment of a write phase; what is out stays so at a
 * second start. The place goes along with the walk: the last nodes that stay, on each level.
 * Returns what the walk has come to: LOCKED: the end, or as many as there is room for. */
CC_NEVER_INLINE locking walk_and_take_out(cc_skiplist *list, cc_smr_guard *g, uint64_t newest,
                                          position *at, killed *k) {
    CC_CHECKPOINT(g);
    locking outcome = PLACE_HAS_CHANGED;
    while (k->count < MOST_TAKEN_OUT_AT_ONCE) {
        if (outcome == PLACE_HAS_CHANGED) { /* from the beginning */
            at->levels = MAX_HEIGHT;
            for (int level = 0; level < MAX_HEIGHT; level++) {
                at->before[level] = &list->head;
                at->after[level] = NULL;
            }
            outcome = LOCKED;
        }
        cc_link_word link = protect_link(g, at->before[0], 0);
        node *n = target_of(link);
        if (cc_is_marked(link)) {
            outcome = PLACE_HAS_CHANGED;
            continue;
        }
        if (!n) {
            break;
        }
        if (birth_of(n) > newest) { /* inserted since the clear began: stays */
            /* Where it is linked already: elsewhere its inserter has it locked, so that we should
             * wait; but in the child of a fork() that one may be dead, and it is nowhere locked. */
            for (int level = 0; level < height_of(n); level++) {
                at->before[level] =
                    load_link(at->before[level], level) == link_to(n) ? n : at->before[level];
            }
            if (at->before[0] != n) {
                outcome = PLACE_HAS_CHANGED;
            }
            continue;
        }
        const bool walked = cc_skiplist_is_abandoned(n);
        if (walked) {
            cc_skiplist_walk_to_place(list, g, n, at);
        }
        for (int level = 0; !walked && level < height_of(n); level++) {
            at->after[level] = target_of(load_link(at->before[level], level));
        }
        cc_hold(g, CC_HELD_VALUE, (uintptr_t)n);
        for (int level = 0; level < height_of(n); level++) {
            cc_hold(g, CC_HELD_NODES + (unsigned)level, (uintptr_t)at->before[level]);
        }
        cc_end_reading(g);
        cc_leftovers left = {0};
        cc_status status = cc_skiplist_remove_at(list, g, at, n, walked, NULL, &left, &outcome);
        if (status == CC_FOUND || left.node) {
            k->of[k->count++] = left;
        }
        if (outcome == LOCK_IS_TAKEN) {
            return outcome;
        }
        outcome = walked ? PLACE_HAS_CHANGED : outcome; /* behind it, where it was not linked */
        cc_resume_reading(g);
    }
    cc_end_reading(g);
    return LOCKED;
}

/* Retire what was taken out; the region is closed. */
static void retire_killed(cc_skiplist *list, cc_thread *self, const killed *k) {
    cc_container *c = &list->map.common;
    cc_retired *records = NULL; /* all of them first: foreign code uses spare ones up */
    for (unsigned i = 0; i < k->count; i++) {
        for (int of = 0; of < 2; of++) {
            if (of ? k->of[i].node : (c->words->release ? k->of[i].value : 0)) {
                cc_retired *r = cc_take_spare(self);
                r->next = records;
                records = r;
            }
        }
    }
    for (unsigned i = 0; i < k->count; i++) {
        const cc_leftovers *left = &k->of[i];
        if (left->node) {
            cc_retired *r = records;
            records = r->next;
            cc_retire_own(c, self, r, left->node, left->node_birth, left->node_bytes);
        }
        if (c->words->release && left->value) {
            cc_retired *r = records;
            records = r->next;
            cc_retire(c->domain, self, r, left->value, CC_RETIRED_VALUE, left->value_birth, 0);
        }
    }
}

static cc_status clear(cc_ordered *map) {
    cc_skiplist *list = (cc_skiplist *)map;
    cc_thread *self = cc_thread_self();
    cc_smr_guard g;
    cc_lock_wait wait = {.looks = 0};
    cc_status status = CC_FOUND;
    position at;
    killed k;
    if (!self) {
        return CC_NO_MEMORY;
    }
    /* As in skiplist_bulk.c: what is made from now on stays. */
    uint64_t newest = cc_fetch_add_seq_cst_u64(&list->map.common.domain->era, 1) & CC_ERA_MASK;
    for (locking outcome = LOCK_IS_TAKEN; outcome == LOCK_IS_TAKEN || k.count;) {
        if (cc_reserve(self, 2 * MOST_TAKEN_OUT_AT_ONCE)) {
            status = CC_NO_MEMORY;
            break;
        }
        k.count = 0;
        cc_enter_as(self, list->map.common.domain, &g);
        outcome = walk_and_take_out(list, &g, newest, &at, &k);
        cc_leave(&g);
        cc_wake_if_gave_back(cc_skiplist_line(list), self);
        retire_killed(list, self, &k);
        if (outcome == LOCK_IS_TAKEN) {
            cc_skiplist_wait_for_lock(list, self, &wait);
        }
    }
    cc_end_lock_wait(cc_skiplist_line(list), &wait);
    cc_skiplist_fit_index(list, self);
    return status;
}

/* ---------------------------------------------------------------- the whole */

static void begin(cc_ordered *map) {
    cc_skiplist *list = (cc_skiplist *)map;
    cc_skiplist_begin(map);
    list->head.birth_kind_height |= IN_LOCKED_LIST;
    cc_event_count_init(cc_skiplist_line(list));
}

static const char *check(cc_ordered *map) {
    cc_skiplist *list = (cc_skiplist *)map;
    for (node *n = &list->head; n; n = target_of(load_link(n, 0))) {
        if (cc_is_locked(&n->slot.birth)) {
            return "a node is locked";
        }
    }
    if (cc_load_relaxed_u32(&cc_skiplist_line(list)->waiters)) {
        return "somebody waits for a lock";
    }
    return cc_skiplist_check(map);
}

const cc_ordered_operations cc_skiplist_locked_operations = {
    .bytes = LINE_AT + sizeof(cc_event_count),
    .get = cc_skiplist_get,
    .put = put,
    .replace_exact = cc_skiplist_replace_exact,
    .remove = remove_key,
    .neighbour = neighbour,
    .pop_end = pop_end,
    .scan_up = cc_skiplist_scan_up,
    .scan_down = cc_skiplist_scan_down,
    .sample = cc_skiplist_sample,
    .scan_for_snapshot = cc_skiplist_scan_for_snapshot,
    .append = cc_skiplist_append,
    .expect = cc_skiplist_expect,
    .clear = clear,
    .begin = begin,
    .end = cc_skiplist_end,
    .release_retired = cc_skiplist_release_retired,
    .retire_remainder = cc_skiplist_retire_remainder,
    .visit = cc_skiplist_visit,
    .visit_retired = cc_skiplist_visit_retired,
    .levels = cc_skiplist_levels,
    .check = check,
};
