/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A search for a key: what it asks of the keys that it meets, and what it has been told about them.
 *
 *     cc_search s = {.kind = ..., .digest = ..., .key = ..., .hash = ...};
 *     while ((status = cc_ordered_get(map, &s, &value)) == CC_NEED_COMPARE) {
 *         cc_search_learn(words, &s, compare(key, s.needed));    outside of everything
 *     }
 *     cc_search_end(words, &s);
 *
 * Promises. A comparison that lies, or changes its mind, gives an entry a strange place, never a
 * broken container: only the knowledge of the search itself is used. An operation that answers
 * CC_NEED_COMPARE has had no effect, and one that has had its effect never asks.
 *
 * Keys. A key is a *kind*, a 64-bit *digest* and a word. Two keys of one kind whose digests differ
 * are different, and ordered by their digests (unsigned). A key whose word is 0 is held whole by
 * its digest: two such keys of one kind with equal digests are equal. Everything else is asked of
 * the owner's `compare`.
 *
 * Prefixes. Keys of a kind may be sequences of units (bytes, characters) that are ordered by the
 * first unit that differs. A container that knows that some of them share their first units may
 * have their digests without these (`digest_after`). It hands out none of them but to `compare` and
 * in search->needed: there, what a key that has units is says its word alone.
 *
 * Orders. An owner may have several: then each container has one for life, and every search of it
 * names it. Kinds, digests and hashes are made for that order: the core compares digests as they
 * are, so an order that is the other way round has digests that are.
 *
 * Hashes. Keys that are equal have equal hashes, whatever their kinds, if they have one. A key
 * without a hash (0) may equal any key. So of a key with a hash that is not found among the keys
 * with hashes, one thing is known: none of these equals it. A container that answers a miss from
 * its index does so only while every key that was ever put into it had a hash; after that it
 * searches. A key that is stored keeps its hash.
 *
 * Questions. A search asks for order, or only for equality; it is one or the other from its
 * beginning to its end. An ordered container needs order. A container that never orders its keys
 * asks for equality, and so can have keys that have no order.
 *
 * Words. The owner says what words are (object references, integers) by a table of functions. What
 * runs inside a protected region, or while the container has locks (`acquire`, `compare`, `hash`,
 * `shared`, `digest_after`), must not block, must not run foreign code and must not call back into
 * this library.
 *
 * Foreign comparisons. When `compare` answers CC_UNDECIDED, the operation gives up without effect
 * and returns CC_NEED_COMPARE, with an acquired key in search->needed. The caller compares, outside
 * of everything, calls cc_search_learn, and repeats the operation, which begins anew and knows the
 * answer this time. An operation that has had its effect may leave a question in search->asks,
 * which cc_search_end forgets.
 */
#ifndef CC_SEARCH_H
#define CC_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "concurrent_collections/cc_smr.h"

/* What a comparison says that only foreign code can decide. */
#define CC_UNDECIDED 2

typedef enum cc_status {
    CC_NO_MEMORY = -1,  /* nothing has changed */
    CC_ABSENT = 0,      /* the key is (was) not there */
    CC_FOUND = 1,       /* the key is (was) there */
    CC_NEED_COMPARE = 2,/* nothing has changed: compare with search->needed, learn, repeat */
    CC_MISMATCH = 3     /* the key is there, with another value than the expected one */
} cc_status;

/* A key as a container holds it. */
typedef struct cc_stored_key {
    uint64_t digest;
    uintptr_t word;
    uint8_t kind;
} cc_stored_key;

/* What a search wants to know of a key that it meets. */
typedef enum cc_question {
    CC_ASK_ORDER,   /* -1, 0 or 1: the searched key is less, equal or greater */
    CC_ASK_EQUALITY /* 0: they are equal; 1: they are not */
} cc_question;

/* What a search has been told about its key: the answer to its question about `key`. */
typedef struct cc_known_order {
    cc_stored_key key;
    int8_t order;
} cc_known_order;

/* How many counts an owner may keep in a search. */
#define CC_TALLY_ROOM 4

/* One operation's key and what is known about it. Filled in by the caller, zero where not said. */
typedef struct cc_search {
    uint64_t digest;
    uint64_t hash;  /* equal keys have equal hashes; 0: this key has none */
    uintptr_t key;
    uint8_t kind;
    uint8_t question; /* cc_question */
    bool is_cautious; /* the owner's, for `compare` */
    bool has_tally;   /* the owner's: one of its counts is not 0 */
    bool asks; /* set by operations: a comparison with `needed` is wanted; its word is acquired */
    const void *order; /* the owner's, for `compare`: by what it orders (cc_ordered_order) */
    uint16_t tally[CC_TALLY_ROOM]; /* the owner's counts, 0 at first */
    /* Set by operations. */
    cc_stored_key needed;
    /* Grows by cc_search_learn; holds the acquired words until cc_search_end. */
    cc_known_order *known;
    uint32_t known_count, known_room;
    uint32_t expected; /* the known order that is looked at first */
} cc_search;

typedef struct cc_word_table {
    /* Another reference to a word, or NULL when words are not counted. In a region. */
    void (*acquire)(uintptr_t word);
    /* The opposite; outside regions; may run foreign code. NULL likewise. */
    void (*release)(uintptr_t word);
    /* The answer to search->question about a stored key, or CC_UNDECIDED; where equality is asked,
     * any other answer but 0 says "not equal". In a region. NULL: keys are always held whole by
     * their digests and of one kind. */
    int (*compare)(const cc_search *search, unsigned kind, uint64_t digest, uintptr_t key);
    /* Hash of a stored key, as in cc_search.hash; 0 where it has none. In a region. NULL: no key
     * is hashed beyond mixing its digest. */
    uint64_t (*hash)(unsigned kind, uint64_t digest, uintptr_t key);
    /* Call sleep(argument), which may take long, in such a way that nobody else has to wait for it
     * (detached from an interpreter, say). Outside regions. NULL: it is simply called. */
    void (*while_asleep)(void (*sleep)(void *argument), void *argument);
    /* How many first units two keys share, `most` or less; 0 where one has no units. If that is not
     * 0, `compare` decides between them, and so it does between each two keys that have units and
     * are of the same kind; between keys of two kinds that have units it never does. In a region,
     * or while the container has locks, as the next one. NULL, both or none: no key has units. */
    unsigned (*shared)(const void *order, const cc_stored_key *a, const cc_stored_key *b,
                       unsigned most);
    /* The digest of a key without its first `skip` units, of those who share them ordered as they
     * are; with 0 its digest. Of a key that has no units: the digest that it comes with. */
    uint64_t (*digest_after)(const void *order, const cc_stored_key *key, unsigned skip);
} cc_word_table;

/* A value word that callers must not store: where an entry has it, the entry is dead. */
#define CC_TOMBSTONE UINTPTR_MAX

/* Remember the answer to the search's question about search->needed (which stays acquired until
 * cc_search_end). Returns 0, or -1 without memory: then the word is released and forgotten. */
int cc_search_learn(const cc_word_table *words, cc_search *search, int answer);

/* What the search has been told about that key, or CC_UNDECIDED. */
int cc_search_recall(cc_search *search, unsigned kind, uint64_t digest, uintptr_t word);

/* Release what the search holds. May run foreign code. */
void cc_search_end(const cc_word_table *words, cc_search *search);

/* A search's hash when the owner has none: a mixed digest. */
static inline uint64_t cc_mix(uint64_t x) {
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93u;
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93u;
    x ^= x >> 32;
    return x | 1u; /* 0 says "not hashed" */
}

#endif
