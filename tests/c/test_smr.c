/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Memory reclamation by itself: what is retired is released exactly once and never under a reader;
 * a stalled reader pins no more than promised; release functions may do anything; nothing is lost
 * when memory runs out.
 */
#include "memory/cc_alloc.h"
#include "memory/smr_fast.h"
#include "ordered/skiplist.h"
#include "sleeper.h"
#include "words.h"

/* ---------------------------------------------------------------- a toy container: some slots */

enum { SLOTS = 8, READERS = 3, WRITERS = 3 };
#define NODE_ALIVE UINT64_C(0x5a5a5a5a5a5a5a5a)

typedef struct toy_node {
    _Atomic uint64_t magic;
    uint64_t birth;
    int64_t number;
} toy_node;

typedef struct toy {
    cc_smr_domain *domain;
    cc_atomic_uptr slots[SLOTS];
    _Atomic int64_t made, released, writing;
} toy;

static void release_node(const void *context, uintptr_t word, unsigned kind) {
    toy *t = (toy *)(uintptr_t)context;
    toy_node *n = (toy_node *)word;
    CHECK_EQ(kind, 7);
    CHECK(atomic_exchange(&n->magic, WORD_DEAD) == NODE_ALIVE); /* exactly once */
    free(n);
    atomic_fetch_add(&t->released, 1);
}

static void replace(toy *t, cc_atomic_uptr *slot, int64_t number) {
    cc_smr_guard g;
    toy_node *n = malloc(sizeof *n);
    CHECK(n);
    CHECK_EQ(cc_smr_reserve(1), 0);
    CHECK_EQ(cc_smr_enter(t->domain, &g), 0);
    atomic_store_explicit(&n->magic, NODE_ALIVE, memory_order_relaxed);
    n->number = number;
    n->birth = cc_smr_birth(&g);
    toy_node *old = (toy_node *)cc_exchange_seq_cst_uptr(slot, (uintptr_t)n);
    cc_smr_published(&g);
    uint64_t birth = old ? old->birth : 0;
    cc_smr_leave(&g);
    atomic_fetch_add_explicit(&t->made, 1, memory_order_relaxed);
    if (old) {
        CHECK_EQ(cc_smr_retire(t->domain, (uintptr_t)old, 7, birth, sizeof *old), 0);
    }
}

static void retire_one(toy *t, uint64_t birth, size_t bytes) {
    toy_node *n = malloc(sizeof *n);
    CHECK(n);
    atomic_store_explicit(&n->magic, NODE_ALIVE, memory_order_relaxed);
    CHECK_EQ(cc_smr_retire(t->domain, (uintptr_t)n, 7, birth, bytes), 0);
}

static void read_or_write(int index, void *argument) {
    toy *t = argument;
    rng r = rng_from((uint64_t)index);
    if (index < WRITERS) {
        for (int64_t i = scaled(100000); i > 0; i--) {
            replace(t, &t->slots[rng_below(&r, SLOTS)], i);
        }
        atomic_fetch_sub(&t->writing, 1);
        return;
    }
    while (atomic_load(&t->writing)) {
        cc_smr_guard g;
        CHECK_EQ(cc_smr_enter(t->domain, &g), 0);
        for (int i = 0; i < 20; i++) {
            toy_node *n = (toy_node *)cc_smr_protect(&g, &t->slots[rng_below(&r, SLOTS)]);
            if (n) {
                for (int k = 0; k < 10; k++) {
                    CHECK(atomic_load_explicit(&n->magic, memory_order_relaxed) == NODE_ALIVE);
                    if (rng_below(&r, 256) == 0) {
                        sched_yield(); /* the others go on while we hold it */
                    }
                }
            }
        }
        cc_smr_leave(&g);
    }
}

static void test_toy(void) {
    begin_test("a toy container: released exactly once, never under a reader");
    cc_smr_statistics before, after;
    cc_store_relaxed_u32(&cc_smr_settings.statistics, 1);
    cc_smr_get_statistics(&before);
    static toy t;
    t.domain = cc_smr_domain_new(release_node, &t);
    t.writing = WRITERS;
    CHECK(t.domain);
    run_threads(WRITERS + READERS, read_or_write, &t);
    CHECK_EQ(cc_smr_flush(t.domain), 0);
    CHECK_EQ(cc_smr_limbo_count(t.domain), 0);
    int64_t inside = 0;
    for (int i = 0; i < SLOTS; i++) {
        inside += cc_load_acquire_uptr(&t.slots[i]) != 0;
    }
    CHECK_EQ(t.made - inside, t.released);
    cc_smr_get_statistics(&after);
    CHECK_EQ(after.retired - before.retired, t.released);
    CHECK_EQ(after.released - before.released, t.released);
    CHECK(after.threads >=
          1); /* few rounds: one thread may end before another begins, and leave it its record */
    printf("    %" PRId64 " released, %" PRIu64 " scans\n", t.released, after.scans - before.scans);
    cc_store_relaxed_u32(&cc_smr_settings.statistics, 0);
    for (int i = 0; i < SLOTS; i++) {
        free((void *)cc_load_relaxed_uptr(&t.slots[i]));
    }
    cc_smr_domain_free(t.domain);
}

/* ---------------------------------------------------------------- a thread that stops inside a
 * region */

static void must_be_alive(uintptr_t word) {
    CHECK(((toy_node *)word)->magic == NODE_ALIVE);
}

static void test_stalled_reader_of_slots(void) {
    begin_test(
        "a reader stalls with a node in its hand while one slot is replaced a million times");
    static toy t;
    t.domain = cc_smr_domain_new(release_node, &t);
    replace(&t, &t.slots[0], 0);
    sleeper s = {.domain = t.domain, .reads = &t.slots[0], .looks_at = must_be_alive};
    start_sleeping(&s);
    size_t most = 0;
    for (int64_t i = scaled(1000000); i > 0; i--) {
        replace(&t, &t.slots[0], i);
        size_t waiting = cc_smr_limbo_count(t.domain);
        most = waiting > most ? waiting : most;
    }
    size_t pinned = cc_smr_flush(t.domain);
    /* What was born while the clock still showed the reader's era: geometrically distributed around
     * CC_PUBLICATIONS_PER_ERA. Forty times the mean has a probability of 4e-18. */
    printf("    pinned %zu, at most %zu waited; promised %u in the mean\n", pinned, most,
           CC_PUBLICATIONS_PER_ERA);
    CHECK(pinned >= 1 && pinned <= 40 * CC_PUBLICATIONS_PER_ERA);
    CHECK(most <= 80 * CC_PUBLICATIONS_PER_ERA);
    stop_sleeping(&s);
    CHECK_EQ(cc_smr_flush(t.domain), 0);
    free((void *)cc_load_relaxed_uptr(&t.slots[0]));
    cc_smr_domain_free(t.domain);
}

/* What a stall has piled up must go away by ordinary operations: a backlog that is released more
 * slowly than operations retire would stay for ever. */
static void test_backlog_is_worked_off(void) {
    begin_test(
        "a reader stalls, twenty thousand things wait, and ordinary operations release them");
    static toy t;
    const int64_t backlog = 20000;
    t.domain = cc_smr_domain_new(release_node, &t);
    sleeper s = {.domain = t.domain};
    start_sleeping(&s);
    for (int64_t i = 0; i < backlog; i++) {
        retire_one(&t, 1, sizeof(toy_node));
    }
    CHECK_EQ(cc_smr_limbo_count(t.domain), backlog);
    stop_sleeping(&s);
    int64_t operations = 0;
    for (; cc_smr_limbo_count(t.domain) && operations < 100 * backlog; operations++) {
        replace(&t, &t.slots[0], operations); /* retires one thing, too */
    }
    printf("    worked off by %" PRId64 " operations\n", operations);
    CHECK_EQ(cc_smr_limbo_count(t.domain), 0);
    free((void *)cc_load_relaxed_uptr(&t.slots[0]));
    cc_smr_domain_free(t.domain);
}

/* ---------------------------------------------------------------- large things */

enum { LARGE = 100 * 1024, WORTH_A_SCAN = BYTES_WORTH_A_SCAN };

/* A thread that opens a region and closes it when told to. */
typedef struct short_reader {
    cc_smr_domain *domain;
    pthread_t thread;
    _Atomic int64_t asked, done; /* odd: a region is open */
} short_reader;

static void *read_shortly(void *argument) {
    short_reader *s = argument;
    cc_smr_guard g;
    for (int64_t turn = 1;; turn++) {
        int64_t asked;
        while ((asked = atomic_load(&s->asked)) < turn && asked >= 0) {
            sched_yield();
        }
        if (asked < 0) {
            return NULL;
        }
        if (turn % 2) {
            CHECK_EQ(cc_smr_enter(s->domain, &g), 0);
        } else {
            cc_leave(&g); /* not cc_smr_leave, which polls now and then */
        }
        atomic_store(&s->done, turn);
    }
}

static void take_turn(short_reader *s) {
    int64_t turn = atomic_fetch_add(&s->asked, 1) + 1;
    while (atomic_load(&s->done) < turn) {
        sched_yield();
    }
}

static uint64_t bytes_waiting(const cc_smr_domain *d) {
    cc_smr_domain_statistics s;
    cc_smr_get_domain_statistics(d, &s);
    return s.limbo_bytes;
}

/* A reader has it that `n` things of `bytes` go through limbo, which it closes its eyes on at once.
 * Returns the most bytes that waited. */
static uint64_t retire_under_short_readers(toy *t, short_reader *reader, int64_t n, size_t bytes) {
    uint64_t most = 0;
    for (int64_t i = 0; i < n; i++) {
        cc_fetch_add_seq_cst_u64(&t->domain->era, 1); /* nothing that comes now is the sleeper's */
        take_turn(reader);
        retire_one(t, cc_load_acquire_u64(&t->domain->era), bytes);
        take_turn(reader);
        uint64_t now = bytes_waiting(t->domain);
        most = now > most ? now : most;
    }
    return most;
}

/* The number of things that wait would not have it scanned before 5000 more have come. */
static void test_large_things_are_few(void) {
    begin_test("a reader stalls on ten thousand small things; large ones come and go");
    enum { SMALL = 10000 };
    static toy t;
    t.domain = cc_smr_domain_new(release_node, &t);
    sleeper s = {.domain = t.domain};
    start_sleeping(&s);
    short_reader reader = {.domain = t.domain};
    CHECK_EQ(pthread_create(&reader.thread, NULL, read_shortly, &reader), 0);
    for (int i = 0; i < SMALL; i++) {
        retire_one(&t, 1, sizeof(toy_node));
    }
    uint64_t pinned = bytes_waiting(t.domain);
    CHECK_EQ(pinned, SMALL * sizeof(toy_node));
    uint64_t most = retire_under_short_readers(&t, &reader, 200, LARGE);
    /* What is pinned is looked through again when half as much has come. */
    uint64_t promised = (pinned / 2 > WORTH_A_SCAN ? pinned / 2 : WORTH_A_SCAN) + LARGE;
    printf("    %" PRIu64 " bytes pinned, at most %" PRIu64 " more waited; promised %" PRIu64 "\n",
           pinned, most - pinned, promised);
    CHECK(most <= pinned + promised);
    stop_sleeping(&s);
    atomic_store(&reader.asked, -1);
    pthread_join(reader.thread, NULL);
    CHECK_EQ(cc_smr_flush(t.domain), 0);
    cc_smr_domain_free(t.domain);
}

/* What is pinned was looked at, and is not a reason to look at every retirement again. */
static void test_one_large_thing_is_pinned(void) {
    begin_test(
        "a reader stalls on one very large thing: the others' scans are no more than before");
    static toy t;
    cc_smr_statistics before, after;
    const int64_t rounds = 2000;
    t.domain = cc_smr_domain_new(release_node, &t);
    sleeper s = {.domain = t.domain};
    start_sleeping(&s);
    short_reader reader = {.domain = t.domain};
    CHECK_EQ(pthread_create(&reader.thread, NULL, read_shortly, &reader), 0);
    retire_one(&t, 1, 100 * LARGE);
    CHECK_EQ(cc_smr_limbo_count(t.domain), 1);
    cc_store_relaxed_u32(&cc_smr_settings.statistics, 1);
    cc_smr_get_statistics(&before);
    uint64_t most = retire_under_short_readers(&t, &reader, rounds, sizeof(toy_node));
    cc_smr_get_statistics(&after);
    cc_store_relaxed_u32(&cc_smr_settings.statistics, 0);
    printf("    %" PRIu64 " scans for %" PRId64 " retirements; at most %" PRIu64 " bytes waited\n",
           after.scans - before.scans, rounds, most);
    CHECK(after.scans - before.scans <=
          (uint64_t)rounds / cc_load_relaxed_u32(&cc_smr_settings.retire_threshold) + 1);
    stop_sleeping(&s);
    atomic_store(&reader.asked, -1);
    pthread_join(reader.thread, NULL);
    CHECK_EQ(cc_smr_flush(t.domain), 0);
    cc_smr_domain_free(t.domain);
}

#if CC_HAS_INTERRUPTS
typedef struct busy_reader {
    sleeper s; /* that does not sleep */
    _Atomic uint64_t turns;
} busy_reader;

static void read_for_long(cc_smr_guard *g, busy_reader *r) {
    CC_CHECKPOINT(g);
    atomic_store(&r->s.inside, 1);
    while (!atomic_load(&r->s.wake)) {
        atomic_fetch_add(&r->turns, 1);
    }
    cc_end_reading(g);
}

static void *read_until_told(void *argument) {
    busy_reader *r = argument;
    cc_smr_guard g;
    CHECK_EQ(cc_smr_enter(r->s.domain, &g), 0);
    read_for_long(&g, r);
    cc_leave(&g);
    return NULL;
}

static void test_large_things_are_worth_a_signal(void) {
    begin_test("under debra a reader is neutralized for the sake of a few large things");
    if (!cc_debra_is_available()) {
        printf("    skipped: no debra here\n");
        return;
    }
    static toy t;
    t.domain = cc_smr_domain_new_of(CC_SMR_DEBRA, release_node, &t);
    busy_reader r = {.s = {.domain = t.domain}};
    start_inside(&r.s, read_until_told);
    cc_smr_statistics before, after;
    cc_smr_get_statistics(&before);
    uint64_t most = 0;
    for (int i = 0; i < 300; i++) {
        uint64_t turn = atomic_load(&r.turns);
        retire_one(&t, 1, LARGE);
        uint64_t now = bytes_waiting(t.domain);
        most = now > most ? now : most;
        /* Until it reads on: it may have lost its processor inside the handler. */
        while (atomic_load(&r.turns) == turn) {
            sched_yield();
        }
    }
    printf("    at most %" PRIu64 " bytes waited; promised %d\n", most, 3 * (WORTH_A_SCAN + LARGE));
    /* The reader did hold something up. */
    cc_smr_get_statistics(&after);
    CHECK(most >= 2 * WORTH_A_SCAN);
    CHECK(after.neutralizations > before.neutralizations);
    /* After a refusal (it was in the handler) it is tried again when half as much has come. */
    CHECK(most <= (after.refusals == before.refusals ? 3 : 6) * (WORTH_A_SCAN + LARGE));
    stop_sleeping(&r.s);
    CHECK_EQ(cc_smr_flush(t.domain), 0);
    cc_smr_domain_free(t.domain);
}
#endif

static void test_stalled_reader_of_a_list(void) {
    begin_test("a reader stalls in a list while others insert, remove and replace");
    enum { ENTRIES = 2000 };
    cc_ordered *list = cc_ordered_new(&cc_skiplist_operations, &deciding_words);
    sleeper s = {.domain = domain_of(list)};
    for (int64_t i = 0; i < ENTRIES; i++) {
        put_as(list, 0, 1 + i, word_new(i), CC_PUT_ALWAYS, NULL, NULL);
    }
    start_sleeping(&s);
    for (int64_t i = 0; i < ENTRIES; i++) {
        CHECK_EQ(remove_as(list, 0, 1 + i, NULL, NULL), CC_FOUND);
    }
    size_t alive_then =
        cc_ordered_flush(list); /* ENTRIES nodes, as many values, tables of the index */
    CHECK(alive_then <= 2 * ENTRIES + 16);
    size_t most = 0;
    for (int64_t i = scaled(500000); i > 0; i--) {
        put_as(list, 0, 5, word_new(i), CC_PUT_ALWAYS, NULL, NULL); /* replaces one key for ever */
        if (i % 4 == 0) {
            put_as(list, 1, 100 + i % 50, word_new(i), CC_PUT_ALWAYS, NULL, NULL);
        } else if (i % 4 == 1) {
            remove_as(list, 1, 100 + i % 50, NULL, NULL);
        }
        size_t waiting = cc_ordered_limbo_count(list);
        most = waiting > most ? waiting : most;
    }
    size_t pinned = cc_ordered_flush(list);
    printf("    %zu pinned of what was alive then, %zu at the end, at most %zu\n", alive_then,
           pinned, most);
    CHECK(pinned <= alive_then + 80 * CC_PUBLICATIONS_PER_ERA);
    CHECK(most <= 2 * (alive_then + 80 * CC_PUBLICATIONS_PER_ERA));
    stop_sleeping(&s);
    check_at_rest(list);
    cc_ordered_free(list);
    CHECK_EQ(words_alive, 0);
}

static void test_pending_garbage(void) {
    begin_test("a domain that is destroyed releases what still waits");
    /* So many that the sleeper, when it leaves, does not look through them again. */
    enum { THINGS = 1000 };
    static toy t;
    t.domain = cc_smr_domain_new(release_node, &t);
    sleeper s = {.domain = t.domain};
    start_sleeping(&s);
    for (int i = 0; i < THINGS; i++) {
        retire_one(&t, 1, sizeof(toy_node));
    }
    CHECK_EQ(cc_smr_flush(t.domain), THINGS);
    stop_sleeping(&s); /* and nobody polls any more */
    CHECK_EQ(t.released, 0);
    cc_smr_domain_free(t.domain);
    CHECK_EQ(t.released, THINGS);
    cc_smr_domain_free(NULL);
}

/* ---------------------------------------------------------------- release functions that do
 * things */

static cc_ordered *nursery; /* another list, which dying values use */
static _Atomic int64_t deaths;

static void use_another_list(counted *c) {
    atomic_fetch_add(&deaths, 1);
    int64_t number = c->number % 50;
    uintptr_t value = word_new(number), old;
    put_as(nursery, 1, number, value, CC_PUT_ALWAYS, NULL,
           NULL); /* retires the last one of that key */
    if (number % 3 == 0 && remove_as(nursery, 1, number + 1, &old, NULL) == CC_FOUND) {
        word_release(old);
    }
    cc_ordered *short_lived = cc_ordered_new(&cc_skiplist_operations, &deciding_words);
    put_as(short_lived, 1, number, word_new(number), CC_PUT_ALWAYS, NULL, NULL);
    cc_ordered_free(short_lived);
}

static void die_and_work(int index, void *argument) {
    cc_ordered *list = argument;
    rng r = rng_from((uint64_t)index);
    for (int64_t i = scaled(20000); i > 0; i--) {
        uintptr_t value = word_new(i);
        counted_of(value)->at_death = use_another_list;
        put_as(list, 1, rng_below(&r, 20), value, CC_PUT_ALWAYS, NULL, NULL);
        remove_as(list, 1, rng_below(&r, 20), NULL, NULL);
    }
}

static void test_re_entering_releases(void) {
    begin_test("dying values use other lists, make some and destroy them");
    nursery = cc_ordered_new(&cc_skiplist_operations, &deciding_words);
    cc_ordered *list = cc_ordered_new(&cc_skiplist_operations, &deciding_words);
    run_threads(3, die_and_work, list);
    check_at_rest(list);
    cc_ordered_free(list);
    CHECK_EQ(deaths, 3 * scaled(20000));
    check_at_rest(nursery);
    cc_ordered_free(nursery);
    CHECK_EQ(words_alive, 0);
}

static void free_what_is_inside(counted *c) {
    cc_ordered_free((cc_ordered *)(uintptr_t)c->number);
}

static void nest_deeply(int index, void *argument) {
    (void)index;
    bool by_removal = *(bool *)argument;
    cc_ordered *inner = cc_ordered_new(&cc_skiplist_operations, &deciding_words);
    for (int64_t i = scaled(100000); i > 0; i--) {
        cc_ordered *outer = cc_ordered_new(&cc_skiplist_operations, &deciding_words);
        uintptr_t value = word_new((int64_t)(uintptr_t)inner);
        counted_of(value)->at_death = free_what_is_inside;
        put_as(outer, 0, 1, value, CC_PUT_ALWAYS, NULL, NULL);
        inner = outer;
    }
    if (by_removal) {
        CHECK_EQ(remove_as(inner, 0, 1, NULL, NULL), CC_FOUND);
    }
    cc_ordered_free(inner);
}

static void test_nested_lists(void) {
    begin_test("a hundred thousand lists, each the value of the next, on half a megabyte of stack");
    for (int by_removal = 0; by_removal < 2; by_removal++) {
        bool removal = by_removal;
        run_threads(1, nest_deeply, &removal);
        CHECK_EQ(words_alive, 0);
    }
}

/* ---------------------------------------------------------------- more threads than a retirement
 * looks at */

static void test_many_sleepers(void) {
    begin_test("a hundred threads stopped in regions: scans need more room than the stack has");
    enum { SLEEPERS = 100 };
    static toy t;
    static sleeper s[SLEEPERS];
    t.domain = cc_smr_domain_new(release_node, &t);
    replace(&t, &t.slots[0], 0);
    for (int i = 0; i < SLEEPERS; i++) {
        s[i] = (sleeper){.domain = t.domain, .reads = &t.slots[0], .looks_at = must_be_alive};
        start_sleeping(&s[i]);
        for (int k = 0; k < 20; k++) {
            replace(&t, &t.slots[0], k);
        }
    }
    size_t waiting = cc_smr_flush(t.domain);
    CHECK(waiting >= SLEEPERS / 2);
    cc_alloc_fail_from(0); /* no memory to look: everything waits, nothing breaks */
    CHECK_EQ(cc_smr_flush(t.domain), waiting);
    cc_alloc_fail_from(-1);
    for (int i = 0; i < SLEEPERS; i++) {
        stop_sleeping(&s[i]);
        if (i % 25 == 0) {
            size_t now = cc_smr_flush(t.domain);
            CHECK(now <= waiting);
            waiting = now;
        }
    }
    CHECK_EQ(cc_smr_flush(t.domain), 0);
    CHECK_EQ(t.released, t.made - 1);
    free((void *)cc_load_relaxed_uptr(&t.slots[0]));
    cc_smr_domain_free(t.domain);
}

static void test_no_memory(void) {
    begin_test("no memory for a domain, for a reservation, for a record");
    static toy t;
    cc_thread *self = cc_thread_self();
    CHECK(self);
    cc_alloc_fail_from(0);
    CHECK(!cc_smr_domain_new(release_node, &t));
    cc_alloc_fail_from(-1);
    t.domain = cc_smr_domain_new(release_node, &t);
    replace(&t, &t.slots[0], 0);
    while (self->spare_count) {
        cc_free(cc_take_spare(self));
    }
    cc_alloc_fail_from(0);
    CHECK_EQ(cc_smr_reserve(1), -1);
    toy_node *n = (toy_node *)cc_load_relaxed_uptr(&t.slots[0]);
    CHECK_EQ(cc_smr_retire(t.domain, (uintptr_t)n, 7, n->birth, sizeof *n), -1);
    CHECK(n->magic == NODE_ALIVE); /* still ours */
    cc_alloc_fail_from(2);
    CHECK_EQ(cc_smr_reserve(3), -1);
    CHECK_EQ(cc_smr_reserve(2), 0); /* what was got is kept */
    CHECK_EQ(cc_smr_retire(t.domain, (uintptr_t)n, 7, n->birth, sizeof *n), 0);
    cc_alloc_fail_from(-1);
    CHECK_EQ(t.released, 1);
    cc_smr_domain_free(t.domain);
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    test_toy();
    test_stalled_reader_of_slots();
    test_backlog_is_worked_off();
    test_large_things_are_few();
    test_one_large_thing_is_pinned();
#if CC_HAS_INTERRUPTS
    test_large_things_are_worth_a_signal();
#endif
    test_stalled_reader_of_a_list();
    test_pending_garbage();
    test_re_entering_releases();
    test_nested_lists();
    test_no_memory();
    test_many_sleepers();
    printf("passed\n");
    return 0;
}
