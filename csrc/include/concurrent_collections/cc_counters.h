/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Counters of 64 bits for any number of threads, for native code: no Python object is ever touched,
 * so every function may be called with or without an attached thread state, from any thread.
 *
 *     cc_striped_counter *hits = cc_striped_counter_new(0);
 *     ... in every thread:    if (cc_striped_counter_add(hits, 1)) { it did not fit; }
 *     ... now and then:       cc_striped_counter_sum(hits, &sum, NULL);
 *     ... at the end:         cc_striped_counter_free(hits);
 *
 * Which one? An atomic counter is one word: each add knows what it has made of it, and all threads
 * meet there. A striped counter spreads its adds over cells of their own cache lines, so they do
 * not meet; the price is paid by whoever wants the sum, and an add does not know it.
 *
 * What a caller may rely on
 *
 *   No function wraps. An add whose result does not fit has no effect and says so.
 *   An atomic counter is linearizable. A striped one loses no add and counts none twice; see at
 *   cc_striped_counter_sum what its sum is while others add.
 *   What a thread did before an add is visible to whoever reads a value that counts the add.
 *
 * Progress: everything is lock-free; get, set, get_and_set, sum and sum_then_reset are wait-free.
 * Only the functions `new` need memory.
 */
#ifndef CC_COUNTERS_H
#define CC_COUNTERS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cc_atomic_counter cc_atomic_counter;
typedef struct cc_striped_counter cc_striped_counter;

/* Answers. */
#define CC_COUNTER_OK 0
#define CC_COUNTER_OVERFLOW (-1) /* the result is no int64_t */

/* ---- one word ---- */

/* A new counter with this value, or NULL without memory. */
cc_atomic_counter *cc_atomic_counter_new(int64_t value);

/* Free it; NULL is nothing. No other thread uses it any more. */
void cc_atomic_counter_free(cc_atomic_counter *counter);

/* The value. */
int64_t cc_atomic_counter_get(const cc_atomic_counter *counter);

/* Make it this value, whatever it was. */
void cc_atomic_counter_set(cc_atomic_counter *counter, int64_t value);

/* The same; returns what it was. */
int64_t cc_atomic_counter_get_and_set(cc_atomic_counter *counter, int64_t value);

/* Add, which may be less than 0. CC_COUNTER_OK, and *now (if not NULL) is the new value; or
 * CC_COUNTER_OVERFLOW, and nothing has changed. */
int cc_atomic_counter_add(cc_atomic_counter *counter, int64_t amount, int64_t *now);

/* Make it `value` if it is `expected`: 1. Else 0, and nothing has changed. */
int cc_atomic_counter_compare_and_set(cc_atomic_counter *counter, int64_t expected, int64_t value);

/* ---- striped ---- */

/* A new counter with this sum, or NULL without memory. It has a cache line for each processor, 64
 * at most, rounded up to a power of two. */
cc_striped_counter *cc_striped_counter_new(int64_t value);

/* Free it; NULL is nothing. No other thread uses it any more. */
void cc_striped_counter_free(cc_striped_counter *counter);

/* Add, which may be less than 0. CC_COUNTER_OK; or CC_COUNTER_OVERFLOW, and nothing has changed: no
 * cell had room for it. If nobody else adds meanwhile, that is only when the new sum would be no
 * int64_t. */
int cc_striped_counter_add(cc_striped_counter *counter, int64_t amount);

/* The sum of all adds: of those that ended before the call began, and of any of those that ran
 * beside it. So it is exact when nobody adds meanwhile. If all amounts are 1 it is linearizable,
 * too; with others it may be a number that the count never was.
 *
 * Cells can hold more together than an int64_t. CC_COUNTER_OK and *sum; or CC_COUNTER_OVERFLOW, and
 * the sum is *high times 2 to the 64, plus *sum read as unsigned. `high` may be NULL. */
int cc_striped_counter_sum(const cc_striped_counter *counter, int64_t *sum, int64_t *high);

/* The same, and what is in the answer is taken out of the counter: each add is in the answer of
 * exactly one call, or still in the counter. */
int cc_striped_counter_sum_then_reset(cc_striped_counter *counter, int64_t *sum, int64_t *high);

/* The sums of `count` counters, each as cc_striped_counter_sum has it, into sums[] and highs[] (if
 * not NULL). Counters are read from the last to the first. So if an add to one counter comes before
 * an add to a later one, no answer has the second add without the first. CC_COUNTER_OVERFLOW if any
 * of the sums is no int64_t. */
int cc_striped_counter_sum_all(cc_striped_counter *const *counters, size_t count, int64_t *sums,
                               int64_t *highs);

/* The same, and what is in the answers is taken out of the counters: each add is in the answer of
 * exactly one call, or still in its counter. The order holds for all answers together. */
int cc_striped_counter_sum_all_then_reset(cc_striped_counter *const *counters, size_t count,
                                          int64_t *sums, int64_t *highs);

/* ---- not in the C API ---- */

#ifdef __cplusplus
}
#endif

#endif
