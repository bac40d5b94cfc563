/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Release functions that use containers themselves: what they put off is counted, bounded, comes to
 * its turn when the outermost one has returned, and goes to the right thread when theirs ends in
 * the middle.
 */
#include "check.h"
#include "memory/domain.h"
#include "memory/smr_fast.h"

enum { AT_ONCE = 300, NESTED = 4 }; /* a few more than WORTH_NESTING; MOST_NESTED_RELEASES */

typedef struct thing {
    void (*at_release)(void *argument);
    void *argument;
} thing;

static _Atomic int64_t alive, most_alive;
static _Atomic int depth, most_depth;
static _Thread_local int released_here;
static cc_smr_domain *domain;

static void raise_to(_Atomic int64_t *most, int64_t n) {
    if (n > *most) {
        *most = n;
    }
}

static uintptr_t new_thing(void (*at_release)(void *), void *argument) {
    thing *t = malloc(sizeof *t);
    CHECK(t);
    *t = (thing){at_release, argument};
    raise_to(&most_alive, ++alive);
    return (uintptr_t)t;
}

static void release_thing(const void *context, uintptr_t word, unsigned kind) {
    (void)context, (void)kind;
    thing t = *(thing *)word;
    free((thing *)word);
    alive--;
    released_here++;
    depth++;
    if (depth > most_depth) {
        most_depth = depth;
    }
    if (t.at_release) {
        t.at_release(t.argument);
    }
    depth--;
}

static void retire_in(cc_smr_domain *d, void (*at_release)(void *), void *argument) {
    CHECK_EQ(cc_smr_retire(d, new_thing(at_release, argument), 0, 1, 8), 0);
}

static void forget_most(void) {
    most_alive = 0;
    most_depth = 0;
}

/* ---------------------------------------------------------------- counting, and the bound */

static void retire_a_few(void *argument) {
    int n = *(int *)argument;
    for (int i = 0; i < n; i++) {
        retire_in(domain, NULL, NULL);
        CHECK_EQ(cc_smr_limbo_count(domain), i + 1);
    }
    cc_smr_domain_statistics one;
    cc_smr_statistics all;
    cc_smr_get_domain_statistics(domain, &one);
    cc_smr_get_statistics(&all);
    CHECK_EQ(one.limbo, n);
    CHECK_EQ(one.limbo_bytes, 8 * n);
    CHECK(all.limbo >= (uint64_t)n);
    CHECK_EQ(cc_smr_flush(domain), n);
    CHECK(cc_smr_flush_all() >= (size_t)n);
    CHECK(n == 0 || cc_smr_anything_waits());
}

static void test_counted(void) {
    begin_test("what a release function puts off is counted, and released when it has returned");
    for (int n = 0; n < 100; n += 9) {
        retire_in(domain, retire_a_few, &n);
        CHECK_EQ(alive, 0);
        CHECK_EQ(cc_smr_limbo_count(domain), 0);
    }
}

static void retire_for_long(void *argument) {
    int64_t n = *(int64_t *)argument;
    for (int64_t i = 0; i < n; i++) {
        retire_in(domain, NULL, NULL);
    }
}

static void test_bounded(void) {
    begin_test("a release function that retires for long: what waits for it is bounded");
    for (int64_t n = 100; n <= scaled(100000); n *= 10) {
        forget_most();
        retire_in(domain, retire_for_long, &n);
        CHECK_EQ(alive, 0);
        CHECK(most_alive <= AT_ONCE);
        CHECK(most_depth <= 2);
    }
}

/* Each of them retires as much again, until there have been enough. */
static int64_t still_to_retire;

static void retire_such_as_itself(void *argument) {
    for (int i = 0; i < 2 * AT_ONCE && still_to_retire > 0; i++) {
        still_to_retire--;
        retire_in(domain, retire_such_as_itself, argument);
    }
}

static void test_nested(void) {
    begin_test(
        "release functions that all retire for long: no deeper than a few, and nothing is lost");
    forget_most();
    still_to_retire = scaled(100000);
    retire_in(domain, retire_such_as_itself, NULL);
    CHECK_EQ(alive, 0);
    CHECK_EQ(still_to_retire, 0);
    CHECK_EQ(most_depth, NESTED);
    CHECK_EQ(cc_smr_limbo_count(domain), 0);
}

/* ---------------------------------------------------------------- destructions */

typedef struct destruction {
    cc_deferred deferred; /* first */
    void (*at_end)(void);
} destruction;

static void destroy(cc_deferred *item) {
    void (*at_end)(void) = ((destruction *)item)->at_end;
    free(item);
    alive--;
    if (at_end) {
        at_end();
    }
}

static void destroy_one(void (*at_end)(void)) {
    destruction *d = malloc(sizeof *d);
    CHECK(d);
    d->deferred.run = destroy;
    d->at_end = at_end;
    raise_to(&most_alive, ++alive);
    cc_run_or_defer(&d->deferred);
}

static void destroy_for_long(void *argument) {
    int64_t n = *(int64_t *)argument;
    cc_smr_statistics s;
    for (int64_t i = 0; i < n; i++) {
        destroy_one(NULL);
        if (i < 5) {
            cc_smr_get_statistics(&s);
            CHECK_EQ(s.limbo, i + 1);
            CHECK_EQ(cc_smr_flush_all(), i + 1);
        }
    }
}

static int64_t links;

static void destroy_the_next(void) {
    if (--links > 0) {
        destroy_one(destroy_the_next);
    }
}

static void test_destructions(void) {
    begin_test(
        "containers destroyed by release functions: counted, bounded, a long chain needs no stack");
    for (int64_t n = 100; n <= scaled(100000); n *= 10) {
        forget_most();
        retire_in(domain, destroy_for_long, &n);
        CHECK_EQ(alive, 0);
        CHECK(most_alive <= AT_ONCE);
    }
    links = scaled(1000000);
    forget_most();
    destroy_one(destroy_the_next);
    CHECK_EQ(links, 0);
    CHECK_EQ(alive, 0);
    CHECK(most_alive <= 2);
}

/* ---------------------------------------------------------------- domains */

enum { DOMAINS = CC_DOMAINS_TO_COME_BACK_TO + 4 };
static cc_smr_domain *domains[DOMAINS];

static void retire_everywhere(void *argument) {
    (void)argument;
    for (int i = 0; i < DOMAINS; i++) {
        retire_in(domains[i], NULL, NULL);
        CHECK_EQ(cc_smr_limbo_count(domains[i]), 1);
    }
}

/* What waits in a domain that nobody comes back to: the next flush finds it; or the domain's
 * end. */
static void test_many_domains(void) {
    begin_test("more domains than a thread comes back to: nothing is lost");
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < DOMAINS; i++) {
            domains[i] = cc_smr_domain_new(release_thing, NULL);
            CHECK(domains[i]);
        }
        retire_in(domain, retire_everywhere, NULL);
        CHECK_EQ(alive, DOMAINS - (int)CC_DOMAINS_TO_COME_BACK_TO);
        for (int i = 0; i < DOMAINS; i++) {
            if (round == 0) {
                CHECK_EQ(cc_smr_flush(domains[i]), 0);
            }
            cc_smr_domain_free(domains[i]);
        }
        CHECK_EQ(alive, 0);
    }
}

static void retire_and_free(void *argument) {
    (void)argument;
    cc_smr_domain *d = cc_smr_domain_new(release_thing, NULL);
    CHECK(d);
    retire_in(d, NULL, NULL);
    int64_t before = alive;
    cc_smr_domain_free(d);
    CHECK_EQ(alive, before - 1);
    CHECK_EQ(cc_load_relaxed_u32(&d->pins), 1); /* this thread's, which has to come back to it */
    for (int i = 0; i < 3; i++) {               /* its memory is nobody else's yet */
        cc_smr_domain *another = cc_smr_domain_new(release_thing, NULL);
        CHECK(another && another != d);
        cc_smr_domain_free(another);
    }
}

static void test_domain_is_gone(void) {
    begin_test("a domain is freed before the thread comes back to it");
    uint64_t count = cc_smr_domain_count();
    for (int i = 0; i < 100; i++) {
        retire_in(domain, retire_and_free, NULL);
    }
    CHECK_EQ(alive, 0);
    CHECK_EQ(cc_smr_domain_count(), count);
}

/* ---------------------------------------------------------------- threads that end inside */

static void leave_much_and_end(void *argument) {
    (void)argument;
    for (int i = 0; i < 3; i++) {
        retire_in(domain, NULL, NULL);
    }
    for (int i = 0; i < 2; i++) {
        destroy_one(NULL);
    }
    depth--;
    pthread_exit(NULL);
}

static uint32_t index_of_the_dead;

static void *end_inside(void *argument) {
    (void)argument;
    index_of_the_dead = cc_thread_self()->index;
    retire_in(domain, leave_much_and_end, NULL);
    for (int i = 0; i < 4; i++) {
        retire_in(domain, NULL, NULL);
    }
    CHECK_EQ(cc_smr_limbo_count(domain), 5); /* the main thread may have seen them */
    return NULL;
}

static _Atomic bool may_flush;

static void *retire_and_end_inside(void *argument) {
    end_inside(argument);
    may_flush = true;
    while (may_flush) {
        sched_yield();
    }
    cc_smr_flush(domain);
    CHECK(!"reached");
    return NULL;
}

/* As a thread without the interpreter: its own things are its business, others' are not. */
static void *take_the_record(void *argument) {
    cc_thread *self = cc_thread_self();
    CHECK_EQ(self->index, index_of_the_dead);
    CHECK_EQ(self->releases, 0);
    released_here = 0;
    for (int i = 0; i < 100; i++) {
        retire_in(argument, NULL, NULL);
        destroy_one(NULL);
    }
    CHECK_EQ(cc_smr_flush(argument), 0);
    CHECK_EQ(released_here, 100);
    return NULL;
}

static void test_end_inside(void) {
    begin_test("a thread ends inside a release function: what it leaves waits for a flush, not for "
               "its record");
    cc_smr_domain *of_others = cc_smr_domain_new(release_thing, NULL);
    CHECK(of_others);
    for (int round = 0; round < 3; round++) {
        pthread_t thread;
        cc_smr_guard g;
        CHECK_EQ(cc_smr_enter(domain, &g), 0);
        may_flush = false;
        CHECK_EQ(pthread_create(&thread, NULL, retire_and_end_inside, NULL), 0);
        while (!may_flush) {
            sched_yield();
        }
        cc_leave(&g); /* without a poll */
        may_flush = false;
        CHECK_EQ(pthread_join(thread, NULL), 0);
        CHECK_EQ(alive, 4 + 3 + 2);
        CHECK_EQ(pthread_create(&thread, NULL, take_the_record, of_others), 0);
        CHECK_EQ(pthread_join(thread, NULL), 0);
        CHECK_EQ(alive, 4 + 3 + 2);
        CHECK_EQ(cc_smr_limbo_count(domain), 3);
        CHECK(cc_smr_anything_waits());
        cc_smr_statistics s;
        cc_smr_get_statistics(&s);
        CHECK_EQ(s.limbo, 4 + 3 + 2);
        released_here = 0;
        CHECK_EQ(cc_smr_flush_all(), 0);
        CHECK_EQ(alive, 0);
        CHECK_EQ(released_here, 4 + 3);
    }
    cc_smr_domain_free(of_others);
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    domain = cc_smr_domain_new(release_thing, NULL);
    CHECK(domain);
    cc_smr_domain_join_flushes(domain);
    test_counted();
    test_bounded();
    test_nested();
    test_destructions();
    test_many_domains();
    test_domain_is_gone();
    test_end_inside();
    cc_smr_domain_free(domain);
    CHECK_EQ(alive, 0);
    printf("passed\n");
    return 0;
}
