/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Ordered containers in one thread when others fail them: comparisons that lie, and memory that
 * runs out at every single allocation. Words are counted (words.h): each that went in comes out
 * exactly once.
 */
#include "memory/cc_alloc.h"
#include "memory/smr_fast.h"
#include "words.h"
#include "ordered_kinds.h"
#include "scheme.h"

/* ---------------------------------------------------------------- comparisons that lie */

/* Each pair of keys gets some answer, but not that of any order. Like frozensets, where `<` is no
 * total order, or a __lt__ that is wrong. */
static int tell_nonsense(const cc_search *s, const cc_stored_key *stored) {
    uint64_t a = (uint64_t)number_of_key(s->kind, s->digest, s->key);
    uint64_t b = (uint64_t)number_of_key(stored->kind, stored->digest, stored->word);
    return (int)(cc_mix(a * 1000003 + b) >> 33) % 3 - 1;
}

static rng mood;

/* Not even the same answer twice. */
static int tell_anything(const cc_search *s, const cc_stored_key *stored) {
    (void)s, (void)stored;
    return (int)rng_below(&mood, 3) - 1;
}

static int tell_smaller(const cc_search *s, const cc_stored_key *stored) {
    (void)s, (void)stored;
    return -1;
}

static int tell_equal(const cc_search *s, const cc_stored_key *stored) {
    (void)s, (void)stored;
    return 0;
}

static int tell_greater(const cc_search *s, const cc_stored_key *stored) {
    (void)s, (void)stored;
    return 1;
}

/* Equal to one key, smaller than every other. */
static int tell_equal_to_ten_only(const cc_search *s, const cc_stored_key *stored) {
    (void)s;
    return number_of_key(stored->kind, stored->digest, stored->word) == 10 ? 0 : -1;
}

static const teller tellers[] = {tell_the_truth, tell_nonsense, tell_anything,         tell_smaller,
                                 tell_equal,     tell_greater,  tell_equal_to_ten_only};
enum { TELLERS = sizeof tellers / sizeof *tellers };

/* The same inside the operations: what `compare` says is what the teller of the moment says. */
static teller teller_inside;

static int compare_as_told(const cc_search *s, unsigned kind, uint64_t digest, uintptr_t key) {
    const cc_stored_key stored = {.digest = digest, .word = key, .kind = (uint8_t)kind};
    return teller_inside(s, &stored);
}

static const cc_word_table told_words = {
    word_acquire, word_release, compare_as_told, word_hash, NULL, NULL, NULL};

/* Lies about keys of different kinds can bring two keys of one kind out of order: 7 < x and x <
 * 5. */
static void check_but_for_order(cc_ordered *list, unsigned kinds) {
    CHECK_EQ(cc_ordered_flush(list), 0);
    const char *complaint = cc_ordered_check(list);
    if (kinds == 1 || !complaint || strcmp(complaint, "keys are out of order")) {
        CHECK_NULL(complaint);
    }
}

/* Of a container that can. The walk comes to an end, however the keys lead it round. */
static void take_snapshot(cc_ordered *list, const cc_word_table *words, teller tell,
                          int64_t most_steps) {
    cc_snapshot *s = cc_ordered_snapshot(list);
    cc_status status = CC_ABSENT;
    bool in_order = true;
    int64_t steps = 0;
    while (s && ((status = cc_snapshot_step(s)) == CC_FOUND || status == CC_NEED_COMPARE)) {
        CHECK(steps++ < most_steps);
        if (status == CC_NEED_COMPARE) {
            cc_search *search = cc_snapshot_search(s);
            CHECK_EQ(cc_search_learn(words, search, tell(search, &search->needed)), 0);
        }
    }
    CHECK_EQ(status, CC_ABSENT);
    if (s) {
        size_t room = cc_snapshot_room(s), count = 0, taken;
        cc_entry *entries = calloc(room + 1, sizeof *entries);
        while ((taken = cc_snapshot_take(s, entries + count, &in_order)) > 0) {
            count += taken;
        }
        CHECK(count <= room);
        while (count) {
            release_entry(&entries[--count]);
        }
        free(entries);
        cc_snapshot_end(s);
    }
}

/* What comes out is anybody's guess, but: every operation ends, no word is lost, none is released
 * too often, nothing dead stays linked. */
static void test_lies(void) {
    begin_test("comparisons that lie or change their mind: strange places, never a broken list");
    int64_t lists = scaled(2000);
    for (int64_t round = 0; round < lists; round++) {
        rng r = rng_from((uint64_t)round);
        mood = rng_from((uint64_t)round + 1000000);
        bool inside = round % 4 == 3; /* of keys without a hash, as those of such owners are */
        cc_ordered *list = ordered_of(inside ? &told_words : &undecided_words);
        unsigned first_kind = inside || round % 3 == 2 ? 2 : (unsigned)(round % 3);
        unsigned kinds = !inside && round % 3 == 0 ? 3 : 1;
        if (inside) {
            cc_ordered_distrust(list);
        }
        for (int i = 0; i < 150; i++) {
            teller tell = rng_below(&r, 3) ? tell_the_truth : tellers[rng_below(&r, TELLERS)];
            unsigned kind = first_kind + (unsigned)rng_below(&r, kinds);
            int64_t number = rng_below(&r, 30);
            uintptr_t value = 0;
            cc_entry e, entries[8];
            size_t n;
            teller_inside = tell;
            switch (rng_below(&r, 10)) {
            case 0:
            case 1:
            case 2:
                if (put_as(list, kind, number, word_new(1), (cc_put_policy)rng_below(&r, 3), &value,
                           tell) == CC_FOUND) {
                    word_release(value);
                }
                break;
            case 3:
            case 4:
                if (remove_as(list, kind, number, &value, tell) == CC_FOUND) {
                    word_take(value);
                    word_release(value);
                }
                break;
            case 5:
                if (get_as(list, kind, number, &value, tell) == CC_FOUND) {
                    word_release(value);
                }
                break;
            case 9:
                if (cc_ordered_pop_end(list, i % 2 ? CC_FIRST : CC_LAST, NULL, &e) == CC_FOUND) {
                    word_take(e.value);
                    release_entry(&e);
                }
                break;
            case 6:
                if (neighbour_as(list, kind, number, (cc_relation)rng_below(&r, 6), &e, tell) ==
                    CC_FOUND) {
                    release_entry(&e);
                }
                break;
            default:
                n = scan_as(list, rng_below(&r, 2), kind, number, rng_below(&r, 2), entries,
                            1 + (size_t)rng_below(&r, 8), tell);
                for (size_t k = 0; k < n; k++) {
                    release_entry(&entries[k]);
                }
            }
            if (i % 8 == 0) {
                check_but_for_order(list, kinds);
            }
            if (i % 50 == 0) {
                take_snapshot(list, inside ? &told_words : &undecided_words, tell, 100000);
            }
        }
        check_but_for_order(list, kinds);
        cc_ordered_free(list);
        CHECK_EQ(words_alive, 0);
    }
}

/* More entries than a walk finds at once, so that it has to go on behind one. */
static void test_snapshots_go_on(void) {
    if (!takes_snapshots()) {
        return;
    }
    begin_test("a snapshot that lies lead round comes to an end");
    cc_ordered *list = ordered_of(&undecided_words);
    mood = rng_from(5);
    const int entries = CC_SMALL_SIZES ? 20 : 3000;
    for (int i = 0; i < entries; i++) { /* in no order, of which a tree may make a path */
        put_as(list, 2, i * 1237 % entries, word_new(1), CC_PUT_IF_ABSENT, NULL, tell_the_truth);
    }
    for (int i = 0; i < TELLERS; i++) {
        take_snapshot(list, &undecided_words, tellers[i], 2000);
    }
    cc_ordered_free(list);
    CHECK_EQ(words_alive, 0);
}

/* Nothing but puts, so that a level that does not agree with the one below shows at once. */
static void test_levels_agree(void) {
    begin_test("comparisons inside that tell anything leave levels that agree");
    mood = rng_from(1);
    teller_inside = tell_anything;
    for (int round = 0; round < 40; round++) {
        cc_ordered *list = ordered_of(&told_words);
        cc_ordered_distrust(list);
        for (int i = 0; i < 60; i++) {
            put_as(list, 2, i, word_new(1), CC_PUT_IF_ABSENT, NULL, tell_anything);
        }
        check_but_for_order(list, 1);
        cc_ordered_free(list);
    }
    CHECK_EQ(words_alive, 0);
}

/* A key that is said to equal one with another hash must not be in the index by its own: nobody would
 * look for it there when the node dies. */
static void test_lies_about_hashed_keys(void) {
    begin_test(
        "a lie that two keys with different hashes are equal leaves no dead node in the index");
    enum { KEYS = 200 };
    cc_ordered *list = ordered_of(&undecided_words);
    uintptr_t value;
    for (int i = 0; i < KEYS; i++) {
        CHECK_EQ(put_as(list, 1, 2 * i, word_new(i), CC_PUT_ALWAYS, NULL, tell_the_truth),
                 CC_ABSENT);
    }
    for (int i = 0; i < 8 * KEYS; i++) {
        if (get_as(list, 1, 2 * (i % KEYS) + 1, &value, tell_equal) == CC_FOUND) {
            word_release(value);
        }
    }
    for (int i = 0; i < KEYS; i++) {
        CHECK_EQ(remove_as(list, 1, 2 * i, NULL, tell_the_truth), CC_FOUND);
    }
    check_at_rest(list);
    cc_ordered_free(list);
    CHECK_EQ(words_alive, 0);
}

/* ---------------------------------------------------------------- memory runs out */

/* One operation of each sort on a list of known contents, with the n-th allocation failing and
 * every one after it. Returns false when it needed fewer allocations. */
static bool with_failing_memory(int operation, int64_t n, const cc_word_table *words, teller tell) {
    cc_ordered *list = ordered_of(words);
    CHECK(list);
    for (int64_t i = 0; i < 70; i++) { /* the next insertion may want a larger index */
        put_as(list, (unsigned)(i % KEY_KINDS), 2 * i, word_new(i), CC_PUT_ALWAYS, NULL, tell);
    }
    check_at_rest(list);
    int64_t alive = words_alive;
    int64_t number = operation == 0 ? 41 : 40; /* 41 is not there */
    unsigned kind = 1 + (unsigned)n % 2;
    uintptr_t value = word_new(7), old = 0;
    cc_search s = search_for(kind, number);
    if (s.key) {
        word_acquire(s.key);
    }
    cc_entry entries[4];
    size_t count = 0;
    cc_status status = CC_NEED_COMPARE;
    bool ran_out = false;
    cc_thread *self = cc_thread_self();
    while (self->spare_count) { /* so that an operation's own reservation must allocate */
        cc_free(cc_take_spare(self));
    }
    cc_alloc_fail_from(n);
    while (status == CC_NEED_COMPARE) {
        switch (operation) {
        case 0:
        case 1:
            status = cc_ordered_put(list, &s, value, CC_PUT_ALWAYS, &old);
            break;
        case 2:
            status = cc_ordered_remove(list, &s, &old);
            break;
        case 3:
            status = cc_ordered_get(list, &s, &old);
            break;
        case 4:
            status = cc_ordered_replace_exact(list, &s, 8, value);
            break;
        case 5:
            status = cc_ordered_neighbour(list, &s, CC_HIGHER, &entries[0]);
            break;
        case 7:
            status = cc_ordered_pop_end(list, CC_LAST, NULL, &entries[0]);
            break;
        default:
            status = cc_ordered_scan_up(list, &s, false, entries, 4, &count);
        }
        if (status == CC_NEED_COMPARE &&
            cc_search_learn(cc_ordered_words(list), &s, tell(&s, &s.needed))) {
            ran_out = true; /* nothing has changed; the caller raises MemoryError */
            break;
        }
    }
    cc_alloc_fail_from(-1);
    ran_out |= status == CC_NO_MEMORY;
    cc_search_end(cc_ordered_words(list), &s);
    bool inserted = !ran_out && operation == 0, stored = inserted || (!ran_out && operation == 1);
    if (!ran_out) {
        CHECK_EQ(status, operation == 0 ? CC_ABSENT : operation == 4 ? CC_MISMATCH : CC_FOUND);
        if (operation == 1 || operation == 2 || operation == 3) {
            CHECK_EQ(number_of(old), 20);
            word_release(old);
        }
        if (operation == 5 || operation == 7) {
            CHECK_EQ(number_of_key(entries[0].kind, entries[0].digest, entries[0].key),
                     operation == 5 ? 42 : 138);
            release_entry(&entries[0]);
        }
        for (size_t i = 0; i < count; i++) {
            release_entry(&entries[i]);
        }
    }
    if (s.key) {
        word_release(s.key); /* the driver's */
        if (!inserted) {
            word_release(s.key);
        }
    }
    if (!stored) {
        word_release(value);
    }
    bool removed = !ran_out && (operation == 2 || operation == 7);
    CHECK_EQ(cc_ordered_length(list), 70 + inserted - removed);
    check_at_rest(list);
    if (ran_out || (operation >= 3 && !removed)) { /* nothing has changed, word for word */
        CHECK_EQ(words_alive, alive);
        for (int64_t i = 0; i < 70; i++) {
            uintptr_t v;
            CHECK_EQ(get_as(list, 0, 2 * i, &v, tell), CC_FOUND);
            CHECK_EQ(number_of(v), i);
            word_release(v);
            CHECK_EQ(get_as(list, 0, 2 * i + 1, &v, tell), CC_ABSENT);
        }
    }
    cc_ordered_free(list);
    CHECK_EQ(words_alive, 0);
    return ran_out;
}

struct use_up {
    int operation;
    int64_t n;
    bool undecided;
    bool ran_out;
};

/* In a thread of its own, whose record may have spare room or not. */
static void failing_in_a_thread(int index, void *argument) {
    (void)index;
    struct use_up *u = argument;
    u->ran_out = u->undecided
                     ? with_failing_memory(u->operation, u->n, &undecided_words, tell_the_truth)
                     : with_failing_memory(u->operation, u->n, &deciding_words, tell_the_truth);
}

static void test_no_memory(void) {
    begin_test(
        "memory runs out at every allocation of every operation: nothing changes, nothing leaks");
    int64_t failures = 0;
    for (int undecided = 0; undecided < 2; undecided++) {
        for (int operation = 0; operation < 8; operation++) {
            int64_t clean = 0;
            for (int64_t n = 0; clean < 3; n++) { /* a few beyond the last one that failed */
                struct use_up u = {operation, n, undecided, false};
                run_threads(1, failing_in_a_thread, &u);
                clean = u.ran_out ? 0 : clean + 1;
                failures += u.ran_out;
            }
        }
    }
    printf("    %" PRId64 " operations ran out of memory\n", failures);
    CHECK(failures > 0);
    for (int64_t n = 0; n < 2; n++) {
        cc_alloc_fail_from(n);
        CHECK(!cc_ordered_new(tested_kind->operations, &deciding_words));
        cc_alloc_fail_from(-1);
    }
}

static void test_kind(void) {
    test_no_memory();
    test_levels_agree();
    test_lies();
    test_snapshots_go_on();
    test_lies_about_hashed_keys();
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    use_scheme_of_the_environment();
    for_every_ordered_kind(test_kind);
    printf("passed\n");
    return 0;
}
