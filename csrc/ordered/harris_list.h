/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A lock-free sorted list: Harris' (A pragmatic implementation of non-blocking linked-lists, 2001)
 * in Michael's form, for everything that is made of such lists: a level of a skip list, a bucket of
 * a hash map.
 *
 *     before ---> current ---> beyond
 *
 * A node is whatever lies in the arena and has a link at offset `at`; a list begins with a link. A
 * mark in the low bit of a node's own link says that the node is dead there: the link never changes
 * its target again.
 *
 * Promises. A step follows only links that were read clean, so it never reaches a node that was
 * freed before the step. cc_list_seek ends on a place at which `before` led to `current` when it
 * was read.
 *
 * Help-unlink. Whoever meets a marked node unlinks it before going on, and says so in the node's
 * link (handoff.h, Proof of unlinking). That is no more than help: in a read phase that is
 * interrupted and begun again anybody may do it, and nobody has to.
 *
 * No step past a marked link without proof. Under interval reclamation the target of a marked link
 * may have been freed, although the node that holds the link is protected. So a search that meets a
 * marked node unlinks it with a CAS on the last clean predecessor and reads the predecessor's link
 * again; when the predecessor itself turns out to be marked, the search has lost its place and its
 * caller starts over.
 *
 * Progress. A place is lost only when somebody else has changed a link that was about to be used:
 * lock-free.
 *
 * Pairs of releases and acquires:
 *   (1) the CAS that links a node with the protect that reads the link: the node's fields.
 */
#ifndef CC_HARRIS_LIST_H
#define CC_HARRIS_LIST_H

#include "handoff.h"
#include "search.h"

/* In a node's own link: the node is dead here. */
#define CC_MARK UINT32_C(1)

static inline bool cc_is_marked(cc_link_word link) {
    return link & CC_MARK;
}

/* The clean link. */
static inline cc_link_word cc_target_of(cc_link_word link) {
    return link & ~(CC_MARK | CC_UNLINKED);
}

_Static_assert((CC_MARK | CC_UNLINKED) == CC_REFERENCE_MARKS, "marks are not in a reference");

/* The link of the node that a clean one leads to; not 0. */
static inline cc_link *cc_link_at(cc_link_word n, size_t at) {
    return (cc_link *)((char *)cc_arena_at(n) + at);
}

/* A place in a list: the link that leads to it, the node there (0: none), and what follows that, as
 * clean links. */
typedef struct cc_list_place {
    cc_link *before;
    cc_link_word current;
    cc_link_word beyond;
} cc_list_place;

/* Unlink marked nodes at a place. Returns false when the place is lost: `before` is dead, or leads
 * elsewhere by now. On true, `current` is the next unmarked node or 0, and `beyond` what follows
 * it. In a read phase. `restarts` is true where a copy of the search is for regions that restart
 * and nothing else; false is right for both. */
CC_ALWAYS_INLINE bool cc_help_unlink(cc_smr_guard *g, bool restarts, size_t at,
                                     cc_list_place *place) {
    cc_link_word c = place->current;
    while (c) {
        cc_link *own = cc_link_at(c, at);
        cc_link_word link = cc_protect_reference(g, restarts, own); /* (1) */
        if (!cc_is_marked(link)) {
            place->beyond = cc_target_of(link);
            break;
        }
        cc_link_word expected = c;
        if (!cc_cas_acq_rel_u32(place->before, &expected, cc_target_of(link))) {
            return false;
        }
        cc_set_unlinked(own); /* (5) */
        /* What a marked link leads to may be freed by now. That `before`, which is not marked,
         * leads to it proves the opposite. The CAS has just said so; reading the link again keeps
         * one rule for every step, for one load of a line we own. */
        link = cc_protect_reference(g, restarts, place->before);
        if (cc_is_marked(link)) {
            return false;
        }
        c = cc_target_of(link);
    }
    place->current = c;
    return true;
}

/* Go on behind `current`, which cc_help_unlink has found. */
CC_ALWAYS_INLINE void cc_list_advance(size_t at, cc_list_place *place) {
    place->before = cc_link_at(place->current, at);
    place->current = place->beyond;
}

/* How what is sought compares with a node: -1 (it belongs in front of it), 0, 1, or
 * CC_UNDECIDED. */
typedef int (*cc_list_compare)(const void *sought, const void *n);

typedef enum cc_list_answer {
    CC_LIST_ABSENT, /* the place of what is sought: `current` is 0, or the first that is greater */
    CC_LIST_EQUAL, /* `current` equals what is sought */
    CC_LIST_LOST, /* start over */
    CC_LIST_UNDECIDED /* `compare` could not tell: the read phase is over */
} cc_list_answer;

/* Seek on one list from a place on. In a read phase. */
CC_ALWAYS_INLINE cc_list_answer cc_list_seek(cc_smr_guard *g, bool restarts, size_t at,
                                             cc_list_place *place, cc_list_compare compare,
                                             const void *sought) {
    for (;;) {
        if (!cc_help_unlink(g, restarts, at, place)) {
            return CC_LIST_LOST;
        }
        if (!place->current) {
            return CC_LIST_ABSENT;
        }
        int order = compare(sought, cc_arena_at(place->current));
        if (order == CC_UNDECIDED) {
            return CC_LIST_UNDECIDED;
        }
        if (order <= 0) {
            return order < 0 ? CC_LIST_ABSENT : CC_LIST_EQUAL;
        }
        cc_list_advance(at, place);
    }
}

#endif
