/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The skip list: ordered queries, pops and scans.
 *
 * Promises. A query is linearizable, key and value together, with the one exception below. A pop
 * hands out the very entry that was the end, to nobody else. A scan is weakly consistent: entries
 * that were each there at some point of the call, in order, none twice.
 *
 * Linearization points.
 *   first, floor...  the second load of the predecessor's clean level-0 link, between two loads of
 *                    the entry's value that agree. Without an entry: the first load of the link.
 *   pop_end          the CAS of the value to the tombstone. It is on the node that was the end by a
 *                    query, and from the value that the query read: nobody else gets this entry,
 *                    and it is not another one with an equal key.
 *   scans            each entry by itself: the load of its value.
 *
 * The exception. For the key alone the answer is always exact. The two loads of the value may agree
 * although it was another in between: when the very word has been taken out and put back. And the
 * link may have been wrong at the value's first load: when another key had come in between, and
 * gone before the second load of the link. Only when both happen inside one look were key and value
 * never the answer together. A count of changes in the predecessor would tell; it would cost a word
 * in every node, or a shared line at every removal.
 *
 * Dead nodes. A query that meets a dead node in one of the two places that matter starts over:
 * stepping over it would return an entry that was never in that relation.
 *
 * Progress. Lock-free, as all of skiplist.c. A scan visits at most MOST_NODES_PER_REGION nodes in
 * one region, so that it pins no more than that of what dies meanwhile.
 */
#include "skiplist_inside.h"

#define LEVEL_0 offset_of_level(0)

/* ---------------------------------------------------------------- looking at entries */

/* True, and *value read, when n is alive; else it is marked, so that the next seek unlinks it.
 *
 * n's neighbourhood is `from`, whose link to `to` has shown n to be what is wanted, or `from` is
 * NULL. The entry is a neighbour now, too: the value may have been replaced since that link was
 * read, and a key come in between before that; then key and value never were the answer together.
 * So the link is read once more, between two looks at the value. The head says what gets through
 * all the same. */
static bool look_at_neighbour(cc_smr_guard *g, node *n, const node *from, const node *to,
                              uintptr_t *value) {
    uintptr_t v = cc_load_value(g, false, &n->slot); /* (2) */
    if (v == CC_TOMBSTONE) {
        mark_dead(n);
        return false;
    }
    *value = v;
    return !from || (cc_load_acquire_uptr(&from->next[0]) == (uintptr_t)to &&
                     cc_value_is_still(&n->slot, v));
}

static void acquire_entry(cc_skiplist *list, const node *n, uintptr_t value, cc_entry *entry) {
    cc_acquire_word(&list->map.common, value);
    cc_acquire_word(&list->map.common, n->key);
    *entry = (cc_entry){n->digest, n->key, value, (uint8_t)kind_of(n)};
}

/* Take n's entry, when it is alive, as the next one of a scan: a moment of a write phase in the
 * middle of a read phase. When that turns out to have ended the read phase, the entry counts all
 * the same. */
static void take_entry(cc_skiplist *list, cc_smr_guard *g, node *n, cc_entry *entries,
                       size_t *count) {
    uintptr_t value;
    if (look_at_neighbour(g, n, NULL, NULL, &value)) {
        cc_hold(g, CC_HELD_VALUE, value);
        cc_hold(g, CC_HELD_NODES, (uintptr_t)n);
        cc_end_reading(g);
        acquire_entry(list, n, value, &entries[*count]);
        ++*count;
        cc_resume_reading(g);
    }
}

/* A read phase; the write phase holds the node and its value. */
CC_NEVER_INLINE cc_status find_neighbour(cc_skiplist *list, cc_smr_guard *g, cc_search *search,
                                         cc_relation relation, position *at, node **found,
                                         uintptr_t *value) {
    CC_CHECKPOINT(g);
    for (;; cc_count_retry(g)) {
        node *n = NULL, *from, *to;
        if (relation == CC_FIRST) {
            from = &list->head;
            cc_list_place place = {&from->next[0], 0, 0};
            place.current = cc_target_of(cc_protect(g, place.before));
            if (!cc_help_unlink(g, false, LEVEL_0, &place)) {
                continue;
            }
            n = to = (node *)place.current;
        } else if (relation == CC_LAST) {
            seek(list, g, false, NULL, at, SEEK_END);
            n = from = at->before[0];
            to = NULL;
        } else {
            cc_status status = relation == CC_HIGHER
                                   ? seek(list, g, false, search, at, SEEK_PAST_EQUAL)
                                   : seek(list, g, false, search, at, SEEK_POSITION);
            if (status == CC_NEED_COMPARE) {
                return status;
            }
            bool to_the_right = relation == CC_HIGHER || relation == CC_CEILING ||
                                (relation == CC_FLOOR && status == CC_FOUND);
            n = to_the_right ? at->after[0] : at->before[0];
            from = status == CC_FOUND && n == at->after[0] && relation != CC_HIGHER ? NULL
                                                                                    : at->before[0];
            to = at->after[0];
        }
        if (!n || n == &list->head) {
            cc_end_reading(g);
            return CC_ABSENT;
        }
        if (look_at_neighbour(g, n, from, to, value)) {
            *found = n;
            cc_hold(g, CC_HELD_VALUE, *value);
            cc_hold(g, CC_HELD_NODES, (uintptr_t)n);
            cc_end_reading(g);
            return CC_FOUND;
        }
    }
}

cc_status cc_skiplist_neighbour(cc_ordered *map, cc_search *search, cc_relation relation,
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

/* The last entry has been removed: a search for the end unlinks it on its way. A read phase. */
CC_NEVER_INLINE void unlink_before_the_end(cc_skiplist *list, cc_smr_guard *g, position *at) {
    CC_CHECKPOINT(g);
    seek(list, g, false, NULL, at, SEEK_END);
    cc_end_reading(g);
}

cc_status cc_skiplist_pop_end(cc_ordered *map, cc_relation end, const cc_stored_key *prepared,
                              cc_entry *entry) {
    cc_skiplist *list = (cc_skiplist *)map;
    cc_smr_guard g;
    cc_leftovers left = {0};
    position at;
    node *n;
    uintptr_t value;
    if (cc_begin_operation(&list->map.common, &g, 2)) {
        return CC_NO_MEMORY;
    }
    cc_status status = CC_MISMATCH;
    for (; status == CC_MISMATCH; cc_count_retry(&g)) {
        status = find_neighbour(list, &g, NULL, end, &at, &n, &value);
        if (status != CC_FOUND) {
            break;
        }
        if (prepared && !n->key &&
            (prepared->digest != n->digest || prepared->kind != kind_of(n))) {
            *entry = (cc_entry){.digest = n->digest, .kind = (uint8_t)kind_of(n)};
            status = CC_MISMATCH;
            break;
        }
        /* By value, too: then key and value were at the end together. */
        if (swap_value(list, &g, n, CC_TOMBSTONE, &value, &left) != CC_FOUND) {
            status = CC_MISMATCH;
            continue;
        }
        acquire_entry(list, n, value, entry);
        mark_dead(n);
        if (cc_set_removed(&n->slot.birth)) {
            /* Without a comparison as a rule: first where it was found. */
            at.levels = 0;
            if (end == CC_FIRST) {
                cc_skiplist_unlink_at(list, &at, n);
            } else {
                unlink_before_the_end(list, &g, &at);
            }
            /* As if a question were open already, so that none is asked. */
            cc_search own = {
                .digest = n->digest, .key = n->key, .kind = (uint8_t)kind_of(n), .asks = true};
            cc_skiplist_last_one_out(list, &g, &own, n, &left);
        }
    }
    cc_end_update(&list->map.common, &g, &left);
    return status;
}

/* A read phase that takes entries as it goes. A second start goes on with none; with some, they are
 * the answer. */
CC_NEVER_INLINE cc_status walk_up(cc_skiplist *list, cc_smr_guard *g, cc_search *search,
                                  bool exclusive, position *at, cc_entry *entries, size_t room,
                                  size_t *count, bool *at_end) {
    CC_CHECKPOINT(g);
    if (*count) {
        cc_end_reading(g);
        return CC_FOUND;
    }
    if (!search) {
        at->before[0] = &list->head;
        at->after[0] = target_of(cc_protect(g, &list->head.next[0]));
    } else if ((exclusive ? seek(list, g, false, search, at, SEEK_PAST_EQUAL)
                          : seek(list, g, false, search, at, SEEK_POSITION)) == CC_NEED_COMPARE) {
        return CC_NEED_COMPARE;
    }
    cc_list_place place = {&at->before[0]->next[0], (uintptr_t)at->after[0], 0};
    for (unsigned visited = 0; *count < room && visited < MOST_NODES_PER_REGION; visited++) {
        if (!cc_help_unlink(g, false, LEVEL_0, &place)) {
            break; /* what we have is an answer; without any, start over */
        }
        if (!place.current) {
            *at_end = true;
            break;
        }
        take_entry(list, g, (node *)place.current, entries, count);
        cc_list_advance(LEVEL_0, &place);
    }
    cc_end_reading(g);
    return CC_FOUND;
}

cc_status cc_skiplist_scan_up(cc_ordered *map, cc_search *search, bool exclusive, cc_entry *entries,
                              size_t room, size_t *count) {
    cc_skiplist *list = (cc_skiplist *)map;
    cc_smr_guard g;
    position at;
    bool at_end = room == 0;
    *count = 0;
    while (*count == 0 && !at_end) {
        if (cc_begin_operation(&list->map.common, &g, 0)) {
            return CC_NO_MEMORY;
        }
        cc_status status = walk_up(list, &g, search, exclusive, &at, entries, room, count, &at_end);
        cc_end_operation(&g);
        if (status == CC_NEED_COMPARE) {
            return status;
        }
    }
    return CC_FOUND;
}

/* A level on which one link spans about `room` entries. */
static int level_spanning(size_t room) {
    int level = 0;
    while (room > 1 && level < MAX_HEIGHT - 1) {
        room /= 4;
        level++;
    }
    return level;
}

#ifndef MOST_ENTRIES_DOWN
#define MOST_ENTRIES_DOWN 256u
#endif

/* There are no links to the left. So: from the position, step back on an upper level, walk forward
 * on level 0, remember the last `room` nodes, and hand them out from the last one. A read phase; at
 * a second start as in walk_up. CC_ABSENT: there is nothing. CC_MISMATCH: step back less. */
CC_NEVER_INLINE cc_status walk_down(cc_skiplist *list, cc_smr_guard *g, cc_search *search,
                                    bool exclusive, position *at, int level, node **ring,
                                    cc_entry *entries, size_t room, size_t *count) {
    CC_CHECKPOINT(g);
    if (*count) {
        cc_end_reading(g);
        return CC_FOUND;
    }
    cc_status status = !search     ? seek(list, g, false, NULL, at, SEEK_END)
                       : exclusive ? seek(list, g, false, search, at, SEEK_POSITION)
                                   : seek(list, g, false, search, at, SEEK_PAST_EQUAL);
    if (status == CC_NEED_COMPARE) {
        return status;
    }
    if (at->before[0] == &list->head) {
        cc_end_reading(g);
        return CC_ABSENT;
    }
    node *before = at->before[level < at->levels ? level : at->levels - 1];
    size_t seen = 0;
    unsigned visited = 0;
    bool lost = false;
    for (;;) {
        if (before != &list->head) {
            ring[seen++ % MOST_ENTRIES_DOWN] = before;
        }
        if (before == at->before[0] || ++visited > MOST_NODES_PER_REGION) {
            break;
        }
        uintptr_t link = cc_protect(g, &before->next[0]);
        cc_list_place place = {&before->next[0], cc_target_of(link), 0};
        if (cc_is_marked(link) || !cc_help_unlink(g, false, LEVEL_0, &place) || !place.current ||
            place.current == (uintptr_t)at->after[0]) {
            lost = true; /* at->before[0] has been unlinked: nothing marks the bound any more */
            break;
        }
        before = (node *)place.current;
    }
    if (!lost && visited <= MOST_NODES_PER_REGION) {
        size_t available = seen < room ? seen : room;
        for (size_t i = 0; i < available; i++) {
            take_entry(list, g, ring[(seen - 1 - i) % MOST_ENTRIES_DOWN], entries, count);
        }
    }
    cc_end_reading(g);
    return *count ? CC_FOUND : CC_MISMATCH;
}

cc_status cc_skiplist_scan_down(cc_ordered *map, cc_search *search, bool exclusive,
                                cc_entry *entries, size_t room, size_t *count) {
    cc_skiplist *list = (cc_skiplist *)map;
    node *ring[MOST_ENTRIES_DOWN];
    cc_smr_guard g;
    position at;
    cc_status status = room ? CC_MISMATCH : CC_ABSENT;
    room = room < MOST_ENTRIES_DOWN ? room : MOST_ENTRIES_DOWN;
    *count = 0;
    for (int level = level_spanning(room); status == CC_MISMATCH; level -= level > 0) {
        if (cc_begin_operation(&list->map.common, &g, 0)) {
            return CC_NO_MEMORY;
        }
        status = walk_down(list, &g, search, exclusive, &at, level, ring, entries, room, count);
        cc_end_operation(&g);
        /* CC_MISMATCH: somebody was in the way, the stretch is unusually long, or the comparisons
         * are no order: step back less. On level 0 there is nothing to walk. */
    }
    return status == CC_NEED_COMPARE ? status : CC_FOUND;
}
