/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of the B+tree share: nodes, their states, places in the tree. bptree.c has the
 * overview.
 *
 * Nodes. A leaf has sorted entries, in columns. An inner node has children, and between each two of
 * them a separator: keys that are not less are on its right. Children are replaced, everything else
 * in an inner node never changes: when there are to be more or fewer children, another node takes
 * its place. All leaves are equally deep. The anchor is an inner node with one child, the root.
 *
 * States. A node's state says who may do what. LOCKED: a writer has it. CHANGING: and is moving
 * entries, so what a reader finds is worth nothing. MARKED: it is out of the tree, or is about to
 * be, and never changes again. The rest is the version, which is another one after each change of a
 * leaf's entries. A value that is replaced changes nothing in it: that is one store.
 *
 * Words. Keys and values belong to the tree, not to a node: they move from leaf to leaf, and are
 * retired by themselves. A separator has a reference of its own to its key, which moves likewise.
 *
 * Digests. Where all keys of a node's range share their first characters, digests in the node are
 * those of what comes after (bptree_prefix.c).
 *
 * Holes. Of what stands in a leaf, its extent says what counts: so many positions, but for one, the
 * hole, when there is one. Entries move one by one, the hole with them. So a leaf is whole at each
 * step, even if the thread that does it never takes another one (see fork in bptree_locks.h).
 *
 * Pairs of releases and acquires:
 *   (1) storing a child, or marking a node, with reading it: what is in the nodes that lead on.
 *   (2) the CAS that locks a leaf, and each store to its cells, with what readers load of it before
 *       they look at the version again; giving the lock back with seeing that: the cells.
 */
#ifndef CC_BPTREE_INSIDE_H
#define CC_BPTREE_INSIDE_H

#include "bptree.h"
#include "lock_wait.h"
#include "ordered_inside.h"
#include "value_slot.h"

/* Entries of a leaf: at least 2, at most 254. With 36 a leaf fills a block of the allocator's sizes
 * (896 bytes, 1536 with words); with 32 it would take the same blocks. */
#ifndef LEAF_ENTRIES
#define LEAF_ENTRIES 36u
#endif

/* Children of an inner node: at least 4. */
#ifndef INNER_CHILDREN
#define INNER_CHILDREN 32u
#endif

/* Entries of the first leaf of a tree; it grows with the tree. */
#ifndef FIRST_LEAF_ENTRIES
#define FIRST_LEAF_ENTRIES 4u
#endif

/* Leaves that a scan visits in one region; longer regions would pin more of what dies meanwhile. */
#ifndef MOST_LEAVES_PER_REGION
#define MOST_LEAVES_PER_REGION 128u
#endif

_Static_assert(LEAF_ENTRIES >= 2 && LEAF_ENTRIES <= 254 && INNER_CHILDREN >= 4 &&
                   INNER_CHILDREN <= 254,
               "see above");

/* Inner nodes on a path. A node that is split has half of INNER_CHILDREN, so it takes more than 2^n
 * insertions to make a tree of n levels. */
#define MOST_LEVELS 60u

/* ---------------------------------------------------------------- nodes */

#define LOCKED UINT64_C(1)
#define CHANGING UINT64_C(2)
#define MARKED UINT64_C(4)
/* Of the process whose thread has the lock; 0 while it is free (bptree_locks.h). */
#define GENERATION_SHIFT 3
#define GENERATION_MASK (UINT64_C(0x1fff) << GENERATION_SHIFT)
#define ONE_VERSION (UINT64_C(1) << 16)

typedef struct tree_node {
    cc_atomic_u64 state;
    uint64_t birth; /* the rest is immutable */
    uint32_t bytes;
    uint8_t count; /* of an inner node's children; of a leaf's positions */
    uint8_t skip, shared; /* units of keys: see bptree_prefix.c */
    bool is_leaf : 1;
    bool has_words : 1; /* of a leaf: it has the column of key words */
} tree_node;

/* A leaf's columns follow it: digests, values, and key words where it has them. */
typedef struct leaf_node {
    tree_node head;
    cc_atomic_u64 extent;
} leaf_node;

/* Positions (8 bits), the hole or NO_HOLE (8), the kind of all keys, or MIXED_KINDS (16). */
#define HOLE_SHIFT 8
#define NO_HOLE 0xffu
#define KIND_SHIFT 16
#define MIXED_KINDS 0x100u

static inline uint64_t extent_of(unsigned positions, unsigned hole, unsigned kind) {
    return positions | (uint64_t)hole << HOLE_SHIFT | (uint64_t)kind << KIND_SHIFT;
}

static inline unsigned positions_in(uint64_t extent) {
    return (unsigned)(extent & 0xff);
}

static inline unsigned hole_in(uint64_t extent) {
    return (unsigned)(extent >> HOLE_SHIFT) & 0xff;
}

static inline unsigned kinds_in(uint64_t extent) {
    return (unsigned)(extent >> KIND_SHIFT);
}

/* A key that its digest does not hold whole, and an era not later than its publication. */
typedef struct key_word {
    cc_atomic_uptr word;
    cc_atomic_u64 birth;
} key_word;

/* Between two children. All of it immutable. */
typedef struct separator {
    uint64_t digest; /* without what its node skips, as in a leaf */
    uint64_t birth_kind; /* as in a value's slot of a leaf: era and kind of the word */
    uintptr_t word; /* owned by the tree, as keys are */
} separator;

typedef struct inner_node {
    tree_node head;
    cc_atomic_uptr children[]; /* tree_node *; count of them, then count - 1 separators */
} inner_node;

typedef struct cc_bptree {
    cc_ordered map; /* first */
    cc_event_count line; /* of those who wait for a lock */
    cc_atomic_uptr aside; /* detached_tree *: what a clear had no memory to retire; usually NULL */
    inner_node anchor; /* has one child, NULL while the tree is empty; must be last */
} cc_bptree;

enum { RETIRED_KEY = CC_RETIRED_OWN, RETIRED_NODE };

_Static_assert(CC_HELD_NODES + 5 <= CC_MOST_HELD, "what a regrouping goes by can be held");

static inline cc_bptree *tree_of(cc_ordered *map) {
    return (cc_bptree *)map;
}

static inline cc_atomic_u64 *digests_of(const leaf_node *n) {
    return (cc_atomic_u64 *)(n + 1);
}

static inline cc_value_slot *slots_of(const leaf_node *n) {
    return (cc_value_slot *)(digests_of(n) + n->head.count);
}

static inline key_word *words_of(const leaf_node *n) {
    return (key_word *)(slots_of(n) + n->head.count);
}

static inline separator *separators_of(const inner_node *n) {
    return (separator *)(n->children + n->head.count);
}

static inline unsigned kind_in_birth(uint64_t birth) {
    return (unsigned)(birth >> CC_ERA_BITS) & 0xff;
}

static inline cc_stored_key key_of_separator(const separator *s) {
    return (cc_stored_key){s->digest, s->word, (uint8_t)kind_in_birth(s->birth_kind)};
}

static inline unsigned kind_at(const leaf_node *n, uint64_t extent, unsigned i) {
    unsigned kind = kinds_in(extent);
    return kind != MIXED_KINDS ? kind : kind_in_birth(cc_load_acquire_u64(&slots_of(n)[i].birth));
}

/* Nodes that nobody has seen yet; NULL without memory. With LOCKED in the state, and no entries. */
leaf_node *cc_bptree_new_leaf(cc_bptree *tree, unsigned positions, bool has_words);
inner_node *cc_bptree_new_inner(cc_bptree *tree, unsigned children);

/* ---------------------------------------------------------------- what is in a leaf
 *
 * Stores to cells are releases, so that a reader who has seen one sees CHANGING or another version
 * when it looks again (2). */

/* An entry as it stands in a leaf. */
typedef struct leaf_entry {
    uint64_t digest;
    uint64_t birth_kind; /* of the value; and the key's kind */
    uintptr_t value;
    uintptr_t word;
    uint64_t word_birth;
} leaf_entry;

/* For who has locked the leaf, or knows that nobody changes it. */
static inline leaf_entry entry_at(const leaf_node *n, unsigned i) {
    const cc_value_slot *slot = &slots_of(n)[i];
    leaf_entry e = {.digest = cc_load_relaxed_u64(&digests_of(n)[i]),
                    .birth_kind = cc_load_relaxed_u64(&slot->birth),
                    .value = cc_load_relaxed_uptr(&slot->value)};
    if (n->head.has_words) {
        e.word = cc_load_relaxed_uptr(&words_of(n)[i].word);
        e.word_birth = cc_load_relaxed_u64(&words_of(n)[i].birth);
    }
    return e;
}

static inline void set_entry(leaf_node *n, unsigned i, const leaf_entry *e) {
    cc_value_slot *slot = &slots_of(n)[i];
    cc_store_release_u64(&digests_of(n)[i], e->digest); /* (2) */
    cc_store_release_u64(&slot->birth, e->birth_kind);
    cc_store_release_uptr(&slot->value, e->value);
    if (n->head.has_words) {
        cc_store_release_uptr(&words_of(n)[i].word, e->word);
        cc_store_release_u64(&words_of(n)[i].birth, e->word_birth);
    }
}

static inline void set_extent(leaf_node *n, unsigned positions, unsigned hole, unsigned kind) {
    cc_store_release_u64(&n->extent, extent_of(positions, hole, kind)); /* (2) */
}

/* Under the lock. The leaf has a position free; and positions i - 1 and i + 1 are what it has been
 * searched to be between. */
void cc_bptree_insert_at(leaf_node *n, unsigned i, const leaf_entry *e);
/* Close the hole. An entry is taken out by making its position the hole. */
void cc_bptree_close_hole(leaf_node *n);

/* ---------------------------------------------------------------- places */

/* Where a key is, or belongs: the way down, and the leaf as it was then. */
typedef struct place {
    unsigned levels; /* of at[]; at[0].node is the anchor */
    struct {
        inner_node *node;
        unsigned index; /* of the child that the way goes on to */
        unsigned count; /* of the node's children: for who does not hold the node any more */
    } at[MOST_LEVELS];
    leaf_node *leaf; /* NULL: the tree is empty */
    uint64_t state; /* of the leaf: without CHANGING and MARKED */
    uint64_t extent;
    unsigned position; /* of the first entry that is not less */
    unsigned skip; /* of the last node on the way by a key */
    uint64_t digest; /* of the key, without that */
    bool found; /* and it is equal */
} place;

/* Of a leaf's positions, is this one an entry's? */
static inline bool is_entry(uint64_t extent, unsigned position) {
    return position < positions_in(extent) && position != hole_in(extent);
}

static inline unsigned count_at(const place *at) {
    return positions_in(at->extent);
}

/* Is the leaf's state, but for the lock, what it was? Whatever has been read in between was there
 * then (2). */
static inline bool is_as_it_was(const leaf_node *n, uint64_t state) {
    return ((cc_load_acquire_u64(&n->head.state) ^ state) & ~(LOCKED | GENERATION_MASK)) == 0;
}

/* How an attempt has ended, beside the statuses of search.h. */
enum {
    AGAIN = 16, /* somebody has been in the way */
    WAIT, /* the same, and has not finished yet */
    REPAIRED, /* a dead thread had the lock; who waits for it does not know that it is free */
    REGROUP, /* something is to be done about the nodes first (cc_bptree_regroup) */
};

/* Which way down. */
typedef enum search_way { BY_KEY, TO_FIRST, TO_LAST } search_way;

/* What a search is for. */
typedef enum search_aim {
    TO_READ, /* the value, too */
    TO_KNOW, /* without the value */
    TO_PUT, /* the same as TO_READ; and the leaf must have room for another entry */
    TO_CHANGE, /* whatever is found is locked next */
    TO_TIDY /* the leaf is nearly empty, or has been */
} search_aim;

/* Of which level's node children are replaced by a regrouping. Reads no node but the leaf. */
unsigned cc_bptree_level_to_regroup(search_aim aim, const place *at);

/* Find the searched key, or an end. A read phase; the write phase holds the leaf, and the value
 * that was read. CC_FOUND (for an end: there is an entry), CC_ABSENT, CC_NEED_COMPARE, WAIT, or
 * REGROUP, with everything held that this needs. */
int cc_bptree_find(cc_bptree *tree, cc_smr_guard *g, cc_search *search, search_way way,
                   search_aim aim, place *at, uintptr_t *value);

/* Parts of it, for those who go on from there. In a read phase. */
int cc_bptree_descend(cc_bptree *tree, cc_smr_guard *g, cc_search *search, search_way way,
                      place *at);
int cc_bptree_search_leaf(cc_bptree *tree, cc_smr_guard *g, cc_search *search, place *at);
/* Both, to an entry or its place, or to an end. */
int cc_bptree_reach(cc_bptree *tree, cc_smr_guard *g, cc_search *search, search_way way, place *at);
/* To the next leaf on that side: CC_FOUND, CC_ABSENT (there is none; the place is as it was), AGAIN
 * or WAIT. */
int cc_bptree_step(cc_smr_guard *g, bool up, place *at);
/* Upwards by so many children of the node at that level, which has as many more; or by one, which
 * may be those of another node. To the first leaf there. Outcomes as of cc_bptree_step. */
int cc_bptree_step_over(cc_smr_guard *g, place *at, unsigned level, unsigned children);
/* Hold what cc_bptree_regroup needs. */
void cc_bptree_hold_for(cc_smr_guard *g, search_aim aim, const place *at);
/* Has the leaf no room for another entry with such a key? */
bool cc_bptree_lacks_room(const place *at, uintptr_t word);

/* ---------------------------------------------------------------- prefixes (bptree_prefix.c) */

/* More units are not skipped: they have room in 8 bits. */
#ifndef MOST_SKIP
#define MOST_SKIP 255u
#endif

/* So many units fewer than it could a node may skip: less than that does not pay for looking at its
 * keys again. */
#ifndef UNITS_WORTH_A_SKIP
#define UNITS_WORTH_A_SKIP 5u
#endif

/* How many units two keys share, of those that can be skipped. Their words must stay meanwhile. */
unsigned cc_bptree_shared(cc_bptree *tree, const cc_stored_key *a, const cc_stored_key *b);

/* What a node may skip best, if all keys of its range share `shared` units, and its separators
 * `common`; `old` is what has been skipped so far. */
unsigned cc_bptree_best_skip(unsigned shared, unsigned common, unsigned old);

/* The digest of a key where `skip` units are skipped; `digest` is that where it comes from. Its
 * word must stay meanwhile. */
uint64_t cc_bptree_digest_after(cc_bptree *tree, unsigned kind, uint64_t digest, uintptr_t word,
                                unsigned skip);

/* The same, from a node that skips `from` units into one that skips `to`. */
static inline uint64_t digest_moved(cc_bptree *tree, unsigned kind, uint64_t digest, uintptr_t word,
                                    unsigned from, unsigned to) {
    return from == to || !word ? digest : cc_bptree_digest_after(tree, kind, digest, word, to);
}

/* Have the searched key's digest, in the place, be one for nodes that skip so much. In a read
 * phase. */
void cc_bptree_skip(cc_bptree *tree, cc_smr_guard *g, const cc_search *search, unsigned skip,
                    place *at);

/* Does the searched key share what the node skips? Else all separators are on one side of it, and
 * *child is the child there. In a read phase. */
bool cc_bptree_shares_prefix(cc_bptree *tree, cc_smr_guard *g, const cc_search *search,
                             const inner_node *n, unsigned *child);

/* ---------------------------------------------------------------- changing nodes */

/* Things to retire once the region is closed. */
typedef struct gone_thing {
    uintptr_t word;
    uint64_t birth;
    uint32_t bytes;
    uint32_t kind;
} gone_thing;

/* Spare records that an operation reserves. */
enum { RECORDS = 6 };

typedef struct gone_things {
    unsigned count;
    gone_thing things[RECORDS];
} gone_things;

static inline void add_gone(gone_things *g, uintptr_t word, unsigned kind, uint64_t birth,
                            size_t bytes) {
    CC_INVARIANT(g->count < RECORDS);
    g->things[g->count++] = (gone_thing){word, birth & CC_ERA_MASK, (uint32_t)bytes, kind};
}

/* ---------------------------------------------------------------- beginning and end */

/* What an operation goes through. */
typedef struct attempt {
    cc_smr_guard g;
    gone_things gone;
    cc_lock_wait wait;
    bool gave_back; /* a lock; and those who wait for it do not know yet */
} attempt;

/* After REGROUP: make room for an entry of this search (TO_PUT), or tidy up. In a write phase. What
 * has been replaced is in a->gone. CC_FOUND, CC_ABSENT (there is nothing to tidy), AGAIN, WAIT, or
 * CC_NO_MEMORY. */
int cc_bptree_regroup(cc_bptree *tree, attempt *a, const cc_search *search, search_aim aim,
                      const place *at);

/* CC_FOUND, or CC_NO_MEMORY: then nothing is open. */
cc_status cc_bptree_begin_attempt(cc_bptree *tree, attempt *a);

/* After AGAIN, WAIT, REPAIRED or REGROUP: do what there is to do, outside of the region if need be.
 * CC_FOUND: try again. CC_ABSENT: the same, but there was nothing to tidy. CC_NO_MEMORY: the region
 * is open all the same. */
cc_status cc_bptree_try_again(cc_bptree *tree, attempt *a, int outcome, const cc_search *search,
                              search_aim aim, const place *at);

/* The condition of the loop that an operation is: *outcome asks for another try, and all has been
 * done for it. Else *outcome is the operation's answer. */
static inline bool cc_bptree_has_to_try_again(cc_bptree *tree, attempt *a, int *outcome,
                                              const cc_search *search, search_aim aim,
                                              const place *at) {
    if (*outcome >= AGAIN &&
        cc_bptree_try_again(tree, a, *outcome, search, aim, at) == CC_NO_MEMORY) {
        *outcome = CC_NO_MEMORY;
    }
    return *outcome >= AGAIN;
}

/* Close the region, and retire what is gone. May run foreign code. */
void cc_bptree_end_attempt(cc_bptree *tree, attempt *a);

/* How often a leaf that is nearly empty is gone for. */
#define MOST_TRIES_TO_TIDY 64u

/* Have an underfull leaf joined with a neighbour, where the search leads now. Outside of regions.
 * It is no harm if that fails. */
void cc_bptree_tidy(cc_bptree *tree, cc_search *search, search_way way);

/* Is it time for that, when so many entries are left in a leaf? */
static inline bool is_time_to_tidy(unsigned count) {
    return count <= LEAF_ENTRIES / 4 && count % 4 == 0;
}

/* From now on a lock's generation tells. Once in a process. */
void cc_bptree_expect_forks(void);

/* An entry that is put now. */
static inline leaf_entry cc_bptree_new_entry(cc_bptree *tree, unsigned kind, uint64_t digest,
                                             uintptr_t word, uintptr_t value) {
    uint64_t era = cc_birth_now(&tree->map.common);
    return (leaf_entry){.digest = digest,
                        .birth_kind = era | (uint64_t)kind << CC_ERA_BITS,
                        .value = value,
                        .word = word,
                        .word_birth = era};
}

/* Entries that have come (or one that has gone). */
static inline void cc_bptree_count(cc_bptree *tree, cc_smr_guard *g, int entries, int64_t bytes) {
    cc_thread *self = g->thread;
    *cc_thread_write_mark(self, &tree->map.common) += entries > 0 ? (uint32_t)entries : 1;
    cc_count_entries(&tree->map.common, self, entries, bytes);
}

/* The first leaf of an empty tree, with `count` entries, at most LEAF_ENTRIES. CC_ABSENT: done;
 * AGAIN, WAIT, CC_NO_MEMORY. */
int cc_bptree_put_root(cc_bptree *tree, attempt *a, const leaf_entry *entries, unsigned count,
                       bool has_words);

/* ---------------------------------------------------------------- the table's operations */

/* bptree.c */
cc_status cc_bptree_get(cc_ordered *map, cc_search *search, uintptr_t *value);
cc_status cc_bptree_put(cc_ordered *map, cc_search *search, uintptr_t value, cc_put_policy policy,
                        uintptr_t *old);
cc_status cc_bptree_replace_exact(cc_ordered *map, cc_search *search, uintptr_t expected,
                                  uintptr_t value);
cc_status cc_bptree_remove(cc_ordered *map, cc_search *search, const uintptr_t *expected,
                           uintptr_t *old);

/* Take out the entry of the place, when the leaf is as it was. CC_FOUND, CC_MISMATCH (not the value
 * `expected`), AGAIN, WAIT. In a write phase. */
int cc_bptree_take_out(cc_bptree *tree, attempt *a, const place *at, const uintptr_t *expected,
                       leaf_entry *taken);

/* bptree_order.c */
cc_status cc_bptree_neighbour(cc_ordered *map, cc_search *search, cc_relation relation,
                              cc_entry *entry);
cc_status cc_bptree_pop_end(cc_ordered *map, cc_relation end, const cc_stored_key *prepared,
                            cc_entry *entry);
cc_status cc_bptree_scan_up(cc_ordered *map, cc_search *search, unsigned how, cc_entry *entries,
                            size_t room, size_t *count);
cc_status cc_bptree_scan_down(cc_ordered *map, cc_search *search, unsigned how, cc_entry *entries,
                              size_t room, size_t *count);
cc_status cc_bptree_sample(cc_ordered *map, cc_search *search, size_t every, cc_entry *entries,
                           size_t room, size_t *count);
size_t cc_bptree_append(cc_ordered *map, const cc_new_entry *entries, size_t count, size_t *run);

#endif
