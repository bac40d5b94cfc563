/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A thread that stops inside a region of a domain until it is woken.
 */
#ifndef CC_TEST_SLEEPER_H
#define CC_TEST_SLEEPER_H

#include <pthread.h>
#include <unistd.h>

#include "check.h"
#include "memory/smr_fast.h"

typedef struct sleeper {
    cc_smr_domain *domain;
    const cc_atomic_uptr *reads; /* what it protects while it sleeps; NULL: nothing */
    void (*looks_at)(uintptr_t word); /* at what it has protected, when it wakes */
    bool leaves_quietly; /* without releasing what waits */
    pthread_t thread;
    _Atomic int inside, wake;
} sleeper;

static inline UNUSED void *sleep_inside(void *argument) {
    sleeper *s = argument;
    uintptr_t word = 0;
    cc_smr_guard g;
    CHECK_EQ(cc_smr_enter(s->domain, &g), 0);
    if (s->reads) {
        word = cc_smr_protect(&g, s->reads);
    }
    atomic_store(&s->inside, 1);
    while (!atomic_load(&s->wake)) {
        usleep(100);
    }
    if (word && s->looks_at) {
        s->looks_at(word);
    }
    if (s->leaves_quietly) {
        cc_leave(&g);
    } else {
        cc_smr_leave(&g);
    }
    return NULL;
}

/* Runs `body`, which says when it is inside. */
static inline UNUSED void start_inside(sleeper *s, void *(*body)(void *)) {
    CHECK_EQ(pthread_create(&s->thread, NULL, body, s), 0);
    while (!atomic_load(&s->inside)) {
        usleep(100);
    }
}

static inline UNUSED void start_sleeping(sleeper *s) {
    start_inside(s, sleep_inside);
}

static inline UNUSED void stop_sleeping(sleeper *s) {
    atomic_store(&s->wake, 1);
    pthread_join(s->thread, NULL);
}

#endif
