/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A lock-free skip list behind the ordered interface: expected O(log n), and O(1) to find a key
 * with a hash, or that it is absent. skiplist.c says how.
 */
#ifndef CC_SKIPLIST_H
#define CC_SKIPLIST_H

#include "ordered.h"

extern const cc_ordered_operations cc_skiplist_operations;

#endif
