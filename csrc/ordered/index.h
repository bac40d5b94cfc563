/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The complete index beside a skip list: from a key's hash to the node that holds the key. This
 * file has the tables; skiplist_index.c keeps them in step with the list, and
 * skiplist_growth.c changes their size.
 *
 * Promises. The list is the truth. The index leads to every live node whose key has a hash, but for
 * those that it says it has lost, and to no other live node: so a miss proves absence. It costs one
 * cache line as a rule, and a hit two.
 *
 * A table. A bucket is half a line: six slots, each a reference of the arena, and a state word with
 * a tag for each slot and flags of the bucket. A tag is seven bits of the hash below a bit that
 * says "taken"; so one word shows which slots may hold a key, and another key's node is looked at
 * in one of 128 cases. A key belongs into its home bucket, or where that is full into one of
 * MOST_PROBES - 1 others: the other half of the line, then lines at a distance that its hash tells.
 * (Lines side by side fill up together, and of a long row some key finds no room although a third
 * of the table is empty.) Every bucket that it had to pass says so for good (PASSED). Where all are
 * full a larger table is made first, unless most of this one is empty: then too many keys have
 * nearly the same hash. Without that, the key is lost, and its home says so (LOST), until a table
 * has room for it (Healing). Nothing is ever moved inside a table, or evicted.
 *
 * Taking a slot is two steps: its tag by a CAS of the state, then the node by a store. Leaving it
 * is the same backwards. A reader that finds a tag without a node has found a key that is not in
 * the list yet, or no more. A thread that stops between the two wastes a slot; nobody waits for it.
 *
 * Order of an insertion. Whoever inserts a node with a hash
 *   1. puts it into the current table, with its flags;
 *   2. passes a full fence;                                                                  (17)
 *   3. when the table has a `next`, does the same there, and so on;
 *   4. links the node on level 0, and only then is the key there;
 *   5. sets LINKED, with the instruction by which it leaves the builders (handoff.h).
 * So a node that is in the list is in the current table, since before it was linked and until after
 * its death. A reader that finds a node which is not LINKED does not know whether it is in the
 * list, and searches. A node whose key is right and whose value is a tombstone is passed over: the
 * next one with its key may be in the table already. When the reader has come to the end of what
 * the key may be in, no node with the key can have been in the list all the while: absent.
 *
 * Keys without hashes. A key that may equal others but has no hash (search.h) sets the list's flag
 * `unhashed` before it is linked; from then on a miss proves nothing and the list is searched.
 *
 * Growth, and shrinking. Somebody makes another table and sets the current one's `next` to it. Then
 * everybody who changes the list copies a few buckets: a *copier* reads a slot with protect, sees
 * that the table still is current (rule C), joins the builders of the node, puts it into `next`,
 * and leaves. A bucket that has been copied says so (COPIED); those whose copiers have stopped are
 * copied once more by whoever comes to them. When all are copied, `next` becomes the current table.
 * Readers look at the current one only. By (17) a node is seen by the copier of its bucket, or its
 * inserter sees `next`.
 *
 * Healing. A loss is passed on when a table is copied, since nothing but the list leads to what has
 * been lost. When that table has become the current one, somebody goes through the list: he marks
 * all homes that say LOST (HEALING), puts in every node that belongs to one of them, as a builder
 * of it, and takes LOST away where HEALING still is: whoever loses a node takes that away. So a
 * reader that finds no LOST, and looks at the slots after that, finds what was put in. A node that
 * has been lost and is not linked yet is not in the list: those who have lost one are counted until
 * it is (`losers`), and while there is one, as seen after marking, nothing is healed. One heals a
 * table.
 *
 * Memory. A table keeps nothing alive, and following it is safe all the same:
 *   A. A pointer to n is put into tables only by a builder of n, and only into the current table,
 *      its `next`, and what comes after these.
 *   B. The last one out of n clears n from the table that is current then, from its `next`, and so
 *      on, before n is retired.
 *   C. A reader that finds n in table T with a protected load then looks whether T still is the
 *      current table. If so, n was not retired when the slot was read: had n been cleared from T
 *      before, nobody could have put it back (A); had it been cleared only from later tables, T
 *      would not be current any more. A protected load of a pointer to a node that is not retired
 *      at that moment is what cc_smr asks for. The same look goes with reading `next`: if T is
 *      current, then T's `next` was not retired.
 * A table that has been replaced is retired like a node. The first one is part of the list.
 *
 * Pairs of releases and acquires:
 *   (16) the CAS that takes a slot, the store that fills it   with the loads that read them.
 *   (21) counting oneself as a loser, then noting the loss; with marking a home, then asking how
 *        many losers there are. Linking the node, then being one no more; with asking that, then
 *        going through the list.
 *   (17) the fence between putting a node into a table and reading its `next`, with that between
 *        setting `next` and reading a bucket to copy it: store-load on both sides.
 */
#ifndef CC_INDEX_H
#define CC_INDEX_H

#include <string.h>

#include "../memory/cc_alloc.h"
#include "../memory/smr_fast.h"

#define BUCKET_BYTES 32
#define LINE_BYTES 64 /* a cache line, or half of one */
#define SLOTS_IN_BUCKET 6
#ifndef INDEX_SLOTS /* that are used; at most SLOTS_IN_BUCKET */
#define INDEX_SLOTS 6u
#endif

/* Buckets that a key may be in. */
#ifndef MOST_PROBES
#define MOST_PROBES 16u
#endif

/* A table of its own has at least as many buckets; a power of two. */
#ifndef SMALLEST_TABLE
#define SMALLEST_TABLE 8u
#endif

typedef struct index_bucket {
    cc_atomic_u64 state; /* a byte for each slot: 0, or its tag; above them flags */
    cc_atomic_u32 nodes[SLOTS_IN_BUCKET]; /* references */
} index_bucket;

#define BUCKET_PASSED (UINT64_C(1) << 56) /* some key had to go on from here */
#define BUCKET_LOST (UINT64_C(1) << 57) /* some key whose home this is is in no bucket */
#define BUCKET_COPIED (UINT64_C(1) << 58) /* all that was in it is in `next` */
#define BUCKET_HEALING (UINT64_C(1) << 59) /* with LOST: nothing was lost since somebody saw that */

#define TAG_BITS UINT64_C(0x0101010101010101)
#define TAKEN_BITS (UINT64_C(0x80) * (TAG_BITS & ((UINT64_C(1) << 8 * INDEX_SLOTS) - 1)))

typedef struct index_table {
    /* For readers: */
    uint64_t bucket_mask;
    index_bucket *buckets; /* on a line boundary; in the same allocation, or part of the list */
    uint64_t birth;
    size_t bytes; /* 0: part of the list */
    cc_atomic_uptr next; /* index_table *: what this one is being copied to */
    char keep_writers_off[LINE_BYTES - 5 * 8];
    /* For writers: */
    cc_atomic_u64 making_next; /* 0, or one more than the entries when somebody began to make it */
    cc_atomic_u64 claimed; /* buckets that some copier has begun with */
    cc_atomic_u64 copied; /* so many buckets, from the first one on, have been copied */
    cc_atomic_u64 passed; /* buckets that say PASSED */
    cc_atomic_u32 lost; /* 1: some bucket may say LOST */
    cc_atomic_u32 healer; /* 1: somebody heals the table, or has */
    uint64_t number; /* of all tables of the list; an address may come again */
} index_table;

_Static_assert(sizeof(index_bucket) == BUCKET_BYTES && INDEX_SLOTS <= SLOTS_IN_BUCKET,
               "two buckets are a line");

/* ---------------------------------------------------------------- tables */

/* The first bucket's place in a piece of memory. */
static inline index_bucket *index_first_line(void *memory) {
    return (index_bucket *)(((uintptr_t)memory + LINE_BYTES - 1) & ~(uintptr_t)(LINE_BYTES - 1));
}

/* Zeroed by the system where the table is large: nobody waits for that. */
static inline index_table *index_table_new(uint64_t buckets, uint64_t birth) {
    size_t bytes = sizeof(index_table) + LINE_BYTES + buckets * BUCKET_BYTES;
    index_table *t = cc_alloc_zeroed(bytes);
    if (t) {
        t->bucket_mask = buckets - 1;
        t->birth = birth;
        t->bytes = bytes;
        t->buckets = index_first_line(t + 1);
    }
    return t;
}

static inline uint64_t index_buckets(const index_table *t) {
    return t->bucket_mask + 1;
}

/* Bit 0 of a hash is always set, and the top seven are the tag. */
static inline uint64_t index_home(uint64_t hash) {
    return hash >> 4;
}

static inline uint64_t index_tag(uint64_t hash) {
    return hash >> 57 | 0x80u;
}

static inline index_bucket *index_bucket_at(const index_table *t, uint64_t number) {
    return &t->buckets[number & t->bucket_mask];
}

static inline index_bucket *index_home_of(const index_table *t, uint64_t hash) {
    return index_bucket_at(t, index_home(hash));
}

/* How many buckets a key may be in. */
static inline unsigned index_probes(const index_table *t) {
    return t->bucket_mask + 1 < MOST_PROBES ? (unsigned)(t->bucket_mask + 1) : MOST_PROBES;
}

/* The slots with a tag: a bit in the byte of each. */
static inline uint64_t index_slots_with(uint64_t state, uint64_t tag) {
    const uint64_t low = 0x7f * TAG_BITS;
    uint64_t x = state ^ tag * TAG_BITS;
    return ~(((x & low) + low) | x | low) & TAKEN_BITS;
}

static inline unsigned index_first_slot(uint64_t slots) {
    return cc_lowest_bit(slots) / 8;
}

/* The p-th of them: the halves of a line, then those of others, each as far from the last one. */
static inline index_bucket *index_probe(const index_table *t, uint64_t hash, unsigned p) {
    uint64_t number = index_home(hash) ^ (p & 1u);
    return index_bucket_at(t, p < 2 ? number : number + (p & ~1u) * (hash >> 36 | 1u));
}

/* For the loop over all buckets that a key may be in. */
#define FOR_EACH_PROBE(t, p)                                                                       \
    for (unsigned p = 0, index_probes_of_it = index_probes(t); p < index_probes_of_it; p++)

/* ---------------------------------------------------------------- changing a table */

static inline bool index_table_has(const index_table *t, uint64_t hash, uint32_t n) {
    FOR_EACH_PROBE(t, p) {
        index_bucket *b = index_probe(t, hash, p);
        uint64_t state = cc_load_acquire_u64(&b->state);
        for (uint64_t m = index_slots_with(state, index_tag(hash)); m; m &= m - 1) {
            if (cc_load_acquire_u32(&b->nodes[index_first_slot(m)]) == n) {
                return true;
            }
        }
        if (!(state & BUCKET_PASSED)) {
            break;
        }
    }
    return false;
}

static inline void index_set_flag(index_bucket *b, uint64_t flag) {
    cc_fetch_or_acq_rel_u64(&b->state, flag);
}

/* The key of a bucket's home is lost. (21): what the caller has done before, a healer sees. */
static inline void index_note_loss(index_table *t, index_bucket *home) {
    uint64_t state = cc_load_acquire_u64(&home->state);
    if (!cc_load_relaxed_u32(&t->lost)) {
        cc_store_relaxed_u32(&t->lost, 1);
    }
    while (!cc_cas_acq_rel_u64(&home->state, &state, (state | BUCKET_LOST) & ~BUCKET_HEALING)) {
    }
}

/* Put n into the first bucket that has room. Returns how many slots it has found taken on the way,
 * or -1: there is no room, and nothing has been said about it yet. In a write phase that holds the
 * table, by a builder of n. */
static inline int index_table_put(index_table *t, uint64_t hash, uint32_t n) {
    FOR_EACH_PROBE(t, p) {
        index_bucket *b = index_probe(t, hash, p);
        uint64_t state = cc_load_acquire_u64(&b->state), room;
        while ((room = ~state & TAKEN_BITS) != 0) {
            unsigned slot = index_first_slot(room);
            if (cc_cas_acq_rel_u64(&b->state, &state, state | index_tag(hash) << 8 * slot)) {
                cc_store_release_u32(&b->nodes[slot], n); /* (16) */
                return (int)(p * INDEX_SLOTS + slot);
            }
        }
        if (!(state & BUCKET_PASSED)) {
            uint64_t was = cc_fetch_or_acq_rel_u64(&b->state, BUCKET_PASSED);
            if (!(was & BUCKET_PASSED)) {
                cc_fetch_add_relaxed_u64(&t->passed, 1);
            }
        }
    }
    return -1;
}

/* Take n out of the table, wherever it is: two copiers may both have put it in. Nobody can put it
 * in any more. In a write phase that holds the table. */
static inline void index_table_clear(index_table *t, uint64_t hash, uint32_t n) {
    FOR_EACH_PROBE(t, p) {
        index_bucket *b = index_probe(t, hash, p);
        uint64_t state = cc_load_acquire_u64(&b->state);
        for (uint64_t m = index_slots_with(state, index_tag(hash)); m; m &= m - 1) {
            unsigned slot = index_first_slot(m);
            if (cc_load_relaxed_u32(&b->nodes[slot]) == n) {
                cc_store_release_u32(&b->nodes[slot], 0);
                cc_fetch_sub_acq_rel_u64(&b->state, index_tag(hash) << 8 * slot);
            }
        }
        if (!(state & BUCKET_PASSED)) {
            break;
        }
    }
}

/* A key in bucket `from` of `t` is lost: so it is in `next`, in whatever bucket of that it had its
 * home. */
static inline void index_pass_on_loss(const index_table *t, index_table *next, uint64_t from) {
    for (uint64_t i = from & next->bucket_mask; i <= next->bucket_mask; i += index_buckets(t)) {
        index_note_loss(next, index_bucket_at(next, i));
    }
}

#endif
