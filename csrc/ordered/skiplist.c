/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A lock-free skip list: Fraser's (Practical lock-freedom, 2004, section 4.3) in the form of Harris'
 * and Michael's lists: a mark in the low bit of a node's next pointer says that this node is dead on
 * that level, and whoever meets a marked node unlinks it before going on.
 *
 *      head ----------------------------> 30 -------------> NULL      level 1
 *      head ---> 10 ---> 20 -(marked)---> 30 ---> 40 -----> NULL      level 0
 *
 * What differs from the papers, and why:
 *
 *   Value slots decide. A node is in the map while its value is not CC_TOMBSTONE. Removing is one CAS
 *   from value to tombstone (whoever wins it owns the value, and pop returns exactly that), then the
 *   node is marked from its top level down and unlinked. Replacing is a CAS that never overwrites a
 *   tombstone, so a put can not fall into a node that is being removed.
 *
 *   No step past a marked link without proof. Under interval reclamation the target of a marked link
 *   may have been freed, although the node that holds the link is protected. So a search that meets
 *   a marked node unlinks it with a CAS on the last clean predecessor and reads the predecessor's
 *   link again; when the predecessor itself turns out to be marked it starts over.
 *
 *   One hand-off per node. `builders` counts who may still publish a pointer to the node (its
 *   inserter, and see hints.h); REMOVED is set when it has been marked. The last one out, be it a
 *   builder that finds REMOVED set or the remover that finds no builder, unlinks the node from
 *   every level (a *sweep*) and retires it. Nobody can link it again after that: builders do not join a
 *   removed node.
 *
 *   No question after the effect. A search that foreign code has to be asked for ends the operation (CC_NEED_COMPARE),
 *   and the caller begins it again. Once an entry is in or out there is no beginning again, and what foreign code
 *   raises would have nobody to go to. So a removal that asks learns the whole place of the entry first, and
 *   the sweep takes the node out where it was seen (unlink_at); pop_end, which knows no order, does so at
 *   the end of the list. What has changed meanwhile is found by a search that asks nothing, else by walking the
 *   level. An insertion that would have to ask again leaves its tower lower.
 *
 *   Proof of unlinking. A sweep relies on comparisons to lead it to the dead node, and those that foreign
 *   code makes may lie, or be no total order (frozensets are not). So whoever wins the CAS that unlinks
 *   a node from a level says so in the node's own link there (UNLINKED), and its inserter does for
 *   levels that it never reached. Where one is missing, and foreign code has ever been asked about this
 *   list, the sweep walks that level until it is there: with lies, with a key come in between that the search knows
 *   nothing of, or while another thread is between its two steps. Likewise a search that is told that two
 *   live nodes in different places equal its key goes by level 0.
 *
 *   Never in front of an equal key. A live node is never linked, on any level, in front of a dead one
 *   with an equal key: a sweep, which stops at the first key that is not smaller, would not reach the
 *   dead one. seek() starts over when an upper level shows an equal node that level 0 does not.
 *
 *   Births of values. A value's life is that of its publication, not that of its node, or a reader that
 *   stalls would pin every value that a key ever had. `value_birth` holds an era not later than the
 *   publication of the current value. A writer reads it, then the value, then the era e, swaps the
 *   value, raises value_birth to e, and retires the old value with the birth it had read. Any era
 *   found in value_birth was the current one before some value that has been in the slot was put
 *   there, hence not after the publication of the value that is read later.
 *
 * Linearization points.
 *   get, found       the load of the live value.
 *   get, absent      the load of the clean link on level 0 that skips the key; or, when a node with a
 *                    tombstone is found, its removal, or the load of the link to it if that is later:
 *                    while a node is linked on level 0 no other node with its key is.
 *   put              the CAS on the predecessor's level-0 link, or on the value.
 *   remove           the CAS of the value to the tombstone.
 *   pop_end          the same CAS. The entry was the end when the end was looked for, as below, and the CAS is on
 *                    that node and from that value: nobody else gets this entry, and it is not another with an equal key.
 *   first, floor...  the second load of the predecessor's clean level-0 link, between two loads of the
 *                    entry's value that agree; without an entry the first load. For the key alone that is exact. The
 *                    value may have been another at that load, and the loads agree all the same, when the very word has
 *                    been taken out and put back; and the value's first load finds the link right or not: it
 *                    is wrong when another key has come in between, and gone before the second load of
 *                    the link. Only when both happen inside of one look were key and value never the
 *                    answer together. A count of changes in the predecessor would tell; it would
 *                    cost a word in every node, or a shared line at every removal. Meeting a dead node in one of the
 *                    two places that matter, the search starts over: stepping over it would return an
 *                    entry that was never in that relation.
 *   scans            each entry by itself, at the load of its value.
 *
 * Progress. Every operation is lock-free: a search starts over only when somebody else has changed a
 * link that it was about to use. Nobody waits for anybody.
 *
 * Reclamation. Needs exactly cc_smr's rules; an operation's region is closed before words are released. Under
 * debra.c a search is a read phase, which may begin again at any instruction: it loads, and does CASes that anybody may do
 * and nobody has to. One of these is followed by something: who unlinks a node from a level then says so
 * (UNLINKED). When it is interrupted in between, the proof is missing, and a sweep that wants it walks the level. All
 * that an operation does for good (swapping a value, linking, counting, joining builders, taking references) is in
 * a write phase, which holds the nodes it goes by. Below, "a read phase" in a function's comment says that the
 * function begins one and ends it; nothing else may follow links.
 *
 * Limits. 16 levels with p = 1/4: expected time is O(log n) to 4^16 entries.
 *
 * Pairs of releases and acquires, by number:
 *   (1) the CAS that links a node           with the protect that reads the link: the node's fields.
 *   (2) the CAS that stores a value         with the protect that reads it: what it points to.
 *   (3) the store that raises `top`         with the load in seek: a level in use is searched.
 *   (4) leaving builders, setting REMOVED   with each other: the last one out sees all links made.
 *   (5) setting UNLINKED                    with the load in is_unlinked: who retires sees it unlinked.
 *   (6) putting nodes aside                 with the exchange that takes them: what stands in the blocks.
 */
#include "skiplist.h"

#include <stdlib.h>
#include <string.h>

#include "../memory/cc_alloc.h"
#include "../memory/smr_fast.h"
#include "hints.h"

#if defined(_MSC_VER) && !defined(__clang__)
#define ALWAYS_INLINE static __forceinline
#define NEVER_INLINE static __declspec(noinline)
#else
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define NEVER_INLINE static __attribute__((noinline))
#endif

#ifndef MAX_HEIGHT
#define MAX_HEIGHT 16
#endif
#define MARK ((uintptr_t)1)     /* in a node's own link: the node is dead on this level */
#define UNLINKED ((uintptr_t)2) /* beside MARK: nothing on this level leads to the node, or will */

/* Nodes that a scan visits in one region; longer regions would pin more of what dies meanwhile. */
#ifndef MOST_NODES_PER_REGION
#define MOST_NODES_PER_REGION 4096u
#endif

typedef struct cc_skiplist_node {
    uintptr_t key; /* immutable, owned; 0: the digest is the key */
    cc_atomic_u64 value_birth; /* era in the low 48 bits; builders and REMOVED above */
    cc_atomic_uptr value; /* owned; CC_TOMBSTONE: dead */
    uint64_t birth_kind_height; /* immutable: era (48), kind (8), height (8) */
    uint64_t digest; /* immutable */
    cc_atomic_uptr next[]; /* one per level; MARK: dead on this level; UNLINKED */
} node;

#define ERA_BITS 48
#define ERA_MASK ((UINT64_C(1) << ERA_BITS) - 1)
#define ONE_BUILDER (UINT64_C(1) << ERA_BITS)
#define REMOVED (UINT64_C(1) << 63)
#define BUILDERS(word) (((word) & ~REMOVED) >> ERA_BITS)

struct cc_skiplist {
    cc_deferred destruction; /* first: a deferred item is the list itself */
    const cc_word_table *words;
    cc_smr_domain *domain;
    cc_atomic_uptr hints; /* hint_table *: the current one, or NULL while the list is small */
    cc_atomic_uptr aside; /* block_of_nodes *: what a clear had no memory to retire; usually NULL */
    cc_atomic_u32 top; /* levels in use, at least 1; only grows */
    cc_atomic_u32 asked; /* 1: some comparison was left to foreign code; never goes back */
    node head; /* its next[] has MAX_HEIGHT entries; must be last */
};

enum { RETIRED_VALUE, RETIRED_NODE, RETIRED_HINTS };

/* What a write phase holds, by number (see debra.c). */
enum { HELD_VALUE, HELD_TABLE, HELD_NODES };
_Static_assert(HELD_NODES + 2 * MAX_HEIGHT <= CC_MOST_HELD, "a whole position can be held");

/* ---------------------------------------------------------------- nodes */

static inline unsigned kind_of(const node *n) {
    return (unsigned)(n->birth_kind_height >> ERA_BITS) & 0xffu;
}

static inline int height_of(const node *n) {
    return (int)(n->birth_kind_height >> 56);
}

static inline uint64_t birth_of(const node *n) {
    return n->birth_kind_height & ERA_MASK;
}

static inline size_t bytes_of(const node *n) {
    return cc_alloc_good_size(sizeof(node) + (size_t)height_of(n) * sizeof(cc_atomic_uptr));
}

static inline bool is_marked(uintptr_t link) {
    return link & MARK;
}

static inline node *target_of(uintptr_t link) {
    return (node *)(link & ~(MARK | UNLINKED));
}

static inline void acquire_word(const cc_skiplist *list, uintptr_t word) {
    if (word && list->words->acquire) {
        list->words->acquire(word);
    }
}

static void release_word(const cc_word_table *words, uintptr_t word) {
    if (word && words->release) {
        words->release(word);
    }
}

static void free_node(const cc_word_table *words, node *n) {
    uintptr_t key = n->key;
#if defined(CC_DEBUG_INVARIANTS)
    memset((void *)n, 0xdd, sizeof(node) + (size_t)height_of(n) * sizeof(cc_atomic_uptr));
#endif
    cc_free(n);
    release_word(words, key);
}

static void release_retired(const void *context, uintptr_t word, unsigned kind) {
    switch (kind) {
    case RETIRED_NODE:
        free_node(context, (node *)word);
        break;
    case RETIRED_HINTS:
        cc_free((void *)word);
        break;
    default:
        release_word(context, word);
    }
}

static int random_height(cc_thread *self, int top) {
    uint64_t r = cc_thread_random(self) >> 11; /* the low bits of xorshift are the weak ones */
    int height = 1;
    while (height < MAX_HEIGHT && height <= top && (r & 3) == 0) {
        height++;
        r >>= 2;
    }
    return height;
}

static node *new_node(cc_skiplist *list, const cc_search *search, uintptr_t value, int height) {
    node *n = cc_alloc(sizeof(node) + (size_t)height * sizeof(cc_atomic_uptr));
    if (!n) {
        return NULL;
    }
    uint64_t era = cc_load_acquire_u64(&list->domain->era) & ERA_MASK;
    n->key = search->key;
    n->digest = search->digest;
    n->birth_kind_height = era | (uint64_t)search->kind << ERA_BITS | (uint64_t)height << 56;
    cc_store_relaxed_u64(&n->value_birth, era | ONE_BUILDER);
    cc_store_relaxed_uptr(&n->value, value);
    return n;
}

/* ---------------------------------------------------------------- the order of keys */

static int compare_slowly(cc_skiplist *list, cc_smr_guard *g, cc_search *search, const node *n) {
    const cc_word_table *words = list->words;
    /* Not while we can be restarted at any instruction: the owner's function may use more stack than a read phase
     * may, and taking a reference twice would be one too many. */
    cc_hold(g, HELD_NODES, (uintptr_t)n);
    cc_end_reading(g);
    int order =
        words->compare ? words->compare(search, kind_of(n), n->digest, n->key) : CC_UNDECIDED;
    for (uint32_t i = order == CC_UNDECIDED ? search->lesson_count : 0; i-- > 0;) {
        const cc_stored_key *known = &search->lessons[i].key;
        if (known->word == n->key && known->digest == n->digest && known->kind == kind_of(n)) {
            order = search->lessons[i].order;
            break;
        }
    }
    if (order != CC_UNDECIDED) {
        cc_resume_reading(g);
        return order;
    }
    /* The search is over, and so is the read phase. */
    if (!cc_load_relaxed_u32(&list->asked)) {
        cc_store_relaxed_u32(&list->asked, 1); /* before any answer can have had an effect */
    }
    if (!search->asks) { /* else an earlier question of this search is still open: first that one */
        acquire_word(list, n->key);
        search->needed = (cc_stored_key){n->digest, n->key, (uint8_t)kind_of(n)};
        search->asks = true;
    }
    return CC_UNDECIDED;
}

/* Order of the searched key against the node's: -1, 0, 1, or CC_UNDECIDED. */
ALWAYS_INLINE int compare(cc_skiplist *list, cc_smr_guard *g, cc_search *search, const node *n) {
    if (kind_of(n) == search->kind) {
        if (search->digest != n->digest) {
            return search->digest < n->digest ? -1 : 1;
        }
        if (!(search->key | n->key)) {
            return 0;
        }
    }
    return compare_slowly(list, g, search, n);
}

#ifndef FIRST_LESSONS
#define FIRST_LESSONS 32u
#endif

int cc_search_learn(const cc_skiplist *list, cc_search *search, int order) {
    if (search->lesson_count == search->lesson_room) {
        uint32_t room = search->lesson_room ? 2 * search->lesson_room : FIRST_LESSONS;
        cc_lesson *more = cc_alloc(room * sizeof *more);
        if (!more) {
            search->asks = false;
            release_word(list->words, search->needed.word);
            return -1;
        }
        if (search->lessons) {
            memcpy(more, search->lessons, search->lesson_count * sizeof *more);
            cc_free(search->lessons);
        }
        search->lessons = more;
        search->lesson_room = room;
    }
    search->lessons[search->lesson_count++] = (cc_lesson){search->needed, (int8_t)order};
    search->asks = false;
    return 0;
}

void cc_search_end(const cc_skiplist *list, cc_search *search) {
    cc_lesson *lessons = search->lessons;
    uint32_t count = search->lesson_count;
    bool asks = search->asks;
    search->lessons = NULL;
    search->lesson_count = search->lesson_room = 0;
    search->asks = false;
    if (asks) {
        release_word(list->words, search->needed.word);
    }
    for (uint32_t i = 0; i < count; i++) {
        release_word(list->words, lessons[i].key.word);
    }
    cc_free(lessons);
}

/* ---------------------------------------------------------------- seeking */

/* Where a key is, or would be: on each level the last node before it and the first one not before. */
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

/* Mark a node whose value is a tombstone on all its levels, from the top. Idempotent; helpers do it
 * as well as the remover. */
static void mark_dead(node *n) {
    for (int level = height_of(n) - 1; level >= 0; level--) {
        cc_fetch_or_acq_rel_uptr(&n->next[level], MARK);
    }
}

/* One step on a level: `current` follows `before` there. Unlinks marked nodes. Returns false when
 * `before` is dead or its link has changed under us: start over. On true, *current is the next
 * unmarked node or NULL, and *beyond what follows it. */
ALWAYS_INLINE bool settle(cc_smr_guard *g, bool restarts, node *before, int level, node **current,
                          node **beyond) {
    node *c = *current;
    while (c) {
        uintptr_t link = cc_protect_in(g, restarts, &c->next[level]); /* (1) */
        if (!is_marked(link)) {
            *beyond = target_of(link);
            break;
        }
        uintptr_t expected = (uintptr_t)c;
        if (!cc_cas_acq_rel_uptr(&before->next[level], &expected, (uintptr_t)target_of(link))) {
            return false;
        }
        cc_fetch_or_acq_rel_uptr(&c->next[level], UNLINKED); /* (5) */
        /* What a marked link leads to may be freed by now. That `before`, which is not marked, leads to it
         * proves the opposite. The CAS has just said so; reading the link again keeps one rule for every
         * step (a step follows only links that were read clean), for one load of a line we own. */
        link = cc_protect_in(g, restarts, &before->next[level]);
        if (is_marked(link)) {
            return false;
        }
        c = target_of(link);
    }
    *current = c;
    return true;
}

/* `restarts` is true where a copy of the search is for regions that restart and nothing else; false is right for
 * both. */
ALWAYS_INLINE cc_status seek(cc_skiplist *list, cc_smr_guard *g, bool restarts, cc_search *search,
                             position *at, seek_mode mode) {
    for (;; cc_count_retry(g)) {
        node *before = &list->head;
        node *equal_above = NULL, *equal = NULL;
        int level = (int)cc_load_acquire_u32(&list->top) - 1; /* (3) */
        at->levels = level + 1;
        for (; level >= 0; level--) {
            uintptr_t link = cc_protect_in(g, restarts, &before->next[level]);
            if (is_marked(link)) {
                break; /* died since we stepped on it, one level up */
            }
            node *current = target_of(link), *beyond = NULL;
            bool lost = false;
            equal = NULL;
            for (;;) {
                if (!settle(g, restarts, before, level, &current, &beyond)) {
                    lost = true;
                    break;
                }
                if (!current) {
                    break;
                }
                if (mode != SEEK_END) {
                    int order = compare(list, g, search, current);
                    if (order == CC_UNDECIDED) {
                        return CC_NEED_COMPARE;
                    }
                    if (order < 0) {
                        break;
                    }
                    if (order == 0 && mode != SEEK_PAST_EQUAL) {
                        equal = current;
                        break;
                    }
                }
                before = current;
                current = beyond;
            }
            if (lost) {
                break;
            }
            if (mode == SEEK_ENTRY && equal) {
                at->after[0] = equal;
                return CC_FOUND;
            }
            at->before[level] = before;
            at->after[level] = current;
            if (equal) {
                equal_above = equal;
            }
        }
        if (level >= 0) {
            continue;
        }
        /* `equal` is level 0's now. An equal node further up that is not the one down here is dead and
         * about to be unlinked; nothing may be linked in front of it. When it is alive all the same,
         * then the comparisons are no order, and starting over would never end. */
        if (!equal_above || equal_above == equal ||
            cc_load_acquire_uptr(&equal_above->value) != CC_TOMBSTONE) {
            return equal ? CC_FOUND : CC_ABSENT;
        }
        mark_dead(equal_above); /* so that the next pass unlinks it */
    }
}

/* The end of a search for a position: of what it has found, keep what the caller's CASes go by, on the levels below
 * `levels`. */
ALWAYS_INLINE void keep_position(cc_smr_guard *g, const position *at, cc_status status,
                                 int levels) {
    if (g->restarts &&
        status != CC_NEED_COMPARE) { /* else the phase is over, and nothing was found */
        unsigned slot = HELD_NODES;
        for (int level = 0; level < levels && level < at->levels; level++) {
            cc_hold(g, slot++, (uintptr_t)at->before[level]);
            cc_hold(g, slot++, (uintptr_t)at->after[level]);
        }
        cc_end_reading(g);
    }
}

NEVER_INLINE cc_status seek_plainly(cc_skiplist *list, cc_smr_guard *g, cc_search *search,
                                    position *at) {
    return seek(list, g, false, search, at, SEEK_POSITION);
}

NEVER_INLINE cc_status seek_restartably(cc_skiplist *list, cc_smr_guard *g, cc_search *search,
                                        position *at, int levels) {
    CC_CHECKPOINT(g);
    cc_status status = seek(list, g, true, search, at, SEEK_POSITION);
    keep_position(g, at, status, levels);
    return status;
}

/* Another search in the same operation: a read phase of its own. Keeps `levels` levels of the position, and nothing
 * of what was kept before. */
static cc_status seek_again(cc_skiplist *list, cc_smr_guard *g, cc_search *search, position *at,
                            int levels) {
    return g->restarts ? seek_restartably(list, g, search, at, levels)
                       : seek_plainly(list, g, search, at);
}

/* ---------------------------------------------------------------- dying */

/* Become one of those who may publish pointers to n, unless it has been removed. */
static bool join_builders(node *n) {
    uint64_t word = cc_load_acquire_u64(&n->value_birth);
    while (!(word & REMOVED)) {
        if (cc_cas_acq_rel_u64(&n->value_birth, &word, word + ONE_BUILDER)) {
            return true;
        }
    }
    return false;
}

/* ---------------------------------------------------------------- hints (see hints.h) */

/* Below this many entries a search costs no more than a hint. */
#ifndef SMALLEST_HINT_TABLE /* tests/c/schedules has few entries and wants hints */
#define SMALLEST_HINT_TABLE 64u
#endif

static uint64_t hash_of(const cc_skiplist *list, const node *n) {
    return list->words->hash ? list->words->hash(kind_of(n), n->digest, n->key) : cc_mix(n->digest);
}

/* In a write phase. */
static hint_table *current_hints(cc_skiplist *list, cc_smr_guard *g) {
    return (hint_table *)cc_protect_and_hold(g, &list->hints, 0, HELD_TABLE);
}

/* The node that holds the searched key, if a hint leads to it. What it says about the key's value is
 * as good as what a search finds; that there is none says nothing. It may leave a question in search->asks.
 * In a read phase. */
ALWAYS_INLINE node *follow_hint(cc_skiplist *list, cc_smr_guard *g, bool restarts,
                                cc_search *search) {
    if (!search->hash) {
        return NULL;
    }
    hint_table *t = (hint_table *)cc_protect_in(g, restarts, &list->hints);
    if (!t) {
        return NULL;
    }
    cc_atomic_uptr *bucket = hint_bucket(t, search->hash);
    uintptr_t tag = (uintptr_t)(search->hash >> 60);
    for (unsigned i = 0; i < HINT_SLOTS; i++) {
        uintptr_t word = cc_load_relaxed_uptr(&bucket[i]);
        if (!word || (word & HINT_TAG) != tag) {
            continue;
        }
        word = cc_protect_in(g, restarts, &bucket[i]);
        node *n = (node *)(word & ~HINT_TAG);
        /* Rule C: only now, after the protected load, does it prove anything. */
        if (cc_load_acquire_uptr(&list->hints) != (uintptr_t)t) {
            return NULL;
        }
        if (n && kind_of(n) == search->kind) {
            int order = compare(list, g, search, n);
            if (order == 0) {
                return n;
            }
            if (order == CC_UNDECIDED) {
                return NULL;
            }
        }
    }
    return NULL;
}

/* Make the table fit the list, when it does not. Called now and then, in a region. */
static void grow_hints(cc_skiplist *list, cc_smr_guard *g, hint_table *t) {
    uint64_t slots = t ? hint_table_slots(t) : 0;
    uint64_t entries = cc_skiplist_length(list);
    if (entries <= slots + slots / 4 || entries < SMALLEST_HINT_TABLE) {
        return;
    }
    uint64_t wanted = slots ? slots : SMALLEST_HINT_TABLE;
    while (entries > wanted + wanted / 4) {
        wanted *= 2;
    }
    cc_thread *self = g->thread;
    if (t && cc_reserve(self, 3)) { /* two may be the operation's own */
        return;
    }
    hint_table *larger = hint_table_new(wanted, cc_load_acquire_u64(&list->domain->era));
    if (!larger) {
        return; /* it is only a hint */
    }
    /* Once it is in place anybody may replace and retire it: a clear frees it at once when it is younger than our
     * reservation. */
    const size_t bytes = larger->bytes;
    uintptr_t expected = (uintptr_t)t;
    if (!cc_cas_seq_cst_uptr(&list->hints, &expected, (uintptr_t)larger)) {
        cc_free(larger);
        return;
    }
    cc_fetch_add_relaxed_u64(&cc_stripe_of(list->domain, self)->bytes, bytes - (t ? t->bytes : 0));
    if (t) {
        cc_retire_to_limbo(list->domain, self, cc_take_spare(self), (uintptr_t)t, RETIRED_HINTS,
                           t->birth, t->bytes);
    }
}

/* Rule A. The caller is a builder of n. */
static void publish_hint(cc_skiplist *list, cc_smr_guard *g, uint64_t hash, node *n) {
    hint_table *t = current_hints(list, g);
    uint64_t random = cc_thread_random(g->thread) >> 16;
    if (!t || !hint_put(t, hash, n, random)) {
        if (random >> 8 & 7) {
            return;
        }
        grow_hints(list, g, t);
    }
}

/* Rule B. */
static void clear_hint(cc_skiplist *list, cc_smr_guard *g, node *n) {
    hint_table *t = current_hints(list, g);
    uint64_t hash = t ? hash_of(list, n) : 0;
    if (hash) {
        hint_clear(t, hash, n);
    }
}

#if defined(CC_DEBUG_INVARIANTS) && defined(CC_SCHED)
/* In a schedule build the threads are fibres of one thread, so the whole list can be looked at
 * between two of their steps. */
static void check_unreachable(cc_skiplist *list, const node *dead) {
    for (int level = 0; level < MAX_HEIGHT; level++) {
        for (node *n = &list->head; n;) {
            node *next = target_of(atomic_load(&n->next[level].word));
            CC_INVARIANT(next != dead); /* no pointer leads to a node that is retired */
            n = next;
        }
    }
}
#else
#define check_unreachable(list, dead) ((void)0)
#endif

/* What an operation has to retire once its region is closed. */
typedef struct leftovers {
    uintptr_t value;
    uint64_t value_birth;
    node *dead; /* unlinked from everywhere, ours to retire */
} leftovers;

/* Has n been unlinked from every level, by whomever? */
static bool is_unlinked(node *n) {
    for (int level = 0; level < height_of(n); level++) {
        if (!(cc_load_acquire_uptr(&n->next[level]) & UNLINKED)) { /* (5) */
            return false;
        }
    }
    return true;
}

/* Places of a walk that are kept to go back to. */
#ifndef MOST_STEPS_BACK /* tests/c/schedules has short lists */
#define MOST_STEPS_BACK 16u
#endif

/* Walk a level and unlink what is marked there: from end to end, or until `sought`, if there is one, is
 * unlinked. Whoever is in the way costs a few steps back, to the last place that is still linked, and only when all
 * of MOST_STEPS_BACK places have died the way from the head. A read phase: it only helps. */
NEVER_INLINE void unlink_dead_from_level(cc_skiplist *list, cc_smr_guard *g, int level,
                                         node *sought) {
    CC_CHECKPOINT(g);
    node *places
        [MOST_STEPS_BACK]; /* the ones before `before`, which may be stepped on again: the region has seen them */
    unsigned steps = 0, kept = 0;
    node *before = &list->head, *beyond = NULL;
    node *current = target_of(cc_protect(g, &before->next[level]));
    while (!sought || !(cc_load_acquire_uptr(&sought->next[level]) & UNLINKED)) { /* (5) */
        if (settle(g, false, before, level, &current, &beyond)) {
            if (!current) {
                break;
            }
            places[steps++ % MOST_STEPS_BACK] = before;
            kept += kept < MOST_STEPS_BACK;
            before = current;
            current = beyond;
            continue;
        }
        uintptr_t link = cc_protect(g, &before->next[level]);
        for (; is_marked(link); link = cc_protect(g, &before->next[level])) {
            before = kept ? (kept--, places[--steps % MOST_STEPS_BACK]) : &list->head;
        }
        current = target_of(link); /* of a clean link: `before` is still there */
    }
    cc_end_reading(g);
}

/* Unlink n, which is marked and ours, without asking where its key belongs. */
static void unlink_without_comparing(cc_skiplist *list, cc_smr_guard *g, node *n) {
    for (int level = height_of(n) - 1; level >= 0; level--) {
        unlink_dead_from_level(list, g, level, n);
    }
}

/* The same by one CAS on each level, where n still follows what it has been seen to follow. In the region that has seen
 * `at`, in a write phase. On levels that `at` does not have: what follows the head. */
static void unlink_at(cc_skiplist *list, const position *at, node *n) {
    for (int level = height_of(n) - 1; level >= 0; level--) {
        node *before = level < at->levels ? at->before[level] : &list->head;
        uintptr_t link = cc_load_acquire_uptr(&n->next[level]), expected = (uintptr_t)n;
        if (!(link & UNLINKED) &&
            cc_cas_acq_rel_uptr(&before->next[level], &expected, (uintptr_t)target_of(link))) {
            cc_fetch_or_acq_rel_uptr(&n->next[level], UNLINKED); /* (5) */
        }
    }
}

/* After a search for n's key: whether n can still be linked. Never, when no comparison of this list was ever
 * left to foreign code: then the order is total, and the search has passed n on every level. */
static bool may_be_linked(cc_skiplist *list, node *n) {
    return cc_load_relaxed_u32(&list->asked) && !is_unlinked(n);
}

/* We are the last one out of a removed node: unlink it wherever it still is. `search` is for its key; what that does
 * not know already is not asked, for the operation has taken effect: the levels are walked. */
static void sweep(cc_skiplist *list, cc_smr_guard *g, cc_search *search, node *n, leftovers *left) {
    position at;
    if (!is_unlinked(n) &&
        (seek_again(list, g, search, &at, 0) == CC_NEED_COMPARE || may_be_linked(list, n))) {
        unlink_without_comparing(list, g, n);
    }
    check_unreachable(list, n);
    left->dead = n;
}

/* The same, when n may also stand in the table of hints. */
static void last_one_out(cc_skiplist *list, cc_smr_guard *g, cc_search *search, node *n,
                         leftovers *left) {
    clear_hint(list, g, n);
    sweep(list, g, search, n, left);
}

/* Leave the builders of n. True when it has been removed and nobody else is left. */
static bool leave_builders(node *n) {
    uint64_t was = cc_fetch_sub_acq_rel_u64(&n->value_birth, ONE_BUILDER); /* (4) */
    CC_INVARIANT(BUILDERS(was) > 0);
    return (was & REMOVED) && BUILDERS(was) == 1;
}

/* Say that n is marked on all levels. True when nobody is building it any more. */
static bool set_removed(node *n) {
    uint64_t was = cc_fetch_or_acq_rel_u64(&n->value_birth, REMOVED); /* (4) */
    CC_INVARIANT(!(was & REMOVED));
    return BUILDERS(was) == 0;
}

static void raise_value_birth(node *n, uint64_t era) {
    uint64_t word = cc_load_relaxed_u64(&n->value_birth);
    while ((word & ERA_MASK) < era &&
           !cc_cas_acq_rel_u64(&n->value_birth, &word, (word & ~ERA_MASK) | era)) {
    }
}

/* ---------------------------------------------------------------- beginning and ending operations */

static int begin(cc_skiplist *list, cc_smr_guard *g, unsigned records) {
    cc_thread *self = cc_thread_self();
    if (!self || (records && cc_reserve(self, records))) {
        return -1;
    }
    cc_enter_as(self, list->domain, g);
    return 0;
}

static void close_region(cc_smr_guard *g) {
    cc_leave(g);
    cc_poll(g->domain, g->thread);
}

static void count_entry(cc_skiplist *list, cc_thread *self, int entries, int64_t bytes) {
    cc_stripe *s = cc_stripe_of(list->domain, self);
    if (entries) {
        cc_fetch_add_relaxed_u64(&s->entries, (uint64_t)(int64_t)entries);
    }
    cc_fetch_add_relaxed_u64(&s->bytes, (uint64_t)bytes);
}

/* Retire a node that is unlinked from everywhere, and ours. May run foreign code. */
static void retire_node(cc_skiplist *list, cc_thread *self, cc_retired *record, node *n) {
    size_t bytes = bytes_of(n);
    count_entry(list, self, 0, -(int64_t)bytes);
    cc_retire(list->domain, self, record, (uintptr_t)n, RETIRED_NODE, birth_of(n), bytes);
}

/* Close the region of an operation that may have changed something, and retire what it leaves behind.
 * Foreign code runs in here, at the very end; nothing of the list is in our hands then. */
static void end_changing(cc_skiplist *list, cc_smr_guard *g, leftovers *left) {
    cc_thread *self = g->thread;
    cc_leave(g);
    /* Both records first: foreign code uses spare ones up. */
    bool has_value = left->value && list->words->release;
    cc_retired *value_record = has_value ? cc_take_spare(self) : NULL;
    cc_retired *node_record = left->dead ? cc_take_spare(self) : NULL;
    if (node_record) {
        retire_node(list, self, node_record, left->dead);
    }
    if (value_record) {
        cc_retire(list->domain, self, value_record, left->value, RETIRED_VALUE, left->value_birth,
                  0);
    }
    cc_poll(list->domain, self);
}

/* ---------------------------------------------------------------- operations on one key */

/* A search had to find n because no hint led to it: put one in. Where another hint would have to go for
 * it, only now and then, or two keys would chase each other out. As a builder of n we may turn out to be
 * the last one, and then the dead node is ours to sweep, even in a get. */
static void refresh_hint(cc_skiplist *list, cc_smr_guard *g, cc_search *search, node *n,
                         leftovers *left) {
    cc_thread *self = g->thread;
    hint_table *t = search->hash && kind_of(n) == search->kind ? current_hints(list, g) : NULL;
    if (!t || (!hint_has_room(t, search->hash) && (cc_thread_random(self) >> 16 & 7))) {
        return;
    }
    if (hash_of(list, n) != search->hash) {
        return; /* somebody lies: rule B would look elsewhere */
    }
    if (cc_reserve(self, 2) == 0 && join_builders(n)) {
        publish_hint(list, g, search->hash, n);
        if (leave_builders(n)) {
            last_one_out(list, g, search, n, left);
        }
    }
}

/* What find_entry has found. */
typedef struct found_entry {
    node *n;
    uintptr_t
        value; /* may be a tombstone: then the key was absent for a moment after the call began */
    bool without_hint;
} found_entry;

/* What the caller of find_entry goes on to touch in its write phase, so that only that is held:
 *
 *   A get takes a reference to the value, where the owner has such; the value may be replaced and retired the moment
 *   the phase is over, so it is held for that. A get that only asks whether the key is there, and one of plain words,
 *   looks at the word itself and never at what it might lead to. It touches the node only to hint at it.
 *
 *   A writer goes by the node: swap_value reads its value and birth, and marks it. The value that was found is not used
 *   again: swap_value loads the word anew, compares it as a word, and takes a reference only to what its own CAS has
 *   taken out of the node, which is the caller's then, and released by nobody else. Nor is `expected`
 *   followed, which the caller keeps alive besides.
 *
 *   refresh_hint joins the builders of the node, so whoever found it without a hint holds the node. */
typedef enum entry_use { ITS_VALUE, ITS_WORD, ITS_NODE } entry_use;

NEVER_INLINE cc_status seek_entry_plainly(cc_skiplist *list, cc_smr_guard *g, cc_search *search,
                                          node **n) {
    position at;
    cc_status status = seek(list, g, false, search, &at, SEEK_ENTRY);
    *n = status == CC_FOUND ? at.after[0] : NULL;
    return status;
}

/* In a read phase. */
NEVER_INLINE cc_status seek_entry_in_phase(cc_skiplist *list, cc_smr_guard *g, cc_search *search,
                                           node **n) {
    position at;
    cc_status status = seek(list, g, true, search, &at, SEEK_ENTRY);
    *n = status == CC_FOUND ? at.after[0] : NULL;
    return status;
}

/* A read phase; the write phase holds what it uses. */
ALWAYS_INLINE cc_status find_entry_in_phase(cc_skiplist *list, cc_smr_guard *g, bool restarts,
                                            cc_search *search, entry_use use, found_entry *found) {
    node *n = follow_hint(list, g, restarts, search);
    if (search->asks) {
        return CC_NEED_COMPARE;
    }
    uintptr_t value = n ? cc_protect_in(g, restarts, &n->value) : CC_TOMBSTONE; /* (2) */
    found->without_hint = value == CC_TOMBSTONE;
    if (found->without_hint) {
        /* Out of line: a position is large, and what a hint finds needs none. */
        cc_status status = restarts ? seek_entry_in_phase(list, g, search, &n)
                                    : seek_entry_plainly(list, g, search, &n);
        if (status != CC_FOUND) {
            cc_end_reading(g);
            return status;
        }
        value = cc_protect_in(g, restarts, &n->value); /* (2) */
    }
    found->n = n;
    found->value = value;
    if (restarts) {
        if (use == ITS_VALUE && list->words->acquire) {
            cc_hold(g, HELD_VALUE, value);
        }
        if (use == ITS_NODE || found->without_hint) {
            cc_hold(g, HELD_NODES, (uintptr_t)n);
        }
        cc_end_reading(g);
    }
    return CC_FOUND;
}

NEVER_INLINE cc_status find_entry_restartably(cc_skiplist *list, cc_smr_guard *g, cc_search *search,
                                              entry_use use, found_entry *found) {
    CC_CHECKPOINT(g);
    return find_entry_in_phase(list, g, true, search, use, found);
}

/* The entry with the searched key, by a hint or by a search: CC_FOUND, CC_ABSENT or CC_NEED_COMPARE. */
ALWAYS_INLINE cc_status find_entry(cc_skiplist *list, cc_smr_guard *g, cc_search *search,
                                   entry_use use, found_entry *found) {
    return g->restarts ? find_entry_restartably(list, g, search, use, found)
                       : find_entry_in_phase(list, g, false, search, use, found);
}

cc_status cc_skiplist_get(cc_skiplist *list, cc_search *search, uintptr_t *value) {
    cc_smr_guard g;
    leftovers left = {0};
    found_entry found;
    if (begin(list, &g, 0)) {
        return CC_NO_MEMORY;
    }
    cc_status status = find_entry(list, &g, search, value ? ITS_VALUE : ITS_WORD, &found);
    if (status == CC_FOUND) {
        if (found.value == CC_TOMBSTONE) {
            status = CC_ABSENT;
        } else if (value) {
            acquire_word(list, found.value);
            *value = found.value;
        }
        if (found.without_hint) {
            refresh_hint(list, &g, search, found.n, &left);
        }
    }
    end_changing(list, &g, &left);
    return status;
}

/* Swap the value of a node for `value` (CC_TOMBSTONE to remove it). CC_FOUND: done, and the old
 * value is in `left`. CC_ABSENT: the node is dead. CC_MISMATCH: the value is not `expected`, where
 * one is given. */
static cc_status swap_value(cc_skiplist *list, cc_smr_guard *g, node *n, uintptr_t value,
                            const uintptr_t *expected, leftovers *left) {
    for (;; cc_count_retry(g)) {
        /* Birth and era before the CAS, the raise after it: that makes value_birth safe; see the head. */
        uint64_t birth = cc_load_acquire_u64(&n->value_birth) & ERA_MASK;
        uintptr_t v = cc_protect(g, &n->value);
        if (v == CC_TOMBSTONE) {
            return CC_ABSENT;
        }
        if (expected && v != *expected) {
            return CC_MISMATCH;
        }
        uint64_t era = cc_load_acquire_u64(&list->domain->era) & ERA_MASK;
        if (cc_cas_seq_cst_uptr(&n->value, &v, value)) { /* (2) */
            left->value = v;
            left->value_birth = birth;
            cc_thread *self = g->thread;
            ++*cc_thread_write_mark(self, list);
            if (value == CC_TOMBSTONE) {
                count_entry(list, self, -1, 0);
            } else {
                raise_value_birth(n, era);
                cc_published(g);
            }
            return CC_FOUND;
        }
    }
}

/* Link a node that is in the map on its upper levels, as far as that goes: when it dies meanwhile, or
 * a comparison is needed, it stays lower than it was meant to be. Returns how many levels it has got. Of `at` the levels
 * are right that it has afterwards. */
static int build_tower(cc_skiplist *list, cc_smr_guard *g, cc_search *search, node *n,
                       position *at) {
    for (int level = 1; level < height_of(n); level++) {
        for (;;) {
            uintptr_t link = cc_load_acquire_uptr(&n->next[level]);
            if (is_marked(link)) {
                return level;
            }
            node *after = at->after[level];
            /* Our own next first, by CAS, since a remover may mark it at any time; then the link to us. */
            if (target_of(link) != after &&
                !cc_cas_acq_rel_uptr(&n->next[level], &link, (uintptr_t)after)) {
                return level;
            }
            uintptr_t expected = (uintptr_t)after;
            if (cc_cas_acq_rel_uptr(&at->before[level]->next[level], &expected,
                                    (uintptr_t)n)) { /* (1) */
                break;
            }
            cc_count_retry(g);
            cc_status status = seek_again(list, g, search, at, height_of(n));
            if (status != CC_FOUND || at->after[0] != n) {
                at->levels = status == CC_NEED_COMPARE ? 0 : at->levels; /* nothing is held */
                return level;
            }
        }
    }
    return height_of(n);
}

/* Where the searched key is, or belongs. With `by_hint`, and when a hint leads to it, only at->after[0] is set. A read
 * phase; the write phase holds the position on the levels below `levels`. */
ALWAYS_INLINE cc_status find_place_in_phase(cc_skiplist *list, cc_smr_guard *g, bool restarts,
                                            cc_search *search, bool by_hint, position *at,
                                            int levels) {
    node *n = by_hint ? follow_hint(list, g, restarts, search) : NULL;
    if (search->asks) {
        return CC_NEED_COMPARE;
    }
    if (n) {
        at->after[0] = n;
        cc_hold(g, HELD_NODES, (uintptr_t)n);
        cc_end_reading(g);
        return CC_FOUND;
    }
    cc_status status = seek(list, g, restarts, search, at, SEEK_POSITION);
    keep_position(g, at, status, levels);
    return status;
}

NEVER_INLINE cc_status find_place_restartably(cc_skiplist *list, cc_smr_guard *g, cc_search *search,
                                              bool by_hint, position *at, int levels) {
    CC_CHECKPOINT(g);
    return find_place_in_phase(list, g, true, search, by_hint, at, levels);
}

ALWAYS_INLINE cc_status find_place(cc_skiplist *list, cc_smr_guard *g, cc_search *search,
                                   bool by_hint, position *at, int levels) {
    return g->restarts ? find_place_restartably(list, g, search, by_hint, at, levels)
                       : find_place_in_phase(list, g, false, search, by_hint, at, levels);
}

cc_status cc_skiplist_put(cc_skiplist *list, cc_search *search, uintptr_t value,
                          cc_put_policy policy, uintptr_t *old) {
    cc_smr_guard g;
    leftovers left = {0};
    position at;
    node *n = NULL;
    CC_INVARIANT(value != CC_TOMBSTONE);
    if (begin(list, &g, 2)) {
        return CC_NO_MEMORY;
    }
    cc_status status;
    const int height = random_height(g.thread, (int)cc_load_relaxed_u32(&list->top));
    for (bool by_hint = true;; by_hint = false, cc_count_retry(&g)) {
        status = find_place(list, &g, search, by_hint, &at, height);
        if (status == CC_NEED_COMPARE) {
            break;
        }
        if (status == CC_FOUND) {
            node *found = at.after[0];
            if (policy == CC_PUT_IF_ABSENT) {
                uintptr_t v = cc_protect_and_hold(&g, &found->value, 0, HELD_VALUE); /* (2) */
                if (v != CC_TOMBSTONE) {
                    if (old) {
                        acquire_word(list, v);
                        *old = v;
                    }
                    break;
                }
            } else if (swap_value(list, &g, found, value, NULL, &left) == CC_FOUND) {
                if (old) {
                    acquire_word(list, left.value);
                    *old = left.value;
                }
                break;
            }
            mark_dead(found); /* so that the next seek unlinks it */
            continue;
        }
        if (policy == CC_PUT_IF_PRESENT) {
            break;
        }
        if (!n && !(n = new_node(list, search, value, height))) {
            status = CC_NO_MEMORY;
            break;
        }
        if (height > at.levels) {
            uint32_t top = (uint32_t)at.levels;
            while (top < (uint32_t)height &&
                   !cc_cas_acq_rel_u32(&list->top, &top, (uint32_t)height)) { /* (3) */
            }
            for (int level = at.levels; level < height; level++) {
                at.before[level] = &list->head;
                at.after[level] = NULL;
            }
        }
        for (int level = 0; level < height; level++) {
            cc_store_relaxed_uptr(&n->next[level], (uintptr_t)at.after[level]);
        }
        uintptr_t expected = (uintptr_t)at.after[0];
        if (cc_cas_seq_cst_uptr(&at.before[0]->next[0], &expected, (uintptr_t)n)) { /* (1) */
            cc_thread *self = g.thread;
            ++*cc_thread_write_mark(self, list);
            count_entry(list, self, 1, (int64_t)bytes_of(n));
            cc_published(&g);
            for (int level = build_tower(list, &g, search, n, &at); level < height; level++) {
                cc_fetch_or_acq_rel_uptr(&n->next[level], UNLINKED); /* (5): and never will be */
            }
            if (search->hash) {
                publish_hint(list, &g, search->hash, n);
            }
            if (leave_builders(n)) {
                unlink_at(list, &at, n);
                last_one_out(list, &g, search, n, &left);
            }
            n = NULL;
            break;
        }
    }
    cc_free(n); /* made, but not needed in the end */
    end_changing(list, &g, &left);
    return status;
}

cc_status cc_skiplist_replace_exact(cc_skiplist *list, cc_search *search, uintptr_t expected,
                                    uintptr_t value) {
    cc_smr_guard g;
    leftovers left = {0};
    found_entry found;
    if (begin(list, &g, 2)) {
        return CC_NO_MEMORY;
    }
    cc_status status = find_entry(list, &g, search, ITS_NODE, &found);
    if (status == CC_FOUND) {
        status = swap_value(list, &g, found.n, value, &expected, &left);
        if (found.without_hint) {
            refresh_hint(list, &g, search, found.n, &left);
        }
    }
    end_changing(list, &g, &left);
    return status;
}

/* Is it foreign code that orders the searched key? Such keys have no hash. */
static bool is_ordered_by_asking(cc_skiplist *list, const cc_search *search) {
    return search->lesson_count || (!search->hash && cc_load_relaxed_u32(&list->asked));
}

/* The entry to remove, and its place on every level: all that must be asked about it is asked now, before the removal.
 * A read phase; the write phase holds the node and the place. */
NEVER_INLINE cc_status find_entry_and_place(cc_skiplist *list, cc_smr_guard *g, cc_search *search,
                                            found_entry *found, position *at) {
    CC_CHECKPOINT(g);
    cc_status status = seek(list, g, false, search, at, SEEK_ENTRY); /* as a get finds it */
    if (status == CC_FOUND) {
        found->n = at->after[0];
        if (seek(list, g, false, search, at, SEEK_POSITION) == CC_NEED_COMPARE) {
            return CC_NEED_COMPARE;
        }
        /* One more than a position on all levels has: n need not be in it, when comparisons are no order. */
        cc_hold(g, HELD_VALUE, (uintptr_t)found->n);
        keep_position(g, at, CC_FOUND, MAX_HEIGHT);
    } else if (status == CC_ABSENT) {
        cc_end_reading(g);
    }
    return status;
}

cc_status cc_skiplist_remove(cc_skiplist *list, cc_search *search, uintptr_t *old) {
    cc_smr_guard g;
    leftovers left = {0};
    found_entry found;
    position at;
    if (begin(list, &g, 2)) {
        return CC_NO_MEMORY;
    }
    bool asking = is_ordered_by_asking(list, search);
    cc_status status = asking ? find_entry_and_place(list, &g, search, &found, &at)
                              : find_entry(list, &g, search, ITS_NODE, &found);
    if (status == CC_FOUND) {
        node *n = found.n;
        status = swap_value(list, &g, n, CC_TOMBSTONE, NULL, &left);
        if (status == CC_FOUND) {
            if (old) {
                acquire_word(list, left.value);
                *old = left.value;
            }
            mark_dead(n);
            if (set_removed(n)) {
                if (asking) {
                    unlink_at(list, &at, n);
                }
                last_one_out(list, &g, search, n, &left);
            }
        }
    }
    end_changing(list, &g, &left);
    return status;
}

/* ---------------------------------------------------------------- ordered operations */

/* True, and *value read, when n is alive; else it is marked, so that the next seek unlinks it.
 *
 * n's neighbourhood is `from`, whose link to `to` has shown n to be what is wanted, or `from` is NULL. The entry is
 * a neighbour now, too: the value may have been replaced since that link was read, and a key come in
 * between before that; then key and value never were the answer together. So the link is read once more, between
 * two looks at the value. The head says what gets through all the same. */
static bool look_at_neighbour(cc_smr_guard *g, node *n, const node *from, const node *to,
                              uintptr_t *value) {
    uintptr_t v = cc_protect(g, &n->value); /* (2) */
    if (v == CC_TOMBSTONE) {
        mark_dead(n);
        return false;
    }
    *value = v;
    return !from || (cc_load_acquire_uptr(&from->next[0]) == (uintptr_t)to &&
                     cc_load_acquire_uptr(&n->value) == v);
}

static void acquire_entry(cc_skiplist *list, const node *n, uintptr_t value, cc_entry *entry) {
    acquire_word(list, value);
    acquire_word(list, n->key);
    *entry = (cc_entry){n->digest, n->key, value, (uint8_t)kind_of(n)};
}

/* Take n's entry, when it is alive, as the next one of a scan: a moment of a write phase in the middle of a read
 * phase. When that turns out to have ended the read phase, the entry counts all the same. */
static void take_entry(cc_skiplist *list, cc_smr_guard *g, node *n, cc_entry *entries,
                       size_t *count) {
    uintptr_t value;
    if (look_at_neighbour(g, n, NULL, NULL, &value)) {
        cc_hold(g, HELD_VALUE, value);
        cc_hold(g, HELD_NODES, (uintptr_t)n);
        cc_end_reading(g);
        acquire_entry(list, n, value, &entries[*count]);
        ++*count;
        cc_resume_reading(g);
    }
}

/* A read phase; the write phase holds the node and its value. */
NEVER_INLINE cc_status find_neighbour(cc_skiplist *list, cc_smr_guard *g, cc_search *search,
                                      cc_relation relation, position *at, node **found,
                                      uintptr_t *value) {
    CC_CHECKPOINT(g);
    for (;; cc_count_retry(g)) {
        node *n = NULL, *from, *to, *beyond;
        if (relation == CC_FIRST) {
            from = &list->head;
            n = target_of(cc_protect(g, &list->head.next[0]));
            if (!settle(g, false, from, 0, &n, &beyond)) {
                continue;
            }
            to = n;
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
            cc_hold(g, HELD_VALUE, *value);
            cc_hold(g, HELD_NODES, (uintptr_t)n);
            cc_end_reading(g);
            return CC_FOUND;
        }
    }
}

cc_status cc_skiplist_neighbour(cc_skiplist *list, cc_search *search, cc_relation relation,
                                cc_entry *entry) {
    cc_smr_guard g;
    position at;
    node *n;
    uintptr_t value;
    if (begin(list, &g, 0)) {
        return CC_NO_MEMORY;
    }
    cc_status status = find_neighbour(list, &g, search, relation, &at, &n, &value);
    if (status == CC_FOUND) {
        acquire_entry(list, n, value, entry);
    }
    close_region(&g);
    return status;
}

/* The last entry has been removed: a search for the end unlinks it on its way. A read phase. */
NEVER_INLINE void unlink_before_the_end(cc_skiplist *list, cc_smr_guard *g, position *at) {
    CC_CHECKPOINT(g);
    seek(list, g, false, NULL, at, SEEK_END);
    cc_end_reading(g);
}

cc_status cc_skiplist_pop_end(cc_skiplist *list, cc_relation end, const cc_stored_key *prepared,
                              cc_entry *entry) {
    cc_smr_guard g;
    leftovers left = {0};
    position at;
    node *n;
    uintptr_t value;
    if (begin(list, &g, 2)) {
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
        if (set_removed(n)) {
            /* Without a comparison as a rule: first where it was found. */
            at.levels = 0;
            if (end == CC_FIRST) {
                unlink_at(list, &at, n);
            } else {
                unlink_before_the_end(list, &g, &at);
            }
            /* As if a question were open already, so that none is asked. */
            cc_search own = {
                .digest = n->digest, .key = n->key, .kind = (uint8_t)kind_of(n), .asks = true};
            last_one_out(list, &g, &own, n, &left);
        }
    }
    end_changing(list, &g, &left);
    return status;
}

/* A read phase that takes entries as it goes. A second start goes on with none; with some, they are the answer. */
NEVER_INLINE cc_status walk_up(cc_skiplist *list, cc_smr_guard *g, cc_search *search,
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
    node *before = at->before[0], *current = at->after[0], *beyond = NULL;
    for (unsigned visited = 0; *count < room && visited < MOST_NODES_PER_REGION; visited++) {
        if (!settle(g, false, before, 0, &current, &beyond)) {
            break; /* what we have is an answer; without any, start over */
        }
        if (!current) {
            *at_end = true;
            break;
        }
        take_entry(list, g, current, entries, count);
        before = current;
        current = beyond;
    }
    cc_end_reading(g);
    return CC_FOUND;
}

cc_status cc_skiplist_scan_up(cc_skiplist *list, cc_search *search, bool exclusive,
                              cc_entry *entries, size_t room, size_t *count) {
    cc_smr_guard g;
    position at;
    bool at_end = room == 0;
    *count = 0;
    while (*count == 0 && !at_end) {
        if (begin(list, &g, 0)) {
            return CC_NO_MEMORY;
        }
        cc_status status = walk_up(list, &g, search, exclusive, &at, entries, room, count, &at_end);
        close_region(&g);
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

/* There are no links to the left. So: from the position, step back on an upper level, walk forward on
 * level 0, remember the last `room` nodes, and hand them out from the last one. A read phase; at a second start as in
 * walk_up. CC_ABSENT: there is nothing. CC_MISMATCH: step back less. */
NEVER_INLINE cc_status walk_down(cc_skiplist *list, cc_smr_guard *g, cc_search *search,
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
    node *before = at->before[level < at->levels ? level : at->levels - 1], *beyond = NULL;
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
        node *current = target_of(link);
        if (is_marked(link) || !settle(g, false, before, 0, &current, &beyond) || !current ||
            current == at->after[0]) {
            lost = true; /* at->before[0] has been unlinked: nothing marks the bound any more */
            break;
        }
        before = current;
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

cc_status cc_skiplist_scan_down(cc_skiplist *list, cc_search *search, bool exclusive,
                                cc_entry *entries, size_t room, size_t *count) {
    node *ring[MOST_ENTRIES_DOWN];
    cc_smr_guard g;
    position at;
    cc_status status = room ? CC_MISMATCH : CC_ABSENT;
    room = room < MOST_ENTRIES_DOWN ? room : MOST_ENTRIES_DOWN;
    *count = 0;
    for (int level = level_spanning(room); status == CC_MISMATCH; level -= level > 0) {
        if (begin(list, &g, 0)) {
            return CC_NO_MEMORY;
        }
        status = walk_down(list, &g, search, exclusive, &at, level, ring, entries, room, count);
        close_region(&g);
        /* CC_MISMATCH: somebody was in the way, the stretch is unusually long, or the comparisons are no
         * order: step back less. On level 0 there is nothing to walk. */
    }
    return status == CC_NEED_COMPARE ? status : CC_FOUND;
}

/* ---------------------------------------------------------------- the whole */

cc_skiplist *cc_skiplist_new(const cc_word_table *words) {
    size_t bytes = sizeof(cc_skiplist) + MAX_HEIGHT * sizeof(cc_atomic_uptr);
    cc_skiplist *list = cc_alloc_aligned(bytes, CC_CACHE_LINE);
    if (!list) {
        return NULL;
    }
    memset((void *)list, 0, bytes);
    list->words = words;
    list->domain = cc_smr_domain_new_of(cc_smr_scheme_of_new_containers(), release_retired, words);
    if (!list->domain) {
        cc_free(list);
        return NULL;
    }
    cc_smr_domain_join_flushes(list->domain); /* a table of words lives for ever */
    cc_store_relaxed_u32(&list->top, 1);
    list->head.birth_kind_height = (uint64_t)MAX_HEIGHT << 56;
    return list;
}

/* Nodes that a clear has killed and must retire. */
#ifndef NODES_PER_BLOCK
#define NODES_PER_BLOCK 4096u
#endif

typedef struct block_of_nodes {
    struct block_of_nodes *next;
    unsigned count;
    node *nodes[NODES_PER_BLOCK];
} block_of_nodes;

/* Values are retired between regions, so that few of them wait. No more than a thread keeps spare records. */
#ifndef MOST_KILLED_AT_ONCE
#define MOST_KILLED_AT_ONCE 64u
#endif

typedef struct killed {
    unsigned count, room;
    uintptr_t values[MOST_KILLED_AT_ONCE];
    uint64_t births[MOST_KILLED_AT_ONCE];
} killed;

/* A read phase, in which each killing is a moment of a write phase; what is killed stays so at a second start. */
NEVER_INLINE void walk_and_kill(cc_skiplist *list, cc_smr_guard *g, block_of_nodes *block,
                                uint64_t newest, killed *k) {
    CC_CHECKPOINT(g);
    node *before = &list->head, *beyond = NULL;
    node *current = target_of(cc_protect(g, &before->next[0]));
    while (k->count < k->room && block->count < NODES_PER_BLOCK) {
        if (!settle(g, false, before, 0, &current, &beyond)) {
            before = &list->head;
            current = target_of(cc_protect(g, &before->next[0]));
            continue;
        }
        if (!current) {
            break;
        }
        if (birth_of(current) > newest) { /* inserted since the clear began: stays */
            before = current;
            current = beyond;
            continue;
        }
        cc_hold(g, HELD_NODES, (uintptr_t)current);
        cc_end_reading(g);
        leftovers left = {0}; /* not before: see CC_MOST_STACK */
        bool ours = swap_value(list, g, current, CC_TOMBSTONE, NULL, &left) == CC_FOUND;
        mark_dead(current); /* the next settle unlinks it */
        if (ours) {
            k->values[k->count] = left.value;
            k->births[k->count] = left.value_birth;
            k->count++;
            if (set_removed(current)) {
                block->nodes[block->count++] = current;
            }
        }
        cc_resume_reading(g);
    }
    cc_end_reading(g);
}

/* As many values as there is memory for to retire them. */
static unsigned room_for_killed(cc_skiplist *list, cc_thread *self) {
    size_t wanted = cc_skiplist_length(list);
    wanted = wanted < 1 ? 1 : wanted > MOST_KILLED_AT_ONCE ? MOST_KILLED_AT_ONCE : wanted;
    if (!list->words->release || cc_reserve(self, (unsigned)wanted) == 0) {
        return (unsigned)wanted;
    }
    return self->spare_count;
}

/* Kill some entries that were made in era `newest` or before; the nodes that are ours to retire go to
 * `block`. Returns how many entries were removed (0: there are no more), or -1 without memory. */
static int64_t kill_some(cc_skiplist *list, cc_thread *self, block_of_nodes *block,
                         uint64_t newest) {
    cc_smr_guard g;
    killed k;
    k.count = 0;
    k.room = room_for_killed(list, self);
    if (k.room == 0) {
        return -1;
    }
    cc_enter_as(self, list->domain, &g);
    walk_and_kill(list, &g, block, newest, &k);
    cc_leave(&g);
    cc_retired *records = NULL; /* all of them first: foreign code uses spare ones up */
    for (unsigned i = 0; i < k.count && list->words->release; i++) {
        cc_retired *r = cc_take_spare(self);
        r->next = records;
        records = r;
    }
    for (unsigned i = 0; records; i++) {
        cc_retired *r = records;
        records = r->next;
        cc_retire(list->domain, self, r, k.values[i], RETIRED_VALUE, k.births[i], 0);
    }
    return k.count;
}

/* Unlink every marked node from every level. */
static void unlink_all_dead(cc_skiplist *list, cc_thread *self) {
    for (int level = (int)cc_load_acquire_u32(&list->top) - 1; level >= 0; level--) {
        cc_smr_guard g;
        cc_enter_as(self, list->domain, &g);
        unlink_dead_from_level(list, &g, level, NULL);
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

/* Retire nodes that nothing leads to. Where there is no memory for a record, the rest is put aside. */
static void retire_nodes(cc_skiplist *list, cc_thread *self, block_of_nodes *blocks) {
    while (blocks) {
        block_of_nodes *b = blocks;
        while (b->count) {
            if (cc_reserve(self, 1)) {
                put_aside(list, blocks);
                return;
            }
            node *n = b->nodes[--b->count];
            check_unreachable(list, n);
            retire_node(list, self, cc_take_spare(self), n);
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

/* Rule B of hints.h for all nodes at once: a table that is not current leads nowhere. */
static void drop_hints(cc_skiplist *list, cc_thread *self, cc_retired *record) {
    hint_table *t = (hint_table *)cc_exchange_seq_cst_uptr(&list->hints, 0);
    if (t) {
        count_entry(list, self, 0, -(int64_t)t->bytes);
        cc_retire(list->domain, self, record, (uintptr_t)t, RETIRED_HINTS, t->birth, t->bytes);
    } else {
        cc_free(record);
    }
}

cc_status cc_skiplist_clear(cc_skiplist *list) {
    block_of_nodes *blocks = NULL;
    cc_status status = CC_FOUND;
    cc_thread *self = cc_thread_self();
    /* What the end cannot do without comes first: there, foreign code may have used up what is spare. */
    if (!self || cc_reserve(self, 1)) {
        return CC_NO_MEMORY;
    }
    cc_retired *record_of_hints = cc_take_spare(self);
    /* The clock moves on here, so that what is made from now on can be told apart, and stays: a stream of
     * new entries cannot keep the clear busy. */
    uint64_t newest = cc_fetch_add_seq_cst_u64(&list->domain->era, 1) & ERA_MASK;
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
    /* The newest block may be empty while older ones are full. */
    if (blocks && (blocks->count || blocks->next)) {
        drop_hints(list, self, record_of_hints);
    } else {
        cc_free(record_of_hints);
    }
    retire_nodes(list, self, blocks);
    retire_nodes(list, self, take_aside(list));
    return status;
}

static void free_all_aside(cc_skiplist *list) {
    for (block_of_nodes *b = take_aside(list), *next; b; b = next) {
        next = b->next;
        while (b->count) {
            free_node(list->words, b->nodes[--b->count]);
        }
        cc_free(b);
    }
}

static void destroy(cc_deferred *item) {
    cc_skiplist *list = (cc_skiplist *)item;
    const cc_word_table *words = list->words;
    node *n = target_of(cc_load_acquire_uptr(&list->head.next[0]));
    while (n) {
        node *next = target_of(cc_load_acquire_uptr(&n->next[0]));
        uintptr_t value = cc_load_relaxed_uptr(&n->value);
        if (value != CC_TOMBSTONE) {
            release_word(words, value);
        }
        free_node(words, n);
        n = next;
    }
    free_all_aside(list);
    cc_free((void *)cc_load_relaxed_uptr(&list->hints));
    cc_smr_domain_free(list->domain);
    cc_free(list);
}

void cc_skiplist_free(cc_skiplist *list) {
    if (list) {
        list->destruction.run = destroy;
        cc_run_or_defer(&list->destruction);
    }
}

static int64_t sum_of_entries(const cc_skiplist *list) {
    const cc_smr_domain *d = list->domain;
    uint64_t sum = 0;
    for (uint32_t i = 0; i <= d->stripe_mask; i++) {
        sum += cc_load_relaxed_u64(&d->stripes[i].entries);
    }
    return (int64_t)sum;
}

size_t cc_skiplist_length(const cc_skiplist *list) {
    int64_t sum = sum_of_entries(list);
    return sum > 0 ? (size_t)sum : 0;
}

size_t cc_skiplist_bytes(const cc_skiplist *list) {
    const cc_smr_domain *d = list->domain;
    uint64_t sum = sizeof *list + MAX_HEIGHT * sizeof(cc_atomic_uptr) + sizeof *d +
                   (d->stripe_mask + 1) * sizeof(cc_stripe);
    for (uint32_t i = 0; i <= d->stripe_mask; i++) {
        sum += cc_load_relaxed_u64(&d->stripes[i].bytes) +
               cc_load_relaxed_u64(&d->stripes[i].limbo_bytes);
    }
    return (size_t)sum;
}

size_t cc_skiplist_flush(cc_skiplist *list) {
    cc_thread *self = cc_load_relaxed_uptr(&list->aside) ? cc_thread_self() : NULL;
    if (self) {
        retire_nodes(list, self, take_aside(list));
    }
    return cc_smr_flush(list->domain);
}

size_t cc_skiplist_limbo_count(const cc_skiplist *list) {
    return cc_smr_limbo_count(list->domain);
}

cc_smr_scheme cc_skiplist_scheme(const cc_skiplist *list) {
    return list->domain->scheme;
}

cc_smr_domain *cc_skiplist_domain(const cc_skiplist *list) {
    return list->domain;
}

uint64_t cc_skiplist_changes_by_this_thread(const cc_skiplist *list) {
    cc_thread *self = cc_thread_self();
    return self ? (uint64_t)self->index << 32 | *cc_thread_write_mark(self, list) : UINT64_MAX;
}

static int visit_retired(const cc_atomic_uptr *list, int (*visit)(uintptr_t word, void *argument),
                         void *argument) {
    for (cc_retired *r = (cc_retired *)cc_load_relaxed_uptr(list); r; r = r->next) {
        uintptr_t word = r->kind == RETIRED_NODE    ? ((node *)r->word)->key
                         : r->kind == RETIRED_VALUE ? r->word
                                                    : 0;
        int answer = word ? visit(word, argument) : 0;
        if (answer) {
            return answer;
        }
    }
    return 0;
}

int cc_skiplist_visit(cc_skiplist *list, int (*visit)(uintptr_t word, void *argument),
                      void *argument) {
    int answer;
    for (node *n = target_of(cc_load_relaxed_uptr(&list->head.next[0])); n;
         n = target_of(cc_load_relaxed_uptr(&n->next[0]))) {
        uintptr_t value = cc_load_relaxed_uptr(&n->value);
        if (n->key && (answer = visit(n->key, argument))) {
            return answer;
        }
        if (value != CC_TOMBSTONE && value && (answer = visit(value, argument))) {
            return answer;
        }
    }
    for (const block_of_nodes *b = first_aside(list); b; b = b->next) {
        for (unsigned i = 0; i < b->count; i++) {
            uintptr_t key = b->nodes[i]->key;
            if (key && (answer = visit(key, argument))) {
                return answer;
            }
        }
    }
    for (uint32_t i = 0; i <= list->domain->stripe_mask; i++) {
        const cc_stripe *s = &list->domain->stripes[i];
        if ((answer = visit_retired(&s->limbo, visit, argument)) ||
            (answer = visit_retired(&s->ready, visit, argument))) {
            return answer;
        }
    }
    return 0;
}

static int by_address(const void *a, const void *b) {
    uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;
    return x < y ? -1 : x > y;
}

/* Whether every hint leads to a node of level 0, which are `entries`. Follows no hint: the node may be gone. */
static bool hints_are_linked(cc_skiplist *list, const hint_table *t, size_t entries) {
    uintptr_t *linked = cc_alloc((entries + 1) * sizeof *linked);
    if (!linked) {
        return true; /* nobody knows */
    }
    size_t count = 0;
    for (node *n = target_of(cc_load_relaxed_uptr(&list->head.next[0])); n && count < entries;
         n = target_of(cc_load_relaxed_uptr(&n->next[0]))) {
        linked[count++] = (uintptr_t)n;
    }
    qsort(linked, count, sizeof *linked, by_address);
    bool all = true;
    for (uint64_t i = 0; i < hint_table_slots(t) && all; i++) {
        uintptr_t n = cc_load_relaxed_uptr(&t->slots[i]) & ~HINT_TAG;
        all = !n || bsearch(&n, linked, count, sizeof *linked, by_address);
    }
    cc_free(linked);
    return all;
}

const char *cc_skiplist_check(cc_skiplist *list) {
    size_t entries = 0, bytes = 0;
    int top = (int)cc_load_relaxed_u32(&list->top);
    for (int level = 0; level < MAX_HEIGHT; level++) {
        node *below = &list->head;
        node *n = target_of(cc_load_relaxed_uptr(&list->head.next[level]));
        if (n && level >= top) {
            return "a level above the top is in use";
        }
        const node *previous = NULL;
        for (; n; n = target_of(cc_load_relaxed_uptr(&n->next[level]))) {
            uint64_t state = cc_load_relaxed_u64(&n->value_birth);
            if (is_marked(cc_load_relaxed_uptr(&n->next[level]))) {
                return "a marked node is linked";
            }
            if (cc_load_relaxed_uptr(&n->value) == CC_TOMBSTONE || (state & REMOVED)) {
                return "a dead node is linked";
            }
            if (BUILDERS(state)) {
                return "a node has builders";
            }
            if (height_of(n) <= level) {
                return "a node is linked above its height";
            }
            if (previous && kind_of(previous) == kind_of(n) &&
                (previous->digest > n->digest ||
                 (previous->digest == n->digest && !(previous->key | n->key)))) {
                return "keys are out of order";
            }
            previous = n;
            if (level == 0) {
                entries++;
                bytes += bytes_of(n);
            } else {
                while (below && below != n) {
                    below = target_of(cc_load_relaxed_uptr(&below->next[level - 1]));
                }
                if (!below) {
                    return "a node is linked on a level but not on the one below";
                }
            }
        }
    }
    if (sum_of_entries(list) != (int64_t)entries) {
        return "the count of entries is wrong";
    }
    const hint_table *t = (const hint_table *)cc_load_relaxed_uptr(&list->hints);
    if (t) {
        bytes += t->bytes;
        if (!hints_are_linked(list, t, entries)) {
            return "a hint leads to a node that is not in the list";
        }
    }
    for (const block_of_nodes *b = first_aside(list); b; b = b->next) {
        for (unsigned i = 0; i < b->count; i++) {
            bytes += bytes_of(b->nodes[i]);
        }
    }
    uint64_t counted = 0;
    for (uint32_t i = 0; i <= list->domain->stripe_mask; i++) {
        counted += cc_load_relaxed_u64(&list->domain->stripes[i].bytes);
    }
    if (counted != bytes) {
        return "the count of bytes is wrong";
    }
    return NULL;
}
