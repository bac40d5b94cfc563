/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A skip list with locks behind the ordered interface: reads are lock-free, whoever inserts or
 * removes an entry locks the nodes beside it. skiplist_locked.c says how.
 */
#ifndef CC_SKIPLIST_LOCKED_H
#define CC_SKIPLIST_LOCKED_H

#include "ordered.h"

extern const cc_ordered_operations cc_skiplist_locked_operations;

#endif
