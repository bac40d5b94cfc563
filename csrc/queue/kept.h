/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a thread keeps: free indices of one ring, for its own next puts.
 *
 * Problem. SCQ and wCQ have a second ring of indices, `free`, and half of what an operation pays goes there. But who puts
 * does not care which free index it gets. So a get keeps its index, and a put takes one that its thread has kept. What
 * goes through `free` are chains of `together` indices: a thread without any takes a whole chain, one that has kept two
 * chains gives one back, and each of them pays once for that many puts or gets.
 *
 *     first --> 17 --> 4 --> 9 --> 30        words[i] of a free index is the index after it, CC_NO_INDEX at the end
 *
 * A chain belongs to whoever has taken its first index out of `free`, or has gathered it; nobody else looks at the words of its
 * indices. They are handed over, and back, by the same operations of the ring that hand over a single index.
 *
 * Only so many handles keep anything (`keepers`) that at least half of the indices, or as many as the queue may hold, are left. The
 * others take a chain, use one index and give the rest back, and give back single ones. So a chain may be shorter than
 * `together`, and `count` is an upper bound. A put that finds no index makes the ring final: that is no harm, and a bounded queue to
 * which it happens gets rings of twice its length, with which it does not happen (cc_ring_make).
 *
 * What is kept is good as long as one of the handle's two hazards has named the ring ever since (ring_list.h): a ring that has been
 * recycled is another ring. Of a ring that has a next one nothing is worth keeping: nobody puts there any more.
 *
 * fork() may come between any two of these stores, and in the child another thread takes over the handle's block. So the
 * stores are ordered such that it finds nothing kept, or a chain that is whole: an index is lost at most. For the same
 * reason the word of an index that was kept is stored with release.
 */
#ifndef CC_QUEUE_KEPT_H
#define CC_QUEUE_KEPT_H

#include "ring_list.h"

#define CC_NO_INDEX UINT32_MAX
#ifndef CC_MOST_TOGETHER
#define CC_MOST_TOGETHER 16u
#endif

/* Constants of a ring. */
typedef struct cc_keeping {
    uint32_t together;
    uint32_t keepers; /* handles with a smaller ordinal keep indices */
} cc_keeping;

/* For 16 handles, if there are so many. */
static inline cc_keeping cc_keeping_of(const cc_queue *queue, uint32_t slots) {
    uint64_t capacity = queue->capacity;
    uint32_t spare = capacity && capacity < slots / 2 ? slots - (uint32_t)capacity : slots / 2;
    uint32_t together = queue->options.together ? queue->options.together : spare / 32;
    together = together < 1 ? 1 : together > CC_MOST_TOGETHER ? CC_MOST_TOGETHER : together;
    return (cc_keeping){.together = together, .keepers = spare / (2 * together - 1)};
}

/* Before the ring is known to anybody: the free indices from .. to - 1 in chains. What enters `free` are from,
 * from + together, ... */
static inline void cc_chain_up(cc_atomic_uptr *words, uint32_t from, uint32_t to,
                               uint32_t together) {
    for (uint32_t i = from; i < to; i++) {
        cc_store_relaxed_uptr(&words[i], i + 1 < to ? i + 1 : CC_NO_INDEX);
    }
    for (uint32_t last = from + together - 1; last < to; last += together) {
        cc_store_relaxed_uptr(&words[last], CC_NO_INDEX);
    }
}

static inline uint32_t cc_index_after(const cc_atomic_uptr *words, uint32_t index) {
    return (uint32_t)cc_load_relaxed_uptr(&words[index]);
}

/* A kept index of this ring; CC_NO_INDEX: take a chain out of `free`, and tell cc_keep_the_rest. */
CC_ALWAYS_INLINE uint32_t cc_use_kept(cc_handle *self, const cc_ring *ring,
                                      const cc_atomic_uptr *words) {
    if (self->kept_of != ring || self->kept_first == CC_NO_INDEX) {
        return CC_NO_INDEX;
    }
    uint32_t index = self->kept_first;
    self->kept_first = cc_index_after(words, index);
    self->kept_count--;
    return index;
}

/* If a chain of another ring was kept, that ring has a next one. */
static inline void cc_keep_chain(cc_handle *self, const cc_ring *ring, uint32_t first,
                                 uint32_t count) {
    self->kept_of = NULL;
    cc_fence_for_fork();
    self->kept_first = first;
    self->kept_count = count;
    cc_fence_for_fork();
    self->kept_of = ring;
}

/* `index` has come out of `free`. Returns the chain behind it if that has to go back, else CC_NO_INDEX. */
CC_ALWAYS_INLINE uint32_t cc_keep_the_rest(cc_handle *self, const cc_ring *ring, cc_keeping keeping,
                                           const cc_atomic_uptr *words, uint32_t index) {
    uint32_t rest = cc_index_after(words, index);
    if (rest == CC_NO_INDEX || self->ordinal >= keeping.keepers) {
        return rest;
    }
    cc_keep_chain(self, ring, rest, keeping.together - 1);
    return CC_NO_INDEX;
}

/* The word of `index` has been taken. Returns a chain that has to go to `free`, or CC_NO_INDEX. */
CC_ALWAYS_INLINE uint32_t cc_keep(cc_handle *self, const cc_ring *ring, cc_keeping keeping,
                                  cc_atomic_uptr *words, uint32_t index) {
    if (self->ordinal >= keeping.keepers) {
        cc_store_relaxed_uptr(&words[index], CC_NO_INDEX);
        return index;
    }
    if (self->kept_of != ring) {
        if (cc_load_relaxed_uptr(&ring->next)) {
            return CC_NO_INDEX;
        }
        cc_keep_chain(self, ring, CC_NO_INDEX, 0);
    }
    cc_store_relaxed_uptr(&words[index], self->kept_first);
    cc_fence_for_fork();
    self->kept_first = index;
    if (++self->kept_count < 2 * keeping.together) {
        return CC_NO_INDEX;
    }
    uint32_t last = index;
    for (uint32_t i = 1; i < keeping.together && cc_index_after(words, last) != CC_NO_INDEX; i++) {
        last = cc_index_after(words, last);
    }
    self->kept_first = cc_index_after(words, last);
    self->kept_count = keeping.together;
    cc_store_release_uptr(&words[last], CC_NO_INDEX);
    return index;
}

#endif
