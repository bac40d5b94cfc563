/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The binary search tree: what is said to those who take snapshots. bst_inside.h says when, and why
 * that is enough.
 *
 * Progress. A report is that of snapshot.h. Whoever finds the root sealed opens it.
 */
#include "bst_inside.h"

/* What a report asks about a leaf behind the load of its value. */
static bool look_at_reported(const cc_container *c, const cc_reported *entry, uintptr_t *value) {
    const cc_bst *tree = (const cc_bst *)c;
    if (cc_load_acquire_u64(&entry->slot->birth) & POPPED) {
        *value = CC_TOMBSTONE;
    }
    return load_edge(&tree->root) == entry->seen_in;
}

void cc_bst_report(cc_bst *tree, cc_smr_guard *g, const place *at, const uintptr_t *seen) {
    const node *n = at->leaf;
    const cc_reported entry = {.identity = {n, n->birth_kind},
                               .key = stored_key_of(n),
                               .slot = &n->slot,
                               .look = look_at_reported,
                               .seen_in = at->root};
    cc_report(&tree->map.common, g, &entry, seen);
    cc_bst_tell_of_clear(tree, g);
}

void cc_bst_note_death(cc_bst *tree, cc_smr_guard *g, const place *at) {
    cc_value_slot *slot = &at->leaf->slot;
    if (at->word & FLAGGED && cc_load_acquire_uptr(&slot->value) != CC_TOMBSTONE) {
        cc_fetch_or_seq_cst_u64(&slot->birth, POPPED);
    }
    observe(tree, g, at, CC_TOMBSTONE);
}

void cc_bst_tell_of_clear(cc_bst *tree, cc_smr_guard *g) {
    uint64_t word = load_edge(&tree->root);
    if (word & SEALED) {
        cc_begin_snapshots_again(&tree->map.common, g);
        cc_cas_seq_cst_u64(&tree->root, &word, word & ~SEALED);
    }
}
