/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Ordered containers under many threads, with exact accounts at the end: every value that went in
 * came out to exactly one thread or is still there, every key is there exactly when it was inserted
 * once more than it was removed, no word is left over, nothing waits in limbo, all invariants hold.
 * A value says under which key it was stored, so that whatever a thread reads can be checked at
 * once.
 */
#include "concurrent_collections/cc_i64map.h"
#include "words.h"
#include "ordered_kinds.h"
#include "scheme.h"

/* With a yield at every sixty-fourth access (yielding.c) far fewer operations meet as often. */
static int64_t share(int64_t n) {
#ifdef CC_SCHED
    return scaled_for_kind(n / 10);
#else
    return scaled_for_kind(n);
#endif
}

typedef enum pattern { UNIFORM, HOT_SPOT, SCANS } pattern;

typedef struct plan {
    const char *name;
    const cc_word_table *words;
    unsigned first_kind, kinds;
    int threads;
    int64_t operations; /* of all threads together */
    int64_t range;
    pattern pattern;
    int yields; /* one operation in so many gives the processor away; 0: none */
} plan;

typedef struct accounts {
    const plan *plan;
    cc_ordered *list;
    _Atomic int64_t *balance; /* per key: inserted - removed */
    _Atomic int64_t stored, taken;
    _Atomic int64_t answers[CC_MISMATCH + 1];
} accounts;

static void add(_Atomic int64_t *counter, int64_t n) {
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static void take(accounts *a, uintptr_t value, int64_t number) {
    CHECK_EQ(number_of(value), number);
    word_take(value);
    word_release(value);
    add(&a->taken, 1);
}

static void look_at_entries(const cc_entry *entries, size_t n, int direction) {
    int64_t previous = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t number = number_of_key(entries[i].kind, entries[i].digest, entries[i].key);
        CHECK_EQ(number_of(entries[i].value), number);
        if (i) {
            CHECK((number - previous) * direction > 0);
        }
        previous = number;
        release_entry(&entries[i]);
    }
}

static void mixed_operations(int index, void *argument) {
    accounts *a = argument;
    const plan *p = a->plan;
    rng r = rng_from((uint64_t)index * 7919 + (uint64_t)p->range);
    int64_t operations = share(p->operations) / p->threads;
    for (int64_t i = 0; i < operations; i++) {
        int64_t number = rng_below(&r, p->range);
        if (p->pattern == HOT_SPOT && rng_below(&r, 10) < 8) {
            number = rng_below(&r, p->range / 5 + 1);
        }
        unsigned kind = p->first_kind + (unsigned)rng_below(&r, p->kinds);
        uintptr_t value, old = 0;
        cc_entry e, entries[50];
        cc_status status = CC_ABSENT;
        size_t n;
        if (p->yields && rng_below(&r, p->yields) == 0) {
            sched_yield();
        }
        int64_t which = rng_below(&r, 20);
        if (p->pattern == SCANS && index % 2 == 0) {
            which = 18 + which % 2;
        }
        switch (which) {
        case 0:
        case 1:
        case 2:
        case 3:
        case 4:
            value = word_new(number);
            status = put_as(a->list, kind, number, value, CC_PUT_ALWAYS, &old, tell_the_truth);
            add(&a->stored, 1);
            if (status == CC_FOUND) {
                take(a, old, number);
            } else {
                CHECK_EQ(status, CC_ABSENT);
                add(&a->balance[number], 1);
            }
            break;
        case 5:
        case 6:
            value = word_new(number);
            status = put_as(a->list, kind, number, value, CC_PUT_IF_ABSENT, &old, tell_the_truth);
            if (status == CC_ABSENT) {
                add(&a->stored, 1);
                add(&a->balance[number], 1);
            } else {
                CHECK_EQ(number_of(old), number);
                word_release(old);
            }
            break;
        case 7:
            value = word_new(number);
            status = put_as(a->list, kind, number, value, CC_PUT_IF_PRESENT, &old, tell_the_truth);
            if (status == CC_FOUND) {
                add(&a->stored, 1);
                take(a, old, number);
            }
            break;
        case 8:
        case 9:
        case 10:
        case 11:
            status = remove_as(a->list, kind, number, &old, tell_the_truth);
            if (status == CC_FOUND) {
                take(a, old, number);
                add(&a->balance[number], -1);
            }
            break;
        case 12:
        case 13: /* replace what was read, if it still is there */
            if (get_as(a->list, kind, number, &old, tell_the_truth) == CC_FOUND) {
                value = word_new(number);
                status = replace_exact_as(a->list, kind, number, old, value, tell_the_truth);
                if (status == CC_FOUND) {
                    add(&a->stored, 1);
                    take(a, old, number);
                } else {
                    word_release(old);
                }
            }
            break;
        case 14: /* remove what was first or last at some moment: pop */
            status = rng_below(&r, 2) ? pop_as(a->list, CC_FIRST, &e)
                                      : cc_ordered_pop_end(a->list, CC_LAST, NULL, &e);
            if (status == CC_FOUND) {
                int64_t popped = number_of_key(e.kind, e.digest, e.key);
                word_acquire(e.value);
                take(a, e.value, popped);
                add(&a->balance[popped], -1);
                release_entry(&e);
            }
            break;
        case 15: {
            cc_relation relation = (cc_relation)rng_below(&r, 6);
            status = neighbour_as(a->list, kind, number, relation, &e, tell_the_truth);
            if (status == CC_FOUND) {
                int64_t found = number_of_key(e.kind, e.digest, e.key);
                CHECK(relation != CC_FLOOR || found <= number);
                CHECK(relation != CC_LOWER || found < number);
                CHECK(relation != CC_CEILING || found >= number);
                CHECK(relation != CC_HIGHER || found > number);
                look_at_entries(&e, 1, 1);
            }
            break;
        }
        case 18:
            n = scan_as(a->list, true, kind, number, rng_below(&r, 2), entries,
                        1 + (size_t)rng_below(&r, 50), tell_the_truth);
            look_at_entries(entries, n, 1);
            break;
        case 19:
            n = scan_as(a->list, false, kind, number, rng_below(&r, 2), entries,
                        1 + (size_t)rng_below(&r, 50), tell_the_truth);
            look_at_entries(entries, n, -1);
            break;
        default:
            status = get_as(a->list, kind, number, &old, tell_the_truth);
            if (status == CC_FOUND) {
                CHECK_EQ(number_of(old), number);
                word_release(old);
            }
        }
        CHECK(status >= CC_ABSENT && status <= CC_MISMATCH);
        add(&a->answers[status], 1);
    }
}

static void settle_accounts(accounts *a) {
    int64_t entries = 0;
    check_at_rest(a->list);
    for (int64_t number = 0; number < a->plan->range; number++) {
        int64_t there = atomic_load(&a->balance[number]);
        uintptr_t value;
        CHECK(there == 0 || there == 1);
        CHECK_EQ(get_as(a->list, a->plan->first_kind, number, &value, tell_the_truth), there);
        if (there) {
            CHECK_EQ(number_of(value), number);
            CHECK_EQ(atomic_load(&counted_of(value)->taken), 0);
            word_release(value);
        }
        entries += there;
    }
    CHECK_EQ(cc_ordered_length(a->list), entries);
    CHECK_EQ(a->stored - a->taken, entries);
    cc_ordered_free(a->list);
    CHECK_EQ(words_alive, 0);
}

static void carry_out(const plan *p) {
    begin_test(p->name);
    double start = seconds();
    accounts a = {.plan = p, .list = ordered_of(p->words)};
    a.balance = calloc((size_t)p->range, sizeof *a.balance);
    CHECK(a.list && a.balance);
    questions_asked = 0;
    run_threads(p->threads, mixed_operations, &a);
    double end = seconds();
    int64_t stored = a.stored, taken = a.taken;
    settle_accounts(&a);
    printf("    %d threads, %" PRId64 " operations, %" PRId64 " keys: %.2f s; stored %" PRId64
           ", taken %" PRId64 ", found %" PRId64 ", absent %" PRId64 ", mismatch %" PRId64
           ", questions %" PRId64 "\n",
           p->threads, share(p->operations), p->range, end - start, stored, taken,
           a.answers[CC_FOUND], a.answers[CC_ABSENT], a.answers[CC_MISMATCH], questions_asked);
    free(a.balance);
}

/* ---------------------------------------------------------------- producers and consumers */

typedef struct pipeline {
    cc_ordered *list;
    int producers;
    int64_t items; /* of each producer */
    _Atomic int64_t produced, consumed;
    _Atomic int producing;
} pipeline;

static void produce_or_consume(int index, void *argument) {
    pipeline *line = argument;
    rng r = rng_from((uint64_t)index);
    if (index < line->producers) {
        for (int64_t i = 0; i < line->items; i++) {
            int64_t number =
                (rng_below(&r, 1000) * line->items + i) * line->producers + index; /* all differ */
            CHECK_EQ(put_as(line->list, (unsigned)index % 2, number, word_new(number),
                            CC_PUT_ALWAYS, NULL, tell_the_truth),
                     CC_ABSENT);
            add(&line->produced, 1);
        }
        atomic_fetch_sub(&line->producing, 1);
        return;
    }
    for (;;) {
        cc_entry e;
        bool last_chance = atomic_load(&line->producing) == 0;
        if (pop_as(line->list, index % 2 ? CC_FIRST : CC_LAST, &e) != CC_FOUND) {
            if (last_chance) {
                return;
            }
            sched_yield();
            continue;
        }
        int64_t number = number_of_key(e.kind, e.digest, e.key);
        CHECK_EQ(number_of(e.value), number);
        word_take(e.value);
        add(&line->consumed, 1);
        release_entry(&e);
    }
}

static void test_producers_and_consumers(int producers, int consumers, int64_t items) {
    begin_test("producers insert, consumers pop the first and the last: each item once");
    double start = seconds();
    pipeline line = {.list = ordered_of(&deciding_words), .producers = producers};
    line.items = share(items) / producers;
    line.producing = producers;
    run_threads(producers + consumers, produce_or_consume, &line);
    CHECK_EQ(line.produced, line.items * producers);
    CHECK_EQ(line.consumed, line.produced);
    CHECK_EQ(cc_ordered_length(line.list), 0);
    check_at_rest(line.list);
    cc_ordered_free(line.list);
    CHECK_EQ(words_alive, 0);
    printf("    %d + %d threads, %" PRId64 " items: %.2f s\n", producers, consumers, line.consumed,
           seconds() - start);
}

/* ---------------------------------------------------------------- clearing while others work */

typedef struct clearing {
    cc_ordered *list;
    _Atomic int64_t stored, taken;
} clearing;

static void insert_and_clear(int index, void *argument) {
    clearing *c = argument;
    rng r = rng_from((uint64_t)index);
    int64_t rounds = share(60000);
    for (int64_t i = 0; i < rounds; i++) {
        int64_t number = rng_below(&r, 300);
        unsigned kind = (unsigned)rng_below(&r, KEY_KINDS);
        uintptr_t old;
        if (index == 0 && i % 256 == 0) {
            CHECK_EQ(cc_ordered_clear(c->list), CC_FOUND);
        } else if (i % 4 == 3) {
            if (remove_as(c->list, kind, number, &old, tell_the_truth) == CC_FOUND) {
                word_take(old);
                word_release(old);
            }
        } else if (put_as(c->list, kind, number, word_new(number), CC_PUT_ALWAYS, &old,
                          tell_the_truth) == CC_FOUND) {
            word_take(old);
            word_release(old);
        }
    }
}

static void test_clear(void) {
    begin_test("clear, while others insert and remove: no word is lost or released twice");
    for (int round = 0; round < 10; round++) {
        int undecided = round % 2;
        clearing c = {.list = ordered_of(undecided ? &undecided_words : &deciding_words)};
        run_threads(4, insert_and_clear, &c);
        check_at_rest(c.list);
        CHECK_EQ(cc_ordered_clear(c.list), CC_FOUND);
        CHECK_EQ(cc_ordered_length(c.list), 0);
        check_at_rest(c.list);
        CHECK_EQ(words_alive, 0);
        cc_ordered_free(c.list);
    }
}

/* ---------------------------------------------------------------- the int64 map, as extensions use
 * it */

enum { MAP_RANGE = 1000, MAP_THREADS = 16, MAP_OPERATIONS = 1000000 };

typedef struct map_accounts {
    cc_i64map *map;
    _Atomic int64_t sum_in, sum_out; /* of the values */
    _Atomic int64_t balance;
} map_accounts;

static void map_operations(int index, void *argument) {
    map_accounts *a = argument;
    rng r = rng_from((uint64_t)index + 99);
    int64_t in = 0, out = 0, balance = 0;
    for (int64_t i = share(MAP_OPERATIONS) / MAP_THREADS; i > 0; i--) {
        int64_t key = rng_below(&r, MAP_RANGE) - MAP_RANGE / 2, found;
        uintptr_t value = (uintptr_t)(key + MAP_RANGE) << 32 | (rng_next(&r) & 0xffffffff), old = 0;
        int status;
        switch (rng_below(&r, 8)) {
        case 0:
        case 1:
            status = cc_i64map_put(a->map, key, value, &old);
            in += (int64_t)value;
            out += (int64_t)old;
            balance += status == CC_I64MAP_ABSENT;
            break;
        case 2:
            if (cc_i64map_put_if_absent(a->map, key, value, &old) == CC_I64MAP_ABSENT) {
                in += (int64_t)value;
                balance++;
            }
            break;
        case 3:
        case 4:
            balance -= cc_i64map_remove(a->map, key, &old) == CC_I64MAP_PRESENT;
            out += (int64_t)old;
            break;
        case 5:
            if (cc_i64map_get(a->map, key, &old) == CC_I64MAP_PRESENT &&
                cc_i64map_replace_if(a->map, key, old, value) == CC_I64MAP_PRESENT) {
                in += (int64_t)value;
                out += (int64_t)old;
            }
            break;
        case 6:
            status = rng_below(&r, 2) ? cc_i64map_pop_first(a->map, &found, &old)
                                      : cc_i64map_pop_last(a->map, &found, &old);
            if (status == CC_I64MAP_PRESENT) {
                balance--;
                out += (int64_t)old;
                key = found;
            }
            break;
        default:
            status = cc_i64map_ceiling(a->map, key, &found, &old);
            if (status == CC_I64MAP_PRESENT) {
                CHECK(found >= key);
                key = found;
            }
        }
        if (old) {
            CHECK_EQ(old >> 32, key + MAP_RANGE);
        }
    }
    add(&a->sum_in, in);
    add(&a->sum_out, out);
    add(&a->balance, balance);
}

static void test_i64map(void) {
    begin_test("cc_i64map: a million mixed operations by sixteen threads");
    double start = seconds();
    map_accounts a = {.map = cc_i64map_new()};
    run_threads(MAP_THREADS, map_operations, &a);
    double took = seconds() - start;
    static int64_t keys[MAP_RANGE];
    static uintptr_t values[MAP_RANGE];
    int64_t n = cc_i64map_scan(a.map, INT64_MIN, keys, values, MAP_RANGE), sum = 0;
    for (int64_t i = 0; i < n; i++) {
        CHECK(i == 0 || keys[i - 1] < keys[i]);
        sum += (int64_t)values[i];
    }
    CHECK_EQ(n, a.balance);
    CHECK_EQ(cc_i64map_length(a.map), n);
    CHECK_EQ(a.sum_in - a.sum_out, sum);
    CHECK_EQ(cc_i64map_flush(a.map), 0);
    CHECK_NULL(cc_i64map_check(a.map));
    cc_i64map_free(a.map);
    printf("    %.2f s, %" PRId64 " entries left\n", took, n);
}

static void test_kind(void) {
    static const plan plans[] = {
        {"a million mixed operations by sixteen threads, all kinds", &deciding_words, 0, 3, 16,
         1000000, 1000, UNIFORM, 0},
        {"uniform", &deciding_words, 1, 1, 4, 200000, 20000, UNIFORM, 0},
        {"hot spot: 80 % of the operations on 20 % of the keys", &deciding_words, 0, 2, 8, 200000,
         1000, HOT_SPOT, 0},
        {"scans while others change", &deciding_words, 0, 3, 4, 60000, 1000, SCANS, 0},
        {"two keys", &deciding_words, 0, 3, 2, 150000, 2, UNIFORM, 16},
        {"two keys, more threads", &deciding_words, 0, 3, 8, 150000, 2, UNIFORM, 16},
        {"four keys of one kind", &deciding_words, 1, 1, 4, 150000, 4, UNIFORM, 16},
        {"sixteen keys", &deciding_words, 0, 3, 8, 150000, 16, HOT_SPOT, 32},
        {"the caller compares: two keys", &undecided_words, 0, 3, 4, 80000, 2, UNIFORM, 16},
        {"the caller compares: sixteen keys", &undecided_words, 0, 3, 8, 100000, 16, UNIFORM, 32},
        {"the caller compares: ties among a hundred keys", &undecided_words, 1, 1, 8, 100000, 100,
         HOT_SPOT, 0},
        {"the caller compares, scans", &undecided_words, 0, 3, 4, 20000, 60, SCANS, 0},
    };
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
        carry_out(&plans[i]);
    }
    test_producers_and_consumers(2, 2, 100000);
    test_producers_and_consumers(4, 8, 100000);
    test_clear();
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    use_scheme_of_the_environment();
    for_every_ordered_kind(test_kind);
    test_i64map();
#if CC_HAS_INTERRUPTS
    /* There is no handler but the core's here. */
    CHECK_EQ(cc_load_relaxed_u64(&cc_interrupts_put_off), 0);
#endif
    printf("passed\n");
    return 0;
}
