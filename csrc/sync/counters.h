/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Counters, for the families and their classes: beside cc_counters.h, adding to any shared int64_t
 * (which is kept as a word of 64 bits) without ever wrapping.
 *
 * What a caller of cc_checked_add may rely on: the new value is there, or, if it is no int64_t,
 * nothing has changed. What the thread did before is visible to whoever loads the new value, or a
 * later one. (18)
 *
 * Linearization point: the compare-and-swap; of an add that does not fit, the load that found so.
 *
 * Progress: lock-free. A fetch-and-add that is taken back when it was too much would be wait-free,
 * but for a while everybody would see a value that has wrapped.
 */
#ifndef CC_COUNTERS_INSIDE_H
#define CC_COUNTERS_INSIDE_H

#include "concurrent_collections/cc_atomic.h"
#include "concurrent_collections/cc_counters.h"

/* Whether a + b is an int64_t, and then *sum. */
static inline bool cc_sum_fits(int64_t a, int64_t b, int64_t *sum) {
    if (b < 0 ? a < INT64_MIN - b : a > INT64_MAX - b) {
        return false;
    }
    *sum = a + b;
    return true;
}

/* False: it does not fit. `now`, if not NULL, gets the new value. */
static inline bool cc_checked_add(cc_atomic_u64 *word, int64_t amount, int64_t *now) {
    uint64_t seen = cc_load_seq_cst_u64(word);
    int64_t sum;
    do {
        if (!cc_sum_fits((int64_t)seen, amount, &sum)) {
            return false;
        }
    } while (!cc_cas_seq_cst_u64(word, &seen, (uint64_t)sum)); /* (18) */
    if (now) {
        *now = sum;
    }
    return true;
}

/* A striped counter with so many cells: a power of two. */
cc_striped_counter *cc_striped_counter_new_with(int64_t value, uint32_t cells);

/* Bytes of memory that a counter takes. */
size_t cc_atomic_counter_bytes(void);
size_t cc_striped_counter_bytes(const cc_striped_counter *counter);

#endif
