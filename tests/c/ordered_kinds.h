/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The ordered containers, for tests that run on all of them.
 */
#ifndef CC_TEST_ORDERED_KINDS_H
#define CC_TEST_ORDERED_KINDS_H

#include "check.h"

#include "ordered/bptree.h"
#include "ordered/bst.h"
#include "ordered/ordered_inside.h"
#include "ordered/skiplist.h"
#include "ordered/skiplist_locked.h"

typedef struct ordered_kind {
    const cc_ordered_operations *operations;
    const char *name;
    bool can_be_a_path; /* what is put one by one in order makes it as deep as it is long */
    int percent; /* of the rounds of long tests */
} ordered_kind;

static const ordered_kind all_ordered_kinds[] UNUSED = {
    {&cc_skiplist_operations, "skip list", false, 100},
    {&cc_skiplist_locked_operations, "skip list with locks", false, 100},
    {&cc_bptree_operations, "B+tree", false, 100},
    {&cc_bst_operations, "binary search tree", true, 20},
};

/* The one that is being tested. */
static const ordered_kind *tested_kind UNUSED = all_ordered_kinds;

/* A new container of the tested kind. */
static inline UNUSED cc_ordered *ordered_of(const cc_word_table *words) {
    cc_ordered *map = cc_ordered_new(tested_kind->operations, words);
    CHECK(map);
    return map;
}

/* So many of n rounds of a long test, whatever kind is tested. */
static inline UNUSED int64_t scaled_for_kind(int64_t n) {
    return scaled(n * tested_kind->percent / 100);
}

/* Does it take snapshots? */
static inline UNUSED bool takes_snapshots(void) {
    return tested_kind->operations->scan_for_snapshot || tested_kind->operations->copy_all;
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
