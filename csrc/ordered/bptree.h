/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A B+tree with locks behind the ordered interface: O(log n), and few cache misses. Not lock-free:
 * a writer locks a leaf for a few stores, and a thread that loses its processor there holds up who
 * needs that leaf. bptree.c says how.
 */
#ifndef CC_BPTREE_H
#define CC_BPTREE_H

#include "ordered.h"

extern const cc_ordered_operations cc_bptree_operations;

#endif
