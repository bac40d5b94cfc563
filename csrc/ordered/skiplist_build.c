/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The skip list: entries that come in order, behind all that is there.
 *
 * Promises. cc_skiplist_append puts entries that ascend, of which the first one belongs behind the
 * last entry of the list, or does nothing. Each of them is a put of an absent key, and all of them
 * take effect at once. It asks foreign code nothing.
 *
 * How. One search finds the end of the list. The entries become a chain of nodes that lead to each
 * other on every level; one CAS links the chain on level 0, and then one on each upper level.
 *
 *      ... 40 ----------------> NULL         60 ---------> 90 ---> NULL      level 1
 *      ... 40 ---> 50 ---> NULL       51 --> 60 --> 75 --> 90 ---> NULL      level 0
 *
 * Why that is right. The CAS on level 0 finds the link of `before` clean and leading nowhere: so
 * `before`, whose key is smaller than the chain's, is the last node of the list, and no key of the
 * chain is there. On an upper level the chain is linked where nothing follows either: so no node of
 * it comes in front of a dead one with an equal key (skiplist_inside.h). Until all levels are done
 * we are a builder of each node (handoff.h), so that none is retired. A node that is removed
 * meanwhile is marked, stays where it is, and is swept when we leave it.
 *
 * Who else has put something behind the end makes a CAS fail: before the first one has succeeded
 * the end is looked for again; after that the nodes are linked on the rest of their levels one by
 * one, as a put does.
 *
 * The index. Nodes go into it before they are linked, as those of puts (index.h). In a chain that
 * is given up they are given up like the node of a put that has lost its CAS; for that there is a
 * record for each.
 *
 * Linearization point. The CAS on the last node's link on level 0.
 *
 * Progress. Lock-free: another attempt only when somebody else has changed the end of the list.
 */
#include "skiplist_inside.h"

/* Nodes that are linked at once. No more than a thread keeps spare records. */
#ifndef NODES_IN_CHAIN
#define NODES_IN_CHAIN 64u
#endif

/* Fewer are put one by one: looking for the end would not pay. */
#ifndef SHORTEST_CHAIN
#define SHORTEST_CHAIN 8u
#endif

_Static_assert(CC_MOST_LOCKS >= MAX_HEIGHT + NODES_IN_CHAIN && CC_MOST_LOCKS > MAX_HEIGHT,
               "a chain, or a node, can be locked with its place");

typedef struct chain {
    unsigned count, indexed;
    bool loses; /* some find no room in the index */
    int height; /* of the tallest node */
    node *first[MAX_HEIGHT], *last[MAX_HEIGHT]; /* on each level below it */
    node *nodes[NODES_IN_CHAIN];
} chain;

/* ---------------------------------------------------------------- what ascends */

static cc_search search_for(const cc_skiplist *list, const cc_new_entry *e) {
    const cc_stored_key key = {.digest = e->digest, .word = e->key, .kind = e->kind};
    return cc_skiplist_silent_search(list, &key, e->hash);
}

/* Entries whose keys have hashes: without one, puts are what can be done. */
static bool is_less(const cc_skiplist *list, const cc_new_entry *a, const cc_new_entry *b) {
    return a->hash && b->hash && cc_is_less(&list->map, a, b);
}

/* How many entries from the first one on ascend; no more than a chain has room for. */
static unsigned count_ascending(const cc_skiplist *list, const cc_new_entry *entries,
                                size_t count) {
    unsigned n = 1;
    while (n < count && n < NODES_IN_CHAIN && is_less(list, &entries[n - 1], &entries[n])) {
        n++;
    }
    return n;
}

/* ---------------------------------------------------------------- a chain */

/* As long as there is memory. */
static void make_chain(cc_skiplist *list, cc_thread *self, const cc_new_entry *entries,
                       unsigned count, chain *c) {
    int top = (int)cc_load_relaxed_u32(&list->top);
    c->count = c->indexed = 0;
    c->loses = false;
    c->height = 0;
    for (; c->count < count; c->count++) {
        cc_search search = search_for(list, &entries[c->count]);
        int height = cc_skiplist_random_height(self, top);
        node *n = cc_skiplist_new_node(list, &search, entries[c->count].value, height);
        if (!n) {
            break;
        }
        c->nodes[c->count] = n;
        top = height > top ? height : top;
        for (int level = 0; level < height; level++) {
            if (level < c->height) {
                set_link(c->last[level], level, n);
            } else {
                c->first[level] = n;
            }
            c->last[level] = n;
            set_link(n, level, NULL);
        }
        c->height = height > c->height ? height : c->height;
    }
}

/* Nodes that are ours to retire, once the region is closed. */
typedef struct dead_nodes {
    unsigned count;
    node *nodes[NODES_IN_CHAIN];
} dead_nodes;

static void note_dead(dead_nodes *dead, const cc_leftovers *left) {
    if (left->node) {
        dead->nodes[dead->count++] = (node *)left->node;
    }
}

/* It has not been linked. The caller keeps all words. In a write phase. */
static void give_up_chain(cc_skiplist *list, cc_smr_guard *g, chain *c, dead_nodes *dead) {
    for (unsigned i = 0; i < c->count; i++) {
        cc_leftovers left = {0};
        if (i < c->indexed) {
            cc_skiplist_give_up_node(list, g, c->nodes[i], &left);
            note_dead(dead, &left);
        } else {
            free_new_node(c->nodes[i]);
        }
    }
    c->count = 0;
}

/* All of it, before it is linked. NULL: done. Else the table that is full: then it is to be given
 * up. In a write phase. */
static const index_table *index_chain(cc_skiplist *list, cc_smr_guard *g,
                                      const cc_new_entry *entries, chain *c) {
    const index_table *t = hold_current_table(list, g, CC_HELD_TABLE);
    for (unsigned i = c->indexed; i < c->count; i++) {
        CC_PREFETCH(index_home_of(t, entries[i].hash));
    }
    while (c->indexed < c->count) {
        unsigned i = c->indexed++; /* one for which a table is full may be in another one */
        uint64_t hash = entries[i].hash;
        const index_table *full =
            cc_skiplist_index_or_lose(list, g, hash, c->nodes[i], false, &c->loses);
        if (full) {
            return full;
        }
    }
    return NULL;
}

/* ---------------------------------------------------------------- linking it */

/* A node that is in the map, on the levels from `level` on. */
static void link_rest(cc_skiplist *list, cc_smr_guard *g, const cc_new_entry *e, node *n,
                      int level) {
    position at;
    cc_search search = search_for(list, e);
    const int height = height_of(n);
    if (cc_skiplist_seek_again(list, g, &search, &at, height) == CC_FOUND && at.after[0] == n) {
        level = cc_skiplist_build_tower(list, g, &search, n, &at, level);
    }
    for (; level < height; level++) {
        cc_set_unlinked(&n->next[level]); /* (5): and never will be */
    }
}

/* The chain is in the map. In a write phase that holds the position. */
static void link_upper_levels(cc_skiplist *list, cc_smr_guard *g, const cc_new_entry *entries,
                              const chain *c, position *at) {
    int level = 1;
    while (level < c->height && swing_link(at->before[level], level, NULL, c->first[level])) {
        level++; /* (1) */
    }
    for (unsigned i = 0; level < c->height && i < c->count; i++) {
        if (height_of(c->nodes[i]) > level) {
            link_rest(list, g, &entries[i], c->nodes[i], level);
        }
    }
}

/* All links are made. */
static void leave_chain(cc_skiplist *list, cc_smr_guard *g, const chain *c, dead_nodes *dead) {
    for (unsigned i = 0; i < c->count; i++) {
        if (cc_leave_builders_linked(&c->nodes[i]->slot.birth)) {
            cc_leftovers left = {0};
            cc_skiplist_last_one_out(list, g, NULL, c->nodes[i], &left);
            note_dead(dead, &left);
        }
    }
}

/* Link it, where it belongs behind everything. False: it does not, or a table of the index is
 * full. */
static bool link_chain(cc_skiplist *list, cc_smr_guard *g, const cc_new_entry *entries, chain *c,
                       dead_nodes *dead, const index_table **full) {
    position at;
    cc_search search = search_for(list, &entries[0]);
    for (;; cc_count_retry(g)) {
        cc_status status = cc_skiplist_seek_again(list, g, &search, &at, c->height);
        if (status != CC_ABSENT || at.after[0]) {
            return false;
        }
        raise_top(list, &at, c->height);
        *full = index_chain(list, g, entries, c);
        if (*full ||
            !cc_skiplist_lock_end(list, g, &at, c->nodes, c->count, c->last[c->height - 1])) {
            return false;
        }
        if (swing_link(at.before[0], 0, NULL, c->first[0])) { /* (1) */
            break;
        }
    }
    int64_t bytes = 0;
    for (unsigned i = 0; i < c->count; i++) {
        observe(list, g, c->nodes[i], entries[i].value);
        bytes += (int64_t)bytes_of(c->nodes[i]);
        cc_published(g);
    }
    *cc_thread_write_mark(g->thread, &list->map.common) += c->count;
    cc_count_entries(&list->map.common, g->thread, (int)c->count, bytes);
    link_upper_levels(list, g, entries, c, &at);
    leave_chain(list, g, c, dead);
    cc_skiplist_unlock_end(g->thread);
    return true;
}

/* ---------------------------------------------------------------- the operation */

static void retire_dead(cc_skiplist *list, cc_thread *self, const dead_nodes *dead) {
    cc_retired *records = NULL; /* all of them first: foreign code uses spare ones up */
    for (unsigned i = 0; i < dead->count; i++) {
        cc_retired *r = cc_take_spare(self);
        r->next = records;
        records = r;
    }
    for (unsigned i = 0; i < dead->count; i++) {
        cc_retired *r = records;
        records = r->next;
        const node *n = dead->nodes[i];
        cc_retire_own(&list->map.common, self, r, (uintptr_t)n, birth_of(n), bytes_of(n));
    }
}

/* One attempt. Returns how many entries have been put. */
static unsigned append_chain(cc_skiplist *list, cc_thread *self, const cc_new_entry *entries,
                             unsigned count, const index_table **full) {
    cc_smr_guard g;
    chain c;
    dead_nodes dead = {.count = 0};
    unsigned put = 0;
    *full = NULL;
    if (cc_reserve(self, count)) {
        return 0;
    }
    make_chain(list, self, entries, count, &c);
    if (c.count) {
        cc_enter_as(self, list->map.common.domain, &g);
        if (link_chain(list, &g, entries, &c, &dead, full)) {
            put = c.count;
        } else {
            give_up_chain(list, &g, &c, &dead);
        }
        if (c.loses) {
            cc_skiplist_stop_being_loser(list);
        }
        cc_leave(&g);
        cc_skiplist_wake_at_end(list, self);
        retire_dead(list, self, &dead);
    }
    return put;
}

size_t cc_skiplist_append(cc_ordered *map, const cc_new_entry *entries, size_t count, size_t *run) {
    cc_skiplist *list = (cc_skiplist *)map;
    const unsigned ascending = count_ascending(list, entries, count);
    *run = ascending;
    cc_thread *self = cc_thread_self();
    if (!self || ascending < SHORTEST_CHAIN || !entries[0].hash) {
        return 0;
    }
    const index_table *full;
    unsigned put;
    uintptr_t before; /* as in put_into_index */
    do {
        before = cc_load_relaxed_uptr(&list->index);
        put = append_chain(list, self, entries, ascending, &full);
        if (!full) {
            break;
        }
        cc_skiplist_make_room(list, self, full);
    } while (cc_load_relaxed_uptr(&list->index) != before); /* else no memory: puts lose places */
    for (unsigned i = 0; i < put; i++) { /* what so many puts do beside */
        if (cc_load_relaxed_u32(&list->index_work)) {
            cc_skiplist_tend_index(list, self);
        }
        cc_poll(list->map.common.domain, self);
    }
    return put;
}
