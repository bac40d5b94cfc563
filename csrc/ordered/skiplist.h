/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A lock-free skip list behind the ordered interface: expected O(log n), O(1) for keys that a hint
 * leads to. skiplist.c says how.
 */
#ifndef CC_SKIPLIST_H
#define CC_SKIPLIST_H

#include "ordered.h"

extern const cc_ordered_operations cc_skiplist_operations;

#endif
