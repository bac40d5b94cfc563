/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of the skip list share: nodes, positions, and seeking. skiplist.c has the
 * overview.
 *
 * Positions. The positions that a CAS goes by come from one uninterrupted pass, from the head down.
 *
 * Never in front of an equal key. A live node is never linked, on any level, in front of a dead one
 * with an equal key: a sweep, which stops at the first key that is not smaller, would not reach the
 * dead one. seek() starts over when an upper level shows an equal node that level 0 does not.
 *
 * Progress. A search starts over only when somebody else has changed a link that it was about to
 * use.
 *
 * Limits. 16 levels with p = 1/4: expected time is O(log n) to 4^16 entries.
 *
 * Pairs of releases and acquires:
 *   (3) the store that raises `top` with the load in seek: a level in use is searched.
 */
#ifndef CC_SKIPLIST_INSIDE_H
#define CC_SKIPLIST_INSIDE_H

#include "harris_list.h"
#include "index.h"
#include "skiplist.h"
#include "snapshot.h"

#ifndef MAX_HEIGHT
#define MAX_HEIGHT 16
#endif

/* Nodes that a scan visits in one region; longer regions would pin more of what dies meanwhile. */
#ifndef MOST_NODES_PER_REGION
#define MOST_NODES_PER_REGION 4096u
#endif

/* A node lies in the arena. A key whose digest is not all of it has a word: that lies in front of
 * the node, in the same block; the nodes of other keys do without. */
typedef struct cc_skiplist_node {
    cc_value_slot slot; /* builders, LINKED and REMOVED are above the birth */
    uint64_t birth_kind_height; /* immutable: era (48), kind (8), height (6), two flags */
    uint64_t digest; /* immutable */
    cc_link next[]; /* one per level; CC_MARK: dead on this level; CC_UNLINKED */
} node;

#define HAS_WORD (UINT64_C(1) << 63)
#define IN_LOCKED_LIST (UINT64_C(1) << 62) /* skiplist_locked.c */

_Static_assert(sizeof(node) >= CC_ARENA_LEAST &&
                   sizeof(uintptr_t) + sizeof(node) + MAX_HEIGHT * sizeof(cc_link) <= CC_ARENA_MOST,
               "the arena has blocks for nodes");

typedef struct cc_skiplist {
    cc_ordered map; /* first */
    cc_atomic_u32 top; /* levels in use, at least 1; only grows */
    cc_atomic_uptr index; /* index_table *: the current one */
    cc_atomic_u32 unhashed; /* 1: a key without a hash has been put, once; see index.h */
    cc_atomic_u32 index_work; /* 1: the index wants to grow or shrink, or is about to */
    cc_atomic_u32
        losers; /* who has lost a node that need not be linked yet; see Healing in index.h */
    cc_atomic_u64 expected; /* entries that are going to be there (cc_ordered_expect), or 0 */
    cc_atomic_u64 tables; /* of the index, that there have ever been, but for the first */
    cc_atomic_uptr aside; /* block_of_nodes *: what a clear had no memory to retire; usually NULL */
    index_table first_table;
    char first_buckets[LINE_BYTES + BUCKET_BYTES]; /* of which one is on a line boundary */
    node head; /* its next[] has MAX_HEIGHT entries; must be last */
} cc_skiplist;

enum { RETIRED_NODE = CC_RETIRED_OWN, RETIRED_TABLE };

_Static_assert(CC_HELD_NODES + 2 * MAX_HEIGHT <= CC_MOST_HELD, "a whole position can be held");
_Static_assert(MAX_HEIGHT <= CC_MOST_LEVELS, "a caller's array has room for all levels");

/* ---------------------------------------------------------------- nodes */

static inline unsigned kind_of(const node *n) {
    return (unsigned)(n->birth_kind_height >> CC_ERA_BITS) & 0xffu;
}

static inline int height_of(const node *n) {
    return (int)(n->birth_kind_height >> 56 & 0x3f);
}

static inline uint64_t birth_of(const node *n) {
    return n->birth_kind_height & CC_ERA_MASK;
}

/* What lies in front of the node, in its block. */
static inline size_t bytes_in_front(const node *n) {
    return n->birth_kind_height & HAS_WORD ? sizeof(uintptr_t) : 0;
}

static inline size_t bytes_of(const node *n) {
    return cc_arena_block_bytes(bytes_in_front(n) + sizeof(node) +
                                (size_t)height_of(n) * sizeof(cc_link));
}

/* Immutable, owned; 0: the digest is the key. */
static inline uintptr_t key_of(const node *n) {
    return n->birth_kind_height & HAS_WORD ? ((const uintptr_t *)n)[-1] : 0;
}

/* Hand out n's entry with this value, which the caller holds, as it does n. */
static inline void acquire_entry(cc_skiplist *list, const node *n, uintptr_t value,
                                 cc_entry *entry) {
    cc_acquire_word(&list->map.common, value);
    cc_acquire_word(&list->map.common, key_of(n));
    *entry = (cc_entry){n->digest, key_of(n), value, (uint8_t)kind_of(n)};
}

static inline void free_block_of(node *n) {
    cc_arena_free((char *)n - bytes_in_front(n), bytes_of(n));
}

/* Where a node has its link of a level. */
static inline size_t offset_of_level(int level) {
    return offsetof(node, next) + (size_t)level * sizeof(cc_link);
}

/* The node that has a link of a level. */
static inline node *owner_of(cc_link *link, int level) {
    return (node *)((char *)link - offset_of_level(level));
}

/* ---------------------------------------------------------------- links
 *
 * What stands in a link is known here and in harris_list.h; the rest goes by nodes. */

/* The node that a link leads to, or NULL; and the clean link that leads to a node, or to none. */
static inline node *target_of(cc_link_word link) {
    cc_link_word target = cc_target_of(link);
    return target ? cc_arena_at(target) : NULL;
}

static inline cc_link_word link_to(const node *n) {
    return n ? cc_arena_reference(n) : 0;
}

/* n's link of a level, in a read phase: what it leads to is protected. */
CC_ALWAYS_INLINE cc_link_word protect_link_in(cc_smr_guard *g, bool restarts, const node *n,
                                              int level) {
    return cc_protect_reference(g, restarts, &n->next[level]);
}

static inline cc_link_word protect_link(cc_smr_guard *g, const node *n, int level) {
    return protect_link_in(g, false, n, level);
}

/* The same without protection: to compare with, or where no thread is inside an operation. */
static inline cc_link_word load_link(const node *n, int level) {
    return cc_load_acquire_u32(&n->next[level]);
}

/* A link of a node that is not linked on the level yet. */
static inline void set_link(node *n, int level, const node *to) {
    cc_store_relaxed_u32(&n->next[level], link_to(to));
}

/* Have a clean link lead from `from` to `to`, when it leads to `expected`. On level 0 that may be a
 * linearization point. */
static inline bool swing_link(node *from, int level, const node *expected, const node *to) {
    cc_link_word word = link_to(expected);
    return level == 0 ? cc_cas_seq_cst_u32(&from->next[0], &word, link_to(to))
                      : cc_cas_acq_rel_u32(&from->next[level], &word, link_to(to));
}

/* Places of harris_list.h. */
static inline cc_list_place place_between(node *before, int level, const node *current) {
    return (cc_list_place){&before->next[level], link_to(current), 0};
}

/* Where n's link leads to, marked or not. In a read phase. */
static inline cc_list_place place_behind(cc_smr_guard *g, node *n, int level) {
    return (cc_list_place){&n->next[level], cc_target_of(protect_link(g, n, level)), 0};
}

static inline node *node_at(const cc_list_place *place) {
    return target_of(place->current);
}

/* ---------------------------------------------------------------- hashes and death */

static inline uint64_t hash_of(const cc_skiplist *list, const node *n) {
    const cc_word_table *words = list->map.common.words;
    return words->hash ? words->hash(kind_of(n), n->digest, key_of(n)) : cc_mix(n->digest);
}

/* Out of line, for observe. */
void cc_skiplist_report(cc_skiplist *list, cc_smr_guard *g, const node *n, uintptr_t seen);
void cc_skiplist_report_anyhow(cc_skiplist *list, cc_smr_guard *g, const node *n);
void cc_skiplist_report_in_read_phase(cc_skiplist *list, cc_smr_guard *g, const node *n,
                                      uintptr_t seen);

/* n has been seen with that value: say so to who takes a snapshot (snapshot.h). After the access
 * that the operation's result depends on; in a write phase that holds n. */
static inline void observe(cc_skiplist *list, cc_smr_guard *g, const node *n, uintptr_t seen) {
    if (cc_is_collecting(&list->map.common)) {
        cc_skiplist_report(list, g, n, seen);
    }
}

/* The same with a value that is not known any more. */
static inline void observe_anyhow(cc_skiplist *list, cc_smr_guard *g, const node *n) {
    if (cc_is_collecting(&list->map.common)) {
        cc_skiplist_report_anyhow(list, g, n);
    }
}

/* The same in a read phase: a moment of a write phase in the middle of it. */
CC_ALWAYS_INLINE void observe_in_read_phase(cc_skiplist *list, cc_smr_guard *g, const node *n,
                                            uintptr_t seen) {
    if (cc_is_collecting(&list->map.common)) {
        cc_skiplist_report_in_read_phase(list, g, n, seen);
    }
}

/* A node of skiplist_locked.c, which nobody marks or unlinks but who holds its lock. */
static inline bool only_its_remover_marks(const node *n) {
    return n->birth_kind_height & IN_LOCKED_LIST;
}

/* Mark a node whose value is a tombstone on all its levels, from the top; its death has been
 * reported. Idempotent; helpers do it as well as the remover, where they may. */
static inline void mark_reported(node *n) {
    if (only_its_remover_marks(n)) {
        return;
    }
    for (int level = height_of(n) - 1; level >= 0; level--) {
        cc_fetch_or_acq_rel_u32(&n->next[level], CC_MARK);
    }
}

/* Report that n is dead, and mark it. In a write phase that holds it. */
static inline void mark_dead(cc_skiplist *list, cc_smr_guard *g, node *n) {
    observe(list, g, n, CC_TOMBSTONE);
    mark_reported(n);
}

static inline void mark_dead_in_read_phase(cc_skiplist *list, cc_smr_guard *g, node *n) {
    observe_in_read_phase(list, g, n, CC_TOMBSTONE);
    mark_reported(n);
}

/* Has n been unlinked from every level, by whomever? */
static inline bool is_unlinked(const node *n) {
    for (int level = 0; level < height_of(n); level++) {
        if (!cc_is_unlinked(&n->next[level])) { /* (5) */
            return false;
        }
    }
    return true;
}

static inline cc_status swap_value(cc_skiplist *list, cc_smr_guard *g, node *n, uintptr_t value,
                                   const uintptr_t *expected, cc_leftovers *left) {
    return cc_swap_value(&list->map.common, g, &n->slot, value, expected, left);
}

/* ---------------------------------------------------------------- seeking */

/* Order of the searched key against the node's: -1, 0, 1, or CC_UNDECIDED. */
CC_ALWAYS_INLINE int compare(cc_skiplist *list, cc_smr_guard *g, cc_search *search, const node *n) {
    return cc_compare_key(&list->map.common, g, search, kind_of(n), n->digest, key_of(n), n);
}

/* Where a key is, or would be: on each level the last node before it and the first one not
 * before. */
typedef struct position {
    node *before[MAX_HEIGHT];
    node *after[MAX_HEIGHT];
    int levels;
} position;

typedef enum seek_mode {
    SEEK_POSITION, /* fill in the whole position */
    SEEK_ENTRY, /* stop at the first equal node: only after[0] is set, when found */
    SEEK_PAST_EQUAL, /* the position behind an equal node */
    SEEK_END /* the position behind everything; there is no search */
} seek_mode;

/* What is sought, for cc_list_seek. */
typedef struct sought {
    cc_skiplist *list;
    cc_smr_guard *g;
    cc_search *search;
    seek_mode mode;
    /* The node that the search has stopped at one level up, and what it was told of it: nothing is
     * asked twice in one pass. So the places on all levels agree, also where comparisons lie. */
    const void *above;
    bool above_is_equal;
} sought;

CC_ALWAYS_INLINE int compare_sought(const void *what, const void *n) {
    const sought *s = what;
    if (s->mode == SEEK_END) {
        return 1;
    }
    const node *m = n;
    int order;
    if (!cc_digests_tell(s->search, kind_of(m), m->digest, key_of(m), &order)) {
        order = n == s->above ? (s->above_is_equal ? 0 : -1)
                              : cc_compare_key_slowly(&s->list->map.common, s->g, s->search,
                                                      kind_of(m), m->digest, key_of(m), m);
    }
    return order == 0 && s->mode == SEEK_PAST_EQUAL ? 1 : order;
}

#if defined(CC_TEST_HOOKS)
/* Searches in the list, by all threads: tests see by it what the index has answered. Plain C11, so
 * that schedules have no step here. */
extern _Atomic uint64_t cc_skiplist_searches;
#define cc_count_search() atomic_fetch_add_explicit(&cc_skiplist_searches, 1, memory_order_relaxed)
#else
#define cc_count_search() ((void)0)
#endif

/* `restarts` is true where a copy of the search is for regions that restart and nothing else; false
 * is right for both. */
CC_ALWAYS_INLINE cc_status seek(cc_skiplist *list, cc_smr_guard *g, bool restarts,
                                cc_search *search, position *at, seek_mode mode) {
    sought what = {list, g, search, mode, NULL, false};
    cc_count_search();
    for (;; cc_count_retry(g)) {
        node *before = &list->head;
        what.above = NULL;
        node *equal_above = NULL, *equal = NULL;
        int level = (int)cc_load_acquire_u32(&list->top) - 1; /* (3) */
        at->levels = level + 1;
        for (; level >= 0; level--) {
            cc_link_word link = protect_link_in(g, restarts, before, level);
            if (cc_is_marked(link)) {
                break; /* died since we stepped on it, one level up */
            }
            cc_list_place place = {&before->next[level], cc_target_of(link), 0};
            cc_list_answer answer =
                cc_list_seek(g, restarts, offset_of_level(level), &place, compare_sought, &what);
            if (answer == CC_LIST_UNDECIDED) {
                return CC_NEED_COMPARE;
            }
            if (answer == CC_LIST_LOST) {
                break;
            }
            before = owner_of(place.before, level);
            node *current = node_at(&place);
            equal = answer == CC_LIST_EQUAL ? current : NULL;
            if (mode == SEEK_ENTRY && equal) {
                at->after[0] = equal;
                return CC_FOUND;
            }
            at->before[level] = before;
            at->after[level] = current;
            what.above = current;
            what.above_is_equal = equal != NULL;
            if (equal) {
                equal_above = equal;
            }
        }
        if (level >= 0) {
            continue;
        }
        /* `equal` is level 0's now. An equal node further up that is not the one down here is dead
         * and about to be unlinked; nothing may be linked in front of it. When it is alive all the
         * same, then the comparisons are no order, and starting over would never end. One that only
         * its remover marks that one unlinks wherever it is. */
        if (!equal_above || equal_above == equal ||
            cc_load_acquire_uptr(&equal_above->slot.value) != CC_TOMBSTONE ||
            only_its_remover_marks(equal_above)) {
            return equal ? CC_FOUND : CC_ABSENT;
        }
        mark_dead_in_read_phase(list, g, equal_above); /* so that the next pass unlinks it */
    }
}

/* The end of a search for a position: of what it has found, keep what the caller's CASes go by, on
 * the levels below `levels`. */
CC_ALWAYS_INLINE void keep_position(cc_smr_guard *g, const position *at, cc_status status,
                                    int levels) {
    if (g->restarts &&
        status != CC_NEED_COMPARE) { /* else the phase is over, and nothing was found */
        unsigned slot = CC_HELD_NODES;
        for (int level = 0; level < levels && level < at->levels; level++) {
            cc_hold(g, slot++, (uintptr_t)at->before[level]);
            cc_hold(g, slot++, (uintptr_t)at->after[level]);
        }
        cc_end_reading(g);
    }
}

/* A position of a node that is higher than what has been searched: in front of it is the head. */
static inline void raise_top(cc_skiplist *list, position *at, int height) {
    if (height > at->levels) {
        uint32_t top = (uint32_t)at->levels;
        while (top < (uint32_t)height &&
               !cc_cas_acq_rel_u32(&list->top, &top, (uint32_t)height)) { /* (3) */
        }
        for (int level = at->levels; level < height; level++) {
            at->before[level] = &list->head;
            at->after[level] = NULL;
        }
    }
}

/* ---------------------------------------------------------------- new nodes (skiplist.c) */

/* Levels of the next one, of a list that has `top`; at most one more. */
int cc_skiplist_random_height(cc_thread *self, int top);

/* A search that asks nothing: as if a question were open already. */
static inline cc_search cc_skiplist_silent_search(const cc_skiplist *list, const cc_stored_key *key,
                                                  uint64_t hash) {
    return (cc_search){.digest = key->digest,
                       .hash = hash,
                       .key = key->word,
                       .kind = key->kind,
                       .order = (const void *)cc_ordered_order(&list->map),
                       .asks = true};
}

/* A node with one builder, whose links are not set; NULL without memory. The words stay the
 * caller's until it is linked. */
node *cc_skiplist_new_node(cc_skiplist *list, const cc_search *search, uintptr_t value, int height);

/* One that nobody has seen; NULL is nothing. */
static inline void free_new_node(node *n) {
    if (n) {
        free_block_of(n);
    }
}

typedef struct index_attempts {
    bool began; /* it may be in some table */
    bool loses; /* let it be lost where there is no room: we are a loser */
} index_attempts;

/* In the index with it, before it is linked. False: a table is full, and the region was left:
 * search again. When there is no memory for another table, that does not matter the next time. */
bool cc_skiplist_index_new_node(cc_skiplist *list, cc_smr_guard *g, const cc_search *search,
                                node *n, index_attempts *attempts);

/* Link a node that is in the map on its levels from `level` (at least 1) on, as far as that goes:
 * when it dies meanwhile, or a comparison is needed, it stays lower than it was meant to be.
 * Returns how many levels it has got. Of `at` the levels are right that it has afterwards. */
int cc_skiplist_build_tower(cc_skiplist *list, cc_smr_guard *g, cc_search *search, node *n,
                            position *at, int level);

/* A node of our own that may have been in the index, and will never be linked. Whoever finds it
 * there compares with its key, so it needs a reference to that; and a copier may be its last
 * builder. */
void cc_skiplist_give_up_node(cc_skiplist *list, cc_smr_guard *g, node *n, cc_leftovers *left);

/* ---------------------------------------------------------------- dying (skiplist_sweep.c) */

/* Another search in the same operation: a read phase of its own. Keeps `levels` levels of the
 * position, and nothing of what was kept before. */
cc_status cc_skiplist_seek_again(cc_skiplist *list, cc_smr_guard *g, cc_search *search,
                                 position *at, int levels);

/* Walk a level from end to end and unlink what is marked there. Returns how many nodes it has
 * passed. A read phase: it only helps. */
unsigned cc_skiplist_unlink_dead(cc_skiplist *list, cc_smr_guard *g, int level);

/* Unlink n by one CAS on each level, where it still follows what it has been seen to follow. */
void cc_skiplist_unlink_at(cc_skiplist *list, const position *at, node *n);

/* We are the last one out of a removed node: take it out of the index, unlink it wherever it still
 * is, and leave it to be retired at the end of the operation. `search` is for its key, and asks
 * nothing; NULL: the operation has none. */
void cc_skiplist_last_one_out(cc_skiplist *list, cc_smr_guard *g, cc_search *search, node *n,
                              cc_leftovers *left);

/* In a schedule build with invariants: does a link or the index lead to a dead node? */
#if defined(CC_DEBUG_INVARIANTS) && defined(CC_SCHED)
void cc_skiplist_check_unreachable(cc_skiplist *list, const node *dead);
void cc_skiplist_check_not_indexed(cc_skiplist *list, const node *dead);
#else
#define cc_skiplist_check_unreachable(list, dead) ((void)0)
#endif

/* ---------------------------------------------------------------- the index (skiplist_index.c) */

static inline index_table *hold_current_table(cc_skiplist *list, cc_smr_guard *g, unsigned slot) {
    return (index_table *)cc_protect_and_hold(g, &list->index, 0, slot);
}

/* t's `next`, held as number `slot`; NULL: it had none. False: t is not current any more, and where
 * `next` leads may be gone; even if the current table has the same address. In a write phase that
 * holds t. */
static inline bool hold_next_table(cc_skiplist *list, cc_smr_guard *g, index_table *t,
                                   unsigned slot, index_table **next) {
    *next = (index_table *)cc_protect_and_hold(g, &t->next, 0, slot);
    return !*next || cc_load_acquire_uptr(&list->index) == (uintptr_t)t; /* rule C */
}

void cc_skiplist_begin_index(cc_skiplist *list);
void cc_skiplist_free_index(cc_skiplist *list);

/* Is the table neither too small for so many entries nor too large, nor worn out? */
bool cc_skiplist_index_fits(const index_table *t, uint64_t entries);

/* Put n into a table that is held. `again`: it may be there already. False: there is no room. */
bool cc_skiplist_put_into_table(cc_skiplist *list, index_table *t, uint64_t hash, const node *n,
                                bool again);

/* Whoever may lose a node is a loser until the node is linked or given up (21). */
static inline void cc_skiplist_become_loser(cc_skiplist *list) {
    cc_fetch_add_acq_rel_u32(&list->losers, 1);
}

static inline void cc_skiplist_stop_being_loser(cc_skiplist *list) {
    cc_fetch_add_acq_rel_u32(&list->losers, UINT32_MAX);
}

/* Put n into the index, before it is linked: steps 1 to 3 of index.h. NULL: done. Else the table,
 * held, that has no room: make some outside of the region, and try again. With `anyhow` n is lost
 * there; whoever may do that is a loser until n is linked or given up. In a write phase, by a
 * builder of n. */
const index_table *cc_skiplist_put_into_index(cc_skiplist *list, cc_smr_guard *g, uint64_t hash,
                                              const node *n, bool again, bool anyhow);

/* The same, with what is done where there is no room. NULL: done, and where *loses, n may have been
 * lost; then the caller is a loser. Else the table, held, in place of which a larger one helps. */
const index_table *cc_skiplist_index_or_lose(cc_skiplist *list, cc_smr_guard *g, uint64_t hash,
                                             const node *n, bool again, bool *loses);

/* Rule B. In a write phase. */
void cc_skiplist_take_from_index(cc_skiplist *list, cc_smr_guard *g, const node *n);

/* The node with the searched key, to which the index leads: it is LINKED, and was alive at some
 * point of the call. NULL: look for it in the list, unless *is_absent (which may be NULL): it was
 * not there at some point of the call. May leave a question in search->asks, as a search does. In a
 * read phase. */
node *cc_skiplist_find_by_index(cc_skiplist *list, cc_smr_guard *g, cc_search *search,
                                bool *is_absent);

/* Does it lead to all nodes, of which there are so many, and to nothing else? NULL, or what is
 * wrong. Adds the bytes of its tables. While no thread is inside an operation. */
const char *cc_skiplist_check_index(cc_skiplist *list, size_t entries, uint64_t *bytes);

/* ---------------------------------------------------------------- its size (skiplist_growth.c) */

/* Do a part of what there is to do about it. Returns whether there is more. Outside of regions,
 * when index_work says so. */
bool cc_skiplist_tend_index(cc_skiplist *list, cc_thread *self);

/* All that there is to do now: in place of a table that is full, or after a clear. Outside of
 * regions. Without memory, nothing. */
void cc_skiplist_make_room(cc_skiplist *list, cc_thread *self, const index_table *full);
void cc_skiplist_fit_index(cc_skiplist *list, cc_thread *self);

/* The entries that an index is to have room for: those there are, or those that are expected. */
static inline uint64_t cc_skiplist_entries_to_index(const cc_skiplist *list) {
    uint64_t entries = cc_ordered_length(&list->map);
    uint64_t expected = cc_load_relaxed_u64(&list->expected);
    return entries > expected ? entries : expected;
}

/* The end of an operation that may have changed the list. */
static inline void cc_skiplist_end_update(cc_skiplist *list, cc_smr_guard *g,
                                          const cc_leftovers *left) {
    cc_thread *self = g->thread;
    cc_end_update(&list->map.common, g, left);
    if (cc_load_relaxed_u32(&list->index_work)) {
        cc_skiplist_tend_index(list, self);
    }
}

/* ---------------------------------------------------------------- the table's other operations */

/* skiplist.c */
cc_status cc_skiplist_get(cc_ordered *map, cc_search *search, uintptr_t *value);
cc_status cc_skiplist_put(cc_ordered *map, cc_search *search, uintptr_t value, cc_put_policy policy,
                          uintptr_t *old);
cc_status cc_skiplist_replace_exact(cc_ordered *map, cc_search *search, uintptr_t expected,
                                    uintptr_t value);
cc_status cc_skiplist_remove(cc_ordered *map, cc_search *search, const uintptr_t *expected,
                             uintptr_t *old);

/* skiplist_order.c */
/* The last entry, NULL if there is none, and what is in front of it on each of its levels, in one
 * search: it goes down not from the last node of a level, but from the one before that. False:
 * somebody has been in the way. In a read phase. */
bool cc_skiplist_seek_last(cc_skiplist *list, cc_smr_guard *g, position *at, node **last);
cc_status cc_skiplist_neighbour(cc_ordered *map, cc_search *search, cc_relation relation,
                                cc_entry *entry);
cc_status cc_skiplist_pop_end(cc_ordered *map, cc_relation end, const cc_stored_key *prepared,
                              cc_entry *entry);
cc_status cc_skiplist_scan_up(cc_ordered *map, cc_search *search, unsigned how, cc_entry *entries,
                              size_t room, size_t *count);
cc_status cc_skiplist_scan_down(cc_ordered *map, cc_search *search, unsigned how, cc_entry *entries,
                                size_t room, size_t *count);
cc_status cc_skiplist_sample(cc_ordered *map, cc_search *search, size_t every, cc_entry *entries,
                             size_t room, size_t *count);

/* skiplist_order.c */
cc_status cc_skiplist_scan_for_snapshot(cc_ordered *map, cc_search *search, unsigned how,
                                        cc_entry *entries, cc_identity *identities, size_t room,
                                        size_t *count, bool *at_end);

/* skiplist_locks.c, for skiplist_build.c: of a list with locks, lock a chain and the place behind
 * everything; give it back; and, when the region is closed, wake those who wait. False: somebody
 * has a lock, or the place has changed. Of another list, nothing. */
bool cc_skiplist_lock_end(cc_skiplist *list, cc_smr_guard *g, const position *at,
                          node *const *chain, unsigned count, node *tallest);
void cc_skiplist_unlock_end(cc_thread *self);
void cc_skiplist_wake_at_end(cc_skiplist *list, cc_thread *self);

/* skiplist_build.c */
size_t cc_skiplist_append(cc_ordered *map, const cc_new_entry *entries, size_t count, size_t *run);

/* skiplist_growth.c */
void cc_skiplist_expect(cc_ordered *map, size_t entries);

/* skiplist_bulk.c */
cc_status cc_skiplist_clear(cc_ordered *map);
void cc_skiplist_begin(cc_ordered *map);
void cc_skiplist_end(cc_ordered *map);
void cc_skiplist_release_retired(const void *context, uintptr_t word, unsigned kind);
void cc_skiplist_retire_remainder(cc_ordered *map);
int cc_skiplist_visit(cc_ordered *map, int (*visit)(uintptr_t word, void *argument),
                      void *argument);
int cc_skiplist_visit_retired(uintptr_t word, unsigned kind,
                              int (*visit)(uintptr_t word, void *argument), void *argument);
unsigned cc_skiplist_levels(cc_ordered *map, uint64_t *counts, unsigned room);
const char *cc_skiplist_check(cc_ordered *map);

#endif
