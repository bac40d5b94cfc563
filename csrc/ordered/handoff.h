/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who retires a node: the one hand-off of each node's life.
 *
 * Promises. Exactly one thread is told to retire a node, and when it is told, nobody can publish a
 * pointer to the node any more. What that thread then unlinks stays unlinked.
 *
 * Builders. They are counted: those who may still publish a pointer to the node. Its inserter is
 * one from the start; others join (cc_join_builders), which a removed node refuses. The inserter
 * that has linked the node sets LINKED as it leaves (cc_leave_builders_linked): until then the node
 * may have been published and never become part of the container. REMOVED is set once, by who has
 * removed the entry, when the node is dead in all its links. The last one out, be it a builder that
 * finds REMOVED set (cc_leave_builders) or the remover that finds no builder (cc_set_removed), is
 * told so by `true`. It unlinks the node from wherever it still is, and retires it. All this lives
 * in the upper bits of the node's birth word (value_slot.h), which leave the era alone.
 *
 * Proof of unlinking. A search leads to the dead node only as far as comparisons are an order, and
 * those that foreign code makes may lie. So whoever wins the CAS that unlinks a node says so in the
 * node's own link there (UNLINKED), and its inserter does for links that it never made. A thread
 * that is interrupted between the two leaves no proof; then a walk finds that there is nothing to
 * unlink.
 *
 * Progress. Joining is tried again only when another thread has joined, left or removed. The rest
 * is one instruction each.
 *
 * Pairs of releases and acquires:
 *   (4) leaving builders, setting REMOVED   with each other: the last one out sees all links made.
 *   (5) setting UNLINKED                    with cc_is_unlinked: who retires sees it unlinked.
 */
#ifndef CC_HANDOFF_H
#define CC_HANDOFF_H

#include "../memory/smr_fast.h"

/* In the birth word: what value_slot.h leaves free. */
#define CC_BUILDER_SHIFT 48
#define CC_ONE_BUILDER (UINT64_C(1) << CC_BUILDER_SHIFT)
#define CC_LINKED (UINT64_C(1) << 62)
#define CC_REMOVED (UINT64_C(1) << 63)
#define CC_BUILDERS(word) (((word) & ~(CC_REMOVED | CC_LINKED | CC_LOCK_BIT)) >> CC_BUILDER_SHIFT)

/* A link, and what stands in it: a reference of the arena (arena.h), 0 for none, and marks. */
typedef cc_atomic_u32 cc_link;
typedef uint32_t cc_link_word;

/* In a dead node's own link: nothing leads to the node by this link's level, or will. */
#define CC_UNLINKED UINT32_C(2)

/* Become one of those who may publish pointers to the node, unless it has been removed. */
static inline bool cc_join_builders(cc_atomic_u64 *state) {
    uint64_t word = cc_load_acquire_u64(state);
    while (!(word & CC_REMOVED)) {
        if (cc_cas_acq_rel_u64(state, &word, word + CC_ONE_BUILDER)) {
            return true;
        }
    }
    return false;
}

/* Leave them. True when the node has been removed and nobody else is left. */
CC_MUST_CHECK static inline bool cc_leave_builders(cc_atomic_u64 *state) {
    uint64_t was = cc_fetch_sub_acq_rel_u64(state, CC_ONE_BUILDER); /* (4) */
    CC_INVARIANT(CC_BUILDERS(was) > 0);
    return (was & CC_REMOVED) && CC_BUILDERS(was) == 1;
}

/* The same for the inserter that has linked the node. */
CC_MUST_CHECK static inline bool cc_leave_builders_linked(cc_atomic_u64 *state) {
    uint64_t was = cc_fetch_add_acq_rel_u64(state, CC_LINKED - CC_ONE_BUILDER); /* (4) */
    CC_INVARIANT(CC_BUILDERS(was) > 0 && !(was & CC_LINKED));
    return (was & CC_REMOVED) && CC_BUILDERS(was) == 1;
}

/* Say that the node is dead in all its links. True when nobody is building it any more. */
CC_MUST_CHECK static inline bool cc_set_removed(cc_atomic_u64 *state) {
    uint64_t was = cc_fetch_or_acq_rel_u64(state, CC_REMOVED); /* (4) */
    CC_INVARIANT(!(was & CC_REMOVED));
    return CC_BUILDERS(was) == 0;
}

static inline void cc_set_unlinked(cc_link *link) {
    cc_fetch_or_acq_rel_u32(link, CC_UNLINKED); /* (5) */
}

static inline bool cc_is_unlinked(const cc_link *link) {
    return cc_load_acquire_u32(link) & CC_UNLINKED; /* (5) */
}

#endif
