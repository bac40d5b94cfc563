/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The queues of the core without Python: nanoseconds of an operation, and what several threads do together.
 *
 *   core_queue [--seconds S] [--repeats N] [--threads 1,2,8]
 *
 * Built and run by run_core.sh queue. The contestants take turns; figures are medians (smallest-largest). "an atomic addition" is
 * the unit that makes machines comparable: every put and every get need one at least.
 * With more than one thread: "in a crowd" is with burst back-off (csrc/queue/burst_backoff.h) switched off.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measuring.h"
#include "queue/scq.c" /* its index ring is inside */

enum { MOST_THREADS = 64, MOST_REPEATS = 99, BATCH = 64, BURST = 256, LONGEST = 10000 };

typedef enum { PAIRS, BURSTS, PRODUCERS_AND_CONSUMERS } workload;

static const char *const workload_names[] = {"pairs", "bursts", "half put, half get"};

typedef struct team {
    cc_queue *queue;
    workload what;
    int threads;
    _Atomic int ready, next;
    _Atomic bool stop;
    struct {
        _Atomic int64_t operations; /* so far */
        char rest_of_line[CC_CACHE_LINE - 8];
    } of[MOST_THREADS];
} team;

static void must_get(team *t) {
    uintptr_t word;
    while (cc_queue_get(t->queue, &word) != CC_QUEUE_OK && !t->stop) {
    }
}

static void *play(void *argument) {
    team *t = argument;
    int index = t->next++;
    int64_t operations = 0;
    t->ready++;
    while (t->ready < t->threads) {
    }
    while (!t->stop) {
        if (t->what == PAIRS) {
            for (int i = 0; i < BATCH; i++) {
                cc_queue_put(t->queue, 8);
                must_get(t);
            }
            operations += 2 * BATCH;
        } else if (t->what == BURSTS) {
            for (int i = 0; i < BURST; i++) {
                cc_queue_put(t->queue, 8);
            }
            for (int i = 0; i < BURST; i++) {
                must_get(t);
            }
            operations += 2 * BURST;
        } else if (index % 2 == 0) {
            for (int i = 0; i < BATCH; i++) {
                cc_queue_put(t->queue, 8);
            }
            operations += BATCH;
            while (cc_queue_length(t->queue) > LONGEST && !t->stop) {
                nanosleep(&(struct timespec){0, 1000}, NULL);
            }
        } else {
            for (int i = 0; i < BATCH; i++) {
                must_get(t);
            }
            operations += BATCH;
        }
        atomic_store_explicit(&t->of[index].operations, operations, memory_order_relaxed);
    }
    return NULL;
}

static int64_t operations_of_all(team *t) {
    int64_t sum = 0;
    for (int i = 0; i < t->threads; i++) {
        sum += t->of[i].operations;
    }
    return sum;
}

static void sleep_for(double seconds) {
    struct timespec t = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&t, NULL);
}

/* Nanoseconds from one operation to the next, of all threads together. New threads share a processor for a while, so
 * what they do at first does not count. */
static double play_together(cc_queue_kind kind, cc_queue_options options, workload what,
                            int threads, double seconds) {
    static team t;
    memset((void *)&t, 0, sizeof t);
    t.queue = cc_queue_new(kind, &options);
    t.what = what;
    t.threads = threads;
    pthread_t ids[MOST_THREADS];
    if (!t.queue) {
        fprintf(stderr, "core_queue: no memory\n");
        exit(1);
    }
    for (int i = 0; i < threads; i++) {
        pthread_create(&ids[i], NULL, play, &t);
    }
    while (t.ready < threads) {
    }
    sleep_for(threads > 1 ? 0.3 : 0.02);
    int64_t before = operations_of_all(&t);
    double start = seconds_of(CLOCK_MONOTONIC);
    sleep_for(seconds);
    int64_t operations = operations_of_all(&t) - before;
    double elapsed = seconds_of(CLOCK_MONOTONIC) - start;
    t.stop = true;
    for (int i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
    }
    cc_queue_free(t.queue, NULL);
    return elapsed / (double)operations * 1e9;
}

static double time_additions(double seconds) {
    static cc_atomic_u64 counter;
    double start = seconds_of(CLOCK_MONOTONIC), now;
    int64_t operations = 0;
    do {
        for (int i = 0; i < 10000; i++) {
            cc_fetch_add_seq_cst_u64(&counter, 1);
        }
        operations += 10000;
        now = seconds_of(CLOCK_MONOTONIC);
    } while (now - start < seconds);
    return (now - start) / (double)operations * 1e9;
}

/* An index goes round: entered and taken, as the published figure for an "SCQ" is measured. */
static double time_index_ring(double seconds) {
    enum { SLOTS = 64 };
    static index_ring ring;
    static cc_atomic_u32 entries[2 * SLOTS];
    fill_index_ring(&ring, entries, 2 * SLOTS - 1, 0, 1, 1);
    uint64_t limit = UINT64_C(1) << 62;
    double start = seconds_of(CLOCK_MONOTONIC), now = start;
    int64_t operations = 0;
    while (now - start < seconds) {
        for (int i = 0; i < 10000; i++) {
            uint32_t index = take_index(&ring, entries, 2 * SLOTS - 1, limit, 0);
            put_index(&ring, entries, 2 * SLOTS - 1, limit, index);
        }
        operations += 20000;
        now = seconds_of(CLOCK_MONOTONIC);
        if (cc_load_relaxed_u64(&ring.tail) >
            tickets_of(2 * SLOTS - 1) - 40000) { /* cycles do not wrap around */
            fill_index_ring(&ring, entries, 2 * SLOTS - 1, 0, 1, 1);
        }
    }
    return (now - start) / (double)operations * 1e9;
}

static void print_row(const char *name, double *times, int repeats, double unit) {
    sort_doubles(times, repeats);
    printf("| %-34s | %6.1f (%.1f-%.1f) | %5.2f |\n", name, times[repeats / 2], times[0],
           times[repeats - 1], times[repeats / 2] / unit);
}

typedef struct contestant {
    const char *name;
    cc_queue_kind kind;
    cc_queue_options options;
} contestant;

static const contestant contestants[] = {
    {"SCQ", CC_QUEUE_SCQ, {0}},
    {"SCQ, at most 1000", CC_QUEUE_SCQ, {.capacity = 1000}},
    {"FAAArrayQueue", CC_QUEUE_FAA, {0}},
    {"FAAArrayQueue, at most 1000", CC_QUEUE_FAA, {.capacity = 1000}},
    {"FAAArrayQueue, at most 10", CC_QUEUE_FAA, {.capacity = 10}},
    {"SCQ, at most 10", CC_QUEUE_SCQ, {.capacity = 10}},
    {"LCRQ", CC_QUEUE_LCRQ, {0}},
    {"LCRQ, at most 1000", CC_QUEUE_LCRQ, {.capacity = 1000}},
    {"wCQ", CC_QUEUE_WAIT_FREE, {0}},
    {"wCQ, at most 1000", CC_QUEUE_WAIT_FREE, {.capacity = 1000}},
    {"CRTurn", CC_QUEUE_CRTURN, {0}},
};
enum { CONTESTANTS = sizeof contestants / sizeof *contestants };

int main(int argc, char **argv) {
    double seconds = 0.1;
    int repeats = 7;
    const char *threads = "1,2,8";
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--seconds") == 0) {
            seconds = atof(argv[i + 1]);
        } else if (strcmp(argv[i], "--repeats") == 0) {
            repeats = atoi(argv[i + 1]);
        } else if (strcmp(argv[i], "--threads") == 0) {
            threads = argv[i + 1];
        } else {
            fprintf(stderr, "core_queue: unknown option %s\n", argv[i]);
            return 2;
        }
    }
    if (argc % 2 == 0 || repeats < 1 || repeats > MOST_REPEATS || !(seconds > 0)) {
        fprintf(stderr, "core_queue [--seconds S] [--repeats 1..%d] [--threads 1,2,8]\n",
                MOST_REPEATS);
        return 2;
    }
    double additions[MOST_REPEATS], indices[MOST_REPEATS];
    for (int r = 0; r < repeats; r++) {
        additions[r] = time_additions(seconds);
        indices[r] = time_index_ring(seconds);
    }
    sort_doubles(additions, repeats);
    double unit = additions[repeats / 2];
    printf("| one thread | ns an operation | additions |\n|---|---|---|\n");
    print_row("an atomic addition", additions, repeats, unit);
    print_row("index ring of SCQ", indices, repeats, unit);
    for (const char *at = threads; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        int n = atoi(at);
        if (n < 1 || n > MOST_THREADS) {
            fprintf(stderr, "core_queue: threads: from 1 to %d\n", MOST_THREADS);
            return 2;
        }
        for (int what = n == 1 ? PAIRS : 0; what <= (n == 1 ? BURSTS : PRODUCERS_AND_CONSUMERS);
             what++) {
            static double times[2][CONTESTANTS][MOST_REPEATS];
            for (int r = 0; r < repeats; r++) {
                for (int c = 0; c < CONTESTANTS; c++) {
                    if (!cc_queue_kind_is_available(contestants[c].kind)) {
                        continue;
                    }
                    for (int crowd = 0; crowd < (n == 1 ? 1 : 2); crowd++) {
                        cc_queue_options options = contestants[c].options;
                        options.backoff_wait = (uint32_t)crowd;
                        times[crowd][c][r] =
                            play_together(contestants[c].kind, options, (workload)what, n, seconds);
                    }
                }
            }
            printf("\n| %s, %d threads | ns an operation | additions |\n|---|---|---|\n",
                   workload_names[what], n);
            for (int c = 0; c < CONTESTANTS; c++) {
                if (!cc_queue_kind_is_available(contestants[c].kind)) {
                    continue;
                }
                print_row(contestants[c].name, times[0][c], repeats, unit);
                if (n > 1) {
                    char name[64];
                    snprintf(name, sizeof name, "%s, in a crowd", contestants[c].name);
                    print_row(name, times[1][c], repeats, unit);
                }
            }
            fflush(stdout);
        }
    }
    return 0;
}
