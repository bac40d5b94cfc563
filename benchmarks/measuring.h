/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the benchmarks in C share: clocks, and sorting their times. For programs that define _GNU_SOURCE.
 */
#ifndef CC_BENCH_MEASURING_H
#define CC_BENCH_MEASURING_H

#include <stdlib.h>
#include <time.h>

/* Seconds on a clock: CLOCK_MONOTONIC, or CLOCK_THREAD_CPUTIME_ID for what this thread has used. */
static inline double seconds_of(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static inline int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* In order, so that the first is the least, the middle the median, the last the most. */
static inline void sort_doubles(double *values, int count) {
    qsort(values, (size_t)count, sizeof *values, compare_doubles);
}

#endif
