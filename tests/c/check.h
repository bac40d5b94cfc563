/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What every test of the core needs: checks that end the program, threads that start together,
 * random numbers that can be repeated, and a size that slow surroundings may reduce
 * (CC_TEST_PERCENT).
 */
#ifndef CC_TEST_CHECK_H
#define CC_TEST_CHECK_H

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define UNUSED __attribute__((unused))
#if defined(_WIN32)
#define alarm(seconds) ((void)(seconds))
#else
#include <errno.h>
#include <sys/wait.h>
#endif

/* Does a sanitizer with an allocator of its own watch us? */
#if defined(CC_ASAN) || defined(CC_TSAN) || defined(__SANITIZE_ADDRESS__)
#define CHECK_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(memory_sanitizer)
#define CHECK_SANITIZED 1
#endif
#endif
#ifndef CHECK_SANITIZED
#define CHECK_SANITIZED 0
#endif

/* Is this a build in which every internal size is tiny (tests/sizes.txt)? */
#ifndef CC_SMALL_SIZES
#define CC_SMALL_SIZES 0
#endif

/* Not assert(): it must work in release builds too, and end the process from any thread. */
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: FAILED: %s\n", __FILE__, __LINE__, #condition);                \
            fflush(NULL);                                                                          \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

/* For numbers: says what they were. */
#define CHECK_EQ(actual, expected)                                                                 \
    do {                                                                                           \
        int64_t check_a = (int64_t)(actual), check_e = (int64_t)(expected);                        \
        if (check_a != check_e) {                                                                  \
            fprintf(stderr, "%s:%d: FAILED: %s is %" PRId64 ", not %s = %" PRId64 "\n", __FILE__,  \
                    __LINE__, #actual, check_a, #expected, check_e);                               \
            fflush(NULL);                                                                          \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

/* For functions that return NULL or a complaint. */
#define CHECK_NULL(complaint)                                                                      \
    do {                                                                                           \
        const char *check_c = (complaint);                                                         \
        if (check_c) {                                                                             \
            fprintf(stderr, "%s:%d: FAILED: %s\n", __FILE__, __LINE__, check_c);                   \
            fflush(NULL);                                                                          \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

/* qemu-user breaks down when the forked child of a process of several threads starts another
 * one. */
static inline UNUSED bool may_start_threads_after_fork(void) {
    if (getenv("CC_TEST_EMULATED")) {
        printf("    skipped: the emulator cannot start threads in a forked child\n");
        return false;
    }
    return true;
}

#if !defined(_WIN32)
/* Wait for the end of a child: 0 if it has ended by _exit(0), as waitpid has it. */
static inline UNUSED int wait_for(pid_t child) {
    int status;
    while (waitpid(child, &status, 0) < 0) {
        CHECK_EQ(errno, EINTR);
    }
    return status;
}
#endif

/* n, or the share of it that CC_TEST_PERCENT asks for; at least 1. */
static inline UNUSED int64_t scaled(int64_t n) {
    const char *text = getenv("CC_TEST_PERCENT");
    int64_t percent = text && atoi(text) > 0 ? atoi(text) : 100;
    int64_t share = n * percent / 100;
    return share > 0 ? share : 1;
}

/* Whether the core gives the processor away at its atomic accesses (yielding.c). What one thread does alone is the same
 * there, and tested by the same program without it, in every build. */
#if defined(CC_SCHED_OF_REAL_THREADS)
enum { IS_YIELDING = 1 };
#else
enum { IS_YIELDING = 0 };
#endif

/* Say what comes; a test that hangs is ended by a signal, so that the name is the last thing
 * printed. */
static inline UNUSED void begin_test(const char *what) {
    printf("%s\n", what);
    fflush(stdout);
    alarm(240);
}

static inline UNUSED double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---------------------------------------------------------------- random numbers */

typedef struct rng {
    uint64_t state;
    const uint8_t *bytes; /* what a fuzzer has chosen, in place of random numbers (fuzz/fuzz.h) */
    size_t left;
} rng;

/* CC_TEST_SEED (tools/soak) makes every run of a test another one. */
static inline UNUSED rng rng_from(uint64_t seed) {
    const char *text = getenv("CC_TEST_SEED");
    seed += text ? (uint64_t)atoll(text) << 32 : 0;
    rng r = {.state = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15)};
    return r;
}

static inline UNUSED uint64_t rng_next(rng *r) { /* splitmix64 */
    uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* As few of the chosen bytes as make such a number; 0 when there are no more. */
static inline UNUSED int64_t chosen_below(rng *r, int64_t n) {
    uint64_t number = 0;
    for (uint64_t most = (uint64_t)n - 1; most > 0 && r->left > 0; most >>= 8) {
        number = number << 8 | *r->bytes++;
        r->left--;
    }
    return (int64_t)(number % (uint64_t)n);
}

static inline UNUSED int64_t rng_below(rng *r, int64_t n) {
    if (r->bytes) {
        return chosen_below(r, n);
    }
    return (int64_t)(rng_next(r) % (uint64_t)n);
}

/* ---------------------------------------------------------------- threads */

typedef void (*thread_body)(int index, void *argument);

struct start_line {
    _Atomic int waiting;
    int threads;
    thread_body body;
    void *argument;
};

struct starter {
    struct start_line *line;
    int index;
    pthread_t thread;
};

static inline UNUSED void *start_together(void *argument) {
    struct starter *s = argument;
    atomic_fetch_sub(&s->line->waiting, 1);
    while (atomic_load(&s->line->waiting) > 0) {
        sched_yield();
    }
    s->line->body(s->index, s->line->argument);
    return NULL;
}

/* Run body(0..n-1, argument) in n threads that start at the same moment; return when all have
 * ended. */
static inline UNUSED void run_threads(int n, thread_body body, void *argument) {
    struct start_line line = {.waiting = n, .threads = n, .body = body, .argument = argument};
    struct starter *starters = calloc((size_t)n, sizeof *starters);
    pthread_attr_t small;
    CHECK(starters);
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 512 * 1024);
    for (int i = 0; i < n; i++) {
        starters[i].line = &line;
        starters[i].index = i;
        CHECK_EQ(pthread_create(&starters[i].thread, &small, start_together, &starters[i]), 0);
    }
    for (int i = 0; i < n; i++) {
        pthread_join(starters[i].thread, NULL);
    }
    pthread_attr_destroy(&small);
    free(starters);
}

/* Wait until so many have come, this one among them. */
static inline UNUSED void wait_for_all(_Atomic int64_t *came, int64_t so_many) {
    atomic_fetch_add(came, 1);
    while (atomic_load(came) < so_many) {
        sched_yield();
    }
}

#endif
