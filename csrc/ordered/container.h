/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What every container of keys and values has, whatever its shape: a word table, a domain, counts,
 * and the beginning and end of its operations. For the files of containers; callers see ordered.h.
 *
 * Promises. Between cc_begin_operation and the end of the operation the thread is in a region of
 * the domain. Everything that an operation leaves behind is retired after its region is closed, so
 * foreign code (releasing a word) runs at the very end, when nothing of the container is in the
 * operation's hands.
 *
 * Comparing. cc_compare_key answers a search's question about a stored key: by kind and digest in a
 * few instructions, else by the word table, else by what the search has been told. It is called in
 * a read phase. CC_UNDECIDED ends the phase, and the operation with CC_NEED_COMPARE.
 *
 * Memory. A container's struct begins with a cc_container. Its domain releases what it has retired
 * by a function of the container's family, with the word table as context: cc_release_word for
 * CC_RETIRED_VALUE, and what the family says for kinds of its own.
 */
#ifndef CC_CONTAINER_H
#define CC_CONTAINER_H

#include "../memory/cc_alloc.h"
#include "../memory/smr_fast.h"
#include "search.h"

typedef struct cc_container {
    cc_deferred destruction; /* first: a deferred item is the container itself */
    const cc_word_table *words;
    cc_smr_domain *domain;
    cc_atomic_uptr order; /* the owner's (search.h); 0 until it is set, then always the same */
    cc_atomic_uptr collector; /* of snapshot.h; usually 0 */
    cc_atomic_u32 asked; /* 1: some comparison was, or will be, left to foreign code; stays so */
} cc_container;

/* Kinds of what is retired; a family's own come after. */
enum { CC_RETIRED_VALUE, CC_RETIRED_COLLECTOR, CC_RETIRED_OWN };

/* What a write phase holds, by number (see debra.c): a value, two things beside the entries, what a
 * report needs, and nodes. */
enum {
    CC_HELD_VALUE,
    CC_HELD_TABLE,
    CC_HELD_OTHER_TABLE,
    CC_HELD_COLLECTOR,
    CC_HELD_REPORTED,
    CC_HELD_NODES
};

/* ---------------------------------------------------------------- words */

static inline void cc_acquire_word(const cc_container *c, uintptr_t word) {
    if (word && c->words->acquire) {
        c->words->acquire(word);
    }
}

static inline void cc_release_word(const cc_word_table *words, uintptr_t word) {
    if (word && words->release) {
        words->release(word);
    }
}

/* ---------------------------------------------------------------- comparing (search.c) */

int cc_compare_key_slowly(cc_container *c, cc_smr_guard *g, cc_search *search, unsigned kind,
                          uint64_t digest, uintptr_t word, const void *node);

/* Whether kinds and digests alone tell the answer to the search's question: *answer. */
CC_ALWAYS_INLINE bool cc_digests_tell(const cc_search *search, unsigned kind, uint64_t digest,
                                      uintptr_t word, int *answer) {
    if (kind != search->kind || (search->digest == digest && search->key | word)) {
        return false;
    }
    *answer = search->digest == digest                                      ? 0
              : search->digest < digest && search->question == CC_ASK_ORDER ? -1
                                                                            : 1;
    return true;
}

/* The answer to the search's question about the key (kind, digest, word) of `node`, or
 * CC_UNDECIDED. */
CC_ALWAYS_INLINE int cc_compare_key(cc_container *c, cc_smr_guard *g, cc_search *search,
                                    unsigned kind, uint64_t digest, uintptr_t word,
                                    const void *node) {
    int answer;
    return cc_digests_tell(search, kind, digest, word, &answer)
               ? answer
               : cc_compare_key_slowly(c, g, search, kind, digest, word, node);
}

/* ---------------------------------------------------------------- operations */

/* Open a region, with `records` spare records for what the operation will retire. 0, or -1 without
 * memory: then nothing is open. */
static inline int cc_begin_operation(cc_container *c, cc_smr_guard *g, unsigned records) {
    cc_thread *self = cc_thread_self();
    if (!self || (records && cc_reserve(self, records))) {
        return -1;
    }
    cc_enter_as(self, c->domain, g);
    return 0;
}

/* Close the region of an operation that has changed nothing. */
static inline void cc_end_operation(cc_smr_guard *g) {
    cc_leave(g);
    cc_poll(g->domain, g->thread);
}

/* Count entries and bytes that have come (or gone). The sum over all threads is meaningful. */
static inline void cc_count_entries(cc_container *c, cc_thread *self, int entries, int64_t bytes) {
    cc_counts *s = cc_counts_of(c->domain, self);
    if (entries) {
        cc_fetch_add_relaxed_u64(&s->entries, (uint64_t)(int64_t)entries);
    }
    cc_fetch_add_relaxed_u64(&s->bytes, (uint64_t)bytes);
}

/* What an operation has to retire once its region is closed: a value that it has taken out, and a
 * node that is unlinked from everywhere and this operation's to retire. Zero: nothing. */
typedef struct cc_leftovers {
    uintptr_t value;
    uintptr_t node;
    uint64_t value_birth;
    uint64_t node_birth;
    size_t node_bytes;
} cc_leftovers;

/* Retire a node that is unlinked from everywhere, and ours. May run foreign code. */
static inline void cc_retire_own(cc_container *c, cc_thread *self, cc_retired *record,
                                 uintptr_t node, uint64_t birth, size_t bytes) {
    cc_count_entries(c, self, 0, -(int64_t)bytes);
    cc_retire(c->domain, self, record, node, CC_RETIRED_OWN, birth, bytes);
}

/* Retire what an operation leaves behind, when its region is closed. Foreign code runs in here. */
static inline void cc_retire_leftovers(cc_container *c, cc_thread *self, const cc_leftovers *left) {
    /* Both records first: foreign code uses spare ones up. */
    bool has_value = left->value && c->words->release;
    cc_retired *value_record = has_value ? cc_take_spare(self) : NULL;
    cc_retired *node_record = left->node ? cc_take_spare(self) : NULL;
    if (node_record) {
        cc_retire_own(c, self, node_record, left->node, left->node_birth, left->node_bytes);
    }
    if (value_record) {
        cc_retire(c->domain, self, value_record, left->value, CC_RETIRED_VALUE, left->value_birth,
                  0);
    }
    cc_poll(c->domain, self);
}

/* Close the region of an operation that may have changed something, and retire what it leaves
 * behind. Foreign code runs in here, at the very end. */
static inline void cc_end_update(cc_container *c, cc_smr_guard *g, const cc_leftovers *left) {
    cc_thread *self = g->thread;
    cc_leave(g);
    cc_retire_leftovers(c, self, left);
}

#endif
