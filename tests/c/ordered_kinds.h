/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The ordered containers, for tests that run on all of them.
 */
#ifndef CC_TEST_ORDERED_KINDS_H
#define CC_TEST_ORDERED_KINDS_H

#include "check.h"

#include "ordered/bptree.h"
#include "ordered/skiplist.h"
#include "ordered/skiplist_locked.h"

typedef struct ordered_kind {
    const cc_ordered_operations *operations;
    const char *name;
} ordered_kind;

static const ordered_kind all_ordered_kinds[] UNUSED = {
    {&cc_skiplist_operations, "skip list"},
    {&cc_skiplist_locked_operations, "skip list with locks"},
    {&cc_bptree_operations, "B+tree"},
};

/* The one that is being tested. */
static const ordered_kind *tested_kind UNUSED = all_ordered_kinds;

/* A new container of the tested kind. */
static inline UNUSED cc_ordered *ordered_of(const cc_word_table *words) {
    cc_ordered *map = cc_ordered_new(tested_kind->operations, words);
    CHECK(map);
    return map;
}

/* Calls `test` for every kind. */
static inline UNUSED void for_every_ordered_kind(void (*test)(void)) {
    for (size_t i = 0; i < sizeof all_ordered_kinds / sizeof *all_ordered_kinds; i++) {
        tested_kind = &all_ordered_kinds[i];
        printf("%s\n", tested_kind->name);
        test();
    }
}

#endif
