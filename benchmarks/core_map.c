/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The cores of ordered maps without an interpreter, with int64 keys: look-ups of keys that are
 * there and that are not, floor, scans of 100 entries, 80/10/10, insertions and removals, for
 * maps.py's sizes and numbers of threads. What maps.py measures beyond this is CPython and the
 * object layer. run_java.sh does the same with Java's map, but for scans.
 *
 *   benchmarks/run_core.sh [--kind skiplist|locked|tree] [--only get|miss|floor|scan|uniform|returning|insert|remove]
 *                          [--keys N] [--threads N] [--repeats N] [--seconds S] [--scheme ibr|debra]
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "concurrent_collections/cc_smr.h"
#include "measuring.h"
#include "memory/cc_alloc.h"
#include "ordered/bptree.h"
#include "ordered/ordered.h"
#include "ordered/skiplist.h"
#include "ordered/skiplist_locked.h"

#define CHUNK 256
#define SCANNED 100
#define MOST_REPEATS 100

enum workload { GET, MISS, FLOOR, SCAN, UNIFORM, RETURNING, INSERT, REMOVE, WORKLOADS };
static const char *const titles[] = {"get",     "miss",      "floor",  "scan",
                                     "uniform", "returning", "insert", "remove"};

static const struct {
    const char *name;
    const cc_ordered_operations *operations;
} kinds[] = {{"skiplist", &cc_skiplist_operations},
             {"locked", &cc_skiplist_locked_operations},
             {"tree", &cc_bptree_operations}};
enum { KINDS = sizeof kinds / sizeof *kinds };

static const cc_word_table plain_words = {0};

typedef struct operation {
    int64_t key;
    enum { DO_GET, DO_PUT, DO_REMOVE, DO_FLOOR, DO_SCAN } what;
} operation;

typedef struct job {
    cc_ordered *map;
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

/* As cc_i64map has it: no key is ever compared by a function. */
static inline cc_search search_for(int64_t key) {
    uint64_t digest = (uint64_t)key ^ UINT64_C(1) << 63;
    return (cc_search){.digest = digest, .hash = cc_mix(digest)};
}

static void run(job *j, size_t from, size_t to) {
    uint64_t sum = 0; /* not in the job: its neighbours' lie in the same line */
    for (size_t i = from; i < to; i++) {
        const operation *o = &j->operations[i];
        uintptr_t value = 0;
        cc_entry entry, entries[SCANNED];
        size_t count;
        cc_search s = search_for(o->key);
        switch (o->what) {
        case DO_GET:
            cc_ordered_get(j->map, &s, &value);
            sum += value;
            break;
        case DO_PUT:
            cc_ordered_put(j->map, &s, (uintptr_t)o->key, CC_PUT_ALWAYS, NULL);
            break;
        case DO_REMOVE:
            cc_ordered_remove(j->map, &s, NULL);
            break;
        case DO_FLOOR:
            sum += cc_ordered_neighbour(j->map, &s, CC_FLOOR, &entry) == CC_FOUND ? entry.value : 0;
            break;
        case DO_SCAN:
            cc_ordered_scan_up(j->map, &s, 0, entries, SCANNED, &count);
            sum += count;
            break;
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

/* Each key once, after which the map is another one. */
static bool is_once(enum workload w) {
    return w == INSERT || w == REMOVE;
}

static operation *make_operations(enum workload w, const int64_t *keys, size_t n, int thread,
                                  int threads, size_t *count) {
    uint64_t random = 1000 + (uint64_t)thread;
    const bool reads = w == GET || w == MISS || w == FLOOR || w == SCAN;
    size_t total = reads ? n : is_once(w) ? n / (size_t)threads : 4 * n < 1000000 ? 4 * n : 1000000;
    if (!is_once(w) && (!reads || n > 100000)) {
        total = total / (size_t)threads > 20000 ? total / (size_t)threads : 20000;
    }
    operation *list = malloc((total + 1) * sizeof *list);
    int64_t gone = -1;
    for (size_t i = 0; i < total; i++) {
        uint64_t r = next_random(&random);
        int64_t key = keys[r % n];
        unsigned x = (unsigned)(r >> 40) % 10;
        int what = w == FLOOR       ? DO_FLOOR
                   : w == SCAN      ? DO_SCAN
                   : reads || x < 8 ? DO_GET
                   : x == 8         ? DO_PUT
                                    : DO_REMOVE;
        if (w == MISS || w == FLOOR) {
            key++;
        } else if (is_once(w)) {
            what = w == INSERT ? DO_PUT : DO_REMOVE;
            size_t at = i * (size_t)threads + (size_t)thread;
            key = keys[w == INSERT ? at : (at + n / 3) % n]; /* not in the order they came */
        } else if (w == RETURNING && x >= 8) {
            if (gone < 0) {
                /* one of the keys that only this thread takes out */
                size_t own = r % (n / (size_t)threads) * (size_t)threads + (size_t)thread;
                gone = key = keys[own];
                what = DO_REMOVE;
            } else {
                key = gone;
                gone = -1;
                what = DO_PUT;
            }
        }
        list[i] = (operation){.key = key, .what = what};
    }
    if (gone >= 0) {
        list[total++] = (operation){gone, DO_PUT};
    }
    *count = total;
    return list;
}

static cc_ordered *filled(int kind, const int64_t *keys, size_t n) {
    cc_ordered *map = cc_ordered_new(kinds[kind].operations, &plain_words);
    for (size_t i = 0; i < n; i++) {
        cc_search s = search_for(keys[i]);
        cc_ordered_put(map, &s, (uintptr_t)keys[i], CC_PUT_ALWAYS, NULL);
    }
    return map;
}

static void measure(int kind, enum workload w, size_t n, int threads, int repeats, double seconds) {
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
    cc_ordered *map = is_once(w) ? NULL : filled(kind, keys, w == UNIFORM ? n / 2 : n);
    for (int i = 0; i < threads; i++) {
        jobs[i].operations = make_operations(w, keys, n, i, threads, &jobs[i].count);
    }
    for (int r = 0; r < repeats; r++) {
        pthread_barrier_t start;
        pthread_barrier_init(&start, NULL, (unsigned)threads);
        if (is_once(w)) {
            cc_ordered_free(map);
            map = filled(kind, keys, w == INSERT ? 0 : n);
        }
        for (int i = 0; i < threads; i++) {
            jobs[i].map = map;
            jobs[i].start = &start;
            jobs[i].seconds = is_once(w) ? 0 : seconds;
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
    const char *broken = cc_ordered_check(map);
    size_t length = cc_ordered_length(map), before_flush = cc_ordered_bytes(map);
    size_t waiting = cc_ordered_flush(map);
    printf("| %-8s | %-9s | %7zu | %d | %5.2f (%.2f-%.2f) | %7.1f ", kinds[kind].name, titles[w], n,
           threads, rates[repeats / 2], rates[0], rates[repeats - 1], cpu[repeats / 2]);
    if (length) {
        printf("| %5.1f | %5.1f (%zu wait) |", (double)before_flush / (double)length,
               (double)cc_ordered_bytes(map) / (double)length, waiting);
    } else {
        printf("|       |                |");
    }
    printf("%s%s\n", broken ? " BROKEN: " : "", broken ? broken : "");
    fflush(stdout);
    for (int i = 0; i < threads; i++) {
        free((void *)jobs[i].operations);
    }
    cc_ordered_free(map);
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
    const char *only = NULL, *kind = NULL;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--only")) {
            only = argv[i + 1];
        } else if (!strcmp(argv[i], "--kind")) {
            kind = argv[i + 1];
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
    printf("%s; load %.2f; median (min-max) of %d windows of %.2f s\n", cc_alloc_name(),
           getloadavg(load, 1) == 1 ? load[0] : -1.0, repeats, seconds);
    printf("| core     | workload  |    keys | threads | M/s | CPU ns/op | bytes/entry | flushed "
           "|\n|---|---|---|---|---|---|---|---|\n");
    for (int i = 0; i < WORKLOADS * 3 * 3 * KINDS; i++) {
        int k = i % KINDS, t = i / KINDS % 3, s = i / KINDS / 3 % 3, w = i / KINDS / 9;
        if ((kind && strcmp(kind, kinds[k].name)) || (only && strcmp(only, titles[w])) ||
            (keys && s) || (threads && t)) {
            continue;
        }
        measure(k, (enum workload)w, keys ? (size_t)keys : sizes[s], threads ? threads : teams[t],
                repeats, seconds);
    }
    return 0;
}
