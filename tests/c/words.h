/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the tests put into ordered containers: counted words (stand-ins for Python objects) that
 * notice when they are touched too late or released too often, keys of several kinds made from
 * them, and a driver that plays the caller's part when a comparison is needed.
 *
 *   kind   word          digest          decided by
 *   0      none          the number      its digest alone
 *   1      counted       number / 8      its digest, ties by compare; its units are the number's bits
 *   2      counted       always 0        compare alone; it has no hash
 *
 * All kinds together are ordered by their numbers (not negative), so 5 of kind 0 equals 5 of kind
 * 1, and they have the same hash.
 */
#ifndef CC_TEST_WORDS_H
#define CC_TEST_WORDS_H

#include "check.h"
#include "memory/smr_fast.h"
#include "ordered/ordered.h"

#define WORD_ALIVE UINT64_C(0xa11fea11fea11fe0)
#define WORD_DEAD UINT64_C(0xdeaddeaddeaddead)

typedef struct counted {
    _Atomic uint64_t magic;
    _Atomic int64_t references;
    _Atomic uint32_t taken; /* somebody has got this value out of a list */
    int64_t number;
    void (*at_death)(struct counted *); /* foreign code */
} counted;

static _Atomic int64_t words_alive UNUSED;

static inline UNUSED counted *counted_of(uintptr_t word) {
    return (counted *)word;
}

static inline UNUSED uintptr_t word_new(int64_t number) {
    counted *c = calloc(1, sizeof *c);
    CHECK(c);
    atomic_store_explicit(&c->magic, WORD_ALIVE, memory_order_relaxed);
    atomic_store_explicit(&c->references, 1, memory_order_relaxed);
    c->number = number;
    atomic_fetch_add_explicit(&words_alive, 1, memory_order_relaxed);
    return (uintptr_t)c;
}

static inline UNUSED int64_t number_of(uintptr_t word) {
    counted *c = counted_of(word);
    CHECK(atomic_load_explicit(&c->magic, memory_order_relaxed) == WORD_ALIVE);
    return c->number;
}

/* Relaxed on purpose, as Python's own counts: it is the list that must order them. */
static inline UNUSED void word_acquire(uintptr_t word) {
    counted *c = counted_of(word);
    CHECK(atomic_load_explicit(&c->magic, memory_order_relaxed) == WORD_ALIVE);
    CHECK(atomic_fetch_add_explicit(&c->references, 1, memory_order_relaxed) > 0);
}

static inline UNUSED void word_release(uintptr_t word) {
    counted *c = counted_of(word);
    CHECK(atomic_load_explicit(&c->magic, memory_order_relaxed) == WORD_ALIVE);
    int64_t was = atomic_fetch_sub_explicit(&c->references, 1, memory_order_acq_rel);
    CHECK(was > 0);
    if (was == 1) {
        if (c->at_death) {
            c->at_death(c);
        }
        atomic_store_explicit(&c->magic, WORD_DEAD, memory_order_relaxed);
        free(c);
        atomic_fetch_sub_explicit(&words_alive, 1, memory_order_relaxed);
    }
}

/* The value came out of a list into the caller's hands. May happen once in its life. */
static inline UNUSED void word_take(uintptr_t word) {
    CHECK(atomic_load_explicit(&counted_of(word)->magic, memory_order_relaxed) == WORD_ALIVE);
    CHECK_EQ(atomic_exchange_explicit(&counted_of(word)->taken, 1, memory_order_relaxed), 0);
}

/* ---------------------------------------------------------------- keys */

#define KEY_KINDS 3

static inline UNUSED int64_t number_of_key(unsigned kind, uint64_t digest, uintptr_t key) {
    return kind == 0 ? (int64_t)digest : number_of(key);
}

static inline UNUSED uint64_t digest_for(unsigned kind, int64_t number) {
    return kind == 0 ? (uint64_t)number : kind == 1 ? (uint64_t)number >> 3 : 0;
}

static inline UNUSED uint64_t word_hash(unsigned kind, uint64_t digest, uintptr_t key) {
    return kind == 2 ? 0 : cc_mix((uint64_t)number_of_key(kind, digest, key));
}

/* Holds one reference to a word of its own; give it to end_search. */
static inline UNUSED cc_search search_for(unsigned kind, int64_t number) {
    cc_search s = {0};
    s.kind = (uint8_t)kind;
    s.digest = digest_for(kind, number);
    s.key = kind == 0 ? 0 : word_new(number);
    s.hash = word_hash(kind, s.digest, s.key);
    return s;
}

static inline UNUSED int sign_of(int64_t a, int64_t b) {
    return a < b ? -1 : a > b;
}

static inline UNUSED int word_compare(const cc_search *s, unsigned kind, uint64_t digest,
                                      uintptr_t key) {
    return sign_of(number_of_key(s->kind, s->digest, s->key), number_of_key(kind, digest, key));
}

/* Decides nothing: the caller has to. */
static inline UNUSED int word_compare_never(const cc_search *s, unsigned kind, uint64_t digest,
                                            uintptr_t key) {
    (void)s, (void)kind, (void)digest, (void)key;
    return CC_UNDECIDED;
}

/* Of 64 units each: the bits of the number. */
static inline UNUSED unsigned word_shared(const void *order, const cc_stored_key *a,
                                          const cc_stored_key *b, unsigned most) {
    (void)order;
    if (a->kind != 1 || b->kind != 1) {
        return 0;
    }
    uint64_t differ = (uint64_t)number_of(a->word) ^ (uint64_t)number_of(b->word);
    unsigned shared = 0;
    while (shared < most && shared < 64 && !(differ >> (63 - shared))) {
        shared++;
    }
    return shared;
}

/* Without a prefix: the next eight bits, which are in the wrong order where it is not shared. */
static inline UNUSED uint64_t word_digest_after(const void *order, const cc_stored_key *key,
                                                unsigned skip) {
    (void)order;
    uint64_t number = key->kind == 1 ? (uint64_t)number_of(key->word) : 0;
    return key->kind != 1 ? key->digest
           : skip == 0    ? digest_for(1, (int64_t)number)
           : skip >= 64   ? 0
                          : number << skip >> 56;
}

static const cc_word_table deciding_words UNUSED = {
    word_acquire, word_release, word_compare, word_hash, NULL, word_shared, word_digest_after};
static const cc_word_table undecided_words UNUSED = {
    word_acquire, word_release, word_compare_never, word_hash, NULL, NULL, NULL};

/* ---------------------------------------------------------------- the caller's part */

/* What the caller says when asked how the searched key compares. */
typedef int (*teller)(const cc_search *s, const cc_stored_key *stored);

static inline UNUSED int tell_the_truth(const cc_search *s, const cc_stored_key *stored) {
    return word_compare(s, stored->kind, stored->digest, stored->word);
}

static _Atomic int64_t questions_asked UNUSED;

static inline UNUSED void learn(const cc_ordered *list, cc_search *s, teller tell) {
    CHECK(s->asks);
    atomic_fetch_add_explicit(&questions_asked, 1, memory_order_relaxed);
    CHECK_EQ(cc_search_learn(cc_ordered_words(list), s, tell(s, &s->needed)), 0);
    CHECK(!s->asks);
}

/* Evaluate `call`, whose search is `s`, until it needs no comparison any more. */
#define LEARNING(list, s, tell, status, call)                                                      \
    do {                                                                                           \
        while (((status) = (call)) == CC_NEED_COMPARE) {                                           \
            learn(list, s, tell);                                                                  \
        }                                                                                          \
    } while (0)

static inline UNUSED void end_search(const cc_ordered *list, cc_search *s) {
    cc_search_end(cc_ordered_words(list), s);
    if (s->key) {
        word_release(s->key);
    }
}

/* The list takes over a reference of its own; ours stays with the search, whatever becomes of the
 * put. */
static inline UNUSED cc_status put_as(cc_ordered *list, unsigned kind, int64_t number,
                                      uintptr_t value, cc_put_policy policy, uintptr_t *old,
                                      teller tell) {
    cc_search s = search_for(kind, number);
    cc_status status;
    if (s.key) {
        word_acquire(s.key);
    }
    LEARNING(list, &s, tell, status, cc_ordered_put(list, &s, value, policy, old));
    bool key_taken = status == CC_ABSENT && policy != CC_PUT_IF_PRESENT;
    bool value_taken = (status == CC_ABSENT && policy != CC_PUT_IF_PRESENT) ||
                       (status == CC_FOUND && policy != CC_PUT_IF_ABSENT);
    if (s.key && !key_taken) {
        word_release(s.key);
    }
    if (!value_taken) {
        word_release(value);
    }
    end_search(list, &s);
    return status;
}

static inline UNUSED cc_status get_as(cc_ordered *list, unsigned kind, int64_t number,
                                      uintptr_t *value, teller tell) {
    cc_search s = search_for(kind, number);
    cc_status status;
    LEARNING(list, &s, tell, status, cc_ordered_get(list, &s, value));
    end_search(list, &s);
    return status;
}

/* A list's domain is private; the first thing that any list does with a region shows it. */
static inline UNUSED cc_smr_domain *domain_of(cc_ordered *list) {
    cc_search s = {.kind = 0, .digest = UINT64_C(1) << 40}; /* no test has such a key */
    uintptr_t value;
    CHECK_EQ(cc_ordered_get(list, &s, &value), CC_ABSENT);
    cc_smr_domain *domain = (cc_smr_domain *)cc_load_relaxed_uptr(&cc_thread_self()->domain);
    CHECK(domain);
    return domain;
}

static inline UNUSED cc_status remove_as(cc_ordered *list, unsigned kind, int64_t number,
                                         uintptr_t *old, teller tell) {
    cc_search s = search_for(kind, number);
    cc_status status;
    LEARNING(list, &s, tell, status, cc_ordered_remove(list, &s, old));
    end_search(list, &s);
    return status;
}

static inline UNUSED cc_status remove_exact_as(cc_ordered *list, unsigned kind, int64_t number,
                                               uintptr_t expected, teller tell) {
    cc_search s = search_for(kind, number);
    cc_status status;
    LEARNING(list, &s, tell, status, cc_ordered_remove_exact(list, &s, expected));
    end_search(list, &s);
    return status;
}

static inline UNUSED cc_status replace_exact_as(cc_ordered *list, unsigned kind, int64_t number,
                                                uintptr_t expected, uintptr_t value, teller tell) {
    cc_search s = search_for(kind, number);
    cc_status status;
    LEARNING(list, &s, tell, status, cc_ordered_replace_exact(list, &s, expected, value));
    if (status != CC_FOUND) {
        word_release(value);
    }
    end_search(list, &s);
    return status;
}

static inline UNUSED cc_status neighbour_as(cc_ordered *list, unsigned kind, int64_t number,
                                            cc_relation relation, cc_entry *entry, teller tell) {
    cc_search s = search_for(kind, number);
    cc_status status;
    LEARNING(list, &s, tell, status, cc_ordered_neighbour(list, &s, relation, entry));
    end_search(list, &s);
    return status;
}

static inline UNUSED size_t scan_as(cc_ordered *list, bool up, unsigned kind, int64_t number,
                                    unsigned how, cc_entry *entries, size_t room, teller tell) {
    cc_search s = search_for(kind, number);
    cc_status status;
    size_t count = 0;
    LEARNING(list, &s, tell, status,
             up ? cc_ordered_scan_up(list, &s, how, entries, room, &count)
                : cc_ordered_scan_down(list, &s, how, entries, room, &count));
    CHECK_EQ(status, CC_FOUND);
    end_search(list, &s);
    return count;
}

static inline UNUSED size_t sample_as(cc_ordered *list, unsigned kind, int64_t number, size_t every,
                                      cc_entry *entries, size_t room, teller tell) {
    cc_search s = search_for(kind, number);
    cc_status status;
    size_t count = 0;
    LEARNING(list, &s, tell, status, cc_ordered_sample(list, &s, every, entries, room, &count));
    CHECK_EQ(status, CC_FOUND);
    end_search(list, &s);
    return count;
}

/* As somebody who must make something of a key that has no word, before the entry is gone. */
static inline UNUSED cc_status pop_as(cc_ordered *list, cc_relation end, cc_entry *entry) {
    cc_stored_key prepared = {.kind = UINT8_MAX}; /* no key is of that kind */
    cc_status status;
    while ((status = cc_ordered_pop_end(list, end, &prepared, entry)) == CC_MISMATCH) {
        CHECK(entry->digest != prepared.digest || entry->kind != prepared.kind);
        prepared = (cc_stored_key){.digest = entry->digest, .kind = entry->kind};
    }
    if (status == CC_FOUND && !entry->key) {
        CHECK(entry->digest == prepared.digest && entry->kind == prepared.kind);
    }
    return status;
}

static inline UNUSED void release_entry(const cc_entry *e) {
    word_release(e->value);
    if (e->key) {
        word_release(e->key);
    }
}

/* A list that nobody uses is in order, and nothing waits. */
static inline UNUSED void check_at_rest(cc_ordered *list) {
    CHECK_EQ(cc_ordered_flush(list), 0);
    CHECK_NULL(cc_ordered_check(list));
}

#endif
