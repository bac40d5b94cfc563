/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A binary search tree behind the ordered interface, lock-free: O(log n) while keys come in no
 * order, O(n) where they are put one by one in order, for nothing balances it. bst.c says how.
 */
#ifndef CC_BST_H
#define CC_BST_H

#include "ordered.h"

extern const cc_ordered_operations cc_bst_operations;

#endif
