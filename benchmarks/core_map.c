/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The core of SkipListMap without an interpreter: cc_i64map: gets of keys that are there and that
 * are not, 80/10/10, and insertions, for maps.py's sizes and
 * numbers of threads. What maps.py measures beyond this is CPython and the object layer.
 *
 *   benchmarks/run_core.sh [--only get|miss|uniform|returning|insert] [--keys N] [--threads N] [--repeats N] [--seconds S]
 *                          [--scheme ibr|debra]
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "concurrent_collections/cc_i64map.h"
#include "concurrent_collections/cc_smr.h"
#include "measuring.h"
#include "memory/cc_alloc.h"

#define CHUNK 256
#define MOST_REPEATS 100

enum workload { GET, MISS, UNIFORM, RETURNING, INSERT, WORKLOADS };
static const char *const titles[] = {"get", "miss", "uniform", "returning", "insert"};

typedef struct operation {
    int64_t key;
    int what; /* 0 get, 1 put, 2 remove */
} operation;

typedef struct job {
    cc_i64map *map;
    const operation *operations;
    size_t count;
    double seconds; /* 0: once through */
    pthread_barrier_t *start;
    double began, ended, cpu;
    size_t done;
    uint64_t sum;
} job;

static uint64_t next_random(uint64_t *state) {
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static int64_t key_number(uint64_t i) {
    return 1000 + 2 * (int64_t)i;
}

static void run(job *j, size_t from, size_t to) {
    uint64_t sum = 0; /* not in the job: its neighbours' lie in the same line */
    for (size_t i = from; i < to; i++) {
        const operation *o = &j->operations[i];
        uintptr_t value = 0;
        if (o->what == 0) {
            cc_i64map_get(j->map, o->key, &value);
            sum += value;
        } else if (o->what == 1) {
            cc_i64map_put(j->map, o->key, (uintptr_t)o->key, NULL);
        } else {
            cc_i64map_remove(j->map, o->key, NULL);
        }
    }
    j->sum += sum;
}

static void *work(void *argument) {
    job *j = argument;
    size_t at = 0;
    if (j->seconds > 0) {
        run(j, 0, j->count); /* warm */
    }
    pthread_barrier_wait(j->start);
    j->began = seconds_of(CLOCK_MONOTONIC);
    double cpu = seconds_of(CLOCK_THREAD_CPUTIME_ID);
    do {
        size_t to = at + CHUNK < j->count ? at + CHUNK : j->count;
        run(j, at, to);
        j->done += to - at;
        at = to == j->count ? 0 : to;
        j->ended = seconds_of(CLOCK_MONOTONIC);
    } while (j->seconds > 0 ? j->ended < j->began + j->seconds : at != 0);
    j->cpu = seconds_of(CLOCK_THREAD_CPUTIME_ID) - cpu;
    return NULL;
}

static operation *make_operations(enum workload w, const int64_t *keys, size_t n, int thread,
                                  int threads, size_t *count) {
    uint64_t random = 1000 + (uint64_t)thread;
    const bool reads = w == GET || w == MISS;
    size_t total = reads             ? n
                   : w == INSERT     ? n / (size_t)threads
                   : 4 * n < 1000000 ? 4 * n
                                     : 1000000;
    if (w != INSERT && (!reads || n > 100000)) {
        total = total / (size_t)threads > 20000 ? total / (size_t)threads : 20000;
    }
    operation *list = malloc((total + 1) * sizeof *list);
    int64_t gone = -1;
    for (size_t i = 0; i < total; i++) {
        uint64_t r = next_random(&random);
        int64_t key = keys[r % n];
        unsigned x = (unsigned)(r >> 40) % 10;
        int what = reads || x < 8 ? 0 : x == 8 ? 1 : 2;
        if (w == MISS) {
            key++;
        } else if (w == INSERT) {
            what = 1;
            key = keys[i * (size_t)threads + (size_t)thread];
        } else if (w == RETURNING && x >= 8) {
            if (gone < 0) {
                /* one of the keys that only this thread takes out */
                size_t own = r % (n / (size_t)threads) * (size_t)threads + (size_t)thread;
                gone = key = keys[own];
                what = 2;
            } else {
                key = gone;
                gone = -1;
                what = 1;
            }
        }
        list[i] = (operation){key, what};
    }
    if (gone >= 0) {
        list[total++] = (operation){gone, 1};
    }
    *count = total;
    return list;
}

static cc_i64map *filled(const int64_t *keys, size_t n) {
    cc_i64map *map = cc_i64map_new();
    for (size_t i = 0; i < n; i++) {
        cc_i64map_put(map, keys[i], (uintptr_t)keys[i], NULL);
    }
    return map;
}

static void measure(enum workload w, size_t n, int threads, int repeats, double seconds) {
    int64_t *keys = malloc(n * sizeof *keys);
    uint64_t random = 1;
    for (size_t i = 0; i < n; i++) {
        size_t j = next_random(&random) % (i + 1);
        keys[i] = keys[j];
        keys[j] = key_number(i);
    }
    job *jobs = calloc((size_t)threads, sizeof *jobs);
    pthread_t *ids = calloc((size_t)threads, sizeof *ids);
    double rates[MOST_REPEATS], cpu[MOST_REPEATS];
    cc_i64map *map = w == INSERT ? NULL : filled(keys, w == UNIFORM ? n / 2 : n);
    for (int i = 0; i < threads; i++) {
        jobs[i].operations = make_operations(w, keys, n, i, threads, &jobs[i].count);
    }
    for (int r = 0; r < repeats; r++) {
        pthread_barrier_t start;
        pthread_barrier_init(&start, NULL, (unsigned)threads);
        if (w == INSERT) {
            cc_i64map_free(map);
            map = cc_i64map_new();
        }
        for (int i = 0; i < threads; i++) {
            jobs[i].map = map;
            jobs[i].start = &start;
            jobs[i].seconds = w == INSERT ? 0 : seconds;
            jobs[i].done = 0;
            pthread_create(&ids[i], NULL, work, &jobs[i]);
        }
        double began = 1e300, ended = 0, used = 0;
        size_t done = 0;
        for (int i = 0; i < threads; i++) {
            pthread_join(ids[i], NULL);
            began = jobs[i].began < began ? jobs[i].began : began;
            ended = jobs[i].ended > ended ? jobs[i].ended : ended;
            used += jobs[i].cpu;
            done += jobs[i].done;
        }
        pthread_barrier_destroy(&start);
        rates[r] = (double)done / (ended - began) / 1e6;
        cpu[r] = used / (double)done * 1e9;
    }
    sort_doubles(rates, repeats);
    sort_doubles(cpu, repeats);
    const char *broken = cc_i64map_check(map);
    size_t length = cc_i64map_length(map), before_flush = cc_i64map_bytes(map);
    size_t waiting = cc_i64map_flush(map);
    printf("| %-9s | %7zu | %d | %5.2f (%.2f-%.2f) | %7.1f | %5.1f | %5.1f (%zu wait) |%s%s\n",
           titles[w], n, threads, rates[repeats / 2], rates[0], rates[repeats - 1],
           cpu[repeats / 2], (double)before_flush / (double)(length ? length : 1),
           (double)cc_i64map_bytes(map) / (double)(length ? length : 1), waiting,
           broken ? " BROKEN: " : "", broken ? broken : "");
    fflush(stdout);
    for (int i = 0; i < threads; i++) {
        free((void *)jobs[i].operations);
    }
    cc_i64map_free(map);
    free(jobs);
    free(ids);
    free(keys);
    if (broken) {
        exit(1);
    }
}

int main(int argc, char **argv) {
    size_t sizes[] = {10000, 100000, 1000000};
    int teams[] = {1, 2, 8};
    long keys = 0;
    int threads = 0, repeats = 5;
    double seconds = 0.4;
    const char *only = NULL;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--only")) {
            only = argv[i + 1];
        } else if (!strcmp(argv[i], "--keys")) {
            keys = atol(argv[i + 1]);
        } else if (!strcmp(argv[i], "--threads")) {
            threads = atoi(argv[i + 1]);
        } else if (!strcmp(argv[i], "--repeats")) {
            repeats = atoi(argv[i + 1]);
        } else if (!strcmp(argv[i], "--scheme")) {
            cc_store_relaxed_u32(&cc_smr_settings.scheme,
                                 strcmp(argv[i + 1], "debra") ? CC_SMR_IBR : CC_SMR_DEBRA);
        } else if (!strcmp(argv[i], "--seconds")) {
            seconds = atof(argv[i + 1]);
        } else {
            fprintf(stderr, "core_map: unknown option %s\n", argv[i]);
            return 2;
        }
    }
    if (repeats < 1 || repeats > MOST_REPEATS) {
        fprintf(stderr, "core_map: --repeats is 1 to %d\n", MOST_REPEATS);
        return 2;
    }
    double load[1];
    printf("cc_i64map, %s; load %.2f; median (min-max) of %d windows of %.2f s\n", cc_alloc_name(),
           getloadavg(load, 1) == 1 ? load[0] : -1.0, repeats, seconds);
    printf("| workload  |    keys | threads | M/s | CPU ns/op | bytes/entry "
           "|\n|---|---|---|---|---|---|\n");
    for (int w = 0; w < WORKLOADS; w++) {
        for (int s = 0; s < 3; s++) {
            for (int t = 0; t < 3; t++) {
                size_t n = keys ? (size_t)keys : sizes[s];
                int team = threads ? threads : teams[t];
                if ((only && strcmp(only, titles[w])) || (keys && s) || (threads && t)) {
                    continue;
                }
                measure((enum workload)w, n, team, repeats, seconds);
            }
        }
    }
    return 0;
}
