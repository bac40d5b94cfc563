/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A table of hints beside a skip list: from a key's hash to the node that holds the key.
 *
 * Promises. A hint is an answer only when it leads to a node with the very key and a live value. A
 * miss says nothing, and the list is searched: so the list stays the truth, and nothing depends on
 * a hint being there. A search among a million keys costs about ten cache misses; by a hint, two.
 *
 * The table. It is lossy: a full bucket forgets, and a new table starts empty, so growing needs no
 * migration. A bucket is one line of eight slots. A slot is a node's address, whose low four bits,
 * always zero, carry four bits of the hash: fifteen in sixteen other keys are told apart without
 * looking at their nodes.
 *
 * Memory. The table keeps nothing alive, and following a hint is safe all the same:
 *   A. A pointer to n is put into the table only by a builder of n (its inserter, or a search that
 *      has joined n's builders, which a removed node refuses), and only into the table that is
 *      current when it looks.
 *   B. The last one out of n clears n from the table that is current then, before n is retired.
 *   C. A reader that finds n in table T with a protected load then looks whether T still is the
 *      current table. If so, n was not retired when the slot was read: had n been cleared from T
 *      before, nobody could have put it back (A); had it been cleared from a later table instead, T
 *      would not be current any more. A protected load of a pointer to a node that is not retired
 *      at that moment is what cc_smr asks for.
 * A table that has been replaced is retired like a node.
 */
#ifndef CC_HINTS_H
#define CC_HINTS_H

#include <string.h>

#include "../memory/cc_alloc.h"
#include "../memory/smr_fast.h"

#ifndef HINT_SLOTS /* tests/c/schedules wants full buckets */
#define HINT_SLOTS 8u
#endif
#define HINT_TAG ((uintptr_t)15)

typedef struct hint_table {
    uint64_t bucket_mask;
    uint64_t birth;
    size_t bytes;
    cc_atomic_uptr *slots; /* in the same allocation, on a line boundary */
} hint_table;

static inline hint_table *hint_table_new(uint64_t slots, uint64_t birth) {
    size_t bytes = CC_CACHE_LINE + slots * sizeof(cc_atomic_uptr);
    hint_table *t = cc_alloc_aligned(bytes, CC_CACHE_LINE);
    if (t) {
        memset((void *)t, 0, bytes);
        t->bucket_mask = slots / HINT_SLOTS - 1;
        t->birth = birth;
        t->bytes = bytes;
        t->slots = (cc_atomic_uptr *)((char *)t + CC_CACHE_LINE);
    }
    return t;
}

static inline uint64_t hint_table_slots(const hint_table *t) {
    return (t->bucket_mask + 1) * HINT_SLOTS;
}

static inline cc_atomic_uptr *hint_bucket(const hint_table *t, uint64_t hash) {
    return &t->slots[(hash >> 4 & t->bucket_mask) *
                     HINT_SLOTS]; /* bit 0 is always set, the top four are the tag */
}

static inline uintptr_t hint_word(const void *n, uint64_t hash) {
    return (uintptr_t)n | (uintptr_t)(hash >> 60);
}

/* Put n into the table. Returns false when another hint had to go for it. */
static inline bool hint_put(const hint_table *t, uint64_t hash, const void *n, uint64_t random) {
    cc_atomic_uptr *bucket = hint_bucket(t, hash);
    uintptr_t word = hint_word(n, hash);
    unsigned empty = HINT_SLOTS;
    for (unsigned i = 0; i < HINT_SLOTS; i++) {
        uintptr_t w = cc_load_relaxed_uptr(&bucket[i]);
        if (w == word) {
            return true;
        }
        if (!w && empty == HINT_SLOTS) {
            empty = i;
        }
    }
    uintptr_t nothing = 0;
    if (empty < HINT_SLOTS && cc_cas_acq_rel_uptr(&bucket[empty], &nothing, word)) {
        return true;
    }
    cc_exchange_acq_rel_uptr(&bucket[random % HINT_SLOTS], word);
    return false;
}

static inline bool hint_has_room(const hint_table *t, uint64_t hash) {
    cc_atomic_uptr *bucket = hint_bucket(t, hash);
    for (unsigned i = 0; i < HINT_SLOTS; i++) {
        if (!cc_load_relaxed_uptr(&bucket[i])) {
            return true;
        }
    }
    return false;
}

/* Take n out of the table, wherever in its bucket it is. */
static inline void hint_clear(const hint_table *t, uint64_t hash, const void *n) {
    cc_atomic_uptr *bucket = hint_bucket(t, hash);
    uintptr_t word = hint_word(n, hash);
    for (unsigned i = 0; i < HINT_SLOTS; i++) {
        uintptr_t w = cc_load_relaxed_uptr(&bucket[i]);
        if (w == word) {
            cc_cas_acq_rel_uptr(&bucket[i], &w, 0);
        }
    }
}

#endif
