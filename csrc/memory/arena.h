/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The arena: memory for small blocks that lead to each other by 32 bits.
 *
 *     void *node = cc_arena_alloc(self, 40);
 *     uint32_t link = cc_arena_reference(node);      the two low bits are free, for marks
 *     node == cc_arena_at(link & ~CC_REFERENCE_MARKS)
 *     cc_arena_free(node, 40);
 *
 * What a caller may rely on:
 *   - A block is as large as was asked for, rounded up to eight bytes, and nothing lies between
 *     blocks: 40 bytes are 40 bytes. It is aligned to eight.
 *   - A reference is never 0, and stays the block's, and that of every place in it that is a
 *     multiple of eight, as long as the block is. It becomes a pointer by an AND and an addition.
 *   - Any thread may free a block. One that is in use is never given out again, and one that is
 *     freed is: to blocks of the same size, and when all blocks of its slab are free, of any.
 *   - Memory goes back to the system when all blocks of a slab are free (Memory).
 *   - When the arena is full, or the system has no memory, the answer is NULL, and nothing has
 *     changed. References never wrap.
 *
 * There is one arena for the whole process: so the base that references count from is one
 * variable, and a container of ten entries shares its pages with all the others. A base for each
 * container would have to be at hand wherever a link is followed, and thousands of small
 * containers would each have a reservation in the kernel, and a page of their own.
 *
 * Progress. Lock-free: no lock, and nobody waits. A thread takes what it has at hand itself,
 * without an atomic instruction. The system is asked once for some hundred blocks.
 *
 * Memory. Address space is reserved at the first block (ARENA_BYTES; less, where the process may
 * not have so much), which costs nothing; memory is had from the system as it is needed, at first
 * 64 kB, then always as much again, and from two megabytes on in huge pages where the system has
 * them. It goes back in slabs of SLAB_BYTES, where that is whole pages. What threads have at hand,
 * at most BLOCKS_AT_HAND freed blocks and one slab for each size, stays with their records, for
 * their successors. In a full arena a search for a slab looks at all of them.
 *
 * Fork. What a thread that does not live on in the child had at hand is lost there.
 *
 * Layer: above cc_thread.h, which has the fields of a thread.
 */
#ifndef CC_ARENA_H
#define CC_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include "cc_thread.h"

/* In a reference: what is no part of it. */
#define CC_REFERENCE_MARKS UINT32_C(3)

/* Where references count from. Written once, before there is a block. */
extern cc_atomic_uptr cc_arena_base;

/* Plain C11, so that schedules have no step here: whoever has a reference has seen it written. */
static inline uintptr_t cc_arena_begin(void) {
    return atomic_load_explicit(&cc_arena_base.word, memory_order_relaxed);
}

/* The place that a reference leads to; it has no marks, and is not 0. */
static inline void *cc_arena_at(uint32_t reference) {
    return (void *)(cc_arena_begin() + ((uintptr_t)reference << 1));
}

/* The reference to a place in a block. */
static inline uint32_t cc_arena_reference(const void *place) {
    return (uint32_t)(((uintptr_t)place - cc_arena_begin()) >> 1);
}

/* The bytes that a block of `bytes` takes. */
static inline size_t cc_arena_block_bytes(size_t bytes) {
    return (bytes + 7u) & ~(size_t)7u;
}

/* A block of CC_ARENA_LEAST to CC_ARENA_MOST bytes, or NULL. `self` is the calling thread. */
void *cc_arena_alloc(cc_thread *self, size_t bytes);

/* Give it back; `bytes` as they were asked for. Any thread, with a record or without. */
void cc_arena_free(void *block, size_t bytes);

/* Bytes of the slabs that hold a block which is in use, or at hand somewhere. */
uint64_t cc_arena_bytes(void);

/* Of all slabs with memory for blocks of one size. What a thread has at hand counts as in use. */
typedef struct cc_arena_blocks {
    uint64_t bytes; /* of one block */
    uint64_t slabs;
    uint64_t blocks, free; /* that fit into the slabs; and of these, free in their slabs */
} cc_arena_blocks;

/* One entry for each size, the smallest first. Each slab is looked at once, beside all other
 * threads; one that is just being taken for the first time may count as of the smallest size.
 * O(slabs); wait-free. */
void cc_arena_look(cc_arena_blocks out[CC_ARENA_SIZES]);

#endif
