/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A search's questions, and its known order: see search.h.
 *
 * Memory. Each known order holds a reference to the stored key's word, so no other key can be at
 * its address while the search lives: comparing words tells whether a question has been answered
 * before. The digests of keys with words may be without a prefix, so they are not looked at.
 *
 * Progress. A search is told each answer once; it starts over after each, from the beginning, since
 * what it knew of nodes is void. The path to where the last question was asked is taken again, and
 * most often meets the same keys in the order in which they were asked about: so the known order
 * behind the one that was found last is looked at first, and then the newest ones.
 */
#include "search.h"

#include <string.h>

#include "container.h"

static int for_question(const cc_search *search, int answer) {
    return search->question == CC_ASK_ORDER || answer == CC_UNDECIDED ? answer : answer != 0;
}

static bool is_about(const cc_known_order *known, unsigned kind, uint64_t digest, uintptr_t word) {
    return known->key.word == word && (word || known->key.digest == digest) &&
           known->key.kind == kind;
}

int cc_search_recall(cc_search *search, unsigned kind, uint64_t digest, uintptr_t word) {
    const uint32_t count = search->known_count;
    uint32_t i = search->expected < count ? search->expected : 0;
    if (!count || !is_about(&search->known[i], kind, digest, word)) {
        for (i = count; i > 0 && !is_about(&search->known[i - 1], kind, digest, word); i--) {
        }
        if (i == 0) {
            return CC_UNDECIDED;
        }
        i--;
    }
    search->expected = i + 1;
    return search->known[i].order;
}

int cc_compare_key_slowly(cc_container *c, cc_smr_guard *g, cc_search *search, unsigned kind,
                          uint64_t digest, uintptr_t word, const void *node) {
    const cc_word_table *words = c->words;
    /* Not while we can be restarted at any instruction: the owner's function may use more stack
     * than a read phase may, and taking a reference twice would be one too many. */
    cc_hold(g, CC_HELD_NODES, (uintptr_t)node);
    cc_end_reading(g);
    int answer = words->compare ? words->compare(search, kind, digest, word) : CC_UNDECIDED;
    if (answer == CC_UNDECIDED) {
        answer = cc_search_recall(search, kind, digest, word);
    }
    if (answer != CC_UNDECIDED) {
        cc_resume_reading(g);
        return for_question(search, answer);
    }
    /* The search is over, and so is the read phase. */
    if (!cc_load_relaxed_u32(&c->asked)) {
        cc_store_relaxed_u32(&c->asked, 1); /* before any answer can have had an effect */
    }
    if (!search->asks) { /* else an earlier question of this search is still open: first that one */
        cc_acquire_word(c, word);
        search->needed = (cc_stored_key){digest, word, (uint8_t)kind};
        search->asks = true;
    }
    return CC_UNDECIDED;
}

#ifndef FIRST_KNOWN_ORDERS
#define FIRST_KNOWN_ORDERS 32u
#endif

int cc_search_learn(const cc_word_table *words, cc_search *search, int answer) {
    if (search->known_count == search->known_room) {
        uint32_t room = search->known_room ? 2 * search->known_room : FIRST_KNOWN_ORDERS;
        cc_known_order *more = cc_alloc(room * sizeof *more);
        if (!more) {
            search->asks = false;
            cc_release_word(words, search->needed.word);
            return -1;
        }
        if (search->known) {
            memcpy(more, search->known, search->known_count * sizeof *more);
            cc_free(search->known);
        }
        search->known = more;
        search->known_room = room;
    }
    search->known[search->known_count++] =
        (cc_known_order){search->needed, (int8_t)for_question(search, answer)};
    search->asks = false;
    return 0;
}

void cc_search_end(const cc_word_table *words, cc_search *search) {
    cc_known_order *known = search->known;
    uint32_t count = search->known_count;
    bool asks = search->asks;
    search->known = NULL;
    search->known_count = search->known_room = 0;
    search->asks = false;
    if (asks) {
        cc_release_word(words, search->needed.word);
    }
    for (uint32_t i = 0; i < count; i++) {
        cc_release_word(words, known[i].key.word);
    }
    cc_free(known);
}
