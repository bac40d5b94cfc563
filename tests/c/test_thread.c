/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Threads that come and go: their records are used again, so that there are never more of them than
 * threads at once; threads that end where nobody expects it; processes that fork while threads
 * stand inside protected regions.
 */

#include "concurrent_collections/cc_i64map.h"
#include "memory/cc_alloc.h"
#include "memory/smr_fast.h"
#include "ordered/skiplist.h"
#include "scheme.h"
#include "words.h"

static cc_ordered *list;
static cc_i64map *map;

static void use_the_list(uint64_t seed, int operations) {
    rng r = rng_from(seed);
    for (int i = 0; i < operations; i++) {
        int64_t number = rng_below(&r, 100);
        uintptr_t value;
        if (rng_below(&r, 2)) {
            put_as(list, 1, number, word_new(number), CC_PUT_ALWAYS, NULL, NULL);
        } else if (remove_as(list, 1, number, &value, NULL) == CC_FOUND) {
            CHECK_EQ(number_of(value), number);
            word_release(value);
        }
    }
}

/* ---------------------------------------------------------------- records */

static void *live_shortly(void *argument) {
    use_the_list((uint64_t)(uintptr_t)argument, 5);
    return NULL;
}

static void test_reuse(void) {
    begin_test("thousands of short-lived threads, eight at once: their records are used again");
    uint32_t before = cc_thread_count();
    pthread_t threads[8];
    int64_t rounds = scaled(500);
    for (int64_t i = 0; i < rounds; i++) {
        for (int k = 0; k < 8; k++) {
            CHECK_EQ(
                pthread_create(&threads[k], NULL, live_shortly, (void *)(uintptr_t)(i * 8 + k)), 0);
        }
        for (int k = 0; k < 8; k++) {
            pthread_join(threads[k], NULL);
        }
    }
    printf("    %" PRId64 " threads, %u records more\n", 8 * rounds, cc_thread_count() - before);
    CHECK(cc_thread_count() - before <= 8);
    check_at_rest(list);
}

static _Atomic int all_here;
static _Atomic(cc_thread *) record_of[300];

static void be_one_of_many(int index, void *argument) {
    int n = *(int *)argument;
    cc_thread *mine = cc_thread_self();
    CHECK(mine && cc_thread_self() == mine);
    CHECK(cc_load_relaxed_u64(&mine->lower) == CC_ERA_IDLE);
    atomic_store(&record_of[index], mine);
    use_the_list((uint64_t)index, 50);
    atomic_fetch_add(&all_here, 1);
    while (atomic_load(&all_here) < n) { /* so that all records are taken at once */
        usleep(500);
    }
    use_the_list((uint64_t)index, 50);
}

static void test_many_at_once(void) {
    begin_test(
        "three hundred threads at once, twice: each its own record, the second time the same ones");
    int n = 300;
    uint32_t count = 0;
    for (int round = 0; round < 2; round++) {
        atomic_store(&all_here, 0);
        run_threads(n, be_one_of_many, &n);
        for (int i = 0; i < n; i++) {
            for (int k = 0; k < i; k++) {
                CHECK(record_of[i] != record_of[k]);
            }
        }
        CHECK(cc_thread_count() >= (uint32_t)n);
        CHECK(round == 0 || cc_thread_count() == count);
        count = cc_thread_count();
        check_at_rest(list);
    }
    uint32_t records = 0;
    for (cc_thread *t = cc_thread_first(); t; t = t->next) {
        records++;
        CHECK(cc_load_relaxed_u64(&t->lower) == CC_ERA_IDLE);
    }
    CHECK_EQ(records, count);
}

static void remove_and_see_it_die(void) {
    int64_t before = words_alive;
    put_as(list, 0, 700, word_new(1), CC_PUT_ALWAYS, NULL, NULL);
    CHECK_EQ(remove_as(list, 0, 700, NULL, NULL), CC_FOUND);
    CHECK_EQ(words_alive, before);
    CHECK_EQ(cc_ordered_limbo_count(list), 0);
}

static _Atomic int seen_by_walks;

static void see_all_the_others(int index, void *argument) {
    int n = *(int *)argument;
    cc_thread *mine = cc_thread_self();
    CHECK(mine);
    atomic_fetch_add(&all_here, 1);
    while (atomic_load(&all_here) < n) {
        usleep(500);
    }
    if (index % 64 == 0) {
        bool found_mine = false;
        int found = 0;
        cc_thread_walk walk;
        for (cc_thread *t = cc_thread_first_in_use(&walk); t; t = cc_thread_next_in_use(&walk)) {
            found_mine |= t == mine;
            found++;
            CHECK(cc_thread_is_in_use(t));
        }
        CHECK(found_mine);
        CHECK_EQ(found, n + 1); /* and the main thread */
        CHECK_EQ(cc_thread_users(), n + 1);
        atomic_fetch_add(&seen_by_walks, 1);
    }
    while (atomic_load(&seen_by_walks) < (n + 63) / 64) {
        usleep(500);
    }
}

static void test_threads_are_gone(void) {
    begin_test("when hundreds of threads are gone, what is removed dies at once as before them");
    int n = 200; /* of the three hundred records: the others' owners are gone */
    check_at_rest(list);
    remove_and_see_it_die();
    for (int round = 0; round < 2; round++) {
        atomic_store(&all_here, 0);
        atomic_store(&seen_by_walks, 0);
        run_threads(n, see_all_the_others, &n);
        CHECK_EQ(cc_thread_users(), 1);
        remove_and_see_it_die();
    }
    cc_thread_walk walk;
    CHECK(cc_thread_first_in_use(&walk) == cc_thread_self());
    CHECK(!cc_thread_next_in_use(&walk));
}

static _Atomic int may_end;

static void *only_be_there(void *argument) {
    (void)argument;
    CHECK(cc_thread_self());
    atomic_fetch_add(&all_here, 1);
    while (!atomic_load(&may_end)) {
        usleep(500);
    }
    return NULL;
}

/* Everything that a thread can begin with: without memory for its record it says so, and nothing
 * happens. */
static void begin_without_memory(void) {
    int64_t key;
    uintptr_t word;
    cc_search s = {0};
    cc_entry entries[2];
    size_t count;
    cc_smr_guard g;
    CHECK_EQ(cc_i64map_get(map, 1, &word), CC_I64MAP_NO_MEMORY);
    CHECK_EQ(cc_i64map_put(map, 1, 5, NULL), CC_I64MAP_NO_MEMORY);
    CHECK_EQ(cc_i64map_put_if_absent(map, 2, 5, NULL), CC_I64MAP_NO_MEMORY);
    CHECK_EQ(cc_i64map_replace_if(map, 1, 16, 5), CC_I64MAP_NO_MEMORY);
    CHECK_EQ(cc_i64map_remove_if(map, 1, 16), CC_I64MAP_NO_MEMORY);
    CHECK_EQ(cc_i64map_get_or_insert(map, 2, 5, &word), CC_I64MAP_NO_MEMORY);
    CHECK_EQ(cc_i64map_remove(map, 1, NULL), CC_I64MAP_NO_MEMORY);
    CHECK_EQ(cc_i64map_first(map, &key, &word), CC_I64MAP_NO_MEMORY);
    CHECK_EQ(cc_i64map_last(map, &key, &word), CC_I64MAP_NO_MEMORY);
    CHECK_EQ(cc_i64map_floor(map, 1, &key, &word), CC_I64MAP_NO_MEMORY);
    CHECK_EQ(cc_i64map_pop_first(map, &key, &word), CC_I64MAP_NO_MEMORY);
    CHECK_EQ(cc_i64map_pop_last(map, &key, &word), CC_I64MAP_NO_MEMORY);
    CHECK_EQ(cc_i64map_scan(map, 0, &key, &word, 1), CC_I64MAP_NO_MEMORY);
    CHECK_EQ(cc_i64map_length(map), 1);
    CHECK_EQ(cc_i64map_flush(map), 0);
    CHECK_EQ(cc_ordered_clear(list), CC_NO_MEMORY);
    CHECK_EQ(cc_ordered_scan_up(list, NULL, false, entries, 2, &count), CC_NO_MEMORY);
    CHECK_EQ(cc_ordered_scan_down(list, NULL, false, entries, 2, &count), CC_NO_MEMORY);
    CHECK_EQ(cc_ordered_pop_end(list, CC_LAST, NULL, entries), CC_NO_MEMORY);
    CHECK_EQ(cc_ordered_neighbour(list, &s, CC_FIRST, entries), CC_NO_MEMORY);
    CHECK_EQ(cc_ordered_flush(list), 0);
    cc_ordered_changes_by_this_thread(list);
    CHECK_EQ(cc_smr_enter(cc_ordered_domain(list), &g), -1);
    CHECK_EQ(cc_smr_reserve(1), -1);
    CHECK_EQ(cc_smr_retire(cc_ordered_domain(list), 16, 0, 1, 8), -1);
    CHECK_EQ(cc_smr_flush_all(), 0);
    CHECK(!cc_ordered_new(&cc_skiplist_operations, &deciding_words));
    cc_ordered_free(NULL);
}

static void *find_no_memory(void *argument) {
    (void)argument;
    uint32_t records = cc_thread_count();
    for (int64_t available = 0; available < 2; available++) { /* for the record, for its group */
        cc_alloc_fail_from(available);
        CHECK(!cc_thread_self());
        CHECK_EQ(cc_thread_count(), records);
        if (available == 0) {
            begin_without_memory();
        }
    }
    cc_alloc_fail_from(-1);
    CHECK(cc_thread_self());
    CHECK_EQ(cc_thread_count(), records + 1);
    return NULL;
}

static void test_no_memory_for_a_record(void) {
    begin_test(
        "no memory for a record or for a group of records: the thread has none, and tries again");
    enum { MOST = 500 }; /* as many records as earlier tests have left, and a group */
    static pthread_t threads[MOST];
    pthread_t thread;
    int n = 0;
    map = cc_i64map_new();
    CHECK(map);
    CHECK_EQ(cc_i64map_put(map, 1, 16, NULL), CC_I64MAP_ABSENT);
    atomic_store(&all_here, 0);
    /* Until all records are in use, and the next one is the first of its group. */
    while (cc_thread_users() < cc_thread_count() || cc_thread_count() % CC_THREADS_IN_GROUP) {
        CHECK(n < MOST);
        CHECK_EQ(pthread_create(&threads[n++], NULL, only_be_there, NULL), 0);
        while (atomic_load(&all_here) < n) {
            usleep(100);
        }
    }
    CHECK_EQ(pthread_create(&thread, NULL, find_no_memory, NULL), 0);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    atomic_store(&may_end, 1);
    for (int i = 0; i < n; i++) {
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
    }
    CHECK_EQ(cc_thread_users(), 1);
    uintptr_t word;
    CHECK_EQ(cc_i64map_get(map, 1, &word), CC_I64MAP_PRESENT);
    CHECK_EQ(word, 16);
    CHECK(!cc_i64map_check(map));
    cc_i64map_free(map);
    check_at_rest(list);
}

/* ---------------------------------------------------------------- ending in the middle */

/* Open a region; under debra, also its read phase, in which the thread can be sent back to here. */
static void begin_to_read(cc_smr_domain *domain, cc_smr_guard *g) {
    CHECK_EQ(cc_smr_enter(domain, g), 0);
    CC_CHECKPOINT(g);
    cc_hold(g, 0, (uintptr_t)g);
}

static void *end_inside(void *argument) {
    cc_smr_guard g;
    begin_to_read(argument, &g);
    return NULL; /* against the rules; a cancelled thread does it */
}

/* Does a thread have a record as new, whoever had it before, and work? */
static void *begin_anew(void *argument) {
    uint64_t seed = (uint64_t)(uintptr_t)argument;
    cc_thread *self = cc_thread_self();
    CHECK(self);
    CHECK(cc_load_relaxed_u64(&self->lower) == CC_ERA_IDLE);
    CHECK_EQ(cc_load_relaxed_u32(&self->held_count), 0);
#if CC_HAS_INTERRUPTS
    if (cc_os_interrupt_signal()) {
        /* Outside of regions the handler does nothing; it must not jump to where another thread
         * once read. */
        CHECK_EQ(pthread_kill(pthread_self(), cc_os_interrupt_signal()), 0);
    }
#endif
    use_the_list(seed, 200);
    return NULL;
}

static void test_end_inside_a_region(void) {
    begin_test("a thread ends inside a region: it holds nothing up");
    pthread_t thread;
    for (int i = 0; i < 20; i++) {
        CHECK_EQ(pthread_create(&thread, NULL, end_inside, domain_of(list)), 0);
        pthread_join(thread, NULL);
        CHECK_EQ(pthread_create(&thread, NULL, begin_anew, (void *)(uintptr_t)i), 0);
        pthread_join(thread, NULL);
        use_the_list((uint64_t)i, 100);
        check_at_rest(list);
    }
}

static void end_this_thread(counted *c) {
    c->at_death = NULL;
    atomic_store(&c->magic, WORD_DEAD);
    atomic_fetch_sub(&words_alive, 1);
    free(c);
    pthread_exit(NULL); /* what CPython before 3.14 does to daemon threads at its end */
}

static void *end_while_releasing(void *argument) {
    (void)argument;
    uintptr_t value = word_new(1);
    counted_of(value)->at_death = end_this_thread;
    put_as(list, 0, 500, value, CC_PUT_ALWAYS, NULL, NULL);
    remove_as(list, 0, 500, NULL, NULL);
    CHECK(!"reached");
    return NULL;
}

static void *remove_one(void *argument) {
    (void)argument;
    int64_t before = words_alive;
    put_as(list, 0, 501, word_new(1), CC_PUT_ALWAYS, NULL, NULL);
    CHECK_EQ(remove_as(list, 0, 501, NULL, NULL), CC_FOUND);
    CHECK_EQ(cc_ordered_flush(list), 0);
    CHECK_EQ(words_alive,
             before); /* a record that still says "releasing" would put it off for ever */
    return NULL;
}

static void test_end_while_releasing(void) {
    begin_test("a thread ends in a release function: the next owner of its record can release");
    pthread_t thread;
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(pthread_create(&thread, NULL, end_while_releasing, NULL), 0);
        pthread_join(thread, NULL);
        CHECK_EQ(pthread_create(&thread, NULL, remove_one, NULL), 0);
        pthread_join(thread, NULL);
    }
    check_at_rest(list);
}

static pthread_key_t early_key, late_key;

static void use_at_exit(void *argument) {
    (void)argument;
    use_the_list(17, 40); /* before the library's own destructor or after it */
}

static void *leave_something_to_destructors(void *argument) {
    (void)argument;
    pthread_setspecific(early_key, &early_key);
    use_the_list(18, 40);
    pthread_setspecific(late_key, &late_key);
    return NULL;
}

static void test_use_in_destructors(void) {
    begin_test(
        "thread-specific destructors use a list, after the thread's record was given back too");
    uint32_t before = cc_thread_count();
    pthread_t thread;
    CHECK_EQ(pthread_key_create(&late_key, use_at_exit), 0);
    for (int i = 0; i < 100; i++) {
        CHECK_EQ(pthread_create(&thread, NULL, leave_something_to_destructors, NULL), 0);
        pthread_join(thread, NULL);
    }
    CHECK(cc_thread_count() <= before + 1);
    uint32_t in_use = 0;
    for (cc_thread *t = cc_thread_first(); t; t = t->next) {
        in_use += cc_thread_is_in_use(t);
    }
    CHECK_EQ(in_use, 1); /* ours */
    check_at_rest(list);
}

/* ---------------------------------------------------------------- fork */

enum { STANDING = 4, WORKING = 3 };

static _Atomic int standing, go_on, keep_working;

/* Stand in a region; under debra in its read phase. */
static void stand_reading(cc_smr_guard *g) {
    CC_CHECKPOINT(g);
    cc_hold(g, 3, (uintptr_t)g);
    atomic_fetch_add(&standing, 1);
    while (!atomic_load(&go_on)) {
        usleep(1000);
    }
    cc_end_reading(g);
}

static void *stand_inside(void *argument) {
    cc_smr_guard g;
    CHECK_EQ(cc_smr_enter(argument, &g), 0);
    stand_reading(&g);
    cc_smr_leave(&g);
    return NULL;
}

/* In a forked child: as many threads at once as records of dead ones. They wait for each other, so
 * that each has another record. */
static pthread_barrier_t all_have_begun;

static void *take_over(void *argument) {
    cc_thread_self();
    pthread_barrier_wait(&all_have_begun);
    return begin_anew(argument);
}

static void use_the_records_of_the_dead(int n) {
    pthread_t threads[8];
#ifdef CC_TSAN /* wants no new threads in a child of several */
    return;
#endif
    if (getenv("CC_TEST_EMULATED")) { /* see may_start_threads_after_fork */
        return;
    }
    CHECK(n <= 8);
    CHECK_EQ(pthread_barrier_init(&all_have_begun, NULL, (unsigned)n), 0);
    for (int i = 0; i < n; i++) {
        CHECK_EQ(pthread_create(&threads[i], NULL, take_over, (void *)(uintptr_t)i), 0);
    }
    for (int i = 0; i < n; i++) {
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
    }
    pthread_barrier_destroy(&all_have_begun);
}

static void test_fork_with_readers(void) {
    begin_test("fork while threads stand inside regions: in the child they hold nothing up");
    pthread_t threads[STANDING];
    cc_smr_domain *domain = domain_of(list);
    for (int i = 0; i < STANDING; i++) {
        CHECK_EQ(pthread_create(&threads[i], NULL, stand_inside, domain), 0);
    }
    while (atomic_load(&standing) < STANDING) {
        usleep(100);
    }
    /* Under debra so little that nobody is neutralized. */
    int64_t rounds = cc_ordered_scheme(list) == CC_SMR_DEBRA ? 8 : 50;
    for (int64_t i = 0; i < rounds; i++) {
        put_as(list, 0, 200 + i, word_new(i), CC_PUT_ALWAYS, NULL, NULL);
        remove_as(list, 0, 200 + i, NULL, NULL);
        put_as(list, 0, 300, word_new(i), CC_PUT_ALWAYS, NULL, NULL);
    }
    size_t pinned = cc_ordered_flush(list);
    uint32_t records = cc_thread_count();
    fflush(NULL);
    for (int round = 0; round < 3; round++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            alarm(60);
            CHECK_EQ(cc_ordered_flush(list), 0); /* all that the dead pinned */
            use_the_list(5, 1000);
            CHECK_EQ(cc_ordered_flush(list), 0);
            CHECK_NULL(cc_ordered_check(list));
            CHECK_EQ(cc_thread_count(), records);
            CHECK_EQ(cc_thread_users(), 1);
            use_the_records_of_the_dead(STANDING);
            CHECK_EQ(cc_thread_count(), records);
            CHECK_EQ(cc_thread_users(), 1);
            CHECK_EQ(cc_ordered_flush(list), 0);
            cc_ordered *another = cc_ordered_new(&cc_skiplist_operations, &deciding_words);
            put_as(another, 1, 1, word_new(1), CC_PUT_ALWAYS, NULL, NULL);
            cc_ordered_free(another);
            if (round == 2) { /* a child of the child */
                pid_t grandchild = fork();
                if (grandchild == 0) {
                    use_the_list(6, 1000);
                    CHECK_EQ(cc_ordered_flush(list), 0);
                    CHECK_NULL(cc_ordered_check(list));
                    _exit(0);
                }
                CHECK_EQ(wait_for(grandchild), 0);
            }
            cc_ordered_free(list);
            CHECK_EQ(words_alive, 0);
            _exit(0);
        }
        CHECK_EQ(wait_for(child), 0);
    }
    CHECK_EQ(cc_ordered_flush(list), pinned); /* here they stand as before */
    printf("    %zu things pinned here, none in the children\n", pinned);
    /* Under debra with tiny thresholds the readers are neutralized. */
    CHECK(pinned > 0 || (CC_SMALL_SIZES && cc_ordered_scheme(list) == CC_SMR_DEBRA));
    atomic_store(&go_on, 1);
    for (int i = 0; i < STANDING; i++) {
        pthread_join(threads[i], NULL);
    }
    check_at_rest(list);
}

static UNUSED void *work_on(void *argument) {
    uint64_t seed = (uint64_t)(uintptr_t)argument;
    while (atomic_load(&keep_working)) {
        use_the_list(seed++, 20);
    }
    return NULL;
}

static UNUSED void test_fork_with_writers(void) {
    begin_test("fork while threads insert and remove: the child can use the list and make others");
    pthread_t threads[WORKING];
    atomic_store(&keep_working, 1);
    for (int i = 0; i < WORKING; i++) {
        CHECK_EQ(pthread_create(&threads[i], NULL, work_on, (void *)(uintptr_t)(1000 * i)), 0);
    }
    int64_t rounds = scaled(40);
    for (int64_t i = 0; i < rounds; i++) {
        usleep(1000);
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            alarm(60);
            /* What a dead thread was at stays half done: words may be lost, counts be off by its
             * step. But operations work, on its key too. */
            use_the_list((uint64_t)i, 2000);
            use_the_records_of_the_dead(WORKING);
            for (int64_t number = 0; number < 100; number++) {
                uintptr_t value;
                put_as(list, 1, number, word_new(number), CC_PUT_ALWAYS, NULL, NULL);
                CHECK_EQ(get_as(list, 1, number, &value, NULL), CC_FOUND);
                CHECK_EQ(number_of(value), number);
                word_release(value);
                CHECK_EQ(remove_as(list, 1, number, NULL, NULL), CC_FOUND);
                CHECK_EQ(get_as(list, 1, number, &value, NULL), CC_ABSENT);
            }
            cc_ordered *another = cc_ordered_new(&cc_skiplist_operations, &deciding_words);
            for (int64_t number = 0; number < 100; number++) {
                put_as(another, 1, number, word_new(number), CC_PUT_ALWAYS, NULL, NULL);
            }
            check_at_rest(another);
            cc_ordered_free(another);
            cc_ordered_free(list);
            _exit(0);
        }
        CHECK_EQ(wait_for(child), 0);
    }
    atomic_store(&keep_working, 0);
    for (int i = 0; i < WORKING; i++) {
        pthread_join(threads[i], NULL);
    }
    check_at_rest(list);
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    use_scheme_of_the_environment();
    CHECK_EQ(pthread_key_create(&early_key, use_at_exit), 0); /* before the library makes its own */
    list = cc_ordered_new(&cc_skiplist_operations, &deciding_words);
    CHECK(list);
    test_reuse();
    test_fork_with_readers();
#if !CHECK_SANITIZED
    test_fork_with_writers(); /* sanitizers' allocators do not survive a fork among allocations */
#endif
    test_end_inside_a_region();
    test_use_in_destructors();
    test_end_while_releasing();
    test_many_at_once();
    test_threads_are_gone();
    test_no_memory_for_a_record();
    cc_ordered_free(list);
    CHECK_EQ(words_alive, 0);
    printf("passed\n");
    return 0;
}
