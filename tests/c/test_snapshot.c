/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Point-in-time snapshots of ordered containers. In one thread: a snapshot is what the container
 * holds at the step that closes it, whatever has been done between two steps, and stays so. Among
 * threads: money that moves between keys; histories of many keys, judged as a whole (judge.h), and
 * spoiled ones, which the judge must refuse. And memory that runs out at every single allocation.
 */
#include "judge.h"
#include "memory/cc_alloc.h"
#include "memory/smr_fast.h"
#include "ordered/ordered_inside.h"
#include "ordered_kinds.h"
#include "scheme.h"
#include "words.h"

enum { MOST_NUMBERS = 3000 };

/* ---------------------------------------------------------------- taking one */

/* Step until the instant has been. */
static cc_status finish(cc_snapshot *s) {
    cc_status status;
    while ((status = cc_snapshot_step(s)) == CC_FOUND || status == CC_NEED_COMPARE) {
        if (status == CC_NEED_COMPARE) {
            cc_search *search = cc_snapshot_search(s);
            CHECK_EQ(
                cc_search_learn(&undecided_words, search, tell_the_truth(search, &search->needed)),
                0);
        }
    }
    return status;
}

static int by_number(const void *a, const void *b) {
    const cc_entry *x = a, *y = b;
    return sign_of(number_of_key(x->kind, x->digest, x->key),
                   number_of_key(y->kind, y->digest, y->key));
}

/* The content, in order. */
static cc_entry *take(cc_snapshot *s, size_t *count) {
    size_t taken, sorted = 0, room = cc_snapshot_room(s);
    cc_entry *entries = calloc(room + 1, sizeof *entries);
    CHECK(entries);
    *count = 0;
    bool in_order, was_in_order = true;
    while ((taken = cc_snapshot_take(s, entries + *count, &in_order)) > 0) {
        *count += taken;
        CHECK(*count <= room && (was_in_order || !in_order));
        sorted = in_order ? *count : sorted;
        was_in_order = in_order;
    }
    CHECK_EQ(cc_snapshot_take(s, entries + *count, &in_order), 0);
    for (size_t i = 1; i < sorted; i++) {
        CHECK(by_number(&entries[i - 1], &entries[i]) < 0);
    }
    qsort(entries, *count, sizeof *entries, by_number);
    return entries;
}

/* ---------------------------------------------------------------- against a model */

/* The value under each number, 0 for none. */
typedef struct content {
    int64_t value[MOST_NUMBERS];
} content;

static void check_content(cc_snapshot *s, const content *expected) {
    size_t count, at = 0;
    cc_entry *entries = take(s, &count);
    for (int64_t i = 0; i < MOST_NUMBERS; i++) {
        if (expected->value[i]) {
            CHECK(at < count);
            const cc_entry *e = &entries[at++];
            CHECK_EQ(number_of_key(e->kind, e->digest, e->key), i);
            CHECK_EQ(number_of(e->value), expected->value[i]);
            release_entry(e);
        }
    }
    CHECK_EQ(at, count);
    free(entries);
}

static void change(cc_ordered *list, content *c, rng *r, int64_t numbers, unsigned kinds) {
    static int64_t next = 1;
    int64_t i = rng_below(r, numbers), what = rng_below(r, 12);
    unsigned kind = (unsigned)(i % kinds);
    uintptr_t old = 0;
    cc_entry e;
    cc_status status;
    if (what < 4) {
        status = put_as(list, kind, i, word_new(next), CC_PUT_ALWAYS, &old, tell_the_truth);
        c->value[i] = next++;
    } else if (what < 7) {
        status = remove_as(list, kind, i, &old, tell_the_truth);
        c->value[i] = 0;
    } else if (what < 8) {
        status = put_as(list, kind, i, word_new(next), CC_PUT_IF_ABSENT, &old, tell_the_truth);
        c->value[i] = c->value[i] ? c->value[i] : next++;
    } else if (what < 9) {
        status = replace_exact_as(list, kind, i, 8, word_new(next), tell_the_truth);
        CHECK(status != CC_FOUND);
    } else if (what < 11) {
        status = get_as(list, kind, i, &old, tell_the_truth);
        CHECK_EQ(status == CC_FOUND ? number_of(old) : 0, c->value[i]);
    } else {
        status = cc_ordered_pop_end(list, rng_below(r, 2) ? CC_FIRST : CC_LAST, NULL, &e);
        if (status == CC_FOUND) {
            c->value[number_of_key(e.kind, e.digest, e.key)] = 0;
            release_entry(&e);
        }
    }
    if (old) {
        word_release(old);
    }
}

/* A list for a round, with something in it: of few numbers, or now and then of many. */
static cc_ordered *begin_round(int64_t round, rng *r, content *c, int64_t *numbers,
                               unsigned *kinds) {
    memset(c, 0, sizeof *c);
    *numbers = round % 4 || CC_SMALL_SIZES ? 1 + rng_below(r, 40) : MOST_NUMBERS;
    *kinds = 1 + (unsigned)rng_below(r, KEY_KINDS);
    cc_ordered *list = ordered_of(round % 2 ? &deciding_words : &undecided_words);
    for (int64_t i = rng_below(r, *numbers + 1); i > 0; i--) {
        change(list, c, r, *numbers, *kinds);
    }
    return list;
}

/* Changes between two steps are in it, changes behind the instant are not. */
static void test_content(void) {
    begin_test("the content at the step that closes it, whatever is done between two steps");
    int64_t rounds = scaled(300);
    for (int64_t round = 0; round < rounds; round++) {
        rng r = rng_from((uint64_t)round);
        static content c, then;
        int64_t numbers;
        unsigned kinds;
        cc_ordered *list = begin_round(round, &r, &c, &numbers, &kinds);
        cc_snapshot *s[2] = {cc_ordered_snapshot(list), cc_ordered_snapshot(list)};
        CHECK(s[0] && s[1]);
        bool is_closed[2] = {false, false};
        for (int i = 0; !is_closed[0] || !is_closed[1]; i++) {
            int which = (int)rng_below(&r, 2);
            if (is_closed[which]) {
                continue;
            }
            cc_status status = cc_snapshot_step(s[which]);
            if (status == CC_NEED_COMPARE) {
                cc_search *search = cc_snapshot_search(s[which]);
                CHECK_EQ(cc_search_learn(&undecided_words, search,
                                         tell_the_truth(search, &search->needed)),
                         0);
            } else if (status == CC_ABSENT) {
                if (!is_closed[0] && !is_closed[1]) {
                    then = c;
                    is_closed[which] = true;
                    /* Whoever has joined has the same content, and is finished. */
                    status = finish(s[1 - which]);
                    CHECK_EQ(status, CC_ABSENT);
                    is_closed[1 - which] = true;
                }
            } else {
                CHECK_EQ(status, CC_FOUND);
            }
            for (int64_t k = i < 200 ? rng_below(&r, 6) : 0; k > 0; k--) {
                change(list, &c, &r, numbers, kinds);
            }
        }
        for (int k = 0; k < 20; k++) {
            change(list, &c, &r, numbers, kinds);
        }
        check_content(s[0], &then);
        check_content(s[1], &then);
        cc_snapshot_end(s[0]);
        cc_snapshot_end(s[1]);
        s[0] = cc_ordered_snapshot(list);
        CHECK_EQ(finish(s[0]), CC_ABSENT);
        then = c;
        change(list, &c, &r, numbers, kinds);
        check_content(s[0], &then);
        cc_snapshot_end(s[0]);
        check_at_rest(list);
        cc_ordered_free(list);
        CHECK_EQ(atomic_load(&words_alive), 0);
    }
}

/* One at a time, parked at any step. */
static void test_parked(void) {
    begin_test("parked after arming, before and after the close");
    int64_t rounds = scaled(300);
    for (int64_t round = 0; round < rounds; round++) {
        rng r = rng_from((uint64_t)round + 7);
        static content c, then;
        int64_t numbers;
        unsigned kinds;
        cc_ordered *list = begin_round(round, &r, &c, &numbers, &kinds);
        cc_snapshot *s = cc_ordered_snapshot(list);
        cc_status status = CC_FOUND;
        while (status != CC_ABSENT) {
            status = cc_snapshot_step(s);
            if (status == CC_NEED_COMPARE) {
                cc_search *search = cc_snapshot_search(s);
                CHECK_EQ(cc_search_learn(&undecided_words, search,
                                         tell_the_truth(search, &search->needed)),
                         0);
            } else if (status == CC_ABSENT) {
                then = c;
            } else {
                CHECK_EQ(status, CC_FOUND);
            }
            for (int64_t k = rng_below(&r, 50); k > 0; k--) {
                change(list, &c, &r, numbers, kinds);
            }
        }
        if (round % 8) {
            check_content(s, &then);
        } /* else its words are given back with it */
        cc_snapshot_end(s);
        check_at_rest(list);
        cc_ordered_free(list);
        CHECK_EQ(atomic_load(&words_alive), 0);
    }
}

/* With one entry a step the walk can be led on; it is given up in the end (below). */
static void test_led_on(void) {
    if (CC_SMALL_SIZES) {
        return;
    }
    begin_test("whoever appends an entry whenever the walk goes on does not lead it on");
    cc_ordered *list = ordered_of(&undecided_words);
    int64_t next = 0, steps = 0;
    while (next < 10) {
        put_as(list, 0, next, word_new(next + 1), CC_PUT_ALWAYS, NULL, tell_the_truth);
        next++;
    }
    cc_snapshot *s = cc_ordered_snapshot(list);
    while (cc_snapshot_step(s) != CC_ABSENT) {
        CHECK(steps++ < 5);
        put_as(list, 0, next, word_new(next + 1), CC_PUT_ALWAYS, NULL, tell_the_truth);
        next++;
    }
    static content c;
    memset(&c, 0, sizeof c);
    for (int64_t i = 0; i < next; i++) {
        c.value[i] = i + 1;
    }
    check_content(s, &c);
    cc_snapshot_end(s);
    check_at_rest(list);
    cc_ordered_free(list);
    CHECK_EQ(atomic_load(&words_alive), 0);
}

/* ---------------------------------------------------------------- given up */

#if defined(CC_SCHED) /* each gives the processor away some times */
enum { STALLED_OPERATIONS = 20000 };
#else
enum { STALLED_OPERATIONS = 1000000 };
#endif

static void test_given_up(void) {
    begin_test("a snapshot that stalls: beside a million operations it costs a bounded amount");
    cc_ordered *list = ordered_of(&deciding_words);
    static content c;
    rng r = rng_from(1);
    memset(&c, 0, sizeof c);
    for (int i = 0; i < 200; i++) {
        change(list, &c, &r, 100, 1);
    }
    cc_snapshot *s = cc_ordered_snapshot(list);
    CHECK_EQ(cc_snapshot_step(s), CC_FOUND);
    int64_t most = 0;
    for (int64_t i = scaled(STALLED_OPERATIONS); i > 0; i--) {
        change(list, &c, &r, 100, 1);
        int64_t alive = atomic_load(&words_alive);
        most = alive > most ? alive : most;
        CHECK(most < 20000);
    }
    printf("    at most %" PRId64 " words were alive\n", most);
    CHECK_EQ(finish(s), CC_ABSENT); /* begun again */
    check_content(s, &c);
    cc_snapshot_end(s);
    check_at_rest(list);
    cc_ordered_free(list);
    CHECK_EQ(atomic_load(&words_alive), 0);
}

/* ---------------------------------------------------------------- histories */

enum { OPERATORS = 3, OPERATIONS = 12, HISTORY_KEYS = 4 };

typedef struct recording {
    cc_ordered *map; /* of plain words */
    _Atomic int64_t started, finished; /* counts threads, over all histories */
    _Atomic uint64_t ticket;
    int64_t histories, snapshots;
    operation ops[OPERATORS * OPERATIONS];
} recording;

/* Values are words, keys digests. */
static void perform(cc_ordered *map, operation *o) {
    const uint64_t digest = (uint64_t)o->key;
    cc_search s = {.digest = digest, .hash = cc_mix(digest)};
    uintptr_t old = 0, expected = (uintptr_t)o->expected, value = (uintptr_t)o->value;
    cc_entry e = {.digest = 0};
    cc_status status = CC_ABSENT;
    switch (o->name) {
    case OP_GET:
        status = cc_ordered_get(map, &s, &old);
        break;
    case OP_PUT:
        status = cc_ordered_put(map, &s, value, CC_PUT_ALWAYS, &old);
        break;
    case OP_PUT_IF_ABSENT:
        status = cc_ordered_put(map, &s, value, CC_PUT_IF_ABSENT, &old);
        break;
    case OP_REPLACE_IF:
        status = cc_ordered_replace_exact(map, &s, expected, value);
        old = expected;
        break;
    case OP_REMOVE:
        status = cc_ordered_remove(map, &s, &old);
        break;
    case OP_SNAPSHOT: {
        cc_snapshot *taken = cc_ordered_snapshot(map);
        CHECK_EQ(finish(taken), CC_ABSENT);
        size_t count;
        cc_entry *entries = take(taken, &count);
        for (size_t i = 0; i < count; i++) {
            CHECK(entries[i].digest < JUDGE_KEYS && !o->content.value[entries[i].digest]);
            o->content.value[entries[i].digest] = (int32_t)entries[i].value;
        }
        free(entries);
        cc_snapshot_end(taken);
        return;
    }
    default:
        status = cc_ordered_neighbour(map, &s, o->name == OP_FIRST ? CC_FIRST : CC_FLOOR, &e);
        o->answer = status == CC_FOUND ? (int64_t)e.digest * JUDGE_SPREAD + (int64_t)e.value
                                       : ANSWER_ABSENT;
        return;
    }
    o->answer = status == CC_ABSENT     ? ANSWER_ABSENT
                : status == CC_MISMATCH ? ANSWER_MISMATCH
                                        : (int64_t)old;
}

static void record(recording *rec, int index, uint64_t seed) {
    static const operation_name names[] = {OP_GET,        OP_GET,    OP_PUT,    OP_PUT,
                                           OP_PUT,        OP_REMOVE, OP_REMOVE, OP_PUT_IF_ABSENT,
                                           OP_REPLACE_IF, OP_FIRST,  OP_FLOOR,  OP_SNAPSHOT};
    rng r = rng_from(seed * 16 + (uint64_t)index);
    int64_t last_seen = 1;
    for (int i = 0; i < OPERATIONS; i++) {
        operation *o = &rec->ops[index * OPERATIONS + i];
        bool looks = index == 2 ? rng_below(&r, 2) : false;
        *o = (operation){.thread = index,
                         .name = looks ? OP_SNAPSHOT : names[rng_below(&r, 12)],
                         .key = rng_below(&r, HISTORY_KEYS),
                         .value = 1 + i * OPERATORS + index,
                         .expected = last_seen};
        o->before = atomic_fetch_add(&rec->ticket, 1);
        perform(rec->map, o);
        o->after = atomic_fetch_add(&rec->ticket, 1);
        if (o->answer > 0) {
            last_seen = o->answer % JUDGE_SPREAD;
        }
    }
}

static void judge_recording(recording *rec) {
    const int n = OPERATORS * OPERATIONS;
    operation *spoiled = NULL;
    verdict v = judge(rec->ops, n, false);
    if (v != LEGAL) {
        write_history(stderr, rec->ops, n);
        CHECK(v == LEGAL);
    }
    for (int i = 0; i < n; i++) {
        rec->snapshots += rec->ops[i].name == OP_SNAPSHOT;
        spoiled = rec->ops[i].name == OP_SNAPSHOT ? &rec->ops[i] : spoiled;
    }
    if (spoiled) { /* a value that nobody has stored */
        spoiled->content.value[0] = 999;
        CHECK_EQ(judge(rec->ops, n, false), ILLEGAL);
    }
}

static void record_many(int index, void *argument) {
    static const cc_word_table plain_words = {0};
    recording *rec = argument;
    for (int64_t h = 0; h < rec->histories; h++) {
        if (index == 0) {
            rec->map = ordered_of(&plain_words);
            atomic_store(&rec->ticket, 1);
        }
        wait_for_all(&rec->started, (h + 1) * OPERATORS);
        record(rec, index, (uint64_t)h);
        wait_for_all(&rec->finished, (h + 1) * OPERATORS);
        if (index == 0) {
            CHECK_NULL(cc_ordered_check(rec->map));
            judge_recording(rec);
            cc_ordered_free(rec->map);
        }
    }
}

static void test_histories(void) {
    begin_test("histories of several keys with snapshots are linearizable");
    static recording rec;
    memset((void *)&rec, 0, sizeof rec);
    rec.histories = scaled(2000);
    run_threads(OPERATORS, record_many, &rec);
    printf("    %" PRId64 " histories with %" PRId64 " snapshots\n", rec.histories, rec.snapshots);
}

/* Key 1 is put, then key 2, and both from beginning to end there is a snapshot. */
static void test_the_judge(void) {
    begin_test("the judge refuses snapshots of no instant");
    const struct {
        int32_t one, two;
        verdict expected;
    } contents[] = {{0, 0, LEGAL}, {1, 0, LEGAL}, {1, 2, LEGAL}, {0, 2, ILLEGAL}, {2, 2, ILLEGAL}};
    for (size_t i = 0; i < sizeof contents / sizeof *contents; i++) {
        operation ops[] = {
            {.name = OP_PUT, .key = 1, .value = 1, .answer = -1, .before = 2, .after = 3},
            {.name = OP_PUT, .key = 2, .value = 2, .answer = -1, .before = 4, .after = 5},
            {.name = OP_SNAPSHOT, .thread = 1, .before = 1, .after = 6},
        };
        ops[2].content.value[1] = contents[i].one;
        ops[2].content.value[2] = contents[i].two;
        CHECK_EQ(judge(ops, 3, false), contents[i].expected);
    }
    /* Two snapshots that see two puts in two orders. */
    operation ops[] = {
        {.name = OP_PUT, .key = 1, .value = 1, .answer = -1, .before = 1, .after = 8},
        {.name = OP_PUT, .key = 2, .value = 2, .answer = -1, .before = 2, .after = 7},
        {.name = OP_SNAPSHOT, .thread = 2, .before = 3, .after = 6, .content = {{0, 1, 0}}},
        {.name = OP_SNAPSHOT, .thread = 3, .before = 4, .after = 5, .content = {{0, 0, 2}}},
    };
    CHECK_EQ(judge(ops, 4, false), ILLEGAL);
}

/* ---------------------------------------------------------------- money */

enum { ACCOUNTS = 40, BANKERS = 2, EACH = 1000 };

typedef struct bank {
    cc_ordered *map; /* of plain words, one more than what is in an account */
    _Atomic bool is_over;
    _Atomic int64_t snapshots;
    int64_t rounds;
} bank;

static void add_to(cc_ordered *map, int64_t account, int64_t amount) {
    const uint64_t digest = (uint64_t)account;
    uintptr_t old;
    do {
        cc_search s = {.digest = digest, .hash = cc_mix(digest)};
        CHECK_EQ(cc_ordered_get(map, &s, &old), CC_FOUND);
        s = (cc_search){.digest = digest, .hash = cc_mix(digest)};
        if (cc_ordered_replace_exact(map, &s, old, old + (uintptr_t)amount) == CC_FOUND) {
            return;
        }
    } while (true);
}

/* Money is taken from one account before it is put into another: no instant has more than all of it,
 * nor less than without one piece for each banker. */
static void work_in_a_bank(int index, void *argument) {
    bank *b = argument;
    rng r = rng_from((uint64_t)index);
    if (index < BANKERS) {
        while (!atomic_load(&b->is_over)) {
            add_to(b->map, rng_below(&r, ACCOUNTS), -1);
            add_to(b->map, rng_below(&r, ACCOUNTS), 1);
        }
        return;
    }
    for (int64_t round = 0; round < b->rounds; round++) {
        cc_snapshot *s = cc_ordered_snapshot(b->map);
        CHECK_EQ(finish(s), CC_ABSENT);
        size_t count;
        int64_t sum = 0;
        cc_entry *entries = take(s, &count);
        for (size_t i = 0; i < count; i++) {
            sum += (int64_t)entries[i].value;
        }
        CHECK_EQ(count, ACCOUNTS);
        CHECK(sum <= ACCOUNTS * EACH && sum >= ACCOUNTS * EACH - BANKERS);
        free(entries);
        cc_snapshot_end(s);
    }
    if (atomic_fetch_add(&b->snapshots, 1) == 1) {
        atomic_store(&b->is_over, true);
    }
}

static void test_money(void) {
    begin_test("money that moves between keys: every snapshot has all of it");
    static const cc_word_table plain_words = {0};
    bank b = {.map = ordered_of(&plain_words), .rounds = scaled(3000)};
    for (int64_t i = 0; i < ACCOUNTS; i++) {
        cc_search s = {.digest = (uint64_t)i, .hash = cc_mix((uint64_t)i)};
        CHECK_EQ(cc_ordered_put(b.map, &s, EACH, CC_PUT_ALWAYS, NULL), CC_ABSENT);
    }
    run_threads(BANKERS + 2, work_in_a_bank, &b);
    check_at_rest(b.map);
    cc_ordered_free(b.map);
}

/* ---------------------------------------------------------------- without memory */

#if defined(CC_TEST_HOOKS)
/* `recovers`: there is memory again when the snapshot goes on. */
static void test_no_memory(bool recovers) {
    begin_test(recovers ? "memory that runs out for reports, at every allocation"
                        : "memory that runs out at every allocation of a snapshot");
    for (int64_t n = 0, is_over = 0; !is_over; n++) {
        cc_ordered *list = ordered_of(&deciding_words);
        for (int64_t i = 0; i < 20; i++) {
            put_as(list, i % 2 ? 1 : 0, i, word_new(100 + i), CC_PUT_ALWAYS, NULL, tell_the_truth);
        }
        static uintptr_t fresh[3];
        for (int i = 0; i < 3; i++) {
            fresh[i] = word_new(200 + i);
        }
        cc_search a = search_for(0, 2), b = search_for(1, 5), d = search_for(0, 8);
        cc_alloc_fail_from(n);
        cc_snapshot *s = cc_ordered_snapshot(list);
        cc_status stepped = s ? cc_snapshot_step(s) : CC_NO_MEMORY;
        uintptr_t old = 0, seen = 0;
        cc_status put = cc_ordered_put(list, &a, fresh[0], CC_PUT_ALWAYS, NULL);
        cc_status removed = cc_ordered_remove(list, &b, &old);
        cc_status got = cc_ordered_get(list, &d, &seen);
        cc_status again = cc_ordered_put(list, &a, fresh[1], CC_PUT_ALWAYS, NULL);
        if (recovers) {
            cc_alloc_fail_from(-1);
        }
        cc_status status = stepped == CC_FOUND ? finish(s) : stepped;
        bool was_before = s && stepped == CC_ABSENT; /* all changes come behind the instant */
        cc_alloc_fail_from(-1);
        is_over = status == CC_ABSENT && put == CC_FOUND && removed == CC_FOUND &&
                  got == CC_FOUND && again == CC_FOUND;
        CHECK(got == CC_NO_MEMORY || (got == CC_FOUND && number_of(seen) == 108));
        if (status == CC_NO_MEMORY && s) {
            cc_snapshot_end(s); /* another one succeeds */
            s = cc_ordered_snapshot(list);
            CHECK_EQ(finish(s), CC_ABSENT);
        }
        if (s && (status == CC_ABSENT || status == CC_NO_MEMORY)) {
            size_t count;
            cc_entry *entries = take(s, &count);
            CHECK_EQ(count, removed == CC_FOUND && !was_before ? 19 : 20);
            for (size_t i = 0; i < count; i++) {
                int64_t key = number_of_key(entries[i].kind, entries[i].digest, entries[i].key);
                CHECK_EQ(number_of(entries[i].value), key != 2 || was_before ? 100 + key
                                                      : again == CC_FOUND    ? 201
                                                      : put == CC_FOUND      ? 200
                                                                             : 102);
                release_entry(&entries[i]);
            }
            free(entries);
        }
        cc_snapshot_end(s);
        const cc_status statuses[] = {put, again};
        for (int i = 0; i < 3; i++) {
            if (i == 2 || statuses[i] != CC_FOUND) {
                word_release(fresh[i]);
            }
        }
        if (removed == CC_FOUND) {
            word_release(old);
        }
        if (got == CC_FOUND) {
            word_release(seen);
        }
        end_search(list, &a);
        end_search(list, &b);
        end_search(list, &d);
        check_at_rest(list);
        cc_ordered_free(list);
        CHECK_EQ(atomic_load(&words_alive), 0);
    }
}
#endif

static void test_all(void) {
    static const cc_word_table plain_words = {0};
    const bool copies = tested_kind->operations->copy_all;
    if (!takes_snapshots()) {
        begin_test("it takes none");
        cc_ordered *map = ordered_of(&plain_words);
        CHECK(!cc_ordered_snapshot(map));
        cc_ordered_free(map);
        return;
    }
    if (!IS_YIELDING) {
        test_content();
        test_parked();
        test_led_on();
    }
    if (!copies) { /* else nothing is reported */
        test_given_up();
    }
    test_the_judge();
    test_histories();
    test_money();
#if defined(CC_TEST_HOOKS)
    test_no_memory(false);
    test_no_memory(true);
#endif
}

int main(void) {
    use_scheme_of_the_environment();
    for_every_ordered_kind(test_all);
    cc_ordered_operations plain = cc_bptree_operations;
    plain.copy_all = NULL;
    const ordered_kind without = {&plain, "without snapshots", false, 100};
    tested_kind = &without;
    test_all();
    say_what_was_neutralized();
    return 0;
}
