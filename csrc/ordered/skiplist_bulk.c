/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The skip list as a whole: clear, freeing, what the garbage collector visits, its levels, the
 * check, and the table of operations.
 *
 * Promises. clear removes every entry that is there when it begins. An entry that is put meanwhile
 * may be removed or stay: the list need not be empty at any point. Without memory a
 * part is removed, and the list is in order.
 *
 * How clear works. It moves the clock on, kills what was made before, block by block in regions of
 * their own, takes each out of the index, unlinks the dead level by level, and retires the nodes
 * that are its own to retire; then it makes the index smaller. It compares nothing. What there is
 * no memory to retire is put aside, for the next clear or flush.
 *
 * Linearization points. clear: of each entry, the CAS of its value to the tombstone.
 *
 * Progress. Lock-free; a stream of new entries cannot keep a clear busy, since they are younger.
 *
 * Pairs of releases and acquires:
 *   (6) putting nodes aside with the exchange that takes them: what stands in the blocks.
 */
#include "skiplist_inside.h"

/* ---------------------------------------------------------------- clear */

/* Nodes that a clear has killed and must retire. */
#ifndef NODES_PER_BLOCK
#define NODES_PER_BLOCK 4096u
#endif

typedef struct block_of_nodes {
    struct block_of_nodes *next;
    unsigned count;
    node *nodes[NODES_PER_BLOCK];
} block_of_nodes;

/* Values are retired between regions, so that few of them wait. No more than a thread keeps spare
 * records. */
#ifndef MOST_KILLED_AT_ONCE
#define MOST_KILLED_AT_ONCE 64u
#endif

typedef struct killed {
    unsigned count, room;
    uintptr_t values[MOST_KILLED_AT_ONCE];
    uint64_t births[MOST_KILLED_AT_ONCE];
} killed;

/* A read phase, in which each killing is a moment of a write phase; what is killed stays so at a
 * second start. */
CC_NEVER_INLINE void walk_and_kill(cc_skiplist *list, cc_smr_guard *g, block_of_nodes *block,
                                   uint64_t newest, killed *k) {
    CC_CHECKPOINT(g);
    cc_list_place place = place_behind(g, &list->head, 0);
    while (k->count < k->room && block->count < NODES_PER_BLOCK) {
        if (!cc_help_unlink(g, false, offset_of_level(0), &place)) {
            place = place_behind(g, &list->head, 0);
            continue;
        }
        node *current = node_at(&place);
        if (!current) {
            break;
        }
        if (birth_of(current) > newest) { /* inserted since the clear began: stays */
            cc_list_advance(offset_of_level(0), &place);
            continue;
        }
        cc_hold(g, CC_HELD_NODES, (uintptr_t)current);
        cc_end_reading(g);
        cc_leftovers left = {0}; /* not before: see CC_MOST_STACK */
        bool ours = swap_value(list, g, current, CC_TOMBSTONE, NULL, &left) == CC_FOUND;
        mark_dead(list, g, current); /* the next cc_help_unlink unlinks it */
        if (ours) {
            k->values[k->count] = left.value;
            k->births[k->count] = left.value_birth;
            k->count++;
            if (cc_set_removed(&current->slot.birth)) {
                cc_skiplist_take_from_index(list, g, current); /* rule B of index.h */
                block->nodes[block->count++] = current;
            }
        }
        cc_resume_reading(g);
    }
    cc_end_reading(g);
}

/* As many values as there is memory for to retire them. */
static unsigned room_for_killed(cc_skiplist *list, cc_thread *self) {
    size_t wanted = cc_ordered_length(&list->map);
    wanted = wanted < 1 ? 1 : wanted > MOST_KILLED_AT_ONCE ? MOST_KILLED_AT_ONCE : wanted;
    if (!list->map.common.words->release || cc_reserve(self, (unsigned)wanted) == 0) {
        return (unsigned)wanted;
    }
    return self->spare_count;
}

/* Kill some entries that were made in era `newest` or before; the nodes that are ours to retire go
 * to `block`. Returns how many entries were removed (0: there are no more), or -1 without
 * memory. */
static int64_t kill_some(cc_skiplist *list, cc_thread *self, block_of_nodes *block,
                         uint64_t newest) {
    cc_smr_guard g;
    killed k;
    k.count = 0;
    k.room = room_for_killed(list, self);
    if (k.room == 0) {
        return -1;
    }
    cc_enter_as(self, list->map.common.domain, &g);
    walk_and_kill(list, &g, block, newest, &k);
    cc_leave(&g);
    cc_retired *records = NULL; /* all of them first: foreign code uses spare ones up */
    for (unsigned i = 0; i < k.count && list->map.common.words->release; i++) {
        cc_retired *r = cc_take_spare(self);
        r->next = records;
        records = r;
    }
    for (unsigned i = 0; records; i++) {
        cc_retired *r = records;
        records = r->next;
        cc_retire(list->map.common.domain, self, r, k.values[i], CC_RETIRED_VALUE, k.births[i], 0);
    }
    return k.count;
}

/* Unlink every marked node from every level. */
static void unlink_all_dead(cc_skiplist *list, cc_thread *self) {
    for (int level = (int)cc_load_acquire_u32(&list->top) - 1; level >= 0; level--) {
        cc_smr_guard g;
        cc_enter_as(self, list->map.common.domain, &g);
        cc_skiplist_unlink_dead(list, &g, level);
        cc_leave(&g);
    }
}

static void put_aside(cc_skiplist *list, block_of_nodes *blocks) {
    block_of_nodes *last = blocks;
    while (last->next) {
        last = last->next;
    }
    uintptr_t head = cc_load_relaxed_uptr(&list->aside);
    do {
        last->next = (block_of_nodes *)head;
    } while (!cc_cas_acq_rel_uptr(&list->aside, &head, (uintptr_t)blocks)); /* (6) */
}

/* Retire nodes that nothing leads to. Where there is no memory for a record, the rest is put
 * aside. */
static void retire_nodes(cc_skiplist *list, cc_thread *self, block_of_nodes *blocks) {
    while (blocks) {
        block_of_nodes *b = blocks;
        while (b->count) {
            if (cc_reserve(self, 1)) {
                put_aside(list, blocks);
                return;
            }
            node *n = b->nodes[--b->count];
            cc_skiplist_check_unreachable(list, n);
            cc_retire_own(&list->map.common, self, cc_take_spare(self), (uintptr_t)n, birth_of(n),
                          bytes_of(n));
        }
        blocks = b->next;
        cc_free(b);
    }
}

/* For those who see to it that nobody takes it. */
static const block_of_nodes *first_aside(const cc_skiplist *list) {
    return (const block_of_nodes *)cc_load_relaxed_uptr(&list->aside);
}

static block_of_nodes *take_aside(cc_skiplist *list) {
    return (block_of_nodes *)cc_exchange_acq_rel_uptr(&list->aside, 0); /* pairs with (6) */
}

cc_status cc_skiplist_clear(cc_ordered *map) {
    cc_skiplist *list = (cc_skiplist *)map;
    block_of_nodes *blocks = NULL;
    cc_status status = CC_FOUND;
    cc_thread *self = cc_thread_self();
    if (!self) {
        return CC_NO_MEMORY;
    }
    /* The clock moves on here, so that what is made from now on can be told apart, and stays: a
     * stream of new entries cannot keep the clear busy. */
    uint64_t newest = cc_fetch_add_seq_cst_u64(&list->map.common.domain->era, 1) & CC_ERA_MASK;
    for (int64_t n = 1; n > 0;) {
        if (!blocks || blocks->count == NODES_PER_BLOCK) {
            block_of_nodes *b = cc_alloc(sizeof *b);
            if (!b) {
                status = CC_NO_MEMORY;
                break;
            }
            b->next = blocks;
            b->count = 0;
            blocks = b;
        }
        n = kill_some(list, self, blocks, newest);
        if (n < 0) {
            status = CC_NO_MEMORY;
        }
    }
    unlink_all_dead(list, self);
    retire_nodes(list, self, blocks);
    retire_nodes(list, self, take_aside(list));
    cc_skiplist_fit_index(list, self);
    return status;
}

void cc_skiplist_retire_remainder(cc_ordered *map) {
    cc_skiplist *list = (cc_skiplist *)map;
    cc_thread *self = cc_load_relaxed_uptr(&list->aside) ? cc_thread_self() : NULL;
    if (self) {
        retire_nodes(list, self, take_aside(list));
    }
}

/* ---------------------------------------------------------------- making and freeing */

void cc_skiplist_begin(cc_ordered *map) {
    cc_skiplist *list = (cc_skiplist *)map;
    cc_store_relaxed_u32(&list->top, 1);
    list->head.birth_kind_height = (uint64_t)MAX_HEIGHT << 56;
    cc_skiplist_begin_index(list);
}

static void free_node(const cc_word_table *words, node *n) {
    uintptr_t key = key_of(n);
    free_block_of(n);
    cc_release_word(words, key);
}

void cc_skiplist_release_retired(const void *context, uintptr_t word, unsigned kind) {
    switch (kind) {
    case RETIRED_NODE:
        free_node(context, (node *)word);
        break;
    case RETIRED_TABLE:
        cc_free((void *)word);
        break;
    case CC_RETIRED_COLLECTOR:
        cc_release_collector(context, word);
        break;
    default:
        cc_release_word(context, word);
    }
}

static void free_all_aside(cc_skiplist *list) {
    for (block_of_nodes *b = take_aside(list), *next; b; b = next) {
        next = b->next;
        while (b->count) {
            free_node(list->map.common.words, b->nodes[--b->count]);
        }
        cc_free(b);
    }
}

void cc_skiplist_end(cc_ordered *map) {
    cc_skiplist *list = (cc_skiplist *)map;
    const cc_word_table *words = map->common.words;
    node *n = target_of(load_link(&list->head, 0));
    while (n) {
        node *next = target_of(load_link(n, 0));
        uintptr_t value = cc_load_relaxed_uptr(&n->slot.value);
        if (value != CC_TOMBSTONE) {
            cc_release_word(words, value);
        }
        free_node(words, n);
        n = next;
    }
    free_all_aside(list);
    cc_skiplist_free_index(list);
    cc_forget_collector(&map->common);
}

/* ---------------------------------------------------------------- visiting */

int cc_skiplist_visit_retired(uintptr_t word, unsigned kind,
                              int (*visit)(uintptr_t word, void *argument), void *argument) {
    uintptr_t key = kind == RETIRED_NODE ? key_of((const node *)word) : 0;
    return key ? visit(key, argument) : 0;
}

int cc_skiplist_visit(cc_ordered *map, int (*visit)(uintptr_t word, void *argument),
                      void *argument) {
    cc_skiplist *list = (cc_skiplist *)map;
    int answer;
    for (node *n = target_of(load_link(&list->head, 0)); n; n = target_of(load_link(n, 0))) {
        uintptr_t value = cc_load_relaxed_uptr(&n->slot.value);
        uintptr_t key = key_of(n);
        if (key && (answer = visit(key, argument))) {
            return answer;
        }
        if (value != CC_TOMBSTONE && value && (answer = visit(value, argument))) {
            return answer;
        }
    }
    for (const block_of_nodes *b = first_aside(list); b; b = b->next) {
        for (unsigned i = 0; i < b->count; i++) {
            uintptr_t key = key_of(b->nodes[i]);
            if (key && (answer = visit(key, argument))) {
                return answer;
            }
        }
    }
    return 0;
}

/* ---------------------------------------------------------------- levels */

/* Each upper level is walked as by a clear; so levels are of different moments. */
unsigned cc_skiplist_levels(cc_ordered *map, uint64_t *counts, unsigned room) {
    cc_skiplist *list = (cc_skiplist *)map;
    cc_thread *self = cc_thread_self();
    unsigned top = (unsigned)cc_load_acquire_u32(&list->top); /* (3) */
    if (!self || !room) {
        return 0;
    }
    counts[0] = cc_ordered_length(map);
    top = top < room ? top : room;
    for (unsigned level = 1; level < top; level++) {
        cc_smr_guard g;
        cc_enter_as(self, list->map.common.domain, &g);
        counts[level] = cc_skiplist_unlink_dead(list, &g, (int)level);
        cc_leave(&g);
    }
    return top;
}

/* ---------------------------------------------------------------- checking */

/* Order on every level, every level a subset of the one below, no marked or dead node linked, all
 * of them and nothing else in the index, counts right. */
const char *cc_skiplist_check(cc_ordered *map) {
    cc_skiplist *list = (cc_skiplist *)map;
    size_t entries = 0;
    int64_t counted = cc_sum_of_entries(map);
    uint64_t bytes = 0;
    int top = (int)cc_load_relaxed_u32(&list->top);
    for (int level = 0; level < MAX_HEIGHT; level++) {
        node *below = &list->head;
        node *n = target_of(load_link(&list->head, level));
        if (n && level >= top) {
            return "a level above the top is in use";
        }
        const node *previous = NULL;
        for (; n; n = target_of(load_link(n, level))) {
            uint64_t state = cc_load_relaxed_u64(&n->slot.birth);
            if (cc_is_marked(load_link(n, level))) {
                return "a marked node is linked";
            }
            if (cc_load_relaxed_uptr(&n->slot.value) == CC_TOMBSTONE || (state & CC_REMOVED)) {
                return "a dead node is linked";
            }
            if (CC_BUILDERS(state)) {
                return "a node has builders";
            }
            if (!(state & CC_LINKED)) {
                return "a node is linked and does not say so";
            }
            if (height_of(n) <= level) {
                return "a node is linked above its height";
            }
            if (previous && kind_of(previous) == kind_of(n) &&
                (previous->digest > n->digest ||
                 (previous->digest == n->digest && !(key_of(previous) | key_of(n))))) {
                return "keys are out of order";
            }
            previous = n;
            if (level == 0) {
                if ((int64_t)++entries > counted) { /* perhaps round in a circle */
                    return "more nodes are linked than are counted";
                }
                bytes += bytes_of(n);
            } else {
                while (below && below != n) {
                    below = target_of(load_link(below, level - 1));
                }
                if (!below) {
                    return "a node is linked on a level but not on the one below";
                }
            }
        }
    }
    if (counted != (int64_t)entries) {
        return "the count of entries is wrong";
    }
    const char *wrong = cc_skiplist_check_index(list, entries, &bytes);
    if (wrong) {
        return wrong;
    }
    for (const block_of_nodes *b = first_aside(list); b; b = b->next) {
        for (unsigned i = 0; i < b->count; i++) {
            bytes += bytes_of(b->nodes[i]);
        }
    }
    if (cc_sum_of_bytes(map) != bytes) {
        return "the count of bytes is wrong";
    }
    return NULL;
}

/* ---------------------------------------------------------------- the table */

const cc_ordered_operations cc_skiplist_operations = {
    .bytes = sizeof(cc_skiplist) + MAX_HEIGHT * sizeof(cc_link),
    .get = cc_skiplist_get,
    .put = cc_skiplist_put,
    .replace_exact = cc_skiplist_replace_exact,
    .remove = cc_skiplist_remove,
    .neighbour = cc_skiplist_neighbour,
    .pop_end = cc_skiplist_pop_end,
    .scan_up = cc_skiplist_scan_up,
    .scan_down = cc_skiplist_scan_down,
    .sample = cc_skiplist_sample,
    .scan_for_snapshot = cc_skiplist_scan_for_snapshot,
    .append = cc_skiplist_append,
    .expect = cc_skiplist_expect,
    .clear = cc_skiplist_clear,
    .begin = cc_skiplist_begin,
    .end = cc_skiplist_end,
    .release_retired = cc_skiplist_release_retired,
    .retire_remainder = cc_skiplist_retire_remainder,
    .visit = cc_skiplist_visit,
    .visit_retired = cc_skiplist_visit_retired,
    .levels = cc_skiplist_levels,
    .check = cc_skiplist_check,
};
