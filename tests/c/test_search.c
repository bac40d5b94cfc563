/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A search without a container of its own: what decides a question about order and one about
 * equality, what is learnt and forgotten, and a bucket of keys that have no order, found by
 * equality.
 */
#include "ordered/container.h"
#include "ordered/harris_list.h"
#include "words.h"

#ifndef FIRST_KNOWN_ORDERS
#define FIRST_KNOWN_ORDERS 32u
#endif

static int64_t compared;

/* Of kind 2 nothing is decided. Elsewhere what the numbers say, in words of its own: -5, 0 or 5. */
static int compare_words(const cc_search *s, unsigned kind, uint64_t digest, uintptr_t key) {
    compared++;
    return kind == 2 ? CC_UNDECIDED : 5 * word_compare(s, kind, digest, key);
}

static const cc_word_table words = {word_acquire, word_release, compare_words, word_hash,
                                    NULL,         NULL,         NULL};

static void release_nothing(const void *context, uintptr_t word, unsigned kind) {
    (void)context, (void)word, (void)kind;
    CHECK(false);
}

static cc_container container_new(const cc_word_table *table) {
    cc_container c = {.words = table};
    c.domain = cc_smr_domain_new_of(CC_SMR_IBR, release_nothing, table);
    CHECK(c.domain);
    return c;
}

/* The search's question about a key, asked inside a region. */
static int ask(cc_container *c, cc_search *s, const cc_stored_key *k) {
    cc_smr_guard g;
    CHECK_EQ(cc_begin_operation(c, &g, 0), 0);
    int answer = cc_compare_key(c, &g, s, k->kind, k->digest, k->word, k);
    cc_end_operation(&g);
    return answer;
}

static cc_search question_about(cc_question question, unsigned kind, int64_t number) {
    cc_search s = search_for(kind, number);
    s.question = (uint8_t)question;
    return s;
}

static cc_stored_key key_of(unsigned kind, int64_t number) {
    return (cc_stored_key){digest_for(kind, number), kind == 0 ? 0 : word_new(number),
                           (uint8_t)kind};
}

static void end(cc_search *s, cc_stored_key *k) {
    cc_search_end(&words, s);
    if (s->key) {
        word_release(s->key);
    }
    if (k && k->word) {
        word_release(k->word);
    }
}

/* Every pair of small numbers of kinds 0 and 1: by digest, by being whole, by the word table. */
static void test_what_decides(cc_question question) {
    cc_container c = container_new(&words);
    for (unsigned kinds = 0; kinds < 4; kinds++) {
        unsigned mine = kinds & 1, other = kinds >> 1;
        for (int64_t a = 0; a < 20; a++) {
            for (int64_t b = 0; b < 20; b++) {
                cc_search s = question_about(question, mine, a);
                cc_stored_key k = key_of(other, b);
                int64_t before = compared;
                bool by_digest = mine == other && (mine == 0 || s.digest != k.digest);
                int answer = ask(&c, &s, &k);
                if (question == CC_ASK_EQUALITY) {
                    CHECK_EQ(answer, a != b);
                } else {
                    CHECK_EQ(sign_of(answer, 0), sign_of(a, b));
                }
                CHECK_EQ(compared - before, !by_digest);
                CHECK(!s.asks);
                end(&s, &k);
            }
        }
    }
    CHECK_EQ(cc_load_relaxed_u32(&c.asked), 0);
    cc_smr_domain_free(c.domain);
}

/* What foreign code has said is known for the rest of the search, in the words of its question. */
static void test_learning(cc_question question) {
    const int said[] = {-1, 0, 1}, of_equality[] = {1, 0, 1};
    const size_t n = 3 * FIRST_KNOWN_ORDERS; /* so that what is known grows */
    cc_container c = container_new(&words);
    cc_search s = question_about(question, 1, 50);
    cc_stored_key *keys = calloc(n, sizeof *keys);
    CHECK(keys);
    for (size_t i = 0; i < n; i++) {
        keys[i] = key_of(2, (int64_t)i); /* all digests are 0 */
        CHECK_EQ(ask(&c, &s, &keys[i]), CC_UNDECIDED);
        CHECK(s.asks);
        CHECK(s.needed.word == keys[i].word && s.needed.kind == 2);
        CHECK_EQ(cc_load_relaxed_u32(&c.asked), 1);
        /* A second question waits for the first. */
        cc_stored_key second = key_of(2, 1000);
        CHECK_EQ(ask(&c, &s, &second), CC_UNDECIDED);
        CHECK(s.needed.word == keys[i].word);
        CHECK_EQ(counted_of(second.word)->references, 1);
        word_release(second.word);
        CHECK_EQ(cc_search_learn(&words, &s, said[i % 3]), 0);
        CHECK(!s.asks);
        for (size_t j = 0; j <= i; j++) {
            int expected = question == CC_ASK_ORDER ? said[j % 3] : of_equality[j % 3];
            CHECK_EQ(ask(&c, &s, &keys[j]), expected);
            CHECK_EQ(counted_of(keys[j].word)->references, 2);
        }
    }
    /* An open question is forgotten at the end, and its word released. */
    cc_stored_key last = key_of(2, 2000);
    CHECK_EQ(ask(&c, &s, &last), CC_UNDECIDED);
    CHECK_EQ(counted_of(last.word)->references, 2);
    end(&s, &last);
    for (size_t i = 0; i < n; i++) {
        CHECK_EQ(counted_of(keys[i].word)->references, 1);
        word_release(keys[i].word);
    }
    free(keys);
    cc_smr_domain_free(c.domain);
}

/* ---------------------------------------------------------------- a bucket */

typedef struct entry {
    cc_stored_key key;
    cc_link next;
} entry;

typedef struct wanted {
    cc_container *c;
    cc_smr_guard *g;
    cc_search *search;
} wanted;

/* Where nothing has an order, whatever is not equal lies before. */
static int compare_entry(const void *sought, const void *n) {
    const wanted *w = sought;
    const cc_stored_key *k = &((const entry *)n)->key;
    return cc_compare_key(w->c, w->g, w->search, k->kind, k->digest, k->word, k);
}

static cc_list_answer find_in_bucket(cc_container *c, cc_link *bucket, cc_search *s,
                                     cc_list_place *place) {
    cc_smr_guard g;
    CHECK_EQ(cc_begin_operation(c, &g, 0), 0);
    const wanted w = {c, &g, s};
    *place = (cc_list_place){bucket, cc_target_of(cc_protect_reference(&g, false, bucket)), 0};
    cc_list_answer answer =
        cc_list_seek(&g, false, offsetof(entry, next), place, compare_entry, &w);
    cc_end_operation(&g);
    return answer;
}

static void test_a_bucket_without_order(void) {
    enum { ENTRIES = 10 };
    entry *entries[ENTRIES];
    cc_container c = container_new(&words);
    cc_link bucket = {0};
    cc_list_place place;
    for (int i = ENTRIES - 1; i >= 0; i--) { /* in no order: 0, 7, 4, 1, 8, ... */
        entries[i] = cc_arena_alloc(cc_thread_self(), sizeof(entry));
        CHECK(entries[i]);
        entries[i]->key = key_of((unsigned)i % 2, i * 7 % ENTRIES);
        cc_store_relaxed_u32(&entries[i]->next, cc_load_relaxed_u32(&bucket));
        cc_store_relaxed_u32(&bucket, cc_arena_reference(entries[i]));
    }
    /* Two that follow each other are dead. */
    for (int i = 3; i < 5; i++) {
        cc_fetch_or_acq_rel_u32(&entries[i]->next, CC_MARK);
    }
    for (unsigned kind = 0; kind < 2; kind++) {
        for (int64_t number = 0; number < ENTRIES + 5; number++) {
            cc_search s = question_about(CC_ASK_EQUALITY, kind, number);
            int64_t at = number * 3 % ENTRIES; /* 3 * 7 = 1 modulo 10 */
            bool is_there = number < ENTRIES && at != 3 && at != 4;
            cc_list_answer answer = find_in_bucket(&c, &bucket, &s, &place);
            CHECK_EQ(answer, is_there ? CC_LIST_EQUAL : CC_LIST_ABSENT);
            CHECK(place.current == (is_there ? cc_arena_reference(entries[at]) : 0));
            end(&s, NULL);
        }
    }
    CHECK(cc_is_unlinked(&entries[3]->next) && cc_is_unlinked(&entries[4]->next));
    CHECK(cc_load_relaxed_u32(&entries[2]->next) == cc_arena_reference(entries[5]));
    for (int i = 0; i < ENTRIES; i++) {
        if (entries[i]->key.word) {
            word_release(entries[i]->key.word);
        }
        cc_arena_free(entries[i], sizeof(entry));
    }
    cc_smr_domain_free(c.domain);
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int question = CC_ASK_ORDER; question <= CC_ASK_EQUALITY; question++) {
        test_what_decides((cc_question)question);
        test_learning((cc_question)question);
    }
    test_a_bucket_without_order();
    CHECK_EQ(words_alive, 0);
    printf("passed\n");
    return 0;
}
