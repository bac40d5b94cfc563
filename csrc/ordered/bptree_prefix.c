/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The B+tree: what the keys of a node share, and its digests leave out.
 *
 * Promises. Digests of a node order its keys, and any key that is searched there, as the keys
 * themselves are ordered. A tree whose keys have no units (search.h) is as if this were not there.
 *
 * Why. A digest is the beginning of a key. Where keys begin alike ("user:000001") digests are
 * equal, and each step of a search would have to look at a key. So a node skips units: its digests
 * are those of what comes after.
 *
 * How. The range of a node is what is between its fences: the next separators on its left and on
 * its right, in whatever node on the way down these are. Everybody who comes to the node with a key
 * has compared it with both (or knows of one that is nearer to it). If the fences share their first
 * units, all keys between them do: those that are there, and those that will ever come. That is
 * `shared`. A node that has another node's separator for a fence, and does not see it, goes by what
 * its parent knows, whose range is wider. A leaf skips no more than that, and says that its keys
 * share what it skips.
 *
 * The nodes at the edges have but one fence, and the root has none. Their separators may share
 * something all the same, and never change; so an inner node may skip more than `shared`: then who
 * comes there looks at one key, whether he shares it. If not, he is before all separators or behind
 * all of them.
 *
 * Ranges. `skip` and `shared` of a node never change, so its range must not get wider. It would,
 * were an empty leaf beside it simply taken out: that is done beside a leaf that skips nothing;
 * elsewhere the two are joined, and the new leaf has its own skip.
 *
 * Lies. All this goes by an order that is one. What foreign code says need not be, so a tree whose
 * keys it has ever compared makes no node any more that skips anything. Those that are there stay
 * right: their fences were put into place before, and what has units is compared with them by
 * `compare`, never by foreign code.
 *
 * Digests leave the tree whole: whoever takes an entry out of a node that skips has its key at
 * hand.
 */
#include "bptree_locks.h"

static const void *order_of(cc_bptree *tree) {
    return (const void *)cc_ordered_order(&tree->map);
}

unsigned cc_bptree_shared(cc_bptree *tree, const cc_stored_key *a, const cc_stored_key *b) {
    const cc_word_table *words = tree->map.common.words;
    return words->shared && a->word && b->word ? words->shared(order_of(tree), a, b, MOST_SKIP) : 0;
}

unsigned cc_bptree_best_skip(unsigned shared, unsigned common, unsigned old) {
    unsigned best = common >= shared + UNITS_WORTH_A_SKIP ? common : shared;
    return old <= best && best - old < UNITS_WORTH_A_SKIP ? old : best;
}

uint64_t cc_bptree_digest_after(cc_bptree *tree, unsigned kind, uint64_t digest, uintptr_t word,
                                unsigned skip) {
    const cc_stored_key key = {digest, word, (uint8_t)kind};
    return tree->map.common.words->digest_after(order_of(tree), &key, skip);
}

/* As where keys are compared, not while we can be restarted at any instruction: the owner's
 * function may use more stack than a read phase may. */
void cc_bptree_skip(cc_bptree *tree, cc_smr_guard *g, const cc_search *search, unsigned skip,
                    place *at) {
    cc_end_reading(g);
    at->skip = skip;
    at->digest = digest_moved(tree, search->kind, search->digest, search->key, 0, skip);
    cc_resume_reading(g);
}

bool cc_bptree_shares_prefix(cc_bptree *tree, cc_smr_guard *g, const cc_search *search,
                             const inner_node *n, unsigned *child) {
    const cc_stored_key first = key_of_separator(separators_of(n));
    const cc_stored_key key = {search->digest, search->key, search->kind};
    const unsigned skip = n->head.skip, last = n->head.count - 1u;
    if (key.kind != first.kind || !key.word) {
        return true; /* digests say nothing of such a key */
    }
    cc_hold(g, CC_HELD_NODES, first.word);
    cc_end_reading(g);
    bool is_shared = cc_bptree_shared(tree, &key, &first) >= skip;
    if (!is_shared) {
        const cc_word_table *words = tree->map.common.words;
        *child = words->compare(search, first.kind, first.digest, first.word) < 0 ? 0 : last;
    }
    cc_resume_reading(g);
    return is_shared;
}
