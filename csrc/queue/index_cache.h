/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The index cache of a thread: free indices of one ring, for its own next puts.
 *
 * A put takes an index from its own cache and a get puts its index there, with plain accesses; only
 * once in `chain_length` puts or gets is the ring's `free` used. At least half of the indices, or
 * as many as the queue may hold, are never in a cache.
 *
 * Why. SCQ and wCQ have a second ring of indices, `free`, and half of what an operation costs is
 * paid there. But a put does not care which free index it gets.
 *
 * Chains. What goes through `free` are chains of `chain_length` indices, linked through the words
 * of the free slots:
 *
 *     first --> 17 --> 4 --> 9 --> 30
 *
 * words[i] of a free index is the index after it, CC_NO_INDEX at the end.
 *
 * A put that finds its cache empty takes a whole chain; a get that has cached two chains gives one
 * back. A chain belongs to whoever has taken its first index out of `free`, or has gathered it:
 * nobody else looks at the words of its indices. The operations of the ring that hand over a single
 * index hand over the chain behind it.
 *
 * Who caches. Handles up to the number `caching_handles`. The others take a chain, use one
 * index and give the rest back, and give back single ones. So a chain may be shorter than
 * `chain_length`, and `cache_count` is an upper bound. A put that finds no index makes the ring
 * final, which is no harm; a bounded queue to which that happens gets rings of twice its length,
 * with which it does not happen (cc_ring_make).
 *
 * How long. Cached indices are good while one of the handle's two hazards has protected the ring
 * ever since (ring_list.h): a ring that has been recycled is another ring. Of a ring that has a
 * next one nothing is worth caching: nobody puts there any more.
 */
#ifndef CC_QUEUE_INDEX_CACHE_H
#define CC_QUEUE_INDEX_CACHE_H

#include "ring_list.h"

#define CC_NO_INDEX UINT32_MAX
#ifndef CC_LONGEST_CHAIN
#define CC_LONGEST_CHAIN 16u
#endif

/* Constants of a ring. */
typedef struct cc_index_cache_sizes {
    uint32_t chain_length;
    uint32_t caching_handles; /* handles up to this number cache indices */
} cc_index_cache_sizes;

/* For 16 handles, if there are so many. */
static inline cc_index_cache_sizes cc_index_cache_sizes_of(const cc_queue *queue, uint32_t slots) {
    uint64_t capacity = queue->capacity;
    uint32_t spare = capacity && capacity < slots / 2 ? slots - (uint32_t)capacity : slots / 2;
    uint32_t wanted = CC_TEST_OPTION(queue, chain_length);
    uint32_t chain_length = wanted ? wanted : spare / 32;
    chain_length = chain_length < 1                  ? 1
                   : chain_length > CC_LONGEST_CHAIN ? CC_LONGEST_CHAIN
                                                     : chain_length;
    return (cc_index_cache_sizes){.chain_length = chain_length,
                                  .caching_handles = spare / (2 * chain_length - 1)};
}

/* Before the ring is known to anybody: the free indices from .. to - 1 in chains. What enters
 * `free` are from, from + chain_length, ... */
static inline void cc_chain_up(cc_atomic_uptr *words, uint32_t from, uint32_t to,
                               uint32_t chain_length) {
    for (uint32_t i = from; i < to; i++) {
        cc_store_relaxed_uptr(&words[i], i + 1 < to ? i + 1 : CC_NO_INDEX);
    }
    for (uint32_t last = from + chain_length - 1; last < to; last += chain_length) {
        cc_store_relaxed_uptr(&words[last], CC_NO_INDEX);
    }
}

static inline uint32_t cc_index_after(const cc_atomic_uptr *words, uint32_t index) {
    return (uint32_t)cc_load_relaxed_uptr(&words[index]);
}

/* A cached index of this ring; CC_NO_INDEX: take a chain out of `free`, and tell
 * cc_index_cache_fill. */
CC_ALWAYS_INLINE uint32_t cc_index_cache_take(cc_handle *self, const cc_ring *ring,
                                              const cc_atomic_uptr *words) {
    if (self->cache_ring != ring || self->cache_first == CC_NO_INDEX) {
        return CC_NO_INDEX;
    }
    uint32_t index = self->cache_first;
    self->cache_first = cc_index_after(words, index);
    self->cache_count--;
    return index;
}

/* If a chain of another ring is cached, that ring has a next one. */
static inline void cc_index_cache_set(cc_handle *self, const cc_ring *ring, uint32_t first,
                                      uint32_t count) {
    self->cache_ring = ring;
    self->cache_first = first;
    self->cache_count = count;
}

/* `index` has come out of `free`. Returns the chain behind it if that has to go back, else
 * CC_NO_INDEX. */
CC_ALWAYS_INLINE uint32_t cc_index_cache_fill(cc_handle *self, const cc_ring *ring,
                                              cc_index_cache_sizes sizes,
                                              const cc_atomic_uptr *words, uint32_t index) {
    uint32_t rest = cc_index_after(words, index);
    if (rest == CC_NO_INDEX || self->number > sizes.caching_handles) {
        return rest;
    }
    cc_index_cache_set(self, ring, rest, sizes.chain_length - 1);
    return CC_NO_INDEX;
}

/* The word of `index` has been taken. Returns a chain that has to go to `free`, or CC_NO_INDEX. */
CC_ALWAYS_INLINE uint32_t cc_index_cache_put(cc_handle *self, const cc_ring *ring,
                                             cc_index_cache_sizes sizes, cc_atomic_uptr *words,
                                             uint32_t index) {
    if (self->number > sizes.caching_handles) {
        cc_store_relaxed_uptr(&words[index], CC_NO_INDEX);
        return index;
    }
    if (self->cache_ring != ring) {
        if (cc_load_relaxed_uptr(&ring->next)) {
            return CC_NO_INDEX;
        }
        cc_index_cache_set(self, ring, CC_NO_INDEX, 0);
    }
    cc_store_relaxed_uptr(&words[index], self->cache_first);
    self->cache_first = index;
    if (++self->cache_count < 2 * sizes.chain_length) {
        return CC_NO_INDEX;
    }
    uint32_t last = index;
    for (uint32_t i = 1; i < sizes.chain_length && cc_index_after(words, last) != CC_NO_INDEX;
         i++) {
        last = cc_index_after(words, last);
    }
    self->cache_first = cc_index_after(words, last);
    self->cache_count = sizes.chain_length;
    cc_store_relaxed_uptr(&words[last], CC_NO_INDEX);
    return index;
}

#endif
