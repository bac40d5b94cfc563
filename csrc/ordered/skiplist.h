/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A lock-free ordered map of words. See skiplist.c for the algorithm.
 *
 * Keys. A key is a *kind*, a 64-bit *digest* and a word. Two keys of one kind whose digests differ
 * are ordered by their digests (unsigned). Everything else is asked of the owner's `compare`. A key
 * whose word is 0 is held whole by its digest: two such keys of one kind with equal digests are equal.
 *
 * Words. The owner says what words are (object references, integers) by a table of functions. What
 * runs inside a protected region (`acquire`, `compare`, `hash`) must not block, must not run foreign
 * code and must not call back into this library.
 *
 * Foreign comparisons. When `compare` answers CC_UNDECIDED, the operation gives up without effect and
 * returns CC_NEED_COMPARE, with an acquired key in search->needed. The caller compares, outside
 * of everything, calls cc_search_learn, and repeats the operation, which starts from the head and
 * knows the answer this time. An operation that has had its effect never asks; it may leave a question in search->asks,
 * which cc_search_end forgets. Only knowledge of the search itself is used, so a comparison that lies
 * or changes its mind gives a strange place, never a broken list.
 */
#ifndef CC_SKIPLIST_H
#define CC_SKIPLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "concurrent_collections/cc_smr.h"

#define CC_UNDECIDED 2

typedef enum cc_status {
    CC_NO_MEMORY = -1,  /* nothing has changed */
    CC_ABSENT = 0,      /* the key is (was) not there */
    CC_FOUND = 1,       /* the key is (was) there */
    CC_NEED_COMPARE = 2,/* nothing has changed: compare with search->needed, learn, repeat */
    CC_MISMATCH = 3     /* the key is there, with another value than the expected one */
} cc_status;

/* A key as a node holds it. */
typedef struct cc_stored_key {
    uint64_t digest;
    uintptr_t word;
    uint8_t kind;
} cc_stored_key;

/* What a search has been told about the order of its key. */
typedef struct cc_lesson {
    cc_stored_key key;
    int8_t order; /* of the searched key against `key`: -1, 0, 1 */
} cc_lesson;

/* One operation's key and what is known about it. Filled in by the caller, zero where not said. */
typedef struct cc_search {
    uint64_t digest;
    uint64_t hash;  /* equal keys of a kind have equal hashes; 0: this key is not hashed */
    uintptr_t key;
    uint8_t kind;
    /* Set by operations. */
    bool asks; /* a comparison with `needed` is wanted; its word is acquired */
    cc_stored_key needed;
    /* Grows by cc_search_learn; holds the acquired words until cc_search_end. */
    cc_lesson *lessons;
    uint32_t lesson_count, lesson_room;
} cc_search;

typedef struct cc_word_table {
    /* Another reference to a word, or NULL when words are not counted. In a region. */
    void (*acquire)(uintptr_t word);
    /* The opposite; outside regions; may run foreign code. NULL likewise. */
    void (*release)(uintptr_t word);
    /* Order of the searched key against a stored one: -1, 0, 1, or CC_UNDECIDED. In a region. NULL:
     * keys are always held whole by their digests and of one kind. */
    int (*compare)(const cc_search *search, unsigned kind, uint64_t digest, uintptr_t key);
    /* Hash of a stored key, as in cc_search.hash; 0 where it has none. In a region. NULL: no key
     * is hashed beyond mixing its digest. */
    uint64_t (*hash)(unsigned kind, uint64_t digest, uintptr_t key);
} cc_word_table;

/* A key with its value; key and value words acquired for the caller. */
typedef struct cc_entry {
    uint64_t digest;
    uintptr_t key;
    uintptr_t value;
    uint8_t kind;
} cc_entry;

typedef struct cc_skiplist cc_skiplist;

/* A value word that callers must not store. */
#define CC_TOMBSTONE UINTPTR_MAX

/* A new, empty list; NULL without memory. `words` must live as long as the process. */
cc_skiplist *cc_skiplist_new(const cc_word_table *words);

/* Release every key and value and free the list. No thread uses it any more. Iterative: a value that
 * owns another list is destroyed after this one, not inside it. */
void cc_skiplist_free(cc_skiplist *list);

/* ---- learning ---- */

/* Remember how the searched key compares with search->needed (which stays acquired until
 * cc_search_end). Returns 0, or -1 without memory: then the word is released and forgotten. */
int cc_search_learn(const cc_skiplist *list, cc_search *search, int order);

/* Release what the search holds. May run foreign code. */
void cc_search_end(const cc_skiplist *list, cc_search *search);

/* ---- operations on one key. All are lock-free; cc_skiplist_get is lock-free too, not wait-free:
 * it unlinks dead nodes that it meets. All may release things that have waited. ---- */

/* *value (if not NULL): acquired, when CC_FOUND. */
cc_status cc_skiplist_get(cc_skiplist *list, cc_search *search, uintptr_t *value);

typedef enum cc_put_policy { CC_PUT_ALWAYS, CC_PUT_IF_ABSENT, CC_PUT_IF_PRESENT } cc_put_policy;

/* Store value under the key. CC_ABSENT: the key was not there; unless IF_PRESENT it now is, and
 * the list has taken over both words (search->key and value). CC_FOUND: it was there; unless
 * IF_ABSENT the list has taken over `value` alone. *old (if not NULL): acquired, when CC_FOUND. */
cc_status cc_skiplist_put(cc_skiplist *list, cc_search *search, uintptr_t value,
                          cc_put_policy policy, uintptr_t *old);

/* If the key's value is the very word `expected`, replace it by `value`, which the list takes over:
 * CC_FOUND. Else CC_ABSENT or CC_MISMATCH. */
cc_status cc_skiplist_replace_exact(cc_skiplist *list, cc_search *search, uintptr_t expected,
                                    uintptr_t value);

/* Remove the key. *old (if not NULL): acquired, when CC_FOUND. */
cc_status cc_skiplist_remove(cc_skiplist *list, cc_search *search, uintptr_t *old);

/* ---- ordered operations ---- */

typedef enum cc_relation {
    CC_FIRST,
    CC_LAST,
    CC_FLOOR,
    CC_CEILING,
    CC_LOWER,
    CC_HIGHER
} cc_relation;

/* The entry in that relation to the searched key (which CC_FIRST and CC_LAST do not look at): its key at one moment of the
 * call, its value at one, and both at the same one; unless, between two loads, the value is replaced and the very same word
 * put back, and a key comes in between and goes. */
cc_status cc_skiplist_neighbour(cc_skiplist *list, cc_search *search, cc_relation relation,
                                cc_entry *entry);

/* Remove the entry that is first (last), comparing nothing: CC_FOUND, and the very entry that was first
 * (last) at some moment of the call, with this value as in cc_skiplist_neighbour; it is handed out to nobody else. CC_ABSENT: empty.
 *
 * With `prepared`, an entry whose key has no word is only removed when prepared holds kind and digest of that key;
 * else CC_MISMATCH, and kind and digest are in *entry. So a caller who has to make something of such
 * a key can make it before the entry is gone, and call again. */
cc_status cc_skiplist_pop_end(cc_skiplist *list, cc_relation end, const cc_stored_key *prepared,
                              cc_entry *entry);

/* Up to `room` entries in ascending order, from the searched key on (after it, when `exclusive`), or
 * from the first one when search is NULL. Returns CC_FOUND with *count entries (0: there are no more)
 * or CC_NEED_COMPARE. Weakly consistent: each entry was there at some moment of the call. */
cc_status cc_skiplist_scan_up(cc_skiplist *list, cc_search *search, bool exclusive,
                              cc_entry *entries, size_t room, size_t *count);

/* The same downwards from the searched key, or from the last one. */
cc_status cc_skiplist_scan_down(cc_skiplist *list, cc_search *search, bool exclusive,
                                cc_entry *entries, size_t room, size_t *count);

/* ---- the whole ---- */

/* Remove every entry that is there when the call begins, comparing nothing. O(n). CC_FOUND, or CC_NO_MEMORY
 * with a part removed. */
cc_status cc_skiplist_clear(cc_skiplist *list);

/* Entries. Exact when nothing changes meanwhile, never negative. */
size_t cc_skiplist_length(const cc_skiplist *list);

/* Bytes allocated for nodes, index and the list itself; limbo included. */
size_t cc_skiplist_bytes(const cc_skiplist *list);

/* Release what waits in limbo and can be released. Returns how many things still wait. */
size_t cc_skiplist_flush(cc_skiplist *list);
size_t cc_skiplist_limbo_count(const cc_skiplist *list);
cc_smr_scheme cc_skiplist_scheme(const cc_skiplist *list);

/* The list's domain, for statistics and for tests that stop a reader in it. */
struct cc_smr_domain *cc_skiplist_domain(const cc_skiplist *list);

/* How often the calling thread has changed this list (modulo 2^32; may count changes of other lists), below the number
 * of its record: marks of two threads are never the same, but for those of a thread that goes on with another's record. */
uint64_t cc_skiplist_changes_by_this_thread(const cc_skiplist *list);

/* Call `visit` for every word the list owns, stop at the first non-zero answer and return it. The
 * world is stopped: no thread is inside an operation. Takes no references, allocates nothing. */
int cc_skiplist_visit(cc_skiplist *list, int (*visit)(uintptr_t word, void *argument),
                      void *argument);

/* Look for broken invariants while no thread is inside an operation: order on every level, every
 * level a subset of the one below, no marked or dead node linked, counts right. Returns NULL, or what is
 * wrong. */
const char *cc_skiplist_check(cc_skiplist *list);

/* One search entry's hash when the owner has none: a mixed digest. */
static inline uint64_t cc_mix(uint64_t x) {
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93u;
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93u;
    x ^= x >> 32;
    return x | 1u; /* 0 says "not hashed" */
}

#endif
