/* SPDX-License-Identifier: BSD-3-Clause
 *
 * An ordered container against a sorted array, one operation at a time, for tests and for the
 * fuzzer. Each operation is made of choices (rng in check.h), is done to both, and must be
 * answered alike.
 */
#ifndef CC_TEST_ORDERED_MODEL_H
#define CC_TEST_ORDERED_MODEL_H

#include "ordered_kinds.h"
#include "words.h"

enum { MOST = 600 };

typedef struct model {
    int64_t number[MOST];
    unsigned kind[MOST];
    uintptr_t value[MOST];
    int count;
} model;

/* Index of the first entry that is not smaller. */
static inline UNUSED int model_find(const model *m, int64_t number) {
    int i = 0;
    while (i < m->count && m->number[i] < number) {
        i++;
    }
    return i;
}

static inline UNUSED bool model_has(const model *m, int i, int64_t number) {
    return i < m->count && m->number[i] == number;
}

static inline UNUSED void model_insert(model *m, int i, int64_t number, unsigned kind,
                                       uintptr_t value) {
    CHECK(m->count < MOST);
    for (int k = m->count++; k > i; k--) {
        m->number[k] = m->number[k - 1];
        m->kind[k] = m->kind[k - 1];
        m->value[k] = m->value[k - 1];
    }
    m->number[i] = number;
    m->kind[i] = kind;
    m->value[i] = value;
}

static inline UNUSED void model_remove(model *m, int i) {
    m->count--;
    for (int k = i; k < m->count; k++) {
        m->number[k] = m->number[k + 1];
        m->kind[k] = m->kind[k + 1];
        m->value[k] = m->value[k + 1];
    }
}

static inline UNUSED void check_entry(const cc_entry *e, const model *m, int i) {
    CHECK(i >= 0 && i < m->count);
    CHECK_EQ(number_of_key(e->kind, e->digest, e->key), m->number[i]);
    CHECK_EQ(e->kind, m->kind[i]);
    CHECK_EQ(e->value, m->value[i]);
}

/* The whole list, up and down, in chunks of `room`, must be the model. */
static inline UNUSED void check_whole(cc_ordered *list, const model *m, size_t room, teller tell) {
    cc_entry entries[64];
    CHECK(room <= 64);
    CHECK_EQ(cc_ordered_length(list), m->count);
    int at = 0;
    for (;;) {
        size_t n;
        if (at == 0) {
            CHECK_EQ(cc_ordered_scan_up(list, NULL, false, entries, room, &n), CC_FOUND);
        } else {
            n = scan_as(list, true, m->kind[at - 1], m->number[at - 1], true, entries, room, tell);
        }
        if (!n) {
            break;
        }
        CHECK(n <= room);
        for (size_t i = 0; i < n; i++) {
            check_entry(&entries[i], m, at++);
            release_entry(&entries[i]);
        }
    }
    CHECK_EQ(at, m->count);
    for (;;) {
        size_t n;
        if (at == m->count) {
            CHECK_EQ(cc_ordered_scan_down(list, NULL, false, entries, room, &n), CC_FOUND);
        } else {
            n = scan_as(list, false, m->kind[at], m->number[at], true, entries, room, tell);
        }
        if (!n) {
            break;
        }
        CHECK(n <= room);
        for (size_t i = 0; i < n; i++) {
            check_entry(&entries[i], m, --at);
            release_entry(&entries[i]);
        }
    }
    CHECK_EQ(at, 0);
}

/* ---------------------------------------------------------------- random operations */

typedef struct profile {
    const char *name;
    const cc_word_table *words;
    teller tell;
    unsigned first_kind, kinds; /* keys are of kinds first_kind .. first_kind + kinds - 1 */
    int64_t range;
    int64_t operations;
} profile;

static inline UNUSED void one_random_operation(cc_ordered *list, model *m, const profile *p,
                                               rng *r) {
    unsigned kind = p->first_kind + (unsigned)rng_below(r, p->kinds);
    int64_t number = rng_below(r, p->range);
    int i = model_find(m, number);
    bool there = model_has(m, i, number);
    uintptr_t old = 0, value;
    cc_entry e, entries[40];
    switch (rng_below(r, 16)) {
    case 0:
    case 1:
    case 2: {
        cc_put_policy policy = (cc_put_policy)rng_below(r, 3);
        bool wants_old = rng_below(r, 2);
        value = word_new(0);
        cc_status status =
            put_as(list, kind, number, value, policy, wants_old ? &old : NULL, p->tell);
        CHECK_EQ(status, there ? CC_FOUND : CC_ABSENT);
        if (there) {
            if (wants_old) {
                CHECK_EQ(old, m->value[i]);
                word_release(old);
            }
            if (policy != CC_PUT_IF_ABSENT) {
                m->value[i] = value; /* the key stays the old one, of its kind */
            }
        } else if (policy != CC_PUT_IF_PRESENT) {
            model_insert(m, i, number, kind, value);
        }
        break;
    }
    case 3:
    case 4:
    case 5: {
        bool wants_old = rng_below(r, 2);
        if (rng_below(r, 4) == 0) {
            bool right = there && rng_below(r, 2);
            CHECK_EQ(remove_exact_as(list, kind, number, right ? m->value[i] : 8, p->tell),
                     !there  ? CC_ABSENT
                     : right ? CC_FOUND
                             : CC_MISMATCH);
            if (right) {
                model_remove(m, i);
            }
            break;
        }
        CHECK_EQ(remove_as(list, kind, number, wants_old ? &old : NULL, p->tell),
                 there ? CC_FOUND : CC_ABSENT);
        if (there) {
            if (wants_old) {
                CHECK_EQ(old, m->value[i]);
                word_release(old);
            }
            model_remove(m, i);
        }
        break;
    }
    case 6:
    case 7: {
        bool right = there && rng_below(r, 2);
        uintptr_t expected = right ? m->value[i] : 8;
        value = word_new(0);
        CHECK_EQ(replace_exact_as(list, kind, number, expected, value, p->tell), !there ? CC_ABSENT
                                                                                 : right
                                                                                     ? CC_FOUND
                                                                                     : CC_MISMATCH);
        if (right) {
            m->value[i] = value;
        }
        break;
    }
    case 8: {
        cc_relation end = rng_below(r, 2) ? CC_FIRST : CC_LAST;
        int expected = end == CC_FIRST ? 0 : m->count - 1;
        int64_t questions = questions_asked;
        CHECK_EQ(rng_below(r, 2) ? pop_as(list, end, &e) : cc_ordered_pop_end(list, end, NULL, &e),
                 m->count ? CC_FOUND : CC_ABSENT);
        CHECK_EQ(questions_asked, questions);
        if (m->count) {
            check_entry(&e, m, expected);
            release_entry(&e);
            model_remove(m, expected);
        }
        break;
    }
    case 9:
    case 10: {
        cc_relation relation = (cc_relation)rng_below(r, 6);
        int expected = relation == CC_FIRST     ? 0
                       : relation == CC_LAST    ? m->count - 1
                       : relation == CC_FLOOR   ? (there ? i : i - 1)
                       : relation == CC_CEILING ? i
                       : relation == CC_LOWER   ? i - 1
                                                : (there ? i + 1 : i);
        bool exists = expected >= 0 && expected < m->count;
        CHECK_EQ(neighbour_as(list, kind, number, relation, &e, p->tell),
                 exists ? CC_FOUND : CC_ABSENT);
        if (exists) {
            check_entry(&e, m, expected);
            release_entry(&e);
        }
        break;
    }
    case 11: {
        bool exclusive = rng_below(r, 2);
        size_t room = 1 + (size_t)rng_below(r, 40);
        int at = exclusive && there ? i + 1 : i;
        size_t n = scan_as(list, true, kind, number, exclusive, entries, room, p->tell);
        CHECK(n > 0 || at == m->count);
        CHECK(n <= room);
        for (size_t k = 0; k < n; k++) {
            check_entry(&entries[k], m, at + (int)k);
            release_entry(&entries[k]);
        }
        break;
    }
    case 12: {
        bool exclusive = rng_below(r, 2);
        size_t room = 1 + (size_t)rng_below(r, 40);
        int at = there && !exclusive ? i : i - 1;
        size_t n = scan_as(list, false, kind, number, exclusive, entries, room, p->tell);
        CHECK(n > 0 || at < 0);
        CHECK(n <= room);
        for (size_t k = 0; k < n; k++) {
            check_entry(&entries[k], m, at - (int)k);
            release_entry(&entries[k]);
        }
        break;
    }
    case 13: { /* every one of them, or some */
        size_t every = (size_t)1 << rng_below(r, 8), room = 1 + (size_t)rng_below(r, 40);
        int at = there ? i + 1 : i;
        size_t n = sample_as(list, kind, number, every, entries, room, p->tell);
        CHECK(every > 1 || n > 0 || at == m->count);
        CHECK(n <= room);
        for (size_t k = 0; k < n; k++, at++) {
            const cc_entry *found = &entries[k];
            int64_t its = number_of_key(found->kind, found->digest, found->key);
            at = every == 1 ? at : model_find(m, its) < at ? m->count : model_find(m, its);
            CHECK(at < m->count);
            CHECK_EQ(its, m->number[at]);
            CHECK_EQ(found->kind, m->kind[at]);
            CHECK_EQ(found->value, 0);
            if (found->key) {
                word_release(found->key);
            }
        }
        break;
    }
    default:
        CHECK_EQ(get_as(list, kind, number, &value, p->tell), there ? CC_FOUND : CC_ABSENT);
        if (there) {
            CHECK_EQ(value, m->value[i]);
            word_release(value);
        }
    }
}

#endif
