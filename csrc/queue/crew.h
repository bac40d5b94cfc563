/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Handles of a queue by number: for kinds in which threads help each other, and so must find each other.
 *
 * Numbers are 1, 2, 3, ... in the order of joining, and are never given back: a block belongs to a thread record, and
 * the next thread with that record goes on with its number. So they are bounded by the threads that lived at once.
 * Joining is lock-free; looking up is two loads.
 *
 * Pairs of releases and acquires, by number:
 *   (1) a chunk, and a handle in it    with the loads that find them: what is in it.
 *   (2) the count                      with the loads of it: who sees n finds all handles up to n.
 */
#ifndef CC_QUEUE_CREW_H
#define CC_QUEUE_CREW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "../memory/cc_alloc.h"
#include "concurrent_collections/cc_atomic.h"

#ifndef CC_CREW_FIRST_CHUNK
#define CC_CREW_FIRST_CHUNK 8u /* chunk i has room for 8 << i */
#endif
#define CC_CREW_CHUNKS 17u
#define CC_CREW_MOST ((CC_CREW_FIRST_CHUNK << CC_CREW_CHUNKS) - CC_CREW_FIRST_CHUNK) /* < 2^20 */

/* All zero at the beginning. */
typedef struct cc_crew {
    cc_atomic_u32 count;
    cc_atomic_uptr chunks[CC_CREW_CHUNKS];
} cc_crew;

static inline uint32_t cc_crew_count(const cc_crew *crew) {
    return cc_load_seq_cst_u32(&crew->count); /* pairs with (2) */
}

static inline uint32_t cc_crew_chunk_of(uint32_t number) {
    uint32_t n = (number - 1) / CC_CREW_FIRST_CHUNK + 1, chunk = 0;
    while (n >>= 1) {
        chunk++;
    }
    return chunk;
}

/* NULL: there is no chunk for it yet. */
static inline cc_atomic_uptr *cc_crew_place(const cc_crew *crew, uint32_t number) {
    uint32_t chunk = cc_crew_chunk_of(number);
    cc_atomic_uptr *places = (cc_atomic_uptr *)cc_load_acquire_uptr(&crew->chunks[chunk]); /* (1) */
    uint32_t before = (CC_CREW_FIRST_CHUNK << chunk) - CC_CREW_FIRST_CHUNK;
    return places ? &places[number - 1 - before] : NULL;
}

/* The handle with this number, 1 .. count. */
static inline void *cc_crew_member(const cc_crew *crew, uint32_t number) {
    return (void *)cc_load_acquire_uptr(cc_crew_place(crew, number)); /* pairs with (1) */
}

/* Makes a handle of `handle`, and writes its number before anybody can find it. False without memory, or when there are
 * too many. */
static inline bool cc_crew_join(cc_crew *crew, void *handle, uint32_t *number) {
    for (;;) {
        uint32_t count = cc_crew_count(crew);
        if (count == CC_CREW_MOST) {
            return false;
        }
        cc_atomic_uptr *place = cc_crew_place(crew, count + 1);
        if (!place) {
            uint32_t chunk = cc_crew_chunk_of(count + 1);
            size_t bytes = (CC_CREW_FIRST_CHUNK << chunk) * sizeof(cc_atomic_uptr);
            void *places = cc_alloc(bytes);
            if (!places) {
                return false;
            }
            memset(places, 0, bytes);
            uintptr_t none = 0;
            if (!cc_cas_acq_rel_uptr(&crew->chunks[chunk], &none, (uintptr_t)places)) { /* (1) */
                cc_free(places);
            }
            continue;
        }
        *number = count + 1;
        uintptr_t nobody = 0;
        bool joined = cc_cas_acq_rel_uptr(place, &nobody, (uintptr_t)handle); /* (1) */
        (void)cc_cas_seq_cst_u32(&crew->count, &count,
                                 count + 1); /* (2); for another, if it was faster */
        if (joined) {
            return true;
        }
    }
}

/* Frees the chunks; the handles are somebody else's. */
static inline void cc_crew_end(cc_crew *crew) {
    for (uint32_t i = 0; i < CC_CREW_CHUNKS; i++) {
        cc_free((void *)cc_load_relaxed_uptr(&crew->chunks[i]));
    }
}

static inline size_t cc_crew_bytes(const cc_crew *crew) {
    size_t bytes = 0;
    for (uint32_t i = 0; i < CC_CREW_CHUNKS; i++) {
        if (cc_load_relaxed_uptr(&crew->chunks[i])) {
            bytes += (CC_CREW_FIRST_CHUNK << i) * sizeof(cc_atomic_uptr);
        }
    }
    return bytes;
}

#endif
