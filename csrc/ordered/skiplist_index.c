/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The skip list: nodes go into the index and out of it. index.h has the protocol, skiplist_growth.c
 * changes the size.
 *
 * Promises. An insertion or a removal touches the bucket of its key, and while the index grows that
 * of the next table.
 *
 * Sizes. A table has become too small when 4.5 of its 6 slots are taken, in the mean; too large
 * when less than one is; and it is to be made anew when a quarter of its buckets had to be passed,
 * since they say so for good. Who changes the list looks at that now and then, and only notes it.
 * While entries are expected (cc_ordered_expect), they count as if they had come.
 *
 * Progress. Lock-free: it begins again only when the current table has been replaced.
 */
#include "skiplist_inside.h"

#include <stdlib.h>

/* Puts that find their bucket half full, and removals, look at the size one in so many times. */
#ifndef CHANGES_PER_LOOK
#define CHANGES_PER_LOOK 16u
#endif

/* Whoever finds all buckets of a key full makes a larger table first: where this one has no more
 * buckets than SMALL_TABLE, and where there are enough entries, at least one in so many slots (0:
 * there are never). */
#ifndef SMALL_TABLE
#define SMALL_TABLE 64u
#endif
#ifndef SLOTS_PER_ENTRY
#define SLOTS_PER_ENTRY 2u
#endif

/* ---------------------------------------------------------------- sizes */

static bool is_too_full(uint64_t buckets, uint64_t entries) {
    return entries * 4 > buckets * 3 * INDEX_SLOTS; /* 4.5 of 6 */
}

static bool is_too_empty(uint64_t buckets, uint64_t entries) {
    return buckets > SMALLEST_TABLE && entries * 6 < buckets * INDEX_SLOTS;
}

static bool was_passed_too_often(const index_table *t) {
    return cc_load_relaxed_u64(&t->passed) > index_buckets(t) / 4;
}

bool cc_skiplist_index_fits(const index_table *t, uint64_t entries) {
    return !is_too_full(index_buckets(t), entries) && !is_too_empty(index_buckets(t), entries) &&
           !was_passed_too_often(t);
}

static void note_work(cc_skiplist *list) {
    if (!cc_load_relaxed_u32(&list->index_work)) { /* its line is everybody's */
        cc_store_relaxed_u32(&list->index_work, 1);
    }
}

/* Is another table wanted in place of t? Then note it. */
static void look_at_size(cc_skiplist *list, const index_table *t) {
    if (!cc_skiplist_index_fits(t, cc_skiplist_entries_to_index(list))) {
        note_work(list);
    }
}

/* ---------------------------------------------------------------- nodes in tables */

/* Two tables are held at a time, by turns as these: a scan that reads one after the other must find
 * the one that we go on with. */
static unsigned other_slot(unsigned slot) {
    return CC_HELD_TABLE + CC_HELD_OTHER_TABLE - slot;
}

/* A held table has no room for some key. Would a larger one? */
static bool larger_one_helps(cc_skiplist *list, const index_table *t) {
    uint64_t buckets = index_buckets(t);
    return buckets <= SMALL_TABLE ||
           cc_ordered_length(&list->map) * SLOTS_PER_ENTRY >= buckets * INDEX_SLOTS;
}

bool cc_skiplist_put_into_table(cc_skiplist *list, index_table *t, uint64_t hash, const node *n,
                                bool again) {
    if (again && index_table_has(t, hash, link_to(n))) {
        return true;
    }
    int taken = index_table_put(t, hash, link_to(n));
    bool is_full = taken < 0 || 2 * (taken + 1) > (int)INDEX_SLOTS;
    if (!t->bytes || (is_full && (hash >> 40) % CHANGES_PER_LOOK == 0)) {
        look_at_size(list, t);
    }
    return taken >= 0;
}

const index_table *cc_skiplist_put_into_index(cc_skiplist *list, cc_smr_guard *g, uint64_t hash,
                                              const node *n, bool again, bool anyhow) {
    for (;; again = true, cc_count_retry(g)) {
        unsigned slot = CC_HELD_TABLE;
        index_table *t = hold_current_table(list, g, slot), *next;
        for (;;) {
            if (!cc_skiplist_put_into_table(list, t, hash, n, again)) {
                if (!anyhow) {
                    return t;
                }
                index_note_loss(t, index_home_of(t, hash));
            }
            /* (17) Store-load: who copies n's bucket sees n, or we see where it is copied to. */
            cc_fence_seq_cst(&list->map.common.domain->era);
            slot = other_slot(slot);
            if (!hold_next_table(list, g, t, slot, &next)) {
                break;
            }
            if (!next) {
                return NULL;
            }
            note_work(list);
            t = next;
            again = true;
        }
    }
}

const index_table *cc_skiplist_index_or_lose(cc_skiplist *list, cc_smr_guard *g, uint64_t hash,
                                             const node *n, bool again, bool *loses) {
    const index_table *full;
    while ((full = cc_skiplist_put_into_index(list, g, hash, n, again, *loses)) != NULL &&
           !larger_one_helps(list, full)) {
        cc_skiplist_become_loser(list);
        *loses = again = true;
    }
    return full;
}

void cc_skiplist_take_from_index(cc_skiplist *list, cc_smr_guard *g, const node *n) {
    uint64_t hash = hash_of(list, n);
    if (!hash) {
        return;
    }
    for (;; cc_count_retry(g)) {
        unsigned slot = CC_HELD_TABLE;
        index_table *t = hold_current_table(list, g, slot), *next;
        for (;;) {
            /* No fence: whoever has put n into t->next had seen it before he left the builders, so
             * we see it (4); and nobody can join them any more. */
            index_table_clear(t, hash, link_to(n));
            slot = other_slot(slot);
            if (!hold_next_table(list, g, t, slot, &next)) {
                break;
            }
            if (!next) {
                if ((hash >> 40) % CHANGES_PER_LOOK == 0) {
                    look_at_size(list, t);
                }
                return;
            }
            note_work(list);
            t = next;
        }
    }
}

/* ---------------------------------------------------------------- begin, end and check */

void cc_skiplist_begin_index(cc_skiplist *list) {
    index_table *t = &list->first_table;
    t->buckets = index_first_line(list->first_buckets);
    cc_store_relaxed_uptr(&list->index, (uintptr_t)t);
}

static index_table *table_at(const cc_atomic_uptr *word) {
    return (index_table *)cc_load_relaxed_uptr(word);
}

void cc_skiplist_free_index(cc_skiplist *list) {
    for (index_table *t = table_at(&list->index), *next; t; t = next) {
        next = table_at(&t->next);
        if (t->bytes) {
            cc_free(t);
        }
    }
}

static int by_address(const void *a, const void *b) {
    uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;
    return x < y ? -1 : x > y;
}

/* The nodes of level 0, sorted by their addresses; NULL: no memory. */
static uintptr_t *sorted_nodes(cc_skiplist *list, size_t entries) {
    uintptr_t *nodes = cc_alloc((entries + 1) * sizeof *nodes);
    size_t count = 0;
    if (nodes) {
        for (node *n = target_of(load_link(&list->head, 0)); n && count < entries;
             n = target_of(load_link(n, 0))) {
            nodes[count++] = (uintptr_t)n;
        }
        qsort(nodes, count, sizeof *nodes, by_address);
    }
    return nodes;
}

static const char *check_table(cc_skiplist *list, const index_table *t, const uintptr_t *nodes,
                               size_t entries) {
    for (uint64_t i = 0; i < index_buckets(t); i++) {
        const index_bucket *b = index_bucket_at(t, i);
        uint64_t state = cc_load_relaxed_u64(&b->state);
        for (unsigned slot = 0; slot < SLOTS_IN_BUCKET; slot++) {
            cc_link_word link = cc_load_relaxed_u32(&b->nodes[slot]);
            uintptr_t n = (uintptr_t)target_of(link);
            uint64_t tag = state >> 8 * slot & 0xff;
            if (!n != !tag) {
                return "a slot of the index is half full";
            }
            if (n && !bsearch(&n, nodes, entries, sizeof n, by_address)) {
                return "the index leads to a node that is not in the list";
            }
            if (n && tag != index_tag(hash_of(list, (const node *)n))) {
                return "a tag of the index is wrong";
            }
        }
    }
    return NULL;
}

static bool is_indexed(cc_skiplist *list, const index_table *t, const node *n) {
    uint64_t hash = hash_of(list, n);
    if (!hash) {
        return cc_load_relaxed_u32(&list->unhashed);
    }
    const index_bucket *home = index_home_of(t, hash);
    return index_table_has(t, hash, link_to(n)) ||
           (cc_load_relaxed_u64(&home->state) & BUCKET_LOST) ||
           /* Then nodes do not tell that they were put without a hash. */
           (!list->map.common.words->hash && cc_load_relaxed_u32(&list->unhashed));
}

const char *cc_skiplist_check_index(cc_skiplist *list, size_t entries, uint64_t *bytes) {
    const index_table *current = table_at(&list->index);
    const char *wrong = NULL;
    uintptr_t *nodes = sorted_nodes(list, entries); /* without memory: less is known */
    for (const index_table *t = current; t; t = table_at(&t->next)) {
        *bytes += t->bytes;
        if (nodes && !wrong) {
            wrong = check_table(list, t, nodes, entries);
        }
    }
    cc_free(nodes);
    for (node *n = target_of(load_link(&list->head, 0)); n && !wrong;
         n = target_of(load_link(n, 0))) {
        if (!is_indexed(list, current, n)) {
            wrong = "the index does not lead to a node of the list";
        }
    }
    return wrong;
}

#if defined(CC_DEBUG_INVARIANTS) && defined(CC_SCHED)
void cc_skiplist_check_not_indexed(cc_skiplist *list, const node *dead) {
    for (const index_table *t = (const index_table *)atomic_load(&list->index.word); t;
         t = (const index_table *)atomic_load(&t->next.word)) {
        for (uint64_t i = 0; i < index_buckets(t); i++) {
            for (unsigned slot = 0; slot < INDEX_SLOTS; slot++) {
                CC_INVARIANT(atomic_load(&t->buckets[i].nodes[slot].word) != link_to(dead));
            }
        }
    }
}
#endif
