/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of the binary search tree share: nodes, edges, places, seeking. bst.c has the
 * overview.
 *
 * Edges. What leads to a node is an edge: a reference of the arena, three marks, and a version. An
 * edge that is read twice with the same word has not changed in between, whoever else has come and
 * gone, until it has been changed 2^30 times. A clean edge can change; a marked one never changes
 * its target again:
 *
 *   FLAGGED   the leaf below is dead, or a pop has taken it: it goes
 *   TAGGED    the leaf beside it goes; this one is what moves up in place of their parent
 *   SEALED    a clear has taken the tree
 *
 * The root leads to an inner node with an infinite key, which has nothing on its right, and so
 * goes with the last leaf. The root's word says in which tree a place is: it changes when the first
 * entry is put, when the last one is gone, and when the map is cleared. From a clear on it is
 * SEALED until those who take snapshots have been told; nobody goes on from there before.
 *
 * Rule of steps. A clean edge proves that its node was in the tree when it was read, so what it
 * leads to had not been retired. A marked edge proves nothing, and reading it again neither. After
 * one has been read, the last clean edge above it is looked at: while that still is what it was,
 * all below it down to here is linked, for edges in between are marked and stay. Else the search
 * starts over. (The validation of SCOT, arXiv:2504.06254; without it the published tree is not safe
 * with intervals of eras.)
 *
 * Ranges. The range of an edge, all keys whose searches pass it, only grows while the edge is in
 * the tree: what is unlinked above it leaves its range to it. So a place that was right when it was
 * reached is right as long as its edge is clean. But it may get keys that did not belong there when
 * the way came down: who goes by the order of two leaves sees to it that the node where the ways
 * part is still linked when both have been reached.
 *
 * Reports to snapshots (snapshot.h). Every effect, and whatever else an answer depends on, is
 * reported in the words of the leaf. What a leaf is three things say: its value, whether a pop has
 * flagged it, and whether a clear has taken its tree. A report reads the value first:
 *
 *   POPPED    Who goes by a flag that a pop has set, and whose value the pop has not taken yet,
 *             says so in the leaf, for those who had found it before and replace the value still:
 *             what they have put is popped. A pop itself has no need to, for it goes on only when
 *             the value is a tombstone.
 *   the root  When it has changed since the leaf was found, the leaf is in a tree that has been
 *             cleared, or of which every leaf has died, with a report: there is nothing to say.
 *
 * A leaf's death is reported before the edge beside it is tagged, hence before it is unlinked, by
 * whoever tags: nobody finds a key gone, or comes in front of what a pop takes, unless that has
 * been reported. An ordered query reports its answer *before* it looks again at the gap: if that
 * was too late for a snapshot, the gap was still the same after it, so the query counts as later,
 * too.
 *
 * A clear tells whoever takes a snapshot to begin again, and so does an append that meets one.
 * Whoever sees the effect of the clear tells before it goes on, and so does whoever has something
 * to report from the tree that was cleared: a walk may still be in there, and see what came later.
 *
 * Progress. A search starts over only when somebody else has unlinked something on its way.
 *
 * Pairs of releases and acquires:
 *   (1) the CAS that puts a node below an edge with the load of the edge: the node's fields.
 *   (3) sealing an edge with the load of it: edges above it have been sealed.
 */
#ifndef CC_BST_INSIDE_H
#define CC_BST_INSIDE_H

#include "bst.h"
#include "snapshot.h"

/* Nodes above a place that a scan remembers. */
#ifndef MOST_ANCESTORS
#define MOST_ANCESTORS 64u
#endif

/* Leaves that a scan visits in one region; longer regions would pin more of what dies meanwhile. */
#ifndef MOST_BST_LEAVES_PER_REGION
#define MOST_BST_LEAVES_PER_REGION 4096u
#endif

/* ---------------------------------------------------------------- nodes */

typedef cc_atomic_u64 edge;

/* A leaf is an entry; an inner node has two children, and a key with a reference of its own: what
 * is less is on the left. A node lies in the arena. A key whose digest is not all of it has a word:
 * that lies in front of the node, in the same block. */
typedef struct cc_bst_node {
    uint64_t digest; /* immutable */
    uint64_t birth_kind; /* immutable: era (48), kind (8), flags */
    union {
        cc_value_slot slot;
        edge child[2];
    };
} node;

#define HAS_WORD (UINT64_C(1) << 63)
#define IS_INNER (UINT64_C(1) << 62)
#define IS_INFINITE (UINT64_C(1) << 61) /* an inner node whose key is larger than every key */

_Static_assert(sizeof(node) >= CC_ARENA_LEAST && sizeof(uintptr_t) + sizeof(node) <= CC_ARENA_MOST,
               "the arena has blocks for nodes");

/* Of a leaf, beside its value's birth: see Reports. */
#define POPPED (UINT64_C(1) << CC_ERA_BITS)

typedef struct cc_bst {
    cc_ordered map; /* first */
    edge root; /* clean or SEALED; leads nowhere: nothing is there */
    cc_atomic_uptr aside; /* detached_tree *: what a clear had no memory to retire; usually NULL */
    cc_atomic_u32 left_behind; /* 1: somebody had no memory to unlink a dead leaf; for the check */
} cc_bst;

static inline unsigned kind_of(const node *n) {
    return (unsigned)(n->birth_kind >> CC_ERA_BITS) & 0xffu;
}

static inline uint64_t birth_of(const node *n) {
    return n->birth_kind & CC_ERA_MASK;
}

static inline bool is_inner(const node *n) {
    return n->birth_kind & IS_INNER;
}

static inline size_t bytes_in_front(const node *n) {
    return n->birth_kind & HAS_WORD ? sizeof(uintptr_t) : 0;
}

static inline size_t bytes_of(const node *n) {
    return bytes_in_front(n) + sizeof *n;
}

/* Immutable, owned; 0: the digest is the key. */
static inline uintptr_t key_of(const node *n) {
    return n->birth_kind & HAS_WORD ? ((const uintptr_t *)n)[-1] : 0;
}

static inline cc_stored_key stored_key_of(const node *n) {
    return (cc_stored_key){n->digest, key_of(n), (uint8_t)kind_of(n)};
}

static inline void free_block_of(node *n) {
    cc_arena_free((char *)n - bytes_in_front(n), bytes_of(n));
}

/* ---------------------------------------------------------------- edges */

#define FLAGGED UINT64_C(1)
#define TAGGED UINT64_C(2)
#define SEALED (UINT64_C(1) << 32)
#define RETURNS_RIGHT (UINT64_C(1) << 33) /* of a tour: bst_bulk.c */
#define ONE_CHANGE (UINT64_C(1) << 34)
#define EDGE_MARKS (FLAGGED | TAGGED | SEALED)

_Static_assert((FLAGGED | TAGGED) == CC_REFERENCE_MARKS, "marks are not in a reference");

/* The node that an edge leads to, or NULL: beyond all keys. */
static inline node *target_of(uint64_t word) {
    uint32_t reference = (uint32_t)word & ~CC_REFERENCE_MARKS;
    return reference ? cc_arena_at(reference) : NULL;
}

/* A clean edge that leads to n, and is newer than `before`. */
static inline uint64_t edge_to(const node *n, uint64_t before) {
    return (n ? cc_arena_reference(n) : 0) | ((before & ~(ONE_CHANGE - 1)) + ONE_CHANGE);
}

static inline uint64_t load_edge(const edge *e) {
    return cc_load_acquire_u64(e); /* (1), (3) */
}

/* ---------------------------------------------------------------- places */

/* Where a key is, or would be: a leaf, and the way to it from the root, which said `root`. `above`
 * has the last clean edge above `parent`, which led to what `top` says; from there to the parent,
 * both included, are `chain` inner nodes, linked by marked edges. NULL for a node: its edge is the
 * root. */
typedef struct place {
    node *above, *parent;
    uint8_t above_side, side;
    int8_t order; /* of the searched key against the leaf's */
    unsigned chain;
    uint64_t root, top;
    uint64_t word; /* the parent's edge to the leaf, as it was read */
    node *leaf; /* NULL: beyond all keys */
} place;

static inline edge *edge_of(cc_bst *tree, node *n, unsigned side) {
    return n ? &n->child[side] : &tree->root;
}

/* The parent's edge to the leaf. */
static inline edge *edge_at(cc_bst *tree, const place *at) {
    return edge_of(tree, at->parent, at->side);
}

static inline edge *edge_above(cc_bst *tree, const place *at) {
    return edge_of(tree, at->above, at->above_side);
}

/* The last nodes at which a way has turned to `side`, so that the other one is still to come: a
 * ring. */
typedef struct path {
    unsigned side;
    unsigned next, count;
    bool forgets; /* there have been more */
    place at[MOST_ANCESTORS]; /* of each node: that of its edge on the other side */
} path;

typedef enum way { BY_KEY, TO_FIRST, TO_LAST } way;

/* Where a search goes. */
typedef struct route {
    cc_search *search; /* of BY_KEY */
    way way;
    bool asks_nothing; /* back to a leaf that an operation has found before; its key is not asked */
} route;

/* ---------------------------------------------------------------- seeking (bst_seek.c) */

/* In a read phase. All return CC_FOUND (an equal leaf; any, where the way is not BY_KEY), CC_ABSENT
 * (none), or CC_NEED_COMPARE, which ends the phase. `turn`, unless NULL: the place of the edge that
 * the way has last left on the right hand, where `turn->side` is 1, or on the left; its parent is
 * NULL when there is none. `p`, unless NULL, likewise: all of them. */
int cc_bst_seek(cc_bst *tree, cc_smr_guard *g, const route *r, place *at, place *turn, path *p);

/* From an edge that a seek in the same region has left aside to the nearest leaf below it: the
 * first one where the edge is on the right. It is on that side of the node: see Ranges. False:
 * somebody has been in the way. */
bool cc_bst_cross(cc_bst *tree, cc_smr_guard *g, place *at, path *p);

/* Keep what the caller goes by, and end the read phase. */
void cc_bst_hold(cc_smr_guard *g, const place *at, uintptr_t value);

/* A read phase: the place of the searched key, and its value, CC_TOMBSTONE where there is no equal
 * leaf or it is dead or flagged. The write phase holds both. CC_FOUND: an equal leaf. */
int cc_bst_find(cc_bst *tree, cc_smr_guard *g, const route *r, place *at, uintptr_t *value);

/* ---------------------------------------------------------------- reports (bst_report.c) */

/* Out of line, for observe. `seen`: NULL where it is not known any more. */
void cc_bst_report(cc_bst *tree, cc_smr_guard *g, const place *at, const uintptr_t *seen);

/* The place's leaf has been seen with that value: say so to who takes a snapshot. After the access
 * that the operation's result depends on; in a write phase that holds the place. */
static inline void observe(cc_bst *tree, cc_smr_guard *g, const place *at, uintptr_t seen) {
    if (cc_is_collecting(&tree->map.common)) {
        cc_bst_report(tree, g, at, &seen);
    }
}

/* The same with a value that is not known any more. */
static inline void observe_anyhow(cc_bst *tree, cc_smr_guard *g, const place *at) {
    if (cc_is_collecting(&tree->map.common)) {
        cc_bst_report(tree, g, at, NULL);
    }
}

/* Somebody goes by it that the leaf is dead, or flagged. In a write phase that holds the place. */
void cc_bst_note_death(cc_bst *tree, cc_smr_guard *g, const place *at);

/* If the root is sealed: tell whoever takes a snapshot to begin again, and open it. In a write
 * phase. */
void cc_bst_tell_of_clear(cc_bst *tree, cc_smr_guard *g);

/* ---------------------------------------------------------------- attempts (bst_unlink.c) */

/* A region of an operation, and what is to be done when it is closed. */
typedef struct attempt {
    cc_smr_guard g;
    cc_leftovers left; /* a value that was taken out */
    node *first, *last; /* a chain that we have unlinked; NULL: none */
    unsigned chain, dead_side; /* its inner nodes; of the last one, where the leaf that goes is */
    uintptr_t dropped; /* a word that nobody has seen us store */
} attempt;

/* What an attempt retires, where its chain is one node. */
enum { BST_RECORDS = 3 };

CC_MUST_CHECK bool cc_bst_begin_attempt(cc_bst *tree, attempt *a);

/* Close the region and retire what is to be retired. Runs foreign code. */
void cc_bst_end_attempt(cc_bst *tree, attempt *a);

/* The same, and begin another one. False without memory: then none is open. */
CC_MUST_CHECK bool cc_bst_next_attempt(cc_bst *tree, attempt *a);

/* Help to unlink what stands in the way at a place: its leaf, which is dead or flagged, or the one
 * beside it. CC_FOUND: the attempt has unlinked a chain, or somebody else has changed something;
 * it is to be ended, and the place sought again. CC_NO_MEMORY: a dead leaf may be flagged, nothing
 * else has changed. In a write phase that holds the place. */
cc_status cc_bst_unlink(cc_bst *tree, attempt *a, place *at);

/* Our operation has made the leaf at a place dead, or flagged it: see to it that it is unlinked,
 * and end the attempt. Asks nothing. */
void cc_bst_finish(cc_bst *tree, attempt *a, const route *r, place *at);

/* ---------------------------------------------------------------- changes (bst.c) */

/* cc_swap_value at a place, and the report. */
cc_status cc_bst_swap_value(cc_bst *tree, attempt *a, const place *at, uintptr_t value,
                            const uintptr_t *expected);

/* Put an inner node that nobody has seen, with so many new entries below it, in the place of the
 * leaf, whose edge is clean. False: somebody has been faster. */
bool cc_bst_link(cc_bst *tree, attempt *a, place *at, node *inner, size_t entries, size_t bytes);

/* Nodes that nobody has seen, or NULL. Words stay the caller's. */
node *cc_bst_new_leaf(cc_bst *tree, const cc_stored_key *key, uintptr_t value);
node *cc_bst_new_inner(cc_bst *tree, const cc_stored_key *key); /* NULL: infinite */

static inline void set_child(node *n, unsigned side, const node *to) {
    cc_store_relaxed_u64(&n->child[side], to ? cc_arena_reference(to) : 0);
}

/* Hand out the leaf's entry with this value, which the caller holds, as it does the leaf. */
static inline void acquire_entry(cc_bst *tree, const node *n, uintptr_t value, cc_entry *entry) {
    cc_acquire_word(&tree->map.common, value);
    cc_acquire_word(&tree->map.common, key_of(n));
    *entry = (cc_entry){n->digest, key_of(n), value, (uint8_t)kind_of(n)};
}

static inline cc_bst *bst_of(cc_ordered *map) {
    return (cc_bst *)map;
}

/* ---------------------------------------------------------------- the table's operations */

/* bst_order.c */
cc_status cc_bst_neighbour(cc_ordered *map, cc_search *search, cc_relation relation,
                           cc_entry *entry);
cc_status cc_bst_pop_end(cc_ordered *map, cc_relation end, const cc_stored_key *prepared,
                         cc_entry *entry);
cc_status cc_bst_scan_up(cc_ordered *map, cc_search *search, unsigned how, cc_entry *entries,
                         size_t room, size_t *count);
cc_status cc_bst_scan_down(cc_ordered *map, cc_search *search, unsigned how, cc_entry *entries,
                           size_t room, size_t *count);
cc_status cc_bst_scan_for_snapshot(cc_ordered *map, cc_search *search, unsigned how,
                                   cc_entry *entries, cc_identity *identities, size_t room,
                                   size_t *count, bool *at_end);

/* bst_build.c */
size_t cc_bst_append(cc_ordered *map, const cc_new_entry *entries, size_t count, size_t *run);

/* bst.c */
cc_status cc_bst_get(cc_ordered *map, cc_search *search, uintptr_t *value);
cc_status cc_bst_put(cc_ordered *map, cc_search *search, uintptr_t value, cc_put_policy policy,
                     uintptr_t *old);
cc_status cc_bst_replace_exact(cc_ordered *map, cc_search *search, uintptr_t expected,
                               uintptr_t value);
cc_status cc_bst_remove(cc_ordered *map, cc_search *search, const uintptr_t *expected,
                        uintptr_t *old);

#endif
