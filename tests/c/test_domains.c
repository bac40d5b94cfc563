/* SPDX-License-Identifier: BSD-3-Clause
 *
 * All domains of a process together: flushing them while containers come and go, from release
 * functions too, in several threads, and in a forked child.
 */

#include "memory/cc_alloc.h"
#include "memory/smr_fast.h"
#include "sleeper.h"
#include "words.h"

static _Atomic int64_t released;
static void (*_Atomic at_release)(uintptr_t word);

static void release_number(const void *context, uintptr_t word, unsigned kind) {
    CHECK(context == (const void *)&released);
    CHECK_EQ(kind, 3);
    atomic_fetch_add(&released, 1);
    void (*hook)(uintptr_t) = at_release;
    if (hook) {
        hook(word);
    }
}

static cc_smr_domain *domain_new(bool joins) {
    cc_smr_domain *d = cc_smr_domain_new(release_number, &released);
    CHECK(d);
    if (joins) {
        cc_smr_domain_join_flushes(d);
    }
    return d;
}

/* Hand `n` things over that any open region may have seen. */
static void retire(cc_smr_domain *d, int n) {
    for (int i = 0; i < n; i++) {
        CHECK_EQ(cc_smr_retire(d, (uintptr_t)i + 1, 3, 1, 16), 0);
    }
}

static void test_flush_all(void) {
    begin_test("a flush of the process releases what waits in every domain that has joined");
    enum { DOMAINS = 5, EACH = 20 };
    cc_smr_domain *domains[DOMAINS];
    sleeper readers[DOMAINS];
    CHECK_EQ(cc_smr_flush_all(), 0);
    CHECK(!cc_smr_anything_waits());
    released = 0;
    for (int i = 0; i < DOMAINS; i++) {
        domains[i] = domain_new(i != 0);
        readers[i] = (sleeper){.domain = domains[i], .leaves_quietly = true};
        start_sleeping(&readers[i]);
        retire(domains[i], EACH);
        CHECK_EQ(cc_smr_limbo_count(domains[i]), EACH);
    }
    CHECK(cc_smr_anything_waits());
    CHECK_EQ(cc_smr_flush_all(), DOMAINS * EACH); /* all of them are being read */
    CHECK_EQ(released, 0);
    CHECK(cc_smr_anything_waits());
    for (int i = 0; i < DOMAINS; i++) {
        stop_sleeping(&readers[i]);
        CHECK_EQ(cc_smr_flush_all(), (DOMAINS - (i ? i : 0)) * EACH); /* the first has not joined */
        CHECK_EQ(released, i * EACH);
    }
    CHECK(cc_smr_anything_waits()); /* in the one that has not */
    CHECK_EQ(cc_smr_flush(domains[0]), 0);
    CHECK_EQ(released, DOMAINS * EACH);
    CHECK_EQ(cc_smr_flush_all(), 0);
    CHECK(!cc_smr_anything_waits());
    for (int i = 0; i < DOMAINS; i++) {
        cc_smr_domain_free(domains[i]);
    }
    CHECK_EQ(released, DOMAINS * EACH);
    CHECK_EQ(cc_smr_flush_all(), 0);
}

/* ---------------------------------------------------------------- release functions that do
 * things */

static cc_smr_domain *flushed; /* the one whose things are being released */
static _Atomic int depth;

static void destroy_what_is_flushed(uintptr_t word) {
    if (word == 5) {
        cc_smr_domain_free(flushed);
        flushed = NULL;
    }
}

static void flush_again(uintptr_t word) {
    (void)word;
    CHECK_EQ(atomic_fetch_add(&depth, 1), 0); /* it only counts: releases do not nest */
    cc_smr_flush_all();
    atomic_fetch_sub(&depth, 1);
}

static void make_and_destroy(uintptr_t word) {
    cc_smr_domain *d[3];
    for (int i = 0; i < 3; i++) {
        d[i] = domain_new(true);
    }
    cc_smr_domain_free(d[word % 3]);
    cc_smr_domain_free(d[(word + 1) % 3]);
    cc_smr_domain_free(d[(word + 2) % 3]);
}

static void test_foreign_code(void) {
    begin_test("what is released by a flush of the process destroys, makes and flushes domains");
    void (*hooks[])(uintptr_t) = {destroy_what_is_flushed, flush_again, make_and_destroy};
    for (int i = 0; i < 3; i++) {
        flushed = domain_new(true);
        sleeper r = {.domain = flushed, .leaves_quietly = true};
        cc_smr_domain *second = domain_new(true);
        released = 0;
        start_sleeping(&r);
        retire(flushed, 10);
        stop_sleeping(&r);
        at_release = hooks[i];
        CHECK_EQ(cc_smr_flush_all(), 0);
        CHECK_EQ(released, 10); /* also those after the one that destroyed their domain */
        at_release = NULL;
        cc_smr_domain_free(flushed);
        cc_smr_domain_free(second);
    }
}

/* ---------------------------------------------------------------- many threads */

static _Atomic int64_t retired;

static void come_and_go(int index, void *argument) {
    (void)argument;
    rng r = rng_from((uint64_t)index);
    enum { KEPT = 8 };
    cc_smr_domain *mine[KEPT] = {0};
    for (int64_t i = scaled(20000); i > 0; i--) {
        cc_smr_domain **d = &mine[rng_below(&r, KEPT)];
        if (!*d) {
            *d = domain_new(rng_below(&r, 4) != 0);
        } else if (rng_below(&r, 2)) {
            cc_smr_guard g;
            CHECK_EQ(cc_smr_enter(*d, &g), 0);
            cc_smr_guard *open = &g;
            cc_thread *self = open->thread;
            CHECK_EQ(cc_reserve(self, 2), 0);
            /* Both wait: our own region is open. */
            cc_retire_to_limbo(*d, self, cc_take_spare(self), 1, 3, 1, 16);
            cc_retire_to_limbo(*d, self, cc_take_spare(self), 2, 3, 1, 16);
            atomic_fetch_add(&retired, 2);
            cc_leave(open);
        } else {
            cc_smr_domain_free(*d);
            *d = NULL;
        }
        if (rng_below(&r, 50) == 0) {
            cc_smr_flush_all();
        }
    }
    for (int i = 0; i < KEPT; i++) {
        cc_smr_domain_free(mine[i]);
    }
}

static void test_many_threads(void) {
    begin_test("four threads make, fill, destroy and flush domains: everything is released, once");
    released = retired = 0;
    run_threads(4, come_and_go, NULL);
    CHECK_EQ(cc_smr_flush_all(), 0);
    CHECK_EQ(released, retired);
    printf("    %" PRId64 " released\n", released);
    CHECK(retired > 0);
}

/* ---------------------------------------------------------------- fork */

static _Atomic int stop;

static void *keep_coming_and_going(void *argument) {
    (void)argument;
    while (!atomic_load(&stop)) {
        cc_smr_domain *d = domain_new(true);
        cc_smr_domain *e = domain_new(false);
        cc_smr_flush_all();
        cc_smr_domain_free(d);
        cc_smr_domain_free(e);
    }
    return NULL;
}

static void test_fork(void) {
    begin_test("a child of a process whose threads make, destroy and flush domains does so too");
    if (!may_start_threads_after_fork()) {
        return;
    }
#if CHECK_SANITIZED
    printf("    skipped: a sanitizer does not hold its allocator's locks across fork()\n");
    return;
#endif
    pthread_t threads[3];
    stop = 0;
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(pthread_create(&threads[i], NULL, keep_coming_and_going, NULL), 0);
    }
    for (int64_t i = scaled(100); i > 0; i--) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            alarm(20);
            cc_smr_domain *d = domain_new(true);
            sleeper r = {.domain = d, .leaves_quietly = true};
            released = 0;
            start_sleeping(&r);
            retire(d, 3);
            CHECK(cc_smr_flush_all() >= 3);
            stop_sleeping(&r);
            cc_smr_flush_all();
            CHECK_EQ(cc_smr_limbo_count(d), 0);
            CHECK_EQ(released, 3);
            cc_smr_domain_free(d);
            _exit(0);
        }
        CHECK_EQ(wait_for(child), 0);
    }
    atomic_store(&stop, 1);
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
    }
    CHECK_EQ(cc_smr_flush_all(), 0);
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    test_flush_all();
    test_foreign_code();
    test_many_threads();
    test_fork();
    printf("passed\n");
    return 0;
}
