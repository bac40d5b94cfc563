/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The skip list: ordered queries, pops, scans and samples.
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
 *   scans, samples   each entry by itself: the load of its value.
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
 * one region, and the segments of one chunk, so that it pins no more than that of what dies
 * meanwhile.
 */
#include "skiplist_inside.h"

#define LEVEL_0 offset_of_level(0)

/* ---------------------------------------------------------------- looking at entries */

/* True, and *value read, when n is alive; else it is marked, so that the next seek unlinks it. */
static bool look_at_entry(cc_skiplist *list, cc_smr_guard *g, node *n, uintptr_t *value) {
    uintptr_t v = cc_load_value(g, false, &n->slot); /* (2) */
    if (v == CC_TOMBSTONE) {
        mark_dead_in_read_phase(list, g, n);
        return false;
    }
    *value = v;
    return true;
}

/* Is the entry a neighbour now, too? Its neighbourhood is `from`, whose link to `to` has shown n to
 * be what is wanted, or `from` is NULL: it is the very key. The value may have been replaced since
 * that link was read, and a key come in between before that; then key and value never were the
 * answer together. So the link is read once more, between two looks at the value. The head says
 * what gets through all the same. The entry is reported before that: a snapshot with a key that was
 * not seen in between is of a later moment, and then it has the entry, too. */
static bool is_still_neighbour(cc_skiplist *list, cc_smr_guard *g, node *n, const node *from,
                               const node *to, uintptr_t value) {
    observe_in_read_phase(list, g, n, value);
    return !from || (load_link(from, 0) == link_to(to) && cc_value_is_still(&n->slot, value));
}

/* ---------------------------------------------------------------- what a scan collects */

/* The entries of one call: `entries` has room for `room`, of which the first `*count` are there. */
typedef struct collected {
    cc_entry *entries;
    size_t room;
    size_t *count;
    bool without_values;
    cc_identity *identities; /* as much room: the scan is a snapshot's walk; else NULL */
} collected;

/* An entry is going to be handed out as number i: a scan has seen it, a snapshot's walk notes which
 * one it is. In a write phase that holds n. */
static inline void account_for(cc_skiplist *list, cc_smr_guard *g, const node *n, uintptr_t value,
                               const collected *c, size_t i) {
    if (c->identities) {
        c->identities[i] = (cc_identity){n, n->birth_kind_height};
    } else {
        observe(list, g, n, value);
    }
}

/* One entry, where regions restart: its references are taken at once, a moment of a write phase in
 * the middle of a read phase. When that turns out to have ended the read phase, the entry counts
 * all the same. */
static void take_at_once(cc_skiplist *list, cc_smr_guard *g, node *n, const collected *c) {
    uintptr_t value;
    if (!look_at_entry(list, g, n, &value)) {
        return;
    }
    const uintptr_t wanted = c->without_values ? 0 : value;
    cc_hold(g, CC_HELD_VALUE, wanted);
    cc_hold(g, CC_HELD_NODES, (uintptr_t)n);
    cc_end_reading(g);
    account_for(list, g, n, value, c, *c->count);
    acquire_entry(list, n, wanted, &c->entries[*c->count]);
    ++*c->count;
    cc_resume_reading(g);
}

/* Take the entries of nodes in a row, of those that are alive, as the next ones of a scan, as far
 * as there is room. Whether one is alive, its value says: a scan without values looks at the word
 * and at nothing behind it.
 *
 * Where regions do not restart, what has been read stays until the region is closed. So references
 * are taken in one go at the end (acquire_collected), and their cache misses overlap. */
static void take_entries(cc_skiplist *list, cc_smr_guard *g, node *const *nodes, unsigned count,
                         const collected *c) {
    node *const *const stop = nodes + count;
    if (g->restarts) {
        for (; nodes < stop && *c->count < c->room; nodes++) {
            take_at_once(list, g, *nodes, c);
        }
        return;
    }
    const bool without_values = c->without_values;
    const bool are_references = list->map.common.words->acquire != NULL;
    cc_entry *entry = &c->entries[*c->count], *const end = &c->entries[c->room];
    for (; nodes < stop && entry < end; nodes++) {
        node *n = *nodes;
        uintptr_t value;
        if (!look_at_entry(list, g, n, &value)) {
            continue;
        }
        account_for(list, g, n, value, c, (size_t)(entry - c->entries));
        entry->digest = n->digest;
        entry->key = key_of(n);
        entry->value = without_values ? 0 : value;
        entry->kind = (uint8_t)kind_of(n);
        if (are_references && entry->key) {
            CC_PREFETCH(entry->key);
        }
        if (are_references && !without_values) {
            CC_PREFETCH(value);
        }
        entry++;
    }
    *c->count = (size_t)(entry - c->entries);
}

static void take_entry(cc_skiplist *list, cc_smr_guard *g, node *n, const collected *c) {
    take_entries(list, g, &n, 1, c);
}

/* At the end of the region. */
static void acquire_collected(cc_skiplist *list, const cc_smr_guard *g, const collected *c) {
    void (*acquire)(uintptr_t word) = list->map.common.words->acquire;
    for (size_t i = 0; acquire && !g->restarts && i < *c->count; i++) {
        const cc_entry *e = &c->entries[i];
        if (e->key) {
            acquire(e->key);
        }
        if (e->value) {
            acquire(e->value);
        }
    }
}

bool cc_skiplist_seek_last(cc_skiplist *list, cc_smr_guard *g, position *at, node **last) {
    node *before = &list->head;
    cc_count_search();
    at->levels = (int)cc_load_acquire_u32(&list->top); /* (3) */
    for (int level = at->levels - 1; level >= 0; level--) {
        cc_link_word link = protect_link(g, before, level);
        cc_list_place place = place_between(before, level, target_of(link));
        node *n = NULL, *previous = before;
        if (cc_is_marked(link)) {
            return false;
        }
        for (;;) {
            if (!cc_help_unlink(g, false, offset_of_level(level), &place)) {
                return false;
            }
            if (!place.current) {
                break;
            }
            previous = owner_of(place.before, level);
            n = node_at(&place);
            cc_list_advance(offset_of_level(level), &place);
        }
        if (!n && before != &list->head) {
            return false; /* what was behind it has died, and what is before it has been passed */
        }
        at->before[level] = before = previous;
        at->after[level] = NULL;
        *last = n;
    }
    return true;
}

/* So many looks for the last entry and what is in front of it, where others are in the way. */
#ifndef MOST_SEEKS_FOR_LAST
#define MOST_SEEKS_FOR_LAST 32u
#endif

/* A read phase; the write phase holds the node and its value, and with `place` (of CC_LAST) what is
 * in front of the node. */
CC_NEVER_INLINE cc_status find_neighbour(cc_skiplist *list, cc_smr_guard *g, cc_search *search,
                                         cc_relation relation, bool place, position *at,
                                         node **found, uintptr_t *value) {
    CC_CHECKPOINT(g);
    unsigned in_vain = 0;
    for (;; cc_count_retry(g)) {
        node *n = NULL, *from, *to;
        if (relation == CC_FIRST) {
            from = &list->head;
            cc_list_place first = place_behind(g, from, 0);
            if (!cc_help_unlink(g, false, LEVEL_0, &first)) {
                continue;
            }
            n = to = node_at(&first);
        } else if (place && cc_skiplist_seek_last(list, g, at, &n)) {
            from = n;
            to = NULL;
        } else if (place && (++in_vain < MOST_SEEKS_FOR_LAST ||
                             !cc_load_relaxed_u32(&list->map.common.asked))) {
            continue;
        } else if (relation == CC_LAST) {
            /* Also where lies have led to upper levels from which the end cannot be seen so. */
            seek(list, g, false, NULL, at, SEEK_END);
            at->levels = place ? 0 : at->levels;
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
        if (look_at_entry(list, g, n, value) && is_still_neighbour(list, g, n, from, to, *value)) {
            *found = n;
            cc_hold(g, CC_HELD_VALUE, *value);
            cc_hold(g, CC_HELD_NODES, (uintptr_t)n);
            for (int level = 0; place && level < height_of(n) && level < at->levels; level++) {
                cc_hold(g, CC_HELD_NODES + 1 + (unsigned)level, (uintptr_t)at->before[level]);
            }
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
    cc_status status = find_neighbour(list, &g, search, relation, false, &at, &n, &value);
    if (status == CC_FOUND) {
        acquire_entry(list, n, value, entry);
    }
    cc_end_operation(&g);
    return status;
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
        status = find_neighbour(list, &g, NULL, end, end == CC_LAST, &at, &n, &value);
        if (status != CC_FOUND) {
            break;
        }
        if (prepared && !key_of(n) &&
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
        mark_dead(list, &g, n);
        if (cc_set_removed(&n->slot.birth)) {
            /* Without a comparison, and without a search, as long as nobody is in the way: where it
             * was found. The first one follows the head. */
            at.levels = end == CC_FIRST ? 0 : at.levels;
            cc_skiplist_unlink_at(list, &at, n);
            cc_skiplist_last_one_out(list, &g, NULL, n, &left);
        }
    }
    cc_skiplist_end_update(list, &g, &left);
    return status;
}

/* ---------------------------------------------------------------- scans */

/* Segments. A walk along level 0 waits for memory at each node. So a scan that wants many entries
 * cuts its way into segments by an upper level, on which every 4th or 16th node is, walks them all
 * at once, a step of each in turn, and then takes their entries in order.
 *
 *      lane     20 -----------------------> 55 -----------------> 70
 *      level 0  20 -> 31 -> 38 -> 44 -----> 55 -> 58 -> 61 -----> 70
 *
 * A segment is whole when its walk meets the very node where the next one begins; then every entry
 * that has been there all the while has been passed, and all are smaller than those of the next.
 * Otherwise (that node has been unlinked, the walk stands on a dead node, it is unusually long)
 * what it has passed is right, and the scan's call ends with it: segments behind it do not count.
 * Which ends of segments are in order only comparisons have said; where foreign code has made some,
 * scans do not use segments. */
#ifndef ENTRIES_WORTH_SEGMENTS
#define ENTRIES_WORTH_SEGMENTS 32u
#endif
#ifndef MOST_SEGMENTS
#define MOST_SEGMENTS 32u
#endif
#ifndef MOST_NODES_IN_SEGMENT
#define MOST_NODES_IN_SEGMENT 96u
#endif

typedef struct segment {
    node *stop; /* where the next one begins; NULL: it has no end */
    node **last; /* the last one of the nodes */
    bool is_last; /* its walk has come to the end of the list */
    node *nodes[MOST_NODES_IN_SEGMENT];
} segment;

static inline unsigned nodes_in(const segment *s) {
    return (unsigned)(s->last - s->nodes) + 1;
}

typedef struct segments {
    int level; /* the lane's */
    unsigned most;
    /* The node behind which nothing is wanted, and the last one before it on the lane; or NULL. */
    const node *end, *end_of_lane;
    unsigned count, walked_count;
    segment *walked[MOST_SEGMENTS]; /* those that are still walked, in no order */
    segment of[MOST_SEGMENTS];
} segments;

static bool are_segments_worth(const cc_skiplist *list, size_t room) {
    return room >= ENTRIES_WORTH_SEGMENTS && !cc_load_relaxed_u32(&list->map.common.asked);
}

static segment *begin_segment(segments *all, node *first) {
    segment *s = &all->of[all->count++];
    s->stop = NULL;
    s->last = s->nodes;
    s->is_last = false;
    s->nodes[0] = first;
    return s;
}

static inline void prefetch_node(const node *n) {
    CC_PREFETCH(&n->slot.value);
    CC_PREFETCH(&n->next[0]);
}

typedef enum step_outcome {
    STEP_GOES_ON,
    STEP_IS_WHOLE,
    STEP_IS_CUT_OFF /* it ends here, and what is behind it does not count */
} step_outcome;

/* A step of a segment. */
CC_ALWAYS_INLINE step_outcome step(cc_smr_guard *g, segment *s, const node *end) {
    node **last = s->last, *n = *last;
    if (n == end) {
        return STEP_IS_CUT_OFF;
    }
    cc_link_word link = protect_link(g, n, 0);
    if (cc_is_marked(link)) {
        return STEP_IS_CUT_OFF;
    }
    n = target_of(link);
    if (!n || n == s->stop) {
        s->is_last = !n;
        return n == s->stop ? STEP_IS_WHOLE : STEP_IS_CUT_OFF;
    }
    if (++last == s->nodes + MOST_NODES_IN_SEGMENT) {
        return STEP_IS_CUT_OFF;
    }
    prefetch_node(n);
    *last = n;
    s->last = last;
    return STEP_GOES_ON;
}

/* Segments behind s do not count. */
static void cut_off_behind(segments *all, const segment *s) {
    all->count = (unsigned)(s - all->of) + 1;
    for (unsigned i = all->walked_count; i-- > 0;) {
        if (all->walked[i] > s) {
            all->walked[i] = all->walked[--all->walked_count];
        }
    }
}

/* Walk segments, of which the first begins at `first`, a node that is linked on the lane. True: all
 * of them are whole. In a read phase: it only loads. */
CC_NEVER_INLINE bool walk_segments(cc_smr_guard *g, node *first, segments *all) {
    node *lane = first; /* where the last segment begins; NULL: no further one does */
    const node *const end = all->end;
    bool is_whole = true;
    all->count = all->walked_count = 0;
    segment *newest = begin_segment(all, first);
    while (lane || all->walked_count) {
        if (lane) { /* now it is known where the newest one ends */
            cc_link_word link = lane == all->end_of_lane ? 0 : protect_link(g, lane, all->level);
            node *next = cc_is_marked(link) ? NULL : target_of(link);
            newest->stop = next;
            all->walked[all->walked_count++] = newest;
            lane = all->count < all->most ? next : NULL;
            if (lane) {
                prefetch_node(lane);
                CC_PREFETCH(&lane->next[all->level]);
                newest = begin_segment(all, lane);
            }
        }
        for (segment **walked = all->walked + all->walked_count; walked > all->walked;) {
            segment *s = *--walked;
            step_outcome outcome = step(g, s, end);
            if (outcome == STEP_GOES_ON) {
                continue;
            }
            *walked = all->walked[--all->walked_count];
            if (outcome == STEP_IS_CUT_OFF) {
                is_whole = false;
                lane = NULL;
                cut_off_behind(all, s);
                if (walked > all->walked + all->walked_count) {
                    walked = all->walked + all->walked_count;
                }
            }
        }
    }
    return is_whole;
}

/* The lane that cuts `room` entries into about as many segments as those have nodes. */
static int lane_for(size_t room) {
    return room >= 8 * MOST_SEGMENTS ? 2 : 1;
}

/* Is n linked on the level, unless it dies there? A node that is still being built, or has stayed
 * lower than it was meant to be, has a clean link there that leads anywhere (handoff.h: LINKED
 * comes after all its links, or after what says that they are never made). */
static bool is_on_lane(const node *n, int level) {
    return height_of(n) > level && (cc_load_acquire_u64(&n->slot.birth) & CC_LINKED) && /* (4) */
           !cc_is_unlinked(&n->next[level]); /* (5) */
}

/* So many of them are taken: those that have room as a whole, so that the next call begins on the
 * lane again; but at least one. */
static unsigned segments_with_room(const segments *all, size_t room) {
    unsigned taken = 1;
    for (size_t sum = nodes_in(&all->of[0]); taken < all->count; taken++) {
        sum += nodes_in(&all->of[taken]);
        if (sum > room) {
            break;
        }
    }
    return taken;
}

/* Take the entries from n on by segments, when n is on their lane. False: not, or they are all
 * dead. In a read phase. */
static bool take_segments(cc_skiplist *list, cc_smr_guard *g, node *n, segments *all,
                          const collected *c, bool *at_end) {
    size_t wanted = c->room - *c->count;
    if (!all || wanted < ENTRIES_WORTH_SEGMENTS || !is_on_lane(n, lane_for(wanted))) {
        return false;
    }
    all->level = lane_for(wanted);
    size_t most = 1 + (wanted >> 2 * all->level);
    all->most = most < MOST_SEGMENTS ? (unsigned)most : MOST_SEGMENTS;
    all->end = all->end_of_lane = NULL;
    walk_segments(g, n, all);
    unsigned taken = segments_with_room(all, wanted);
    for (unsigned i = 0; i < taken; i++) {
        const segment *one = &all->of[i];
        take_entries(list, g, one->nodes, nodes_in(one), c);
    }
    *at_end = all->of[taken - 1].is_last; /* not before: whoever takes may be interrupted */
    return *c->count;
}

/* Where a scan upwards begins. */
typedef struct start {
    node *entry; /* the searched one, when that is wanted, too; else NULL */
    cc_list_place place; /* what comes then */
    /* The first node of a position that was searched for. When it has died, what is in its place
     * may be in front of the scan's bound. NULL: whatever comes in its place is behind that. */
    const node *first;
} start;

/* Find it, on a level that is in use. On level 0, with an index, that need not be a search: a node
 * whose link on level 0 is clean is in the list when the link is read, and so is what the link
 * leads to. So the next call of a scan goes on from the last key that it has handed out as long as
 * that is there, be it the same node or one that has come in its place. In a read phase. */
static cc_status find_start(cc_skiplist *list, cc_smr_guard *g, cc_search *search, unsigned how,
                            int level, position *at, start *s) {
    s->entry = NULL;
    s->first = NULL;
    if (!search) {
        s->place = place_behind(g, &list->head, level);
        return CC_FOUND;
    }
    node *n = level == 0 ? cc_skiplist_find_by_index(list, g, search, NULL) : NULL;
    if (search->asks) {
        return CC_NEED_COMPARE;
    }
    cc_link_word link = n ? protect_link(g, n, 0) : CC_MARK;
    if (!cc_is_marked(link)) {
        s->entry = how & CC_SCAN_EXCLUSIVE ? NULL : n;
        s->place = place_between(n, 0, target_of(link));
        return CC_FOUND;
    }
    cc_status status = how & CC_SCAN_EXCLUSIVE ? seek(list, g, false, search, at, SEEK_PAST_EQUAL)
                                               : seek(list, g, false, search, at, SEEK_POSITION);
    if (status == CC_NEED_COMPARE) {
        return status;
    }
    s->place = place_between(at->before[level], level, at->after[level]);
    s->first = at->after[level];
    return CC_FOUND;
}

/* A read phase that takes the entries of a level as it goes; segments are for level 0. A second
 * start goes on with none; with some, they are the answer. */
CC_NEVER_INLINE cc_status walk_up(cc_skiplist *list, cc_smr_guard *g, cc_search *search,
                                  unsigned how, int level, position *at, segments *all,
                                  const collected *c, bool *at_end) {
    CC_CHECKPOINT(g);
    if (*c->count) {
        cc_end_reading(g);
        return CC_FOUND;
    }
    *at_end = false; /* what a walk has seen that was interrupted */
    start s;
    if (find_start(list, g, search, how, level, at, &s) == CC_NEED_COMPARE) {
        return CC_NEED_COMPARE;
    }
    bool is_done = s.entry && take_segments(list, g, s.entry, all, c, at_end);
    if (s.entry && !is_done) {
        take_entry(list, g, s.entry, c);
    }
    for (unsigned visited = 0; !is_done && *c->count < c->room && visited < MOST_NODES_PER_REGION;
         visited++) {
        if (!cc_help_unlink(g, false, offset_of_level(level), &s.place)) {
            break; /* what we have is an answer; without any, start over */
        }
        if (s.first && s.first != node_at(&s.place)) {
            break;
        }
        s.first = NULL;
        if (!s.place.current) {
            *at_end = true;
            break;
        }
        is_done = take_segments(list, g, node_at(&s.place), all, c, at_end);
        if (!is_done) {
            take_entry(list, g, node_at(&s.place), c);
            cc_list_advance(offset_of_level(level), &s.place);
        }
    }
    cc_end_reading(g);
    return CC_FOUND;
}

/* Out of line: the segments take much of the stack. */
CC_NEVER_INLINE cc_status walk_up_by_segments(cc_skiplist *list, cc_smr_guard *g, cc_search *search,
                                              unsigned how, position *at, const collected *c,
                                              bool *at_end) {
    segments all;
    return walk_up(list, g, search, how, 0, at, &all, c, at_end);
}

static cc_status scan_level(cc_skiplist *list, cc_search *search, unsigned how, int level,
                            const collected *c, bool *at_end) {
    cc_smr_guard g;
    position at;
    *at_end = c->room == 0;
    *c->count = 0;
    while (*c->count == 0 && !*at_end) {
        if (cc_begin_operation(&list->map.common, &g, 0)) {
            return CC_NO_MEMORY;
        }
        cc_status status = level == 0 && are_segments_worth(list, c->room)
                               ? walk_up_by_segments(list, &g, search, how, &at, c, at_end)
                               : walk_up(list, &g, search, how, level, &at, NULL, c, at_end);
        acquire_collected(list, &g, c);
        cc_end_operation(&g);
        if (status == CC_NEED_COMPARE) {
            return status;
        }
    }
    return CC_FOUND;
}

cc_status cc_skiplist_scan_up(cc_ordered *map, cc_search *search, unsigned how, cc_entry *entries,
                              size_t room, size_t *count) {
    const collected c = {entries, room, count, how & CC_SCAN_WITHOUT_VALUES, NULL};
    bool at_end;
    return scan_level((cc_skiplist *)map, search, how, 0, &c, &at_end);
}

cc_status cc_skiplist_scan_for_snapshot(cc_ordered *map, cc_search *search, unsigned how,
                                        cc_entry *entries, cc_identity *identities, size_t room,
                                        size_t *count, bool *at_end) {
    const collected c = {entries, room, count, false, identities};
    cc_status status = scan_level((cc_skiplist *)map, search, how, 0, &c, at_end);
    *at_end &= *count < room; /* else there may have been more than was taken */
    return status;
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

/* A scan of an upper level: what is linked there is in the list. `top` only grows. */
cc_status cc_skiplist_sample(cc_ordered *map, cc_search *search, size_t every, cc_entry *entries,
                             size_t room, size_t *count) {
    cc_skiplist *list = (cc_skiplist *)map;
    int level = level_spanning(every), top = (int)cc_load_acquire_u32(&list->top) - 1; /* (3) */
    const collected c = {entries, room, count, true, NULL};
    bool at_end;
    return scan_level(list, search, CC_SCAN_EXCLUSIVE, level < top ? level : top, &c, &at_end);
}

#ifndef MOST_ENTRIES_DOWN
#define MOST_ENTRIES_DOWN 512u
#endif

/* The last nodes that a walk has passed. */
typedef struct remembered {
    size_t seen;
    node *ring[MOST_ENTRIES_DOWN];
} remembered;

static inline void remember(remembered *r, node *n) {
    r->ring[r->seen++ % MOST_ENTRIES_DOWN] = n;
}

/* Walk from `from` to the last node of the position, both included, and remember what is passed.
 * False: that has not been reached. In a read phase. */
static bool walk_to(cc_smr_guard *g, node *from, const position *at, const node *head,
                    remembered *r) {
    for (unsigned visited = 0; from != at->before[0]; visited++) {
        if (from != head) {
            remember(r, from);
        }
        cc_link_word link = protect_link(g, from, 0);
        cc_list_place place = place_between(from, 0, target_of(link));
        if (visited == MOST_NODES_PER_REGION || cc_is_marked(link) ||
            !cc_help_unlink(g, false, LEVEL_0, &place) || !place.current ||
            node_at(&place) == at->after[0]) {
            return false;
        }
        from = node_at(&place);
    }
    remember(r, from);
    return true;
}

/* The same by segments, from a node on their lane. */
static bool walk_to_by_segments(cc_smr_guard *g, node *from, segments *all, remembered *r) {
    while (from && r->seen <= MOST_NODES_PER_REGION) {
        bool is_whole = walk_segments(g, from, all);
        const segment *last = &all->of[all->count - 1];
        for (const segment *s = all->of; s <= last; s++) {
            for (node *const *n = s->nodes; n <= s->last; n++) {
                remember(r, *n);
            }
        }
        if (*last->last == all->end) {
            return true;
        }
        from = is_whole ? last->stop : NULL;
    }
    return false;
}

/* There are no links to the left. So: from the position, step back on an upper level, walk forward
 * on level 0, remember the last nodes, and hand them out from the last one. The walk goes to the
 * very node that is the position: when that has been unlinked nothing marks the bound any more. A
 * read phase; at a second start as in walk_up. CC_ABSENT: there is nothing. CC_MISMATCH: step back
 * less. */
CC_NEVER_INLINE cc_status walk_down(cc_skiplist *list, cc_smr_guard *g, cc_search *search,
                                    unsigned how, position *at, int level, segments *all,
                                    remembered *r, const collected *c) {
    CC_CHECKPOINT(g);
    if (*c->count) {
        cc_end_reading(g);
        return CC_FOUND;
    }
    cc_status status = !search ? seek(list, g, false, NULL, at, SEEK_END)
                       : how & CC_SCAN_EXCLUSIVE
                           ? seek(list, g, false, search, at, SEEK_POSITION)
                           : seek(list, g, false, search, at, SEEK_PAST_EQUAL);
    if (status == CC_NEED_COMPARE) {
        return status;
    }
    node *to = at->before[0];
    if (to == &list->head) {
        cc_end_reading(g);
        return CC_ABSENT;
    }
    const bool others_unlink = only_its_remover_marks(to);
    const int lane = lane_for(c->room);
    status = CC_MISMATCH;
    for (int back = level; status == CC_MISMATCH; back++) {
        node *from = back < at->levels ? at->before[back]
                     : others_unlink   ? &list->head
                                       : at->before[at->levels - 1];
        bool reached;
        r->seen = 0;
        if (all && lane <= back && lane < at->levels && from != &list->head) {
            all->level = lane;
            all->most = MOST_SEGMENTS;
            all->end = to;
            all->end_of_lane = at->before[lane];
            reached = walk_to_by_segments(g, from, all, r);
        } else {
            reached = walk_to(g, from, at, &list->head, r);
        }
        size_t available = !reached ? 0 : r->seen < c->room ? r->seen : c->room;
        for (size_t i = 0; i < available; i++) {
            take_entry(list, g, r->ring[(r->seen - 1 - i) % MOST_ENTRIES_DOWN], c);
        }
        if (*c->count) {
            status = CC_FOUND;
        } else if (!reached || !others_unlink) {
            break;
        } else if (from == &list->head) { /* else all are dead from there on: go further back */
            status = CC_ABSENT;
        }
    }
    cc_end_reading(g);
    return status;
}

CC_NEVER_INLINE cc_status walk_down_by_segments(cc_skiplist *list, cc_smr_guard *g,
                                                cc_search *search, unsigned how, position *at,
                                                int level, remembered *r, const collected *c) {
    segments all;
    return walk_down(list, g, search, how, at, level, &all, r, c);
}

cc_status cc_skiplist_scan_down(cc_ordered *map, cc_search *search, unsigned how, cc_entry *entries,
                                size_t room, size_t *count) {
    cc_skiplist *list = (cc_skiplist *)map;
    const collected c = {entries, room < MOST_ENTRIES_DOWN ? room : MOST_ENTRIES_DOWN, count,
                         how & CC_SCAN_WITHOUT_VALUES, NULL};
    remembered r;
    cc_smr_guard g;
    position at;
    cc_status status = room ? CC_MISMATCH : CC_ABSENT;
    *count = 0;
    for (int level = level_spanning(c.room); status == CC_MISMATCH; level -= level > 0) {
        if (cc_begin_operation(&list->map.common, &g, 0)) {
            return CC_NO_MEMORY;
        }
        status = are_segments_worth(list, c.room)
                     ? walk_down_by_segments(list, &g, search, how, &at, level, &r, &c)
                     : walk_down(list, &g, search, how, &at, level, NULL, &r, &c);
        acquire_collected(list, &g, &c);
        cc_end_operation(&g);
        /* CC_MISMATCH: somebody was in the way, the stretch is unusually long, or the comparisons
         * are no order: step back less. On level 0 there is nothing to walk. */
    }
    return status == CC_NEED_COMPARE ? status : CC_FOUND;
}
