/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Ordered containers of every kind, in one thread, against a sorted array: the operations of
 * ordered_model.h, and those on the whole, and allocations that fail. The first bytes choose the
 * container, who decides comparisons, and from how many numbers keys are taken.
 */
#include "fuzz.h"

#include "memory/cc_alloc.h"

#include "../ordered_model.h"
#include "../scheme.h"

const int64_t random_inputs = 20000;

/* With the n-th allocation failing nothing has changed, or all went well. */
static void put_without_memory(cc_ordered *list, model *m, const profile *p, rng *r) {
    unsigned kind = p->first_kind + (unsigned)rng_below(r, p->kinds);
    int64_t number = rng_below(r, p->range);
    int i = model_find(m, number);
    bool there = model_has(m, i, number);
    uintptr_t value = word_new(0);
    cc_alloc_fail_from(rng_below(r, 4));
    cc_status status = put_as(list, kind, number, value, CC_PUT_ALWAYS, NULL, p->tell);
    cc_alloc_fail_from(-1);
    if (status == CC_NO_MEMORY) {
        return;
    }
    CHECK_EQ(status, there ? CC_FOUND : CC_ABSENT);
    if (there) {
        m->value[i] = value;
    } else {
        model_insert(m, i, number, kind, value);
    }
}

typedef struct visits {
    int64_t seen;
    int64_t different; /* words */
    int64_t references; /* to these */
} visits;

/* `taken` tells words that have been seen; a second visit takes it back. */
static int count_word(uintptr_t word, void *argument) {
    visits *v = argument;
    CHECK_EQ(atomic_load(&counted_of(word)->magic), WORD_ALIVE);
    v->seen++;
    if (!atomic_exchange(&counted_of(word)->taken, 1)) {
        v->different++;
        v->references += atomic_load(&counted_of(word)->references);
    }
    return 0;
}

static int forget_word(uintptr_t word, void *argument) {
    (void)argument;
    atomic_store(&counted_of(word)->taken, 0);
    return 0;
}

/* Every value once; of keys every reference that the container has: separators of a tree have some
 * of their own, and outlive the entries whose keys they were. Nothing else is alive. */
static void check_visit(cc_ordered *list, const model *m) {
    visits v = {0};
    int64_t entries_words = m->count;
    CHECK_EQ(cc_ordered_flush(list), 0);
    CHECK_EQ(cc_ordered_visit(list, count_word, &v), 0);
    for (int i = 0; i < m->count; i++) {
        entries_words += m->kind[i] != 0;
        CHECK_EQ(atomic_load(&counted_of(m->value[i])->taken), 1);
        CHECK_EQ(atomic_load(&counted_of(m->value[i])->references), 1);
    }
    CHECK(v.different >= entries_words);
    CHECK_EQ(v.different, words_alive);
    CHECK_EQ(v.seen, v.references);
    CHECK_EQ(cc_ordered_visit(list, forget_word, NULL), 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    static const int64_t ranges[] = {3, 12, 80, 500}; /* the model has room for MOST */
    static model m;
    static bool scheme_is_set;
    if (!scheme_is_set) {
        use_scheme_of_the_environment();
        scheme_is_set = true;
    }
    rng r = choices_of(bytes, count);
    tested_kind =
        &all_ordered_kinds[rng_below(&r, sizeof all_ordered_kinds / sizeof *all_ordered_kinds)];
    bool decides = rng_below(&r, 2);
    unsigned first = (unsigned)rng_below(&r, KEY_KINDS);
    profile p = {
        .name = "fuzz",
        .words = decides ? &deciding_words : &undecided_words,
        .tell = tell_the_truth,
        .first_kind = first,
        .kinds = 1 + (unsigned)rng_below(&r, KEY_KINDS - (int64_t)first),
        .range = ranges[rng_below(&r, 4)],
    };
    cc_ordered *list = ordered_of(p.words);
    m.count = 0;
    while (r.left > 0) {
        switch (rng_below(&r, 32)) {
        case 0:
            CHECK_EQ(cc_ordered_clear(list), CC_FOUND);
            m.count = 0;
            break;
        case 1:
            check_at_rest(list);
            CHECK_EQ(cc_ordered_length(list), m.count);
            break;
        case 2:
            check_whole(list, &m, 1 + (size_t)rng_below(&r, 64), p.tell);
            break;
        case 3:
            check_visit(list, &m);
            break;
        case 4:
        case 5:
            if (decides) { /* else an answer that cannot be remembered fails, too */
                put_without_memory(list, &m, &p, &r);
            }
            break;
        default:
            one_random_operation(list, &m, &p, &r);
        }
    }
    check_at_rest(list);
    check_whole(list, &m, 7, p.tell);
    cc_ordered_free(list);
    CHECK_EQ(words_alive, 0);
    return 0;
}
