/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The skip list: its index grows and shrinks. index.h has the protocol.
 *
 * Promises. What that costs is shared: each change of the list copies BUCKETS_AT_ONCE buckets, or
 * looks whether BUCKETS_LOOKED_AT of them have been copied. The memory is made by one thread,
 * outside of regions. Without memory the old table fills up, and what finds no room is lost: keys
 * with that home are searched for, until there is memory again and the next table has been healed.
 * That is one walk along the list, by one thread, once for a table.
 *
 * Who makes the next table. `making_next` says that somebody is at it. He may have stopped, or be
 * in the process that this one was forked from; so when the entries have changed by an eighth since
 * then, another one does it as well, and the slower one's table is freed.
 *
 * Copying. Buckets are handed out in order by `claimed`. When none is left, one looks at all of
 * them once more, `copied` says how far, and those are copied that their first copier has left. Two
 * who copy the same bucket do it twice, to no harm.
 *
 * Progress. Lock-free. Nobody waits for a copier, or for memory.
 */
#include "skiplist_inside.h"

#ifndef BUCKETS_AT_ONCE
#define BUCKETS_AT_ONCE 4u
#endif
#ifndef BUCKETS_LOOKED_AT
#define BUCKETS_LOOKED_AT 32u
#endif

/* ---------------------------------------------------------------- copying */

/* A write phase without a read phase before it: what is used is protected by itself. */
CC_NEVER_INLINE void begin_writing(cc_smr_guard *g) {
    CC_CHECKPOINT(g);
    cc_end_reading(g);
}

/* We have copied n, and are the last one out. The sweep is a read phase, so nothing is held any
 * more. The caller has reserved a record. */
static void retire_copied(cc_skiplist *list, cc_smr_guard *g, node *n) {
    cc_leftovers left = {0};
    cc_skiplist_last_one_out(list, g, NULL, n, &left);
    cc_count_entries(&list->map.common, g->thread, 0, -(int64_t)left.node_bytes);
    cc_retire_to_limbo(list->map.common.domain, g->thread, cc_take_spare(g->thread), left.node,
                       CC_RETIRED_OWN, left.node_birth, left.node_bytes);
}

/* As one of its builders. Where there is no room, and it may not be linked yet, its inserter does
 * not know, so nobody will say when it is: nothing is healed any more. */
static void copy_node(cc_skiplist *list, index_table *next, const node *n) {
    uint64_t hash = hash_of(list, n);
    if (!cc_skiplist_put_into_table(list, next, hash, n, true)) {
        if (!(cc_load_acquire_u64(&n->slot.birth) & CC_LINKED)) { /* (4) */
            cc_skiplist_become_loser(list); /* for good */
        }
        index_note_loss(next, index_home_of(next, hash));
    }
}

/* Copy what is in a bucket of t to `next`. False: not to the end, look at everything anew. In a
 * write phase that holds both. */
static bool copy_bucket(cc_skiplist *list, cc_smr_guard *g, index_table *t, index_table *next,
                        uint64_t number) {
    index_bucket *b = index_bucket_at(t, number);
    uint64_t state = cc_load_acquire_u64(&b->state);
    if (state & BUCKET_COPIED) {
        return true;
    }
    for (uint64_t m = state & TAKEN_BITS; m; m &= m - 1) {
        CC_PREFETCH(target_of(cc_load_relaxed_u32(&b->nodes[index_first_slot(m)])));
    }
    for (uint64_t m = state & TAKEN_BITS; m; m &= m - 1) {
        node *n = target_of(
            cc_protect_and_hold_reference(g, &b->nodes[index_first_slot(m)], CC_HELD_NODES));
        if (cc_load_acquire_uptr(&list->index) != (uintptr_t)t) { /* rule C */
            return false;
        }
        if (!n || !cc_join_builders(&n->slot.birth)) { /* rule A */
            continue;
        }
        copy_node(list, next, n);
        if (cc_leave_builders(&n->slot.birth)) {
            retire_copied(list, g, n);
            return false;
        }
    }
    if (state & BUCKET_LOST) {
        index_pass_on_loss(t, next, number);
    }
    index_set_flag(b, BUCKET_COPIED);
    return true;
}

/* All of t is in `next`. */
static void replace_table(cc_skiplist *list, cc_smr_guard *g, index_table *t, index_table *next) {
    cc_thread *self = g->thread;
    uintptr_t expected = (uintptr_t)t;
    if (!cc_cas_seq_cst_uptr(&list->index, &expected, (uintptr_t)next)) {
        return;
    }
    cc_store_relaxed_u32(&list->index_work, cc_load_relaxed_u32(&next->lost));
    if (t->bytes) {
        cc_count_entries(&list->map.common, self, 0, -(int64_t)t->bytes);
        cc_retire_to_limbo(list->map.common.domain, self, cc_take_spare(self), (uintptr_t)t,
                           RETIRED_TABLE, t->birth, t->bytes);
    }
}

/* A part of it. In a write phase that holds both. */
static void copy_some(cc_skiplist *list, cc_smr_guard *g, index_table *t, index_table *next) {
    uint64_t buckets = index_buckets(t);
    /* (17) With `next` in sight: those who do not see it yet have put their nodes where we see
     * them. */
    cc_fence_seq_cst(&list->map.common.domain->era);
    if (cc_load_relaxed_u64(&t->claimed) < buckets) {
        uint64_t first = cc_fetch_add_acq_rel_u64(&t->claimed, BUCKETS_AT_ONCE);
        for (uint64_t i = first; i < first + BUCKETS_AT_ONCE && i < buckets; i++) {
            if (!copy_bucket(list, g, t, next, i)) {
                return;
            }
        }
        if (first + BUCKETS_AT_ONCE < buckets) {
            return;
        }
    }
    uint64_t was = cc_load_acquire_u64(&t->copied), copied = was;
    for (unsigned i = 0; i < BUCKETS_LOOKED_AT && copied < buckets; i++, copied++) {
        if (!copy_bucket(list, g, t, next, copied)) {
            return;
        }
    }
    while (was < copied && !cc_cas_acq_rel_u64(&t->copied, &was, copied)) {
    }
    if (copied == buckets) {
        replace_table(list, g, t, next);
    }
}

/* ---------------------------------------------------------------- healing */

typedef enum heal_answer { HEAL_IS_OVER, HEAL_GOES_ON } heal_answer;

/* Have all homes that say LOST say HEALING as well. False: there are none, or there is a loser. In
 * a write phase that holds the table. */
static bool mark_homes(const cc_skiplist *list, const index_table *t) {
    bool any = false;
    for (uint64_t i = 0; i < index_buckets(t); i++) {
        index_bucket *b = index_bucket_at(t, i);
        if (cc_load_relaxed_u64(&b->state) & BUCKET_LOST) {
            index_set_flag(b, BUCKET_HEALING);
            any = true;
        }
    }
    return any && cc_load_acquire_u32(&list->losers) == 0; /* (21) */
}

/* What is in the list is in the index now: so homes have lost nothing. The same. */
static void heal_homes(const index_table *t) {
    for (uint64_t i = 0; i < index_buckets(t); i++) {
        index_bucket *b = index_bucket_at(t, i);
        uint64_t state = cc_load_relaxed_u64(&b->state);
        while (state & BUCKET_HEALING &&
               !cc_cas_acq_rel_u64(&b->state, &state, state & ~(BUCKET_HEALING | BUCKET_LOST))) {
        }
    }
}

/* The table that is to be healed, held; NULL: it is not current any more. In a write phase. */
static index_table *hold_healed(cc_skiplist *list, cc_smr_guard *g, uint64_t number) {
    index_table *t = hold_current_table(list, g, CC_HELD_TABLE);
    return t->number == number ? t : NULL;
}

/* Put n, which is held, into the index if its home is marked. In a write phase. True: we are the
 * last one out of n. */
static bool heal_node(cc_skiplist *list, cc_smr_guard *g, const index_table *t, node *n) {
    uint64_t hash = hash_of(list, n);
    if (!hash || !(cc_load_acquire_u64(&index_home_of(t, hash)->state) & BUCKET_HEALING) ||
        !cc_join_builders(&n->slot.birth)) {
        return false;
    }
    cc_skiplist_put_into_index(list, g, hash, n, true, true);
    return cc_leave_builders(&n->slot.birth);
}

#ifndef MOST_HEALING_STARTS
#define MOST_HEALING_STARTS 16u
#endif

/* A read phase that goes through the list; each node is a moment of a write phase. When others are
 * in the way, or neutralize us, it starts at the head: *starts times, and no more. */
CC_NEVER_INLINE heal_answer walk_and_heal(cc_skiplist *list, cc_smr_guard *g, uint64_t number,
                                          unsigned *starts) {
    CC_CHECKPOINT(g);
    cc_list_place place;
    bool is_lost = true;
    for (;;) {
        if (is_lost) {
            if (*starts == 0) {
                cc_end_reading(g);
                return HEAL_IS_OVER;
            }
            --*starts;
            place = place_behind(g, &list->head, 0);
        }
        is_lost = !cc_help_unlink(g, false, offset_of_level(0), &place);
        if (is_lost) {
            continue;
        }
        node *n = node_at(&place);
        cc_hold(g, CC_HELD_NODES, (uintptr_t)n);
        cc_end_reading(g);
        index_table *t = hold_healed(list, g, number);
        if (!t) {
            return HEAL_IS_OVER;
        }
        if (!n) {
            heal_homes(t);
            return HEAL_IS_OVER;
        }
        if (heal_node(list, g, t, n)) {
            retire_copied(list, g, n);
            return HEAL_GOES_ON;
        }
        cc_resume_reading(g);
        cc_list_advance(offset_of_level(0), &place);
    }
}

/* Outside of regions. A thread that stops in here, or is disturbed too often (a put could be kept
 * for as long as others remove), leaves the table as it is: the next one may be healed. The walk is
 * one region: what is retired meanwhile waits. */
static void heal(cc_skiplist *list, cc_thread *self, uint64_t number) {
    cc_smr_guard g;
    heal_answer answer = HEAL_GOES_ON;
    unsigned starts = MOST_HEALING_STARTS;
    while (answer == HEAL_GOES_ON && cc_reserve(self, 3) == 0) {
        cc_enter_as(self, list->map.common.domain, &g);
        begin_writing(&g);
        const index_table *t = hold_healed(list, &g, number);
        answer = t && mark_homes(list, t) ? walk_and_heal(list, &g, number, &starts) : HEAL_IS_OVER;
        cc_leave(&g);
    }
}

/* ---------------------------------------------------------------- growing and shrinking */

static uint64_t buckets_for(uint64_t entries) {
    uint64_t buckets = SMALLEST_TABLE;
    while (entries * 3 > buckets * 2 * INDEX_SLOTS) { /* 4 of 6 */
        buckets *= 2;
    }
    return buckets;
}

/* What is to be done: nothing, copying (a part of which has been done), or making another table. */
typedef struct index_wish {
    const index_table *of; /* only to compare with */
    uint64_t buckets; /* of the table to make; 0: none */
    uint64_t healed; /* the number of the table to heal; 0: none */
    bool more;
} index_wish;

/* May we make the next table? Not when somebody else is at it. */
static bool may_make_next(index_table *t, uint64_t entries) {
    uint64_t was = cc_load_relaxed_u64(&t->making_next);
    uint64_t change = was > entries + 1 ? was - entries - 1 : entries + 1 - was;
    return (was == 0 || change * 8 > was) && cc_cas_acq_rel_u64(&t->making_next, &was, entries + 1);
}

static index_wish tend_in_region(cc_skiplist *list, cc_smr_guard *g, const index_table *full) {
    index_wish wish = {0};
    begin_writing(g);
    index_table *t = hold_current_table(list, g, CC_HELD_TABLE), *next;
    if (!hold_next_table(list, g, t, CC_HELD_OTHER_TABLE, &next)) {
        wish.more = true;
        return wish;
    }
    if (next) {
        wish.more = true;
        copy_some(list, g, t, next);
        return wish;
    }
    uint64_t entries = cc_skiplist_entries_to_index(list);
    uint64_t slots = index_buckets(t) * INDEX_SLOTS;
    if (t == full && entries < slots) { /* not all that are in the table are counted yet */
        entries = slots;
    }
    uint32_t nobody = 0;
    if (cc_skiplist_index_fits(t, entries)) {
        cc_store_relaxed_u32(&list->index_work, 0);
        if (cc_load_relaxed_u32(&t->lost) && cc_load_acquire_u32(&list->losers) == 0 && t->number &&
            cc_cas_acq_rel_u32(&t->healer, &nobody, 1)) {
            wish.healed = t->number;
        }
    } else if (may_make_next(t, entries) || t == full) {
        wish = (index_wish){.of = t, .buckets = buckets_for(entries), .more = true};
    }
    return wish;
}

/* Put a new table in place as t's `next`. Returns whether it is there; else it is the caller's. */
static bool set_next(cc_skiplist *list, cc_smr_guard *g, const index_table *of,
                     index_table *larger) {
    begin_writing(g);
    index_table *t = hold_current_table(list, g, CC_HELD_TABLE);
    uintptr_t none = 0;
    const size_t bytes = larger->bytes; /* once it is in place, anybody may replace and retire it */
    if (t != of || !cc_cas_seq_cst_uptr(&t->next, &none, (uintptr_t)larger)) {
        return false;
    }
    cc_count_entries(&list->map.common, g->thread, 0, (int64_t)bytes);
    cc_store_relaxed_u32(&list->index_work, 1);
    return true;
}

static void let_others_make_next(cc_skiplist *list, cc_smr_guard *g, const index_table *of) {
    begin_writing(g);
    index_table *t = hold_current_table(list, g, CC_HELD_TABLE);
    if (t == of) {
        cc_store_relaxed_u64(&t->making_next, 0);
    }
    cc_store_relaxed_u32(&list->index_work, 0); /* until the next look at the size */
}

static bool tend(cc_skiplist *list, cc_thread *self, const index_table *full) {
    cc_smr_domain *d = list->map.common.domain;
    cc_smr_guard g;
    if (cc_reserve(self, 3)) { /* a node, or the table that is replaced; two are the operation's */
        return false;
    }
    cc_enter_as(self, d, &g);
    index_wish wish = tend_in_region(list, &g, full);
    cc_leave(&g);
    if (wish.healed) {
        heal(list, self, wish.healed);
    }
    if (!wish.buckets) {
        return wish.more;
    }
    index_table *larger = index_table_new(wish.buckets, cc_birth_now(&list->map.common));
    if (larger) {
        larger->number = cc_fetch_add_relaxed_u64(&list->tables, 1) + 1;
    }
    cc_enter_as(self, d, &g);
    bool is_in_place = false;
    if (larger) {
        is_in_place = set_next(list, &g, wish.of, larger);
    } else {
        let_others_make_next(list, &g, wish.of);
    }
    cc_leave(&g);
    if (!is_in_place) {
        cc_free(larger);
    }
    return larger != NULL;
}

bool cc_skiplist_tend_index(cc_skiplist *list, cc_thread *self) {
    return tend(list, self, NULL);
}

/* Until the table that is current now is not any more, or there is nothing to do. */
static void tend_to_the_end(cc_skiplist *list, cc_thread *self) {
    const uintptr_t first = cc_load_relaxed_uptr(&list->index);
    while (tend(list, self, NULL) && cc_load_relaxed_uptr(&list->index) == first) {
    }
}

void cc_skiplist_make_room(cc_skiplist *list, cc_thread *self, const index_table *full) {
    if (tend(list, self, full)) {
        tend_to_the_end(list, self);
    }
}

void cc_skiplist_fit_index(cc_skiplist *list, cc_thread *self) {
    tend_to_the_end(list, self);
}

/* Whoever gives the hint makes the table and copies what is there. A thread that stops before it
 * has taken the hint back leaves the index as large as that: until the next hint is taken back. */
void cc_skiplist_expect(cc_ordered *map, size_t entries) {
    cc_skiplist *list = (cc_skiplist *)map;
    cc_thread *self = cc_thread_self();
    /* No index has to lead to more nodes than there are references. */
    cc_store_relaxed_u64(&list->expected, entries < UINT32_MAX ? entries : UINT32_MAX);
    if (self) {
        cc_skiplist_fit_index(list, self);
    }
}
