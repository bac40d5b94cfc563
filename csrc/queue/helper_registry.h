/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The helper registry of a queue: its handles by number, for kinds in which threads help each
 * other, and so must find each other.
 *
 * Registration. Numbers are 1, 2, 3, ... in the order of joining; who sees the count n finds all
 * handles up to n. They are never given back: a handle belongs to a thread record, and the next
 * thread with that record goes on with its number. So they are bounded by the threads that lived at
 * once.
 *
 * Progress. Joining is lock-free; looking up is two loads.
 *
 * Memory. Chunks, each twice as long as the one before, are freed with the queue; the handles are
 * somebody else's.
 *
 * Pairs of releases and acquires, by number:
 *   (1) a chunk, and a handle in it    with the loads that find them: what is in it.
 *   (2) the count                      with the loads of it: who sees n finds all handles up to n.
 */
#ifndef CC_QUEUE_HELPER_REGISTRY_H
#define CC_QUEUE_HELPER_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "../memory/cc_alloc.h"
#include "concurrent_collections/cc_atomic.h"

#ifndef CC_HELPERS_FIRST_CHUNK
#define CC_HELPERS_FIRST_CHUNK 8u /* chunk i has room for 8 << i */
#endif
#define CC_HELPERS_CHUNKS 17u
#define CC_HELPERS_MOST                                                                            \
    ((CC_HELPERS_FIRST_CHUNK << CC_HELPERS_CHUNKS) - CC_HELPERS_FIRST_CHUNK) /* < 2^20 */

/* All zero at the beginning. */
typedef struct cc_helpers {
    cc_atomic_u32 count;
    cc_atomic_uptr chunks[CC_HELPERS_CHUNKS];
} cc_helpers;

static inline uint32_t cc_helpers_count(const cc_helpers *helpers) {
    return cc_load_seq_cst_u32(&helpers->count); /* pairs with (2) */
}

static inline uint32_t cc_helper_chunk_of(uint32_t number) {
    uint32_t n = (number - 1) / CC_HELPERS_FIRST_CHUNK + 1, chunk = 0;
    while (n >>= 1) {
        chunk++;
    }
    return chunk;
}

/* NULL: there is no chunk for it yet. */
static inline cc_atomic_uptr *cc_helper_place(const cc_helpers *helpers, uint32_t number) {
    uint32_t chunk = cc_helper_chunk_of(number);
    cc_atomic_uptr *places =
        (cc_atomic_uptr *)cc_load_acquire_uptr(&helpers->chunks[chunk]); /* (1) */
    uint32_t before = (CC_HELPERS_FIRST_CHUNK << chunk) - CC_HELPERS_FIRST_CHUNK;
    return places ? &places[number - 1 - before] : NULL;
}

/* The handle with this number, 1 .. count. */
static inline void *cc_helper_at(const cc_helpers *helpers, uint32_t number) {
    return (void *)cc_load_acquire_uptr(cc_helper_place(helpers, number)); /* pairs with (1) */
}

/* Registers `handle`, and writes its number before anybody can find it. False without memory, or
 * when there are too many. */
static inline bool cc_helpers_join(cc_helpers *helpers, void *handle, uint32_t *number) {
    for (;;) {
        uint32_t count = cc_helpers_count(helpers);
        if (count == CC_HELPERS_MOST) {
            return false;
        }
        cc_atomic_uptr *place = cc_helper_place(helpers, count + 1);
        if (!place) {
            uint32_t chunk = cc_helper_chunk_of(count + 1);
            size_t bytes = (CC_HELPERS_FIRST_CHUNK << chunk) * sizeof(cc_atomic_uptr);
            void *places = cc_alloc(bytes);
            if (!places) {
                return false;
            }
            memset(places, 0, bytes);
            uintptr_t none = 0;
            if (!cc_cas_acq_rel_uptr(&helpers->chunks[chunk], &none, (uintptr_t)places)) { /* (1) */
                cc_free(places);
            }
            continue;
        }
        *number = count + 1;
        uintptr_t nobody = 0;
        bool joined = cc_cas_acq_rel_uptr(place, &nobody, (uintptr_t)handle); /* (1) */
        (void)cc_cas_seq_cst_u32(&helpers->count, &count,
                                 count + 1); /* (2); for another, if it was faster */
        if (joined) {
            return true;
        }
    }
}

/* Frees the chunks; the handles are somebody else's. */
static inline void cc_helpers_end(cc_helpers *helpers) {
    for (uint32_t i = 0; i < CC_HELPERS_CHUNKS; i++) {
        cc_free((void *)cc_load_relaxed_uptr(&helpers->chunks[i]));
    }
}

static inline size_t cc_helpers_bytes(const cc_helpers *helpers) {
    size_t bytes = 0;
    for (uint32_t i = 0; i < CC_HELPERS_CHUNKS; i++) {
        if (cc_load_relaxed_uptr(&helpers->chunks[i])) {
            bytes += (CC_HELPERS_FIRST_CHUNK << i) * sizeof(cc_atomic_uptr);
        }
    }
    return bytes;
}

#endif
