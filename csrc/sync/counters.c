/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Counters: what callers may rely on is in cc_counters.h.
 *
 * An atomic counter is a word on a line of its own. A striped one has a cell, on a line of its own,
 * for each processor, as LongAdder of java.util.concurrent has (after D. Lea's Striped64); which
 * cell a thread adds to follows from its thread record:
 *
 *     | mask      | cell 0    | cell 1    | ... |       thread record i adds to cell i & mask
 *
 * Differences from LongAdder. Records that are in use have different numbers, and low ones, so
 * threads meet in a cell only when there are more of them than cells; nobody has to look for a cell
 * without contention, and the cells are there from the beginning. A cell never wraps: an add that
 * its own cell has no room for goes to another one.
 *
 * Why an add that fits is never refused when it is alone: let x > 0 have room in no cell. Then each
 * cell is greater than INT64_MAX - x, which is not less than 0. So no cell is negative, the sum is
 * not less than any of them, and the sum plus x is greater than INT64_MAX. The same with x < 0.
 *
 * Linearization points. Of an atomic counter: get, its load; set and get_and_set, their exchange;
 * compare_and_set, its compare-and-swap; add: counters.h. Of a striped counter: an add, its
 * compare-and-swap. A sum is no snapshot of the cells. If all amounts are 1, cells only grow, one
 * by one: the count goes through every number between what it was when the sum began to look and
 * what it was when it had looked, and the sum is one of these. And a sum that begins when another
 * has ended finds each cell at least as large.
 *
 * Memory: nothing is retired. Whoever frees a counter is the last to use it.
 *
 * Fork: a cell is changed by one instruction, so in the child each add of a thread that is gone has
 * happened or not.
 *
 * Pairs of releases and acquires, by number:
 *   (18) a cell has an add      with loads of it: what was done before the add can be seen. All of
 *        them are sequentially consistent, so that adds and sums of several counters have one
 *        order: cc_striped_counter_sum_all relies on that.
 */
#include "counters.h"

#include <string.h>

#include "../memory/cc_alloc.h"
#include "../memory/cc_thread.h"
#include "../memory/domain.h"

#ifndef MOST_CELLS
#define MOST_CELLS 64u
#endif

typedef struct cell {
    cc_atomic_u64 value; /* an int64_t */
    char rest_of_line[CC_CACHE_LINE - sizeof(uint64_t)];
} cell;

/* ---------------------------------------------------------------- one word */

struct cc_atomic_counter {
    cell only;
};

cc_atomic_counter *cc_atomic_counter_new(int64_t value) {
    cc_atomic_counter *counter = cc_alloc_aligned(sizeof *counter, CC_CACHE_LINE);
    if (counter) {
        cc_store_relaxed_u64(&counter->only.value, (uint64_t)value);
    }
    return counter;
}

size_t cc_atomic_counter_bytes(void) {
    return sizeof(cc_atomic_counter);
}

void cc_atomic_counter_free(cc_atomic_counter *counter) {
    cc_free(counter);
}

int64_t cc_atomic_counter_get(const cc_atomic_counter *counter) {
    return (int64_t)cc_load_seq_cst_u64(&counter->only.value); /* (18) */
}

void cc_atomic_counter_set(cc_atomic_counter *counter, int64_t value) {
    (void)cc_exchange_seq_cst_u64(&counter->only.value, (uint64_t)value); /* (18) */
}

int64_t cc_atomic_counter_get_and_set(cc_atomic_counter *counter, int64_t value) {
    return (int64_t)cc_exchange_seq_cst_u64(&counter->only.value, (uint64_t)value); /* (18) */
}

int cc_atomic_counter_add(cc_atomic_counter *counter, int64_t amount, int64_t *now) {
    return cc_checked_add(&counter->only.value, amount, now) ? CC_COUNTER_OK : CC_COUNTER_OVERFLOW;
}

int cc_atomic_counter_compare_and_set(cc_atomic_counter *counter, int64_t expected, int64_t value) {
    uint64_t seen = (uint64_t)expected;
    return cc_cas_seq_cst_u64(&counter->only.value, &seen, (uint64_t)value); /* (18) */
}

/* ---------------------------------------------------------------- striped */

struct cc_striped_counter {
    uint32_t mask; /* cells less one; written once */
    char rest_of_line[CC_CACHE_LINE - sizeof(uint32_t)];
    cell cells[];
};

cc_striped_counter *cc_striped_counter_new_with(int64_t value, uint32_t cells) {
    size_t bytes = sizeof(cc_striped_counter) + cells * sizeof(cell);
    cc_striped_counter *counter = cc_alloc_aligned(bytes, CC_CACHE_LINE);
    if (counter) {
        memset((void *)counter, 0, bytes);
        counter->mask = cells - 1;
        cc_store_relaxed_u64(&counter->cells[0].value, (uint64_t)value);
    }
    return counter;
}

cc_striped_counter *cc_striped_counter_new(int64_t value) {
    return cc_striped_counter_new_with(value, cc_stripes_for_processors(MOST_CELLS));
}

size_t cc_striped_counter_bytes(const cc_striped_counter *counter) {
    return sizeof *counter + (counter->mask + (size_t)1) * sizeof(cell);
}

void cc_striped_counter_free(cc_striped_counter *counter) {
    cc_free(counter);
}

int cc_striped_counter_add(cc_striped_counter *counter, int64_t amount) {
    const cc_thread *self = cc_thread_self();
    uint32_t own = self ? self->index : 0; /* without memory for a record any cell will do */
    for (uint32_t i = 0; i <= counter->mask; i++) {
        if (cc_checked_add(&counter->cells[(own + i) & counter->mask].value, amount, NULL)) {
            return CC_COUNTER_OK;
        }
    }
    return CC_COUNTER_OVERFLOW;
}

/* A sum of 128 bits. */
typedef struct wide {
    uint64_t low;
    int64_t high;
} wide;

static void add_wide(wide *sum, uint64_t word) {
    int64_t value = (int64_t)word;
    sum->low += word;
    sum->high += (sum->low < word) - (value < 0);
}

static int tell(const wide *sum, int64_t *low, int64_t *high) {
    *low = (int64_t)sum->low;
    if (high) {
        *high = sum->high;
    }
    return sum->high == (*low < 0 ? -1 : 0) ? CC_COUNTER_OK : CC_COUNTER_OVERFLOW;
}

int cc_striped_counter_sum(const cc_striped_counter *counter, int64_t *sum, int64_t *high) {
    wide all = {0, 0};
    for (uint32_t i = 0; i <= counter->mask; i++) {
        add_wide(&all, cc_load_seq_cst_u64(&counter->cells[i].value)); /* (18) */
    }
    return tell(&all, sum, high);
}

int cc_striped_counter_sum_then_reset(cc_striped_counter *counter, int64_t *sum, int64_t *high) {
    wide all = {0, 0};
    for (uint32_t i = 0; i <= counter->mask; i++) {
        add_wide(&all, cc_exchange_seq_cst_u64(&counter->cells[i].value, 0)); /* (18) */
    }
    return tell(&all, sum, high);
}

int cc_striped_counter_sum_all(cc_striped_counter *const *counters, size_t count, int64_t *sums,
                               int64_t *highs) {
    int answer = CC_COUNTER_OK;
    for (size_t i = count; i-- > 0;) { /* the order is promised */
        if (cc_striped_counter_sum(counters[i], &sums[i], highs ? &highs[i] : NULL)) {
            answer = CC_COUNTER_OVERFLOW;
        }
    }
    return answer;
}

int cc_striped_counter_sum_all_then_reset(cc_striped_counter *const *counters, size_t count,
                                          int64_t *sums, int64_t *highs) {
    int answer = CC_COUNTER_OK;
    for (size_t i = count; i-- > 0;) { /* the order is promised */
        if (cc_striped_counter_sum_then_reset(counters[i], &sums[i], highs ? &highs[i] : NULL)) {
            answer = CC_COUNTER_OVERFLOW;
        }
    }
    return answer;
}
